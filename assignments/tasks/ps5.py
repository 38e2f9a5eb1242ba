"""Problem set 5: the whole network."""

from functools import partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own

from ._task import slopes, task


def _momentum_matrix(w, velocity, dw, *, rate, momentum, decay):
    """Return (w, velocity) after a step: a linear map of (w, velocity, dw)."""
    step = np.array([[1 - rate * decay, momentum, -rate], [-rate * decay, momentum, -rate]])
    w, velocity = np.tensordot(step, np.stack([w, velocity, dw]), axes=1)
    return w, velocity


def _momentum_cases(rng):
    def case(*shape, rate, momentum, decay):
        name = f"w {shape}, rate {rate:g}, momentum {momentum:g}, decay {decay:g}"
        options = {"rate": rate, "momentum": momentum, "decay": decay}
        return Case(name, tuple(rng.normal(size=shape) for _ in range(3)), options)

    rate = float(np.round(rng.uniform(0.1, 0.3), 2))
    return [
        case(3, 2, rate=0.1, momentum=0.9, decay=0.01),
        case(4, rate=rate, momentum=0.5, decay=0.2),
        case(2, 2, 1, 3, rate=0.5, momentum=0.0, decay=0.1),
        case(2, 3, rate=0.2, momentum=0.8, decay=0.0),
    ]


def _step(**changed):
    """Return a wrong step: the right one with other settings."""

    def wrong(w, velocity, dw, **options):
        return _momentum_matrix(w, velocity, dw, **(options | {k: f(options[k]) for k, f in changed.items()}))

    return wrong


def _old_velocity(w, velocity, dw, **options):
    return w + velocity, _momentum_matrix(w, velocity, dw, **options)[1]


def _nothing(_):
    return 0.0


MOMENTUM = task(
    "ps5.1",
    "momentum_step",
    "w, velocity, dw, *, rate, momentum, decay",
    "the weights and their velocity after a step",
    [Part("w"), Part("velocity")],
    _momentum_cases,
    _momentum_matrix,
    [
        own(
            "ps5.decay_forgotten: the weight decay is missing | dw = 0 and no velocity: what should a "
            "step do to the weights?",
            _step(decay=_nothing),
        ),
        own(
            "ps5.decay_sign: the decay makes the weights grow; it should pull them towards zero | dw = "
            "0, no velocity, w = 1: is the new w larger or smaller than 1?",
            _step(decay=lambda decay: -decay),
        ),
        own(
            "ps5.momentum_forgotten: the old velocity is not used: this is plain gradient descent | dw ="
            " 0 and no decay: does a moving weight go on moving?",
            _step(momentum=_nothing),
        ),
        own(
            "ps5.uphill: the step goes up the loss: the gradient points uphill | dw > 0: should w rise "
            "or fall?",
            _step(rate=lambda rate: -rate),
        ),
        own(
            "ps5.old_velocity: the weights move by the old velocity; the new one has to be computed "
            "first | no velocity yet: do the weights move in the first step?",
            _old_velocity,
        ),
        own(
            "ps5.velocity_not_returned: the velocity comes back as it was: the next step knows nothing "
            "of this one | what will the next step be given as its velocity?",
            lambda w, v, dw, **options: (_momentum_matrix(w, v, dw, **options)[0], v.copy()),
        ),
        own(
            "ps5.decay_without_rate: the decay is not multiplied by the learning rate; it is part of the"
            " gradient | decay·w is the gradient of ½ decay w². What multiplies a gradient in a step?",
            lambda w, v, dw, *, rate, momentum, decay: _momentum_matrix(
                w, v, dw, rate=rate, momentum=momentum, decay=decay / rate
            ),
        ),
    ],
    delegates=(),
)


def _network_loss(images, labels, parameters, relu=None, pool=None):
    """Return the mean loss of the problem set's network; `relu` and `pool` may be replaced."""
    z, _ = layers.conv_forward(images, parameters[0], parameters[1], stride=2, padding="valid", dilation=1)
    a = (relu or (lambda z: layers.relu_forward(z)[0]))(z)
    pooled = (pool or (lambda a: layers.pool_forward(a, size=2)[0]))(a)
    scores, _ = layers.fc_forward(layers.flatten_forward(pooled)[0], parameters[2], parameters[3])
    loss, _ = layers.softmax_cross_entropy_forward(scores, labels)
    return loss


def _network_slopes(images, labels, w1, b1, w2, b2, **changed):
    arrays = (w1, b1, w2, b2)
    loss = _network_loss(images, labels, arrays)
    gradients = slopes(lambda *arrays: _network_loss(images, labels, arrays, **changed), arrays, 1.0)
    return (np.asarray(loss), *gradients)


def _unmasked(z):
    """ReLU's values with a slope of 1 everywhere: what a backward pass without the mask belongs to."""
    return np.maximum(z.real, 0) + 1j * z.imag


def _spread(a):
    """Return the maximum's values with the average's slope."""
    values = layers.pool_forward(a.real, size=2)[0]
    return values + 1j * layers.pool_forward(a.imag, size=2, mode="average")[0]


