"""The stage of convolution in JupyterLab: a real mouse, keys, fingers, own arrays, Python beyond."""

import numpy as np
import pytest
from nbformat.v4 import writes
from playwright.sync_api import expect

from backprop_helpers.layers import conv_backward, conv_forward
from tests.browser.shown import (
    PATIENCE,
    THEMES,
    close_all,
    needed_cells,
    open_notebook,
    run_cells,
)
from tests.browser.stages import StagePage, stage_fixtures
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W = np.array([[1, 2], [3, -1]])
DZ = np.array([[1, -2], [3, 2]])
LARGE = (
    "rng.normal(size=(1, 16, 16, 16)), rng.normal(size=(3, 3, 16, 16)), rng.normal(size=16), padding='same'"
)
LAID_OUT = {
    "a wide matrix": "np.eye(5, dtype=int), [[1]], stride=4, reading='matrix'",
    "a row": "np.arange(7)[None], np.array([[1, 2, -3]])",
    "64 filters": "rng.integers(-4, 5, (1, 12, 12, 1)), rng.integers(-4, 5, (3, 3, 1, 64))",
    "32×32×3": "rng.normal(size=(1, 32, 32, 3)), rng.normal(size=(5, 5, 3, 8))",
    "12×12": "rng.integers(-9, 10, (12, 12)), rng.integers(-3, 4, (3, 3)), padding=2",
    "16×16, 16 channels": LARGE,
    "5×9, real": "rng.normal(size=(5, 9)), rng.normal(size=(3, 3))",
    "window": "padding=1, stride=2, reading='window'",
    "matrix": "padding=1, reading='matrix'",
    "5×5 kernel": "padding='same', x=rng.integers(0, 9, (6, 6)), w=rng.integers(-4, 5, (5, 5))",
}


def gradients(x, w, b, dz, **geometry):
    """Return Z, dX, dW and db as the layer computes them."""
    z, cache = conv_forward(x, w, b, **geometry)
    return (z, *conv_backward(dz, cache))


opened, make = stage_fixtures("ConvolutionStage")


@pytest.fixture
def stage(make):
    return make()


# Hover, click, keys, fingers -------------------------------------------------------------------------------


def test_what_is_drawn_is_what_the_layer_computes(stage):
    found = gradients(X[None, ..., None], W[..., None, None], np.ones(1, int), DZ[None, ..., None])
    for name, array in zip(("z", "dx", "dw", "db"), found):
        assert stage.values(name) == array.ravel().tolist()


def test_hover_an_entry_of_dx(stage):
    stage.hover("dx", 1, 1, 0)
    assert stage.sum().endswith("dX[1, 1] = 1·(−1) + (−2)·3 + 3·2 + 2·1 = 1")
    assert stage.marked("dz", "output") == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]
    assert stage.marked("w", "weight") == [(0, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0)]
    badges = {name: stage.grid(name)["marks"][0]["badges"] for name in ("w", "dz")}
    assert badges["w"] == badges["dz"] == ["1", "2", "3", "4"]
    stage.away()
    assert stage.marked("dz") == []


@pytest.mark.parametrize(
    ("cell", "text", "marked"),
    [
        (("z", 0, 1, 0), "Z[0, 1] = 1 + 1·1 + 2·2 + 4·3 + 1·(−1) = 17", {"x": 4, "w": 4, "b": 1}),
        (("dw", 0, 1, 0, 0), "dW[0, 1] = 1·1 + 2·(−2) + 4·3 + 1·2 = 11", {"x": 4, "dz": 4, "w": 1}),
        (("db", 0), "db = 1 + (−2) + 3 + 2 = 4", {"dz": 4, "b": 1}),
        (("x", 0, 1, 0), "1·2 in Z[0, 0], 1·1 in Z[0, 1]", {"z": 2, "w": 2}),
        (("dz", 1, 0, 0), "3·1 onto dX[1, 0], 3·2 onto dX[1, 1]", {"dx": 4, "x": 4, "dw": 4, "db": 1}),
    ],
)
def test_every_array_answers(stage, cell, text, marked):
    stage.hover(*cell)
    assert text in stage.sum()
    assert {name: len(stage.marked(name)) for name in marked} == marked


def test_a_click_holds_and_escape_lets_go(stage):
    stage.click("z", 0, 1, 0)
    stage.away()
    assert "Z[0, 1] = " in stage.sum()
    stage.expect("stage.selected", {"array": "z", "index": [0, 1, 0]})
    stage.page.keyboard.press("Escape")
    assert "Point at any cell" in stage.sum()
    stage.expect("stage.selected", None)
    stage.run("stage.selected = {'array': 'dw', 'index': [0, 0, 0, 0]}")
    stage.until(lambda: "dW[0, 0] = 3·1 + 1·(−2) + 0·3 + 4·2 = 9" in stage.sum())


