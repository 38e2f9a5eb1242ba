"""Reading a difference: what a wrong array has in common with the right one, and where it goes wrong.

"Relative error 0.7" sends a learner back to all of their code. "Wrong on the border only", "9 times too
small" or "transposed" sends them to one line. Everything here compares two arrays and returns words.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._report import GradientRow
from backprop_helpers.checking._text import count, rounded

NOISE = 1e-7  # relative to the largest entry
SAME = 1e-5  # far above the rounding of a numerical gradient, far below any mistake worth a name
UNUSED = "the upstream gradient is not used (or not its size)"
TIMES = 2.0**27  # about 1e8, above what a gradient is clipped at; of a power of two the rounding is the same
SCALED = "2²⁷ times the upstream gradient"
NONLINEAR = "backward is not linear in its upstream gradient"


class Compared(NamedTuple):
    """What the nudges say of one input: numeric slopes and relative errors (NaN where there is none)."""

    numeric: np.ndarray
    error: np.ndarray
    kinks: list  # the indices left out
    smooth: int  # how many entries were nudged and sit on no kink
    ties: str  # what is wrong with the gradients on kinks
    tells: bool  # whether a slope stands above what rounding hides, or all are exactly 0


def read_row(name, gradient, compared, complaints, layer, tolerance):
    """Return the report's row for one input.

    `gradient` is an array or a text that says why there is none, `compared` holds all inputs' `Compared`,
    `complaints` what the functions did to their arguments, `layer` knows the constants with a name.
    """
    found = compared[name]
    known = np.isfinite(found.error)
    worst, analytic, numeric, largest = None, None, None, np.inf
    others = [(other, there.numeric) for other, there in compared.items() if other != name]
    reading = _obstacle(name, gradient, found, others, layer.examples)
    if not reading and known.any():
        largest = float(found.error[known].max())
        # The first of equals: with a flipped sign every entry is off by exactly 2, up to rounding.
        worst = tuple(int(i) for i in np.argwhere(found.error >= 0.99 * largest)[0])
        analytic, numeric = float(gradient[worst]), float(found.numeric[worst])
        wrong = found.error > tolerance
        if wrong.any() and UNUSED not in complaints:  # then all numbers are wrong, and for one reason
            axes = name_axes(name, gradient.shape, layer.examples)
            gradient = gradient.astype(float)
            reading = read_difference(gradient, found.numeric, wrong, axes, layer.factors, others)
    if reading:  # what is wrong with the numbers says more
        complaints = [text for text in complaints if not text.startswith(NONLINEAR)]
    reading = "; ".join(filter(None, [*complaints, reading or found.ties]))
    passed = not reading
    if passed and not known.any():
        passed, reading = None, "nothing to compare: take random numbers, away from kinks and ties"
        reading = reading if found.error.size else "nothing to compare: it has no entries"
    elif passed and not found.tells:
        passed, reading = None, "undecided: what rounding hides is larger than the slopes; take other numbers"
    elif passed and not found.numeric[known].any():
        reading = "zero everywhere, in both"
    compared = int(np.count_nonzero(known))
    row = name, found.error.shape, largest, worst, analytic, numeric, reading, compared
    return GradientRow(*row, kinks=len(found.kinks), passed=passed)


def _obstacle(name, gradient, found, others, examples):
    """Return what stands in the way of a comparison; empty if nothing does."""
    if isinstance(gradient, str):
        return gradient
    if gradient.shape != found.numeric.shape:
        return read_shape(gradient.astype(float), found.numeric, name, others, examples)
    if not np.isfinite(gradient).all():
        return f"NaN or infinity in {count(np.count_nonzero(~np.isfinite(gradient)), 'entry', 'entries')}"
    unmeasured = found.smooth - np.count_nonzero(np.isfinite(found.numeric))
    if unmeasured:
        entries = count(unmeasured, "entry", "entries")
        return f"no slope in {entries}: forward gives NaN or infinity after a small nudge"
    return ""


class Axes(NamedTuple):
    """A singular noun for each axis, and the two that are the rows and columns of a picture, if any are."""

    names: tuple[str, ...]
    picture: tuple[int, ...]


def is_kernel(name):
    """Whether an input of that name is a kernel or a weight matrix: "w", or the last part of "conv1.w"."""
    return name.rsplit(".", 1)[-1].lower() in ("w", "weights", "kernel", "kernels", "filters")


def name_axes(name, shape, examples=None):
    """Return the axes of an input, from its name, its rank and M: a matrix with M rows is (M, N)."""
    kernel = is_kernel(name)
    if len(shape) == 4 and kernel:
        return Axes(("kernel row", "kernel column", "input channel", "filter"), (0, 1))
    if len(shape) == 4:
        return Axes(("example", "row", "column", "channel"), (1, 2))
    if len(shape) == 3:
        return Axes(("row", "column", "channel"), (0, 1))
    if len(shape) == 2 and not kernel and shape[0] == examples:
        return Axes(("example", "column"), ())
    if len(shape) == 2:
        return Axes(("row", "column"), () if kernel else (0, 1))
    return Axes(tuple(f"index on axis {axis}" for axis in range(len(shape))), ())


def read_difference(got, expected, wrong, axes, factors=(), others=()):
    """Say in a few words how `got` differs from `expected`, such as "wrong in the last row only".

    `expected` holds NaN where it is not known (not sampled, or on a kink); `wrong` is True at the known
    entries in which the two differ, at least one. `axes` come from `name_axes`; `factors` are constants worth
    a name, as (8, "M, the number of examples"), and `others` gradients that `got` may have been mistaken
    for, as (name, array).
    """
    known = np.isfinite(expected)
    scale = max(np.abs(expected[known]).max(), np.abs(got).max())
    exact = got, expected
    got, expected = _without_noise(got, scale), _without_noise(expected, scale)
    if not expected[known].any():
        return f"wrong {_where(wrong, known, axes, got)} (should be zero there)"
    return (
        _proportion(got[known], expected[known], factors)
        or _rearranged(got, expected, axes)
        or _mistaken(got, others)
        or _located(*exact, wrong, known, axes, factors)
    )


def read_shape(got, expected, name, others=(), examples=None):
    """Say in a few words what is wrong with the shape of `got`, and whether its numbers are right.

    `name` is the input's; `others` as for `read_difference`; with one example no sum over examples shows.
    """
    text = f"shape {got.shape} instead of {expected.shape}"
    known = np.isfinite(expected)
    lead = got.ndim - expected.ndim
    if not known.any() or not np.any(expected[known]):
        return text
    if got.shape == expected.shape[::-1] and _same(got.T, expected):
        return f"{text}: it is transposed"
    if lead > 0 and got.shape[lead:] == expected.shape and _same(got.sum(tuple(range(lead))), expected):
        axes = "axis 0" if lead == 1 else f"axes 0 to {lead - 1}"
        if got.size > expected.size:
            return f"{text}: it is not summed over {axes}"
        if examples == 1:
            return f"{text}: is the sum over {axes} missing? One example cannot tell"
    if got.size == expected.size and _same(got.reshape(expected.shape), expected):
        return f"{text}: the numbers are right"
    if got.ndim == 0:
        return f"{text}: a single number for all of {name}"
    for other, numbers_of_other in others:
        if got.shape == numbers_of_other.shape and _same(got, numbers_of_other):
            return f"{text}: this is the gradient of {other}"
    return text


def read_nonlinear(once, scaled):
    """Say how `TIMES` the upstream gradient does not give as many times the gradient; empty if it does."""
    if not np.isfinite(once).all():
        return ""  # that is another finding
    if not np.isfinite(scaled).all():
        return f"{SCALED} gives NaN or infinity"
    if np.abs(scaled - TIMES * once).max(initial=0.0) <= TIMES * SAME * np.abs(once).max(initial=0.0):
        return ""
    if _same(scaled, once):
        return UNUSED
    cap = np.abs(scaled).max()
    capped = np.unique(np.abs(once[np.abs(scaled) >= (1 - SAME) * cap]))
    if len(capped) > 1 and _same(scaled, np.clip(TIMES * once, -cap, cap)):
        return f"clipped at {rounded(cap)} inside backward, which must be linear in its upstream gradient"
    times = np.vdot(once, scaled) / (np.vdot(once, once) or 1.0)
    if np.count_nonzero(once) > 1 and _same(scaled, times * once):
        return f"{SCALED} gives {rounded(times)} times this: it is clipped or rescaled inside backward"
    return f"{NONLINEAR} ({SCALED} gives no multiple of this): is it clipped or rescaled inside?"


def _without_noise(a, scale):
    """Return `a` with 0 for what is only rounding, so that a true zero is seen as one."""
    return np.where(np.abs(a) < NOISE * scale, 0.0, a)


def _same(got, expected, at_least=1):
    """Whether the arrays agree wherever `expected` is known, and are not just zero there."""
    known = np.isfinite(expected)
    if np.count_nonzero(known) < at_least:
        return False
    got, expected = got[known], expected[known]
    scale = np.abs(expected).max()
    return bool(scale > 0 and np.isfinite(got).all() and np.abs(got - expected).max() <= SAME * scale)


def _proportion(got, expected, factors):
    """Say that `got` is zero, or a constant times `expected`; None if it is not."""
    scale = np.abs(expected).max()
    if scale == 0:
        return "should be zero"
    if not np.any(got):
        return "zero"
    factor = np.vdot(expected, got) / np.vdot(expected, expected)
    if abs(factor) < SAME or np.abs(got - factor * expected).max() > SAME * max(1, abs(factor)) * scale:
        return None
    # One number is always a multiple of another: there only a factor with a name says anything.
    names_only = np.count_nonzero(expected) < 2
    return _factor_text(factor, factors, names_only)


def _factor_text(factor, factors, names_only):
    """Return ``4 times too large (4 is M, the number of examples)``, with the sign in words."""
    sign = "sign flipped" if factor < 0 else ""
    size = abs(factor)
    if abs(size - 1) <= SAME:
        return sign or None
    times = max(size, 1 / size)
    named = [name for value, name in factors if abs(value - times) <= SAME * times]
    if names_only and not named:
        return None
    # As many digits as show that it is not 1.
    number = next(text for digits in range(3, 9) if (text := rounded(times, digits)) != "1")
    text = f"{number} times too {'large' if size > 1 else 'small'}"
    if abs(float(number) - times) > SAME * times:
        text = f"about {text}"
    if len(named) == 1:  # of two with one value, neither is certain
        text += f" ({number} is {named[0]})"
    return f"{sign}, and {text}" if sign else text


def _rearranged(got, expected, axes):
    """Say that the right numbers are in the wrong places; None if they are not."""
    at_least = min(expected.size, 4)
    if _same(got, expected):
        return None  # what differs is small, and any symmetry of the large entries would seem to explain it
    for text, moved in _rearrangements(expected, axes):
        if moved.shape == got.shape and _same(got, moved, at_least):
            return text
    for text, moved, window in _shifts(expected, axes):
        # A shift leaves a strip unknown; most of the array has to agree all the same.
        if moved.size * 2 >= got.size and _same(got[window], moved, at_least):
            return text
    whole = np.isfinite(expected).all() and expected.size > 3
    same_numbers = whole and _same(np.sort(got, None), np.sort(expected, None))
    return "the right numbers in the wrong places" if same_numbers else None


def _rearrangements(a, axes):
    """Yield (words, the array rearranged like that)."""
    if a.ndim == 1:
        yield "in reversed order", a[::-1]
    plane = axes.picture or ((0, 1) if a.ndim == 2 else ())
    if plane:
        rows, columns = (axes.names[axis] for axis in plane)
        yield "transposed", a.swapaxes(*plane)
        yield f"rotated by 180° ({rows}s and {columns}s)", np.flip(a, plane)
        yield f"flipped: the {rows}s are in reversed order", np.flip(a, plane[0])
        yield f"flipped: the {columns}s are in reversed order", np.flip(a, plane[1])
    if a.ndim == 4 and plane == (0, 1):
        yield f"transposed ({axes.names[2]} and {axes.names[3]})", a.swapaxes(2, 3)
    if a.ndim > 2:
        yield "reversed along every axis", np.flip(a)
        for axis in set(range(a.ndim)) - set(plane):
            yield f"the {axes.names[axis]}s are in reversed order", np.flip(a, axis)


def _shifts(a, axes):
    """Yield (words, the part of `a` that stays inside, where it would stand) for shifts by one or two."""
    for axis in axes.picture:
        for step in (1, 2):
            if a.shape[axis] <= step:
                continue
            head, tail = [slice(None)] * a.ndim, [slice(None)] * a.ndim
            head[axis], tail[axis] = slice(None, -step), slice(step, None)
            name = axes.names[axis]
            far, near = ("down", "up") if axis == axes.picture[0] else ("to the right", "to the left")
            yield f"shifted {far} by {count(step, name, name + 's')}", a[tuple(head)], tuple(tail)
            yield f"shifted {near} by {count(step, name, name + 's')}", a[tuple(tail)], tuple(head)


def _mistaken(got, others):
    """Say that `got` is the gradient of another input; None if it is not."""
    for name, other in others:
        if other.shape == got.shape and _same(got, other, min(other.size, 2)):
            return f"this is the gradient of {name}"
    return None


def _located(got, expected, wrong, known, axes, factors):
    """Say where the wrong entries are, and what they have in common there."""
    off = np.where(known, got - expected, 0)
    if known.sum() > 2 and np.ptp(off[known]) < 0.1 * abs(off[known].mean()):
        return f"off by {rounded(off[known].mean(), 1)} in every entry: is a number added?"
    scale = max(np.abs(got[wrong]).max(), np.abs(expected[wrong]).max())
    got, expected = _without_noise(got, scale), _without_noise(expected, scale)
    where = _where(wrong, known, axes, np.where(known, expected, 0))
    if (np.abs(off) > 0.1 * np.abs(off[wrong]).min())[known & ~wrong].any():  # they are off, too, but by less
        where = where.removesuffix(" only")
    how = _proportion(got[wrong], expected[wrong], factors)
    if how is None:
        return f"wrong {where}"
    return f"missing {where} (zero there)" if how == "zero" else f"wrong {where} ({how} there)"


def _where(wrong, known, axes, expected):
    """Return ``in channel 1 only``, ``on the border only``, ``in 7 of 36 entries``."""
    number, total = np.count_nonzero(wrong), np.count_nonzero(known)
    if number == total:
        return "in every entry" if total > 1 else "in its only entry"
    if number == 1:
        return "in one entry only"
    places = np.nonzero(wrong)
    slices = [_slice_text(axes, axis, np.unique(place), known) for axis, place in enumerate(places)]
    slices = [text for text in slices if text]
    if slices:
        return f"in {' and '.join(slices[:2])} only"
    return _border_text(wrong, expected != 0, axes) or f"in {number} of {total} entries"


def _slice_text(axes, axis, indices, known):
    """Return ``channel 1`` or ``the last 2 rows`` if the wrong entries are only there; None otherwise."""
    size, name = known.shape[axis], axes.names[axis]
    if len(indices) == size or not np.delete(known, indices, axis).any():
        return None
    if axis in axes.picture:
        if indices[-1] == size - 1 and len(indices) == size - indices[0]:
            return f"the last {name}" if len(indices) == 1 else f"the last {len(indices)} {name}s"
        if indices[0] == 0 and len(indices) == indices[-1] + 1:
            return f"the first {name}" if len(indices) == 1 else f"the first {len(indices)} {name}s"
    return f"{name} {indices[0]}" if len(indices) == 1 else None


def _border_text(wrong, matters, axes):
    """Return ``on the border only`` if all that matters there is wrong and nothing inside; or the reverse."""
    if not axes.picture or min(wrong.shape[axis] for axis in axes.picture) < 3:
        return None
    inner = tuple(slice(1, -1) if axis in axes.picture else slice(None) for axis in range(wrong.ndim))
    interior = np.zeros(wrong.shape, bool)
    interior[inner] = True
    for text, there in (("on the border only", ~interior), ("in the interior only", interior)):
        if (matters & ~there).any() and not (wrong & ~there).any() and wrong[matters & there].all():
            return text
    return None
