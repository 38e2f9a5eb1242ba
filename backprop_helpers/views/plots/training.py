"""Figures of training: loss, rate and accuracy over the steps, and what is confused with what."""

import math

import numpy as np
from matplotlib.patches import Rectangle

from . import _style as style
from ._style import as_array, drawing
from .curves import _named, chart
from .heatmaps import draw_cells, draw_labels

CHANCE = math.log(10)


def _smooth(values):
    """Return a running mean that starts with the first value; short series stay as they are."""
    window = max(1, len(values) // 40)
    if window == 1:
        return values
    sums = np.cumsum(np.insert(values, 0, 0.0))
    start = np.maximum(np.arange(len(values)) - window + 1, 0)
    return (sums[1:] - sums[start]) / (np.arange(len(values)) - start + 1)


def _series(values, name, function):
    return as_array(values, name, function, 1, "a vector, one number a step", finite=True).astype(float)


@drawing
def training_history(history, *, title=""):
    """Draw a training run: loss, accuracy and learning rate over the steps.

    What the reader sees: three charts on one time axis; the single steps pale, their running mean on top; the
    loss of guessing as a dashed line; epochs as thin vertical lines, with the validation figures as dots when
    there are any.

    Parameters
    ----------
    history : History
        As `fit` returns it: ``.loss``, ``.accuracy`` and ``.rate`` per step, ``.epochs`` a list with one
        entry an epoch, whose ``validation_accuracy`` (attribute or key) is used when present.
    title : str

    Returns
    -------
    Figure
    """
    data = {}
    for name in ("loss", "accuracy", "rate"):
        values = getattr(history, name, None)
        if values is None:
            raise TypeError(
                f"training_history: history must have .loss, .accuracy and .rate; .{name} is missing"
            )
        data[name] = _series(values, f"history.{name}", "training_history")
    steps = len(data["loss"])
    epochs = list(getattr(history, "epochs", None) or [])
    whole = not getattr(history, "interrupted", False)  # else an epoch's length in steps is not known
    wide, high, gap, left = 2.6, 2.0, 0.68, 0.62
    width = left + 3 * wide + 2 * gap + 0.2
    top = style.heading_height(title, width) + 0.3
    figure = style.page(width, top + high + 0.62)
    style.heading(figure, title)
    words = {"loss": "loss of a batch", "accuracy": "accuracy of a batch", "rate": "learning rate"}
    for i, (name, values) in enumerate(data.items()):
        ax = style.panel(figure, left + i * (wide + gap), top, wide, high)
        x = np.arange(1, len(values) + 1)
        color = style.LINES[i]["color"]
        if name == "rate":
            ax.plot(x, values, color=color, lw=2)
        else:
            if len(values) >= 80:
                ax.plot(x, values, color=style.tint(color, 0.65), lw=0.6)
            ax.plot(x, _smooth(values), color=color, lw=2)
        for epoch in range(1, len(epochs) if whole else 0):
            ax.axvline(epoch * steps / len(epochs), color=style.HAIR, lw=1, zorder=0)
        if name == "loss":
            ax.axhline(CHANCE, color=style.GREY, lw=1, ls=(0, (4, 2)))
            ax.annotate(
                f"guessing: {CHANCE:.2f}",
                (1, CHANCE),
                xycoords=("axes fraction", "data"),
                xytext=(0, -3),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=style.SMALL,
                color=style.GREY,
            )
        if name == "accuracy":
            marks = [
                e.get("validation_accuracy")
                if isinstance(e, dict)
                else getattr(e, "validation_accuracy", None)
                for e in epochs
            ]
            ends = [(k + 1) * steps / len(epochs) for k, m in enumerate(marks) if m is not None]
            marks = [m for m in marks if m is not None]
            if marks and whole:
                ax.plot(ends, marks, "D", ms=6, mfc="white", mec=style.INK, mew=1.4, clip_on=False, zorder=5)
            if marks:
                ax.annotate(
                    f"{'◇ ' if whole else ''}validation: {100 * marks[-1]:.1f} %",
                    (1, 0.05),
                    xycoords="axes fraction",
                    ha="right",
                    fontsize=style.SMALL,
                    color=style.INK,
                )
        ax.set_title(words[name], loc="left")
        ax.set_xlabel("step")
        ax.set_xlim(0, max(2, len(values)))
        ax.set_ylim(0, 1.02 if name == "accuracy" else None)
        ax.grid(True, axis="y")
    figure.alt = f"{title or 'Training'}: loss, accuracy and learning rate over {steps} steps."
    return figure


@drawing
def losses(runs, *, title=""):
    """Draw the losses of several runs in one chart.

    What the reader sees: one line a run, the running mean over a fortieth of it, each with its own colour and
    dash, its name at its legend entry; the loss of guessing among ten classes as a dashed line.

    Parameters
    ----------
    runs : dict of name → array_like, shape (steps,)
        At most nine; they may differ in length.
    title : str

    Returns
    -------
    Figure
    """
    data = {
        name: _series(values, f"runs[{name!r}]", "losses")
        for name, values in _named(runs, "runs", "losses").items()
    }
    figure, ax = chart(title, 6.6, 3.0)
    for (name, values), look in zip(data.items(), style.LINES):
        x = np.arange(1, len(values) + 1)
        ax.plot(x, _smooth(values), color=look["color"], ls=look["linestyle"], lw=2, label=name)
    ax.axhline(CHANCE, color=style.GREY, lw=1, ls=(0, (4, 2)), label=f"guessing: {CHANCE:.2f}")
    ax.set(xlim=(0, None), ylim=(0, None), xlabel="step", ylabel="loss")
    ax.grid(True, axis="y")
    ax.legend(loc="best", handlelength=3)
    figure.alt = f"{title or 'Losses'}: {', '.join(map(str, data))}."
    return figure


@drawing
def confusion_matrix(matrix, *, title=""):
    """Draw which class was taken for which.

    What the reader sees: rows are the true classes, columns the predictions, every count in its cell. The
    diagonal, the right answers, is outlined and left uncoloured, so that the colours show the mistakes.

    Parameters
    ----------
    matrix : array_like of int, shape (K, K)
        Counts; entry (true, predicted). At most 20 classes.
    title : str

    Returns
    -------
    Figure
    """
    counts = as_array(matrix, "matrix", "confusion_matrix", 2, "counts (K, K)", finite=True)
    size = len(counts)
    if counts.shape != (size, size):
        raise ValueError(f"confusion_matrix: matrix must be square; its shape is {counts.shape}")
    if (counts < 0).any():
        raise ValueError(f"confusion_matrix: matrix must hold counts; its least is {counts.min()}")
    style.at_most(size, 20, "matrix", "confusion_matrix")
    cell = min(0.46, 7.0 / size)
    left = 0.45 + style.text_width(size - 1, 9)
    width = max(left + size * cell + 0.3, 3.0)
    top = style.heading_height(title, width) + 0.5
    figure = style.page(width, top + size * cell + 0.15)
    style.heading(figure, title)
    ax = style.panel(figure, left, top, size * cell, size * cell)
    wrong = counts * (1 - np.eye(size, dtype=int))
    image = draw_cells(ax, wrong, kind="value", numbers=False, cell=cell)
    for (row, column), count in np.ndenumerate(counts):
        if count or row == column:
            background = image.cmap(image.norm(wrong[row, column]))
            ax.text(
                column,
                row,
                f"{count:d}" if counts.dtype.kind in "iu" else style.number(count),
                ha="center",
                va="center",
                fontsize=8.5,
                color=style.text_color(background),
                fontweight="bold" if row == column else "normal",
            )
    for i in range(size):
        ax.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, ec=style.INK, lw=1.3, zorder=3))
    draw_labels(ax, counts.shape, indices=True)
    ax.tick_params(labelsize=9, labelcolor=style.INK)
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("predicted", labelpad=5)
    ax.set_ylabel("true")
    right = int(np.trace(counts))
    figure.alt = f"{title or 'Confusion matrix'}: {right} of {int(counts.sum())} right."
    return figure
