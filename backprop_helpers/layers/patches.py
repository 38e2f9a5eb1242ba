"""im2col: each window's pixels as a row, so that a convolution is one matrix product (lesson 05).

P is up to F_h·F_w times as large as the images, and a convolution's cache keeps it: go batch by batch.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backprop_helpers.layers._arrays import in_one_dtype
from backprop_helpers.layers._validate import IMAGES, as_array, as_image_shape, as_pair, as_upstream
from backprop_helpers.layers._windows import place_windows, span


def im2col(x, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Return P[(m,i′,j′), (u,v,c)] = X[m, i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c].

    - x: (M, H_in, W_in, C); P is (M·H_out·W_out, F_h·F_w·C), in row-major order
    - kernel_shape: (F_h, F_w), or one integer for both
    - stride, padding, dilation: as in `conv_forward`
    """
    x = as_array("im2col", "x", x, IMAGES)
    size = as_pair("im2col", "kernel_shape", kernel_shape)
    windows = place_windows("im2col", x.shape[1:3], size, stride=stride, padding=padding, dilation=dilation)
    return patches(x, windows)


def col2im(columns, x_shape, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Add every entry of a matrix like P back onto the pixel it was read from: the transpose of `im2col`.

    A pixel that n windows read receives n terms. What lies in the padding is dropped.

    - columns: (M·H_out·W_out, F_h·F_w·C)
    - x_shape: (M, H_in, W_in, C)
    - kernel_shape, stride, padding, dilation: as in `im2col`
    """
    M, *input_size, C = x_shape = as_image_shape("col2im", "x_shape", x_shape)
    size = as_pair("col2im", "kernel_shape", kernel_shape)
    windows = place_windows("col2im", input_size, size, stride=stride, padding=padding, dilation=dilation)
    shape = (M * math.prod(windows.count), math.prod(size) * C)
    columns = as_upstream("col2im", "columns", columns, shape, ("M·H_out·W_out", "F_h·F_w·C"))
    (columns,) = in_one_dtype(columns)
    return add_patches(columns.reshape(len(columns), -1, C).swapaxes(0, 1), x_shape, windows, columns.dtype)


def patches(x, windows):
    """Return P, the pixels under each window as one row; x is (M, H_in, W_in, C)."""
    (F_h, F_w), (s_h, s_w), (d_h, d_w) = windows.size, windows.stride, windows.dilation
    top, bottom, left, right = windows.padding
    x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    view = sliding_window_view(x_padded, (span(F_h, d_h), span(F_w, d_w)), axis=(1, 2), writeable=True)
    view = view[:, ::s_h, ::s_w, :, ::d_h, ::d_w]  # [m, i′, j′, c, u, v]
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(-1, F_h * F_w * x.shape[3])


def add_patches(terms, x_shape, windows, dtype):
    """Return the sum (M, H_in, W_in, C) of a term (M·H_out·W_out, C) for each place (u, v)."""
    (M, H_in, W_in, C), (top, bottom, left, right) = x_shape, windows.padding
    x_padded = np.zeros((M, top + H_in + bottom, left + W_in + right, C), dtype)
    for (u, v), term in zip(windows.offsets(), terms):
        x_padded[windows.pixels_under(u, v)] += term.reshape(M, *windows.count, C)
    return x_padded[:, top : top + H_in, left : left + W_in]
