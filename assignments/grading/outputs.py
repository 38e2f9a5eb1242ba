"""What a submission shows and writes, made inert: text, pictures, and markdown in which nothing runs."""

import base64
import io
import math
import re
from urllib.parse import unquote

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_output
from PIL import Image

CHARACTERS = 20_000  # of a cell's text; the rest is left out
CHARACTERS_A_NOTEBOOK = 1_000_000
PICTURES = 10  # of a cell
PICTURES_A_NOTEBOOK = 20 * 2**20  # characters, in base64
LARGEST_PICTURE = 3 * 2**20  # characters, in base64
LARGEST_PHOTOGRAPH = 2**24  # characters: a derivation by hand, some ten megabytes
MOST_PIXELS = 2**26  # of a picture: a small file may hold so many that no browser can show them
CHARACTERS_OF_WORDS = 100_000  # of a cell of markdown
WORDS_A_NOTEBOOK = 300_000  # characters; what draws them may take a second for some tens of thousands
ENVIRONMENTS = 300  # of TeX, in a cell: each is looked for to the end of the text
COLOURED, COLOURED_A_NOTEBOOK, COLOURED_A_LINE = 20_000, 200_000, 500  # characters of code
TEX_THAT_REACHES_OUT = "href|require|style|class|cssId|unicode|html|bbox|mmlToken"  # what MathJax knows
PICTURE_IN_HTML = re.compile(r"<img\b[^<>]{0,500}?\bsrc=[\"'](attachment:[^\"'<>]{0,300})[\"'][^<>]{0,500}>")
PICTURE = re.compile(  # its name may hold a pair of parentheses
    r"!\[[^\[\]\n]{0,300}\]\( {0,3}attachment:([^()\n]{0,300}(?:\([^()\n]{0,50}\)[^()\n]{0,50})?)\)"
)
PICTURE_KINDS = ("image/png", "image/jpeg")
PHOTOGRAPHS = (*PICTURE_KINDS, "image/gif", "image/webp")
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
PASTED = re.compile(rf"data:({'|'.join(PHOTOGRAPHS)});base64,([A-Za-z0-9+/=]+)")
FITS = """
img, svg { max-width: 100%; height: auto }
div.inner_cell, div.output_area, div.output_subarea { min-width: 0; max-width: 100% }
.rendered_html, .output_html { overflow-x: auto }
"""
LEFT_OUT = "\n[the rest of what this cell shows is left out]\n"


class Room:
    """What is left of what a notebook may show."""

    def __init__(self):
        self.characters, self.pictures = CHARACTERS_A_NOTEBOOK, PICTURES_A_NOTEBOOK


