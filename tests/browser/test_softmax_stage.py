"""The stage of softmax in JupyterLab, under a real mouse and keys."""

import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("SoftmaxStage")


def test_scores_labels_and_shifts(make):
    stage = make()
    before = stage.state()
    stage.stage.get_by_role("button", name="+ 1000", exact=True).click()
    after = stage.state()
    assert after["y"] == before["y"]
    assert after["loss"] == before["loss"]
    assert "The naive e^Z overflows: ∞/∞ is NaN." in stage.sum()
    stage.expect("stage.arrays['z'].tolist()", [1002, 1001, 1000, 999])
    stage.stage.get_by_role("button", name="class 3 is the true one").click()
    stage.expect("stage.label", 3)
    slider = stage.stage.get_by_role("slider", name="score of class 0")
    slider.focus()
    stage.press("ArrowLeft", "ArrowLeft")
    assert stage.state()["z"] == [1001.5, 1001, 1000, 999]
    stage.expect("stage.arrays['z'].tolist()", [1001.5, 1001, 1000, 999])
    stage.press("a")  # to JupyterLab: a new cell
    assert slider.evaluate("e => document.activeElement === e")
    stage.hover("jacobian", 0, 1)
    assert "∂Ŷ[0]/∂Z[1] = Ŷ[0]·(0 − Ŷ[1])" in stage.sum()
    typed = stage.stage.get_by_role("textbox", name="score of class 2, as a number")
    typed.fill("−3")
    typed.press("Tab")
    assert stage.state()["z"][2] == -3
    typed.fill("0,3")
    typed.press("Tab")
    stage.stage.get_by_role("slider", name="score of class 2").focus()
    stage.press("ArrowRight")
    assert stage.state()["z"][2] == 0.55
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_axe_finds_nothing_and_it_stacks(make, require_tool):
    require_tool("axe_playwright_python")
    stage = make("np.linspace(-8, 8, 10), 3")
    assert stage.height() <= 640
    assert [stage.violations(theme) for theme in reversed(THEMES)] == [[], []]
    stage.stack()
    assert stage.overlaps() == []


@pytest.mark.parametrize("arguments", ["[0.0, np.nan, 1.0], 0", "[0.0, 2000.0, -2000.0], 0"])
def test_what_is_not_finite_is_shown(make, arguments):
    stage = make(arguments)
    assert stage.overlaps() == []
    assert "J = " in stage.sum()
