"""The one form in which a lesson is kept: what a re-run may not change is all that the file holds.

``normalise`` changes a notebook in memory, ``as_text`` gives the text of its file. Neither runs anything.
"""

import base64
import hashlib
import re
import struct

import nbformat

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {"name": "python", "pygments_lexer": "ipython3"}

# What an author says about a cell; everything else in its metadata comes from editors and from running it.
CELL_METADATA = (
    "tags",
    "reason",
    "misconception",
    "jupyter",
    "editable",
    "deletable",
    "nbgrader",
    "slideshow",
    "format",
)
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# The rules by which nbval reads a terminal's text; with other rules the stored text would not compare equal.
BACKSPACE = re.compile(r"[^\n]\x08")
CARRIAGE_RETURN = re.compile(r"^.*\r(?=[^\n])", re.MULTILINE)

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COMMENTS = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")


def normalise(notebook):
    """Bring ``notebook`` into the kept form, in place, and return it."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    # Nothing runs an empty code cell, so it would be the one cell without a number.
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type != "code" or cell.source.strip()]
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = normalised_metadata(cell.metadata)
        if not cell.get("attachments"):
            cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = normalised_outputs(cell.outputs, cell.execution_count)
    set_ids(notebook.cells)
    return notebook


def as_text(notebook):
    """Return the text of the file that keeps ``notebook``."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def normalised_metadata(metadata):
    """Keep what an author wrote, and each tag once."""
    kept = {key: metadata[key] for key in CELL_METADATA if metadata.get(key) not in (None, [], {}, "")}
    if "tags" in kept:
        kept["tags"] = list(dict.fromkeys(kept["tags"]))
    if kept.get("jupyter", {}).get("outputs_hidden"):
        kept["collapsed"] = True  # JupyterLab would add it when it opens the file
    return nbformat.from_dict(kept)


def set_ids(cells):
    """Keep every valid cell id; give the others one that follows from the cell's text."""
    taken = set()
    without = []
    for cell in cells:
        if CELL_ID.fullmatch(cell.get("id") or "") and cell.id not in taken:
            taken.add(cell.id)
        else:
            without.append(cell)
    for cell in without:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        cell.id, repeat = digest, 1
        while cell.id in taken:
            repeat += 1
            cell.id = f"{digest}-{repeat}"
        taken.add(cell.id)


def normalised_outputs(outputs, execution_count):
    """Join streams, keep the final state of progress bars, drop widget views and comments in pictures."""
    joined = []
    for output in outputs:
        previous = joined[-1] if joined else None
        if output.output_type == "stream":
            if previous is not None and previous.output_type == "stream" and previous.name == output.name:
                previous.text += output.text
                continue
        elif output.output_type in ("display_data", "execute_result"):
            output = normalised_display(output, execution_count)
            if not output.data:
                continue
        joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = final_text(output.text)
    return [output for output in joined if output.output_type != "stream" or output.text]


def final_text(text):
    """Return what a terminal shows in the end of ``text`` with carriage returns and backspaces."""
    before = None
    while before != text:
        before, text = text, BACKSPACE.sub("", text)
    return CARRIAGE_RETURN.sub("", text)


def normalised_display(output, execution_count):
    """Drop the widget view (its model is gone), an SVG beside a PNG, and the comments inside a PNG."""
    data = output.data
    # Without its saved state a widget view is an error message; the text beside it is what can be read.
    data.pop(WIDGET_VIEW, None)
    if "image/png" in data:
        data.pop("image/svg+xml", None)
        data["image/png"] = plain_png(data["image/png"])
    sizes = {kind: value for kind, value in output.metadata.items() if kind in data}
    output.metadata = nbformat.from_dict(sizes)
    if output.output_type == "execute_result":
        output.execution_count = execution_count
    return output


def plain_png(encoded):
    """Return a base64 PNG without its comments, such as the name and version of the program that drew it."""
    png = base64.b64decode(encoded)
    if not png.startswith(PNG_SIGNATURE):
        return encoded
    kept, at = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        end = at + 12 + length  # length, name, the content, checksum
        if png[at + 4 : at + 8] not in PNG_COMMENTS:
            kept.append(png[at:end])
        at = end
    return base64.b64encode(b"".join(kept)).decode("ascii")
