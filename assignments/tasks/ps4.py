"""Problem set 4: the general case and pooling."""

from functools import partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own
from backprop_helpers.checking.misconceptions import misconceptions

from ._task import several, slopes, task


def _block_diagonal(w):
    """Return the kernel (F_h, F_w, C, C) of a convolution that keeps the channels apart."""
    return w[..., None] * np.eye(w.shape[-1])


def _depthwise(x, w, *, stride, dilation):
    z, _ = layers.conv_forward(
        x, _block_diagonal(w), np.zeros(w.shape[-1]), stride=stride, padding="valid", dilation=dilation
    )
    return z


def _depthwise_slopes(dz, x, w, *, stride, dilation):
    return slopes(partial(_depthwise, stride=stride, dilation=dilation), (x, w), dz)


def _wrong_depthwise(name):
    wrong = misconceptions[name].wrong

    def backward(dz, x, w, *, stride, dilation):
        options = {"stride": stride, "padding": "valid", "dilation": dilation}
        dx, dw, _ = wrong(dz, x, _block_diagonal(w), **options)
        return dx, np.einsum("uvcc->uvc", dw)

    return backward


def _channels_mixed(dz, x, w, *, stride, dilation):
    full = w[..., None] * np.ones(w.shape[-1])
    dx = slopes(
        lambda x: layers.conv_forward(
            x, full, np.zeros(w.shape[-1]), stride=stride, padding="valid", dilation=dilation
        )[0],
        (x,),
        dz,
    )[0]
    return dx, _depthwise_slopes(dz, x, w, stride=stride, dilation=dilation)[1]


def _dw_by_m(right):
    return lambda dz, x, w, **o: tuple(part / n for part, n in zip(right(dz, x, w, **o), (1, len(x))))


def _depthwise_case(rng, M, H, W, C, kernel, stride, dilation):
    x, w = rng.normal(size=(M, H, W, C)), rng.normal(size=(*kernel, C))
    dz = rng.normal(size=_depthwise(x, w, stride=stride, dilation=dilation).shape)
    name = f"x {x.shape}, w {w.shape}, stride {stride}, dilation {dilation}"
    return Case(name, (dz, x, w), {"stride": stride, "dilation": dilation})


DEPTHWISE = task(
    "ps4.1",
    "depthwise_backward",
    "dz, x, w, *, stride, dilation",
    "the gradients of a convolution with a kernel for each channel",
    [Part("dx", ("M", "H", "W", "C")), Part("dw", ("F_h", "F_w", "C"))],
    several(
        _depthwise_case,
        (2, 4, 5, 2, (2, 3), 1, 1),
        (2, 5, 6, 3, (2, 2), 2, 1),
        (2, 5, range(5, 8), 1, (2, 2), 1, 2),
        (2, 6, 7, 2, (2, 2), 2, 2),
        (2, 3, 3, 2, (1, 1), 2, 1),
    ),
    _depthwise_slopes,
    [
        *(
            (name, _wrong_depthwise(name))
            for name in (
                "conv.stride_ignored",
                "conv.dilation_ignored",
                "conv.overlap_overwritten",
                "conv.last_window_only",
                "conv.remainder_forgotten",
                "conv.height_for_width",
            )
        ),
        ("conv.divided_by_m_again", _dw_by_m(_depthwise_slopes)),
        (
            "conv.dw_rotated",
            lambda dz, x, w, **options: tuple(
                part[turn]
                for part, turn in zip(_depthwise_slopes(dz, x, w, **options), (np.s_[:], np.s_[::-1, ::-1]))
            ),
        ),
        (
            "conv.no_rotation",
            lambda dz, x, w, **options: (
                _depthwise_slopes(dz, x, w[::-1, ::-1], **options)[0],
                _depthwise_slopes(dz, x, w, **options)[1],
            ),
        ),
        own(
            "ps4.channels_mixed: dx sums over the channels: here channel c of the output is made of "
            "channel c of the input alone | nudge a pixel of channel 0: which channels of the output "
            "move?",
            _channels_mixed,
        ),
    ],
    delegates=("conv_forward",),
    linear="dz",
    larger=lambda rng: _depthwise_case(rng, 3, 9, 8, 4, (3, 2), 2, 1),
    revisit="08, Stamps, offset by offset",
)


def _l2_pool(x, *, size, stride):
    """Return the root of the sum of the squares, which is their average times their number."""
    mean, _ = layers.pool_forward(x * x, size=size, stride=stride, mode="average")
    return np.sqrt(mean * size * size)


def _l2_slope(dz, x, *, size, stride):
    return slopes(partial(_l2_pool, size=size, stride=stride), (x,), dz)[0]


