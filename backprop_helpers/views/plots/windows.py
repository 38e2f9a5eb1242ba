"""Where a window stands on an image, what a cell takes part in, and which weights are shared."""

import numpy as np

from backprop_helpers.layers import conv_forward
from backprop_helpers.layers._validate import as_pair
from backprop_helpers.layers._windows import place_windows

from . import _style as style
from ._cells import GROUPS, LETTERS, cell_inside, fill_cells, frame, lettered_frame, row_of_grids, tag, write
from ._style import CENTERED, as_array, drawing

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


# A window at one or more outputs ------------------------------------------------------------------------


@drawing
def windows(x, w, *, positions, stride=1, padding=0, bias=0, title=""):
    """Draw where a kernel's window stands for some outputs of a cross-correlation, and what it reads.

    What the reader sees: at the left the image, its padding as pale hatched cells, each window as an outline
    with a letter; at the right the output, the same letters in the cells which those windows make.

    `x` is an image (H, W) and `w` a kernel (F_h, F_w); `positions` are one to four outputs, (row, column);
    `stride`, `padding` and `bias` are as `conv_forward` takes them.
    """
    x, w = (as_array(a, name, "windows", 2, "a matrix", finite=True) for a, name in ((x, "x"), (w, "w")))
    geometry = {"stride": stride, "padding": padding, "dilation": 1}
    placed = place_windows("windows", x.shape, w.shape, **geometry, what="kernel w")
    if not 1 <= len(positions) <= len(GROUPS):
        expected = f"one to {len(GROUPS)} output positions"
        raise ValueError(f"windows: positions must be {expected}; it has {len(positions)}")
    positions = [cell_inside(position, placed.count, "positions", "windows") for position in positions]
    z, _ = conv_forward(x[None, ..., None].astype(float), w[..., None, None], np.full(1, bias), **geometry)
    look = {"padding": placed.padding, "gap": 0.75, "largest": 0.44, "least": 4.4}
    look |= {"title": title, "foot": 0.24 * len(positions) + 0.2}
    figure, axes, below = row_of_grids([x, z[0, ..., 0]], ["input", "output"], ["value"] * 2, **look)
    arrow = {"fontsize": 18, "color": style.INK} | CENTERED
    left, middle = axes[0].get_position(), figure.get_size_inches()
    style.note(figure, left.x1 * middle[0] + 0.355, (1 - (left.y0 + left.y1) / 2) * middle[1], "→", **arrow)
    reads = read_by(placed, x.shape)
    for n, (position, group) in enumerate(zip(positions, GROUPS)):
        window = reads(position)
        frame(axes[0], *window, group, inset=0.07 * n)
        tag(axes[0], min(window[0]), min(window[1]), LETTERS[n], group["color"])
        lettered_frame(axes[1], [position[0]], [position[1]], LETTERS[n], group)
        words = f"{LETTERS[n]}   output {list(position)} reads {_in_words(*window, x.shape)}"
        style.note(figure, style.MARGIN + 0.05, below + 0.24 * n, words, fontsize=9, color=style.INK)
    figure.alt = (
        f"{title or 'Windows'}: kernel {placed.size} on an image {x.shape}, stride {placed.stride}, "
        f"padding {placed.padding[:2], placed.padding[2:]}, dilation {placed.dilation}; "
        f"outputs {positions} marked."
    )
    return figure


def _in_words(rows, columns, shape):
    spans = [", ".join(str(i) for i in read if 0 <= i < size) for read, size in zip((rows, columns), shape)]
    return f"rows {spans[0]} and columns {spans[1]}" if all(spans) else "padding only"


# What one cell meets ------------------------------------------------------------------------------------

SYMBOLS = {"pixel": "X", "weight": "W", "output": "Z"}


@drawing
def touches(x, w, *, pixel=None, weight=None, output=None, stride=1, padding=0, dilation=1, title=""):
    """Draw what one pixel, one weight or one output meets, linked across X, W and Z.

    What the reader sees: the chosen cell framed; every product it takes part in has a number, and the same
    number stands in the cell of X, of W and of Z which that product joins. Cells without a number have no
    part.

    `x` is an image (H, W), `w` a kernel (F_h, F_w). Exactly one of `pixel`, `weight` and `output` is given,
    the (row, column) of the chosen cell; `stride`, `padding` and `dilation` are as `conv_forward` takes them.
    """
    x, w = (as_array(a, name, "touches", 2, "a matrix") for a, name in ((x, "x"), (w, "w")))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    placed = place_windows("touches", x.shape, w.shape, **geometry, what="kernel w")
    given = {"pixel": pixel, "weight": weight, "output": output}
    name, at = _chosen(given, {"pixel": x.shape, "weight": w.shape, "output": placed.count})
    met = _met(placed, x.shape, name, at)
    look = {"padding": placed.padding, "gap": 0.5, "largest": 0.44, "least": 5.5, "foot": 0.42}
    arrays, kinds = [x, w, np.zeros(placed.count)], ["value", "weight", "plain"]
    figure, axes, below = row_of_grids(arrays, "XWZ", kinds, title=title, **look)
    for part, ax, cells in zip(SYMBOLS, axes, zip(*met) if met else [(), (), ()]):
        _number_cells(ax, cells, numbered=part != name, plain=part == "output")
        if part == name:
            frame(ax, [at[0]], [at[1]], GROUPS[0], width=3)
            if part == "output" and met:
                write(ax, *at, "★", fontsize=11, color=style.INK, zorder=6)
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


