"""Lesson 02: fully connected, and flatten."""


def fc_forward(x, w, b):
    """Return Z = X W + b; b is added to each row."""
    return x @ w + b


def fc_backward(dz, x, w):
    """Return dX = dZ Wᵀ, dW = Xᵀ dZ, and db, the sum of the rows of dZ."""
    dx = dz @ w.T
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db


def flatten_backward(dy, x):
    """Return the numbers of dY in the shape of X: flatten changes no number, and no order."""
    return dy.reshape(x.shape)
