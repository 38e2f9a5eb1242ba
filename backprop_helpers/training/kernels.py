"""The fast path: the formulas of ``layers``, the same indices, other memory.

``plan`` recognises networks of the kind [Standardize] (Conv ReLU MaxPool)* Flatten (FullyConnected ReLU)*
FullyConnected and lays out, once, all the memory that a training step on them needs. The sums are those of
lessons 02 to 10, term by term; only their order differs, so results agree with ``layers`` to rounding. What
makes it fast:

* **The example is the fastest axis.** X[m, i, j, c] lies in memory as (i, c, j, m). A slice, such as all
  columns shifted by one, is then a run of hundreds of floats; as (m, i, j, c) it would be a run of C.
* **Small blocks of examples.** A block passes through the whole network, forward and backward, before the
  next one comes: much of what the forward pass wrote is still in the cache when the backward pass reads it.
* **Half an im2col.** Only the F_w shifts along a row are copied. The F_h rows under a kernel follow each
  other in that copy, so the matrix of all patches is a *view* of it: a fifth of the traffic for 5×5.
* **Even and odd columns apart.** The two columns of a pooling window are then two whole arrays, and one
  comparison of two arrays decides all windows. The shifted copies choose their columns anyhow.
* **Bias and ReLU after pooling.** Neither changes which number is the larger, so the maximum may come first;
  three quarters of the additions and comparisons go away.
* **Threads share out blocks.** NumPy lets other threads run while it computes. BLAS gets one thread for each
  product: these products are too small to be shared.

Names are those of the lessons: rows i, u; columns j, v; channels c, k; ``m`` is an example and their number.
"""

from __future__ import annotations

import contextvars
import functools
import math
import os
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backprop_helpers.layers._windows import place_windows

from .modules import Conv, Flatten, FullyConnected, MaxPool, ReLU, Standardize
from .parameters import ParameterViews
from .threads import one_blas_thread

BLOCK = 32  # examples: more do not stay in a core's cache, with fewer the cost of each call of NumPy shows
FEWEST = 16  # examples for which a thread is worth waking
CACHE_LINE = 64  # bytes
UNPACKED = 10**6  # multiply-adds up to which OpenBLAS reads the operands where they are (see _multiply)


