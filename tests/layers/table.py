"""Every layer in one table, so that what holds for all of them is tested for all of them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from backprop_helpers import layers

from .cases import normal

LABELS = np.array([2, 0, 3, 3])


class Layer(NamedTuple):
    """A layer with its options.

    forward(*inputs) -> (out, cache); backward(dout, cache) -> one gradient an input, or a tuple of them.

    `keeps_integers` says whether only + − × and max occur in it, so that integers stay integers.
    """

    name: str
    forward: Callable
    backward: Callable
    shapes: tuple
    keeps_integers: bool
    is_loss: bool = False

    def inputs(self, dtype=np.float64, seed=0, order="C"):
        """Random inputs; for the probabilities of cross-entropy, positive ones."""
        rng = np.random.default_rng(seed)
        arrays = [normal(rng, shape, dtype) for shape in self.shapes]
        if self.name.startswith("cross-entropy"):
            arrays = [np.asarray(np.abs(array) + np.asarray(1, dtype), dtype) for array in arrays]
        return tuple(np.array(array, order=order) for array in arrays)

    def upstream(self, out, seed=1):
        """A random upstream gradient of the output's shape and dtype; for a loss a number."""
        if self.is_loss:
            return 1.5
        return normal(np.random.default_rng(seed), np.shape(out), out.dtype)

    def gradients(self, dout, cache):
        """The gradients as a tuple, one an input."""
        result = self.backward(dout, cache)
        return result if isinstance(result, tuple) else (result,)


def _conv(name, w_shape, **options):
    shapes = ((4, 5, 6, 3), w_shape, w_shape[3:])
    return Layer(name, partial(layers.conv_forward, **options), layers.conv_backward, shapes, True)


def _pool(name, **options):
    keeps = options.get("mode", "max") == "max"
    shapes = ((4, 5, 6, 3),)
    return Layer(name, partial(layers.pool_forward, **options), layers.pool_backward, shapes, keeps)


def _loss(name, forward, backward, y):
    return Layer(name, lambda z: forward(z, y), backward, ((4, 5),), False, True)


def _all_layers():
    cross_entropy = layers.cross_entropy_forward, layers.cross_entropy_backward
    fused = layers.softmax_cross_entropy_forward, layers.softmax_cross_entropy_backward
    one_hot = np.eye(5)[LABELS]
    return [
        _conv("conv", (3, 3, 3, 2), padding="same"),
        _conv("conv, even kernel", (2, 4, 3, 2), padding="same"),
        _conv("conv, 1×1", (1, 1, 3, 2), padding="same"),
        _conv("conv, 1×1, stride", (1, 1, 3, 2), stride=2, padding="same"),
        _conv("conv, valid", (3, 2, 3, 4), padding="valid"),
        _conv("conv, everything", (2, 3, 3, 4), stride=(2, 3), padding=(1, 3), dilation=(2, 1)),
        _conv("conv, whole image", (5, 6, 3, 4), padding="valid"),
        _pool("max pool"),
        _pool("max pool, overlapping", size=3, stride=(1, 2)),
        _pool("max pool, gaps", size=2, stride=3),
        _pool("max pool, size 1", size=1),
        _pool("average pool", mode="average"),
        _pool("average pool, overlapping", size=(3, 2), stride=1, mode="average"),
        _pool("average pool, size 1", size=1, mode="average"),
        Layer("relu", layers.relu_forward, layers.relu_backward, ((4, 5, 6, 3),), True),
        Layer("relu, rows", layers.relu_forward, layers.relu_backward, ((4, 5),), True),
        Layer("fc", layers.fc_forward, layers.fc_backward, ((4, 5), (5, 3), (3,)), True),
        Layer("flatten", layers.flatten_forward, layers.flatten_backward, ((4, 5, 6, 3),), True),
        Layer("softmax", layers.softmax_forward, layers.softmax_backward, ((4, 5),), False),
        _loss("cross-entropy, labels", *cross_entropy, LABELS),
        _loss("cross-entropy, one-hot", *cross_entropy, one_hot),
        _loss("softmax cross-entropy, labels", *fused, LABELS),
        _loss("softmax cross-entropy, one-hot", *fused, one_hot),
    ]


LAYERS = _all_layers()
