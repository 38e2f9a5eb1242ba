"""Convolution: the rotation, the strides, the borders, the bias."""

from backprop_helpers.checking.misconceptions._catalogue import POST, Misconception
from backprop_helpers.checking.misconceptions._inputs import conv_arrays

PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}

ROTATED = "    rotated = w[::-1, ::-1]"
DB = "    db = dz.sum(axis=(0, 1, 2))"
CROP_OF_SLICES = "    dx = dx_padded[:, top : x_padded.shape[1] - bottom, left : x_padded.shape[2] - right]"
ROWS = "            rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)\n"
COLUMNS = "            columns = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)\n"
DW = '            dw += np.einsum("muvc,mk->uvck", window, dz[:, i, j])'
DX = '            dx_padded[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])'
CROP = "    dx = dx_padded[:, top : top + H_in, left : left + W_in]"
WINDOWS_OF_X = "x_padded[:, u : u + H_out, v : v + W_out]"
SQUARE_WINDOWS_OF_X = "x_padded[:, u : w_x - (F_h - 1 - u), v : w_x - (F_w - 1 - v)]"
ZEROS = "    dx_padded = np.zeros(x_padded.shape)"
ZEROS_AS_READ = """\
    rows_read = s_h * (dz.shape[1] - 1) + d_h * (F_h - 1) + 1
    columns_read = s_w * (dz.shape[2] - 1) + d_w * (F_w - 1) + 1
    dx_padded = np.zeros((M, rows_read, columns_read, C))"""
SUM = "            z += x_padded[:, rows][:, :, columns] @ w[u, v]\n    z += b\n"
SUM_WITH_BIAS = "            z += x_padded[:, rows][:, :, columns] @ w[u, v] + b\n"
LOOPS = """\
    for u in range(F_h):
        for v in range(F_w):
            rows = u * d_h + s_h * np.arange(H_out)
            columns = v * d_w + s_w * np.arange(W_out)
"""
SUM_OF_CHANNELS = """\
    for c in range(C):
        for u in range(F_h):
            for v in range(F_w):
                rows = u * d_h + s_h * np.arange(H_out)
                columns = v * d_w + s_w * np.arange(W_out)
                z += x_padded[:, rows][:, :, columns, c, None] * w[u, v, c]
        z += b
"""
PADDING = "    top, bottom, left, right = resolve_padding("

