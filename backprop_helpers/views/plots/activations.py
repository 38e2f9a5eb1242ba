"""A network's activations beside their gradients, one row a layer."""

import math

import numpy as np

from . import _style as style
from ._style import as_array, drawing
from .maps import _frames, _row_key

CHANNELS = 8  # of a layer
FOLDED_UP_TO = 3  # layers


def _gap(a):
    """Return the cells between two tiles of a mosaic."""
    return max(1, round(0.06 * max(a.shape[:2])))


def _mosaic_shape(a, columns):
    """Return the shape of (H, W, K) tiled into at most `columns` tiles a row."""
    high, wide, count = a.shape
    gap = _gap(a)
    return math.ceil(count / columns) * (high + gap) - gap, min(columns, count) * (wide + gap) - gap


def _mosaic(a, columns):
    """Tile (H, W, K) into one picture, a gap of NaN between the tiles."""
    high, wide, count = a.shape
    gap = _gap(a)
    out = np.full(_mosaic_shape(a, columns), np.nan)
    for k in range(count):
        row, column = divmod(k, columns)
        out[
            row * (high + gap) : row * (high + gap) + high,
            column * (wide + gap) : column * (wide + gap) + wide,
        ] = a[..., k]
    return out


def _strip(a, most=100):
    """Fold a vector into rows of equal length, at most `most` long; the last may end in NaN."""
    rows = math.ceil(a.size / most)
    columns = math.ceil(a.size / rows)
    out = np.full(rows * columns, np.nan)
    out[: a.size] = a
    return out.reshape(rows, columns)


