"""From a learner's function to what is right or wrong with it."""

from functools import cached_property

import numpy as np

from backprop_helpers.checking._text import count
from backprop_helpers.checking.exercises import _compare as compare
from backprop_helpers.checking.exercises import _words as words
from backprop_helpers.checking.exercises._cell import unread_cell
from backprop_helpers.checking.exercises._recognise import THOUSAND, Known, recognise
from backprop_helpers.checking.exercises._result import CheckResult, Failing
from backprop_helpers.checking.exercises._run import described, run_case, shaped_reference
from backprop_helpers.checking.exercises._runner import Guard, OutOfTime
from backprop_helpers.checking.exercises._rules import asked_for
from backprop_helpers.checking.exercises._watch import Delegation, is_known_mistake, outside_arrays
from backprop_helpers.checking.misconceptions import misconceptions


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
            f"got {described(function)}; pass the function itself, without calling it"
        )
    if unread := unread_cell(function):
        return CheckResult(exercise, "not read", [("error", unread), ("note", NOTHING_CHECKED)])
    return _Examination(exercise, function, list(exercise.cases(np.random.default_rng(seed))), diagnose).result()


NOTHING_CHECKED = "Python still has the function from before, so nothing was checked"


class _Examination:
    def __init__(self, exercise, function, cases, diagnose):
        self.exercise, self.function, self.diagnose = exercise, function, diagnose
        pair = None
        if exercise.linear:  # a thousand times the gradient has to come back a thousand times as large
            several = next(c for c, case in enumerate(cases) if len(case.arguments[0]) > 1)
            cases.append(cases[several].scaled(exercise.arguments.index(exercise.linear), THOUSAND))
            pair = several + 1, len(cases)
        self.total = len(cases)
        # The first case twice in a row, and again at the end: one that keeps something is found out.
        self.sequence = [cases[0], *cases, cases[0]]
        self.outside = outside_arrays(function)
        ours = is_known_mistake(function) and function is not exercise.reference
        self.delegation = Delegation(None if ours else exercise.delegates)
        self.runs = self._run_all()
        self.evidence = compare.Evidence(exercise, self.runs, pair if len(self.runs) > self.total else None)

    def _run_all(self):
        runs = []
        with Guard() as guard:
            for case in self.sequence:
                runs.append(run_case(self.exercise, self.function, case, guard, self.delegation))
                if isinstance(runs[-1].error, (OutOfTime, MemoryError, NotImplementedError)):
                    break
        return runs

    def result(self):
        judges = self._unfinished, self._draws, self._state, self._raised, self._delegated, self._writes
        for judge in (*judges, self._shape, self._value):
            verdict = judge()
            if verdict is not None:
                return verdict
        return self._right()

    @cached_property
    def named(self):
        """The known mistakes that explain the answer."""
        return recognise(self.evidence) if self.diagnose else []

    def _result(self, verdict, *lines, named=(), call=None, part=None):
        """Return a result, with the recognised mistakes among its lines."""
        said = []
        for known in named:
            said += [("diagnosis", known.diagnosis), ("more", known.more), ("hint", known.hint)]
        head, tail = ((), lines) if verdict == "recognised" else (lines[:1], lines[1:])
        first = named[0] if named else Known(None, "", None)
        note = ("note", words.outside_text(self.outside) if verdict != "right" else "")
        case = None if call is None else self._failing(call, part)
        said = [*head, *said, *tail, note]
        return CheckResult(self.exercise, verdict, said, first.name, first.hint, case)

    def _failing(self, r, p):
        run, exercise = self.runs[r], self.exercise
        if exercise.summarise:
            names, expected, got = exercise.summary, self.evidence.expected[r], self.evidence.got[r]
        else:
            names, got = exercise.returns, run.parts
            expected = shaped_reference(exercise, run.case)
        look_at = ()
        if p is not None and got and got[p] is not None and got[p].shape == expected[p].shape:
            look_at = compare.worst(got[p], expected[p])
        return Failing(
            run.case.name,
            dict(zip(exercise.arguments, run.case.fresh())),
            dict(run.case.options),
            {part.name: value for part, value in zip(names, expected)},
            {part.name: value for part, value in zip(names, got or ())},
            look_at,
        )

    # --- the verdicts

    def _unfinished(self):
        run = self.runs[-1]
        if isinstance(run.error, OutOfTime):
            return self._result(
                "stopped",
                ("stopped", f"it did not return within {Guard().seconds:g} seconds"),
                ("hint", "is there a loop that never ends?"),
                ("case", run.case.name),
                call=len(self.runs) - 1,
            )
        if isinstance(run.error, MemoryError):
            return self._result(
                "stopped",
                ("stopped", "it asked for more memory than there is"),
                ("error", words.short_message(run.error)),
                ("hint", "how large is each axis of the arrays that you make?"),
                ("case", run.case.name),
                call=len(self.runs) - 1,
            )
        if isinstance(run.error, NotImplementedError) and len(self.runs) == 1:
            where = words.last_own_frame(run.error)
            name = getattr(getattr(self.function, "__code__", None), "co_name", None)
            other = where is not None and where[1] != name
            return self._result(
                "not attempted",
                ("to do", f"write {self.exercise.signature}: {self.exercise.title}"),
                ("note", f"it calls {where[1]}, which is not attempted yet" if other else ""),
            )
        return None

    def _draws(self):
        """Judge whether the random numbers come from the generator that is given."""
        if all(run.draws for run in self.runs) or any(run.error or run.problem for run in self.runs):
            return None
        if self.named or not all(np.ptp(part) > 0 for part in self.runs[0].parts[:1]):
            return None
        known = misconceptions["training.rng_not_used"]
        named = [Known(known.name, known.diagnosis, known.hint)] if self.diagnose else []
        return self._result("recognised" if named else "different", ("case", self.runs[0].case.name), named=named)

    def _state(self):
        """Judge whether the same arguments give the same answer."""
        first = self.runs[0]
        if first.error is not None or first.parts is None:
            return None
        for again in (self.runs[1], self.runs[-1]) if len(self.runs) > 1 else ():
            change = again.case is first.case and compare.first_change(self.exercise, first, again)
            if change:
                return self._result(
                    "keeps state",
                    ("state", f"called again with the same arguments, it gave another answer: {change}"),
                    ("hint", words.state_hint(self.function)),
                    ("case", first.case.name),
                    named=self.named,
                )
        for r, run in enumerate(self.runs):
            if any(compare.share_memory(run.values, earlier.values) for earlier in self.runs[:r]):
                return self._result(
                    "keeps state",
                    ("state", "two calls returned the same array, not one of their own each"),
                    ("hint", words.state_hint(self.function)),
                )
            if name := compare.changed_later(self.exercise, run):
                return self._result(
                    "keeps state",
                    ("state", f"a later call changed the {name} that an earlier one had returned"),
                    ("hint", "does each call make arrays of its own?"),
                )
        return None

    def _raised(self):
        raised = [r for r, run in enumerate(self.runs) if run.error is not None]
        if not raised:
            return None
        r, _ = self.evidence.smallest([(r, 0) for r in raised])
        run = self.runs[r]
        cases = {id(self.runs[r].case) for r in raised}
        complete = len(self.runs) == len(self.sequence)
        besides = ""
        if complete and len(cases) < self.total and not self.evidence.forms:
            wrong = "wrong too" if self.evidence.wrong else "right"
            besides = f"; where it comes to an end, it is {wrong}"
        return self._result(
            "raised",
            ("error", words.error_text(run.error)),
            ("arguments", words.shapes_text(self.exercise, run.case)),
            ("case", run.case.name),
            ("cases", f"raised in {len(cases)} of {self.total}{besides}" if complete else ""),
            named=self.named,
            call=r,
        )

    def _delegated(self):
        if not self.delegation.called:
            return None
        names = ", ".join(sorted(self.delegation.called))
        said = f"{names} of backprop_helpers did the work; here it has to be yours"
        return self._result("delegated", ("delegated", said))

    def _writes(self):
        written = list(dict.fromkeys(name for run in self.runs for name in run.written))
        if not written:
            return None
        r = next(r for r, run in enumerate(self.runs) if run.written)
        are = "is" if len(written) == 1 else "are"
        return self._result(
            "writes to its inputs",
            ("written", f"{' and '.join(written)} {are} not what the caller gave"),
            ("hint", "`a += b` and `a[...] = b` change the caller's array; work on a copy"),
            ("case", self.runs[r].case.name),
            named=self.named,
            call=r,
        )

    def _shape(self):
        if not self.evidence.forms:
            return None
        text, r = words.shape_text(self.evidence, self.evidence.forms)
        return self._result(
            "wrong shape",
            ("shape", text),
            ("arguments", words.shapes_text(self.exercise, self.runs[r].case)),
            ("case", self.runs[r].case.name),
            named=self.named,
            call=r,
        )

    def _value(self):
        wrong = self.evidence.wrong
        if not wrong:
            return None
        r, p = self.evidence.smallest([(r, q) for r, q in wrong if q == wrong[0][1]])
        cases = {id(self.runs[r].case) for r, _ in wrong}
        look = compare.entry("", self._failing(r, p).look_at)
        lines = [
            ("difference", words.difference_text(self.evidence, p)),
            ("case", self.runs[r].case.name),
            ("cases", f"wrong in {len(cases)} of {self.total}{self._others_right()}"),
            *(("also", words.difference_text(self.evidence, q)) for q in dict.fromkeys(q for _, q in wrong) if q != p),
            ("take it", f"`.case` of this result has the arrays{f'; look at {look} first' if look else ''}"),
        ]
        if self.outside and not self.named:
            verdict, hint = "reads outside arrays", "everything it needs is among its arguments: is there a slip in a name?"
            lines[1:1] = [("hint", hint)]
        else:
            verdict = "recognised" if self.named else "different"
        return self._result(verdict, *lines, named=self.named, call=r, part=p)

    def _others_right(self):
        wrong = {p for _, p in self.evidence.wrong}
        right = [part.name for p, part in enumerate(self.exercise.compared) if p not in wrong]
        return f"; {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""

    def _right(self):
        coarse = bool(self.evidence.exactly.wrong)
        named = recognise(self.evidence.exactly) if coarse and self.diagnose else []
        if named:  # off by no more than float32 would be, and for another reason
            r, p = self.evidence.exactly.wrong[0]
            return self._result("recognised", ("case", self.runs[r].case.name), named=named, call=r, part=p)
        names = [run.case.name for run in self.runs[1:-1]]
        kinds = {part.kind for part in self.exercise.compared}
        digits = "exactly" if kinds <= {"truth", "whole number"} else "to 1e-9"
        digits = "as a statistic" if "statistic" in kinds else digits
        digits = "to float32" if coarse else digits
        warning = "right only to about 7 digits: is there a float32, or a small number added, on the way?"
        viewed = dict.fromkeys(text for run in self.runs for text in run.viewed)
        outside = words.outside_text(self.outside)
        if outside:
            outside += ". The numbers are right; the rule is that everything a function needs is among its arguments"
        return self._result(
            "right",
            ("verified", f"{' and '.join(part.name for part in self.exercise.returns)} {digits}"),
            ("cases", f"{count(len(names), 'case', 'cases')}: {'; '.join(names)}"),
            ("and", "no argument is written to, and the same arguments give the same answer again"),
            ("but", asked_for(self.exercise, self.function)),
            ("note", outside),
            ("warning", warning if coarse else ""),
            ("warning", "; ".join(viewed)),
        )
