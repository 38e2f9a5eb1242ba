"""Where a window stands on an image, what a cell takes part in, and which weights are shared."""

import numpy as np
from matplotlib.patches import Rectangle

from backprop_helpers.layers import conv_forward
from backprop_helpers.layers._validate import as_pair
from backprop_helpers.layers._windows import place_windows

from . import _style as style
from ._cells import GROUPS, LETTERS, NO_PADDING, array_or_shape, cell_inside, frame, grid, lettered_frame, tag
from ._style import as_array, drawing
from .heatmaps import cell_size

# What is read -------------------------------------------------------------------------------------------


def read_by(placed, image):
    """Return a function from an output to the rows and the columns of the image (H, W) that its window reads.

    They are s·z + d·w − p: in the padding negative, or too large.
    """
    (H, W), (F_h, F_w), (top, bottom, left, right) = image, placed.size, placed.padding
    rows, columns = np.arange(-top, H + bottom), np.arange(-left, W + right)
    under = [rows[placed.pixels_under(u, 0)[1]] for u in range(F_h)]
    beside = [columns[placed.pixels_under(0, v)[2]] for v in range(F_w)]
    return lambda output: (
        [int(row[output[0]]) for row in under],
        [int(column[output[1]]) for column in beside],
    )


def products(placed, image):
    """Return (pixel, weight, output), each a (row, column), of every product whose pixel is no padding."""
    reads, found = read_by(placed, image), []
    for output in np.ndindex(placed.count):
        rows, columns = reads(output)
        for u, v in placed.offsets():
            if 0 <= rows[u] < image[0] and 0 <= columns[v] < image[1]:
                found.append(((rows[u], columns[v]), (u, v), output))
    return found


def _padded(shape, padding):
    return shape[0] + padding[0] + padding[1], shape[1] + padding[2] + padding[3]


# A window at one or more outputs ------------------------------------------------------------------------


