"""The ReLU explorer: masks, counts, dead units."""

import numpy as np
import pytest

from backprop_helpers.layers import relu_backward, relu_forward
from backprop_helpers.views.explorers import ReLUExplorer
from backprop_helpers.views.explorers import relu as module

Z = np.array([[3, -1, 0], [-2, -4, 5]])
DA = np.array([[2, 5, -3], [7, -1, 4]])


@pytest.fixture
def explorer():
    return ReLUExplorer(Z, DA)


class TestTeaching:
    @pytest.mark.parametrize("shape", [(3, 4), (2, 5, 3, 4)])
    def test_switches_are_the_layers(self, shape):
        rng = np.random.default_rng(5)
        z, da = rng.normal(size=shape), rng.normal(size=shape)
        bias = rng.normal(size=4)
        bias[2] = -9
        state = module.switches(z, da, bias)
        a, cache = relu_forward(z + bias)
        np.testing.assert_array_equal(state.a, a)
        np.testing.assert_array_equal(state.dz, relu_backward(da, cache))
        np.testing.assert_array_equal(state.mask, z + bias > 0)
        np.testing.assert_array_equal(state.db, state.dz.reshape(-1, 4).sum(axis=0))
        assert state.open + state.closed == z.size
        assert 2 in state.dead

    def test_dead_is_closed_for_every_example(self):
        state = module.switches(np.array([[1, -1, 0], [-1, -2, 0]]), np.ones((2, 3), int), np.zeros(3, int))
        assert state.dead == (1, 2)
        assert state.open == 1

    @pytest.mark.parametrize("z", [Z, Z * 0.3, np.zeros((2, 2)), Z * 1000.0, Z * 1e-3])
    def test_the_bias_can_open_and_close_everything(self, z):
        low, high, step = module.bias_steps(z)
        assert (z + high > 0).all()
        assert (z + low <= 0).all()
        assert low / step == pytest.approx(round(low / step))


class TestUnits:
    def test_at_the_start(self, explorer):
        np.testing.assert_array_equal(explorer.views["a"].values, [[3, 0, 0], [0, 0, 5]])
        np.testing.assert_array_equal(explorer.views["dz"].values, [[2, 0, 0], [0, 0, 4]])
        np.testing.assert_array_equal(explorer.views["mask"].values, Z > 0)
        assert "Open 2 of 6, closed 4." in explorer.counts.value
        assert "Dead: unit 1, closed for every example." in explorer.counts.value

    def test_the_bias_moves_all(self, explorer):
        explorer.slider.value = 2
        np.testing.assert_array_equal(explorer.views["z"].values, Z + 2)
        np.testing.assert_array_equal(explorer.views["backward_mask"].values, Z + 2 > 0)
        np.testing.assert_array_equal(explorer.views["dz"].values, DA * (Z + 2 > 0))
        assert "No dead unit" in explorer.counts.value

    def test_whole_numbers_stay_whole(self, explorer):
        explorer.slider.value = 1
        assert explorer.state.z.dtype.kind == "i"

    def test_one_unit(self, explorer):
        assert explorer.added_to.label == "all units"
        explorer.added_to.value = 2
        explorer.slider.value = -5
        assert explorer.bias.tolist() == [0, 0, -5]
        assert "Dead: units 1 and 2" in explorer.counts.value
        explorer.added_to.value = 0
        assert explorer.slider.value == 0  # unit 0 has no bias yet
        assert explorer.bias.tolist() == [0, 0, -5]
        explorer.slider.value = 1
        explorer.added_to.value = module.ALL
        assert explorer.bias.tolist() == [1, 1, 1]

    def test_a_cell_is_marked_everywhere_and_written_out(self, explorer):
        explorer.slider.value = 1
        explorer.views["da"].hovered = (0, 1)
        for view in explorer.views.values():
            assert view.highlights[0].cells == [(0, 1)]
        text = explorer.arithmetic_text
        assert "Z[0, 1] + bias = −1 + 1 = 0,  so [0 > 0] = 0: closed (on the kink" in text
        assert "dZ[0, 1] = dA[0, 1] · 0 = 5 · 0 = 0" in text
        assert "db[1] = Σ dZ over the examples = 0 + 0 = 0:  unit 1 is dead" in text

    def test_an_open_cell(self, explorer):
        explorer.views["z"].hovered = (1, 2)
        text = explorer.arithmetic_text
        assert "[5 > 0] = 1: open" in text
        assert "A[1, 2] = 5 · 1 = 5" in text
        assert "dZ[1, 2] = dA[1, 2] · 1 = 4 · 1 = 4" in text
        assert "db[2] = Σ dZ over the examples = 0 + 4 = 4" in text

    def test_dead_units_are_marked(self, explorer):
        assert explorer.views["dz"].highlights[1].cells == [(0, 1), (1, 1)]
        assert "is exactly 0" in explorer.arithmetic_text

    def test_every_setting_is_legal(self):
        explorer = ReLUExplorer()
        for unit in (module.ALL, 0, 3, explorer.count - 1):
            explorer.added_to.value = unit
            for bias in (explorer.slider.min, -1, 0, 2, explorer.slider.max):
                explorer.slider.value = bias
                assert explorer.alert_text == ""
                assert explorer.state.open == np.count_nonzero(explorer.z + explorer.bias > 0)

    def test_the_default_has_what_the_lesson_speaks_of(self):
        state = ReLUExplorer().state
        assert state.dead == (1,)
        assert (state.z == 0).any()

    def test_twin(self, explorer):
        assert explorer.twin().axes


