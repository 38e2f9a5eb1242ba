"""Lesson 12: fast convolution."""

import numpy as np


def pooled_relu(z, b):
    """Return the maxima of 2×2 tiles of ReLU(z + b): the largest first, then bias and ReLU of a quarter."""
    rows, columns = z.shape[1] // 2 * 2, z.shape[2] // 2 * 2
    z = z[:, :rows, :columns]
    wider = np.maximum(z[:, :, ::2], z[:, :, 1::2])
    largest = np.maximum(wider[:, ::2], wider[:, 1::2])
    return np.maximum(largest + b, 0)
