"""The functions under test: called on copies, watched while they run, and complained about by name."""

import inspect
import numbers
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from backprop_helpers.checking._reading import SCALED, TIMES, UNUSED, is_kernel, read_nonlinear
from backprop_helpers.checking._slopes import METHODS
from backprop_helpers.checking._text import count, described


class Function:
    """A function of arrays whose output is checked on each call."""

    def __init__(self, where, name, function, unpack=False):
        self.where, self.name, self.function, self.unpack = where, name, function, unpack
        self.has_answered = False

    def __call__(self, x):
        return self.run(x)[0]

    def run(self, *arrays, **named):
        """Return (out, cache) for these inputs; the cache is None for a function without."""
        complex_step = any(np.iscomplexobj(array) for array in [*arrays, *named.values()])
        try:
            result = self.function(*arrays, **named)
        except Exception as error:
            note = f"{self.where}: {self.name} "
            if complex_step:
                error.add_note(note + 'was called with complex numbers, since method is "complex"')
            elif self.has_answered:
                error.add_note(note + "accepts the input, but not with one entry nudged")
            raise
        self.has_answered = True
        if not self.unpack:
            return self._checked(result, complex_step), None
        if not (isinstance(result, tuple) and len(result) == 2):
            self._refuse("must return a pair (out, cache), got " + described(result))
        return self._checked(result[0], complex_step), result[1]

    def _checked(self, out, complex_step):
        """Return the output as an array of float64 or complex128."""
        if isinstance(out, (tuple, list)) or out is None:
            hint = "; pass lambda x: forward(x)[0]" if isinstance(out, tuple) else ""
            self._refuse(f"must return an array, got {described(out)}{hint}")
        out = np.asarray(out)
        wanted = np.dtype(np.complex128 if complex_step else np.float64)
        if complex_step and out.dtype.kind == "f":
            self._refuse(
                "returned real numbers for complex input, so the step is lost; "
                'it does not keep complex numbers. Use method="central"'
            )
        if out.dtype != wanted:
            coarse = ", whose rounding is larger than the nudge; compute in float64 "
            coarse += "(net.astype(np.float64) for a network)"
            narrow = out.dtype in (np.float32, np.complex64)
            self._refuse(f"must return {wanted}, got {out.dtype}{coarse * narrow}")
        return out

    def _refuse(self, text):
        raise TypeError(f"{self.where}: {self.name} {text}")


