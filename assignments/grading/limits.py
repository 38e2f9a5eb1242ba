"""Limits of a kernel and all that it starts, by a control group (cgroup v2) where one can be made.

Without one each process has limits of its own (`kernel._limit`), and their sum is looked at twice a second.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

MEGABYTES = 3072  # of memory, for all processes of a kernel together; of address space, for each
PROCESSES = 64
TASKS = 4 * PROCESSES  # a control group counts threads as well
NEEDED = (
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
)  # variables by which systemd-run finds the user's systemd
MOUNTED = Path("/sys/fs/cgroup")
_numbers = itertools.count()


def words():
    """Say what limits memory and processes here."""
    if scope():
        return "Memory and processes are limited by a control group, which systemd-run makes."
    if folder():
        return f"Memory and processes are limited by a control group in {folder()}."
    return (
        "No control group can be made here: memory is limited for each process, and the sum is looked at "
        "twice a second."
    )


@cache
def scope():
    """Return the words before a command that let systemd limit it; none if systemd does not."""
    program = shutil.which("systemd-run")
    if program is None:
        return ()
    command = (
        *(program, "--user", "--scope", "--quiet", "--collect"),
        *(f"--property=MemoryMax={MEGABYTES}M", "--property=MemorySwapMax=0"),
        *(f"--property=TasksMax={TASKS}", "--property=OOMPolicy=kill", "--"),
    )
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        if subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0:
            return command
    return ()


@cache
def folder():
    """Return a folder where this process can make control groups with limits; None if there is none."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in own:
        if line.startswith("0::"):
            place = MOUNTED / line[3:].strip("/")
            with contextlib.suppress(OSError), Group(place):
                return place
    return None


class Group:
    """A control group in a folder: ``with Group(folder) as group``; removed with all that is in it."""

    def __init__(self, place):
        self.path = Path(place) / f"grade-{os.getpid()}-{next(_numbers)}"

    def __enter__(self):
        controllers = self.path.parent / "cgroup.subtree_control"
        if not {"memory", "pids"} <= set(controllers.read_text(encoding="utf-8").split()):
            controllers.write_text("+memory +pids", encoding="utf-8")
        self.path.mkdir()
        try:
            for name, value in (
                ("memory.max", MEGABYTES * 2**20),
                ("memory.oom.group", 1),
                ("pids.max", TASKS),
            ):
                (self.path / name).write_text(f"{value}\n", encoding="utf-8")
        except BaseException:
            self.__exit__()
            raise
        return self

    def enter(self):
        """Put the process that calls this into the group."""
        (self.path / "cgroup.procs").write_text("0\n", encoding="utf-8")

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1\n", encoding="utf-8")
        with contextlib.suppress(OSError):
            self.path.rmdir()
