"""ReLU, the fully connected layer and flatten against loops, derivatives, adjoints and exact integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_helpers.layers import (
    fc_backward,
    fc_forward,
    flatten_backward,
    flatten_forward,
    relu_backward,
    relu_forward,
)

from . import reference
from .cases import (
    LAYOUTS,
    assert_adjoint,
    assert_close,
    assert_same,
    complex_step,
    laid_out,
    matrix_shapes,
    normal,
    seeds,
)

layouts = st.sampled_from(LAYOUTS)
dtypes = st.sampled_from([np.int64, np.int32, np.float32, np.float64, np.complex128])
shapes = st.integers(1, 4).flatmap(lambda axes: matrix_shapes(axes, largest=5))


def fc_arrays(shape, seed, layout, dtype=np.float64):
    M, N, K = shape
    rng = np.random.default_rng(seed)
    return tuple(laid_out(normal(rng, s, dtype), layout) for s in ((M, N), (N, K), (K,), (M, K)))


@given(shape=shapes, seed=seeds, layout=layouts, dtype=dtypes)
def test_relu_equals_the_loops(shape, seed, layout, dtype):
    rng = np.random.default_rng(seed)
    z, da = (laid_out(normal(rng, shape, dtype), layout) for _ in range(2))
    a, cache = relu_forward(z)
    assert_same(a, reference.relu_forward(z))
    assert_same(relu_backward(da, cache), reference.relu_backward(da, z))


@given(shape=shapes, seed=seeds)
def test_relu_gradient_equals_complex_step_derivative(shape, seed):
    """Small integers, so that many entries are 0: the step does not move the mask, the slope there is 0."""
    rng = np.random.default_rng(seed)
    z, da = rng.integers(-1, 2, shape).astype(float), normal(rng, shape)
    (numeric,) = complex_step(lambda z: relu_forward(z)[0], (z,), da)
    assert_close(relu_backward(da, relu_forward(z)[1]), numeric)


@given(shape=shapes, seed=seeds)
def test_relu_adjoint(shape, seed):
    rng = np.random.default_rng(seed)
    z, da = normal(rng, shape), normal(rng, shape)
    a, cache = relu_forward(z)
    assert_adjoint(a, da, z, relu_backward(da, cache))


def test_relu_exact():
    z = np.array([[-2, 0, 3], [1, -1, 0]])
    a, cache = relu_forward(z)
    assert a.tolist() == [[0, 0, 3], [1, 0, 0]]
    assert relu_backward(np.array([[7, 8, 9], [-4, 5, 6]]), cache).tolist() == [[0, 0, 9], [-4, 0, 0]]
    assert a.dtype.kind == "i"


def test_relu_looks_at_the_real_part_only():
    """NumPy compares imaginary parts where the real parts tie: np.maximum(1e-20j, 0) is 1e-20j."""
    z = np.array([1e-20j, -1e-20j, -1 + 5j, 1 - 5j])
    a, cache = relu_forward(z)
    assert a.tolist() == [0, 0, 0, 1 - 5j]
    assert relu_backward(np.full(4, 1j), cache).tolist() == [0, 0, 0, 1j]


def test_relu_negative_zero_and_infinities():
    z = np.array([-0.0, 0.0, np.inf, -np.inf])
    a, cache = relu_forward(z)
    assert a.tolist() == [0, 0, np.inf, 0]
    assert relu_backward(np.ones(4), cache).tolist() == [0, 0, 1, 0]


def test_relu_of_one_number():
    for z, a in ((3.0, 3.0), (np.array(-3.0), 0.0)):
        out, cache = relu_forward(z)
        assert out == a
        assert relu_backward(2.0, cache) == 2 * (a > 0)


def test_relu_nan_propagates():
    z = np.array([[np.nan, 1.0], [-1.0, 2.0]])
    a, cache = relu_forward(z)
    assert np.isnan(a).tolist() == [[True, False], [False, False]]
    assert a[1].tolist() == [0.0, 2.0]
    da = np.array([[1.0, np.nan], [1.0, 1.0]])
    dz = relu_backward(da, cache)
    assert np.isnan(dz[0, 1])
    assert dz[1].tolist() == [0.0, 1.0]


@given(shape=matrix_shapes(3), seed=seeds, layout=layouts, dtype=dtypes)
def test_fc_equals_the_loops(shape, seed, layout, dtype):
    x, w, b, dz = fc_arrays(shape, seed, layout, dtype)
    z, cache = fc_forward(x, w, b)
    exact = np.issubdtype(dtype, np.integer)
    tolerance = 1e-5 if dtype == np.float32 else 0 if exact else 1e-12
    results = (z, *fc_backward(dz, cache))
    expected = (reference.fc_forward(x, w, b), *reference.fc_backward(dz, x, w))
    for result, reference_result in zip(results, expected, strict=True):
        assert result.dtype.kind in "iu" if exact else result.dtype == dtype
        assert_close(result, reference_result, tolerance)


@settings(max_examples=30)
@given(shape=matrix_shapes(3, largest=5), seed=seeds)
def test_fc_gradients_equal_complex_step_derivatives(shape, seed):
    x, w, b, dz = fc_arrays(shape, seed, "C")
    numeric = complex_step(lambda *inputs: fc_forward(*inputs)[0], (x, w, b), dz)
    for gradient, derivative in zip(fc_backward(dz, fc_forward(x, w, b)[1]), numeric, strict=True):
        assert_close(gradient, derivative)


@given(shape=matrix_shapes(3, largest=60), seed=seeds, layout=layouts)
def test_fc_adjoint_identity_in_each_argument(shape, seed, layout):
    x, w, b, dz = fc_arrays(shape, seed, layout)
    z, cache = fc_forward(x, w, b)
    dx, dw, db = fc_backward(dz, cache)
    assert_adjoint(z - b, dz, x, dx)
    assert_adjoint(z - b, dz, w, dw)
    assert_adjoint(np.broadcast_to(b, z.shape), dz, b, db)


def test_fc_exact():
    x, w, b = np.array([[1, 2], [3, -1], [0, 4]]), np.array([[2, 0, -1], [1, 5, 3]]), np.array([10, 20, 30])
    z, cache = fc_forward(x, w, b)
    assert z.tolist() == [[14, 30, 35], [15, 15, 24], [14, 40, 42]]
    dx, dw, db = fc_backward(np.array([[1, 0, 2], [-1, 3, 0], [0, 1, 1]]), cache)
    assert dx.tolist() == [[0, 7], [-2, 14], [-1, 8]]
    assert dw.tolist() == [[-2, 9, 2], [3, 1, 8]]
    assert db.tolist() == [0, 4, 3]


def test_fc_bias_gradient_of_one_example_is_its_dz():
    """One example: db is dz's only row, not the sum of that row."""
    x, w, b = np.array([[1.0, 2.0]]), np.ones((2, 3)), np.zeros(3)
    _, _, db = fc_backward(np.array([[0.2, -0.5, 0.3]]), fc_forward(x, w, b)[1])
    assert db.tolist() == [0.2, -0.5, 0.3]


