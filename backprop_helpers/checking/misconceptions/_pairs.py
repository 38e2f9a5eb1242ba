"""From a function of explicit arrays to the pair (forward, backward) that a gradient check takes.

The other half of the pair is the layer itself, so that exactly one of the two is wrong.
"""

from functools import wraps

from backprop_helpers import layers


def pair_for(name, function, implementation, options):
    """Return (forward, backward) with `implementation` as the `function` of one layer.

    Parameters
    ----------
    name : str
        The misconception's, for the error message.
    function : str
        Which function it implements, such as "conv_backward".
    implementation : callable
        Takes explicit arrays.
    options : dict
        Its keyword arguments; for a loss, ``{"y": labels}``.

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
    return PAIRS[function](implementation, options)


def _forward(layer_forward, layer_backward):
    def pair(implementation, options):
        @wraps(layer_forward)
        def forward(*inputs):
            return implementation(*inputs, **options), layer_forward(*inputs, **options)[1]

        return forward, layer_backward

    return pair


def _backward(layer_forward, read):
    """Return what makes the pair of a backward that reads the first `read` of the layer's inputs."""

    def pair(implementation, options):
        @wraps(layer_forward)
        def forward(*inputs):
            return layer_forward(*inputs, **options)[0], inputs[:read]

        def backward(dout, inputs):
            return implementation(dout, *inputs, **options)

        return forward, backward

    return pair


def _loss_backward(layer_forward):
    def pair(implementation, options):
        @wraps(layer_forward)
        def forward(prediction):
            return layer_forward(prediction, options["y"])[0], prediction

        def backward(dloss, prediction):
            return implementation(prediction, options["y"]) * dloss

        return forward, backward

    return pair


def _softmax_backward(implementation, options):
    def forward(z):
        y_hat = layers.softmax(z)
        return y_hat, y_hat

    def backward(dy_hat, y_hat):
        return implementation(dy_hat, y_hat)

    return forward, backward


PAIRS = {
    "relu_backward": _backward(layers.relu_forward, 1),
    "fc_backward": _backward(layers.fc_forward, 2),
    "softmax_forward": _forward(layers.softmax_forward, layers.softmax_backward),
    "softmax_backward": _softmax_backward,
    "cross_entropy_backward": _loss_backward(layers.cross_entropy_forward),
    "softmax_cross_entropy_backward": _loss_backward(layers.softmax_cross_entropy_forward),
    "conv_forward": _forward(layers.conv_forward, layers.conv_backward),
    "conv_backward": _backward(layers.conv_forward, 2),
    "pool_forward": _forward(layers.pool_forward, layers.pool_backward),
    "pool_backward": _backward(layers.pool_forward, 1),
    "flatten_backward": _backward(layers.flatten_forward, 1),
}
