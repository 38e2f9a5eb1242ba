"""Sphinx's settings for the site. ``tools/build_site`` copies the pages into one folder and builds that."""

import re
import struct
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import stages

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


project = "Backpropagation, derived and executed"
author = "the authors of Backpropagation, derived and executed"
copyright = author
version = release = PROJECT["version"]
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",  # MathJax lies in the site itself: a page makes no request to anyone else
]
root_doc = "index"
# Docstrings name types in words ("ndarray, (M, H, W, C)"), which Sphinx takes for names of classes.
suppress_warnings = ["ref.python"]

# The committed notebooks are the truth: nothing is executed here.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "html_image", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_heading_slug_func = "anchors.jupyterlab_anchor"
copybutton_selector = "div.highlight-ipython3 pre, div.highlight-default pre, div.highlight-shell pre"
mathjax3_config = {"options": {"enableMenu": False}}

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_use_param = False

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static", *map(str, stages.style_sheets())]
html_css_files = [*(path.name for path in stages.style_sheets()), "site.css"]
html_js_files = ["site.js"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_show_sourcelink = False
html_show_search_summary = False  # it would cut formulas in two and show their source
html_sidebars = {"index": []}  # the first page leads to everything itself
html_copy_source = False
html_theme_options = {
    "show_toc_level": 2,
    "show_navbar_depth": 1,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_issues_button": False,
    "use_repository_button": False,
    "home_page_in_toc": False,
    "navbar_persistent": [],  # one search box is enough
    "footer_content_items": ["copyright"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# Where the repository is published, if it is (tools/set_address): then every lesson has a button for Binder.
REPOSITORY = PROJECT.get("urls", {}).get("Repository")
if REPOSITORY:
    html_theme_options |= {
        "repository_url": REPOSITORY,
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    }


def mark_equations(app, doctree):
    r"""Hand displayed equations to MathJax as they are; Sphinx would wrap them, and ``\tag`` fails inside."""
    from docutils import nodes

    for node in doctree.findall(nodes.math_block):
        if not node.get("nowrap"):
            text = node.astext().strip()
            node.clear()
            node["nowrap"] = True
            node += nodes.Text("\\begin{equation*}\n" + text + "\n\\end{equation*}")


def spare_signs(app, what, name, object_, options, lines):
    """Let a docstring write ``|x|`` and ``f(*inputs)``; reStructuredText takes such signs for markup."""
    lines[:] = ["``".join(_escape(line.split("``"))) for line in lines]


def _escape(parts):
    """Return the text around literals (the even parts) with bars and lone stars escaped."""
    return [
        part if at % 2 else re.sub(r"\||(?<![\w*])\*{1,2}(?=\w+[,)])", r"\\\g<0>", part)
        for at, part in enumerate(parts)
    ]


def size_pictures(app, page, template, context, doctree):
    """Say how large each picture is, so that nothing moves when it arrives."""
    files = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def sized(match):
        file = files.get(match[2])
        if file is None or file.suffix != ".png":
            return match[0]
        width, height = struct.unpack(">II", file.read_bytes()[16:24])  # where a PNG says so
        return f'{match[1]} width="{width}" height="{height}"'

    context["body"] = re.sub(r'(<img\b[^>]*?src="[^"]*_images/([^"]+)")', sized, context.get("body", ""))


def leave_out_aliases(app, what, name, object_, skip, options):
    """Leave out the fields of named tuples: Python's "Alias for field number 0" says less than the class."""
    return True if (object_.__doc__ or "").startswith("Alias for field number") else None


def setup(app):
    """Register the steps of our own."""
    app.connect("autodoc-skip-member", leave_out_aliases)
    app.connect("doctree-read", mark_equations)
    app.connect("html-page-context", size_pictures)
    app.connect("autodoc-process-docstring", spare_signs)
