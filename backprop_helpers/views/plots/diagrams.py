"""Diagrams: computational graphs, sliding windows, shared weights, routing, shapes."""

import math

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.patheffects import Normal, Stroke

from backprop_helpers.layers._validate import as_pair
from backprop_helpers.layers._windows import place_windows

from . import _style as style
from ._style import as_array, drawing, same_length
from .heatmaps import cell_size, draw_cells, draw_labels

GROUPS = [  # inks: white letters must read on them
    {"color": style.INKS["vermillion"], "linestyle": "-"},
    {"color": style.INKS["blue"], "linestyle": (0, (4, 1.6))},
    {"color": style.INKS["green"], "linestyle": (0, (1.3, 1.1))},
    {"color": style.INKS["purple"], "linestyle": (0, (6, 1.5, 1.3, 1.5))},
]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


# Where a window stands ----------------------------------------------------------------------------------


def _taps(windows, output):
    """Return the rows and the columns of the image under the window of `output`: s·z + d·w − p.

    Outside the image, in the padding, they are negative or too large.
    """
    return [
        z * s + np.arange(f) * d - p
        for z, s, f, d, p in zip(output, windows.stride, windows.size, windows.dilation, windows.padding[::2])
    ]


def _meetings(windows, image):
    """Return (output, offset, pixel) for every product of the layer whose pixel is inside the image."""
    found = []
    for output in np.ndindex(windows.count):
        rows, columns = (axis.tolist() for axis in _taps(windows, output))
        for u, v in windows.offsets():
            if 0 <= rows[u] < image[0] and 0 <= columns[v] < image[1]:
                found.append((output, (u, v), (rows[u], columns[v])))
    return found


def _image_and_shape(image, name, function):
    """Return (array or None, shape) from an array (H, W) or a shape (H, W)."""
    if isinstance(image, tuple) and len(image) == 2 and all(isinstance(n, (int, np.integer)) for n in image):
        if min(image) < 1:
            raise ValueError(f"{function}: {name} as a shape must be positive; it is {image}")
        return None, (int(image[0]), int(image[1]))
    array = as_array(image, name, function, 2, "an image (H, W) or the tuple of its shape")
    return array, array.shape


def _check_cell(cell, shape, name, function):
    cell = tuple(int(i) for i in cell)
    if len(cell) != 2 or not all(0 <= i < n for i, n in zip(cell, shape)):
        raise ValueError(f"{function}: {name} must be a (row, column) inside {tuple(shape)}; it is {cell}")
    return cell


def _grid(
    figure,
    left,
    top,
    shape,
    cell,
    array=None,
    *,
    kind="value",
    title="",
    indices=False,
    padding=(0, 0, 0, 0),
):
    """Draw a grid of cells, numbered if there is an array, with pale hatched cells of padding around it."""
    above, below, before, after = padding
    rows, columns = shape
    ax = style.panel(figure, left, top, (columns + before + after) * cell, (rows + above + below) * cell)
    drawn = np.zeros(shape) if array is None else np.asarray(array)
    draw_cells(
        ax,
        drawn,
        kind="plain" if array is None else kind,
        numbers=False if array is None else None,
        cell=cell,
        borders=True,
    )
    ax.set_xlim(-0.5 - before, columns - 0.5 + after)
    ax.set_ylim(rows - 0.5 + below, -0.5 - above)
    if any(padding):
        for row in range(-above, rows + below):
            for column in range(-before, columns + after):
                if not (0 <= row < rows and 0 <= column < columns):
                    ax.add_patch(
                        Rectangle(
                            (column - 0.5, row - 0.5),
                            1,
                            1,
                            fc="#f4f4f4",
                            ec=style.HAIR,
                            lw=0.6,
                            hatch="////",
                            zorder=0.5,
                        )
                    )
                    if array is not None and cell >= 0.24:
                        ax.text(
                            column,
                            row,
                            "0",
                            ha="center",
                            va="center",
                            fontsize=style.SMALL,
                            color=style.GREY,
                            bbox={"fc": "#f4f4f4", "ec": "none", "pad": 0.8},
                        )
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fill=False, ec=style.INK, lw=1.2, zorder=2))
    draw_labels(ax, shape, indices=indices)
    ax.set_title(title)
    return ax


def _box(ax, rows, columns, look, inset=0.0, width=2.4):
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


def _tag(ax, column, row, text, color, corner=True, size=style.SMALLEST):
    """Write a small tag on the upper left corner of a cell's frame (or into its middle)."""
    ax.text(
        column - 0.46 if corner else column,
        row - 0.46 if corner else row,
        text,
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center",
        color="white",
        zorder=6,
        bbox={"boxstyle": "square,pad=0.14", "fc": color, "ec": "white", "lw": 0.6},
    )