def plan(network, batch_size: int, *, threads: int | None = None):
    """Lay out the memory for training steps and predictions on ``batch_size`` examples at a time.

    Parameters
    ----------
    network : Network
        Its parameters are read at every step; the plan keeps no copy of them.
    batch_size : int
        The usual number of examples. Any other number gives right results as well.
    threads : int, optional
        By default ``default_threads()``. Another number sums in another order: results differ by rounding.

    Returns
    -------
    Plan or None
        None if the network is of another kind than this module knows, or not float32.
    """
    parts = _recognise(network)
    if parts is None:
        return None
    threads = default_threads() if threads is None else threads
    return Plan(network, parts, batch_size, max(1, min(threads, batch_size // FEWEST)))


def why(network) -> str | None:
    """Say why ``plan`` lays out nothing for this network; None if it does."""
    return (
        None if _recognise(network) else "the fast path does not know this sequence of layers, or this dtype"
    )


def default_threads() -> int:
    """Return how many threads NumPy's large matrix products would use: its setting, else one a core."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(variable, "").isdecimal():
            return max(1, int(os.environ[variable]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _recognise(network):
    """Return (Standardize or None, [Conv, …], [FullyConnected, …]), or None for another kind of network."""
    layers = list(network.layers)
    standardize = layers.pop(0) if isinstance(layers[0], Standardize) else None
    convolutions = []
    while [type(layer) for layer in layers[:3]] == [Conv, ReLU, MaxPool]:
        conv, _, pool = layers[:3]
        if not (_is(conv.stride, 1) and _is(conv.dilation, 1) and _is(pool.size, 2)):
            return None
        if not (pool.stride is None or _is(pool.stride, 2)):
            return None
        convolutions.append(conv)
        del layers[:3]
    dense = layers[1::2]
    kinds = [type(layer) for layer in layers]
    if kinds != [Flatten, FullyConnected] + [ReLU, FullyConnected] * (len(dense) - 1):
        return None
    return (standardize, convolutions, dense) if network.dtype == np.float32 else None


def _is(setting, number):
    return setting in (number, (number, number))


class Plan:
    """Memory and threads for one network and batch size; made by ``plan``. One call at a time.

    Attributes
    ----------
    threads : int
        How many threads share a batch. The same number gives the same result, to the last bit.
    """

    def __init__(self, network, parts, batch_size, threads):
        blocks = threads * math.ceil(batch_size / BLOCK / threads)  # as many for each thread
        self.block = math.ceil(batch_size / blocks)
        self.threads = threads
        self.classes = network.classes
        self.workers = [_Worker(network, parts, self.block) for _ in range(threads)]

    def loss_and_gradients(self, images, labels, out):
        """Do the forward and backward pass of one batch.

        Parameters
        ----------
        images : ndarray of float32, shape (M, H, W, C)
        labels : ndarray of int, shape (M,)
        out : ndarray of float32, shape (n,)
            Receives the gradient of the mean loss, in the order of ``network.parameters.vector``.

        Returns
        -------
        loss : float
            The mean loss.
        correct : int
            How many images were classified correctly.
        """
        results = self._share(len(images), lambda worker, starts: worker.learn(images, labels, starts))
        out[...] = 0
        for worker, _ in zip(self.workers, results):
            out += worker.total.vector
        return sum(loss for loss, _ in results), sum(correct for _, correct in results)

    def logits(self, images):
        """Return the last layer's output for ``images`` (M, H, W, C), as a fresh array (M, classes)."""
        logits = np.empty((len(images), self.classes), np.float32)

        def predict(worker, starts):
            for start in starts:
                block = images[start : start + self.block]
                logits[start : start + len(block)] = worker.forward(block, learn=False)[:, : len(block)].T

        self._share(len(images), predict)
        return logits

    def _share(self, M, work):
        """Call ``work(worker, starts)`` on a thread for each worker that gets a block; return the results."""
        shares = [range(t * self.block, M, self.threads * self.block) for t in range(self.threads)]
        jobs = [(worker, starts) for worker, starts in zip(self.workers, shares) if starts]
        with one_blas_thread():
            # The other threads inherit this one's np.errstate; this one does the first share itself.
            pool = _pool(self.threads)
            others = [pool.submit(contextvars.copy_context().run, work, *job) for job in jobs[1:]]
            try:
                first = work(*jobs[0])
            finally:
                wait(others)
            return [first, *(other.result() for other in others)]


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads, thread_name_prefix="kernels")


class _Worker:
    """One thread's memory, for one block of ``m`` examples, and the block's way through the network."""

    def __init__(self, network, parts, m):
        self.m, self.parameters = m, network.parameters
        self.standardize, convolutions, self.dense = parts
        self.pixels = _zeros(m, *network.input_shape)
        shape = network.input_shape
        self.convolutions = []
        for conv in convolutions:
            self.convolutions.append(_ConvReluPool(conv, shape, m, need_dx=bool(self.convolutions)))
            shape = self.convolutions[-1].output_shape
        self.flat_shape = shape
        # A fully connected layer's input is (N, m): its rows lie as flatten's do, one column an example.
        sizes = [math.prod(shape), *(layer.units for layer in self.dense)]
        self.x = [_zeros(size, m) for size in sizes]
        self.dx = [_zeros(size, m) for size in sizes]
        shapes = {name: array.shape for name, array in network.parameters.items()}
        size = network.parameters.vector.size
        self.total, self.of_block = ParameterViews(_zeros(size), shapes), ParameterViews(_zeros(size), shapes)

    def learn(self, images, labels, starts):
        """Add up losses, right answers and, in ``self.total``, gradients of the blocks from ``starts`` on."""
        loss = correct = 0
        for start in starts:
            block = slice(start, start + self.m)
            z = self.forward(images[block], learn=True)
            block_loss, block_correct = self._loss(z, labels[block], len(labels))
            loss, correct = loss + block_loss, correct + block_correct
            if start == starts[0]:
                self.backward(self.total)
            else:
                self.backward(self.of_block)
                self.total.vector += self.of_block.vector
        return loss, correct

    def forward(self, images, *, learn):
        """Return the logits of one block as (classes, m); columns past the last image mean nothing."""
        x, parameters = self.pixels, self.parameters
        x[: len(images)] = images
        x[len(images) :] = 0
        if self.standardize is not None:
            x -= np.float32(self.standardize.mean)
            x /= np.float32(self.standardize.std)
        x = x.transpose(1, 3, 2, 0)  # (i, c, j, m): from here on the example is the fastest axis
        for conv in self.convolutions:
            x = conv.forward(x, parameters[f"{conv.name}.w"], parameters[f"{conv.name}.b"], learn=learn)
        self.x[0].reshape(*self.flat_shape, self.m)[...] = x.transpose(0, 2, 1, 3)
        for layer, x, z in zip(self.dense, self.x, self.x[1:]):
            np.matmul(parameters[f"{layer.name}.w"].T, x, out=z)
            z += parameters[f"{layer.name}.b"][:, np.newaxis]
            if layer is not self.dense[-1]:
                np.maximum(z, 0, out=z)
        return z

    def _loss(self, z, labels, M):
        """Return the block's part of the mean loss and of the right answers; put ∂J/∂z in ``self.dx[-1]``."""
        dz, examples = self.dx[-1], np.arange(len(labels))
        correct = np.count_nonzero(z.argmax(axis=0)[: len(labels)] == labels)
        z -= z.max(axis=0)  # softmax and cross-entropy of lesson 04
        np.exp(z, out=dz)
        sums = dz.sum(axis=0)
        losses = np.log(sums[: len(labels)]) - z[labels, examples]
        dz /= sums
        dz[labels, examples] -= 1
        dz /= M
        dz[:, len(labels) :] = 0  # a block that is not full: no gradient from the rest
        return losses.sum(dtype=np.float64) / M, correct

    def backward(self, gradients):
        """Write the gradients of all parameters, given ∂J/∂logits in ``self.dx[-1]``."""
        parameters = self.parameters
        for layer, x, dx, dz in reversed(list(zip(self.dense, self.x, self.dx, self.dx[1:]))):
            np.matmul(x, dz.T, out=gradients[f"{layer.name}.w"])
            np.sum(dz, axis=1, out=gradients[f"{layer.name}.b"])
            if layer is not self.dense[0]:
                np.matmul(parameters[f"{layer.name}.w"], dz, out=dx)
                dx *= x > 0
            elif self.convolutions:
                np.matmul(parameters[f"{layer.name}.w"], dz, out=dx)
                maps = dx.reshape(*self.flat_shape, self.m).transpose(0, 2, 1, 3)
                self.convolutions[-1].da_maps[...] = maps
        for conv, before in reversed(list(zip(self.convolutions, [None, *self.convolutions]))):
            conv.backward(
                parameters[f"{conv.name}.w"],
                gradients[f"{conv.name}.w"],
                gradients[f"{conv.name}.b"],
                dx=None if before is None else before.da_maps,
            )


class _ConvReluPool:
    """A convolution, ReLU and 2×2 max pooling on blocks of ``m`` examples, with all their memory.

    A column j is the pair of (parity, q): j = 2q + parity. One row of one parity and channel has
    n = (pooled columns) · m entries.

    ===========  ===============================  ==========================================================
    ``x``        (parity, i, c, q, m)             input, its columns padded with zeros
    ``shifted``  (parity, i + p_top, v, c, q, m)  the padded input, shifted to the left by v columns
    ``patches``  (parity, i, (u, v, c), n)        view of ``shifted``: what lies under the kernel at (i, j)
    ``z``        (parity, i, k, n)                pre-activations; then masks; in the end their gradient
    ``rows``     (i, k, n)                        z, its columns pooled; then masks; then the gradient
    ``a``        (i // 2, k, n)                   the output; then a mask
    ``da``       (i // 2, k, n)                   the output's gradient; ``da_maps`` shows it as (i, k, j, m)
    ===========  ===============================  ==========================================================

    All views of them are made once, here, and used in every step: a step is a few dozen calls of NumPy.
    """

    def __init__(self, conv, input_shape, m, *, need_dx):
        self.name = conv.name
        H, W, C = input_shape
        F_h, F_w, _, K = conv.parameters["w"].shape
        window = place_windows("plan", (H, W), (F_h, F_w), stride=1, padding=conv.padding, dilation=1)
        p_top, p_bottom, p_left, _ = window.padding
        # A last row or column that fills no pooling window has no gradient, so it is not even computed.
        pooled_rows, columns = window.count[0] // 2, window.count[1] // 2
        self.output_shape = pooled_rows, columns, K
        n = columns * m

        pairs = max((W + p_left + 1) // 2, columns + F_w // 2)  # of columns, padding included
        inner = slice(p_top, p_top + H)  # the input's rows; those above and below stay zero
        x = _zeros(2, H, C, pairs, m)
        shifted = _zeros(2, p_top + H + p_bottom, F_w, C, columns, m)
        # Column j of the input is the padded column j + p_left. The even and the odd ones go to:
        self.halves = [(slice(j, None, 2), _columns(x, j + p_left, (W - j + 1) // 2)) for j in (0, 1)]
        # Output column (parity, q) reads, under v, the padded column 2q + parity + v.
        reads = [(parity, v, parity + v) for parity in (0, 1) for v in range(F_w)]
        reads.sort(key=lambda read: read[2])
        self.shifts = [(shifted[p, inner, v], _columns(x, first, columns)) for p, v, first in reads]
        self.patches = _stacked_rows(shifted.reshape(2, -1, F_w * C, n), F_h)[:, : 2 * pooled_rows]

        padded_z = _zeros(2, F_h - 1 + max(p_top + H, 2 * pooled_rows), K, n)  # zero rows above and below
        self.z = padded_z[:, F_h - 1 : F_h - 1 + 2 * pooled_rows]
        self.rows = _zeros(2 * pooled_rows, K, n)
        self.a, self.da, self.zero = (_zeros(pooled_rows, K, n) for _ in range(3))
        self.da_maps = self.da.reshape(pooled_rows, K, columns, m)
        self.bits = [array.view(np.int32) for array in (self.z, self.rows, self.a, self.da)]
        self.z_product = _in_pieces(K, self.patches, self.z, columns)
        self.dw_of_rows = _zeros(2, 2 * pooled_rows, F_h * F_w * C, K)

        if need_dx:
            dx, shifted_dx = _zeros(2, H, C, pairs, m), _zeros(2, H, F_w, C, pairs, m)
            self.dx_halves = [(j, _columns(dx, j.start + p_left, half.shape[2])) for j, half in self.halves]
            dz_patches = _stacked_rows(padded_z, F_h)[:, inner]
            dx_matrices = shifted_dx.reshape(2, H, F_w * C, pairs * m)[..., :n]
            self.dx_product = _in_pieces(F_w * C, dz_patches, dx_matrices, columns)
            # Every shifted copy is added up where its columns were read. Its rows are as long as those of dx,
            # with zeros at their end, so that a shift by columns is a shift of the whole of a long run.
            runs, shifted_runs = dx.reshape(2, H, -1), shifted_dx.reshape(2, H, F_w, -1)
            self.dx_shifts = []
            for parity, v, first in reads:
                target = runs[first % 2, :, first // 2 * m :]
                self.dx_shifts.append((target, shifted_runs[parity, :, v, : target.shape[1]]))

    def forward(self, x, w, b, *, learn):
        """Return the output as (i, k, j, m), given x as (i, c, j, m). ``learn``: backward will follow."""
        for j, half in self.halves:
            half[...] = x[:, :, j]
        for shifted, read in self.shifts:
            shifted[...] = read
        patches, pieces = self.z_product
        np.matmul(np.ascontiguousarray(w.reshape(-1, w.shape[-1]).T), patches, out=pieces)

        z, rows, a = self.z, self.rows, self.a
        np.maximum(z[0], z[1], out=rows)
        np.maximum(rows[0::2], rows[1::2], out=a)
        if learn:  # While they are in the cache: which members won? Of equals the first, as in lesson 09.
            _mark_less(z[0], z[1], out=z[0])
            _mark_less(rows[0::2], rows[1::2], out=rows[0::2])
        a += b[:, np.newaxis]
        np.maximum(a, self.zero, out=a)  # two arrays: NumPy is half as fast with an array and a number
        return a.reshape(self.da_maps.shape)

    def backward(self, w, dw, db, *, dx):
        """Write ∂J/∂w, ∂J/∂b and, if ``dx`` is an array (i, c, j, m), ∂J/∂x, given ∂J/∂output in ``da``."""
        _mark_less(self.zero, self.a, out=self.a)  # ReLU
        z, rows, a, da = self.bits
        np.bitwise_and(da, a, out=da)
        np.bitwise_and(da, rows[0::2], out=rows[1::2])  # to the lower row, where it won,
        np.bitwise_xor(da, rows[1::2], out=rows[0::2])  # and what is left to the upper one
        np.bitwise_and(rows, z[0], out=z[1])  # the same for the right column
        np.bitwise_xor(rows, z[1], out=z[0])  # and the left one: z is the gradient of z now

        self.da.sum(axis=2).sum(axis=0, out=db)  # pooling loses no gradient, and here there are fewer terms
        np.matmul(self.patches, self.z.swapaxes(-1, -2), out=self.dw_of_rows)
        dw[...] = self.dw_of_rows.sum(axis=(0, 1)).reshape(dw.shape)
        if dx is None:
            return
        # Row i of dX takes W[u] times row i + p_top − u of dZ: these ascend as u descends, hence w[::-1].
        w_columns = w[::-1].transpose(1, 2, 0, 3).reshape(-1, len(w) * w.shape[-1])
        dz_patches, pieces = self.dx_product
        np.matmul(np.ascontiguousarray(w_columns), dz_patches, out=pieces)
        for target, shifted in self.dx_shifts[:2]:  # from columns 0 and 1 on: they fill both halves of dx
            target[...] = shifted
        for target, shifted in self.dx_shifts[2:]:
            np.add(target, shifted, out=target)
        for j, half in self.dx_halves:
            dx[:, :, j] = half


def _columns(x, first, count):
    """View columns first, first + 2, … of x (parity, i, c, q, m) as (i, c, count, m)."""
    return x[first % 2, :, :, first // 2 : first // 2 + count]


def _mark_less(left, right, *, out):
    """Write a mask for each entry: all 32 bits set where left < right, no bit elsewhere.

    ``bitwise_and`` with it keeps or clears a float, which takes a tenth of the time of ``np.where``. The mask
    is the sign of the difference, spread over the other bits; 0 − 0 is +0, so equals are not marked.
    """
    np.subtract(left, right, out=out)
    bits = out.view(np.int32)
    np.right_shift(bits, 31, out=bits)


def _in_pieces(height, matrices, out, columns):
    """Cut matrices (…, rows, n) and their products (…, height, n) into pieces of one or more columns each.

    BLAS copies the operands of a large product into an order of its own, and overlapping rows would be copied
    F_h times. So a large product is cut until BLAS takes the operands as they are.
    """
    work = height * matrices.shape[-2] * matrices.shape[-1]
    pieces = next((d for d in range(1, columns) if columns % d == 0 and work <= d * UNPACKED), columns)
    return _cut(matrices, pieces), _cut(out, pieces)


def _cut(matrices, pieces):
    """View matrices (…, rows, n) as (…, pieces, rows, n / pieces)."""
    *stack, rows, n = matrices.shape
    return matrices.reshape(*stack, rows, pieces, n // pieces).swapaxes(-2, -3)


def _stacked_rows(rows, height):
    """View (halves, R, C, n) as (halves, R − height + 1, height · C, n): each row with those after it.

    The rows r, …, r + height − 1 are neighbours in memory: together they are a matrix already.
    """
    halves, count, channels, n = rows.shape
    return as_strided(rows, (halves, count - height + 1, height * channels, n), rows.strides, writeable=False)


def _zeros(*shape):
    """Return float32 zeros that begin on a cache line: no load into a vector register then touches two."""
    size = 4 * math.prod(shape)
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(np.float32).reshape(shape)
