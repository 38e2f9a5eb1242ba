"""Activation maps, gradient maps and digits: many small pictures that belong together."""

import math

import numpy as np
from matplotlib.patches import Rectangle

from . import _style as style
from ._cells import color_key, draw_cells, ink_on
from ._style import CENTERED, as_array, as_kind, drawing, same_length

MOST_PANELS = 64


@drawing
def maps(a, *, title="", kind="value", columns=None, titles=None, share=True, signs=False):
    """Draw feature maps or their gradients, or kernels, one panel a channel.

    What the reader sees: K small pictures in one colour scale, the scale below them.

    - a: the maps of one example, (H, W, K), (1, H, W, K) or (H, W)
    - kind: see `matrices`
    - columns: panels in a row, by default up to eight
    - titles: one a panel; by default ``channel 0``, ``channel 1``, …
    - share: one colour scale for all channels (so that they can be compared), or one for each
    - signs: mark what is below 0 by a minus, as in kernels, which are small
    """
    a = as_array(a, "a", "maps", (2, 3, 4), "maps (H, W, K) of one example")
    if a.ndim == 4 and a.shape[0] != 1:
        raise ValueError(f"maps: a must hold one example; its shape is {a.shape}: pass a[0]")
    a = a[0] if a.ndim == 4 else np.atleast_3d(a)
    count = a.shape[-1]
    style.at_most(count, MOST_PANELS, "a", "maps", ": pass fewer channels")
    words = [f"channel {k}" for k in range(count)] if count > 1 else [""]
    words = words if titles is None else same_length(titles, count, "titles", "maps")
    columns = min(count, columns or (8 if count % 6 or count % 8 == 0 else 6))
    look = {
        "kind": as_kind(kind, "maps"),
        "scale": a if share else None,
        "word_height": 0.2 if any(words) else 0.02,
    }
    look |= {"most": 1.9 if count <= 4 else 1.4, "columns": columns, "gap": 0.12, "room": 9.4}
    foot = 0.42 if share else 0.1
    figure, images, bottom = _album(np.moveaxis(a, -1, 0), words, title, least=2.2, foot=foot, **look)
    for image in images if signs else ():
        for cell in np.argwhere(image.get_array() < 0):
            color = ink_on(image, image.get_array()[tuple(cell)])
            image.axes.plot(*cell[::-1], marker="_", color=color, markersize=4, markeredgewidth=0.9)
    if share:
        color_key(figure, kind, images[0].get_clim(), style.MARGIN, bottom)
    figure.alt = f"{title or 'Maps'}: {count} maps of {a.shape[0]} by {a.shape[1]}, kind {kind}."
    return figure


def _album(
    pictures, words, title, *, columns, most, room, gap, word_height, least=0.0, foot, above=0.0, **look
):
    """Draw pictures in rows, words above each; return the figure, the images and where the foot begins.

    - most, room, gap, least, foot, above: inches of a picture's longer side, of a row, between two, of the
      page's width, below all and above all
    - look: of `draw_cells`
    """
    shape = np.array(pictures[0].shape)
    high, wide = shape * (min(most, (room - gap * (columns - 1)) / columns) / max(shape))
    rows, pitch = math.ceil(len(pictures) / columns), (wide + gap, high + gap + word_height)
    size = columns * pitch[0] + 0.2, rows * pitch[1] + foot
    figure, top = style.titled(*size, title, above=above, least=least, most=5.0)
    images = []
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        corner = style.MARGIN + column * pitch[0], top + row * pitch[1] + word_height
        ax = style.panel(figure, *corner, wide, high)
        images.append(draw_cells(ax, picture, numbers=False, cell=wide / shape[1], **look))
        if words[i]:
            ax.set_title(words[i], fontsize=style.SMALL, color=style.GREY, pad=3)
    return figure, images, top + rows * pitch[1]


