"""What is said about others: every attribution has its row in slips in print, and each can be looked up."""

import re

import pytest

from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.checking.misconceptions._catalogue import EXPECTED
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

PAGE = ROOT / "notebooks" / "more" / "slips_in_print.ipynb"
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\]\((https?://[^)\s]+)\)")
ADDRESS = re.compile(r"https?://[^\s)\"'<>`]+")
PINNED = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/blob/[0-9a-f]{40}/\S+")
NAME = re.compile(
    r"CS231n|deeplearning\.ai|Coursera|StackExchange|micrograd|Dive into Deep Learning|MATLAB"
    r"|PyTorch|TensorFlow|JAX|ONNX|Flux|Theano|Keras|Caffe|Nielsen|Goodfellow|Aggarwal"
)
HINT = re.compile(
    r"\b(?:issue|pull request) \d|#\d{2,}|\b[Aa] (?:published|well-known|widely read) |\b(?:the|a) blog post"
)
NOT_OTHERS = ("https://creativecommons.org",)


def rows(page):
    """{number: (where, words, right)} of the page's tables."""
    return {int(number): (where, words, right) for number, where, words, right in ROW.findall(page.prose)}


PRINTED = Lesson.read(PAGE)
ROWS = rows(PRINTED)
ALL = "\n".join(" ".join(row) for row in ROWS.values())
TEXTS = sorted(
    path
    for folder, pattern in (
        ("notebooks", "*.ipynb"),
        ("notebooks", "*.md"),
        ("notebooks/more", "*"),
        ("assignments/source", "*/*.ipynb"),
    )
    for path in (ROOT / folder).glob(pattern)
    if path.suffix in (".ipynb", ".md") and path != PAGE
)


def text_of(path):
    return Lesson.read(path).prose if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


def unlooked_up(where, words, right):
    """What keeps a reader from looking a row up."""
    address = LINK.findall(where)
    pinned = address and PINNED.fullmatch(address[-1] if "the same file" in where else address[0])
    if not address and not re.search(r"\*.+\*, asked in \w+ \d{4}", where):
        yield "no address"
    if address and "github.com" in address[0] and "/issues/" not in address[0] and not pinned:
        yield "no commit"
    if pinned and not re.search(r"[\w -]+\.\w+, lines? \d+|file, lines? \d+", where):
        yield "no file and line"
    if not pinned and "section" not in where and not re.search(r"line \d+", where):
        yield "no place on the page"
    if not re.search(r"`[^`]+`|\"[^\"]+\"|\$[^$]+\$", words):
        yield "no quotation"
    if len(right) < 20 and "../" not in right and ".md" not in right:
        yield "nothing is said to be right"


@pytest.mark.parametrize("number", ROWS)
def test_a_row_can_be_looked_up(number):
    assert list(unlooked_up(*ROWS[number])) == []


GOOD = next(row for row in ROWS.values() if PINNED.search(row[0]) and "lines" in row[0])


@pytest.mark.parametrize(
    ("place", "old", "new", "fault"),
    [
        (0, r"\]\(https?://[^)]+\)", "]", "no address"),
        (0, r"/blob/[0-9a-f]{40}", "/blob/main", "no commit"),
        (0, r", lines .*", "", "no file and line"),
        (1, r"[`\"$]", "", "no quotation"),
        (2, r".+", "Wrong.", "nothing is said to be right"),
    ],
)
def test_a_row_that_cannot_is_seen(place, old, new, fault):
    row = list(GOOD)
    row[place] = re.sub(old, new, row[place])
    assert fault in list(unlooked_up(*row))


def test_every_row_is_read_and_numbered():
    assert list(ROWS) == list(range(1, len(ROWS) + 1))
    assert len(ROWS) == len(re.findall(r"^\| \d+ ", PRINTED.prose, re.MULTILINE))
    assert 40 <= len(ROWS) <= 80


def test_the_cells_speak_of_rows_that_are_there():
    printed = re.findall(
        r"^(\d[\d, ]*):", "\n".join(text for _, text in PRINTED.output_texts()), re.MULTILINE
    )
    numbers = {int(number) for numbers in printed for number in numbers.split(",")}
    assert len(numbers) >= 25
    assert numbers <= set(ROWS)


# --- the catalogue


def rows_that_name(bug):
    return [number for number, (_, _, right) in ROWS.items() if f"`{bug}`" in right]


def numbers_in(seen):
    assert re.fullmatch(r"slips in print, \d+(?:(?:, \d+)* and \d+)?", seen), seen
    return [int(number) for number in re.findall(r"\d+", seen)]


@pytest.mark.parametrize("bug", misconceptions.values(), ids=list(misconceptions))
def test_the_catalogue_says_seen_where_a_row_names_the_mistake(bug):
    said = [] if bug.seen == EXPECTED else numbers_in(bug.seen)
    assert said == rows_that_name(bug.name)


def test_rows_name_mistakes_that_exist():
    layers = "|".join({name.partition(".")[0] for name in misconceptions})
    named = set(re.findall(rf"`((?:{layers})\.\w+)`", ALL))
    assert named <= set(misconceptions)
    assert len(named) > 25


# --- the lessons, the readings, the problem sets


def without_a_row(text):
    """Addresses, names of others and hints at them in a text that no row of slips in print knows."""
    for address in ADDRESS.findall(text):
        repository = re.match(r"https?://github\.com/([\w.-]+/[\w.-]+)", address)
        known = repository[1] if repository else address.split("/")[2]
        if known not in ALL and not address.startswith(NOT_OTHERS):
            yield address
    for paragraph in re.split(r"\n\s*\n", text):
        yield from (name for name in NAME.findall(paragraph) if name not in ALL)
        if HINT.search(paragraph) and not ADDRESS.search(paragraph) and "slips_in_print" not in paragraph:
            yield HINT.search(paragraph)[0]


@pytest.mark.parametrize("path", TEXTS, ids=[path.name for path in TEXTS])
def test_every_attribution_has_its_row(path):
    assert list(without_a_row(text_of(path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "The line is from [a tutorial](https://github.com/nobody/nothing/blob/main/x.py).",
        "It is from [a post](https://nowhere.example/post).",
        "JAX computes the same.",
        "A well-known course has it wrong.",
        "Seen in pull request 43.",
    ],
)
def test_an_attribution_without_a_row_is_seen(text):
    assert list(without_a_row(text))
