"""Lesson 01: gradient checks."""

import numpy as np


def gradients_agree(analytic, numeric):
    """Return True if every entry agrees, relative to its size."""
    if np.shape(analytic) != np.shape(numeric):
        return False  # (3, 1) − (3,) would be (3, 3)
    difference = np.abs(analytic - numeric)
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    # Multiplied instead of divided: 0 <= 0 is true, where 0/0 is NaN; and NaN <= anything is false.
    return bool((difference <= 1e-6 * size).all())


# --- a whole gradient check


def check_gradients(forward, backward, inputs):
    """Raise an AssertionError if a gradient of `backward` is not what nudges of `forward` say."""
    out, cache = forward(*inputs)
    upstream = np.random.default_rng(0).normal(size=out.shape)
    gradients = backward(upstream, cache)
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    for position, analytic in enumerate(gradients):
        numeric = np.zeros(analytic.shape)
        for index in np.ndindex(numeric.shape):
            nudged = [x.copy() for x in inputs]
            nudged[position][index] += 1e-5
            higher, _ = forward(*nudged)
            nudged[position][index] -= 2e-5
            lower, _ = forward(*nudged)
            numeric[index] = (upstream * (higher - lower)).sum() / 2e-5
        difference = np.abs(analytic - numeric)
        error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
        assert error.max() < 1e-6
