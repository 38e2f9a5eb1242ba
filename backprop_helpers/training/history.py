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
    """What one pass over the training images came to."""

    epoch: int  # 1 for the first
    loss: float  # mean over the epoch's training examples, each seen before the step that used it
    accuracy: float
    validation_loss: float | None  # on the validation examples, at the end of the epoch, if there are any
    validation_accuracy: float | None
    seconds: float  # without the validation; of the last part, if the epoch was interrupted


class Checkpoint(NamedTuple):
    """Where a training stands: what it takes to go on as if it had never stopped."""

    parameters: np.ndarray  # the network's vector after the last step
    statistics: np.ndarray
    memory: tuple[np.ndarray, ...]  # what the optimizer keeps from step to step
    best: tuple[np.ndarray, np.ndarray] | None  # both vectors after the best epoch, if asked for
    settings: dict  # images (their number), batch_size, seed, optimizer (its class): going on needs the same


class History(NamedTuple):
    """The course of a training, one entry a step."""

    loss: np.ndarray  # (steps,), the mean loss of the step's batch, before the step
    rate: np.ndarray  # (steps,), the learning rate
    accuracy: np.ndarray  # (steps,), the fraction of the batch that was right, before the step
    epochs: list[EpochRecord]  # those that were completed
    interrupted: bool  # whether it was stopped by hand before its end
    checkpoint: Checkpoint | None  # for fit(..., resume=history); None after an error

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
