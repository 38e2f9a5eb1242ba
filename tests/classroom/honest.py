"""Clumsy notebooks of ps1 that are solved: each must get all the points, or the teacher must be told."""

import copy
import json

import nbformat

from tests.classroom.submissions import DOT, WIDE, answer, cell, release, solved, source, with_cell

#: Cells of the student's own, all in one notebook, one after the other; the last ones break most.
BESIDE = {
    "installs": "!pip install numpy\n%pip install numpy",
    "sets_attributes": (
        "class Layer:\n    def __init__(self, **kw):\n        for k in kw: setattr(self, k, kw[k])\n"
        "        self.__dict__.update(kw)\nLayer(w=1).__dict__"
    ),
    "exported_from_an_editor": (
        "from IPython import get_ipython\nget_ipython().run_line_magic('matplotlib', 'inline')\n"
        "get_ipython().system('echo hello')"
    ),
    "reloads": "%load_ext autoreload\n%autoreload 2",
    "fails_in_a_scratch_cell": "undefined_name + 1\n",
    "does_not_parse": "def (:\n",
    "recursion": "def endless(): return endless()\nendless()",
    "interrupted": "raise KeyboardInterrupt",
    "draws": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('mine.png')\nplt.show()\n"
        "open('notes.txt', 'w').write('x')\nprint(open('notes.txt').read())"
    ),
    "large_file": "open('large', 'wb').write(b'x' * 80_000_000)",
    "awaits": "import asyncio\nawait asyncio.sleep(0.01)",
    "widget": (
        "import ipywidgets\nfrom IPython.display import display\ndisplay(ipywidgets.IntSlider())\n"
        "@ipywidgets.interact(x=(0, 10))\ndef show(x): return x"
    ),
    "prints_without_end": "for n in range(100_000): print(n)",
    "exits_a_scratch_cell": "import sys\nsys.exit()",
    "other_magics": "%%bash\necho hello",
    "shows_html": "%%html\n<b>bold</b>",
    "looks_closer": "%timeit -n1 -r1 np.zeros(3)\n%debug\n%xmode Verbose\n%who\nimport pdb; pdb.set_trace()",
    "draws_in_a_window": "import matplotlib\nmatplotlib.use('Qt5Agg')\nimport matplotlib.pyplot as plt\nplt.ion()",
    "everything_of_numpy": "from math import *\nfrom numpy import *\nnp.random.seed(0)\nnp.set_printoptions(precision=2)",
    "asks": "name = input('your name? ')",
    "strict_numpy": "import warnings\nnp.seterr(all='raise')\nwarnings.simplefilter('error')",
    "names_as_builtins": (
        "vars = [1, 2]\nlist = [1]\nsum = 3\nmax = min = 0\nopen = 'x'\ninput = type = print = None"
    ),
    "moves_away": "import os\nos.chdir('/')\nimport sys\nsys.path.clear()",
}

SKIP = """
def skip_backward(dy, x, w):
    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)
"""
#: After a right answer, which it calls as `right`: other ways to give the same.
WAYS = {
    "lists": "def TASK(*a):\n    return [np.asarray(part).tolist() for part in right(*a)]",
    "yields": "def TASK(*a):\n    yield from right(*a)",
    "an_object": "class Answer:\n    def __call__(self, *a):\n        return right(*a)\nTASK = Answer()",
    "a_method": "class Layer:\n    def back(self, *a):\n        return right(*a)\nTASK = Layer().back",
    "named": (
        "from collections import namedtuple\n"
        "def TASK(*a):\n    parts = right(*a)\n    return namedtuple('Gradients', list('abcd')[: len(parts)])(*parts)"
    ),
    "a_lambda": "TASK = lambda *a: right(*a)",
    "prints_a_lot": "def TASK(*a):\n    print(*a, *a)\n    return right(*a)",
    "single_precision": (
        "def TASK(*a):\n    return tuple(np.float32(part) for part in right(*map(np.float32, a)))"
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\ndef TASK(*a):\n"
        "    with ThreadPoolExecutor(2) as pool:\n        return pool.submit(right, *a).result()"
    ),
    "remembers": (
        "seen = {}\ndef TASK(*a):\n    key = b' '.join(part.tobytes() for part in a)\n"
        "    return seen.setdefault(key, right(*a))"
    ),
    "not_ascii": 'def größe(α):\n    return α\ndef TASK(*a):\n    """∂J/∂x 🎉"""\n    return größe(right(*a))',
    "stub_left": "def TASK(*a):\n    return right(*a)\n    # YOUR CODE HERE\n    raise NotImplementedError",
}


def right(name):
    """The code of a right answer."""
    return cell(source("ps1"), name).source


def ways(**way):
    """A solved notebook with other ways of writing some answers."""
    notebook = solved("ps1")
    for task, name in way.items():
        code = WAYS[name].replace("TASK", task).replace("right", f"_right_{task}")
        answer(notebook, task, f"{right(task)}\n_right_{task} = {task}\n{code}")
    return notebook


