"""The network explorer, driven without a browser: set a trait, read what is shown."""

import asyncio
import re

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
    preprocess_digit,
    receptive_field,
    series_cnn,
    series_digit,
    series_snapshots,
)
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.views.explorers import NetworkExplorer
from backprop_helpers.views.explorers import _network_maps as maps
from backprop_helpers.views.explorers.network import as_moments, field_in_words, inner_box, is_drawable
from backprop_helpers.views.plots import Figure

RNG = np.random.default_rng(3)


def a_network(*layers, shape=(12, 10, 3), classes=4, seed=1, dtype=np.float64):
    return Network([*layers, Flatten(), FullyConnected(classes)], input_shape=shape, seed=seed, dtype=dtype)


def images_for(net, count=5):
    images = RNG.random((count, *net.input_shape)).astype(net.dtype)
    return images, np.arange(count) % net.classes


@pytest.fixture(scope="module")
def shared():
    return NetworkExplorer()


@pytest.fixture
def explorer(shared):
    """The series' network; every test finds it as if new."""
    shared.layer.value, shared.shown.value = "all layers", "activations"
    shared.among.value = "any"
    shared.pad.values = np.zeros((28, 28), np.float32)
    shared.prepare.value = True
    shared.source.value = "data"
    shared.moment.value = 5
    shared.index.value = 5561
    shared.target.value = "true"
    yield shared
    for _, _, view, _ in shared._rows.values():
        view.pinned = view.hovered = None
    shared.input_view.pinned = shared.input_view.hovered = None


def view_of(explorer, name):
    return explorer._rows[name][2]


def point(explorer, name, place):
    view_of(explorer, name).hovered = place
    assert explorer.alert_text == ""


def groups(view):
    """A view's highlights as {color: {cell: weight or None}}."""
    found = {}
    for h in view.highlights:
        weights = h.weights if h.weights is not None else [None] * len(h.cells)
        found.setdefault(h.color, {}).update(zip(map(tuple, h.cells), weights))
    return found


def draw(explorer, drawing):
    explorer.pad.values = drawing.astype(np.float32)
    explorer.pad.strokes += 1


def a_four():
    drawing = np.zeros((28, 28), np.float32)
    drawing[2:10, 3:5] = drawing[10:12, 3:13] = drawing[2:18, 10:12] = 1
    return drawing


# What is shown ------------------------------------------------------------------------------------------


def test_the_maps_are_the_networks(explorer):
    net, (image, label) = series_cnn(), series_digit(np.float32)
    for shown, arrays in (
        ("activations", net.activations(image)),
        ("gradients", net.gradients_of_activations(image, label)),
    ):
        explorer.shown.value = shown
        for name in explorer._visible:
            view, layout = view_of(explorer, name), explorer._rows[name][3]
            np.testing.assert_array_equal(view.values, layout.picture(arrays[name][0]))
            assert view.kind == (
                "gradient" if shown == "gradients" else "digit" if name == "input" else "value"
            )
    assert explorer._visible == [
        "input",
        "conv1",
        "relu1",
        "pool1",
        "conv2",
        "relu2",
        "pool2",
        "fc1",
        "relu3",
        "fc2",
    ]
    assert view_of(explorer, "conv2").values.shape == (14, 14, 16)
    assert view_of(explorer, "fc1").values.shape == (1, 64)
    assert explorer.alert_text == ""


def test_the_probabilities_and_the_loss_are_written(explorer):
    net = explorer.network
    explorer.target.value = 9
    p = net.probabilities(explorer.image)[0]
    np.testing.assert_allclose(explorer.probabilities, p)
    assert explorer.target_label == 9
    assert "reads a <b>4</b> ✓" in explorer.verdict.value
    loss = net.loss(explorer.image, np.array([9]))
    written = float(re.search(r"J = −log p\(9\) = ([\d.]+)", explorer.verdict.value).group(1))
    assert written == pytest.approx(loss, rel=0.01)
    assert explorer.bars.value.count('class="bp-track') == 10
    assert re.search(r'bp-best"><span class="bp-class">4<.*?✓', explorer.bars.value)
    assert re.search(r'bp-class">9<.*?◀ J', explorer.bars.value)


