"""The right implementations that the wrong ones are made of: explicit arrays, as a learner writes them.

A misconception is one of these functions with a line or two changed (see `_catalogue`), so its text reads as
if somebody had written it, and cannot be wrong in any other way. They are slow and short on purpose; a test
compares each with `backprop_helpers.layers`. Docstrings are left out, as they would be in the cell of a
notebook.
"""
# ruff: noqa: F841, RET504

import numpy as np

from backprop_helpers.layers import resolve_padding

# --- ReLU


def relu_backward(da, z):
    dz = da * (z > 0)
    return dz


# --- fully connected


def fc_forward(x, w, b):
    z = x @ w + b
    return z


def fc_backward(dz, x, w):
    dx = dz @ w.T
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db


def fc_backward_by_example(dz, x, w):
    dx = np.zeros(x.shape)
    dw = np.zeros(w.shape)
    db = np.zeros(w.shape[1])
    for m in range(len(x)):
        dx[m] = w @ dz[m]
        dw += np.outer(x[m], dz[m])
        db += dz[m]
    return dx, dw, db


# --- softmax and cross-entropy


def softmax_forward(z):
    shifted = z - z.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_backward(dy_hat, y_hat):
    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
    dz = y_hat * (dy_hat - mean)
    return dz


def cross_entropy_backward(y_hat, y):
    M, K = y_hat.shape
    y = np.eye(K)[y]
    dy_hat = -y / y_hat / M
    return dy_hat


def softmax_cross_entropy_backward(z, y):
    M, K = z.shape
    y = np.eye(K)[y]
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    y_hat = exponentials / exponentials.sum(axis=1, keepdims=True)
    dz = (y_hat - y) / M
    return dz


# --- convolution


def conv_forward(x, w, b, *, stride, padding, dilation):
    (M, H_in, W_in, C), (F_h, F_w, C, K) = x.shape, w.shape
    (s_h, s_w), (d_h, d_w) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    top, bottom, left, right = resolve_padding(
        padding, (H_in, W_in), (F_h, F_w), stride=stride, dilation=dilation
    )
    x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    H_out = (H_in + top + bottom - d_h * (F_h - 1) - 1) // s_h + 1
    W_out = (W_in + left + right - d_w * (F_w - 1) - 1) // s_w + 1
    z = np.zeros((M, H_out, W_out, K), np.result_type(x, w, b))
    for u in range(F_h):
        for v in range(F_w):
            rows = u * d_h + s_h * np.arange(H_out)
            columns = v * d_w + s_w * np.arange(W_out)
            z += x_padded[:, rows][:, :, columns] @ w[u, v]
    z += b
    return z


def conv_backward(dz, x, w, *, stride, padding, dilation):
    (M, H_in, W_in, C), (F_h, F_w, C, K) = x.shape, w.shape
    (s_h, s_w), (d_h, d_w) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    top, bottom, left, right = resolve_padding(
        padding, (H_in, W_in), (F_h, F_w), stride=stride, dilation=dilation
    )
    x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    dx_padded = np.zeros(x_padded.shape)
    dw = np.zeros(w.shape)
    for i in range(dz.shape[1]):
        for j in range(dz.shape[2]):
            rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)
            columns = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)
            window = x_padded[:, rows, columns]
            dw += np.einsum("muvc,mk->uvck", window, dz[:, i, j])
            dx_padded[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])
    db = dz.sum(axis=(0, 1, 2))
    dx = dx_padded[:, top : top + H_in, left : left + W_in]
    return dx, dw, db


