"""Joins the stages' modules to one text: relative imports fail from the address that anywidget loads."""

import re
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
RENDER = "\nexport default { render: ({ model, el }) => %s(el, specOf(model), linkOf(model)) };\n"
# A page without Python: each place holds a picture, which stays if its stage fails, and the spec as JSON. The
# places above the script are filled at once, those below when they are there.
PAGE = """(() => {
%s
const compositions = { %s };
const here = document.currentScript.src;
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
// What a stage asks for lies in the page, or beside the script; else nobody answers. A page on a disk may not
// fetch, but run a script: there is one that holds the same.
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
}
function fill(place) {
  const kept = [...place.childNodes];
  const spec = JSON.parse(place.querySelector("script").textContent);
  place.dataset.filled = "true";
  place.replaceChildren();
  try {
    const ask = async ({ ask }) => (spec.options.file ? find(`${spec.options.file}_${ask}.bin`) : null);
    compositions[spec.composition](place, spec, { set() {}, on: () => () => {}, ask });
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


def joined(*names):
    """Return these modules and all that they import as one text, without the words import and export."""
    return "\n".join(EXPORT.sub("", IMPORT.sub("", source(name))) for name in ordered(*names))


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
    return joined("host", home_of(composition)) + RENDER % composition


def for_page(*compositions):
    """Return the script that fills the places of a page with these compositions."""
    return PAGE % (joined(*map(home_of, compositions)), ", ".join(compositions))


def style(composition):
    """Return a composition's style sheet: one of its own (there are eighty of some), else the common one."""
    own = MODULES / f"{composition}.css"
    return (own if own.is_file() else MODULES / "stage.css").read_text(encoding="utf-8")
