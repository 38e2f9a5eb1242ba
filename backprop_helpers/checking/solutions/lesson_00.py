"""Lesson 00: nudges, the chain rule, gradient checks."""

import numpy as np


def slope(f, x, eps):
    """Return the slope of f at x: how far f moves from eps below to eps above, by how far x does."""
    return (f(x + eps) - f(x - eps)) / (2 * eps)


def gradients_agree(analytic, numeric):
    """Return True if every entry agrees, relative to its size."""
    difference = np.abs(analytic - numeric)
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    # Multiplied instead of divided: 0 <= 0 is true, where 0/0 is NaN; and NaN <= anything is false.
    return bool((difference <= 1e-6 * size).all())


def reused_backward(x, y, z):
    """Return the slopes of f = (x + y)·z + x: along a path they multiply, from path to path they add."""
    bracket = x + y  # f = bracket * z + x
    dbracket = z
    dz = bracket
    dx = 1  # the x at the end
    dx += dbracket  # and the x in the bracket
    dy = dbracket
    return dx, dy, dz
