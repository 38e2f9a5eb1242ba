"""What Binder would build: repo2docker reads the repository and writes a Dockerfile; Docker is not needed."""

import json
import os
import subprocess
import sys

import pytest

from tests.tool_loader import ROOT, load_tool

environment = load_tool("_environment.py")


@pytest.fixture(scope="module")
def dockerfile(require_tool):
    """The instructions that repo2docker would give to Docker, and what it says about them."""
    if sys.platform == "win32":
        pytest.skip("what Binder would build (repo2docker needs Linux or macOS)")
    require_tool("repo2docker")
    command = [sys.executable, "-m", "repo2docker", "--debug", "--no-build"]
    command += ["--user-id", "1000", "--user-name", "jovyan", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_environment_is_read_with_the_right_python(dockerfile):
    """With ``python>=3.12`` it would say 3.10, which is too old."""
    assert "Building conda environment for python=3.12" in dockerfile
    assert '--file "environment.yml"' in dockerfile


def test_settling_follows_the_installation(dockerfile):
    assert dockerfile.index('--file "environment.yml"') < dockerfile.index("RUN ./postBuild")
    assert os.access(ROOT / "postBuild", os.X_OK)
    assert "tools/_environment.py --settle" in (ROOT / "postBuild").read_text(encoding="utf-8")


def test_settling_writes_what_a_first_start_needs(tmp_path):
    environment._settle(tmp_path, sys.executable)
    written = json.loads((tmp_path / "share/jupyter/lab/settings/overrides.json").read_text(encoding="utf-8"))
    pages = written["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert pages == {"markdown": "Markdown Preview"}
    assert written["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert written["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}
    config = (tmp_path / "etc/jupyter/jupyter_server_config.py").read_text(encoding="utf-8")
    assert config == (ROOT / "tools" / "_lab_config.py").read_text(encoding="utf-8")
