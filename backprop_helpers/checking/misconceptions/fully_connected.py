"""Fully connected: transposes, sums over the wrong axis, and the 1/M."""

from backprop_helpers.checking.misconceptions._catalogue import POST, SECOND_POST, Misconception
from backprop_helpers.checking.misconceptions._inputs import irregular


def _arrays(examples, inputs, units):
    return irregular(examples, inputs), irregular(inputs, units), irregular(units)


MISCONCEPTIONS = (
    Misconception(
        name="fc.bias_never_moves",
        base="fc_backward_by_gradient",
        diagnosis="db is one number, the sum over the units of one example; behind softmax that sum is 0, "
        "so the biases never move",
        hint="how many biases are there, and how many numbers does db hold?",
        seen=f"{SECOND_POST}: FullyConnectedLayer",
        changes={"    db = dz.sum(axis=0)": "    db = dz[0].sum(axis=0)"},
        example=lambda: _arrays(1, 1, 2),
    ),
    Misconception(
        name="fc.bias_summed_over_units",
        base="fc_backward_by_gradient",
        diagnosis="db is summed over the units instead of over the examples",
        hint="which axis of dz has as many entries as there are biases? That one has to stay",
        changes={"    db = dz.sum(axis=0)": "    db = dz.sum(axis=1)"},
        example=lambda: _arrays(2, 1, 2),
    ),
    Misconception(
        name="fc.bias_averaged",
        base="fc_backward_by_gradient",
        diagnosis="db is the mean over the examples; the 1/M of the loss is already in dz",
        hint="nudge one bias: how many rows of z move, and do their effects on the loss add up or average?",
        seen=f"{POST}, whose dz has no 1/M",
        changes={"    db = dz.sum(axis=0)": "    db = dz.mean(axis=0)"},
        example=lambda: _arrays(2, 1, 1),
    ),
    Misconception(
        name="fc.divided_by_m_again",
        base="fc_backward_by_gradient",
        diagnosis="dw and db are divided by M, though the 1/M of the mean loss is already in dz: M times "
        "too small",
        hint="the 1/M appears once in the loss. How often does it appear on the way back?",
        seen="common: the loss and each layer's dW both divide by M",
        changes={
            "    dw = x.T @ dz": "    dw = x.T @ dz / len(x)",
            "    db = dz.sum(axis=0)": "    db = dz.sum(axis=0) / len(x)",
        },
        example=lambda: _arrays(2, 1, 1),
    ),
    Misconception(
        name="fc.dw_transposed",
        base="fc_backward_by_gradient",
        diagnosis="dw is transposed: row and column, input and unit, are exchanged",
        hint="dw has the shape of w. With a square w, compare dw[0, 1] with the nudge of w[0, 1]",
        changes={"    dw = x.T @ dz": "    dw = dz.T @ x"},
        example=lambda: _arrays(1, 2, 2),
    ),
    Misconception(
        name="fc.dx_without_transpose",
        base="fc_backward_by_gradient",
        diagnosis="dx uses w where its transpose is needed; with a square w the shapes fit all the same",
        hint="which weight joins x[0, 1] to z[0, 0]? Is that the one your dx[0, 1] uses?",
        changes={"    dx = dz @ w.T": "    dx = dz @ w"},
        example=lambda: _arrays(1, 2, 2),
    ),
    Misconception(
        name="fc.last_example_only",
        base="fc_backward_by_example",
        diagnosis="dw is overwritten by each example (`=`) instead of summed (`+=`): only the last one "
        "counts",
        hint="run it with one example, then with two. What became of the first one?",
        changes={"        dw += np.outer(x[m], dz[m])": "        dw = np.outer(x[m], dz[m])"},
        example=lambda: _arrays(2, 1, 1),
    ),
)
