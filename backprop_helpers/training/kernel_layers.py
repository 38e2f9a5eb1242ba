"""The layers of ``layers`` in another memory order, each on blocks of ``m`` examples.

A class below is a layer: its formula forward and backward, and all its memory, laid out once, so that a
step is a few dozen calls of NumPy. The sums are those of lessons 02 to 10, term by term; only their order
differs, so results agree with ``layers`` to rounding. What makes it fast:

* **The example is the fastest axis.** X[m, i, j, c] lies at (i, c, j, m): a slice, such as all columns
  shifted by one, is a run of hundreds of floats; in the order (m, i, j, c) it would be a run of C.
* **Half an im2col.** Only the F_w shifts along a row are copied. The F_h rows under a kernel follow each
  other in that copy, so the matrix of all patches is a *view* of it: a fifth of the traffic for 5×5.
* **Columns that are read together lie together.** Where pooling will take every second column, the even ones
  come first and then the odd ones: see ``column_order``. The shifted copies choose their columns anyhow.
* **Products of the size that BLAS likes.** See ``_pieces``.

Names are those of the lessons: rows i, u; columns j, v; channels c, k; ``m`` is an example and their number;
n = columns · m. Fully connected layers have rows of ``m`` numbers: (N, m).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backprop_helpers.layers._windows import place_windows

from .modules import run

CACHE_LINE = 64  # bytes
UNPACKED = 10**6  # multiply-adds up to which OpenBLAS reads the operands where they are
UNPACKED_SUMS = 1200  # entries of a product of two matrices in rows, x @ z.T, up to which it does so there


class Edge(NamedTuple):
    """What lies between two layers: maps (i, c, j, m) or rows (N, m)."""

    values: np.ndarray
    gradient: np.ndarray  # ∂J/∂values; the same memory where the values are not needed any more by then
    columns: np.ndarray | None  # of maps: which column lies where along the axis j

    @property
    def places(self):
        """Where each column lies."""
        return np.argsort(self.columns)

    @property
    def shape(self):
        """The shape of an example in the order of ``layers``."""
        shape = self.values.shape[:-1]
        return shape if self.columns is None else (shape[0], shape[2], shape[1])


def new_edge(shape, strides, m, *, shared=False):
    """Return an edge for outputs of a shape, (H, W, C) or (N,); ``strides`` as in ``column_order``."""
    order = None
    if len(shape) == 3:
        H, W, C = shape
        shape, order = (H, C, W), column_order(W, strides)
    values = zeros(*shape, m)
    return Edge(values, values if shared else zeros(*shape, m), order)


def column_order(W, strides):
    """Sort columns so that layers to come, which take every s-th column, find them side by side.

    For one such layer the columns with j mod s = 0 come first, then those with 1, …; the next layer's stride
    sorts each of these groups, by j // s, and so on.
    """

    def key(j):
        remainders = []
        for s in strides:
            remainders.append(j % s)
            j //= s
        return remainders

    return np.array(sorted(range(W), key=key))


def as_slices(*places):
    """Cut lists of places into as few tuples of slices as go through all of them together."""
    places = np.array(places).reshape(len(places), -1)
    start, length = 0, places.shape[1]
    while start < length:
        stop, step = start + 1, np.ones(len(places), int)
        if stop < length and (places[:, stop] > places[:, start]).all():
            step = places[:, stop] - places[:, start]
            while stop < length and (places[:, stop] - places[:, stop - 1] == step).all():
                stop += 1
        yield tuple(slice(a, b + 1, s) for a, b, s in zip(places[:, start], places[:, stop - 1], step))
        start = stop


def to_examples(array, edge, M):
    """Return an edge's array as M examples in the order of ``layers``, (M, *shape)."""
    if edge.columns is None:
        return np.ascontiguousarray(array.T[:M])
    return np.ascontiguousarray(array[:, :, edge.places].transpose(3, 0, 2, 1)[:M])


