"""The network's stage: its Python side, what it keeps in a file, and what its page computes, by Node.js."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.training import (
    AveragePool,
    Conv,
    Flatten,
    FullyConnected,
    Layer,
    MaxPool,
    Network,
    ReLU,
    Standardize,
    preprocess_digit,
    series_cnn,
    series_digit,
    series_snapshots,
)
from backprop_helpers.training.mnist import load_test_set
from backprop_helpers.views.stage import NetworkStage
from backprop_helpers.views.stage._base import COMMITTED, MOST_BYTES, decode_array, encode_array, json_bytes
from backprop_helpers.views.stage.network import series_files
from backprop_helpers.views.stage.receptive_field import forward_and_backward, sent_back
from benchmarks.node import lay_out, network_json, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("network.test.js")
RNG = np.random.default_rng(3)


class Doubled(Layer):
    """A layer that the page does not know."""

    def forward(self, x):
        return 2 * x, None

    def backward(self, dout, cache, *, need_dx=True):
        return 2 * dout, {}


def a_network(*layers, shape=(12, 10, 3), classes=4):
    flat = [] if any(isinstance(layer, Flatten) for layer in layers) else [Flatten()]
    return Network([*layers, *flat, FullyConnected(classes)], input_shape=shape, seed=1, dtype=np.float64)


COLOUR = a_network(Conv(5, 3), ReLU(), MaxPool(2), Conv(4, 3, padding="same"), ReLU())
OWN = a_network(Conv(2, 3), Doubled(), MaxPool(2))


def images_for(net, count=5):
    images = RNG.random((count, *net.input_shape)).astype(net.dtype)
    return images, np.arange(count) % net.classes


class TestPage:
    @pytest.fixture
    def passed(self, require_tool, tmp_path):
        node = require_tool("node")

        def run(data):
            script = lay_out(tmp_path, SCRIPT, data)
            process = run_node(node, ["--test", "--test-reporter=tap", script.name], tmp_path)
            assert process.returncode == 0, failures(process.stdout) + process.stderr
            return process.stdout.count("\nok ")

        return run

    def test_sums_add_up(self, passed):
        """At sixty cells of each network: the products that are written, and the rest, make the total."""
        nets = [series_cnn().astype(np.float64), COLOUR]
        nets += [
            a_network(
                Standardize(0.3, 0.2),
                Conv(3, 3, stride=2),
                AveragePool(2),
                Flatten(),
                FullyConnected(7),
                ReLU(),
            )
        ]
        cases = []
        for net, image in zip(nets, [series_digit()[0], *(images_for(net)[0][:1] for net in nets[1:])]):
            shapes = {"input": net.input_shape, **net.output_shapes}
            names = [name for name in shapes if "flatten" not in name and "standardize" not in name]
            cells = [
                [name, [int(RNG.integers(n)) for n in shapes[name]]]
                for name in (names[n % len(names)] for n in range(60))
            ]
            label = int(net.predict(image)[0] + 1) % net.classes
            cases.append(
                {
                    "network": network_json(net),
                    "image": encode_array(image[0]),
                    "label": label,
                    "cells": cells,
                }
            )
            cases.append(cases[-1] | {"label": int(net.predict(image)[0])})
        assert passed({"networks": cases}) == len(cases) == 6

    def test_a_drawing_is_prepared(self, passed):
        digits, _ = load_test_set()
        cases = []
        for n, digit in enumerate(digits[:12, :, :, 0]):
            paper = np.kron(np.roll(np.rint(8 * digit) / 8, (n % 5 - 2, 2 - n % 4), (0, 1)), np.ones((3, 3)))
            shown = paper[1::3, 1::3]
            prepared = preprocess_digit(paper.astype(np.float32)).placed
            for as_mnist, expected in ((True, prepared), (False, shown)):
                cases.append(
                    {
                        "image": encode_array(shown[..., np.newaxis].astype(np.float64)),
                        "prepared": as_mnist,
                        "expected": encode_array(expected.astype(np.float64)),
                    }
                )
        assert passed({"drawings": cases}) == 24

    def test_maps_fit(self, passed):
        nets = [
            [[28, 28, 8], [28, 28, 8], [14, 14, 8], [14, 14, 16], [7, 7, 16], [64], [10]],
            [[28, 28, 64], [28, 28, 64], [14, 14, 64], [10]],
            [[32, 32, 3], [30, 30, 7], [15, 15, 7], [300], [100]],
            [[1, 40, 12], [1, 40, 1], [3]],
        ]
        data = [
            {
                "columns": [
                    {"shape": shape, "channels": list(range(shape[2])) if len(shape) == 3 else [0]}
                    for shape in shapes
                ],
                "width": round(width * ratio),
                "height": round(238 * ratio),
                "ratio": ratio,
            }
            for shapes in nets
            for width, ratio in ((568, 1), (400, 2), (720, 1.5))
        ]
        assert passed({"shapes": data}) == 12

    def test_of_many_large_maps_the_first_are_shown(self, passed):
        """As many as leave no hole: 64 of 28×28 would stand higher than a screen."""
        firsts = [[[28, 28, 64], 16], [[32, 32, 32], 16], [[28, 28, 8], 8], [[14, 14, 16], 16], [[64], 1]]
        assert passed({"firsts": [*firsts, [[200, 200, 7], 1]]}) == 6

    def test_small_numbers_are_written_with_their_power(self, passed):
        briefs = [
            [2.784e-6, 3, "2.78·10⁻⁶"],
            [-9.996e-13, 2, "−1·10⁻¹²"],
            [0, 3, "0"],
            [-0.0312, 2, "−0.031"],
            [19.04, 3, "19"],
        ]
        assert passed({"briefs": briefs}) == 5


class TestCommitted:
    def test_of_the_series_the_weights_are_named(self):
        stage = NetworkStage()
        data, _ = stage._repr_mimebundle_()
        kept = data[COMMITTED]
        assert json_bytes(kept) <= 15_000
        assert kept["options"]["file"] == "series"
        assert "weights" not in kept["options"]
        assert kept["options"]["steps"] == ["0", "60", "240", "600", "1200", "2580"]
        assert kept["options"]["step"] == 5
        json.dumps(kept, allow_nan=False)

    def test_what_a_machine_has_trained_is_not_kept(self):
        """Lesson 11: the reader's network is "now", and would be another on another machine."""
        net = series_cnn()
        net.parameters.vector[:] += 0.01
        stage = NetworkStage(net, snapshots=series_snapshots())
        assert stage.options["steps"][-1] == "now"
        assert stage.committed()["options"]["steps"] == NetworkStage().options["steps"]
        assert stage.committed()["options"]["step"] == 5

    def test_a_small_network_goes_along_as_float16(self):
        stage = NetworkStage(COLOUR, *images_for(COLOUR))
        options = stage.committed()["options"]
        sent = np.frombuffer(base64.b64decode(options["weights"]), "<f2")
        np.testing.assert_array_equal(sent, COLOUR.parameters.vector.astype(np.float16))
        assert options["pixels"]["count"] == len(options["examples"]["indices"])

    def test_a_large_network_stays_a_picture(self):
        net = series_cnn()
        net.parameters.vector[:] += 0.01
        data, _ = NetworkStage(net)._repr_mimebundle_()
        assert COMMITTED not in data
        assert "image/png" in data
        assert json_bytes(NetworkStage(net).committed()) > MOST_BYTES

    def test_the_examples_are_the_images(self):
        options = NetworkStage().options
        digits, labels = load_test_set()
        sent = np.frombuffer(base64.b64decode(options["examples"]["pixels"]), np.uint8)
        indices = options["examples"]["indices"]
        assert 5561 in indices
        pixels = sent[: 784 * len(indices)].reshape(-1, 28, 28, 1)
        np.testing.assert_allclose(pixels / 255, digits[indices], atol=1e-6)
        np.testing.assert_array_equal(sent[784 * len(indices) :], labels[indices])
        assert sorted(labels[indices]) == list(range(10))

    def test_the_site_s_files(self):
        files = series_files()
        count = series_cnn().parameters.vector.size
        sizes = {name: len(content) for name, content in files.items()}
        assert sizes == {
            "series_last.bin": 2 * count,
            "series_weights.bin": 12 * count,
            "series_images.bin": 785_000,
        }
        assert files["series_weights.bin"].endswith(files["series_last.bin"])


