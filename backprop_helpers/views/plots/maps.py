"""Activation maps, gradient maps, digits and filters: many small pictures that belong together."""

import math

import numpy as np
from matplotlib.collections import LineCollection

from . import _style as style
from ._style import as_array, as_kind, drawing, same_length
from .heatmaps import align_ends, color_key, draw_cells

MOST_PANELS = 64


def _square(array, name, function):
    """Return digits as (N, H, W) from (N, H, W, 1), (N, H, W) or one (H, W)."""
    array = as_array(
        array, name, function, (2, 3, 4), "images (N, H, W), (N, H, W, 1) or one (H, W)", finite=True
    )
    if array.ndim == 4:
        if array.shape[-1] != 1:
            raise ValueError(f"{function}: {name} must have one channel; its shape is {array.shape}")
        array = array[..., 0]
    return array[None] if array.ndim == 2 else array


def _grid(
    figure,
    pictures,
    *,
    columns,
    left,
    top,
    side,
    gap,
    kind,
    scale=None,
    words=None,
    word_height=0.2,
):
    """Draw pictures in rows, the longer side `side` inches; return (images, bottom in inches)."""
    high, wide = pictures[0].shape
    unit = side / max(high, wide)
    images = []
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        x = left + column * (wide * unit + gap)
        y = top + row * (high * unit + gap + word_height) + word_height
        ax = style.panel(figure, x, y, wide * unit, high * unit)
        images.append(draw_cells(ax, picture, kind=kind, scale=scale, numbers=False, cell=unit))
        if words is not None and words[i]:
            ax.set_title(words[i], fontsize=style.SMALL, color=style.GREY, pad=3)
    count = math.ceil(len(pictures) / columns)
    return images, top + count * (high * unit + gap + word_height)


@drawing
def maps(a, *, title="", kind="value", columns=None, titles=None, share=True):
    """Draw feature maps or their gradients, one panel a channel.

    What the reader sees: K small pictures in one colour scale, the scale below them.

    Parameters
    ----------
    a : array_like, shape (H, W, K), (1, H, W, K) or (H, W)
        The maps of one example.
    title : str
    kind : str
        See `matrix`.
    columns : int, optional
        Panels in a row; by default up to eight.
    titles : sequence of str, optional
        One a panel; by default ``channel 0``, ``channel 1``, …
    share : bool
        One colour scale for all channels (so that they can be compared) or one for each.

    Returns
    -------
    Figure
    """
    a = as_array(a, "a", "maps", (2, 3, 4), "maps (H, W, K) of one example")
    as_kind(kind, "maps")
    if a.ndim == 4:
        if a.shape[0] != 1:
            raise ValueError(f"maps: a must hold one example; its shape is {a.shape}: pass a[0]")
        a = a[0]
    a = a[..., None] if a.ndim == 2 else a
    count = a.shape[-1]
    style.at_most(count, MOST_PANELS, "a", "maps", ": pass fewer channels")
    titles = same_length(titles, count, "titles", "maps") if titles is not None else None
    words = titles or ([f"channel {k}" for k in range(count)] if count > 1 else [""])
    columns = min(count, columns or (8 if count % 6 or count % 8 == 0 else 6))
    side = min(1.9 if count <= 4 else 1.4, (9.4 - 0.12 * (columns - 1)) / columns)
    high, wide = a.shape[0] * side / max(a.shape[:2]), a.shape[1] * side / max(a.shape[:2])
    word_height = 0.2 if count > 1 or titles else 0.02
    width = max(columns * (wide + 0.12) + 0.2, style.title_width(title, 5.0), 2.2)
    top = style.heading_height(title, width)
    rows = math.ceil(count / columns)
    figure = style.page(width, top + rows * (high + 0.12 + word_height) + (0.42 if share else 0.1))
    figure.alt = f"{title or 'Maps'}: {count} maps of {a.shape[0]} by {a.shape[1]}, kind {kind}."
    style.heading(figure, title)
    images, bottom = _grid(
        figure,
        [a[..., k] for k in range(count)],
        columns=columns,
        left=style.MARGIN,
        top=top,
        side=side,
        gap=0.12,
        kind=kind,
        scale=a if share else None,
        words=words,
        word_height=word_height,
    )
    if share:
        color_key(figure, images[0], style.MARGIN, bottom, 1.8)
    return figure


