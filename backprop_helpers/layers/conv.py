"""Convolution: the same small kernel, slid over every image (lessons 05 to 08).

Strictly a *cross-correlation*: the kernel is not turned, as in PyTorch.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import frozen_copy, in_one_dtype
from backprop_helpers.layers._validate import IMAGES, as_upstream, as_weighted, check_cache, shown
from backprop_helpers.layers._windows import Windows, place_windows
from backprop_helpers.layers.patches import add_patches, patches

KERNEL, OUTPUTS = ("F_h", "F_w", "C", "K"), ("M", "H_out", "W_out", "K")


class ConvCache(NamedTuple):
    """What `conv_backward` needs: P, a copy of w, x_shape, and windows: where the kernel stood."""

    P: np.ndarray  # (M·H_out·W_out, F_h·F_w·C), the pixels under every window as one row, read-only
    w: np.ndarray  # (F_h, F_w, C, K), read-only
    x_shape: tuple[int, int, int, int]  # (M, H_in, W_in, C)
    windows: Windows


def conv_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    """Slide the kernel over the images; return z, (M, H_out, W_out, K), and the cache.

        Z[m,i′,j′,k] = b[k] + Σ_uvc X[m, i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c] · W[u,v,c,k]
        H_out = floor((H_in + p_top + p_bottom − d_h·(F_h − 1) − 1) / s_h) + 1

    - x: (M, H_in, W_in, C), the images; X is 0 outside
    - w: (F_h, F_w, C, K), the kernel of every filter
    - b: (K,), one bias per filter
    - stride, dilation: an integer, or a pair (rows, columns), at least 1
    - padding: the zeros on each side, an integer or a pair (rows, columns); "valid" for none;
      "same" for as many as give H_out = ceil(H_in / s_h), an extra one at the bottom and right
    """
    x, w, b = as_weighted("conv_forward", x, w, b, IMAGES, KERNEL, ("channels", "filters"))
    x, w, b = in_one_dtype(x, w, b)
    (M, H_in, W_in, C), (F_h, F_w, C, K) = x.shape, w.shape
    options = {"stride": stride, "padding": padding, "dilation": dilation, "what": "kernel w"}
    windows = place_windows("conv_forward", (H_in, W_in), (F_h, F_w), **options)

    # Every window's patch of pixels is a row, every filter a column: lesson 05, (5.11).
    P = patches(x, windows)
    z = P @ w.reshape(F_h * F_w * C, K) + b

    P.flags.writeable = False  # as every array in a cache
    return z.reshape(M, *windows.count, K), ConvCache(P, frozen_copy(w), x.shape, windows)


def conv_backward(dz, cache, *, need_dx=True):
    """Return dx, dw and db, of the shapes of x, w and b.

        dX[m,i,j,c]  = Σ_uvk dZ[m, (i + p_top − u·d_h)/s_h, (j + p_left − v·d_w)/s_w, k] · W[u,v,c,k]
        dW[u,v,c,k]  = Σ_mi′j′ X[m, i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c] · dZ[m,i′,j′,k]
        db[k]        = Σ_mi′j′ dZ[m,i′,j′,k]

    In dX only the whole, in-range quotients count.

    - dz: (M, H_out, W_out, K), the gradient of the loss with respect to z
    - need_dx: False leaves dx out (None), for a network's first layer, which has no use for it
    """
    check_cache("conv_backward", cache, ConvCache)
    if not isinstance(need_dx, (bool, np.bool_)):
        raise TypeError(f"conv_backward: need_dx must be True or False; got {shown(need_dx)}")
    P, w, x_shape, windows = cache
    dz = as_upstream("conv_backward", "dz", dz, (x_shape[0], *windows.count, w.shape[3]), OUTPUTS)
    P, w, dz = in_one_dtype(P, w, dz)
    dz_rows = dz.reshape(len(P), w.shape[3])

    # A weight's gradient is how well its pixels agree with dZ: lesson 06, (6.11).
    dw = (P.T @ dz_rows).reshape(w.shape)
    db = np.ones(len(P), dz.dtype) @ dz_rows
    if not need_dx:
        return None, dw, db

    # Each output stamps its kernel, times its dZ, on what it read: lesson 07, (7.12).
    stamps = (dz_rows @ w[u, v].T for u, v in windows.offsets())
    return add_patches(stamps, x_shape, windows, dz.dtype), dw, db
