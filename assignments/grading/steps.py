"""The steps of nbgrader's autograding that this course replaces: what is taken over, and how it is marked."""

import contextlib
import itertools
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells
from nbgrader.utils import is_grade, is_locked
from traitlets import Bool, Float, Unicode

from . import package
from .kernel import SECONDS_A_CELL, SECONDS_A_NOTEBOOK, SECONDS_A_TEST, Kernel, KernelEndedError
from .marks import TASKS, Mark, mark
from .outputs import (
    CHARACTERS_OF_WORDS,
    WORDS_A_NOTEBOOK,
    inert_attachments,
    inert_markdown,
    with_attachments,
)
from .sandbox import NoSandboxError, bubblewrap

KEPT_OF_A_CELL = ("cell_type", "id", "source", "metadata", "outputs", "execution_count", "attachments")
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
#: Around a model answer: a line at its left, which no student can draw.
BESIDE = '<div style="border-left: 4px solid #337ab7; padding-left: 1em">\n\n{}\n\n</div>'
waiting = contextlib.nullcontext  # entered while students' code runs; tools/grade lets others in meanwhile


class TakeOver(OverwriteCells):
    """Take over the student's answers, and nothing else of what a notebook can carry.

    Cells of the course get their place, type, source and points back, wherever they were edited or deleted;
    what the student wrote in markdown becomes inert; metadata and attachments that are no pictures go.
    """

    sources = Unicode(help="the folder of the problem sets with their solutions").tag(config=True)

    def preprocess(self, nb, resources):
        """Clean the notebook and restore it; see `OverwriteCells`."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            source = gradebook.find_notebook(names["notebook"], names["assignment"])
            graded, answers = {c.name for c in source.grade_cells}, {c.name for c in source.solution_cells}
            locked = {cell.name: cell.locked for cell in source.source_cells}
            points = {cell.name: cell.max_score for cell in source.grade_cells}

        def marks_of(name):
            kind = {"grade": name in graded, "solution": name in answers, "locked": locked[name]}
            worth = {"points": points[name]} if name in graded else {}
            return {"grade_id": name, **kind, "task": False, "schema_version": 3, **worth}

        stubs = {cell.name: cell.source.strip() for cell in source.source_cells if cell.name in answers}
        known = [_strip(cell, locked) for cell in nb.cells]
        given = given_texts(self._source_of(names))
        nb.cells, places, odd = _answers_in_place(nb.cells, known, stubs, given)
        for name, cell in places.items():
            cell.metadata["nbgrader"] = marks_of(name)
        ids = {name: cell.get("id") for name, cell in named_cells(self._source_of(names)).items()}
        if lost := _find_again(nb.cells, answers - set(places), ids, marks_of):
            odd.append(f"no cell for {', '.join(sorted(lost))}")
        kernel = nb.metadata.get("kernelspec")  # the course's, by now
        nb.metadata = from_dict({"kernelspec": kernel, "language_info": LANGUAGE})
        nb, resources = super().preprocess(nb, resources)
        left = WORDS_A_NOTEBOOK
        for cell in nb.cells:
            _neutralise(cell, min(left, CHARACTERS_OF_WORDS))
            left = max(0, left - len(cell.source) * (cell.cell_type == "markdown"))
        if odd:
            nb.metadata["grading"] = {"odd": "; ".join(odd)}
        return nb, resources

    def _source_of(self, names):
        return Path(self.sources) / names["assignment"] / f"{names['notebook']}.ipynb"

    def add_missing_grade_cells(self, nb, resources):
        """Put every missing cell that is not an answer, and every graded answer, where it was."""
        source = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        points = {cell.name: cell.max_score for cell in source.grade_cells}
        answers = {cell.name for cell in source.solution_cells}
        before = []
        for cell in source.source_cells:
            position = {c.metadata.get("nbgrader", {}).get("grade_id"): i for i, c in enumerate(nb.cells)}
            if cell.name not in position and (cell.locked or cell.name in points):
                new = self.missing_cell_transform(
                    cell, points.get(cell.name, 0), is_solution=cell.name in answers
                )
                new.source = cell.source  # as it was, so that an unanswered question counts as one
                new.metadata["nbgrader"].update(grade=cell.name in points, schema_version=3)
                places = [position[name] for name in before if name in position]
                nb.cells.insert(max(places) + 1 if places else 0, new)
            before.append(cell.name)
        return nb, resources


def _find_again(cells, lost, ids, marks_of):
    """Give the answers that lost their cells' names new ones; return the names of those not found.

    Editors drop what they do not know: then the cell's identity tells, or what it defines. A cell that was
    merged into one of the course's, which is put back, is taken out of it again.
    """
    for name in sorted(lost):
        defines = defining(name)
        own = [cell for cell in cells if "nbgrader" not in cell.metadata]
        found = [cell for cell in own if cell.get("id") == ids.get(name)]
        found = found or [cell for cell in own if cell.cell_type == "code" and defines(cell.source)]
        merged = [n for n, cell in enumerate(cells) if cell.cell_type == "code" and defines(cell.source)]
        if not found and merged:
            found = [new_code_cell(cells[merged[-1]].source)]
            cells.insert(merged[-1] + 1, found[0])
        if found:
            found[-1].metadata["nbgrader"] = marks_of(name)
            lost = lost - {name}
    return lost


def _strip(cell, known):
    """Leave of a cell its type, its text and its pictures; return its name if it is a known one."""
    marks = cell.get("metadata", {}).get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    name = name if isinstance(name, str) and name in known else None
    for key in set(cell) - set(KEPT_OF_A_CELL):
        del cell[key]
    cell.metadata = NotebookNode()
    cell.source = str(cell.get("source", "")).encode("utf-8", "replace").decode()  # no half surrogate pairs
    if cell.get("cell_type") not in ("code", "markdown"):
        cell.cell_type = "markdown"
        if name is None:  # else it gets the type that it had
            cell.source = "".join(f"    {line}\n" for line in cell.source.splitlines())
    return name


LONG_ENOUGH = 80  # characters of a cell of words that may be an answer


def _answers_in_place(cells, names, stubs, given):
    """Return (cells, {name: the cell that counts}, what a person should know).

    Of a cell that was copied the last one counts that is not as it was handed out (`stubs`). Where an
    answer's own cell is untouched, the work may stand in one of the student's own, which defines the function
    or holds words right below it. The untouched cell goes then: it would undo the work when it runs.
    """
    places, spare, odd = {}, [], []
    free = [cell for cell, name in zip(cells, names) if name is None and cell.source.strip() not in given]
    for name in dict.fromkeys(filter(None, names)):
        same = [cell for cell, its in zip(cells, names) if its == name]
        worked = [cell for cell in same if cell.source.strip() != stubs.get(name)]
        if not worked and (elsewhere := _work_elsewhere(name, same[-1], cells, names, free)):
            worked = [elsewhere]
        elif not worked and same[-1].cell_type == "markdown" and any(map(_is_long, free)):
            odd.append(f"nothing stands in {name}, but words in other cells")
        places[name] = (worked or same)[-1]
        if worked and name in stubs:
            spare += [id(cell) for cell in same if cell.source.strip() == stubs[name]]
    return [cell for cell in cells if id(cell) not in spare], places, odd


def _work_elsewhere(name, stub, cells, names, free):
    """Return the cell of the student's own that holds an answer whose cell is untouched, or None."""
    if stub.cell_type == "code":
        return next((c for c in reversed(free) if c.cell_type == "code" and defining(name)(c.source)), None)
    place = next(n for n, cell in enumerate(cells) if cell is stub) + 1
    below = itertools.takewhile(lambda n: names[n] is None, range(place, len(cells)))
    own = {id(cell) for cell in free if cell.cell_type == "markdown"}
    return next((cells[n] for n in below if id(cells[n]) in own and cells[n].source.strip()), None)


