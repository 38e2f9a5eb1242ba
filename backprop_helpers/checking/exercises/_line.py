"""One-line steps: what one asks for, and the one line that answers a value.

A reply is true or it is silent, and it never shows a number of the answer: a mistake is named if the value
is what that mistake gives and nothing else known gives it; otherwise the line says where the value differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backprop_helpers.checking._text import count, rounded
from backprop_helpers.checking.misconceptions import misconceptions

NOT_ATTEMPTED, NOT_YET, CLOSE, ROUNDED, EXACT = (
    "not attempted yet",
    "not yet",
    "close",
    "right, to rounding",
    "exact",
)
TOLERANCE = {"float32": 2e-6}  # relative to the largest entry, at least 1; other types 1e-9
FACTORS = {2: "twice", 3: "three times", 4: "four times", 1 / 2: "half", 1 / 3: "a third of"}
FACTORS |= {1 / 4: "a quarter of"}


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong value that is known.

    Attributes
    ----------
    name : str
        A misconception's, or one of the step's own such as "corner.another_weight".
    value : callable or array_like
        What the mistake gives, or a function without arguments that computes it.
    text : str
        What to say, with a question that leads on; empty: what the catalogue says.
    """

    name: str
    value: Callable | object
    text: str = ""

    @cached_property
    def wrong(self):
        """The wrong value, as an array."""
        return _computed(self.value)

    @property
    def said(self):
        """What the reply says."""
        if self.text:
            return self.text
        return f"{misconceptions[self.name].diagnosis}. Hint: {misconceptions[self.name].hint}"


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One line for the learner to write.

    Attributes
    ----------
    number : str
        The lesson and a name, such as "07.corner".
    asks : str
        In a few words, such as "the gradient at X[0, 0], from dZ and W".
    value : callable or array_like
        The right value, or a function without arguments that computes it.
    mistakes : sequence of Mistake
    """

    number: str
    asks: str
    value: Callable | object
    mistakes: Sequence[Mistake] = ()

    @property
    def lesson(self):
        """The lesson's number, such as "07"."""
        return self.number.partition(".")[0]

    @cached_property
    def right(self):
        """The right value, as an array."""
        return _computed(self.value)

    @property
    def whole(self):
        """Whether the right value consists of whole numbers, which are compared exactly."""
        return np.array_equal(self.right, np.rint(self.right))

    @property
    def wanted(self):
        """What has to be given: "a number", or "an array of shape (2, 2)"."""
        return f"an array of shape {self.right.shape}" if self.right.ndim else "a number"

    def __repr__(self):
        return f"{self.number}: {self.asks}"


@dataclass(frozen=True, repr=False)
class Line:
    """The reply to a value, in one line.

    Attributes
    ----------
    number : str
        The step's.
    verdict : str
        "exact", "right, to rounding", "close", "not yet" or "not attempted yet".
    remark : str
        What is wrong.
    diagnosis : str or None
        The name of the mistake that was recognised.
    """

    number: str
    verdict: str
    remark: str = ""
    diagnosis: str | None = None

    @property
    def passed(self):
        """Whether the value is right."""
        return self.verdict in (EXACT, ROUNDED)

    @property
    def attempted(self):
        """Whether there is a value at all."""
        return self.verdict != NOT_ATTEMPTED

    def __bool__(self):
        return self.passed

    def __repr__(self):
        return ": ".join(part for part in (self.number, self.verdict, self.remark) if part)


def examine_line(step, value):
    """Return the `Line` that answers a value.

    Parameters
    ----------
    step : Step
    value : array_like
        What the learner computed; ``...`` and None are not an attempt.
    """
    array, complaint = _read(value, step)
    if array is None:
        return Line(step.number, NOT_YET if complaint else NOT_ATTEMPTED, complaint)
    right, tolerance = step.right, TOLERANCE.get(array.dtype.name, 1e-9)
    got = np.asarray(array, dtype=float)
    if got.size == right.size == 1:
        got = got.reshape(right.shape)
    if _same(got, right, tolerance):
        return Line(step.number, EXACT if step.whole and np.array_equal(got, right) else ROUNDED)
    named = {m.said: m for m in step.mistakes if _same(got, m.wrong, tolerance)}
    if len(named) == 1:
        ((text, mistake),) = named.items()
        return Line(step.number, NOT_YET, text, mistake.name)
    remark = _shape_text(got, right) or _not_finite_text(got)
    if not remark and (near := _close_text(got, right, step.whole)):
        return Line(step.number, CLOSE, near)
    remark = remark or _whole_text(got, right, tolerance) or _place_text(got, right, tolerance)
    return Line(step.number, NOT_YET, remark or f"asked for is {step.asks}")


def _computed(value):
    array = np.array(value() if callable(value) else value, dtype=float)
    array.flags.writeable = False
    return array


# --- what was given


def _read(value, step):
    """Return (array, ""); (None, "") for no attempt; (None, complaint) otherwise."""
    if value is None or value is ...:
        return None, ""
    asked = f"and {step.wanted} is asked for"
    if callable(value):
        return None, f"this is a function, {asked}: give what it returns"
    try:
        array = np.asarray(value)
    except Exception:  # nested unevenly, or an object that refuses to become an array: both are replies
        if isinstance(value, tuple):
            return None, f"these are {len(value)} values, {asked}"
        return None, f"its parts have different lengths or cannot be read as numbers, {asked}"
    if array.dtype.kind == "O":
        return _of_objects(array, value, asked)
    if array.dtype.kind == "b" and not (step.right.size > 1 and np.isin(step.right, (0, 1)).all()):
        return None, f"this says True or False, {asked}"
    if array.dtype.kind == "c" and not array.imag.any():
        array = array.real
    if array.dtype.kind not in "buif":
        kinds = {"U": "text", "S": "text", "c": "complex"}
        return None, f"this is {kinds.get(array.dtype.kind, 'no array of numbers')}, {asked}"
    return array, ""


