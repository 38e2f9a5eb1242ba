"""Fully connected layer: every output is a weighted sum of every input (lesson 02)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import frozen_copy, in_one_dtype
from backprop_helpers.layers._validate import as_upstream, as_weighted, check_cache


class FullyConnectedCache(NamedTuple):
    """What `fc_backward` needs: read-only copies of x and w."""

    x: np.ndarray  # (M, N)
    w: np.ndarray  # (N, K)


def fc_forward(x, w, b):
    """Return Z = X W + b, that is Z[m,k] = b[k] + Σ_n X[m,n] · W[n,k], and the cache.

    - x: (M, N), one row per example
    - w: (N, K), one column of weights per unit
    - b: (K,), one bias per unit
    """
    x, w, b = as_weighted("fc_forward", x, w, b, ("M", "N"), ("N", "K"), ("features", "units"))
    x, w, b = in_one_dtype(x, w, b)

    z = x @ w + b
    return z, FullyConnectedCache(frozen_copy(x), frozen_copy(w))


def fc_backward(dz, cache):
    """Return dX = dZ Wᵀ, dW = Xᵀ dZ and db = Σ_m dZ[m].

    - dz: (M, K), the gradient of the loss with respect to z
    """
    check_cache("fc_backward", cache, FullyConnectedCache)
    x, w = cache
    dz = as_upstream("fc_backward", "dz", dz, (len(x), w.shape[1]), ("M", "K"))
    dz, x, w = in_one_dtype(dz, x, w)

    dx = dz @ w.T
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db
