"""What a class's tables say, whose a file of an archive is, and what limits a kernel."""

import importlib
import io
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.classroom.submissions import COURSE, picture

pytestmark = pytest.mark.filterwarnings("ignore")

sys.path.insert(0, str(COURSE))  # the course's own modules


@pytest.fixture(scope="module")
def collecting(require_tool):
    require_tool("nbgrader")
    return importlib.import_module("grading.collecting")


@pytest.fixture
def limits():
    module = importlib.import_module("grading.limits")
    clear(module)
    yield module
    clear(module)


def clear(module):
    module.scope.cache_clear()
    module.folder.cache_clear()


@pytest.mark.parametrize(
    ("path", "whose", "file"),
    [
        ("Ada Lovelace_123_assignsubmission_file_/ps1.ipynb", "Ada Lovelace", "ps1.ipynb"),
        ("Ada Lovelace_123_assignsubmission_file/ps1.ipynb", "Ada Lovelace", "ps1.ipynb"),
        ("Ada Lovelace_123_assignsubmission_file_ps1 (2).ipynb", "Ada Lovelace", "ps1 (2).ipynb"),
        ("lovelaceada_123_4567_ps1.ipynb", "lovelaceada", "ps1.ipynb"),
        ("lovelaceada_LATE_123_4567_ps1-1.ipynb", "lovelaceada", "ps1-1.ipynb"),
        # hostile: what a student named is no other student's
        ("Eve_6_assignsubmission_file_/Ada_123_assignsubmission_file_/ps1.ipynb", "Eve", "ps1.ipynb"),
        ("Eve_6_assignsubmission_file_/mine/ada_123_4567_ps1.ipynb", "Eve", "ada_123_4567_ps1.ipynb"),
        ("Ada_1_assignsubmission_file_6_assignsubmission_file_/x", "Ada_1_assignsubmission_file", "x"),
        ("Eve_6_assignsubmission_file_/../../ps1.ipynb", "Eve", "ps1.ipynb"),
        ("notes/Ada_123_assignsubmission_file_/ps1.ipynb", None, None),
        ("notes.txt", None, None),
    ],
)
def test_whose_a_file_of_an_archive_is(collecting, path, whose, file):
    found = collecting.owner(path)
    assert (found and found[1], found and found[3]) == (whose, file)


def packed(folder, members):
    """Write an archive of {path: content}, each a minute newer than the one before; return its path."""
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        for minute, (name, content) in enumerate(members.items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 28, 14, minute, 0)), content)
    return folder / "archive.zip"


def handed_in(course):
    return {
        path.relative_to(course / "submitted").as_posix(): path.read_text()
        for path in (course / "submitted").rglob("*")
        if path.is_file()
    }


def test_an_archive_gives_each_student_the_own_notebook(collecting, tmp_path):
    place = "all/{}_assignsubmission_file_/{}"  # packed again by the teacher, in a folder
    bait = io.BytesIO()
    with zipfile.ZipFile(bait, "w") as inner:
        inner.writestr("Ada Lovelace_1_assignsubmission_file_/ps1.ipynb", "forged")
    away = io.BytesIO()
    with tarfile.open(fileobj=away, mode="w:gz") as inner:
        inner.addfile(tarfile.TarInfo("../../../../submitted/evil"), io.BytesIO())
    members = {
        place.format("Ada Lovelace_1", "ps1.ipynb"): "hers",
        place.format("Ada Lovelace_2", "ps1 (1).ipynb"): "her namesake's",
        place.format("María-José O'Neil_7", "ps1.ipynb"): "maría's",
        place.format("Two Tries_3", "ps1.ipynb"): "old",
        place.format("Two Tries_3", "ps1 (1).ipynb"): "new",
        place.format("Two Tries_3", "scratch.ipynb"): "scratch",
        place.format("Only Pdf_4", "ps1.pdf"): "no notebook",
        place.format(".._5", "../../../ps1.ipynb"): "up",
        place.format("Eve_6", "ps1.ipynb"): "eve's",
        place.format("Eve_6", "x.zip"): bait.getvalue(),
        place.format("Eve_6", "x.tar.gz"): away.getvalue(),
        place.format("Eve_6", "Ada Lovelace_1_assignsubmission_file_/ps1.ipynb"): "forged, and newer",
        "__MACOSX/x": "",
    }
    refused, remarks = collecting.unpack(packed(tmp_path, members), tmp_path, "ps1")
    assert handed_in(tmp_path) == {
        "Ada-Lovelace/ps1/ps1.ipynb": "hers",
        "Ada-Lovelace-2/ps1/ps1.ipynb": "her namesake's",
        "María-José-O-Neil/ps1/ps1.ipynb": "maría's",
        "Two-Tries/ps1/ps1.ipynb": "new",
        "5/ps1/ps1.ipynb": "up",
        "Eve/ps1/ps1.ipynb": "forged, and newer",  # in her own folder
    }
    assert refused == {"Only-Pdf": "no notebook, but ps1.pdf"}
    assert "Two-Tries handed in 2 notebooks; the newest of them is taken" in remarks


