"""The fast path gives what ``layers`` give, to rounding, whatever the shapes, batches and threads."""

import itertools
import math
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from backprop_helpers.training import (
    AveragePool,
    Conv,
    Flatten,
    FullyConnected,
    Layer,
    MaxPool,
    Network,
    ParameterViews,
    ReLU,
    Standardize,
    kernel_layers,
    kernels,
    lenet,
    reference_cnn,
)
from backprop_helpers.training.threads import one_blas_thread
from benchmarks.networks import TWELVE, TWO, make_network

ROUNDING = 20 * float(np.finfo(np.float32).eps)  # of the sum of the terms' sizes


def run(network, images, labels, *, batch_size=None, threads=1):
    """Loss, right answers, gradients by name and logits of the fast path, on a fresh plan."""
    plan = kernels.plan(network, batch_size or len(images), threads=threads)
    return run_plan(plan, network, images, labels)


def run_plan(plan, network, images, labels):
    vector = np.full_like(network.parameters.vector, np.nan)  # what is not written stays NaN
    loss, correct = plan.loss_and_gradients(images, labels, vector)
    shapes = {name: array.shape for name, array in network.parameters.items()}
    return loss, correct, ParameterViews(vector, shapes), plan.logits(images)


def check_against_layers(result, network, images, labels):
    """Compare with the unfused path in float64."""
    loss, correct, gradients, logits = result
    exact = network.astype(np.float64)
    images = images.astype(np.float64)
    expected = exact.gradients(images, labels)
    assert list(gradients) == list(expected)
    sizes = sizes_of_terms(exact, images, labels)
    for name, array in expected.items():
        assert np.abs(gradients[name] - array).max() <= ROUNDING * sizes[name], name
    expected_logits = exact.logits(images)
    assert logits.dtype == np.float32
    assert np.abs(logits - expected_logits).max() <= ROUNDING * max(1, np.abs(expected_logits).max())
    assert loss == pytest.approx(exact.loss(images, labels), rel=ROUNDING, abs=ROUNDING)
    assert correct == np.count_nonzero(expected_logits.argmax(axis=1) == labels)


def sizes_of_terms(network, images, labels):
    """How large the terms are that add up to each parameter's gradient: float32 rounds on that scale.

    The gradient itself may be much smaller, because terms cancel. The last layer's are ŷ/M and y/M: all of
    them together, 1. A term of an earlier layer is no more accurate than those it was made of.
    """
    activations = network.activations(images)
    gradients = network.gradients_of_activations(images, labels)
    names = list(activations)
    sizes, size = {}, 1.0
    for before, name in reversed(list(itertools.pairwise(names))):
        dz = np.abs(gradients[name])
        size = max(size, dz.sum(axis=tuple(range(dz.ndim - 1))).max())
        sizes[f"{name}.b"] = size
        sizes[f"{name}.w"] = size * np.abs(activations[before]).max()
    return sizes


def examples(network, count, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.random((count, *network.input_shape), dtype=np.float32)
    return images, rng.integers(0, network.classes, count)


def far_from_ties(network, count, gap=2e-5):
    """Examples on which rounding decides neither a pooling window nor a ReLU."""
    images, labels = examples(network, 12 * count)
    exact = network.astype(np.float64)
    good = np.ones(len(images), bool)
    activations = list(exact.activations(images.astype(np.float64)).values())
    for layer, before, z in zip(network.layers, activations, activations[1:]):
        if type(layer) is ReLU:
            good &= np.abs(before).reshape(len(images), -1).min(axis=1) > gap
        elif type(layer) is MaxPool:
            size = (layer.size, layer.size) if isinstance(layer.size, int) else layer.size
            stride = size[0] if layer.stride is None else layer.stride
            windows = np.lib.stride_tricks.sliding_window_view(before, size, (1, 2))[:, ::stride, ::stride]
            first, second = np.sort(windows.reshape(*z.shape, -1))[..., -2:].transpose(4, 0, 1, 2, 3)
            apart = (second - first > gap) | (second <= gap)  # among zeros, ReLU lets nothing through
            good &= apart.reshape(len(images), -1).all(axis=1)
    assert np.count_nonzero(good) >= count
    return images[good][:count], labels[good][:count]


# ---------------------------------------------------------------------------------- equal to the formulas


class Doubled(Layer):
    """A layer of a learner's own, without parameters."""

    def forward(self, x):
        return 2 * x, None

    def backward(self, dout, cache, *, need_dx=True):
        return 2 * dout, {}


class Weighted(Layer):
    """A layer of a learner's own that learns: one factor for every input."""

    def parameter_shapes(self, input_shape):
        return {"w": input_shape}

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x):
        assert x.flags.c_contiguous
        return x * self.parameters["w"], x

    def backward(self, dout, cache, *, need_dx=True):
        dx = dout * self.parameters["w"] if need_dx else None
        return dx, {"w": (dout * cache).sum(axis=0)}


