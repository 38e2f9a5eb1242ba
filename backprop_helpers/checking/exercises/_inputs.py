"""Arrays for the cases: of both signs, non-square, and described in words."""

from functools import partial

import numpy as np

from backprop_helpers.checking._text import count
from backprop_helpers.checking.exercises._exercise import Case, Suspect
from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.checking.misconceptions._parse import entries_in


def normal(rng, *shape):
    """Return normal random numbers."""
    return rng.normal(size=shape)


def integers(rng, *shape):
    """Return whole numbers from −5 to 5 without 0, as floats, so that sums are exact."""
    return rng.integers(1, 6, shape) * rng.choice([-1.0, 1.0], shape)


def drawn(rng, name, *shapes, numbers=normal, **options):
    """Return a case with an array of random numbers for each of the shapes."""
    return Case(name, tuple(numbers(rng, *shape) for shape in shapes), options)


def images(shape):
    """Return ``2 examples of 5 × 4 pixels, 3 channels`` for (M, H, W, C)."""
    M, H, W, C = shape
    text = f"{count(M, 'example', 'examples')} of {H} × {W} pixels"
    return text if C == 1 else f"{text}, {C} channels"


def kernel(shape):
    """Return ``kernel 3 × 2`` or ``kernel 3 × 2, 4 filters`` for (F_h, F_w, C, K)."""
    text = f"kernel {shape[0]} × {shape[1]}"
    return text if shape[3] == 1 else f"{text}, {shape[3]} filters"


def suspect(name, adapt=None, applies=None):
    """Return a misconception in the form of an exercise, which `adapt` makes of the wrong function's."""
    bug = misconceptions[name]

    def make():
        return bug.fresh() if adapt is None else adapt(bug.fresh())

    return Suspect(name, make, applies)


def catalogued(function, adapt=None, without=()):
    """Return the catalogue's mistakes in a function, in its order, but for those `without` names."""
    return tuple(
        suspect(bug.name, adapt)
        for bug in misconceptions.values()
        if bug.function == function and bug.name not in without
    )


def written(name, function, applies=None, diagnosis=""):
    """Return a misconception in a form written out here: the same mistake, made in another way."""
    if name not in misconceptions:
        raise KeyError(name)
    return Suspect(name, lambda: function, applies, diagnosis)


def own(said, function, applies=None):
    """Return a mistake that belongs to one exercise alone: ``"name: what is wrong | where to look"``."""
    name, _, said = said.partition(": ")
    diagnosis, _, hint = said.partition(" | ")
    return Suspect(name, lambda: function, applies, diagnosis, hint)


def mistakes(text, arguments, names, adapt=lambda wrong: wrong):
    """Return the mistakes of an exercise from their text.

        fc_forward.bias_forgotten = x @ w   the name, and what comes back, of the arguments
        the bias is missing                 what is wrong, if it is not the catalogue's, or has more to say
        ? set x to zero: what is z then?    where to look
        for: w.ndim == 2                    the cases it is meant for, if not all
        fit: share_of(got[0], x)            what reads `number`, if there is one in it: see `Suspect`

    `names` are what the expressions know besides, the module's ``globals()``; `adapt` makes a function of the
    exercise's form of one with these arguments.
    """
    names = {"np": np, "share_of": share_of} | names

    def compiled(expression, before=""):  # as code of that file: it may be made of the layers
        code = compile(f"lambda {before}{arguments}: ({expression})", names["__file__"], "eval")
        return eval(code, names)

    def of(entry):
        said = entry["diagnosis"], entry["hint"]
        if "fit" in entry:
            wrong, fit = compiled(entry["base"], "number, "), compiled(entry["fit"], "got, right, ")
            return Suspect(
                entry["name"],
                lambda number: adapt(partial(wrong, number)),
                None,
                *said,
                lambda case, got, right: fit(got, right, *case.arguments, **case.options),
            )
        function, applies = adapt(compiled(entry["base"])), compiled(entry.get("for", "True"))
        applies = "for" in entry and (lambda case, of=applies: of(*case.arguments, **case.options))
        return Suspect(entry["name"], lambda: function, applies or None, *said)

    return tuple(of(entry) for entry in entries_in(text))


def share_of(a, b):
    """Return the number by which b comes nearest to a."""
    return np.vdot(a, b) / np.vdot(b, b)


def between(rng, low, high):
    """Return a random int from low to high, both included."""
    return int(rng.integers(low, high + 1))


def pair(value):
    """Return (rows, columns) of one number or of a pair."""
    rows, columns = np.broadcast_to(value, 2)
    return int(rows), int(columns)
