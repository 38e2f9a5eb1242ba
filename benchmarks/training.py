"""Training from scratch, measured: ``python -m benchmarks.training`` (``--help`` says what can be chosen).

Every comparison is made in rounds. In each round all contestants take turns, in changing order, each in a
process of its own, warmed up, for three seconds at least, while the others wait: a user trains for seconds
to minutes, and PyTorch needs the first of them to get warm. What else the machine does meanwhile is measured,
and a turn beside more than a tenth of foreign load is taken again. The ratio is taken within the round; the
median of the rounds and their middle half are printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from backprop_helpers.training import kernels

from .layers import DTYPES
from .networks import TWELVE, TWO, make_network
from .rounds import (
    ROOT,
    Contestant,
    best_of,
    contestants,
    environment,
    in_rounds,
    micro,
    per_second,
    ratio,
    table,
)

EPOCHS, TRAINING_IMAGES, TEST_IMAGES, GOAL = 3, 60_000, 10_000, 0.990
QUICK_EPOCHS, QUICK_IMAGES = 1, 6_000
ROUND_SECONDS, QUICK_SECONDS = 3.0, 0.3
MOST_FOR_SLOW = {"ndimage": 4, "pixels": 1}  # images: the loops are measured on few and scaled
MEMORY_BATCH = 1_000
TORCH = {"contiguous": "torch", "channels_last": "torch channels_last"}
LEFT_OUT = "PyTorch is not installed here, so the comparisons with it are left out."
NO_EVIDENCE = (
    "--quick: turns of a third of a second, in which PyTorch does not get warm. "
    "These numbers are no evidence; they show that the benchmark runs."
)


class Checkout(Contestant):
    """The layers in a folder that holds this project at some commit: see ``benchmarks.layers``."""

    def __init__(self, folder, network, options):
        script = Path(__file__).with_name("layers.py")
        variables = environment(options.threads) | {"PYTHONPATH": str(folder)}
        self.jobs = self._start([script, folder, network, str(options.batch)], variables)

    def turn(self, call, seconds, batch):
        """Return seconds a call of a job; how long it is measured for, ``benchmarks.layers`` decides."""
        name, dtype = call
        return self._ask(job=name, dtype=dtype), None


# ----------------------------------------------------------------------------------------------- sections


def throughput(options):
    """Train the two networks against PyTorch, and as a fraction of the rate of large matrix products."""
    _throughput(options, options.threads)


def one_thread(options):
    """Do the same on one thread, where PyTorch's threads do not wait for each other."""
    _throughput(options, 1)


def _throughput(options, threads):
    rows, notes = [], []
    for name in options.networks:
        times = _compare(name, "train", options.batch, ["products"], threads, options)
        work = 2 * _training_multiply_adds(make_network(name))
        fraction = statistics.median(p * work / t for p, t in zip(times["products"], times["ours"]))
        sgemm = 1e-9 / statistics.median(times["products"])
        rows.append([*_row(name, times, options), f"{sgemm:.0f}", f"{fraction:.0%}"])
        notes.append(f"{name}: {times.note()}")
    headers = [*_headers("training", options), "sgemm GFLOP/s", "of sgemm"]
    _show(f"Training: batch {options.batch}, {_threads(threads)}", headers, rows, notes, options)
    print("of sgemm: useful operations a second, relative to a large float32 matrix product's.\n")


def twelve(options):
    """Train twelve networks, as learners build them, against PyTorch."""
    rows, notes, ratios = [], [], []
    for name in options.twelve:
        times = _compare(name, "train", options.batch, [], options.threads, options)
        rows.append(_row(name, times, options))
        notes.append(f"{name}: {times.note()}")
        if options.torch:
            ratios.append(float(rows[-1][-3]))
    title = f"Training twelve networks: batch {options.batch}, {_threads(options.threads)}"
    _show(title, _headers("training", options), rows, notes, options)
    if ratios:
        print(f"median of the ratios {statistics.median(ratios):.2f}, smallest {min(ratios):.2f}\n")


def inference(options):
    """Predictions of all test digits, against PyTorch."""
    rows, notes = [], []
    for name in options.networks:
        times = _compare(name, "predict", TEST_IMAGES, [], options.threads, options)
        rows.append(_row(name, times, options))
        notes.append(f"{name}: {times.note()}")
    title = f"Inference: {TEST_IMAGES:,} digits, {_threads(options.threads)}"
    _show(title, _headers("inference", options), rows, notes, options)


