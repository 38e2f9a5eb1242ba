"""Named arrays that all live in one flat vector."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


class ParameterViews(dict):
    """Arrays by name, in order, each a view into one flat vector.

    A step of an optimizer is then a few operations on ``vector`` as a whole, however many layers there are.
    Writing into an array, ``views["conv1.w"][...] = new``, and assigning, ``views["conv1.w"] = new``, both
    write into the vector; names are neither added nor removed.

    - vector: (n,), the memory, with room for exactly all the shapes; kept as ``.vector``
    - shapes: the name and shape of every array, in the order in which they lie in the vector
    """

    def __init__(self, vector: np.ndarray, shapes: Mapping[str, tuple[int, ...]]):
        super().__init__()
        self.vector = vector
        start = 0
        for name, shape in shapes.items():
            stop = start + math.prod(shape)
            super().__setitem__(name, vector[start:stop].reshape(shape))
            start = stop
        if start != vector.size:
            raise ValueError(f"ParameterViews: vector has {vector.size} entries, the shapes need {start}")

    def __setitem__(self, name, value):
        if name not in self:
            raise KeyError(f"no parameter is called {name!r}; the names are {', '.join(self)}")
        value = np.asarray(value)
        if value.ndim and value.shape != self[name].shape:
            raise ValueError(f"{name} has shape {self[name].shape}, the new value has shape {value.shape}")
        self[name][...] = value

    def update(self, *args, **kwargs):
        """Assign several arrays at once, each into its place in the vector."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def _refuse(self, *_args, **_kwargs):
        raise TypeError("the names of a network's parameters are fixed: assign to one of them instead")

    __delitem__ = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __reduce__(self):  # a deep copy is an ordinary dict of independent arrays
        return dict, ({name: array.copy() for name, array in self.items()},)

    def __repr__(self):
        width = max(map(len, self), default=0)
        lines = [f"{name:<{width}}  {array.dtype} {array.shape}" for name, array in self.items()]
        return "\n".join([f"{self.vector.size:,} entries in {len(self)} arrays", *lines])


def parameter_count(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Count the entries of all the shapes together."""
    return sum(math.prod(shape) for shape in shapes.values())
