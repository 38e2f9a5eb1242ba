"""Wrong answers of the kinds that were found in the wild, written anew: each with what is to be said.

`WRONG` holds (exercise, what is wrong in words, function, the diagnosis's name; None: a place alone).
"""

from types import SimpleNamespace

import numpy as np

from backprop_helpers import layers

WRONG = []


def wrong(exercise, what, diagnosis, says="", silent=""):
    """Register a wrong answer with the diagnosis, a text that has to be there and one that must not."""

    def register(function):
        WRONG.append(
            SimpleNamespace(
                exercise=exercise, what=what, diagnosis=diagnosis, says=says, silent=silent, function=function
            )
        )
        return function

    return register


def pairs(*values):
    return [tuple(int(n) for n in np.broadcast_to(value, 2)) for value in values]


def pads(x, w, stride, padding, dilation):
    return layers.resolve_padding(padding, x.shape[1:3], w.shape[:2], stride=stride, dilation=dilation)


# --- the gradient that arrives is clipped, rescaled, normalised


def clipped(dz, limit=50.0):
    return np.clip(dz, -limit, limit)


def with_unit_norm(g):
    return g / max(1.0, np.linalg.norm(g))


CLIPS = "training.clips_inside_backward"


@wrong("fc_backward", "dz clipped", CLIPS, says="1e9 times dz")
def _(dz, x, w):
    dz = clipped(dz)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


@wrong("fc_backward", "dw rescaled to a norm", CLIPS, says="1e9 times dw")
def _(dz, x, w):
    return dz @ w.T, with_unit_norm(x.T @ dz), dz.sum(axis=0)


@wrong("relu_backward", "da clipped", CLIPS)
def _(da, z):
    return np.where(z > 0, clipped(da), 0)


@wrong("leaky_relu_backward", "clipped", CLIPS)
def _(da, z, *, slope):
    return np.where(z > 0, clipped(da), slope * clipped(da))


@wrong("softmax_backward", "clipped", CLIPS)
def _(dy_hat, y_hat):
    dy_hat = clipped(dy_hat)
    return y_hat * (dy_hat - (dy_hat * y_hat).sum(axis=1, keepdims=True))


@wrong("flatten_backward", "clipped", CLIPS)
def _(dy, x):
    return clipped(dy).reshape(x.shape)


@wrong("weights_backward", "clipped", CLIPS)
def _(dz, x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x, dz.shape[1:3], axis=(1, 2))
    return np.einsum("muvcij,mijk->uvck", windows, clipped(dz))


@wrong("bias_backward", "clipped", CLIPS)
def _(dz):
    return clipped(dz).sum(axis=(0, 1, 2))


def scattered(dz, w):
    M, H, W, _ = dz.shape
    dx = np.zeros((M, H + w.shape[0] - 1, W + w.shape[1] - 1, w.shape[2]))
    for i in range(H):
        for j in range(W):
            dx[:, i : i + w.shape[0], j : j + w.shape[1]] += np.einsum("mk,uvck->muvc", dz[:, i, j], w)
    return dx


@wrong("input_backward", "clipped", CLIPS)
def _(dz, w):
    return scattered(clipped(dz, 100), w)


@wrong("input_backward_same", "clipped", CLIPS)
def _(dz, w):
    top, left = (w.shape[0] - 1) // 2, (w.shape[1] - 1) // 2
    return scattered(clipped(dz), w)[:, top : top + dz.shape[1], left : left + dz.shape[2]]


@wrong("max_pool_backward", "clipped", CLIPS)
def _(dz, x, *, size, stride):
    return pooled_back(clipped(dz), x, size, stride)


@wrong("average_pool_backward", "clipped", CLIPS)
def _(dz, x, *, size, stride):
    return averaged_back(clipped(dz), x, size, stride)


# --- softmax and the losses


def row_softmax(z, shift):
    e = np.exp(z - shift)
    return e / e.sum(axis=1, keepdims=True)


@wrong("softmax", "one maximum", "softmax.one_maximum_for_all")
def _(z):
    return row_softmax(z, z.max())


@wrong("softmax_cross_entropy_backward", "one maximum", "softmax.one_maximum_for_all")
def _(z, y):
    dz = row_softmax(z, np.amax(z))
    dz[range(len(y)), y] -= 1
    return dz / len(y)


@wrong(
    "softmax", "1e-8 below", "softmax.small_number_added", says="1e-08 is added to the sum", silent="float32"
)
def _(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + 1e-8)


@wrong("softmax", "1e-6 below, no shift", "softmax.small_number_added", says="1e-06 is added to the sum")
def _(z):
    e = np.exp(z)
    return e / (e.sum(axis=1, keepdims=True) + 1e-6)


