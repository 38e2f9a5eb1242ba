"""What the problem sets share: how a task and its mistakes are written down, and the complex step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from backprop_helpers.checking.exercises._exercise import Exercise, Suspect

STEP = 1e-30  # of the complex step: far below rounding, so that nothing is lost


@dataclass(frozen=True)
class Task(Exercise):
    """An exercise that is graded.

    Attributes
    ----------
    larger : callable
        Takes a generator and returns a case whose arrays are larger than any that students see.
    revisit : str
        Where the lessons derive what the task transfers: "lesson, section", and more after semicolons.
    """

    larger: Callable | None = None
    revisit: str = ""


def task(number, name, signature, title, returns, cases, reference, mistakes, **options):
    """Make an exercise; `mistakes` holds what `own` returns and (catalogue name, function) pairs."""
    return Task(
        number=number,
        title=title,
        signature=f"{name}({signature})",
        returns=tuple(returns),
        cases=cases,
        reference=reference,
        suspects=tuple(
            known if isinstance(known, Suspect) else Suspect(known[0], partial(_itself, known[1]))
            for known in mistakes
        ),
        **options,
    )


def _itself(thing):
    return thing


def several(make, *sizes):
    """Return what makes a case ``make(rng, *size)`` of each of the sizes; a range is drawn from."""

    def cases(rng):
        return [
            make(rng, *(int(rng.integers(n.start, n.stop)) if isinstance(n, range) else n for n in size))
            for size in sizes
        ]

    return cases


def slopes(forward, arrays, upstream):
    """Return d sum(upstream * forward(*arrays)) with respect to each of the arrays, by the complex step."""
    gradients = []
    for position, array in enumerate(arrays):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            nudged = [a.astype(complex) for a in arrays]
            nudged[position][index] += 1j * STEP
            gradient[index] = (upstream * forward(*nudged)).sum().imag / STEP
        gradients.append(gradient)
    return tuple(gradients)
