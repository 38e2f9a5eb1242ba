"""`DownhillStage`: a ball on the loss of one weight."""

import numpy as np

from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Number, Stage, as_number

NAME = "DownhillStage"


class DownhillStage(Stage):
    """A ball on the curve J(w) = ½(w·x − y)²: a slider moves it, a button takes one step downhill.

    - x, y: what is given, not 0, and what is wanted of w·x
    - w, rate: the weight at first, and the learning rate

    Examples
    --------
    >>> DownhillStage()
    DownhillStage(J = ½(w·2 − 3)² = 12.5 at w = -1)
    """

    composition = "downhill"
    w = Number()

    def __init__(self, x=2, y=3, w=-1, rate=0.1):
        for name, value in {"x": x, "y": y, "w": w, "rate": rate}.items():
            as_number(NAME, name, value)
        if x == 0:
            raise ValueError(f"{NAME}: x must not be 0, or no weight changes anything")
        super().__init__({"x": x, "y": y}, {"w": w, "rate": rate})

    @property
    def loss(self):
        """J at the ball."""
        return self._loss(self.w)

    @property
    def slope(self):
        """By how many nudges J moves, for a small nudge of w."""
        x, y = self._given()
        return x * (self.w * x - y)

    def _given(self):
        return (float(self.arrays[name]) for name in ("x", "y"))

    def _loss(self, w):
        x, y = self._given()
        return (w * x - y) ** 2 / 2

    def __repr__(self):
        x, y = self._given()
        return f"{NAME}(J = ½(w·{x:g} − {y:g})² = {self.loss:.6g} at w = {self.w:g})"

    def twin(self):
        """Return the curve with the ball, standing still."""
        x, y = self._given()
        reach = max(1.2 * abs(self.w - y / x), 1)
        line = np.linspace(y / x - reach, y / x + reach, 101)
        beside = np.where(abs(line - self.w) < reach / 5, self.loss + self.slope * (line - self.w), np.nan)
        return plots.function(
            line,
            {"J = ½(w·x − y)²": self._loss(line), "the slope at the ball": beside},
            title="A ball on the loss of one weight",
            dots=[(self.w, self.loss, "closed")],
            xlabel="w",
            ylabel="J",
        )
