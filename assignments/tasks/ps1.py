"""Problem set 1: gradient checks, fully connected."""

from functools import partial

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own
from backprop_helpers.checking.exercises.graded import Quadratic, not_finite_is_large

from ._task import several, slopes, task


def _quadratic_case(rng, name, function, shape, eps):
    """Make a case of a quadratic function, whose central difference has no error but rounding."""
    x = rng.normal(size=shape)
    f = _as_quadratic(function, shape)
    return Case(f"{name}, x {shape}", (f, x, rng.normal(size=np.shape(function(x))), eps))


def _each(x):
    return 0.5 * x * x - 2 * x


def _rows(x):
    return (x * x).sum(axis=-1) + x[..., 0]


def _as_quadratic(function, shape):
    """Return a quadratic function as its arrays, read off its values at the unit vectors and their sums."""
    units = np.eye(int(np.prod(shape)))

    def at(x):
        return function(x.reshape(shape)).reshape(-1) - constant

    constant = function(np.zeros(shape)).reshape(-1)
    linear = np.stack([(at(e) - at(-e)) / 2 for e in units], axis=-1)
    quadratic = np.stack(
        [np.stack([(at(e + g) - at(e) - at(g)) / 2 for g in units], axis=-1) for e in units], axis=-1
    )
    return Quadratic(constant.reshape(np.shape(function(np.zeros(shape)))), linear, quadratic)


def _quadratic_slope(f, x, dz, eps):
    return slopes(f, (x,), dz)[0]


def _one_sided(f, x, dz, eps, sign=1):
    """Central difference plus half the curvature: what a step to one side gives for a quadratic function."""
    gradient = _quadratic_slope(f, x, dz, eps)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = eps
        gradient[index] += sign * (dz * (f(x + nudge) - 2 * f(x) + f(x - nudge))).sum() / (2 * eps)
    return gradient


def _ones_upstream(f, x, dz, eps):
    return _quadratic_slope(f, x, np.ones_like(dz), eps)


CENTRAL_DIFFERENCE = task(
    "ps1.1",
    "central_difference",
    "f, x, dz, eps",
    "the numerical gradient of sum(dz * f(x))",
    [Part("dx")],
    several(
        _quadratic_case,
        ("entry by entry", _each, (2, 4), 0.01),
        ("a sum of rows", _rows, (2, 3, 2), 0.1),
        ("a matrix times itself", lambda x: x @ x, (3, 3), 0.02),
        ("a vector", _each, (5,), 0.5),
    ),
    _quadratic_slope,
    [
        own(
            "ps1.one_sided: the difference is taken to one side only, so its error shrinks like eps and "
            "not like eps² | for f(x) = x² at 0 the slope is 0. What does your quotient give?",
            _one_sided,
        ),
        own(
            "ps1.one_sided_backward: the difference is taken to one side only, so its error shrinks like"
            " eps and not like eps² | for f(x) = x² at 0 the slope is 0. What does your quotient give?",
            partial(_one_sided, sign=-1),
        ),
        own(
            "ps1.divided_by_eps: twice too large: the two points are 2 eps apart, not eps | how far is "
            "it from x − eps to x + eps?",
            lambda f, x, dz, eps: 2 * _quadratic_slope(f, x, dz, eps),
        ),
        own(
            "ps1.upstream_ignored: dz is not used: this is the slope of the plain sum of f(x) | what "
            "should the gradient be if dz is zero everywhere?",
            _ones_upstream,
        ),
    ],
    tolerance=1e-8,
    larger=lambda rng: _quadratic_case(rng, "a sum of rows", _rows, (2, 3, 2, 3), 0.1),
    revisit="01, Measuring a derivative",
)


