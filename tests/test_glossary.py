"""The glossary and the symbol index: in order, complete, and every link leads to where the word is used."""

import re

import pytest

from tests.markdown_links import LINK, NOTEBOOKS, broken_links, section

TEXT = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^- \*\*(.+?)\*\*: (.+)$", TEXT, re.MULTILINE)
SYMBOLS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| $")
]

# The notation that all lessons share.
NOTATION = [
    *("X_{m,i,j,c}", "W_{u,v,c,k}", "b_k", "Z_{m,i',j',k}", "X_{m,n}", "W_{n,k}", "Z_{m,k}"),
    *("J", "dX", "dW", "db", "dZ", "M", "N", "C", "K", "F_h", "F_w"),
    *("H_{in}", "W_{in}", "H_{out}", "W_{out}", "s_h", "s_w", "d_h", "d_w"),
    *("p_{top}", "p_{bottom}", "p_{left}", "p_{right}"),
]


def words(text):
    """Lower case, without what only the typesetting needs."""
    return re.sub(r"\s+", " ", re.sub(r'[*`_"]', "", text)).lower()


class TestTerms:
    def test_there_are_enough(self):
        assert 60 <= len(TERMS) <= 80

    def test_every_line_is_read(self):
        assert len(TERMS) == len(re.findall(r"^- ", TEXT, re.MULTILINE))

    def test_no_term_twice(self):
        names = [term.casefold() for term, _ in TERMS]
        assert sorted(names) == sorted(set(names))

    def test_alphabetical_order(self):
        names = [term.casefold() for term, _ in TERMS]
        assert names == sorted(names)

    @pytest.mark.parametrize(("term", "text"), TERMS, ids=[term for term, _ in TERMS])
    def test_one_or_two_sentences_and_a_link(self, term, text):
        said = re.sub(r" \[\d\d\]\([^)]+\)$", "", text)
        assert said != text, "the link to the lesson stands at the end"
        assert said.endswith((".", "?"))
        assert 1 <= len(re.findall(r"[.?](?= |$)", said)) <= 3

    @pytest.mark.parametrize(("term", "text"), TERMS, ids=[term for term, _ in TERMS])
    def test_the_section_uses_the_word(self, term, text):
        """A link to a section that never says the word helps nobody."""
        word = re.sub(r" \(.+\)$", "", term)  # "stride (in memory)"
        stem = re.escape(words(word)[:-1])  # "initialisation", "standardised": endings may differ
        assert re.search(stem.replace(r"\ ", "[ -]"), words(section(LINK.findall(text)[-1]))), term

    def test_see_also_names_terms(self):
        names = {term for term, _ in TERMS}
        assert set(re.findall(r"Compare \*(.+?)\*", TEXT)) <= names


class TestSymbols:
    def test_every_row_is_whole(self):
        assert all(len(row) == 4 for row in SYMBOLS), [row for row in SYMBOLS if len(row) != 4]

    def test_no_symbol_twice(self):
        names = [name for row in SYMBOLS for name in symbols_in(row[0])]
        assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]

    def test_the_notation_is_complete(self):
        names = [name for row in SYMBOLS for name in symbols_in(row[0])]
        assert [name for name in NOTATION if name not in names] == []

    @pytest.mark.parametrize("row", SYMBOLS, ids=[row[0] for row in SYMBOLS])
    def test_the_section_uses_the_symbol(self, row):
        for target in LINK.findall(row[3]):
            for name in symbols_in(row[0]):
                base = re.match(r"\(?(\\\w+ ?\w?|[a-zA-Z]+|.+)", name)[1].strip()
                assert base in section(target), (name, target)


def symbols_in(cell):
    return re.findall(r"\$(.+?)\$", cell)


def test_links_lead_to_headings():
    assert TEXT.count(".ipynb#") >= len(TERMS) + len(SYMBOLS)
    assert broken_links(TEXT) == []


@pytest.mark.parametrize(
    "target",
    [
        "07_convolution_input.ipynb#All-at-one",
        "07_convolution_inputs.ipynb#All-at-once",
        "07_convolution_input.ipynb",
        "glossary.md#Symbol",
    ],
)
def test_a_broken_link_is_seen(target):
    assert broken_links(f"see [there]({target})") == [target]
