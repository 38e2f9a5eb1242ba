"""Lesson 10: initial weights, a step, the layers in a row. Lesson 11: a loop that trains."""

import numpy as np

from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._forms import as_suspects
from backprop_helpers.checking.exercises._inputs import (
    between,
    catalogued,
    integers,
    mistakes,
    normal,
    suspect,
)
from backprop_helpers.checking.exercises.fully_connected import IN_FORMS, fc_forms
from backprop_helpers.checking.exercises.softmax import of_scores, softmax_forms
from backprop_helpers.checking.misconceptions import misconceptions
from backprop_helpers.checking.solutions import lesson_10, lesson_11
from backprop_helpers.checking.solutions.lesson_02 import fc_backward_by_gradient
from backprop_helpers.checking.solutions.lesson_03 import relu_backward
from backprop_helpers.checking.solutions.lesson_04 import softmax_cross_entropy_backward
from backprop_helpers.checking.solutions.lesson_10 import initial_weights, sgd_step

# --- initial weights: random, so only their statistics are determined


def _initial_cases(rng):
    sizes = [(300, 40), (60, 120), (100, 100), (between(rng, 100, 200), between(rng, 60, 100))]
    return [
        Case(
            f"{inputs} inputs, {units} units", (inputs, units, np.random.default_rng(between(rng, 0, 10**6)))
        )
        for inputs, units in sizes
    ]


def _statistics(w, b):
    """Return what is determined: how large w is and where it lies, that none of it is special, and b."""
    scale = np.sqrt(len(w) / 2)
    return scale * w.std(), w.mean() / (w.std() or 1), _most_unlike(w), _most_unlike(w.T), _most_alike(w), b


def _most_unlike(w):
    """Return the size of the column that differs most from all of w, relative to it; 1 if that is chance."""
    sizes = np.sqrt((w**2).mean(axis=0) / ((w**2).mean() or 1.0))
    most = sizes[np.abs(sizes - 1).argmax()]
    return most if not abs(most - 1) < 6 / np.sqrt(2 * len(w)) else 1.0


def _most_alike(w):
    """Return the correlation of the two columns, or rows, that are most alike; 0 if that is chance."""
    for vectors in (w.T, w):
        with np.errstate(all="ignore"):
            alike = np.nan_to_num(np.corrcoef(vectors))
        np.fill_diagonal(alike, 0)
        most = alike.flat[np.abs(alike).argmax()]
        if abs(most) > min(0.95, 7 / np.sqrt(vectors.shape[1])):
            return most
    return 0.0


def _scaled(scale, inputs, units, rng):
    return rng.normal(scale=scale, size=(inputs, units)), np.zeros(units)


def _cut_off(inputs, units, rng):
    w = rng.normal(size=(inputs, units))
    while (far := np.abs(w) > 2).any():
        w[far] = rng.normal(size=far.sum())
    return w * np.sqrt(2 / inputs), np.zeros(units)


def _uniform(limit, inputs, units, rng):
    return rng.uniform(-limit, limit, (inputs, units)), np.zeros(units)


INITIAL_MISTAKES = """
training.bias_starts_at_one = initial_weights(inputs, units, rng)[0], np.full(units, number)
the bias starts at {number}; the exercise asks for no bias, b = 0
fit: got[-1].flat[0]
initial_weights.same_for_all_sizes = _scaled(number, inputs, units, rng)
a standard deviation of about {number} whatever the number of inputs
? does your scale change with `inputs`?
fit: got[0] * np.sqrt(2 / inputs)
initial_weights.random_bias = (initial_weights(inputs, units, rng)[0], rng.normal(size=units))
the bias is random; the exercise asks for no bias, b = 0
? two units that see the same input: need their biases differ?
initial_weights.uniform_of_that_width = _uniform(np.sqrt(2 / inputs), inputs, units, rng)
uniform numbers up to √(2/inputs): their standard deviation is √3 times smaller than their limit
? what is the standard deviation of a uniform number between −1 and 1?
initial_weights.uniform_for_no_relu = _uniform(np.sqrt(1 / inputs), inputs, units, rng)
uniform numbers up to √(1/inputs), a variance of 1/(3·inputs): ReLU needs 2/inputs
? what is the standard deviation of a uniform number between −1 and 1?
initial_weights.variance_for_scale = _scaled(2 / inputs, inputs, units, rng)
2/inputs is the variance; `scale` is the standard deviation
? what is the unit of the variance?
initial_weights.counts_the_units = _scaled(np.sqrt(2 / units), inputs, units, rng)
the variance depends on the number of units; the sum in a unit runs over its inputs
? how many terms are added up for one output?
initial_weights.counts_the_units = _scaled(np.sqrt(1 / units), inputs, units, rng)
the variance is 1/units: the sum in a unit runs over its inputs, and ReLU needs 2 in place of the 1
? how many terms are added up for one output?
initial_weights.divided_by_inputs = _scaled(1 / inputs, inputs, units, rng)
a standard deviation of 1/inputs: it is the variance that goes with 1/inputs, and ReLU needs 2/inputs
? what is the variance of a sum of n terms, and what its standard deviation?
initial_weights.cut_off = _cut_off(inputs, units, rng)
numbers beyond two standard deviations are drawn again, which leaves 0.88 of the standard deviation
? print w.std(): is it √(2/inputs)?
initial_weights.all_zero = (np.zeros((inputs, units)), np.zeros(units))
all weights are zero: every unit computes the same, and gets the same gradient, for ever
? in what do two units of the layer differ after the first step?
"""

