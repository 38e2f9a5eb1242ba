"""Bad arguments: an error that names the function, the argument, what was expected and what came.

One table. Each row: what is wrong, the call, the argument that the message must name, and (where there is a
value or a shape to show) what came, in any of the ways to write it.
"""

import re
import warnings
from functools import partial

import numpy as np
import pytest

from backprop_helpers import layers

# Words of NumPy's own messages about shapes, casts and indices: none may reach the reader.
NUMPY_WORDS = (
    "broadcast",
    "could not be",
    "operands",
    "matmul",
    "einsum",
    "ufunc",
    "inhomogeneous",
    "setting an array element",
    "cannot reshape",
    "could not convert",
    "out of bounds",
    "must match",
    "not subscriptable",
    "has no attribute",
    "object of type",
    "not supported between",
    "unsupported operand",
    "cannot unpack",
    "values to unpack",
    "unhashable",
)


def ones(*shape, dtype=float):
    return np.ones(shape, dtype)


X, W, B = ones(2, 5, 6, 3), ones(3, 2, 3, 4), ones(4)
Z, LABELS = ones(3, 4), np.array([0, 3, 1])
PROBABILITIES = np.full((3, 4), 0.25)

conv = partial(layers.conv_forward, X, W, B)
pool = partial(layers.pool_forward, X)

# Nothing that a layer could compute with.
NOT_NUMBERS = {
    "strings": np.array(["a", "b"]),
    "objects": np.array([None, 1]),
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "None": None,
    "a string": "image",
    "a dict": {},
    "a ragged list": [[1, 2], [3]],
}

# Neither a whole number of pixels, at least 1, nor a pair of them.
NOT_COUNTS = {
    "0": 0,
    "negative": -1,
    "fractional": 1.5,
    "a whole float": 2.0,
    "a NumPy float": np.float64(2.0),
    "NaN": float("nan"),
    "infinite": float("inf"),
    "True": True,
    "False": False,
    "a NumPy bool": np.True_,
    "a string": "2",
    "a triple": (1, 1, 1),
    "a single": (1,),
    "an empty pair": (),
    "a pair with 0": (1, 0),
    "a pair with a negative": (-2, 1),
    "a pair with a fraction": (1, 1.5),
    "a pair with a bool": (True, 1),
    "a pair with a string": (1, "1"),
    "a pair with None": (None, 1),
    "a pair of pairs": ((1, 1), (1, 1)),
    "a dict": {"rows": 1},
    "a set": {1, 2},
}
NOT_PADDINGS = {
    **{name: value for name, value in NOT_COUNTS.items() if name not in ("0", "a pair with 0")},
    "unknown": "full",
    "almost same": "Same",
    "None": None,
    "a pair of words": ("same", "valid"),
    "a word and a number": ("same", 1),
}


def shown(value):
    """How a value that came may be written in a message: as Python or as NumPy writes it."""
    return {repr(value), str(value), repr(value.item()) if isinstance(value, np.generic) else repr(value)}


ROWS = []


def row(what, call, argument, came=None):
    ROWS.append(pytest.param(call, argument, came, id=what))


def options(name, function, argument, values):
    for what, value in values.items():
        # Of a wrong pair the message may show the pair or the wrong part of it.
        parts = value if isinstance(value, tuple) else ()
        came = set().union(shown(value), *(shown(part) for part in parts))
        row(f"{name} {argument}: {what}", partial(function, **{argument: value}), argument, came)


def arrays(name, function, arguments, position, argument, shapes):
    """`function(*arguments)` with the one at `position` replaced by ones of each wrong shape."""
    for what, shape in shapes.items():
        replaced = [*arguments[:position], ones(*shape), *arguments[position + 1 :]]
        row(f"{name} {argument}: {what}", partial(function, *replaced), argument, {str(shape)})


def not_numbers(name, function, arguments, position, argument):
    for what, value in NOT_NUMBERS.items():
        replaced = [*arguments[:position], value, *arguments[position + 1 :]]
        row(f"{name} {argument}: {what}", partial(function, *replaced), argument)
    # Of the right shape too, so that the shape cannot be what is complained about.
    right = np.asarray(arguments[position])
    for what, dtype in {"strings": "U1", "objects": object, "bytes": "S1"}.items():
        replaced = [*arguments[:position], right.astype(dtype), *arguments[position + 1 :]]
        row(f"{name} {argument}: {what} of the right shape", partial(function, *replaced), argument)


