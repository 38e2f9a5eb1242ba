"""Lesson 02: fully connected, and flatten."""

import numpy as np


def fc_forward(x, w, b):
    """Return Z[m, k] = b[k] + Σ_n X[m, n] · W[n, k]: all products on three axes, added up along n."""
    return (x[:, :, None] * w).sum(axis=1) + b


def fc_backward(dz, x, w):
    """Return dX = dZ Wᵀ; of [X 1]ᵀ dZ, the rows of X are dW and the row of ones is db."""
    both = np.hstack([x, np.ones((len(x), 1))]).T @ dz
    return dz @ w.T, both[:-1], both[-1]


def flatten_backward(dy, x):
    """Return the numbers of dY in the shape of X: flatten changes no number, and no order."""
    dx = dy.reshape(x.shape)
    return dx


# --- another way: a line for each gradient


def fc_backward_by_gradient(dz, x, w):
    """Return dX = dZ Wᵀ, dW = Xᵀ dZ, and db, the sum of the rows of dZ."""
    dx = dz @ w.T
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db


# --- another way: example by example


def fc_backward_by_example(dz, x, w):
    """Return a row of dX for each example, and the sums of their dW and db."""
    dx = np.zeros(x.shape)
    dw = np.zeros(w.shape)
    db = np.zeros(w.shape[1])
    for m in range(len(x)):
        dx[m] = w @ dz[m]
        dw += np.outer(x[m], dz[m])
        db += dz[m]
    return dx, dw, db
