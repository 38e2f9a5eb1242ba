"""Layers that a learner writes: put into a network, trained, checked, saved, loaded."""

from dataclasses import dataclass

import numpy as np
import pytest

from backprop_helpers.checking import gradient_check
from backprop_helpers.training import (
    Conv,
    Flatten,
    FullyConnected,
    Layer,
    MaxPool,
    Network,
    NetworkFileError,
    fit,
)
from backprop_helpers.views.stage.receptive_field import receptive_field

from .examples import CLASSES, SHAPE, examples, not_nearly_dead


class Tanh(Layer):
    """As CONTRIBUTING shows it."""

    def forward(self, x):
        a = np.tanh(x)
        return a, a

    def backward(self, da, a, *, need_dx=True):
        return da * (1 - a**2), {}


@dataclass(eq=False)
class BatchNorm(Layer):
    """out = γ (x − mean) / √(variance + ε) + β, a mean and a variance for each channel."""

    momentum: float = 0.9

    def parameter_shapes(self, input_shape):
        return {"gamma": input_shape[-1:], "beta": input_shape[-1:]}

    def statistics_shapes(self, input_shape):
        return {"mean": input_shape[-1:], "variance": input_shape[-1:]}

    def initial(self, name, shape, rng):
        return 1.0 if name in ("gamma", "variance") else 0.0

    def forward(self, x, *, training):
        axes = tuple(range(x.ndim - 1))
        mean, variance = self.statistics["mean"], self.statistics["variance"]
        if training:
            mean, variance = x.mean(axis=axes), x.var(axis=axes)
        std = np.sqrt(variance + 1e-5)
        x_hat = (x - mean) / std
        cache = x_hat, std, mean, variance, training
        return self.parameters["gamma"] * x_hat + self.parameters["beta"], cache

    def backward(self, dout, cache, *, need_dx=True):
        x_hat, std, _, _, training = cache
        axes = tuple(range(dout.ndim - 1))
        dx_hat = dout * self.parameters["gamma"]
        if training:
            dx_hat = dx_hat - dx_hat.mean(axis=axes) - x_hat * (dx_hat * x_hat).mean(axis=axes)
        return dx_hat / std, {"gamma": (dout * x_hat).sum(axis=axes), "beta": dout.sum(axis=axes)}

    def update_statistics(self, cache):
        _, _, mean, variance, _ = cache
        for name, seen in (("mean", mean), ("variance", variance)):
            self.statistics[name] = self.momentum * self.statistics[name] + (1 - self.momentum) * seen


OWN = [Tanh, BatchNorm]


def network(dtype=np.float32, seed=0):
    layers = [
        Conv(3, 3),
        BatchNorm(0.5),
        Tanh(),
        MaxPool(2),
        Flatten(),
        FullyConnected(5),
        BatchNorm(),
        Tanh(),
    ]
    return Network([*layers, FullyConnected(CLASSES)], input_shape=SHAPE, dtype=dtype, seed=seed)


def trained(**settings):
    net = network()
    history = fit(net, *examples(60), epochs=3, batch_size=16, progress=False, **settings)
    return net, history


def test_parameters_and_statistics_start_as_the_layer_says():
    net = network()
    assert (net.parameters["batchnorm1.gamma"] == 1).all()
    assert (net.parameters["batchnorm1.beta"] == 0).all()
    assert (net.statistics["batchnorm2.variance"] == 1).all()
    assert net.statistics["batchnorm1.mean"].tolist() == [0, 0, 0]
    assert net["batchnorm1"].statistics.vector.base is not None  # a view
    assert list(net.parameters)[:4] == ["conv1.w", "conv1.b", "batchnorm1.gamma", "batchnorm1.beta"]


