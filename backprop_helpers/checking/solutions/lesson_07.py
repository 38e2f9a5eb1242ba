"""Lesson 07: the convolution backward, to the input."""

import numpy as np


def input_backward(dz, w):
    """Return dX: each output hands its gradient back to the pixels under its window."""
    M, H_out, W_out, _ = dz.shape
    F_h, F_w, C, _ = w.shape
    dx = np.zeros((M, H_out + F_h - 1, W_out + F_w - 1, C))
    for u in range(F_h):
        for v in range(F_w):
            dx[:, u : u + H_out, v : v + W_out] += dz @ w[u, v].T
    return dx


def input_backward_same(dz, w):
    """Return dX of the padded image without its border: of F − 1 zeros, (F − 1) // 2 stand in front."""
    M, H, W, _ = dz.shape
    F_h, F_w, C, _ = w.shape
    dx_padded = np.zeros((M, H + F_h - 1, W + F_w - 1, C))
    for u in range(F_h):
        for v in range(F_w):
            dx_padded[:, u : u + H, v : v + W] += dz @ w[u, v].T
    top, left = (F_h - 1) // 2, (F_w - 1) // 2
    return dx_padded[:, top : top + H, left : left + W]