def _compare(name, call, batch, others, threads, options):
    """Let ours, PyTorch's and others take turns at one network."""
    with contestants(["ours", *options.torch, *others], name, threads) as started:
        for kind in options.torch:
            started[kind].check(4)
        jobs = {kind: (contestant, call, batch) for kind, contestant in started.items()}
        return in_rounds(jobs, options.rounds, options.seconds)


def _row(name, times, options):
    row = [name, per_second(times["ours"]), micro(statistics.median(times["ours"]))]
    if options.torch:
        best = best_of(times, options.torch)
        row += [per_second(times[kind]) for kind in options.torch]
        row += [*ratio(best, times["ours"]), ratio(times["ours"], best)[0]]
    return row


def _headers(work, options):
    theirs = ["PyTorch contiguous", "channels_last", "ours ÷ theirs", "middle half", "theirs ÷ ours"]
    return [work, "images/s", "µs/image", *(theirs if options.torch else [])]


def _show(title, headers, rows, notes, options):
    table(f"{title}; {options.rounds} rounds, turns of {options.seconds:g} s", headers, rows)
    if options.torch:
        print(
            "ours ÷ theirs: images a second, against the faster of PyTorch's two memory formats in the round."
        )
    print("\n".join([*notes, ""]), flush=True)


def memory(options):
    """Measure the most memory that steps on large batches need, against PyTorch."""
    rows = []
    for name in [*options.networks, *options.twelve]:
        row = [name]
        for kind in ("ours", *options.torch):
            with contestants([kind], name, options.threads) as started:
                row.append(started[kind].peak(MEMORY_BATCH))
        if None in row:
            print("How much memory a process uses is not told by this system.\n")
            return
        least = min(row[2:], default=math.nan)
        rows.append([name, *(f"{size:,.0f}" for size in row[1:]), f"{row[1] / least:.2f}"])
    headers = ["MB beyond the data", "ours", *(f"PyTorch {kind}" for kind in TORCH if options.torch), "ratio"]
    table(f"Memory: training steps on batches of {MEMORY_BATCH:,}", headers, rows)


def _training_multiply_adds(network):
    """Forward once, the weights' gradients once, and the input's once, but not the first layer's."""
    counts = [row.multiply_adds for row in network.summary().rows if row.parameters]
    return 3 * sum(counts) - counts[0]


