"""Tables for spreadsheets and learning platforms: grades, points by part, questions, challenges."""

import csv
from html import escape

FORMULAS = tuple("=+-@＝＋－＠")  # the wide ones are read alike
NOT_YET = ""  # the grade of who has no whole one: something waits for a person


def write(path, rows, marked=True):
    """Write rows as CSV; `marked` with the byte order mark that spreadsheets need, and platforms do not."""
    with path.open("w", newline="", encoding="utf-8-sig" if marked else "utf-8") as file:
        csv.writer(file).writerows([_plain(value) for value in row] for row in rows)
    return path


def _plain(value):
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"'{value}" if isinstance(value, str) and value.lstrip()[:1] in FORMULAS else value


def moodle(found, people):
    """Return the rows of Moodle's grading worksheet: Assignment, Actions, Upload grading worksheet.

    Moodle knows a participant by the number in the archive's names, which is another one in each assignment;
    who was not collected from its archive is known by the roster's `lms_user_id`.
    """
    yield (
        *("Identifier", "Full name", "Email address", "Grade", "Maximum Grade"),
        *("Last modified (grade)", "Feedback comments"),
    )
    for student, result in found.items():
        person = people[student]
        number = person.number or ""
        participant = f"Participant {number}" if number else ""
        never = "Never"  # when Moodle's grade was changed; it takes it for "long ago"
        said = escape(result.why, quote=False)  # Moodle reads it as HTML
        yield participant, person.name, person.email, result.grade, result.full, never, said


def canvas(title, found, people):
    """Return the rows of Canvas's gradebook: Gradebook, Import; a new name makes a new assignment."""
    full = max((result.full for result in found.values()), default=0)
    yield "Student", "ID", "SIS User ID", "SIS Login ID", "Section", title
    yield "    Points Possible", "", "", "", "", full
    for student, result in found.items():
        person = people[student]
        yield person.name, person.number or "", "", student, "", result.grade


def points(found):
    """Return the rows of a table with a column for each test."""
    tests = list(dict.fromkeys(test for result in found.values() for test in result.by_cell))
    yield "student", *tests, "automatic points", "of automatic", "all points", "of all"
    for student, result in found.items():
        each = [result.by_cell.get(test, "") for test in tests]
        yield student, *each, result.points, result.most, result.grade, result.full


def parts(marks):
    """Return the rows of a table with a line for each part of each test; `marks` are by student and test."""
    yield "student", "test", "part", "points", "of", "fails"
    for student, tests in marks.items():
        for test, mark in tests.items():
            for part, (got, most, failed) in mark.get("parts", {}).items():
                yield student, test, part, got, most, "; ".join(failed)


def challenge(marks):
    """Return the rows of the ranking, best first: the smaller number is the better one."""
    ranked = sorted(
        (mark["number"], student, mark["unit"])
        for student, tests in marks.items()
        for mark in tests.values()
        if mark.get("number") is not None
    )
    yield "place", "student", "number", "unit"
    place = 0
    for count, (number, student, unit) in enumerate(ranked, 1):
        if count == 1 or number > ranked[count - 2][0]:
            place = count
        yield place, student, number, unit


def questions(marks, tests, key):
    """Return the rows of a table of a concept test: how many chose which option, and what that tells.

    `key` says of a question and a letter whether it is right, and what mistake a wrong one is.
    """
    yield "question", "letter", "students", "right", "mistake"
    for test in tests:
        given = [student[test].get("letter") or "" for student in marks.values() if test in student]
        for letter in (*"abcd", ""):
            right, mistake = key(test, letter) if letter else (False, "(left blank)")
            yield test.removesuffix("_visible"), letter, given.count(letter), int(right), mistake


def gains(before, after, order):
    """Return the rows of a table of gains: of each student with both tests, then of each question.

    Parameters
    ----------
    before, after : dict
        By student and question: whether it is right, None for a blank.
    order : list
        The questions.
    """
    yield "who or what", "right before", "blank before", "right after", "blank after", "of", "gain"
    both = [student for student in before if student in after]
    for student in both:
        answers = [before[student].get(q) for q in order], [after[student].get(q) for q in order]
        yield student, *_counted(*answers)
    for question in order:
        answers = [before[s].get(question) for s in both], [after[s].get(question) for s in both]
        yield question, *_counted(*answers)
    everything = ([table[s].get(q) for s in both for q in order] for table in (before, after))
    yield "all", *_counted(*everything)


def _counted(before, after):
    right = [sum(answer is True for answer in answers) for answers in (before, after)]
    blank = [sum(answer is None for answer in answers) for answers in (before, after)]
    change = gain(right[0], right[1], len(before))
    return right[0], blank[0], right[1], blank[1], len(before), "" if change is None else round(change, 3)


def gain(before, after, most):
    """Return the normalised change: the share of what could be gained, or minus that of what could be lost.

    As Marx and Cummings have it (American Journal of Physics 75, 87, 2007). None where nothing could change
    in the direction in which it did not: all right both times, or none.
    """
    if before == after:
        return None if before in (0, most) else 0.0
    return (after - before) / (most - before) if after > before else (after - before) / before
