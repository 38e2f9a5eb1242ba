"""Lesson 02: the fully connected layer, and flatten."""

from backprop_helpers.checking._text import count
from backprop_helpers.checking.exercises._exercise import Exercise
from backprop_helpers.checking.exercises._forms import ALL, Form, as_suspects, selections
from backprop_helpers.checking.exercises._inputs import between, catalogued, drawn, integers, mistakes
from backprop_helpers.checking.solutions import lesson_02
from backprop_helpers.checking.solutions.lesson_02 import fc_backward

SIZES = [(1, 3, 2), (4, 3, 2), (5, 2, 4), (3, 3, 3), (3, 1, 2), (2, 4, 1)]


def _sizes(rng):
    """Return (M, N, K) of each case: one example, wide, high, square, random."""
    return [*SIZES, (between(rng, 2, 6), between(rng, 2, 6), between(rng, 2, 6))]


def _name(M, N, K):
    return ", ".join(
        (count(M, "example", "examples"), count(N, "input", "inputs"), count(K, "unit", "units"))
    )


def _forward_cases(rng):
    cases = [drawn(rng, _name(M, N, K), (M, N), (N, K), (K,)) for M, N, K in _sizes(rng)]
    return [*cases, drawn(rng, "whole numbers", (4, 3), (3, 2), (2,), numbers=integers)]


def _backward_cases(rng):
    cases = [drawn(rng, _name(M, N, K), (M, K), (M, N), (N, K)) for M, N, K in _sizes(rng)]
    return [*cases, drawn(rng, "whole numbers", (4, 2), (4, 3), (3, 2), numbers=integers)]


DIVIDED = "{} is divided by M, though the 1/M of the mean loss is already in dz: M times too small"
NO_TRANSPOSE = "dx uses w where its transpose is needed; the numbers are read in the shape that fits"


def fc_forms():
    """Return the forms of the known mistakes that concern some examples, or one result, alone."""
    names = {"first example": "fc.first_example_only", "last example": "fc.last_example_only"}
    names |= {"first unit": "fc.one_unit_only", "last unit": "fc.one_unit_only"}

    def on_images(dz, x, w):  # one window an example
        return fc_backward(dz[:, 0, 0], x, w)

    forms = [
        form._replace(function=lambda dz, x, w, wrong=form.function: wrong(dz[:, None, None], x, w))
        for form in selections(names, on_images, ("dx", "dw", "db"), channels="unit")
        if "window" not in form.diagnosis
    ]
    return [
        *forms,
        Form("fc.bias_one_number", 2, _one_bias, "db is one number, the sum of everything"),
        Form("fc.dw_divided_by_m", 1, _dw_divided, DIVIDED.format("dw")),
        Form("fc.dx_without_transpose", 0, _read_as_transposed, NO_TRANSPOSE),
        Form("fc.divided_by_m_again", ALL, _all_divided, DIVIDED.format("everything")),
    ]


def _one_bias(dz, x, w):
    return dz @ w.T, x.T @ dz, dz.sum()


def _dw_divided(dz, x, w):
    return dz @ w.T, x.T @ dz / len(x), dz.sum(axis=0)


def _read_as_transposed(dz, x, w):
    return dz @ w.reshape(w.shape[::-1]), x.T @ dz, dz.sum(axis=0)


def _all_divided(dz, x, w):
    return tuple(result / len(x) for result in fc_backward(dz, x, w))


def _flatten_cases(rng):
    shapes = [(1, 2, 3, 1), (3, 2, 4, 5), (4, 3, 3, 2), tuple(between(rng, 2, 4) for _ in range(4))]
    cases = []
    for M, H, W, C in shapes:
        name = f"{M} of {H} × {W} pixels, {C} channels" if C > 1 else f"{M} of {H} × {W} pixels"
        cases.append(drawn(rng, name, (M, H * W * C), (M, H, W, C)))
    return cases


BACKWARD_MISTAKES = """
fc.weight_decay_inside = dz @ w.T, x.T @ dz + number * w, dz.sum(axis=0)
{number} times w is added to dw: weight decay belongs to the step, or to the loss, not here
fit: share_of(got[1] - right[1], w)
fc.dx_after_update = dz @ (w - number * (x.T @ dz)).T, x.T @ dz, dz.sum(axis=0)
dx is made of the weights after a step of rate {number}; forward used the ones before it
fit: share_of(right[0] - got[0], dz @ (x.T @ dz).T)
"""

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

# Of these there are forms, which say more.
IN_FORMS = {
    "fc.first_example_only",
    "fc.one_unit_only",
    "fc.dw_divided_by_m",
    "fc.dx_after_update",
    "fc.weight_decay_inside",
}

EXERCISES = (
    Exercise.of(
        "02.1 the outputs of a fully connected layer -> z (M, K)",
        lesson_02.fc_forward,
        _forward_cases,
        mistakes(FORWARD_MISTAKES, "x, w, b", globals()),
        delegates=("fc_forward",),
    ),
    Exercise.of(
        "02.2 the gradients of the input, the weights and the bias -> dx (M, N), dw (N, K), db (K)",
        fc_backward,
        _backward_cases,
        (
            *catalogued("fc_backward", without=IN_FORMS),
            *as_suspects(fc_forms()),
            *mistakes(BACKWARD_MISTAKES, "dz, x, w", globals()),
        ),
    ),
    Exercise.of(
        "02.3 the gradient of the images, from that of their rows of numbers -> dx (M, H, W, C)",
        lesson_02.flatten_backward,
        _flatten_cases,
        catalogued("flatten_backward"),
    ),
)
