"""Lesson 02: the fully connected layer, and flatten."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import between, integers, normal, own, suspect

SIZES = [(1, 3, 2), (4, 3, 2), (5, 2, 4), (3, 3, 3)]


def _sizes(rng):
    """Return (M, N, K) of each case: one example, wide, high, square, random."""
    return [*SIZES, (between(rng, 2, 6), between(rng, 2, 6), between(rng, 2, 6))]


def _name(M, N, K):
    examples = "1 example" if M == 1 else f"{M} examples"
    return f"{examples}, {N} inputs, {K} units"


def _forward_cases(rng):
    cases = []
    for M, N, K in _sizes(rng):
        cases.append(Case(_name(M, N, K), (normal(rng, M, N), normal(rng, N, K), normal(rng, K))))
    cases.append(Case("whole numbers", (integers(rng, 4, 3), integers(rng, 3, 2), integers(rng, 2))))
    return cases


def _backward_cases(rng):
    cases = []
    for M, N, K in _sizes(rng):
        cases.append(Case(_name(M, N, K), (normal(rng, M, K), normal(rng, M, N), normal(rng, N, K))))
    cases.append(Case("whole numbers", (integers(rng, 4, 2), integers(rng, 4, 3), integers(rng, 3, 2))))
    return cases


def _fc_forward(x, w, b):
    return layers.fc_forward(x, w, b)[0]


def _fc_backward(dz, x, w):
    _, cache = layers.fc_forward(x, w, np.zeros(w.shape[1]))
    return layers.fc_backward(dz, cache)


def _flatten_cases(rng):
    shapes = [(1, 2, 3, 1), (3, 2, 4, 5), (4, 3, 3, 2), tuple(between(rng, 2, 4) for _ in range(4))]
    cases = []
    for M, H, W, C in shapes:
        name = f"{M} of {H} × {W} pixels, {C} channels" if C > 1 else f"{M} of {H} × {W} pixels"
        cases.append(Case(name, (normal(rng, M, H * W * C), normal(rng, M, H, W, C))))
    return cases


def _flatten_backward(dy, x):
    _, cache = layers.flatten_forward(x)
    return layers.flatten_backward(dy, cache)


EXERCISES = (
    Exercise(
        number="02.1",
        name="fc_forward",
        title="the outputs of a fully connected layer",
        signature="fc_forward(x, w, b)",
        returns=(Part("z", ("M", "K")),),
        about="x (M, N): one row an example; w (N, K), b (K,).",
        cases=_forward_cases,
        reference=_fc_forward,
        suspects=(
            own(
                "fc_forward.bias_forgotten",
                "the bias is missing",
                "set x to zero: what should z be?",
                lambda x, w, b: x @ w,
            ),
            own(
                "fc_forward.w_transposed",
                "w is used transposed: with as many inputs as units the shapes fit all the same",
                "which weight joins x[0, 1] to z[0, 0]?",
                lambda x, w, b: x @ w.T + b,
            ),
            own(
                "fc_forward.bias_in_every_term",
                "the bias is added once an input; it belongs to the sum, once",
                "set w to zero: what should z be?",
                lambda x, w, b: x @ w + len(w) * b,
            ),
            own(
                "fc_forward.bias_by_example",
                "the bias is spread over the examples; it belongs to the units, the columns of z",
                "b has one entry for each of what?",
                lambda x, w, b: x @ w + b[:, None],
            ),
            own(
                "fc_forward.last_input_only",
                "z is overwritten by each input (`=`); the terms have to be added (`+=`)",
                "with w of ones, is z the sum of a row of x?",
                lambda x, w, b: x[:, -1:] * w[-1] + b,
            ),
        ),
        delegates=("fc_forward",),
    ),
    Exercise(
        number="02.2",
        name="fc_backward",
        title="the gradients of the input, the weights and the bias",
        signature="fc_backward(dz, x, w)",
        returns=(Part("dx", ("M", "N")), Part("dw", ("N", "K")), Part("db", ("K",))),
        about="dz (M, K), x (M, N), w (N, K).",
        cases=_backward_cases,
        reference=_fc_backward,
        suspects=tuple(
            suspect(name)
            for name in (
                "fc.bias_never_moves",
                "fc.bias_summed_over_units",
                "fc.divided_by_m_again",
                "fc.bias_averaged",
                "fc.dw_transposed",
                "fc.dx_without_transpose",
                "fc.last_example_only",
                "training.updates_inside_backward",
                "training.backward_accumulates",
            )
        ),
    ),
    Exercise(
        number="02.3",
        name="flatten_backward",
        title="the gradient of the images, from that of their rows of numbers",
        signature="flatten_backward(dy, x)",
        returns=(Part("dx", ("M", "H", "W", "C")),),
        about="dy (M, H·W·C), x (M, H, W, C).",
        cases=_flatten_cases,
        reference=_flatten_backward,
        suspects=(suspect("flatten.channels_first"), suspect("flatten.column_by_column")),
    ),
)
