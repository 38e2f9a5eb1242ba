"""The explorers in their lessons: opened in JupyterLab, run, and used with a real mouse.

Every test ends with a look at everything that can go wrong out of sight: alerts, what the kernel reports, the
page's own errors, requests that leave the machine.
"""

import pytest
from nbformat.v4 import writes

from tests.browser.shown import (
    NOTEBOOK,
    THEMES,
    assert_no_problem,
    close_all,
    needed_cells,
    open_notebook,
    run_cells,
    set_theme,
)
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT


def open_lesson(lab, page, number, shown, before="", given=(), whole=False):
    """Open a lesson and run the cells that show these variables; return {variable: its part of the page}.

    Unless the `whole` lesson is asked for, only those cells are opened: the hundreds of formulas around them,
    all drawn at once, slow down every look at the page.
    """
    (path,) = (ROOT / "notebooks").glob(f"{number:02}_*.ipynb")
    cells = {name: needed_cells(path, name, given) for name in shown}
    needed = sorted(set().union(*cells.values()))
    name = path.name if whole else f"cells_of_{path.name}"
    if not whole:
        notebook = Lesson.read(path).notebook
        notebook.cells = [notebook.cells[number] for number in needed]
        (lab.folder / name).write_text(writes(notebook), encoding="utf-8")
        cells = {name: [needed.index(number) for number in numbers] for name, numbers in cells.items()}
        needed = range(len(needed))
    opened = open_notebook(page, name)
    if before:
        opened.run(before)
    run_cells(page, list(needed))
    found = {}
    for name, numbers in cells.items():
        output = opened.scope.locator(".jp-Cell").nth(numbers[-1]).locator(".jp-OutputArea-output")
        found[name] = opened.within(output)
        output.locator(".bp-explorer").wait_for()
        views = opened.ask(f"sum(type(w).__name__ == 'MatrixView' for w in {WIDGETS.format(name)})")
        page.wait_for_function(
            """([output, count]) =>
                output.querySelectorAll('.bp-matrix[data-drawn][data-geometry]').length >= count""",
            arg=[output.element_handle(), views],
        )
    return found


# All widgets inside an explorer, as a generator expression for the kernel.
WIDGETS = "(lambda f: f(f, {0}))(lambda f, w: [w] + [x for c in getattr(w, 'children', ()) for x in f(f, c)])"


def assert_all_is_well(page, lab):
    """No alert, no error in the kernel or the page, no request that leaves the machine."""
    assert page.alerts() == []
    assert page.said_by_kernel() == []
    assert_no_problem(page.page)
    assert page.left_the_machine(lab) == []


NOT_OURS = [
    ".jp-RenderedImage img",  # JupyterLab gives the figures' <img> no alt; the text below each reads it aloud
    ".noUi-handle",  # ipywidgets writes a slider's name beside it, and does not tie the two together
    ".widget-play",  # its buttons are icons without a name; the slider beside does the same
]