@drawing
def windows(
    image,
    kernel,
    *,
    positions=((0, 0),),
    stride=1,
    padding=0,
    dilation=1,
    title="",
    bias=0,
    indices=True,
    kind="value",
):
    """Draw a kernel's window on an image at one or more output positions.

    What the reader sees: at the left the image, its padding as pale hatched cells, each window as an outline
    with a letter, the cells under the kernel's weights framed when the kernel is dilated; at the right the
    output, the same letters in the cells which those windows make. With arrays, the numbers too.

    Parameters
    ----------
    image : array_like, shape (H, W), or tuple (H, W)
        The image, or only its shape.
    kernel : array_like, shape (F_h, F_w), or int or tuple (F_h, F_w)
        The kernel, or only its size. With both arrays the output's numbers are computed (cross-correlation).
    positions : sequence of (row, column)
        Output positions, at most four.
    stride, dilation : int or (int, int)
    padding : "same", "valid", int or (int, int)
    title : str
    bias : float
        Added to every output.
    indices : bool
        Label rows and columns with their zero-based index.
    kind : str
        Colours of the image; see `matrix`.

    Returns
    -------
    Figure
    """
    array, shape = _image_and_shape(image, "image", "windows")
    weights = None
    if not isinstance(kernel, (int, np.integer)) and not (
        isinstance(kernel, tuple) and all(isinstance(n, (int, np.integer)) for n in kernel)
    ):
        weights = as_array(kernel, "kernel", "windows", 2, "a kernel (F_h, F_w) or its size", finite=True)
    size = as_pair("windows", "kernel", kernel) if weights is None else weights.shape
    placed = place_windows(
        "windows", shape, size, stride=stride, padding=padding, dilation=dilation, what="kernel"
    )
    if not 1 <= len(positions) <= len(GROUPS):
        raise ValueError(
            f"windows: positions must be one to {len(GROUPS)} output positions; it has {len(positions)}"
        )
    positions = [_check_cell(p, placed.count, "positions", "windows") for p in positions]
    output = None
    if array is not None and weights is not None:
        output = np.full(placed.count, bias, dtype=np.result_type(array, weights, type(bias)))
        for out, offset, pixel in _meetings(placed, shape):
            output[out] += array[pixel] * weights[offset]
    above, below, before, after = placed.padding
    rows, columns = shape[0] + above + below, shape[1] + before + after
    cell = cell_size(max(rows, placed.count[0]), columns + placed.count[1], 0.44, 7.6, 5.0)
    edge = 0.3 if indices else 0.05
    middle = 0.75
    legend = 0.24 * len(positions) + 0.1
    width = 2 * style.MARGIN + 2 * edge + (columns + placed.count[1]) * cell + middle
    width = max(width, min(style.text_width(title, style.LARGE) + 0.3, 6.0), 4.4)
    head = style.heading_height(title, width) + 0.3 + (0.2 if indices else 0)
    height = max(rows, placed.count[0]) * cell
    figure = style.page(width, head + height + legend + 0.1)
    style.heading(figure, title)
    x = style.MARGIN + edge
    left = _grid(
        figure,
        x,
        head + (height - rows * cell) / 2,
        shape,
        cell,
        array,
        kind=kind,
        title="input",
        indices=indices,
        padding=placed.padding,
    )
    x += columns * cell + middle + edge
    right = _grid(
        figure,
        x,
        head + (height - placed.count[0] * cell) / 2,
        placed.count,
        cell,
        output,
        title="output",
        indices=indices,
    )
    style.note(
        figure,
        x - edge - middle / 2 - 0.02,
        head + height / 2,
        "→",
        fontsize=18,
        color=style.INK,
        ha="center",
        va="center",
    )
    dilated = max(placed.dilation) > 1
    for n, (position, look) in enumerate(zip(positions, GROUPS)):
        rows_of, columns_of = _taps(placed, position)
        _box(left, rows_of, columns_of, look, inset=0.07 * n, width=1.2 if dilated else 2.4)
        if dilated:  # the window has holes: frame the cells that are read
            for row in rows_of:
                for column in columns_of:
                    _box(left, [row], [column], look, inset=0.07 + 0.1 * n, width=2)
        _tag(left, columns_of[0], rows_of[0], LETTERS[n], look["color"])
        _box(right, [position[0]], [position[1]], look)
        _tag(right, position[1], position[0], LETTERS[n], look["color"])
        spans = []
        for taps, size in ((rows_of, shape[0]), (columns_of, shape[1])):
            spans.append(", ".join(str(t) for t in taps.tolist() if 0 <= t < size))
        reads = f"rows {spans[0]} and columns {spans[1]}" if all(spans) else "padding only"
        style.note(
            figure,
            style.MARGIN + 0.05,
            head + height + 0.12 + 0.24 * n,
            f"{LETTERS[n]}   output {list(position)} reads {reads}",
            fontsize=9,
            color=style.INK,
        )
    figure.alt = (
        f"{title or 'Windows'}: kernel {placed.size} on an image {shape}, stride {placed.stride}, "
        f"padding {((above, below), (before, after))}, dilation {placed.dilation}; "
        f"outputs {positions} marked."
    )
    return figure


