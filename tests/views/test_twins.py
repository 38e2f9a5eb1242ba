"""Whatever a stage takes can be displayed: its twin is drawn, at its limits too, and goes to the file."""

import warnings

import numpy as np
import pytest

from backprop_helpers.training import Flatten, FullyConnected, Network, ReLU
from backprop_helpers.views import stage
from backprop_helpers.views.stage._base import as_json, decode_array

RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.normal(size=shape)


def deep():
    layers = [layer for _ in range(10) for layer in (FullyConnected(5), ReLU())]
    return Network([Flatten(), *layers, FullyConnected(10)], input_shape=(5, 5, 1), seed=0)


def held(stage, array, *index):
    stage.selected = {"array": array, "index": list(index)}
    return stage


LIMITS = {
    "pooling: 27 windows and more": lambda: stage.PoolingStage(pixels(12, 12), stride=2),
    "pooling: the largest": lambda: stage.PoolingStage(pixels(32, 32), size=3, stride=1, mode="average"),
    "pooling: one window": lambda: stage.PoolingStage(pixels(32, 32), size=32),
    "pooling: a gradient of NaN": lambda: stage.PoolingStage(pixels(4, 4), np.full((2, 2), np.nan)),
    "ReLU: the largest": lambda: stage.ReLUStage(pixels(32, 32)),
    "ReLU: NaN and numbers of any size": lambda: stage.ReLUStage([[np.nan, 1, -1e300, np.inf]]),
    "softmax: far apart": lambda: stage.SoftmaxStage(1000 * pixels(10), 3),
    "softmax: NaN": lambda: stage.SoftmaxStage([np.nan, 1], 0),
    "kernel: the largest": lambda: stage.KernelStage(pixels(28, 28), w=pixels(5, 5), hidden=pixels(5, 5)),
    "kernel: a rate that is too large": lambda: stage.KernelStage(rate=10, step=200),
    "convolution: the largest": lambda: stage.ConvolutionStage(
        pixels(1, 32, 32, 3), pixels(7, 7, 3, 18), padding="same"
    ),
    "convolution: the largest matrix": lambda: stage.ConvolutionStage(
        pixels(32, 32), pixels(3, 3), reading="matrix"
    ),
    "convolution: the largest window": lambda: stage.ConvolutionStage(
        pixels(32, 32), pixels(7, 7), padding=3, reading="window"
    ),
    "convolution: a weight of many products": lambda: held(
        stage.ConvolutionStage(pixels(32, 32), pixels(7, 7), show="weights"), "w", 3, 3, 0, 0
    ),
    "convolution: one number": lambda: stage.ConvolutionStage([[1]], [[2]]),
    "convolution: infinities": lambda: stage.ConvolutionStage([[np.inf, -np.inf], [1, 2]], [[1]]),
    "network: many layers": lambda: stage.NetworkStage(deep(), pixels(3, 5, 5, 1), np.arange(3)),
    "downhill: far apart": lambda: stage.DownhillStage(x=1e6, y=1e-9, w=3),
    "predict: the largest grid": lambda: stage.Predict("Where?", (0, 0), shape=(12, 12)),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_stage_at_its_limits_is_displayed(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN and what overflows are what is asked for
        data, metadata = LIMITS[name]()._repr_mimebundle_()
    assert data["image/png"]
    assert metadata["image/png"]["alt"]


def test_a_number_too_large_for_an_integer_stays_a_number():
    assert (as_json(2.0), type(as_json(-1e300))) == (2, float)
    assert decode_array({"shape": [2], "data": [as_json(-1e300), 1]}).dtype == np.float64
