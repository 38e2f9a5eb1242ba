"""The felt quality of stages and explorers: ``python -m benchmarks.interaction`` (``--help``: the choice).

Starts JupyterLab and a headless Chromium, makes each subject in a notebook, and moves a real pointer over it.
Every time is taken in the page. Of a stage: from the event to the first task after the frame that shows the
answer, beside the same for a page that only restyles 100 cells. Of an explorer: from the event to the end of
the last redraw that it caused, so it holds the way to Python and back.
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
STAGE_TARGETS = {"hover": (16, 33), "stepper": (16, 33), "stroke": (33, 66)}  # ms, median and 95th percentile
WORDS = ("hover → highlight", "slider → redrawn", "digit → prediction")
TARGETS = {"hover": 50, "slider": 100, "digit": 100}  # ms, medians
QUIET = 150  # ms without a redraw: what an event caused is done


class Subject(NamedTuple):
    """Something to measure.

    Attributes
    ----------
    name : str
    source : str
        Code of the cell that shows it.
    view : str
        Selector of the matrices to point at; the first that is drawn is hovered. The empty text leaves
        pointing out.
    slider : str
        Description of the slider that is moved with the arrow keys; the empty text leaves sliders out.
    before : str
        Code to run in the kernel before a digit is drawn; the empty text: there is no pad.
    answer : str
        Selector of the element that shows the prediction.
    """

    name: str
    source: str
    view: str = ".bp-matrix:not(.bp-matrix-paint)"
    slider: str = ""
    before: str = ""
    answer: str = ""


PAIR = """
import ipywidgets as widgets
import numpy as np
from backprop_helpers.views.matrix_view import Highlight, MatrixView

x = MatrixView(np.arange(64).reshape(8, 8), title="x")
z = MatrixView(np.arange(36).reshape(6, 6), title="z")
size = widgets.IntSlider(1, 1, 50, description="size")

def follow(change):
    cells = [] if change.new is None else [(min(i, 5), min(change.new[1], 5)) for i in range(3)]
    z.highlights = [Highlight(cells, "blue", "reads it")]

x.observe(follow, "active")
size.observe(lambda change: z.update(np.arange(36).reshape(6, 6) * change.new), "value")
widgets.VBox([widgets.HBox([x, z]), size])
"""


def explorer(name, arguments="", **options):
    """Return the `Subject` for an explorer of `backprop_helpers.views.explorers`."""
    source = f"from backprop_helpers.views.explorers import {name}\nexplorer = {name}({arguments})\nexplorer"
    return Subject(name, source, **options)


SUBJECTS = (
    Subject("two linked matrices", PAIR, slider="size"),
    explorer("ReLUExplorer", slider="bias"),
    explorer("SoftmaxExplorer", slider="z[0]"),
)


class StageSubject(NamedTuple):
    """A stage to measure: its source, two cells to point at in turn, two buttons to press in turn.

    `pad`: the button that brings the paper to draw on, if there is one.
    """

    name: str
    source: str
    cells: tuple
    buttons: tuple = ("stride: more", "stride: less")
    pad: str = ""


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
        "softmax",
        "from backprop_helpers.views.stage import SoftmaxStage\nSoftmaxStage()",
        (("jacobian", [0, 0]), ("jacobian", [1, 1])),
        ("+ 1", "− 1"),
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
    for (const type of ['pointermove', 'click']) document.addEventListener(type, hear, true);
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


def measure_stages(page, subjects, first, repeats):
    """Return {(subject, kind): times} of stages, whose cells begin with the `first`, and of the floor."""
    results = {}
    for number, subject in enumerate(subjects, first):
        print(f"{subject.name} …", file=sys.stderr, flush=True)
        run_cell(page, number, '.bp-stage:not([data-drawn="0"])')
        root = page.locator(".bp-stage")
        root.scroll_into_view_if_needed()
        page.evaluate(WATCH_STAGE)
        center = "(e, at) => e.bpStage.cellCenter(...at)"
        cells = [root.evaluate(center, list(at)) for at in subject.cells]
        buttons = middles_of(root.get_by_role("button", name=n, exact=True) for n in subject.buttons)
        results[subject.name, "hover"] = stage_events(page, page.mouse.move, cells, repeats)
        if buttons:
            results[subject.name, "stepper"] = stage_events(page, page.mouse.click, buttons, repeats)
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


# One observer for all matrices of the output. `quiet` gives the time from an event to the last redraw of it.
WATCH = """(answer) => {
    const output = document.querySelector('.jp-OutputArea-output');
    const watch = {};
    window.benchmark?.stop();
    const types = ['pointermove', 'pointerdown', 'keydown'];
    const hear = event => { watch.heard = [event.type, event.timeStamp]; };
    for (const type of types) document.addEventListener(type, hear, true);
    const observer = new MutationObserver(changes => {
        const now = performance.now();
        for (const { target, attributeName, type } of changes) {
            // Written-out arithmetic counts as well; a slider's own readout is no answer of Python's.
            const html = type === 'childList' && target.closest?.('.widget-html');
            if (attributeName === 'data-highlights' || html) watch.highlight = now;
            if (attributeName === 'data-drawn' || html) watch.last = now;
            if (html && answer && html.querySelector(answer)) watch.answer ??= now;
            if (attributeName || html) watch.any = now;
        }
    });
    observer.observe(output, {
        subtree: true, childList: true, attributes: true,
        attributeFilter: ['data-highlights', 'data-drawn'] });
    watch.stop = () => {
        observer.disconnect();
        for (const type of types) document.removeEventListener(type, hear, true);
    };
    watch.reset = () => {
        for (const name of ['heard', 'last', 'highlight', 'any', 'answer']) watch[name] = undefined;
    };
    watch.quiet = async (quiet, type, what) => {
        const begun = performance.now();
        for (;;) {
            await new Promise(resolve => setTimeout(resolve, 20));
            const now = performance.now();
            if (watch[what] !== undefined && now - (watch.any ?? begun) > quiet) break;
            if (now - begun > 2000) return null;
        }
        return watch.heard?.[0] === type ? watch[what] - watch.heard[1] : null;
    };
    watch.reset();
    window.benchmark = watch;
}"""


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


def run_cell(page, number, drawn=".bp-matrix[data-geometry], .bp-explorer svg"):
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
    page.wait_for_selector(drawn)
    page.wait_for_timeout(1500)  # everything else of the subject, and a theme or font that comes late


def in_kernel(page, code):
    """Run code in the notebook's kernel."""
    page.evaluate(
        """async code => {
            const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
            await kernel.requestExecute({ code }).done;
        }""",
        code,
    )


