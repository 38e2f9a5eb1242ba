"""The check explorer: step sizes, planted bugs, weak checks."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from backprop_helpers.checking import gradient_check, misconceptions
from backprop_helpers.views.explorers import CheckExplorer
from backprop_helpers.views.explorers import check as module

NAMES = [bug.name for layer in module.LAYER_WORDS for bug in module.bugs(layer)]


@pytest.fixture
def explorer():
    return CheckExplorer()


class TestTeaching:
    def test_the_three_formulas_on_a_cube(self):
        """Lesson 01: at x = 2 with the nudge 1 the three say 19, 13 and 11."""
        found = module.differences(lambda x: x * x * x, 2.0, 1.0)
        assert list(found.values()) == [19, 13, 11]

    def test_errors(self):
        steps = np.array([1.0, 0.5])
        found = module.errors(lambda x: x * x * x, 12.0, 2.0, steps)
        np.testing.assert_allclose(found["forward difference"] * 12, 6 * steps + steps**2)
        np.testing.assert_allclose(found["central difference"] * 12, steps**2)
        np.testing.assert_allclose(found["complex step"] * 12, steps**2)

    def test_a_function_that_takes_no_complex_numbers(self):
        assert np.isnan(module.differences(math.sin, 1.0, 0.1)["complex step"])

    def test_every_layer_has_bugs(self):
        assert {bug.layer for bug in misconceptions.values()} - {"training", "check"} == set(
            module.LAYER_WORDS
        )
        assert all(module.bugs(layer) for layer in module.LAYER_WORDS)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_report_finds_the_bug_and_passes_the_right_code(self, name):
        assert not module.report(name).passed
        assert module.report_on_the_right(name).passed

    def test_weak_checks_on_the_right_code(self):
        weak = [weak.name for weak in misconceptions.for_layer("check")]
        assert module.verdicts("relu.no_mask", False) == dict.fromkeys(weak, True)
        # On a tie the plain difference has no meaning, and a check that knows no kinks is alarmed.
        on_a_tie = module.verdicts("pool.every_tie", False)
        assert not on_a_tie["check.upstream_of_ones"]
        assert on_a_tie["check.prints_only"]
        page = module.found_as_html(misconceptions["pool.every_tie"], module.report("pool.every_tie"), True)
        assert "can't tell" in page

    @pytest.mark.parametrize("weak", [weak.name for weak in misconceptions.for_layer("check")])
    def test_each_weak_check_is_fooled_by_something(self, weak):
        assert module.verdicts(misconceptions[weak].lets_through.name)[weak]

    def test_a_weak_check_that_sees_it(self):
        assert not module.verdicts("relu.no_mask")["check.upstream_of_ones"]

    def test_reports_are_kept(self):
        assert module.report("relu.no_mask") is module.report("relu.no_mask")

    def test_planted_lines(self):
        lines = module.planted_lines(misconceptions["relu.mask_from_gradient"])
        assert lines == [("−", "    dz = da * (z > 0)"), ("+", "    dz = da * (da > 0)")]

    def test_nothing_is_printed(self, capsys):
        module.verdicts.__wrapped__("relu.no_mask")
        assert capsys.readouterr().out == ""


class TestStep:
    @pytest.mark.parametrize("exponent", module.EXPONENTS)
    def test_the_three_computations_are_written_out(self, explorer, exponent):
        explorer.step.value = exponent
        text = explorer.arithmetic_text
        assert f"ε = 1e−{-exponent} " in text
        epsilon = explorer.epsilon
        assert epsilon == pytest.approx(10.0**exponent)
        written = [float(n.replace("−", "-")) for n in re.findall(r"^  = (\S+)", text, re.MULTILINE)]
        assert written == pytest.approx(list(module.differences(np.exp, 1.0, epsilon).values()), rel=1e-15)
        assert explorer.alert_text == ""

    def test_what_limits_it(self, explorer):
        explorer.step.value = -2
        assert "the formula's own error" in explorer.arithmetic_text
        explorer.step.value = -10
        assert "rounding" in explorer.arithmetic_text
        explorer.step.value = -17
        assert "nothing was nudged" in explorer.arithmetic_text

    def test_the_mark_moves(self, explorer):
        def mark():
            return float(re.search(r'class="mark" d="M(\S+) ', explorer.curve.value)[1])

        places = []
        for exponent in module.EXPONENTS:
            explorer.step.value = exponent
            places.append(mark())
        assert all(a > b for a, b in pairwise(places))  # smaller steps are further left
        assert module.LEFT <= places[-1] < places[0] <= module.WIDTH - module.RIGHT

    def test_the_curve_stands_where_the_errors_are(self, explorer):
        """Lower on the page is a smaller error; an error of exactly 0 is hollow, on the floor."""
        lines = re.findall(r'<polyline points="([^"]+)"', explorer.curve.value)
        assert len(lines) == 3
        for points, found in zip(lines, explorer.errors.values()):
            heights = np.array([float(point.split(",")[1]) for point in points.split()])
            order = np.argsort(found)
            assert (np.diff(heights[order]) <= 0).all()
        zeros = sum(int((found == 0).sum()) for found in explorer.errors.values())
        assert explorer.curve.value.count("var(--bp-ground") == zeros

    def test_own_function(self):
        explorer = CheckExplorer(lambda x: x * x * x, lambda x: 3 * x * x, at=2, label="x³")
        assert "exact derivative 12" in explorer.arithmetic_text
        assert explorer.alert_text == ""
        assert explorer.twin().axes

    def test_a_function_without_a_complex_step(self):
        explorer = CheckExplorer(math.sin, math.cos)
        assert "not a number" in explorer.arithmetic_text
        assert explorer.alert_text == ""

    def test_twin(self, explorer):
        assert explorer.twin().axes


class TestBug:
    def test_the_report_is_shown(self, explorer):
        expected = gradient_check(
            *misconceptions["relu.mask_from_output"].pair(), [np.array([[-2, 3, -1, 0.5]])]
        )
        assert str(explorer.report) == str(expected)
        assert expected._repr_html_() in explorer.found.value
        assert "a &gt;= 0" in explorer.found.value
        assert "Gradient check failed" in explorer.found.value

    def test_switched_off(self, explorer):
        explorer.planted.value = False
        assert explorer.report.passed
        assert "Gradient check passed" in explorer.found.value
        assert "fooled" not in explorer.found.value
        assert all(explorer.verdicts.values())
        explorer.planted.value = True
        assert "fooled" in explorer.found.value

    def test_the_verdicts_are_shown(self, explorer):
        explorer.layer.value = "flatten"
        explorer.bug.value = "flatten.column_by_column"
        verdicts = re.findall(r"</span> (fooled|sees it)</td>", explorer.found.value)
        assert verdicts == ["fooled" if passed else "sees it" for passed in explorer.verdicts.values()]
        assert explorer.verdicts["check.upstream_of_ones"]

    def test_another_layer_has_other_bugs(self, explorer):
        for layer in module.LAYER_WORDS:
            explorer.layer.value = layer
            assert explorer.bug.value.startswith(f"{layer}.")
            assert [name for _, name in explorer.bug.options] == [bug.name for bug in module.bugs(layer)]
            assert explorer.alert_text == ""

    def test_every_setting_is_legal(self, explorer):
        for name in NAMES[::4]:
            explorer.layer.value = misconceptions[name].layer
            explorer.bug.value = name
            assert explorer.alert_text == ""
            assert not explorer.report.passed

    def test_an_exception_in_a_callback_is_shown(self, explorer, monkeypatch):
        def broken(name):
            raise RuntimeError(f"no report on {name}")

        with monkeypatch.context() as patch:
            patch.setattr(module, "report", broken)
            explorer.bug.value = "relu.no_mask"
            assert explorer.alert_text == "RuntimeError: no report on relu.no_mask"
        explorer.bug.value = "relu.mask_from_gradient"
        assert explorer.alert_text == ""


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": np.exp}, ValueError, "function and derivative together"),
        ({"function": 3, "derivative": np.exp}, TypeError, "must be a function"),
        ({"bug": "relu.nothing"}, ValueError, "must be a layer's misconception"),
        ({"bug": "check.prints_only"}, ValueError, "must be a layer's misconception"),
        ({"function": np.sqrt, "derivative": lambda x: np.inf}, ValueError, "must be finite"),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        CheckExplorer(**arguments)


def test_text_form(explorer):
    assert repr(explorer) == "CheckExplorer(exp at 1): run the cell to use it"
