"""The forms in which a known mistake about a linear layer is met, made from the right backward pass.

A backward pass is a sum of terms. What a loop that ends too early, an outdented line or an ``=`` for ``+=``
leaves of them are the terms of some of the outputs: the right function, asked with the others set to zero.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking.exercises._exercise import Suspect

WHY = {
    "first": "does `return`, or a counter, stand inside the wrong loop?",
    "last": "is there an `=` where `+=` belongs (or `+=` at index arrays), or a line outside its loop?",
}


ALL = -1


class Form(NamedTuple):
    """One way in which a mistake is made."""

    name: str  # the misconception's
    part: int  # the result that is wrong; ALL of them
    function: Callable  # with the arguments and results of the whole backward pass
    diagnosis: str = ""  # what is wrong, where more can be said than the catalogue does
    applies: Callable | None = None  # as for a Suspect


def as_suspects(forms, part=None, adapt=None):
    """Return the forms as suspects of an exercise: all of them, or those about one of the results."""
    return tuple(
        Suspect(
            form.name,
            lambda function=form.function: function if adapt is None else adapt(function),
            form.applies,
            form.diagnosis,
        )
        for form in forms
        if part is None or form.part == part
    )


def in_part(part, right, wrong):
    """Return the right backward pass with one of its results taken from a wrong one."""

    def backward(*arguments, **options):
        results = list(right(*arguments, **options))
        results[part] = wrong(*arguments, **options)[part]
        return tuple(results)

    return backward


def selections(names, right, parts, outputs="window", channels="filter"):
    """Return the forms in which only some outputs count: the first or last example, window, row, filter.

    `names` has the misconceptions' names for "first example", "last window" and the like; what has none is
    left out. `right` is the right backward pass, of dz (M, H_out, W_out, K) and more; `parts` are the names
    of its results, `outputs` and `channels` what the axes of dz are called.
    """
    forms = []
    for kind, ends, said in _choices(outputs, channels):
        if kind not in names:
            continue
        m, i, j, k = ends
        why, wrong = WHY[i or j or m or k], _selecting(right, ends)
        forms.append(Form(names[kind], ALL, wrong, f"only {said} counts: {why}"))
        for p, part in enumerate(parts if len(parts) > 1 else ()):
            forms.append(
                Form(names[kind], p, in_part(p, right, wrong), f"only {said} counts in {part}: {why}")
            )
    return forms


def selected_outputs(prefix, forward, adapt=lambda function: function, several=True, **words):
    """Return the suspects of a forward pass that computes some outputs alone, and leaves 0 for the others.

    Those of one end, the first or the last; `several`: whether there is more than one example and filter.
    """

    def of(ends):
        def wrong(*arguments, **options):
            z = forward(*arguments, **options)
            return _kept(z, ends)

        return adapt(wrong)

    hint = "how often does the line run that fills the output? And where does `return` stand?"
    suspects = []
    for _, ends, said in _choices(**words):
        one_end = len({end for end in ends if end}) == 1 and not (ends[3] and any(ends[:3]))
        if not one_end or (not several and (ends[0] or ends[3])):
            continue
        name, text = said.replace(" ", "_"), f"only {said} is computed; the rest of the output is 0"
        function = of(ends)
        suspects.append(Suspect(f"{prefix}.only_{name}", lambda f=function: f, None, text, hint))
    return suspects


def _choices(outputs="window", channels="filter"):
    """Yield (kind, the ends of the four axes that count, both in words) for every choice of outputs."""
    for m, i, j, k in itertools.product((None, "first", "last"), repeat=4):
        kinds = ((i or j, "window"), (m, "example"), (k, channels))
        kind = next((f"{end} {what}" for end, what in kinds if end), "")
        if kind and not (i and j and i != j):
            yield kind, (m, i, j, k), _selected(m, i, j, k, outputs, channels)


def _selected(m, i, j, k, outputs, channels):
    """Return ``the last window of each example`` and the like."""
    line = {
        (True, True): outputs,
        (True, False): f"row of {outputs}s",
        (False, True): f"column of {outputs}s",
    }
    said = []
    if i or j:
        said.append(f"the {i or j} {line[bool(i), bool(j)]}")
        said.append(f"of the {m} example" if m else "of each example")
    elif m:
        said.append(f"the {m} example")
    if k:
        said.append(f"of the {k} {channels}" if said else f"the {k} {channels}")
    return " ".join(said)


def _selecting(right, ends):
    """Return the right backward pass of the dz in which all but some outputs are zero."""

    def backward(dz, *arguments, **options):
        return right(_kept(dz, ends), *arguments, **options)

    return backward


def _kept(outputs, ends):
    """Return an array in which all but some outputs are zero."""
    index = tuple(
        slice(None) if end is None else slice(-1, None) if end == "last" else slice(1) for end in ends
    )
    kept = np.zeros(outputs.shape)
    kept[index] = outputs[index]
    return kept
