"""`KernelStage`: the sliding kernel of lesson 05 learns a map by gradient descent."""

import numpy as np

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.layers._validate import as_array
from backprop_helpers.training import series_digit
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Number, Stage

NAME = "KernelStage"
LARGEST_IMAGE, LARGEST_KERNEL, MOST_STEPS = 28, 5, 200

UPRIGHT, FOOT, DROP = [0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]
STROKE = np.array([UPRIGHT, UPRIGHT, FOOT, DROP])
EDGE = np.array([[1, -1]])
START = np.array([[0.4, 0.8]])


class KernelStage(Stage):
    """X and a kernel, its map Z beside the target, and dW as the step that it asks for.

    Paint the target or take the edges of X, press one step or ten: J = ½ Σ (Z − target)² falls, and what made
    the target appears in W. Drag the rate and the whole path is walked again; one that is too large says so.

    - x: (H, W), a picture of at most 28×28; by default a small stroke, and a digit of 14×14 pixels beside it
    - target: (H_out, W_out), what Z shall become; by default what `hidden` makes of x
    - w: (F_h, F_w), the kernel at the start, at most 5×5
    - hidden: of w's shape, the kernel that makes the target; by default [1, −1]
    - rate, step: the learning rate, and how many steps have been taken, at most 200; assign to change them
    """

    composition = "learningKernel"
    rate = Number(0.02, low=np.finfo(float).tiny, expected="positive")
    step = Number(0, 0, MOST_STEPS)

    def __init__(self, x=None, target=None, w=None, *, hidden=None, **looks):
        if target is not None and hidden is not None:
            raise ValueError(f"{NAME}: pass target or hidden, not both")
        digit = {"digit": small_digit()} if x is None and target is None else {}
        x = _picture("x", STROKE if x is None else x, LARGEST_IMAGE)
        w = _picture("w", START if w is None else w, LARGEST_KERNEL)
        fits = tuple(n - f + 1 for n, f in zip(x.shape, w.shape))
        if min(fits) < 1:
            raise ValueError(f"{NAME}: w {w.shape} must fit into x {x.shape}")
        if target is None:
            hidden = _picture("hidden", EDGE if hidden is None else hidden, LARGEST_KERNEL)
            _check_shape("hidden", hidden, "w's shape", w.shape)
            target = map_of(x, hidden)
        target = _picture("target", target, LARGEST_IMAGE)
        _check_shape("target", target, "Z's shape", fits)
        options = {"hidden": None if hidden is None else hidden.tolist()}
        super().__init__({"x": x, "w": w, "target": target} | digit, options, looks)

    def twin(self):
        """Return the static figure: the kernel, its map and the target, after these steps."""
        x, start, target = (self.arrays[name] for name in ("x", "w", "target"))
        w, loss = descend(x, target, start, self.rate, self.step)[-1]
        look = {"kinds": ["value", "weight", "value", "value"], "signs": ["⋆", "=", "→"]}
        title = f"After {self.step} steps, J = {loss:.4g}"
        return plots.matrices([x, w, map_of(x, w), target], ["X", "W", "Z", "target"], title=title, **look)


def _picture(name, given, largest):
    array = as_array(NAME, name, np.asarray(given))
    if array.ndim != 2 or max(array.shape) > largest:
        expected = f"two axes, at most {largest}×{largest}"
        raise ValueError(f"{NAME}: {name} must have {expected}; its shape is {array.shape}")
    return array


def _check_shape(name, array, whose, shape):
    if array.shape != shape:
        raise ValueError(f"{NAME}: {name} must have {whose} {shape}; got {array.shape}")


def small_digit():
    """Return the digit of the series, (14, 14): the mean of every four pixels, two decimals."""
    image, _ = series_digit()
    return image.reshape(14, 2, 14, 2).mean(axis=(1, 3)).round(2)


def _slide(x, w):
    return conv_forward(x[None, :, :, None], w[:, :, None, None], np.zeros(1))


def map_of(x, w):
    """Return Z of one picture and one kernel, without a bias."""
    return _slide(x, w)[0][0, :, :, 0]


def descend(x, target, w, rate, steps):
    """Return [(kernel, loss), …] after 0, 1, … steps of W − rate·dW; J is half the squared distance."""
    path = []
    for _ in range(steps + 1):
        z, cache = _slide(x, w)
        dz = z - target[None, :, :, None]
        path.append((w, float(np.sum(dz**2) / 2)))
        w = w - rate * conv_backward(dz, cache, need_dx=False)[1][:, :, 0, 0]
    return path
