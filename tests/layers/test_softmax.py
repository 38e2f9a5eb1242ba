"""Softmax and cross-entropy: values, derivatives, extreme inputs, and the one place of 1/M."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_helpers.layers import (
    cross_entropy_backward,
    cross_entropy_forward,
    softmax,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
)

from . import reference
from .cases import LAYOUTS, assert_adjoint, assert_close, assert_same, complex_step, laid_out, normal, seeds

INT_DTYPES = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]

sizes = st.tuples(st.integers(1, 6), st.integers(1, 8))
layouts = st.sampled_from(LAYOUTS)


def drawn(size, seed, layout="C"):
    """Logits, an upstream gradient and labels."""
    rng = np.random.default_rng(seed)
    z, upstream = (laid_out(3 * normal(rng, size), layout) for _ in range(2))
    return z, upstream, rng.integers(0, size[1], size[0])


def as_labels(kind, labels, classes, seed=0):
    """The labels as integers, as one-hot rows, or as soft distributions (then not the same as the labels)."""
    if kind == "integers":
        return labels
    if kind == "one-hot":
        return reference.one_hot(labels, classes)
    weights = np.random.default_rng(seed).random((len(labels), classes)) + 0.1
    return weights / weights.sum(axis=1, keepdims=True)


def as_rows(kind, labels, classes, seed=0):
    """The distributions that `as_labels` stands for."""
    return (
        reference.one_hot(labels, classes) if kind == "integers" else as_labels(kind, labels, classes, seed)
    )


kinds = st.sampled_from(["integers", "one-hot", "distribution"])


@given(size=sizes, seed=seeds, layout=layouts)
def test_softmax_equals_the_loops(size, seed, layout):
    z, dy_hat, _ = drawn(size, seed, layout)
    y_hat, cache = softmax_forward(z)
    assert_close(y_hat, reference.softmax(z))
    assert_same(softmax(z), y_hat)
    assert_close(softmax_backward(dy_hat, cache), reference.softmax_backward(dy_hat, reference.softmax(z)))


@given(size=sizes, seed=seeds, layout=layouts, kind=kinds)
def test_cross_entropy_equals_the_loops(size, seed, layout, kind):
    z, _, labels = drawn(size, seed, layout)
    y_hat = laid_out(reference.softmax(z), layout)
    y, rows = as_labels(kind, labels, size[1]), as_rows(kind, labels, size[1])
    loss, cache = cross_entropy_forward(y_hat, y)
    assert_close(loss, reference.cross_entropy_forward(y_hat, rows))
    assert_close(cross_entropy_backward(1.0, cache), reference.cross_entropy_backward(y_hat, rows))


@given(size=sizes, seed=seeds, layout=layouts, kind=kinds)
def test_softmax_cross_entropy_equals_the_loops(size, seed, layout, kind):
    z, _, labels = drawn(size, seed, layout)
    y, rows = as_labels(kind, labels, size[1]), as_rows(kind, labels, size[1])
    loss, cache = softmax_cross_entropy_forward(z, y)
    y_hat = reference.softmax(z)
    assert_close(loss, reference.cross_entropy_forward(y_hat, rows))
    dy_hat = reference.cross_entropy_backward(y_hat, rows)
    assert_close(softmax_cross_entropy_backward(1.0, cache), reference.softmax_backward(dy_hat, y_hat))


@given(size=sizes, seed=seeds, kind=kinds)
def test_the_fused_loss_is_the_two_in_a_row(size, seed, kind):
    z, _, labels = drawn(size, seed)
    y = as_labels(kind, labels, size[1])
    y_hat, softmax_cache = softmax_forward(z)
    loss, cache = cross_entropy_forward(y_hat, y)
    fused, fused_cache = softmax_cross_entropy_forward(z, y)
    assert_close(fused, loss)
    in_a_row = softmax_backward(cross_entropy_backward(-2.5, cache), softmax_cache)
    assert_close(softmax_cross_entropy_backward(-2.5, fused_cache), in_a_row)


@settings(max_examples=30)
@given(size=sizes, seed=seeds, kind=kinds)
def test_gradients_equal_complex_step_derivatives(size, seed, kind):
    z, dy_hat, labels = drawn(size, seed)
    y = as_labels(kind, labels, size[1])
    (numeric,) = complex_step(lambda z: softmax_forward(z)[0], (z,), dy_hat)
    assert_close(softmax_backward(dy_hat, softmax_forward(z)[1]), numeric)
    (numeric,) = complex_step(softmax, (z,), dy_hat)
    assert_close(softmax_backward(dy_hat, softmax_forward(z)[1]), numeric)
    y_hat = reference.softmax(z)
    (numeric,) = complex_step(lambda y_hat: cross_entropy_forward(y_hat, y)[0], (y_hat,), 1.5)
    assert_close(cross_entropy_backward(1.5, cross_entropy_forward(y_hat, y)[1]), numeric)
    (numeric,) = complex_step(lambda z: softmax_cross_entropy_forward(z, y)[0], (z,), 1.5)
    assert_close(softmax_cross_entropy_backward(1.5, softmax_cross_entropy_forward(z, y)[1]), numeric)


@settings(max_examples=30)
@given(size=sizes, seed=seeds)
def test_the_softmax_jacobian_is_symmetric(size, seed):
    """⟨J a, c⟩ = ⟨a, J c⟩, and each row of J sums to 0: adding a constant to the logits changes nothing."""
    z, a, _ = drawn(size, seed)
    c = normal(np.random.default_rng(seed + 1), size)
    _, cache = softmax_forward(z)
    assert_adjoint(softmax_backward(a, cache), c, a, softmax_backward(c, cache))
    assert_close(softmax_backward(np.ones(size), cache), np.zeros(size))
    assert_close(softmax_backward(a, cache).sum(axis=1), np.zeros(size[0]))


@given(size=sizes, seed=seeds)
def test_rows_are_distributions_and_a_shift_changes_nothing(size, seed):
    z, _, labels = drawn(size, seed)
    y_hat = softmax(z)
    assert (y_hat > 0).all()
    assert_close(y_hat.sum(axis=1), np.ones(size[0]), 1e-15 * size[1])
    assert_close(softmax(z + 100.0), y_hat)
    assert_close(
        softmax_cross_entropy_forward(z + 100.0, labels)[0], softmax_cross_entropy_forward(z, labels)[0]
    )


def test_exact_values():
    z = np.log([[1.0, 2.0, 5.0], [4.0, 2.0, 2.0]])
    assert_close(softmax(z), [[0.125, 0.25, 0.625], [0.5, 0.25, 0.25]], 1e-15)
    loss, cache = softmax_cross_entropy_forward(z, np.array([1, 0]))
    assert_close(loss, (np.log(4) + np.log(2)) / 2, 1e-15)
    assert_close(
        softmax_cross_entropy_backward(1.0, cache),
        [[0.0625, -0.375, 0.3125], [-0.25, 0.125, 0.125]],
        1e-15,
    )


def test_equal_logits_of_ten_classes_cost_ln_10():
    loss, _ = softmax_cross_entropy_forward(np.zeros((5, 10)), np.arange(5))
    assert_close(loss, np.log(10), 1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_logits_of_a_thousand(dtype):
    """No overflow, no warning, and the loss of a confident mistake is 2000, not infinity."""
    z = np.array([[1000, -1000, 0], [-1000, -1000, -1000], [1000, 1000, -1000]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y_hat, cache = softmax_forward(z)
        assert_close(y_hat, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]], 1e-7)
        assert_same(softmax(z), y_hat)
        assert_close(softmax_backward(np.ones_like(y_hat), cache), np.zeros((3, 3)), 1e-7)
        loss, cache = softmax_cross_entropy_forward(z[:1], np.array([1]))
        assert float(loss) == 2000.0
        assert softmax_cross_entropy_backward(1.0, cache).tolist() == [[1, -1, 0]]
        loss, cache = softmax_cross_entropy_forward(z[:1], np.array([0]))
        assert float(loss) == 0.0
        assert not softmax_cross_entropy_backward(1.0, cache).any()
        loss, _ = softmax_cross_entropy_forward(z[:1], np.array([[0, 1, 0]]))
        assert float(loss) == 2000.0


def test_a_thousand_with_a_complex_step():
    """The shift and the exponentials of the real part stay in range with an imaginary step too."""
    z = np.array([[1000.0, 1000.0, -1000.0]], dtype=complex)
    z[0, 0] += 1e-30j
    assert_close(softmax(z).imag / 1e-30, [[0.25, -0.25, 0.0]])
    loss, _ = softmax_cross_entropy_forward(z, np.array([1]))
    assert_close(np.imag(loss) / 1e-30, 0.5)


def test_probability_zero_away_from_the_label_is_no_problem():
    """0 · log 0 is 0 in −Σ y log ŷ, forward and backward, for one-hot rows as for integer labels."""
    y_hat = np.array([[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]])
    for y in (np.array([0, 1]), np.array([[1, 0, 0], [0, 1, 0]])):
        loss, cache = cross_entropy_forward(y_hat, y)
        assert_close(loss, np.log(4) / 2, 1e-15)
        assert cross_entropy_backward(1.0, cache).tolist() == [[-0.5, 0, 0], [0, -2, 0]]


def test_probability_zero_at_the_label_is_a_large_loss_not_nan():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss, _ = cross_entropy_forward(np.array([[0.0, 1.0]]), np.array([0]))
    assert loss > 30


@pytest.mark.parametrize("dtype", INT_DTYPES)
def test_labels_of_any_integer_dtype(dtype):
    z, _, _ = drawn((4, 10), 0)
    labels = [9, 0, 3, 3]
    y_hat = softmax(z)
    one_hot = np.eye(10)[labels]
    for y in (np.array(labels, dtype), one_hot.astype(dtype), laid_out(np.array(labels, dtype), "strided")):
        loss, cache = softmax_cross_entropy_forward(z, y)
        expected, expected_cache = softmax_cross_entropy_forward(z, one_hot)
        assert_close(loss, expected)
        assert_close(
            softmax_cross_entropy_backward(1.0, cache), softmax_cross_entropy_backward(1.0, expected_cache)
        )
        loss, cache = cross_entropy_forward(y_hat, y)
        assert_close(loss, expected)
        assert_close(
            cross_entropy_backward(1.0, cache),
            cross_entropy_backward(1.0, cross_entropy_forward(y_hat, one_hot)[1]),
        )


@pytest.mark.parametrize("copies", [2, 7])
def test_one_over_m_appears_once(copies):
    """The batch repeated: the mean loss stays, each row of dz is divided by the number of copies.

    Softmax alone knows nothing of M.
    """
    z, upstream, labels = drawn((3, 4), 0)
    many, many_labels = np.tile(z, (copies, 1)), np.tile(labels, copies)
    loss, cache = softmax_cross_entropy_forward(z, labels)
    many_loss, many_cache = softmax_cross_entropy_forward(many, many_labels)
    assert_close(many_loss, loss)
    dz = softmax_cross_entropy_backward(1.0, cache)
    assert_close(dz, (softmax(z) - np.eye(4)[labels]) / 3)
    assert_close(softmax_cross_entropy_backward(1.0, many_cache), np.tile(dz, (copies, 1)) / copies)
    y_hat = softmax(z)
    dy_hat = cross_entropy_backward(1.0, cross_entropy_forward(y_hat, labels)[1])
    many_dy_hat = cross_entropy_backward(
        1.0, cross_entropy_forward(np.tile(y_hat, (copies, 1)), many_labels)[1]
    )
    assert_close(many_dy_hat, np.tile(dy_hat, (copies, 1)) / copies)
    once = softmax_backward(upstream, softmax_forward(z)[1])
    again = softmax_backward(np.tile(upstream, (copies, 1)), softmax_forward(many)[1])
    assert_close(again, np.tile(once, (copies, 1)))


@pytest.mark.parametrize("dloss", [0.0, 1, -3.0, np.float64(0.5), np.array(2.0)])
def test_dloss_scales_the_gradient(dloss):
    z, _, labels = drawn((3, 4), 0)
    y_hat = softmax(z)
    _, cache = softmax_cross_entropy_forward(z, labels)
    dz = softmax_cross_entropy_backward(dloss, cache)
    assert_close(dz, float(dloss) * softmax_cross_entropy_backward(1.0, cache))
    _, cache = cross_entropy_forward(y_hat, labels)
    assert_close(cross_entropy_backward(dloss, cache), float(dloss) * cross_entropy_backward(1.0, cache))


def test_nan_stays_in_its_row():
    z, dy_hat, labels = drawn((3, 4), 0)
    z[1, 2] = np.nan
    y_hat, cache = softmax_forward(z)
    rows = [False, True, False]
    assert np.isnan(y_hat).all(axis=1).tolist() == rows
    assert np.isnan(y_hat).any(axis=1).tolist() == rows
    assert np.isnan(softmax_backward(dy_hat, cache)).any(axis=1).tolist() == rows
    loss, cache = softmax_cross_entropy_forward(z, labels)
    assert np.isnan(loss)
    dz = softmax_cross_entropy_backward(1.0, cache)
    assert np.isnan(dz).all(axis=1).tolist() == rows
    assert np.isnan(dz).any(axis=1).tolist() == rows
    assert np.isnan(cross_entropy_forward(y_hat, labels)[0])


def test_the_loss_is_one_number():
    z, _, labels = drawn((3, 4), 0)
    for loss in (softmax_cross_entropy_forward(z, labels)[0], cross_entropy_forward(softmax(z), labels)[0]):
        assert np.ndim(loss) == 0
        assert isinstance(float(loss), float)