def test_the_label_steers_the_gradients(explorer):
    explorer.shown.value = "gradients"
    second = int(maps.ranking(explorer.probabilities)[1])
    for choice, k in (("true", 4), ("prediction", 4), ("second", second), (7, 7)):
        explorer.target.value = choice
        expected = explorer.network.gradients_of_activations(explorer.image, np.array([k]))["conv1"][0]
        np.testing.assert_array_equal(view_of(explorer, "conv1").values, expected)


def test_the_snapshots_scrub(explorer):
    explorer.index.value = 3
    for i, (step, net) in enumerate(series_snapshots()):
        explorer.moment.value = i
        assert explorer.moment.options[i][0] == str(step)
        maps_now = net.activations(explorer.image)
        np.testing.assert_array_equal(view_of(explorer, "relu2").values, maps_now["relu2"][0])
        np.testing.assert_array_equal(explorer.filters.values, net.parameters["conv1.w"][:, :, 0])
        np.testing.assert_allclose(explorer.probabilities, net.probabilities(explorer.image)[0])


def test_the_filters_and_their_gradient(explorer):
    explorer.target.value = 9
    explorer.shown.value = "gradients"
    expected = explorer.network.gradients(explorer.image, np.array([9]))["conv1.w"][:, :, 0]
    np.testing.assert_allclose(explorer.filters.values, expected, rtol=1e-5, atol=1e-7)
    explorer.filters.hovered = (2, 3, 5)
    w = explorer.network.parameters["conv1.w"][2, 3, 0, 5]
    name, number = re.match(r"(\S+\[2, 3, 0, 5\]) = (\S+)", explorer.arithmetic_text).groups()
    assert name == "conv1.w[2, 3, 0, 5]"
    assert float(number.replace("−", "-")) == pytest.approx(float(w), rel=1e-3)
    assert "∂J/∂conv1.w[2, 3, 0, 5]" in explorer.arithmetic_text
    explorer.filters.hovered = None
    assert "Point at a cell" in explorer.arithmetic_text


# Choosing an image --------------------------------------------------------------------------------------


def test_the_arrows_go_through_a_class(explorer):
    _, labels = load_test_set()
    explorer.among.value = 7
    for direction in (+1, +1, -1):
        before = explorer.index.value
        (explorer.following if direction > 0 else explorer.previous).click()
        after = explorer.index.value
        assert labels[after] == 7
        between = labels[min(before, after) + 1 : max(before, after)]
        assert not (between == 7).any()
    assert "reads a" in explorer.verdict.value


def test_misread_images_are_misread(explorer):
    images, labels = load_test_set()
    explorer.among.value = "misread"
    for _ in range(3):
        i = explorer.index.value
        assert explorer.network.predict(images[i : i + 1])[0] != labels[i]
        assert f"✗ (a {labels[i]})" in explorer.verdict.value
        explorer.following.click()
    assert explorer.alert_text == ""


def test_nothing_misread_is_said():
    net = series_cnn()
    images = load_test_set()[0][:4]
    e = NetworkExplorer(net, images, net.predict(images))
    e.among.value = "misread"
    assert "misreads none of the images" in e.alert_text
    e.among.value = "any"
    assert e.alert_text == ""


# The pointer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "place", "cell"),
    [
        ("conv1", (10, 12, 3), (10, 12, 3)),
        ("pool1", (0, 13, 7), (0, 13, 7)),
        ("conv2", (6, 7, 15), (6, 7, 15)),
        ("pool2", (3, 3, 0), (3, 3, 0)),
        ("fc1", (0, 33), (33,)),
        ("fc2", (0, 9), (9,)),
    ],
)
def test_a_cell_shows_its_field_and_what_it_sends(explorer, name, place, cell):
    explorer.target.value = 9  # the digit is a 4: large gradients
    net = explorer.network
    point(explorer, name, place)
    assert groups(view_of(explorer, name)) == {"orange": {place: None}}
    field = receptive_field(net, name, cell)
    assert set(groups(explorer.input_view)["purple"]) == {(i, j, 0) for i, j in field.pixels}
    value = net.activations(explorer.image)[name][(0, *cell)]
    gradient = net.gradients_of_activations(explorer.image, np.array([9]))[name][(0, *cell)]
    numbers = re.findall(r"\] = ([+−]?[\d.e−]+)", explorer.arithmetic_text)[:2]
    assert [float(n.replace("−", "-")) for n in numbers] == pytest.approx([value, gradient], rel=2e-3)
    assert f"{len(field.pixels)} pixel" in explorer.arithmetic_text

    before = explorer._visible[explorer._visible.index(name) - 1]
    others = [n for n in explorer._visible if n not in (name, before)]
    assert all(not view_of(explorer, n).highlights for n in others)
    if gradient == 0:
        assert "its own gradient is 0" in explorer.arithmetic_text
        assert not view_of(explorer, before).highlights


