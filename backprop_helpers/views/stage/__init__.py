"""Stages: what moves, on the arrays you bring, computed in the page that shows it.

Each stage is loaded when it is first asked for, so that a lesson which uses one does not load the others.
"""

import importlib

_HOMES = {
    "CheckStage": "check",
    "ConvolutionStage": "convolution",
    "DownhillStage": "downhill",
    "PoolingStage": "pooling",
    "NudgeStage": "nudge",
    "KernelStage": "kernel",
    "NetworkStage": "network",
    "ProductsStage": "products",
    "ReLUStage": "relu",
    "SoftmaxStage": "softmax",
    "Predict": "predict",
    "Worksheet": "worksheet",
    "mistakes_of": "worksheet",
}
__all__ = list(_HOMES)


def __getattr__(name):
    """Import the stage that is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    """List the stages."""
    return sorted({*globals(), *_HOMES})
