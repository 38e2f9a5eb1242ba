"""Flatten: the maps of an example become one row, ready for a fully connected layer (lesson 10)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import memory_order
from backprop_helpers.layers._validate import as_array, as_upstream, check_cache


class FlattenCache(NamedTuple):
    """What `flatten_backward` needs to know of the forward pass.

    Attributes
    ----------
    x_shape : (int, int, int, int)
        (M, H, W, C).
    order : str
        "C" or "F", the memory order of x.
    """

    x_shape: tuple[int, int, int, int]
    order: str


def flatten_forward(x):
    """Return Y[m, (i·W + j)·C + c] = X[m,i,j,c].

    The order of the entries is always this one, whatever the memory order of x.

    Parameters
    ----------
    x : array_like, (M, H, W, C)

    Returns
    -------
    y : ndarray, (M, H·W·C)
        A fresh array (never a view) of x's dtype, in x's memory order.
    cache : FlattenCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16).
    ValueError
        A wrong rank, an empty array.
    """
    x = as_array("flatten_forward", "x", x, ("M", "H", "W", "C"))
    y = np.empty((len(x), x.size // len(x)), x.dtype, order=memory_order(x))
    y.reshape(x.shape)[...] = x  # splitting an axis gives a view, in either memory order
    return y, FlattenCache(x.shape, memory_order(x))


def flatten_backward(dy, cache):
    """Return dX[m,i,j,c] = dY[m, (i·W + j)·C + c]: the entries go back to their places.

    Parameters
    ----------
    dy : array_like, (M, H·W·C)
        The gradient of the loss with respect to the output y.
    cache : FlattenCache
        From `flatten_forward`.

    Returns
    -------
    dx : ndarray, (M, H, W, C)
        A fresh array (never a view) of dy's dtype, in x's memory order.

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        dy has not the shape of the output.
    """
    check_cache("flatten_backward", cache, FlattenCache, "flatten_forward")
    examples, height, width, channels = cache.x_shape
    dy = as_upstream("flatten_backward", "dy", dy, (examples, height * width * channels), ("M", "H·W·C"))
    dx = np.empty(cache.x_shape, dy.dtype, order=cache.order)
    dx[...] = dy.reshape(cache.x_shape)
    return dx
