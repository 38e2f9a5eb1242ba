"""The definitions as loops over single numbers: an independent reference, slow and literal.

Nothing is shared with `layers` or with the catalogue's right implementations. Every sum is gathered where the
formula has it, entry by entry, and any kind of number will do: with fractions the answers are exact.
"""

import math
from fractions import Fraction
from itertools import product

import numpy as np


def exactly(array):
    """Return the array with a fraction for each number; floats are fractions already, so nothing is lost."""
    array = np.asarray(array)
    out = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        out[index] = Fraction(array[index].item())
    return out


def _zeros(shape, like):
    return np.full(shape, Fraction(0) if like.dtype == object else 0.0, dtype=like.dtype)


def _two(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def _axis(length, kernel, stride, padding, dilation):
    """Return (output length, zeros before) of one axis."""
    reach = dilation * (kernel - 1) + 1
    if isinstance(padding, str) and padding == "same":
        out = -(-length // stride)
        return out, max((out - 1) * stride + reach - length, 0) // 2
    zeros = 0 if isinstance(padding, str) else padding
    return (length + 2 * zeros - reach) // stride + 1, zeros


def _geometry(x_shape, w_shape, stride, padding, dilation):
    """Return ((H_out, p_top), (W_out, p_left), strides, dilations)."""
    paddings = (padding, padding) if isinstance(padding, str) else _two(padding)
    strides, dilations = _two(stride), _two(dilation)
    rows, columns = (
        _axis(x_shape[1 + a], w_shape[a], strides[a], paddings[a], dilations[a]) for a in range(2)
    )
    return rows, columns, strides, dilations


def conv_forward(x, w, b, *, stride, padding, dilation):
    """Return Z, one sum an output."""
    (H_out, top), (W_out, left), (s_h, s_w), (d_h, d_w) = _geometry(
        x.shape, w.shape, stride, padding, dilation
    )
    (M, H_in, W_in, C), (F_h, F_w, _, K) = x.shape, w.shape
    z = _zeros((M, H_out, W_out, K), x)
    for m, i, j, k in np.ndindex(z.shape):
        total = b[k]
        for u, v, c in product(range(F_h), range(F_w), range(C)):
            row, column = i * s_h + u * d_h - top, j * s_w + v * d_w - left
            if 0 <= row < H_in and 0 <= column < W_in:
                total = total + x[m, row, column, c] * w[u, v, c, k]
        z[m, i, j, k] = total
    return z


def conv_backward(dz, x, w, *, stride, padding, dilation):
    """Return dX (gathered: which outputs read this pixel?), dW and db."""
    (H_out, top), (W_out, left), (s_h, s_w), (d_h, d_w) = _geometry(
        x.shape, w.shape, stride, padding, dilation
    )
    (M, H_in, W_in, _), (F_h, F_w, _, K) = x.shape, w.shape
    dx, dw, db = _zeros(x.shape, x), _zeros(w.shape, x), _zeros((K,), x)
    for m, row, column, c in np.ndindex(x.shape):
        for u, v in product(range(F_h), range(F_w)):
            i, i_rest = divmod(row + top - u * d_h, s_h)
            j, j_rest = divmod(column + left - v * d_w, s_w)
            if i_rest == j_rest == 0 and 0 <= i < H_out and 0 <= j < W_out:
                for k in range(K):
                    dx[m, row, column, c] += dz[m, i, j, k] * w[u, v, c, k]
    for u, v, c, k in np.ndindex(w.shape):
        for m, i, j in product(range(M), range(H_out), range(W_out)):
            row, column = i * s_h + u * d_h - top, j * s_w + v * d_w - left
            if 0 <= row < H_in and 0 <= column < W_in:
                dw[u, v, c, k] += dz[m, i, j, k] * x[m, row, column, c]
    for m, i, j, k in np.ndindex(dz.shape):
        db[k] += dz[m, i, j, k]
    return dx, dw, db


def _windows(x_shape, size, stride):
    """Yield (i, j, pixels of the window in row-major order)."""
    (F_h, F_w), (s_h, s_w) = _two(size), _two(stride)
    H_out, W_out = (x_shape[1] - F_h) // s_h + 1, (x_shape[2] - F_w) // s_w + 1
    for i, j in product(range(H_out), range(W_out)):
        yield i, j, [(i * s_h + u, j * s_w + v) for u, v in product(range(F_h), range(F_w))]


def pool_forward(x, *, size, stride, mode):
    """Return the maximum or the mean of each window."""
    (F_h, F_w), (s_h, s_w) = _two(size), _two(stride)
    M, H, W, C = x.shape
    z = _zeros((M, (H - F_h) // s_h + 1, (W - F_w) // s_w + 1, C), x)
    for i, j, pixels in _windows(x.shape, size, stride):
        for m, c in product(range(M), range(C)):
            values = [x[m, row, column, c] for row, column in pixels]
            z[m, i, j, c] = max(values) if mode == "max" else sum(values) / len(values)
    return z


def pool_backward(dz, x, *, size, stride, mode):
    """Return dX: all to the first maximum of the window, or an equal share to each pixel."""
    dx = _zeros(x.shape, x)
    for i, j, pixels in _windows(x.shape, size, stride):
        for m, c in product(range(x.shape[0]), range(x.shape[3])):
            if mode == "max":
                values = [x[m, row, column, c] for row, column in pixels]
                pixels_paid = [pixels[values.index(max(values))]]
            else:
                pixels_paid = pixels
            for row, column in pixels_paid:
                dx[m, row, column, c] += dz[m, i, j, c] / len(pixels_paid)
    return dx


def relu_backward(da, z):
    """Return da where z is positive, 0 elsewhere."""
    dz = _zeros(z.shape, z)
    for index in np.ndindex(z.shape):
        if z[index] > 0:
            dz[index] = da[index]
    return dz


def fc_backward(dz, x, w):
    """Return dX, dW and db."""
    dx, dw, db = _zeros(x.shape, x), _zeros(w.shape, x), _zeros((w.shape[1],), x)
    for m, n, k in product(range(x.shape[0]), range(w.shape[0]), range(w.shape[1])):
        dx[m, n] += dz[m, k] * w[n, k]
        dw[n, k] += x[m, n] * dz[m, k]
    for m, k in np.ndindex(dz.shape):
        db[k] += dz[m, k]
    return dx, dw, db


def flatten_backward(dy, x):
    """Return dX: entry n of a row belongs to n = (i·W + j)·C + c."""
    dx = _zeros(x.shape, x)
    for m, i, j, c in np.ndindex(x.shape):
        dx[m, i, j, c] = dy[m, (i * x.shape[2] + j) * x.shape[3] + c]
    return dx


def softmax_forward(z):
    """Return the probabilities, each from the differences of the scores: 1 / Σ exp(z_l − z_k)."""
    y_hat = np.zeros(z.shape)
    for m, k in np.ndindex(z.shape):
        differences = [other - z[m, k] for other in z[m]]
        if max(differences) < 700:
            y_hat[m, k] = 1 / math.fsum(map(math.exp, differences))
    return y_hat


def softmax_backward(dy_hat, y_hat):
    """Return dz through every entry of the Jacobian ŷ_k (δ_kl − ŷ_l)."""
    dz = np.zeros(y_hat.shape)
    for m, k in np.ndindex(y_hat.shape):
        for other in range(y_hat.shape[1]):
            dz[m, k] += dy_hat[m, other] * y_hat[m, other] * ((other == k) - y_hat[m, k])
    return dz


def cross_entropy_backward(y_hat, y):
    """Return dŶ of the mean over the examples."""
    dy_hat = _zeros(y_hat.shape, y_hat)
    for m, label in enumerate(y):
        dy_hat[m, label] = -1 / (y_hat[m, label] * len(y))
    return dy_hat


def softmax_cross_entropy_backward(z, y):
    """Return dz of the mean over the examples."""
    y_hat = softmax_forward(z)
    dz = np.zeros(z.shape)
    for m, k in np.ndindex(z.shape):
        dz[m, k] = (y_hat[m, k] - (y[m] == k)) / len(y)
    return dz


def sgd_step(w, b, dw, db, learning_rate):
    """Return w and b one step down their gradients."""
    new_w, new_b = w.copy(), b.copy()
    for index in np.ndindex(w.shape):
        new_w[index] = w[index] - learning_rate * dw[index]
    for index in np.ndindex(b.shape):
        new_b[index] = b[index] - learning_rate * db[index]
    return new_w, new_b


def initial_weights(inputs, units, rng):
    """Return normal weights of variance 2/inputs (He) and a bias of zeros."""
    w = rng.normal(size=(inputs, units))
    for index in np.ndindex(w.shape):
        w[index] *= math.sqrt(2 / inputs)
    return w, np.zeros(units)


# The losses, for what is wrong in both directions.


def cross_entropy_forward(y_hat, y):
    """Return the mean of −log of the right class's probability."""
    return -math.fsum(math.log(y_hat[m, label]) for m, label in enumerate(y)) / len(y)


def softmax_cross_entropy_forward(z, y):
    """Return the mean cross-entropy of the scores."""
    return cross_entropy_forward(softmax_forward(z), y)