@drawing
def touches(
    x, w, *, pixel=None, weight=None, output=None, stride=1, padding=0, dilation=1, title="", indices=True
):
    """Draw what one pixel, one weight or one output meets, linked across X, W and Z.

    What the reader sees: the chosen cell framed; every product it takes part in has a number, and the same
    number stands in the cell of X, of W and of Z which that product joins. Cells without a number have no
    part.

    Parameters
    ----------
    x : array_like, shape (H, W), or tuple (H, W)
        The image, or only its shape.
    w : array_like, shape (F_h, F_w), or tuple (F_h, F_w)
        The kernel, or only its shape.
    pixel, weight, output : (row, column)
        The chosen cell: exactly one of the three.
    stride, dilation : int or (int, int)
    padding : "same", "valid", int or (int, int)
    title : str
    indices : bool

    Returns
    -------
    Figure
    """
    array, shape = _image_and_shape(x, "x", "touches")
    kernel, kernel_shape = _image_and_shape(w, "w", "touches")
    placed = place_windows(
        "touches", shape, kernel_shape, stride=stride, padding=padding, dilation=dilation, what="kernel w"
    )
    chosen = {"pixel": pixel, "weight": weight, "output": output}
    given = [name for name, cell in chosen.items() if cell is not None]
    if len(given) != 1:
        raise ValueError(
            f"touches: give exactly one of pixel, weight and output; given: {', '.join(given) or 'none'}"
        )
    name = given[0]
    cell_of = {"pixel": shape, "weight": kernel_shape, "output": placed.count}
    at = _check_cell(chosen[name], cell_of[name], name, "touches")
    products = [
        (pix, off, out)
        for out, off, pix in _meetings(placed, shape)
        if {"pixel": pix, "weight": off, "output": out}[name] == at
    ]
    if name == "pixel":
        products.sort(key=lambda product: product[1])
    style.at_most(len(products), 60, name, "touches", ": take a smaller image")
    above, below, before, after = placed.padding
    rows, columns = shape[0] + above + below, shape[1] + before + after
    widths = [columns, kernel_shape[1], placed.count[1]]
    edge, gap = (0.3 if indices else 0.0), 0.5
    cell = cell_size(
        max(rows, placed.count[0], kernel_shape[0]), sum(widths), 0.44, 9.4 - 3 * edge - 2 * gap, 5.0
    )
    height = max(rows, kernel_shape[0], placed.count[0]) * cell
    width = 2 * style.MARGIN + sum(widths) * cell + 3 * edge + 2 * gap
    width = max(width, min(style.text_width(title, style.LARGE) + 0.3, 6.0), 5.5)
    head = style.heading_height(title, width) + 0.3 + (0.2 if indices else 0)
    figure = style.page(width, head + height + 0.42)
    style.heading(figure, title)
    left, axes = style.MARGIN, []
    for size, grid, values, kind, words, around in (
        (columns, shape, array, "value", "X", placed.padding),
        (kernel_shape[1], kernel_shape, kernel, "weight", "W", (0, 0, 0, 0)),
        (placed.count[1], placed.count, None, "value", "Z", (0, 0, 0, 0)),
    ):
        left += edge
        high = (grid[0] + around[0] + around[1]) * cell
        axes.append(
            _grid(
                figure,
                left,
                head + (height - high) / 2,
                grid,
                cell,
                values,
                kind=kind,
                title=words,
                indices=indices,
                padding=around,
            )
        )
        left += size * cell + gap
    look = GROUPS[0]
    cells = [{}, {}, {}]
    for n, product in enumerate(products, start=1):
        for part, place in zip(cells, product):
            part.setdefault(place, []).append(n)
    for which, (ax, part) in enumerate(zip(axes, cells)):
        is_chosen = ("pixel", "weight", "output")[which] == name
        plain = (array, kernel, None)[which] is None
        for place, numbers in part.items():
            ax.add_patch(
                Rectangle(
                    (place[1] - 0.5, place[0] - 0.5),
                    1,
                    1,
                    fc=style.tint(style.ACCENTS["orange"], 0.62),
                    ec=style.INKS["orange"],
                    lw=1,
                    zorder=1.4,
                    fill=plain,
                )
            )
            if not is_chosen and len(numbers) <= 2:
                _tag(
                    ax,
                    place[1],
                    place[0],
                    ", ".join(map(str, numbers)),
                    style.INKS["black"] if plain else style.INKS["blue"],
                    corner=not plain,
                    size=9 if plain else style.SMALLEST,
                )
        if is_chosen:
            _box(ax, [at[0]], [at[1]], look, width=3)
            if plain and part:
                ax.text(
                    at[1],
                    at[0],
                    "★",
                    ha="center",
                    va="center",
                    fontsize=11,
                    color=style.INK,
                    zorder=6,
                )
        elif not part:
            ax.text(
                0.5,
                0.5,
                "none",
                transform=ax.transAxes,
                ha="center",
                va="center",
                fontsize=9,
                color=style.GREY,
            )
    symbol = {"pixel": "X", "weight": "W", "output": "Z"}[name]
    count = len(products)
    words = f"{symbol}[{at[0]}, {at[1]}] takes part in {count} product{'' if count == 1 else 's'}"
    rule = "; equal numbers belong to the same product" if count > 1 else ""
    style.note(figure, style.MARGIN + 0.05, head + height + 0.12, words + rule, fontsize=9.5, color=style.INK)
    pairs = "; ".join(
        f"{n}: X{list(p)} W{list(o)} Z{list(z)}" for n, (p, o, z) in enumerate(products[:12], start=1)
    )
    figure.alt = f"{title + ': ' if title else ''}{words}. {pairs}".strip()
    return figure


