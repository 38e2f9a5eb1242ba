"""The house itself: the lists of packages agree, the README is true, and no file holds what it must not."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.version import Version

import backprop_helpers
from tests.lesson_rules import ABSOLUTE_PATH
from tests.tool_loader import ROOT, load_tool

README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BINARY = {".gz", ".npz", ".npy", ".gif", ".png", ".jpg", ".ico", ".woff2"}


@cache
def files():
    """Every file that is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:  # an unpacked archive
        ignored = re.compile(
            r"(^|/)(\.venv[^/]*|\.git|__pycache__|[^/]*\.egg-info|\.\w+_cache|\.hypothesis)/"
        )
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
        names = [name for name in names if not ignored.search(name + "/")]
    return sorted({name for name in names if (ROOT / name).is_file()})


def text_files():
    for name in files():
        if not name.endswith(tuple(BINARY)):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def requirements(name="requirements.txt"):
    """The lines of a file of requirements, without comments."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def packages(name="requirements.txt"):
    """{name: requirement} of a file of requirements."""
    listed = [Requirement(line) for line in requirements(name) if not line.startswith("-")]
    assert len({item.name for item in listed}) == len(listed), "a package is listed twice"
    return {item.name: item for item in listed}


def bound(requirement, operator):
    return [clause.version for clause in requirement.specifier if clause.operator == operator]


class TestRequirements:
    def test_the_package_itself_is_installed_editable(self):
        assert [line for line in requirements() if line.startswith("-")] == ["-e ."]

    def test_development_starts_from_the_lessons(self):
        assert [line for line in requirements("requirements-dev.txt") if line.startswith("-")] == [
            "-r requirements.txt"
        ]
        assert not packages().keys() & packages("requirements-dev.txt").keys()

    @pytest.mark.parametrize(
        "requirement", [*packages().values(), *packages("requirements-dev.txt").values()], ids=str
    )
    def test_every_requirement_is_a_range(self, requirement):
        """A lower bound, which `run_tests --oldest` tests; never an exact version."""
        assert len(bound(requirement, ">=")) == 1
        assert {clause.operator for clause in requirement.specifier} <= {">=", "<", "!="}

    @pytest.mark.parametrize(
        "requirement", [*packages().values(), *packages("requirements-dev.txt").values()], ids=str
    )
    def test_the_oldest_environment_has_every_lower_bound(self, requirement):
        installed = Version(version(requirement.name))
        assert requirement.specifier.contains(installed)
        if Path(sys.prefix).name == ".venv-oldest":
            assert installed == Version(*bound(requirement, ">=")), "raise the bound to what is tested"

    def test_pyproject_asks_for_the_same(self):
        listed = packages()
        for line in PYPROJECT["project"]["dependencies"]:
            wanted = Requirement(line)
            assert listed[wanted.name].specifier == wanted.specifier, wanted.name

    def test_pyproject_lists_what_the_package_imports(self):
        wanted = {Requirement(line).name for line in PYPROJECT["project"]["dependencies"]}
        imported = set()
        for name in files():
            if name.startswith("backprop_helpers/") and name.endswith(".py"):
                imported |= top_level_imports((ROOT / name).read_text(encoding="utf-8"))
        distributions = {"IPython": "ipython", "PIL": "pillow"}
        third_party = {distributions.get(name, name) for name in imported if is_third_party(name)}
        assert third_party <= wanted, f"not in pyproject.toml: {sorted(third_party - wanted)}"

    def test_binder_installs_the_same(self):
        environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
        *conda, pip = environment["dependencies"]
        # With ">=", Binder builds an older Python than the lessons allow; "=" is what it reads.
        assert conda == ["python=3.12", "pip"]
        assert pip == {"pip": ["-r requirements.txt"]}

    def test_tools_and_package_agree_on_python(self):
        major, minor = load_tool("_environment.py").OLDEST_PYTHON
        assert PYPROJECT["project"]["requires-python"] == f">={major}.{minor}"
        assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{major}{minor}"
        assert f"Python {major}.{minor} or newer" in README

    def test_version_is_said_once(self):
        assert PYPROJECT["project"]["version"] == backprop_helpers.__version__

    def test_ci_installs_the_pytorch_that_the_tolerances_were_set_with(self):
        assert "torch==2.13.0" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
        assert "torch" not in packages()


def top_level_imports(source):
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def is_third_party(name):
    return name not in sys.stdlib_module_names and name != "backprop_helpers"


class TestReadme:
    def test_tools_exist(self):
        named = re.findall(r"`(?:python3|py) tools[/\\](\w+)", README)
        assert {"open_lessons", "run_tests", "refresh_lessons"} <= set(named)
        assert [name for name in named if not (ROOT / "tools" / name).is_file()] == []

    def test_both_commands_have_a_windows_form(self):
        for name in ("open_lessons", "run_tests"):
            assert f"`python3 tools/{name}`" in README
            assert f"`py tools\\{name}`" in README

    def test_options_exist(self):
        run_tests = load_tool("run_tests")
        for line in re.findall(r"`python3 tools/run_tests( [^`]+)`", README):
            assert run_tests.parse(line.split())
        assert run_tests.parse(["--only", "unit"]).only == ["unit"]
        for name in ("style", "unit", "lessons", "browser"):
            assert f"`{name}`" in README or f"`--only {name}`" in README
            assert name in run_tests.STEPS

    def test_modules_exist(self):
        named = re.findall(r"`python -m ([\w.]+)", README)
        assert named
        for name in named:
            path = ROOT / name.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)\s]+)\)", README):
            if not target.startswith(("https://", "#")):
                assert (ROOT / target.split("#")[0]).exists(), target

    def test_lessons_that_exist_are_linked(self):
        rows = re.findall(r"^\| (\d\d) \| (.+?) \|", README, re.MULTILINE)
        assert [number for number, _ in rows] == [f"{number:02d}" for number in range(13)]
        for number, cell in rows:
            lessons = [path.name for path in (ROOT / "notebooks").glob(f"{number}_*.ipynb")]
            links = re.findall(r"\]\(notebooks/([^)]+)\)", cell)
            assert links == lessons, f"lesson {number}: the README links {links}, notebooks/ has {lessons}"

    def test_rooms_exist_and_none_is_missing(self):
        rooms = set(re.findall(r"^\| `([\w/]+)/` \|", README, re.MULTILINE))
        top = {name.split("/")[0] for name in files() if "/" in name and not name.startswith(".")}
        inside = {"/".join(n.split("/")[:2]) for n in files() if re.match(r"backprop_helpers/\w+/", n)}
        assert rooms == (top - {"backprop_helpers"}) | inside


class TestFiles:
    def test_licence(self):
        licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
        assert licence.startswith("BSD 3-Clause License")
        assert "the backprop_helpers contributors" in licence
        assert PYPROJECT["project"]["license"] == "BSD-3-Clause"

    def test_everything_named_by_the_readme_is_in_the_repository(self):
        wanted = {"README.md", "LICENSE", "pyproject.toml", "requirements.txt", "environment.yml", ".ci/run"}
        assert wanted <= set(files())

    def test_no_absolute_paths(self):
        machine = re.compile("/(?:work|root|home|Users)" + r"/\w+|[A-Z]:\\+Users")
        found = [f"{name}: {m[0]}" for name, text in text_files() for m in machine.finditer(text)]
        assert found == []

    def test_no_registry_hosts(self):
        hosts = [
            ("py" + "pi", "org"),
            ("python" + "hosted", "org"),
            ("npm" + "js", "org"),
            ("npm" + "js", "com"),
            ("pytorch", "org/whl"),
            ("debian", "org"),
            ("ana" + "conda", "org"),
            ("crates", "io"),
        ]
        registry = re.compile("|".join(rf"\b{a}\.{b}" for a, b in hosts))
        found = [f"{name}: {m[0]}" for name, text in text_files() for m in registry.finditer(text)]
        assert found == []

    def test_no_pickle(self):
        """A pickle runs code when it is loaded, so neither data nor networks are kept as one."""
        # A test may make a pickle, to see it refused.
        sources = [(name, source) for name, source in python_sources() if not name.startswith("tests/")]
        found = [f"{name}: {what}" for name, source in sources for what in pickles(source)]
        assert found == []

    @pytest.mark.parametrize(
        "source",
        [
            "import pickle",
            "from joblib import load",
            "import numpy as np\nnp.load(f, allow_pickle=True)",
            "np.load(f, allow_pickle=anything)",
            "import torch\ntorch.load(f)",
        ],
    )
    def test_pickle_is_seen(self, source):
        assert list(pickles(source))

    def test_ordinary_loading_is_no_pickle(self):
        assert list(pickles("np.load(f)\nnp.load(f, allow_pickle=False)\nNetwork.load(f)")) == []

    def test_absolute_paths_are_seen(self):
        for text in ("/" + "home/me", "in /" + "work/main", "C:" + "\\Users\\me", "x/site-" + "packages/y"):
            assert ABSOLUTE_PATH.search(text), text
        for text in (
            "a/b",
            "https://example.org/tmp/x",
            "and/or",
            "1/2",
            "~/lessons",
            "./tmp/x",
            "$X:\\mathbb{R}$",
        ):
            assert not ABSOLUTE_PATH.search(text), text

    def test_no_file_is_large(self):
        sizes = {name: (ROOT / name).stat().st_size for name in files()}
        assert {name: size for name, size in sizes.items() if size > 12_000_000} == {}

    def test_line_endings(self):
        assert [name for name, _ in text_files() if b"\r\n" in (ROOT / name).read_bytes()] == []

    def test_generated_files_are_ignored(self):
        generated = re.compile(r"(^|/)(__pycache__|\.ipynb_checkpoints|\.venv|\.pytest_cache|\w+\.egg-info)/")
        assert [name for name in files() if generated.search(name)] == []


def python_sources():
    for name, text in text_files():
        if name.endswith(".py") or (name.startswith("tools/") and "." not in name):
            yield name, text
        elif name.endswith(".ipynb"):
            for cell in nbformat.reads(text, as_version=4).cells:
                if cell.cell_type == "code":
                    yield f"{name}, cell {cell.id}", TransformerManager().transform_cell(cell.source)


def pickles(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                {alias.name.split(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()
            )
            names |= {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            yield from names & {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve"}
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and getattr(keyword.value, "value", True) is not False:
                    yield "allow_pickle"
            if ast.unparse(node.func) == "torch.load":
                yield "torch.load"