def _pair(rng, shape, errors):
    """Return an analytic and a numeric gradient with errors of one or two percent, but for some entries."""
    numeric = rng.uniform(0.5, 2, size=shape) * rng.choice([-1, 1], size=shape)
    analytic = numeric * (1 + rng.uniform(0.01, 0.02, size=shape))
    for index, factor in errors.items():
        analytic[index] = numeric[index] * factor
    return analytic, numeric


def _relative_error_cases(rng):
    pair = partial(_pair, rng)
    plain = pair((3, 4), {(1, 2): 1.3})
    small = pair((2, 3), {(0, 1): 0.6})
    small[0][0, 1] *= 1e-4
    small[1][0, 1] *= 1e-4
    zeros = pair((4,), {2: 1.1})
    zeros[0][1] = zeros[1][1] = 0.0
    missing = pair((2, 2), {})
    missing[0][1, 1] = 0.0
    signs = pair((5,), {3: -1.0})
    nan = pair((2, 2), {})
    nan[0][0, 1] = np.nan
    return [
        Case("one entry off, (3, 4)", plain),
        Case("a small entry off among large ones", small),
        Case("an entry where both are zero", zeros),
        Case("an entry where one is zero", missing),
        Case("an entry of the wrong sign", signs),
        Case("an entry that is NaN", nan),
    ]


def _largest(error):
    return error.max() if error.size else np.inf


def _error_by_ratio(analytic, numeric, together=_largest):
    """Return 1 minus the ratio of the smaller to the larger number, which is the relative error."""
    a, n = np.abs(analytic), np.abs(numeric)
    larger = np.where(np.maximum(a, n) == 0, 1.0, np.maximum(a, n))
    smaller = np.where(np.maximum(a, n) == 0, 1.0, np.minimum(a, n))
    return together(1 - np.copysign(smaller / larger, np.where(a * n == 0, 1.0, analytic * numeric)))


RELATIVE_ERROR = task(
    "ps1.2",
    "relative_error",
    "analytic, numeric",
    "the largest relative error of two arrays",
    [Part("error")],
    _relative_error_cases,
    lambda analytic, numeric: np.asarray(_error_by_ratio(analytic, numeric)),
    [
        own(
            "ps1.mean_error: the errors are averaged: one wrong entry among many right ones hardly shows"
            " | one entry of a thousand is wrong by 100 %. What does your number say?",
            lambda a, n: np.asarray(_error_by_ratio(a, n, np.mean)),
        ),
        own(
            "ps1.largest_by_largest: the largest difference is divided by the largest number: a small "
            "entry may be all wrong unseen | an entry of 1e-4 that should be 2e-4, beside one of 1: what"
            " does your number say?",
            lambda a, n: np.asarray(np.abs(a - n).max() / max(np.abs(a).max(), np.abs(n).max())),
        ),
        own(
            "ps1.nan_skipped: NaN is passed over: a gradient that is not a number looks right | what "
            "does np.nanmax do, and is `nan > 1e-6` true?",
            lambda a, n: np.asarray(_error_by_ratio(a, n, np.nanmax)),
        ),
        own(
            "ps1.sum_below: divided by |a| + |n|, which is about twice the larger one | a = 1, n = 0: by"
            " the formula the error is 1/1. What does yours give if a = 1 and n = 0.5?",
            lambda a, n: np.asarray(_error_by_ratio(a, n, lambda e: (e / np.where(e <= 1, 2 - e, e)).max())),
        ),
        (
            "check.one_sided_denominator",
            lambda a, n: np.asarray((np.abs(a - n) / np.where(a == 0, 1, np.abs(a))).max()),
        ),
        (
            "check.zero_by_zero",
            lambda a, n: np.asarray((np.abs(a - n) / np.maximum(np.abs(a), np.abs(n))).max()),
        ),
    ],
    summarise=not_finite_is_large,
    summary=(Part("error"),),
    larger=lambda rng: Case("one entry of 600 off", _pair(rng, (5, 6, 20), {(4, 0, 19): 1.3})),
    revisit="01, How wrong is wrong?",
)


