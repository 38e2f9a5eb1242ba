"""The layers of ``layers`` in another memory order, each on blocks of ``m`` examples.

Each class below is one layer, with its forward and its backward formula and all the memory they need, laid out
once: a step is then a few dozen calls of NumPy on views made beforehand. The sums are those of lessons 02 to
10, term by term; only their order differs, so results agree with ``layers`` to rounding. What makes it fast:

* **The example is the fastest axis.** X[m, i, j, c] lies at (i, c, j, m), so a slice, such as all columns shifted
  by one, is a run of hundreds of floats; in the order (m, i, j, c) it would be a run of C.
* **Half an im2col.** Only the F_w shifts along a row are copied. The F_h rows under a kernel follow each
  other in that copy, so the matrix of all patches is a *view* of it: a fifth of the traffic for 5×5.
* **Columns that are read together lie together.** A layer that strides over columns by s, as pooling does, finds
  the columns p, p + s, p + 2s, … behind each other: column j lies at (p, q), j = q·P + p. So all maps are arrays
  (i, c, p, q, m), with P = 1 where nothing strides.
* **Products in the size that BLAS likes.** See ``_pieces``.

Names are those of the lessons: rows i, u; columns j, v; channels c, k; ``m`` is an example and their number;
n = columns · m. Fully connected layers have rows of ``m`` numbers: (N, m).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backprop_helpers.layers._windows import place_windows

CACHE_LINE = 64  # bytes
UNPACKED = 10**6  # multiply-adds up to which OpenBLAS reads the operands where they are
UNPACKED_SUMS = 1200  # entries of a product of two matrices in rows, x @ z.T, up to which it does so there


class Edge(NamedTuple):
    """What lies between two layers: arrays (i, c, p, q, m) or (N, m).

    Attributes
    ----------
    values, gradient : ndarray
        The output of one layer, and ∂J/∂values, which the next one writes. They are the same memory where the
        values are not needed any more.
    """

    values: np.ndarray
    gradient: np.ndarray


def new_edge(shape, phases, m, *, shared=False):
    """Return an edge for outputs of a shape, (H, W, C) or (N,); ``phases`` is P."""
    if len(shape) == 3:
        H, W, C = shape
        shape = H, C, phases, W // phases
    values = zeros(*shape, m)
    return Edge(values, values if shared else zeros(*shape, m))


def as_examples(array):
    """View maps (i, c, p, q, m) as (m, i, q, p, c), or rows (N, m) as (m, N)."""
    return array.transpose(4, 0, 3, 2, 1) if array.ndim == 5 else array.T


def columns(maps, first, step, count):
    """View columns first, first + step, … of maps (i, c, p, q, m) as (i, c, count, m); P divides the step."""
    phases = maps.shape[2]
    start, step = first // phases, step // phases
    return maps[:, :, first % phases, start : start + (count - 1) * step + 1 : step]


def runs(maps):
    """View maps (i, c, p, q, m) as (i, c, n)."""
    return maps.reshape(*maps.shape[:2], -1)


class Step:
    """A layer between the edges ``x`` and ``out``.

    ``phases_before(layer, shape, phases)`` says in how many phases the layer wants the columns of its input of that
    shape, if those of its output lie in ``phases``. ``in_place``: the two edges are one. ``shares(layer)``: the
    layer needs its input no more when it writes the gradient. ``learns`` is False for layers that nothing learns before.
    """

    in_place = learns = False
    name = ""

    @staticmethod
    def phases_before(layer, shape, phases):
        return 1

    @staticmethod
    def shares(layer):
        return False

    def forward(self, learn):
        """Write ``out.values``, given ``x.values``. ``learn``: backward will follow."""

    def backward(self, gradients):
        """Write ``x.gradient`` and the parameters' gradients, given ``out.gradient``."""


