"""Joins what a stage needs of the modules to one text: relative imports fail from anywidget's address.

What a module imports on use, ``import("./x.js")``, is a part of its own. A page of the site loads it then,
from beside its script; where there is only one text, it stands in it.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

MODULES = Path(__file__).parent / "modules"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
LATER = re.compile(r'\bimport\("\./(\w+)\.js"\)')
EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|const|class) (\w+)", re.MULTILINE)
# A definition on the outermost level: one name, or several taken apart.
DEFINITION = re.compile(
    r"^(?:async )?(?:function\*?|const|class) (?:(?P<name>\w+)|[\[{](?P<names>[^\]}]*)[\]}])",
    re.MULTILINE,
)
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
RENDER = "\nexport default { render: ({ model, el }) => %s(el, specOf(model), linkOf(model)) };\n"
# A part is a function of the names that it needs of others; it returns its own. `scope` holds what is here.
PART = "({ %(needed)s }) => {\n%(text)s\nreturn { %(names)s };\n}"
LOAD = """
const imported = ((scope, needs, part) => {
  const loaded = {};
  const load = async (name) => {
    await Promise.all(needs[name].map(once));
    return Object.assign(scope, (await part(name))(scope));
  };
  const once = (name) => (loaded[name] ??= load(name).catch((error) => {
    delete loaded[name]; // the next use tries again
    throw error;
  }));
  return once;
})({ %(shared)s }, %(needs)s, %(part)s);
"""
WITHIN = "(name) => ({ %s })[name]"
BESIDE = """async (name) => {
  const file = beside.replace(/\\.js$/, `-${name}.js`);
  await run(file);
  return globalThis.backpropParts[new URL(file).pathname.split("/").pop()];
}"""
# A page without Python: each place holds a picture, which stays if its stage fails, and the spec as JSON. The
# places above the script are filled at once, those below when they are there. A page on a disk may not fetch,
# but run a script.
PAGE = """(() => {
const beside = document.currentScript.src;
const run = (src) => new Promise((resolve, reject) => {
  const script = document.createElement("script");
  const failed = () => reject(new Error(`${src} did not come`));
  document.head.append(Object.assign(script, { src, onload: resolve, onerror: failed }));
});
%(modules)s
const compositions = { %(names)s };
const homes = { %(homes)s };
%(ask)s
async function fill(place) {
  const kept = [...place.childNodes];
  const spec = JSON.parse(place.querySelector("script").textContent);
  const name = spec.composition;
  place.dataset.filled = "true";
  try {
    const compose = compositions[name] ?? (await imported(homes[name]))[name];
    place.replaceChildren();
    compose(place, spec, { set() {}, on: () => () => {}, ask: ask(spec) });
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
ASKS = """const ask = ({ options: { file } }) => async ({ ask: part }) => (
  file ? find(`${file}_${part}.bin`) : null
);
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
// For a page on a disk there is a script that holds the same.
async function find(file) {
  const kept = document.querySelector(`script[data-file="${file}"]`);
  if (kept) return bytesOf(kept.textContent.trim());
  if (!beside) return null;
  if (beside.startsWith("file:")) {
    await run(new URL(`${file}.js`, beside).href);
    return bytesOf(globalThis.backpropFiles[file]);
  }
  const answer = await fetch(new URL(file, beside));
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
            for _, needed in IMPORT.findall(source(name)):
                visit(needed, [*above, name])
            found.append(name)

    for name in names:
        visit(name, [])
    return found


def source(name):
    """Return the text of one module."""
    return (MODULES / f"{name}.js").read_text(encoding="utf-8")


class Part(NamedTuple):
    """A definition: the names it defines, its text, and the names of others that it uses."""

    names: tuple[str, ...]
    text: str
    uses: frozenset[str]


def parts_of(name):
    """Return a module's definitions, without the word export."""
    text = source(name)
    imported = {word for names, _ in IMPORT.findall(text) for word in re.findall(r"\w+", names)}
    text = EXPORT.sub("", IMPORT.sub("", text))
    found = list(DEFINITION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    named = [tuple(re.findall(r"\w+", match["name"] or match["names"])) for match in found]
    seen = frozenset(imported).union(*named)
    texts = [COMMENT.sub("", text[match.start() : end]) for match, end in zip(found, ends)]
    return [Part(names, own, seen.intersection(re.findall(r"\w+", own))) for names, own in zip(named, texts)]


class Joined(NamedTuple):
    """What is needed at once, as text, and {module: (text, names, names of others)} of what comes on use.

    The names are those that others ask for.

    `needs` says which of these parts come before one.
    """

    first: str
    later: dict[str, tuple[str, list[str], list[str]]]
    needs: dict[str, list[str]]


def joined(modules, wanted, later=None):
    """Return what the definitions `wanted` need of these modules and of what they import, now or on use.

    `later`: {module: names of it} of what is wanted when the first is here.
    """
    later = later or {}
    names = ordered(*modules, *later)
    for name in names:  # grows: what is imported on use, and what that imports
        names += [new for late in LATER.findall(source(name)) for new in ordered(late) if new not in names]
    split = {name: parts_of(name) for name in dict.fromkeys(ordered(*names))}
    owners = {name: part for parts in split.values() for part in parts for name in part.names}

    def closure(wanted):
        used, waiting = {}, list(wanted)
        while waiting:
            part = owners.get(waiting.pop())
            if part and part not in used:
                used[part] = None
                waiting += part.uses
        return used

    def names_asked(target):
        return later.get(target) or EXPORTED.findall(source(target))

    def needed_by(target):
        return closure(names_asked(target))

    groups = {"": closure(wanted)}
    targets = [*later, *targets_in(groups[""])]
    for target in targets:  # grows
        targets += [new for new in targets_in(needed_by(target)) if new not in targets]
    homes = dict.fromkeys(groups[""], "")
    needs = {}
    for target in (name for name in split if name in targets):
        needed = needed_by(target)
        groups[target] = [part for part in needed if part not in homes]
        needs[target] = sorted({homes[part] for part in needed if homes.get(part)})
        homes |= dict.fromkeys(groups[target], target)
    first = text_of(split, groups.pop(""))
    named = {target: names_of(parts) for target, parts in groups.items()}
    asked = {name for _, needed in named.values() for name in needed}
    found = {}
    for target, (own, needed) in named.items():
        returned = [name for name in own if name in asked or name in names_asked(target)]
        found[target] = text_of(split, groups[target]), returned, needed
    return Joined(first, found, needs)


def targets_in(parts):
    """Return the names of the modules that these definitions import on use."""
    return list(dict.fromkeys(name for part in parts for name in LATER.findall(part.text)))


def names_of(parts):
    """Return the names that these definitions define, and those of others that they use, sorted."""
    own = {name for part in parts for name in part.names}
    return sorted(own), sorted({name for part in parts for name in part.uses} - own)


def text_of(split, parts):
    """Return these definitions in the modules' order, without comments."""
    kept = "".join(part.text for own in split.values() for part in own if part in parts)
    return LATER.sub(r'imported("\1")', kept)


def with_parts(joined, *, beside=False):
    """Return the text, the code that loads the parts, and these too unless they lie beside it."""
    if not joined.later:
        return joined.first
    own = {name for _, names, _ in joined.later.values() for name in names}
    shared = {name for _, _, needed in joined.later.values() for name in needed} - own
    within = ",\n".join(f"{name}: {as_function(*part)}" for name, part in joined.later.items())
    part = BESIDE if beside else WITHIN % within
    return joined.first + LOAD % {
        "shared": ", ".join(sorted(shared)),
        "needs": json.dumps(joined.needs),
        "part": part,
    }


def as_function(text, names, needed):
    """Return a part as a function of the names that it needs."""
    return PART % {"needed": ", ".join(needed), "text": text, "names": ", ".join(names)}


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
    wanted = ["specOf", "linkOf", composition]
    return with_parts(joined(["host", home_of(composition)], wanted)) + RENDER % composition


def for_page(*compositions, beside=False):
    """Return the script that fills a page's places with these compositions, its parts in or beside it.

    Where the parts lie beside it, the script has the first composition, and loads the others at once.
    """
    now, later = first_and_later(compositions) if beside else (compositions, {})
    found = joined(map(home_of, now), now, later)
    modules = with_parts(found, beside=beside)
    asks = any("ask(" in text for text in [modules, *(text for text, *_ in found.later.values())])
    return PAGE % {
        "modules": modules,
        "names": ", ".join(now),
        "homes": ", ".join(f'{name}: "{module}"' for module, names in later.items() for name in names),
        "ask": ASKS if asks else "const ask = () => null;",
    }


def first_and_later(compositions):
    """Return a page's first composition, alone in a list, and {module: its composition} of the others."""
    return compositions[:1], {home_of(name): [name] for name in compositions[1:]}


def parts_for_page(name, *compositions):
    """Return {file: text} of the parts that the page's script `name` loads when they are used."""
    now, later = first_and_later(compositions)
    parts = joined(map(home_of, now), now, later).later
    begin = "(globalThis.backpropParts ??= {})[%s] = "
    files = {name.replace(".js", f"-{part}.js"): as_function(*text) for part, text in parts.items()}
    return {file: begin % json.dumps(file) + text + ";\n" for file, text in files.items()}


def style(composition):
    """Return a composition's style sheet: one of its own (there are eighty of some), else the common one."""
    own = MODULES / f"{composition}.css"
    return (own if own.is_file() else MODULES / "stage.css").read_text(encoding="utf-8")
