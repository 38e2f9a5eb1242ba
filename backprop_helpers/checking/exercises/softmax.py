"""Lesson 04: softmax and cross-entropy."""

import math

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise
from backprop_helpers.checking.exercises._inputs import between, catalogued, drawn, mistakes, normal, suspect
from backprop_helpers.checking.solutions import lesson_04
from backprop_helpers.checking.solutions.lesson_04 import softmax_backward


def _softmax_cases(rng):
    shapes = [(1, 3), (4, 3), (3, 10), (between(rng, 2, 5), between(rng, 2, 5))]
    cases = [drawn(rng, f"{M} × {K} scores", (M, K)) for M, K in shapes]
    cases.append(Case("equal scores", (np.full((2, 4), 0.5),)))
    cases.append(Case("low scores, −20 to −22", (normal(rng, 2, 3) / 3 - 21,)))
    cases.append(Case("large scores, ±1000", (np.array([[1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0]]),)))
    cases.append(Case("scores around −1000", (np.array([[-1000.0, -1001.0, -1002.0]]),)))
    cases.append(Case("rows 2000 apart", (np.array([[0.0, 1.0], [1000.0, 0.0], [-1000.0, -1001.0]]),)))
    cases.append(Case("probabilities down to 1e-26", (np.array([[0.0, -60.0], [-40.0, -3.0]]),)))
    return cases


def _shapes(rng):
    return [(1, 3), (4, 3), (3, 5), (3, 3), (between(rng, 2, 5), between(rng, 2, 5))]


def _labels(rng, M, K):
    """Return labels with the first class and the last one among them, where there is room."""
    y = rng.integers(0, K, M)
    y[0] = K - 1
    return y


def _softmax_backward_cases(rng):
    cases = [
        Case(f"{M} × {K} probabilities", (normal(rng, M, K), layers.softmax(normal(rng, M, K))))
        for M, K in _shapes(rng)
    ]
    sure = layers.softmax(np.array([[0.0, -30.0, -60.0], [-5.0, 0.0, -12.0]]))
    # As large as the slopes −1/ŷ that arrive from a loss: every term counts, however small its ŷ.
    cases.append(Case("probabilities down to 1e-26", (normal(rng, 2, 3) / sure, sure)))
    return cases


def _cross_entropy_cases(rng):
    cases = [
        Case(f"{M} × {K} probabilities", (layers.softmax(normal(rng, M, K)), _labels(rng, M, K)))
        for M, K in _shapes(rng)
    ]
    tiny = np.array([[1e-20, 1.0], [1e-9, 1 - 1e-9], [0.75, 0.25]])
    cases.append(Case("probabilities down to 1e-20", (tiny, np.array([0, 0, 1]))))
    sure = np.array([[1 - 1e-12, 1e-12], [0.75, 0.25]])  # no example of the last class: K is the width of ŷ
    cases.append(Case("a probability of nearly 1", (sure, np.array([0, 0]))))
    return cases


def _together_cases(rng):
    cases = [Case(f"{M} × {K} scores", (normal(rng, M, K), _labels(rng, M, K))) for M, K in _shapes(rng)]
    low = np.array([[-1000.0, -1002.0, -1001.0]])
    cases[0] = Case("1 × 3 scores around −1000", (low, cases[0].arguments[1]))
    large = np.array([[-1000.0, -1001.0, -1002.0], [1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0]])
    y = np.array([0, 1, 1])  # no example of the last class: K is the width of z
    cases.append(Case("large scores, ±1000, in rows far apart", (large, y)))
    return cases


# --- wrong forms


def _row_max(z):
    return z.max(axis=1, keepdims=True)


def _row_sum(e):
    return e.sum(axis=1, keepdims=True)


def _softmax(z, shift, norm=_row_sum):
    """Return softmax with another shift, and other sums below the line."""
    exponentials = np.exp(z - shift)
    return exponentials / norm(exponentials)


def _of_plain_numbers(z):
    """Return softmax of Python's own numbers, which raise errors where NumPy's become infinite."""
    return np.array([[math.exp(score) / sum(map(math.exp, row)) for score in row] for row in z])