@drawing
def windows(image, kernel, *, positions=((0, 0),), stride=1, padding=0, dilation=1, title="", bias=0):
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
    stride, padding, dilation
        As `conv_forward` takes them.
    title : str
    bias : float
        Added to every output.

    Returns
    -------
    Figure
    """
    array, shape = array_or_shape(image, "image", "windows")
    weights, size = _kernel_and_size(kernel)
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    placed = place_windows("windows", shape, size, **geometry, what="kernel")
    positions = _positions(positions, placed.count)
    output = None if array is None or weights is None else _output(array, weights, bias, geometry)
    figure, axes, below = _image_and_output(array, shape, output, placed, len(positions), title)
    _draw_windows(figure, axes, below, placed, shape, positions)
    above, below, before, after = placed.padding
    figure.alt = (
        f"{title or 'Windows'}: kernel {placed.size} on an image {shape}, stride {placed.stride}, "
        f"padding {((above, below), (before, after))}, dilation {placed.dilation}; "
        f"outputs {positions} marked."
    )
    return figure


def _kernel_and_size(kernel):
    """Return (array or None, size)."""
    if isinstance(kernel, (int, np.integer, tuple)) and np.ndim(kernel) < 2:
        return None, as_pair("windows", "kernel", kernel)
    weights = as_array(kernel, "kernel", "windows", 2, "a kernel (F_h, F_w) or its size", finite=True)
    return weights, weights.shape


def _positions(positions, count):
    if not 1 <= len(positions) <= len(GROUPS):
        raise ValueError(
            f"windows: positions must be one to {len(GROUPS)} output positions; it has {len(positions)}"
        )
    return [cell_inside(position, count, "positions", "windows") for position in positions]


def _output(array, weights, bias, geometry):
    x, w = array[None, ..., None].astype(float), weights[..., None, None].astype(float)
    z, _ = conv_forward(x, w, np.array([float(bias)]), **geometry)
    return z[0, ..., 0]


def _image_and_output(array, shape, output, placed, count, title):
    """Draw the two grids; return the figure, their axes and where the `count` lines below begin."""
    (rows, columns), (rows_out, columns_out) = _padded(shape, placed.padding), placed.count
    cell = cell_size(max(rows, rows_out), columns + columns_out, 0.44, 7.6, 5.0)
    edge, middle = 0.3, 0.75
    width = 2 * style.MARGIN + 2 * edge + (columns + columns_out) * cell + middle
    width = max(width, style.title_width(title), 4.4)
    head = style.heading_height(title, width) + 0.3 + 0.2
    height = max(rows, rows_out) * cell
    figure = style.page(width, head + height + 0.24 * count + 0.1 + 0.1)
    style.heading(figure, title)
    left = style.MARGIN + edge
    top = head + (height - rows * cell) / 2
    look = {"title": "input", "indices": True, "padding": placed.padding}
    image = grid(figure, left, top, shape, cell, array, **look)
    left += columns * cell + middle + edge
    top = head + (height - rows_out * cell) / 2
    made = grid(figure, left, top, placed.count, cell, output, title="output", indices=True)
    arrow = {"fontsize": 18, "color": style.INK, "ha": "center", "va": "center"}
    style.note(figure, left - edge - middle / 2 - 0.02, head + height / 2, "→", **arrow)
    return figure, (image, made), head + height + 0.12


def _draw_windows(figure, axes, below, placed, shape, positions):
    """Outline each window and its output, and say in a line what it reads."""
    image, made = axes
    dilated, reads = max(placed.dilation) > 1, read_by(placed, shape)
    for n, (position, look) in enumerate(zip(positions, GROUPS)):
        rows, columns = reads(position)
        frame(image, rows, columns, look, inset=0.07 * n, width=1.2 if dilated else 2.4)
        if dilated:  # the window has holes: frame the cells that are read
            for row in rows:
                for column in columns:
                    frame(image, [row], [column], look, inset=0.07 + 0.1 * n, width=2)
        tag(image, rows[0], columns[0], LETTERS[n], look["color"])
        lettered_frame(made, [position[0]], [position[1]], LETTERS[n], look)
        spans = [
            ", ".join(str(i) for i in read if 0 <= i < size) for read, size in zip((rows, columns), shape)
        ]
        read = f"rows {spans[0]} and columns {spans[1]}" if all(spans) else "padding only"
        words = f"{LETTERS[n]}   output {list(position)} reads {read}"
        style.note(figure, style.MARGIN + 0.05, below + 0.24 * n, words, fontsize=9, color=style.INK)


# What one cell meets ------------------------------------------------------------------------------------

SYMBOLS = {"pixel": "X", "weight": "W", "output": "Z"}


@drawing
def touches(x, w, *, pixel=None, weight=None, output=None, stride=1, padding=0, dilation=1, title=""):
    """Draw what one pixel, one weight or one output meets, linked across X, W and Z.

    What the reader sees: the chosen cell framed; every product it takes part in has a number, and the same
    number stands in the cell of X, of W and of Z which that product joins. Cells without a number have no
    part.

    Parameters
    ----------
    x, w : array_like, shape (H, W) and (F_h, F_w), or the tuple of that shape
    pixel, weight, output : (row, column)
        The chosen cell: exactly one of the three.
    stride, padding, dilation
        As `conv_forward` takes them.
    title : str

    Returns
    -------
    Figure
    """
    array, shape = array_or_shape(x, "x", "touches")
    kernel, size = array_or_shape(w, "w", "touches")
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    placed = place_windows("touches", shape, size, **geometry, what="kernel w")
    given = {"pixel": pixel, "weight": weight, "output": output}
    name, at = _chosen(given, {"pixel": shape, "weight": size, "output": placed.count})
    met = _met(placed, shape, name, at)
    figure, axes, below = _three_grids(
        (array, kernel, None), (shape, size, placed.count), placed.padding, title
    )
    plain = [array is None, kernel is None, True]
    for part, ax, drawn_plain, cells in zip(SYMBOLS, axes, plain, zip(*met) if met else [(), (), ()]):
        _number_cells(ax, cells, numbered=part != name, plain=drawn_plain)
        if part == name:
            _mark_chosen(ax, at, star=drawn_plain and bool(met))
    said = f"{SYMBOLS[name]}[{at[0]}, {at[1]}] takes part in {len(met)} product{'' if len(met) == 1 else 's'}"
    rule = "; equal numbers belong to the same product" if len(met) > 1 else ""
    style.note(figure, style.MARGIN + 0.05, below, said + rule, fontsize=9.5, color=style.INK)
    pairs = [f"{n}: X{list(p)} W{list(o)} Z{list(z)}" for n, (p, o, z) in enumerate(met[:12], start=1)]
    figure.alt = f"{title + ': ' if title else ''}{said}. {'; '.join(pairs)}".strip()
    return figure


def _chosen(given, shapes):
    """Return the name and the place of the one cell that is given."""
    names = [name for name, cell in given.items() if cell is not None]
    if len(names) != 1:
        raise ValueError(
            f"touches: give exactly one of pixel, weight and output; given: {', '.join(names) or 'none'}"
        )
    (name,) = names
    return name, cell_inside(given[name], shapes[name], name, "touches")


def _met(placed, shape, name, at):
    """Return the products that the cell `at` takes part in, a pixel's in the order of its weights."""
    which = list(SYMBOLS).index(name)
    met = [product for product in products(placed, shape) if product[which] == at]
    style.at_most(len(met), 60, name, "touches", ": take a smaller image")
    return sorted(met, key=lambda product: product[1]) if name == "pixel" else met


