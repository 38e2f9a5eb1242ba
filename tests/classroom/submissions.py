"""A course in a temporary folder, and submissions with every kind of trouble."""

import copy
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat

from tests.tool_loader import ROOT

COURSE = ROOT / "assignments"
SECONDS_A_CELL = 120  # a busy machine must not look like a loop that does not end

# The points of ps1's tests.
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
PS1_TASKS = ("central_difference", "relative_error", "scaled_fc_backward", "skip_backward")


class Course:
    """A course folder, and what nbgrader makes of submissions in it.

    A problem set is entered into the gradebook when it is first asked for.
    """

    def __init__(self, folder):
        from traitlets.config import PyFileConfigLoader

        folder.mkdir(parents=True)
        self.folder = folder
        for name in ("nbgrader_config.py", "classroom.py"):
            shutil.copy(COURSE / name, folder / name)
        # nbgrader starts alembic by its name.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
        self.config.CourseDirectory.root = str(folder)
        self.config.Execute.timeout = SECONDS_A_CELL
        self.generated = set()

    def api(self, **limits):
        """Return nbgrader; `limits` are settings of ExecuteWithLimits."""
        from nbgrader.apps import NbGraderAPI

        config = copy.deepcopy(self.config)
        config.ExecuteWithLimits.update(limits)
        return NbGraderAPI(config=config)

    def generate(self, name):
        """Enter a problem set into the gradebook and make the students' copy."""
        if name not in self.generated:
            shutil.copytree(COURSE / "source" / name, self.folder / "source" / name)
            done = self.api().generate_assignment(name)
            assert done["success"], done["log"]
            self.generated.add(name)

    def source(self, name):
        self.generate(name)
        return self._read("source", name)

    def release(self, name):
        self.generate(name)
        return self._read("release", name)

    def _read(self, step, name):
        return nbformat.read(self.folder / step / name / f"{name}.ipynb", as_version=4)

    def submit(self, student, name, notebook):
        folder = self.folder / "submitted" / student / name
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")

    def grade(self, student, name, **limits):
        """Return the automatic points by cell."""
        done = self.api(**limits).autograde(name, student)
        assert done["success"], done["log"]
        return self.marks(student, name)

    def marks(self, student, name):
        """Return the automatic points by cell, from the gradebook."""
        with self.api().gradebook as gradebook:
            submission = gradebook.find_submission_notebook(name, name, student)
            return {grade.name: grade.auto_score for grade in submission.grades}

    def feedback(self, student, name):
        """Return the text of the feedback's page, in one line."""
        done = self.api().generate_feedback(name, student)
        assert done["success"], done["log"]
        page = (self.folder / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
        return " ".join(re.sub(r"<[^>]+>", "", page).split())


def cell(notebook, grade_id):
    """Return the cell with an nbgrader name."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answer(notebook, grade_id, source):
    """Put the student's code into a cell."""
    cell(notebook, grade_id).source = source
    return notebook


def solved(course, name):
    """Return the release with the sources' solutions, as a student hands it in."""
    notebook = course.release(name)
    for solution in course.source(name).cells:
        marks = solution.metadata.get("nbgrader", {})
        if marks.get("solution"):
            answer(notebook, marks["grade_id"], solution.source)
    return notebook


def without(*tasks):
    """The points of ps1, with none for some tasks."""
    return {name: 0 if name.startswith(tasks) else points for name, points in FULL.items()}


def automatic(marks):
    """The marks without the derivation's, which a person gives."""
    return {name: points for name, points in marks.items() if name != "derivation"}


def graded(course, student, notebook, **limits):
    """Hand in ps1, grade it and return its automatic points."""
    course.submit(student, "ps1", notebook)
    return automatic(course.grade(student, "ps1", **limits))
