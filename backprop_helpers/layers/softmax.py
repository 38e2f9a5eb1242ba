"""Softmax and cross-entropy: from scores to probabilities to one loss (lesson 04).

The loss is the *mean* over the examples. Its 1/M appears here, in the loss's gradient, and nowhere else.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import as_floating, frozen_copy
from backprop_helpers.layers._validate import as_array, as_distributions, as_upstream, check_cache

SCORES = ("M", "K")


class SoftmaxCache(NamedTuple):
    """What `softmax_backward` needs: a read-only copy of y_hat."""

    y_hat: np.ndarray  # (M, K), the probabilities


class CrossEntropyCache(NamedTuple):
    """What the backward pass of either loss needs: read-only copies of y_hat and y."""

    y_hat: np.ndarray  # (M, K), the probabilities
    y: np.ndarray  # (M, K), the targets: one distribution per row, as a rule one-hot


def softmax(z):
    """Return the y_hat of `softmax_forward` without the cache."""
    return _softmax("softmax", z)[0]


def softmax_forward(z):
    """Return Ŷ[m,k] = exp Z[m,k] / Σ_l exp Z[m,l], the probabilities of every row of scores, and the cache.

    - z: (M, K), one row of scores (logits) per example
    """
    y_hat, _ = _softmax("softmax_forward", z)
    return y_hat, SoftmaxCache(frozen_copy(y_hat))


def softmax_backward(dy_hat, cache):
    """Return dZ[m,k] = Ŷ[m,k] · (dŶ[m,k] − Σ_l dŶ[m,l]·Ŷ[m,l]).

    - dy_hat: (M, K), the gradient of the loss with respect to y_hat
    """
    check_cache("softmax_backward", cache, SoftmaxCache)
    y_hat = cache.y_hat
    dy_hat = as_upstream("softmax_backward", "dy_hat", dy_hat, y_hat.shape, SCORES)

    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
    return y_hat * (dy_hat - mean)


def softmax_jacobian(y_hat):
    """Return G[m,l,k] = ∂Ŷ[m,l]/∂Z[m,k] = Ŷ[m,l] · ([l = k] − Ŷ[m,k]), (M, K, K); backward never builds it.

    - y_hat: (M, K), from `softmax`
    """
    y_hat = as_array("softmax_jacobian", "y_hat", y_hat, SCORES)

    same_class = np.eye(y_hat.shape[1], dtype=y_hat.dtype)
    return y_hat[:, :, None] * (same_class - y_hat[:, None, :])


def cross_entropy_forward(y_hat, y):
    """Return J = −(1/M) Σ_mk Y[m,k] · log Ŷ[m,k] and the cache.

    The loss is infinite where a true class was given the probability 0.

    - y_hat: (M, K), probabilities, at least 0; for scores use `softmax_cross_entropy_forward`
    - y: (M,), labels 0 ... K−1; or (M, K), one distribution per row
    """
    y_hat = as_floating(as_array("cross_entropy_forward", "y_hat", y_hat, SCORES))
    if (y_hat.real < 0).any():
        fault = f"y_hat has a negative entry, {y_hat.real[y_hat.real < 0][0]:g}"
        expected = "probabilities, from softmax (for scores use softmax_cross_entropy_forward)"
        raise ValueError(f"cross_entropy_forward: {fault}; expected {expected}")
    y = as_distributions("cross_entropy_forward", y, y_hat)

    with np.errstate(divide="ignore"):
        log_y_hat = np.log(y_hat)
    loss = -_times(y, log_y_hat).sum() / y_hat.dtype.type(len(y_hat))
    return loss, CrossEntropyCache(frozen_copy(y_hat), frozen_copy(y))


def cross_entropy_backward(dloss, cache):
    """Return dŶ[m,k] = −(1/M) · Y[m,k] / Ŷ[m,k], times dloss.

    - dloss: one number, the gradient at the loss; 1.0 where the loss is the end of the chain
    """
    y_hat, y, dloss = _checked("cross_entropy_backward", dloss, cache)

    with np.errstate(divide="ignore", invalid="ignore"):
        dlog_y_hat = -dloss / (len(y_hat) * y_hat)
    return _times(y, dlog_y_hat)


def softmax_cross_entropy_forward(z, y):
    """Return J = −(1/M) Σ_mk Y[m,k] · (Z[m,k] − log Σ_l exp Z[m,l]) and the cache.

    The logarithm is that of a sum of at least 1, never of a probability that has underflowed to 0.

    - z: (M, K), one row of scores (logits) per example
    - y: (M,), labels 0 ... K−1; or (M, K), one distribution per row
    """
    y_hat, log_y_hat = _softmax("softmax_cross_entropy_forward", z)
    y = as_distributions("softmax_cross_entropy_forward", y, y_hat)

    loss = -_times(y, log_y_hat).sum() / y_hat.dtype.type(len(y_hat))
    return loss, CrossEntropyCache(frozen_copy(y_hat), frozen_copy(y))


def softmax_cross_entropy_backward(dloss, cache):
    """Return dZ = (Ŷ − Y)/M, times dloss: what was predicted minus what was true.

    - dloss: one number, the gradient at the loss; 1.0 where the loss is the end of the chain
    """
    y_hat, y, dloss = _checked("softmax_cross_entropy_backward", dloss, cache)
    return (y_hat - y) / len(y_hat) * dloss


def _checked(function, dloss, cache):
    """Return y_hat, y and dloss, as a Python number: multiplied, it leaves an array's dtype as it is."""
    check_cache(function, cache, CrossEntropyCache)
    return *cache, as_array(function, "dloss", dloss, axes=()).item()


def _softmax(function, z):
    """Return Ŷ and log Ŷ; `function` is the one that an error names."""
    z = as_floating(as_array(function, "z", z, SCORES))

    shifted = z - z.real.max(axis=1, keepdims=True)  # cancels in the quotient; no exponential overflows
    with np.errstate(under="ignore"):  # exp(−1000) is 0, as it should be
        exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    return exponentials / totals, shifted - np.log(totals)


def _times(y, values):
    """Return y · values with 0 · ∞ = 0: a class that is not the target adds nothing, unless it is NaN."""
    with np.errstate(invalid="ignore"):
        return np.where((y == 0) & (values == values), 0, y * values)
