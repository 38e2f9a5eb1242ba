"""Networks: their names, their parameters, what they compute, and their gradients."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_helpers import layers as formulas
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
    fit,
    lenet,
    network,
    reference_cnn,
)
from backprop_helpers.training.mnist import load_test_set

from .examples import CLASSES, SHAPE, digits_network, examples, not_nearly_dead, small_layers, small_network

STEP = 1e-30  # of the complex step: no difference is taken, so nothing cancels
SERIES_NAMES = [
    "standardize",
    "conv1",
    "relu1",
    "pool1",
    "conv2",
    "relu2",
    "pool2",
    "flatten",
    "fc1",
    "relu3",
]
SERIES_NAMES += ["fc2"]

# ---------------------------------------------------------------------------------------- the two networks


@pytest.mark.parametrize(
    ("make", "filters", "hidden"), [(reference_cnn, (8, 16), 64), (lenet, (16, 32), 128)]
)
def test_series_networks_have_the_shapes_of_the_design(make, filters, hidden):
    net = make()
    assert [layer.name for layer in net.layers] == SERIES_NAMES
    assert list(net.output_shapes.values()) == [
        (28, 28, 1),
        (28, 28, filters[0]),
        (28, 28, filters[0]),
        (14, 14, filters[0]),
        (14, 14, filters[1]),
        (14, 14, filters[1]),
        (7, 7, filters[1]),
        (49 * filters[1],),
        (hidden,),
        (hidden,),
        (10,),
    ]
    assert {name: array.shape for name, array in net.parameters.items()} == {
        "conv1.w": (5, 5, 1, filters[0]),
        "conv1.b": (filters[0],),
        "conv2.w": (5, 5, filters[0], filters[1]),
        "conv2.b": (filters[1],),
        "fc1.w": (49 * filters[1], hidden),
        "fc1.b": (hidden,),
        "fc2.w": (hidden, 10),
        "fc2.b": (10,),
    }
    assert list(net.parameters) == [
        f"{layer}.{p}" for layer in ("conv1", "conv2", "fc1", "fc2") for p in "wb"
    ]
    assert all(array.dtype == np.float32 for array in net.parameters.values())


@pytest.mark.parametrize("make", [reference_cnn, lenet])
def test_first_loss_is_close_to_the_logarithm_of_ten(make):
    images, labels = load_test_set()
    for seed in range(3):
        net = make(seed=seed)
        assert abs(net.loss(images[:100], labels[:100]) - math.log(10)) < 0.2
        net.parameters["fc2.w"] *= 10  # plain He initialisation
        assert abs(net.loss(images[:100], labels[:100]) - math.log(10)) > 0.3


def test_weights_have_he_scale_and_biases_are_zero():
    parameters = lenet().parameters
    for name, fan_in, scale in (("conv1", 25, 1), ("conv2", 400, 1), ("fc1", 1568, 1), ("fc2", 128, 0.1)):
        weights = parameters[f"{name}.w"]
        expected = scale * math.sqrt(2 / fan_in)
        assert abs(weights.std() / expected - 1) < 5 / math.sqrt(2 * weights.size)
        assert abs(weights.mean()) < 5 * expected / math.sqrt(weights.size)
        assert not parameters[f"{name}.b"].any()


def test_seed_decides_the_weights():
    assert np.array_equal(reference_cnn(seed=3).parameters.vector, reference_cnn(seed=3).parameters.vector)
    assert not np.array_equal(
        reference_cnn(seed=3).parameters.vector, reference_cnn(seed=4).parameters.vector
    )


# ------------------------------------------------------------------------------------ names and parameters


def test_layers_are_named_by_kind_and_number():
    layers = [Standardize(), Standardize(), Flatten(), FullyConnected(2), ReLU(), FullyConnected(3)]
    net = Network(layers, input_shape=(2, 2, 1))
    names = ["standardize", "standardize2", "flatten", "fc1", "relu1", "fc2"]
    assert [layer.name for layer in net] == names
    pools = Network([MaxPool(2), AveragePool(2), Flatten(), FullyConnected(2)], input_shape=(4, 4, 1))
    assert [layer.name for layer in pools] == ["pool1", "pool2", "flatten", "fc1"]


def test_layer_by_name():
    net = reference_cnn()
    assert net["conv2"] is net.layers[4]
    assert len(net) == 11
    with pytest.raises(KeyError, match="no layer is called 'conv3'; the layers are standardize, conv1"):
        net["conv3"]


def test_parameters_are_views_into_one_vector():
    net = small_network()
    vector = net.parameters.vector
    assert sum(array.size for array in net.parameters.values()) == vector.size
    for array in net.parameters.values():
        assert np.shares_memory(array, vector)
    np.testing.assert_array_equal(np.concatenate([a.ravel() for a in net.parameters.values()]), vector)
    net["conv1"].parameters["w"][...] = 7
    assert (net.parameters["conv1.w"] == 7).all()
    vector[...] = 1
    assert all((array == 1).all() for array in net.parameters.values())


def test_assigning_a_parameter_writes_into_the_network():
    net = small_network()
    images, _ = examples(3)
    before = net.logits(images)
    net.parameters["fc2.b"] = np.array([1, 2, 3, 4])
    np.testing.assert_allclose(net.logits(images), before + [1, 2, 3, 4], rtol=1e-6)
    net.parameters["fc2.b"] -= 1
    net["fc2"].parameters["b"] += 1
    net.parameters.update({"fc2.b": 0})
    np.testing.assert_array_equal(net.logits(images), before)


def test_parameters_refuse_what_does_not_fit():
    net = small_network()
    before = net.parameters.vector.copy()
    with pytest.raises(ValueError, match=r"fc2.b has shape \(4,\), the new value has shape \(3,\)"):
        net.parameters["fc2.b"] = np.zeros(3)
    with pytest.raises(KeyError, match=r"no parameter is called 'fc9.w'; the names are conv1.w, conv1.b"):
        net.parameters["fc9.w"] = np.zeros(3)
    for forbidden in (
        lambda p: p.pop("fc2.b"),
        lambda p: p.clear(),
        lambda p: p.setdefault("a", 1),
        lambda p: p.popitem(),
        lambda p: p.__delitem__("fc2.b"),
    ):
        with pytest.raises(TypeError, match="fixed"):
            forbidden(net.parameters)
    np.testing.assert_array_equal(net.parameters.vector, before)


def test_deep_copy_of_parameters_is_independent():
    net = small_network()
    kept = copy.deepcopy(net.parameters)
    net.parameters.vector[...] = 0
    assert type(kept) is dict
    assert kept["fc2.w"].any()


def test_one_list_of_layers_makes_independent_networks():
    layers = small_layers()
    first, second = (Network(layers, input_shape=SHAPE) for _ in range(2))
    first.parameters.vector[...] = 0
    assert second.parameters["fc1.w"].any()
    assert all(layer.name == "" and not layer.parameters for layer in layers)


@pytest.mark.parametrize("make_copy", [Network.copy, copy.copy, copy.deepcopy])
def test_copy_is_independent_and_equal(make_copy):
    net = small_network(seed=5)
    images, _ = examples(4)
    other = make_copy(net)
    np.testing.assert_array_equal(other.logits(images), net.logits(images))
    other.parameters.vector[...] = 0
    assert net.parameters["fc1.w"].any()


def test_astype_changes_the_dtype_of_everything():
    net = small_network().astype(np.float64)
    images, labels = examples(4)
    assert net.parameters.vector.dtype == np.float64
    assert all(a.dtype == np.float64 for a in net.activations(images).values())
    assert all(a.dtype == np.float64 for a in net.gradients(images, labels).values())
    np.testing.assert_allclose(net.logits(images), small_network().logits(images), rtol=1e-4, atol=1e-6)
    assert net.astype(np.complex128).astype(np.float32).parameters.vector.dtype == np.float32


def test_networks_are_not_pickled():
    with pytest.raises(TypeError, match="save"):
        pickle.dumps(small_network())


def test_reprs_are_short_and_name_everything():
    text = repr(reference_cnn())
    assert "conv1        Conv(filters=8, size=5, stride=1, padding='same', dilation=1)" in text
    assert "54,314 parameters, float32" in text
    text = repr(reference_cnn().parameters)
    assert "conv2.w  float32 (5, 5, 8, 16)" in text
    assert len(text) < 400


# --------------------------------------------------------------------------------------- what it computes


def test_network_is_its_layers_one_after_the_other():
    net = not_nearly_dead(small_network(dtype=np.float64))
    p = net.parameters
    images, labels = examples(5, dtype=np.float64)
    x = (images - 0.4) / 0.3
    x, _ = formulas.conv_forward(x, p["conv1.w"], p["conv1.b"], stride=(1, 2), padding=(1, 0))
    x = np.maximum(x, 0)
    x, _ = formulas.pool_forward(x, size=(2, 2), stride=1, mode="max")
    x, _ = formulas.conv_forward(x, p["conv2.w"], p["conv2.b"], padding="same", dilation=2)
    x, _ = formulas.pool_forward(x, size=(1, 2), mode="average")
    x = np.maximum(x.reshape(5, -1) @ p["fc1.w"] + p["fc1.b"], 0)
    x = x @ p["fc2.w"] + p["fc2.b"]
    np.testing.assert_allclose(net.logits(images), x, rtol=1e-12)
    np.testing.assert_array_equal(net.predict(images), x.argmax(axis=1))
    probabilities = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net.probabilities(images), probabilities, rtol=1e-12)
    np.testing.assert_allclose(net.loss(images, labels), -np.log(probabilities[range(5), labels]).mean())
    assert net.accuracy(images, labels) == np.mean(x.argmax(axis=1) == labels)
    assert type(net.loss(images, labels)) is float
    assert type(net.accuracy(images, labels)) is float


def test_activations_are_every_layers_output():
    net = small_network()
    images, _ = examples(3)
    activations = net.activations(images)
    assert list(activations) == ["input", *(layer.name for layer in net)]
    np.testing.assert_array_equal(activations["input"], images)
    np.testing.assert_array_equal(activations["fc2"], net.logits(images))
    for name, shape in net.output_shapes.items():
        assert activations[name].shape == (3, *shape)
    assert (activations["relu1"] >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 249, 250, 251, 601])
def test_predictions_do_not_depend_on_the_batches_they_are_made_in(count):
    net = not_nearly_dead(small_network())
    images, labels = examples(count)
    logits = net.forward(images)[0]["fc2"]
    np.testing.assert_allclose(net.logits(images), logits, rtol=1e-4, atol=1e-5)
    assert net.logits(images).shape == (count, CLASSES)
    np.testing.assert_allclose(
        net.accuracy(images, labels), np.mean(net.logits(images).argmax(axis=1) == labels)
    )


def test_float64_images_and_strided_images_are_taken():
    net = small_network()
    images, labels = examples(6)
    strided = np.zeros((12, *SHAPE), np.float64)[::2]
    strided[...] = images
    for other in (images.astype(np.float64), np.asfortranarray(images), strided, images.tolist()):
        np.testing.assert_allclose(net.logits(other), net.logits(images), rtol=1e-5, atol=1e-6)
        assert net.logits(other).dtype == np.float32
        assert all(g.dtype == np.float32 for g in net.gradients(other, labels).values())


def test_one_hot_labels_mean_the_same():
    net = small_network()
    images, labels = examples(6)
    one_hot = np.eye(CLASSES)[labels]
    assert net.loss(images, one_hot) == net.loss(images, labels)
    assert net.accuracy(images, one_hot) == net.accuracy(images, labels)
    np.testing.assert_array_equal(net.gradients(images, one_hot).vector, net.gradients(images, labels).vector)


def test_nothing_given_is_written_to():
    net = small_network()
    images, labels = examples(5)
    images.flags.writeable = labels.flags.writeable = False
    before = net.parameters.vector.copy()
    net.gradients(images, labels), net.activations(images), net.gradients_of_activations(images, labels)
    net.logits(images), net.loss(images, labels), net.accuracy(images, labels)
    np.testing.assert_array_equal(net.parameters.vector, before)


def test_memory_of_predictions_does_not_grow_with_the_number_of_images():
    import tracemalloc

    net = digits_network()
    peaks = []
    for count in (500, 2000):
        images = np.zeros((count, 28, 28, 1), np.float32)
        net.predict(images)
        tracemalloc.start()
        net.predict(images)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2e6


# ------------------------------------------------------------------------------------------- its gradients


def complex_step_gradient(function, array):
    """d function / d array, entry by entry; the array is changed in place for a moment."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP * 1j
        gradient[index] = function().imag / STEP
        array[index] = kept
    return gradient


