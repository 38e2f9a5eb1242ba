"""The start page in JupyterLab: it opens as a page, and each of its links opens what it names at once."""

import re
import shutil

from tests.tool_loader import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
TEXT = (ROOT / "notebooks" / "start_here.md").read_text(encoding="utf-8")
OPENED = "path => window.jupyterapp.shell.currentWidget?.context?.path === path"
CLOSE = "() => { window.jupyterapp.shell.currentWidget.dispose(); }"


def test_links_to_lessons_promise_no_section():
    """JupyterLab opens a lesson at its top: a link to a section would land elsewhere at first."""
    assert [target for target in LINK.findall(TEXT) if "#" in target] == []


def test_every_link_opens_what_it_names(lab, page):
    for name in ("start_here.md", "formula_sheet.md", "glossary.md", "cards.md"):
        shutil.copy(ROOT / "notebooks" / name, lab.folder)
    shutil.copytree(ROOT / "notebooks" / "more", lab.folder / "more", dirs_exist_ok=True)
    page.evaluate(
        """() => { window.jupyterapp.commands.execute(
            'docmanager:open', { path: 'start_here.md', factory: 'Markdown Preview' }); }"""
    )
    links = page.locator(".jp-MarkdownViewer a:not(.jp-InternalAnchorLink)")
    links.first.wait_for()
    targets = LINK.findall(TEXT)
    assert links.count() == len(targets)
    for place, target in enumerate(targets):
        if target in targets[:place]:
            continue
        links.nth(place).click()
        page.wait_for_function(OPENED, arg=target)
        page.evaluate(CLOSE)
