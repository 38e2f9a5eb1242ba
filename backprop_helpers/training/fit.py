"""The training loop."""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable
from numbers import Real

import numpy as np
from tqdm import tqdm

from backprop_helpers.layers._validate import as_int

from . import history
from .history import Checkpoint, EpochRecord, History
from .modules import ReLU
from .network import Network
from .optimizers import SGD, OneCycle, Optimizer
from .threads import one_blas_thread

RUNNING_STEPS = 100  # the progress bar shows means over so many steps
PROGRESS_SECONDS = 0.5
MAX_RATE, FULL_BATCH = 0.05, 64  # chosen on 5,000 training digits that were held out
DEATH_SAMPLE = 64  # images that a unit may answer to


def fit(
    net: Network,
    images,
    labels,
    *,
    epochs: int,
    batch_size: int = 64,
    optimizer: Optimizer | None = None,
    schedule: Callable[[int, int], float] | None = None,
    seed: int = 0,
    validation: tuple | None = None,
    progress: bool = True,
    resume: History | str | os.PathLike | None = None,
    keep_best: bool = False,
    checkpoint: str | os.PathLike | None = None,
    after_step: Callable[[int, Network], None] | None = None,
) -> History:
    """Train a network, in place.

    Each epoch goes once through all images in a new random order, one step of the optimizer a batch; the
    last batch of an epoch may be smaller. The same arguments, seed and number of threads give the same
    result on one machine, bit for bit.

    Parameters
    ----------
    net : Network
    images : ndarray of float, shape (N, H, W, C)
        For the networks here: pixels in [0, 1], as from ``load_mnist``.
    labels : ndarray of int, shape (N,), or one-hot, shape (N, K)
    epochs : int
        How many times to go through all the images; with ``resume``, those before it included.
    batch_size : int
        Images a step.
    optimizer : Optimizer, optional
        By default SGD with Nesterov momentum 0.9. Its memory of earlier steps is reset.
    schedule : callable, optional
        ``schedule(step, total_steps)`` is the learning rate of step 0, 1, …. By default the optimizer's
        constant rate if one is given, and otherwise ``default_schedule(batch_size)``: ``OneCycle(0.05)`` for
        64 images a step and more, and for fewer a rate that is smaller in proportion.
    seed : int
        Decides the order of the images.
    validation : (images, labels), optional
        Examples to measure loss and accuracy on after each epoch; nothing is learned from them.
    progress : bool
        Whether to show a bar for each epoch, on stdout, and before it which path is taken.
    resume : History or path, optional
        Go on from where another call ended, given what it returned or its ``checkpoint`` file: the network
        gets its parameters, the optimizer its memory, and the images come in the order they would have come
        in. With the same arguments the result is, bit for bit, that of a training that was never stopped.
    keep_best : bool
        Whether the network ends with the parameters of the epoch of the best validation accuracy, the first
        of equals, and not with the last ones. Which one that was stands in ``history.epochs``.
    checkpoint : path, optional
        A file to ``resume`` from, written after each epoch and at an interruption.
    after_step : callable, optional
        ``after_step(steps, net)`` is called after each step, with the number of steps done.

    Returns
    -------
    History
        ``KeyboardInterrupt`` (the stop button) ends the training, not the program: the network keeps the last
        complete step, and ``history.interrupted`` is True.

        A RuntimeWarning says what to try if a ReLU is closed for good, so that nothing learns any more.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; the message names it.
    FloatingPointError
        If the loss or the gradient stops being finite. The network then holds the parameters of the last
        step at which both were; ``error.history`` is the history so far.
    """
    if not isinstance(net, Network):
        raise TypeError(f"fit: net must be a Network, got {type(net).__name__}")
    if net.dtype.kind == "c":
        raise TypeError("fit: net computes in complex numbers; train a float32 or float64 network")
    images, labels = net._readable_examples("fit", images, labels)
    if validation is not None:
        if not (isinstance(validation, (tuple, list)) and len(validation) == 2):
            raise TypeError("fit: validation must be a pair (images, labels)")
        validation = net._readable_examples("fit: validation", *validation)
    epochs = as_int("fit", "epochs", epochs, 1)
    batch_size = as_int("fit", "batch_size", batch_size, 1)
    seed = as_int("fit", "seed", seed, 0)
    if optimizer is None:
        optimizer = SGD(momentum=0.9, nesterov=True)
        schedule = default_schedule(batch_size) if schedule is None else schedule
    elif not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit: optimizer must be an Optimizer such as SGD(0.01), got {optimizer!r}")
    if schedule is not None and (isinstance(schedule, type) or not callable(schedule)):
        raise TypeError(f"fit: schedule must be a callable such as OneCycle(0.05), got {schedule!r}")
    if after_step is not None and not callable(after_step):
        raise TypeError(f"fit: after_step must be a callable, got {after_step!r}")
    if keep_best and validation is None:
        raise ValueError("fit: keep_best needs validation=(images, labels) to know the best by")
    settings = {"images": len(images), "batch_size": batch_size, "seed": seed}
    settings["optimizer"] = type(optimizer).__name__
    run = _Training(net, optimizer, schedule, epochs, settings, progress, keep_best, checkpoint, after_step)
    run.begin(resume)
    return run.run(images, labels, validation)


