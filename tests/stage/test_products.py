"""The table of products: its Python side, and the piles of its page, by Node.js."""

from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.layers import conv_backward, conv_forward, fc_backward, fc_forward
from backprop_helpers.views.stage import ProductsStage
from backprop_helpers.views.stage._base import COMMITTED
from benchmarks.node import lay_out, run_node
from tests.stage.examples import encoded_all
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("products.test.js")


def conv_table(rng, nan=False):
    """Return a small convolution, its arrays and the sums that its piles must have."""
    while True:
        shape = rng.integers(1, [5, 5, 3])
        kernel = rng.integers(1, 4, size=2)
        stride, dilation = (tuple(int(n) for n in rng.integers(1, 3, size=2)) for _ in range(2))
        geometry = {"stride": stride, "dilation": dilation, "padding": int(rng.integers(0, 2))}
        x = rng.integers(-5, 6, size=(1, *shape))
        w = rng.integers(-5, 6, size=(*kernel, shape[2], int(rng.integers(1, 3))))
        if nan:
            w = np.where(rng.random(w.shape) < 0.2, np.nan, w)
        b = np.zeros(w.shape[3], w.dtype)
        try:
            z, cache = conv_forward(x, w, b, **geometry)
        except ValueError:
            continue
        dz = rng.integers(-5, 6, size=z.shape)
        dx, dw, _ = conv_backward(dz, cache)
        arrays = {"x": x[0], "w": w, "b": b, "dz": dz[0]}
        return geometry | {"layer": "conv"}, arrays, {"z": z[0], "w": dw, "x": dx[0]}


def fc_table(rng):
    M, N, K = rng.integers(1, 5, size=3)
    x, w, b = (rng.integers(-5, 6, size=shape) for shape in ((M, N), (N, K), (K,)))
    z, cache = fc_forward(x, w, b)
    dz = rng.integers(-5, 6, size=z.shape)
    dx, dw, _ = fc_backward(dz, cache)
    return {"layer": "fc"}, {"x": x, "w": w, "b": b, "dz": dz}, {"z": z, "w": dw, "x": dx}


def test_every_pile_adds_up(require_tool, tmp_path):
    """Of convolutions and fully connected layers, as `layers` has it; no card lies on another."""
    rng = np.random.default_rng(3)
    tables = [conv_table(rng) for _ in range(40)] + [conv_table(rng, nan=True) for _ in range(10)]
    tables += [fc_table(rng) for _ in range(20)]
    data = [
        {"options": options, "arrays": encoded_all(arrays), "sums": encoded_all(sums)}
        for options, arrays, sums in tables
    ]
    script = lay_out(tmp_path, SCRIPT, data)
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 70\n" in process.stdout


class TestPython:
    @pytest.mark.parametrize(
        ("arguments", "settings", "text"),
        [
            ([], {}, "ProductsStage(conv, 16 products by output)"),
            ([], {"padding": 1, "by": "x"}, "ProductsStage(conv, 36 products by input)"),
            ([[[2, -1, 3]], np.eye(3)], {"layer": "fc"}, "ProductsStage(fc, 9 products by output)"),
        ],
    )
    def test_counts(self, arguments, settings, text):
        stage = ProductsStage(*arguments, **settings)
        assert repr(stage) == text
        data, _ = stage._repr_mimebundle_()
        assert data[COMMITTED]["composition"] == "productTable"
        assert data["text/plain"] == text

    def test_refuses(self):
        with pytest.raises(ValueError, match="at most 128 products can lie on the table; this layer has 900"):
            ProductsStage(np.ones((12, 12)), np.ones((3, 3)))
        with pytest.raises(ValueError, match="layer must be one of conv, fc; got 'dense'"):
            ProductsStage(layer="dense")
        with pytest.raises(ValueError, match="by must be one of z, w, x"):
            ProductsStage(by="b")

    def test_twin_shows_the_gradients(self):
        assert "16 products" in ProductsStage().twin().alt
