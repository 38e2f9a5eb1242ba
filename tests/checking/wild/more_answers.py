"""More of them, from another round through public code: registered in the same list."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows_of

from backprop_helpers import layers

from .answers import averaged_back, layers_free_forward, pairs, pooled_back, wrong

NOT_USED, LIMIT = "results.upstream_not_used", "results.not_in_proportion"


def one_hot(y, K):
    return np.eye(K)[y]


# --- small gradients: rounded, cut off, or drowned in a number that is added


@wrong("fc_backward", "rounded to 7 places", LIMIT, says="1e-9 times dz")
def _(dz, x, w):
    return np.round(dz @ w.T, 7), np.round(x.T @ dz, 7), np.round(dz.sum(axis=0), 7)


@wrong("fc_backward", "1e-8 added to dw", LIMIT, says="1e-9 times dz does not give 1e-9 times dw")
def _(dz, x, w):
    return dz @ w.T, x.T @ dz + 1e-8, dz.sum(axis=0)


@wrong("relu_backward", "below 1e-7 cut off", LIMIT)
def _(da, z):
    return np.where((z > 0) & (np.abs(da) > 1e-7), da, 0)


@wrong("max_pool_backward", "isclose to 0 skipped", LIMIT)
def _(dz, x, *, size, stride):
    return pooled_back(np.where(np.isclose(dz, 0), 0, dz), x, size, stride)


@wrong("softmax_backward", "divided by its largest + 1e-12", LIMIT)
def _(dy_hat, y_hat):
    dz = y_hat * (dy_hat - (dy_hat * y_hat).sum(axis=1, keepdims=True))
    largest = np.abs(dz).max()
    return dz / (largest + 1e-12) * largest


@wrong("weights_backward", "small ones set to 0", LIMIT)
def _(dz, x, w):
    windows = windows_of(x, w.shape[:2], axis=(1, 2))
    dw = np.einsum("mijcuv,mijk->uvck", windows, dz)
    return np.where(np.abs(dw) < 1e-8, 0, dw)


# --- what no case saw


@wrong("pool_forward", "maximum from -1e9", "pool.running_maximum_from_zero", says="starts at -1e+09")
def _(x, *, size, stride, mode):
    f, s = pairs(size, stride)
    windows = windows_of(x, f, axis=(1, 2))[:, :: s[0], :: s[1]]
    return np.maximum(windows.max(axis=(4, 5)), -1e9) if mode == "max" else windows.mean(axis=(4, 5))


@wrong("conv_forward", '"same" of a kernel smaller than the stride', None, says="ValueError")
def _(x, w, b, *, stride, padding, dilation):
    s, d = pairs(stride, dilation)
    if padding == "same":
        zeros = [
            (-(-n // step) - 1) * step + gap * (f - 1) + 1 - n
            for n, f, step, gap in zip(x.shape[1:], w.shape, s, d)
        ]
        rims = [(n // 2, n - n // 2) for n in zeros]
    else:
        rims = [(n, n) for n in pairs(0 if padding == "valid" else padding)[0]]
    return layers_free_forward(np.pad(x, ((0, 0), *rims, (0, 0))), w, b, stride, dilation)


# --- two layers


def two_layers(x, y, w1, b1, w2, b2, softmax=None, fc=lambda dz, x, w: (dz @ w.T, x.T @ dz, dz.sum(axis=0))):
    z1 = x @ w1 + b1
    a1 = np.maximum(z1, 0)
    p = (softmax or layers.softmax)(a1 @ w2 + b2)
    da1, dw2, db2 = fc((p - one_hot(y, w2.shape[1])) / len(y), a1, w2)
    _, dw1, db1 = fc(da1 * (z1 > 0), x, w1)
    return dw1, db1, dw2, db2


def exponentials(shift, axis):
    def softmax(z):
        e = np.exp(z - shift(z))
        return e / e.sum(axis=axis, keepdims=True)

    return softmax


for what, name, shift, axis in (
    ("not shifted", "softmax.no_shift", lambda z: 0, 1),
    ("one maximum", "softmax.one_maximum_for_all", np.max, 1),
    ("softmax of the whole batch", "softmax.over_everything", np.max, None),
    ("softmax over axis 0", "softmax.over_examples", lambda z: z.max(axis=0), 0),
    ("batch, not shifted", "softmax.over_everything", lambda z: 0, None),
):
    wrong("two_layer_backward", what, name)(
        lambda *a, softmax=exponentials(shift, axis): two_layers(*a, softmax=softmax)  # noqa: B008
    )


@wrong("two_layer_backward", "db one number", "fc.bias_one_number")
def _(*arguments):
    return two_layers(*arguments, fc=lambda dz, x, w: (dz @ w.T, x.T @ dz, dz.sum()))


@wrong("two_layer_backward", "weight decay", "fc.weight_decay_inside", says="0.001 times")
def _(*arguments):
    return two_layers(*arguments, fc=lambda dz, x, w: (dz @ w.T, x.T @ dz + 1e-3 * w, dz.sum(axis=0)))


# --- what a text must not claim


@wrong(
    "fc_backward", "all / M, db of another shape", "fc.dw_divided_by_m", says="dw is divided", silent="alone"
)
def _(dz, x, w):
    return dz @ w.T, x.T @ dz / len(x), dz.mean(axis=0, keepdims=True)


@wrong("gradients_agree", "max(1, ...) below", "check.absolute_tolerance", silent="np.allclose allows")
def _(a, n):
    size = np.maximum(1, np.maximum(np.abs(a), np.abs(n)))
    return a.shape == n.shape and bool((np.abs(a - n) < 1e-6 * size).all())


@wrong("max_pool_backward", "the mask of the winners", NOT_USED, says="is not used", silent="clipped")
def _(dz, x, *, size, stride):
    return (pooled_back(np.ones(dz.shape), x, size, stride) > 0).astype(float)


wrong("bias_backward", "the number of positions", NOT_USED, silent="clipped")(
    lambda dz: np.full(dz.shape[3], dz[..., 0].size, float)
)


@wrong("sgd_step", "divided by its size", None, silent="sign flipped")
def _(w, b, dw, db, rate):
    return w + rate * np.abs(dw), b + rate * np.abs(db)


wrong("weights_backward", "+= at index arrays", "conv.last_window_only", says="index arrays")(
    lambda dz, x, w: np.einsum("muvc,mk->uvck", x[-1:, -w.shape[0] :, -w.shape[1] :], dz[-1:, -1, -1])
)


# --- names that were missing


for what, form in (("math.exp", math.exp), ("powers of e", lambda score: math.e**score)):

    @wrong("softmax", f"{what} of the scores as they are", "softmax.no_shift")
    def _(z, form=form):
        return [[form(score) / sum(map(form, row)) for score in row] for row in z.tolist()]


wrong("softmax", "1e-15 added to the probabilities", "softmax.small_number_added", says="1e-15 is added to")(
    lambda z: exponentials(lambda z: z.max(axis=1, keepdims=True), 1)(z) + 1e-15
)
wrong("softmax", "of everything, not shifted", "softmax.over_everything", says="nothing is subtracted")(
    lambda z: np.exp(z) / np.exp(z).sum()
)
wrong("softmax_backward", "handed on", "softmax.handed_on")(lambda dy_hat, y_hat: dy_hat.copy())


@wrong("softmax_backward", "return in the loop over the classes", "softmax.first_class_only")
def _(dy_hat, y_hat):
    def of_example(g, p):
        for k in range(len(p)):
            return g[k] * p[k] * (one_hot(k, len(p)) - p)
        return None

    return np.array([of_example(g, p) for g, p in zip(dy_hat, y_hat)])


@wrong("softmax_backward", "= in the loop over the classes", "softmax.last_class_only")
def _(dy_hat, y_hat):
    dz = np.zeros(y_hat.shape)
    for k in range(y_hat.shape[1]):
        dz = dy_hat[:, k : k + 1] * y_hat[:, k : k + 1] * (one_hot(k, y_hat.shape[1]) - y_hat)
    return dz


@wrong("softmax_cross_entropy_backward", "1 not divided", "softmax_cross_entropy.label_not_divided")
def _(z, y):
    return layers.softmax(z) / len(z) - one_hot(y, z.shape[1])


@wrong("softmax_cross_entropy_backward", "dz[:, y] -= 1", "softmax_cross_entropy.labels_by_column")
def _(z, y):
    dz = layers.softmax(z)
    dz[:, y] -= 1
    return dz / len(z)


@wrong("weights_backward", "into an int array", "results.cut_off", says="whole numbers")
def _(dz, x, w):
    windows = windows_of(x, w.shape[:2], axis=(1, 2))
    dw = np.zeros(w.shape, int)
    dw[...] = np.einsum("mijcuv,mijk->uvck", windows, dz)
    return dw


@wrong("weights_backward", "summed over the channels", "weights.summed_over_channels")
def _(dz, x, w):
    windows = windows_of(x, w.shape[:2], axis=(1, 2))
    return np.repeat(np.einsum("mijcuv,mijk->uvk", windows, dz)[:, :, None], w.shape[2], axis=2)


@wrong("correlate_channels", "the first channel's kernel", "correlate_channels.same_channel_for_all")
def _(x, w, b):
    windows = windows_of(x, w.shape[:2], axis=(1, 2))
    return np.einsum("mijcuv,uvk->mijk", windows, w[:, :, 0]) + b


@wrong("correlate", "the bias added in the loop", "correlate.bias_in_the_loop")
def _(X, W, bias):
    Z = np.zeros((X.shape[0] - W.shape[0] + 1, X.shape[1] - W.shape[1] + 1))
    for i, j in np.ndindex(Z.shape):
        Z[i, j] = (X[i : i + W.shape[0], j : j + W.shape[1]] * W).sum()
        Z += bias
    return Z


@wrong("input_backward_same", "slid like forward", "conv.no_rotation")
def _(dz, w):
    rims = [((n - 1) // 2, n // 2) for n in w.shape[:2]]
    return layers_free_forward(np.pad(dz, ((0, 0), *rims, (0, 0))), w.swapaxes(2, 3), 0, 1, 1)


@wrong("average_pool_backward", "/ size[0]²", "average_pool.divided_by_one_side", says="square")
def _(dz, x, *, size, stride):
    return averaged_back(dz, x, size, stride, lambda part: 1 / part.shape[1] ** 2)


for what, decay in (
    ("w - rate (dw + decay w)", lambda w, rate: rate * 1e-3 * w),
    ("(1 - decay) w - rate dw", lambda w, rate: 1e-3 * w),
):
    wrong("sgd_step", what, "sgd_step.weight_decay", says="0.001")(
        lambda w, b, dw, db, rate, decay=decay: (w - rate * dw - decay(w, rate), b - rate * db)
    )
    wrong("sgd_step", f"{what}, b too", "sgd_step.weight_decay", says="0.001")(
        lambda w, b, dw, db, rate, decay=decay: (
            w - rate * dw - decay(w, rate),
            b - rate * db - decay(b, rate),
        )
    )


def weights(what, name, draw, says=""):
    wrong("initial_weights", what, name, says)(
        lambda inputs, units, rng: (draw(inputs, units, rng), np.zeros(units))
    )


weights("randn / inputs", "initial_weights.divided_by_inputs", lambda n, k, rng: rng.normal(size=(n, k)) / n)
weights("0.05", "initial_weights.same_for_all_sizes", lambda n, k, rng: rng.normal(0, 0.05, (n, k)), "0.0")
weights("-1 to 1", "initial_weights.same_for_all_sizes", lambda n, k, rng: rng.uniform(-1, 1, (n, k)))
weights("1/units", "initial_weights.counts_the_units", lambda n, k, rng: rng.normal(size=(n, k)) / np.sqrt(k))
weights(
    "|normal|",
    None,
    lambda n, k, rng: np.abs(rng.normal(0, (2 / n) ** 0.5, (n, k))),
    "(mean of w) / (std of w) is 1.3",
)


@wrong("initial_weights", "cut off at two sigma", "initial_weights.cut_off")
def _(inputs, units, rng):
    w = rng.normal(size=(inputs, units))
    while (far := np.abs(w) > 2).any():
        w[far] = rng.normal(size=far.sum())
    return w * np.sqrt(2 / inputs), np.zeros(units)


@wrong("initial_weights", "Glorot, and a random bias", "training.glorot_for_he", says="b should be zero")
def _(inputs, units, rng):
    scale = np.sqrt(2 / (inputs + units))
    return rng.normal(0, scale, (inputs, units)), rng.normal(0, scale, units)


def ratio(a, n):
    with np.errstate(all="ignore"):
        return np.linalg.norm(a - n) / (np.linalg.norm(a) + np.linalg.norm(n))


wrong("gradients_agree", "norms, 0/0", "check.norm_ratio")(lambda a, n: bool(ratio(a, n) <= 2e-7))
wrong("gradients_agree", "norms, NaN passes", "check.norm_ratio")(lambda a, n: not ratio(a, n) > 1e-7)
wrong("gradients_agree", "difference, NaN passes", "check.absolute_tolerance")(
    lambda a, n: not (np.abs(a - n) >= 1e-6).any()
)


def epoch(what, name, keep, step):
    @wrong("one_epoch", what, name)
    def _(theta, velocity, order, rates, backprop, *, batch_size, momentum):
        losses = []
        for rate, start in zip(rates, range(0, len(order), batch_size)):
            loss, g = backprop(theta, order[start : start + batch_size])
            velocity = keep(momentum, velocity, rate, g)
            theta = theta + step(momentum, velocity, rate, g)
            losses.append(loss)
        return theta, velocity, losses


epoch(
    "velocity -= rate g",
    "one_epoch.rate_in_the_velocity",
    lambda m, v, r, g: m * v - r * g,
    lambda m, v, r, g: v,
)
epoch(
    "velocity += rate g",
    "one_epoch.rate_in_the_velocity",
    lambda m, v, r, g: m * v + r * g,
    lambda m, v, r, g: -v,
)
wrong("fc_forward", "ReLU on top", "fc_forward.relu_on_top")(lambda x, w, b: np.maximum(x @ w + b, 0))
wrong("fc_forward", "mean over the inputs", "fc_forward.averaged")(lambda x, w, b: x @ w / len(w) + b)
