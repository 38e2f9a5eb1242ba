"""Lesson 08: stride, padding, dilation, channels: the general case."""

import numpy as np

from backprop_helpers.layers import resolve_padding


def output_size(n, f, *, stride, padding, dilation):
    """Return floor((n + 2p − d·(f − 1) − 1)/s) + 1; with "same" padding, ceil(n/s)."""
    if padding == "same":
        return -(-n // stride)
    return (n + 2 * padding - dilation * (f - 1) - 1) // stride + 1


def conv_forward(x, w, b, *, stride, padding, dilation):
    """Return b[k] + Σ_uvc X[m, i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c] · W[u,v,c,k]."""
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
    """Return dX, dW and db: R[i′, u, i] is 1 where output row i′ reads pixel row i through weight row u."""
    (H_in, W_in), (F_h, F_w), (H_out, W_out) = x.shape[1:3], w.shape[:2], dz.shape[1:3]
    (s_h, s_w), (d_h, d_w) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    top, _, left, _ = resolve_padding(padding, (H_in, W_in), (F_h, F_w), stride=stride, dilation=dilation)

    def reads(n_out, f, n_in, s, d, p):
        i_out, u, i = np.arange(n_out)[:, None, None], np.arange(f)[:, None], np.arange(n_in)
        return (i_out * s + u * d - p == i).astype(float)

    R, S = reads(H_out, F_h, H_in, s_h, d_h, top), reads(W_out, F_w, W_in, s_w, d_w, left)
    # a and e are i′ and j′, the place of the output: einsum knows no primes.
    dx = np.einsum("aui,evj,uvck,maek->mijc", R, S, w, dz, optimize=True)
    dw = np.einsum("aui,evj,mijc,maek->uvck", R, S, x, dz, optimize=True)
    return dx, dw, dz.sum(axis=(0, 1, 2))


# --- another way: window by window


def conv_backward_by_windows(dz, x, w, *, stride, padding, dilation):
    """Return dX, dW and db: what each window read on the way forward, it pays back."""
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


# --- another way: for stride 1 without dilation, by shifted slices and the turned kernel


def conv_backward_by_slices(dz, x, w, *, stride=1, padding="valid", dilation=1):
    """Return dX, dW and db, as the texts that call it a convolution do."""
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