def softmax_forms(adapt=lambda wrong: wrong):
    """Return the known mistakes of softmax in their forms, in what `adapt` makes of one."""
    return mistakes(IN_SOFTMAX, "z", globals(), adapt)


def _small_number(y_hat, shifted):
    """Return the number that was added to the sums below the probabilities; NaN if it is not small."""
    exponentials = np.exp(shifted[0])
    number = exponentials[0] / y_hat[0, 0] - exponentials.sum()
    return number if 0 < number < 0.1 else np.nan


#: Softmax in the forms of its known mistakes.
IN_SOFTMAX = """
softmax.one_maximum_for_all = _softmax(z, z.max())
softmax.one_maximum_for_all = _softmax(z, z.max(axis=0))
the maximum runs over the examples (axis 0); in a row far below it every exponential is 0
softmax.running_maximum_from_zero = _softmax(z, np.maximum(_row_max(z), 0))
softmax.no_shift = _softmax(z, 0)
softmax.no_shift = _of_plain_numbers(z)
softmax.mean_subtracted = _softmax(z, z.mean(axis=1, keepdims=True))
softmax.another_shift = _softmax(z, z.mean())
what is subtracted is not each row's own maximum: a large score still overflows
? after the shift, which is the largest number that np.exp can meet?
softmax.another_shift = _softmax(z, z.min(axis=1, keepdims=True))
what is subtracted is not each row's own maximum: a large score still overflows
? after the shift, which is the largest number that np.exp can meet?
softmax.another_shift = _softmax(z, z[0].max())
what is subtracted is not each row's own maximum: a large score still overflows
? after the shift, which is the largest number that np.exp can meet?
softmax.over_examples = _softmax(z, _row_max(z), lambda e: e.sum(axis=0))
softmax.over_everything = _softmax(z, _row_max(z), np.sum)
softmax.keepdims_forgotten = _softmax(z, _row_max(z), lambda e: e.sum(axis=1))
softmax.over_examples = _softmax(z, z.max(), lambda e: e.sum(axis=0))
softmax.over_everything = _softmax(z, z.max(), np.sum)
softmax.keepdims_forgotten = _softmax(z, z.max(), lambda e: e.sum(axis=1))
softmax.over_examples = _softmax(z, 0, lambda e: e.sum(axis=0))
the probabilities sum to 1 over the examples (axis 0); those of an example have to, over the classes;
  besides, nothing is subtracted from the scores: large ones overflow
softmax.over_everything = _softmax(z, 0, np.sum)
all probabilities of the batch together sum to 1; those of each example have to; besides, nothing is
  subtracted from the scores: large ones overflow
softmax.over_examples = _softmax(z, z.max(axis=0), lambda e: e.sum(axis=0))
softmax.keepdims_forgotten = _softmax(z, 0, lambda e: e.sum(axis=1))
column k is divided by the sum of row k: without keepdims the sums lie along the classes; besides, nothing is
  subtracted from the scores: large ones overflow
"""
SOFTMAX_MISTAKES = """
softmax.logarithms = z - _row_max(z) - np.log(_row_sum(np.exp(z - _row_max(z))))
these are the logarithms of the probabilities
? what does a row of yours sum to?
softmax.small_number_added = _softmax(z, _row_max(z), lambda e: _row_sum(e) + number)
{number} is added to the sum: the probabilities no longer sum to 1, and it does not prevent 0/0
fit: _small_number(got[0], z - _row_max(z))
softmax.small_number_added = _softmax(z, 0, lambda e: _row_sum(e) + number)
{number} is added to the sum: the probabilities no longer sum to 1, and it does not prevent 0/0
fit: _small_number(got[0], z)
softmax.small_number_added = np.maximum(layers.softmax(z), number)
no probability is below {number}: small ones are put up to it, and a row no longer sums to 1
fit: got[0][got[0] > 2 * right[0]].min(initial=np.inf)
softmax.small_number_added = layers.softmax(z) + number
{number} is added to every probability: a row no longer sums to 1
fit: (got[0] - right[0]).flat[right[0].argmin()]
"""


def _one_hot(y, K):
    return np.eye(K)[y]