# Convolution.
for position, argument in enumerate(("x", "w", "b")):
    not_numbers("conv_forward", layers.conv_forward, (X, W, B), position, argument)
arrays(
    "conv_forward",
    layers.conv_forward,
    (X, W, B),
    0,
    "x",
    {
        "rank 0": (),
        "rank 2": (5, 6),
        "rank 3": (5, 6, 3),
        "rank 5": (1, 2, 5, 6, 3),
        "empty batch": (0, 5, 6, 3),
        "no rows": (2, 0, 6, 3),
        "no columns": (2, 5, 0, 3),
        "no channels": (2, 5, 6, 0),
        "a channel too few": (2, 5, 6, 2),
        "one channel": (2, 5, 6, 1),
        "channels first": (2, 3, 5, 6),
    },
)
arrays(
    "conv_forward",
    layers.conv_forward,
    (X, W, B),
    1,
    "w",
    {
        "rank 0": (),
        "rank 2": (3, 2),
        "rank 3": (3, 2, 3),
        "rank 5": (1, 3, 2, 3, 4),
        "no kernel rows": (0, 2, 3, 4),
        "no kernel columns": (3, 0, 3, 4),
        "no channels": (3, 2, 0, 4),
        "no filters": (3, 2, 3, 0),
        "a channel too many": (3, 2, 4, 4),
        "one channel": (3, 2, 1, 4),
    },
)
arrays(
    "conv_forward",
    layers.conv_forward,
    (X, W, B),
    2,
    "b",
    {
        "rank 0": (),
        "a row": (1, 4),
        "a column": (4, 1),
        "too long": (5,),
        "too short": (3,),
        "one for all": (1,),
        "empty": (0,),
        "as large as z": (2, 5, 6, 4),
    },
)
for argument in ("stride", "dilation"):
    options("conv_forward", conv, argument, {**NOT_COUNTS, "None": None})
options("conv_forward", conv, "padding", NOT_PADDINGS)
for what, x_shape, w_shape, how in (
    ("taller", (1, 2, 6, 1), (3, 1, 1, 1), {"padding": "valid"}),
    ("wider", (1, 6, 2, 1), (1, 3, 1, 1), {"padding": "valid"}),
    ("larger than the padded input", (1, 2, 2, 1), (5, 5, 1, 1), {"padding": 1}),
    ("wider than the padded input", (1, 5, 2, 1), (5, 5, 1, 1), {"padding": (0, 1)}),
    ("dilated out of the input", (1, 5, 5, 1), (3, 3, 1, 1), {"padding": "valid", "dilation": 3}),
    ("dilated out of the input's columns", (1, 5, 5, 1), (3, 3, 1, 1), {"padding": 0, "dilation": (2, 3)}),
):
    call = partial(layers.conv_forward, ones(*x_shape), ones(*w_shape), ones(1), **how)
    row(f"conv_forward w: {what}", call, "w", {f"{w_shape[0]}×{w_shape[1]}", str(w_shape)})

CONV_CACHE = layers.conv_forward(X, W, B, padding="same")[1]
UPSTREAMS = {
    "rank 0": (),
    "rank 3": (5, 6, 4),
    "rank 5": (1, 2, 5, 6, 4),
    "another batch": (3, 5, 6, 4),
    "one example": (1, 5, 6, 4),
    "a row too few": (2, 4, 6, 4),
    "a column too many": (2, 5, 7, 4),
    "one filter": (2, 5, 6, 1),
    "rows and columns swapped": (2, 6, 5, 4),
    "channels first": (2, 4, 5, 6),
    "flat": (2, 120),
    "empty": (0, 5, 6, 4),
    "all ones": (1, 1, 1, 1),
}
arrays("conv_backward", layers.conv_backward, (ones(2, 5, 6, 4), CONV_CACHE), 0, "dz", UPSTREAMS)
not_numbers("conv_backward", layers.conv_backward, (ones(2, 5, 6, 4), CONV_CACHE), 0, "dz")
row(
    "conv_backward dz: wrong shape without dx",
    partial(layers.conv_backward, ones(2, 5, 6, 1), CONV_CACHE, need_dx=False),
    "dz",
    {"(2, 5, 6, 1)"},
)
for what, value in {"a string": "no", "None": None, "a number": 0}.items():
    call = partial(layers.conv_backward, ones(2, 5, 6, 4), CONV_CACHE, need_dx=value)
    row(f"conv_backward need_dx: {what}", call, "need_dx", shown(value))

