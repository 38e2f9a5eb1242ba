"""Pooling: ties, overlaps, remainders, and reshapes with the right shape and the wrong windows."""

import numpy as np

from backprop_helpers.checking.misconceptions._catalogue import POST, SECOND_POST, Misconception
from backprop_helpers.checking.misconceptions._inputs import irregular

TWO_BY_TWO = {"size": 2, "stride": 2, "mode": "max"}
PAIRS = {"size": (1, 2), "stride": (1, 2), "mode": "max"}  # windows of two pixels side by side
TO_THE_WINNER = "                        dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]\n"
WINNER = "u, v = np.unravel_index(window.argmax(), window.shape)"
ZEROS = "    dx = np.zeros(x.shape)\n"


def _row(*pixels):
    """Return an image of one row, as (M, H, W, C)."""
    return (np.array(pixels, float).reshape(1, 1, -1, 1),)


def _mask(comparison):
    return f"""
        def pool_backward(dz, x, *, size=2, stride=2, mode="max"):
            M, H, W, C = x.shape
            z = x.reshape(M, H // 2, 2, W // 2, 2, C).max(axis=(2, 4))
            z_on_x = z.repeat(2, axis=1).repeat(2, axis=2)
            mask = {comparison}
            dx = mask * dz.repeat(2, axis=1).repeat(2, axis=2)
            return dx
    """


