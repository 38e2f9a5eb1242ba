"""Checks that teach: gradient checks, the equation ledger and the catalogue of misconceptions.

Imports only what is below: ``layers`` and ``training``. Nothing is drawn here, and nothing but NumPy is
needed.
"""

from backprop_helpers.checking import check
from backprop_helpers.checking._report import GradientReport, GradientRow
from backprop_helpers.checking.equations import Held, clear_ledger, holds, ledger
from backprop_helpers.checking.gradient_check import gradient_check, numerical_gradient
from backprop_helpers.checking.misconceptions import Misconception, misconceptions

__all__ = [
    "GradientReport",
    "GradientRow",
    "Held",
    "Misconception",
    "check",
    "clear_ledger",
    "gradient_check",
    "holds",
    "ledger",
    "misconceptions",
    "numerical_gradient",
]
