"""ReLU: where the mask comes from."""

import numpy as np

from backprop_helpers.checking.misconceptions._catalogue import Misconception


def _two_signs():
    return (np.array([[-2.0, 3.0, -1.0, 0.5]]),)


MASK = "    dz = da * (z > 0)"

MISCONCEPTIONS = (
    Misconception(
        name="relu.mask_from_output",
        base="relu_backward",
        diagnosis="the mask is `>= 0` of the output, which is never negative: nothing is ever masked",
        hint="print the mask next to z: is there a single False in it?",
        seen="a widely read NumPy tutorial on MNIST (numpy-tutorials); iamtrask/Grokking-Deep-Learning#9",
        changes={MASK: "    a = np.maximum(z, 0)\n    dz = da * (a >= 0)"},
        example=_two_signs,
    ),
    Misconception(
        name="relu.mask_from_gradient",
        base="relu_backward",
        diagnosis="the mask is taken from da, the gradient that arrives, instead of from z",
        hint="which of the two arrays decided, on the way forward, what was let through?",
        seen="the code of a widely read book (oreilly-japan PR#43)",
        changes={MASK: "    dz = da * (da > 0)"},
        example=_two_signs,
    ),
    Misconception(
        name="relu.no_mask",
        base="relu_backward",
        diagnosis="the gradient is handed on unchanged, also where the output was cut off at 0",
        hint="nudge an entry of z that is −2: how far does the output move?",
        changes={MASK: "    dz = da.copy()"},
        example=_two_signs,
    ),
    Misconception(
        name="relu.multiplied_by_output",
        base="relu_backward",
        diagnosis="the gradient is multiplied by the output of ReLU instead of by its slope, which is 0 or 1",
        hint="double z where it is positive: does the slope of ReLU double there?",
        changes={MASK: "    dz = da * np.maximum(z, 0)"},
        example=_two_signs,
    ),
    Misconception(
        name="relu.upstream_forgotten",
        base="relu_backward",
        diagnosis="this is the slope of ReLU alone: the gradient that arrives is not used",
        hint="what should dz be if da is zero everywhere?",
        changes={MASK: "    dz = np.where(z > 0, 1.0, 0.0)"},
        example=_two_signs,
    ),
)
