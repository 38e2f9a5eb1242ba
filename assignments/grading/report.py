"""Who got how many points, and what the class got wrong: read from the gradebook and the graded notebooks."""

import csv
from collections import Counter, defaultdict
from html import escape
from typing import NamedTuple

import nbformat

from backprop_helpers.checking.misconceptions import misconceptions

from .marks import TASKS


class Result(NamedTuple):
    """What came of a submission.

    Attributes
    ----------
    points, most : float
        Automatic ones.
    to_mark : int
        Answers that a person has to mark.
    why : str
        What a person should look at; empty if nothing.
    by_cell : dict
        The automatic points by the name of the test.
    """

    points: float
    most: float
    to_mark: int
    why: str
    by_cell: dict


def results(api, course, name):
    """Return the `Result` of each student whose submission of a problem set is graded."""
    found = {}
    with api.gradebook as gradebook:
        for submission in gradebook.assignment_submissions(name):
            student = submission.student.id
            notebook = graded_notebook(course, name, student)
            if notebook is None:
                continue
            grades = [grade for part in submission.notebooks for grade in part.grades]
            automatic = {g.name: g.auto_score for g in grades if g.cell.cell_type == "code"}
            found[student] = Result(
                sum(points or 0 for points in automatic.values()),
                sum(g.max_score for g in grades if g.cell.cell_type == "code"),
                sum(g.needs_manual_grade for g in grades),
                notebook.metadata.get("grading", {}).get("ended", ""),
                automatic,
            )
    return dict(sorted(found.items()))


def graded_notebook(course, name, student):
    """Return a submission's graded notebook; None if there is none."""
    path = course / "autograded" / student / name / f"{name}.ipynb"
    return nbformat.read(path, as_version=4) if path.is_file() else None


def mistakes(course, name, students):
    """Return for each task the students by the name of the mistake that was recognised in their answers."""
    found = defaultdict(lambda: defaultdict(set))
    for student in students:
        for cell in graded_notebook(course, name, student).cells:
            diagnosis = cell.metadata.get("mark", {}).get("diagnosis")
            if diagnosis:
                task = cell.metadata["nbgrader"]["grade_id"].rpartition("_")[0]
                found[task][diagnosis].add(student)
    return found


def report(api, course, name):
    """Write the class's points and mistakes, and return the paths of the files."""
    found = results(api, course, name)
    wrong = mistakes(course, name, found)
    folder = course / "reports"
    folder.mkdir(exist_ok=True)
    points, table, page = (
        folder / f"{name}_{what}" for what in ("points.csv", "mistakes.csv", "mistakes.html")
    )
    cells = list(dict.fromkeys(cell for result in found.values() for cell in result.by_cell))
    _write(
        points,
        ["student", *cells, "automatic points", "of"],
        [[s, *(r.by_cell.get(cell, "") for cell in cells), r.points, r.most] for s, r in found.items()],
    )
    rows = [
        [task, mistake, len(students), *_told(task, mistake)]
        for task, by_mistake in wrong.items()
        for mistake, students in sorted(by_mistake.items(), key=lambda item: -len(item[1]))
    ]
    _write(table, ["task", "mistake", "students", "what it is", "lesson to revisit"], rows)
    page.write_text(_page(name, found, rows), encoding="utf-8")
    return points, table, page


def _write(path, head, rows):
    with path.open("w", newline="", encoding="utf-8-sig") as file:  # spreadsheets need the mark
        csv.writer(file).writerows([head, *([_plain(value) for value in row] for row in rows)])


def _plain(value):
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _told(task, mistake):
    """Return what a mistake is, and the lesson where the right way stands."""
    own = (
        next((s for s in TASKS[task].suspects if s.name == mistake and s.diagnosis), None)
        if task in TASKS
        else None
    )
    entry = own or misconceptions.get(mistake)
    return (entry.diagnosis if entry else "", LESSONS.get(task, ""))


#: The lessons that derive what a task transfers.
LESSONS = {
    "central_difference": "01",
    "relative_error": "01",
    "scaled_fc_backward": "02",
    "skip_backward": "00 and 02",
    "prelu_backward": "03",
    "temperature_softmax_backward": "04",
    "smoothed_cross_entropy_backward": "04",
    "weighted_cross_entropy_backward": "04",
    "sequence_forward": "05",
    "sequence_weights_backward": "06",
    "sequence_input_backward": "07",
    "causal_input_backward": "07",
    "depthwise_backward": "08",
    "l2_pool_backward": "09",
    "global_average_backward": "09",
    "upsample_backward": "09",
    "momentum_step": "11",
    "network_gradients": "10",
    "most_confident_mistakes": "11",
}


def _page(name, found, rows):
    counts = Counter(task for task, *_ in rows)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows
    )
    mean = sum(r.points for r in found.values()) / max(1, len(found))
    most = max((r.most for r in found.values()), default=0)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(name)}: what the class got wrong</title>'
        "<style>body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em .2em 0}</style>"
        f"<h1>{escape(name)}: what the class got wrong</h1>"
        f"<p>{len(found)} submissions, {mean:.1f} of {most:g} automatic points on average; "
        f"mistakes with a name in {len(counts)} tasks.</p>"
        "<table><tr><th>task</th><th>mistake</th><th>students</th><th>what it is</th>"
        "<th>lesson to revisit</th></tr>"
        f"{lines}</table>"
    )
