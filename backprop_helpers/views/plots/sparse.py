"""A matrix whose entries repeat the same few weights."""

import numpy as np
from matplotlib.patches import Rectangle

from . import _style as style
from ._style import as_array, drawing, same_length
from .heatmaps import cell_size, cell_texts, draw_frame, draw_labels


@drawing
def sparse_matrix(a, identity=None, *, title="", names=None, row_labels=None, col_labels=None):
    """Draw a matrix whose entries repeat the same few weights: Toeplitz structure, im2col.

    What the reader sees: every weight in its own tint and hatching wherever it stands, its name or number in
    the cell, structural zeros left white with a faint dot. A weight that was zero by chance is still tinted.

    Parameters
    ----------
    a : array_like, shape (R, C)
        The matrix.
    identity : array_like of int, shape (R, C), optional
        Which weight stands in each cell: 0, 1, 2, … and −1 for none. By default equal numbers count as one
        weight and zeros as none.
    title : str
    names : sequence of str, optional
        Write these names (one a weight) instead of the numbers, and list them in no legend.
    row_labels, col_labels : sequence of str, optional
        E.g. ``["Z[0, 0]", …]`` and ``["X[0, 0]", …]``; column labels are turned when long.

    Returns
    -------
    Figure
    """
    a = as_array(a, "a", "sparse_matrix", 2, "a matrix (rows, columns)", finite=True)
    rows, columns = a.shape
    if identity is None:
        known, identity = np.unique(a, return_inverse=True)
        order = {index: rank for rank, index in enumerate(i for i, value in enumerate(known) if value != 0)}
        identity = np.array([order.get(int(i), -1) for i in np.ravel(identity)]).reshape(a.shape)
    else:
        identity = as_array(identity, "identity", "sparse_matrix", 2, f"integers of shape {a.shape}")
        if identity.shape != a.shape or identity.dtype.kind not in "iu":
            raise ValueError(
                f"sparse_matrix: identity must be integers of shape {a.shape}; "
                f"it is {identity.dtype} of shape {identity.shape}"
            )
    count = int(identity.max()) + 1
    if names is not None:
        names = same_length(names, count, "names", "sparse_matrix")
    row_labels = None if row_labels is None else same_length(row_labels, rows, "row_labels", "sparse_matrix")
    col_labels = (
        None if col_labels is None else same_length(col_labels, columns, "col_labels", "sparse_matrix")
    )
    left = max((style.text_width(r, style.SMALL) for r in row_labels or [""]), default=0) + 0.1
    cell = cell_size(rows, columns, 0.46, 9.4 - left, 8.0)
    turned = col_labels is not None and any(style.text_width(c, style.SMALL) > cell for c in col_labels)
    above = 0.0
    if col_labels is not None:
        above = max(style.text_width(c, style.SMALL) for c in col_labels) if turned else 0.2
    width = left + max(columns * cell, min(style.text_width(title), 5.0)) + 2 * style.MARGIN
    title = style.wrapped(title, width - 0.2)
    top = above + 0.2 * (title.count("\n") + 1 if title else 0) + 0.15
    figure = style.page(width, top + rows * cell + 0.15)
    ax = style.panel(figure, style.MARGIN + left, top, columns * cell, rows * cell)
    palette = [style.tint(style.ACCENTS[name], 0.5) for name in WEIGHT_COLORS]
    colors = np.ones((rows, columns, 3))
    for index in range(count):
        colors[identity == index] = palette[index % len(palette)]
    ax.imshow(colors, interpolation="nearest", aspect="equal")
    draw_frame(ax, rows, columns, borders=cell >= 0.1)
    readable = cell >= LEAST_CELL
    texts, size = None, None
    if readable and names is None:
        texts, size, _ = cell_texts(a, cell, None if style.power_of_ten(a) == 0 else 2)
    elif readable:
        longest = max(len(str(name)) for name in names)
        size = min(11.0, (cell * 72 - 3) / (0.62 * longest))
        texts = np.array([[names[i] if i >= 0 else "" for i in row] for row in identity], dtype=object)
        if size < style.SMALLEST:
            texts = None
    if cell >= 2 * LEAST_CELL:
        ax.plot(*np.nonzero(identity < 0)[::-1], ".", color="#c4c4c4", markersize=2.2)
    for row, column in np.argwhere(identity >= 0) if readable else ():
        index = identity[row, column]
        if index >= len(palette) or texts is None:
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5),
                    1,
                    1,
                    fill=False,
                    lw=0,
                    ec="#707070",
                    alpha=0.6,
                    hatch=style.HATCHES[
                        (index // len(palette) if texts is not None else index) % len(style.HATCHES)
                    ],
                )
            )
        if texts is not None:
            ax.text(
                column,
                row,
                texts[row, column],
                ha="center",
                va="center",
                fontsize=size,
                color=style.text_color(colors[row, column]),
                zorder=3,
            )
    draw_labels(ax, a.shape, row_labels, col_labels)
    if turned:
        ax.tick_params(axis="x", labelrotation=90)
    ax.set_title(title)
    zeros = int((identity < 0).sum())
    figure.alt = f"{title or 'Sparse matrix'}: {rows} by {columns}, {count} different weights, {zeros} zeros."
    return figure


LEAST_CELL = 0.06  # inches: what is smaller has a colour alone
WEIGHT_COLORS = ["blue", "orange", "green", "purple", "sky", "vermillion", "yellow", "black"]
