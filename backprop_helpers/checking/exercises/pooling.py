"""Lesson 09: pooling, forward and backward."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part, Suspect
from backprop_helpers.checking.exercises._forms import as_suspects, selected_outputs
from backprop_helpers.checking.exercises._inputs import (
    between,
    fitted,
    images,
    integers,
    mistakes,
    normal,
    pair,
    suspect,
    written,
)
from backprop_helpers.checking.exercises._pool_forms import average_forms, pool_forms

IMAGES = ("M", "H_in", "W_in", "C")
OUTPUT = ("M", "H_out", "W_out", "C")
# x, size, stride
SETTINGS = [
    ((1, 4, 4, 1), 2, 2),
    ((2, 4, 6, 3), 2, 2),
    ((2, 5, 7, 2), 2, 2),
    ((2, 6, 5, 2), (3, 2), (3, 2)),
    ((2, 5, 5, 2), 3, 1),
    ((2, 7, 6, 1), (2, 3), (3, 2)),
    ((1, 5, 6, 2), 2, 3),
    ((3, 6, 4, 1), (1, 2), (2, 1)),
]


def _settings(rng):
    size, stride = (tuple(between(rng, 1, 3) for _ in range(2)) for _ in range(2))
    H, W = (f + between(rng, 1, 4) for f in size)
    return [*SETTINGS, ((2, H, W, between(rng, 2, 3)), size, stride)]


def _name(x, size, stride):
    return f"{images(x)}, size {size}, stride {stride}"


def _out(x, size, stride):
    return layers.pool_forward(np.zeros(x), size=size, stride=stride)[0].shape


def _negative(rng):
    """Return an image of pixels below −1, and one of pixels below −1e30."""
    return (-1 - np.abs(normal(rng, 2, 3, 4, 2))) * np.array([1.0, 1e30])[:, None, None, None]


def _forward_cases(rng):
    cases = []
    for x, size, stride in _settings(rng):
        for mode in ("max", "average"):
            options = {"size": size, "stride": stride, "mode": mode}
            cases.append(Case(f"{_name(x, size, stride)}, {mode}", (normal(rng, *x),), options))
    negative = {"size": 2, "stride": (1, 2), "mode": "max"}
    cases.append(Case("negative pixels, max", (_negative(rng),), negative))
    cases.append(
        Case("whole numbers, max", (integers(rng, 1, 4, 6, 1),), {"size": 2, "stride": 2, "mode": "max"})
    )
    return cases


def _backward_cases(rng):
    cases = []
    for x, size, stride in _settings(rng):
        arrays = normal(rng, *_out(x, size, stride)), normal(rng, *x)
        cases.append(Case(_name(x, size, stride), arrays, {"size": size, "stride": stride}))
    arrays = integers(rng, 1, 2, 3, 2), integers(rng, 1, 4, 6, 2)
    cases.append(Case("whole numbers", arrays, {"size": 2, "stride": 2}))
    return cases


def _max_cases(rng):
    cases = _backward_cases(rng)
    size_two = {"size": 2, "stride": 2}
    x = np.ones((2, 4, 4, 2))
    cases.append(Case("equal pixels: the first of a window wins", (normal(rng, 2, 2, 2, 2), x), size_two))
    x = rng.integers(0, 2, (2, 4, 6, 1)).astype(float)
    cases.append(Case("ties, pixels 0 and 1", (normal(rng, 2, 2, 3, 1), x), size_two))
    x = np.tile(np.array([[0.0, 1.0], [1.0, 0.0]]), (2, 3))[None, :, :, None]
    cases.append(Case("ties across the diagonal of a window", (normal(rng, 1, 2, 3, 1), x), size_two))
    x = rng.integers(0, 2, (2, 4, 5, 1)).astype(float)
    cases.append(Case("ties in overlapping windows", (normal(rng, 2, 3, 4, 1), x), {"size": 2, "stride": 1}))
    pixels = normal(rng, 2, 2, 2, 2), _negative(rng)
    cases.append(Case("negative pixels", pixels, {"size": 2, "stride": (1, 2)}))
    x = np.arange(16.0).reshape(1, 4, 4, 1) * 1e-6 + 1
    cases.append(
        Case("near ties, one part in a million", (normal(rng, 1, 2, 2, 1), x[:, ::-1, ::-1].copy()), size_two)
    )
    return cases


def _pool_forward(x, **options):
    return layers.pool_forward(x, **options)[0]


def _backward(mode):
    def pool_backward(dz, x, *, size, stride):
        return layers.pool_backward(dz, layers.pool_forward(x, size=size, stride=stride, mode=mode)[1])

    return pool_backward


def _in_mode(mode):
    return lambda wrong: lambda dz, x, **options: wrong(dz, x, **options, mode=mode)


FORMS = pool_forms(_backward("max"))
AVERAGE_FORMS = average_forms(_backward("average"))


def _divided_by(number):
    def average_pool_backward(dz, x, *, size, stride):
        F_h, F_w = pair(size)
        dx = _backward("average")(dz, x, size=size, stride=stride)
        return dx * F_h * F_w / number(F_h, F_w, *pair(stride))

    return average_pool_backward


def _number_of_pixels(case, got, right):
    """Return by what the sum over the windows' gradients was divided, if it is the same number everywhere."""
    if got[0] is None or got[0].shape != right[0].shape or not got[0].any():
        return None
    whole = right[0] * np.prod(pair(case.options["size"]))
    return np.vdot(whole, whole) / np.vdot(whole, got[0])


