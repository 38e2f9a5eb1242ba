"""How a drawing becomes an image such as MNIST's."""

import numpy as np
from matplotlib.patches import Rectangle

from . import _style as style
from ._style import drawing
from .heatmaps import draw_cells

SIDE = 2.05  # inches of a picture
GAP = 0.32


@drawing
def digit_steps(steps, *, title="From a drawing to an image of MNIST"):
    """Draw the steps of `preprocess_digit`: the box of the ink, the cut, the scaled ink, the placed image.

    What the reader sees: four pictures and arrows between them; for a photograph, two more go before: itself,
    and how far it differs from its paper. A dashed frame marks the ink's box in the first of the four and in
    the last, a cross the centre of mass.

    Parameters
    ----------
    steps : DigitSteps
        As `training.preprocess_digit` returns them.
    title : str

    Returns
    -------
    Figure
    """
    if not all(hasattr(steps, name) for name in ("drawing", "cropped", "scaled", "placed")):
        raise TypeError(
            f"digit_steps: steps must be what preprocess_digit returns; got {type(steps).__name__}"
        )
    pictures = (steps.drawing, steps.cropped, steps.scaled, steps.placed)
    words = ("1 · find the ink", "2 · cut it out", "3 · scale it to fit", "4 · centre it by mass")
    found = getattr(steps, "found", None)
    if found is not None:
        pictures = (1 - found.grey, np.minimum(found.contrast, 1), *pictures)
        words = ("a · the photograph", "b · without its light", *words)
    first = len(pictures) - 4
    width = len(pictures) * (SIDE + GAP)
    top = style.heading_height(title, width) + 0.28
    figure = style.page(width, top + SIDE + 0.34)
    figure.alt = (
        f"{title}: a drawing of {_size(steps.drawing)}, its ink of {_size(steps.cropped)}, "
        f"scaled to {_size(steps.scaled)}, centred in {_size(steps.placed)}."
    )
    style.heading(figure, title)
    for number, (picture, name) in enumerate(zip(pictures, words)):
        high, wide = np.array(picture.shape) * SIDE / max(picture.shape)
        left = number * (SIDE + GAP) + GAP / 2
        x, y = left + (SIDE - wide) / 2, top + (SIDE - high) / 2
        ax = style.panel(figure, x, y, wide, high)
        draw_cells(ax, picture, kind="digit", numbers=False, cell=SIDE / max(picture.shape))
        style.note(figure, left + SIDE / 2, top - 0.12, name, ha="center", va="center", fontsize=style.NORMAL)
        style.note(
            figure, left + SIDE / 2, top + SIDE + 0.14, _size(picture), ha="center", va="center", fontsize=9
        )
        if number:
            style.note(
                figure, left - GAP / 2, top + SIDE / 2, "→", ha="center", va="center", fontsize=style.LARGE
            )
        if number == first:
            _frame(ax, *steps.box)
        if number == first + 3:
            row, column = steps.corner
            _frame(ax, row, column, row + steps.scaled.shape[0], column + steps.scaled.shape[1])
            row, column = steps.corner + steps.centre
            ax.plot([column], [row], marker="+", color=style.ACCENTS["vermillion"], markersize=15, mew=2.5)
    return figure


def _frame(ax, top, left, bottom, right):
    ax.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            right - left,
            bottom - top,
            fill=False,
            ec=style.ACCENTS["blue"],
            lw=1.8,
            ls=(0, (4, 2)),
            zorder=4,
            clip_on=False,
        )
    )


def _size(picture):
    return "×".join(map(str, picture.shape))
