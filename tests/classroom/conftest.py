"""One course for all tests of a worker: making its gradebook takes longer than grading a submission."""

import pytest

from tests.classroom.submissions import Course


@pytest.fixture(scope="session")
def course(tmp_path_factory, require_tool):
    """A course with every problem set."""
    require_tool("nbgrader")
    return Course(tmp_path_factory.mktemp("classroom") / "course")
