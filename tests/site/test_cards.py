"""The cards in print: two sheets, nothing cut off."""

import re

import pytest

WIDTHS = {"A4": 194, "Letter": 200}  # millimetres between margins of 8
CUT = """() => [...document.querySelectorAll(
    "#the-cards > section, #the-cards table, #the-cards pre, #the-cards img"
)].filter(one => {
    const card = one.closest("section").getBoundingClientRect(), box = one.getBoundingClientRect();
    return box.right > card.right + 1 || box.width === 0 || one.scrollWidth > one.clientWidth + 1;
}).map(one => one.closest("section").id + " " + one.tagName)"""


@pytest.fixture
def cards(browser, address):
    page = browser.new_page()
    page.goto(f"{address}notebooks/cards.html")
    page.wait_for_selector("#the-cards mjx-container")
    yield page
    page.close()


@pytest.mark.parametrize("paper", WIDTHS)
def test_two_sheets(cards, paper):
    printed = cards.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2


@pytest.mark.parametrize("paper", WIDTHS)
def test_nothing_is_cut_off(cards, paper):
    cards.emulate_media(media="print")
    cards.set_viewport_size({"width": round(WIDTHS[paper] * 96 / 25.4), "height": 1000})
    assert cards.evaluate(CUT) == []


def test_a_table_that_is_too_wide_is_seen(cards):
    cards.emulate_media(media="print")
    cards.set_viewport_size({"width": 733, "height": 1000})
    cards.add_style_tag(content="#the-cards table { font-size: 9pt !important }")
    assert cards.evaluate(CUT)


def test_questions_stay_on_the_screen(cards):
    assert cards.locator("#the-cards details").first.is_visible()
    cards.emulate_media(media="print")
    assert not cards.locator("#the-cards details").first.is_visible()
