"""The wheel of ``backprop_helpers`` with the data: for the lessons in a browser, and for students."""

import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def version(root=ROOT):
    """Return the version of the package."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def build_wheel(python, output, *, root=ROOT):
    """Write the wheel into the folder ``output``, with ``python``'s pip and setuptools; return its path.

    It is built from a copy, because setuptools would pack again what an earlier build left behind.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy, built = Path(folder) / "copy", Path(folder) / "built"
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("backprop_helpers", "data"):
            shutil.copytree(root / part, copy / part, ignore=ignored)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(root / name, copy)
        command = [str(python), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        done = subprocess.run([*command, "--wheel-dir", built, copy], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"The wheel could not be built:\n{done.stdout}{done.stderr}")
        (wheel,) = built.glob("*.whl")
        Path(output).mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, Path(output) / wheel.name))
