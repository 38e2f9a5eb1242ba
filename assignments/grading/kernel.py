"""A student's kernel, seen from outside: it runs cells and calls functions, and nothing of it is believed.

What it prints and draws is kept as plain text and pictures, cut where it gets long; anything else that it
sends (HTML, JavaScript, SVG, widgets) is dropped. What its functions return comes as arrays of numbers.
"""

import builtins
import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from backprop_helpers.checking.exercises._runner import TIME_LIMIT, OutOfTime

from . import limits, sandbox
from .arrays import BadAnswerError, question, read_answer
from .outputs import Collected, Room

SECONDS_TO_START = 60
SECONDS_A_CELL = 30
SECONDS_A_TEST = TIME_LIMIT  # the function's, for all its calls together
SECONDS_A_NOTEBOOK = 600
SECONDS_TO_STOP = 3  # after an interruption; then the kernel is ended
MEGABYTES, PROCESSES = limits.MEGABYTES, limits.PROCESSES
MEGABYTES_A_FILE = 100
OPEN_FILES = 256  # a process: what a socket holds counts as no process's memory
PULSE = 0.2  # seconds between two looks at whether it still runs
LOOK = 0.4  # seconds between two looks at what it uses
LARGEST_MESSAGE = 64 * 2**20  # bytes
WAITING_MESSAGES = 8  # more are not taken from the kernel until these are read
REPLIES = 20  # that are passed over at a time
HERE = Path(__file__).parent


class KernelEndedError(Exception):
    """The kernel is no more; with the reason."""


class _Manager(KernelManager):
    """Starts the kernel by a command of ours, and speaks to it through sockets in a folder."""

    kernel_command = ()

    @property
    def kernel_spec(self):
        return KernelSpec(
            argv=list(self.kernel_command), language="python", display_name="graded", interrupt_mode="message"
        )


