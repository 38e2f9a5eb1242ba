"""What a class got, and what it got wrong: read from the gradebook and the graded notebooks."""

from collections import Counter, defaultdict
from html import escape
from typing import NamedTuple

import nbformat
from tasks import concepts
from tasks.readings import READINGS

from backprop_helpers.checking.misconceptions import misconceptions

from . import tables
from .collecting import collected
from .marks import TASKS


class Result(NamedTuple):
    """What came of a submission.

    Attributes
    ----------
    points, most : float
        Automatic ones.
    grade, full : float
        All of them; the grade is `tables.NOT_YET` while something waits for a person.
    to_mark : int
        Answers that a person has to mark.
    why : str
        What a person should look at; empty if nothing.
    by_cell : dict
        The automatic points by the name of the test.
    """

    points: float
    most: float
    grade: float
    full: float
    to_mark: int
    why: str
    by_cell: dict


class Person(NamedTuple):
    """How a learning platform knows a student."""

    name: str
    email: str
    number: str


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
            to_mark = sum(g.needs_manual_grade for g in grades)
            found[student] = Result(
                sum(points or 0 for points in automatic.values()),
                sum(g.max_score for g in grades if g.cell.cell_type == "code"),
                tables.NOT_YET if to_mark else submission.score - (submission.late_submission_penalty or 0),
                submission.max_score,
                to_mark,
                "; ".join(_odd(notebook)),
                automatic,
            )
    return dict(sorted(found.items()))


def _odd(notebook):
    """Return what a person should look at: what went wrong elsewhere than in an answer."""
    about = notebook.metadata.get("grading", {})
    tests = dict.fromkeys(cell.metadata.get("mark", {}).get("odd", "") for cell in notebook.cells)
    odd = [text for text in (about.get("ended", ""), about.get("odd", ""), *tests) if text]
    return odd if len(odd) <= 3 else [*odd[:3], f"and {len(odd) - 3} more"]


def people(api, course, name, students):
    """Return the `Person` of each student: from the roster, and from the archive that was collected."""
    known, found = collected(course, name), {}
    with api.gradebook as gradebook:
        for student in students:
            entry = gradebook.find_student(student)
            _, full_name, number = known.get(student, ("", "", ""))
            roster = ", ".join(filter(None, (entry.last_name, entry.first_name)))
            found[student] = Person(
                full_name or roster or student, entry.email or "", number or entry.lms_user_id or ""
            )
    return found


def graded_notebook(course, name, student):
    """Return a submission's graded notebook; None if there is none."""
    path = course / "autograded" / student / name / f"{name}.ipynb"
    return nbformat.read(path, as_version=4) if path.is_file() else None


def marks(course, name, students):
    """Return what the tests noted: by student and name of the test."""
    return {
        student: {
            cell.metadata["nbgrader"]["grade_id"]: cell.metadata["mark"]
            for cell in graded_notebook(course, name, student).cells
            if "mark" in cell.metadata
        }
        for student in students
    }


def report(api, course, name):
    """Write the class's points, mistakes, and tables for learning platforms; return the files' paths."""
    found = results(api, course, name)
    who = people(api, course, name, found)
    noted = marks(course, name, found)
    folder = course / "reports"
    folder.mkdir(exist_ok=True)

    def at(what):
        return folder / f"{name}_{what}"

    mistakes = counted(noted)
    ranking = list(tables.challenge(noted))
    written = [
        tables.write(at("points.csv"), tables.points(found)),
        tables.write(at("parts.csv"), tables.parts(noted)),
        tables.write(at("mistakes.csv"), [HEAD, *mistakes]),
        tables.write(at("moodle.csv"), tables.moodle(found, who), marked=False),
        tables.write(at("canvas.csv"), tables.canvas(TITLES.get(name, name), found, who), marked=False),
    ]
    if len(ranking) > 1:
        written.append(tables.write(at("challenge.csv"), ranking))
    if name in concepts.FORMS:
        tests = [f"{question}_visible" for question in concepts.ORDER]
        written.append(tables.write(at("questions.csv"), tables.questions(noted, tests, concepts.key(name))))
        written += gain(course, folder)
    at("mistakes.html").write_text(_page(name, found, mistakes, ranking), encoding="utf-8")
    return [*written, at("mistakes.html")]


HEAD = ["task", "mistake", "students", "what it is", "lesson, section to revisit"]


def counted(noted):
    """Return a row for each named mistake: how many students made it, what it is, and where to look."""
    found = defaultdict(lambda: defaultdict(set))
    for student, tests in noted.items():
        for test, mark in tests.items():
            for mistake in filter(None, [mark.get("diagnosis"), *mark.get("misread", ())]):
                found[test.rpartition("_")[0]][mistake].add(student)
    return [
        [task, mistake, len(students), *_told(task, mistake)]
        for task, by_mistake in found.items()
        for mistake, students in sorted(by_mistake.items(), key=lambda item: -len(item[1]))
    ]


def gain(course, folder):
    """Write what a class gained between the two forms of the concept test, if both are graded."""
    right = {}
    for form in concepts.FORMS:
        students = [path.parent.name for path in sorted((course / "autograded").glob(f"*/{form}"))]
        right[form] = {
            student: {
                test.removesuffix("_visible"): concepts.judged(form, test, mark.get("letter"))
                for test, mark in tests.items()
            }
            for student, tests in marks(course, form, students).items()
        }
    before, after = (right[form] for form in concepts.FORMS)
    if not before.keys() & after.keys():
        return []
    rows = tables.gains(before, after, concepts.ORDER)
    return [tables.write(folder / "concepts_gain.csv", rows)]


def _told(task, mistake):
    """Return what a mistake is, and where in the lessons the right way stands."""
    if task in READINGS:
        report = READINGS[task][int(mistake.split()[1]) - 1]
        return report.clue, report.lesson
    own = (
        next((s for s in TASKS[task].suspects if s.name == mistake and s.diagnosis), None)
        if task in TASKS
        else None
    )
    entry = own or misconceptions.get(mistake)
    lesson = TASKS[task].revisit if task in TASKS else concepts.LESSONS.get(task, "")
    return (entry.diagnosis if entry else "", lesson)


TITLES = {f"ps{number}": f"Problem set {number}" for number in range(1, 6)}


def _page(name, found, rows, ranking):
    counts = Counter(task for task, *_ in rows)
    mean = sum(r.points for r in found.values()) / max(1, len(found))
    most = max((r.most for r in found.values()), default=0)
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        f"<title>{escape(name)}: what the class got wrong</title>",
        "<style>body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em .2em "
        "0}</style>",
        f"<h1>{escape(name)}: what the class got wrong</h1>",
        f"<p>{len(found)} submissions, {mean:.1f} of {most:g} automatic points on average; "
        f"mistakes with a name in {len(counts)} tasks.</p>",
        _table(HEAD, rows),
    ]
    if len(ranking) > 1:
        parts += ["<h2>The open challenge</h2>", _table(ranking[0], ranking[1:])]
    return "".join(parts) + "</html>"


def _table(head, rows):
    def line(tag, row):
        return "<tr>" + "".join(f"<{tag}>{escape(_short(value))}</{tag}>" for value in row) + "</tr>"

    return f"<table>{line('th', head)}{''.join(line('td', row) for row in rows)}</table>"


def _short(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
