"""Explorers that run on the site without a kernel: what Python says of every cell, written down in advance.

`explorer_of` builds a lesson's own explorer again from the literals that the lesson gives it. `recorded`
points at every cell of every matrix and keeps what lights up and what is written out. The page hands that to
the same `matrix_view.js` that a notebook uses, through ``_static/live.js``.
"""

import ast
import html
import json
import re

import numpy as np

from backprop_helpers.views.explorers import ConvolutionExplorer
from backprop_helpers.views.matrix_view import MatrixView

MARK = "run the cell to use it"
FOLDER = "_static/live"
#: What the script reads of a view; the rest of a widget's state speaks to a kernel.
LEFT_OUT = re.compile(r"_(model|view)_|_esm|_css|_anywidget|_dom_classes|layout$|tabbable$|tooltip$|comm$")
DROPPED_CLASSES = {"bp-controls"}  # sliders and buttons need Python


# Which explorer ---------------------------------------------------------------------------------------------


def shows_explorer(cell):
    """Tell whether a code cell's output is an explorer that waits for a kernel."""
    return any(MARK in "".join(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)


def explorer_of(cells):
    """Return the explorer that the last of `cells` shows, or None if it cannot be had from literals alone.

    The cells are read, not run: arrays of numbers, settings that are constants, one `ConvolutionExplorer`.
    """
    known, made = {}, {}
    for cell in cells:
        for statement in ast.parse(cell.source).body:
            _read(statement, known, made)
    last = ast.parse(cells[-1].source).body[-1]
    name = last.value.id if isinstance(last, ast.Expr) and isinstance(last.value, ast.Name) else None
    return made.get(name)


def _read(statement, known, made):
    """Follow one statement: remember literals and explorers, forget what is computed."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        if isinstance(target, ast.Name):
            made.pop(target.id, None)
            try:
                if (
                    isinstance(statement.value, ast.Call)
                    and _called(statement.value) == "ConvolutionExplorer"
                ):
                    made[target.id] = _made(statement.value, known)
                else:
                    known[target.id] = _literal(statement.value, known)
                return
            except ValueError:
                pass
        elif isinstance(target, ast.Attribute):  # explorer.reading.value = "correlation"
            path = ast.unparse(target).split(".")
            if path[0] in made:
                owner = made[path[0]]
                for part in path[1:-1]:
                    owner = getattr(owner, part)
                setattr(owner, path[-1], _literal(statement.value, known))
                return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.pop(node.id, None)
            made.pop(node.id, None)


def _called(node):
    return ast.unparse(node.func) if isinstance(node, ast.Call) else None


def _made(call, known):
    if any(keyword.arg is None for keyword in call.keywords):
        raise ValueError(f"not literals alone: {ast.unparse(call)}")
    positional = [_literal(argument, known) for argument in call.args]
    return ConvolutionExplorer(*positional, **{k.arg: _literal(k.value, known) for k in call.keywords})


def _literal(node, known):
    """Return the value of a literal, of ``np.array(literal)`` or of a known name, else raise ValueError."""
    if isinstance(node, ast.Name):
        if node.id not in known:
            raise ValueError(f"{node.id} is not a literal")
        return known[node.id]
    if _called(node) == "np.array" and not node.keywords:
        return np.array(ast.literal_eval(node.args[0]))
    return ast.literal_eval(node)


# What it shows ----------------------------------------------------------------------------------------------


def recorded(explorer):
    """Return all that the page needs of an explorer, ready for JSON.

    Returns
    -------
    dict
        `colors` (by kind), `tree` (boxes, texts and views, as the explorer lays them out), `rest` and
        `states[view]["row,column"]`: the arithmetic's HTML and the highlights of every view that has some.
    """
    tree, views = laid_out(explorer)
    names = {view: name for name, view in explorer.views.items() if view in views}
    states = {}
    rest = shown(explorer, names)
    for view, name in names.items():
        states[name] = {}
        for cell in np.ndindex(view.shape):
            view.hovered = cell
            if explorer.last_error is not None:
                raise explorer.last_error
            states[name][",".join(map(str, cell))] = shown(explorer, names)
        view.hovered = None
    colors = {view.kind: view.get_state("_colors")["_colors"] for view in names}
    return {"colors": colors, "tree": tree, "rest": rest, "states": states}


def shown(explorer, names):
    """Return what an explorer shows now: its arithmetic, and the highlights as the browser reads them."""
    groups = {name: view.get_state("_groups")["_groups"] for view, name in names.items()}
    return {
        "arithmetic": explorer.arithmetic.value,
        "groups": {name: group for name, group in groups.items() if group},
    }


def laid_out(explorer):
    """Return (tree, views): the explorer's widgets without its controls, as plain data; its views."""
    names = {id(view): name for name, view in explorer.views.items()}
    views = []

    def node(widget):
        style = {
            key.replace("_", "-"): value
            for key, value in widget.layout.get_state().items()
            if isinstance(value, str) and not key.startswith("_")
        }
        about = {"classes": list(widget._dom_classes), "style": style}
        if isinstance(widget, MatrixView):
            views.append(widget)
            return about | {"view": names[id(widget)], "state": state_of(widget)}
        if hasattr(widget, "children"):
            flow = {"HBox": "row", "VBox": "column"}.get(type(widget).__name__, "column")
            flow = "grid" if type(widget).__name__ == "GridBox" else flow
            inside = [node(child) for child in widget.children if not DROPPED_CLASSES & {*child._dom_classes}]
            return about | {"flow": flow, "children": inside}
        return about | {"html": widget.value, "role": "arithmetic" if widget is explorer.arithmetic else ""}

    return node(explorer), views


def state_of(view):
    """Return the state of a view as `matrix_view.js` reads it, numbers in `_data`, the colours left out."""
    state = {key: value for key, value in view.get_state().items() if not LEFT_OUT.match(key)}
    return state | {"_data": view.values.astype(float).ravel().tolist(), "_colors": None}


# On the page ------------------------------------------------------------------------------------------------


def page_part(name, number):
    """Return the HTML that a page has for one live explorer, until ``live.js`` fills it."""
    run = html.escape(f"python3 tools/open_lessons {number}")
    return (
        f'<div class="live-view" data-states="{name}">'
        f'<p class="live-words">With JavaScript, this place answers to the pointer. With sliders, too: '
        f"<code>{run}</code></p></div>"
    )


def not_live(number):
    """Return the line below an explorer that needs Python."""
    return (
        ":::{note}\nThis view answers when Python runs: "
        f"`python3 tools/open_lessons {number}`. The figure above is its picture.\n:::"
    )


def write_script(folder, name, content):
    """Write data as a script: unlike a request, a script element works where the page is a file, too."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    (folder / f"{name}.js").write_text(
        f"(window.liveViews ??= {{}})[{json.dumps(name)}] = {text};\n", encoding="utf-8"
    )


def write_module(folder):
    """Write the text of `matrix_view.js`, the same that a notebook loads."""
    write_script(folder, "matrix_view", MatrixView._esm._path.read_text(encoding="utf-8"))