class Kernel:
    """A kernel for one submission: ``with Kernel(package, data) as kernel``.

    Parameters
    ----------
    package, data : path
        See `sandbox.command`.
    seconds_a_cell, seconds_a_test, seconds : float
        How long a cell may take, a function in a test, and all of the notebook.
    protected : bool
        False: without a sandbox, with the rights of whoever grades.
    """

    def __init__(
        self,
        package,
        data,
        *,
        seconds_a_cell=SECONDS_A_CELL,
        seconds_a_test=SECONDS_A_TEST,
        seconds=SECONDS_A_NOTEBOOK,
        protected=True,
    ):
        self.package, self.data, self.protected = package, data, protected
        self.seconds_a_cell, self.seconds_a_test, self.seconds = seconds_a_cell, seconds_a_test, seconds
        self.ended = ""  # why, once it is
        self.remarks = []  # on what may be no fault of an answer's
        self._room = Room()
        self._questions = 0

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="grade-"))
        self.asked, self.answered = self.folder / "asked", self.folder / "answered"
        self.home = self.folder / "home"  # used without a sandbox
        for folder in (self.asked, self.answered, self.home):
            folder.mkdir()
        shutil.copy(HERE / "grading_answers.py", self.asked)
        context = zmq.Context()
        context.maxmsgsize = LARGEST_MESSAGE
        context.rcvhwm = WAITING_MESSAGES
        self.manager = _Manager(
            context=context,
            transport="ipc",
            ip=str(self.answered / "s"),
            connection_file=str(self.answered / "connection.json"),
            shutdown_wait_time=0,
        )
        self.manager.kernel_command = self._command()
        self._group = contextlib.ExitStack()
        here = limits.folder() if self.protected and not limits.scope() else None
        group = self._group.enter_context(limits.Group(here)) if here else None
        limited = {"preexec_fn": partial(_limit, group)} if os.name == "posix" else {}
        self.manager.start_kernel(
            env=self._variables(),
            cwd=str(self.home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **limited,
        )
        self.client: BlockingKernelClient = self.manager.client()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        try:
            self.client.start_channels(stdin=False, control=False)  # nobody would read what comes there
            self.client.wait_for_ready(timeout=SECONDS_TO_START)
            self.deadline = time.monotonic() + self.seconds
            self.run(f"import sys; sys.path.append({str(self.asked)!r}); import grading_answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._end("the notebook is done")
        self._group.close()
        self._over.set()
        self._watcher.join()
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.context.destroy(linger=0)
        remove(self.folder)

    def _command(self):
        kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", str(self.answered / "connection.json")]
        kernel.append("--HistoryManager.hist_file=:memory:")
        if not self.protected:
            return kernel
        return [*limits.scope(), *sandbox.command(kernel, self.asked, self.answered, self.package, self.data)]

    def _variables(self):
        if self.protected:
            return {"PATH": os.defpath, **{n: os.environ[n] for n in limits.NEEDED if n in os.environ}}
        return {**os.environ, **sandbox.variables(str(self.home), self.package)}

    def run(self, source, seconds=None, *, history=True):
        """Run code, and return what it showed as a notebook's outputs.

        Raises
        ------
        KernelEndedError
            The kernel ended, now or earlier.
        """
        self._still_there()
        seconds = self.seconds_a_cell if seconds is None else seconds
        stop_at = min(time.monotonic() + seconds, self.deadline)
        give_up_at = stop_at + SECONDS_TO_STOP
        collected, interrupted = Collected(self._room), False
        asked = self.client.execute(source, store_history=history, allow_stdin=False, stop_on_error=False)
        while True:
            message = self._next_message()
            if message is not None and self._of(message, asked):
                if message["msg_type"] == "status" and message["content"].get("execution_state") == "idle":
                    break
                collected.add(message)
            now = time.monotonic()
            if now > give_up_at:
                self._end("the kernel could not be interrupted: it took longer than its time")
                self._still_there()
            if now > stop_at and not interrupted:
                self.manager.interrupt_kernel()
                interrupted = True
        if interrupted:
            collected.stopped(seconds)
        return collected.outputs

    @staticmethod
    def _of(message, asked):
        """Whether it is a message as it should be, and of the cell that runs."""
        parent, kind, content = (message.get(key) for key in ("parent_header", "msg_type", "content"))
        return (
            isinstance(parent, dict)
            and isinstance(kind, str)
            and isinstance(content, dict)
            and parent.get("msg_id") == asked
        )

    def _next_message(self):
        """Return the kernel's next message, or None if there is none for a while."""
        try:
            with contextlib.suppress(queue.Empty):
                for _ in range(REPLIES):
                    self.client.get_shell_msg(timeout=0)
            return self.client.get_iopub_msg(timeout=PULSE)
        except queue.Empty:
            if not self.manager.is_alive():
                self._end("the kernel ended: the code ended Python, or Python broke down")
            self._still_there()
            return None
        except Exception as error:  # what it sends may be anything
            self._end(f"the kernel sent what is no message ({type(error).__name__})")
            self._still_there()

    def ask(self, function, calls, seconds):
        """Return what is said of each call of a function of the student's, and all arrays that came back.

        Raises
        ------
        OutOfTime
            It takes longer than it may.
        KernelEndedError
            The kernel ended, now or earlier.
        BadAnswerError
            No answer came back.
        """
        self._questions += 1
        asked, answered = (f / f"{self._questions}.npz" for f in (self.asked, self.answered))
        asked.write_bytes(question(function, calls))
        source = f"import grading_answers; grading_answers.answer({str(asked)!r}, {str(answered)!r})"
        start = time.monotonic()
        self.run(source, seconds, history=False)
        asked.unlink()
        if time.monotonic() - start > seconds:
            raise OutOfTime
        said, arrays = read_answer(answered)
        with contextlib.suppress(OSError):
            answered.unlink()
        return said, arrays

    def _still_there(self):
        if self.ended:
            raise KernelEndedError(self.ended)

    def _end(self, why):
        self.ended = self.ended or why
        process = self.manager.provisioner.process
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()

    def _watch(self):
        """End the kernel when all its processes together use more than they may."""
        root = psutil.Process(self.manager.provisioner.process.pid)
        while not self._over.wait(LOOK):
            try:
                processes = [root, *_descendants(root)]
            except psutil.Error:
                return
            if len(processes) > PROCESSES:
                self._end(f"the code started more than {PROCESSES} processes")
            if sum(map(_memory, processes)) > MEGABYTES * 2**20:
                self._end(f"the code used more than {MEGABYTES} MB of memory")
            if _size(self.answered) > MEGABYTES_A_FILE * 2**20:
                self._end(f"the code wrote more than {MEGABYTES_A_FILE} MB")


def remove(folder):
    """Remove a folder that a submission wrote into: it may be too deep, or closed."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], stderr=subprocess.DEVNULL)


class Remote:
    """A student's function: called here, computed there.

    Parameters
    ----------
    kernel : Kernel
    name : str
    seconds : float, optional
        For all its calls together; the kernel's for a test.
    """

    def __init__(self, kernel, name, seconds=None):
        self._kernel, self._name = kernel, name
        self._left = kernel.seconds_a_test if seconds is None else seconds
        self._foreseen = []

    def foresee(self, calls):
        """Make all these calls at once; they are then asked for one by one, in this order."""
        try:
            said, arrays = self._asked(calls)
        except (BadAnswerError, KernelEndedError, OutOfTime) as error:
            self._foreseen = [(error, {})] * len(calls)
        else:
            several = [
                (one, {name.partition("_")[2]: a for name, a in arrays.items() if name.startswith(f"{c}_")})
                for c, one in enumerate(said)
            ]
            missing = BadAnswerError("it answers fewer calls than were asked for"), {}
            self._foreseen = [*several, *[missing] * (len(calls) - len(several))]

    def _asked(self, calls):
        start = time.monotonic()
        try:
            return self._kernel.ask(self._name, calls, self._left)
        finally:
            self._left -= time.monotonic() - start

    def __call__(self, *arguments, **options):
        if not self._foreseen:
            self.foresee([(arguments, options)])
        said, arrays = self._foreseen.pop(0)
        try:
            if isinstance(said, BaseException):
                raise said
            return _result(self._name, said, arrays, arguments)
        except BaseException as error:
            if isinstance(error, WORTH_A_LOOK):
                self._kernel.remarks.append(f"{self._name}: {_in_words(error)}")
            error.learners_frame = getattr(error, "learners_frame", None)  # and none of ours
            raise


#: What may come from elsewhere than the answer: a file that stayed at home, a cell that failed, a busy hour.
WORTH_A_LOOK = (NameError, ImportError, OutOfTime)


def _in_words(error):
    said = str(error)[:200] or "it took longer than it may"
    return "".join(letter for letter in said if letter.isprintable())


def _result(name, said, arrays, arguments):
    """Return what a function returned, or raise what it raised, from its answer."""
    if said.get("missing"):
        raise NameError(f"the notebook has no {name}: is there an error in its cell, or another name?")
    for position, argument in enumerate(arguments):
        after = arrays.get(f"after{position}")
        if after is not None and (after.shape, after.dtype) == (argument.shape, argument.dtype):
            argument[...] = after
    if "raised" in said:
        raise _error(name, said)
    try:
        values = [_value(kind, value, arrays) for kind, value in said["values"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswerError(f"{type(error).__name__} in what it says") from None
    return (
        tuple(values) if said.get("form") == "tuple" else values if said.get("form") == "list" else values[0]
    )


def _value(kind, value, arrays):
    if kind == "array":
        return arrays[value]
    if kind == "text":
        return str(value)[:200]
    name = "".join(letter for letter in str(value)[:40] if letter.isidentifier())
    return None if name == "NoneType" else type(name or "thing", (), {})()


def _error(name, said):
    """Return an error of the kind that was raised, as far as it is one of Python's own."""
    kind, message = str(said["raised"])[:60], str(said.get("message", ""))[:2000]
    known = getattr(builtins, kind, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            error = known(message)
        except TypeError:
            error = RuntimeError(f"{kind}: {message}")
    else:
        error = RuntimeError(f"{kind}: {message}")
    frame = said.get("frame")
    if (
        isinstance(frame, list)
        and len(frame) == 3
        and not (kind == "NotImplementedError" and frame[1] == name)
    ):
        error.learners_frame = tuple(str(word)[:300] for word in frame)
    return error


def _limit(group):
    """Limit each process of a kernel, and put it into a control group if there is one."""
    import resource

    if group is not None:
        group.enter()
    with contextlib.suppress(OSError):  # where memory runs out, it is this process that ends
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")

    for limit, value in (
        (resource.RLIMIT_AS, MEGABYTES * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, SECONDS_A_NOTEBOOK),
        (resource.RLIMIT_FSIZE, MEGABYTES_A_FILE * 2**20),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        if sys.platform == "darwin" and limit == resource.RLIMIT_AS:
            continue  # macOS does not enforce it
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _descendants(root):
    """Return the processes below one; where the system lists children, without a look at all others."""
    if not Path(f"/proc/{root.pid}/task/{root.pid}/children").is_file():
        return root.children(recursive=True)
    found, parents = [], [root.pid]
    while parents:
        children = []
        for path in Path(f"/proc/{parents.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                children += map(int, path.read_text().split())
        for child in children:
            with contextlib.suppress(psutil.Error):
                found.append(psutil.Process(child))
        parents += children
    return found


def _memory(process):
    """Return how much memory a process has of its own or shares with others, in bytes; files do not count."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8", errors="replace")
        return 1024 * sum(map(int, re.findall(r"^Rss(?:Anon|Shmem):\s*(\d+)", status, re.MULTILINE)))
    except OSError:  # it has ended, or the system has no such files
        with contextlib.suppress(psutil.Error):
            return process.memory_info().rss
        return 0


def _size(folder):
    """Return how large the files of a folder are; one of more than a few entries counts as too large."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
            if number > 100 or entry.is_dir(follow_symlinks=False):
                return float("inf")
    return total
