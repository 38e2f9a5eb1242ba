"""Lesson 05: the convolution, forward."""

import numpy as np


def correlate(X, W, bias):
    """Return Z[i′, j′] = bias + Σ_uv X[i′ + u, j′ + v] · W[u, v]: for each weight, all outputs at once."""
    F_h, F_w = W.shape
    H_out, W_out = X.shape[0] - F_h + 1, X.shape[1] - F_w + 1
    Z = np.full((H_out, W_out), bias, float)
    for u in range(F_h):
        for v in range(F_w):
            Z += X[u : u + H_out, v : v + W_out] * W[u, v]
    return Z


def correlate_channels(x, w, b):
    """Return Z[m, i′, j′, k] = b[k] + Σ_uvc X[m, i′ + u, j′ + v, c] · W[u, v, c, k]."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    return np.einsum("mijcuv,uvck->mijk", windows, w) + b


def patches(x, w):
    """Return the pixels under each window as a row: C columns for each offset (u, v)."""
    (M, H_in, W_in, C), (F_h, F_w) = x.shape, w.shape[:2]
    H_out, W_out = H_in - F_h + 1, W_in - F_w + 1
    P = np.zeros((M, H_out, W_out, F_h, F_w, C))
    for u in range(F_h):
        for v in range(F_w):
            P[:, :, :, u, v] = x[:, u : u + H_out, v : v + W_out]
    return P.reshape(M * H_out * W_out, F_h * F_w * C)
