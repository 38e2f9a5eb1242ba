"""The parts of the first page that are made from the lessons: their cards, and the three ways in."""

import html
import re

import numpy as np
from thumbnails import thumbnail

from backprop_helpers.views.stage import NetworkStage

ROW = re.compile(r"^\| \[(\d\d) · (.+?)\]\((\S+?)\.ipynb\) \| (.+?) \| (\d+) \|$", re.MULTILINE)
LESSON = """\
<a class="front-card" href="notebooks/{name}.html">
{picture}
<span class="front-title"><b>{number}</b> {title}</span>
<span class="front-question">{question}</span>
<span class="front-minutes">{minutes} minutes</span>
</a>"""
PAGE = """\
<a class="front-card" href="{}">{}
<span class="front-title">{}</span>
<span class="front-question">{}</span>
</a>"""
TO_LOOK_UP = (
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
UNSURE = 115  # a test digit that the network reads rightly, but not surely: its gradients can be read
# What the page writes on the paper at first, a 4 that could be a 9: strokes through points (across, down), in
# parts of the paper's side.
HAND = (
    ((0.59, 0.1), (0.43, 0.25), (0.32, 0.39), (0.49, 0.43), (0.67, 0.4)),
    ((0.68, 0.16), (0.66, 0.75)),
)
HAND_STEP = 0.025
NAVIGATION = '<nav class="{}" aria-label="{}">\n{}\n</nav>'


def questions(start_here):
    """Return {name of a lesson: its question}, from the page of where to begin."""
    return {row[2]: row[3] for row in ROW.findall(start_here)}


def lessons(start_here):
    """Return the HTML of the cards: a lesson's title, question and minutes are those of the start page."""
    parts = ("number", "title", "name", "question", "minutes")
    rows = [dict(zip(parts, map(html.escape, row))) for row in ROW.findall(start_here)]
    found = [LESSON.format(**row, picture=thumbnail(int(row["number"]))) for row in rows]
    found += [PAGE.format(link, thumbnail(link), *words) for link, *words in TO_LOOK_UP]
    return NAVIGATION.format("front-cards", "The lessons", "\n".join(found))


def ways():
    """Return the HTML of the three ways in."""
    return NAVIGATION.format(
        "front-ways", "Three ways in", "\n".join(PAGE.format(link, "", *words) for link, *words in WAYS)
    )


def network():
    """Return the spec of the stage at the top: the series' network, and a digit that the page writes."""
    spec = NetworkStage(index=UNSURE, drawing=True).committed()
    return spec | {"options": spec["options"] | {"hand": [along(stroke) for stroke in HAND]}}


def along(corners):
    """Return points on a line through corners, `HAND_STEP` from each other."""
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    way = np.concatenate([[0], np.cumsum(lengths)])
    at = np.linspace(0, way[-1], 1 + round(way[-1] / HAND_STEP))
    return np.column_stack([np.interp(at, way, axis) for axis in np.transpose(corners)]).round(3).tolist()
