"""Bars: probabilities, a nudge's effect, histograms, costs."""

import math

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from . import _style as style
from ._cells import write_ends
from ._style import CENTERED, as_array, drawing, same_length
from .curves import as_named, chart

DASHED = {"ec": style.INK, "ls": (0, (4, 2))}


@drawing
def bars(probabilities, targets=None, *, title="", ax=None):
    """Draw probabilities as bars, targets as outlines, and the push that cross-entropy gives each of them.

    What the reader sees: a bar a class with its number; with targets, a dashed outline where the bar should
    end, and an arrow: up the right one, down the wrong ones. The arrow's length is ŷ − y, the gradient.

    `probabilities` are (K,), at most 20; any real numbers may be drawn. `targets` are (K,), or the right
    class. `ax` are axes to draw in.
    """
    p = as_array(probabilities, "probabilities", "bars", 1, "a vector (K,)", finite=True).astype(float)
    style.at_most(len(p), 20, "probabilities", "bars")
    targets = _as_targets(targets, len(p))
    if ax is None:
        width = min(max(1.4 + 0.62 * len(p), 4.2), style.MAX_WIDTH)
        _, ax = chart(title, width, 2.9, above=0.0 if targets is None else 0.15)
    else:
        ax.set_title(title)
    color = style.INKS["blue"]
    ax.bar(range(len(p)), p, 0.56, color=style.tint(style.ACCENTS["blue"], 0.35), ec=color, lw=0.8)
    low, top = min(0.0, p.min()), max(0.0 if targets is None else 1.0, p.max())
    span = (top - low) or 1.0
    numbers = [style.number(value, min(2, style.decimals_for(p))) for value in p]
    for i, (value, words) in enumerate(zip(p, numbers)):
        style.remark(ax, words, (i, 0 if value >= 0 else low), (0, -3), ha="center", va="top", color=color)
    if targets is not None:
        _push(ax, p, targets, 0.004 * span)
    ax.tick_params(axis="x", length=0, pad=15)
    ax.set(xticks=range(len(p)), xlim=(-0.6, len(p) - 0.4), ylabel="probability")
    ax.set_ylim(low - (0.1 * span if low < 0 else 0), top + 0.12 * span)
    if low < 0:
        ax.axhline(0, color=style.FRAME, lw=0.8)
    ax.figure.alt = f"{title or 'Bars'}: " + ", ".join(f"{k} {words}" for k, words in enumerate(numbers))
    return ax.figure


def _as_targets(targets, count):
    """Return targets (K,), or None."""
    if isinstance(targets, (int, np.integer)):
        if not 0 <= targets < count:
            raise ValueError(f"bars: targets must be a class from 0 to {count - 1}; it is {targets}")
        return np.eye(count)[targets]
    if targets is not None:
        targets = as_array(targets, "targets", "bars", 1, f"a vector of {count}, or a class", finite=True)
        same_length(targets, count, "targets", "bars")
    return targets


def _push(ax, p, targets, least):
    """Draw the targets, and an arrow to each from its bar if it is longer than `least`."""
    for i in np.flatnonzero(targets):
        ax.bar(i, targets[i], width=0.7, fill=False, lw=1.3, **DASHED)
    for i, (value, target) in enumerate(zip(p, targets)):
        if abs(value - target) >= least:
            color = style.INKS["green"] if target > value else style.ACCENTS["vermillion"]
            look = {"arrowstyle": "-|>,head_width=0.28,head_length=0.5", "color": color, "lw": 2}
            ax.annotate("", (i, target), (i, value), arrowprops=look | {"shrinkA": 0, "shrinkB": 0})
    handles = [Patch(fc="none", label="target y", **DASHED)]
    ax.legend(handles=handles, handlelength=1.4, loc="upper right", bbox_to_anchor=(1.0, 1.12))


