"""A JupyterLab on copies of the lessons, started as tools/open_lessons does, and a Chromium to look at it."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.browser.shown import close_all
from tests.synthetic_lesson import as_lesson, good_notebook
from tests.tool_loader import ROOT, load_tool

START_SECONDS = 120

# The browser may talk to the local server only; without these it looks for updates of its own, too.
CHROMIUM_OPTIONS = [
    "--no-sandbox",  # root in a container has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Lab:
    """A running JupyterLab: its address, its token and the folder with the notebooks."""

    def __init__(self, port, token, folder):
        self.port = port
        self.token = token
        self.folder = folder

    def address(self, path=""):
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"


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


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(process, lab, log):
    """Wait until the server answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(lab.address("api/status"), timeout=5).close()
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


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

    lab = Lab(free_port(), secrets.token_hex(8), folder)
    arguments = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={lab.port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={lab.token}",
        "--expose-app-in-browser",
    ]
    command = load_tool("_environment.py").lab_command(sys.executable, arguments, notebooks=folder)
    # Nothing of the user's own JupyterLab is read or changed.
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = dict(os.environ, **{name: str(scratch / place) for name, place in own.items()})
    # Cells outside the window are drawn too, so that the tests see all of a lesson.
    settings = scratch / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}\n', encoding="utf-8")

    log = scratch / "log.txt"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, env=environment, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL
        )
    try:
        wait_for(process, lab, log)
        yield lab
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def browser(require_tool):
    """A headless Chromium."""
    require_tool("playwright")
    path = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(Path(path)), args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab_page(browser, lab):
    """JupyterLab in one tab, which all tests share: to load it takes longer than to open a lesson."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(lab.address("lab"))
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    yield page
    context.close()


@pytest.fixture
def page(lab_page):
    """JupyterLab with nothing open; `page.problems` lists the uncaught errors of its scripts."""
    lab_page.problems.clear()
    yield lab_page
    close_all(lab_page)
