"""Problem set 2: ReLU, softmax and cross-entropy."""

from functools import partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own
from backprop_helpers.checking.misconceptions import misconceptions

from ._task import several, slopes, task


def _prelu(z, slope):
    """Return a, made of a ReLU and, upside down, another."""
    return layers.relu_forward(z)[0] - slope * layers.relu_forward(-z)[0]


def _prelu_slopes(da, z, slope):
    return slopes(_prelu, (z, slope), da)


def _prelu_case(rng, M, K):
    arrays = rng.normal(size=(M, K)), rng.normal(size=(M, K)), rng.uniform(0.05, 0.6, size=K)
    return Case(f"M = {M}, K = {K}", arrays)


def _prelu_with(change):
    def wrong(da, z, slope):
        return change(_prelu_slopes(da, z, slope), da, z, slope)

    return wrong


def _z_slope(da, z, slope):
    return _prelu_slopes(da, z, slope)[0]


PRELU = task(
    "ps2.1",
    "prelu_backward",
    "da, z, slope",
    "the gradients of a ReLU that learns its slope",
    [Part("dz", ("M", "K")), Part("dslope", ("K",))],
    several(_prelu_case, (3, 4), (4, 2), (2, 3), (range(5, 8), 3)),
    _prelu_slopes,
    [
        own(
            "ps2.slope_forgotten: nothing comes back where z is negative: this is the plain ReLU's dz | "
            "nudge an entry of z that is −2: does the output move?",
            _prelu_with(lambda r, da, z, s: (_z_slope(da, z, 0 * s), r[1])),
        ),
        own(
            "ps2.mask_inverted: the slope is applied where z is positive instead of where it is negative"
            " | take z = 3: by how much does the output move when z moves by 1?",
            _prelu_with(lambda r, da, z, s: (_z_slope(da, -z, s), r[1])),
        ),
        own(
            "ps2.dslope_of_all: dslope sums over all entries; the slope has no effect where z is "
            "positive | which entries of the output move when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], (da * z).sum(axis=0))),
        ),
        own(
            "ps2.dslope_without_z: z is missing in dslope: a nudge of the slope moves an output in "
            "proportion to its z | z = −10 and z = −0.1: which output moves more when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], _prelu_slopes(da, np.sign(z), s)[1])),
        ),
        own(
            "ps2.dslope_of_positive: dslope sums over the entries where z is positive, where the slope "
            "has no effect | which entries of the output move when the slope does?",
            _prelu_with(lambda r, da, z, s: (r[0], -_prelu_slopes(da, -z, s)[1])),
        ),
        own(
            "ps2.dslope_of_dz: dslope is made of dz, in which the slope already stands, instead of da | "
            "does ∂a/∂slope depend on the slope?",
            _prelu_with(lambda r, da, z, s: (r[0], r[1] * s)),
        ),
        own(
            "ps2.dslope_averaged: dslope is a mean over the examples; the 1/M of the loss is already in "
            "da | nudge the slope: how many rows of the output move, and do their effects add up or "
            "average?",
            _prelu_with(lambda r, da, z, s: (r[0], r[1] / len(z))),
        ),
        own(
            "ps2.one_slope_for_all: dslope is summed over the units as well: each unit has a slope of "
            "its own | how many slopes are there, and which axis of z has as many entries?",
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
    linear="da",
    larger=lambda rng: _prelu_case(rng, 17, 9),
    revisit="03, A gate that leaks",
)


def _temperature_slopes(dy_hat, y_hat, temperature):
    scores = temperature * np.log(y_hat)  # of which y_hat is the softmax
    return slopes(lambda z: layers.softmax(z / temperature), (scores,), dy_hat)[0]


def _temperature_case(rng, M, K, temperature):
    y_hat = layers.softmax(rng.normal(size=(M, K)))
    return Case(f"M = {M}, K = {K}, T = {temperature:g}", (rng.normal(size=(M, K)), y_hat, temperature))


TEMPERATURE = task(
    "ps2.2",
    "temperature_softmax_backward",
    "dy_hat, y_hat, temperature",
    "the gradient of a softmax with a temperature",
    [Part("dz", ("M", "K"))],
    several(_temperature_case, (2, 3, 2.0), (3, 3, 0.5), (2, 4, 3.0), (4, range(5, 8), 1.5)),
    _temperature_slopes,
    [
        own(
            "ps2.temperature_forgotten: the factor 1/T is missing: a nudge of a score is divided by T "
            "before the softmax sees it | double T: does a nudge of z move the probabilities as much as "
            "before?",
            lambda dy_hat, y_hat, T: T * _temperature_slopes(dy_hat, y_hat, T),
        ),
        own(
            "ps2.temperature_upside_down: multiplied by T instead of divided by it | a very large T "
            "makes all probabilities equal. Should the gradient then be large or small?",
            lambda dy_hat, y_hat, T: T * T * _temperature_slopes(dy_hat, y_hat, T),
        ),
        own(
            "ps2.temperature_twice: divided by T twice | at how many places does T stand between z and "
            "the softmax?",
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
    linear="dy_hat",
    larger=lambda rng: _temperature_case(rng, 17, 9, 0.7),
    revisit="04, One element at a time",
)


def _soft_target_slope(z, targets, divisor):
    """Return the slope of −Σ targets log softmax(z) / divisor with respect to z."""

    def loss(z):
        shifted = z - z.real.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -(targets * (shifted - log_sum)).sum() / divisor

    return slopes(loss, (z,), 1.0)[0]


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


def _one_maximum(z, y, smoothing):
    y_hat = misconceptions["softmax.one_maximum_for_all"].wrong(z)
    return (y_hat - _targets(z, y, smoothing)) / len(z)


def _labelled_case(rng, M, K, scale=1.0, *, option):
    z, y = scale * rng.normal(size=(M, K)), rng.integers(K, size=M)
    return Case(f"M = {M}, K = {K}", (z, y, option(rng, K)))


def _labelled_cases(rng, option):
    large = _labelled_case(rng, 3, 3, option=option)
    large.arguments[0][:] = [1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0], [-1000.0, -1001.0, -1002.0]
    return [
        *several(partial(_labelled_case, option=option), (3, 4), (2, 5), (2, 3), (range(5, 8), 3, 3.0))(rng),
        large._replace(name="scores of ±1000, in rows far apart"),
    ]


def _smoothing(rng, K):
    return float(np.round(rng.uniform(0.1, 0.4), 2))


def _class_weights(rng, K):
    return rng.uniform(0.3, 3.0, size=K)


SMOOTHED = task(
    "ps2.3",
    "smoothed_cross_entropy_backward",
    "z, y, smoothing",
    "the gradient of the cross-entropy with smoothed labels",
    [Part("dz", ("M", "K"))],
    partial(_labelled_cases, option=_smoothing),
    _smoothed,
    [
        own(
            "ps2.smoothing_forgotten: the smoothing is not used: these are the plain labels | with "
            "smoothing 0.3, at which probability of the right class is the gradient zero?",
            lambda z, y, s: _smoothed(z, y, 0.0),
        ),
        own(
            "ps2.smoothing_to_the_others_only: s is shared by the other classes only, s/(K − 1); here "
            "the right class keeps a share of it | what is the target of the right class for K = 2 and s"
            " = 1, by the formula?",
            _shared_by_the_others,
        ),
        own(
            "ps2.smoothing_as_a_factor: the plain gradient is scaled by 1 − s: the targets have to "
            "change, not the step | at which probabilities is your gradient zero, and at which should it"
            " be?",
            lambda z, y, s: (1 - s) * _smoothed(z, y, 0.0),
        ),
        own(
            "ps2.right_class_without_its_share: the target of the right class is 1 − s; its share of the"
            " smoothing, s/K, is missing | what do the targets of one example sum to?",
            lambda z, y, s: _smoothed(z, y, s) + np.eye(z.shape[1])[y] * s / z.size,
        ),
        ("softmax_cross_entropy.not_divided_by_m", lambda z, y, s: _smoothed(z, y, s) * len(z)),
        ("softmax_cross_entropy.sign_flipped", lambda z, y, s: -_smoothed(z, y, s)),
        (
            "softmax_cross_entropy.mean_over_all_entries",
            lambda z, y, s: _smoothed(z, y, s) / z.shape[1],
        ),
        ("softmax.no_shift", _sum_of_exponentials),
        ("softmax.one_maximum_for_all", _one_maximum),
        (
            "softmax_cross_entropy.extra_derivative",
            lambda z, y, s: _smoothed(z, y, s) * layers.softmax(z) * (1 - layers.softmax(z)),
        ),
    ],
    delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward", "cross_entropy_forward"),
    larger=lambda rng: _labelled_case(rng, 17, 9, option=_smoothing),
    revisit="04, All at once",
)


def _weighted(z, y, weights):
    counted = weights[y]
    return _soft_target_slope(z, counted[:, None] * np.eye(z.shape[1])[y], counted.sum())


def _weighted_by(name):
    """Return the gradient with a wrong softmax of the catalogue in it."""

    def wrong(z, y, weights):
        counted = weights[y][:, None]
        return counted * (misconceptions[name].wrong(z) - np.eye(z.shape[1])[y]) / counted.sum()

    return wrong


def _plain(z, y):
    return _smoothed(z, y, 0.0)


WEIGHTED = task(
    "ps2.4",
    "weighted_cross_entropy_backward",
    "z, y, weights",
    "the gradient of the cross-entropy with a weight for each class",
    [Part("dz", ("M", "K"))],
    partial(_labelled_cases, option=_class_weights),
    _weighted,
    [
        own(
            "ps2.weights_forgotten: the weights are not used | a class of weight 0: should its examples "
            "have any gradient?",
            lambda z, y, w: _plain(z, y),
        ),
        own(
            "ps2.weights_by_column: each column is multiplied by its own class's weight; an example's "
            "whole row has the weight of its label | an example whose label has weight 0: which entries "
            "of its row should be zero?",
            lambda z, y, w: _plain(z, y) * len(z) * w / w[y].sum(),
        ),
        own(
            "ps2.weights_by_column_over_m: each column is multiplied by its own class's weight; an "
            "example's whole row has the weight of its label | an example whose label has weight 0: "
            "which entries of its row should be zero?",
            lambda z, y, w: _plain(z, y) * w,
        ),
        own(
            "ps2.weighted_sum_over_m: divided by M, the number of examples; a weighted mean is divided "
            "by the sum of the weights | double all the weights: what should become of the loss?",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum() / len(z),
        ),
        own(
            "ps2.all_weights_below: divided by the sum of the classes' weights; the mean runs over the "
            "examples, each with its label's weight | two examples of the same class: what is the sum "
            "below the line?",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum() / w.sum(),
        ),
        (
            "softmax_cross_entropy.not_divided_by_m",
            lambda z, y, w: _weighted(z, y, w) * w[y].sum(),
        ),
        ("softmax_cross_entropy.sign_flipped", lambda z, y, w: -_weighted(z, y, w)),
        *((name, _weighted_by(name)) for name in ("softmax.no_shift", "softmax.one_maximum_for_all")),
    ],
    delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward", "cross_entropy_forward"),
    larger=lambda rng: _labelled_case(rng, 17, 9, option=_class_weights),
    revisit="04, All at once",
)


def _masked(z, y):
    """The labels that are −1 do not count."""
    counted = y >= 0
    dz = np.zeros(z.shape)
    dz[counted] = _plain(z[counted], y[counted])
    return dz


def _masked_case(rng, M, K, without):
    y = rng.integers(K, size=M)
    y[rng.permutation(M)[:without]] = -1
    return Case(f"M = {M}, K = {K}, {without} without a label", (rng.normal(size=(M, K)), y))


MASKED = task(
    "ps2.5",
    "masked_cross_entropy_backward",
    "z, y",
    "the gradient of the mean cross-entropy of the examples that have a label",
    [Part("dz", ("M", "K"))],
    several(_masked_case, (4, 3, 1), (3, 4, 0), (range(5, 8), 3, 2)),
    _masked,
    [
        own(
            "ps2.counts_the_unlabelled: divided by the number of all examples; the mean is over those "
            "that have "
            "a label | twenty examples, one label: what is the loss, and what is one twentieth of it?",
            lambda z, y: _masked(z, y) * max((y >= 0).sum(), 1) / len(y),
        ),
        own(
            "ps2.unlabelled_not_masked: an example without a label gets a gradient; it has no part in "
            "the loss "
            "| what is labels == -1 in NumPy: no class, or the last one?",
            lambda z, y: _plain(z, y % z.shape[1]),
        ),
    ],
    delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward", "cross_entropy_forward"),
    larger=lambda rng: _masked_case(rng, 19, 9, 7),
    revisit="04, All at once",
)


def _layer_norm(x, gamma, beta):
    centred = x - x.mean(axis=1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) + beta


def _layer_norm_slopes(dz, x, gamma):
    return slopes(_layer_norm, (x, gamma, np.zeros_like(gamma)), dz)


def _norm_case(rng, M, N):
    arrays = rng.normal(size=(M, N)), rng.normal(1, 2, size=(M, N)), rng.uniform(0.5, 2, size=N)
    return Case(f"M = {M}, N = {N}", arrays)


def _scale_only(dz, x, gamma):
    """Return the gradients as if the mean and the spread were given numbers."""
    spread = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    return (dz * gamma / spread, *_layer_norm_slopes(dz, x, gamma)[1:])


LAYER_NORM = task(
    "ps2.8",
    "layer_norm_backward",
    "dz, x, gamma",
    "the gradients of a layer that gives every example mean 0 and spread 1",
    [Part("dx", ("M", "N")), Part("dgamma", ("N",)), Part("dbeta", ("N",))],
    several(_norm_case, (3, 4), (2, 5), (range(4, 7), 3)),
    _layer_norm_slopes,
    [
        own(
            "ps2.mean_and_spread_fixed: dx treats the mean and the spread as given numbers; both move "
            "when x does"
            " | add the same number to all of an example's x: does z move?",
            _scale_only,
        ),
        own(
            "ps2.spread_fixed: dx treats the spread as a given number; it moves when x does "
            "| double all of an example's x, whose mean is 0: does z move?",
            lambda dz, x, gamma: (
                (lambda g: g - g.mean(axis=1, keepdims=True))(_scale_only(dz, x, gamma)[0]),
                *_layer_norm_slopes(dz, x, gamma)[1:],
            ),
        ),
    ],
    linear="dz",
    larger=lambda rng: _norm_case(rng, 11, 13),
    revisit="00, The vector–Jacobian product",
)

EXERCISES = (
    PRELU,
    TEMPERATURE,
    SMOOTHED,
    WEIGHTED,
    MASKED,
    LAYER_NORM,
)
