"""The stage of ReLU in JupyterLab: gates that open and close, under a real mouse and keys."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("ReLUStage")


def slide(stage, *keys):
    """Press keys on the slider of the bias."""
    stage.stage.get_by_role("slider").focus()
    stage.press(*keys)


def test_the_bias_opens_and_closes_gates(make):
    stage = make()
    assert (stage.state()["dead"], stage.values("dz")[:6]) == ([1], [2, 0, 0, 1, 0, -2])
    assert "11 of 24 gates are open. Unit 1 is dead" in stage.sum()
    with stage.slow_motion():
        slide(stage, "ArrowRight")
        expect(stage.stage.locator(".bp-flyer")).to_have_text(["1", "−3"])  # Z to A, dA to dZ
    stage.landed()
    assert stage.state()["flipped"] == [[0, 2]]
    stage.expect("stage.bias", 1)
    slide(stage, "ArrowRight")
    assert stage.state()["dead"] == []
    slide(stage, "Home")
    assert set(stage.values("dz")) == {0}
    assert stage.state()["dead"] == [0, 1, 2, 3, 4, 5]
    stage.run("stage.bias = 0")
    stage.until(lambda: stage.state()["bias"] == 0)
    assert stage.values("z")[:3] == [3, -1, 0]
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_a_cell_tells_its_gate_and_is_held(make):
    stage = make()
    stage.hover("dz", 1, 0)
    assert stage.sum().startswith(
        "Z[1, 0] = −2 is below 0: the gate is closed, A[1, 0] = 0dZ[1, 0] = dA[1, 0]·[−2 > 0] = 7·0 = 0"
    )
    for name in ("z", "a", "dz", "da"):
        assert stage.marked(name, "here") == [(1, 0)]
        assert stage.marked(name, "bias") == [(0, 2)]
    stage.click("da", 0, 2)
    stage.expect("stage.selected", {"array": "da", "index": [0, 2]})
    stage.press_button("slope 1 at 0")
    assert stage.values("dz")[2] == -3
    assert "·[0 ≥ 0] = −3·1 = −3" in stage.sum()
    slide(stage, "ArrowLeft")
    assert "Z[0, 2] = 0 + (−1) = −1 is below 0" in stage.sum()  # held while the bias moves
    stage.press("Escape")
    assert stage.state()["held"] is None


def test_numbers_are_dragged_and_typed_over(make):
    stage = make("[[1, -2], [-3, -4]], [[5, 6], [7, 8]], bias=1")
    assert stage.values("z") == [2, -1, -2, -3]
    stage.drag_cell("z", (0, 1), 2 * 9 + 1)
    assert stage.values("dz") == [5, 6, 0, 0]
    assert stage.state()["flipped"] == [[0, 1]]
    stage.expect("stage.arrays['z'].tolist()", [[1, 0], [-3, -4]])  # without the bias
    stage.canvas("da").focus()
    stage.press("ArrowRight", "n", "a", "n", "Enter")
    assert np.isnan(stage.values("dz")).tolist() == [False, True, False, False]
    stage.canvas("z").focus()
    stage.press("ArrowDown", "n", "a", "n", "Enter")
    assert np.isnan(stage.values("a")).tolist() == [False, False, False, True]
    assert "is no number: it is let through" in stage.sum()


@pytest.mark.parametrize(
    "arguments",
    [
        "rng.normal(size=(12, 12))",
        "rng.normal(size=(1, 3)) * 1e-3",
        "np.zeros((32, 32), int)",
        "-np.ones((8, 1))",
    ],
)
def test_own_arrays_fit(make, arguments):
    stage = make(arguments)
    assert stage.height() <= 640
    assert stage.overlaps() == []
    slide(stage, "End")
    assert stage.values("dz") == stage.values("da")
    slide(stage, "Home")
    assert set(stage.values("a")) == {0}


def test_axe_finds_nothing_and_it_stacks(make, require_tool):
    require_tool("axe_playwright_python")
    stage = make()
    stage.click("da", 0, 0)
    assert [stage.violations(theme) for theme in reversed(THEMES)] == [[], []]
    stage.stack()
    assert stage.overlaps() == []
