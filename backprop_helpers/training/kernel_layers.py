"""The layers of ``layers`` in another memory order, each on blocks of ``m`` examples.

A class below is a layer: its formula forward and backward, and all its memory, laid out once, so that a
step is a few dozen calls of NumPy. The sums are those of lessons 02 to 10 in another order, so results agree
with ``layers`` to rounding. What makes it fast:

* **The example is the fastest axis.** X[m, i, j, c] lies at (i, j, c, m): a pixel with all its channels, a
  row, every second column are runs of hundreds of floats; in the order (m, i, j, c) they would be runs of C.
* **Patches are views.** The pixels under a row of the kernel follow each other, (v, c, m), and the next
  window's overlap them: the matrices of all windows need few copies or none.
* **Small products.** OpenBLAS multiplies small matrices where they are, at its full rate; it would first copy
  large ones, and overlapping windows many times. It is slow at x @ z.T, so z is turned beforehand.
* **Fewer products** where there are channels enough: ``Winograd``.

Names are those of the lessons: rows i, u; columns j, v; channels c, k; ``m`` is an example and their number.
Fully connected layers have rows of ``m`` numbers: (N, m).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .modules import run

CACHE_LINE = 64  # bytes
UNPACKED_SUMS = 1200  # entries of a product x @ z.T up to which OpenBLAS reads both where they are
TILE = 4  # output rows that Winograd's algorithm makes together
POINTS = (0, 1, -1, 2, -2, 0.5, -0.5)  # where its polynomials are evaluated, and at infinity
LEAST = 24  # F_w · C from which on its smaller products pay


class Edge(NamedTuple):
    """What lies between two layers: maps (i, j, c, m) or rows (N, m)."""

    values: np.ndarray
    gradient: np.ndarray  # ∂J/∂values; the same memory where the values are not needed any more by then


class Room(NamedTuple):
    """What a plan tells a step about its place."""

    shape: tuple[int, ...]  # of an example's output, (H, W, C) or (N,)
    m: int  # examples
    shared: bool  # whether the output's values and gradient may have the same memory
    need_dx: bool  # whether anybody below learns


def new_edge(room, rows=0):
    """Return an edge for a step's output; maps may need more ``rows`` than the output has."""
    shape = (max(rows, room.shape[0]), *room.shape[1:], room.m)
    values = zeros(*shape)
    return Edge(values, values if room.shared else zeros(*shape))


def to_examples(array, M):
    """Return an edge's array as M examples in the order of ``layers``, (M, …)."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 0)[:M])


def from_examples(examples, array):
    """Write examples (M, …) to an edge's array; what lies behind them is 0."""
    M = len(examples)
    array[..., :M] = np.moveaxis(examples.reshape(M, *array.shape[:-1]), 0, -1)
    array[..., M:] = 0


class Step:
    """A layer between the edges ``x`` and ``out``: ``Step(layer, x, room)``.

    ``forward(learn)`` writes ``out.values``; ``backward(gradients)``, which only follows with ``learn``,
    writes ``x.gradient`` and the gradients of the layer's parameters.
    """

    done_with_x = False  # x is needed no more when its gradient is written

    def forward(self, learn):
        """Do nothing, unless there is something to do."""

    def backward(self, gradients):
        """Do nothing, unless there is something to do."""


class Input(Step):
    """Images (M, H, W, C) become maps, or rows, standardised if the network begins so."""

    def __init__(self, standardize, room):
        self.standardize, self.out = standardize, new_edge(room)

    def read(self, images):
        """Write ``out.values``; what lies behind the last image is 0."""
        values = self.out.values
        from_examples(images, values)
        if self.standardize is not None:
            values -= np.float32(self.standardize.mean)
            values /= np.float32(self.standardize.std)
            values[..., len(images) :] = 0


# ----------------------------------------------------------------------------------- lessons 05 to 08


