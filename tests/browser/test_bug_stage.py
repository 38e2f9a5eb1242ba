"""The stage of planted bugs in JupyterLab: the verdicts wait until they are asked for."""

from tests.browser.shown import THEMES
from tests.browser.stages import stage_fixtures

opened, make = stage_fixtures("BugStage")


def test_a_bug_is_chosen_and_the_checks_are_run(make, require_tool):
    stage = make("layers=['softmax']")
    assert set(stage.state()["verdicts"]) == {"waits"}
    assert "Guess, then run the checks." in stage.sum()
    stage.press_button("run the checks")
    assert "2 of 8 weak checks are fooled." in stage.sum()
    verdicts = stage.state()["verdicts"]
    assert (verdicts[0], verdicts.count("fooled")) == ("sees", 2)
    stage.press_button("right")
    stage.expect("stage.planted", False)
    assert set(stage.state()["verdicts"]) == {"silent"}
    stage.stage.get_by_label("layer", exact=True).select_option("softmax")
    stage.expect("stage.bug.split('.')[0]", "softmax")
    assert set(stage.state()["verdicts"]) == {"waits"}
    stage.press_button("run the checks")
    assert (
        "alarm" in stage.state()["verdicts"]
    )  # its outputs always add up to 1: all upstream gradients are 0
    assert stage.height() <= 640
    stage.press_button("with the bug")
    require_tool("axe_playwright_python")
    for theme in THEMES:
        assert stage.violations(theme) == []
    stage.stack()
    assert stage.overlaps() == []
