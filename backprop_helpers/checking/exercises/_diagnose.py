"""From a learner's function to what is right or wrong with it."""

import inspect
import linecache
import re
import warnings
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._reading import name_axes, read_difference, read_shape
from backprop_helpers.checking._text import count, distinct
from backprop_helpers.checking.exercises._result import CheckResult
from backprop_helpers.checking.exercises._runner import Guard, OutOfTime
from backprop_helpers.checking.exercises._watch import (
    Delegation,
    is_known_mistake,
    is_library,
    outside_arrays,
)
from backprop_helpers.checking.misconceptions import misconceptions

SINGLE = 5e-6  # relative: what float32 leaves of a right answer
SAME = 1e-7  # relative: the answers of two programs with the same mistake
LONGEST_MESSAGE = 300


class Run(NamedTuple):
    """One call of a function, and what came of it.

    Attributes
    ----------
    case : Case
    error : BaseException or None
    values : list or None
        For each part what was returned, before any conversion.
    parts : list or None
        For each part a float array of its own, or None where it is none.
    problem : str
        What is wrong with the type or the number of the results; empty if nothing is.
    written, viewed : list of str
        The arguments that were changed; the parts and arguments that share their memory.
    """

    case: object
    error: BaseException | None = None
    values: list | None = None
    parts: list | None = None
    problem: str = ""
    written: tuple = ()
    viewed: tuple = ()


