"""Convolution: the same small kernel, slid over every image (lessons 05 to 08).

Strictly a *cross-correlation*: the kernel is not flipped, as in every framework. One matrix product does the
work. `im2col` lays the pixels under each window out as one row; then forward, dW and dX are the formulas of
the fully connected layer, and `col2im` adds each gradient back onto the pixel it belongs to.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backprop_helpers.layers._arrays import common_dtype, frozen_copy, matmul, memory_order, stored
from backprop_helpers.layers._validate import (
    as_array,
    as_int,
    as_pair,
    as_upstream,
    check_cache,
    described,
    shown,
)
from backprop_helpers.layers._windows import Windows, as_image_shape, pad_all_sides, place_windows, span

IMAGES = ("M", "H", "W", "C")
KERNEL = ("F_h", "F_w", "C", "K")
LONG_RUN = 16  # numbers; from here on it pays to copy a window row by row
PATCH_NUMBERS = (
    2**24
)  # in memory at a time: 64 MB of float32, the patches of some 850 digits under a 5×5 kernel


class ConvCache(NamedTuple):
    """What `conv_backward` needs to know of the forward pass. Its arrays are read-only copies.

    Attributes
    ----------
    x : ndarray, (M, H_in, W_in, C)
        The input.
    w : ndarray, (F_h, F_w, C, K)
        The kernel.
    windows : Windows
        Where the kernel stood: size, stride, dilation, padding on the four sides, (H_out, W_out).
    """

    x: np.ndarray
    w: np.ndarray
    windows: Windows


def conv_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    """Slide the kernel over the images.

    ::

        Z[m,i,j,k] = b[k] + Σ_uvc X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c] · W[u,v,c,k]

    X is 0 outside the image.

    Parameters
    ----------
    x : array_like, (M, H_in, W_in, C)
        Examples, rows, columns, channels.
    w : array_like, (F_h, F_w, C, K)
        The kernel: rows, columns, input channels, filters.
    b : array_like, (K,)
        One bias a filter.
    stride, dilation : int or (int, int), at least 1
        One number, or (rows, columns).
    padding : "same", "valid", int or (int, int)
        "same": H_out = ceil(H_in / s_h), an odd total puts the extra row at the bottom. "valid": none.
        A number, or (rows, columns): that many zeros on both sides; 0 as in PyTorch.

    Returns
    -------
    z : ndarray, (M, H_out, W_out, K)
        H_out = floor((H_in + p_top + p_bottom − d_h·(F_h − 1) − 1) / s_h) + 1. A fresh array, stored in x's
        memory order, of the arrays' common dtype (integers: int64, exact).
    cache : ConvCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16); a stride, dilation or padding that is no integer.
    ValueError
        A wrong rank or shape, an empty array, a stride or dilation below 1, an unknown padding, a kernel
        larger than the padded input.
    """
    x, w, b = _checked_arrays(x, w, b)
    windows = place_windows(
        "conv_forward",
        x.shape[1:3],
        w.shape[:2],
        stride=stride,
        padding=padding,
        dilation=dilation,
        what="kernel w",
    )
    order, dtype = memory_order(x), common_dtype(x, w, b)
    z = np.empty((len(x), *windows.count, len(b)), dtype, order=order)
    w_matrix = _as_matrix(stored(w, order, dtype), order)
    for block in _blocks(x, windows):
        patches = _patches(x[block], windows, order, dtype)
        product = matmul(_as_matrix(patches, order), w_matrix, order)
        np.add(product.reshape(z[block].shape, order=order), b, out=z[block])
    return z, ConvCache(frozen_copy(x), frozen_copy(w), windows)


def conv_backward(dz, cache, *, need_dx=True):
    """Pull the gradient at the output back to the input, the kernel and the bias.

    ::

        dX[m,i,j,c] = Σ_uvk dZ[m, (i + p_top − u·d_h)/s_h, (j + p_left − v·d_w)/s_w, k] · W[u,v,c,k]
        dW[u,v,c,k] = Σ_mij X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c] · dZ[m,i,j,k]
        db[k]       = Σ_mij dZ[m,i,j,k]

    In dX only the whole, in-range quotients count; in dW X is 0 outside the image.

    Parameters
    ----------
    dz : array_like, (M, H_out, W_out, K)
        The gradient of the loss with respect to the output z.
    cache : ConvCache
        From `conv_forward`.
    need_dx : bool
        False skips dX, which a network's first layer has no use for.

    Returns
    -------
    dx : ndarray, (M, H_in, W_in, C), or None
        Stored in x's memory order. Rows that no window reads get 0.
    dw : ndarray, (F_h, F_w, C, K)
        Stored in w's memory order.
    db : ndarray, (K,)

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        dz has not the shape of the output.
    """
    check_cache("conv_backward", cache, ConvCache, "conv_forward")
    if not isinstance(need_dx, (bool, np.bool_)):
        raise TypeError(f"conv_backward: need_dx must be True or False; got {shown(need_dx)}")
    x, w, windows = cache
    filters = w.shape[3]
    dz = as_upstream(
        "conv_backward", "dz", dz, (len(x), *windows.count, filters), ("M", "H_out", "W_out", "K")
    )
    dx = _gradient_of_input(dz, x, w, windows) if need_dx else None
    dw = _gradient_of_kernel(dz, x, w, windows)
    dz_rows = _as_matrix(stored(dz, memory_order(dz), common_dtype(dz)), memory_order(dz))
    db = np.ones(len(dz_rows), dz_rows.dtype) @ dz_rows  # a sum over rows, left to BLAS
    return dx, dw, db


def im2col(x, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Lay out the pixels under each window as one row of a matrix.

    Row (m, i, j), column (u, v, c) holds X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c], both
    counted in row-major order. A convolution is then ``im2col(x, ...) @ w.reshape(-1, K) + b``.

    Parameters
    ----------
    x : array_like, (M, H_in, W_in, C)
    kernel_shape : int or (int, int)
        (F_h, F_w).
    stride, padding, dilation
        As in `conv_forward`.

    Returns
    -------
    ndarray, (M·H_out·W_out, F_h·F_w·C)
        A fresh array of x's dtype.

    Raises
    ------
    TypeError, ValueError
        As in `conv_forward`.
    """
    x = as_array("im2col", "x", x, IMAGES)
    size = as_pair("im2col", "kernel_shape", kernel_shape)
    windows = place_windows("im2col", x.shape[1:3], size, stride=stride, padding=padding, dilation=dilation)
    return np.ascontiguousarray(_as_matrix(_patches(x, windows, "C", x.dtype), "C"))