@drawing
def digits(images, labels=None, predictions=None, *, title=""):
    """Draw digits in rows of ten, with their labels and, if given, what a network predicted.

    What the reader sees: ink on paper; a wrong prediction has a dashed frame and the words ``9, not 4 ✗``.

    `images` are (N, H, W, 1), (N, H, W) or (H, W), at most 64; `labels` and `predictions` are N classes.
    """
    images = _as_images(images, "images", "digits")
    count, (high, wide) = len(images), images.shape[1:]
    style.at_most(count, MOST_PANELS, "images", "digits")
    labels = same_length(labels, count, "labels", "digits")
    predictions = same_length(predictions, count, "predictions", "digits")
    words = list(map(_verdict, labels, predictions))
    look = {"kind": "digit", "scale": images, "columns": min(10, count), "most": 1.2, "room": 9.3, "gap": 0.1}
    look |= {"word_height": 0.2 if any(words) else 0.0, "above": 0.05, "foot": 0.1}
    figure, _, _ = _album(images, words, title, **look)
    for ax, text in zip(figure.axes, words):
        if "✗" in text:
            ax.title.set(color=style.INKS["vermillion"], fontweight="bold")
            for spine in ax.spines.values():
                spine.set(color=style.ACCENTS["vermillion"], linewidth=2, linestyle=(0, (4, 2)))
    known = ", ".join(words) if any(words) else "no labels"
    figure.alt = f"{title or 'Digits'}: {count} images of {high} by {wide} ({known})."
    return figure


def _verdict(label, prediction):
    """Return what is written above a digit."""
    if prediction is None:
        return "" if label is None else f"{label}"
    if label is None:
        return f"{prediction}"
    return f"{prediction} ✓" if prediction == label else f"{prediction}, not {label} ✗"


def _as_images(array, name, function):
    """Return digits as (N, H, W) from (N, H, W, 1), (N, H, W) or one (H, W)."""
    axes = "images (N, H, W), (N, H, W, 1) or one (H, W)"
    array = as_array(array, name, function, (2, 3, 4), axes, finite=True)
    if array.ndim == 4:
        if array.shape[-1] != 1:
            raise ValueError(f"{function}: {name} must have one channel; its shape is {array.shape}")
        array = array[..., 0]
    return array[None] if array.ndim == 2 else array


@drawing
def saliency(images, gradients, labels=None, *, title=""):
    """Draw digits and, under each, the gradient of the loss with respect to its pixels.

    What the reader sees: red where more ink would raise the loss, blue where it would lower it; a thin
    contour keeps the digit in sight on the gradient.

    `images` and `gradients` are (N, H, W, 1) or (N, H, W), at most ten; `labels` are N numbers or words.
    """
    images = _as_images(images, "images", "saliency")
    gradients = _as_images(gradients, "gradients", "saliency")
    if images.shape != gradients.shape:
        expected = f"the shape of images {images.shape}"
        raise ValueError(f"saliency: gradients must have {expected}; it is {gradients.shape}")
    count, gap, left = len(images), 0.12, 0.75
    style.at_most(count, 10, "images", "saliency")
    labels = same_length(labels, count, "labels", "saliency")
    side = min(1.7, (9.0 - gap * (count - 1)) / count)
    high = side * images.shape[1] / max(images.shape[1:])
    above = 0.22 if labels[0] is not None else 0.05
    size = left + count * (side + gap) + 0.1, 2 * high + 0.6
    figure, top = style.titled(*size, title, above=above, most=5.0)
    bottom = top + 2 * high
    for y, words in ((top + high / 2, "digit"), (top + 1.5 * high + gap, "gradient")):
        style.note(figure, left - 0.1, y, words, ha="right", va="center", fontsize=9)
    look = {"numbers": False, "cell": 0.01}
    for i, (digit, gradient) in enumerate(zip(images, gradients)):
        x = left + i * (side + gap)
        ax = style.panel(figure, x, top, side, high)
        draw_cells(ax, digit, kind="digit", **look)
        if labels[i] is not None:
            ax.set_title(str(labels[i]), fontsize=9, pad=3)
        ax = style.panel(figure, x, top + high + gap, side, high)
        image = draw_cells(ax, gradient, kind="gradient", **look)
        if digit.min() < digit.max():
            middle = (float(digit.min()) + float(digit.max())) / 2
            ax.contour(digit, levels=[middle], colors=style.GREY, linewidths=0.7)
    if count == 1:
        color_key(figure, "gradient", image.get_clim(), left, bottom + 0.2, min(side, 1.6))
    else:
        color_key(figure, "gradient", ["lowers J", "0", "raises J"], left, bottom + 0.22)
    figure.alt = (
        f"{title or 'Saliency'}: {count} digits, and below each the gradient of the loss at its pixels."
    )
    return figure


