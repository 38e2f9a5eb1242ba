"""CONTRIBUTING.md: its code runs, what it names exists, the commit hooks are valid and run what exists."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.tool_loader import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]


def test_the_layer_worked_through_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    names = {"__name__": "tanh"}
    for block in blocks:
        exec(compile(block, "CONTRIBUTING.md", "exec"), names)
    assert names["report"].rows  # the last block: the mistake was looked at, and found
    with pytest.raises(ValueError, match=r"tanh_backward: da has shape \(2,\) but the output has \(3,\)"):
        names["tanh_backward"]([1.0, 2.0], names["TanhCache"](names["np"].zeros(3)))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w.]+/[\w/.]*)`", PAGE))))
def test_what_the_page_names_exists(name):
    made_up = {"backprop_helpers/layers/tanh.py", "notebooks/NN_name.ipynb"}
    places = [ROOT / name, ROOT / "backprop_helpers" / name]
    assert name in made_up or any(place.exists() for place in places), name


def test_hooks_are_valid(require_tool):
    require_tool("pre_commit")
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hooks_run_what_exists(hook):
    program, *arguments = shlex.split(hook["entry"])
    if program == "python":
        assert (ROOT / arguments[0]).is_file()
    else:
        assert program == "ruff"


def test_hooks_concern_every_lesson():
    lessons = [path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*.ipynb")]
    for hook in HOOKS:
        if "files" in hook:
            assert [name for name in lessons if re.search(hook["files"], name)] == lessons
