"""`CheckStage`: what a gradient check sees at which step, and of which planted mistake (lesson 01)."""

import math
import warnings
from typing import NamedTuple

import numpy as np
import traitlets

from backprop_helpers.layers import (
    relu_backward,
    relu_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Number, Stage, as_json, one_of

NAME = "CheckStage"
METHODS = ("forward", "central", "complex")
PARTS = ("up", "down", "side")  # of a function at a nudged entry: what the methods need
LABELS = {"forward": "forward difference", "central": "central difference", "complex": "complex step"}
PRECISIONS = {"float64": (np.float64, np.complex128), "float32": (np.float32, np.complex64)}
STEPS = tuple(float(f"1e{power}") for power in range(-17, 1))
MOST_ENTRIES, MOST_LETTERS = 8, 12
KELVIN_WEIGHTS = np.array([0.5, -1.25, 2, 0.75])
FROM_ABOVE = np.array([0.7, -1.3, 2.1, 0.4])  # of the ReLU's outputs
TRUE_CLASS = np.array([1])
PLANTED = {  # what is wrong with a gradient
    "right": lambda gradient: gradient,
    "double": lambda gradient: 2 * gradient,
    "slightly": lambda gradient: 1.001 * gradient,
    "sign": lambda gradient: -gradient,
    "zeros": np.zeros_like,
    "entry": lambda gradient: gradient * (np.arange(len(gradient)) < len(gradient) - 1),
    "reversed": lambda gradient: gradient[::-1],
}


class Subject(NamedTuple):
    """A function of an array (N,), its gradient, and where it is measured."""

    label: str
    value: object
    gradient: object
    at: tuple


def _cross_entropy(z):
    return softmax_cross_entropy_forward(z[None], TRUE_CLASS)[0]


def _cross_entropy_gradient(z):
    return softmax_cross_entropy_backward(1.0, softmax_cross_entropy_forward(z[None], TRUE_CLASS)[1])[0]


SUBJECTS = {
    "exp": Subject("e^x at 1", lambda x: np.exp(x[0]), np.exp, (1.0,)),
    "cube": Subject("x³ at 2", lambda x: x[0] * x[0] * x[0], lambda x: 3 * x * x, (2.0,)),
    "kelvin": Subject(
        "x·w, x about 300",
        lambda x: np.sum(x * KELVIN_WEIGHTS.astype(x.dtype)),
        lambda x: KELVIN_WEIGHTS,
        (301.5, 288.25, 296.0, 310.75),
    ),
    "softmax": Subject("softmax and loss", _cross_entropy, _cross_entropy_gradient, (2.0, 1.0, 0.0, -1.0)),
    "relu": Subject(
        "ReLU near its kink",
        lambda z: np.sum(FROM_ABOVE.astype(z.dtype) * relu_forward(z)[0]),
        lambda z: relu_backward(FROM_ABOVE, relu_forward(z)[1]),
        (-2.0, 3.0, -1.0, 0.001),
    ),
}


class CheckStage(Stage):
    """How large a step? The relative error of three measured slopes against ε, from 1e−17 to 1: a V.

    Move over the curve: the slope at that ε stands beside the gradient, digit by digit, and below it the
    subtraction that it was made by. Choose 32 bits. Plant a mistake in the gradient: the V gets a floor.

    - function, derivative, at, label: a function of your own, f(x) of one number, real or complex, or of an
      array (N,), N ≤ 8, returning one number; f′(x) or the gradient (N,); where to measure; and what it is
      called, at most 12 letters. Python records its values, in both precisions, at the powers of ten. Without
      it the page offers five of its own
    - subject: "exp", "cube", "kelvin", "softmax" or "relu", which of these is shown first
    - epsilon: the step, from 1e−17 to 1; the page takes the nearest that it has
    - precision: "float64" or "float32"
    - bug: "right", "double", "slightly", "sign", "zeros", "entry" or "reversed", what is planted in the
      gradient; the last two (the last entry 0, the entries in reverse) need two
    - method: "central", "forward" or "complex", whose subtraction is written out

    Assign subject, epsilon, precision, bug or method to change the page.
    """

    composition = "gradientCheck"
    subject = traitlets.Enum([*SUBJECTS, "own"], "exp")
    precision = traitlets.Enum(list(PRECISIONS), "float64")
    bug = traitlets.Enum(list(PLANTED), "right")
    method = traitlets.Enum(METHODS, "central")
    epsilon = Number(1e-5, STEPS[0], STEPS[-1])

    def __init__(self, function=None, derivative=None, *, at=1.0, label="f", subject="exp", **looks):
        if (function is None) != (derivative is None):
            raise ValueError(f"{NAME}: pass function and derivative together, or neither")
        one_of(NAME, "subject", subject, SUBJECTS)
        self._recorded = function and own_subject(function, derivative, at, label)
        options = {"recorded": None}
        if self._recorded:
            subject, options["recorded"] = "own", record(self._recorded)
        super().__init__({}, options | {"subject": subject}, looks)

    def _sizes(self):
        return self._shown.label

    @property
    def _shown(self):
        return self._recorded or SUBJECTS[self.subject]

    def twin(self):
        """Return the static figure: the V, with the step marked."""
        words = "" if self.bug == "right" else f", planted: {self.bug}"
        with np.errstate(all="ignore"):
            found = errors(self._shown, self.precision, self.bug)
        return plots.v_curve(
            STEPS,
            {LABELS[method]: found[method] for method in METHODS},
            title=f"The error of three slopes of {self._shown.label}, {self.precision}{words}",
            mark=self.epsilon,
        )


def own_subject(function, derivative, at, label):
    """Return the learner's function as a `Subject`; refuse what cannot be recorded."""
    for name, given in (("function", function), ("derivative", derivative)):
        if not callable(given):
            raise TypeError(f"{NAME}: {name} must be a function of one number or array; got {given!r}")
    if not 1 <= len(label) <= MOST_LETTERS:
        raise ValueError(f"{NAME}: label must have 1 to {MOST_LETTERS} letters; got {label!r}")
    x = np.asarray(at, float)
    if x.ndim > 1 or not 1 <= x.size <= MOST_ENTRIES or not np.isfinite(x).all():
        raise ValueError(f"{NAME}: at must be a number or 1 to {MOST_ENTRIES} finite numbers; got {at!r}")
    single = x.ndim == 0
    slope = np.asarray(derivative(x[()]))
    if slope.shape != x.shape or slope.dtype.kind not in "iuf" or not np.isfinite(slope).all():
        raise ValueError(f"{NAME}: derivative must return finite numbers of shape {x.shape}; got {slope!r}")
    if np.shape(function(x[()])) != ():
        raise ValueError(f"{NAME}: function must return one number; got shape {np.shape(function(x[()]))}")
    return Subject(
        label,
        lambda x: function(x[0] if single else x),
        lambda x: np.reshape(derivative(x[0] if single else x), -1),
        tuple(x.reshape(-1).tolist()),
    )


def values_at(subject, precision, epsilon):
    """Return what the formulas need: f(x), and for each entry nudged alone f(x+ε), f(x−ε), Im f(x+iε)."""
    real, complex_ = PRECISIONS[precision]
    x = np.array(subject.at, real)
    entries = []
    for nudge in epsilon * np.eye(len(x), dtype=real):
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                side = complex_(subject.value(x + complex_(1j) * nudge)).imag
            except (TypeError, np.exceptions.ComplexWarning):  # takes no complex numbers, as those of `math`
                side = np.nan
        ups = {"up": real(subject.value(x + nudge)), "down": real(subject.value(x - nudge))}
        entries.append(ups | {"side": real(side)})
    return {"base": real(subject.value(x)), "entries": entries}


def slopes(values, epsilon, precision):
    """Return {method: slope of each entry}, by its three formulas, in a precision."""
    up, down, side = np.array([[entry[part] for part in PARTS] for entry in values["entries"]]).T
    step = PRECISIONS[precision][0](epsilon)
    slope = (up - values["base"]) / step, (up - down) / (2 * step), side / step
    return dict(zip(METHODS, slope))


def relative_errors(analytic, numeric):
    """Return |analytic − numeric| / max(|analytic|, |numeric|), entry by entry; 0/0 is 0."""
    largest = np.maximum(np.abs(analytic), np.abs(numeric))
    return np.abs(analytic - numeric) / np.where(largest == 0, 1, largest)


def gradient_of(subject, precision, bug="right"):
    """Return the gradient, with a mistake planted, in a precision."""
    real = PRECISIONS[precision][0]
    right = np.asarray(subject.gradient(np.array(subject.at, real))).astype(real)
    return PLANTED[bug](right).astype(real)


def errors(subject, precision, bug, steps=STEPS):
    """Return {method: the largest relative error over the entries, one a step}."""
    analytic = gradient_of(subject, precision, bug)
    found = [slopes(values_at(subject, precision, epsilon), epsilon, precision) for epsilon in steps]
    return {
        method: np.array([relative_errors(analytic, each[method]).max() for each in found])
        for method in METHODS
    }


def record(subject):
    """Return a function's values at the powers of ten, for the page: all their digits, in both precisions."""
    recorded = {"label": subject.label, "steps": list(STEPS)}
    for precision in PRECISIONS:
        with np.errstate(all="ignore"):
            values = [values_at(subject, precision, epsilon) for epsilon in STEPS]
        recorded[precision] = _all_digits(
            {"gradient": list(gradient_of(subject, precision)), "values": values}
        )
    return recorded


def _all_digits(value):
    """Return numbers for JSON: a whole one as an integer, as browsers write it; NaN as text."""
    if isinstance(value, dict):
        return {name: _all_digits(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_all_digits(part) for part in value]
    value = float(value)
    if not math.isfinite(value):
        return as_json(value)
    return int(value) if value == int(value) and abs(value) < 2**53 else value
