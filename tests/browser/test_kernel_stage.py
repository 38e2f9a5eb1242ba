"""The stage of a kernel that learns in JupyterLab, under a real mouse and keys."""

import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("KernelStage")


def test_steps_lower_the_loss_and_the_rate_walks_again(make):
    stage = make()
    stage.press_button("one step")
    first = stage.state()
    assert first["losses"][1] < first["losses"][0]
    stage.press_button("ten")
    stage.expect("stage.step", 11)
    stage.stage.get_by_role("slider", name="learning rate").focus()
    for _ in range(30):
        stage.press("ArrowRight")
    faster = stage.state()
    assert faster["losses"][11] < 0.1 * faster["losses"][0]
    assert [round(w) for w in stage.values("w")] == [1, -1]
    stage.press("End")
    climbing = stage.state()
    assert "The rate is too large" in stage.sum()
    assert climbing["losses"][-1] > climbing["losses"][-2]
    stage.press_button("back")
    stage.expect("stage.step", 0)
    stage.hover("dw", 0, 1)
    assert stage.sum().startswith("dW[0, 1] = ")
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_a_target_is_painted_and_a_digit_has_edges(make):
    stage = make()
    stage.press_button("blank")
    x, y = stage.middle("target", 0, 1)
    across = stage.middle("target", 0, 3)[0]
    stage.page.mouse.move(x, y)
    stage.page.mouse.down()
    stage.page.mouse.move(across, y, steps=12)
    stage.page.mouse.up()
    assert stage.values("target")[:5] == [0, 1, 1, 1, 0]
    stage.expect("stage.arrays['target'][0].tolist()", [0, 1, 1, 1, 0])
    stage.press_button("digit")
    stage.press_button("ten")
    assert len(stage.values("target")) == 14 * 13
    assert stage.state()["step"] == 10
    stage.canvas("w").focus()
    stage.press("2", "Enter")
    assert stage.values("w")[0] == 2
    assert stage.state()["step"] == 0
    assert stage.height() <= 640
    assert stage.overlaps() == []


def test_axe_finds_nothing_and_it_stacks(make, require_tool):
    stage = make("step=5")
    require_tool("axe_playwright_python")
    for theme in THEMES:
        assert stage.violations(theme) == []
    stage.stack()
    assert stage.overlaps() == []


@pytest.mark.parametrize(
    "arguments",
    [
        "rng.normal(size=(28, 28)), w=np.ones((5, 5)), hidden=rng.normal(size=(5, 5)), rate=1e-3, step=20",
        "[[1.0, np.nan, 2.0]], step=3",
        "np.eye(2), w=[[1], [2]], hidden=[[0], [1]]",
    ],
)
def test_own_arrays_fit(make, arguments):
    stage = make(arguments)
    assert stage.height() <= 640
    assert stage.overlaps() == []
    stage.hover("z", 0, 0)
    assert "Z[0, 0] = " in stage.sum()
