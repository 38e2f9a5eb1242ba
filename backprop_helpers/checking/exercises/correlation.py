"""Lesson 05: the kernel slid over the image, without padding, one step at a time."""

import itertools

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import (
    between,
    images,
    integers,
    kernel,
    normal,
    own,
    suspect,
)

PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}
SIZES = [
    ((4, 5), (2, 3)),
    ((5, 4), (3, 3)),
    ((3, 3), (2, 2)),
    ((2, 6), (1, 2)),
    ((3, 4), (1, 1)),
    ((3, 2), (3, 2)),
]
# x (M, H, W, C), w (F_h, F_w, C, K)
SHAPES = [
    ((1, 4, 5, 1), (2, 3, 1, 1)),
    ((2, 5, 4, 3), (3, 2, 3, 2)),
    ((3, 4, 4, 2), (2, 2, 2, 2)),
    ((2, 3, 5, 2), (1, 1, 2, 3)),
]


def shapes(rng):
    """Return (x's shape, w's shape) for each case, the last one random."""
    w = tuple(between(rng, 1, 3) for _ in range(4))
    x = (between(rng, 2, 3), w[0] + between(rng, 0, 3), w[1] + between(rng, 1, 3), w[2])
    return [*SHAPES, (x, w)]


def name_of(x, w):
    """Return the case's name: the images and the kernel."""
    return f"{images(x)}, {kernel(w)}"


def _flat_cases(rng):
    last = ((between(rng, 3, 6), between(rng, 3, 6)), (between(rng, 1, 3), between(rng, 1, 3)))
    cases = []
    for x, w in [*SIZES, last]:
        name = f"X {x[0]} × {x[1]}, W {w[0]} × {w[1]}"
        cases.append(Case(name, (normal(rng, *x), normal(rng, *w), float(rng.normal()))))
    cases.append(Case("whole numbers", (integers(rng, 3, 4), integers(rng, 2, 2), 3.0)))
    return cases


def _in_layers(function):
    """Return the function of images, kernels and biases as one of X, W and a bias."""

    def correlate(X, W, bias):
        return function(X[None, :, :, None], W[:, :, None, None], np.array([bias]))[0, :, :, 0]

    return correlate


def _conv_forward(x, w, b):
    return layers.conv_forward(x, w, b, **PLAIN)[0]


def _plainly(wrong):
    return lambda x, w, b: wrong(x, w, b, **PLAIN)


def _channel_cases(rng):
    cases = [
        Case(name_of(x, w), (normal(rng, *x), normal(rng, *w), normal(rng, w[3]))) for x, w in shapes(rng)
    ]
    arrays = integers(rng, 2, 3, 4, 2), integers(rng, 2, 2, 2, 2), integers(rng, 2)
    cases.append(Case("whole numbers", arrays))
    return cases


def _patch_cases(rng):
    cases = [Case(name_of(x, w), (normal(rng, *x), normal(rng, *w))) for x, w in shapes(rng)]
    x = np.arange(24.0).reshape(1, 3, 4, 2)
    cases.append(Case("x = 0, 1, 2, ..., 3 × 4 pixels, 2 channels", (x, np.ones((2, 2, 2, 1)))))
    return cases


def _six_axes(x, w):
    """Return patches[m, i, j, u, v, c]."""
    (M, H, W, C), (F_h, F_w) = x.shape, w.shape[:2]
    patches = layers.im2col(x, (F_h, F_w), stride=1, padding="valid")
    return patches.reshape(M, H - F_h + 1, W - F_w + 1, F_h, F_w, C)


def _patches(x, w):
    axes = _six_axes(x, w)
    return axes.reshape(-1, w.shape[0] * w.shape[1] * x.shape[3])


