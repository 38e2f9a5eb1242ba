"""Lesson 04: softmax and cross-entropy."""

import math

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Suspect
from backprop_helpers.checking.exercises._inputs import (
    between,
    catalogued,
    drawn,
    fitted,
    mistakes,
    normal,
    suspect,
    written,
)
from backprop_helpers.checking.misconceptions import misconceptions
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


def _from_exponentials(shift, norm):
    """Return softmax with another shift, and other sums below the line."""

    def softmax(z):
        exponentials = np.exp(z - shift(z))
        return exponentials / norm(exponentials)

    return softmax


def _row_max(z):
    return z.max(axis=1, keepdims=True)


def _row_sum(e):
    return e.sum(axis=1, keepdims=True)


def _of_plain_numbers(z):
    """Return softmax of Python's own numbers, which raise errors where NumPy's become infinite."""
    return np.array([[math.exp(score) / sum(map(math.exp, row)) for score in row] for row in z])


NOT_ITS_OWN = "what is subtracted is not each row's own maximum: a large score still overflows"
UNSHIFTED = "; besides, nothing is subtracted from the scores: large ones overflow"
SHIFT_HINT = "after the shift, which is the largest number that np.exp can meet?"

#: Softmax in the forms of its known mistakes; and what is special about the form.
WRONG = (
    ("softmax.one_maximum_for_all", _from_exponentials(np.max, _row_sum), ""),
    (
        "softmax.one_maximum_for_all",
        _from_exponentials(lambda z: z.max(axis=0), _row_sum),
        "the maximum runs over the examples (axis 0); in a row far below it every exponential is 0",
    ),
    (
        "softmax.running_maximum_from_zero",
        _from_exponentials(lambda z: np.maximum(_row_max(z), 0), _row_sum),
        "",
    ),
    ("softmax.no_shift", _from_exponentials(lambda z: 0.0, _row_sum), ""),
    ("softmax.no_shift", _of_plain_numbers, ""),
    ("softmax.mean_subtracted", _from_exponentials(lambda z: z.mean(axis=1, keepdims=True), _row_sum), ""),
    *(
        ("softmax.another_shift", _from_exponentials(shift, _row_sum), NOT_ITS_OWN)
        for shift in (np.mean, lambda z: z.min(axis=1, keepdims=True), lambda z: z[0].max())
    ),
    *(
        (name, _from_exponentials(shift, norm), misconceptions[name].diagnosis + besides)
        for shift, besides in ((_row_max, ""), (np.max, ""), (lambda z: 0.0, UNSHIFTED))
        for name, norm in (
            ("softmax.over_examples", lambda e: e.sum(axis=0, keepdims=True)),
            ("softmax.over_everything", np.sum),
            ("softmax.keepdims_forgotten", lambda e: e.sum(axis=1)),
        )
    ),
    ("softmax.over_examples", _from_exponentials(lambda z: z.max(axis=0), lambda e: e.sum(axis=0)), ""),
)


def softmax_forms(adapt):
    """Return the forms of `WRONG` as suspects of an exercise."""
    return [
        Suspect(name, lambda wrong=wrong: adapt(wrong), None, said, SHIFT_HINT * (said == NOT_ITS_OWN))
        for name, wrong, said in WRONG
    ]


def _with_small_number(number, shift=_row_max):
    return _from_exponentials(shift, lambda e: _row_sum(e) + number)


def _small_number_of(shift):
    """Return what reads, from probabilities, the number that was added to the sum below them."""

    def fit(case, got, right):
        exponentials = np.exp(case.arguments[0] - shift(case.arguments[0]))
        number = exponentials[0, 0] / got[0][0, 0] - exponentials[0].sum()
        return number if 0 < number < 0.1 else None

    return fit


def _clipped(number):
    return lambda z: np.maximum(layers.softmax(z), number)


def _lowest(case, got, right):
    """Return the number below which no probability comes."""
    return got[0][got[0] > 2 * right[0]].min(initial=np.inf)


LOGARITHMS = """
softmax.logarithms = z - _row_max(z) - np.log(_row_sum(np.exp(z - _row_max(z))))
these are the logarithms of the probabilities
? what does a row of yours sum to?
"""

SOFTMAX_MISTAKES = (
    *softmax_forms(lambda softmax: softmax),
    suspect("softmax.keepdims_forgotten"),
    *mistakes(LOGARITHMS, "z", globals()),
    *(
        fitted(
            "softmax.small_number_added",
            "{number} is added to the sum: the probabilities no longer sum to 1, and it does not prevent 0/0",
            lambda number, shift=shift: _with_small_number(number, shift),
            _small_number_of(shift),
        )
        for shift in (_row_max, lambda z: 0.0)
    ),
    fitted(
        "softmax.small_number_added",
        "no probability is below {number}: small ones are put up to it, and a row no longer sums to 1",
        _clipped,
        _lowest,
    ),
    fitted(
        "softmax.small_number_added",
        "{number} is added to every probability: a row no longer sums to 1",
        lambda number: lambda z: layers.softmax(z) + number,
        lambda case, got, right: (
            (got[0] - right[0]).flat[right[0].argmin()] if np.shape(got[0]) == right[0].shape else None
        ),
    ),
    suspect("softmax.small_number_added"),
)


