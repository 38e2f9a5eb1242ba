"""What a cell of a network sees, and what it sends back.

Forward, a cell of a layer depends on some pixels of the input: its receptive field. Backward, the gradient
at the cell is handed to the cells it was computed from, each times the slope between the two.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.training.modules import Conv, Flatten, FullyConnected, Layer, MaxPool, ReLU, Standardize
from backprop_helpers.training.network import INPUT


class ReceptiveField(NamedTuple):
    """The part of an image that a cell depends on: every pixel in one of the rows, columns and channels.

    Indices, ascending. Images that are vectors (N,) have one row and one channel. A dilated convolution
    leaves gaps.
    """

    rows: np.ndarray
    columns: np.ndarray
    channels: np.ndarray


def receptive_field(net, layer: str, cell) -> ReceptiveField:
    """Return the rows, columns and channels of the input that one cell of a layer, or of "input", depends on.

    It follows the windows back, layer by layer, and asks no weights: a maximum may ignore what it sees, a
    weight may be 0. Layers of one's own are taken to look at everything, unless they are kinds of ours. The
    cell is an index into one example's output, such as (row, column, channel) or (unit,).
    """
    seen = [np.array([index]) for index in cell]
    shapes = [net.input_shape, *net.output_shapes.values()]
    for i in reversed(range(_position(net, layer))):
        seen = _seen_by(net.layers[i], seen, shapes[i])
    one = [np.array([0])]
    return ReceptiveField(*(one + seen + one if len(seen) == 1 else (seen + one)[:3]))


def sent_back(net, run, layer: str, cell, *, to: str | None = None) -> np.ndarray:
    """Return what one cell adds to the gradients of an earlier layer: its own gradient times the slopes.

    Added up over all the cells of a layer, this is the gradient at the earlier layer. The `run` is
    `forward_and_backward` of one image; `to` is the layer that receives, by default the one right before.
    """
    start = _position(net, layer)
    stop = start - 1 if to is None else _position(net, to)
    gradient = run.gradients[layer]
    dout = np.zeros_like(gradient)
    dout[(0, *cell)] = gradient[(0, *cell)]
    for i in reversed(range(stop, start)):
        dout, _ = net.layers[i].backward(dout, run.caches[i])
    return dout[0]


class Run(NamedTuple):
    """One image's way through a network and back."""

    activations: dict  # as of `Network.activations`, (1, …) each
    gradients: dict  # as of `Network.gradients_of_activations`
    caches: list  # what each layer remembered


def forward_and_backward(net, image, label: int) -> Run:
    """Run one image, (1, *input_shape), through a network and the gradient of its loss back."""
    image, label = net._checked_examples("forward_and_backward", image, np.array([label]))
    activations, caches = net.forward(net._as_batch(image))
    _, _, dlogits = net._loss_of(activations[net.layers[-1].name], label)
    gradients, _ = net.backward(dlogits, caches)
    return Run(activations, gradients, caches)


def _position(net, layer):
    """Return how many layers lead to this one: 0 for the input, 1 for the first."""
    return [INPUT, *(module.name for module in net.layers)].index(layer)


def _seen_by(module: Layer, seen, shape_in):
    """Return the index sets of a layer's input that the index sets of its output depend on."""
    if isinstance(module, (ReLU, Standardize)):
        return seen
    if isinstance(module, Conv):
        return [*_under_windows(module, seen, shape_in), np.arange(shape_in[2])]
    if isinstance(module, MaxPool):
        return [*_under_windows(module, seen, shape_in), seen[2]]
    if isinstance(module, Flatten):
        return [np.unique(axis) for axis in np.unravel_index(seen[0], shape_in)]
    if isinstance(module, FullyConnected):
        return [np.arange(shape_in[0])]
    return [np.arange(n) for n in shape_in]  # a layer of somebody's own: it may look at anything


def _under_windows(module, seen, shape_in):
    """Return the rows and the columns under the windows that give the outputs `seen`."""
    windows = module.windows(shape_in)
    axes = []
    for axis, before in enumerate(windows.padding[::2]):
        offsets = np.arange(windows.size[axis]) * windows.dilation[axis] - before
        indices = np.unique(seen[axis][:, None] * windows.stride[axis] + offsets[None, :])
        axes.append(indices[(indices >= 0) & (indices < shape_in[axis])])
    return axes
