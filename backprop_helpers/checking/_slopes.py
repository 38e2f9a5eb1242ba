"""How far a measured slope is to be trusted, and how a kink is told from a curve.

A slope of J = Σ upstream · f(x) comes with what is needed to judge a difference from it: how much could have
cancelled, how large the rounding noise is. `loss` is a `Loss` of ``gradient_check``.
"""

import itertools
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._text import rounded


class Method(NamedTuple):
    """A way to measure a slope."""

    label: str
    step: float  # the nudge of an entry of size 1 or less
    tolerance: float  # the relative error that a right gradient stays well below
    finest: float  # the smallest threshold that a report prints: below it the error is rounding noise


METHODS = {
    # Truncation h²·f‴/6 and rounding ε·f/h are both about 1e-11 near h = 1e-5; a mistake is at least 1e-3.
    "central": Method("central differences", 1e-5, 1e-7, 1e-8),
    # Truncation h·f″/2 and rounding ε·f/h meet at h = √ε, where half of the 16 digits are left.
    "forward": Method("forward differences", 1.5e-8, 1e-5, 1e-6),
    # No difference is taken, so nothing cancels: the step may be tiny, and all digits but a few are right.
    "complex": Method("complex step", 1e-20, 1e-12, 1e-12),
}

EPSILON = np.finfo(np.float64).eps
NARROW = 1e-7  # the second look's nudge
STRAIGHT = 1e-4  # of the scale: a bend that leaves a slope right to far below the tolerance
MOST_ENTRIES = 500  # of one input, when `sample` is not given
NOISE_MARGIN = 500  # rounding noise stays this far below the tolerance
BLUNT = 1e-3  # of the scale: above any rounding of the narrow nudge, below any share worth a word


class Slope(NamedTuple):
    """One slope, and how far to trust it."""

    numeric: float
    jump: float  # how far the slopes on the two sides differ, output by output, in absolute value
    scale: float  # what of the slope could cancel, summed without signs
    noise: float  # the rounding error to expect
    moved: float  # how far the outputs moved, summed without signs

    @classmethod
    def of(cls, loss, change, jump=0.0, outs=None, step=1.0):
        """Return the slope that is the sum of `change`, one number for each output; measured with `outs`."""
        # A slope far below the upstream gradient may be a difference of large ones (a saturated softmax):
        # then backward's own rounding, too, is that of the large ones.
        moved = float(np.abs(change).sum())
        scale, noise = moved + 1e-3 * loss.unit, 0.1 * EPSILON * loss.unit
        if outs is not None:
            left, right = outs
            size = loss.weight * np.maximum(np.abs(left), np.abs(right))
            noise += EPSILON * size[(left != right) | (right != loss.out)].sum() / step
        return cls(float(change.sum()), float(jump), float(scale), float(noise), moved)

    def floor(self, tolerance, small=0.0):
        """Return the size below which a gradient is as good as 0, beside noise, what cancelled or `small`."""
        return max(0.1 * max(self.scale, small), NOISE_MARGIN * self.noise / tolerance)

    @property
    def is_suspicious(self):
        """Whether the one-sided slopes disagree enough to look closer."""
        return self.bends_by(1e-3)

    def bends_by(self, share):
        """Whether the one-sided slopes disagree by more than a share of what could cancel, and noise."""
        return not self.jump <= share * self.scale + 50 * self.noise  # NaN does


def scaled_step(step, entries):
    """Return the nudge for entries of that size: large numbers have coarse neighbours."""
    return step * max(1.0, float(np.abs(entries).max(initial=0.0)))


def _is_kink(wide, narrow):
    """Whether the one-sided slopes still disagree after a much smaller nudge; a curve's then agree."""
    return narrow.jump > 0.05 * wide.jump + 50 * narrow.noise


def second_look(loss, index, method, slope, differs):
    """Return the slope along one entry, looked at again where that is needed; None on a kink.

    A second look, with a hundred times smaller nudge, is taken where the two sides disagree or the analytic
    gradient does (`differs`). It tells a kink, where there is no slope, from a curve or a kink near by, where
    there is one; and it shows the rounding noise, which grows as the nudge shrinks.
    """
    wide = surest = slope if method == "central" else loss.slope(index)
    if wide.is_suspicious or differs:
        surest = loss.slope(index, step=scaled_step(NARROW, loss.x[index]))
        if surest.bends_by(STRAIGHT) or abs(wide.numeric - surest.numeric) > STRAIGHT * surest.scale:
            surest = _closer(loss, index, surest)
        if _is_kink(wide, surest):
            return None
    if method == "complex":
        refuse_if_not_analytic(slope.numeric, surest)
        return slope
    if wide.is_suspicious:
        return surest if method == "central" else slope
    # Both are zero for a straight line computed exactly: what is left is the error of this way of measuring.
    doubt = max(surest.jump, abs(wide.numeric - surest.numeric)) if differs else 0.0
    return slope._replace(noise=max(slope.noise, doubt * NARROW / METHODS[method].step))


