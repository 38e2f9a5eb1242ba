"""Lesson 04: softmax and cross-entropy."""

import numpy as np


def softmax(z):
    """Return the probabilities of each row; less the largest score, no exponential overflows."""
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_backward(dy_hat, y_hat):
    """Return dZ = Ŷ ∗ (dŶ − the mean of dŶ, weighted with Ŷ), row by row."""
    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
    return y_hat * (dy_hat - mean)


def cross_entropy_backward(y_hat, y):
    """Return −1/(M·ŷ) at the right class of each example, and 0 elsewhere."""
    M = len(y)
    dy_hat = np.zeros(y_hat.shape)
    dy_hat[np.arange(M), y] = -1 / (M * y_hat[np.arange(M), y])
    return dy_hat


def softmax_cross_entropy_backward(z, y):
    """Return dZ = (Ŷ − Y)/M."""
    M = len(y)
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    dz = exponentials / exponentials.sum(axis=1, keepdims=True)
    dz[np.arange(M), y] -= 1
    return dz / M
