"""Clumsy notebooks of ps1 that are solved: each must get all the points."""

import copy

from tests.classroom.submissions import answer, cell, solved, with_cell

SKIP = """
def skip_backward(dy, x, w):
    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)
"""


def before(code):
    """A solved notebook with code of the student's own in front of the answers."""
    return with_cell(solved("ps1"), code, where=2)


def skip(code):
    """A solved notebook with another answer to the last task."""
    return answer(solved("ps1"), "skip_backward", code)


HONEST = {
    "installs": before("!pip install numpy\n%pip install numpy"),
    "names_as_builtins": before(
        "vars = [1, 2]\nlist = [1]\nsum = 3\nmax = min = 0\nopen = 'x'\ninput = type = print = None"
    ),
    "sets_attributes": before(
        "class Layer:\n    def __init__(self, **kw):\n        for k in kw: setattr(self, k, kw[k])\n"
        "        self.__dict__.update(kw)\nLayer(w=1).__dict__"
    ),
    "exclamation_in_docstring": skip(
        'def skip_backward(dy, x, w):\n    """Do it.\n\n    !mind the transpose\n    """\n'
        "    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)"
    ),
    "exported_from_an_editor": before(
        "from IPython import get_ipython\nget_ipython().run_line_magic('matplotlib', 'inline')\n"
        "get_ipython().system('echo hello')"
    ),
    "fails_in_a_scratch_cell": before("undefined_name + 1\n"),
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
    "copied_cell": with_cell(solved("ps1"), ""),  # below
    "prints_a_lot": skip("def skip_backward(dy, x, w):\n    print(dy * 1000)\n" + SKIP.partition(":\n")[2]),
    "draws": before(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('mine.png')\nopen('notes.txt', 'w').write('x')\n"
        "print(open('notes.txt').read())"
    ),
    "returns_lists": skip(
        "def skip_backward(dy, x, w):\n    return [(dy + dy @ w.T).tolist(), (x.T @ dy).tolist(), list(dy.sum(axis=0))]"
    ),
    "yields": skip(
        "def skip_backward(dy, x, w):\n    yield dy + dy @ w.T\n    yield x.T @ dy\n    yield dy.sum(axis=0)"
    ),
    "helper_elsewhere": with_cell(
        skip(
            "def skip_backward(dy, x, w):\n    return dy + product(dy, w.T), product(x.T, dy), dy.sum(axis=0)"
        ),
        "def product(a, b):\n    return a @ b",
        where=1,
    ),
    "an_object": skip(
        "class Skip:\n    def __call__(self, dy, x, w):\n        return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)\n"
        "skip_backward = Skip()"
    ),
    "strict_numpy": before("import warnings\nnp.seterr(all='raise')\nwarnings.simplefilter('error')"),
    "exits_a_scratch_cell": before("import sys\nsys.exit()"),
    "asks": before("name = input('your name? ')"),
    "moves_away": before("import os\nos.chdir('/')\nimport sys\nsys.path.clear()"),
    "loops": skip(
        "def skip_backward(dy, x, w):\n    dx, dw, db = dy.copy(), 0 * w, np.zeros(len(w))\n"
        "    for m in range(len(x)):\n        for k in range(len(w)):\n            db[k] += dy[m, k]\n"
        "            for n in range(len(w)):\n                dx[m, n] += dy[m, k] * w[n, k]\n"
        "                dw[n, k] += x[m, n] * dy[m, k]\n    return dx, dw, db"
    ),
    "single_precision": skip(
        "def skip_backward(dy, x, w):\n    dy, x, w = (a.astype(np.float32) for a in (dy, x, w))\n"
        "    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)"
    ),
    "deleted_tests": solved("ps1"),  # below
    "retyped_cells": solved("ps1"),  # below
    "photograph": solved("ps1"),  # below
}

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
_photo.source = 'My page: ![page](attachment:my%20page.png) <img src="attachment:b.jpg" width="80"/>\n\nif $a<b$ then $x > 0$ & so on'
_photo.attachments = {"my page.png": {"image/png": "QUJD"}, "b.jpg": {"image/jpeg": "QUJD"}}
