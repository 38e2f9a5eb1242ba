"""The exercises of the lessons and of the assignments: their cases, right answers and known mistakes."""

import inspect

from backprop_helpers.checking.exercises import (
    convolution,
    correlation,
    fast,
    fully_connected,
    graded,
    gradient_checks,
    nudges,
    pooling,
    relu,
    softmax,
    training,
)
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part, Suspect
from backprop_helpers.checking.exercises._result import VERDICTS, CheckResult

#: By name, in the order of the lessons.
EXERCISES = {
    exercise.name: exercise
    for exercise in (
        *nudges.EXERCISES,
        *gradient_checks.EXERCISES,
        *fully_connected.EXERCISES,
        *relu.EXERCISES,
        *softmax.EXERCISES,
        *correlation.EXERCISES,
        *convolution.EXERCISES,
        *pooling.EXERCISES,
        *training.EXERCISES,
        *fast.EXERCISES,
        *graded.load(),
    )
}


def solution(exercise):
    """Return the function that solves an exercise; None for a task of an assignment."""
    return exercise.reference if exercise.lesson.isdigit() else None


def solution_source(exercise):
    """Return the code of an exercise's solution; None for a task of an assignment."""
    return inspect.getsource(exercise.reference) if exercise.lesson.isdigit() else None


__all__ = [
    "EXERCISES",
    "VERDICTS",
    "Case",
    "CheckResult",
    "Exercise",
    "Part",
    "Suspect",
    "solution",
    "solution_source",
]
