"""What the measurements in a browser share: JupyterLab with settings of its own, and a headless Chromium."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request

START_SECONDS = 600  # a first start installs the packages
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser may talk to the local server only; without these it looks for updates of its own, too.
CHROMIUM_OPTIONS = [
    "--no-sandbox",  # root in a container has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def own_settings(folder):
    """Return the variables that keep the user's settings out, and in `folder` all that Jupyter writes."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {name: str(folder / path) for name, path in own.items()}


@contextlib.contextmanager
def jupyterlab(command, folder, variables=None):
    """Start JupyterLab with a command; yield its address and its token as soon as it answers.

    Parameters
    ----------
    command : list of str
        A program that passes its arguments on to JupyterLab.
    folder : Path
        For JupyterLab's own files; ``log.txt`` there is what it said.
    variables : dict, optional
        The environment; by default that of this process.
    """
    port, token = free_port(), secrets.token_hex(8)
    command = [*command, "--no-browser", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    environment = (os.environ if variables is None else variables) | own_settings(folder)
    log = (folder / "log.txt").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}api/status?token={token}", timeout=5).close()
                break
            time.sleep(0.2)
        else:
            raise RuntimeError("JupyterLab did not start: " + (folder / "log.txt").read_text()[-2000:])
        yield address, token
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


@contextlib.contextmanager
def chromium(height):
    """Start a headless Chromium; yield a page of 1280 × `height` pixels."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit("No Chromium was found; the benchmark needs one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": height})
        page.set_default_timeout(60_000)
        yield page
        browser.close()
