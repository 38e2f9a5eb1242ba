"""Lesson 09: pooling, forward and backward."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import (
    between,
    images,
    integers,
    normal,
    own,
    pair,
    suspect,
    written,
)

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
]


def _settings(rng):
    size, stride = (tuple(between(rng, 1, 3) for _ in range(2)) for _ in range(2))
    H, W = (f + between(rng, 1, 4) for f in size)
    return [*SETTINGS, ((2, H, W, between(rng, 2, 3)), size, stride)]


def _name(x, size, stride):
    return f"{images(x)}, size {size}, stride {stride}"


def _out(x, size, stride):
    return layers.pool_forward(np.zeros(x), size=size, stride=stride)[0].shape


def _forward_cases(rng):
    cases = []
    for x, size, stride in _settings(rng):
        for mode in ("max", "average"):
            options = {"size": size, "stride": stride, "mode": mode}
            cases.append(Case(f"{_name(x, size, stride)}, {mode}", (normal(rng, *x),), options))
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
    x = rng.integers(0, 2, (2, 4, 5, 1)).astype(float)
    cases.append(Case("ties in overlapping windows", (normal(rng, 2, 3, 4, 1), x), {"size": 2, "stride": 1}))
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


def _every_maximum(is_maximum):
    """Return max pooling's backward with the whole gradient for each pixel that counts as a maximum."""

    def max_pool_backward(dz, x, *, size, stride):
        (F_h, F_w), (s_h, s_w) = pair(size), pair(stride)
        dx = np.zeros(x.shape)
        for _, i, j, _ in np.ndindex(1, *dz.shape[1:3], 1):
            window = np.s_[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
            highest = x[window].max(axis=(1, 2), keepdims=True)
            dx[window] += is_maximum(x[window], highest) * dz[:, i : i + 1, j : j + 1]
        return dx

    return max_pool_backward


def _shared(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = pair(size), pair(stride)
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*dz.shape[1:3]):
        window = np.s_[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
        mask = x[window] == x[window].max(axis=(1, 2), keepdims=True)
        dx[window] += mask / mask.sum(axis=(1, 2), keepdims=True) * dz[:, i : i + 1, j : j + 1]
    return dx


def _last_maximum(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = pair(size), pair(stride)
    dx = np.zeros(x.shape)
    for m, i, j, c in np.ndindex(dz.shape):
        window = x[m, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w, c]
        u, v = np.unravel_index(window.size - 1 - window[::-1, ::-1].argmax(), window.shape)
        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
    return dx


def _average_overwritten(dz, x, *, size, stride):
    (F_h, F_w), (s_h, s_w) = pair(size), pair(stride)
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*dz.shape[1:3]):
        window = np.s_[:, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
        dx[window] = dz[:, i : i + 1, j : j + 1] / (F_h * F_w)
    return dx


def _divided_by(number):
    def average_pool_backward(dz, x, *, size, stride):
        F_h, F_w = pair(size)
        dx = _backward("average")(dz, x, size=size, stride=stride)
        return dx * F_h * F_w / number(F_h, F_w, *pair(stride))

    return average_pool_backward


OF_MAX = (
    "pool.isclose_mask",
    "pool.every_tie",
    "pool.overlap_overwritten",
    "pool.always_the_last",
    "pool.returns_in_the_loop",
    "pool.stride_ignored",
    "pool.one_winner_for_all_channels",
    "pool.rows_and_columns_swapped",
    "pool.remainder_forgotten",
)

EXERCISES = (
    Exercise(
        number="09.1",
        name="pool_forward",
        title="the maximum, or the average, of each window",
        signature="pool_forward(x, *, size, stride, mode)",
        returns=(Part("z", OUTPUT),),
        about=(
            'x (M, H_in, W_in, C); size and stride: an int or (rows, columns); mode: "max" or '
            '"average". Rows and\n'
            "columns that fill no whole window are left out."
        ),
        cases=_forward_cases,
        reference=_pool_forward,
        suspects=(
            suspect("pool.average_over_wrong_axes"),
            suspect("pool.wrong_reshape"),
            suspect("pool.remainder_overrun"),
            own(
                "pool_forward.one_maximum_for_all_channels",
                "the maximum runs over the channels too; each channel has a maximum of its own",
                "two channels, one of them a hundred times larger: what comes out of the other?",
                lambda x, **options: np.broadcast_to(
                    _pool_forward(x.max(axis=3, keepdims=True), **options),
                    (*_pool_forward(x, **options).shape,),
                ),
            ),
            own(
                "pool_forward.stride_is_size",
                "the windows are one size apart, not one stride: right only where the two are equal",
                "size 2, stride 1: on which pixel does the second window start?",
                lambda x, *, size, stride, mode: _pool_forward(x, size=size, stride=size, mode=mode),
            ),
            own(
                "pool_forward.mode_ignored",
                "it is the maximum in both modes",
                'mode="average" of the pixels 0 and 2: what comes out?',
                lambda x, *, size, stride, mode: _pool_forward(x, size=size, stride=stride, mode="max"),
            ),
            own(
                "pool_forward.sum_for_average",
                "the average is not divided by the number of pixels in the window",
                "what is the average of four ones?",
                lambda x, *, size, stride, mode: (
                    _pool_forward(x, size=size, stride=stride, mode=mode)
                    * (np.prod(pair(size)) if mode == "average" else 1)
                ),
            ),
        ),
        delegates=("pool_forward",),
    ),
    Exercise(
        number="09.2",
        name="max_pool_backward",
        title="the gradient of the input of max pooling",
        signature="max_pool_backward(dz, x, *, size, stride)",
        returns=(Part("dx", IMAGES),),
        about=(
            "dz (M, H_out, W_out, C), x (M, H_in, W_in, C); size and stride: an int or (rows, "
            "columns). Of equal\n"
            "maxima the first one, row by row, counts."
        ),
        cases=_max_cases,
        reference=_backward("max"),
        suspects=(
            *(suspect(name, _in_mode("max")) for name in OF_MAX),
            written("pool.every_tie", _every_maximum(lambda x, highest: x == highest)),
            written("pool.isclose_mask", _every_maximum(np.isclose)),
            own(
                "max_pool.shared_among_ties",
                "pixels that tie share the gradient; here, as in argmax, the first of them gets all of it",
                "an image of equal pixels: how many entries of dx are not zero in each window?",
                _shared,
            ),
            own(
                "max_pool.last_of_the_ties",
                "of pixels that tie the last one gets the gradient; here, as in argmax, it is the first",
                "what does np.argmax([1, 1]) return?",
                _last_maximum,
            ),
            own(
                "max_pool.average",
                "the gradient is shared out among all pixels of the window, as for average pooling",
                "nudge a pixel that is not the largest of its window: does the maximum move?",
                _backward("average"),
            ),
        ),
    ),
    Exercise(
        number="09.3",
        name="average_pool_backward",
        title="the gradient of the input of average pooling",
        signature="average_pool_backward(dz, x, *, size, stride)",
        returns=(Part("dx", IMAGES),),
        about=(
            "dz (M, H_out, W_out, C), x (M, H_in, W_in, C), of which only the shape counts; size "
            "and stride: an\n"
            "int or (rows, columns)."
        ),
        cases=_backward_cases,
        reference=_backward("average"),
        suspects=(
            suspect("pool.average_not_divided", _in_mode("average")),
            suspect("pool.stride_ignored", _in_mode("average")),
            suspect("pool.remainder_forgotten", _in_mode("average")),
            suspect("pool.returns_in_the_loop", _in_mode("average")),
            written("pool.overlap_overwritten", _average_overwritten),
            own(
                "average_pool.divided_by_one_side",
                "divided by the rows of a window; it has F_h·F_w pixels",
                "how many pixels share the gradient of one output?",
                _divided_by(lambda F_h, F_w, s_h, s_w: F_h),
            ),
            own(
                "average_pool.divided_by_the_stride",
                "divided by the steps of the stride; the average runs over the pixels of a window",
                "size 3, stride 1: how many pixels share the gradient of one output?",
                _divided_by(lambda F_h, F_w, s_h, s_w: s_h * s_w),
            ),
            own(
                "average_pool.to_the_maximum",
                "the gradient goes to the largest pixel alone, as for max pooling",
                "nudge any pixel of a window: does the average move?",
                _backward("max"),
            ),
        ),
    ),
)
