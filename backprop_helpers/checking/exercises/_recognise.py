"""Which known mistake an answer is: named if every call agrees with it, and silent otherwise."""

import itertools
import re
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking.exercises._compare import SINGLE, Evidence, relative_error
from backprop_helpers.checking.exercises._factor import common_factor, multiple
from backprop_helpers.checking.exercises._run import compared_parts, run_case
from backprop_helpers.checking.misconceptions import misconceptions

BILLION = 1e9  # times the upstream gradient: what clips or rescales it inside shows
HELD_BACK = 0.1  # of that: what is limited inside grows by less


class Known(NamedTuple):
    """A recognised mistake: its name, what is wrong, where to look, and what else differs."""

    name: str
    diagnosis: str
    hint: str
    more: str = ""


def recognise(evidence):
    """Return the `Known` mistakes that explain the wrong parts of an `Evidence`, the best first."""
    wrong = {p for _, p in evidence.wrong}
    raised = any(run.error is not None for run in evidence.runs)
    if not wrong and not raised:
        return []
    left = set(wrong) or set(range(len(evidence.parts)))
    found = []
    candidates = sorted(_candidates(evidence, left), key=lambda candidate: candidate[:2])
    for rank, _, known, explained in candidates:
        if explained <= left:
            left -= explained
            alike = [other for other in candidates if (other[0], other[2].name) == (rank, known.name)]
            if len({other.diagnosis for _, _, other, _ in alike}) > 1:  # which form of it is not certain
                known = known._replace(diagnosis=misconceptions.get(known.name, known).diagnosis)
            found += [known] * (known.diagnosis not in [other.diagnosis for other in found])
    if any(evidence.parts[p].kind == "statistic" for p in left):  # of a sample, one number says nothing
        return []
    if wrong and left and not (raised or evidence.strict):
        return (
            _other_order(evidence)
            or found
            or _cut_off(evidence, left)
            or _scaled(evidence, left)
            or _not_in_proportion(evidence, left)
        )
    return found


def _candidates(evidence, wrong):
    """Yield (rank, order, known, explained parts), the best rank and order being the least.

    Ranked by the parts explained, the calls that agree, and those among them that agree in float64.
    """
    for order, suspect in enumerate(evidence.exercise.suspects):
        known, answers = _answers(evidence, suspect, wrong)
        if answers is None:
            continue
        explained, agree, exact = _explained(evidence, answers, wrong)
        if explained:
            yield (-len(explained), -agree, -exact), order, known, explained


def _answers(evidence, suspect, wrong):
    """Return what is known of the suspect and its answer to each call; None if nothing wrong is its work."""
    known, function = _made(evidence, suspect)
    if function is None:
        return known, None
    runs, possible, answers = evidence.runs, set(wrong), [None] * len(evidence.runs)
    for r in evidence.telling:
        if suspect.applies is not None and not suspect.applies(runs[r].case):
            continue
        if evidence.got[r] is None and runs[r].error is None:  # another form, told as that
            continue
        answer = run_case(evidence.exercise, function, runs[r].case)
        theirs = None if answer.error is not None else compared_parts(evidence.exercise, answer)
        alike = answer.problem == runs[r].problem  # two results that are no arrays: of the same type?
        if evidence.got[r] is None:
            if not _same_error(runs[r].error, answer.error):
                return known, None
        else:
            got = evidence.got[r]
            possible = {
                p
                for p in possible
                if theirs and evidence.same(r, p, got[p], theirs[p]) and (theirs[p] is not None or alike)
            }
        if not possible:
            return known, None
        answers[r] = theirs or [None] * len(evidence.parts)
    return known, answers


def _made(evidence, suspect):
    """Return (known, function) of a suspect; one with a number of its own takes it from the answer."""
    entry = misconceptions.get(suspect.name, suspect)
    known = Known(suspect.name, suspect.diagnosis or entry.diagnosis, suspect.hint or entry.hint)
    if suspect.fit is None:
        return known, suspect.make()
    for r, _ in evidence.wrong:
        run, right = evidence.runs[r], evidence.expected[r]
        got = [  # what is of another shape is not a number
            g if g is not None and g.shape == wanted.shape else np.full(wanted.shape, np.nan)
            for g, wanted in zip(evidence.got[r], right)
        ]
        with np.errstate(all="ignore"):
            number = suspect.fit(run.case, got, right)
        if number is not None and np.isfinite(number):
            said = known.diagnosis.format(number=f"{number:.3g}")
            return known._replace(diagnosis=said), suspect.make(number)
    return known, None


def _same_error(error, other):
    """Whether two errors are the same but for the sizes in their messages."""

    def message(error):
        return re.sub(r"\([\d, ]*\)|\d+", "#", str(error))

    number = isinstance(error, ArithmeticError) and isinstance(
        other, ArithmeticError
    )  # of Python's own numbers
    return number or (type(error) is type(other) and message(error) == message(other))


