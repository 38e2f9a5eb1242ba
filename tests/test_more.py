"""The readings beside the lessons: executed, linked from where one wants them, their links lead somewhere."""

import re

import pytest

from tests.lesson_rules import RULES, Lesson
from tests.markdown_links import NOTEBOOKS, anchors

READINGS = sorted(path for path in (NOTEBOOKS / "more").iterdir() if path.suffix in (".md", ".ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
KEPT = (
    "executed_top_to_bottom",
    "no_errors",
    "no_stderr",
    "no_absolute_paths",
    "no_widget_state",
    "small",
    "plain_kernelspec",
    "cell_ids",
    "png_only",
    "described_pictures",
    "one_title",
    "heading_levels",
    "free_cells",
    "no_bare_numpy_scalars",
    "no_memory_addresses",
    "normal_form",
)


def text_of(path):
    return Lesson.read(path).prose if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


LESSONS = {path.name: text_of(path) for path in NOTEBOOKS.glob("[0-9]*.ipynb")}


@pytest.mark.parametrize("path", READINGS, ids=lambda path: path.name)
def test_a_reading_is_linked_from_the_start_page_and_from_a_lesson(path):
    link = f"](more/{path.name}"
    assert link in text_of(NOTEBOOKS / "start_here.md")
    assert [name for name, text in LESSONS.items() if link in text]


@pytest.mark.parametrize("path", READINGS, ids=lambda path: path.name)
def test_its_links_lead_somewhere(path):
    for target in LINK.findall(re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)):
        if re.match(r"https?:", target):
            continue
        name, _, heading = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        assert page.is_file(), target
        assert not heading or heading in anchors(page.relative_to(NOTEBOOKS.resolve()).as_posix()), target


@pytest.mark.parametrize("rule", KEPT)
def test_readings_keep_the_rules_of_a_notebook(rule):
    problems = [
        f"{path.name}: {problem}"
        for path in READINGS
        if path.suffix == ".ipynb"
        for problem in RULES[rule](Lesson.read(path))
    ]
    assert problems == []
