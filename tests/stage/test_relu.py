"""The stage of ReLU: its Python side, and what its page computes and writes, by Node.js."""

from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.layers import relu_backward, relu_forward
from backprop_helpers.views.stage import ReLUStage
from backprop_helpers.views.stage._base import COMMITTED, encode_array
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("relu.test.js")


def drawn(rng):
    """Return a random table with zeros, dead units, a bias, perhaps a NaN, and what `layers` makes of it."""
    shape = tuple(rng.integers(1, 7, size=2))
    exact = rng.random() < 0.7
    z = (
        rng.integers(-3, 3, shape)
        if exact
        else np.round(rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3), 4)
    )
    da, bias = rng.integers(-5, 6, shape), int(rng.integers(-3, 3)) if exact else 0.25
    if rng.random() < 0.2:
        z = z.astype(float)
        z[0, 0] = np.nan
    a, cache = relu_forward(z + bias)
    dz = relu_backward(da, cache)
    expected = {"z": z + bias, "a": a, "dz": dz, "db": dz.sum(axis=0)}
    return {
        "arrays": {"z": encode_array(z), "da": encode_array(da)},
        "bias": bias,
        "expected": {name: encode_array(array) for name, array in expected.items()},
        "dead": np.flatnonzero(~cache.mask.any(axis=0)).tolist(),
    }


def test_page(require_tool, tmp_path):
    rng = np.random.default_rng(3)
    tables = [drawn(rng) for _ in range(60)]
    assert sum(bool(table["dead"]) for table in tables) >= 10
    script = lay_out(tmp_path, SCRIPT, tables)
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 65\n" in process.stdout


class TestPython:
    def test_shows_what_the_lesson_speaks_of(self):
        stage = ReLUStage()
        assert repr(stage) == "ReLUStage(z 4×6)"
        z = stage.arrays["z"]
        assert np.flatnonzero((z <= 0).all(axis=0)).tolist() == [1]
        assert (z == 0).sum() == 1
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["options"] == {"bias": 0}
        assert "dZ" in stage.twin().alt

    def test_own_arrays(self):
        stage = ReLUStage(np.array([[0.5, np.nan]]), [[1, 2]], bias=np.float32(0.5))
        assert (stage.bias, stage.options) == (0.5, {"bias": 0.5})
        assert "A" in stage.twin().alt
        assert ReLUStage(np.ones((9, 2))).arrays["da"].shape == (9, 2)

    @pytest.mark.parametrize(
        ("arguments", "settings", "error", "message"),
        [
            ([[1, 2]], {}, ValueError, r"z has rank 1 but rank 2 is expected, \(M, N\)"),
            ([np.ones((33, 2))], {}, ValueError, r"at most 32 rows and columns.*z is \(33, 2\)"),
            ([np.eye(2), np.ones((2, 3))], {}, ValueError, r"da must have the shape of the output, \(2, 2\)"),
            ([None, np.eye(2)], {}, ValueError, "da needs the z"),
            ([[["a"]]], {}, TypeError, "z"),
            ([], {"bias": [1]}, ValueError, r"bias must be finite; got \["),
            ([], {"bias": np.inf}, ValueError, "bias must be finite; got inf"),
        ],
    )
    def test_refuses(self, arguments, settings, error, message):
        with pytest.raises(error, match=message):
            ReLUStage(*arguments, **settings)

    def test_the_bias_is_a_number_later_too(self):
        stage = ReLUStage()
        with pytest.raises(ValueError, match="bias must be finite; got nan"):
            stage.bias = np.nan
        stage.bias = 2.0
        assert (stage.bias, type(stage.bias)) == (2, int)
