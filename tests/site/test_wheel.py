"""The wheel of the package: pure, complete, and enough for the lessons in a folder of its own."""

import os
import subprocess
import sys
import tomllib
import zipfile

import nbformat
import pytest
from filelock import FileLock
from nbclient import NotebookClient

from tests.tool_loader import ROOT, load_tool

PACKAGE = ROOT / "backprop_helpers"
LEFT_OUT = {".pyc", ".md"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory, worker_id):
    """The wheel, built once."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared if worker_id == "master" else shared.parent) / "wheel"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            load_tool("_wheel.py").build_wheel(sys.executable, folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def elsewhere(wheel, tmp_path_factory):
    """The variables of a process that has the wheel and not the repository, and a folder for it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    place = folder / "installed"
    with zipfile.ZipFile(wheel) as content:  # what pip does with a pure wheel
        content.extractall(place)
    return dict(os.environ, PYTHONPATH=str(place)), folder


def test_pyproject_names_every_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(named) == found | {"backprop_helpers.data"}


def test_wheel_is_pure_and_complete(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in LEFT_OUT]
    data = [path for path in (ROOT / "data").iterdir() if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files}
    wanted |= {f"backprop_helpers/data/{path.name}" for path in data}
    assert len(wanted) > 100
    assert wanted - packed == set()
    assert {name for name in packed if ".dist-info/" not in name} - wanted == set()


def test_data_is_that_of_the_wheel(elsewhere):
    variables, folder = elsewhere
    program = (
        "from backprop_helpers.training import load_mnist, mnist, series_cnn; digits = load_mnist(); "
        "print(mnist.DATA_FOLDER, len(digits.train_images), series_cnn().accuracy(*digits[2:]) > 0.98)"
    )
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    where, count, good = done.stdout.split()
    assert (where, count, good) == (str(folder / "installed" / "backprop_helpers" / "data"), "60000", "True")


@pytest.mark.parametrize("name", ["notebooks/02_fully_connected.ipynb", "assignments/source/ps1/ps1.ipynb"])
def test_notebook_runs_without_the_repository(elsewhere, name):
    variables, folder = elsewhere
    notebook = nbformat.read(ROOT / name, 4)
    probe = "import backprop_helpers\nprint(backprop_helpers.__file__)"
    notebook.cells.append(nbformat.v4.new_code_cell(probe))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute(env=variables)
    assert str(folder) in notebook.cells[-1].outputs[0].text
