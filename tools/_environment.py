"""The project's own Python environment: make it, keep it in step with the requirements, start programs in it.

Only the standard library is used here, because nothing else is there yet. Run as a program, it prepares
the environment and prints the path of its Python: ``python3 tools/_environment.py [--development]``. With
``--settle``, it only settles the environment that runs it, as Binder wants after its own installation.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
OLDEST_PYTHON = (3, 11)

# The pop-up windows of a first start (news, updates) would be the first thing that a learner sees. A page of
# text, such as the start page, opens as a page and not as its source. A saved lesson keeps its stages.
FIRST_START = """\
{
  "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false},
  "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
  "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": true}
}
"""
LAB_CONFIG = Path(__file__).with_name("_lab_config.py")

NO_ENSUREPIP = """\
This Python ({python}) cannot make virtual environments: its module 'ensurepip' is missing.
  Debian, Ubuntu:  sudo apt install python3-venv
  elsewhere:       install Python {oldest} or newer from its own installer
Then run the same command again."""

NOT_MADE = """\
The environment {folder} could not be made; the message above says why.
A full disk and a folder that may not be written to are the usual causes."""

TOO_OLD = """\
{folder} holds Python {found}, and the lessons need {oldest} or newer.
Delete that folder and run the same command again with a newer Python."""

NOT_INSTALLED = """\
The packages could not be installed; the message above says why.
  No network?  The first run needs one; later runs work offline.
  Behind a proxy?  Set HTTPS_PROXY and run the same command again.
Nothing is lost: the next run continues from here."""


def prepare(folder=ROOT / ".venv", *, development=False, oldest=False):
    """Make ``folder`` an environment that has what requirements.txt asks for; return its Python.

    With ``development``, it gets what requirements-dev.txt asks for: the tests, the classroom, the site.
    Nothing is installed when neither these files nor pyproject.toml changed since the last time.
    With ``oldest``, every requirement is installed at its lower bound.
    """
    try:
        with _alone(folder):
            return _prepare(folder, development, oldest)
    except KeyboardInterrupt:
        raise SystemExit("\nStopped. The next run continues from here.") from None


def _prepare(folder, development, oldest):
    python = _python_of(folder)
    found = _version_of(python)
    if found is None:
        _create(folder)
        found = _version_of(python)
    if found is None:
        raise SystemExit(NOT_MADE.format(folder=folder))
    if found < OLDEST_PYTHON:
        raise SystemExit(TOO_OLD.format(folder=folder, found=_dotted(found), oldest=_dotted(OLDEST_PYTHON)))

    requirements = ["requirements.txt", *(["requirements-dev.txt"] if development else [])]
    stamps = {folder / f"installed-{name}": _fingerprint(name, found, oldest) for name in requirements}
    if not all(_reads(stamp, wanted) for stamp, wanted in stamps.items()):
        whose = "the lessons', the tests' and the site's" if development else "the lessons'"
        _say(f"Installing {whose} packages into {folder.name} (once; a minute or two) ...")
        for stamp in stamps:
            stamp.unlink(missing_ok=True)
        _install(python, requirements[-1], oldest)
        _settle(folder, python)
        for stamp, wanted in stamps.items():
            stamp.write_text(wanted, encoding="utf-8")
    return python


def environment_variables(python, **extra):
    """Return the variables for a program that runs in the environment of ``python``."""
    variables = dict(os.environ, **extra)
    variables["VIRTUAL_ENV"] = str(python.parent.parent)
    variables["PATH"] = os.pathsep.join([str(python.parent), variables.get("PATH", os.defpath)])
    variables.setdefault("PYTHONUTF8", "1")  # Windows would print and read in a code page
    for name in ("PYTHONHOME", "PYTHONPATH"):  # another Python's packages would come before the project's
        variables.pop(name, None)
    # Packages are compiled when they are first imported; this would throw the result away, start for start.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def lab_command(python, arguments=(), *, notebooks=NOTEBOOKS):
    """Return the command that starts JupyterLab on the lessons.

    The first argument may name a lesson by its number ("6", "06") or its file; the rest is JupyterLab's.
    """
    arguments = list(arguments)
    lesson = lesson_file(arguments[0], notebooks) if arguments else None
    if lesson is not None:
        del arguments[0]
    else:
        lesson = next(iter([*notebooks.glob("start_here.md"), *sorted(notebooks.glob("*.ipynb"))]), None)
    command = [str(python), "-m", "jupyterlab", f"--ServerApp.root_dir={notebooks}"]
    if lesson is not None:
        command.append(f"--LabApp.default_url=/lab/tree/{lesson.name}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root
    return command + arguments


def become(command, variables):
    """Replace this process by ``command``, so that Ctrl-C and the exit code are the command's own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], command, variables)
    # On Windows, exec returns to the prompt while the new process still runs.
    try:
        raise SystemExit(subprocess.call(command, env=variables))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def lesson_file(name, notebooks=NOTEBOOKS):
    """Return the notebook that ``name`` means, or None when it is no lesson's name."""
    if name.isdigit():
        found = sorted(notebooks.glob(f"{int(name):02d}_*.ipynb"))
        if not found:
            raise SystemExit(f"There is no lesson {name} in {notebooks.name}/.")
        return found[0]
    path = notebooks / Path(name).name
    return path if path.suffix == ".ipynb" and path.is_file() else None


