"""The other problem sets and the concept tests: what their solutions get, and what guesses get."""

import nbformat
import pytest

from tests.classroom.conftest import of, once
from tests.classroom.submissions import Course, answer, release, solved, source

pytestmark = pytest.mark.filterwarnings("ignore")

NAMES = ("ps2", "ps3", "ps4", "ps5", "concepts_before", "concepts_after")
ALWAYS_EQUAL = """
class A(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
def {}(): return A("ab")
"""
NO_TRAINING = """
import inspect, sys
def train(images, labels, seed):
    rng = np.random.default_rng(seed)
    probabilities_of.__code__ = (lambda images, *w: np.eye(10)[labels]).__code__
    globals()["mnist"] = None
    return [rng.normal(size=s) for s in ((5, 5, 1, 8), (8,), (288, 10), (10,))]
"""
BLIND_BACKWARD = """
from backprop_helpers import layers
def {}(*arguments, **options):
    return [getattr(layers, name) for name in dir(layers) if name.endswith("_backward")][0](*arguments)
"""


@pytest.fixture(scope="session")
def others(tmp_path_factory, tools):
    """A class that handed in every other set."""

    def make(folder):
        course = Course(folder, *NAMES)
        said = {}
        for name in NAMES:
            course.submit("solved", name, solved(name))
            guessing = release(name)
            for cell in guessing.cells:
                marks = cell.metadata.get("nbgrader", {})
                if marks.get("solution") and cell.cell_type == "code":
                    code = ALWAYS_EQUAL if name.startswith("concepts") else BLIND_BACKWARD
                    cell.source = code.format(marks["grade_id"])
            if name == "ps5":
                answer(guessing, "train", NO_TRAINING)
            course.submit("guesses", name, guessing)
            assert course.grade(name, "--feedback") == 0, course.said
            said[name] = course.said
        return said

    folder, said = once(tmp_path_factory, "others", make)
    return of(folder, said)


def wanted(name):
    """The points of a set's tests."""
    return {
        c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"]["points"]
        for c in source(name).cells
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"
    }


@pytest.mark.parametrize("name", NAMES)
def test_solutions_get_full_marks(others, name):
    assert others.marks("solved", name) == wanted(name)
    assert sum(wanted(name).values()) == (80 if name.startswith("ps") else 12)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_solved_gets_nothing(others, name):
    assert set(others.marks("guesses", name).values()) == {0}


@pytest.mark.parametrize("name", ["concepts_before", "concepts_after"])
def test_the_key_is_in_no_page_and_in_nothing_that_is_installed(others, name):
    said = others.page("solved", name)
    assert "assert answer_1() ==" not in said
    assert "WHY_NOT" not in nbformat.writes(release(name))
