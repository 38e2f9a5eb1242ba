"""The checks of the exercises: ``check.conv_backward(my_function)`` says what is right or wrong with it.

``check.exercises`` lists them, ``check.reveal("06.1")`` shows a solution, after an attempt. A single value is
checked in one line: ``check.line("07.dx", my_array)``; ``check.steps`` lists what can be asked for.
"""

from backprop_helpers.checking._text import nearest
from backprop_helpers.checking.exercises import EXERCISES as exercises
from backprop_helpers.checking.exercises import _line, solution_source
from backprop_helpers.checking.exercises import steps as _steps
from backprop_helpers.checking.exercises._examine import examine

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


def line(name, value):
    """Compare an array or a number with what a step asks for, and say in one line what is right or wrong.

    Parameters
    ----------
    name : str
        The step's, such as "07.dx".
    value : array_like
        Yours; ``...`` is not an attempt.

    Returns
    -------
    Line
        With passed, attempted and diagnosis; it shows itself, and never the answer.

    Raises
    ------
    KeyError
        There is no such step; the message has the nearest names.
    """
    if not isinstance(name, str):
        raise TypeError('line takes the name of the step first, then your value: check.line("07.dx", dx)')
    step = _steps.steps_of(name.partition(".")[0]).get(name)
    if step is None:
        steps = _steps.all_steps()
        same_end = [known for known in steps if known[3:] == name.rpartition(".")[2].lower()]
        raise KeyError(f"no step called {name!r}; {nearest(name, steps, same_end)}")
    return _line.examine_line(step, value)


def _exercise(which):
    for exercise in exercises.values():
        if which in (exercise.number, exercise.name):
            return exercise
    known = [text for exercise in exercises.values() for text in (exercise.number, exercise.name)]
    raise KeyError(f"no exercise called {which!r}; {nearest(which, known)}")


def _after(exercise):
    """Return what comes after a right answer: a look at another one, and the next exercise of the lesson."""
    if not exercise.lesson.isdigit():
        return ""
    same = [other for other in exercises.values() if other.lesson == exercise.lesson]
    later = same[same.index(exercise) + 1 :]
    text = f'check.reveal("{exercise.number}") shows one way to do it'
    return f"{text}; then comes {later[0].number}, {later[0].title}" if later else text


def _check_of(exercise):
    def check(function, *, seed=0, diagnose=True):
        result = examine(exercise, function, seed=seed, diagnose=diagnose)
        if result.attempted:
            _attempted.add(exercise.name)
        return result.followed_by(_after(exercise)) if result.passed else result

    check.__name__ = check.__qualname__ = exercise.name
    check.__doc__ = f"""Check {exercise.signature}: {exercise.title}.

    Parameters
    ----------
    function : callable
        Yours, with the signature above. Everything it needs is among its arguments.
    seed : int
        Other numbers, and some other shapes, for each seed; a task of the problem sets has one set of them.
    diagnose : bool
        False: a known mistake is not named, only where and how the answer differs.

    Returns
    -------
    CheckResult
        With passed, attempted, verdict, diagnosis, hint, case and assert_ok(); it shows itself.
    """
    return check


globals().update({name: _check_of(exercise) for name, exercise in exercises.items()})


def __getattr__(name):
    if name == "steps":  # made when they are asked for: what each asks, and not its answer
        return {number: step.asked for number, step in _steps.all_steps().items()}
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"check has no exercise called {name!r}; {nearest(name, exercises)}")


def __dir__():
    return [*globals(), "steps"]


__all__ = ["exercises", "line", "reveal", *exercises]
