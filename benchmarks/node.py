"""The stage's modules in Node.js, outside of a page: for the tests and for a benchmark."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

from backprop_helpers.views.stage.network import architecture, as_float16

MODULES = Path(__file__).resolve().parents[1] / "backprop_helpers" / "views" / "stage" / "modules"


def lay_out(folder, script, data):
    """Put the modules, a script beside them and its data into a folder; return the script's path there.

    Parameters
    ----------
    folder : Path
    script : Path
        A module that imports from ``"./modules/…"``.
    data : dict
        Written as ``data.json``. NaN and the infinities are refused: JSON has none.
    """
    shutil.copytree(MODULES, folder / "modules", dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "data.json").write_text(json.dumps(data, allow_nan=False), encoding="utf-8")
    return Path(shutil.copy(script, folder))


def network_json(net):
    """Return a network as the modules build it: its layers and its parameters, float16 in base64."""
    return {**architecture(net), "parameters": base64.b64encode(as_float16(net)).decode("ascii")}


def run_node(node, arguments, folder):
    """Run Node.js in a folder; return the finished process with its text."""
    command = [str(node), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