def _three_grids(arrays, shapes, padding, title):
    """Draw X, W and Z; return the figure, the three axes and where the line below begins."""
    paddings = [padding, NO_PADDING, NO_PADDING]
    rows, columns = zip(*map(_padded, shapes, paddings))
    edge, gap = 0.3, 0.5
    cell = cell_size(max(rows), sum(columns), 0.44, 9.4 - 3 * edge - 2 * gap, 5.0)
    width = 2 * style.MARGIN + sum(columns) * cell + 3 * edge + 2 * gap
    width = max(width, style.title_width(title), 5.5)
    head = style.heading_height(title, width) + 0.3 + 0.2
    height = max(rows) * cell
    figure = style.page(width, head + height + 0.42)
    style.heading(figure, title)
    left, axes = style.MARGIN + edge, []
    for n, kind in enumerate(("value", "weight", "value")):
        top = head + (height - rows[n] * cell) / 2
        look = {"kind": kind, "title": "XWZ"[n], "indices": True, "padding": paddings[n]}
        axes.append(grid(figure, left, top, shapes[n], cell, arrays[n], **look))
        left += columns[n] * cell + gap + edge
    return figure, axes, head + height + 0.12


def _number_cells(ax, cells, numbered, plain):
    """Tint the cells of the products, and write in each the numbers of at most two of them."""
    numbers = {}
    for n, cell in enumerate(cells, start=1):
        numbers.setdefault(cell, []).append(n)
    look = {"fc": style.tint(style.ACCENTS["orange"], 0.62), "ec": style.INKS["orange"], "lw": 1}
    color, size = (style.INKS["black"], 9) if plain else (style.INKS["blue"], style.SMALLEST)
    for (row, column), own in numbers.items():
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, zorder=1.4, fill=plain, **look))
        if numbered and len(own) <= 2:
            tag(ax, row, column, ", ".join(map(str, own)), color, corner=not plain, size=size)
    if numbered and not numbers:
        look = {"ha": "center", "va": "center", "fontsize": 9, "color": style.GREY}
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, **look)


def _mark_chosen(ax, at, star):
    frame(ax, [at[0]], [at[1]], GROUPS[0], width=3)
    if star:
        ax.text(at[1], at[0], "★", ha="center", va="center", fontsize=11, color=style.INK, zorder=6)


# Shared weights -----------------------------------------------------------------------------------------

X_IN, X_OUT, X_KEY = (
    1.0,
    4.2,
    5.35,
)  # inches: the neurons at the left and at the right, and the weights' names


