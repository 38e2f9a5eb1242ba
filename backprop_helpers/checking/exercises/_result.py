"""What a check says: a table in a notebook, plain text elsewhere, the same on every machine."""

from html import escape

from backprop_helpers.checking._report import RIGHT_COLOUR, WRONG_COLOUR

#: Every verdict there is, and what it means.
VERDICTS = {
    "right": "all cases are right, and nothing else is wrong with the function",
    "not attempted": "the function raises NotImplementedError",
    "raised": "the function raises an error",
    "wrong shape": "a result has another shape, another type, or is missing",
    "recognised": "the answer of a known mistake",
    "different": "another wrong answer",
    "stopped": "the function takes too long, or too much memory",
    "delegated": "a function of backprop_helpers does the work",
    "writes to its inputs": "the arguments are not what they were",
    "keeps state": "the same arguments give different answers",
    "reads outside arrays": "the function uses an array that was not given to it",
}
MARKS = {"right": "✓", "not attempted": "–"}


class CheckResult:
    """The result of a check: a table in a notebook, an assertion in a test.

    Attributes
    ----------
    exercise : Exercise
    verdict : str
        One of `VERDICTS`.
    lines : tuple of (str, str)
        What there is to say, each with a label such as "hint".
    diagnosis : str or None
        The name of the misconception that was recognised.
    hint : str or None
        Where to look, without giving the answer away.
    """

    def __init__(self, exercise, verdict, lines, diagnosis=None, hint=None):
        self.exercise = exercise
        self.verdict = verdict
        self.lines = tuple((label, text) for label, text in lines if text)
        self.diagnosis = diagnosis
        self.hint = hint

    @property
    def passed(self):
        """Whether the answer is right."""
        return self.verdict == "right"

    @property
    def attempted(self):
        """Whether there is an answer at all."""
        return self.verdict != "not attempted"

    def assert_ok(self):
        """Return the result if it passed.

        Raises
        ------
        NotImplementedError
            The exercise has not been attempted.
        AssertionError
            The answer is wrong; with the result's text.
        """
        if not self.attempted:
            raise NotImplementedError(str(self))
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __bool__(self):
        return self.passed

    def _title(self):
        said = "not attempted yet" if not self.attempted else self.verdict
        return f"{self.exercise.number} {self.exercise.name}: {said}"

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
        rows = "".join(
            f'<tr style="background:none"><th scope="row" style="{narrow};font-weight:normal;opacity:0.75">'
            f'{escape(label)}</th><td style="{wide}">{escape(text).replace(chr(10), "<br>")}</td></tr>'
            for label, text in self.lines
        )
        return (
            '<table style="border-collapse:collapse;color:inherit">'
            f'<caption style="{wide};caption-side:top;white-space:nowrap">{mark} '
            f"{escape(self._title())}</caption>"
            f"<tbody>{rows}</tbody></table>"
        )
