"""The layers of a network as small objects: a name, parameters, and a pair of functions of ``layers``.

An object made by a user, ``Conv(8, 5)``, only says what the layer is. A ``Network`` makes its own copy,
gives it a name and, once it knows the shape of the layer's input, its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields

import numpy as np

from backprop_helpers import layers
from backprop_helpers.layers._validate import as_int, as_pair


@dataclass(eq=False)
class Layer:
    """Base class of all layers.

    Attributes
    ----------
    name : str
        Given by the network, for instance ``conv1``.
    parameters : dict of str to ndarray
        Given by the network: ``w`` and ``b``, or nothing. Views into the network's vector of parameters.
    """

    name: str = field(default="", init=False, repr=False)
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def forward(self, x):
        """Return the layer's output for x, and what ``backward`` needs to remember."""
        raise NotImplementedError

    def backward(self, dout, cache, *, need_dx: bool = True):
        """Return ∂J/∂x and the gradients of the parameters, given ∂J/∂out.

        ``need_dx=False`` may return None for ∂J/∂x: the first layer that learns has nobody to hand it to.
        """
        raise NotImplementedError

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters for inputs of shape ``(M, *input_shape)``."""
        return {}

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one example's output, given that of its input."""
        out, _ = self.forward(np.zeros((1, *input_shape)))
        return out.shape[1:]

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Count the multiplications that are added up, forward, for one example."""
        return 0

    def settings(self) -> dict:
        """Return the arguments that make an equal layer."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def _parameter(self, name: str) -> np.ndarray:
        try:
            return self.parameters[name]
        except KeyError:
            raise RuntimeError(f"{self!r} has no parameters yet: put it in a Network first") from None


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
        return self._apply(x, self._parameter("w"), self._parameter("b"))

    def _apply(self, x, w, b):
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

    def output_shape(self, input_shape):
        """Return (H_out, W_out, K)."""
        arrays = {name: np.zeros(shape) for name, shape in self.parameter_shapes(input_shape).items()}
        out, _ = self._apply(np.zeros((1, *input_shape)), **arrays)  # asks the formula itself
        return out.shape[1:]

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
