"""numerical_gradient: three methods, their accuracy, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.checking import numerical_gradient
from backprop_helpers.layers import conv_forward, softmax

ACCURACY = {"central": 1e-8, "forward": 1e-5, "complex": 1e-13}


@pytest.mark.parametrize("method", ACCURACY)
@given(seed=st.integers(0, 10**6), shape=st.lists(st.integers(1, 3), max_size=3))
def test_the_gradient_of_a_known_function(method, seed, shape):
    x = np.random.default_rng(seed).normal(scale=3, size=shape)
    gradient = numerical_gradient(lambda x: np.sum(np.sin(x) * x), x, method=method)
    assert gradient.shape == x.shape
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(
        gradient, np.cos(x) * x + np.sin(x), rtol=ACCURACY[method], atol=10 * ACCURACY[method]
    )


@pytest.mark.parametrize("method", ACCURACY)
def test_upstream_weights_the_outputs(method):
    x, upstream = np.array([0.3, -0.5, 0.1]), np.array([1.0, -2.0, 0.5])
    y = np.exp(x) / np.exp(x).sum()
    expected = (np.diag(y) - np.outer(y, y)) @ upstream
    gradient = numerical_gradient(lambda x: softmax(x[None])[0], x, upstream=upstream, method=method)
    np.testing.assert_allclose(gradient, expected, atol=ACCURACY[method])


def test_eps_is_the_nudge_itself():
    # The central difference of x³ is 3x² + ε², exactly.
    gradient = numerical_gradient(lambda x: x**3, np.array(2.0), eps=0.5)
    assert gradient == 3 * 2**2 + 0.5**2
    assert numerical_gradient(lambda x: x**2, np.array(2.0), method="forward", eps=0.5) == 4.5


def test_a_nudge_lost_in_rounding_measures_nothing():
    assert numerical_gradient(lambda x: x**2, np.array(2.0), eps=1e-17) == 0


def test_float32_is_measured_in_float64():
    x = np.array([0.1, 0.2], np.float32)
    gradient = numerical_gradient(lambda x: (x**2).sum(), x)
    np.testing.assert_allclose(gradient, 2 * x.astype(np.float64), rtol=1e-9)


def test_the_input_is_not_written_to_and_may_have_any_memory_order():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    x.flags.writeable = False
    np.testing.assert_allclose(numerical_gradient(lambda x: (x**2).sum(), x), 2 * x, atol=1e-8)


def test_a_layer_in_fortran_order():
    x, w = np.asfortranarray(np.random.default_rng(0).normal(size=(2, 3, 3, 1))), np.ones((2, 2, 1, 1))
    dz = np.ones((2, 2, 2, 1))
    measured = numerical_gradient(
        lambda x: conv_forward(x, w, np.zeros(1), padding="valid")[0], x, upstream=dz
    )
    np.testing.assert_allclose(measured[0, :, :, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]], atol=1e-8)


def test_on_a_kink():
    zero = np.array(0.0)
    assert numerical_gradient(np.abs, zero) == 0
    assert numerical_gradient(np.abs, zero, method="forward") == 1


@pytest.mark.parametrize(
    ("f", "x", "options", "error", "message"),
    [
        (np.sum, np.array([1, 2]), {}, TypeError, "x is int64, and whole numbers cannot be nudged"),
        (np.sum, np.array([True]), {}, TypeError, "x is bool"),
        (np.sum, np.array([1j]), {}, TypeError, "x must be an array of floats, got complex128"),
        (np.sum, np.array(["a"]), {}, TypeError, "x must be an array of floats"),
        (np.sum, np.array([np.nan]), {}, ValueError, "x holds NaN"),
        (np.exp, np.zeros(3), {}, ValueError, r"pass upstream, an array of that shape"),
        (
            np.exp,
            np.zeros(3),
            {"upstream": np.ones(2)},
            ValueError,
            r"the shape of the output, \(3,\), got \(2,\)",
        ),
        (np.exp, np.zeros(1), {"upstream": np.zeros(1)}, ValueError, "upstream is zero everywhere"),
        (np.exp, np.zeros(1), {"upstream": np.array([np.inf])}, ValueError, "upstream holds NaN or infinity"),
        (np.exp, np.zeros(1), {"upstream": ["a"]}, TypeError, "upstream must be an array of real numbers"),
        (np.exp, np.zeros(1), {"method": "centre"}, ValueError, "method must be one of 'central'"),
        (np.exp, np.zeros(1), {"method": ["central"]}, ValueError, "method must be one of"),
        (np.exp, np.zeros(1), {"eps": 0}, ValueError, "eps must be a positive number"),
        (np.exp, np.zeros(1), {"eps": True}, ValueError, "eps must be a positive number"),
        (np.exp, np.zeros(1), {"eps": np.inf}, ValueError, "eps must be a positive number"),
        (
            lambda x: (x, None),
            np.zeros(1),
            {},
            TypeError,
            r"f must return an array, got a tuple of 2; pass lambda",
        ),
        (lambda x: None, np.zeros(1), {}, TypeError, "f must return an array, got None"),
        (
            lambda x: x.astype(np.float32),
            np.zeros(1),
            {},
            TypeError,
            "must return float64, got float32, whose",
        ),
        (lambda x: np.rint(x).astype(int), np.zeros(1), {}, TypeError, "must return float64, got int64"),
        (np.abs, np.ones(1), {"method": "complex"}, TypeError, "the step is lost"),
    ],
)
def test_what_is_refused(f, x, options, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(f, x, **options)


def test_an_error_under_the_complex_step_says_that_it_was_one():
    with pytest.raises(TypeError) as caught:
        numerical_gradient(lambda x: np.floor(x), np.ones(1), method="complex")
    assert 'method is "complex"' in caught.value.__notes__[0]
