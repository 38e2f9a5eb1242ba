"""The layers: each one a pair of pure functions, forward and backward. NumPy only.

A forward function returns its output and a cache; the backward function takes the gradient at the output and
the cache, and returns the gradient at each input. Nothing is stored elsewhere and no argument is ever
written to. Batch first, channels last: X is (M, H, W, C), W is (F_h, F_w, C, K).

Two rules hold for every layer.

*dtype*: float32, float64 and complex128 come out as they went in, a mixture as `numpy.result_type` has it.
Integers stay integers where only sums, products and maxima occur (sums are int64, and exact); a division or
an exponential makes them float64. bool, strings, objects and float16 are refused. Comparisons look at the
real part and no function conjugates, so a complex step goes through.

*memory order*: what comes in in Fortran order only (the batch index fastest) goes out in Fortran order, all
else in C order. The values agree to rounding. A gradient is stored like the array it belongs to.
"""

from backprop_helpers.layers._windows import Windows
from backprop_helpers.layers.conv import (
    ConvCache,
    col2im,
    conv_backward,
    conv_forward,
    im2col,
    output_size,
    resolve_padding,
)
from backprop_helpers.layers.flatten import FlattenCache, flatten_backward, flatten_forward
from backprop_helpers.layers.fully_connected import FullyConnectedCache, fc_backward, fc_forward
from backprop_helpers.layers.pooling import PoolCache, pool_backward, pool_forward
from backprop_helpers.layers.relu import ReluCache, relu_backward, relu_forward
from backprop_helpers.layers.softmax import (
    CrossEntropyCache,
    SoftmaxCache,
    SoftmaxCrossEntropyCache,
    cross_entropy_backward,
    cross_entropy_forward,
    softmax,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
    softmax_jacobian,
)

__all__ = [
    "ConvCache",
    "CrossEntropyCache",
    "FlattenCache",
    "FullyConnectedCache",
    "PoolCache",
    "ReluCache",
    "SoftmaxCache",
    "SoftmaxCrossEntropyCache",
    "Windows",
    "col2im",
    "conv_backward",
    "conv_forward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "fc_backward",
    "fc_forward",
    "flatten_backward",
    "flatten_forward",
    "im2col",
    "output_size",
    "pool_backward",
    "pool_forward",
    "relu_backward",
    "relu_forward",
    "resolve_padding",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
    "softmax_jacobian",
]
