"""Networks as ``.npz`` files: arrays and JSON text, never pickle."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .modules import LAYER_TYPES

ARCHITECTURE = "architecture"  # the key of the JSON text
FORMAT = 1
# What the standard library and NumPy raise for damaged archives and array headers.
_DAMAGES = (OSError, ValueError, EOFError, KeyError, SyntaxError, MemoryError, NotImplementedError)
_DAMAGES += (zipfile.BadZipFile, zlib.error)


class NetworkFileError(ValueError):
    """A file that is not a network's, is damaged, or does not fit."""


def encode_architecture(net) -> np.ndarray:
    """Describe the layers, the input shape and the dtype as JSON text, in an array of no axes."""
    layers = []
    for layer in net.layers:
        kind = type(layer).__name__
        if LAYER_TYPES.get(kind, type(layer)) is not type(layer):
            raise TypeError(
                f"Network.save: {layer.name} is a {kind} of your own, and there is one here; rename its class"
            )
        try:
            json.dumps(layer.settings())
        except (AttributeError, TypeError, ValueError) as error:
            raise TypeError(
                f"Network.save: {layer.name} cannot be made again from a file: {error}; a {kind} must keep "
                "each of its arguments as an attribute of that name: a number, text, None or a tuple"
            ) from None
        layers.append({"type": kind, **layer.settings()})
    description = {
        "format": FORMAT,
        "input_shape": net.input_shape,
        "dtype": net.dtype.name,
        "layers": layers,
    }
    return np.array(json.dumps(description))


def build(path, arrays: Mapping[str, np.ndarray], make, own: Sequence[type]) -> None:
    """Call ``make(layers, input_shape, dtype)`` with what the file's architecture says.

    It may name the package's layers and those of ``own``; nothing else is looked for.
    """
    types = {**{kind.__name__: kind for kind in own}, **LAYER_TYPES}
    text = arrays.get(ARCHITECTURE)
    if text is None:
        raise _error(path, f"it has no {ARCHITECTURE!r}: not a file that Network.save has written")
    try:
        description = json.loads(str(text[()]))
        if description["format"] != FORMAT:
            raise _error(path, f"its format is {description['format']}, this version reads format {FORMAT}")
        layers = [_layer(entry, types) for entry in description["layers"]]
        make(layers, tuple(description["input_shape"]), description["dtype"])
    except NetworkFileError:
        raise
    except KeyError as error:
        raise _error(path, f"its architecture has no {error}") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _error(path, f"its architecture makes no network: {error}") from None


def _layer(entry, types):
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    kind = settings.pop("type")
    if kind not in types:
        raise ValueError(
            f"unknown layer {kind!r}; if it is a class of yours, hand it over: "
            f"Network.load(path, layers=[{kind}])"
        )
    return types[kind](**settings)


def copy_parameters(path, arrays: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray]) -> None:
    """Copy the file's arrays into ``parameters``; names and shapes must be the same."""
    found = {name for name in arrays if name != ARCHITECTURE}
    if missing := [name for name in parameters if name not in found]:
        raise _error(path, f"it does not fit the network: it has no {', '.join(missing)}")
    if unknown := sorted(found - set(parameters)):
        raise _error(path, f"it does not fit the network, which has no {', '.join(unknown)}")
    for name, parameter in parameters.items():
        array = arrays[name]
        if array.shape != parameter.shape:
            shapes = f"{array.shape} in the file, {parameter.shape} in the network"
            raise _error(path, f"it does not fit the network: {name} has shape {shapes}")
        if not np.can_cast(array.dtype, parameter.dtype, casting="same_kind"):
            raise _error(path, f"{name} has dtype {array.dtype}, expected {parameter.dtype}")
    for name, parameter in parameters.items():
        parameter[...] = arrays[name]


def write(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an ``.npz`` file under exactly this name: all of it, or nothing."""
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Network.save: there is no folder {path.parent}")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, **arrays)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file, as a dict; whatever is wrong with it is a ``NetworkFileError``."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"Network.load: there is no file {os.fspath(path)}")
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise _error(path, "it is not an .npz file that Network.save has written")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except NetworkFileError:
        raise
    except _DAMAGES as error:
        raise _error(path, f"it is damaged: {error}") from None


def _error(path, reason):
    return NetworkFileError(f"{os.fspath(path)} cannot be loaded: {reason}")
