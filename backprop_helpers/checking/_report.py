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
    """What the check found for one input; the exact numbers."""

    name: str  # the input's, from the forward function's signature
    shape: tuple[int, ...]
    relative_error: float  # the largest of all compared entries; infinite if nothing could be compared
    worst_index: tuple[int, ...] | None  # where the error is largest (the first of equals)
    analytic: float | None  # what the backward function says there
    numeric: float | None  # what the nudges say there
    reading: str  # where the error sits and what it looks like, in words; empty for a right gradient
    compared: int  # entries
    kinks: int  # entries left out, since they sit on a kink or a tie
    passed: bool | None  # None if there was nothing to compare


class GradientReport:
    """The result of `gradient_check`: a table in a notebook, an assertion in a test.

    Its text is the same on every machine: right gradients show a threshold, wrong ones a rounded number and
    words. The exact numbers are in `rows`, one `GradientRow` for each input. ``bool(report)`` is whether it
    passed, so that ``assert gradient_check(...)`` does what it says.
    """

    def __init__(self, rows, method, tolerance):
        self.rows = tuple(rows)
        self.method = method
        self.tolerance = tolerance

    @property
    def passed(self):
        """True if every gradient was found right, False if one is wrong, None if nothing tells of one."""
        verdicts = [row.passed for row in self.rows]
        return False if False in verdicts else None if None in verdicts or not verdicts else True

    def assert_ok(self):
        """Return the report if it passed, else raise an AssertionError with its text."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __bool__(self):
        return bool(self.passed)

    def __str__(self):
        table = [("", *HEADINGS), *(self._cells(row) for row in self.rows)]
        widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
        padded = [
            [*map(str.ljust, cells[:3], widths), *map(str.rjust, cells[3:5], widths[3:]), cells[5]]
            for cells in table
        ]
        return "\n".join([self._title(), *("  ".join(cells).rstrip() for cells in padded)])

    __repr__ = __str__

    def _repr_html_(self):
        # No background and no text colour of our own: the notebook's theme, light or dark, stays in charge.
        wide = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;background:none;color:inherit"
        cell = f"{wide};white-space:nowrap"
        head = "".join(f'<th scope="col" style="{cell}">{text}</th>' for text in ("", *HEADINGS))
        body = ""
        for row in self.rows:
            mark, name, *cells, verdict = (escape(text) for text in self._cells(row))
            colour = {True: RIGHT_COLOUR, False: WRONG_COLOUR, None: "inherit"}[row.passed]
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
        right = sum(row.passed is True for row in self.rows)
        verdict = {True: "passed", False: "failed", None: "undecided"}[self.passed]
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
        looked_at = row.compared + row.kinks
        right = "right" if looked_at == size else f"right in the {looked_at} of {size} looked at"
        verdict = "; ".join(filter(None, [right if row.passed else row.reading, *self._remarks(row)]))
        mark = {True: "✓", False: "✗", None: "–"}[row.passed]
        return (mark, row.name, str(row.shape), entries, error, verdict)

    def _remarks(self, row):
        """Yield what else to say about the row: the worst entry, the kinks."""
        if row.relative_error > self.tolerance and row.worst_index is not None:
            got, expected = distinct(row.analytic, row.numeric, max(abs(row.analytic), abs(row.numeric)))
            place = f"at {row.worst_index} " if row.shape else ""
            yield f"{place}got {got}, expected {expected}"
        if row.passed and row.reading:
            yield row.reading
        if row.kinks:
            yield f"{count(row.kinks, 'entry sits', 'entries sit')} on a kink"
