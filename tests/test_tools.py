"""The two commands of the README: what they say when something is missing, and what they start."""

import ast
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests.tool_loader import ROOT, TOOLS, load_tool

environment = load_tool("_environment.py")
run_tests = load_tool("run_tests")
PROGRAMS = (
    "open_lessons",
    "run_tests",
    "refresh_lessons",
    "formula_sheet",
    "cards",
    "minutes",
    "slides",
    "export_lesson",
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_can_be_started(name):
    text = (TOOLS / name).read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env python3\n")
    if os.name == "posix":
        assert os.access(TOOLS / name, os.X_OK)


@pytest.mark.parametrize("name", PROGRAMS)
def test_old_python_reads_as_far_as_the_message(name):
    """A Python that is too old must be able to compile the file, or it reports a syntax error instead."""
    text = (TOOLS / name).read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    first = [node for node in tree.body if not isinstance(node, ast.Expr)][:2]
    assert ast.unparse(first[0]) == "import sys"
    assert ast.unparse(first[1].test) == "sys.version_info < (3, 11)"


@pytest.mark.parametrize("name", PROGRAMS)
def test_old_python_gets_a_plain_message(name, tmp_path):
    script = tmp_path / "old.py"
    script.write_text(
        "import sys, runpy\nsys.version_info = (3, 9, 18, 'final', 0)\n"
        f"runpy.run_path({str(TOOLS / name)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "3.11 or newer; this is Python 3.9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_needs_no_set_up(name, tmp_path):
    done = subprocess.run(
        [sys.executable, str(TOOLS / name), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert name in done.stdout


class Project:
    """A project of its own in a folder, whose programs are only written down, not run."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.folder = root / ".venv"
        self.commands = []
        self.options = []
        self.fail = ""  # a command that holds this word fails
        self.version = "3 12"
        for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
            (root / name).write_text(f"# {name}\n")
        monkeypatch.setattr(environment, "ROOT", root)
        monkeypatch.setattr(environment.subprocess, "run", self.run)

    def run(self, command, **options):
        self.commands.append(command)
        self.options.append(options)
        line = " ".join(command)
        if "sys.version_info" in line:
            if not (self.folder / "made").exists():
                raise FileNotFoundError(command[0])
            return SimpleNamespace(returncode=0, stdout=self.version)
        if "-m venv" in line:
            self.folder.mkdir(exist_ok=True)
            (self.folder / "made").touch()
        return SimpleNamespace(returncode=1 if self.fail and self.fail in line else 0, stdout="")

    def prepare(self, **options):
        self.commands.clear()
        return environment.prepare(self.folder, **options)

    def ran(self, words):
        return sum(words in " ".join(command) for command in self.commands)


@pytest.fixture
def project(tmp_path, monkeypatch):
    return Project(tmp_path, monkeypatch)


def test_first_run_makes_and_installs(project, capsys):
    python = project.prepare()
    assert python.parent.parent == project.folder
    assert project.ran("-m venv") == 1
    assert project.ran("ensurepip") == 0
    assert project.ran("-m uv pip install") == 1
    assert project.ran("-r requirements.txt") == 1
    assert project.ran("font_manager") == 1
    captured = capsys.readouterr()
    assert "Installing" in captured.err
    # Standard output belongs to the path that the module prints.
    assert captured.out == ""
    installing = [at for at, command in enumerate(project.commands) if "install" in command]
    assert [project.options[at]["stdout"] for at in installing] == [sys.stderr] * 2  # uv itself, then with uv


@pytest.mark.parametrize("failing", ["quiet uv", "-m uv"])
def test_pip_installs_where_uv_cannot(project, failing, capsys):
    """No build of uv for this machine; a mirror that only pip's settings name."""
    project.fail = failing
    project.prepare()
    assert "now with pip" in capsys.readouterr().err
    assert project.ran("-m pip install") == 2  # uv, then the requirements
    assert project.commands[-2][-2:] == ["-r", "requirements.txt"]
    assert project.commands[-2][2:4] == ["pip", "install"]


def test_second_run_installs_nothing(project):
    project.prepare()
    project.prepare()
    assert len(project.commands) == 1  # "which Python is this?"


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_are_installed(project, name):
    project.prepare()
    (project.root / name).write_text("# another\n")
    project.prepare()
    assert project.ran("-m venv") == 0
    assert project.ran("-r requirements.txt") == 1


def test_moved_project_is_installed_again(project, monkeypatch, tmp_path_factory):
    project.prepare()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("requirements.txt", "pyproject.toml"):
        (elsewhere / name).write_text(f"# {name}\n")
    monkeypatch.setattr(environment, "ROOT", elsewhere)
    project.prepare()
    assert project.ran("-r requirements.txt") == 1


def test_failed_installation_is_tried_again(project):
    project.fail = "requirements.txt"
    with pytest.raises(SystemExit, match="could not be installed") as caught:
        project.prepare()
    assert "network" in str(caught.value)
    project.fail = ""
    project.prepare()
    assert project.ran("-r requirements.txt") == 1


def test_interrupted_installation_ends_in_a_sentence_and_goes_on(project, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_settle", stop)
        with pytest.raises(SystemExit, match="next run continues"):
            project.prepare()
    project.prepare()
    assert project.ran("-r requirements.txt") == 1


def test_failed_update_does_not_count_as_done(project):
    project.prepare()
    (project.root / "requirements.txt").write_text("# another\n")
    project.fail = "requirements.txt"
    with pytest.raises(SystemExit):
        project.prepare()
    (project.root / "requirements.txt").write_text("# requirements.txt\n")
    project.fail = ""
    project.prepare()
    assert project.ran("-r requirements.txt") == 1  # the failed one may have changed half of the packages


def test_missing_ensurepip_says_what_to_install(project, monkeypatch):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="python3-venv"):
        project.prepare()
    assert not project.folder.exists()


def test_failed_environment_leaves_nothing(project):
    project.fail = "-m venv"
    with pytest.raises(SystemExit, match="could not be made"):
        project.prepare()
    assert not project.folder.exists()


def test_environment_with_an_old_python_is_named(project):
    project.prepare()
    project.version = "3 9"
    with pytest.raises(SystemExit, match=r"holds Python 3\.9"):
        project.prepare()


def test_environment_without_pip_gets_it(project):
    project.fail = "import pip"
    project.prepare()
    assert project.ran("-m ensurepip") == 1
    assert project.ran("-r requirements.txt") == 1


def test_oldest_asks_for_the_lower_bounds(project):
    project.prepare(oldest=True)
    assert project.ran("--resolution lowest-direct -r requirements.txt") == 1
    project.prepare(oldest=True)
    assert len(project.commands) == 1


def test_development_adds_to_the_same_environment(project):
    project.prepare()
    project.prepare(development=True)
    assert project.ran("-m venv") == 0
    assert project.ran("-r requirements-dev.txt") == 1
    for options in ({}, {"development": True}):
        project.prepare(**options)
        assert len(project.commands) == 1


def test_development_requirements_do_not_concern_the_lessons(project):
    project.prepare(development=True)
    (project.root / "requirements-dev.txt").write_text("# another\n")
    project.prepare()
    assert project.ran("pip install") == 0
    project.prepare(development=True)
    assert project.ran("-r requirements-dev.txt") == 1


@pytest.fixture
def notebooks(tmp_path):
    for name in ("00_first.ipynb", "06_sixth.ipynb"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def lab(notebooks, *arguments):
    return environment.lab_command("python", arguments, notebooks=notebooks)


def test_jupyterlab_opens_the_first_lesson(notebooks):
    command = lab(notebooks, "--no-browser", "--port=9999")
    assert command[:3] == ["python", "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={notebooks}" in command
    assert "--LabApp.default_url=/lab/tree/00_first.ipynb" in command
    assert command[-2:] == ["--no-browser", "--port=9999"]


def test_jupyterlab_opens_the_start_page_where_there_is_one(notebooks):
    (notebooks / "start_here.md").write_text("# Start here")
    assert "--LabApp.default_url=/lab/tree/start_here.md" in lab(notebooks)
    assert "--LabApp.default_url=/lab/tree/06_sixth.ipynb" in lab(notebooks, "6")


@pytest.mark.parametrize("name", ["6", "06", "06_sixth.ipynb", "notebooks/06_sixth.ipynb"])
def test_a_lesson_can_be_named(notebooks, name):
    command = lab(notebooks, name, "--no-browser")
    assert "--LabApp.default_url=/lab/tree/06_sixth.ipynb" in command
    assert name not in command


def test_a_lesson_that_is_not_there_is_named(notebooks):
    with pytest.raises(SystemExit, match="no lesson 7"):
        lab(notebooks, "7")


def test_without_lessons_jupyterlab_opens_all_the_same(tmp_path):
    assert not any("default_url" in part for part in lab(tmp_path))


def test_the_site_is_served_on_a_port_that_nobody_has():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert load_tool("build_site").port(taken) == 0
    assert load_tool("build_site").port(taken) == taken


def test_root_is_allowed_in_a_container(notebooks, monkeypatch):
    monkeypatch.setattr(environment.os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab(notebooks)
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000, raising=False)
    assert "--allow-root" not in lab(notebooks)


def test_programs_of_the_environment_are_found_first(tmp_path):
    python = tmp_path / "bin" / "python"
    variables = environment.environment_variables(python, EXTRA="1")
    assert variables["PATH"].split(os.pathsep)[0] == str(python.parent)
    assert variables["VIRTUAL_ENV"] == str(tmp_path)
    assert variables["EXTRA"] == "1"


def test_packages_of_another_python_stay_away(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert "PYTHONPATH" not in environment.environment_variables(tmp_path / "bin" / "python")
    monkeypatch.setenv("PIP_USER", "1")
    project.prepare()
    installing = [at for at, command in enumerate(project.commands) if "install" in command]
    assert [project.options[at]["env"]["PIP_USER"] for at in installing] == ["0", "0"]


HOLD = """
import sys, _environment
with _environment._alone(_environment.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_program_at_a_time_prepares(project, capsys):
    """A second one waits for the first, or it would clear the environment that is being made."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(project.folder)], cwd=TOOLS, **pipes)
    assert first.stdout.readline().strip() == b"held"
    with ThreadPoolExecutor() as pool:
        second = pool.submit(project.prepare)
        time.sleep(0.2)
        assert not project.commands
        first.communicate()
        second.result(timeout=20)
    assert "Another program is preparing .venv" in capsys.readouterr().err
    assert project.ran("-m venv") == 1


def test_what_was_compiled_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environment.environment_variables(tmp_path / "bin" / "python")


RECORD = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure message="wrong"/></testcase>
<testcase name="d"><error message="broken"/></testcase>
<testcase name="e"><skipped type="pytest.skip" message="PyTorch is not installed"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """Run `main` with steps that end as told; return its exit code and the folder of the environment."""

    def run(arguments, outcomes):
        asked = []
        monkeypatch.setattr(
            run_tests._environment,
            "prepare",
            lambda folder, development, oldest: asked.append(folder) or tmp_path / "python",
        )
        monkeypatch.setattr(run_tests.sys.stdout, "reconfigure", lambda **options: None, raising=False)
        monkeypatch.setattr(run_tests, "run_step", lambda name, *rest: outcomes[name])
        return run_tests.main(arguments), asked[0]

    return run


def test_record_is_counted(tmp_path):
    record = tmp_path / "record.xml"
    record.write_text(RECORD)
    result = run_tests.count(record)
    assert (result.passed, result.failed, result.skipped) == (2, 2, ["PyTorch is not installed"])
    assert not result.ok


def test_one_failed_step_fails_the_run(steps, capsys):
    good, bad = run_tests.Result(True, 3), run_tests.Result(False, 2, 1)
    others = dict.fromkeys(run_tests.STEPS, good)
    assert steps([], {**others, "unit": bad})[0] == 1
    printed = capsys.readouterr().out
    assert "unit      FAILED" in printed
    assert printed.splitlines()[-1] == "total: 17 passed, 1 failed, 0 skipped"


def test_what_was_left_out_is_said_in_one_line(steps, capsys):
    reasons = ["PyTorch is not installed"] * 3 + ["no browser"]
    outcome = run_tests.Result(True, 5, 0, reasons)
    assert steps(["--only", "unit"], {"unit": outcome})[0] == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Left out: PyTorch is not installed (3); no browser (1)." in lines
    assert lines[-1] == "total: 5 passed, 0 failed, 4 skipped"


def test_oldest_has_its_own_environment(steps):
    code, folder = steps(["--oldest", "--only", "unit"], {"unit": run_tests.Result(True, 1)})
    assert code == 0
    assert folder.name == ".venv-oldest"


def test_arguments_after_the_dashes_are_pytests():
    options = run_tests.parse(["--only", "unit", "--", "-k", "pooling", "--only"])
    assert options.only == ["unit"]
    assert options.pytest == ["-k", "pooling", "--only"]


@pytest.mark.parametrize(
    ("code", "chosen", "ok"),
    [(0, [], True), (1, [], False), (5, [], False), (5, ["-k", "x"], True), (2, [], False)],
)
def test_exit_code_of_pytest_decides(tmp_path, monkeypatch, code, chosen, ok):
    record = tmp_path / "record.xml"
    record.write_text("<testsuites/>")
    monkeypatch.setattr(run_tests.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=code))
    options = SimpleNamespace(pytest=chosen)
    assert run_tests.run_pytest("python", [], options, {}, record).ok == ok


def test_crash_of_pytest_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(run_tests.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=0))
    result = run_tests.run_pytest("python", [], SimpleNamespace(pytest=[]), {}, tmp_path / "none.xml")
    assert not result.ok
    assert result.failed == 1


def test_ci_runs_the_same_command():
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "REQUIRE_ALL_CHECKS=1 exec python3 tools/run_tests" in text
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert ".ci/run" in workflow
    assert "tools/run_tests" in workflow
