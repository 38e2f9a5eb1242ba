"""What a submission shows and writes, made inert: text, pictures, and markdown in which nothing runs."""

import base64
import re
from urllib.parse import unquote

from nbformat.v4 import new_output

CHARACTERS = 20_000  # of a cell's text; the rest is left out
PICTURES = 10  # of a cell
LARGEST_PICTURE = 3 * 2**20  # characters, in base64
PICTURE_KINDS = ("image/png", "image/jpeg")
LEFT_OUT = "\n[the rest of what this cell shows is left out]\n"


class Collected:
    """The outputs of a cell, as its kernel's messages bring them."""

    def __init__(self):
        self.outputs = []
        self._left, self._pictures = CHARACTERS, PICTURES

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
        if kept and self._pictures:
            self._pictures -= 1
        else:
            kept = {}
        if isinstance(data.get("text/plain"), str) and (text := self._cut(data["text/plain"])):
            kept["text/plain"] = text
        if kept:
            self.outputs.append(new_output("display_data", data=kept))

    def _error(self, name, value, traceback):
        if text := self._cut(traceback or f"{name}: {value}"):
            self.outputs.append(new_output("error", ename=name, evalue=value, traceback=[text]))


def is_picture(data):
    """Whether it is a picture in base64, and not too large."""
    if not isinstance(data, str) or len(data) > LARGEST_PICTURE:
        return False
    try:
        base64.b64decode(data.replace("\n", ""), validate=True)
    except ValueError:
        return False
    return True


def inert_markdown(text, names):
    """Return markdown in which no HTML, script or far picture is left, and all else reads as it was.

    `names` has for each attached picture the name that it gets.
    """
    text = re.sub(r"<img\b[^>]*\bsrc=[\"'](attachment:[^\"'>]*)[\"'][^>]*>", r"![](\1)", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "< ", text)  # no tag begins with a space
    text = re.sub(r"!(?=\[)(?!\[[^\]\n]*\]\(attachment:)", "", text)  # only pictures that came along
    text = re.sub(r"(?i)(java|vb)script(?=\s*(:|&))", r"\g<0> ", text)
    text = re.sub(r"\\(?=(href|require|style|class|cssId|unicode|html)\b)", r"\\ ", text)

    def there(match):
        name = names.get(match[1], names.get(unquote(match[1])))
        return f"![](attachment:{name})" if name else f"[the picture {match[1]} is missing]"

    return re.sub(r"!\[[^\]\n]*\]\(attachment:([^)\n]*)\)", there, text)


def inert_attachments(attachments):
    """Return the attachments of a cell that are pictures."""
    kept = {}
    for name, data in (attachments if isinstance(attachments, dict) else {}).items():
        pictures = {
            kind: data[kind]
            for kind in PICTURE_KINDS
            if isinstance(data, dict) and is_photograph(data.get(kind))
        }
        if pictures:
            kept[name] = pictures
    return kept


def is_photograph(data):
    """Whether it is a picture in base64 of at most some ten megabytes: a derivation by hand."""
    return (
        isinstance(data, str) and len(data) < 2**24 and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data) is not None
    )
