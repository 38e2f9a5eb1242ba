"""Measuring slopes by nudging, and telling a kink from a curve.

Everything is about the scalar J = Σ upstream · f(x) for one function f of one array. A slope comes with what
is needed to judge a difference from it: how much could have cancelled, how large the rounding noise is.
"""

import itertools
from typing import NamedTuple

import numpy as np

EPSILON = np.finfo(np.float64).eps


class Method(NamedTuple):
    """A way to measure a slope.

    Attributes
    ----------
    label : str
        Its name in words.
    step : float
        The default nudge, for an entry of size 1 or less.
    tolerance : float
        The relative error a right gradient stays well below.
    finest : float
        The smallest threshold a report prints: below it the error is rounding noise.
    """

    label: str
    step: float
    tolerance: float
    finest: float


METHODS = {
    # Truncation h²·f‴/6 and rounding ε·f/h are both about 1e-11 near h = 1e-5; a mistake is at least 1e-3.
    "central": Method("central differences", 1e-5, 1e-7, 1e-8),
    # Truncation h·f″/2 and rounding ε·f/h meet at h = √ε, where half of the 16 digits are left.
    "forward": Method("forward differences", 1.5e-8, 1e-5, 1e-6),
    # No difference is taken, so nothing cancels: the step may be tiny, and all digits but a few are right.
    "complex": Method("complex step", 1e-20, 1e-12, 1e-12),
}

WIDE, NARROW = 1e-5, 1e-7  # the two nudges whose one-sided slopes tell a kink from a curve
MOST_ENTRIES = 500  # of one input, when `sample` is not given
NOISE_MARGIN = 500  # rounding noise stays this far below the tolerance


class Slope(NamedTuple):
    """One slope, and how far to trust it: `scale` is the size below which a difference means nothing."""

    numeric: float
    jump: float  # how far the slopes on the two sides differ, output by output, in absolute value
    scale: float  # what of the slope could cancel, summed without signs
    noise: float  # the rounding error to expect


def scaled_step(step, *entries):
    """Return the nudge for entries of that size: large numbers have coarse neighbours."""
    return step * max(1.0, *(float(abs(entry)) for entry in entries))


def _moved(x, where, step):
    """Return a copy of x with the entries at `where` (an index or a mask) moved by `step`."""
    moved = x.astype(np.result_type(x, step), order="K", copy=True)
    moved[where] += step
    return moved


def _distance(x, moved, where, step):
    """Return how far the entries really moved: x + h is rounded, and h with it."""
    if np.ndim(moved[where]):
        return step
    return abs(float(moved[where] - x[where])) or step


def measured_slope(method, function, x, where, step, out, upstream):
    """Measure the slope of Σ upstream · f along one entry of x, or along several moved together."""
    # A slope far below the upstream gradient may be a difference of large ones inside (a saturated softmax).
    unit = 1e-3 * float(np.abs(upstream).max())
    with np.errstate(invalid="ignore", over="ignore"):
        if method == "complex":
            slopes = function(_moved(x, where, 1j * step)).imag / step
            total = float((upstream * slopes).sum())
            return Slope(total, 0.0, float(np.abs(upstream * slopes).sum()) + unit, 0.0)
        right = _moved(x, where, step)
        out_right, h_right = function(right), _distance(x, right, where, step)
        if method == "forward":
            out_left, h_left = out, 0.0
        else:
            left = _moved(x, where, -step)
            out_left, h_left = function(left), _distance(x, left, where, step)
        change = upstream * (out_right - out_left) / (h_right + h_left)
        bend = 0.0
        if h_left:
            bend = np.abs(upstream * ((out_right - out) / h_right - (out - out_left) / h_left)).sum()
        touched = (out_right != out_left) | (out_right != out)
        size = (np.abs(upstream) * np.maximum(np.abs(out_right), np.abs(out_left)))[touched].sum()
        scale, noise = float(np.abs(change).sum()) + unit, EPSILON * float(size) / step
        return Slope(float(change.sum()), float(bend), scale, noise)


def _is_kink(wide, narrow):
    """Whether the one-sided slopes still disagree after a much smaller nudge; a curve's then agree."""
    return narrow.jump > 0.05 * wide.jump + 50 * narrow.noise


def _is_suspicious(slope):
    """Whether the one-sided slopes disagree enough to look closer."""
    return not slope.jump <= 1e-3 * slope.scale + 50 * slope.noise  # NaN is suspicious


