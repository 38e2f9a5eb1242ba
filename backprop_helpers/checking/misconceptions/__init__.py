"""The catalogue of misconceptions: wrong implementations, many of them met in print or in public code.

``misconceptions["relu.mask_from_output"]`` has the diagnosis, a hint, the code as text (`source`), the wrong
function itself (`wrong`), and `pair()`, which `gradient_check` takes. One catalogue, three uses: to recognise
a learner's mistake, to prove by mutation what our own checks catch, to plant the bug hunts.
"""

from backprop_helpers.checking.misconceptions import (
    checks,
    conv,
    flatten,
    fully_connected,
    pooling,
    relu,
    softmax,
    training,
)
from backprop_helpers.checking.misconceptions._catalogue import ORACLES, Catalogue, Misconception
from backprop_helpers.checking.misconceptions._parse import entries_in

_entries = []
for _module in (fully_connected, relu, softmax, conv, pooling, flatten, training, checks):
    _entries += [Misconception.of(fields, _entries) for fields in entries_in(_module.ENTRIES)]
misconceptions = Catalogue(_entries)

__all__ = ["ORACLES", "Catalogue", "Misconception", "misconceptions"]
