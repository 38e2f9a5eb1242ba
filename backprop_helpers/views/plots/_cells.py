"""Grids of cells side by side, with their padding, and what is laid over them: frames, letters, a tint."""

import numpy as np
from matplotlib.patches import Rectangle

from . import _style as style
from ._style import as_array
from .heatmaps import draw_cells, draw_labels

GROUPS = [  # inks: white letters must read on them
    {"color": style.INKS["vermillion"], "linestyle": "-"},
    {"color": style.INKS["blue"], "linestyle": (0, (4, 1.6))},
    {"color": style.INKS["green"], "linestyle": (0, (1.3, 1.1))},
    {"color": style.INKS["purple"], "linestyle": (0, (6, 1.5, 1.3, 1.5))},
]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NO_PADDING = (0, 0, 0, 0)  # above, below, before, after
PADDED = "#f4f4f4"


def array_or_shape(given, name, function):
    """Return (array or None, shape) from an array (H, W) or the tuple of its shape."""
    if isinstance(given, tuple) and len(given) == 2 and all(isinstance(n, (int, np.integer)) for n in given):
        if min(given) < 1:
            raise ValueError(f"{function}: {name} as a shape must be positive; it is {given}")
        return None, (int(given[0]), int(given[1]))
    array = as_array(given, name, function, 2, "an image (H, W) or the tuple of its shape")
    return array, array.shape


def cell_inside(cell, shape, name, function):
    """Return a cell as (row, column) of ints, or say that it lies outside."""
    cell = tuple(int(i) for i in cell)
    if len(cell) != 2 or not all(0 <= i < n for i, n in zip(cell, shape)):
        raise ValueError(f"{function}: {name} must be a (row, column) inside {tuple(shape)}; it is {cell}")
    return cell


def grid(
    figure, left, top, shape, cell, array=None, *, kind="value", title="", indices=False, padding=NO_PADDING
):
    """Draw a grid of cells, numbered if there is an array, with its padding around it; return its axes."""
    above, below, before, after = padding
    rows, columns = shape
    ax = style.panel(figure, left, top, (columns + before + after) * cell, (rows + above + below) * cell)
    if array is None:
        draw_cells(ax, np.zeros(shape), kind="plain", numbers=False, cell=cell, borders=True)
    else:
        draw_cells(ax, array, kind=kind, cell=cell, borders=True)
    ax.set_xlim(-0.5 - before, columns - 0.5 + after)
    ax.set_ylim(rows - 0.5 + below, -0.5 - above)
    if any(padding):
        _draw_padding(ax, shape, padding, numbered=array is not None and cell >= 0.24)
    draw_labels(ax, shape, indices=indices)
    ax.set_title(title)
    return ax


def _draw_padding(ax, shape, padding, numbered):
    """Draw pale hatched cells around a grid, with the zeros they hold, and a line between."""
    (rows, columns), (above, below, before, after) = shape, padding
    look = {"fc": PADDED, "ec": style.HAIR, "lw": 0.6, "hatch": "////", "zorder": 0.5}
    around = {"fc": PADDED, "ec": "none", "pad": 0.8}
    text = {"ha": "center", "va": "center", "fontsize": style.SMALL, "color": style.GREY, "bbox": around}
    for row in range(-above, rows + below):
        for column in range(-before, columns + after):
            if 0 <= row < rows and 0 <= column < columns:
                continue
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **look))
            if numbered:
                ax.text(column, row, "0", **text)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fill=False, ec=style.INK, lw=1.2, zorder=2))


def frame(ax, rows, columns, look, inset=0.0, width=2.4):
    """Outline a block of cells; `inset` keeps overlapping outlines apart."""
    patch = Rectangle(
        (min(columns) - 0.5 + inset, min(rows) - 0.5 + inset),
        max(columns) - min(columns) + 1 - 2 * inset,
        max(rows) - min(rows) + 1 - 2 * inset,
        fill=False,
        ec=look["color"],
        ls=look["linestyle"],
        lw=width,
        zorder=4,
        clip_on=False,
        joinstyle="miter",
    )
    ax.add_patch(patch)


def tag(ax, row, column, text, color, corner=True, size=style.SMALLEST):
    """Write a small tag on the upper left corner of a cell's frame (or into its middle)."""
    around = {"boxstyle": "square,pad=0.14", "fc": color, "ec": "white", "lw": 0.6}
    shift = 0.46 if corner else 0
    ax.text(
        column - shift,
        row - shift,
        text,
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center",
        color="white",
        zorder=6,
        bbox=around,
    )


def lettered_frame(ax, rows, columns, letter, look, inset=0.0, width=2.4):
    """Outline a block of cells and write a letter on the outline's corner."""
    frame(ax, rows, columns, look, inset, width)
    tag(ax, min(rows) + inset, min(columns) + inset, letter, look["color"])
