"""Whose notebook a file of a learning platform's archive is, by its name."""

import json
import re
from pathlib import Path

from nbgrader.plugins.zipcollect import FileNameCollectorPlugin

#: Moodle: "Ada Lovelace_123_assignsubmission_file_/ps1.ipynb", or the same without the slash.
#: Canvas: "lovelaceada_LATE_123_456_ps1-1.ipynb".
PLATFORMS = {
    "moodle": r"(?P<who>[^/\\]+?)_(?P<number>\d+)_assignsubmission_file_?[/\\]?(?P<file>[^/\\]+)\.ipynb",
    "canvas": r"(?P<who>[^/\\_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<file>[^/\\]+)\.ipynb",
}
COPY = re.compile(r"([ _-]+\(?\d+\)?|\(\d+\))$")  # what is appended to a name that is there already


def owner(path):
    """Return (platform, full name, the platform's number, file name) of a file; None if none made it."""
    for platform, pattern in PLATFORMS.items():
        if match := re.search(rf"(?:^|[/\\]){pattern}$", str(path)):
            return platform, match["who"], match["number"], match["file"]
    return None


def plain(name):
    """Return a student's name as that of a folder."""
    return re.sub(r"[^\w.@-]+", "-", name).strip("-")


class Collector(FileNameCollectorPlugin):
    """Tells nbgrader whose a file is: students by their full names, a notebook "ps1 (1)" as ps1."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seen = {}  # by student: the platform, the full name, the platform's number

    def collect(self, submitted_file):
        """Return the student and the name of the notebook; None for any other file."""
        found = owner(submitted_file)
        if found is None:
            return None
        *who, file = found
        student = plain(who[1])
        if self.seen.get(student, who) != who:  # another of the same name
            student = f"{student}-{who[2]}"
        self.seen[student] = who
        return {"student_id": student, "file_id": COPY.sub("", file)}


def remember(course, name, seen):
    """Keep who handed in what by which platform, for the tables that go back there."""
    path = Path(course, "downloaded", name, "students.json")
    path.write_text(json.dumps(collected(course, name) | seen, indent=1), encoding="utf-8")


def collected(course, name):
    """Return {student: [platform, full name, number]} of what was collected from archives."""
    path = Path(course, "downloaded", name, "students.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
