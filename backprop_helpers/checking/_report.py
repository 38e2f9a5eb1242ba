"""The report of a gradient check: exact numbers in rows, and a table whose text is the same everywhere."""

from html import escape
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._slopes import METHODS
from backprop_helpers.checking._text import count, distinct, rounded, short_number, threshold

HEADINGS = ("input", "shape", "entries", "relative error", "verdict")
# Okabe and Ito's green and vermilion, readable on white and on black.
RIGHT_COLOUR, WRONG_COLOUR = "#009E73", "#D55E00"


class GradientRow(NamedTuple):
    """What the check found for one input; the exact numbers.

    Attributes
    ----------
    name : str
        The input's name, from the forward function's signature.
    shape : tuple of int
        The input's shape.
    relative_error : float
        The largest |analytic − numeric| / max(|analytic|, |numeric|) of all compared entries. 0/0 counts as
        0, and a difference no larger than the rounding noise is measured against what the noise comes from.
        Infinite if nothing could be compared.
    worst_index : tuple of int or None
        Where the error is largest (the first of equals).
    analytic, numeric : float or None
        What the backward function and the nudges say there.
    reading : str
        Where the error sits and what it looks like, in words; empty for a right gradient.
    compared : int
        How many entries were compared.
    kinks : int
        How many entries were left out since they sit on a kink or a tie, where there is no gradient.
    passed : bool
    """

    name: str
    shape: tuple[int, ...]
    relative_error: float
    worst_index: tuple[int, ...] | None
    analytic: float | None
    numeric: float | None
    reading: str
    compared: int
    kinks: int
    passed: bool


class GradientReport:
    """The result of `gradient_check`: a table in a notebook, an assertion in a test.

    Its text is the same on every machine: right gradients show a threshold, wrong ones a rounded number and
    words. The exact numbers are in `rows`. ``bool(report)`` is `passed`, so that ``assert
    gradient_check(...)`` does what it says.

    Attributes
    ----------
    rows : tuple of GradientRow
        One row an input.
    method : str
        "central", "forward" or "complex".
    tolerance : float
        The largest relative error a right gradient may have.
    """

    def __init__(self, rows, method, tolerance):
        self.rows = tuple(rows)
        self.method = method
        self.tolerance = tolerance

    @property
    def passed(self):
        """Whether every gradient was compared and found right."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    def assert_ok(self):
        """Return the report if it passed.

        Raises
        ------
        AssertionError
            With the report's text, if it did not.
        """
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __bool__(self):
        return self.passed

    def __str__(self):
        table = [("", *HEADINGS), *(self._cells(row) for row in self.rows)]
        widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
        lines = [self._title()]
        for mark, name, shape, entries, error, verdict in table:
            cells = (
                mark.ljust(widths[0]),
                name.ljust(widths[1]),
                shape.ljust(widths[2]),
                entries.rjust(widths[3]),
                error.rjust(widths[4]),
                verdict,
            )
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        # No background and no text colour of our own: the notebook's theme, light or dark, stays in charge.
        wide = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;background:none;color:inherit"
        cell = f"{wide};white-space:nowrap"
        head = "".join(f'<th scope="col" style="{cell}">{text}</th>' for text in ("", *HEADINGS))
        body = ""
        for row in self.rows:
            mark, name, *cells, verdict = (escape(text) for text in self._cells(row))
            colour = RIGHT_COLOUR if row.passed else WRONG_COLOUR
            body += (
                f'<tr style="background:none"><td style="{cell};color:{colour};font-weight:bold">{mark}</td>'
                f'<th scope="row" style="{cell}">{name}</th>'
                + "".join(f'<td style="{cell}">{text}</td>' for text in cells)
                + f'<td style="{wide}">{verdict}</td></tr>'
            )
        return (
            '<table style="border-collapse:collapse;color:inherit">'
            f'<caption style="{cell};caption-side:top">{escape(self._title())}</caption>'
            f'<thead><tr style="border-bottom:1px solid rgba(128,128,128,0.6)">{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _title(self):
        right = sum(row.passed for row in self.rows)
        verdict = "passed" if self.passed else "failed"
        return (
            f"Gradient check {verdict}: {right} of {count(len(self.rows), 'gradient', 'gradients')} right "
            f"({METHODS[self.method].label}, tolerance {short_number(self.tolerance)})"
        )

    def _cells(self, row):
        """Return the row as texts: mark, name, shape, entries, relative error, verdict."""
        size = int(np.prod(row.shape))
        entries = f"{row.compared}" if row.compared == size else f"{row.compared} of {size}"
        if row.relative_error <= self.tolerance:
            error = threshold(row.relative_error, self.tolerance, METHODS[self.method].finest)
        elif np.isfinite(row.relative_error):
            error = rounded(row.relative_error, 1)
        else:
            error = "–"
        verdict = "; ".join(filter(None, ["right" if row.passed else row.reading, *self._remarks(row)]))
        return ("✓" if row.passed else "✗", row.name, str(row.shape), entries, error, verdict)

    def _remarks(self, row):
        """Yield what else to say about the row: the worst entry, the kinks."""
        if not row.passed and row.worst_index is not None and row.relative_error > self.tolerance:
            got, expected = distinct(row.analytic, row.numeric, max(abs(row.analytic), abs(row.numeric)))
            place = f"at {row.worst_index} " if row.shape else ""
            yield f"{place}got {got}, expected {expected}"
        if row.passed and row.reading:
            yield row.reading
        if row.kinks:
            yield f"{count(row.kinks, 'entry sits', 'entries sit')} on a kink"
