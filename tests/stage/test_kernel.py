"""The stage of a kernel that learns: its Python side, and what its page computes, by Node.js."""

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from backprop_helpers.checking import numerical_gradient
from backprop_helpers.views.stage import KernelStage
from backprop_helpers.views.stage._base import COMMITTED, MOST_BYTES, encode_array, json_bytes
from backprop_helpers.views.stage.kernel import descend, map_of, small_digit
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("kernel.test.js")


def drawn(rng):
    """Return a random problem, its path by `layers`, and the bowl from its patches."""
    size = rng.integers(1, 4, size=2)
    x = rng.integers(-2, 3, size=size + rng.integers(1, 6, size=2)).astype(float)
    w = np.round(rng.normal(size=size), 2)
    patches = sliding_window_view(x, w.shape).reshape(-1, w.size)
    hessian = patches.T @ patches
    limit = 2 / np.linalg.eigvalsh(hessian)[-1]
    target = np.round(rng.normal(size=map_of(x, w).shape), 2)
    path = descend(x, target, w, 0.4 * limit, 6)
    return {
        "arrays": {name: encode_array(array) for name, array in {"x": x, "w": w, "target": target}.items()},
        "rate": 0.4 * limit,
        "steps": 6,
        "losses": [loss for _, loss in path],
        "kernels": [kernel.ravel().tolist() for kernel, _ in path],
        "dw": (patches.T @ (patches @ w.ravel() - target.ravel())).tolist(),
        "hessian": hessian.tolist(),
        "limit": limit,
    }


def test_page(require_tool, tmp_path):
    rng = np.random.default_rng(5)
    script = lay_out(tmp_path, SCRIPT, [drawn(rng) for _ in range(40)])
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 42\n" in process.stdout


class TestPython:
    def test_a_step_is_one_against_the_gradient_of_the_loss(self):
        stage = KernelStage()
        x, w, target = (stage.arrays[name] for name in ("x", "w", "target"))
        slope = numerical_gradient(lambda w: np.sum((map_of(x, w) - target) ** 2) / 2, w)
        (_, before), (after, loss) = descend(x, target, w, 0.02, 1)
        np.testing.assert_allclose(after, w - 0.02 * slope, atol=1e-9)
        assert loss < before

    def test_what_made_the_target_appears(self):
        stage = KernelStage()
        path = descend(*(stage.arrays[name] for name in ("x", "target", "w")), 0.06, 200)
        np.testing.assert_allclose(path[-1][0], [[1, -1]], atol=1e-6)

    def test_shows(self):
        stage = KernelStage(step=3)
        assert repr(stage) == "KernelStage(x 4×6, w 1×2)"
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["composition"] == "learningKernel"
        assert data[COMMITTED]["options"] == {"rate": 0.02, "step": 3, "hidden": [[1, -1]]}
        assert json_bytes(data[COMMITTED]) < MOST_BYTES
        assert small_digit().shape == (14, 14)
        assert "After 3 steps" in stage.twin().alt

    @pytest.mark.parametrize(
        ("arguments", "settings", "message"),
        [
            ([np.ones((29, 3))], {}, r"x must have two axes, at most 28×28; its shape is \(29, 3\)"),
            ([np.eye(3), np.ones((3, 3))], {}, r"target must have Z's shape \(3, 2\); got \(3, 3\)"),
            ([np.eye(3), None, np.eye(4)], {}, r"w \(4, 4\) must fit into x \(3, 3\)"),
            ([np.eye(3), None, np.eye(2)], {}, r"hidden must have w's shape \(2, 2\); got \(1, 2\)"),
            ([np.eye(3), np.ones((3, 2))], {"hidden": [[1, 2]]}, "pass target or hidden, not both"),
            ([], {"rate": 0}, "rate must be positive; got 0"),
            ([], {"step": 201}, "step must be from 0 to 200; got 201"),
        ],
    )
    def test_refuses(self, arguments, settings, message):
        with pytest.raises(ValueError, match=message):
            KernelStage(*arguments, **settings)
