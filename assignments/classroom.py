"""What grading in this course adds to nbgrader: limits, repairs, and a look for code that tampers.

Two steps of ``nbgrader autograde`` are replaced:

- `RestoreCells`: the cells that are not the student's (set-up, tests) come back as they were handed out,
  wherever they were edited, retyped, marked otherwise or deleted.
- `ExecuteWithLimits`: the kernel has a limit of memory and of processor time. If it dies, or hangs for good,
  the cells that had not run earn nothing and the others keep what they earned; plain nbgrader would leave the
  whole submission ungraded. Code that changes the checker or the interpreter instead of solving the task gets
  no automatic points; the feedback says which line, and a person decides.

None of this makes strangers' code safe to run: see README.md, "Grading runs other people's code".
"""

import ast
import os
import re
import sys

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from nbgrader.preprocessors.execute import UnresponsiveKernelError
from traitlets import Integer

SECONDS_A_CELL = 30
SECONDS_LONGEST_CELL = 120  # training, in ps5
MEGABYTES = 3072  # of address space, of which NumPy's and the kernel's libraries take about one
SECONDS_OF_PROCESSOR = 600  # of a whole notebook

REACHES_FOR_THE_GRADER = {
    "assert_ok": "the checker's own method",
    "sys.modules": "the table of loaded modules",
    "get_ipython": "the interpreter",
    "_exit": "the process",
    "_getframe": "the caller's variables",
    "__globals__": "the globals of a function",
    "__builtins__": "the built-in functions",
    "__code__": "the code of a function",
    "__dict__": "attributes by name",
    "vars": "attributes by name",
    "setattr": "attributes by name",
    "get_objects": "all objects of the process",
    "settrace": "the interpreter",
    "NBGRADER_EXECUTION": "how it is being run",
}


def configure(c):
    """Write the course's rules into nbgrader's configuration."""
    c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
    c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
    c.Execute.timeout = SECONDS_A_CELL
    c.Execute.error_on_timeout = {
        "ename": "TimeoutError",
        "evalue": "stopped: the cell took longer than its limit; is there a loop that does not end?",
        "traceback": [
            "TimeoutError: stopped: the cell took longer than its limit; is there a loop that does not end?"
        ],
    }
    c.LimitOutput.max_lines = 200
    c.OverwriteCells.add_missing_cells = True
    c.Autograde.sanitize_preprocessors = [
        ClearOutput,
        DeduplicateIds,
        OverwriteKernelspec,
        RestoreCells,
        CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        ExecuteWithLimits,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]


class RestoreCells(OverwriteCells):
    """Give every cell of the course its place, type, source and mark back."""

    def preprocess(self, nb, resources):
        """Restore the notebook; see `OverwriteCells`."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            source = gradebook.find_notebook(names["notebook"], names["assignment"])
            graded, answers = {c.name for c in source.grade_cells}, {c.name for c in source.solution_cells}
            locked = {cell.name: cell.locked for cell in source.source_cells}
            points = {cell.name: cell.max_score for cell in source.grade_cells}
        for cell in nb.cells:
            marks = cell.metadata.get("nbgrader")
            if not isinstance(marks, dict) or marks.get("grade_id") not in locked:
                cell.metadata.pop("nbgrader", None)  # a cell of the student's own
                continue
            name = marks["grade_id"]
            cell.metadata["nbgrader"] = {
                "grade_id": name,
                "grade": name in graded,
                "solution": name in answers,
                "locked": locked[name],
                "task": False,
                "schema_version": 3,
                **({"points": points[name]} if name in graded else {}),
            }
        return super().preprocess(nb, resources)

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
                self.log.warning("cell %s was missing and is back", cell.name)
            before.append(cell.name)
        return nb, resources


class ExecuteWithLimits(Execute):
    """Run the notebook in a kernel with limits; what could not run earns nothing."""

    megabytes = Integer(MEGABYTES, help="address space of the kernel that runs a submission").tag(config=True)
    processor_seconds = Integer(SECONDS_OF_PROCESSOR, help="processor time of one notebook").tag(config=True)
    longest_cell = Integer(SECONDS_LONGEST_CELL, help="for cells tagged `long`, in seconds").tag(config=True)

    def preprocess(self, nb, resources, **options):
        """Execute all cells; see `Execute`."""
        reached = list(reaches_for_the_grader(nb))
        self.timeout_func = lambda cell: (
            self.longest_cell if "long" in cell.metadata.get("tags", ()) else self.timeout
        )
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.execution_count = None
        try:
            nb, resources = super().preprocess(nb, resources, **options)
        except (DeadKernelError, UnresponsiveKernelError, CellTimeoutError) as error:
            self.log.warning("the kernel did not live to the end: %s", error)
        for cell in nb.cells:
            if cell.cell_type != "code" or not _is_test(cell):
                continue
            if reached:
                _fail(
                    cell,
                    "HeldBack",
                    "no automatic points: " + "; ".join(reached) + ". A person will look at it.",
                )
            elif cell.execution_count is None:
                _fail(cell, "NotRun", "an earlier cell ended or hung the kernel, so this test could not run")
        return nb, resources

    async def async_start_new_kernel(self, **options):
        """Start the kernel with its limits, so that they hold for nothing else."""
        if os.name == "posix":
            options["preexec_fn"] = self._limit
        await super().async_start_new_kernel(**options)

    # nbclient made its own of these two when its class was made, with its own asynchronous method inside.
    start_new_kernel = run_sync(async_start_new_kernel)

    def _limit(self):
        import resource

        if sys.platform != "darwin":  # macOS does not enforce it
            _lower(resource.RLIMIT_AS, self.megabytes * 2**20)
        _lower(resource.RLIMIT_CPU, self.processor_seconds)
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_FSIZE, 200 * 2**20)


def _lower(limit, value):
    import resource

    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _is_test(cell):
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade", False) and marks.get("locked", False)


def _fail(cell, name, text):
    cell.outputs = [new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])]


def reaches_for_the_grader(nb):
    """Yield, in words, each line of the student's code that changes the checker or the interpreter.

    This finds what an honest answer never needs. It is a trip wire, not a wall.
    """
    for number, cell in enumerate(nb.cells):
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("locked", False):
            continue
        for line, what in _suspects(cell.source):
            yield f"cell {number + 1}, line {line} reaches for {what}"


def _suspects(source):
    for line, text in enumerate(source.splitlines(), start=1):
        if re.match(r"\s*(!|%%?(bash|sh|script|system|sx|reset)\b)", text):
            yield line, "the system's shell"
    # Magics are no Python; what is left must parse, or it would not run either.
    plain = re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        return
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names}
    imported |= {"check", "np", "sys", "os", "builtins"}
    for node in ast.walk(tree):
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del)
        if stored and _root(node) in imported:
            yield node.lineno, f"`{ast.unparse(node)}`, which belongs to a module"
        name = (
            node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        )
        if name in REACHES_FOR_THE_GRADER:
            yield node.lineno, f"`{name}`, {REACHES_FOR_THE_GRADER[name]}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in REACHES_FOR_THE_GRADER:
            yield node.lineno, f"`{ast.unparse(node)}`, {REACHES_FOR_THE_GRADER[ast.unparse(node)]}"
        elif isinstance(node, ast.Constant) and node.value in ("NBGRADER_EXECUTION", "assert_ok"):
            yield node.lineno, f"`{node.value}`, {REACHES_FOR_THE_GRADER[node.value]}"


def _root(node):
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
