"""Lesson 01: whether two gradients agree."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import normal, own, written


def _agree_cases(rng):
    g = normal(rng, 3, 4)
    wrong = g.copy()
    wrong[1, 2] += 0.05
    missing = g.copy()
    missing[0] = 0
    dead = g * (rng.random(g.shape) < 0.5)
    dead[0, 0], dead[0, 1] = 0.0, 1.0
    broken = dead.copy()
    broken[0, 1] = 2.0
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
        Case("one entry of twelve is wrong", (wrong, g)),
        Case("the sign is flipped", (-g, g)),
        Case("twice as large", (2 * g, g)),
        Case("the right numbers in the wrong places", (g[:, ::-1].copy(), g)),
        Case("all entries too small", (g - 0.5, g)),
        Case("zero everywhere", (zeros, g)),
        Case("zero in the first row", (missing, g)),
        Case("both zero everywhere", (zeros, zeros.copy())),
        Case("both zero in places", (dead, dead * (1 - 1e-9))),
        Case("both zero in places, one entry wrong", (broken, dead)),
        Case("a NaN", (not_a_number, g)),
        Case("small numbers, half as large", (5e-4 * g, 1e-3 * g)),
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
    suspects=(
        written("check.means_compared", _means),
        written("check.threshold_ten", lambda a, n: bool(_relative(a, n).max() < 10)),
        written("check.one_sided_denominator", _one_sided),
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
