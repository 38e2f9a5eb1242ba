"""Grids of cells: heat maps with their numbers, labels and colour scales, and what is laid over them."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from . import _style as style
from ._style import CENTERED

NUMBERED_UP_TO = 26  # columns or rows; beyond, no number would fit
GROUPS = [  # inks: white letters must read on them
    {"color": style.INKS["vermillion"], "linestyle": "-"},
    {"color": style.INKS["blue"], "linestyle": (0, (4, 1.6))},
    {"color": style.INKS["green"], "linestyle": (0, (1.3, 1.1))},
    {"color": style.INKS["purple"], "linestyle": (0, (6, 1.5, 1.3, 1.5))},
]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NO_PADDING = (0, 0, 0, 0)  # above, below, before, after

# One grid -----------------------------------------------------------------------------------------------


def cell_size(rows, columns, largest=0.5, width=9.0, height=6.0):
    """Return the side of a cell in inches: `largest`, or what lets the grid fit in `width` × `height`."""
    return min(largest, width / columns, height / rows)


def cell_texts(a, cell, decimals=None):
    """Return (texts, font size, exponent) that fit cells of `cell` inches; (None, None, 0) when nothing fits.

    Nothing is written below 8 points. Fewer decimals are tried before giving up. Tiny numbers are written in
    units of 10 to the `exponent`.
    """
    exponent = 0 if decimals is not None else style.power_of_ten(a)
    a = np.asarray(a, dtype=float) / 10.0**exponent
    exact = style.decimals_for(a)
    tries = {exact, min(exact, 2), min(exact, 1)} if decimals is None else {decimals}
    for count in sorted(tries, reverse=True):
        if decimals is None and count < exact and (np.round(a[a != 0], count) == 0).any():
            break  # a number that is not 0 would read 0
        texts = style.written(a, count)
        size = min(11.0, (cell * 72 - 3) / (0.64 * max(map(len, texts.flat))), cell * 72 * 0.5)
        if size >= style.SMALLEST:
            return texts, size, exponent
    return None, None, 0


def draw_frame(ax, rows, columns, *, borders):
    """Set the limits of a grid of cells, draw its frame and, if asked, the thin borders of its cells."""
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
    outline_axes(ax, 0.8)
    if borders:
        lines = [[(x - 0.5, -0.5), (x - 0.5, rows - 0.5)] for x in range(1, columns)]
        lines += [[(-0.5, y - 0.5), (columns - 0.5, y - 0.5)] for y in range(1, rows)]
        ax.add_collection(LineCollection(lines, colors=style.HAIR, linewidths=0.6, zorder=1.5))


def outline_axes(ax, width, visible=True):
    """Draw all four sides of the axes, or none."""
    for spine in ax.spines.values():
        spine.set(visible=visible, color=style.FRAME, linewidth=width)


def draw_cells(ax, a, *, kind="value", scale=None, numbers=True, decimals=None, cell, borders=None):
    """Draw the matrix `a` in `ax`, with numbers when they fit cells of `cell` inches; return the image.

    The colour scale is that of `scale` (by default of `a`). Entries that are NaN or infinite are hatched.
    """
    rows, columns = a.shape
    values = np.asarray(a, dtype=float)
    finite = np.isfinite(values)
    norm = style.norm(a if scale is None else scale, kind)
    image = ax.imshow(np.where(finite, values, np.nan), cmap=style.MAPS[kind], norm=norm, aspect="equal")
    draw_frame(ax, rows, columns, borders=cell >= 0.16 if borders is None else borders)
    if max(rows, columns) <= 64:
        fill_cells(ax, np.argwhere(~finite), fill=False, hatch="xxxx", ec="#b0b0b0", lw=0)
    if numbers and max(rows, columns) <= NUMBERED_UP_TO:
        _write_numbers(image, values, *cell_texts(a, cell, decimals))
    return image


def _write_numbers(image, values, texts, size, exponent):
    """Write the numbers, and the power of ten in whose units they are."""
    if exponent:
        look = {"over": "axes fraction", "ha": "right", "va": "top"}
        style.remark(image.axes, f"all {style.raised(exponent)}", (1, 0), (0, -3), **look)
    for cell, text in np.ndenumerate([] if texts is None else texts):
        look = {"color": ink_on(image, values[cell]), "fontsize": size}
        if not np.isfinite(values[cell]):
            look["bbox"] = {"fc": "white", "ec": "none", "pad": 0.6}
        write(image.axes, *cell, text, **look)


def ink_on(image, value):
    """Return black or white, whichever reads on the colour of a value; black beside the scale."""
    return style.text_color(image.cmap(image.norm(value))) if np.isfinite(value) else "#000000"


def write(ax, row, column, text, **look):
    """Write into the middle of a cell."""
    ax.text(column, row, text, **({"zorder": 3} | CENTERED | look))


def fill_cells(ax, cells, **look):
    """Lay a colour or a hatching over cells (row, column)."""
    for row, column in cells:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **look))


def draw_labels(ax, shape, row_labels=None, col_labels=None, indices=False):
    """Label rows at the left and columns above; with `indices`, by their zero-based index."""
    rows, columns = shape
    if indices:
        row_labels = range(rows) if rows > 1 else None
        col_labels = range(columns) if columns > 1 else None
    ax.tick_params(length=0, pad=3, labelsize=style.SMALL, labelcolor=style.GREY)
    if col_labels is not None:
        ax.xaxis.tick_top()
        ax.set_xticks(range(columns), [str(label) for label in col_labels])
        ax.tick_params(axis="x", length=0)
    if row_labels is not None:
        ax.set_yticks(range(rows), [str(label) for label in row_labels])


# Scales -------------------------------------------------------------------------------------------------


def color_key(figure, kind, ends, left, top, width=1.8):
    """Draw a slim colour scale; under it its ends, and 0 if there is room, or words at equal distances."""
    in_words = isinstance(ends[0], str)
    low, high = (0, 1) if in_words else ends
    ax = style.panel(figure, left, top, width, 0.09)
    look = {"cmap": style.MAPS[kind], "aspect": "auto", "extent": (low, high, 0, 1)}
    ax.imshow(np.linspace(low, high, 128)[None, :], **look)
    if in_words:
        ax.set_xticks(np.linspace(0, 1, len(ends)), ends)
        align_ends(ax)
    else:
        write_ends(ax, low, high)
    ax.set_yticks([])
    ax.tick_params(length=0, pad=2, labelsize=style.SMALLEST)
    outline_axes(ax, 0.6)


def write_ends(ax, low, high):
    """Write the ends of the horizontal axis, and 0 where it would not touch an end's label."""
    ticks = [low, 0.0, high] if min(-low, high) >= 0.25 * (high - low) else [low, high]
    ax.set_xticks(ticks, [style.number(float(f"{tick:.2g}")) for tick in ticks])
    align_ends(ax)


