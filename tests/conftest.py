"""What all tests share: a deterministic Hypothesis profile, optional tools, a list of what was left out."""

import importlib
import os
import shutil
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine and every run, so that a red run stays red until the code changes.
# A maintainer who wants new examples runs `pytest --hypothesis-profile=explore`.
settings.register_profile(
    "deterministic",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "explore", settings.get_profile("deterministic"), derandomize=False, max_examples=500
)
settings.load_profile("deterministic")


class Tool(NamedTuple):
    """A tool that only the widest checks need: its name in words and what is checked with it."""

    label: str
    checks: str


TOOLS = {
    "torch": Tool("PyTorch", "the comparison with PyTorch's autograd"),
    "playwright": Tool("Playwright", "the lessons in a real browser"),
    "chromium": Tool("the Chromium browser", "the lessons in a real browser"),
    "nbgrader": Tool("nbgrader", "generating and grading the assignments"),
    "bwrap": Tool("bubblewrap", "grading in a sandbox"),
    "repo2docker": Tool("repo2docker", "what Binder would build"),
    "sphinx": Tool("Sphinx", "the site"),
    "jupyterlite_core": Tool("JupyterLite", "the lessons in a browser's own Python"),
    "node": Tool("Node.js", "the stage's modules outside of a page"),
    "axe_playwright_python": Tool("axe-playwright-python", "accessibility in a real browser"),
}

# Programs that have several names; a path is where a system keeps what is not on the PATH.
PROGRAMS = {
    "chromium": (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ),
    "node": ("node", "nodejs"),
}


def all_checks_required():
    """Whether a missing tool is a failure (``REQUIRE_ALL_CHECKS=1``) rather than a skip."""
    return os.environ.get("REQUIRE_ALL_CHECKS", "") not in ("", "0")


def _find_tool(name):
    """The imported module called `name`, else the path of the program called `name`, else None."""
    if name in PROGRAMS:
        return next(filter(None, map(shutil.which, PROGRAMS[name])), None)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only the tool itself may be missing; a broken installation of it should be seen.
        if error.name != name:
            raise
    return shutil.which(name)


def _require_tool(name, checks=None):
    """Return the module, or the path of the program, called `name`; else leave the test out or fail it.

    Parameters
    ----------
    name : str
        Name to import, such as ``"torch"``, or of a program on the PATH.
    checks : str, optional
        What the tool is needed for, in words; known tools have their own.

    Returns
    -------
    module or str
        The imported module, or the path of the program.
    """
    found = _find_tool(name)
    if found is not None:
        return found
    tool = TOOLS.get(name, Tool(name, f"the checks that use {name}"))
    reason = f"{checks or tool.checks} ({tool.label} is not installed)"
    if all_checks_required():
        pytest.fail(f"REQUIRE_ALL_CHECKS is set, but this check cannot run: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require_tool():
    """The function ``require_tool(name)``; session-wide, so that Hypothesis tests may use it too."""
    return _require_tool


def _reason(report):
    """Why a test was skipped, without pytest's own prefix."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ") or "no reason given"


def pytest_terminal_summary(terminalreporter):
    """Say in plain words which checks this run left out."""
    stats = terminalreporter.stats
    left_out = Counter(_reason(report) for report in stats.get("skipped", []))
    terminalreporter.section("checks left out")
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"- {reason}: {count} {'test' if count == 1 else 'tests'}")
    if not left_out:
        terminalreporter.write_line("none: every check that was selected ran")
    if deselected := len(stats.get("deselected", [])):
        terminalreporter.write_line(f"({deselected} more were deselected on the command line)")


@pytest.fixture(scope="session")
def browser(require_tool):
    """A headless Chromium, for the lessons and the site."""
    require_tool("playwright")
    path = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    from benchmarks.browser import CHROMIUM_OPTIONS

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()
