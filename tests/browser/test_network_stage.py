"""The network's stage in JupyterLab: mouse, strokes, keys, own networks, one that only Python knows."""

import numpy as np
import pytest

from backprop_helpers.training import series_cnn, series_digit
from backprop_helpers.views.stage.receptive_field import forward_and_backward
from tests.browser.shown import PATIENCE, THEMES
from tests.browser.stages import DRAWN, STATE, stage_fixtures

opened, make = stage_fixtures("NetworkStage")

NETWORK = """__import__("backprop_helpers.training", fromlist=["x"])"""
OWN = f"""(lambda t: t.Network(
    [t.Conv(2, 3), type("Mine", (t.ReLU,), {{}})(), t.MaxPool(2), t.Flatten(), t.FullyConnected(4)],
    input_shape=(12, 10, 3), seed=1))({NETWORK})"""
IMAGES = "rng.random((6, {})).astype(np.float32), np.arange(6) % {}"
LAID_OUT = {
    "64 filters": (
        f"(lambda t: t.Network([t.Conv(64, 3, padding='same'), t.ReLU(), t.MaxPool(2), t.Flatten(), "
        f"t.FullyConnected(10)], input_shape=(28, 28, 1), seed=1))({NETWORK})"
    ),
    "32×32×3": (
        f"(lambda t: t.Network([t.Conv(8, 5), t.ReLU(), t.AveragePool(2), t.Flatten(), "
        f"t.FullyConnected(10)], "
        f"input_shape=(32, 32, 3), seed=1))({NETWORK}), {IMAGES.format('32, 32, 3', 10)}"
    ),
    "a vector": (
        f"(lambda t: t.Network([t.FullyConnected(30), t.ReLU(), t.FullyConnected(40)], "
        f"input_shape=(1000,), seed=1))({NETWORK}), {IMAGES.format('1000', 40)}"
    ),
}


@pytest.fixture
def stage(make):
    return ready(make())


def ready(stage):
    """Wait until the weights are there, and the maps."""
    stage.page.wait_for_function(
        f"e => ({STATE})(e).probabilities", arg=stage.stage.element_handle(), timeout=PATIENCE
    )
    return stage


def numbers(stage, name):
    return np.array(stage.stage.evaluate("(e, name) => e.bpStage.values(name)", name))


def stroke(stage, *points):
    """Draw through points, given in parts of the paper."""
    stage.stage.scroll_into_view_if_needed()
    box = stage.stage.locator(".bp-pad").bounding_box()
    for n, (row, column) in enumerate(points):
        at = box["x"] + column * box["width"], box["y"] + row * box["height"]
        stage.page.mouse.move(*at, steps=6)
        if n == 0:
            stage.page.mouse.down()
    stage.page.mouse.up()
    stage.page.evaluate(DRAWN)


def choose(stage, label, value):
    stage.stage.get_by_label(label).select_option(value)
    stage.page.evaluate(DRAWN)


def sticking_out(stage):
    """Return what of the stage's parts leaves it, or lies over the maps' names."""
    return stage.stage.evaluate(
        """root => {
            const own = root.getBoundingClientRect();
            const parts = '.bp-layer, .bp-prob, .bp-button, .bp-maps, .bp-verdict, .bp-select';
            const boxes = [...root.querySelectorAll(parts)]
                .filter(e => e.offsetParent && e.offsetWidth)
                .map(e => [e.className + ' ' + e.textContent.slice(0, 20), e.getBoundingClientRect()]);
            const names = [...root.querySelectorAll('.bp-layer')]
                .map(e => [e.textContent, e.getBoundingClientRect()]);
            const over = names.flatMap(([one, a], n) => names.slice(n + 1).filter(([, b]) =>
                a.left < b.right - 1 && b.left < a.right - 1).map(([other]) => `${one} over ${other}`));
            const outside = b => b.right > own.right + 1
                || b.left < own.left - 1 || b.bottom > own.bottom + 1;
            return [...boxes.filter(([, b]) => outside(b))
                .map(([name]) => `${name} sticks out`), ...over];
        }"""
    )