def violations(page, require_tool, *selectors):
    """Return what axe finds against WCAG 2 A and AA in parts of the page, in both themes, one text each."""
    require_tool("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    every_rule = {"type": "tag", "values": ["wcag2a", "wcag2aa"]}
    colours = {"type": "rule", "values": ["color-contrast"]}  # nothing else depends on the theme
    parts = {"include": list(selectors), "exclude": NOT_OURS}
    texts = []
    for theme, rules in zip(THEMES, (every_rule, colours)):
        set_theme(page, theme)
        options = {"resultTypes": ["violations"], "runOnly": rules}
        found = Axe().run(page, context=parts, options=options).response["violations"]
        texts += [
            f"{theme}, {v['id']}: {n['html'][:120]} {n['failureSummary']}" for v in found for n in v["nodes"]
        ]
    set_theme(page, THEMES[0])
    return texts


class InLesson:
    """What the tests of every lesson share."""

    NUMBER = 0
    SHOWN = ("explorer",)
    BEFORE = ""
    GIVEN = ()
    WHOLE = False  # True: with all of its text and figures
    BROKEN = "_point"  # what the callback of the first explorer's pointer calls
    POINT = ("X", 0, 0)  # a cell that the pointer may be over

    @pytest.fixture(scope="class")
    @classmethod
    def parts(cls, lab, lab_page):
        yield open_lesson(lab, lab_page, cls.NUMBER, cls.SHOWN, cls.BEFORE, cls.GIVEN, cls.WHOLE)
        close_all(lab_page)

    @pytest.fixture
    def explorer(self, parts, lab):
        """The first explorer of the lesson."""
        first = parts[self.SHOWN[0]]
        first.away()
        yield first
        first.away()
        assert_all_is_well(first, lab)

    def test_an_error_in_a_callback_is_seen(self, explorer):
        name = self.SHOWN[0]
        explorer.run(
            "def fails(*args):\n    raise ValueError('a planted error')\n"
            f"setattr({name}, {self.BROKEN!r}, fails)"
        )
        try:
            self.point_somewhere(explorer)
            alert = explorer.scope.get_by_role("alert").filter(has_text="ValueError: a planted error")
            alert.filter(visible=True).wait_for(timeout=20_000)
            assert explorer.alerts() == ["ValueError: a planted error"]
        finally:
            explorer.run(f"delattr({name}, {self.BROKEN!r})")
        self.leave(explorer)
        explorer.expect(f"{name}.alert_text", "")
        alert.wait_for(state="hidden")

    def point_somewhere(self, explorer):
        explorer.hover(*self.POINT)

    def leave(self, explorer):
        explorer.away()

    def test_axe_finds_nothing(self, explorer, require_tool):
        """The explorers of the lesson, with a cell pointed at, in both themes."""
        self.point_somewhere(explorer)
        assert violations(explorer.page, require_tool, f"{NOTEBOOK} .bp-explorer") == []

    def assert_written_as_in_the_kernel(self, explorer, name="explorer"):
        assert explorer.arithmetic == explorer.ask(f"{name}.arithmetic_text")


class TestGradientChecks(InLesson):
    """Lesson 01, whole: its text, reports and figures stand for those of all lessons."""

    NUMBER = 1
    WHOLE = True
    SHOWN = ("steps_and_checks",)
    BROKEN = "_draw_bug"

    def point_somewhere(self, explorer):
        """There is no cell to point at: a button is pressed."""
        explorer.button("right").click()

    def leave(self, explorer):
        explorer.button("with bug").click()
        explorer.settle()

    def test_axe_finds_nothing(self, explorer, require_tool):
        """All of the lesson that is ours: text, reports, figures, explorers."""
        own = [f"{NOTEBOOK} {part}" for part in (".jp-RenderedMarkdown", ".jp-OutputArea-output")]
        assert violations(explorer.page, require_tool, *own) == []

    def test_drag_the_step_of_the_check(self, explorer):
        explorer.drag("step ε", 0)
        text = explorer.wait_for_text("ε = 1e−17")
        assert text.count("relative error") == 3
        assert (
            explorer.scope.locator("svg.bp-curve")
            .get_attribute("aria-label")
            .startswith("relative error against step; at step 1e-17: ")
        )
        explorer.drag("step ε", 1)
        explorer.expect("steps_and_checks.step.value", -1)
        explorer.wait_for_text("ε = 1e−1 exact")
        self.assert_written_as_in_the_kernel(explorer, "steps_and_checks")

    def test_a_planted_bug_is_found_and_the_right_code_is_not(self, explorer):
        found = explorer.scope.locator(".bp-found")
        explorer.button("with bug").click()
        found.get_by_text("fooled").first.wait_for()
        explorer.button("right").click()
        explorer.wait_for_text("the right code of relu_backward", ".bp-found")
        assert "fooled" not in found.inner_text()
        explorer.scope.get_by_label("layer").select_option("convolution")
        explorer.wait_for_text("the right code of conv_backward", ".bp-found")