def relative_error(analytic, slope, tolerance):
    """Return the relative error of one entry; 0/0 is 0.

    A difference is first measured against all that could have cancelled and against the rounding noise: if it
    is lost in them, it says nothing. One that is not is the plain relative error.
    """
    difference, plain = abs(analytic - slope.numeric), max(abs(analytic), abs(slope.numeric))
    floor = max(plain, 0.1 * slope.scale, NOISE_MARGIN * slope.noise / tolerance)
    if difference == 0:
        return 0.0
    return difference / (floor if difference <= tolerance * floor else plain)


class Measured(NamedTuple):
    """All slopes measured for one input.

    Attributes
    ----------
    numeric : ndarray
        NaN where nothing was measured, and on kinks.
    error : ndarray
        The relative errors, NaN likewise; all NaN if the analytic gradient cannot be compared.
    kinks : ndarray of bool
    unmeasured : int
        How many slopes came out as NaN or infinity.
    together : Slope or None
        The slope of all kink entries moved together, if that is smooth.
    """

    numeric: np.ndarray
    error: np.ndarray
    kinks: np.ndarray
    unmeasured: int
    together: Slope | None


def measure_input(function, x, out, upstream, gradient, method, tolerance, sample, rng):
    """Measure the slopes along the chosen entries of one input, and compare them where that is possible."""
    comparable = isinstance(gradient, np.ndarray) and gradient.shape == x.shape
    numeric, error = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    kinks = np.zeros(x.shape, bool)
    slopes, unmeasured = {}, 0
    for index in _chosen_entries(x.shape, sample, rng):
        analytic = float(gradient[index]) if comparable else None
        slope = _look_at(function, x, index, out, upstream, analytic, method, tolerance)
        if slope is None:
            kinks[index] = True
        elif not np.isfinite(slope.numeric):
            unmeasured += 1
        else:
            slopes[index] = slope
            numeric[index] = slope.numeric
    if comparable and slopes:
        # An entry a thousand times smaller than the largest is as good as zero to whatever uses the gradient.
        small = 1e-2 * np.nanmax(np.abs(numeric))
        for index, slope in slopes.items():
            scaled = slope._replace(scale=max(slope.scale, small))
            error[index] = relative_error(float(gradient[index]), scaled, tolerance)
    together = _slope_of_ties(function, x, kinks, out, upstream) if comparable else None
    return Measured(numeric, error, kinks, unmeasured, together)


def _look_at(function, x, index, out, upstream, analytic, method, tolerance):
    """Return the slope along one entry; None on a kink.

    A second look, with a hundred times smaller nudge, is taken where the two sides disagree or the analytic
    gradient does. It tells a kink, where there is no slope, from a curve or a kink near by, where there is
    one; and it shows the rounding noise, which grows as the nudge shrinks.
    """
    wide = measured_slope("central", function, x, index, scaled_step(WIDE, x[index]), out, upstream)
    step, slope = WIDE, wide
    if method != "central":
        step = METHODS[method].step
        slope = measured_slope(method, function, x, index, scaled_step(step, x[index]), out, upstream)
    suspicious = _is_suspicious(wide)
    mismatch = analytic is not None and not relative_error(analytic, slope, tolerance) <= tolerance
    if not suspicious and not mismatch:
        return slope
    narrow = measured_slope("central", function, x, index, scaled_step(NARROW, x[index]), out, upstream)
    if _is_kink(wide, narrow):
        return None
    if method == "complex":
        return slope
    if suspicious:
        return narrow if method == "central" else slope
    # Both are zero for a straight line computed exactly: what is left is the error of this way of measuring.
    doubt = max(narrow.jump, abs(wide.numeric - narrow.numeric))
    return slope._replace(noise=max(slope.noise, doubt * NARROW / step))


def _slope_of_ties(function, x, kinks, out, upstream):
    """Return the slope along all kink entries moved together, or None if that direction has a kink itself."""
    if np.count_nonzero(kinks) < 2:
        return None
    largest = np.abs(x[kinks]).max()
    wide, narrow = (
        measured_slope("central", function, x, kinks, scaled_step(step, largest), out, upstream)
        for step in (WIDE, NARROW)
    )
    if not np.isfinite(wide.numeric) or _is_suspicious(wide) or _is_kink(wide, narrow):
        return None
    return wide


def _chosen_entries(shape, sample, rng):
    """Return the indices to nudge: all of them, or the corners and a random choice, in row-major order."""
    size = int(np.prod(shape))
    if size <= sample:
        return list(np.ndindex(shape))
    corners = [
        np.ravel_multi_index(corner, shape) for corner in itertools.product(*({0, n - 1} for n in shape))
    ]
    chosen = {int(corner) for corner in sorted(corners)[: sample // 2]}
    for entry in rng.choice(size, size=sample, replace=False):
        if len(chosen) < sample:
            chosen.add(int(entry))
    return [tuple(int(i) for i in np.unravel_index(entry, shape)) for entry in sorted(chosen)]
