"""Lesson 05: the kernel slid over the image, without padding, one step at a time."""

import itertools

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._forward_forms import (
    channel_mistakes,
    one_kernel_mistakes,
    unpadded_mistakes,
)
from backprop_helpers.checking.exercises._inputs import between, drawn, images, integers, kernel, normal, own
from backprop_helpers.checking.solutions import lesson_05

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


def _channel_cases(rng):
    cases = [drawn(rng, name_of(x, w), x, w, w[3:]) for x, w in shapes(rng)]
    return [*cases, drawn(rng, "whole numbers", (2, 3, 4, 2), (2, 2, 2, 2), (2,), numbers=integers)]


def _patch_cases(rng):
    cases = [drawn(rng, name_of(x, w), x, w) for x, w in shapes(rng)]
    x = np.arange(24.0).reshape(1, 3, 4, 2)
    cases.append(Case("x = 0, 1, 2, ..., 3 × 4 pixels, 2 channels", (x, np.ones((2, 2, 2, 1)))))
    return cases


def _six_axes(x, w):
    """Return patches[m, i, j, u, v, c]."""
    (M, H, W, C), (F_h, F_w) = x.shape, w.shape[:2]
    patches = layers.im2col(x, (F_h, F_w), stride=1, padding="valid")
    return patches.reshape(M, H - F_h + 1, W - F_w + 1, F_h, F_w, C)


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
                said = f"patches.{'_'.join(name)}: {'; '.join(said)} | {hint}"
                mistakes.append(own(said, wrong))
    return mistakes


def _reordered(order, transposed):
    """Return the patches whose rows (axes 0 to 2) or columns (3 to 5) are counted in another order."""

    def patches(x, w):
        matrix = _six_axes(x, w).transpose(order).reshape(-1, w[..., 0].size)
        return matrix.T if transposed else matrix

    return patches


EXERCISES = (
    Exercise.of(
        "05.1 one kernel slid over one image, with its bias -> Z (H_out, W_out)",
        lesson_05.correlate,
        _flat_cases,
        (*one_kernel_mistakes(_in_layers, several=False), *unpadded_mistakes(_in_layers)),
        delegates=("conv_forward", "im2col"),
    ),
    Exercise.of(
        "05.2 each filter slid over each image, all channels at once -> z (M, H_out, W_out, K)",
        lesson_05.correlate_channels,
        _channel_cases,
        (*one_kernel_mistakes(), *channel_mistakes(), *unpadded_mistakes()),
        delegates=("conv_forward", "im2col"),
    ),
    Exercise.of(
        "05.3 the pixels under each window, one window a row -> the matrix (M·H_out·W_out, F_h·F_w·C)",
        lesson_05.patches,
        _patch_cases,
        _other_orders(),
        delegates=("conv_forward", "im2col", "_patches"),
    ),
)
