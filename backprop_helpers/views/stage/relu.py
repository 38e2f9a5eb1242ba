"""`ReLUStage`: the gates of ReLU, forward and backward, under the pointer (lesson 03)."""

import numpy as np

from backprop_helpers.layers import relu_backward, relu_forward
from backprop_helpers.layers._validate import as_array, as_upstream
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Number, Stage

NAME = "ReLUStage"
AXES = ("M", "N")
LARGEST = 32  # rows and columns that can still be pointed at

# Unit 1 is dead, one example opens unit 4, one entry is exactly 0.
EXAMPLE_Z = np.array(
    [[3, -1, 0, 2, -4, 1], [-2, -3, 5, 4, -1, -2], [1, -2, -3, 6, 2, -5], [-4, -1, 2, 1, -3, 3]]
)
EXAMPLE_DA = np.array(
    [[2, 5, -3, 1, 4, -2], [7, -1, 4, -3, 2, 1], [-1, 2, 3, 2, -5, 4], [3, -4, 1, -2, 1, 2]]
)


class ReLUStage(Stage):
    """Z | A above dZ | dA: the same gates, forward and backward.

    Drag or type a number of Z, or move the bias that is added to all of them, and gates open and close. Point
    at a cell to see its gate and its sums. Marked are a dead unit, a column that is closed for every example,
    and what is exactly 0, where the slope is a choice.

    - z: (M, N), examples × units, at most 32×32; the default has a dead unit and a 0
    - da: (M, N), the gradient from above; by default small whole numbers
    - bias: what is added to every number of z; assign to change the page
    """

    composition = "reluGates"
    bias = Number(expected="finite")

    def __init__(self, z=None, da=None, *, bias=0):
        if z is None and da is not None:
            raise ValueError(f"{NAME}: da needs the z it belongs to")
        z = as_array(NAME, "z", EXAMPLE_Z if z is None else z, AXES)
        if max(z.shape) > LARGEST:
            expected = f"at most {LARGEST} rows and columns can be pointed at"
            raise ValueError(f"{NAME}: {expected}; z is {z.shape}; take a part, such as z[:16, :16]")
        da = np.resize(EXAMPLE_DA, z.shape) if da is None else as_upstream(NAME, "da", da, z.shape, AXES)
        super().__init__({"z": z, "da": da}, {"bias": bias})

    def twin(self):
        """Return the static figure: forward, and backward through the same mask."""
        z, da = self.arrays["z"] + self.bias, self.arrays["da"]
        a, cache = relu_forward(z)
        arrays = [z, a, da, cache.mask.astype(int), relu_backward(da, cache)]
        kinds = ["value", "value", "gradient", "mask", "gradient"]
        look = {"kinds": kinds, "signs": ["→", " ", "⊙", "="], "indices": True}
        return plots.matrices(arrays, ["Z", "A", "dA", "[Z > 0]", "dZ"], **look)
