"""Where pooling sends each unit of gradient."""

import numpy as np
from matplotlib.patheffects import Normal, Stroke

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.layers._validate import as_pair
from backprop_helpers.layers._windows import place_windows

from . import _style as style
from ._cells import GROUPS, LETTERS, fill_cells, frame, lettered_frame, row_of_grids, tag
from ._style import as_array, drawing
from .windows import read_by


@drawing
def routing(x, dz, *, size=2, stride=None, mode="max", title=""):
    """Draw where pooling sends each unit of gradient.

    What the reader sees: X with its windows outlined, the largest of each window ringed (the first in
    row-major order on a tie; average pooling rings nothing); dZ, one gradient a window, with the same
    letters; dX, the gradients where they arrive, with the letters of the windows that sent them. Rows and
    columns that no window reaches are hatched.

    `x` is one channel, (H, W), of at most 26 windows, `dz` the upstream gradient, (H_out, W_out); `size`,
    `stride` and `mode` are as `pool_forward` takes them.
    """
    x = as_array(x, "x", "routing", 2, "one channel (H, W)", finite=True)
    if mode not in ("max", "average"):
        raise ValueError(f'routing: mode must be "max" or "average"; it is {mode!r}')
    size = as_pair("routing", "size", size)
    geometry = {"stride": size if stride is None else stride, "padding": 0, "dilation": 1}
    placed = place_windows("routing", x.shape, size, **geometry, what="window (size)")
    style.at_most(placed.count[0] * placed.count[1], len(LETTERS), "x", "routing", " (windows)")
    dz = as_array(dz, "dz", "routing", 2, f"of shape {placed.count}", finite=True)
    if dz.shape != placed.count:
        raise ValueError(f"routing: dz must have shape {placed.count}; it is {dz.shape}")
    winners, dx = _pooled(x, dz, placed, mode)
    look = {"title": title, "edge": 0.0, "gap": 0.62, "largest": 0.5, "least": 4.6, "foot": 0.2}
    titles, kinds = ("X, windows outlined", "dZ", "dX"), ("value", "gradient", "gradient")
    figure, axes, _ = row_of_grids([x, dz, dx], titles, kinds, **look)
    _draw_windows(axes, placed, x.shape, winners)
    _hatch_unread(axes, placed, x.shape)
    sent = [f"dZ{list(output)} to dX{list(pixel)}" for output, pixel in winners.items()]
    size = f"{x.shape[0]} by {x.shape[1]}, {dz.size} windows"
    ways = ", ".join(sent) or "each gradient shared by its window"
    figure.alt = f"{title or 'Routing'}: {mode} pooling of {size}; {ways}"
    return figure


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


def _draw_windows(axes, placed, shape, winners):
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
        _ring(image, pixel)
        _letter_arrival(downstream, pixel, *zip(*sent))


def _ring(ax, pixel):
    cell = ax.get_position().height * ax.figure.get_figheight() / len(ax.images[0].get_array())
    look = {"ms": cell * 72 * 0.66, "mfc": "none", "mec": style.INK, "mew": 1.5, "zorder": 5}
    ax.plot(pixel[1], pixel[0], "o", path_effects=[Stroke(linewidth=3, foreground="white"), Normal()], **look)


def _letter_arrival(ax, pixel, letters, looks):
    frame(ax, [pixel[0]], [pixel[1]], looks[0], inset=0.05, width=1.9)
    color = looks[0]["color"] if len(looks) == 1 else style.INK
    tag(ax, pixel[0] + 0.05, pixel[1] + 0.05, ", ".join(letters), color)


def _hatch_unread(axes, placed, shape):
    """Hatch the pixels that no window reads."""
    unread = np.ones(shape, dtype=bool)
    for u, v in placed.offsets():
        unread[placed.pixels_under(u, v)[1:]] = False
    for ax in (axes[0], axes[2]):
        fill_cells(ax, np.argwhere(unread), fill=False, hatch="////", ec="#9a9a9a", lw=0, zorder=2)
