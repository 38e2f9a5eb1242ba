"""What a function does besides its answer: whether it ends, repeats itself, and leaves its arguments alone.

Each of these takes an examination, and returns its result, or None if there is nothing to say.
"""

import numpy as np

from backprop_helpers.checking.exercises import _compare as compare
from backprop_helpers.checking.exercises import _words as words
from backprop_helpers.checking.exercises._recognise import Known
from backprop_helpers.checking.exercises._runner import OutOfTime
from backprop_helpers.checking.misconceptions import misconceptions


def unfinished(exam):
    """Judge whether it came to an end at all, and was attempted."""
    run = exam.runs[-1]
    if isinstance(run.error, OutOfTime):
        return exam.said(
            "stopped",
            ("stopped", f"it did not return within {exam.guard.seconds:g} seconds"),
            ("hint", "is there a loop that never ends?"),
            ("case", run.case.name),
            call=len(exam.runs) - 1,
        )
    if isinstance(run.error, MemoryError):
        return exam.said(
            "stopped",
            ("stopped", "it asked for more memory than there is"),
            ("error", words.short_message(run.error)),
            ("hint", "how large is each axis of the arrays that you make?"),
            ("case", run.case.name),
            call=len(exam.runs) - 1,
        )
    if isinstance(run.error, NotImplementedError) and len(exam.runs) == 1:
        where = words.last_own_frame(run.error)
        name = getattr(getattr(exam.function, "__code__", None), "co_name", None)
        other = where is not None and where[1] != name
        return exam.said(
            "not attempted",
            ("to do", f"write {exam.exercise.signature}: {exam.exercise.title}"),
            ("note", f"it calls {where[1]}, which is not attempted yet" if other else ""),
        )
    return None


def draws(exam):
    """Judge whether the random numbers come from the generator that is given."""
    if all(run.draws for run in exam.runs) or any(run.error or run.problem for run in exam.runs):
        return None
    if not all(np.ptp(part) > 0 for part in exam.runs[0].parts[:1]):
        return None
    known = misconceptions["training.rng_not_used"]
    named = [Known(known.name, known.diagnosis, known.hint), *exam.named] if exam.diagnose else []
    named = list({mistake.name: mistake for mistake in named}.values())
    return exam.said("recognised" if named else "different", ("case", exam.runs[0].case.name), named=named)


def state(exam):
    """Judge whether the same arguments give the same answer."""
    first = exam.runs[0]
    if first.error is not None or first.parts is None:
        return None
    for again in (exam.runs[1], exam.runs[-1]) if len(exam.runs) > 1 else ():
        change = again.case is first.case and compare.first_change(exam.exercise, first, again)
        if change:
            return exam.said(
                "keeps state",
                ("state", f"called again with the same arguments, it gave another answer: {change}"),
                ("hint", words.state_hint(exam.function, exam.delegation.names)),
                ("case", first.case.name),
                named=exam.named,
            )
    for r, run in enumerate(exam.runs):
        if any(compare.share_memory(run.values, earlier.values) for earlier in exam.runs[:r]):
            return exam.said(
                "keeps state",
                ("state", "two calls returned the same array, not one of their own each"),
                ("hint", words.state_hint(exam.function, exam.delegation.names)),
            )
        if name := compare.changed_later(exam.exercise, run):
            return exam.said(
                "keeps state",
                ("state", f"a later call changed the {name} that an earlier one had returned"),
                ("hint", "does each call make arrays of its own?"),
            )
    return None


def delegated(exam):
    """Judge whether the work is its own."""
    if not exam.delegation.called:
        return None
    called = exam.delegation.called
    names = ", ".join(sorted(called & exam.delegation.names or called))  # those that the learner's code names
    said = f"{names} of backprop_helpers did the work; here it has to be yours"
    return exam.said("delegated", ("delegated", said))


def writes(exam):
    """Judge whether it leaves its arguments alone."""
    written = list(dict.fromkeys(name for run in exam.runs for name in run.written))
    if not written:
        return None
    r = next(r for r, run in enumerate(exam.runs) if run.written)
    are = "is" if len(written) == 1 else "are"
    return exam.said(
        "writes to its inputs",
        ("written", f"{' and '.join(written)} {are} not what the caller gave"),
        ("hint", "`a += b` and `a[...] = b` change the caller's array; work on a copy"),
        ("case", exam.runs[r].case.name),
        named=exam.named,
        call=r,
    )
