"""Explorers on the site: without a kernel they show what Python shows, cell by cell, and nothing else."""

import json
import sys

import numpy as np
import pytest

from backprop_helpers.views.explorers import ConvolutionExplorer
from tests.site.conftest import point, settle, view
from tests.tool_loader import ROOT

sys.path.append(str(ROOT / "website"))

X = [[3, 1, 2], [0, 4, 1], [5, 2, 6]]
W = [[1, 2], [3, -1]]
DZ = [[1, -2], [3, 2]]
LESSON_07 = "notebooks/07_convolution_input.html"
PAGES = {
    "index.html": "input",
    LESSON_07: "input",
    "notebooks/05_convolution_forward.html": "forward",
    "notebooks/06_convolution_weights_and_bias.html": "weights",
}


def explorer(focus):
    """The explorer of a lesson, made here from the numbers that the lessons share."""
    return ConvolutionExplorer(np.array(X), np.array(W), 1, np.array(DZ), focus=focus)


@pytest.fixture(scope="module")
def opened(browser, address):
    """A function that opens a page of the site, or returns it as it was left; and what went wrong on any."""
    pages, problems = {}, []

    def get(name):
        if name not in pages:
            page = pages[name] = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("pageerror", lambda error: problems.append(f"error: {error}"))
            page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
            page.on(
                "request",
                lambda r: None if r.url.startswith((address, "data:", "blob:")) else problems.append(r.url),
            )
            page.goto(address + name)
            page.wait_for_function("document.documentElement.dataset.complete")
            settle(page)
        return pages[name]

    get.problems = problems
    yield get
    for page in pages.values():
        page.close()


def on_page(page):
    """Return what the page shows: (arithmetic, {matrix: highlights})."""
    text, marks = page.evaluate(
        """() => {
            const shown = document.querySelector('.live-view');
            const marks = [...shown.querySelectorAll('.bp-matrix')].map(matrix =>
                [matrix.querySelector('.bp-matrix-title span').innerText, matrix.dataset.highlights]);
            return [shown.querySelector('.bp-lines').innerText, marks];
        }"""
    )
    marks = {name: json.loads(groups) for name, groups in marks}
    for groups in marks.values():
        for group in groups:
            del group["pattern"]  # follows from the position
    return text, marks


def in_python(lesson):
    """Return what the explorer in Python shows, in the same form."""
    views = {name: view.get_state("_groups")["_groups"] for name, view in lesson.views.items()}
    return lesson.arithmetic_text, {
        lesson.views[name].title: groups for name, groups in views.items() if name not in ("D", "W̄", "T")
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_cell_says_what_python_says(opened, name):
    page, lesson = opened(name), explorer(PAGES[name])
    assert on_page(page) == in_python(lesson)
    for matrix, cell in [("X", (1, 1)), ("X", (0, 2)), ("W", (1, 0)), ("b", (0, 0)), ("Z", (1, 0))]:
        point(page, matrix, cell)
        lesson.views[matrix].hovered = cell
        assert on_page(page) == in_python(lesson), (matrix, cell)
        lesson.views[matrix].hovered = None
    for matrix, cell in [("dX", (2, 1)), ("dW", (0, 1)), ("dZ", (0, 1))]:
        if matrix in lesson.views:
            point(page, matrix, cell)
            lesson.views[matrix].hovered = cell
            assert on_page(page) == in_python(lesson), (matrix, cell)
            lesson.views[matrix].hovered = None
    page.mouse.move(1, 1)
    settle(page)
    assert on_page(page) == in_python(lesson)
    assert opened.problems == []


def test_pixel_in_the_middle_is_written_out(opened):
    """The numbers of lesson 07, written here by hand."""
    page = opened(LESSON_07)
    point(page, "X", (1, 1))
    text, marks = on_page(page)
    assert "= 1·(−1) + (−2)·3 + 3·2 + 2·1 = 1" in text
    assert marks["Z"][0]["cells"] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert marks["W"][0]["cells"] == [[1, 1], [1, 0], [0, 1], [0, 0]]
    assert marks["dX"][0]["cells"] == [[1, 1]]
    page.mouse.move(1, 1)


def test_keyboard_points_pins_and_lets_go(opened):
    page, lesson = opened(LESSON_07), explorer("input")
    page.mouse.move(1, 1)
    view(page, "X").locator(".bp-matrix-stage").focus()
    page.keyboard.press("Tab")  # on to W
    page.keyboard.press("ArrowRight")
    settle(page)
    lesson.views["W"].hovered = (0, 1)
    assert on_page(page) == in_python(lesson)

    page.keyboard.press("Enter")  # W[0, 1] is held
    lesson.views["W"].pinned = (0, 1)
    point(page, "dX", (2, 2))
    lesson.views["W"].hovered = None
    lesson.views["dX"].hovered = (2, 2)
    assert on_page(page) == in_python(lesson)
    page.mouse.move(1, 1)
    settle(page)
    lesson.views["dX"].hovered = None
    assert on_page(page) == in_python(lesson)
    assert "W[0,1] = 2 multiplies" in on_page(page)[0]
    assert view(page, "W").get_attribute("data-pinned") == "0,1"

    point(page, "Z", (1, 1))
    page.mouse.down()
    page.mouse.up()  # another cell is held: the first lets go
    page.mouse.move(1, 1)
    settle(page)
    assert view(page, "W").get_attribute("data-pinned") == ""
    lesson.views["W"].pinned = None
    lesson.views["Z"].pinned = (1, 1)
    assert on_page(page) == in_python(lesson)

    page.keyboard.press("Escape")
    settle(page)
    lesson.views["Z"].pinned = None
    assert on_page(page) == in_python(lesson)
    assert "4 outputs" in on_page(page)[0]


def test_theme_is_followed(opened):
    page = opened(LESSON_07)
    inks = {}
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.wait_for_timeout(50)
        point(page, "X", (0, 0))
        inks[theme] = [
            page.locator(selector).first.evaluate("node => getComputedStyle(node).color")
            for selector in (".live-view .bp-blue", ".live-view .bp-matrix", ".live-view .bp-title")
        ]
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert all(light != dark for light, dark in zip(inks["light"], inks["dark"])), inks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_view_can_be_read_and_heard(browser, address, require_tool, theme):
    """In a wide window: where the view is cut off at the side, axe cannot tell what is behind a text."""
    require_tool("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": 1280, "height": 1600}, color_scheme=theme)
    page.goto(address + "index.html")
    page.wait_for_function("document.documentElement.dataset.complete")
    settle(page)
    point(page, "dX", (1, 1))
    every = {"resultTypes": ["violations", "passes"]}
    found = Axe().run(page, context={"include": [[".live-view"]]}, options=every).response
    assert [f"{v['id']}: {v['nodes'][0]['failureSummary']}" for v in found["violations"]] == []
    (contrast,) = [rule for rule in found["passes"] if rule["id"] == "color-contrast"]
    read = " ".join(node["html"] for node in contrast["nodes"])
    for part in ("bp-title", "bp-words", "bp-lines", "bp-blue", "bp-vermillion", "bp-green"):
        assert part in read, part
    page.close()


