"""A missing tool: left out and said so in plain words, or a failure with REQUIRE_ALL_CHECKS=1."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

TESTS = """
def test_that_needs_nothing():
    pass

def test_that_needs_numpy(require_tool):
    assert require_tool("numpy").zeros(1) == 0

def test_that_needs_a_program(require_tool):
    assert isinstance(require_tool(PROGRAM), str)

def test_that_needs_what_is_missing(require_tool):
    require_tool("no_such_tool", "the comparison with an oracle")

def test_that_needs_it_too(require_tool):
    require_tool("no_such_tool", "the comparison with an oracle")
"""


def run(folder, *arguments, required):
    """Run pytest in `folder` on a copy of this project's conftest.py."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    # A program on every machine that runs this: the interpreter itself, put on the PATH under its own name.
    program = Path(sys.executable).name
    (folder / "test_some.py").write_text(f"PROGRAM = {program!r}\n{TESTS}")
    environment = {name: value for name, value in os.environ.items() if name != "REQUIRE_ALL_CHECKS"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment |= {"REQUIRE_ALL_CHECKS": required, "PYTHONIOENCODING": "utf-8"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # faster, and no other plugin has a say
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("required", ["", "0"])
def test_a_users_run_leaves_it_out_and_says_so(tmp_path, required):
    result = run(tmp_path, required=required)
    assert result.returncode == 0, result.stdout
    assert "3 passed, 2 skipped" in result.stdout
    assert "checks left out" in result.stdout
    assert "- the comparison with an oracle (no_such_tool is not installed): 2 tests" in result.stdout


def test_with_all_checks_required_it_fails(tmp_path):
    result = run(tmp_path, required="1")
    assert result.returncode == 1
    assert "2 failed, 3 passed" in result.stdout
    assert (
        "REQUIRE_ALL_CHECKS is set, but this check cannot run: the comparison with an oracle" in result.stdout
    )
    assert "none: every check that was selected ran" in result.stdout


def test_a_complete_run_says_so(tmp_path):
    result = run(tmp_path, "-k", "numpy or nothing", required="")
    assert result.returncode == 0
    assert "none: every check that was selected ran" in result.stdout
    assert "(3 more were deselected on the command line)" in result.stdout
