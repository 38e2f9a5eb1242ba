"""The checks of the exercises: ``check.conv_backward(my_function)`` says what is right or wrong with it.

``check.exercises`` lists them, ``check.reveal("06.1")`` shows a solution, after an attempt.
"""

import difflib

from backprop_helpers.checking.exercises import EXERCISES as exercises
from backprop_helpers.checking.exercises import solution_source
from backprop_helpers.checking.exercises._diagnose import examine

_attempted = set()


class Revealed:
    """A text that shows itself as it is: a solution, or why there is none yet."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def reveal(which):
    """Show the solution of an exercise, once it has been attempted in this session.

    Parameters
    ----------
    which : str
        The exercise's number or name, such as "06.1" or "weights_backward".

    Returns
    -------
    Revealed
        Shows the solution's code, or says that an attempt comes first.

    Raises
    ------
    KeyError
        There is no such exercise; the message has the nearest names.
    """
    exercise = _exercise(which)
    if exercise.name not in _attempted:
        return Revealed(
            f"{exercise.number} {exercise.name}: the solution is shown after an attempt. Write something, "
            f"however wrong, and run check.{exercise.name} on it"
        )
    source = solution_source(exercise)
    return Revealed(source if source else f"{exercise.number} {exercise.name}: no solution is kept here")


def _exercise(which):
    for exercise in exercises.values():
        if which in (exercise.number, exercise.name):
            return exercise
    known = [text for exercise in exercises.values() for text in (exercise.number, exercise.name)]
    near = difflib.get_close_matches(str(which), known, n=3, cutoff=0.5)
    hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(exercises)}"
    raise KeyError(f"no exercise called {which!r}; {hint}")


def _check_of(exercise):
    def check(function, *, seed=0, diagnose=True):
        result = examine(exercise, function, seed=seed, diagnose=diagnose)
        if result.attempted:
            _attempted.add(exercise.name)
        return result

    check.__name__ = check.__qualname__ = exercise.name
    check.__doc__ = f"""Check {exercise.signature}: {exercise.title}.

    Parameters
    ----------
    function : callable
        Yours, with the signature above.
    seed : int
        Other numbers, and some other shapes, for each seed.
    diagnose : bool
        False: a known mistake is not named, only where and how the answer differs.

    Returns
    -------
    CheckResult
        With passed, attempted, verdict, diagnosis, hint and assert_ok(); it shows itself.
    """
    return check


globals().update({name: _check_of(exercise) for name, exercise in exercises.items()})


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    near = difflib.get_close_matches(name, exercises, n=3, cutoff=0.5)
    hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(exercises)}"
    raise AttributeError(f"check has no exercise called {name!r}; {hint}")


__all__ = ["exercises", "reveal", *exercises]
