"""`SoftmaxStage`: scores, probabilities, loss, Ŷ − Y and the Jacobian of one example (lesson 04)."""

import numpy as np
import traitlets

from backprop_helpers.layers import softmax, softmax_cross_entropy_forward, softmax_jacobian
from backprop_helpers.layers._validate import as_array
from backprop_helpers.views import plots
from backprop_helpers.views.plots import _style
from backprop_helpers.views.plots._cells import draw_cells, draw_labels
from backprop_helpers.views.stage._base import Stage

NAME = "SoftmaxStage"
FEWEST, MOST = 2, 10  # classes


class SoftmaxStage(Stage):
    """Drag the scores of one example; see its probabilities, the loss, Ŷ − Y and the Jacobian.

    Press a class to make it the true one, add a number to all scores, point at an entry of the Jacobian.

    - z: (K,) or (1, K), the scores of 2 to 10 classes
    - y: the true class, or one-hot, (K,) or (1, K)
    - label: the true class, as it is in the page now; assign to change the page
    """

    composition = "softmaxScores"
    label = traitlets.Int(0)

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

    def _sizes(self):
        return f"{self.spec['arrays']['z']['shape'][0]} classes"

    @traitlets.validate("label")
    def _is_a_class(self, proposal):
        if "z" in self.spec.get("arrays", {}) and not 0 <= proposal["value"] < self.arrays["z"].size:
            raise ValueError(
                f"{NAME}: label must be one of {self.arrays['z'].size} classes; got {proposal['value']}"
            )
        return proposal["value"]

    def twin(self):
        """Return the static figure: the probabilities, and the Jacobian beside them."""
        z = self.arrays["z"]
        if not np.isfinite(z).all():
            return plots.matrices([z[None]], ["Z"], kinds="value", title="Scores that are not finite")
        y_hat = softmax(z[None])
        loss, _ = softmax_cross_entropy_forward(z[None], np.array([self.label]))
        return _picture(y_hat[0], softmax_jacobian(y_hat)[0], self.label, loss)


@_style.drawing
def _picture(y_hat, jacobian, label, loss):
    """Return the bars of the probabilities and, beside them, the Jacobian."""
    count = len(y_hat)
    size = max(3.6, 0.5 * count), max(2.8, 0.42 * count)
    figure, ((left, right),) = plots.panels(1, 2, size=size)
    plots.bars(y_hat, label, title=f"Ŷ, loss {loss:.3f}", ax=left)
    draw_cells(right, jacobian, kind="gradient", cell=min(size) / count)
    draw_labels(right, jacobian.shape, *([f"{letter}[{k}]" for k in range(count)] for letter in "ŷz"))
    right.set_title("∂ŷ[l]/∂z[k]")
    figure.alt += f"; beside them the Jacobian, {count} by {count}"
    return figure
