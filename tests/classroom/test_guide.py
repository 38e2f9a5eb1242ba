"""The teacher's guide, assignments/README.md: what it counts and what it names is there."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from backprop_helpers.checking import check
from tests.classroom.conftest import once
from tests.classroom.submissions import COURSE
from tests.tool_loader import ROOT, load_tool

sys.path.insert(0, str(COURSE))  # the course's own modules

GUIDE = (COURSE / "README.md").read_text(encoding="utf-8")
PLAN = re.findall(r"^\| \d? ?\| (\d\d) \| (.*?) \| (.*?) \| .*\|$", GUIDE, flags=re.MULTILINE)
TASKS = [task for task in check.exercises.values() if not task.lesson.isdigit()]

PARTS = (
    "assignments/",
    "tools/",
    "backprop_helpers/",
    "data/",
    "notebooks/",
    "pyproject",
    "README",
    "LICENSE",
)
COMMANDS = re.findall(r"^```sh\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def commands(tmp_path_factory, tools):
    """A copy of the project, in which the guide's commands were run, and what each of them said."""
    if os.name != "posix":
        pytest.skip("the commands are a Unix shell's")
    return once(tmp_path_factory, "guide", the_guides_commands)


def the_guides_commands(folder):
    """Copy the project as a teacher has it, with its environment, and run the commands in order."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.split("\n"):
        if name.startswith(PARTS) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    said = []
    for command in COMMANDS:
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=folder,
            env=dict(os.environ, PATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        said.append(done.stdout)
    return said


def test_the_guides_commands_from_the_first_to_the_last(commands):
    copy, said = commands
    assert "fails only where nothing was written" in said[0]
    assert "example                  80 of 80" in said[3]
    assert "not graded: 0" in said[3]
    course = copy / "assignments"
    assert (course / "feedback" / "example" / "ps1" / "ps1.html").is_file()
    assert (course / "reports" / "ps1_mistakes.html").is_file()
    assert (copy / "students.zip").is_file()
    row = (course / "grades.csv").read_text().splitlines()[1]
    assert "ps1" in row
    assert "example" in row


def test_what_students_get_works_and_holds_no_answer(commands, tmp_path):
    release_assignments = load_tool("release_assignments")
    with zipfile.ZipFile(commands[0] / "students.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    folder = tmp_path / "backpropagation"
    assert {path.stem for path in folder.glob("*.ipynb")} == {
        p.parent.name for p in COURSE.glob("source/*/*.ipynb") if p.stem != "concepts_after"
    }
    for page in folder.glob("lessons/**/*.ipynb"):
        for link in re.findall(r"\]\(([^)#:\\]+\.(?:ipynb|md))", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file() or link == "more/own_layers.ipynb", (page.name, link)
    assert not [name for name in names if "tasks" in name or "grading" in name or "source" in name]
    for path in COURSE.glob("source/ps*/*.ipynb"):
        assert not release_assignments.leaks(path, folder / path.name)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        package.extractall(tmp_path / "installed")
        assert not [name for name in package.namelist() if name.startswith(("tests", "assignments", "tools"))]
    said = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import backprop_helpers; print(backprop_helpers.__file__)\n"
            "from backprop_helpers.training import load_mnist, series_cnn\nfrom "
            "backprop_helpers.checking import check\n"
            "print(len(load_mnist().train_labels), check.exercises['skip_backward'].title, series_cnn() "
            "is not None)",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(tmp_path / "installed")),
    )
    assert said.stdout.splitlines() == [
        str(tmp_path / "installed" / "backprop_helpers" / "__init__.py"),
        "60000 the gradients of x + x w + b True",
    ], said.stderr


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


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_section_to_revisit_is_in_the_lesson(task):
    from tasks import EXERCISES

    (task,) = (own for own in EXERCISES if own.name == task.name)
    for place in task.revisit.split("; "):
        lesson, _, section = place.partition(", ")
        (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        headings = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert re.search(rf"^##+ (.* · )?{re.escape(section)}$", headings, re.MULTILINE), place


def test_the_table_of_the_sandbox_says_what_is_so():
    from grading import kernel, marks, outputs, sandbox

    assert f"{sandbox.MEGABYTES_OF_FILES} MB each, in memory" in GUIDE
    assert len(sandbox.variables()) == 13
    assert "| variables | thirteen that it needs, none of yours |" in GUIDE
    seconds = f"{kernel.SECONDS_A_CELL} s a cell, {kernel.SECONDS_A_TEST:.0f} s a test"
    seconds += f" ({marks.SECONDS_TO_TRAIN} s to train)"
    assert f"{seconds}, {kernel.SECONDS_A_NOTEBOOK // 60} min a notebook" in GUIDE
    memory = f"{kernel.MEGABYTES // 1024} GB a process, and in sum; {kernel.PROCESSES} processes"
    assert f"{memory}; {kernel.MEGABYTES_A_FILE} MB a file" in GUIDE
    assert f"{outputs.CHARACTERS:,} characters a cell" in GUIDE


def test_the_students_page_says_what_is_so():
    from grading import kernel

    page = (COURSE / "STUDENTS.md").read_text(encoding="utf-8")
    assert f"A cell may take {kernel.SECONDS_A_CELL} seconds, a test {kernel.SECONDS_A_TEST:.0f}" in page
    assert kernel.SECONDS_A_NOTEBOOK == 600
    assert "the whole notebook ten minutes" in page
    assert f"backprop_helpers-{load_tool('_wheel.py').version()}-py3-none-any.whl" in page


def test_the_container_has_what_grading_needs():
    text = (COURSE / "Dockerfile").read_text(encoding="utf-8")
    for name in re.findall(r"^COPY (.*) \S+$", text, flags=re.MULTILINE):
        assert all((ROOT / part).exists() for part in name.split())
    needed = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    for requirement in re.findall(r'"(\w+>=[^"]+)"', text):
        assert requirement in needed
    assert "bubblewrap" in text
    assert 'ENTRYPOINT ["python", "tools/grade"' in text


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_known_mistakes_of_the_problem_sets_are_recognised(task):
    for suspect in task.suspects:
        result = getattr(check, task.name)(suspect.make())  # by the cases that students have
        assert result.diagnosis == suspect.name
        assert result.hint
