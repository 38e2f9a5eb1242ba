"""The page of cards: the lessons' own cells, all of them, with their pictures."""

import base64
import copy

import pytest

from tests.markdown_links import broken_links
from tests.synthetic_lesson import PIXEL, as_lesson
from tests.tool_loader import load_tool

pages = load_tool("_pages.py")
cards = load_tool("cards")
LESSONS = pages.lessons()
PAGE = cards.PAGE.read_text(encoding="utf-8")


def test_in_step_with_the_lessons():
    made = cards.files(LESSONS)
    assert {path.name: path.read_bytes() for path in made} == {path.name: made[path] for path in made}
    assert sorted(cards.PICTURES.iterdir()) == sorted(path for path in made if path.suffix == ".png")


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_has_its_card(number):
    lesson = LESSONS[number]
    card = PAGE.partition(f"## {lesson.headings()[0][1]}\n")[2].partition("\n## ")[0]
    assert card.count("| $") + card.count("| --- |") >= 2
    assert card.count("```python\n") == 1
    assert f"](cards/{number:02d}.png)" in card
    assert "**The one mistake.** " in card
    assert all(question in card for question, _ in lesson.questions().values())


def test_nothing_of_the_card_is_lost():
    """Each cell of *The card* up to the next heading stands on the page as it is in the lesson."""
    for number in LESSONS:
        for cell in LESSONS[number].markdown_cells:
            if cell.source.startswith("## The card"):
                text = cell.source.removeprefix("## The card").partition("\n### ")[0]
                assert text.partition("```python")[0].strip() in PAGE
                assert text.partition("```python")[2].strip() in PAGE


def changed(number, change):
    """The lessons, one of them with a changed notebook."""
    notebook = copy.deepcopy(LESSONS[number].notebook)
    change(notebook)
    return LESSONS | {number: as_lesson(notebook, LESSONS[number].name)}


def card_of(notebook):
    return next(cell for cell in notebook.cells if cell.source.startswith("## The card"))


def other_formula(notebook):
    cell = card_of(notebook)
    cell.source = cell.source.replace("$", "$2", 1)


def other_picture(notebook):
    at = notebook.cells.index(card_of(notebook))
    cell = next(cell for cell in notebook.cells[at:] if cell.get("outputs"))
    cell.outputs[0].data["image/png"] = PIXEL


def other_question(notebook):
    cell = next(cell for cell in notebook.cells if "### Five questions" in cell.source)
    cell.source = cell.source.replace("**2.** ", "**2.** Well: ")


@pytest.mark.parametrize("change", [other_formula, other_picture, other_question])
def test_a_change_of_a_card_is_seen(change, monkeypatch, capsys):
    monkeypatch.setattr(pages, "lessons", lambda: changed(2, change))
    before = cards.PAGE.read_bytes(), (cards.PICTURES / "02.png").read_bytes()
    assert pages.write_or_check("cards", cards.__doc__, cards.files, ["--check"]) == 1
    assert "out of step with the lessons; run tools/cards" in capsys.readouterr().out
    assert (cards.PAGE.read_bytes(), (cards.PICTURES / "02.png").read_bytes()) == before


def test_the_picture_is_the_one_below_the_card():
    assert cards.files(changed(2, other_picture))[cards.PICTURES / "02.png"] == base64.b64decode(PIXEL)


def test_a_card_without_code_is_an_error():
    def no_code(notebook):
        card_of(notebook).source = card_of(notebook).source.replace("```python", "```")

    with pytest.raises(pages.PageError, match=r"02_fully_connected\.ipynb: its card has no line of code"):
        cards.files(changed(2, no_code))


def test_links_lead_to_headings():
    assert broken_links(PAGE.replace("](cards/", "] (")) == []