def test_a_later_archive_mixes_up_no_namesakes(collecting, tmp_path):
    first, second = (
        {f"Ada Lovelace_{number}_assignsubmission_file_/ps1.ipynb": f"of {number}"} for number in (1, 2)
    )
    collecting.unpack(packed(tmp_path, first | second), tmp_path, "ps1")
    late = dict.fromkeys(second, "late") | {"Óscar_3_assignsubmission_file_/ps1.ipynb": "ó"}
    collecting.unpack(packed(tmp_path, late), tmp_path, "ps1")
    assert handed_in(tmp_path) == {
        "Ada-Lovelace/ps1/ps1.ipynb": "of 1",
        "Ada-Lovelace-2/ps1/ps1.ipynb": "late",
        "Óscar/ps1/ps1.ipynb": "ó",
    }
    assert collecting.collected(tmp_path, "ps1")["Ada-Lovelace-2"] == ["moodle", "Ada Lovelace", "2"]


def test_a_later_archive_replaces_what_was_handed_in_by_another_name(collecting, tmp_path):
    (tmp_path / "source" / "ps2").mkdir(parents=True)
    place = "Ada Lovelace_1_assignsubmission_file_/"
    for name, content in (("ps1.ipynb", "old"), ("My PS1 final.ipynb", "new")):
        _, remarks = collecting.unpack(packed(tmp_path, {place + name: content}), tmp_path, "ps1")
        assert set(handed_in(tmp_path).values()) == {content}
    assert remarks == ["Ada-Lovelace handed in My PS1 final.ipynb: taken as ps1.ipynb"]
    members = {place + "ps2.ipynb": "of another set", place + "scan.pdf": "x"}
    _, remarks = collecting.unpack(packed(tmp_path, members), tmp_path, "ps1")
    assert list(handed_in(tmp_path)) == ["Ada-Lovelace/ps1/ps2.ipynb"]  # which is refused, with its name
    assert remarks == ["Ada-Lovelace also handed in scan.pdf: not looked at"]


def test_a_picture_is_one_that_a_browser_can_show(require_tool):
    require_tool("nbgrader")
    is_picture = importlib.import_module("grading.outputs").is_picture
    assert is_picture(picture(8000, 8000))
    assert not is_picture(picture(9_000, 9_000))  # 10 kB
    assert not is_picture("QUJD")
    assert not is_picture(7)


@pytest.mark.parametrize("slow", ["\n \t", "a.", "$", "\n%%", "except*"])
def test_no_code_takes_minutes_to_colour(require_tool, slow):
    require_tool("nbgrader")
    highlight = importlib.import_module("nbconvert.filters.highlight").Highlight2HTML(
        pygments_lexer="ipython3"
    )
    notebook = new_notebook(cells=[new_code_cell(slow * 50_000)])
    page = importlib.import_module("grading.outputs").FittingPage()
    (cell,) = page.preprocess(notebook, {"config_dir": ""})[0].cells
    start = time.process_time()
    assert slow.strip() in highlight(cell.source, metadata=cell.metadata)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", ["=cmd()", " =1+1", "\t=1", "\r@SUM(A1)", "+1", "-1", "＝cmd()"])
def test_no_name_becomes_a_formula(name):
    tables = importlib.import_module("grading.tables")
    assert tables._plain(name) == f"'{name}"
    assert tables._plain("Ada = Lovelace") == "Ada = Lovelace"
    assert tables._plain(-0.5) == "-0.5"


def test_the_gain_never_divides_by_zero():
    gain = importlib.import_module("grading.tables").gain
    assert gain(5, 10, 20) == pytest.approx(1 / 3)
    assert gain(10, 5, 20) == pytest.approx(-1 / 2)
    assert gain(7, 7, 20) == 0
    assert gain(0, 20, 20) == 1
    assert gain(20, 0, 20) == -1
    assert gain(20, 20, 20) is None
    assert gain(0, 0, 20) is None
    assert gain(0, 0, 0) is None


