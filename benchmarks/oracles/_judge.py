"""The oracles themselves, and how one is asked."""

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking import gradient_check
from backprop_helpers.checking.misconceptions import Misconception
from benchmarks.oracles import _battery, _loops, _pytorch, _scipy
from benchmarks.oracles._trial import Mistake

RESULTS = {  # what the functions return, for the complaints
    "conv_backward": ("dx", "dw", "db"),
    "fc_backward": ("dx", "dw", "db"),
    "conv_forward": ("z",),
    "pool_forward": ("z",),
    "pool_backward": ("dx",),
    "relu_backward": ("dz",),
    "flatten_backward": ("dx",),
    "softmax_forward": ("y_hat",),
    "softmax_backward": ("dz",),
    "cross_entropy_backward": ("dy_hat",),
    "softmax_cross_entropy_forward": ("loss",),
    "softmax_cross_entropy_backward": ("dz",),
    "sgd_step": ("w", "b"),
    "initial_weights": ("w", "b"),
}
NO_GRADIENT = {
    "sgd_step": "an update has no gradient to compare: it comes after backward",
    "initial_weights": "initial values have no gradient to compare: any weights will do for a check",
}
LAYERS = {name for name in RESULTS if name not in ("sgd_step", "initial_weights")}
LINEAR = {name for name in LAYERS if name.partition("_")[0] in ("conv", "fc", "pool", "relu", "flatten")}


class Verdict(NamedTuple):
    """What an oracle says.

    Attributes
    ----------
    outcome : str
        "killed": it sees the mistake. "survived": it should, and does not. "blind": it cannot see this one.
        "not applicable": it has nothing to say about such a function. "not installed": it needs a package
        that is missing.
    reason : str
        What gave the mistake away, or why the oracle is blind.
    """

    outcome: str
    reason: str


@dataclass(frozen=True)
class Oracle:
    """A way to find out that an implementation is wrong.

    Attributes
    ----------
    name : str
        A key of `misconceptions.ORACLES`.
    functions : frozenset of str
        The functions it can be asked about.
    complaint : callable
        Takes a `Trial` and returns what is wrong with it, in words; None if it finds nothing.
    blind_to : str
        What it cannot see.
    available : callable
        Whether what it needs is installed.
    out_of_sight : mapping of str to str
        Functions that one would ask it about and that it cannot see at all, with the reason.
    """

    name: str
    functions: frozenset
    complaint: Callable
    blind_to: str
    available: Callable = field(default=lambda: True)
    out_of_sight: Mapping[str, str] = field(default_factory=dict)


class NothingToCompare(Exception):
    """An oracle came to the end without having compared anything."""


def judge(mistake, oracle):
    """Ask one oracle about one mistake.

    Parameters
    ----------
    mistake : Misconception or Mistake
    oracle : Oracle or str
        Or its name.

    Returns
    -------
    Verdict

    Notes
    -----
    An error raised on the smallest input, which is legal, counts as killed: nobody takes that for an answer.
    """
    oracle = ORACLES[oracle] if isinstance(oracle, str) else oracle
    mistake = Mistake.of(mistake) if isinstance(mistake, Misconception) else mistake
    for function in mistake.functions:
        if function in oracle.out_of_sight:
            return Verdict("blind", oracle.out_of_sight[function])
    if not set(mistake.functions) & oracle.functions:
        return Verdict("not applicable", f"has nothing to say about {' and '.join(mistake.functions)}")
    if not oracle.available():
        return Verdict("not installed", f"{oracle.name} is not installed")
    said = mistake.unseen_by.get(oracle.name)
    try:
        control = _asked(oracle, mistake.trial(mistake.right()))
        if control is not None:
            return Verdict("blind", said or f"rejects the right version too: {control}")
        complaint = _asked(oracle, mistake.trial(mistake.wrong()))
    except NothingToCompare:
        complaint, said = None, said or "nothing is left to compare"
    if complaint is not None:
        return Verdict("killed", complaint)
    if oracle.name in mistake.oracles:
        return Verdict("survived", said or "it finds nothing")
    return Verdict("blind", said or oracle.blind_to)


