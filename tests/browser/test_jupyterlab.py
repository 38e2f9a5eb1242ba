"""The lessons as a learner sees them: opened in JupyterLab, in a real browser."""

import pytest

from tests.browser.shown import OPEN, assert_no_problem
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
SYNTHETIC = "99_synthetic.ipynb"


def open_lesson(page, lab, name):
    """Open a lesson and wait until all of it is drawn."""
    page.evaluate(OPEN, name)
    drawn = ".jp-Notebook .jp-Cell:not(.jp-mod-placeholder)"
    page.wait_for_function(
        "([drawn, count]) => document.querySelectorAll(drawn).length >= count",
        arg=[drawn, len(Lesson.read(lab.folder / name).notebook.cells)],
    )
    # Formulas are set one after another; the lesson is drawn when nothing has been added for a while.
    page.wait_for_function(
        """async () => {
            const size = () => document.querySelector('.jp-Notebook').querySelectorAll('*').length;
            const before = size();
            await new Promise(resolve => setTimeout(resolve, 400));
            return size() === before;
        }"""
    )


def count(page, selector):
    return page.locator(f".jp-Notebook {selector}").count()


def broken_formulas(page):
    """Return what MathJax says of the formulas that it could not set, and those that it left alone."""
    # An unknown macro is printed in red.
    errors = page.locator(".jp-Notebook :is(mjx-merror, mjx-mtext[style*='red'])")
    said = errors.evaluate_all("all => all.map(e => e.getAttribute('data-mjx-error') || e.outerHTML)")
    texts = page.locator(".jp-Notebook .jp-RenderedMarkdown").evaluate_all(
        """all => all.map(cell => {
            const copy = cell.cloneNode(true);
            copy.querySelectorAll('code, mjx-container').forEach(e => e.remove());
            return copy.textContent;
        })"""
    )
    return said + [text for text in texts if "$$" in text or "\\begin{" in text]


def test_broken_formulas_are_seen(lab, page):
    open_lesson(page, lab, "98_broken.ipynb")
    found = broken_formulas(page)
    assert len(set(found)) == 5, found  # JupyterLab 4.2 says one of them several times


@pytest.mark.parametrize("name", [SYNTHETIC, *LESSONS])
def test_lesson_is_drawn(lab, page, name):
    lesson = Lesson.read(lab.folder / name)
    open_lesson(page, lab, name)

    title = next(title for level, title in lesson.headings() if level == 1)
    assert title.split("`")[0].strip() in page.locator(".jp-Notebook h1").inner_text()
    assert count(page, "h2") == sum(level == 2 for level, _ in lesson.headings())

    formulas = len(lesson.tags())
    assert count(page, "mjx-container") >= formulas
    assert broken_formulas(page) == []
    shown = [cell for cell in lesson.notebook.cells if not cell.metadata.get("collapsed")]
    pictures = sum(
        "image/png" in output.get("data", {}) for cell in shown for output in cell.get("outputs", [])
    )
    images = page.locator(".jp-Notebook .jp-OutputArea img")
    assert images.count() >= pictures
    assert images.evaluate_all("all => all.every(i => i.complete && i.naturalWidth > 0)")
    assert_no_problem(page)


def test_lesson_runs(lab, page):
    """The kernel finds the package, and a cell's new output takes the place of the kept one."""
    open_lesson(page, lab, SYNTHETIC)
    output = page.locator(".jp-Notebook .jp-OutputArea-output")
    assert "holds exactly" in output.first.inner_text()
    source = "import backprop_helpers\nprint(6 * 7, backprop_helpers.__name__)"
    page.evaluate(
        """async source => {
            const { commands, shell } = window.jupyterapp;
            const notebook = shell.currentWidget.content;
            const cell = notebook.widgets.find(w => w.model.type === 'code');
            notebook.activeCellIndex = notebook.widgets.indexOf(cell);
            cell.model.sharedModel.setSource(source);
            await shell.currentWidget.sessionContext.ready;
            await commands.execute('notebook:run-cell');
        }""",
        source,
    )
    output.filter(has_text="42 backprop_helpers").first.wait_for()
    assert_no_problem(page)