@drawing
def nudge(before, after, *, labels, title="", ylabel="value"):
    """Draw values before and after a nudge, the moved ones marked.

    What the reader sees: pale bars before, hatched bars after; where they differ, an arrow, and the change in
    words.

    `before` and `after` are vectors (K,), at most 25; `labels` are their K names, and `ylabel` says what they
    are.
    """
    before, after = (
        as_array(values, name, "nudge", 1, "a vector (K,)", finite=True).astype(float)
        for name, values in (("before", before), ("after", after))
    )
    if before.shape != after.shape:
        raise ValueError(f"nudge: after must have the shape of before {before.shape}; it is {after.shape}")
    labels = same_length(labels, before.size, "labels", "nudge")
    style.at_most(before.size, 25, "before", "nudge")
    count, moved = len(before), after != before
    widest = max(style.text_width(label, 9) for label in labels)
    slot = min(max(0.62, widest + 0.08), 1.3)
    figure, ax = chart(title, min(max(1.2 + slot * count, 4.4), style.MAX_WIDTH), 2.7, above=0.12)
    x, orange = np.arange(count), style.tint(style.ACCENTS["orange"], 0.55)
    ax.bar(x - 0.19, before, 0.36, color="#dcdcdc", ec=style.FRAME, lw=0.8, label="before")
    look = {"color": orange, "ec": style.INKS["orange"], "hatch": "///"}
    ax.bar(x + 0.19, after, 0.36, lw=0.8, label="after", **look)
    low, high = min(0.0, before.min(), after.min()), max(0.0, before.max(), after.max())
    span = (high - low) or 1.0
    look = {"color": style.INK, "linespacing": 0.95, "ha": "center", "va": "bottom"}
    for i, change in zip(np.flatnonzero(moved), _changes((after - before)[moved])):
        words = f"{'▲' if after[i] > before[i] else '▼'}\n{change}"
        style.remark(ax, words, (i, max(before[i], after[i], 0)), (0, 3), **look)
    ax.axhline(0, color=style.FRAME, lw=0.8)
    ax.set_ylim(low - (0.06 * span if low < 0 else 0), high + 0.3 * span)
    ax.set(xlim=(-0.6, count - 0.4), ylabel=ylabel)
    ax.set_xticks(x, labels)
    turned = widest > min(slot, (style.MAX_WIDTH - 1.2) / count)
    ax.tick_params(axis="x", length=0, labelrotation=45 if turned else 0)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    names = [label for label, flag in zip(labels, moved) if flag]
    figure.alt = f"{title or 'Before and after a nudge'}: {len(names)} of {count} moved ({', '.join(names)})."
    return figure


def _changes(changes):
    """Write changes with their signs, all with the same decimals but for those that would read 0."""
    decimals = min(3, style.decimals_for(changes))
    texts = [style.number(c, None if round(c, decimals) == 0 else decimals) for c in changes]
    return [text if text.startswith("−") else f"+{text}" for text in texts]


@drawing
def histograms(values, *, kind="value", columns=4, title="", log=False):
    """Draw histograms of activations, gradients or weights, one panel a name.

    What the reader sees: where the numbers lie, the spread written above, and the share of exact zeros in
    words.

    - values: {name: finite array}, at most 24
    - kind: gradients and weights get an axis symmetric about 0
    - columns: panels in a row
    - log: logarithmic counts
    """
    axes = range(9), "an array"
    data = {
        name: np.ravel(as_array(v, f"values[{name!r}]", "histograms", *axes, finite=True)).astype(float)
        for name, v in as_named(values, "values", "histograms", 24).items()
    }
    style.as_kind(kind, "histograms")
    columns = min(len(data), columns)
    wide, high = min(2.4, 9.4 / columns - 0.25), 1.15
    size = columns * (wide + 0.25) + 0.2, math.ceil(len(data) / columns) * (high + 0.85)
    figure, top = style.titled(*size, title, most=5.0)
    for i, (name, v) in enumerate(data.items()):
        row, column = divmod(i, columns)
        left = style.MARGIN + 0.05 + column * (wide + 0.25)
        ax = style.panel(figure, left, top + row * (high + 0.85) + 0.42, wide, high)
        _draw_histogram(ax, name, v, kind, log)
    figure.alt = f"{title or 'Histograms'}: {', '.join(map(str, data))}."
    return figure


