"""Training from scratch, measured: ``python -m benchmarks.training`` (``--help`` says what can be chosen).

Every comparison is made in rounds. In each round all contestants do the same work one after the other, in
changing order, each in its own process while the others wait; the ratio is taken within the round, and the
median of the rounds is printed. What else the machine does then falls on all of them alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from backprop_helpers.training import kernels

from .contestants import Products, make_network
from .layers import DTYPES

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("reference_cnn", "lenet")
EPOCHS, TRAINING_IMAGES, TEST_IMAGES, GOAL = 3, 60_000, 10_000, 0.990
QUICK_EPOCHS, QUICK_IMAGES = 1, 6_000
ROUND_SECONDS = 0.1  # the fastest contestant works about so long in every round
MOST_FOR_SLOW = {"ndimage": 4, "pixels": 1}  # images: the loops are measured on few and scaled
TORCH = {"contiguous": "torch", "channels_last": "torch channels_last"}
LEFT_OUT = "PyTorch is not installed here, so the comparisons with it are left out."


class Contestant:
    """A process that does what it is told: see ``benchmarks.contestants``."""

    def __init__(self, kind, spec, threads):
        command = ["-m", "benchmarks.contestants", "serve", kind, json.dumps(spec)]
        self._start(command, _environment(threads))

    def _start(self, command, environment):
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._answer()

    def seconds(self, call, count=1, batch=64):
        """Return how long the contestant took for ``count`` calls on a batch."""
        return self._ask(call=call, count=count, batch=batch)

    def _ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a contestant has failed: {self.process.args}")
        return json.loads(line)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


class Checkout(Contestant):
    """The layers in a folder that holds this project at some commit: see ``benchmarks.layers``."""

    def __init__(self, folder, network, options):
        script = Path(__file__).with_name("layers.py")
        environment = _environment(options.threads) | {"PYTHONPATH": str(folder)}
        self.jobs = self._start([script, folder, network, str(options.batch)], environment)

    def job(self, name, dtype):
        """Return what `in_rounds` measures: the job's slice of time has a number of calls of its own."""
        return lambda count: count * self._ask(job=name, dtype=dtype), 1


def _environment(threads):
    # OMP_NUM_THREADS is for PyTorch, OPENBLAS_NUM_THREADS for NumPy's products and for our fast path.
    return os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}


@contextmanager
def contestants(kinds, spec, threads):
    """Start a process for each kind, and end them all."""
    started = {}
    try:
        for kind in kinds:
            started[kind] = Contestant(kind, spec, threads)
        yield started
    finally:
        for contestant in started.values():
            contestant.close()


def in_rounds(jobs, rounds):
    """Return the seconds a unit of work took in each round.

    Parameters
    ----------
    jobs : dict of str to (callable, float)
        ``measure(count)`` returns the seconds for ``count`` calls; the number is how many units a call has.
    rounds : int

    Returns
    -------
    dict of str to list of float
    """
    counts = {}
    for name, (measure, _) in jobs.items():
        measure(1)  # warms up: imports, plans, first touches of memory
        counts[name] = max(1, round(ROUND_SECONDS / measure(1)))
    results = {name: [] for name in jobs}
    names = list(jobs)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measure, units = jobs[name]
            results[name].append(measure(counts[name]) / counts[name] / units)
    return results


def best_of(results, names):
    """Return the smaller of several contestants' times, round by round."""
    return [min(times) for times in zip(*(results[name] for name in names))]


def ratio(slower, faster):
    """Return the median of the rounds' ratios and the range of their middle half, as text."""
    ratios = sorted(a / b for a, b in zip(slower, faster))
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return f"{statistics.median(ratios):.2f}", f"{quartiles[0]:.2f} to {quartiles[2]:.2f}"