def _other_orders():
    """Return the mistakes that put the right pixels in other rows and columns."""
    mistakes = []
    for windows, columns in itertools.product(itertools.permutations("mij"), itertools.permutations("uvc")):
        for transposed in (False, True):
            said, name = [], []
            if columns != ("u", "v", "c"):
                said.append(
                    f"the columns are in the order ({', '.join(columns)}); w.reshape(-1, K) has (u, v, c)"
                )
                name.append("columns_" + "".join(columns))
            if windows != ("m", "i", "j"):
                said.append(f"the windows are in the order ({', '.join(windows)}); asked for is (m, i, j)")
                name.append("windows_" + "".join(windows))
            if transposed:
                said.append("the matrix is transposed: one window a column")
                name.append("transposed")
            if said:
                hint = "which pixel of which window does your first row begin with? And your second row?"
                wrong = _reordered(["mijuvc".index(letter) for letter in (*windows, *columns)], transposed)
                mistakes.append(own(f"patches.{'_'.join(name)}: {'; '.join(said)} | {hint}", wrong))
    return mistakes


def _reordered(order, transposed):
    """Return the patches whose rows (axes 0 to 2) or columns (3 to 5) are counted in another order."""

    def patches(x, w):
        matrix = _six_axes(x, w).transpose(order).reshape(_patches(x, w).shape)
        return matrix.T if transposed else matrix

    return patches


def _one_short(function, name):
    def shorter(x, w, b):
        return function(x, w, b)[
            (slice(None), slice(None, -1), slice(None, -1)) if name == "images" else np.s_[:-1, :-1]
        ]

    return shorter


def _only_example(function):
    """Return the outputs of the first example, and zeros for the others."""

    def forward(x, w, b, **options):
        z = function(x, w, b, **options)
        z[1:] = 0
        return z

    return forward


def _padded(x, w, b):
    return layers.conv_forward(x, w, b, stride=1, padding="same", dilation=1)[0]


def _without_bias(x, w, b):
    return _conv_forward(x, w, np.zeros_like(b))


def _last_term_only(x, w, b):
    H_out, W_out = x.shape[1] - w.shape[0] + 1, x.shape[2] - w.shape[1] + 1
    return x[:, -H_out:, -W_out:] @ w[-1, -1] + b


def _first_term_only(x, w, b):
    H_out, W_out = x.shape[1] - w.shape[0] + 1, x.shape[2] - w.shape[1] + 1
    return x[:, :H_out, :W_out] @ w[0, 0] + b


def _transposed_kernel(x, w, b):
    return _conv_forward(x, w.swapaxes(0, 1), b)


def _image_mistakes(adapt):
    """Return the mistakes of both forward exercises, each made to fit by `adapt`."""
    return (
        suspect("conv.kernel_flipped_forward", lambda wrong: adapt(_plainly(wrong))),
        suspect("conv.bias_in_every_term", lambda wrong: adapt(_plainly(wrong))),
        own(
            "correlate.bias_forgotten: the bias is missing | set the kernel to zero: what should the "
            "output be?",
            adapt(_without_bias),
        ),
        own(
            "correlate.last_term_only: the output is overwritten by each kernel element (`=`); the terms"
            " have to be added (`+=`) | how many products make up one entry of the output?",
            adapt(_last_term_only),
        ),
        own(
            "correlate.kernel_transposed: rows and columns of the kernel are exchanged | a kernel of a "
            "single row: in which direction does it look?",
            adapt(_transposed_kernel),
            lambda case: case.arguments[1].shape[0] == case.arguments[1].shape[1],
        ),
        own(
            "correlate.first_term_only: only the first weight counts in the output: the terms of all of "
            "them have to be added | how many products make up one entry of the output?",
            adapt(_first_term_only),
        ),
        own(
            "correlate.bias_subtracted: the bias is subtracted; it is added | set the kernel to zero: "
            "what should the output be?",
            adapt(lambda x, w, b: _conv_forward(x, w, -b)),
        ),
        own(
            "correlate.averaged: the products are averaged; the formula adds them | image and kernel of "
            "ones: what should the output be without a bias?",
            adapt(lambda x, w, b: _conv_forward(x, w / (w.shape[0] * w.shape[1]), b)),
        ),
        own(
            "correlate.rows_reversed_only: one axis of the kernel is reversed | a kernel [[1, 0]], then "
            "[[1], [0]]: which pixel does each copy?",
            adapt(lambda x, w, b: _conv_forward(x, w[::-1], b)),
        ),
        own(
            "correlate.columns_reversed_only: the columns of the kernel are reversed | a kernel [[1, "
            "0]]: which of the two pixels does it copy?",
            adapt(lambda x, w, b: _conv_forward(x, w[:, ::-1], b)),
        ),
        own(
            "correlate.padded: the output is as large as the input: the image was padded, and here no "
            "padding is asked for | does every position of the kernel lie inside the image?",
            adapt(_padded),
        ),
    )