def _frames(corners, wide, high):
    lines = [[(x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y)] for x, y in corners]
    return LineCollection(lines, colors=style.FRAME, linewidths=0.6, clip_on=False)


def _row_key(figure, kind, left, top, words):
    ax = style.panel(figure, left, top, 1.8, 0.09)
    ax.imshow(np.linspace(0, 1, 128)[None, :], cmap=style.MAPS[kind], aspect="auto", extent=(0, 1, 0, 1))
    ax.set_yticks([])
    ax.set_xticks(np.linspace(0, 1, len(words)), words)
    ax.tick_params(length=0, pad=2, labelsize=style.SMALLEST)
    align_ends(ax)
    for spine in ax.spines.values():
        spine.set(visible=True, color=style.FRAME, linewidth=0.6)


@drawing
def digits(images, labels=None, predictions=None, *, columns=10, title=""):
    """Draw digits in rows, with their labels and, if given, what a network predicted.

    What the reader sees: ink on paper; a wrong prediction has a dashed frame and the words ``9, not 4 ✗``.

    Parameters
    ----------
    images : array_like, shape (N, H, W, 1), (N, H, W) or (H, W)
        At most 64 digits.
    labels, predictions : array_like of int, shape (N,), optional
    columns : int
        Digits in a row.
    title : str

    Returns
    -------
    Figure
    """
    images = _square(images, "images", "digits")
    count = len(images)
    style.at_most(count, MOST_PANELS, "images", "digits")
    labels = same_length(labels, count, "labels", "digits")
    predictions = same_length(predictions, count, "predictions", "digits")
    words = []
    for label, prediction in zip(labels, predictions):
        if prediction is None:
            words.append("" if label is None else f"{label}")
        elif label is None or prediction == label:
            words.append(f"{prediction}" + (" ✓" if label is not None else ""))
        else:
            words.append(f"{prediction}, not {label} ✗")
    columns = min(columns, count)
    side = min(1.2, (9.3 - 0.1 * (columns - 1)) / columns)
    word_height = 0.2 if any(words) else 0.0
    width = max(columns * (side + 0.1) + 0.2, style.title_width(title, 5.0))
    top = style.heading_height(title, width) + 0.05
    rows = math.ceil(count / columns)
    high = side * images.shape[1] / max(images.shape[1:])
    figure = style.page(width, top + rows * (high + 0.1 + word_height) + 0.1)
    known = ", ".join(words) if any(words) else "no labels"
    figure.alt = f"{title or 'Digits'}: {count} images of {images.shape[1]} by {images.shape[2]} ({known})."
    style.heading(figure, title)
    _grid(
        figure,
        list(images),
        columns=columns,
        left=style.MARGIN,
        top=top,
        side=side,
        gap=0.1,
        kind="digit",
        scale=images,
        words=words,
        word_height=word_height,
    )
    for ax, text in zip(figure.axes, words):
        if "✗" in text:
            ax.title.set(color=style.INKS["vermillion"], fontweight="bold")
            for spine in ax.spines.values():
                spine.set(color=style.ACCENTS["vermillion"], linewidth=2, linestyle=(0, (4, 2)))
    return figure