@pytest.mark.parametrize(
    ("name", "before"),
    [("conv1", "input"), ("conv2", "pool1"), ("pool2", "relu2"), ("fc1", "pool2"), ("fc2", "relu3")],
)
def test_the_weights_of_the_highlights_are_the_numeric_derivatives(name, before):
    """What a cell sends to another is its gradient times the slope between the two, found by nudging."""
    net = series_cnn().astype(np.float64)
    image, _ = series_digit()
    e = NetworkExplorer(net, image, np.array([9]))
    gradients = net.gradients_of_activations(image, np.array([9]))
    activations = net.activations(image)
    open_cells = gradients[name][0] * (activations[name][0] != 0)
    cell = tuple(int(i) for i in np.unravel_index(np.abs(open_cells).argmax(), open_cells.shape))
    place = e._rows[name][3].place_of(cell)
    point(e, name, place)
    shown = groups(view_of(e, before))
    assert set(shown) <= {"vermillion", "blue"}

    names = [layer.name for layer in net.layers]
    chain = net.layers[(names.index(before) + 1 if before != "input" else 0) : names.index(name) + 1]

    def run(x):
        for layer in chain:
            x, _ = layer.forward(x)
        return x[(0, *cell)]

    layout, sent = e._rows[before][3], {}
    for color, sign in (("vermillion", 1), ("blue", -1)):
        for target, weight in shown.get(color, {}).items():
            sent[layout.cell_at(target)] = sign * weight
    assert sent
    assert max(map(abs, sent.values())) == 1
    largest = None
    for target, weight in sorted(sent.items(), key=lambda item: -abs(item[1]))[:12]:
        values = []
        for nudge in (1e-6, -1e-6):
            x = activations[before].copy()
            x[(0, *target)] += nudge
            values.append(run(x))
        share = gradients[name][(0, *cell)] * (values[0] - values[1]) / 2e-6
        largest = abs(share) if largest is None else largest
        assert weight == pytest.approx(share / largest, rel=1e-4)


def test_the_pointer_leaves_no_traces(explorer):
    explorer.target.value = 9
    point(explorer, "conv1", (10, 12, 3))
    point(explorer, "conv1", None)
    views = [explorer.input_view, *(row[2] for row in explorer._rows.values())]
    assert not any(view.highlights for view in views)
    assert "Point at a cell" in explorer.arithmetic_text


def test_a_pinned_cell_comes_back(explorer):
    view_of(explorer, "conv2").pinned = (6, 7, 2)
    assert "conv2[6, 7, 2]" in explorer.arithmetic_text
    point(explorer, "pool1", (3, 4, 5))
    assert "pool1[3, 4, 5]" in explorer.arithmetic_text
    point(explorer, "pool1", None)
    assert "conv2[6, 7, 2]" in explorer.arithmetic_text
    explorer.moment.value = 2  # the held cell is followed through the training
    value = explorer.network.activations(explorer.image)["conv2"][0, 6, 7, 2]
    number = re.search(r"conv2\[6, 7, 2\] = (\S+)", explorer.arithmetic_text).group(1)
    assert float(number.replace("−", "-")) == pytest.approx(float(value), rel=2e-3)
    view_of(explorer, "conv2").pinned = None
    assert "Point at a cell" in explorer.arithmetic_text


def test_pixels_can_be_pointed_at(explorer):
    explorer.input_view.hovered = (10, 11, 0)
    assert "input[10, 11, 0]" in explorer.arithmetic_text
    assert "these are the pixels" in explorer.arithmetic_text
    assert "1 pixel\n" in explorer.arithmetic_text


# One layer ----------------------------------------------------------------------------------------------


