"""Convolution against loops, derivatives, adjoints, SciPy and exact integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from backprop_helpers.layers import (
    conv_backward,
    conv_forward,
    fc_backward,
    fc_forward,
    flatten_backward,
    flatten_forward,
)

from . import reference
from .cases import assert_adjoint, assert_close, assert_same, complex_step, conv_cases, normal, seeds


@settings(max_examples=100)
@given(case=conv_cases())
def test_forward_and_backward_equal_the_loops(case):
    x, w, b, dz = case.arrays()
    z, cache = conv_forward(x, w, b, **case.options)
    assert_close(z, reference.conv_forward(x, w, b, **case.options))
    for gradient, expected in zip(
        conv_backward(dz, cache), reference.conv_backward(dz, x, w, **case.options), strict=True
    ):
        assert_close(gradient, expected)


@pytest.mark.parametrize("padding", ["same", "valid", 0, 1, 2, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_every_small_geometry_along_rows_and_columns(stride, dilation, padding):
    """All lengths to 7 under all kernels to 4, in integers: a column of pixels, then the same as a row."""
    rng = np.random.default_rng(0)
    padding_of = {"rows": padding, "columns": padding}
    if not isinstance(padding, str):
        padding_of = {"rows": (padding, 0), "columns": (0, padding)}
    for length, kernel in np.ndindex(8, 5):
        reach = dilation * (kernel - 1) + 1
        room = length if isinstance(padding, str) else length + 2 * padding
        if length == 0 or kernel == 0 or (padding != "same" and reach > room):
            continue
        x, w, b = (
            rng.integers(-9, 10, (1, length, 1, 1)),
            rng.integers(-9, 10, (kernel, 1, 1, 1)),
            np.array([3]),
        )
        options = {"stride": (stride, 1), "dilation": (dilation, 1), "padding": padding_of["rows"]}
        expected = reference.conv_forward(x, w, b, **options)
        dz = rng.integers(-9, 10, expected.shape)
        z, cache = conv_forward(x, w, b, **options)
        assert_same(z, expected)
        gradients, references = conv_backward(dz, cache), reference.conv_backward(dz, x, w, **options)
        for gradient, expected_gradient in zip(gradients, references, strict=True):
            assert_same(gradient, expected_gradient)
        # The same along the other axis: rows and columns change places.
        options = {"stride": (1, stride), "dilation": (1, dilation), "padding": padding_of["columns"]}
        z_row, cache = conv_forward(x.transpose(0, 2, 1, 3), w.transpose(1, 0, 2, 3), b, **options)
        assert_same(z_row, z.transpose(0, 2, 1, 3))
        dx, dw, db = conv_backward(dz.transpose(0, 2, 1, 3), cache)
        assert_same(dx, gradients[0].transpose(0, 2, 1, 3))
        assert_same(dw, gradients[1].transpose(1, 0, 2, 3))
        assert_same(db, gradients[2])


@given(case=conv_cases())
def test_integers_are_exact(case):
    x, w, b, dz = case.arrays(np.int64)
    z, cache = conv_forward(x, w, b, **case.options)
    assert_same(z, reference.conv_forward(x, w, b, **case.options))
    for gradient, expected in zip(
        conv_backward(dz, cache), reference.conv_backward(dz, x, w, **case.options), strict=True
    ):
        assert_same(gradient, expected)


@settings(max_examples=30)
@given(case=conv_cases())
def test_complex_numbers_are_not_conjugated(case):
    x, w, b, dz = case.arrays(np.complex128)
    z, cache = conv_forward(x, w, b, **case.options)
    assert_close(z, reference.conv_forward(x, w, b, **case.options))
    for gradient, expected in zip(
        conv_backward(dz, cache), reference.conv_backward(dz, x, w, **case.options), strict=True
    ):
        assert_close(gradient, expected)


@settings(max_examples=40)
@given(case=conv_cases(max_channels=2, max_kernel=3))
def test_gradients_equal_complex_step_derivatives(case):
    x, w, b, dz = case.arrays()
    _, cache = conv_forward(x, w, b, **case.options)
    numeric = complex_step(lambda *inputs: conv_forward(*inputs, **case.options)[0], (x, w, b), dz)
    for gradient, derivative in zip(conv_backward(dz, cache), numeric, strict=True):
        assert_close(gradient, derivative)


@given(case=conv_cases(max_channels=12, max_kernel=5))
def test_adjoint_identity_in_each_argument(case):
    """Z − b is linear in X and in W, and Z in b; many channels and filters, since no loop has to keep up."""
    x, w, b, dz = case.arrays()
    z, cache = conv_forward(x, w, b, **case.options)
    dx, dw, db = conv_backward(dz, cache)
    assert_adjoint(z - b, dz, x, dx)
    assert_adjoint(z - b, dz, w, dw)
    assert_adjoint(np.broadcast_to(b, z.shape), dz, b, db)


@settings(max_examples=30)
@given(case=conv_cases(max_channels=3, max_kernel=4), channels=st.integers(1, 70), filters=st.integers(1, 70))
def test_many_channels_and_filters_equal_scipy(case, channels, filters):
    """SciPy's correlate over the padded input, the kernel spread out by the dilation; every s-th value."""
    case = case._replace(
        x_shape=(*case.x_shape[:3], channels), w_shape=(*case.w_shape[:2], channels, filters)
    )
    x, w, b, _ = case.arrays()
    F_h, F_w = w.shape[:2]
    s_h, s_w, d_h, d_w, top, left, h_out, w_out = reference.conv_geometry(x.shape, w.shape, **case.options)
    spread = np.zeros((d_h * (F_h - 1) + 1, d_w * (F_w - 1) + 1, channels, filters))
    spread[::d_h, ::d_w] = w
    bottom = max(0, (h_out - 1) * s_h + spread.shape[0] - x.shape[1] - top)
    right = max(0, (w_out - 1) * s_w + spread.shape[1] - x.shape[2] - left)
    padded = np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])
    expected = np.empty((x.shape[0], h_out, w_out, filters))
    for m, k in np.ndindex(x.shape[0], filters):
        full = signal.correlate(padded[m], spread[..., k], mode="valid", method="direct")[..., 0]
        expected[m, ..., k] = full[::s_h, ::s_w][:h_out, :w_out] + b[k]
    assert_close(conv_forward(x, w, b, **case.options)[0], expected)