# How a drawing becomes an image such as MNIST's ---------------------------------------------------------

SIDE, GAP = 2.05, 0.32  # inches of a picture, and between two
FOUND = ("a · the photograph", "b · without its light")
STEPS = ("1 · find the ink", "2 · cut it out", "3 · scale it to fit", "4 · centre it by mass")


@drawing
def digit_steps(steps, *, title="From a drawing to an image of MNIST"):
    """Draw the steps of `preprocess_digit`: the box of the ink, the cut, the scaled ink, the placed image.

    What the reader sees: four pictures and arrows between them; for a photograph, two more go before: itself,
    and how far it differs from its paper. A dashed frame marks the ink's box in the first of the four and in
    the last, a cross the centre of mass.

    `steps` are the `DigitSteps` that `training.preprocess_digit` returns.
    """
    if not all(hasattr(steps, name) for name in ("drawing", "cropped", "scaled", "placed")):
        came = type(steps).__name__
        raise TypeError(f"digit_steps: steps must be what preprocess_digit returns; got {came}")
    pictures, words = (steps.drawing, steps.cropped, steps.scaled, steps.placed), STEPS
    if steps.found is not None:
        pictures = (1 - steps.found.grey, np.minimum(steps.found.contrast, 1), *pictures)
        words = (*FOUND, *STEPS)
    figure, top = style.titled(len(pictures) * (SIDE + GAP), SIDE + 0.34, title, above=0.28)
    middle = top + SIDE / 2
    for n, (picture, name) in enumerate(zip(pictures, words)):
        cell = SIDE / max(picture.shape)
        high, wide = np.array(picture.shape) * cell
        center = n * (SIDE + GAP) + GAP / 2 + SIDE / 2
        ax = style.panel(figure, center - wide / 2, middle - high / 2, wide, high)
        draw_cells(ax, picture, kind="digit", numbers=False, cell=cell)
        said = [(center, -SIDE / 2 - 0.12, name, style.NORMAL), (center, SIDE / 2 + 0.14, _size(picture), 9)]
        said += [(center - SIDE / 2 - GAP / 2, 0, "→", style.LARGE)] if n else []
        for x, y, text, points in said:
            style.note(figure, x, middle + y, text, fontsize=points, **CENTERED)
    first, last = figure.axes[-4], figure.axes[-1]
    _frame(first, *steps.box)
    _frame(last, *steps.corner, *(steps.corner + np.array(steps.scaled.shape)))
    row, column = steps.corner + steps.centre
    last.plot([column], [row], marker="+", color=style.ACCENTS["vermillion"], markersize=15, mew=2.5)
    figure.alt = (
        f"{title}: a drawing of {_size(steps.drawing)}, its ink of {_size(steps.cropped)}, "
        f"scaled to {_size(steps.scaled)}, centred in {_size(steps.placed)}."
    )
    return figure


def _frame(ax, top, left, bottom, right):
    look = {"ec": style.ACCENTS["blue"], "lw": 1.8, "ls": (0, (4, 2)), "zorder": 4}
    corner = left - 0.5, top - 0.5
    ax.add_patch(Rectangle(corner, right - left, bottom - top, fill=False, clip_on=False, **look))


def _size(picture):
    return "×".join(map(str, picture.shape))
