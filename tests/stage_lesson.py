"""A small lesson with a question of each kind and two worksheets, for the tests in a browser."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from backprop_helpers.views.stage import _base
from tests.tool_loader import load_tool

IMPORTS = """\
import numpy as np
from backprop_helpers.views.stage import Predict, Worksheet, mistakes_of"""
CELLS = [
    'Predict("How many of the nine outputs move?", 9, unit="outputs", then="Each weight has its turn.")',
    'Predict("Which gradient has the kernel\'s shape?", "dW", options=["dX", "dW", "dZ"])',
    'Predict("Which pixel receives the most stamps?", [(1, 1), (1, 2)], shape=(3, 4), name="dX")',
    """\
DZ, W = np.array([[1, -2], [3, 2]]), np.array([[1, 2], [3, -1]])
DX = np.array([[1, 0, -4], [6, 1, 6], [9, 3, -2]])
sheet = Worksheet(
    {"dZ": DZ, "W": W},
    "Each output presses its stamp, `dZ·W`, onto dX.",
    {"dX": DX},
    blanks={"dX": True},
    mistakes=mistakes_of("input_backward", DZ[None, :, :, None], W[:, :, None, None]),
)
sheet""",
    'Worksheet({"A": np.arange(12).reshape(2, 3, 2) / 7, "b": np.array([1.5, 2])}, blanks={"A": True})',
]


def stage_lesson():
    """Return the lesson as it would be committed; its cells are run here, and not in a kernel."""
    names, cells = {}, [new_markdown_cell("# 98 · Stages\n\nAn equation, $$z = w x \\tag{98.1}$$")]
    exec(IMPORTS, names)
    for source in CELLS:
        *lines, last = source.split("\n") if "\n" in source else [source]
        exec("\n".join(lines), names)
        data, metadata = eval(last, names)._repr_mimebundle_()
        output = new_output("execute_result", data, metadata=metadata, execution_count=1)
        hidden = {"jupyter": {"source_hidden": True}} if "Which gradient" in source else {}
        cells.append(new_code_cell(source, outputs=[output], execution_count=1, metadata=hidden))
    waits = {"jupyter": {"outputs_hidden": True}}
    output = new_output("stream", text="nine of nine\n")
    cells.append(new_code_cell("print('nine of nine')", outputs=[output], execution_count=1, metadata=waits))
    return load_tool("_normalise.py").normalise(new_notebook(cells=cells))


def specs():
    """Return what the lesson's file has of each stage."""
    outputs = [out for cell in stage_lesson().cells if cell.cell_type == "code" for out in cell.outputs]
    return [output.data[_base.COMMITTED] for output in outputs if "data" in output]