def test_blanks_are_counted_apart():
    gains = importlib.import_module("grading.tables").gains
    before = {"ada": {"q1": None, "q2": False, "q3": True}, "only_before": {"q1": True}}
    after = {"ada": {"q1": True, "q2": None, "q3": True}}
    head, ada, *questions, everything = gains(before, after, ["q1", "q2", "q3"])
    assert dict(zip(head, ada)) == {
        "who or what": "ada",
        "right before": 1,
        "blank before": 1,
        "right after": 2,
        "blank after": 1,
        "of": 3,
        "gain": 0.5,
    }
    assert [row[0] for row in questions] == ["q1", "q2", "q3"]
    assert questions[2][-1] == ""  # all right both times
    assert everything[1:] == (1, 1, 2, 1, 3, 0.5)


def test_a_misread_report_is_counted_with_what_it_says():
    report = importlib.import_module("grading.report")
    noted = {"ada": {"reading_ps3_visible": {"misread": ["report 3 read as c"]}}, "bob": {}}
    noted["eve"] = {"reading_ps3_visible": {"misread": ["report 1 read as b", "report 3 read as c"]}}
    (task, mistake, students, told, lesson), other = report.counted(noted)
    assert (task, mistake, students, lesson) == ("reading_ps3", "report 3 read as c", 2, "06")
    assert "the middle of the kernel" in told
    assert other[1:3] == ["report 1 read as b", 1]


def test_no_two_columns_of_the_points_have_one_name():
    head = next(importlib.import_module("grading.tables").points({}))
    assert len(set(head)) == len(head)


def test_equal_numbers_share_a_place():
    challenge = importlib.import_module("grading.tables").challenge
    marks = {
        s: {"t": {"number": n, "unit": "s"}} for s, n in (("a", 2.0), ("b", 1.0), ("c", 1.0), ("d", None))
    }
    assert [row[:2] for row in challenge(marks)] == [("place", "student"), (1, "b"), (1, "c"), (3, "a")]


def test_a_control_group_gets_limits_and_is_removed(limits, monkeypatch, tmp_path):
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids")
    monkeypatch.setattr(limits.Path, "rmdir", shutil.rmtree)  # as the system does, whose files are no files
    with limits.Group(tmp_path) as group:
        assert (group.path / "memory.max").read_text() == f"{limits.MEGABYTES * 2**20}\n"
        assert (group.path / "pids.max").read_text() == f"{limits.TASKS}\n"
        group.enter()
        assert (group.path / "cgroup.procs").read_text() == "0\n"
    assert not list(tmp_path.glob("grade-*"))


def test_a_control_group_without_controllers_is_none(limits, monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "MOUNTED", tmp_path)  # nothing below it is a control group
    monkeypatch.setenv("PATH", str(tmp_path))
    assert limits.folder() is None
    assert limits.scope() == ()
    assert "No control group" in limits.words()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_systemd_is_asked_where_it_answers(limits, monkeypatch, tmp_path):
    program = tmp_path / "systemd-run"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$0.asked"\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "systemd-run" in limits.words()
    assert (
        subprocess.run([*limits.scope(), "echo", "here"], capture_output=True, text=True).stdout == "here\n"
    )
    asked = (tmp_path / "systemd-run.asked").read_text()
    assert f"MemoryMax={limits.MEGABYTES}M" in asked
    assert f"TasksMax={limits.TASKS}" in asked
    program.write_text("#!/bin/sh\nexit 1\n")
    limits.scope.cache_clear()
    assert limits.scope() == ()


def test_a_kernel_runs_where_systemd_limits_it(limits, require_tool, monkeypatch, tmp_path):
    require_tool("nbgrader")
    require_tool("bwrap")
    program = tmp_path / "systemd-run"
    program.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    kernel, package = (importlib.import_module(f"grading.{name}") for name in ("kernel", "package"))
    (tmp_path / "package").mkdir()
    package.make(tmp_path / "package", [])
    with kernel.Kernel(tmp_path / "package", package.DATA) as student:
        (output,) = student.run("print(6 * 7)")
        start = time.monotonic()
    assert output["text"] == "42\n"
    assert time.monotonic() - start < 20  # it is ended with its kernel
