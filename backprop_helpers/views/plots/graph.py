"""A computational graph with its values and its gradients."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from . import _style as style
from ._style import drawing

PITCH, HIGH = 1.12, 0.4  # inches: from row to row, and a box
RISE = 0.45  # inches: how far an arrow rises over boxes that stand in its way
VALUE, GRADIENT = style.INKS["blue"], style.INKS["vermillion"]
CENTERED = {"ha": "center", "va": "center"}


@drawing
def graph(nodes, edges, *, title=""):
    """Draw a computational graph from left to right, values above the nodes and gradients below.

    What the reader sees: a box a node (round corners: an operation; square: an input); above it in blue the
    value, below it in vermillion ``∂ −4``, the gradient of the last node with respect to this one; on an
    edge, if given, the local derivative. Values flow right along the arrows, gradients come back left.

    Parameters
    ----------
    nodes : dict of name → value, (value, gradient) or dict
        A dict may hold ``label`` (by default the name), ``value``, ``gradient`` and ``at`` = (column, row).
        Values and gradients are numbers, strings or None.
    edges : sequence of (from, to) or (from, to, local derivative)
    title : str

    Returns
    -------
    Figure
    """
    if not isinstance(nodes, dict) or not nodes:
        raise ValueError("graph: nodes must be a dict of name → value and not empty")
    style.at_most(len(nodes), 30, "nodes", "graph")
    table = {name: _as_node(name, entry) for name, entry in nodes.items()}
    links = [_as_link(edge, table) for edge in edges]
    figure = _draw(table, links, title)
    figure.alt = f"{title or 'Computational graph'}: " + "; ".join(
        " ".join(
            [name, *(f"{what} {entry[what]}" for what in ("value", "gradient") if entry[what] is not None)]
        )
        for name, entry in table.items()
    )
    return figure


# What is given ------------------------------------------------------------------------------------------


def _as_node(name, entry):
    """Return a node as {"label", "value", "gradient", "at"}, values and gradients as texts or None."""
    if isinstance(entry, tuple):
        if len(entry) != 2:
            raise ValueError(f"graph: nodes[{name!r}] must be (value, gradient); it has {len(entry)} entries")
        entry = dict(zip(("value", "gradient"), entry))
    elif not isinstance(entry, dict):
        entry = {"value": entry}
    node = {"label": name, "value": None, "gradient": None, "at": None}
    if unknown := set(entry) - set(node):
        raise ValueError(f"graph: nodes[{name!r}] has unknown keys {sorted(unknown)}")
    node |= entry
    return node | {"label": str(node["label"])} | {key: _said(node[key]) for key in ("value", "gradient")}


def _said(value):
    return value if value is None or isinstance(value, str) else style.number(value)


def _as_link(edge, names):
    """Return an edge as (from, to, derivative as text or None)."""
    if len(edge) not in (2, 3):
        raise ValueError(f"graph: edges must be (from, to) or (from, to, derivative); one is {edge!r}")
    for end in edge[:2]:
        if end not in names:
            raise ValueError(f"graph: edges names {end!r}, which is not in nodes {list(names)}")
    return edge[0], edge[1], _said(edge[2]) if len(edge) == 3 else None


# Where everything stands --------------------------------------------------------------------------------


def _places(table, links):
    """Return {name: (column, row)}: where a node says, else where its edges want it."""
    column, before, after = _columns_of(list(table), [(start, end) for start, end, _ in links])
    row = _rows_of(list(table), column, before, after)
    return {name: entry["at"] or (column[name], row[name]) for name, entry in table.items()}


def _columns_of(names, edges):
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


def _widths(table, links, columns):
    """Return the inches of a box, of what a column takes, and from column to column."""
    box = max(0.62, max(style.text_width(entry["label"], 10.5) for entry in table.values()) + 0.24)
    texts = [text for e in table.values() for text in (e["value"] or "", "∂ " + (e["gradient"] or ""))]
    slot = max(box, max(style.text_width(text, 10) for text in texts))
    local = max((style.text_width(text, 9) for _, _, text in links if text is not None), default=0.0)
    room = (style.MAX_WIDTH - slot - 0.3) / max(max(columns) - min(columns), 1)
    return box, slot, max(box + 0.3, min(slot + max(0.5, local + 0.3), room))


# Drawing ------------------------------------------------------------------------------------------------


def _draw(table, links, title):
    places = _places(table, links)
    box, slot, step = _widths(table, links, [column for column, _ in places.values()])
    (first, last), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*places.values()))
    width = max((last - first) * step + slot + 0.3, style.title_width(title), 4.4)
    hidden = {link[:2] for link in links if _passes_behind(places, *link[:2])}
    head = style.heading_height(title, width) + 0.1 + (RISE / 2 if hidden else 0)
    height = (bottom - top) * PITCH + 1.0
    figure = style.page(width, head + height + 0.28)
    style.heading(figure, title)
    ax = style.canvas(figure)
    centers = {
        name: (0.15 + slot / 2 + (column - first) * step, head + 0.5 + (row - top) * PITCH)
        for name, (column, row) in places.items()
    }
    for start, end, derivative in links:
        _draw_edge(ax, centers[start], centers[end], box, derivative, arched=(start, end) in hidden)
    computed = {end for _, end, _ in links}
    for name, entry in table.items():
        _draw_node(ax, centers[name], box, entry, is_input=name not in computed)
    _draw_key(figure, head + height + 0.02, any(entry["gradient"] is not None for entry in table.values()))
    return figure


def _passes_behind(places, start, end):
    """Say whether a straight arrow would run behind another node's box."""
    (left, top), (right, bottom) = places[start], places[end]
    others = (place for name, place in places.items() if name not in (start, end) and left < place[0] < right)
    heights = ((top + (bottom - top) * (column - left) / (right - left), row) for column, row in others)
    return any(abs(height - row) * PITCH < HIGH / 2 for height, row in heights)


