"""How things are compared: processes that take turns, the load of everything else, ratios in the round."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WARMING_SECONDS = 1.0
MOST_FOREIGN_LOAD = 0.10  # of all processors' time: a turn with more is taken again
MOST_TURNS = 5  # so often at most


class Contestant:
    """A process that does what it is told: see ``benchmarks.contestants``."""

    def __init__(self, kind, network, threads):
        command = ["-m", "benchmarks.contestants", "serve", kind, json.dumps(network)]
        self._start(command, environment(threads))

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

    def turn(self, call, seconds, batch):
        """Let it work for so many seconds at least; return seconds a unit of work, and the foreign load."""
        before = busy_seconds()
        started = time.perf_counter()
        done = self._ask(call=call, seconds=seconds, batch=batch)
        passed = time.perf_counter() - started
        busy = None if before is None else busy_seconds() - before - done["cpu"]
        load = None if busy is None else max(0.0, busy / passed / os.cpu_count())
        return done["seconds"] / done["units"], load

    def check(self, batch):
        """Let it complain unless it computes what the others compute."""
        self._ask(call="check", seconds=0, batch=batch)

    def peak(self, batch):
        """Return how many MB a few training steps need at most; None if the system does not tell."""
        return self._ask(call="peak", seconds=0, batch=batch)

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


def environment(threads):
    """Return what every process finds in its environment."""
    # OMP_NUM_THREADS is for PyTorch, OPENBLAS_NUM_THREADS for NumPy's products and for our fast path.
    return os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}


@contextmanager
def contestants(kinds, network, threads):
    """Start a process for each kind, and end them all."""
    started = {}
    try:
        for kind in kinds:
            started[kind] = Contestant(kind, network, threads)
        yield started
    finally:
        for contestant in started.values():
            contestant.close()


def busy_seconds():
    """Return for how long all processors together have worked, or been taken away; None if none can say."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Times(dict):
    """Seconds a unit of work by contestant, one entry a round; ``loads`` are the foreign loads."""

    def __init__(self, names):
        super().__init__((name, []) for name in names)
        self.loads, self.repeated = [], 0

    def note(self):
        """Say in a line how quiet the machine was."""
        if not self.loads:
            return "the load of other processes is not told by this system"
        text = f"load of other processes: median {statistics.median(self.loads):.1%}, at most "
        return f"{text}{max(self.loads):.1%}; turns repeated for it: {self.repeated}"


def in_rounds(jobs, rounds, seconds):
    """Let all take turns.

    Parameters
    ----------
    jobs : dict of str to (Contestant, str, int)
        Whose turn, the call, and the batch.
    rounds : int
    seconds : float
        How long each turn takes at least. A turn beside a foreign load is taken again.

    Returns
    -------
    Times
    """
    for contestant, call, batch in jobs.values():  # imports, plans, first touches of memory, clocks
        contestant.turn(call, min(WARMING_SECONDS, seconds), batch)
    times, names = Times(jobs), list(jobs)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            contestant, call, batch = jobs[name]
            for _ in range(MOST_TURNS):
                each, load = contestant.turn(call, seconds, batch)
                if load is None or load <= MOST_FOREIGN_LOAD:
                    break
                times.repeated += 1
            times[name].append(each)
            if load is not None:
                times.loads.append(load)
    return times


def best_of(times, names):
    """Return the smallest of several contestants' times, round by round."""
    return [min(each) for each in zip(*(times[name] for name in names))]


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