INITIAL = Exercise.of(
    "10.1 weights and bias of a fully connected layer that ReLU follows, before training"
    " -> w (inputs, units), b (units)",
    initial_weights,
    _initial_cases,
    (
        *catalogued("initial_weights", without=["training.bias_starts_at_one"]),
        *mistakes(INITIAL_MISTAKES, "inputs, units, rng", globals()),
    ),
    summarise=_statistics,
    summary=(
        Part("(std of w) / √(2/inputs)", (), "statistic"),
        Part("(mean of w) / (std of w)", (), "statistic"),
        Part("(size of the oddest column of w) / (size of w)", (), "statistic"),
        Part("(size of the oddest row of w) / (size of w)", (), "statistic"),
        Part("the correlation of two columns or rows of w", (), "statistic"),
        Part("b", ("units",)),
    ),
)

# --- a step


def _step_cases(rng):
    cases = []
    for inputs, units, rate in [
        (3, 2, 0.1),
        (1, 4, 1.0),
        (4, 1, 0.01),
        (2, 2, 0.5),
        (between(rng, 2, 5), 3, 0.25),
        (2, 3, 0.0),
    ]:
        steep = 1e9 if rate == 1.0 else 1.0  # a step that clips its gradients shows here
        arrays = (
            normal(rng, inputs, units),
            normal(rng, units),
            steep * normal(rng, inputs, units),
            steep * normal(rng, units),
        )
        cases.append(Case(f"w {inputs} × {units}, learning rate {rate:g}", (*arrays, rate)))
    arrays = integers(rng, 3, 2), integers(rng, 2), integers(rng, 3, 2), integers(rng, 2)
    cases.append(Case("whole numbers, learning rate 2", (*arrays, 2.0)))
    return cases


def _taken(got, w, b, dw, rate):
    """Return the gradients of a step; NaN if the right ones are not so large that both are clipped."""
    steep = 1 if np.abs(dw).max() >= 1e6 else np.nan
    return steep * (w - got[0]) / rate, steep * (b - got[1]) / rate


def _shortened(limit, *gradients):
    norm = np.linalg.norm(np.concatenate([gradient.ravel() for gradient in gradients]))
    return [gradient * min(1.0, limit / (norm or 1.0)) for gradient in gradients]


def _shrunk(w, b, dw, db, rate, share, bias=0):
    """Return the step in which w, or b too, shrinks besides."""
    w_new, b_new = sgd_step(w, b, dw, db, rate)
    return w_new - share * w, b_new - bias * share * b


