"""Steps of one line: every right answer, every known mistake, and nothing of the answer in any reply."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from backprop_helpers.checking import check, misconceptions
from backprop_helpers.checking.exercises._line import Mistake, Step, _fitted, examine_line
from backprop_helpers.checking.exercises._steps import plain_numbers, shown
from backprop_helpers.checking.exercises.steps import LESSONS, all_steps
from tests.lesson_rules import Lesson
from tests.tool_loader import ROOT

STEPS = all_steps()
MISTAKES = [(number, m) for number, step in STEPS.items() for m in step.mistakes]
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e-?\d+)?")
PLACE_OR_SHAPE = re.compile(r"\[\d[\d, ]*\]|\(\d[\d, ]*\)|180°|1/M|1e-6|asked for is \d+")

MATRIX = Step("99.matrix", "a matrix", [[1, 2, 3], [4, 5, 6], [7, 8, 10]])
ROW = Step("99.row", "three numbers", [7, -2, 4])
ONE = Step("99.one", "the number", 7)
NAN_AND_INF = [[np.nan, np.inf, 1], [4, 5, 6], [7, 8, -np.inf]]
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
    if right.ndim == 2:  # one image, one kernel
        forms += [right[None, ..., None], right[..., None, None]]
    if right.size == 1:
        forms += [right[None], right[..., None]]
    if np.array_equal(right, np.rint(right)):
        small = np.int8 if abs(right).max() < 128 else np.int32
        forms += [right.astype(np.int64), right.astype(small), right.astype(int).tolist()]
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
    assert said(Step("99.one", "one", 1), True) == "not yet: this says True or False; expected a number"
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
        if not np.array_equal(_fitted(value, step.right), step.right):
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
        (MATRIX, MATRIX.right + np.eye(3)[[0, 2, 2]], "differs at [0, 0] and 2 more places"),
        (MATRIX, MATRIX.right + np.outer([0, 1, 0], [0, 0, 1]), "differs at [1, 2]"),
        (MATRIX, np.where(MATRIX.right == 8, np.nan, 1), "not a number (NaN) at [2, 1]"),
        (MATRIX, np.where(MATRIX.right > 7, np.inf, 1), "infinite at [2, 1] and 1 more place"),
        (MATRIX, [1, 2], "it has shape (2,); expected (3, 3)"),
        (MATRIX, 5, "it is a single number; expected (3, 3)"),
        (ONE, [7, 7], "it has shape (2,); expected a single number"),
        (ONE, np.nan, "it is not a number (NaN)"),
        (ONE, -7, "this is not the number"),  # a factor, or a sign, would be the answer
        (ONE, 14, "this is not the number"),
        (ONE, 0, "this is not the number"),
        (Step("99.lone", "one number among zeros", [[0, 5], [0, 0]]), [[0, 10], [0, 0]], "differs at [0, 1]"),
        (MATRIX, MATRIX.right[None, ..., None] + 1, "no entry is right yet"),
        (MATRIX, MATRIX.right.ravel(), "it has shape (9,); expected (3, 3): the numbers are right"),
        (MATRIX, (MATRIX.right, 1), "these are 2 values; expected an array of shape (3, 3)"),
        (MATRIX, len, "this is a function; expected an array of shape (3, 3): give what it returns"),
        (MATRIX, "abc", "this is text; expected an array of shape (3, 3)"),
        (ONE, "7", "this is text; expected a number: leave out the quotes"),
        (MATRIX, {"a": 1}, "this is a dict; expected an array of shape (3, 3)"),
        (ONE, object(), "this is an object; expected a number"),
        (ONE, [{}, {}], "this is not an array of numbers; expected a number"),
        (ONE, np.datetime64("2020-01-01"), "this is not an array of numbers; expected a number"),
        (ONE, 10**400, "this number is too large; expected a number"),
        (ONE, [10**400, 1], "a number in it is too large; expected a number"),
        (MATRIX, MATRIX.right + 1j, "this is complex; expected an array of shape (3, 3)"),
        (
            MATRIX,
            np.ma.masked_greater(MATRIX.right, 9),
            "this is a masked array, which hides some of its numb",
        ),
        (
            MATRIX,
            [[1, 2], [3]],
            "its parts have different lengths or cannot be read as numbers; expected an ",
        ),
        (MATRIX, NAN_AND_INF, "not a number (NaN) at [0, 0]"),
        (MATRIX, np.random.default_rng(0).normal(size=(3, 3)) * 1e-10, "no entry is right yet"),
        (MATRIX, MATRIX.right * 1e-10, "every entry is off by the same factor"),
        (MATRIX, np.full((3, 3), 1e308), "no entry is right yet"),
        (MATRIX, [[1, ..., 3], [4, 5, 6], [7, None, 9]], "still empty at [0, 1] and 1 more place"),
    ],
)
def test_readings(step, value, reply):
    assert said(step, value).startswith(f"not yet: {reply}")
    if not reply.endswith((" ", "numb")):
        assert said(step, value) == f"not yet: {reply}"


@pytest.mark.parametrize("other", [(1, 3), (3, 1), (1, 1, 3)])
def test_a_row_of_another_shape_is_not_right(other):
    reply = f"not yet: it has shape {other}; expected (3,): the numbers are right"
    assert said(ROW, ROW.right.reshape(other)).removesuffix(", transposed") == reply


def test_a_matrix_of_another_shape_may_be_transposed():
    tall = Step("99.tall", "a tall matrix", [[1, 2], [3, 4], [5, 6]])
    reply = "it has shape (2, 3); expected (3, 2): the numbers are right, transposed"
    assert said(tall, tall.right.T) == f"not yet: {reply}"


def test_close():
    hint = "(rounded, or a slope measured by nudging? The formula gives whole numbers)"
    assert said(MATRIX, MATRIX.right + 3e-4) == f"close: off by about 0.0003 {hint}"
    assert said(MATRIX, MATRIX.right + 3e-6) == f"close: off by about 3e-6 {hint}"
    assert said(MATRIX, MATRIX.right + 3e-8) == f"close: off by less than 1e-6 {hint}"
    assert not examine_line(MATRIX, MATRIX.right + 3e-4).passed
    assert said(Step("99.large", "a large number", [1000, 2]), [1001, 2]) == "not yet: differs at [0]"


def test_a_row_is_not_a_column():
    row = Step("99.row", "a row", [[1, 2, 3]])
    assert (
        said(row, row.right.T)
        == "not yet: it has shape (3, 1); expected (1, 3): the numbers are right, transposed"
    )
    assert said(row, [1, 2, 3]) == "not yet: it has shape (3,); expected (1, 3): the numbers are right"


def test_a_rounded_mistake_is_recognised():
    assert check.line("04.loss", 1.451).diagnosis == "loss.sum"
    assert check.line("04.y_hat", [0.017, 0.047, 0.936]).diagnosis == "y_hat.of_e"
    step = Step("99.near", "a number", 1.5, [Mistake("one", 2.34, "this"), Mistake("two", 2.341, "that")])
    assert examine_line(step, 2.34).diagnosis == "one"
    assert examine_line(step, 2.3405).diagnosis is None


@pytest.mark.parametrize(
    ("number", "times"),
    [("04.jacobian", 64), ("04.dz", 16), ("09.average", 4)]
    + [(f"10.{name}", 2) for name in ("dz2", "dw2", "dq", "da", "dw1", "dx")],
)
def test_the_thing_itself_where_a_multiple_is_asked_for(number, times):
    reply = check.line(number, STEPS[number].right / times)
    multiple = re.match(rf"{times} (\S+?)(?= |,|$)", STEPS[number].asks)[1]
    assert str(reply) == f"{number}: not yet: this is {multiple} itself; asked for is {times} {multiple}"


class Callable(np.ndarray):
    def __call__(self):
        raise AssertionError


def test_an_array_that_can_be_called_is_an_array():
    assert said(MATRIX, MATRIX.right.view(Callable)) == "exact"


def test_numbers_at_the_limits_give_no_warning():
    values = [np.full((3, 3), 1e308), np.full((3, 3), -1e308), [1, np.ma.masked], np.inf]
    values += [np.full((3, 3), np.finfo(np.longdouble).max), np.finfo(np.longdouble).max]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in (MATRIX, ONE, *STEPS.values()):
            for value in values:
                assert not examine_line(step, value)


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
    assert list(check.steps) == list(STEPS)
    for number, asked in check.steps.items():
        assert (*asked,) == (number, STEPS[number].asks)
        assert {name for name in dir(asked) if not name.startswith("_")} == {
            "number",
            "asks",
            "count",
            "index",
        }
        assert repr(asked) == f"{number}: {asked.asks}"
        assert not hasattr(asked, "__dict__")


@pytest.mark.parametrize("number", STEPS)
def test_the_numbers_stand_in_the_lesson_or_in_what_is_asked(number):
    step = STEPS[number]
    (path,) = (ROOT / "notebooks").glob(f"{step.lesson}_*.ipynb")
    code = "".join(cell.source for cell in Lesson.read(path).code_cells)
    code = re.sub(r"\s|,(?=\s*[\])])", "", code)
    for array in step.given:
        scalars = array.ndim == 1 and all(
            f"= {value}" in step.asks for value in shown(array)[1:-1].split(", ")
        )
        assert scalars or shown(array) in step.asks or str(array.tolist()).replace(" ", "") in code, array


# --- examples in which a wrong method gives another answer

SYMMETRIC_BY_NATURE = {"04.jacobian", "07.terms"}


@pytest.mark.parametrize(
    "number", sorted({n for n, s in STEPS.items() if s.right.ndim} - SYMMETRIC_BY_NATURE)
)
def test_no_answer_is_symmetric(number):
    right = STEPS[number].right
    moved = [right.T, right[::-1], right[:, ::-1], np.flip(right)] if right.ndim == 2 else [right[::-1]]
    for other in moved:
        assert right.shape.count(1) or not np.array_equal(other, right)
    assert len(np.unique(right)) > 1


ONE_NUMBER = [number for number, step in STEPS.items() if not step.right.ndim]
A_PRODUCT_BY_NATURE, A_SUM_BY_NATURE = {"07.corner"}, {"06.db"}
# What these mistakes say is true of the plain number that they are.
PLAIN = {"dx.no_upstream", "dy.sign", "db.one"}


def products(*arrays):
    entries = np.concatenate([array.ravel() for array in arrays])
    return set(np.outer(entries, entries).ravel().tolist())


@pytest.mark.parametrize("number", ONE_NUMBER)
def test_no_number_is_had_without_the_method(number):
    step = STEPS[number]
    assert step.given
    if number in A_SUM_BY_NATURE:
        (dz,) = step.given
        assert step.right.item() not in {*dz.ravel().tolist(), *dz.sum(0), *dz.sum(1), dz.size}
    else:
        assert step.right.item() not in plain_numbers(*step.given)
    if number in A_PRODUCT_BY_NATURE:
        dz, w = step.given
        assert np.count_nonzero(np.outer(dz, w) == step.right) == 1
    else:
        assert step.right.item() not in products(*step.given)


@pytest.mark.parametrize("number", ONE_NUMBER)
def test_no_plain_number_is_given_the_name_of_a_mistake(number):
    step = STEPS[number]
    for mistake in (m for m in step.mistakes if not m.wrong.ndim and m.name not in PLAIN):
        assert mistake.wrong.item() not in plain_numbers(*step.given), mistake
        if not re.search(r"\.(one|one_path|another_\w+)$", mistake.name):
            assert mistake.wrong.item() not in products(*step.given), mistake