class TestMaps:
    def test_one_example_of_maps(self):
        z = np.random.default_rng(0).normal(size=(6, 5, 3))
        explorer = ReLUExplorer(z)
        assert explorer.views["z"].values.shape == (6, 5, 3)
        assert explorer.example is None
        explorer.views["a"].hovered = (4, 2, 1)
        assert "Z[4, 2, 1] + bias" in explorer.arithmetic_text
        assert "dZ over the map" in explorer.arithmetic_text
        assert explorer.twin().axes

    def test_a_table_can_be_a_map(self):
        explorer = ReLUExplorer(Z, DA, maps=True)
        assert explorer.views["z"].values.shape == (2, 3, 1)
        explorer.slider.value = -5
        assert "Dead: map 0" in explorer.counts.value

    def test_several_examples(self):
        z = np.random.default_rng(0).normal(size=(2, 4, 4, 2))
        z[0, :, :, 1] = -1
        explorer = ReLUExplorer(z)
        assert explorer.state.dead == ()  # map 1 is open somewhere in the other image
        explorer.example.value = 1
        np.testing.assert_array_equal(explorer.views["z"].values, z[1])
        np.testing.assert_array_equal(explorer.views["da"].values, explorer.da[1])
        explorer.views["z"].hovered = (0, 1, 1)
        assert "Z[1, 0, 1, 1] + bias" in explorer.arithmetic_text
        assert explorer.alert_text == ""

    def test_the_series_digit(self):
        explorer = ReLUExplorer.from_network()
        assert explorer.z.shape == (1, 28, 28, 8)
        assert np.abs(explorer.da).max() > 1e-6
        explorer.added_to.value = 3
        explorer.slider.value = explorer.slider.min
        assert explorer.state.dead == (3,)
        assert explorer.state.db[3] == 0
        assert explorer.alert_text == ""

    def test_a_layer_without_a_relu(self):
        with pytest.raises(ValueError, match="must feed a ReLU, one of conv1, conv2, fc1; got 'fc2'"):
            ReLUExplorer.from_network(layer="fc2")


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (([[1.0, np.nan]],), ValueError, "NaN or infinity"),
            ((["a"],), TypeError, "real numbers"),
            (([1, 2],), ValueError, r"must be \(M, N\)"),
            ((Z, DA[:1]), ValueError, r"shape of z \(2, 3\); got \(1, 3\)"),
            ((None, DA), ValueError, "needs the z"),
            ((np.ones((2, 40)),), ValueError, "at most 12 units"),
        ],
    )
    def test_refused(self, arguments, error, message):
        with pytest.raises(error, match=message):
            ReLUExplorer(*arguments)

    def test_an_exception_in_a_callback_is_shown(self, explorer, monkeypatch):
        def broken(*_):
            raise FloatingPointError("no switches today")

        with monkeypatch.context() as patch:
            patch.setattr(module, "switches", broken)
            explorer.slider.value = 1
            assert explorer.alert_text == "FloatingPointError: no switches today"
        explorer.slider.value = 2
        assert explorer.alert_text == ""


def test_text_form(explorer):
    assert repr(explorer) == "ReLUExplorer(z 2×3): run the cell to use it"


def test_the_learners_arrays_are_not_written_to(explorer):
    explorer.slider.value = -3
    assert Z[0, 0] == 3
