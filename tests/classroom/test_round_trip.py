"""From the sources to the marks: released, handed in, graded, returned."""

import pytest

from tests.classroom.submissions import Course, answer, cell, solved

# nbgrader's own warnings, of its database library, are its business.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

OTHERS = ("ps2", "ps3", "ps4", "ps5", "concepts_before", "concepts_after")
PS1_TASKS = ("central_difference", "relative_error", "scaled_fc_backward", "skip_backward")
FULL = {
    "central_difference_visible": 8,
    "central_difference_more": 12,
    "relative_error_visible": 6,
    "relative_error_more": 9,
    "scaled_fc_backward_visible": 10,
    "scaled_fc_backward_more": 15,
    "skip_backward_visible": 8,
    "skip_backward_more": 12,
}

ONE_SIDED = """
def central_difference(f, x, dz, eps):
    dx = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudged = x.copy()
        nudged[index] += eps
        dx[index] = (dz * (f(nudged) - f(x))).sum() / eps
    return dx
"""
MEAN_ERROR = """
def relative_error(analytic, numeric):
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    return (np.abs(analytic - numeric) / np.where(size == 0, 1, size)).mean()
"""
SCALE_FORGOTTEN = """
def scaled_fc_backward(dz, x, w, gamma):
    return dz @ w.T, x.T @ dz, (dz * (x @ w)).sum(axis=0), dz.sum(axis=0)
"""
SKIP_FORGOTTEN = """
def skip_backward(dy, x, w):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
"""
NOT_TRANSPOSED = """
def skip_backward(dy, x, w):
    return dy + dy @ w, x.T @ dy, dy.sum(axis=0)
"""
PLANTED = {
    "central_difference": (ONE_SIDED, "the difference is taken to one side only"),
    "relative_error": (MEAN_ERROR, "the errors are averaged"),
    "scaled_fc_backward": (SCALE_FORGOTTEN, "gamma is missing on the way back"),
    "skip_backward": (SKIP_FORGOTTEN, "the direct way is missing"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory, require_tool):
    require_tool("nbgrader")
    return Course(tmp_path_factory.mktemp("classroom") / "course", ["ps1"])


def without(*tasks):
    """The points of ps1, with none for some tasks."""
    return {name: 0 if name.startswith(tasks) else points for name, points in FULL.items()}


def automatic(marks):
    """The marks without the derivation's, which a person gives."""
    return {name: points for name, points in marks.items() if name != "derivation"}


def graded(course, student, notebook):
    course.submit(student, "ps1", notebook)
    return automatic(course.grade(student, "ps1"))


def test_solutions_get_full_marks(course):
    assert graded(course, "solved", solved(course, "ps1")) == FULL


def test_untouched_gets_nothing(course):
    assert graded(course, "untouched", course.release("ps1")) == without(*PS1_TASKS)
    page = course.feedback("untouched", "ps1")
    assert page.count("not attempted yet") >= 8


def test_infinite_loop_costs_one_task(course):
    notebook = solved(course, "ps1")
    answer(notebook, "relative_error", "while True:\n    pass\n")
    assert graded(course, "loop", notebook) == without("relative_error")
    assert "a loop that does not end" in course.feedback("loop", "ps1")


def test_memory_hog_costs_one_task(course):
    notebook = solved(course, "ps1")
    answer(notebook, "skip_backward", "hoard = np.ones((200_000, 100_000))\n")
    assert graded(course, "hog", notebook) == without("skip_backward")


def test_dead_kernel_keeps_what_ran_before(course):
    notebook = solved(course, "ps1")
    answer(notebook, "scaled_fc_backward", "import ctypes\n\nctypes.string_at(0)\n")
    assert graded(course, "dead", notebook) == without("scaled_fc_backward", "skip_backward")


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
    notebook = solved(course, "ps1")
    delegated = """
        from backprop_helpers.layers import fc_backward, fc_forward

        def skip_backward(dy, x, w):
            _, cache = fc_forward(x, w, np.zeros(len(w)))
            dx, dw, db = fc_backward(dy, cache)
            return dy + dx, dw, db
    """
    answer(notebook, "skip_backward", "\n".join(line[8:] for line in delegated.splitlines()))
    assert graded(course, "delegated", notebook) == without("skip_backward")
    assert "fc_backward, fc_forward of backprop_helpers did the work" in " ".join(
        course.feedback("delegated", "ps1").split()
    )


def test_edited_tests_are_the_old_ones_again(course):
    notebook = course.release("ps1")
    for name in FULL:
        cell(notebook, name).source = "assert True"
    assert graded(course, "edited", notebook) == without(*PS1_TASKS)


@pytest.mark.parametrize(
    "trick",
    [
        "import backprop_helpers.checking.check as c\nc.skip_backward = lambda *a, **k: None",
        "from backprop_helpers.checking.exercises._result import CheckResult\nCheckResult.assert_ok = print",
        "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    ],
)
def test_a_replaced_checker_is_noticed(course, trick):
    """The answers are wrong, and the code sees to it that nobody asks."""
    notebook = course.release("ps1")
    answer(notebook, "central_difference", trick)
    student = f"trick{len(trick)}"
    assert graded(course, student, notebook) == without(*PS1_TASKS)
    assert "no automatic points" in course.feedback(student, "ps1")


def test_planted_mistakes_lose_their_own_points_and_are_named(course):
    for student, tasks in (
        ("one", ("central_difference", "scaled_fc_backward")),
        ("two", ("relative_error", "skip_backward")),
    ):
        notebook = solved(course, "ps1")
        for task in tasks:
            answer(notebook, task, PLANTED[task][0])
        marks = graded(course, student, notebook)
        assert {name for name, points in marks.items() if points < FULL[name]} == {
            name for name in FULL if name.startswith(tasks)
        }
        page = " ".join(course.feedback(student, "ps1").split())
        for task in tasks:
            assert PLANTED[task][1] in page


def test_fifth_planted_mistake(course):
    notebook = answer(solved(course, "ps1"), "skip_backward", NOT_TRANSPOSED)
    assert graded(course, "five", notebook) == without("skip_backward")
    assert "dx uses w where its transpose is needed" in " ".join(course.feedback("five", "ps1").split())


@pytest.mark.parametrize("name", OTHERS)
def test_solutions_of_the_others_get_full_marks(tmp_path, require_tool, name):
    require_tool("nbgrader")
    course = Course(tmp_path / "course", [name])
    course.submit("solved", name, solved(course, name))
    marks = course.grade("solved", name)
    wanted = {
        c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"]["points"]
        for c in course.source(name).cells
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"
    }
    assert {key: marks[key] for key in wanted} == wanted
    assert sum(wanted.values()) == (80 if name.startswith("ps") else 12)
