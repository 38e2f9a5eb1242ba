"""The form of the second edition: rewritten lessons keep it, and each rule sees a lesson that does not."""

import ast
import contextlib
import copy
import io
import re
from functools import cache

import pytest

from tests.lesson_rules import FREE, RULES, SECOND_EDITION, STAGE, Lesson
from tests.synthetic_lesson import as_lesson
from tests.tool_loader import ROOT

PATHS = {int(path.name[:2]): path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
NUMBERS = list(PATHS)
PATTERN = 2  # the lesson that the others copy


@cache
def lesson(number):
    return Lesson.read(PATHS[number])


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("rule", SECOND_EDITION, ids=lambda rule: rule.__name__)
def test_lesson_keeps_rule(number, rule):
    assert list(rule(lesson(number))) == []


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def replaced(old, new):
    def change(notebook):
        cell = cell_with(notebook, old)
        cell.source = cell.source.replace(old, new)

    return change


def longer(notebook, where=0, text="More and more. " * 50):
    notebook.cells[where].source += f"\n\n{text}"


def no_stage(notebook):
    notebook.cells[1].outputs[0].data.pop(STAGE)


def late(notebook):
    longer(notebook, 2, "Words before anything is done. " * 60)


def endless(notebook):
    longer(notebook, -1, "One word more. " * 800)


def much_folded(notebook):
    longer(notebook, -1, f"<details>{'Words in a fold. ' * 400}</details>")


def drop_steps(notebook):
    steps = [cell for cell in notebook.cells if "check.line(" in cell.source]
    notebook.cells = [cell for cell in notebook.cells if cell not in steps[:3]]


def say_true(notebook):
    texts = [out for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    for output in texts[:3]:
        output.text += "all equal: True\n"


def show(part, text):
    def change(notebook):
        cell_with(notebook, text).metadata.pop("jupyter")

    change.__name__ = f"show_{part}"
    return change


def ask_in_text(notebook):
    cell_with(notebook, "## Forward").source += "\n\n> **Predict first.** How many?"


def drop_pictures(notebook):
    for cell in notebook.cells[-4:]:
        cell.outputs = []


def drop_formulas(notebook):
    card = cell_with(notebook, "## The card")
    card.source = card.source.replace("| $", "| ")


CHANGES = [
    ("opens_with_a_stage", longer),
    ("opens_with_a_stage", no_stage),
    ("opens_with_a_stage", late),
    ("short", endless),
    ("short", much_folded),
    ("steps", drop_steps),
    ("steps", replaced("row_moved = ...  # yours: two numbers", "row_moved = w[2]")),
    ("numbers_not_truths", say_true),
    ("answers_are_kept", show("source", "How many of the eight outputs")),
    ("answers_are_kept", show("outputs", "def nudged(")),
    ("answers_are_kept", ask_in_text),
    ("statements_in_stubs", replaced("None of the arrays", "Do it. " * 60 + "None of the arrays")),
    ("card", replaced("## The card", "## A card")),
    ("card", replaced("**The one mistake.**", "A mistake.")),
    ("card", replaced("dx, dw, db = dz @ w.T, x.T @ dz,", "dx = dz @ w.T\ndw, db = x.T @ dz,")),
    ("card", replaced("**5.** ", "**6.** ")),
    ("card", replaced("</details>\n\n**3.**", "**3.**")),
    ("card", drop_pictures),
    ("card", drop_formulas),
    ("no_captions_apart", replaced("Ten times the digit", "**How to read it.** Ten times the digit")),
]


@pytest.mark.parametrize(("rule", "change"), CHANGES)
def test_rule_sees_a_lesson_that_breaks_it(rule, change):
    rules = {rule.__name__: rule for rule in SECOND_EDITION}
    notebook = copy.deepcopy(lesson(PATTERN).notebook)
    change(notebook)
    assert list(rules[rule](as_lesson(notebook, PATHS[PATTERN].name)))


def test_every_rule_is_seen_to_fail():
    assert {rule for rule, _ in CHANGES} == {rule.__name__ for rule in SECOND_EDITION}


def test_headings_are_those_of_the_second_edition():
    notebook = copy.deepcopy(lesson(PATTERN).notebook)
    replaced("## On paper", "## By hand")(notebook)
    assert list(RULES["common_headings"](as_lesson(notebook, PATHS[PATTERN].name)))


def test_the_loop_that_trains_has_twenty_lines():
    """All of it stands in lesson 11: no line of it is in a docstring, or in a function that it calls."""
    trees = [ast.parse(cell.source) for cell in lesson(11).code_cells]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    lines = 0
    for function in (f for f in functions if f.name in ("backprop", "one_epoch")):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines += 1 + body[-1].end_lineno - body[0].lineno + 1
    assert 15 < lines <= 20


# --- the questions of a card come back: 1 and 2 one lesson later, 3 and 4 three later, 5 seven later

LATER = {1: 1, 2: 1, 3: 3, 4: 3, 5: 7}


def questions_that_come_back(number, asked):
    """The texts that `### Back again` of a lesson must have; asked: {rewritten lesson: its questions}."""
    return [
        question
        for lesson_before, texts in sorted(asked.items())
        for n, (question, _) in texts.items()
        if lesson_before + LATER[n] == number
    ]


@pytest.mark.parametrize("number", NUMBERS)
def test_questions_come_back(number):
    text = lesson(number).prose.partition("### Back again")[2]
    missing = [
        question
        for question in questions_that_come_back(number, {n: lesson(n).questions() for n in NUMBERS})
        if question not in text
    ]
    assert missing == []


def test_where_questions_come_back():
    asked = {2: lesson(PATTERN).questions()}
    counts = {number: len(questions_that_come_back(number, asked)) for number in range(13)}
    assert {number: count for number, count in counts.items() if count} == {3: 2, 5: 2, 9: 1}


# --- any cell again, after the last


def shown_by(source, namespace):
    """What a cell prints, and the line that stands for its last value."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, "cell", "exec"), namespace)
        value = None if last is None else eval(ast.unparse(last), namespace)
    return out.getvalue() + ("" if value is None else repr(value))


def sections(notebook):
    """[(heading, its code cells)], in order."""
    found = [("opening", [])]
    for cell in notebook.cells:
        heading = re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        found += [(title, []) for title in heading]
        if cell.cell_type == "code":
            found[-1][1].append(cell)
    return found


def changed_by_a_second_run(notebook):
    """The sections that fail or show something else when they run again after everything else has run."""
    names = {"__name__": "__main__"}
    first = {cell.id: shown_by(cell.source, names) for _, cells in sections(notebook) for cell in cells}
    for title, cells in sections(notebook):
        again = dict(names)
        for cell in cells:
            try:
                shown = shown_by(cell.source, again)
            except Exception as error:
                shown = repr(error)
            if shown != first[cell.id] and FREE not in cell.metadata.get("tags", []):
                yield f"{title}, cell {cell.id}: {first[cell.id][:200]!r} became {shown[:200]!r}"


# A lesson that trains for minutes runs here with fewer digits, networks and epochs: what its constants say
# has to act.
SHORTER = {
    11: {
        "mnist = load_mnist()": "mnist = load_mnist()\nmnist = mnist._replace(\n"
        "    train_images=mnist.train_images[:6000], train_labels=mnist.train_labels[:6000]\n)",
        "for seed in range(6)": "for seed in range(1)",
        "epochs=60": "epochs=6",
    },
}


@pytest.mark.parametrize("number", NUMBERS)
def test_every_section_can_run_again(number):
    notebook = copy.deepcopy(lesson(number).notebook)
    for old, new in SHORTER.get(number, {}).items():
        assert any(old in cell.source for cell in notebook.cells)
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    assert list(changed_by_a_second_run(notebook)) == []
