"""What students get of the tasks: their cases with right and wrong outputs, as arrays, and no code."""

import io
import json

import numpy as np

from backprop_helpers.checking.exercises._examine import scaled_cases
from backprop_helpers.checking.exercises._run import run_case, shaped_reference
from backprop_helpers.checking.exercises.graded import Quadratic


def visible(exercises, seed):
    """Return the content of a problem set's .npz file, for the numbers of a seed: see `graded`."""
    arrays, tasks = {}, []
    for exercise in exercises:
        cases = list(exercise.cases(np.random.default_rng(seed)))
        asked = len(cases)
        if exercise.linear:
            cases += scaled_cases(exercise, cases)[1]
        described = [
            _case(arrays, exercise, case, f"{exercise.name}/{c}", scaled=c >= asked)
            for c, case in enumerate(cases)
        ]
        tasks.append(_task(exercise) | {"cases": described})
    arrays["tasks"] = np.frombuffer(json.dumps(tasks, ensure_ascii=False).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _task(exercise):
    return {
        "number": exercise.number,
        "name": exercise.name,
        "title": exercise.title,
        "signature": exercise.signature,
        "returns": exercise.returns,
        "delegates": exercise.delegates,
        "tolerance": exercise.tolerance,
        "summarised": [part.name for part in exercise.summary],
        "linear": exercise.linear,
        "mistakes": [(suspect.name, suspect.diagnosis, suspect.hint) for suspect in exercise.suspects],
    }


def _case(arrays, exercise, case, place, scaled):
    """Put the arrays of a case among the others, and return what else there is to say of it."""
    arguments = []
    for name, argument in zip(exercise.arguments, case.arguments):
        if isinstance(argument, Quadratic):
            arrays |= {f"{place}/{name}/{n}": array for n, array in enumerate(argument.arrays)}
            arguments.append(("function", name))
        elif isinstance(argument, np.ndarray):
            arrays[f"{place}/{name}"] = argument
            arguments.append(("array", name))
        else:
            arguments.append(("value", argument))
    rights = shaped_reference(exercise, case)
    arrays |= {f"{place}/right/{part.name}": right for part, right in zip(exercise.returns, rights)}
    raised = {}
    for s, suspect in enumerate(exercise.suspects):
        run = run_case(exercise, suspect.make(), case)
        if run.error is not None:
            raised[s] = type(run.error).__name__, str(run.error)
            continue
        for part, wrong, right in zip(exercise.returns, run.parts, rights):
            if not np.array_equal(wrong, right, equal_nan=True):
                arrays[f"{place}/wrong/{s}/{part.name}"] = wrong
    options = dict(case.options)
    return {"name": case.name, "arguments": arguments, "options": options, "scaled": scaled, "raised": raised}