def _closer(loss, index, last):
    """Return the slope of a curve as steep as sin(10⁶·x), by ever smaller nudges; the last one on a kink.

    Of two nudges that follow each other, those that agree best are taken. The noise is their difference, or
    what the rounding of x itself leaves.
    """
    best, least = last, np.inf
    for nudge in (1e-8, 1e-9, 1e-10, 1e-11):
        step = scaled_step(nudge, loss.x[index])
        slope = loss.slope(index, step=step)
        if not slope.jump <= 0.5 * last.jump:  # a curve's two sides come closer, but for the rounding
            break
        if (doubt := abs(slope.numeric - last.numeric)) < least:
            of_x = EPSILON * abs(loss.x[index]) * slope.scale / step / 10
            best, least = slope._replace(noise=max(slope.noise, doubt / 50, of_x)), doubt
        last = slope
    return best


def refuse_if_not_analytic(slope, central):
    """Raise if a complex step and a central difference of the same function differ by more than rounding."""
    if abs(slope - central.numeric) > 1e-2 * central.scale + 2 * central.jump + 50 * central.noise:
        raise ValueError(
            f"the complex step finds a slope of {rounded(slope)}, a central difference one of "
            f"{rounded(central.numeric)}: the function takes complex numbers but is not analytic (abs, conj, "
            'real?). Use method="central"'
        )


def paid_to_ties(loss, gradient, kinks, tolerance):
    """Say what is wrong with the gradients on kinks; empty if nothing is, or nothing can be told."""
    if not kinks or not np.isfinite(gradient).all():
        return ""
    together = _slope_of_ties(loss, tuple(np.transpose(kinks)))
    if together is not None:
        parts = [float(gradient[index]) for index in kinks]
        floor = together.floor(tolerance, 1e-2 * np.abs(parts).sum())
        difference, total = abs(sum(parts) - together.numeric), max(abs(sum(parts)), abs(together.numeric))
        if difference > tolerance * max(total, floor):
            return "entries that tie get more or less than their share: the sum of their gradients is wrong"
    for index, low, high, slack in _sides(loss, kinks, tied=together is not None):
        got = float(gradient[index])
        if not low - slack <= got <= high + slack:
            got, low, high = (rounded(0.0 if abs(value) < slack else value) for value in (got, low, high))
            return (
                f"on a kink the gradient lies between the slopes on its two sides: at {index} got {got}, "
                f"expected {low} to {high}"
            )
    return ""


def _slope_of_ties(loss, kinks):
    """Return the slope along all kink entries moved together, or None if that direction has a kink itself."""
    if len(kinks[0]) < 2:
        return None
    wide, narrow = (
        loss.slope(kinks, step=scaled_step(step, loss.x[kinks])) for step in (METHODS["central"].step, NARROW)
    )
    smooth = np.isfinite(wide.numeric) and not wide.is_suspicious and not _is_kink(wide, narrow)
    return wide if smooth else None


def _sides(loss, kinks, tied):
    """Yield (index, lower slope, upper slope, slack) of the kink entries whose gradient must lie between.

    Each output has its two slopes. What lies between is known if no output bends up for one entry and down
    for another (then several kinks may cancel in it, and any choice at each of them is right), or if the
    entry is the only one that its own output reads, as in ReLU.
    """
    found, up, down = [], np.zeros(loss.out.shape, bool), np.zeros(loss.out.shape, bool)
    for index in kinks:
        step = scaled_step(NARROW, loss.x[index])
        right, left = loss.nudge(index, step)[0], loss.nudge(index, -step)[0]
        moved = (right != 0) | (left != 0)
        slack = (
            BLUNT * (np.abs(right) + np.abs(left)).sum()
            + 1e-7 * np.abs(loss.upstream * loss.out)[moved].sum()
        )
        rises, falls = right - left > slack, left - right > slack
        up, down = up | rises, down | falls
        alone = moved.shape == loss.x.shape and moved[index] and moved.sum() == 1
        low, high = np.minimum(right, left).sum(), np.maximum(right, left).sum()
        found.append((np.flatnonzero(rises | falls), alone, (index, float(low), float(high), float(slack))))
    mixed = (up & down).ravel()
    for bent, alone, sides in found:
        if alone or (tied and not mixed[bent].any()):
            yield sides


def chosen_entries(shape, sample, rng):
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