def examine(exercise, function, *, seed=0, diagnose=True):
    """Run a function on the cases of an exercise, and say what is right or wrong with it.

    Parameters
    ----------
    exercise : Exercise
    function : callable
    seed : int
        Other numbers, and some other shapes, for each seed.
    diagnose : bool
        False: a known mistake is not named, only where and how the answer differs.

    Returns
    -------
    CheckResult

    Raises
    ------
    TypeError
        `function` is not a function.
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(
            f"check.{exercise.name}: expected your function {exercise.signature}, "
            f"got {_described(function)}; pass the function itself, without calling it"
        )
    cases = list(exercise.cases(np.random.default_rng(seed)))
    return _Examination(exercise, function, cases, diagnose).result()


class _Examination:
    def __init__(self, exercise, function, cases, diagnose):
        self.exercise, self.function, self.diagnose = exercise, function, diagnose
        # The first case twice in a row, and again at the end: one that keeps something is found out.
        self.sequence = [cases[0], *cases, cases[0]]
        self.outside = outside_arrays(function)
        ours = is_known_mistake(function) and function is not exercise.reference
        self.delegation = Delegation(None if ours else exercise.delegates)
        self.runs = self._run_all()

    # --- running

    def _run_all(self):
        runs = []
        with Guard() as guard:
            for case in self.sequence:
                run = run_case(self.exercise, self.function, case, guard, self.delegation)
                runs.append(run)
                if isinstance(run.error, (OutOfTime, MemoryError, NotImplementedError)):
                    break
        return runs

    # --- the verdict

    def result(self):
        for judge in (
            self._unfinished,
            self._state,
            self._raised,
            self._delegated,
            self._reads_outside,
            self._writes,
            self._expect,
            self._shape,
            self._value,
        ):
            verdict = judge()
            if verdict is not None:
                return verdict
        return self._right()

    def _result(self, verdict, *lines, named=()):
        """Return a result, with the recognised mistakes among its lines."""
        first = named[0] if named and self.diagnose else None
        said = []
        for name in named if self.diagnose else ():
            known = _known(self.exercise, name)
            said += [("diagnosis", known.diagnosis), ("hint", known.hint)]
        head, tail = lines[:1], lines[1:]
        if verdict == "recognised":
            head, tail = (), lines
        hint = _known(self.exercise, first).hint if first else None
        return CheckResult(self.exercise, verdict, [*head, *said, *tail], first, hint)

    def _unfinished(self):
        run = self.runs[-1]
        if isinstance(run.error, OutOfTime):
            return self._result(
                "stopped",
                ("stopped", f"it did not return within {Guard().seconds:g} seconds"),
                ("hint", "is there a loop that never ends?"),
                ("case", _case_text(self.exercise, run.case)),
            )
        if isinstance(run.error, MemoryError):
            return self._result(
                "stopped",
                ("stopped", "it asked for more memory than there is"),
                ("error", _message(run.error)),
                ("hint", "how large is each axis of the arrays that you make?"),
                ("case", _case_text(self.exercise, run.case)),
            )
        if isinstance(run.error, NotImplementedError) and len(self.runs) == 1:
            where = _last_own_frame(run.error)
            other = where is not None and where[1] != _code_name(self.function)
            return self._result(
                "not attempted",
                ("to do", f"write {self.exercise.signature}: {self.exercise.title}"),
                ("note", f"it calls {where[1]}, which is not attempted yet" if other else ""),
            )
        return None

    def _state(self):
        """Judge whether the same arguments give the same answer."""
        first = self.runs[0]
        if first.error is not None or first.parts is None:
            return None
        for again in (self.runs[1], self.runs[-1]) if len(self.runs) > 1 else ():
            if again.case is not first.case:
                continue
            difference = _first_change(self.exercise, first, again)
            if difference:
                return self._result(
                    "keeps state",
                    ("state", f"called again with the same arguments, it gave another answer: {difference}"),
                    ("hint", "what does the first call leave behind, outside the function?"),
                    ("case", _case_text(self.exercise, first.case)),
                    named=self._recognised(),
                )
        for r, run in enumerate(self.runs):
            for earlier in self.runs[:r]:
                if _share_memory(run.values, earlier.values):
                    return self._result(
                        "keeps state",
                        ("state", "two calls returned the same array, not one of their own each"),
                        ("hint", "what does the first call leave behind, outside the function?"),
                    )
            for part, value, kept in zip(self.exercise.returns, run.values or (), run.parts or ()):
                if kept is not None and not _equal(_as_numbers(value), kept):
                    return self._result(
                        "keeps state",
                        ("state", f"a later call changed the {part.name} that an earlier one had returned"),
                        ("hint", "does each call make arrays of its own?"),
                    )
        return None

    def _raised(self):
        run = next((run for run in self.runs if run.error is not None), None)
        if run is None:
            return None
        raised = sum(run.error is not None for run in self.runs[1:-1])
        total = len(self.sequence) - 2
        self._reference()
        return self._result(
            "raised",
            ("error", _error_text(self.function, run.error)),
            ("arguments", _shapes_text(self.exercise, run.case)),
            ("case", _case_text(self.exercise, run.case)),
            ("cases", f"raised in {raised} of {total}" if self.runs[-1].case is self.runs[0].case else ""),
            ("note", self._outside_text()),
            named=self._recognised(),
        )

    def _delegated(self):
        if not self.delegation.called:
            return None
        names = ", ".join(sorted(self.delegation.called))
        return self._result(
            "delegated",
            ("delegated", f"{names} of backprop_helpers did the work; here it has to be yours"),
        )

    def _outside_text(self):
        if not self.outside:
            return ""
        names = " and ".join(self.outside)
        verb = "is an array" if len(self.outside) == 1 else "are arrays"
        return f"it reads {names}, which {verb} from outside the function"

    def _reads_outside(self):
        if not self.outside:
            return None
        return self._result(
            "reads outside arrays",
            ("outside", self._outside_text()),
            ("hint", "everything it needs is among its arguments: is there a slip in a name?"),
        )

    def _writes(self):
        written = {name: True for run in self.runs for name in run.written}
        if not written:
            return None
        run = next(run for run in self.runs if run.written)
        self._reference()
        return self._result(
            "writes to its inputs",
            (
                "written",
                f"{' and '.join(written)} {'is' if len(written) == 1 else 'are'} not what the caller gave",
            ),
            ("hint", "`a += b` and `a[...] = b` change the caller's array; work on a copy"),
            ("case", _case_text(self.exercise, run.case)),
            named=self._recognised(),
        )

    # --- right or wrong

    def _reference(self):
        """Compute the right answers, once; for all calls."""
        if not hasattr(self, "expected"):
            self.expected = [reference_parts(self.exercise, run.case) for run in self.runs]
        return self.expected

    def _expect(self):
        self._reference()

    def _shape(self):
        for run, expected in zip(self.runs, self._reference()):
            text = run.problem or _shape_text(self.exercise, run, expected)
            if text:
                return self._result(
                    "wrong shape",
                    ("shape", text),
                    ("arguments", _shapes_text(self.exercise, run.case)),
                    ("case", _case_text(self.exercise, run.case)),
                    named=self._recognised(),
                )
        return None

    def _value(self):
        wrong = self._wrong_runs()
        if not wrong:
            return None
        named = self._recognised()
        total = len(self.sequence) - 2
        cases = {id(self.runs[r].case) for r, _ in wrong}
        r, p = wrong[0]
        lines = [
            ("difference", self._difference(r, p)),
            ("case", _case_text(self.exercise, self.runs[r].case)),
            ("cases", f"wrong in {len(cases)} of {total}{self._others_right(wrong)}"),
        ]
        others = [part for part in dict.fromkeys(p for _, p in wrong) if part != p]
        for part in others:
            first = next(r for r, q in wrong if q == part)
            lines.append(("also", self._difference(first, part)))
        return self._result("recognised" if named and self.diagnose else "different", *lines, named=named)

    def _others_right(self, wrong):
        parts = self.exercise.compared
        right = [part.name for p, part in enumerate(parts) if all(q != p for _, q in wrong)]
        return f"; {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""

    def _wrong_runs(self):
        """Return (run, part) for each wrong part, in the order of the cases."""
        found = []
        for r, (run, expected) in enumerate(zip(self.runs, self._reference())):
            for p, (got, right) in enumerate(zip(self._compared(run), expected)):
                if self._error(got, right) > self._allowed():
                    found.append((r, p))
        return found

    def _allowed(self):
        return max(self.exercise.tolerance, 0 if self.exercise.summarise else SINGLE)

    def _compared(self, run):
        return compared_parts(self.exercise, run)

    def _error(self, got, right):
        return relative_error(got, right)

    def _difference(self, r, p):
        part = self.exercise.compared[p]
        got, right = self._compared(self.runs[r])[p], self._reference()[r][p]
        return difference_text(self.exercise, part, got, right, self.runs[r].case, self._reference()[r], p)

    def _recognised(self):
        """Return the names of the known mistakes that explain the wrong parts, the best first."""
        if not self.diagnose or not self.exercise.suspects:
            return []
        return recognise(self.exercise, self.runs, self._reference(), self._allowed())

    def _right(self):
        names = [run.case.name for run in self.runs[1:-1]]
        parts = " and ".join(part.name for part in self.exercise.returns)
        errors = [
            self._error(got, right)
            for run, expected in zip(self.runs, self.expected)
            for got, right in zip(self._compared(run), expected)
        ]
        coarse = max(errors) > self.exercise.tolerance
        digits = "to float32" if coarse else "as a statistic" if self.exercise.summarise else "to 1e-9"
        if all(part.kind != "numbers" for part in self.exercise.returns):
            digits = "exactly"
        viewed = dict.fromkeys(text for run in self.runs for text in run.viewed)
        return self._result(
            "right",
            ("verified", f"{parts} {digits}, in {count(len(names), 'case', 'cases')}: {'; '.join(names)}"),
            ("and", "no argument is written to, and the same arguments give the same answer again"),
            ("warning", "right only to about 7 digits: is there a float32 on the way?" if coarse else ""),
            ("warning", "; ".join(viewed)),
        )


def _known(exercise, name):
    """Return the mistake of that name: the exercise's own, or the catalogue's."""
    own = exercise.own_mistakes
    return own[name] if name in own else misconceptions[name]


# --- one call


def run_case(exercise, function, case, guard, seen=None):
    """Call the function on copies of a case's arguments."""
    given = case.fresh()
    before = case.fresh()
    try:
        result = guard.call(function, given, dict(case.options), seen)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit and OutOfTime
        return Run(case, error=error, written=_written(exercise, before, given))
    values, problem = _separated(exercise, result)
    parts = None
    if values is not None:
        parts = []
        for part, value in zip(exercise.returns, values):
            array, complaint = _as_part(part, value)
            parts.append(array)
            problem = problem or complaint
    return Run(
        case,
        values=values,
        parts=parts,
        problem=problem,
        written=_written(exercise, before, given),
        viewed=_viewed(exercise, values, given),
    )