def from_examples(examples, edge, array):
    """Write examples (M, *shape) to an edge's array; what lies behind them is 0."""
    M = len(examples)
    if edge.columns is None:
        array[:, :M] = examples.T
    else:
        for places, columns in as_slices(range(len(edge.columns)), edge.columns):
            array[:, :, places, :M] = examples[:, :, columns].transpose(1, 3, 2, 0)
    array[..., M:] = 0


def runs(maps):
    """View maps (i, c, j, m) as (i, c, n); rows stay what they are."""
    return maps.reshape(*maps.shape[:2], -1) if maps.ndim == 4 else maps


class Step:
    """A layer between the edges ``x`` and ``out``.

    ``forward(learn)`` writes ``out.values``; ``backward(gradients)``, which only follows with ``learn``,
    writes ``x.gradient`` and the gradients of the layer's parameters.
    """

    in_place = False  # x and out are one edge
    done_with_x = False  # x is needed no more when its gradient is written

    @staticmethod
    def column_stride(layer):
        """Return s if the layer reads every s-th column of x, or 0 if it wants all of them as they come."""
        return 0


class Input(Step):
    """Images (M, H, W, C) become maps, or rows, standardised if the network begins so."""

    def __init__(self, standardize, out):
        self.standardize, self.out = standardize, out

    def read(self, images):
        """Write ``out.values``; what lies behind the last image is 0."""
        values, M = self.out.values, len(images)
        from_examples(images.reshape(M, *self.out.shape), self.out, values)
        if self.standardize is not None:
            values -= np.float32(self.standardize.mean)
            values /= np.float32(self.standardize.std)
            values[..., M:] = 0


# ----------------------------------------------------------------------------------- lessons 05 to 08