# Pooling.
not_numbers("pool_forward", layers.pool_forward, (X,), 0, "x")
POOL_SHAPES = {
    "rank 0": (),
    "rank 2": (5, 6),
    "rank 3": (5, 6, 3),
    "rank 5": (1, 2, 5, 6, 3),
    "empty batch": (0, 5, 6, 3),
    "no rows": (2, 0, 6, 3),
    "no columns": (2, 5, 0, 3),
    "no channels": (2, 5, 6, 0),
}
for mode in ("max", "average"):
    arrays(f"pool_forward {mode}", partial(layers.pool_forward, mode=mode), (X,), 0, "x", POOL_SHAPES)
options("pool_forward", pool, "size", {**NOT_COUNTS, "None": None})
options("pool_forward", pool, "stride", NOT_COUNTS)
MODES = {
    "unknown": "min",
    "short": "avg",
    "capital": "Max",
    "None": None,
    "a number": 1,
    "a list": ["max"],
    "empty": "",
}
options("pool_forward", pool, "mode", MODES)
for what, size in {"taller": (6, 1), "wider": (1, 7), "larger": 9}.items():
    row(
        f"pool_forward size: {what} than x",
        partial(pool, size=size),
        "size",
        {str(size), "6×1", "1×7", "9×9"},
    )
for mode in ("max", "average"):
    POOL_CACHE = layers.pool_forward(X, size=(2, 3), stride=1, mode=mode)[1]
    call = (layers.pool_backward, (ones(2, 4, 4, 3), POOL_CACHE), 0, "dz")
    wrong = {
        "rank 0": (),
        "rank 3": (4, 4, 3),
        "another batch": (1, 4, 4, 3),
        "one row": (2, 1, 4, 3),
        "a column too many": (2, 4, 5, 3),
        "one channel": (2, 4, 4, 1),
        "the shape of x": (2, 5, 6, 3),
    }
    arrays(f"pool_backward {mode}", *call, wrong)
    not_numbers(f"pool_backward {mode}", *call)

# ReLU.
not_numbers("relu_forward", layers.relu_forward, (Z,), 0, "z")
arrays("relu_forward", layers.relu_forward, (Z,), 0, "z", {"empty batch": (0, 4), "empty": (0,)})
RELU_CACHE = layers.relu_forward(Z)[1]
wrong = {
    "rank 0": (),
    "rank 1": (4,),
    "one example": (1, 4),
    "transposed": (4, 3),
    "one unit": (3, 1),
    "empty": (0, 4),
}
arrays("relu_backward", layers.relu_backward, (Z, RELU_CACHE), 0, "da", wrong)
not_numbers("relu_backward", layers.relu_backward, (Z, RELU_CACHE), 0, "da")

# Fully connected.
FC = (ones(3, 5), ones(5, 4), ones(4))
for position, argument in enumerate(("x", "w", "b")):
    not_numbers("fc_forward", layers.fc_forward, FC, position, argument)
wrong = {
    "rank 0": (),
    "rank 1": (5,),
    "rank 3": (1, 3, 5),
    "maps": (3, 1, 1, 5),
    "empty batch": (0, 5),
    "no features": (3, 0),
    "a feature too many": (3, 6),
    "one feature": (3, 1),
    "transposed": (5, 3),
}
arrays("fc_forward", layers.fc_forward, FC, 0, "x", wrong)
wrong = {
    "rank 0": (),
    "rank 1": (5,),
    "rank 3": (1, 5, 4),
    "transposed": (4, 5),
    "no inputs": (0, 4),
    "no units": (5, 0),
}
arrays("fc_forward", layers.fc_forward, FC, 1, "w", wrong)
wrong = {
    "rank 0": (),
    "a row": (1, 4),
    "too long": (5,),
    "one for all": (1,),
    "empty": (0,),
    "as large as z": (3, 4),
}
arrays("fc_forward", layers.fc_forward, FC, 2, "b", wrong)
FC_CACHE = layers.fc_forward(*FC)[1]
wrong = {
    "rank 0": (),
    "rank 1": (4,),
    "one example": (1, 4),
    "one unit": (3, 1),
    "transposed": (4, 3),
    "empty": (0, 4),
}
arrays("fc_backward", layers.fc_backward, (ones(3, 4), FC_CACHE), 0, "dz", wrong)
not_numbers("fc_backward", layers.fc_backward, (ones(3, 4), FC_CACHE), 0, "dz")