ints = st.integers
pairs = {most: st.one_of(ints(1, most), st.tuples(ints(1, most), ints(1, most))) for most in (2, 3, 5)}
convolutions = st.builds(
    Conv,
    ints(1, 4),
    pairs[5],
    stride=st.one_of(st.just(1), pairs[3]),
    padding=st.sampled_from(["same", "same", "valid", 1, (0, 2), (3, 1)]),
    dilation=st.one_of(st.just(1), pairs[3]),
)
poolings = st.builds(MaxPool, pairs[3], st.one_of(st.none(), pairs[3]))
averages = st.builds(AveragePool, pairs[2], st.one_of(st.none(), pairs[3]))  # a power of 2 pixels: exact
others = st.builds(lambda kind: kind(), st.sampled_from([ReLU, ReLU, Doubled, Weighted]))
shifts = st.just(Standardize(mean=1.0, std=2.0))


@st.composite
def cases(draw):
    """A network with weights −1, 0 and 1, and images of 0, 1 and 2: sums are exact, ties are everywhere."""
    rng = np.random.default_rng(draw(ints(0, 2**32 - 1)))
    shape = input_shape = (draw(ints(3, 14)), draw(ints(3, 14)), draw(ints(1, 3)))
    layers = [draw(shifts)] if draw(st.booleans()) else []
    for _ in range(draw(ints(0, 6))):
        layer = draw(st.one_of(convolutions, convolutions, poolings, averages, others, others, shifts))
        try:
            shape = layer.output_shape(shape)
        except ValueError:  # larger than the image
            continue
        layers.append(layer)
    layers.append(Flatten())
    for _ in range(draw(ints(0, 2))):
        layers += [FullyConnected(draw(ints(1, 5))), draw(others)]
    layers.append(FullyConnected(draw(ints(2, 5))))
    network = Network(layers, input_shape=input_shape)
    network.parameters.vector[...] = rng.choice([-1, 0, 0, 1], network.parameters.vector.size)
    count = draw(ints(1, 40))
    images = rng.integers(0, 3, (count, *input_shape)).astype(np.float32)
    # A power of two keeps the last layer exact, and its logits small enough for a softmax that is not 0 or 1.
    activations = network.astype(np.float64).activations(images.astype(np.float64))
    assume(max(np.abs(a).max() for a in activations.values()) < 2**20)
    last = [name for name in network.parameters if name.endswith(".w")][-1]
    largest = np.abs(activations[network.layers[-1].name]).max()
    network.parameters[last] *= 2.0 ** -math.ceil(math.log2(max(largest, 1)))
    return network, images, rng.integers(0, network.classes, count)


@settings(max_examples=150)
@given(cases(), st.integers(1, 70), st.integers(1, 3))
def test_equals_the_layers_for_any_shapes_batches_and_threads(case, batch_size, threads):
    network, images, labels = case
    result = run(network, images, labels, batch_size=batch_size, threads=threads)
    check_against_layers(result, network, images, labels)


