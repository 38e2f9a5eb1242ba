"""Lesson 01: gradient checks."""

import numpy as np


def gradients_agree(analytic, numeric):
    """Return True if every entry agrees, relative to its size."""
    difference = np.abs(analytic - numeric)
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    # Multiplied instead of divided: 0 <= 0 is true, where 0/0 is NaN; and NaN <= anything is false.
    return bool((difference <= 1e-6 * size).all())