def _draw_histogram(ax, name, v, kind, log):
    low, most = style.limits(v, kind)
    color = style.ACCENTS["blue" if kind == "value" else "vermillion"]
    ax.hist(v, bins=np.linspace(low, most, 42), color=style.tint(color, 0.45), ec=color, lw=0.4, log=log)
    zeros = float((v == 0).mean())
    words = f"spread {style.number(float(f'{v.std():.2g}'))}"
    words += f", {100 * zeros:.0f} % zero" if zeros >= 0.005 else ""
    style.remark(ax, name, (0, 1), (0, 15), "axes fraction", fontsize=9.5, color=style.INK)
    style.remark(ax, words, (0, 1), (0, 3), "axes fraction")
    ax.set_yticks([])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.spines["left"].set_visible(False)
    if low < 0 < most:
        ax.axvline(0, color=style.FRAME, lw=0.8, ls=(0, (2, 2)), zorder=0)
    write_ends(ax, low, most)


COLORS = ("sky", "orange", "green", "purple", "yellow", "blue", "vermillion", "black")


@drawing
def stacked_bars(parts, *, title="", unit=""):
    """Draw costs as stacked horizontal bars, one bar a row.

    What the reader sees: e.g. forward and backward side by side in each layer's bar, every part with its own
    colour and hatching, its number inside when it fits.

    `parts` are numbers, finite and not negative, such as ``{"conv1": {"forward": 0.3, "dX": 0.3}}``; missing
    ones count as 0. `unit` is written at the axis, e.g. ``"million FLOPs"``.
    """
    as_named(parts, "parts", "stacked_bars", 20)
    kinds = list(dict.fromkeys(part for row in parts.values() for part in row))
    if not 1 <= len(kinds) <= len(COLORS):
        expected = f"1 to {len(COLORS)} different parts"
        raise ValueError(f"stacked_bars: parts must name {expected}; it names {len(kinds)}")
    table = np.array([[float(row.get(kind, 0)) for kind in kinds] for row in parts.values()])
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("stacked_bars: parts must be finite and not negative")
    left = 0.35 + max(style.text_width(name, 9) for name in parts)
    figure, ax = chart(title, 7.2, 0.36 * len(parts) + 0.5, left=left, bottom=0.65, right=0.7, above=0.25)
    largest, ends = table.sum(axis=1).max() or 1.0, table.cumsum(axis=1)
    decimals = style.decimals_for(table, 2)
    for kind, numbers, start, name, hatch in zip(kinds, table.T, (ends - table).T, COLORS, style.HATCHES):
        color = style.tint(style.ACCENTS[name], 0.45)
        look = {"color": color, "ec": "#6a6a6a", "lw": 0.7, "hatch": hatch, "label": kind}
        ax.barh(range(len(parts)), numbers, left=start, height=0.62, **look)
        look = {"fontsize": style.SMALL, "color": "#000000", "bbox": {"fc": color, "ec": "none", "pad": 1.2}}
        for i, value in enumerate(numbers):
            text = style.number(value, decimals)
            if value / largest * (7.2 - left - 0.7) > style.text_width(text, style.SMALL) + 0.1:
                ax.text(start[i] + value / 2, i, text, **look, **CENTERED)
    ax.set_yticks(range(len(parts)), list(parts))
    ax.tick_params(axis="y", length=0, labelcolor=style.INK)
    ax.set(ylim=(len(parts) - 0.5, -0.5), xlim=(0, largest * 1.02), xlabel=unit)
    look = {"ncols": min(len(kinds), 5), "borderaxespad": 0.1, "handlelength": 1.5}
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), **look)
    sums = (f"{name} {style.number(value, decimals)}" for name, value in zip(parts, ends[:, -1]))
    figure.alt = f"{title or 'Costs'}: {'; '.join(sums)}"
    return figure
