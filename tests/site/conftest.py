"""The site, built once for all its tests, and a server and a browser to look at it."""

import http.server
import shutil
import subprocess
import sys
import threading
from functools import partial

import nbformat
import pytest
from filelock import FileLock

from tests.stage_lesson import stage_lesson
from tests.tool_loader import ROOT


def pytest_collection_modifyitems(items):
    """One of two processes builds the site; the other, which begins in the middle, finds what needs none."""
    here = [n for n, item in enumerate(items) if "tests/site/" in item.nodeid]
    mine = [items[n] for n in here]
    apart = [item for item in mine if not {"site", "address", "pages"} & set(item.fixturenames)]
    others = [item for item in mine if item not in apart]
    ordered = [*others[: len(mine) // 2], *apart, *others[len(mine) // 2 :]]
    for n, item in zip(here, ordered):
        items[n] = item


@pytest.fixture(scope="session")
def site(require_tool, tmp_path_factory, worker_id):
    """The folder of the built site, with a lesson of stages; a warning, such as a dead link, fails it."""
    require_tool("sphinx")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent  # one process builds, the others wait
    folder = shared / "site" / "html"
    with FileLock(shared / "site.lock"):
        if not folder.exists():
            lesson = shared / "98_stages.ipynb"
            nbformat.write(stage_lesson(), lesson)
            command = [sys.executable, str(ROOT / "website" / "build.py"), str(folder), "--also", str(lesson)]
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
