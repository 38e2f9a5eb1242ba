"""Curves: functions with their kinks, errors against step size."""

import math

import numpy as np
from matplotlib.ticker import NullLocator

from . import _style as style
from ._style import as_array, drawing


def chart(title, width=6.4, height=3.4, left=0.75, bottom=0.62, right=0.25, above=0.0):
    """Return (figure, axes) for one chart with the title at the top left."""
    head = style.heading_height(title, width) + 0.12 + above
    figure = style.page(width, head + height + bottom)
    style.heading(figure, title)
    return figure, style.panel(figure, left, head, width - left - right, height)


def _titled(ax, title, figure):
    """Title the caller's axes; on a page of ours the heading is already there."""
    if title and not figure:
        ax.set_title(title)


def _named(curves, name, function, most=9):
    """Check a dict of name → vector; return it with arrays."""
    if not isinstance(curves, dict) or not curves:
        raise ValueError(f"{function}: {name} must be a dict of label → values and not empty")
    if len(curves) > most:
        raise ValueError(f"{function}: {name} has {len(curves)} entries, at most {most} can be told apart")
    return curves


@drawing
def function(x, curves, *, title="", dots=None, xlabel="", ylabel="", ax=None):
    """Draw functions of one variable, such as ReLU and its derivative.

    What the reader sees: each curve in its own colour and dash, its name at the legend; filled dots where a
    value is taken, open ones where it is not. A NaN in a curve leaves a gap, which is how to draw a jump.

    Parameters
    ----------
    x : array_like, shape (N,)
    curves : dict of label → array_like, shape (N,)
        At most nine. NaN leaves a gap; infinity is refused.
    title, xlabel, ylabel : str
    dots : sequence of (x, y, "closed" or "open"), optional
        Points to mark, e.g. ``[(0, 0, "closed"), (0, 1, "open")]`` at the kink of ReLU's derivative.
    ax : matplotlib Axes, optional

    Returns
    -------
    Figure
    """
    x = as_array(x, "x", "function", 1, "a vector (N,)", finite=True)
    data = {}
    for label, y in _named(curves, "curves", "function").items():
        y = as_array(y, f"curves[{label!r}]", "function", 1, f"a vector of {len(x)}").astype(float)
        if y.shape != x.shape:
            raise ValueError(f"function: curves[{label!r}] must have shape {x.shape} as x; it is {y.shape}")
        if np.isinf(y).any():
            raise ValueError(f"function: curves[{label!r}] holds infinity; use NaN for a gap")
        data[label] = y
    figure = None
    if ax is None:
        figure, ax = chart(title, 6.0 if len(data) > 1 or title else 4.6, 2.9)
    _titled(ax, title, figure)
    ax.axhline(0, color=style.HAIR, lw=1, zorder=0)
    if x.min() < 0 < x.max():
        ax.axvline(0, color=style.HAIR, lw=1, zorder=0)
    for (label, y), look in zip(data.items(), style.LINES):
        ax.plot(x, y, color=look["color"], linestyle=look["linestyle"], lw=2.2, label=label)
    for at, height, state in dots or ():
        if state not in ("open", "closed"):
            raise ValueError(f'function: dots must say "open" or "closed"; one says {state!r}')
        ax.plot(
            at,
            height,
            "o",
            ms=7,
            mec=style.INK,
            mew=1.6,
            mfc="white" if state == "open" else style.INK,
            zorder=5,
        )
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True)
    if len(data) > 1 or next(iter(data)):
        ax.legend(loc="best", handlelength=2.8)
    if figure:
        figure.alt = (
            f"{title or 'Curves'}: {', '.join(map(str, data))}, for x from {x.min():g} to {x.max():g}."
        )
    return ax.figure


@drawing
def v_curve(steps, errors, *, title="", mark=None):
    """Draw the error of numerical derivatives against the step size, both axes logarithmic.

    What the reader sees: a falling line (the formula's truncation error), a rising one (rounding), and the V
    they make; complex step has no rising branch. An error of exactly 0 cannot stand on a logarithmic axis: it
    is drawn as an open marker on the floor, which is labelled ``exact``.

    Parameters
    ----------
    steps : array_like, shape (N,)
        Step sizes, positive.
    errors : dict of method → array_like, shape (N,)
        Errors, not negative. NaN or infinity leaves a gap.
    title : str
    mark : float or dict of label → float, optional
        Steps to mark by a vertical line, e.g. ``{"used here: 1e-5": 1e-5}``.

    Returns
    -------
    Figure
    """
    steps = as_array(steps, "steps", "v_curve", 1, "a vector (N,)", finite=True)
    if not (steps > 0).all():
        raise ValueError(f"v_curve: steps must be positive; the least is {steps.min()}")
    data = {}
    for label, y in _named(errors, "errors", "v_curve").items():
        y = as_array(y, f"errors[{label!r}]", "v_curve", 1, f"a vector of {len(steps)}").astype(float)
        if y.shape != steps.shape:
            raise ValueError(
                f"v_curve: errors[{label!r}] must have shape {steps.shape} as steps; it is {y.shape}"
            )
        if (y < 0).any():
            raise ValueError(f"v_curve: errors[{label!r}] must not be negative; the least is {np.nanmin(y)}")
        data[label] = np.where(np.isfinite(y), y, np.nan)
    figure, ax = chart(title, 6.6, 3.5, left=0.9)
    positive = np.concatenate([y[y > 0] for y in data.values()])
    zeros = any((y == 0).any() for y in data.values())
    least = positive.min() if positive.size else 1e-16
    floor = 10.0 ** math.floor(math.log10(least) - (1 if zeros else 0))
    ax.set_xscale("log")
    ax.set_yscale("log")
    for (label, y), look in zip(data.items(), style.LINES):
        ax.plot(steps, np.where(y == 0, floor, y), lw=1.8, ms=4.5, label=label, **look)
        exact = y == 0
        if exact.any():
            ax.plot(
                steps[exact],
                np.full(exact.sum(), floor),
                look["marker"],
                ms=5.5,
                mfc="white",
                mec=look["color"],
                mew=1.2,
                zorder=4,
            )
    if zeros:
        ax.axhline(floor, color=style.FRAME, lw=0.8, ls=":", zorder=0)
        ax.annotate(
            "exact",
            (1, floor),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            fontsize=style.SMALL,
            color=style.GREY,
        )
    marks = mark if isinstance(mark, dict) else {} if mark is None else {f"step {mark:g}": mark}
    for label, at in marks.items():
        ax.axvline(at, color=style.GREY, lw=1, ls=(0, (2, 2)), zorder=1)
        ax.annotate(
            label,
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -2),
            textcoords="offset points",
            va="top",
            fontsize=style.SMALL,
            color=style.GREY,
        )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"1e{round(math.log10(value))}" if value > 0 else "")
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel("step size ε")
    ax.set_ylabel("relative error")
    ax.grid(True)
    ax.legend(loc="best", handlelength=3)
    figure.alt = f"{title or 'Error against step size'}: {', '.join(map(str, data))}, logarithmic axes."
    return figure
