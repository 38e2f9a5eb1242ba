"""The explorers in their lessons: opened in JupyterLab, run, and used with a real mouse.

Every test ends with a look at everything that can go wrong out of sight: alerts, what the kernel reports, the
page's own errors, requests that leave the machine.
"""

import numpy as np
import pytest
from nbformat.v4 import writes

from backprop_helpers.layers import pool_backward, pool_forward, softmax
from tests.browser.shown import (
    NOTEBOOK,
    THEMES,
    assert_no_problem,
    close_all,
    needed_cells,
    open_notebook,
    run_cells,
    set_theme,
    write_notebook,
)
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

# The example that lessons 05 to 09 share.
X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W = np.array([[1, 2], [3, -1]])
DZ = np.array([[1, -2], [3, 2]])


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


def entry(array, *index):
    """An entry as an explorer writes it."""
    return str(array[index]).replace("-", "−")


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

    @pytest.fixture
    def other(self, parts, explorer):
        """The second one."""
        return parts[self.SHOWN[1]]

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


class TestReLU(InLesson):
    """Lesson 03, whole: its text, reports and figures stand for those of all lessons."""

    NUMBER = 3
    WHOLE = True
    BROKEN = "_mark"
    POINT = ("dZ, handed down", 1, 2)

    def test_axe_finds_nothing(self, explorer, require_tool):
        """All of the lesson that is ours: text, reports, figures, explorers."""
        own = [f"{NOTEBOOK} {part}" for part in (".jp-RenderedMarkdown", ".jp-OutputArea-output")]
        assert violations(explorer.page, require_tool, *own) == []

    def test_hover_an_entry_of_dz(self, explorer):
        explorer.hover("dZ, handed down", 1, 2)
        text = explorer.wait_for_text("dZ[1, 2] = dA[1, 2] · 1 = 4 · 1 = 4")
        assert "Z[1, 2] + bias = 5 + 0 = 5,  so [5 > 0] = 1: open" in text
        for title in ("Z + bias", "A = ReLU(Z + bias)", "dA, from above"):
            assert explorer.cells(title, "orange") == [(1, 2)]
        self.assert_written_as_in_the_kernel(explorer)
        explorer.away()
        explorer.wait_for_text("Point at a cell")

    def test_drag_the_bias_until_every_unit_is_dead(self, explorer):
        assert explorer.cells("Z + bias", "vermillion") == [(m, 1) for m in range(4)]
        explorer.drag("bias", 0)
        explorer.wait_for_text("Open 0 of 24", ".bp-words")
        assert explorer.cells("Z + bias", "vermillion") == [(m, k) for m in range(4) for k in range(6)]
        explorer.hover("dZ, handed down", 1, 2)
        assert "unit 2 is dead" in explorer.wait_for_text("= 4 · 0 = 0")
        explorer.away()
        explorer.run("explorer.slider.value = 0")
        explorer.wait_for_text("Open 11 of 24", ".bp-words")


class TestSoftmax(InLesson):
    """Lesson 04."""

    NUMBER = 4
    BROKEN = "_mark"

    def z(self, explorer):
        return np.array(explorer.ask("explorer.z.tolist()"))

    def jacobian(self, explorer):
        return explorer.ask("explorer.jacobian.title")

    def point_somewhere(self, explorer):
        explorer.hover(self.jacobian(explorer), 0, 1)

    def test_hover_an_entry_of_the_jacobian(self, explorer):
        title = self.jacobian(explorer)
        y_hat = softmax(self.z(explorer)[None])[0]
        explorer.hover(title, 1, 2)
        text = explorer.wait_for_text("∂ŷ[1]/∂z[2] = ŷ[1] · ")
        assert f"{-y_hat[1] * y_hat[2]:.4g}".replace("-", "−") in text
        explorer.wait(title, "hovered", "1,2")
        assert explorer.cells(title, "orange") == [(1, 2)]
        assert explorer.cells(title, "blue") == [(0, 2), (2, 2), (3, 2), (4, 2)]
        explorer.away()
        explorer.wait(title, "highlights", "[]")
        explorer.wait_for_text("J = −log")

    def test_drag_a_score(self, explorer):
        def shown(column):
            cells = explorer.scope.locator(f".bp-softmax-bars tbody tr td:nth-child({column})")
            return np.array([float(text.split()[0].replace("−", "-")) for text in cells.all_inner_texts()])

        before, row = shown(3), ".bp-softmax-bars tr:nth-child(4)"
        start = np.array(explorer.ask("z[0].tolist()"))
        assert before == pytest.approx(softmax(start[None])[0], abs=5.1e-4), "the scores of the lesson"
        explorer.drag("z[3]", 1)
        explorer.page.wait_for_function(
            """([scope, row, before]) =>
                scope.querySelector(`${row} > td:nth-child(3)`).innerText !== before""",
            arg=[explorer.scope.element_handle(), row, f"{before[3]:.3f}"],
        )
        explorer.expect("explorer.sliders[3].value == explorer.sliders[3].max", True)
        y_hat = softmax(self.z(explorer)[None])[0]
        assert shown(3) == pytest.approx(y_hat, abs=5.1e-4)
        assert shown(6) == pytest.approx(y_hat - np.eye(5)[4], abs=5.1e-4)
        explorer.button("back to the start").click()
        explorer.page.wait_for_function(
            """([scope, row, before]) =>
                scope.querySelector(`${row} > td:nth-child(3)`).innerText === before""",
            arg=[explorer.scope.element_handle(), row, f"{before[3]:.3f}"],
        )
        assert shown(3) == pytest.approx(before)

    def test_adding_to_all_changes_nothing(self, explorer):
        bars = explorer.scope.locator(".bp-softmax-bars").inner_text()
        explorer.drag("add to all", 1)
        explorer.wait_for_text("Added to all: 1")
        assert explorer.scope.locator(".bp-softmax-bars").inner_text() == bars
        explorer.button("back to the start").click()
        explorer.wait_for_text("Added to all: 0")


