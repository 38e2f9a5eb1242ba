"""Lessons 06 to 08: the backward pass of a convolution, and its general case."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking._text import count
from backprop_helpers.checking.exercises._conv_forms import general_forms, number_around
from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._forms import as_suspects
from backprop_helpers.checking.exercises._forward_forms import (
    PLAIN,
    channel_mistakes,
    forward,
    geometry_mistakes,
    one_kernel_mistakes,
)
from backprop_helpers.checking.exercises._inputs import (
    between,
    catalogued,
    drawn,
    images,
    integers,
    kernel,
    mistakes,
    suspect,
    written,
)
from backprop_helpers.checking.exercises.correlation import name_of, shapes
from backprop_helpers.checking.solutions import lesson_06, lesson_07, lesson_08

# x, w, stride, padding, dilation
GENERAL = [
    ((2, 4, 5, 1), (2, 3, 1, 2), 1, "valid", 1),
    ((1, 5, 4, 2), (3, 3, 2, 2), 1, "same", 1),
    ((2, 4, 5, 3), (2, 2, 3, 2), 1, "same", 1),
    ((2, 5, 6, 2), (1, 1, 2, 3), 1, 0, 1),
    ((2, 7, 6, 2), (3, 2, 2, 2), (2, 1), 1, 1),
    ((2, 6, 8, 1), (2, 3, 1, 2), (2, 3), (1, 0), 1),
    ((1, 7, 8, 2), (2, 3, 2, 1), 1, "valid", (2, 1)),
    ((2, 8, 7, 1), (3, 2, 1, 2), 2, "same", 2),
    ((1, 6, 5, 2), (2, 2, 2, 2), 3, "valid", 1),
    ((2, 5, 6, 1), (1, 2, 1, 2), 3, "same", 1),
    ((3, 5, 7, 3), (2, 2, 3, 4), (1, 2), (0, 1), (1, 2)),
]


def _general_name(x, w, stride, padding, dilation):
    parts = [images(x), kernel(w), f"stride {stride}", f"padding {padding}"]
    parts += [f"dilation {dilation}"] if dilation != 1 else []
    return ", ".join(parts)


def _random_setting(rng):
    w = tuple(between(rng, 1, 3) for _ in range(4))
    stride, dilation = (tuple(between(rng, 1, 2) for _ in range(2)) for _ in range(2))
    H, W = (d * (f - 1) + 1 + between(rng, 1, 4) for d, f in zip(dilation, w))
    padding = ["same", "valid", 1, (0, 2)][between(rng, 0, 3)]
    return (between(rng, 2, 3), H, W, w[2]), w, stride, padding, dilation


def _output_shape(x, w, stride, padding, dilation):
    z, _ = layers.conv_forward(
        np.zeros(x), np.zeros(w), np.zeros(w[3]), stride=stride, padding=padding, dilation=dilation
    )
    return z.shape


FORMS = general_forms()
GEOMETRY = ("stride", "dilation", "rows_for_both", "padding_not_zero")
AT_STRIDE_1 = [form for form in FORMS if not any(word in form.name for word in GEOMETRY)]


def _general_cases(rng, shapes_of):
    """Return cases of every geometry; `shapes_of` returns the arguments' shapes for one."""
    return [
        drawn(rng, _general_name(*setting), *shapes_of(*setting), **dict(zip(PLAIN, setting[2:])))
        for setting in [*GENERAL, _random_setting(rng), _random_setting(rng)]
    ]


def _backward_cases(rng):
    whole = (2, 2, 3, 1), (2, 3, 4, 1), (2, 2, 1, 1)
    return [
        *_general_cases(rng, lambda x, w, *geometry: (_output_shape(x, w, *geometry), x, w)),
        drawn(rng, "whole numbers", *whole, numbers=integers, **PLAIN),
    ]


# The forms say more than the catalogue, but of what raises an error or gets another result wrong besides.
IN_FORMS = {form.name for form in FORMS} - {
    "conv.kernel_transposed",
    "conv.unpads_with_minus_pad",
    "conv.stride_ignored",
    "conv.dilation_ignored",
    "conv.divided_by_m_again",
}


