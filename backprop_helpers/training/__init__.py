"""Networks, and how they learn: MNIST, layers in a row, optimizers, the training loop, files."""

from .fit import fit
from .history import Checkpoint, EpochRecord, History
from .mnist import Mnist, MnistFileError, load_dataset, load_mnist
from .modules import AveragePool, Conv, Flatten, FullyConnected, Layer, MaxPool, ReLU, Standardize
from .network import Network, lenet, reference_cnn
from .network_file import NetworkFileError
from .optimizers import SGD, Adam, OneCycle, Optimizer
from .parameters import ParameterViews
from .photograph import InkSteps, find_ink
from .preprocess import DigitSteps, preprocess_digit
from .summary import LayerSummary, Summary

_SERIES = ("series_cnn", "series_snapshots", "series_digit")

__all__ = [
    "load_mnist",
    "load_dataset",
    "Mnist",
    "MnistFileError",
    "Network",
    "reference_cnn",
    "lenet",
    "Layer",
    "Standardize",
    "Conv",
    "ReLU",
    "MaxPool",
    "AveragePool",
    "Flatten",
    "FullyConnected",
    "ParameterViews",
    "Summary",
    "LayerSummary",
    "NetworkFileError",
    "fit",
    "History",
    "EpochRecord",
    "Checkpoint",
    "Optimizer",
    "SGD",
    "Adam",
    "OneCycle",
    "preprocess_digit",
    "DigitSteps",
    "find_ink",
    "InkSteps",
    "series_cnn",
    "series_snapshots",
    "series_digit",
]


def __getattr__(name):
    # Imported on demand: `python -m backprop_helpers.training.series` runs that module itself.
    if name in _SERIES:
        from . import series

        return getattr(series, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
