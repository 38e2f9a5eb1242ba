"""A submission's notebook as it is taken over: its texts, its pictures, and the names of its cells.

A stranger wrote the file: whatever else it holds stays where it is, and nothing but this reads it.
"""

import json
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .arrays import BadAnswerError, plain_file
from .collecting import LARGEST_NOTEBOOK

MOST_CELLS = 3000
LARGEST_CELL = 2**20  # characters


class UnusableError(Exception):
    """A submission that cannot be graded; with the reason, for the teacher."""


def found(folder, name):
    """Return the path of a submission's notebook.

    Raises
    ------
    UnusableError
        There is none, or it is no plain file.
    """
    path = Path(folder) / f"{name}.ipynb"
    if any(place.is_symlink() for place in (path, path.parent, path.parent.parent)):
        raise UnusableError("it is a link to somewhere else")
    if not path.is_file():
        others = ", ".join(sorted(other.name for other in path.parent.glob("*.ipynb"))[:3])
        raise UnusableError(f"there is no {path.name}" + (f", but {others}" if others else ""))
    return path


def taken(path):
    """Return a submission's notebook, made anew of what counts.

    Raises
    ------
    UnusableError
        It is too large, or no notebook.
    """
    try:
        loaded = json.loads(_text(path))
        if loaded["nbformat"] != 4:
            loaded = nbformat.convert(nbformat.from_dict(loaded), 4)
        cells = loaded["cells"]
    except UnusableError:
        raise
    except Exception as error:  # whatever it is, it is no notebook
        raise UnusableError(f"{path.name} is no notebook: {type(error).__name__}") from None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnusableError(f"{path.name} is no notebook: it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise UnusableError(f"{path.name} has {len(cells)} cells")
    return new_notebook(cells=[_cell(cell) for cell in cells])


def _text(path):
    try:
        content = plain_file(path, LARGEST_NOTEBOOK)
    except BadAnswerError as error:
        raise UnusableError(f"{path.name}: {error}") from None
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def _cell(cell):
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    kind, metadata = cell.get("cell_type"), {}
    if kind != "markdown":  # which may hold pictures, and is cut without them
        source = source[:LARGEST_CELL]
    source = source.encode("utf-8", "replace").decode()  # no half surrogate pairs
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    marks = cell.get("metadata", {})
    marks = marks.get("nbgrader") if isinstance(marks, dict) else None
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    if isinstance(name, str):
        metadata["nbgrader"] = {"grade_id": name, "schema_version": 3}
        metadata["nbgrader"] |= {"grade": False, "locked": False, "solution": False, "task": False}
    given = cell.get("id")
    identity = {"id": given} if isinstance(given, str) and re.fullmatch(r"[\w-]{1,64}", given, re.A) else {}
    if kind == "code":
        return new_code_cell(source, metadata=metadata, **identity)
    if kind != "markdown" and not metadata:  # raw, or something else
        source = "".join(f"    {line}\n" for line in source.splitlines())
    pictures = cell.get("attachments")
    more = {"attachments": pictures} if isinstance(pictures, dict) else {}
    return new_markdown_cell(source, metadata=metadata, **identity, **more)
