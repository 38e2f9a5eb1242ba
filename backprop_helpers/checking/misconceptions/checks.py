"""The checks' own mistakes: each passes a layer that is wrong.

`wrong` takes (forward, backward, inputs) and raises an AssertionError if it finds something; `pair()` and
`smallest_input()` are a wrong layer that it passes.
"""

from backprop_helpers.checking.misconceptions import conv, flatten, pooling, relu, softmax
from backprop_helpers.checking.misconceptions._catalogue import POST, Catalogue, Misconception

WRONG_LAYERS = Catalogue(
    [
        *conv.MISCONCEPTIONS,
        *flatten.MISCONCEPTIONS,
        *pooling.MISCONCEPTIONS,
        *relu.MISCONCEPTIONS,
        *softmax.MISCONCEPTIONS,
    ]
)

UPSTREAM = "    upstream = np.random.default_rng(0).normal(size=out.shape)"
DIFFERENCE = "        difference = np.abs(analytic - numeric)\n"
ERROR = "        error = difference / np.maximum(np.abs(analytic) + np.abs(numeric), 1e-8)\n"
ASSERTION = "        assert error.max() < 1e-6\n"


def _check(name, diagnosis, hint, seen, changes, lets_through):
    return Misconception(
        name=name,
        base="check_gradients",
        diagnosis=diagnosis,
        hint=hint,
        seen=seen,
        changes=changes,
        lets_through=WRONG_LAYERS[lets_through],
    )


MISCONCEPTIONS = (
    _check(
        "check.upstream_of_ones",
        "the upstream gradient is all ones: a gradient that goes to the wrong place looks the same",
        "send each output a different gradient. Would yours still pass?",
        "numpy-ml; MiniTorch",
        {UPSTREAM: "    upstream = np.ones(out.shape)"},
        "flatten.column_by_column",
    ),
    _check(
        "check.means_compared",
        "only the means are compared: the right numbers in the wrong places, flipped or transposed, pass",
        "shuffle the analytic gradient. Does the check notice?",
        f"a well-known course's check of mean(dW) (deeplearning.ai); {POST}, in the notebook",
        {DIFFERENCE: "        analytic, numeric = analytic.mean(), numeric.mean()\n" + DIFFERENCE},
        "flatten.column_by_column",
    ),
    _check(
        "check.threshold_ten",
        "the threshold is 10, or 1000 %; this relative error never exceeds 1",
        "what is the relative error of a gradient that is zero everywhere?",
        f"{POST}, in the notebook: it passed five injected bugs, a flipped sign and a zeroed gradient "
        "among them",
        {ASSERTION: "        assert error.max() < 10\n"},
        "softmax_cross_entropy.sign_flipped",
    ),
    _check(
        "check.one_sided_denominator",
        "the error is relative to the analytic gradient alone: where that is zero nothing is compared",
        "let backward return zeros. What does the check divide by?",
        f"{POST}, in the notebook",
        {
            DIFFERENCE: DIFFERENCE + "        there = analytic != 0\n",
            ERROR: "        error = difference[there] / np.abs(analytic[there])\n",
            ASSERTION: "        assert (error < 1e-6).all()\n",
        },
        "pool.returns_in_the_loop",
    ),
    _check(
        "check.zero_by_zero",
        "0/0 where both gradients are zero (dead ReLUs) makes the error NaN, and NaN > 1e-6 is false",
        "what is max of [0.5, nan], and is it larger than 1e-6?",
        "CS231n, grad_check_sparse",
        {
            ERROR: "        error = difference / (np.abs(analytic) + np.abs(numeric))\n",
            ASSERTION: '        if error.max() > 1e-6:\n            raise AssertionError("wrong gradient")\n',
        },
        "relu.multiplied_by_output",
    ),
    _check(
        "check.prints_only",
        "the error is printed and not asserted: a test that runs this cannot fail",
        "break the layer on purpose and run the tests. What colour are they?",
        "CS231n",
        {ASSERTION: '        print("relative error", error.max())\n'},
        "conv.no_rotation",
    ),
)