# Flatten.
not_numbers("flatten_forward", layers.flatten_forward, (X,), 0, "x")
wrong = {"rank 0": (), "rank 1": (4,), "empty batch": (0, 5, 6, 3), "no rows": (2, 0, 6, 3)}
arrays("flatten_forward", layers.flatten_forward, (X,), 0, "x", wrong)
FLATTEN_CACHE = layers.flatten_forward(X)[1]
wrong = {
    "rank 0": (),
    "rank 1": (180,),
    "unflattened": (2, 5, 6, 3),
    "too long": (2, 91),
    "another batch": (3, 90),
}
arrays("flatten_backward", layers.flatten_backward, (ones(2, 90), FLATTEN_CACHE), 0, "dy", wrong)
not_numbers("flatten_backward", layers.flatten_backward, (ones(2, 90), FLATTEN_CACHE), 0, "dy")

# Softmax.
SCORE_SHAPES = {"rank 0": (), "rank 3": (1, 3, 4), "empty batch": (0, 4), "no classes": (3, 0)}
for name in ("softmax", "softmax_forward"):
    not_numbers(name, getattr(layers, name), (Z,), 0, "z")
    arrays(name, getattr(layers, name), (Z,), 0, "z", SCORE_SHAPES)
SOFTMAX_CACHE = layers.softmax_forward(Z)[1]
wrong = {"rank 0": (), "rank 1": (4,), "one example": (1, 4), "one class": (3, 1), "transposed": (4, 3)}
arrays("softmax_backward", layers.softmax_backward, (Z, SOFTMAX_CACHE), 0, "dy_hat", wrong)
not_numbers("softmax_backward", layers.softmax_backward, (Z, SOFTMAX_CACHE), 0, "dy_hat")

# The losses: both take labels, both are checked alike.
EYE = np.eye(4)[LABELS]
LABEL_MISTAKES = {
    "too large": np.array([0, 4, 1]),
    "negative": np.array([0, -1, 1]),
    "far too large in a byte": np.array([0, 200, 1], np.uint8),
    "fractional": np.array([0.5, 1.0, 2.0]),
    "NaN": np.array([np.nan, 1.0, 2.0]),
    "complex": np.array([0, 1, 2], complex),
    "too few": np.array([0, 3]),
    "one": np.array([0]),
    "a number": np.array(0),
    "too many": np.array([0, 3, 1, 1]),
    "empty": np.array([], int),
    "a column": np.array([[0], [3], [1]]),
    "a row": np.array([[0, 3, 1]]),
    "rows too few": EYE[:2],
    "one row": EYE[:1],
    "rows too narrow": np.eye(3),
    "rows too wide": np.eye(5)[LABELS],
    "rank 3": EYE[None],
    "rows of ones": ones(3, 4),
    "rows of zeros": np.zeros((3, 4)),
    "one row of zeros": EYE * [[1], [1], [0]],
    "rows that sum to 2": 2 * EYE,
    "integer rows that sum to 2": 2 * EYE.astype(int),
    "rows with a negative": EYE + [[0.5, 0.5, -1.0, 0.0]],
    "integer rows with a negative": np.array([[1, 0, 0, 0], [1, 1, -1, 0], [0, 1, 0, 0]]),
    "rows with NaN": EYE * [[1.0, np.nan, 1.0, 1.0]],
    "rows with infinity": np.where(EYE == 1, np.inf, 0),
    "strings": np.array(["0", "3", "1"]),
    "objects": np.array([0, 3, None]),
    "None": None,
    "a ragged list": [[0], [1, 2], [3]],
}
LOSSES = {
    "cross_entropy": ("y_hat", PROBABILITIES),
    "softmax_cross_entropy": ("z", Z),
}
for name, (argument, values) in LOSSES.items():
    forward, backward = getattr(layers, f"{name}_forward"), getattr(layers, f"{name}_backward")
    for what, y in LABEL_MISTAKES.items():
        row(f"{name}_forward y: {what}", partial(forward, values, y), "y")
    not_numbers(f"{name}_forward", forward, (values, LABELS), 0, argument)
    arrays(f"{name}_forward", forward, (values, LABELS), 0, argument, {**SCORE_SHAPES, "rank 1": (4,)})
    cache = forward(values, LABELS)[1]
    for what, dloss in {
        "an array": ones(3),
        "an array of one": ones(1),
        "the shape of z": ones(3, 4),
        "a string": "1",
        "None": None,
        "a list": [1.0, 2.0],
    }.items():
        row(f"{name}_backward dloss: {what}", partial(backward, dloss, cache), "dloss")

