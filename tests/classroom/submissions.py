"""A course in a temporary folder, and submissions with every kind of trouble."""

import os
import re
import shutil
import sys
from pathlib import Path

import nbformat

from tests.tool_loader import ROOT

COURSE = ROOT / "assignments"
SECONDS_A_CELL = 6  # for code that hangs


class Course:
    """A course folder with some of the problem sets, and what nbgrader makes of submissions to them."""

    def __init__(self, folder, names):
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        folder.mkdir(parents=True)
        self.folder = folder
        for name in ("nbgrader_config.py", "classroom.py"):
            shutil.copy(COURSE / name, folder / name)
        for name in names:
            shutil.copytree(COURSE / "source" / name, folder / "source" / name)
        # nbgrader starts alembic by its name.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
        self.config.CourseDirectory.root = str(folder)
        self.config.Execute.timeout = SECONDS_A_CELL
        self.config.ExecuteWithLimits.timeout = SECONDS_A_CELL
        self.api = NbGraderAPI(config=self.config)
        for name in names:
            done = self.api.generate_assignment(name)
            assert done["success"], done["log"]

    def source(self, name):
        return self._read("source", name)

    def release(self, name):
        return self._read("release", name)

    def _read(self, step, name):
        return nbformat.read(self.folder / step / name / f"{name}.ipynb", as_version=4)

    def submit(self, student, name, notebook):
        folder = self.folder / "submitted" / student / name
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")

    def grade(self, student, name):
        """Return the automatic points by cell."""
        done = self.api.autograde(name, student)
        assert done["success"], done["log"]
        with self.api.gradebook as gradebook:
            submission = gradebook.find_submission_notebook(name, name, student)
            return {grade.name: grade.auto_score for grade in submission.grades}

    def feedback(self, student, name):
        """Return the text of the feedback's page."""
        done = self.api.generate_feedback(name, student)
        assert done["success"], done["log"]
        page = (self.folder / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
        return re.sub(r"<[^>]+>", "", page)


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
