"""The nudge explorer: what moves, by how much, and what was promised."""

import itertools

import numpy as np
import pytest

from backprop_helpers.layers import fc_backward, fc_forward, relu_backward, relu_forward
from backprop_helpers.views.explorers import NudgeExplorer
from backprop_helpers.views.explorers import nudge as module

X = np.array([[3, -1, 0, 2, 1], [1, 2, -2, 0, 4], [0, 1, 5, -3, 2], [2, 2, 0, 1, -1]])
W = np.arange(-7, 8).reshape(5, 3)
B = np.array([1, -2, 3])


@pytest.fixture
def chain():
    return NudgeExplorer()


@pytest.fixture
def layer():
    return NudgeExplorer.fully_connected(X, W, B)


def gradients_by_layers():
    """dJ of the default example, by the layers' own backward functions."""
    inputs, _ = module._two_layers()
    x, w1, w2 = (inputs[name].astype(float) for name in ("x", "W1", "W2"))
    z, first = fc_forward(x, w1, np.zeros(3))
    a, gate = relu_forward(z)
    s, second = fc_forward(a, w2, np.zeros(2))
    ds = s - [[4, 0]]
    da, dw2, _ = fc_backward(ds, second)
    dz = relu_backward(da, gate)
    dx, dw1, _ = fc_backward(dz, first)
    return {"x": dx, "W1": dw1, "W2": dw2, "z": dz, "a": da, "s": ds}


def moved_cells(view):
    return sorted(cell for group in view.highlights for cell in group.cells)


class TestTeaching:
    @pytest.mark.parametrize("name", ["x", "W1", "z", "a", "W2", "s"])
    def test_slopes_are_the_gradients_of_the_layers(self, chain, name):
        expected = gradients_by_layers()[name]
        for index in np.ndindex(expected.shape):
            found = module.slopes(chain.steps, chain.before, name, index)["J"]
            assert found == pytest.approx(expected[index], abs=1e-12)

    def test_slopes_without_complex_numbers(self):
        """A function that refuses complex numbers is measured by central differences."""
        steps = [("y", lambda x: np.array([float(v) ** 2 for v in x])), ("J", lambda y: y.sum())]
        explorer = NudgeExplorer([1.0, -3.0], steps, start=("x", 1))
        assert explorer.promised["y"].tolist() == pytest.approx([0, -6], abs=1e-6)
        assert explorer.promised["J"] == pytest.approx(-6, abs=1e-6)

    def test_a_function_that_drops_the_imaginary_part(self):
        explorer = NudgeExplorer([1.0, -3.0], [("J", lambda x: (np.abs(x) ** 3).sum())], start=("x", 1))
        assert explorer.promised["J"] == pytest.approx(-27, rel=1e-6)

    def test_changes_follow_only_what_comes_after(self, chain):
        found = module.changes(chain.steps, chain.before, "a", (0, 1), 1.0)
        assert list(found) == ["a", "s", "J"]
        assert found["s"].tolist() == [[1, 2]]  # row 1 of W2
        assert chain.before["a"].tolist() == [[3, 1, 0]]  # not written to

    def test_crossing(self, chain):
        before = chain.before
        after = module.evaluate_from(chain.steps, before, "x", module.nudged(before["x"], (0, 0), 2.0))
        assert module.crossings(chain.steps, before, after) == [("z", (0, 1))]
        after = module.evaluate_from(chain.steps, before, "x", module.nudged(before["x"], (0, 0), 0.5))
        assert module.crossings(chain.steps, before, after) == []

    def test_off_by(self):
        assert module.off_by(1.0 + 1e-12, 1.0) == 0
        assert module.off_by(1.1, 1.0) == pytest.approx(0.1)
        assert module.off_by(0.0, 0.0) == 0
        assert module.off_by(0.5, 0.0) == np.inf

    @pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4)])
    def test_cells_and_indices_belong_together(self, shape):
        array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
        view = module.as_view(array)
        for index in np.ndindex(shape):
            cell = module.view_index(index)
            assert view[cell] == array[index]
            assert module.array_index(cell, array.ndim) == index