@drawing
def tied_neurons(inputs, kernel, *, stride=1, padding=0, dilation=1, names=None, output=None, title=""):
    """Draw a convolution as neurons that share weights.

    What the reader sees: inputs at the left, outputs at the right, an edge wherever an input is read. Edges
    of the same weight have the same colour and dash, named at the right: few weights, many edges.

    Parameters
    ----------
    inputs : int or (int, int)
        Number of inputs, or (H, W) of an image, whose pixels are then listed row by row. At most 16 pixels.
    kernel : int or (int, int)
        Size of the kernel, at most nine weights.
    stride, dilation : int or (int, int)
    padding : int or (int, int)
        Padding has no neurons: those edges are left out.
    names : sequence of str, optional
        One a weight; by default ``W[0]``, ``W[1]``, … or ``W[0, 0]``, …
    output : int, optional
        Draw only this output's edges strongly, the others faintly.
    title : str

    Returns
    -------
    Figure
    """
    flat = isinstance(inputs, (int, np.integer))
    if flat:
        inputs, kernel, stride, dilation, padding = (
            (1, inputs),
            (1, kernel),
            (1, stride),
            (1, dilation),
            (0, padding),
        )
    shape = as_pair("tied_neurons", "inputs", inputs)
    size = as_pair("tied_neurons", "kernel", kernel)
    placed = place_windows(
        "tied_neurons", shape, size, stride=stride, padding=padding, dilation=dilation, what="kernel"
    )
    total = shape[0] * shape[1]
    style.at_most(total, 16, "inputs", "tied_neurons")
    offsets = placed.offsets()
    style.at_most(len(offsets), len(style.LINES), "kernel", "tied_neurons")
    label = (lambda name, i: f"{name}[{i[1]}]") if flat else (lambda name, i: f"{name}[{i[0]}, {i[1]}]")
    names = (
        same_length(names, len(offsets), "names", "tied_neurons")
        if names
        else [label("W", o) for o in offsets]
    )
    outputs = list(np.ndindex(placed.count))
    if output is not None and not 0 <= output < len(outputs):
        raise ValueError(f"tied_neurons: output must be 0 to {len(outputs) - 1}; it is {output}")
    step = 0.52 if total <= 9 else 0.42
    height = max(total, len(outputs), len(offsets) * 0.5) * step
    right = 1.75 + max(style.text_width(n, 9) for n in names)
    width = max(1.1 + 3.4 + right, min(style.text_width(title, style.LARGE) + 0.3, 6.0))
    head = style.heading_height(title, width) + 0.35
    figure = style.page(width, head + height + 0.12)
    style.heading(figure, title)
    ax = style.canvas(figure)
    x_in, x_out = 1.0, 4.2
    y_in = {p: head + height / 2 + (i - (total - 1) / 2) * step for i, p in enumerate(np.ndindex(shape))}
    spread = min(height / max(len(outputs), 1), step * 1.8)
    y_out = {o: head + height / 2 + (i - (len(outputs) - 1) / 2) * spread for i, o in enumerate(outputs)}
    meetings = _meetings(placed, shape)
    for out, offset, pixel in meetings:
        look = style.LINES[offsets.index(offset)]
        strong = output is None or outputs[output] == out
        ax.plot(
            [x_in + 0.13, x_out - 0.13],
            [y_in[pixel], y_out[out]],
            color=look["color"],
            ls=look["linestyle"],
            lw=2 if strong else 1,
            alpha=1 if strong else 0.22,
            zorder=2 if strong else 1,
        )
    for places, x, name, color, side in (
        (y_in, x_in, "X", style.tint(style.ACCENTS["blue"], 0.75), "right"),
        (y_out, x_out, "Z", style.tint(style.ACCENTS["orange"], 0.65), "left"),
    ):
        for place, y in places.items():
            ax.plot(x, y, "o", ms=15, mfc=color, mec=style.INK, mew=0.9, zorder=3)
            shift = -0.2 if side == "right" else 0.2
            ax.text(x + shift, y, label(name, place), ha=side, va="center", fontsize=9)
    for x, words in ((x_in, "inputs"), (x_out, "outputs")):
        ax.text(x, head - 0.16, words, ha="center", fontsize=9.5, color=style.GREY)
    x, gap = 5.35, min(0.28, height / len(offsets))
    y = head + height / 2 - (len(offsets) - 1) * gap / 2
    ax.text(x, y - gap, "shared weights", fontsize=9.5, color=style.GREY, va="center")
    for n, (name, look) in enumerate(zip(names, style.LINES)):
        ax.plot([x, x + 0.5], [y + n * gap] * 2, color=look["color"], ls=look["linestyle"], lw=2.4)
        ax.text(x + 0.6, y + n * gap, name, va="center", fontsize=9)
    figure.alt = (
        f"{title or 'Tied neurons'}: {total} inputs, {len(outputs)} outputs, {len(meetings)} edges, "
        f"{len(offsets)} weights."
    )
    return figure