def reference_parts(exercise, case):
    """Return the right answer as a list of float arrays, summarised if the exercise says so."""
    with np.errstate(all="ignore"):
        right = exercise.reference(*case.fresh(), **case.options)
    if not isinstance(right, (tuple, list)):
        right = (right,)
    parts = [np.asarray(value, dtype=float) for value in right]
    return [np.asarray(part, float) for part in exercise.summarise(*parts)] if exercise.summarise else parts


def compared_parts(exercise, run):
    """Return what is compared of a run: its parts, or their summary."""
    if run.parts is None:
        return [None] * len(exercise.compared)
    if exercise.summarise:
        if any(part is None for part in run.parts):
            return [None] * len(exercise.compared)
        return [np.asarray(part, float) for part in exercise.summarise(*run.parts)]
    return run.parts


def _separated(exercise, result):
    """Return the results one by one, or None and what is wrong with their number."""
    names = ", ".join(part.name for part in exercise.returns)
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
        return None, "it returns a generator: is there a `yield` where `return` belongs?"
    if len(exercise.returns) == 1:
        if result is None:
            return [None], f"it returns None: is the line `return {names}` missing?"
        if isinstance(result, tuple):
            return None, f"it returns a tuple of {len(result)}; expected {names} alone"
        return [result], ""
    if result is None:
        return None, f"it returns None: is the line `return {names}` missing?"
    if not isinstance(result, (tuple, list)):
        return None, f"it returns {_described(result)}; expected {len(exercise.returns)} results: {names}"
    if len(result) != len(exercise.returns):
        return (
            None,
            f"it returns {count(len(result), 'result', 'results')}; expected "
            f"{len(exercise.returns)}: {names}",
        )
    return list(result), ""


