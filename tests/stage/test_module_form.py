"""The stage's modules have the form in which they can be joined: what they import, export and call things."""

import re
from collections import Counter

import pytest
from pygments.lexers import JavascriptLexer
from pygments.token import Comment, String

from benchmarks.node import MODULES

SOURCES = {path.name: path.read_text(encoding="utf-8") for path in sorted(MODULES.glob("*.js"))}
LONGEST_FILE, LONGEST_FUNCTION = 500, 40
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";$', re.MULTILINE)
DEFINITION = re.compile(r"^(export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
NO_FUNCTION = {"if", "for", "while", "switch", "catch", "with"}
OPEN, CLOSED = "({[", ")}]"

each_module = pytest.mark.parametrize("name", SOURCES)


def imports(source):
    """{module: names} of what a source imports."""
    return {
        module: {name.strip() for name in names.split(",") if name.strip()}
        for names, module in IMPORT.findall(source)
    }


def defined(source, *, exported_only=False):
    """The names that a source defines on its outermost level, taken apart (``const [A, B] =``) or not."""
    names = [name for export, name in DEFINITION.findall(source) if export or not exported_only]
    apart = re.findall(r"^(export )?const [\[{]([^\]}]*)[\]}] =", source, re.MULTILINE)
    return names + [
        name
        for export, all_names in apart
        if export or not exported_only
        for name in re.findall(r"\w+", all_names)
    ]


def code(source):
    """[(line, token)] of all that is not white space, comment or text; templates are texts."""
    tokens, line = [], 1
    for kind, text in JavascriptLexer(stripnl=False).get_tokens(source):
        if kind in String or (text.strip() and kind not in Comment):
            tokens.append((line, '""' if kind in String else text.strip()))
        line += text.count("\n")
    return tokens


def functions(source):
    """[(first line, number of lines)] of every function that has a body in braces."""
    found, opened, before = [], [], {}
    tokens = code(source)
    for place, (line, token) in enumerate(tokens):
        if token in OPEN:
            opened.append(place)
        elif token in CLOSED:
            start = opened.pop()
            before[place] = start
            if token == "}" and (head := _head(tokens, start, before)) is not None:
                first = tokens[head][0]
                found.append((first, line - first + 1))
    return found


def _head(tokens, brace, before):
    """The place at which a function begins whose body this brace opens; None if it opens something else."""
    if brace and tokens[brace - 1][1] == "=>":
        return before.get(brace - 2, brace - 2)
    if not brace or tokens[brace - 1][1] != ")":
        return None
    start = before[brace - 1]
    return None if tokens[start - 1][1] in NO_FUNCTION else start


@each_module
def test_it_imports_only_modules_beside_it_and_names_that_they_export(name):
    source = SOURCES[name]
    static = re.findall(r"\bimport\b(?!\()", strip_comments(source))
    assert len(static) == len(IMPORT.findall(source))
    for module, names in imports(source).items():
        assert names <= set(defined(SOURCES[module], exported_only=True)), f"{name} imports from {module}"


@each_module
def test_what_it_imports_on_use_is_a_module_and_what_it_takes_of_it_is_exported(name):
    """As ``(await import("./x.js")).name`` or ``const { name } = await import("./x.js")``."""
    source = strip_comments(SOURCES[name])
    found = re.findall(r"\bimport\((.*?)\)", source)
    assert all(re.fullmatch(r'"\./\w+\.js"', module) for module in found), found
    for module in found:
        assert module[3:-1] in SOURCES
    for module, taken in re.findall(r'\(await import\("\./(\w+\.js)"\)\)\.(\w+)', source):
        assert taken in defined(SOURCES[module], exported_only=True)
    for names, module in re.findall(r'const \{ ([^}]*) \} = await import\("\./(\w+\.js)"\)', source):
        assert set(re.findall(r"\w+", names)) <= set(defined(SOURCES[module], exported_only=True))


@each_module
def test_it_holds_definitions_and_nothing_else(name):
    """No default export, no list of exports, nothing that runs when it is loaded."""
    allowed = re.compile(r"import \{|export (async )?(function|const|class)|(async )?function|const|class|//")
    ends = re.compile(r'[}\])]|\} from "|$')
    outermost = [line for line in SOURCES[name].splitlines() if not line.startswith(" ")]
    assert [line for line in outermost if not allowed.match(line) and not ends.match(line)] == []


@each_module
def test_it_is_short(name):
    lines = SOURCES[name].count("\n")
    assert lines <= LONGEST_FILE
    long = [(first, count) for first, count in functions(SOURCES[name]) if count > LONGEST_FUNCTION]
    assert long == [], f"{name}: functions (first line, lines) above {LONGEST_FUNCTION}"


def test_a_name_is_defined_once_in_all_modules():
    names = Counter(name for source in SOURCES.values() for name in defined(source))
    assert [name for name, count in names.items() if count > 1] == []


def test_functions_are_measured():
    source = """
const one = (a) => {
  if (a) {
    return `}${a}`;  // }
  }
};
function two({ b }) {
  return /[{}]/.test(b);
}
const three = { four() {
    return [1].map(x => { return x; });
  },
};
"""
    assert sorted(functions(source)) == [(2, 5), (7, 3), (10, 3), (11, 1)]
    assert functions("for (;;) {\n}\nconst a = {\n};") == []


def strip_comments(source):
    return re.sub(r"//.*|/\*[\s\S]*?\*/", "", source)