def assert_gradients_agree(actual, expected):
    assert np.abs(expected).max() > 1e-4  # there is something to compare
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "layers",
    [
        small_layers(),
        [Conv(2, 2, padding="same"), Conv(2, 3, padding="valid"), Flatten(), FullyConnected(CLASSES)],
        [Flatten(), FullyConnected(3), FullyConnected(CLASSES)],
        [Flatten(), FullyConnected(CLASSES)],
        [
            MaxPool(2),
            Conv(2, 2, padding="same"),
            ReLU(),
            MaxPool(2),
            Flatten(),
            FullyConnected(CLASSES),
            Standardize(),
        ],
    ],
    ids=["every kind", "two convolutions", "two fully connected", "one layer", "others first and last"],
)
def test_gradients_agree_with_the_complex_step_for_every_parameter(layers):
    net = not_nearly_dead(Network(layers, input_shape=SHAPE, dtype=np.float64))
    images, labels = examples(3, dtype=np.float64)
    gradients = net.gradients(images, labels)
    probe = net.astype(np.complex128)
    assert list(gradients) == list(net.parameters)
    for name, parameter in probe.parameters.items():
        expected = complex_step_gradient(lambda: probe.loss(images, labels), parameter)
        assert_gradients_agree(gradients[name], expected)


