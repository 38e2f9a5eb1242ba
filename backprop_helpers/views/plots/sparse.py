"""A matrix whose entries repeat the same few weights."""

import numpy as np

from . import _style as style
from ._cells import cell_size, cell_texts, draw_frame, draw_labels, fill_cells, write
from ._style import as_array, drawing, same_length

LEAST_CELL = 0.06  # inches: what is smaller has a colour alone
TINTS = ("blue", "orange", "green", "purple", "sky", "vermillion", "yellow", "black")


@drawing
def sparse_matrix(a, identity=None, *, title="", names=None, row_labels=None, col_labels=None):
    """Draw a matrix whose entries repeat the same few weights: Toeplitz structure, im2col.

    What the reader sees: every weight in its own tint and hatching wherever it stands, its name or number in
    the cell, structural zeros left white with a faint dot. A weight that was zero by chance is still tinted.

    - a: the matrix, (R, C)
    - identity: which weight stands in each cell, 0, 1, 2, … and −1 for none, (R, C); by default equal numbers
      count as one weight and zeros as none
    - names: of the weights, to be written instead of the numbers
    - row_labels, col_labels: such as ``["Z[0, 0]", …]``; column labels are turned when long
    """
    a = as_array(a, "a", "sparse_matrix", 2, "a matrix (rows, columns)", finite=True)
    identity = _as_identity(identity, a)
    count = int(identity.max()) + 1
    names, *labels = (
        None if given is None else [str(word) for word in same_length(given, n, name, "sparse_matrix")]
        for name, given, n in (
            ("names", names, count),
            ("row_labels", row_labels, a.shape[0]),
            ("col_labels", col_labels, a.shape[1]),
        )
    )
    figure, ax, cell = _sheet(a.shape, labels, title)
    palette = np.array([(1.0, 1.0, 1.0), *(style.tint(style.ACCENTS[name], 0.5) for name in TINTS)])
    colors = palette[np.where(identity < 0, 0, identity % len(TINTS) + 1)]
    ax.imshow(colors, aspect="equal")
    draw_frame(ax, *a.shape, borders=cell >= 0.1)
    texts, size = _texts(a, identity, names, cell)
    if cell >= 2 * LEAST_CELL:
        ax.plot(*np.nonzero(identity < 0)[::-1], ".", color="#c4c4c4", markersize=2.2)
    for weight in range(count) if cell >= LEAST_CELL else ():
        cells = np.argwhere(identity == weight)
        turn = weight if texts is None else weight // len(TINTS)  # tints alone tell the first eight apart
        if texts is None or turn:
            hatch = style.HATCHES[turn % len(style.HATCHES)]
            fill_cells(ax, cells, fill=False, lw=0, ec="#707070", alpha=0.6, hatch=hatch)
        for row, column in cells if texts is not None else ():
            ink = style.text_color(colors[row, column])
            write(ax, row, column, texts[row, column], fontsize=size, color=ink)
    draw_labels(ax, a.shape, *labels)
    zeros = int((identity < 0).sum())
    figure.alt = (
        f"{title or 'Sparse matrix'}: {a.shape[0]} by {a.shape[1]}, {count} different weights, {zeros} zeros."
    )
    return figure


def _as_identity(identity, a):
    """Return which weight stands where, checked; by default, of equal numbers."""
    if identity is None:
        weights = np.unique(a[a != 0])
        return np.where(a == 0, -1, np.searchsorted(weights, a))
    identity = as_array(identity, "identity", "sparse_matrix", 2, f"integers of shape {a.shape}")
    if identity.shape != a.shape or identity.dtype.kind not in "iu":
        came = f"it is {identity.dtype} of shape {identity.shape}"
        raise ValueError(f"sparse_matrix: identity must be integers of shape {a.shape}; {came}")
    return identity


def _sheet(shape, labels, title):
    """Return a page with its title and its axes, and the side of a cell, in inches."""
    rows, columns = shape
    widths = [[style.text_width(word, style.SMALL) for word in words or [""]] for words in labels]
    left = max(widths[0]) + 0.1
    cell = cell_size(rows, columns, 0.46, 9.4 - left, 8.0)
    turned = max(widths[1]) > cell
    above = max(widths[1]) if turned else 0.2 if labels[1] else 0.0
    width = left + max(columns * cell, min(style.text_width(title), 5.0)) + 2 * style.MARGIN
    title = style.wrapped(title, width - 0.2)
    top = above + 0.2 * (title.count("\n") + 1 if title else 0) + 0.15
    figure = style.page(width, top + rows * cell + 0.15)
    ax = style.panel(figure, style.MARGIN + left, top, columns * cell, rows * cell)
    ax.set_title(title)
    ax.tick_params(axis="x", labelrotation=90 if turned else 0)
    return figure, ax, cell


def _texts(a, identity, names, cell):
    """Return what is written into the cells and its size; None where nothing fits."""
    if cell < LEAST_CELL:
        return None, None
    if names is None:
        return cell_texts(a, cell, None if style.power_of_ten(a) == 0 else 2)[:2]
    size = min(11.0, (cell * 72 - 3) / (0.62 * max(map(len, names))))
    return (np.array([*names, ""], dtype=object)[identity], size) if size >= style.SMALLEST else (None, None)
