"""Bars: probabilities, a nudge's effect, histograms, costs."""

import math

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from . import _style as style
from ._style import as_array, drawing, same_length
from .curves import _named, _titled, chart
from .heatmaps import align_ends


@drawing
def bars(probabilities, targets=None, *, title="", ax=None):
    """Draw probabilities as bars, targets as outlines, and the push that cross-entropy gives each of them.

    What the reader sees: a bar a class with its number; with targets, a dashed outline where the bar should
    end, and an arrow: up the right one, down the wrong ones. The arrow's length is ŷ − y, the gradient.

    Parameters
    ----------
    probabilities : array_like, shape (K,)
        Any real numbers may be drawn; logits too.
    targets : array_like, shape (K,), or int, optional
        One-hot (or soft) targets, or the index of the right class.
    title : str
    ax : matplotlib Axes, optional

    Returns
    -------
    Figure
    """
    p = as_array(probabilities, "probabilities", "bars", 1, "a vector (K,)", finite=True).astype(float)
    count = len(p)
    style.at_most(count, 20, "probabilities", "bars")
    if targets is not None:
        if isinstance(targets, (int, np.integer)):
            if not 0 <= targets < count:
                raise ValueError(f"bars: targets must be a class from 0 to {count - 1}; it is {targets}")
            targets = np.eye(count)[targets]
        targets = as_array(targets, "targets", "bars", 1, f"a vector of {count}, or a class", finite=True)
        if len(targets) != count:
            raise ValueError(f"bars: targets must have {count} entries; it has {len(targets)}")
    figure = None
    if ax is None:
        figure, ax = chart(
            title,
            min(max(1.4 + 0.62 * count, 4.2), style.MAX_WIDTH),
            2.9,
            above=0.0 if targets is None else 0.15,
        )
    _titled(ax, title, figure)
    x = np.arange(count)
    ax.bar(
        x, p, width=0.56, color=style.tint(style.ACCENTS["blue"], 0.35), edgecolor=style.INKS["blue"], lw=0.8
    )
    top = max(1.0 if targets is not None else 0.0, float(p.max()), 0.0)
    low = min(0.0, float(p.min()))
    span = (top - low) or 1.0
    decimals = min(2, style.decimals_for(p))
    for i, value in enumerate(p):
        ax.annotate(
            style.number(value, decimals),
            (i, 0 if value >= 0 else low),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=style.SMALL,
            color=style.INKS["blue"],
        )
    ax.tick_params(axis="x", length=0, pad=15)
    ax.set_xticks(x)
    if targets is not None:
        for i, target in enumerate(targets):
            if target:
                ax.bar(i, target, width=0.7, fill=False, ec=style.INK, lw=1.3, ls=(0, (4, 2)))
        for i, (value, target) in enumerate(zip(p, targets)):
            if abs(value - target) < 0.004 * span:
                continue
            look = {
                "arrowstyle": "-|>,head_width=0.28,head_length=0.5",
                "color": style.INKS["green"] if target > value else style.ACCENTS["vermillion"],
                "lw": 2,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            ax.annotate("", (i, target), (i, value), arrowprops=look)
        handles = [Patch(fc="none", ec=style.INK, ls=(0, (4, 2)), label="target y")]
        place = {"loc": "upper right", "bbox_to_anchor": (1.0, 1.12)} if figure else {"loc": "best"}
        ax.legend(handles=handles, handlelength=1.4, **place)
    ax.set_ylim(low - (0.1 * span if low < 0 else 0), top + 0.12 * span)
    ax.set_xlim(-0.6, count - 0.4)
    if low < 0:
        ax.axhline(0, color=style.FRAME, lw=0.8)
    ax.set_ylabel("probability")
    if figure:
        figure.alt = f"{title or 'Bars'}: " + ", ".join(
            f"{k} {style.number(value, decimals)}" for k, value in enumerate(p)
        )
    return ax.figure


@drawing
def nudge(before, after, *, labels=None, title="", ylabel="value"):
    """Draw values before and after a nudge, the moved ones marked.

    What the reader sees: pale bars before, hatched bars after; where they differ, an arrow, and the change in
    words.

    Parameters
    ----------
    before, after : array_like, shape (K,) or (R, C)
        The outputs before and after. Matrices are read row by row; their labels are then ``[i, j]``.
    labels : sequence of str, optional
        One an entry.
    title, ylabel : str

    Returns
    -------
    Figure
    """
    before = as_array(before, "before", "nudge", (1, 2), "a vector or a matrix", finite=True)
    after = as_array(after, "after", "nudge", (1, 2), "a vector or a matrix", finite=True)
    if before.shape != after.shape:
        raise ValueError(f"nudge: after must have the shape of before {before.shape}; it is {after.shape}")
    if labels is None:
        labels = [str(list(i)) if before.ndim == 2 else str(i[0]) for i in np.ndindex(before.shape)]
    labels = same_length(labels, before.size, "labels", "nudge")
    style.at_most(before.size, 25, "before", "nudge")
    before, after = before.ravel().astype(float), after.ravel().astype(float)
    count = len(before)
    widest = max(style.text_width(label, 9) for label in labels)
    slot = min(max(0.62, widest + 0.08), 1.3)
    figure, ax = chart(title, min(max(1.2 + slot * count, 4.4), style.MAX_WIDTH), 2.7, above=0.12)
    x = np.arange(count)
    moved = after != before
    ax.bar(x - 0.19, before, 0.36, color="#dcdcdc", ec=style.FRAME, lw=0.8, label="before")
    ax.bar(
        x + 0.19,
        after,
        0.36,
        color=style.tint(style.ACCENTS["orange"], 0.55),
        ec=style.INKS["orange"],
        lw=0.8,
        hatch="///",
        label="after",
    )
    low, high = min(0.0, before.min(), after.min()), max(0.0, before.max(), after.max())
    span = (high - low) or 1.0
    changes = style.written(
        np.where(moved, after - before, 0), min(3, style.decimals_for((after - before)[moved]))
    )
    for i in np.flatnonzero(moved):
        text = changes[i] if after[i] < before[i] else f"+{changes[i]}"
        if float(text.replace("−", "-")) == 0:
            text = (
                style.number(after[i] - before[i])
                if after[i] < before[i]
                else "+" + style.number(after[i] - before[i])
            )
        ax.annotate(
            f"{'▲' if after[i] > before[i] else '▼'}\n{text}",
            (i, max(before[i], after[i], 0)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=style.SMALL,
            color=style.INK,
            linespacing=0.95,
        )
    ax.axhline(0, color=style.FRAME, lw=0.8)
    ax.set_ylim(low - (0.06 * span if low < 0 else 0), high + 0.3 * span)
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_xticks(x, labels)
    ax.tick_params(axis="x", length=0)
    if widest > min(slot, (style.MAX_WIDTH - 1.2) / count):
        ax.tick_params(axis="x", labelrotation=45)
    ax.set_ylabel(ylabel)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    names = [label for label, flag in zip(labels, moved) if flag]
    figure.alt = f"{title or 'Before and after a nudge'}: {len(names)} of {count} moved ({', '.join(names)})."
    return figure


@drawing
def histograms(values, *, kind="value", columns=None, title="", log=False):
    """Draw histograms of activations, gradients or weights, one panel a name.

    What the reader sees: where the numbers lie, the spread written above, and the share of exact zeros in
    words.

    Parameters
    ----------
    values : dict of name → array_like, any shape
        At most 24. Must be finite.
    kind : {"value", "gradient", "weight"}
        Gradients and weights get an axis symmetric about 0.
    columns : int, optional
        Panels in a row; by default up to four.
    title : str
    log : bool
        Logarithmic counts.

    Returns
    -------
    Figure
    """
    _named(values, "values", "histograms", 24)
    style.as_kind(kind, "histograms")
    data = {
        name: np.ravel(
            as_array(v, f"values[{name!r}]", "histograms", range(9), "an array", finite=True)
        ).astype(float)
        for name, v in values.items()
    }
    count = len(data)
    columns = min(count, columns or (4 if count > 3 else 3))
    rows = math.ceil(count / columns)
    wide, high = min(2.4, 9.4 / columns - 0.25), 1.15
    width = max(columns * (wide + 0.25) + 0.2, style.title_width(title, 5.0))
    top = style.heading_height(title, width)
    figure = style.page(width, top + rows * (high + 0.85))
    style.heading(figure, title)
    color = style.ACCENTS["blue"] if kind == "value" else style.ACCENTS["vermillion"]
    for i, (name, v) in enumerate(data.items()):
        ax = style.panel(
            figure,
            style.MARGIN + 0.05 + (i % columns) * (wide + 0.25),
            top + (i // columns) * (high + 0.85) + 0.42,
            wide,
            high,
        )
        low, most = style.limits(v, kind)
        ax.hist(v, bins=np.linspace(low, most, 42), color=style.tint(color, 0.45), ec=color, lw=0.4)
        if log:
            ax.set_yscale("log")
        zeros = float((v == 0).mean())
        words = f"spread {style.number(float(f'{v.std():.2g}'))}"
        words += f", {100 * zeros:.0f} % zero" if zeros >= 0.005 else ""
        for text, shift, size, ink in (
            (name, 15, 9.5, style.INK),
            (words, 3, style.SMALL, style.GREY),
        ):
            ax.annotate(
                text,
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, shift),
                textcoords="offset points",
                fontsize=size,
                color=ink,
            )
        ax.set_yticks([])
        ax.yaxis.set_minor_locator(NullLocator())
        ax.spines["left"].set_visible(False)
        if low < 0 < most:
            ax.axvline(0, color=style.FRAME, lw=0.8, ls=(0, (2, 2)), zorder=0)
        ticks = [low, 0.0, most] if low < 0 < most and min(-low, most) > 0.25 * (most - low) else [low, most]
        ax.set_xticks(ticks, [style.number(float(f"{t:.2g}")) for t in ticks])
        align_ends(ax)
    figure.alt = f"{title or 'Histograms'}: {', '.join(map(str, data))}."
    return figure


@drawing
def stacked_bars(parts, *, title="", unit="", total=True):
    """Draw costs as stacked horizontal bars, one bar a row.

    What the reader sees: e.g. forward and backward side by side in each layer's bar, every part with its own
    colour and hatching, its number inside when it fits, the sum at the end.

    Parameters
    ----------
    parts : dict of name → dict of part → number
        E.g. ``{"conv1": {"forward": 0.3, "dX": 0.3, "dW": 0.3}}``. Not negative, finite. Missing parts count
        as 0.
    title : str
    unit : str
        Written at the axis, e.g. ``"million FLOPs"``.
    total : bool
        Write the sum at the end of each bar.

    Returns
    -------
    Figure
    """
    _named(parts, "parts", "stacked_bars", 20)
    kinds = list(dict.fromkeys(part for row in parts.values() for part in row))
    if not kinds or len(kinds) > len(style.HATCHES):
        raise ValueError(
            f"stacked_bars: parts must name 1 to {len(style.HATCHES)} different parts; it names {len(kinds)}"
        )
    table = np.array([[float(row.get(kind, 0)) for kind in kinds] for row in parts.values()])
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("stacked_bars: parts must be finite and not negative")
    left = 0.35 + max(style.text_width(name, 9) for name in parts)
    figure, ax = chart(title, 7.2, 0.36 * len(parts) + 0.5, left=left, bottom=0.65, right=0.7, above=0.25)
    largest = table.sum(axis=1).max() or 1.0
    decimals = style.decimals_for(table, 2)
    start = np.zeros(len(parts))
    for j, kind in enumerate(kinds):
        color = style.tint(
            style.ACCENTS[["sky", "orange", "green", "purple", "yellow", "blue", "vermillion", "black"][j]],
            0.45,
        )
        ax.barh(
            range(len(parts)),
            table[:, j],
            left=start,
            height=0.62,
            color=color,
            ec="#6a6a6a",
            lw=0.7,
            hatch=style.HATCHES[j],
            label=kind,
        )
        for i, value in enumerate(table[:, j]):
            text = style.number(value, decimals)
            if value / largest * (7.2 - left - 0.7) > style.text_width(text, style.SMALL) + 0.1:
                ax.text(
                    start[i] + value / 2,
                    i,
                    text,
                    ha="center",
                    va="center",
                    fontsize=style.SMALL,
                    color="#000000",
                    bbox={"fc": color, "ec": "none", "pad": 1.2},
                )
        start += table[:, j]
    if total:
        for i, value in enumerate(start):
            ax.annotate(
                style.number(value, decimals),
                (value, i),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=style.SMALL,
                color=style.INK,
            )
    ax.set_yticks(range(len(parts)), list(parts))
    ax.tick_params(axis="y", length=0, labelcolor=style.INK)
    ax.set_ylim(len(parts) - 0.5, -0.5)
    ax.set_xlim(0, largest * 1.02)
    ax.set_xlabel(unit)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(kinds), 5), borderaxespad=0.1, handlelength=1.5
    )
    figure.alt = f"{title or 'Costs'}: " + "; ".join(
        f"{name} {style.number(value, decimals)}" for name, value in zip(parts, start)
    )
    return figure