@pytest.mark.parametrize(("tile", "taps"), [(1, 3), (2, 2), (2, 3), (3, 2), (4, 3), (4, 5), (4, 2)])
def test_winograds_products_make_the_correlation(tile, taps):
    rng = np.random.default_rng(tile + taps)
    x, w = rng.standard_normal(tile + taps - 1), rng.standard_normal(taps)
    A, G, B = map(np.float64, kernel_layers.winograd(tile, taps))
    assert len(A) == tile + taps - 1
    expected = np.correlate(x, w, mode="valid")
    assert (
        np.abs(A.T @ ((G @ w) * (B.T @ x)) - expected).max() <= ROUNDING * np.abs(x).sum() * np.abs(w).sum()
    )


def test_winograds_two_outputs_of_three_weights_are_those_of_lesson_12():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(4), rng.standard_normal(3)
    products = [
        (x[0] - x[2]) * w[0],
        (x[1] + x[2]) * (w[0] + w[1] + w[2]) / 2,
        (x[2] - x[1]) * (w[0] - w[1] + w[2]) / 2,
        (x[1] - x[3]) * w[2],
    ]
    _, G, B = kernel_layers.winograd(2, 3)
    np.testing.assert_allclose(np.abs((G @ w) * (B.T @ x)), np.abs(products), rtol=1e-5)


@st.composite
def convolutions_for_winograd(draw):
    """A convolution that makes channels, and one of them that learns from enough of them."""
    size = draw(ints(2, 5)), draw(ints(2, 5))
    channels = draw(ints(math.ceil(kernel_layers.LEAST / size[1]), 16))
    padding = draw(st.sampled_from(["same", "valid", 1, (2, 0), (7, size[1] - 1)]))
    shape = draw(ints(size[0], 14)), draw(ints(size[1], 14)), 2
    layers = [Conv(channels, 1), Conv(draw(ints(1, 6)), size, padding=padding), Flatten(), FullyConnected(3)]
    return Network(layers, seed=draw(ints(0, 99)), input_shape=shape), draw(ints(1, 40))


@settings(max_examples=60)
@given(convolutions_for_winograd(), st.integers(1, 3))
def test_winograd_equals_the_layers_for_any_shapes(case, threads):
    network, count = case
    images, labels = examples(network, count)
    plan = kernels.plan(network, 40, threads=threads)
    assert any(type(step) is kernel_layers.Winograd for step in plan.workers[0].steps)
    run_plan(plan, network, images[::-1], labels)  # leaves something in all its memory
    check_against_layers(run_plan(plan, network, images, labels), network, images, labels)


@pytest.mark.parametrize("options", [{"size": 7}, {"size": 5, "padding": 5}, {"size": (1, 5)}])
def test_what_winograd_does_not_know_goes_the_direct_way(options):
    layers = [Conv(8, 1), Conv(3, **options), Flatten(), FullyConnected(3)]
    network = Network(layers, input_shape=(9, 10, 2))
    assert kernel_layers.product_of(network["conv2"]) is kernel_layers.Product
    images, labels = examples(network, 5)
    check_against_layers(run(network, images, labels), network, images, labels)


@pytest.mark.parametrize("name", [*TWO, *TWELVE])
def test_equals_the_layers_on_the_networks_of_the_lessons_and_of_the_benchmark(name):
    network = make_network(name)
    images, labels = far_from_ties(network, 3)
    result = run(network, images, labels, batch_size=64)
    check_against_layers(result, network, images, labels)
    for name, array in network.astype(np.float64).gradients(images.astype(np.float64), labels).items():
        assert np.abs(result[2][name] - array).max() <= ROUNDING * np.abs(array).max(), name


@pytest.mark.parametrize("make", [reference_cnn, lenet])
def test_networks_of_the_lessons_take_the_fast_path(make):
    network = make()
    assert isinstance(network._plan(64), kernels.Plan)
    images, _ = examples(network, 3)
    assert np.array_equal(network.logits(images), network._plan(3).logits(images))


