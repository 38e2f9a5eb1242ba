"""im2col: each window's pixels as a row, so that a convolution is one matrix product (lesson 05).

The matrix is up to F_h·F_w times as large as the images: take thousands of them batch by batch.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backprop_helpers.layers._arrays import in_one_dtype
from backprop_helpers.layers._validate import as_array, as_image_shape, as_pair
from backprop_helpers.layers._windows import place_windows, span

IMAGES = ("M", "H", "W", "C")


def im2col(x, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Return P[(m,i′,j′), (u,v,c)] = X[m, i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c].

    Rows and columns are counted in row-major order: P is (M·H_out·W_out, F_h·F_w·C).

    - x: (M, H_in, W_in, C)
    - kernel_shape: (F_h, F_w), or one integer for both
    - stride, padding, dilation: as in `conv_forward`
    """
    x = as_array("im2col", "x", x, IMAGES)
    size = as_pair("im2col", "kernel_shape", kernel_shape)
    windows = place_windows("im2col", x.shape[1:3], size, stride=stride, padding=padding, dilation=dilation)

    return patches(x, windows).copy()


def col2im(columns, x_shape, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Add every entry of a matrix like P back onto the pixel it was read from: the transpose of `im2col`.

    It is not the inverse: a pixel that n windows read receives n terms. What lies in the padding is dropped.

    - columns: (M·H_out·W_out, F_h·F_w·C)
    - x_shape: (M, H_in, W_in, C)
    - kernel_shape, stride, padding, dilation: as in `im2col`
    """
    columns = as_array("col2im", "columns", columns)
    x_shape = as_image_shape("col2im", "x_shape", x_shape)
    M, *input_size, C = x_shape
    size = as_pair("col2im", "kernel_shape", kernel_shape)
    windows = place_windows("col2im", input_size, size, stride=stride, padding=padding, dilation=dilation)
    expected = (M * math.prod(windows.count), math.prod(size) * C)
    if columns.shape != expected:
        expected = f"{expected} as (M·H_out·W_out, F_h·F_w·C)"
        raise ValueError(f"col2im: columns must be {expected}; columns has shape {columns.shape}")
    (columns,) = in_one_dtype(columns)

    stacked = columns.reshape(M, *windows.count, *size, C)
    x_padded = with_border(np.zeros(x_shape, columns.dtype), windows)
    for u, v in windows.offsets():
        x_padded[windows.pixels_under(u, v)] += stacked[:, :, :, u, v]
    return without_border(x_padded, windows)


def patches(x, windows):
    """Return P, the pixels under each window as one row; x is (M, H_in, W_in, C)."""
    (F_h, F_w), (s_h, s_w), (d_h, d_w) = windows.size, windows.stride, windows.dilation
    x_padded = with_border(x, windows)
    view = sliding_window_view(x_padded, (span(F_h, d_h), span(F_w, d_w)), axis=(1, 2))
    view = view[:, ::s_h, ::s_w, :, ::d_h, ::d_w]  # [m, i′, j′, c, u, v]
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(-1, F_h * F_w * x.shape[3])


def with_border(x, windows):
    """Return x with the padding's zeros around it."""
    top, bottom, left, right = windows.padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def without_border(x_padded, windows):
    """Return what lies inside the padding."""
    top, bottom, left, right = windows.padding
    _, height, width, _ = x_padded.shape
    return x_padded[:, top : height - bottom, left : width - right]
