"""Compare a backward function with the slopes of its forward function (lesson 01).

`numerical_gradient` nudges every entry of an input and sees how far the output moves. `gradient_check` does
that for all inputs of a layer and compares with what the backward function says. The whole idea stands in
this file: `Loss.slope`, `relative_error`, and `_compare`, the loop that joins them. Behind it: how far a
slope is to be trusted (``_slopes``), the functions under test (``_subject``), what a difference looks like
(``_reading``), the table (``_report``).

What no such check can see: a forward and a backward function that are wrong together. For that there are
other oracles (exact examples on paper, a second implementation).
"""

import numbers

import numpy as np

from backprop_helpers.checking._reading import Compared, read_row
from backprop_helpers.checking._report import GradientReport
from backprop_helpers.checking._slopes import (
    METHODS,
    MOST_ENTRIES,
    Slope,
    chosen_entries,
    paid_to_ties,
    refuse_if_not_analytic,
    scaled_step,
    second_look,
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


class Loss:
    """The scalar J = Σ upstream · f(x) around one point x, and its slopes there."""

    def __init__(self, function, x, upstream, out):
        self.function, self.x, self.upstream, self.out = function, x, upstream, out
        self.weight, self.unit = np.abs(upstream), float(np.abs(upstream).max(initial=0.0))

    def slope(self, where, method="central", step=None):
        """Return the slope along the entry at `where`, or along all entries of a mask, moved together."""
        step = step or scaled_step(METHODS[method].step, self.x[where])
        with np.errstate(invalid="ignore", over="ignore"):
            if method == "complex":
                nudged = self.x.astype(complex, order="K")
                nudged[where] += 1j * step
                return Slope.of(self, self.upstream * self.function(nudged).imag / step)
            right, out_right = self.nudge(where, step)
            if method == "forward":
                return Slope.of(self, right)
            left, out_left = self.nudge(where, -step)
            jump = np.abs(right - left).sum()
            return Slope.of(self, (right + left) / 2, jump, (out_left, out_right), step)

    def nudge(self, where, step):
        """Return upstream · (f(x + step) − f(x)) / step, one number for each output, and f(x + step)."""
        nudged = self.x.copy(order="K")
        nudged[where] += step
        if not np.ndim(nudged[where]):  # x + step is rounded: divide by how far x really moved
            step = float(nudged[where] - self.x[where]) or step
        out = self.function(nudged)
        return self.upstream * (out - self.out) / step, out


def relative_error(analytic, slope, tolerance, small=0.0):
    """Return |analytic − numeric| / max(|analytic|, |numeric|); 0/0 is 0, and so is noise (`Slope.floor`)."""
    difference, largest = abs(analytic - slope.numeric), max(abs(analytic), abs(slope.numeric))
    floor = max(largest, slope.floor(tolerance, small))
    return difference and difference / (floor if difference <= tolerance * floor else largest)


def _compare(loss, gradient, entries, method, tolerance):
    """Nudge the chosen entries of x one after the other, and compare each slope with the gradient there."""
    numeric, error = np.full(loss.x.shape, np.nan), np.full(loss.x.shape, np.nan)
    slopes, kinks = {}, []
    for index in entries:
        slope = loss.slope(index, method)
        differs = relative_error(float(gradient[index]), slope, tolerance) > tolerance
        slope = second_look(loss, index, method, slope, differs)
        if slope is None:
            kinks.append(index)
        else:
            slopes[index], numeric[index] = slope, slope.numeric
    # An entry a thousand times smaller than the largest is as good as zero to whatever uses the gradient.
    small = 1e-2 * np.nanmax(np.abs(numeric), initial=0.0)
    for index, slope in slopes.items():
        error[index] = relative_error(float(gradient[index]), slope, tolerance, small)
    tells = not any(slope.moved for slope in slopes.values()) or any(
        max(slope.moved, abs(gradient[index])) > tolerance * slope.floor(tolerance)
        for index, slope in slopes.items()
    )
    ties = paid_to_ties(loss, gradient, kinks, tolerance)
    return Compared(numeric, error, kinks, len(slopes), ties, tells)


def numerical_gradient(f, x, *, upstream=None, method="central", eps=None):
    """Return the gradient of Σ upstream · f(x), measured by nudging one entry of x after the other.

    Central difference: (f(x + ε) − f(x − ε)) / 2ε. Forward difference: (f(x + ε) − f(x)) / ε. Complex step:
    Im f(x + iε) / ε, which takes no difference and so loses no digits; f must accept complex numbers, and
    be analytic (no ``abs``, no ``conj``): one central difference, with all entries moved, looks after that.

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
        eps, a complex step through a function that is not analytic.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])), 6)
    array([ 2., -6.])
    """
    where = "numerical_gradient"
    check_method(where, method)
    real = isinstance(eps, numbers.Real) and not isinstance(eps, bool)
    if eps is not None and not (real and 0 < eps < np.inf):
        raise ValueError(f"{where}: eps must be a positive number, got {eps!r}")
    x = as_input(where, "x", np.asarray(x))
    function = Function(where, "f", f)
    out = function(x)
    if upstream is None and out.size != 1:
        raise ValueError(
            f"{where}: f returns an array of shape {out.shape}; pass upstream, an array of that shape, "
            "to say which combination of its entries to differentiate"
        )
    upstream = np.ones(out.shape) if upstream is None else as_upstream(where, upstream, out.shape)
    loss, gradient = Loss(function, x, upstream, out), np.empty_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = loss.slope(index, method, eps).numeric
    if method == "complex":
        refuse_if_not_analytic(gradient.sum(), loss.slope(np.ones(x.shape, bool)))
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
        With `passed`, `rows` and `assert_ok()`. An input where nothing could be compared has neither passed
        nor failed: `passed` is None, and its row says what to change.

    Raises
    ------
    TypeError
        Inputs that are not arrays of floats; a forward function that returns no pair (out, cache).
    ValueError
        Inputs or outputs that are not finite, a forward function that gives two answers to the same inputs,
        a complex step through one that is not analytic, a wrong upstream, sample, method or tolerance.

    Notes
    -----
    The shapes come first: a gradient of another shape than its input is not compared. Then every nudged entry
    has its relative error |a − n| / max(|a|, |n|), of the analytic a and the numeric n. Beyond that:

    - *Floors.* A difference says nothing if it is within the tolerance of a tenth of what could have
      cancelled in the slope, of a thousandth of the largest slope, or of what the rounding noise comes from.
      Where no slope of an input stands above that, nothing is decided.
    - *Second look.* Where the two sides or the two gradients disagree, a hundred times smaller nudge tells a
      curve, which has a slope, from a kink (ReLU at 0, two equal maxima), which has two; steep curves take
      smaller ones still. Kinks are left out and counted.
    - *Ties.* A gradient on a kink must lie between the slopes on its two sides, and where entries tie, so
      that moving all of them is smooth again, theirs must add up to that slope.
    - *Linearity.* backward is called with the same upstream gradient again, and with 2²⁷ times as much, about
      1e8 (a power of two rounds nothing): so must the answer be. A loss with ``upstream=1.0`` may ignore it.
    - *Manners.* forward and backward must not write to their arguments.

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
    upstream = rng.normal(size=layer.out.shape) if upstream is None else upstream
    upstream = as_upstream(where, upstream, layer.out.shape)
    gradients, complaints = layer.gradients(upstream)
    compared = {}
    for name, x in layer.inputs.items():
        loss = Loss(layer.along(name), x, upstream, layer.out)
        there = gradients[name] if np.shape(gradients[name]) == x.shape else np.full(x.shape, np.nan)
        compared[name] = _compare(loss, there, chosen_entries(x.shape, sample, rng), method, tolerance)
    rows = [
        read_row(name, gradients[name], compared, complaints[name], layer, tolerance) for name in layer.inputs
    ]
    return GradientReport(rows, method, tolerance)