def skip(code, notebook=None):
    """A solved notebook with another answer to the fourth task."""
    return answer(notebook or solved("ps1"), "skip_backward", code)


def cut(notebook):
    """Cells as JupyterLab splits and merges them: names copied, or one of two lost."""
    helper = "def product(a, b):\n    return a @ b"
    code = "def skip_backward(dy, x, w):\n    return dy + product(dy, w.T), product(x.T, dy), dy.sum(axis=0)"
    skip(helper, notebook)
    place = notebook.cells.index(cell(notebook, "skip_backward"))
    second = copy.deepcopy(notebook.cells[place])
    second.update(id="second", source=code)
    notebook.cells.insert(place + 1, second)
    place = notebook.cells.index(cell(notebook, "scaled_fc_backward"))  # merged into what is above
    notebook.cells[place - 1].source += "\n\n" + notebook.cells.pop(place).source
    place = notebook.cells.index(cell(notebook, "tied_backward"))  # the test merged into the answer
    notebook.cells[place].source += "\n\n" + notebook.cells.pop(place + 1).source
    return notebook


def other_cells(notebook):
    """Answers in cells of the student's own: below the one for it, above it, in its place; and a spare copy."""
    stubs = release("ps1")
    for name, below in (("skip_backward", 1), ("bilinear_backward", 0), ("derivation", 1)):
        own = cell(notebook, name)
        place = notebook.cells.index(own)
        new = nbformat.v4.new_code_cell if own.cell_type == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.insert(place + below, new(own.source))
        own.source = cell(stubs, name).source
    place = notebook.cells.index(cell(notebook, "tied_backward"))
    notebook.cells[place] = nbformat.v4.new_code_cell(notebook.cells[place].source)
    spare = copy.deepcopy(cell(stubs, "scaled_fc_backward"))
    spare["id"] = "spare"
    notebook.cells.insert(notebook.cells.index(cell(notebook, "scaled_fc_backward")) + 1, spare)
    raw = cell(notebook, "relative_error")
    raw.cell_type = "raw"
    del raw["outputs"], raw["execution_count"]
    cell(
        notebook, "reading_ps1"
    ).source += "\n_letters = reading_ps1()\ndef reading_ps1(): return _letters.upper() + ' '"
    return with_cell(notebook, "exit()", where=-1)