@drawing
def rotation(
    kernel, *, title="", names=("W", "rows turned over", "and columns: W turned by 180°"), kind="weight"
):
    """Draw a kernel, its rows turned over, and the kernel turned by 180°.

    What the reader sees: three grids; the first entry of W carries a star, so that one can follow it from the
    upper left to the lower right corner.

    Parameters
    ----------
    kernel : array_like, shape (F_h, F_w)
    title : str
    names : (str, str, str)
        Titles of the three grids.
    kind : str
        See `matrix`.

    Returns
    -------
    Figure
    """
    kernel = as_array(kernel, "kernel", "rotation", 2, "a kernel (F_h, F_w)", finite=True)
    style.as_kind(kind, "rotation")
    names = same_length(names, 3, "names", "rotation")
    high, wide = kernel.shape
    cell = cell_size(high, 3 * wide, 0.52, 7.4, 3.5)
    slot = max(wide * cell, 1.5)
    width = max(3 * slot + 2 * 0.6 + 2 * style.MARGIN, min(style.text_width(title, style.LARGE) + 0.3, 6.0))
    head = style.heading_height(title, width) + 0.5
    figure = style.page(width, head + high * cell + 0.12)
    style.heading(figure, title)
    corners = [(0, 0), (high - 1, 0), (high - 1, wide - 1)]
    for n, (array, corner, name) in enumerate(
        zip((kernel, kernel[::-1], kernel[::-1, ::-1]), corners, names)
    ):
        left = style.MARGIN + n * (slot + 0.6) + (slot - wide * cell) / 2
        ax = _grid(figure, left, head, kernel.shape, cell, array, kind=kind, title=style.wrapped(name, slot))
        _box(ax, [corner[0]], [corner[1]], {"color": style.INK, "linestyle": "-"}, width=2.2)
        ax.text(
            corner[1] - 0.42,
            corner[0] - 0.42,
            "★",
            ha="left",
            va="top",
            fontsize=8,
            color=_on(ax, array, corner),
        )
        if n:
            style.note(
                figure,
                style.MARGIN + n * (slot + 0.6) - 0.3,
                head + high * cell / 2,
                "→",
                fontsize=16,
                color=style.INK,
                ha="center",
                va="center",
            )
    figure.alt = (
        f"{title or 'Rotation'}: a kernel {high} by {wide} and the same kernel turned by 180 degrees."
    )
    return figure


def _on(ax, array, cell):
    image = ax.images[0]
    return style.text_color(image.cmap(image.norm(float(array[cell]))))


@drawing
def routing(x, dz=None, *, size=2, stride=None, mode="max", title=""):
    """Draw where pooling sends each unit of gradient.

    What the reader sees: X with its windows outlined, the largest of each window ringed (the first in
    row-major order on a tie; average pooling rings nothing); dZ, one gradient a window, with the same
    letters; dX, the gradients where they arrive, with the letters of the windows that sent them. Rows and
    columns that no window reaches are hatched.

    Parameters
    ----------
    x : array_like, shape (H, W)
        One channel of the input.
    dz : array_like, shape (H_out, W_out), optional
        The upstream gradient; by default ones.
    size : int or (int, int)
    stride : int or (int, int), optional
        By default `size`.
    mode : {"max", "average"}
    title : str

    Returns
    -------
    Figure
    """
    x = as_array(x, "x", "routing", 2, "one channel (H, W)", finite=True)
    if mode not in ("max", "average"):
        raise ValueError(f'routing: mode must be "max" or "average"; it is {mode!r}')
    size = as_pair("routing", "size", size)
    stride = size if stride is None else stride
    placed = place_windows(
        "routing", x.shape, size, stride=stride, padding=0, dilation=1, what="window (size)"
    )
    style.at_most(placed.count[0] * placed.count[1], len(LETTERS), "x", "routing", " (windows)")
    dz = (
        np.ones(placed.count, dtype=int)
        if dz is None
        else as_array(dz, "dz", "routing", 2, f"of shape {placed.count}", finite=True)
    )
    if dz.shape != placed.count:
        raise ValueError(f"routing: dz must have shape {placed.count}; it is {dz.shape}")
    area = placed.size[0] * placed.size[1]
    dx = np.zeros(x.shape, dtype=np.result_type(dz, int) if mode == "max" else float)
    routes, reached = [], np.zeros(x.shape, dtype=bool)
    for out in np.ndindex(placed.count):
        rows, columns = _taps(placed, out)
        block = np.ix_(rows, columns)
        reached[block] = True
        if mode == "max":
            u, v = np.unravel_index(np.argmax(x[block]), placed.size)
            routes.append((out, (int(rows[u]), int(columns[v]))))
            dx[routes[-1][1]] += dz[out]
        else:
            dx[block] += dz[out] / area
    cell = cell_size(x.shape[0], 2 * x.shape[1] + placed.count[1], 0.5, 8.0, 4.5)
    gap = 0.62
    height = x.shape[0] * cell
    width = 2 * style.MARGIN + (2 * x.shape[1] + placed.count[1]) * cell + 2 * gap
    width = max(width, min(style.text_width(title, style.LARGE) + 0.3, 6.0), 4.6)
    head = style.heading_height(title, width) + 0.3
    figure = style.page(width, head + height + 0.2)
    style.heading(figure, title)
    left = style.MARGIN
    image = _grid(figure, left, head, x.shape, cell, x, title="X, windows outlined")
    left += x.shape[1] * cell + gap
    upstream = _grid(
        figure,
        left,
        head + (height - placed.count[0] * cell) / 2,
        placed.count,
        cell,
        dz,
        kind="gradient",
        title="dZ",
    )
    left += placed.count[1] * cell + gap
    downstream = _grid(figure, left, head, x.shape, cell, dx, kind="gradient", title="dX")
    overlap = any(s < f for s, f in zip(placed.stride, placed.size))
    arrivals = {}
    for n, out in enumerate(np.ndindex(placed.count)):
        rows, columns = _taps(placed, out)
        look = GROUPS[((out[0] % 2) * 2 + out[1] % 2) % len(GROUPS)]
        inset = 0.05 + (0.07 * ((out[0] % 2) * 2 + out[1] % 2) if overlap else 0.0)
        _box(image, rows, columns, look, inset=inset, width=1.9)
        _tag(image, columns[0] + inset, rows[0] + inset, LETTERS[n], look["color"])
        _box(upstream, [out[0]], [out[1]], look, inset=0.05, width=1.9)
        _tag(upstream, out[1] + 0.05, out[0] + 0.05, LETTERS[n], look["color"])
        if mode == "average":
            _box(downstream, rows, columns, look, inset=inset, width=1.9)
            _tag(downstream, columns[0] + inset, rows[0] + inset, LETTERS[n], look["color"])
        else:
            arrivals.setdefault(dict(routes)[out], []).append((LETTERS[n], look))
    ring = [Stroke(linewidth=3, foreground="white"), Normal()]
    for place, senders in arrivals.items():
        letters, look = ", ".join(letter for letter, _ in senders), senders[0][1]
        image.plot(
            place[1],
            place[0],
            "o",
            ms=cell * 72 * 0.66,
            mfc="none",
            mec=style.INK,
            mew=1.5,
            zorder=5,
            path_effects=ring,
        )
        _box(downstream, [place[0]], [place[1]], look, inset=0.05, width=1.9)
        _tag(
            downstream,
            place[1] + 0.05,
            place[0] + 0.05,
            letters,
            look["color"] if len(senders) == 1 else style.INK,
        )
    for row, column in np.argwhere(~reached):
        for ax in (image, downstream):
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", ec="#9a9a9a", lw=0, zorder=2
                )
            )
    figure.alt = (
        f"{title or 'Routing'}: {mode} pooling of {x.shape[0]} by {x.shape[1]}, {len(dz.ravel())} windows; "
        + (
            ", ".join(f"dZ{list(out)} to dX{list(place)}" for out, place in routes)
            or "each gradient shared by its window"
        )
    )
    return figure