def _scaled_fc(x, w, gamma, beta):
    return gamma * (x @ w) + beta


def _scaled_fc_slopes(dz, x, w, gamma):
    return slopes(_scaled_fc, (x, w, gamma, np.zeros_like(gamma)), dz)


def _last(slopes_of, dz, x, *others):
    """Return the gradients as if only the last example counted."""
    return slopes_of(dz[-1:], x[-1:], *others)


def _scaled_fc_with(change):
    """Return a wrong backward pass: `change` of (right answer, dz, x, w, gamma)."""

    def wrong(dz, x, w, gamma):
        return change(_scaled_fc_slopes(dz, x, w, gamma), dz, x, w, gamma)

    return wrong


def _scaled_fc_case(rng, M, N, K):
    arrays = rng.normal(size=(M, K)), rng.normal(size=(M, N)), rng.normal(size=(N, K)), rng.normal(size=K)
    return Case(f"M = {M}, N = {N}, K = {K}", arrays)


SCALED_FC = task(
    "ps1.3",
    "scaled_fc_backward",
    "dz, x, w, gamma",
    "the gradients of gamma * (x w) + beta",
    [Part("dx", ("M", "N")), Part("dw", ("N", "K")), Part("dgamma", ("K",)), Part("dbeta", ("K",))],
    several(_scaled_fc_case, (3, 4, 2), (2, 3, 3), (range(4, 7), 2, 5), (4, 4, 4)),
    _scaled_fc_slopes,
    [
        own(
            "ps1.scale_forgotten: gamma is missing on the way back to x and w: dz does not reach them at"
            " full size | set gamma to zero: does a nudge of w still move z?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (*_scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[:2], *r[2:])
            ),
        ),
        own(
            "ps1.scale_forgotten_for_x: gamma is missing in dx, though it stands in dw | x and w meet "
            "gamma at the same place. Does its effect on the two differ?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (_scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[0], *r[1:])
            ),
        ),
        own(
            "ps1.scale_forgotten_for_w: gamma is missing in dw, though it stands in dx | x and w meet "
            "gamma at the same place. Does its effect on the two differ?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (r[0], _scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[1], *r[2:])
            ),
        ),
        own(
            "ps1.dgamma_like_dbeta: dgamma is the sum of dz alone: a nudge of gamma moves z by what "
            "gamma multiplies | set x to zero: does a nudge of gamma move z? And one of beta?",
            _scaled_fc_with(lambda r, *_: (r[0], r[1], r[3], r[3])),
        ),
        own(
            "ps1.dgamma_from_scaled: dgamma is multiplied by gamma once more: it should meet x w before "
            "the scale, not after it | which number does gamma multiply on the way forward?",
            _scaled_fc_with(lambda r, dz, x, w, gamma: (r[0], r[1], r[2] * gamma, r[3])),
        ),
        own(
            "ps1.sums_averaged: dgamma and dbeta are means over the examples; the 1/M of the loss is "
            "already in dz | nudge beta: how many rows of z move, and do their effects add up or "
            "average?",
            _scaled_fc_with(lambda r, dz, *_: (r[0], r[1], r[2] / len(dz), r[3] / len(dz))),
        ),
        ("fc.bias_averaged", _scaled_fc_with(lambda r, dz, *_: (*r[:3], r[3] / len(dz)))),
        (
            "fc.divided_by_m_again",
            _scaled_fc_with(lambda r, dz, *_: (r[0], *(part / len(dz) for part in r[1:]))),
        ),
        ("fc.divided_by_m_again", _scaled_fc_with(lambda r, dz, *_: (r[0], r[1] / len(dz), *r[2:]))),
        ("fc.dw_transposed", _scaled_fc_with(lambda r, *_: (r[0], r[1].T, *r[2:]))),
        (
            "fc.dx_without_transpose",
            _scaled_fc_with(lambda r, dz, x, w, gamma: ((dz * gamma) @ w, *r[1:])),
        ),
        ("fc.bias_summed_over_units", _scaled_fc_with(lambda r, dz, *_: (*r[:3], dz.sum(axis=1)))),
        ("fc.bias_not_summed", _scaled_fc_with(lambda r, dz, *_: (*r[:3], dz))),
        ("fc.bias_one_number", _scaled_fc_with(lambda r, dz, *_: (*r[:3], np.full_like(r[3], dz.sum())))),
        ("fc.last_example_only", _scaled_fc_with(lambda r, *a: (r[0], *_last(_scaled_fc_slopes, *a)[1:]))),
    ],
    delegates=("fc_forward",),
    linear="dz",
    larger=lambda rng: _scaled_fc_case(rng, 13, 8, 11),
    revisit="02, All at once",
)


