"""Softmax and cross-entropy: the full Jacobian, the 1/M, and numbers that overflow."""

ENTRIES = """
softmax.derivative_element_wise = softmax_backward_by_mean
only the diagonal of the Jacobian is used, ŷ(1 − ŷ): each score also moves every other probability
? nudge one score. How many of the probabilities change?
seen: slips in print, 15
at: [[1.0, -0.5]]
- mean = (dy_hat * y_hat).sum(axis=1, keepdims=True)
- dz = y_hat * (dy_hat - mean)
+ dz = dy_hat * y_hat * (1 - y_hat)

softmax.off_diagonal_sign = softmax_backward_by_mean
the off-diagonal terms of the Jacobian have the wrong sign: raising one score lowers the others
? add the same number to all scores: the probabilities stay. What must the entries of dz sum to?
at: [[1.0, -0.5]]
~ dz = y_hat * (dy_hat + mean)

softmax.summed_over_examples = softmax_backward_by_mean
the sum runs over the examples (axis 0) instead of over the classes (axis 1)
? does the gradient of one example change when another example joins the batch?
at: [[1.0, -0.5, 0.25], [0.25, 0.75, -1.0]]
~ mean = (dy_hat * y_hat).sum(axis=0, keepdims=True)

softmax.mean_subtracted = softmax_forward
the mean of the scores is subtracted, not the maximum: a large score still overflows
? after the shift, which is the largest number that np.exp can meet?
seen: slips in print, 17
at: [[2000.0, 0.0]]
also: large scores
~ shifted = z - z.mean(axis=1, keepdims=True)

softmax.no_shift = softmax_forward
np.exp of the scores as they are: a score above 709 overflows, and inf/inf is NaN
? try the scores 1000 and 0
seen: slips in print, 19
at: [[1000.0, 0.0]]
also: large scores
- shifted = z - z.max(axis=1, keepdims=True)
- exponentials = np.exp(shifted)
+ exponentials = np.exp(z)

softmax.small_number_added = softmax_forward
1e-8 is added to the sum: the probabilities no longer sum to 1, and low scores are flattened
? what do the probabilities of the scores −20 and −21 sum to?
at: [[-20.0, -21.0]]
also: large scores
- shifted = z - z.max(axis=1, keepdims=True)
- exponentials = np.exp(shifted)
- return exponentials / exponentials.sum(axis=1, keepdims=True)
+ exponentials = np.exp(z)
+ return exponentials / (exponentials.sum(axis=1, keepdims=True) + 1e-8)

cross_entropy.not_divided_by_m = cross_entropy_backward_by_one_hot
the 1/M of the mean loss is missing: M times too large
? the loss is a mean over the examples. What does that do to the effect of one of them?
~ dy_hat = -y / y_hat

cross_entropy.divided_by_m_twice = cross_entropy_backward_by_one_hot
the 1/M of the mean loss is in it twice: M times too small
? the 1/M appears once in the loss. How often does it appear on the way back?
~ dy_hat = -y / y_hat / M / M

cross_entropy.sign_flipped = cross_entropy_backward_by_one_hot
the minus sign of −log is lost: the step goes up the loss
? raise the probability of the right class: does the loss rise or fall?
~ dy_hat = y / y_hat / M

cross_entropy.every_class_counts = cross_entropy_backward_by_one_hot
every class gets a gradient; the loss reads only the probability of the right one
? nudge the probability of a class that is not the label. Does the loss move?
~ dy_hat = -1 / y_hat / M

softmax_cross_entropy.not_divided_by_m = softmax_cross_entropy_backward_by_one_hot
Ŷ − Y without the 1/M of the mean loss: M times too large
? double the batch by repeating it: the mean loss stays. Does your gradient of one row stay too?
seen: slips in print, 16
~ dz = y_hat - y

softmax_cross_entropy.divided_by_m_twice = softmax_cross_entropy_backward_by_one_hot
the 1/M of the mean loss is in it twice: M times too small
? the 1/M appears once in the loss. How often does it appear on the way back?
~ dz = (y_hat - y) / M / M

softmax_cross_entropy.sign_flipped = softmax_cross_entropy_backward_by_one_hot
Y − Ŷ instead of Ŷ − Y: training climbs
? raise the score of the right class: does the loss rise or fall?
~ dz = (y - y_hat) / M

softmax_cross_entropy.mean_over_all_entries = softmax_cross_entropy_backward_by_one_hot
divided by the number of entries, M·K; the loss is a mean over the M examples alone
? the loss sums over the classes and averages over the examples. By what did you divide?
~ dz = (y_hat - y) / z.size

softmax_cross_entropy.extra_derivative = softmax_cross_entropy_backward_by_one_hot
Ŷ − Y is multiplied by ŷ(1 − ŷ) once more; the softmax is already in Ŷ − Y
? write out ∂J/∂Z for two classes. What is left of the softmax's own derivative?
also: rows sum to 0
~ dz = (y_hat - y) * y_hat * (1 - y_hat) / M

softmax.one_maximum_for_all = softmax_forward
the maximum runs over the whole batch: in a row far below it every exponential is 0, and 0/0 is NaN
? try two rows, one of scores around 1000, one around −1000
at: [[1000.0, 0.0], [-1000.0, -1001.0]]
also: large scores
~ shifted = z - z.max()

softmax.running_maximum_from_zero = softmax_forward
what is subtracted is never below 0: in a row of scores far below, every exponential is 0, and 0/0 is NaN
? try the scores −1000 and −1001
at: [[-1000.0, -1001.0]]
~ shifted = z - np.maximum(z.max(axis=1, keepdims=True), 0)

softmax.over_examples = softmax_forward
the probabilities sum to 1 over the examples (axis 0); those of an example have to, over the classes
? what does each row sum to, and what each column?
also: large scores
~ return exponentials / exponentials.sum(axis=0, keepdims=True)

softmax.over_everything = softmax_forward
all probabilities of the batch together sum to 1; those of each example have to
? does the answer to one example change when another example joins the batch?
~ return exponentials / exponentials.sum()

softmax.keepdims_forgotten = softmax_forward
column k is divided by the sum of row k: without keepdims the sums lie along the classes
? what is the shape of the sums, and along which axis does NumPy repeat it?
at: [[1.0, -0.5], [0.25, 0.75]]
~ return exponentials / exponentials.sum(axis=1)

cross_entropy.small_number_added = cross_entropy_backward_by_one_hot
a small number is added to the probabilities, or put below them: where ŷ is as small, the slope is far off
? the right class has got the probability 1e-20: what is the slope, and what is yours?
at: [[0.9990234375, 0.0009765625], [0.5, 0.5]]
~ dy_hat = -y / (y_hat + 1e-7) / M

cross_entropy.binary = cross_entropy_backward_by_one_hot
this is the gradient of the binary cross-entropy, class by class; here the loss reads the right class alone
? nudge the probability of a class that is not the label. Does the loss move?
~ dy_hat = (y_hat - y) / (y_hat * (1 - y_hat)) / M

softmax_cross_entropy.right_class_only = softmax_cross_entropy_backward_by_one_hot
only the score of the right class gets a gradient; by way of the softmax every score moves the loss
? raise the score of a wrong class: what becomes of the probability of the right one?
also: rows sum to 0
~ dz = (y_hat - y) * y / M

softmax_cross_entropy.sigmoid_for_softmax = softmax_cross_entropy_backward_by_one_hot
the probabilities are those of a sigmoid, class by class; softmax makes them sum to 1
? what do your probabilities of one example sum to?
also: rows sum to 0
~ dz = (1 / (1 + np.exp(-z)) - y) / M
"""