def settle(page):
    """Wait until nothing is redrawn any more, and forget what was."""
    page.wait_for_timeout(QUIET)
    page.evaluate("() => benchmark.reset()")


def measured(page, kind, what):
    """Return the milliseconds from the event of a `kind` to `what` it caused, or None."""
    return page.evaluate("([quiet, kind, what]) => benchmark.quiet(quiet, kind, what)", [QUIET, kind, what])


def hovers(page, subject, repeats):
    """Move the pointer from cell to cell; return the times until the highlights are drawn."""
    target = page.locator(subject.view).filter(visible=True).first
    target.scroll_into_view_if_needed()
    geometry = target.evaluate("e => JSON.parse(e.dataset.geometry)")
    corner = target.locator(".bp-matrix-stage").bounding_box()
    (left, top), side = geometry["panels"][0], geometry["cell"]
    times = []
    for repeat in range(repeats + 3):
        # Diagonal neighbours in turn: every hover changes both the row and the column.
        row, column = repeat % min(2, geometry["rows"]), repeat % min(2, geometry["columns"])
        settle(page)
        page.mouse.move(corner["x"] + left + (column + 0.5) * side, corner["y"] + top + (row + 0.5) * side)
        times.append(measured(page, "pointermove", "highlight"))
    page.mouse.move(2, 2)
    return times[3:]


def slides(page, subject, repeats):
    """Move a slider with the arrow keys; return the times until the last matrix is redrawn."""
    handles = page.locator(".noUi-handle:not([disabled])")
    if subject.slider != "*":
        box = page.locator(".widget-inline-hbox, .widget-hslider").filter(has_text=subject.slider)
        handles = box.locator(".noUi-handle")
    if handles.count() == 0:
        return []
    handle = handles.first
    handle.scroll_into_view_if_needed()
    handle.focus()
    times, key = [], "ArrowRight"
    for _ in range(repeats + 3):
        settle(page)
        before = handle.get_attribute("aria-valuenow")
        page.keyboard.press(key)
        times.append(measured(page, "keydown", "last"))
        if handle.get_attribute("aria-valuenow") == before:  # at its end: turn round
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
            times.pop()
            times.append(None)
    return times[3:]