@drawing
def saliency(images, gradients, labels=None, *, title=""):
    """Draw digits and, under each, the gradient of the loss with respect to its pixels.

    What the reader sees: red where more ink would raise the loss, blue where it would lower it; a thin
    contour keeps the digit in sight on the gradient.

    Parameters
    ----------
    images, gradients : array_like, shape (N, H, W, 1) or (N, H, W)
        At most ten.
    labels : array_like of int or str, shape (N,), optional
    title : str

    Returns
    -------
    Figure
    """
    images = _square(images, "images", "saliency")
    gradients = _square(gradients, "gradients", "saliency")
    if images.shape != gradients.shape:
        raise ValueError(
            f"saliency: gradients must have the shape of images {images.shape}; it is {gradients.shape}"
        )
    count = len(images)
    style.at_most(count, 10, "images", "saliency")
    labels = same_length(labels, count, "labels", "saliency")
    side = min(1.7, (9.0 - 0.12 * (count - 1)) / count)
    high = side * images.shape[1] / max(images.shape[1:])
    left = 0.75
    width = max(left + count * (side + 0.12) + 0.1, style.title_width(title, 5.0))
    top = style.heading_height(title, width) + (0.22 if labels[0] is not None else 0.05)
    figure = style.page(width, top + 2 * high + 0.6)
    figure.alt = (
        f"{title or 'Saliency'}: {count} digits, and below each the gradient of the loss at its pixels."
    )
    style.heading(figure, title)
    style.note(figure, left - 0.1, top + high / 2, "digit", ha="right", va="center", fontsize=9)
    style.note(figure, left - 0.1, top + 1.5 * high + 0.12, "gradient", ha="right", va="center", fontsize=9)
    for i in range(count):
        x = left + i * (side + 0.12)
        ax = style.panel(figure, x, top, side, high)
        draw_cells(ax, images[i], kind="digit", numbers=False, cell=0.01)
        if labels[i] is not None:
            ax.set_title(str(labels[i]), fontsize=9, pad=3)
        ax = style.panel(figure, x, top + high + 0.12, side, high)
        image = draw_cells(ax, gradients[i], kind="gradient", numbers=False, cell=0.01)
        middle = (float(images[i].min()) + float(images[i].max())) / 2
        if images[i].min() < images[i].max():
            ax.contour(images[i], levels=[middle], colors=style.GREY, linewidths=0.7)
    if count == 1:
        color_key(figure, image, left, top + 2 * high + 0.2, min(side, 1.6))
    else:
        _row_key(figure, "gradient", left, top + 2 * high + 0.22, ["lowers J", "0", "raises J"])
    return figure


@drawing
def filters(w, *, title="", columns=8, kind="weight"):
    """Draw the kernels of a convolutional layer (or their gradients).

    What the reader sees: one panel per filter, a minus sign on negative weights; with several input channels
    a table, one row per channel and one column per filter, in one colour scale.

    Parameters
    ----------
    w : array_like, shape (F_h, F_w, C, K)
        At most 64 filters on one channel, or 16 channels by 32 filters.
    title : str
    columns : int
        Panels in a row when there is one input channel.
    kind : {"weight", "gradient"}

    Returns
    -------
    Figure
    """
    w = as_array(w, "w", "filters", 4, "kernels (F_h, F_w, C, K)", finite=True)
    as_kind(kind, "filters")
    high, wide, channels, count = w.shape
    if channels > 1:
        return _filter_table(w, title, kind)
    style.at_most(count, MOST_PANELS, "w", "filters", ": pass e.g. w[..., :16]")
    columns = min(columns, count)
    side = min(1.0, (9.5 - 0.12 * (columns - 1)) / columns)
    width = max(columns * (side + 0.12) + 0.2, style.title_width(title, 5.0), 2.2)
    top = style.heading_height(title, width)
    rows = math.ceil(count / columns)
    figure = style.page(width, top + rows * (side * high / max(high, wide) + 0.32) + 0.45)
    figure.alt = f"{title or 'Filters'}: {count} filters of {high} by {wide}."
    style.heading(figure, title)
    pictures = [w[:, :, 0, k] for k in range(count)]
    images, bottom = _grid(
        figure,
        pictures,
        columns=columns,
        left=style.MARGIN,
        top=top,
        side=side,
        gap=0.12,
        kind=kind,
        scale=w,
        words=[f"filter {k}" for k in range(count)],
    )
    if side / max(high, wide) >= 0.12:
        for ax, picture, image in zip(figure.axes, pictures, images):
            for row, column in np.argwhere(picture < 0):
                color = style.text_color(image.cmap(image.norm(picture[row, column])))
                ax.plot(column, row, marker="_", color=color, markersize=4, markeredgewidth=0.9)
    color_key(figure, images[0], style.MARGIN, bottom + 0.02, 1.8)
    return figure


