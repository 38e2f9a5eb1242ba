"""`ProductsStage`: a layer's products as cards, piled by output, by weight or by input."""

import numpy as np
import traitlets

from backprop_helpers.layers import conv_backward, conv_forward, fc_backward, fc_forward
from backprop_helpers.layers._validate import as_upstream
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage, one_of
from backprop_helpers.views.stage.convolution import as_arrays, invented_gradient

NAME = "ProductsStage"
PILES = {"z": "output", "w": "weight", "x": "input"}
SETTINGS = {"conv": {"stride": 1, "padding": 0, "dilation": 1}, "fc": {}}  # where none are given
MOST_CARDS = 128


class ProductsStage(Stage):
    """Every product (z, x, w) of a layer is a card: piled by z they add up to Z, by w to dW, by x to dX.

    - x: (H, W) or (1, H, W, C) of a convolution, (M, N) of a fully connected layer
    - w, b: kernel (F_h, F_w) or (F_h, F_w, C, K) and (K,); fully connected (N, K) and (K,)
    - dz: the gradient from above; by default invented small integers
    - layer: "conv" or "fc", with at most 128 products
    - settings: stride, padding and dilation as `conv_forward` takes them
    - by: "z", "w" or "x", how the cards lie at first; assign to pile them anew
    """

    composition = "productTable"
    by = traitlets.Enum(tuple(PILES), "z")

    def __init__(self, x=None, w=None, b=None, dz=None, *, layer="conv", by="z", **settings):
        one_of(NAME, "layer", layer, SETTINGS)
        settings = SETTINGS[layer] | settings
        if layer == "conv":
            arrays = as_arrays(x, w, b, None, **settings)
        else:
            x, w = np.atleast_2d(x), np.asarray(w)
            arrays = {"x": x, "w": w, "b": np.zeros(w.shape[-1], int) if b is None else np.atleast_1d(b)}
        options = {"layer": layer, "by": by} | settings
        z, _ = _forward(arrays, options)
        dz = invented_gradient((*z.shape, 1)[:3]).reshape(z.shape) if dz is None else np.reshape(dz, z.shape)
        arrays["dz"] = as_upstream(NAME, "dz", dz, z.shape, "(z)")
        count = _count(arrays, options, z)
        if count > MOST_CARDS:
            expected = f"at most {MOST_CARDS} products can lie on the table"
            raise ValueError(f"{NAME}: {expected}; this layer has {count:,}; take a smaller x")
        super().__init__(arrays, options)

    def __repr__(self):
        count = _count(self.arrays, self.options, _forward(self.arrays, self.options)[0])
        return f"{NAME}({self.options['layer']}, {count} products by {PILES[self.by]})"

    def twin(self):
        """Return the static figure: the layer's arrays, forward and backward."""
        arrays, options = self.arrays, self.options
        z, gradients = _forward(arrays, options)
        found = {"X": arrays["x"], "W": arrays["w"], "Z": z, "dZ": arrays["dz"]} | gradients(arrays["dz"])
        panels = [array.reshape(array.shape[0], array.shape[1], -1)[..., 0] for array in found.values()]
        kinds = ["gradient" if name[0] == "d" else "weight" if name == "W" else "value" for name in found]
        title = f"{_count(arrays, options, z)} products, piled by output, by weight, by input"
        return plots.matrices(panels, list(found), kinds=kinds, title=title)


def _forward(arrays, options):
    """Return the layer's output for one example, and the function that gives its gradients by letter."""
    layer, settings = options["layer"], {k: v for k, v in options.items() if k not in ("layer", "by")}
    if layer == "fc":
        z, cache = fc_forward(arrays["x"], arrays["w"], arrays["b"])
        return z, lambda dz: dict(zip(("dX", "dW"), fc_backward(dz, cache)))
    z, cache = conv_forward(arrays["x"][None], arrays["w"], arrays["b"], **settings)
    return z[0], lambda dz: {
        name: array[0] if name == "dX" else array
        for name, array in zip(("dX", "dW"), conv_backward(dz[None], cache))
    }


def _count(arrays, options, z):
    """Return how many products there are; those with a zero of the padding are not counted."""
    if options["layer"] == "fc":
        return z.shape[0] * arrays["w"].size
    ones = {name: np.ones_like(arrays[name]) for name in ("x", "w")} | {"b": np.zeros_like(arrays["b"])}
    return int(_forward(ones, options)[0].sum())