def align_ends(ax):
    """Let the first and last tick label end where the axis ends, so that none hangs over."""
    labels = ax.get_xticklabels()
    labels[0].set_ha("left")
    labels[-1].set_ha("right")


# What is laid over --------------------------------------------------------------------------------------


def outline_cells(ax, cells, shape, function):
    """Outline the region of these cells, a boolean mask or a list of (row, column)."""
    lines = outline_of(as_cells(cells, shape, "highlight", function))
    look = {"colors": style.INKS["black"], "linewidths": 2.4, "zorder": 4, "capstyle": "butt"}
    collection = LineCollection(lines, clip_on=False, **look)
    collection.set_path_effects([Stroke(linewidth=4.4, foreground="white"), Normal()])
    ax.add_collection(collection)


def as_cells(cells, shape, name, function):
    """Return a boolean mask from a mask, or a list of (row, column)."""
    given = np.asarray(cells)
    if given.dtype == bool:
        if given.shape != shape:
            raise ValueError(f"{function}: {name} as a mask must have shape {shape}; it has {given.shape}")
        return given
    mask = np.zeros(shape, dtype=bool)
    for cell in cells:
        mask[cell_inside(cell, shape, name, function)] = True
    return mask


def outline_of(mask):
    """Return the outline of a region of cells as line segments, straight runs joined."""
    padded = np.pad(mask, 1).astype(int)
    lines = []
    for y, change in enumerate(np.diff(padded, axis=0)[:, 1:-1] != 0):
        lines += [[(start - 0.5, y - 0.5), (stop - 0.5, y - 0.5)] for start, stop in _runs(change)]
    for x, change in enumerate((np.diff(padded, axis=1)[1:-1, :] != 0).T):
        lines += [[(x - 0.5, start - 0.5), (x - 0.5, stop - 0.5)] for start, stop in _runs(change)]
    return lines