def _explained(evidence, answers, wrong):
    """Return the wrong parts that are the suspect's, how many calls agree, and how many to float64."""
    explained, wrong_there, score, exactly = set(), set(), 0, 0
    for p, part in enumerate(evidence.parts):
        agree = exposed = exact = 0
        fits = True
        for r, theirs in enumerate(answers):
            if theirs is None:
                continue
            got = evidence.got[r]
            if got is None:
                agree, exposed = agree + 1, exposed + 1
                continue
            bad = evidence.apart(r, p, theirs[p], evidence.expected[r][p]) > evidence.tolerance(part)
            if bad:
                wrong_there.add(p)
            same = evidence.same(r, p, got[p], theirs[p])
            fits &= same
            agree += same
            exposed += same and bad
            exact += same and evidence.apart(r, p, got[p], theirs[p]) <= evidence.exercise.tolerance
        if p in wrong and fits and exposed:
            explained.add(p)
            score, exactly = score + agree, exactly + exact
    # One that also gets wrong what the learner has right, or has wrong in another way, is another mistake.
    return (explained if wrong_there <= explained else set()), score, exactly


# --- what holds whatever the mistake is


def _other_order(evidence):
    """Recognise the right results in another order than the one that is asked for."""
    names = [part.name for part in evidence.parts]
    for order in itertools.permutations(range(len(names))):
        if order == tuple(range(len(names))):
            continue
        if all(
            got is not None
            and all(evidence.same(r, p, got[p], evidence.expected[r][q]) for p, q in enumerate(order))
            for r, got in enumerate(evidence.got)
        ):
            said = f"the results come in the order {', '.join(names[q] for q in order)}; asked for is"
            hint = f"which of your results has the shape of {names[0].removeprefix('d')}?"
            return [Known("results.other_order", f"{said} {', '.join(names)}", hint)]
    return []


def _scaled(evidence, left):
    """Recognise a known mistake that is off by a factor besides, in one of the parts that are left."""
    rights = {p: [right[p] for right in evidence.expected] for p in left}
    left = {p for p in left if not common_factor(evidence, p, rights[p])}  # else that is all there is to say
    for suspect in evidence.exercise.suspects if left else ():
        if suspect.fit is not None or suspect.applies is not None:
            continue
        function, r = suspect.make(), evidence.telling[0]
        first = compared_parts(
            evidence.exercise, run_case(evidence.exercise, function, evidence.runs[r].case)
        )
        if not any(multiple(evidence.got[r] and evidence.got[r][p], first[p]) for p in left):
            continue
        answers = [run_case(evidence.exercise, function, run.case) for run in evidence.runs]
        if any(answer.error is not None or answer.parts is None for answer in answers):
            continue
        for p in sorted(left):
            theirs = [compared_parts(evidence.exercise, answer)[p] for answer in answers]
            if None in [None if other is None else 0 for other in theirs]:
                continue
            right = all(
                evidence.apart(r, p, other, evidence.expected[r][p]) < evidence.allowed(r, evidence.parts[p])
                for r, other in enumerate(theirs)
            )
            text = "" if right else common_factor(evidence, p, theirs, everywhere=True)
            # Of two factors neither is certain, but for the sizes that have a name.
            if text and not (text[0].isdigit() and common_factor(evidence, p, rights[p], theirs)):
                known, _ = _made(evidence, suspect)
                return [known._replace(more=f"besides, {evidence.parts[p].name} is {text}")]
    return []


def _not_in_proportion(evidence, left):
    """Recognise a backward pass that limits what arrives, does not use it, or adds a number to it."""
    if evidence.scaled is None or any(evidence.got[r] is None for r in evidence.scaled):
        return []
    argument, held_back = evidence.exercise.linear, misconceptions["training.clips_inside_backward"]
    for p in sorted(left):
        plain, large, small = (evidence.got[r][p] for r in evidence.scaled)
        if any(part is None or not np.isfinite(part).all() for part in (plain, large, small)):
            continue
        name = evidence.parts[p].name
        if np.array_equal(plain, large) and np.any(plain):
            said = f"{name} is the same for 1e9 times {argument}: what arrives from above is not used"
            return [Known("results.upstream_not_used", said, f"what should {name} be if {argument} is zero?")]
        if np.abs(large).max(initial=0) < HELD_BACK * BILLION * np.abs(plain).max(initial=0):
            said = f"1e9 times {argument} does not give 1e9 times {name}: is it clipped, or rescaled?"
            return [Known(held_back.name, said, held_back.hint)]
        if plain.shape == small.shape and relative_error(small * BILLION, plain) > SINGLE:
            said = (
                f"1e-9 times {argument} does not give 1e-9 times {name}: is a number added, or what is small"
            )
            hint = f"make {argument} a billion times smaller: what should become of {name}, and what does?"
            return [Known("results.not_in_proportion", f"{said} cut off?", hint)]
    return []


def _is_whole_part(got, right):
    """Whether one array is the other without what stands behind the point; rounding may cross it."""
    size, least, most = np.abs(got), *(np.trunc(np.abs(right) * (1 + off)) for off in (-SINGLE, SINGLE))
    whole = (got == np.trunc(got)) & (got * right >= 0)
    return bool((whole & (size >= least) & (size <= most)).all())


def _cut_off(evidence, left):
    """Recognise numbers that have lost what stands behind the point."""
    for p in sorted(left):
        pairs = [(got[p], right[p]) for got, right in zip(evidence.got, evidence.expected) if got is not None]
        if all(
            got is not None and got.shape == right.shape and _is_whole_part(got, right)
            for got, right in pairs
        ):
            said = (
                f"{evidence.parts[p].name} holds whole numbers only: what stands behind the point is cut off"
            )
            return [Known("results.cut_off", said, "which dtype has the array that you fill?")]
    return []


__all__ = ["Evidence", "Known", "recognise"]
