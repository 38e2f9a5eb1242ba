"""The softmax explorer: probabilities, loss, Ŷ − Y, Jacobian, shift."""

import re

import numpy as np
import pytest

from backprop_helpers.checking import numerical_gradient
from backprop_helpers.layers import softmax, softmax_cross_entropy_backward, softmax_cross_entropy_forward
from backprop_helpers.views.explorers import SoftmaxExplorer
from backprop_helpers.views.explorers import softmax as module


@pytest.fixture
def explorer():
    return SoftmaxExplorer([2.0, 1.0, 0.0, -1.0], 1)


class TestTeaching:
    @pytest.mark.parametrize("label", range(4))
    def test_scores_are_the_layers(self, label):
        z = np.array([0.5, -2.0, 3.0, 1.0])
        found = module.scores(z, label)
        loss, cache = softmax_cross_entropy_forward(z[None], np.array([label]))
        assert found.loss == loss
        np.testing.assert_array_equal(found.y_hat, softmax(z[None])[0])
        np.testing.assert_array_equal(found.dz, softmax_cross_entropy_backward(1.0, cache)[0])
        np.testing.assert_allclose(found.dz, found.y_hat - np.eye(4)[label], atol=1e-15)

    def test_the_jacobian_is_measured(self):
        z = np.array([0.5, -2.0, 3.0])
        jacobian = module.scores(z, 0).jacobian
        for row in range(3):
            measured = numerical_gradient(lambda z, row=row: softmax(z[None])[0, row], z)
            np.testing.assert_allclose(jacobian[row], measured, atol=1e-9)

    def test_numbers_do_not_change_their_width_for_a_zero(self):
        assert module._fixed(-0.0001, 3, sign=True) == "0.000"
        assert module._fixed(-0.5, 3, sign=True) == "−0.500"
        assert module._fixed(0.5, 3, sign=True) == "+0.500"


class TestControls:
    def test_the_loss_is_written_out(self, explorer):
        y_hat = softmax([[2.0, 1.0, 0.0, -1.0]])[0]
        text = explorer.arithmetic_text
        assert f"J = −log ŷ[1] = −log {y_hat[1]:.4f} = {-np.log(y_hat[1]):.3g}" in text
        assert f"at the true class {y_hat[1]:.4f} − 1 = −{1 - y_hat[1]:.4f}" in text
        assert "together 0" in text

    def test_a_slider(self, explorer):
        explorer.sliders[3].value = 4.5
        z = np.array([2.0, 1.0, 0.0, 4.5])
        np.testing.assert_array_equal(explorer.z, z)
        y_hat = softmax(z[None])[0]
        np.testing.assert_allclose(
            explorer.jacobian.values, np.diag(y_hat) - np.outer(y_hat, y_hat), atol=1e-15
        )
        for probability in y_hat:
            assert f"{probability:.3f}" in explorer.bars.value

    def test_the_true_class(self, explorer):
        explorer.label.value = 3
        assert "J = −log ŷ[3]" in explorer.arithmetic_text
        pushes = re.findall(r"([+−]?\d\.\d{3}) [↑↓]", explorer.bars.value)
        expected = explorer.state.y_hat - np.eye(4)[3]
        assert [float(text.replace("−", "-")) for text in pushes] == pytest.approx(expected, abs=6e-4)

    @pytest.mark.parametrize("shift", module.SHIFTS)
    def test_adding_to_all_changes_nothing(self, explorer, shift):
        before, bars = explorer.state, explorer.bars.value
        explorer.shift.value = shift
        after = explorer.state
        np.testing.assert_array_equal(after.z, before.z + shift)
        np.testing.assert_array_equal(after.y_hat, before.y_hat)  # quarters are exact
        assert after.loss == pytest.approx(before.loss, abs=1e-12)
        assert explorer.bars.value == bars
        assert ("exactly 0" in explorer.arithmetic_text) == (shift != 0)

    def test_back_to_the_start(self, explorer):
        explorer.sliders[0].value, explorer.shift.value = -8, 100
        explorer.reset.click()
        np.testing.assert_array_equal(explorer.z, [2, 1, 0, -1])
        assert f"{softmax([[2.0, 1, 0, -1]])[0, 0]:.3f}" in explorer.bars.value

    def test_every_setting_is_legal(self):
        for count in (module.FEWEST, 6, 7, module.MOST):
            explorer = SoftmaxExplorer(np.linspace(-8, 8, count), count - 1)
            for slider in explorer.sliders:
                for value in (slider.min, slider.max):
                    slider.value = value
                    assert explorer.alert_text == ""
            for label in range(count):
                explorer.label.value = label
                explorer.jacobian.hovered = (label, count - 1 - label)
                assert explorer.alert_text == ""

    def test_twin(self, explorer):
        assert len(explorer.twin().axes) >= 2


