"""Lesson 01: whether two gradients agree."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._inputs import mistakes, normal
from backprop_helpers.checking.solutions import lesson_01


def _agree_cases(rng):
    g = normal(rng, 3, 4)
    many = 1 + rng.random((250, 400))
    dead = g * (rng.random(g.shape) < 0.5)
    dead[0, 0], dead[0, 1] = 0.0, 1.0
    zeros, one_small = np.zeros((3, 4)), _changed(1000 * g, (2, 0), 1e-6)
    not_a_number = _changed(g, (2, 1), np.nan)
    return [
        Case("the same numbers", (g, g.copy())),
        Case("equal but for rounding, 1e-9", (g, g * (1 + 1e-9))),
        Case("one entry of 100,000 is wrong", (_changed(many, (17, 29), many[17, 29] * (1 + 2.5e-4)), many)),
        Case("the sign is flipped", (-g, g)),
        Case("twice as large", (2 * g, g)),
        Case("the right numbers in the wrong places", (g[:, ::-1].copy(), g)),
        Case("all entries too small", (g - 0.5, g)),
        Case("zero everywhere", (zeros, g)),
        Case("zero in the first row", (_changed(g, 0, 0.0), g)),
        Case("both zero everywhere", (zeros, zeros.copy())),
        Case("both zero in places", (dead, dead * (1 - 1e-9))),
        Case("both zero in places, in one of them only the second", (_changed(dead, (0, 0), 2.0), dead)),
        Case("a NaN", (not_a_number, g)),
        Case("the same NaN in both", (not_a_number, not_a_number.copy())),
        Case("large numbers, right", (1e6 * g, 1e6 * g * (1 + 1e-9))),
        Case("a small entry is wrong among large ones", (_changed(one_small, (2, 0), 2e-6), one_small)),
        Case("numbers of 1e-9, half as large", (5e-10 * g, 1e-9 * g)),
        Case("all off by one part in ten thousand", (g * (1 + 1e-4), g)),
        Case("equal numbers, in the shapes (30, 1) and (30,)", (np.ones((30, 1)), np.ones(30))),
    ]


def _changed(array, where, value):
    array = array.copy()
    array[where] = value
    return array


def _same_shape(case):
    analytic, numeric = case.arguments
    return analytic.shape == numeric.shape


def _by_entry(a, n, limit):
    """Whether each difference is within a limit of the larger entry."""
    return bool((np.abs(a - n) <= limit * np.maximum(np.abs(a), np.abs(n))).all())


def _relative(a, n, floor=1e-8):
    with np.errstate(all="ignore"):
        return np.abs(a - n) / np.maximum(np.abs(a) + np.abs(n), floor)


def _one_sided(a, n):
    there = a != 0
    return bool((np.abs(a - n)[there] / np.abs(a[there]) < 1e-6).all())


def _by_norm(a, n, below, limit):
    with np.errstate(all="ignore"):
        return not np.linalg.norm(a - n) > limit * below and not np.isnan(a).any()


def _ratio(a, n):
    with np.errstate(all="ignore"):
        return np.linalg.norm(a - n) / (np.linalg.norm(a) + np.linalg.norm(n))


LIMITS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)

# Where there is a limit in it, or a power, it may be any of several.
OF_ITS_OWN = """
check.means_compared = _relative(a.mean(), n.mean()) < 1e-6
check.threshold_ten = _relative(a, n).max() < 10
check.one_sided_denominator = _one_sided(a, n)
check.zero_by_zero = not _relative(a, n, 0.0).max() > 1e-6
check.zero_by_zero = _relative(a, n, 0.0).max() < 1e-6
check.prints_only = None
check.norm_ratio = np.abs(a - n).max() <= 1e-6 * max(np.abs(a).max(), np.abs(n).max())
gradients_agree.zeros_left_out = _one_sided(a[(a != 0) & (n != 0)], n[(a != 0) & (n != 0)])
entries in which one of the two is zero are left out: 0 for 2 passes
? what should the check say to a gradient of zeros?
gradients_agree.always_true = True
the answer is always True: a check that cannot fail
? what should it say to a gradient of zeros?
gradients_agree.sign_of_the_difference = ((a - n) / np.maximum(np.abs(a) + np.abs(n), 1e-8)).max() < 1e-6
the difference has lost its absolute value: whatever is too small passes
? is −5 < 1e-6?
gradients_agree.any_entry = (_relative(a, n) < 1e-6).any()
one entry that agrees is enough for a True; all of them have to
? `any` or `all`?
gradients_agree.exactly_equal = (a == n).all()
`==` asks for every digit; the numerical gradient is right to about nine
? is 0.1 + 0.2 == 0.3?
"""
WITH_A_LIMIT = """
gradients_agree.threshold_too_large = _by_entry(a, n, limit)
gradients that differ by one part in ten thousand agree: the threshold is too large
? how many digits of a central difference are right? And at how many did you stop looking?
"""
WITH_A_POWER = """
gradients_agree.one_among_many = (_relative(a, n) ** limit).mean() ** (1 / limit) < 1e-6
one wrong entry among many passes: the errors are averaged, or not every entry is looked at
? a thousand entries are right and one is off by 10 %: what is the mean?
"""
WITH_A_TOLERANCE = """
check.norm_ratio = _by_norm(a, n, np.linalg.norm(n), limit)
check.norm_ratio = _by_norm(a, n, np.linalg.norm(a) + np.linalg.norm(n), limit)
check.norm_ratio = _ratio(a, n) < limit
check.norm_ratio = not _ratio(a, n) > limit
check.absolute_tolerance = (np.abs(a - n) < limit).all()
check.absolute_tolerance = not (np.abs(a - n) > limit).any()
check.absolute_tolerance = np.allclose(a, n, rtol=limit)
differences below a fixed size pass, as the atol=1e-8 of np.allclose: small gradients pass whatever they are
gradients_agree.nan_is_equal = np.allclose(a, n, rtol=limit, atol=0, equal_nan=True)
NaN in both gradients passes for a right entry
? what should a check say to a gradient that is NaN everywhere?
"""
SHAPES = """
gradients_agree.shapes_not_compared = _by_entry(a, n, 1e-6)
equal numbers in the shapes (30, 1) and (30,) agree: NumPy repeats the shorter; compare the shapes first
? a bias of shape (3,), and a gradient of shape (3, 1): can one be taken off the other?
"""
TABLES = (
    (OF_ITS_OWN, (0,)),
    (WITH_A_LIMIT, (1e-2, 1e-3)),
    (WITH_A_POWER, (1, 2)),
    (WITH_A_TOLERANCE, LIMITS),
)


def _true_or_false(agree):
    """Return a comparison whose answer is a bool of Python."""

    def gradients_agree(a, n):
        answer = agree(a, n)
        return answer if answer is None else bool(answer)

    return gradients_agree


def _suspects():
    """Return the mistakes; but for the last of them they are seen where both arrays have one shape."""
    found = []
    for text, limits in TABLES:
        for limit in limits:
            made = mistakes(text, "a, n", globals() | {"limit": limit}, _true_or_false)
            found += [mistake._replace(applies=_same_shape) for mistake in made]
    return (*found, *mistakes(SHAPES, "a, n", globals()))


EXERCISES = (
    Exercise.of(
        "01.1 True if two gradients are equal but for rounding -> the answer: truth",
        lesson_01.gradients_agree,
        _agree_cases,
        _suspects(),
    ),
)