# --- narrower exercises: one of the three gradients, at stride 1


def _plain_cases(rng):
    """Return cases of (dz, x, w), at stride 1 without padding."""
    cases = []
    for x, w in shapes(rng):
        dz = (x[0], x[1] - w[0] + 1, x[2] - w[1] + 1, w[3])
        cases.append(drawn(rng, name_of(x, w), dz, x, w))
    whole = (2, 2, 3, 2), (2, 3, 4, 1), (2, 2, 1, 2)
    return [*cases, drawn(rng, "whole numbers", *whole, numbers=integers)]


def _bias_cases(rng):
    shapes_of_dz = [(1, 2, 3, 1), (2, 3, 2, 4), (3, 2, 2, 3), (2, 1, 4, 2)]
    shapes_of_dz.append(tuple(between(rng, 2, 4) for _ in range(4)))
    cases = []
    for M, H, W, K in shapes_of_dz:
        examples, filters = count(M, "example", "examples"), count(K, "filter", "filters")
        cases.append(drawn(rng, f"{examples}, {H} × {W} outputs, {filters}", (M, H, W, K)))
    return [*cases, drawn(rng, "whole numbers", (2, 3, 2, 2), numbers=integers)]


def _only(part, **options):
    """Return what adapts a wrong conv_backward to one of its results, for the arguments (dz, x, w)."""

    def adapt(wrong):
        return lambda dz, x, w: wrong(dz, x, w, **(PLAIN | options))[part]

    return adapt


def _of_bias(wrong):
    """Adapt a wrong conv_backward to the argument dz: x and w are what makes such a dz."""

    def bias_backward(dz):
        M, H, W, K = dz.shape
        return wrong(dz, np.zeros((M, H, W, 1)), np.zeros((1, 1, 1, K)), **PLAIN)[2]

    return bias_backward


def _of_input(padding):
    """Return what adapts a wrong conv_backward to dx, for the arguments (dz, w)."""

    def adapt(wrong):
        def input_backward(dz, w):
            x = np.zeros(_input_shape(dz, w, padding))
            return wrong(dz, x, w, stride=1, padding=padding, dilation=1)[0]

        return input_backward

    return adapt


def _input_shape(dz, w, padding):
    M, H, W, _ = dz.shape
    if padding == "same":
        return M, H, W, w.shape[2]
    return M, H + w.shape[0] - 1, W + w.shape[1] - 1, w.shape[2]


def _middle(dz, w):
    """Return the slices of a full correlation that are as large as dz."""
    top, left = (w.shape[0] - 1) // 2, (w.shape[1] - 1) // 2
    return np.s_[:, top : top + dz.shape[1], left : left + dz.shape[2]]


def _input_suspects(padding):
    """Return the mistakes about dx alone, for one padding."""
    adapt = _of_input(padding)
    names = ("crops_half_a_kernel", "unpads_with_minus_pad", "height_for_width", "pads_with_height")
    forms = [form for form in AT_STRIDE_1 if padding == "same" or form.name != "conv.odd_padding_on_top"]
    return (
        *as_suspects(forms, 0, adapt),
        *([written("conv.no_rotation", _slid_like_forward)] if padding == "same" else ()),
        *(suspect(f"conv.{name}", adapt) for name in (*names, "kernel_transposed")),
    )


def _slid_like_forward(dz, w):
    return forward(dz, w.swapaxes(2, 3), np.zeros(w.shape[2]), padding="same")


def _input_cases(rng):
    return [Case(case.name, (case.arguments[0], case.arguments[2])) for case in _plain_cases(rng)]


