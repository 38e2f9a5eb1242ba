"""Compare a backward function with the slopes of its forward function (lesson 01).

`numerical_gradient` nudges every entry of an input and sees how far the output moves. `gradient_check` does
that for all inputs of a layer, compares with what the backward function says, and *reads* the
difference: where it sits, and what the wrong numbers have in common with the right ones.

What no such check can see: a forward and a backward function that are wrong together. For that there are
other oracles (exact examples on paper, a second implementation).
"""

import numbers
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking._reading import name_axes, read_difference, read_shape
from backprop_helpers.checking._report import GradientReport, GradientRow
from backprop_helpers.checking._slopes import (
    MOST_ENTRIES,
    measure_input,
    measured_slope,
    relative_error,
    scaled_step,
)
from backprop_helpers.checking._subject import (
    Function,
    Layer,
    as_input,
    as_sample,
    as_tolerance,
    as_upstream,
    check_method,
)
from backprop_helpers.checking._text import count


def numerical_gradient(f, x, *, upstream=None, method="central", eps=None):
    """Return the gradient of Σ upstream · f(x), measured by nudging one entry of x after the other.

    Central difference: (f(x + ε) − f(x − ε)) / 2ε. Forward difference: (f(x + ε) − f(x)) / ε. Complex step:
    Im f(x + iε) / ε, which takes no difference and so loses no digits; f must accept complex numbers.

    Parameters
    ----------
    f : callable
        f(x) returns a number or an array, and does not write to x.
    x : array_like of float
        Where to measure. float32 is converted to float64 first: a nudge of 1e-5 needs more than
        float32's seven digits. Integers are refused, as they cannot be nudged.
    upstream : array_like, the shape of f(x), optional
        The gradient of the loss with respect to f(x). Needed unless f(x) is a single number.
    method : "central", "forward" or "complex"
    eps : float, optional
        The nudge, the same for all entries. By default 1e-5, 1.5e-8 or 1e-20 (by method), times |x| where |x|
        > 1.

    Returns
    -------
    ndarray of float64, the shape of x
        On a kink, "central" gives the mean of the two one-sided slopes and "forward" the right one.

    Raises
    ------
    TypeError
        x is not made of floats; f returns anything but float64 numbers (complex128 for the complex step).
    ValueError
        x or f(x) holds NaN or infinity, upstream is missing or of another shape, an unknown method, a bad
        eps.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])), 6)
    array([ 2., -6.])
    """
    where = "numerical_gradient"
    step = check_method(where, method).step
    if eps is not None:
        if isinstance(eps, bool) or not isinstance(eps, numbers.Real) or not 0 < eps < np.inf:
            raise ValueError(f"{where}: eps must be a positive number, got {eps!r}")
        step = float(eps)
    x = as_input(where, "x", np.asarray(x))
    function = Function(where, "f", f)
    out = function(x)
    if upstream is None and out.size != 1:
        raise ValueError(
            f"{where}: f returns an array of shape {out.shape}; pass upstream, an array of that shape, "
            "to say which combination of its entries to differentiate"
        )
    upstream = np.ones(out.shape) if upstream is None else as_upstream(where, upstream, out.shape)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        nudge = step if eps is not None else scaled_step(step, x[index])
        gradient[index] = measured_slope(method, function, x, index, nudge, out, upstream).numeric
    return gradient