class Asked:
    """What a page would ask, and what it would hear."""

    def __init__(self, stage):
        self.stage, self.heard = stage, []
        stage.send = lambda content, buffers=None: self.heard.append((content, buffers))

    def __call__(self, ask, buffers=(), **question):
        self.stage._answer(None, {"ask": ask, "id": 7, **question}, list(buffers))
        content, found = self.heard.pop()
        assert content["id"] == 7
        return content["error"] if "error" in content else found[0]


class TestAnswers:
    def test_weights_and_images(self):
        images, labels = images_for(COLOUR)
        ask = Asked(NetworkStage(COLOUR, images, labels))
        np.testing.assert_allclose(np.frombuffer(ask("last"), "<f4"), COLOUR.parameters.vector, rtol=1e-6)
        sent = ask("images")
        np.testing.assert_allclose(np.frombuffer(sent[:-5], "<f4"), images.ravel(), rtol=1e-6)
        assert list(sent[-5:]) == labels.tolist()
        assert len(Asked(NetworkStage())("weights")) == 6 * 4 * series_cnn().parameters.vector.size

    def test_a_layer_of_ones_own_is_computed_by_python(self):
        images, labels = images_for(OWN)
        stage = NetworkStage(OWN, images, labels, index=2)
        assert stage.options["network"]["python"] is True
        ask = Asked(stage)
        image = images[2].astype("<f4")
        values = np.frombuffer(ask("run", [image.tobytes()], step=0, label="3"), "<f4")
        run = forward_and_backward(OWN, image[None].astype(np.float64), 3)
        names = ["input", *(layer.name for layer in OWN.layers)]
        expected = [of[name].ravel() for of in (run.activations, run.gradients) for name in names]
        np.testing.assert_allclose(values[:-2], np.concatenate(expected), rtol=1e-5, atol=1e-7)
        assert values[-2] == 3
        cell = json.loads(ask("cell", name="pool1", index=[1, 1, 0], before="doubled1"))
        sent = sent_back(OWN, run, "pool1", (1, 1, 0), to="doubled1")
        np.testing.assert_allclose(decode_array(cell["sent"]), sent, rtol=1e-4, atol=1e-8)
        assert cell["field"]["channels"] == [0, 1, 2]
        wrong = np.frombuffer(ask("misread", step=0), np.uint8)
        np.testing.assert_array_equal(wrong, OWN.predict(images) != labels)

    def test_its_error_is_told(self):
        ask = Asked(NetworkStage(OWN, *images_for(OWN)))
        assert ask("run", [b"1234"], step=0, label="1").startswith("ValueError: ")


