"""The stage of convolution: its Python side, and what its page shows and writes, by Node.js."""

from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.layers import conv_backward, conv_forward
from backprop_helpers.views import plots
from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage import ConvolutionStage
from backprop_helpers.views.stage import convolution as module
from backprop_helpers.views.stage._base import COMMITTED, encode_array
from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("convolution.test.js")
X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W = np.array([[1, 2], [3, -1]])


def drawn(rng):
    """Return a legal setting, an order of its outputs, and what the layer computes after some of them."""
    while True:
        height, width, channels, filters = rng.integers(1, [7, 7, 4, 4])
        stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, size=2)) for _ in range(2))
        padding = "same" if rng.random() < 0.3 else tuple(int(n) for n in rng.integers(0, 3, size=2))
        geometry = {"stride": stride, "padding": padding, "dilation": dilation}
        x = rng.integers(-5, 6, size=(1, height, width, channels))
        w = rng.integers(-5, 6, size=(*rng.integers(1, 4, size=2), channels, filters))
        b = rng.integers(-5, 6, size=filters)
        try:
            z, cache = conv_forward(x, w, b, **geometry)
        except ValueError:
            continue
        dz = rng.integers(-5, 6, size=z.shape)
        order = rng.permutation(list(np.ndindex(z.shape[1:3]))).tolist()
        step = int(rng.integers(0, len(order) + 1))
        sent = np.zeros_like(dz)
        for i, j in order[:step]:
            sent[0, i, j] = dz[0, i, j]
        dx, dw, db = conv_backward(sent, cache)
        arrays = {"x": x[0], "w": w, "b": b, "dz": dz[0]}
        expected = {"z": z[0], "dx": dx[0], "dw": dw, "db": db}
        return {
            "arrays": {name: encode_array(array) for name, array in arrays.items()},
            "options": geometry,
            "order": order,
            "step": step,
            "expected": {name: encode_array(array) for name, array in expected.items()},
        }


def test_page(require_tool, tmp_path):
    rng = np.random.default_rng(46)
    settings = [drawn(rng) for _ in range(60)]
    assert sum(len(s["expected"]["z"]["data"]) > 1 for s in settings) >= 45
    palettes = {name: getattr(_style, name) for name in ("SEQUENTIAL", "DIVERGING", "INKS")}
    invented = encode_array(module.invented_gradient((8, 7, 3)))
    data = {"settings": settings, "palettes": palettes, "invented": invented}
    script = lay_out(tmp_path, SCRIPT, data)
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert f"# pass {4 * len(settings) + 10}\n" in process.stdout


# Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (
            {"x": np.zeros((1, 5, 5, 2)), "w": np.zeros((2, 2, 3, 1))},
            ValueError,
            "x has 2 channels but w expects 3",
        ),
        (
            {"x": np.zeros((40, 40))},
            ValueError,
            r"at most 32×32 and 64 channels .*; x is 40×40 .*x\[:, 8:18, 8:18\]",
        ),
        ({"w": np.zeros((2, 2, 1, 65))}, ValueError, "at most 7×7 and 64 filters"),
        (
            {"x": np.zeros((2, 5, 5, 1))},
            ValueError,
            r"x must be one example, such as x\[:1\]; x is \(2, 5, 5, 1\)",
        ),
        ({"dz": np.zeros((3, 3))}, ValueError, r"dz must have the shape of the output, \(1, 2, 2, 1\)"),
        ({"x": np.zeros((3, 3), complex)}, TypeError, "x must hold real numbers; its dtype is complex128"),
        ({"w": np.zeros((4, 4))}, ValueError, "the 4×4 kernel w is larger than the padded input, 3×3"),
        ({"stride": 0}, ValueError, "stride must be at least 1; got 0"),
        ({"padding": "half"}, ValueError, "padding must be .*; got 'half'"),
        (
            {"show": "backward"},
            ValueError,
            "show must be one of forward, weights, input, all; got",
        ),
        ({"reading": 3}, ValueError, "reading must be one of stamps, window, matrix; got 3"),
    ],
)
def test_what_is_wrong_is_said(arguments, error, said):
    with pytest.raises(error, match=f"ConvolutionStage: .*{said}"):
        ConvolutionStage(**arguments)


def test_arrays_come_back_with_all_their_axes():
    stage = ConvolutionStage(X / 3, W, 1)
    assert {name: array.shape for name, array in stage.arrays.items()} == {
        "x": (3, 3, 1),
        "w": (2, 2, 1, 1),
        "b": (1,),
    }
    np.testing.assert_allclose(stage.arrays["x"][:, :, 0], X / 3, rtol=1e-5)
    assert stage.dz[0, :, :, 0].tolist() == [[1, -2], [3, 2]]


def test_the_gradient_grows_with_the_output():
    stage = ConvolutionStage(X, W, 1, [[7, 7], [7, 7]])
    stage.padding = "same"
    assert stage.dz[0, :, :, 0].tolist() == [[7, 7, -3], [7, 7, -3], [-2, -1, -3]]
    stage.padding = 0
    with pytest.raises(ValueError, match="is larger than the padded input"):
        stage.dilation = 3
    assert stage.dilation == 1


def test_what_the_page_sends_is_kept_whatever_its_order():
    stage = ConvolutionStage(padding=2)
    stage.set_state({"padding": [0, 0], "dilation": [4, 1]})  # as if a larger image were still to come
    assert (stage.padding, stage.dilation) == ([0, 0], [4, 1])


def test_committed():
    stage = ConvolutionStage(X, W, 1, show="input", stride=(1, 2))
    committed = stage._repr_mimebundle_()[0][COMMITTED]
    assert committed["composition"] == "convolution"
    assert committed["arrays"]["x"] == {"shape": [3, 3, 1], "data": X.ravel().tolist()}
    assert committed["options"] == {
        "stride": [1, 2],
        "padding": 0,
        "dilation": 1,
        "show": "input",
        "reading": "stamps",
        "channel": 0,
        "filter": 0,
        "step": None,
    }
    assert repr(stage) == "ConvolutionStage(x 3×3×1, w 2×2×1×1)"


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        ({"show": "forward"}, ["X", "W", "b", "Z"]),
        ({"show": "weights"}, ["after 0", "after 1", "after 2", "after 3", "after 4"]),
        ({"reading": "window", "stride": 2, "padding": 1}, ["D", "W̄", "dX"]),
        ({"reading": "matrix"}, ["T: one row an output, one column a pixel"]),
    ],
)
def test_twin(options, titles):
    figure = ConvolutionStage(**options).twin()
    said = [ax.get_title() or ax.get_title("left") for ax in figure.axes] + [figure.alt]
    assert [title for title in titles if title not in said] == []


def test_twin_of_a_selection():
    stage = ConvolutionStage(padding=1)
    stage.selected = {"array": "dx", "index": [1, 1, 0]}
    assert stage.twin().png() == plots.touches(X, W, pixel=(1, 1), padding=1).png()


def test_window_twin_is_the_gradient():
    """D, correlated with the turned kernel, is dX: the picture's own arrays."""
    stage = ConvolutionStage(X, W, 1, stride=2, padding=1, reading="window")
    shown = [np.array(ax.images[0].get_array()) for ax in stage.twin().axes if ax.images]
    assert shown[0].shape == (4, 4)
    slid, _ = conv_forward(shown[0][None, :, :, None], shown[1][:, :, None, None], np.zeros(1))
    np.testing.assert_array_equal(slid[0, :, :, 0], shown[2])