def _draw_edge(ax, start, end, box, derivative, arched=False):
    look = {"mutation_scale": 11, "color": style.GREY, "lw": 1.2, "shrinkA": 1, "shrinkB": 1, "zorder": 1}
    start, end = (start[0] + box / 2, start[1]), (end[0] - box / 2, end[1])
    if arched:  # from top to top, over what stands between
        start, end = (start[0] - 0.1, start[1] - HIGH / 2), (end[0] + 0.1, end[1] - HIGH / 2)
        look["connectionstyle"] = f"arc3,rad={-2 * RISE / (end[0] - start[0])}"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", **look))
    if derivative is None:
        return
    x, y = (a + 0.42 * (b - a) for a, b in zip(start, end))
    ax.text(
        x,
        y - (RISE if arched else 0),
        derivative,
        fontsize=9,
        color=GRADIENT,
        zorder=2,
        style="italic",
        bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
        **CENTERED,
    )


def _draw_node(ax, center, box, entry, is_input):
    x, y = center
    look = {
        "boxstyle": "square,pad=0" if is_input else "round,pad=0,rounding_size=0.12",
        "fc": "#ffffff" if is_input else style.tint(style.ACCENTS["yellow"], 0.72),
    }
    patch = FancyBboxPatch((x - box / 2, y - HIGH / 2), box, HIGH, zorder=3, lw=1.2, ec=style.INK, **look)
    ax.add_patch(patch)
    ax.text(x, y, entry["label"], fontsize=10.5, zorder=4, **CENTERED)
    said = {"ha": "center", "fontsize": 10, "fontweight": "bold", "zorder": 4}
    said["bbox"] = {"boxstyle": "square,pad=0.08", "fc": "white", "ec": "none"}
    if entry["value"] is not None:
        ax.text(x, y - HIGH / 2 - 0.05, entry["value"], va="bottom", color=VALUE, **said)
    if entry["gradient"] is not None:
        ax.text(x, y + HIGH / 2 + 0.05, "∂ " + entry["gradient"], va="top", color=GRADIENT, **said)


def _draw_key(figure, top, has_gradient):
    """Explain above and below in one line under the graph."""
    words = "above: value (forward, left to right)"
    style.note(figure, 0.15, top, words, color=VALUE, fontsize=9)
    if has_gradient:
        left = 0.15 + style.text_width(words, 9) * 0.98 + 0.15
        style.note(figure, left, top, "below ∂: gradient (backward)", color=GRADIENT, fontsize=9)
