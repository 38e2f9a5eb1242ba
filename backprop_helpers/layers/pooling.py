"""Pooling: each window of the image becomes one number, its maximum or its average (lesson 09)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import common_dtype, floating_dtype, kept_where, memory_order
from backprop_helpers.layers._validate import as_array, as_pair, as_upstream, check_cache, shown
from backprop_helpers.layers._windows import Windows, place_windows

IMAGES = ("M", "H", "W", "C")
MODES = ("max", "average")


class PoolCache(NamedTuple):
    """What `pool_backward` needs to know of the forward pass. Its array is read-only.

    Attributes
    ----------
    mode : str
        "max" or "average".
    windows : Windows
        Where the windows stood: size, stride, (H_out, W_out); no padding, no dilation.
    x_shape : (int, int, int, int)
        (M, H_in, W_in, C).
    order : str
        "C" or "F", the memory order of x.
    winner : ndarray of int, (M, H_out, W_out, C), or None
        For "max": which offset of the window held the maximum, u·F_w + v, the first one of equals.
    """

    mode: str
    windows: Windows
    x_shape: tuple[int, int, int, int]
    order: str
    winner: np.ndarray | None


def pool_forward(x, *, size=2, stride=None, mode="max"):
    """Reduce every window of every channel to its maximum or its average.

    ::

        "max":     Z[m,i,j,c] = max_uv X[m, i·s_h + u, j·s_w + v, c]
        "average": Z[m,i,j,c] = Σ_uv X[m, i·s_h + u, j·s_w + v, c] / (F_h·F_w)

    Parameters
    ----------
    x : array_like, (M, H_in, W_in, C)
        Examples, rows, columns, channels.
    size : int or (int, int)
        (F_h, F_w), the rows and columns of a window.
    stride : int, (int, int) or None
        (s_h, s_w), the step between windows. None: the size, so that the windows tile the image.
    mode : "max" or "average"

    Returns
    -------
    z : ndarray, (M, H_out, W_out, C)
        H_out = floor((H_in − F_h) / s_h) + 1: rows and columns left over are dropped. A fresh array in x's
        memory order. "max" keeps x's dtype; "average" turns integers into float64. A NaN anywhere in a
        window is its result; complex numbers are compared by their real part.
    cache : PoolCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16); a size or stride that is no integer.
    ValueError
        A wrong rank, an empty array, a size or stride below 1, an unknown mode, a window larger than the
        image.
    """
    x = as_array("pool_forward", "x", x, IMAGES)
    size = as_pair("pool_forward", "size", size)
    stride = size if stride is None else as_pair("pool_forward", "stride", stride)
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f'pool_forward: mode must be "max" or "average"; got {shown(mode)}')
    windows = place_windows(
        "pool_forward", x.shape[1:3], size, stride=stride, padding="valid", dilation=1, what="window (size)"
    )
    z, winner = _maximum(x, windows) if mode == "max" else (_average(x, windows), None)
    return z, PoolCache(mode, windows, x.shape, memory_order(x), winner)


def pool_backward(dz, cache):
    """Pull the gradient at the output back to the input.

    ::

        "max":     dX[m, i·s_h + u, j·s_w + v, c] += dZ[m,i,j,c]   (u, v): the first maximum of window (i, j)
        "average": dX[m, i·s_h + u, j·s_w + v, c] += dZ[m,i,j,c] / (F_h·F_w)   for every (u, v)

    Where windows overlap a pixel collects several terms; the sum of dX is the sum of dZ.

    Parameters
    ----------
    dz : array_like, (M, H_out, W_out, C)
        The gradient of the loss with respect to the output z.
    cache : PoolCache
        From `pool_forward`.

    Returns
    -------
    dx : ndarray, (M, H_in, W_in, C)
        A fresh array in x's memory order, of dz's dtype ("average": integers become float64; "max": int64).
        Rows and columns that were left over get 0.

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        dz has not the shape of the output.
    """
    check_cache("pool_backward", cache, PoolCache, "pool_forward")
    mode, windows, x_shape, order, winner = cache
    examples, _, _, channels = x_shape
    dz = as_upstream(
        "pool_backward", "dz", dz, (examples, *windows.count, channels), ("M", "H_out", "W_out", "C")
    )
    if mode == "max":
        return _to_the_winner(dz, winner, windows, x_shape, order)
    return _to_all_alike(dz, windows, x_shape, order)


def _maximum(x, windows):
    """Return the maximum of each window, and the number of the offset that held it."""
    order = memory_order(x)
    z = np.array(x[windows.read_by(0, 0)], order=order)
    winner = np.zeros(z.shape, np.min_scalar_type(len(windows.offsets()) - 1), order=order)
    for number, (u, v) in enumerate(windows.offsets()):
        pixel = x[windows.read_by(u, v)]
        wins = _beats(pixel, z)
        np.maximum(winner, wins * winner.dtype.type(number), out=winner)  # the last win has the top number
        if x.dtype.kind == "c":
            np.copyto(z, pixel, where=wins)
        else:
            np.maximum(z, pixel, out=z)  # the same, and faster
    winner.flags.writeable = False
    return z, winner


def _beats(pixel, champion):
    """Return where `pixel` is larger than `champion`, by the real part; a NaN beats all but a NaN."""
    if pixel.dtype.kind in "iu":
        return pixel > champion
    return ~(pixel.real <= champion.real) & (champion == champion)


def _to_the_winner(dz, winner, windows, x_shape, order):
    """Return dX of max pooling: each window's gradient goes to the pixel that was its maximum."""
    dx = np.zeros(x_shape, common_dtype(dz), order=order)
    for number, (u, v) in enumerate(windows.offsets()):
        dx[windows.read_by(u, v)] += kept_where(winner == number, dz, order)
    return dx


def _average(x, windows):
    """Return the average of each window."""
    order = memory_order(x)
    total = np.zeros((len(x), *windows.count, x.shape[3]), floating_dtype(x), order=order)
    for u, v in windows.offsets():
        total += x[windows.read_by(u, v)]
    total /= len(windows.offsets())
    return total


def _to_all_alike(dz, windows, x_shape, order):
    """Return dX of average pooling: each window's gradient is shared out evenly."""
    dx = np.zeros(x_shape, floating_dtype(dz), order=order)
    share = dz / len(windows.offsets())
    for u, v in windows.offsets():
        dx[windows.read_by(u, v)] += share
    return dx