def test_keys(stage):
    canvas = stage.canvas("dx")
    canvas.focus()
    stage.press("ArrowRight", "ArrowDown")
    assert "dX[1, 1] = " in stage.sum()
    stage.press("Enter")
    assert stage.state()["held"] == {"array": "dx", "index": [1, 1, 0]}
    stage.press("Tab")
    assert stage.page.evaluate("document.activeElement.closest('.bp-grid').dataset.name") == "z"
    stage.press("Escape")
    assert stage.state()["held"] is None
    said = stage.stage.get_by_role("status")
    said.filter(has_text="Point at any cell").wait_for(state="attached")


def test_a_finger(stage):
    stage.tap("dx", 0, 1, 0)
    assert "dX[0, 1] = 1·2 + (−2)·1 = 0" in stage.sum()
    assert stage.state()["held"] == {"array": "dx", "index": [0, 1, 0]}


# Numbers that change ---------------------------------------------------------------------------------------


def test_type_a_number(stage):
    stage.click("w", 0, 0, 0, 0)
    stage.press("7", "Enter")
    kernel = np.array([[7, 2], [3, -1]])
    found = gradients(X[None, ..., None], kernel[..., None, None], np.ones(1, int), DZ[None, ..., None])
    for name, array in zip(("z", "dx", "dw", "db"), found):
        assert stage.values(name) == array.ravel().tolist()
    stage.expect("stage.arrays['w'][:, :, 0, 0].tolist()", kernel.tolist())
    stage.press("9", "Escape")
    assert stage.values("w") == [7, 2, 3, -1]


def test_drag_a_number(stage):
    stage.drag_cell("x", (1, 1, 0), 30)
    assert stage.values("x")[4] == 7
    stage.expect("int(stage.arrays['x'][1, 1, 0])", 7)
    assert stage.state()["held"] is None, "a drag is no click"
    stage.drag_cell("x", (1, 1, 0), -50)
    assert stage.values("x")[4] == 2


def test_steppers_cannot_become_illegal(stage):
    for setting in ("kernel", "dilation", "stride", "padding"):
        for direction in ("more", "less"):
            for _ in range(6):
                stage.press_button(f"{setting}: {direction}")
                geometry = stage.state()
                assert min(stage.grid("z")["shape"]) >= 1
    assert (geometry["kernel"], geometry["padding"]) == ([1, 1], [0, 0, 0, 0])
    stage.expect("[stage.stride, stage.padding, stage.dilation]", [[1, 1], [0, 0], [1, 1]])


def test_kernel_has_no_symmetry_when_it_grows(stage):
    stage.press_button("same")
    for size in (3, 4, 5):
        stage.press_button("kernel: more")
        w = np.reshape(stage.values("w"), (size, size))
        assert np.count_nonzero(w == w[::-1, ::-1]) == size % 2
        assert np.count_nonzero(w == w.T) == size
        assert w[:2, :2].tolist() == W.tolist()
    stage.expect("list(stage.arrays['w'].shape)", [5, 5, 1, 1])
    assert stage.stage.locator(".bp-legend").get_by_text("invented").count() == 1


def test_rows_and_columns_apart(stage):
    stage.press_button("change the columns alone")
    stage.press_button("stride: more")
    assert stage.state()["stride"] == [1, 2]
    stage.expect("stage.stride", [1, 2])
    stage.press_button("change the rows alone")
    stage.press_button("padding: more")
    assert stage.state()["padding"] == [1, 1, 0, 0]
    stage.press_button("both")
    stage.press_button("stride: more")
    assert stage.state()["stride"] == [2, 2]


def test_another_setting_shows_all_outputs_again(make):
    stage = make("step=1")
    assert (stage.state()["step"], stage.state()["count"]) == (1, 4)
    assert "already pressed" in stage.stage.locator(".bp-legend").inner_text()
    stage.press_button("padding: more")
    assert (stage.state()["step"], stage.state()["count"]) == (16, 16)
    stage.expect("stage.step", None)
    assert "already pressed" not in stage.stage.locator(".bp-legend").inner_text()


def test_escape_stops_what_plays(make):
    stage = make("step=0, padding=2")
    play = stage.stage.locator(".bp-player button").nth(1)
    play.click()
    assert play.get_attribute("aria-label") == "pause"
    stage.press("Escape")
    assert play.get_attribute("aria-label") == "play"
    assert stage.state()["step"] < stage.state()["count"] == 36


