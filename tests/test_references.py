"""Every number of a lesson, an equation or an exercise leads to what is there, and to what its sentence says.

To be there is not enough: after a renumbering a stale number still leads to some lesson. So the sentence
around a number has to use a word of that lesson's subject: nine of ten numbers that were not moved are found.
"""

import io
import re
import tokenize
from functools import cache
from types import SimpleNamespace

import pytest

from backprop_helpers.checking import check
from tests.lesson_rules import TAG, Lesson
from tests.test_house import text_files
from tests.tool_loader import ROOT

# What sentences about a lesson say, and those about its neighbours mostly do not.
SUBJECTS = {
    0: r"nudg|chain rule|vector–Jacobian|matrix product|index pattern|\bmask that|masks nothing|"
    r"mask is all ones|\bstory\b|\blie\b|whole numbers",
    1: r"checks?\b|complex step|numerical derivative|kinks?\b|gradients agree|slopes of its forward function",
    2: r"[Ff]ully connected|Z = X ?W|over examples|summed over the batch|one input and one output|\bones\b|"
    r"by the transpose|\$dP\$|single layer|db = dz|outer product",
    3: r"ReLU|\bmasks?\b|\bdead\b|element-wise|\bkink",
    4: r"[Ss]oftmax|cross-entropy|\\hat Y|\bscores?\b|gradient of the loss \(",
    5: r"[Ff]orward|sliding|\bslid\b|im2col|worked example|row of \$P\$|derives Z",
    6: r"[Ww]eights?\b|\bdW\b|\bbias\b|one matrix product|3×3 image|stand-in|as large as \$P\$",
    7: r"\binput\b|\bdX\b|pixel|turned|rotat|minus|subtract|flip|from its other end",
    8: r"general case|stride|padding|dilation|restriction|negative",
    9: r"[Pp]ool|\bwinner|\bties?\b|[Oo]f equal|both modes",
    10: r"[Ww]hole network|ladder|[Ff]latten|by hand|in a row|\\delta|initiali[sz]e",
    11: r"MNIST|\btrain|recipe|epoch|momentum|learning rate|\bnetwork,|gradients of the loss at",
    12: r"\bfast\b|half a minute|bargain",
}
ANY_SUBJECT = re.compile("|".join(SUBJECTS.values()))
# Lessons on convolution that are named together.
CONVOLUTIONS, CONVOLUTION = (
    {5, 6, 7, 8},
    r"[Cc]onvol|kernel|window|3×3 image|worked example|whole numbers|claim",
)
# Sentences that say it in words of no or of another lesson: a piece of each, and where it may lead.
OTHERWISE = {
    "Lessons 00 to 12, each equation": {0, 12},
    "with nothing installed, to": {0},
    "every cache empty, opens": {0},
    "for the why": {2, 10},
    "The sums are those of": {2, 10},
    "lessons 05 to 08": {5, 8},
    "lessons 02, 03 and 09": {2, 3, 9},
    "they call the layers one by one": {10},
    "The formula of": {5, 6},
    "tools/open_lessons 7": {7},
    "lesson 00 is open": {0},
    "**You need:** lessons 10 and 11": {10, 11},
}

NUMBER = r"(?<![\d.])\d\d(?![\d%]|\.\d| %)"
LESSONS = re.compile(
    rf"\b(?:[Ll]essons?|From)\s+{NUMBER}(?:(?:,\s+(?:and\s+)?|\s+to\s+|\s+and\s+|\s+or\s+){NUMBER})*"
)
LINK = re.compile(
    rf"\[(?:[Ll]esson )?(?P<label>{NUMBER})?[^\]]*\]\([^)\s]*?(?P<number>\d\d)_\w+\.(?:ipynb|html)[^)]*\)"
)
ROW = re.compile(
    rf"^\| (?P<label>{NUMBER}) \| \[[^\]]*\]\([^)\s]*?(?P<number>\d\d)_\w+\.ipynb\)", re.MULTILINE
)
EQUATION = re.compile(r'(?:(?<!\w)\(|\bholds\(\s*")(\d{1,2}\.\d{1,2}[a-z]?)(?:\)|")')
EXERCISE = re.compile(r"(?<![\d.])(\d\d\.\d)(?!\d|\.\d)")
STEP = re.compile(r"(?<![\w./])(\d\d\.[A-Za-z]\w*)")
SENTENCE = re.compile(
    r'(?<=[.!?])["\')*]*\s+(?=[A-Z"(*\[`$-])|\n\s*\n|\n(?=\s*(?:[-|>]|\d\.) )|\n(?=\s*""")|,\s(?=lesson )'
)
PARAGRAPH = re.compile(r"\n\s*\n")
FILES = {path.stem: path for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
FILE = re.compile(r"(?<![\w/])(?:notebooks/)?(\d\d)_(" + "|".join(name[3:] for name in FILES) + r")\b")


@cache
def tags():
    """The numbers of all equations."""
    return {tag for path in FILES.values() for tag in TAG.findall(Lesson.read(path).prose)}


def text(place, words, lesson=None, prose=True):
    """A piece of text; `lesson`: of which lesson it is a part; `prose`: not also code."""
    return SimpleNamespace(place=place, words=words, lesson=lesson, prose=prose)


def said_in(name, source):
    """The comments and texts of a Python file: its numbers are the ones that a reader meets."""
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None)}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [text(f"{name}:{token.start[0]}", token.string) for token in tokens if token.type in kinds]


