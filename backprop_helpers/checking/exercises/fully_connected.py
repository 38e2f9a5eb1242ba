"""Lesson 02: the fully connected layer, and flatten."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking._text import count
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._forms import ALL, Form, as_suspects, in_part, selections
from backprop_helpers.checking.exercises._inputs import (
    between,
    fitted,
    integers,
    mistakes,
    normal,
    suspect,
)

SIZES = [(1, 3, 2), (4, 3, 2), (5, 2, 4), (3, 3, 3), (3, 1, 2), (2, 4, 1)]


def _sizes(rng):
    """Return (M, N, K) of each case: one example, wide, high, square, random."""
    return [*SIZES, (between(rng, 2, 6), between(rng, 2, 6), between(rng, 2, 6))]


def _name(M, N, K):
    return ", ".join(
        (count(M, "example", "examples"), count(N, "input", "inputs"), count(K, "unit", "units"))
    )


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


DIVIDED = "{} is divided by M, though the 1/M of the mean loss is already in dz: M times too small"
NO_TRANSPOSE = "dx uses w where its transpose is needed; the numbers are read in the shape that fits"


def fc_forms():
    """Return the forms of the known mistakes that concern some examples, or one result, alone."""
    names = {"first example": "fc.first_example_only", "last example": "fc.last_example_only"}
    names |= {"first unit": "fc.one_unit_only", "last unit": "fc.one_unit_only"}

    def on_images(dz, x, w):  # one window an example
        return _fc_backward(dz[:, 0, 0], x, w)

    forms = [
        form._replace(function=lambda dz, x, w, wrong=form.function: wrong(dz[:, None, None], x, w))
        for form in selections(names, on_images, ("dx", "dw", "db"), channels="unit")
        if "window" not in form.diagnosis
    ]
    changes = (
        ("fc.bias_averaged", 2, lambda r, dz, x, w: r / len(x), ""),
        ("fc.bias_not_summed", 2, lambda r, dz, x, w: dz, ""),
        ("fc.bias_one_number", 2, lambda r, dz, x, w: np.full(r.shape, r.sum()), ""),
        ("fc.bias_one_number", 2, lambda r, dz, x, w: r.sum(), "db is one number, the sum of everything"),
        ("fc.bias_never_moves", 2, lambda r, dz, x, w: dz[0].sum(), ""),
        ("fc.bias_squeezed", 2, lambda r, dz, x, w: r.squeeze(), ""),
        ("fc.bias_from_dw", 2, lambda r, dz, x, w: (x.T @ dz).sum(axis=0), ""),
        ("fc.dw_transposed", 1, lambda r, dz, x, w: r.T, ""),
        ("fc.dw_divided_by_m", 1, lambda r, dz, x, w: r / len(x), DIVIDED.format("dw")),
        ("fc.dw_not_summed", 1, lambda r, dz, x, w: x[:, :, None] * dz[:, None], ""),
        ("fc.dx_without_transpose", 0, lambda r, dz, x, w: dz @ w.reshape(w.shape[::-1]), NO_TRANSPOSE),
    )
    for name, part, change, said in changes:
        forms.append(Form(name, part, in_part(part, _fc_backward, _changed(part, change)), said))
    return [*forms, Form("fc.divided_by_m_again", ALL, _all_divided, DIVIDED.format("everything"))]


def _changed(part, change):
    def backward(dz, x, w):
        results = list(_fc_backward(dz, x, w))
        results[part] = change(results[part], dz, x, w)
        return results

    return backward


def _all_divided(dz, x, w):
    return tuple(result / len(x) for result in _fc_backward(dz, x, w))


def decayed(rate):
    """Return the backward pass with a multiple of w added to dw."""
    return lambda dz, x, w: (dz @ w.T, x.T @ dz + rate * w, dz.sum(axis=0))


def _updated(rate):
    return lambda dz, x, w: (dz @ (w - rate * (x.T @ dz)).T, x.T @ dz, dz.sum(axis=0))


def _decay_of(case, got, right):
    """Return the multiple of w that was added to dw."""
    w = case.arguments[2]
    return share_of(got[1] - right[1], w) if got[1] is not None and got[1].shape == w.shape else None


def _rate_of(case, got, right):
    """Return the rate of the step that w has made before dx was computed."""
    dz, x, _ = case.arguments
    if got[0] is None or got[0].shape != right[0].shape:
        return None
    return share_of(right[0] - got[0], dz @ (x.T @ dz).T)


def share_of(a, b):
    """Return by what b has to be multiplied to come as near to a as it can."""
    return np.vdot(a, b) / np.vdot(b, b)


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


FORWARD_MISTAKES = """
fc_forward.bias_forgotten = x @ w
the bias is missing
? set x to zero: what should z be?
fc_forward.relu_on_top = np.maximum(x @ w + b, 0)
no output is negative: ReLU is a layer of its own
? set x to zero and b to −1: what should z be?
fc_forward.averaged = x @ w / len(w) + b
the products are averaged over the inputs; the formula adds them
? with x and w of ones, is z the number of inputs?
fc_forward.w_transposed = x @ w.T + b
w is used transposed: with as many inputs as units the shapes fit all the same
? which weight joins x[0, 1] to z[0, 0]?
fc_forward.bias_in_every_term = x @ w + len(w) * b
the bias is added once an input; it belongs to the sum, once
? set w to zero: what should z be?
fc_forward.bias_by_example = x @ w + b[:, None]
the bias is spread over the examples; it belongs to the units, the columns of z
? b has one entry for each of what?
fc_forward.last_input_only = x[:, -1:] * w[-1] + b
z is overwritten by each input (`=`); the terms have to be added (`+=`)
? with w of ones, is z the sum of a row of x?
fc_forward.first_input_only = x[:, :1] * w[0] + b
only the first input counts in z: the terms of all of them have to be added
? with w of ones, is z the sum of a row of x?
fc_forward.bias_subtracted = x @ w - b
the bias is subtracted; it is added
? set x to zero: what should z be?
fc_forward.first_bias_only = x @ w + b[0]
every unit gets the first bias; b has one for each of them
? set x to zero: what should the second column of z be?
"""

EXERCISES = (
    Exercise(
        number="02.1",
        title="the outputs of a fully connected layer",
        signature="fc_forward(x, w, b)",
        returns=(Part("z", ("M", "K")),),
        cases=_forward_cases,
        reference=_fc_forward,
        suspects=(*mistakes(FORWARD_MISTAKES, "x, w, b", globals()),),
        delegates=("fc_forward",),
    ),
    Exercise(
        number="02.2",
        linear="dz",
        title="the gradients of the input, the weights and the bias",
        signature="fc_backward(dz, x, w)",
        returns=(Part("dx", ("M", "N")), Part("dw", ("N", "K")), Part("db", ("K",))),
        cases=_backward_cases,
        reference=_fc_backward,
        suspects=(
            *(
                suspect(name)
                for name in (
                    "fc.bias_never_moves",
                    "fc.bias_summed_over_units",
                    "fc.divided_by_m_again",
                    "fc.dx_without_transpose",
                    "fc.last_example_only",
                    "training.updates_inside_backward",
                    "training.backward_accumulates",
                    "training.clips_inside_backward",
                )
            ),
            *as_suspects(fc_forms()),
            fitted(
                "fc.weight_decay_inside",
                "{number} times w is added to dw: weight decay belongs to the step, or to the loss, not here",
                decayed,
                _decay_of,
            ),
            fitted(
                "fc.dx_after_update",
                "dx is made of the weights after a step of rate {number}; forward used the ones before it",
                _updated,
                _rate_of,
            ),
        ),
    ),
    Exercise(
        number="02.3",
        linear="dy",
        title="the gradient of the images, from that of their rows of numbers",
        signature="flatten_backward(dy, x)",
        returns=(Part("dx", ("M", "H", "W", "C")),),
        cases=_flatten_cases,
        reference=_flatten_backward,
        suspects=(suspect("flatten.channels_first"), suspect("flatten.column_by_column")),
    ),
)
