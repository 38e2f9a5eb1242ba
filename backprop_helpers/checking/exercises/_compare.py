"""What was returned beside what is right: where the two differ, and whether two answers are the same."""

from functools import cached_property

import numpy as np

from backprop_helpers.checking._text import distinct
from backprop_helpers.checking.exercises._run import (
    as_numbers,
    compared_parts,
    reference_parts,
    shaped_reference,
)

SINGLE = 5e-6  # relative: what float32 leaves of a right answer, for sums of up to a hundred numbers
SAME = 1e-7  # relative: the answers of two calls, or of two programs with the same mistake
STATISTIC = 0.08  # relative: two samples of the same distribution
TINY = 1e-30  # absolute, where each entry counts by its own size
ROUNDING = 1e-12  # relative: two ways to the same float64


class Evidence:
    """All calls of a learner's function (`Run`), and the right answers.

    `scaled` are three calls, of which the second has a billion times the gradient of the first, and the third
    a billionth; with `strict`, what float32 would leave of an answer counts as wrong, too.
    """

    def __init__(self, exercise, runs, scaled=None, strict=False):
        self.exercise, self.runs, self.scaled, self.strict = exercise, runs, scaled, strict
        self.parts = exercise.compared

    @cached_property
    def expected(self):
        """For each call the right parts."""
        known = {}
        for run in self.runs:
            if id(run.case) not in known:
                known[id(run.case)] = reference_parts(self.exercise, run.case)
        return [known[id(run.case)] for run in self.runs]

    @cached_property
    def got(self):
        """For each call the parts that came back; None where it raised an error or has no parts."""
        return [
            None if run.error is not None or run.parts is None else compared_parts(self.exercise, run)
            for run in self.runs
        ]

    @cached_property
    def wrong(self):
        """(call, part) of each wrong part, in the order of the calls."""
        return [
            (r, p)
            for r, got in enumerate(self.got)
            for p, part in enumerate(self.parts)
            if got is not None and self.error(r, p) > self.allowed(r, part)
        ]

    @cached_property
    def telling(self):
        """The calls, those first that tell mistakes apart: with wrong numbers, and several examples.

        The first case was called three times; once will do if the answers were the same.
        """
        first, wrong = self.runs[0], {r for r, _ in self.wrong}
        again = [run for run in self.runs[1:] if run.case is first.case]
        if first.error is None:
            same = not any(first_change(self.exercise, first, run) for run in again)
        else:
            same = all(type(run.error) is type(first.error) for run in again)
        if not same:  # it keeps something, so the order counts
            return list(range(len(self.runs)))
        calls = [r for r, run in enumerate(self.runs) if not (r and run.case is first.case)]

        def order(r):
            sizes = {n for a in self.runs[r].case.arguments if isinstance(a, np.ndarray) for n in a.shape}
            return self.got[r] is None, r not in wrong, -len(sizes - {1})

        return sorted(calls, key=order)

    @cached_property
    def forms(self):
        """The calls whose results have another form or another shape than the right ones."""
        return [r for r, run in enumerate(self.runs) if run.error is None and self._other_form(run)]

    def _other_form(self, run):
        if run.problem or run.parts is None:
            return True
        right = shaped_reference(self.exercise, run.case)
        return any(part.shape != wanted.shape for part, wanted in zip(run.parts, right))

    def error(self, r, p):
        """Return how far a part is off."""
        return self.apart(r, p, self.got[r][p], self.expected[r][p])

    def apart(self, r, p, got, other):
        """Return how far two answers to a call are from each other."""
        return relative_error(got, other, self.parts[p].kind, self.runs[r].case.unit)

    def allowed(self, r, part):
        """Return how far a part may be off: as far as float32 would bring it."""
        if self.strict or part.kind == "statistic":
            return self.tolerance(part)
        return max(self.tolerance(part), self.rounding(r))

    def tolerance(self, part):
        """Return how far a part may be off that was computed in float64."""
        return STATISTIC if part.kind == "statistic" else self.exercise.tolerance

    def rounding(self, r):
        """Return what float32 leaves of an answer: it grows with the length of the sums."""
        if self.strict:
            return ROUNDING
        return SINGLE * max(1.0, np.sqrt(self.runs[r].case.size) / 10)

    def same(self, r, p, got, other):
        """Whether two answers to a call are the same, but for the rounding of float32."""
        if got is None or other is None:
            return got is other
        allowed = STATISTIC / 2 if self.parts[p].kind == "statistic" else self.rounding(r)
        return got.shape == other.shape and self.apart(r, p, got, other) <= allowed

    def smallest(self, found):
        """Return of some (call, part) the one whose arguments hold the fewest numbers."""
        return min(found, key=lambda place: self.runs[place[0]].case.size)

    @cached_property
    def exactly(self):
        """The same evidence, in which what float32 would leave of an answer is wrong."""
        return Evidence(self.exercise, self.runs, self.scaled, strict=True)


