"""The tasks of the problem sets as students have them: a few cases, with right outputs and known wrong ones.

No code that computes them is here: it lies with the teacher, in ``assignments/tasks``, whose tool
``tools/release_assignments`` writes these files. A task is a folder of arrays inside its set's ``.npz``:
``skip_backward/0/dy`` is an argument of its first case, ``skip_backward/0/right/dx`` a right output and
``skip_backward/0/wrong/3/dx`` what its fourth known mistake gives instead (left out where it is right).
"""

import builtins
import json
from functools import cache, partial
from pathlib import Path

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part, Suspect

FOLDER = Path(__file__).parent / "graded_cases"
LARGE = 1e3  # in place of what is not finite: an error that is NaN or infinite is a large error


class Quadratic:
    """The function z = c + L x + x Q x of an array, given by its arrays: for tasks that take a function.

    c has the shape of the output; L is (outputs, inputs), Q (outputs, inputs, inputs), over the flat arrays.
    """

    def __init__(self, constant, linear, quadratic):
        self.arrays = constant, linear, quadratic

    def __call__(self, x):
        """Return z for an array of any shape with as many entries as L has columns."""
        constant, linear, quadratic = self.arrays
        flat = np.reshape(x, -1)
        return constant + (linear @ flat + quadratic @ flat @ flat).reshape(constant.shape)


def not_finite_is_large(*parts):
    """Return the parts with `LARGE` for every entry that is not finite."""
    return [np.where(np.isfinite(part), part, LARGE) for part in parts]


def key_of(arguments):
    """Return what tells the arguments of one case from those of another."""
    arrays = (a.arrays if isinstance(a, Quadratic) else (np.asarray(a),) for a in arguments)
    return tuple((array.shape, array.tobytes()) for several in arrays for array in several)


def load():
    """Return the tasks of all problem sets, in order."""
    return tuple(
        exercise
        for path in sorted(FOLDER.glob("ps*.npz"))
        for exercise in (_exercise(path, task) for task in _read(path)["tasks"])
    )


@cache
def _read(path):
    """Return the arrays of a problem set by name, and under "tasks" what there is to say of each task."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays | {"tasks": json.loads(arrays["tasks"].tobytes())}


def _exercise(path, task):
    return Exercise(
        number=task["number"],
        title=task["title"],
        signature=task["signature"],
        returns=tuple(Part(name, tuple(axes), kind) for name, axes, kind in task["returns"]),
        cases=lambda _: _cases(path, task),
        reference=partial(_looked_up, path, task, None),
        suspects=tuple(
            Suspect(name, partial(partial, _looked_up, path, task, s), None, diagnosis, hint)
            for s, (name, diagnosis, hint) in enumerate(task["mistakes"])
        ),
        delegates=None if task["delegates"] is None else tuple(task["delegates"]),
        tolerance=task["tolerance"],
        summarise=not_finite_is_large if task["summarised"] else None,
        summary=tuple(Part(name) for name in task["summarised"]),
        linear=task["linear"],
    )


def _cases(path, task):
    """Return the cases that are asked; those with a scaled gradient are made of them by the check."""
    return [
        Case(case["name"], _arguments(path, task["name"], c, case), case["options"])
        for c, case in enumerate(task["cases"])
        if not case["scaled"]
    ]


def _arguments(path, name, c, case):
    arrays = _read(path)
    return tuple(
        value
        if kind == "value"
        else Quadratic(*(arrays[f"{name}/{c}/{value}/{n}"] for n in range(3)))
        if kind == "function"
        else arrays[f"{name}/{c}/{value}"]
        for kind, value in case["arguments"]
    )


@cache
def _places(path, name):
    """Return the number of the case for the arguments of each."""
    (task,) = (task for task in _read(path)["tasks"] if task["name"] == name)
    return {
        (key_of(_arguments(path, name, c, case)), _options_key(case["options"])): c
        for c, case in enumerate(task["cases"])
    }


def _options_key(options):
    return json.dumps(options, sort_keys=True)


def _looked_up(path, task, mistake, *arguments, **options):
    """Return the right output for the arguments of a case, or that of a mistake; raise what it raised."""
    arrays, name = _read(path), task["name"]
    c = _places(path, name)[key_of(arguments), _options_key(options)]
    raised = task["cases"][c]["raised"].get(str(mistake))
    if raised:
        raise getattr(builtins, raised[0])(raised[1])
    parts = [
        arrays.get(f"{name}/{c}/wrong/{mistake}/{part}", arrays[f"{name}/{c}/right/{part}"]).copy()
        for part, *_ in task["returns"]
    ]
    return parts[0] if len(parts) == 1 else tuple(parts)
