"""Hostile submissions of ps1: each with the tasks that it has solved, and so the points that it must get."""

import nbformat

from tests.classroom.submissions import PS1_TASKS, answer, cell, release, solved, with_cell

SECRET = "hunter2"  # stands in the teacher's variables, files, and other submissions


def for_each_task(code):
    """An unsolved notebook whose every answer is the code, with TASK for the function's name."""
    notebook = release("ps1")
    for task in PS1_TASKS:
        answer(notebook, task, code.replace("TASK", task))
    return notebook


def first(code):
    """A notebook with wrong answers, and the code before them."""
    notebook = for_each_task("def TASK(*args):\n    return args[0]\n")
    return with_cell(notebook, code, where=2)


def beside(code, solved_but=()):
    """A solved notebook that also runs the code, at its beginning."""
    notebook = solved("ps1")
    for task in solved_but:
        answer(notebook, task, f"def {task}(*args):\n    return 0\n")
    return with_cell(notebook, code, where=2)


CHECK = "from backprop_helpers.checking import check\nimport numpy as np\n"
LOOK = """
import os, pathlib, glob
for place in ("/proc/*/environ", "/root/*", "/home/*/*", "/tmp/*", "/run/*", "/var/*/*", "/work/**/*.db", "COURSE/**"):
    for path in glob.glob(place, recursive=True)[:200]:
        try:
            print(path, open(path, "rb").read(2000))
        except Exception as error:
            print(path, error)
print(dict(os.environ))
"""

