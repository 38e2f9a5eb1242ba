"""What only hidden tests ask of a function: properties beyond "right on a few small cases"."""

import numpy as np

from backprop_helpers.checking.exercises._compare import Evidence
from backprop_helpers.checking.exercises._run import run_case

#: Arguments that have an axis of examples, where the first one is among them.
EXAMPLES = {"dz", "da", "dy", "dy_hat", "x", "y", "z", "y_hat", "q", "k", "v", "images", "labels"}
SINGLE = 1e-4  # relative: an answer to float32 arrays


def properties(task, rng):
    """Return {what is asked: the case}; each name completes "it fails for …"."""
    first, *_ = cases = task.cases(rng)
    asked = {"larger arrays": task.larger(rng)}
    if task.arguments[0] in EXAMPLES:
        asked["a single example"] = _with(first, lambda name, a: a[:1] if name in EXAMPLES else a, task)
    if not any(map(callable, first.arguments)):
        asked["float32 arrays"] = _with(cases[1], _single, task)
    asked["arrays in another memory order"] = _with(cases[-1], lambda _, a: np.asfortranarray(a), task)
    asked["a call after others of other shapes"] = first
    return asked


def failing(task, function, guard, rng):
    """Return {part of the result: the properties that it lacks}."""
    asked = properties(task, rng)
    guard.foresee(function, list(asked.values()))
    runs = [run_case(task, function, case, guard) for case in asked.values()]
    evidence = Evidence(task, runs)
    lacking = {part.name: [] for part in task.compared}
    for r, name in enumerate(asked):
        allowed = SINGLE if name == "float32 arrays" else 0
        for p, part in enumerate(task.compared):
            got = evidence.got[r]
            if got is None or not evidence.error(r, p) <= max(allowed, evidence.allowed(r, part)):
                lacking[part.name].append(name)
    return lacking


def _with(case, change, task):
    """Return a case with other arrays."""
    arguments = tuple(
        change(name, argument) if isinstance(argument, np.ndarray) else argument
        for name, argument in zip(task.arguments, case.arguments)
    )
    return case._replace(arguments=arguments)


def _single(_, array):
    return array.astype(np.float32) if array.dtype == np.float64 else array
