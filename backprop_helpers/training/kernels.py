"""The fast path: a network as a list of ``kernel_layers``, its batches in blocks, the blocks on threads.

``plan`` lays out, once, all the memory that a training step needs. Three things are decided here:

* **Small blocks of examples.** A block passes through the whole network, forward and backward, before the
  next one comes: much of what the forward pass wrote is still in the cache when the backward pass reads it.
* **Threads share out blocks.** NumPy lets other threads run while it computes. BLAS gets one thread for each
  product: these products are too small to be shared.
* **Bias and ReLU after max pooling.** Neither changes which number is the larger, so the maximum may come
  first; three quarters of the additions and comparisons go away.
"""

from __future__ import annotations

import contextvars
import functools
import math
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from . import kernel_layers as k
from . import modules
from .parameters import ParameterViews
from .threads import one_blas_thread

BLOCK = 64  # examples: more do not stay in a core's cache, with fewer the cost of each call of NumPy shows
FEWEST = 16  # examples for which a thread is worth waking

STEPS = {
    modules.Conv: (k.Product, k.Bias),  # or k.Winograd: see ``k.product_of``
    modules.ReLU: (k.ReLU,),
    modules.MaxPool: (k.MaxPool,),
    modules.AveragePool: (k.AveragePool,),
    modules.Flatten: (k.Flatten,),
    modules.FullyConnected: (k.FullyConnected,),
}


