"""A lesson as its file has it: text, equations, outputs, card. For generated pages and the tests."""

import ast
import base64
import json
import re
from functools import cached_property
from pathlib import Path

import nbformat

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
TAG = re.compile(r"\\tag\*?\{([^}]*)\}")
HEADING_OR_DISPLAY = re.compile(
    r"^(?P<level>#{1,6}) (?P<title>[^\n]+)$|\$\$(?P<display>.*?)\$\$", re.MULTILINE | re.DOTALL
)
# In a link these characters would be encoded, and a formula has no text that could be an anchor.
LINKABLE = re.compile(r"""[^\x00-\x1f\x7f-\U0010ffff"<>`$]+""")
HELD = re.compile(r"^\((\d{1,2}\.\d{1,2}[a-z]?)\) (holds(?: exactly)?: .+)$", re.MULTILINE)


class Lesson:
    """A lesson as its file has it."""

    def __init__(self, name, text):
        self.name = name
        self.text = text

    @classmethod
    def read(cls, path):
        return cls(Path(path).name, Path(path).read_text(encoding="utf-8"))

    @cached_property
    def notebook(self):
        return nbformat.reads(self.text, as_version=4)

    @cached_property
    def raw(self):
        """The file's own JSON, before any library repairs it."""
        return json.loads(self.text)

    @property
    def number(self):
        return int(self.name[:2])

    @property
    def code_cells(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def markdown_cells(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def prose(self):
        """All Markdown, without fenced code."""
        return "\n\n".join(FENCE.sub("", cell.source) for cell in self.markdown_cells)

    def headings(self):
        """(level, title) of every heading, in order."""
        return [(len(m[1]), m[2].strip()) for m in re.finditer(r"^(#{1,6}) (.+)$", self.prose, re.MULTILINE)]

    def outputs(self):
        """(cell, output) of every output."""
        return [(cell, output) for cell in self.code_cells for output in cell.outputs]

    def output_texts(self):
        """(cell, text) of everything in the outputs that is text."""
        for cell, output in self.outputs():
            if output.output_type == "stream":
                yield cell, output.text
            for kind, value in output.get("data", {}).items():
                if not kind.startswith("image/") or kind == "image/svg+xml":
                    yield cell, value if isinstance(value, str) else json.dumps(value)

    def tags(self):
        """The equations' numbers, in order."""
        return TAG.findall(self.prose)

    def checked_tags(self):
        """The numbers in calls of `holds("7.3", …)`."""
        from IPython.core.inputtransformer2 import TransformerManager  # only the tests need it

        found = []
        for cell in self.code_cells:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            for call in calls:
                name = getattr(call.func, "id", getattr(call.func, "attr", None))
                first = call.args[0] if call.args else None
                if name == "holds" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.append(first.value)
        return found

    def equations(self):
        """{tag: (LaTeX, section)} of every numbered equation, as the text has it, without its tag.

        The section is the innermost heading above the equation to which a link can lead.
        """
        found, above = {}, []
        for match in HEADING_OR_DISPLAY.finditer(self.prose):
            if match["title"] is not None:
                level = len(match["level"])
                above = [(depth, title) for depth, title in above if depth < level]
                above.append((level, match["title"].strip()))
                continue
            for tag in TAG.findall(match["display"]):
                linkable = [title for _, title in above if LINKABLE.fullmatch(title)]
                found[tag] = (TAG.sub("", match["display"]).strip(), linkable[-1] if linkable else "")
        return found

    def held(self):
        """{tag: record} of what the cells with `holds("7.3", …)` have printed when they were executed."""
        found = {}
        for cell, text in self.output_texts():
            for tag, record in HELD.findall(text):
                if re.search(rf'\bholds\(\s*"{re.escape(tag)}"', cell.source):
                    found[tag] = record
        return found

    def card(self):
        """(text, description, PNG) of the lesson's card, up to its next heading; None if it has no card."""
        text, pictures, inside = [], [], False
        for cell in self.notebook.cells:
            inside = inside or cell.source.startswith("## The card")
            if inside and cell.cell_type == "markdown":
                parts = re.split(r"^### ", cell.source.removeprefix("## The card"), flags=re.MULTILINE)
                text.append(parts[0].strip())
            for output in cell.get("outputs", []) if inside else []:
                if "image/png" in output.get("data", {}):
                    alt = output.metadata["image/png"]["alt"]
                    pictures.append((alt, base64.b64decode(output.data["image/png"])))
        return ("\n\n".join(filter(None, text)), *pictures[0]) if inside else None

    def questions(self):
        """{number: (question, answer)} of the lesson's card."""
        asked = r"^\*\*(\d)\.\*\* (.*?)\n\n<details><summary>Answer</summary>\n\n(.*?)\n\n</details>"
        text = "\n\n".join(cell.source for cell in self.markdown_cells)
        text = text.partition("### Five questions")[2].partition("\n### ")[0]
        found = re.findall(asked, text, re.DOTALL | re.MULTILINE)
        return {int(number): (question, answer) for number, question, answer in found}

    def anchors(self):
        """What can follow `#` in a link to this lesson."""
        return [anchor(title) for _, title in self.headings() if LINKABLE.fullmatch(title)]


def anchor(title):
    """Return the name that JupyterLab gives to a heading: its text, with hyphens for spaces."""
    return title.replace(" ", "-")
