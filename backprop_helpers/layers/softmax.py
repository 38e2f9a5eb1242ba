"""Softmax and cross-entropy: from scores to probabilities to one loss (lesson 04).

The loss is the *mean* over the examples. Its 1/M appears here, in the loss's gradient, and nowhere else.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.layers._arrays import as_floating, frozen_copy
from backprop_helpers.layers._validate import as_array, as_distributions, as_scalar, as_upstream, check_cache

SCORES = ("M", "K")


class SoftmaxCache(NamedTuple):
    """What `softmax_backward` needs: a read-only copy of y_hat."""

    y_hat: np.ndarray  # (M, K), the probabilities


class CrossEntropyCache(NamedTuple):
    """What the backward pass of either loss needs: read-only copies of y_hat and y."""

    y_hat: np.ndarray  # (M, K), the probabilities
    y: np.ndarray  # (M, K), the targets: one distribution per row, as a rule one-hot


def softmax(z):
    """Return Ŷ[m,k] = exp Z[m,k] / Σ_l exp Z[m,l], the probabilities of every row of scores.

    - z: (M, K), one row of scores (logits) per example
    """
    return _softmax("softmax", z)


def softmax_forward(z):
    """Return `softmax(z)` and the cache."""
    y_hat = _softmax("softmax_forward", z)
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
    """Return G[m,l,k] = ∂Ŷ[m,l]/∂Z[m,k] = Ŷ[m,l] · ([l = k] − Ŷ[m,k]), (M, K, K).

    `softmax_backward` needs only its product with a vector and never builds it.

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
    check_cache("cross_entropy_backward", cache, CrossEntropyCache)
    dloss = as_scalar("cross_entropy_backward", "dloss", dloss)
    y_hat, y = cache

    with np.errstate(divide="ignore", invalid="ignore"):
        dlog_y_hat = -dloss / (len(y_hat) * y_hat)
    return _times(y, dlog_y_hat)


def softmax_cross_entropy_forward(z, y):
    """Return J = −(1/M) Σ_mk Y[m,k] · (Z[m,k] − log Σ_l exp Z[m,l]) and the cache.

    The logarithm is that of a sum of at least 1, never of a probability that has underflowed to 0.

    - z: (M, K), one row of scores (logits) per example
    - y: (M,), labels 0 ... K−1; or (M, K), one distribution per row
    """
    z = as_floating(as_array("softmax_cross_entropy_forward", "z", z, SCORES))
    y = as_distributions("softmax_cross_entropy_forward", y, z)

    shifted, exponentials = _shifted_exponentials(z)
    totals = exponentials.sum(axis=1, keepdims=True)
    loss = -_times(y, shifted - np.log(totals)).sum() / z.dtype.type(len(z))

    return loss, CrossEntropyCache(frozen_copy(exponentials / totals), frozen_copy(y))


def softmax_cross_entropy_backward(dloss, cache):
    """Return dZ = (Ŷ − Y)/M, times dloss: what was predicted minus what was true.

    - dloss: one number, the gradient at the loss; 1.0 where the loss is the end of the chain
    """
    name = "softmax_cross_entropy_backward"
    check_cache(name, cache, CrossEntropyCache)
    dloss = as_scalar(name, "dloss", dloss)
    y_hat, y = cache

    return (y_hat - y) / len(y_hat) * dloss


def _softmax(function, z):
    """Return the probabilities; `function` is the one that an error names."""
    z = as_floating(as_array(function, "z", z, SCORES))

    _, exponentials = _shifted_exponentials(z)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _shifted_exponentials(z):
    """Return Z minus its row's maximum, which cancels in the quotient, and exponentials: none overflows."""
    shifted = z - z.real.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):  # exp(−1000) is 0, as it should be
        return shifted, np.exp(shifted)


def _times(y, values):
    """Return y · values with 0 · ∞ = 0: a class that is not the target adds nothing, unless it is NaN."""
    with np.errstate(invalid="ignore"):
        return np.where((y == 0) & (values == values), 0, y * values)
