"""Gather the pages of the site in one folder, and let Sphinx build it: ``python website/build.py OUTPUT``.

The pages lie where they belong: lessons in ``notebooks/``, the teacher's guide in ``assignments/``, the
maintainers' pages at the top. Sphinx wants one folder, so they are copied, with four changes: links to
files that are not pages become plain text, pictures get the descriptions that the figures carry, every
lesson gets a line that says how to run it, and explorers that can do without Python come alive (`live`).
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import live
import nbformat
from nbformat.v4 import new_markdown_cell
from sphinx.cmd.build import main as sphinx_build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: page on the site → file in the repository
PAGES = {
    "notebooks/start_here.md": "notebooks/start_here.md",
    "notebooks/formula_sheet.md": "notebooks/formula_sheet.md",
    "notebooks/glossary.md": "notebooks/glossary.md",
    "notebooks/more/questions.md": "notebooks/more/questions.md",
    "assignments/README.md": "assignments/README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "ARCHITECTURE.md": "ARCHITECTURE.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "data/README.md": "data/README.md",
}
HOW_TO_RUN = """\
:::{{note}}
Here you can read. To run this lesson and to move its views: `python3 tools/open_lessons {number}`
:::"""
RAW = "```{{raw}} html\n{}\n```"
LIVE_HERE = re.compile(r"<!-- live: (\w+) -->")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def main():
    """Build the site and return Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="folder for the HTML")
    output = Path(parser.parse_args().output).resolve()
    source = HERE / "_build" / "source"
    shutil.rmtree(source, ignore_errors=True)
    explorers = gather(source)
    for folder in (output, HERE / "_build" / "doctrees"):  # what an earlier build kept would hide warnings
        shutil.rmtree(folder, ignore_errors=True)
    arguments = ["--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"]
    arguments += ["--conf-dir", str(HERE), "--doctree-dir", str(HERE / "_build" / "doctrees")]
    code = sphinx_build([*arguments, str(source), str(output)])
    for name, content in explorers.items():
        live.write_script(output / live.FOLDER, name, content)
    live.write_module(output / live.FOLDER)
    return code


def gather(source):
    """Copy every page into ``source``; return what the live explorers show, by name."""
    shutil.copytree(HERE / "pages", source)
    explorers = {}
    pages = {name: ROOT / file for name, file in PAGES.items()}
    lessons = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    pages |= {f"notebooks/{path.name}": path for path in lessons}
    known = {*pages, *(path.relative_to(source).as_posix() for path in source.rglob("*.md"))}
    for name, path in pages.items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, 4)
            explorers |= prepare_lesson(notebook, name, known)
            nbformat.write(notebook, target)
        else:
            target.write_text(settle_links(path.read_text(encoding="utf-8"), name, known), encoding="utf-8")
    for path in source.glob("*.md"):
        path.write_text(
            LIVE_HERE.sub(place_live(explorers), path.read_text(encoding="utf-8")), encoding="utf-8"
        )
    return explorers


def prepare_lesson(notebook, name, known):
    """Settle a lesson's links, hand on the pictures' descriptions, say how to run it, let its explorers live.

    Returns
    -------
    dict
        What each explorer that can live without Python shows, by name.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = settle_links(cell.source, name, known)
        elif cell.cell_type == "code":
            describe_pictures(cell)
    number = Path(name).name[:2].lstrip("0") or "0"
    title = notebook.cells[0]
    title.source = title.source.rstrip() + "\n\n" + HOW_TO_RUN.format(number=number)
    return enliven(notebook, Path(name).stem, number)


def enliven(notebook, lesson, number):
    """Put a live view, or a line that says how to get one, below every explorer; return what they show."""
    cells, code, explorers = [], [], {}
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        code.append(cell)
        if not live.shows_explorer(cell):
            continue
        explorer = live.explorer_of(code)
        if explorer is None:
            cells.append(new_markdown_cell(live.not_live(number)))
        else:
            name = lesson + ("" if not explorers else f"_{len(explorers) + 1}")
            explorers[name] = live.recorded(explorer)
            cells.append(new_markdown_cell(RAW.format(live.page_part(name, number))))
    notebook.cells = cells
    return explorers


def place_live(explorers):
    """Return the replacement of a comment that asks for a lesson's live explorer."""

    def part(match):
        name = match.group(1)
        if name not in explorers:
            raise ValueError(f"a page asks for the live view {name!r}; there is {', '.join(explorers)}")
        return RAW.format(live.page_part(name, int(name[:2])))

    return part


def describe_pictures(cell):
    """Give each picture of ``cell`` the description that its figure wrote into the output's metadata."""
    texts = [
        output.metadata["image/png"]["alt"]
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("image/png", {}).get("alt")
    ]
    if texts:
        cell.metadata.setdefault("mystnb", {})["image"] = {"alt": " ".join(texts)}


def settle_links(text, name, known):
    """Return ``text`` with its links to files that are not on the site turned into plain code or text."""
    folder = Path(name).parent

    def settle(match):
        words, target = match.groups()
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return match.group()
        file = target.split("#")[0]
        page = (Path("/") / folder / file).resolve().relative_to("/").as_posix()
        return match.group() if page in known else words

    return LINK.sub(settle, text)


if __name__ == "__main__":
    sys.exit(main())
