"""The rules that every lesson keeps, one function a rule.

A rule takes a `Lesson` and yields one text for each place where it is broken. The rules read the file only;
whether the outputs are right is nbval's business.
"""

import re

import nbformat

from tests.tool_loader import load_tool

_lesson = load_tool("_lesson.py")
Lesson, DISPLAY, TAG = _lesson.Lesson, _lesson.DISPLAY, _lesson.TAG

HEADINGS = (
    "You will derive",
    "The nudge",
    "Forward",
    "One element at a time",
    "All at once",
    "On paper",
    "In code",
    "Explore",
    "Your turn",
    "What goes wrong",
    "Gradient check",
    "Activation maps",
    "Recap",
)
# Lessons with bodies of their own, and how they end.
OWN_BODIES = {1: HEADINGS[HEADINGS.index("Explore") :], 11: HEADINGS[-1:], 12: HEADINGS[-1:]}
FREE = "nbval-ignore-output"
MOST_FREE_CELLS = 6
MOST_BYTES = 1_000_000

ABSOLUTE_PATH = re.compile(
    r"(?<![\w./:~-])/(?:home|Users|root|tmp|work|usr|opt|var|private|mnt|srv|etc)/[\w.-]+"
    r"|\b[A-Z]:\\{1,2}(?:Users|Windows|Temp|Program)|site-packages|ipykernel_\d+"
)
BARE_SCALAR = re.compile(r"\bnp\.(?:float|int|uint|complex|bool|str)\w*\(|\bnp\.(?:True_|False_)")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{4,}")
NUMBERING_BLOCK = re.compile(r"\\begin\{(?:align|equation|eqnarray|gather|multline)\*?\}")
EQUATION_REFERENCE = re.compile(r"\b[Ee]quations?\s+\((\d{1,2}\.\d{1,2}[a-z]?)\)")


def executed_top_to_bottom(lesson):
    counts = [cell.execution_count for cell in lesson.code_cells]
    if not counts or counts != list(range(1, len(counts) + 1)):
        yield f"the code cells are numbered {counts}, not 1 to {len(counts)}"


def no_errors(lesson):
    for cell, output in lesson.outputs():
        if output.output_type == "error":
            yield f"cell {cell.id} ends in {output.ename}"


def no_stderr(lesson):
    for cell, output in lesson.outputs():
        if output.output_type == "stream" and output.name == "stderr":
            yield f"cell {cell.id} writes to stderr: {output.text[:80]!r}"


def no_absolute_paths(lesson):
    texts = [(cell, cell.source) for cell in lesson.notebook.cells]
    for cell, text in [*texts, *lesson.output_texts()]:
        for match in ABSOLUTE_PATH.finditer(text):
            yield f"cell {cell.id} names a place on one machine: {match[0]!r}"


def no_widget_state(lesson):
    if "widgets" in lesson.notebook.metadata:
        yield "metadata.widgets holds saved widget state"
    for cell, output in lesson.outputs():
        for kind in output.get("data", {}):
            if "widget" in kind:
                yield f"cell {cell.id} has the output type {kind}"


def small(lesson):
    size = len(lesson.text.encode())
    if size > MOST_BYTES:
        yield f"the file has {size:,} bytes; the limit is {MOST_BYTES:,}"


def plain_kernelspec(lesson):
    spec = dict(lesson.notebook.metadata.get("kernelspec", {}))
    if spec.get("name") != "python3" or spec.get("display_name") != "Python 3 (ipykernel)":
        yield f"the kernelspec is {spec}"


def cell_ids(lesson):
    ids = [cell.get("id", "") for cell in lesson.raw["cells"]]
    for cell_id in ids:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell_id):
            yield f"the cell id {cell_id!r} is not valid"
        if ids.count(cell_id) > 1:
            yield f"the cell id {cell_id!r} is there {ids.count(cell_id)} times"


def png_only(lesson):
    for cell, output in lesson.outputs():
        for kind in output.get("data", {}):
            if kind.startswith(("image/", "video/", "audio/")) and kind != "image/png":
                yield f"cell {cell.id} shows {kind}; pictures are PNG"


def described_pictures(lesson):
    """Every picture has a text for those who do not see it."""
    for cell, output in lesson.outputs():
        if "image/png" in output.get("data", {}):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if not alt.strip():
                yield f"cell {cell.id} shows a picture without a description; its figure has no `alt`"


