"""One call of a learner's function, and what came of it."""

import inspect
import itertools
import types
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._text import count, described


class Run(NamedTuple):
    """One call of a function, and what came of it."""

    case: object
    error: BaseException | None = None
    values: list | None = None  # for each part what was returned, before any conversion
    parts: list | None = None  # for each part a float array of its own, or None where it is none
    problem: str = ""  # what is wrong with the type or the number of the results
    written: tuple = ()  # the arguments that were changed
    viewed: tuple = ()  # the parts and arguments that share their memory
    draws: bool = True  # whether it took numbers from the generator among its arguments, if there is one


class Trusted:
    """Calls a function of ours: without limits, which take longer than the function."""

    @staticmethod
    def call(function, arguments, options, seen=None):
        """Return the function's result."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*arguments, **options)


def run_case(exercise, function, case, guard=Trusted, seen=None):
    """Call the function on copies of a case's arguments."""
    given, before = case.fresh(), case.fresh()
    wanted = len(exercise.returns)
    if wanted > 1:  # they may come one by one, as `a, b = f()` would take them
        function = _unrolling(function, wanted)
    try:
        result = guard.call(function, given, dict(case.options), seen)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit and OutOfTime
        return Run(case, error=error, written=_written(exercise, before, given))
    values, problem = _separated(exercise, result)
    parts = []
    for part, value in zip(exercise.returns, values or ()):
        array, complaint = _as_part(part, value)
        parts.append(array)
        problem = problem or complaint
    return Run(
        case,
        values=values,
        parts=None if values is None else parts,
        problem=problem,
        written=_written(exercise, before, given),
        viewed=_viewed(exercise, values, given),
        draws=all(_state(a) != _state(b) for a, b in zip(before, given) if _state(a)),
    )


def reference_parts(exercise, case):
    """Return the right answer as a list of float arrays, summarised if the exercise says so."""
    return _summarised(exercise, shaped_reference(exercise, case))


def shaped_reference(exercise, case):
    """Return the right results in their own shapes, also where only a summary of them is compared."""
    with np.errstate(all="ignore"):
        right = exercise.reference(*case.fresh(), **case.options)
    return [np.asarray(value, float) for value in (right if isinstance(right, (tuple, list)) else (right,))]


def compared_parts(exercise, run):
    """Return what is compared of a run: its parts, or their summary; None for each that is no array."""
    if run.parts is None or (exercise.summarise and any(part is None for part in run.parts)):
        return [None] * len(exercise.compared)
    parts = run.parts
    if exercise.settle and all(part is not None for part in parts):
        parts = exercise.settle(*run.case.arguments, *parts, **run.case.options)
    return _summarised(exercise, parts)


def _summarised(exercise, parts):
    return [np.asarray(part, float) for part in exercise.summarise(*parts)] if exercise.summarise else parts


# --- what was returned


def _unrolling(function, wanted):
    """Return the function with a list for what can be unpacked as one: a generator, a row of numbers."""

    def _unrolled(*arguments, **options):
        result = function(*arguments, **options)
        row = isinstance(result, np.ndarray) and result.ndim == 1
        with_yield = getattr(result, "__name__", "<genexpr>") != "<genexpr>"
        if row or (isinstance(result, Iterator) and not with_yield):
            return list(itertools.islice(result, wanted + 1))
        return result

    return _unrolled


def _separated(exercise, result):
    """Return the results one by one, or None, and what is wrong with their form."""
    names = ", ".join(part.name for part in exercise.returns)
    wanted = len(exercise.returns)
    if isinstance(result, (types.GeneratorType, types.CoroutineType)):
        name = result.__name__
        result.close()
        if name == "<genexpr>":
            return None, "it returns a generator: an expression with `for` in parentheses makes no array"
        return None, "it returns a generator: is there a `yield` where `return` belongs?"
    if result is None:
        return [None] if wanted == 1 else None, f"it returns None: is the line `return {names}` missing?"
    if wanted == 1:
        if not isinstance(result, tuple):
            return [result], ""
        comma = f": is there a comma behind `return {names}`?" if len(result) == 1 else ""
        alone = [result[0]] if result and isinstance(result[0], np.ndarray) else None
        return alone, f"it returns a tuple of {len(result)}; expected {names} alone{comma}"
    if not isinstance(result, (tuple, list)):
        return None, f"it returns {described(result)}; expected {wanted} results: {names}"
    if len(result) != wanted:
        results = count(len(result), "result", "results")
        return None, f"it returns {results}; expected {wanted}: {names}"
    return list(result), ""


def _as_part(part, value):
    """Return the value as a fresh float array, or None, and what is wrong with its type."""
    if value is None:
        return None, f"{part.name} is None"
    if inspect.isgenerator(value):
        return None, f"{part.name} is a generator; expected an array of real numbers"
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if part.kind == "truth":
        if array.dtype == bool and not array.ndim and not isinstance(value, (list, tuple)):
            return array.astype(float), ""
        return None, f"{part.name} is {described(value)}; expected True or False"
    if part.kind == "whole number":
        whole = array.dtype.kind in "iu" and array.ndim == 0
        kept = array.astype(float) if array.dtype.kind in "iuf" and array.ndim == 0 else None
        return kept, "" if whole else f"{part.name} is {described(value)}; expected a whole number (int)"
    if array.dtype.kind not in "biuf":
        kind = "complex numbers" if array.dtype.kind == "c" else described(value)
        return None, f"{part.name} is {kind}; expected an array of real numbers"
    return np.array(array, dtype=float), ""


def as_numbers(value):
    """Return the value as a fresh float array; None if it is none."""
    try:
        array = np.asarray(value)
        return np.array(array, dtype=float) if array.dtype.kind in "biuf" else None
    except (ValueError, TypeError):
        return None


# --- what became of the arguments


def _written(exercise, before, given):
    """Return the names of the arguments that changed."""
    return tuple(
        name
        for name, old, new in zip(exercise.arguments, before, given)
        if isinstance(old, (np.ndarray, list, dict)) and not _equal(old, new)
    )


def _equal(a, b):
    if isinstance(a, np.ndarray):
        if not isinstance(b, np.ndarray) or a.shape != b.shape or a.dtype != b.dtype:
            return False
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b))
    return a == b


def _viewed(exercise, values, given):
    """Return a remark for each part that shares its memory with an argument."""
    return tuple(
        f"{part.name} is a view of {name}: to write to one would change the other"
        for part, value in zip(exercise.returns, values or ())
        for name, argument in zip(exercise.arguments, given)
        if isinstance(value, np.ndarray)
        and isinstance(argument, np.ndarray)
        and np.may_share_memory(value, argument)
    )


def _state(argument):
    """Return what a random generator has given so far: numbers, and generators; None for anything else."""
    if not isinstance(argument, np.random.Generator):
        return None
    bits = argument.bit_generator
    return bits.state, getattr(bits.seed_seq, "n_children_spawned", 0)
