"""Right answers, more than fifty, in as many styles as learners have: no check may find fault with one.

Each is the whole of what somebody could have written for one exercise, helpers included. The formulas are the
same; the loops, the libraries and the order of the sums are not.
"""

import functools
import itertools
import math
from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy import linalg, ndimage, signal, special

ANSWERS = []


def answers(exercise, style):
    """Register a right answer to an exercise, with its style in words."""

    def register(function):
        ANSWERS.append(SimpleNamespace(exercise=exercise, style=style, function=function))
        return function

    return register


# --- 00: nudges


@answers("slope", "a generator, unpacked")
def slope_on_two_sides(f, x, eps):
    right, left = (f(x + sign * eps) for sign in (1, -1))
    return (right - left) / (eps + eps)


@answers("reused_backward", "the graph, node by node")
def reused_backward(x, y, z):
    q = x + y
    dx = dy = 0.0
    dq, dz = z, q
    dx, dy = dx + dq, dy + dq
    return dx + 1.0, dy, dz


# --- 01: gradient checks


@answers("gradients_agree", "math.isclose, entry by entry")
def gradients_agree_isclose(analytic, numeric):
    pairs = zip(np.ravel(analytic).tolist(), np.ravel(numeric).tolist())
    return analytic.shape == numeric.shape and all(
        math.isclose(a, n, rel_tol=1e-6, abs_tol=0) for a, n in pairs
    )


# --- 02: fully connected and flatten


@answers("fc_forward", "three nested loops over plain numbers")
def fc_forward_loops(x, w, b):
    M, N = x.shape
    K = w.shape[1]
    z = [[float(b[k]) for k in range(K)] for _ in range(M)]
    for m in range(M):
        for k in range(K):
            for n in range(N):
                z[m][k] += float(x[m, n]) * float(w[n, k])
    return np.array(z)


@answers("fc_forward", "one matrix with a column of ones")
def fc_forward_augmented(x, w, b):
    return np.hstack([x, np.ones((len(x), 1))]) @ np.vstack([w, b])


@answers("fc_backward", "einsum")
def fc_backward_einsum(dz, x, w):
    return np.einsum("mk,nk->mn", dz, w), np.einsum("mn,mk->nk", x, dz), np.einsum("mk->k", dz)


@answers("fc_backward", "examples added one by one, in place")
def fc_backward_accumulated(dz, x, w):
    dx, dw, db = np.empty_like(x), np.zeros_like(w), np.zeros(w.shape[1])
    for m, (row, gradient) in enumerate(zip(x, dz)):
        np.matmul(w, gradient, out=dx[m])
        dw += row[:, None] * gradient[None, :]
        db += gradient
    return dx, dw, db


@answers("fc_backward", "tensordot and a product with ones")
def fc_backward_tensordot(dz, x, w):
    ones = np.ones(len(x))
    return np.tensordot(dz, w, axes=(1, 1)), np.tensordot(x, dz, axes=(0, 0)), ones @ dz


@answers("fc_backward", "functools.reduce over the examples")
def fc_backward_reduce(dz, x, w):
    pairs = list(zip(x, dz))
    dw = functools.reduce(lambda total, pair: total + np.outer(*pair), pairs, np.zeros(w.shape))
    db = functools.reduce(np.add, dz)
    return np.array([w.dot(g) for _, g in pairs]), dw, db


class Dense:
    """A layer as a class, called like a function."""

    def backward(self, dz, x, w):
        self.dx, self.dw, self.db = dz.dot(w.transpose()), x.transpose().dot(dz), np.add.reduce(dz)
        return self.dx, self.dw, self.db


@answers("fc_backward", "a new object of a class")
def fc_backward_class(dz, x, w):
    return Dense().backward(dz, x, w)


@answers("flatten_backward", "flat indices")
def flatten_backward_flat(dy, x):
    dx = np.zeros(x.size)
    dx[np.arange(x.size)] = dy.ravel()
    return dx.reshape(x.shape)


@answers("flatten_backward", "one entry after the other")
def flatten_backward_loops(dy, x):
    dx = np.empty(x.shape)
    _, _, W, C = x.shape
    for m, i, j, c in itertools.product(*map(range, x.shape)):
        dx[m, i, j, c] = dy[m, i * W * C + j * C + c]
    return dx


