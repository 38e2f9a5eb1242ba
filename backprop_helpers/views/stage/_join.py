"""Joins what a stage needs of the modules to one text: relative imports fail from anywidget's address."""

import re
from pathlib import Path
from typing import NamedTuple

MODULES = Path(__file__).parent / "modules"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
# A definition on the outermost level, from the comment right above it: one name, or several taken apart.
DEFINITION = re.compile(
    r"^(?://.*\n)*(?:async )?(?:function\*?|const|class) (?:(?P<name>\w+)|[\[{](?P<names>[^\]}]*)[\]}])",
    re.MULTILINE,
)
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
RENDER = "\nexport default { render: ({ model, el }) => %s(el, specOf(model), linkOf(model)) };\n"
# A page without Python: each place holds a picture, which stays if its stage fails, and the spec as JSON. The
# places above the script are filled at once, those below when they are there.
PAGE = """(() => {
%(modules)s
const compositions = { %(names)s };
%(ask)s
function fill(place) {
  const kept = [...place.childNodes];
  const spec = JSON.parse(place.querySelector("script").textContent);
  place.dataset.filled = "true";
  place.replaceChildren();
  try {
    compositions[spec.composition](place, spec, { set() {}, on: () => () => {}, ask: ask(spec) });
  } catch (error) {
    place.replaceChildren(...kept);
    reportError(error);
  }
}
const fillAll = () => document.querySelectorAll(".bp-place:not([data-filled])").forEach(fill);
fillAll();
document.addEventListener("DOMContentLoaded", fillAll);
})();
"""
# What a stage asks for lies in the page, or beside the script; else nobody answers.
ASKS = """const here = document.currentScript.src;
const ask = ({ options: { file } }) => async ({ ask: part }) => (file ? find(`${file}_${part}.bin`) : null);
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
// A page on a disk may not fetch, but run a script: there is one that holds the same.
async function find(file) {
  const kept = document.querySelector(`script[data-file="${file}"]`);
  if (kept) return bytesOf(kept.textContent.trim());
  if (!here) return null;
  if (here.startsWith("file:")) {
    const script = document.createElement("script");
    const ready = new Promise((resolve, reject) => {
      Object.assign(script, { onload: resolve, onerror: reject });
    });
    script.src = new URL(`${file}.js`, here);
    document.head.append(script);
    await ready;
    return bytesOf(globalThis.backpropFiles[file]);
  }
  const answer = await fetch(new URL(file, here));
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.arrayBuffer();
}"""


def ordered(*names):
    """Return the names of the modules that these need, and their own, each after all that it imports."""
    found = []

    def visit(name, above):
        if name in above:
            raise ValueError(f"the modules import each other in a circle: {' → '.join([*above, name])}")
        if name not in found:
            for needed in IMPORT.findall(source(name)):
                visit(needed, [*above, name])
            found.append(name)

    for name in names:
        visit(name, [])
    return found


def source(name):
    """Return the text of one module."""
    return (MODULES / f"{name}.js").read_text(encoding="utf-8")


class Part(NamedTuple):
    """A definition: the names it defines, its text, and every word in it that may be another's name."""

    names: tuple[str, ...]
    text: str
    words: frozenset[str]


def parts_of(name):
    """Return what stands above a module's definitions, and these, without the words import and export."""
    text = EXPORT.sub("", IMPORT.sub("", source(name)))
    found = list(DEFINITION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    parts = []
    for match, end in zip(found, ends):
        own = text[match.start() : end]
        names = re.findall(r"\w+", match["name"] or match["names"])
        parts.append(Part(tuple(names), own, frozenset(re.findall(r"\w+", COMMENT.sub("", own)))))
    return text[: found[0].start()] if found else text, parts


def joined(modules, wanted):
    """Return as one text what the definitions `wanted` need of these modules and of all that they import."""
    split = [parts_of(name) for name in ordered(*modules)]
    owners = {name: part for _, parts in split for part in parts for name in part.names}
    used, waiting = set(), list(wanted)
    while waiting:
        part = owners.get(waiting.pop())
        if part and part not in used:
            used.add(part)
            waiting += part.words
    kept = [(head, [part.text for part in parts if part in used]) for head, parts in split]
    return "\n".join(head + "".join(texts) for head, texts in kept if texts)


def home_of(composition):
    """Return the name of the module that holds a composition."""
    for path in sorted(MODULES.glob("*.js")):
        if re.search(
            rf"^export function {composition}\(el, spec", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            return path.stem
    raise ValueError(f"no module exports the composition {composition}(el, spec, link)")


def for_anywidget(composition):
    """Return the module that anywidget loads for a composition."""
    return joined(["host", home_of(composition)], ["specOf", "linkOf", composition]) + RENDER % composition


def for_page(*compositions):
    """Return the script that fills the places of a page with these compositions."""
    modules = joined(map(home_of, compositions), compositions)
    asks = ASKS if ".ask(" in modules else "const ask = () => null;"
    return PAGE % {"modules": modules, "names": ", ".join(compositions), "ask": asks}


def style(composition):
    """Return a composition's style sheet: one of its own (there are eighty of some), else the common one."""
    own = MODULES / f"{composition}.css"
    return (own if own.is_file() else MODULES / "stage.css").read_text(encoding="utf-8")