class TestChain:
    def test_what_is_written(self, chain):
        chain.size.value = 0.1
        text = chain.arithmetic_text
        assert "x[0, 0] is nudged by ε = +0.1: 2 → 2.1" in text
        assert "J: promised  slope × ε = 6 × 0.1 = 0.6" in text
        assert "measured  0.65" in text
        assert "Crossed" not in text

    def test_a_large_nudge_crosses_the_kink(self, chain):
        chain.size.value = 2
        assert "Crossed 0 on the way into ReLU: z[0, 1]" in chain.arithmetic_text
        assert "no longer good" in chain.arithmetic_text

    def test_a_small_nudge_keeps_the_promise(self, chain):
        chain.size.value = 1e-6
        assert "still good" in chain.arithmetic_text

    def test_down(self, chain):
        chain.sign.value = -1
        assert chain.epsilon == -0.01
        assert "2 → 1.99" in chain.arithmetic_text

    def test_a_click_chooses_the_entry(self, chain):
        chain.values["a"].selected = (0, 1)
        assert (chain.name, chain.index) == ("a", (0, 1))
        assert moved_cells(chain.values["a"]) == [(0, 1)]
        assert moved_cells(chain.values["s"]) == [(0, 0), (0, 1)]
        assert moved_cells(chain.values["x"]) == []
        chain.values["x"].selected = (0, 1)
        assert chain.values["a"].selected is None
        assert (chain.name, chain.index) == ("x", (0, 1))

    def test_pointing_at_a_change_writes_it_out(self, chain):
        chain.size.value = 1
        chain.values["z"].selected = (0, 0)
        chain.moves["s"].hovered = (0, 1)
        assert "s[0, 1]: promised  slope × ε = −1 × 1 = −1      measured  −1" in chain.arithmetic_text
        assert "kept exactly" in chain.arithmetic_text
        chain.moves["a"].pinned = (0, 2)
        assert "a[0, 2]: promised" in chain.arithmetic_text
        chain.moves["s"].hovered = None  # what is pinned stays
        assert "a[0, 2]: promised" in chain.arithmetic_text
        chain.moves["a"].pinned = None
        assert "J: promised" in chain.arithmetic_text

    def test_what_comes_before_cannot_move(self, chain):
        chain.values["z"].selected = (0, 0)
        chain.moves["x"].hovered = (0, 1)
        assert "x[0, 1] does not read z[0, 0]: it cannot move" in chain.arithmetic_text

    def test_the_lower_row(self, chain):
        chain.size.value = 2
        change = chain.measured
        np.testing.assert_allclose(chain.moves["s"].values, change["s"])
        chain.shown.value = "measured"
        np.testing.assert_allclose(chain.moves["s"].values, change["s"] / 2)
        chain.shown.value = "promised"
        np.testing.assert_allclose(chain.moves["s"].values, chain.promised["s"])
        assert "slope of s" in chain.moves["s"].title

    def test_tiny_changes_are_shown_in_their_own_unit(self, chain):
        chain.size.value = 1e-5
        np.testing.assert_allclose(chain.moves["J"].values, [[6.0]], atol=1e-3)
        assert "10⁻⁵" in chain.moves["J"].title

    def test_every_size_of_nudge(self, chain):
        table = chain.sizes.values
        assert table.shape == (2, len(module.SIZES))
        np.testing.assert_allclose(table[1], 6)
        at = module.SIZES.index(0.1)
        assert table[0, at] == pytest.approx(6.5)
        broken = set(chain.sizes.highlights[1].cells)
        assert (0, module.SIZES.index(10)) in broken
        assert (0, module.SIZES.index(1e-3)) not in broken

    def test_a_click_on_a_size_takes_it(self, chain):
        chain.sizes.selected = (0, module.SIZES.index(0.5))
        assert chain.size.value == 0.5
        assert "ε = +0.5" in chain.arithmetic_text

    def test_every_setting_is_legal(self, chain):
        for sign, shown in itertools.product((1, -1), module.SHOWN.values()):
            chain.sign.value, chain.shown.value = sign, shown
            for size in (1e-6, 0.01, 10):
                chain.size.value = size
                assert chain.alert_text == ""
                assert chain.epsilon == sign * size
        for name, array in chain.before.items():
            for index in {(0,) * array.ndim, tuple(n - 1 for n in array.shape)}:
                chain.choose(name, index)
                assert chain.alert_text == ""

    def test_twin(self, chain):
        for name, array in chain.before.items():
            chain.choose(name, (0,) * array.ndim)
            assert chain.twin().axes