@wrong("softmax", "kept above 1e-15", "softmax.small_number_added", says="no probability is below 1e-15")
def _(z):
    return np.clip(row_softmax(z, z.max(axis=1, keepdims=True)), 1e-15, 1)


@wrong("cross_entropy_backward", "1e-9 added", "cross_entropy.small_number_added", says="1e-09 is added")
def _(y_hat, y):
    one_hot = np.zeros_like(y_hat)
    one_hot[np.arange(len(y)), y] = 1
    return -one_hot / (y_hat + 1e-9) / len(y)


@wrong("cross_entropy_backward", "clipped on both sides", "cross_entropy.small_number_added", says="1e-07")
def _(y_hat, y):
    return -np.eye(y_hat.shape[1])[y] / np.clip(y_hat, 1e-7, 1 - 1e-7) / len(y)


@wrong("softmax", "over the examples", "softmax.over_examples")
def _(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


@wrong("softmax", "over everything", "softmax.over_everything")
def _(z):
    e = np.exp(z - z.max())
    return e / e.sum()


@wrong("softmax_cross_entropy_backward", "the right class alone", "softmax_cross_entropy.right_class_only")
def _(z, y):
    p = row_softmax(z, z.max(axis=1, keepdims=True))
    dz = np.zeros_like(z)
    dz[np.arange(len(y)), y] = (p[np.arange(len(y)), y] - 1) / len(y)
    return dz


@wrong("cross_entropy_backward", "binary", "cross_entropy.binary")
def _(y_hat, y):
    t = np.eye(y_hat.shape[1])[y]
    return (-t / y_hat + (1 - t) / (1 - y_hat)) / len(y)


# --- fully connected


@wrong("fc_backward", "dw divided", "fc.dw_divided_by_m", silent="K")
def _(dz, x, w):
    return dz @ w.T, 1 / x.shape[0] * np.dot(x.T, dz), np.sum(dz, axis=0)


@wrong("fc_backward", "db is dz", "fc.bias_not_summed", silent="the numbers are right")
def _(dz, x, w):
    return dz @ w.T, x.T @ dz, dz


@wrong("fc_backward", "dw of each example", "fc.dw_not_summed", silent="the numbers are right")
def _(dz, x, w):
    return dz @ w.T, np.array([np.outer(a, d) for a, d in zip(x, dz)]), dz.sum(axis=0)


@wrong("fc_backward", "one sum for all biases", "fc.bias_one_number")
def _(dz, x, w):
    return dz @ w.T, x.T @ dz, np.ones(w.shape[1]) * np.sum(dz)


@wrong("fc_backward", "db from dw", "fc.bias_from_dw")
def _(dz, x, w):
    dw = x.T @ dz
    return dz @ w.T, dw, dw.sum(axis=0)


@wrong("fc_backward", "dx after the update", "fc.dx_after_update", says="rate 0.03")
def _(dz, x, w):
    dw = x.T @ dz
    return dz @ (w - 0.03 * dw).T, dw, dz.sum(axis=0)


@wrong("fc_backward", "weight decay", "fc.weight_decay_inside", says="0.001 times w")
def _(dz, x, w):
    return dz @ w.T, x.T @ dz + 0.001 * w, dz.sum(axis=0)


@wrong("fc_backward", "another order", "results.other_order", says="dw, db, dx")
def _(dz, x, w):
    return x.T @ dz, dz.sum(axis=0), dz @ w.T


@wrong("fc_backward", "= in a loop over the examples", "fc.last_example_only")
def _(dz, x, w):
    for m in range(len(x)):
        dw, db = np.outer(x[m], dz[m]), dz[m]
    return dz @ w.T, dw, db


@wrong("fc_backward", "in float32", "fc.bias_averaged")
def _(dz, x, w):
    dz, x, w = (a.astype(np.float32) for a in (dz, x, w))
    return dz @ w.T, x.T @ dz, dz.mean(axis=0)


@wrong("fc_backward", "two mistakes", "fc.bias_averaged", says="dw is wrong")
def _(dz, x, w):
    return dz @ w.T, x.T @ dz + x.T @ np.sin(dz), dz.mean(axis=0)


# --- convolution


@wrong("input_backward", "turned, and scattered", "conv.no_rotation", silent="was not rotated")
def _(dz, w):
    return scattered(dz, np.flip(w, (0, 1)))


@wrong("input_backward", "not turned, and slid", "conv.no_rotation")
def _(dz, w):
    p = np.pad(dz, ((0, 0), (w.shape[0] - 1,) * 2, (w.shape[1] - 1,) * 2, (0, 0)))
    v = np.lib.stride_tricks.sliding_window_view(p, w.shape[:2], axis=(1, 2))
    return np.einsum("mijkuv,uvck->mijc", v, w)


@wrong("input_backward", "turned by 90°, slid", "conv.kernel_transposed", says="turned by 90°")
def _(dz, w):
    p = np.pad(dz, ((0, 0), (w.shape[0] - 1,) * 2, (w.shape[1] - 1,) * 2, (0, 0)))
    turned = np.rot90(w)
    v = np.lib.stride_tricks.sliding_window_view(p, turned.shape[:2], axis=(1, 2))
    return np.einsum("mijkuv,uvck->mijc", v, turned)


def overwriting(dz, w, where, filters=slice(None)):
    M, H, W, K = dz.shape
    dx = np.zeros((M, H + w.shape[0] - 1, W + w.shape[1] - 1, w.shape[2]))
    if where == "windows":
        for m, i, j in np.ndindex(M, H, W):
            dx[m, i : i + w.shape[0], j : j + w.shape[1]] = w @ dz[m, i, j]
    elif where == "offsets":
        for u, v in np.ndindex(w.shape[:2]):
            dx[:, u : u + H, v : v + W] = np.tensordot(dz, w[u, v], axes=(3, 1))
    elif where == "filters":
        for k in range(K):
            for u, v in np.ndindex(w.shape[:2]):
                dx[:, u : u + H, v : v + W] = dz[..., k, None] * w[u, v, :, k]
    else:
        i, j, u, v = np.ix_(range(H), range(W), range(w.shape[0]), range(w.shape[1]))
        dx[:, i + u, j + v] += np.einsum("mijk,uvck->mijuvc", dz, w)
    return dx


for _where in ("windows", "offsets", "filters", "index arrays"):
    wrong("input_backward", f"= for +=, {_where}", "conv.overlap_overwritten")(
        lambda dz, w, where=_where: overwriting(dz, w, where)
    )


@wrong("input_backward", "the last filter alone", "conv.one_filter_only")
def _(dz, w):
    for k in range(w.shape[3]):
        dx = scattered(dz[..., [k]], w[..., [k]])
    return dx


@wrong("input_backward", "reshaped instead of exchanged", "conv.channels_not_exchanged")
def _(dz, w):
    F_h, F_w, C, _ = w.shape
    p = np.pad(dz, ((0, 0), (F_h - 1,) * 2, (F_w - 1,) * 2, (0, 0)))
    v = np.lib.stride_tricks.sliding_window_view(p, (F_h, F_w), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    return v.reshape(*v.shape[:3], -1) @ w[::-1, ::-1].reshape(-1, C)


@wrong(
    "input_backward",
    "a tuple of one",
    None,
    says="comma behind `return dx`",
    silent="no gradient for the input",
)
def _(dz, w):
    return (scattered(dz, w),)


@wrong("input_backward", "a tuple of three", None, says="a tuple of 3", silent="no gradient for the input")
def _(dz, w):
    return scattered(dz, w), None, None


@wrong("input_backward", "a generator", None, says="`yield`", silent="no gradient for the input")
def _(dz, w):
    yield scattered(dz, w)


def general(dz, x, w, *, stride, padding, dilation, examples=slice(None), columns=None, order=None):
    """The right backward pass, window by window, with a few things to turn wrong."""
    (s_h, s_w), (d_h, d_w) = pairs(stride, dilation)
    t, b, left, r = pads(x, w, stride, padding, dilation)
    x_pad = np.pad(x, ((0, 0), (t, b), (left, r), (0, 0)))
    (F_h, F_w, C, K), dx = w.shape, np.zeros(x_pad.shape)
    kernel = w if order is None else w.reshape(C, F_h, F_w, K).transpose(1, 2, 0, 3)
    dw = np.zeros(w.shape)
    for m in range(len(x))[examples]:
        for i, j in np.ndindex(dz.shape[1:3]):
            rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)
            across = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)
            first = j * (columns or s_w)
            dw += x_pad[m, rows, first : first + d_w * (F_w - 1) + 1 : d_w, :, None] * dz[m, i, j]
            dx[m, rows, across] += kernel @ dz[m, i, j]
    if order:
        dw = dw.transpose(2, 0, 1, 3).reshape(w.shape)
    return dx[:, t : t + x.shape[1], left : left + x.shape[2]], dw, dz[examples].sum(axis=(0, 1, 2))


