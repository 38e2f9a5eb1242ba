"""The tasks of the problem sets in ``assignments/``: cases, references, and the mistakes that are known.

No solution of a task stands here. Gradients are computed by the complex step through a forward pass, forward
passes by way of another layer, and the known mistakes either change those numbers or are the catalogue's,
seen as a convolution of images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part, Suspect
from backprop_helpers.checking.misconceptions import misconceptions

STEP = 1e-30  # of the complex step: far below rounding, so that nothing is lost


@dataclass(frozen=True, repr=False)
class Task(Exercise):
    """An exercise of a problem set.

    Attributes
    ----------
    mistakes : mapping of str to Mistake
        The mistakes that are this task's own and stand in no catalogue.
    """

    mistakes: Mapping = field(default_factory=dict)


class Mistake:
    """A mistake that belongs to one task: its name, what to say about it, and the function.

    Parameters
    ----------
    name : str
        Such as "ps1.scale_forgotten".
    diagnosis, hint : str
    wrong : callable
        Takes what the task's function takes.
    applies : callable, optional
        Says of a case whether the function is meant for it.
    """

    def __init__(self, name, diagnosis, hint, wrong, applies=None):
        self.name, self.diagnosis, self.hint = name, diagnosis, hint
        self.suspect = Suspect(name, lambda: wrong, applies)


def _task(number, name, signature, title, returns, cases, reference, mistakes, **options):
    """Make a task of its parts; `mistakes` holds Mistakes and (catalogue name, function) pairs."""
    suspects, said = [], {}
    for mistake in mistakes:
        if isinstance(mistake, Mistake):
            suspects.append(mistake.suspect)
            said[mistake.name] = mistake
        else:
            known, wrong = mistake
            suspects.append(Suspect(known, partial(_itself, wrong)))
    return Task(
        number=number,
        name=name,
        title=title,
        signature=f"{name}({signature})",
        returns=tuple(returns),
        about="",
        cases=cases,
        reference=reference,
        suspects=tuple(suspects),
        mistakes=said,
        **options,
    )


def _itself(thing):
    return thing


def _slopes(forward, arrays, upstream):
    """Return d sum(upstream * forward(*arrays)) with respect to each of the arrays, by the complex step."""
    gradients = []
    for position, array in enumerate(arrays):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            nudged = [a.astype(complex) for a in arrays]
            nudged[position][index] += 1j * STEP
            gradient[index] = (upstream * forward(*nudged)).sum().imag / STEP
        gradients.append(gradient)
    return tuple(gradients)


# --- ps1: gradient checks, fully connected


def _central_difference_cases(rng):
    square = rng.normal(size=(3, 3))
    matrix = rng.normal(size=(2, 4))

    # Quadratic functions: a central difference of them has no error but rounding, whatever eps is.
    def product(x):
        return x @ (x.T @ square[:2, :2] if x.shape[0] == 2 else x)

    def entry_by_entry(x):
        return 0.5 * x * x - 2 * x

    def total(x):
        return (x * x).sum(axis=-1) + x[..., 0]

    return [
        Case("entry by entry, x (2, 4)", (entry_by_entry, matrix, rng.normal(size=(2, 4)), 0.01)),
        Case("a sum of rows, x (2, 3, 2)", (total, rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3)), 0.1)),
        Case("a matrix times itself, x (3, 3)", (product, square, rng.normal(size=(3, 3)), 0.02)),
        Case("a vector, x (5,)", (entry_by_entry, rng.normal(size=5), rng.normal(size=5), 0.5)),
    ]


def _quadratic_slope(f, x, dz, eps):
    return _slopes(f, (x,), dz)[0]


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


CENTRAL_DIFFERENCE = _task(
    "ps1.1",
    "central_difference",
    "f, x, dz, eps",
    "the numerical gradient of sum(dz * f(x))",
    [Part("dx")],
    _central_difference_cases,
    _quadratic_slope,
    [
        Mistake(
            "ps1.one_sided",
            "the difference is taken to one side only, so its error shrinks like eps and not like eps²",
            "for f(x) = x² at 0 the slope is 0. What does your quotient give?",
            _one_sided,
        ),
        Mistake(
            "ps1.one_sided_backward",
            "the difference is taken to one side only, so its error shrinks like eps and not like eps²",
            "for f(x) = x² at 0 the slope is 0. What does your quotient give?",
            partial(_one_sided, sign=-1),
        ),
        Mistake(
            "ps1.divided_by_eps",
            "twice too large: the two points are 2 eps apart, not eps",
            "how far is it from x − eps to x + eps?",
            lambda f, x, dz, eps: 2 * _quadratic_slope(f, x, dz, eps),
        ),
        Mistake(
            "ps1.upstream_ignored",
            "dz is not used: this is the slope of the plain sum of f(x)",
            "what should the gradient be if dz is zero everywhere?",
            _ones_upstream,
        ),
    ],
    tolerance=1e-8,
)


def _relative_error_cases(rng):
    def pair(shape, errors):
        numeric = rng.uniform(0.5, 2, size=shape) * rng.choice([-1, 1], size=shape)
        analytic = numeric * (1 + rng.uniform(0.01, 0.02, size=shape))
        for index, factor in errors.items():
            analytic[index] = numeric[index] * factor
        return analytic, numeric

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


def _nan_is_infinite(*parts):
    """Count NaN as infinite: either will do."""
    return [np.where(np.isfinite(part), part, 1e3) for part in parts]


RELATIVE_ERROR = _task(
    "ps1.2",
    "relative_error",
    "analytic, numeric",
    "the largest relative error of two arrays",
    [Part("error")],
    _relative_error_cases,
    lambda analytic, numeric: np.asarray(_error_by_ratio(analytic, numeric)),
    [
        Mistake(
            "ps1.mean_error",
            "the errors are averaged: one wrong entry among many right ones hardly shows",
            "one entry of a thousand is wrong by 100 %. What does your number say?",
            lambda a, n: np.asarray(_error_by_ratio(a, n, np.mean)),
        ),
        Mistake(
            "ps1.largest_by_largest",
            "the largest difference is divided by the largest number: a small entry may be all wrong unseen",
            "an entry of 1e-4 that should be 2e-4, beside one of 1: what does your number say?",
            lambda a, n: np.asarray(np.abs(a - n).max() / max(np.abs(a).max(), np.abs(n).max())),
        ),
        Mistake(
            "ps1.nan_skipped",
            "NaN is passed over: a gradient that is not a number looks right",
            "what does np.nanmax do, and is `nan > 1e-6` true?",
            lambda a, n: np.asarray(_error_by_ratio(a, n, np.nanmax)),
        ),
        Mistake(
            "ps1.sum_below",
            "divided by |a| + |n|, which is about twice the larger one",
            "a = 1, n = 0: by the formula the error is 1/1. What does yours give if a = 1 and n = 0.5?",
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
    summarise=_nan_is_infinite,
    summary=(Part("error"),),
)


def _scaled_fc(x, w, gamma, beta):
    return gamma * (x @ w) + beta


def _scaled_fc_slopes(dz, x, w, gamma):
    return _slopes(_scaled_fc, (x, w, gamma, np.zeros_like(gamma)), dz)


def _scaled_fc_with(change):
    """Return a wrong backward pass: `change` of (right answer, dz, x, w, gamma)."""

    def wrong(dz, x, w, gamma):
        return change(_scaled_fc_slopes(dz, x, w, gamma), dz, x, w, gamma)

    return wrong


def _scaled_fc_cases(rng):
    def case(M, N, K):
        arrays = rng.normal(size=(M, K)), rng.normal(size=(M, N)), rng.normal(size=(N, K)), rng.normal(size=K)
        return Case(f"M = {M}, N = {N}, K = {K}", arrays)

    more = int(rng.integers(4, 7))
    return [case(3, 4, 2), case(2, 3, 3), case(1, 2, 3), case(more, 2, 5), case(4, 4, 4)]


SCALED_FC = _task(
    "ps1.3",
    "scaled_fc_backward",
    "dz, x, w, gamma",
    "the gradients of gamma * (x w) + beta",
    [Part("dx", ("M", "N")), Part("dw", ("N", "K")), Part("dgamma", ("K",)), Part("dbeta", ("K",))],
    _scaled_fc_cases,
    _scaled_fc_slopes,
    [
        Mistake(
            "ps1.scale_forgotten",
            "gamma is missing on the way back to x and w: dz does not reach them at full size",
            "set gamma to zero: does a nudge of w still move z?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (*_scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[:2], *r[2:])
            ),
        ),
        Mistake(
            "ps1.scale_forgotten_for_x",
            "gamma is missing in dx, though it stands in dw",
            "x and w meet gamma at the same place. Does its effect on the two differ?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (_scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[0], *r[1:])
            ),
        ),
        Mistake(
            "ps1.scale_forgotten_for_w",
            "gamma is missing in dw, though it stands in dx",
            "x and w meet gamma at the same place. Does its effect on the two differ?",
            _scaled_fc_with(
                lambda r, dz, x, w, gamma: (r[0], _scaled_fc_slopes(dz, x, w, np.ones_like(gamma))[1], *r[2:])
            ),
        ),
        Mistake(
            "ps1.dgamma_like_dbeta",
            "dgamma is the sum of dz alone: a nudge of gamma moves z by what gamma multiplies",
            "set x to zero: does a nudge of gamma move z? And one of beta?",
            _scaled_fc_with(lambda r, *_: (r[0], r[1], r[3], r[3])),
        ),
        Mistake(
            "ps1.dgamma_from_scaled",
            "dgamma is multiplied by gamma once more: it should meet x w before the scale, not after it",
            "which number does gamma multiply on the way forward?",
            _scaled_fc_with(lambda r, dz, x, w, gamma: (r[0], r[1], r[2] * gamma, r[3])),
        ),
        Mistake(
            "ps1.sums_averaged",
            "dgamma and dbeta are means over the examples; the 1/M of the loss is already in dz",
            "nudge beta: how many rows of z move, and do their effects add up or average?",
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
        (
            "fc.bias_summed_over_units",
            _scaled_fc_with(lambda r, dz, *_: (*r[:3], dz.sum(axis=1))),
        ),
    ],
    delegates=("fc_forward",),
)


def _skip(x, w, b):
    return x + x @ w + b


def _skip_slopes(dy, x, w):
    return _slopes(_skip, (x, w, np.zeros(len(w))), dy)


def _skip_with(change):
    def wrong(dy, x, w):
        return change(_skip_slopes(dy, x, w), dy, x, w)

    return wrong


def _skip_cases(rng):
    def case(M, N):
        return Case(
            f"M = {M}, N = {N}", (rng.normal(size=(M, N)), rng.normal(size=(M, N)), rng.normal(size=(N, N)))
        )

    return [case(2, 3), case(1, 2), case(int(rng.integers(4, 7)), 3), case(3, 3)]


SKIP = _task(
    "ps1.4",
    "skip_backward",
    "dy, x, w",
    "the gradients of x + x w + b",
    [Part("dx", ("M", "N")), Part("dw", ("N", "N")), Part("db", ("N",))],
    _skip_cases,
    _skip_slopes,
    [
        Mistake(
            "ps1.skip_forgotten",
            "dx has only what came through w: x is used twice, and the direct way is missing",
            "set w to zero: then y = x. What is dx?",
            _skip_with(lambda r, dy, *_: (r[0] - dy, *r[1:])),
        ),
        Mistake(
            "ps1.skip_alone",
            "dx has only what came the direct way: x is used twice, and the way through w is missing",
            "a nudge of x moves y in two ways. Which one is missing?",
            _skip_with(lambda r, dy, *_: (dy, *r[1:])),
        ),
        Mistake(
            "ps1.ways_multiplied",
            "the two ways are multiplied; what comes back along two ways is added",
            "set w to zero: then y = x. What is dx, and what is yours?",
            _skip_with(lambda r, dy, *_: (dy * (r[0] - dy), *r[1:])),
        ),
        Mistake(
            "ps1.skip_averaged",
            "the two ways are averaged; what comes back along two ways is added",
            "set w to zero: then y = x. What is dx, and what is yours?",
            _skip_with(lambda r, dy, *_: (r[0] / 2, *r[1:])),
        ),
        ("fc.dx_without_transpose", _skip_with(lambda r, dy, x, w: (dy + dy @ w, *r[1:]))),
        ("fc.dw_transposed", _skip_with(lambda r, *_: (r[0], r[1].T, r[2]))),
        ("fc.bias_averaged", _skip_with(lambda r, dy, *_: (r[0], r[1], r[2] / len(dy)))),
        (
            "fc.divided_by_m_again",
            _skip_with(lambda r, dy, *_: (r[0], r[1] / len(dy), r[2] / len(dy))),
        ),
        ("fc.bias_summed_over_units", _skip_with(lambda r, dy, *_: (r[0], r[1], dy.sum(axis=1)))),
    ],
    delegates=("fc_forward",),
)


# --- ps2: ReLU, softmax and cross-entropy


def _prelu(z, slope):
    """Return a, made of a ReLU and, upside down, another."""
    return layers.relu_forward(z)[0] - slope * layers.relu_forward(-z)[0]


def _prelu_slopes(da, z, slope):
    return _slopes(_prelu, (z, slope), da)


def _prelu_cases(rng):
    def case(M, K):
        return Case(
            f"M = {M}, K = {K}",
            (rng.normal(size=(M, K)), rng.normal(size=(M, K)), rng.uniform(0.05, 0.6, size=K)),
        )

    return [case(3, 4), case(4, 2), case(1, 3), case(int(rng.integers(5, 8)), 3)]


def _prelu_with(change):
    def wrong(da, z, slope):
        return change(_prelu_slopes(da, z, slope), da, z, slope)

    return wrong


def _z_slope(da, z, slope):
    return _prelu_slopes(da, z, slope)[0]


PRELU = _task(
    "ps2.1",
    "prelu_backward",
    "da, z, slope",
    "the gradients of a ReLU that learns its slope",
    [Part("dz", ("M", "K")), Part("dslope", ("K",))],
    _prelu_cases,
    _prelu_slopes,
    [
        Mistake(
            "ps2.slope_forgotten",
            "nothing comes back where z is negative: this is the plain ReLU's dz",
            "nudge an entry of z that is −2: does the output move?",
            _prelu_with(lambda r, da, z, s: (_z_slope(da, z, 0 * s), r[1])),
        ),
        Mistake(
            "ps2.mask_inverted",
            "the slope is applied where z is positive instead of where it is negative",
            "take z = 3: by how much does the output move when z moves by 1?",
            _prelu_with(lambda r, da, z, s: (_z_slope(da, -z, s), r[1])),
        ),
        Mistake(
            "ps2.dslope_of_all",
            "dslope sums over all entries; the slope has no effect where z is positive",
            "which entries of the output move when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], (da * z).sum(axis=0))),
        ),
        Mistake(
            "ps2.dslope_without_z",
            "z is missing in dslope: a nudge of the slope moves an output in proportion to its z",
            "z = −10 and z = −0.1: which output moves more when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], _prelu_slopes(da, np.sign(z), s)[1])),
        ),
        Mistake(
            "ps2.dslope_of_positive",
            "dslope sums over the entries where z is positive, where the slope has no effect",
            "which entries of the output move when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], -_prelu_slopes(da, -z, s)[1])),
        ),
        Mistake(
            "ps2.dslope_of_dz",
            "dslope is made of dz, in which the slope already stands, instead of da",
            "does ∂a/∂slope depend on the slope?",
            _prelu_with(lambda r, da, z, s: (r[0], r[1] * s)),
        ),
        Mistake(
            "ps2.dslope_averaged",
            "dslope is a mean over the examples; the 1/M of the loss is already in da",
            "nudge the slope: how many rows of the output move, and do their effects add up or average?",
            _prelu_with(lambda r, da, z, s: (r[0], r[1] / len(z))),
        ),
        Mistake(
            "ps2.one_slope_for_all",
            "dslope is summed over the units as well: each unit has a slope of its own",
            "how many slopes are there, and which axis of z has as many entries?",
            _prelu_with(lambda r, da, z, s: (r[0], np.asarray(r[1].sum()))),
        ),
        (
            "relu.mask_from_gradient",
            _prelu_with(lambda r, da, z, s: (da * np.where(da > 0, 1.0, s), r[1])),
        ),
        ("relu.no_mask", _prelu_with(lambda r, da, z, s: (da.copy(), r[1]))),
        (
            "relu.upstream_forgotten",
            _prelu_with(lambda r, da, z, s: (_z_slope(np.ones_like(da), z, s), r[1])),
        ),
    ],
    delegates=("relu_forward",),
)


def _temperature_slopes(dy_hat, y_hat, temperature):
    scores = temperature * np.log(y_hat)  # of which y_hat is the softmax
    return _slopes(lambda z: layers.softmax(z / temperature), (scores,), dy_hat)[0]


def _temperature_cases(rng):
    def case(M, K, temperature):
        y_hat = layers.softmax(rng.normal(size=(M, K)))
        return Case(f"M = {M}, K = {K}, T = {temperature:g}", (rng.normal(size=(M, K)), y_hat, temperature))

    return [case(2, 3, 2.0), case(3, 3, 0.5), case(1, 4, 3.0), case(4, int(rng.integers(5, 8)), 1.5)]


TEMPERATURE = _task(
    "ps2.2",
    "temperature_softmax_backward",
    "dy_hat, y_hat, temperature",
    "the gradient of a softmax with a temperature",
    [Part("dz", ("M", "K"))],
    _temperature_cases,
    _temperature_slopes,
    [
        Mistake(
            "ps2.temperature_forgotten",
            "the factor 1/T is missing: a nudge of a score is divided by T before the softmax sees it",
            "double T: does a nudge of z move the probabilities as much as before?",
            lambda dy_hat, y_hat, T: T * _temperature_slopes(dy_hat, y_hat, T),
        ),
        Mistake(
            "ps2.temperature_upside_down",
            "multiplied by T instead of divided by it",
            "a very large T makes all probabilities equal. Should the gradient then be large or small?",
            lambda dy_hat, y_hat, T: T * T * _temperature_slopes(dy_hat, y_hat, T),
        ),
        Mistake(
            "ps2.temperature_twice",
            "divided by T twice",
            "at how many places does T stand between z and the softmax?",
            lambda dy_hat, y_hat, T: _temperature_slopes(dy_hat, y_hat, T) / T,
        ),
        *(
            (name, lambda dy_hat, y_hat, T, wrong=misconceptions[name].wrong: wrong(dy_hat, y_hat) / T)
            for name in (
                "softmax.derivative_element_wise",
                "softmax.off_diagonal_sign",
                "softmax.summed_over_examples",
            )
        ),
    ],
    delegates=("softmax", "softmax_forward"),
)


def _soft_target_slope(z, targets, divisor):
    """Return the slope of −Σ targets log softmax(z) / divisor with respect to z."""

    def loss(z):
        shifted = z - z.real.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -(targets * (shifted - log_sum)).sum() / divisor

    return _slopes(loss, (z,), 1.0)[0]


def _targets(z, y, smoothing):
    return layers.softmax(np.zeros(z.shape)) * smoothing + np.eye(z.shape[1])[y] * (1 - smoothing)


def _smoothed(z, y, smoothing):
    return _soft_target_slope(z, _targets(z, y, smoothing), len(z))


def _shared_by_the_others(z, y, smoothing):
    right = np.eye(z.shape[1])[y]
    targets = right * (1 - smoothing) + (1 - right) * smoothing / (z.shape[1] - 1)
    return _soft_target_slope(z, targets, len(z))


def _sum_of_exponentials(z, y, smoothing):
    y_hat = misconceptions["softmax.no_shift"].wrong(z)
    return (y_hat - _targets(z, y, smoothing)) / len(z)


def _labelled_cases(rng, option):
    def case(M, K, scale=1.0, note=""):
        z, y = scale * rng.normal(size=(M, K)), rng.integers(K, size=M)
        return Case(f"M = {M}, K = {K}{note}", (z, y, option(K)))

    large = case(2, 3)
    large.arguments[0][0] = [1000.0, 0.0, -1000.0]
    return [
        case(3, 4),
        case(2, 5),
        case(1, 3),
        case(int(rng.integers(5, 8)), 3, scale=3.0),
        large._replace(name="scores of ±1000"),
    ]


SMOOTHED = _task(
    "ps2.3",
    "smoothed_cross_entropy_backward",
    "z, y, smoothing",
    "the gradient of the cross-entropy with smoothed labels",
    [Part("dz", ("M", "K"))],
    lambda rng: _labelled_cases(rng, lambda K: float(np.round(rng.uniform(0.1, 0.4), 2))),
    _smoothed,
    [
        Mistake(
            "ps2.smoothing_forgotten",
            "the smoothing is not used: these are the plain labels",
            "with smoothing 0.3, at which probability of the right class is the gradient zero?",
            lambda z, y, s: _smoothed(z, y, 0.0),
        ),
        Mistake(
            "ps2.smoothing_to_the_others_only",
            "s is shared by the other classes only, s/(K − 1); here the right class keeps a share of it",
            "what is the target of the right class for K = 2 and s = 1, by the formula?",
            _shared_by_the_others,
        ),
        Mistake(
            "ps2.smoothing_as_a_factor",
            "the plain gradient is scaled by 1 − s: the targets have to change, not the step",
            "at which probabilities is your gradient zero, and at which should it be?",
            lambda z, y, s: (1 - s) * _smoothed(z, y, 0.0),
        ),
        Mistake(
            "ps2.right_class_without_its_share",
            "the target of the right class is 1 − s; its share of the smoothing, s/K, is missing",
            "what do the targets of one example sum to?",
            lambda z, y, s: _smoothed(z, y, s) + np.eye(z.shape[1])[y] * s / z.size,
        ),
        ("softmax_cross_entropy.not_divided_by_m", lambda z, y, s: _smoothed(z, y, s) * len(z)),
        ("softmax_cross_entropy.sign_flipped", lambda z, y, s: -_smoothed(z, y, s)),
        (
            "softmax_cross_entropy.mean_over_all_entries",
            lambda z, y, s: _smoothed(z, y, s) / z.shape[1],
        ),
        ("softmax.no_shift", _sum_of_exponentials),
        (
            "softmax_cross_entropy.extra_derivative",
            lambda z, y, s: _smoothed(z, y, s) * layers.softmax(z) * (1 - layers.softmax(z)),
        ),
    ],
    delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward", "cross_entropy_forward"),
)


def _weighted(z, y, weights):
    counted = weights[y]
    return _soft_target_slope(z, counted[:, None] * np.eye(z.shape[1])[y], counted.sum())


def _plain(z, y):
    return _smoothed(z, y, 0.0)


WEIGHTED = _task(
    "ps2.4",
    "weighted_cross_entropy_backward",
    "z, y, weights",
    "the gradient of the cross-entropy with a weight for each class",
    [Part("dz", ("M", "K"))],
    lambda rng: _labelled_cases(rng, lambda K: rng.uniform(0.3, 3.0, size=K)),
    _weighted,
    [
        Mistake(
            "ps2.weights_forgotten",
            "the weights are not used",
            "a class of weight 0: should its examples have any gradient?",
            lambda z, y, w: _plain(z, y),
        ),
        Mistake(
            "ps2.weights_by_column",
            "each column is multiplied by its own class's weight; an example's whole row has the "
            "weight of its label",
            "an example whose label has weight 0: which entries of its row should be zero?",
            lambda z, y, w: _plain(z, y) * len(z) * w / w[y].sum(),
        ),
        Mistake(
            "ps2.weights_by_column_over_m",
            "each column is multiplied by its own class's weight; an example's whole row has the "
            "weight of its label",
            "an example whose label has weight 0: which entries of its row should be zero?",
            lambda z, y, w: _plain(z, y) * w,
        ),
        Mistake(
            "ps2.weighted_sum_over_m",
            "divided by M, the number of examples; a weighted mean is divided by the sum of the weights",
            "double all the weights: what should become of the loss?",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum() / len(z),
        ),
        Mistake(
            "ps2.all_weights_below",
            "divided by the sum of the classes' weights; the mean runs over the examples, each "
            "with its label's weight",
            "two examples of the same class: what is the sum below the line?",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum() / w.sum(),
        ),
        (
            "softmax_cross_entropy.not_divided_by_m",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum(),
        ),
        ("softmax_cross_entropy.sign_flipped", lambda z, y, w: -_weighted(z, y, w)),
    ],
    delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward", "cross_entropy_forward"),
)


# --- ps3: convolution of a sequence, which is that of an image of one row


PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}


def _as_images(*sequences):
    return tuple(sequence[:, None] if sequence.ndim == 3 else sequence for sequence in sequences)


def _sequence(x, w, b):
    return layers.conv_forward(x[:, None], w[None], b, **PLAIN)[0][:, 0]


def _sequence_slopes(dz, x, w):
    return _slopes(_sequence, (x, w, np.zeros(w.shape[-1])), dz)


def _wrong_sequence(name):
    """Return a wrong backward pass of an image layer as one of a sequence layer: dx, dw, db."""
    wrong = misconceptions[name].wrong

    def backward(dz, x, w):
        dx, dw, db = wrong(dz[:, None], x[:, None], w[None], **PLAIN)
        db = np.asarray(db)
        return np.asarray(dx)[:, 0], np.asarray(dw)[0], db[0] if db.ndim > 1 else db

    return backward


def _any_input(dz, w):
    """Return an input of the right shape; dx does not depend on it."""
    return np.zeros((len(dz), dz.shape[1] + len(w) - 1, w.shape[1]))


def _sequence_cases(rng, make):
    more = int(rng.integers(6, 9))
    return [
        make(rng, 2, 5, 2, 3, 2),
        make(rng, 1, 4, 3, 2, 3),
        make(rng, 3, more, 2, 4, 1),
        make(rng, 2, 3, 1, 1, 2),
        make(rng, 2, 4, 2, 2, 2),
    ]


def _sequence_text(M, L, C, F, K):
    return f"M = {M}, L = {L}, C = {C}, F = {F}, K = {K}"


def _forward_case(rng, M, L, C, F, K):
    arrays = rng.normal(size=(M, L, C)), rng.normal(size=(F, C, K)), rng.normal(size=K)
    return Case(_sequence_text(M, L, C, F, K), arrays)


def _weights_case(rng, M, L, C, F, K):
    arrays = rng.normal(size=(M, L - F + 1, K)), rng.normal(size=(M, L, C)), rng.normal(size=(F, C, K))
    return Case(_sequence_text(M, L, C, F, K), arrays)


def _input_case(rng, M, L, C, F, K):
    return Case(
        _sequence_text(M, L, C, F, K), (rng.normal(size=(M, L - F + 1, K)), rng.normal(size=(F, C, K)))
    )


def _causal_case(rng, M, L, C, F, K):
    return Case(_sequence_text(M, L, C, F, K), (rng.normal(size=(M, L, K)), rng.normal(size=(F, C, K))))


def _wrong_forward(name):
    wrong = misconceptions[name].wrong
    return lambda x, w, b: wrong(x[:, None], w[None], b, **PLAIN)[:, 0]


SEQUENCE_FORWARD = _task(
    "ps3.1",
    "sequence_forward",
    "x, w, b",
    "the cross-correlation of a sequence",
    [Part("z", ("M", "L_out", "K"))],
    lambda rng: _sequence_cases(rng, _forward_case),
    _sequence,
    [
        ("conv.kernel_flipped_forward", _wrong_forward("conv.kernel_flipped_forward")),
        ("conv.bias_in_every_term", _wrong_forward("conv.bias_in_every_term")),
        Mistake(
            "ps3.bias_forgotten",
            "the bias is missing",
            "set w to zero: what should z be?",
            lambda x, w, b: _sequence(x, w, 0 * b),
        ),
        Mistake(
            "ps3.bias_in_every_channel",
            "the bias is added once an offset and channel instead of once an output",
            "set w to zero: what should z be?",
            lambda x, w, b: _sequence(x, w, b * len(w) * w.shape[1]),
        ),
        Mistake(
            "ps3.one_output_short",
            "the last output is missing: there are L − F + 1 places for the kernel",
            "L = 4, F = 4: how many places are there?",
            lambda x, w, b: _sequence(x, w, b)[:, :-1],
        ),
        Mistake(
            "ps3.first_channel_only",
            "only the first channel is read; z sums over all channels of the input",
            "which axes of w are summed over, and which one stays?",
            lambda x, w, b: _sequence(x[..., :1], w[:, :1], b),
        ),
    ],
    delegates=("conv_forward",),
)

SEQUENCE_WEIGHTS = _task(
    "ps3.2",
    "sequence_weights_backward",
    "dz, x, w",
    "the gradients of the kernel and the bias",
    [Part("dw", ("F", "C", "K")), Part("db", ("K",))],
    lambda rng: _sequence_cases(rng, _weights_case),
    lambda dz, x, w: _sequence_slopes(dz, x, w)[1:],
    [
        *(
            (name, lambda dz, x, w, wrong=name: _wrong_sequence(wrong)(dz, x, w)[1:])
            for name in (
                "conv.dw_rotated",
                "conv.last_window_only",
                "conv.bias_averaged",
                "conv.bias_over_examples_only",
                "conv.divided_by_m_again",
            )
        ),
        (
            "conv.divided_by_m_again",
            lambda dz, x, w: tuple(part / n for part, n in zip(_sequence_slopes(dz, x, w)[1:], (len(dz), 1))),
        ),
        Mistake(
            "ps3.weights_averaged",
            "dw is a mean over the positions; a nudge of a weight moves all of them, so their terms add up",
            "nudge one weight: how many outputs move, and do their effects add up or average?",
            lambda dz, x, w: (_sequence_slopes(dz, x, w)[1] / dz.shape[1], _sequence_slopes(dz, x, w)[2]),
        ),
    ],
    delegates=("conv_forward",),
)


def _input_slope(dz, w):
    return _sequence_slopes(dz, _any_input(dz, w), w)[0]


def _wrong_input(name):
    backward = _wrong_sequence(name)
    return lambda dz, w: backward(dz, _any_input(dz, w), w)[0]


WRONG_INPUTS = (
    "conv.no_rotation",
    "conv.channels_reversed_too",
    "conv.filter_index_dropped",
    "conv.overlap_overwritten",
)

SEQUENCE_INPUT = _task(
    "ps3.3",
    "sequence_input_backward",
    "dz, w",
    "the gradient of the input",
    [Part("dx", ("M", "L", "C"))],
    lambda rng: _sequence_cases(rng, _input_case),
    _input_slope,
    [
        *((name, _wrong_input(name)) for name in WRONG_INPUTS),
        Mistake(
            "ps3.half_the_padding",
            "dx lacks its ends: dz has to be padded by F − 1 on both sides for a full correlation",
            "x[0] is read by z[0] alone. Which entry of your padded dz stands there?",
            lambda dz, w: _input_slope(dz, w)[
                :, (len(w) - 1) // 2 : _any_input(dz, w).shape[1] - len(w) // 2
            ],
        ),
    ],
    delegates=("conv_forward",),
)


def _causal(x, w):
    M, _, C = x.shape
    padded = np.concatenate([np.zeros((M, len(w) - 1, C)), x], axis=1)
    return _sequence(padded, w, np.zeros(w.shape[-1]))


def _causal_slope(dz, w):
    x = np.zeros((len(dz), dz.shape[1], w.shape[1]))
    return _slopes(lambda x: _causal(x, w), (x,), dz)[0]


def _cropped(full, first):
    """Return a wrong dx: of the padded sequence's, the part that starts at first(F)."""

    def wrong(dz, w):
        start = first(len(w))
        return full(dz, w)[:, start : start + dz.shape[1]]

    return wrong


