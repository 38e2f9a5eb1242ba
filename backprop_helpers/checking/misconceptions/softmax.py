"""Softmax and cross-entropy: the full Jacobian, the 1/M, and numbers that overflow."""

import numpy as np

from backprop_helpers.checking.misconceptions._catalogue import POST, Misconception


def _scores():
    return (np.array([[1.0, -0.5]]),)


def _two_examples():
    return (np.array([[1.0, -0.5, 0.25], [0.25, 0.75, -1.0]]),)


def _probabilities():
    return (np.array([[0.25, 0.5, 0.25], [0.5, 0.125, 0.375]]),)


TWO_LABELS = {"y": np.array([1, 0])}
MEAN = "    mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)\n"
PRODUCT = "    dz = y_hat * (dy_hat - mean)"
DIFFERENCE = "    dz = (y_hat - y) / M"
SHIFT = "    shifted = z - z.max(axis=1, keepdims=True)\n    exponentials = np.exp(shifted)\n"
QUOTIENT = "    return exponentials / exponentials.sum(axis=1, keepdims=True)"

MISCONCEPTIONS = (
    Misconception(
        name="softmax.derivative_element_wise",
        base="softmax_backward_by_mean",
        diagnosis="only the diagonal of the Jacobian is used, ŷ(1 − ŷ): each score also moves every other "
        "probability",
        hint="nudge one score. How many of the probabilities change?",
        seen=f"{POST}, in the text: ∂J/∂A ∗ g′(Z)",
        changes={MEAN: "", PRODUCT: "    dz = dy_hat * y_hat * (1 - y_hat)"},
        example=_scores,
        also_seen_by=("rows sum to 0",),
    ),
    Misconception(
        name="softmax.off_diagonal_sign",
        base="softmax_backward_by_mean",
        diagnosis="the off-diagonal terms of the Jacobian have the wrong sign: raising one score lowers the "
        "others",
        hint="add the same number to all scores: the probabilities stay. What must the entries of dz sum to?",
        changes={PRODUCT: "    dz = y_hat * (dy_hat + mean)"},
        example=_scores,
        also_seen_by=("rows sum to 0",),
    ),
    Misconception(
        name="softmax.summed_over_examples",
        base="softmax_backward_by_mean",
        diagnosis="the sum runs over the examples (axis 0) instead of over the classes (axis 1)",
        hint="does the gradient of one example change when another example joins the batch?",
        changes={"sum(axis=1, keepdims=True)": "sum(axis=0, keepdims=True)"},
        example=_two_examples,
        also_seen_by=("rows sum to 0",),
    ),
    Misconception(
        name="softmax.mean_subtracted",
        base="softmax_forward",
        diagnosis="the mean of the scores is subtracted, not the maximum: a large score still overflows",
        hint="after the shift, which is the largest number that np.exp can meet?",
        seen=f"{POST}, in the notebook",
        changes={"z.max(axis=1, keepdims=True)": "z.mean(axis=1, keepdims=True)"},
        example=lambda: (np.array([[2000.0, 0.0]]),),
        also_seen_by=("large scores", "rows sum to 1"),
    ),
    Misconception(
        name="softmax.no_shift",
        base="softmax_forward",
        diagnosis="np.exp of the scores as they are: a score above 709 overflows, and inf/inf is NaN",
        hint="try the scores 1000 and 0",
        changes={SHIFT: "    exponentials = np.exp(z)\n"},
        example=lambda: (np.array([[1000.0, 0.0]]),),
        also_seen_by=("large scores", "rows sum to 1"),
    ),
    Misconception(
        name="softmax.small_number_added",
        base="softmax_forward",
        diagnosis="1e-8 is added to the sum: the probabilities no longer sum to 1, and low scores are "
        "flattened",
        hint="what do the probabilities of the scores −20 and −21 sum to?",
        seen=f"{POST}, in the notebook",
        changes={
            SHIFT: "    exponentials = np.exp(z)\n",
            QUOTIENT: "    return exponentials / (exponentials.sum(axis=1, keepdims=True) + 1e-8)",
        },
        example=lambda: (np.array([[-20.0, -21.0]]),),
        also_seen_by=("rows sum to 1", "large scores"),
    ),
    Misconception(
        name="cross_entropy.not_divided_by_m",
        base="cross_entropy_backward_by_one_hot",
        diagnosis="the 1/M of the mean loss is missing: M times too large",
        hint="the loss is a mean over the examples. What does that do to the effect of one of them?",
        seen="common; the loss's 1/M is forgotten on the way back",
        changes={"    dy_hat = -y / y_hat / M": "    dy_hat = -y / y_hat"},
        options=TWO_LABELS,
        example=_probabilities,
    ),
    Misconception(
        name="cross_entropy.sign_flipped",
        base="cross_entropy_backward_by_one_hot",
        diagnosis="the minus sign of −log is lost: the step goes up the loss",
        hint="raise the probability of the right class: does the loss rise or fall?",
        changes={"    dy_hat = -y / y_hat / M": "    dy_hat = y / y_hat / M"},
        options=TWO_LABELS,
        example=_probabilities,
    ),
    Misconception(
        name="cross_entropy.every_class_counts",
        base="cross_entropy_backward_by_one_hot",
        diagnosis="every class gets a gradient; the loss reads only the probability of the right one",
        hint="nudge the probability of a class that is not the label. Does the loss move?",
        changes={"    dy_hat = -y / y_hat / M": "    dy_hat = -1 / y_hat / M"},
        options=TWO_LABELS,
        example=_probabilities,
    ),
    Misconception(
        name="softmax_cross_entropy.not_divided_by_m",
        base="softmax_cross_entropy_backward_by_one_hot",
        diagnosis="Ŷ − Y without the 1/M of the mean loss: M times too large",
        hint="double the batch by repeating it: the mean loss stays. Does your gradient of one row stay too?",
        seen=f"{POST}: ∂J/∂Z = Ŷ − Y although its J has a 1/M",
        changes={DIFFERENCE: "    dz = y_hat - y"},
        options=TWO_LABELS,
        example=_two_examples,
    ),
    Misconception(
        name="softmax_cross_entropy.sign_flipped",
        base="softmax_cross_entropy_backward_by_one_hot",
        diagnosis="Y − Ŷ instead of Ŷ − Y: training climbs",
        hint="raise the score of the right class: does the loss rise or fall?",
        changes={DIFFERENCE: "    dz = (y - y_hat) / M"},
        options=TWO_LABELS,
        example=_two_examples,
    ),
    Misconception(
        name="softmax_cross_entropy.mean_over_all_entries",
        base="softmax_cross_entropy_backward_by_one_hot",
        diagnosis="divided by the number of entries, M·K; the loss is a mean over the M examples alone",
        hint="the loss sums over the classes and averages over the examples. By what did you divide?",
        changes={DIFFERENCE: "    dz = (y_hat - y) / z.size"},
        options=TWO_LABELS,
        example=_two_examples,
    ),
    Misconception(
        name="softmax_cross_entropy.extra_derivative",
        base="softmax_cross_entropy_backward_by_one_hot",
        diagnosis="Ŷ − Y is multiplied by ŷ(1 − ŷ) once more; the softmax is already in Ŷ − Y",
        hint="write out ∂J/∂Z for two classes. What is left of the softmax's own derivative?",
        changes={DIFFERENCE: "    dz = (y_hat - y) * y_hat * (1 - y_hat) / M"},
        options=TWO_LABELS,
        example=_two_examples,
        also_seen_by=("rows sum to 0",),
    ),
)
