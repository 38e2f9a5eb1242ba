"""Lesson 05: the convolution, forward."""

import numpy as np


def correlate(X, W, bias):
    """Return Z[i, j] = bias + Σ_uv X[i + u, j + v] · W[u, v]."""
    (H_in, W_in), (F_h, F_w) = X.shape, W.shape
    Z = np.zeros((H_in - F_h + 1, W_in - F_w + 1))
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            Z[i, j] = (X[i : i + F_h, j : j + F_w] * W).sum() + bias
    return Z


def correlate_channels(x, w, b):
    """Return Z[m, i, j, k] = b[k] + Σ_uvc X[m, i + u, j + v, c] · W[u, v, c, k]."""
    (M, H_in, W_in, _), (F_h, F_w, _, K) = x.shape, w.shape
    H_out, W_out = H_in - F_h + 1, W_in - F_w + 1
    z = np.zeros((M, H_out, W_out, K)) + b
    for u in range(F_h):
        for v in range(F_w):
            z += x[:, u : u + H_out, v : v + W_out] @ w[u, v]
    return z


def patches(x, w):
    """Return the pixels under each window as a row, in the order of the entries of w."""
    (M, H_in, W_in, _), (F_h, F_w) = x.shape, w.shape[:2]
    rows = []
    for m in range(M):
        for i in range(H_in - F_h + 1):
            for j in range(W_in - F_w + 1):
                rows.append(x[m, i : i + F_h, j : j + F_w].ravel())
    return np.array(rows)
