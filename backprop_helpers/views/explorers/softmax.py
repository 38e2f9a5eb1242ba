"""Drag the scores, see what softmax and cross-entropy make of them (lesson 04)."""

import html
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from backprop_helpers.layers import (
    softmax,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_jacobian,
)
from backprop_helpers.views import plots
from backprop_helpers.views.explorers import _base as base
from backprop_helpers.views.explorers._base import Explorer, Mark, guarded
from backprop_helpers.views.explorers._numbers import factor, written
from backprop_helpers.views.matrix_view import Highlight, MatrixView

FEWEST, MOST = 3, 10  # classes
STEP, REACH = 0.25, 8  # of the sliders; a quarter is exact in binary
SHIFTS = (-1000, -100, -10, -3, -2, -1, 0, 1, 2, 3, 10, 100, 1000)
LINE = 32  # CSS pixels, one slider


class Scores(NamedTuple):
    """What softmax and cross-entropy make of one row of scores.

    Attributes
    ----------
    z, y_hat, dz : ndarray, (K,)
        The scores, the probabilities, and ŷ − y.
    loss : float
        −log of the true class's probability.
    jacobian : ndarray, (K, K)
        ∂ŷ[l]/∂z[k], row l, column k.
    """

    z: np.ndarray
    y_hat: np.ndarray
    dz: np.ndarray
    loss: float
    jacobian: np.ndarray


def scores(z, label):
    """Return the `Scores` of one row of scores (K,) and its true class."""
    loss, cache = softmax_cross_entropy_forward(z[None], np.array([label]))
    y_hat = softmax(z[None])
    dz = softmax_cross_entropy_backward(1.0, cache)
    return Scores(z, y_hat[0], dz[0], float(loss), softmax_jacobian(y_hat)[0])