# --- 03: ReLU


@answers("relu_backward", "np.where")
def relu_backward_where(da, z):
    return np.where(z > 0, da, 0.0)


@answers("relu_backward", "a copy, written to in place")
def relu_backward_in_place(da, z):
    dz = da.copy()
    dz[z <= 0] = 0
    return dz


@answers("relu_backward", "Heaviside's step")
def relu_backward_heaviside(da, z):
    return np.heaviside(z, 0) * da


@answers("relu_backward", "the mask from the output, strictly")
def relu_backward_output(da, z):
    a = np.maximum(z, 0)
    return da * (a > 0).astype(float)


@answers("relu_backward", "a list comprehension")
def relu_backward_list(da, z):
    flat = [g if s > 0 else 0.0 for g, s in zip(da.ravel().tolist(), z.ravel().tolist())]
    return np.reshape(flat, z.shape)


@answers("leaky_relu_backward", "np.select")
def leaky_relu_backward_select(da, z, *, slope):
    return da * np.select([z > 0, z <= 0], [1.0, slope])


@answers("leaky_relu_backward", "two parts added")
def leaky_relu_backward_parts(da, z, *, slope):
    positive = (np.sign(z) + 1) // 2 * (z != 0)
    return positive * da + slope * (1 - positive) * da


# --- 04: softmax and cross-entropy


@answers("softmax", "log-sum-exp")
def softmax_logsumexp(z):
    return np.exp(z - special.logsumexp(z, axis=1)[:, None])


@answers("softmax", "math.exp in loops")
def softmax_math(z):
    rows = []
    for row in z.tolist():
        top = max(row)
        powers = [math.exp(score - top) for score in row]
        total = math.fsum(powers)
        rows.append([power / total for power in powers])
    return np.array(rows)


@answers("softmax", "scipy.special")
def softmax_scipy(z):
    return special.softmax(z, axis=-1)


@answers("softmax_backward", "the whole Jacobian")
def softmax_backward_jacobian(dy_hat, y_hat):
    K = y_hat.shape[1]
    jacobian = y_hat[:, :, None] * (np.eye(K) - y_hat[:, None, :])
    return np.einsum("mk,mkl->ml", dy_hat, jacobian)


@answers("softmax_backward", "example by example")
def softmax_backward_rows(dy_hat, y_hat):
    return np.stack([(np.diag(p) - np.outer(p, p)) @ g for g, p in zip(dy_hat, y_hat)])


@answers("cross_entropy_backward", "fancy indices")
def cross_entropy_backward_scatter(y_hat, y):
    M = len(y)
    dy_hat = np.zeros_like(y_hat)
    dy_hat[range(M), y] = -1 / (M * y_hat[range(M), y])
    return dy_hat


@answers("softmax_cross_entropy_backward", "subtract one at the label")
def softmax_cross_entropy_backward_subtract(z, y):
    p = softmax_logsumexp(z)
    np.subtract.at(p, (np.arange(len(y)), y), 1)
    p /= len(y)
    return p


@answers("softmax_cross_entropy_backward", "complex step of the loss")
def softmax_cross_entropy_backward_complex(z, y):
    def loss(z):
        shifted = z - z.real.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]).mean()

    dz = np.empty(z.shape)
    for index in np.ndindex(z.shape):
        nudged = z.astype(complex)
        nudged[index] += 1e-30j
        dz[index] = loss(nudged).imag / 1e-30
    return dz


# --- 05: convolution forward


@answers("correlate", "as_strided")
def correlate_strided(X, W, bias):
    X = np.ascontiguousarray(X)
    shape = tuple(n - f + 1 for n, f in zip(X.shape, W.shape)) + W.shape
    windows = as_strided(X, shape, X.strides * 2, writeable=False)
    return np.tensordot(windows, W, 2) + bias


@answers("correlate", "fast Fourier transform")
def correlate_fft(X, W, bias):
    H, L = X.shape
    shape = (H + W.shape[0] - 1, L + W.shape[1] - 1)
    product = np.fft.rfft2(X, shape) * np.fft.rfft2(W[::-1, ::-1], shape)
    whole = np.fft.irfft2(product, shape)
    return whole[W.shape[0] - 1 : H, W.shape[1] - 1 : L] + bias