class Collected:
    """The outputs of a cell, as its kernel's messages bring them; `room` is that of its notebook."""

    def __init__(self, room):
        self.outputs = []
        self._room = room
        self._left, self._pictures = min(CHARACTERS, room.characters), PICTURES

    def add(self, message):
        """Keep what is plain of a message."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            self._text(
                str(content.get("text", "")), "stderr" if content.get("name") == "stderr" else "stdout"
            )
        elif kind in ("execute_result", "display_data"):
            self._data(content.get("data"))
        elif kind == "error":
            traceback = "\n".join(map(str, content.get("traceback", ())))
            self._error(str(content.get("ename"))[:100], str(content.get("evalue"))[:1000], traceback)

    def stopped(self, seconds):
        """Say that the cell was stopped."""
        said = f"stopped: the cell took longer than {seconds:g} s; is there a loop that does not end?"
        self.outputs.append(new_output("error", ename="TimeoutError", evalue=said, traceback=[said]))

    def _cut(self, text):
        if self._left <= 0:
            return ""
        cut = text if len(text) <= self._left else text[: self._left] + LEFT_OUT
        self._left -= len(text)
        self._room.characters -= len(cut)
        return cut

    def _text(self, text, name):
        if text := self._cut(text):
            last = self.outputs[-1] if self.outputs else None
            if last is not None and last.get("name") == name:
                last["text"] += text
            else:
                self.outputs.append(new_output("stream", name=name, text=text))

    def _data(self, data):
        data = data if isinstance(data, dict) else {}
        kept = {kind: data[kind] for kind in PICTURE_KINDS if is_picture(data.get(kind))}
        size = sum(map(len, kept.values()))
        if kept and self._pictures and size <= self._room.pictures:
            self._pictures -= 1
            self._room.pictures -= size
        else:
            kept = {}
        if isinstance(data.get("text/plain"), str) and (text := self._cut(data["text/plain"])):
            kept["text/plain"] = text
        if kept:
            self.outputs.append(new_output("display_data", data=kept, metadata={"alt": "a picture"}))

    def _error(self, name, value, traceback):
        if text := self._cut(traceback or f"{name}: {value}"):
            self.outputs.append(new_output("error", ename=name, evalue=value, traceback=[text]))


def is_picture(data, largest=LARGEST_PICTURE):
    """Whether it is a picture in base64, of at most so many characters, that a browser can show."""
    if not isinstance(data, str) or len(data) > largest:
        return False
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:  # reads its head only
            return math.prod(picture.size) <= MOST_PIXELS
    except Exception:  # a stranger made it
        return False


def inert_markdown(text, names, most=CHARACTERS_OF_WORDS):
    """Return markdown in which no HTML, link or far picture is left, and all else reads as it was.

    `names` has for each attached picture the name that it gets; `most` is how many characters are kept. Each
    expression reads a text once: the text of a stranger may be made to be slow.
    """
    text = text.replace("\0", "")  # a mark of ours, below
    whole, *further = text.split(r"\begin", ENVIRONMENTS)
    kept = r"\begin".join([whole, *further[: ENVIRONMENTS - 1]])[:most]
    if len(kept) < len(text):
        text = kept + "\n\n[the rest of this text is left out]"
    text = PICTURE_IN_HTML.sub(r"![](\1)", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "< ", text)  # no tag begins with a space
    text = re.sub(r"(?<=```)[^\n`]+$|(?<=~~~)[^\n~]+$", "", text, flags=re.MULTILINE)  # no diagrams drawn
    text = re.sub(rf"\\(?=({TEX_THAT_REACHES_OUT})\b)", r"\\ ", text)

    def there(match):
        name = _attached(match[1], names)
        return f"![]\0attachment:{name})" if name else f"[the picture {match[1]} is missing]"

    text = PICTURE.sub(there, text)
    text = re.sub(r"\](?=[(:])", "] ", text)  # a link is one only without the space: of any kind, to anywhere
    return text.replace("\0", "(")


def _attached(said, names):
    """Return the new name of an attached picture; None if there is no such picture."""
    said = re.sub(r"""\s+["'].{0,300}["']$""", "", said.strip())  # a title
    return names.get(said, names.get(unquote(said)))


def with_attachments(text, attachments):
    """Return markdown whose pictures are attachments, and these: Colab pastes them into the text."""
    pasted = {}

    def attached(match):
        name = f"pasted-{len(pasted)}"
        pasted[name] = {match[1]: match[2]}
        return f"attachment:{name}"

    text = PASTED.sub(attached, text)
    return text, (attachments if isinstance(attachments, dict) else {}) | pasted


def inert_attachments(attachments):
    """Return the attachments of a cell that are pictures."""
    kept = {}
    for name, data in attachments.items():
        pictures = {
            kind: data[kind]
            for kind in PHOTOGRAPHS
            if isinstance(data, dict) and is_picture(data.get(kind), LARGEST_PHOTOGRAPH)
        }
        if pictures:
            kept[name] = pictures
    return kept


class FittingPage(CSSHTMLHeaderPreprocessor):
    """Formgrader's and feedback's pages: nothing is wider than they are, no code takes minutes to colour."""

    def preprocess(self, nb, resources):
        """Add to the page's style, and shorten what is slow to colour; the notebook's file stays as it is."""
        nb, resources = super().preprocess(nb, resources)
        resources["inlining"]["css"].append(FITS)
        left = COLOURED_A_NOTEBOOK
        for cell in nb.cells:
            if cell.cell_type == "code":
                lines = [line.rstrip() for line in cell.source.split("\n")]
                cell.source = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines))
                left -= len(cell.source)
                if len(cell.source) > COLOURED or left < 0 or max(map(len, lines)) > COLOURED_A_LINE:
                    cell.metadata["magics_language"] = "text"  # nbconvert's name for another language
        return nb, resources