class TestState:
    def test_what_is_shown_now(self):
        stage = NetworkStage(label="second", layer="relu1", channel=3)
        assert stage.network.parameters.vector[5] == series_cnn().parameters.vector[5]
        digit, label = series_digit(np.float32)
        np.testing.assert_array_equal(stage.image, digit)
        order = np.argsort(-stage.network.probabilities(digit)[0])
        assert stage.target == order[1] != label[0]
        stage.label, stage.step = "8", 0
        assert stage.target == 8
        assert stage.twin().alt.startswith("Label 8: forward and backward, step 0")
        stage.drawing = True
        assert not stage.image.any()
        stage.drawn = digit.ravel().tolist()
        np.testing.assert_allclose(stage.image, digit, atol=1e-7)
        assert (stage.committed()["options"]["layer"], stage.committed()["options"]["label"]) == (
            "relu1",
            "8",
        )

    def test_text(self):
        assert repr(NetworkStage()) == "NetworkStage(11 layers, input 28×28×1, 10 classes, 6 snapshots)"
        assert repr(NetworkStage(COLOUR, *images_for(COLOUR))) == (
            "NetworkStage(7 layers, input 12×10×3, 4 classes)"
        )

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"network": 3}, TypeError, "network must be a Network; got int"),
            ({"network": COLOUR}, ValueError, "images must be given for a network of"),
            ({"labels": [1]}, ValueError, "labels came without images"),
            ({"images": np.zeros((2, 28, 28))}, ValueError, "add the axis of the one channel"),
            ({"images": np.zeros((2, 28, 28, 1), int)}, TypeError, "images hold integers"),
            ({"images": np.zeros((2, 28, 28, 1)), "labels": [1]}, ValueError, "2 images but 1 labels"),
            ({"images": np.zeros((1, 28, 28, 1)), "labels": [11]}, ValueError, "labels must lie in"),
            ({"images": np.zeros((1, 28, 28, 1)), "index": 1}, ValueError, "index must be 0 to 0; got 1"),
            ({"snapshots": []}, ValueError, "snapshots is empty"),
            ({"snapshots": [1, 2]}, TypeError, r"list of \(step, Network\)"),
            ({"snapshots": [(0, "x")]}, TypeError, "got a str"),
            ({"snapshots": [(0, COLOUR), (1, series_cnn())]}, ValueError, "the snapshot 0 has other layers"),
            ({"network": series_cnn().astype(np.complex128)}, TypeError, "complex128"),
            ({"label": 10}, ValueError, "label must be one of true, prediction, second, 0"),
            ({"colour": 1}, TypeError, "no option is called colour; there are index, label"),
            ({"among": "all"}, ValueError, "among must be"),
            ({"layer": "fc1"}, ValueError, "layer must be one of all, .*relu1.*; got 'fc1'"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, error, words):
        with pytest.raises(error, match=words):
            NetworkStage(**arguments)

    def test_too_large_maps_are_refused(self):
        net = a_network(Conv(1, 3), MaxPool(60), shape=(200, 200, 1))
        with pytest.raises(ValueError, match=r"at most 128 rows and columns .* input is \(200, 200, 1\)"):
            NetworkStage(net, np.zeros((1, 200, 200, 1)))