def test_gradients_agree_with_differences_in_float64():
    net = not_nearly_dead(digits_network(dtype=np.float64))
    images, labels = load_test_set()
    images, labels = images[:4].astype(np.float64), labels[:4]
    gradients = net.gradients(images, labels)
    rng = np.random.default_rng(0)
    for name, parameter in net.parameters.items():
        for index in [tuple(rng.integers(0, parameter.shape)) for _ in range(5)]:
            kept, losses = parameter[index], []
            for nudge in (1e-6, -1e-6):
                parameter[index] = kept + nudge
                losses.append(net.loss(images, labels))
            parameter[index] = kept
            assert abs((losses[0] - losses[1]) / 2e-6 - gradients[name][index]) < 1e-7


def test_gradients_of_activations_agree_with_the_complex_step_everywhere():
    net = not_nearly_dead(small_network(dtype=np.float64))
    images, labels = examples(2, dtype=np.float64)
    activations = net.activations(images)
    gradients = net.gradients_of_activations(images, labels)
    assert list(gradients) == list(activations)
    probe = net.astype(np.complex128)
    for position, name in enumerate(activations):
        assert gradients[name].shape == activations[name].shape

        def loss_from_here(x, rest=probe.layers[position:]):
            for layer in rest:
                x, _ = layer.forward(x)
            return formulas.softmax_cross_entropy_forward(x, labels)[0]

        x = activations[name].astype(np.complex128)
        assert_gradients_agree(gradients[name], complex_step_gradient(lambda x=x, f=loss_from_here: f(x), x))


