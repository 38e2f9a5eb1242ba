"""The stage of softmax: its Python side, and what its page computes, by Node.js."""

from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.layers import (
    softmax,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_jacobian,
)
from backprop_helpers.views.stage import SoftmaxStage
from backprop_helpers.views.stage._base import COMMITTED, encode_array
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("softmax.test.js")


def drawn(rng):
    """Return one row of scores, some of them huge, and what `layers` makes of it."""
    z = np.round(rng.normal(size=(1, rng.integers(2, 11))) * rng.choice([1, 10, 500]), 2)
    label = int(rng.integers(z.size))
    loss, cache = softmax_cross_entropy_forward(z, np.array([label]))
    y = softmax(z)
    found = {
        "y": y[0],
        "dz": softmax_cross_entropy_backward(1.0, cache)[0],
        "jacobian": softmax_jacobian(y)[0],
    }
    expected = {name: encode_array(array) for name, array in (found | {"loss": np.array([loss])}).items()}
    return {"arrays": {"z": encode_array(z[0])}, "label": label, "expected": expected}


def test_page(require_tool, tmp_path):
    rng = np.random.default_rng(4)
    script = lay_out(tmp_path, SCRIPT, [drawn(rng) for _ in range(50)])
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 52\n" in process.stdout


class TestPython:
    def test_shows(self):
        stage = SoftmaxStage(np.array([[1, 2, 3]]), [[0, 0, 1]])
        assert (repr(stage), stage.label) == ("SoftmaxStage(3 classes)", 2)
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["options"] == {"label": 2}

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ([np.ones((2, 3)), 0], ValueError, "z must be one row of 2 to 10 scores"),
            ([np.ones(11), 0], ValueError, "z must be one row of 2 to 10 scores"),
            ([[1, 2], 2], ValueError, "y"),
        ],
    )
    def test_refuses(self, arguments, error, message):
        with pytest.raises(error, match=message):
            SoftmaxStage(*arguments)

    def test_a_label_that_is_no_class_is_refused(self):
        with pytest.raises(ValueError, match="label must be one of 4 classes; got 4"):
            SoftmaxStage().label = 4
