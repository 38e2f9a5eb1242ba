"""What a learning platform's archive holds: whose each file is, by its name, and the notebooks among them."""

import json
import re
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

LARGEST_NOTEBOOK = 50 * 2**20  # bytes

#: Moodle: "Ada Lovelace_123_assignsubmission_file_/ps1.ipynb", or the same without the slash.
#: Canvas: "lovelaceada_LATE_123_456_ps1-1.ipynb".
MOODLES_FOLDER = r"(?P<who>.+)_(?P<number>\d+)_assignsubmission_[a-z]+_?"
FILES = {
    "moodle": r"(?P<who>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<file>.+)",
    "canvas": r"(?P<who>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)",
}
COPY = re.compile(r"([ _-]+\(?\d+\)?|\(\d+\))$")  # what is appended to a name that is there already


def owner(path):
    """Return (platform, full name, the platform's number, file name) of a file; None if none made it.

    Only what the platform wrote counts, the first part of the path: the rest is the student's.
    """
    first, *rest = PurePosixPath(path).parts or ("",)
    if rest:
        found = re.fullmatch(MOODLES_FOLDER, first)
        return ("moodle", found["who"], found["number"], rest[-1]) if found else None
    for platform, pattern in FILES.items():
        if found := re.fullmatch(pattern, first):
            return platform, found["who"], found["number"], found["file"]
    return None


def plain(name):
    """Return a student's name as that of a folder."""
    return re.sub(r"[^\w.@-]+", "-", unicodedata.normalize("NFC", name)).strip("-.")[:80]


def unpack(archive, course, name):
    """Put the notebooks of an archive into submitted/, students by their full names.

    Returns {student: why not} of those whose files hold no notebook, and remarks on the others. Who handed in
    what by which platform is kept, for the tables that go back there.
    """
    known = collected(course, name)
    refused, remarks = {}, []
    with zipfile.ZipFile(archive) as file:
        for who, members in _by_owner(file).items():
            student = _student(who, known)
            if student not in (plain(who[1]), who[2]):
                remarks.append(
                    f"{student} has the name of another student: told apart by the platform's number"
                )
            notebooks = {member: _stem(own) for member, own in members if own.lower().endswith(".ipynb")}
            chosen = [member for member, stem in notebooks.items() if stem == name] or list(notebooks)
            if not chosen:
                refused[student] = "no notebook, but " + ", ".join(own for _, own in members[:3])
                continue
            newest = max(chosen, key=lambda member: member.date_time)
            own = dict(members)
            stem = notebooks[newest]
            if len(chosen) > 1:
                remarks.append(f"{student} handed in {len(chosen)} notebooks; the newest of them is taken")
            if others := [its for member, its in members if member not in chosen and not its.startswith(".")]:
                remarks.append(f"{student} also handed in {', '.join(others[:3])}: not looked at")
            if stem != name and not Path(course, "source", stem).is_dir():  # it is no other set's
                remarks.append(f"{student} handed in {own[newest]}: taken as {name}.ipynb")
                stem = name
            place = Path(course, "submitted", student, name)
            place.mkdir(parents=True, exist_ok=True)
            for earlier in place.glob("*.ipynb"):
                earlier.unlink()  # it counts no more
            with file.open(newest) as content:  # larger ones are refused by their size, cut or not
                (place / f"{stem}.ipynb").write_bytes(content.read(LARGEST_NOTEBOOK + 1))
    path = Path(course, "downloaded", name, "students.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return refused, remarks


def _by_owner(file):
    """Return the archive's members with the names that students gave them, by (platform, name, number)."""
    members = [member for member in file.infolist() if not member.is_dir()]
    around = {PurePosixPath(member.filename).parts[:1] for member in members} - {("__MACOSX",)}
    packed = len(around) == 1 and not re.fullmatch(MOODLES_FOLDER, "".join(*around))  # by the teacher, again
    found = {}
    for member in members:
        path = PurePosixPath(member.filename)
        whose = owner(PurePosixPath(*path.parts[1:]) if packed and len(path.parts) > 1 else path)
        if whose is not None:
            found.setdefault(whose[:3], []).append((member, whose[3]))
    return found


def _student(who, known):
    """Return the name of a student's folder, which is `known` from now on."""
    for student, earlier in known.items():
        if tuple(earlier) == who:
            return student
    student = plain(who[1]) or who[2]
    if student.casefold() in map(str.casefold, known):  # another of the same name
        student = f"{student}-{who[2]}"
    known[student] = list(who)
    return student


def _stem(file):
    """Return the name of a notebook's file, without its ending and what marks a copy."""
    stem = COPY.sub("", file[: -len(".ipynb")])
    return plain(stem) or "notebook"


def collected(course, name):
    """Return {student: [platform, full name, number]} of what was collected from archives."""
    path = Path(course, "downloaded", name, "students.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
