"""One convolution of one example, taken apart into the products that lessons 05 to 08 write out.

Everything here is arrays in, numbers and cells out: no widget. X is (H_in, W_in, C), W is (F_h, F_w, C, K),
b is (K,), Z and dZ are (H_out, W_out, K): the lessons' arrays without the axis of examples.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.layers._windows import Windows, place_windows, span

NAME = "ConvolutionExplorer"
LARGEST_KERNEL = 5
LARGEST_STEP = 4  # stride and dilation
LARGEST_PADDING = 3


class Term(NamedTuple):
    """One product of a sum: two entries, by name, value and cell. A sum without products has no `right`.

    Attributes
    ----------
    left, right : (str, number, tuple of int) or None
    """

    left: tuple
    right: tuple | None

    @property
    def value(self):
        """The product."""
        return self.left[1] if self.right is None else self.left[1] * self.right[1]


class Formula(NamedTuple):
    """One entry as a sum of products.

    Attributes
    ----------
    target : str
        The entry's name, such as ``"dX[1,1]"``.
    start : (str, number) or None
        What stands before the products: the bias.
    terms : tuple of Term
    others : tuple of (str, number)
        The subtotals of the channels or filters that are not in sight.
    """

    target: str
    start: tuple | None
    terms: tuple
    others: tuple = ()

    @property
    def value(self):
        """The sum of everything; exact for integers."""
        total = 0 if self.start is None else self.start[1]
        for term in self.terms:
            total = total + term.value
        for _, part in self.others:
            total = total + part
        return total


class Convolution:
    """One setting of the layer: arrays, geometry, and all that follows from them.

    Parameters
    ----------
    x : ndarray, (H_in, W_in, C)
    w : ndarray, (F_h, F_w, C, K)
    b : ndarray, (K,)
    dz : ndarray, (rows, columns, K)
        Repeated or cut to the output's size.
    stride, dilation : (int, int)
    padding : "same", int or (int, int)
    """

    def __init__(self, x, w, b, dz, *, stride, padding, dilation):
        self.x, self.w, self.b = x, w, b
        self.windows = place_windows(
            NAME, x.shape[:2], w.shape[:2], stride=stride, padding=padding, dilation=dilation, what="kernel w"
        )
        z, cache = conv_forward(x[None], w, b, stride=stride, padding=padding, dilation=dilation)
        self.z = z[0]
        self.dz = repeated(dz, self.windows.count)
        dx, self.dw, self.db = conv_backward(self.dz[None], cache)
        self.dx = dx[0]
        self.plain = x.shape[2] == 1 and w.shape[3] == 1

    # The one relation between the three indices -----------------------------------------------------------

    def pixel(self, output, offset):
        """Return the pixel that `output` reads through `offset`; it may lie in the padding."""
        (s_h, s_w), (d_h, d_w) = self.windows.stride, self.windows.dilation
        top, _, left, _ = self.windows.padding
        return output[0] * s_h + offset[0] * d_h - top, output[1] * s_w + offset[1] * d_w - left

    def inside(self, pixel):
        """Tell whether a pixel belongs to X, not to the padding."""
        return 0 <= pixel[0] < self.x.shape[0] and 0 <= pixel[1] < self.x.shape[1]

    @functools.cached_property
    def outputs(self):
        """All output positions in row-major order: the steps of the time slider."""
        return list(np.ndindex(self.windows.count))

    @functools.cached_property
    def readers(self):
        """For each pixel, padding included, the (output, offset) pairs that read it, outputs in order."""
        found = {}
        for output in self.outputs:
            for offset in self.windows.offsets():
                found.setdefault(self.pixel(output, offset), []).append((output, offset))
        return found

    def value(self, pixel, c):
        """Return X at a pixel: 0 in the padding."""
        return self.x[(*pixel, c)] if self.inside(pixel) else self.x.dtype.type(0)

    # The sums ---------------------------------------------------------------------------------------------

    def of_output(self, output, c, k):
        """Return Z[i,j,k] = b[k] + Σ_uvc X·W, the channel `c` written out."""
        terms = tuple(
            Term(self._x(self.pixel(output, offset), c), self._w(offset, c, k))
            for offset in self.windows.offsets()
        )
        others = tuple(
            (
                f"c={other}",
                sum(
                    self.value(self.pixel(output, offset), other) * self.w[(*offset, other, k)]
                    for offset in self.windows.offsets()
                ),
            )
            for other in range(self.x.shape[2])
            if other != c
        )
        return Formula(self.name("Z", (*output, k)), (self.bias_name(k), self.b[k]), terms, others)

    def of_weight(self, offset, c, k, steps=None):
        """Return dW[u,v,c,k] = Σ_ij X·dZ over the first `steps` outputs (all by default)."""
        terms = tuple(
            Term(self._x(self.pixel(output, offset), c), self._dz(output, k))
            for output in self.outputs[:steps]
        )
        return Formula(self.name("dW", (*offset, c, k)), None, terms)

    def of_bias(self, k, steps=None):
        """Return db[k] = Σ_ij dZ over the first `steps` outputs."""
        terms = tuple(Term(self._dz(output, k), None) for output in self.outputs[:steps])
        return Formula(self.bias_name(k, "db"), None, terms)

    def of_pixel(self, pixel, c, k, steps=None):
        """Return dX[i,j,c] = Σ_uvk dZ·W over the first `steps` outputs, the filter `k` written out."""
        done = set(self.outputs[:steps])
        pairs = [pair for pair in self.readers.get(tuple(pixel), []) if pair[0] in done]
        terms = tuple(Term(self._dz(output, k), self._w(offset, c, k)) for output, offset in pairs)
        return Formula(self.name("dX", (*pixel, c)), None, terms, self._other_filters(pairs, c, k))

    def of_pixel_by_correlation(self, pixel, c, k):
        """Return the same dX[i,j,c] read off D and the turned kernel: one window of a correlation."""
        d_h, d_w = self.windows.dilation
        terms = []
        for u, v in self.windows.offsets():
            cell = pixel[0] + u * d_h, pixel[1] + v * d_w
            terms.append(
                Term(
                    (indexed("D", cell), self.surrounded(k)[cell], cell),
                    (indexed("W̄", (u, v)), self.turned(c, k)[u, v], (u, v)),
                )
            )
        others = self._other_filters(self.readers.get(tuple(pixel), []), c, k)
        return Formula(self.name("dX", (*pixel, c)), None, tuple(terms), others)

    def of_pixel_by_matrix(self, pixel, c, k):
        """Return the same dX[i,j,c] as one column of T times dZ as a vector; structural zeros left out."""
        column = pixel[0] * self.x.shape[1] + pixel[1]
        terms = []
        for row, output in enumerate(self.outputs):
            offset = self.weight_between(row, column)
            if offset is not None:
                entry = (indexed("T", (row, column)), self.w[(*offset, c, k)], (row, column))
                terms.append(Term(entry, (indexed("dz", (row,)), self.dz[(*output, k)], output)))
        others = self._other_filters(self.readers.get(tuple(pixel), []), c, k)
        return Formula(self.name("dX", (*pixel, c)), None, tuple(terms), others)

    def _other_filters(self, pairs, c, k):
        return tuple(
            (
                f"k={other}",
                sum(self.dz[(*output, other)] * self.w[(*offset, c, other)] for output, offset in pairs),
            )
            for other in range(self.w.shape[3])
            if other != k and pairs
        )

    # The other readings of dX -----------------------------------------------------------------------------

    def surrounded(self, k):
        """Return D, (H_in + d_h·(F_h − 1), W_in + d_w·(F_w − 1)): dZ of filter k, spread out and padded.

        dZ[i′, j′] stands at row i′·s_h + d_h·(F_h − 1) − p_top; what would fall outside is cropped.
        """
        before = self.zeros_before
        rows, columns = (
            size + d * (f - 1)
            for size, d, f in zip(self.x.shape[:2], self.windows.dilation, self.windows.size)
        )
        d = np.zeros((rows, columns), self.dz.dtype)
        for i, j in self.outputs:
            r, c = i * self.windows.stride[0] + before[0], j * self.windows.stride[1] + before[1]
            if 0 <= r < rows and 0 <= c < columns:
                d[r, c] = self.dz[i, j, k]
        return d

    @property
    def zeros_before(self):
        """d·(F − 1) − p above and to the left of dZ in D; negative where D crops dZ."""
        top, _, left, _ = self.windows.padding
        (f_h, f_w), (d_h, d_w) = self.windows.size, self.windows.dilation
        return d_h * (f_h - 1) - top, d_w * (f_w - 1) - left

    def output_at(self, cell):
        """Return the output whose dZ stands at a cell of D, or None for a zero that was put in."""
        place = []
        for at, before, s, count in zip(cell, self.zeros_before, self.windows.stride, self.windows.count):
            quotient, rest = divmod(at - before, s)
            if rest or not 0 <= quotient < count:
                return None
            place.append(quotient)
        return tuple(place)

    def turned(self, c, k):
        """Return the kernel of channel c and filter k, turned by 180°."""
        return self.w[::-1, ::-1, c, k]

    def weight_between(self, row, column):
        """Return the offset (u, v) of the weight at T[row, column], or None for a structural zero."""
        i, j = self.outputs[row]
        r, c = divmod(column, self.x.shape[1])
        offset = []
        for at, out, s, d, p, f in zip(
            (r, c),
            (i, j),
            self.windows.stride,
            self.windows.dilation,
            self.windows.padding[::2],
            self.windows.size,
        ):
            quotient, rest = divmod(at + p - out * s, d)
            if rest or not 0 <= quotient < f:
                return None
            offset.append(quotient)
        return tuple(offset)

    def sparse(self, c, k):
        """Return T, (H_out·W_out, H_in·W_in): Z = T x + b, and dX = Tᵀ dZ."""
        height, width = self.x.shape[:2]
        t = np.zeros((len(self.outputs), height * width), self.w.dtype)
        for row, output in enumerate(self.outputs):
            for offset in self.windows.offsets():
                pixel = self.pixel(output, offset)
                if self.inside(pixel):
                    t[row, pixel[0] * width + pixel[1]] = self.w[(*offset, c, k)]
        return t

    # Scatter-add, step by step ----------------------------------------------------------------------------

    @functools.cached_property
    def growth(self):
        """Return (dX, dW, db) after 0, 1, 2, … outputs, each with the steps as its first axis."""
        top, bottom, left, right = self.windows.padding
        height, width = self.x.shape[:2]
        (d_h, d_w), (s_h, s_w) = self.windows.dilation, self.windows.stride
        spans = [span(f, d) for f, d in zip(self.windows.size, self.windows.dilation)]
        padded = np.pad(self.x, ((top, bottom), (left, right), (0, 0)))
        dx = np.zeros((len(self.outputs) + 1, *padded.shape), self.dx.dtype)
        dw = np.zeros((len(self.outputs) + 1, *self.w.shape), self.dw.dtype)
        db = np.zeros((len(self.outputs) + 1, len(self.b)), self.db.dtype)
        for step, (i, j) in enumerate(self.outputs):
            window = (
                slice(i * s_h, i * s_h + spans[0], d_h),
                slice(j * s_w, j * s_w + spans[1], d_w),
            )
            dx[step + 1], dw[step + 1], db[step + 1] = dx[step], dw[step], db[step] + self.dz[i, j]
            dx[step + 1][window] += self.w @ self.dz[i, j]
            dw[step + 1] += padded[window][..., None] * self.dz[i, j]
        return dx[:, top : top + height, left : left + width], dw, db

    # Names ------------------------------------------------------------------------------------------------

    def name(self, letter, cell):
        """Return ``"X[1,1]"``; channel and filter indices are left out where there is only one of each."""
        return indexed(letter, cell[:2] if self.plain else cell)

    def bias_name(self, k, letter="b"):
        """Return ``"b"``, or ``"b[k]"`` if there are several."""
        return letter if len(self.b) == 1 else indexed(letter, (k,))

    def _x(self, pixel, c):
        return self.name("X", (*pixel, c)), self.value(pixel, c), pixel

    def _w(self, offset, c, k):
        return self.name("W", (*offset, c, k)), self.w[(*offset, c, k)], offset

    def _dz(self, output, k):
        return self.name("dZ", (*output, k)), self.dz[(*output, k)], output


def indexed(letter, cell):
    """Return ``"X[1,−1]"``."""
    return f"{letter}[{','.join(written(index) for index in cell)}]"


def written(number):
    """Return a number as text: integers in full, others with four significant digits; a true minus sign."""
    if isinstance(number, (int, np.integer)):
        text = str(int(number))
    else:
        text = f"{float(number):.4g}".replace("e-0", "e-").replace("e+0", "e+")
        text = "0" if text == "-0" else text
    return text.replace("-", "−")


def bracketed(number):
    """Return a number as a factor: in brackets if it is negative."""
    text = written(number)
    return f"({text})" if text.startswith("−") else text


def equals(number):
    """Return "=" if `written` shows a number to the last digit, else "≈"."""
    exact = isinstance(number, (int, np.integer)) or float(f"{float(number):.4g}") == number
    return "=" if exact else "≈"


def repeated(a, shape):
    """Return `a` cut, or repeated from the start, to `shape` rows and columns."""
    rows, columns = (np.arange(size) % have for size, have in zip(shape, a.shape))
    return a[rows][:, columns]


# What the sliders may reach ---------------------------------------------------------------------------------


def legal_kernel(size_in, padding, dilation):
    """Return the largest kernel size along one axis that fits: d·(F − 1) + 1 ≤ H_in + 2p.

    `padding` None stands for "same", which always fits.
    """
    return math.inf if padding is None else (size_in + 2 * padding - 1) // dilation + 1


def legal_dilation(size_in, padding, kernel):
    """Return the largest dilation along one axis that fits. A kernel of one weight has no gaps: 1."""
    if kernel == 1:
        return 1
    return math.inf if padding is None else (size_in + 2 * padding - 1) // (kernel - 1)


def legal_padding(size_in, kernel, dilation):
    """Return the smallest and the largest padding along one axis: the window must fit into H_in + 2p."""
    return max(math.ceil((span(kernel, dilation) - size_in) / 2), 0), math.inf


def legal_stride(size_in):
    """Return the largest stride along one axis: beyond the image there is nothing to step to."""
    return size_in


__all__ = ["Convolution", "Formula", "Term", "Windows"]
