"""What every explorer shares: the frame, the written-out arithmetic, the alert, legal-only controls.

An explorer is a column: a title, its parts (rows of matrices and controls), the arithmetic of the cell under
the pointer, and an alert that stays empty unless a callback fails. Colours follow the theme; every coloured
number is underlined too, in a pattern of its own.
"""

import functools
import html
from typing import NamedTuple

import ipywidgets as widgets

from backprop_helpers.views.plots import _style

MAX_WIDTH = 1180  # CSS pixels: a JupyterLab cell on a 1280-pixel window
LINE = 22  # CSS pixels, one line of arithmetic
SUMMARY = 110  # characters; ipywidgets cuts a longer text form
UNDERLINES = {
    "blue": "solid",
    "vermillion": "dashed",
    "green": "dotted",
    "purple": "double",
    "orange": "dashed",
    "sky": "dotted",
    "yellow": "wavy",
    "black": "solid",
}
INKS_ON_DARK = {
    "blue": "#6db9ec",
    "vermillion": "#ff9a55",
    "green": "#4fd1a8",
    "purple": "#e6a4c7",
    "orange": "#f2b83d",
    "sky": "#8accf2",
    "yellow": "#f0e442",
    "black": "#ffffff",
}


class Mark(NamedTuple):
    """A piece of a line in an accent colour, underlined in that colour's pattern.

    Attributes
    ----------
    text : str
    color : str
        A key of `plots.ACCENTS`.
    strong : bool
        True writes it in bold.
    """

    text: str
    color: str
    strong: bool = False


class Explorer(widgets.VBox):
    """The frame of an explorer: title, parts, arithmetic, alert.

    Parameters
    ----------
    title : str
        One line above the parts.
    summary : str
        The text form, stable and at most 110 characters.
    parts : sequence of widgets
        What stands between the title and the arithmetic, one below the other.
    lines : int
        Lines of arithmetic that there is room for. The height is fixed, longer text scrolls.
    """

    def __init__(self, *, title, summary, parts, lines=4):
        if len(summary) > SUMMARY:
            raise ValueError(
                f"Explorer: summary must have at most {SUMMARY} characters; got {len(summary)}: {summary!r}"
            )
        self._summary = summary
        self._arithmetic_text = ""
        self._depth = 0
        self._failed = False
        self.last_error = None
        self.heading = widgets.HTML(f'{style_sheet()}<div class="bp-title">{html.escape(title)}</div>')
        self.arithmetic = widgets.HTML()
        self.arithmetic.add_class("bp-arithmetic")
        self.arithmetic.layout.height = f"{lines * LINE + 14}px"
        self.alert = widgets.HTML()
        super().__init__([self.heading, *parts, self.arithmetic, self.alert])
        self.layout.max_width = f"{MAX_WIDTH}px"
        self.add_class("bp-explorer")

    @property
    def arithmetic_text(self):
        """What is written out now, as plain text."""
        return self._arithmetic_text

    @property
    def alert_text(self):
        """The empty text, or what a callback raised, such as ``"ValueError: …"``."""
        if self.last_error is None:
            return ""
        return f"{type(self.last_error).__name__}: {self.last_error}"

    def write(self, *lines):
        """Write lines of arithmetic; each is a str, or a sequence of str and `Mark`."""
        text = "\n".join(plain(line) for line in lines)
        if text == self._arithmetic_text and self.arithmetic.value:
            return
        self._arithmetic_text = text
        # Long text scrolls: the keyboard can reach it, and there the arrows do not choose another cell.
        self.arithmetic.value = (
            '<div class="bp-lines" role="status" aria-live="polite" tabindex="0" '
            'data-lm-suppress-shortcuts="true">{}</div>'
        ).format("\n".join(marked(line) for line in lines))

    def fail(self, error):
        """Show an exception in the view."""
        self.last_error = error
        self._failed = True
        self.alert.value = f'<div class="bp-alert" role="alert">{html.escape(self.alert_text)}</div>'

    def recover(self):
        """Clear the alert."""
        self.last_error = None
        if self.alert.value:
            self.alert.value = ""

    def __repr__(self):
        return self._summary


def guarded(method):
    """Wrap a callback of an `Explorer`: what it raises is shown in the alert; the next success clears it.

    Callbacks that set traits call each other. The alert is cleared only when the outermost one ends and none
    inside it failed.
    """

    @functools.wraps(method)
    def call(self, *args, **options):
        if self._depth == 0:
            self._failed = False
        self._depth += 1
        try:
            return method(self, *args, **options)
        except Exception as error:
            self.fail(error)
            return None
        finally:
            self._depth -= 1
            if self._depth == 0 and not self._failed:
                self.recover()

    return call


def plain(line):
    """Return a line of arithmetic as text."""
    if isinstance(line, Mark):
        return line.text
    return line if isinstance(line, str) else "".join(plain(piece) for piece in line)


def marked(line):
    """Return a line of arithmetic as HTML."""
    if isinstance(line, Mark):
        weight = " bp-strong" if line.strong else ""
        return f'<span class="bp-{line.color}{weight}">{html.escape(line.text)}</span>'
    return html.escape(line) if isinstance(line, str) else "".join(marked(piece) for piece in line)