class TestPooling(InLesson):
    """Lesson 09."""

    NUMBER = 9
    SHOWN = ("explorer", "with_a_tie")
    POINT = ("X", 1, 1)

    def title(self, part, name, key):
        return part.ask(f"{name}.views[{key!r}].title")

    def test_hover_the_pixel_that_wins_twice(self, explorer):
        explorer.hover("X", 1, 1)
        text = explorer.wait_for_text("X[1,1] = 4 is in 4 windows")
        assert "dX[1,1] = dZ[0,0] + dZ[0,1]" in text
        assert text.rstrip().endswith("1 + (−2) = −1")
        assert explorer.cells("Z", "vermillion") == [(0, 0), (0, 1)]
        self.assert_written_as_in_the_kernel(explorer)
        title = self.title(explorer, "explorer", "dZ")
        explorer.hover(title, 1, 1)
        explorer.wait(title, "hovered", "1,1")
        explorer.wait_for_text("dZ[1,1] = 2 goes to X[2,2] = 6")

    def test_average(self, explorer):
        explorer.button("average").click()
        explorer.hover("X", 1, 1)
        text = explorer.wait_for_text("dX[1,1] = ")
        _, cache = pool_forward(X[None, :, :, None].astype(float), size=2, stride=1, mode="average")
        dx = pool_backward(DZ[None, :, :, None].astype(float), cache)[0, :, :, 0]
        assert text.rstrip().endswith(f"= {dx[1, 1]:g}".replace("-", "−"))
        explorer.away()
        explorer.button("max").click()
        explorer.wait_for_text("to one pixel")

    def test_drag_the_size(self, explorer):
        explorer.drag("size", 1)
        explorer.expect("list(explorer.setting.windows.count)", [1, 1])
        explorer.wait_for_text("1 window")
        assert '"rows":1,"columns":1' in explorer.data("Z", "geometry")
        explorer.run("explorer.sliders['size'][0].value = 2; explorer.sliders['stride'][0].value = 1")
        explorer.expect("list(explorer.setting.windows.count)", [2, 2])

    def test_paying_every_tie(self, other):
        every = self.title(other, "with_a_tie", "every tie")
        assert other.root(every).count() == 0
        other.scope.get_by_label("pay every tie").click()
        other.root(every).wait_for()
        text = other.wait_for_text("If every tie were paid")
        came_in = other.ask("float(with_a_tie.setting.dz.sum())")
        paid = other.ask("float(with_a_tie.views['every tie'].values.sum())")
        assert came_in != paid
        assert f"paid: {paid:g}" in text
        other.scope.get_by_label("pay every tie").click()
        other.root(every).wait_for(state="detached")


def test_a_callback_that_says_nothing_in_the_view_is_heard(lab, lab_page):
    """What no explorer catches does not go unseen in these tests."""
    source = (
        "from backprop_helpers.views.matrix_view import MatrixView\n"
        "view = MatrixView([[1, 2]], title='v')\n"
        "view.observe(lambda change: 1 / 0, 'active')\nview"
    )
    write_notebook(lab, "96_fails.ipynb", source)
    opened = open_notebook(lab_page, "96_fails.ipynb")
    try:
        run_cells(lab_page, [0])
        opened.root("v").wait_for()
        opened.wait("v", "numbers", "true")
        opened.hover("v", 0, 1)
        opened.expect("view.active", [0, 1])
        with pytest.raises(AssertionError, match="ZeroDivisionError"):
            assert_all_is_well(opened, lab)
    finally:
        close_all(lab_page)
