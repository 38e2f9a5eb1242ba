"""Whether an answer is a constant times another in every call, and which constant that is."""

import numpy as np

from backprop_helpers.checking._text import rounded

CLOSE = 1e-5  # relative


def common_factor(evidence, p, others, gots=None, everywhere=False):
    """Return ``M times too small (M is the number of examples)``; empty if there is no such factor.

    A constant gets a name only if it is that one in every call, and no other constant with a name is.
    `others` has for each call what part `p` may be a multiple of, `gots` the answers, if not the learner's;
    `everywhere` says whether a factor of 1 in some calls counts against it.
    """
    gots = [got and got[p] for got in evidence.got] if gots is None else gots
    factors, largest = {}, 0
    for r, (got, other) in enumerate(zip(gots, others)):
        factor = multiple(got, other)
        if factor is None:
            return ""
        if np.any(finite := other[np.isfinite(other)]):
            factors[r] = factor
            largest = max(largest, np.count_nonzero(finite))
    off = [factor for factor in factors.values() if everywhere or abs(factor - 1) > CLOSE]
    if largest < 2 or not off:  # one number is always a multiple of another
        return ""
    if np.ptp(off) <= CLOSE * abs(off[0]):
        return factor_text(off[0])
    sign = "sign flipped, and " if all(factor < 0 for factor in off) else ""
    for direction, power in (("large", 1), ("small", -1)):
        names = [
            name
            for name in _sizes(evidence, 0)
            if all(abs(abs(f) - _sizes(evidence, r)[name] ** power) <= CLOSE for r, f in factors.items())
        ]
        if len(names) == 1:
            return f"{sign}{names[0]} times too {direction}{_MEANING.get(names[0], '')}"
    return ""


_MEANING = {"M": " (M is the number of examples)"}


def factor_text(factor):
    """Return ``4 times too large``, with the sign in words, and small factors as a percentage."""
    sign = "sign flipped" if factor < 0 else ""
    size = abs(factor)
    if abs(size - 1) <= CLOSE:
        return sign
    times, word = (size, "large") if size > 1 else (1 / size, "small")
    text = f"{rounded(times)} times too {word}"
    if times < 1.1:
        text = f"too {word} by {rounded(100 * (times - 1))} %"
    elif abs(float(rounded(times)) - times) > CLOSE * times:
        text = f"about {text}"
    return f"{sign}, and {text}" if sign else text


def multiple(got, other):
    """Return by what one array is a multiple of the other: 1 if both are zero, None if by none."""
    if (
        got is None
        or other is None
        or got.shape != other.shape
        or np.any(np.isfinite(got) != np.isfinite(other))
    ):
        return None
    got, other = got[np.isfinite(other)], other[np.isfinite(other)]
    square = np.vdot(other, other)
    if square == 0:
        return None if np.any(got) else 1.0
    factor = np.vdot(other, got) / square
    off = np.abs(got - factor * other).max() / np.abs(other).max()
    return factor if off <= CLOSE * max(1, abs(factor)) and abs(factor) > CLOSE else None


def _sizes(evidence, r):
    """Return the sizes of a call that an answer may be wrong by, by name."""
    arrays = [a for a in evidence.runs[r].case.arguments if isinstance(a, np.ndarray) and a.ndim]
    sizes = {"M": len(arrays[0])} if arrays else {}
    if not evidence.exercise.summarise:
        for part, right in zip(evidence.parts, evidence.expected[r]):
            sizes |= {name: size for name, size in zip(part.axes, right.shape) if "·" not in name}
    return sizes
