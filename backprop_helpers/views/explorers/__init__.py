"""Explorers: the backward pass under the pointer, on the arrays and networks you bring.

Each explorer is loaded when it is first asked for, so that a lesson which uses one does not load the others.
"""

import importlib

_HOMES = {
    "ReLUExplorer": "relu",
    "SoftmaxExplorer": "softmax",
}
__all__ = list(_HOMES)


def __getattr__(name):
    """Import the explorer that is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    """List the explorers."""
    return sorted({*globals(), *_HOMES})
