"""A network's activations beside their gradients, one row a layer."""

import math

import numpy as np
from matplotlib.collections import LineCollection

from . import _style as style
from ._cells import color_key, outline_axes
from ._style import as_array, drawing

CHANNELS = 8  # of a layer
FOLDED_UP_TO = 3  # layers: their tiles are larger, in two rows
LABEL, HALF, SCALE, GAP = 1.05, 3.55, 0.72, 0.12  # inches: names, pictures, what is beside them, between rows
RIGHT = LABEL + HALF + SCALE + GAP


@drawing
def maps_and_gradients(maps, gradients, *, layers=None, title=""):
    """Draw a network's activations beside the gradients of the same activations, one row a layer.

    What the reader sees: at the left what each layer says about the example, at the right how the loss would
    answer if that changed; read downwards for forward, upwards for backward. Every row has its own scale,
    written beside it. Layers without maps are strips of cells in index order.

    - maps, gradients: {layer: array, (M, H, W, C) or (M, N)}, as `Network.activations` and
      `Network.gradients_of_activations` return them; "input" is drawn as a digit. Of the first example, and
      at most eight channels: the label says how many there are
    - layers: which, in this order; by default all
    """
    layers = list(maps) if layers is None else list(layers)
    rows = [(name, *_pair(maps, gradients, name)) for name in layers]
    if not rows:
        raise ValueError("maps_and_gradients: maps is empty")
    style.at_most(len(rows), 16, "layers", "maps_and_gradients")
    across = CHANNELS if len(rows) > FOLDED_UP_TO else min(CHANNELS, 4)
    heights = [max(_picture(value, across)[2], 0.34) for _, value, _ in rows]
    size = RIGHT + HALF + SCALE + 0.1, sum(heights) + GAP * len(heights) + 0.45
    figure, top = style.titled(*size, title, above=0.35)
    for x, words in ((LABEL, "activations"), (RIGHT, "gradients of J with respect to them")):
        style.note(figure, x, top - 0.25, words, fontsize=style.NORMAL, color=style.INK)
    partial = False
    for (name, value, gradient), height in zip(rows, heights):
        middle, more = top + height / 2, value.ndim == 3 and value.shape[-1] > CHANNELS
        _name(figure, middle, name, "×".join(map(str, value.shape)) + (" *" if more else ""))
        _draw(figure, LABEL, middle, value, "digit" if name == "input" else "value", across)
        _draw(figure, RIGHT, middle, gradient, "gradient", across)
        top, partial = top + height + GAP, partial or more
    color_key(figure, "value", ["smallest in the row", "largest"], LABEL, top + 0.12)
    color_key(figure, "gradient", ["negative", "0", "positive"], RIGHT, top + 0.12)
    if partial:
        words = f"* first {CHANNELS} channels"
        style.note(figure, LABEL + 2.0, top + 0.08, words, fontsize=style.SMALLEST)
    figure.alt = (
        f"{title or 'Activations and gradients'}: one row a layer ({', '.join(layers)}), "
        "activations at the left, their gradients at the right."
    )
    return figure


def _pair(maps, gradients, name):
    """Return a layer's maps and their gradients, of the first example."""
    if name not in maps or name not in gradients:
        known = f"maps has {list(maps)}, gradients {list(gradients)}"
        raise ValueError(f"maps_and_gradients: layers names {name!r}; {known}")
    look = "maps_and_gradients", (2, 4), "of shape (M, H, W, C) or (M, N)"
    pair = [
        as_array(source[name], f"{words}[{name!r}]", *look, finite=True)[0]
        for source, words in ((maps, "maps"), (gradients, "gradients"))
    ]
    if pair[0].shape != pair[1].shape:
        raise ValueError(
            f"maps_and_gradients: for one example maps[{name!r}] has shape {pair[0].shape}, "
            f"gradients[{name!r}] {pair[1].shape}"
        )
    return pair


def _name(figure, middle, name, shape):
    """Write before a row which layer it is."""
    for y, words, points, color in ((-0.09, name, 9.5, style.INK), (0.09, shape, style.SMALLEST, style.GREY)):
        look = {"ha": "right", "va": "center", "fontsize": points, "color": color}
        style.note(figure, LABEL - 0.12, middle + y, words, **look)


def _draw(figure, left, middle, a, kind, across):
    """Draw an array about the middle of its row, and write its scale beside it."""
    a = a[..., :CHANNELS] if a.ndim == 3 else a
    picture, wide, high = _picture(a, across)
    shrink = min(1, HALF / wide)
    wide, high = wide * shrink, high * shrink
    ax = style.panel(figure, left, middle - high / 2, wide, high)
    ax.imshow(picture, cmap=style.MAPS[kind], norm=style.norm(a, kind), aspect="auto")
    ax.set(xticks=[], yticks=[])
    outline_axes(ax, 0.6, visible=a.ndim == 1)
    if a.ndim == 3:  # an empty map still shows where it is
        step = np.array(a.shape[:2]) + _gap(a)
        _frame_tiles(ax, [np.array(divmod(k, across)) * step for k in range(a.shape[2])], *a.shape[:2])
    low, most = (float(f"{value:.2g}") for value in (np.min(a), np.max(a)))
    words = f"{style.number(low)} to\n{style.number(most)}"
    words = f"±{style.number(max(abs(low), abs(most)))}" if kind == "gradient" else words
    style.note(figure, left + wide + 0.08, middle, words, va="center", fontsize=style.SMALLEST)


def _picture(a, across):
    """Return an array as one picture, and its width and height in inches.

    A vector is folded into rows of at most a hundred; of maps, `across` stand in a row.
    """
    if a.ndim == 1:
        rows = math.ceil(a.size / 100)
        columns = math.ceil(a.size / rows)
        padded = np.pad(a.astype(float), (0, rows * columns - a.size), constant_values=np.nan)
        return padded.reshape(rows, columns), min(HALF, 0.3 * columns), max(0.16, 0.075 * rows)
    high, wide, count = a[..., :CHANNELS].shape
    gap, columns = _gap(a), min(across, count)
    rows = math.ceil(count / columns)
    edges = (0, gap), (0, gap), (0, rows * columns - count)
    tiles = np.pad(a[..., :CHANNELS].astype(float), edges, constant_values=np.nan)
    tiles = tiles.reshape(high + gap, wide + gap, rows, columns).transpose(2, 0, 3, 1)
    picture = tiles.reshape(rows * (high + gap), columns * (wide + gap))[:-gap, :-gap]
    tile = min((HALF - 0.05 * (across - 1)) / across, 0.9)
    unit = (max(tile, 0.55) if count == 1 else tile) / max(high, wide)
    return picture, picture.shape[1] * unit, picture.shape[0] * unit


def _gap(a):
    """Return the cells between two tiles of maps."""
    return max(1, round(0.06 * max(a.shape[:2])))


def _frame_tiles(ax, corners, high, wide):
    lines = [[(x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y)] for y, x in corners]
    look = {"colors": style.FRAME, "linewidths": 0.6, "clip_on": False}
    ax.add_collection(LineCollection([np.array(line) - 0.5 for line in lines], **look))
