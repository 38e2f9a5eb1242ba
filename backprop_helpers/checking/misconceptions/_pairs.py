"""From a function of explicit arrays to the pair (forward, backward) that a gradient check takes.

The other half of the pair is the layer itself, so that exactly one of the two is wrong.
"""

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
            f"{name}: {function} is no layer, so there are no gradients to check; compare wrong with right "
            "instead"
        )
    return PAIRS[function](implementation, options)


def _relu_backward(implementation, options):
    def forward(z):
        return layers.relu_forward(z)[0], z

    def backward(da, z):
        return implementation(da, z)

    return forward, backward


def _fc_backward(implementation, options):
    def forward(x, w, b):
        return layers.fc_forward(x, w, b)[0], (x, w)

    def backward(dz, cache):
        return implementation(dz, *cache)

    return forward, backward


def _softmax_forward(implementation, options):
    def forward(z):
        return implementation(z), layers.softmax_forward(z)[1]

    return forward, layers.softmax_backward


def _softmax_backward(implementation, options):
    def forward(z):
        y_hat = layers.softmax(z)
        return y_hat, y_hat

    def backward(dy_hat, y_hat):
        return implementation(dy_hat, y_hat)

    return forward, backward


def _cross_entropy_backward(implementation, options):
    def forward(y_hat):
        return layers.cross_entropy_forward(y_hat, options["y"])[0], y_hat

    def backward(dloss, y_hat):
        return implementation(y_hat, options["y"]) * dloss

    return forward, backward


def _softmax_cross_entropy_backward(implementation, options):
    def forward(z):
        return layers.softmax_cross_entropy_forward(z, options["y"])[0], z

    def backward(dloss, z):
        return implementation(z, options["y"]) * dloss

    return forward, backward


def _conv_forward(implementation, options):
    def forward(x, w, b):
        return implementation(x, w, b, **options), layers.conv_forward(x, w, b, **options)[1]

    return forward, layers.conv_backward


def _conv_backward(implementation, options):
    def forward(x, w, b):
        return layers.conv_forward(x, w, b, **options)[0], (x, w)

    def backward(dz, cache):
        return implementation(dz, *cache, **options)

    return forward, backward


def _pool_forward(implementation, options):
    def forward(x):
        return implementation(x, **options), layers.pool_forward(x, **options)[1]

    return forward, layers.pool_backward


def _pool_backward(implementation, options):
    def forward(x):
        return layers.pool_forward(x, **options)[0], x

    def backward(dz, x):
        return implementation(dz, x, **options)

    return forward, backward


def _flatten_backward(implementation, options):
    def forward(x):
        return layers.flatten_forward(x)[0], x

    def backward(dy, x):
        return implementation(dy, x)

    return forward, backward


PAIRS = {
    "relu_backward": _relu_backward,
    "fc_backward": _fc_backward,
    "softmax_forward": _softmax_forward,
    "softmax_backward": _softmax_backward,
    "cross_entropy_backward": _cross_entropy_backward,
    "softmax_cross_entropy_backward": _softmax_cross_entropy_backward,
    "conv_forward": _conv_forward,
    "conv_backward": _conv_backward,
    "pool_forward": _pool_forward,
    "pool_backward": _pool_backward,
    "flatten_backward": _flatten_backward,
}
