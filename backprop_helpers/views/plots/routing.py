"""Where pooling sends each unit of gradient."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.layers._validate import as_pair
from backprop_helpers.layers._windows import place_windows

from . import _style as style
from ._cells import GROUPS, LETTERS, frame, grid, lettered_frame, tag
from ._style import as_array, drawing
from .heatmaps import cell_size
from .windows import read_by


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
    size, stride, mode
        As `pool_forward` takes them.
    title : str

    Returns
    -------
    Figure
    """
    x = as_array(x, "x", "routing", 2, "one channel (H, W)", finite=True)
    if mode not in ("max", "average"):
        raise ValueError(f'routing: mode must be "max" or "average"; it is {mode!r}')
    placed, dz = _windows_and_gradient(x, dz, size, stride)
    winners, dx = _pooled(x, dz, placed, mode)
    figure, axes, cell = _three_grids(x, dz, dx, title)
    _draw_windows(axes, placed, x.shape, winners, cell)
    _hatch_unread(axes, placed, x.shape)
    sent = [f"dZ{list(output)} to dX{list(pixel)}" for output, pixel in winners.items()]
    size = f"{x.shape[0]} by {x.shape[1]}, {dz.size} windows"
    ways = ", ".join(sent) or "each gradient shared by its window"
    figure.alt = f"{title or 'Routing'}: {mode} pooling of {size}; {ways}"
    return figure


def _windows_and_gradient(x, dz, size, stride):
    """Return where the windows stand, and dz, checked."""
    size = as_pair("routing", "size", size)
    geometry = {"stride": size if stride is None else stride, "padding": 0, "dilation": 1}
    placed = place_windows("routing", x.shape, size, **geometry, what="window (size)")
    style.at_most(placed.count[0] * placed.count[1], len(LETTERS), "x", "routing", " (windows)")
    if dz is None:
        return placed, np.ones(placed.count, dtype=int)
    dz = as_array(dz, "dz", "routing", 2, f"of shape {placed.count}", finite=True)
    if dz.shape != placed.count:
        raise ValueError(f"routing: dz must have shape {placed.count}; it is {dz.shape}")
    return placed, dz


def _pooled(x, dz, placed, mode):
    """Return {output: the pixel that won its window}, empty for an average, and dX."""
    x, dz = x[None, ..., None].astype(float), dz[None, ..., None].astype(float)
    _, cache = pool_forward(x, size=placed.size, stride=placed.stride, mode=mode)
    dx = pool_backward(dz, cache)[0, ..., 0]
    if mode == "average":
        return {}, dx
    reads, winners = read_by(placed, x.shape[1:3]), {}
    for (_, i, j, _), place in np.ndenumerate(cache.winner):
        (rows, columns), (u, v) = reads((i, j)), divmod(int(place), placed.size[1])
        winners[i, j] = rows[u], columns[v]
    return winners, dx


def _three_grids(x, dz, dx, title):
    """Draw X, dZ and dX; return the figure, the three axes and the side of a cell."""
    (rows, columns), columns_out = x.shape, dz.shape[1]
    cell, gap = cell_size(rows, 2 * columns + columns_out, 0.5, 8.0, 4.5), 0.62
    width = 2 * style.MARGIN + (2 * columns + columns_out) * cell + 2 * gap
    width = max(width, style.title_width(title), 4.6)
    head = style.heading_height(title, width) + 0.3
    figure = style.page(width, head + rows * cell + 0.2)
    style.heading(figure, title)
    left, axes = style.MARGIN, []
    for array, name, kind in (
        (x, "X, windows outlined", "value"),
        (dz, "dZ", "gradient"),
        (dx, "dX", "gradient"),
    ):
        top = head + (rows - len(array)) * cell / 2
        axes.append(grid(figure, left, top, array.shape, cell, array, kind=kind, title=name))
        left += array.shape[1] * cell + gap
    return figure, axes, cell


def _draw_windows(axes, placed, shape, winners, cell):
    """Outline and letter the windows on X, their gradients on dZ and, where these arrive, dX."""
    image, upstream, downstream = axes
    overlap = any(s < f for s, f in zip(placed.stride, placed.size))
    reads, senders = read_by(placed, shape), {}
    for letter, output in zip(LETTERS, np.ndindex(placed.count)):
        group = (output[0] % 2) * 2 + output[1] % 2
        window, look = reads(output), GROUPS[group]
        inset = 0.05 + (0.07 * group if overlap else 0.0)
        lettered_frame(image, *window, letter, look, inset, width=1.9)
        lettered_frame(upstream, [output[0]], [output[1]], letter, look, inset=0.05, width=1.9)
        if winners:
            senders.setdefault(winners[output], []).append((letter, look))
        else:
            lettered_frame(downstream, *window, letter, look, inset, width=1.9)
    for pixel, sent in senders.items():
        _ring(image, pixel, cell)
        _letter_arrival(downstream, pixel, *zip(*sent))


def _ring(ax, pixel, cell):
    look = {"ms": cell * 72 * 0.66, "mfc": "none", "mec": style.INK, "mew": 1.5, "zorder": 5}
    ax.plot(pixel[1], pixel[0], "o", path_effects=[Stroke(linewidth=3, foreground="white"), Normal()], **look)


def _letter_arrival(ax, pixel, letters, looks):
    frame(ax, [pixel[0]], [pixel[1]], looks[0], inset=0.05, width=1.9)
    color = looks[0]["color"] if len(looks) == 1 else style.INK
    tag(ax, pixel[0] + 0.05, pixel[1] + 0.05, ", ".join(letters), color)


def _hatch_unread(axes, placed, shape):
    """Hatch the pixels that no window reads."""
    read = np.zeros(shape, dtype=bool)
    for u, v in placed.offsets():
        read[placed.pixels_under(u, v)[1:]] = True
    for row, column in np.argwhere(~read):
        for ax in (axes[0], axes[2]):
            look = {"fill": False, "hatch": "////", "ec": "#9a9a9a", "lw": 0, "zorder": 2}
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **look))
