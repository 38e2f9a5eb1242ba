"""The lessons' package as a student's kernel gets it while it is graded: without what would do the work.

In the problem sets 1 to 4 the layers' backward passes, and the forward passes that are a task's own work,
raise an error that says so; in the fifth, what walks through a whole network and trains it. Checks are not
here at all: whatever is called in their place agrees, because no mark depends on it.
"""

import ast
import compileall
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import backprop_helpers

PACKAGE = Path(backprop_helpers.__file__).parent
DATA = PACKAGE.parent / "data"
IMPORTED = "import ipykernel.kernelapp, ipykernel.zmqshell, matplotlib.pyplot"
COMPILING = {"PATH": os.defpath, "MPLBACKEND": "agg"}  # and none that forbids to keep it
NETWORKS = "fit", "gradients", "gradients_of_activations"  # besides all that has "backward" in its name
SWITCHED_OFF = "{} of backprop_helpers is switched off while problem sets are graded: write your own"

INSTEAD_OF_CHECKS = '''\
"""Checks are made elsewhere while a problem set is graded: here everything agrees."""


class Later:
    """Stands for every check, its results, and what they are asked for."""

    passed = attempted = True

    def __call__(self, *arguments, **options):
        return self

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _):
        return self

    def __iter__(self):
        return iter(())

    def __repr__(self):
        return "(not checked here: the marks come from tests outside this notebook)"


LATER = Later()


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return LATER
'''


def make(folder, tasks):
    """Put the package for a problem set's tasks into a folder."""
    target = Path(folder) / PACKAGE.name
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "checking"))
    (target / "checking").mkdir()
    for name in ("__init__.py", "check.py"):
        (target / "checking" / name).write_text(INSTEAD_OF_CHECKS, encoding="utf-8")
    (Path(folder) / "data").mkdir()
    files, own = [*(target / "training").glob("*.py")], set(NETWORKS)
    if all(task.delegates is not None for task in tasks):  # else finished layers are what a task is made of
        files += (target / "layers").glob("*.py")
        own = {name for task in tasks for name in task.delegates}
    for path in files:
        path.write_text(without(path.read_text(encoding="utf-8"), own), encoding="utf-8")


def compile_once(folder):
    """Compile what every kernel imports, where Python looks for it: no kernel can keep what it compiles."""
    pyplot = Path(importlib.util.find_spec("matplotlib").origin).with_name("pyplot.py")
    if not Path(importlib.util.cache_from_source(pyplot)).is_file():
        subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, env=COMPILING)
    for name in ("layers", "training"):
        compileall.compile_dir(Path(folder, PACKAGE.name, name), quiet=2)
    compileall.compile_dir(Path(folder, PACKAGE.name), maxlevels=0, quiet=2)


def without(source, names):
    """Return Python code in which the functions of these names, and every backward pass, raise an error."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (node.name in names or "backward" in node.name):
            node.body = ast.parse(f"raise RuntimeError({SWITCHED_OFF.format(node.name)!r})").body
    return ast.unparse(tree)