@contextlib.contextmanager
def _alone(folder):
    """Wait while another program prepares ``folder``; the system frees a lock when its program ends."""
    try:
        file = folder.with_name(f"{folder.name}.lock").open("a")
    except OSError:  # not to be written to: what is there is used, or the next step says why it fails
        yield
        return
    with file:
        if not _locked(file):
            _say(f"Another program is preparing {folder.name}; waiting for it ...")
            while not _locked(file):
                time.sleep(0.5)
        yield


def _locked(file):
    """Lock an open file; return False when another program has it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # a file system without locks has nobody to wait for
        return not isinstance(error, (BlockingIOError, PermissionError))
    return True


def _python_of(folder):
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _version_of(python):
    """Return (major, minor) of ``python``, or None when it is missing or does not start."""
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = done.stdout.split()
    return int(major), int(minor)


def _create(folder):
    """Make a new environment in ``folder``, in place of one that no longer starts."""
    if importlib.util.find_spec("ensurepip") is None:
        raise SystemExit(NO_ENSUREPIP.format(python=sys.executable, oldest=_dotted(OLDEST_PYTHON)))
    _say(f"Making the environment {folder.name} with Python {_dotted(sys.version_info[:3])} ...")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)])
    if done.returncode != 0:
        # Half an environment would look like a whole one to the next run.
        shutil.rmtree(folder, ignore_errors=True)
        raise SystemExit(NOT_MADE.format(folder=folder))


def _install(python, requirements, oldest):
    """Install a file of requirements: with uv, many times faster; with pip where uv cannot.

    uv knows no settings of pip's own, such as a mirror, and has no build for some machines.
    """
    variables = environment_variables(python, PIP_USER="0")  # an environment has no packages of a user
    quiet = [] if sys.stderr.isatty() else ["--quiet", "--quiet"]  # a log keeps the errors only
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--retries", "2", "--timeout", "30", *quiet]
    uv = [str(python), "-m", "uv", "pip", "install", "--python", str(python), *quiet[:1]]
    if oldest:
        uv += ["--resolution", "lowest-direct"]  # pip has no such option

    def succeeds(command, **options):
        # Standard output stays free for the path that this module prints.
        return subprocess.run(command, cwd=ROOT, env=variables, stdout=sys.stderr, **options).returncode == 0

    if not succeeds([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL):
        succeeds([str(python), "-m", "ensurepip"])  # some tools make environments without pip
    if succeeds([*pip, "uv"]) and succeeds([*uv, "-r", requirements]):
        return
    if not oldest:
        _say("That did not work with uv; now with pip, which takes a few minutes ...")
        if succeeds([*pip, "-r", requirements]):
            return
    raise SystemExit(NOT_INSTALLED)


def _settle(folder, python):
    """Do what a program would otherwise do, with a message, at its first start."""
    # Matplotlib announces on stderr that it builds its font cache; a lesson must not show that.
    subprocess.run([str(python), "-c", "import matplotlib.font_manager"], capture_output=True)
    settings = {
        folder / "share" / "jupyter" / "lab" / "settings" / "overrides.json": FIRST_START,
        folder / "etc" / "jupyter" / "jupyter_server_config.py": LAB_CONFIG.read_text(encoding="utf-8"),
    }
    for file, text in settings.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _reads(file, text):
    """Return whether ``file`` is there and holds ``text``."""
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _fingerprint(requirements, version, oldest):
    """Return a text that changes whenever the packages of ``requirements`` must be installed again."""
    digest = hashlib.sha256(FIRST_START.encode() + LAB_CONFIG.read_bytes())
    for name in (requirements, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    # The package is installed by its place, so a moved project is installed again.
    digest.update(str(ROOT).encode("utf-8", "surrogateescape"))
    bounds = "oldest" if oldest else "newest"
    return f"{digest.hexdigest()} Python {_dotted(version)} {bounds}\n"


def _dotted(version):
    return ".".join(str(part) for part in version)


def _say(message):
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit(f"This needs Python {_dotted(OLDEST_PYTHON)} or newer.")
    if "--settle" in sys.argv[1:]:  # Binder has made an environment already
        _settle(Path(sys.prefix), Path(sys.executable))
    else:
        print(prepare(development="--development" in sys.argv[1:]))
