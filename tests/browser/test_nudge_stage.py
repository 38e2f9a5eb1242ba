"""The graph of nudges in JupyterLab: pulled, typed over, sent back, under a real mouse and keys."""

import pytest

from tests.browser.shown import THEMES
from tests.browser.stages import DRAWN, STATE, stage_fixtures

opened, make = stage_fixtures("NudgeStage")


def node(stage, name):
    return stage.stage.locator(f'.bp-node[data-node="{name}"]')


def test_a_number_is_pulled_typed_over_and_let_go(make):
    stage = make()
    stage.drag_cell("w", [], 7 * 9 + 1)
    assert stage.state()["moved"] | {"w": 0.5, "J": 7.75, "x": 0} == stage.state()["moved"]
    assert "14·0.5 = 7, moved 7.75" in stage.sum()
    stage.expect("stage.epsilon", 0.5)
    stage.expect("stage.selected", {"array": "w", "index": []})
    node(stage, "b").hover()
    assert "b does not read w" in stage.sum()
    stage.press("Escape")
    node(stage, "w").focus()
    stage.press("ArrowRight", "ArrowRight", "Escape")
    assert (stage.state()["nudged"], stage.state()["epsilon"]) == (None, 0)
    stage.press("5", "Enter")
    assert stage.state()["values"]["J"] == 57
    stage.expect("float(stage.arrays['w'])", 5.0)
    assert stage.height() <= 640


def test_edges_carry_the_change_and_gates_that_break_the_promise_say_so(make):
    stage = make("nudged='w', epsilon=0.5")
    carried = stage.stage.locator(".bp-edge-moved").all_text_contents()
    assert sorted(carried) == sorted(["+1", "+3", "+1", "+1", "+1", "+4", "+4.5", "+3.25"])
    broken = stage.stage.locator(".bp-broken").evaluate_all("all => all.map(e => e.dataset.node)")
    assert broken == ["s", "r", "J"]  # e²/2 and w² bend; p, z, a and e are straight
    stage.drag_cell("w", [], -3 * 9 - 1)
    assert stage.state()["epsilon"] == 0.1
    assert stage.stage.locator(".bp-broken").count() == 0  # 2 % off is still good


def test_a_click_nudges_and_a_second_one_lets_go(make):
    stage = make()
    node(stage, "x").click()
    assert (stage.state()["nudged"], stage.state()["epsilon"]) == ("x", 0.5)
    node(stage, "x").click()
    assert (stage.state()["nudged"], stage.state()["epsilon"]) == (None, 0)
    stage.stage.get_by_label("the nudge ε").fill("2")
    assert (stage.state()["nudged"], stage.state()["epsilon"]) == ("w", 0.01)


def test_messages_go_back_gate_by_gate(make):
    stage = make("messages=0")
    assert stage.state()["gradients"] == dict.fromkeys("wxpbzayesr") | {"J": 1}
    stage.press_button("next gate")
    stage.page.evaluate(DRAWN)
    assert stage.stage.locator(".bp-message").count() == 2
    assert stage.state()["gradients"] | {"s": 1, "r": 1, "e": None} == stage.state()["gradients"]
    stage.press_button("next gate")
    node(stage, "w").hover()
    assert "dw = 1·6 = 6 A fork adds: 2 edges leave w, 1 not heard from yet." in stage.sum()
    stage.expect("stage.messages", 2)
    stage.run("stage.messages = 4")
    stage.page.wait_for_function(f"e => ({STATE})(e).messages === 4", arg=stage.stage.element_handle())
    assert stage.state()["gradients"] | {"e": 4, "a": 4, "z": None} == stage.state()["gradients"]


@pytest.mark.parametrize(
    "arguments",
    ["'x*x + exp(-x)/(1 + y)', x=1.5, y=2, nudged='x', epsilon=0.1", "'log(x)*y', x=-1, y=0", "'2*x', x=1"],
)
def test_other_expressions_fit(make, arguments):
    stage = make(arguments)
    assert stage.height() <= 640
    boxes = [node.bounding_box() for node in stage.stage.locator(".bp-node").all()]
    apart = [
        a["x"] + a["width"] <= b["x"]
        or b["x"] + b["width"] <= a["x"]
        or a["y"] + a["height"] <= b["y"]
        or b["y"] + b["height"] <= a["y"]
        for n, a in enumerate(boxes)
        for b in boxes[n + 1 :]
    ]
    assert all(apart)
    assert stage.overlaps() == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(make, require_tool, theme):
    require_tool("axe_playwright_python")
    stage = make("messages=2")
    node(stage, "w").hover()
    assert stage.violations(theme) == []