def product_of(layer):
    """Return the class that does a convolution's products: ``Winograd`` where it can and where it pays."""
    F_h, F_w, C, _ = layer.parameters["w"].shape
    plain = _pair(layer.stride) == _pair(layer.dilation) == (1, 1)
    fits = isinstance(layer.padding, str) or _pair(layer.padding)[1] < F_w
    known = 1 < F_h <= len(POINTS) + 2 - TILE
    return Winograd if plain and fits and known and F_w * C >= LEAST else Product


class Product(Step):
    """A convolution without its bias, which ``Bias`` adds: the products of lessons 05 to 08.

    ===========  ==========================  ===========================================================
    ``shifted``  (i, v, c, j′, m)            row i of the padded x, what columns j′ see under v
    patches      (i′, (u, v, c), (j′, m))    view of it: what lies under the kernel at row i′
    ``z``        (i′, k, (j′, m))            what others see as (i′, j′, k, m)
    ``stamps``   (i′, u, v, c, j′, m)        the kernel, times row i′ of dz
    ===========  ==========================  ===========================================================

    Only the F_w shifts along a row are copied: the F_h rows under a kernel follow each other there. A kernel
    with dilated rows is one with rows of zeros between them.
    """

    def __init__(self, layer, x, room):
        self.name, self.w, self.x = f"{layer.name}.w", layer.parameters["w"], x
        (H, W, C, m), (F_h, F_w, _, K), (H_out, W_out, _) = x.values.shape, self.w.shape, room.shape
        self.windows = layer.windows((H, W))
        (s_h, s_w), (self.d_h, d_w), (top, bottom, left, right) = self.windows[1:4]
        out = new_edge(room._replace(shape=(H_out, K, W_out)))
        self.out = Edge(*(array.swapaxes(1, 2) for array in out))
        self.spread = zeros((F_h - 1) * self.d_h + 1, F_w, C, K)
        shifted, self.copies = zeros(top + H + bottom, F_w, C, W_out, m), []
        for v in range(F_w):
            reads = [j for j in range(W_out) if 0 <= j * s_w + v * d_w - left < W]
            if reads:
                columns = slice(reads[0] * s_w + v * d_w - left, reads[-1] * s_w + v * d_w - left + 1, s_w)
                target = shifted[top : top + H, v, :, reads[0] : reads[-1] + 1]
                self.copies.append((target, x.values[:, columns].swapaxes(1, 2)))
        patches = _stacked(shifted.reshape(len(shifted), F_w * C, -1), H_out, len(self.spread), s_h)
        z, dz = (array.reshape(H_out, K, -1) for array in out)
        self.patches, self.z = patches, z
        self.sum = _sum_in_pieces(patches, dz)
        self.stamps = None
        if room.need_dx:
            self.stamps, self.dz = zeros(H_out, F_h, F_w, C, W_out, m), dz
            self.padded_dx = zeros(top + H + bottom, left + W + right, C, m)
            self.dx = self.padded_dx[top : top + H, left : left + W]

    def forward(self, learn):
        """Compute z[i′, k] = Σ_uvc W[u, v, c, k] · patches[i′, (u, v, c)]."""
        for target, source in self.copies:
            target[...] = source
        self.spread[:: self.d_h] = self.w
        w = np.ascontiguousarray(self.spread.reshape(-1, self.w.shape[-1]).T)
        np.matmul(w, self.patches, out=self.z)

    def backward(self, gradients):
        """Compute dW = Σ_i′ patches[i′] · dz[i′]ᵀ, and dx by stamping: col2im."""
        patches, dz, products = self.sum
        np.matmul(patches, dz, out=products)
        gradients[self.name][...] = products.sum(axis=0).reshape(self.spread.shape)[:: self.d_h]
        if self.stamps is not None:
            stamps = self.stamps.reshape(len(self.dz), -1, self.dz.shape[-1])
            np.matmul(self.w.reshape(-1, self.w.shape[-1]), self.dz, out=stamps)
            self.padded_dx[...] = 0
            for u, v in self.windows.offsets():
                pixels = self.windows.pixels_under(u, v)[1:]
                self.padded_dx[pixels] += self.stamps[:, u, v].swapaxes(1, 2)
            self.x.gradient[...] = self.dx


