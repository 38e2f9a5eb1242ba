"""Numbers as text that no BLAS, processor or system changes.

A check's report is printed in lessons and compared there, letter by letter, on other machines. Two machines
agree on a gradient to about ten digits, on its rounding error to none at all. So errors are shown as
thresholds or with one digit, and numbers with three digits, rounded in two steps: an exact 0.125 that comes
out as 0.12499999999 here and 0.12500000001 there is 0.125 first, and only then 0.13 or 0.12.
"""

import difflib
import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

STABLE_DIGITS = 7  # central differences are good to about nine


def count(number, one, many):
    """Return ``1 entry`` or ``4 entries``."""
    return f"{number} {one if number == 1 else many}"


def nearest(name, known, first=()):
    """Return ``nearest: conv.no_rotation``, of known names; or which names there are, the first dozen."""
    near = dict.fromkeys([*first, *difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)])
    return f"nearest: {', '.join(near)}" if near else f"there are {', '.join(list(known)[:12])}"


def described(value):
    """Return what a value is, in words: ``an array of shape (2, 3)``, ``3 (int)``, ``a tuple of 2``."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, np.generic):
        return f"{value} ({type(value).__name__})"
    if isinstance(value, (int, float, complex, str)):
        return f"{value!r} ({type(value).__name__})"
    of = f" of {len(value)}" if isinstance(value, (list, tuple, dict, set)) else ""
    return f"a {type(value).__name__}{of}"


def short_number(value):
    """Return a float with the digits it was typed with: ``1e-7``, ``0.25``, ``3``."""
    text = f"{value:.12g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def rounded(value, digits=3):
    """Return `value` with so many significant digits, the same text on every machine."""
    if not math.isfinite(value):
        return str(float(value))
    stable = Decimal(f"{value:.{STABLE_DIGITS - 1}e}")
    if stable == 0:
        return "0"
    unit = Decimal((0, (1,), stable.adjusted() - digits + 1))
    return short_number(float(stable.quantize(unit, rounding=ROUND_HALF_UP)))


def distinct(got, expected, scale):
    """Return both numbers with as few digits (from three) as show the difference; rounding noise is 0."""
    got, expected = (0.0 if abs(value) < 1e-7 * scale else value for value in (got, expected))
    texts = None
    for digits in range(3, STABLE_DIGITS):
        texts = rounded(got, digits), rounded(expected, digits)
        if texts[0] != texts[1]:
            break
    return texts


def threshold(error, tolerance, finest):
    """Return ``< 1e-8``: a power of ten at least ten times above the error, at most the tolerance.

    The powers below `finest` are not used: down there the error is rounding noise, another on each machine.
    """
    if not 10 * error <= tolerance:
        return f"< {short_number(tolerance)}" if error < tolerance else f"= {short_number(tolerance)}"
    exponent = math.ceil(math.log10(max(10 * error, finest)) - 1e-9)
    return f"< {short_number(min(10.0**exponent, tolerance))}"
