"""Mistakes in the backward pass of pooling, in every form: functions (dz, x, *, size, stride) -> dx."""

import numpy as np

from backprop_helpers.checking.exercises._forms import ALL, Form, selections
from backprop_helpers.checking.exercises._inputs import pair
from backprop_helpers.checking.solutions.lesson_09 import pool_forward

NAMES = {
    "first window": "pool.returns_in_the_loop",
    "last window": "pool.last_window_only",
    "first example": "pool.first_example_only",
    "last example": "pool.last_example_only",
    "first channel": "pool.one_channel_only",
    "last channel": "pool.one_channel_only",
}


# --- what a pixel of a window is paid: functions of the window's pixels (M, F_h, F_w, C)


def _first(window):
    M, F_h, F_w, C = window.shape
    winner = window.reshape(M, F_h * F_w, C).argmax(axis=1)
    return (np.arange(F_h * F_w)[:, None] == winner[:, None]).reshape(window.shape).astype(float)


def _every(window):
    return (window == window.max(axis=(1, 2), keepdims=True)).astype(float)


def _close(window):
    return np.isclose(window, window.max(axis=(1, 2), keepdims=True)).astype(float)


def _equal(window):
    return np.full(window.shape, 1 / (window.shape[1] * window.shape[2]))


def _proportion(window):
    return window / window.sum(axis=(1, 2), keepdims=True)


def _of_all_channels(together):
    """Return the rule that finds one winner for all channels."""
    return lambda window: np.repeat(_first(together(window)), window.shape[3], axis=3)


def _of_one_channel(window):
    """Return the rule that pays one pixel of one channel of each window."""
    winner = window.reshape(len(window), -1).argmax(axis=1)
    return (np.arange(window[0].size) == winner[:, None]).reshape(window.shape).astype(float)


def _always(u, v):
    """Return the rule that pays one pixel of each window, whatever the numbers are."""

    def rule(window):
        paid = np.zeros(window.shape)
        paid[:, u, v] = 1
        return paid

    return rule


# --- forms


def _by_windows(rule, geometry=lambda f, s: (f, s), keep=lambda *_: True):
    """Return pooling's backward pass, window by window: what each pixel is paid is added."""

    def backward(dz, x, *, size, stride):
        f, s = geometry(pair(size), pair(stride))
        dx = np.zeros(x.shape)
        for i, j in np.ndindex(dz.shape[1:3]):
            window = np.s_[:, i * s[0] : i * s[0] + f[0], j * s[1] : j * s[1] + f[1]]
            if x[window].size and keep(dz, x, i, j, window):
                dx[window] += rule(x[window]) * dz[:, i : i + 1, j : j + 1]
        return dx

    return backward


def _overwritten(rule, by_offsets, zeros):
    """Return pooling with `=` for `+=`: by windows or offsets, with or without zeros for the others."""

    def backward(dz, x, *, size, stride):
        f, s = pair(size), pair(stride)
        dx = np.zeros(x.shape)
        terms = []
        for i, j in np.ndindex(dz.shape[1:3]):
            window = x[:, i * s[0] : i * s[0] + f[0], j * s[1] : j * s[1] + f[1]]
            paid = rule(window)
            for u, v in np.ndindex(f):
                order = (u, v, i, j) if by_offsets else (i, j, u, v)
                term = paid[:, u, v] * dz[:, i, j]
                terms.append((order, i * s[0] + u, j * s[1] + v, term, paid[:, u, v] != 0))
        for _, row, column, term, wins in sorted(terms, key=lambda term: term[0]):
            dx[:, row, column] = term if zeros else np.where(wins, term, dx[:, row, column])
        return dx

    return backward


def _one_mask(n):
    """Return max pooling with the winner of the first window, 0, or of the last, −1, for all of them."""

    def backward(dz, x, *, size, stride):
        f, s = pair(size), pair(stride)
        i, j = n * (1 - dz.shape[1]), n * (1 - dz.shape[2])
        mask = _first(x[:, i * s[0] : i * s[0] + f[0], j * s[1] : j * s[1] + f[1]])
        return _by_windows(lambda window: mask)(dz, x, size=size, stride=stride)

    return backward


def _exchanged(dz, x, *, size, stride):
    """Return dx made with the height for the width and the other way round, and put in shape again."""
    right = _by_windows(_first)(dz, x, size=size, stride=stride)
    M, W, H, C = x.shape
    dx = np.zeros((M, H, W, C))
    rows, columns = min(H, W), min(H, W)
    dx[:, :rows, :columns] = right[:, :rows, :columns]
    return dx.reshape(x.shape)


