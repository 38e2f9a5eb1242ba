"""Every catalogued mistake against every way of finding out: ``python -m benchmarks.kill_matrix``.

A mark says what became of a mistake:

    ✓ killed     the oracle sees it
    ✗ survived   the oracle should see it, and does not: one of the two has to be mended
    ○ blind      the oracle can be asked and cannot see this one; the reasons stand below the tables
    · nothing    the oracle has nothing to say about such a function
    ? missing    the oracle needs a package that is not installed

``--reasons`` also lists what gave each mistake away. ``--markdown`` writes the tables into the teacher's
guide, ``assignments/README.md``. The exit status is 1 if a mistake survives.
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from backprop_helpers.checking import misconceptions
from benchmarks.oracles import ORACLES, TOGETHER, Verdict, judge

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "assignments" / "README.md"
MARKER = "<!-- kill matrix -->"  # one before the tables in the guide and one after them
MARKS = {"killed": "✓", "survived": "✗", "blind": "○", "not applicable": "·", "not installed": "?"}
ALWAYS_SHOWN = ("gradient check",)  # where it is blind, the table has to say so
TITLES = {
    "fc": "Fully connected",
    "relu": "ReLU",
    "softmax": "Softmax",
    "cross_entropy": "Cross-entropy",
    "softmax_cross_entropy": "Softmax and cross-entropy together",
    "conv": "Convolution",
    "pool": "Pooling",
    "flatten": "Flatten",
    "training": "Training and initial values",
    "check": "Checks",
    "together": "Forward and backward wrong together",
}
LEAST_RECOGNISED = 0.9


class Recognition(NamedTuple):
    """What the check of an exercise says to the mistake as a learner's answer.

    Attributes
    ----------
    exercise : str
        The exercise's name.
    verdict : str
        Such as "recognised", "wrong shape" or "different".
    by_name : bool
        Whether its diagnosis is the mistake's own.
    located : bool
        Whether the answer is refused with a place or a reason.
    """

    exercise: str
    verdict: str
    by_name: bool
    located: bool

    @property
    def mark(self):
        """The verdict as a cell of the table."""
        if self.by_name:
            return "by name"
        return self.verdict if self.located else "✗ " + self.verdict


class Row(NamedTuple):
    """One mistake: what every oracle says, and every exercise that knows it."""

    mistake: object
    verdicts: dict[str, Verdict]
    recognised: tuple[Recognition, ...]

    @property
    def name(self):
        """The mistake's name."""
        return self.mistake.name

    @property
    def by_name(self):
        """Whether some exercise calls the mistake by its name."""
        return any(found.by_name for found in self.recognised)

    @property
    def survived(self):
        """The names of the oracles that should see the mistake and do not."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict.outcome == "survived")


class Totals(NamedTuple):
    """The counts below the matrix."""

    mistakes: int
    together: int
    asked: int  # pairs of a mistake and an oracle that applies to it
    killed: int
    survived: int
    blind: int
    unseen: int  # mistakes that no oracle kills
    in_exercises: int
    by_name: int
    located: int
    passed: int  # mistakes that some exercise takes for right

    @property
    def is_good(self):
        """Whether every oracle kills what it should, and the exercises recognise nearly all."""
        return (
            self.asked == self.killed > 0
            and not self.unseen
            and not self.passed
            and self.by_name >= LEAST_RECOGNISED * self.in_exercises
            and self.by_name + self.located == self.in_exercises
        )


def kill_matrix(mistakes=None, *, exercises=True):
    """Ask every oracle about every mistake.

    Parameters
    ----------
    mistakes : iterable of Misconception or Mistake, optional
        By default the catalogue, and what is wrong together.
    exercises : bool
        Whether to ask the checks of the exercises too, which takes most of the time.

    Returns
    -------
    list of Row
    """
    mistakes = [*misconceptions.values(), *TOGETHER] if mistakes is None else list(mistakes)
    recognised = _recognised_by_exercises({mistake.name for mistake in mistakes}) if exercises else {}
    return [
        Row(
            mistake,
            {name: judge(mistake, oracle) for name, oracle in ORACLES.items()},
            tuple(recognised.get(mistake.name, ())),
        )
        for mistake in mistakes
    ]


def _recognised_by_exercises(names):
    """Return {mistake: [Recognition, ...]}: the lessons' exercises in turn, up to the first that names it."""
    from backprop_helpers.checking import check

    found = {}
    for exercise in check.exercises.values():
        if not exercise.lesson.isdigit():  # the assignments adapt the same mistakes
            continue
        for suspect in exercise.suspects:
            known = found.setdefault(suspect.name, [])
            if suspect.name not in names or any(earlier.by_name for earlier in known):
                continue
            if suspect.fit is None:
                function = suspect.make()
            elif misconceptions[suspect.name].function.removesuffix("_forward").startswith(exercise.name):
                function = misconceptions[suspect.name].fresh()  # with a number of its own in it
            else:
                continue
            result = getattr(check, exercise.name)(function)
            diagnoses = [text for label, text in result.lines if label == "diagnosis"]
            by_name = not result.passed and suspect.name == result.diagnosis and bool(diagnoses)
            located = not by_name and result.attempted and not result.passed and bool(result.lines)
            known.append(Recognition(exercise.name, result.verdict, by_name, located))
    return found


