"""Problem set 5: the whole network."""

from functools import partial

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Part
from backprop_helpers.checking.exercises._inputs import own

from ._task import several, slopes, task


def _momentum_matrix(w, velocity, dw, *, rate, momentum, decay):
    """Return (w, velocity) after a step: a linear map of (w, velocity, dw)."""
    step = np.array([[1 - rate * decay, momentum, -rate], [-rate * decay, momentum, -rate]])
    w, velocity = np.tensordot(step, np.stack([w, velocity, dw]), axes=1)
    return w, velocity


def _momentum_case(rng, shape, rate, momentum, decay):
    name = f"w {shape}, rate {rate:g}, momentum {momentum:g}, decay {decay:g}"
    options = {"rate": rate, "momentum": momentum, "decay": decay}
    return Case(name, tuple(rng.normal(size=shape) for _ in range(3)), options)


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
    several(
        _momentum_case,
        ((3, 2), 0.1, 0.9, 0.01),
        ((4,), 0.15, 0.5, 0.2),
        ((2, 2, 1, 3), 0.5, 0.0, 0.1),
        ((2, 3), 0.2, 0.8, 0.0),
    ),
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
    larger=lambda rng: _momentum_case(rng, (7, 5, 3), 0.3, 0.7, 0.05),
    revisit="11, The step",
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


def _network_case(rng, M, H, W, K, classes):
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
    several(_network_case, (3, 9, 9, 2, 3), (2, 9, 13, 2, 3), (2, 11, 9, 3, range(3, 5))),
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
    larger=lambda rng: _network_case(rng, 7, 15, 12, 4, 5),
    revisit="10, All at once",
)


def _mistakes_case(rng, M, K, count):
    probabilities = layers.softmax(1.5 * rng.normal(size=(M, K)))
    labels = probabilities.argmax(axis=1)
    wrong = rng.permutation(M)[: M // 2]
    labels[wrong] = (labels[wrong] + rng.integers(1, K, size=len(wrong))) % K
    return Case(f"M = {M}, K = {K}, the worst {count}", (probabilities, labels, count))


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
    several(_mistakes_case, (12, 4, 3), (9, 3, 4), (6, 4, 5), (range(20, 30), 5, 6), (8, 10, 1)),
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
    larger=lambda rng: _mistakes_case(rng, 200, 10, 40),
    revisit="11, What it gets wrong",
)


def _adam(w, m, v, dw, *, t, rate, corrections=(0.9, 0.999)):
    m, v = (np.tensordot([b, 1 - b], [old, new], 1) for b, old, new in ((0.9, m, dw), (0.999, v, dw * dw)))
    m_hat, v_hat = (moment / (1 - beta**t) for moment, beta in zip((m, v), corrections))
    return w - rate * m_hat / (np.sqrt(v_hat) + 1e-8), m, v


def _adam_case(rng, shape, t):
    w, m, dw = (rng.normal(size=shape) for _ in range(3))
    arrays = w, 0.1 * m, 0.1 * rng.uniform(0.5, 1, size=shape), dw
    return Case(f"w {shape}, step {t}", arrays, {"t": t, "rate": 0.01})


ADAM = task(
    "ps5.5",
    "adam_step",
    "w, m, v, dw, *, t, rate",
    "the weights and both moments after a step of Adam",
    [Part("w"), Part("m"), Part("v")],
    several(_adam_case, ((3, 2), 1), ((4,), 10), ((2, 2, 1, 3), 1000)),
    _adam,
    [
        own(
            "ps5.other_correction: v is corrected by beta1's factor: each moment has its own | in the "
            "first step"
            " v = 0.001 dw². By what has it to be divided to be dw²?",
            partial(_adam, corrections=(0.9, 0.9)),
        ),
        own(
            "ps5.no_correction: the moments are not corrected: in the first steps they are far too small "
            "| in the"
            " first step m = 0.1 dw. What should it be?",
            lambda w, m, v, dw, *, t, rate: _adam(w, m, v, dw, t=10**9, rate=rate),
        ),
    ],
    larger=lambda rng: _adam_case(rng, (7, 5, 3), 3),
    revisit="11, The step",
)


def _fooled(images, labels, w1, b1, w2, b2, *, step):
    """Each image goes uphill: a step of a given length, in the direction of its own gradient."""
    (gradient,) = slopes(lambda x: _network_loss(x, labels, (w1, b1, w2, b2)), (images,), 1.0)
    length = np.linalg.norm(gradient.reshape(len(images), -1), axis=1)
    return images + step * gradient / length[:, None, None, None]


def _fooled_case(rng, M, H, W, K, classes, step):
    case = _network_case(rng, M, H, W, K, classes)
    return case._replace(name=f"{case.name}, step {step:g}", options={"step": step})


FOOLED = task(
    "ps5.8",
    "fooled",
    "images, labels, w1, b1, w2, b2, *, step",
    "the images after a step that makes the network's loss larger",
    [Part("images", ("M", "H", "W", "C"))],
    several(_fooled_case, (3, 9, 9, 2, 3, 0.5), (2, 9, 13, 2, 3, 2.0)),
    _fooled,
    [
        own(
            "ps5.downhill: the step makes the loss smaller: it should be fooled, not helped | does the "
            "loss rise "
            "if one goes where the gradient points?",
            lambda *arrays, step: _fooled(*arrays, step=-step),
        ),
        own(
            "ps5.one_length_for_all: the gradient is divided by the length of that of the whole batch; "
            "each image "
            "makes a step of its own length | how long is the step of each of your images?",
            lambda images, *rest, step: (
                images
                + step
                * (lambda g: g / np.linalg.norm(g))(
                    slopes(lambda x: _network_loss(x, rest[0], rest[1:]), (images,), 1.0)[0]
                )
            ),
        ),
    ],
    delegates=None,
    larger=lambda rng: _fooled_case(rng, 4, 11, 10, 3, 4, 1.0),
    revisit="10, All at once",
)

EXERCISES = (
    MOMENTUM,
    NETWORK,
    MISTAKES,
    ADAM,
    FOOLED,
)
