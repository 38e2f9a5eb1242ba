"""What a check says of an answer: where it differs, in what shape it came, and where it broke off."""

import itertools
import linecache
import re

import numpy as np

from backprop_helpers.checking._reading import name_axes, read_difference, read_shape
from backprop_helpers.checking.exercises._compare import (
    SAME,
    entry,
    relative_error,
    two_numbers,
    worst,
    wrong_entries,
)
from backprop_helpers.checking.exercises._factor import common_factor
from backprop_helpers.checking.exercises._run import shaped_reference
from backprop_helpers.checking.exercises._watch import is_library, names_of

LONGEST_MESSAGE = 300
DRAWS = {"random", "rand", "randn", "default_rng", "normal", "uniform", "shuffle", "permutation", "choice"}


# --- numbers


def difference_text(evidence, p):
    """Say where and how one part differs: the place in the smallest case, and what holds in every case."""
    wrong = [r for r, q in evidence.wrong if q == p]
    r, part = evidence.smallest([(r, p) for r in wrong])[0], evidence.parts[p]
    got, right = evidence.got[r][p], evidence.expected[r][p]
    index = worst(got, right, part.kind)
    if part.kind == "truth":
        return f"{part.name} is {bool(got)}, expected {bool(right)}"
    finite = np.abs(right[np.isfinite(right)]).max(initial=0)
    scale = max(abs(right[index]) if part.kind == "entries" else finite, 1e-300)
    one, two = two_numbers(got[index], right[index], scale)
    place = f"{entry(part.name, index)} is {one}, expected {two}"
    if not np.isfinite(got).all():
        number = np.count_nonzero(~np.isfinite(got))
        are = "entry is" if got.size == 1 else "entries are"
        return f"{place}; {number} of {got.size} {are} not finite"
    if right.ndim == 0:
        return place
    return f"{part.name} {_reading(evidence, p, wrong, r)}: {place}"


def _reading(evidence, p, wrong, smallest):
    """Return what is true of the part in every wrong case, or in how many entries it is wrong in one."""
    if factor := common_factor(evidence, p, [right[p] for right in evidence.expected]):
        return f"is {factor}"
    large = [r for r in wrong if evidence.expected[r][p].size >= 4] or wrong
    readings = {_read(evidence, p, r) for r in dict.fromkeys(large)}
    if len(readings) == 1 and None not in readings:
        return readings.pop()
    part, got, right = evidence.parts[p], evidence.got[smallest][p], evidence.expected[smallest][p]
    bad = wrong_entries(got, right, part.kind, evidence.runs[smallest].case.unit)
    number = np.count_nonzero(bad)
    if number == right.size:
        return "is wrong in every entry" if number > 1 else "is wrong in its only entry"
    missing = "missing" if not np.any(got[bad]) and np.all(right[bad]) else "wrong"
    return f"is {missing} in {number} of {right.size} entries"


def _read(evidence, p, r):
    """Return what is read of one wrong answer alone; None if that is a factor, which one case cannot tell."""
    part, got, right = evidence.parts[p], evidence.got[r][p], evidence.expected[r][p]
    case = evidence.runs[r].case
    bad = wrong_entries(got, right, part.kind, case.unit)
    if part.kind == "entries" or not bad.any() or not np.isfinite(got).all() or not np.isfinite(right).all():
        return None
    if not np.any(right):
        return "should be zero"
    if not np.any(got):
        return "is zero"
    name = part.name[1:] if part.name.startswith("d") and len(part.name) > 1 else part.name
    examples = next((len(a) for a in case.arguments if isinstance(a, np.ndarray) and a.ndim), None)
    others = [
        (other.name, array)
        for q, (other, array) in enumerate(zip(evidence.parts, evidence.expected[r]))
        if q != p and array.size > 1
    ]
    text = read_difference(got, right, bad, name_axes(name, right.shape, examples), others=others)
    if "zero" in text and np.any(got[bad]) and np.any(right[bad]):  # beside numbers a million times as large
        return None
    if not text or re.search(r"times too|sign flipped|one entry only|\d+ of \d+", text):
        return None
    if text.startswith("the "):  # the right numbers in the wrong places, the rows are in reversed order
        return f"has {text.replace(' are in ', ' in ')}"
    return f"is {text.replace('this is the gradient of', 'what belongs in')}"


# --- the form of the results


