"""Steps of one line: every right answer, every known mistake, and nothing of the answer in any reply."""

import re
from fractions import Fraction

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from backprop_helpers.checking import check, misconceptions
from backprop_helpers.checking.exercises._line import Mistake, Step, examine_line
from backprop_helpers.checking.exercises.steps import EXAMPLES, LESSONS
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

STEPS = check.steps
MISTAKES = [(number, m) for number, step in STEPS.items() for m in step.mistakes]
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e-?\d+)?")
PLACE_OR_SHAPE = re.compile(r"\[\d[\d, ]*\]|\(\d[\d, ]*\)|180°|1/M|1e-6")

MATRIX = Step("99.matrix", "a matrix", [[1, 2, 3], [4, 5, 6], [7, 8, 10]])
ROW = Step("99.row", "three numbers", [7, -2, 4])
ONE = Step("99.one", "the number", 7)
HALVES = Step("99.halves", "halves", [[0.5, 1.5], [2.5, -3.5]])


def said(step, value):
    """The reply without the step's number."""
    return str(examine_line(step, value)).removeprefix(f"{step.number}: ")


def wrong_values(step):
    """What learners type instead of a step's right value."""
    right, rng = step.right, np.random.default_rng(0)
    yield from (m.wrong for m in step.mistakes)
    yield from (right + 1, right - 0.5, -right, 2 * right, right / 2, 3 * right + 1, 0 * right, right[None])
    yield from (right + 1e-3, right * (1 + 1e-5), right + 0j + 1j, right.T[..., None], np.flip(right))
    yield from (rng.permutation(right.ravel()).reshape(right.shape), rng.integers(-9, 9, right.shape))
    yield from (right.ravel()[:-1], right.ravel()[:1], 123.25, -17, True, "17", {"a": 1}, len, object())
    yield from ([[1, 2], [3]], [1, ...], np.array([np.nan, 1.0]), [[]], 10**400, float("inf"), [None, None])
    for index in np.ndindex(right.shape):
        for other in (right[index] + 1, np.nan, np.inf):
            value = right.copy()
            value[index] = other
            yield value


def numbers_of(value):
    """The numbers that the learner gave."""
    try:
        return set(np.asarray(np.real(value), dtype=float).ravel().tolist())
    except (TypeError, ValueError, OverflowError):
        return {float(number) for number in re.findall(r"\d+", str(value))}


# --- right answers


@pytest.mark.parametrize("number", STEPS)
def test_right_answers_in_every_form(number):
    right = STEPS[number].right
    spread = np.zeros((*right.shape, 2))
    spread[..., 0] = right
    forms = [right, right.tolist(), np.asfortranarray(right), spread[..., 0], right + 0j, right + 1e-13]
    forms += [np.vectorize(Fraction, otypes=[object])(right), right.astype(np.float32)]
    if STEPS[number].whole:
        forms += [right.astype(np.int64), right.astype(np.int8), right.astype(int).tolist()]
    for form in forms:
        reply = check.line(number, form)
        assert reply.passed
        assert reply
        assert reply.attempted
        assert reply.diagnosis is None
        assert str(reply) in (f"{number}: exact", f"{number}: right, to rounding")


def test_exact_or_to_rounding():
    assert said(MATRIX, MATRIX.right) == said(MATRIX, MATRIX.right.astype(np.float32)) == "exact"
    assert said(MATRIX, MATRIX.right + 1e-12) == "right, to rounding"
    assert said(HALVES, HALVES.right) == "right, to rounding"
    third = Step("99.third", "a third", [1 / 3, 2 / 3])
    assert said(third, np.float32([1 / 3, 2 / 3])) == "right, to rounding"
    assert said(third, [0.3333, 0.6667]).startswith("close")


@pytest.mark.parametrize("value", [7, 7.0, [7], [[7.0]], np.int8(7), np.array(7), Fraction(7), (7,)])
def test_one_number_may_stand_in_brackets(value):
    assert said(ONE, value) == "exact"


def test_a_mask_may_be_truth_values_and_a_number_may_not():
    mask = Step("99.mask", "a mask", [[1, 0], [0, 1]])
    assert said(mask, [[True, False], [False, True]]) == "exact"
    assert (
        said(Step("99.one", "one", 1), True) == "not yet: this says True or False, and a number is asked for"
    )
    assert "True or False" in said(MATRIX, MATRIX.right > 2)


# --- wrong answers


@pytest.mark.parametrize(("number", "mistake"), MISTAKES, ids=lambda item: getattr(item, "name", item))
def test_every_known_mistake_is_recognised_by_its_name(number, mistake):
    reply = check.line(number, mistake.wrong)
    assert not reply.passed
    assert reply.attempted
    assert reply.diagnosis == mistake.name
    assert str(reply) == f"{number}: not yet: {mistake.said}"
    if mistake.text:
        assert len(str(reply)) <= 110
        assert mistake.name not in misconceptions
    else:
        assert misconceptions[mistake.name].hint in str(reply)