STEP_MISTAKES = """
training.clips_the_step = sgd_step(w, b, np.clip(dw, -number, number), np.clip(db, -number, number), rate)
the gradients are clipped to {number}: the step is the learning rate times the gradient
fit: max(np.abs(gradient).max() for gradient in _taken(got, w, b, dw, rate))
training.clips_the_step = sgd_step(w, b, *_shortened(number, dw, db), rate)
the gradients are clipped to the norm {number}, dw and db together: the step is the learning rate times the
  gradient
fit: np.hypot(*map(np.linalg.norm, _taken(got, w, b, dw, rate)))
training.clips_the_step = sgd_step(w, b, *_shortened(number, dw), *_shortened(number, db), rate)
the gradients are clipped to the norm {number}, dw and db each: the step is the learning rate times the
  gradient
fit: np.linalg.norm(_taken(got, w, b, dw, rate)[0])
sgd_step.bias_uphill = w - rate * dw, b + rate * db
b goes along its gradient, up the loss, and w against it
? db > 0 means that a larger b has a larger loss. Which way is down?
sgd_step.rate_forgotten_for_weights = w - dw, b - rate * db
the whole gradient is taken off w: the learning rate is used for b alone
? what should happen to w with a learning rate of 0?
sgd_step.weights_shrink = w - rate * w, b - rate * db
w itself is taken off w, and not its gradient
? what should the step of w be if dw is zero?
sgd_step.uphill = w + rate * dw, b + rate * db
the step goes along the gradient, up the loss
? dw > 0 means that a larger w has a larger loss. Which way is down?
sgd_step.rate_forgotten = w - dw, b - db
the whole gradient is taken off: the learning rate is not used
? what should happen with a learning rate of 0?
sgd_step.weights_stay = (w.copy(), b - rate * db)
w is returned as it came; it has a gradient too
? print w before and after a step
sgd_step.bias_stays = (w - rate * dw, b.copy())
the bias is returned as it came; it has a gradient too
? print b before and after a step
sgd_step.step_alone = -rate * dw, -rate * db
this is the step; w and b after the step are asked for
? what should happen with a learning rate of 0?
sgd_step.sign_only = (w - rate * np.sign(dw), b - rate * np.sign(db))
only the sign of the gradient is used; a step is proportional to it
? double dw: should the step become longer?
sgd_step.weight_decay = _shrunk(w, b, dw, db, rate, number * rate)
{number} times the rate times w is taken off besides: weight decay is not asked for
? what should the step be if the gradients are zero?
fit: share_of(right[0] - got[0], w) / rate
sgd_step.weight_decay = _shrunk(w, b, dw, db, rate, number * rate, 1)
{number} times the rate times w, or b, is taken off besides: weight decay is not asked for
? what should the step be if the gradients are zero?
fit: share_of(right[0] - got[0], w) / rate
sgd_step.weight_decay = _shrunk(w, b, dw, db, rate, number)
{number} times w is taken off besides: weight decay is not asked for
? what should the step be if the gradients are zero?
fit: share_of(right[0] - got[0], w)
sgd_step.weight_decay = _shrunk(w, b, dw, db, rate, number, 1)
{number} times w, or b, is taken off besides: weight decay is not asked for
? what should the step be if the gradients are zero?
fit: share_of(right[0] - got[0], w)
sgd_step.another_rate = sgd_step(w, b, dw, db, number)
the learning rate is {number} whatever is given
? what should happen with a learning rate of 0?
fit: share_of(w - got[0], dw)
"""

STEP = Exercise.of(
    "10.2 the weights and the bias after a step of gradient descent -> w (N, K), b (K)",
    sgd_step,
    _step_cases,
    (
        *catalogued("sgd_step", without=["training.clips_the_step"]),
        *mistakes(STEP_MISTAKES, "w, b, dw, db, rate", globals()),
    ),
)

# --- two layers


def _two_layer_cases(rng):
    sizes = [
        (4, 3, 5, 3),
        (1, 2, 3, 2),
        (5, 4, 4, 4),
        (3, 3, 2, 5),
        tuple(between(rng, 2, 5) for _ in range(4)),
    ]
    cases = []
    for M, N, hidden, K in sizes:
        y = rng.integers(0, K, M)
        size = 1e6 if M == 3 else 1.0  # dw1 is as large as x: what clips it shows
        arrays = (
            size * normal(rng, M, N),
            y,
            normal(rng, N, hidden) / size,
            0.5 + 0.1 * normal(rng, hidden),
            normal(rng, hidden, K),
            normal(rng, K),
        )
        examples = "1 example" if M == 1 else f"{M} examples"
        cases.append(Case(f"{examples}, {N} inputs, {hidden} hidden units, {K} classes", arrays))
    x, w1, w2 = integers(rng, 3, 4), integers(rng, 4, 6), integers(rng, 6, 3)
    x[0], w2[:, 2] = 0, 1000  # the largest scores of two rows are thousands apart
    arrays = x, np.array([0, 2, 1]), w1, np.ones(6), w2, integers(rng, 3)
    return [*cases, Case("large scores, in rows far apart", arrays)]


def _two_layers(
    relu_backward=relu_backward,
    fc_backward=fc_backward_by_gradient,
    loss_backward=softmax_cross_entropy_backward,
    lowest=0,
    read=lambda z1, a1: a1,
):
    """Return the exercise's function with some of its layers replaced by wrong ones.

    `lowest` is what ReLU leaves at least, `read` what the second layer's backward pass takes for its input.
    """

    def two_layer_backward(x, y, w1, b1, w2, b2):
        z1 = x @ w1 + b1
        a1 = np.maximum(z1, lowest)
        da1, dw2, db2 = fc_backward(loss_backward(a1 @ w2 + b2, y), read(z1, a1), w2)
        return *fc_backward(relu_backward(da1, z1), x, w1)[1:], dw2, db2

    return two_layer_backward