def shape_text(evidence, calls):
    """Say which part has another form in these calls, and whether its numbers are right in all of them.

    With the text comes the call that it is about: one in which sizes cannot be confused, if there is any.
    """
    exercise, runs = evidence.exercise, evidence.runs
    if runs[calls[0]].problem:
        return _with_numbers(evidence, runs[calls[0]].problem), calls[0]
    rights = {r: shaped_reference(exercise, runs[r].case) for r in calls}
    p = next(p for p in range(len(exercise.returns)) if _differs(runs[calls[0]], rights[calls[0]], p))
    calls = [r for r in calls if _differs(runs[r], rights[r], p)]
    part, r = exercise.returns[p], max(calls, key=lambda r: len(set(rights[r][p].shape)) + rights[r][p].size)
    got, right = runs[r].parts[p], rights[r][p]
    named = f" as ({', '.join(part.axes)}{',' * (len(part.axes) == 1)})" if part.axes else ""
    wanted = f"{right.shape}{named}" if right.ndim else "a single number"
    if not got.ndim:
        return f"{part.name} is a single number; expected an array of shape {wanted}", r
    remarks = {_shape_remark(exercise, runs[r].parts[p], rights[r][p], part) for r in calls}
    agree = (
        len({remark[:10] for remark in remarks}) == 1
    )  # "the numbers are right", in some order of the axes
    remark = max(remarks, key=len) if agree else ""
    text = f"{part.name} has shape {got.shape}; expected {wanted}"
    return (f"{text}; {remark}" if remark else text), r


def _shape_remark(exercise, got, right, part):
    """Return what is right about an array of another shape; empty if nothing is."""
    if exercise.summarise:
        return "the two sizes are exchanged" if got.shape == right.shape[::-1] else ""
    remark = read_shape(got, right, part.name).partition(": ")[2]
    if remark or got.ndim != right.ndim or len(part.axes) != right.ndim:
        return remark
    for order in itertools.permutations(range(right.ndim)):
        moved = right.transpose(order)
        if moved.shape == got.shape and relative_error(got, moved) < SAME:
            return f"the numbers are right, with the axes ({', '.join(part.axes[axis] for axis in order)})"
    return ""


def _differs(run, right, p):
    return run.parts[p] is None or run.parts[p].shape != right[p].shape


def _with_numbers(evidence, problem):
    """Add to what is wrong with the form whether the numbers in it are right."""
    known = [
        got for got in evidence.got if got is not None and None not in [a if a is None else 0 for a in got]
    ]
    if len(known) < len(evidence.runs):
        return problem
    return f"{problem}; the numbers in it are {'wrong too' if evidence.wrong else 'right'}"


# --- errors


def error_text(error):
    """Return the error in one line, and the learner's line that raised it."""
    text = type(error).__name__
    message = short_message(error)
    text += f": {message}" if message else ""
    if isinstance(error, RecursionError):
        text = "RecursionError: it calls itself again and again, without an end"
    where = last_own_frame(error)
    if where is None:
        return text
    line, name, source = where
    return f"{text}\nin line {line} of {name}{': ' if source else ''}{source}"


def short_message(error):
    """Return the first line of an error's message, without addresses."""
    lines = str(error).strip().splitlines()
    message = re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", lines[0]) if lines else ""
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


def last_own_frame(error):
    """Return (line in the function, the function's name, the line's text) of the learner's last frame."""
    if hasattr(error, "learners_frame"):  # it was raised in another process
        return error.learners_frame
    found, traceback = None, error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_library(code.co_filename):
            number = traceback.tb_lineno
            source = linecache.getline(code.co_filename, number, traceback.tb_frame.f_globals).strip()
            found = number - code.co_firstlineno + 1, code.co_name, source
        traceback = traceback.tb_next
    return found


def state_hint(function, called=frozenset()):
    """Return where to look if the same arguments give different answers; `called` are names in what ran."""
    if DRAWS & (names_of(function) | called):
        return "are there random numbers in it that its arguments do not determine (np.random)?"
    return "what does the first call leave behind, outside the function?"


# --- cases


def shapes_text(exercise, case):
    """Return ``dz (2, 3, 4, 2), x (2, 4, 5, 3), stride=2``."""
    texts = []
    for name, argument in zip(exercise.arguments, case.arguments):
        if isinstance(argument, np.ndarray):
            texts.append(f"{name} {argument.shape}")
        elif isinstance(argument, (int, float, str)):
            texts.append(f"{name} = {argument}")
    texts += [f"{name}={value!r}" for name, value in case.options.items()]
    return ", ".join(texts)


def outside_text(names):
    """Return ``it reads EYE, which is an array from outside the function``; empty for no names."""
    are = "is an array" if len(names) == 1 else "are arrays"
    return f"it reads {' and '.join(names)}, which {are} from outside the function" if names else ""