def totals(rows):
    """Return the counts of a matrix."""
    outcomes = [verdict.outcome for row in rows for verdict in row.verdicts.values()]
    known = [row for row in rows if row.recognised]
    by_name = [row for row in known if row.by_name]
    located = [row for row in known if not row.by_name and any(found.located for found in row.recognised)]
    return Totals(
        mistakes=sum(not row.name.startswith("together.") for row in rows),
        together=sum(row.name.startswith("together.") for row in rows),
        asked=outcomes.count("killed") + outcomes.count("survived"),
        killed=outcomes.count("killed"),
        survived=outcomes.count("survived"),
        blind=outcomes.count("blind"),
        unseen=sum(all(v.outcome != "killed" for v in row.verdicts.values()) for row in rows),
        in_exercises=len(known),
        by_name=len(by_name),
        located=len(located),
        passed=sum(all(found.verdict == "right" for found in row.recognised) for row in known),
    )


# --- as a text


def _layers(rows):
    """Yield (title, rows) for each layer."""
    for layer, group in groupby(rows, key=lambda row: row.name.partition(".")[0]):
        yield TITLES.get(layer, layer), list(group)


def _columns(rows):
    """Return the oracles that kill something in these rows, and those always shown where they apply."""
    shown = []
    for name in ORACLES:
        outcomes = {row.verdicts[name].outcome for row in rows}
        kills = bool(outcomes & {"killed", "survived", "not installed"})
        if kills or (name in ALWAYS_SHOWN and outcomes != {"not applicable"}):
            shown.append(name)
    return shown


def _exercise_cell(row):
    """Return what the exercises say: the best of their marks."""
    if not row.recognised:
        return "–"
    return min((found.mark for found in row.recognised), key=lambda mark: mark != "by name")


def _cells(rows):
    """Return the table of one layer: a heading and a list of cells for each mistake."""
    columns = _columns(rows)
    exercises = any(row.recognised for row in rows)
    heading = ["mistake", *columns, *(["exercise check"] if exercises else [])]
    body = [
        [
            row.name,
            *(MARKS[row.verdicts[name].outcome] for name in columns),
            *([_exercise_cell(row)] if exercises else []),
        ]
        for row in rows
    ]
    return heading, body


def blind_spots(rows):
    """Return one line for each oracle and reason: which mistakes it cannot see, and why."""
    found = {}
    for row in rows:
        for name, verdict in row.verdicts.items():
            if verdict.outcome == "blind":
                found.setdefault((name, verdict.reason), []).append(row)
    lines = []
    for name, reason in sorted(found, key=lambda key: list(ORACLES).index(key[0])):
        blind = found[name, reason]
        seen_by = sorted(
            {other for row in blind for other, v in row.verdicts.items() if v.outcome == "killed"},
            key=list(ORACLES).index,
        )
        names = ", ".join(row.name for row in blind) if len(blind) <= 6 else f"{len(blind)} mistakes"
        lines.append(f"{name} is blind to {names}: {reason}. Seen by: {', '.join(seen_by)}")
    return lines