def gradient_check(
    forward, backward, inputs, *, upstream=None, method="central", sample=None, seed=0, tolerance=None
):
    """Compare the gradients that `backward` returns with the slopes of `forward`.

    The scalar whose gradient is checked is J = Σ upstream · out, for a random `upstream`: all ones would not
    notice a gradient that goes to the wrong place. Everything is computed in float64, whatever the inputs'
    precision, since the formula is checked and not its rounding.

    Parameters
    ----------
    forward : callable
        ``forward(*inputs)`` returns (out, cache). The inputs are named after its parameters. Constants, such
        as labels, are closed over: ``lambda z: softmax_cross_entropy_forward(z, labels)``.
    backward : callable
        backward(dout, cache) returns one gradient per input, a single array for a single input. dout is a
        number if out is one (a loss).
    inputs : sequence of arrays, one array, or mapping of name to array
        Floats. With a mapping, forward gets keyword arguments, and backward may return a mapping with the
        same names.
    upstream : array_like, the shape of out, optional
        The gradient at the output. By default a normal random one, from `seed`.
    method : "central", "forward" or "complex"
        How slopes are measured (see `numerical_gradient`). The complex step is by far the most exact, if
        forward accepts complex numbers.
    sample : int, optional
        How many entries of each input to nudge, at most: the corners and a random choice from `seed`.
        By default 500.
    seed : int
    tolerance : float, optional
        The largest relative error of a right gradient; 1e-7, 1e-5 or 1e-12 by default (central, forward,
        complex).

    Returns
    -------
    GradientReport
        With `passed`, `rows` and `assert_ok()`. A row fails too if its gradient is missing, of the wrong
        shape, no array, not finite or complex; if nothing is left to compare; if forward or backward writes
        to its arguments; if a second call of backward with the same cache gives another answer.

    Raises
    ------
    TypeError
        Inputs that are not arrays of floats; a forward function that returns no pair (out, cache).
    ValueError
        Inputs or outputs that are not finite, a forward function that gives two answers to the same inputs,
        a wrong upstream, sample, method or tolerance.

    Notes
    -----
    On a kink (ReLU at 0, two equal maxima) a function has two one-sided slopes and no gradient. Such entries
    are recognised, left out and counted. Where entries tie, they are also moved together, which may well be
    smooth: then the sum of their gradients is compared, and a gradient handed out twice is seen.

    Examples
    --------
    >>> import numpy as np
    >>> from backprop_helpers.layers import fc_backward, fc_forward
    >>> x, w, b = np.ones((2, 3)), np.ones((3, 4)), np.zeros(4)
    >>> gradient_check(fc_forward, fc_backward, (x, w, b)).passed
    True
    """
    where = "gradient_check"
    settings = check_method(where, method)
    tolerance = settings.tolerance if tolerance is None else as_tolerance(where, tolerance)
    sample = MOST_ENTRIES if sample is None else as_sample(where, sample)
    layer = Layer(forward, backward, inputs)
    rng = np.random.default_rng(seed)
    if upstream is None:
        upstream = rng.normal(size=layer.out.shape)
    upstream = as_upstream(where, upstream, layer.out.shape)
    gradients, complaints = layer.gradients(upstream)
    measured = [
        measure_input(
            layer.along(name), x, layer.out, upstream, gradients[name], method, tolerance, sample, rng
        )
        for name, x in layer.inputs.items()
    ]
    known = _Known(
        tolerance=tolerance,
        examples=layer.examples,
        factors=layer.factors(),
        unused=1 / float(upstream) if upstream.ndim == 0 else None,
        slopes={name: found.numeric for name, found in zip(layer.inputs, measured)},
    )
    rows = [
        _row(name, gradients[name], found, complaints[name], known)
        for name, found in zip(layer.inputs, measured)
    ]
    return GradientReport(rows, method, tolerance)


class _Known(NamedTuple):
    """What helps to read any of the gradients: the constants and the other slopes (see `read_difference`)."""

    tolerance: float
    examples: int | None
    factors: list
    unused: float | None
    slopes: dict


def _row(name, gradient, measured, complaints, known):
    """Return the report's row for one input."""
    others = [(other, slopes) for other, slopes in known.slopes.items() if other != name]
    worst, analytic, numeric, largest = None, None, None, np.inf
    reading = _obstacle(name, gradient, measured, others)
    if reading is None:
        largest = float(np.nanmax(measured.error))
        # The first of equals: with a flipped sign every entry is off by exactly 2, up to rounding.
        worst = tuple(int(i) for i in np.argwhere(measured.error >= 0.99 * largest)[0])
        analytic, numeric = float(gradient[worst]), float(measured.numeric[worst])
        reading = _reading(name, gradient.astype(float), measured, others, known)
    reading = "; ".join(filter(None, [*complaints, reading]))
    passed = not reading
    if passed and not np.nanmax(np.abs(measured.numeric)):
        reading = "zero everywhere, in both"
    return GradientRow(
        name=name,
        shape=measured.numeric.shape,
        relative_error=largest,
        worst_index=worst,
        analytic=analytic,
        numeric=numeric,
        reading=reading,
        compared=int(np.count_nonzero(np.isfinite(measured.error))),
        kinks=int(np.count_nonzero(measured.kinks)),
        passed=passed,
    )


def _obstacle(name, gradient, measured, others):
    """Return what stands in the way of a comparison; None if nothing does."""
    if isinstance(gradient, str):
        return gradient
    if gradient.shape != measured.numeric.shape:
        return read_shape(gradient.astype(float), measured.numeric, name, others)
    bad = np.count_nonzero(~np.isfinite(gradient))
    if bad:
        return f"NaN or infinity in {count(bad, 'entry', 'entries')}"
    if measured.unmeasured:
        return (
            f"no slope in {count(measured.unmeasured, 'entry', 'entries')}: "
            "forward gives NaN or infinity after a small nudge"
        )
    if not np.isfinite(measured.error).any():
        return "nothing to compare"
    return None


def _reading(name, gradient, measured, others, known):
    """Return what is wrong with the compared entries, or with those that tie; empty if nothing is."""
    wrong = measured.error > known.tolerance
    if wrong.any():
        axes = name_axes(name, gradient.shape, known.examples)
        return read_difference(
            gradient,
            measured.numeric,
            wrong,
            axes,
            factors=known.factors,
            unused=known.unused,
            others=others,
        )
    together = measured.together
    if together is None:
        return ""
    parts = gradient[measured.kinks]
    slope = together._replace(scale=max(together.scale, 1e-2 * np.abs(parts).sum()))
    if relative_error(parts.sum(), slope, known.tolerance) <= known.tolerance:
        return ""
    return "entries that tie get more or less than their share: the sum of their gradients is wrong"