class Layer:
    """A forward and a backward function with their inputs, called on copies and watched while they run."""

    def __init__(self, forward, backward, inputs):
        self.function = Function("gradient_check", "forward", forward, unpack=True)
        self.backward = backward
        self.by_name = isinstance(inputs, Mapping)
        self.inputs = _named_inputs(forward, inputs)
        given = self._copies()
        self.out = self._run(given)[0].copy()
        self.written_by_forward = _written(self.inputs, given)
        if not np.isfinite(self.out).all():
            raise ValueError("gradient_check: forward returned NaN or infinity for these inputs")
        again = self._run(self._copies())[0]
        if again.shape != self.out.shape or not np.allclose(again, self.out, rtol=1e-12, atol=1e-12):
            raise ValueError("gradient_check: forward gave two different answers to the same inputs")

    def _copies(self):
        return {name: x.copy(order="K") for name, x in self.inputs.items()}

    def _run(self, inputs):
        return self.function.run(**inputs) if self.by_name else self.function.run(*inputs.values())

    def along(self, name):
        """Return the forward function of one input alone, the others held fixed."""
        return lambda x: self._run(self.inputs | {name: x})[0]

    def gradients(self, upstream):
        """Return, by input, the gradients (or a text that says why there is none) and the complaints."""
        given = self._copies()
        _, cache = self._run(given)
        before = {name: x.copy(order="K") for name, x in given.items()}
        dout = upstream.copy()
        first = self._backward(dout, cache)
        complaints = {name: [] for name in self.inputs}
        for name in self.inputs:
            if name in self.written_by_forward:
                complaints[name].append(f"forward writes to {name}")
            if name in _written(before, given):
                complaints[name].append(f"backward writes to {name}")
            if not np.array_equal(dout, upstream):
                complaints[name].append("backward writes to its upstream gradient")
        again, scaled = (self._again(factor * upstream, cache) for factor in (1, TIMES))
        for name, texts in complaints.items():
            if not texts:
                texts += _contradictions(first[name], again[name], scaled[name])
            if upstream.ndim == 0 and upstream == 1 and UNUSED in texts:
                texts.remove(UNUSED)  # at the top of a network nobody asks for another one
        return first, complaints

    def _again(self, dout, cache):
        """Return what a later call of backward gives, by input; a text says what it raises."""
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._backward(dout, cache)
        except Exception as error:  # whatever it is, it is the finding
            return dict.fromkeys(self.inputs, f"raises {type(error).__name__}")

    def _backward(self, dout, cache):
        """Return a copy of each gradient, or a text that says why there is none, by the inputs' names."""
        result = self.backward(dout if dout.ndim else float(dout), cache)
        names = list(self.inputs)
        result = tuple(result) if isinstance(result, Iterator) else result
        if isinstance(result, Mapping):
            return {name: _as_gradient(result.get(name)) for name in names}
        result = result if isinstance(result, (tuple, list)) else (result,)
        if len(result) != len(names):
            came, asked = count(len(result), "gradient", "gradients"), count(len(names), "input", "inputs")
            return dict.fromkeys(names, f"backward returned {came} for {asked}, {', '.join(names)}")
        return {name: _as_gradient(gradient) for name, gradient in zip(names, result)}

    @property
    def examples(self):
        """M, the number of examples, if the first input and the output share it (or the output is a loss)."""
        name, first = next(iter(self.inputs.items()))
        if first.ndim and not is_kernel(name) and self.out.shape[:1] in (first.shape[:1], ()):
            return first.shape[0]
        return None

    @property
    def factors(self):
        """The constants by which gradients are wrong most often, (value, name), if only one has the value."""
        first, *others = self.inputs.values()
        rivals, named = {n for a in others for n in a.shape} | {*first.shape[1:], *self.out.shape[1:]}, []
        if self.examples:
            named += [(self.examples, "M, the number of examples")]
            named += [(self.examples**2, "M², M the number of examples")]
        if self.out.ndim == 0 and first.ndim == 2:
            named += [(first.shape[1], "K, the number of classes")]
            named += [(first.size, "M·K, the number of entries")]
            rivals.discard(first.shape[1])
        kernel = self.inputs.get("w")
        if kernel is not None and kernel.ndim == 4:
            named += [(kernel.shape[0] * kernel.shape[1], "F_h·F_w, the size of the kernel")]
        if self.out.ndim == 4:
            positions = self.out.shape[1] * self.out.shape[2]
            named += [(positions, "H_out·W_out, the number of positions")]
            named += [(positions * len(self.out), "M·H_out·W_out, examples times positions")]
        times = Counter([value for value, _ in named] + list(rivals | {2}))  # 2 comes of squares, too
        return [(value, name) for value, name in named if value > 1 and times[value] == 1]


def _named_inputs(forward, inputs):
    """Return the inputs as float64 arrays by name: the mapping's keys, or forward's parameters."""
    where = "gradient_check"
    if isinstance(inputs, Mapping):
        named = dict(inputs)
        if not all(isinstance(name, str) for name in named):
            raise TypeError(f"{where}: the names in inputs must be strings, got {list(named)}")
    else:
        inputs = (inputs,) if isinstance(inputs, np.ndarray) else inputs
        if not isinstance(inputs, (tuple, list)):
            raise TypeError(
                f"{where}: inputs must be a tuple of arrays, one per argument of forward, got "
                f"{described(inputs)}"
            )
        names = _parameter_names(forward)
        names += [f"input {position}" for position in range(len(names), len(inputs))]
        named = dict(zip(names, inputs))
    if not named:
        raise ValueError(f"{where}: inputs is empty, there is nothing to compare")
    return {name: as_input(where, name, value) for name, value in named.items()}