def digits(page, subject, repeats):
    """Draw with the pad's brush; return the times from the pointer's event to the prediction."""
    in_kernel(page, subject.before)
    pad = page.locator(".bp-matrix-paint").filter(visible=True).first
    pad.wait_for()
    page.wait_for_timeout(1000)
    page.evaluate(WATCH, subject.answer)
    corner = pad.locator(".bp-matrix-stage").bounding_box()
    geometry = pad.evaluate("e => JSON.parse(e.dataset.geometry)")
    (left, top), side = geometry["panels"][0], geometry["cell"]
    times = []
    for repeat in range(repeats + 3):
        # A vertical line, a little longer with every event: each is a different digit.
        x = corner["x"] + left + (10 + 4 * (repeat // 10)) * side
        y = corner["y"] + top + (5 + 1.7 * (repeat % 10)) * side
        page.mouse.move(x, y)
        settle(page)
        page.mouse.down()
        times.append(measured(page, "pointerdown", "answer"))
        page.mouse.up()
    return times[3:]


def median(times, repeats):
    """Return the median in ms and the slowest tenth, as text; a dash if too few events had an effect."""
    found = sorted(t for t in times if t is not None)
    if len(found) < max(1, repeats // 3):
        return "—", "—", None
    middle = statistics.median(found)
    return f"{middle:.0f}", f"{found[int(0.9 * (len(found) - 1))]:.0f}", middle


def measure(options):
    """Measure all chosen subjects; return {(subject, kind): times} of the stages and of the explorers."""
    stages = [subject for subject in STAGES if options.only in subject.name]
    chosen = [subject for subject in SUBJECTS if options.only in subject.name]
    if not stages and not chosen:
        raise SystemExit(f"No subject is called {options.only!r}; see --help.")
    notebook = new_notebook(cells=[new_code_cell(subject.source) for subject in [*chosen, *stages]])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    results, of_stages = {}, {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        lab_page(Path(folder), notebook) as page,
        contextlib.suppress(KeyboardInterrupt),  # what has been measured until then is printed
    ):
        for number, subject in enumerate(chosen):
            print(f"{subject.name} …", file=sys.stderr, flush=True)
            run_cell(page, number)
            page.evaluate(WATCH, subject.answer)
            results[subject.name, "hover"] = hovers(page, subject, options.repeats) if subject.view else []
            results[subject.name, "slider"] = slides(page, subject, options.repeats) if subject.slider else []
            results[subject.name, "digit"] = digits(page, subject, options.repeats) if subject.before else []
        if stages:
            of_stages = measure_stages(page, stages, len(chosen), options.events)
    return of_stages, results


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.interaction",
        description="Measure how fast stages and explorers answer in a real browser; print it as a table.",
        epilog="The subjects:\n" + "\n".join(f"  {subject.name}" for subject in (*STAGES, *SUBJECTS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="NAME", help="subjects whose name contains this text")
    parser.add_argument(
        "--repeats", type=int, default=30, help="events of an explorer, of each kind (default: %(default)s)"
    )
    parser.add_argument("--events", type=int, default=100, help="of a stage's events (default: %(default)s)")
    options = parser.parse_args(argv)
    if min(options.repeats, options.events) < 1:
        parser.error("--repeats and --events must be at least 1")
    return options


def main(argv=None):
    """Measure and print."""
    options = parse(argv)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}\n")
    of_stages, results = measure(options)
    if of_stages:
        print_stages(of_stages, options.events)
    if not results:
        return
    rows = []
    for subject in dict.fromkeys(name for name, _ in results):
        row = [subject]
        for kind in TARGETS:
            row += median(results.get((subject, kind), []), options.repeats)[:2]
        rows.append(row)
    headers = ["ms", *(text for kind in WORDS for text in (kind, "9 in 10"))]
    table(f"Interaction in Chromium: medians of {options.repeats} events", headers, rows)
    print("Targets: " + ", ".join(f"{kind} < {limit} ms" for kind, limit in TARGETS.items()) + ".")
    late = [
        f"{subject}, {kind}"
        for (subject, kind), times in results.items()
        if (middle := median(times, options.repeats)[2]) is not None and middle >= TARGETS[kind]
    ]
    print(
        "Missed: " + "; ".join(late) if late else "No median misses its target; a dash: nothing to measure."
    )


if __name__ == "__main__":
    main()
