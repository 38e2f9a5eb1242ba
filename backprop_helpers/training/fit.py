"""The training loop."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from backprop_helpers.layers._validate import as_int

from .network import Network
from .optimizers import SGD, OneCycle, Optimizer
from .threads import one_blas_thread

RUNNING_STEPS = 100  # the progress bar shows means over so many steps
PROGRESS_SECONDS = 0.5


class EpochRecord(NamedTuple):
    """What one pass over the training images came to.

    Attributes
    ----------
    epoch : int
        1 for the first.
    loss, accuracy : float
        Means over the epoch's training examples, each seen before the step that used it.
    validation_loss, validation_accuracy : float or None
        On the validation examples, at the end of the epoch; None without any.
    seconds : float
        Duration, without the validation.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


class History(NamedTuple):
    """The course of a training, one entry a step.

    Attributes
    ----------
    loss : ndarray of float, shape (steps,)
        Mean loss of the step's batch, before the step.
    rate : ndarray of float, shape (steps,)
        Learning rate of the step.
    accuracy : ndarray of float, shape (steps,)
        Fraction of the step's batch that was classified correctly, before the step.
    epochs : list of EpochRecord
        One for each epoch that was completed.
    interrupted : bool
        Whether the training was stopped by hand before its end.
    """

    loss: np.ndarray
    rate: np.ndarray
    accuracy: np.ndarray
    epochs: list[EpochRecord]
    interrupted: bool

    def __repr__(self):
        text = f"History: {len(self.loss)} steps, {len(self.epochs)} complete epochs"
        if self.epochs and self.epochs[-1].validation_accuracy is not None:
            text += f", validation accuracy {self.epochs[-1].validation_accuracy:.2%}"
        return text + (", interrupted" if self.interrupted else "")


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
        How many times to go through all the images.
    batch_size : int
        Images a step.
    optimizer : Optimizer, optional
        By default SGD with Nesterov momentum 0.9. Its memory of earlier steps is reset.
    schedule : callable, optional
        ``schedule(step, total_steps)`` is the learning rate of step 0, 1, …. By default the optimizer's
        constant rate if one is given, and otherwise ``OneCycle(max_rate=0.05)``.
    seed : int
        Decides the order of the images.
    validation : (images, labels), optional
        Examples to measure loss and accuracy on after each epoch; nothing is learned from them.
    progress : bool
        Whether to show a bar for each epoch, on stdout.
    after_step : callable, optional
        ``after_step(steps, net)`` is called after each step, with the number of steps done.

    Returns
    -------
    History
        ``KeyboardInterrupt`` (the stop button) ends the training, not the program: the network keeps the last
        complete step, and ``history.interrupted`` is True.

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
        schedule = OneCycle(0.05) if schedule is None else schedule
    elif not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit: optimizer must be an Optimizer such as SGD(0.01), got {optimizer!r}")
    if schedule is not None and (isinstance(schedule, type) or not callable(schedule)):
        raise TypeError(f"fit: schedule must be a callable such as OneCycle(0.05), got {schedule!r}")
    if after_step is not None and not callable(after_step):
        raise TypeError(f"fit: after_step must be a callable, got {after_step!r}")
    return _Training(net, optimizer, schedule, epochs, batch_size, seed, progress, after_step).run(
        images, labels, validation
    )


