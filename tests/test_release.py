"""tools/release: the version is found where it stands, once, and nothing is changed by trying."""

import shutil
from types import SimpleNamespace

import pytest

from tests.tool_loader import ROOT, load_tool

release = load_tool("release")
FILES = (*release.PLACES, "CHANGELOG.md")


@pytest.fixture
def copy(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", release.PLACES)
def test_version_is_written_where_it_stands(name):
    before = (ROOT / name).read_text(encoding="utf-8").splitlines()
    after = release.changed(ROOT / name, release.PLACES[name], r"\g<1>9.8.7\g<2>").splitlines()
    ((old, new),) = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert "9.8.7" in new
    assert "9.8.7" not in old


def test_where_a_place_is_gone_nothing_is_written(copy):
    (copy / "CHANGELOG.md").write_text("# Changelog\n", encoding="utf-8")
    before = [(copy / name).read_bytes() for name in FILES]
    with pytest.raises(SystemExit, match=r"CHANGELOG\.md: 0 places"):
        release.release(copy, SimpleNamespace(version="9.8.7", no_site=True), "python")
    assert [(copy / name).read_bytes() for name in FILES] == before


def test_no_other_file_names_the_version():
    version = load_tool("_wheel.py").version()
    named = {
        path.relative_to(ROOT).as_posix()
        for folder in ("backprop_helpers", "assignments", "tools", "website", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".js", "") and path.is_file() and "_build" not in path.parts
        if f"{version}-py3" in path.read_text(encoding="utf-8", errors="ignore")
    }
    assert named == {"assignments/STUDENTS.md"}
