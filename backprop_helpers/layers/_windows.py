"""Where a window stands on an image: the geometry that convolution and pooling share."""

import numbers
from typing import NamedTuple

from backprop_helpers.layers._validate import as_int, as_pair, shown

PADDINGS = '"same", "valid", an integer or a pair (rows, columns)'


class Windows(NamedTuple):
    """All the windows of one layer on one image, in rows and columns.

    Attributes
    ----------
    size : (int, int)
        (F_h, F_w), the window's rows and columns.
    stride : (int, int)
        (s_h, s_w), the step from one window to the next.
    dilation : (int, int)
        (d_h, d_w), the step from one row or column of the window to the next.
    padding : (int, int, int, int)
        (p_top, p_bottom, p_left, p_right), rows and columns of zeros around the image.
    count : (int, int)
        (H_out, W_out), how many windows stand below and beside each other.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    count: tuple[int, int]

    def offsets(self):
        """Return every offset (u, v) inside the window, in row-major order."""
        return [(u, v) for u in range(self.size[0]) for v in range(self.size[1])]

    def read_by(self, u, v):
        """Return the index of the padded input's pixels that lie under offset (u, v) of the windows.

        The window (i, j) reads row i·s_h + u·d_h and column j·s_w + v·d_w of the padded input.
        """
        rows, columns = (
            slice(offset * dilation, offset * dilation + (count - 1) * stride + 1, stride)
            for offset, dilation, stride, count in zip((u, v), self.dilation, self.stride, self.count)
        )
        return slice(None), rows, columns


def span(size, dilation):
    """Return d·(F − 1) + 1, the pixels between the first and the last that a window reads, both included."""
    return dilation * (size - 1) + 1


def same_padding(size_in, size, stride, dilation):
    """Return the (before, after) padding of one axis that makes size_out = ceil(size_in / stride).

    The total is (size_out − 1)·s + d·(F − 1) + 1 − size_in, at least 0; an odd one puts more after.
    """
    size_out = -(-size_in // stride)
    total = max((size_out - 1) * stride + span(size, dilation) - size_in, 0)
    return total // 2, total - total // 2


def place_windows(function, input_size, size, *, stride, padding, dilation, what="kernel (kernel_shape)"):
    """Check a window's geometry and return it as `Windows`.

    Parameters
    ----------
    function : str
        The public function, for the messages.
    input_size, size : (int, int)
        Rows and columns of the image and of the window, already checked.
    stride, dilation : int or (int, int)
    padding : "same", "valid", int or (int, int)
    what : str
        How messages call the window: what it is, and the argument that gives its size.

    Raises
    ------
    TypeError, ValueError
        A stride, dilation or padding that is none, or a window larger than the padded image.
    """
    stride = as_pair(function, "stride", stride)
    dilation = as_pair(function, "dilation", dilation)
    padding = pad_all_sides(function, padding, input_size, size, stride, dilation)
    padded = (input_size[0] + padding[0] + padding[1], input_size[1] + padding[2] + padding[3])
    spans = (span(size[0], dilation[0]), span(size[1], dilation[1]))
    if spans[0] > padded[0] or spans[1] > padded[1]:
        dilated = (
            "" if spans == tuple(size) else f" (with dilation {dilation} it spans {spans[0]}×{spans[1]})"
        )
        raise ValueError(
            f"{function}: the {size[0]}×{size[1]} {what}{dilated} is larger than the padded input, "
            f"{padded[0]}×{padded[1]}; the input is {input_size[0]}×{input_size[1]} (rows × columns), "
            f"padding {padding} as (top, bottom, left, right)"
        )
    count = tuple((padded[axis] - spans[axis]) // stride[axis] + 1 for axis in (0, 1))
    return Windows(tuple(size), stride, dilation, padding, count)


def pad_all_sides(function, padding, input_size, size, stride, dilation):
    """Return (top, bottom, left, right) for a `padding` of "same", "valid", int or (rows, columns)."""
    if isinstance(padding, str):
        if padding == "same":
            return (
                *same_padding(input_size[0], size[0], stride[0], dilation[0]),
                *same_padding(input_size[1], size[1], stride[1], dilation[1]),
            )
        if padding == "valid":
            return 0, 0, 0, 0
        raise ValueError(f"{function}: padding must be {PADDINGS}; got {shown(padding)}")
    if not isinstance(padding, (tuple, list, numbers.Integral)) or isinstance(padding, bool):
        raise TypeError(f"{function}: padding must be {PADDINGS}; got {shown(padding)}")
    rows, columns = as_pair(function, "padding", padding, minimum=0)
    return rows, rows, columns, columns


def as_image_shape(function, name, shape):
    """Return a checked (M, H, W, C) tuple."""
    if not isinstance(shape, (tuple, list)) or len(shape) != 4:
        raise ValueError(f"{function}: {name} must be a shape (M, H, W, C); got {shown(shape)}")
    return tuple(as_int(function, f"{name}[{axis}]", n, 1) for axis, n in enumerate(shape))