class _Training:
    """One call of ``fit``: its settings, and what it has measured so far."""

    def __init__(self, net, optimizer, schedule, epochs, batch_size, seed, progress, after_step):
        self.net, self.optimizer, self.schedule = net, optimizer, schedule
        self.epochs, self.batch_size = epochs, batch_size
        self.rng = np.random.default_rng(seed)
        self.progress, self.after_step = progress, after_step
        self.losses, self.rates, self.accuracies, self.records = [], [], [], []

    def run(self, images, labels, validation) -> History:
        self.steps_an_epoch = math.ceil(len(images) / self.batch_size)
        self.gradients = np.zeros_like(self.net.parameters.vector)
        self.safe = self.net.parameters.vector.copy()  # the parameters before the step under way
        self.optimizer.reset()
        interrupted = False
        try:
            # An overflow is reported once, by us, with advice; NumPy's warnings would only go before it.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_blas_thread():
                for epoch in range(1, self.epochs + 1):
                    self._epoch(epoch, images, labels, validation)
        except KeyboardInterrupt:
            interrupted = True
            self.net._forget_plans()  # a plan that was broken off may be in any state
        return self._history(interrupted)

    def _epoch(self, epoch, images, labels, validation):
        started = time.perf_counter()
        order = self.rng.permutation(len(images))
        loss_sum, correct_sum = 0.0, 0
        running = deque(maxlen=RUNNING_STEPS)
        with tqdm(
            total=self.steps_an_epoch,
            desc=f"epoch {epoch}/{self.epochs}",
            unit=" steps",
            file=sys.stdout,
            mininterval=PROGRESS_SECONDS,
            disable=not self.progress,
        ) as bar:
            for start in range(0, len(images), self.batch_size):
                batch = order[start : start + self.batch_size]
                loss, correct = self._step(images[batch], labels[batch])
                loss_sum += loss * len(batch)
                correct_sum += correct
                running.append((loss, correct / len(batch)))
                if self.progress and len(self.losses) % 10 == 0:
                    loss_now, accuracy_now = np.mean(running, axis=0)
                    bar.set_postfix_str(_shown(loss_now, accuracy_now, self.rates[-1]), refresh=False)
                bar.update()
            seconds = time.perf_counter() - started
            loss, accuracy = loss_sum / len(images), correct_sum / len(images)
            measured = (None, None) if validation is None else self.net._evaluate(*validation)
            self.records.append(EpochRecord(epoch, loss, accuracy, *measured, seconds))
            shown = _shown(loss, accuracy, self.rates[-1])
            if validation is not None:
                shown += f", validation {measured[1]:.2%}"
            bar.set_postfix_str(shown, refresh=False)

    def _step(self, images, labels):
        """Do one forward pass, backward pass and update: all of it or, if interrupted, nothing."""
        net, vector = self.net, self.net.parameters.vector
        step = len(self.losses)
        rate = self._rate(step)
        loss, correct = net._loss_and_gradients(net._as_batch(images), labels, self.gradients)
        loss, correct = float(loss), int(correct)
        if not (math.isfinite(loss) and math.isfinite(self.gradients @ self.gradients)):
            vector[...] = self.safe
            raise self._not_finite(step, loss, rate)
        self.safe[...] = vector
        try:
            self.optimizer.step(vector, self.gradients, rate)
        except BaseException:
            vector[...] = self.safe
            raise
        self.losses.append(loss)
        self.rates.append(rate)
        self.accuracies.append(correct / len(labels))
        if self.after_step is not None:
            self.after_step(step + 1, net)
        return loss, correct

    def _rate(self, step):
        if self.schedule is None:
            return self.optimizer.learning_rate
        rate = self.schedule(step, self.epochs * self.steps_an_epoch)
        if not (isinstance(rate, Real) and math.isfinite(rate) and rate >= 0):
            raise ValueError(f"fit: schedule({step}, …) must be a rate of at least 0, got {rate!r}")
        return float(rate)

    def _history(self, interrupted):
        steps = min(len(self.losses), len(self.rates), len(self.accuracies))
        columns = (np.array(column[:steps], float) for column in (self.losses, self.rates, self.accuracies))
        return History(*columns, epochs=self.records, interrupted=interrupted)

    def _not_finite(self, step, loss, rate):
        what = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient is not finite"
        before = ", ".join(f"{value:.4g}" for value in self.losses[-3:])
        error = FloatingPointError(
            f"fit: {what} at step {step + 1} (epoch {step // self.steps_an_epoch + 1}), "
            f"learning rate {rate:.3g}{f'; the losses before it: {before}' if before else ''}. "
            f"Try a learning rate ten times smaller, such as {max([rate, *self.rates]) / 10:.2g}; "
            "see that the images are finite, and lie in [0, 1] or are standardised; "
            "and see that the first loss is close to ln(number of classes). "
            "The network holds the parameters of the last step whose loss and gradient were finite."
        )
        error.history = self._history(interrupted=False)
        return error


def _shown(loss, accuracy, rate):
    return f"loss {loss:.4f}, accuracy {accuracy:.2%}, rate {rate:.4f}"
