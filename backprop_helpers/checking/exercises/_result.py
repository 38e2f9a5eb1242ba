"""What a check says: a table in a notebook, plain text elsewhere, the same on every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from backprop_helpers.checking._report import RIGHT_COLOUR, WRONG_COLOUR
from backprop_helpers.checking.exercises._exercise import Exercise

#: Every verdict there is, and how the title of a result says it.
VERDICTS = {
    "right": "right",
    "not attempted": "not attempted yet",
    "not read": "not checked: the cell that defines it has an error",
    "raised": "raised an error",
    "wrong shape": "wrong shape",
    "recognised": "wrong: a known mistake",
    "different": "wrong",
    "stopped": "stopped",
    "delegated": "delegated",
    "writes to its inputs": "writes to its inputs",
    "keeps state": "keeps state",
    "reads outside arrays": "wrong, and it reads outside arrays",
}
MARKS = {"right": "✓", "not attempted": "–", "not read": "–"}


class Failing(NamedTuple):
    """The smallest case in which an answer is wrong, as arrays: ``f(**case.arguments, **case.options)``."""

    name: str
    arguments: dict
    options: dict
    expected: dict  # by the names of the results
    got: dict  # empty if nothing came back
    look_at: tuple  # the index of the entry to look at first


@dataclass(eq=False, repr=False)
class CheckResult:
    """The result of a check: a table in a notebook, an assertion in a test."""

    exercise: Exercise
    verdict: str  # one of `VERDICTS`
    lines: Sequence  # what there is to say: (a label such as "hint", the text)
    diagnosis: str | None = None  # the name of the misconception that was recognised
    hint: str | None = None  # where to look, without giving the answer away
    case: Failing | None = None  # the smallest failing case

    def __post_init__(self):
        self.lines = tuple((label, text) for label, text in self.lines if text)

    @property
    def passed(self):
        """Whether the answer is right."""
        return self.verdict == "right"

    @property
    def attempted(self):
        """Whether there is an answer at all."""
        return self.verdict not in ("not attempted", "not read")

    def followed_by(self, text):
        """Return the result with one line more: what comes next."""
        return CheckResult(self.exercise, self.verdict, [*self.lines, ("next", text)])

    def assert_ok(self):
        """Return the result if it passed.

        Raises
        ------
        NotImplementedError
            The exercise has not been attempted.
        AssertionError
            The answer is wrong; with the result's text.
        """
        if self.verdict == "not attempted":
            raise NotImplementedError(str(self))
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __bool__(self):
        return self.passed

    def _title(self):
        return f"{self.exercise.number} {self.exercise.name}: {VERDICTS[self.verdict]}"

    def _mark(self):
        return MARKS.get(self.verdict, "✗")

    def __str__(self):
        width = max((len(label) for label, _ in self.lines), default=0)
        indent = "\n" + " " * (width + 4)
        rows = [f"  {label.ljust(width)}  {text.replace(chr(10), indent)}" for label, text in self.lines]
        return "\n".join([f"{self._mark()} {self._title()}", *rows])

    __repr__ = __str__

    def _repr_html_(self):
        # No background and no text colour of our own: the notebook's theme, light or dark, stays in charge.
        wide = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;background:none;color:inherit"
        narrow = f"{wide};white-space:nowrap"
        colour = {"✓": RIGHT_COLOUR, "✗": WRONG_COLOUR}.get(self._mark(), "inherit")
        mark = f'<span style="color:{colour};font-weight:bold">{self._mark()}</span>'
        band = f";border-left:8px solid {colour};padding-left:8px;font-weight:bold" if self.passed else ""
        rows = "".join(
            f'<tr style="background:none"><th scope="row" style="{narrow};font-weight:normal;opacity:0.75">'
            f'{escape(label)}</th><td style="{wide}">{_folded(label, text)}</td></tr>'
            for label, text in self.lines
        )
        return (
            '<table style="border-collapse:collapse;color:inherit">'
            f'<caption style="{wide};caption-side:top;white-space:nowrap{band}">{mark} '
            f"{escape(self._title())}</caption>"
            f"<tbody>{rows}</tbody></table>"
        )


def _folded(label, text):
    """Return a line as HTML; the names of the cases that a right answer passed are folded away."""
    if label == "cases" and ": " in text and ";" in text:
        head, _, names = text.partition(": ")
        return f"<details><summary>{escape(head)}</summary>{escape(names)}</details>"
    return escape(text).replace("\n", "<br>")
