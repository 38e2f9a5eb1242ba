"""The stages' shell: how modules are joined, and what goes between Python, the page and the file."""

import json
import re

import numpy as np
import pytest
import traitlets

from backprop_helpers.views.plots import _style
from backprop_helpers.views.stage import _base, _join
from benchmarks.node import run_node


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A function that writes modules, {name: text}, where they are looked for."""
    monkeypatch.setattr(_join, "MODULES", tmp_path)

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")

    return write


class TestJoining:
    def test_a_module_comes_after_all_that_it_imports(self, modules):
        modules(
            a='import { b } from "./b.js";\nimport {\n  c,\n} from "./c.js";\nexport const a = b + c;\n',
            b='import { c } from "./c.js";\nexport function b() {\n  return c;\n}\n',
            c="export const c = 1;\nexport class C {}\nexport async function d() {}\n",
        )
        assert _join.ordered("a") == ["c", "b", "a"]
        assert _join.ordered("b", "a", "c") == ["c", "b", "a"]
        lines = ["const c = 1;", "class C {}", "async function d() {}"]
        lines += ["function b() {", "  return c;", "}", "const a = b + c;"]
        wanted = ["a", "C", "d"]
        assert [line for line in _join.joined(["a"], wanted).first.splitlines() if line] == lines

    def test_what_nobody_needs_stays_behind(self, modules):
        modules(
            a='// a: its module\n\nimport { b } from "./b.js";\n\n'
            "// Of b,\n// not of e.\nexport const a = () => b(d);\n",
            b='// b\n\nimport { e } from "./e.js";\n\nexport function b() {\n  return [L, "f"];\n}\n\n'
            "const [K, L] = [1, 2];\n\n// Unused.\nexport async function c() {\n  return e;\n}\n"
            "const f = 1;\n",
            e="// e\n\nexport const e = 1;\n",
        )
        lines = ["function b() {", '  return [L, "f"];', "}", "const [K, L] = [1, 2];", "const f = 1;"]
        lines += ["const a = () => b(d);"]  # without comments
        assert [line for line in _join.joined(["a"], ["a"]).first.splitlines() if line] == lines

    def test_a_word_that_is_not_imported_brings_nothing(self, modules):
        """A property may have the name of something that another module defines."""
        modules(
            a='import { b } from "./b.js";\nexport const a = () => b({ c: 1 });\n',
            b='import { c } from "./c.js";\nexport const b = (x) => x;\nexport const d = c;\n',
            c="export const c = 1;\n",
        )
        assert "const c" not in _join.joined(["a"], ["a"]).first

    def test_what_is_imported_on_use_is_a_part_of_its_own(self, modules):
        """Without what is there already; what two parts need is in the one that is imported by the other."""
        modules(
            a='import { b } from "./b.js";\nexport async function a(el, spec) {\n'
            '  (await import("./far.js")).far();\n  return (await import("./near.js")).near(b);\n}\n',
            b="export const b = 1;\nexport const c = 2;\n",
            near='import { b, c } from "./b.js";\nexport const near = () => b + c;\n',
            far='import { near } from "./near.js";\nexport const far = () => near();\nconst unused = 1;\n',
        )
        found = _join.joined(["a"], ["a"])
        assert "const b" in found.first
        assert "const c" not in found.first
        assert 'imported("far")' in found.first
        assert found.needs == {"near": [], "far": ["near"]}
        text, names, needed = found.later["near"]
        assert (names, needed) == (["near"], ["b"])
        assert "const c = 2;" in text
        assert "const b" not in text
        assert found.later["far"][1:] == (["far"], ["near"])
        assert "unused" not in found.later["far"][0]

    @pytest.mark.parametrize("beside", [True, False])
    def test_parts_are_called_when_they_are_used(self, modules, require_tool, tmp_path, beside):
        modules(
            a='import { b } from "./b.js";\nexport async function a(el) {\n'
            '  el.push((await import("./far.js")).far());\n'
            '  el.push((await import("./near.js")).near());\n}\n'
            "export function start(el, spec) {\n  return a(el);\n}\n",
            b='export const b = "b";\nexport const c = "c";\n',
            near='import { b, c } from "./b.js";\nexport const near = () => b + c;\n',
            far='import { near } from "./near.js";\nexport const far = () => near() + "!";\n',
        )
        files = _join.parts_for_page("page.js", "start") if beside else {}
        page = tmp_path / "page.mjs"
        page.write_text(
            "import { readFileSync } from 'node:fs';\nconst loaded = [], found = [];\n"
            "globalThis.document = { currentScript: { src: 'file:///x/page.js' }, head: { append(made) {\n"
            "  const file = made.src.split('/').pop();\n  loaded.push(file);\n"
            f"  (0, eval)({json.dumps(files)}[file]);\n  made.onload();\n"
            "} }, createElement: () => ({}), addEventListener() {}, querySelectorAll: () => [{\n"
            "  childNodes: [], dataset: {}, replaceChildren() {}, push: (value) => found.push(value),\n"
            '  querySelector: () => ({ textContent: \'{"composition": "start", "options": {}}\' }),\n'
            "}] };\nglobalThis.reportError = (error) => { throw error; };\n"
            + _join.for_page("start", beside=beside)
            + "\nawait new Promise((done) => setTimeout(done, 20));\n"
            + "console.log(JSON.stringify([found, loaded]));\n",
            encoding="utf-8",
        )
        done = run_node(require_tool("node"), [page.name], tmp_path)
        assert done.returncode == 0, done.stderr
        loaded = ["page-near.js", "page-far.js"] if beside else []
        assert json.loads(done.stdout) == [["bc!", "bc"], loaded]

    def test_a_circle_is_refused(self, modules):
        modules(a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
        with pytest.raises(ValueError, match="circle: a → b → a"):
            _join.ordered("a")

    def test_a_style_sheet_of_its_own_is_taken_for_the_common_one(self, modules, tmp_path):
        (tmp_path / "stage.css").write_text("common")
        (tmp_path / "small.css").write_text("own")
        assert (_join.style("small"), _join.style("large")) == ("own", "common")

    def test_a_page_gets_each_module_once(self, modules):
        modules(
            a='import { c } from "./c.js";\nexport function far(el, spec) {\n  return c;\n}\n',
            b='import { c } from "./c.js";\nexport function near(el, spec, link) {\n  return c;\n}\n',
            c="export const c = 1;\n",
        )
        script = _join.for_page("near", "far")
        assert script.count("const c = 1;") == 1
        assert "const compositions = { near, far };" in script
        assert not re.search(r"^(import|export)", script, re.MULTILINE)

    def test_a_page_that_has_parts_beside_it_begins_with_its_first_composition(self, modules):
        modules(
            a='import { c } from "./c.js";\nexport function far(el, spec) {\n  return c;\n}\n'
            "export const not = 1;\n",
            b='import { c } from "./c.js";\nexport function near(el, spec, link) {\n  return c;\n}\n',
            c="export const c = 1;\n",
        )
        script = _join.for_page("near", "far", beside=True)
        assert "const compositions = { near };" in script
        assert 'const homes = { far: "a" };' in script
        assert "function far" not in script
        (text,) = _join.parts_for_page("page.js", "near", "far").values()
        assert "function far" in text
        assert "const c" not in text
        assert "const not" not in text

    def test_a_composition_without_a_module_is_named(self, modules):
        modules(a="export function far(el) {}\n")
        with pytest.raises(ValueError, match="no module exports the composition far"):
            _join.for_page("far")


class Small(_base.Stage):
    """A stage with an option that is a trait and one that is not."""

    stride = traitlets.List().tag(sync=True)

    def twin(self):
        figure = _style.page(1, 0.5, alt="a small picture")
        figure.text(0.1, 0.5, "small")
        return figure


def small(**arrays):
    return Small(arrays, {"stride": [1, 1], "title": "t"})


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "kept"),
        [(3, 3), (True, 1), (1 / 3, 0.333333), (-123456.7, -123457), (2.0, 2), (1e-9, 1e-9), (np.inf, "inf")],
    )
    def test_six_digits_or_the_integer(self, value, kept):
        (found,) = _base.encode_array(np.array([value]))["data"]
        assert (found, type(found)) == (kept, type(kept))

    def test_arrays_come_back(self):
        array = np.array([[[1.5, np.nan, -np.inf]], [[0, 1e9, -2e-7]]])
        text = json.dumps(_base.encode_array(array), allow_nan=False)
        np.testing.assert_array_equal(_base.decode_array(json.loads(text)), array)

    def test_float32_is_written_short(self):
        assert _base.encode_array(np.array([0.1], np.float32))["data"] == [0.1]

    def test_what_is_no_number_is_refused(self):
        with pytest.raises(TypeError, match="Small: x must hold real numbers; its dtype is complex128"):
            small(x=np.array([1j]))

    def test_too_much_is_refused_in_words(self):
        with pytest.raises(ValueError, match=r"Small: 65,537 numbers, at most 65,536 .* x\[:16\]"):
            small(x=np.zeros(65_536), b=np.zeros(1))


SOURCES = [path.read_text(encoding="utf-8") for path in _join.MODULES.glob("*.js")]
COMPOSITIONS = sorted(re.findall(r"^export function (\w+)\(el, spec", "\n".join(SOURCES), re.MULTILINE))
# kB of a page's script and of all the parts that it may load on use, where that is more than 60.
AT_MOST = {"pooling": 64, "convolution": 88, "network": 107}
# The parts that are loaded without a use: a network's sums, beside its weights, after the first frame.
UNASKED = {"network": ["network_run", "network_search"]}


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_a_page_has_at_most_60_kB_to_draw_the_first_frame(composition):
    """The script of a page of the site: all that is parsed before the first frame, as it is written."""
    assert len(_join.for_page(composition, beside=True).encode()) <= 60_000


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_what_a_page_loads_at_most(composition):
    """With all that uses load; nothing of it comes by itself, but for what is said above."""
    script = _join.for_page(composition, beside=True)
    parts = _join.parts_for_page("page.js", composition)
    everything = len("".join([script, *parts.values()]).encode())
    assert everything <= 1000 * AT_MOST.get(composition, 60)
    unasked = [parts[f"page-{name}.js"] for name in UNASKED.get(composition, [])]
    assert len("".join([script, *unasked]).encode()) <= (72_000 if unasked else 60_000)


class TestStage:
    def test_a_composition_is_sent_as_one_module(self, modules, tmp_path):
        host = (_join.Path(_base.__file__).parent / "modules" / "host.js").read_text(encoding="utf-8")
        (tmp_path / "stage.css").write_text("common")
        modules(host=host, far="export function near(el, spec) {}\n", a="function near(el, spec) {}\n")
        made = type("Made", (Small,), {"composition": "near"})({}, {})
        assert made.get_state("_css") == {"_css": "common"}
        sent = made.get_state("_esm")["_esm"]
        assert sent.endswith("{ render: ({ model, el }) => near(el, specOf(model), linkOf(model)) };\n")
        assert "function linkOf(model)" in sent
        assert "export function" not in sent

    def test_output_has_picture_line_json_and_view(self):
        stage = small(x=np.arange(3))
        data, metadata = stage._repr_mimebundle_()
        view = "application/vnd.jupyter.widget-view+json"
        assert set(data) == {"image/png", "text/plain", _base.COMMITTED, view}
        assert metadata["image/png"] == {"alt": "a small picture"}
        assert "\n" not in data["text/plain"]
        assert data[_base.COMMITTED] == {
            "composition": "",
            "arrays": {"x": {"shape": [3], "data": [0, 1, 2]}},
            "options": {"stride": [1, 1], "title": "t"},
            "selected": None,
        }

    def test_json_above_30_kB_is_left_out(self):
        fits, large = small(x=np.zeros(14_000, int)), small(x=np.zeros(15_000, int))
        assert _base.COMMITTED in fits._repr_mimebundle_()[0]
        assert _base.COMMITTED not in large._repr_mimebundle_()[0]

    def test_what_the_page_sets_is_kept(self):
        stage = small(x=np.arange(3))
        stage.set_state({"stride": [2, 1], "selected": {"array": "x", "index": [1]}})
        stage.set_state({"spec": stage.spec | {"arrays": {"x": {"shape": [1], "data": ["nan"]}}}})
        assert stage.options == {"stride": [2, 1], "title": "t"}
        assert np.isnan(stage.arrays["x"]).tolist() == [True]
        assert stage.committed()["selected"] == {"array": "x", "index": [1]}
        assert stage.committed()["options"]["stride"] == [2, 1]

    def test_python_assigns_arrays(self):
        stage = small(x=np.arange(3))
        stage.arrays = {"x": [[7]]}
        assert stage.spec["arrays"] == {"x": {"shape": [1, 1], "data": [7]}}