def test_gradient_is_that_of_the_mean_over_the_examples():
    net = not_nearly_dead(small_network(dtype=np.float64))
    images, labels = examples(6, dtype=np.float64)
    one_by_one = [net.gradients(images[m : m + 1], labels[m : m + 1]).vector for m in range(6)]
    np.testing.assert_allclose(net.gradients(images, labels).vector, np.mean(one_by_one, axis=0), atol=1e-14)
    twice = net.gradients(np.concatenate([images] * 2), np.concatenate([labels] * 2)).vector
    np.testing.assert_allclose(twice, net.gradients(images, labels).vector, atol=1e-14)


def test_gradients_are_fresh_each_time():
    net = small_network()
    images, labels = examples(4)
    first = net.gradients(images, labels)
    kept = first.vector.copy()
    second = net.gradients(images, labels)
    np.testing.assert_array_equal(second.vector, kept)
    second.vector[...] = 0
    np.testing.assert_array_equal(first.vector, kept)


@given(seed=st.integers(0, 100), count=st.integers(1, 5))
def test_training_path_gives_the_loss_and_gradient_of_the_inspection_path(seed, count):
    net = not_nearly_dead(small_network(seed))
    images, labels = examples(count, seed)
    out = np.full_like(net.parameters.vector, np.nan)
    loss, correct = net._loss_and_gradients(images, labels, out)
    np.testing.assert_allclose(out, net.gradients(images, labels).vector, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(loss, net.loss(images, labels), rtol=1e-5)
    assert correct == round(net.accuracy(images, labels) * count)


# ------------------------------------------------------------------------------------ the hook for fast paths


class FakePlan:
    made = ()

    def __init__(self, batch_size):
        self.batch_size = batch_size
        FakePlan.made += (batch_size,)

    def loss_and_gradients(self, images, labels, out):
        assert len(images) == len(labels) == self.batch_size
        assert images.dtype == np.float32
        assert images.flags.c_contiguous
        out[...] = 1
        return 0.5, 1

    def logits(self, images):
        assert len(images) == self.batch_size
        assert images.dtype == np.float32
        assert images.flags.c_contiguous
        return np.eye(CLASSES, dtype=np.float32)[[2] * len(images)]


class FakeKernels:
    @staticmethod
    def plan(net, batch_size):
        assert isinstance(net, Network)
        return FakePlan(batch_size) if batch_size != 3 else None


@pytest.fixture
def fake_kernels(monkeypatch):
    monkeypatch.setattr(network, "kernels", FakeKernels)
    monkeypatch.setattr(FakePlan, "made", ())


@pytest.mark.usefixtures("fake_kernels")
def test_a_plan_is_used_to_train_and_to_predict_and_kept():
    net = small_network()
    images, labels = examples(5)
    out = np.empty_like(net.parameters.vector)
    for _ in range(3):
        assert net._loss_and_gradients(images, labels, out) == (0.5, 1)
    assert (out == 1).all()
    assert net.predict(images.astype(np.float64)).tolist() == [2] * 5
    assert net.predict(np.asfortranarray(images)).tolist() == [2] * 5
    assert FakePlan.made == (5,)
    for count in (6, 7, 8, 9):
        net.predict(examples(count)[0])
    assert len(net._plans) <= network.PLANS_KEPT
    assert net.copy()._plans == {}


@pytest.mark.usefixtures("fake_kernels")
def test_without_a_plan_the_layers_do_it():
    net = small_network()
    images, labels = examples(3)
    out = np.empty_like(net.parameters.vector)
    net._loss_and_gradients(images, labels, out)
    np.testing.assert_array_equal(out, net.gradients(images, labels).vector)
    np.testing.assert_array_equal(net.logits(images), net.activations(images)["fc2"])


@pytest.mark.usefixtures("fake_kernels")
def test_what_is_there_to_be_looked_at_never_takes_the_fast_path():
    net = small_network()
    images, labels = examples(5)
    net.activations(images), net.gradients(images, labels), net.gradients_of_activations(images, labels)
    assert FakePlan.made == ()


# ------------------------------------------------------------------------------------------------- summary


def test_summary_counts_parameters_and_products():
    summary = reference_cnn().summary()
    counts = {row.layer: (row.output_shape, row.parameters, row.multiply_adds) for row in summary.rows}
    assert counts["conv1"] == ((28, 28, 8), 25 * 8 + 8, 28 * 28 * 8 * 25)
    assert counts["conv2"] == ((14, 14, 16), 25 * 8 * 16 + 16, 14 * 14 * 16 * 25 * 8)
    assert counts["fc1"] == ((64,), 784 * 64 + 64, 784 * 64)
    assert counts["fc2"] == ((10,), 650, 640)
    assert counts["pool1"] == ((14, 14, 8), 0, 0)
    assert summary.total.parameters == reference_cnn().parameters.vector.size == 54_314
    assert summary.total.multiply_adds == 834_816
    assert summary.rows[1].activation_bytes == 28 * 28 * 8 * 4
    assert reference_cnn().astype(np.float64).summary().rows[1].activation_bytes == 28 * 28 * 8 * 8
    assert lenet().summary().total.parameters == 215_370


def test_summary_counts_general_convolutions():
    net = small_network()
    rows = {row.layer: row for row in net.summary().rows}
    # 6×7×2 images, kernel 3×2, stride (1, 2), padding (1, 0): 6×3 outputs of 3 filters
    assert rows["conv1"].output_shape == (6, 3, 3)
    assert rows["conv1"].multiply_adds == 6 * 3 * 3 * 3 * 2 * 2


def test_summary_reads_as_text_and_as_html():
    summary = reference_cnn().summary()
    lines = repr(summary).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert lines[-2].split() == ["total", "54,314", "834,816", "91,496"]
    assert lines[-1] == "computed on the fast path"
    assert len(lines) == 1 + 1 + 11 + 1 + 1 + 1
    assert str(summary) == repr(summary)
    html = summary._repr_html_()
    assert html.count("<tr>") == 13
    assert html.endswith("computed on the fast path")
    assert '<td style="text-align: right">627,200</td>' in html
    assert "(14, 14, 16)" in html


# -------------------------------------------------------------------------------------------- bad arguments


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers is empty"),
        ([FullyConnected(10)], ValueError, r"fc1 cannot follow .*\(28, 28, 1\).*put Flatten\(\) before it"),
        (
            [Flatten(), Conv(2, 3, padding="same")],
            ValueError,
            r"conv1 cannot follow .*\(784,\).*needs images",
        ),
        (
            [Conv(2, 3, padding="same")],
            ValueError,
            r"conv1 gives \(28, 28, 2\); end with Flatten\(\) and FullyConnected\(10\)",
        ),
        ([Flatten(), FullyConnected(1)], ValueError, "K ≥ 2"),
        ([Flatten()], ValueError, "no layer has anything to learn"),
        (
            [Conv(2, 29, padding="valid"), Flatten(), FullyConnected(2)],
            ValueError,
            "conv1 cannot follow.*larger",
        ),
        ([MaxPool(30), Flatten(), FullyConnected(2)], ValueError, "pool1 cannot follow"),
        ([Conv(2, 3, padding="sane"), Flatten(), FullyConnected(2)], ValueError, "conv1.*padding"),
        ([Flatten, FullyConnected(2)], TypeError, r"layers\[0\] is the class Flatten, expected Flatten\(…\)"),
        ([Flatten(), "fc"], TypeError, r"layers\[1\] is 'fc', expected a layer"),
    ],
)
def test_layers_that_make_no_network(layers, error, message):
    with pytest.raises(error, match=message):
        Network(layers)