def _asked(oracle, trial):
    """Return the oracle's complaint; None without one."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # overflow and 0/0 are what some mistakes are about
        try:
            return oracle.complaint(trial)
        except NothingToCompare:
            raise
        except Exception as error:
            return f"raises {type(error).__name__} on legal input"


# --- comparing


def _results(value):
    return value if isinstance(value, tuple) else (value,)


def _difference(name, results, expected, exact=False):
    """Return where the results differ from what is expected; None if nowhere."""
    results, expected = _results(results), _results(expected)
    if not expected or not all(np.size(wanted) for wanted in expected):
        raise NothingToCompare
    labels = RESULTS[name]
    if len(results) != len(expected):
        return f"{len(results)} results instead of {len(expected)}"
    for label, got, wanted in zip(labels, results, expected):
        if got is None:
            return f"{label} is missing"
        got, wanted = np.asarray(got), np.asarray(wanted)
        if got.shape != wanted.shape:
            return f"{label} has shape {got.shape} instead of {wanted.shape}"
        if exact:
            wrong = np.array([g != w for g, w in zip(got.ravel().tolist(), wanted.ravel())])
            wrong = wrong.reshape(wanted.shape)
        else:
            wrong = ~np.isclose(got, wanted.astype(float), rtol=1e-9, atol=1e-12)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            place = list(index) if index else ""
            return f"{label}{place} is {float(got[index]):.4g} instead of {float(wanted[index]):.4g}"
    return None


def _compared_with(key, exact=False):
    """Return the complaint of an oracle that has the right answers in a module of functions."""

    def complaint(trial):
        compared = 0
        for name, part, arguments, options in trial.calls(exact):
            if not hasattr(key, name):
                continue
            compared += 1
            copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments]
            if name == "initial_weights":  # the same numbers for both
                copies[2], arguments = np.random.default_rng(0), (*arguments[:2], np.random.default_rng(0))
            if exact:
                arguments = [_loops.exactly(a) if _is_real(a) else a for a in arguments]
            expected = getattr(key, name)(*arguments, **options)
            found = _difference(name, part(*copies, **options), expected, exact)
            if found:
                return found
        if not compared:
            raise NothingToCompare
        return None

    return complaint


def _is_real(argument):
    """Whether the argument is made of real numbers: labels stay as they are."""
    return isinstance(argument, float) or (isinstance(argument, np.ndarray) and argument.dtype.kind == "f")


def _functions_of(key):
    return frozenset(name for name in RESULTS if callable(getattr(key, name, None)))


# --- nudges


def _slopes(method):
    def complaint(trial):
        try:
            report = gradient_check(*trial.pair(), trial.inputs, method=method)
        except ValueError as error:
            if str(error).startswith("gradient_check: forward returned"):
                return str(error).removeprefix("gradient_check: ")
            raise
        if report.passed:
            if not any(row.compared for row in report.rows):
                raise NothingToCompare
            return None
        row = next(row for row in report.rows if not row.passed)
        return f"d{row.name}: {row.reading}"

    return complaint


def _adjoint(trial):
    """Compare ⟨A x, y⟩ with ⟨x, Aᵀ y⟩ for random y: the layer as seen from either end."""
    forward, backward = trial.pair()
    inputs = trial.inputs
    out, _ = forward(*inputs)
    for seed in range(3):
        upstream = np.random.default_rng(seed).normal(size=out.shape)
        gradients = _results(backward(upstream, forward(*(x.copy() for x in inputs))[1]))
        if len(inputs) == 3:
            x, w, b = inputs
            without_bias = forward(x, w, 0 * b)[0]
            outputs = without_bias, without_bias, out - without_bias
        else:
            outputs = (out,)
        if len(gradients) != len(inputs):
            return f"{len(gradients)} gradients for {len(inputs)} inputs"
        for name, argument, output, gradient in zip(("x", "w", "b"), inputs, outputs, gradients):
            if gradient is None:
                return f"d{name} is missing"
            if np.shape(gradient) != argument.shape:
                return f"d{name} has shape {np.shape(gradient)} instead of {argument.shape}"
            left, right = (output * upstream).sum(), (argument * gradient).sum()
            scale = max(1e-3, np.abs(output * upstream).sum())
            if not abs(left - right) <= 1e-9 * scale:
                return f"⟨z, dz⟩ = {left:.4g} but ⟨{name}, d{name}⟩ = {right:.4g}"
    return None


# --- properties


def _conservation(trial):
    for name, part, arguments, options in trial.calls():
        if name == "pool_backward":
            dz, x = arguments
            total, paid = dz.sum(), np.sum(part(dz.copy(), x.copy(), **options))
            if not abs(paid - total) <= 1e-9 * np.abs(dz).sum():
                return f"dx sums to {paid:.4g}, dz to {total:.4g}"
            return None
    raise NothingToCompare


def _large_scores(trial):
    (softmax,) = trial.parts.values()
    y_hat = softmax(np.array([[1000.0, 0.0, 999.0], [-1000.0, -1001.0, 0.0], [2000.0, 0.0, -2000.0]]))
    return None if np.isfinite(y_hat).all() else "NaN or infinity for scores of ±1000"


def _rows_sum_to_one(trial):
    (softmax,) = trial.parts.values()
    sums = softmax(*trial.inputs).sum(axis=1)
    return None if np.allclose(sums, 1, rtol=0, atol=1e-12) else f"a row sums to {sums[0]:.8g}"


def _rows_sum_to_zero(trial):
    for name, part, arguments, options in trial.calls():
        if name not in ("softmax_backward", "softmax_cross_entropy_backward"):
            continue
        dz = part(*arguments, **options)
        if not np.abs(dz).sum():
            raise NothingToCompare
        sums = dz.sum(axis=1)
        worst = int(np.abs(sums).argmax())
        if not abs(sums[worst]) <= 1e-12 * max(1, np.abs(dz).sum()):
            return f"row {worst} of dz sums to {sums[worst]:.4g}"
        return None
    raise NothingToCompare


def _first_loss(trial):
    (initial,) = trial.parts.values()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 784)), rng.integers(0, 10, 64)
    w, b = initial(784, 10, np.random.default_rng(0))
    loss = layers.softmax_cross_entropy_forward(0.1 * x @ w + b, y)[0]
    return None if abs(loss - np.log(10)) < 0.5 else f"the first loss is {loss:.3g}, ln 10 is 2.3"


def _repeatability(trial):
    for name, part, arguments, options in trial.calls():
        before = [np.copy(a) for a in arguments]
        first = [np.copy(r) if r is not None else None for r in _results(part(*arguments, **options))]
        if not all(np.array_equal(a, b) for a, b in zip(before, arguments)):
            return "it writes to its arguments"
        found = _difference(name, part(*arguments, **options), tuple(r for r in first if r is not None))
        if found and None not in first:
            return f"the second time {found}"
    return None


def _wrong_code(trial):
    (check,) = trial.parts.values()
    refused = [name for name, layer in _battery.right_layers().items() if not _battery.passes(check, *layer)]
    if refused:
        return f"refuses a layer that is right: {refused[0]}"
    let_through = [name for name, *layer in _battery.wrong_layers() if _battery.passes(check, *layer)]
    if let_through:
        return f"passes {len(let_through)} wrong layers, such as {let_through[0]}"
    return None


ORACLES = {
    oracle.name: oracle
    for oracle in (
        Oracle(
            "gradient check",
            frozenset(LAYERS),
            _slopes("central"),
            "forward and backward that are wrong together",
            out_of_sight=NO_GRADIENT,
        ),
        Oracle(
            "complex step",
            frozenset(LAYERS),
            _slopes("complex"),
            "forward and backward that are wrong together",
            out_of_sight=NO_GRADIENT,
        ),
        Oracle(
            "adjoint identity",
            frozenset(LINEAR),
            _adjoint,
            "forward and backward that are wrong together",
        ),
        Oracle(
            "reference",
            _functions_of(_loops),
            _compared_with(_loops),
            "what shows on the second call only: the first answer is right",
        ),
        Oracle("SciPy", _functions_of(_scipy), _compared_with(_scipy), "what SciPy has no function for"),
        Oracle(
            "exact integers",
            _functions_of(_loops)
            - {
                "softmax_forward",
                "softmax_backward",
                "softmax_cross_entropy_forward",
                "softmax_cross_entropy_backward",
                "initial_weights",
            },
            _compared_with(_loops, exact=True),
            "what shows on the second call only: the first answer is right",
        ),
        Oracle(
            "conservation",
            frozenset({"pool_backward"}),
            _conservation,
            "a gradient that goes to the wrong pixel: the total is right",
        ),
        Oracle(
            "large scores",
            frozenset({"softmax_forward"}),
            _large_scores,
            "wrong values that are finite",
        ),
        Oracle(
            "rows sum to 1",
            frozenset({"softmax_forward"}),
            _rows_sum_to_one,
            "wrong values that still sum to 1",
        ),
        Oracle(
            "rows sum to 0",
            frozenset({"softmax_backward", "softmax_cross_entropy_backward"}),
            _rows_sum_to_zero,
            "a factor on every entry of a row: zero times anything is zero",
        ),
        Oracle(
            "first loss",
            frozenset({"initial_weights"}),
            _first_loss,
            "a bias that is the same for all classes: it moves no probability",
        ),
        Oracle(
            "repeatability",
            frozenset(name for name in LAYERS if name.endswith("_backward")),
            _repeatability,
            "an answer that is wrong in the same way each time",
        ),
        Oracle("wrong code", frozenset({"check_gradients"}), _wrong_code, "what is no check"),
        Oracle(
            "PyTorch",
            _functions_of(_pytorch),
            _compared_with(_pytorch),
            "what shows on the second call only: the first answer is right",
            _pytorch.is_installed,
        ),
    )
}
