"""A small lesson that keeps every rule, for tests that then break one."""

import base64

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.lesson_rules import PARTS, Lesson
from tests.tool_loader import load_tool

# One transparent pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def with_comment(png, text=b"Software\x00a program"):
    """Return a base64 PNG with a tEXt chunk after its header (the checksum is not looked at)."""
    raw = base64.b64decode(png)
    chunk = len(text).to_bytes(4, "big") + b"tEXt" + text + b"\x00\x00\x00\x00"
    return base64.b64encode(raw[:33] + chunk + raw[33:]).decode()


def good_notebook(number=6):
    """A lesson with all common headings, one equation, a figure, and a cell that is free to vary."""
    cells = [new_markdown_cell(f"# {number:02d} A lesson that keeps the rules")]
    cells += [new_markdown_cell(f"## {title}\n\nText.") for title in PARTS[:3]]
    cells += [
        new_markdown_cell(
            f"## {PARTS[3]}\n\n$$\\begin{{aligned}}\ny &= 2x\n\\end{{aligned}}\\tag{{{number}.1}}$$\n\nAs "
            f"equation ({number}.1) says."
        ),
        new_code_cell(
            f'from backprop_helpers.checking import holds\n\nx = 3\nholds("{number}.1", x + x, 2 * x)',
            execution_count=1,
            outputs=[
                new_output(
                    "execute_result",
                    {"text/plain": f"({number}.1) holds exactly: 1 entry"},
                    execution_count=1,
                )
            ],
        ),
    ]
    cells += [new_markdown_cell(f"## {title}\n\nText.") for title in PARTS[4:-1]]
    cells += [
        new_code_cell(
            "show()",
            execution_count=2,
            outputs=[
                new_output(
                    "display_data",
                    {"image/png": PIXEL, "text/plain": "<Figure size 640x480 with 1 Axes>"},
                    metadata={"image/png": {"alt": "One pixel."}},
                )
            ],
        ),
        new_code_cell(
            "print(seconds)",
            execution_count=3,
            metadata={"tags": ["nbval-ignore-output"], "reason": "times vary"},
            outputs=[new_output("stream", name="stdout", text="1.23\n")],
        ),
        new_markdown_cell(f"## {PARTS[-1]}\n\nText."),
    ]
    notebook = new_notebook(cells=cells)
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
    return load_tool("_normalise.py").normalise(notebook)


def as_lesson(notebook, name="06_synthetic.ipynb"):
    """The notebook as a file that the rules read; nothing is repaired on the way."""
    return Lesson(name, nbformat.v4.writes(notebook) + "\n")