def colab(notebook):
    """As Colab saves it: an older format, no identities, much metadata, outputs."""
    for number, part in enumerate(notebook.cells):
        part.metadata.update(id=f"aB{number}", colab={"height": 34}, executionInfo={"status": "ok"})
        del part["id"]
        if part.cell_type == "code":
            part.update(execution_count=99 - number, outputs=[nbformat.v4.new_output("stream", text="x\n")])
    notebook.nbformat_minor = 0
    notebook.metadata = {"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {"name": "python3"}}
    return notebook


def vscode(notebook):
    """As Visual Studio Code may save it on Windows, with a byte order mark and the names of a later format."""
    for part in notebook.cells:
        part.source = part.source.replace("\n", "\r\n")
        part.metadata["vscode"] = {"languageId": "python"}
    notebook.metadata = {
        "kernelspec": {"name": ".venv (3.12)", "display_name": "Ü 日本"},
        "language_info": [1],
    }
    notebook.nbformat_minor = 99
    return "\ufeff" + json.dumps(notebook)


def bare(notebook, identities=True):
    """As an editor saves it that drops what it does not know."""
    for part in notebook.cells:
        part.metadata = {}
        part.source = part.source.replace("\n", "\r")  # as some write lines
        if not identities:
            del part["id"]
    return notebook


PLOTS = """
import matplotlib.pyplot as plt, logging
def bilinear_backward(dZ: np.ndarray, X, Y, W, *, debug=True):
\tif debug:
\t\tplt.imshow(X); plt.show(); logging.warning(X)
\treturn _right(dZ, X, Y, W)
"""
HONEST = {
    "ways": ways(
        scaled_fc_backward="lists",
        skip_backward="yields",
        tied_backward="an_object",
        bilinear_backward="named",
    ),
    "more_ways": ways(
        scaled_fc_backward="a_method",
        skip_backward="single_precision",
        tied_backward="a_lambda",
        bilinear_backward="threads",
    ),
    "other_ways": ways(
        scaled_fc_backward="prints_a_lot",
        skip_backward="remembers",
        tied_backward="not_ascii",
        bilinear_backward="stub_left",
    ),
    "exclamation_in_docstring": skip(
        '%%time\ndef skip_backward(dy, x, w):\n    """Do it.\n\n    !mind the transpose\n    """\n'
        "    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)"
    ),
    "compares_with_the_package": skip(
        "from backprop_helpers.layers import fc_backward, fc_forward\n"
        + SKIP
        + "x, w = np.ones((2, 3)), np.ones((3, 3))\n_, cache = fc_forward(x, w, np.zeros(3))\n"
        "assert np.allclose(fc_backward(x, cache)[1], skip_backward(x, x, w)[1])"
    ),
    "checks_gradients": skip(
        SKIP + "from backprop_helpers.checking import check, gradient_check, holds\n"
        "report = gradient_check(skip_forward, skip_backward, {})\nassert report.passed\nprint(report)\n"
        "check.skip_backward(skip_backward).assert_ok()"
    ),
    "loops": with_cell(
        skip(
            "def skip_backward(dy, x, w):\n    dx, dw, db = copied(dy), 0 * w, np.zeros(len(w))\n"
            "    for m in range(len(x)):\n        for k in range(len(w)):\n            db[k] += dy[m, k]\n"
            "            for n in range(len(w)):\n                dx[m, n] += dy[m, k] * w[n, k]\n"
            "                dw[n, k] += x[m, n] * dy[m, k]\n    return dx, dw, db",
            answer(
                solved("ps1"),
                "bilinear_backward",
                right("bilinear_backward") + "\n_right = bilinear_backward" + PLOTS,
            ),
        ),
        "def copied(a):\n    return a.copy()",
        where=1,
    ),
    "copied_cell": with_cell(solved("ps1"), ""),  # below
    "deleted_tests": solved("ps1"),  # below
    "retyped_cells": solved("ps1"),  # below
    "photograph": solved("ps1"),  # below
    "split_and_merged": cut(solved("ps1")),
    "other_cells": other_cells(solved("ps1")),
    "colab": colab(solved("ps1")),
    "vscode": vscode(solved("ps1")),
    "without_names": bare(solved("ps1")),
    "without_names_and_identities": bare(solved("ps1"), identities=False),
}
_beside = HONEST["beside"] = solved("ps1")
_beside.cells[2:2] = [nbformat.v4.new_code_cell(code) for code in BESIDE.values()]

#: What costs points, and is told: (the notebook, the tasks that are lost, what the list says).
TOLD = {
    "elsewhere": (
        skip(
            "from my_helpers import product\n" + SKIP,
            answer(
                answer(solved("ps1"), "tied_backward", "%matplotlib widget\n" + right("tied_backward")),
                "bilinear_backward",
                right("bilinear_backward").replace(
                    "    # BEGIN", "    import not_installed_here\n    # BEGIN"
                ),
            ),
        ),
        ("skip_backward", "tied_backward", "bilinear_backward"),
        (
            "the notebook has no skip_backward",
            "the notebook has no tied_backward",
            "No module named 'not_installed_here'",
        ),
    ),
    "out_of_order": (
        with_cell(
            skip(
                "def skip_backward(dy, x, w):\n    return dy + product(dy, w.T), product(x.T, dy), dy.sum(axis=0)"
            ),
            "def product(a, b):\n    return a @ b",
            where=-1,
        ),
        ("skip_backward", "tied_backward"),
        (
            "skip_backward: name 'product' is not defined",
            "the notebook has no tied_backward",
            "nothing stands in derivation, but words in other cells",
            "also handed in, and not looked at: page by hand.pdf",
        ),
    ),
}

_told = TOLD["out_of_order"][0]
answer(_told, "tied_backward", 'size = input("size? ")\n' + right("tied_backward"))
with_cell(_told, cell(_told, "derivation").source, where=2, kind="markdown")
answer(_told, "derivation", cell(release("ps1"), "derivation").source)
_copied = cell(HONEST["copied_cell"], "skip_backward")
_wrong = copy.deepcopy(_copied)
_wrong.update(id="copy", source="def skip_backward(*a):\n    return 0")
HONEST["copied_cell"].cells.insert(1, _wrong)
_deleted = HONEST["deleted_tests"]
_deleted.cells = [
    c
    for c in _deleted.cells
    if c.metadata.get("nbgrader", {}).get("grade_id")
    not in ("setup", "central_difference_visible", "skip_backward_more", "skip_backward_visible")
]
for _name in ("relative_error_more", "skip_backward"):
    _changed = cell(HONEST["retyped_cells"], _name)
    _changed.cell_type = "markdown"
    del _changed["outputs"], _changed["execution_count"]
_photo = cell(HONEST["photograph"], "derivation")
_photo.source = (
    'My page: ![page](attachment:my%20page%20%281%29.png "scanned") <img src="attachment:b.jpg" width="80"/>\n\n'
    f"![image.png](data:image/png;base64,{DOT})\n\n"  # as Colab has it
    f"{'|a wide column ' * 40}|\n{'|-' * 40}|\n{'|1 ' * 40}|\n\n`{'w' * 400}`\n\n"
    "if $a<b$ then $x > 0$ & so on"
)
_photo.attachments = {"my page (1).png": {"image/png": WIDE}, "b.jpg": {"image/jpeg": DOT}}
with_cell(
    HONEST["photograph"], "import matplotlib.pyplot as plt\nplt.figure(figsize=(60, 2))\nplt.show()", where=2
)
with_cell(HONEST["photograph"], "x = 1  # " + "long " * 100, where=2)
