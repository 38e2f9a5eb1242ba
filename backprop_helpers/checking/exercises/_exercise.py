"""What an exercise is: its cases, its right answer, and the mistakes that are known."""

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-9  # relative to the largest entry, at least 1: float64, whatever the order of the sums


class Part(NamedTuple):
    """One of the arrays that a function returns."""

    name: str  # such as "dw"
    axes: tuple[str, ...] = ()  # such as ("F_h", "F_w", "C", "K"); empty for a number
    # "numbers", compared relative to the largest; "entries", each relative to itself; "statistic", of random
    # numbers; for a single value "whole number" or "truth".
    kind: str = "numbers"

    @classmethod
    def read(cls, text):
        """Return the parts of ``dx (M, N), db (K)``, or of ``the size: whole number``."""
        found = re.findall(r"([^,(:]+?)(?: \(([^)]*)\))?(?:: ([\w ]+))?(?:, |$)", text)
        return tuple(
            cls(name, tuple(axes.split(", ")) if axes else (), kind or "numbers")
            for name, axes, kind in found
        )


class Case(NamedTuple):
    """One call of the learner's function."""

    name: str  # in words, such as "stride (2, 1), padding 1, 3 channels"
    arguments: tuple  # the positional ones, by the names in the exercise's signature
    options: Mapping = {}  # the keyword arguments
    unit: float = 1.0  # differences are relative to the largest entry, and to this at least

    def fresh(self):
        """Return the arguments as copies that a function may write to (it should not)."""
        return tuple(_copied(argument) for argument in self.arguments)

    @property
    def size(self):
        """How many numbers its arguments hold."""
        return sum(argument.size for argument in self.arguments if isinstance(argument, np.ndarray))

    def scaled(self, position, factor):
        """Return the case with one of its arguments multiplied."""
        arguments = [a * factor if q == position else a for q, a in enumerate(self.arguments)]
        short = f"{factor:.0e}".replace("+0", "")
        name = f"{self.name}, {short} times the gradient"
        return self._replace(name=name, arguments=tuple(arguments), unit=min(1.0, factor))


class Suspect(NamedTuple):
    """A known mistake in the form of an exercise: same arguments, same results."""

    name: str  # the misconception's, such as "conv.no_rotation"
    make: Callable  # returns the wrong function, anew each time: it may keep state; with `fit`: of a number
    applies: Callable | None = None  # says of a case whether it is meant for it; None: for all
    diagnosis: str = ""  # for a mistake that stands in no catalogue, or for a form of one that does
    hint: str = ""  # for a mistake that stands in no catalogue
    # For a mistake with a number in it, such as an epsilon: takes a case, the parts that came back (NaN for
    # one of another shape) and the right ones, and returns the number that would explain them, which is
    # {number} in the diagnosis; NaN or None if there is none.
    fit: Callable | None = None


@dataclass(frozen=True)
class Exercise:
    """An exercise: what to write, and how the answer is judged."""

    number: str  # the lesson and a count, such as "06.1"; "ps3.2" for a task of an assignment
    title: str  # what the function computes, in a few words
    signature: str  # such as "conv_backward(dz, x, w, *, stride, padding, dilation)"
    returns: tuple[Part, ...]
    cases: Callable  # takes a numpy.random.Generator and returns the cases
    reference: Callable  # the right answer, for a case's arguments
    suspects: Sequence[Suspect] = ()  # in the order in which they are tried
    # The functions of `layers` that would do the work of the learner; every *_backward counts anyway.
    # None: all may be used.
    delegates: tuple[str, ...] | None = ()
    tolerance: float = TOLERANCE
    summarise: Callable | None = None  # where only statistics are determined: makes the parts to compare
    summary: tuple[Part, ...] = field(default=())  # the names of what `summarise` returns
    linear: str = ""  # the argument that all results are proportional to, such as "dz"
    # Where more than one answer is right, as at a kink: takes the arguments, options and parts, and returns
    # the parts with the reference's answer for each that is as good.
    settle: Callable | None = None

    @classmethod
    def of(cls, text, solution, cases, suspects, **more):
        """Return the exercise of a lesson whose solution is what answers are compared with.

        The text is ``06.1 the gradient of the kernel -> dw (F_h, F_w, C, K)``: number, title, results. What
        starts with a gradient, such as dz, is linear in it.
        """
        heading, _, results = text.partition(" -> ")
        number, _, title = heading.partition(" ")
        signature = f"{solution.__name__}{inspect.signature(solution)}"
        linear = next(name for name in inspect.signature(solution).parameters)
        more = {"linear": linear if linear.startswith("d") else ""} | more
        return cls(number, title, signature, Part.read(results), cases, solution, suspects, **more)

    @property
    def name(self):
        """The check's and the function's name."""
        return self.signature.partition("(")[0]

    @property
    def lesson(self):
        """The lesson's number, such as "05"; "ps3" for a task of an assignment."""
        return self.number.partition(".")[0]

    @property
    def compared(self):
        """The parts that are compared: what the function returns, or its summary."""
        return self.summary or self.returns

    @property
    def arguments(self):
        """The names of the positional arguments."""
        inside = self.signature[self.signature.index("(") + 1 : self.signature.rindex(")")]
        return tuple(name.strip() for name in inside.partition("*")[0].split(",") if name.strip())

    @property
    def stub(self):
        """The text of the cell that the learner completes."""
        names = ", ".join(part.name for part in self.returns)
        return (
            f'def {self.signature}:\n    """Return {names}: {self.title}."""\n    raise NotImplementedError\n'
        )

    def __repr__(self):
        return f"{self.number} {self.name}: {self.title}"


def _copied(argument):
    if isinstance(argument, np.ndarray):
        return argument.copy(order="K")
    return argument if callable(argument) else copy.deepcopy(argument)
