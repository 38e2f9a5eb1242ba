"""Lesson 09: pooling."""

import numpy as np


def pool_forward(x, *, size, stride, mode):
    """Return the maximum, or the average, of each whole window: one slice of the image for each offset."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_in, W_in, C = x.shape
    H_out, W_out = (H_in - F_h) // s_h + 1, (W_in - F_w) // s_w + 1
    z = np.full((M, H_out, W_out, C), -np.inf if mode == "max" else 0)
    for u, v in np.ndindex(F_h, F_w):
        pixels = x[:, u : u + s_h * H_out : s_h, v : v + s_w * W_out : s_w]
        z = np.maximum(z, pixels) if mode == "max" else z + pixels
    return z if mode == "max" else z / (F_h * F_w)


def max_pool_backward(dz, x, *, size, stride):
    """Return dX: of the pixels that hold the maximum of a window, the first is paid, and then no other."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    H_out, W_out = dz.shape[1:3]
    places = [np.s_[:, u : u + s_h * H_out : s_h, v : v + s_w * W_out : s_w] for u, v in np.ndindex(F_h, F_w)]
    z = np.full(dz.shape, -np.inf)
    for place in places:
        z = np.maximum(z, x[place])
    dx, paid = np.zeros(x.shape), np.zeros(dz.shape, bool)
    for place in places:
        wins = (x[place] == z) & ~paid
        dx[place] += dz * wins
        paid |= wins
    return dx


def average_pool_backward(dz, x, *, size, stride):
    """Return dX = Aᵀ dZ B: a row of A, and of B, has 1/F where its window stands, and 0 elsewhere."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)

    def shares(n_out, n_in, f, s):
        offset = np.arange(n_in) - s * np.arange(n_out)[:, None]
        return ((0 <= offset) & (offset < f)) / f

    A, B = shares(dz.shape[1], x.shape[1], F_h, s_h), shares(dz.shape[2], x.shape[2], F_w, s_w)
    return np.einsum("ip,mijc,jq->mpqc", A, dz, B)


# --- another way: window by window


def pool_forward_by_windows(x, *, size, stride, mode):
    """Return the maximum, or the average, of each whole window."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_in, W_in, C = x.shape
    H_out, W_out = (H_in - F_h) // s_h + 1, (W_in - F_w) // s_w + 1
    z = np.zeros((M, H_out, W_out, C))
    for i in range(H_out):
        for j in range(W_out):
            window = x[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
            z[:, i, j] = window.max(axis=(1, 2)) if mode == "max" else window.mean(axis=(1, 2))
    return z


def pool_backward_by_windows(dz, x, *, size, stride, mode):
    """Return dX: each output pays the pixel that won, or shares out what it has."""
    (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    M, H_out, W_out, C = dz.shape
    dx = np.zeros(x.shape)
    for m in range(M):
        for i in range(H_out):
            for j in range(W_out):
                for c in range(C):
                    rows = slice(i * s_h, i * s_h + F_h)
                    columns = slice(j * s_w, j * s_w + F_w)
                    window = x[m, rows, columns, c]
                    if mode == "max":
                        u, v = np.unravel_index(window.argmax(), window.shape)
                        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
                    else:
                        dx[m, rows, columns, c] += dz[m, i, j, c] / (F_h * F_w)
    return dx


# --- another way: windows of two by two, side by side, as axes


def pool_forward_by_reshape(x, *, size=2, stride=2, mode="max"):
    """Return the maximum, or the average, over the two axes inside the windows."""
    M, H, W, C = x.shape
    patches = x.reshape(M, H // 2, 2, W // 2, 2, C)
    if mode == "max":
        z = patches.max(axis=(2, 4))
    else:
        z = patches.mean(axis=(2, 4))
    return z


def pool_backward_by_mask(dz, x, *, size=2, stride=2, mode="max"):
    """Return dZ where the first maximum of a window stands, and 0 elsewhere."""
    M, H_out, W_out, C = dz.shape
    patches = x.reshape(M, H_out, 2, W_out, 2, C).transpose(0, 1, 3, 5, 2, 4)
    first_maximum = patches.reshape(M, H_out, W_out, C, 4).argmax(axis=-1)
    mask = np.eye(4)[first_maximum].reshape(M, H_out, W_out, C, 2, 2)
    mask = mask.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)
    dx = mask * dz.repeat(2, axis=1).repeat(2, axis=2)
    return dx
