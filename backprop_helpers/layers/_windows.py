"""Where a window stands on an image, with stride, padding and dilation (lesson 08)."""

from typing import NamedTuple

from backprop_helpers.layers._validate import as_int, as_pair, shown


class Windows(NamedTuple):
    """All the windows of one layer on one image.

    With its weight (u, v) the window of output (i′, j′) reads row i′·s_h + u·d_h − p_top and column
    j′·s_w + v·d_w − p_left of the image.
    """

    size: tuple[int, int]  # (F_h, F_w), a window's rows and columns
    stride: tuple[int, int]  # (s_h, s_w), the step from one window to the next
    dilation: tuple[int, int]  # (d_h, d_w), the step from one weight to the next
    padding: tuple[int, int, int, int]  # (p_top, p_bottom, p_left, p_right), the zeros around it
    count: tuple[int, int]  # (H_out, W_out), how many windows, below and beside each other

    def offsets(self):
        """Return every place (u, v) inside the window, in row-major order."""
        return [(u, v) for u in range(self.size[0]) for v in range(self.size[1])]

    def pixels_under(self, u, v):
        """Return the index of the padded image's pixels under place (u, v), one per window."""
        (s_h, s_w), (d_h, d_w), (H_out, W_out) = self.stride, self.dilation, self.count
        rows = slice(u * d_h, u * d_h + s_h * (H_out - 1) + 1, s_h)
        columns = slice(v * d_w, v * d_w + s_w * (W_out - 1) + 1, s_w)
        return slice(None), rows, columns


def place_windows(function, input_size, size, *, stride, padding, dilation, what="kernel (kernel_shape)"):
    """Return the `Windows` of a layer; a geometry that does not fit is an error.

    - function, what: how messages call the public function, and the window with the argument that sizes it
    - input_size, size: (rows, columns) of the image and of the window, already checked
    """
    (H_in, W_in), (F_h, F_w) = input_size, size
    (s_h, s_w), (d_h, d_w) = as_pair(function, "stride", stride), as_pair(function, "dilation", dilation)
    padding = pad_all_sides(function, padding, input_size, size, (s_h, s_w), (d_h, d_w))
    rows, columns = H_in + padding[0] + padding[1], W_in + padding[2] + padding[3]
    below, beside = rows - span(F_h, d_h), columns - span(F_w, d_w)  # how far the first window can move
    if below < 0 or beside < 0:
        dilated = f" (with dilation {(d_h, d_w)} it spans {span(F_h, d_h)}×{span(F_w, d_w)})"
        raise ValueError(
            f"{function}: the {F_h}×{F_w} {what}{dilated if max(d_h, d_w) > 1 else ''} is larger than the "
            f"padded input, {rows}×{columns}; the input is {H_in}×{W_in} (rows × columns), "
            f"padding {padding} as (top, bottom, left, right)"
        )
    return Windows((F_h, F_w), (s_h, s_w), (d_h, d_w), padding, count=(below // s_h + 1, beside // s_w + 1))


def pad_all_sides(function, padding, input_size, size, stride, dilation):
    """Return (top, bottom, left, right) for a padding of "same", "valid", int or (rows, columns)."""
    if isinstance(padding, str) and padding == "valid":
        return 0, 0, 0, 0
    if isinstance(padding, str) and padding == "same":
        rows, columns = map(same_padding, input_size, size, stride, dilation)
        return (*rows, *columns)
    if isinstance(padding, str):
        expected = '"same", "valid", an integer or a pair (rows, columns)'
        raise ValueError(f"{function}: padding must be {expected}; got {shown(padding)}")
    rows, columns = as_pair(function, "padding", padding, minimum=0)
    return rows, rows, columns, columns


def same_padding(size_in, size, stride, dilation):
    """Return the zeros (before, after) of one axis that make size_out = ceil(size_in / stride)."""
    size_out = -(-size_in // stride)
    total = max((size_out - 1) * stride + span(size, dilation) - size_in, 0)
    return total // 2, total - total // 2  # of an odd total, the extra one comes after


def span(size, dilation):
    """Return d·(F − 1) + 1, the pixels from the first to the last that a window reads, both included."""
    return dilation * (size - 1) + 1


def output_size(size_in, kernel, stride=1, padding=0, dilation=1):
    """Return how many windows fit along one axis: floor((H_in + 2p − d·(F − 1) − 1) / s) + 1.

    - size_in, kernel, stride, dilation: H_in, F, s and d (or those of the columns), integers, at least 1
    - padding: p, the zeros on *each* side, an integer; "valid"; or "same", which gives ceil(H_in / s)
    """
    named = {"size_in": size_in, "kernel": kernel, "stride": stride, "dilation": dilation}
    size_in, kernel, stride, dilation = (as_int("output_size", name, n, 1) for name, n in named.items())
    if not isinstance(padding, str):
        padding = as_int("output_size", "padding", padding, 0)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "what": "kernel"}
    return place_windows("output_size", (size_in, size_in), (kernel, kernel), **options).count[0]


def resolve_padding(padding, input_size, kernel_size, *, stride=1, dilation=1):
    """Return the zeros (top, bottom, left, right) that `padding` means for (H_in, W_in) and (F_h, F_w)."""
    named = {"input_size": input_size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    pairs = [as_pair("resolve_padding", name, value) for name, value in named.items()]
    return pad_all_sides("resolve_padding", padding, *pairs)
