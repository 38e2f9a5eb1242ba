"""The parts of the first page that are made from the lessons: their cards, and the three ways in."""

import base64
import html
import io
import re

import nbformat
import numpy as np
from PIL import Image

from backprop_helpers.views.stage._base import COMMITTED

ROW = re.compile(r"^\| \[(\d\d) · (.+?)\]\((\S+?)\.ipynb\) \| (.+?) \| (\d+) \|$", re.MULTILINE)
LESSON = """\
<a class="front-card" href="notebooks/{name}.html">
<span class="front-picture" style="background-image: url(_static/cards/{name}.png)"></span>
<span class="front-title"><b>{number}</b> {title}</span>
<span class="front-question">{question}</span>
<span class="front-minutes">{minutes} minutes</span>
</a>"""
PAGE = """\
<a class="front-card" href="{}">
<span class="front-title">{}</span>
<span class="front-question">{}</span>
</a>"""
PAGES = (
    ("notebooks/formula_sheet.html", "Formula sheet", "Every formula, its shapes and its cost."),
    ("notebooks/glossary.html", "Glossary", "Every word and symbol, and where it is introduced."),
    (
        "notebooks/cards.html",
        "The cards",
        "One a lesson: the formula, the picture, the one mistake. To print, too.",
    ),
)
WAYS = (
    ("notebooks/start_here.html", "Read", "Everything on these pages can be touched. Nothing is installed."),
    (
        "notebooks/start_here.html#How-to-work-with-a-lesson",
        "Run",
        "In JupyterLab: one command, then no network.",
    ),
    (
        "assignments/README.html",
        "Teach",
        "Problem sets graded in a sandbox, a concept test, cards to print.",
    ),
)
NAVIGATION = '<nav class="{}" aria-label="{}">\n{}\n</nav>'
PICTURE = (480, 240)  # twice what is shown
LINE = 45  # rows of a picture that a line of text needs at most


def lessons(start_here):
    """Return the HTML of the cards: a lesson's title, question and minutes are those of the start page."""
    parts = ("number", "title", "name", "question", "minutes")
    rows = [dict(zip(parts, map(html.escape, row))) for row in ROW.findall(start_here)]
    found = [LESSON.format(**row) for row in rows] + [PAGE.format(*page) for page in PAGES]
    return NAVIGATION.format("front-cards", "The lessons", "\n".join(found))


def ways():
    """Return the HTML of the three ways in."""
    return NAVIGATION.format("front-ways", "Three ways in", "\n".join(PAGE.format(*way) for way in WAYS))


def picture(path):
    """Return the picture of a lesson's card, as PNG: its first that is no question, without lines of text."""
    outputs = (
        output.get("data", {}) for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])
    )
    png = next(
        data["image/png"]
        for data in outputs
        if "image/png" in data and data.get(COMMITTED, {}).get("composition") != "predict"
    )
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    image = image.crop(drawn_part(np.asarray(image.convert("L")) < 250))
    image.thumbnail(PICTURE, Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.quantize(64).save(written, "PNG", optimize=True)
    return written.getvalue()


def drawn_part(ink):
    """Return the box (left, top, right, bottom) of the ink without the lines of text above and below it."""
    rows = np.flatnonzero(np.diff(np.pad(ink.any(axis=1).astype(int), 1))).reshape(-1, 2)
    tall = [(top, bottom) for top, bottom in rows if bottom - top > LINE]
    top, bottom = tall[0][0], tall[-1][1]
    columns = np.flatnonzero(ink[top:bottom].any(axis=0))
    return int(columns[0]), int(top), int(columns[-1]) + 1, int(bottom)