@pytest.mark.parametrize("number", STEPS)
def test_no_reply_gives_the_answer_away(number):
    step = STEPS[number]
    catalogue = [m.said for m in step.mistakes if not m.text]  # says the same of every example
    for value in wrong_values(step):
        reply = str(check.line(number, value))
        assert "\n" not in reply
        for text in [number, *catalogue]:
            reply = reply.replace(text, "")
        shown = {float(n.replace("−", "-")) for n in NUMBER.findall(PLACE_OR_SHAPE.sub("", reply))}
        assert not (shown & set(step.right.ravel().tolist())) - numbers_of(value), (value, reply)


@pytest.mark.parametrize("number", STEPS)
def test_what_is_not_right_is_not_called_right(number):
    step = STEPS[number]
    for value in (v for v in wrong_values(step) if isinstance(v, np.ndarray)):
        one = value.size == step.right.size == 1
        if not np.array_equal(np.squeeze(value) if one else value, step.right):
            assert not check.line(number, value), value


@pytest.mark.parametrize(
    ("step", "value", "reply"),
    [
        (MATRIX, MATRIX.right.T, "these are the right numbers, but transposed"),
        (MATRIX, MATRIX.right[::-1, ::-1], "these are the right numbers, but turned by 180°"),
        (MATRIX, MATRIX.right[::-1], "these are the right numbers, but with the rows in reversed order"),
        (MATRIX, MATRIX.right[:, [1, 0, 2]], "these are the right numbers, but in other places"),
        (ROW, [4, -2, 7], "these are the right numbers, but in reversed order"),
        (MATRIX, -MATRIX.right, "every sign is the other way round"),
        (MATRIX, 2 * MATRIX.right, "every entry is twice what it should be"),
        (MATRIX, MATRIX.right / 2, "every entry is half what it should be"),
        (MATRIX, MATRIX.right / 4, "every entry is a quarter of what it should be"),
        (
            MATRIX,
            -3 * MATRIX.right,
            "every sign is the other way round, and every entry is three times what it ",
        ),
        (MATRIX, 1.7 * MATRIX.right, "every entry is off by the same factor"),
        (MATRIX, np.zeros((3, 3)), "every entry is 0"),
        (MATRIX, MATRIX.right + 1, "no entry is right yet"),
        (MATRIX, MATRIX.right + np.eye(3)[[0, 2, 2]], "first differs at [0, 0] and 2 more places"),
        (MATRIX, MATRIX.right + np.outer([0, 1, 0], [0, 0, 1]), "differs at [1, 2]"),
        (MATRIX, np.where(MATRIX.right == 8, np.nan, 1), "not a number (NaN) at [2, 1]"),
        (MATRIX, np.where(MATRIX.right > 7, np.inf, 1), "infinite at [2, 1] and 1 more place"),
        (
            MATRIX,
            MATRIX.right[None],
            "it has shape (1, 3, 3), and (3, 3) is asked for; the numbers are right",
        ),
        (MATRIX, [1, 2], "it has shape (2,), and (3, 3) is asked for"),
        (MATRIX, 5, "it is a single number, and (3, 3) is asked for"),
        (ONE, [7, 7], "it has shape (2,), and a single number is asked for"),
        (ONE, np.nan, "it is not a number (NaN)"),
        (ONE, -7, "asked for is the number"),  # a factor, or a sign, would be the answer
        (ONE, 14, "asked for is the number"),
        (ONE, 0, "asked for is the number"),
        (Step("99.lone", "one number among zeros", [[0, 5], [0, 0]]), [[0, 10], [0, 0]], "differs at [0, 1]"),
        (
            MATRIX,
            MATRIX.right[None] + 1,
            "it has shape (1, 3, 3), and (3, 3) is asked for: leave out the axes",
        ),
        (MATRIX, (MATRIX.right, 1), "these are 2 values, and an array of shape (3, 3) is asked for"),
        (MATRIX, len, "this is a function, and an array of shape (3, 3) is asked for: give what it returns"),
        (MATRIX, "abc", "this is text, and an array of shape (3, 3) is asked for"),
        (MATRIX, {"a": 1}, "this is a dict, and an array of shape (3, 3) is asked for"),
        (MATRIX, MATRIX.right + 1j, "this is complex, and an array of shape (3, 3) is asked for"),
        (
            MATRIX,
            [[1, 2], [3]],
            "its parts have different lengths or cannot be read as numbers, and an array",
        ),
        (MATRIX, [[1, ..., 3], [4, 5, 6], [7, None, 9]], "still empty at [0, 1] and 1 more place"),
    ],
)
def test_readings(step, value, reply):
    assert said(step, value).startswith(f"not yet: {reply}")
    if not reply.endswith((" ", "array", "axes")):
        assert said(step, value) == f"not yet: {reply}"


