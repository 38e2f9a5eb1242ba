"""The layers of a network as small objects: a name, parameters, and a pair of functions of ``layers``.

An object made by a user, ``Conv(8, 5)``, only says what the layer is. A ``Network`` makes its own copy,
gives it a name and, once it knows the shape of the layer's input, its parameters.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from backprop_helpers import layers
from backprop_helpers.layers._validate import as_int, as_pair
from backprop_helpers.layers._windows import Windows, place_windows


@dataclass(eq=False)
class Layer:
    """Base class of all layers, and of your own.

    A layer that is another one in training than afterwards gives its ``forward`` a third argument,
    ``training``: a bool, and the network says which. What such a layer gathers on the way, for instance
    running means, are its *statistics*. ``forward`` reads them; ``fit`` alone lets it change them, by
    ``update_statistics``, once a step. No other call does, so validation leaves them as they are.

    Attributes
    ----------
    name : str
        Given by the network, for instance ``conv1``.
    parameters, statistics : dict of str to ndarray
        Given by the network: views into its vectors of what is learned and what is gathered.
    """

    name: str = field(default="", init=False, repr=False)
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    statistics: Mapping[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def forward(self, x):
        """Return the layer's output for x, and what ``backward`` needs to remember."""
        raise NotImplementedError

    def backward(self, dout, cache, *, need_dx: bool = True):
        """Return ∂J/∂x and the gradients of the parameters, given ∂J/∂out.

        ``need_dx=False`` may return None for ∂J/∂x: the first layer that learns has nobody to hand it to.
        """
        raise NotImplementedError

    def update_statistics(self, cache) -> None:
        """Take one step's batch into ``statistics``, given what its ``forward`` in training remembered."""

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters for inputs of shape ``(M, *input_shape)``."""
        return {}

    def statistics_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the statistics for inputs of shape ``(M, *input_shape)``."""
        return {}

    def initial(self, name: str, shape: tuple[int, ...], rng: np.random.Generator):
        """Return what a parameter or statistic starts as: an array of this shape, or one number for all.

        A ``w`` starts normal with standard deviation √(2 / fan-in) (He et al., 2015, for layers followed by
        ReLU), everything else at 0.
        """
        if name != "w":
            return 0.0
        fan_in = math.prod(shape[:-1])  # how many products each output adds up
        return math.sqrt(2 / fan_in) * rng.standard_normal(shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one example's output, given that of its input: by running it on zeros."""
        trial, rng = copy.copy(self), np.random.default_rng(0)
        trial.parameters, trial.statistics = (
            {name: np.zeros(shape) + self.initial(name, shape, rng) for name, shape in shapes.items()}
            for shapes in (self.parameter_shapes(input_shape), self.statistics_shapes(input_shape))
        )
        out, _ = run(trial, np.zeros((1, *input_shape)), training=False)
        return out.shape[1:]

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Count the multiplications that are added up, forward, for one example."""
        return 0

    def settings(self) -> dict:
        """Return the arguments that make an equal layer: the attributes of the names that its class takes."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def _parameter(self, name: str) -> np.ndarray:
        try:
            return self.parameters[name]
        except KeyError:
            raise RuntimeError(f"{self!r} has no parameters yet: put it in a Network first") from None


def run(layer: Layer, x, *, training: bool):
    """Return the layer's output and cache, telling it whether it is in training if it asks for that."""
    return layer.forward(x, training=training) if _asks(type(layer)) else layer.forward(x)


@functools.cache
def _asks(kind: type[Layer]) -> bool:
    return "training" in inspect.signature(kind.forward).parameters


@dataclass(eq=False)
class Standardize(Layer):
    """Shift and scale the pixels: out = (x − mean) / std. Nothing to learn.

    The defaults are the mean and the standard deviation of MNIST's training pixels in [0, 1].
    """

    mean: float = 0.1307
    std: float = 0.3081

    def __post_init__(self):
        if not math.isfinite(self.mean):
            raise ValueError(f"Standardize: mean must be a finite number, got {self.mean!r}")
        if not (math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"Standardize: std must be a positive number, got {self.std!r}")
        self.mean, self.std = float(self.mean), float(self.std)

    def forward(self, x):
        """Return (x − mean) / std."""
        return (x - self.mean) / self.std, None

    def backward(self, dout, cache, *, need_dx=True):
        """Return dout / std."""
        return dout / self.std, {}


@dataclass(eq=False)
class Conv(Layer):
    """A convolution with ``filters`` kernels of ``size`` pixels, and one bias per filter.

    The arguments are those of ``layers.conv_forward``: ``size``, ``stride`` and ``dilation`` an int or
    (rows, columns), ``padding`` "same", "valid", an int or (rows, columns).
    """

    filters: int
    size: int | tuple[int, int]
    _: KW_ONLY
    stride: int | tuple[int, int] = 1
    padding: str | int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1

    def __post_init__(self):
        self.filters = as_int("Conv", "filters", self.filters, 1)
        self.size = _int_or_pair("Conv", "size", self.size)
        self.stride = _int_or_pair("Conv", "stride", self.stride)
        self.dilation = _int_or_pair("Conv", "dilation", self.dilation)
        if not isinstance(self.padding, str):
            self.padding = _int_or_pair("Conv", "padding", self.padding, minimum=0)

    def forward(self, x):
        """Return ``conv_forward`` of x with the layer's parameters."""
        w, b = self._parameter("w"), self._parameter("b")
        return layers.conv_forward(x, w, b, stride=self.stride, padding=self.padding, dilation=self.dilation)

    def backward(self, dout, cache, *, need_dx=True):
        """Return dx and the gradients of w and b."""
        dx, dw, db = layers.conv_backward(dout, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db}

    def parameter_shapes(self, input_shape):
        """Return the shapes of w, (F_h, F_w, C, K), and b, (K,)."""
        if len(input_shape) != 3:
            raise ValueError(f"Conv needs images (H, W, C) as input, got {input_shape}")
        return {
            "w": (*as_pair("Conv", "size", self.size), input_shape[2], self.filters),
            "b": (self.filters,),
        }

    def windows(self, input_shape) -> Windows:
        """Return where the kernel stands on an image of shape (H, W, C)."""
        size = as_pair("Conv", "size", self.size)
        geometry = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return place_windows("Conv", input_shape[:2], size, **geometry)

    def output_shape(self, input_shape):
        """Return (H_out, W_out, K)."""
        return (*self.windows(input_shape).count, self.filters)

    def multiply_adds(self, input_shape):
        """Count H_out · W_out · K · F_h · F_w · C."""
        rows, columns, _ = self.output_shape(input_shape)
        return rows * columns * math.prod(self.parameter_shapes(input_shape)["w"])


@dataclass(eq=False)
class ReLU(Layer):
    """Keep what is positive: out = max(x, 0)."""

    def forward(self, x):
        """Return ``relu_forward`` of x."""
        return layers.relu_forward(x)

    def backward(self, dout, cache, *, need_dx=True):
        """Return dx."""
        return layers.relu_backward(dout, cache), {}


@dataclass(eq=False)
class MaxPool(Layer):
    """The largest entry of every window of ``size`` pixels; ``stride=None`` means the size."""

    size: int | tuple[int, int] = 2
    stride: int | tuple[int, int] | None = None

    mode = "max"

    def __post_init__(self):
        owner = type(self).__name__
        self.size = _int_or_pair(owner, "size", self.size)
        if self.stride is not None:
            self.stride = _int_or_pair(owner, "stride", self.stride)

    def forward(self, x):
        """Return ``pool_forward`` of x."""
        return layers.pool_forward(x, size=self.size, stride=self.stride, mode=self.mode)

    def backward(self, dout, cache, *, need_dx=True):
        """Return dx."""
        return layers.pool_backward(dout, cache), {}

    def windows(self, input_shape) -> Windows:
        """Return where the window stands on an image of shape (H, W, C)."""
        owner = type(self).__name__
        if len(input_shape) != 3:
            raise ValueError(f"{owner} needs images (H, W, C) as input, got {input_shape}")
        size = as_pair(owner, "size", self.size)
        stride = size if self.stride is None else self.stride
        what = "window (size)"
        return place_windows(owner, input_shape[:2], size, stride=stride, padding=0, dilation=1, what=what)

    def output_shape(self, input_shape):
        """Return (H_out, W_out, C)."""
        return (*self.windows(input_shape).count, input_shape[2])


@dataclass(eq=False)
class AveragePool(MaxPool):
    """The mean of every window of ``size`` pixels; ``stride=None`` means the size."""

    mode = "average"


@dataclass(eq=False)
class Flatten(Layer):
    """Lay each example's entries out in one row."""

    def forward(self, x):
        """Return ``flatten_forward`` of x."""
        return layers.flatten_forward(x)

    def backward(self, dout, cache, *, need_dx=True):
        """Return dx."""
        return layers.flatten_backward(dout, cache), {}

    def output_shape(self, input_shape):
        """Return (N,)."""
        return (math.prod(input_shape),)


@dataclass(eq=False)
class FullyConnected(Layer):
    """Every output from every input: out = x W + b, with ``units`` outputs."""

    units: int

    def __post_init__(self):
        self.units = as_int("FullyConnected", "units", self.units, 1)

    def forward(self, x):
        """Return ``fc_forward`` of x with the layer's parameters."""
        return layers.fc_forward(x, self._parameter("w"), self._parameter("b"))

    def backward(self, dout, cache, *, need_dx=True):
        """Return dx and the gradients of w and b."""
        dx, dw, db = layers.fc_backward(dout, cache)
        return dx, {"w": dw, "b": db}

    def parameter_shapes(self, input_shape):
        """Return the shapes of w, (N, K), and b, (K,)."""
        if len(input_shape) != 1:
            raise ValueError(
                f"FullyConnected needs rows (N,) as input, got {input_shape}; put Flatten() before it"
            )
        return {"w": (input_shape[0], self.units), "b": (self.units,)}

    def output_shape(self, input_shape):
        """Return (K,)."""
        self.parameter_shapes(input_shape)  # complains about the input
        return (self.units,)

    def multiply_adds(self, input_shape):
        """Count N · K."""
        return input_shape[0] * self.units


LAYER_TYPES = {
    kind.__name__: kind for kind in (Standardize, Conv, ReLU, MaxPool, AveragePool, Flatten, FullyConnected)
}


def _int_or_pair(owner, name, value, minimum=1):
    """Check an int or a pair, and return it in that form, in plain Python ints."""
    pair = as_pair(owner, name, value, minimum)
    return pair if isinstance(value, (tuple, list)) else pair[0]