#: By name: the notebook, and the tasks that it has solved.
ATTACKS = {
    # the answers, from what is installed
    "a01_reference": (
        for_each_task(CHECK + "def TASK(*a): return check.exercises['TASK'].reference(*a)"),
        (),
    ),
    "a02_is_reference": (for_each_task(CHECK + "TASK = check.exercises['TASK'].reference"), ()),
    "a03_frames": (
        for_each_task(
            "import sys\ndef TASK(*args):\n    frame = sys._getframe()\n    while frame:\n"
            "        for value in frame.f_locals.values():\n"
            "            if hasattr(value, 'reference'):\n                return value.reference(*args)\n"
            "        frame = frame.f_back\n"
        ),
        (),
    ),
    "a14_source_of_solution": (
        first(
            "import inspect\nfrom backprop_helpers.checking.solutions import lesson_02\n"
            "exec(inspect.getsource(lesson_02))\n"
            "def skip_backward(dy, x, w):\n    dx, dw, db = fc_backward(dy, x, w)\n    return dx + dy, dw, db"
        ),
        (),
    ),
    "a15_thread": (
        answer(
            release("ps1"),
            "skip_backward",
            "import threading, numpy as np\nfrom backprop_helpers.layers import fc_backward, fc_forward\n"
            "def skip_backward(dy, x, w):\n    got = []\n    def work():\n"
            "        _, cache = fc_forward(x, w, np.zeros(len(w)))\n        got.extend(fc_backward(dy, cache))\n"
            "    t = threading.Thread(target=work); t.start(); t.join()\n"
            "    return got[0] + dy, got[1], got[2]\n",
        ),
        (),
    ),
    "a16_profile": (
        answer(
            release("ps1"),
            "skip_backward",
            "import sys, numpy as np\nfrom backprop_helpers.layers import fc_backward, fc_forward\n"
            "def skip_backward(dy, x, w):\n    sys.setprofile(None)\n"
            "    _, cache = fc_forward(x, w, np.zeros(len(w)))\n    dx, dw, db = fc_backward(dy, cache)\n"
            "    return dx + dy, dw, db\n",
        ),
        (),
    ),
    "delegates_numerically": (
        for_each_task(
            "from backprop_helpers.checking import numerical_gradient\n"
            "def TASK(f, x, *rest):\n    return numerical_gradient(f, x, upstream=rest[0])"
        ),
        (),
    ),
    "stored_cases": (  # the right outputs of the cases that students have
        for_each_task(
            "import numpy as np, pathlib, backprop_helpers\n"
            "def TASK(*args):\n"
            "    path = pathlib.Path(backprop_helpers.__file__).parent / 'checking/exercises/graded_cases/ps1.npz'\n"
            "    stored = np.load(path)\n"
            "    return tuple(stored[k] for k in stored.files if k.startswith('TASK/0/right'))\n"
        ),
        (),
    ),
    "a21_executes_the_source": (
        first(
            "import json\nfor c in json.load(open('../../../source/ps1/ps1.ipynb'))['cells']:\n"
            "    if c['cell_type'] == 'code': exec(''.join(c['source']))"
        ),
        (),
    ),
    # the checker
    "a04_replaced_check": (
        first(
            CHECK + "c = check\nfor n in " + repr(PS1_TASKS) + ":\n    setattr(c, n, lambda *a, **k: print)"
        ),
        (),
    ),
    "a07_numpy_abs": (first("import numpy as N\nN.abs = lambda *a, **k: N.float64(0)"), ()),
    "a09_modules": (
        first("import sys as s\ns.modules['backprop_helpers.checking.check'] = s.modules['os']"),
        (),
    ),
    "a10_showtraceback": (
        first("get_ipython().showtraceback = lambda *a, **k: None"),
        (),
    ),
    "a18_subclass": (
        for_each_task(
            "import numpy as np\nclass A(np.ndarray):\n"
            "    def __array_ufunc__(self, *a, **k): return np.zeros(())\n    def __eq__(self, o): return True\n"
            "def TASK(*args):\n    return tuple(np.zeros(3).view(A) for _ in range(4))"
        ),
        (),
    ),
    "b25_transformer": (
        first("get_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])"),
        (),
    ),
    "b25b_after_shell": (
        first(
            "_ = !true\nfrom IPython import get_ipython as g\ng().input_transformers_post.append(lambda l: [])"
        ),
        (),
    ),
    "b34_shadow_folder": (
        first("from backprop_helpers.checking import check"),
        (),
    ),  # the test adds the folder
    "b35_shadow_written": (
        first(
            "import os\nos.makedirs('backprop_helpers/checking', exist_ok=True)\n"
            "open('backprop_helpers/__init__.py', 'w').close()\n"
            "open('backprop_helpers/checking/__init__.py', 'w').write('class check:\\n pass')"
        ),
        (),
    ),
    # the answers' way out
    "answers_as_pickle": (
        first(
            "import grading_answers, pickle\n"
            "def answer(asked, answered):\n    open(answered, 'wb').write(pickle.dumps(print))\n"
            "grading_answers.answer = answer"
        ),
        (),
    ),
    "answers_as_link": (
        first(
            "import grading_answers, os\n"
            "grading_answers.answer = lambda asked, answered: os.symlink('/etc/passwd', answered)"
        ),
        (),
    ),
    "answers_as_pipe": (
        first(
            "import grading_answers, os\ngrading_answers.answer = lambda asked, answered: os.mkfifo(answered)"
        ),
        (),
    ),
    "answers_of_objects": (
        first(
            "import grading_answers, numpy as np\ngrading_answers.answer = lambda asked, answered:"
            " np.savez(answered, said=np.array([print], dtype=object), result0=np.array([print], dtype=object))"
        ),
        (),
    ),
    "equal_to_everything": (
        for_each_task(
            "class A(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\n"
            "def TASK(*a, **k): return A('zzz')"
        ),
        (),
    ),
    "not_a_number": (
        for_each_task("import numpy as np\ndef TASK(*a, **k): return [np.nan] * 4, [np.nan] * 4"),
        (),
    ),
    # the marks in the notebook
    "b17_same_names": (with_cell(for_each_task("pass"), "assert True"), ()),  # the test gives it a name twice
    "b18_more_points": (release("ps1"), ()),  # the test raises its points
    "edited_tests": (release("ps1"), ()),  # the test empties them
    # what is solved is kept
    "a19_exits": (
        answer(solved("ps1"), "skip_backward", "def skip_backward(*a):\n    raise SystemExit"),
        tuple(task for task in PS1_TASKS if task != "skip_backward"),
    ),
    "a22_ends_the_process": (
        answer(solved("ps1"), "skip_backward", "import os\ngetattr(os, '_ex' 'it')(0)"),
        PS1_TASKS[:3],
    ),
    "crash": (
        answer(solved("ps1"), "scaled_fc_backward", "import ctypes\nctypes.string_at(0)"),
        PS1_TASKS[:2],
    ),
    "b13_recursion": (
        answer(
            solved("ps1"),
            "relative_error",
            "import sys\nsys.setrecursionlimit(10**9)\ndef relative_error(a, n): return relative_error(a, n)",
        ),
        ("central_difference",),  # Python breaks down over it
    ),
    "t09_children": (
        beside(
            "import subprocess, sys\nchildren = [subprocess.Popen([sys.executable, '-c', 'x = bytearray(10**9);"
            " import time; time.sleep(60)']) for _ in range(6)]\nimport time\ntime.sleep(10)"
        ),
        (),
    ),
    "b10_long_line": (beside("print('x' * 60_000_000)"), PS1_TASKS),
    "b12_large_html": (
        beside("from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>' * 2_000_000))"),
        PS1_TASKS,
    ),
    "b15_many_cells": (solved("ps1"), PS1_TASKS),  # the test adds 300
    "b19_surrogate": (beside("x = '\ud800'"), PS1_TASKS),
    "b20_kernel": (solved("ps1"), PS1_TASKS),  # the test names another one
    "t06_processes": (
        beside("import subprocess\nfor _ in range(50): subprocess.Popen(['sleep', '600'])"),
        PS1_TASKS,
    ),
    # the teacher's machine, and the others
    "c01_c02_looks_around": (beside(LOOK), PS1_TASKS),
    "c03_gradebook": (
        beside(
            "import sqlite3\nfor path in ('COURSE/gradebook.db', '../../../gradebook.db'):\n    try:\n"
            "        db = sqlite3.connect(path)\n        db.execute('update grade set auto_score = 0')\n"
            "        db.commit()\n    except Exception as error:\n        print(error)"
        ),
        PS1_TASKS,
    ),
    "c04_another_submission": (
        beside(
            "import glob\nfor place in ('COURSE/submitted', '..', '../..', '/'):\n"
            "    for path in glob.glob(place + '/**/ps1.ipynb', recursive=True):\n        open(path, 'w').write('{}')"
        ),
        PS1_TASKS,
    ),
    "e05_killer": (
        beside(
            "import os, signal\nfor n in range(2, 40000):\n    if n != os.getpid():\n        try:\n"
            "            os.kill(n, signal.SIGKILL)\n        except OSError:\n            pass"
        ),
        (),  # its own threads are among them
    ),
    "t07_sockets": (
        beside(
            "import socket\nfor kind, where in ((socket.AF_UNIX, 'SOCKET'), (socket.AF_UNIX, '\\0SOCKET'),"
            " (socket.AF_INET, ('127.0.0.1', PORT)), (socket.AF_INET, ('192.0.2.1', 80))):\n"
            "    try:\n        s = socket.socket(kind); s.settimeout(1); s.connect(where); s.send(b'hello')\n"
            "        print('sent')\n    except OSError as error:\n        print(error)"
        ),
        PS1_TASKS,
    ),
    "t08_writes": (
        beside(
            "import backprop_helpers, numpy, os, pathlib\n"
            "for path in (backprop_helpers.__file__, numpy.__file__, '/usr/bin/evil', '/root/.bashrc', 'COURSE/x'):\n"
            "    try:\n        open(path, 'a').write('# evil')\n        print('written', path)\n"
            "    except OSError as error:\n        print(error)"
        ),
        PS1_TASKS,
    ),
    "b22_shell": (
        beside("x = !id\nprint(x)\nimport os\nos.system('touch /tmp/evil COURSE/evil')"),
        PS1_TASKS,
    ),
    "b23_b99_scripts": (solved("ps1"), PS1_TASKS),  # the test adds everything that could run
    "a17_own_complex_step": (
        answer(
            solved("ps1"),
            "skip_backward",
            "import numpy as np\ndef skip_backward(dy, x, w):\n    grads = []\n    arrays = (x, w, np.zeros(len(w)))\n"
            "    for p, a in enumerate(arrays):\n        g = np.zeros(a.shape)\n        for i in np.ndindex(a.shape):\n"
            "            n = [b.astype(complex) for b in arrays]\n            n[p][i] += 1e-30j\n"
            "            g[i] = (dy * skip_forward(*n)).sum().imag / 1e-30\n        grads.append(g)\n"
            "    return tuple(grads)",
        ),
        PS1_TASKS,  # any right way
    ),
}

