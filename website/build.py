"""Gather the pages of the site in one folder, and let Sphinx build it: ``python website/build.py OUTPUT``.

The pages lie where they belong: lessons in ``notebooks/``, the teacher's guide in ``assignments/``, the
maintainers' pages at the top. Sphinx wants one folder, so they are copied, with four changes: links to
files that are not pages become plain text, pictures get the descriptions that the figures carry, every
lesson gets a line that says how to run it, below its first stage, and stages come alive (`stages`).
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import front
import lite
import nbformat
import stages
from rewrite import describe_pictures, settle_links
from sphinx.cmd.build import main as sphinx_build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))

#: page on the site → file in the repository
PAGES = {
    "notebooks/start_here.md": "notebooks/start_here.md",
    "notebooks/formula_sheet.md": "notebooks/formula_sheet.md",
    "notebooks/glossary.md": "notebooks/glossary.md",
    "notebooks/cards.md": "notebooks/cards.md",
    "assignments/README.md": "assignments/README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "ARCHITECTURE.md": "ARCHITECTURE.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "data/README.md": "data/README.md",
}
HOW_TO_RUN = """\
:::{{container}} how-to-run
Here you can read, and touch what moves. To run this lesson: `python3 tools/open_lessons {number}`{lite}
:::"""
IN_THE_BROWSER = ', or <a href="../lite/lab/index.html?path={}">in this browser</a>, with nothing installed'
HOW_TO_RUN_READING = """\
:::{{container}} how-to-run
To run this page: `python3 tools/open_lessons`, then open `more/{name}`.
:::"""
RAW = "```{{raw}} html\n{}\n```"
SCRIPT = '<script src="{}_static/stage/{}"></script>'
START = "notebooks/start_here.md"
# Pages of wide tables give the room of the list of sections to them.
WIDE_PAGES = ("notebooks/formula_sheet.md", "notebooks/glossary.md")
WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\nmyst:\n  html_meta:\n    page: wide\n---\n"


def main():
    """Build the site and return Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="folder for the HTML")
    parser.add_argument(
        "--lite", action="store_true", help="and JupyterLite, which runs the lessons in a browser"
    )
    parser.add_argument("--also", nargs="*", default=[], type=Path, help="more notebooks, beside the lessons")
    options = parser.parse_args()
    output = Path(options.output).resolve()
    source = HERE / "_build" / "source"
    shutil.rmtree(source, ignore_errors=True)
    scripts, files = gather(source, options.also, options.lite)
    for folder in (output, HERE / "_build" / "doctrees"):  # what an earlier build kept would hide warnings
        shutil.rmtree(folder, ignore_errors=True)
    arguments = ["--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"]
    arguments += ["--conf-dir", str(HERE), "--doctree-dir", str(HERE / "_build" / "doctrees")]
    code = sphinx_build([*arguments, str(source), str(output)])
    (output / "_static" / "stage").mkdir(parents=True, exist_ok=True)
    for compositions in scripts:
        for name, text in stages.scripts(compositions).items():
            (output / "_static" / "stage" / name).write_text(text, encoding="utf-8")
    for name, content in files.items():
        (output / "_static" / "stage" / name).write_bytes(content)
    if options.lite:
        lite.build(output / "lite")
    return code


def gather(source, also=(), in_browser=False):
    """Copy every page into ``source``; return what else pages ask for.

    Returns
    -------
    (set of tuple of str, dict)
        The sets of compositions of which a page has a script; the stages' files, as bytes by name.
    """
    shutil.copytree(HERE / "pages", source)
    places = {}
    start = (ROOT / START).read_text(encoding="utf-8")
    questions = front.questions(start)
    pages = {name: ROOT / file for name, file in PAGES.items()}
    more = [path for path in (ROOT / "notebooks" / "more").iterdir() if path.suffix in (".ipynb", ".md")]
    pages |= {path.relative_to(ROOT).as_posix(): path for path in (*LESSONS, *more)}
    pages |= {f"notebooks/{path.name}": path for path in also}
    shutil.copytree(ROOT / "notebooks" / "cards", source / "notebooks" / "cards")
    known = {*pages, *(path.relative_to(source).as_posix() for path in source.rglob("*.md"))}
    for name, path in pages.items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, 4)
            places[path.stem] = prepare_lesson(notebook, name, known, in_browser)
            if path.stem in questions:  # what a search engine shows below the title
                notebook.metadata["myst"] = {"html_meta": {"description": questions[path.stem]}}
            nbformat.write(notebook, target)
        else:
            text = settle_links(path.read_text(encoding="utf-8"), name, known)
            target.write_text(WIDE * (name in WIDE_PAGES) + text, encoding="utf-8")
    places["index"] = [front.network()]
    fill_first_page(source / "index.md", start, places["index"])
    scripts = {tuple(stages.compositions(found)) for found in places.values() if found}
    return scripts, stages.files(spec for found in places.values() for spec in found)


def fill_first_page(path, start_here, found):
    """Write the network, the three ways in and the lessons' cards where the first page has their marks."""
    stage = stages.place(*found) + SCRIPT.format("", stages.script_name(stages.compositions(found)))
    parts = {"network": stage, "ways": front.ways(), "lessons": front.lessons(start_here)}
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", RAW.format(part))
    path.write_text(text, encoding="utf-8")


def prepare_lesson(notebook, name, known, in_browser=False):
    """Settle a lesson's links, describe its pictures, say how to run it, make places for its stages.

    Returns
    -------
    list of dict
        What the lesson has of each stage.
    """
    up = "../" * name.count("/")
    found = stages.make_places(notebook, lambda names: SCRIPT.format(up, stages.script_name(names)))
    stages.hide_parts(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = settle_links(cell.source, name, known)
        elif cell.cell_type == "code":
            describe_pictures(cell)
    number = re.match(r"notebooks/(\d+)_", name)
    link = IN_THE_BROWSER.format(Path(name).name) if in_browser else ""
    how = HOW_TO_RUN if number else HOW_TO_RUN_READING
    how = how.format(number=number and int(number[1]), name=Path(name).name, lite=link)
    notebook.cells.insert(2 if number else 1, nbformat.v4.new_markdown_cell(how))
    return found


if __name__ == "__main__":
    sys.exit(main())
