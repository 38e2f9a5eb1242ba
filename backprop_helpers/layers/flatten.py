"""Flatten: the maps of an example become one row, ready for a fully connected layer (lesson 10)."""

from typing import NamedTuple

from backprop_helpers.layers._validate import IMAGES, as_array, as_upstream, check_cache


class FlattenCache(NamedTuple):
    """What `flatten_backward` needs: x_shape, (M, H, W, C)."""

    x_shape: tuple[int, int, int, int]


def flatten_forward(x):
    """Return Y[m, (i·W + j)·C + c] = X[m,i,j,c], a copy, and the cache.

    - x: (M, H, W, C)
    """
    x = as_array("flatten_forward", "x", x, IMAGES)

    y = x.reshape(len(x), -1).copy()
    return y, FlattenCache(x.shape)


def flatten_backward(dy, cache):
    """Return dX[m,i,j,c] = dY[m, (i·W + j)·C + c]: the entries go back to their places.

    - dy: (M, H·W·C), the gradient of the loss with respect to y
    """
    check_cache("flatten_backward", cache, FlattenCache)
    M, H, W, C = cache.x_shape
    dy = as_upstream("flatten_backward", "dy", dy, (M, H * W * C), ("M", "H·W·C"))

    return dy.reshape(M, H, W, C).copy()