def _parameter_names(function):
    """Return the names of the positional parameters, as far as they can be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have no signature
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def as_input(where, name, value):
    """Return an input as a fresh float64 array."""
    if not isinstance(value, (float, np.ndarray, np.generic)):
        raise TypeError(f"{where}: {name} must be an array of floats, got {described(value)}")
    value = np.asarray(value)
    if value.dtype.kind in "iub":
        raise TypeError(
            f"{where}: {name} is {value.dtype}, and whole numbers cannot be nudged; pass "
            f"{name}.astype(float), "
            "or close over it if it is not to be differentiated (labels): lambda z: forward(z, labels)"
        )
    if value.dtype.kind != "f":
        raise TypeError(f"{where}: {name} must be an array of floats, got {value.dtype}")
    value = value.astype(np.float64, order="K")
    if not np.isfinite(value).all():
        raise ValueError(f"{where}: {name} holds NaN or infinity")
    return value


def as_upstream(where, upstream, shape):
    """Return the upstream gradient as a float64 array of the output's shape."""
    upstream = np.asarray(upstream)
    if upstream.dtype.kind not in "iuf":
        raise TypeError(f"{where}: upstream must be an array of real numbers, got {upstream.dtype}")
    if upstream.shape != shape:
        raise ValueError(
            f"{where}: upstream must have the shape of the output, {shape}, got {upstream.shape}"
        )
    upstream = upstream.astype(np.float64)
    if not np.isfinite(upstream).all():
        raise ValueError(f"{where}: upstream holds NaN or infinity")
    if upstream.size and not upstream.any():
        raise ValueError(
            f"{where}: upstream is zero everywhere, so every gradient is zero and nothing is checked"
        )
    return upstream


def _as_gradient(gradient):
    """Return a copy of one gradient as an array, or a text that says why it is none."""
    if gradient is None:
        return "backward returned None"
    if not isinstance(gradient, (float, np.generic, np.ndarray)):
        return f"backward returned {described(gradient)}, not an array"
    gradient = np.array(gradient)
    if gradient.dtype.kind not in "iufb":
        return f"backward returned {gradient.dtype}, not real numbers"
    return gradient


def _contradictions(first, again, scaled):
    """Say how later calls contradict the first: with the same upstream gradient, with `TIMES` as much."""
    if isinstance(first, str):
        return []
    calls = (("a second call of backward", again), (f"backward with {SCALED}", scaled))
    for call, gradient in calls:
        if isinstance(gradient, str):
            return [f"{call} {gradient.removeprefix('backward ')}"]
        if gradient.shape != first.shape:
            return [f"{call} gives another shape"]
    # In the last bits a BLAS with threads may differ.
    if not np.allclose(first, again, rtol=1e-9, atol=1e-12, equal_nan=True):
        return ["a second call of backward gives another answer"]
    text = read_nonlinear(first.astype(float), scaled.astype(float))
    return [text] if text else []


def as_tolerance(where, tolerance):
    """Return the tolerance; a relative error never exceeds 2, so one of 1 or more checks nothing."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, numbers.Real):
        raise TypeError(f"{where}: tolerance must be a number, got {described(tolerance)}")
    if not 0 < tolerance < 1:
        raise ValueError(
            f"{where}: tolerance must be above 0 and below 1 (100 %), as even a gradient of zeros has a "
            f"relative error of 1; got {tolerance!r}"
        )
    return float(tolerance)


def as_sample(where, sample):
    """Return how many entries of an input to nudge."""
    if isinstance(sample, bool) or not isinstance(sample, numbers.Integral):
        raise TypeError(f"{where}: sample must be a whole number, got {described(sample)}")
    if sample < 1:
        raise ValueError(f"{where}: sample must be at least 1, got {sample}")
    return int(sample)


def check_method(where, method):
    """Return the method's settings."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"{where}: method must be one of {', '.join(map(repr, METHODS))}, got {method!r}")
    return METHODS[method]


def _written(before, after):
    """Return the names of the arrays that changed."""
    return {name for name in before if not np.array_equal(before[name], after[name])}
