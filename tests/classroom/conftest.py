"""One class for all tests of a run: its submissions are graded once, side by side, as a teacher does it."""

import contextlib
import hashlib
import importlib
import json
import os
import socket
import threading

import pytest
from filelock import FileLock

from tests.classroom.attacks import SECRET, prepared
from tests.classroom.honest import HONEST, TOLD
from tests.classroom.marks import PLANTED, SOLVED
from tests.classroom.submissions import Course, answer, release, solved
from tests.tool_loader import load_tool

VICTIMS = ("aa_victim", "zz_victim")
PAGES = ("b23_b99_scripts", "honest_beside", "honest_photograph", "other_numbers", "untouched")
PEOPLE = 7.5  # points that a person gave the first of them


def once(tmp_path_factory, name, make):
    """Return the folder that the first worker fills, and what `make` returned; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = base / name, base / f"{name}.json"
    with FileLock(f"{done}.lock"):
        if not done.is_file():
            done.write_text(json.dumps(make(folder)))
        return folder, json.loads(done.read_text())


def of(folder, said=""):
    """Return the course in a folder that is there already."""
    course = Course.__new__(Course)
    course.folder, course.said = folder, said
    return course


@pytest.fixture(scope="session")
def tools(require_tool):
    """Everything that grading needs."""
    require_tool("nbgrader")
    require_tool("bwrap")
    importlib.import_module("nbgrader.apps")  # once, for all runs of the command
    load_tool("grade")


@pytest.fixture(scope="session")
def course(tmp_path_factory, tools):
    """A class that handed in ps1: honest, mistaken, clumsy and hostile students, and two victims."""
    folder, facts = once(tmp_path_factory, "classroom", a_class)
    found = of(folder, facts["said"])
    found.facts = facts
    return found


def a_class(folder):
    """Hand in everything, grade one victim, then everybody; return what there is to know."""
    course = Course(folder, "ps1")
    course.limit(seconds_a_cell=20, seconds_a_test=5)  # some do not end by themselves
    for victim in VICTIMS:
        course.submit(victim, "ps1", solved("ps1"))
    with listening(folder / "teachers.sock") as (port, heard):
        status = course.grade("ps1", "--student", VICTIMS[0])
        give(course, VICTIMS[0])
        before = state_of(course, VICTIMS[0])
        for name, notebook in prepared(folder, port, folder / "teachers.sock").items():
            place = course.submit(name, "ps1", notebook)
            if name == "b34_shadow_folder":
                (place / "backprop_helpers" / "checking").mkdir(parents=True)
                (place / "backprop_helpers" / "__init__.py").write_text("")
                (place / "backprop_helpers" / "checking" / "__init__.py").write_text("check = print")
                (place / "evil.html").write_text("<script>EVIL()</script>")
                (place / "teachers.txt").symlink_to(folder / "secret")
                (place / "zeros.txt").symlink_to("/dev/zero")  # without an end
                os.mkfifo(place / "pipe.txt")
                (place / "timestamp.txt").write_text("yesterday, I swear\n\0" * 100)
                os.truncate(place / "timestamp.txt", 2**36)
        for name, notebook in HONEST.items():
            course.submit(f"honest_{name}", "ps1", notebook)
        for name, (notebook, *_) in TOLD.items():
            place = course.submit(f"told_{name}", "ps1", notebook)
            (place / "page by hand.pdf").write_text("x")
            (place / ".ipynb_checkpoints").mkdir()
        for name, planted in PLANTED.items():
            notebook = solved("ps1")
            for task, code, *_ in planted:
                answer(notebook, task, code)
            course.submit(f"mistaken_{name}", "ps1", notebook)
        course.submit("untouched", "ps1", release("ps1"))
        course.submit("other_numbers", "ps1", answer(solved("ps1"), "skip_backward", SOLVED))
        hopeless(course)
        environment = dict(os.environ, SECRET_TOKEN=f"{SECRET}-in-the-environment")
        status = course.grade("ps1", "--report", "--jobs", "4", **environment)
        said = course.said
        pages = [f"mistaken_{name}" for name in PLANTED] + list(PAGES)
        course.grade("ps1", "--feedback", *(word for name in pages for word in ("--student", name)))
    return {
        "said": said,
        "status": status,
        "heard": heard,
        "before": before,
        "after": state_of(course, VICTIMS[0]),
    }


def hopeless(course):
    """Hand in what cannot be graded."""
    course.submit("not_a_notebook", "ps1", "{")
    course.submit("cells_of_numbers", "ps1", '{"cells": [1, "x", null], "nbformat": 4}')
    course.submit("too_deep", "ps1", '{"cells": [], "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}")
    course.submit("too_many_cells", "ps1", '{"cells": [' + "{}," * 4000 + '{}], "nbformat": 4}')
    course.submit("empty_file", "ps1", "")
    wrong_name = course.submit("wrong_name", "ps1", solved("ps1"))
    (wrong_name / "ps1.ipynb").rename(wrong_name / "My \x1b]0;ps1\x07.ipynb")
    (course.folder / "submitted" / "nothing_in_it" / "ps1").mkdir(parents=True)
    link = course.folder / "submitted" / "a_link" / "ps1"
    link.mkdir(parents=True)
    (link / "ps1.ipynb").symlink_to(course.folder / "source" / "ps1" / "ps1.ipynb")
    course.submit("<script>EVIL()<", "ps1", solved("ps1")) if os.name == "posix" else None


@contextlib.contextmanager
def listening(path):
    """Listen at a Unix socket and a port of the teacher's machine; gives the port and who was heard."""
    heard = []
    unix, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    unix.bind(path.name)
    os.chdir(here)
    tcp.bind(("127.0.0.1", 0))
    for server in (unix, tcp):
        server.listen()
        threading.Thread(target=_hear, args=(server, heard), daemon=True).start()
    try:
        yield tcp.getsockname()[1], heard
    finally:
        unix.close()
        tcp.close()


def _hear(server, heard):
    with contextlib.suppress(OSError):
        while True:
            server.accept()
            heard.append(str(server.family))


def give(course, student):
    """Give a student points for the derivation, as a person does."""
    with course.api().gradebook as gradebook:
        grade = gradebook.find_grade("derivation", "ps1", "ps1", student)
        grade.manual_score, grade.needs_manual_grade = PEOPLE, False
        gradebook.db.commit()


def state_of(course, student):
    """Return a student's points, and the fingerprints of what was handed in and graded."""
    with course.api().gradebook as gradebook:
        score = gradebook.find_submission("ps1", student).score
    files = sorted(
        path
        for step in ("submitted", "autograded")
        for path in (course.folder / step / student).rglob("*.ipynb")
    )
    return [score, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)]
