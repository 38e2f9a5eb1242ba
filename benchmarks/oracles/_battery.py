"""Right and wrong layers for a check to judge: it has to pass all of the one and none of the other."""

from functools import lru_cache, partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.checking.misconceptions._pairs import PAIRS
from backprop_helpers.checking.misconceptions._parse import irregular
from benchmarks.oracles._trial import conv_arrays

MUTATIONS = {
    "sign flipped": lambda a: -a,
    "zero": lambda a: 0 * a,
    "twice too large": lambda a: 2 * a,
    "rotated": np.flip,
    "one part in a hundred too large": lambda a: 1.01 * a,
}


def _mutated(backward, mutation):
    def mutant(dout, cache):
        result = backward(dout, cache)
        if isinstance(result, tuple):
            return (mutation(result[0]), *result[1:])
        return mutation(result)

    return mutant


def right_layers():
    """Return {name: (forward, backward, inputs)}, right and smooth at their inputs."""
    conv = partial(layers.conv_forward, padding="valid")
    labels = np.array([1, 0])

    def loss(z):
        return layers.softmax_cross_entropy_forward(z, labels)

    def loss_backward(dloss, cache):
        return layers.softmax_cross_entropy_backward(dloss, cache)

    return {
        "fully connected": (
            layers.fc_forward,
            layers.fc_backward,
            (irregular(2, 3), irregular(3, 2), irregular(2)),
        ),
        "convolution": (
            lambda x, w, b: conv(x, w, b),
            layers.conv_backward,
            conv_arrays((2, 2, 3, 1), (2, 2, 1, 2)),
        ),
        "ReLU": (layers.relu_forward, layers.relu_backward, (irregular(2, 3),)),
        "max pooling": (layers.pool_forward, layers.pool_backward, (irregular(1, 2, 4, 1),)),
        "softmax cross-entropy": (loss, loss_backward, (irregular(2, 3) / 4,)),
        "flatten": (layers.flatten_forward, layers.flatten_backward, (irregular(2, 1, 2, 2),)),
    }


@lru_cache
def _wrong_names():
    """Return the entries that answer with gradients of the right shape: the rest is seen without a check.

    Those that keep state are left out too: a check that calls backward once has no way to see them.
    """
    return tuple(name for name, bug in misconceptions.items() if _is_for_a_check(bug))


def _is_for_a_check(bug):
    if bug.function not in PAIRS or "repeatability" in bug.oracles or "gradient check" not in bug.oracles:
        return False
    forward, backward = bug.pair()
    inputs = bug.smallest_input()
    with np.errstate(all="ignore"):
        try:
            out, cache = forward(*inputs)
            gradients = backward(np.ones(np.shape(out)), cache)
        except (IndexError, ValueError):
            return False
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    return [np.shape(gradient) for gradient in gradients] == [np.shape(x) for x in inputs]


def wrong_layers():
    """Yield (name, forward, backward, inputs), each wrong."""
    for name in _wrong_names():
        bug = misconceptions[name]
        yield name, *bug.pair(), bug.smallest_input()
    for name, (forward, backward, inputs) in right_layers().items():
        for text, mutation in MUTATIONS.items():
            yield f"{name}, {text}", forward, _mutated(backward, mutation), inputs


def passes(check, forward, backward, inputs):
    """Whether the check finds nothing to say against the layer."""
    try:
        check(forward, backward, tuple(x.copy() for x in inputs))
    except Exception:
        return False
    return True
