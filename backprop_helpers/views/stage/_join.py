"""Joins the stages' modules to one text: relative imports fail from the address that anywidget loads."""

import re
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
RENDER = "\nexport default { render: ({ model, el }) => %s(el, specOf(model), linkOf(model)) };\n"


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


def for_anywidget(name, function):
    """Return what anywidget loads for the composition `function`, which the module `name` holds."""
    return joined("host", name) + RENDER % function


def style(name):
    """Return a composition's style sheet: one of its own (there are eighty of some), else the common one."""
    own = MODULES / f"{name}.css"
    return (own if own.is_file() else MODULES / "stage.css").read_text(encoding="utf-8")
