"""A visitor's first seconds on the built site: ``python -m benchmarks.site``.

Serves the site from this machine, opens its first page in a headless Chromium with an empty cache (motion is
reduced: the digit that the page writes is there at once), points at a cell of the network, draws a stroke.
With ``--lite LESSON`` it runs a lesson in the site's JupyterLite instead (build the site with ``--lite``
first; Pyodide comes by the network), and says what its cells came to.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import platform
import statistics
import sys
import threading
import time
from pathlib import Path

from .browser import chromium
from .training import table

SITE = Path(__file__).resolve().parent.parent / "website" / "_build" / "html"
STAGES = (
    "the stage is drawn (navigation → frame)",
    "a digit, with all its maps (navigation → frame)",
    "pointer on a cell → its sum",
    "last movement of a stroke → all maps",
)
DRAWN = '.bp-stage:not([data-drawn="0"])'
WATCH = f"""new MutationObserver((_, observer) => {{
    if (!document.querySelector('{DRAWN}')) return;
    window.firstDrawn ??= performance.now();
    if (!document.querySelector('.bp-verdict')?.textContent.startsWith('reads')) return;
    window.mapsDrawn = performance.now();
    observer.disconnect();
}}).observe(document, {{ subtree: true, childList: true, attributes: true }})"""
SCRIPTS = """() => performance.getEntriesByType("resource")
    .filter((entry) => entry.name.includes("_static/stage/") && entry.name.endsWith(".js"))
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
RUN_ALL = """async () => {
    await jupyterapp.restored;
    const { sessionContext, content } = jupyterapp.shell.currentWidget;
    await sessionContext.ready;
    await jupyterapp.commands.execute("notebook:run-all-cells");
    const cells = content.widgets.filter((cell) => cell.model.type === "code");
    return cells.map((cell) => [
        cell.model.executionCount,
        [...Array(cell.outputArea.model.length).keys()].map((n) => cell.outputArea.model.get(n))
            .filter((output) => output.type === "error").map((output) => output.toJSON().evalue).join(),
    ]);
}"""


@contextlib.contextmanager
def served(folder):
    """Serve a folder; yield its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def measure(address):
    """Return the milliseconds of each of the `STAGES`, and the bytes of the stage's scripts."""
    with chromium(height=900) as page:
        page.emulate_media(reduced_motion="reduce")
        page.add_init_script(WATCH)
        page.goto(address)
        page.get_by_text("draw here").wait_for()
        seen = page.evaluate("[firstDrawn, mapsDrawn]")
        loaded = page.evaluate(SCRIPTS)
        stage = page.locator(".bp-stage")
        x, y = stage.evaluate("(e, at) => e.bpStage.cellCenter(...at)", ["conv1", [14, 14, 3]])
        seen.append(until_drawn(page, lambda: page.mouse.move(x, y)))
        stage.get_by_role("button", name="drawn", exact=True).click()
        box = stage.locator(".bp-pad").bounding_box()
        x = box["x"] + box["width"] / 2
        page.mouse.move(x, box["y"] + 10)
        page.mouse.down()
        for share in (0.2, 0.4, 0.6, 0.7):
            page.mouse.move(x, box["y"] + share * box["height"])
        page.wait_for_timeout(300)
        seen.append(until_drawn(page, lambda: page.mouse.move(x, box["y"] + 0.85 * box["height"])))
        page.mouse.up()
    return seen, loaded


def until_drawn(page, act):
    """Do something; return the milliseconds until the stage has drawn anew."""
    before = page.locator(".bp-stage").get_attribute("data-drawn")
    start = time.monotonic()
    act()
    page.wait_for_function(
        "before => document.querySelector('.bp-stage').dataset.drawn !== before", arg=before
    )
    return 1000 * (time.monotonic() - start)


def run_in_the_browser(address, lesson, patience):
    """Run a lesson in JupyterLite; print what failed, and return the exit code."""
    with chromium(height=900) as page:
        page.goto(f"{address}lite/lab/index.html?path={lesson}.ipynb")
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=60_000)
        page.locator(".jp-Notebook h1").first.wait_for(timeout=60_000)
        page.set_default_timeout(1000 * patience)
        start = time.monotonic()
        cells = page.evaluate(RUN_ALL)
    failed = [(number, error) for number, (count, error) in enumerate(cells) if error or not count]
    seconds = time.monotonic() - start
    print(f"{lesson}: {len(cells) - len(failed)} of {len(cells)} code cells ran, {seconds:.0f} s")
    for number, error in failed:
        print(f"  code cell {number}: {error or 'did not run'}")
    return 1 if failed else 0


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="visits (default: %(default)s)")
    parser.add_argument("--lite", metavar="LESSON", help="run this lesson in JupyterLite instead")
    parser.add_argument("--patience", type=int, default=600, help="seconds for it (default: %(default)s)")
    options = parser.parse_args(argv)
    if not SITE.is_dir():
        raise SystemExit("Build the site first: python3 tools/build_site")
    with served(SITE) as address:
        if options.lite:
            return run_in_the_browser(address, options.lite, options.patience)
        visits = [measure(address) for _ in range(options.rounds)]
    print(f"{platform.platform()}, Python {platform.python_version()}\n")
    rows = [
        [stage, f"{statistics.median(times):.0f}", f"{max(times):.0f}"]
        for stage, times in zip(STAGES, zip(*(seen for seen, _ in visits)))
    ]
    table(f"The site's first page, {options.rounds} visits, ms", ["", "median", "most"], rows)
    print(f"Scripts of the stage that were loaded until then: {visits[0][1] / 1000:.1f} kB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
