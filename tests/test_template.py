"""The template that new lessons start from: it keeps the rules of the lessons, and has all their sections.

The lessons' step of tools/run_tests executes it again and compares its outputs, as it does for every lesson.
"""

import copy
import re

import nbformat
import pytest

from tests.lesson_rules import (
    ENDINGS,
    EQUATION_REFERENCE,
    PARTS,
    RULES,
    SECOND_EDITION,
    Lesson,
)
from tests.tool_loader import ROOT, load_tool

PATH = ROOT / "contributing" / "lesson_template.ipynb"
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
COMMON = [path for path in LESSONS if int(path.name[:2]) not in ENDINGS]
AUTHOR_LINE = re.compile(r"> \*For the author: \S[^\n*]+\.\*")
MOST_CELLS = 50  # short: it is read in a quarter of an hour, and copied


def as_template(text):
    """The file as a lesson of the number that its equations carry."""
    return Lesson("99_lesson_template.ipynb", text)


TEMPLATE = as_template(PATH.read_text(encoding="utf-8"))


def second_level(lesson):
    return [title for level, title in lesson.headings() if level == 2]


def sections(lesson):
    """{title: its texts and codes} of the second-level headings."""
    found, title = {None: ([], [])}, None
    for cell in lesson.notebook.cells:
        if cell.cell_type == "code":
            found[title][1].append(cell.source)
            continue
        above, *parts = re.split(r"^## (.+)$", cell.source, flags=re.MULTILINE)
        found[title][0].append(above)
        for title, text in zip(parts[::2], parts[1::2]):
            found[title] = ([text], [])
    return found


def missing_headings(lesson):
    if second_level(lesson) != list(PARTS):
        yield f"the second-level headings are {second_level(lesson)}, expected {list(PARTS)}"


def missing_author_lines(lesson):
    """Each section starts with one line to the author, and the title is followed by one."""
    lines = "\n".join(cell.source for cell in lesson.markdown_cells).split("\n")
    for line, below in zip(lines, lines[2:]):
        if re.match(r"##? ", line) and not AUTHOR_LINE.fullmatch(below):
            yield f"no line to the author stands below {line!r}"


def thin_sections(lesson):
    """Each section holds something that runs, and more text than the line to the author."""
    for title, (texts, codes) in sections(lesson).items():
        if title is not None and not codes:
            yield f"{title} has no code"
        words = AUTHOR_LINE.sub("", "\n".join(texts)).split()
        if title is not None and len(words) < 12:
            yield f"{title} has {len(words)} words beside the line to the author"


OWN_RULES = {rule.__name__: rule for rule in (missing_headings, missing_author_lines, thin_sections)}


ALL_RULES = RULES | {rule.__name__: rule for rule in SECOND_EDITION} | OWN_RULES


@pytest.mark.parametrize("rule", ALL_RULES)
def test_template_keeps_rule(rule):
    problems = list(ALL_RULES[rule](TEMPLATE))
    assert not problems, "\n".join([f"{PATH.name}, {rule}:", *problems])


@pytest.mark.parametrize("path", COMMON, ids=lambda path: path.stem)
def test_headings_are_those_of_the_lessons(path):
    assert second_level(Lesson.read(path)) == second_level(TEMPLATE)


def test_a_lesson_has_other_headings_only_where_the_rules_say_so():
    assert len(COMMON) >= 8


def test_every_equation_has_been_held():
    assert list(TEMPLATE.held()) == TEMPLATE.tags()
    assert len(TEMPLATE.tags()) >= 5


def test_equations_that_are_named_exist():
    texts = [TEMPLATE.prose, *(cell.source for cell in TEMPLATE.code_cells)]
    named = {tag for text in texts for tag in EQUATION_REFERENCE.findall(text)}
    named |= {tag for text in texts for tag in re.findall(r"\((99\.\d+)\)", text)}
    assert named
    assert named <= set(TEMPLATE.tags())


