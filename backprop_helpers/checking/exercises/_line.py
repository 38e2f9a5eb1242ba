"""One-line steps: what one asks for, and the one line that answers a value.

A reply is true or it is silent, and it never shows a number of the answer: a mistake is named if the value
is what that mistake gives and nothing else known gives it; otherwise the line says where the value differs.
"""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._text import count, rounded
from backprop_helpers.checking.misconceptions import misconceptions

NOT_ATTEMPTED, NOT_YET, CLOSE = "not attempted yet", "not yet", "close"
ROUNDED, EXACT = "right, to rounding", "exact"
TOLERANCE = {"float32": 2e-6}  # relative to the largest entry, at least 1; other types 1e-9
FACTORS = {2: "twice", 3: "three times", 4: "four times", 1 / 2: "half", 1 / 3: "a third of"}
FACTORS |= {1 / 4: "a quarter of"}


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong value that is known."""

    name: str  # a misconception's, or one of the step's own such as "corner.another_weight"
    value: object  # what the mistake gives, or a function without arguments that computes it
    text: str = ""  # what to say, with a question that leads on; empty: what the catalogue says

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


class Asked(NamedTuple):
    """What a step asks for, without its answer."""

    number: str
    asks: str

    def __repr__(self):
        return f"{self.number}: {self.asks}"


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One line for the learner to write."""

    number: str  # the lesson and a name, such as "07.corner"
    asks: str  # in a few words, such as "the gradient at X[0, 0], from dZ and W"
    value: object  # the right one
    mistakes: Sequence[Mistake] = ()
    given: Sequence[np.ndarray] = ()  # the arrays that the answer is made of

    @property
    def lesson(self):
        """The lesson's number, such as "07"."""
        return self.number.partition(".")[0]

    @cached_property
    def right(self):
        """The right value, as an array."""
        return _computed(self.value)

    @property
    def asked(self):
        """The number and what is asked, for the list that learners see."""
        return Asked(self.number, self.asks)

    @property
    def wanted(self):
        """What has to be given: "a number", or "an array of shape (2, 2)"."""
        return f"an array of shape {self.right.shape}" if self.right.ndim else "a number"

    def __repr__(self):
        return repr(self.asked)


@dataclass(frozen=True, repr=False)
class Line:
    """The reply to a value, in one line."""

    number: str  # the step's
    verdict: str  # "exact", "right, to rounding", "close", "not yet" or "not attempted yet"
    remark: str = ""  # what is wrong
    diagnosis: str | None = None  # the name of the mistake that was recognised

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
    """Return the `Line` that answers what the learner computed; ``...`` and None are not an attempt."""
    with np.errstate(all="ignore"), warnings.catch_warnings():  # numbers at the limits are answered in words
        warnings.simplefilter("ignore")
        return _reply(step, value)


def _reply(step, value):
    try:
        array = _read(value, step)
    except Unread as why:
        return Line(step.number, NOT_YET, str(why))
    if array is None:
        return Line(step.number, NOT_ATTEMPTED)
    right, tolerance = step.right, TOLERANCE.get(array.dtype.name, 1e-9)
    got = _fitted(np.asarray(array, dtype=float), right)
    if _same(got, right, tolerance):
        return Line(step.number, EXACT if _whole(right) and np.array_equal(got, right) else ROUNDED)
    if mistake := _recognised(step, got, partial(_same, tolerance=tolerance)):
        return Line(step.number, NOT_YET, mistake.said, mistake.name)
    if _near(got, right):
        return Line(step.number, CLOSE, _close_text(got, right))
    if mistake := _recognised(step, got, _near):
        return Line(step.number, NOT_YET, mistake.said, mistake.name)
    remark = _shape_text(got, right) or _not_finite_text(got)
    remark = remark or _whole_text(got, right, tolerance) or _place_text(got, right, tolerance)
    return Line(step.number, NOT_YET, remark or f"this is not {step.asks}")


def _recognised(step, got, agrees):
    """Return the mistake that gives this value; None if none does, or if several would say other things."""
    found = {m.said: m for m in step.mistakes if agrees(_fitted(got, m.wrong), m.wrong)}
    return next(iter(found.values())) if len(found) == 1 else None


def _computed(value):
    array = np.array(value() if callable(value) else value, dtype=float)
    array.flags.writeable = False
    return array


# --- what was given


class Unread(Exception):
    """What was given is not numbers; says why, and what to do."""


def _read(value, step):
    """Return what was given as an array; None for no attempt.

    Raises
    ------
    Unread
    """
    if value is None or value is ...:
        return None
    expected = f"; expected {step.wanted}"
    if callable(value) and not isinstance(value, np.ndarray):
        raise Unread(f"this is a function{expected}: give what it returns")
    if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):
        raise Unread(f"this is a masked array, which hides some of its numbers{expected}")
    try:
        array = np.asarray(value)
    except Exception as error:  # nested unevenly, or an object that refuses to become an array
        said = "its parts have different lengths or cannot be read as numbers"
        said = f"these are {len(value)} values" if isinstance(value, tuple) else said
        raise Unread(said + expected) from error
    too_large = ("a number in it is too large" if array.ndim else "this number is too large") + expected
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(array, value, too_large, expected)
    if kind == "b" and not (step.right.size > 1 and np.isin(step.right, (0, 1)).all()):
        raise Unread(f"this says True or False{expected}")
    if kind == "c" and not array.imag.any():
        array, kind = array.real, "f"
    if kind not in "buif":
        said = {"U": "this is text", "S": "this is text", "c": "this is complex"}
        quotes = ": leave out the quotes" if _is_quoted(array) else ""
        raise Unread(said.get(kind, "this is not an array of numbers") + expected + quotes)
    if (np.isinf(np.asarray(array, dtype=float)) & ~np.isinf(array)).any():
        raise Unread(too_large)
    return array