MISCONCEPTIONS = (
    Misconception(
        name="conv.no_rotation",
        base="conv_backward_by_slices",
        diagnosis="the kernel was not rotated by 180° for dx; right only where it is its own rotation",
        hint="write out which weight joins X[0, 0] to Z[0, 0], then which one joins the last pixel to it",
        seen="many hand-written convolution layers",
        changes={ROTATED: "    rotated = w"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.kernel_transposed",
        base="conv_backward_by_slices",
        diagnosis="the kernel was transposed for dx instead of rotated by 180°",
        hint="mark one corner of the kernel. Where does your step put it, and where does it have to go?",
        seen="a question and answer on the general case, left open there: 'transform (rotate?) the kernel'",
        changes={ROTATED: "    rotated = w.transpose(1, 0, 2, 3)"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 2, 2, 1), (2, 2, 1, 1)),
    ),
    Misconception(
        name="conv.rows_reversed_only",
        base="conv_backward_by_slices",
        diagnosis="only the kernel's rows were reversed for dx: a rotation by 180° reverses its columns too",
        hint="a kernel of a single row: what does your step do to it?",
        changes={ROTATED: "    rotated = w[::-1]"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.channels_reversed_too",
        base="conv_backward_by_slices",
        diagnosis="the rotation also reversed the channels; only rows and columns turn round",
        hint="use a 1×1 kernel: nothing is left to rotate. Is dx right then?",
        changes={ROTATED: "    rotated = w[::-1, ::-1, ::-1]"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 1, 2), (1, 1, 2, 1)),
    ),
    Misconception(
        name="conv.dw_rotated",
        base="conv_backward_by_slices",
        diagnosis="dw comes out rotated by 180°; only dx needs the rotation",
        hint="W[0, 0] meets which pixels on the way forward? The same ones have to make up dW[0, 0]",
        changes={"            dw[u, v] = ": "            dw[F_h - 1 - u, F_w - 1 - v] = "},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.height_for_width",
        base="conv_backward_by_windows",
        diagnosis="the height is used where the width belongs: right only for square images",
        hint="try an image of 1 × 2 pixels",
        seen="nd4j#2457",
        changes={"left : left + W_in]": "left : left + H_in]"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.square_slices",
        base="conv_backward_by_slices",
        diagnosis="the slices of x for dw take the width from the height: they fit square images only",
        hint="print the shape of the slice and of dz, for an image of 2 × 3 pixels",
        seen=f"{POST}: w_x = x_padded.shape[1]",
        changes={
            "    H_out, W_out = dz.shape[1], dz.shape[2]\n": "    w_x = x_padded.shape[1]\n",
            WINDOWS_OF_X: SQUARE_WINDOWS_OF_X,
        },
        options=PLAIN,
        example=lambda: conv_arrays((1, 2, 3, 1), (1, 1, 1, 1)),
        also_seen_by=("repeatability",),  # it raises an error, which its caller sees
    ),
    Misconception(
        name="conv.crops_half_a_kernel",
        base="conv_backward_by_slices",
        diagnosis='the border is cut off with f//2 : −(f//2): fits odd kernels with "same" padding only, '
        "and leaves nothing for a 1×1 kernel",
        hint="what is a[0:-0]?",
        seen=f"{POST}: [f//2:-(f//2)]",
        changes={
            CROP_OF_SLICES: "    half_h, half_w = F_h // 2, F_w // 2\n"
            "    dx = dx_padded[:, half_h:-half_h, half_w:-half_w]"
        },
        options=PLAIN | {"padding": "same"},
        example=lambda: conv_arrays((1, 1, 1, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.unpads_with_minus_pad",
        base="conv_backward_by_windows",
        diagnosis="the padding is cut off with pad : −pad, which is empty for pad = 0",
        hint="what is a[0:-0]?",
        seen="a well-known course's hint (deeplearning.ai); MrinmoiHossain#3",
        changes={CROP: "    dx = dx_padded[:, top:-bottom, left:-right]"},
        options=PLAIN | {"padding": 0},
        example=lambda: conv_arrays((1, 1, 1, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.stride_ignored",
        base="conv_backward_by_windows",
        diagnosis="backward does not use the stride: right at stride 1 only",
        hint="with stride 2, which pixel is the first that Z[0, 1] reads?",
        seen="Kulbear PR#34; enggen#7; sebgao/cTensor#3",
        changes={
            ROWS: "            rows = slice(i, i + d_h * (F_h - 1) + 1, d_h)\n",
            COLUMNS: "            columns = slice(j, j + d_w * (F_w - 1) + 1, d_w)\n",
        },
        options=PLAIN | {"stride": 2},
        example=lambda: conv_arrays((1, 1, 3, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.dilation_ignored",
        base="conv_backward_by_windows",
        diagnosis="backward does not use the dilation: it reads neighbouring pixels",
        hint="with dilation 2, which pixels does Z[0, 0] read?",
        seen="a library in which dilation above 1 was wrong for years (root-project/root#22474)",
        changes={
            ROWS: "            rows = slice(i * s_h, i * s_h + F_h)\n",
            COLUMNS: "            columns = slice(j * s_w, j * s_w + F_w)\n",
        },
        options=PLAIN | {"dilation": 2},
        example=lambda: conv_arrays((1, 1, 3, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.bias_in_every_term",
        base="conv_forward",
        diagnosis="the bias is added once a kernel element instead of once an output",
        hint="set w to zero: what should z be?",
        seen="a course's published answer, −23.16 where −6.999 is right (deeplearning.ai v1; Kulbear#32)",
        changes={SUM: SUM_WITH_BIAS},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.bias_in_every_channel",
        base="conv_forward",
        diagnosis="the bias is added once an input channel instead of once an output",
        hint="set w to zero: what should z be, for an image with three channels?",
        changes={LOOPS + SUM: SUM_OF_CHANNELS},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 1, 2), (1, 1, 2, 1)),
    ),
    Misconception(
        name="conv.filter_index_dropped",
        base="conv_backward_by_windows",
        diagnosis="dx uses the same filter for every output channel: W[u, v, c] has lost its index k",
        hint="each output channel came from a filter of its own. Which one does dZ[..., 1] go back through?",
        seen=f"{POST}, in the equation for ∂J/∂X",
        changes={
            DX: '            dx_padded[:, rows, columns] += np.einsum("uvc,mk->muvc", w[..., 0], dz[:, i, j])'
        },
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 1, 1), (1, 1, 1, 2)),
    ),
    Misconception(
        name="conv.remainder_forgotten",
        base="conv_backward_by_windows",
        diagnosis="dx has only the rows and columns that some window reads; the ones left over are missing",
        hint="with stride 2, does the last window reach the last pixel? dx has the shape of x all the same",
        seen="f-dangel/backpack#30; meta-pytorch/opacus#245",
        changes={ZEROS: ZEROS_AS_READ},
        options=PLAIN | {"stride": 2},
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.no_dx",
        base="conv_backward_by_windows",
        diagnosis="no gradient for the input is returned: two such layers cannot be stacked",
        hint="who needs dx, if there is a layer before this one?",
        seen="vzhou842/cnn-from-scratch#3",
        changes={"    return dx, dw, db": "    return None, dw, db"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 1, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.overlap_overwritten",
        base="conv_backward_by_windows",
        diagnosis="dx is overwritten (`=`) where windows overlap; the terms have to be added (`+=`)",
        hint="how many outputs does the middle pixel of three touch, with a kernel of two?",
        changes={DX: DX.replace("+=", "=")},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 3, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.last_window_only",
        base="conv_backward_by_windows",
        diagnosis="dw is overwritten by each window (`=`); a shared weight collects a term from every "
        "position (`+=`)",
        hint="how many outputs does one weight touch?",
        changes={DW: DW.replace("+=", "=")},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.bias_averaged",
        base="conv_backward_by_windows",
        diagnosis="db is a mean over examples and positions; a nudge of the bias moves all of them, so they "
        "add up",
        hint="nudge the bias by 1: by how much does the sum of all outputs change?",
        changes={DB: "    db = dz.mean(axis=(0, 1, 2))"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.bias_over_examples_only",
        base="conv_backward_by_windows",
        diagnosis="db is summed over the examples only; the bias is shared by all positions too",
        hint="how many biases has a filter?",
        changes={DB: "    db = dz.sum(axis=0)"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.divided_by_m_again",
        base="conv_backward_by_windows",
        diagnosis="dw and db are divided by M, though the 1/M of the mean loss is already in dz: M times "
        "too small",
        hint="the 1/M appears once in the loss. How often does it appear on the way back?",
        seen=f"common; {POST} has it in each layer and none in the loss",
        changes={
            DB: "    db = dz.sum(axis=(0, 1, 2)) / M",
            "    return dx, dw, db": "    return dx, dw / M, db",
        },
        options=PLAIN,
        example=lambda: conv_arrays((2, 1, 1, 1), (1, 1, 1, 1)),
    ),
    Misconception(
        name="conv.odd_padding_on_top",
        base="conv_backward_by_windows",
        diagnosis='for an even kernel "same" puts the odd row of zeros at the bottom and the right, not at '
        "the top and left",
        hint='with a kernel of two and "same" padding: does Z[0, 0] read a zero?',
        changes={PADDING: "    bottom, top, right, left = resolve_padding("},
        options=PLAIN | {"padding": "same"},
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
    Misconception(
        name="conv.kernel_flipped_forward",
        base="conv_forward",
        diagnosis="forward turns the kernel (a true convolution) while backward belongs to a "
        "cross-correlation",
        hint="X = [1, 0], W = [5, 7]: is Z[0, 0] = 5 or 7, in each of the two functions?",
        changes={"[:, :, columns] @ w[u, v]": "[:, :, columns] @ w[F_h - 1 - u, F_w - 1 - v]"},
        options=PLAIN,
        example=lambda: conv_arrays((1, 1, 2, 1), (1, 2, 1, 1)),
    ),
)