def slow(options):
    """Training steps against loops, on a small batch."""
    rows = []
    for name in options.networks:
        kinds = ["ours", *MOST_FOR_SLOW]
        with contestants(kinds, name, options.threads) as started:
            jobs = {"ours": (started["ours"], "train", options.batch)}
            for kind, images in MOST_FOR_SLOW.items():
                started[kind].check(images)
                jobs[kind] = (started[kind], "train", images)
            times = in_rounds(jobs, max(3, options.rounds // 2), options.seconds)
        for kind, words in (
            ("ndimage", "scipy.ndimage for each pair of maps"),
            ("pixels", "loops over pixels"),
        ):
            row = [f"{name}, {words}", micro(statistics.median(times[kind]))]
            rows.append([*row, micro(statistics.median(times["ours"])), *ratio(times[kind], times["ours"])])
    table(
        "Training against loops (the loops on a few images, scaled)",
        ["", "µs/image", "ours", "ratio", "middle half"],
        rows,
    )


def growth(options):
    """Time an image as the batch, the image or the number of filters grows."""
    headers = ["", "µs/image", "million multiply-adds", "ns for a thousand"]
    batches = [1, 4, 16, 64, 256, 1024]
    with contestants(["ours"], "reference_cnn", options.threads) as started:
        jobs = {batch: (started["ours"], "train", batch) for batch in batches}
        times = in_rounds(jobs, options.rounds, options.seconds)
    work = _training_multiply_adds(make_network("reference_cnn"))
    rows = [_growth_row(f"batch of {batch:,}", times[batch], work) for batch in batches]
    table("Growth with the batch (reference_cnn)", headers, rows)

    sizes = {
        f"{side} × {side} pixels": {"filters": [8, 16], "hidden": 64, "side": side}
        for side in (14, 28, 56, 112)
    }
    _grow("Growth with the image", headers, sizes, options)
    filters = (8, 16, 32, 64)
    sizes = {f"second layer with {k} filters": {"filters": [8, k], "hidden": 64, "side": 28} for k in filters}
    _grow("Growth with the filters", headers, sizes, options)


def _grow(title, headers, specs, options):
    started = {name: Contestant("ours", spec, options.threads) for name, spec in specs.items()}
    jobs = {name: (contestant, "train", options.batch) for name, contestant in started.items()}
    times = in_rounds(jobs, options.rounds, options.seconds)
    for contestant in started.values():
        contestant.close()
    works = {name: _training_multiply_adds(make_network(spec)) for name, spec in specs.items()}
    table(f"{title} (batch {options.batch})", headers, [_growth_row(n, times[n], works[n]) for n in specs])


def _growth_row(name, times, multiply_adds):
    seconds = statistics.median(times)
    return [name, micro(seconds), f"{multiply_adds / 1e6:.2f}", f"{seconds / multiply_adds * 1e12:.1f}"]


def layers(options):
    """Each layer by itself and a step of them all; with --against beside those of another checkout."""
    folders = [ROOT, *([options.against] if options.against else [])]
    headers = ["milliseconds"]
    for dtype in DTYPES:
        headers += [dtype, *(["other", "ratio"] if options.against else [])]
    for name in options.networks:
        with ExitStack() as stack:
            checkouts = [stack.enter_context(closing(Checkout(f, name, options))) for f in folders]
            rows = [_layer_row(job, checkouts, options.rounds) for job in checkouts[0].jobs]
        table(f"Layers of {name}: batch {options.batch}, {_threads(options.threads)}", headers, rows)
    if options.against:
        print(f"other: {options.against}; ratio: this checkout ÷ the other, below 1 this one is faster.\n")


def _layer_row(job, checkouts, rounds):
    row = [job]
    for dtype in DTYPES:
        times = in_rounds({n: (c, (job, dtype), 0) for n, c in enumerate(checkouts)}, rounds, 0)
        row += [f"{statistics.median(t) * 1e3:.3f}" for t in times.values()]
        row += [ratio(*times.values())[0]] if len(checkouts) > 1 else []
    return row


def imports(options):
    """How long the import takes."""
    seconds = {"python": [], "import backprop_helpers.training": []}
    for _ in range(5):
        for words, code in zip(seconds, ("", "import backprop_helpers.training")):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
            seconds[words].append(time.perf_counter() - started)
    bare, whole = map(statistics.median, seconds.values())
    rows = [["import backprop_helpers.training", f"{whole - bare:.2f} s"]]
    table("Import, beyond Python's own start", ["", "time"], rows)


def goal(options):
    """Train in a fresh process: time, accuracy, memory."""
    epochs, images = _training_size(options)
    rows = []
    for name in options.networks:
        for kind, words in (("ours", "ours"), ("torch", "PyTorch, channels_last")):
            if kind == "torch" and not options.torch:
                continue
            runs = [_run(kind, name, seed, epochs, images, options) for seed in range(options.repeats)]
            seconds = statistics.median(run["seconds"] for run in runs)
            accuracies = [run["accuracy"] for run in runs]
            reached = "yes" if statistics.median(accuracies) >= GOAL else "no"
            row = [f"{name}, {words}", f"{seconds:.1f} s", f"{statistics.median(accuracies):.2%}", reached]
            rows.append([*row, _memory(runs)])
    table(
        f"Whole runs: start Python, import, load, train {epochs} epochs on {images:,} digits, evaluate; "
        f"{_threads(options.threads)}, median of {options.repeats}",
        ["", "time", "test accuracy", f"{GOAL:.1%} reached", "peak memory"],
        rows,
    )


def accuracy(options):
    """Test accuracy for several seeds."""
    epochs, images = _training_size(options)
    rows = []
    for name in options.networks:
        runs = [_run("ours", name, seed, epochs, images, options) for seed in range(options.seeds)]
        accuracies = sorted(run["accuracy"] for run in runs)
        row = [name, f"{statistics.median(accuracies):.2%}", f"{accuracies[0]:.2%}", f"{accuracies[-1]:.2%}"]
        rows.append([*row, f"{statistics.median(run['seconds'] for run in runs):.1f} s"])
    table(
        f"Accuracy on the {TEST_IMAGES:,} test digits: {epochs} epochs on {images:,}, {options.seeds} seeds",
        ["", "median", "lowest", "highest", "time of a run"],
        rows,
    )


def _training_size(options):
    return (QUICK_EPOCHS, QUICK_IMAGES) if options.quick else (EPOCHS, TRAINING_IMAGES)


def _run(kind, network, seed, epochs, images, options):
    command = [sys.executable, "-m", "benchmarks.contestants", "run", kind, network, seed, epochs, images]
    started = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env=environment(options.threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout) | {"seconds": time.perf_counter() - started}


def _memory(runs):
    peaks = [run["memory"] for run in runs]
    return "not told by this system" if None in peaks else f"{max(peaks):,.0f} MB"


SECTIONS = {
    "throughput": (throughput, "training steps against PyTorch and against large matrix products"),
    "one": (one_thread, "the same on one thread"),
    "twelve": (twelve, "twelve networks as learners build them, against PyTorch"),
    "memory": (memory, f"memory for batches of {MEMORY_BATCH:,}, against PyTorch"),
    "slow": (slow, "training steps against loops in Python"),
    "inference": (inference, "predictions against PyTorch"),
    "growth": (growth, "time an image as batch, pixels and filters grow"),
    "layers": (layers, "each layer forward and backward, and a step of them all (see --against)"),
    "import": (imports, "time of the import"),
    "goal": (goal, "whole trainings: time, accuracy and memory, against PyTorch"),
    "accuracy": (accuracy, "test accuracy for several seeds"),
}


def _threads(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def parse(argv):
    """Read the command line."""
    width = max(map(len, SECTIONS))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training",
        description="Measure how fast and how well the networks train, and print it as tables.",
        epilog="The sections:\n"
        + "\n".join(f"  {name:<{width}}  {words}" for name, (_, words) in SECTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", help="sections to run, with commas between; by default all", metavar="SECTIONS"
    )
    parser.add_argument(
        "--networks", default=",".join(TWO), help="networks to measure (default: %(default)s)"
    )
    parser.add_argument(
        "--twelve", metavar="NUMBERS", help="which of the twelve, such as 1,4 (default: all)", default=""
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=kernels.default_threads(),
        help="threads for everyone (default: %(default)s)",
    )
    parser.add_argument("--batch", type=int, default=64, help="images a training step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="rounds of every comparison (default: 7, with --quick 3)")
    parser.add_argument(
        "--repeats", type=int, help="whole runs in the section goal (default: 3, with --quick 1)"
    )
    parser.add_argument(
        "--seeds", type=int, help="seeds in the section accuracy (default: 5, with --quick 2)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"few short rounds, and runs of one epoch on {QUICK_IMAGES:,} digits: no evidence",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="for the section layers: another checkout, as git worktree add FOLDER COMMIT makes it",
    )
    options = parser.parse_args(argv)
    for name, usual, quick in (("rounds", 7, 3), ("repeats", 3, 1), ("seeds", 5, 2)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    for name in ("threads", "batch", "rounds", "repeats", "seeds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    if options.against:
        options.against = options.against.resolve()  # the processes work in ROOT
        if not (options.against / "backprop_helpers" / "layers").is_dir():
            parser.error(f"--against: {options.against} holds no backprop_helpers/layers")
    options.only = _chosen(parser, "--only", options.only or ",".join(SECTIONS), SECTIONS)
    options.networks = _chosen(parser, "--networks", options.networks, TWO)
    numbers = {str(number): name for number, name in enumerate(TWELVE, 1)}
    chosen = _chosen(parser, "--twelve", options.twelve or ",".join(numbers), numbers)
    options.twelve = [numbers[number] for number in chosen]
    options.seconds = QUICK_SECONDS if options.quick else ROUND_SECONDS
    options.torch = list(TORCH.values()) if importlib.util.find_spec("torch") else []
    return options


def _chosen(parser, option, text, known):
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            parser.error(f"{option}: {name!r} is not one of {', '.join(known)}")
    return names


def main(argv=None):
    """Run the sections that were chosen."""
    options = parse(argv)
    print(f"{_machine()}, {_versions(options)}\n")
    if options.quick:
        print(NO_EVIDENCE + "\n")
    if not options.torch:
        print(LEFT_OUT + "\n")
    for name in options.only:
        SECTIONS[name][0](options)


def _machine():
    """Say which processor this is, as far as the system knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} × {model}"


def _versions(options):
    from importlib.metadata import version

    packages = ["numpy", *(["torch"] if options.torch else [])]
    numbers = [f"{package} {version(package)}" for package in packages]
    return ", ".join([f"Python {platform.python_version()}", *numbers])


if __name__ == "__main__":
    main()
