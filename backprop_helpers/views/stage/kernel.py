"""`KernelStage`: the sliding kernel of lesson 05 learns a map by gradient descent."""

import numpy as np
import traitlets

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.layers._validate import as_array
from backprop_helpers.training import series_digit
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage

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

    Parameters
    ----------
    x : array_like, (H, W), optional
        A picture, at most 28×28. By default a small stroke, and a digit of 14×14 pixels beside it to choose.
    target : array_like, (H_out, W_out), optional
        What Z shall become. By default what `hidden` makes of x.
    w : array_like, (F_h, F_w), optional
        The kernel at the start, at most 5×5.
    hidden : array_like, of w's shape, optional
        The kernel that makes the target; by default [1, −1]. None with a target of your own.
    rate : float
        The learning rate.
    step : int
        How many steps have been taken, at most 200.

    Attributes
    ----------
    rate, step
        As they are in the page now; assign to change the page.

    Raises
    ------
    TypeError, ValueError
        If an array has another shape, the kernel does not fit, or the rate is not positive.
    """

    composition = "learningKernel"
    rate = traitlets.Float(0.02).tag(sync=True, echo_update=False)
    step = traitlets.Int(0).tag(sync=True, echo_update=False)

    def __init__(self, x=None, target=None, w=None, *, hidden=None, rate=0.02, step=0):
        arrays = {"x": _picture("x", STROKE if x is None else x, LARGEST_IMAGE)}
        arrays["w"] = _picture("w", START if w is None else w, LARGEST_KERNEL)
        fits = [n - f + 1 for n, f in zip(arrays["x"].shape, arrays["w"].shape)]
        if min(fits) < 1:
            raise ValueError(f"{NAME}: w {arrays['w'].shape} must fit into x {arrays['x'].shape}")
        if target is None:
            hidden = _picture("hidden", EDGE if hidden is None else hidden, LARGEST_KERNEL)
            if hidden.shape != arrays["w"].shape:
                raise ValueError(
                    f"{NAME}: hidden must have w's shape {arrays['w'].shape}; got {hidden.shape}"
                )
            arrays["target"] = map_of(arrays["x"], hidden)
        elif hidden is not None:
            raise ValueError(f"{NAME}: pass target or hidden, not both")
        else:
            arrays["target"] = _picture("target", target, LARGEST_IMAGE)
            if list(arrays["target"].shape) != fits:
                raise ValueError(
                    f"{NAME}: target must have Z's shape {tuple(fits)}; got {arrays['target'].shape}"
                )
        if x is None and target is None:
            arrays["digit"] = small_digit()
        options = {"rate": float(rate), "step": step, "hidden": None if hidden is None else hidden.tolist()}
        super().__init__(arrays, options)

    def __repr__(self):
        x, w = (self.spec["arrays"][name]["shape"] for name in ("x", "w"))
        return f"{NAME}(x {'×'.join(map(str, x))}, w {'×'.join(map(str, w))})"

    @traitlets.validate("rate")
    def _is_a_rate(self, proposal):
        if not 0 < proposal["value"] < np.inf:
            raise ValueError(f"{NAME}: rate must be positive; got {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("step")
    def _is_a_step(self, proposal):
        if not 0 <= proposal["value"] <= MOST_STEPS:
            raise ValueError(f"{NAME}: step must be from 0 to {MOST_STEPS}; got {proposal['value']}")
        return proposal["value"]

    def twin(self):
        """Return the static figure: the kernel, its map and the target, after these steps."""
        arrays = self.arrays
        w, loss = descend(arrays["x"], arrays["target"], arrays["w"], self.rate, self.step)[-1]
        return plots.matrices(
            [arrays["x"], w, map_of(arrays["x"], w), arrays["target"]],
            ["X", "W", "Z", "target"],
            kinds=["value", "weight", "value", "value"],
            signs=["⋆", "=", "→"],
            title=f"After {self.step} steps, J = {loss:.4g}",
        )


def _picture(name, given, largest):
    array = as_array(NAME, name, np.asarray(given))
    if array.ndim != 2 or not 1 <= min(array.shape) or max(array.shape) > largest:
        raise ValueError(
            f"{NAME}: {name} must have two axes, at most {largest}×{largest}; its shape is {array.shape}"
        )
    return array


def small_digit():
    """Return the digit of the series, (14, 14): the mean of every four pixels, two decimals."""
    image, _ = series_digit()
    return image.reshape(14, 2, 14, 2).mean(axis=(1, 3)).round(2)


def map_of(x, w):
    """Return Z of one picture and one kernel, without a bias."""
    return conv_forward(x[None, :, :, None], w[:, :, None, None], np.zeros(1))[0][0, :, :, 0]


def descend(x, target, w, rate, steps):
    """Return [(kernel, loss), …] after 0, 1, … steps of W − rate·dW; J is half the squared distance."""
    path = []
    for _ in range(steps + 1):
        z, cache = conv_forward(x[None, :, :, None], w[:, :, None, None], np.zeros(1))
        dz = z - target[None, :, :, None]
        path.append((w, float(np.sum(dz**2) / 2)))
        w = w - rate * conv_backward(dz, cache, need_dx=False)[1][:, :, 0, 0]
    return path
