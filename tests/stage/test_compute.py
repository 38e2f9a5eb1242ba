"""The stage's arithmetic equals that of `layers` and `training`: compute.test.js, run by Node.js."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from backprop_helpers.training.network import Network, reference_cnn
from backprop_helpers.training.series import series_cnn, series_digit
from backprop_helpers.views.stage.network import architecture, as_float16
from benchmarks.node import lay_out, network_json, run_node
from tests.stage import examples

SCRIPT = Path(__file__).with_name("compute.test.js")


@pytest.fixture
def passed(require_tool, tmp_path):
    """The function ``passed(data)``: run the tests that there is data for, return how many there were."""
    node = require_tool("node")

    def run(data):
        script = lay_out(tmp_path, SCRIPT, data)
        process = run_node(node, ["--test", "--test-reporter=tap", script.name], tmp_path)
        assert process.returncode == 0, failures(process.stdout) + process.stderr
        return int(re.search(r"^# pass (\d+)$", process.stdout, re.MULTILINE)[1])

    return run


def failures(tap):
    """The names and messages of the tests that failed."""
    return "\n".join(re.findall(r"^ *(?:not ok .*|error: .*(?:\n {4,}.*)?)$", tap, re.MULTILINE))


def test_layers(passed):
    rng = np.random.default_rng(14)
    cases = [examples.convolution(rng, exact) for _ in range(90) for exact in (True, False)]
    cases += [examples.pooling(rng, exact) for _ in range(60) for exact in (True, False)]
    cases += [examples.fully_connected(rng, exact) for _ in range(20) for exact in (True, False)]
    cases += [case | {"nan": True} for _ in range(8) for case in examples.with_nan(rng)]
    assert passed({"layers": cases}) == len(cases) == 356
    fitting = [case for case in cases if case["expected"]]
    assert len(fitting) >= 320
    assert sum(case["expected"] is None for case in cases) >= 5
    convolutions = [case for case in fitting if case["kind"] == "conv"]
    assert sum(case["options"]["padding"] == "same" for case in convolutions) >= 30
    sides = [case["padding"] for case in convolutions]
    assert sum(top != bottom or left != right for top, bottom, left, right in sides) >= 20
    assert sum(case["options"]["dilation"] != 1 for case in convolutions) >= 80
    assert sum(case["options"]["stride"] != 1 for case in convolutions) >= 80
    assert sum(dropped(case) for case in fitting if case["kind"] == "pool") >= 20
    assert sum(case["options"].get("mode") == "max" and case["exact"] for case in fitting) >= 20  # with ties


def dropped(case):
    """Whether pixels are left over that no window of a pooling reads."""
    strides = examples.as_pair(case["options"]["stride"] or case["options"]["size"])
    strides = (strides,) * 2 if isinstance(strides, int) else strides
    size = examples.as_pair(case["options"]["size"])
    size = (size,) * 2 if isinstance(size, int) else size
    shape = case["arrays"]["x"]["shape"]
    return any((n - f) % s for n, f, s in zip(shape, size, strides))


def test_networks(passed):
    rng = np.random.default_rng(17)
    cases = [examples.random_network_case(rng) for _ in range(60)]
    cases += [examples.random_network_case(rng, nan=True) for _ in range(6)]
    kinds = [layer["type"] for case in cases for layer in case["network"]["layers"]]
    assert min(map(kinds.count, set(kinds))) >= 10
    assert len(set(kinds)) == 7

    image, label = series_digit()
    net = series_cnn().astype(np.float64)
    net.parameters.vector[...] = net.parameters.vector.astype(np.float16)
    cases.append(examples.network_case(net, image, int(label[0])))
    net.parameters["fc2.w"] *= 128  # exponentials of such scores overflow
    cases.append(examples.network_case(net, image, 0))
    assert passed({"networks": cases}) == len(cases) == 68


def test_digits(passed):
    rng = np.random.default_rng(28)
    cases = [examples.digit_case(examples.drawing(rng, number)) for number in range(120)]
    cases += [examples.digit_case(examples.symmetric(rng)) for _ in range(60)]
    cases += [examples.digit_case(turned) for turned in (examples.lopsided(), examples.lopsided()[::-1].T)]
    specked = [examples.specked(rng) for _ in range(20)]
    cases += [examples.digit_case(ink, given=ink) for ink in specked]
    assert (
        sum(
            case["arrays"]["cropped"]["data"].count(0.5) != (ink == 0.5).sum()
            for case, ink in zip(cases[-20:], specked)
        )
        >= 5
    )
    image, _ = series_digit(np.float32)
    cases.append(examples.digit_case(image[0, :, :, 0]))
    assert passed({"digits": cases}) == len(cases) + 1 == 204


def test_arrays(passed):
    assert passed({"arrays": True}) == 2


def test_weights_arrive(passed, tmp_path):
    nets = [(step, reference_cnn(seed=seed).astype(np.float64)) for seed, step in enumerate([0, 60, 240])]
    rng = np.random.default_rng(0)
    for _, net in nets:
        net.parameters.vector += 0.01 * rng.standard_normal(net.parameters.vector.size)
        net.parameters.vector[...] = net.parameters.vector.astype(np.float16)
    image, _ = series_digit()
    float16 = np.arange(65536, dtype="<u2").view("<f2").tolist()
    (tmp_path / "snapshots.bin").write_bytes(b"".join(as_float16(net) for _, net in nets))
    data = {
        "snapshots": {**architecture(nets[0][1]), "parameters": nets[0][1].parameters.vector.size},
        "network": network_json(nets[0][1]),
        "image": examples.encoded(image[0]),
        "logits": [examples.encoded(net.logits(image)[0]) for _, net in nets],
        "float16": {"data": ["-0" if str(v) == "-0.0" else examples.number(v) for v in float16]},
    }
    assert passed(data) == 2


class TestNetworkData:
    def test_parameters_are_the_vector_in_float16(self):
        net = series_cnn()
        json = network_json(net)
        sent = np.frombuffer(base64.b64decode(json["parameters"]), "<f2")
        np.testing.assert_array_equal(sent, net.parameters.vector.astype(np.float16))
        assert len(json["parameters"]) < 150_000

    def test_the_architecture_names_and_describes(self):
        json = architecture(reference_cnn())
        assert json["input_shape"] == [28, 28, 1]
        assert json["layers"][1] == {
            "name": "conv1",
            "type": "Conv",
            "filters": 8,
            "size": 5,
            "stride": 1,
            "padding": "same",
            "dilation": 1,
        }

    def test_nan_stays_and_what_is_too_large_is_refused(self):
        net = reference_cnn()
        net.parameters["conv1.b"][:3] = np.nan, np.inf, -65519
        sent = np.frombuffer(base64.b64decode(network_json(net)["parameters"]), "<f2")[200:203]
        np.testing.assert_array_equal(sent, [np.nan, np.inf, -65504])
        net.parameters["fc1.b"][4] = -65520
        with pytest.raises(ValueError, match=r"up to 65504; fc1\.b has the entry -65520"):
            network_json(net)

    def test_a_layer_of_ones_own_is_refused(self):
        from backprop_helpers.training.modules import Flatten, FullyConnected, ReLU

        class Mine(ReLU):
            pass

        with pytest.raises(TypeError, match="does not know mine1, a Mine: only Python does"):
            architecture(Network([Flatten(), Mine(), FullyConnected(10)]))
