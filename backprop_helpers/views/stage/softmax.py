"""`SoftmaxStage`: scores, probabilities, loss, Ŷ − Y and the Jacobian of one example (lesson 04)."""

import numpy as np
import traitlets

from backprop_helpers.layers import softmax, softmax_cross_entropy_forward, softmax_jacobian
from backprop_helpers.layers._validate import as_array
from backprop_helpers.views import plots
from backprop_helpers.views.stage._base import Stage

NAME = "SoftmaxStage"
FEWEST, MOST = 2, 10  # classes


class SoftmaxStage(Stage):
    """Drag the scores of one example; see its probabilities, the loss, Ŷ − Y and the Jacobian.

    Press a class to make it the true one, add a number to all scores, point at an entry of the Jacobian.

    Parameters
    ----------
    z : array_like, (K,) or (1, K), optional
        The scores of 2 to 10 classes.
    y : int or array_like, (K,) or (1, K), optional
        The true class, or one-hot.

    Attributes
    ----------
    label : int
        The true class, as it is in the page now; assign to change the page.

    Raises
    ------
    TypeError, ValueError
        If z is not one row of 2 to 10 scores, or y is none of its classes.
    """

    composition = "softmaxScores"
    label = traitlets.Int(0).tag(sync=True, echo_update=False)

    def __init__(self, z=(2, 1, 0, -1), y=1):
        z, y = as_array(NAME, "z", np.asarray(z)), np.asarray(y)
        if z.size != z.shape[-1] or not FEWEST <= z.size <= MOST:
            raise ValueError(
                f"{NAME}: z must be one row of {FEWEST} to {MOST} scores; its shape is {z.shape}"
            )
        z = z.reshape(-1).astype(float)
        softmax_cross_entropy_forward(z[None], y.reshape(1, -1) if y.size > 1 else y.reshape(1))
        label = int(y.argmax() if y.size > 1 else y.reshape(()))
        super().__init__({"z": z}, {"label": label})

    def __repr__(self):
        return f"{NAME}({self.spec['arrays']['z']['shape'][0]} classes)"

    @traitlets.validate("label")
    def _is_a_class(self, proposal):
        if "z" in self.spec.get("arrays", {}) and not 0 <= proposal["value"] < self.arrays["z"].size:
            raise ValueError(
                f"{NAME}: label must be one of {self.arrays['z'].size} classes; got {proposal['value']}"
            )
        return proposal["value"]

    def twin(self):
        """Return the static figure: the probabilities, and the Jacobian beside them."""
        z, count = self.arrays["z"], self.arrays["z"].size
        if not np.isfinite(z).all():
            return plots.matrices([z[None]], ["Z"], kinds="value", title="Scores that are not finite")
        y_hat = softmax(z[None])
        loss, _ = softmax_cross_entropy_forward(z[None], np.array([self.label]))
        figure, axes = plots.panels(1, 2, size=(max(3.6, 0.5 * count), max(2.8, 0.42 * count)))
        plots.bars(y_hat[0], self.label, title=f"Ŷ, loss {loss:.3f}", ax=axes[0, 0])
        rows, columns = ([f"{letter}[{k}]" for k in range(count)] for letter in "ŷz")
        plots.matrix(
            softmax_jacobian(y_hat)[0],
            title="∂ŷ[l]/∂z[k]",
            kind="gradient",
            row_labels=rows,
            col_labels=columns,
            ax=axes[0, 1],
        )
        return figure
