"""The solutions, which answers are compared with: another way gives the same numbers."""

import numpy as np
import pytest

from backprop_helpers import layers
from backprop_helpers.checking import check


def conv_backward(dz, x, w, **options):
    return layers.conv_backward(dz, layers.conv_forward(x, w, np.zeros(w.shape[3]), **options)[1])


def input_backward(dz, w, rows, columns, padding):
    x = np.zeros((len(dz), rows, columns, w.shape[2]))
    return conv_backward(dz, x, w, padding=padding)[0]


def pool_backward(dz, x, mode, **options):
    return layers.pool_backward(dz, layers.pool_forward(x, mode=mode, **options)[1])


def of_loss(name, prediction, y):
    _, cache = getattr(layers, f"{name}_forward")(prediction, y)
    return getattr(layers, f"{name}_backward")(1.0, cache)


def two_layers(x, y, w1, b1, w2, b2):
    z1, fc1 = layers.fc_forward(x, w1, b1)
    a1, relu = layers.relu_forward(z1)
    z2, fc2 = layers.fc_forward(a1, w2, b2)
    da1, dw2, db2 = layers.fc_backward(of_loss("softmax_cross_entropy", z2, y), fc2)
    return *layers.fc_backward(layers.relu_backward(da1, relu), fc1)[1:], dw2, db2


def one_epoch(theta, velocity, order, rates, backprop, *, batch_size, momentum):
    losses = []
    for rate in rates:
        batch, order = order[:batch_size], order[batch_size:]
        loss, g = backprop(theta, batch)
        theta = theta - rate * ((1 + momentum) * g + momentum**2 * velocity)
        velocity = momentum * velocity + g
        losses.append(loss)
    return theta, velocity, losses


ANOTHER_WAY = {
    "slope": lambda f, x, eps: np.diff([f(x - eps), f(x + eps)])[0] / eps / 2,
    "reused_backward": lambda x, y, z: (z + 1, z, x + y),
    "gradients_agree": lambda a, n: a.shape == n.shape and np.allclose(a, n, rtol=1e-6, atol=0),
    "fc_forward": lambda x, w, b: layers.fc_forward(x, w, b)[0],
    "fc_backward": lambda dz, x, w: layers.fc_backward(dz, layers.fc_forward(x, w, np.zeros(w.shape[1]))[1]),
    "flatten_backward": lambda dy, x: layers.flatten_backward(dy, layers.flatten_forward(x)[1]),
    "relu_backward": lambda da, z: layers.relu_backward(da, layers.relu_forward(z)[1]),
    "leaky_relu_backward": lambda da, z, *, slope: np.where(z > 0, da, slope * da),
    "softmax": layers.softmax,
    "softmax_backward": lambda dy, y: y * (dy - (dy * y).sum(axis=1, keepdims=True)),
    "cross_entropy_backward": lambda y_hat, y: of_loss("cross_entropy", y_hat, y),
    "softmax_cross_entropy_backward": lambda z, y: of_loss("softmax_cross_entropy", z, y),
    "correlate": lambda X, W, bias: layers.conv_forward(
        X[None, :, :, None], W[:, :, None, None], np.array([bias])
    )[0][0, :, :, 0],
    "correlate_channels": lambda x, w, b: layers.conv_forward(x, w, b)[0],
    "patches": lambda x, w: layers.im2col(x, w.shape[:2]).reshape(-1, w[..., 0].size),
    "weights_backward": lambda dz, x, w: conv_backward(dz, x, w)[1],
    "bias_backward": lambda dz: dz.sum(axis=(0, 1, 2)),
    "input_backward": lambda dz, w: input_backward(
        dz, w, dz.shape[1] + len(w) - 1, dz.shape[2] + w.shape[1] - 1, "valid"
    ),
    "input_backward_same": lambda dz, w: input_backward(dz, w, *dz.shape[1:3], "same"),
    "output_size": layers.output_size,
    "conv_forward": lambda x, w, b, **options: layers.conv_forward(x, w, b, **options)[0],
    "conv_backward": conv_backward,
    "pool_forward": lambda x, **options: layers.pool_forward(x, **options)[0],
    "max_pool_backward": lambda dz, x, **options: pool_backward(dz, x, "max", **options),
    "average_pool_backward": lambda dz, x, **options: pool_backward(dz, x, "average", **options),
    "initial_weights": lambda inputs, units, rng: (
        np.sqrt(2 / inputs) * rng.normal(size=(inputs, units)),
        0 * np.ones(units),
    ),
    "sgd_step": lambda w, b, dw, db, rate: (w + -rate * dw, b + -rate * db),
    "two_layer_backward": two_layers,
    "one_epoch": one_epoch,
    "pooled_relu": lambda z, b: layers.pool_forward(layers.relu_forward(z + b)[0], size=2)[0],
}


def test_every_solution_is_here():
    assert set(ANOTHER_WAY) == {
        name for name, exercise in check.exercises.items() if exercise.lesson.isdigit()
    }


@pytest.mark.parametrize("name", ANOTHER_WAY)
@pytest.mark.parametrize("seed", range(5))
def test_the_solution_gives_the_same_numbers_as_another_way(name, seed):
    exercise = check.exercises[name]
    for case in exercise.cases(np.random.default_rng(seed)):
        with np.errstate(all="ignore"):
            right = exercise.reference(*case.fresh(), **case.options)
            other = ANOTHER_WAY[name](*case.fresh(), **case.options)
        several = isinstance(right, tuple)
        for one, two in zip(right if several else (right,), other if several else (other,)):
            scale = np.abs(np.asarray(two, float)).max(initial=0)
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12 * scale, err_msg=case.name)
