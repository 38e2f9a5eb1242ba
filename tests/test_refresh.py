"""tools/refresh_lessons and its normal form, on small notebooks made here."""

import base64
import json
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.synthetic_lesson import PIXEL, with_comment
from tests.tool_loader import load_tool

normaliser = load_tool("_normalise.py")
refresher = load_tool("refresh_lessons")

PROGRESS = """\
import sys
for i in range(3):
    print(f"\\r{i} of 2", end="", flush=True)
print()
print("done", flush=True)
"""
FIGURE = """\
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(1, 1))
ax.set_title("title")
plt.show()
"""
FREE = {"tags": ["nbval-ignore-output"], "reason": "the clock runs"}


def save(path, *cells, **metadata):
    """Write a notebook that looks like one an editor left behind."""
    notebook = new_notebook(cells=list(cells), metadata=metadata)
    path.write_text(nbformat.v4.writes(notebook, indent=2), encoding="utf-8")
    return path


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def run(*arguments):
    return refresher.main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory):
    """A notebook that was run twice: (path, file after the first run, file after the second)."""
    path = save(
        tmp_path_factory.mktemp("notebooks") / "06_small.ipynb",
        new_markdown_cell("# Title\n\n"),
        new_code_cell(PROGRESS, execution_count=40, metadata={"scrolled": True, "execution": {"a": "b"}}),
        new_code_cell(""),
        new_code_cell(FIGURE, metadata={"collapsed": False, "tags": []}),
        new_code_cell("import time\nprint(time.time_ns())", metadata=FREE),
        new_code_cell("import ipywidgets\nipywidgets.IntSlider(value=3)"),
        new_code_cell("import os\nos.path.basename(os.getcwd()) == 'notebooks0'", id="kept-id"),
        kernelspec={"name": "mine", "display_name": "Mine", "language": "python"},
        language_info={"name": "python", "version": "3.11.7"},
        widgets={"state": {}},
    )
    versions = []
    for _ in range(2):
        assert run(path) == 0
        versions.append(load(path))
    return path, *versions


def test_second_run_changes_only_what_is_free(refreshed):
    _, first, second = refreshed
    assert first != second  # the clock did run
    for notebook in (first, second):
        for cell in notebook["cells"]:
            if "nbval-ignore-output" in cell["metadata"].get("tags", []):
                cell["outputs"] = []
    assert first == second


def test_metadata_is_plain(refreshed):
    _, notebook, _ = refreshed
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}, {}, {}, FREE, {}, {}]


def test_cells_are_run_and_numbered(refreshed):
    _, notebook, _ = refreshed
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, 5]
    assert code[-1]["outputs"][0]["data"] == {"text/plain": ["True"]}  # run in the notebook's own folder
    assert code[-1]["id"] == "kept-id"


def test_streams_hold_the_final_state(refreshed):
    _, notebook, _ = refreshed
    (stream,) = notebook["cells"][1]["outputs"]
    assert stream == {"name": "stdout", "output_type": "stream", "text": ["2 of 2\n", "done\n"]}


def test_pictures_have_no_comments(refreshed):
    _, notebook, _ = refreshed
    (output,) = notebook["cells"][2]["outputs"]
    assert set(output["data"]) == {"image/png", "text/plain"}
    assert b"Software" not in base64.b64decode(output["data"]["image/png"])


def test_widgets_leave_their_text(refreshed):
    _, notebook, _ = refreshed
    (output,) = notebook["cells"][4]["outputs"]
    assert output["data"] == {"text/plain": ["IntSlider(value=3)"]}


def test_file_form(refreshed):
    path, _, _ = refreshed
    raw = path.read_bytes()
    assert raw.endswith(b"}\n")
    assert not raw.endswith(b"\n\n")
    assert b"\r" not in raw
    assert raw.startswith(b'{\n "cells"')
    assert list(path.parent.iterdir()) == [path]  # nothing is left beside it


def test_check_accepts_a_fresh_lesson_and_changes_nothing(refreshed, capsys):
    path, _, _ = refreshed
    before = path.read_bytes()
    assert run("--check", path) == 0
    assert path.read_bytes() == before
    assert "same" in capsys.readouterr().out


def test_the_order_of_keys_is_no_difference(tmp_path, capsys):
    source = (
        "from IPython.display import display\ndisplay({'application/json': {'b': 1, 'a': NUMBER}}, raw=True)"
    )
    path = save(tmp_path / "07_small.ipynb", new_code_cell(source.replace("NUMBER", "6")))
    assert run(path) == 0
    assert run("--check", path) == 0
    path.write_text(path.read_text(encoding="utf-8").replace('"a": 6', '"a": 7'), encoding="utf-8")
    assert run("--check", path) == 1
    assert '"a": 7' in capsys.readouterr().out


def test_check_sees_another_output(tmp_path, capsys):
    path = save(tmp_path / "07_small.ipynb", new_code_cell("print(6)"))
    assert run(path) == 0
    path.write_text(path.read_text(encoding="utf-8").replace('"6\\n"', '"7\\n"'), encoding="utf-8")
    before = path.read_bytes()
    capsys.readouterr()
    assert run("--check", path) == 1
    printed = capsys.readouterr().out
    assert "-7" in printed
    assert "+6" in printed
    assert path.read_bytes() == before