def relative_error(got, right, kind="numbers", unit=1.0):
    """Return the largest difference, relative to the largest right entry (a unit at least); infinite: no fit.

    For the kind "entries" each difference is relative to its own right entry.
    """
    if got is None or got.shape != right.shape:
        return np.inf
    finite = np.isfinite(right)
    if not np.array_equal(np.isfinite(got), finite):
        return np.inf
    if not np.array_equal(got[~finite], right[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    with np.errstate(all="ignore"):
        difference, size = np.abs(got[finite] - right[finite]), np.abs(right[finite])
        scale = size + TINY if kind == "entries" else max(unit, size.max())
        return float((difference / scale).max())


def wrong_entries(got, right, kind="numbers", unit=1.0):
    """Return where two arrays of one shape differ by more than the rounding of float32."""
    with np.errstate(all="ignore"):
        size = np.abs(right)
        scale = size + TINY if kind == "entries" else max(unit, size[np.isfinite(size)].max(initial=0))
        return ~(np.abs(got - right) <= SINGLE * scale) & ~(np.isnan(got) & np.isnan(right)) & (got != right)


def worst(got, right, kind="numbers"):
    """Return the index of the first entry that is not finite, else of the largest difference.

    For the kind "entries", of the largest relative to the right entry: that of a huge one may be rounding.
    """
    with np.errstate(all="ignore"):
        difference = np.abs(got - right)
        if kind == "entries":
            difference = difference / (np.abs(right) + TINY)
    difference = np.where(np.isfinite(difference), difference, np.inf)
    difference = np.where((got == right) | (np.isnan(got) & np.isnan(right)), 0, difference)
    # Of nearly equal ones the first: which of them is larger may depend on the machine.
    largest = difference.max()
    near = difference >= (largest if np.isinf(largest) else largest * (1 - 1e-6))
    return tuple(int(i) for i in np.unravel_index(np.argmax(near), near.shape))


# --- the same arguments twice


def first_change(exercise, first, again):
    """Say what the second of two equal calls returned that the first did not; empty if nothing."""
    if again.error is not None:
        return f"{type(again.error).__name__}: {again.error}"
    if first.parts is None or again.parts is None:
        return "" if first.parts is again.parts else "another number of results"
    for part, before, after in zip(exercise.returns, first.parts, again.parts):
        if before is None or after is None:
            if before is not after:
                return f"{part.name} is of another type"
            continue
        if before.shape != after.shape:
            return f"{part.name} was of shape {before.shape}, then of shape {after.shape}"
        if relative_error(after, before) > SAME:
            index = worst(after, before)
            one, two = two_numbers(before[index], after[index], np.abs(before).max())
            return f"{entry(part.name, index)} was {one}, then {two}"
    return ""


def share_memory(values, others):
    """Whether an array among the values shares its memory with one of the others."""
    arrays, others = (
        [value for value in some or () if isinstance(value, np.ndarray)] for some in (values, others)
    )
    return any(np.may_share_memory(a, b) for a in arrays for b in others)


def changed_later(exercise, run):
    """Return the name of a part whose array has changed since the call; None if there is none."""
    for part, value, kept in zip(exercise.returns, run.values or (), run.parts or ()):
        if kept is not None and part.kind in ("numbers", "entries"):
            now = as_numbers(value)
            if now is None or now.shape != kept.shape or not np.array_equal(now, kept, equal_nan=True):
                return part.name
    return None


def two_numbers(got, right, scale):
    """Return both numbers as text, with as many digits as show the difference."""
    if not (np.isfinite(got) and np.isfinite(right)):
        return tuple(
            distinct(value, value, max(abs(value), 1e-300))[0] if np.isfinite(value) else str(float(value))
            for value in (got, right)
        )
    return distinct(float(got), float(right), scale)


def entry(name, index):
    """Return ``dx[0, 1]``; the name alone for a single number."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name
