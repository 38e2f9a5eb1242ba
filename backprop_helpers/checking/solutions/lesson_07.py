"""Lesson 07: the convolution backward, to the input."""

import numpy as np


def input_backward(dz, w):
    """Return dX: dP = dZ Wᵀ, then each entry of a patch goes home to its pixel."""
    (M, H_out, W_out, K), (F_h, F_w, C, _) = dz.shape, w.shape
    dp = (dz.reshape(-1, K) @ w.reshape(-1, K).T).reshape(M, H_out, W_out, F_h, F_w, C)
    dx = np.zeros((M, H_out + F_h - 1, W_out + F_w - 1, C))
    for u in range(F_h):
        for v in range(F_w):
            dx[:, u : u + H_out, v : v + W_out] += dp[:, :, :, u, v]
    return dx


def input_backward_same(dz, w):
    """Return dX: each offset shifts all of dZ, and what falls outside the image is not written."""
    (M, H, W, _), (F_h, F_w, C, _) = dz.shape, w.shape
    dx = np.zeros((M, H, W, C))
    for u in range(F_h):
        for v in range(F_w):
            down, right = u - (F_h - 1) // 2, v - (F_w - 1) // 2
            rows, columns = (max(0, down), min(H, H + down)), (max(0, right), min(W, W + right))
            if rows[0] < rows[1] and columns[0] < columns[1]:
                read = dz[:, rows[0] - down : rows[1] - down, columns[0] - right : columns[1] - right]
                dx[:, slice(*rows), slice(*columns)] += read @ w[u, v].T
    return dx