def summary(rows):
    """Return the totals as sentences."""
    t = totals(rows)
    lines = [
        f"{t.mistakes} mistakes, and {t.together} of a forward and a backward that are wrong together.",
        f"{t.killed} of {t.asked} killed by an oracle that applies ({t.survived} survived, {t.blind} blind).",
    ]
    if t.in_exercises:
        lines.append(
            f"{t.by_name} of {t.in_exercises} recognised by name by the check of an exercise, {t.located} "
            f"refused with a place or a reason, {t.passed} taken for right."
        )
    return lines


def as_text(rows, *, reasons=False):
    """Return the matrix for a terminal."""
    parts = []
    for title, group in _layers(rows):
        heading, body = _cells(group)
        widths = [max(map(len, column)) for column in zip(heading, *body)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
            for cells in (heading, *body)
        ]
        parts.append("\n".join([f"{title}", *table]))
        if reasons:
            parts.append("\n".join(_what_gave_it_away(group)))
    parts.append("Where an oracle is blind\n" + "\n".join(f"- {line}" for line in blind_spots(rows)))
    parts.append("\n".join(summary(rows)))
    return "\n\n".join(parts)


def _what_gave_it_away(rows):
    for row in rows:
        yield row.name
        for name, verdict in row.verdicts.items():
            if verdict.outcome in ("killed", "survived"):
                yield f"    {MARKS[verdict.outcome]} {name}: {verdict.reason}"
        for found in row.recognised:
            yield f"    exercise {found.exercise}: {found.mark}"


def as_markdown(rows):
    """Return the matrix for the teacher's guide."""
    lines = [*summary(rows), ""]
    lines.append("✓ killed: the oracle sees the mistake · ○ blind: it cannot, for a reason given below · ")
    lines[-1] += '"·" it has nothing to say about such a function'
    for title, group in _layers(rows):
        heading, body = _cells(group)
        lines += ["", f"**{title}**", ""]
        lines.append("| " + " | ".join(heading) + " |")
        lines.append("| " + " | ".join(["---"] + [":---:"] * (len(heading) - 1)) + " |")
        lines += ["| " + " | ".join([f"`{cells[0]}`", *cells[1:]]) + " |" for cells in body]
    lines += ["", "**Where an oracle is blind**", ""]
    lines += [f"- {line}" for line in blind_spots(rows)]
    return "\n".join(lines) + "\n"


def between_markers(text, table):
    """Return the guide's text with the table between its markers.

    Raises
    ------
    ValueError
        The marker does not stand in the text twice.
    """
    if text.count(MARKER) != 2:
        raise ValueError(f"the guide needs the line {MARKER} twice, before the tables and after them")
    before, _, after = text.split(MARKER)
    return f"{before}{MARKER}\n\n{table}\n{MARKER}{after}"


def main(arguments=None):
    """Print the matrix, or write it into the guide; return 1 if a mistake survives."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kill_matrix",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--reasons", action="store_true", help="list what gave each mistake away")
    parser.add_argument("--markdown", action="store_true", help="write the tables into the teacher's guide")
    options = parser.parse_args(arguments)
    rows = kill_matrix()
    if options.markdown:
        missing = [name for name, v in rows[0].verdicts.items() if v.outcome == "not installed"]
        if missing:
            print(f"the guide shows all oracles, and {', '.join(missing)} is not installed", file=sys.stderr)
            return 1
        GUIDE.write_text(between_markers(GUIDE.read_text(encoding="utf-8"), as_markdown(rows)), "utf-8")
        print(f"written to {GUIDE.relative_to(ROOT)}")
    else:
        print(as_text(rows, reasons=options.reasons))
    return 0 if totals(rows).is_good else 1


if __name__ == "__main__":
    sys.exit(main())
