"""Submissions that do not end, and a system without a sandbox."""

import contextlib
import importlib
import os
import subprocess
import sys
import time
import zipfile

import nbformat
import psutil
import pytest

from backprop_helpers.checking import check
from tests.classroom.conftest import of, once
from tests.classroom.submissions import (
    COURSE,
    FULL,
    PS1_TASKS,
    Course,
    answer,
    cell,
    solved,
    with_cell,
    without,
)
from tests.tool_loader import ROOT

pytestmark = pytest.mark.filterwarnings("ignore")

sys.path.insert(0, str(COURSE))  # the course's own modules

IGNORED = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass\n"
NO_BWRAP = "bubblewrap does not work here (there is no program bwrap)"


def hung(code):
    """ps1 with an answer that does not come back, to the second task."""
    return answer(solved("ps1"), "relative_error", code)


@pytest.fixture(scope="session")
def hasty(tmp_path_factory, tools):
    """A class whose cells may take a few seconds only."""

    def make(folder):
        course = Course(folder, "ps1")
        course.limit(seconds_a_cell=4, seconds_a_test=4, seconds=20)
        course.submit("loop", "ps1", hung("while True:\n    pass\n"))
        course.submit("ignores", "ps1", hung(IGNORED))
        sleepers = solved("ps1")
        for _ in range(100):
            with_cell(sleepers, "import time\ntime.sleep(3)", where=-1)
        with_cell(sleepers, "import time\ntime.sleep(3)", where=2)
        course.submit("sleepers", "ps1", sleepers)
        course.submit("stops", "ps1", hung("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"))
        slow = "import time\ndef relative_error(a, n):\n    time.sleep(100)\n"
        course.submit("slow", "ps1", hung(slow))
        status = course.grade("ps1", "--feedback", "--jobs", "5")
        return [status, course.said]

    folder, (status, said) = once(tmp_path_factory, "hasty", make)
    assert status == 0, said
    return of(folder, said)


def test_an_endless_loop_costs_one_task(hasty):
    assert hasty.marks("loop", "ps1") == without("relative_error")
    assert "a loop that does not end" in hasty.feedback("loop", "ps1")


def test_a_function_that_does_not_return_costs_one_task(hasty):
    assert hasty.marks("slow", "ps1") == without("relative_error")
    assert "it did not return within 4 seconds" in hasty.feedback("slow", "ps1")


def test_one_that_cannot_be_interrupted_keeps_what_ran_before(hasty):
    assert hasty.marks("ignores", "ps1") == without(*PS1_TASKS[1:])
    assert "this test could not run" in hasty.feedback("ignores", "ps1")


def test_one_that_stopped_itself_is_ended_too(hasty):
    assert hasty.marks("stops", "ps1") == without(*PS1_TASKS[1:])


def test_a_notebook_has_a_limit_of_its_own(hasty):
    assert hasty.marks("sleepers", "ps1") == FULL
    line = next(line for line in hasty.said.splitlines() if "sleepers" in line)
    assert "it took longer than its time" in line


def test_without_a_sandbox_nothing_is_graded_unless_that_is_said(tmp_path, tools):
    course = Course(tmp_path / "course", "ps1")
    notebook = solved("ps1")
    cell(notebook, "skip_backward").source += "\nprint(__import__('os').path.isdir('/root'))"
    course.submit("ada", "ps1", notebook)
    bare = {"PATH": str(tmp_path), "HOME": os.environ.get("HOME", "/")}
    assert course.grade("ps1", **bare) == 2
    assert NO_BWRAP in course.said
    assert "--unprotected" in course.said
    assert not (course.folder / "gradebook.db").exists()
    assert course.grade("ps1", "--unprotected", **bare) == 0
    assert course.marks("ada", "ps1") == FULL


def test_an_interrupted_run_is_taken_up_again_and_a_new_submission_is_graded(tmp_path, tools):
    course = Course(tmp_path / "course", "ps1")
    course.submit("ada", "ps1", answer(solved("ps1"), "skip_backward", "def skip_backward(*a): pass"))
    half = course.folder / "autograded" / "ada" / "ps1"
    half.mkdir(parents=True)
    (half / "ps1.ipynb").write_text("{")  # as a run leaves it that was ended
    os.utime(half / "ps1.ipynb", (2**31, 2**31))
    assert course.grade("ps1") == 0, course.said
    assert course.marks("ada", "ps1") == without("skip_backward")
    assert course.grade("ps1") == 0
    assert "submission" not in course.said  # nothing was left to do
    path = course.submit("ada", "ps1", solved("ps1")) / "ps1.ipynb"
    os.utime(path, (0, 0))  # as a copy that keeps the time of its original
    assert course.grade("ps1") == 0
    assert course.marks("ada", "ps1") == FULL


def descendants(process):
    with contextlib.suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def has_a_kernel(process):
    """Whether a student's kernel runs below a process, and so the grading is under way."""
    with contextlib.suppress(psutil.Error):
        return any("ipykernel_launcher" in child.cmdline() for child in descendants(process))
    return False


def within(seconds, happens):
    """Wait until something happens; return whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happens():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="the system that ends children with their parent")
def test_an_archive_is_graded_although_the_first_run_was_killed(tmp_path, tools):
    course = Course(tmp_path / "course", "ps1")
    sleeps = with_cell(solved("ps1"), "import time\ntime.sleep(8)", where=1)
    archive = tmp_path / "moodle.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, number, notebook in (("Ada Lovelace", 12, sleeps), ("Grace Hopper", 7, solved("ps1"))):
            path = f"{name}_{number}_assignsubmission_file_/ps1 (1).ipynb"
            file.writestr(path, nbformat.writes(notebook))
    command = [sys.executable, str(ROOT / "tools" / "grade"), "ps1", "--archive", str(archive)]
    command += ["--course", str(course.folder), "--jobs", "2"]
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said)
        assert within(120, lambda: has_a_kernel(running)), (tmp_path / "said").read_text()
        assert course.grade("ps1") == 2  # not beside another one
        assert "Another grading is at work" in course.said
        left = descendants(running)
        running.kill()
        running.wait()
    assert within(30, lambda: not any(p.is_running() and p.status() != "zombie" for p in left))
    assert course.grade("ps1", "--report", "--jobs", "2") == 0, course.said
    for student in ("Ada-Lovelace", "Grace-Hopper"):
        assert course.marks(student, "ps1") == FULL
    table = (course.folder / "reports" / "ps1_moodle.csv").read_text()
    assert "Participant 12,Ada Lovelace,,,100," in table


@pytest.fixture(scope="module")
def package():
    """The module that makes what a kernel gets of the lessons' package."""
    return importlib.import_module("grading.package")


def test_what_a_kernel_gets_holds_no_answer(package, tmp_path):
    tasks = importlib.import_module("tasks").EXERCISES
    package.make(tmp_path, [task for task in tasks if task.lesson == "ps3"])
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert "backprop_helpers/checking/check.py" in files
    assert not [name for name in files if "solutions" in name or "misconceptions" in name]
    assert not list(tmp_path.rglob("*.npz"))
    conv = (tmp_path / "backprop_helpers" / "layers" / "conv.py").read_text()
    assert conv.count("is switched off while problem sets are graded") >= 2
    assert "einsum" not in conv.partition("def conv_backward")[2].partition("def ")[0]


def test_an_installed_package_knows_the_tasks_and_holds_no_code_of_them():
    for task in importlib.import_module("tasks").EXERCISES:
        assert task.name in check.exercises
        assert task.reference.__module__.startswith("tasks")
        assert "graded" in check.exercises[task.name].reference.func.__module__