def one_title(lesson):
    titles = [title for level, title in lesson.headings() if level == 1]
    if len(titles) != 1:
        yield f"there are {len(titles)} first-level headings: {titles}"
    first = lesson.notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell does not begin with the title"


def heading_levels(lesson):
    before = 0
    for level, title in lesson.headings():
        if level > before + 1:
            yield f"the heading {title!r} jumps from level {before} to {level}"
        before = level


def common_headings(lesson):
    found = [title for level, title in lesson.headings() if level == 2]
    if lesson.number in OWN_BODIES:
        ending = list(OWN_BODIES[lesson.number])
        if found[-len(ending) :] != ending:
            yield f"the last second-level headings are {found[-len(ending) :]}, not {ending}"
    elif found != list(HEADINGS):
        yield f"the second-level headings are {found}, expected {list(HEADINGS)}"


def free_cells(lesson):
    free = [cell for cell in lesson.code_cells if FREE in cell.metadata.get("tags", [])]
    for cell in free:
        if len(str(cell.metadata.get("reason", "")).split()) < 2:
            yield f"cell {cell.id} is tagged {FREE} without a reason in its metadata"
    if len(free) > MOST_FREE_CELLS:
        yield f"{len(free)} cells are tagged {FREE}; at most {MOST_FREE_CELLS} may be"


def no_other_exemptions(lesson):
    for cell in lesson.notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != FREE]
        for tag in tags:
            if tag.startswith("nbval") or tag == "raises-exception":
                yield f"cell {cell.id} is tagged {tag}; only {FREE} is allowed"
        if cell.cell_type == "code" and re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
            yield f"cell {cell.id} holds an nbval comment; use the tag {FREE}"


def no_bare_numpy_scalars(lesson):
    for cell, text in lesson.output_texts():
        for match in BARE_SCALAR.finditer(text):
            yield f"cell {cell.id} prints a bare NumPy scalar: {match[0]!r}"


def no_memory_addresses(lesson):
    for cell, text in lesson.output_texts():
        for match in ADDRESS.finditer(text):
            yield f"cell {cell.id} prints a memory address: {match[0]!r}"


def tagged_equations(lesson):
    prose = lesson.prose
    in_blocks = 0
    for block in DISPLAY.findall(prose):
        tags = TAG.findall(block)
        in_blocks += len(tags)
        if len(tags) > 1:
            yield f"one block holds the tags {tags}; one tag a block"
        if tags and "\\end{aligned}" in block.split("\\tag")[-1]:
            yield f"the tag {tags} stands before \\end{{aligned}}"
        numbering = NUMBERING_BLOCK.search(block)
        if numbering:
            yield f"{numbering[0]} numbers by itself; use aligned"
    tags = lesson.tags()
    if in_blocks != len(tags):
        yield "a \\tag stands outside $$…$$"
    for tag in tags:
        if not re.fullmatch(rf"{lesson.number}\.\d+[a-z]?", tag):
            yield f"the tag {tag!r} does not begin with the lesson's number, {lesson.number}."
        if tags.count(tag) > 1:
            yield f"the tag {tag!r} is there {tags.count(tag)} times"
    order = [(int(m[1]), m[2]) for m in (re.fullmatch(r"\d+\.(\d+)([a-z]?)", tag) for tag in tags) if m]
    if order != sorted(order):
        yield f"the tags are not in order: {tags}"


def executed_equations(lesson):
    tags, checked = lesson.tags(), lesson.checked_tags()
    for tag in tags:
        if tag not in checked:
            yield f'equation ({tag}) is not executed: no cell calls holds("{tag}", …)'
    for tag in dict.fromkeys(checked):
        if tag not in tags:
            yield f'holds("{tag}", …) checks an equation that the text does not have'


def normal_form(lesson):
    """The file is as tools/refresh_lessons writes it."""
    normaliser = load_tool("_normalise.py")
    notebook = normaliser.normalise(nbformat.reads(lesson.text, as_version=4))
    if normaliser.as_text(notebook) != lesson.text:
        yield "the file is not in the normal form; run tools/refresh_lessons on it"


RULES = {
    rule.__name__: rule
    for rule in (
        executed_top_to_bottom,
        no_errors,
        no_stderr,
        no_absolute_paths,
        no_widget_state,
        small,
        plain_kernelspec,
        cell_ids,
        png_only,
        described_pictures,
        one_title,
        heading_levels,
        common_headings,
        free_cells,
        no_other_exemptions,
        no_bare_numpy_scalars,
        no_memory_addresses,
        tagged_equations,
        executed_equations,
        normal_form,
    )
}
