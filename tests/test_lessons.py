"""Every lesson keeps every rule; and every rule sees a lesson that breaks it."""

import re
from functools import cache

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.lesson_rules import EQUATION_REFERENCE, RULES, Lesson
from tests.synthetic_lesson import PIXEL, as_lesson, good_notebook
from tests.tool_loader import ROOT

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@cache
def lesson(name):
    return Lesson.read(ROOT / "notebooks" / name)


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("rule", RULES)
def test_lesson_keeps_rule(name, rule):
    problems = list(RULES[rule](lesson(name)))
    assert not problems, "\n".join([f"{name}, {rule}:", *problems])


def test_lessons_are_numbered_once():
    numbers = [name[:3] for name in LESSONS]
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", name) for name in LESSONS), LESSONS
    assert len(set(numbers)) == len(numbers), LESSONS


def test_equations_that_are_named_exist():
    """`equation (7.4)` in the code, its docstrings or another lesson is an equation of lesson 07."""
    tags = {lesson(name).number: set(lesson(name).tags()) for name in LESSONS}
    texts = {f"notebooks/{name}": lesson(name).prose for name in LESSONS}
    for folder in ("backprop_helpers", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    missing = [
        f"{place} names equation ({tag})"
        for place, text in texts.items()
        for tag in EQUATION_REFERENCE.findall(text)
        if int(tag.split(".")[0]) in tags and tag not in tags[int(tag.split(".")[0])]
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("rule", RULES)
def test_good_lesson_passes(rule):
    assert list(RULES[rule](as_lesson(good_notebook()))) == []


def last_code(notebook):
    return next(cell for cell in reversed(notebook.cells) if cell.cell_type == "code")


def first_code(notebook):
    return next(cell for cell in notebook.cells if cell.cell_type == "code")


def add_output(**data):
    def change(notebook):
        first_code(notebook).outputs.append(new_output("display_data", data))

    return change


def add_text(text):
    def change(notebook):
        notebook.cells.insert(1, new_markdown_cell(text))

    return change


def add_stream(text, name="stdout"):
    def change(notebook):
        first_code(notebook).outputs.append(new_output("stream", name=name, text=text))

    return change


def replace(old, new):
    def change(notebook):
        cells = [cell for cell in notebook.cells if old in cell.source]
        assert cells, f"nothing to break: no cell has {old!r}"
        for cell in cells:
            cell.source = cell.source.replace(old, new)

    return change


def forget_count(notebook):
    last_code(notebook).execution_count = None


def run_out_of_order(notebook):
    last_code(notebook).execution_count = 7


def fail(notebook):
    first_code(notebook).outputs = [new_output("error", ename="ValueError", evalue="", traceback=[])]


def silence_picture(notebook):
    show = next(cell for cell in notebook.cells if cell.source == "show()")
    show.outputs[0].metadata["image/png"].alt = " "


def save_widgets(notebook):
    notebook.metadata["widgets"] = {"state": {}}


def grow(notebook):
    add_stream("x" * 1_000_001)(notebook)


def other_kernel(notebook):
    notebook.metadata.kernelspec["name"] = "my-venv"


def other_kernel_name(notebook):
    notebook.metadata.kernelspec["display_name"] = "my venv"


def repeat_id(notebook):
    notebook.cells[3].id = notebook.cells[2].id


def bad_id(notebook):
    notebook.cells[3].id = "a b"


def swap_sections(notebook):
    notebook.cells[2], notebook.cells[3] = notebook.cells[3], notebook.cells[2]


def drop_section(notebook):
    del notebook.cells[2]


def drop_reason(notebook):
    del last_code(notebook).metadata["reason"]


def free_seven(notebook):
    for _ in range(6):
        notebook.cells.append(
            new_code_cell("1", metadata={"tags": ["nbval-ignore-output"], "reason": "it varies"})
        )


def skip_cell(notebook):
    first_code(notebook).metadata["tags"] = ["nbval-skip"]


def expect_error(notebook):
    first_code(notebook).metadata["tags"] = ["raises-exception"]


def drop_equation(notebook):
    notebook.cells = [cell for cell in notebook.cells if "\\tag" not in cell.source]


def scrolled(notebook):
    first_code(notebook).metadata["scrolled"] = True


def comment_in_picture(notebook):
    from tests.synthetic_lesson import with_comment

    next(c for c in notebook.cells if c.source == "show()").outputs[0].data["image/png"] = with_comment(PIXEL)


MAC_PATH = "/" + "Users/somebody/lesson"
LINUX_PATH = "/" + "home/somebody/lesson.py"
WINDOWS_PATH = "C:" + "\\Users\\somebody"
SECOND_TITLE = "# Another title"

BROKEN = [
    ("executed_top_to_bottom", forget_count),
    ("executed_top_to_bottom", run_out_of_order),
    ("no_errors", fail),
    ("no_stderr", add_stream("a warning\n", name="stderr")),
    ("no_absolute_paths", add_stream(f"saved to {LINUX_PATH}\n")),
    ("no_absolute_paths", add_text(f"Look in `{MAC_PATH}`.")),
    ("no_absolute_paths", add_stream(f"saved to {WINDOWS_PATH}\n")),
    ("no_widget_state", save_widgets),
    ("no_widget_state", add_output(**{"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})),
    ("small", grow),
    ("plain_kernelspec", other_kernel),
    ("plain_kernelspec", other_kernel_name),
    ("cell_ids", repeat_id),
    ("cell_ids", bad_id),
    ("png_only", add_output(**{"image/svg+xml": "<svg/>"})),
    ("png_only", add_output(**{"image/jpeg": PIXEL})),
    ("described_pictures", add_output(**{"image/png": PIXEL})),
    ("described_pictures", silence_picture),
    ("one_title", add_text(SECOND_TITLE)),
    ("one_title", replace("# 06 ", "## 06 ")),
    ("heading_levels", add_text("### Too deep")),
    ("common_headings", swap_sections),
    ("common_headings", drop_section),
    ("common_headings", replace("## All at once", "## All At Once")),
    ("common_headings", add_text("## Something else")),
    ("free_cells", drop_reason),
    ("free_cells", free_seven),
    ("no_other_exemptions", skip_cell),
    ("no_other_exemptions", expect_error),
    ("no_other_exemptions", replace("x = 3", "# NBVAL_IGNORE_OUTPUT\nx = 3")),
    ("no_bare_numpy_scalars", add_stream("np.float64(0.5)\n")),
    ("no_bare_numpy_scalars", add_output(**{"text/plain": "np.True_"})),
    ("no_memory_addresses", add_output(**{"text/plain": "<function f at 0x7f1234567890>"})),
    ("tagged_equations", replace("\\tag{6.1}", "\\tag{5.1}")),
    ("tagged_equations", add_text("$$y = 2x\\tag{6.1}$$")),
    ("tagged_equations", add_text("$$y = 2x\\tag{6.2}$$")),  # before (6.1)
    ("tagged_equations", replace("\n\\end{aligned}\\tag{6.1}", "\\tag{6.1}\n\\end{aligned}")),
    ("tagged_equations", replace("\\tag{6.1}", "\\tag{6.1}\\tag{6.2}")),
    ("tagged_equations", replace("$$\\begin{aligned}", "\\begin{aligned}")),
    ("tagged_equations", replace("{aligned}", "{align}")),
    ("executed_equations", replace('holds("6.1", ', "print(")),
    ("executed_equations", replace('holds("6.1", ', '# holds("6.1", \nprint(')),
    ("executed_equations", drop_equation),
    ("normal_form", scrolled),
    ("normal_form", comment_in_picture),
    ("normal_form", add_stream("10 %\r20 %\n")),
]


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_rule_sees_broken_lesson(rule, change):
    notebook = good_notebook()
    change(notebook)
    assert list(RULES[rule](as_lesson(notebook))), f"{rule} did not see {change.__name__}"


def test_every_rule_is_seen_to_fail():
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_headings_inside_code_are_no_headings():
    notebook = good_notebook()
    add_text("```python\n# a comment\n## another\n```")(notebook)
    assert list(RULES["one_title"](as_lesson(notebook))) == []
    assert list(RULES["common_headings"](as_lesson(notebook))) == []


@pytest.mark.parametrize("heading", ["## On paper", "## The card"])
def test_sections_may_not_be_absent(heading):
    notebook = good_notebook(99)
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith(heading)]
    assert list(RULES["common_headings"](as_lesson(notebook, "99_synthetic.ipynb")))


@pytest.mark.parametrize("number", [11, 12])
def test_lessons_with_a_body_of_their_own_end_alike(number):
    notebook = good_notebook(number=number)
    drop_section(notebook)
    assert list(RULES["common_headings"](as_lesson(notebook, f"{number:02}_synthetic.ipynb"))) == []
    del notebook.cells[-1]
    assert list(RULES["common_headings"](as_lesson(notebook, f"{number:02}_synthetic.ipynb")))