def default_schedule(batch_size: int) -> OneCycle:
    """Return the schedule that ``fit`` takes for batches of this size.

    The gradient of few images is noisy, and with a rate for many it closes units for good: half the batch,
    half the rate. Beyond 64 the rate stays, which is safe, if slow.
    """
    return OneCycle(MAX_RATE * min(1, batch_size / FULL_BATCH))


class Bar(tqdm):
    """A progress bar without tqdm's second thread: the Python of a browser starts none, and would warn."""

    monitor_interval = 0


class _Training:
    """One call of ``fit``: its settings, and what it has measured so far."""

    def __init__(
        self, net, optimizer, schedule, epochs, settings, progress, keep_best, checkpoint, after_step
    ):
        self.net, self.optimizer, self.schedule = net, optimizer, schedule
        self.epochs, self.settings, self.batch_size = epochs, settings, settings["batch_size"]
        self.steps_an_epoch = math.ceil(settings["images"] / self.batch_size)
        self.progress, self.keep_best = progress, keep_best
        self.checkpoint, self.after_step = checkpoint, after_step
        self.gradients = np.zeros_like(net.parameters.vector)
        self.before = None  # parameters, statistics and memory before the last step
        self.steps, self.records, self.best = [], [], None  # steps: (loss, rate, accuracy)

    def begin(self, resume):
        """Start anew, or where another training has ended."""
        self.optimizer.reset()
        if resume is None:
            return
        past = resume if isinstance(resume, History) else history.read(resume)
        if past.checkpoint is None:
            raise ValueError("fit: resume ended in an error, there is nothing to go on from")
        for name, here in self.settings.items():
            if here != (there := past.checkpoint.settings.get(name)):
                raise ValueError(f"fit: {name} must be as in resume, {there}; got {here}")
        if len(past.loss) > self.epochs * self.steps_an_epoch:
            raise ValueError(f"fit: epochs must count those of resume, {len(past.epochs)}; got {self.epochs}")
        stand = past.checkpoint
        for name in ("parameters", "statistics"):
            here, there = getattr(self.net, name).vector, getattr(stand, name)
            if (here.shape, here.dtype) != (there.shape, there.dtype):
                raise ValueError(
                    f"fit: resume is of another network: its {name} are {there.dtype} {there.shape}, "
                    f"these are {here.dtype} {here.shape}"
                )
        self._restore((stand.parameters, stand.statistics, stand.memory))
        self.steps = list(zip(past.loss.tolist(), past.rate.tolist(), past.accuracy.tolist()))
        self.records, self.best = list(past.epochs), stand.best

    def run(self, images, labels, validation) -> History:
        if self.progress:
            tqdm.write(self.net.path, file=sys.stdout)
        interrupted = False
        while True:  # a second interruption, of what the first one leaves to be done, loses nothing
            try:
                if interrupted:
                    self.net._forget_plans()  # a plan that was broken off may be in any state
                else:
                    self._train(images, labels, validation)
                return self._end(interrupted, images)
            except KeyboardInterrupt:
                interrupted = True

    def _train(self, images, labels, validation):
        rng = np.random.default_rng(self.settings["seed"])
        # An overflow is reported once, by us, with advice; NumPy's warnings would only go before it.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_blas_thread():
            for epoch in range(1, self.epochs + 1):
                order = rng.permutation(len(images))
                if epoch > len(self.records):
                    self._epoch(epoch, order, images, labels, validation)

    def _end(self, interrupted, images):
        self._warn_of_death(images)
        result = self._history(interrupted, self._stand())
        if self.checkpoint is not None:
            history.write(self.checkpoint, result)
        if self.keep_best and self.best is not None:
            self.net.parameters.vector[...], self.net.statistics.vector[...] = self.best
        return result

    def _epoch(self, epoch, order, images, labels, validation):
        started = time.perf_counter()
        done = len(self.steps) - (epoch - 1) * self.steps_an_epoch  # more than 0 after an interruption
        running = deque(maxlen=RUNNING_STEPS)
        with Bar(
            total=self.steps_an_epoch,
            initial=done,
            desc=f"epoch {epoch}/{self.epochs}",
            unit=" steps",
            file=sys.stdout,
            mininterval=PROGRESS_SECONDS,
            disable=not self.progress,
        ) as bar:
            for start in range(done * self.batch_size, len(images), self.batch_size):
                batch = order[start : start + self.batch_size]
                self._step(images[batch], labels[batch])
                if self.progress:
                    running.append(self.steps[-1])
                    if len(self.steps) % 10 == 0:
                        loss, _, accuracy = np.mean(running, axis=0)
                        bar.set_postfix_str(_shown(loss, accuracy, running[-1][1]), refresh=False)
                bar.update()
            record = self._record(epoch, len(images), time.perf_counter() - started, validation)
            shown = _shown(record.loss, record.accuracy, self.steps[-1][1])
            if validation is not None:
                shown += f", validation {record.validation_accuracy:.2%}"
            bar.set_postfix_str(shown, refresh=False)

    def _record(self, epoch, count, seconds, validation):
        """Measure what the epoch came to, and keep it: its record, the best network, the checkpoint."""
        steps = np.array(self.steps[-self.steps_an_epoch :])
        sizes = np.minimum(self.batch_size, count - self.batch_size * np.arange(self.steps_an_epoch))
        loss, _, accuracy = (sizes @ steps / count).tolist()
        measured = (None, None) if validation is None else self.net._evaluate(*validation)
        record = EpochRecord(epoch, loss, accuracy, *measured, seconds)
        if self.keep_best and all(record[4] > (earlier[4] or 0) for earlier in self.records):
            self.best = self.net.parameters.vector.copy(), self.net.statistics.vector.copy()
        self.records.append(record)
        if self.checkpoint is not None:
            history.write(self.checkpoint, self._history(False, self._stand()))
        return record

    def _step(self, images, labels):
        """Do one forward pass, backward pass and update: all of it or, if interrupted, nothing."""
        net, step = self.net, len(self.steps)
        rate, before = self._rate(step), self._state()
        try:
            loss, correct = net._loss_and_gradients(net._as_batch(images), labels, self.gradients)
            loss, correct = float(loss), int(correct)
            if not (math.isfinite(loss) and math.isfinite(self.gradients @ self.gradients)):
                before = self.before or before
                raise self._not_finite(step, loss, rate)
            self.optimizer.step(net.parameters.vector, self.gradients, rate)
            self.steps.append((loss, rate, correct / len(labels)))
        except BaseException:
            if len(self.steps) == step:
                self._restore(before)
            raise
        self.before = before
        if self.after_step is not None:
            self.after_step(step + 1, net)

    def _state(self):
        """Copy all that a step changes."""
        net, memory = self.net, self.optimizer.memory
        return net.parameters.vector.copy(), net.statistics.vector.copy(), tuple(map(np.copy, memory))

    def _restore(self, state):
        parameters, statistics, memory = state
        self.net.parameters.vector[...], self.net.statistics.vector[...] = parameters, statistics
        self.optimizer.recall(self.net.parameters.vector, memory)

    def _stand(self):
        return Checkpoint(*self._state(), self.best, self.settings)

    def _rate(self, step):
        if self.schedule is None:
            return self.optimizer.learning_rate
        rate = self.schedule(step, self.epochs * self.steps_an_epoch)
        if not (isinstance(rate, Real) and math.isfinite(rate) and rate >= 0):
            raise ValueError(f"fit: schedule({step}, …) must be a rate of at least 0, got {rate!r}")
        return float(rate)

    def _history(self, interrupted, stand):
        columns = np.array(self.steps, float).reshape(-1, 3).T
        return History(*map(np.ascontiguousarray, columns), list(self.records), interrupted, stand)

    def _not_finite(self, step, loss, rate):
        what = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient is not finite"
        before = ", ".join(f"{step[0]:.4g}" for step in self.steps[-3:])
        error = FloatingPointError(
            f"fit: {what} at step {step + 1} (epoch {step // self.steps_an_epoch + 1}), "
            f"learning rate {rate:.3g}{f'; the losses before it: {before}' if before else ''}. "
            f"Try a learning rate ten times smaller, such as {max([rate, *self._rates()]) / 10:.2g}; "
            "see that the images are finite, and lie in [0, 1] or are standardised; "
            "and see that the first loss is close to ln(number of classes). "
            "The network holds the parameters of the last step whose loss and gradient were finite."
        )
        error.history = self._history(False, None)
        return error

    def _rates(self):
        return [rate for _, rate, _ in self.steps]

    def _warn_of_death(self, images):
        """Say so if a ReLU is closed for good: what follows sees nothing, what precedes learns nothing."""
        if not self.steps:
            return
        loss, clueless = np.median(self.steps[-RUNNING_STEPS:], axis=0)[0], math.log(self.net.classes)
        maps = self.net.activations(images[:DEATH_SAMPLE]) if loss > clueless / 2 else {}
        relus = [layer.name for layer in self.net if isinstance(layer, ReLU)]
        dead = [name for name in relus if not np.any(maps.get(name, 1))]
        if dead:
            words = (
                f"fit: nothing learns any more: all units of {dead[0]} are 0, whatever the image, and the "
                f"loss stays at {loss:.2f} (ln {self.net.classes} = {clueless:.2f}). Begin with a new "
                f"network, and with a learning rate of at most {max(self._rates()) / 10:.2g}, a tenth of "
                "this one's, or with larger batches."
            )
            warnings.warn(words, RuntimeWarning, stacklevel=5)


def _shown(loss, accuracy, rate):
    return f"loss {loss:.4f}, accuracy {accuracy:.2%}, rate {rate:.4f}"