def test_a_convolution_is_not_padded_unless_asked():
    assert Conv(1, 3).padding == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(0, 3), "Conv: filters must be at least 1"),
        (lambda: Conv(2.0, 3), "Conv: filters must be an integer"),
        (lambda: Conv(2, 0), "Conv: size"),
        (lambda: Conv(2, (3, 3, 3)), "Conv: size"),
        (lambda: Conv(2, 3, stride=0), "Conv: stride"),
        (lambda: Conv(2, 3, dilation=True), "Conv: dilation"),
        (lambda: Conv(2, 3, padding=-1), "Conv: padding"),
        (lambda: MaxPool("2"), "MaxPool: size"),
        (lambda: AveragePool(2, 0), "AveragePool: stride"),
        (lambda: FullyConnected(-1), "FullyConnected: units"),
        (lambda: FullyConnected(True), "FullyConnected: units"),
        (lambda: Standardize(std=0), "Standardize: std"),
        (lambda: Standardize(mean=math.nan), "Standardize: mean"),
        (lambda: Network([Flatten(), FullyConnected(2)], dtype=np.float16), "dtype must be float32"),
        (lambda: Network([Flatten(), FullyConnected(2)], dtype=int), "dtype must be float32"),
        (lambda: Network([Flatten(), FullyConnected(2)], input_shape=(28, 0, 1)), "input_shape"),
        (lambda: Network([Flatten(), FullyConnected(2)], input_shape=()), "input_shape"),
        (lambda: Network([Flatten(), FullyConnected(2)], seed=-1), "Network: seed must be at least 0"),
        (lambda: reference_cnn(seed=0.5), "Network: seed must be an integer"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_layer_outside_a_network_says_what_it_lacks():
    with pytest.raises(RuntimeError, match="has no parameters yet: put it in a Network"):
        Conv(2, 3, padding="same").forward(np.zeros((1, 6, 6, 1)))
    with pytest.raises(NotImplementedError):
        Layer().forward(np.zeros(1))


BAD_IMAGES = [
    (np.zeros((2, *SHAPE), np.uint8), TypeError, r"images hold integers \(uint8\).*/ 255"),
    (np.zeros((2, *SHAPE), int), TypeError, "images hold integers"),
    (np.zeros((2, *SHAPE), bool), TypeError, "bool"),
    (np.zeros((2, *SHAPE), np.complex128), TypeError, "images have dtype complex128, expected float32"),
    (np.zeros((2, *SHAPE), np.float16), TypeError, "float16"),
    (np.zeros((2, *SHAPE), "U1"), TypeError, "images"),
    (np.zeros(SHAPE), ValueError, r"for one image pass images\[np.newaxis\]"),
    (np.zeros((2, 7, 6, 2)), ValueError, r"shape \(2, 7, 6, 2\), expected \(M, 6, 7, 2\)"),
    (np.zeros((2, 84)), ValueError, r"expected \(M, 6, 7, 2\)"),
    (np.zeros((0, *SHAPE)), ValueError, "images is empty"),
    ([[1.0], [1.0, 2.0]], ValueError, "images is not an array"),
]


@pytest.mark.parametrize(("images", "error", "message"), BAD_IMAGES)
def test_bad_images_are_named_everywhere(images, error, message):
    net = small_network()
    labels = np.zeros(2, int)
    for name, call in {
        "logits": lambda: net.logits(images),
        "probabilities": lambda: net.probabilities(images),
        "predict": lambda: net.predict(images),
        "activations": lambda: net.activations(images),
        "accuracy": lambda: net.accuracy(images, labels),
        "loss": lambda: net.loss(images, labels),
        "gradients": lambda: net.gradients(images, labels),
        "gradients_of_activations": lambda: net.gradients_of_activations(images, labels),
    }.items():
        with pytest.raises(error, match=f"^{name}: .*{message}"):
            call()


def test_missing_channel_axis_is_recognised():
    with pytest.raises(ValueError, match=r"add the axis of the one channel: images\[..., np.newaxis\]"):
        reference_cnn().predict(np.zeros((5, 28, 28)))


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 2], ValueError, "2 images but 3 labels"),
        ([0, 4], ValueError, r"labels must lie in 0, …, 3; labels\[1\] is 4"),
        ([-1, 0], ValueError, r"labels\[0\] is -1"),
        ([0.0, 1.0], TypeError, "labels have dtype float64, expected integers"),
        ([True, False], TypeError, "bool"),
        (["a", "b"], TypeError, "labels"),
        ([[0, 1]], ValueError, r"labels have shape \(1, 2\)"),
        ([[1, 1, 0, 0], [1, 0, 0, 0]], ValueError, "must hold one 1 a row"),
        ([[0.5, 0.5, 0, 0], [1, 0, 0, 0]], ValueError, "must hold one 1 a row"),
        (3, ValueError, "labels have shape"),
    ],
)
def test_bad_labels_are_named_everywhere(labels, error, message):
    net = small_network()
    images, _ = examples(2)
    for name, call in {
        "accuracy": net.accuracy,
        "loss": net.loss,
        "gradients": net.gradients,
        "gradients_of_activations": net.gradients_of_activations,
    }.items():
        with pytest.raises(error, match=f"^{name}: .*{message}"):
            call(images, labels)


# --------------------------------------------------------------------------------------------- odd inputs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: np.where(x > 0.9, np.nan, x), "images hold NaN or infinity"),
        (lambda x: np.where(x > 0.9, -np.inf, x), "images hold NaN or infinity"),
        (lambda x: 255 * x, "if they are pixels from 0 to 255, divide them by 255"),
    ],
)
@pytest.mark.parametrize("name", ["predict", "accuracy", "probabilities", "logits", "fit"])
def test_odd_numbers_get_the_same_words_everywhere(name, change, words):
    net = small_network()
    images, labels = examples(40)
    call = {
        "accuracy": lambda x: net.accuracy(x, labels),
        "fit": lambda x: fit(net, x, labels, epochs=1, progress=False),
    }.get(name, getattr(net, name, None))
    with pytest.raises(ValueError, match=f"^{name}: {words}|^{name}: images reach .*{words}"):
        call(change(images))
