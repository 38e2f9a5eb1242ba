"""Lesson 09: pooling, forward and backward."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._forms import as_suspects, selected_outputs
from backprop_helpers.checking.exercises._inputs import (
    between,
    catalogued,
    drawn,
    images,
    integers,
    mistakes,
    normal,
    pair,
    suspect,
)
from backprop_helpers.checking.exercises._pool_forms import average_forms, pool_forms
from backprop_helpers.checking.solutions.lesson_09 import (
    average_pool_backward,
    max_pool_backward,
    pool_forward,
)

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
    return pool_forward(np.zeros(x), size=size, stride=stride, mode="max").shape


def _negative(rng):
    """Return an image of pixels below −1, and one of pixels below −1e30."""
    return (-1 - np.abs(normal(rng, 2, 3, 4, 2))) * np.array([1.0, 1e30])[:, None, None, None]


def _forward_cases(rng):
    cases = []
    for x, size, stride in _settings(rng):
        for mode in ("max", "average"):
            options = {"size": size, "stride": stride, "mode": mode}
            cases.append(drawn(rng, f"{_name(x, size, stride)}, {mode}", x, **options))
    negative = {"size": 2, "stride": (1, 2), "mode": "max"}
    cases.append(Case("negative pixels, max", (_negative(rng),), negative))
    whole = drawn(rng, "whole numbers, max", (1, 4, 6, 1), numbers=integers, size=2, stride=2, mode="max")
    return [*cases, whole]


def _backward_cases(rng):
    cases = [
        drawn(rng, _name(x, size, stride), _out(x, size, stride), x, size=size, stride=stride)
        for x, size, stride in _settings(rng)
    ]
    whole = (1, 2, 3, 2), (1, 4, 6, 2)
    return [*cases, drawn(rng, "whole numbers", *whole, numbers=integers, size=2, stride=2)]


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


def _in_mode(mode):
    return lambda wrong: lambda dz, x, **options: wrong(dz, x, **options, mode=mode)


def _divided_by(number):
    def wrong(dz, x, *, size, stride):
        F_h, F_w = pair(size)
        dx = average_pool_backward(dz, x, size=size, stride=stride)
        return dx * F_h * F_w / number(F_h, F_w, *pair(stride))

    return wrong


# About the first of these the forms say more; the last two are about the average.
NOT_OF_MAX = {
    "pool.one_winner_for_all_channels",
    "pool.one_channel_only",
    "pool.last_window_only",
    "pool.first_example_only",
    "pool.last_example_only",
    "pool.average_not_divided",
    "pool.shared_in_proportion",
}


def _forward_with(**changed):
    """Return pool_forward with other options: a value, or what makes one of (size, stride)."""

    def wrong(x, *, size, stride, mode):
        options = {"size": size, "stride": stride, "mode": mode}
        made = {key: new(size, stride) if callable(new) else new for key, new in changed.items()}
        return pool_forward(x, **(options | made))

    return wrong


def _of_the_largest_channel(x, **options):
    return np.repeat(pool_forward(x.max(axis=3, keepdims=True), **options), x.shape[3], axis=3)


def _times_the_pixels(x, *, size, mode, **options):
    z = pool_forward(x, size=size, mode=mode, **options)
    return z * np.prod(pair(size)) if mode == "average" else z


def _not_below(start, x, *, mode, **options):
    """Return pool_forward with a running maximum that starts at a number."""
    z = pool_forward(x, mode=mode, **options)
    return np.maximum(z, start) if mode == "max" else z


AVERAGE_MISTAKES = """
average_pool.fixed_number = _divided_by(lambda *sizes: number)(dz, x, **options)
divided by {number} whatever the size of the window; it has F_h·F_w pixels
? windows of 3 × 2: how many pixels share the gradient of one output?
fit: np.prod(pair(options["size"])) / share_of(got[0], right[0])
average_pool.divided_by_one_side = _divided_by(lambda F_h, F_w, s_h, s_w: F_h)(dz, x, **options)
divided by the rows of a window; it has F_h·F_w pixels
? how many pixels share the gradient of one output?
average_pool.divided_by_one_side = _divided_by(lambda F_h, F_w, s_h, s_w: F_h * F_h)(dz, x, **options)
divided by the square of a window's rows; it has F_h·F_w pixels
? windows of 3 × 2: how many pixels share the gradient of one output?
average_pool.divided_by_the_stride = _divided_by(lambda F_h, F_w, s_h, s_w: s_h * s_w)(dz, x, **options)
divided by the steps of the stride; the average runs over the pixels of a window
? size 3, stride 1: how many pixels share the gradient of one output?
average_pool.to_the_maximum = max_pool_backward(dz, x, **options)
the gradient goes to the largest pixel alone, as for max pooling
? nudge any pixel of a window: does the average move?
"""

MAX_MISTAKES = """
max_pool.multiplied_by_pixels = max_pool_backward(dz, x, **options) * x
the gradient is multiplied by the pixels; the slope of a maximum is 1 at the pixel that won
? double the image: does a nudge of one pixel move the maximum more?
max_pool.upstream_forgotten = max_pool_backward(np.ones_like(dz), x, **options)
this is the mask of the maxima alone: the gradient that arrives is not used
? what should dx be if dz is zero everywhere?
max_pool.average = average_pool_backward(dz, x, **options)
the gradient is shared out among all pixels of the window, as for average pooling
? nudge a pixel that is not the largest of its window: does the maximum move?
"""

FORWARD_MISTAKES = """
pool.running_maximum_from_zero = _not_below(number, x, **options)
the running maximum starts at {number}: no window comes out smaller
fit: got[0][got[0] > right[0]].max(initial=-np.inf)
pool.rows_for_both = _forward_with(size=lambda f, s: pair(f)[0], stride=lambda f, s: pair(s)[0])(x, **options)
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
    Exercise.of(
        "09.1 the maximum, or the average, of each window -> z (M, H_out, W_out, C)",
        pool_forward,
        _forward_cases,
        (
            *catalogued("pool_forward", without=["pool.running_maximum_from_zero"]),
            *mistakes(FORWARD_MISTAKES, "x, **options", globals()),
            *selected_outputs("pool_forward", pool_forward, channels="channel"),
        ),
        delegates=("pool_forward",),
    ),
    Exercise.of(
        "09.2 the gradient of the input of max pooling -> dx (M, H_in, W_in, C)",
        max_pool_backward,
        _max_cases,
        (
            *as_suspects(pool_forms(max_pool_backward)),
            *catalogued("pool_backward", _in_mode("max"), NOT_OF_MAX),
            *mistakes(MAX_MISTAKES, "dz, x, **options", globals()),
        ),
    ),
    Exercise.of(
        "09.3 the gradient of the input of average pooling -> dx (M, H_in, W_in, C)",
        average_pool_backward,
        _backward_cases,
        (
            *as_suspects(average_forms(average_pool_backward)),
            *(
                suspect(f"pool.{name}", _in_mode("average"))
                for name in (
                    "average_not_divided",
                    "stride_ignored",
                    "remainder_forgotten",
                    "height_for_width",
                    "height_and_width_exchanged",
                    "rows_for_both",
                )
            ),
            *mistakes(AVERAGE_MISTAKES, "dz, x, **options", globals()),
        ),
    ),
)