@cache
def texts():
    """All that readers meet. Tests are left out: some invent lessons; and releases, made of their sources."""
    found = []
    for name, content in text_files():
        if name.startswith(("tests/", "assignments/release/")):
            continue
        if name.endswith(".ipynb"):
            lesson = Lesson(name.split("/")[-1], content)
            number = lesson.number if lesson.name[:-6] in FILES else None
            for cell in lesson.notebook.cells:
                words = "\n".join([cell.source, *cell.metadata.get("tags", [])])
                found.append(text(f"{name}, cell {cell.id}", words, number, cell.cell_type == "markdown"))
        elif name.endswith((".md", ".js", ".css", ".html", ".toml", ".yml", ".cff")):
            found.append(text(name, content))
        elif name.endswith(".py") or name.startswith("tools/"):
            found += said_in(name, content)
    return found


def around(words, match, border):
    """What stands between the borders before and after a match."""
    cuts = [0, *(cut.end() for cut in border.finditer(words)), len(words)]
    return words[max(c for c in cuts if c <= match.start()) : min(c for c in cuts if c >= match.end())]


def speaks_of(numbers, words, match):
    """Whether the sentence around a match, or else its paragraph or the title, speaks of these lessons."""
    sentence = around(words, match, SENTENCE)
    silent = (part for part in (sentence, around(words, match, PARAGRAPH), words) if ANY_SUBJECT.search(part))
    said = next(silent, "").replace(match[0], " ")
    if len(numbers) > 1 and CONVOLUTIONS.issuperset(numbers) and re.search(CONVOLUTION, said):
        return True
    return all(
        number in said_otherwise(sentence)
        or re.search(SUBJECTS[number], said)
        or f"({number}." in sentence.replace(match[0], "")
        for number in numbers
    )


def said_otherwise(sentence):
    """The lessons that a sentence may name though it does not use their words."""
    words = " ".join(sentence.split())
    return set().union(*(lessons for piece, lessons in OTHERWISE.items() if piece in words))


def numbers_in(match):
    """The lessons that "lessons 05 to 08" names: of a range its two ends."""
    return [int(number) for number in re.findall(r"\d\d", match[0])]


def stale_lessons(t):
    for match in LESSONS.finditer(t.words):
        numbers = numbers_in(match)
        if not SUBJECTS.keys() >= set(numbers):
            yield f"{match[0]}: there is no such lesson"
        elif numbers == [t.lesson]:
            yield f"{match[0]}: a lesson does not speak of itself by its number"
        elif not speaks_of(numbers, t.words, match):
            sentence = around(t.words, match, SENTENCE)
            yield f"{match[0]}: its sentence speaks of something else: {sentence[:150]!r}"


def stale_links(t):
    for match in [*LINK.finditer(t.words), *ROW.finditer(t.words)]:
        if match["label"] and match["label"] != match["number"]:
            yield f"{match[0]}: the text says {match['label']}, the link leads to {match['number']}"
    for match in FILE.finditer(t.words):
        if f"{match[1]}_{match[2]}" not in FILES:
            yield f"{match[0]}: there is no such lesson"


