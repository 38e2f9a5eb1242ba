"""The equation ledger: every numbered equation of the lessons is executed, and this says that it holds.

A lesson that writes an equation with the tag (7.3) has a cell ``holds("7.3", left, right)`` below it. The
ledger keeps what held, so that a test can compare it with the tags in the text, and a formula sheet with
both.
"""

import numbers
from html import escape
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._text import count, short_number


class Held(NamedTuple):
    """An equation that was executed and holds; its text is the same on every machine."""

    tag: str  # the equation's number, such as "7.3"
    shape: tuple[int, ...]  # of both sides
    tolerance: float  # 0 for an exact comparison
    error: float  # the largest |left − right| / max(1, |right|)

    @property
    def entries(self):
        """How many numbers were compared."""
        return int(np.prod(self.shape))

    def __repr__(self):
        entries = count(self.entries, "entry", "entries")
        if self.tolerance == 0:
            return f"({self.tag}) holds exactly: {entries}"
        return f"({self.tag}) holds: {entries}, to {short_number(self.tolerance)}"

    def _repr_html_(self):
        return f'<span style="color:#009E73;font-weight:bold">✓</span> {escape(repr(self))}'


_ledger = []


def holds(tag, lhs, rhs, *, tolerance=1e-12):
    """Compare the two sides of a numbered equation, entry by entry, and note in the ledger that they agree.

    Parameters
    ----------
    tag : str
        The equation's number in the text, such as "7.3".
    lhs, rhs : array_like of numbers, the same shape
        Nothing is broadcast: a shape that does not fit is a mistake in most derivations.
    tolerance : float
        The largest |lhs − rhs| / max(1, |rhs|). Two sides of integers are compared exactly, whatever it is;
        0 compares floats exactly too.

    Returns
    -------
    Held
        The record in the ledger, which shows as one line of text.

    Raises
    ------
    AssertionError
        An entry differs (with both numbers and the index), the shapes differ, there is nothing to compare, or
        there is a NaN or an infinity.
    TypeError
        A tag that is not a string, sides that are not numbers.
    ValueError
        A tolerance that is negative or not finite.

    Examples
    --------
    >>> holds("0.1", [1, 2, 3], [1, 2, 3])
    (0.1) holds exactly: 3 entries
    """
    if not isinstance(tag, str) or not tag.strip():
        raise TypeError(f'holds: tag must be the equation\'s number as text, such as "7.3", got {tag!r}')
    if isinstance(tolerance, bool) or not isinstance(tolerance, numbers.Real):
        raise TypeError(f"holds: tolerance must be a number, got {tolerance!r}")
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"holds: tolerance must be at least 0 and finite, got {tolerance!r}")
    lhs, rhs = _as_side(tag, "left", lhs), _as_side(tag, "right", rhs)
    if lhs.shape != rhs.shape:
        raise AssertionError(
            f"({tag}) does not hold: the left side has shape {lhs.shape}, the right side {rhs.shape}"
        )
    if lhs.size == 0:
        raise AssertionError(f"({tag}): nothing to compare, both sides have shape {lhs.shape}")
    for side, values in (("left", lhs), ("right", rhs)):
        if not np.isfinite(values).all():
            index = _index_text(np.argwhere(~np.isfinite(values))[0])
            raise AssertionError(f"({tag}) does not hold: the {side} side is not finite{index}")
    exact = lhs.dtype.kind in "iub" and rhs.dtype.kind in "iub"
    tolerance = 0.0 if exact else float(tolerance)
    error = _relative_difference(lhs, rhs)
    wrong = (lhs != rhs) if tolerance == 0 else error > tolerance
    if wrong.any():
        raise AssertionError(_difference_text(tag, lhs, rhs, error, wrong, tolerance))
    held = Held(tag, lhs.shape, tolerance, float(error.max()))
    _ledger.append(held)
    return held


def ledger():
    """Return the equations that held in this process, as `Held` in the order (and number) of executions."""
    return tuple(_ledger)


def clear_ledger():
    """Forget all equations."""
    _ledger.clear()


def _as_side(tag, side, value):
    """Return one side of the equation as an array of numbers."""
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype.kind not in "iubfc":
        got = type(value).__name__ + (f" of {value.dtype}" if hasattr(value, "dtype") else "")
        raise TypeError(f"holds: the {side} side of ({tag}) must be numbers, got {got}")
    return array


def _relative_difference(lhs, rhs):
    """Return |lhs − rhs| / max(1, |rhs|), in floats: unsigned integers would wrap around."""
    wide = np.result_type(lhs, rhs, np.float64)
    lhs, rhs = lhs.astype(wide), rhs.astype(wide)
    return np.abs(lhs - rhs) / np.maximum(1, np.abs(rhs))


def _difference_text(tag, lhs, rhs, error, wrong, tolerance):
    """Return both numbers and the index of the worst entry."""
    worst = tuple(np.argwhere(wrong & (error >= error[wrong].max()))[0])
    how = "exactly" if tolerance == 0 else f"to {short_number(tolerance)}"
    return (
        f"({tag}) does not hold{_index_text(worst)}: left {lhs[worst]}, right {rhs[worst]} "
        f"({np.count_nonzero(wrong)} of {count(wrong.size, 'entry', 'entries')} differ, compared {how})"
    )


def _index_text(index):
    """Return `` at (0, 2)``, or nothing for a single number."""
    return f" at {tuple(int(i) for i in index)}" if len(index) else ""