class TestFullyConnected:
    def test_a_weight_moves_one_column(self, layer):
        for n, k in np.ndindex(W.shape):
            layer.values["W"].selected = (n, k)
            moved = {cell for group in layer.values["Z"].highlights for cell in group.cells}
            assert moved == {(m, k) for m in range(4) if X[m, n]}
            np.testing.assert_array_equal(layer.moves["Z"].values[:, k], X[:, n])

    def test_an_input_moves_one_row(self, layer):
        layer.values["X"].selected = (1, 2)
        np.testing.assert_array_equal(layer.moves["Z"].values[1], W[2])
        assert not layer.moves["Z"].values[[0, 2, 3]].any()

    def test_a_bias(self, layer):
        layer.values["b"].selected = (0, 1)
        assert layer.index == (1,)
        assert layer.moves["Z"].values.tolist() == [[0, 1, 0]] * 4
        assert "b[1] is nudged by ε = +1: −2 → −1" in layer.arithmetic_text

    def test_values_are_the_layers(self, layer):
        np.testing.assert_array_equal(layer.before["Z"], fc_forward(X, W, B)[0])
        assert "kept exactly" in layer.arithmetic_text

    def test_default(self):
        explorer = NudgeExplorer.fully_connected()
        assert [array.shape for array in explorer.before.values()] == [(4, 5), (5, 3), (3,), (4, 3)]

    def test_missing_array(self):
        with pytest.raises(ValueError, match="b is missing"):
            NudgeExplorer.fully_connected(X, W)


class TestOwnSteps:
    def test_rank_three(self):
        explorer = NudgeExplorer(np.ones((2, 3, 2)), [("J", lambda x: (x**2).sum())], start=("x", (1, 2, 0)))
        explorer.values["x"].selected = (0, 1, 1)
        assert explorer.index == (0, 1, 1)
        assert "x[0, 1, 1] is nudged" in explorer.arithmetic_text
        assert explorer.alert_text == ""
        assert explorer.twin().axes

    def test_numpy_functions_are_steps(self):
        explorer = NudgeExplorer([0.5, 2.0], [("e", np.exp), ("J", np.sum)])
        assert explorer.promised["J"] == pytest.approx(np.exp(0.5))

    def test_an_exception_in_a_step_is_shown(self):
        def fragile(x):
            if x[0].real > 1.5:
                raise ValueError("too large for me")
            return x

        explorer = NudgeExplorer([1.0], [("y", fragile)])
        assert explorer.alert_text == "ValueError: too large for me"  # the row of all sizes tries 10 too

    def test_an_alert_goes_away(self, chain):
        right = chain.steps
        chain.steps = (*right[:-1], module.Step("J", lambda s: 1 / 0, ("s",)))
        chain.size.value = 1
        assert chain.alert_text == "ZeroDivisionError: division by zero"
        chain.steps = right
        chain.size.value = 2
        assert chain.alert_text == ""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([1.0], None), "pass both x and steps"),
            (([1.0], []), "at least one"),
            (([1.0], [("y", lambda x: x), ("y", lambda x: x)]), "'y' is used twice"),
            (([1.0], [("y", lambda p, q: p)]), "its parameters are p, q"),
            ((np.ones((20, 20)), [("y", lambda x: x)]), "at most 256 entries"),
        ],
    )
    def test_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            NudgeExplorer(*arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([1.0], [("y", 3)]), "each step must be"),
            ((["a"], [("y", lambda x: x)]), "array of real numbers"),
            (([1.0], [("y", lambda x: x * 1j)]), "'y' must return real numbers"),
        ],
    )
    def test_refused_types(self, arguments, message):
        with pytest.raises(TypeError, match=message):
            NudgeExplorer(*arguments)

    def test_start_must_exist(self):
        with pytest.raises(ValueError, match="index into x of shape"):
            NudgeExplorer([1.0], [("y", lambda x: x)], start=("x", (3,)))
        with pytest.raises(ValueError, match="a name from x, y"):
            NudgeExplorer([1.0], [("y", lambda x: x)], start=("z", 0))
        with pytest.raises(ValueError, match="epsilon must be one of"):
            NudgeExplorer([1.0], [("y", lambda x: x)], epsilon=0.3)


def test_text_form(chain, layer):
    assert repr(chain) == "NudgeExplorer(x → z → a → s → J): run the cell to use it"
    assert repr(layer) == "NudgeExplorer(X → Z): run the cell to use it"


def test_the_learners_arrays_are_not_written_to():
    x = np.array([1.0, 2.0])
    explorer = NudgeExplorer(x, [("J", lambda x: (x**2).sum())])
    explorer.size.value = 5
    assert x.tolist() == [1, 2]
