"""The teacher's guide, assignments/README.md: what it counts and what it names is there."""

import re

import nbformat
import pytest

from backprop_helpers.checking import check
from tests.classroom.submissions import COURSE
from tests.tool_loader import ROOT

GUIDE = (COURSE / "README.md").read_text(encoding="utf-8")
PLAN = re.findall(r"^\| \d? ?\| (\d\d) \| (.*?) \| (.*?) \| .*\|$", GUIDE, flags=re.MULTILINE)
TASKS = [task for task in check.exercises.values() if not task.lesson.isdigit()]


def code_of(lesson):
    """The code of a lesson's notebook."""
    (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_the_number_of_known_mistakes():
    known = {suspect.name for task in TASKS for suspect in task.suspects}
    assert f"recognise {len(known)} known mistakes" in GUIDE


def test_the_plan_has_every_lesson_of_the_course():
    assert [lesson for lesson, *_ in PLAN] == [f"{number:02}" for number in range(12)]


@pytest.mark.parametrize(("lesson", "figures", "stages"), PLAN)
def test_what_the_plan_projects_is_in_the_lesson(lesson, figures, stages):
    code = code_of(lesson)
    for title in re.findall(r'"(.*?)"', figures):
        assert f'"{title}"' in code
    shown = set(re.findall(r"\b([A-Z]\w+)Stage\b", code))
    assert shown == set(stages.split(", "))


def test_limits_are_those_of_the_code():
    rules = (COURSE / "classroom.py").read_text(encoding="utf-8")
    safely = (ROOT / "tools" / "grade_safely").read_text(encoding="utf-8")
    assert "endless loop: 30 s a cell, 10 min of processor a notebook" in GUIDE
    assert "SECONDS_A_CELL = 30\n" in rules
    assert "SECONDS_OF_PROCESSOR = 600 " in rules
    assert "memory: 3 GB a kernel" in GUIDE
    assert "MEGABYTES = 3072 " in rules
    assert "files: 200 MB each" in GUIDE
    assert "RLIMIT_FSIZE, 200 * 2**20" in rules
    assert "LARGEST_FILE = 200 * 2**20 " in safely


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_known_mistakes_of_the_problem_sets_are_recognised(task):
    for suspect in task.suspects:
        result = getattr(check, task.name)(suspect.make())
        assert result.diagnosis == suspect.name
        assert result.hint
