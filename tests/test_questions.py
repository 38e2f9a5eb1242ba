"""The answers in notebooks/more/questions.md: their code prints what stands below it, their claims hold."""

import ast
import contextlib
import io
import re

import numpy as np
import pytest

from backprop_helpers.layers import conv_backward, conv_forward, fc_forward, output_size, relu_forward
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

PAGE = ROOT / "notebooks" / "more" / "questions.md"
TEXT = PAGE.read_text(encoding="utf-8")
ANSWERS = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
CODE = re.compile(r"```.*?```", re.DOTALL)
BLOCK = re.compile(r"```python\n(.*?)```(?:\n```\n(.*?)```)?", re.DOTALL)


def printed(code, namespace):
    """What a notebook would show below this code: what it prints, and its last value."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, "questions.md", "exec"), namespace)
        value = None if last is None else eval(ast.unparse(last), namespace)
    return out.getvalue() + ("" if value is None else f"{value!r}\n")


def test_every_block_shows_what_stands_below_it():
    namespace, shown = {}, 0
    for code, output in BLOCK.findall(TEXT):
        assert printed(code, namespace) == output, code
        shown += bool(output)
    assert shown == len(ANSWERS)
    assert TEXT.count("```python") == shown + 1


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer.splitlines()[0] for answer in ANSWERS])
def test_an_answer_is_short_and_its_links_lead_to_a_heading(answer):
    prose = CODE.sub("", answer.partition("\n")[2])
    assert len(re.sub(r"\]\(.*?\)", "", prose).split()) <= 120
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        name, _, heading = target.partition("#")
        path = (PAGE.parent / name).resolve()
        assert heading in Lesson.read(path).anchors(), target


def test_a_slice_without_slack_has_every_entry_and_with_it_ends_inside():
    """The first answer's two claims, for all small geometries."""
    for size in range(3, 12):
        for kernel in range(1, size + 1):
            for stride in range(1, 5):
                for padding in range(3):
                    count = output_size(size, kernel, stride=stride, padding=padding)
                    padded = size + 2 * padding
                    ends = [u + stride * count for u in range(kernel)]
                    assert ends[-1] <= padded + stride - 1
                    for u, end in enumerate(ends):
                        assert len(range(padded)[u:end:stride]) == count


def test_output_padding_is_the_remainder():
    """Two sizes, one output; and with padding the row that no window reads may be one that is cut off."""
    assert output_size(7, 3, stride=2) == output_size(8, 3, stride=2) == 3
    assert (3 - 1) * 2 + 3 == 7
    x, w = np.ones((1, 8, 8, 1)), np.ones((3, 3, 1, 1))
    z, cache = conv_forward(x, w, np.zeros(1), stride=2, padding=1)
    dx, _, _ = conv_backward(np.ones(z.shape), cache)
    assert dx[0, 7].all()


def test_closed_units_leave_the_bias_alone():
    rng = np.random.default_rng(0)
    closed, _ = relu_forward(-np.abs(rng.normal(size=(5, 4))))
    w, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    np.testing.assert_array_equal(fc_forward(closed, w, b)[0], np.tile(b, (5, 1)))