@functools.cache
def style_sheet():
    """Return the explorers' style element. It names only classes of its own."""
    inks = "\n".join(
        f".bp-explorer .bp-{name} {{ color: {ink}; text-decoration: underline {UNDERLINES[name]} 1.5px; "
        "text-underline-offset: 4px; }\n"
        f"body[data-jp-theme-light='false'] .bp-explorer .bp-{name},\n"
        f"body.vscode-dark .bp-explorer .bp-{name} "
        f"{{ color: {INKS_ON_DARK[name]}; }}"
        for name, ink in _style.INKS.items()
    )
    return f"""<style>
.bp-explorer {{ --bp-ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1a1a1a));
  --bp-soft: var(--jp-content-font-color2, var(--vscode-descriptionForeground, #595959));
  --bp-line: var(--jp-border-color2, var(--vscode-panel-border, #d4d4d4));
  --bp-ground: var(--jp-layout-color1, var(--vscode-editor-background, #ffffff));
  color: var(--bp-ink); padding: 4px 0 8px; }}
.bp-explorer .bp-title {{ font-size: 16px; font-weight: 600; line-height: 24px; color: var(--bp-ink); }}
.bp-explorer .bp-words {{ font-size: 14px; line-height: 20px; color: var(--bp-soft); }}
.bp-explorer .bp-sign {{ font-size: 22px; line-height: 24px; color: var(--bp-soft); }}
.bp-explorer .widget-label, .bp-explorer .widget-readout, .bp-explorer .widget-label-basic {{
  font-size: 14px; color: var(--bp-ink); }}
.bp-explorer .widget-toggle-button, .bp-explorer .widget-button {{ font-size: 14px; }}
.bp-explorer .widget-toggle-button.mod-active {{ font-weight: 600; }}
.bp-explorer .bp-controls {{ border-top: 1px solid var(--bp-line); border-bottom: 1px solid var(--bp-line);
  padding: 4px 0; margin: 4px 0; }}
.bp-arithmetic > .widget-html-content {{ width: 100%; height: 100%; }}
.bp-explorer .bp-lines {{ box-sizing: border-box; height: 100%; overflow: auto; padding: 6px 12px;
  border-left: 4px solid var(--bp-line); white-space: pre-wrap; color: var(--bp-ink);
  font: 15px/{LINE}px var(--jp-code-font-family, Menlo, Consolas, "DejaVu Sans Mono", monospace); }}
.bp-explorer .bp-strong {{ font-weight: 700; }}
.bp-explorer .bp-alert {{ padding: 6px 12px; border: 2px solid #b3261e; border-radius: 3px; font-size: 14px;
  line-height: 20px; color: #8c1d18; background: #fdecea; white-space: pre-wrap; }}
{inks}
</style>"""


def int_slider(description, value, low, high, *, hint="", width="270px", continuous=True, described="80px"):
    """Return an `IntSlider` from `low` to `high`, both included; disabled if they are equal."""
    slider = widgets.IntSlider(
        value=value,
        min=low,
        max=max(high, low),
        description=description,
        tooltip=hint or description,
        continuous_update=continuous,
        style={"description_width": described},
        layout={"width": width},
    )
    slider.disabled = low >= high
    return slider


def set_range(slider, low, high):
    """Give an `IntSlider` its legal range; a value outside moves to the nearest legal one."""
    with slider.hold_sync():
        if high >= slider.min:
            slider.max = high
            slider.min = low
        else:
            slider.min = low
            slider.max = high
        slider.disabled = low == high


def choice(description, options, value, *, hint="", width="200px", described="80px"):
    """Return a `Dropdown`."""
    return widgets.Dropdown(
        options=options,
        value=value,
        description=description,
        tooltip=hint or description,
        style={"description_width": described},
        layout={"width": width},
    )


def check(description, value=False, *, hint="", width="auto"):
    """Return a `Checkbox` without the indent."""
    return widgets.Checkbox(
        value=value,
        description=description,
        tooltip=hint or description,
        indent=False,
        layout={"width": width},
    )


def row(*parts, gap="16px", align="flex-start", wrap=True):
    """Return the parts side by side; those that do not fit go to the next line."""
    return widgets.HBox(
        list(parts),
        layout={"flex_flow": "row wrap" if wrap else "row", "align_items": align, "grid_gap": gap},
    )


def controls(*parts):
    """Return a row of controls between two hairlines."""
    box = row(*parts, gap="4px 18px", align="center")
    box.add_class("bp-controls")
    return box


def words(text="", *, kind="words"):
    """Return a small line of plain text (`kind` "words"), or a sign between matrices ("sign")."""
    return widgets.HTML(say(text, kind=kind))


def sign(text):
    """Return a sign between two matrices whose tops are level, about as high as their second row."""
    box = words(text, kind="sign")
    box.layout.margin = "70px 0 0 0"
    return box


def say(text, *, kind="words"):
    """Return the value that `words` would have: assign it to change the text."""
    return f'<div class="bp-{kind}">{html.escape(text)}</div>'
