"""The pieces that lessons show one by one: im2col, col2im, sizes and paddings, the Jacobian of softmax."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.layers import (
    col2im,
    conv_backward,
    conv_forward,
    im2col,
    output_size,
    resolve_padding,
    softmax,
    softmax_backward,
    softmax_forward,
    softmax_jacobian,
)

from . import reference
from .cases import assert_adjoint, assert_close, assert_same, conv_cases, normal, seeds


@given(case=conv_cases())
def test_a_convolution_is_im2col_and_one_matrix_product(case):
    x, w, b, _ = case.arrays()
    columns = im2col(x, w.shape[:2], **case.options)
    z, _ = conv_forward(x, w, b, **case.options)
    assert columns.shape == (z[..., 0].size, w[..., 0].size)
    assert_close((columns @ w.reshape(-1, len(b)) + b).reshape(z.shape), z)


@given(case=conv_cases())
def test_im2col_copies_the_pixels_under_each_window(case):
    """Row (m, i, j), column (u, v, c): one pixel each, 0 outside the image; exact."""
    x, w, *_ = case.arrays(np.int64)
    s_h, s_w, d_h, d_w, top, left, h_out, w_out = reference.conv_geometry(x.shape, w.shape, **case.options)
    (M, H, W, C), (F_h, F_w) = x.shape, w.shape[:2]
    expected = np.zeros((M, h_out, w_out, F_h, F_w, C), x.dtype)
    for m, i, j, u, v in np.ndindex(*expected.shape[:5]):
        row, column = i * s_h + u * d_h - top, j * s_w + v * d_w - left
        if 0 <= row < H and 0 <= column < W:
            expected[m, i, j, u, v] = x[m, row, column]
    assert_same(im2col(x, (F_h, F_w), **case.options), expected.reshape(M * h_out * w_out, F_h * F_w * C))


@given(case=conv_cases())
def test_col2im_is_the_transpose_of_im2col(case):
    x, w, _, dz = case.arrays()
    columns = im2col(x, w.shape[:2], **case.options)
    dcolumns = normal(np.random.default_rng(case.seed), columns.shape)
    dx = col2im(dcolumns, x.shape, w.shape[:2], **case.options)
    assert dx.shape == x.shape
    assert_adjoint(columns, dcolumns, x, dx)
    # dX of the convolution is dZ Wᵀ, put back.
    dcolumns = dz.reshape(-1, dz.shape[3]) @ w.reshape(-1, dz.shape[3]).T
    expected, _, _ = conv_backward(dz, conv_forward(x, w, np.zeros(w.shape[3]), **case.options)[1])
    assert_close(col2im(dcolumns, x.shape, w.shape[:2], **case.options), expected)


def test_col2im_counts_the_windows_that_read_a_pixel():
    """A 3×3 kernel over 5×5, no padding: 1, 2, 3, 2, 1 windows a row times the same a column."""
    ones = np.ones((9, 9), int)
    counts = col2im(ones, (1, 5, 5, 1), 3, padding="valid")
    assert counts[0, ..., 0].tolist() == np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]).tolist()


@pytest.mark.parametrize(("size", "kernel"), [((1, 2, 2, 1), 1), ((2, 2, 2, 3), 2), ((1, 4, 4, 1), 2)])
def test_what_im2col_returns_may_be_written_to(size, kernel):
    x = np.ones(size)
    im2col(x, kernel)[...] = 7
    assert (x == 1).all()


def test_im2col_and_col2im_leave_their_arguments_alone():
    x = np.arange(24.0).reshape(1, 4, 6, 1)
    x.setflags(write=False)
    for size in (1, 2):
        columns = im2col(x, size, padding="valid")
        assert not np.shares_memory(columns, x)
        before = columns.copy()
        dx = col2im(columns, x.shape, size, padding="valid")
        assert not np.shares_memory(dx, columns)
        assert_same(columns, before)


def test_output_size_counts_without_padding_unless_asked():
    assert output_size(7, 3) == output_size(7, 3, 1, "valid") == 5


@given(case=conv_cases())
def test_sizes_and_paddings_are_those_of_the_convolution(case):
    x_size, w_size, options = case.x_shape[1:3], case.w_shape[:2], case.options
    _, _, _, _, top, left, h_out, w_out = reference.conv_geometry(case.x_shape, case.w_shape, **options)
    sides = resolve_padding(
        options["padding"], x_size, w_size, stride=options["stride"], dilation=options["dilation"]
    )
    assert (sides[0], sides[2]) == (top, left)
    strides, dilations = reference.pair(options["stride"]), reference.pair(options["dilation"])
    padding = options["padding"]
    paddings = (padding, padding) if isinstance(padding, str) else reference.pair(padding)
    for axis, expected in enumerate((h_out, w_out)):
        size = output_size(x_size[axis], w_size[axis], strides[axis], paddings[axis], dilations[axis])
        assert size == expected
        before, after = sides[2 * axis : 2 * axis + 2]
        padded = x_size[axis] + before + after
        assert (padded - dilations[axis] * (w_size[axis] - 1) - 1) // strides[axis] + 1 == expected
        if padding == "same":
            assert after - before in (0, 1)
        elif padding != "valid":
            assert before == after == paddings[axis]


@given(size=st.tuples(st.integers(1, 4), st.integers(1, 6)), seed=seeds)
def test_the_jacobian_of_softmax(size, seed):
    """Entry by entry, and its product with a vector is softmax_backward."""
    rng = np.random.default_rng(seed)
    z, dy_hat = normal(rng, size), normal(rng, size)
    y_hat = softmax(z)
    jacobian = softmax_jacobian(y_hat)
    assert jacobian.shape == (*size, size[1])
    for m, k, n in np.ndindex(*jacobian.shape):
        assert_close(jacobian[m, k, n], y_hat[m, k] * ((k == n) - y_hat[m, n]))
    product = np.stack([dy_hat[m] @ jacobian[m] for m in range(size[0])])
    assert_close(product, softmax_backward(dy_hat, softmax_forward(z)[1]))


X = np.ones((2, 5, 6, 3))


@pytest.mark.parametrize(
    ("call", "function", "argument"),
    [
        (lambda: im2col(X[0], 2), "im2col", "x"),
        (lambda: im2col(X[:0], 2), "im2col", "x"),
        (lambda: im2col(X.astype(str), 2), "im2col", "x"),
        (lambda: im2col(X, 0), "im2col", "kernel_shape"),
        (lambda: im2col(X, (2, 2, 3, 1)), "im2col", "kernel_shape"),
        (lambda: im2col(X, 9, padding="valid"), "im2col", "kernel_shape"),
        (lambda: im2col(X, 2, stride=0), "im2col", "stride"),
        (lambda: im2col(X, 2, padding="full"), "im2col", "padding"),
        (lambda: im2col(X, 2, dilation=True), "im2col", "dilation"),
        (lambda: col2im(np.ones((60, 11)), X.shape, 2), "col2im", "columns"),
        (lambda: col2im(np.ones((59, 12)), X.shape, 2), "col2im", "columns"),
        (lambda: col2im(np.ones(720), X.shape, 2), "col2im", "columns"),
        (lambda: col2im(np.ones((60, 12), "U1"), X.shape, 2), "col2im", "columns"),
        (lambda: col2im(np.ones((60, 12)), (5, 6, 3), 2), "col2im", "x_shape"),
        (lambda: col2im(np.ones((60, 12)), X, 2), "col2im", "x_shape"),
        (lambda: col2im(np.ones((60, 12)), (2, 5, 6.0, 3), 2), "col2im", "x_shape"),
        (lambda: col2im(np.ones((60, 12)), X.shape, 1.5), "col2im", "kernel_shape"),
        (lambda: output_size(0, 3), "output_size", "size_in"),
        (lambda: output_size(5.0, 3), "output_size", "size_in"),
        (lambda: output_size(5, True), "output_size", "kernel"),
        (lambda: output_size(5, 7, padding="valid"), "output_size", "kernel"),
        (lambda: output_size(5, 3, 0), "output_size", "stride"),
        (lambda: output_size(5, 3, 1, (1, 1)), "output_size", "padding"),
        (lambda: output_size(5, 3, 1, -1), "output_size", "padding"),
        (lambda: output_size(5, 3, 1, 0, 1.5), "output_size", "dilation"),
        (lambda: resolve_padding("full", 5, 3), "resolve_padding", "padding"),
        (lambda: resolve_padding("same", (5, 0), 3), "resolve_padding", "input_size"),
        (lambda: resolve_padding("same", 5, "3"), "resolve_padding", "kernel_size"),
        (lambda: resolve_padding("same", 5, 3, stride=-1), "resolve_padding", "stride"),
        (lambda: softmax_jacobian(np.ones(3)), "softmax_jacobian", "y_hat"),
        (lambda: softmax_jacobian(np.array([["a"]])), "softmax_jacobian", "y_hat"),
    ],
)
def test_a_bad_argument_is_named(call, function, argument):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert type(caught.value) in (ValueError, TypeError)
    assert str(caught.value).startswith(f"{function}: ")
    assert re.search(rf"\b{argument}\b", str(caught.value).split(": ", 1)[1])
