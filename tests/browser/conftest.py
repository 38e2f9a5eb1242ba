"""A JupyterLab on copies of the lessons, started as tools/open_lessons does, and a Chromium to look at it."""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from benchmarks.browser import jupyterlab
from tests.browser.shown import AT_REST, close_all
from tests.synthetic_lesson import as_lesson, good_notebook
from tests.tool_loader import ROOT, load_tool


class Lab(NamedTuple):
    """A running JupyterLab: where it is served, its token and the folder with the notebooks."""

    root: str
    token: str
    folder: Path

    def address(self, path=""):
        return f"{self.root}{path}?token={self.token}"


def broken_notebook():
    """A lesson whose formulas MathJax cannot set, each in another way."""
    formulas = [
        r"\frac{1}{",
        r"\begin{aligned} x \tag{98.1} \end{aligned}",
        r"\noSuchMacro x",
        r"a & b",
        r"x^2^3",
    ]
    cells = [new_markdown_cell("# Broken")] + [new_markdown_cell(f"$${formula}$$") for formula in formulas]
    return load_tool("_normalise.py").normalise(new_notebook(cells=cells))


@pytest.fixture(scope="session")
def lab(require_tool, tmp_path_factory):
    """JupyterLab with copies of every lesson, and two small ones: one right, one with broken formulas."""
    require_tool("playwright")
    require_tool("chromium")
    scratch = tmp_path_factory.mktemp("lab")
    folder = scratch / "notebooks"
    folder.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder)
    for name, notebook in (("98_broken.ipynb", broken_notebook()), ("99_synthetic.ipynb", good_notebook(99))):
        (folder / name).write_text(as_lesson(notebook).text, encoding="utf-8")

    # Cells outside the window are drawn too, so that the tests see all of a lesson.
    settings = scratch / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}\n', encoding="utf-8")

    command = load_tool("_environment.py").lab_command(sys.executable, notebooks=folder)
    with jupyterlab(command, scratch) as (root, token):
        yield Lab(root, token, folder)


@pytest.fixture(scope="session")
def lab_page(browser, lab):
    """JupyterLab in one tab, which all tests share: to load it takes longer than to open a lesson."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(error.stack or str(error)))
    page.goto(lab.address("lab"))
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.wait_for_function(AT_REST)
    yield page
    context.close()


@pytest.fixture
def page(lab_page):
    """JupyterLab with nothing open; `page.problems` lists the uncaught errors of its scripts."""
    lab_page.problems.clear()
    yield lab_page
    close_all(lab_page)