SCRIPTS = {
    "html": "<script>window.EVIL = 1</script><img src=x onerror='EVIL()'>",
    "markdown": (
        "<script>EVIL()</script> <img src=x onerror=EVIL()> <svg onload=EVIL()> <iframe src=//EVIL>\n\n"
        "[click](javascript:EVIL()) ![far](http://EVIL/x.png) <a href='java&#115;cript:EVIL()'>x</a>\n\n"
        "[ref]: javascript:EVIL()\n[click][ref] $\\href{javascript:EVIL()}{x}$ <javascript:EVIL()> <!-- EVIL -->\n\n"
        "![gone](attachment:gone.png)"
    ),
    "code": (
        "from IPython.display import HTML, SVG, Javascript, Markdown, display\n"
        "display(HTML('<script>EVIL()</script>'), Javascript('EVIL()'), Markdown('<script>EVIL()</script>'))\n"
        "display({'image/svg+xml': '<svg onload=\"EVIL()\"/>', 'text/latex': '$\\\\href{javascript:EVIL()}{x}$',"
        " 'image/png': '\"><script>EVIL()</script>', 'text/plain': '<script>EVIL()</script>'}, raw=True)\n"
        "print('<script>EVIL()</script>')"
    ),
}


def with_scripts(notebook):
    """Put everything that could run in the teacher's browser into a notebook."""
    with_cell(notebook, SCRIPTS["code"], where=2)
    with_cell(notebook, SCRIPTS["markdown"], where=2, kind="markdown")
    cell(notebook, "derivation").source = SCRIPTS["html"] + SCRIPTS["markdown"]
    cell(notebook, "derivation").attachments = {
        "x.svg": {"image/svg+xml": SCRIPTS["html"]},
        "'><script>EVIL()</script>.png": {"image/png": "QUJD"},
    }
    notebook.cells[3].metadata["tags"] = ["'><script>EVIL()</script>"]
    notebook.metadata["title"] = "</title><script>EVIL()</script>"
    notebook.cells.append(nbformat.v4.new_raw_cell(SCRIPTS["html"], metadata={"raw_mimetype": "text/html"}))
    return notebook


def prepared(folder, port, socket):
    """Return all notebooks by name, with what they need to know of the place."""
    notebooks = {name: notebook for name, (notebook, _) in ATTACKS.items()}
    for notebook in notebooks.values():
        for part in notebook.cells:
            part.source = (
                part.source.replace("COURSE", str(folder))
                .replace("PORT", str(port))
                .replace("SOCKET", str(socket))
            )
    same = notebooks["b17_same_names"]
    same.cells[0].metadata["nbgrader"] = cell(same, "skip_backward_more").metadata["nbgrader"]
    for name in ("skip_backward_more", "skip_backward_visible"):
        cell(notebooks["b18_more_points"], name).metadata["nbgrader"].update(
            points=1000, locked=False, solution=True
        )
    for part in notebooks["edited_tests"].cells:
        if part.metadata.get("nbgrader", {}).get("grade") and part.cell_type == "code":
            part.source = "assert True"
    for number in range(300):
        with_cell(notebooks["b15_many_cells"], f"x = {number}")
    notebooks["b20_kernel"].metadata["kernelspec"] = {"name": "bash", "display_name": "x", "language": "bash"}
    with_scripts(notebooks["b23_b99_scripts"])
    return notebooks
