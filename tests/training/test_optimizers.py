"""Optimizers and the schedule, against the formulas written out with Python's own numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers.training import SGD, Adam, OneCycle
from backprop_helpers.training.optimizers import Optimizer

from .examples import examples, small_network

RATES = st.floats(1e-4, 1.0)
MOMENTA = st.floats(0, 0.99)
GRADIENTS = st.lists(st.floats(-3, 3), min_size=1, max_size=6)


def moved(optimizer, gradients, rates=None):
    """Where one parameter, starting at 1, goes."""
    p, path = np.array([1.0]), []
    for t, g in enumerate(gradients):
        optimizer.step(p, np.array([g]), None if rates is None else rates[t])
        path.append(p[0])
    return path


@given(rate=RATES, momentum=MOMENTA, nesterov=st.booleans(), gradients=GRADIENTS)
def test_sgd_is_its_formula(rate, momentum, nesterov, gradients):
    p, v, path = 1.0, 0.0, []
    for g in gradients:
        v = momentum * v + g
        p -= rate * ((g + momentum * v) if nesterov else v)
        path.append(p)
    np.testing.assert_allclose(moved(SGD(rate, momentum, nesterov), gradients), path, rtol=1e-12, atol=1e-12)


@given(rate=RATES, beta1=MOMENTA, beta2=MOMENTA, gradients=GRADIENTS)
def test_adam_is_its_formula(rate, beta1, beta2, gradients):
    p, m, v, path = 1.0, 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p -= rate * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + 1e-8)
        path.append(p)
    np.testing.assert_allclose(moved(Adam(rate, beta1, beta2), gradients), path, rtol=1e-9, atol=1e-9)


def test_plain_gradient_descent():
    assert moved(SGD(0.5, momentum=0), [1.0, -2.0]) == [0.5, 1.5]


def test_adams_first_step_is_one_learning_rate_whatever_the_gradient():
    for gradient in (1e-3, 1.0, -1e6):
        (after,) = moved(Adam(0.01), [gradient])
        assert abs(1 - math.copysign(0.01, gradient) - after) < 1e-6


@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: Adam(0.1)])
def test_rate_of_a_step_replaces_the_learning_rate(make):
    assert moved(make(), [1.0, 1.0], rates=[0.0, 0.0]) == [1.0, 1.0]
    assert moved(make(), [1.0, 2.0], rates=[0.1, 0.1]) == moved(make(), [1.0, 2.0])


@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: Adam(0.1)])
def test_reset_forgets(make):
    optimizer = make()
    first = moved(optimizer, [1.0, 2.0, -1.0])
    assert moved(optimizer, [1.0, 2.0, -1.0]) != first
    optimizer.reset()
    assert moved(optimizer, [1.0, 2.0, -1.0]) == first


@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: Adam(0.1)])
def test_gradients_are_left_alone_and_dtype_stays(make):
    p, g = np.ones(3, np.float32), np.full(3, 2, np.float32)
    optimizer = make()
    for _ in range(3):
        optimizer.step(p, g)
    assert (g == 2).all()
    assert p.dtype == np.float32
    assert all(state.dtype == np.float32 for state in optimizer._state if state.dtype.kind == "f")


def test_a_step_takes_a_networks_parameters_and_gradients():
    net = small_network()
    images, labels = examples(20)
    before = net.loss(images, labels)
    optimizer = SGD(0.05)
    for _ in range(10):
        optimizer.step(net.parameters, net.gradients(images, labels))
    assert net.loss(images, labels) < before


def test_step_names_what_does_not_fit():
    with pytest.raises(
        ValueError, match=r"SGD.step: gradients has shape \(3,\), parameters has shape \(2,\)"
    ):
        SGD().step(np.zeros(2), np.zeros(3))
    optimizer = Adam()
    optimizer.step(np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match=r"Adam.step: .* shape \(2,\), these have shape \(3,\); call reset"):
        optimizer.step(np.zeros(3), np.zeros(3))


def test_a_new_rule_is_a_subclass_with_two_methods():
    class Signs(Optimizer):
        learning_rate = 0.5

        def _start(self, parameters):
            return (np.zeros_like(parameters),)

        def _update(self, p, g, rate):
            p -= rate * np.sign(g)

    assert moved(Signs(), [3.0, -2.0]) == [0.5, 1.0]
    with pytest.raises(NotImplementedError):
        Optimizer().step(np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0), "SGD: learning_rate must be a positive number, got 0"),
        (lambda: SGD(-1), "SGD: learning_rate"),
        (lambda: SGD(math.nan), "SGD: learning_rate"),
        (lambda: SGD(math.inf), "SGD: learning_rate"),
        (lambda: SGD("0.1"), "SGD: learning_rate"),
        (lambda: SGD(0.1, momentum=1), r"SGD: momentum must lie in \[0, 1\), got 1"),
        (lambda: SGD(0.1, momentum=-0.1), "SGD: momentum"),
        (lambda: Adam(0), "Adam: learning_rate"),
        (lambda: Adam(beta1=1), "Adam: beta1"),
        (lambda: Adam(beta2=-1), "Adam: beta2"),
        (lambda: Adam(epsilon=0), "Adam: epsilon"),
        (lambda: OneCycle(0), "OneCycle: max_rate"),
        (lambda: OneCycle(warmup=1.5), "OneCycle: warmup"),
        (lambda: OneCycle(start_divisor=0), "OneCycle: start_divisor"),
        (lambda: OneCycle(end_divisor=-1), "OneCycle: end_divisor"),
        (lambda: OneCycle()(5, 5), r"OneCycle: step must lie in 0, …, 4, got 5"),
        (lambda: OneCycle()(-1, 5), "OneCycle: step"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_one_cycle_goes_up_and_then_down():
    rates = [OneCycle(0.1, warmup=0.3)(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1 / 25)
    assert max(rates) == rates[299] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 / 25 / 1e4)
    assert (np.diff(rates[:300]) > 0).all()
    assert (np.diff(rates[299:]) < 0).all()


@given(total=st.integers(1, 60), warmup=st.floats(0, 1), rate=st.floats(1e-3, 10))
def test_one_cycle_stays_in_its_range_for_any_number_of_steps(total, warmup, rate):
    schedule = OneCycle(rate, warmup=warmup)
    rates = [schedule(step, total) for step in range(total)]
    assert all(rate / 25e4 * (1 - 1e-9) <= r <= rate * (1 + 1e-9) for r in rates)
    if total > 1 and warmup < 1:
        assert rates[-1] == pytest.approx(rate / 25e4)