def _as_part(part, value):
    """Return the value as a fresh float array, or None, and what is wrong with its type."""
    if value is None:
        return None, f"{part.name} is None"
    if part.kind == "truth":
        if isinstance(value, (bool, np.bool_)) or (
            isinstance(value, np.ndarray) and value.dtype == bool and not value.ndim
        ):
            return np.array(float(value)), ""
        return None, f"{part.name} is {_described(value)}; expected True or False"
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if part.kind == "whole number":
        if array.dtype.kind in "iu" and array.ndim == 0:
            return np.array(float(array)), ""
        kept = np.array(float(array)) if array.dtype.kind == "f" and array.ndim == 0 else None
        return kept, f"{part.name} is {_described(value)}; expected a whole number (int)"
    if array.dtype.kind not in "biuf":
        kind = "complex numbers" if array.dtype.kind == "c" else f"{_described(value)}"
        return None, f"{part.name} is {kind}; expected an array of real numbers"
    return np.array(array, dtype=float), ""


def _as_numbers(value):
    return _as_part_quietly(value)


def _as_part_quietly(value):
    try:
        array = np.asarray(value)
        return np.array(array, dtype=float) if array.dtype.kind in "biuf" else None
    except (ValueError, TypeError):
        return None


def _written(exercise, before, given):
    """Return the names of the arguments that changed."""
    names = []
    for name, old, new in zip(exercise.arguments, before, given):
        if (
            isinstance(old, np.ndarray)
            and not (
                new.shape == old.shape
                and new.dtype == old.dtype
                and np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")
            )
        ) or (isinstance(old, (list, dict)) and not _equal_nested(old, new)):
            names.append(name)
    return tuple(names)


