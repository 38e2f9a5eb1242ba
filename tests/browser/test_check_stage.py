"""The stage of gradient checks in JupyterLab, under a real mouse and keys."""

import re

import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("CheckStage")


def test_a_step_is_looked_at_kept_and_moved(make):
    stage = make()
    assert stage.sum().startswith("central difference at ε = 1e−5: relative error 2e−11, below 1e−7")
    stage.hover("curve", 28)
    assert "at ε = 1e−10: relative error" in stage.sum()
    assert "Rounding" in stage.sum()
    assert stage.state()["epsilon"] == 1e-5
    stage.page.mouse.move(2, 2)
    assert "ε = 1e−5" in stage.sum()
    start, end = stage.middle("curve", 48), stage.middle("curve", 60)
    stage.page.mouse.move(*start)
    stage.page.mouse.down()
    stage.page.mouse.move(*end, steps=5)
    stage.page.mouse.up()
    stage.expect("stage.epsilon", 0.01)
    assert "two off it" in stage.sum()
    stage.stage.get_by_role("slider", name="the step ε").focus()
    stage.press("Home")
    stage.page.mouse.move(2, 2)
    assert "Nothing moved" in stage.sum()
    stage.press("PageUp")
    stage.expect("stage.epsilon", 1e-16)
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_a_planted_mistake_is_a_floor(make):
    stage = make("subject='softmax', precision='float32'")
    stage.press_button("float64")
    stage.press_button("last = 0")
    assert "No ε brings the error below 1: the V has a floor." in stage.sum()
    assert stage.state()["entry"] == 3
    stage.stage.get_by_role("button", name=re.compile(r"^\[1\]")).click()
    assert stage.state()["entry"] == 1
    stage.press_button("x·w")
    stage.press_button("float32")
    stage.press_button("0")
    assert "The gradient is wrong, and the check does not see it." in stage.sum()
    stage.press_button("reversed")
    stage.press_button("eˣ")  # one entry: it cannot be reversed
    stage.expect("stage.bug", "right")
    stage.stage.get_by_role("button", name="complex step").click()
    stage.expect("stage.method", "complex")
    assert "Nothing is subtracted" in stage.sum()


def test_axe_finds_nothing_and_it_stacks(make, require_tool):
    stage = make("subject='relu', bug='slightly', epsilon=0.01")
    assert "The kink" not in stage.sum()
    require_tool("axe_playwright_python")
    for theme in THEMES:
        assert stage.violations(theme) == []
    assert stage.height() <= 640
    stage.stack()
    assert stage.overlaps() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("lambda x: x**4, lambda x: 4 * x**3, at=3.0, label='x⁴', method='forward'", "forward difference"),
        ("lambda x: float(x) ** 2, lambda x: 2 * x, method='complex'", "takes no complex numbers"),
        ("lambda x: np.sum(np.log(x)), lambda x: 1 / x, at=[1e-3, 2, 1e6], label='Σ log'", "central"),
    ],
)
def test_own_functions(make, arguments, words):
    stage = make(arguments)
    assert words in stage.sum()
    assert stage.overlaps() == []
    assert stage.height() <= 640
