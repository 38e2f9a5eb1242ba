"""Softmax and cross-entropy: from scores to probabilities to one loss (lesson 04).

The loss is the *mean* over the examples. Its 1/M appears here, in the loss's gradient, and nowhere else.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import floating_dtype, memory_order, stored
from backprop_helpers.layers._validate import (
    as_array,
    as_distributions,
    as_scalar,
    as_upstream,
    check_cache,
    described,
)

SCORES = ("M", "K")


class SoftmaxCache(NamedTuple):
    """What `softmax_backward` needs to know of the forward pass. Its array is a read-only copy.

    Attributes
    ----------
    y_hat : ndarray, (M, K)
        The probabilities.
    """

    y_hat: np.ndarray


class CrossEntropyCache(NamedTuple):
    """What the loss's backward needs to know of the forward pass. Its arrays are read-only copies.

    Attributes
    ----------
    y_hat : ndarray, (M, K)
        The predicted probabilities.
    y : ndarray, (M, K)
        The targets, one distribution a row; a label l is 1 in column l and 0 elsewhere.
    """

    y_hat: np.ndarray
    y: np.ndarray


class SoftmaxCrossEntropyCache(NamedTuple):
    """What `softmax_cross_entropy_backward` needs to know. Its arrays are read-only copies.

    Attributes
    ----------
    y_hat : ndarray, (M, K)
        The predicted probabilities, softmax(z).
    y : ndarray, (M, K)
        The targets, one distribution a row; a label l is 1 in column l and 0 elsewhere.
    """

    y_hat: np.ndarray
    y: np.ndarray


def softmax(z):
    """Turn each row of scores into probabilities: Ŷ[m,k] = exp Z[m,k] / Σ_l exp Z[m,l].

    The largest score of a row is subtracted first. That changes nothing in the quotient, and no
    exponential can overflow.

    Parameters
    ----------
    z : array_like, (M, K)
        One row of scores (logits) an example.

    Returns
    -------
    y_hat : ndarray, (M, K)
        A fresh array in z's memory order; each row sums to 1. Integers become float64.

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16).
    ValueError
        A wrong rank, an empty array.
    """
    return _softmax(_as_scores("softmax", z))


def softmax_forward(z):
    """Return `softmax(z)` and the cache for `softmax_backward`.

    Parameters
    ----------
    z : array_like, (M, K)

    Returns
    -------
    y_hat : ndarray, (M, K)
    cache : SoftmaxCache

    Raises
    ------
    TypeError, ValueError
        As in `softmax`.
    """
    y_hat = _softmax(_as_scores("softmax_forward", z))
    return y_hat, SoftmaxCache(_frozen(y_hat.copy(order="K")))


def softmax_backward(dy_hat, cache):
    """Pull the gradient at the probabilities back to the scores.

    dZ[m,k] = Ŷ[m,k] · (dŶ[m,k] − Σ_l dŶ[m,l]·Ŷ[m,l]), the product with the full Jacobian
    ∂Ŷ[m,l]/∂Z[m,k] = Ŷ[m,l]·([l = k] − Ŷ[m,k]) (see `softmax_jacobian`).

    Parameters
    ----------
    dy_hat : array_like, (M, K)
        The gradient of the loss with respect to the probabilities.
    cache : SoftmaxCache
        From `softmax_forward`.

    Returns
    -------
    dz : ndarray, (M, K)
        A fresh array in z's memory order.

    Raises
    ------
    TypeError
        A cache of another layer, entries that are no numbers.
    ValueError
        dy_hat has not the shape of the output.
    """
    check_cache("softmax_backward", cache, SoftmaxCache, "softmax_forward")
    y_hat = cache.y_hat
    dy_hat = as_upstream("softmax_backward", "dy_hat", dy_hat, y_hat.shape, SCORES)
    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
    return stored(y_hat * (dy_hat - mean), memory_order(y_hat))


def softmax_jacobian(y_hat):
    """Return the Jacobian of softmax, J[m,l,k] = ∂Ŷ[m,l]/∂Z[m,k] = Ŷ[m,l]·([l = k] − Ŷ[m,k]).

    `softmax_backward` needs only its product with a vector and never builds it.

    Parameters
    ----------
    y_hat : array_like, (M, K)
        Probabilities, from `softmax`.

    Returns
    -------
    ndarray, (M, K, K)
        One symmetric matrix an example.

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16).
    ValueError
        A wrong rank, an empty array.
    """
    y_hat = as_array("softmax_jacobian", "y_hat", y_hat, SCORES)
    same_class = np.eye(y_hat.shape[1], dtype=y_hat.dtype)
    return y_hat[:, :, None] * (same_class - y_hat[:, None, :])


def cross_entropy_forward(y_hat, y):
    """Return the mean cross-entropy of predicted probabilities, J = −(1/M) Σ_mk Y[m,k] · log Ŷ[m,k].

    Parameters
    ----------
    y_hat : array_like, (M, K)
        Predicted probabilities, at least 0. For scores use `softmax_cross_entropy_forward`.
    y : array_like, (M,) or (M, K)
        Integer labels 0 ... K−1, or one distribution a row (one-hot, as a rule).

    Returns
    -------
    loss : NumPy scalar
        Of y_hat's dtype (integers: float64). Infinite where a true class was given probability 0.
    cache : CrossEntropyCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16), labels that are no integers.
    ValueError
        A wrong rank or shape, a negative entry in y_hat, a label out of range, a row of y that is no
        distribution.
    """
    y_hat = _as_probabilities("cross_entropy_forward", y_hat)
    y = as_distributions("cross_entropy_forward", y, y_hat.shape, y_hat.dtype)
    with np.errstate(divide="ignore"):
        log_y_hat = np.log(y_hat)
    loss = -_product(y, log_y_hat).sum() / y_hat.dtype.type(len(y_hat))
    return loss, CrossEntropyCache(_frozen(y_hat), _frozen(y))


def cross_entropy_backward(cache, dloss=1.0):
    """Return dŶ[m,k] = −(1/M) · Y[m,k] / Ŷ[m,k] · dJ.

    Parameters
    ----------
    cache : CrossEntropyCache
        From `cross_entropy_forward`.
    dloss : number
        The gradient at the loss; 1 where the loss is the end of the chain.

    Returns
    -------
    dy_hat : ndarray, (M, K)
        A fresh array in y_hat's memory order: 0 where the target is 0, −∞ where a true class was given
        probability 0.

    Raises
    ------
    TypeError
        A cache of another layer, a dloss that is no number.
    ValueError
        A dloss that is not a single number.
    """
    check_cache("cross_entropy_backward", cache, CrossEntropyCache, "cross_entropy_forward")
    y_hat, y = cache
    dloss = as_scalar("cross_entropy_backward", "dloss", dloss)
    with np.errstate(divide="ignore", invalid="ignore"):
        dlog_y_hat = -dloss / (len(y_hat) * y_hat)
    return stored(_product(y, dlog_y_hat), memory_order(y_hat))


def softmax_cross_entropy_forward(z, y):
    """Return the mean cross-entropy of softmax(z), computed from the scores.

    J = −(1/M) Σ_mk Y[m,k] · (Z[m,k] − log Σ_l exp Z[m,l]). Taking the logarithm before anything can
    underflow keeps the loss finite for any finite scores.

    Parameters
    ----------
    z : array_like, (M, K)
        One row of scores (logits) an example.
    y : array_like, (M,) or (M, K)
        Integer labels 0 ... K−1, or one distribution a row (one-hot, as a rule).

    Returns
    -------
    loss : NumPy scalar
        Of z's dtype (integers: float64).
    cache : SoftmaxCrossEntropyCache

    Raises
    ------
    TypeError
        Entries that are no numbers (or float16), labels that are no integers.
    ValueError
        A wrong rank or shape, a label out of range, a row of y that is no distribution.
    """
    z = _as_scores("softmax_cross_entropy_forward", z)
    y = as_distributions("softmax_cross_entropy_forward", y, z.shape, z.dtype)
    shifted, exponentials = _shifted_exponentials(z)
    totals = exponentials.sum(axis=1, keepdims=True)
    log_y_hat = shifted - np.log(totals)
    loss = -_product(y, log_y_hat).sum() / z.dtype.type(len(z))
    y_hat = stored(exponentials / totals, memory_order(z))
    return loss, SoftmaxCrossEntropyCache(_frozen(y_hat), _frozen(y))


def softmax_cross_entropy_backward(cache, dloss=1.0):
    """Return dZ = (Ŷ − Y)/M · dJ: what was predicted minus what was true.

    Parameters
    ----------
    cache : SoftmaxCrossEntropyCache
        From `softmax_cross_entropy_forward`.
    dloss : number
        The gradient at the loss; 1 where the loss is the end of the chain.

    Returns
    -------
    dz : ndarray, (M, K)
        A fresh array in z's memory order.

    Raises
    ------
    TypeError
        A cache of another layer, a dloss that is no number.
    ValueError
        A dloss that is not a single number.
    """
    check_cache(
        "softmax_cross_entropy_backward", cache, SoftmaxCrossEntropyCache, "softmax_cross_entropy_forward"
    )
    y_hat, y = cache
    dloss = as_scalar("softmax_cross_entropy_backward", "dloss", dloss)
    return stored((y_hat - y) / len(y_hat) * dloss, memory_order(y_hat))


def _as_scores(function, z):
    """Return z as a checked (M, K) array of a floating dtype."""
    z = as_array(function, "z", z, SCORES)
    return z.astype(floating_dtype(z), copy=False)


def _as_probabilities(function, y_hat):
    """Return a copy of y_hat as a checked (M, K) array of a floating dtype, at least 0 (or NaN)."""
    y_hat = as_array(function, "y_hat", y_hat, SCORES)
    negative = y_hat.real[y_hat.real < 0]
    if negative.size:
        raise ValueError(
            f"{function}: y_hat has a negative entry, {negative[0]:g}; expected probabilities, from softmax "
            f"(for scores use softmax_cross_entropy_forward); {described('y_hat', y_hat, SCORES)}"
        )
    return np.array(y_hat, dtype=floating_dtype(y_hat), order=memory_order(y_hat))


def _shifted_exponentials(z):
    """Return Z − max Z and its exponentials, a row at a time; the maximum is by the real part."""
    shifted = z - z.real.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):  # exp(−1000) is 0, as it should be
        return shifted, np.exp(shifted)


def _softmax(z):
    """Return exp Z / Σ exp Z along the rows, in z's memory order."""
    _, exponentials = _shifted_exponentials(z)
    return stored(exponentials / exponentials.sum(axis=1, keepdims=True), memory_order(z))


def _product(y, values):
    """Return y · values with 0 · ∞ = 0: a class that is not the target adds nothing, unless it is NaN."""
    with np.errstate(invalid="ignore"):
        return np.where((y == 0) & (values == values), 0, y * values)


def _frozen(array):
    """Mark a cache's own array as read-only."""
    array.flags.writeable = False
    return array