def _same_cases(rng):
    sizes = [
        ((1, 3, 4, 1), (3, 3, 1, 1)),
        ((2, 4, 3, 2), (2, 2, 2, 2)),
        ((2, 3, 5, 1), (2, 3, 1, 2)),
        ((2, 5, 4, 2), (4, 1, 2, 1)),
        ((1, 3, 3, 2), (1, 1, 2, 3)),
        ((2, 2, 3, 1), (3, 3, 1, 1)),
    ]
    w = tuple(between(rng, 1, 4) for _ in range(4))
    sizes.append(((between(rng, 2, 3), between(rng, 3, 5), between(rng, 3, 5), w[2]), w))
    cases = [drawn(rng, f'{name_of(x, w)}, padding "same"', (*x[:3], w[3]), w) for x, w in sizes]
    whole = (2, 3, 4, 1), (2, 3, 1, 1)
    return [*cases, drawn(rng, "whole numbers, kernel 2 × 3", *whole, numbers=integers)]


def _sum_over_all(dz, x, w):
    """Return dw as if every filter had got the sum of all their gradients."""
    one = lesson_06.weights_backward(dz.sum(axis=3, keepdims=True), x, w[..., :1])
    return np.repeat(one, w.shape[3], axis=3)


# --- how many windows there are


def _output_size_cases(rng):
    settings = [
        (5, 3, 1, 0, 1),
        (6, 2, 2, 0, 1),
        (7, 2, 3, 0, 1),
        (6, 3, 2, 1, 1),
        (5, 3, 1, 2, 1),
        (9, 3, 1, 0, 2),
        (10, 3, 2, 1, 3),
        (3, 3, 2, 0, 1),
        (7, 3, 1, "same", 1),
        (7, 4, 2, "same", 1),
        (8, 2, 3, "same", 2),
    ]
    f, stride, dilation, padding = (between(rng, *ends) for ends in ((1, 4), (1, 3), (1, 2), (0, 2)))
    settings.append((dilation * (f - 1) + 1 + between(rng, 3, 9), f, stride, padding, dilation))
    name = "{} pixels, kernel {}, stride {}, padding {}, dilation {}"
    return [Case(name.format(*setting), setting[:2], dict(zip(PLAIN, setting[2:]))) for setting in settings]


def _size(n, f, *geometry):
    return lesson_08.output_size(n, f, **dict(zip(PLAIN, geometry)))


def _with_letters(formula):
    return lambda n, f, *, stride, padding, dilation: formula(n, f, stride, padding, dilation)


def _size_formula(formula):
    """Return output_size with another formula for a number of zeros; "same" is right."""
    return _with_letters(
        lambda n, f, s, p, d: _size(n, f, s, p, d) if p == "same" else formula(n, f, s, p, d)
    )


SIZE = """
output_size.one_window_short = (n + 2 * p - d * (f - 1) - 1) // s
the first window is not counted: + 1 is missing
? a kernel as large as the image: how many windows are there?
output_size.padding_on_one_side = (n + p - d * (f - 1) - 1) // s + 1
the padding is counted once; there are zeros on both sides
? 5 pixels with padding 2: how long is the padded row?
output_size.rounded_up = -(-(n + 2 * p - d * (f - 1) - 1) // s) + 1
rounded up: a window that would reach over the edge is counted too
? 7 pixels, kernel 2, stride 3: where would your last window end?
output_size.dilation_ignored = (n + 2 * p - f) // s + 1
the dilation is not in it: a kernel of 3 with dilation 2 spans 5 pixels
? how far apart are the first and the last pixel that a window reads?
output_size.dilated_span_too_long = (n + 2 * p - d * f) // s + 1
the kernel spans d·F pixels in it; between F pixels there are only F − 1 gaps
? a kernel of 1 with dilation 3: how many pixels does it span?
output_size.stride_ignored = n + 2 * p - d * (f - 1)
the stride is not in it
? with stride 2, how many of the windows at stride 1 are left?
"""

SAME_SIZE = """
output_size.same_keeps_the_size = n if p == "same" else _size(n, f, s, p, d)
"same" gives as many outputs as inputs at stride 1 only; with a stride there are ceil(n / stride)
? 7 pixels, stride 2: which pixels do the windows start from?
output_size.same_rounded_down = n // s if p == "same" else _size(n, f, s, p, d)
"same" is rounded down; there are ceil(n / stride) outputs
? 7 pixels, stride 2: which pixels do the windows start from?
"""

