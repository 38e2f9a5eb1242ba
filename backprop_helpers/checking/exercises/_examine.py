"""From a learner's function to what is right or wrong with it."""

from functools import cached_property

import numpy as np

from backprop_helpers.checking._text import count, described
from backprop_helpers.checking.exercises import _compare as compare
from backprop_helpers.checking.exercises import _conduct as conduct
from backprop_helpers.checking.exercises import _words as words
from backprop_helpers.checking.exercises._cell import unread_cell
from backprop_helpers.checking.exercises._recognise import BILLION, Known, recognise
from backprop_helpers.checking.exercises._result import CheckResult, Failing
from backprop_helpers.checking.exercises._rules import asked_for
from backprop_helpers.checking.exercises._run import run_case, shaped_reference
from backprop_helpers.checking.exercises._runner import Guard, OutOfTime
from backprop_helpers.checking.exercises._watch import Delegation, is_known_mistake, outside_arrays


def examine(exercise, function, *, seed=0, diagnose=True, guard=None):
    """Run a function on the cases of an `Exercise`, and return the `CheckResult`: what is right or wrong.

    Each seed has other numbers, and some other shapes. Without `diagnose` a known mistake is not named, only
    where and how the answer differs. The `guard`, a context manager, calls the function, as `Guard` does in
    this process and within its limits. Raises a TypeError if `function` is none.
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(
            f"check.{exercise.name}: expected your function {exercise.signature}, "
            f"got {described(function)}; pass the function itself, without calling it"
        )
    if unread := unread_cell(function):
        return CheckResult(exercise, "not read", [("error", unread), ("note", NOTHING_CHECKED)])
    return Examination(
        exercise, function, list(exercise.cases(np.random.default_rng(seed))), diagnose, guard or Guard()
    ).result()


def scaled_cases(exercise, cases):
    """Return the number of the first case with several examples; it with 1e9 and 1e-9 times the gradient."""
    several = next(c for c, case in enumerate(cases) if len(case.arguments[0]) > 1)
    argument = exercise.arguments.index(exercise.linear)
    return several, [cases[several].scaled(argument, factor) for factor in (BILLION, 1 / BILLION)]


NOTHING_CHECKED = "Python still has the function from before, so nothing was checked"


class Examination:
    """The calls of a function on the cases of an exercise, and what they show; see `examine`."""

    def __init__(self, exercise, function, cases, diagnose, guard):
        self.exercise, self.function, self.diagnose, self.guard = exercise, function, diagnose, guard
        scaled = None
        if exercise.linear:  # a billion times the gradient has to come back a billion times as large
            several, more = scaled_cases(exercise, cases)
            cases += more
            scaled = several + 1, len(cases) - 1, len(cases)
        self.total = len(cases)
        # The first case twice in a row, and again at the end: one that keeps something is found out.
        self.sequence = [cases[0], *cases, cases[0]]
        self.outside = outside_arrays(function)
        self.delegation = Delegation(exercise.delegates, watching=not is_known_mistake(function))
        self.runs = self._run_all()
        self.evidence = compare.Evidence(exercise, self.runs, scaled if len(self.runs) > self.total else None)

    def _run_all(self):
        runs = []
        with self.guard as guard:
            guard.foresee(self.function, self.sequence)
            for case in self.sequence:
                runs.append(run_case(self.exercise, self.function, case, guard, self.delegation))
                if isinstance(runs[-1].error, (OutOfTime, MemoryError, NotImplementedError)):
                    break
        return runs

    def result(self):
        judges = conduct.unfinished, conduct.draws, conduct.state, _raised, conduct.delegated, conduct.writes
        for judge in (*judges, _shape, _value):
            verdict = judge(self)
            if verdict is not None:
                return verdict
        return _right(self)

    @cached_property
    def named(self):
        """The known mistakes that explain the answer."""
        return recognise(self.evidence) if self.diagnose else []

    def said(self, verdict, *lines, named=(), call=None, part=None):
        """Return a result, with the recognised mistakes among its lines."""
        said = []
        for known in named:
            said += [("diagnosis", known.diagnosis), ("more", known.more), ("hint", known.hint)]
        head, tail = ((), lines) if verdict == "recognised" else (lines[:1], lines[1:])
        first = named[0] if named else Known(None, "", None)
        note = ("note", words.outside_text(self.outside) if verdict != "right" else "")
        case = None if call is None else self.failing(call, part)
        said = [*head, *said, *tail, note]
        return CheckResult(self.exercise, verdict, said, first.name, first.hint, case)

    def failing(self, r, p):
        run, exercise = self.runs[r], self.exercise
        if exercise.summarise:
            names, expected, got = exercise.summary, self.evidence.expected[r], self.evidence.got[r]
        else:
            names, got = exercise.returns, run.parts
            expected = shaped_reference(exercise, run.case)
        look_at, there = (), self.evidence.got[r]
        if p is not None and there and there[p] is not None and there[p].shape == expected[p].shape:
            look_at = compare.worst(there[p], expected[p], exercise.compared[p].kind)
        return Failing(
            run.case.name,
            dict(zip(exercise.arguments, run.case.fresh())),
            dict(run.case.options),
            {part.name: value for part, value in zip(names, expected)},
            {part.name: value for part, value in zip(names, got or ())},
            look_at,
        )


# --- the verdicts


def _raised(exam):
    raised = [r for r, run in enumerate(exam.runs) if run.error is not None]
    if not raised:
        return None
    r, _ = exam.evidence.smallest([(r, 0) for r in raised])
    run = exam.runs[r]
    cases = {id(exam.runs[r].case) for r in raised}
    complete = len(exam.runs) == len(exam.sequence)
    besides = ""
    if complete and len(cases) < exam.total and not exam.evidence.forms:
        wrong = "wrong too" if exam.evidence.wrong else "right"
        besides = f"; where it comes to an end, it is {wrong}"
    return exam.said(
        "raised",
        ("error", words.error_text(run.error)),
        ("arguments", words.shapes_text(exam.exercise, run.case)),
        ("case", run.case.name),
        ("cases", f"raised in {len(cases)} of {exam.total}{besides}" if complete else ""),
        named=exam.named,
        call=r,
    )


def _shape(exam):
    if not exam.evidence.forms:
        return None
    text, r = words.shape_text(exam.evidence, exam.evidence.forms)
    return exam.said(
        "wrong shape",
        ("shape", text),
        ("arguments", words.shapes_text(exam.exercise, exam.runs[r].case)),
        ("case", exam.runs[r].case.name),
        named=exam.named,
        call=r,
    )


def _value(exam):
    wrong = exam.evidence.wrong
    if not wrong:
        return None
    r, p = exam.evidence.smallest([(r, q) for r, q in wrong if q == wrong[0][1]])
    cases = {id(exam.runs[r].case) for r, _ in wrong}
    look = compare.entry("", exam.failing(r, p).look_at)
    lines = [
        ("difference", words.difference_text(exam.evidence, p)),
        ("case", exam.runs[r].case.name),
        ("cases", f"wrong in {len(cases)} of {exam.total}{_others_right(exam)}"),
        *(
            ("also", words.difference_text(exam.evidence, q))
            for q in dict.fromkeys(q for _, q in wrong)
            if q != p
        ),
        ("warning", "a result is in float16, which keeps three digits" if _half(exam) else ""),
        ("take it", f"`.case` of this result has the arrays{f'; look at {look} first' if look else ''}"),
    ]
    if exam.outside and not exam.named:
        verdict, hint = (
            "reads outside arrays",
            "everything it needs is among its arguments: is there a slip in a name?",
        )
        lines[1:1] = [("hint", hint)]
    else:
        verdict = "recognised" if exam.named else "different"
    return exam.said(verdict, *lines, named=exam.named, call=r, part=p)


def _half(exam):
    """Whether a result came back in float16."""
    dtypes = [getattr(value, "dtype", None) for run in exam.runs for value in run.values or ()]
    return np.float16 in dtypes


def _others_right(exam):
    wrong = {p for _, p in exam.evidence.wrong}
    names = exam.exercise.returns if exam.exercise.summarise is None else ()
    right = [part.name for p, part in enumerate(names) if p not in wrong]
    return f"; {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""


def _right(exam):
    coarse = bool(exam.evidence.exactly.wrong)
    named = recognise(exam.evidence.exactly) if coarse and exam.diagnose else []
    if named:  # off by no more than float32 would be, and for another reason
        r, p = exam.evidence.exactly.wrong[0]
        return exam.said("recognised", ("case", exam.runs[r].case.name), named=named, call=r, part=p)
    names = [run.case.name for run in exam.runs[1:-1]]
    kinds = {part.kind for part in exam.exercise.compared}
    digits = "exactly" if kinds <= {"truth", "whole number"} else "to 1e-9"
    digits = "as statistics: sizes to 8 %, of whatever distribution" if "statistic" in kinds else digits
    digits = "to float32" if coarse else digits
    warning = "right only to about 7 digits: is there a float32, or a small number added, on the way?"
    viewed = dict.fromkeys(text for run in exam.runs for text in run.viewed)
    outside = words.outside_text(exam.outside)
    if outside:
        outside += (
            ". The numbers are right; the rule is that everything a function needs is among its arguments"
        )
    return exam.said(
        "right",
        ("verified", f"{' and '.join(part.name for part in exam.exercise.returns)} {digits}"),
        ("cases", f"{count(len(names), 'case', 'cases')}: {'; '.join(names)}"),
        ("and", "no argument is written to, and the same arguments give the same answer again"),
        ("but", asked_for(exam.exercise, exam.function)),
        ("note", outside),
        ("warning", warning if coarse else ""),
        ("warning", "; ".join(viewed)),
    )
