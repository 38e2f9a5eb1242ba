"""Mistakes in a convolution's backward pass, in every form: functions (dz, x, w, **options) -> dx, dw, db."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._forms import ALL, Form, in_part, selections
from backprop_helpers.checking.exercises._forward_forms import RIMS, channel_first, only, padded, pads_of
from backprop_helpers.checking.exercises._inputs import mistakes, pair

PARTS = ("dx", "dw", "db")


def conv_backward(dz, x, w, **options):
    """Return the right dx, dw and db."""
    _, cache = layers.conv_forward(x, w, np.zeros(w.shape[3]), **options)
    return layers.conv_backward(dz, cache)


def general_forms():
    """Return the forms, those about dx first."""
    names = {
        "first window": "conv.returns_in_the_loop",
        "last window": "conv.last_window_only",
        "first example": "conv.first_example_only",
        "last example": "conv.last_example_only",
        "first filter": "conv.one_filter_only",
        "last filter": "conv.one_filter_only",
    }
    return [*_dx_forms(), *_dw_forms(), *_db_forms(), *_geometry(), *selections(names, conv_backward, PARTS)]


# --- dx


def _dx_forms():
    """Return dx with another kernel, with terms overwritten, or cut out in another place."""
    kernels = (
        ("conv.no_rotation", lambda w: w[::-1, ::-1], None),
        ("conv.rows_reversed_only", lambda w: w[::-1], None),
        ("conv.rows_reversed_only", lambda w: w[:, ::-1], None),
        ("conv.kernel_transposed", lambda w: w.swapaxes(0, 1), _square),
        ("conv.kernel_transposed", lambda w: w.swapaxes(0, 1)[::-1, ::-1], _square),
        ("conv.kernel_transposed", lambda w: w.swapaxes(0, 1)[::-1], _square),
        ("conv.kernel_transposed", lambda w: w.swapaxes(0, 1)[:, ::-1], _square),
        ("conv.channels_reversed_too", lambda w: w[:, :, ::-1], None),
        ("conv.channels_reversed_too", lambda w: w[:, :, ::-1, ::-1], None),
        ("conv.channels_not_exchanged", _read_as_exchanged, None),
        ("conv.channels_not_exchanged", lambda w: w.swapaxes(2, 3), _as_many_filters),
        ("conv.filter_index_dropped", lambda w: np.repeat(w[..., :1], w.shape[3], axis=3), None),
        ("conv.patches_channel_first", channel_first, None),
    )
    forms = [Form(name, 0, _with_kernel(of), "", applies) for name, of, applies in kernels]
    for name, keep in (("first", np.s_[:1, :1]), ("last", np.s_[-1:, -1:])):
        said = f"only the {name} weight of each kernel counts in dx: is there an `=` where `+=` belongs?"
        forms.append(
            Form("conv.overlap_overwritten", 0, _with_kernel(lambda w, keep=keep: only(w, keep)), said)
        )
    for order in (_window_by_window, _offset_by_offset):
        for filters in (np.s_[:], np.s_[-1:]):
            function = _overwritten(order, filters)
            forms.append(Form("conv.overlap_overwritten", 0, in_part(0, conv_backward, function)))
    forms.append(Form("conv.odd_padding_on_top", 0, in_part(0, conv_backward, _odd_padding_on_top)))
    forms.append(Form("conv.unpads_with_minus_pad", 0, _assigns_what_is_left))
    return forms


def _square(case):
    w = case.arguments[-1]
    return w.shape[0] == w.shape[1]


def _as_many_filters(case):
    w = case.arguments[-1]
    return w.shape[2] == w.shape[3]


def _read_as_exchanged(w):
    """Return w with its numbers read as if filters came before channels."""
    F_h, F_w, C, K = w.shape
    return w.reshape(F_h, F_w, K, C).swapaxes(2, 3)


def _with_kernel(kernel_of):
    """Return the backward pass with the dx of another kernel."""
    return in_part(
        0, conv_backward, lambda dz, x, w, **options: conv_backward(dz, x, kernel_of(w), **options)
    )


def _geometry_of(dz, x, w, stride, padding, dilation):
    """Return (top, bottom, left, right), and stride and dilation as pairs."""
    pads = pads_of(x, w, stride=stride, padding=padding, dilation=dilation)
    return pads, pair(stride), pair(dilation)


def _slices(places, steps, lengths, gaps):
    """Yield ((i, j), rows, columns) for each place: slices so long, with such gaps, from so many steps on."""
    for place in np.ndindex(places):
        yield (
            place,
            *(
                slice(n * step, n * step + gap * (length - 1) + 1, gap)
                for n, step, length, gap in zip(place, steps, lengths, gaps)
            ),
        )


def _window_by_window(dx, dz, w, s, d):
    for (i, j), rows, columns in _slices(dz.shape[1:3], s, w.shape, d):
        dx[:, rows, columns] = np.einsum("uvck,mk->muvc", w, dz[:, i, j])


def _offset_by_offset(dx, dz, w, s, d):
    for (u, v), rows, columns in _slices(w.shape[:2], d, dz.shape[1:3], s):
        dx[:, rows, columns] = dz @ w[u, v].T


def _overwritten(order, filters):
    """Return dx with `=` for `+=`, in the order of the windows or of the offsets; of some filters alone."""

    def backward(dz, x, w, *, stride, padding, dilation):
        pads, s, d = _geometry_of(dz, x, w, stride, padding, dilation)
        whole = padded(np.zeros(x.shape), pads)
        order(whole, dz[..., filters], w[..., filters], s, d)
        return (_without_rim(whole, x, pads[0], pads[2]),)

    return backward


def _without_rim(whole, x, top, left):
    """Return the part of a padded image, from a row and a column on, that is as large as x."""
    return whole[:, top : top + x.shape[1], left : left + x.shape[2]]


def _odd_padding_on_top(dz, x, w, *, stride, padding, dilation):
    """Return dx cut out of the padded one as if the larger part of the rim were above and on the left."""
    pads, _, _ = _geometry_of(dz, x, w, stride, padding, dilation)
    rim = padded(np.zeros(x.shape), pads)
    whole = conv_backward(dz, rim, w, stride=stride, padding="valid", dilation=dilation)[0]
    return (_without_rim(whole, x, pads[1], pads[3]),)


def _assigns_what_is_left(dz, x, w, *, stride, padding, dilation):
    """Assign the padded dx without its rim to dx, which raises an error where there is no rim."""
    (top, bottom, left, right), _, _ = _geometry_of(dz, x, w, stride, padding, dilation)
    rim = padded(x, (top, bottom, left, right))
    whole, dw, db = conv_backward(dz, rim, w, stride=stride, padding="valid", dilation=dilation)
    dx = np.zeros(x.shape)
    for m in range(len(x)):
        dx[m] = whole[m, top:-bottom, left:-right]
    return dx, dw, db


# --- dw and db


def _dw_forms():
    """Return dw turned, averaged, in another order, of other zeros around the image."""
    changes = (
        ("conv.dw_rotated", lambda dw, dz: dw[::-1, ::-1]),
        ("conv.patches_channel_first", lambda dw, dz: dw.transpose(2, 0, 1, 3).reshape(dw.shape)),
        ("conv.patches_channel_first", lambda dw, dz: channel_first(dw)),
        ("conv.dw_transposed", lambda dw, dz: dw.swapaxes(0, 1)),
        ("conv.divided_by_m_again", lambda dw, dz: dw / len(dz)),
        ("conv.dw_averaged", lambda dw, dz: dw / (dz.shape[1] * dz.shape[2])),
        ("conv.dw_averaged", lambda dw, dz: dw / (dz.size / dz.shape[3]), OVER_ALL),
    )
    forms = []
    for name, change, *said in changes:
        said = DIVIDED.format("dw") if name == "conv.divided_by_m_again" else "".join(said)
        applies = _square if name == "conv.dw_transposed" else None
        forms.append(Form(name, 1, _changed(1, change), said, applies))
    dx_divided = _changed(0, lambda dx, dz: dx / len(dz))
    forms.append(Form("conv.divided_by_m_again", 0, dx_divided, DIVIDED.format("dx")))
    forms.append(Form("conv.divided_by_m_again", ALL, _all_divided, DIVIDED.format("everything")))
    return forms + [Form("conv.padding_not_zero", 1, _padded_by(mode=mode)) for mode in RIMS]


OVER_ALL = "dw is a mean over examples and positions; a nudge of a weight moves all of them, so they add up"
DIVIDED = "{} is divided by M, though the 1/M of the mean loss is already in dz: M times too small"


def _all_divided(dz, x, w, **options):
    return tuple(gradient / len(dz) for gradient in conv_backward(dz, x, w, **options))


def _changed(part, change):
    def backward(dz, x, w, **options):
        results = list(conv_backward(dz, x, w, **options))
        results[part] = change(results[part], dz)
        return tuple(results)

    return backward


def _padded_by(**numbers):
    def wrong(dz, x, w, **options):
        rim = padded(x, pads_of(x, w, **options), **numbers)
        return conv_backward(dz, rim, w, **(options | {"padding": 0}))

    return in_part(1, conv_backward, wrong)


PADDED_WITH = """
conv.padding_not_zero = _padded_by(constant_values=number)(dz, x, w, **options)
the image is padded with {number}, not with zeros
fit: share_of(got[1] - right[1], _padded_by(constant_values=1)(dz, x, w, **options)[1] - right[1])
"""


def number_around():
    """Return the mistake of another number than zero around the image, in dw."""
    return mistakes(PADDED_WITH, "dz, x, w, **options", globals())


def _db_forms():
    """Return db that is averaged, not summed over all three axes, one number, or of another shape."""
    changes = (
        ("conv.bias_averaged", lambda db, dz: dz.mean(axis=(0, 1, 2)), ""),
        ("conv.bias_averaged", lambda db, dz: dz.mean(axis=(1, 2)).sum(axis=0), POSITIONS),
        ("conv.divided_by_m_again", lambda db, dz: db / len(dz), DIVIDED.format("db")),
        ("conv.bias_one_number", lambda db, dz: np.full(db.shape, dz.sum()), ""),
        ("conv.bias_one_number", lambda db, dz: dz.sum(), ONE),
        ("conv.bias_squeezed", lambda db, dz: db.squeeze(), ""),
        ("conv.bias_not_summed", lambda db, dz: dz, ""),
        ("conv.bias_not_summed", lambda db, dz: dz.sum(axis=(1, 2)), EXAMPLES),
        ("conv.bias_not_summed", lambda db, dz: dz.sum(axis=(0, 1)), COLUMNS),
        ("conv.bias_over_examples_only", lambda db, dz: dz.sum(axis=0), ""),
        ("conv.bias_axes_kept", lambda db, dz: dz.sum(axis=(0, 1, 2), keepdims=True), ""),
        ("conv.bias_axes_kept", lambda db, dz: db[None], ""),
        ("conv.bias_axes_kept", lambda db, dz: db[:, None], ""),
    )
    return [Form(name, 2, _changed(2, change), said) for name, change, said in changes]


POSITIONS = "db is a mean over the positions; a nudge of the bias moves all of them, so they add up"
ONE = "db is one number, the sum of everything; there is one bias per filter"
EXAMPLES = "db has one row an example; all examples share the bias, so they are summed too"
COLUMNS = "db is not summed over the columns; all positions share the bias"


# --- stride, padding and dilation


def _geometry():
    """Return the forms that use another stride or dilation on the way back, in all results or in one."""
    settings = (
        ("conv.stride_ignored", lambda s, d: ((1, 1), d), ""),
        ("conv.stride_ignored_on_one_axis", lambda s, d: ((s[0], 1), d), ""),
        ("conv.stride_ignored_on_one_axis", lambda s, d: ((1, s[1]), d), ""),
        ("conv.rows_for_both", lambda s, d: ((s[0], s[0]), (d[0], d[0])), ""),
        ("conv.rows_for_both", lambda s, d: ((s[0], s[0]), d), OF_ROWS.format("stride")),
        ("conv.rows_for_both", lambda s, d: (s, (d[0], d[0])), OF_ROWS.format("dilation")),
        ("conv.rows_for_both", lambda s, d: ((s[1], s[1]), (d[1], d[1])), OF_COLUMNS),
        ("conv.dilation_ignored", lambda s, d: (s, (1, 1)), ""),
        ("conv.dilation_ignored", lambda s, d: (s, (d[0], 1)), "the dilation of the columns is not used"),
        ("conv.dilation_ignored", lambda s, d: (s, (1, d[1])), "the dilation of the rows is not used"),
    )
    forms = []
    for name, change, said in settings:
        wrong = _with_geometry(change)
        applies = _inside(change)
        forms.append(Form(name, ALL, wrong, said, applies))
        forms += [Form(name, p, in_part(p, conv_backward, wrong), said, applies) for p in (0, 1)]
    return forms


def _inside(change):
    """Return whether in a case all windows stay inside: beyond the edge code may raise, or leave them out."""

    def applies(case):
        dz, x, w = case.arguments
        pads, s, d = _geometry_of(dz, x, w, **case.options)
        s, d = change(s, d)
        return all(
            (dz.shape[axis] - 1) * s[axis - 1] + d[axis - 1] * (w.shape[axis - 1] - 1)
            < x.shape[axis] + sum(pads[2 * axis - 2 : 2 * axis])
            for axis in (1, 2)
        )

    return applies


OF_ROWS = "of the {}'s pair (rows, columns) the number for the rows is used for both axes"
OF_COLUMNS = "of the pairs (rows, columns) the number for the columns is used for both axes"


def _with_geometry(change):
    """Return the backward pass by windows, which stand where another stride and dilation put them."""

    def backward(dz, x, w, *, stride, padding, dilation):
        pads, s, d = _geometry_of(dz, x, w, stride, padding, dilation)
        s, d = change(s, d)
        rim = padded(x, pads)
        dx, dw = np.zeros(rim.shape), np.zeros(w.shape)
        for (i, j), rows, columns in _slices(dz.shape[1:3], s, w.shape, d):
            dw += np.einsum("muvc,mk->uvck", rim[:, rows, columns], dz[:, i, j])
            dx[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])
        return _without_rim(dx, x, pads[0], pads[2]), dw, dz.sum(axis=(0, 1, 2))

    return backward
