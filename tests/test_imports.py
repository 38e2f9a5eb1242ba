"""Imports only go down: layers ← training ← checking ← views. Read from the source: lazy imports count."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = "backprop_helpers"
ROOT = Path(__file__).resolve().parents[1] / PACKAGE
FLOORS = {"layers": 0, "training": 1, "checking": 2, "views": 3}
MODULES = sorted(ROOT.rglob("*.py"))


def imported_names(source, module):
    """Every absolute module name that the source of `module` imports, anywhere in it.

    ``from package import name`` counts as both ``package`` and ``package.name``: `name` may be a module.
    """
    names = set()
    is_package = module.endswith(".__init__")
    parts = module.removesuffix(".__init__").split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = parts[: len(parts) - node.level + is_package]
                base = ".".join([*above, *filter(None, [node.module])])
            names.update({base}, (f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                names.add(node.args[0].value)
    return names


def room(name):
    """The room of a module's name: "layers" for backprop_helpers.layers.conv; None outside or at the top."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == PACKAGE and parts[1] in FLOORS else None


def upward_imports(source, module):
    """The imports in the source of `module` that go up a floor; the package itself may import no room."""
    own = FLOORS.get(room(module), -1)
    return sorted(name for name in imported_names(source, module) if FLOORS.get(room(name), -1) > own)


def module_name(path):
    return ".".join([PACKAGE, *path.relative_to(ROOT).with_suffix("").parts])


def test_there_are_modules_to_read():
    assert {"layers"} <= {room(module_name(path)) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_only_down(path):
    assert upward_imports(path.read_text(encoding="utf-8"), module_name(path)) == []


@pytest.mark.parametrize("path", [p for p in MODULES if room(module_name(p)) == "layers"], ids=module_name)
def test_layers_import_only_numpy_and_the_standard_library(path):
    names = imported_names(path.read_text(encoding="utf-8"), module_name(path))
    outside = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert outside <= {"numpy", PACKAGE}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("layers.conv", "from backprop_helpers.training import fit"),
        ("layers.conv", "import backprop_helpers.views.plots as p"),
        ("layers.conv", "from backprop_helpers import checking"),
        ("layers.conv", "from ..training.fit import fit"),
        ("layers.__init__", "from ..views import plots"),
        ("layers.conv", "from .. import views"),
        ("training.fit", "def plot():\n    from backprop_helpers.views import plots"),
        ("training.fit", "import importlib\nimportlib.import_module('backprop_helpers.checking')"),
        ("checking.misconceptions.conv", "from ...views.plots import matrix"),
        ("__init__", "from . import layers"),
    ],
)
def test_an_import_that_goes_up_is_seen(module, source):
    assert upward_imports(source, f"{PACKAGE}.{module}")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("views.plots.maps", "from backprop_helpers.layers import conv_forward\nfrom ...training import fit"),
        (
            "layers.conv",
            "from backprop_helpers.layers._validate import x\nfrom . import pooling\nimport numpy as np",
        ),
        ("checking.__init__", "from .gradient_check import gradient_check\nfrom ..layers import conv"),
        ("training.fit", "import views, checking"),
    ],
)
def test_an_import_that_goes_down_or_stays_is_allowed(module, source):
    assert upward_imports(source, f"{PACKAGE}.{module}") == []