class SoftmaxExplorer(Explorer):
    """Drag the scores of one example; see its probabilities, the loss, Ŷ − Y and the Jacobian.

    Point at an entry of the Jacobian: its arithmetic is written out. "Add to all" adds the same number to
    every score.

    Parameters
    ----------
    z : array_like of float, (K,) or (1, K), optional
        The scores of 3 to 10 classes; four by default.
    y : int or array_like, (K,) or (1, K), optional
        The true class, or one-hot. By default class 1.
    title : str

    Notes
    -----
    The static twins are `plots.bars` and `plots.matrix`; `twin()` draws both for the present state.

    Examples
    --------
    >>> SoftmaxExplorer([2.0, 1.0, 0.0], 0)
    SoftmaxExplorer(3 classes): run the cell to use it
    """

    def __init__(self, z=None, y=None, *, title=""):
        z = _as_row(np.array([2.0, 1.0, 0.0, -1.0]) if z is None else z)
        label = _as_label(1 if y is None else y, len(z))
        self.count = len(z)
        self._quiet = False
        self.active = None
        self._build(z, label)
        super().__init__(
            title=title or "Softmax and cross-entropy: every score moves every probability",
            summary=f"SoftmaxExplorer({self.count} classes): run the cell to use it",
            parts=[self.controls, self.board],
            lines=7,  # two of the five wrap beside an open file browser
        )
        self._draw()

    @property
    def z(self):
        """The scores, with what is added to all."""
        return np.array([slider.value for slider in self.sliders]) + self.shift.value

    @property
    def state(self):
        """The `Scores` of the present sliders."""
        return scores(self.z, self.label.value)

    def twin(self):
        """Return the static figure of the present state: the probabilities, and the Jacobian beside them."""
        state = self.state
        size = max(2.8, 0.42 * self.count)
        figure, axes = plots.panels(1, 2, size=(max(3.6, 0.5 * self.count), size))
        plots.bars(state.y_hat, self.label.value, title=f"Ŷ, loss {written(state.loss, 3)}", ax=axes[0, 0])
        plots.matrix(
            state.jacobian,
            title="∂ŷ[l]/∂z[k]",
            kind="gradient",
            row_labels=_names("ŷ", self.count),
            col_labels=_names("z", self.count),
            ax=axes[0, 1],
        )
        return figure

    # The widgets

    def _build(self, z, label):
        wide = 270 if self.count <= 6 else 240
        reach = max(REACH, STEP * np.ceil(np.abs(z).max() / STEP))
        # The browser rounds to whole steps from the lower end: each end is whole steps from the score given.
        self.sliders = [
            widgets.FloatSlider(
                value=float(score),
                min=float(score - STEP * np.floor((score + reach) / STEP)),
                max=float(score + STEP * np.floor((reach - score) / STEP)),
                step=STEP,
                description=f"z[{k}]",
                readout_format=".2f",
                tooltip=f"the score of class {k}",
                style={"description_width": "36px"},
                layout={"width": f"{wide}px", "height": f"{LINE}px", "margin": "0"},
            )
            for k, score in enumerate(z)
        ]
        self.label = base.choice(
            "true class",
            [(f"class {k}", k) for k in range(self.count)],
            label,
            width="190px",
            described="76px",
        )
        self.shift = widgets.SelectionSlider(
            options=[(f"{shift:+d}".replace("-", "−") if shift else "0", shift) for shift in SHIFTS],
            value=0,
            description="add to all",
            continuous_update=True,
            tooltip="the same number, added to every score",
            style={"description_width": "76px"},
            layout={"width": "420px"},
        )
        self.reset = widgets.Button(
            description="back to the start", tooltip="the scores as they were at first"
        )
        self._start = [float(score) for score in z]
        self.reset.on_click(self._on_reset)
        self.controls = base.controls(self.label, self.shift, self.reset)
        self.bars = widgets.HTML(layout={"flex": "0 0 auto"})
        self.bars.add_class("bp-softmax-bars")
        self.jacobian = MatrixView(
            np.zeros((self.count, self.count)),
            title="Jacobian ∂ŷ[l]/∂z[k] = diag(ŷ) − ŷᵀŷ",
            kind="gradient",
            limit=0.25,
            decimals=2,
            numbers=True,
            cell=52 if self.count <= 6 else 36,
            row_labels=_names("ŷ", self.count),
            col_labels=_names("z", self.count),
            description="row l: probability l; column k: score k",
        )
        head = widgets.HTML('<div style="height:24px"></div>')
        left = widgets.VBox([head, *self.sliders], layout={"width": f"{wide + 4}px", "flex": "0 0 auto"})
        self.board = base.row(left, self.bars, self.jacobian, gap="14px")
        for slider in [*self.sliders, self.label, self.shift]:
            slider.observe(self._on_control, names="value")
        self.jacobian.observe(self._on_active, names="active")

    @guarded
    def _on_control(self, change):
        if not self._quiet:
            self._draw()

    @guarded
    def _on_reset(self, button):
        self._quiet = True
        try:
            self.shift.value = 0
            for slider, score in zip(self.sliders, self._start):
                slider.value = score
        finally:
            self._quiet = False
        self._draw()

    @guarded
    def _on_active(self, change):
        self.active = change["new"]
        self._mark(self.state)

    @guarded
    def _draw(self):
        state = self.state
        self.bars.value = bars_as_html(state, self.label.value)
        self.jacobian.values = state.jacobian
        self._mark(state)

    def _mark(self, state):
        if self.active is None:
            self.jacobian.highlights = ()
            self._write_loss(state)
            return
        row, column = self.active
        others = [(i, column) for i in range(self.count) if i != row]
        self.jacobian.highlights = [Highlight([(row, column)], "orange"), Highlight(others, "blue")]
        self._write_entry(state, row, column)

    def _write_loss(self, state):
        label = self.label.value
        total = np.exp(state.z - state.z.max())
        largest = int(np.argmax(state.z))
        self.write(
            [
                Mark(f"ŷ[{label}]", "green"),
                f" = exp(z[{label}] − {factor(state.z[largest])}) / Σ = {written(total[label])} / "
                f"{written(total.sum())} = ",
                Mark(written(state.y_hat[label]), "green", True),
                f"     (less the largest score, z[{largest}])",
            ],
            [
                "J = −log ",
                Mark(f"ŷ[{label}]", "green"),
                f" = −log {written(state.y_hat[label])} = ",
                Mark(written(state.loss), "orange", True),
            ],
            [
                f"dZ = Ŷ − Y:  at the true class {written(state.y_hat[label])} − 1 = ",
                Mark(written(state.dz[label]), "purple"),
                ", elsewhere ŷ itself;  together ",
                Mark(f"{_zero(state.dz.sum())}", "purple"),
            ],
            f"Added to all: {written(self.shift.value)}.  {self._shift_words()}",
            "Point at an entry of the Jacobian to see its arithmetic.",
        )

    def _write_entry(self, state, row, column):
        same = int(row == column)
        left, right = state.y_hat[row], state.y_hat[column]
        entry = state.jacobian[row, column]
        label = self.label.value
        self.write(
            [
                Mark(f"∂ŷ[{row}]/∂z[{column}]", "orange"),
                f" = ŷ[{row}] · ([{row} = {column}] − ŷ[{column}]) = {written(left)} · ({same} − "
                f"{written(right)}) = ",
                Mark(written(entry), "orange", True),
            ],
            f"Raise z[{column}] by 0.01: ŷ[{row}] moves by about {written(entry * 0.01, 3)}"
            + (
                ": a class's own score raises its probability."
                if same
                else f": what class {column} gains, the others lose."
            ),
            [
                f"Column {column}: ",
                Mark(" + ".join(factor(value, 2) for value in state.jacobian[:, column]), "blue"),
                f" = {_zero(state.jacobian[:, column].sum())},  the probabilities always sum to 1",
            ],
            f"Cross-entropy sends down only dŷ[{label}] = −1/ŷ[{label}] = {written(-1 / state.y_hat[label])}"
            if state.y_hat[label]
            else f"Cross-entropy: ŷ[{label}] is 0 here, 1/ŷ[{label}] is not finite; Ŷ − Y needs no division",
            f"so dz[{column}] = dŷ[{label}] · ∂ŷ[{label}]/∂z[{column}] = ŷ[{column}] − y[{column}] = "
            f"{written(right)} − {int(column == label)} = {written(state.dz[column])}",
        )

    def _shift_words(self):
        """Say what adding to all changed."""
        without = scores(np.array([slider.value for slider in self.sliders]), self.label.value)
        largest = np.abs(self.state.y_hat - without.y_hat).max()
        if not self.shift.value:
            return "Try it: which of the numbers change?"
        change = "exactly 0" if largest == 0 else "less than 1e−12" if largest < 1e-12 else written(largest)
        return f"Largest change of a probability: {change}."


