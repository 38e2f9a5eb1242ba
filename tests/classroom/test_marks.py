"""Problem set 1 from its source to the marks: handed out, solved, half solved, graded and returned."""

import pytest

from tests.classroom.submissions import FULL, PS1_TASKS, answer, graded, solved, without

# nbgrader's own warnings, of its database library, are its business.
pytestmark = pytest.mark.filterwarnings("ignore")

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
# By student: the task, the code, and what the feedback says about it.
PLANTED = {
    "one": [
        ("central_difference", ONE_SIDED, "the difference is taken to one side only"),
        ("scaled_fc_backward", SCALE_FORGOTTEN, "gamma is missing on the way back"),
    ],
    "two": [
        ("relative_error", MEAN_ERROR, "the errors are averaged"),
        ("skip_backward", SKIP_FORGOTTEN, "the direct way is missing"),
    ],
    "three": [("skip_backward", NOT_TRANSPOSED, "dx uses w where its transpose is needed")],
}


def test_solutions_get_full_marks(course):
    assert graded(course, "solved", solved(course, "ps1")) == FULL


def test_untouched_gets_nothing(course):
    assert graded(course, "untouched", course.release("ps1")) == without(*PS1_TASKS)
    assert course.feedback("untouched", "ps1").count("not attempted yet") >= 8


@pytest.mark.parametrize("student", PLANTED)
def test_planted_mistakes_lose_their_own_points_and_are_named(course, student):
    notebook = solved(course, "ps1")
    for task, code, _ in PLANTED[student]:
        answer(notebook, task, code)
    assert graded(course, student, notebook) == without(*(task for task, *_ in PLANTED[student]))
    page = course.feedback(student, "ps1")
    for _, _, said in PLANTED[student]:
        assert said in page