RIGHT_GENERAL = general
wrong("conv_backward", "the first example", "conv.first_example_only")(
    lambda dz, x, w, **o: general(dz, x, w, **o, examples=slice(1))
)
wrong("conv_backward", "rows at stride, columns not", "conv.stride_ignored_on_one_axis")(
    lambda dz, x, w, **o: general(dz, x, w, **o, columns=1)
)
wrong("conv_backward", "channels first", "conv.patches_channel_first")(
    lambda dz, x, w, **o: general(dz, x, w, **o, order="cuv")
)


@wrong("conv_backward", "squeezed", "conv.bias_squeezed")
def _(dz, x, w, **options):
    dx, dw, db = general(dz, x, w, **options)
    return dx, dw, np.squeeze(db)


@wrong("conv_backward", "pad : -pad assigned", "conv.unpads_with_minus_pad")
def _(dz, x, w, *, stride, padding, dilation):
    t, b, left, r = pads(x, w, stride, padding, dilation)
    options = {"stride": stride, "padding": 0, "dilation": dilation}
    whole, dw, db = general(dz, np.pad(x, ((0, 0), (t, b), (left, r), (0, 0))), w, **options)
    dx = np.empty(x.shape)
    for m in range(len(x)):
        dx[m] = whole[m, t:-b, left:-r]
    return dx, dw, db


