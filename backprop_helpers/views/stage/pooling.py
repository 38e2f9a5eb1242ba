"""`PoolingStage`: max and average pooling, forward and backward, under the pointer (lesson 09)."""

import numpy as np
import traitlets

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.layers._validate import as_array
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage, as_option, one_of

NAME = "PoolingStage"
MODES = ("max", "average")
LARGEST, MOST_CHANNELS = 32, 64  # what can still be pointed at
MOST_LETTERS = 26  # windows of a twin that names them

EXAMPLE_X = np.array([[1, 3, 2, 0, 2], [4, 4, 2, 1, 0], [0, 1, 6, 5, 3], [2, 5, 1, 6, 1], [3, 0, 2, 4, 1]])
EXAMPLE_DZ = np.array([[1, -2], [3, 2]])


class PoolingStage(Stage):
    """Where each unit of gradient goes: X and Z beside dX and dZ.

    Point at a cell to see its windows, who wins and who is paid. Drag a number of X past the largest of its
    window and the winner jumps; of equals the first in reading order wins. Where the output grows beyond dZ,
    the given numbers are repeated from the start.

    - x: one image, (H, W) or (1, H, W, C), at most 32×32 with 64 channels; the default has ties and a rest
    - dz: the gradient from above, (H_out, W_out) or (1, H_out, W_out, C)
    - size, stride, mode: as `pool_forward` takes them, a stride of None following the size
    - channel: the one that is shown first

    Assign size, stride, mode or channel to change the page.
    """

    composition = "pooling"
    mode = traitlets.Enum(MODES, "max")
    size = traitlets.Any()
    stride = traitlets.Any()
    channel = traitlets.Int(0)

    def __init__(self, x=None, dz=None, *, size=2, stride=None, mode="max", channel=0):
        one_of(NAME, "mode", mode, MODES)
        x = as_example("x", EXAMPLE_X if x is None else x)
        if max(x.shape[:2]) > LARGEST or x.shape[2] > MOST_CHANNELS:
            came = f"x is {x.shape[0]}×{x.shape[1]} with {x.shape[2]} channels"
            expected = f"at most {LARGEST}×{LARGEST} and {MOST_CHANNELS} channels can be pointed at"
            raise ValueError(f"{NAME}: {expected}; {came}; take a part, such as x[:, :16, :16]")
        if not 0 <= channel < x.shape[2]:
            raise ValueError(f"{NAME}: channel must be below x's {x.shape[2]}; got {channel}")
        options = {"mode": mode, "size": size, "stride": stride, "channel": channel}
        z, _ = pool_forward(x[None], size=size, stride=stride, mode=mode)
        if dz is None:
            dz = np.stack([np.roll(EXAMPLE_DZ, c) for c in range(x.shape[2])], axis=2)
        elif (dz := as_example("dz", dz)).shape != z.shape[1:]:
            expected = f"the output's shape {z.shape[1:]} as (H_out, W_out, C)"
            raise ValueError(f"{NAME}: dz must have {expected}; it has {dz.shape}")
        super().__init__({"x": x, "dz": dz}, options)

    def _sizes(self):
        return f"{super()._sizes()}, {self.mode}"

    @traitlets.validate("size", "stride")
    def _fits(self, proposal):
        if "x" in self.spec.get("arrays", {}):
            settings = {"size": self.size, "stride": self.stride}
            pool_forward(self.arrays["x"][None], **settings | {proposal["trait"].name: proposal["value"]})
        return as_option(proposal["value"])

    def twin(self):
        """Return the static figure: windows, winners, and what each is paid, of the channel that is shown."""
        c, x = self.channel, self.arrays["x"][..., self.channel]
        settings = {"size": self.size, "stride": self.stride, "mode": self.mode}
        z, cache = pool_forward(x[None, ..., None], **settings)
        rows, columns = (np.arange(n) % have for n, have in zip(z.shape[1:3], self.arrays["dz"].shape))
        dz = self.arrays["dz"][rows][:, columns, c]
        if np.isfinite(x).all() and np.isfinite(dz).all() and z.size <= MOST_LETTERS:
            return plots.routing(x, dz, **settings, title="Who gets which gradient?")
        dx = pool_backward(dz[None, ..., None], cache)[0, ..., 0]
        kinds = ["value", "value", "gradient", "gradient"]
        return plots.matrices([x, z[0, ..., 0], dz, dx], ["X", "Z", "dZ", "dX"], kinds=kinds)


def as_example(name, array):
    """Return one image (H, W, C) of a matrix or a batch of one."""
    array = as_array(NAME, name, array)
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 4 or len(array) != 1:
        expected = f"one example, (H, W) or (1, H, W, C), such as {name}[:1]"
        raise ValueError(f"{NAME}: {name} must be {expected}; its shape is {array.shape}")
    return array[0]