def test_python_changes_the_page(stage):
    stage.run("stage.padding = 'same'; stage.stride = 2; stage.reading = 'window'")
    told = {"padding": "same", "stride": [2, 2], "reading": "window"}
    stage.until(lambda: told.items() <= {key: stage.state()[key] for key in told}.items())
    stage.run("stage.arrays = stage.arrays | {'b': np.array([100])}")
    stage.run("stage.show = 'forward'")
    stage.until(lambda: min(stage.values("z")) > 90)
    refused = "try:\n    stage.padding = 0; stage.dilation = 3\nexcept ValueError as error:\n    print(error)"
    assert "(with dilation (3, 3) it spans 4×4) is larger than the padded input" in stage.run(refused)


# Stamps, a pixel, readings ---------------------------------------------------------------------------------


def test_outputs_are_pressed_in_the_learners_order(make):
    stage = make("show='input', step=0")
    assert set(stage.values("dx")) == {0}
    pressed = np.zeros_like(DZ)
    for place in ((1, 0), (0, 1), (1, 1), (0, 0)):
        stage.click("dz", *place, 0)
        stage.landed()
        pressed[place] = DZ[place]
        found = gradients(X[None, ..., None], W[..., None, None], np.ones(1, int), pressed[None, ..., None])
        assert stage.values("dx") == found[1].ravel().tolist()
    stage.expect("stage.step", None)
    stage.press_button("one output back")
    pressed[0, 0] = 0
    found = gradients(X[None, ..., None], W[..., None, None], np.ones(1, int), pressed[None, ..., None])
    assert stage.values("dx") == found[1].ravel().tolist()
    stage.hover("dx", 0, 0, 0)
    assert "so far (3 of 4 outputs): nothing has been sent here yet" in stage.sum()


def test_a_stamp_travels(make):
    stage = make("show='input', step=0")
    with stage.slow_motion():
        stage.press_button("next output")
        expect(stage.stage.locator(".bp-flyer")).to_have_count(4)
        assert set(stage.values("dx")) == {0}, "it has not landed"
    stage.landed()
    assert stage.values("dx") == [1, 2, 0, 3, -1, 0, 0, 0, 0]


def test_numbers_fly_into_the_written_sum(stage):
    flyers = stage.stage.locator(".bp-flyer")
    with stage.slow_motion():
        stage.click("z", 0, 1, 0)
        expect(flyers).to_have_count(9)
        assert sorted(flyers.all_inner_texts()) == sorted(["1", "1", "1", "2", "2", "4", "3", "1", "−1"])
        where = "all => all.map(e => e.getAnimations()[0].effect.getKeyframes().map(k => parseFloat(k.top)))"
        assert all(end < 0 < start for start, end in flyers.evaluate_all(where)), "up, out of the grids"
    stage.landed()
    assert "Z[0, 1] = 1 + 1·1 + 2·2 + 4·3 + 1·(−1) = 17" in stage.sum()


def test_the_window_slides_to_the_next_output(make):
    stage = make("show='forward', step=1")
    window = stage.stage.locator(".bp-flyer").first
    path = "e => e.getAnimations()[0].effect.getKeyframes().map(k => parseFloat(k.left))"
    with stage.slow_motion():
        stage.press_button("next output")
        cell = stage.grid("x")["cell"]
        assert window.evaluate(path)[1] - window.evaluate(path)[0] == cell
        assert window.bounding_box()["height"] == pytest.approx(2 * cell, abs=1)
    stage.landed()
    assert stage.grid("x")["frames"] == [{"role": "input", "from": [0, 1, 0], "size": [2, 2]}]


def test_reduced_motion_is_at_once(make):
    stage = make("show='input', step=0")
    stage.page.emulate_media(reduced_motion="reduce")
    stage.press_button("next output")
    assert stage.stage.locator(".bp-flyer").count() == 0
    assert stage.values("dx") == [1, 2, 0, 3, -1, 0, 0, 0, 0]
    stage.page.emulate_media(reduced_motion="no-preference")


def test_sit_on_a_pixel(stage):
    stage.click("dx", 1, 1, 0)
    stage.away()
    stage.landed()
    assert stage.values("sit") == W[::-1, ::-1].ravel().tolist()
    state = stage.state()["grids"]
    assert state["z"]["fade"]
    assert not state["sit"]["fade"]
    stage.hover("sit", 0, 1)
    assert "W[1, 0] has come from output dZ[0, 1]" in stage.sum()
    assert stage.marked("dz") == [(0, 1, 0)]


