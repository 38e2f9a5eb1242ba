"""Problem set 2: ReLU, softmax and cross-entropy."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own
from backprop_helpers.checking.misconceptions import misconceptions

from ._task import slopes, task


def _prelu(z, slope):
    """Return a, made of a ReLU and, upside down, another."""
    return layers.relu_forward(z)[0] - slope * layers.relu_forward(-z)[0]


def _prelu_slopes(da, z, slope):
    return slopes(_prelu, (z, slope), da)


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


PRELU = task(
    "ps2.1",
    "prelu_backward",
    "da, z, slope",
    "the gradients of a ReLU that learns its slope",
    [Part("dz", ("M", "K")), Part("dslope", ("K",))],
    _prelu_cases,
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
)


def _temperature_slopes(dy_hat, y_hat, temperature):
    scores = temperature * np.log(y_hat)  # of which y_hat is the softmax
    return slopes(lambda z: layers.softmax(z / temperature), (scores,), dy_hat)[0]


def _temperature_cases(rng):
    def case(M, K, temperature):
        y_hat = layers.softmax(rng.normal(size=(M, K)))
        return Case(f"M = {M}, K = {K}, T = {temperature:g}", (rng.normal(size=(M, K)), y_hat, temperature))

    return [case(2, 3, 2.0), case(3, 3, 0.5), case(1, 4, 3.0), case(4, int(rng.integers(5, 8)), 1.5)]


TEMPERATURE = task(
    "ps2.2",
    "temperature_softmax_backward",
    "dy_hat, y_hat, temperature",
    "the gradient of a softmax with a temperature",
    [Part("dz", ("M", "K"))],
    _temperature_cases,
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


def _labelled_cases(rng, option):
    def case(M, K, scale=1.0, note=""):
        z, y = scale * rng.normal(size=(M, K)), rng.integers(K, size=M)
        return Case(f"M = {M}, K = {K}{note}", (z, y, option(K)))

    large = case(3, 3)
    large.arguments[0][:] = [1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0], [-1000.0, -1001.0, -1002.0]
    return [
        case(3, 4),
        case(2, 5),
        case(1, 3),
        case(int(rng.integers(5, 8)), 3, scale=3.0),
        large._replace(name="scores of ±1000, in rows far apart"),
    ]


SMOOTHED = task(
    "ps2.3",
    "smoothed_cross_entropy_backward",
    "z, y, smoothing",
    "the gradient of the cross-entropy with smoothed labels",
    [Part("dz", ("M", "K"))],
    lambda rng: _labelled_cases(rng, lambda K: float(np.round(rng.uniform(0.1, 0.4), 2))),
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
    lambda rng: _labelled_cases(rng, lambda K: rng.uniform(0.3, 3.0, size=K)),
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
)

EXERCISES = (
    PRELU,
    TEMPERATURE,
    SMOOTHED,
    WEIGHTED,
)
