"""A newcomer's first minutes: ``python -m benchmarks.first_lesson``.

Clones the repository, gives the first command of README.md with nothing installed and every cache empty,
opens lesson 00 in a headless Chromium, runs its first stage and gives it a key. Then gives the command
once more, as on the next day. What is not committed is not measured. The first command needs a network.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .browser import chromium, jupyterlab
from .training import table

ROOT = Path(__file__).resolve().parent.parent
LESSON = "00_nudges.ipynb"
STAGES = ("JupyterLab answers", "lesson 00 is open", "its first stage is there", "it has answered a key")

RUN_FIRST = """async () => {
    const { commands, shell } = jupyterapp;
    const { content, sessionContext } = shell.currentWidget;
    await sessionContext.ready;
    content.activeCellIndex = content.widgets.findIndex(cell => cell.model.type === 'code');
    commands.execute('notebook:run-cell');
}"""


def measure(clone, scratch, variables):
    """Give the first command in a clone; return the seconds until each of the `STAGES`."""
    scratch.mkdir()
    start, seconds = time.monotonic(), []

    def reached():
        seconds.append(time.monotonic() - start)

    command = [shutil.which("python3") or sys.executable, str(clone / "tools" / "open_lessons")]
    with jupyterlab(command, scratch, variables) as (address, token):
        reached()
        with chromium(height=900) as page:
            page.goto(f"{address}lab/tree/{LESSON}?token={token}")
            page.locator(".jp-Notebook h1").first.wait_for()
            reached()
            page.wait_for_function("() => window.jupyterapp !== undefined")
            page.evaluate(RUN_FIRST)
            stage = page.locator('.bp-stage:not([data-drawn="0"])').first
            stage.wait_for()
            reached()
            drawn = stage.get_attribute("data-drawn")
            stage.get_by_role("slider").first.press("ArrowRight")
            page.wait_for_function(
                "([stage, drawn]) => stage.dataset.drawn !== drawn", arg=[stage.element_handle(), drawn]
            )
            reached()
    return seconds


def main():
    """Measure and print."""
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = Path(folder)
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        caches = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip", "MPLCONFIGDIR": "matplotlib"}
        variables = os.environ | {name: str(folder / "caches" / path) for name, path in caches.items()}
        for name in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"):
            variables.pop(name, None)
        times = {}
        with contextlib.suppress(KeyboardInterrupt):  # what has been measured until then is printed
            for run in ("nothing installed", "the next day"):
                print(f"{run} …", file=sys.stderr, flush=True)
                times[run] = measure(clone, folder / run.replace(" ", "-"), variables)
    rows = [[stage, *(f"{seconds[n]:.0f}" for seconds in times.values())] for n, stage in enumerate(STAGES)]
    table("From the first command, in seconds, until", ["", *times], rows)


if __name__ == "__main__":
    main()