def _network_cases(rng):
    def case(M, H, W, K, classes):
        images = rng.normal(size=(M, H, W, 1))
        maps = ((H - 3) // 2 + 1) // 2, ((W - 3) // 2 + 1) // 2
        arrays = (
            rng.normal(size=(3, 3, 1, K)),
            rng.normal(size=K),
            0.3 * rng.normal(size=(maps[0] * maps[1] * K, classes)),
            rng.normal(size=classes),
        )
        name = f"{M} images of {H} × {W}, {K} filters, {classes} classes"
        return Case(name, (images, rng.integers(classes, size=M), *arrays))

    return [case(3, 9, 9, 2, 3), case(2, 9, 13, 2, 3), case(1, 11, 9, 3, int(rng.integers(3, 5)))]


def _network_with(change):
    def wrong(images, labels, w1, b1, w2, b2):
        loss, *gradients = _network_slopes(images, labels, w1, b1, w2, b2)
        return (loss, *change(gradients, len(images)))

    return wrong


NETWORK = task(
    "ps5.2",
    "network_gradients",
    "images, labels, w1, b1, w2, b2",
    "the loss and the gradients of a network with one convolution",
    [
        Part("loss"),
        Part("dw1", ("F_h", "F_w", "C", "K")),
        Part("db1", ("K",)),
        Part("dw2", ("N", "classes")),
        Part("db2", ("classes",)),
    ],
    _network_cases,
    _network_slopes,
    [
        own(
            "ps5.relu_left_out: the way back does not pass through ReLU: its mask is missing in dw1 and "
            "db1 | list the layers of the forward pass, last one first. Which one did your backward pass"
            " leave out?",
            partial(_network_slopes, relu=_unmasked),
        ),
        own(
            "ps5.pool_spread: the pooling's gradient is shared by the whole window; the maximum alone "
            "moves the output | with which mode did forward pool, and with which cache does backward "
            "run?",
            partial(_network_slopes, pool=_spread),
        ),
        ("softmax_cross_entropy.not_divided_by_m", _network_with(lambda g, M: [part * M for part in g])),
        ("softmax_cross_entropy.sign_flipped", _network_with(lambda g, M: [-part for part in g])),
        ("fc.divided_by_m_again", _network_with(lambda g, M: [part / M for part in g])),
        (
            "fc.divided_by_m_again",
            _network_with(lambda g, M: [g[0], g[1], g[2] / M, g[3] / M]),
        ),
        (
            "conv.divided_by_m_again",
            _network_with(lambda g, M: [g[0] / M, g[1] / M, g[2], g[3]]),
        ),
    ],
    delegates=None,  # here the finished layers are what the task is made of
)


def _mistakes_cases(rng):
    def case(M, K, count):
        probabilities = layers.softmax(1.5 * rng.normal(size=(M, K)))
        labels = probabilities.argmax(axis=1)
        wrong = rng.permutation(M)[: M // 2]
        labels[wrong] = (labels[wrong] + rng.integers(1, K, size=len(wrong))) % K
        return Case(f"M = {M}, K = {K}, the worst {count}", (probabilities, labels, count))

    return [case(12, 4, 3), case(9, 3, 4), case(int(rng.integers(20, 30)), 5, 6), case(8, 10, 1)]


def _ranked(probabilities, labels, count, score=None, wrong_only=True):
    """Put each mistake where as many others have a higher score."""
    predicted = probabilities.argmax(axis=1)
    rows = np.flatnonzero(predicted != labels) if wrong_only else np.arange(len(labels))
    score = probabilities.max(axis=1) if score is None else score
    rank = (score[rows][:, None] < score[rows][None, :]).sum(axis=1)
    order = np.empty(len(rows), int)
    order[rank] = rows
    return order[:count]


MISTAKES = task(
    "ps5.4",
    "most_confident_mistakes",
    "probabilities, labels, count",
    "the mistakes that the network is surest of",
    [Part("indices", ("count",))],
    _mistakes_cases,
    _ranked,
    [
        own(
            "ps5.right_ones_too: examples that are classified correctly are among them | for each of "
            "your indices: is the predicted digit different from the label?",
            lambda p, y, n: _ranked(p, y, n, wrong_only=False),
        ),
        own(
            "ps5.least_sure_first: the least sure mistakes come first; argsort is ascending | print the "
            "largest probability of each of your mistakes, in order",
            lambda p, y, n: _ranked(p, y, n, score=-p.max(axis=1)),
        ),
        own(
            "ps5.least_sure_of_the_many: these are the surest ones, but in ascending order | print the "
            "largest probability of each of your mistakes, in order",
            lambda p, y, n: _ranked(p, y, n)[::-1].copy(),
        ),
        own(
            "ps5.by_the_label: sorted by how little the right digit got; asked for is how much the wrong"
            " one got | a network that gives 0.5 and 0.5 − 1e-9 to two wrong digits gives the right one "
            "nothing. Is it sure?",
            lambda p, y, n: _ranked(p, y, n, score=-p[np.arange(len(y)), y]),
        ),
        own(
            "ps5.position_among_mistakes: these are positions in the list of mistakes; asked for are "
            "positions in the whole set | your index 0: is that example wrong at all?",
            lambda p, y, n: np.searchsorted(np.flatnonzero(p.argmax(axis=1) != y), _ranked(p, y, n)),
        ),
    ],
)

EXERCISES = (
    MOMENTUM,
    NETWORK,
    MISTAKES,
)
