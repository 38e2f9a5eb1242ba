"""Small networks and random examples that the tests share."""

import numpy as np

from backprop_helpers.training import (
    AveragePool,
    Conv,
    Flatten,
    FullyConnected,
    MaxPool,
    Network,
    ReLU,
    Standardize,
)

SHAPE = (6, 7, 2)
CLASSES = 4


def small_layers():
    """Every kind of layer, with settings that are not the defaults, in a few dozen parameters."""
    return [
        Standardize(0.4, 0.3),
        Conv(3, (3, 2), stride=(1, 2), padding=(1, 0)),
        ReLU(),
        MaxPool((2, 2), stride=1),
        Conv(2, 2, padding="same", dilation=2),
        AveragePool((1, 2)),
        Flatten(),
        FullyConnected(5),
        ReLU(),
        FullyConnected(CLASSES),
    ]


def small_network(seed=0, dtype=np.float32):
    """A network of ``small_layers`` for images of shape ``SHAPE``."""
    return Network(small_layers(), seed=seed, input_shape=SHAPE, dtype=dtype)


def digits_network(seed=0, dtype=np.float32):
    """A small convolutional network for 28×28 digits."""
    layers = [
        Standardize(),
        Conv(2, 5, stride=2, padding="same"),
        ReLU(),
        MaxPool(2),
        Flatten(),
        FullyConnected(10),
    ]
    return Network(layers, seed=seed, dtype=dtype)


def examples(count, seed=0, shape=SHAPE, classes=CLASSES, dtype=np.float32):
    """Random images in [0, 1] and random labels."""
    rng = np.random.default_rng(seed)
    return rng.random((count, *shape)).astype(dtype), rng.integers(0, classes, count)


def not_nearly_dead(net):
    """The same network with biases and last weights large enough that every gradient counts."""
    rng = np.random.default_rng(1)
    for array in net.parameters.values():
        array[...] += 0.3 * rng.standard_normal(array.shape)
    return net
