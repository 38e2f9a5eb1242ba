"""Figures of training: loss, rate and accuracy over the steps, and what is confused with what."""

import math

import numpy as np

from . import _style as style
from ._cells import draw_cells, draw_labels, fill_cells, ink_on, write
from ._style import as_array, drawing
from .curves import as_named, chart

CHANCE = math.log(10)
GUESSING = f"guessing: {CHANCE:.2f}"


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

    `history` is what `fit` returns.
    """
    names = {"loss": "loss of a batch", "accuracy": "accuracy of a batch", "rate": "learning rate"}
    for name in names:
        if not hasattr(history, name):
            expected = "must have .loss, .accuracy and .rate"
            raise TypeError(f"training_history: history {expected}; .{name} is missing")
    wide, high, gap, left = 2.6, 2.0, 0.68, 0.62
    figure, top = style.titled(left + 3 * wide + 2 * gap + 0.2, high + 0.62, title, above=0.3)
    for i, (name, words) in enumerate(names.items()):
        ax = style.panel(figure, left + i * (wide + gap), top, wide, high)
        values = _series(getattr(history, name), f"history.{name}", "training_history")
        _draw_course(ax, values, style.LINES[i]["color"], is_noisy=name != "rate")
        ax.set_title(words, loc="left")
        ax.set(xlabel="step", xlim=(0, max(2, len(values))), ylim=(0, 1.02 if name == "accuracy" else None))
        ax.grid(True, axis="y")
        # The length of an interrupted epoch in steps is not known.
        ends = len(values) / max(1, len(history.epochs)) * np.arange(1, len(history.epochs) + 1)
        for end in () if history.interrupted else ends[:-1]:
            ax.axvline(end, color=style.HAIR, lw=1, zorder=0)
        if name == "loss":
            ax.axhline(CHANCE, color=style.GREY, lw=1, ls=(0, (4, 2)))
            look = {"over": ("axes fraction", "data"), "ha": "right", "va": "top"}
            style.remark(ax, GUESSING, (1, CHANCE), (0, -3), **look)
        if name == "accuracy":
            _mark_validation(ax, ends, history)
    figure.alt = f"{title or 'Training'}: loss, accuracy and learning rate over {len(history.loss)} steps."
    return figure


def _draw_course(ax, values, color, is_noisy):
    """Draw what is noisy pale, with its running mean; else the line itself."""
    x = np.arange(1, len(values) + 1)
    if is_noisy and len(values) >= 80:
        ax.plot(x, values, color=style.tint(color, 0.65), lw=0.6)
    ax.plot(x, _smooth(values) if is_noisy else values, color=color, lw=2)


def _mark_validation(ax, ends, history):
    """Mark the validation accuracies at the ends of their epochs, and write the last."""
    marks = np.array([epoch.validation_accuracy for epoch in history.epochs], dtype=float)
    measured = ~np.isnan(marks)  # None is no measurement
    if not measured.any():
        return
    if not history.interrupted:
        look = {"ms": 6, "mfc": "white", "mec": style.INK, "mew": 1.4, "zorder": 5}
        ax.plot(ends[measured], marks[measured], "D", clip_on=False, **look)
    words = f"{'' if history.interrupted else '◇ '}validation: {100 * marks[measured][-1]:.1f} %"
    style.remark(ax, words, (1, 0.05), (0, 0), "axes fraction", ha="right", color=style.INK)


@drawing
def losses(runs, *, title=""):
    """Draw the losses of several runs in one chart.

    What the reader sees: one line a run, the running mean over a fortieth of it, each with its own colour and
    dash, its name at its legend entry; the loss of guessing among ten classes as a dashed line.

    `runs` are at most nine vectors (steps,) by their names; they may differ in length.
    """
    data = {
        name: _series(values, f"runs[{name!r}]", "losses")
        for name, values in as_named(runs, "runs", "losses").items()
    }
    figure, ax = chart(title, 6.6, 3.0)
    for (name, values), look in zip(data.items(), style.LINES):
        x = np.arange(1, len(values) + 1)
        ax.plot(x, _smooth(values), color=look["color"], ls=look["linestyle"], lw=2, label=name)
    ax.axhline(CHANCE, color=style.GREY, lw=1, ls=(0, (4, 2)), label=GUESSING)
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

    `matrix` holds whole counts, (K, K), entry (true, predicted), of at most 20 classes.
    """
    counts = as_array(matrix, "matrix", "confusion_matrix", 2, "counts (K, K)")
    size = len(counts)
    if counts.shape != (size, size):
        raise ValueError(f"confusion_matrix: matrix must be square; its shape is {counts.shape}")
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        came = f"its dtype is {counts.dtype}, its least {counts.min()}"
        raise ValueError(f"confusion_matrix: matrix must hold counts; {came}")
    style.at_most(size, 20, "matrix", "confusion_matrix")
    cell = min(0.46, 7.0 / size)
    left = 0.45 + style.text_width(size - 1, 9)
    width = max(left + size * cell + 0.3, 3.0)
    figure, top = style.titled(width, size * cell + 0.15, title, above=0.5, most=width)
    ax = style.panel(figure, left, top, size * cell, size * cell)
    diagonal = np.eye(size, dtype=bool)
    wrong = np.where(diagonal, 0, counts)
    image = draw_cells(ax, wrong, kind="value", numbers=False, cell=cell)
    for row, column in np.argwhere(diagonal | (counts > 0)):
        look = {
            "fontweight": "bold" if row == column else "normal",
            "color": ink_on(image, wrong[row, column]),
        }
        write(ax, row, column, f"{counts[row, column]:d}", fontsize=8.5, **look)
    fill_cells(ax, np.argwhere(diagonal), fill=False, ec=style.INK, lw=1.3, zorder=3)
    draw_labels(ax, counts.shape, indices=True)
    ax.tick_params(labelsize=9, labelcolor=style.INK)
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("predicted", labelpad=5)
    ax.set_ylabel("true")
    figure.alt = f"{title or 'Confusion matrix'}: {np.trace(counts)} of {counts.sum()} right."
    return figure
