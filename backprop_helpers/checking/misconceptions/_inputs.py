"""Small arrays without ties, zeros or symmetries, in which no mistake can hide."""

import numpy as np


def irregular(*shape):
    """Return distinct floats of both signs in a shuffled order, the same on every call."""
    size = int(np.prod(shape))
    return (np.random.default_rng(size).permutation(size) - size / 2 + 0.75).reshape(shape)


def conv_arrays(x_shape, w_shape):
    """Return x, w and b of a convolution."""
    return irregular(*x_shape), irregular(*w_shape), irregular(w_shape[-1])