@drawing
def maps_and_gradients(maps, gradients, *, layers=None, title=""):
    """Draw a network's activations beside the gradients of the same activations, one row a layer.

    What the reader sees: at the left what each layer says about the example, at the right how the loss would
    answer if that changed; read downwards for forward, upwards for backward. Every row has its own scale,
    written beside it. Layers without maps are strips of cells in index order.

    Parameters
    ----------
    maps, gradients : dict of name → array, shape (M, H, W, C) or (M, N)
        As `Network.activations` and `Network.gradients_of_activations` return them. The first key ``"input"``
        is drawn as a digit.
        Of the first example; at most eight channels, and the label says how many there are.
    layers : sequence of str, optional
        Which layers, in this order; by default all.
    title : str

    Returns
    -------
    Figure
    """
    function = "maps_and_gradients"
    layers = list(maps) if layers is None else list(layers)
    for name in layers:
        if name not in maps or name not in gradients:
            raise ValueError(
                f"{function}: layers names {name!r}; maps has {list(maps)}, gradients {list(gradients)}"
            )
    if not layers:
        raise ValueError(f"{function}: maps is empty")
    style.at_most(len(layers), 16, "layers", function)
    shown = []
    for name in layers:
        both = []
        for source, words in ((maps, "maps"), (gradients, "gradients")):
            a = as_array(
                source[name],
                f"{words}[{name!r}]",
                function,
                (2, 4),
                "of shape (M, H, W, C) or (M, N)",
                finite=True,
            )
            both.append(a[0])
        if both[0].shape != both[1].shape:
            raise ValueError(
                f"{function}: for one example maps[{name!r}] has shape {both[0].shape}, "
                f"gradients[{name!r}] {both[1].shape}"
            )
        shown.append((name, *both))

    label, half, scale_width, gap = 1.05, 3.55, 0.72, 0.12
    across = (
        CHANNELS if len(layers) > FOLDED_UP_TO else min(CHANNELS, 4)
    )  # few layers: larger tiles in two rows
    tile = min((half - 0.05 * (across - 1)) / across, 0.9)
    heights = []
    for _, a, _ in shown:
        if a.ndim == 3:
            unit = (max(tile, 0.55) if a.shape[-1] == 1 else tile) / max(a.shape[:2])
            heights.append(_mosaic_shape(a[..., :CHANNELS], across)[0] * unit)
        else:
            heights.append(max(0.16, 0.075 * _strip(a).shape[0]))
        heights[-1] = max(heights[-1], 0.34)
    width = label + 2 * (half + scale_width) + gap + 0.1
    head = style.heading_height(title, width)
    figure = style.page(width, head + 0.35 + sum(heights) + gap * len(heights) + 0.45)
    figure.alt = (
        f"{title or 'Activations and gradients'}: one row a layer ({', '.join(layers)}), "
        "activations at the left, their gradients at the right."
    )
    style.heading(figure, title)
    right = label + half + scale_width + gap
    for x, words in ((label, "activations"), (right, "gradients of J with respect to them")):
        style.note(figure, x, head + 0.1, words, fontsize=style.NORMAL, color=style.INK)
    top, first = head + 0.35, {}
    for (name, value, gradient), height in zip(shown, heights):
        shape = "×".join(map(str, value.shape))
        partial = value.ndim == 3 and value.shape[-1] > CHANNELS
        style.note(
            figure,
            label - 0.12,
            top + height / 2 - 0.09,
            name,
            ha="right",
            va="center",
            fontsize=9.5,
            color=style.INK,
        )
        style.note(
            figure,
            label - 0.12,
            top + height / 2 + 0.09,
            f"{shape}{' *' if partial else ''}",
            ha="right",
            va="center",
            fontsize=style.SMALLEST,
        )
        for x, a, kind in ((label, value, "value"), (right, gradient, "gradient")):
            kind = "digit" if name == "input" and kind == "value" else kind
            if a.ndim == 3:
                a = a[..., :CHANNELS]
                picture = _mosaic(a, min(across, a.shape[-1]))
                unit = (max(tile, 0.55) if a.shape[-1] == 1 else tile) / max(a.shape[:2])
                unit = min(unit, half / picture.shape[1])
                wide, high = picture.shape[1] * unit, picture.shape[0] * unit
            else:
                picture = _strip(a)
                wide = min(half, 0.3 * picture.shape[1])
                high = max(0.16, 0.075 * picture.shape[0])
            ax = style.panel(figure, x, top + (height - high) / 2, wide, high)
            image = ax.imshow(
                picture,
                cmap=style.MAPS[kind],
                norm=style.norm(a, kind),
                aspect="auto",
                interpolation="nearest",
            )
            ax.set(xticks=[], yticks=[])
            _frame(ax, a, across)
            first.setdefault(kind, image)
            low, most = float(np.min(a)), float(np.max(a))
            if kind == "gradient":
                text = f"±{style.number(float(f'{max(abs(low), abs(most)):.2g}'))}"
            else:
                text = f"{style.number(float(f'{low:.2g}'))} to\n{style.number(float(f'{most:.2g}'))}"
            style.note(figure, x + wide + 0.08, top + height / 2, text, va="center", fontsize=style.SMALLEST)
        top += height + gap
    _row_key(figure, "value", label, top + 0.12, ["smallest in the row", "largest"])
    _row_key(figure, "gradient", right, top + 0.12, ["negative", "0", "positive"])
    if any(value.ndim == 3 and value.shape[-1] > CHANNELS for _, value, _ in shown):
        style.note(
            figure,
            label + 2.0,
            top + 0.08,
            f"* first {CHANNELS} channels",
            ha="left",
            fontsize=style.SMALLEST,
        )
    return figure


def _frame(ax, a, across):
    """Frame every tile of a mosaic, so that an empty map still shows where it is."""
    for spine in ax.spines.values():
        spine.set(visible=a.ndim == 1, color=style.FRAME, linewidth=0.6)
    if a.ndim == 3:
        high, wide, count = a.shape
        gap = _gap(a)
        corners = [divmod(k, across) for k in range(count)]
        corners = [(column * (wide + gap) - 0.5, row * (high + gap) - 0.5) for row, column in corners]
        ax.add_collection(_frames(corners, wide, high))
