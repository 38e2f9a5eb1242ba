"""Stages without Python: what a lesson's file has of them becomes places on a page, which a script fills."""

import base64
import html
import json

import minify_html

from backprop_helpers.views.stage import _join
from backprop_helpers.views.stage._base import COMMITTED
from backprop_helpers.views.stage.network import series_files

# The tags by which MyST knows a cell that is shown without its code, and one whose outputs wait for a click.
HIDDEN, WAITING = "remove-input", "hide-output"


def make_places(notebook, script=lambda names: "", change=lambda spec: spec):
    """Put a place in each output that is a stage; return what the notebook has of them, in order.

    `change` returns the spec as the page is to have it.

    `script` gives, for the names of the compositions, the HTML that follows the first place: that one comes
    alive before the rest of the page is there.
    """
    found, outputs = [], []
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        spec = output.get("data", {}).get(COMMITTED)
        if spec is not None:
            spec = change(spec)
            picture = output.data["image/png"], output.metadata["image/png"]["alt"]
            output.data, output.metadata = {"text/html": place(spec, picture)}, {}
            found.append(spec)
            outputs.append(output)
    if outputs:
        outputs[0].data["text/html"] += script(compositions(found))
    return found


def hide_parts(notebook):
    """Leave out the code that JupyterLab folds, such as that of a question; let folded outputs wait."""
    tags = {"source_hidden": HIDDEN, "outputs_hidden": WAITING}
    for cell in notebook.cells:
        folded = [tag for part, tag in tags.items() if cell.metadata.get("jupyter", {}).get(part)]
        if folded:
            cell.metadata.tags = [*cell.metadata.get("tags", []), *folded]


def place(spec, picture=None):
    """Return the HTML of a place: the picture (a PNG in base64, its description) and the spec."""
    shown = ""
    if picture is not None:
        shown = f'<img src="data:image/png;base64,{picture[0].strip()}" alt="{html.escape(picture[1])}">'
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return f'<div class="bp-place">{shown}<script type="{COMMITTED}">{text}</script></div>'


def compositions(found):
    """Return the names of the compositions that a page needs: the first one's first, then by the alphabet."""
    first, *others = dict.fromkeys(spec["composition"] for spec in found)
    return [first, *sorted(others)]


def script_name(names):
    """Return the name of the file that fills the places of a page."""
    return "-".join(names) + ".js"


def script(names):
    """Return the script that fills the places of a page that is one file."""
    return _join.for_page(*names)


def scripts(names):
    """Return {file: text}: the script that fills the places of a page of the site, what it loads after it.

    What a page loads is minified; the text to read is in the modules.
    """
    name = script_name(names)
    texts = {name: _join.for_page(*names, beside=True), **_join.parts_for_page(name, *names)}
    return {file: minified(text) for file, text in texts.items()}


def minified(script):
    """Return a script as short as oxc, a parser, prints it; an expression would take spaces out of texts."""
    tag, end = "<script>", "</script>"
    return minify_html.minify(tag + script + end, minify_js=True).removeprefix(tag).removesuffix(end)


def files(found):
    """Return {name: bytes} of what the stages of a page fetch after they have been drawn.

    Beside each a script that holds the same: a page that is opened from a disk may not fetch.
    """
    if not any("file" in spec["options"] for spec in found):
        return {}
    content = series_files()
    script = "(globalThis.backpropFiles ??= {{}})[{}] = {};\n"
    scripts = {
        f"{name}.js": script.format(json.dumps(name), json.dumps(base64.b64encode(data).decode())).encode()
        for name, data in content.items()
    }
    return content | scripts


def alone(spec):
    """Return the spec for a page that is one file: of a network's training the end alone."""
    if "file" not in spec["options"]:
        return spec
    options = spec["options"] | {"steps": spec["options"]["steps"][-1:], "step": 0}
    options["pixels"] = options["pixels"] | {"count": len(options["examples"]["indices"])}
    return spec | {"options": options}


def kept_files(found):
    """Return the HTML that holds, in a page of one file, what its stages would fetch: a network's end."""
    last = {name: content for name, content in files(found).items() if name.endswith("_last.bin")}
    tag = '<script type="application/octet-stream" data-file="{}">{}</script>'
    return "\n".join(tag.format(name, base64.b64encode(content).decode()) for name, content in last.items())


def style_sheets():
    """Return the paths of the stages' style sheets, the common one first."""
    return sorted(_join.MODULES.glob("*.css"), key=lambda path: (path.stem != "stage", path.stem))
