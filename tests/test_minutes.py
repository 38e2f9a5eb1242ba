"""The minutes of a lesson: measured from it, and the same wherever they are named."""

import copy
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.synthetic_lesson import as_lesson
from tests.tool_loader import load_tool

pages = load_tool("_pages.py")
tool = load_tool("minutes")
LESSONS = pages.lessons()


def test_named_as_measured(capsys):
    assert pages.write_or_check("minutes", tool.__doc__, tool.files, ["--check"]) == 0, (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("number", [n for n, lesson in LESSONS.items() if lesson.card()])
def test_a_lesson_says_how_long_it_takes(number):
    assert len(tool.SAID.findall(LESSONS[number].text)) == 1


ADDED = {
    "word": (new_markdown_cell("A word or two, and three more."), 7),
    "equation": (new_markdown_cell("$$y = x\\tag{2.99}$$"), 1),
    "line of code": (new_code_cell("a = 1\n\nb = 2"), 2),
    "step": (new_code_cell('dx = ...  # yours: a number\ncheck.line("02.dx", dx)'), 1),
    "question": (new_code_cell('Predict("How many?", 3)'), 1),
    "stage": (new_code_cell("ProductsStage(x, w)"), 1),
    "worksheet": (new_code_cell("Worksheet(rows)"), 1),
    "exercise": (new_code_cell("def f(): ...", metadata={"tags": ["exercise-02.9"]}), 1),
    "bug hunt": (new_code_cell("def g(): ...", metadata={"tags": ["hunt-02"]}), 1),
    "card": (new_markdown_cell("## The card"), 1),
}


def test_every_rate_is_tried():
    assert set(ADDED) == set(tool.RATES)


@pytest.mark.parametrize("what", ADDED)
def test_more_to_do_takes_longer(what):
    cell, count = ADDED[what]
    before = tool.amounts(LESSONS[2].notebook.cells)
    after = tool.amounts([*LESSONS[2].notebook.cells, cell])
    assert after[what] - before[what] == count
    assert tool.minutes([cell]) >= tool.RATES[what] * count


@pytest.mark.parametrize(
    "text",
    [
        "<details><summary>More</summary>\n\nMany words.\n\n</details>",
        "```\nprint words\n```",
        "| a | table |",
    ],
)
def test_what_is_folded_or_no_prose_costs_no_reading(text):
    assert tool.words(text) == []


def test_hidden_code_costs_no_reading():
    hidden = new_code_cell("a = 1", metadata={"jupyter": {"source_hidden": True}})
    assert tool.amounts([hidden])["line of code"] == 0


def longer(number):
    notebook = copy.deepcopy(LESSONS[number].notebook)
    notebook.cells[-1].source += "\n\n" + "One word more. " * 5000
    return LESSONS | {number: as_lesson(notebook, LESSONS[number].name)}


def test_a_longer_lesson_changes_every_place(capsys, monkeypatch):
    monkeypatch.setattr(pages, "lessons", lambda: longer(5))
    assert pages.write_or_check("minutes", tool.__doc__, tool.files, ["--check"]) == 1
    assert "05_convolution_forward.ipynb, start_here.md, README.md: out of step" in capsys.readouterr().out
    hours = re.compile(r"About (\d+) hours with a pencil")
    now, then = (
        int(hours.search(tool.files(found)[tool.START].decode())[1]) for found in (LESSONS, longer(5))
    )
    assert then > now


def test_a_page_without_a_lessons_row_is_an_error():
    with pytest.raises(pages.PageError, match=r"start_here\.md: 0 rows with the minutes of 00_nudges\.ipynb"):
        tool.with_minutes("| lesson | minutes |", LESSONS, tool.START)