def _average_slope(dz, x, *, size, stride):
    """Return what an average pool, times the number of pixels, would give back."""

    def forward(x):
        return layers.pool_forward(x, size=size, stride=stride, mode="average")[0] * size * size

    return slopes(forward, (x,), dz)[0]


def _overwritten(dz, x, *, size, stride):
    """Window after window, the last one wins: each window's own slopes, computed alone."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape[1:3]):
        alone = np.zeros(dz.shape)
        alone[:, i, j] = dz[:, i, j]
        window = np.s_[:, i * stride : i * stride + size, j * stride : j * stride + size]
        dx[window] = _l2_slope(alone, x, size=size, stride=stride)[window]
    return dx


def _apart(dz, x, *, size, stride):
    """Windows one size apart, as if the stride were the size."""
    wide = np.zeros(
        (len(x), max(x.shape[1], size * dz.shape[1]), max(x.shape[2], size * dz.shape[2]), x.shape[3])
    )
    wide[:, : x.shape[1], : x.shape[2]] = x
    wide += 1e-300  # a window of zeros has no slope
    windows = wide[:, : size * dz.shape[1], : size * dz.shape[2]]
    dx = np.zeros(wide.shape)
    dx[:, : windows.shape[1], : windows.shape[2]] = _l2_slope(dz, windows, size=size, stride=size)
    return dx[:, : x.shape[1], : x.shape[2]]


def _pool_case(rng, M, H, W, C, size, stride):
    x = rng.uniform(0.3, 2.0, size=(M, H, W, C)) * rng.choice([-1, 1], size=(M, H, W, C))
    dz = rng.normal(size=_l2_pool(x, size=size, stride=stride).shape)
    return Case(f"x {x.shape}, size {size}, stride {stride}", (dz, x), {"size": size, "stride": stride})


_pool_sizes = (2, 4, 6, 2, 2, 2), (2, 5, range(5, 8), 1, 2, 2), (2, 4, 5, 2, 3, 1), (2, 5, 4, 1, 2, 1)
_pool_cases = several(_pool_case, *_pool_sizes, (2, 5, 7, 1, 2, 3))


L2_POOL = task(
    "ps4.2",
    "l2_pool_backward",
    "dz, x, *, size, stride",
    "the gradient of pooling by the root of a sum of squares",
    [Part("dx", ("M", "H", "W", "C"))],
    _pool_cases,
    _l2_slope,
    [
        own(
            "ps4.root_forgotten: the root's own slope is missing: this is the gradient of the sum of the"
            " squares, or half of it | make all pixels ten times as large: what should become of the "
            "slope of a length?",
            lambda dz, x, **o: slopes(lambda x: _l2_pool(x, **o) ** 2, (x,), dz)[0] / 2,
        ),
        own(
            "ps4.root_forgotten_twice: the root's own slope is missing: this is the gradient of the sum "
            "of the squares, or half of it | make all pixels ten times as large: what should become of "
            "the slope of a length?",
            lambda dz, x, **o: slopes(lambda x: _l2_pool(x, **o) ** 2, (x,), dz)[0],
        ),
        own(
            "ps4.factor_two: twice too large: the 2 of the square and the ½ of the root cancel | a "
            "window of one pixel, x = 3: what is z, and what is its slope?",
            lambda dz, x, **o: 2 * _l2_slope(dz, x, **o),
        ),
        own(
            "ps4.half: half as large as it should be: the 2 of the square and the ½ of the root cancel |"
            " a window of one pixel, x = 3: what is z, and what is its slope?",
            lambda dz, x, **o: _l2_slope(dz, x, **o) / 2,
        ),
        own(
            "ps4.pixels_forgotten: every pixel of the window gets the same: a large pixel has a larger "
            "share than a small one | a window of 3 and 4: which of the two moves z more?",
            lambda dz, x, **o: _average_slope(dz / _l2_pool(x, **o), x, **o),
        ),
        own(
            "ps4.all_to_each: every pixel of the window gets the whole dz | a window of 3 and 4: which "
            "of the two moves z more?",
            _average_slope,
        ),
        ("pool.overlap_overwritten", _overwritten),
        ("pool.stride_ignored", _apart),
        (
            "pool.remainder_forgotten",
            lambda dz, x, *, size, stride: _l2_slope(dz, x, size=size, stride=stride)[
                :, : stride * dz.shape[1], : stride * dz.shape[2]
            ],
        ),
    ],
    delegates=("pool_forward",),
    linear="dz",
    larger=lambda rng: _pool_case(rng, 3, 9, 8, 4, 3, 2),
    revisit="09, One element at a time",
)


def _global_average(x):
    z, _ = layers.pool_forward(x, size=x.shape[1:3], mode="average")
    return z[:, 0, 0]


def _global_slope(dz, x):
    return slopes(_global_average, (x,), dz)[0]


def _global_case(rng, *shape):
    return Case(f"x {shape}", (rng.normal(size=(shape[0], shape[3])), rng.normal(size=shape)))


GLOBAL_AVERAGE = task(
    "ps4.3",
    "global_average_backward",
    "dz, x",
    "the gradient of the average of each map",
    [Part("dx", ("M", "H", "W", "C"))],
    several(_global_case, (2, 3, 4, 2), (2, 2, 2, 3), (3, range(3, 6), 2, 1), (4, 1, 3, 4)),
    _global_slope,
    [
        (
            "pool.average_not_divided",
            lambda dz, x: _global_slope(dz, x) * x.shape[1] * x.shape[2],
        ),
        own(
            "ps4.divided_by_height: divided by the height alone; the average runs over rows and columns "
            "| how many pixels has a map?",
            lambda dz, x: _global_slope(dz, x) * x.shape[2],
        ),
        own(
            "ps4.divided_by_square: divided by the height squared: right for square maps only | how many"
            " pixels has a map of 2 × 3?",
            lambda dz, x: _global_slope(dz, x) * x.shape[2] / x.shape[1],
        ),
        own(
            "ps4.divided_by_m_too: divided by M as well; the 1/M of the loss is already in dz | does the"
            " average of one example's map change when another example joins the batch?",
            lambda dz, x: _global_slope(dz, x) / len(x),
        ),
        own(
            "ps4.divided_by_channels_too: divided by the number of channels as well; each map has an "
            "average of its own | over which axes does the average run?",
            lambda dz, x: _global_slope(dz, x) / x.shape[3],
        ),
        own(
            "ps4.times_the_pixels: multiplied by x: the slope of a sum does not depend on its terms | "
            "double the image: does a nudge of one pixel move the average more?",
            lambda dz, x: _global_slope(dz, x) * x,
        ),
    ],
    delegates=("pool_forward",),
    linear="dz",
    larger=lambda rng: _global_case(rng, 5, 7, 6, 3),
    revisit="09, Average pooling",
)


def _upsample(x, factor):
    return np.kron(x, np.ones((1, factor, factor, 1)))


def _upsample_slope(dy, *, factor):
    M, H, W, C = dy.shape
    x = np.zeros((M, H // factor, W // factor, C))
    return slopes(lambda x: _upsample(x, factor), (x,), dy)[0]


def _upsample_case(rng, M, H, W, C, factor):
    dy = rng.normal(size=(M, factor * H, factor * W, C))
    return Case(f"dy {dy.shape}, factor {factor}", (dy,), {"factor": factor})


def _wrong_blocks(dy, *, factor):
    M, H, W, C = dy.shape
    return dy.reshape(M, H // factor, W // factor, factor, factor, C).sum(axis=(3, 4))


UPSAMPLE = task(
    "ps4.4",
    "upsample_backward",
    "dy, *, factor",
    "the gradient of repeating every pixel",
    [Part("dx", ("M", "H", "W", "C"))],
    several(_upsample_case, (2, 2, 3, 2, 2), (2, 3, 2, 1, 3), (2, range(3, 6), 2, 3, 2), (2, 2, 2, 1, 1)),
    _upsample_slope,
    [
        own(
            "ps4.first_copy_only: only the first copy of each pixel counts; a nudge of a pixel moves all"
            " of its copies | factor 2: how many entries of y does one pixel make?",
            lambda dy, *, factor: dy[:, ::factor, ::factor].copy(),
        ),
        own(
            "ps4.copies_averaged: the copies are averaged; a nudge of a pixel moves all of them, so "
            "their gradients add up | factor 2, dy all ones: by how much does J move when one pixel "
            "does?",
            lambda dy, *, factor: _upsample_slope(dy, factor=factor) / factor**2,
        ),
        own(
            "ps4.divided_by_factor: divided by the factor; a nudge of a pixel moves all of its copies in"
            " full | factor 2, dy all ones: by how much does J move when one pixel does?",
            lambda dy, *, factor: _upsample_slope(dy, factor=factor) / factor,
        ),
        ("pool.wrong_reshape", _wrong_blocks),
    ],
    linear="dy",
    larger=lambda rng: _upsample_case(rng, 3, 4, 5, 4, 4),
    revisit="09, Average pooling",
)


def _average_pool_slope(dz, x, *, size, stride):
    return _average_slope(dz, x, size=size, stride=stride) / size**2


def _average_overwritten(dz, x, *, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape[1:3]):
        window = np.s_[:, i * stride : i * stride + size, j * stride : j * stride + size]
        dx[window] = dz[:, i, None, j, None] / size**2
    return dx


AVERAGE_POOL = task(
    "ps4.5",
    "average_pool_gradient",
    "dz, x, *, size, stride",
    "the gradient of average pooling whose windows may overlap",
    [Part("dx", ("M", "H", "W", "C"))],
    _pool_cases,
    _average_pool_slope,
    [
        own(
            "ps4.windows_overwrite: where two windows overlap, the last one wins; what comes back along two "
            "ways is added | which windows read a pixel that lies in two of them?",
            _average_overwritten,
        ),
        ("pool.average_not_divided", _average_slope),
    ],
    delegates=("pool_forward",),
    linear="dz",
    larger=lambda rng: _pool_case(rng, 3, 9, 8, 4, 3, 2),
    revisit="09, Average pooling",
)


def _transposed(x, w, *, stride, padding):
    """Return the sum of all stamps, without its border."""
    (M, H, W, _), (F_h, F_w, _, K) = x.shape, w.shape
    y = np.zeros((M, (H - 1) * stride + F_h, (W - 1) * stride + F_w, K), np.result_type(x, w))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, i, j], w, axes=(1, 2))
        y[:, i * stride : i * stride + F_h, j * stride : j * stride + F_w] += stamps
    return y[:, padding : y.shape[1] - padding, padding : y.shape[2] - padding]


def _transposed_slopes(dy, x, w, **options):
    return slopes(partial(_transposed, **options), (x, w), dy)


def _with_border(dy, padding):
    return np.pad(dy, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def _as_if_stride_1(dy, x, w, *, stride, padding):
    rows, columns = (n + f - 1 for n, f in zip(x.shape[1:3], w.shape))
    return _transposed_slopes(_with_border(dy, padding)[:, :rows, :columns], x, w, stride=1, padding=0)


def _border_behind(dy, x, w, *, stride, padding):
    moved = np.roll(_with_border(dy, padding), (-padding, -padding), axis=(1, 2))
    return _transposed_slopes(moved, x, w, stride=stride, padding=0)


def _transposed_case(rng, M, H, W, C, K, kernel, stride, padding):
    x, w = rng.normal(size=(M, H, W, C)), rng.normal(size=(*kernel, C, K))
    options = {"stride": stride, "padding": padding}
    dy = rng.normal(size=_transposed(x, w, **options).shape)
    return Case(f"x {x.shape}, w {w.shape}, stride {stride}, padding {padding}", (dy, x, w), options)


TRANSPOSED = task(
    "ps4.8",
    "transposed_backward",
    "dy, x, w, *, stride, padding",
    "the gradients of a transposed convolution",
    [Part("dx", ("M", "H", "W", "C")), Part("dw", ("F_h", "F_w", "C", "K"))],
    several(
        _transposed_case,
        (2, 3, 2, 2, 3, (3, 2), 2, 0),
        (2, 2, 3, 2, 1, (2, 3), 1, 1),
        (3, 2, range(3, 5), 1, 2, (3, 3), 2, 1),
        (2, 2, 3, 3, 2, (1, 2), 3, 0),
    ),
    _transposed_slopes,
    [
        own(
            "ps4.stamps_turned: dx reads dy through a kernel that was turned; forward, the stamp lies as it"
            " is | x has one pixel: at which corner of y is what W[0, 0] makes of it?",
            lambda dy, x, w, **o: (
                _transposed_slopes(dy, x, w[::-1, ::-1], **o)[0],
                _transposed_slopes(dy, x, w, **o)[1],
            ),
        ),
        own(
            "ps4.stamps_side_by_side: dy is read as if the stride were 1; the stamps lie a stride apart | "
            "two pixels in a row, stride 2: at which column of y does the second stamp begin?",
            _as_if_stride_1,
        ),
        own(
            "ps4.border_on_one_side: the border that was cut off is put back behind dy and not before it | "
            "padding 1: which row of the sum of stamps is the first of y?",
            _border_behind,
        ),
        ("conv.divided_by_m_again", _dw_by_m(_transposed_slopes)),
    ],
    delegates=("conv_forward",),
    linear="dy",
    larger=lambda rng: _transposed_case(rng, 3, 4, 5, 3, 2, (3, 2), 2, 1),
    revisit="08, The output's seat: stamps",
)

EXERCISES = (
    DEPTHWISE,
    L2_POOL,
    GLOBAL_AVERAGE,
    UPSAMPLE,
    AVERAGE_POOL,
    TRANSPOSED,
)
