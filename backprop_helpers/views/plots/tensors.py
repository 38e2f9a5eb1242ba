"""Shapes: the chain of a network's, and filters regrouped by their channels."""

import math

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from . import _style as style
from ._style import CENTERED, drawing

# The chain of shapes ------------------------------------------------------------------------------------

COLUMNS, GAP = 6, 0.34  # boxes in a row; inches between them


@drawing
def shapes_chain(shapes, *, title=""):
    """Draw the chain of shapes of a network: a box a layer, arrows between.

    What the reader sees: names, the shape of what each layer passes on, and a note (parameters, say) under
    it; six boxes in a row. `shapes` are at most 24 (name, shape) or (name, shape, note).
    """
    boxes = [_as_box(i, entry) for i, entry in enumerate(shapes)]
    style.at_most(len(boxes), 24, "shapes", "shapes_chain")
    columns, rows = min(COLUMNS, len(boxes)), math.ceil(len(boxes) / COLUMNS)
    wide = max(style.text_width(text, size) for box in boxes for text, size in zip(box, (9.5, 9, 8.5)))
    wide = min(max(wide + 0.2, 0.95), (9.5 - GAP * (columns - 1)) / columns)
    high = 0.78 if any(note for _, _, note in boxes) else 0.58
    height = rows * high + (rows - 1) * GAP + 0.1
    figure, head = style.titled(columns * (wide + GAP) + 0.1, height, title, above=0.08)
    ax = style.canvas(figure)
    for i, box in enumerate(boxes):
        row, column = divmod(i, COLUMNS)
        corner = style.MARGIN + column * (wide + GAP), head + row * (high + GAP)
        _draw_box(ax, corner, (wide, high), box, is_end=i in (0, len(boxes) - 1))
        if i + 1 < len(boxes):
            _draw_arrow(ax, corner, (wide, high), turns=column + 1 == COLUMNS)
    figure.alt = f"{title or 'Shapes'}: " + " → ".join(f"{name} {shape}" for name, shape, _ in boxes)
    return figure


def _as_box(i, entry):
    """Return (name, shape, note) as texts."""
    if len(entry) not in (2, 3):
        expected = "(name, shape) or (name, shape, note)"
        raise ValueError(f"shapes_chain: shapes[{i}] must be {expected}; it is {entry!r}")
    name, shape, note = [*entry, ""][:3]
    return str(name), " × ".join(map(str, shape)), str(note)


def _draw_box(ax, corner, size, texts, is_end):
    (x, y), (wide, high) = corner, size
    border = {"ec": style.INK, "lw": 1.2} if is_end else {"ec": style.FRAME, "lw": 0.9}
    fill = style.tint(style.ACCENTS["blue"], 0.9)
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.07", fc=fill, **border))
    looks = [(9.5, style.INK, "bold"), (9, style.INK, "normal"), (8.5, style.GREY, "normal")]
    lines = list(zip(texts, looks))[: 3 if high > 0.6 else 2]
    for n, (text, (points, color, weight)) in enumerate(lines):
        place = x + wide / 2, y + (n + 0.5) * high / len(lines) + 0.02
        look = {"fontsize": points, "color": color, "fontweight": weight}
        ax.text(*place, text, **look, **CENTERED)


def _draw_arrow(ax, corner, size, turns):
    """Draw the arrow to the next box: to the right, or from the end of a row to the start of the next."""
    (x, y), (wide, high) = corner, size
    look = {"arrowstyle": "-|>,head_width=2,head_length=4", "color": style.GREY, "lw": 1.2}
    if not turns:
        start, end = (x + wide + 0.04, y + high / 2), (x + wide + GAP - 0.04, y + high / 2)
    else:
        middle, turn = style.MARGIN + wide / 2, y + high + 0.17
        way = [x + wide / 2, x + wide / 2, middle], [y + high + 0.02, turn, turn]
        ax.plot(*way, color=style.GREY, lw=1.2)
        start, end = (middle, turn), (middle, y + high + 0.32)
    ax.add_patch(FancyArrowPatch(start, end, shrinkA=0, shrinkB=0, **look))


