"""The felt quality of stages: ``python -m benchmarks.interaction`` (``--help``: the choice).

Starts JupyterLab and a headless Chromium, makes each subject in a notebook, and moves a real pointer over it.
Every time is taken in the page: from the event to the first task after the frame that shows the answer,
beside the same for a page that only restyles 100 cells.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from .browser import chromium, jupyterlab
from .training import table

NOTEBOOK = "interaction.ipynb"
# ms, median and 95th percentile
STAGE_TARGETS = {"hover": (16, 33), "stepper": (16, 33), "slider": (16, 33), "stroke": (33, 66)}


class StageSubject(NamedTuple):
    """A stage to measure: its source, two cells to point at in turn, two buttons to press in turn.

    `pad`: the button that brings the paper to draw on, if there is one. `slider`: its first is moved, too.
    """

    name: str
    source: str
    cells: tuple
    buttons: tuple = ("stride: more", "stride: less")
    pad: str = ""
    slider: bool = False


def convolution(name, arguments=""):
    """Return a stage of convolution made of these arguments."""
    source = "import numpy as np\nfrom backprop_helpers.views.stage import ConvolutionStage\n"
    source += f"rng = np.random.default_rng(0)\nConvolutionStage({arguments})"
    return StageSubject(name, source, (("dx", [0, 0, 0]), ("dx", [1, 1, 0])))


LARGE = "rng.normal(size=(1, 16, 16, 16)), rng.normal(size=(3, 3, 16, 16)), rng.normal(size=16)"
STAGES = (
    convolution("convolution"),
    convolution("convolution, padding 1, matrix", "padding=1, reading='matrix'"),
    convolution("convolution, 16×16, 16 channels", f"{LARGE}, padding='same'"),
    convolution(
        "convolution, 12×12, 64 filters",
        "rng.integers(-4, 5, (1, 12, 12, 1)), rng.integers(-4, 5, (3, 3, 1, 64))",
    ),
    StageSubject(
        "pooling, 12×12",
        "import numpy as np\nfrom backprop_helpers.views.stage import PoolingStage\n"
        "PoolingStage(np.random.default_rng(0).normal(size=(12, 12)), stride=2)",
        (("dx", [0, 0, 0]), ("dx", [5, 5, 0])),
    ),
    StageSubject(
        "ReLU",
        "from backprop_helpers.views.stage import ReLUStage\nReLUStage()",
        (("z", [0, 0]), ("dz", [3, 5])),
        ("slope 1 at 0", "slope 1 at 0"),
        slider=True,
    ),
    StageSubject(
        "softmax",
        "from backprop_helpers.views.stage import SoftmaxStage\nSoftmaxStage()",
        (("jacobian", [0, 0]), ("jacobian", [1, 1])),
        ("+ 1", "− 1"),
        slider=True,
    ),
    StageSubject(
        "gradient check",
        "from backprop_helpers.views.stage import CheckStage\nCheckStage(subject='softmax')",
        (("curve", [20]), ("curve", [50])),
        ("float32", "float64"),
    ),
    StageSubject(
        "kernel that learns, 14×14",
        "from backprop_helpers.views.stage import KernelStage, kernel\n"
        "KernelStage(kernel.small_digit(), step=100)",
        (("x", [5, 5]), ("z", [6, 7])),
        ("blank", "from X"),
    ),
    StageSubject(
        "network",
        "from backprop_helpers.views.stage import NetworkStage\nNetworkStage()",
        (("conv2", [6, 7, 3]), ("pool2", [3, 3, 5])),
        (),
        pad="drawn",
    ),
    StageSubject(
        "graph of nudges",
        "from backprop_helpers.views.stage import NudgeStage\nNudgeStage(nudged='w', epsilon=0.5)",
        (("w", []), ("z", [])),
        ("one gate back", "next gate"),
    ),
)

# Every frame that an event causes writes `data-drawn`; the task after it has seen style, layout and painting.
WATCH_STAGE = """() => {
    const root = document.querySelector('.floor') ?? document.querySelector('.bp-stage');
    const watch = (window.stageWatch = { times: [], heard: 0 });
    const hear = (event) => { watch.heard = event.timeStamp; };
    for (const type of ['pointermove', 'click', 'keydown']) document.addEventListener(type, hear, true);
    new MutationObserver(() => {
        const { heard } = watch;
        if (!heard) return;
        watch.heard = 0;
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => watch.times.push(performance.now() - heard);
        port2.postMessage(0);
    }).observe(root, { attributes: true, attributeFilter: ['data-drawn'] });
}"""

FLOOR_NAME = "floor: 100 restyled cells"
FLOOR = """() => {
    const output = document.querySelector('.jp-OutputArea-output');
    output.innerHTML = '<div class="floor" data-drawn="0"><button>press</button><button>press</button></div>';
    const root = output.firstChild;
    root.style = 'display: grid; grid-template-columns: repeat(10, 30px); contain: layout';
    for (let n = 0; n < 100; n += 1) {
        const cell = root.appendChild(document.createElement('div'));
        cell.style.height = '30px';
        cell.textContent = n;
    }
    let count = 0;
    const restyle = () => requestAnimationFrame(() => {
        count += 1;
        for (const cell of root.children) cell.style.background = count % 2 ? 'gold' : 'white';
        root.dataset.drawn = count;
    });
    root.addEventListener('pointermove', restyle);
    root.addEventListener('click', restyle);
}"""


def stage_events(page, act, places, repeats):
    """Do something at two places in turn, each time in a frame of its own; return the milliseconds."""
    page.evaluate("stageWatch.times.length = 0")
    for repeat in range(repeats + 5):
        before = page.evaluate("stageWatch.times.length")
        act(*places[repeat % 2])
        with contextlib.suppress(Exception):  # an event without an effect is missing in the count
            page.wait_for_function("before => stageWatch.times.length > before", arg=before, timeout=1000)
    return page.evaluate("stageWatch.times")[5:]


def middles_of(locators):
    """Return where to point, one place an element."""
    boxes = [locator.bounding_box() for locator in locators]
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]


def measure_stages(page, subjects, repeats):
    """Return {(subject, kind): times} of stages, one a cell, and of the floor."""
    results = {}
    for number, subject in enumerate(subjects):
        print(f"{subject.name} …", file=sys.stderr, flush=True)
        run_cell(page, number)
        root = page.locator(".bp-stage")
        root.scroll_into_view_if_needed()
        page.evaluate(WATCH_STAGE)
        center = "(e, at) => e.bpStage.cellCenter(...at)"
        cells = [root.evaluate(center, list(at)) for at in subject.cells]
        buttons = middles_of(root.get_by_role("button", name=n, exact=True) for n in subject.buttons)
        results[subject.name, "hover"] = stage_events(page, page.mouse.move, cells, repeats)
        if buttons:
            results[subject.name, "stepper"] = stage_events(page, page.mouse.click, buttons, repeats)
        if subject.slider:
            root.get_by_role("slider").first.focus()
            keys = [("ArrowRight",), ("ArrowLeft",)]
            results[subject.name, "slider"] = stage_events(page, page.keyboard.press, keys, repeats)
        if subject.pad:
            root.get_by_role("button", name=subject.pad, exact=True).click()
            results[subject.name, "stroke"] = strokes(page, root.locator(".bp-pad").bounding_box(), repeats)
    page.evaluate(FLOOR)
    page.evaluate(WATCH_STAGE)
    root = page.locator(".floor")
    cells = middles_of(root.locator("div").nth(n) for n in (20, 57))
    buttons = middles_of(root.get_by_role("button").nth(n) for n in (0, 1))
    results[FLOOR_NAME, "hover"] = stage_events(page, page.mouse.move, cells, repeats)
    results[FLOOR_NAME, "stepper"] = stage_events(page, page.mouse.click, buttons, repeats)
    return results


def strokes(page, box, repeats):
    """Draw zigzags; return the milliseconds from each movement to the frame that shows all its maps."""
    columns = [box["x"] + box["width"] * share for share in (0.25, 0.75)]
    page.mouse.move(columns[0], box["y"] + 5)
    page.mouse.down()
    rows = iter(range(repeats + 5))

    def move(x, y):
        page.mouse.move(x, y + (box["height"] - 10) * next(rows) / (repeats + 5))

    times = stage_events(page, move, [(column, box["y"] + 5) for column in columns], repeats)
    page.mouse.up()
    return times


def print_stages(results, repeats):
    """Print median and 95th percentile of every stage, and which targets are missed."""
    rows, late = [], []
    for name in dict.fromkeys(name for name, _ in results):
        row = [name]
        for kind in STAGE_TARGETS:
            times = sorted(results.get((name, kind), []))
            if len(times) < repeats / 3:
                row += ["—", "—", "—"]
                continue
            found = statistics.median(times), times[int(0.95 * (len(times) - 1))]
            row += [*(f"{time:.1f}" for time in found), str(len(times))]
            if any(time > target for time, target in zip(found, STAGE_TARGETS[kind])):
                late.append(f"{name}, {kind}")
        rows.append(row)
    headers = ["ms", *(text for kind in STAGE_TARGETS for text in (f"{kind} → frame", "95 %", "events"))]
    table("Stages in JupyterLab: medians and 95th percentiles", headers, rows)
    targets = (f"{kind} ≤ {middle} and {most} ms" for kind, (middle, most) in STAGE_TARGETS.items())
    print("Targets, median and 95 %: " + ", ".join(targets) + ".")
    print("Missed: " + "; ".join(late) if late else "No target is missed.")


@contextlib.contextmanager
def lab_page(folder, notebook):
    """Open a notebook in JupyterLab, in a folder of its own; yield the page."""
    place = folder / "notebooks"
    place.mkdir()
    nbformat.write(notebook, place / NOTEBOOK)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={place}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    with jupyterlab(command, folder) as (address, token), chromium(height=1400) as page:
        page.goto(f"{address}lab?token={token}")
        page.wait_for_function("() => window.jupyterapp !== undefined")
        page.evaluate(
            """async path => {
                await jupyterapp.restored;
                await jupyterapp.commands.execute('docmanager:open', { path });
                await jupyterapp.shell.currentWidget.sessionContext.ready;
                jupyterapp.shell.collapseLeft();
                await jupyterapp.commands.execute('notebook:hide-all-cell-code');
            }""",
            NOTEBOOK,
        )
        yield page


def run_cell(page, number):
    """Run one cell, with all other outputs cleared, until what it shows is drawn."""
    page.evaluate(
        """async number => {
            const { commands, shell } = jupyterapp;
            await commands.execute('notebook:clear-all-cell-outputs');
            shell.currentWidget.content.activeCellIndex = number;
            await commands.execute('notebook:run-cell');
        }""",
        number,
    )
    page.wait_for_selector('.bp-stage:not([data-drawn="0"])')
    page.wait_for_timeout(1500)  # everything else of the subject, and a theme or font that comes late


def measure(options):
    """Measure all chosen stages; return {(stage, kind): times}."""
    chosen = [subject for subject in STAGES if options.only in subject.name]
    if not chosen:
        raise SystemExit(f"No stage is called {options.only!r}; see --help.")
    notebook = new_notebook(cells=[new_code_cell(subject.source) for subject in chosen])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        lab_page(Path(folder), notebook) as page,
    ):
        return measure_stages(page, chosen, options.events)


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.interaction",
        description="Measure how fast stages answer in a real browser; print it as a table.",
        epilog="The stages:\n" + "\n".join(f"  {subject.name}" for subject in STAGES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="NAME", help="stages whose name contains this text")
    parser.add_argument("--events", type=int, default=100, help="events of each kind (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.events < 1:
        parser.error("--events must be at least 1")
    return options


def main(argv=None):
    """Measure and print."""
    options = parse(argv)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}\n")
    print_stages(measure(options), options.events)


if __name__ == "__main__":
    main()