def plan(network, batch_size: int, *, threads: int | None = None) -> Plan | None:
    """Lay out the memory for training steps and predictions on ``batch_size`` examples, or any other number.

    The plan reads the network's parameters at every step and keeps no copy. ``threads`` is by default
    ``default_threads()``; another number sums in another order, so results differ by rounding. None if the
    network is not on the fast path: ``why`` says why.
    """
    if why(network) is not None:
        return None
    threads = default_threads() if threads is None else threads
    return Plan(network, batch_size, max(1, min(threads, batch_size // FEWEST)))


def why(network) -> str | None:
    """Say in a few words why a network is not on the fast path; None if it is."""
    if network.dtype != np.float32:
        return f"the fast path is for float32, and this network is {network.dtype}"
    return None


def default_threads() -> int:
    """Return how many threads NumPy's large matrix products would use: its setting, else one a core."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(variable, "").isdecimal():
            return max(1, int(os.environ[variable]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(network):
    """Return the network as (Standardize or None, shape of what comes in, [(step, layer), …])."""
    layers, shape = list(network.layers), network.input_shape
    standardize = layers.pop(0) if isinstance(layers[0], modules.Standardize) else None
    if layers and isinstance(layers[0], modules.Flatten):  # images lie flat already
        layers.pop(0)
        shape = (math.prod(shape),)
    steps = [(step, layer) for layer in layers for step in STEPS.get(type(layer), (k.Own,))]
    steps = [(k.product_of(layer) if step is k.Product else step, layer) for step, layer in steps]
    for end in range(1, len(steps)):  # max pooling goes before bias and ReLU
        while end > 0 and steps[end][0] is k.MaxPool and steps[end - 1][0] in (k.Bias, k.ReLU):
            steps[end - 1], steps[end] = steps[end], steps[end - 1]
            end -= 1
    return standardize, shape, steps


class Plan:
    """Memory and threads for one network and batch size; made by ``plan``. Calls wait for each other.

    ``threads`` is how many threads share a batch. The same number gives the same result, to the last bit.
    """

    def __init__(self, network, batch_size, threads):
        if any(step is k.Own for step, _ in in_order(network)[2]):
            threads, blocks = 1, 1  # such a layer may look at the batch as a whole
        else:
            blocks = threads * math.ceil(batch_size / BLOCK / threads)  # as many for each thread
        self.block = math.ceil(batch_size / blocks)
        self.threads = threads
        self.classes = network.classes
        self.shapes = {name: array.shape for name, array in network.parameters.items()}
        self.workers = [_Worker(network, self.shapes, self.block) for _ in range(threads)]
        self.lock = threading.RLock()
        _plans.add(self)

    def loss_and_gradients(self, images, labels, out):
        """Return the mean loss of a batch and how many of its images were classified correctly.

        ``out``, (n,), receives the gradient in the order of ``network.parameters.vector``.
        """
        with self.lock:
            self.workers[0].total = ParameterViews(out, self.shapes)
            results = self._share(len(images), lambda worker, starts: worker.learn(images, labels, starts))
            for worker in self.workers[1 : len(results)]:
                out += worker.total.vector
        return sum(loss for loss, _ in results), sum(correct for _, correct in results)

    def logits(self, images):
        """Return the last layer's output for ``images`` (M, H, W, C), as a fresh array (M, classes)."""
        logits = np.empty((len(images), self.classes), np.float32)

        def predict(worker, starts):
            for start in starts:
                block = images[start : start + self.block]
                logits[start : start + len(block)] = worker.forward(block, learn=False)[:, : len(block)].T

        with self.lock:
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


# Changed without a lock: a fork waits for the interpreter's, so the child never sees a change half made.
_plans = weakref.WeakSet()


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads, thread_name_prefix="kernels")


def _forget_threads():
    """Begin anew in a forked process: it has copies of locks and of the pool, but not the threads."""
    _pool.cache_clear()
    for some_plan in list(_plans):
        some_plan.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


class _Worker:
    """One thread's memory, for one block of ``m`` examples, and the block's way through the network."""

    def __init__(self, network, shapes, m):
        self.m = m
        standardize, shape, order = in_order(network)
        self.steps = list(_lay_out(network, standardize, shape, order, m))
        self.input = self.steps.pop(0)
        self.z, self.dz = self.steps[-1].out
        first = next(i for i, (step, layer) in enumerate(order) if layer.parameters)
        self.backward_steps = self.steps[: first - 1 if first else None : -1]
        vectors = k.zeros(2, network.parameters.vector.size)
        self.total, self.of_block = (ParameterViews(vector, shapes) for vector in vectors)

    def learn(self, images, labels, starts):
        """Add up losses, right answers and, in ``self.total``, gradients of the blocks from ``starts`` on."""
        loss = correct = 0
        for start in starts:
            block = slice(start, start + self.m)
            self.forward(images[block], learn=True)
            block_loss, block_correct = self._loss(labels[block], len(labels))
            loss, correct = loss + block_loss, correct + block_correct
            gradients = self.total if start == starts[0] else self.of_block
            for step in self.backward_steps:
                step.backward(gradients)
            if gradients is not self.total:
                self.total.vector += gradients.vector
        return loss, correct

    def forward(self, images, *, learn):
        """Return the logits of one block as (classes, m); columns past the last image mean nothing."""
        self.input.read(images)
        for step in self.steps:
            step.count = len(images)
            step.forward(learn)
        return self.z

    def _loss(self, labels, M):
        """Return the block's part of the mean loss and of the right answers; write ∂J/∂z."""
        examples = np.arange(len(labels))
        correct = np.count_nonzero(self.z.argmax(axis=0)[: len(labels)] == labels)
        z = self.z - self.z.max(axis=0)  # softmax and cross-entropy of lesson 04
        dz = np.exp(z, out=self.dz)
        sums = dz.sum(axis=0)
        losses = np.log(sums[: len(labels)]) - z[labels, examples]
        dz /= sums
        dz[labels, examples] -= 1
        dz /= M
        dz[:, len(labels) :] = 0  # a block that is not full: no gradient from the rest
        return losses.sum(dtype=np.float64) / M, correct


def _lay_out(network, standardize, shape, order, m):
    """Yield the ``Input`` and all steps, each beginning at the edge where the one before ends."""
    done = [step.done_with_x for step, _ in order] + [False]
    need_dx = False
    made = k.Input(standardize, k.Room(shape, m, done[0], need_dx))
    yield made
    for (step, layer), shared in zip(order, done[1:]):
        made = step(layer, made.out, k.Room(network.output_shapes[layer.name], m, shared, need_dx))
        need_dx = need_dx or bool(layer.parameters)
        yield made
