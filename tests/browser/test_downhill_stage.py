"""The ball on the loss of one weight in JupyterLab: moved, let down step by step, taken back."""

import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("DownhillStage")


def test_steps_are_a_tenth_of_the_slope(make):
    stage = make()
    assert stage.state() == {"w": -1, "loss": 12.5, "slope": -10, "been": [], "grids": {}}
    assert "J = ½·(−5)² = 12.5" in stage.sum()
    assert "it moves by −0.01, that is −10 times as far" in stage.sum()
    for w in (0, 0.6, 0.96):
        stage.press_button("one step downhill")
        assert stage.state()["w"] == pytest.approx(w)
    assert stage.state()["been"] == pytest.approx([-1, 0, 0.6])
    assert "Step 3: from 0.6" in stage.sum()
    stage.expect("round(stage.w, 6)", 0.96)
    stage.press_button("back to the start")
    assert stage.state() == {"w": -1, "loss": 12.5, "slope": -10, "been": [], "grids": {}}
    assert stage.height() <= 450


def test_the_slider_moves_the_ball_and_escape_takes_it_back(make):
    stage = make("x=-1, y=2, w=1")
    stage.stage.get_by_label("the weight w").fill("-2")
    assert stage.state()["w"] == pytest.approx(-2, abs=0.01)
    stage.press("Escape")
    assert stage.state()["w"] == 1


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(make, require_tool, theme):
    require_tool("axe_playwright_python")
    stage = make()
    stage.press_button("one step downhill")
    assert stage.violations(theme) == []
