"""The site, built once for all its tests, and a server and a browser to look at it."""

import http.server
import json
import shutil
import subprocess
import sys
import threading
from functools import partial

import pytest
from filelock import FileLock

from tests.tool_loader import ROOT


@pytest.fixture(scope="session")
def site(require_tool, tmp_path_factory, worker_id):
    """The folder of the built site. A warning, such as a link that leads nowhere, fails the build."""
    require_tool("sphinx")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent  # one process builds, the others wait
    folder = shared / "site" / "html"
    with FileLock(shared / "site.lock"):
        if not folder.exists():
            command = [sys.executable, str(ROOT / "website" / "build.py"), str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                shutil.rmtree(folder, ignore_errors=True)
            assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def view(page, name):
    """The matrix `name` of the page's live explorer."""
    title = page.locator(".bp-matrix-title span:first-child").get_by_text(name, exact=True)
    return page.locator(".live-view .bp-matrix").filter(has=title)


def point(page, name, cell):
    """Move the mouse to a cell of the matrix `name`, and wait until it is drawn."""
    matrix = view(page, name)
    matrix.locator(".bp-matrix-stage").scroll_into_view_if_needed()
    geometry = json.loads(matrix.get_attribute("data-geometry"))
    (left, top), side = geometry["panels"][0], geometry["cell"]
    row, column = cell
    place = {"x": left + (column + 0.5) * side, "y": top + (row + 0.5) * side}
    matrix.locator(".bp-matrix-stage").hover(position=place)
    settle(page)


def settle(page):
    """Wait until the browser has drawn what it was told."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
