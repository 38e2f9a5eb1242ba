"""ReLU: negative numbers become zero (lesson 03)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import kept_where, memory_order
from backprop_helpers.layers._validate import as_array, as_upstream, check_cache


class ReluCache(NamedTuple):
    """What `relu_backward` needs to know of the forward pass. Its array is read-only.

    Attributes
    ----------
    mask : ndarray of bool, the shape of z
        Where z > 0 (by the real part). A NaN counts as let through.
    """

    mask: np.ndarray


def relu_forward(z):
    """Keep the positive entries, replace the others by 0: A = max(Z, 0).

    Parameters
    ----------
    z : array_like, any shape

    Returns
    -------
    a : ndarray, the shape and dtype of z
        A fresh array in z's memory order. Complex numbers are compared by their real part and kept whole;
        a NaN stays a NaN.
    cache : ReluCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16).
    ValueError
        An empty array.
    """
    z = as_array("relu_forward", "z", z)
    order = memory_order(z)
    mask = np.array((z.real > 0) | (z != z), order=order)  # only a NaN differs from itself
    mask.flags.writeable = False
    return kept_where(mask, z, order), ReluCache(mask)


def relu_backward(da, cache):
    """Let the gradient through where z was positive: dZ = dA ⊙ [Z > 0].

    At the kink, z = 0, the derivative is taken as 0, as every framework does.

    Parameters
    ----------
    da : array_like, the shape of z
        The gradient of the loss with respect to the output a.
    cache : ReluCache
        From `relu_forward`.

    Returns
    -------
    dz : ndarray, the shape of z
        A fresh array of da's dtype, in z's memory order.

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        da has not the shape of the output.
    """
    check_cache("relu_backward", cache, ReluCache, "relu_forward")
    da = as_upstream("relu_backward", "da", da, cache.mask.shape, None)
    return kept_where(cache.mask, da, memory_order(cache.mask))
