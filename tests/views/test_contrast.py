"""Every text that the figures, the matrices and the explorers write can be read: contrast 4.5 : 1 or more.

The colours are read where the browser reads them: in the style sheets, and in the themes of the installed
JupyterLab. What the browser makes of them is tested in tests/browser and tests/site.
"""

import re
import sys
from pathlib import Path

import pytest

from backprop_helpers.views.explorers._base import INKS_ON_DARK, style_sheet
from backprop_helpers.views.matrix_view import MatrixView, colors
from backprop_helpers.views.plots import _style

READS = 4.5
VISIBLE = 3.0  # what is no text: outlines, the frame of the focus
THEMES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "themes" / "@jupyterlab"
MATRIX_CSS = MatrixView._css._path.read_text(encoding="utf-8")
MATRIX_JS = MatrixView._esm._path.read_text(encoding="utf-8")


def variables(css):
    """Return {name: value} of the custom properties that a style sheet sets."""
    return {name: value.strip() for name, value in re.findall(r"(--[\w-]+):\s*([^;}]+)", css)}


def resolved(value, known):
    """Return a colour with its variables followed; where one is not set, its fallback."""
    while match := re.fullmatch(r"var\((--[\w-]+)(?:,\s*(.*))?\)", value):
        name, fallback = match.groups()
        assert name in known or fallback is not None, f"{name} is not set and has no fallback"
        value = known.get(name, fallback)
    return value.strip()


def as_color(value, ground):
    """Return a CSS colour as hex; a transparent one is laid on `ground`."""
    if re.fullmatch(r"#[0-9a-fA-F]{3,6}", value):
        return value
    if value in ("white", "black"):
        return value
    numbers = [float(n) for n in re.findall(r"[\d.]+", value)]
    assert value.startswith("rgba("), value
    *channels, alpha = numbers
    below = [255 * c for c in _style.to_rgb(ground)]
    mixed = [round(alpha * c + (1 - alpha) * b) for c, b in zip(channels, below)]
    return "#" + "".join(f"{c:02x}" for c in mixed)


def themes():
    """Return {name: variables} where the views are shown; {} is a page that sets none."""
    found = {"no theme": {}}
    for name in ("light", "dark"):
        path = THEMES / f"theme-{name}-extension" / "index.css"
        found[f"JupyterLab {name}"] = variables(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module", params=["no theme", "JupyterLab light", "JupyterLab dark"])
def theme(request):
    return request.param, themes()[request.param]


def colors_of(css, known, names):
    """Return the ground of a style sheet's variables, and the named ones as they look on it."""
    own = variables(css)
    ground = as_color(resolved(own["--bp-ground"], known), "#ffffff")
    return ground, {name: as_color(resolved(own[f"--bp-{name}"], known), ground) for name in names}


@pytest.mark.parametrize("css", [MATRIX_CSS, style_sheet()], ids=["matrix", "explorer"])
def test_words_read_in_every_theme(theme, css):
    _, known = theme
    ground, found = colors_of(css, known, ["ink", "soft"])
    for name, color in found.items():
        assert _style.contrast(color, ground) >= READS, (name, color, ground)


def test_focus_can_be_seen_in_every_theme(theme):
    _, known = theme
    ground, found = colors_of(MATRIX_CSS, known, ["focus"])
    assert _style.contrast(found["focus"], ground) >= VISIBLE


def test_themes_are_what_they_say():
    """A dark theme that were read as no theme would let every test above pass."""
    for name, known in themes().items():
        ground, _ = colors_of(MATRIX_CSS, known, [])
        assert (_style.luminance(ground) < 0.1) == ("dark" in name), (name, ground)


@pytest.mark.parametrize("css", [MATRIX_CSS, style_sheet()], ids=["matrix", "explorer"])
def test_alert_reads_on_its_own_ground(css):
    alert = re.search(r"\.bp-(?:matrix-)?alert \{([^}]*)\}", css).group(1)
    ink = re.search(r"(?<!-)color: (#\w+)", alert).group(1)
    assert _style.contrast(ink, re.search(r"background: (#\w+)", alert).group(1)) >= READS


def test_marked_numbers_read_in_both_themes():
    every = themes()
    light, _ = colors_of(style_sheet(), every["JupyterLab light"], [])
    dark, _ = colors_of(style_sheet(), every["JupyterLab dark"], [])
    assert set(INKS_ON_DARK) == set(_style.INKS)
    for name, ink in _style.INKS.items():
        assert _style.contrast(ink, light) >= READS, name
        assert _style.contrast(INKS_ON_DARK[name], dark) >= READS, name


@pytest.mark.parametrize("name", ["INK", "GREY"])
def test_figures_words_read_on_paper(name):
    assert _style.contrast(getattr(_style, name), "white") >= READS


@pytest.mark.parametrize("stops", ["SEQUENTIAL", "DIVERGING"])
def test_numbers_read_on_every_step_of_the_figures(stops):
    for step in getattr(_style, stops):
        assert _style.contrast(_style.text_color(step), step) >= READS, step


@pytest.mark.parametrize("kind", _style.KINDS)
def test_numbers_read_on_every_colour_of_a_matrix(kind):
    """The script chooses black or white by itself; its rule is read from the script."""
    rule = r'> ([\d.]+) \? "(#\w{6})" : "(#\w{6})"\)'
    ((threshold, bright, other),) = re.findall(rule, MATRIX_JS)
    table = bytes.fromhex(colors(kind)["map"])
    for i in range(0, len(table), 3):
        ground = "#" + table[i : i + 3].hex()
        ink = bright if _style.luminance(ground) > float(threshold) else other
        assert _style.contrast(ink, ground) >= READS, (i // 3, ground)


def test_texts_in_cells_read_on_their_tags():
    """Marks such as ① are written in an ink on white; an outline has a casing that is told apart from it."""
    assert 'context.fillStyle = "#ffffff";' in MATRIX_JS
    for ink in colors("value")["inks"].values():
        assert _style.contrast(ink, "#ffffff") >= READS
    for accent in colors("value")["accents"].values():
        around = max(_style.contrast(accent, "#ffffff"), _style.contrast(accent, "#1a1a1a"))
        assert around >= VISIBLE, accent
