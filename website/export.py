"""Write a lesson as one file that needs nothing else: ``python website/export.py NOTEBOOK OUTPUT``.

Mathematics (MathJax), style and stages are inside; nothing is asked of any host. An OUTPUT that ends in
``.pdf`` is printed by Chromium: what is folded is open, and each stage is its picture.
"""

import argparse
import html
import importlib.metadata
import sys
from pathlib import Path
from string import Template

import nbformat
import stages
from nbconvert import HTMLExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from pygments.formatters import HtmlFormatter
from rewrite import settle_links

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from benchmarks.browser import chromium  # noqa: E402


def main():
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    notebook = nbformat.read(options.notebook, 4)
    if options.output.suffix == ".pdf":
        print_page(exported(notebook, alive=False), options.output)
    else:
        options.output.write_text(exported(notebook), encoding="utf-8")


def print_page(page, output):
    """Print a page, in light colours."""
    with chromium(height=900) as browser:
        browser.emulate_media(media="print", color_scheme="light")
        browser.set_content(page, wait_until="load")
        browser.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        browser.evaluate("MathJax.startup.promise")
        margin = dict.fromkeys(("top", "right", "bottom", "left"), "15mm")
        browser.pdf(path=str(output), format="A4", margin=margin, scale=0.8)


def exported(notebook, *, alive=True):
    """Return the page of a lesson; if it is not ``alive``, with the stages' pictures in their places."""
    found = stages.make_places(notebook, change=stages.alone) if alive else []
    stages.hide_parts(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = settle_links(cell.source, "", known=())
    exporter = HTMLExporter(template_name="basic")
    exporter.register_preprocessor(TagRemovePreprocessor(remove_input_tags={stages.HIDDEN}), enabled=True)
    body, _ = exporter.from_notebook_node(notebook)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    page = Template((HERE / "export.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=html.escape(title),
        style="\n".join(
            [code_style(), *(path.read_text(encoding="utf-8") for path in stages.style_sheets())]
        ),
        body=body,
        files=stages.kept_files(found),
        stages=stages.script(stages.compositions(found)) if found else "",
        mathjax=mathjax().read_text(encoding="utf-8"),
    )


def code_style():
    """Return the colours of code, on light and on dark ground."""
    light, dark = (
        HtmlFormatter(style=f"a11y-high-contrast-{ground}").get_style_defs(".highlight")
        for ground in ("light", "dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def mathjax():
    """Return the MathJax that carries its letters in itself, of those that the site has."""
    site = importlib.metadata.distribution("sphinx-mathjax-offline")
    return Path(site.locate_file("sphinx-mathjax-offline/static/mathjax/tex-svg.js"))


if __name__ == "__main__":
    main()
