"""Lesson 00: nudges and the chain rule."""


def slope(f, x, eps):
    """Return the slope of f at x: how far f moves from eps below to eps above, by how far x does."""
    return (f(x + eps) - f(x - eps)) / (2 * eps)


def reused_backward(x, y, z):
    """Return the slopes of f = (x + y)·z + x: along a path they multiply, from path to path they add."""
    bracket = x + y  # f = bracket * z + x
    dbracket = z
    dz = bracket
    dx = 1  # the x at the end
    dx += dbracket  # and the x in the bracket
    dy = dbracket
    return dx, dy, dz
