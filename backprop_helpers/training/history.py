"""What a training has measured, and where it stands: in memory, or in a file to go on from."""

from __future__ import annotations

import json
import math
import os
from typing import NamedTuple

import numpy as np

from . import network_file

_COLUMNS = ("loss", "rate", "accuracy")


class EpochRecord(NamedTuple):
    """What one pass over the training images came to.

    Attributes
    ----------
    epoch : int
        1 for the first.
    loss, accuracy : float
        Means over the epoch's training examples, each seen before the step that used it.
    validation_loss, validation_accuracy : float or None
        On the validation examples, at the end of the epoch; None without any.
    seconds : float
        Duration, without the validation; of the last part, if the epoch was interrupted.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


class Checkpoint(NamedTuple):
    """Where a training stands: what it takes to go on as if it had never stopped.

    Attributes
    ----------
    parameters, statistics : ndarray
        The network's two vectors after the last step.
    memory : tuple of ndarray
        What the optimizer keeps from step to step.
    best : tuple of two ndarrays, or None
        Parameters and statistics after the epoch with the best validation accuracy, if they were asked for.
    settings : dict
        ``images`` (their number), ``batch_size``, ``seed`` and ``optimizer`` (its class): going on needs the
        same.
    """

    parameters: np.ndarray
    statistics: np.ndarray
    memory: tuple[np.ndarray, ...]
    best: tuple[np.ndarray, np.ndarray] | None
    settings: dict


class History(NamedTuple):
    """The course of a training, one entry a step.

    Attributes
    ----------
    loss : ndarray of float, shape (steps,)
        Mean loss of the step's batch, before the step.
    rate : ndarray of float, shape (steps,)
        Learning rate of the step.
    accuracy : ndarray of float, shape (steps,)
        Fraction of the step's batch that was classified correctly, before the step.
    epochs : list of EpochRecord
        One for each epoch that was completed.
    interrupted : bool
        Whether the training was stopped by hand before its end.
    checkpoint : Checkpoint or None
        For ``fit(..., resume=history)``; None after an error.
    """

    loss: np.ndarray
    rate: np.ndarray
    accuracy: np.ndarray
    epochs: list[EpochRecord]
    interrupted: bool
    checkpoint: Checkpoint | None

    def __repr__(self):
        text = f"History: {len(self.loss)} steps, {len(self.epochs)} complete epochs"
        if self.epochs and self.epochs[-1].validation_accuracy is not None:
            text += f", validation accuracy {self.epochs[-1].validation_accuracy:.2%}"
        return text + (", interrupted" if self.interrupted else "")


def write(path: str | os.PathLike, history: History) -> None:
    """Write a history with its checkpoint to an ``.npz`` file: all of it, or nothing."""
    stand = history.checkpoint
    records = [[math.nan if number is None else number for number in record] for record in history.epochs]
    arrays = {name: getattr(history, name) for name in _COLUMNS}
    arrays |= {"parameters": stand.parameters, "statistics": stand.statistics}
    arrays |= {f"memory{i}": array for i, array in enumerate(stand.memory)}
    if stand.best is not None:
        arrays["best_parameters"], arrays["best_statistics"] = stand.best
    settings = stand.settings | {"interrupted": history.interrupted}
    records = np.array(records, float).reshape(-1, len(EpochRecord._fields))
    network_file.write(path, {**arrays, "epochs": records, "settings": np.array(json.dumps(settings))})


def read(path: str | os.PathLike) -> History:
    """Read what ``write`` has written; anything else is a ``NetworkFileError``."""
    arrays = network_file.read(path)
    try:
        settings = json.loads(str(arrays["settings"][()]))
        records = [
            EpochRecord(int(row[0]), *(None if math.isnan(number) else number for number in row[1:]))
            for row in arrays["epochs"].tolist()
        ]
        memory = tuple(arrays[f"memory{i}"] for i in range(sum(name.startswith("memory") for name in arrays)))
        best = (arrays["best_parameters"], arrays["best_statistics"]) if "best_parameters" in arrays else None
        interrupted = settings.pop("interrupted")
        stand = Checkpoint(arrays["parameters"], arrays["statistics"], memory, best, settings)
        return History(*(arrays[name] for name in _COLUMNS), records, interrupted, stand)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"cannot be resumed from: it is no checkpoint that fit has written ({error})"
        raise network_file.NetworkFileError(f"{os.fspath(path)} {reason}") from None