def _replaced(name):
    """Return the catalogue's mistake in its layer of the two-layer network."""
    function = misconceptions[name].function
    place = {"relu_backward": "relu_backward", "fc_backward": "fc_backward"}.get(function, "loss_backward")
    return suspect(name, lambda wrong: _two_layers(**{place: wrong}))


_without_relu = _two_layers(relu_backward=lambda da, z: da, lowest=-np.inf)
_z_for_a = _two_layers(read=lambda z1, a1: z1)
_of_squares = _two_layers(loss_backward=lambda z, y: (z - np.eye(z.shape[1])[y]) / len(z))


def _decayed(rate):
    return _two_layers(fc_backward=lambda dz, x, w: (dz @ w.T, x.T @ dz + rate * w, dz.sum(axis=0)))


# The forms say more, and what backward does besides is told where the layer itself is asked for.
NOT_OF_TWO = {*IN_FORMS, "fc.last_example_only", "fc.dx_without_transpose"}
NOT_OF_TWO |= {name for name in misconceptions if name.startswith("training.")}
TWO_LAYERS_MISTAKES = """
fc.weight_decay_inside = _decayed(number)(x, y, w1, b1, w2, b2)
{number} times w is added to dw: weight decay belongs to the step, or to the loss, not here
fit: share_of(got[0] - right[0], w1)
two_layers.relu_forgotten = _without_relu(x, y, w1, b1, w2, b2)
there is no ReLU between the layers, on the way forward and on the way back
? print z1: what is behind the first layer where it is negative?
two_layers.before_relu = _z_for_a(x, y, w1, b1, w2, b2)
dw2 is made of z1; the second layer reads what comes out of ReLU
? what is the input of the second layer?
two_layers.no_softmax = _of_squares(x, y, w1, b1, w2, b2)
the gradient at the scores has no softmax in it: scores minus labels, as for a squared error
? which of the two losses has Z − Y as its gradient?
"""

TWO_LAYERS = Exercise.of(
    "10.3 the gradients of a network: fully connected, ReLU, fully connected, softmax cross-entropy"
    " -> dw1 (N, hidden), db1 (hidden), dw2 (hidden, K), db2 (K)",
    lesson_10.two_layer_backward,
    _two_layer_cases,
    (
        *(
            _replaced(name)
            for name in (
                "relu.no_mask",
                "relu.mask_from_output",
                "relu.mask_from_gradient",
                "relu.multiplied_by_output",
                "relu.upstream_forgotten",
                "softmax_cross_entropy.not_divided_by_m",
                "softmax_cross_entropy.sign_flipped",
                "softmax_cross_entropy.mean_over_all_entries",
                "softmax_cross_entropy.extra_derivative",
            )
        ),
        *catalogued("fc_backward", lambda wrong: _two_layers(fc_backward=wrong), NOT_OF_TWO),
        *as_suspects(fc_forms(), adapt=lambda wrong: _two_layers(fc_backward=wrong)),
        *softmax_forms(lambda wrong: _two_layers(loss_backward=lambda z, y: of_scores(wrong(z), y))),
        *mistakes(TWO_LAYERS_MISTAKES, "x, y, w1, b1, w2, b2", globals()),
    ),
    delegates=("softmax_cross_entropy_forward",),
)

# --- an epoch: batch after batch


class _LeastSquares:
    """Half the mean squared distance of X θ from the targets, and its gradient: a `backprop`."""

    def __init__(self, x, targets):
        self.x, self.targets = x, targets

    def __call__(self, theta, batch):
        x, errors = self.x[batch], self.x[batch] @ theta - self.targets[batch]
        return np.mean(errors**2) / 2, x.T @ errors / len(x)