def stale_equations(t):
    for match in EQUATION.finditer(t.words):
        number = int(match[1].split(".")[0])
        line = t.words[t.words.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not (t.prose or re.search(r'#|"""|"[^"]*$', line)):
            continue  # a number of the code
        if number == 99:
            continue  # the template's
        if match[1] not in tags():
            yield f"{match[0]}: there is no such equation"
            continue
        sentence = around(t.words, match, SENTENCE)
        named = {number for lessons in LESSONS.finditer(sentence) for number in numbers_in(lessons)}
        if t.lesson is None and named and number not in named:
            yield f"{match[0]}: an equation of lesson {number:02} beside another lesson's number"
        if t.lesson not in (None, number) and number not in named | said_otherwise(sentence):
            yield f"{match[0]}: an equation of lesson {number:02}, which its sentence does not name"


def stale_exercises(t):
    known = {exercise.number for exercise in check.exercises.values()}
    for match in EXERCISE.finditer(t.words):
        if match[1].startswith("99."):
            continue  # the template's
        if match[1] not in known:
            if match[1].startswith("0") or re.search(r"xercise[ -]$|reveal\(\W*$", t.words[: match.start()]):
                yield f"{match[0]}: there is no such exercise"
        elif t.lesson is not None and match[1].startswith("0") and int(match[1][:2]) != t.lesson:
            yield f"{match[0]}: an exercise of another lesson"


def stale_steps(t):
    for match in STEP.finditer(t.words):
        if match[1].startswith("99."):
            continue  # the template's
        if match[1] not in check.steps:
            yield f"{match[0]}: there is no such step"
        elif t.lesson not in (None, int(match[1][:2])):
            yield f"{match[0]}: a step of another lesson"


RULES = (stale_lessons, stale_links, stale_equations, stale_exercises, stale_steps)


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_stale(rule):
    problems = [f"{t.place}: {problem}" for t in texts() for problem in rule(t)]
    assert not problems, "\n".join(problems)


def test_a_lesson_says_its_own_number():
    for name, path in FILES.items():
        assert Lesson.read(path).headings()[0][1].startswith(f"{name[:2]} · ")
    assert [int(name[:2]) for name in sorted(FILES)] == list(SUBJECTS)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (stale_lessons, "The 1/M of the mean is in the gradient that softmax hands down (lesson 03)."),
        (stale_lessons, "Convolution: the same small kernel, slid over every image (lessons 04 to 07)."),
        (stale_lessons, "**You need.** From lesson 00: the nudge. From lesson 00: kinks."),
        (stale_lessons, "See lesson 13."),
        (stale_links, "[05](06_convolution_weights_and_bias.ipynb#Forward)"),
        (stale_links, "[05 · Weights and bias](06_convolution_weights_and_bias.ipynb)"),
        (stale_links, "| 05 | [Weights and bias](notebooks/06_convolution_weights_and_bias.ipynb) | 75 |"),
        (stale_links, "notebooks/05_convolution_weights_and_bias.ipynb"),
        (stale_lessons, "**Next.** Lesson 07, the input: the kernel turns round."),
        (stale_equations, "by equation (7.99)"),
        (stale_equations, "The pixel's gradient is (6.5): zeros around dZ, kernel turned round."),
        (stale_equations, "The gradient of the weights, (6.5), slides over X."),
        (stale_exercises, "cut out this rectangle in 04.1."),
        (stale_exercises, 'check.reveal("05.9")'),
        (stale_exercises, "### Exercise 06.1 · One matrix product"),
        (stale_steps, 'check.line("07.croner", dx_corner)'),
        (stale_steps, 'check.line("06.dw", dw)'),
    ],
)
def test_a_planted_stale_number_is_seen(rule, words):
    assert list(rule(text("planted", words, lesson=7)))


def test_numbers_that_were_not_moved_are_mostly_seen():
    """Each reference once with the number that stood there before everything moved by one."""
    seen = []
    for t in texts():
        for match in LESSONS.finditer(t.words):
            before = [number - 1 for number in numbers_in(match)]
            if min(before) >= 0:
                seen.append(not speaks_of(before, t.words, match))
    assert len(seen) > 150
    assert sum(seen) >= 0.85 * len(seen), f"{sum(seen)} of {len(seen)}"


def test_sentences_that_say_it_otherwise_are_there():
    everything = " ".join(" ".join(t.words.split()) for t in texts())
    assert [piece for piece in OTHERWISE if piece not in everything] == []


def test_problem_sets_need_the_lessons_that_the_plan_has_before_them():
    plan = (ROOT / "assignments" / "README.md").read_text(encoding="utf-8")
    lessons, seen = [], []
    for lesson, home in re.findall(r"^\| \d? ?\| (\d\d) \| .* \| (ps\d)? ?\|$", plan, re.MULTILINE):
        lessons.append(lesson)
        if home:
            path = ROOT / "assignments" / "source" / home / f"{home}.ipynb"
            need = LESSONS.search(Lesson.read(path).notebook.cells[0].source)
            assert re.findall(r"\d\d", need[0]) == lessons, home
            lessons, seen = [], [*seen, home]
    assert seen == ["ps1", "ps2", "ps3", "ps4", "ps5"]