def test_ties_go_to_the_first_in_row_major_order():
    """One window of four equal outputs: the kernel's gradient is that of the upper left one alone."""
    network = Network(
        [Conv(1, 3, padding="same"), ReLU(), MaxPool(), Flatten(), FullyConnected(2)], input_shape=(2, 2, 1)
    )
    network.parameters["conv1.w"] = 0.0
    network.parameters["conv1.b"] = 1.0
    images = np.array([[1, 2], [4, 8]], np.float32).reshape(1, 2, 2, 1)
    _, _, gradients, _ = run(network, images, np.array([0]))
    seen = gradients["conv1.w"][:, :, 0, 0] / gradients["conv1.b"][0]
    np.testing.assert_allclose(seen, [[0, 0, 0], [0, 1, 2], [0, 4, 8]], rtol=1e-6)


# ------------------------------------------------------------------------------- batches, memory, threads


def test_a_small_batch_after_a_full_one_sees_nothing_of_it():
    layers = [Standardize(), Conv(2, 3, padding="same"), ReLU(), MaxPool(), Flatten(), FullyConnected(4)]
    network = Network(layers, input_shape=(8, 8, 1))
    images, labels = examples(network, 64)
    used = kernels.plan(network, 64, threads=2)
    for count in (64, 5, 37, 64, 1):
        for _ in range(100):  # stale pixels would be standardised again and again, up to infinity
            run_plan(used, network, images[:count], labels[:count])
        one = run_plan(used, network, images[:count], labels[:count])
        other = run(network, images[:count], labels[:count], batch_size=64, threads=2)
        assert one[:2] == other[:2]
        assert np.array_equal(one[2].vector, other[2].vector)
        assert np.array_equal(one[3], other[3])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_threads_same_bits(threads):
    network = reference_cnn()
    images, labels = examples(network, 100)
    first = run(network, images, labels, threads=threads)
    again = run(network, images, labels, threads=threads)
    assert first[:2] == again[:2]
    assert np.array_equal(first[2].vector, again[2].vector)


def test_threads_change_nothing_but_rounding():
    network = reference_cnn()
    images, labels = examples(network, 96)
    loss, correct, gradients, _ = run(network, images, labels, threads=1)
    for threads in (2, 3, 6):
        other_loss, other_correct, others, _ = run(network, images, labels, threads=threads)
        assert other_loss == pytest.approx(loss, rel=ROUNDING)
        assert other_correct == correct
        for name, array in gradients.items():
            # The same float32 sums in another order; a near-tie may fall the other way in one window.
            assert np.abs(others[name] - array).max() <= 1e-3 * np.abs(array).max(), name


def test_threads_are_as_many_as_asked_for_but_not_for_a_handful_of_examples():
    network = reference_cnn()
    assert kernels.plan(network, 64, threads=2).threads == 2
    assert kernels.plan(network, 64, threads=1).threads == 1
    assert kernels.plan(network, 1, threads=2).threads == 1
    assert kernels.plan(network, 64, threads=100).threads == 64 // kernels.FEWEST


