"""Pooling: each window of the image becomes one number, its maximum or its average (lesson 09)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import as_floating, in_one_dtype
from backprop_helpers.layers._validate import IMAGES, as_array, as_pair, as_upstream, check_cache, shown
from backprop_helpers.layers._windows import Windows, place_windows

OUTPUTS = ("M", "H_out", "W_out", "C")


class PoolCache(NamedTuple):
    """What `pool_backward` needs: mode, windows, x_shape, and for "max" the winner of every window."""

    mode: str
    windows: Windows
    x_shape: tuple[int, int, int, int]  # (M, H_in, W_in, C)
    winner: np.ndarray | None  # (M, H_out, W_out, C), the number u·F_w + v of the pixel that won


def pool_forward(x, *, size=2, stride=None, mode="max"):
    """Reduce every window of every channel to one number; return z, (M, H_out, W_out, C), and the cache.

        "max":      Z[m,i′,j′,c] = max_uv X[m, i′·s_h + u, j′·s_w + v, c]
        "average":  Z[m,i′,j′,c] = Σ_uv X[m, i′·s_h + u, j′·s_w + v, c] / (F_h·F_w)
        H_out = floor((H_in − F_h) / s_h) + 1: rows and columns left over are dropped

    - x: (M, H_in, W_in, C); complex numbers are compared by their real part
    - size: (F_h, F_w), a window's rows and columns, or one integer for both
    - stride: (s_h, s_w), the step between windows; None for the size, so that the windows tile the image
    - mode: "max" or "average"
    """
    x = as_array("pool_forward", "x", x, IMAGES)
    size = as_pair("pool_forward", "size", size)
    stride = size if stride is None else as_pair("pool_forward", "stride", stride)
    if not isinstance(mode, str) or mode not in ("max", "average"):
        raise ValueError(f'pool_forward: mode must be "max" or "average"; got {shown(mode)}')
    options = {"stride": stride, "padding": "valid", "dilation": 1, "what": "window (size)"}
    windows = place_windows("pool_forward", x.shape[1:3], size, **options)

    z, winner = _maximum(x, windows) if mode == "max" else (_average(x, windows), None)
    return z, PoolCache(mode, windows, x.shape, winner)


def pool_backward(dz, cache):
    """Return dX: each window hands its gradient to the pixels it came from.

        "max":      dX[m, i′·s_h + u, j′·s_w + v, c] += dZ[m,i′,j′,c]   for the winner (u, v)
        "average":  dX[m, i′·s_h + u, j′·s_w + v, c] += dZ[m,i′,j′,c] / (F_h·F_w)   for every (u, v)

    Of equal pixels the first wins. Where windows overlap a pixel collects several terms.

    - dz: (M, H_out, W_out, C), the gradient of the loss with respect to z
    """
    check_cache("pool_backward", cache, PoolCache)
    mode, windows, x_shape, winner = cache
    dz = as_upstream("pool_backward", "dz", dz, (x_shape[0], *windows.count, x_shape[3]), OUTPUTS)
    (dz,) = in_one_dtype(dz if mode == "max" else as_floating(dz))

    dx = np.zeros(x_shape, dz.dtype)
    F_h, F_w = windows.size
    for number, (u, v) in enumerate(windows.offsets()):
        share = np.where(winner == number, dz, 0) if mode == "max" else dz / (F_h * F_w)
        dx[windows.pixels_under(u, v)] += share
    return dx


def _maximum(x, windows):
    """Return the maximum of each window, and the number of the pixel that was it."""
    first, *others = windows.offsets()
    z = x[windows.pixels_under(*first)].copy()
    winner = np.zeros(z.shape, np.min_scalar_type(len(others)))
    for number, (u, v) in enumerate(others, start=1):
        pixel = x[windows.pixels_under(u, v)]
        larger = ~(pixel.real <= z.real) & (z == z)  # a NaN is larger than all but a NaN
        z = np.where(larger, pixel, z)
        winner = np.maximum(winner, larger * winner.dtype.type(number))  # the last that was larger counts
    winner.flags.writeable = False
    return z, winner


def _average(x, windows):
    """Return the average of each window."""
    x, places = as_floating(x), windows.offsets()
    return sum(x[windows.pixels_under(u, v)] for u, v in places) / len(places)
