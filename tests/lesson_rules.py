"""The rules that every lesson keeps, one function a rule.

A rule takes a `Lesson` and yields one text for each place where it is broken. The rules read the file only;
whether the outputs are right is nbval's business.
"""

import ast
import re

import nbformat

from tests.tool_loader import load_tool

_lesson = load_tool("_lesson.py")
Lesson, DISPLAY, TAG = _lesson.Lesson, _lesson.DISPLAY, _lesson.TAG

PARTS = (
    "The nudge",
    "Forward",
    "On paper",
    "One element at a time",
    "All at once",
    "In code",
    "What goes wrong",
    "Gradient check",
    "Activation maps",
    "The card",
)
# Lessons with bodies of their own, and how they end.
ENDINGS = {0: (*PARTS[6:8], PARTS[9]), 1: (*PARTS[6:8], PARTS[9]), 11: PARTS[7:], 12: PARTS[7:]}
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
    if lesson.number in ENDINGS:
        ending = list(ENDINGS[lesson.number])
        if found[-len(ending) :] != ending:
            yield f"the last second-level headings are {found[-len(ending) :]}, not {ending}"
    elif found != list(PARTS):
        yield f"the second-level headings are {found}, expected {list(PARTS)}"


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


# --- the second edition: short, touched first


MOST_WORDS = dict(enumerate((2200, 2200, 2200, 1900, 2400, 2600, 2400, 2700, 3200, 2500, 3000, 2300, 2600)))
MOST_WORDS[99] = 1200  # the template's
OPENING, BEFORE_ONES_OWN, FOLDED, STATEMENT = 120, 300, 1500, 60  # words
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
NO_PROSE = re.compile(r"<details>.*?</details>|```.*?```|\$\$.*?\$\$|^\s*\|.*?$", re.DOTALL | re.MULTILINE)
OWN = re.compile(r"\bcheck\.line\(|NotImplementedError")
STAGE = "application/vnd.backprop.stage+json"


def words(text):
    """How many words stand on the open page: no code, tables, display formulas or folds."""
    text = re.sub(r"\]\([^)]*\)", "]", NO_PROSE.sub(" ", text))
    return sum(bool(re.search("[A-Za-z]", word)) for word in text.split())


def opens_with_a_stage(lesson):
    """A title and a question, at once the thing itself, and soon a line of the learner's own."""
    first, second = lesson.notebook.cells[:2]
    if words(first.source) > OPENING:
        yield f"the opening has {words(first.source)} words; at most {OPENING}"
    if not any(STAGE in output.get("data", {}) for output in second.get("outputs", [])):
        yield "the second cell shows no stage"
    so_far = 0
    for cell in lesson.notebook.cells:
        if cell.cell_type == "code" and OWN.search(cell.source):
            break
        so_far += words(cell.source) if cell.cell_type == "markdown" else 0
    if so_far > BEFORE_ONES_OWN:
        yield f"{so_far} words before the learner's first own line; at most {BEFORE_ONES_OWN}"


def short(lesson):
    text = "\n\n".join(cell.source for cell in lesson.markdown_cells)
    road, most = words(text), MOST_WORDS[lesson.number]
    if road > most:
        yield f"{road} words on the road; at most {most}"
    folded = sum(len(re.findall("[A-Za-z]{2,}", fold)) for fold in FOLD.findall(text))
    if folded > FOLDED:
        yield f"{folded} words in folds; at most {FOLDED}"


def steps(lesson):
    """Eight to twelve lines of the learner's own, each asked for in the text above and not yet written."""
    found = [cell for cell in lesson.code_cells if "check.line(" in cell.source]
    if 2 <= lesson.number <= 10 and not 8 <= len(found) <= 12:
        yield f"{len(found)} one-line steps; 8 to 12 are wanted"
    for cell in found:
        if not re.fullmatch(r'(\w+) = \.\.\.  # yours: .+\ncheck\.line\("[\w.]+", \1\)', cell.source):
            yield f"cell {cell.id} is not a step: `name = ...  # yours: what` and `check.line(number, name)`"


def numbers_not_truths(lesson):
    ends = [
        text for _, text in lesson.output_texts() if re.search(r"\b(?:True|False)\s*$", text, re.MULTILINE)
    ]
    if len(ends) > 2:
        yield f"{len(ends)} outputs have a line that ends in True or False; print numbers"


def answers_are_kept(lesson):
    """A question keeps its answer: its code is folded, and so is what the next code cell shows."""
    cells = lesson.notebook.cells
    for place, cell in enumerate(cells):
        asks = cell.cell_type == "code" and re.search(r"\bPredict\(", cell.source)
        if asks and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"cell {cell.id} shows the answer of its question: hide its source"
        if asks or (cell.cell_type == "markdown" and "**Predict first" in cell.source):
            below = next((other for other in cells[place + 1 :] if other.cell_type == "code"), None)
            if below is None or not below.metadata.get("jupyter", {}).get("outputs_hidden"):
                yield f"the answer stands below the question of cell {cell.id}: hide the next outputs"


def statements_in_stubs(lesson):
    """What an exercise asks for is the docstring of its stub."""
    for cell in lesson.code_cells:
        if any(tag.startswith("exercise-") for tag in cell.metadata.get("tags", [])):
            stub = next(node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef))
            count = len(re.findall("[A-Za-z]{2,}", ast.get_docstring(stub) or ""))
            if not 1 <= count <= STATEMENT:
                yield f"cell {cell.id}: its docstring has {count} words; 1 to {STATEMENT} state the exercise"


def card(lesson):
    """Formulas, a picture, one line of code, the one mistake, five questions with folded answers."""
    cells = lesson.notebook.cells
    places = [n for n, cell in enumerate(cells) if cell.source.startswith("## The card")]
    below = cells[places[0] :] if places else []
    text = "\n\n".join(cell.source for cell in below if cell.cell_type == "markdown")
    lines = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
    if "| $" not in text:
        yield "the card has no table of formulas"
    if len(lines) != 1 or "\n" in lines[0]:
        yield "the card has not one line of code"
    if "**The one mistake.** " not in text:
        yield "the card does not say the one mistake"
    if not any("image/png" in out.get("data", {}) for cell in below for out in cell.get("outputs", [])):
        yield "the card has no picture"
    if list(lesson.questions()) != [1, 2, 3, 4, 5]:
        yield f"the card asks the questions {list(lesson.questions())}, not 1 to 5, each with a folded answer"


def no_captions_apart(lesson):
    for cell in lesson.markdown_cells:
        if "**How to read it.**" in cell.source:
            yield f"cell {cell.id} explains a figure; the figure carries its own caption"


SECOND_EDITION = (
    opens_with_a_stage,
    short,
    steps,
    numbers_not_truths,
    answers_are_kept,
    statements_in_stubs,
    card,
    no_captions_apart,
)


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
