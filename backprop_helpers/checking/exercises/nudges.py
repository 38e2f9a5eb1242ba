"""Lesson 00: slopes by nudging, and the chain rule."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._inputs import mistakes
from backprop_helpers.checking.solutions import lesson_00

# --- slope


def _cube(x):
    return x * x * x


def _parabola(x):
    return 3 * x * x - 2 * x + 1


def _line(x):
    return 2.5 * x - 4


def _slope_cases(rng):
    x = float(rng.integers(2, 6)) + 0.25
    return [
        Case("f(x) = x³ at 2, eps 0.5", (_cube, 2.0, 0.5)),
        Case("f(x) = 3x² − 2x + 1 at −1, eps 0.25", (_parabola, -1.0, 0.25)),
        Case("f(x) = 2.5x − 4 at 3, eps 2", (_line, 3.0, 2.0)),
        Case("f = sin at 0.5, eps 0.1", (np.sin, 0.5, 0.1)),
        Case("f = exp at 1, eps 0.001", (np.exp, 1.0, 1e-3)),
        Case(f"f(x) = x³ at {x:g}, eps 0.125", (_cube, x, 0.125)),
    ]


SLOPE_MISTAKES = """
slope.another_nudge = (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
this is the slope itself; a central difference with the nudge eps is off by its own error
? with eps = 2, how far does x move, down and up?
slope.one_sided = (f(x + eps) - f(x)) / eps
only one nudge, up: a one-sided difference, whose error shrinks with eps and not with eps²
? for f(x) = x² at 0 the slope is 0. What do you get?
slope.backward_nudge = (f(x) - f(x - eps)) / eps
only one nudge, down: a one-sided difference, whose error shrinks with eps and not with eps²
? for f(x) = x² at 0 the slope is 0. What do you get?
slope.divided_by_one_eps = (f(x + eps) - f(x - eps)) / eps
divided by eps; from the lower nudge to the upper one it is twice as far
? for f(x) = x the slope is 1. What do you get?
slope.not_divided = f(x + eps) - f(x - eps)
this is how far f moves; a slope is that divided by how far x moves
? make eps ten times smaller: should the slope become ten times smaller too?
slope.multiplied_by_half_eps = (f(x + eps) - f(x - eps)) / 2 * eps
`/ 2 * eps` divides by 2 and then multiplies by eps: the brackets around `2 * eps` are missing
? what is 6 / 2 * 3 in Python?
slope.sign_flipped = (f(x - eps) - f(x + eps)) / (2 * eps)
the lower value comes first: the sign is the other one
? for f(x) = x the slope is 1. What do you get?
"""

SLOPE = Exercise.of(
    "00.1 the slope of f at x, by a central difference -> slope",
    lesson_00.slope,
    _slope_cases,
    mistakes(SLOPE_MISTAKES, "f, x, eps", globals()),
)

# --- reused_backward


def _reused_cases(rng):
    cases = [(2.0, 3.0, 4.0), (-1.0, 5.0, 2.0), (0.5, -2.0, -3.0), (3.0, 0.0, 1.0)]
    cases.append(tuple(float(n) for n in rng.integers(2, 9, 3)))
    return [Case(f"x = {x:g}, y = {y:g}, z = {z:g}", (x, y, z)) for x, y, z in cases]


REUSED_MISTAKES = """
reused.overwritten = 1.0, z, x + y
dx holds the last path alone (`=`); x acts along two paths, and their slopes add up (`+=`)
? nudge x: by how much does the bracket move, and by how much the second term?
reused.second_path_forgotten = z, z, x + y
dx holds the path through the bracket alone; x is also added at the end
? nudge x: how many places of the formula does it move?
reused.multiplied = z * z, z, x + y
the slopes of the two paths are multiplied; along a path slopes multiply, between paths they add
? nudge x: are the two changes of f added or multiplied?
reused.upstream_forgotten = 2.0, 1.0, x + y
the slopes of the sum alone: the z behind the bracket is missing from the chain
? double z: does a nudge of y still move f by as much?
reused.second_slope_of_z = z + 1, z, x
dz has only one term of the bracket; z multiplies all of it
? by what is z multiplied?
reused.sum_for_z_with_x_twice = z + 1, z, x + y + x
dz counts the x at the end too; that one is not multiplied by z
? nudge z: does the last term move?
"""

REUSED = Exercise.of(
    "00.2 the slopes of f = (x + y)·z + x, in which x is used twice -> dx, dy, dz",
    lesson_00.reused_backward,
    _reused_cases,
    mistakes(REUSED_MISTAKES, "x, y, z", globals()),
)

EXERCISES = (SLOPE, REUSED)
