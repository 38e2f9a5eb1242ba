"""A computational graph with its values and its gradients."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from . import _style as style
from ._style import CENTERED, drawing

PITCH, HIGH = 1.12, 0.4  # inches: from row to row, and a box
RISE = 0.45  # inches: how far an arrow rises over boxes that stand in its way
VALUE, GRADIENT = style.INKS["blue"], style.INKS["vermillion"]


@drawing
def graph(nodes, edges, *, title=""):
    """Draw a computational graph from left to right, values above the nodes and gradients below.

    What the reader sees: a box a node (round corners: an operation; square: an input); above it in blue the
    value, below it in vermillion ``∂ −4``, the gradient of the last node with respect to this one. Values
    flow right along the arrows, gradients come back left.

    `nodes` are {name: (label, value, gradient)}, at most 30, a gradient None where there is none; `edges` are
    pairs of names, (from, to).
    """
    if not isinstance(nodes, dict) or not nodes:
        raise ValueError("graph: nodes must be a dict of name → (label, value, gradient) and not empty")
    style.at_most(len(nodes), 30, "nodes", "graph")
    for end in (end for edge in edges for end in edge):
        if end not in nodes:
            raise ValueError(f"graph: edges names {end!r}, which is not in nodes {list(nodes)}")
    texts = {
        name: (label, style.number(value), "" if gradient is None else "∂ " + style.number(gradient))
        for name, (label, value, gradient) in nodes.items()
    }
    figure = _draw(texts, edges, title)
    figure.alt = f"{title or 'Computational graph'}: " + "; ".join(
        f"{name} value {value}" + gradient.replace("∂", " gradient")
        for name, (_, value, gradient) in texts.items()
    )
    return figure


# Where everything stands --------------------------------------------------------------------------------


def columns_of(names, edges):
    """Place every node in a column: right of its inputs, and as close to its readers as possible."""
    after = {name: [b for a, b in edges if a == name] for name in names}
    before = {name: [a for a, b in edges if b == name] for name in names}
    column, waiting = {}, list(names)
    while waiting:
        ready = [n for n in waiting if all(a in column for a in before[n])]
        if not ready:
            raise ValueError(f"graph: edges has a cycle through {', '.join(waiting)}")
        for name in ready:
            column[name] = max((column[a] + 1 for a in before[name]), default=0)
        waiting = [n for n in waiting if n not in column]
    for name in sorted(names, key=column.get, reverse=True):
        if after[name]:
            column[name] = min(column[b] for b in after[name]) - 1
    return column, before, after


def _rows_of(names, column, before, after):
    """Order the nodes within each column so that edges cross little; return a row for each."""
    levels = [[n for n in names if column[n] == c] for c in range(max(column.values()) + 1)]
    row = {name: i - (len(level) - 1) / 2 for level in levels for i, name in enumerate(level)}
    for _ in range(6):
        for level, others in [(lv, before) for lv in levels] + [(lv, after) for lv in reversed(levels)]:
            wish = {n: np.mean([row[o] for o in others[n]]) if others[n] else row[n] for n in level}
            level.sort(key=wish.get)
            for i, name in enumerate(level):
                row[name] = i - (len(level) - 1) / 2
    return row


def _passes_behind(places, start, end):
    """Say whether a straight arrow would run behind another node's box."""
    (left, top), (right, bottom) = places[start], places[end]
    others = (place for name, place in places.items() if name not in (start, end) and left < place[0] < right)
    heights = ((top + (bottom - top) * (column - left) / (right - left), row) for column, row in others)
    return any(abs(height - row) * PITCH < HIGH / 2 for height, row in heights)


# Drawing ------------------------------------------------------------------------------------------------


def _draw(texts, edges, title):
    column, before, after = columns_of(list(texts), edges)
    row = _rows_of(list(texts), column, before, after)
    places = {name: (column[name], row[name]) for name in texts}
    first, last, top, bottom = (end(at.values()) for at in (column, row) for end in (min, max))
    box = max(0.62, max(style.text_width(label, 10.5) for label, *_ in texts.values()) + 0.24)
    slot = max(box, max(style.text_width(text, 10) for _, *said in texts.values() for text in said))
    room = (style.MAX_WIDTH - slot - 0.3) / max(last - first, 1)
    step = max(box + 0.3, min(slot + 0.5, room))
    hidden = {edge for edge in edges if _passes_behind(places, *edge)}
    above, height = 0.1 + (RISE / 2 if hidden else 0), (bottom - top) * PITCH + 1.0
    size = (last - first) * step + slot + 0.3, height + 0.28
    figure, head = style.titled(*size, title, above=above, least=5.0)
    ax = style.canvas(figure)
    centers = {
        name: (0.15 + slot / 2 + (column - first) * step, head + 0.5 + (row - top) * PITCH)
        for name, (column, row) in places.items()
    }
    for start, end in edges:
        _draw_edge(ax, centers[start], centers[end], box, arched=(start, end) in hidden)
    for name, said in texts.items():
        _draw_node(ax, centers[name], box, *said, is_input=not before[name])
    words = "above: value (forward, left to right)"
    look = {"fontsize": 9, "color": VALUE}
    style.note(figure, 0.15, head + height + 0.02, words, **look)
    if any(gradient for *_, gradient in texts.values()):
        left = 0.15 + style.text_width(words, 9) * 0.98 + 0.15
        look = {"fontsize": 9, "color": GRADIENT}
        style.note(figure, left, head + height + 0.02, "below ∂: gradient (backward)", **look)
    return figure


def _draw_edge(ax, start, end, box, arched):
    look = {"mutation_scale": 11, "color": style.GREY, "lw": 1.2, "shrinkA": 1, "shrinkB": 1, "zorder": 1}
    start, end = (start[0] + box / 2, start[1]), (end[0] - box / 2, end[1])
    if arched:  # from top to top, over what stands between
        start, end = (start[0] - 0.1, start[1] - HIGH / 2), (end[0] + 0.1, end[1] - HIGH / 2)
        look["connectionstyle"] = f"arc3,rad={-2 * RISE / (end[0] - start[0])}"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", **look))


def _draw_node(ax, center, box, label, value, gradient, is_input):
    x, y = center
    look = {
        "boxstyle": "square,pad=0" if is_input else "round,pad=0,rounding_size=0.12",
        "fc": "#ffffff" if is_input else style.tint(style.ACCENTS["yellow"], 0.72),
    }
    corner = x - box / 2, y - HIGH / 2
    ax.add_patch(FancyBboxPatch(corner, box, HIGH, zorder=3, lw=1.2, ec=style.INK, **look))
    ax.text(x, y, label, fontsize=10.5, zorder=4, **CENTERED)
    said = {"ha": "center", "fontsize": 10, "fontweight": "bold", "zorder": 4}
    said["bbox"] = {"boxstyle": "square,pad=0.08", "fc": "white", "ec": "none"}
    ax.text(x, y - HIGH / 2 - 0.05, value, va="bottom", color=VALUE, **said)
    if gradient:
        ax.text(x, y + HIGH / 2 + 0.05, gradient, va="top", color=GRADIENT, **said)