@drawing
def shapes_chain(shapes, *, title="", columns=6):
    """Draw the chain of shapes of a network: a box a layer, arrows between.

    What the reader sees: names, the shape of what each layer passes on, and a note (parameters, say) under
    it.

    Parameters
    ----------
    shapes : sequence of (name, shape) or (name, shape, note)
        `shape` is a tuple of ints or a string. At most 24.
    title : str
    columns : int
        Boxes in a row.

    Returns
    -------
    Figure
    """
    boxes = []
    for i, entry in enumerate(shapes):
        if not isinstance(entry, (tuple, list)) or len(entry) not in (2, 3):
            raise ValueError(
                f"shapes_chain: shapes[{i}] must be (name, shape) or (name, shape, note); it is {entry!r}"
            )
        name, shape, *rest = entry
        shape = shape if isinstance(shape, str) else " × ".join(str(int(n)) for n in np.atleast_1d(shape))
        boxes.append((str(name), shape, str(rest[0]) if rest else ""))
    if not boxes:
        raise ValueError("shapes_chain: shapes is empty")
    style.at_most(len(boxes), 24, "shapes", "shapes_chain")
    columns = min(columns, len(boxes))
    wide = max(
        max(style.text_width(n, 9.5), style.text_width(s, 9), style.text_width(o, 8.5)) for n, s, o in boxes
    )
    wide = min(max(wide + 0.2, 0.95), (9.5 - 0.34 * (columns - 1)) / columns)
    gap, high = 0.34, 0.78 if any(o for _, _, o in boxes) else 0.58
    rows = math.ceil(len(boxes) / columns)
    width = max(columns * (wide + gap) + 0.1, min(style.text_width(title, style.LARGE) + 0.3, 6.0))
    head = style.heading_height(title, width) + 0.08
    figure = style.page(width, head + rows * high + (rows - 1) * 0.34 + 0.1)
    style.heading(figure, title)
    ax = style.canvas(figure)
    for i, (name, shape, words) in enumerate(boxes):
        row, column = divmod(i, columns)
        x, y = style.MARGIN + column * (wide + gap), head + row * (high + 0.34)
        ends = i in (0, len(boxes) - 1)
        ax.add_patch(
            FancyBboxPatch(
                (x, y),
                wide,
                high,
                boxstyle="round,pad=0,rounding_size=0.07",
                ec=style.INK if ends else style.FRAME,
                fc=style.tint(style.ACCENTS["blue"], 0.9),
                lw=1.2 if ends else 0.9,
            )
        )
        lines = [(name, 9.5, style.INK, "bold"), (shape, 9, style.INK, "normal")]
        lines += [(words, 8.5, style.GREY, "normal")] if high > 0.6 else []
        for n, (text, size, color, weight) in enumerate(lines):
            ax.text(
                x + wide / 2,
                y + (n + 0.5) * high / len(lines) + 0.02,
                text,
                ha="center",
                va="center",
                fontsize=size,
                color=color,
                fontweight=weight,
            )
        arrow = {
            "arrowstyle": "-|>,head_width=2,head_length=4",
            "color": style.GREY,
            "lw": 1.2,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        if i + 1 < len(boxes):
            if column + 1 < columns:
                points = (x + wide + 0.04, y + high / 2), (x + wide + gap - 0.04, y + high / 2)
                ax.add_patch(FancyArrowPatch(*points, **arrow))
            else:
                turn = y + high + 0.17
                start = style.MARGIN + wide / 2
                ax.plot(
                    [x + wide / 2, x + wide / 2, start],
                    [y + high + 0.02, turn, turn],
                    color=style.GREY,
                    lw=1.2,
                )
                ax.add_patch(FancyArrowPatch((start, turn), (start, y + high + 0.32), **arrow))
    figure.alt = f"{title or 'Shapes'}: " + " → ".join(f"{name} {shape}" for name, shape, _ in boxes)
    return figure


@drawing
def tensor_blocks(filters=20, channels=3, *, title="", channel_names=None):
    """Draw K filters of depth C regrouped into C filters of depth K: what the backward pass does to W.

    What the reader sees: every kernel W[:, :, c, k] is one small square, tinted, hatched and lettered by its
    channel c and numbered by its filter k. Forward, a frame holds the C squares of one filter; backward, a
    frame holds the K squares of one channel, each turned by 180°.

    Parameters
    ----------
    filters : int
        K, 2 to 32.
    channels : int
        C, 1 to 6.
    title : str
    channel_names : sequence of str, optional
        One letter a channel; by default R, G, B for three, else 0, 1, …

    Returns
    -------
    Figure
    """
    if not 2 <= filters <= 32 or not 1 <= channels <= 6:
        raise ValueError(
            f"tensor_blocks: filters must be 2 to 32 and channels 1 to 6; they are {filters} and {channels}"
        )
    if channel_names is None:
        channel_names = ["R", "G", "B"] if channels == 3 else [str(c) for c in range(channels)]
    names = same_length(channel_names, channels, "channel_names", "tensor_blocks")
    side = min(0.36, 8.2 / filters - 0.07)
    gap = 0.07
    left = 1.15
    width = left + filters * (side + gap) + 0.2
    width = max(width, min(style.text_width(title, style.LARGE) + 0.3, 6.0), 7.2)
    head = style.heading_height(title, width)
    block = channels * (side + gap)
    figure = style.page(width, head + 0.32 + 2 * block + 0.62 + (channels - 1) * 0.12 + 0.05)
    style.heading(figure, title)
    ax = style.canvas(figure)
    looks = [
        ("vermillion", "///"),
        ("green", "..."),
        ("blue", "\\\\\\"),
        ("orange", "xxx"),
        ("purple", "---"),
        ("sky", ""),
    ]

    def square(x, y, c, k, turned):
        name, hatch = looks[c]
        color = style.tint(style.ACCENTS[name], 0.62)
        ax.add_patch(
            Rectangle(
                (x, y), side, side, fc=color, ec=style.tint(style.ACCENTS[name], 0.1), lw=0.8, hatch=hatch
            )
        )
        ax.text(
            x + side / 2,
            y + side / 2,
            str(k),
            ha="center",
            va="center",
            fontsize=8,
            rotation=180 if turned else 0,
            bbox={"boxstyle": "square,pad=0.1", "fc": color, "ec": "none"},
        )

    y = head + 0.32
    ax.text(
        style.MARGIN,
        y - 0.14,
        f"forward: {filters} filters of depth {channels}, one Z channel each",
        fontsize=9.5,
        va="center",
    )
    for c in range(channels):
        ax.text(
            left - 0.12,
            y + c * (side + gap) + side / 2,
            f"channel {names[c]}",
            ha="right",
            va="center",
            fontsize=9,
        )
        for k in range(filters):
            square(left + k * (side + gap), y + c * (side + gap), c, k, False)
    for k in range(filters):
        ax.add_patch(
            Rectangle(
                (left + k * (side + gap) - 0.03, y - 0.03),
                side + 0.06,
                block - gap + 0.06,
                fill=False,
                ec=style.INK,
                lw=1.3,
            )
        )
    y += block + 0.62
    ax.text(
        style.MARGIN,
        y - 0.2,
        f"backward: {channels} filters of depth {filters}, one dX channel each, every kernel turned by 180°",
        fontsize=9.5,
        va="center",
    )
    for c in range(channels):
        top = y + c * (side + gap + 0.12)
        ax.text(left - 0.12, top + side / 2, f"dX {names[c]}", ha="right", va="center", fontsize=9)
        for k in range(filters):
            square(left + k * (side + gap), top, c, k, True)
        ax.add_patch(
            Rectangle(
                (left - 0.03, top - 0.03),
                filters * (side + gap) - gap + 0.06,
                side + 0.06,
                fill=False,
                ec=style.INK,
                lw=1.3,
            )
        )
    figure.alt = (
        f"{title or 'Kernels regrouped'}: {filters} filters of depth {channels} forward, "
        f"{channels} filters of depth {filters} backward."
    )
    return figure


# Computational graph ------------------------------------------------------------------------------------


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


@drawing
def graph(nodes, edges, *, title="", gradient_name="gradient", key=True):
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
    gradient_name : str
        What the key calls the numbers below.
    key : bool
        Explain above and below in one line under the graph.

    Returns
    -------
    Figure
    """
    if not isinstance(nodes, dict) or not nodes:
        raise ValueError("graph: nodes must be a dict of name → value and not empty")
    style.at_most(len(nodes), 30, "nodes", "graph")
    table = {}
    for name, entry in nodes.items():
        if isinstance(entry, dict):
            unknown = set(entry) - {"label", "value", "gradient", "at"}
            if unknown:
                raise ValueError(f"graph: nodes[{name!r}] has unknown keys {sorted(unknown)}")
            entry = dict(entry)
        elif isinstance(entry, tuple):
            if len(entry) != 2:
                raise ValueError(
                    f"graph: nodes[{name!r}] must be (value, gradient); it has {len(entry)} entries"
                )
            entry = {"value": entry[0], "gradient": entry[1]}
        else:
            entry = {"value": entry}
        entry["label"] = str(entry.get("label", name))
        table[name] = entry
    links = []
    for edge in edges:
        if len(edge) not in (2, 3):
            raise ValueError(f"graph: edges must be (from, to) or (from, to, derivative); one is {edge!r}")
        for end in edge[:2]:
            if end not in table:
                raise ValueError(f"graph: edges names {end!r}, which is not in nodes {list(table)}")
        links.append((edge[0], edge[1], edge[2] if len(edge) == 3 else None))
    column, before, after = _columns_of(list(table), [(a, b) for a, b, _ in links])
    row = _rows_of(list(table), column, before, after)
    for name, entry in table.items():
        if entry.get("at") is not None:
            column[name], row[name] = entry["at"]

    def said(value):
        return None if value is None else value if isinstance(value, str) else style.number(value)

    texts = [said(e.get("value")) or "" for e in table.values()] + [
        "∂ " + (said(e.get("gradient")) or "") for e in table.values()
    ]
    box_width = max(0.62, max(style.text_width(e["label"], 10.5) for e in table.values()) + 0.24)
    slot = max(box_width, max(style.text_width(t, 10) for t in texts))
    local = max((style.text_width(said(d), 9) for _, _, d in links if d is not None), default=0.0)
    count = max(column.values()) - min(column.values()) + 1
    first = min(column.values())
    step = slot + max(0.5, local + 0.3)
    step = max(box_width + 0.3, min(step, (style.MAX_WIDTH - slot - 0.3) / max(count - 1, 1)))
    rows = list(row.values())
    pitch = 1.12
    width = max(
        (count - 1) * step + slot + 0.3,
        min(style.text_width(title, style.LARGE) + 0.3, 6.0),
        4.4 if key else 2.0,
    )
    head = style.heading_height(title, width) + 0.1
    height = (max(rows) - min(rows)) * pitch + 1.0
    figure = style.page(width, head + height + (0.28 if key else 0.0))
    style.heading(figure, title)
    ax = style.canvas(figure)
    x_of = {n: 0.15 + slot / 2 + (column[n] - first) * step for n in table}
    y_of = {n: head + 0.5 + (row[n] - min(rows)) * pitch for n in table}
    high = 0.4
    value_color, gradient_color = style.INKS["blue"], style.INKS["vermillion"]
    for a, b, derivative in links:
        start, end = (x_of[a] + box_width / 2, y_of[a]), (x_of[b] - box_width / 2, y_of[b])
        ax.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=11,
                color=style.GREY,
                lw=1.2,
                shrinkA=1,
                shrinkB=1,
                zorder=1,
            )
        )
        if derivative is not None:
            where = 0.42
            ax.text(
                start[0] + where * (end[0] - start[0]),
                start[1] + where * (end[1] - start[1]),
                said(derivative),
                fontsize=9,
                color=gradient_color,
                ha="center",
                va="center",
                zorder=2,
                style="italic",
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
            )
    for name, entry in table.items():
        x, y = x_of[name], y_of[name]
        is_input = not before[name]
        ax.add_patch(
            FancyBboxPatch(
                (x - box_width / 2, y - high / 2),
                box_width,
                high,
                zorder=3,
                lw=1.2,
                ec=style.INK,
                boxstyle="square,pad=0" if is_input else "round,pad=0,rounding_size=0.12",
                fc="#ffffff" if is_input else style.tint(style.ACCENTS["yellow"], 0.72),
            )
        )
        ax.text(x, y, entry["label"], ha="center", va="center", fontsize=10.5, zorder=4)
        for key_name, color, shift, va, prefix in (
            ("value", value_color, -high / 2 - 0.05, "bottom", ""),
            ("gradient", gradient_color, high / 2 + 0.05, "top", "∂ "),
        ):
            text = said(entry.get(key_name))
            if text is not None:
                ax.text(
                    x,
                    y + shift,
                    prefix + text,
                    ha="center",
                    va=va,
                    fontsize=10,
                    color=color,
                    fontweight="bold",
                    zorder=4,
                    bbox={"boxstyle": "square,pad=0.08", "fc": "white", "ec": "none"},
                )
    if key:
        has_gradient = any(e.get("gradient") is not None for e in table.values())
        words = "above: value (forward, left to right)"
        style.note(figure, 0.15, head + height + 0.02, words, color=value_color, fontsize=9)
        if has_gradient:
            style.note(
                figure,
                0.15 + style.text_width(words, 9) * 0.98 + 0.15,
                head + height + 0.02,
                f"below ∂: {gradient_name} (backward)",
                color=gradient_color,
                fontsize=9,
            )
    figure.alt = f"{title or 'Computational graph'}: " + "; ".join(
        " ".join(
            [name, *(f"{what} {said(e[what])}" for what in ("value", "gradient") if e.get(what) is not None)]
        )
        for name, e in table.items()
    )
    return figure
