"""What a cell of a network sees, and what it sends back.

Forward, a cell of a layer depends on some pixels of the input: its receptive field. Backward, the gradient
at the cell is handed to the cells it was computed from, each times the slope between the two.
"""

import math
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

    @property
    def pixels(self) -> list[tuple[int, int]]:
        """The (row, column) of all the pixels, in row-major order."""
        return [(int(i), int(j)) for i in self.rows for j in self.columns]


def receptive_field(net, layer: str, cell) -> ReceptiveField:
    """Return the rows, columns and channels of the input that one cell of a layer depends on.

    It follows the windows back, layer by layer, and asks no weights: a maximum may ignore what it sees, a
    weight may be 0. Layers of one's own are taken to look at everything, unless they are kinds of ours.

    - layer: its name, such as ``"pool1"``, or ``"input"``; another one is a KeyError
    - cell: an index into one example's output of it, (row, column, channel), or a unit's number
    """
    end = position(net, layer)
    cell = checked_cell("receptive_field", net, layer, cell)
    seen = [np.array([index]) for index in cell]
    shapes = [net.input_shape, *net.output_shapes.values()]
    for i in reversed(range(end)):
        seen = _seen_by(net.layers[i], seen, shapes[i])
    rows, columns, channels = _as_image_axes(seen)
    return ReceptiveField(rows, columns, channels)


def sent_back(net, run, layer: str, cell, *, to: str | None = None) -> np.ndarray:
    """Return what one cell adds to the gradients of an earlier layer: its own gradient times the slopes.

    Added up over all the cells of a layer, this is the gradient at the earlier layer.

    - run: `forward_and_backward` of one image
    - layer, cell: as in `receptive_field`
    - to: the layer that receives, somewhere before `layer`; by default the one right before it
    """
    start = position(net, layer)
    cell = checked_cell("sent_back", net, layer, cell)
    stop = start - 1 if to is None else position(net, to)
    if not 0 <= stop < start:
        raise ValueError(f"sent_back: to must be a layer before {layer!r}; got {to!r}")
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


def position(net, layer: str) -> int:
    """Return how many layers lead to this one: 0 for the input, 1 for the first."""
    names = [INPUT, *(module.name for module in net.layers)]
    if layer not in names:
        raise KeyError(f"no layer is called {layer!r}; there are {', '.join(names)}")
    return names.index(layer)


def checked_cell(function, net, layer, cell) -> tuple[int, ...]:
    """Return a cell's index as a tuple of ints inside one example's output of the layer."""
    shape = net.input_shape if layer == INPUT else net.output_shapes[layer]
    index = tuple(cell) if isinstance(cell, (tuple, list, np.ndarray)) else (cell,)
    fits = len(index) == len(shape) and all(
        isinstance(i, (int, np.integer)) and 0 <= i < n for i, n in zip(index, shape)
    )
    if not fits:
        raise ValueError(f"{function}: {layer} has the shape {shape}; it has no cell {cell}")
    return tuple(int(i) for i in index)


def _seen_by(module: Layer, seen, shape_in):
    """Return the index sets of a layer's input that the index sets of its output depend on."""
    if isinstance(module, (ReLU, Standardize)):
        return seen
    if isinstance(module, Conv):
        return [*_under_windows(module, seen, shape_in), np.arange(shape_in[2])]
    if isinstance(module, MaxPool):
        return [*_under_windows(module, seen, shape_in), seen[2]]
    if isinstance(module, Flatten):
        places = np.unravel_index(seen[0], shape_in)
        return [np.unique(axis) for axis in places]
    if isinstance(module, FullyConnected):
        return [np.arange(shape_in[0])]
    return [np.arange(n) for n in shape_in]  # a layer of somebody's own: it may look at anything


def _under_windows(module, seen, shape_in):
    """Return the rows and the columns under the windows that give the outputs `seen`."""
    windows = module.windows(shape_in)
    before = (windows.padding[0], windows.padding[2])
    axes = []
    for axis in (0, 1):
        offsets = np.arange(windows.size[axis]) * windows.dilation[axis] - before[axis]
        indices = np.unique(seen[axis][:, None] * windows.stride[axis] + offsets[None, :])
        axes.append(indices[(indices >= 0) & (indices < shape_in[axis])])
    return axes


def _as_image_axes(seen):
    """Return rows, columns and channels of index sets of any rank."""
    one = np.array([0])
    if len(seen) == 1:
        return one, seen[0], one
    if len(seen) == 2:
        return seen[0], seen[1], one
    return seen[0], seen[1], seen[2] if len(seen) == 3 else np.arange(math.prod(map(len, seen[2:])))
