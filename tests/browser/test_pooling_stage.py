"""The stage of pooling in JupyterLab, under a real mouse and keys."""

import numpy as np
import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("PoolingStage")
LESSON = "[[3, 1, 2], [0, 4, 1], [5, 2, 6]], [[1, -2], [3, 2]], stride=1"


def test_a_cell_shows_its_windows_and_who_is_paid(make):
    stage = make()
    stage.hover("dz", 0, 0, 0)
    assert stage.sum().endswith(
        "dZ[0, 0] = 1 goes to X[1, 0], the first of 2 equals in reading order; the others get 0"
    )
    assert stage.marked("dx", "output") == [(1, 0, 0)]
    assert stage.marked("x", "bias") == [(1, 1, 0)]
    stage.hover("x", 4, 4, 0)
    assert "No window reads this pixel" in stage.sum()
    stage.press_button("pay every tie")
    assert sum(stage.values("dx")) == 4
    assert sum(stage.values("paid")) == 5
    stage.press_button("stride = size")
    stage.press_button("stride: less")
    stage.expect("stage.stride", [1, 1])
    assert len(stage.values("z")) == 16
    stage.press_button("average")
    stage.expect("stage.mode", "average")
    assert sum(stage.values("dx")) == pytest.approx(sum(stage.values("dz")))
    assert "paid" not in stage.state()["grids"]
    stage.press_button("size: more")
    stage.press_button("size: more")
    stage.press_button("size: more")
    stage.press_button("size: more")  # a fifth would not fit
    assert stage.state()["size"] == [5, 5]
    assert len(stage.values("z")) == 1
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_a_number_dragged_past_the_tie_takes_the_gradient(make):
    stage = make(LESSON)
    stage.hover("dx", 1, 1, 0)
    assert "dX[1, 1] = 1 + (−2) = −1" in stage.sum()
    stage.drag_cell("x", (0, 0, 0), 9)
    assert stage.state()["jumps"] == [
        {"output": [0, 0, 0], "from": [1, 1, 0], "to": [0, 0, 0]}
    ]  # 4: the first of equals
    assert stage.values("dx")[0] == 1
    stage.expect("stage.arrays['x'][0, 0, 0].item()", 4)
    stage.click("dz", 0, 1, 0)
    stage.expect("stage.selected", {"array": "dz", "index": [0, 1, 0]})
    stage.canvas("x").focus()
    stage.press("ArrowRight", "n", "a", "n", "Enter")
    assert np.isnan(stage.values("z")).tolist() == [True, True, False, False]
    stage.press("Escape")
    assert stage.state()["held"] is None


def test_axe_finds_nothing_and_it_stacks(make, require_tool):
    require_tool("axe_playwright_python")
    stage = make()
    stage.click("dz", 1, 1, 0)
    assert [stage.violations(theme) for theme in reversed(THEMES)] == [[], []]
    stage.stack()
    assert stage.overlaps() == []


@pytest.mark.parametrize(
    "arguments",
    [
        "rng.normal(size=(12, 12)), stride=1",
        "rng.integers(0, 9, (1, 6, 10, 3)), size=(2, 5), stride=(3, 2), mode='average', channel=2",
        "np.array([[1.0, np.nan], [2.0, 3.0]])",
        "rng.normal(size=(1, 28, 28, 8)), size=3",
    ],
)
def test_own_arrays_fit(make, arguments):
    stage = make(arguments)
    assert stage.height() <= 640
    assert stage.overlaps() == []
    stage.hover("x", 1, 1, stage.state()["channel"])
    assert "dX[1, 1" in stage.sum()