MISCONCEPTIONS = (
    Misconception(
        name="pool.isclose_mask",
        base="pool_backward_by_mask",
        diagnosis="the mask is isclose(x, maximum): every pixel that ties, or nearly ties, gets the whole "
        "gradient",
        hint="for an image of equal pixels: what does dx sum to, and what does dz sum to?",
        seen=f"{POST}, pool_forward; discussed in Theano#5248, three conventions in tensorflow#4886",
        code=_mask("np.isclose(x, z_on_x)"),
        options=TWO_BY_TWO,
        example=lambda: (np.array([[1.0, 1.0 + 5e-6], [0.0, -1.0]]).reshape(1, 2, 2, 1),),
        also_seen_by=("conservation",),
    ),
    Misconception(
        name="pool.every_tie",
        base="pool_backward_by_mask",
        diagnosis="the mask is x == maximum: every pixel that ties gets the whole gradient",
        hint="for an image of equal pixels: what does dx sum to, and what does dz sum to?",
        seen=f"{SECOND_POST}: MaxPoolLayer, the first version",
        code=_mask("x == z_on_x"),
        options=TWO_BY_TWO,
        example=lambda: (np.array([[1.0, 1.0], [0.0, -1.0]]).reshape(1, 2, 2, 1),),
        also_seen_by=("conservation",),
    ),
    Misconception(
        name="pool.average_over_wrong_axes",
        base="pool_forward_by_reshape",
        diagnosis="after the first mean the axes have moved up by one: the second mean runs over another "
        "axis",
        hint="print the shape after each mean",
        seen=f'{POST}: mode="average"',
        changes={"patches.mean(axis=(2, 4))": "patches.mean(axis=3).mean(axis=4)"},
        options=TWO_BY_TWO | {"mode": "average"},
        example=lambda: (irregular(1, 2, 2, 1),),
    ),
    Misconception(
        name="pool.wrong_reshape",
        base="pool_forward_by_reshape",
        diagnosis="the reshape has the right shape, but its windows are made of pixels from other windows",
        hint="fill x with 0, 1, 2, 3, ... and print what your first window holds",
        seen="HIPS/autograd PR#245",
        changes={
            "x.reshape(M, H // 2, 2, W // 2, 2, C)": "x.reshape(M, H // 2, W // 2, 2, 2, C)",
            "patches.max(axis=(2, 4))": "patches.max(axis=(3, 4))",
            "patches.mean(axis=(2, 4))": "patches.mean(axis=(3, 4))",
        },
        options=TWO_BY_TWO,
        example=lambda: (irregular(1, 2, 4, 1),),
    ),
    Misconception(
        name="pool.overlap_overwritten",
        base="pool_backward_by_windows",
        diagnosis="dx is overwritten (`=`) where windows overlap; the terms have to be added (`+=`)",
        hint="size 2, stride 1: can one pixel be the maximum of two windows?",
        seen="0809zheng/CS231n-assignment2019#19",
        changes={TO_THE_WINNER: TO_THE_WINNER.replace("+=", "=")},
        options=PAIRS | {"stride": 1},
        example=lambda: _row(0, 3, 1),
        also_seen_by=("conservation",),
    ),
    Misconception(
        name="pool.always_the_last",
        base="pool_backward_by_windows",
        diagnosis="the gradient always goes to the bottom-right pixel of the window; right only where "
        "pixels increase",
        hint="try an image whose pixels decrease",
        seen="an implementation that passes a well-known course's fixed case (CS231n)",
        changes={WINNER: "u, v = F_h - 1, F_w - 1"},
        options=PAIRS,
        example=lambda: _row(1, 0),
    ),
    Misconception(
        name="pool.returns_in_the_loop",
        base="pool_backward_by_windows",
        diagnosis="return stands inside the loop: only the first window gets its gradient",
        hint="how often does the innermost line run?",
        seen='riccardoandreoni0/CNN-from-scratch#1 ("interestingly, the model as-is still converges")',
        changes={"    return dx\n": "                return dx\n"},
        options=PAIRS | {"size": 1, "stride": 1},
        example=lambda: _row(2, 1),
        also_seen_by=("conservation",),
    ),
    Misconception(
        name="pool.average_not_divided",
        base="pool_backward_by_windows",
        diagnosis="every pixel of the window gets the whole gradient; the average shares it out",
        hint="what does dx sum to, and what does dz sum to?",
        changes={"+= dz[m, i, j, c] / (F_h * F_w)": "+= dz[m, i, j, c]"},
        options=PAIRS | {"mode": "average"},
        example=lambda: _row(2, 1),
        also_seen_by=("conservation",),
    ),
    Misconception(
        name="pool.stride_ignored",
        base="pool_backward_by_windows",
        diagnosis="the windows of backward are one size apart, not one stride: right only where the two are "
        "equal",
        hint="size 1, stride 2: which pixel does the second window stand on?",
        changes={"np.broadcast_to(stride, 2)": "np.broadcast_to(size, 2)"},
        options=PAIRS | {"size": 1, "stride": 2},
        example=lambda: _row(1, 2, 3),
    ),
    Misconception(
        name="pool.one_winner_for_all_channels",
        base="pool_backward_by_windows",
        diagnosis="the maximum is looked for in the sum of the channels; each channel has a maximum of its "
        "own",
        hint="two channels, one increasing, one decreasing: where does each gradient go?",
        changes={"window = x[m, rows, columns, c]": "window = x[m, rows, columns].sum(axis=-1)"},
        options=PAIRS,
        example=lambda: (np.array([[5.0, 0.0], [0.0, 1.0]]).reshape(1, 1, 2, 2),),
    ),
    Misconception(
        name="pool.rows_and_columns_swapped",
        base="pool_backward_by_windows",
        diagnosis="the flat index of the maximum is unravelled with rows and columns exchanged: fits square "
        "windows only",
        hint="a window of 1 × 2 pixels: which (u, v) is its second pixel?",
        changes={WINNER: WINNER.replace("window.shape", "window.shape[::-1]")},
        options=PAIRS,
        example=lambda: _row(0, 1),
        also_seen_by=("conservation", "repeatability"),  # it raises an error, which its caller sees
    ),
    Misconception(
        name="pool.remainder_overrun",
        base="pool_forward_by_windows",
        diagnosis="the loop starts a window for the rows left over: odd sizes run over the edge of the "
        "output",
        hint="three rows, windows of two: how many whole windows are there?",
        seen=f"{SECOND_POST}: MaxPoolLayer, for i in range(0, h, size)",
        changes={
            "        for j in range(W_out):\n": "        for j in range(-(-W_in // s_w)):\n",
            "    for i in range(H_out):\n": "    for i in range(-(-H_in // s_h)):\n",
        },
        options=PAIRS,
        example=lambda: _row(1, 3, 2),
        unseen_by={"complex step": "it writes to an array of floats, which keeps no imaginary part"},
    ),
    Misconception(
        name="pool.remainder_forgotten",
        base="pool_backward_by_windows",
        diagnosis="dx has only the rows and columns that some window reads; the ones left over are missing",
        hint="three columns, windows of two: dx has the shape of x all the same",
        seen="for convolution: f-dangel/backpack#30; meta-pytorch/opacus#245",
        changes={ZEROS: "    dx = np.zeros((M, H_out * s_h, W_out * s_w, C))\n"},
        options=PAIRS,
        example=lambda: _row(1, 3, 2),
    ),
)