@pytest.mark.parametrize(("setting", "threads"), [("3", 3), ("1", 1), ("", None), ("many", None)])
def test_default_threads_obey_the_settings_of_numpys_products(monkeypatch, setting, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", setting)
    assert kernels.default_threads() == threads or (threads is None and kernels.default_threads() >= 1)


def test_inputs_and_parameters_are_not_written_to():
    network = reference_cnn()
    images, labels = examples(network, 20)
    before = images.copy(), labels.copy(), network.parameters.vector.copy()
    for array in (images, labels):
        array.flags.writeable = False
    run(network, images, labels, threads=2)
    for array, copy in zip((images, labels, network.parameters.vector), before):
        assert np.array_equal(array, copy)


def test_parameters_are_read_at_every_call():
    network = reference_cnn()
    images, labels = far_from_ties(network, 4)
    plan = kernels.plan(network, 4)
    run_plan(plan, network, images, labels)
    network.parameters.vector[...] *= 0.5
    check_against_layers(run_plan(plan, network, images, labels), network, images, labels)


def test_logits_are_the_callers_to_keep():
    network = reference_cnn()
    images, _ = examples(network, 8)
    plan = kernels.plan(network, 4)
    first = plan.logits(images[:4])
    kept = first.copy()
    plan.logits(images[4:])
    assert np.array_equal(first, kept)


def test_threads_inherit_how_floating_point_errors_are_handled():
    network = reference_cnn()
    images, labels = examples(network, 64)
    images[:] = 1e38
    with np.errstate(all="ignore"):
        loss, *_ = run(network, images, labels, threads=2)
    assert not math.isfinite(loss)


def test_calls_from_several_threads_wait_for_each_other():
    network = reference_cnn()
    images, labels = examples(network, 64)
    plan = kernels.plan(network, 64, threads=2)
    others = examples(network, 64, seed=1)[0]
    alone = run_plan(plan, network, images, labels)
    expected = plan.logits(others)
    with ThreadPoolExecutor(4) as pool:
        steps = [pool.submit(run_plan, plan, network, images, labels) for _ in range(40)]
        predictions = [pool.submit(plan.logits, others) for _ in range(40)]
    for step in steps:
        assert np.array_equal(step.result()[2].vector, alone[2].vector)
    for prediction in predictions:
        assert np.array_equal(prediction.result(), expected)


def test_one_blas_thread_ends_with_the_last_of_several():
    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(threads()) == {1}
    second.__exit__(None, None, None)
    assert threads() == before


_PLANS = []


def _logits_of_the_plan(images):
    return _PLANS[0].logits(images)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_starts_threads_of_its_own():
    network = reference_cnn()
    images, _ = examples(network, 64)
    plan = kernels.plan(network, 64, threads=2)
    expected = plan.logits(images)
    _PLANS[:] = [plan]  # a plan cannot be sent to a process; it inherits this one
    with plan.lock:  # as if another thread were at work while we fork
        pool = multiprocessing.get_context("fork").Pool(1)
    with pool:
        assert np.array_equal(pool.apply_async(_logits_of_the_plan, [images]).get(timeout=30), expected)


def test_a_layer_of_ones_own_sees_the_whole_batch_and_nothing_else():
    seen = []

    class Centred(Doubled):
        def forward(self, x):
            seen.append(x.copy())
            return x - x.mean(axis=0), None

        def backward(self, dout, cache, *, need_dx=True):
            return dout - dout.mean(axis=0), {}

    network = Network([Conv(3, 3), Centred(), ReLU(), MaxPool(), Flatten(), FullyConnected(4)])
    images, labels = examples(network, 150)
    seen.clear()
    result = run(network, images, labels, batch_size=200, threads=2)
    assert [len(x) for x in seen] == [150, 150]
    expected = network.astype(np.float64).activations(images.astype(np.float64))["conv1"]
    np.testing.assert_allclose(seen[0], expected, atol=1e-5)
    exact = network.astype(np.float64).gradients(images.astype(np.float64), labels).vector
    assert np.abs(result[2].vector - exact).max() <= 1e-3 * np.abs(exact).max()  # some bias's is 0


def test_an_error_on_a_thread_reaches_the_caller():
    network = reference_cnn()
    images, labels = examples(network, 64)
    labels[-1] = 10
    with pytest.raises(IndexError):
        run(network, images, labels, threads=2)


def test_buffers_begin_on_a_cache_line():
    for shape in ((1,), (3, 5), (7, 1, 9)):
        array = kernel_layers.zeros(*shape)
        assert array.shape == shape
        assert array.ctypes.data % kernel_layers.CACHE_LINE == 0


# -------------------------------------------------------------------------------- what it leaves to others


def test_other_precisions_are_left_to_the_unfused_path():
    network = reference_cnn().astype(np.float64)
    assert kernels.plan(network, 8) is None
    assert "float64" in kernels.why(network)
    assert kernels.why(reference_cnn()) is None
