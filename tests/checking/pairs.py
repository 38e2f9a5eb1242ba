"""Every layer as a pair for the gradient check; and layers whose gradient is known by design."""

from functools import partial
from typing import NamedTuple

import numpy as np

from backprop_helpers import layers


class Pair(NamedTuple):
    """A layer as `gradient_check` takes it."""

    forward: object
    backward: object
    inputs: tuple


def normal(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def layer_pairs():
    """One pair a layer, by name, small but with several examples, channels and filters, and not square."""
    labels = np.array([2, 0, 1, 1])
    rng = np.random.default_rng(1)
    distinct = rng.permutation(2 * 4 * 3 * 2).reshape(2, 4, 3, 2) / 10 + 0.01
    signs = rng.choice([-1, 1], (2, 3, 3, 2)) * rng.uniform(0.1, 1, (2, 3, 3, 2))
    conv = partial(layers.conv_forward, stride=(2, 1), padding="same", dilation=(1, 2))
    (scores,) = normal((4, 3), seed=2)

    def conv_forward(x, w, b):
        return conv(x, w, b)

    return {
        "conv": Pair(conv_forward, layers.conv_backward, normal((2, 3, 2, 2), (2, 2, 2, 2), (2,))),
        "max pool": Pair(
            partial(layers.pool_forward, size=2, stride=(2, 1)), layers.pool_backward, (distinct,)
        ),
        "average pool": Pair(
            partial(layers.pool_forward, size=(2, 3), stride=1, mode="average"),
            layers.pool_backward,
            (distinct,),
        ),
        "relu": Pair(layers.relu_forward, layers.relu_backward, (signs,)),
        "fc": Pair(layers.fc_forward, layers.fc_backward, normal((4, 3), (3, 2), (2,))),
        "softmax": Pair(layers.softmax_forward, layers.softmax_backward, (scores,)),
        "cross-entropy": Pair(
            lambda y_hat: layers.cross_entropy_forward(y_hat, labels),
            layers.cross_entropy_backward,
            (layers.softmax(scores),),
        ),
        "softmax cross-entropy": Pair(
            lambda z: layers.softmax_cross_entropy_forward(z, labels),
            layers.softmax_cross_entropy_backward,
            (scores,),
        ),
        "flatten": Pair(layers.flatten_forward, layers.flatten_backward, (signs,)),
    }


def scaled_layer(coefficients, name="x"):
    """A layer whose gradient is upstream · coefficients, and a function that breaks it: broken(change).

    The input's name decides how its axes are called: "w" is a kernel, "x" a batch.
    """
    namespace = {"coefficients": coefficients}
    exec(f"def forward({name}):\n    return coefficients * {name}, None\n", namespace)

    def broken(change):
        return lambda dout, cache: change(dout * coefficients)

    return namespace["forward"], broken
