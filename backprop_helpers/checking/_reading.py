"""Reading a difference: what a wrong array has in common with the right one, and where it goes wrong.

"Relative error 0.7" sends a learner back to all of their code. "Wrong on the border only", "9 times too
small" or "transposed" sends them to one line. Everything here compares two arrays and returns words.
"""

from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._text import count, rounded

NOISE = 1e-7  # relative to the largest entry
SAME = 1e-5  # far above the rounding of a numerical gradient, far below any mistake worth a name


class Axes(NamedTuple):
    """The names of an array's axes, and which of them are the rows and columns of a picture.

    Attributes
    ----------
    names : tuple of str
        One singular noun an axis, such as ``("example", "row", "column", "channel")``.
    picture : tuple of int
        The two axes a border, a rotation or a shift is about; empty where there is no picture.
    """

    names: tuple[str, ...]
    picture: tuple[int, ...]


def is_kernel(name):
    """Whether an input of that name is a kernel or a weight matrix: "w", or the last part of "conv1.w"."""
    return name.rsplit(".", 1)[-1].lower() in ("w", "weights", "kernel", "kernels", "filters")


def name_axes(name, shape, examples=None):
    """Return the axes of an input, from its name, its rank and the number of examples.

    Parameters
    ----------
    name : str
        The input's name (see `is_kernel`).
    shape : tuple of int
    examples : int, optional
        M, if it is known. A matrix with M rows is read as (M, N), any other as a picture.

    Returns
    -------
    Axes
    """
    kernel = is_kernel(name)
    if len(shape) == 4 and kernel:
        return Axes(("kernel row", "kernel column", "input channel", "filter"), (0, 1))
    if len(shape) == 4:
        return Axes(("example", "row", "column", "channel"), (1, 2))
    if len(shape) == 3:
        return Axes(("row", "column", "channel"), (0, 1))
    if len(shape) == 2 and kernel:
        return Axes(("row", "column"), ())
    if len(shape) == 2 and shape[0] == examples:
        return Axes(("example", "column"), ())
    if len(shape) == 2:
        return Axes(("row", "column"), (0, 1))
    return Axes(tuple(f"index on axis {axis}" for axis in range(len(shape))), ())


def read_difference(got, expected, wrong, axes, *, factors=(), unused=None, others=()):
    """Say in a few words how `got` differs from `expected`.

    Parameters
    ----------
    got, expected : ndarray of one shape
        `expected` holds NaN where it is not known (not sampled, or on a kink).
    wrong : ndarray of bool
        The known entries in which the two differ; at least one.
    axes : Axes
        From `name_axes`.
    factors : sequence of (float, str)
        Constants worth a name, such as ``(8, "M, the number of examples")``.
    unused : float, optional
        What `got` is a multiple of `expected` by, if the upstream gradient was not used.
    others : sequence of (str, ndarray)
        Other gradients that `got` may have been mistaken for, with their names.

    Returns
    -------
    str
        Such as ``"2 times too large"`` or ``"missing in the last row only (zero there)"``.
    """
    known = np.isfinite(expected)
    scale = max(np.abs(expected[known]).max(), np.abs(got).max())
    got, expected = _without_noise(got, scale), _without_noise(expected, scale)
    return (
        _unused(got[known], expected[known], unused)
        or _proportion(got[known], expected[known], factors)
        or _rearranged(got, expected, axes)
        or _mistaken(got, others)
        or _located(got, expected, wrong, known, axes, factors)
    )


def read_shape(got, expected, name, others=()):
    """Say in a few words what is wrong with the shape of `got`, and whether its numbers are right.

    Parameters
    ----------
    got, expected : ndarray
        Of different shapes; `expected` holds NaN where it is not known.
    name : str
        The input's name.
    others : sequence of (str, ndarray)
        As for `read_difference`.

    Returns
    -------
    str
    """
    text = f"shape {got.shape} instead of {expected.shape}"
    known = np.isfinite(expected)
    if not known.any() or not np.any(expected[known]):
        return text
    if got.shape == expected.shape[::-1] and _same(got.T, expected):
        return f"{text}: it is transposed"
    if got.size == expected.size and _same(got.reshape(expected.shape), expected):
        return f"{text}: the numbers are right"
    if got.ndim == 0:
        return f"{text}: a single number for all of {name}"
    for other, numbers_of_other in others:
        if got.shape == numbers_of_other.shape and _same(got, numbers_of_other):
            return f"{text}: this is the gradient of {other}"
    return text


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


def _unused(got, expected, factor):
    """Say that the upstream gradient, a single number, was left out; None if it was not."""
    if factor is None or abs(factor - 1) <= SAME or not _same(got, factor * expected):
        return None
    return "the upstream gradient is not used"


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
    large = size >= 1
    times = size if large else 1 / size
    named = " or ".join(name for value, name in factors if abs(value - times) <= SAME * times)
    if names_only and not named:
        return None
    about = "" if abs(float(rounded(times)) - times) <= SAME * times else "about "
    text = f"{about}{rounded(times)} times too {'large' if large else 'small'}"
    text += f" ({rounded(times)} is {named})" if named else ""
    return f"{sign}, and {text}" if sign else text


def _rearranged(got, expected, axes):
    """Say that the right numbers are in the wrong places; None if they are not."""
    at_least = min(expected.size, 4)
    for text, moved in _rearrangements(expected, axes):
        if moved.shape == got.shape and _same(got, moved, at_least):
            return text
    for text, moved, window in _shifts(expected, axes):
        # A shift leaves a strip unknown; most of the array has to agree all the same.
        if moved.size * 2 >= got.size and _same(got[window], moved, at_least):
            return text
    if (
        np.isfinite(expected).all()
        and expected.size > 3
        and _same(np.sort(got, None), np.sort(expected, None))
    ):
        return "the right numbers in the wrong places"
    return None


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
    where = _where(wrong, known, axes)
    how = _proportion(got[wrong], expected[wrong], factors)
    if how is None:
        return f"wrong {where}"
    return f"missing {where} (zero there)" if how == "zero" else f"wrong {where} ({how} there)"


def _where(wrong, known, axes):
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
    return _border_text(wrong, known, axes) or f"in {number} of {total} entries"


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


def _border_text(wrong, known, axes):
    """Return ``on the border only`` or ``in the interior only``; None if neither holds."""
    if not axes.picture or min(known.shape[axis] for axis in axes.picture) < 3:
        return None
    inner = [slice(None)] * known.ndim
    for axis in axes.picture:
        inner[axis] = slice(1, -1)
    interior = np.zeros(known.shape, bool)
    interior[tuple(inner)] = True
    if (known & interior).any() and not (wrong & interior).any():
        return "on the border only"
    if (known & ~interior).any() and not (wrong & ~interior).any():
        return "in the interior only"
    return None