EXERCISES = (
    Exercise(
        number="05.1",
        name="correlate",
        title="one kernel slid over one image, with its bias",
        signature="correlate(X, W, bias)",
        returns=(Part("Z", ("H_out", "W_out")),),
        cases=_flat_cases,
        reference=_in_layers(_conv_forward),
        suspects=(
            *_image_mistakes(_in_layers),
            own(
                "correlate.one_window_short: the last row and the last column of windows are missing: H "
                "− F + 1 fit, not H − F | how many windows of 2 fit into a row of 3?",
                _one_short(_in_layers(_conv_forward), "image"),
            ),
        ),
        delegates=("conv_forward", "im2col"),
    ),
    Exercise(
        number="05.2",
        name="correlate_channels",
        title="each filter slid over each image, all channels at once",
        signature="correlate_channels(x, w, b)",
        returns=(Part("z", ("M", "H_out", "W_out", "K")),),
        cases=_channel_cases,
        reference=_conv_forward,
        suspects=(
            *_image_mistakes(lambda function: function),
            own(
                "correlate_channels.first_channel_only: only the first channel of the image is read; the"
                " sum runs over all of them | set the first channel to zero: does anything come out?",
                lambda x, w, b: _conv_forward(x[..., :1], w[:, :, :1], b),
            ),
            own(
                "correlate_channels.last_channel_only: only the last channel of the image counts: is "
                "there an `=` where `+=` belongs? | set the last channel to zero: does anything come "
                "out?",
                lambda x, w, b: _conv_forward(x[..., -1:], w[:, :, -1:], b),
            ),
            own(
                "correlate_channels.first_bias_only: every filter gets the first bias; b has one for "
                "each of them | set w to zero: what should the second output channel be?",
                lambda x, w, b: _conv_forward(x, w, np.full_like(b, b[0])),
            ),
            own(
                "correlate_channels.channels_averaged: the channels are averaged; the formula adds them "
                "| give all channels the same numbers: by how much does the output grow with each "
                "channel?",
                lambda x, w, b: _conv_forward(x, w / x.shape[3], b),
            ),
            own(
                "correlate_channels.same_filter_for_all: every output channel has the first filter's "
                "numbers: w has lost its index k | set the second filter to zero: is the second output "
                "channel its bias alone?",
                lambda x, w, b: _conv_forward(x, np.repeat(w[..., :1], w.shape[3], axis=3), b),
            ),
            suspect("conv.bias_in_every_channel", _plainly),
            own(
                "correlate_channels.first_example_only: only the first example is read | run it with one"
                " example, then with two. What becomes of the second one?",
                _only_example(_conv_forward),
            ),
            own(
                "correlate_channels.one_window_short: the last row and the last column of windows are "
                "missing: H − F + 1 fit, not H − F | how many windows of 2 fit into a row of 3?",
                _one_short(_conv_forward, "images"),
            ),
        ),
        delegates=("conv_forward", "im2col"),
    ),
    Exercise(
        number="05.3",
        name="patches",
        title="the pixels under each window, one window a row",
        signature="patches(x, w)",
        returns=(Part("the matrix", ("M·H_out·W_out", "F_h·F_w·C")),),
        cases=_patch_cases,
        reference=_patches,
        suspects=(*_other_orders(),),
        delegates=("conv_forward", "im2col", "_patches"),
    ),
)