def of_scores(y_hat, y):
    """Return the gradient of the scores with another softmax's probabilities in it."""
    return (y_hat - _one_hot(y, y_hat.shape[1])) / len(y)


def _by_parts(z, y):
    """Return the gradient of the scores by way of that of the probabilities."""
    y_hat = layers.softmax(z)
    with np.errstate(all="ignore"):
        return softmax_backward(-_one_hot(y, z.shape[1]) / y_hat / len(z), y_hat)


def _every_label(y_hat, y):
    dy_hat = np.zeros(y_hat.shape)
    dy_hat[:, y] = -1 / (len(y) * y_hat[:, y])
    return dy_hat


def _used(dy_hat, y_hat, y):
    """Return the least probability of a right class, and the one with which its slope was computed."""
    m = y_hat[np.arange(len(y)), y].argmin()
    return y_hat[m, y[m]], -1 / (len(y) * dy_hat[m, y[m]])


def _raised_to(dy_hat, y_hat, y):
    """Return the small number that a smaller probability was put up to; NaN if none was."""
    least, used = _used(dy_hat, y_hat, y)
    return used if least < used < 0.1 else np.nan


TOGETHER_MISTAKES = """
softmax.small_number_added = of_scores(_softmax(z, _row_max(z), lambda e: _row_sum(e) + number), y)
{number} is added to the sum of the exponentials: the probabilities no longer sum to 1
fit: _small_number(got[0] * len(z) + _one_hot(y, z.shape[1]), z - _row_max(z))
softmax.small_number_added = of_scores(_softmax(z, 0, lambda e: _row_sum(e) + number), y)
{number} is added to the sum of the exponentials: the probabilities no longer sum to 1
fit: _small_number(got[0] * len(z) + _one_hot(y, z.shape[1]), z)
softmax_cross_entropy.by_parts = _by_parts(z, y)
the gradient of the probabilities is infinite where ŷ is 0, and 0·∞ is NaN: the two cancel on paper only
? what is −1/ŷ for a score that is 1000 below the largest?
softmax_cross_entropy.label_not_divided = layers.softmax(z) / len(z) - _one_hot(y, z.shape[1])
the 1 of the right class is not divided by M, as the probabilities are
? what must the entries of a row of dz sum to?
softmax_cross_entropy.labels_by_column = (layers.softmax(z) - _one_hot(y, z.shape[1]).any(axis=0)) / len(z)
the labels are taken for all examples at once: dz[:, y] is M × M; dz[arange(M), y] is one a row
? what is the shape of dz[:, y]?
softmax_cross_entropy.label_not_subtracted = layers.softmax(z) / len(z)
the probabilities alone: 1 has to be taken off at the right class
? what must the entries of a row of dz sum to?
"""


def _binary(kept, y):
    return (kept - _one_hot(y, kept.shape[1])) / (kept * (1 - kept)) / len(y)


LOSS_MISTAKES = """
cross_entropy.small_number_added = -_one_hot(y, y_hat.shape[1]) / (y_hat + number) / len(y)
{number} is added to the probabilities: where ŷ is as small, the slope is far off
fit: np.diff(_used(got[0], y_hat, y))[0]
cross_entropy.small_number_added = -_one_hot(y, y_hat.shape[1]) / np.maximum(y_hat, number) / len(y)
probabilities below {number} are put up to it: the slope there is far off
fit: _raised_to(got[0], y_hat, y)
cross_entropy.small_number_added = -_one_hot(y, y_hat.shape[1]) / np.clip(y_hat, number, 1 - number) / len(y)
probabilities below {number} are put up to it: the slope there is far off
fit: _raised_to(got[0], y_hat, y)
cross_entropy.binary = _binary(np.clip(y_hat, number, 1 - number), y)
this is the gradient of the binary cross-entropy, of probabilities kept above {number}; here the loss reads
  the right class alone
fit: _raised_to(got[0], y_hat, y)
cross_entropy.labels_by_column = _every_label(y_hat, y)
the labels are taken for all examples at once: y_hat[:, y] is M × M; y_hat[arange(M), y] is one a row
? what is the shape of y_hat[:, y]?
cross_entropy.derivative_of_the_log_forgotten = -_one_hot(y, y_hat.shape[1]) / len(y_hat)
−1/M at the right class: the 1/ŷ of the logarithm's derivative is missing
? what is the derivative of log p?
cross_entropy.that_of_the_scores = of_scores(y_hat, y)
(Ŷ − Y)/M is the gradient of the scores; here the gradient of the probabilities is asked for
? is softmax part of this function?
cross_entropy.mean_over_all_entries = -_one_hot(y, y_hat.shape[1]) / y_hat / y_hat.size
divided by the number of entries, M·K; the loss is a mean over the M examples alone
? the loss sums over the classes and averages over the examples. By what did you divide?
"""