def bars_as_html(state, label):
    """Return the table beside the sliders: exp, ŷ as a bar, y, and ŷ − y as a push."""
    shifted = np.exp(state.z - state.z.max())
    rows = []
    for k, (y_hat, push) in enumerate(zip(state.y_hat, state.dz)):
        target = "outline:2px dashed var(--bp-ink);outline-offset:-1px;" if k == label else ""
        colour = "#2f7a9c" if k != label else "#009E73"
        left, width = (50 + 50 * push, -50 * push) if push < 0 else (50, 50 * push)
        arrow = "↑" if push < 0 else "↓"
        rows.append(
            f'<tr style="height:{LINE}px">'
            f'<td class="bp-number">{_fixed(shifted[k], 3)}</td>'
            f'<td class="bp-track" style="{target}">'
            f'<div style="width:{100 * y_hat:.2f}%;background:{colour}"></div></td>'
            f'<td class="bp-number">{_fixed(y_hat, 3)}</td><td class="bp-number">{int(k == label)}</td>'
            f'<td class="bp-track bp-push"><div style="margin-left:{left:.2f}%;width:{width:.2f}%;'
            f'background:{"#3f7db5" if push < 0 else "#c64a45"}"></div></td>'
            f'<td class="bp-number">{html.escape(_fixed(push, 3, sign=True))} {arrow}</td></tr>'
        )
    columns = (58, 130, 54, 22, 90, 72) if len(state.z) <= 6 else (54, 104, 54, 20, 74, 70)
    head = "".join(f"<th>{text}</th>" for text in ("exp", "probability ŷ", "", "y", "ŷ − y", ""))
    return (
        "<style>.bp-softmax-bars table{border-collapse:collapse;table-layout:fixed;"
        "font-size:14px;color:var(--bp-ink);line-height:20px;margin:0}"
        ".bp-softmax-bars th{height:24px;padding:0 4px;text-align:left;font-weight:600;"
        "white-space:nowrap;overflow:visible;background:none}"
        ".bp-softmax-bars tr{background:none!important}"
        ".bp-softmax-bars td{padding:0 4px;text-align:right;white-space:nowrap;"
        "font-variant-numeric:tabular-nums}"
        ".bp-softmax-bars td.bp-track{padding:4px 0}"
        ".bp-softmax-bars td.bp-track div{height:22px;transition:none}"
        ".bp-softmax-bars td.bp-push{background:linear-gradient(var(--bp-line),var(--bp-line)) "
        "50% 50%/1px 100% no-repeat}</style>"
        f'<table style="width:{sum(columns)}px" aria-label="probabilities, targets and their difference">'
        f'<colgroup>{"".join(f"""<col style="width:{width}px">""" for width in columns)}</colgroup>'
        f"<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _fixed(value, decimals, *, sign=False):
    """Return a number with fixed decimals, so that nothing jumps while a slider moves; −0 is 0."""
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = f"{0:.{decimals}f}"
    return text.replace("-", "−")


def _zero(total):
    """Return 0 for a sum that is 0 but for rounding."""
    return "0" if abs(total) < 1e-12 else written(total)


def _names(letter, count):
    return [f"{letter}[{k}]" for k in range(count)]


def _as_row(z):
    """Return one row of scores (K,) of float64."""
    z = np.asarray(z)
    if z.dtype.kind not in "iuf":
        raise TypeError(f"SoftmaxExplorer: z must hold real numbers; got {z.dtype}")
    z = z[0] if z.ndim == 2 and len(z) == 1 else z
    if z.ndim != 1 or not FEWEST <= len(z) <= MOST:
        raise ValueError(
            f"SoftmaxExplorer: z must be one row (K,) of {FEWEST} to {MOST} scores; got shape {z.shape}"
        )
    if not np.isfinite(z).all():
        raise ValueError("SoftmaxExplorer: z must be finite; it holds NaN or infinity")
    return z.astype(np.float64)


def _as_label(y, count):
    """Return the true class as an int."""
    y = np.asarray(y)
    y = y[0] if y.ndim and len(y) == 1 else y
    if y.shape == (count,) and np.array_equal(np.sort(y), np.eye(count)[-1]):
        return int(np.argmax(y))
    if y.ndim == 0 and y.dtype.kind in "iu" and 0 <= y < count:
        return int(y)
    raise ValueError(
        f"SoftmaxExplorer: y must be a class from 0 to {count - 1}, or one-hot ({count},); got {y.tolist()!r}"
    )
