"""The open challenges: one number a set, the smaller the better, measured outside of the kernel."""

import time
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking.exercises._run import run_case, shaped_reference

from .hidden import EXAMPLES
from .kernel import Remote


class Number(NamedTuple):
    """What a challenge measured: the number, its unit, the share of the points, and what there is to say."""

    value: float | None
    unit: str
    earned: float
    said: str


# --- ps1: how exact can a difference be?

FUNCTIONS = ((np.sin, np.cos), (np.exp, np.exp), (lambda x: 1 / (3 + x), lambda x: -1 / (3 + x) ** 2))
MOST_POINTS, FARTHEST = 21, 1.0
EXACT, FAIR = 1e-12, 1e-9


def stencil(kernel, rng):
    """Measure the error of a formula Σ weights · f(x + offsets) for f'(x)."""
    answer = Remote(kernel, "stencil")()
    offsets, weights = (np.asarray(part, float).ravel() for part in answer)
    if len(offsets) != len(weights) or not 0 < len(offsets) <= MOST_POINTS:
        return Number(None, "", 0, f"as many weights as offsets, and at most {MOST_POINTS} of them")
    if not np.all(np.abs(offsets) <= FARTHEST):
        return Number(None, "", 0, f"no offset farther than {FARTHEST:g} from x")
    x = rng.uniform(-1, 1, size=(40, 1))
    errors = [np.abs(f(x + offsets) @ weights - slope(x[:, 0])) for f, slope in FUNCTIONS]
    error = float(np.max(errors))
    earned = 1 if error <= EXACT else 0.5 if error <= FAIR else 0
    said = f"largest error {error:.1e}; {FAIR:.0e} earns half of the points, {EXACT:.0e} all"
    return Number(error if np.isfinite(error) else None, "error", earned, said)


# --- ps2 to ps4: how fast?

SECONDS = 2.0  # far more than any way without a loop over examples and entries takes
REPEATS = 3
COPIES = 400  # of a case's examples


def speed(task, kernel, rng):
    """Measure seconds a call on large batches, which must all come out right: a case's examples, many times.

    The clock is outside: the way there and back counts, the same for everybody.
    """
    asked = [_many(task, task.larger(rng), rng) for _ in range(REPEATS)]
    remote = Remote(kernel, f"fast_{task.name}", REPEATS * 2 * SECONDS)
    start = time.perf_counter()
    remote.foresee([(case.fresh(), case.options) for case, _ in asked])
    seconds = (time.perf_counter() - start) / REPEATS
    for case, rights in asked:
        run = run_case(task, remote, case)
        if run.error is not None:
            raise run.error
        for part, got, right in zip(task.returns, run.parts or [None] * len(rights), rights):
            if got is None or got.shape != right.shape or not np.allclose(got, right, rtol=1e-7, atol=1e-9):
                return Number(None, "", 0, f"{part.name} is not right for {COPIES} times as many examples")
    said = f"{seconds:.4f} s; less than {SECONDS:g} s earns the points"
    return Number(seconds, "s", float(seconds < SECONDS), said)


def _many(task, case, rng):
    """Return a case with the examples of another one many times, in no order, and what comes out of it."""
    rights, count = shaped_reference(task, case), len(case.arguments[0])
    order = rng.permutation(np.tile(np.arange(count), COPIES))
    arguments = tuple(a[order] if name in EXAMPLES else a for name, a in zip(task.arguments, case.arguments))
    mean = 1 if task.linear else COPIES  # a mean loss divides by the number of examples
    expected = [
        right[order] / mean if part.axes[:1] == ("M",) else right * COPIES / mean
        for part, right in zip(task.returns, rights)
    ]
    return case._replace(name=f"{case.name}, {COPIES} times", arguments=arguments), expected
