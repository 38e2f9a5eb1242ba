"""Write a lesson as one file that needs nothing else: ``python website/export.py NOTEBOOK OUTPUT``.

Mathematics (MathJax), style and stages are inside; nothing is asked of any host. An OUTPUT that ends in
``.pdf`` is printed by Chromium: what is folded is open, and each stage is its picture. One that ends in
``.slides.html`` shows the cells as slides, by their marks, with reveal.js.
"""

import argparse
import html
import importlib.metadata
import sys
from pathlib import Path
from string import Template

import nbformat
import stages
from nbconvert import HTMLExporter, SlidesExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from pygments.formatters import HtmlFormatter
from rewrite import settle_links

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from benchmarks.browser import chromium  # noqa: E402

# What a page has inside, of packages that bring it: the MathJax that carries its letters in itself, of those
# that the site has, and reveal.js.
MATHJAX = "sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax/tex-svg.js"
REVEAL_AT = "sphinx_revealjs/_static/revealjs/"
REVEAL = "sphinx-revealjs", REVEAL_AT + "dist/reveal.js", REVEAL_AT + "plugin/notes/notes.js"
REVEAL_STYLE = "sphinx-revealjs", REVEAL_AT + "dist/reveal.css"
# The sections without the page around them, which would ask a host for reveal.js.
AS_SLIDES = {"template_file": "base.html.j2", "exclude_input_prompt": True, "exclude_output_prompt": True}


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
        slides = options.output.name.endswith(".slides.html")
        options.output.write_text(exported(notebook, slides=slides), encoding="utf-8")


def print_page(page, output):
    """Print a page, in light colours."""
    with chromium(height=900) as browser:
        browser.emulate_media(media="print", color_scheme="light")
        browser.set_content(page, wait_until="load")
        browser.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        browser.evaluate("MathJax.startup.promise")
        margin = dict.fromkeys(("top", "right", "bottom", "left"), "15mm")
        browser.pdf(path=str(output), format="A4", margin=margin, scale=0.8)


def exported(notebook, *, alive=True, slides=False):
    """Return the page of a lesson; if it is not ``alive``, with the stages' pictures in their places."""
    found = stages.make_places(notebook, change=stages.alone) if alive else []
    stages.hide_parts(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = settle_links(cell.source, "", known=())
    exporter = SlidesExporter(**AS_SLIDES) if slides else HTMLExporter(template_name="basic")
    exporter.register_preprocessor(TagRemovePreprocessor(remove_input_tags={stages.HIDDEN}), enabled=True)
    body, _ = exporter.from_notebook_node(notebook)
    if slides:
        body = f'<div class="reveal"><div class="slides">{body}</div></div>'
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    page = Template((HERE / "export.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=html.escape(title),
        style="\n".join([code_style(), *map(text_of, stages.style_sheets())]),
        last_style="\n".join(map(text_of, packaged(*REVEAL_STYLE) + [HERE / "slides.css"])) if slides else "",
        body=body,
        files=stages.kept_files(found),
        stages=stages.script(stages.compositions(found)) if found else "",
        mathjax=text_of(*packaged(*MATHJAX)),
        last="\n".join(map(text_of, packaged(*REVEAL) + [HERE / "slides.js"])) if slides else "",
    )


def code_style():
    """Return the colours of code, on light and on dark ground."""
    light, dark = (
        HtmlFormatter(style=f"a11y-high-contrast-{ground}").get_style_defs(".highlight")
        for ground in ("light", "dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def text_of(path):
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def packaged(package, *names):
    """Return the paths of files that an installed package brings."""
    files = importlib.metadata.distribution(package)
    return [Path(files.locate_file(name)) for name in names]


if __name__ == "__main__":
    main()