def test_page_lives_as_a_file(browser, site):
    """Opened from the disk, where a page may not request anything."""
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.wait_for_function("document.documentElement.dataset.complete")
    settle(page)
    point(page, "dX", (1, 1))
    assert "dX[1,1]" in page.locator(".live-view .bp-lines").inner_text()
    page.close()


def test_module_is_the_notebooks_own(site):
    package = ROOT / "backprop_helpers" / "views" / "matrix_view"
    script = (site / "_static" / "live" / "matrix_view.js").read_text(encoding="utf-8")
    module = json.loads(script[script.index(" = ") + 3 :].rstrip().removesuffix(";"))
    assert module == (package / "matrix_view.js").read_text(encoding="utf-8")


def test_every_explorer_lives_or_says_how_to_run_it(site):
    for path in sorted((site / "notebooks").glob("[0-9]*.html")):
        text = path.read_text(encoding="utf-8")
        waiting = text.count("run the cell to use it")
        told = text.count("This view answers when Python runs")
        assert text.count('class="live-view"') + told == waiting, path.name
    assert waiting == 0 or told  # the last lesson has a network of its own


# Which explorers can live -----------------------------------------------------------------------------------


def cells(*sources):
    from nbformat.v4 import new_code_cell

    return [new_code_cell(source) for source in sources]


GIVEN = "X = np.array([[1, 2], [3, 4]])\nW = np.array([[1]])"


@pytest.mark.parametrize(
    ("sources", "summary"),
    [
        ([GIVEN, "e = ConvolutionExplorer(X, W, 2, focus='input')", "e"], "x 2×2×1, w 1×1×1×1"),
        ([GIVEN, "e = ConvolutionExplorer(X, W, stride=2)\ne.twin()", "e"], "x 2×2×1, w 1×1×1×1"),
        ([GIVEN, "e = ConvolutionExplorer()", "X = 3", "e"], "x 3×3×1, w 2×2×1×1"),
        ([GIVEN, "X = X + 1\ne = ConvolutionExplorer(X, W)", "e"], None),
        ([GIVEN, "for X in images:\n    pass\ne = ConvolutionExplorer(X, W)", "e"], None),
        (["e = ConvolutionExplorer(rng.normal(size=(4, 4)))", "e"], None),
        (["e = ConvolutionExplorer(**GEOMETRY)", "e"], None),
        (["e = ConvolutionExplorer()\ne = PoolingExplorer()", "e"], None),
        (["e = ReLUExplorer()", "e"], None),
    ],
)
def test_only_literals_are_read(sources, summary):
    import live

    found = live.explorer_of(cells(*sources))
    assert (found is None) if summary is None else (summary in repr(found))


def test_settings_of_the_lesson_are_kept():
    import live

    made = live.explorer_of(
        cells("e = ConvolutionExplorer(stride=2, padding=1)\ne.reading.value = 'correlation'", "e")
    )
    shown = live.recorded(made)
    assert set(shown["states"]) == {"X", "W", "b", "Z", "dX", "dW", "db", "dZ", "D", "W̄"}
    assert "padding" in shown["states"]["X"]["0,0"]["arithmetic"]
