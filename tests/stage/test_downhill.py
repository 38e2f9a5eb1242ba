"""The ball on the loss of one weight: its numbers, what it refuses, its picture."""

import numpy as np
import pytest

from backprop_helpers.views.stage import DownhillStage


def test_loss_and_slope_are_those_of_the_curve():
    stage = DownhillStage(x=-3, y=0.5, w=2)
    assert stage.loss == 6.5**2 / 2
    higher, lower = (DownhillStage(x=-3, y=0.5, w=2 + nudge).loss for nudge in (1, -1))
    assert stage.slope == (higher - lower) / 2  # of a parabola exactly
    assert repr(DownhillStage()) == "DownhillStage(J = ½(w·2 − 3)² = 12.5 at w = -1)"


def test_the_page_moves_the_ball():
    stage = DownhillStage()
    stage.w = 1.5
    assert (stage.loss, stage.slope) == (0, 0)
    assert stage.committed()["options"] == {"w": 1.5, "rate": 0.1}


@pytest.mark.parametrize("name", ["x", "y", "w", "rate"])
@pytest.mark.parametrize("value", [np.inf, "1", [1, 2], 1j])
def test_what_is_no_number_is_refused(name, value):
    with pytest.raises(TypeError, match=f"DownhillStage: {name} must be one finite number"):
        DownhillStage(**{name: value})


def test_a_weight_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match="x must not be 0"):
        DownhillStage(x=0)


def test_the_twin_has_curve_ball_and_slope():
    figure = DownhillStage(w=4).twin()
    curve, slope = (line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 101)
    w, loss = curve.get_data()
    assert loss == pytest.approx((w * 2 - 3) ** 2 / 2)
    there = ~np.isnan(slope.get_ydata())
    assert np.diff(slope.get_ydata()[there]) / np.diff(w[there]) == pytest.approx(10)
    assert "A ball on the loss of one weight" in figure.alt