@wrong("conv_backward", "an error of another kind beside a mistake", None, says="TypeError", silent="rotat")
def _(dz, x, w, *, stride, padding, dilation):
    range(stride)  # an int alone
    return general(dz, x, w[::-1, ::-1], stride=stride, padding=padding, dilation=dilation)


@wrong("weights_backward", "one example a kernel", "weights.examples_kept", silent="the numbers are right")
def _(dz, x, w):
    v = np.lib.stride_tricks.sliding_window_view(x, dz.shape[1:3], axis=(1, 2))
    return np.einsum("muvcij,mijk->muvck", v, dz)


@wrong("conv_forward", "the border repeated", "conv.padding_not_zero")
def _(x, w, b, *, stride, padding, dilation):
    t, u, left, r = pads(x, w, stride, padding, dilation)
    x = np.pad(x, ((0, 0), (t, u), (left, r), (0, 0)), mode="edge")
    return layers_free_forward(x, w, b, stride, dilation)


def layers_free_forward(x, w, b, stride, dilation):
    (s_h, s_w), (d_h, d_w) = pairs(stride, dilation)
    H = (x.shape[1] - d_h * (w.shape[0] - 1) - 1) // s_h + 1
    W = (x.shape[2] - d_w * (w.shape[1] - 1) - 1) // s_w + 1
    z = np.zeros((len(x), H, W, w.shape[3]))
    for u, v in np.ndindex(w.shape[:2]):
        z += x[:, u * d_h :: s_h, v * d_w :: s_w][:, :H, :W] @ w[u, v]
    return z + b


@wrong("patches", "columns (c, u, v), windows (i, j, m)", "patches.columns_cuv_windows_ijm")
def _(x, w):
    v = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))  # m i j c u v
    return v.transpose(1, 2, 0, 3, 4, 5).reshape(-1, v[0, 0, 0].size)


# --- pooling


def windows_of(dz, size, stride):
    (F_h, F_w), (s_h, s_w) = pairs(size, stride)
    for i, j in np.ndindex(dz.shape[1:3]):
        yield i, j, slice(i * s_h, i * s_h + F_h), slice(j * s_w, j * s_w + F_w)


def pay(dx, dz, x, m, i, j, c, rows, columns, order="C"):
    window = x[m, rows, columns, c]
    u, v = np.unravel_index(window.ravel(order).argmax(), window.shape, order)
    dx[m, rows.start + u, columns.start + v, c] += dz[m, i, j, c]


def pooled_back(dz, x, size, stride, order="C", examples=slice(None), take=lambda *_: True):
    dx = np.zeros(x.shape)
    for m in range(len(x))[examples]:
        for i, j, rows, columns in windows_of(dz, size, stride):
            for c in range(x.shape[3]):
                if take(x, i, j, rows, columns):
                    pay(dx, dz, x, m, i, j, c, rows, columns, order)
    return dx


def averaged_back(dz, x, size, stride, share=lambda part: 1 / part[0, ..., 0].size):
    dx = np.zeros(x.shape)
    for i, j, rows, columns in windows_of(dz, size, stride):
        dx[:, rows, columns] += share(x[:, rows, columns]) * dz[:, i : i + 1, j : j + 1]
    return dx


@wrong(
    "max_pool_backward", "return after an image's first window", "pool.returns_in_the_loop", silent="border"
)
def _(dz, x, *, size, stride):
    return pooled_back(dz, x, size, stride, take=lambda x, i, j, *_: i == j == 0)


@wrong(
    "max_pool_backward",
    "return after an image's first row",
    "pool.returns_in_the_loop",
    says="row of windows",
)
def _(dz, x, *, size, stride):
    return pooled_back(dz, x, size, stride, take=lambda x, i, j, *_: i == 0)


@wrong("max_pool_backward", "the last window", "pool.last_window_only")
def _(dz, x, *, size, stride):
    dx = np.zeros(x.shape)
    for m in range(len(x)):
        last = list(windows_of(dz, size, stride))[-1]
        for c in range(x.shape[3]):
            i, j, rows, columns = last
            pay(dx, dz, x, m, i, j, c, rows, columns)
    return dx