class Product(Step):
    """A convolution without its bias, which ``Bias`` adds: the products of lessons 05 to 08.

    ==============  ========================  ==============================================================
    ``shifted_x``   (φ, ρ, v, c, j′, m)       row ρ·d_h + φ of the padded x: what output columns see under v
    patches         (i′, (u, v, c), n)        view of it: what lies under the kernel at row i′
    ``shifted_dz``  (φ, ρ, v, k, j, m)        row ρ·period + φ of dz: what input columns gave to under v
    stamps          (i, (u, v, k), n)         view of it: what lies on row i, the kernel turned
    ==============  ========================  ==============================================================
    """

    def __init__(self, layer, x, shape, strides, m, *, shared, need_dx):
        self.name, self.w, self.x = f"{layer.name}.w", layer.parameters["w"], x
        options = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        H, W = len(x.values), len(x.columns)
        self.windows = place_windows("plan", (H, W), self.w.shape[:2], **options)
        self.period = self.windows.dilation[0] // math.gcd(self.windows.stride[0], self.windows.dilation[0])
        self.out = new_edge(shape, strides, m, shared=shared)
        self.reads = list(self._reads())
        self._lay_out_forward()
        self.classes = list(self._classes(H)) if need_dx else []
        if need_dx:
            self._lay_out_dx()

    @staticmethod
    def column_stride(layer):
        """Give s_w."""
        return _pair(layer.stride)[1]

    def _reads(self):
        """Yield (v, outputs, inputs): under v, these places of output columns read those of input columns."""
        s_w, d_w, p_left = self.windows.stride[1], self.windows.dilation[1], self.windows.padding[2]
        for v in range(self.windows.size[1]):
            j = self.out.columns * s_w + v * d_w - p_left
            (outputs,) = np.nonzero((j >= 0) & (j < len(self.x.columns)))  # outside are zeros, and not read
            for pair in as_slices(outputs, self.x.places[j[outputs]]):
                yield v, *pair

    def _lay_out_forward(self):
        """Lay out z: output rows ``period`` apart read input rows of one φ."""
        s_h, d_h = self.windows.stride[0], self.windows.dilation[0]
        (F_h, F_w, C, K), (p_top, p_bottom, *_) = self.w.shape, self.windows.padding
        x, z, dz = self.x.values, runs(self.out.values), runs(self.out.gradient)
        shifted = zeros(d_h, -(-(len(x) + p_top + p_bottom) // d_h), F_w, C, *self.out.values.shape[2:])
        self.copies, self.products, self.sums = [], [], []
        for first in range(min(d_h, len(x))):
            rows, (rho, phi) = x[first::d_h], divmod(first + p_top, d_h)
            for v, outputs, inputs in self.reads:
                target = shifted[phi, rho : rho + len(rows), v, :, outputs]
                self.copies.append((target, rows[:, :, inputs]))
        for a in range(min(self.period, len(z))):
            rho, phi = divmod(a * s_h, d_h)
            lines, outputs = _as_lines(shifted[phi])[rho:], slice(a, None, self.period)
            patches = _stacked(lines, F_h, len(z[outputs]), s_h * self.period // d_h)
            self.products.append(_in_pieces(K, patches, z[outputs]))
            self.sums.append(_sum_in_pieces(patches, dz[outputs]))

    def _classes(self, H):
        """Yield (rows, kernel rows, φ, ρ): which dz rows make the input rows of a slice.

        Row i takes W[u] times row i′ = (i + p_top − u·d_h) / s_h of dz, where that is whole (lesson 08). The
        last of the kernel rows goes with row ρ·period + φ of dz, the one before with row (ρ + 1)·period + φ,
        and so on; for the next row of the slice all ρ are larger by 1.
        """
        s_h, d_h, p_top = self.windows.stride[0], self.windows.dilation[0], self.windows.padding[0]
        F_h, step = self.windows.size[0], s_h * self.period
        for i in range(min(step, H)):
            u = next((u for u in range(F_h) if (i + p_top - u * d_h) % s_h == 0), F_h)
            kernel_rows = range(u, F_h, step // d_h)
            rho, phi = divmod((i + p_top - u * d_h) // s_h, self.period)
            if kernel_rows:
                yield slice(i, None, step), kernel_rows, phi, rho - len(kernel_rows) + 1

    def _lay_out_dx(self):
        """Lay out dX as z, with dz for x, and as many rows of zeros around as the classes reach."""
        _, F_w, C, K = self.w.shape
        dz, dx = self.out.gradient, runs(self.x.gradient)
        above = max([0, *(-rho for *_, rho in self.classes)])
        reached = [rho + len(u) + len(dx[rows]) - 1 for rows, u, _, rho in self.classes]
        height = above + max([-(-len(dz) // self.period), *reached])
        shifted = zeros(self.period, height, F_w, K, *self.x.gradient.shape[2:])
        self.dx_copies, self.dx_products = [], []
        for a in range(min(self.period, len(dz))):
            source = dz[a :: self.period]
            target = shifted[a, above : above + len(source)]
            for v, outputs, inputs in self.reads:
                self.dx_copies.append((target[:, v, :, inputs], source[:, :, outputs]))
        for rows, kernel_rows, phi, rho in self.classes:
            lines = _as_lines(shifted[phi])[above + rho :]
            stamps = _stacked(lines, len(kernel_rows), len(dx[rows]), 1)
            taken = slice(kernel_rows.start, None, kernel_rows.step)
            self.dx_products.append((taken, *_in_pieces(C, stamps, dx[rows])))

    def forward(self, learn):
        """Compute z[i′, k] = Σ_uvc W[u, v, c, k] · patches[i′, (u, v, c)]."""
        for target, source in self.copies:
            target[...] = source
        w = np.ascontiguousarray(self.w.reshape(-1, self.w.shape[-1]).T)
        for patches, z in self.products:
            np.matmul(w, patches, out=z)

    def backward(self, gradients):
        """Compute dW = Σ_i′ patches[i′] · dz[i′]ᵀ, dx[i, c] = Σ_uvk W[u, v, c, k] · stamps[i, (u, v, k)]."""
        dw = 0
        for patches, dz, out in self.sums:
            np.matmul(patches, dz, out=out)
            dw = dw + out.sum(axis=0)
        gradients[self.name][...] = dw.reshape(self.w.shape)
        if self.classes:
            for target, source in self.dx_copies:
                target[...] = source
            for kernel_rows, stamps, dx in self.dx_products:
                w = self.w[kernel_rows][::-1].transpose(2, 0, 1, 3)  # rows of dz ascend as u descends
                np.matmul(w.reshape(len(w), -1), stamps, out=dx)


class Bias(Step):
    """The bias of a convolution, one number a map."""

    in_place = True

    def __init__(self, layer, edge, zero):
        self.name, self.b, self.x = f"{layer.name}.b", layer.parameters["b"], edge
        self.out, self.values, self.gradient = edge, runs(edge.values), runs(edge.gradient)

    def forward(self, learn):
        """Compute z[k] + b[k]."""
        np.add(self.values, self.b[:, np.newaxis], out=self.values)

    def backward(self, gradients):
        """Compute db[k] = Σ_i′j′m dz[i′, k, j′, m]."""
        self.gradient.sum(axis=2).sum(axis=0, out=gradients[self.name])


# --------------------------------------------------------------------------------- lessons 02, 03 and 09


class ReLU(Step):
    """max(z, 0)."""

    in_place = True

    def __init__(self, layer, edge, zero):
        self.x = self.out = edge
        self.values, self.gradient = runs(edge.values), runs(edge.gradient)
        self.zero = zero[: self.values.shape[-1]]
        self.positive = np.empty(self.values.shape, bool)

    def forward(self, learn):
        """Compute a = max(z, 0), of two arrays: NumPy is half as fast with an array and a number."""
        np.maximum(self.values, self.zero, out=self.values)

    def backward(self, gradients):
        """Compute dz = da where a > 0, else 0."""
        np.greater(self.values, self.zero, out=self.positive)
        np.multiply(self.gradient, self.positive, out=self.gradient)


class Maximum:
    """y = max(x[0], x[1], …) for arrays of one shape, the members of all windows along one axis.

    ``wins[v]`` says where x[v] is larger than all before it. Members of windows that ``overlap`` get their
    gradients added; else they are written over the members, which are needed no more.
    """

    def __init__(self, x, dx, y, dy, overlap):
        self.x, self.dx, self.y, self.dy, self.overlap = x, dx, y, dy, overlap
        self.wins = [np.empty(y.shape, bool) for _ in x]
        self.part = np.empty(y.shape, np.float32) if overlap else None

    def forward(self, learn):
        """Compare one member after the other with the largest so far."""
        largest = self.x[0]
        if len(self.x) == 1:
            self.y[...] = largest
        for member, wins in zip(self.x[1:], self.wins[1:]):
            if learn:
                np.less(largest, member, out=wins)
            np.maximum(largest, member, out=self.y)
            largest = self.y

    def backward(self):
        """From the last member on: it takes the gradient where it has won, and leaves it to those before."""
        for v in reversed(range(1, len(self.x))):
            part = self.part if self.overlap else self.dx[v]
            np.multiply(self.dy, self.wins[v], out=part)
            if self.overlap:
                np.add(self.dx[v], part, out=self.dx[v])
            rest = self.dx[0] if v == 1 and not self.overlap else self.dy
            np.subtract(self.dy, part, out=rest)
        if self.overlap:
            np.add(self.dx[0], self.dy, out=self.dx[0])
        elif len(self.x) == 1:
            self.dx[0][...] = self.dy


class Mean(Maximum):
    """y = (x[0] + x[1] + …) / their number."""

    def __init__(self, x, dx, y, dy, overlap):
        self.x, self.dx, self.y, self.dy, self.overlap = x, dx, y, dy, overlap
        self.share = np.float32(1 / len(x))

    def forward(self, learn):
        """Add all members, and divide."""
        total = self.x[0]
        for member in self.x[1:]:
            total = np.add(total, member, out=self.y)
        np.multiply(total, self.share, out=self.y)

    def backward(self):
        """Give an equal share to every member."""
        np.multiply(self.dy, self.share, out=self.dy)
        for dx in self.dx:
            if self.overlap:
                np.add(dx, self.dy, out=dx)
            else:
                dx[...] = self.dy


class MaxPool(Step):
    """The maximum of each row of a window, then of these: of equals the first, as in lesson 09."""

    done_with_x = True
    reduction = Maximum

    def __init__(self, layer, x, shape, strides, m, *, shared, need_dx):
        (f_h, f_w), (s_h, s_w) = _pool_geometry(layer)
        H, C = x.values.shape[:2]
        H_out, W_out, _ = shape
        self.x, self.out = x, new_edge(shape, strides, m, shared=shared)
        between = new_edge((H, W_out, C), strides, m, shared=True)
        # Only maps of rows and columns that lie in no window, or in several, need zeros to begin with.
        places = [x.places[self.out.columns * s_w + v] for v in range(f_w)]
        self.over_columns = []
        for y, *members in as_slices(range(W_out), *places):
            arrays = [[a[:, :, member] for member in members] for a in x[:2]]
            self.over_columns.append(self.reduction(*arrays, *(a[:, :, y] for a in between[:2]), f_w > s_w))
        arrays = [[runs(a)[u::s_h][:H_out] for u in range(f_h)] for a in between[:2]]
        self.over_rows = self.reduction(*arrays, runs(self.out.values), runs(self.out.gradient), f_h > s_h)
        read = set() if f_w > s_w else set(np.ravel(places))
        self.blank_columns = [x.gradient[:, :, place] for place in set(range(len(x.columns))) - read]
        read = set() if f_h > s_h else {i * s_h + u for i in range(H_out) for u in range(f_h)}
        self.blank_rows = [between.gradient[i] for i in set(range(H)) - read]

    @staticmethod
    def column_stride(layer):
        """Give s_w."""
        return _pool_geometry(layer)[1][1]

    def forward(self, learn):
        """Reduce the columns of each window, then its rows."""
        for stage in self.over_columns:
            stage.forward(learn)
        self.over_rows.forward(learn)

    def backward(self, gradients):
        """Give each gradient to the rows, then to the columns; what no window has read gets none."""
        for row in self.blank_rows:
            row[...] = 0
        self.over_rows.backward()
        for column in self.blank_columns:
            column[...] = 0
        for stage in self.over_columns:
            stage.backward()


class AveragePool(MaxPool):
    """The mean of every window: the mean of each row, then the mean of these."""

    done_with_x = False
    reduction = Mean


class Flatten(Step):
    """Maps become rows, in the order (i, j, c) of ``layers``."""

    def __init__(self, layer, x, shape, strides, m, *, shared, need_dx):
        self.x, self.out = x, new_edge(shape, strides, m, shared=shared)
        self.pairs = []
        for maps, rows in zip(x[:2], self.out[:2]):
            if maps.ndim == 4:  # else they are rows already
                H, C, W, _ = maps.shape
                maps, rows = maps.transpose(0, 2, 1, 3), rows.reshape(H, W, C, m)
            self.pairs.append((maps, rows))

    def forward(self, learn):
        """Copy."""
        maps, rows = self.pairs[0]
        rows[...] = maps

    def backward(self, gradients):
        """Copy back."""
        maps, rows = self.pairs[1]
        maps[...] = rows


class FullyConnected(Step):
    """Z = Wᵀ X + b: an example is a column here."""

    def __init__(self, layer, x, shape, strides, m, *, shared, need_dx):
        self.name, self.parameters = layer.name, layer.parameters
        self.x, self.out, self.need_dx = x, new_edge(shape, strides, m, shared=shared), need_dx

    def forward(self, learn):
        """Compute Z = Wᵀ X + b."""
        np.matmul(self.parameters["w"].T, self.x.values, out=self.out.values)
        np.add(self.out.values, self.parameters["b"][:, np.newaxis], out=self.out.values)

    def backward(self, gradients):
        """Compute dW = X dZᵀ, db = Σ_m dZ and dX = W dZ."""
        dz = self.out.gradient
        np.matmul(self.x.values, dz.T, out=gradients[f"{self.name}.w"])
        np.sum(dz, axis=1, out=gradients[f"{self.name}.b"])
        if self.need_dx:
            np.matmul(self.parameters["w"], dz, out=self.x.gradient)


class Own(Step):
    """A layer of somebody's own: its forward and backward, on arrays in the order of ``layers``."""

    def __init__(self, layer, x, shape, strides, m, *, shared, need_dx):
        self.layer, self.x, self.need_dx = layer, x, need_dx
        self.out = new_edge(shape, strides, m, shared=shared)

    def forward(self, learn):
        """Call the layer's forward with the block's examples: ``count`` of them."""
        x = to_examples(self.x.values, self.x, self.count)
        out, self.cache = run(self.layer, x, training=learn)
        from_examples(out, self.out, self.out.values)

    def backward(self, gradients):
        """Call the layer's backward; what it gathers over batches it takes from this one."""
        dout = to_examples(self.out.gradient, self.out, self.count)
        dx, of_parameters = self.layer.backward(dout, self.cache, need_dx=self.need_dx)
        for name, gradient in of_parameters.items():
            gradients[f"{self.layer.name}.{name}"] = gradient
        if self.need_dx:
            from_examples(dx, self.x, self.x.gradient)
        if self.layer.statistics:
            self.layer.update_statistics(self.cache)


# -------------------------------------------------------------------------------------------- their tools


def zeros(*shape):
    """Return float32 zeros that begin on a cache line: no load into a vector register then touches two."""
    size = 4 * math.prod(shape)
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(np.float32).reshape(shape)


def _pair(setting):
    return setting if isinstance(setting, tuple) else (setting, setting)


def _pool_geometry(layer):
    size = _pair(layer.size)
    return size, size if layer.stride is None else _pair(layer.stride)


def _stacked(rows, height, count, step):
    """View rows (R, C, n) as (count, height · C, n): row 0, step, 2·step, … each with those after it.

    They are neighbours in memory: together they are a matrix already.
    """
    _, channels, n = rows.shape
    strides = step * rows.strides[0], *rows.strides[1:]
    return as_strided(rows, (count, height * channels, n), strides, writeable=False)


def _as_lines(rows):
    """View shifted rows (ρ, v, c, p, q, m) as (ρ, (v, c), n)."""
    return rows.reshape(len(rows), rows.shape[1] * rows.shape[2], -1)


def _pieces(length, small_enough):
    """Return into how many equal pieces to cut an axis of a product, as few as make it small enough.

    BLAS copies the operands of a large product into an order of its own, and overlapping rows would be copied
    F_h times. A small one it computes from the operands as they are.
    """
    divisors = (d for d in range(1, length + 1) if length % d == 0)
    return next(d for d in divisors if small_enough(length // d) or d == length)


def _in_pieces(height, matrices, out):
    """Cut matrices (i, R, n) and their products (i, height, n) into pieces (i, piece, …, n / pieces)."""
    count, R, n = matrices.shape
    pieces = _pieces(n, lambda n: height * R * n <= UNPACKED)
    matrices = matrices.reshape(count, R, pieces, n // pieces)
    return matrices.swapaxes(1, 2), out.reshape(count, height, pieces, n // pieces).swapaxes(1, 2)


def _sum_in_pieces(patches, dz):
    """Return patches (i, piece, R / pieces, n), dz (i, 1, n, K) and room for their products."""
    (count, R, n), K = patches.shape, dz.shape[1]
    pieces = _pieces(R, lambda R: R * K <= UNPACKED_SUMS and R * K * n <= UNPACKED)
    patches = patches.reshape(count, pieces, R // pieces, n)
    return patches, dz.swapaxes(1, 2)[:, np.newaxis], zeros(count, pieces, R // pieces, K)