def test_statistics_start_at_1_in_a_copy_only_if_they_did():
    net, _ = trained()
    for other in (net.copy(), net.astype(np.float64)):
        assert other.statistics.vector is not net.statistics.vector
        np.testing.assert_allclose(other.statistics.vector, net.statistics.vector, rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_the_whole_network_is_checked_in_both_of_its_forms(training):
    net = not_nearly_dead(network(np.float64))
    net.statistics["batchnorm1.mean"] = 0.3
    net.statistics["batchnorm1.variance"] = 2.0
    images, labels = examples(6, dtype=np.float64)
    kept = net.statistics.vector.copy()

    def loss(vector):
        net.parameters.vector[...] = vector
        return net.loss(images, labels, training=training), None

    def backward(dloss, _):
        return dloss * net.gradients(images, labels, training=training).vector

    gradient_check(loss, backward, [net.parameters.vector.copy()]).assert_ok()

    def at_pixels(x):
        return net.loss(x, labels, training=training), x

    def pulled_back(dloss, x):
        return dloss * net.gradients_of_activations(x, labels, training=training)["input"]

    gradient_check(at_pixels, pulled_back, [images]).assert_ok()
    np.testing.assert_array_equal(net.statistics.vector, kept)  # looking changes nothing


def test_training_normalises_by_the_batch_and_evaluation_by_the_statistics():
    net = network(np.float64)
    images, _ = examples(30, dtype=np.float64)
    normal = net.activations(images, training=True)["batchnorm1"]
    np.testing.assert_allclose(normal.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    plain = net.activations(images)
    np.testing.assert_allclose(plain["batchnorm1"], plain["conv1"] / np.sqrt(1 + 1e-5))


def test_fit_moves_the_statistics_as_the_layer_says():
    net = network()
    images, labels = examples(16)
    maps = net.activations(images)["conv1"]
    fit(net, images, labels, epochs=1, batch_size=16, progress=False)
    seen = 0.5 * maps.mean(axis=(0, 1, 2))  # half of the old, which was 0
    np.testing.assert_allclose(net.statistics["batchnorm1.mean"], seen, rtol=1e-4, atol=1e-6)


def test_only_fit_moves_the_statistics_and_validation_does_not():
    with_validation, history = trained(validation=examples(20, seed=1))
    without, _ = trained()
    np.testing.assert_array_equal(with_validation.statistics.vector, without.statistics.vector)
    np.testing.assert_array_equal(with_validation.parameters.vector, without.parameters.vector)
    kept = without.statistics.vector.copy()
    assert without.loss(*examples(20, seed=1)) == history.epochs[-1].validation_loss
    without.accuracy(*examples(20)), without.gradients(*examples(20), training=True)
    np.testing.assert_array_equal(without.statistics.vector, kept)


def test_it_learns():
    net = network()
    images, labels = examples(20)
    fit(net, images, labels, epochs=100, batch_size=10, progress=False)
    assert net.accuracy(images, labels) > 0.9


def test_a_file_names_the_classes_and_load_takes_them(tmp_path):
    net, _ = trained()
    path = tmp_path / "own.npz"
    net.save(path)
    again = Network.load(path, layers=OWN)
    assert repr(again) == repr(net)
    assert again["batchnorm1"].momentum == 0.5
    np.testing.assert_array_equal(again.parameters.vector, net.parameters.vector)
    np.testing.assert_array_equal(again.statistics.vector, net.statistics.vector)
    np.testing.assert_array_equal(again.logits(examples(9)[0]), net.logits(examples(9)[0]))
    with pytest.raises(NetworkFileError, match=r"unknown layer 'BatchNorm'.*layers=\[BatchNorm\]"):
        Network.load(path, layers=[Tanh])
    other = network(seed=3)
    other.load_parameters(path)
    np.testing.assert_array_equal(other.statistics.vector, net.statistics.vector)


def test_settings_without_a_dataclass_are_saved_or_refused(tmp_path):
    class Scale(Layer):
        def __init__(self, factor, keep=True):
            super().__init__()
            self.factor = factor
            if keep:
                self.keep = keep

        def forward(self, x):
            return self.factor * x, None

    net = Network([Scale(2.5), Flatten(), FullyConnected(2)], input_shape=SHAPE)
    net.save(tmp_path / "scale.npz")
    assert Network.load(tmp_path / "scale.npz", layers=[Scale])["scale1"].factor == 2.5
    for layer, words in ((Scale(2.5, keep=False), "no attribute 'keep'"), (Scale(np.float32(2)), "float32")):
        net = Network([layer, Flatten(), FullyConnected(2)], input_shape=SHAPE)
        with pytest.raises(TypeError, match=f"scale1 cannot be made again from a file: .*{words}"):
            net.save(tmp_path / "refused.npz")
    assert not (tmp_path / "refused.npz").exists()


def test_a_class_of_the_same_name_as_one_of_ours_is_refused(tmp_path):
    class Flatten(Layer):
        def forward(self, x):
            return x.reshape(len(x), -1), None

    net = Network([Flatten(), FullyConnected(2)], input_shape=SHAPE)
    with pytest.raises(TypeError, match="flatten is a Flatten of your own, and there is one here"):
        net.save(tmp_path / "refused.npz")


def test_a_layer_that_changes_the_shape_need_not_say_so():
    class Rows(Layer):
        def parameter_shapes(self, input_shape):
            return {"w": input_shape[:1]}

        def forward(self, x):
            return np.einsum("mijc,i->mjc", x, self.parameters["w"]), x

    net = Network([Rows(), Flatten(), FullyConnected(2)], input_shape=SHAPE)
    assert net.output_shapes["rows1"] == SHAPE[1:]
    assert net.summary().rows[0].parameters == SHAPE[0]
    assert "rows1" in repr(net.summary())


def test_what_a_cell_sees_through_a_layer_of_ones_own():
    assert len(receptive_field(network(), "tanh1", (0, 0, 0)).rows) == SHAPE[0]


def test_the_path_is_said():
    assert network().path == network().summary().path
    assert network().path == "computed on the fast path"
    assert network().astype(np.float64).path.startswith("computed layer by layer: ")
