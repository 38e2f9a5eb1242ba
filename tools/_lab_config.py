"""Jupyter's settings for the lessons: to open one changes nothing in its file. `_environment.py` installs it.

A lesson's file says nothing of the Python that ran it. JupyterLab writes that down as soon as a kernel
answers, so it would call every lesson modified, and save it. Here it is told beforehand, and the file stays
as it was.
"""

import json
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

STAGE = "application/vnd.backprop.stage+json"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


class LessonFiles(AsyncLargeFileManager):
    """Notebooks as JupyterLab wants them, and as their files have them."""

    async def get(self, path, content=True, *arguments, **options):
        """Return a file's model; a notebook as JupyterLab would make it of the file."""
        model = await super().get(path, content, *arguments, **options)
        if model["type"] == "notebook" and content:
            opened(model["content"])
        return model

    async def save(self, model, path=""):
        """Save a file; a notebook says of its language what it said before."""
        if model["type"] == "notebook" and "content" in model:
            kept(model["content"], Path(self._get_os_path(path)))
        return await super().save(model, path)


def opened(notebook):
    """Say which Python answers; show a stage's picture where the page could not find what the stage was."""
    if is_unversioned(notebook):
        from ipykernel.ipkernel import IPythonKernel  # no start has to wait for its import

        notebook["metadata"]["language_info"] = dict(IPythonKernel.language_info)
    states = states_in(notebook)
    for data in shown_in(notebook):
        if STAGE in data and data.get(VIEW, {}).get("model_id") not in states:
            data.pop(VIEW, None)


def kept(notebook, file):
    """Leave what the file says of its language, and the stages that it has, if their outputs are still there.

    JupyterLab saves only the stages of the kernel that runs.
    """
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"metadata": {}}
    if is_unversioned(before):
        notebook["metadata"]["language_info"] = before["metadata"]["language_info"]
    old, states = states_in(before), states_in(notebook)
    for data in shown_in(notebook):
        name = data.get(VIEW, {}).get("model_id")
        if name in old and name not in states:
            layout = old[name]["state"]["layout"].removeprefix("IPY_MODEL_")
            states |= {name: old[name], layout: old[layout]}
    notebook["metadata"].pop("widgets", None)
    if states:
        bundle = {"state": states, "version_major": 2, "version_minor": 0}
        notebook["metadata"]["widgets"] = {STATE: bundle}


def is_unversioned(notebook):
    """Whether a notebook says that it is in Python, but not in which."""
    language = notebook["metadata"].get("language_info", {})
    return language.get("name") == "python" and "version" not in language


def states_in(notebook):
    """Return the saved states of a notebook's widgets, by their names."""
    return notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})


def shown_in(notebook):
    """Return the data of every output."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if "data" in output]


if "get_config" in globals():  # Jupyter reads this file as its settings
    get_config().ServerApp.contents_manager_class = LessonFiles  # noqa: F821
