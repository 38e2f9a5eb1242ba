"""The other problem sets and the concept tests: their solutions get full marks."""

import pytest

from tests.classroom.submissions import solved

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", ["ps2", "ps3", "ps4", "ps5", "concepts_before", "concepts_after"])
def test_solutions_get_full_marks(course, name):
    course.submit("solved", name, solved(course, name))
    marks = course.grade("solved", name)
    wanted = {
        c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"]["points"]
        for c in course.source(name).cells
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"
    }
    assert {key: marks[key] for key in wanted} == wanted
    assert sum(wanted.values()) == (80 if name.startswith("ps") else 12)