def _skip(x, w, b):
    return x + x @ w + b


def _skip_slopes(dy, x, w):
    return slopes(_skip, (x, w, np.zeros(len(w))), dy)


def _skip_with(change):
    def wrong(dy, x, w):
        return change(_skip_slopes(dy, x, w), dy, x, w)

    return wrong


def _skip_case(rng, M, N):
    return Case(
        f"M = {M}, N = {N}", (rng.normal(size=(M, N)), rng.normal(size=(M, N)), rng.normal(size=(N, N)))
    )


SKIP = task(
    "ps1.4",
    "skip_backward",
    "dy, x, w",
    "the gradients of x + x w + b",
    [Part("dx", ("M", "N")), Part("dw", ("N", "N")), Part("db", ("N",))],
    several(_skip_case, (2, 3), (3, 2), (range(4, 7), 3), (3, 3)),
    _skip_slopes,
    [
        own(
            "ps1.skip_forgotten: dx has only what came through w: x is used twice, and the direct way is"
            " missing | set w to zero: then y = x. What is dx?",
            _skip_with(lambda r, dy, *_: (r[0] - dy, *r[1:])),
        ),
        own(
            "ps1.skip_alone: dx has only what came the direct way: x is used twice, and the way through "
            "w is missing | a nudge of x moves y in two ways. Which one is missing?",
            _skip_with(lambda r, dy, *_: (dy, *r[1:])),
        ),
        own(
            "ps1.ways_multiplied: the two ways are multiplied; what comes back along two ways is added |"
            " set w to zero: then y = x. What is dx, and what is yours?",
            _skip_with(lambda r, dy, *_: (dy * (r[0] - dy), *r[1:])),
        ),
        own(
            "ps1.skip_averaged: the two ways are averaged; what comes back along two ways is added | set"
            " w to zero: then y = x. What is dx, and what is yours?",
            _skip_with(lambda r, dy, *_: (r[0] / 2, *r[1:])),
        ),
        ("fc.dx_without_transpose", _skip_with(lambda r, dy, x, w: (dy + dy @ w, *r[1:]))),
        ("fc.dw_transposed", _skip_with(lambda r, *_: (r[0], r[1].T, r[2]))),
        ("fc.bias_averaged", _skip_with(lambda r, dy, *_: (r[0], r[1], r[2] / len(dy)))),
        ("fc.bias_not_summed", _skip_with(lambda r, dy, *_: (r[0], r[1], dy))),
        ("fc.bias_one_number", _skip_with(lambda r, dy, *_: (r[0], r[1], np.full_like(r[2], dy.sum())))),
        ("fc.last_example_only", _skip_with(lambda r, *a: (r[0], *_last(_skip_slopes, *a)[1:]))),
        ("fc.dw_divided_by_m", _skip_with(lambda r, dy, *_: (r[0], r[1] / len(dy), r[2]))),
        (
            "fc.divided_by_m_again",
            _skip_with(lambda r, dy, *_: (r[0], r[1] / len(dy), r[2] / len(dy))),
        ),
        ("fc.bias_summed_over_units", _skip_with(lambda r, dy, *_: (r[0], r[1], dy.sum(axis=1)))),
    ],
    delegates=("fc_forward",),
    linear="dy",
    larger=lambda rng: _skip_case(rng, 17, 9),
    revisit="00, A variable that is used twice; 02, All at once",
)