def test_every_layer_can_be_enlarged(explorer):
    explorer.target.value = 9
    for name in ["input", *explorer.network.output_shapes]:
        explorer.layer.value = name
        assert explorer.alert_text == ""
        assert explorer._visible[-1] == name
        _, views, layout = explorer._pair(name)
        arrays = (explorer._run.activations[name][0], explorer._run.gradients[name][0])
        for channel in {0, explorer.channel.max}:
            explorer.channel.value = channel
            for view, a in zip(views, arrays):
                expected = layout.picture(a) if layout.is_strip else a[:, :, channel]
                np.testing.assert_array_equal(view.values, expected)
        views[1].hovered = (0, 0)
        assert explorer.alert_text == ""
        assert f"{name}[0" in explorer.arithmetic_text
        assert groups(views[0]) == {"orange": {(0, 0): None}}
        views[1].hovered = None


def test_an_enlarged_cell_sends_to_the_layer_right_before(explorer):
    explorer.target.value = 9
    explorer.layer.value = "conv1"
    assert explorer._visible == ["standardize", "conv1"]
    gradient = explorer._run.gradients["conv1"][0]
    i, j, k = (int(n) for n in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    explorer.channel.value = k
    explorer._pair("conv1")[1][0].hovered = (i, j)
    assert view_of(explorer, "standardize").highlights
    assert "to standardize" in explorer.arithmetic_text
    explorer._pair("conv1")[1][0].hovered = None


# Drawing ------------------------------------------------------------------------------------------------


def test_a_drawing_is_prepared_and_read(explorer):
    explorer.source.value = "draw"
    assert "Blank paper" in explorer._step_words.value
    draw(explorer, a_four())
    steps = preprocess_digit(a_four())
    np.testing.assert_array_equal(explorer.image, steps.image)
    for view, expected in zip(explorer._step_views, (steps.cropped, steps.scaled, steps.placed)):
        np.testing.assert_array_equal(view.values, expected)
    np.testing.assert_allclose(explorer.probabilities, series_cnn().probabilities(steps.image)[0])
    assert "reads a <b>4</b>" in explorer.verdict.value
    np.testing.assert_array_equal(
        view_of(explorer, "conv1").values, series_cnn().activations(steps.image)["conv1"][0]
    )
    assert explorer.alert_text == ""


def test_a_drawing_has_no_true_label(explorer):
    explorer.source.value = "draw"
    draw(explorer, a_four())
    assert "true" not in [value for _, value in explorer.target.options]
    assert explorer.target.value == "prediction"
    assert explorer.target_label == 4
    explorer.target.value = 8
    explorer.source.value = "data"
    assert explorer.target.value == 8
    explorer.target.value = "prediction"
    explorer.source.value = "draw"
    explorer.source.value = "data"
    assert explorer.target.options[0] == ("true label (4)", "true")


def test_a_drawing_as_it_is(explorer):
    explorer.source.value = "draw"
    draw(explorer, a_four())
    explorer.prepare.value = False
    np.testing.assert_array_equal(explorer.image[0, :, :, 0], a_four())
    assert "not prepared" in explorer._step_words.value


def test_the_pointer_frames_the_prepared_input(explorer):
    explorer.source.value = "draw"
    draw(explorer, a_four())
    point(explorer, "conv1", (10, 12, 3))
    field = receptive_field(explorer.network, "conv1", (10, 12, 3))
    assert set(groups(explorer._step_views[2])["purple"]) == set(field.pixels)


def test_drawing_does_not_move_the_maps(explorer):
    conv1 = explorer._rows["conv1"][0]
    places, heights = [], []
    for source in ("data", "draw"):
        explorer.source.value = source
        rows = explorer._stack.children
        places.append(rows.index(conv1))
        heights.append(rows[0].layout.min_height)
        assert explorer._main.children == (explorer._left, explorer._right)
    assert places == [1, 1]
    assert heights[0] == heights[1] is not None
    assert explorer._main.layout.min_height is not None
    assert explorer._right.layout.overflow.startswith("auto")  # in a narrow notebook only the maps scroll
    draw(explorer, a_four())
    rows, columns = preprocess_digit(a_four()).cropped.shape
    assert explorer._step_views[0].title == f"cut out {rows}×{columns}"
    explorer.layer.value = "pool2"
    shown = explorer._stack.children[0].children
    assert all(any(view in getattr(part, "children", ()) for part in shown) for view in explorer._step_views)


def test_another_layer_lets_go_of_the_pointer(explorer):
    point(explorer, "pool2", (3, 3, 5))
    assert "pool2[3, 3, 5]" in explorer.arithmetic_text
    explorer.layer.value = "relu1"  # the row of pool2 disappears under the pointer
    assert view_of(explorer, "pool2").hovered is None
    explorer.layer.value = "all layers"
    assert "Point at a cell" in explorer.arithmetic_text
    assert groups(view_of(explorer, "pool2")) == {}


def test_clear_and_copy(explorer):
    explorer.source.value = "draw"
    explorer.copy.click()
    image, _ = series_digit(np.float32)
    np.testing.assert_array_equal(explorer.pad.values, image[0, :, :, 0])
    np.testing.assert_array_equal(explorer.image, preprocess_digit(image[0, :, :, 0]).image)
    explorer.pad.clear()
    assert not np.any(explorer.pad.values)
    assert not explorer.image.any()
    assert "Blank paper" in explorer._step_words.value


def test_in_a_kernel_the_prediction_comes_before_the_maps(explorer):
    explorer.source.value = "draw"
    blank = view_of(explorer, "conv1").values.copy()

    async def stroke():
        draw(explorer, a_four())
        at_once = "reads a <b>4</b>" in explorer.verdict.value, np.array(view_of(explorer, "conv1").values)
        await asyncio.sleep(0.3)
        return at_once

    read, early = asyncio.run(stroke())
    assert read
    np.testing.assert_array_equal(early, blank)
    expected = series_cnn().activations(preprocess_digit(a_four()).image)["conv1"][0]
    np.testing.assert_array_equal(view_of(explorer, "conv1").values, expected)


# Other networks -----------------------------------------------------------------------------------------

OTHERS = {
    "colour": a_network(
        Standardize(),
        Conv(5, 3, stride=2, padding="same"),
        ReLU(),
        MaxPool(2),
        Conv(3, 2, dilation=2, padding="same"),
    ),
    "no convolution": Network(
        [Flatten(), FullyConnected(7), ReLU(), FullyConnected(3)], input_shape=(9, 9, 1)
    ),
    "vector": Network([FullyConnected(97), ReLU(), FullyConnected(2)], input_shape=(5,)),
    "many classes": a_network(AveragePool(2), classes=40, shape=(8, 8, 1)),
    "many channels": a_network(Conv(200, 1, padding="same"), shape=(20, 20, 1), classes=2),
    "deep": a_network(*[ReLU() for _ in range(16)], shape=(3, 4, 2)),
    "float32 small": a_network(Conv(2, 3, padding="same"), shape=(14, 14, 1), dtype=np.float32),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_network(name):
    net = OTHERS[name]
    images, labels = images_for(net)
    e = NetworkExplorer(net, images, labels)
    assert e.alert_text == ""
    assert len(repr(e)) <= 110
    e.index.value = 3
    for layer in ["all layers", e.layer.options[2], e.layer.options[-1]]:
        e.layer.value = layer
        for shown in ("gradients", "activations"):
            e.shown.value = shown
        assert e.alert_text == "", layer
        for row in e._visible:
            view, layout = e._rows[row][2:]
            if layout.shown == 0:
                continue
            assert layout.columns * layout.shown * layout.cell <= 744
            view.hovered = (0,) * (2 if layout.is_strip else 3)
            assert e.alert_text == "", (layer, row)
            assert f"{row}[0" in e.arithmetic_text
            view.hovered = None
    assert isinstance(e.twin(), Figure)
    e.layer.value = "all layers"
    assert isinstance(e.twin(), Figure)
    assert (e.pad is None) == (net.input_shape not in ((9, 9, 1), (8, 8, 1), (14, 14, 1), (20, 20, 1)))


def test_a_drawing_for_smaller_images():
    net = OTHERS["float32 small"]
    e = NetworkExplorer(net, *images_for(net))
    e.source.value = "draw"
    drawing = np.zeros((14, 14))
    drawing[1:9, 2:4] = 1
    draw(e, drawing)
    assert e.alert_text == ""
    np.testing.assert_array_equal(e.image, preprocess_digit(drawing, size=14, box=10).image)


def test_what_is_too_large_is_said():
    net = a_network(Conv(30, 3, padding="same"), shape=(150, 150, 1), classes=2)
    e = NetworkExplorer(net, *images_for(net, 1))
    assert e.alert_text == ""
    assert "too many to draw" in e._rows["input"][2].value
    assert "22,500 numbers" in e.input_view.value
    net = OTHERS["many channels"]
    e = NetworkExplorer(net, *images_for(net, 1))
    shown = e._rows["conv1"][3].shown
    assert 0 < shown < 200
    assert f"first {shown} of 200 channels" in e._rows["conv1"][1].value
    e.layer.value = "conv1"
    e.channel.value = 199
    np.testing.assert_array_equal(e._pair("conv1")[1][0].values, e._run.activations["conv1"][0, :, :, 199])


def test_a_layer_of_ones_own():
    class Double(Layer):
        def forward(self, x):
            return 2 * x, None

        def backward(self, dout, cache, *, need_dx=True):
            return 2 * dout, {}

    net = a_network(Double(), Conv(2, 3, padding="same"), shape=(8, 8, 1))
    e = NetworkExplorer(net, *images_for(net))
    point(e, "double1", (3, 3, 0))
    assert "slope 2" in e.arithmetic_text


def test_colour_channels_of_the_filters():
    net = OTHERS["colour"]
    e = NetworkExplorer(net, *images_for(net))
    e.from_channel.value = 2
    np.testing.assert_array_equal(e.filters.values, net.parameters["conv1.w"][:, :, 2])


def test_images_without_labels():
    net = OTHERS["colour"]
    images, _ = images_for(net)
    e = NetworkExplorer(net, images)
    assert e.target.value == "prediction"
    assert [value for _, value in e.among.options] == ["any"]


def test_a_network_that_learns_on(explorer):
    net = OTHERS["float32 small"].copy()
    images, labels = images_for(net)
    e = NetworkExplorer(net, images, labels)
    net.parameters["conv1.w"][...] = 0
    e.refresh()
    assert not np.any(e.filters.values)
    np.testing.assert_array_equal(view_of(e, "conv1").values, net.activations(images[:1])["conv1"][0])


# What is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"network": 3}, TypeError, "network must be a Network; got int"),
        ({"network": OTHERS["colour"]}, ValueError, "images must be given for a network of"),
        ({"labels": [1]}, ValueError, "labels came without images"),
        ({"images": np.zeros((2, 28, 28))}, ValueError, "add the axis of the one channel"),
        ({"images": np.zeros((2, 28, 28, 1), int)}, TypeError, "images hold integers"),
        ({"images": np.zeros((2, 28, 28, 1)), "labels": [1]}, ValueError, "2 images but 1 labels"),
        ({"images": np.zeros((1, 28, 28, 1)), "labels": [11]}, ValueError, "labels must lie in"),
        ({"snapshots": []}, ValueError, "snapshots is empty"),
        ({"snapshots": [1, 2]}, TypeError, r"list of \(step, Network\)"),
        ({"snapshots": [(0, "x")]}, TypeError, "got a str"),
        (
            {"snapshots": [(0, OTHERS["colour"]), (1, series_cnn())]},
            ValueError,
            "the snapshot 0 has other layers",
        ),
        ({"network": series_cnn().astype(np.complex128)}, TypeError, "complex128"),
    ],
)
def test_bad_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        NetworkExplorer(**arguments)


