"""The stage of pooling: its Python side, and what its page computes and writes, by Node.js."""

from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.layers import pool_backward, pool_forward
from backprop_helpers.views.stage import PoolingStage
from backprop_helpers.views.stage._base import COMMITTED, encode_array
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("pooling.test.js")


def drawn(rng):
    """Return a random layer with ties, overlap, gaps and remainders, and what `layers` says of it."""
    height, width, channels = (int(n) for n in rng.integers(1, [8, 8, 4]))
    size = [int(rng.integers(1, n + 1)) for n in (min(height, 3), min(width, 3))]
    stride = None if rng.random() < 0.3 else [int(n) for n in rng.integers(1, 4, size=2)]
    mode = str(rng.choice(["max", "average"]))
    x = rng.integers(-2, 3, size=(1, height, width, channels))
    z, cache = pool_forward(x, size=tuple(size), stride=stride and tuple(stride), mode=mode)
    dz = rng.integers(-5, 6, size=z.shape)
    expected = {"z": z[0], "dx": pool_backward(dz, cache)[0]}
    return {
        "options": {"size": size, "stride": stride, "mode": mode},
        "arrays": {name: encode_array(array) for name, array in {"x": x[0], "dz": dz[0]}.items()},
        "expected": {name: encode_array(array) for name, array in expected.items()},
    }


def test_page(require_tool, tmp_path):
    rng = np.random.default_rng(9)
    script = lay_out(tmp_path, SCRIPT, [drawn(rng) for _ in range(60)])
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 64\n" in process.stdout


class TestPython:
    @pytest.mark.parametrize(
        ("arguments", "settings", "text"),
        [
            ([], {}, "PoolingStage(x 5×5×1, max)"),
            ([np.eye(3)], {"stride": 1, "mode": "average"}, "PoolingStage(x 3×3×1, average)"),
            ([np.ones((1, 12, 16, 5))], {"size": (3, 2), "stride": 1}, "PoolingStage(x 12×16×5, max)"),
            ([np.array([[1.0, np.nan], [2.0, 3.0]])], {}, "PoolingStage(x 2×2×1, max)"),
        ],
    )
    def test_shows(self, arguments, settings, text):
        stage = PoolingStage(*arguments, **settings)
        assert repr(stage) == text
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["composition"] == "pooling"

    @pytest.mark.parametrize(
        ("arguments", "settings", "error", "message"),
        [
            (
                [np.ones((2, 4, 4, 1))],
                {},
                ValueError,
                r"x must be one example.*such as x\[:1\]; its shape is",
            ),
            ([np.ones((40, 4))], {}, ValueError, "at most 32×32 and 64 channels.*x is 40×4 with 1 channels"),
            ([np.eye(3)], {"size": 4}, ValueError, "size"),
            ([np.eye(4), np.ones((3, 3))], {}, ValueError, r"dz must have the output's shape \(2, 2, 1\)"),
            ([], {"mode": "min"}, ValueError, "mode must be one of max, average; got 'min'"),
            ([], {"channel": 1}, ValueError, "channel must be below x's 1; got 1"),
            ([[["a"]]], {}, TypeError, "x"),
        ],
    )
    def test_refuses(self, arguments, settings, error, message):
        with pytest.raises(error, match=message):
            PoolingStage(*arguments, **settings)

    def test_a_setting_that_does_not_fit_is_refused_later_too(self):
        stage = PoolingStage()
        with pytest.raises(ValueError, match="size"):
            stage.size = 6
        stage.size, stage.stride = 3, (1, 2)
        assert (stage.size, stage.stride) == (3, [1, 2])
        assert "X" in stage.twin().alt