def test_all_maps_are_those_of_python_and_fit(stage):
    net, (digit, label) = series_cnn().astype(np.float64), series_digit()
    run = forward_and_backward(net, digit, int(label[0]))
    for name in ("input", "conv1", "relu1", "pool1", "conv2", "pool2", "fc1", "fc2"):
        np.testing.assert_allclose(numbers(stage, name), run.activations[name].ravel(), rtol=1e-4, atol=1e-5)
        scale = np.abs(run.gradients[name]).max()
        np.testing.assert_allclose(
            numbers(stage, f"d {name}"), run.gradients[name].ravel(), rtol=1e-3, atol=1e-4 * scale
        )
    assert stage.state()["verdict"].startswith("reads a 4 ✓J = ")
    assert stage.height() <= 642
    assert sticking_out(stage) == []
    # all maps, their names and the ten bars at once
    assert stage.stage.locator(".bp-layer").all_inner_texts()[0].startswith("input")
    assert [text.split("\n")[0] for text in stage.stage.locator(".bp-layer b").all_inner_texts()][1:] == [
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
    assert stage.stage.locator(".bp-bars .bp-prob").count() == 10


def test_a_cell_is_explained_held_and_told(stage):
    stage.hover("conv2", 6, 7, 3)
    text = stage.sum()
    assert text.startswith("conv2[6, 7, 3] = ")
    assert "smaller: " in text
    assert "∂J/∂conv2[6, 7, 3] = 0: relu2 is closed here, its slope is 0" in text
    assert "Sees rows 6–19, columns 8–21. Sends nothing back to pool1: its own gradient is 0." in text
    stage.click("d pool2", 3, 3, 5)
    stage.expect("stage.selected", {"name": "pool2", "index": [3, 3, 5], "backward": True, "weights": False})
    stage.page.mouse.move(2, 2)
    assert stage.sum().startswith("pool2[3, 3, 5] = max(")
    stage.page.keyboard.press("Escape")
    stage.stage.locator(".bp-maps").focus()
    stage.page.keyboard.press("Escape")
    stage.expect("stage.selected", None)
    stage.page.keyboard.press("ArrowRight")
    assert stage.sum().startswith("input[0, 1, 0] = 0")
    stage.page.keyboard.press("ArrowDown")
    stage.page.keyboard.press("Enter")
    stage.expect("stage.selected and stage.selected['index']", [1, 1, 0])
    stage.page.keyboard.press("Escape")


def test_label_step_and_layer_go_both_ways(stage):
    before = numbers(stage, "d fc2")
    choose(stage, "label in J", "second")
    stage.expect("stage.label", "second")
    order = np.argsort(stage.state()["probabilities"])
    assert stage.state()["target"] == order[-2]
    assert not np.allclose(numbers(stage, "d fc2"), before)
    slider = stage.stage.get_by_label("training step", exact=True)
    slider.fill("0")
    stage.page.wait_for_function(f"e => ({STATE})(e).ready", arg=stage.stage.element_handle())
    ready(stage)
    assert max(stage.state()["probabilities"]) < 0.5
    assert stage.stage.locator(".bp-training output").inner_text() == "0"
    stage.expect("stage.step", 0)
    stage.run("stage.step = 5\nstage.label = '7'")
    stage.page.wait_for_function(f"e => ({STATE})(e).target === 7", arg=stage.stage.element_handle())
    assert max(stage.state()["probabilities"]) > 0.99
    stage.press_button("relu1 28×28×8")
    stage.press_button("map: more")
    stage.expect("[stage.layer, stage.channel]", ["relu1", 1])
    assert "relu1[…, 1]" in stage.stage.locator(".bp-names").inner_text()
    assert stage.height() <= 642
    stage.hover("relu1", 9, 12, 1)
    assert stage.sum().startswith("relu1[9, 12, 1] = max(0, ")
    stage.press_button("all layers")
    stage.expect("stage.layer", "all")


def test_images_of_a_class_one_by_one(stage):
    def another(index):
        """Wait for another image of a 3, and return its number."""
        stage.page.wait_for_function(
            f"([e, index]) => ({STATE})(e).index !== index && ({STATE})(e).label === 3",
            arg=[stage.stage.element_handle(), index],
            timeout=PATIENCE,
        )
        return stage.state()["index"]

    first = stage.state()["index"]
    choose(stage, "which images", "3")
    second = another(first)
    stage.press_button("image: more")
    third = another(second)
    stage.press_button("image: less")
    assert first < second < third
    assert another(third) == second


def test_what_is_marked_and_what_the_scales_are(stage):
    wanted = stage.stage.locator(".bp-bars .bp-wanted b")
    assert wanted.all_inner_texts() == [str(stage.state()["target"])]
    legend = stage.stage.locator(".bp-legend").inner_text()
    assert [part.split(" ")[0] for part in legend.split(": ")[1].split(", ")] == [
        "input",
        "conv1–pool1",
        "conv2–pool2",
        "fc1–relu3",
        "fc2",
    ]
    gradient = numbers(stage, "d pool2").reshape(7, 7, 16)
    row, column, c = (int(n) for n in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    places = [("relu2", c), ("d relu2", c), ("relu2", (c + 1) % 16)]
    stage.page.mouse.move(2, 2)
    stage.page.evaluate(DRAWN)
    assert [covered(stage, name, 2 * row, 2 * column, k) for name, k in places] == [0, 0, 0]
    stage.hover("pool2", row, column, c)
    window, share, elsewhere = (covered(stage, name, 2 * row, 2 * column, k) for name, k in places)
    assert window == 255, "a frame round what it reads"
    assert share > 200, "its own share of the gradient, in place of all of it"
    assert elsewhere == 0


def covered(stage, name, *index):
    """Return how much is painted over a cell of the maps, at most: 0 to 255."""
    return stage.stage.evaluate(
        """async (root, [name, index]) => {
            const cover = root.querySelector('.bp-cover');
            const [left, top] = await root.bpStage.cellCenter(name, index);
            const own = cover.getBoundingClientRect();
            const ratio = cover.width / own.width;
            const at = [left - own.left, top - own.top].map(n => Math.round((n - 3) * ratio));
            const { data } = cover.getContext('2d').getImageData(...at, 6 * ratio, 6 * ratio);
            return Math.max(...data.filter((_, n) => n % 4 === 3));
        }""",
        [name, list(index)],
    )


def test_a_misread_digit_is_found(stage):
    choose(stage, "which images", "misread")
    stage.page.wait_for_function(
        f"e => ({STATE})(e).index !== 5561", arg=stage.stage.element_handle(), timeout=PATIENCE
    )
    assert " ✗true: " in stage.state()["verdict"]
    stage.expect("bool(stage.network.predict(stage.image)[0] != stage._labels[stage.index])", True)
    stage.expect("stage.index == stage._labels.size or stage.index != 5561", True)


def test_a_digit_is_drawn(stage):
    given = stage.state()["image"]
    stage.press_button("drawn")
    stage.page.evaluate(DRAWN)
    assert stage.state()["verdict"] == "no ink yet"
    assert stage.state()["probabilities"] is None
    assert {bar.strip() for bar in stage.stage.locator(".bp-bars span").all_inner_texts()} == {""}
    stroke(stage, (0.2, 0.2), (0.2, 0.7), (0.8, 0.4))
    assert stage.state()["verdict"].startswith("reads a 7")
    stage.expect("stage.drawing and bool(stage.drawn) and stage.image.shape", [1, 28, 28, 1])
    drawn = np.array(stage.ask("stage.image.ravel().tolist()"))
    np.testing.assert_allclose(drawn, stage.state()["image"], atol=1e-5)
    picture = drawn.reshape(28, 28)
    rows, columns = np.nonzero(picture.any(1))[0], np.nonzero(picture.any(0))[0]
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for text, height in (("prepare", 642), ("copy", 642)):
        stage.press_button(text)
        stage.page.evaluate(DRAWN)
        assert stage.height() <= height
        assert sticking_out(stage) == []
    np.testing.assert_allclose(stage.state()["image"], given, atol=1e-6)  # copied, and not prepared
    stage.expect("round(sum(stage.drawn), 1)", round(sum(given), 1))
    stage.press_button("clear")
    stage.page.evaluate(DRAWN)
    assert stage.state()["verdict"] == "no ink yet"
    stage.expect("stage.drawn", None)
    stage.press_button("given")
    ready(stage)


@pytest.mark.parametrize("name", LAID_OUT)
def test_own_networks_are_laid_out(make, name):
    stage = ready(make(LAID_OUT[name]))
    assert sticking_out(stage) == []
    first, last = stage.ask(
        "[[l.name, list(stage.network.output_shapes[l.name])]"
        " for l in (stage.network.layers[0], stage.network.layers[-1])]"
    )
    for layer, shape in (first, last):
        cell = [min(n, 16) - 1 if axis == 2 else n - 1 for axis, n in enumerate(shape)]
        stage.hover(layer, *cell)
        assert stage.sum().startswith(f"{layer}[{', '.join(map(str, cell))}] = ")
    values = stage.ask(
        "[float(x) for x in stage.network.activations(stage.image)[stage.network.layers[-1].name].ravel()]"
    )
    np.testing.assert_allclose(numbers(stage, last[0]), values, rtol=1e-4, atol=1e-5)
    if name == "64 filters":
        assert "16 of 28×28×64" in stage.stage.locator(".bp-names").inner_text()
        assert stage.height() <= 642
    if name == "32×32×3":
        pixels = stage.stage.evaluate(
            "e => [...e.querySelector('.bp-maps').getContext('2d').getImageData(10, 10, 40, 40).data]"
        )
        reds, greens, blues = (pixels[n::4] for n in range(3))
        assert any(abs(r - g) > 30 or abs(g - b) > 30 for r, g, b in zip(reds, greens, blues))


def test_a_network_that_only_python_knows(make):
    stage = ready(make(f"{OWN}, {IMAGES.format('12, 10, 3', 4)}"))
    stage.run("from backprop_helpers.views.stage.receptive_field import forward_and_backward as both")
    run = "both(stage.network, stage.image, stage.target)"
    for name in ("conv1", "mine1", "fc1"):
        values = stage.ask(f"[float(x) for x in {run}.gradients['{name}'].ravel()]")
        np.testing.assert_allclose(numbers(stage, f"d {name}"), values, rtol=1e-4, atol=1e-6)
    stage.hover("pool1", 1, 1, 0)
    stage.page.wait_for_function(
        "e => e.bpStage.sumText().includes('Sees ')", arg=stage.stage.element_handle()
    )
    assert "to mine1" in stage.sum().replace("back mine1", "back to mine1")
    choose(stage, "label in J", "2")
    stage.page.wait_for_function(f"e => ({STATE})(e).target === 2", arg=stage.stage.element_handle())


def test_nan_says_so_and_shows_no_bars(stage):
    stage.run("stage._moments[-1][1].parameters['conv1.w'][0, 0, 0, 0] = np.nan\nstage.refresh()")
    stage.page.wait_for_function(
        f"e => ({STATE})(e).verdict === 'no answer: NaN'", arg=stage.stage.element_handle()
    )
    assert {bar.strip() for bar in stage.stage.locator(".bp-bars span").all_inner_texts()} == {""}
    stage.hover("fc2", 3)
    assert stage.sum().startswith("fc2[3] = ")
    assert "NaN" in stage.sum()


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(stage, require_tool, theme):
    require_tool("axe_playwright_python")
    stage.click("conv2", 6, 7, 3)
    assert stage.violations(theme) == []
