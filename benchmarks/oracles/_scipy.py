"""SciPy's convolutions, filters and softmax as the answer key. SciPy is imported on the first call only."""

from itertools import product

import numpy as np

from benchmarks.oracles._loops import _geometry, _two


def _spread(array, steps, axes):
    """Return the array with steps − 1 zeros between the entries along two axes."""
    shape = list(array.shape)
    for axis, step in zip(axes, steps):
        shape[axis] = (shape[axis] - 1) * step + 1
    spread = np.zeros(shape)
    where = [slice(None)] * array.ndim
    for axis, step in zip(axes, steps):
        where[axis] = slice(None, None, step)
    spread[tuple(where)] = array
    return spread


def _padded(x, w, stride, padding, dilation):
    """Return x with its zeros around, and how many stand above and to the left."""
    (H_out, top), (W_out, left), strides, dilations = _geometry(x.shape, w.shape, stride, padding, dilation)
    bottom, right = (
        max((n_out - 1) * s + d * (kernel - 1) + 1 - n_in - before, 0)
        for n_out, s, d, kernel, n_in, before in zip(
            (H_out, W_out), strides, dilations, w.shape, x.shape[1:], (top, left)
        )
    )
    x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    return x_padded, top, left, (H_out, W_out), strides, dilations


def conv_forward(x, w, b, *, stride, padding, dilation):
    """Return Z: `correlate2d` with the dilated kernel, then every stride-th entry."""
    from scipy.signal import correlate2d

    x_padded, _, _, (H_out, W_out), (s_h, s_w), dilations = _padded(x, w, stride, padding, dilation)
    kernels = _spread(w, dilations, (0, 1))
    z = np.zeros((len(x), H_out, W_out, w.shape[3]))
    for m, k, c in product(range(len(x)), range(w.shape[3]), range(w.shape[2])):
        whole = correlate2d(x_padded[m, :, :, c], kernels[:, :, c, k], mode="valid")
        z[m, :, :, k] += whole[::s_h, ::s_w][:H_out, :W_out]
    return z + b


def conv_backward(dz, x, w, *, stride, padding, dilation):
    """Return dX by `convolve2d`, dW by `correlate2d` with the spread-out dZ, and db."""
    from scipy.signal import convolve2d, correlate2d

    x_padded, top, left, _, strides, (d_h, d_w) = _padded(x, w, stride, padding, dilation)
    kernels, spread = _spread(w, (d_h, d_w), (0, 1)), _spread(dz, strides, (1, 2))
    dx_padded, dw = np.zeros(x_padded.shape), np.zeros(w.shape)
    for m, k, c in product(range(len(x)), range(w.shape[3]), range(w.shape[2])):
        back = convolve2d(spread[m, :, :, k], kernels[:, :, c, k])
        dx_padded[m, : back.shape[0], : back.shape[1], c] += back
        whole = correlate2d(x_padded[m, :, :, c], spread[m, :, :, k], mode="valid")
        dw[:, :, c, k] += whole[::d_h, ::d_w][: w.shape[0], : w.shape[1]]
    dx = dx_padded[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, dz.sum(axis=(0, 1, 2))


def pool_forward(x, *, size, stride, mode):
    """Return `maximum_filter` or `uniform_filter`, read off at the first pixel of each whole window."""
    from scipy import ndimage

    (F_h, F_w), (s_h, s_w) = _two(size), _two(stride)
    run = ndimage.maximum_filter if mode == "max" else ndimage.uniform_filter
    origin = (0, -(F_h // 2), -(F_w // 2), 0)  # the window starts at the pixel instead of standing around it
    everywhere = run(x, size=(1, F_h, F_w, 1), origin=origin, mode="constant")
    return everywhere[:, : x.shape[1] - F_h + 1 : s_h, : x.shape[2] - F_w + 1 : s_w]


def softmax_forward(z):
    """Return `scipy.special.softmax` of the rows."""
    from scipy.special import softmax

    return softmax(z, axis=1)


def softmax_cross_entropy_backward(z, y):
    """Return (Ŷ − Y)/M with SciPy's softmax."""
    dz = softmax_forward(z)
    dz[np.arange(len(y)), y] -= 1
    return dz / len(y)
