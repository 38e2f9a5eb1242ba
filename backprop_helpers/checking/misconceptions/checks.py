"""The checks' own mistakes: each passes a layer that is wrong.

`wrong` takes (forward, backward, inputs) and raises an AssertionError if it finds something; `pair()` and
`smallest_input()` are a wrong layer that it passes.
"""

ENTRIES = """
check.upstream_of_ones = check_gradients
the upstream gradient is all ones: a gradient that goes to the wrong place looks the same
? send each output a different gradient. Would yours still pass?
seen: slips in print, 20 and 54
passes: flatten.column_by_column
~ upstream = np.ones(out.shape)

check.means_compared = check_gradients
only the means are compared: the right numbers in the wrong places, flipped or transposed, pass
? shuffle the analytic gradient. Does the check notice?
seen: slips in print, 53
passes: flatten.column_by_column
- difference = np.abs(analytic - numeric)
+ analytic, numeric = analytic.mean(), numeric.mean()
+ difference = np.abs(analytic - numeric)

check.threshold_ten = check_gradients
the threshold is 10, or 1000 %; this relative error never exceeds 1
? what is the relative error of a gradient that is zero everywhere?
seen: slips in print, 49
passes: softmax_cross_entropy.sign_flipped
~ assert error.max() < 10

check.one_sided_denominator = check_gradients
the error is relative to the analytic gradient alone: where that is zero nothing is compared
? let backward return zeros. What does the check divide by?
passes: pool.returns_in_the_loop
- error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
- assert error.max() < 1e-6
+ there = analytic != 0
+ error = difference[there] / np.abs(analytic[there])
+ assert (error < 1e-6).all()

check.zero_by_zero = check_gradients
0/0 where both gradients are zero (dead ReLUs) makes the error NaN, and NaN > 1e-6 is false
? what is max of [0.5, nan], and is it larger than 1e-6?
seen: slips in print, 51
passes: relu.multiplied_by_output
- error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
- assert error.max() < 1e-6
+ error = difference / (np.abs(analytic) + np.abs(numeric))
+ if error.max() > 1e-6:
+     raise AssertionError("wrong gradient")

check.prints_only = check_gradients
the error is printed and not asserted: a test that runs this cannot fail
? break the layer on purpose and run the tests. What colour are they?
seen: slips in print, 52
passes: conv.no_rotation
~ print("relative error", error.max())

check.norm_ratio = check_gradients
one measure for all entries, such as the norm or the largest: a small entry may be all wrong unseen
? a thousand entries of size 1 are right, one of size 1e-4 is twice too large. What is your number?
passes: fc.weight_decay_inside
- error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
- assert error.max() < 1e-6
+ error = np.linalg.norm(analytic - numeric) / (np.linalg.norm(analytic) + np.linalg.norm(numeric))
+ assert error < 1e-6

check.absolute_tolerance = check_gradients
the difference itself is compared with a number: small gradients pass whatever they are
? the gradient is 1e-5 and yours is 2e-5. Does it pass?
passes: fc.weight_decay_inside
- error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)
- assert error.max() < 1e-6
+ assert difference.max() < 1e-4
"""
