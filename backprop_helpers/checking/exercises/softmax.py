"""Lesson 04: softmax and cross-entropy."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._exercise import Case, Exercise, Part
from backprop_helpers.checking.exercises._inputs import between, normal, own, suspect, written


def _softmax_cases(rng):
    shapes = [(1, 3), (4, 3), (3, 10), (between(rng, 2, 5), between(rng, 2, 5))]
    cases = [Case(f"{M} × {K} scores", (normal(rng, M, K),)) for M, K in shapes]
    cases.append(Case("equal scores", (np.full((2, 4), 0.5),)))
    cases.append(Case("low scores, −20 to −22", (normal(rng, 2, 3) / 3 - 21,)))
    cases.append(Case("large scores, ±1000", (np.array([[1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0]]),)))
    cases.append(Case("scores around −1000", (np.array([[-1000.0, -1001.0, -1002.0]]),)))
    return cases


def _shapes(rng):
    return [(1, 3), (4, 3), (3, 5), (3, 3), (between(rng, 2, 5), between(rng, 2, 5))]


def _labels(rng, M, K):
    """Return labels with the first class and the last one among them, where there is room."""
    y = rng.integers(0, K, M)
    y[0] = K - 1
    return y


def _softmax_backward_cases(rng):
    return [
        Case(f"{M} × {K} probabilities", (normal(rng, M, K), layers.softmax(normal(rng, M, K))))
        for M, K in _shapes(rng)
    ]


def _cross_entropy_cases(rng):
    return [
        Case(f"{M} × {K} probabilities", (layers.softmax(normal(rng, M, K)), _labels(rng, M, K)))
        for M, K in _shapes(rng)
    ]


def _together_cases(rng):
    cases = [Case(f"{M} × {K} scores", (normal(rng, M, K), _labels(rng, M, K))) for M, K in _shapes(rng)]
    large = np.array([[1000.0, 0.0, -1000.0], [999.0, 1000.0, 998.0]])
    cases.append(Case("large scores, ±1000", (large, np.array([2, 1]))))
    return cases


def _softmax_backward(dy_hat, y_hat):
    # The formula itself: the layer's forward would start from scores.
    return y_hat * (dy_hat - (dy_hat * y_hat).sum(axis=1, keepdims=True))


def _cross_entropy_backward(y_hat, y):
    return layers.cross_entropy_backward(1.0, layers.cross_entropy_forward(y_hat, y)[1])


def _softmax_cross_entropy_backward(z, y):
    return layers.softmax_cross_entropy_backward(1.0, layers.softmax_cross_entropy_forward(z, y)[1])


def _without_shift(z, y):
    exponentials = np.exp(z)
    y_hat = exponentials / exponentials.sum(axis=1, keepdims=True)
    return (y_hat - np.eye(z.shape[1])[y]) / len(z)


EXERCISES = (
    Exercise(
        number="04.1",
        name="softmax",
        title="the probabilities of the scores",
        signature="softmax(z)",
        returns=(Part("y_hat", ("M", "K")),),
        about="z (M, K): one row an example. Each row of the result sums to 1, also for scores of ±1000.",
        cases=_softmax_cases,
        reference=layers.softmax,
        suspects=(
            suspect("softmax.mean_subtracted"),
            suspect("softmax.no_shift"),
            suspect("softmax.small_number_added"),
        ),
        delegates=("softmax", "softmax_forward", "softmax_cross_entropy_forward"),
    ),
    Exercise(
        number="04.2",
        name="softmax_backward",
        title="the gradient of the scores, from that of the probabilities",
        signature="softmax_backward(dy_hat, y_hat)",
        returns=(Part("dz", ("M", "K")),),
        about="dy_hat and y_hat (M, K): one row an example.",
        cases=_softmax_backward_cases,
        reference=_softmax_backward,
        suspects=(
            suspect("softmax.derivative_element_wise"),
            suspect("softmax.off_diagonal_sign"),
            suspect("softmax.summed_over_examples"),
            own(
                "softmax.summed_over_everything",
                "the sum runs over all examples and classes; each example has a sum of its own",
                "does the gradient of one example change when another example joins the batch?",
                lambda dy_hat, y_hat: y_hat * (dy_hat - (dy_hat * y_hat).sum()),
            ),
            own(
                "softmax.unweighted_mean",
                "the gradients that arrive are summed without their probabilities ŷ",
                "write out ∂ŷ₂/∂z₁: which two probabilities are in it?",
                lambda dy_hat, y_hat: y_hat * (dy_hat - dy_hat.sum(axis=1, keepdims=True)),
            ),
            own(
                "softmax.upstream_forgotten",
                "this is the slope ŷ(1 − ŷ) alone: the gradient that arrives is not used",
                "what should dz be if dy_hat is zero everywhere?",
                lambda dy_hat, y_hat: y_hat * (1 - y_hat),
            ),
        ),
    ),
    Exercise(
        number="04.3",
        name="cross_entropy_backward",
        title="the gradient of the mean cross-entropy with respect to the probabilities",
        signature="cross_entropy_backward(y_hat, y)",
        returns=(Part("dy_hat", ("M", "K")),),
        about="y_hat (M, K): one row an example; y (M,): the number of the right class, from 0.",
        cases=_cross_entropy_cases,
        reference=_cross_entropy_backward,
        suspects=(
            suspect("cross_entropy.not_divided_by_m"),
            suspect("cross_entropy.sign_flipped"),
            suspect("cross_entropy.every_class_counts"),
            own(
                "cross_entropy.derivative_of_the_log_forgotten",
                "−1/M at the right class: the 1/ŷ of the logarithm's derivative is missing",
                "what is the derivative of log p?",
                lambda y_hat, y: -np.eye(y_hat.shape[1])[y] / len(y_hat),
            ),
            own(
                "cross_entropy.that_of_the_scores",
                "(Ŷ − Y)/M is the gradient of the scores; here the gradient of the probabilities is "
                "asked for",
                "is softmax part of this function?",
                lambda y_hat, y: (y_hat - np.eye(y_hat.shape[1])[y]) / len(y_hat),
            ),
            own(
                "cross_entropy.mean_over_all_entries",
                "divided by the number of entries, M·K; the loss is a mean over the M examples alone",
                "the loss sums over the classes and averages over the examples. By what did you divide?",
                lambda y_hat, y: -np.eye(y_hat.shape[1])[y] / y_hat / y_hat.size,
            ),
        ),
    ),
    Exercise(
        number="04.4",
        name="softmax_cross_entropy_backward",
        title="the gradient of the mean cross-entropy with respect to the scores",
        signature="softmax_cross_entropy_backward(z, y)",
        returns=(Part("dz", ("M", "K")),),
        about="z (M, K): one row an example; y (M,): the number of the right class, from 0.",
        cases=_together_cases,
        reference=_softmax_cross_entropy_backward,
        suspects=(
            suspect("softmax_cross_entropy.not_divided_by_m"),
            suspect("softmax_cross_entropy.sign_flipped"),
            suspect("softmax_cross_entropy.mean_over_all_entries"),
            suspect("softmax_cross_entropy.extra_derivative"),
            written("softmax.no_shift", _without_shift),
            own(
                "softmax_cross_entropy.label_not_subtracted",
                "the probabilities alone: 1 has to be taken off at the right class",
                "what must the entries of a row of dz sum to?",
                lambda z, y: layers.softmax(z) / len(z),
            ),
        ),
        delegates=("softmax_cross_entropy_forward",),
    ),
)