CAUSAL = _task(
    "ps3.4",
    "causal_input_backward",
    "dz, w",
    "the gradient of the input of a causal convolution",
    [Part("dx", ("M", "L", "C"))],
    lambda rng: _sequence_cases(rng, _causal_case),
    _causal_slope,
    [
        Mistake(
            "ps3.zeros_behind",
            "the zeros are taken off at the end; they were put in front",
            "F = 2: which output reads the last x with weight w[0], and is there one?",
            _cropped(_input_slope, lambda F: 0),
        ),
        Mistake(
            "ps3.zeros_on_both_sides",
            'half of the zeros are taken off on each side, as for "same" padding; all of them stand in front',
            "F = 3: which x does z[0] read?",
            _cropped(_input_slope, lambda F: (F - 1) // 2),
        ),
        Mistake(
            "ps3.zeros_not_taken_off",
            "the zeros in front are still there: dx has the shape of x, not of the padded x",
            "how long is x, and how long is your dx?",
            _input_slope,
        ),
        *((name, _cropped(_wrong_input(name), lambda F: F - 1)) for name in WRONG_INPUTS),
        Mistake(
            "ps3.forward_again",
            "dz is run through the causal layer as if it were x: the gradient comes from the "
            "future, not from the past",
            "which outputs read x[0]: z[0] only, or z[0] and later ones?",
            lambda dz, w: _causal(dz, w.transpose(0, 2, 1)),
        ),
    ],
    delegates=("conv_forward",),
)


# --- ps4: the general case and pooling


def _block_diagonal(w):
    """Return the kernel (F_h, F_w, C, C) of a convolution that keeps the channels apart."""
    return w[..., None] * np.eye(w.shape[-1])


def _depthwise(x, w, *, stride, dilation):
    z, _ = layers.conv_forward(
        x, _block_diagonal(w), np.zeros(w.shape[-1]), stride=stride, padding="valid", dilation=dilation
    )
    return z


def _depthwise_slopes(dz, x, w, *, stride, dilation):
    return _slopes(partial(_depthwise, stride=stride, dilation=dilation), (x, w), dz)


def _wrong_depthwise(name):
    wrong = misconceptions[name].wrong

    def backward(dz, x, w, *, stride, dilation):
        options = {"stride": stride, "padding": "valid", "dilation": dilation}
        dx, dw, _ = wrong(dz, x, _block_diagonal(w), **options)
        return dx, np.einsum("uvcc->uvc", dw)

    return backward


def _channels_mixed(dz, x, w, *, stride, dilation):
    full = w[..., None] * np.ones(w.shape[-1])
    dx = _slopes(
        lambda x: layers.conv_forward(
            x, full, np.zeros(w.shape[-1]), stride=stride, padding="valid", dilation=dilation
        )[0],
        (x,),
        dz,
    )[0]
    return dx, _depthwise_slopes(dz, x, w, stride=stride, dilation=dilation)[1]


def _depthwise_cases(rng):
    def case(shape, kernel, stride, dilation):
        x, w = rng.normal(size=shape), rng.normal(size=(*kernel, shape[-1]))
        dz = rng.normal(size=_depthwise(x, w, stride=stride, dilation=dilation).shape)
        name = f"x {shape}, w {w.shape}, stride {stride}, dilation {dilation}"
        return Case(name, (dz, x, w), {"stride": stride, "dilation": dilation})

    more = int(rng.integers(5, 8))
    return [
        case((2, 4, 5, 2), (2, 3), 1, 1),
        case((1, 5, 6, 3), (2, 2), 2, 1),
        case((2, 5, more, 1), (2, 2), 1, 2),
        case((1, 6, 7, 2), (2, 2), 2, 2),
        case((2, 3, 3, 2), (1, 1), 2, 1),
    ]


DEPTHWISE = _task(
    "ps4.1",
    "depthwise_backward",
    "dz, x, w, *, stride, dilation",
    "the gradients of a convolution with a kernel for each channel",
    [Part("dx", ("M", "H", "W", "C")), Part("dw", ("F_h", "F_w", "C"))],
    _depthwise_cases,
    _depthwise_slopes,
    [
        *(
            (name, _wrong_depthwise(name))
            for name in (
                "conv.stride_ignored",
                "conv.dilation_ignored",
                "conv.overlap_overwritten",
                "conv.last_window_only",
                "conv.remainder_forgotten",
                "conv.height_for_width",
            )
        ),
        (
            "conv.divided_by_m_again",
            lambda dz, x, w, **options: tuple(
                part / n for part, n in zip(_depthwise_slopes(dz, x, w, **options), (1, len(x)))
            ),
        ),
        (
            "conv.dw_rotated",
            lambda dz, x, w, **options: tuple(
                part[turn]
                for part, turn in zip(_depthwise_slopes(dz, x, w, **options), (np.s_[:], np.s_[::-1, ::-1]))
            ),
        ),
        (
            "conv.no_rotation",
            lambda dz, x, w, **options: (
                _depthwise_slopes(dz, x, w[::-1, ::-1], **options)[0],
                _depthwise_slopes(dz, x, w, **options)[1],
            ),
        ),
        Mistake(
            "ps4.channels_mixed",
            "dx sums over the channels: here channel c of the output is made of channel c of the input alone",
            "nudge a pixel of channel 0: which channels of the output move?",
            _channels_mixed,
        ),
    ],
    delegates=("conv_forward",),
)


def _l2_pool(x, *, size, stride):
    """Return the root of the sum of the squares, which is their average times their number."""
    mean, _ = layers.pool_forward(x * x, size=size, stride=stride, mode="average")
    return np.sqrt(mean * size * size)


def _l2_slope(dz, x, *, size, stride):
    return _slopes(partial(_l2_pool, size=size, stride=stride), (x,), dz)[0]


def _average_slope(dz, x, *, size, stride):
    """Return what an average pool, times the number of pixels, would give back."""

    def forward(x):
        return layers.pool_forward(x, size=size, stride=stride, mode="average")[0] * size * size

    return _slopes(forward, (x,), dz)[0]


def _overwritten(dz, x, *, size, stride):
    """Window after window, the last one wins: each window's own slopes, computed alone."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape[1:3]):
        alone = np.zeros(dz.shape)
        alone[:, i, j] = dz[:, i, j]
        window = np.s_[:, i * stride : i * stride + size, j * stride : j * stride + size]
        dx[window] = _l2_slope(alone, x, size=size, stride=stride)[window]
    return dx


def _apart(dz, x, *, size, stride):
    """Windows one size apart, as if the stride were the size."""
    wide = np.zeros(
        (len(x), max(x.shape[1], size * dz.shape[1]), max(x.shape[2], size * dz.shape[2]), x.shape[3])
    )
    wide[:, : x.shape[1], : x.shape[2]] = x
    wide += 1e-300  # a window of zeros has no slope
    windows = wide[:, : size * dz.shape[1], : size * dz.shape[2]]
    dx = np.zeros(wide.shape)
    dx[:, : windows.shape[1], : windows.shape[2]] = _l2_slope(dz, windows, size=size, stride=size)
    return dx[:, : x.shape[1], : x.shape[2]]


def _pool_cases(rng):
    def case(shape, size, stride):
        x = rng.uniform(0.3, 2.0, size=shape) * rng.choice([-1, 1], size=shape)
        dz = rng.normal(size=_l2_pool(x, size=size, stride=stride).shape)
        return Case(f"x {shape}, size {size}, stride {stride}", (dz, x), {"size": size, "stride": stride})

    more = int(rng.integers(5, 8))
    return [
        case((2, 4, 6, 2), 2, 2),
        case((1, 5, more, 1), 2, 2),
        case((1, 4, 5, 2), 3, 1),
        case((2, 5, 4, 1), 2, 1),
        case((1, 5, 7, 1), 2, 3),
    ]


L2_POOL = _task(
    "ps4.2",
    "l2_pool_backward",
    "dz, x, *, size, stride",
    "the gradient of pooling by the root of a sum of squares",
    [Part("dx", ("M", "H", "W", "C"))],
    _pool_cases,
    _l2_slope,
    [
        Mistake(
            "ps4.root_forgotten",
            "the root's own slope is missing: this is the gradient of the sum of the squares, or half of it",
            "make all pixels ten times as large: what should become of the slope of a length?",
            lambda dz, x, **o: _slopes(lambda x: _l2_pool(x, **o) ** 2, (x,), dz)[0] / 2,
        ),
        Mistake(
            "ps4.root_forgotten_twice",
            "the root's own slope is missing: this is the gradient of the sum of the squares, or half of it",
            "make all pixels ten times as large: what should become of the slope of a length?",
            lambda dz, x, **o: _slopes(lambda x: _l2_pool(x, **o) ** 2, (x,), dz)[0],
        ),
        Mistake(
            "ps4.factor_two",
            "twice too large: the 2 of the square and the ½ of the root cancel",
            "a window of one pixel, x = 3: what is z, and what is its slope?",
            lambda dz, x, **o: 2 * _l2_slope(dz, x, **o),
        ),
        Mistake(
            "ps4.half",
            "half as large as it should be: the 2 of the square and the ½ of the root cancel",
            "a window of one pixel, x = 3: what is z, and what is its slope?",
            lambda dz, x, **o: _l2_slope(dz, x, **o) / 2,
        ),
        Mistake(
            "ps4.pixels_forgotten",
            "every pixel of the window gets the same: a large pixel has a larger share than a small one",
            "a window of 3 and 4: which of the two moves z more?",
            lambda dz, x, **o: _average_slope(dz / _l2_pool(x, **o), x, **o),
        ),
        Mistake(
            "ps4.all_to_each",
            "every pixel of the window gets the whole dz",
            "a window of 3 and 4: which of the two moves z more?",
            _average_slope,
        ),
        ("pool.overlap_overwritten", _overwritten),
        ("pool.stride_ignored", _apart),
        (
            "pool.remainder_forgotten",
            lambda dz, x, *, size, stride: _l2_slope(dz, x, size=size, stride=stride)[
                :, : stride * dz.shape[1], : stride * dz.shape[2]
            ],
        ),
    ],
    delegates=("pool_forward",),
)


def _global_average(x):
    z, _ = layers.pool_forward(x, size=x.shape[1:3], mode="average")
    return z[:, 0, 0]


def _global_slope(dz, x):
    return _slopes(_global_average, (x,), dz)[0]


def _global_cases(rng):
    def case(*shape):
        return Case(f"x {shape}", (rng.normal(size=(shape[0], shape[3])), rng.normal(size=shape)))

    return [case(2, 3, 4, 2), case(1, 2, 2, 3), case(3, int(rng.integers(3, 6)), 2, 1), case(4, 1, 3, 4)]


GLOBAL_AVERAGE = _task(
    "ps4.3",
    "global_average_backward",
    "dz, x",
    "the gradient of the average of each map",
    [Part("dx", ("M", "H", "W", "C"))],
    _global_cases,
    _global_slope,
    [
        (
            "pool.average_not_divided",
            lambda dz, x: _global_slope(dz, x) * x.shape[1] * x.shape[2],
        ),
        Mistake(
            "ps4.divided_by_height",
            "divided by the height alone; the average runs over rows and columns",
            "how many pixels has a map?",
            lambda dz, x: _global_slope(dz, x) * x.shape[2],
        ),
        Mistake(
            "ps4.divided_by_square",
            "divided by the height squared: right for square maps only",
            "how many pixels has a map of 2 × 3?",
            lambda dz, x: _global_slope(dz, x) * x.shape[2] / x.shape[1],
        ),
        Mistake(
            "ps4.divided_by_m_too",
            "divided by M as well; the 1/M of the loss is already in dz",
            "does the average of one example's map change when another example joins the batch?",
            lambda dz, x: _global_slope(dz, x) / len(x),
        ),
        Mistake(
            "ps4.divided_by_channels_too",
            "divided by the number of channels as well; each map has an average of its own",
            "over which axes does the average run?",
            lambda dz, x: _global_slope(dz, x) / x.shape[3],
        ),
        Mistake(
            "ps4.times_the_pixels",
            "multiplied by x: the slope of a sum does not depend on its terms",
            "double the image: does a nudge of one pixel move the average more?",
            lambda dz, x: _global_slope(dz, x) * x,
        ),
    ],
    delegates=("pool_forward",),
)


def _upsample(x, factor):
    return np.kron(x, np.ones((1, factor, factor, 1)))


def _upsample_slope(dy, *, factor):
    M, H, W, C = dy.shape
    x = np.zeros((M, H // factor, W // factor, C))
    return _slopes(lambda x: _upsample(x, factor), (x,), dy)[0]


def _upsample_cases(rng):
    def case(M, H, W, C, factor):
        dy = rng.normal(size=(M, factor * H, factor * W, C))
        return Case(f"dy {dy.shape}, factor {factor}", (dy,), {"factor": factor})

    return [
        case(2, 2, 3, 2, 2),
        case(1, 3, 2, 1, 3),
        case(2, int(rng.integers(3, 6)), 2, 3, 2),
        case(1, 2, 2, 1, 1),
    ]


def _wrong_blocks(dy, *, factor):
    M, H, W, C = dy.shape
    return dy.reshape(M, H // factor, W // factor, factor, factor, C).sum(axis=(3, 4))


UPSAMPLE = _task(
    "ps4.4",
    "upsample_backward",
    "dy, *, factor",
    "the gradient of repeating every pixel",
    [Part("dx", ("M", "H", "W", "C"))],
    _upsample_cases,
    _upsample_slope,
    [
        Mistake(
            "ps4.first_copy_only",
            "only the first copy of each pixel counts; a nudge of a pixel moves all of its copies",
            "factor 2: how many entries of y does one pixel make?",
            lambda dy, *, factor: dy[:, ::factor, ::factor].copy(),
        ),
        Mistake(
            "ps4.copies_averaged",
            "the copies are averaged; a nudge of a pixel moves all of them, so their gradients add up",
            "factor 2, dy all ones: by how much does J move when one pixel does?",
            lambda dy, *, factor: _upsample_slope(dy, factor=factor) / factor**2,
        ),
        Mistake(
            "ps4.divided_by_factor",
            "divided by the factor; a nudge of a pixel moves all of its copies in full",
            "factor 2, dy all ones: by how much does J move when one pixel does?",
            lambda dy, *, factor: _upsample_slope(dy, factor=factor) / factor,
        ),
        ("pool.wrong_reshape", _wrong_blocks),
    ],
)


# --- ps5: the whole network


def _momentum_matrix(w, velocity, dw, *, rate, momentum, decay):
    """Return (w, velocity) after a step: a linear map of (w, velocity, dw)."""
    step = np.array([[1 - rate * decay, momentum, -rate], [-rate * decay, momentum, -rate]])
    w, velocity = np.tensordot(step, np.stack([w, velocity, dw]), axes=1)
    return w, velocity


def _momentum_cases(rng):
    def case(*shape, rate, momentum, decay):
        name = f"w {shape}, rate {rate:g}, momentum {momentum:g}, decay {decay:g}"
        options = {"rate": rate, "momentum": momentum, "decay": decay}
        return Case(name, tuple(rng.normal(size=shape) for _ in range(3)), options)

    rate = float(np.round(rng.uniform(0.1, 0.3), 2))
    return [
        case(3, 2, rate=0.1, momentum=0.9, decay=0.01),
        case(4, rate=rate, momentum=0.5, decay=0.2),
        case(2, 2, 1, 3, rate=0.5, momentum=0.0, decay=0.1),
        case(2, 3, rate=0.2, momentum=0.8, decay=0.0),
    ]


def _step(**changed):
    """Return a wrong step: the right one with other settings."""

    def wrong(w, velocity, dw, **options):
        return _momentum_matrix(w, velocity, dw, **(options | {k: f(options[k]) for k, f in changed.items()}))

    return wrong


def _old_velocity(w, velocity, dw, **options):
    return w + velocity, _momentum_matrix(w, velocity, dw, **options)[1]


def _nothing(_):
    return 0.0


MOMENTUM = _task(
    "ps5.1",
    "momentum_step",
    "w, velocity, dw, *, rate, momentum, decay",
    "the weights and their velocity after a step",
    [Part("w"), Part("velocity")],
    _momentum_cases,
    _momentum_matrix,
    [
        Mistake(
            "ps5.decay_forgotten",
            "the weight decay is missing",
            "dw = 0 and no velocity: what should a step do to the weights?",
            _step(decay=_nothing),
        ),
        Mistake(
            "ps5.decay_sign",
            "the decay makes the weights grow; it should pull them towards zero",
            "dw = 0, no velocity, w = 1: is the new w larger or smaller than 1?",
            _step(decay=lambda decay: -decay),
        ),
        Mistake(
            "ps5.momentum_forgotten",
            "the old velocity is not used: this is plain gradient descent",
            "dw = 0 and no decay: does a moving weight go on moving?",
            _step(momentum=_nothing),
        ),
        Mistake(
            "ps5.uphill",
            "the step goes up the loss: the gradient points uphill",
            "dw > 0: should w rise or fall?",
            _step(rate=lambda rate: -rate),
        ),
        Mistake(
            "ps5.old_velocity",
            "the weights move by the old velocity; the new one has to be computed first",
            "no velocity yet: do the weights move in the first step?",
            _old_velocity,
        ),
        Mistake(
            "ps5.velocity_not_returned",
            "the velocity comes back as it was: the next step knows nothing of this one",
            "what will the next step be given as its velocity?",
            lambda w, v, dw, **options: (_momentum_matrix(w, v, dw, **options)[0], v.copy()),
        ),
        Mistake(
            "ps5.decay_without_rate",
            "the decay is not multiplied by the learning rate; it is part of the gradient",
            "decay·w is the gradient of ½ decay w². What multiplies a gradient in a step?",
            lambda w, v, dw, *, rate, momentum, decay: _momentum_matrix(
                w, v, dw, rate=rate, momentum=momentum, decay=decay / rate
            ),
        ),
    ],
    delegates=(),
)


def _network_loss(images, labels, parameters, relu=None, pool=None):
    """Return the mean loss of the problem set's network; `relu` and `pool` may be replaced."""
    z, _ = layers.conv_forward(images, parameters[0], parameters[1], stride=2, padding="valid", dilation=1)
    a = (relu or (lambda z: layers.relu_forward(z)[0]))(z)
    pooled = (pool or (lambda a: layers.pool_forward(a, size=2)[0]))(a)
    scores, _ = layers.fc_forward(layers.flatten_forward(pooled)[0], parameters[2], parameters[3])
    loss, _ = layers.softmax_cross_entropy_forward(scores, labels)
    return loss


def _network_slopes(images, labels, w1, b1, w2, b2, **changed):
    arrays = (w1, b1, w2, b2)
    loss = _network_loss(images, labels, arrays)
    gradients = _slopes(lambda *arrays: _network_loss(images, labels, arrays, **changed), arrays, 1.0)
    return (np.asarray(loss), *gradients)


def _unmasked(z):
    """ReLU's values with a slope of 1 everywhere: what a backward pass without the mask belongs to."""
    return np.maximum(z.real, 0) + 1j * z.imag


def _spread(a):
    """Return the maximum's values with the average's slope."""
    values = layers.pool_forward(a.real, size=2)[0]
    return values + 1j * layers.pool_forward(a.imag, size=2, mode="average")[0]


def _network_cases(rng):
    def case(M, H, W, K, classes):
        images = rng.normal(size=(M, H, W, 1))
        maps = ((H - 3) // 2 + 1) // 2, ((W - 3) // 2 + 1) // 2
        arrays = (
            rng.normal(size=(3, 3, 1, K)),
            rng.normal(size=K),
            0.3 * rng.normal(size=(maps[0] * maps[1] * K, classes)),
            rng.normal(size=classes),
        )
        name = f"{M} images of {H} × {W}, {K} filters, {classes} classes"
        return Case(name, (images, rng.integers(classes, size=M), *arrays))

    return [case(3, 9, 9, 2, 3), case(2, 9, 13, 2, 3), case(1, 11, 9, 3, int(rng.integers(3, 5)))]


def _network_with(change):
    def wrong(images, labels, w1, b1, w2, b2):
        loss, *gradients = _network_slopes(images, labels, w1, b1, w2, b2)
        return (loss, *change(gradients, len(images)))

    return wrong


NETWORK = _task(
    "ps5.2",
    "network_gradients",
    "images, labels, w1, b1, w2, b2",
    "the loss and the gradients of a network with one convolution",
    [
        Part("loss"),
        Part("dw1", ("F_h", "F_w", "C", "K")),
        Part("db1", ("K",)),
        Part("dw2", ("N", "classes")),
        Part("db2", ("classes",)),
    ],
    _network_cases,
    _network_slopes,
    [
        Mistake(
            "ps5.relu_left_out",
            "the way back does not pass through ReLU: its mask is missing in dw1 and db1",
            "list the layers of the forward pass, last one first. Which one did your backward "
            "pass leave out?",
            partial(_network_slopes, relu=_unmasked),
        ),
        Mistake(
            "ps5.pool_spread",
            "the pooling's gradient is shared by the whole window; the maximum alone moves the output",
            "with which mode did forward pool, and with which cache does backward run?",
            partial(_network_slopes, pool=_spread),
        ),
        ("softmax_cross_entropy.not_divided_by_m", _network_with(lambda g, M: [part * M for part in g])),
        ("softmax_cross_entropy.sign_flipped", _network_with(lambda g, M: [-part for part in g])),
        ("fc.divided_by_m_again", _network_with(lambda g, M: [part / M for part in g])),
        (
            "fc.divided_by_m_again",
            _network_with(lambda g, M: [g[0], g[1], g[2] / M, g[3] / M]),
        ),
        (
            "conv.divided_by_m_again",
            _network_with(lambda g, M: [g[0] / M, g[1] / M, g[2], g[3]]),
        ),
    ],
    delegates=None,  # here the finished layers are what the task is made of
)


def _mistakes_cases(rng):
    def case(M, K, count):
        probabilities = layers.softmax(1.5 * rng.normal(size=(M, K)))
        labels = probabilities.argmax(axis=1)
        wrong = rng.permutation(M)[: M // 2]
        labels[wrong] = (labels[wrong] + rng.integers(1, K, size=len(wrong))) % K
        return Case(f"M = {M}, K = {K}, the worst {count}", (probabilities, labels, count))

    return [case(12, 4, 3), case(9, 3, 4), case(int(rng.integers(20, 30)), 5, 6), case(8, 10, 1)]


def _ranked(probabilities, labels, count, score=None, wrong_only=True):
    """Put each mistake where as many others have a higher score."""
    predicted = probabilities.argmax(axis=1)
    rows = np.flatnonzero(predicted != labels) if wrong_only else np.arange(len(labels))
    score = probabilities.max(axis=1) if score is None else score
    rank = (score[rows][:, None] < score[rows][None, :]).sum(axis=1)
    order = np.empty(len(rows), int)
    order[rank] = rows
    return order[:count]


MISTAKES = _task(
    "ps5.4",
    "most_confident_mistakes",
    "probabilities, labels, count",
    "the mistakes that the network is surest of",
    [Part("indices", ("count",))],
    _mistakes_cases,
    _ranked,
    [
        Mistake(
            "ps5.right_ones_too",
            "examples that are classified correctly are among them",
            "for each of your indices: is the predicted digit different from the label?",
            lambda p, y, n: _ranked(p, y, n, wrong_only=False),
        ),
        Mistake(
            "ps5.least_sure_first",
            "the least sure mistakes come first; argsort is ascending",
            "print the largest probability of each of your mistakes, in order",
            lambda p, y, n: _ranked(p, y, n, score=-p.max(axis=1)),
        ),
        Mistake(
            "ps5.least_sure_of_the_many",
            "these are the surest ones, but in ascending order",
            "print the largest probability of each of your mistakes, in order",
            lambda p, y, n: _ranked(p, y, n)[::-1].copy(),
        ),
        Mistake(
            "ps5.by_the_label",
            "sorted by how little the right digit got; asked for is how much the wrong one got",
            "a network that gives 0.5 and 0.5 − 1e-9 to two wrong digits gives the right one "
            "nothing. Is it sure?",
            lambda p, y, n: _ranked(p, y, n, score=-p[np.arange(len(y)), y]),
        ),
        Mistake(
            "ps5.position_among_mistakes",
            "these are positions in the list of mistakes; asked for are positions in the whole set",
            "your index 0: is that example wrong at all?",
            lambda p, y, n: np.searchsorted(np.flatnonzero(p.argmax(axis=1) != y), _ranked(p, y, n)),
        ),
    ],
)


EXERCISES = (
    CENTRAL_DIFFERENCE,
    RELATIVE_ERROR,
    SCALED_FC,
    SKIP,
    PRELU,
    TEMPERATURE,
    SMOOTHED,
    WEIGHTED,
    SEQUENCE_FORWARD,
    SEQUENCE_WEIGHTS,
    SEQUENCE_INPUT,
    CAUSAL,
    DEPTHWISE,
    L2_POOL,
    GLOBAL_AVERAGE,
    UPSAMPLE,
    MOMENTUM,
    NETWORK,
    MISTAKES,
)