def _runs(flags):
    """Return (start, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, dtype=int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def cell_inside(cell, shape, name, function):
    """Return a cell as (row, column) of ints, or say that it lies outside."""
    cell = tuple(int(i) for i in cell)
    if len(cell) != 2 or not all(0 <= i < n for i, n in zip(cell, shape)):
        raise ValueError(f"{function}: {name} must be a (row, column) inside {tuple(shape)}; it is {cell}")
    return cell


def frame(ax, rows, columns, look, inset=0.0, width=2.4):
    """Outline a block of cells; `inset` keeps overlapping outlines apart."""
    corner = min(columns) - 0.5 + inset, min(rows) - 0.5 + inset
    size = (max(span) - min(span) + 1 - 2 * inset for span in (columns, rows))
    look = {"ec": look["color"], "ls": look["linestyle"], "lw": width, "joinstyle": "miter", "zorder": 4}
    ax.add_patch(Rectangle(corner, *size, fill=False, clip_on=False, **look))


def tag(ax, row, column, text, color, corner=True, size=style.SMALLEST):
    """Write a small tag on the upper left corner of a cell's frame (or into its middle)."""
    shift = 0.46 if corner else 0
    box = {"boxstyle": "square,pad=0.14", "fc": color, "ec": "white", "lw": 0.6}
    look = {"fontsize": size, "fontweight": "bold", "color": "white", "zorder": 6, "bbox": box}
    write(ax, row - shift, column - shift, text, **look)


def lettered_frame(ax, rows, columns, letter, look, inset=0.0, width=2.4):
    """Outline a block of cells and write a letter on the outline's corner."""
    frame(ax, rows, columns, look, inset, width)
    tag(ax, min(rows) + inset, min(columns) + inset, letter, look["color"])


# Grids side by side, with their padding -----------------------------------------------------------------


def row_of_grids(arrays, titles, kinds, *, padding=NO_PADDING, title="", edge=0.3, gap, largest, least, foot):
    """Draw matrices side by side, the first with its padding; return figure, axes, and where the foot begins.

    - edge, gap: inches for the indices before each (none are written if it is 0), and between two
    - largest, least, foot: inches of a cell and of the page's width, and what is left free below
    """
    rows, columns = ([a.shape[axis] for a in arrays] for axis in (0, 1))
    rows[0] += padding[0] + padding[1]
    columns[0] += padding[2] + padding[3]
    cell = cell_size(max(rows), sum(columns), largest, 7.5, 5.0)
    above, height = 0.5 if edge else 0.3, max(rows) * cell
    width = 2 * style.MARGIN + sum(columns) * cell + len(arrays) * edge + (len(arrays) - 1) * gap
    figure, top = style.titled(width, height + foot, title, above=above, least=least)
    left = style.MARGIN + edge
    for n, (array, kind) in enumerate(zip(arrays, kinds)):
        size = columns[n] * cell, rows[n] * cell
        ax = style.panel(figure, left, top + (height - size[1]) / 2, *size)
        draw_cells(ax, array, kind=kind, numbers=kind != "plain", cell=cell, borders=True)
        if n == 0 and any(padding):
            _draw_padding(ax, array.shape, padding, numbered=cell >= 0.24)
        draw_labels(ax, array.shape, indices=edge > 0)
        ax.set_title(titles[n])
        left += size[0] + gap + edge
    return figure, figure.axes, top + height + 0.12


def _draw_padding(ax, shape, padding, numbered):
    """Draw pale hatched cells around a grid, with the zeros they hold, and a line between."""
    (rows, columns), (above, below, before, after), fill = shape, padding, "#f4f4f4"
    ax.set(xlim=(-0.5 - before, columns - 0.5 + after), ylim=(rows - 0.5 + below, -0.5 - above))
    around = np.ones((rows + above + below, columns + before + after), dtype=bool)
    around[above : above + rows, before : before + columns] = False
    cells = np.argwhere(around) - (above, before)
    fill_cells(ax, cells, fc=fill, ec=style.HAIR, lw=0.6, hatch="////", zorder=0.5)
    box = {"fc": fill, "ec": "none", "pad": 0.8}
    for cell in cells if numbered else ():
        write(ax, *cell, "0", fontsize=style.SMALL, color=style.GREY, bbox=box)
    outline_axes(ax, 0.8, visible=False)
    ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fill=False, ec=style.INK, lw=1.2, zorder=2))
