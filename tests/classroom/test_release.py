"""What students get: in step with the sources, without solutions, and other numbers for another year."""

import shutil

import nbformat
import pytest

from tests.classroom.submissions import COURSE, cell
from tests.tool_loader import load_tool

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def release_assignments(require_tool):
    require_tool("nbgrader")
    return load_tool("release_assignments")


@pytest.fixture
def copy(release_assignments, monkeypatch, tmp_path):
    """The tool, at work on a copy of the course with ps1 alone."""
    course = release_assignments.copy_of_course(tmp_path / "course", ["ps1"])
    shutil.copytree(COURSE / "release" / "ps1", course / "release" / "ps1")
    monkeypatch.setattr(release_assignments, "COURSE", course)
    return release_assignments


def test_every_fault_is_found(copy, capsys):
    path = copy.COURSE / "release" / "ps1" / "ps1.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell(notebook, "relative_error").source = "def relative_error(a, b):\n    difference = np.abs(a - b)\n"
    cell(notebook, "skip_backward").source += "    # END SOLUTION\n    return (dy + dy @ w.T)\n"
    cell(notebook, "scaled_fc_backward").source += "\ndx = dy + dy @ w.T\n"
    nbformat.write(notebook, path)
    assert copy.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "ps1.ipynb: not what its source makes" in said
    assert "ps1.ipynb: shows students 'dx = dy + dy @ w.T'" in said
    assert "ps1.ipynb: the mark 'END SOLUTION' is left" in said
    assert "NameError: name 'dy' is not defined" in said
    assert "8 tests, but 7 say that nothing was written yet" in said


def test_missing_and_needless_files_are_found(release_assignments, tmp_path):
    for folder, name in (("release", "old"), ("fresh", "new")):
        (tmp_path / folder / name).mkdir(parents=True)
        (tmp_path / folder / name / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    missing, needless = release_assignments.differences(tmp_path / "release", tmp_path / "fresh")
    assert "missing in assignments/release" in missing
    assert "has no source any more" in needless


def test_another_year_has_other_numbers(copy, monkeypatch, tmp_path):
    before = (copy.CASES / "ps1.npz").read_bytes()
    assert not copy.differing_cases(copy.CASES, copy.cases())
    monkeypatch.setattr(copy, "CASES", tmp_path / "cases")
    assert copy.main(["--year", "2031"]) == 0
    assert (copy.COURSE / "year.txt").read_text() == "2031\n"
    assert copy.main(["--check"]) == 0
    (copy.CASES / "ps1.npz").write_bytes(before)
    assert "ps1.npz: not the cases" in copy.differing_cases(copy.CASES, copy.cases())[0]
