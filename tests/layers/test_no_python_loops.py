"""The layers loop in NumPy, not in Python: their work in the interpreter does not grow with the data.

What is counted is every bytecode instruction that the interpreter runs during a call, in any module. A loop
over examples, pixels, channels or filters, a comprehension, `np.vectorize` and the like would multiply the
count when that axis grows; loops over the offsets of a kernel or a window do not. (A C loop such as `map`
over a C function would go unseen.)
"""

import sys

import numpy as np
import pytest

from backprop_helpers import layers


def instructions(function):
    """How many bytecode instructions the interpreter runs while calling `function`."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(previous)
    return count


def conv(M, H, W, C, K, **options):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((M, H, W, C)), rng.standard_normal((3, 2, C, K)), rng.standard_normal(K)
    z, cache = layers.conv_forward(x, w, b, **options)
    layers.conv_backward(z, cache)


def pool(M, H, W, K, **options):
    z, cache = layers.pool_forward(np.random.default_rng(0).standard_normal((M, H, W, K)), **options)
    layers.pool_backward(z, cache)


def relu(M, H, W, K):
    a, cache = layers.relu_forward(np.random.default_rng(0).standard_normal((M, H, W, K)))
    layers.relu_backward(a, cache)


def flatten(M, H, W, K):
    y, cache = layers.flatten_forward(np.random.default_rng(0).standard_normal((M, H, W, K)))
    layers.flatten_backward(y, cache)


def fc(M, N, K):
    rng = np.random.default_rng(0)
    z, cache = layers.fc_forward(*(rng.standard_normal(shape) for shape in ((M, N), (N, K), (K,))))
    layers.fc_backward(z, cache)


def loss(M, K):
    z = np.random.default_rng(0).standard_normal((M, K))
    for y in (np.arange(M) % K, np.eye(K)[np.arange(M) % K]):
        _, cache = layers.softmax_cross_entropy_forward(z, y)
        layers.softmax_cross_entropy_backward(1.0, cache)
        y_hat, softmax_cache = layers.softmax_forward(z)
        _, cache = layers.cross_entropy_forward(y_hat, y)
        layers.softmax_backward(layers.cross_entropy_backward(1.0, cache), softmax_cache)


CASES = [
    (conv, {"padding": "same"}),
    (conv, {"stride": 2, "padding": "valid"}),
    (conv, {"stride": (1, 3), "padding": (2, 1), "dilation": (2, 1)}),
    (pool, {}),
    (pool, {"size": 3, "stride": 2}),
    (pool, {"size": 2, "stride": 3, "mode": "average"}),
    (relu, {}),
    (flatten, {}),
    (fc, {}),
    (loss, {}),
]
GROWTH = 12


@pytest.mark.parametrize(
    ("run", "options"), CASES, ids=[f"{run.__name__} {options}" for run, options in CASES]
)
def test_python_work_does_not_grow_with_the_data(run, options):
    axes = run.__code__.co_varnames[: run.__code__.co_argcount]
    small = dict.fromkeys(axes, 8)
    # Once before counting: imports, caches, and Python 3.13 tells of opcodes from the second trace on only.
    instructions(lambda: run(**small, **options))
    base = instructions(lambda: run(**small, **options))
    assert base > 0
    for axis in axes:
        grown = instructions(lambda axis=axis: run(**{**small, axis: GROWTH * small[axis]}, **options))
        assert grown < 2 * base, f"{axis} × {GROWTH}: {base} instructions became {grown}"


def test_the_count_sees_a_loop():
    """The check itself: a Python loop, a comprehension and np.vectorize over the data are all seen."""

    def looped(size):
        for value in np.zeros(size):
            value + 1

    for suspect in (
        looped,
        lambda size: [value + 1 for value in np.zeros(size)],
        lambda size: np.vectorize(lambda value: value + 1)(np.zeros(size)),
    ):
        small, large = (
            instructions(lambda size=size, suspect=suspect: suspect(size)) for size in (100, 1200)
        )
        assert large > 2 * small