def _epoch_cases(rng):
    cases = []
    for N, batch_size, momentum in [
        (7, 3, 0.9),
        (4, 4, 0.5),
        (9, 2, 0.8),
        (5, 1, 0.0),
        (between(rng, 6, 9), 4, 0.7),
    ]:
        rates = rng.uniform(0.05, 0.3, -(-N // batch_size)).tolist()
        arguments = (
            normal(rng, 3),
            normal(rng, 3),
            rng.permutation(N),
            rates,
            _LeastSquares(normal(rng, N, 3), normal(rng, N)),
        )
        name = f"{N} examples in batches of {batch_size}, momentum {momentum:g}"
        cases.append(Case(name, arguments, {"batch_size": batch_size, "momentum": momentum}))
    return cases


def _one_epoch(
    theta, velocity, order, rates, backprop, *, batch_size, momentum, batch=None, step=None, push=None
):
    """Do the epoch, or one that takes its batches, its steps or the gradient otherwise."""
    push = push or (lambda g, rate: g)
    batch = batch or (lambda start, place: order[start : start + batch_size])
    step = step or (lambda theta, g, old, new, rate: theta - rate * (g + momentum * new))
    losses = []
    for place, start in enumerate(range(0, len(order), batch_size)):
        loss, g = backprop(theta, batch(start, place))
        old, velocity = velocity, momentum * velocity + push(g, rates[place])
        theta = step(theta, g, old, velocity, rates[place])
        losses.append(loss)
    return theta, velocity, losses


EPOCH = "theta, velocity, order, rates, backprop, *, batch_size, momentum"
PLAIN = "theta, velocity, order, rates, backprop, batch_size=batch_size, momentum=momentum"
AT_REST = PLAIN.replace("velocity", "0 * velocity")
WHOLE = PLAIN.replace("order", "order[: len(order) // batch_size * batch_size]")
EPOCH_MISTAKES = """
one_epoch.plain_momentum = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t - rate * new)
the step is the new velocity alone, plain momentum: g plus momentum times the old one is just that
? which velocity stands in the bracket of (11.2) beside g, the old one or the new?
one_epoch.momentum_alone = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t - rate * momentum * new)
the gradient itself is missing in the step
? with momentum 0, what should a step be?
one_epoch.no_momentum = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t - rate * g)
the step is the gradient alone: the velocity is kept, and not used
? what stands in the bracket of (11.2)?
one_epoch.uphill = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t + rate * (g + momentum * new))
the step goes along the gradient, up the loss
? a positive gradient: which way is down?
one_epoch.rate_forgotten = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t - (g + momentum * new))
the learning rate is not used
? what should happen with a rate of 0?
one_epoch.first_rate = _one_epoch(PLAIN, step=lambda t, g, old, new, _: t - rates[0] * (g + momentum * new))
every step has the rate of the first one
? which entry of rates belongs to the last step?
one_epoch.never_moves = _one_epoch(PLAIN, step=lambda t, g, old, new, rate: t)
theta is returned as it came: no step is taken
? print theta before and after a step
one_epoch.last_batch_lost = _one_epoch(WHOLE)
the last, smaller batch is left out
? 7 examples in batches of 3: how many batches are there?
one_epoch.batches_overlap = _one_epoch(PLAIN, batch=lambda start, n: order[n : n + batch_size])
the batches overlap: each begins one example after the one before
? where in order does the second batch start?
one_epoch.not_shuffled = _one_epoch(PLAIN, batch=lambda start, n: np.sort(order)[start : start + batch_size])
the examples come as they are numbered: order is not used
? which example is the first, by order?
one_epoch.no_batches = _one_epoch(PLAIN, batch=lambda start, n: order)
every step takes all examples: there are no batches
? how many examples belong in a step?
one_epoch.starts_at_rest = _one_epoch(AT_REST)
the velocity starts at 0; it goes on from the one that is given
? what has the epoch before left behind?
one_epoch.rate_in_the_velocity = _one_epoch(PLAIN, push=lambda g, r: r * g, step=lambda t, *m: t - m[2])
the rate is in the velocity, and the step is the velocity alone; in (11.2) g comes in whole
? after a smaller rate, how large is the part of the old gradients in your next step?
one_epoch.rate_in_the_velocity = _one_epoch(PLAIN, push=lambda g, r: -r * g, step=lambda t, *m: t + m[2])
the rate is in the velocity, and the step is the velocity alone; in (11.2) g comes in whole
? after a smaller rate, how large is the part of the old gradients in your next step?
one_epoch.averaged_velocity = _one_epoch(PLAIN, push=lambda g, rate: (1 - momentum) * g)
the velocity is a mean of gradients here; in (11.2) g comes in whole
? what multiplies g in the first line of (11.2)?
"""
for name, arguments in {"PLAIN": PLAIN, "AT_REST": AT_REST, "WHOLE": WHOLE}.items():
    EPOCH_MISTAKES = EPOCH_MISTAKES.replace(name, arguments)

ONE_EPOCH = Exercise.of(
    "11.1 theta after one pass over the examples, the velocity then, and the loss of every batch"
    " -> theta (n), velocity (n), losses (steps)",
    lesson_11.one_epoch,
    _epoch_cases,
    mistakes(EPOCH_MISTAKES, EPOCH, globals()),
    delegates=None,
)

EXERCISES = (INITIAL, STEP, TWO_LAYERS, ONE_EPOCH)
