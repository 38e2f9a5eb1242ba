"""Exercises and bug hunts in lessons 00 to 11: all is there, solutions pass, planted mistakes do not."""

import re
from functools import cache

import pytest

from backprop_helpers.checking import check, misconceptions
from backprop_helpers.checking.exercises import solution_source
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

PATHS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
NUMBERS = [path.name[:2] for path in PATHS if int(path.name[:2]) <= 11]  # 12 has no such section
ONE = ("00", "01", "11")  # may have a single exercise
UNTOUCHED = "not attempted yet"
USES = {"bias_backward": ("weights_backward",)}  # solutions that call one of an earlier exercise


@cache
def cells_of(number, heading=None):
    """The cells of a lesson, or of one second-level section of it."""
    (path,) = [path for path in PATHS if path.name.startswith(number)]
    if heading is None:
        return Lesson.read(path).notebook.cells
    found, inside = [], False
    for cell in Lesson.read(path).notebook.cells:
        titles = re.findall(r"^## (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        if titles:
            inside = titles[-1].strip() == heading
        if inside:
            found.append(cell)
    return found


def tagged(number, prefix):
    """{tag: (place in the lesson, cell)} of the cells with such a tag."""
    return {
        tag: (place, cell)
        for place, cell in enumerate(cells_of(number))
        for tag in cell.metadata.get("tags", [])
        if tag.startswith(prefix)
    }


def names(number):
    """What the lesson's import cell brings."""
    (path,) = [path for path in PATHS if path.name.startswith(number)]
    cells = [cell for cell in Lesson.read(path).notebook.cells if cell.cell_type == "code"]
    (imports,) = [cell for cell in cells if re.search(r"^(?:from|import) ", cell.source, re.MULTILINE)]
    namespace = {"__name__": "__main__"}
    exec(compile(imports.source, path.name, "exec"), namespace)
    return namespace


def solve(exercise, prefix, namespace):
    """Define the exercise's solution, under the name that the lesson's check asks for, and what it calls."""
    for called in USES.get(exercise.name, ()):
        solve(check.exercises[called], "", namespace)
    source, found = re.subn(rf"\b{exercise.name}\(", f"{prefix}{exercise.name}(", solution_source(exercise))
    assert found, exercise.number
    exec(compile("import numpy as np\n" + source, f"{exercise.number}.py", "exec"), namespace)


def text_of(cell):
    (output,) = cell.outputs
    return output["data"]["text/plain"]


EXERCISES = [exercise for exercise in check.exercises.values() if exercise.lesson.isdigit()]


def test_every_lesson_has_its_exercises():
    for number in NUMBERS:
        wanted = [exercise.number for exercise in EXERCISES if exercise.number.startswith(number)]
        assert (1 if number in ONE else 2) <= len(wanted) <= 4
        assert [tag.removeprefix("exercise-") for tag in tagged(number, "exercise-")] == wanted
        assert [tag.removeprefix("check-") for tag in tagged(number, "check-")] == wanted


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.number)
class TestExercise:
    def test_stub_and_check_stand_together(self, exercise):
        lesson = exercise.number[:2]
        place, stub = tagged(lesson, "exercise-")[f"exercise-{exercise.number}"]
        below, checked = tagged(lesson, "check-")[f"check-{exercise.number}"]
        assert below == place + 1
        assert "raise NotImplementedError" in stub.source
        assert checked.source == f"check.{exercise.name}(my_{exercise.name})"
        assert UNTOUCHED in text_of(checked)

    def test_stub_takes_what_the_check_gives(self, exercise):
        stub = tagged(exercise.number[:2], "exercise-")[f"exercise-{exercise.number}"][1]
        signature = re.search(r"def my_(\w+\([^)]*\)):", stub.source)[1]
        assert signature == re.search(r"def (\w+\([^)]*\))", exercise.stub)[1]

    def test_three_hints_follow(self, exercise):
        lesson = exercise.number[:2]
        place, _ = tagged(lesson, "check-")[f"check-{exercise.number}"]
        hints = cells_of(lesson)[place + 1]
        part = hints.source.split("\n### ")[0]
        assert re.findall(r"<details><summary>Hint (\d)", part) == ["1", "2", "3"]
        assert part.count("</details>") == part.count("<details>")

    def test_untouched_is_calm_and_solution_passes(self, exercise):
        namespace = names(exercise.number[:2])
        _, stub = tagged(exercise.number[:2], "exercise-")[f"exercise-{exercise.number}"]
        source = tagged(exercise.number[:2], "check-")[f"check-{exercise.number}"][1].source
        exec(stub.source, namespace)
        untouched = eval(source, namespace)
        assert not untouched.attempted
        assert not untouched.passed
        solve(exercise, "my_", namespace)
        solved = eval(source, namespace)
        assert solved.passed, str(solved)


@pytest.mark.parametrize("number", NUMBERS[1:])
class TestBugHunt:
    def hunt(self, number):
        place, planted = tagged(number, "hunt-")[f"hunt-{number}"]
        below, checked = tagged(number, "hunt-check-")[f"hunt-check-{number}"]
        assert below == place + 1
        name = re.fullmatch(r"check\.(\w+)\(hunted_(\w+), diagnose=False\)", checked.source)
        assert name[1] == name[2]
        return planted, checked, check.exercises[name[1]]

    def test_the_check_finds_it_and_does_not_name_it(self, number):
        planted, checked, exercise = self.hunt(number)
        name = planted.metadata["misconception"]
        # Most are in the catalogue; a few belong to one exercise alone.
        bug, *_ = [misconceptions.get(s.name, s) for s in exercise.suspects if s.name == name]
        namespace = names(number)
        exec(compile(planted.source, "hunt.py", "exec"), namespace)
        shown = eval(checked.source, namespace)
        assert shown.attempted
        assert not shown.passed
        assert shown.diagnosis is None
        assert bug.diagnosis not in text_of(checked)
        # It is the mistake of the catalogue that is planted.
        named = getattr(check, exercise.name)(namespace[f"hunted_{exercise.name}"])
        assert named.diagnosis == bug.name, str(named)

    def test_mending_it_passes(self, number):
        _, checked, exercise = self.hunt(number)
        namespace = names(number)
        solve(exercise, "hunted_", namespace)
        assert eval(checked.source, namespace).passed

    def test_the_lesson_does_not_show_the_same_mistake(self, number):
        planted, _, _ = self.hunt(number)
        shown = "\n".join(cell.source for cell in cells_of(number, "What goes wrong"))
        assert planted.metadata["misconception"] not in shown
