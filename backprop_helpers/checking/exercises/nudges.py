"""Lesson 00: slopes by nudging, and the chain rule."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import own

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


def _slope(f, x, eps):
    return (f(x + eps) - f(x - eps)) / (2 * eps)


SLOPE = Exercise(
    number="00.1",
    name="slope",
    title="the slope of f at x, by a central difference",
    signature="slope(f, x, eps)",
    returns=(Part("slope"),),
    cases=_slope_cases,
    reference=_slope,
    suspects=(
        own(
            "slope.another_nudge: eps is not used, the nudges have a size of their own | with eps ="
            " 2, how far does"
            " x move, down and up?",
            lambda f, x, eps: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5,
        ),
        own(
            "slope.one_sided: only one nudge, up: a one-sided difference, whose error shrinks with eps "
            "and not with eps² | for f(x) = x² at 0 the slope is 0. What do you get?",
            lambda f, x, eps: (f(x + eps) - f(x)) / eps,
        ),
        own(
            "slope.backward_nudge: only one nudge, down: a one-sided difference, whose error shrinks "
            "with eps and not with eps² | for f(x) = x² at 0 the slope is 0. What do you get?",
            lambda f, x, eps: (f(x) - f(x - eps)) / eps,
        ),
        own(
            "slope.divided_by_one_eps: divided by eps; from the lower nudge to the upper one it is twice"
            " as far | for f(x) = x the slope is 1. What do you get?",
            lambda f, x, eps: (f(x + eps) - f(x - eps)) / eps,
        ),
        own(
            "slope.not_divided: this is how far f moves; a slope is that divided by how far x moves | "
            "make eps ten times smaller: should the slope become ten times smaller too?",
            lambda f, x, eps: f(x + eps) - f(x - eps),
        ),
        own(
            "slope.multiplied_by_half_eps: `/ 2 * eps` divides by 2 and then multiplies by eps: the "
            "brackets around `2 * eps` are missing | what is 6 / 2 * 3 in Python?",
            lambda f, x, eps: (f(x + eps) - f(x - eps)) / 2 * eps,
        ),
        own(
            "slope.sign_flipped: the lower value comes first: the sign is the other one | for f(x) = x "
            "the slope is 1. What do you get?",
            lambda f, x, eps: (f(x - eps) - f(x + eps)) / (2 * eps),
        ),
    ),
)

# --- reused_backward


def _reused_cases(rng):
    cases = [(2.0, 3.0, 4.0), (-1.0, 5.0, 2.0), (0.5, -2.0, -3.0), (3.0, 0.0, 1.0)]
    cases.append(tuple(float(n) for n in rng.integers(2, 9, 3)))
    return [Case(f"x = {x:g}, y = {y:g}, z = {z:g}", (x, y, z)) for x, y, z in cases]


REUSED = Exercise(
    number="00.2",
    name="reused_backward",
    title="the slopes of f = (x + y)·z + x, in which x is used twice",
    signature="reused_backward(x, y, z)",
    returns=(Part("dx"), Part("dy"), Part("dz")),
    cases=_reused_cases,
    reference=lambda x, y, z: (z + 1, z, x + y),
    suspects=(
        own(
            "reused.overwritten: dx holds the last path alone (`=`); x acts along two paths, and their "
            "slopes add up (`+=`) | nudge x: by how much does the bracket move, and by how much the "
            "second term?",
            lambda x, y, z: (1.0, z, x + y),
        ),
        own(
            "reused.second_path_forgotten: dx holds the path through the bracket alone; x is also added "
            "at the end | nudge x: how many places of the formula does it move?",
            lambda x, y, z: (z, z, x + y),
        ),
        own(
            "reused.multiplied: the slopes of the two paths are multiplied; along a path slopes "
            "multiply, between paths they add | nudge x: are the two changes of f added or multiplied?",
            lambda x, y, z: (z * 1.0 * 1.0 if z == 0 else z * z, z, x + y),
        ),
        own(
            "reused.upstream_forgotten: the slopes of the sum alone: the z behind the bracket is missing"
            " from the chain | double z: does a nudge of y still move f by as much?",
            lambda x, y, z: (2.0, 1.0, x + y),
        ),
        own(
            "reused.second_slope_of_z: dz has only one term of the bracket; z multiplies all of it | by "
            "what is z multiplied?",
            lambda x, y, z: (z + 1, z, x),
        ),
        own(
            "reused.sum_for_z_with_x_twice: dz counts the x at the end too; that one is not multiplied "
            "by z | nudge z: does the last term move?",
            lambda x, y, z: (z + 1, z, x + y + x),
        ),
    ),
)

EXERCISES = (SLOPE, REUSED)