def _of_one_class(dy_hat, y_hat, k):
    """Return the row of each Jacobian that belongs to one probability, times its gradient."""
    return (dy_hat * y_hat)[:, k, None] * (np.eye(y_hat.shape[1])[k] - y_hat)


BACKWARD_MISTAKES = """
softmax.handed_on = dy_hat
the gradient is handed on unchanged; softmax has a derivative of its own
? raise all scores of an example by 1: what happens to its probabilities, and what says your dz?
softmax.first_class_only = _of_one_class(dy_hat, y_hat, 0)
only the first probability's gradient counts: does `return` stand inside the loop over the classes?
? which of the probabilities does the first score move?
softmax.last_class_only = _of_one_class(dy_hat, y_hat, -1)
only the last probability's gradient counts: is there an `=` where `+=` belongs?
? which of the probabilities does the first score move?
softmax.summed_over_everything = y_hat * (dy_hat - (dy_hat * y_hat).sum())
the sum runs over all examples and classes; each example has a sum of its own
? does the gradient of one example change when another example joins the batch?
softmax.unweighted_mean = y_hat * (dy_hat - dy_hat.sum(axis=1, keepdims=True))
the gradients that arrive are summed without their probabilities ŷ
? write out ∂ŷ₂/∂z₁: which two probabilities are in it?
softmax.divided_by_m = softmax_backward(dy_hat, y_hat) / len(y_hat)
divided by M, though the 1/M of the mean loss is already in what arrives
? the 1/M appears once in the loss. How often does it appear on the way back?
softmax.upstream_forgotten = y_hat * (1 - y_hat)
this is the slope ŷ(1 − ŷ) alone: the gradient that arrives is not used
? what should dz be if dy_hat is zero everywhere?
"""

EXERCISES = (
    Exercise.of(
        "04.1 the probabilities of the scores -> y_hat (M, K): entries",
        lesson_04.softmax,
        _softmax_cases,
        (
            *softmax_forms(),
            *mistakes(SOFTMAX_MISTAKES, "z", globals()),
            suspect("softmax.small_number_added"),
        ),
        delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward"),
    ),
    Exercise.of(
        "04.2 the gradient of the scores, from that of the probabilities -> dz (M, K)",
        softmax_backward,
        _softmax_backward_cases,
        (
            *catalogued("softmax_backward"),
            *mistakes(BACKWARD_MISTAKES, "dy_hat, y_hat", globals()),
        ),
    ),
    Exercise.of(
        "04.3 the gradient of the mean cross-entropy with respect to the probabilities"
        " -> dy_hat (M, K): entries",
        lesson_04.cross_entropy_backward,
        _cross_entropy_cases,
        (
            *catalogued("cross_entropy_backward", without=["cross_entropy.small_number_added"]),
            *mistakes(LOSS_MISTAKES, "y_hat, y", globals()),
        ),
    ),
    Exercise.of(
        "04.4 the gradient of the mean cross-entropy with respect to the scores -> dz (M, K)",
        lesson_04.softmax_cross_entropy_backward,
        _together_cases,
        (
            *catalogued("softmax_cross_entropy_backward"),
            *softmax_forms(lambda wrong: lambda z, y: of_scores(wrong(z), y)),
            *mistakes(TOGETHER_MISTAKES, "z, y", globals()),
        ),
        delegates=("softmax_cross_entropy_forward",),
    ),
)
