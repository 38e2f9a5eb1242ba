"""Mistakes in a convolution's forward pass, in every form: functions (x, w, b, **options) -> z."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._forms import selected_outputs
from backprop_helpers.checking.exercises._inputs import mistakes, pair, suspect, written

PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}


def forward(x, w, b, **options):
    """Return the right z."""
    return layers.conv_forward(x, w, b, **(PLAIN | options))[0]


#: Of one image and one kernel as well.
OF_ONE_KERNEL = """
correlate.bias_forgotten = forward(x, w, 0 * b, **options)
the bias is missing
? set the kernel to zero: what should the output be?
correlate.bias_subtracted = forward(x, w, -b, **options)
the bias is subtracted; it is added
? set the kernel to zero: what should the output be?
correlate.last_term_only = forward(x, only(w, np.s_[-1:, -1:]), b, **options)
only the last weight counts in the output (`=`): the terms of all of them have to be added (`+=`)
? how many products make up one entry of the output?
correlate.first_term_only = forward(x, only(w, np.s_[:1, :1]), b, **options)
only the first weight counts in the output: the terms of all of them have to be added
? how many products make up one entry of the output?
correlate.averaged = forward(x, w / (w.shape[0] * w.shape[1]), b, **options)
the products are averaged; the formula adds them
? image and kernel of ones: what should the output be without a bias?
correlate.bias_in_the_loop = forward(x, w, b, **options) + _still_to_come(x, w, b, **options)
the bias is added to the whole output once a window: is its line inside the loop?
? how often is the bias added to the first entry?
correlate.kernel_transposed = forward(x, w.swapaxes(0, 1), b, **options)
the rows of the kernel meet the columns of the window
? a kernel of a single row: in which direction does it look?
for: w.shape[0] == w.shape[1]
correlate.rows_reversed_only = forward(x, w[::-1], b, **options)
the rows of the kernel are reversed
? a kernel [[1], [0]]: which of the two pixels does it copy?
correlate.columns_reversed_only = forward(x, w[:, ::-1], b, **options)
the columns of the kernel are reversed
? a kernel [[1, 0]]: which of the two pixels does it copy?
correlate.one_window_short = forward(x, w, b, **options)[:, :-1, :-1]
the last row and the last column of windows are missing: H − F + 1 fit, not H − F
? how many windows of 2 fit into a row of 3?
"""

WITHOUT_PADDING = """
correlate.padded = forward(x, w, b, padding="same")
the output is as large as the input: the image was padded, and here no padding is asked for
? does every position of the kernel lie inside the image?
"""

OF_CHANNELS = """
correlate_channels.first_channel_only = forward(x[..., :1], w[:, :, :1], b, **options)
only the first channel of the image is read; the sum runs over all of them
? set the first channel to zero: does anything come out?
correlate_channels.same_channel_for_all = forward(x, np.repeat(w[:, :, :1], w.shape[2], axis=2), b, **options)
all channels of the image meet the kernel's first channel: w has lost its index c
? set the kernel's second channel to zero: does anything change?
correlate_channels.last_channel_only = forward(x[..., -1:], w[:, :, -1:], b, **options)
only the last channel of the image counts: is there an `=` where `+=` belongs?
? set the last channel to zero: does anything come out?
correlate_channels.first_bias_only = forward(x, w, np.full_like(b, b[0]), **options)
every filter gets the first bias; b has one for each of them
? set w to zero: what should the second output channel be?
correlate_channels.channels_averaged = forward(x, w / x.shape[3], b, **options)
the channels are averaged; the formula adds them
? give all channels the same numbers: by how much does the output grow with each channel?
correlate_channels.same_filter_for_all = forward(x, np.repeat(w[..., :1], w.shape[3], axis=3), b, **options)
every output channel has the first filter's numbers: w has lost its index k
? set the second filter to zero: is the second output channel its bias alone?
correlate_channels.patches_channel_first = forward(x, channel_first(w), b, **options)
the patches count (c, u, v) and the kernel (u, v, c): the products pair each weight with another pixel
? which entry of w is the second one of w.reshape(-1, K)?
"""

OF_GEOMETRY = """
conv.padding_not_zero = _padded_with(constant_values=number)(x, w, b, **options)
the image is padded with {number}, not with zeros
fit: share_of(got[0] - right[0], _padded_with(constant_values=1)(x, w, b, **options) - right[0])
conv_forward.stride_ignored = _with(stride=1)(x, w, b, **options)
the stride is not used: there are as many outputs as at stride 1
? with stride 2, which pixel is the first that Z[0, 1] reads?
conv_forward.dilation_ignored = _with(dilation=1)(x, w, b, **options)
the dilation is not used: the windows read neighbouring pixels
? with dilation 2, which pixels does Z[0, 0] read?
conv_forward.padding_ignored = _with(padding=0)(x, w, b, **options)
the padding is not used
? with padding 1, does Z[0, 0] read a zero?
conv_forward.odd_padding_on_top = _odd_padding_first(x, w, b, **options)
an odd number of zeros has the extra one on top and on the left; "same" puts it at the bottom and right
? with a kernel of two and "same" padding: does Z[0, 0] read a zero?
conv_forward.stride_of_rows_for_both = _with(stride=_rows)(x, w, b, **options)
of the stride's pair (rows, columns) the number for the rows is used for both axes
? stride (2, 1): are there fewer rows, or fewer columns?
conv_forward.dilation_of_rows_for_both = _with(dilation=_rows)(x, w, b, **options)
of the dilation's pair (rows, columns) the number for the rows is used for both axes
? dilation (2, 1): are the rows further apart, or the columns?
conv_forward.padding_of_rows_for_both = _with(padding=_rows)(x, w, b, **options)
of the padding's pair (rows, columns) the number for the rows is used for both axes
? padding (1, 0): are there zeros above the image, or to its left?
conv_forward.rows_for_both = _with(stride=_rows, dilation=_rows, padding=_rows)(x, w, b, **options)
of the pairs (rows, columns) the number for the rows is used for both axes
? stride (2, 1): are there fewer rows, or fewer columns?
conv_forward.exchanged = _with(stride=_turned, dilation=_turned, padding=_turned)(x, w, b, **options)
of the pairs (rows, columns) the first number is used for the columns
? stride (2, 1): are there fewer rows, or fewer columns?
"""


def _still_to_come(x, w, b, **options):
    """Return what the bias adds to each entry if it is added to all of an image once a window."""
    rows, columns = forward(x, w, b, **options).shape[1:3]
    return np.arange(rows * columns)[::-1].reshape(rows, columns, 1) * b


def only(w, keep):
    """Return w with zeros but for a part."""
    one = np.zeros(w.shape)
    one[keep] = w[keep]
    return one


def channel_first(w):
    """Return w with its numbers read as if channels came first."""
    F_h, F_w, C, K = w.shape
    return w.reshape(C, F_h, F_w, K).transpose(1, 2, 0, 3)


def _rows(option):
    return option if isinstance(option, str) else pair(option)[0]


def _turned(option):
    return option if isinstance(option, str) else pair(option)[::-1]


def _with(**changed):
    """Return the forward pass with some of its options replaced: by a value, or by what makes one of it."""

    def wrong(x, w, b, **options):
        made = {key: new(options[key]) if callable(new) else new for key, new in changed.items()}
        return forward(x, w, b, **(options | made))

    return wrong


def pads_of(x, w, *, stride, padding, dilation):
    """Return the rows and columns of zeros: (top, bottom, left, right)."""
    return layers.resolve_padding(padding, x.shape[1:3], w.shape[:2], stride=stride, dilation=dilation)


def padded(x, pads, **numbers):
    """Return images with a rim of zeros, or of other numbers."""
    top, bottom, left, right = pads
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), **numbers)


def _padded_with(**numbers):
    """Return the forward pass with other numbers around the image."""

    def wrong(x, w, b, **options):
        rim = padded(x, pads_of(x, w, **options), **numbers)
        return forward(rim, w, b, **(options | {"padding": 0}))

    return wrong


def _odd_padding_first(x, w, b, **options):
    top, bottom, left, right = pads_of(x, w, **options)
    return forward(padded(x, (bottom, top, right, left)), w, b, **(options | {"padding": 0}))


RIMS = ("edge", "reflect", "symmetric", "wrap", "mean", "maximum", "minimum")


def one_kernel_mistakes(adapt=lambda wrong: wrong, several=True):
    """Return the mistakes with one image and one kernel, each made to fit by `adapt`."""
    return (
        suspect("conv.kernel_flipped_forward", lambda wrong: adapt(_at_stride_1(wrong))),
        suspect("conv.bias_in_every_term", lambda wrong: adapt(_at_stride_1(wrong))),
        *mistakes(OF_ONE_KERNEL, "x, w, b, **options", globals(), adapt),
        *selected_outputs("correlate", forward, adapt, several),
    )


def channel_mistakes():
    """Return the mistakes with several images, channels and filters."""
    return (
        suspect("conv.bias_in_every_channel", _at_stride_1),
        *mistakes(OF_CHANNELS, "x, w, b, **options", globals()),
    )


def unpadded_mistakes(adapt=lambda wrong: wrong):
    """Return the mistakes of whoever pads where nothing is to be padded."""
    return mistakes(WITHOUT_PADDING, "x, w, b", globals(), adapt)


def geometry_mistakes():
    """Return the mistakes with stride, padding and dilation."""
    return (
        *mistakes(OF_GEOMETRY, "x, w, b, **options", globals()),
        *(written("conv.padding_not_zero", _padded_with(mode=mode)) for mode in RIMS),
    )


def _at_stride_1(wrong):
    return lambda x, w, b, **options: wrong(x, w, b, **(PLAIN | options))