def _filter_table(w, title, kind):
    """Draw kernels (F_h, F_w, C, K) as one picture, rows of channels and columns of filters."""
    high, wide, channels, count = w.shape
    if channels > 16 or count > 32:
        raise ValueError(
            f"filters: w has {channels} channels and {count} filters, at most 16 and 32 can be read"
        )
    left, gap = 0.95, max(1, round(0.15 * max(high, wide)))
    unit = min(0.62 / max(high, wide), (9.6 - left) / (count * (wide + gap)))
    picture = np.full((channels * (high + gap) - gap, count * (wide + gap) - gap), np.nan)
    for c, k in np.ndindex(channels, count):
        picture[c * (high + gap) : c * (high + gap) + high, k * (wide + gap) : k * (wide + gap) + wide] = w[
            :, :, c, k
        ]
    width = max(left + picture.shape[1] * unit + 0.2, style.title_width(title, 5.0), 2.2)
    top = style.heading_height(title, width) + 0.25
    figure = style.page(width, top + picture.shape[0] * unit + 0.45)
    figure.alt = f"{title or 'Filters'}: {count} filters of {high} by {wide} by {channels}."
    style.heading(figure, title)
    ax = style.panel(figure, left, top, picture.shape[1] * unit, picture.shape[0] * unit)
    image = ax.imshow(
        picture, cmap=style.MAPS[kind], norm=style.norm(w, kind), interpolation="nearest", aspect="auto"
    )
    for spine in ax.spines.values():
        spine.set_visible(False)
    corners = [(k * (wide + gap) - 0.5, c * (high + gap) - 0.5) for c, k in np.ndindex(channels, count)]
    ax.add_collection(_frames(corners, wide, high))
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=3, labelsize=style.SMALL, labelcolor=style.GREY)
    ax.set_xticks(np.arange(count) * (wide + gap) + (wide - 1) / 2, range(count))
    ax.set_yticks(
        np.arange(channels) * (high + gap) + (high - 1) / 2, [f"channel {c}" for c in range(channels)]
    )
    style.note(figure, left - 0.08, top - 0.05, "filter", ha="right", va="bottom")
    color_key(figure, image, left, top + picture.shape[0] * unit + 0.1, 1.8)
    return figure


@drawing
def weight_columns(w, *, titles=None, title="", kind="weight"):
    """Draw the columns of a fully connected layer's weights as pictures of its input.

    What the reader sees: for each unit, where ink speaks for it (red) and where against (blue).

    Parameters
    ----------
    w : array_like, shape (784, K)
        At most 64 units.
    titles : sequence of str, optional
        One a unit; by default ``unit 0``, ``unit 1``, …
    title : str
    kind : {"weight", "gradient"}

    Returns
    -------
    Figure
    """
    w = as_array(w, "w", "weight_columns", 2, "weights (N, K)", finite=True)
    as_kind(kind, "weight_columns")
    if len(w) != 784:
        raise ValueError(
            f"weight_columns: w must have a row for each of 28×28 pixels; its shape is {w.shape}"
        )
    count = w.shape[1]
    style.at_most(count, MOST_PANELS, "w", "weight_columns", ": pass fewer columns, e.g. w[:, :10]")
    titles = (
        same_length(titles, count, "titles", "weight_columns")
        if titles
        else map("unit {}".format, range(count))
    )
    columns = min(5, count)
    side = min(1.5, (9.4 - 0.12 * (columns - 1)) / columns)
    width = max(columns * (side + 0.12) + 0.2, style.title_width(title, 5.0), 2.2)
    top = style.heading_height(title, width)
    figure = style.page(width, top + math.ceil(count / columns) * (side + 0.32) + 0.45)
    figure.alt = f"{title or 'Weight columns'}: {count} pictures of 28 by 28, one a unit."
    style.heading(figure, title)
    images, bottom = _grid(
        figure,
        [column.reshape(28, 28) for column in w.T],
        columns=columns,
        left=style.MARGIN,
        top=top,
        side=side,
        gap=0.12,
        kind=kind,
        scale=w,
        words=[str(t) for t in titles],
    )
    color_key(figure, images[0], style.MARGIN, bottom + 0.02, 1.8)
    return figure
