"""Questions and worksheets in JupyterLab, through restarts, saving and the next day."""

import pytest

from tests import stage_checks as checks
from tests.browser.shown import (
    NOTEBOOK,
    OPEN,
    THEMES,
    assert_no_problem,
    open_notebook,
    run_cells,
    set_theme,
    write_notebook,
)
from tests.stage_lesson import CELLS, IMPORTS

LESSON = "05_convolution_forward.ipynb"
SAVE = "async () => { await jupyterapp.shell.currentWidget.context.save(); }"
MODIFIED = "() => jupyterapp.shell.currentWidget.context.model.dirty"
BUSY = """() => {
    const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
    kernel.requestExecute({ code: 'import time; time.sleep(1.5)' });
}"""
# JupyterLab writes the kernel's language into the notebook as soon as it knows it.
SETTLED = """async () => {
    await jupyterapp.shell.currentWidget.sessionContext.ready;
    await jupyterapp.shell.currentWidget.sessionContext.session.kernel.info;
    await new Promise(done => setTimeout(done, 500));
}"""
RESTART = "async () => { await jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }"


@pytest.fixture
def stages(lab, page):
    """The lesson of stages, run in JupyterLab."""
    write_notebook(lab, "stages.ipynb", IMPORTS, *CELLS)
    opened = open_notebook(page, "stages.ipynb")
    run_cells(page, range(1 + len(CELLS)))
    page.locator(f"{NOTEBOOK} .bp-worksheet").nth(1).wait_for()
    return opened


def test_questions_and_sheets_answer(lab, page, stages):
    checks.question_is_answered_with_the_keyboard(page)
    checks.option_is_chosen(page)
    checks.cell_is_chosen_with_the_arrows(page)
    checks.mistake_is_named(page)
    stages.expect("sheet.filled", {"dX": {"0": "-1", "1": "5", "2": "−6", "3": "6"}})
    checks.rest_is_shown_and_cleared(page)
    checks.sheet_is_filled_in(page)
    checks.rounded_numbers_do(page)
    stages.run("sheet.filled = {'dX': {'8': '-2'}}")
    page.wait_for_function(
        "root => root.bpStage.sumText() === '1 of 9 right.'", arg=checks.sheet(page).element_handle()
    )
    assert stages.said_by_kernel() == []
    assert_no_problem(page)
    assert stages.left_the_machine(lab) == []


def test_a_stage_fits_beside_the_file_browser(page, stages):
    for stage in page.locator(f"{NOTEBOOK} .bp-stage").all():
        box = stage.bounding_box()
        assert box["height"] <= 640, box
        assert stage.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1")


def test_a_restarted_or_busy_kernel_changes_nothing(page, stages):
    before = page.locator(f"{NOTEBOOK} .bp-stage").evaluate_all("all => all.map(e => e.innerText)")
    page.evaluate(RESTART)
    page.evaluate(BUSY)
    assert page.locator(f"{NOTEBOOK} .bp-stage").evaluate_all("all => all.map(e => e.innerText)") == before
    icons = page.locator(f"{NOTEBOOK} .jp-OutputArea *").evaluate_all(
        "all => all.filter(e => getComputedStyle(e, '::before').content.includes('\uf127')).length"
    )
    assert icons == 0  # the broken chain of ipywidgets
    checks.option_is_chosen(page)
    checks.mistake_is_named(page)
    assert_no_problem(page)


def test_a_saved_stage_is_alive_the_next_day(lab, page, stages):
    checks.mistake_is_named(page)
    page.evaluate(SAVE)
    page.evaluate(RESTART)
    page.evaluate(SAVE)  # JupyterLab alone would now forget what the stages were
    (lab.folder / "next.ipynb").write_bytes((lab.folder / "stages.ipynb").read_bytes())
    page.evaluate("async () => { await jupyterapp.commands.execute('application:close-all'); }")
    page.evaluate(OPEN.replace("kernel: testKernel", ""), "next.ipynb")
    page.locator(f"{NOTEBOOK} .bp-worksheet").nth(1).wait_for()
    assert checks.said(checks.sheet(page)) == "1 of 9 right."
    checks.rest_is_shown_and_cleared(page)
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")


def test_a_stage_that_was_never_saved_shows_its_picture(lab, page, stages):
    page.evaluate(RESTART)
    page.evaluate(SAVE)
    (lab.folder / "never_saved.ipynb").write_bytes((lab.folder / "stages.ipynb").read_bytes())
    page.evaluate("async () => { await jupyterapp.commands.execute('application:close-all'); }")
    page.evaluate(OPEN, "never_saved.ipynb")
    page.locator(f"{NOTEBOOK} .jp-OutputArea-output img").nth(len(CELLS) - 1).wait_for()
    assert page.get_by_text("Error displaying widget").count() == 0


def test_opening_a_lesson_changes_nothing(lab, page):
    before = (lab.folder / LESSON).read_bytes()
    page.evaluate(OPEN, LESSON)  # and no more: to hide the code would be a change
    page.evaluate(SETTLED)
    assert not page.evaluate(MODIFIED)
    page.evaluate(SAVE)
    assert (lab.folder / LESSON).read_bytes() == before


@pytest.mark.parametrize("theme", THEMES)
def test_stages_can_be_read_and_heard(page, stages, require_tool, theme):
    require_tool("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    set_theme(page, theme)
    checks.question_is_answered_with_the_keyboard(page)
    checks.option_is_chosen(page)
    checks.mistake_is_named(page)
    found = Axe().run(
        page, context={"include": [[".bp-stage"]]}, options={"resultTypes": ["violations", "passes"]}
    )
    found = found.response
    set_theme(page, THEMES[0])
    assert [f"{v['id']}: {v['nodes'][0]['failureSummary']}" for v in found["violations"]] == []
    (contrast,) = [rule for rule in found["passes"] if rule["id"] == "color-contrast"]
    assert len(contrast["nodes"]) > 20