SIZE_MISTAKES = (
    *mistakes(SIZE, "n, f, s, p, d", globals(), _size_formula),
    *mistakes(SAME_SIZE, "n, f, s, p, d", globals(), _with_letters),
)

# --- the general forward pass


def _forward_cases(rng):
    whole = {"stride": 2, "padding": 1, "dilation": 1}
    return [
        *_general_cases(rng, lambda x, w, *_: (x, w, w[3:])),
        drawn(rng, "whole numbers", (2, 5, 4, 1), (2, 2, 1, 1), (1,), numbers=integers, **whole),
    ]


INPUT_MISTAKES = """
input.same_for_full = lesson_07.input_backward(dz, w)[_middle(dz, w)]
dx is as large as dz: its rim is missing, as with mode="same"; a full correlation is larger than dz
? which outputs does the pixel in the corner touch?
"""


WEIGHTS_MISTAKES = """
weights.examples_kept = np.stack([lesson_06.weights_backward(d[None], a[None], w) for d, a in zip(dz, x)])
dw has a kernel for each example; all examples share the weights, so they are summed too
? how many numbers has the kernel, and dw?
weights.summed_over_filters = _sum_over_all(dz, x, w)
every filter gets the same dw: dz is summed over the filters
? which outputs does a weight of the first filter move?
weights.summed_over_channels = lesson_06.weights_backward(dz, x, w).sum(axis=2, keepdims=True) + 0 * w
every channel gets the same dw: the products are summed over the channels of x
? which pixels does a weight of the first channel meet?
weights.multiplied_by_w = lesson_06.weights_backward(dz, x, w) * w
the gradient is multiplied by the weight itself
? set w to zero: the slopes with respect to w stay. Do yours?
"""

EXERCISES = (
    Exercise.of(
        "06.1 the gradient of the kernel -> dw (F_h, F_w, C, K)",
        lesson_06.weights_backward,
        _plain_cases,
        (
            *as_suspects(AT_STRIDE_1, 1, _only(1)),
            suspect("conv.square_slices", _only(1)),
            *mistakes(WEIGHTS_MISTAKES, "dz, x, w", globals()),
        ),
    ),
    Exercise.of(
        "06.2 the gradient of the bias -> db (K)",
        lesson_06.bias_backward,
        _bias_cases,
        as_suspects(FORMS, 2, _of_bias),
    ),
    Exercise.of(
        "07.1 the gradient of the input -> dx (M, H_in, W_in, C)",
        lesson_07.input_backward,
        _input_cases,
        (*_input_suspects("valid"), *mistakes(INPUT_MISTAKES, "dz, w", globals())),
    ),
    Exercise.of(
        '07.2 the gradient of the input, with padding "same" -> dx (M, H_in, W_in, C)',
        lesson_07.input_backward_same,
        _same_cases,
        _input_suspects("same"),
    ),
    Exercise.of(
        "08.1 how many windows fit along one axis -> the size: whole number",
        lesson_08.output_size,
        _output_size_cases,
        SIZE_MISTAKES,
        delegates=("output_size", "resolve_padding", "conv_forward", "im2col"),
    ),
    Exercise.of(
        "08.2 the convolution with any stride, padding and dilation -> z (M, H_out, W_out, K)",
        lesson_08.conv_forward,
        _forward_cases,
        (*one_kernel_mistakes(), *channel_mistakes(), *geometry_mistakes()),
        delegates=("conv_forward", "im2col"),
    ),
    Exercise.of(
        "08.3 the gradients of the input, the kernel and the bias"
        " -> dx (M, H_in, W_in, C), dw (F_h, F_w, C, K), db (K)",
        lesson_08.conv_backward,
        _backward_cases,
        (
            *as_suspects(FORMS),
            *catalogued("conv_backward", without=IN_FORMS),
            *number_around(),
        ),
    ),
)