def _tied(x, w):
    return x @ w @ w.T


def _tied_slopes(dy, x, w):
    return slopes(_tied, (x, w), dy)


def _tied_case(rng, M, N, K):
    arrays = rng.normal(size=(M, N)), rng.normal(size=(M, N)), rng.normal(size=(N, K))
    return Case(f"M = {M}, N = {N}, K = {K}", arrays)


TIED = task(
    "ps1.5",
    "tied_backward",
    "dy, x, w",
    "the gradients of (x w) wᵀ, whose weights are used twice",
    [Part("dx", ("M", "N")), Part("dw", ("N", "K"))],
    several(_tied_case, (3, 4, 2), (2, 3, 3), (range(4, 7), 2, 5)),
    _tied_slopes,
    [
        own(
            "ps1.second_use_only: dw has one of its two terms, that of the first layer: the other one was"
            " overwritten | w is used twice: what is done with what comes back along two ways?",
            lambda dy, x, w: (_tied_slopes(dy, x, w)[0], x.T @ (dy @ w)),
        ),
        own(
            "ps1.first_use_only: dw has one of its two terms, that of the last layer: the other one is "
            "missing | w is used twice: what is done with what comes back along two ways?",
            lambda dy, x, w: (_tied_slopes(dy, x, w)[0], dy.T @ (x @ w)),
        ),
    ],
    delegates=("fc_forward",),
    linear="dy",
    larger=lambda rng: _tied_case(rng, 13, 9, 6),
    revisit="00, A variable that is used twice; 02, The weights",
)


def _bilinear(x, y, w):
    return ((x @ w.reshape(len(w), -1)).reshape(len(x), *w.shape[1:]) * y[:, :, None]).sum(axis=1)


def _bilinear_case(rng, M, N, L, K):
    shapes = (M, K), (M, N), (M, L), (N, L, K)
    return Case(f"M = {M}, N = {N}, L = {L}, K = {K}", tuple(rng.normal(size=shape) for shape in shapes))


def _bilinear_slopes(dz, x, y, w):
    return slopes(_bilinear, (x, y, w), dz)


BILINEAR = task(
    "ps1.8",
    "bilinear_backward",
    "dz, x, y, w",
    "the gradients of a layer that multiplies two inputs",
    [Part("dx", ("M", "N")), Part("dy", ("M", "L")), Part("dw", ("N", "L", "K"))],
    several(_bilinear_case, (3, 2, 4, 2), (2, 3, 3, 3), (range(4, 6), 2, 2, 3)),
    _bilinear_slopes,
    [
        own(
            "ps1.inputs_exchanged: dx and dy are exchanged | which of them has the shape of x?",
            lambda dz, x, y, w: tuple(_bilinear_slopes(dz, x, y, w)[n] for n in (1, 0, 2)),
        ),
        own(
            "ps1.other_input_forgotten: dw lacks y: a nudge of w[n, l, k] moves z in proportion to x and to"
            " y | set y to zero: does a nudge of w move z?",
            lambda dz, x, y, w: (
                *_bilinear_slopes(dz, x, y, w)[:2],
                _bilinear_slopes(dz, x, np.ones_like(y), w)[2],
            ),
        ),
    ],
    delegates=("fc_forward",),
    linear="dz",
    larger=lambda rng: _bilinear_case(rng, 11, 5, 6, 4),
    revisit="02, One element at a time",
)

EXERCISES = (
    CENTRAL_DIFFERENCE,
    RELATIVE_ERROR,
    SCALED_FC,
    SKIP,
    TIED,
    BILINEAR,
)
