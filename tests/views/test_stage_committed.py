"""A stage in a lesson's file: refreshed, it is picture, line and JSON; run again, the JSON is compared."""

import json
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from backprop_helpers.views.stage import _base
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT, load_tool

SOURCE = """\
from backprop_helpers.views.stage import Predict

Predict("How many outputs move?", 4 / 3, unit="outputs")"""


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A lesson with one question, as tools/refresh_lessons writes it."""
    path = tmp_path_factory.mktemp("lesson") / "97_stage.ipynb"
    path.write_text(writes(new_notebook(cells=[new_code_cell(SOURCE)])), encoding="utf-8")
    assert load_tool("refresh_lessons").refresh(path) == []
    return path


def test_the_widget_view_is_stripped(lesson):
    (output,) = Lesson.read(lesson).notebook.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain", _base.COMMITTED}
    assert output.data[_base.COMMITTED]["options"]["answer"] == 1.33333
    assert "widgets" not in json.loads(lesson.read_text(encoding="utf-8"))["metadata"]


def test_nbval_compares_the_numbers(lesson, tmp_path):
    """It says nothing of the view that the file lacks, and it sees one digit."""
    changed = tmp_path / "96_changed.ipynb"
    changed.write_text(lesson.read_text(encoding="utf-8").replace("1.33333", "1.33334"), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*command, str(lesson), str(changed)], cwd=ROOT, capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout, done.stdout[-3000:]
    assert "96_changed.ipynb" in done.stdout