def test_an_exception_is_shown_and_goes_away(explorer, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("the wire is cut")

    with monkeypatch.context() as patched:
        patched.setattr("backprop_helpers.views.explorers.network.sent_back", broken)
        view_of(explorer, "conv1").hovered = (10, 12, 3)
        assert explorer.alert_text == "RuntimeError: the wire is cut"
        assert 'role="alert"' in explorer.alert.value
    view_of(explorer, "conv1").hovered = (10, 13, 3)
    assert explorer.alert_text == ""


def test_an_image_of_nan_is_no_silent_failure():
    net = OTHERS["colour"]
    images, labels = images_for(net)
    images[1] = np.nan
    e = NetworkExplorer(net, images, labels)
    e.index.value = 1
    assert e.alert_text or "nan" in e.verdict.value
    e.index.value = 0
    assert e.alert_text == ""


# Twins and text -----------------------------------------------------------------------------------------


def test_twins(explorer):
    assert isinstance(explorer.twin(), Figure)
    assert isinstance(explorer.twin("digit"), Figure)
    with pytest.raises(ValueError, match="no drawing has been prepared"):
        explorer.twin("steps")
    explorer.source.value = "draw"
    draw(explorer, a_four())
    assert isinstance(explorer.twin("steps"), Figure)
    with pytest.raises(ValueError, match='must be "maps", "digit" or "steps"'):
        explorer.twin("everything")


def test_the_text_form_is_stable(explorer):
    assert repr(explorer) == (
        "NetworkExplorer(11 layers, input 28×28×1, 10 classes, 6 snapshots): run the cell to use it"
    )
    assert repr(NetworkExplorer(OTHERS["colour"], *images_for(OTHERS["colour"]))) == (
        "NetworkExplorer(7 layers, input 12×10×3, 4 classes): run the cell to use it"
    )


# The pure functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [(28, 28, 8), (14, 14, 16), (7, 7, 16), (3, 90, 2), (64,), (784,), (97,), (2, 3)]
)
def test_a_layout_finds_every_cell_again(shape):
    layout = maps.lay_out(shape, width=766, height=84)
    values = np.arange(1, np.prod(shape) + 1).reshape(shape)
    picture = layout.picture(values.astype(float))
    seen = set()
    for place in np.ndindex(*picture.shape):
        cell = layout.cell_at(place)
        if cell is None:
            assert np.isnan(picture[place])
            continue
        assert picture[place] == values[cell]
        assert layout.place_of(cell) == place
        seen.add(cell)
    assert len(seen) == values.size