# The same for stride 1 without dilation, as sums over shifted slices: the way of the texts that call it a
# convolution.
def conv_backward_by_slices(dz, x, w, *, stride=1, padding="valid", dilation=1):
    (M, H_in, W_in, C), (F_h, F_w, C, K) = x.shape, w.shape
    top, bottom, left, right = resolve_padding(padding, (H_in, W_in), (F_h, F_w))
    x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    H_out, W_out = dz.shape[1], dz.shape[2]
    dw = np.zeros(w.shape)
    for u in range(F_h):
        for v in range(F_w):
            dw[u, v] = np.einsum("mijc,mijk->ck", x_padded[:, u : u + H_out, v : v + W_out], dz)
    db = dz.sum(axis=(0, 1, 2))
    rotated = w[::-1, ::-1]
    dz_padded = np.pad(dz, ((0, 0), (F_h - 1, F_h - 1), (F_w - 1, F_w - 1), (0, 0)))
    dx_padded = np.zeros(x_padded.shape)
    for u in range(F_h):
        for v in range(F_w):
            shifted = dz_padded[:, u : u + x_padded.shape[1], v : v + x_padded.shape[2]]
            dx_padded += np.einsum("mijk,ck->mijc", shifted, rotated[u, v])
    dx = dx_padded[:, top : x_padded.shape[1] - bottom, left : x_padded.shape[2] - right]
    return dx, dw, db


# --- pooling


def pool_forward(x, *, size, stride, mode):
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_in, W_in, C = x.shape
    H_out, W_out = (H_in - F_h) // s_h + 1, (W_in - F_w) // s_w + 1
    z = np.zeros((M, H_out, W_out, C))
    for i in range(H_out):
        for j in range(W_out):
            window = x[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
            z[:, i, j] = window.max(axis=(1, 2)) if mode == "max" else window.mean(axis=(1, 2))
    return z


def pool_forward_by_reshape(x, *, size=2, stride=2, mode="max"):
    M, H, W, C = x.shape
    patches = x.reshape(M, H // 2, 2, W // 2, 2, C)
    if mode == "max":
        z = patches.max(axis=(2, 4))
    else:
        z = patches.mean(axis=(2, 4))
    return z


def pool_backward(dz, x, *, size, stride, mode):
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_out, W_out, C = dz.shape
    dx = np.zeros(x.shape)
    for m in range(M):
        for i in range(H_out):
            for j in range(W_out):
                for c in range(C):
                    rows = slice(i * s_h, i * s_h + F_h)
                    columns = slice(j * s_w, j * s_w + F_w)
                    window = x[m, rows, columns, c]
                    if mode == "max":
                        u, v = np.unravel_index(window.argmax(), window.shape)
                        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
                    else:
                        dx[m, rows, columns, c] += dz[m, i, j, c] / (F_h * F_w)
    return dx


def pool_backward_by_mask(dz, x, *, size=2, stride=2, mode="max"):
    M, H_out, W_out, C = dz.shape
    patches = x.reshape(M, H_out, 2, W_out, 2, C).transpose(0, 1, 3, 5, 2, 4)
    first_maximum = patches.reshape(M, H_out, W_out, C, 4).argmax(axis=-1)
    mask = np.eye(4)[first_maximum].reshape(M, H_out, W_out, C, 2, 2)
    mask = mask.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)
    dx = mask * dz.repeat(2, axis=1).repeat(2, axis=2)
    return dx


# --- flatten


def flatten_backward(dy, x):
    dx = dy.reshape(x.shape)
    return dx


# --- training


def sgd_step(w, b, dw, db, learning_rate):
    w = w - learning_rate * dw
    b = b - learning_rate * db
    return w, b


def initial_weights(inputs, units, rng):
    w = rng.normal(scale=np.sqrt(2 / inputs), size=(inputs, units))
    b = np.zeros(units)
    return w, b


# --- gradient checks: `gradients` are the analytic and the numerical ones, in pairs


def check_gradients(forward, backward, inputs):
    out, cache = forward(*inputs)
    upstream = np.random.default_rng(0).normal(size=out.shape)
    gradients = backward(upstream, cache)
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    for position, analytic in enumerate(gradients):
        numeric = np.zeros(analytic.shape)
        for index in np.ndindex(numeric.shape):
            nudged = [x.copy() for x in inputs]
            nudged[position][index] += 1e-5
            higher, _ = forward(*nudged)
            nudged[position][index] -= 2e-5
            lower, _ = forward(*nudged)
            numeric[index] = (upstream * (higher - lower)).sum() / 2e-5
        difference = np.abs(analytic - numeric)
        error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
        assert error.max() < 1e-6