# Filters regrouped --------------------------------------------------------------------------------------

LEFT, BETWEEN, APART = 1.15, 0.07, 0.12  # inches: the first square; between squares; between framed rows
TURNED = "every kernel turned by 180°"
TINTS = ("vermillion", "green", "blue", "orange", "purple", "sky")
HATCHES = ("///", "...", "\\\\\\", "xxx", "---", "")


@drawing
def tensor_blocks(filters, channels, *, title=""):
    """Draw K filters of depth C regrouped into C filters of depth K: what the backward pass does to W.

    What the reader sees: every kernel W[:, :, c, k] is one small square, tinted, hatched and lettered by its
    channel c and numbered by its filter k. Forward, a frame holds the C squares of one filter; backward, a
    frame holds the K squares of one channel, each turned by 180°.

    `filters` is K, 2 to 32; `channels` is C, 1 to 6, three being called R, G and B.
    """
    if not 2 <= filters <= 32 or not 1 <= channels <= 6:
        raise ValueError(
            f"tensor_blocks: filters must be 2 to 32 and channels 1 to 6; they are {filters} and {channels}"
        )
    names = "RGB" if channels == 3 else "012345"[:channels]
    side = min(0.36, 8.2 / filters - BETWEEN)
    pitch = side + BETWEEN
    height = channels * pitch + 0.62 + channels * pitch + (channels - 1) * APART + 0.05
    figure, forward = style.titled(LEFT + filters * pitch + 0.2, height, title, above=0.32, least=7.2)
    ax = style.canvas(figure)
    backward = forward + channels * pitch + 0.62
    for y, words in (
        (forward - 0.14, f"forward: {filters} filters of depth {channels}, one Z channel each"),
        (backward - 0.2, f"backward: {channels} filters of depth {filters}, one dX channel each, {TURNED}"),
    ):
        ax.text(style.MARGIN, y, words, fontsize=9.5, va="center")
    for c, name in enumerate(names):
        _draw_row(ax, forward + c * pitch, side, filters, c, f"channel {name}", rotation=0)
        y = backward + c * (pitch + APART)
        _draw_row(ax, y, side, filters, c, f"dX {name}", rotation=180)
        _draw_frame(ax, LEFT, y, filters * pitch - BETWEEN, side)
    for k in range(filters):
        _draw_frame(ax, LEFT + k * pitch, forward, side, channels * pitch - BETWEEN)
    figure.alt = (
        f"{title or 'Kernels regrouped'}: {filters} filters of depth {channels} forward, "
        f"{channels} filters of depth {filters} backward."
    )
    return figure


def _draw_row(ax, y, side, filters, c, name, rotation):
    """Draw the squares of one channel, a filter each, and the channel's name before them."""
    ax.text(LEFT - 0.12, y + side / 2, name, ha="right", va="center", fontsize=9)
    accent = style.ACCENTS[TINTS[c]]
    fill = style.tint(accent, 0.62)
    look = {"fc": fill, "ec": style.tint(accent, 0.1), "lw": 0.8, "hatch": HATCHES[c]}
    box = {"boxstyle": "square,pad=0.1", "fc": fill, "ec": "none"}
    label = CENTERED | {"fontsize": 8, "rotation": rotation, "bbox": box}
    for k in range(filters):
        x = LEFT + k * (side + BETWEEN)
        ax.add_patch(Rectangle((x, y), side, side, **look))
        ax.text(x + side / 2, y + side / 2, str(k), **label)


def _draw_frame(ax, x, y, wide, high):
    corner = x - 0.03, y - 0.03
    ax.add_patch(Rectangle(corner, wide + 0.06, high + 0.06, fill=False, ec=style.INK, lw=1.3))