def _number_cells(ax, cells, numbered, plain):
    """Tint the cells of the products, and write in each the numbers of at most two of them."""
    numbers = {}
    for n, cell in enumerate(cells, start=1):
        numbers.setdefault(cell, []).append(n)
    tint = style.tint(style.ACCENTS["orange"], 0.62)
    fill_cells(ax, numbers, fill=plain, fc=tint, ec=style.INKS["orange"], lw=1, zorder=1.4)
    color, size = (style.INKS["black"], 9) if plain else (style.INKS["blue"], style.SMALLEST)
    for cell, own in numbers.items():
        if numbered and len(own) <= 2:
            tag(ax, *cell, ", ".join(map(str, own)), color, corner=not plain, size=size)
    if numbered and not numbers:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, fontsize=9, color=style.GREY, **CENTERED)


# Shared weights -----------------------------------------------------------------------------------------

X_IN, X_OUT, X_KEY = 1.0, 4.2, 5.35  # inches: neurons at the left, at the right, and the weights' names


@drawing
def tied_neurons(inputs, kernel, *, stride=1, dilation=1, title=""):
    """Draw a convolution of a row of pixels as neurons that share weights.

    What the reader sees: `inputs` neurons at the left, at most 16, outputs at the right, an edge wherever an
    input is read. Edges of the same weight, of `kernel`, at most nine, have the same colour and dash, named
    at the right: few weights, many edges. `stride` and `dilation` are integers.
    """
    shape, size = (
        as_pair("tied_neurons", name, (1, n)) for name, n in (("inputs", inputs), ("kernel", kernel))
    )
    geometry = {"stride": (1, stride), "padding": 0, "dilation": (1, dilation)}
    placed = place_windows("tied_neurons", shape, size, **geometry, what="kernel")
    style.at_most(inputs, 16, "inputs", "tied_neurons")
    style.at_most(kernel, len(style.LINES), "kernel", "tied_neurons")
    edges, outputs = products(placed, shape), placed.count[1]
    step = 0.52 if inputs <= 9 else 0.42
    height = max(inputs, outputs, kernel * 0.5) * step
    figure, head = style.titled(6.25 + style.text_width("W[0]", 9), height + 0.12, title, above=0.35)
    ax, middle = style.canvas(figure), head + height / 2
    y_in = middle + (np.arange(inputs) - (inputs - 1) / 2) * step
    y_out = middle + (np.arange(outputs) - (outputs - 1) / 2) * min(height / outputs, step * 1.8)
    for (_, j), (_, v), (_, i) in edges:
        _draw_edge(ax, [X_IN + 0.13, X_OUT - 0.13], [y_in[j], y_out[i]], v)
    above = head - 0.16
    _draw_neurons(ax, X_IN, y_in, "X", "blue", "inputs", above)
    _draw_neurons(ax, X_OUT, y_out, "Z", "orange", "outputs", above)
    _name_weights(ax, kernel, middle, min(0.28, height / kernel))
    figure.alt = (
        f"{title or 'Tied neurons'}: {inputs} inputs, {outputs} outputs, {len(edges)} edges, "
        f"{kernel} weights."
    )
    return figure


def _draw_edge(ax, x, y, v, width=2):
    ax.plot(x, y, color=style.LINES[v]["color"], ls=style.LINES[v]["linestyle"], lw=width, zorder=2)


def _draw_neurons(ax, x, heights, name, color, words, above):
    shift, side = (-0.2, "right") if x == X_IN else (0.2, "left")
    fill = style.tint(style.ACCENTS[color], 0.75 if color == "blue" else 0.65)
    for n, y in enumerate(heights):
        ax.plot(x, y, "o", ms=15, mfc=fill, mec=style.INK, mew=0.9, zorder=3)
        ax.text(x + shift, y, f"{name}[{n}]", ha=side, va="center", fontsize=9)
    ax.text(x, above, words, ha="center", fontsize=9.5, color=style.GREY)


def _name_weights(ax, count, middle, gap):
    y = middle - (count - 1) * gap / 2
    ax.text(X_KEY, y - gap, "shared weights", fontsize=9.5, color=style.GREY, va="center")
    for v in range(count):
        _draw_edge(ax, [X_KEY, X_KEY + 0.5], [y + v * gap] * 2, v, width=2.4)
        ax.text(X_KEY + 0.6, y + v * gap, f"W[{v}]", va="center", fontsize=9)