def _equal_nested(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal_nested(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_equal_nested(x, y) for x, y in zip(a, b))
    return a == b


def _viewed(exercise, values, given):
    """Return a remark for each part that shares its memory with an argument."""
    remarks = []
    for part, value in zip(exercise.returns, values or ()):
        for name, argument in zip(exercise.arguments, given):
            if (
                isinstance(value, np.ndarray)
                and isinstance(argument, np.ndarray)
                and np.may_share_memory(value, argument)
            ):
                remarks.append(f"{part.name} is a view of {name}: to write to one would change the other")
    return tuple(remarks)


# --- comparing


def relative_error(got, right):
    """Return the largest difference, relative to the largest right entry (at least 1); infinite: no fit."""
    if got is None or got.shape != right.shape:
        return np.inf
    if right.size == 0:
        return 0.0
    if not np.array_equal(np.isfinite(got), np.isfinite(right)):
        return np.inf
    finite = np.isfinite(right)
    if not np.array_equal(got[~finite], right[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    return float(np.abs(got[finite] - right[finite]).max() / max(1.0, np.abs(right[finite]).max()))


def _equal(a, b):
    return a is not None and b is not None and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


def _share_memory(values, others):
    arrays, others = (
        [value for value in some or () if isinstance(value, np.ndarray)] for some in (values, others)
    )
    return any(np.may_share_memory(a, b) for a in arrays for b in others)


def _first_change(exercise, first, again):
    """Say what the second of two equal calls returned that the first did not; empty if nothing."""
    if again.error is not None:
        return f"{type(again.error).__name__}: {_message(again.error)}"
    if again.parts is None or len(again.parts) != len(first.parts):
        return "another number of results"
    for part, before, after in zip(exercise.returns, first.parts, again.parts):
        if before is None or after is None:
            if before is not after:
                return f"{part.name} is of another type"
            continue
        if before.shape != after.shape:
            return f"{part.name} was of shape {before.shape}, then of shape {after.shape}"
        if relative_error(after, before) > SAME:
            index = _worst(after, before)
            one, two = _two_numbers(before[index], after[index], np.abs(before).max())
            return f"{_entry(part.name, index)} was {one}, then {two}"
    return ""


def recognise(exercise, runs, expected, allowed):
    """Return the names of the misconceptions whose answers are the ones given, the best first."""
    learners = [None if run.error is not None else compared_parts(exercise, run) for run in runs]
    parts = set(range(len(exercise.compared)))
    numbers = [(got, right) for got, right in zip(learners, expected) if got is not None]
    wrong = {p for p in parts if any(relative_error(got[p], right[p]) > allowed for got, right in numbers)}
    only_errors = not wrong  # right wherever it came to an end
    wrong = wrong or parts
    candidates = []
    for order, suspect in enumerate(exercise.suspects):
        answers = _answers(exercise, suspect, runs, learners, wrong, only_errors)
        if answers is None:
            continue
        explained, score = _explained(exercise, runs, learners, answers, expected, wrong, allowed)
        # Where the learner's function raised and the suspect does not, nothing speaks for the suspect.
        silent = [got is None and theirs and theirs.error is None for got, theirs in zip(learners, answers)]
        if explained and sum(map(bool, silent)) <= len(runs) / 2:
            candidates.append((-len(explained), -score, order, suspect.name, explained))
    names, left = [], set(wrong)
    for *_, name, explained in sorted(candidates, key=lambda candidate: candidate[:3]):
        if explained <= left and name not in names:
            names.append(name)
            left -= explained
    return names


class _Trusted:
    """Calls a function of ours: without limits, which take longer than the function."""

    @staticmethod
    def call(function, arguments, options, seen=None):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*arguments, **options)


def _answers(exercise, suspect, runs, learners, wrong, only_errors):
    """Return the suspect's answers to all calls; None as soon as nothing wrong can be its work."""
    function, possible, answers = suspect.make(), set(wrong), [None] * len(runs)
    # What tells suspects apart comes first: numbers, or errors if there is nothing else.
    for r in sorted(range(len(runs)), key=lambda r: (learners[r] is None) != only_errors):
        run, got = runs[r], learners[r]
        if suspect.applies is not None and not suspect.applies(run.case):
            continue
        answers[r] = run_case(exercise, function, run.case, _Trusted)
        theirs = None if answers[r].error is not None else compared_parts(exercise, answers[r])
        if got is not None:
            possible = {p for p in possible if theirs is not None and _same_answer(got[p], theirs[p])}
        if not possible or (got is None and only_errors and theirs is not None):
            return None
    return answers


def _explained(exercise, runs, learners, answers, expected, wrong, allowed):
    """Return the wrong parts in which the learner's answers are the suspect's, and how many calls agree."""
    explained, wrong_there, score = set(), set(), 0
    for p in range(len(exercise.compared)):
        agree = exposed = 0
        fits = True
        for run, got, answer, right in zip(runs, learners, answers, expected):
            if answer is None:
                continue
            theirs = None if answer.error is not None else compared_parts(exercise, answer)
            bad = theirs is None or relative_error(theirs[p], right[p]) > allowed
            if bad and got is not None:
                wrong_there.add(p)
            if got is None:  # the learner's call raised: the same error agrees, anything else says nothing
                same = theirs is None and type(answer.error) is type(run.error)
            else:
                same = theirs is not None and _same_answer(got[p], theirs[p])
                fits &= same
            agree += same
            exposed += same and bad
        if p in wrong and fits and exposed:
            explained.add(p)
            score += agree
    # One that also gets wrong what the learner has right, or has wrong in another way, is another mistake.
    return (explained, score) if wrong_there <= explained else (set(), 0)


def _same_answer(got, theirs):
    if got is None or theirs is None:
        return got is theirs
    if got.shape != theirs.shape:
        return False
    return relative_error(got, theirs) <= SAME


# --- words


def difference_text(exercise, part, got, right, case, expected, p):
    """Say where and how one part differs."""
    index = _worst(got, right)
    scale = max(np.abs(right[np.isfinite(right)]).max(initial=0), 1e-300)
    one, two = _two_numbers(got[index], right[index], scale)
    if part.kind == "truth":
        one, two = (str(bool(value)) for value in (got, right))
    place = f"{_entry(part.name, index)} is {one}, expected {two}"
    if not np.isfinite(got[index]) or not np.isfinite(got).all():
        number = np.count_nonzero(~np.isfinite(got))
        return f"{place}; {number} of {count(got.size, 'entry is', 'entries are')} not finite"
    if right.ndim == 0:
        return place
    wrong = np.abs(got - right) > SINGLE * max(1.0, np.abs(right).max())
    name = part.name[1:] if part.name.startswith("d") and len(part.name) > 1 else part.name
    examples = next((len(a) for a in case.arguments if isinstance(a, np.ndarray) and a.ndim), None)
    others = [
        (other.name, array)
        for q, (other, array) in enumerate(zip(exercise.compared, expected))
        if q != p and array.size > 1
    ]
    factors = _factors(exercise, case)
    reading = read_difference(
        got, right, wrong, name_axes(name, right.shape, examples), factors=factors, others=others
    )
    return f"{part.name} is {reading}: {place}" if reading else place


def _factors(exercise, case):
    """Return the constants with a name that an answer may be wrong by."""
    first = next((a for a in case.arguments if isinstance(a, np.ndarray) and a.ndim > 1), None)
    if first is None or len(first) == 1:
        return ()
    return ((float(len(first)), "M, the number of examples"),)


def _shape_text(exercise, run, expected):
    """Say which part has another shape; empty if none has."""
    if exercise.summarise:
        expected = [
            np.asarray(part, float)
            for part in _as_tuple(exercise.reference(*run.case.fresh(), **run.case.options))
        ]
    for part, got, right in zip(exercise.returns, run.parts, expected):
        if got.shape == right.shape:
            continue
        named = f" as ({', '.join(part.axes)}{',' if len(part.axes) == 1 else ''})" if part.axes else ""
        text = read_shape(got, right, part.name)
        remark = text.partition(": ")[2]
        wanted = f"{right.shape}{named}" if right.ndim else "a single number"
        text = f"{part.name} has shape {got.shape}; expected {wanted}"
        if not got.ndim:
            text = f"{part.name} is a single number; expected an array of shape {wanted}"
            remark = ""
        return f"{text}; {remark}" if remark else text
    return ""


def _as_tuple(value):
    return value if isinstance(value, (tuple, list)) else (value,)


def _worst(got, right):
    """Return the index of the first entry that is not finite, else of the largest difference."""
    with np.errstate(all="ignore"):
        difference = np.abs(got - right)
    difference = np.where(np.isfinite(difference), difference, np.inf)
    difference = np.where((got == right) | (np.isnan(got) & np.isnan(right)), 0, difference)
    # Of nearly equal ones the first: which of them is larger may depend on the machine.
    largest = difference.max()
    near = difference >= (largest if np.isinf(largest) else largest * (1 - 1e-6))
    return tuple(int(i) for i in np.unravel_index(np.argmax(near), near.shape))


def _two_numbers(got, right, scale):
    if not (np.isfinite(got) and np.isfinite(right)):
        return tuple(
            distinct(value, value, max(abs(value), 1e-300))[0] if np.isfinite(value) else str(float(value))
            for value in (got, right)
        )
    return distinct(float(got), float(right), scale)


def _entry(name, index):
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _shapes_text(exercise, case):
    """Return ``dz (2, 3, 4, 2), x (2, 4, 5, 3), stride=2``."""
    texts = []
    for name, argument in zip(exercise.arguments, case.arguments):
        if isinstance(argument, np.ndarray):
            texts.append(f"{name} {argument.shape}")
        elif isinstance(argument, (int, float, str)):
            texts.append(f"{name} = {argument}")
    texts += [f"{name}={value!r}" for name, value in case.options.items()]
    return ", ".join(texts)


def _case_text(exercise, case):
    return case.name


def _error_text(function, error):
    """Return the error in one line, and the learner's line that raised it."""
    text = type(error).__name__
    message = _message(error)
    text += f": {message}" if message else ""
    if isinstance(error, RecursionError):
        text = "RecursionError: it calls itself again and again, without an end"
    where = _last_own_frame(error)
    if where is None:
        return text
    line, name, source = where
    return f"{text}\nin line {line} of {name}: {source}" if source else f"{text}\nin line {line} of {name}"


def _message(error):
    lines = str(error).strip().splitlines()
    message = re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", lines[0]) if lines else ""
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


def _last_own_frame(error):
    """Return (line in the function, the function's name, the line's text) of the learner's last frame."""
    found = None
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_library(code.co_filename):
            number = traceback.tb_lineno
            source = linecache.getline(code.co_filename, number, traceback.tb_frame.f_globals).strip()
            found = number - code.co_firstlineno + 1, code.co_name, source
        traceback = traceback.tb_next
    return found


def _code_name(function):
    return getattr(getattr(function, "__code__", None), "co_name", None)


def _described(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (int, float, complex, str, np.generic)) and not isinstance(value, bool):
        return (
            f"{value!r} ({type(value).__name__})"
            if not isinstance(value, np.generic)
            else f"{value} ({type(value).__name__})"
        )
    if isinstance(value, (list, tuple, dict, set)):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"{value}" if isinstance(value, bool) else f"a {type(value).__name__}"
