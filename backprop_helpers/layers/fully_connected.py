"""Fully connected layer: every output is a weighted sum of every input (lesson 02)."""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import common_dtype, frozen_copy, matmul, memory_order, stored
from backprop_helpers.layers._validate import as_array, as_upstream, check_cache, described

EXAMPLES = ("M", "N")
WEIGHTS = ("N", "K")


class FullyConnectedCache(NamedTuple):
    """What `fc_backward` needs to know of the forward pass. Its arrays are read-only copies.

    Attributes
    ----------
    x : ndarray, (M, N)
        The input.
    w : ndarray, (N, K)
        The weights.
    """

    x: np.ndarray
    w: np.ndarray


def fc_forward(x, w, b):
    """Return Z = X W + b: Z[m,k] = b[k] + Σ_n X[m,n] · W[n,k].

    Parameters
    ----------
    x : array_like, (M, N)
        Examples are rows.
    w : array_like, (N, K)
        One column of weights a unit.
    b : array_like, (K,)
        One bias a unit.

    Returns
    -------
    z : ndarray, (M, K)
        A fresh array in x's memory order, of the arrays' common dtype (integers: int64, exact).
    cache : FullyConnectedCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16).
    ValueError
        A wrong rank or shape, an empty array.
    """
    x = as_array("fc_forward", "x", x, EXAMPLES)
    w = as_array("fc_forward", "w", w, WEIGHTS)
    b = as_array("fc_forward", "b", b, ("K",))
    if x.shape[1] != len(w):
        raise ValueError(
            f"fc_forward: x has {x.shape[1]} features but w expects {len(w)}; "
            f"{described('x', x, EXAMPLES)}, {described('w', w, WEIGHTS)}"
        )
    if len(b) != w.shape[1]:
        raise ValueError(
            f"fc_forward: b has {len(b)} entries but w has {w.shape[1]} units; "
            f"{described('b', b, ('K',))}, {described('w', w, WEIGHTS)}"
        )
    order, dtype = memory_order(x), common_dtype(x, w, b)
    z = matmul(stored(x, order, dtype), w.astype(dtype, copy=False), order)
    z += b
    return z, FullyConnectedCache(frozen_copy(x), frozen_copy(w))


def fc_backward(dz, cache):
    """Return dX = dZ Wᵀ, dW = Xᵀ dZ and db = Σ_m dZ[m].

    Parameters
    ----------
    dz : array_like, (M, K)
        The gradient of the loss with respect to the output z.
    cache : FullyConnectedCache
        From `fc_forward`.

    Returns
    -------
    dx : ndarray, (M, N)
        Stored in x's memory order.
    dw : ndarray, (N, K)
        Stored in w's memory order.
    db : ndarray, (K,)

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        dz has not the shape of the output.
    """
    check_cache("fc_backward", cache, FullyConnectedCache, "fc_forward")
    x, w = cache
    dz = as_upstream("fc_backward", "dz", dz, (len(x), w.shape[1]), ("M", "K"))
    dtype = common_dtype(dz, w)
    dx = matmul(dz.astype(dtype, copy=False), w.astype(dtype, copy=False).T, memory_order(x))
    dtype = common_dtype(dz, x)
    dw = matmul(x.astype(dtype, copy=False).T, dz.astype(dtype, copy=False), memory_order(w))
    db = dz.sum(axis=0, dtype=common_dtype(dz))
    return dx, dw, db
