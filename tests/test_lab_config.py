"""What JupyterLab is told of a lesson, and what it may write into its file."""

import asyncio
import json

import pytest

from tests.tool_loader import load_tool

config = load_tool("_lab_config.py")
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
RUN = {"name": "python", "pygments_lexer": "ipython3", "version": "3.12.1"}


def state(**states):
    """The metadata that keeps widgets, each with its layout."""
    entries = {}
    for name in states:
        entries |= {name: {"state": {"layout": f"IPY_MODEL_{name}-layout"}}, f"{name}-layout": {"state": {}}}
    return {"widgets": {config.STATE: {"state": entries, "version_major": 2, "version_minor": 0}}}


def notebook(*views, language=LANGUAGE, stage=True, **metadata):
    """A notebook whose outputs show these widgets, beside a stage's picture."""
    kept = {"image/png": "…"} | ({config.STAGE: {}} if stage else {})
    outputs = [{"data": kept | {config.VIEW: {"model_id": name}}} for name in views]
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [{"text": "a stream"}, *outputs]}]
    return {"cells": cells, "metadata": {"language_info": dict(language)} | metadata}


def views_of(content):
    return [data[config.VIEW]["model_id"] for data in config.shown_in(content) if config.VIEW in data]


def test_a_lesson_is_told_which_python_answers():
    content = notebook()
    config.opened(content)
    assert content["metadata"]["language_info"].keys() >= {"version", "codemirror_mode", "file_extension"}


@pytest.mark.parametrize("language", [RUN, {"name": "julia"}, {}])
def test_another_notebook_is_left_alone(language):
    content = notebook(language=language)
    config.opened(content)
    assert content["metadata"]["language_info"] == language


def test_a_stage_that_was_not_saved_shows_its_picture():
    content = notebook("a", "b", **state(b=1))
    config.opened(content)
    assert views_of(content) == ["b"]


def test_another_widget_is_left_to_jupyterlab():
    content = notebook("a", stage=False)
    config.opened(content)
    assert views_of(content) == ["a"]


@pytest.mark.parametrize(("before", "after"), [(LANGUAGE, LANGUAGE), (RUN, {"name": "other"})])
def test_a_file_says_of_its_language_what_it_said(tmp_path, before, after):
    file = tmp_path / "lesson.ipynb"
    file.write_text(json.dumps(notebook(language=before)))
    content = notebook(language={"name": "other"})
    config.kept(content, file)
    assert content["metadata"] == {"language_info": after}


def test_stages_of_an_earlier_kernel_stay_while_they_are_shown(tmp_path):
    file = tmp_path / "lesson.ipynb"
    file.write_text(json.dumps(notebook("old", "gone", **state(old=1, gone=1))))
    content = notebook("old", "new", **state(new=1))
    config.kept(content, file)
    assert set(config.states_in(content)) == {"old", "old-layout", "new", "new-layout"}


def test_no_stage_leaves_no_metadata(tmp_path):
    content = notebook(**state())
    config.kept(content, tmp_path / "new.ipynb")
    assert content["metadata"] == {"language_info": LANGUAGE}


def test_a_lesson_goes_through_the_server_unchanged(tmp_path):
    lesson = next((config.Path(__file__).parents[1] / "notebooks").glob("05*.ipynb")).read_bytes()
    (tmp_path / "lesson.ipynb").write_bytes(lesson)
    files = config.LessonFiles(root_dir=str(tmp_path))

    async def open_and_save():
        model = await files.get("lesson.ipynb", type="notebook")
        assert "version" in model["content"]["metadata"]["language_info"]
        await files.save(model, "lesson.ipynb")

    asyncio.run(open_and_save())
    assert (tmp_path / "lesson.ipynb").read_bytes() == lesson