@given(case=conv_cases(paddings=("valid",), strides=1, dilations=1))
def test_backward_equals_scipy(case):
    """Without stride, padding and dilation: dX is a true (full) convolution, dW a correlation with dZ."""
    x, w, b, dz = case.arrays()
    dx, dw, db = conv_backward(dz, conv_forward(x, w, b, **case.options)[1])
    expected_dx, expected_dw = np.zeros(x.shape), np.zeros(w.shape)
    for m, c, k in np.ndindex(x.shape[0], *w.shape[2:]):
        expected_dx[m, ..., c] += signal.convolve(dz[m, ..., k], w[..., c, k], mode="full", method="direct")
        expected_dw[..., c, k] += signal.correlate(x[m, ..., c], dz[m, ..., k], mode="valid", method="direct")
    assert_close(dx, expected_dx)
    assert_close(dw, expected_dw)
    assert_close(db, dz.sum(axis=(0, 1, 2)))


@given(seed=seeds, kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_a_kernel_as_large_as_the_image_is_a_fully_connected_layer(seed, kernel):
    rng = np.random.default_rng(seed)
    x, w, b = normal(rng, (3, *kernel, 2)), normal(rng, (*kernel, 2, 5)), normal(rng, 5)
    dz = normal(rng, (3, 5))
    z, cache = conv_forward(x, w, b, padding="valid")
    flat, flat_cache = flatten_forward(x)
    expected_z, fc_cache = fc_forward(flat, w.reshape(-1, 5), b)
    assert_close(z[:, 0, 0], expected_z)
    dx, dw, db = conv_backward(dz[:, None, None], cache)
    expected_dx, expected_dw, expected_db = fc_backward(dz, fc_cache)
    assert_close(dx, flatten_backward(expected_dx, flat_cache))
    assert_close(dw.reshape(-1, 5), expected_dw)
    assert_close(db, expected_db)


@given(case=conv_cases())
def test_a_batch_is_its_examples(case):
    """Z and dX treat each example alone; dW and db sum over the examples, with no 1/M."""
    x, w, b, dz = case.arrays()
    z, cache = conv_forward(x, w, b, **case.options)
    dx, dw, db = conv_backward(dz, cache)
    sum_dw, sum_db = 0, 0
    for m in range(x.shape[0]):
        z_m, cache_m = conv_forward(x[m : m + 1], w, b, **case.options)
        dx_m, dw_m, db_m = conv_backward(dz[m : m + 1], cache_m)
        assert_close(z[m : m + 1], z_m)
        assert_close(dx[m : m + 1], dx_m)
        sum_dw, sum_db = sum_dw + dw_m, sum_db + db_m
    assert_close(dw, sum_dw)
    assert_close(db, sum_db)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_batch_too_large_for_one_piece_is_its_examples(order):
    """9 images of 64×64 under a 32×32 kernel have 38 million numbers under their windows."""
    rng = np.random.default_rng(0)
    x, w, b = np.array(normal(rng, (9, 64, 64, 1)), order=order), normal(rng, (32, 32, 1, 1)), normal(rng, 1)
    dz = np.array(normal(rng, x.shape), order=order)
    z, cache = conv_forward(x, w, b, padding="same")
    dx, dw, db = conv_backward(dz, cache)
    sum_dw = 0
    for m in range(9):
        z_m, cache_m = conv_forward(x[m : m + 1], w, b, padding="same")
        dx_m, dw_m, _ = conv_backward(dz[m : m + 1], cache_m)
        assert_close(z[m], z_m[0])
        assert_close(dx[m], dx_m[0])
        sum_dw = sum_dw + dw_m
    assert_close(dw, sum_dw)
    assert_close(db, dz.sum(axis=(0, 1, 2)))


@given(case=conv_cases(), as_number=st.sampled_from([np.int64, np.int8, np.uint8, np.intp]))
def test_numpy_integers_are_options_too(case, as_number):
    """Also small and unsigned ones, whose arithmetic would wrap around: i·s + u·d − p is often negative."""

    def converted(value):
        if isinstance(value, str):
            return value
        return tuple(map(as_number, value)) if isinstance(value, tuple) else as_number(value)

    x, w, b, dz = case.arrays()
    options = {name: converted(value) for name, value in case.options.items()}
    z, cache = conv_forward(x, w, b, **options)
    expected, expected_cache = conv_forward(x, w, b, **case.options)
    assert_same(z, expected)
    for gradient, expected_gradient in zip(
        conv_backward(dz, cache), conv_backward(dz, expected_cache), strict=True
    ):
        assert_same(gradient, expected_gradient)


@given(case=conv_cases())
def test_need_dx_false_leaves_only_dx_out(case):
    x, w, b, dz = case.arrays()
    _, cache = conv_forward(x, w, b, **case.options)
    _, dw, db = conv_backward(dz, cache)
    no_dx, only_dw, only_db = conv_backward(dz, cache, need_dx=False)
    assert no_dx is None
    assert_close(only_dw, dw)
    assert_close(only_db, db)


# The worked example of lessons 05 to 08, by hand.
IMAGE = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
KERNEL = np.array([[1, 2], [3, -1]])
BIAS = np.array([1])
UPSTREAM = np.array([[1, -2], [3, 2]])


def test_the_worked_example_is_exact():
    z, cache = conv_forward(IMAGE[None, ..., None], KERNEL[..., None, None], BIAS, padding="valid")
    assert z[0, ..., 0].tolist() == [[2, 17], [22, 7]]
    dx, dw, db = conv_backward(UPSTREAM[None, ..., None], cache)
    assert dx[0, ..., 0].tolist() == [[1, 0, -4], [6, 1, 6], [9, 3, -2]]
    assert dw[..., 0, 0].tolist() == [[9, 11], [11, 20]]
    assert db.tolist() == [4]
    assert {a.dtype.kind for a in (z, dx, dw, db)} == {"i"}


def test_it_is_a_correlation_without_a_flip():
    """A kernel with a single 1 at its first element copies the image's top left corner."""
    kernel = np.array([[1, 0], [0, 0]])[..., None, None]
    z, _ = conv_forward(IMAGE[None, ..., None], kernel, np.array([0]), padding="valid")
    assert z[0, ..., 0].tolist() == IMAGE[:2, :2].tolist()


def test_same_padding_puts_the_odd_row_at_the_bottom_right():
    """An even kernel pads one row and one column in total: total // 2 = 0 before, 1 after."""
    ones = np.ones((2, 2, 1, 1), int)
    z, cache = conv_forward(IMAGE[None, ..., None], ones, np.array([0]), padding="same")
    assert z[0, ..., 0].tolist() == [[8, 8, 3], [11, 13, 7], [7, 8, 6]]
    dx, _, _ = conv_backward(np.ones_like(z), cache)
    assert dx[0, ..., 0].tolist() == [[1, 2, 2], [2, 4, 4], [2, 4, 4]]


def test_the_default_is_stride_1_no_padding_dilation_1():
    rng = np.random.default_rng(0)
    x, w, b = normal(rng, (2, 5, 6, 3)), normal(rng, (3, 4, 3, 2)), normal(rng, 2)
    assert_close(conv_forward(x, w, b)[0], reference.conv_forward(x, w, b, stride=1, padding=0, dilation=1))


def test_rows_and_columns_that_no_window_reaches_get_no_gradient():
    """A 2×2 kernel: 5 rows with stride 2 leave row 4 out, 7 columns with stride 3 leave 2, 5 and 6 out."""
    x, w, b = np.ones((1, 5, 7, 1), int), np.ones((2, 2, 1, 1), int), np.array([0])
    z, cache = conv_forward(x, w, b, stride=(2, 3), padding="valid")
    assert z.shape == (1, 2, 2, 1)
    dx, dw, _ = conv_backward(np.ones_like(z), cache)
    assert dx[0, ..., 0].tolist() == [[1, 1, 0, 1, 1, 0, 0]] * 4 + [[0] * 7]
    assert dw.ravel().tolist() == [4, 4, 4, 4]


def test_padding_beyond_the_kernel_sees_only_the_bias():
    """d(F − 1) − p is negative here: as a convolution of dZ, the border would be cropped."""
    x, w, b = np.full((1, 2, 2, 1), 5), np.full((1, 1, 1, 1), 3), np.array([7])
    z, cache = conv_forward(x, w, b, padding=2)
    assert z[0, ..., 0].tolist() == [[7] * 6] * 2 + [[7, 7, 22, 22, 7, 7]] * 2 + [[7] * 6] * 2
    dz = np.arange(36).reshape(z.shape)
    dx, dw, db = conv_backward(dz, cache)
    assert dx[0, ..., 0].tolist() == [[42, 45], [60, 63]]
    assert dw.item() == 5 * (14 + 15 + 20 + 21)
    assert db.item() == 35 * 36 // 2


@pytest.mark.parametrize("padding", ["same", "valid", 1, (2, 0)])
def test_nan_reaches_exactly_what_it_touches(padding):
    """One NaN pixel, one NaN in dZ, one NaN weight: NaN where the loops have it, and nowhere else."""
    rng = np.random.default_rng(3)
    x, w, b = normal(rng, (2, 7, 6, 2)), normal(rng, (3, 2, 2, 3)), normal(rng, 3)
    x[1, 3, 2, 0] = np.nan
    options = {"stride": (2, 1), "padding": padding, "dilation": (1, 2)}
    z, cache = conv_forward(x, w, b, **options)
    expected = reference.conv_forward(x, w, b, **options)
    assert np.isnan(expected).any()
    assert not np.isnan(expected).all()
    np.testing.assert_array_equal(np.isnan(z), np.isnan(expected))
    dz = normal(rng, z.shape)
    _, dw, _ = conv_backward(dz, cache)
    assert np.isnan(dw).any()

    x[np.isnan(x)] = 0
    dz[0, 1, 1, 2] = np.nan
    _, cache = conv_forward(x, w, b, **options)
    dx, dw, db = conv_backward(dz, cache)
    expected_dx, _, expected_db = reference.conv_backward(dz, x, w, **options)
    np.testing.assert_array_equal(np.isnan(dx), np.isnan(expected_dx))
    np.testing.assert_array_equal(np.isnan(db), np.isnan(expected_db))
    assert np.isnan(dw[..., 2]).all()
    assert not np.isnan(dw[..., :2]).any()

    w[0, 0, 0, 1] = np.nan
    z, _ = conv_forward(x, w, b, **options)
    assert np.isnan(z[..., 1]).any()
    assert not np.isnan(z[..., [0, 2]]).any()