class TestJacobian:
    def test_every_entry_is_written_out(self, explorer):
        state = explorer.state
        for row, column in np.ndindex(4, 4):
            explorer.jacobian.hovered = (row, column)
            first = explorer.arithmetic_text.splitlines()[0]
            numbers = re.search(r"= (\S+) · \((\d) − (\S+)\) = (\S+)$", first).groups()
            left, same, right, entry = (float(text.replace("−", "-")) for text in numbers)
            assert first.startswith(f"∂ŷ[{row}]/∂z[{column}] = ŷ[{row}] · ([{row} = {column}] − ŷ[{column}])")
            assert same == (row == column)
            assert entry == pytest.approx(state.jacobian[row, column], rel=1e-3)
            assert left * (same - right) == pytest.approx(entry, rel=2e-3)

    def test_the_collapse(self, explorer):
        explorer.jacobian.hovered = (0, 2)
        assert "so dz[2] = dŷ[1] · ∂ŷ[1]/∂z[2] = ŷ[2] − y[2]" in explorer.arithmetic_text
        assert "= 0,  the probabilities always sum to 1" in explorer.arithmetic_text

    def test_marks(self, explorer):
        explorer.jacobian.hovered = (0, 2)
        here, others = explorer.jacobian.highlights
        assert here.cells == [(0, 2)]
        assert others.cells == [(1, 2), (2, 2), (3, 2)]
        explorer.jacobian.hovered = None
        assert not explorer.jacobian.highlights
        assert "J = −log" in explorer.arithmetic_text

    def test_a_probability_of_zero(self):
        explorer = SoftmaxExplorer([0.0, 2000.0, 0.0], 0)
        explorer.jacobian.hovered = (0, 1)
        assert "needs no division" in explorer.arithmetic_text
        assert "ŷ[1] − y[1] = 1 − 0 = 1" in explorer.arithmetic_text
        assert explorer.alert_text == ""


class TestArguments:
    def test_a_row_of_a_batch_and_one_hot(self):
        explorer = SoftmaxExplorer(np.array([[1, 2, 3]]), [[0, 0, 1]])
        assert explorer.label.value == 2
        assert explorer.z.tolist() == [1, 2, 3]

    def test_large_scores_fit_the_sliders(self):
        explorer = SoftmaxExplorer([0.0, 20.5, -3.0], 0)
        assert explorer.z.tolist() == [0, 20.5, -3]

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (([1.0, 2.0],), ValueError, "3 to 10 scores"),
            ((np.ones((2, 4)),), ValueError, "one row"),
            (([1.0, 2.0, np.inf],), ValueError, "finite"),
            ((["a", "b", "c"],), TypeError, "real numbers"),
            (([1.0, 2.0, 3.0], 3), ValueError, "a class from 0 to 2"),
            (([1.0, 2.0, 3.0], [0.5, 0.5, 0]), ValueError, "one-hot"),
        ],
    )
    def test_refused(self, arguments, error, message):
        with pytest.raises(error, match=message):
            SoftmaxExplorer(*arguments)

    def test_an_exception_in_a_callback_is_shown(self, explorer, monkeypatch):
        def broken(*_):
            raise OverflowError("too much")

        with monkeypatch.context() as patch:
            patch.setattr(module, "scores", broken)
            explorer.sliders[0].value = 3
            assert explorer.alert_text == "OverflowError: too much"
        explorer.sliders[0].value = 4
        assert explorer.alert_text == ""


def test_text_form(explorer):
    assert repr(explorer) == "SoftmaxExplorer(4 classes): run the cell to use it"


@pytest.mark.parametrize("z", [[2.04, -2.5557, 0.418], [9.3, -9.1, 0.0], [-8.0, 8.0, 0.1]])
def test_the_browser_does_not_round_the_scores_that_are_given(z):
    """A slider in the browser stands on whole steps from its lower end only."""
    for slider, score in zip(SoftmaxExplorer(z, 0).sliders, z):
        steps = (score - slider.min) / slider.step
        assert steps == pytest.approx(round(steps), abs=1e-9)
        assert slider.min <= slider.value <= slider.max
        assert slider.value == score