def winograd(tile, taps):
    """Return A (P, tile), G (P, taps), B (P, P): z = Aᵀ(G w · Bᵀ x), ``tile`` outputs z by P products.

    z[i] = Σ_u w[u] x[i + u] needs tile · taps products; here they are P = tile + taps − 1, as in 12.8. Read
    w and z as the coefficients of polynomials: their values at P points, A and G, are enough to know them.
    """
    points = np.array(POINTS[: tile + taps - 2], float)
    rests = [np.delete(points, p) for p in range(len(points))]
    scale = [[np.prod(point - rest)] for point, rest in zip(points, rests)]
    infinity = [np.eye(1, n, n - 1) for n in (tile, taps)]
    A = np.vstack([np.vander(points, tile, increasing=True), infinity[0]])
    G = np.vstack([np.vander(points, taps, increasing=True) / scale, infinity[1]])
    B = [np.append(np.poly(rest)[::-1], 0) for rest in rests] + [np.poly(points)[::-1]]
    return A.astype(np.float32), G.astype(np.float32), np.array(B, np.float32).T


class Winograd(Step):
    """The same of stride 1 with fewer products: ``winograd`` along the columns, ``TILE`` rows at a time.

    ===========  ==========================  ===========================================================
    ``x_hat``    (tile, p, j, c, m)          Bᵀ x of the rows that the tile reads; columns padded
    patches      (tile, p, j′, (v, c), m)    view of it: what lies under the kernel at column j′
    ``z_hat``    (p, j′, k, m)               products; on the way back A dz, turned to (m, k)
    ``dz_hat``   (p, j, k, m)                A dz, with columns of zeros around
    stamps       (p, j, (v, k), m)           view of it: what column j gave to, the kernel turned
    ===========  ==========================  ===========================================================

    The backward pass transposes each of the three: dW = Gᵀ(A dz · Bᵀ x), dx = B(G w · A dz).
    """

    def __init__(self, layer, x, room):
        self.name, self.w, self.x, m = f"{layer.name}.w", layer.parameters["w"], x, room.m
        (H, W, C, _), (F_h, F_w, _, K), (H_out, W_out, _) = x.values.shape, self.w.shape, room.shape
        top, _, left, right = layer.windows((H, W)).padding
        self.A, self.G, self.B = winograd(TILE, F_h)
        P, tiles = len(self.B), -(-H_out // TILE)
        whole = new_edge(room, rows=tiles * TILE)
        self.out = Edge(*(array[:H_out] for array in whole))
        self.beyond = whole.gradient[H_out:]  # rows of the last tile that are not there
        self.z, self.dz = (array.reshape(tiles, TILE, W_out, K, m) for array in whole)

        rows = zeros(tiles * TILE + F_h - 1, W * C * m)
        self.x_rows = rows[top : top + H].reshape(x.values.shape)
        strides = TILE * rows.strides[0], *rows.strides
        self.x_tiles = as_strided(rows, (tiles, P, W * C * m), strides, writeable=False)
        x_hat = zeros(tiles, P, left + W + right, C, m)
        self.x_hat = x_hat.reshape(tiles, P, -1)[:, :, left * C * m :][:, :, : W * C * m]
        self.patches = _stacked(x_hat, W_out, F_w, 1)
        self.z_hat, self.turned = zeros(P, W_out * K * m), zeros(TILE, W_out, m, K)
        self.sums = zeros(P, W_out, F_w * C, K)
        self.dx_rows = None
        if room.need_dx:
            dz_hat, before = zeros(P, W + F_w - 1, K, m), F_w - 1 - left
            self.dz_hat = dz_hat.reshape(P, -1)[:, before * K * m :][:, : W_out * K * m]
            self.stamps = _stacked(dz_hat, W, F_w, 1)
            self.dx_hat, self.dx_tile = zeros(P, W, C, m), zeros(P, W * C * m)
            self.dx_rows = zeros(*rows.shape)
            self.dx = self.dx_rows[top : top + H].reshape(x.values.shape)

    def forward(self, learn):
        """Compute z = Aᵀ(G w · Bᵀ x) for every tile."""
        self.x_rows[...] = self.x.values
        F_h, F_w, C, K = self.w.shape
        self.w_hat = np.matmul(self.G, self.w.reshape(F_h, -1)).reshape(-1, F_w, C, K)
        w = np.ascontiguousarray(self.w_hat.reshape(-1, 1, F_w * C, K).swapaxes(2, 3))
        products = self.z_hat.reshape(*self.patches.shape[1:3], K, -1)
        for x, x_hat, patches, z in zip(self.x_tiles, self.x_hat, self.patches, self.z):
            np.matmul(self.B.T, x, out=x_hat)
            np.matmul(w, patches, out=products)
            np.matmul(self.A.T, self.z_hat, out=z.reshape(TILE, -1))

    def backward(self, gradients):
        """Compute dW = Gᵀ(A dz · Bᵀ x), and dx = B(G w · A dz)."""
        self.beyond[...] = 0
        if self.dx_rows is not None:
            self._backward_to_x()
        P, W_out, _, K = self.sums.shape
        products, dw_hat = self.z_hat.reshape(P, W_out, -1, K), 0
        for dz, patches in zip(self.dz, self.patches):
            self.turned[...] = dz.swapaxes(2, 3)
            np.matmul(self.A, self.turned.reshape(TILE, -1), out=self.z_hat)
            np.matmul(patches, products, out=self.sums)
            dw_hat = dw_hat + _total(self.sums.reshape(P, W_out, -1))
        gradients[self.name][...] = np.matmul(self.G.T, dw_hat.reshape(P, -1)).reshape(self.w.shape)

    def _backward_to_x(self):
        """Compute dx = B(G w · A dz), and add it up where tiles overlap."""
        w = np.ascontiguousarray(self.w_hat[:, ::-1].transpose(0, 2, 1, 3))
        w = w.reshape(len(w), 1, w.shape[1], -1)
        self.dx_rows[...] = 0
        for tile, dz in enumerate(self.dz):
            np.matmul(self.A, dz.reshape(TILE, -1), out=self.dz_hat)
            np.matmul(w, self.stamps, out=self.dx_hat)
            np.matmul(self.B, self.dx_hat.reshape(self.dx_tile.shape), out=self.dx_tile)
            self.dx_rows[tile * TILE :][: len(self.B)] += self.dx_tile
        self.x.gradient[...] = self.dx


class Bias(Step):
    """The bias of a convolution, one number a map."""

    def __init__(self, layer, x, room):
        self.name, self.b, self.x, self.out = f"{layer.name}.b", layer.parameters["b"], x, x
        self.row = np.zeros_like(x.values[:1])

    def forward(self, learn):
        """Compute z[k] + b[k]."""
        self.row[...] = self.b[:, np.newaxis]
        np.add(self.x.values, self.row, out=self.x.values)

    def backward(self, gradients):
        """Compute db[k] = Σ_i′j′m dz[i′, j′, k, m]."""
        self.x.gradient.sum(axis=0).sum(axis=(0, 2), out=gradients[self.name])


# --------------------------------------------------------------------------------- lessons 02, 03 and 09


class ReLU(Step):
    """max(z, 0)."""

    def __init__(self, layer, x, room):
        self.x = self.out = x
        self.values, self.gradient = x
        self.zero = np.zeros_like(x.values[:1] if x.values.ndim == 4 else x.values)
        self.positive = np.empty_like(x.values, bool)

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

    def __init__(self, layer, x, room):
        H_out, W_out, _ = room.shape
        windows = layer.windows(x.values.shape[:3])
        between = Edge(*[np.empty_like(x.values[:, :W_out])] * 2)
        values = np.zeros_like(x.values[:H_out, :W_out])
        self.x, self.out = x, Edge(values, values if room.shared else np.zeros_like(values))
        self.stages, self.blank = [], []
        for edges, axis, count in (((x, between), 1, W_out), ((between, self.out), 0, H_out)):
            f, s, length = windows.size[axis], windows.stride[axis], x.values.shape[axis]
            arrays = [[np.moveaxis(a, axis, 0)[v::s][:count] for v in range(f)] for a in edges[0]]
            y = [np.moveaxis(a, axis, 0) for a in edges[1]]
            self.stages.append(self.reduction(*arrays, *y, f > s))
            # Only where pixels lie in no window, or in several, do gradients need zeros to begin with.
            self.blank.append(None if f == s and count * s == length else edges[0].gradient)

    def forward(self, learn):
        """Reduce the columns of each window, then its rows."""
        for stage in self.stages:
            stage.forward(learn)

    def backward(self, gradients):
        """Give each gradient to the rows, then to the columns; what no window has read gets none."""
        for stage, blank in zip(reversed(self.stages), reversed(self.blank)):
            if blank is not None:
                blank[...] = 0
            stage.backward()


class AveragePool(MaxPool):
    """The mean of every window: the mean of each row, then the mean of these."""

    done_with_x = False
    reduction = Mean


class Flatten(Step):
    """Maps become rows: in the order (i, j, c) of ``layers``, as they lie already, or else are copied."""

    def __init__(self, layer, x, room):
        self.x, self.out = x, Edge(*(array.reshape(-1, room.m) for array in x))
        self.copied = not np.shares_memory(x.values, self.out.values)

    def forward(self, learn):
        """Copy."""
        if self.copied:
            self.out.values.reshape(self.x.values.shape)[...] = self.x.values

    def backward(self, gradients):
        """Copy back."""
        if self.copied:
            self.x.gradient[...] = self.out.gradient.reshape(self.x.gradient.shape)


class FullyConnected(Step):
    """Z = Wᵀ X + b: an example is a column here."""

    def __init__(self, layer, x, room):
        self.name, self.parameters = layer.name, layer.parameters
        self.x, self.out, self.need_dx = x, new_edge(room), room.need_dx

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

    def __init__(self, layer, x, room):
        self.layer, self.x, self.out, self.need_dx = layer, x, new_edge(room), room.need_dx

    def forward(self, learn):
        """Call the layer's forward with the block's examples: ``count`` of them."""
        out, self.cache = run(self.layer, to_examples(self.x.values, self.count), training=learn)
        from_examples(out, self.out.values)

    def backward(self, gradients):
        """Call the layer's backward; what it gathers over batches it takes from this one."""
        dout = to_examples(self.out.gradient, self.count)
        dx, of_parameters = self.layer.backward(dout, self.cache, need_dx=self.need_dx)
        for name, gradient in of_parameters.items():
            gradients[f"{self.layer.name}.{name}"] = gradient
        if self.need_dx:
            from_examples(dx, self.x.gradient)
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


def _stacked(rows, count, height, step):
    """View rows (i, c, n) as matrices (count, (u, c), n): ``height`` rows from row 0, step, 2·step, … on.

    They are neighbours in memory: together they are a matrix already.
    """
    (*outer, _, C, n), (*steps, row, channel, number) = rows.shape, rows.strides
    strides = *steps, step * row, channel, number
    return as_strided(rows, (*outer, count, height * C, n), strides, writeable=False)


def _sum_in_pieces(patches, dz):
    """Return patches (i, piece, R / pieces, n), dz (i, 1, n, K) and room for their small enough products."""
    (count, R, n), K = patches.shape, dz.shape[1]
    pieces = next(p for p in range(1, R + 1) if R % p == 0 and (R // p * K <= UNPACKED_SUMS or p == R))
    patches = patches.reshape(count, pieces, R // pieces, n)
    return patches, dz.swapaxes(1, 2)[:, np.newaxis], zeros(count, pieces, R // pieces, K)


def _total(products):
    """Sum over the axis before the last: (…, n, size) becomes (…, size). BLAS is faster at it than NumPy."""
    return np.matmul(np.ones((1, products.shape[-2]), np.float32), products)[..., 0, :]