def test_check_sees_another_form(tmp_path, capsys):
    path = save(tmp_path / "07_small.ipynb", new_code_cell("x = 6", execution_count=1))
    assert run("--check", path) == 1
    assert "normal form" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError"),
        ("import sys\nprint('careful', file=sys.stderr)", "stderr"),
        ("import warnings\nwarnings.warn('careful')", "stderr"),
        ("import os\nos._exit(3)", "kernel died"),
    ],
)
def test_bad_lessons_fail_and_are_not_written(tmp_path, capsys, source, message):
    path = save(
        tmp_path / "07_small.ipynb", new_code_cell("'first'"), new_code_cell(source, id="the-culprit")
    )
    before = path.read_bytes()
    assert run(path) == 1
    printed = capsys.readouterr().out
    assert message in printed
    assert "the-culprit" in printed
    assert path.read_bytes() == before


def test_slow_lesson_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(refresher, "STUCK", 600)  # a loaded machine may need seconds for the cell
    path = save(tmp_path / "07_small.ipynb", new_code_cell("import time\ntime.sleep(0.3)"))
    assert run("--limit", "0.1", path) == 1
    assert "its limit is" in capsys.readouterr().out


def test_stuck_cell_is_stopped(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(refresher, "STUCK", 1)
    path = save(tmp_path / "07_small.ipynb", new_code_cell("import time\ntime.sleep(600)"))
    assert run("--limit", "1", path) == 1
    assert "did not end" in capsys.readouterr().out


def test_memory_is_limited(tmp_path, capsys, monkeypatch):
    path = save(
        tmp_path / "07_small.ipynb",
        new_code_cell("a = bytearray(100 << 20)\nfor i in range(0, len(a), 4096): a[i] = 1"),
    )
    monkeypatch.setattr(refresher, "MEGABYTES", 100)
    assert run(path) == 1
    assert "MB of memory" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_peak_counts_memory_that_was_given_back(tmp_path):
    def peak(source):
        notebook = new_notebook(cells=[new_code_cell(source)])
        return refresher.execute(notebook, tmp_path, timeout=60)[1]

    plain = peak("x = 1")
    assert 20 < plain < 400
    assert 150 < peak("a = b'x' * (200 << 20)\ndel a") - plain < 260


def test_form_only_runs_nothing(tmp_path, capsys):
    path = tmp_path / "07_form.ipynb"
    cell = new_code_cell("raise SystemExit('it was run')", execution_count=1, metadata={"collapsed": False})
    nbformat.write(new_notebook(cells=[cell]), path)
    before = path.read_bytes()
    assert refresher.main(["--form-only", "--check", str(path)]) == 1
    assert path.read_bytes() == before
    assert refresher.main(["--form-only", str(path)]) == 1  # a hook that wrote a file stops the commit
    assert path.read_bytes() != before
    assert refresher.main(["--form-only", str(path)]) == 0
    assert "was not in the normal form" in capsys.readouterr().out


def test_missing_file_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path / "99_none.ipynb")
    assert "99_none.ipynb" in capsys.readouterr().err


def test_ids_are_kept_or_follow_from_the_text():
    def ids(*given):
        cells = [new_code_cell("same text", id="x") for _ in given]
        for cell, cell_id in zip(cells, given, strict=True):
            cell.id = cell_id
        normaliser.set_ids(cells)
        return [cell.id for cell in cells]

    assert ids("good-1", "B_2") == ["good-1", "B_2"]
    derived = ids("", "not valid", "dup", "dup", "x" * 65)
    assert derived == ["e896d353", "e896d353-2", "dup", "e896d353-3", "e896d353-4"]
    assert all(normaliser.CELL_ID.fullmatch(cell_id) for cell_id in derived)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n", "plain\n"),
        ("1 %\r50 %\r100 %\ndone\n", "100 %\ndone\n"),
        ("a\nb\rc\n", "a\nc\n"),
        ("abc\x08\x08d\n", "ad\n"),
        ("windows\r\nlines\r\n", "windows\r\nlines\r\n"),
    ],
)
def test_final_text_is_what_a_terminal_shows(text, shown):
    assert normaliser.final_text(text) == shown
    assert normaliser.final_text(shown) == shown


def test_streams_around_a_figure_stay_in_order():
    def stream(text):
        return new_output("stream", name="stdout", text=text)

    figure = new_output("display_data", {"image/png": PIXEL, "image/svg+xml": "<svg/>"})
    outputs = normaliser.normalised_outputs([stream("a\n"), stream("b\n"), figure, stream("c\n")], 1)
    assert [o.get("text") or sorted(o.data) for o in outputs] == ["a\nb\n", ["image/png"], "c\n"]


def test_png_comments_go_and_the_picture_stays():
    commented = with_comment(PIXEL)
    assert commented != PIXEL
    assert normaliser.plain_png(commented) == PIXEL
    assert normaliser.plain_png(PIXEL + "\n") == PIXEL
    not_a_png = base64.b64encode(b"GIF89a").decode()
    assert normaliser.plain_png(not_a_png) == not_a_png