def _is_long(cell):
    return cell.cell_type == "markdown" and (len(cell.source) > LONG_ENOUGH or "attachments" in cell)


def defining(name):
    """Return what finds in code the definition of a name."""
    return re.compile(rf"^(?:def {name}\b|{name} *=)", re.MULTILINE).search


def _neutralise(cell, most):
    """Leave of a cell of words nothing that runs, and at most so many characters."""
    text, attachments = with_attachments(cell.source, cell.pop("attachments", None))
    attachments = inert_attachments(attachments)
    if cell.cell_type == "markdown":
        names = {
            name: f"picture{n}" for n, name in enumerate(attachments)
        }  # plain ones, which nbconvert finds
        cell.source = inert_markdown(text, names, most)
        if attachments:
            cell.attachments = {names[name]: data for name, data in attachments.items()}


class MarkSubmission(NbGraderPreprocessor):
    """Run the student's cells in a kernel of their own, and every test outside of it."""

    unprotected = Bool(False, help="run students' code without a sandbox").tag(config=True)
    seconds_a_cell = Float(SECONDS_A_CELL, help="how long a cell may take").tag(config=True)
    seconds_a_test = Float(SECONDS_A_TEST, help="how long a function may take in a test").tag(config=True)
    seconds = Float(SECONDS_A_NOTEBOOK, help="how long a whole notebook may take").tag(config=True)
    secret_file = Unicode(help="a file with the secret that determines the tests' numbers").tag(config=True)

    def preprocess(self, nb, resources):
        """Execute the notebook's cells, and mark its tests."""
        if not self.unprotected:
            bubblewrap()  # or say why not
        secret = Path(self.secret_file).read_text(encoding="utf-8").strip()
        assignment = resources["nbgrader"]["assignment"]
        limits = {name: getattr(self, name) for name in ("seconds_a_cell", "seconds_a_test", "seconds")}
        with (
            waiting(),
            Kernel(
                package_for(assignment),
                package.DATA,
                protected=not self.unprotected,
                **limits,
            ) as kernel,
        ):
            for cell in nb.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
                    with contextlib.suppress(KernelEndedError):
                        self._run(cell, kernel, secret, assignment)
            ended = kernel.ended
        for cell in nb.cells:
            if is_test(cell) and not cell.outputs:
                said = f"this test could not run: {ended}"
                cell.outputs = [new_output("error", ename="NotRun", evalue=said, traceback=[said])]
        source = Path(self.secret_file).parent / "source" / assignment / f"{assignment}.ipynb"
        nb.cells = list(with_models(nb.cells, model_answers(source)))
        if ended:
            nb.metadata["grading"] = nb.metadata.get("grading", {}) | {"ended": ended}
        return nb, resources

    @staticmethod
    def _run(cell, kernel, secret, assignment):
        if not is_test(cell):
            cell.outputs = kernel.run(cell.source) if cell.source.strip() else []
            return
        marks = cell.metadata["nbgrader"]
        kernel.remarks.clear()
        try:
            result = mark(marks["grade_id"], kernel, secret, assignment)
        except KernelEndedError:
            raise
        except Exception as error:  # a slip of ours, which is to cost one test, and to be told
            kernel.remarks.insert(
                0, f"{marks['grade_id']} broke down itself ({type(error).__name__}: {error})"
            )
            result = Mark(0, "this test broke down; your teacher has been told")
        if kernel.ended:  # in the middle of a test
            raise KernelEndedError(kernel.ended)
        noted = dict(result.noted)
        if kernel.remarks and result.earned < 1:
            noted["odd"] = kernel.remarks[0]
        if "parts" in noted:
            noted["parts"] = {
                part: [round(share * marks["points"], 3) for share in shares] + [lacks]
                for part, (*shares, lacks) in noted["parts"].items()
            }
        cell.metadata["mark"] = noted
        cell.outputs = list(shown(result, noted.get("parts", {}), marks["points"]))


