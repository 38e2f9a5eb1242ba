"""Matrices as heat maps with their numbers in the cells: equations one can look at."""

from dataclasses import dataclass

import numpy as np

from . import _style as style
from ._cells import cell_size, color_key, draw_cells, draw_labels, outline_cells
from ._style import CENTERED, as_array, as_kind, drawing, same_length

SMALL_SIGNS = "⋆∗·"  # drawn larger, to weigh as much as the others
ROOM = style.MAX_WIDTH - 0.3  # inches: how wide a row of matrices may be


@drawing
def matrices(
    arrays,
    titles=None,
    *,
    kinds="value",
    signs=None,
    highlights=None,
    title="",
    numbers=True,
    decimals=None,
    indices=False,
    share=False,
):
    """Draw matrices in a row, with signs between them: an equation one can look at.

    What the reader sees: X ⊛ W + b = Z with the numbers, all small matrices in the same cell size; pale to
    dark for values; blue, white, red around zero for gradients and weights. A row that is too wide continues
    below. Matrices too large for numbers get a slim colour scale. NaN and infinity are hatched.

    - arrays, titles: matrices (R, C) or vectors (C,), at most 16, and what stands above each
    - kinds: one for all or one for each: "value", "gradient", "weight", "digit", "mask", or "plain" (white)
    - signs: one less than matrices, e.g. ``["⊛", "="]``; an empty string leaves a gap
    - highlights: for each matrix None, or the cells to outline, (row, column) or a boolean mask
    - title: of the whole figure
    - numbers, decimals: False for no numbers; how many decimals all entries have
    - indices: write the zero-based indices at rows and columns
    - share: use one colour scale for all matrices of the same kind, so that equal numbers look equal
    """
    panels = _as_panels(arrays, titles, kinds, signs, highlights)
    edge = 0.3 if indices else 0.0
    _choose_cells(panels, edge)
    rows = _broken_into_rows(panels, edge)
    heights = [_measured(row, indices) for row in rows]
    used = max(sum(panel.step(edge) for panel in row) for row in rows)
    figure, top = style.titled(min(used, ROOM) + 0.3, sum(map(sum, heights)), title)
    words = " ".join(f"{panel.sign} {spoken(panel.a, panel.title)}" for panel in panels)
    figure.alt = (f"{title}. " if title else "") + " ".join(words.split())
    for row, (text, height, below) in zip(rows, heights):
        left, top = style.MARGIN, top + text
        for panel in row:
            skipped = panel is row[0] and not panel.sign
            left += edge if skipped else panel.before + edge
            if panel.sign:
                look = {"fontsize": 24 if panel.sign in SMALL_SIGNS else 16, "color": style.INK} | CENTERED
                style.note(figure, left - edge - panel.before / 2, top + height / 2, panel.sign, **look)
            same = [other.a.ravel() for other in panels if share and other.kind == panel.kind]
            look = {"numbers": numbers, "decimals": decimals, "scale": np.concatenate(same) if same else None}
            _draw_panel(figure, panel, left, top + height / 2, indices, **look)
            left += panel.slot
        top += height + below
    return figure


@dataclass
class _Panel:
    """A matrix on the page, in inches: its cells, their whole, its share of a row, and the gap before it."""

    a: np.ndarray
    title: str
    kind: str
    sign: str
    highlight: object
    before: float
    cell: float = 0.0
    wide: float = 0.0
    high: float = 0.0
    slot: float = 0.0

    @property
    def large(self):
        """Whether it is a picture rather than a table of numbers."""
        return max(self.a.shape) > 12

    def fit(self, largest):
        """Choose the sizes for cells of at most `largest` inches."""
        room = (4.2, 2.3) if self.large else (9.0, 5.0)
        self.cell = cell_size(*self.a.shape, largest, *room)
        self.high, self.wide = (n * self.cell for n in self.a.shape)
        title = style.text_width(self.title, 10) * 0.92
        self.slot = max(self.wide, min(title, max(self.wide, 1.5)))

    def step(self, edge):
        """Return what it takes of a row."""
        return self.slot + edge + self.before


def _as_panels(arrays, titles, kinds, signs, highlights):
    """Return the matrices with what belongs to each."""
    axes = "a matrix (rows, columns) or a vector; pick one with e.g. x[0, :, :, 0]"
    arrays = [as_array(a, f"arrays[{i}]", "matrices", (1, 2), axes) for i, a in enumerate(arrays)]
    count = len(arrays)
    if not arrays:
        raise ValueError("matrices: arrays is empty")
    style.at_most(count, 16, "arrays", "matrices")
    titles, highlights = (
        same_length(given, count, name, "matrices")
        for name, given in (("titles", titles), ("highlights", highlights))
    )
    kinds = [kinds] * count if isinstance(kinds, str) else same_length(kinds, count, "kinds", "matrices")
    signs = ["", *(sign or "" for sign in same_length(signs, count - 1, "signs", "matrices"))]
    return [
        _Panel(np.atleast_2d(a), title or "", as_kind(kind, "matrices"), sign, cells, before)
        for a, title, kind, sign, cells, before in zip(
            arrays, titles, kinds, signs, highlights, [0.0, *(0.38 + 0.09 * len(sign) for sign in signs[1:])]
        )
    ]


def _choose_cells(panels, edge):
    """Choose the largest cells with which all fit in a row; below a third of an inch they may go on below."""
    for step in range(5):
        for panel in panels:
            panel.fit(0.5 - 0.04 * step)
        if sum(panel.step(edge) for panel in panels) <= ROOM:
            return


def _broken_into_rows(panels, edge):
    rows, used = [[]], 0.0
    for panel in panels:
        if rows[-1] and used + panel.step(edge) > ROOM:
            rows.append([])
            used = 0.0
        rows[-1].append(panel)
        used += panel.step(edge)
    return rows


def _measured(row, indices):
    """Return the inches of a row's titles, of its matrices, and of what lies below them."""
    titles = [style.wrapped(panel.title, max(panel.slot, 1.0)) for panel in row]
    lines = max(title.count("\n") + 1 if title else 0 for title in titles)
    keys = any(panel.large or (panel.kind != "mask" and panel.cell < 0.2) for panel in row)
    text = lines * 0.19 + (0.2 if indices else 0) + 0.08
    return text, max(panel.high for panel in row), (0.38 if keys else 0.0) + 0.3


def _draw_panel(figure, panel, left, middle, indices, **look):
    """Draw a matrix in its slot, about the `middle` of its row."""
    x, y = left + (panel.slot - panel.wide) / 2, middle - panel.high / 2
    ax = style.panel(figure, x, y, panel.wide, panel.high)
    image = draw_cells(ax, panel.a, kind=panel.kind, cell=panel.cell, **look)
    draw_labels(ax, panel.a.shape, indices=indices)
    if panel.highlight is not None:
        outline_cells(ax, panel.highlight, panel.a.shape, "matrices")
    ax.set_title(style.wrapped(panel.title, max(panel.slot, 1.0)))
    if not ax.texts and panel.kind not in ("mask", "plain", "digit"):
        color_key(figure, panel.kind, image.get_clim(), x, y + panel.high + 0.08, min(panel.wide, 1.6))


def spoken(a, name=""):
    """Describe a matrix in words: its numbers when it is small and whole, else its shape."""
    words = (f"{name}, " if name else "") + f"{a.shape[0]} by {a.shape[1]}"
    if a.size <= 36 and np.isfinite(a).all() and style.decimals_for(a) == 0:
        words += ": " + "; ".join(" ".join(str(int(v)) for v in row) for row in a)
    return words
