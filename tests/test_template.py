"""The template that new lessons start from: it keeps the rules of the lessons, and has all their sections.

The lessons' step of tools/run_tests executes it again and compares its outputs, as it does for every lesson.
"""

import copy
import re

import nbformat
import pytest

from tests.lesson_rules import EQUATION_REFERENCE, FIRST_EDITION, HEADINGS, OWN_BODIES, RULES, Lesson
from tests.tool_loader import ROOT, load_tool

PATH = ROOT / "contributing" / "lesson_template.ipynb"
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
COMMON = [path for path in LESSONS if int(path.name[:2]) in FIRST_EDITION - {*OWN_BODIES}]
AUTHOR_LINE = re.compile(r"> \*For the author: \S[^\n*]+\.\*")
MOST_CELLS = 50  # short: it is read in a quarter of an hour, and copied


def as_template(text):
    """The file as a lesson of the number that its equations carry."""
    return Lesson("99_lesson_template.ipynb", text)


TEMPLATE = as_template(PATH.read_text(encoding="utf-8"))


def second_level(lesson):
    return [title for level, title in lesson.headings() if level == 2]


def sections(lesson):
    """{title: its cells} of the second-level headings; a heading begins its cell."""
    found, title = {}, None
    for cell in lesson.notebook.cells:
        heading = re.match(r"## (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            title = heading[1].strip()
        found.setdefault(title, []).append(cell)
    return found


def missing_headings(lesson):
    if second_level(lesson) != list(HEADINGS):
        yield f"the second-level headings are {second_level(lesson)}, expected {list(HEADINGS)}"


def missing_author_lines(lesson):
    """Each section starts with one line to the author, and the title is followed by one."""
    for cell in lesson.markdown_cells:
        lines = cell.source.split("\n")
        if re.match(r"##? ", lines[0]) and not (len(lines) > 2 and AUTHOR_LINE.fullmatch(lines[2])):
            yield f"no line to the author stands below {lines[0]!r}"
    said = sum(cell.source.count("For the author: ") for cell in lesson.markdown_cells)
    if said != 1 + len(HEADINGS):
        yield f"there are {said} lines to the author, not one for the title and each section"


def thin_sections(lesson):
    """Each section holds something that runs, and more text than the line to the author."""
    for title, cells in sections(lesson).items():
        if title is None:
            continue
        if not any(cell.cell_type == "code" for cell in cells):
            yield f"{title} has no code"
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        words = AUTHOR_LINE.sub("", text).split()
        if len(words) < 15:
            yield f"{title} has {len(words)} words beside the line to the author"


OWN_RULES = {rule.__name__: rule for rule in (missing_headings, missing_author_lines, thin_sections)}


@pytest.mark.parametrize("rule", [*RULES, *OWN_RULES])
def test_template_keeps_rule(rule):
    problems = list({**RULES, **OWN_RULES}[rule](TEMPLATE))
    assert not problems, "\n".join([f"{PATH.name}, {rule}:", *problems])


@pytest.mark.parametrize("path", COMMON, ids=lambda path: path.stem)
def test_headings_are_those_of_the_lessons(path):
    assert second_level(Lesson.read(path)) == second_level(TEMPLATE)


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
        code_with("import numpy as np").source + "\n" + code_with("class TanhCache").source,
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


def drop_explore(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("## Explore")]


def drop_author_line(notebook):
    cell = next(cell for cell in notebook.cells if cell.source.startswith("## Forward"))
    cell.source = "\n".join(line for line in cell.source.split("\n") if "For the author" not in line)


def split_author_line(notebook):
    cell = next(cell for cell in notebook.cells if cell.source.startswith("## Recap"))
    cell.source = cell.source.replace("> *For the author: the shape", "> *For the author:\n> the shape")


def drop_code_of_explore(notebook):
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type != "code" or not re.search(r"NudgeStage\(|np.linspace", cell.source)
    ]


def drop_text_of_gradient_check(notebook):
    notebook.cells = [cell for cell in notebook.cells if "What the check cannot see" not in cell.source]


def replace(notebook, old, new):
    cells = [cell for cell in notebook.cells if old in cell.source]
    assert cells, f"nothing to break: no cell has {old!r}"
    for cell in cells:
        cell.source = cell.source.replace(old, new)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("missing_headings", rename_heading),
        ("missing_headings", drop_explore),
        ("missing_author_lines", drop_author_line),
        ("missing_author_lines", split_author_line),
        ("thin_sections", drop_code_of_explore),
        ("thin_sections", drop_text_of_gradient_check),
    ],
)
def test_rule_sees_broken_template(rule, change):
    notebook = copy.deepcopy(TEMPLATE.notebook)
    change(notebook)
    assert list(OWN_RULES[rule](as_template(nbformat.v4.writes(notebook))))
