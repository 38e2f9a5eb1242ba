"""Numbers in the explorers' arithmetic: few digits, a true minus, and no rounding noise."""

import numpy as np

from backprop_helpers.checking._text import rounded


def written(value, digits=4):
    """Return a number with at most so many significant digits: ``−0.25``, ``1.5e−7``, ``3``."""
    if np.iscomplexobj(value):
        sign = "−" if np.imag(value) < 0 else "+"
        return f"{written(np.real(value), digits)} {sign} {written(abs(np.imag(value)), digits)}i"
    return rounded(float(value), digits).replace("-", "−")


def at(name, index):
    """Return ``W[2, 1]``, or ``J`` for a single number."""
    return f"{name}[{', '.join(map(str, index))}]" if len(index) else name
