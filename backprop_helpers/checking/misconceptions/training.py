"""Training: updates and initial values. A gradient check is blind to most of these."""

import numpy as np

from backprop_helpers.checking.misconceptions._catalogue import POST, SECOND_POST, Misconception
from backprop_helpers.checking.misconceptions._inputs import irregular

SECOND_CALL = "the first answer is right; the second shows it"


def _fc_arrays():
    return irregular(1, 1), irregular(1, 1), irregular(1)


MISCONCEPTIONS = (
    Misconception(
        name="training.bias_never_updated",
        base="sgd_step",
        diagnosis="the bias's gradient is taken off the weights: the bias never changes, and training ends "
        "in NaN",
        hint="print b before and after a step",
        seen=f"{POST}, in an earlier notebook of its author: W -= lr*db",
        changes={"    b = b - learning_rate * db": "    w = w - learning_rate * db"},
        example=lambda: (np.ones((1, 1)), np.ones(1), np.full((1, 1), 2.0), np.full(1, 3.0), 0.5),
    ),
    Misconception(
        name="training.updates_inside_backward",
        base="fc_backward_by_gradient",
        diagnosis="backward changes the weights itself: it cannot be checked, and no other optimiser can be "
        "used",
        hint="call backward twice with the same arguments. Are the answers the same?",
        seen=f"{SECOND_POST}: self.weights -= self.lr * dL_dW inside backward. There dX is computed before "
        "the update, so the first call is right and every later one is not",
        code="""
            learning_rate = 0.01

            def fc_backward(dz, x, w):
                dw = x.T @ dz
                db = dz.sum(axis=0)
                w -= learning_rate * dw
                dx = dz @ w.T
                return dx, dw, db
        """,
        example=_fc_arrays,
        also_seen_by=("repeatability",),
    ),
    Misconception(
        name="training.backward_accumulates",
        base="fc_backward_by_gradient",
        diagnosis="what an earlier call added is still there: a second backward gives the sum of both",
        hint="call backward twice with the same arguments. Are the answers the same?",
        seen="karpathy/micrograd PR#102",
        code="""
            kept = {"dw": 0, "db": 0}

            def fc_backward(dz, x, w):
                dx = dz @ w.T
                kept["dw"] = kept["dw"] + x.T @ dz
                kept["db"] = kept["db"] + dz.sum(axis=0)
                return dx, kept["dw"], kept["db"]
        """,
        example=_fc_arrays,
        also_seen_by=("repeatability",),
        unseen_by=dict.fromkeys(("reference", "exact integers", "PyTorch"), SECOND_CALL),
    ),
    Misconception(
        name="training.initial_weights_too_large",
        base="initial_weights",
        diagnosis="weights of size 1 whatever the number of inputs: the first loss is far above ln 10, "
        "softmax saturates",
        hint="what is the loss of a network that knows nothing, for ten classes? Print yours before training",
        seen=f"{POST}, in the notebook: the first loss is 24.4 instead of ln 10",
        changes={"scale=np.sqrt(2 / inputs), ": ""},
        example=lambda: (784, 10, np.random.default_rng(0)),
        also_seen_by=("first loss",),
    ),
    Misconception(
        name="training.bias_starts_at_one",
        base="initial_weights",
        diagnosis='the bias starts at 1 + 0.15, taken for "slightly positive": as large as what the weights '
        "contribute",
        hint="how large is a typical x @ w compared with your b, before the first step?",
        seen=f"{POST}, in the notebook",
        changes={"    b = np.zeros(units)": "    b = np.full(units, 1 + 0.15)"},
        example=lambda: (1, 1, np.random.default_rng(0)),
    ),
)
