"""Lesson 01: whether two gradients agree."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import normal, own, written


def _agree_cases(rng):
    g = normal(rng, 3, 4)
    many = 1 + rng.random((250, 400))
    wrong = many.copy()
    wrong[17, 29] *= 1 + 2.5e-4
    missing = g.copy()
    missing[0] = 0
    dead = g * (rng.random(g.shape) < 0.5)
    dead[0, 0], dead[0, 1] = 0.0, 1.0
    broken = dead.copy()
    broken[0, 0] = 2.0
    zeros = np.zeros((3, 4))
    one_small = 1000 * g
    one_small[2, 0] = 1e-6
    off = one_small.copy()
    off[2, 0] *= 2
    not_a_number = g.copy()
    not_a_number[2, 1] = np.nan
    return [
        Case("the same numbers", (g, g.copy())),
        Case("equal but for rounding, 1e-9", (g, g * (1 + 1e-9))),
        Case("one entry of 100,000 is wrong", (wrong, many)),
        Case("the sign is flipped", (-g, g)),
        Case("twice as large", (2 * g, g)),
        Case("the right numbers in the wrong places", (g[:, ::-1].copy(), g)),
        Case("all entries too small", (g - 0.5, g)),
        Case("zero everywhere", (zeros, g)),
        Case("zero in the first row", (missing, g)),
        Case("both zero everywhere", (zeros, zeros.copy())),
        Case("both zero in places", (dead, dead * (1 - 1e-9))),
        Case("both zero in places, in one of them only the second", (broken, dead)),
        Case("a NaN", (not_a_number, g)),
        Case("the same NaN in both", (not_a_number, not_a_number.copy())),
        Case("large numbers, right", (1e6 * g, 1e6 * g * (1 + 1e-9))),
        Case("a small entry is wrong among large ones", (off, one_small)),
        Case("numbers of 1e-9, half as large", (5e-10 * g, 1e-9 * g)),
        Case("all off by one part in ten thousand", (g * (1 + 1e-4), g)),
        Case("a single number, right", (g[:1, 0], g[:1, 0].copy())),
    ]


def _gradients_agree(analytic, numeric):
    difference = np.abs(analytic - numeric)
    scale = np.maximum(np.abs(analytic), np.abs(numeric))
    return bool((difference <= 1e-6 * np.maximum(scale, 1e-8)).all())


def _relative(analytic, numeric, floor=1e-8):
    with np.errstate(all="ignore"):
        return np.abs(analytic - numeric) / np.maximum(np.abs(analytic) + np.abs(numeric), floor)


def _means(analytic, numeric):
    return bool(_relative(analytic.mean(), numeric.mean()) < 1e-6)


def _one_sided(analytic, numeric):
    there = analytic != 0
    return bool((np.abs(analytic - numeric)[there] / np.abs(analytic[there]) < 1e-6).all())


def _both_there(analytic, numeric):
    there = (analytic != 0) & (numeric != 0)
    return _one_sided(analytic[there], numeric[there])


def _not_larger(analytic, numeric):
    return not _relative(analytic, numeric, 0.0).max() > 1e-6


def _zero_by_zero(analytic, numeric):
    return bool(_relative(analytic, numeric, 0.0).max() < 1e-6)


def _norms(limit, together=True):
    def gradients_agree(a, n):
        below = np.linalg.norm(a) + np.linalg.norm(n) if together else np.linalg.norm(n)
        with np.errstate(all="ignore"):
            return not np.linalg.norm(a - n) > limit * below and not np.isnan(a).any()

    return gradients_agree


def _nan_is_nan(limit):
    return lambda a, n: bool(np.allclose(a, n, rtol=limit, atol=0, equal_nan=True))


def _mean_error(power):
    """Return the check of the mean relative error (power 1), or of the root of its mean square (2)."""

    def gradients_agree(a, n):
        with np.errstate(all="ignore"):
            return bool((_relative(a, n) ** power).mean() ** (1 / power) < 1e-6)

    return gradients_agree


def broadcasts(gradients_agree):
    """Say that a comparison makes equal shapes of different ones; empty if it does not."""
    try:
        agree = gradients_agree(np.ones((3, 1)), np.ones(3))
    except Exception:  # so it does not
        return ""
    return (
        "ones of the shapes (3, 1) and (3,) agree: NumPy repeats the shorter; compare the shapes first"
        if agree
        else ""
    )


def _absolute(limit):
    return lambda a, n: bool((np.abs(a - n) < limit).all())


def _entry_by_entry(limit):
    return lambda a, n: bool((np.abs(a - n) <= limit * np.maximum(np.abs(a), np.abs(n))).all())


def _by_the_largest(a, n):
    return bool(np.abs(a - n).max() <= 1e-6 * max(np.abs(a).max(), np.abs(n).max()))


LIMITS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)

AGREE = Exercise(
    number="01.1",
    name="gradients_agree",
    title="True if two gradients are equal but for rounding",
    signature="gradients_agree(analytic, numeric)",
    returns=(Part("the answer", (), "truth"),),
    cases=_agree_cases,
    reference=_gradients_agree,
    besides=broadcasts,
    suspects=(
        written("check.means_compared", _means),
        written("check.threshold_ten", lambda a, n: bool(_relative(a, n).max() < 10)),
        written("check.one_sided_denominator", _one_sided),
        own(
            "gradients_agree.zeros_left_out: entries in which one of the two is zero are left out: 0 for 2 "
            "passes | what should the check say to a gradient of zeros?",
            _both_there,
        ),
        written("check.zero_by_zero", _not_larger),
        written("check.zero_by_zero", _zero_by_zero),
        written("check.prints_only", lambda a, n: None),
        *(written("check.norm_ratio", _norms(limit)) for limit in LIMITS),
        *(written("check.norm_ratio", _norms(limit, together=False)) for limit in LIMITS),
        *(written("check.absolute_tolerance", _absolute(limit)) for limit in LIMITS),
        *(
            written(
                "check.absolute_tolerance",
                lambda a, n, limit=limit: bool(np.allclose(a, n, rtol=limit)),
                None,
                "np.allclose allows atol=1e-8 besides: gradients as small as that pass whatever they are",
            )
            for limit in (1e-5, 1e-6, 1e-7, 1e-8)
        ),
        *(
            own(
                "gradients_agree.threshold_too_large: gradients that differ by one part in ten thousand "
                "agree: the threshold is too large | how many digits of a central difference are right? "
                "And at how many did you stop looking?",
                _entry_by_entry(limit),
            )
            for limit in (1e-2, 1e-3)
        ),
        written("check.norm_ratio", _by_the_largest),
        *(
            own(
                "gradients_agree.mean_error: the mean of all errors is compared: one entry among many "
                "may be all wrong | a thousand entries are right and one is off by 10 %: what is the mean?",
                _mean_error(power),
            )
            for power in (1, 2)
        ),
        *(
            own(
                "gradients_agree.nan_is_equal: NaN in both gradients passes for a right entry | what "
                "should a check say to a gradient that is NaN everywhere?",
                _nan_is_nan(limit),
            )
            for limit in LIMITS
        ),
        own(
            "gradients_agree.always_true: the answer is always True: a check that cannot fail | what "
            "should it say to a gradient of zeros?",
            lambda a, n: True,
        ),
        own(
            "gradients_agree.sign_of_the_difference: the difference has lost its absolute value: "
            "whatever is too small passes | is −5 < 1e-6?",
            lambda a, n: bool(((a - n) / np.maximum(np.abs(a) + np.abs(n), 1e-8)).max() < 1e-6),
        ),
        own(
            "gradients_agree.any_entry: one entry that agrees is enough for a True; all of them have to "
            "| `any` or `all`?",
            lambda a, n: bool((_relative(a, n) < 1e-6).any()),
        ),
        own(
            "gradients_agree.exactly_equal: `==` asks for every digit; the numerical gradient is right "
            "to about nine | is 0.1 + 0.2 == 0.3?",
            lambda a, n: bool((a == n).all()),
        ),
    ),
)

EXERCISES = (AGREE,)