# What is not among the forms: what raises an error, and results of another shape.
OF_MAX = (
    "pool.isclose_mask",
    "pool.every_tie",
    "pool.returns_in_the_loop",
    "pool.stride_ignored",
    "pool.rows_and_columns_swapped",
    "pool.remainder_forgotten",
    "pool.height_and_width_exchanged",
    "pool.height_for_width",
    "pool.rows_for_both",
)


def _forward_with(**changed):
    """Return pool_forward with other options: a value, or what makes one of (size, stride)."""

    def wrong(x, *, size, stride, mode):
        options = {"size": size, "stride": stride, "mode": mode}
        made = {key: new(size, stride) if callable(new) else new for key, new in changed.items()}
        return _pool_forward(x, **(options | made))

    return wrong


def _of_the_largest_channel(x, **options):
    return np.repeat(_pool_forward(x.max(axis=3, keepdims=True), **options), x.shape[3], axis=3)


def _times_the_pixels(x, *, size, mode, **options):
    z = _pool_forward(x, size=size, mode=mode, **options)
    return z * np.prod(pair(size)) if mode == "average" else z


def _from(start):
    """Return pool_forward with a running maximum that starts at a number."""

    def wrong(x, *, mode, **options):
        z = _pool_forward(x, mode=mode, **options)
        return np.maximum(z, start) if mode == "max" else z

    return wrong


def _start_of(case, got, right):
    """Return the largest number in the place of a smaller maximum."""
    if got[0] is None or got[0].shape != right[0].shape:
        return None
    return got[0][got[0] > right[0]].max(initial=-np.inf)


AVERAGE_MISTAKES = """
average_pool.divided_by_one_side = _divided_by(lambda F_h, F_w, s_h, s_w: F_h)(dz, x, **options)
divided by the rows of a window; it has F_h·F_w pixels
? how many pixels share the gradient of one output?
average_pool.divided_by_one_side = _divided_by(lambda F_h, F_w, s_h, s_w: F_h * F_h)(dz, x, **options)
divided by the square of a window's rows; it has F_h·F_w pixels
? windows of 3 × 2: how many pixels share the gradient of one output?
average_pool.divided_by_the_stride = _divided_by(lambda F_h, F_w, s_h, s_w: s_h * s_w)(dz, x, **options)
divided by the steps of the stride; the average runs over the pixels of a window
? size 3, stride 1: how many pixels share the gradient of one output?
average_pool.to_the_maximum = _backward("max")(dz, x, **options)
the gradient goes to the largest pixel alone, as for max pooling
? nudge any pixel of a window: does the average move?
"""

