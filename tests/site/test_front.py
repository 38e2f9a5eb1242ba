"""The first page, and what was once wrong with the site's pages."""

import re
import time

import pytest

from tests.browser.stages import STATE
from tests.tool_loader import ROOT

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
MOST_WORDS = 150
SHIFTS = """() => new Promise((resolve) => {
    const found = [];
    const name = ({ node, previousRect: { x, y } }) => `${node?.nodeName}.${node?.className} from ${x}, ${y}`;
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) found.push([value, sources.map(name)]);
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(found), 300);
})"""
# How far the left end of an equation lies outside of the box that it scrolls in, before anybody scrolls.
HIDDEN_LEFT = """() => [...document.querySelectorAll("div.math")].map((box) => {
    const svg = box.querySelector("svg");
    return svg ? box.getBoundingClientRect().left - svg.getBoundingClientRect().left : 0;
})"""

# All that the network reads, one after the other.
WATCH = """readings = [];
new MutationObserver(() => {
    const words = document.querySelector(".bp-verdict")?.textContent ?? "";
    if (words.startsWith("reads") && words !== readings.at(-1)) readings.push(words);
}).observe(document, { subtree: true, childList: true });"""
# Where the middle of the digit is, in the window.
CENTRE = """() => document.querySelector(".bp-stage").bpStage.cellCenter("input", [14, 14, 0])"""


@pytest.fixture
def open_page(browser, address):
    """A function that opens a page of the site in a window of a given width and theme."""
    opened = []

    def open_page(name, width=1280, theme="light", **options):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme, **options)
        page.add_init_script(WATCH)
        opened.append(page)
        page.goto(address + name, wait_until="load")
        page.wait_for_function("document.documentElement.dataset.complete")
        return page

    yield open_page
    for page in opened:
        page.close()


def test_first_page_is_short_and_leads_to_every_lesson(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import front

    text = (ROOT / "website" / "pages" / "index.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|<!--.*?-->|^---.*?^---", "", text, flags=re.DOTALL | re.MULTILINE)
    ways = re.sub(r"<[^>]*>", " ", front.ways())
    assert 40 < len(f"{prose} {ways}".split()) <= MOST_WORDS
    cards = front.lessons((ROOT / "notebooks" / "start_here.md").read_text(encoding="utf-8"))
    assert re.findall(r'href="notebooks/(\d\d_\w+)\.html"', cards) == LESSONS
    assert len(re.findall(r"\d+ minutes", cards)) == len(LESSONS)
    pictures = re.findall(r"<svg.*?</svg>", cards)
    assert len(set(pictures)) == len(LESSONS) + 3


def stays(page, most):
    """Check that what a page shows has hardly moved since it began to load (cumulative layout shift)."""
    moved = page.evaluate(SHIFTS)
    assert sum(value for value, _ in moved) < most, moved


def draw_a_one(page, x, y):
    """Press in the upper half of a digit's place, and move down."""
    page.mouse.move(x, y - 50)
    page.mouse.down()
    page.mouse.move(x, y - 40, steps=5)
    page.locator(".bp-pad").wait_for()
    page.mouse.move(x, y + 50, steps=8)
    page.mouse.up()
    page.locator(".bp-stage").get_by_text("reads a 1").wait_for()


def test_first_page_writes_a_digit_and_the_reader_begins_anew(open_page):
    page = open_page("index.html")
    stage = page.locator(".bp-stage")
    stage.get_by_text("draw here").wait_for()  # when the page has written
    assert len(page.evaluate("readings")) > 1
    assert page.evaluate("readings.at(-1)").startswith("reads a 4")
    assert page.locator(".front-card").count() == len(LESSONS) + 6
    stays(page, 0.1)
    box = stage.locator(".bp-pad").bounding_box()
    draw_a_one(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert stage.get_by_text("draw here").count() == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_first_page_stays_where_it_is_when_its_scripts_come_late(browser, address, width):
    def late(route):
        time.sleep(0.7)
        route.continue_()

    page = browser.new_page(viewport={"width": width, "height": 800})
    page.route("**/stage/network*.js*", late)
    page.goto(address + "index.html", wait_until="load")
    page.locator(".bp-stage .bp-verdict").wait_for()
    stays(page, 0.05)
    page.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_a_lesson_stays_where_it_is_while_it_loads(open_page, width):
    page = open_page("notebooks/07_convolution_input.html", width)
    page.wait_for_function("document.querySelector('.bp-stage .bp-bar')")
    stays(page, 0.1)


def test_the_width_of_a_page_does_not_wait_for_what_is_read_last(site):
    style = (site / "_static" / "site.css").read_text(encoding="utf-8")
    assert not re.search(r":has\([^)]*(sidebar|front-cards)", style)
    assert '<meta content="wide first" name="page" />' in (site / "index.html").read_text(encoding="utf-8")


def test_first_page_writes_its_digit_at_once_where_motion_is_reduced(open_page):
    page = open_page("index.html", reduced_motion="reduce")
    page.get_by_text("draw here").wait_for()
    assert [words[:9] for words in page.evaluate("readings")] == ["reads a 4"]


def test_a_stroke_over_a_given_digit_draws_and_a_click_does_not(open_page):
    page = open_page("index.html")
    stage = page.locator(".bp-stage")
    stage.get_by_role("button", name="given").click()
    stage.get_by_text("reads a 4 ✓").wait_for()
    assert not stage.get_by_text("draw here").is_visible()
    x, y = page.evaluate(CENTRE)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 2)
    page.mouse.up()
    state = page.evaluate(STATE, page.query_selector(".bp-stage"))
    assert not state["drawing"]
    assert state["held"]["name"] == "input"
    draw_a_one(page, x, y)  # the paper takes the digit's place


@pytest.mark.parametrize("name", ["06_convolution_weights_and_bias", "08_general_convolution"])
def test_equations_open_at_their_left_end_on_a_telephone(open_page, name):
    page = open_page(f"notebooks/{name}.html", width=400)
    hidden = page.evaluate(HIDDEN_LEFT)
    assert len(hidden) > 5
    assert max(hidden) <= 1


def test_columns_of_the_formula_sheet_are_in_sight(open_page):
    page = open_page("notebooks/formula_sheet.html")
    outside = "table => table.scrollWidth - table.parentElement.clientWidth"
    tables = page.locator("article table")
    assert tables.count() >= 2
    assert max(table.evaluate(outside) for table in tables.all()) <= 1
    assert page.locator("article table tr").nth(1).bounding_box()["height"] < 70


@pytest.mark.parametrize("name", ["index.html", "notebooks/05_convolution_forward.html"])
def test_one_search_is_in_sight(open_page, name):
    page = open_page(name)
    seen = [button for button in page.get_by_role("button", name="Search").all() if button.is_visible()]
    assert len(seen) == 1


def test_results_of_a_search_show_no_source_of_formulas(open_page):
    page = open_page("search.html?q=padding")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    page.wait_for_timeout(500)
    assert not re.search(r"\\\(|\$\$|Light Dark", page.locator("#search-results").inner_text())


def test_figures_are_dark_in_the_dark_theme(open_page):
    page = open_page("notebooks/05_convolution_forward.html", theme="dark")
    figures = page.locator(".cell_output img")
    assert figures.count() > 3
    assert all("invert" in figure.evaluate("e => getComputedStyle(e).filter") for figure in figures.all())
