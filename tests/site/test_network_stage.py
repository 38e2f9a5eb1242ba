"""The network's stage without Python: the digit first, then the weights; served, on a disk, as one file."""

import re

import pytest

from backprop_helpers.training import series_cnn, series_digit
from tests.browser.stages import STATE
from tests.tool_loader import ROOT, load_tool

PAGE = "notebooks/10_whole_network.html"
FIRST = "document.querySelector('.bp-stage[data-composition=network]')"
ANSWERS = f"({FIRST} && ({STATE})({FIRST}).probabilities)"
STAGE = ".bp-stage[data-composition=network]"


@pytest.fixture(scope="module")
def exported(require_tool, tmp_path_factory):
    """Lesson 10 as one file."""
    require_tool("sphinx")
    folder = tmp_path_factory.mktemp("export")
    lesson = next((ROOT / "notebooks").glob("10_*.ipynb"))
    assert load_tool("export_lesson").main([str(lesson), "--output", str(folder)]) == 0
    return folder / f"{lesson.stem}.html"


@pytest.fixture
def opened(browser):
    """A function that opens an address; `page.asked`: what was asked for, `page.problems`: errors."""
    contexts = []

    def opened(address, before=lambda page: None, **options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.asked, page.problems = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
        before(page)
        page.goto(address, wait_until="domcontentloaded")
        page.locator(f'{STAGE}:not([data-drawn="0"])').wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()


def state(page):
    return page.locator(STAGE).evaluate(STATE)


def asks_for(page, name):
    return any(name in url for url in page.asked)


def test_the_digit_is_there_before_the_weights(opened, address):
    held = []
    page = opened(
        address + PAGE, lambda page: page.route("**/series_last.bin", lambda route: held.append(route))
    )
    found = state(page)
    assert found["probabilities"] is None
    assert max(found["image"]) == 1
    assert "weights are on their way (109 kB)" in page.locator(STAGE).evaluate("e => e.bpStage.sumText()")
    held[0].continue_()
    page.wait_for_function(ANSWERS)
    net, (digit, _) = series_cnn(), series_digit()
    assert state(page)["loss"] == pytest.approx(float(net.loss(digit, series_digit()[1])), rel=0.1)
    assert not asks_for(page, "series_weights")
    assert not asks_for(page, "series_images")
    assert page.problems == []


def test_what_a_use_needs_comes_with_it(opened, address):
    page = opened(address + PAGE)

    def parts():
        return {url.rsplit("-", 1)[-1] for url in page.asked if re.search(r"-network_\w+\.js$", url)}

    page.wait_for_function(ANSWERS)
    assert parts() == {"network_run.js", "network_search.js"}
    page.locator(f"{STAGE} .bp-maps").hover(position={"x": 60, "y": 60})
    page.wait_for_function(f"document.querySelector('{STAGE} .bp-sum').textContent.includes('∂J/∂input')")
    assert parts() == {"network_run.js", "network_search.js", "network_look.js"}
    page.locator(STAGE).get_by_role("button", name="drawn").click()
    page.locator(f"{STAGE} .bp-ink button").first.wait_for()
    assert parts() == {"network_run.js", "network_search.js", "network_look.js", "network_pad.js"}
    assert page.problems == []


@pytest.mark.parametrize("kind", ["served", "file"])
def test_snapshots_and_digits_come_when_they_are_asked_for(opened, address, site, kind):
    page = opened(address + PAGE if kind == "served" else (site / PAGE).as_uri())
    page.wait_for_function(ANSWERS)
    page.get_by_label("training step", exact=True).fill("0")
    page.wait_for_function(f"Math.max(...({ANSWERS} ?? [1])) < 0.5")
    page.get_by_label("training step", exact=True).fill("5")
    page.get_by_label("which images").select_option("misread")
    page.wait_for_function("document.querySelector('.bp-verdict').textContent.includes('✗')")
    assert state(page)["index"] < 1000
    assert page.problems == []
    assert all(url.startswith((address, "file:", "data:", "blob:")) for url in page.asked)


def test_one_file_has_the_trained_network(opened, exported):
    page = opened(exported.as_uri())
    page.wait_for_function(ANSWERS)
    assert state(page)["verdict"].startswith("reads a 4 ✓")
    assert page.get_by_label("training step", exact=True).count() == 0
    page.get_by_role("button", name="image: more").click()
    page.wait_for_function(f"({STATE})(document.querySelector('.bp-stage')).index === 0")
    assert page.problems == []
    assert page.asked == [exported.as_uri()]


def test_fingers_draw_on_a_telephone(opened, address):
    page = opened(address + PAGE, has_touch=True, color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(ANSWERS)
    page.locator(STAGE).get_by_role("button", name="drawn").tap()
    page.locator(".bp-pad").scroll_into_view_if_needed()
    box = page.locator(".bp-pad").bounding_box()
    session = page.context.new_cdp_session(page)
    points = [
        (box["x"] + box["width"] * (0.5 + n / 100), box["y"] + box["height"] * (0.15 + n / 14))
        for n in range(10)
    ]
    for n, (x, y) in enumerate(points):
        kind = "touchMove" if n else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("document.querySelector('.bp-verdict').textContent.startsWith('reads a 1')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    verdict, bars = (page.locator(part).bounding_box() for part in (".bp-verdict", ".bp-bars"))
    assert (
        verdict["y"] + verdict["height"] - box["y"] < 400
    )  # the paper, what is read and the bars on one screen
    assert bars["y"] >= box["y"] - 1