def test_a_matrix_of_another_shape_may_be_transposed():
    tall = Step("99.tall", "a tall matrix", [[1, 2], [3, 4], [5, 6]])
    reply = "it has shape (2, 3), and (3, 2) is asked for; the numbers are right, transposed"
    assert said(tall, tall.right.T) == f"not yet: {reply}"


def test_close():
    hint = "(rounded, or a slope measured by nudging? The formula gives whole numbers)"
    assert said(MATRIX, MATRIX.right + 3e-4) == f"close: off by about 0.0003 {hint}"
    assert said(MATRIX, MATRIX.right + 3e-6) == f"close: off by about 3e-6 {hint}"
    assert said(MATRIX, MATRIX.right + 3e-8) == f"close: off by less than 1e-6 {hint}"
    assert not examine_line(MATRIX, MATRIX.right + 3e-4).passed
    assert said(Step("99.large", "a large number", [1000, 2]), [1001, 2]) == "not yet: differs at [0]"


def test_two_mistakes_with_one_value_are_not_named():
    mistakes = [Mistake("one", [1, 2], "this is one thing"), Mistake("two", [1, 2], "this is another")]
    reply = examine_line(Step("99.two", "two numbers", [3, 2], mistakes), [1, 2])
    assert reply.diagnosis is None
    assert str(reply) == "99.two: not yet: differs at [0]"
    agreed = [Mistake("one", [1, 2], "this is one thing"), Mistake("two", [1, 2], "this is one thing")]
    assert "this is one thing" in str(examine_line(Step("99.two", "two numbers", [3, 2], agreed), [1, 2]))


def test_a_mistake_that_does_not_show_is_not_named():
    step = Step("99.same", "two numbers", [3, 2], [Mistake("one", [3, 2], "this is one thing")])
    assert examine_line(step, [3, 2]).passed


# --- manners


@pytest.mark.parametrize("value", [..., None, [...], [[None, ...], [..., ...]]])
def test_not_attempted(value):
    reply = check.line("07.corner", value)
    assert str(reply) == "07.corner: not attempted yet"
    assert (reply.passed, reply.attempted, reply.diagnosis) == (False, False, None)


@pytest.mark.parametrize(
    ("name", "near"), [("07.dX", "07.dx"), ("07.croner", "07.corner"), ("7.dx", "07.dx"), ("dw", "06.dw")]
)
def test_unknown_names(name, near):
    with pytest.raises(KeyError, match=rf"no step called '{name}'; nearest: .*{re.escape(near)}"):
        check.line(name, 1)


def test_arguments_in_the_wrong_order():
    with pytest.raises(TypeError, match="the name of the step first"):
        check.line(np.zeros((3, 3)), "07.dx")


def test_inputs_are_not_changed_and_nothing_is_printed(capsys):
    for step in STEPS.values():
        value = np.array(step.right + 1)
        value.flags.writeable = False
        listed = (step.right + 1).tolist()
        check.line(step.number, value)
        check.line(step.number, listed)
        assert listed == value.tolist()
        with pytest.raises(ValueError, match="read-only"):
            step.right[...] = 0
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_one_line_of_text():
    for value in (..., 1, np.zeros((3, 3))):
        shown, _ = DisplayFormatter().format(check.line("07.dx", value))
        assert list(shown) == ["text/plain"]
        assert len(shown["text/plain"].splitlines()) == 1


# --- the steps


def test_steps_belong_to_lessons_and_hide_their_answers():
    lessons = {path.name[:2] for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert set(LESSONS) <= lessons
    assert list(STEPS) == [step.number for step in STEPS.values()]
    for lesson in LESSONS:
        assert sum(step.lesson == lesson for step in STEPS.values()) >= 3
    for number, step in STEPS.items():
        assert re.fullmatch(r"\d\d\.[a-z]\w*", number)
        assert repr(step) == f"{number}: {step.asks}"
        assert (
            len({m.name for m in step.mistakes if not np.array_equal(m.wrong, step.right)})
            or not step.mistakes
        )
    assert "steps" in dir(check)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_lesson_has_the_numbers(lesson):
    (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    code = "".join(cell.source for cell in Lesson.read(path).code_cells)
    code = re.sub(r"\s|,(?=\s*[\])])", "", code)
    for array in EXAMPLES[lesson]:
        assert str(array.tolist()).replace(" ", "") in code, array
