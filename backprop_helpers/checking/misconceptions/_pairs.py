"""From a function of explicit arrays to the pair (forward, backward) that a gradient check takes.

The other half of the pair is the layer itself, so that exactly one of the two is wrong.
"""

from functools import wraps

from backprop_helpers import layers

#: The functions that are half a layer; of a backward, how many inputs it reads, and 0 where the output.
PAIRS = {
    "relu_backward": 1,
    "fc_backward": 2,
    "softmax_forward": None,
    "softmax_backward": 0,
    "cross_entropy_backward": 1,
    "softmax_cross_entropy_backward": 1,
    "conv_forward": None,
    "conv_backward": 2,
    "pool_forward": None,
    "pool_backward": 1,
    "flatten_backward": 1,
}


def pair_for(name, function, implementation, options):
    """Return (forward, backward) with `implementation`, of explicit arrays, as the `function` of one layer.

    `name` is the misconception's, for the error message; `options` are keyword arguments, labels too.

    Raises
    ------
    ValueError
        The function belongs to no layer.
    """
    if function not in PAIRS:
        raise ValueError(
            f"{name}: {function} is not a layer, so there are no gradients to check; "
            "compare wrong with right instead"
        )
    layer, _, half = function.rpartition("_")
    right_forward, read = getattr(layers, f"{layer}_forward"), PAIRS[function]

    @wraps(right_forward)
    def forward(*inputs):
        out, cache = right_forward(*inputs, **options)
        if half == "forward":
            return implementation(*inputs, **options), cache
        return out, inputs[:read] if read else (out,)

    def backward(dout, seen):
        if "y" in options:  # a loss: its own answer is for an upstream gradient of 1
            return implementation(*seen, **options) * dout
        return implementation(dout, *seen, **options)

    return forward, getattr(layers, f"{layer}_backward") if half == "forward" else backward