class Input(Step):
    """Images (M, H, W, C) become maps, standardised if the network begins so."""

    def __init__(self, standardize, out):
        self.standardize, self.out = standardize, out

    def read(self, images):
        """Write ``out.values``; what lies behind the last image is 0."""
        values, examples = self.out.values, as_examples(self.out.values)
        examples[: len(images)] = images.reshape(len(images), *examples.shape[1:])
        if self.standardize is not None:
            values -= np.float32(self.standardize.mean)
            values /= np.float32(self.standardize.std)
        else:
            values += 0.0  # no −0: see mark_less
        values[..., len(images) :] = 0


# ----------------------------------------------------------------------------------- lessons 05 to 08


class Product(Step):
    """A convolution without its bias, which ``Bias`` adds: the products of lessons 05 to 08.

    ==============  ===========================  ===========================================================
    ``shifted_x``   (φ, ρ, v, c, p, q, m)        row ρ·d_h + φ of the padded x; what output columns see under v
    patches         (i′, (u, v, c), n)           view of it: what lies under the kernel at row i′
    ``shifted_dz``  (φ, ρ, v, k, p, q, m)        row ρ·period + φ of dz; what input columns gave to under v
    stamps          (i, (u, v, k), n)            view of it: what lies on row i, the kernel turned
    ==============  ===========================  ===========================================================
    """

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        self.name, self.w, self.x = f"{layer.name}.w", layer.parameters["w"], x
        H, C, P, Q, _ = x.values.shape
        options = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        self.windows = place_windows("plan", (H, P * Q), self.w.shape[:2], **options)
        self.period = self.windows.dilation[0] // math.gcd(self.windows.stride[0], self.windows.dilation[0])
        self.out = new_edge(shape, phases, m, shared=shared)
        self.reads = list(self._reads(P * Q, phases))
        self._lay_out_forward()
        self.classes = list(self._classes(H)) if need_dx else []
        if need_dx:
            self._lay_out_dx()

    def _reads(self, W, phases):
        """Yield (v, p, q, j): under v, the outputs (p, q) read the columns j, j + step, …; q is a slice."""
        s_w, d_w, p_left = self.windows.stride[1], self.windows.dilation[1], self.windows.padding[2]
        self.column_step = step = phases * s_w
        for v in range(self.windows.size[1]):
            for p in range(phases):
                first = p * s_w + v * d_w - p_left  # of q = 0; columns outside are zeros, and not read
                start = max(0, -(first // step))
                stop = min(self.windows.count[1] // phases, -((first - W) // step))
                if start < stop:
                    yield v, p, slice(start, stop), first + start * step

    def _lay_out_forward(self):
        """Output rows ``period`` apart read input rows of one φ, and begin at ρ, ρ + step, …"""
        s_h, d_h = self.windows.stride[0], self.windows.dilation[0]
        (F_h, F_w, C, K), (p_top, p_bottom, *_) = self.w.shape, self.windows.padding
        x, (z, dz) = self.x.values, map(runs, self.out)
        shifted = zeros(d_h, -(-(len(x) + p_top + p_bottom) // d_h), F_w, C, *self.out.values.shape[2:])
        self.copies, self.products, self.sums = [], [], []
        for first in range(min(d_h, len(x))):
            rows, at = x[first::d_h], divmod(first + p_top, d_h)
            for v, p, q, j in self.reads:
                read = columns(rows, j, self.column_step, q.stop - q.start)
                self.copies.append((shifted[at[1], at[0] : at[0] + len(rows), v, :, p, q], read))
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
            yield slice(i, None, step), kernel_rows, phi, rho - len(kernel_rows) + 1

    def _lay_out_dx(self):
        """As forward, with dz for x; above and below dz lie as many rows of zeros as the classes reach."""
        _, F_w, C, K = self.w.shape
        dz, dx = self.out.gradient, runs(self.x.gradient)
        above = max(0, *(-rho for *_, rho in self.classes))
        rows = [rho + len(u) + len(dx[i]) - 1 for i, u, _, rho in self.classes]
        rows = above + max(-(-len(dz) // self.period), *rows)
        shifted = zeros(self.period, rows, F_w, K, *self.x.gradient.shape[2:])
        self.dx_copies, self.dx_products = [], []
        for a in range(self.period):
            source = dz[a :: self.period]
            target = shifted[a, above : above + len(source)]
            for v, p, q, j in self.reads:
                given = columns(target[:, v], j, self.column_step, q.stop - q.start)
                self.dx_copies.append((given, source[:, :, p, q]))
        for inputs, kernel_rows, phi, rho in self.classes:
            if kernel_rows:
                lines = _as_lines(shifted[phi])[above + rho :]
                stamps = _stacked(lines, len(kernel_rows), len(dx[inputs]), 1)
                turned = slice(kernel_rows.start, None, kernel_rows.step)
                self.dx_products.append((turned, *_in_pieces(C, stamps, dx[inputs])))

    @staticmethod
    def phases_before(layer, shape, phases):
        return math.gcd(phases * _pair(layer.stride)[1], shape[1])

    def forward(self, learn):
        """z[i′, k] = Σ_uvc W[u, v, c, k] · patches[i′, (u, v, c)]."""
        for target, source in self.copies:
            target[...] = source
        w = np.ascontiguousarray(self.w.reshape(-1, self.w.shape[-1]).T)
        for patches, z in self.products:
            np.matmul(w, patches, out=z)

    def backward(self, gradients):
        """dW = Σ_i′ patches[i′] · dz[i′]ᵀ, and dx[i, c] = Σ_uvk W[u, v, c, k] · stamps[i, (u, v, k)]."""
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

    @staticmethod
    def phases_before(layer, shape, phases):
        return phases

    def forward(self, learn):
        """z[k] + b[k]."""
        np.add(self.values, self.b[:, np.newaxis], out=self.values)

    def backward(self, gradients):
        """db[k] = Σ_i′j′m dz[i′, k, j′, m]."""
        self.gradient.sum(axis=2).sum(axis=0, out=gradients[self.name])


# --------------------------------------------------------------------------------- lessons 02, 03 and 09


class ReLU(Step):
    """max(z, 0)."""

    in_place = True

    def __init__(self, layer, edge, zero):
        self.x = self.out = edge
        self.values, self.gradient = (runs(a) if a.ndim == 5 else a for a in edge)
        self.zero = np.broadcast_to(zero[: self.values.shape[-1]], self.values.shape)
        self.bits = self.gradient.view(np.int32), self.values.view(np.int32)

    @staticmethod
    def phases_before(layer, shape, phases):
        return phases

    def forward(self, learn):
        """a = max(z, 0); two arrays, because NumPy is half as fast with an array and a number."""
        np.maximum(self.values, self.zero, out=self.values)

    def backward(self, gradients):
        """dz = da where a > 0, else 0."""
        mark_less(self.zero, self.values, out=self.values)
        gradient, mask = self.bits
        np.bitwise_and(gradient, mask, out=gradient)


class MaxPool(Step):
    """The maximum of each row of a window, then the maximum of these: of equals the first, as in lesson 09."""

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        (f_h, f_w), (s_h, s_w) = _pool_geometry(layer)
        H, C, P, Q, _ = x.values.shape
        H_out, W_out, _ = shape
        self.x, self.out = x, new_edge(shape, phases, m, shared=shared)
        rows = new_edge((H, W_out, C), phases, m, shared=f_h <= s_h)
        self.stages = []
        for p in range(phases):
            members = [
                [columns(a, p * s_w + v, phases * s_w, W_out // phases) for v in range(f_w)] for a in x
            ]
            self.stages.append(Maximum(*members, rows.values[:, :, p], rows.gradient[:, :, p], f_w > s_w))
        members = [[runs(a)[u::s_h][:H_out] for u in range(f_h)] for a in rows]
        self.stages.append(Maximum(*members, *map(runs, self.out), f_h > s_h))
        overlap = f_h > s_h, f_w > s_w
        self.blank = [rows.gradient] if overlap[0] else [rows.gradient[i] for i in _unread(H, f_h, s_h, H_out)]
        self.blank_x = [x.gradient] if overlap[1] else []
        if not overlap[1]:
            self.blank_x = [columns(x.gradient, j, P, 1) for j in _unread(P * Q, f_w, s_w, W_out)]

    @staticmethod
    def phases_before(layer, shape, phases):
        return math.gcd(phases * _pool_geometry(layer)[1][1], shape[1])

    @staticmethod
    def shares(layer):
        (_, f_w), (_, s_w) = _pool_geometry(layer)
        return f_w <= s_w

    def forward(self, learn):
        """The maxima, and marks of who won."""
        for stage in self.stages:
            stage.forward(learn)

    def backward(self, gradients):
        """Each gradient goes to the winner."""
        *over_columns, over_rows = self.stages
        for array in self.blank:
            array[...] = 0
        over_rows.backward()
        for array in self.blank_x:
            array[...] = 0
        for stage in over_columns:
            stage.backward()


class Maximum:
    """y = the maximum of arrays x[0], x[1], … of one shape, the members of all windows along one axis.

    Where windows do not overlap, a member is not needed once it has been compared: ``marks[v]``, where x[v] wins
    over all before it, is written over x[v − 1], and dx[v] over x[v].
    """

    def __init__(self, x, dx, y, dy, overlap):
        self.x, self.y, self.overlap = x, y, overlap
        self.marks = [None, *(np.empty_like(y) if overlap else member for member in x[:-1])]
        self.bits = [mark if mark is None else mark.view(np.int32) for mark in self.marks]
        self.dx, self.dy = dx, dy
        self.part = np.empty_like(y) if overlap else None

    def forward(self, learn):
        x, y = self.x, self.y
        if len(x) == 1:
            y[...] = x[0]
            return
        np.maximum(x[0], x[1], out=y)
        if learn:
            mark_less(x[0], x[1], out=self.marks[1])
        for v in range(2, len(x)):
            if learn:
                mark_less(y, x[v], out=self.marks[v])
            np.maximum(y, x[v], out=y)

    def backward(self):
        dy = self.dy.view(np.int32)
        for v in range(len(self.x) - 1, 0, -1):
            part = self.part if self.overlap else self.dx[v]
            bits = part.view(np.int32)
            np.bitwise_and(dy, self.bits[v], out=bits)
            if v == 1 and not self.overlap:
                np.bitwise_xor(dy, bits, out=self.dx[0].view(np.int32))
                return
            np.bitwise_xor(dy, bits, out=dy)  # what is left for the members before
            if self.overlap:
                np.add(self.dx[v], part, out=self.dx[v])
        if self.overlap:
            np.add(self.dx[0], self.dy, out=self.dx[0])
        else:
            self.dx[0][...] = self.dy


class AveragePool(Step):
    """The mean of every window: the sum of its columns, of these the sum of the rows, over their number."""

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        (f_h, f_w), (s_h, s_w) = _pool_geometry(layer)
        H, C = x.values.shape[:2]
        H_out, W_out, _ = shape
        self.x, self.out, self.share = x, new_edge(shape, phases, m, shared=shared), np.float32(1 / (f_h * f_w))
        rows = new_edge((H, W_out, C), phases, m)
        self.dx, self.drows = x.gradient, rows.gradient
        over_columns, over_rows = [], [
            [(runs(b), runs(a)[u::s_h][:H_out]) for a, b in zip(rows, self.out)] for u in range(f_h)
        ]
        for v in range(f_w):
            for p in range(phases):
                members = [columns(a, p * s_w + v, phases * s_w, W_out // phases) for a in x]
                over_columns.append([(b[:, :, p], a) for a, b in zip(members, rows)])
        self.columns, self.rows, self.first_columns = over_columns, over_rows, phases

    phases_before = MaxPool.phases_before

    def forward(self, learn):
        """The sums of columns, then of rows, then the mean."""
        for number, ((total, x), _) in enumerate(self.columns):
            np.add(total, x, out=total) if number >= self.first_columns else np.copyto(total, x)
        for number, ((total, x), _) in enumerate(self.rows):
            np.add(total, x, out=total) if number else np.copyto(total, x)
        np.multiply(self.out.values, self.share, out=self.out.values)

    def backward(self, gradients):
        """Every member of a window gets an equal share."""
        np.multiply(self.out.gradient, self.share, out=self.out.gradient)
        for array, parts in ((self.drows, self.rows), (self.dx, self.columns)):
            array[...] = 0
            for _, (dtotal, dx) in parts:
                np.add(dx, dtotal, out=dx)


class Flatten(Step):
    """Maps become rows, in the order (i, j, c) of ``layers``."""

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        self.x, self.out = x, new_edge(shape, 1, m, shared=shared)
        self.pairs = []
        for maps, rows in zip(x, self.out):
            if maps.ndim == 5:  # already rows otherwise
                H, C, _, W, _ = maps.shape
                maps, rows = maps[:, :, 0].transpose(0, 2, 1, 3), rows.reshape(H, W, C, m)
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

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        self.name, self.parameters = layer.name, layer.parameters
        self.x, self.out, self.need_dx = x, new_edge(shape, 1, m, shared=shared), need_dx

    def forward(self, learn):
        """Z = Wᵀ X + b."""
        np.matmul(self.parameters["w"].T, self.x.values, out=self.out.values)
        np.add(self.out.values, self.parameters["b"][:, np.newaxis], out=self.out.values)

    def backward(self, gradients):
        """dW = X dZᵀ, db = Σ_m dZ, dX = W dZ."""
        dz = self.out.gradient
        np.matmul(self.x.values, dz.T, out=gradients[f"{self.name}.w"])
        np.sum(dz, axis=1, out=gradients[f"{self.name}.b"])
        if self.need_dx:
            np.matmul(self.parameters["w"], dz, out=self.x.gradient)


class Own(Step):
    """A layer of somebody's own: its forward and backward, on arrays in the order of ``layers``."""

    def __init__(self, layer, x, shape, phases, m, *, shared, need_dx):
        self.layer, self.x, self.out = layer, x, new_edge(shape, phases, m, shared=shared)
        self.name, self.need_dx, self.shape, self.count = layer.name, need_dx, shape, m

    def forward(self, learn):
        """Call the layer's forward with the block's examples, without those behind the last one."""
        x = as_examples(self.x.values)[: self.count]
        H, C, P, Q = self.x.values.shape[:-1] if self.x.values.ndim == 5 else (None,) * 4
        x = np.ascontiguousarray(x).reshape((self.count, H, P * Q, C) if H else x.shape)
        out, self.cache = self.layer.forward(x)
        examples = as_examples(self.out.values)
        examples[: self.count] = out.reshape(self.count, *examples.shape[1:]) + 0.0  # no −0: see mark_less

    def backward(self, gradients):
        """Call the layer's backward."""
        dout = np.ascontiguousarray(as_examples(self.out.gradient)[: self.count])
        dout = dout.reshape(self.count, *self.shape)
        dx, of_parameters = self.layer.backward(dout, self.cache, need_dx=self.need_dx)
        for name, gradient in of_parameters.items():
            gradients[f"{self.name}.{name}"] = gradient
        if self.need_dx:
            examples = as_examples(self.x.gradient)
            examples[: self.count] = dx.reshape(self.count, *examples.shape[1:])
            examples[self.count :] = 0


# -------------------------------------------------------------------------------------------- their tools


def mark_less(left, right, *, out):
    """Write a mask for each entry: all 32 bits set where left < right, no bit elsewhere.

    ``bitwise_and`` with it keeps or clears a float, which takes a tenth of the time of ``np.where``. The mask
    is the sign of the difference, spread over the other bits. x − x is +0, so equals are not marked; but −0 is
    less than +0 here, and no layer writes −0.
    """
    np.subtract(left, right, out=out)
    bits = out.view(np.int32)
    np.right_shift(bits, 31, out=bits)


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


def _unread(length, size, stride, count):
    """Return the rows or columns that lie in no window, where windows do not overlap."""
    read = {t * stride + u for t in range(count) for u in range(size)}
    return sorted(set(range(length)) - read)


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