def test_strips():
    assert [maps.strip_length(n) for n in (10, 64, 784, 128, 97)] == [10, 64, 56, 64, 80]
    assert maps.lay_out((1_000_000,), width=766, height=84).shown == 0


def test_ranking_and_targets():
    p = np.array([0.1, 0.4, 0.1, 0.4])
    assert maps.ranking(p).tolist() == [1, 3, 0, 2]
    assert [maps.target_class(c, p, 2) for c in ("true", "prediction", "second", 0)] == [2, 1, 3, 0]
    with pytest.raises(ValueError, match="no true label"):
        maps.target_class("true", p, None)


def test_bars_of_many_classes():
    p = np.linspace(1, 2, 40)
    p /= p.sum()
    text = maps.bars(p, 0)
    assert text.count('class="bp-track') == 10
    assert '"bp-class">0<' in text
    assert '"bp-class">39<' in text


@pytest.mark.parametrize(
    ("p", "words"), [(1.0, "> 99.99 %"), (0.0, "< 0.01 %"), (0.5, "50.00 %"), (0.99984, "99.98 %")]
)
def test_percent_never_claims_certainty(p, words):
    assert maps.percent(p) == words


def test_strongest_by_hand():
    layout = maps.lay_out((1, 2, 2), width=100, height=50)
    more, less = maps.strongest(np.array([[[2.0, -4.0], [0.0, 1.0]]]), layout)
    assert more == ([(0, 0, 0), (0, 1, 1)], [0.5, 0.25], 0)
    assert less == ([(0, 0, 1)], [1.0], 0)
    assert maps.strongest(np.zeros((1, 2, 2)), layout) == (([], [], 0), ([], [], 0))


def test_next_in():
    assert [maps.next_in([2, 5, 9], i, +1) for i in (0, 2, 9, 100)] == [2, 5, 2, 2]
    assert [maps.next_in([2, 5, 9], i, -1) for i in (0, 2, 9, 100)] == [9, 9, 5, 9]
    assert maps.next_in([], 3, 1) is None


def test_words():
    assert [maps.span(n) for n in ([3], [3, 4, 5], [3, 5, 7], range(0, 28, 2))] == [
        "3",
        "3–5",
        "3, 5, 7",
        "0, 2, …, 26",
    ]
    assert field_in_words(receptive_field(series_cnn(), "conv1", (0, 0, 0))) == "rows 0–2, columns 0–2"
    assert [is_drawable(s) for s in ((28, 28, 1), (28, 28, 3), (5,), (28, 20, 1), (4, 4, 1))] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert inner_box(28) == 20
    assert [words for words, _ in as_moments(series_cnn(), [(0, series_cnn())])] == ["0", "now"]