@answers("correlate", "scipy.ndimage, cropped")
def correlate_ndimage(X, W, bias):
    f, g = W.shape
    whole = ndimage.correlate(X.astype(float), W.astype(float), mode="constant")
    return whole[f // 2 : f // 2 + X.shape[0] - f + 1, g // 2 : g // 2 + X.shape[1] - g + 1] + bias


@answers("correlate_channels", "channels first inside")
def correlate_channels_first(x, w, b):
    x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    z = np.einsum("mcijuv,kcuv->mkij", windows, w, optimize=True) + b.reshape(1, -1, 1, 1)
    return np.moveaxis(z, 1, -1)


@answers("patches", "hstack of shifted images")
def patches_hstack(x, w):
    (_, H, L, C), (F_h, F_w) = x.shape, w.shape[:2]
    H_out, W_out = H - F_h + 1, L - F_w + 1
    shifted = [x[:, u : u + H_out, v : v + W_out].reshape(-1, C) for u in range(F_h) for v in range(F_w)]
    return np.hstack(shifted)


# --- 06 and 07: backward, plain


@answers("weights_backward", "scipy.signal for each pair of maps")
def weights_backward_scipy(dz, x, w):
    dw = np.zeros(w.shape)
    for m, c, k in itertools.product(range(len(x)), range(w.shape[2]), range(w.shape[3])):
        dw[..., c, k] += signal.correlate(x[m, ..., c], dz[m, ..., k], mode="valid", method="direct")
    return dw


@answers("weights_backward", "matrix form")
def weights_backward_matrix(dz, x, w):
    return (patches_hstack(x, w).T @ dz.reshape(-1, dz.shape[3])).reshape(w.shape)


@answers("bias_backward", "one axis after the other")
def bias_backward_axes(dz):
    while dz.ndim > 1:
        dz = dz.sum(axis=0)
    return dz


@answers("input_backward", "scipy.signal: full convolution")
def input_backward_scipy(dz, w):
    M, H_out, W_out, K = dz.shape
    dx = np.zeros((M, H_out + w.shape[0] - 1, W_out + w.shape[1] - 1, w.shape[2]))
    for m, c, k in itertools.product(range(M), range(w.shape[2]), range(K)):
        dx[m, :, :, c] += signal.convolve2d(dz[m, :, :, k], w[:, :, c, k], mode="full")
    return dx


def toeplitz_rows(kernel, n_out):
    """The matrix of a correlation along one axis: row i holds the kernel from column i on."""
    n_in = n_out + len(kernel) - 1
    return linalg.toeplitz(np.r_[kernel[0], np.zeros(n_out - 1)], np.r_[kernel, np.zeros(n_in - len(kernel))])


@answers("input_backward", "Toeplitz matrices, transposed")
def input_backward_toeplitz(dz, w):
    M, H_out, W_out, K = dz.shape
    F_h, F_w, C, _ = w.shape
    dx = np.zeros((M, H_out + F_h - 1, W_out + F_w - 1, C))
    for u, c, k in itertools.product(range(F_h), range(C), range(K)):
        dx[:, u : u + H_out, :, c] += dz[..., k] @ toeplitz_rows(w[u, :, c, k], W_out)
    return dx


@answers("input_backward", "scattered with np.add.at")
def input_backward_add_at(dz, w):
    M, H_out, W_out, _ = dz.shape
    F_h, F_w, C, _ = w.shape
    dx = np.zeros((M, H_out + F_h - 1, W_out + F_w - 1, C))
    i, j, u, v = np.ix_(*map(np.arange, (H_out, W_out, F_h, F_w)))
    terms = np.einsum("mijk,uvck->mijuvc", dz, w)
    np.add.at(dx, (slice(None), i + u, j + v), terms)
    return dx


@answers("input_backward_same", "the full answer, cropped")
def input_backward_same_cropped(dz, w):
    top, left = ((f - 1) // 2 for f in w.shape[:2])
    return input_backward_scipy(dz, w)[:, top : top + dz.shape[1], left : left + dz.shape[2]]


# --- 08: the general case


@answers("output_size", "counted")
def output_size_counted(n, f, *, stride, padding, dilation):
    if padding == "same":
        return math.ceil(n / stride)
    reach = dilation * (f - 1) + 1
    return sum(1 for start in range(-padding, n + padding, stride) if start + reach <= n + padding)


def two(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def zeros_around(padding, lengths, kernels, strides, dilations):
    """Zeros before and after each axis."""
    if padding == "same":
        totals = [
            max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
            for n, f, s, d in zip(lengths, kernels, strides, dilations)
        ]
        return [(t // 2, t - t // 2) for t in totals]
    return [(p, p) for p in ((0, 0) if padding == "valid" else two(padding))]


@answers("conv_forward", "sliding windows of the padded image")
def conv_forward_windows(x, w, b, *, stride, padding, dilation):
    (s, t), (d, e) = two(stride), two(dilation)
    around = zeros_around(padding, x.shape[1:3], w.shape[:2], (s, t), (d, e))
    padded = np.pad(x, [(0, 0), *around, (0, 0)])
    reach = (d * (w.shape[0] - 1) + 1, e * (w.shape[1] - 1) + 1)
    windows = sliding_window_view(padded, reach, axis=(1, 2))[:, ::s, ::t, :, ::d, ::e]
    return np.tensordot(windows, w, axes=[(4, 5, 3), (0, 1, 2)]) + b


@answers("conv_forward", "im2col by flat indices")
def conv_forward_im2col(x, w, b, *, stride, padding, dilation):
    rows, columns = index_grids(x.shape, w.shape, stride, padding, dilation)
    around = zeros_around(padding, x.shape[1:3], w.shape[:2], two(stride), two(dilation))
    padded = np.pad(x, [(0, 0), *around, (0, 0)])
    patches = padded[:, rows, columns]  # (M, H_out, W_out, F_h, F_w, C)
    shape = patches.shape[:3]
    z = patches.reshape(math.prod(shape), -1) @ w.reshape(-1, w.shape[3])
    return z.reshape(*shape, -1) + b


def index_grids(x_shape, w_shape, stride, padding, dilation):
    """The row and the column, in the padded image, that each output reads through each weight."""
    strides, dilations = two(stride), two(dilation)
    around = zeros_around(padding, x_shape[1:3], w_shape[:2], strides, dilations)
    grids = []
    for axis in range(2):
        reach = dilations[axis] * (w_shape[axis] - 1) + 1
        outputs = (x_shape[1 + axis] + sum(around[axis]) - reach) // strides[axis] + 1
        starts, offsets = np.arange(outputs) * strides[axis], np.arange(w_shape[axis]) * dilations[axis]
        grids.append(starts[:, None] + offsets[None, :])
    rows, columns = grids
    return rows[:, None, :, None], columns[None, :, None, :]


@answers("conv_backward", "im2col and col2im with np.add.at")
def conv_backward_im2col(dz, x, w, *, stride, padding, dilation):
    rows, columns = index_grids(x.shape, w.shape, stride, padding, dilation)
    around = zeros_around(padding, x.shape[1:3], w.shape[:2], two(stride), two(dilation))
    padded = np.pad(x, [(0, 0), *around, (0, 0)])
    flat_dz = dz.reshape(-1, dz.shape[3])
    dw = padded[:, rows, columns].reshape(len(flat_dz), -1).T @ flat_dz
    dx = np.zeros(padded.shape)
    np.add.at(dx, (slice(None), rows, columns), np.einsum("mijk,uvck->mijuvc", dz, w))
    (top, _), (left, _) = around
    return (
        dx[:, top : top + x.shape[1], left : left + x.shape[2]],
        dw.reshape(w.shape),
        flat_dz.sum(axis=0),
    )


@answers("conv_backward", "the formula, with whole quotients only")
def conv_backward_gathered(dz, x, w, *, stride, padding, dilation):
    (s, t), (d, e) = two(stride), two(dilation)
    (top, _), (left, _) = zeros_around(padding, x.shape[1:3], w.shape[:2], (s, t), (d, e))
    (F_h, F_w), (H_out, W_out) = w.shape[:2], dz.shape[1:3]
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i, j, u, v in itertools.product(*map(range, (*x.shape[1:3], F_h, F_w))):
        p, p_rest = divmod(i + top - u * d, s)
        q, q_rest = divmod(j + left - v * e, t)
        if p_rest or q_rest or not (0 <= p < H_out and 0 <= q < W_out):
            continue
        dx[:, i, j] += dz[:, p, q] @ w[u, v].T
        dw[u, v] += x[:, i, j].T @ dz[:, p, q]
    return dx, dw, np.einsum("mijk->k", dz)


@answers("conv_backward", "slices, strides spread out, accumulated in place")
def conv_backward_slices(dz, x, w, *, stride, padding, dilation):
    (s, t), (d, e) = two(stride), two(dilation)
    around = zeros_around(padding, x.shape[1:3], w.shape[:2], (s, t), (d, e))
    padded = np.pad(x, [(0, 0), *around, (0, 0)])
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    _, H_out, W_out, _ = dz.shape
    for u, v in np.ndindex(*w.shape[:2]):
        where = np.s_[:, u * d : u * d + s * (H_out - 1) + 1 : s, v * e : v * e + t * (W_out - 1) + 1 : t]
        dpadded[where] += dz @ w[u, v].T
        dw[u, v] = np.tensordot(padded[where], dz, axes=([0, 1, 2], [0, 1, 2]))
    (top, bottom), (left, right) = around
    dx = dpadded[:, top : dpadded.shape[1] - bottom, left : dpadded.shape[2] - right]
    return dx, dw, dz.sum((0, 1, 2))


# --- 09: pooling


@answers("pool_forward", "sliding windows")
def pool_forward_windows(x, *, size, stride, mode):
    s, t = two(stride)
    windows = sliding_window_view(x, two(size), axis=(1, 2))[:, ::s, ::t]
    return windows.max(axis=(-2, -1)) if mode == "max" else windows.mean(axis=(-2, -1))


@answers("pool_forward", "a running maximum or sum of shifted images")
def pool_forward_running(x, *, size, stride, mode):
    (f, g), (s, t) = two(size), two(stride)
    H_out, W_out = (x.shape[1] - f) // s + 1, (x.shape[2] - g) // t + 1
    shifted = (
        x[:, u : u + s * (H_out - 1) + 1 : s, v : v + t * (W_out - 1) + 1 : t]
        for u in range(f)
        for v in range(g)
    )
    if mode == "max":
        return functools.reduce(np.maximum, shifted)
    return sum(shifted) / (f * g)


@answers("max_pool_backward", "flat indices of the winners, np.add.at")
def max_pool_backward_flat(dz, x, *, size, stride):
    (f, g), (s, t) = two(size), two(stride)
    windows = sliding_window_view(x, (f, g), axis=(1, 2))[:, ::s, ::t]  # (M, H_out, W_out, C, f, g)
    winner = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)
    m, i, j, c = np.indices(winner.shape)
    flat = np.ravel_multi_index((m, i * s + winner // g, j * t + winner % g, c), x.shape)
    return np.bincount(flat.ravel(), weights=dz.ravel(), minlength=x.size).reshape(x.shape)


@answers("max_pool_backward", "first come, first served over the offsets")
def max_pool_backward_offsets(dz, x, *, size, stride):
    (f, g), (s, t) = two(size), two(stride)
    z = pool_forward_windows(x, size=size, stride=stride, mode="max")
    _, H_out, W_out, _ = z.shape
    dx, unpaid = np.zeros(x.shape), np.ones(z.shape, bool)
    for u in range(f):
        for v in range(g):
            where = np.s_[:, u : u + s * (H_out - 1) + 1 : s, v : v + t * (W_out - 1) + 1 : t]
            wins = unpaid & (x[where] == z)
            dx[where] += np.where(wins, dz, 0)
            unpaid &= ~wins
    return dx


def first_maximum(pixels, best):
    """The place of the first maximum of a list of (value, place), by recursion."""
    if not pixels:
        return best[1]
    return first_maximum(pixels[1:], pixels[0] if pixels[0][0] > best[0] else best)


@answers("max_pool_backward", "recursion")
def max_pool_backward_recursive(dz, x, *, size, stride):
    (f, g), (s, t) = two(size), two(stride)
    dx = np.zeros(x.shape)
    for m, i, j, c in np.ndindex(dz.shape):
        pixels = [
            (x[m, i * s + u, j * t + v, c], (m, i * s + u, j * t + v, c)) for u in range(f) for v in range(g)
        ]
        dx[first_maximum(pixels[1:], pixels[0])] += dz[m, i, j, c]
    return dx


@answers("average_pool_backward", "every offset gets its share")
def average_pool_backward_offsets(dz, x, *, size, stride):
    (f, g), (s, t) = two(size), two(stride)
    dx, share = np.zeros(x.shape), dz / (f * g)
    for u, v in np.ndindex(f, g):
        dx[:, u : u + s * (dz.shape[1] - 1) + 1 : s, v : v + t * (dz.shape[2] - 1) + 1 : t] += share
    return dx


@answers("average_pool_backward", "a convolution with equal weights")
def average_pool_backward_scipy(dz, x, *, size, stride):
    (f, g), (s, t) = two(size), two(stride)
    M, H_out, W_out, C = dz.shape
    spread = np.zeros((M, s * (H_out - 1) + 1, t * (W_out - 1) + 1, C))
    spread[:, ::s, ::t] = dz
    back = signal.convolve(spread, np.full((1, f, g, 1), 1 / (f * g)), method="direct")
    dx = np.zeros(x.shape)
    dx[:, : back.shape[1], : back.shape[2]] = back
    return dx


# --- 10: the whole network


@answers("sgd_step", "a list of pairs")
def sgd_step_pairs(w, b, dw, db, learning_rate):
    return tuple(p - learning_rate * g for p, g in [(w, dw), (b, db)])


@answers("two_layer_backward", "layer by layer, closures on a tape")
def two_layer_backward_tape(x, y, w1, b1, w2, b2):
    tape, gradients = [], {}

    def dense(name, x, w, b):
        def back(dz):
            gradients[name] = x.T @ dz, dz.sum(axis=0)
            return dz @ w.T

        tape.append(back)
        return x @ w + b

    z1 = dense("first", x, w1, b1)
    tape.append(lambda da: da * (z1 > 0))
    z2 = dense("second", np.maximum(z1, 0), w2, b2)
    g = softmax_cross_entropy_backward_subtract(z2, y)
    for back in reversed(tape):
        g = back(g)
    return *gradients["first"], *gradients["second"]


# --- 11: an epoch


@answers("one_epoch", "np.split, and arrays of its own that are written to")
def one_epoch_split(theta, velocity, order, rates, backprop, *, batch_size, momentum):
    batches = np.split(order, range(batch_size, len(order), batch_size))
    theta, velocity, losses = theta.copy(), velocity.copy(), np.zeros(len(batches))
    for n, (batch, rate) in enumerate(zip(batches, rates)):
        losses[n], g = backprop(theta, batch)
        velocity *= momentum
        velocity += g
        theta -= rate * g
        theta -= rate * momentum * velocity
    return theta, velocity, losses


@answers("one_epoch", "a pile of numbers that gets smaller")
def one_epoch_pile(theta, velocity, order, rates, backprop, *, batch_size, momentum):
    left, rates, losses = list(order), iter(rates), ()
    while left:
        batch, left = left[:batch_size], left[batch_size:]
        loss, g = backprop(theta, batch)
        ahead = momentum * (velocity := momentum * velocity + g)
        theta = theta - next(rates) * (g + ahead)
        losses += (loss,)
    return theta, velocity, list(losses)


# --- 12: fast convolution


@answers("pooled_relu", "a reshape, one maximum over two axes")
def pooled_relu_reshaped(z, b):
    M, H, W, K = z.shape
    tiles = z[:, : H // 2 * 2, : W // 2 * 2].reshape(M, H // 2, 2, W // 2, 2, K)
    return np.maximum(tiles.max(axis=(2, 4)) + b, 0)


@answers("pooled_relu", "four slices, reduced")
def pooled_relu_slices(z, b):
    rows, columns = z.shape[1] - z.shape[1] % 2, z.shape[2] - z.shape[2] % 2
    corners = [z[:, i:rows:2, j:columns:2] for i, j in itertools.product((0, 1), repeat=2)]
    return functools.reduce(np.maximum, corners[1:], corners[0]).__add__(b).clip(min=0)