wrong("max_pool_backward", "the first image", "pool.first_example_only")(
    lambda dz, x, *, size, stride: pooled_back(dz, x, size, stride, examples=slice(1))
)
wrong("max_pool_backward", "the height for the width", "pool.height_for_width")(
    lambda dz, x, *, size, stride: pooled_back(
        dz, x, size, stride, take=lambda x, i, j, rows, columns: columns.stop <= x.shape[1]
    )
)
wrong("max_pool_backward", "column by column", "pool.ties_column_by_column")(
    lambda dz, x, *, size, stride: pooled_back(dz, x, size, stride, order="F")
)
wrong("average_pool_backward", "in proportion", "pool.shared_in_proportion")(
    lambda dz, x, *, size, stride: averaged_back(
        dz, x, size, stride, lambda part: part / part.sum(axis=(1, 2), keepdims=True)
    )
)


@wrong("max_pool_backward", "= for +=, by offsets", "pool.overlap_overwritten")
def _(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = pairs(size, stride)
    H, W = dz.shape[1:3]
    z = np.full(dz.shape, -np.inf)
    places = [np.s_[:, u : u + s_h * H : s_h, v : v + s_w * W : s_w] for u, v in np.ndindex(F_h, F_w)]
    for place in places:
        z = np.maximum(z, x[place])
    dx, paid = np.zeros(x.shape), np.zeros(dz.shape, bool)
    for place in places:
        wins = (x[place] == z) & ~paid
        dx[place] = dz * wins
        paid |= wins
    return dx


@wrong("pool_forward", "a maximum from 0", "pool.running_maximum_from_zero")
def _(x, *, size, stride, mode):
    (F_h, F_w), (s_h, s_w) = pairs(size, stride)
    H, W = (x.shape[1] - F_h) // s_h + 1, (x.shape[2] - F_w) // s_w + 1
    z = np.zeros((len(x), H, W, x.shape[3]))
    for u, v in np.ndindex(F_h, F_w):
        part = x[:, u::s_h, v::s_w][:, :H, :W]
        z = np.maximum(z, part) if mode == "max" else z + part
    return z if mode == "max" else z / (F_h * F_w)


# --- training, and checks


for _bias in (0.01, 0.07, 0.1):
    wrong(
        "initial_weights",
        f"b = {_bias}",
        "training.bias_starts_at_one",
        says=f"starts at {_bias}",
        silent="is should",
    )(
        lambda inputs, units, rng, b=_bias: (
            rng.normal(0, (2 / inputs) ** 0.5, (inputs, units)),
            np.full(units, b),
        )
    )


@wrong("initial_weights", "np.random", "training.rng_not_used", silent="leave behind")
def _(inputs, units, rng):
    return np.random.randn(inputs, units) * np.sqrt(2 / inputs), np.zeros(units)  # noqa: NPY002


@wrong("initial_weights", "a seed of its own", "training.rng_not_used")
def _(inputs, units, rng):
    rng = np.random.default_rng(0)
    return rng.normal(0, np.sqrt(2 / inputs), (inputs, units)), np.zeros(units)


@wrong("initial_weights", "Glorot, uniform", "training.glorot_for_he")
def _(inputs, units, rng):
    limit = np.sqrt(6 / (inputs + units))
    return rng.uniform(-limit, limit, (inputs, units)), np.zeros(units)


@wrong("initial_weights", "1/n", "training.variance_without_relu")
def _(inputs, units, rng):
    return rng.standard_normal((inputs, units)) / np.sqrt(inputs), np.zeros(units)


wrong("sgd_step", "b - rate b", "training.bias_shrinks")(lambda w, b, dw, db, r: (w - r * dw, b - r * b))
wrong("sgd_step", "the rate forgotten", "training.rate_forgotten_for_bias")(
    lambda w, b, dw, db, r: (w - r * dw, b - db)
)
wrong("sgd_step", "w uphill", "training.weights_uphill")(lambda w, b, dw, db, r: (w + r * dw, b - r * db))
wrong("gradients_agree", "norms", "check.norm_ratio")(
    lambda a, n: bool(np.linalg.norm(a - n) / (np.linalg.norm(a) + np.linalg.norm(n) + 1e-300) < 1e-7)
)
wrong("gradients_agree", "np.allclose as it comes", "check.absolute_tolerance", says="atol=1e-8")(
    lambda a, n: bool(np.allclose(a, n))
)
wrong("gradients_agree", "absolute", "check.absolute_tolerance")(lambda a, n: bool((abs(a - n) < 1e-5).all()))


# --- the number of classes read from the labels, a step that clips its gradients


@wrong("cross_entropy_backward", "one-hot as wide as the largest label", None)
def _(y_hat, y):
    return -np.eye(y.max() + 1)[y] / y_hat / len(y)


@wrong("softmax_cross_entropy_backward", "one-hot as wide as the largest label", None)
def _(z, y):
    return (layers.softmax(z) - np.eye(y.max() + 1)[y]) / len(y)


@wrong("sgd_step", "the gradients are clipped", "training.clips_the_step", says="clipped to 10")
def _(w, b, dw, db, learning_rate):
    return w - learning_rate * np.clip(dw, -10, 10), b - learning_rate * np.clip(db, -10, 10)


# --- what only a zero, a large number or many of them show


wrong("relu_backward", "z / z: NaN at 0", None, says="not finite")(lambda da, z: da * np.maximum(z, 0) / z)
wrong("relu_backward", "ReLU6", None, says="missing")(lambda da, z: da * ((z > 0) & (z < 6)))
wrong("relu_backward", "clipped at 1e5", CLIPS)(lambda da, z: np.clip(da, -1e5, 1e5) * (z > 0))
wrong("fc_backward", "clipped at 1e4", CLIPS)(
    lambda dz, x, w: tuple(np.clip(g, -1e4, 1e4) for g in (dz @ w.T, x.T @ dz, dz.sum(axis=0)))
)


@wrong("two_layer_backward", "clipped at 100", None, says="dw1 is wrong")
def _(x, y, w1, b1, w2, b2):
    z1 = x @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    dz2 = (row_softmax(z2, z2.max(axis=1, keepdims=True)) - np.eye(z2.shape[1])[y]) / len(y)
    dz1 = dz2 @ w2.T * (z1 > 0)
    return tuple(np.clip(g, -100, 100) for g in (x.T @ dz1, dz1.sum(axis=0), a1.T @ dz2, dz2.sum(axis=0)))


wrong("max_pool_backward", "a maximum from -100", "pool.running_maximum_from_zero", says="above them")(
    lambda dz, x, *, size, stride: pooled_back(dz * (pooled(x, size, stride) > -100), x, size, stride)
)


@wrong("pool_forward", "a maximum from -100", "pool.running_maximum_from_zero", says="starts at -100")
def _(x, *, size, stride, mode):
    (F_h, F_w), (s_h, s_w) = pairs(size, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (F_h, F_w), axis=(1, 2))[:, ::s_h, ::s_w]
    return windows.max(axis=(4, 5), initial=-100) if mode == "max" else windows.mean(axis=(4, 5))


def pooled(x, size, stride):
    return layers.pool_forward(x, size=size, stride=stride)[0]


def jacobian(dy_hat, y_hat):
    return y_hat * (dy_hat - (dy_hat * y_hat).sum(axis=1, keepdims=True))


wrong("softmax_backward", "of probabilities kept above 1e-12", None)(
    lambda dy_hat, y_hat: jacobian(dy_hat, np.clip(y_hat, 1e-12, 1))
)
wrong("softmax_backward", "ŷ − dŷ", "results.not_in_proportion", silent="clipped")(
    lambda dy_hat, y_hat: y_hat - dy_hat
)
wrong("softmax_backward", "divided by M", "softmax.divided_by_m")(
    lambda dy_hat, y_hat: jacobian(dy_hat, y_hat) / len(dy_hat)
)


def from_zero(z):
    return row_softmax(z, np.maximum(0, z.max(axis=1, keepdims=True)))


wrong("softmax", "a maximum from 0", "softmax.running_maximum_from_zero")(from_zero)
wrong("softmax_cross_entropy_backward", "a maximum from 0", "softmax.running_maximum_from_zero")(
    lambda z, y: (from_zero(z) - np.eye(z.shape[1])[y]) / len(y)
)
wrong("softmax_cross_entropy_backward", "1/M twice", "softmax_cross_entropy.divided_by_m_twice")(
    lambda z, y: (layers.softmax(z) - np.eye(z.shape[1])[y]) / len(y) ** 2
)
wrong("cross_entropy_backward", "1/M twice", "cross_entropy.divided_by_m_twice")(
    lambda y_hat, y: -np.eye(y_hat.shape[1])[y] / y_hat / len(y) ** 2
)
wrong(
    "cross_entropy_backward",
    "kept above 1e-15",
    "cross_entropy.small_number_added",
    says="put up to it",
    silent="is added to",
)(lambda y_hat, y: -np.eye(y_hat.shape[1])[y] / np.maximum(y_hat, 1e-15) / len(y))


@wrong("cross_entropy_backward", "y_hat[:, y]", "cross_entropy.labels_by_column", says="expected 0")
def _(y_hat, y):
    dy_hat = np.zeros(y_hat.shape)
    dy_hat[:, y] = -1 / y_hat[:, y] / len(y)
    return dy_hat


# --- comparisons


wrong("gradients_agree", "equal_nan", "gradients_agree.nan_is_equal")(
    lambda a, n: bool(np.allclose(a, n, rtol=1e-6, atol=0, equal_nan=True))
)
for _power in (1, 2):
    wrong("gradients_agree", f"the mean of errors, power {_power}", "gradients_agree.one_among_many")(
        lambda a, n, p=_power: bool(
            np.mean((np.abs(a - n) / np.maximum(np.abs(n), 1e-12)) ** p) ** (1 / p) < 1e-6
        )
    )
wrong("gradients_agree", "zeros left out", "gradients_agree.zeros_left_out")(
    lambda a, n: bool((np.abs(a - n) <= 1e-6 * np.abs(n))[(a != 0) & (n != 0)].all())
)
wrong("gradients_agree", "1 for True", None, says="expected True or False", silent="printed")(
    lambda a, n: int((np.abs(a - n) <= 1e-6 * np.abs(n)).all())
)
wrong("gradients_agree", "an array", None, says="an array", silent="printed")(
    lambda a, n: np.abs(a - n) <= 1e-6 * np.abs(n)
)


# --- one winner, one stride, exchanged axes, an axis lost, a step cut short


wrong("max_pool_backward", "to the smallest", "pool.to_the_smallest")(
    lambda dz, x, *, size, stride: pooled_back(dz, -x, size, stride)
)
wrong(
    "max_pool_backward",
    "the winner of channel 0",
    "pool.one_winner_for_all_channels",
    says="winner of the first one",
    silent="sum",
)(lambda dz, x, *, size, stride: pooled_back(dz, np.repeat(x[..., :1], x.shape[3], axis=3), size, stride))


@wrong("conv_backward", "stride[0] for both, inside the image", "conv.rows_for_both", says="stride")
def _(dz, x, w, *, stride, padding, dilation):
    (s, _), (d_h, d_w) = pairs(stride, dilation)
    t, b, left, r = pads(x, w, stride, padding, dilation)
    x_pad = np.pad(x, ((0, 0), (t, b), (left, r), (0, 0)))
    dx, dw = np.zeros(x_pad.shape), np.zeros(w.shape)
    for i, j, u, v in np.ndindex(*dz.shape[1:3], *w.shape[:2]):
        row, column = i * s + u * d_h, j * s + v * d_w
        if row < x_pad.shape[1] and column < x_pad.shape[2]:
            dw[u, v] += x_pad[:, row, column].T @ dz[:, i, j]
            dx[:, row, column] += dz[:, i, j] @ w[u, v].T
    return dx[:, t : t + x.shape[1], left : left + x.shape[2]], dw, dz.sum(axis=(0, 1, 2))


@wrong("weights_backward", "u and v exchanged", "conv.dw_transposed")
def _(dz, x, w):
    (H, W), dw = dz.shape[1:3], np.zeros(w.shape)
    for u, v in np.ndindex(w.shape[:2]):
        part = x[:, v : v + H, u : u + W]
        dw[u, v] = np.einsum("mijc,mijk->ck", part, dz) if part.shape[1:3] == (H, W) else 0
    return dw


wrong("weights_backward", "channels reversed", None, says="has the input channels in reversed order")(
    lambda dz, x, w: np.einsum(
        "muvcij,mijk->uvck",
        np.lib.stride_tricks.sliding_window_view(x, dz.shape[1:3], axis=(1, 2))[:, :, :, ::-1],
        dz,
    )
)
wrong("input_backward", "divided by M", "conv.divided_by_m_again", says="dx is divided by M")(
    lambda dz, w: scattered(dz, w) / len(dz)
)
wrong("conv_backward", "all divided by M", "conv.divided_by_m_again", says="everything is divided by M")(
    lambda dz, x, w, **o: tuple(g / len(dz) for g in general(dz, x, w, **o))
)
wrong("fc_backward", "db squeezed", "fc.bias_squeezed")(
    lambda dz, x, w: (dz @ w.T, x.T @ dz, dz.sum(axis=0).squeeze())
)


def shortened(g, norm):
    return g * min(1, 5 / (norm + 1e-300))


wrong("sgd_step", "each gradient to a norm", "training.clips_the_step", says="norm 5, dw and db each")(
    lambda w, b, dw, db, r: (
        w - r * shortened(dw, np.linalg.norm(dw)),
        b - r * shortened(db, np.linalg.norm(db)),
    )
)
wrong("sgd_step", "both to a norm", "training.clips_the_step", says="norm 5, dw and db together")(
    lambda w, b, dw, db, r: tuple(
        a - r * shortened(g, np.hypot(np.linalg.norm(dw), np.linalg.norm(db))) for a, g in ((w, dw), (b, db))
    )
)


# --- what a third stranger wrote

OWN_SLOPE = "this is the slope itself"


@wrong("slope", "four nudges", "slope.another_nudge", says=OWN_SLOPE, silent="size of their own")
def _(f, x, eps):
    return (8 * (f(x + eps) - f(x - eps)) - f(x + 2 * eps) + f(x - 2 * eps)) / (12 * eps)


wrong("reused_backward", "exchanged", "results.other_order", silent="bracket alone")(
    lambda x, y, z: (z, z + 1, x + y)
)


@wrong("gradients_agree", "ten entries", "gradients_agree.one_among_many", says="not every entry")
def _(a, n):
    if a.shape != n.shape:
        return False
    a, n = (array.ravel()[:: max(1, array.size // 10)] for array in (a, n))
    return bool((np.abs(a - n) <= 1e-6 * np.maximum(np.abs(a), np.abs(n))).all())


def shifted(z, shift):
    e = np.exp(z - shift)
    return e / e.sum(axis=1, keepdims=True)


wrong("softmax", "maximum of the first row", "softmax.another_shift", silent="whole batch")(
    lambda z: shifted(z, z[0].max())
)
wrong(
    "softmax", "largest size", "softmax.running_maximum_from_zero", says="what is subtracted is never below 0"
)(lambda z: shifted(z, np.abs(z).max(axis=1, keepdims=True)))
wrong(
    "softmax_cross_entropy_backward", "no shift, no 1/M", "softmax.no_shift", says="besides, dz is M times"
)(lambda z, y: shifted(z, 0.0) - np.eye(z.shape[1])[y])


@wrong("cross_entropy_backward", "binary, clipped", "cross_entropy.binary", says="kept above 1e-07")
def _(y_hat, y):
    p, one_hot = np.clip(y_hat, 1e-7, 1 - 1e-7), np.eye(y_hat.shape[1])[y]
    return -(one_hot / p - (1 - one_hot) / (1 - p)) / len(y)


@wrong("weights_backward", "1/M for square kernels", None, silent="besides")
def _(dz, x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x, dz.shape[1:3], axis=(1, 2))
    dw = np.einsum("muvcij,mijk->uvck", windows, dz)
    return dw / len(x) if w.shape[0] == w.shape[1] else dw


wrong("average_pool_backward", "always 4", "average_pool.fixed_number", says="by 4", silent="gets the whole")(
    lambda dz, x, *, size, stride: averaged_back(dz, x, size, stride) * np.prod(pairs(size)[0]) / 4
)


@wrong(
    "max_pool_backward",
    "argmax over channels",
    "pool.one_winner_for_all_channels",
    says="of all channels is paid",
)
def _(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = pairs(size, stride)
    dx = np.zeros(x.shape)
    for m, i, j in np.ndindex(dz.shape[:3]):
        window = x[m, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
        u, v, c = np.unravel_index(window.argmax(), window.shape)
        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
    return dx


for part, which in ((np.s_[:1], "first"), (np.s_[-1:], "last")):
    wrong(
        "fc_backward",
        f"dx of the {which} unit",
        "fc.one_unit_only",
        says=f"only the {which} unit counts in dx",
    )(lambda dz, x, w, part=part: (dz[:, part] @ w[:, part].T, x.T @ dz, dz.sum(axis=0)))


def correlated(x, w, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    return np.einsum("mijcuv,uvck->mijk", windows, w) + b


@wrong("correlate", "return in the loop", "correlate.only_the_first_row_of_windows_of_each_example")
def _(X, W, bias):
    Z = np.zeros((X.shape[0] - W.shape[0] + 1, X.shape[1] - W.shape[1] + 1))
    for i in range(len(Z)):
        for j in range(Z.shape[1]):
            Z[i, j] = (X[i : i + W.shape[0], j : j + W.shape[1]] * W).sum() + bias
        return Z
    return None


@wrong("correlate_channels", "channels first", "correlate_channels.patches_channel_first")
def _(x, w, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    return windows.reshape(*windows.shape[:3], -1) @ w.reshape(-1, w.shape[3]) + b


@wrong("conv_backward", "padding of a half", "conv.padding_not_zero", says="padded with 0.5")
def _(dz, x, w, **options):
    top, bottom, left, right = pads(x, w, **options)
    rim = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=0.5)
    dx, dw, db = general(dz, rim, w, **(options | {"padding": 0}))
    return dx[:, top : top + x.shape[1], left : left + x.shape[2]], dw, db


wrong("sgd_step", "a rate of its own", "sgd_step.another_rate", says="the learning rate is 0.05 whatever")(
    lambda w, b, dw, db, rate: (w - 0.05 * dw, b - 0.05 * db)
)