# Backward with something that is not the cache of its own forward.
OTHER_CACHES = {"None": None, "an array": X, "another layer's": SOFTMAX_CACHE, "a plain tuple": (X, W)}
for name in ("conv", "pool", "relu", "fc", "flatten"):
    for what, cache in OTHER_CACHES.items():
        row(f"{name}_backward cache: {what}", partial(getattr(layers, f"{name}_backward"), X, cache), "cache")
for what, cache in {**OTHER_CACHES, "another layer's": RELU_CACHE}.items():
    row(f"softmax_backward cache: {what}", partial(layers.softmax_backward, Z, cache), "cache")
    for name in LOSSES:
        row(
            f"{name}_backward cache: {what}",
            partial(getattr(layers, f"{name}_backward"), 1.0, cache),
            "cache",
        )


def function_of(call):
    """The name of the layer's function under nested partials."""
    while isinstance(call, partial):
        call = call.func
    return call.__name__


@pytest.mark.parametrize(("call", "argument", "came"), ROWS)
def test_a_bad_argument_is_named(call, argument, came):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
    message = str(caught.value)
    # Exactly these: NumPy's own errors (AxisError, UFuncTypeError) are subclasses of them.
    assert type(caught.value) in (ValueError, TypeError)
    assert message.startswith(f"{function_of(call)}: "), message
    assert re.search(rf"(?<![\w.]){argument}(?!\w)", message.split(": ", 1)[1]), (
        f"does not name {argument}: {message}"
    )
    for word in NUMPY_WORDS:
        assert word not in message, f"NumPy's words: {message}"
    if came is not None:
        assert any(text in message for text in came), (
            f"does not show what came, one of {sorted(came)}: {message}"
        )


def test_the_example_of_the_contract():
    with pytest.raises(ValueError) as caught:
        layers.conv_forward(ones(2, 28, 28, 3), ones(5, 5, 1, 8), ones(8))
    assert str(caught.value) == (
        "conv_forward: x has 3 channels but w expects 1; "
        "x is (2, 28, 28, 3) as (M, H, W, C), w is (5, 5, 1, 8) as (F_h, F_w, C, K)"
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: conv(stride=0), "at least 1"),
        (lambda: conv(stride="2"), "integer"),
        (lambda: conv(padding=-1), "at least 0"),
        (lambda: conv(padding="full"), "valid"),
        (lambda: pool(mode="min"), "average"),
        (lambda: layers.conv_backward(ones(2, 5, 6, 1), CONV_CACHE), "(2, 5, 6, 4)"),
        (lambda: layers.pool_backward(ones(1, 1, 1, 1), POOL_CACHE), "(2, 4, 4, 3)"),
        (lambda: layers.fc_backward(ones(1, 4), FC_CACHE), "(3, 4)"),
        (lambda: layers.softmax_cross_entropy_forward(Z, np.array([0, 4, 1])), "0 ... 3"),
        (lambda: layers.softmax_cross_entropy_forward(Z, 2 * EYE), "sum to 1"),
        (lambda: layers.fc_forward(ones(3, 5), ones(4, 5), ones(5)), "5"),
    ],
)
def test_the_message_says_what_was_expected(call, expected):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert expected in str(caught.value)


def test_what_is_legal_is_accepted():
    """The border of the rules: the smallest legal values, NumPy integers, lists of numbers, distributions."""
    conv(stride=(np.int64(1), 7), padding=(0, np.uint8(9)), dilation=(1, np.int8(1)))
    conv(stride=100)
    layers.conv_forward(X, ones(5, 6, 3, 4), B, padding="valid")
    pool(size=(5, 6))
    pool(size=1, stride=np.int32(50), mode="average")
    layers.softmax_cross_entropy_forward(Z, PROBABILITIES)
    layers.softmax_cross_entropy_forward(Z.astype(np.float32), PROBABILITIES.astype(np.float32))
    layers.softmax_cross_entropy_forward(ones(1, 1), np.array([0]))
    layers.fc_forward([[1, 2]], [[3], [4]], [5])
