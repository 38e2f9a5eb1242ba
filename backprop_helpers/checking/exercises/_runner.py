"""Running somebody's function: never longer than it may, nor larger, and watched for whom it calls.

Everything here works in the thread that asks, also the main thread of a notebook's kernel, on every system:
a second thread looks at the clock and raises the exception in the first one. It arrives between two steps of
Python code, so a loop inside compiled code is not stopped before it is done.
"""

import contextlib
import ctypes
import io
import sys
import threading
import time
import warnings

import numpy as np

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None

TIME_LIMIT = 10.0  # seconds of work, for all calls of a check together
BUSY = 6  # times as long by the clock: on a busy machine, or for a function that sleeps
MEMORY_LIMIT = 2 * 2**30  # bytes on top of what the process has
PRINTED = 2000  # characters that the first call may print; the other calls' are held back
PULSE = 0.05  # seconds between two attempts to stop a function that catches everything


class OutOfTime(BaseException):
    """Raised in the learner's function; no ``except Exception`` catches it."""


class Guard:
    """Calls functions within one time limit for all of them, a memory limit, and with printing kept short."""

    def __init__(self):
        self.seconds = TIME_LIMIT
        self._lock = threading.Lock()
        self._armed = False
        self._done = threading.Event()
        self._first = True
        self._late = False

    def __enter__(self):
        self._thread = threading.get_ident()
        self._watchdog = threading.Thread(target=self._watch, name="time limit", daemon=True)
        with contextlib.suppress(RuntimeError):  # the Python of a browser starts none: no limit of time there
            self._watchdog.start()
        return self

    def foresee(self, function, cases):
        """Do nothing: a function in this process is called when its turn comes."""

    def __exit__(self, *_):
        self._done.set()
        if self._watchdog.ident is not None:
            self._watchdog.join()

    def _watch(self):
        start, working = time.monotonic(), time.process_time()
        while time.process_time() - working < self.seconds and time.monotonic() - start < BUSY * self.seconds:
            if self._done.wait(min(self.seconds, PULSE)):
                return
        while True:
            with self._lock:
                if self._armed:
                    # At the thread's next step.
                    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                    raise_in(ctypes.c_ulong(self._thread), ctypes.py_object(OutOfTime))
            if self._done.wait(PULSE):
                return

    @contextlib.contextmanager
    def _time(self):
        with self._lock:
            self._armed = True
        try:
            yield
        finally:
            self._disarm()
        if self._late:  # it came back, but not before the exception was on its way
            raise OutOfTime

    def _disarm(self):
        # The exception may arrive in these very lines. Once the lock was held, no other one is sent; the last
        # one comes at the next step of a loop, so a short one sees it off.
        disarmed = False
        while not disarmed:
            try:
                with self._lock:
                    self._armed = False
                for _ in range(100):
                    pass
                disarmed = True
            except OutOfTime:
                self._late = True

    def call(self, function, arguments, options, seen=None):
        """Return the function's result; `seen` is called with the code of every Python function that runs.

        Raises
        ------
        OutOfTime
            The time for all calls together is over.
        """
        printed = _Printed(sys.stdout if self._first else None)
        self._first = False
        recursion = sys.getrecursionlimit()
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(printed),
                _memory_limit(),
                _profile(seen),
                self._time(),
            ):
                warnings.simplefilter("ignore")
                return function(*arguments, **options)
        finally:
            sys.setrecursionlimit(recursion)


@contextlib.contextmanager
def _profile(seen):
    """Call `seen` with the code of each function that is entered."""
    if seen is None:
        yield
        return

    def look(frame, event, _):
        if event == "call":
            seen(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextlib.contextmanager
def _memory_limit():
    """Let the process grow by MEMORY_LIMIT at most, where the system can say how large it is."""
    before = None
    with contextlib.suppress(OSError, ValueError):  # Windows and macOS have no such file
        with open("/proc/self/statm", encoding="ascii") as statm:
            wanted = int(statm.read().split()[0]) * resource.getpagesize() + MEMORY_LIMIT
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        finite = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *finite]), hard))
        before = soft, hard
    try:
        yield
    finally:
        if before:
            resource.setrlimit(resource.RLIMIT_AS, before)


class _Printed(io.TextIOBase):
    """Hands the first PRINTED characters on, and swallows the rest."""

    def __init__(self, stream):
        self._stream = stream
        self._left = PRINTED if stream is not None else 0

    def writable(self):
        return True

    def write(self, text):
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write("\n[the rest of what it prints is left out]\n")
        return len(text)

    def flush(self):
        if self._stream is not None:
            self._stream.flush()