def test_the_three_readings_show_the_same_sum(make):
    stage = make("stride=2, padding=1")
    sums = []
    for reading in ("stamps", "window", "matrix"):
        stage.press_button(reading)
        stage.hover("dx", 1, 1, 0)
        sums.append(stage.sum())
    assert [text.rsplit(" = ", 1)[1] for text in sums] == ["2"] * 3
    assert "0·(−1) + 0·3 + 0·2 + 2·1 = 2" in sums[1]
    assert stage.marked("t") == [(3, 4)]
    stage.expect("stage.reading", "matrix")


# Own arrays ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", LAID_OUT.values(), ids=LAID_OUT)
def test_everything_fits_and_nothing_lies_over_anything(make, arguments):
    stage = make(arguments)
    assert stage.stage.bounding_box()["width"] <= 960
    assert stage.height() <= 640
    assert stage.overlaps() == []
    assert min(grid["cell"] for name, grid in stage.state()["grids"].items() if name != "t") >= 5


def test_nan_is_shown_as_nan(make):
    stage = make("np.array([[3, 1, 2], [0, np.nan, 1], [5, 2, 6]])")
    stage.hover("dw", 1, 1, 0, 0)
    assert stage.sum().endswith("dW[1, 1] = NaN·1 + 1·(−2) + 2·3 + 6·2 = NaN")
    stage.hover("dx", 0, 0, 0)
    assert stage.sum().endswith("= 1")


def test_sixteen_channels(make):
    stage = make(LARGE)
    stage.hover("dx", 4, 5, 0)
    text = stage.sum()
    assert "9 outputs of this filter" in text
    assert "(other filters: " in text
    shown = stage.stage.get_by_role("group", name="channel c").get_by_role("status")
    assert shown.inner_text() == "0 (of 0 to 15)"
    stage.click("dx", 4, 5, 0)
    stage.press_button("channel c: more")
    assert stage.state()["held"] == {"array": "dx", "index": [4, 5, 1]}, "the cell in the slice now shown"
    stage.hover("dx", 4, 5, 1)
    assert "dX[4, 5, 1] = " in stage.sum()
    stage.run("from backprop_helpers.layers import conv_backward")
    stage.run("dx = conv_backward(stage.dz, stage._forward()[1])[0]")
    total = stage.ask("float(dx[0, 4, 5, 1])")
    assert float(stage.sum().rsplit("≈ ", 1)[1].replace("−", "-")) == pytest.approx(total, abs=0.06)


# Looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(stage, require_tool, theme):
    require_tool("axe_playwright_python")
    stage.click("dx", 1, 1, 0)
    assert stage.violations(theme) == []


def test_it_stacks_where_it_is_narrow(stage):
    stage.stack()
    assert stage.overlaps() == []


# Lessons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name", "cell", "said"),
    [
        (
            5,
            'ConvolutionStage(a_stroke, [[-1, 1], [-1, 1]], 0, show="forward")',
            ("z", 0, 1, 0),
            "5·1 + 0·(−1) + 5·1 = 10",
        ),
        (
            6,
            'ConvolutionStage(an_l, [[1, 0, -1], [2, 1, 0]], dz=another_l, show="weights")',
            ("dw", 0, 1, 0, 0),
            "= 6",
        ),
        (7, "stage", ("dz", 0, 1, 0), "dZ[0, 1] = 2"),
        (8, ")", ("dz", 0, 1, 0), "dZ[0, 1] = −2"),  # the first cell that ends so: the opening
        (
            8,
            'ConvolutionStage(x, w, b, dz, stride=2, padding=1, show="input", reading="window")',
            ("dx", 1, 1, 0),
            "dX[1, 1] = 0·(−1) + 0·3 + 0·2 + 2·1 = 2",
        ),
    ],
)
def test_the_lessons_stage(lab, lab_page, number, name, cell, said):
    (path,) = (ROOT / "notebooks").glob(f"{number:02}_*.ipynb")
    notebook = Lesson.read(path).notebook
    notebook.cells = [notebook.cells[n] for n in needed_cells(path, name)]
    (lab.folder / "cells.ipynb").write_text(writes(notebook), encoding="utf-8")
    opened = open_notebook(lab_page, "cells.ipynb")
    run_cells(lab_page, range(len(notebook.cells)))
    output = opened.scope.locator(".jp-Cell").last.locator(".jp-OutputArea-output").last
    output.locator('.bp-stage:not([data-drawn="0"])').wait_for(timeout=PATIENCE)
    stage = StagePage(lab_page, output)
    assert stage.height() <= 640
    assert stage.overlaps() == []
    stage.hover(*cell)
    assert said in stage.sum()
    close_all(lab_page)
