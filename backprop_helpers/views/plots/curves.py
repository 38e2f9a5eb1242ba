"""Curves: functions with their kinks, errors against step size."""

import math

import numpy as np
from matplotlib.ticker import NullLocator

from . import _style as style
from ._style import as_array, drawing


def chart(title, width=6.4, height=3.4, left=0.75, bottom=0.62, right=0.25, above=0.0):
    """Return (figure, axes) for one chart, of a page `width` inches wide, with the title at the top left."""
    figure, top = style.titled(width, height + bottom, title, above=0.12 + above, most=width)
    return figure, style.panel(figure, left, top, width - left - right, height)


def as_named(curves, name, function, most=9):
    """Return a dict of label → values, checked: not empty, and not more than can be told apart."""
    if not isinstance(curves, dict) or not curves:
        raise ValueError(f"{function}: {name} must be a dict of label → values and not empty")
    if len(curves) > most:
        raise ValueError(f"{function}: {name} has {len(curves)} entries, at most {most} can be told apart")
    return curves


def _as_curves(curves, x, name, function, x_name):
    """Return a dict of label → vector as long as x; what is not finite is a gap, NaN."""
    data = {}
    for label, y in as_named(curves, name, function).items():
        y = as_array(y, f"{name}[{label!r}]", function, 1, f"a vector of {len(x)}").astype(float)
        if y.shape != x.shape:
            expected = f"shape {x.shape} as {x_name}"
            raise ValueError(f"{function}: {name}[{label!r}] must have {expected}; it is {y.shape}")
        data[label] = np.where(np.isfinite(y), y, np.nan)
    return data


@drawing
def function(x, curves, *, title="", dots=(), xlabel="", ylabel="", ax=None):
    """Draw functions of one variable, such as ReLU and its derivative.

    What the reader sees: each curve in its own colour and dash, its name at the legend; filled dots where a
    value is taken, open ones where it is not.

    - x, curves: a vector (N,), and at most nine of that length by their names; NaN or infinity leaves a gap,
      which is how to draw a jump
    - dots: (x, y, "closed" or "open"), e.g. ``[(0, 0, "closed"), (0, 1, "open")]`` at ReLU's kink
    - title, xlabel, ylabel: texts
    - ax: axes to draw in, such as one of `panels`
    """
    x = as_array(x, "x", "function", 1, "a vector (N,)", finite=True)
    data = _as_curves(curves, x, "curves", "function", "x")
    if ax is None:
        figure, ax = chart(title, 6.0 if len(data) > 1 or title else 4.6, 2.9)
        names = ", ".join(map(str, data))
        figure.alt = f"{title or 'Curves'}: {names}, for x from {x.min():g} to {x.max():g}."
    else:
        ax.set_title(title)
    ax.axhline(0, color=style.HAIR, lw=1, zorder=0)
    if x.min() < 0 < x.max():
        ax.axvline(0, color=style.HAIR, lw=1, zorder=0)
    for (label, y), look in zip(data.items(), style.LINES):
        ax.plot(x, y, color=look["color"], linestyle=look["linestyle"], lw=2.2, label=label)
    for at, height, state in dots:
        if state not in ("open", "closed"):
            raise ValueError(f'function: dots must say "open" or "closed"; one says {state!r}')
        fill = "white" if state == "open" else style.INK
        ax.plot(at, height, "o", ms=7, mec=style.INK, mew=1.6, mfc=fill, zorder=5)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(True)
    if len(data) > 1 or next(iter(data)):
        ax.legend(loc="best", handlelength=2.8)
    return ax.figure


@drawing
def v_curve(steps, errors, *, title="", mark):
    """Draw the error of numerical derivatives against the step size, both axes logarithmic.

    What the reader sees: a falling line (the formula's truncation error), a rising one (rounding), and the V
    they make; complex step has no rising branch. An error of exactly 0 cannot stand on a logarithmic axis: it
    is drawn as an open marker on the floor, which is labelled ``exact``.

    `steps` are (N,), positive; `errors` are vectors of that length by the method's name, NaN or infinity
    leaving a gap; `mark` is a step to mark by a vertical line.
    """
    steps = as_array(steps, "steps", "v_curve", 1, "a vector (N,)", finite=True)
    if not (steps > 0).all():
        raise ValueError(f"v_curve: steps must be positive; the least is {steps.min()}")
    data = _as_curves(errors, steps, "errors", "v_curve", "steps")
    every = np.concatenate(list(data.values()))
    if (every < 0).any():
        raise ValueError(f"v_curve: errors must not be negative; the least is {np.nanmin(every)}")
    positive, zeros = every[every > 0], bool((every == 0).any())
    least = positive.min() if positive.size else 1e-16
    floor = 10.0 ** math.floor(math.log10(least) - zeros)
    figure, ax = chart(title, 6.6, 3.5, left=0.9)
    ax.set(xscale="log", yscale="log", xlabel="step size ε", ylabel="relative error")
    for (label, y), look in zip(data.items(), style.LINES):
        exact = y == 0
        ax.plot(steps, np.where(exact, floor, y), lw=1.8, ms=4.5, label=label, **look)
        on_floor = {"ms": 5.5, "mfc": "white", "mec": look["color"], "mew": 1.2, "zorder": 4}
        ax.plot(steps[exact], np.full(exact.sum(), floor), look["marker"], **on_floor)
    if zeros:
        ax.axhline(floor, color=style.FRAME, lw=0.8, ls=":", zorder=0)
        style.remark(ax, "exact", (1, floor), (-2, 3), ("axes fraction", "data"), ha="right")
    ax.axvline(mark, color=style.GREY, lw=1, ls=(0, (2, 2)), zorder=1)
    style.remark(ax, f"step {mark:g}", (mark, 1), (4, -2), ("data", "axes fraction"), va="top")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"1e{round(math.log10(value))}" if value > 0 else "")
        axis.set_minor_locator(NullLocator())
    ax.grid(True)
    ax.legend(loc="best", handlelength=3)
    figure.alt = f"{title or 'Error against step size'}: {', '.join(map(str, data))}, logarithmic axes."
    return figure
