"""The layers: each one a pair of pure functions, forward and backward. NumPy only.

Forward returns its output and a cache; backward takes the gradient from above and the cache, in this order,
and returns the gradient at each input, of that input's shape. No argument is ever written to, and no result
shares memory with one. Batch first, channels last: X is (M, H, W, C), W is (F_h, F_w, C, K).

*dtype*: float32, float64 and complex128 come out as they went in, a mixture as `numpy.result_type` has it.
Integers stay integers where only sums, products and maxima occur (sums are int64, or uint64, and exact); a
division or an exponential makes them float64. Comparisons look at the real part and no function conjugates,
so a complex step goes through. NaN propagates. The values agree to rounding whatever the memory order.

*errors*: they name the function, the argument, what was expected and what came. TypeError: entries of another
kind (bool, strings, objects, float16), a masked array, a size, stride, dilation or padding that is not an
integer, the cache of another layer. ValueError: a wrong rank or shape, an empty array, a number out of range,
an unknown word, a window larger than the padded image.
"""

from backprop_helpers.layers._windows import output_size, resolve_padding
from backprop_helpers.layers.conv import conv_backward, conv_forward
from backprop_helpers.layers.flatten import flatten_backward, flatten_forward
from backprop_helpers.layers.fully_connected import fc_backward, fc_forward
from backprop_helpers.layers.patches import col2im, im2col
from backprop_helpers.layers.pooling import pool_backward, pool_forward
from backprop_helpers.layers.relu import relu_backward, relu_forward
from backprop_helpers.layers.softmax import (
    cross_entropy_backward,
    cross_entropy_forward,
    softmax,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
    softmax_jacobian,
)

# fmt: off
__all__ = [
    "col2im", "conv_backward", "conv_forward", "cross_entropy_backward", "cross_entropy_forward",
    "fc_backward", "fc_forward", "flatten_backward", "flatten_forward", "im2col", "output_size",
    "pool_backward", "pool_forward", "relu_backward", "relu_forward", "resolve_padding", "softmax",
    "softmax_backward", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward", "softmax_forward",
    "softmax_jacobian",
]
