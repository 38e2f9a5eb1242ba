"""Links from the pages beside the lessons into the lessons: does each lead to a heading that exists?"""

import re
from functools import cache

from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT, load_tool

NOTEBOOKS = ROOT / "notebooks"
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def lesson(name):
    return Lesson.read(NOTEBOOKS / name)


def anchors(name):
    if name.endswith(".ipynb"):
        return lesson(name).anchors()
    headings = re.findall(r"^#+ (.+)$", (NOTEBOOKS / name).read_text(encoding="utf-8"), re.MULTILINE)
    return [load_tool("_lesson.py").anchor(title) for title in headings]


def broken_links(text):
    """Return the links of a page in notebooks/ that lead nowhere, or only to the top of a lesson."""
    broken = []
    for target in LINK.findall(text):
        name, _, heading = target.partition("#")
        if not (NOTEBOOKS / name).is_file() or heading not in anchors(name):
            broken.append(target)
    return broken


def section(target):
    """Return the Markdown of the section of a lesson that a link leads to, with what stands below it."""
    name, _, heading = target.partition("#")
    found, depth = [], None
    for part in re.split(r"^(?=#{1,6} )", lesson(name).prose, flags=re.MULTILINE):
        match = re.match(r"(#{1,6}) (.+)", part)
        level = len(match[1]) if match else 0
        if depth is None and match and load_tool("_lesson.py").anchor(match[2].strip()) == heading:
            depth = level
        elif depth is not None and level <= depth:
            break
        if depth is not None:
            found.append(part)
    return "".join(found)
