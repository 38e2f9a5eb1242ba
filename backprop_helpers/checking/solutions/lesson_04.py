"""Lesson 04: softmax and cross-entropy."""

import numpy as np


def softmax(z):
    """Return the probabilities of each row: first log Ŷ = Z − log Σ e^Z, with 0 as the largest score."""
    shifted = z - z.max(axis=1, keepdims=True)
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax_backward(dy_hat, y_hat):
    """Return dZ, for each example dŶ times the Jacobian of its probabilities."""
    dz = np.zeros(y_hat.shape)
    for m, p in enumerate(y_hat):
        dz[m] = dy_hat[m] @ (np.diag(p) - np.outer(p, p))
    return dz


def cross_entropy_backward(y_hat, y):
    """Return −1/(M·ŷ) at the right class of each example, and 0 elsewhere."""
    M = len(y)
    dy_hat = np.zeros(y_hat.shape)
    dy_hat[np.arange(M), y] = -1 / (M * y_hat[np.arange(M), y])
    return dy_hat


def softmax_cross_entropy_backward(z, y):
    """Return dZ = (Ŷ − Y)/M: the probabilities, less 1 at the right class of each example."""
    M = len(y)
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    dz = exponentials / exponentials.sum(axis=1, keepdims=True)
    dz[np.arange(M), y] -= 1
    return dz / M


# --- another way: softmax as a quotient


def softmax_forward(z):
    """Return the probabilities of each row; less the largest score, no exponential overflows."""
    shifted = z - z.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


# --- another way: softmax's backward pass without the matrix


def softmax_backward_by_mean(dy_hat, y_hat):
    """Return dZ = Ŷ ∗ (dŶ − the mean of dŶ, weighted with Ŷ), row by row."""
    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
    dz = y_hat * (dy_hat - mean)
    return dz


# --- another way: cross-entropy with one-hot targets


def cross_entropy_backward_by_one_hot(y_hat, y):
    """Return dŶ = −Y/(M·Ŷ), with a 1 in Y at each right class."""
    M, K = y_hat.shape
    y = np.eye(K)[y]
    dy_hat = -y / y_hat / M
    return dy_hat


# --- another way: softmax and cross-entropy together, with one-hot targets


def softmax_cross_entropy_backward_by_one_hot(z, y):
    """Return dZ = (Ŷ − Y)/M, with a 1 in Y at each right class."""
    M, K = z.shape
    y = np.eye(K)[y]
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    y_hat = exponentials / exponentials.sum(axis=1, keepdims=True)
    dz = (y_hat - y) / M
    return dz