def _only_above(start, right):
    """Return max pooling of a maximum that starts at a number: where no pixel reaches it none is paid."""

    def backward(dz, x, *, size, stride):
        z = pool_forward(x, size=size, stride=stride, mode="max")
        return right(dz * (z >= start), x, size=size, stride=stride)

    return backward


def _inside_a_square(dz, x, i, j, window):
    """Whether a window lies in the columns that there would be if the image were square."""
    return window[2].stop <= x.shape[1]


def _as_often_as_rows(dz, x, i, j, window):
    return j < dz.shape[1]


def _common_forms(rule):
    """Return the mistakes that max and average pooling share."""
    tie = "of the pairs (rows, columns) the number for the columns is used for both axes"
    exchanged = (
        "of the pairs (rows, columns) the first number is used for the columns, and the second for the rows"
    )
    forms = [
        ("pool.overlap_overwritten", _overwritten(rule, by_offsets, zeros), "")
        for by_offsets in (False, True)
        for zeros in (False, True)
    ]
    return [
        *forms,
        ("pool.stride_ignored", _by_windows(rule, lambda f, s: (f, f)), ""),
        ("pool.rows_for_both", _by_windows(rule, lambda f, s: ((f[0],) * 2, (s[0],) * 2)), ""),
        ("pool.rows_for_both", _by_windows(rule, lambda f, s: ((f[0],) * 2, s)), OF_ROWS.format("size")),
        ("pool.rows_for_both", _by_windows(rule, lambda f, s: (f, (s[0],) * 2)), OF_ROWS.format("stride")),
        ("pool.rows_for_both", _by_windows(rule, lambda f, s: ((f[1],) * 2, (s[1],) * 2)), tie),
        ("pool.rows_for_both", _by_windows(rule, lambda f, s: (f[::-1], s[::-1])), exchanged),
        ("pool.height_for_width", _by_windows(rule, keep=_inside_a_square), SQUARE),
        ("pool.height_for_width", _by_windows(rule, keep=_as_often_as_rows), ""),
    ]


ONE_PAID = "one pixel of all channels is paid; each channel has a maximum of its own"
TOO_HIGH = "windows far below zero get no gradient: the running maximum starts at a number above them"
SQUARE = (
    "windows further to the right than the image is high get no gradient: the height stands for the width"
)
OF_ROWS = "of the {}'s pair (rows, columns) the number for the rows is used for both axes"


def pool_forms(right):
    """Return the forms of the known mistakes about max pooling, whose right backward pass is given."""
    tied = "where windows overlap, dx keeps one of the terms, and every pixel that ties is paid: two mistakes"
    forms = [
        *_common_forms(_first),
        ("pool.every_tie", _by_windows(_every), ""),
        ("pool.isclose_mask", _by_windows(_close), ""),
        ("pool.always_the_last", _by_windows(_always(-1, -1)), ""),
        ("pool.always_the_last", _by_windows(_always(0, 0)), "the gradient always goes to the first pixel"),
        ("pool.one_mask_for_all_windows", _one_mask(0), ""),
        ("pool.one_mask_for_all_windows", _one_mask(-1), ""),
        ("pool.height_and_width_exchanged", _exchanged, ""),
        ("pool.one_winner_for_all_channels", _by_windows(_of_one_channel), ONE_PAID),
        ("pool.running_maximum_from_zero", _only_above(0, right), ""),
        ("pool.running_maximum_from_zero", _only_above(-1e5, right), TOO_HIGH),
    ]
    one = "all channels get the winner of {}; each channel has a maximum of its own"
    for together, which in (
        (lambda window: window.sum(axis=3, keepdims=True), "their sum"),
        (lambda window: window.max(axis=3, keepdims=True), "their maximum"),
        (lambda window: window[..., :1], "the first one"),
        (lambda window: window[..., -1:], "the last one"),
    ):
        winner = _by_windows(_of_all_channels(together))
        forms.append(("pool.one_winner_for_all_channels", winner, one.format(which)))
    for by_offsets in (False, True):
        for zeros in (False, True):
            forms.append(("pool.overlap_overwritten", _overwritten(_every, by_offsets, zeros), tied))
    chosen = selections(NAMES, right, ("dx",), channels="channel")
    return [*(Form(name, ALL, wrong, said) for name, wrong, said in forms), *chosen]


def average_forms(right):
    """Return the forms of the known mistakes about average pooling."""
    forms = [
        *_common_forms(_equal),
        ("pool.shared_in_proportion", _by_windows(_proportion), ""),
        ("pool.average_not_divided", _by_windows(lambda window: np.ones(window.shape)), ""),
    ]
    chosen = selections(NAMES, right, ("dx",), channels="channel")
    return [*(Form(name, ALL, wrong, said) for name, wrong, said in forms), *chosen]
