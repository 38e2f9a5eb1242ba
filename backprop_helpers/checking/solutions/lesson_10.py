"""Lesson 10: the whole network."""

import numpy as np


def initial_weights(inputs, units, rng):
    """Return He's weights: of the sums' mean square ReLU keeps half, the positive half's; so the 2."""
    w = rng.normal(scale=np.sqrt(2 / inputs), size=(inputs, units))
    b = np.zeros(units)
    return w, b


def sgd_step(w, b, dw, db, learning_rate):
    """Return w and b, a step down the slope."""
    w = w - learning_rate * dw
    b = b - learning_rate * db
    return w, b


def two_layer_backward(x, y, w1, b1, w2, b2):
    """Return the gradients: forward as far as the probabilities, and back the same way."""
    M = len(y)
    z1 = x @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    exponentials = np.exp(z2 - z2.max(axis=1, keepdims=True))
    y_hat = exponentials / exponentials.sum(axis=1, keepdims=True)

    dz2 = y_hat.copy()
    dz2[np.arange(M), y] -= 1
    dz2 /= M
    dw2, db2 = a1.T @ dz2, dz2.sum(axis=0)
    dz1 = (dz2 @ w2.T) * (z1 > 0)
    dw1, db1 = x.T @ dz1, dz1.sum(axis=0)
    return dw1, db1, dw2, db2