def table(title, headers, rows):
    """Print rows of text as an aligned table: the first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [headers, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths))
        lines.append("  ".join([row[0].ljust(len(first)), *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    print("\n".join([title, "", *lines, ""]), flush=True)


def micro(seconds):
    """Return seconds as microseconds, in text."""
    return f"{seconds * 1e6:,.0f}" if seconds > 1e-5 else f"{seconds * 1e6:.1f}"


def per_second(times):
    """Return how many units a second the median time comes to, in text."""
    return f"{1 / statistics.median(times):,.0f}"


# ----------------------------------------------------------------------------------------------- sections


def throughput(options):
    """Training steps against PyTorch, and as a fraction of the rate of large matrix products."""
    rows = []
    for name in options.networks:
        kinds = ["ours", "products", *options.torch]
        with contestants(kinds, name, options.threads) as started:
            for kind in options.torch:
                started[kind].seconds("check")
            units = dict.fromkeys(kinds, options.batch) | {"products": 2 * Products.size**3}
            jobs = {kind: (_train(started[kind], options.batch), units[kind]) for kind in kinds}
            times = in_rounds(jobs, options.rounds)
        work = 2 * _training_multiply_adds(make_network(name))
        fraction = statistics.median(p * work / t for p, t in zip(times["products"], times["ours"]))
        sgemm = 1e-9 / statistics.median(times["products"])
        row = [name, per_second(times["ours"]), micro(statistics.median(times["ours"]))]
        if options.torch:
            row += [per_second(times[kind]) for kind in options.torch]
            row += ratio(best_of(times, options.torch), times["ours"])
        rows.append([*row, f"{sgemm:.0f}", f"{fraction:.0%}"])
    headers = ["training", "images/s", "µs/image"]
    if options.torch:
        headers += ["PyTorch contiguous", "channels_last", "ratio", "middle half"]
    table(
        f"Training: batch {options.batch}, {_threads(options)}, forward + backward + update",
        [*headers, "sgemm GFLOP/s", "of sgemm"],
        rows,
    )
    if options.torch:
        print("ratio: ours ÷ the faster of PyTorch's two memory formats; above 1 we are ahead.")
    print("of sgemm: useful operations a second, relative to a large float32 matrix product's.\n")


def _train(contestant, batch):
    return lambda count: contestant.seconds("train", count, batch)


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
            jobs = {"ours": (_train(started["ours"], options.batch), options.batch)}
            for kind, images in MOST_FOR_SLOW.items():
                started[kind].seconds("check", batch=images)
                jobs[kind] = (_train(started[kind], images), images)
            times = in_rounds(jobs, max(3, options.rounds // 5))
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


def inference(options):
    """Predictions of all test digits, against PyTorch."""
    rows = []
    for name in options.networks:
        kinds = ["ours", *options.torch]
        with contestants(kinds, name, options.threads) as started:
            jobs = {}
            for kind in kinds:
                jobs[kind] = (
                    lambda count, c=started[kind]: c.seconds("predict", count, TEST_IMAGES),
                    TEST_IMAGES,
                )
            times = in_rounds(jobs, options.rounds)
        row = [name, per_second(times["ours"]), f"{statistics.median(times['ours']) * TEST_IMAGES:.2f} s"]
        if options.torch:
            row += [per_second(times[kind]) for kind in options.torch]
            row += ratio(best_of(times, options.torch), times["ours"])
        rows.append(row)
    headers = ["inference", "images/s", f"{TEST_IMAGES:,} digits"]
    if options.torch:
        headers += ["PyTorch contiguous", "channels_last", "ratio", "middle half"]
    table(f"Inference: {TEST_IMAGES:,} digits, {_threads(options)}", headers, rows)


def growth(options):
    """Time an image as the batch, the image or the number of filters grows."""
    headers = ["", "µs/image", "million multiply-adds", "ns for a thousand"]
    batches = [1, 4, 16, 64, 256, 1024]
    with contestants(["ours"], "reference_cnn", options.threads) as started:
        jobs = {batch: (_train(started["ours"], batch), batch) for batch in batches}
        times = in_rounds(jobs, options.rounds)
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
    jobs = {name: (_train(contestant, options.batch), options.batch) for name, contestant in started.items()}
    times = in_rounds(jobs, options.rounds)
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
        table(f"Layers of {name}: batch {options.batch}, {_threads(options)}", headers, rows)
    if options.against:
        print(f"other: {options.against}; ratio: this checkout ÷ the other, below 1 this one is faster.\n")


def _layer_row(job, checkouts, rounds):
    row = [job]
    for dtype in DTYPES:
        times = in_rounds({n: c.job(job, dtype) for n, c in enumerate(checkouts)}, rounds)
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
        f"{_threads(options)}, median of {options.repeats}",
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
        env=_environment(options.threads),
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
    "slow": (slow, "training steps against loops in Python"),
    "inference": (inference, "predictions against PyTorch"),
    "growth": (growth, "time an image as batch, pixels and filters grow"),
    "layers": (layers, "each layer forward and backward, and a step of them all (see --against)"),
    "import": (imports, "time of the import"),
    "goal": (goal, "whole trainings: time, accuracy and memory, against PyTorch"),
    "accuracy": (accuracy, "test accuracy for several seeds"),
}


def _threads(options):
    return "1 thread" if options.threads == 1 else f"{options.threads} threads"


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
        "--networks", default=",".join(NETWORKS), help="networks to measure (default: %(default)s)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=kernels.default_threads(),
        help="threads for everyone (default: %(default)s)",
    )
    parser.add_argument("--batch", type=int, default=64, help="images a training step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="rounds of every comparison (default: 25, with --quick 5)")
    parser.add_argument(
        "--repeats", type=int, help="whole runs in the section goal (default: 3, with --quick 1)"
    )
    parser.add_argument(
        "--seeds", type=int, help="seeds in the section accuracy (default: 5, with --quick 2)"
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"few rounds, and runs of one epoch on {QUICK_IMAGES:,} digits"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="for the section layers: another checkout, as git worktree add FOLDER COMMIT makes it",
    )
    options = parser.parse_args(argv)
    for name, usual, quick in (("rounds", 25, 5), ("repeats", 3, 1), ("seeds", 5, 2)):
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
    options.networks = _chosen(parser, "--networks", options.networks, NETWORKS)
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
    print(f"{platform.system()} {platform.machine()}, {_versions(options)}\n")
    if not options.torch:
        print(LEFT_OUT + "\n")
    for name in options.only:
        SECTIONS[name][0](options)


def _versions(options):
    from importlib.metadata import version

    packages = ["numpy", *(["torch"] if options.torch else [])]
    numbers = [f"{package} {version(package)}" for package in packages]
    return ", ".join([f"Python {platform.python_version()}", *numbers])


if __name__ == "__main__":
    main()
