"""Submissions that hang, crash, cheat or came back in pieces: each gets the points it earned."""

import importlib.util

import nbformat.v4
import pytest

from tests.classroom.submissions import (
    COURSE,
    FULL,
    PS1_TASKS,
    answer,
    automatic,
    cell,
    graded,
    solved,
    without,
)
from tests.tool_loader import load_tool

pytestmark = pytest.mark.filterwarnings("ignore")

DELEGATED = """
from backprop_helpers.layers import fc_backward, fc_forward


def skip_backward(dy, x, w):
    _, cache = fc_forward(x, w, np.zeros(len(w)))
    dx, dw, db = fc_backward(dy, cache)
    return dy + dx, dw, db
"""
NETWORK = """
import socket

try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError as error:
    print("connecting:", error)
"""
TRICKS = [
    "from backprop_helpers.checking.exercises._result import CheckResult\nCheckResult.assert_ok = print",
    "import backprop_helpers.checking.check as c\nc.skip_backward = lambda *a, **k: None",
    "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "import sys\nsys.modules['backprop_helpers.checking.check'] = None",
    "import os\nos._exit(0)",
    "np.testing.__dict__.clear()",
    "vars(np)['allclose'] = print",
    "setattr(np, 'allclose', print)",
    "np.random.default_rng = lambda seed: None",
    "import gc\ngc.get_objects()",
    "if __import__('os').environ.get('NBGRADER_EXECUTION'): pass",
    "%reset -f",
    "!rm -rf .",
    "%%bash\nrm -rf .",
]
HONEST = [
    "import numpy as np\nx = np.zeros(3)\nx[0] = 1\nx.shape = (3, 1)",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])",
    "class Layer:\n    def __init__(self, w):\n        self.w = w",
    "def unfinished(:",
]


@pytest.fixture(scope="module")
def classroom(require_tool):
    """The course's own module."""
    require_tool("nbgrader")
    spec = importlib.util.spec_from_file_location("course_rules", COURSE / "classroom.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_infinite_loop_costs_one_task(course):
    notebook = solved(course, "ps1")
    answer(notebook, "relative_error", "while True:\n    pass\n")
    # The limit of cells tagged `long` is short here, so that no other cell can meet it.
    cell(notebook, "relative_error").metadata["tags"] = ["long"]
    assert graded(course, "loop", notebook, longest_cell=2) == without("relative_error")
    assert "a loop that does not end" in course.feedback("loop", "ps1")


def test_memory_hog_costs_one_task(course):
    notebook = solved(course, "ps1")
    answer(notebook, "skip_backward", "hoard = np.empty((40_000, 100_000), dtype=np.uint8)\n")
    assert graded(course, "hog", notebook) == without("skip_backward")
    assert "MemoryError" in course.feedback("hog", "ps1")


def test_dead_kernel_keeps_what_ran_before(course):
    notebook = solved(course, "ps1")
    answer(notebook, "scaled_fc_backward", "import ctypes\n\nctypes.string_at(0)\n")
    assert graded(course, "dead", notebook) == without("scaled_fc_backward", "skip_backward")
    assert "this test could not run" in course.feedback("dead", "ps1")


def test_deleted_cells_come_back(course):
    """A deleted test is run all the same; a deleted answer earns nothing; the set-up is restored."""
    notebook = solved(course, "ps1")
    gone = {"setup", "central_difference_visible", "skip_backward", "skip_backward_visible", "derivation"}
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    course.submit("deleted", "ps1", notebook)
    marks = course.grade("deleted", "ps1")
    assert automatic(marks) == without("skip_backward")
    assert marks["derivation"] == 0


def test_changed_types_and_marks_are_undone(course):
    notebook = solved(course, "ps1")
    for name in ("relative_error_more", "skip_backward"):
        changed = cell(notebook, name)
        changed.cell_type = "markdown"
        del changed["outputs"], changed["execution_count"]
    cell(notebook, "skip_backward_more").metadata["nbgrader"].update(grade=False, points=500)
    cell(notebook, "scaled_fc_backward_more").metadata["nbgrader"].update(solution=True, locked=False)
    assert graded(course, "retyped", notebook) == FULL


def test_delegation_earns_nothing(course):
    notebook = answer(solved(course, "ps1"), "skip_backward", DELEGATED)
    assert graded(course, "delegated", notebook) == without("skip_backward")
    assert "fc_backward, fc_forward of backprop_helpers did the work" in course.feedback("delegated", "ps1")


def test_edited_tests_are_the_old_ones_again(course):
    notebook = course.release("ps1")
    for name in FULL:
        cell(notebook, name).source = "assert True"
    assert graded(course, "edited", notebook) == without(*PS1_TASKS)


def test_a_replaced_checker_earns_nothing(course):
    """The answers are right, but the code saw to it that nobody can tell."""
    notebook = solved(course, "ps1")
    cell(notebook, "central_difference").source += "\n\n" + TRICKS[0]
    assert graded(course, "trick", notebook) == without(*PS1_TASKS)
    page = course.feedback("trick", "ps1")
    assert "no automatic points" in page
    assert "`CheckResult.assert_ok`, which belongs to a module" in page


@pytest.mark.parametrize("trick", TRICKS)
def test_code_that_reaches_for_the_grader_is_noticed(classroom, trick):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(trick)])
    assert list(classroom.reaches_for_the_grader(notebook))


@pytest.mark.parametrize("code", HONEST)
def test_honest_code_is_left_alone(classroom, code):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    assert not list(classroom.reaches_for_the_grader(notebook))


def test_graded_safely_there_is_no_network(course, monkeypatch):
    tool = load_tool("grade_safely")
    notebook = solved(course, "ps1")
    cell(notebook, "central_difference").source += NETWORK
    course.submit("online", "ps1", notebook)
    monkeypatch.chdir(course.folder)
    assert tool.main(["ps1", "--student=online"]) == 0
    assert automatic(course.marks("online", "ps1")) == FULL
    if tool.has_namespaces():
        assert "connecting: [Errno 101] Network is unreachable" in course.feedback("online", "ps1")
