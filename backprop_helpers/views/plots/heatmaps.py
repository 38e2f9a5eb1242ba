"""Matrices as heat maps with their numbers in the cells."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from . import _style as style
from ._style import as_array, as_kind, drawing, same_length

NUMBERED_UP_TO = 26  # columns or rows; beyond, no number would fit
INDEXED_UP_TO = 14
SMALL_SIGNS = "⋆∗·"  # drawn larger, to weigh as much as the others


# Parts, used by the other modules too -------------------------------------------------------------------


def cell_size(rows, columns, largest=0.5, width=9.0, height=6.0):
    """Return the side of a cell in inches: `largest`, or what lets the grid fit in `width` × `height`."""
    return min(largest, width / columns, height / rows)


def cell_texts(a, cell, decimals=None, forced=False):
    """Return (texts, font size, exponent) that fit cells of `cell` inches; (None, None, 0) when nothing fits.

    Nothing is written below 8 points. Fewer decimals are tried before giving up. Tiny numbers are written in
    units of 10 to the `exponent`. With `forced` the numbers are written at the smallest size.
    """
    exponent = 0 if decimals is not None else style.power_of_ten(a)
    if exponent:
        a = np.asarray(a, dtype=float) / 10.0**exponent
    exact = style.decimals_for(a)
    tries = (
        [decimals] if decimals is not None else sorted({exact, min(exact, 2), min(exact, 1)}, reverse=True)
    )
    for count in tries:
        texts = style.written(a, count)
        if (
            decimals is None
            and count < exact
            and any(float(t.replace("−", "-").replace("∞", "inf")) == 0 for t in texts[np.asarray(a) != 0])
        ):
            break  # a number that is not 0 would read 0
        longest = max(len(text) for text in texts.flat)
        size = min(11.0, (cell * 72 - 3) / (0.64 * longest), cell * 72 * 0.5)
        if size >= style.SMALLEST:
            return texts, size, exponent
    return (style.written(a, tries[0]), style.SMALLEST, exponent) if forced else (None, None, 0)


def draw_frame(ax, rows, columns, *, borders):
    """Set the limits of a grid of cells, draw its frame and, if asked, the thin borders of its cells."""
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set(visible=True, color=style.FRAME, linewidth=0.8)
    if borders:
        lines = [[(x - 0.5, -0.5), (x - 0.5, rows - 0.5)] for x in range(1, columns)]
        lines += [[(-0.5, y - 0.5), (columns - 0.5, y - 0.5)] for y in range(1, rows)]
        ax.add_collection(LineCollection(lines, colors=style.HAIR, linewidths=0.6, zorder=1.5))


def draw_cells(
    ax, a, *, kind="value", scale=None, limit=None, numbers=None, decimals=None, cell, borders=None
):
    """Draw the matrix `a` in `ax`, with numbers when they fit cells of `cell` inches; return the image.

    The colour scale is that of `scale` (by default of `a`), up to `limit` if given. Entries that are NaN or
    infinite are hatched.
    """
    rows, columns = a.shape
    values = np.asarray(a, dtype=float)
    finite = np.isfinite(values)
    image = ax.imshow(
        np.where(finite, values, np.nan),
        cmap=style.MAPS[kind],
        norm=style.norm(a if scale is None else scale, kind, limit),
        interpolation="nearest",
        aspect="equal",
    )
    draw_frame(ax, rows, columns, borders=borders or (borders is None and cell >= 0.16))
    if max(rows, columns) <= 64:
        for row, column in np.argwhere(~finite):
            ax.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="xxxx", ec="#b0b0b0", lw=0)
            )
    if numbers or (numbers is None and max(rows, columns) <= NUMBERED_UP_TO):
        texts, size, exponent = cell_texts(a, cell, decimals, forced=bool(numbers))
        if exponent:
            ax.annotate(
                f"all {style.raised(exponent)}",
                (1, 0),
                xycoords="axes fraction",
                xytext=(0, -3),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=style.SMALL,
                color=style.GREY,
            )
        if texts is not None:
            for (row, column), text in np.ndenumerate(texts):
                color = (
                    style.text_color(image.cmap(image.norm(values[row, column])))
                    if finite[row, column]
                    else "#000000"
                )
                box = None if finite[row, column] else {"fc": "white", "ec": "none", "pad": 0.6}
                ax.text(
                    column,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=size,
                    color=color,
                    bbox=box,
                    zorder=3,
                )
    return image


def draw_labels(ax, shape, row_labels=None, col_labels=None, indices=False):
    """Label rows at the left and columns above; with `indices`, by their zero-based index."""
    rows, columns = shape
    if indices:
        row_labels = range(rows) if row_labels is None and rows > 1 else row_labels
        col_labels = range(columns) if col_labels is None and columns > 1 else col_labels
    ax.tick_params(length=0, pad=3, labelsize=style.SMALL, labelcolor=style.GREY)
    if col_labels is not None:
        ax.xaxis.tick_top()
        ax.set_xticks(range(columns), [str(label) for label in col_labels])
        ax.tick_params(axis="x", length=0)
    if row_labels is not None:
        ax.set_yticks(range(rows), [str(label) for label in row_labels])


def as_cells(cells, shape, name, function):
    """Return a boolean mask from a mask, or a list of (row, column)."""
    given = np.asarray(cells)
    if given.dtype == bool:
        if given.shape != shape:
            raise ValueError(f"{function}: {name} as a mask must have shape {shape}; it has {given.shape}")
        return given
    mask = np.zeros(shape, dtype=bool)
    for row, column in cells:
        if not (0 <= row < shape[0] and 0 <= column < shape[1]):
            raise ValueError(
                f"{function}: {name} has the cell {(row, column)}, outside a matrix of shape {shape}"
            )
        mask[row, column] = True
    return mask


def outline_of(mask):
    """Return the outline of a region of cells as line segments, straight runs joined."""
    padded = np.pad(mask, 1).astype(int)
    lines = []
    for y, change in enumerate(np.diff(padded, axis=0)[:, 1:-1] != 0):
        lines += [[(start - 0.5, y - 0.5), (stop - 0.5, y - 0.5)] for start, stop in runs(change)]
    for x, change in enumerate((np.diff(padded, axis=1)[1:-1, :] != 0).T):
        lines += [[(x - 0.5, start - 0.5), (x - 0.5, stop - 0.5)] for start, stop in runs(change)]
    return lines


def runs(flags):
    """Return (start, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, dtype=int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def draw_outlines(ax, cells, shape, function):
    """Outline the highlighted cells."""
    lines = outline_of(as_cells(cells, shape, "highlight", function))
    collection = LineCollection(lines, colors=style.INKS["black"], linewidths=2.4, zorder=4, capstyle="butt")
    collection.set_path_effects([Stroke(linewidth=4.4, foreground="white"), Normal()])
    collection.set_clip_on(False)
    ax.add_collection(collection)


def color_key(figure, image, left, top, width=1.6):
    """Draw a slim colour scale with its ends (and 0) written under it."""
    low, high = image.norm.vmin, image.norm.vmax
    ax = style.panel(figure, left, top, width, 0.09)
    ax.imshow(
        np.linspace(low, high, 128)[None, :],
        cmap=image.cmap,
        norm=image.norm,
        aspect="auto",
        extent=(low, high, 0, 1),
    )
    ticks = [low, 0, high] if low < 0 < high else [low, high]
    if low < 0 < high and (min(-low, high) / (high - low)) < 0.25 and -low != high:
        ticks = [low, high]  # the 0 would touch an end's label
    ax.set_xticks(ticks, [style.number(float(f"{tick:.2g}")) for tick in ticks])
    ax.set_yticks([])
    ax.tick_params(length=0, pad=2, labelsize=style.SMALLEST)
    for spine in ax.spines.values():
        spine.set(visible=True, color=style.FRAME, linewidth=0.6)
    align_ends(ax)
    return ax


def align_ends(ax):
    """Let the first and last tick label end where the axis ends, so that none hangs over."""
    labels = ax.get_xticklabels()
    labels[0].set_ha("left")
    labels[-1].set_ha("right")


def spoken(a, name=""):
    """Describe a matrix in words: its numbers when it is small and whole, else its shape."""
    size = f"{a.shape[0]} by {a.shape[1]}"
    name = f"{name}, " if name else ""
    if a.size <= 36 and np.isfinite(a).all() and style.decimals_for(a) == 0:
        return f"{name}{size}: " + "; ".join(" ".join(str(int(v)) for v in row) for row in a)
    return f"{name}{size}"


# Figures ------------------------------------------------------------------------------------------------


def _as_matrix(a, name, function):
    a = as_array(
        a, name, function, (1, 2), "a matrix (rows, columns) or a vector; pick one with e.g. x[0, :, :, 0]"
    )
    return a[None, :] if a.ndim == 1 else a


@drawing
def matrix(
    a,
    *,
    title="",
    kind="value",
    numbers=None,
    row_labels=None,
    col_labels=None,
    indices=None,
    limit=None,
    ax=None,
):
    """Draw one matrix as a heat map, the numbers in the cells.

    What the reader sees: pale to dark for values; blue, white, red around zero for gradients and weights;
    thin cell borders; indices or labels at the left and above.

    Parameters
    ----------
    a : array_like, shape (R, C) or (C,)
        Real numbers or booleans. NaN and infinity are hatched and written as such.
    title : str
        Title in words, such as ``"dW: one gradient a weight"``.
    kind : {"value", "gradient", "weight", "digit", "mask", "plain"}
        What the numbers are; it chooses the colours. "plain" leaves the cells white.
    numbers : bool, optional
        Write the numbers; by default when they fit at 8 points or more.
    row_labels, col_labels : sequence of str, optional
        Labels of the rows and columns.
    indices : bool, optional
        Label rows and columns with their zero-based index; by default for matrices of up to 14 rows and
        columns when no labels are given.
    limit : float, optional
        Largest value of the colour scale, to share it between figures.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Figure
    """
    a = _as_matrix(a, "a", "matrix")
    as_kind(kind, "matrix")
    rows, columns = a.shape
    row_labels = None if row_labels is None else same_length(row_labels, rows, "row_labels", "matrix")
    col_labels = None if col_labels is None else same_length(col_labels, columns, "col_labels", "matrix")
    if indices is None:
        indices = row_labels is None and col_labels is None and max(rows, columns) <= INDEXED_UP_TO
    left = 0.0
    if row_labels is not None or indices:
        left = 0.12 + max((style.text_width(r, style.SMALL) for r in row_labels or [rows]), default=0)
    if ax is None:
        cell = cell_size(rows, columns, 0.5 if max(rows, columns) <= 26 else 0.12, 9.2 - left)
        if numbers:
            longest = max(len(text) for text in style.written(a).flat)
            cell = max(cell, (0.64 * longest * style.SMALLEST + 4) / 72)
            if cell * columns > style.MAX_WIDTH:
                raise ValueError(f"matrix: numbers=True does not fit {columns} columns; use fewer")
        width = max(columns * cell, 1.2)
        page_width = left + max(width, min(3.4, style.text_width(title))) + 2 * style.MARGIN + 0.1
        title = style.wrapped(title, page_width - left - 0.2)
        lines = title.count("\n") + 1 if title else 0
        top = 0.1 + 0.2 * lines + (0.22 if col_labels or indices else 0)
        figure = style.page(page_width, top + rows * cell + 0.5)
        ax = style.panel(figure, style.MARGIN + left, top, columns * cell, rows * cell)
    else:
        figure = ax.figure
        box = ax.get_position()
        cell = min(box.width * figure.get_figwidth() / columns, box.height * figure.get_figheight() / rows)
        title = style.wrapped(title, max(box.width * figure.get_figwidth() + 0.5, 1.5))
    image = draw_cells(ax, a, kind=kind, limit=limit, numbers=numbers, cell=cell)
    draw_labels(ax, a.shape, row_labels, col_labels, indices)
    ax.set_title(title, loc="left" if columns * cell < 0.8 * style.text_width(title) else "center")
    if isinstance(figure, style.Figure):
        if len(figure.axes) == 1:
            figure.alt = f"Matrix {spoken(a, title)}"
            if not ax.texts and kind not in ("mask", "plain"):
                color_key(
                    figure, image, style.MARGIN + left, top + rows * cell + 0.12, min(1.6, columns * cell)
                )
        else:
            figure.alt = f"{figure.alt} Matrix {spoken(a, title)}.".strip()
    return figure


@drawing
def matrices(
    arrays,
    titles=None,
    *,
    kinds="value",
    signs=None,
    highlights=None,
    title="",
    numbers=None,
    decimals=None,
    indices=False,
    share=False,
):
    """Draw matrices in a row, with signs between them: an equation one can look at.

    What the reader sees: X ⊛ W + b = Z with the numbers, all small matrices in the same cell size. A row that
    is too wide continues below. Matrices too large for numbers get a slim colour scale.

    Parameters
    ----------
    arrays : sequence of array_like, each (R, C) or (C,)
    titles : sequence of str, optional
        One above each matrix.
    kinds : str or sequence of str
        One kind for all or one for each; see `matrix`.
    signs : sequence of str, optional
        One less than matrices, e.g. ``["⊛", "="]``; an empty string leaves a gap.
    highlights : sequence, optional
        One a matrix: None, or the cells to outline, as a list of (row, column) or a boolean mask.
    title : str
        Title of the whole figure.
    numbers : bool, optional
        As in `matrix`.
    decimals : int, optional
        For all entries; by default as many as are needed, at most three.
    indices : bool
        Write the zero-based indices at rows and columns.
    share : bool
        Use one colour scale for all matrices of the same kind, so that equal numbers have equal colours.

    Returns
    -------
    Figure
    """
    arrays = [_as_matrix(a, f"arrays[{i}]", "matrices") for i, a in enumerate(arrays)]
    if not arrays:
        raise ValueError("matrices: arrays is empty")
    style.at_most(len(arrays), 16, "arrays", "matrices")
    titles = [t or "" for t in same_length(titles, len(arrays), "titles", "matrices")]
    kinds = (
        [kinds] * len(arrays)
        if isinstance(kinds, str)
        else same_length(kinds, len(arrays), "kinds", "matrices")
    )
    for kind in kinds:
        as_kind(kind, "matrices")
    signs = [""] + [s or "" for s in same_length(signs, len(arrays) - 1, "signs", "matrices")]
    highlights = same_length(highlights, len(arrays), "highlights", "matrices")

    largest = 0.5
    while True:
        cells = [
            cell_size(*a.shape, largest, 4.2 if max(a.shape) > 12 else 9.0, 2.3 if max(a.shape) > 12 else 5.0)
            for a in arrays
        ]
        widths = [a.shape[1] * cell for a, cell in zip(arrays, cells)]
        heights = [a.shape[0] * cell for a, cell in zip(arrays, cells)]
        slots = [max(w, min(style.text_width(t, 10) * 0.92, max(w, 1.5))) for w, t in zip(widths, titles)]
        before = [0.0 if i == 0 else 0.38 + 0.09 * len(sign) for i, sign in enumerate(signs)]
        edge = 0.3 if indices else 0.0
        total = sum(slots) + sum(before) + edge * len(slots)
        if total <= style.MAX_WIDTH - 0.3 or largest < 0.38:
            break
        largest -= 0.04
    lines, line, used = [], [], 0.0
    for i, slot in enumerate(slots):
        step = slot + edge + before[i]
        if line and used + step > style.MAX_WIDTH - 0.3:
            lines.append(line)
            line, used = [], 0.0
        line.append(i)
        used += step
    lines.append(line)

    plans = []
    for line in lines:
        shown = [style.wrapped(titles[i], max(slots[i], 1.0)) for i in line]
        text = max((s.count("\n") + 1 if s else 0) for s in shown) * 0.19 + (0.2 if indices else 0)
        keys = any(max(arrays[i].shape) > 12 or (kinds[i] != "mask" and cells[i] < 0.2) for i in line)
        plans.append((line, shown, text + 0.08, max(heights[i] for i in line), 0.38 if keys else 0.0))
    used = max(sum(slots[i] + edge + before[i] for i in line) for line in lines)
    width = min(max(used + 0.3, style.title_width(title)), style.MAX_WIDTH)
    top = style.heading_height(title, width)
    figure = style.page(width, top + sum(text + height + key + 0.3 for _, _, text, height, key in plans))
    words = " ".join(f"{sign} {spoken(a, t)}" for sign, a, t in zip(signs, arrays, titles))
    figure.alt = (f"{title}. " if title else "") + " ".join(words.split())
    style.heading(figure, title)
    for line, shown, text, height, _ in plans:
        left = style.MARGIN
        top += text
        for i, words in zip(line, shown):
            left += edge if i == line[0] and not signs[i] else before[i] + edge
            if signs[i]:
                style.note(
                    figure,
                    left - edge - before[i] / 2,
                    top + height / 2,
                    signs[i],
                    fontsize=24 if signs[i] in SMALL_SIGNS else 16,
                    color=style.INK,
                    ha="center",
                    va="center",
                )
            x, y = left + (slots[i] - widths[i]) / 2, top + (height - heights[i]) / 2
            ax = style.panel(figure, x, y, widths[i], heights[i])
            scale = None
            if share:
                scale = np.concatenate([np.ravel(a) for a, kind in zip(arrays, kinds) if kind == kinds[i]])
            image = draw_cells(
                ax, arrays[i], kind=kinds[i], scale=scale, numbers=numbers, decimals=decimals, cell=cells[i]
            )
            draw_labels(ax, arrays[i].shape, indices=indices)
            if highlights[i] is not None:
                draw_outlines(ax, highlights[i], arrays[i].shape, "matrices")
            ax.set_title(words)
            if not ax.texts and kinds[i] not in ("mask", "plain", "digit"):
                color_key(figure, image, x, y + heights[i] + 0.08, min(widths[i], 1.6))
            left += slots[i]
        top += height + plans[0][4] + 0.3
    return figure
