"""The stage of gradient checks: its Python side, and what its page computes, by Node.js."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.views.stage import CheckStage, check
from backprop_helpers.views.stage._base import COMMITTED, MOST_BYTES, as_json, json_bytes
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("check.test.js")


def measured(subject, precision, bug):
    """Return what NumPy makes of a subject: its gradient, and the slopes at every power of ten."""
    source = check.SUBJECTS[subject]
    points = []
    for epsilon in check.STEPS:
        values = check.values_at(source, precision, epsilon)
        slopes = {
            method: [float(slope) for slope in found]
            for method, found in check.slopes(values, epsilon, precision).items()
        }
        points.append({"epsilon": epsilon, "base": float(values["base"]), "slopes": slopes})
    analytic = [float(slope) for slope in check.gradient_of(source, precision, bug)]
    return {
        "subject": subject,
        "precision": precision,
        "bug": bug,
        "analytic": analytic,
        "points": points,
    }


def test_page(require_tool, tmp_path):
    bugs = list(check.PLANTED)
    layers = [
        measured(subject, precision, bugs[n % len(bugs) if len(check.SUBJECTS[subject].at) > 1 else n % 5])
        for n, subject in enumerate(check.SUBJECTS)
        for precision in check.PRECISIONS
    ]
    layers += [measured("softmax", "float64", bug) for bug in bugs]
    cube = check.own_subject(lambda x: x * x * x, lambda x: 3 * x * x, 2.0, "x³")
    script = lay_out(tmp_path, SCRIPT, {"layers": layers, "recorded": check.record(cube)})
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert f"# pass {len(layers) + 5}\n" in process.stdout


class TestPython:
    def test_the_three_formulas_on_a_cube(self):
        """Lesson 01: at x = 2 with the nudge 1 the three say 19, 13 and 11."""
        values = check.values_at(check.SUBJECTS["cube"], "float64", 1.0)
        found = check.slopes(values, 1.0, "float64")
        assert {method: slope.tolist() for method, slope in found.items()} == {
            "forward": [19],
            "central": [13],
            "complex": [11],
        }

    @pytest.mark.parametrize("subject", check.SUBJECTS)
    def test_the_gradients_are_those_of_the_functions(self, subject):
        found = check.errors(check.SUBJECTS[subject], "float64", "right", [1e-5])
        assert found["central"][0] < 1e-8
        assert found["complex"][0] < 1e-9

    def test_shows(self):
        stage = CheckStage(subject="softmax", bug="entry", epsilon=1e-3)
        assert repr(stage) == "CheckStage(softmax and loss)"
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["composition"] == "gradientCheck"
        assert data[COMMITTED]["options"]["bug"] == "entry"
        stage.precision = "float32"
        assert "float32, planted: entry" in stage.twin().alt

    def test_own_functions_are_recorded(self):
        stage = CheckStage(math.sin, math.cos, at=0.5, label="sin")
        recorded = stage.options["recorded"]
        assert stage.subject == "own"
        point = recorded["float64"]["values"][recorded["steps"].index(1e-3)]
        assert point["base"] == math.sin(0.5)
        assert point["entries"] == [{"up": math.sin(0.501), "down": math.sin(0.499), "side": "nan"}]
        assert "sin" in stage.twin().alt

    def test_a_gradient_of_eight_entries_fits_into_the_file(self):
        stage = CheckStage(
            lambda x: np.sum(x**3) / 3, lambda x: x * x, at=np.arange(1, 9) / 7, label="Σ x³/3"
        )
        assert json_bytes(stage.committed()) <= MOST_BYTES
        json.dumps(stage.committed(), allow_nan=False)
        up = stage.options["recorded"]["float32"]["values"][-1]["entries"][7]["up"]
        assert up == float(np.float32(up))

    def test_a_whole_number_is_an_integer(self):
        kept = [check._all_digits(value) for value in (2.0, 0.1, 1e300, np.nan, -np.inf)]
        assert kept == [2, 0.1, 1e300, as_json(np.nan), "-inf"]
        assert type(kept[0]) is int

    @pytest.mark.parametrize(
        ("arguments", "settings", "error", "message"),
        [
            ([np.exp], {}, ValueError, "pass function and derivative together, or neither"),
            ([3, np.exp], {}, TypeError, "function must be a function of one number or array; got 3"),
            (
                [np.exp, np.exp],
                {"label": "a long name for it"},
                ValueError,
                "label must have 1 to 12",
            ),
            ([np.sum, np.exp], {"at": np.ones(9)}, ValueError, "at must be a number or 1 to 8 finite"),
            (
                [np.sqrt, lambda x: np.inf],
                {},
                ValueError,
                r"derivative must return finite numbers",
            ),
            (
                [np.exp, np.exp],
                {"at": [1, 2]},
                ValueError,
                "function must return one number",
            ),
            ([], {"subject": "sin"}, ValueError, "subject must be one of exp, cube, .*; got 'sin'"),
            ([], {"bug": "none"}, ValueError, "bug must be one of right, double"),
            ([], {"epsilon": 2}, ValueError, "epsilon must be from 1e-17 to 1; got 2"),
        ],
    )
    def test_refuses(self, arguments, settings, error, message):
        with pytest.raises(error, match=message):
            CheckStage(*arguments, **settings)
