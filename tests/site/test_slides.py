"""A lesson as slides: nothing is cut, no host is asked, the stages answer, the keys are shared."""

import pytest

from tests.tool_loader import load_tool

WIDTH, HEIGHT = 1280, 800
# Each slide that is higher than the screen: its first words and its height.
CUT = """height => [...document.querySelectorAll(".slides section section")]
    .filter((slide) => slide.scrollHeight > height)
    .map((slide) => `${slide.innerText.slice(0, 60)}: ${slide.scrollHeight} px`)"""


@pytest.fixture(scope="module")
def page(browser, require_tool, tmp_path_factory):
    """A lesson's slides, opened from the disk; `problems`: errors, and whatever leaves the file."""
    require_tool("sphinx")
    folder = tmp_path_factory.mktemp("slides")
    assert load_tool("export_lesson").main(["8", "--slides", "--output", str(folder)]) == 0
    (file,) = folder.glob("*.slides.html")
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "request",
        lambda r: r.url.startswith((file.as_uri(), "data:", "blob:")) or page.problems.append(r.url),
    )
    page.goto(file.as_uri())
    page.locator("html[data-slides=ready]").wait_for(state="attached")
    yield page
    page.close()


def test_nothing_is_cut_and_nothing_is_asked_of_a_host(page):
    assert page.locator(".slides > section").count() >= 8
    assert page.evaluate(CUT, HEIGHT) == []
    assert page.problems == []


def test_a_stage_answers_and_keeps_its_keys(page):
    place = "(({ h, v }) => [h, v])(Reveal.getIndices())"
    page.evaluate("Reveal.slide(0, 0)")
    if not page.locator("section.present section.present .bp-stage").count():
        page.evaluate("Reveal.next()")
    here = page.evaluate(place)
    stage = page.locator("section.present section.present .bp-stage")
    before = stage.get_attribute("data-drawn")
    box = stage.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(200)
    assert int(stage.get_attribute("data-drawn")) > int(before)
    stage.get_by_role("button").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(place) == here
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(place) == [1, 0]


def test_code_that_made_something_is_folded_and_hints_are_notes(page):
    folds = page.locator(".jp-CodeCell details")
    assert folds.count() > 10
    assert page.locator("details[open]:not(aside *)").count() == 0
    hints = page.locator("summary").filter(has_text="Hint 1")
    assert hints.count() == page.locator("aside.notes summary").filter(has_text="Hint 1").count() >= 3
    headings = page.locator("h2:not(aside *)").all_inner_texts()
    assert {"On paper", "In code", "Gradient check", "The card"} <= set(headings)
    assert page.locator(".slides").get_by_text("yours: ").count() == 0  # a step's cell
