r"""Optimizers and the one-cycle schedule: rules for the step, once the gradient is known.

Every optimizer works on flat vectors: all of a network's parameters and all of its gradients. The only
state is its own, kept from step to step; ``reset`` forgets it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .parameters import ParameterViews


class Optimizer:
    """Base class: ``step`` checks its arguments and keeps the state, a subclass says the rule."""

    learning_rate: float
    _kept: int | None = None  # how many arrays of its state matter to the next step, the rest is scratch

    def reset(self) -> None:
        """Forget everything learned from earlier steps."""
        self._state = None

    @property
    def memory(self) -> tuple[np.ndarray, ...]:
        """What it keeps from step to step: arrays, and none before the first step."""
        state = getattr(self, "_state", None)
        return () if state is None else state[: self._kept]

    def recall(self, parameters, memory) -> None:
        """Go on, with these parameters, from a memory that was kept earlier; from none, begin anew."""
        self._state = self._start(parameters) if memory else None
        for mine, kept in zip(self.memory, memory, strict=True):
            mine[...] = kept

    def step(self, parameters, gradients, rate: float | None = None) -> None:
        """Move the parameters, in place, against their gradients.

        Parameters
        ----------
        parameters, gradients : ndarray, shape (n,), or a network's parameters and gradients
            ``optimizer.step(net.parameters, net.gradients(images, labels))`` does one step of learning.
        rate : float, optional
            The learning rate of this step, for instance from a schedule; by default ``learning_rate``.
        """
        p = parameters.vector if isinstance(parameters, ParameterViews) else parameters
        g = gradients.vector if isinstance(gradients, ParameterViews) else gradients
        if p.shape != g.shape:
            raise ValueError(
                f"{type(self).__name__}.step: gradients has shape {g.shape}, parameters has shape {p.shape}"
            )
        if getattr(self, "_state", None) is None:
            self._state = self._start(p)
        elif self._state[0].shape != p.shape:
            raise ValueError(
                f"{type(self).__name__}.step: this optimizer has been used with parameters of shape "
                f"{self._state[0].shape}, these have shape {p.shape}; call reset() first"
            )
        self._update(p, g, self.learning_rate if rate is None else rate)

    def _start(self, parameters) -> tuple[np.ndarray, ...]:
        raise NotImplementedError

    def _update(self, p, g, rate) -> None:
        # The last line of a rule is its only write to p: an interruption leaves p before or after the step.
        raise NotImplementedError


@dataclass(eq=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent with (Nesterov) momentum.

    With learning rate η, momentum μ and gradient g, each step is

        v ← μ v + g
        p ← p − η v              (momentum)
        p ← p − η (g + μ v)      (Nesterov: the gradient, corrected by where the next step will go)

    v starts at 0. With momentum 0 this is plain gradient descent. (Sutskever, Martens, Dahl and Hinton, *On
    the importance of initialization and momentum in deep learning*, 2013, as frameworks write it.)
    """

    learning_rate: float = 0.01  # η, positive
    momentum: float = 0.9  # μ, in [0, 1)
    nesterov: bool = True  # whether to look ahead
    _state: tuple | None = field(default=None, init=False, repr=False)
    _kept = 1

    def __post_init__(self):
        _check_positive("SGD", "learning_rate", self.learning_rate)
        _check_fraction("SGD", "momentum", self.momentum)

    def _start(self, parameters):
        return np.zeros_like(parameters), np.empty_like(parameters)

    def _update(self, p, g, rate):
        velocity, step = self._state
        velocity *= self.momentum
        velocity += g
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=step)
            step += g
            step *= rate
        else:
            np.multiply(velocity, rate, out=step)
        p -= step


@dataclass(eq=False)
class Adam(Optimizer):
    r"""Adam: a step of about one learning rate for each parameter, whatever the size of its gradient.

    With gradient g, decay rates β₁ and β₂, and t = 1, 2, … the number of the step,

        m ← β₁ m + (1 − β₁) g              v ← β₂ v + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ)                  v̂ = v / (1 − β₂ᵗ)
        p ← p − η m̂ / (√v̂ + ε)

    m and v start at 0; the division makes up for that in the first steps. (Kingma and Ba, *Adam: a method
    for stochastic optimization*, 2015, algorithm 1.)
    """

    learning_rate: float = 1e-3  # η, positive
    beta1: float = 0.9  # how much of the past the running means keep, in [0, 1)
    beta2: float = 0.999
    epsilon: float = 1e-8  # keeps the division finite, positive
    _state: tuple | None = field(default=None, init=False, repr=False)
    _kept = 3

    def __post_init__(self):
        _check_positive("Adam", "learning_rate", self.learning_rate)
        _check_fraction("Adam", "beta1", self.beta1)
        _check_fraction("Adam", "beta2", self.beta2)
        _check_positive("Adam", "epsilon", self.epsilon)

    def _start(self, parameters):
        m, v, step, scratch = np.zeros((4, *parameters.shape), parameters.dtype)
        return m, v, np.zeros(1, np.int64), step, scratch

    def _update(self, p, g, rate):
        m, v, steps, step, scratch = self._state
        steps += 1
        t = int(steps[0])
        m *= self.beta1
        m += np.multiply(g, 1 - self.beta1, out=scratch)
        v *= self.beta2
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.beta2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch /= math.sqrt(1 - self.beta2**t)
        scratch += self.epsilon
        np.divide(m, scratch, out=step)
        step *= rate / (1 - self.beta1**t)
        p -= step


@dataclass(frozen=True)
class OneCycle:
    """Raise the learning rate to its maximum, then lower it to almost nothing, along two half cosines.

    The first steps are small because the first gradients are large and point everywhere; the last steps are
    small so that the parameters settle. (Smith and Topin, *Super-convergence: very fast training of neural
    networks using large learning rates*, 2018; cosines instead of straight lines, as is common now.)
    """

    max_rate: float = 0.05  # the largest, positive
    warmup: float = 0.3  # the fraction of the steps that go up, in [0, 1]
    start_divisor: float = 25.0  # the first rate is max_rate / start_divisor,
    end_divisor: float = 1e4  # the last one that, divided by this

    def __post_init__(self):
        _check_positive("OneCycle", "max_rate", self.max_rate)
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"OneCycle: warmup must lie in [0, 1], got {self.warmup!r}")
        _check_positive("OneCycle", "start_divisor", self.start_divisor)
        _check_positive("OneCycle", "end_divisor", self.end_divisor)

    def __call__(self, step: int, total_steps: int) -> float:
        """Return the learning rate of step ``step`` = 0, …, ``total_steps`` − 1."""
        if not 0 <= step < total_steps:
            raise ValueError(f"OneCycle: step must lie in 0, …, {total_steps - 1}, got {step}")
        start = self.max_rate / self.start_divisor
        end = start / self.end_divisor
        peak = self.warmup * total_steps - 1  # the step at which the rate is largest
        if step <= peak:
            return _half_cosine(start, self.max_rate, step / peak if peak else 1.0)
        first = max(peak, 0)
        remaining = total_steps - 1 - first
        return _half_cosine(self.max_rate, end, (step - first) / remaining if remaining else 0.0)


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


def _check_positive(owner, name, value):
    if not (isinstance(value, (int, float, np.number)) and 0 < value < math.inf):
        raise ValueError(f"{owner}: {name} must be a positive number, got {value!r}")


def _check_fraction(owner, name, value):
    if not (isinstance(value, (int, float, np.number)) and 0 <= value < 1):
        raise ValueError(f"{owner}: {name} must lie in [0, 1), got {value!r}")
