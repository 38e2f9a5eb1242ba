"""Lesson 09: pooling."""

import numpy as np


def pool_forward(x, *, size, stride, mode):
    """Return the maximum, or the average, of each whole window."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_in, W_in, C = x.shape
    z = np.zeros((M, (H_in - F_h) // s_h + 1, (W_in - F_w) // s_w + 1, C))
    for i in range(z.shape[1]):
        for j in range(z.shape[2]):
            window = x[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
            z[:, i, j] = window.max(axis=(1, 2)) if mode == "max" else window.mean(axis=(1, 2))
    return z


def max_pool_backward(dz, x, *, size, stride):
    """Return dX: each output hands its gradient to the pixel that won."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    dx = np.zeros(x.shape)
    for m, i, j, c in np.ndindex(dz.shape):
        window = x[m, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w, c]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
    return dx


def average_pool_backward(dz, x, *, size, stride):
    """Return dX: each output shares its gradient out among the pixels of its window."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    dx = np.zeros(x.shape)
    for i in range(dz.shape[1]):
        for j in range(dz.shape[2]):
            share = dz[:, i : i + 1, j : j + 1] / (F_h * F_w)
            dx[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w] += share
    return dx
