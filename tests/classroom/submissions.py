"""A course in a temporary folder, notebooks to hand in, and what became of them."""

import base64
import copy
import io
import json
import multiprocessing
import os
import re
import subprocess
import sys

import nbformat
from PIL import Image

from tests.tool_loader import ROOT, load_tool

COURSE = ROOT / "assignments"


def picture(width, height):
    """A picture in base64, of black pixels."""
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


DOT, WIDE = picture(1, 1), picture(4000, 30)

PS1_TASKS = (
    "central_difference",
    "relative_error",
    "scaled_fc_backward",
    "skip_backward",
    "tied_backward",
    "reading_ps1",
    "stencil",
    "bilinear_backward",
)


class Course:
    """A copy of the course, and what `tools/grade` makes of submissions in it."""

    def __init__(self, folder, *names):
        load_tool("release_assignments").copy_of_course(folder, names)
        (folder / "secret").write_text("numbers of the tests, hunter2\n")  # the same in each run
        self.folder = folder
        self.said = ""

    def limit(self, **limits):
        """Set limits of what a submission may use, in the course's configuration."""
        with (self.folder / "nbgrader_config.py").open("a") as config:
            config.writelines(f"\nc.MarkSubmission.{name} = {value}\n" for name, value in limits.items())

    def submit(self, student, name, notebook):
        """Hand in a notebook; a text is written as it is."""
        folder = self.folder / "submitted" / student / name
        folder.mkdir(parents=True, exist_ok=True)
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)  # ASCII, as for a surrogate
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
        return folder

    def grade(self, *arguments, **environment):
        """Run the command; return its exit status.

        With an environment it runs as a teacher runs it; else in a copy of this process, which has imported
        everything already.
        """
        arguments = [*arguments, "--course", str(self.folder)]
        said = self.folder.parent / f"{self.folder.name}.said"
        if environment:
            command = [sys.executable, str(ROOT / "tools" / "grade"), *arguments]
            with said.open("w") as file:
                status = subprocess.run(command, stdout=file, stderr=file, env=environment).returncode
        else:
            process = multiprocessing.get_context("fork").Process(target=_grade, args=(arguments, said))
            process.start()
            process.join()
            status = process.exitcode
        self.said = said.read_text(encoding="utf-8")
        return status

    def api(self):
        return load_tool("grade").nbgrader_of(self.folder)

    def marks(self, student, name):
        """Return the automatic points by cell, from the gradebook; those a person gives are left out."""
        with self.api().gradebook as gradebook:
            grades = gradebook.find_submission_notebook(name, name, student).grades
            return {grade.name: grade.auto_score for grade in grades if grade.cell.cell_type == "code"}

    def graded(self, student, name):
        path = self.folder / "autograded" / student / name / f"{name}.ipynb"
        return nbformat.read(path, as_version=4)

    def page(self, student, name):
        """Return the source of the feedback's page."""
        return (self.folder / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")

    def feedback(self, student, name):
        """Return the text of the feedback's page, in one line."""
        return " ".join(re.sub(r"<[^>]+>", "", self.page(student, name)).split())


def _grade(arguments, said):
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    with os.fdopen(1, "w", encoding="utf-8") as sys.stdout, os.fdopen(2, "w", encoding="utf-8") as sys.stderr:
        status = load_tool("grade").main(arguments)
    sys.exit(status)


def source(name):
    return nbformat.read(COURSE / "source" / name / f"{name}.ipynb", as_version=4)


def release(name):
    return nbformat.read(COURSE / "release" / name / f"{name}.ipynb", as_version=4)


def cell(notebook, grade_id):
    """Return the cell with an nbgrader name."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answer(notebook, grade_id, text):
    """Put the student's code into a cell."""
    cell(notebook, grade_id).source = text
    return notebook


def solved(name):
    """Return the release with the sources' solutions, as a student hands it in."""
    notebook = release(name)
    for solution in source(name).cells:
        marks = solution.metadata.get("nbgrader", {})
        if marks.get("solution"):
            answer(notebook, marks["grade_id"], solution.source)
    return copy.deepcopy(notebook)


def with_cell(notebook, text, where=0, kind="code"):
    """Add a cell of the student's own."""
    new = nbformat.v4.new_code_cell(text) if kind == "code" else nbformat.v4.new_markdown_cell(text)
    notebook.cells.insert(where if where >= 0 else len(notebook.cells), new)
    return notebook


def wanted(name):
    """The points of a set's tests."""
    return {
        c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"]["points"]
        for c in source(name).cells
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"
    }


FULL = wanted("ps1")


def without(*tasks):
    """The points of ps1, with none for some tasks."""
    return {name: 0 if tasks and name.startswith(tasks) else points for name, points in FULL.items()}
