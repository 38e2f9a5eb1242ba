"""Lesson 03: ReLU, and its leaky sister."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._inputs import between, catalogued, integers, mistakes, normal
from backprop_helpers.checking.solutions import lesson_03


def _cases(rng):
    shapes = [(1, 4), (3, 5), (2, 4, 3, 2), (between(rng, 2, 5), between(rng, 2, 5))]
    cases = [Case(f"z of shape {shape}", (normal(rng, *shape), normal(rng, *shape))) for shape in shapes]
    z = integers(rng, 3, 4)
    z[0, 1] = z[2, 3] = 0
    cases.append(Case("whole numbers, with zeros", (integers(rng, 3, 4), z)))
    cases.append(Case("z negative everywhere", (normal(rng, 2, 3), -np.abs(normal(rng, 2, 3)) - 0.1)))
    tiny = normal(rng, 3, 4) * 1e-30
    cases.append(Case("z of 1e-30", (normal(rng, 3, 4), tiny)))
    large = (np.abs(normal(rng, 2, 3)) + 0.1) * 10.0 ** np.arange(6).reshape(2, 3)
    cases.append(Case("z positive everywhere, up to 1e5", (normal(rng, 2, 3), large)))
    return cases


def _settled(da, z, dz, *, slope=0.0):
    """Return dz with the reference's answer on the kink, z = 0, where all between the two slopes is right."""
    if dz.shape != z.shape:
        return [dz]
    off = np.abs(dz - (1 + slope) / 2 * da)  # from the mean of the two
    return [np.where((z == 0) & (off <= (1 - slope) / 2 * np.abs(da) * (1 + 1e-6)), slope * da, dz)]


def _leaky_cases(rng):
    slopes = [0.1, 0.25, 0.01, 0.5, 0.2, 0.1, 0.3, 0.9]
    return [
        Case(f"{case.name}, slope {slope:g}", case.arguments, {"slope": slope})
        for case, slope in zip(_cases(rng), slopes)
    ]


def _slope_used(dz, da, z):
    """Return by what the gradient is multiplied where z is negative; None if it nowhere is, or by nothing."""
    return next(iter((dz / da)[z < 0]), None) or None


RELU_MISTAKES = """
relu.leaky = da * np.where(z > 0, 1.0, number)
{number} of the gradient comes through where z is negative: a leaky ReLU; here nothing does
? nudge an entry of z that is −2: how far does the output move?
fit: _slope_used(got[0], da, z)
"""

LEAKY_MISTAKES = """
leaky_relu.another_slope = da * np.where(z > 0, 1.0, number)
the slope is {number} whatever `slope` says
? call it with slope=0.5: does anything change?
fit: _slope_used(got[0], da, z)
leaky_relu.wrong_side = da * np.where(z > 0, slope, 1.0)
the slope is on the wrong side: it belongs where z is negative
? nudge an entry of z that is +3: how far does the output move?
leaky_relu.plain_relu = da * (z > 0)
nothing comes through where z is negative; there the slope is small, not 0
? nudge an entry of z that is −2: does the output move?
leaky_relu.upstream_lost_below = np.where(z > 0, da, slope)
where z is negative the slope stands alone: the gradient that arrives is not used there
? what should dz be if da is zero everywhere?
leaky_relu.slope_times_z = da * np.where(z > 0, 1.0, slope * z)
where z is negative it is slope·z, the output; its derivative is the slope
? double z where it is negative: does the slope double there?
leaky_relu.output_for_slope = da * np.where(z > 0, z, slope * z)
the gradient is multiplied by the output instead of by its slope
? double z: do the slopes double?
leaky_relu.mask_from_gradient = da * np.where(da > 0, 1.0, slope)
the mask is taken from da, the gradient that arrives, instead of from z
? which of the two arrays decided, on the way forward?
leaky_relu.slope_everywhere = da * slope
the slope is used everywhere; where z is positive it is 1
? nudge an entry of z that is +3: how far does the output move?
"""

EXERCISES = (
    Exercise.of(
        "03.1 the gradient at the input of ReLU -> dz",
        lesson_03.relu_backward,
        _cases,
        (*catalogued("relu_backward"), *mistakes(RELU_MISTAKES, "da, z", globals())),
        settle=_settled,
    ),
    Exercise.of(
        "03.2 the gradient at the input of a leaky ReLU, max(z, slope·z) for a slope below 1 -> dz",
        lesson_03.leaky_relu_backward,
        _leaky_cases,
        mistakes(LEAKY_MISTAKES, "da, z, slope", globals()),
        settle=_settled,
    ),
)
