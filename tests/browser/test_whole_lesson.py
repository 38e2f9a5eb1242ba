"""Lesson 01, whole, in JupyterLab: its text, reports and figures stand for those of all lessons."""

from tests.browser.shown import (
    NOTEBOOK,
    THEMES,
    assert_no_problem,
    close_all,
    open_notebook,
    run_cells,
    set_theme,
)
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

LESSON = ROOT / "notebooks" / "01_gradient_checks.ipynb"
NOT_OURS = [
    ".jp-RenderedImage img",  # JupyterLab gives the figures' <img> no alt; the text below each reads it aloud
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


def test_axe_finds_nothing(lab, lab_page, require_tool):
    """All of the lesson that is ours: text, reports, figures, stages."""
    opened = open_notebook(lab_page, LESSON.name)
    cells = Lesson.read(LESSON).notebook.cells
    run_cells(lab_page, [n for n, cell in enumerate(cells) if cell.cell_type == "code"])
    own = [f"{NOTEBOOK} {part}" for part in (".jp-RenderedMarkdown", ".jp-OutputArea-output")]
    assert violations(lab_page, require_tool, *own) == []
    assert opened.said_by_kernel() == []
    assert opened.left_the_machine(lab) == []
    assert_no_problem(lab_page)
    close_all(lab_page)