def test_fc_sums_over_the_batch():
    """The same example twice: dw and db double. The 1/M is the loss's business."""
    rng = np.random.default_rng(0)
    x, w, b, dz = (normal(rng, shape) for shape in ((2, 4), (4, 3), 3, (2, 3)))
    dx, dw, db = fc_backward(dz, fc_forward(x, w, b)[1])
    twice = fc_backward(np.vstack([dz, dz]), fc_forward(np.vstack([x, x]), w, b)[1])
    assert_close(twice[0], np.vstack([dx, dx]))
    assert_close(twice[1], 2 * dw)
    assert_close(twice[2], 2 * db)


def test_fc_nan_stays_in_its_row_and_column():
    rng = np.random.default_rng(0)
    x, w, b, dz = (normal(rng, shape) for shape in ((3, 4), (4, 5), 5, (3, 5)))
    x[1, 2] = np.nan
    z, cache = fc_forward(x, w, b)
    assert np.isnan(z).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(z).any(axis=1).tolist() == [False, True, False]
    _, dw, _ = fc_backward(dz, cache)
    assert np.isnan(dw).any(axis=1).tolist() == [False, False, True, False]
    x[1, 2], dz[0, 3] = 0, np.nan
    dx, dw, db = fc_backward(dz, fc_forward(x, w, b)[1])
    assert np.isnan(dx).any(axis=1).tolist() == [True, False, False]
    assert np.isnan(dw).any(axis=0).tolist() == [False, False, False, True, False]
    assert np.isnan(db).tolist() == [False, False, False, True, False]


@given(shape=matrix_shapes(4, largest=4), seed=seeds, layout=layouts)
def test_flatten_equals_the_loops(shape, seed, layout):
    rng = np.random.default_rng(seed)
    x = laid_out(normal(rng, shape), layout)
    y, cache = flatten_forward(x)
    assert_same(y, reference.flatten_forward(x))
    dy = laid_out(normal(rng, y.shape), layout)
    assert_same(flatten_backward(dy, cache), reference.flatten_backward(dy, shape))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.complex128])
def test_flatten_there_and_back(dtype, layout):
    """Row-major in (H, W, C) whatever the memory order, and backward undoes it."""
    x = laid_out(np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype), layout)
    y, cache = flatten_forward(x)
    assert_same(y, np.arange(120).reshape(2, 60).astype(dtype))
    assert_same(flatten_backward(y, cache), x)
