"""tools/set_address: links to Binder and to the site for every lesson, and back again."""

import re
import shutil
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

import backprop_helpers
from tests.tool_loader import ROOT, load_tool

set_address = load_tool("set_address")
FILES = ("README.md", "pyproject.toml", "CITATION.cff")
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture
def copy(tmp_path):
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    set_address.write(None, tmp_path)  # a published copy passes these tests, too
    return tmp_path


def texts(folder):
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def test_every_lesson_gets_its_links(copy):
    set_address.write("ada/nudges", copy)
    text = texts(copy)["README.md"]
    run = re.findall(r"\(https://mybinder\.org/v2/gh/ada/nudges/HEAD\?urlpath=([^)]+)\)", text)
    assert [unquote(path) for path in run] == [f"lab/tree/notebooks/{name}" for name in LESSONS]
    colab = re.findall(
        r"\(https://colab\.research\.google\.com/github/ada/nudges/blob/colab/notebooks/(\S+)\)", text
    )
    lite = re.findall(r"\(https://ada\.github\.io/nudges/lite/lab/index\.html\?path=(\S+)\)", text)
    assert colab == lite == LESSONS
    read = re.findall(r"\(https://ada\.github\.io/nudges/notebooks/(\w+)\.html\)", text)
    assert [f"{name}.ipynb" for name in read] == LESSONS
    columns = {
        line.count("|")
        for line in re.findall(r"^\| (?:\d\d|\| lesson|---).*$", text, re.MULTILINE)
        if "lesson" in line or "mybinder" in line
    }
    assert columns == {8}


def test_the_address_is_in_the_package_and_the_citation(copy):
    set_address.write("ada/nudges", copy)
    urls = tomllib.loads(texts(copy)["pyproject.toml"])["project"]["urls"]
    assert urls["Repository"] == "https://github.com/ada/nudges"
    cited = yaml.safe_load(texts(copy)["CITATION.cff"])
    assert cited["repository-code"] == urls["Repository"]
    assert cited["url"] == urls["Documentation"] == "https://ada.github.io/nudges/"


def test_a_repository_named_after_its_host_is_published_at_the_root():
    assert set_address.site("ada/Ada.github.io") == "https://ada.github.io/"
    assert set_address.site("Ada/nudges") == "https://ada.github.io/nudges/"


def test_copies_for_colab_install_the_wheel_of_that_address(copy, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "website")
    import colab

    asked = []
    monkeypatch.setattr(colab, "ROOT", copy)
    monkeypatch.setattr(colab, "copy_lessons", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(sys, "argv", ["colab.py", "folder"])
    with pytest.raises(SystemExit):
        colab.main()
    assert "tools/set_address OWNER/NAME" in capsys.readouterr().err
    set_address.write("ada/nudges", copy)
    colab.main()
    wheel = f"backprop_helpers-{backprop_helpers.__version__}-py3-none-any.whl"
    assert asked == [(Path("folder/notebooks"), f"https://ada.github.io/nudges/lite/pypi/{wheel}")]


def test_a_second_address_replaces_the_first_and_removing_restores(copy):
    before = texts(copy)
    set_address.write("ada/nudges", copy)
    set_address.write("Carl/kernels", copy)
    assert "ada" not in "".join(texts(copy).values())
    assert "https://carl.github.io/kernels/" in texts(copy)["README.md"]
    set_address.write(None, copy)
    assert texts(copy) == before


@pytest.mark.parametrize("bad", ["nudges", "https://github.com/ada/nudges", "a/b/c"])
def test_a_bad_address_is_refused(bad, capsys):
    with pytest.raises(SystemExit):
        set_address.main([bad])
    assert "OWNER/NAME" in capsys.readouterr().err