def col2im(columns, x_shape, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Add every entry of an `im2col` matrix back onto the pixel it was read from.

    This is the transpose of `im2col`, not its inverse: a pixel read by n windows receives n terms,
    and the terms that belong to the padding are dropped.

    Parameters
    ----------
    columns : array_like, (M·H_out·W_out, F_h·F_w·C)
    x_shape : (int, int, int, int)
        (M, H_in, W_in, C), the shape of the image batch.
    kernel_shape, stride, padding, dilation
        As in `im2col`.

    Returns
    -------
    ndarray, (M, H_in, W_in, C)

    Raises
    ------
    TypeError, ValueError
        As in `conv_forward`.
    """
    columns = as_array("col2im", "columns", columns)
    x_shape = as_image_shape("col2im", "x_shape", x_shape)
    size = as_pair("col2im", "kernel_shape", kernel_shape)
    windows = place_windows("col2im", x_shape[1:3], size, stride=stride, padding=padding, dilation=dilation)
    expected = (x_shape[0] * math.prod(windows.count), math.prod(windows.size) * x_shape[3])
    if columns.shape != expected:
        raise ValueError(
            f"col2im: columns must be {expected} as (M·H_out·W_out, F_h·F_w·C); "
            f"columns has shape {columns.shape}"
        )
    shape = (x_shape[0], *windows.count, *windows.size, x_shape[3])
    dx = np.empty(x_shape, common_dtype(columns))
    _add_patches(stored(columns.reshape(shape), "F", dx.dtype), windows, out=dx)
    return dx


def output_size(size_in, kernel, stride=1, padding=0, dilation=1):
    """Return how many windows fit along one axis (rows or columns).

    H_out = floor((H_in + 2p − d·(F − 1) − 1) / s) + 1; with "same" padding, ceil(H_in / s).

    Parameters
    ----------
    size_in, kernel, stride, dilation : int, at least 1
    padding : "same", "valid" or int
        A number is the zeros on *each* side.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        As in `conv_forward`.
    """
    size_in = as_int("output_size", "size_in", size_in, 1)
    kernel = as_int("output_size", "kernel", kernel, 1)
    stride = as_int("output_size", "stride", stride, 1)
    dilation = as_int("output_size", "dilation", dilation, 1)
    if not isinstance(padding, str):
        padding = as_int("output_size", "padding", padding, 0)
    before, after, *_ = pad_all_sides(
        "output_size", padding, (size_in, size_in), (kernel, kernel), (stride, stride), (dilation, dilation)
    )
    padded = size_in + before + after
    if span(kernel, dilation) > padded:
        raise ValueError(
            f"output_size: kernel spans {span(kernel, dilation)} but the padded input has only {padded}; "
            f"size_in {size_in}, kernel {kernel}, padding {before} + {after}, dilation {dilation}"
        )
    return (padded - span(kernel, dilation)) // stride + 1


def resolve_padding(padding, input_size, kernel_size, *, stride=1, dilation=1):
    """Return the zeros that `padding` puts on each side.

    Parameters
    ----------
    padding : "same", "valid", int or (int, int)
        As in `conv_forward`.
    input_size, kernel_size : int or (int, int)
        (H_in, W_in) and (F_h, F_w).
    stride, dilation : int or (int, int)

    Returns
    -------
    (int, int, int, int)
        (top, bottom, left, right). "same" gives top = total // 2 and the rest to the bottom, where
        total = max((ceil(H_in / s_h) − 1)·s_h + d_h·(F_h − 1) + 1 − H_in, 0).

    Raises
    ------
    TypeError, ValueError
        As in `conv_forward`.
    """
    return pad_all_sides(
        "resolve_padding",
        padding,
        as_pair("resolve_padding", "input_size", input_size),
        as_pair("resolve_padding", "kernel_size", kernel_size),
        as_pair("resolve_padding", "stride", stride),
        as_pair("resolve_padding", "dilation", dilation),
    )


def _checked_arrays(x, w, b):
    """Return x, w and b as numeric arrays whose channels and filters agree."""
    x = as_array("conv_forward", "x", x, IMAGES)
    w = as_array("conv_forward", "w", w, KERNEL)
    b = as_array("conv_forward", "b", b, ("K",))
    shapes = f"{described('x', x, IMAGES)}, {described('w', w, KERNEL)}"
    if x.shape[3] != w.shape[2]:
        raise ValueError(f"conv_forward: x has {x.shape[3]} channels but w expects {w.shape[2]}; {shapes}")
    if len(b) != w.shape[3]:
        raise ValueError(
            f"conv_forward: b has {len(b)} entries but w has {w.shape[3]} filters; "
            f"{described('b', b, ('K',))}, {described('w', w, KERNEL)}"
        )
    return x, w, b


def _gradient_of_kernel(dz, x, w, windows):
    """Return dW = patchesᵀ · dZ, both as matrices, in w's memory order."""
    order, dtype = memory_order(x), common_dtype(dz, x)
    dw = 0
    for block in _blocks(x, windows):
        patches = _patches(x[block], windows, order, dtype)
        dw = dw + _as_matrix(patches, order).T @ _as_matrix(stored(dz[block], order, dtype), order)
    return np.array(dw.reshape(w.shape, order=order), order=memory_order(w))


def _gradient_of_input(dz, x, w, windows):
    """Return dX: dZ · Wᵀ as matrices is the gradient of the patches, which then go back to their pixels.

    Stored with the example fastest, whatever the order of x: the sums then run over a whole column of
    pixels of every example at a time, and the transposition of dZ costs less than that saves.
    """
    dtype = common_dtype(dz, w)
    dx = np.empty(x.shape, dtype, order=memory_order(x))
    w_matrix = _as_matrix(stored(w, "F", dtype), "F")
    for block in _blocks(x, windows):
        dz_matrix = _as_matrix(stored(dz[block], "F", dtype), "F")
        shape = (len(dz[block]), *windows.count, *windows.size, x.shape[3])
        dpatches = matmul(dz_matrix, w_matrix.T, "F").reshape(shape, order="F")
        _add_patches(dpatches, windows, out=dx[block])
    return dx


def _blocks(x, windows):
    """Return slices of the examples, as many at a time as have PATCH_NUMBERS in their patches (or one)."""
    numbers_an_example = math.prod(windows.count) * math.prod(windows.size) * x.shape[3]
    step = max(PATCH_NUMBERS // numbers_an_example, 1)
    return [slice(start, start + step) for start in range(0, len(x), step)]


def _as_matrix(array, order):
    """Merge the first three axes into rows and the others into columns, without copying.

    patches[m,i,j,u,v,c] → (m i j, u v c),  dZ[m,i,j,k] → (m i j, k),  W[u,v,c,k] → (u v c, k).
    """
    rows = math.prod(array.shape[:3])
    return array.reshape((rows, array.size // rows), order=order)


def _pad(x, padding, order, dtype):
    """Return x with zeros around it, in `order`; x itself where nothing changes."""
    if not any(padding):
        return stored(x, order, dtype)
    top, bottom, left, right = padding
    examples, height, width, channels = x.shape
    padded = np.zeros((examples, top + height + bottom, left + width + right, channels), dtype, order=order)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _patches(x, windows, order, dtype):
    """Return patches[m,i,j,u,v,c] = X[m, i·s_h + u·d_h − p_top, j·s_w + v·d_w − p_left, c].

    Only how the result is stored differs: with the longest runs of neighbours that the copy can have.
    """
    padded = _pad(x, windows.padding, order, dtype)
    (f_h, f_w), (s_h, s_w), (d_h, d_w) = windows.size, windows.stride, windows.dilation
    view = sliding_window_view(padded, (span(f_h, d_h), span(f_w, d_w)), axis=(1, 2))
    view = view[:, ::s_h, ::s_w, :, ::d_h, ::d_w].transpose(0, 1, 2, 4, 5, 3)
    channels = x.shape[3]
    run = channels * f_w if d_w == 1 else channels
    if order == "C" and run < LONG_RUN:  # one window's row is short: store a row of windows together instead
        patches = np.empty(view.shape[3:] + view.shape[:3], dtype).transpose(3, 4, 5, 0, 1, 2)
    else:
        patches = np.empty(view.shape, dtype, order=order)
    patches[...] = view
    return patches


def _add_patches(dpatches, windows, *, out):
    """Write into `out` the sum of all dpatches[m,i,j,u,v,c] that were read from the same pixel of X."""
    examples, height, width, channels = out.shape
    top, bottom, left, right = windows.padding
    padded_shape = (examples, top + height + bottom, left + width + right, channels)
    dpadded = np.zeros(padded_shape, out.dtype, order="F")
    for u, v in windows.offsets():
        dpadded[windows.read_by(u, v)] += dpatches[:, :, :, u, v]
    out[...] = dpadded[:, top : top + height, left : left + width]
