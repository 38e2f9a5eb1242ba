"""Lesson 08: stride, padding, dilation, channels: the general case."""

import numpy as np


def output_size(n, f, *, stride, padding, dilation):
    """Return floor((n + 2p − d·(f − 1) − 1)/s) + 1; with "same" padding, ceil(n/s)."""
    if padding == "same":
        return -(-n // stride)
    return (n + 2 * padding - dilation * (f - 1) - 1) // stride + 1


def conv_forward(x, w, b, *, stride, padding, dilation):
    """Return b[k] + Σ_uvc X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c] · W[u,v,c,k]."""
    (F_h, F_w), (s_h, s_w), (d_h, d_w) = w.shape[:2], np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)

    def zeros_in_front_and_behind(n, f, s, p, d):
        if padding == "same":
            total = max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
            return total // 2, total - total // 2
        return p, p

    p_h, p_w = np.broadcast_to(0 if isinstance(padding, str) else padding, 2)
    rows = zeros_in_front_and_behind(x.shape[1], F_h, s_h, p_h, d_h)
    columns = zeros_in_front_and_behind(x.shape[2], F_w, s_w, p_w, d_w)
    x_padded = np.pad(x, ((0, 0), rows, columns, (0, 0)))
    H_out = (x_padded.shape[1] - d_h * (F_h - 1) - 1) // s_h + 1
    W_out = (x_padded.shape[2] - d_w * (F_w - 1) - 1) // s_w + 1
    z = np.zeros((len(x), H_out, W_out, w.shape[3])) + b
    for u in range(F_h):
        for v in range(F_w):
            below = slice(u * d_h, u * d_h + s_h * (H_out - 1) + 1, s_h)
            beside = slice(v * d_w, v * d_w + s_w * (W_out - 1) + 1, s_w)
            z += x_padded[:, below, beside] @ w[u, v]
    return z


def conv_backward(dz, x, w, *, stride, padding, dilation):
    """Return dX, dW and db: the pixels that W[u, v] met on the way forward, met again on the way back."""
    (F_h, F_w), (s_h, s_w), (d_h, d_w) = w.shape[:2], np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    (H_in, W_in), (H_out, W_out) = x.shape[1:3], dz.shape[1:3]

    def zeros_in_front_and_behind(n, f, s, p, d):
        if padding == "same":
            total = max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
            return total // 2, total - total // 2
        return p, p

    p_h, p_w = np.broadcast_to(0 if isinstance(padding, str) else padding, 2)
    rows = zeros_in_front_and_behind(H_in, F_h, s_h, p_h, d_h)
    columns = zeros_in_front_and_behind(W_in, F_w, s_w, p_w, d_w)
    x_padded = np.pad(x, ((0, 0), rows, columns, (0, 0)))
    dx_padded, dw = np.zeros(x_padded.shape), np.zeros(w.shape)
    for u in range(F_h):
        for v in range(F_w):
            below = slice(u * d_h, u * d_h + s_h * (H_out - 1) + 1, s_h)
            beside = slice(v * d_w, v * d_w + s_w * (W_out - 1) + 1, s_w)
            dw[u, v] = np.einsum("mijc,mijk->ck", x_padded[:, below, beside], dz)
            dx_padded[:, below, beside] += dz @ w[u, v].T
    dx = dx_padded[:, rows[0] : rows[0] + H_in, columns[0] : columns[0] + W_in]
    return dx, dw, dz.sum(axis=(0, 1, 2))