def test_it_is_short():
    assert len(TEMPLATE.notebook.cells) <= MOST_CELLS


def test_it_is_executed_again_with_the_lessons():
    run_tests, refresher = load_tool("run_tests"), load_tool("refresh_lessons")
    assert PATH in run_tests.lesson_files()
    assert set(LESSONS) <= set(run_tests.lesson_files())
    assert refresher.parse([str(PATH), "--check"]).lessons == [PATH]


def code_with(text):
    (cell,) = (cell for cell in TEMPLATE.code_cells if text in cell.source)
    return cell


def test_the_exercise_reports_an_untouched_stub_calmly():
    stub, check = code_with("raise NotImplementedError"), code_with("def check_sigmoid_backward")
    cells = TEMPLATE.notebook.cells
    assert cells.index(check) == cells.index(stub) + 1
    (output,) = check.outputs
    assert output.output_type == "stream"
    assert "not attempted yet" in output.text


def test_the_folded_solution_passes_the_check_and_a_slip_does_not():
    (solution,) = re.findall(
        r"<details>.*?```python\n(.*?)```.*?</details>",
        "\n".join(cell.source for cell in TEMPLATE.markdown_cells),
        re.DOTALL,
    )
    names = {}
    for text in (
        "import numpy as np",
        "rng = np.random",
        "raise NotImplementedError",
        "def check_sigmoid_backward",
    ):
        exec(code_with(text).source, names)
    assert names["check_sigmoid_backward"](names["sigmoid_backward"]) is None
    exec(solution, names)
    assert names["check_sigmoid_backward"](names["sigmoid_backward"]).passed
    assert not names["check_sigmoid_backward"](lambda ds, s: ds * (1 - s**2)).passed


def test_the_layer_is_the_one_that_contributing_works_through():
    """Both pages teach the same pair: the same numbers, and a cache with the same field."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pairs = []
    for source in (
        re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0],
        "from typing import NamedTuple\nimport numpy as np\n"
        + code_with("class TanhCache").source.partition("\n\n\nout, cache")[0],
    ):
        names = {"__name__": "tanh"}
        exec(source, names)
        z = names["np"].linspace(-3, 3, 12).reshape(3, 4)
        a, cache = names["tanh_forward"](z)
        pairs.append((a, names["tanh_backward"](z + 1, cache), cache._fields))
    (a, dz, fields), (own_a, own_dz, own_fields) = pairs
    assert (a == own_a).all()
    assert (dz == own_dz).all()
    assert fields == own_fields


def rename_heading(notebook):
    replace(notebook, "## On paper", "## By hand")


def drop_section(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("## In code")]


def drop_author_line(notebook):
    replace(notebook, "> *For the author: the definition", "The definition")


def split_author_line(notebook):
    replace(notebook, "> *For the author: one figure", "> *For the author:\n> one figure")


def drop_code_of_all_at_once(notebook):
    notebook.cells = [cell for cell in notebook.cells if 'holds("99.6"' not in cell.source]


def drop_text_of_the_maps(notebook):
    replace(notebook, "The first convolution of the series' network, trained with ReLU. We take", "Take")
    replace(notebook, "its pre-activations and the gradient that arrives above its ReLU, and", "Z and")


def replace(notebook, old, new):
    cells = [cell for cell in notebook.cells if old in cell.source]
    assert cells, f"nothing to break: no cell has {old!r}"
    for cell in cells:
        cell.source = cell.source.replace(old, new)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("missing_headings", rename_heading),
        ("missing_headings", drop_section),
        ("missing_author_lines", drop_author_line),
        ("missing_author_lines", split_author_line),
        ("thin_sections", drop_code_of_all_at_once),
        ("thin_sections", drop_text_of_the_maps),
    ],
)
def test_rule_sees_broken_template(rule, change):
    notebook = copy.deepcopy(TEMPLATE.notebook)
    change(notebook)
    assert list(OWN_RULES[rule](as_template(nbformat.v4.writes(notebook))))