@drawing
def tied_neurons(inputs, kernel, *, stride=1, padding=0, dilation=1, title=""):
    """Draw a convolution of a row of pixels as neurons that share weights.

    What the reader sees: inputs at the left, outputs at the right, an edge wherever an input is read. Edges
    of the same weight have the same colour and dash, named at the right: few weights, many edges.

    Parameters
    ----------
    inputs : int
        Number of inputs, at most 16.
    kernel : int
        Number of weights, at most nine.
    stride, padding, dilation : int
        Padding has no neurons: those edges are left out.
    title : str

    Returns
    -------
    Figure
    """
    geometry = {"stride": (1, stride), "padding": (0, padding), "dilation": (1, dilation)}
    shape, size = (
        as_pair("tied_neurons", "inputs", (1, inputs)),
        as_pair("tied_neurons", "kernel", (1, kernel)),
    )
    placed = place_windows("tied_neurons", shape, size, **geometry, what="kernel")
    style.at_most(inputs, 16, "inputs", "tied_neurons")
    style.at_most(kernel, len(style.LINES), "kernel", "tied_neurons")
    edges = products(placed, shape)
    figure = _draw_tied(inputs, kernel, placed.count[1], edges, title)
    figure.alt = (
        f"{title or 'Tied neurons'}: {inputs} inputs, {placed.count[1]} outputs, {len(edges)} edges, "
        f"{kernel} weights."
    )
    return figure


def _draw_tied(inputs, kernel, outputs, edges, title):
    step = 0.52 if inputs <= 9 else 0.42
    height = max(inputs, outputs, kernel * 0.5) * step
    names = [f"W[{v}]" for v in range(kernel)]
    width = max(1.1 + 3.4 + 1.75 + max(style.text_width(n, 9) for n in names), style.title_width(title))
    head = style.heading_height(title, width) + 0.35
    figure = style.page(width, head + height + 0.12)
    style.heading(figure, title)
    ax, middle = style.canvas(figure), head + height / 2
    y_in = middle + (np.arange(inputs) - (inputs - 1) / 2) * step
    y_out = middle + (np.arange(outputs) - (outputs - 1) / 2) * min(height / outputs, step * 1.8)
    for (_, j), (_, v), (_, i) in edges:
        look = {"color": style.LINES[v]["color"], "ls": style.LINES[v]["linestyle"]}
        ax.plot([X_IN + 0.13, X_OUT - 0.13], [y_in[j], y_out[i]], lw=2, zorder=2, **look)
    _draw_neurons(ax, y_in, y_out, head - 0.16)
    _name_weights(ax, names, middle, min(0.28, height / kernel))
    return figure


def _draw_neurons(ax, y_in, y_out, above):
    blue, orange = style.tint(style.ACCENTS["blue"], 0.75), style.tint(style.ACCENTS["orange"], 0.65)
    for heights, x, name, color, shift, side in (
        (y_in, X_IN, "X", blue, -0.2, "right"),
        (y_out, X_OUT, "Z", orange, 0.2, "left"),
    ):
        for n, y in enumerate(heights):
            ax.plot(x, y, "o", ms=15, mfc=color, mec=style.INK, mew=0.9, zorder=3)
            ax.text(x + shift, y, f"{name}[{n}]", ha=side, va="center", fontsize=9)
    for x, words in ((X_IN, "inputs"), (X_OUT, "outputs")):
        ax.text(x, above, words, ha="center", fontsize=9.5, color=style.GREY)


def _name_weights(ax, names, middle, gap):
    y = middle - (len(names) - 1) * gap / 2
    ax.text(X_KEY, y - gap, "shared weights", fontsize=9.5, color=style.GREY, va="center")
    for n, (name, look) in enumerate(zip(names, style.LINES)):
        ax.plot([X_KEY, X_KEY + 0.5], [y + n * gap] * 2, color=look["color"], ls=look["linestyle"], lw=2.4)
        ax.text(X_KEY + 0.6, y + n * gap, name, va="center", fontsize=9)
