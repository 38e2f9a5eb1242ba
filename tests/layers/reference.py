"""Loop references for every layer: the formulas, one element at a time.

Nothing here is fast and nothing is shared with the package: each function reads like its formula,
in the same letters, with zero-based indices. Dimensions: X (M, H_in, W_in, C), W (F_h, F_w, C, K), b (K,),
Z (M, H_out, W_out, K); fully connected: X (M, N), W (N, K).

The derivative of each layer is written in the *other* form from the usual code: dX of a convolution gathers
the outputs that read a pixel, where fast code scatters each output back to its pixels.
"""

import math

import numpy as np


def pair(value):
    """(rows, columns) from one number for both or from a pair."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def output_length(length, kernel, stride, before, after, dilation):
    """H_out = floor((H_in + p_top + p_bottom − d(F − 1) − 1) / s) + 1."""
    return math.floor((length + before + after - dilation * (kernel - 1) - 1) / stride) + 1


def padding_of_axis(length, kernel, stride, padding, dilation):
    """(before, after) along one axis, for "same", "valid" or a number."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        out = math.ceil(length / stride)
        total = max((out - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)
        return total // 2, total - total // 2
    return padding, padding


def conv_geometry(x_shape, w_shape, *, stride, padding, dilation):
    """Every number that the convolution formula needs: strides, dilations, leading paddings, output size."""
    (s_h, s_w), (d_h, d_w) = pair(stride), pair(dilation)
    pad_h, pad_w = (padding, padding) if isinstance(padding, str) else pair(padding)
    top, bottom = padding_of_axis(x_shape[1], w_shape[0], s_h, pad_h, d_h)
    left, right = padding_of_axis(x_shape[2], w_shape[1], s_w, pad_w, d_w)
    h_out = output_length(x_shape[1], w_shape[0], s_h, top, bottom, d_h)
    w_out = output_length(x_shape[2], w_shape[1], s_w, left, right, d_w)
    return s_h, s_w, d_h, d_w, top, left, h_out, w_out


def conv_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    """Z[m,i,j,k] = b[k] + Σ_uvc X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c] · W[u,v,c,k]."""
    M, H, W, C = x.shape
    F_h, F_w, _, K = w.shape
    s_h, s_w, d_h, d_w, p_top, p_left, H_out, W_out = conv_geometry(
        x.shape, w.shape, stride=stride, padding=padding, dilation=dilation
    )
    z = np.zeros((M, H_out, W_out, K), np.result_type(x, w, b))
    for m, i, j, k in np.ndindex(*z.shape):
        z[m, i, j, k] = b[k]
        for u, v in np.ndindex(F_h, F_w):
            row, column = i * s_h + u * d_h - p_top, j * s_w + v * d_w - p_left
            if 0 <= row < H and 0 <= column < W:  # X = 0 outside
                for c in range(C):
                    z[m, i, j, k] += x[m, row, column, c] * w[u, v, c, k]
    return z


def conv_backward(dz, x, w, *, stride=1, padding=0, dilation=1):
    """dX[m,i,j,c] = Σ_uvk dZ[m, (i + p_top − u·d_h)/s_h, …, k] · W[u,v,c,k], whole, in-range quotients only.

    dW[u,v,c,k] = Σ_mij dZ[m,i,j,k] · X[m, i·s_h + u·d_h − p_top, …, c] and db[k] = Σ_mij dZ[m,i,j,k].
    """
    M, H, W, _ = x.shape
    F_h, F_w, _, K = w.shape
    s_h, s_w, d_h, d_w, p_top, p_left, H_out, W_out = conv_geometry(
        x.shape, w.shape, stride=stride, padding=padding, dilation=dilation
    )
    assert dz.shape == (M, H_out, W_out, K)
    dtype = np.result_type(dz, x, w)
    dx, dw, db = np.zeros(x.shape, dtype), np.zeros(w.shape, dtype), np.zeros(K, dtype)
    for m, i, j, c in np.ndindex(*x.shape):
        for u, v in np.ndindex(F_h, F_w):
            row, row_rest = divmod(i + p_top - u * d_h, s_h)
            column, column_rest = divmod(j + p_left - v * d_w, s_w)
            if row_rest == 0 and column_rest == 0 and 0 <= row < H_out and 0 <= column < W_out:
                for k in range(K):
                    dx[m, i, j, c] += dz[m, row, column, k] * w[u, v, c, k]
    for u, v, c, k in np.ndindex(*w.shape):
        for m, i, j in np.ndindex(M, H_out, W_out):
            row, column = i * s_h + u * d_h - p_top, j * s_w + v * d_w - p_left
            if 0 <= row < H and 0 <= column < W:
                dw[u, v, c, k] += dz[m, i, j, k] * x[m, row, column, c]
    for m, i, j, k in np.ndindex(*dz.shape):
        db[k] += dz[m, i, j, k]
    return dx, dw, db


def _windows(x_shape, size, stride):
    """For each output (m, i, j, k): the input positions of its window, row-major. Remainders are dropped."""
    (f_h, f_w), (s_h, s_w) = pair(size), pair(size if stride is None else stride)
    M, H, W, K = x_shape
    H_out, W_out = (H - f_h) // s_h + 1, (W - f_w) // s_w + 1
    for m, i, j, k in np.ndindex(M, H_out, W_out, K):
        yield (m, i, j, k), [(m, i * s_h + u, j * s_w + v, k) for u in range(f_h) for v in range(f_w)]


def pool_forward(x, *, size=2, stride=None, mode="max"):
    """The largest value of each window (by its real part), or the mean of it."""
    outputs = {}
    for index, window in _windows(x.shape, size, stride):
        values = [x[position] for position in window]
        # Python's max returns the first of equal values: the tie rule of the contract.
        outputs[index] = max(values, key=np.real) if mode == "max" else sum(values) / len(values)
    shape = tuple(np.array(list(outputs)).max(axis=0) + 1)
    z = np.zeros(
        shape, x.dtype if mode == "max" else np.result_type(x, np.float32 if x.dtype == "f4" else float)
    )
    for index, value in outputs.items():
        z[index] = value
    return z


def pool_backward(dz, x, *, size=2, stride=None, mode="max"):
    """Max: dZ goes to the first largest position of its window. Average: an equal share to every position."""
    dx = np.zeros(x.shape, np.result_type(dz, x) if mode == "max" else np.result_type(dz, x, np.float32))
    for index, window in _windows(x.shape, size, stride):
        if mode == "max":
            dx[max(window, key=lambda position: x[position].real)] += dz[index]
        else:
            for position in window:
                dx[position] += dz[index] / len(window)
    return dx


def relu_forward(z):
    """A = Z where Z > 0, else 0."""
    a = np.zeros_like(z)
    for index in np.ndindex(*z.shape):
        a[index] = z[index] if z[index].real > 0 else 0
    return a


def relu_backward(da, z):
    """dZ = dA where Z > 0, else 0; in particular 0 at Z = 0."""
    dz = np.zeros_like(da)
    for index in np.ndindex(*z.shape):
        dz[index] = da[index] if z[index].real > 0 else 0
    return dz


def fc_forward(x, w, b):
    """Z[m,k] = b[k] + Σ_n X[m,n] W[n,k]."""
    z = np.zeros((x.shape[0], w.shape[1]), np.result_type(x, w, b))
    for m, k in np.ndindex(*z.shape):
        z[m, k] = b[k] + sum(x[m, n] * w[n, k] for n in range(x.shape[1]))
    return z


def fc_backward(dz, x, w):
    """dX[m,n] = Σ_k dZ[m,k] W[n,k]; dW[n,k] = Σ_m X[m,n] dZ[m,k]; db[k] = Σ_m dZ[m,k]."""
    dtype = np.result_type(dz, x, w)
    dx, dw, db = np.zeros(x.shape, dtype), np.zeros(w.shape, dtype), np.zeros(w.shape[1], dtype)
    for m, n in np.ndindex(*x.shape):
        dx[m, n] = sum(dz[m, k] * w[n, k] for k in range(w.shape[1]))
    for n, k in np.ndindex(*w.shape):
        dw[n, k] = sum(x[m, n] * dz[m, k] for m in range(x.shape[0]))
    for k in range(w.shape[1]):
        db[k] = sum(dz[m, k] for m in range(x.shape[0]))
    return dx, dw, db


def flatten_forward(x):
    """Y[m, n] with n counting the other axes in row-major order."""
    y = np.zeros((x.shape[0], math.prod(x.shape[1:])), x.dtype)
    for m in range(x.shape[0]):
        for n, index in enumerate(np.ndindex(*x.shape[1:])):
            y[m, n] = x[(m, *index)]
    return y


def flatten_backward(dy, x_shape):
    """dX[m, i, j, c] = dY[m, n] at the n where X[m, i, j, c] went."""
    dx = np.zeros(x_shape, dy.dtype)
    for m in range(x_shape[0]):
        for n, index in enumerate(np.ndindex(*x_shape[1:])):
            dx[(m, *index)] = dy[m, n]
    return dx


def softmax(z):
    """Ŷ[m,k] = exp(Z[m,k]) / Σ_l exp(Z[m,l]), for moderate Z: no shift here."""
    y_hat = np.zeros(z.shape, np.result_type(z, np.float64))
    for m in range(z.shape[0]):
        exponentials = [np.exp(value) for value in z[m]]
        y_hat[m] = [value / sum(exponentials) for value in exponentials]
    return y_hat


def softmax_backward(dy_hat, y_hat):
    """dZ[m,k] = Σ_n dŶ[m,n] · Ŷ[m,n] (δ_kn − Ŷ[m,k]): the full Jacobian."""
    dz = np.zeros(y_hat.shape, np.result_type(dy_hat, y_hat))
    M, K = y_hat.shape
    for m, k, n in np.ndindex(M, K, K):
        dz[m, k] += dy_hat[m, n] * y_hat[m, n] * ((k == n) - y_hat[m, k])
    return dz


def one_hot(labels, classes):
    """Y[m,k] = 1 where k is the label of example m."""
    y = np.zeros((len(labels), classes))
    for m, label in enumerate(labels):
        y[m, int(label)] = 1
    return y


def cross_entropy_forward(y_hat, y):
    """J = −(1/M) Σ_mk Y[m,k] log Ŷ[m,k]; `y` one-hot or a distribution a row."""
    return -sum(y[m, k] * np.log(y_hat[m, k]) for m, k in np.ndindex(*y.shape) if y[m, k] != 0) / y.shape[0]


def cross_entropy_backward(y_hat, y):
    """dŶ[m,k] = −Y[m,k] / (M Ŷ[m,k])."""
    dy_hat = np.zeros_like(y_hat)
    for m, k in np.ndindex(*y.shape):
        if y[m, k] != 0:
            dy_hat[m, k] = -y[m, k] / (y.shape[0] * y_hat[m, k])
    return dy_hat