def is_test(cell):
    """Whether a cell's points are given by a test."""
    return cell.cell_type == "code" and is_grade(cell) and is_locked(cell)


def shown(result, parts, points):
    """Yield a mark as a notebook's outputs: nbgrader reads an error as no points, a number as so many."""
    text = str(result.said)
    if not result.earned:
        yield new_output("error", ename="Wrong", evalue=text, traceback=[text])
        return
    html = {"text/html": result.said._repr_html_()} if hasattr(result.said, "_repr_html_") else {}
    yield new_output("display_data", data={"text/plain": text, **html})
    if result.earned < 1:
        lines = [
            f"{part}: {got:g} of {most:g}" + (f"; it fails for {', '.join(lacks)}" if lacks else "")
            for part, (got, most, lacks) in parts.items()
        ]
        yield new_output("stream", name="stdout", text="\n".join([*lines, f"points, of {points:g}:"]))
        got = f"{points * result.earned:.4g}"
        yield new_output("execute_result", data={"text/plain": got}, execution_count=None)


class WithoutModel(Preprocessor):
    """Leave the model answers out of what students get back."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb, resources):
        """Remove the cells that only teachers see."""
        nb.cells = [cell for cell in nb.cells if not cell.metadata.get("model")]
        return nb, resources


@cache
def model_answers(source):
    """Return {name of the cell: model answer and rubric} of a problem set's source."""
    return {name: cell.source for name, cell in named_cells(source).items() if cell.cell_type == "markdown"}


@cache
def given_texts(source):
    """Return the texts of a problem set that are in cells without a name."""
    cells = nbformat.read(source, as_version=4).cells
    return {cell.source.strip() for cell in cells if "nbgrader" not in cell.metadata}


@cache
def named_cells(source):
    """Return {name of the cell: cell} of a problem set's source."""
    cells = nbformat.read(source, as_version=4).cells
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in cells if "nbgrader" in cell.metadata}


def with_models(cells, models):
    """Yield cells, and after each answer that a person marks the model answer."""
    for cell in cells:
        yield cell
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.cell_type == "markdown" and name in models:
            text = BESIDE.format(
                f"**Model answer, for whoever marks** (not in the feedback)\n\n{models[name]}"
            )
            yield new_markdown_cell(text, metadata={"model": True})


@cache
def package_for(assignment):
    """Return the folder with the lessons' package for a problem set; it is made once a run."""
    folder = tempfile.mkdtemp(prefix="package-")
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tasks = [task for task in TASKS.values() if task.lesson == assignment]
    package.make(folder, tasks)
    with contextlib.suppress(NoSandboxError):
        package.compile_once(folder)
    return folder
