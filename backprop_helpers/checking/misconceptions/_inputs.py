"""Small arrays without ties, zeros or symmetries, in which no mistake can hide."""

from backprop_helpers.checking.misconceptions._parse import irregular


def conv_arrays(x_shape, w_shape):
    """Return x, w and b of a convolution."""
    return irregular(*x_shape), irregular(*w_shape), irregular(w_shape[-1])