def _is_quoted(array):
    """Whether the array consists of numbers that were typed as text."""
    try:
        return array.dtype.kind in "US" and bool(array.astype(float).size)
    except ValueError:
        return False


def _of_objects(array, value, too_large, expected):
    """Read an array of Python objects: fractions and the like are numbers, and ``...`` is an empty box."""
    empty = [index for index, item in np.ndenumerate(array) if item is ... or item is None]
    if len(empty) == array.size:
        return None
    if empty:
        raise Unread(f"still empty at {_places(empty)}")
    try:
        if any(isinstance(item, str) for item in array.flat):
            raise TypeError
        return np.array([float(item) for item in array.flat]).reshape(array.shape)
    except OverflowError as error:
        raise Unread(too_large) from error
    except Exception as error:  # whatever float() of somebody's object raises
        name = type(value).__name__
        one = f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
        raise Unread(f"this is {'not an array of numbers' if array.ndim else one}{expected}") from error


# --- what is wrong with it


def _fitted(got, right):
    """Return what was given in the shape of the right value, where another one is as good.

    One number may stand in brackets, and a matrix may be one image (1, H, W, 1) or kernel (F_h, F_w, 1, 1).
    """
    image, kernel = (1, *right.shape, 1), (*right.shape, 1, 1)
    alone = got.size == right.size == 1 or (right.ndim == 2 and got.shape in (image, kernel))
    return got.reshape(right.shape) if alone else got


def _same(got, right, tolerance=1e-9):
    if got.shape != right.shape or not np.isfinite(got).all():
        return False
    return bool((np.abs(got - right) <= tolerance * _scale(right)).all())


def _near(got, right):
    """Whether a value is almost right: rounded, or measured."""
    if got.shape != right.shape or not np.isfinite(got).all():
        return False
    allowed = 0.01 * np.abs(right) + 1e-4 * (np.abs(right).max(initial=0) or 1)
    return bool((np.abs(got - right) <= (np.minimum(allowed, 0.1) if _whole(right) else allowed)).all())


def _scale(right):
    return max(1.0, np.abs(right).max(initial=0))


def _whole(right):
    """Whether these are whole numbers, which are compared exactly."""
    return np.array_equal(right, np.rint(right))


def _shape_text(got, right):
    """Say that the shape is another one, and whether the numbers are right; empty if it is not."""
    if got.shape == right.shape:
        return ""
    said = f"it has shape {got.shape}" if got.ndim else "it is a single number"
    wanted = f"expected {right.shape if right.ndim else 'a single number'}"
    if got.size == right.size and got.T.shape == right.shape and _same(got.T, right):
        wanted += ": the numbers are right, transposed"
    elif got.size == right.size and _same(got.reshape(right.shape), right):
        wanted += ": the numbers are right"
    return f"{said}; {wanted}"


def _not_finite_text(got):
    """Say where there is no number: NaN alone, if there is any."""
    not_a_number = np.isnan(got).any()
    bad = np.argwhere(np.isnan(got) if not_a_number else np.isinf(got))
    if not len(bad):
        return ""
    what = "not a number (NaN)" if not_a_number else "infinite"
    return f"{what} at {_places(bad)}" if got.ndim else f"it is {what}"


def _close_text(got, right):
    """Say by how much a value is off that is almost right."""
    error = np.abs(got - right).max()
    by = "less than 1e-6" if error < 1e-6 else f"about {rounded(error, 1)}"
    hint = "The formula gives whole numbers" if _whole(right) else "Give all the digits"
    return f"off by {by} (rounded, or a slope measured by nudging? {hint})"


def _whole_text(got, right, tolerance):
    """Say what the whole array has in common with the right one; empty if nothing, or several things."""
    if right.size < 2:
        return ""
    if not got.any():
        return "every entry is 0"
    texts = [
        f"these are the right numbers, but {words}"
        for words, other in _moved(right)
        if _same(got, other, tolerance)
    ]
    texts += _factor_texts(got, right, tolerance)
    if len(texts) == 1:
        return texts[0]
    if right.size > 2 and _same(np.sort(got, None), np.sort(right, None), tolerance):
        return "these are the right numbers, but in other places"
    return ""


def _moved(right):
    """Yield (words, the right numbers moved like that), for rows of numbers and for matrices."""
    if right.ndim == 1:
        yield "in reversed order", right[::-1]
    if right.ndim == 2:
        yield "transposed", right.T
        yield "turned by 180°", right[::-1, ::-1]
        yield "with the rows in reversed order", right[::-1]
        yield "with the columns in reversed order", right[:, ::-1]


def _factor_texts(got, right, tolerance):
    """Return by which factor all entries are off, in a list; an empty one if by none."""
    if np.count_nonzero(right) < 2:
        return []
    factor = np.vdot(right, got) / np.vdot(right, right)
    off = np.abs(got - factor * right).max()  # relative to what was given: its numbers may be tiny
    return [_factor_text(factor)] if off <= tolerance * np.abs(got).max() else []


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
    return f"differs at {_places(wrong)}"


def _places(indices):
    """Return ``[0, 1]`` or ``[0, 1] and 3 more places``."""
    first, more = list(map(int, indices[0])), len(indices) - 1
    return f"{first} and {count(more, 'more place', 'more places')}" if more else f"{first}"
