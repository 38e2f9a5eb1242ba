"""Static figures for the lessons: arrays in, one calm figure out.

Every function returns its figure, and the returned figure is what a notebook shows: end the cell with
the call. No figure stays registered with pyplot, so none is shown twice and ``plt.show()`` is not needed.
`title` is written above it; `panels` gives axes for drawings of one's own.

One reading holds everywhere. Values go from pale (small) to dark (large). Gradients and weights are blue
below zero, white at zero, red above, with limits symmetric about zero. Digits are ink on paper. Colour
never speaks alone: there are numbers in the cells when they fit, signs, hatching, letters or line styles.
"""

from ._style import ACCENTS, INKS, Figure, panels
from .activations import maps_and_gradients
from .bars import bars, histograms, nudge, stacked_bars
from .curves import function, v_curve
from .graph import graph
from .heatmaps import matrices
from .maps import digit_steps, digits, maps, saliency
from .routing import routing
from .sparse import sparse_matrix
from .tensors import shapes_chain, tensor_blocks
from .training import confusion_matrix, losses, training_history
from .windows import tied_neurons, touches, windows

__all__ = [
    "matrices",
    "sparse_matrix",
    "maps",
    "maps_and_gradients",
    "digits",
    "digit_steps",
    "saliency",
    "graph",
    "windows",
    "touches",
    "tied_neurons",
    "routing",
    "shapes_chain",
    "tensor_blocks",
    "function",
    "v_curve",
    "bars",
    "nudge",
    "histograms",
    "stacked_bars",
    "training_history",
    "losses",
    "confusion_matrix",
    "panels",
    "Figure",
    "ACCENTS",
    "INKS",
]
