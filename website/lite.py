"""The lessons in a browser, with a Python of its own: JupyterLite, built into the site's folder ``lite/``.

Python itself (Pyodide, with NumPy, SciPy and Matplotlib) comes from Pyodide's own host when a lesson is first
run; all else is on the site: the application, our wheel with the data, and the widgets' wheels.
"""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
import _wheel  # noqa: E402
from _environment import FIRST_START  # noqa: E402

#: pure wheels that Pyodide does not bring
WIDGETS = ("anywidget", "ipywidgets", "jupyterlab_widgets", "comm", "psygnal")
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
INSTALL = """\
# Only here: the lessons' package, with the data.
%pip install -q {}"""
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension", "anywidget")
CONFIG = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "Backpropagation, derived and executed",
        "exposeAppInBrowser": True,  # for benchmarks.site
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}},
    },
}


def build(output):
    """Write the application, the lessons and the wheels into the folder ``output``."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        copy_lessons(place / "files", "backprop-helpers", KERNEL)
        wheels = collect_wheels(place / "pypi")
        (place / "jupyter-lite.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        (place / "overrides.json").write_text(FIRST_START, encoding="utf-8")
        (place / "jupyter_lite_config.json").write_text(json.dumps(build_config()), encoding="utf-8")
        command = [sys.executable, "-m", "jupyterlite_core", "build", "--apps", "lab", "--no-sourcemaps"]
        command += ["--lite-dir", str(place), "--output-dir", str(output), "--contents", str(place / "files")]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"JupyterLite could not be built:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return wheels


def build_config():
    """Return what JupyterLite is told: of this environment's extensions only those that a lesson needs."""
    installed = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    paths = [str(installed / name) for name in EXTENSIONS]
    return {"LiteBuildConfig": {"ignore_sys_prefix": ["federated_extensions"], "federated_extensions": paths}}


def copy_lessons(folder, package, kernel=None):
    """Copy the notebooks and their pages; each gets a cell that installs the package, and the ``kernel``."""
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    for path in folder.rglob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        notebook.metadata.kernelspec = kernel or notebook.metadata.kernelspec
        notebook.cells.insert(1, nbformat.v4.new_code_cell(INSTALL.format(package), id="install"))
        nbformat.write(notebook, path)


def collect_wheels(folder):
    """Put our wheel and the widgets' into ``folder``, in this environment's versions; return their paths."""
    _wheel.build_wheel(sys.executable, folder)
    named = [f"{name}=={importlib.metadata.version(name)}" for name in WIDGETS]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", "any", "--dest", str(folder), *named]
    subprocess.run(command, check=True)
    return sorted(folder.glob("*.whl"))
