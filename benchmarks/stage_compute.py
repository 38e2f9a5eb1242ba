"""The series' network as a page computes it: ``python -m benchmarks.stage_compute`` (needs Node.js).

One digit forward and backward, all activations and their gradients, in one thread of Node.js, which runs the
modules as Chromium does. The first run, before anything is compiled, is printed beside the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from pathlib import Path

from backprop_helpers.training.series import series_cnn, series_digit

from .node import lay_out, network_json, run_node
from .training import table

SCRIPT = Path(__file__).with_suffix(".js")
TARGET = 8  # ms, forward and backward together
WARM = 10  # runs, at most a quarter of all, that do not count


def measure(node, repeats):
    """Return {"decode", "forward", "backward": milliseconds of every run}."""
    image, _ = series_digit()
    pixels = {"shape": image.shape[1:], "data": image.ravel().tolist()}
    data = {"network": network_json(series_cnn()), "image": pixels, "repeats": repeats}
    with tempfile.TemporaryDirectory() as folder:
        script = lay_out(Path(folder), SCRIPT, data)
        process = run_node(node, [script.name], folder)
    if process.returncode:
        raise SystemExit(process.stderr)
    return json.loads(process.stdout)


def summary(times):
    """Return the row of one kind of work: first run, median and 95th percentile of the warm ones."""
    warm = sorted(times[min(WARM, len(times) // 4) :])
    return [times[0], statistics.median(warm), warm[int(0.95 * (len(warm) - 1))]]


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stage_compute", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200, help="digits (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        raise SystemExit("Node.js is not installed here.")
    times = measure(node, options.repeats)
    both = [f + b for f, b in zip(times["forward"], times["backward"])]
    rows = {"forward": times["forward"], "backward": times["backward"], "forward + backward": both}
    version = run_node(node, ["--version"], Path.cwd()).stdout.strip()
    print(f"{platform.platform()}, {os.cpu_count()} processors, Node.js {version}\n")
    table(
        f"The series' network on one digit, {options.repeats} times",
        ["ms", "first", "median", "95 in 100"],
        [[name, *(f"{value:.2f}" for value in summary(row))] for name, row in rows.items()],
    )
    print(f"Weights decoded in {times['decode'][0]:.1f} ms, once.")
    middle = summary(both)[1]
    print(f"Target: {TARGET} ms for both; {'reached' if middle <= TARGET else 'missed'}.")


if __name__ == "__main__":
    main()
