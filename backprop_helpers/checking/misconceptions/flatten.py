"""Flatten: the same numbers in another order."""

from backprop_helpers.checking.misconceptions._catalogue import Misconception
from backprop_helpers.checking.misconceptions._inputs import irregular

RESHAPE = "    dx = dy.reshape(x.shape)"

MISCONCEPTIONS = (
    Misconception(
        name="flatten.channels_first",
        base="flatten_backward",
        diagnosis="the entries are put back channel by channel; they were laid out pixel by pixel, channels "
        "last",
        hint="fill x with 0, 1, 2, ..., go forward and back: is x what comes out?",
        changes={RESHAPE: "    M, H, W, C = x.shape\n    dx = dy.reshape(M, C, H, W).transpose(0, 2, 3, 1)"},
        example=lambda: (irregular(1, 1, 2, 2),),
    ),
    Misconception(
        name="flatten.column_by_column",
        base="flatten_backward",
        diagnosis='the entries are put back column by column (order="F"); they were laid out row by row',
        hint="fill x with 0, 1, 2, ..., go forward and back: is x what comes out?",
        changes={RESHAPE: '    dx = dy.reshape(x.shape, order="F")'},
        example=lambda: (irregular(1, 2, 2, 1),),
    ),
)
