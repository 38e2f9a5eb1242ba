"""The one digit and the one small trained network that all lessons share.

    python -m backprop_helpers.training.series

trains the network (``reference_cnn``, lesson 11's recipe) on 55,000 digits, measures it on the 5,000 that
are held out, and writes ``data/series_cnn.npz`` and ``data/series_snapshots.npz``. The test digits have no
part in it. Same machine and number of threads, same files.
"""

from __future__ import annotations

import argparse
import functools

import numpy as np

from . import mnist, network_file
from .fit import fit
from .network import Network, reference_cnn

CNN_FILE = mnist.DATA_FOLDER / "series_cnn.npz"
SNAPSHOTS_FILE = mnist.DATA_FOLDER / "series_snapshots.npz"
SEED = 0
EPOCHS = 3
HELD_OUT = 5_000  # the last of the training digits: what is chosen is chosen on them
SNAPSHOT_STEPS = (0, 60, 240, 600, 1200, 2580)  # the last is the end of three epochs of 860 batches of 64
DIGIT = 5561  # among the test digits: a 4 with strokes in all directions, corners, a closed triangle


def series_cnn() -> Network:
    """Load the series' network: ``reference_cnn``, trained for three epochs on 55,000 training digits."""
    return Network.load(CNN_FILE)


def series_snapshots() -> list[tuple[int, Network]]:
    """Load the series' network at six moments of its training, each with the number of steps done.

    The first is 0, untrained, the last is ``series_cnn()``.
    """
    arrays = network_file.read(SNAPSHOTS_FILE)
    if set(arrays) != {"steps", "parameters"}:
        raise network_file.NetworkFileError(f"{SNAPSHOTS_FILE} cannot be loaded: it holds no snapshots")
    snapshots = []
    for step, vector in zip(arrays["steps"].tolist(), arrays["parameters"]):
        net = reference_cnn(seed=SEED)
        net.parameters.vector[...] = vector
        snapshots.append((step, net))
    return snapshots


def series_digit(dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return the series' digit, one of the 10,000 test digits, and its label: (1, 28, 28, 1) and (1,).

    Its pixels are in [0, 1], as in ``load_mnist().test_images``; both arrays are yours to change.
    """
    pixels, label = _digit()
    return pixels.astype(dtype), label.copy()


@functools.cache
def _digit():
    test = mnist.load_test_set()
    return test[0][[DIGIT]], test[1][[DIGIT]]


def train() -> tuple[Network, list[tuple[int, np.ndarray]]]:
    """Train the series' network, and keep copies of its parameters at ``SNAPSHOT_STEPS``."""
    digits = mnist.load_mnist()
    net = reference_cnn(seed=SEED)
    snapshots = [(0, net.parameters.vector.copy())]

    def keep(step, net):
        if step in SNAPSHOT_STEPS:
            snapshots.append((step, net.parameters.vector.copy()))

    fit(
        net,
        digits.train_images[:-HELD_OUT],
        digits.train_labels[:-HELD_OUT],
        epochs=EPOCHS,
        seed=SEED,
        validation=(digits.train_images[-HELD_OUT:], digits.train_labels[-HELD_OUT:]),
        after_step=keep,
    )
    return net, snapshots


def write(net: Network, snapshots: list[tuple[int, np.ndarray]]) -> None:
    """Write the two files of the series."""
    net.save(CNN_FILE)
    steps, vectors = zip(*snapshots)
    network_file.write(SNAPSHOTS_FILE, {"steps": np.array(steps, np.int64), "parameters": np.array(vectors)})


def main(arguments: list[str] | None = None) -> None:
    """Train and write, and say what came out."""
    argparse.ArgumentParser(
        prog="python -m backprop_helpers.training.series",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    net, snapshots = train()
    if [step for step, _ in snapshots] != list(SNAPSHOT_STEPS):
        raise SystemExit("not finished: nothing written")
    write(net, snapshots)
    test = mnist.load_test_set()
    for step, stage in series_snapshots():
        print(f"after {step:4} steps: {stage.accuracy(*test):.2%} of the test digits right")
    print(f"wrote data/{CNN_FILE.name} and data/{SNAPSHOTS_FILE.name}")


if __name__ == "__main__":
    main()
