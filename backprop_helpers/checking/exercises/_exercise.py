"""What an exercise is: its cases, its right answer, and the mistakes that are known."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

TOLERANCE = (
    1e-9  # relative to the largest entry, at least 1: the rounding of float64, whatever the order of the sums
)


class Part(NamedTuple):
    """One of the arrays that a function returns.

    Attributes
    ----------
    name : str
        Such as "dw".
    axes : tuple of str
        The names of its axes, such as ``("F_h", "F_w", "C", "K")``; empty for a number.
    kind : str
        "numbers", compared relative to the largest; "entries", each relative to itself; "statistic", of
        random numbers; for a single value "whole number" or "truth".
    """

    name: str
    axes: tuple[str, ...] = ()
    kind: str = "numbers"


class Case(NamedTuple):
    """One call of the learner's function.

    Attributes
    ----------
    name : str
        In words, such as "stride (2, 1), padding 1, 3 channels".
    arguments : tuple
        The positional arguments, by the names in the exercise's signature.
    options : dict
        The keyword arguments.
    """

    name: str
    arguments: tuple
    options: Mapping = {}

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
        return self._replace(name=f"{self.name}, {short} times the gradient", arguments=tuple(arguments))


class Suspect(NamedTuple):
    """A known mistake in the form of an exercise: same arguments, same results.

    Attributes
    ----------
    name : str
        The misconception's, such as "conv.no_rotation".
    make : callable
        Returns the wrong function; called for each check, so that one that keeps state starts anew. With
        `fit`: of a number.
    applies : callable or None
        Says of a case whether the function is meant for it; None: for all of them.
    diagnosis, hint : str
        For a mistake that belongs to this exercise alone and stands in no catalogue, or for a form of one
        that does, of which more can be said.
    fit : callable or None
        For a mistake with a number in it, such as an epsilon: takes a case, the parts that came back and the
        right ones, and returns the number that would explain them, or None; it is
        ``{number}`` in the diagnosis.
    """

    name: str
    make: Callable
    applies: Callable | None = None
    diagnosis: str = ""
    hint: str = ""
    fit: Callable | None = None


@dataclass(frozen=True)
class Exercise:
    """An exercise: what to write, and how the answer is judged.

    Attributes
    ----------
    number : str
        The lesson and a count, such as "06.1"; "ps3.2" for a task of an assignment.
    name : str
        The check's and the function's name.
    title : str
        What the function computes, in a few words.
    signature : str
        Such as ``"conv_backward(dz, x, w, *, stride, padding, dilation)"``.
    returns : tuple of Part
    cases : callable
        Takes a `numpy.random.Generator` and returns the cases.
    reference : callable
        The right answer, for a case's arguments.
    suspects : sequence of Suspect
        In the order in which they are tried.
    delegates : tuple of str, or None
        The functions of `layers` that would do the work of the learner; every ``*_backward`` counts anyway.
        None: all of them may be used.
    tolerance : float
        Relative to the largest entry (at least 1).
    summarise : callable or None
        Where only the statistics of the answer are determined: makes the parts to compare of the parts.
    summary : tuple of Part
        The names of what `summarise` returns.
    linear : str
        The argument that all results are proportional to, such as "dz"; empty if there is none.
    settle : callable or None
        Where more than one answer is right, as at a kink: takes the arguments, options and parts, and returns
        the parts with the reference's answer for each that is as good.
    besides : callable or None
        Says of a right function what else there is to mend; empty if nothing.
    """

    number: str
    name: str
    title: str
    signature: str
    returns: tuple[Part, ...]
    cases: Callable
    reference: Callable
    suspects: Sequence[Suspect] = ()
    delegates: tuple[str, ...] | None = ()
    tolerance: float = TOLERANCE
    summarise: Callable | None = None
    summary: tuple[Part, ...] = field(default=())
    linear: str = ""
    settle: Callable | None = None
    besides: Callable | None = None

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