def _one_hot(y, K):
    return np.eye(K)[y]


def of_probabilities(softmax):
    """Return the gradient of the scores with another softmax in it."""
    return lambda z, y: (softmax(z) - _one_hot(y, z.shape[1])) / len(z)


def _of_scores(fit):
    """Return what reads a small number from the gradient of the scores: from the probabilities in it."""

    def read(case, got, right):
        z, y = case.arguments
        return fit(case, [got[0] * len(z) + _one_hot(y, z.shape[1])], right)

    return read


def _by_parts(z, y):
    """Return the gradient of the scores by way of that of the probabilities."""
    y_hat = layers.softmax(z)
    with np.errstate(all="ignore"):
        return softmax_backward(-_one_hot(y, z.shape[1]) / y_hat / len(z), y_hat)


def _limited(low, high=1.0):
    """Return the gradient of the cross-entropy whose probabilities are kept between two numbers."""
    return lambda y_hat, y: -_one_hot(y, y_hat.shape[1]) / np.clip(y_hat, low, high) / len(y)


def _added(number):
    return lambda y_hat, y: -_one_hot(y, y_hat.shape[1]) / (y_hat + number) / len(y)


def _every_label(y_hat, y):
    dy_hat = np.zeros(y_hat.shape)
    dy_hat[:, y] = -1 / (len(y) * y_hat[:, y])
    return dy_hat


def _number_added(case, got, right):
    """Return what was added to the probability of the right class where it is smallest."""
    y_hat, y = case.arguments
    m = y_hat[np.arange(len(y)), y].argmin()
    return -1 / (len(y) * got[0][m, y[m]]) - y_hat[m, y[m]]


def _sum_below(case, got, right):
    y_hat, y = case.arguments
    lowest = _number_added(case, got, right) + y_hat[np.arange(len(y)), y].min()
    return lowest if lowest and lowest < 0.1 else None


TOGETHER_MISTAKES = """
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


def _binary(number):
    def cross_entropy_backward(y_hat, y):
        kept = np.clip(y_hat, number, 1 - number)
        return (kept - _one_hot(y, y_hat.shape[1])) / (kept * (1 - kept)) / len(y)

    return cross_entropy_backward


def _kept_above(case, got, right):
    """Return the number that a probability below it was put up to: −1/(M·number) is the slope there."""
    y_hat, y = case.arguments
    m = y_hat[np.arange(len(y)), y].argmin()
    number = -1 / (len(y) * got[0][m, y[m]])
    return number if y_hat[m, y[m]] < number < 0.1 else None


LOSS_MISTAKES = """
cross_entropy.labels_by_column = _every_label(y_hat, y)
the labels are taken for all examples at once: y_hat[:, y] is M × M; y_hat[arange(M), y] is one a row
? what is the shape of y_hat[:, y]?
cross_entropy.derivative_of_the_log_forgotten = -np.eye(y_hat.shape[1])[y] / len(y_hat)
−1/M at the right class: the 1/ŷ of the logarithm's derivative is missing
? what is the derivative of log p?
cross_entropy.that_of_the_scores = (y_hat - np.eye(y_hat.shape[1])[y]) / len(y_hat)
(Ŷ − Y)/M is the gradient of the scores; here the gradient of the probabilities is asked for
? is softmax part of this function?
cross_entropy.mean_over_all_entries = -np.eye(y_hat.shape[1])[y] / y_hat / y_hat.size
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
        SOFTMAX_MISTAKES,
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
            fitted(
                "cross_entropy.small_number_added",
                "{number} is added to the probabilities: where ŷ is as small, the slope is far off",
                _added,
                _number_added,
            ),
            *(
                fitted(
                    "cross_entropy.small_number_added",
                    "probabilities below {number} are put up to it: the slope there is far off",
                    lambda number, both=both: _limited(number, 1 - number if both else 1.0),
                    _sum_below,
                )
                for both in (False, True)
            ),
            fitted(
                "cross_entropy.binary",
                "this is the gradient of the binary cross-entropy, of probabilities kept above {number};"
                " here the loss reads the right class alone",
                _binary,
                _kept_above,
            ),
            *mistakes(LOSS_MISTAKES, "y_hat, y", globals()),
        ),
    ),
    Exercise.of(
        "04.4 the gradient of the mean cross-entropy with respect to the scores -> dz (M, K)",
        lesson_04.softmax_cross_entropy_backward,
        _together_cases,
        (
            *catalogued("softmax_cross_entropy_backward"),
            *softmax_forms(of_probabilities),
            written(
                "softmax.keepdims_forgotten",
                of_probabilities(misconceptions["softmax.keepdims_forgotten"].wrong),
            ),
            *(
                fitted(
                    "softmax.small_number_added",
                    "{number} is added to the sum of the exponentials: the probabilities no longer sum to 1",
                    lambda number, shift=shift: of_probabilities(_with_small_number(number, shift)),
                    _of_scores(_small_number_of(shift)),
                )
                for shift in (_row_max, lambda z: 0.0)
            ),
            *mistakes(TOGETHER_MISTAKES, "z, y", globals()),
        ),
        delegates=("softmax_cross_entropy_forward",),
    ),
)
