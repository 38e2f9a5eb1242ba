"""Which known mistake an answer is: named if every call agrees with it, and silent otherwise."""

import itertools
import re
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking.exercises._compare import Evidence, relative_error
from backprop_helpers.checking.exercises._factor import common_factor
from backprop_helpers.checking.exercises._run import compared_parts, run_case
from backprop_helpers.checking.misconceptions import misconceptions

ROUGH = 1e-2  # relative: above what float16 leaves, below what a limit takes away
THOUSAND = 1000.0  # times the upstream gradient: what clips or rescales it inside shows


class Known(NamedTuple):
    """A recognised mistake: its name, what is wrong, where to look, and what else differs."""

    name: str
    diagnosis: str
    hint: str
    more: str = ""


def recognise(evidence):
    """Return the known mistakes that explain the wrong parts, the best first.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    list of Known
    """
    wrong = {p for _, p in evidence.wrong}
    raised = any(run.error is not None for run in evidence.runs)
    if not wrong and not raised:
        return []
    left = set(wrong) or set(range(len(evidence.parts)))
    found = []
    for _, _, _, known, explained in sorted(_candidates(evidence, left), key=lambda candidate: candidate[:3]):
        if explained <= left:
            left -= explained
            found += [known] * (known.diagnosis not in [other.diagnosis for other in found])
    if left and evidence.exercise.summarise:  # of a sample, one number that fits says nothing
        return []
    if wrong and left and not (raised or evidence.strict):
        return (
            found or _other_order(evidence) or _scaled(evidence, left) or _not_in_proportion(evidence, left)
        )
    return found


def _candidates(evidence, wrong):
    """Yield (−parts explained, −calls that agree, order, known, explained parts): the best is the least."""
    for order, suspect in enumerate(evidence.exercise.suspects):
        known, answers = _answers(evidence, suspect, wrong)
        if answers is None:
            continue
        explained, score = _explained(evidence, answers, wrong)
        if explained:
            yield -len(explained), -score, order, known, explained


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
        if evidence.got[r] is None:
            if not _same_error(runs[r].error, answer.error):
                return known, None
        else:
            got = evidence.got[r]
            possible = {p for p in possible if theirs and evidence.same(r, p, got[p], theirs[p])}
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
        run = evidence.runs[r]
        with np.errstate(all="ignore"):
            number = suspect.fit(run.case, evidence.got[r], evidence.expected[r])
        if number is not None and np.isfinite(number):
            said = known.diagnosis.format(number=f"{number:.3g}")
            return known._replace(diagnosis=said), suspect.make(number)
    return known, None


def _same_error(error, other):
    """Whether two errors are the same but for the sizes in their messages."""

    def message(error):
        return re.sub(r"\([\d, ]*\)|\d+", "#", str(error))

    return type(error) is type(other) and message(error) == message(other)


def _explained(evidence, answers, wrong):
    """Return the wrong parts in which the learner's answers are the suspect's, and how many calls agree."""
    explained, wrong_there, score = set(), set(), 0
    for p, part in enumerate(evidence.parts):
        agree = exposed = 0
        fits = True
        for r, theirs in enumerate(answers):
            if theirs is None:
                continue
            got = evidence.got[r]
            if got is None:
                agree, exposed = agree + 1, exposed + 1
                continue
            bad = relative_error(theirs[p], evidence.expected[r][p], part.kind) > evidence.tolerance(part)
            if bad:
                wrong_there.add(p)
            same = evidence.same(r, p, got[p], theirs[p])
            fits &= same
            agree += same
            exposed += same and bad
        if p in wrong and fits and exposed:
            explained.add(p)
            score += agree
    # One that also gets wrong what the learner has right, or has wrong in another way, is another mistake.
    return (explained, score) if wrong_there <= explained else (set(), 0)


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
        function = suspect.make()
        answers = [run_case(evidence.exercise, function, run.case) for run in evidence.runs]
        if any(answer.error is not None or answer.parts is None for answer in answers):
            continue
        for p in sorted(left):
            theirs = [compared_parts(evidence.exercise, answer)[p] for answer in answers]
            if None in [None if other is None else 0 for other in theirs]:
                continue
            right = all(
                relative_error(other, evidence.expected[r][p]) < evidence.allowed(r, evidence.parts[p])
                for r, other in enumerate(theirs)
            )
            text = "" if right else common_factor(evidence, p, theirs)
            if text:
                known, _ = _made(evidence, suspect)
                return [known._replace(more=f"besides, {evidence.parts[p].name} is {text}")]
    return []


def _not_in_proportion(evidence, left):
    """Recognise a backward pass that does not hand on a thousand times the gradient as a thousand times."""
    argument, pair = evidence.exercise.linear, evidence.pair
    if not argument or pair is None or any(evidence.got[r] is None for r in pair):
        return []
    known = misconceptions["training.clips_inside_backward"]
    for p in sorted(left):
        small, large = (evidence.got[r][p] for r in pair)
        if small is None or large is None or small.shape != large.shape:
            continue
        name = evidence.parts[p].name
        if relative_error(large / THOUSAND, small) > ROUGH:
            said = f"1000 times {argument} does not give 1000 times {name}: clipped, rescaled, or not used?"
            return [Known(known.name, said, known.hint)]
    return []


__all__ = ["Evidence", "Known", "recognise"]
