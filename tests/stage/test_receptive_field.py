"""What a cell sees is what moves it when nudged; what it sends back is its gradient times the slopes."""

import numpy as np
import pytest

from backprop_helpers.training import (
    AveragePool,
    Conv,
    Flatten,
    FullyConnected,
    Layer,
    MaxPool,
    Network,
    ReLU,
    Standardize,
    series_cnn,
    series_digit,
)
from backprop_helpers.views.stage.receptive_field import forward_and_backward, receptive_field, sent_back

RNG = np.random.default_rng(4)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order():
    """Each test begins with the same random numbers, whichever tests ran before it."""
    RNG.bit_generator.state = START


class Smooth(Layer):
    """A layer of somebody's own: it mixes everything a little."""

    def forward(self, x):
        return x + x.mean(axis=(1, 2, 3), keepdims=True), None

    def backward(self, dout, cache, *, need_dx=True):
        return dout + dout.mean(axis=(1, 2, 3), keepdims=True), {}


def network(*layers, shape=(9, 8, 2)):
    return Network([*layers, Flatten(), FullyConnected(3)], input_shape=shape, dtype=np.float64)


LINEAR = {
    "same": network(Conv(2, 3, padding="same")),
    "valid, even kernel": network(Conv(2, (2, 4), padding="valid")),
    "stride": network(Conv(2, 3, stride=(2, 3), padding=1)),
    "dilation": network(Conv(2, 3, dilation=2, padding="same")),
    "same, even, stride": network(Conv(2, 4, stride=2, padding="same")),
    "pool": network(Standardize(), AveragePool(2)),
    "pool with remainder, overlapping": network(AveragePool(3, 2), AveragePool(2, 1)),
    "deep": network(
        Standardize(), Conv(2, 3, padding="valid"), AveragePool(2), Conv(3, 2, dilation=2, padding="same")
    ),
    "own": network(Conv(1, 3, padding="same"), Smooth()),
    "vector": Network([FullyConnected(4), FullyConnected(2)], input_shape=(5,), dtype=np.float64),
}


def moved_by_nudges(net, layer, cell):
    """Return which entries of the input move one cell, found by nudging each."""
    image = RNG.normal(size=(1, *net.input_shape))
    rest = net.activations(image)[layer][(0, *cell)]
    moved = np.zeros(net.input_shape, bool)
    for place in np.ndindex(*net.input_shape):
        nudged = image.copy()
        nudged[(0, *place)] += 1.0
        moved[place] = abs(net.activations(nudged)[layer][(0, *cell)] - rest) > 1e-12
    return moved


def as_mask(field, shape):
    mask = np.zeros(shape if len(shape) == 3 else (1, *shape, 1), bool)
    mask[np.ix_(*field)] = True
    return mask.reshape(shape)


