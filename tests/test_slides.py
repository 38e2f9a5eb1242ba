"""The marks of the lessons' slides: a mark that a person set stays, the others follow a rule."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.synthetic_lesson import as_lesson, good_notebook
from tests.tool_loader import load_tool

pages = load_tool("_pages.py")
slides = load_tool("slides")
LESSONS = pages.lessons()


def test_every_lesson_is_marked(capsys):
    assert pages.write_or_check("slides", slides.__doc__, slides.files, ["--check"]) == 0, (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("number", LESSONS)
def test_sections_are_slides(number):
    cells = LESSONS[number].notebook.cells
    marks = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells]
    assert marks[0] == "slide"
    assert marks.count("slide") >= 4
    assert marks.count("subslide") >= 2 * marks.count("slide")
    questions = [mark for cell, mark in zip(cells, marks, strict=True) if cell.source.startswith("Predict(")]
    assert set(questions) <= {"subslide"}


TEXT, HINTS = new_markdown_cell("Now."), new_markdown_cell("<details><summary>Hint</summary>Count.</details>")
HINTS.metadata["slideshow"] = {"slide_type": "notes"}
FIGURE = new_code_cell("plot(x)", outputs=[new_output("display_data", {"image/png": ""})])
MOVES = new_output("display_data", {slides.STAGE: {}, "image/png": ""})
LONG = new_markdown_cell("word " * slides.MOST_WORDS)
STAGE = new_code_cell("KernelStage()", outputs=[MOVES])
STEP = new_code_cell('dx = ...  # yours\ncheck.line("07.dx", dx)')
SKIPPED = new_code_cell(STEP.source, metadata={"slideshow": {"slide_type": "skip"}})
HOLDS = new_code_cell(
    'holds("5.1", a, b)',
    outputs=[new_output("execute_result", {"text/plain": "(5.1) holds: 1 entry"}, execution_count=1)],
)
RULE = {
    "the title": (None, new_markdown_cell("# 05 · Convolution"), STAGE, "slide"),
    "a section": (TEXT, new_markdown_cell("That was it.\n\n## Forward\n\nNow."), TEXT, "slide"),
    "an exercise": (TEXT, new_markdown_cell("### Exercise 05.1"), TEXT, "subslide"),
    "hints": (TEXT, HINTS, TEXT, "notes"),
    "hints, then a section": (TEXT, new_markdown_cell(HINTS.source + "\n\n## In code"), TEXT, "slide"),
    "a text, then its stage": (TEXT, STAGE, TEXT, None),
    "a question": (FIGURE, new_code_cell("Predict('How many?', 9)"), TEXT, "subslide"),
    "an answer": (TEXT, new_code_cell("9", metadata={"jupyter": {"outputs_hidden": True}}), TEXT, "subslide"),
    "a step": (TEXT, STEP, TEXT, "skip"),
    "a step's text": (TEXT, TEXT, STEP, "fragment"),
    "a step's text after a long one": (LONG, TEXT, STEP, "subslide"),
    "a step's text after a question": (new_code_cell("Predict('How many?', 9)"), TEXT, STEP, "subslide"),
    "a step's text below a figure": (FIGURE, TEXT, STEP, "fragment"),
    "a step's text below a stage": (STAGE, TEXT, STEP, "subslide"),
    "a check": (TEXT, new_code_cell("f(my)", metadata={"tags": ["check-05.1"]}), HINTS, "skip"),
    "a cell of the text": (TEXT, new_code_cell('holds("5.1", a, b)'), None, None),
    "a cell that holds, after a step": (SKIPPED, HOLDS, None, None),
    "a cell after a step": (SKIPPED, new_code_cell("print(source)"), None, "subslide"),
    "a cell after hints": (HINTS, new_code_cell("print(source)"), None, "subslide"),
}


@pytest.mark.parametrize("what", RULE)
def test_rule(what):
    before, cell, after, mark = RULE[what]
    assert slides.by_rule(cell, before, after, [before]) == mark


def marked(kind):
    """A lesson whose second cell bears a mark."""
    notebook = good_notebook(7)
    notebook.cells[1].metadata["slideshow"] = {"slide_type": kind}
    return as_lesson(notebook)


@pytest.mark.parametrize("kind", slides.TYPES)
def test_a_mark_that_stands_stays_and_survives_the_normal_form(kind):
    (text,) = slides.files({7: marked(kind)}).values()
    again = load_tool("_normalise.py").normalise(as_lesson_of(text).notebook)
    assert again.cells[1].metadata.slideshow.slide_type == kind
    assert again.cells[0].metadata.slideshow.slide_type == "slide"


def as_lesson_of(content):
    return load_tool("_lesson.py").Lesson("07_example.ipynb", content.decode())


def test_a_mark_that_is_none_is_named():
    with pytest.raises(pages.PageError, match=r"one of slide, subslide, .*; got 'page'"):
        slides.files({7: marked("page")})
