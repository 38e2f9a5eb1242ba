"""Where a student's kernel runs: bubblewrap around it, so that it reaches nothing but its own empty folder.

The kernel sees Python and the system's libraries read-only, a copy of the lessons' package without what would
do its work (`package`), and two folders of this grading: one to read questions from, one to answer in. It has
no network, no variable of the teacher's, no home, no course, no other process, and ends with the grading.
"""

import atexit
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HOME = "/student"
MEGABYTES_OF_FILES = 200  # in each folder that a kernel can write to, which are in memory
IN_MEMORY = ("/tmp", HOME, "/dev/shm")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = ("/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime")
WOULD_DO_THE_WORK = ("backprop_helpers", "torch", "jax", "jaxlib", "tensorflow", "autograd")

#: By machine, as Linux's audit.h and unistd.h have it: its number, that of socket(), and those of the calls
#: that a kernel is refused. They give memory or files that count in no sum (memfd_create, memfd_secret,
#: shmget, msgget, fallocate), the teacher's keys (add_key, request_key, keyctl), or more of the system than a
#: student needs (bpf, perf_event_open, userfaultfd, io_uring_setup).
CALLS = {
    "x86_64": (0xC000003E, 41, (319, 447, 29, 68, 285, 248, 249, 250, 321, 298, 323, 425)),
    "aarch64": (0xC00000B7, 198, (279, 447, 194, 186, 47, 217, 218, 219, 280, 241, 282, 425)),
}
OTHER_TABLE = 0x40000000  # calls of x86_64 by the numbers of another table begin here
FAMILIES = (1, 2, 10, 16)  # sockets: Unix, IPv4, IPv6, netlink; others may lead out of a network of its own
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 38  # with "function not implemented"

NO_SANDBOX = """\
bubblewrap does not work here ({why}).
Grading runs other people's code, so nothing is graded without a sandbox.
  Debian, Ubuntu:        sudo apt install bubblewrap
  Ubuntu 23.10 and on:   sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0
  in a container:        start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined
  macOS, Windows:        grade in the container of assignments/Dockerfile
Or say --unprotected: students' code then runs with all your rights."""


class NoSandboxError(Exception):
    """Nothing here protects the teacher from the students' code."""


@cache
def bubblewrap():
    """Return the path of a bubblewrap that works.

    Raises
    ------
    NoSandboxError
        It is missing, or the system lets nobody use it; with what to do.
    """
    path = shutil.which("bwrap")
    if path is None:
        raise NoSandboxError(NO_SANDBOX.format(why="there is no program bwrap"))
    done = subprocess.run(
        [*_filtered(path), *_alone(), *_system(), "true"],
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
    )
    if done.returncode:
        raise NoSandboxError(NO_SANDBOX.format(why=done.stderr.strip() or f"exit status {done.returncode}"))
    return path


def command(kernel, asked, answered, package, data):
    """Return the command that runs a kernel's command in the sandbox.

    Parameters
    ----------
    kernel : list of str
    asked, answered : path
        The folders of questions, read-only, and of answers.
    package, data : path
        The folder that holds the lessons' package, with an empty folder `data`; the images.
    """
    return [
        *_filtered(bubblewrap()),
        *_alone(),
        *_system(),
        # Before what is bound: the course and its Python may themselves lie below the machine's /tmp.
        *_in_memory(),
        *("--remount-ro", "/dev"),
        *_python(),
        *_fonts(),
        *("--ro-bind", str(package), "/package", "--ro-bind", str(data), "/package/data"),
        *("--ro-bind", str(asked), str(asked), "--bind", str(answered), str(answered)),
        *("--clearenv", *(word for item in variables().items() for word in ("--setenv", *item))),
        *("--remount-ro", "/", "--chdir", HOME),
        *kernel,
    ]


def variables(home=HOME, package="/package"):
    """Return the variables that a kernel needs, and no others."""
    return {
        "HOME": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "LANG": "C.UTF-8",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "PIP_NO_INDEX": "1",  # what is installed is found at once, and nothing else is looked for
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",  # all is read-only
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "USER": "student",
    }


def _filtered(path):
    """Return the words that start bubblewrap with a filter of system calls, which it reads from a handle."""
    file = _filter_file()
    return ["/bin/sh", "-c", 'exec "$@" 9<"$0"', file, path, "--seccomp", "9"] if file else [path]


@cache
def _filter_file():
    """Return the path of a file with the filter for this machine; None if none is known."""
    program = call_filter(platform.machine())
    if not program:
        return None
    handle, path = tempfile.mkstemp(prefix="calls-")
    os.write(handle, program)
    os.close(handle)
    atexit.register(os.unlink, path)
    return path


def call_filter(machine):
    """Return the filter of system calls as the kernel reads it (seccomp); empty for an unknown machine."""
    if machine not in CALLS:
        return b""
    architecture, socket, refused = CALLS[machine]
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    steps = [
        (load, 4),
        (equal, architecture, "on", "refuse"),
        (load, 0),
        (at_least, OTHER_TABLE, "refuse", "on"),
    ]
    steps += [(equal, number, "refuse", "on") for number in refused]
    steps += [(equal, socket, "on", "allow"), (load, 16)]
    steps += [(equal, family, "allow", "on") for family in FAMILIES]
    steps += [(end, REFUSE), (end, ALLOW)]
    places = {"refuse": len(steps) - 2, "allow": len(steps) - 1}

    def coded(place, code, value, *jumps):
        far = [places[jump] - place - 1 if jump in places else 0 for jump in jumps] or [0, 0]
        return struct.pack("=HBBI", code, *far, value)

    return b"".join(coded(place, *step) for place, step in enumerate(steps))


def _alone():
    user = ["--unshare-user", "--uid", "1000", "--gid", "1000", *_no_further()]
    return ["--unshare-all", *user, "--die-with-parent", "--new-session", "--hostname", "sandbox"]


@cache
def _no_further():
    """Return what forbids namespaces within the sandbox, where folders in memory could be of any size."""
    said = subprocess.run([shutil.which("bwrap"), "--help"], capture_output=True, text=True)
    return ["--disable-userns"] if "--disable-userns" in said.stdout + said.stderr else []


def _system():
    """Return what mounts the system: its programs and libraries, devices and processes of its own."""
    words = []
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for path in SETTINGS:
        words += ["--ro-bind-try", path, path]
    # Read-only: whoever grades as root owns the system's own settings, which stand in /proc/sys.
    return [*words, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]


def _in_memory():
    """Return what mounts the folders that a kernel can write to."""
    size = str(MEGABYTES_OF_FILES * 2**20)
    return [word for place in IN_MEMORY for word in ("--size", size, "--tmpfs", place)]


def _python():
    """Return what mounts the environment, and hides the packages in it that would do the students' work."""
    words = []
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not Path(prefix).is_relative_to("/usr"):
            words += ["--ro-bind", prefix, prefix]
    places = [Path(place) for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    for place in places:
        for name in WOULD_DO_THE_WORK:
            if (place / name).is_dir():
                words += ["--tmpfs", str(place / name)]
    return words


@cache
def _fonts():
    """Return what mounts Matplotlib's list of fonts, which takes it seconds to make."""
    import matplotlib

    return [
        word
        for file in sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))
        for word in ("--ro-bind", str(file), f"{HOME}/.matplotlib/{file.name}")
    ]
