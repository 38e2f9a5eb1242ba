"""The lessons in a browser's own Python: the application is built and opens; offline it ends there."""

import json
import subprocess
import sys

import nbformat
import pytest
from filelock import FileLock

from tests.tool_loader import ROOT

PYODIDE = "https://cdn.jsdelivr.net/pyodide/"
BUILD = "import sys; sys.path.insert(0, 'website'); import lite; lite.build(sys.argv[1])"


@pytest.fixture(scope="session")
def lite(site, require_tool):
    """JupyterLite's folder in the site, built once."""
    require_tool("jupyterlite_core")
    folder = site / "lite"
    with FileLock(site.parent / "lite.lock"):
        if not folder.exists():
            subprocess.run(
                [sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True
            )
    return folder


def test_lessons_install_the_package_and_are_otherwise_unchanged(lite):
    names = [path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").rglob("*.ipynb")]
    names = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    assert len(names) > 15
    for name in names:
        before, after = (nbformat.read(folder / name, 4) for folder in (ROOT / "notebooks", lite / "files"))
        assert after.metadata.kernelspec.name == "python"
        install = after.cells.pop(1)
        assert install.source.splitlines()[-1] == "%pip install -q backprop-helpers"
        assert after.cells == before.cells


def test_every_wheel_is_there_that_pyodide_does_not_bring(lite):
    wheels = {path.name.split("-")[0] for path in (lite / "pypi").glob("*.whl")}
    assert wheels == {"anywidget", "backprop_helpers", "comm", "ipywidgets", "jupyterlab_widgets", "psygnal"}
    assert wheels <= {name.replace("-", "_") for name in json.loads((lite / "pypi" / "all.json").read_text())}
    assert all(path.name.endswith("-none-any.whl") for path in (lite / "pypi").glob("*.whl"))


def test_application_opens_a_lesson_and_asks_nobody_but_pyodide(lite, browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    asked = []

    def answer(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.goto(f"{address}lite/lab/index.html?path=07_convolution_input.ipynb")
    page.locator(".jp-Notebook h1").filter(has_text="07 · Convolution").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell img").first.wait_for(timeout=60_000)  # the picture of its stage
    assert page.get_by_text("%pip install").count() == 1
    assert page.get_by_text("Nbgrader").count() == 0
    for _ in range(30):  # the kernel takes its time, and longer on a busy machine
        page.wait_for_timeout(1000)
        if asked:
            break
    assert [url for url in asked if not url.startswith(PYODIDE)] == []
    assert asked, "the kernel has not asked for Pyodide"
    context.close()