@pytest.mark.parametrize("name", LINEAR)
def test_the_field_is_what_moves_the_cell(name):
    net = LINEAR[name]
    for layer, shape in net.output_shapes.items():
        corners = {tuple(0 for _ in shape), tuple(n - 1 for n in shape), tuple(n // 2 for n in shape)}
        for cell in corners:
            field = receptive_field(net, layer, cell)
            np.testing.assert_array_equal(
                as_mask(field, net.input_shape), moved_by_nudges(net, layer, cell), err_msg=f"{layer} {cell}"
            )


def test_a_network_with_kinks_is_moved_by_nothing_outside_the_field():
    net = network(
        Conv(4, 3, padding="same"), ReLU(), MaxPool(2), Conv(3, 3, padding="same"), ReLU(), MaxPool(2)
    )
    for cell in [(0, 0, 0), (1, 1, 2)]:
        moved = moved_by_nudges(net, "pool2", cell)
        assert moved.any()
        assert not (moved & ~as_mask(receptive_field(net, "pool2", cell), net.input_shape)).any()


def test_fields_of_the_series_network():
    net = series_cnn()
    field = receptive_field(net, "conv1", (10, 12, 3))
    assert (field.rows.tolist(), field.columns.tolist()) == ([8, 9, 10, 11, 12], [10, 11, 12, 13, 14])
    assert field.channels.tolist() == [0]
    assert receptive_field(net, "relu1", (0, 27, 0)).rows.tolist() == [0, 1, 2]
    pool2 = receptive_field(net, "pool2", (3, 3, 0))
    assert (len(pool2.rows), len(pool2.columns)) == (16, 16)
    np.testing.assert_array_equal(
        receptive_field(net, "flatten", [(3 * 7 + 3) * 16]).rows, pool2.rows
    )  # flatten only gives the cells new numbers
    assert [len(axis) for axis in receptive_field(net, "fc2", [4])] == [28, 28, 1]
    assert [axis.tolist() for axis in receptive_field(net, "input", (3, 4, 0))] == [[3], [4], [0]]


def test_channels():
    net = network(MaxPool(2), Conv(5, 3, padding="same"))
    assert receptive_field(net, "pool1", (1, 1, 1)).channels.tolist() == [1]
    assert receptive_field(net, "conv1", (1, 1, 4)).channels.tolist() == [0, 1]


NETWORKS = {
    "series": series_cnn().astype(np.float64),
    "rgb": network(
        Conv(3, 3, stride=2, padding="same"),
        ReLU(),
        AveragePool(2, 1),
        Conv(2, (1, 2), dilation=2, padding="same"),
        shape=(9, 10, 3),
    ),
    "own": network(Conv(2, 3, padding="same"), Smooth(), MaxPool(2)),
    "vector": Network(
        [FullyConnected(6), ReLU(), FullyConnected(3)], input_shape=(5,), dtype=np.float64, seed=2
    ),
}


def a_run(net):
    image = series_digit()[0] if net.input_shape == (28, 28, 1) else RNG.normal(size=(1, *net.input_shape))
    return forward_and_backward(net, image, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_is_what_the_network_says(name):
    net = NETWORKS[name]
    run = a_run(net)
    image = run.activations["input"]
    for key, expected in net.activations(image).items():
        np.testing.assert_array_equal(run.activations[key], expected)
    for key, expected in net.gradients_of_activations(image, np.array([1])).items():
        np.testing.assert_array_equal(run.gradients[key], expected)
    assert list(run.gradients) == list(run.activations)


@pytest.mark.parametrize("name", NETWORKS)
def test_sent_back_is_the_gradient_times_the_slope(name):
    net = NETWORKS[name]
    run = a_run(net)
    names = list(run.activations)
    for i, layer in enumerate(net.layers):
        gradient = run.gradients[layer.name][0]
        open_cells = run.activations[layer.name][0] != 0  # a maximum of many zeros has no slope
        cell = np.unravel_index(np.abs(gradient * open_cells).argmax(), gradient.shape)
        back = sent_back(net, run, layer.name, cell)
        before = run.activations[names[i]]
        assert back.shape == before.shape[1:]
        places = {np.unravel_index(np.abs(back).argmax(), back.shape), tuple(n // 2 for n in back.shape)}
        for place in places:
            slope = slope_at(layer, before, (0, *place), (0, *cell))
            np.testing.assert_allclose(back[place], gradient[cell] * slope, rtol=1e-5, atol=1e-12)


def slope_at(layer, x, place, cell, nudge=1e-6):
    """Return the slope of one output in one input, by central differences."""
    values = []
    for sign in (1, -1):
        nudged = x.copy()
        nudged[place] += sign * nudge
        values.append(layer.forward(nudged)[0][cell])
    return (values[0] - values[1]) / (2 * nudge)


@pytest.mark.parametrize(("name", "layer"), [("rgb", "conv2"), ("own", "pool1"), ("vector", "fc2")])
def test_what_all_cells_send_adds_up_to_the_gradient(name, layer):
    net = NETWORKS[name]
    run = a_run(net)
    for to in list(run.activations)[: list(run.activations).index(layer)]:
        total = sum(
            sent_back(net, run, layer, cell, to=to) for cell in np.ndindex(*run.gradients[layer].shape[1:])
        )
        np.testing.assert_allclose(total, run.gradients[to][0], atol=1e-12)
