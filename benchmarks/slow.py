"""How lessons usually do it, convolutions in loops: correct, readable, and what to measure the fast path by.

Two ways to compute the loss and all gradients of a network, both in float64, NumPy's usual precision:

* ``ndimage_loops``: loops over examples, filters and channels around ``scipy.ndimage``;
* ``pixel_loops``: loops over examples, pixels and filters, as the formula reads.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from backprop_helpers import layers as formulas
from backprop_helpers.training import Conv, MaxPool, Standardize


def ndimage_loops(network, images, labels):
    """Return the loss and the gradients by name, with ``scipy.ndimage`` for each pair of maps."""
    ways = {
        Conv: (_ndimage_conv_forward, _ndimage_conv_backward),
        MaxPool: (_mask_pool_forward, _mask_pool_backward),
    }
    return _loss_and_gradients(network, images, labels, ways)


def pixel_loops(network, images, labels):
    """Return the loss and the gradients by name, with a Python loop over the pixels of every map."""
    ways = {
        Conv: (_pixel_conv_forward, _pixel_conv_backward),
        MaxPool: (_pixel_pool_forward, _pixel_pool_backward),
    }
    return _loss_and_gradients(network, images, labels, ways)


def _loss_and_gradients(network, images, labels, ways):
    """Go forward and backward through the layers: those in ``ways`` by loops, the others by ``layers``."""
    x, inputs, caches = images.astype(np.float64), [], []
    for layer in network.layers:
        inputs.append(x)
        cache = None
        if type(layer) in ways:
            x = ways[type(layer)][0](x, **layer.parameters)
        elif isinstance(layer, Standardize):
            x = (x - layer.mean) / layer.std
        else:
            x, cache = layer.forward(x)
        caches.append(cache)
    loss, cache = formulas.softmax_cross_entropy_forward(x, labels)
    dx = formulas.softmax_cross_entropy_backward(1.0, cache)
    gradients = {}
    for layer, x, cache in reversed(list(zip(network.layers, inputs, caches))):
        if isinstance(layer, Standardize):
            break
        if type(layer) in ways:
            dx, of_layer = ways[type(layer)][1](dx, x, **layer.parameters)
        else:
            dx, of_layer = layer.backward(dx, cache)
        gradients |= {f"{layer.name}.{name}": gradient for name, gradient in of_layer.items()}
    return loss, gradients


# ------------------------------------------------------------------ loops over examples, filters, channels


def _ndimage_conv_forward(x, w, b):
    z = np.empty((*x.shape[:3], len(b)))
    for m in range(len(x)):
        for k in range(len(b)):
            z[m, :, :, k] = b[k]
            for c in range(x.shape[3]):
                z[m, :, :, k] += ndimage.correlate(x[m, :, :, c], w[:, :, c, k], mode="constant")
    return z


def _ndimage_conv_backward(dz, x, w, b):
    (F_h, F_w), (H, W) = w.shape[:2], x.shape[1:3]
    padded = np.pad(x, ((0, 0), (F_h // 2, F_h // 2), (F_w // 2, F_w // 2), (0, 0)))
    dw = np.zeros_like(w, dtype=np.float64)
    for u in range(F_h):
        for v in range(F_w):
            shifted = padded[:, u : u + H, v : v + W]
            dw[u, v] = np.sum(shifted[..., np.newaxis] * dz[..., np.newaxis, :], axis=(0, 1, 2))
    dx = np.zeros_like(x)
    for m in range(len(x)):
        for k in range(len(b)):
            for c in range(x.shape[3]):
                dx[m, :, :, c] += ndimage.convolve(dz[m, :, :, k], w[:, :, c, k], mode="constant")
    return dx, {"w": dw, "b": dz.sum(axis=(0, 1, 2))}


def _windows(x):
    M, H, W, C = x.shape
    return x.reshape(M, H // 2, 2, W // 2, 2, C)


def _mask_pool_forward(x):
    return _windows(x).max(axis=(2, 4))


def _mask_pool_backward(dz, x):
    windows = _windows(x)
    largest = windows == windows.max(axis=(2, 4), keepdims=True)
    return (largest * dz[:, :, np.newaxis, :, np.newaxis]).reshape(x.shape), {}


# ------------------------------------------------------------------------------------ loops over pixels


def _pixel_conv_forward(x, w, b):
    padded = _padded(x, w)
    z = np.empty((*x.shape[:3], len(b)))
    for m, i, j, k in np.ndindex(z.shape):
        z[m, i, j, k] = np.sum(padded[m, i : i + len(w), j : j + w.shape[1]] * w[..., k]) + b[k]
    return z


def _pixel_conv_backward(dz, x, w, b):
    padded = _padded(x, w)
    (F_h, F_w), (H, W) = w.shape[:2], x.shape[1:3]
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w, dtype=np.float64), np.zeros(len(b))
    for m, i, j, k in np.ndindex(dz.shape):
        dw[..., k] += padded[m, i : i + F_h, j : j + F_w] * dz[m, i, j, k]
        dpadded[m, i : i + F_h, j : j + F_w] += w[..., k] * dz[m, i, j, k]
        db[k] += dz[m, i, j, k]
    dx = dpadded[:, F_h // 2 : F_h // 2 + H, F_w // 2 : F_w // 2 + W]
    return dx, {"w": dw, "b": db}


def _padded(x, w):
    F_h, F_w = w.shape[:2]
    return np.pad(x, ((0, 0), (F_h // 2, F_h // 2), (F_w // 2, F_w // 2), (0, 0)))


def _pixel_pool_forward(x):
    M, H, W, C = x.shape
    z = np.empty((M, H // 2, W // 2, C))
    for m, i, j, c in np.ndindex(z.shape):
        z[m, i, j, c] = x[m, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c].max()
    return z


def _pixel_pool_backward(dz, x):
    dx = np.zeros_like(x)
    for m, i, j, c in np.ndindex(dz.shape):
        u, v = divmod(x[m, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c].argmax(), 2)
        dx[m, 2 * i + u, 2 * j + v, c] = dz[m, i, j, c]
    return dx, {}