MAX_MISTAKES = """
max_pool.multiplied_by_pixels = _backward("max")(dz, x, **options) * x
the gradient is multiplied by the pixels; the slope of a maximum is 1 at the pixel that won
? double the image: does a nudge of one pixel move the maximum more?
max_pool.upstream_forgotten = _backward("max")(np.ones_like(dz), x, **options)
this is the mask of the maxima alone: the gradient that arrives is not used
? what should dx be if dz is zero everywhere?
max_pool.average = _backward("average")(dz, x, **options)
the gradient is shared out among all pixels of the window, as for average pooling
? nudge a pixel that is not the largest of its window: does the maximum move?
"""

FORWARD_MISTAKES = """
pool_forward.one_maximum_for_all_channels = _of_the_largest_channel(x, **options)
the maximum runs over the channels too; each channel has a maximum of its own
? two channels, one of them a hundred times larger: what comes out of the other?
pool_forward.stride_is_size = _forward_with(stride=lambda f, s: f)(x, **options)
the windows are one size apart, not one stride: right only where the two are equal
? size 2, stride 1: on which pixel does the second window start?
pool_forward.mode_ignored = _forward_with(mode="max")(x, **options)
it is the maximum in both modes
? mode="average" of the pixels 0 and 2: what comes out?
pool_forward.sum_for_average = _times_the_pixels(x, **options)
the average is not divided by the number of pixels in the window
? what is the average of four ones?
"""

EXERCISES = (
    Exercise(
        number="09.1",
        title="the maximum, or the average, of each window",
        signature="pool_forward(x, *, size, stride, mode)",
        returns=(Part("z", OUTPUT),),
        cases=_forward_cases,
        reference=_pool_forward,
        suspects=(
            suspect("pool.average_over_wrong_axes"),
            suspect("pool.wrong_reshape"),
            suspect("pool.remainder_overrun"),
            suspect("pool.counts_by_stride"),
            fitted(
                "pool.running_maximum_from_zero",
                "the running maximum starts at {number}: no window comes out smaller",
                _from,
                _start_of,
            ),
            written(
                "pool.rows_for_both",
                _forward_with(size=lambda f, s: pair(f)[0], stride=lambda f, s: pair(s)[0]),
            ),
            *mistakes(FORWARD_MISTAKES, "x, **options", globals()),
            *selected_outputs("pool_forward", _pool_forward, channels="channel"),
        ),
        delegates=("pool_forward",),
    ),
    Exercise(
        number="09.2",
        linear="dz",
        title="the gradient of the input of max pooling",
        signature="max_pool_backward(dz, x, *, size, stride)",
        returns=(Part("dx", IMAGES),),
        cases=_max_cases,
        reference=_backward("max"),
        suspects=(
            *as_suspects(FORMS),
            *(suspect(name, _in_mode("max")) for name in OF_MAX),
            *mistakes(MAX_MISTAKES, "dz, x, **options", globals()),
        ),
    ),
    Exercise(
        number="09.3",
        linear="dz",
        title="the gradient of the input of average pooling",
        signature="average_pool_backward(dz, x, *, size, stride)",
        returns=(Part("dx", IMAGES),),
        cases=_backward_cases,
        reference=_backward("average"),
        suspects=(
            *as_suspects(AVERAGE_FORMS),
            *(
                suspect(name, _in_mode("average"))
                for name in (
                    "pool.average_not_divided",
                    "pool.stride_ignored",
                    "pool.remainder_forgotten",
                    "pool.height_for_width",
                    "pool.height_and_width_exchanged",
                    "pool.rows_for_both",
                )
            ),
            *mistakes(AVERAGE_MISTAKES, "dz, x, **options", globals()),
            Suspect(
                "average_pool.fixed_number",
                lambda number: _divided_by(lambda *sizes: number),
                diagnosis="divided by {number} whatever the size of the window; it has F_h·F_w pixels",
                hint="windows of 3 × 2: how many pixels share the gradient of one output?",
                fit=_number_of_pixels,
            ),
        ),
    ),
)
