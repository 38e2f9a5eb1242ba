"""What is tried: an implementation, or a forward and a backward together, and on which inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps

import numpy as np

from backprop_helpers.checking.misconceptions._pairs import PAIRS, pair_for
from backprop_helpers.checking.misconceptions._parse import irregular
from benchmarks.oracles import _loops

LOSSES = {
    "cross_entropy_backward": "cross_entropy_forward",
    "softmax_cross_entropy_backward": "softmax_cross_entropy_forward",
}


def conv_arrays(x_shape, w_shape):
    """Return x, w and a bias for a convolution."""
    return irregular(*x_shape), irregular(*w_shape), irregular(w_shape[3])


@dataclass(frozen=True)
class Trial:
    """One or two implementations by the name of what they implement, with options and inputs.

    Attributes
    ----------
    parts : mapping of str to callable
        Such as ``{"conv_backward": f}``; a forward function too where both are wrong together.
    options : mapping
        Keyword arguments; ``{"y": labels}`` for a loss.
    inputs : tuple
        As the forward function takes them.
    """

    parts: Mapping[str, Callable]
    options: Mapping
    inputs: tuple

    def pair(self):
        """Return (forward, backward) for a gradient check; the half that is not on trial is the layer's."""
        options = dict(self.options)
        halves = [pair_for(name, name, part, options) for name, part in self.parts.items() if name in PAIRS]
        losses = [part for name, part in self.parts.items() if name in LOSSES.values()]
        if len(self.parts) == 1:
            return halves[0]
        (forward_of_layer, backward) = halves[-1]

        @wraps(forward_of_layer)
        def forward(*inputs):
            out = losses[0](*inputs, options["y"]) if losses else halves[0][0](*inputs)[0]
            return out, forward_of_layer(*inputs)[1]

        return forward, backward

    def calls(self, exact=False):
        """Yield (name, implementation, arguments, keyword arguments) for each part, on fresh arrays.

        With `exact`, the arguments are the inputs times four and whole-numbered upstream gradients: small
        integers, or halves and quarters, which floats hold exactly.
        """
        for name, part in self.parts.items():
            arguments, options = explicit_arguments(name, self.inputs, self.options, exact)
            yield name, part, arguments, options


def explicit_arguments(name, inputs, options, exact=False, seed=0):
    """Return the positional and keyword arguments with which a learner's function of that name is called."""
    inputs = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in inputs)
    options = dict(options)
    if name in LOSSES or name in LOSSES.values():
        return (*inputs, options["y"]), {}
    if name in ("sgd_step", "initial_weights"):
        return inputs, {}
    if exact:
        inputs = tuple(np.rint(4 * x) for x in inputs)
    if name.endswith("_forward"):
        return inputs, options
    if name == "softmax_backward":
        inputs = (_loops.softmax_forward(*inputs),)
    shape = output_shape(name, inputs, options)
    rng = np.random.default_rng(seed)
    if exact:  # no two alike, none zero
        size = int(np.prod(shape))
        upstream = (rng.permutation(size) + 1.0).reshape(shape) * rng.choice([-1, 1], shape)
    else:
        upstream = rng.normal(size=shape)
    explicit = inputs if len(inputs) == 1 else inputs[:2]  # (z,), (x,) or (x, w): the bias is not needed
    return (upstream, *explicit), options


def output_shape(name, inputs, options):
    """Return the shape of the layer's output, which is that of the gradient that arrives."""
    x = inputs[0]
    if name == "conv_backward":
        return _loops.conv_forward(x, inputs[1], np.zeros(inputs[1].shape[3]), **options).shape
    if name == "pool_backward":
        return _loops.pool_forward(x, **options).shape
    if name == "fc_backward":
        return (len(x), inputs[1].shape[1])
    if name == "flatten_backward":
        return (len(x), x[0].size)
    return x.shape


@dataclass(frozen=True)
class Mistake:
    """What is suspected to be wrong: an entry of the catalogue, or two mistakes that hide each other.

    Attributes
    ----------
    name, diagnosis : str
    wrong, right : callable
        Return the parts of a trial, freshly compiled: a mistake that keeps state starts anew.
    options : mapping
    example : callable
        Returns fresh inputs.
    oracles : tuple of str
        Those that see it.
    unseen_by : mapping of str to str
        Why others that can be asked do not see it.
    """

    name: str
    diagnosis: str
    wrong: Callable
    right: Callable
    options: Mapping
    example: Callable
    oracles: tuple
    unseen_by: Mapping = field(default_factory=dict)

    @classmethod
    def of(cls, entry):
        """Return the entry of the catalogue as a mistake."""
        return cls(
            name=entry.name,
            diagnosis=entry.diagnosis,
            wrong=lambda: {entry.function: entry.fresh()},
            right=lambda: {entry.function: entry.right},
            options=entry.options,
            example=entry.smallest_input,
            oracles=entry.oracles,
            unseen_by=entry.unseen_by,
        )

    @property
    def functions(self):
        """The names of what it implements."""
        return tuple(self.wrong())

    def trial(self, parts):
        """Return a trial of these parts (`wrong()` or `right()`) on fresh inputs."""
        return Trial(parts, self.options, tuple(self.example()))