def _of_objects(array, value, asked):
    """Read an array of Python objects: fractions and the like are numbers, ``...`` is an empty box."""
    empty = [index for index, item in np.ndenumerate(array) if item is ... or item is None]
    if len(empty) == array.size:
        return None, ""
    if empty:
        return None, f"still empty at {_places(empty)}"
    try:
        if any(isinstance(item, str) for item in array.flat):
            raise TypeError
        return np.array([float(item) for item in array.flat]).reshape(array.shape), ""
    except Exception:  # whatever float() of somebody's object raises
        return (
            None,
            f"this is {'a ' + type(value).__name__ if not array.ndim else 'no array of numbers'}, {asked}",
        )


# --- what is wrong with it


def _same(got, right, tolerance=1e-9):
    if got.size == right.size == 1:
        got, right = got.reshape(()), right.reshape(())
    if got.shape != right.shape or not np.isfinite(got).all():
        return False
    return bool((np.abs(got - right) <= tolerance * _scale(right)).all())


def _scale(right):
    return max(1.0, np.abs(right).max(initial=0))


def _shape_text(got, right):
    """Say that the shape is another one, and whether the numbers are right; empty if it is not."""
    if got.shape == right.shape:
        return ""
    said = f"it has shape {got.shape}" if got.ndim else "it is a single number"
    wanted = f"{right.shape} is asked for" if right.ndim else "a single number is asked for"
    if got.size == right.size and got.T.shape == right.shape and _same(got.T, right):
        wanted += "; the numbers are right, transposed"
    elif got.size == right.size and _same(got.reshape(right.shape), right):
        wanted += "; the numbers are right"
    elif np.squeeze(got).shape == right.shape:
        wanted += ": leave out the axes of length 1"
    return f"{said}, and {wanted}"


def _not_finite_text(got):
    bad = np.argwhere(~np.isfinite(got))
    if not len(bad):
        return ""
    what = "not a number (NaN)" if np.isnan(got[tuple(bad[0])]) else "infinite"
    return f"{what} at {_places(bad)}" if got.ndim else f"it is {what}"


def _close_text(got, right, whole):
    """Say by how much a value is off that is almost right; empty if it is not."""
    errors = np.abs(got - right)
    allowed = 0.01 * np.abs(right) + 1e-4 * (np.abs(right).max(initial=0) or 1)
    if (errors > (np.minimum(allowed, 0.1) if whole else allowed)).any():
        return ""
    error = errors.max()
    by = "less than 1e-6" if error < 1e-6 else f"about {rounded(error, 1)}"
    hint = "The formula gives whole numbers" if whole else "Give all the digits"
    return f"off by {by} (rounded, or a slope measured by nudging? {hint})"


def _whole_text(got, right, tolerance):
    """Say what the whole array has in common with the right one; empty if nothing, or several things."""
    texts = [text for text, other in _relatives(got, right) if _same(got, other, tolerance)]
    if len(texts) == 1:
        return texts[0]
    if right.size > 2 and _same(np.sort(got, None), np.sort(right, None), tolerance):
        return "these are the right numbers, but in other places"
    return ""


def _relatives(got, right):
    """Yield (words, an array that is related to the right one), for arrays of at least two numbers."""
    if right.size < 2:
        return
    if not got.any():
        yield "every entry is 0", got
        return
    for words, other in _moved(right):
        yield f"these are the right numbers, but {words}", other
    if np.count_nonzero(right) > 1:
        factor = np.vdot(right, got) / np.vdot(right, right)
        yield _factor_text(factor), factor * right


def _moved(right):
    """Yield (words, the right numbers moved like that), for rows of numbers and for matrices."""
    if right.ndim == 1:
        yield "in reversed order", right[::-1]
    if right.ndim == 2:
        yield "transposed", right.T
        yield "turned by 180°", right[::-1, ::-1]
        yield "with the rows in reversed order", right[::-1]
        yield "with the columns in reversed order", right[:, ::-1]


def _factor_text(factor):
    sign = "every sign is the other way round" if factor < 0 else ""
    word = next((word for value, word in FACTORS.items() if np.isclose(abs(factor), value, rtol=1e-6)), "")
    if sign and np.isclose(factor, -1, rtol=1e-6):
        return sign
    size = f"every entry is {word} what it should be" if word else "every entry is off by the same factor"
    return f"{sign}, and {size}" if sign else size


def _place_text(got, right, tolerance):
    """Say where the value differs; empty for a single number."""
    wrong = np.argwhere(np.abs(got - right) > tolerance * _scale(right))
    if right.size == 1:
        return ""
    if len(wrong) == right.size:
        return "no entry is right yet"
    return f"differs at {_places(wrong)}" if len(wrong) == 1 else f"first differs at {_places(wrong)}"


def _places(indices):
    """Return ``[0, 1]`` or ``[0, 1] and 3 more places``."""
    first, more = list(map(int, indices[0])), len(indices) - 1
    return f"{first} and {count(more, 'more place', 'more places')}" if more else f"{first}"
