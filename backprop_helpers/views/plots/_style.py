"""The one style of all figures: colours, sizes, the page, and the checks every function shares.

Sizes are in inches and depend on shapes and labels only, never on measured text, so that the size which a
notebook records for a figure (``<Figure size 748x264 with 3 Axes>``) is the same on every machine.
"""

import io
import math
import sys
import textwrap
from functools import wraps

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure as _Figure
from PIL import Image

DPI = 88
MAX_WIDTH = 9.8  # inches: a JupyterLab cell on a 1280-pixel window
MARGIN = 0.12
SMALL, NORMAL, LARGE = 8.5, 10, 12  # points; nothing is smaller than SMALLEST
SMALLEST = 8

INK = "#1a1a1a"
GREY = "#595959"
FRAME = "#8c8c8c"
HAIR = "#d4d4d4"
PALE = "#f3f3f3"

#: Okabe and Ito's colours, for lines and fills. Yellow, sky and orange are too pale for thin lines on white.
ACCENTS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
#: The same hues, darkened until text in them reads on white (contrast at least 4.5 : 1).
INKS = {
    "blue": "#00639B",
    "vermillion": "#AF4D00",
    "green": "#00755A",
    "purple": "#A0477B",
    "orange": "#8A5C00",
    "sky": "#1F6E9C",
    "yellow": "#6E6600",
    "black": "#000000",
}
#: Line styles in the order of use: two neighbours differ in colour, dash and marker.
LINES = [
    {"color": ACCENTS["blue"], "linestyle": "-", "marker": "o"},
    {"color": ACCENTS["vermillion"], "linestyle": (0, (5, 2)), "marker": "s"},
    {"color": INKS["green"], "linestyle": (0, (1.2, 1.4)), "marker": "^"},
    {"color": INKS["purple"], "linestyle": (0, (7, 2, 1.5, 2)), "marker": "D"},
    {"color": INKS["orange"], "linestyle": (0, (3, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#000000", "linestyle": (0, (10, 3)), "marker": "x"},
    {"color": INKS["sky"], "linestyle": (0, (4, 4)), "marker": "P"},
    {"color": INKS["yellow"], "linestyle": (0, (2, 4)), "marker": "*"},
    {"color": GREY, "linestyle": "-", "marker": "."},
]
#: Fill hatching in the order of use.
HATCHES = ["", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||"]

#: Pale to dark, lightness falling all the way: 0 is paper, much is ink. The interactive views use it too.
SEQUENTIAL = [
    "#fbfcf0",
    "#e3f2c0",
    "#b4dfa6",
    "#74c3a4",
    "#41a0a8",
    "#2f7a9c",
    "#33538a",
    "#35306f",
    "#2c1f5c",
]
#: Blue below zero, white at zero, red above.
DIVERGING = [
    "#174f87",
    "#3f7db5",
    "#6aa6cd",
    "#b5d5e7",
    "#ffffff",
    "#f9c4a9",
    "#e58368",
    "#c64a45",
    "#96202f",
]

MAPS = {
    "value": LinearSegmentedColormap.from_list("values", SEQUENTIAL).with_extremes(bad="#ffffff"),
    "gradient": LinearSegmentedColormap.from_list("gradients", DIVERGING).with_extremes(bad="#ffffff"),
    "digit": mpl.colormaps["gray_r"].with_extremes(bad="#ffffff"),
    "mask": LinearSegmentedColormap.from_list("mask", ["#ffffff", "#b9c4cf"]).with_extremes(bad="#ffffff"),
    "plain": LinearSegmentedColormap.from_list("plain", ["#ffffff", "#ffffff"]),
}
MAPS["weight"] = MAPS["gradient"]
KINDS = ("value", "gradient", "weight", "digit", "mask", "plain")

STYLE = {  # what differs from matplotlib's own
    "axes.titlesize": NORMAL,
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FRAME,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": FRAME,
    "ytick.color": FRAME,
    "xtick.labelcolor": GREY,
    "ytick.labelcolor": GREY,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "hatch.linewidth": 0.7,
    "image.interpolation": "nearest",
}
SHEETS = ["default", STYLE]  # the first takes back what the reader has set
CENTERED = {"ha": "center", "va": "center"}


class _Canvas(FigureCanvasAgg):
    """Draws as Agg does, and writes PNGs with 256 colours: half the size, no visible change."""

    def print_png(self, filename_or_obj, **options):
        FigureCanvasAgg.draw(self)
        picture = Image.fromarray(np.asarray(self.buffer_rgba())).convert("RGB")
        # MAXCOVERAGE keeps white exactly white and moves no channel by more than about 4 %.
        picture = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        picture.save(filename_or_obj, format="png", optimize=True, dpi=(self.figure.dpi,) * 2)


class Figure(_Figure):
    """A figure that a notebook shows once, with a description of what is in it.

    It is never registered with pyplot. Its text form is matplotlib's own, ``<Figure size 748x264 with 3
    Axes>``.

    Attributes
    ----------
    alt : str
        One sentence for readers who do not see the picture; if it is empty, the titles of the axes stand in.
        Notebooks keep it in the output's metadata, as ``{"image/png": {"alt": ...}}``.
    """

    alt = ""

    def png(self):
        """Return the picture as PNG bytes, trimmed to its content."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=self.dpi, bbox_inches="tight", pad_inches=0.08)
        return stream.getvalue()

    def _repr_png_(self):
        return self.png()

    def _repr_mimebundle_(self, include=None, exclude=None):
        titles = [ax.get_title() or ax.get_title("left") for ax in self.axes]
        alt = self.alt or "; ".join(title for title in titles if title)
        return {}, ({"image/png": {"alt": alt}} if alt else {})


def drawing(function):
    """Decorate a plot function: draw in our style, leave no global state and no open figure behind."""

    @wraps(function)
    def draw(*args, **kwargs):
        with mpl.style.context(SHEETS):
            figure = function(*args, **kwargs)
        pyplot = sys.modules.get("matplotlib.pyplot")  # only axes made by the caller can be registered there
        if pyplot is not None:
            pyplot.close(figure)
        return figure

    return draw


def page(width, height, alt=""):
    """Return an empty white figure of `width` × `height` inches."""
    pixels = (math.ceil(width * DPI), math.ceil(height * DPI))
    figure = Figure(figsize=(pixels[0] / DPI, pixels[1] / DPI), dpi=DPI, facecolor="white")
    _Canvas(figure)
    figure.alt = " ".join(alt.split())
    return figure


def panel(figure, left, top, width, height):
    """Add axes at `left`, `top` (inches from the top left corner of the page)."""
    page_width, page_height = figure.get_size_inches()
    return figure.add_axes(
        (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    )


def note(figure, left, top, text, **kwargs):
    """Write `text` at `left`, `top` inches from the top left corner of the page."""
    page_width, page_height = figure.get_size_inches()
    kwargs = {"fontsize": SMALL, "color": GREY, "ha": "left", "va": "top"} | kwargs
    return figure.text(left / page_width, 1 - top / page_height, text, **kwargs)


def canvas(figure):
    """Return axes over the whole page in inches, y downwards: a sheet to draw a diagram on."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.axis("off")
    return ax


def text_width(text, size=NORMAL):
    """Estimate, in inches, how wide the longest line of `text` is at `size` points."""
    return max((len(line) for line in str(text).split("\n")), default=0) * size * 0.6 / 72


def wrapped(text, width, size=NORMAL):
    """Break `text` into lines of at most `width` inches; existing line breaks stay."""
    characters = max(8, int(width * 72 / (size * 0.56)))
    return "\n".join(
        textwrap.fill(line, characters, break_long_words=False) for line in str(text).split("\n")
    )


def titled(width, height, title, *, above=0.0, least=0.0, most=6.0):
    """Return a page for a drawing of `width` × `height` inches, and where it begins: `above` below the title.

    A title asks for up to `most` inches of width; a longer one is broken into lines.
    """
    width = math.ceil(max(width, least, min(text_width(title, LARGE) + 0.3, most)) * DPI) / DPI
    words = wrapped(title, width - 2 * MARGIN, LARGE)
    head = (0.12 + 0.2 * (words.count("\n") + 1) if title else 0.0) + above
    figure = page(width, head + height)
    if title:
        note(figure, MARGIN, 0.06, words, fontsize=LARGE, color=INK)
    return figure, head


def remark(ax, text, at, shift, over="data", **look):
    """Write small words beside a point of the axes, `shift` = (right, up) in points from it."""
    look = {"fontsize": SMALL, "color": GREY} | look
    ax.annotate(text, at, xycoords=over, xytext=shift, textcoords="offset points", **look)


def panels(rows=1, columns=2, *, size=(2.6, 2.2), title=""):
    """Return an empty figure and its axes, for drawings of your own and for functions that take ``ax=``.

    There are `rows` × `columns` axes, an array of that shape, of `size` = (width, height) inches each. End
    the cell with the figure.
    """
    (wide, high), (gap_x, gap_y) = size, (0.65, 0.75)
    with mpl.style.context(SHEETS):
        width = 0.6 + columns * (wide + gap_x) - gap_x + 0.2
        figure, top = titled(width, rows * (high + gap_y), title, above=0.35)
        figure.alt = " ".join(title.split())
        for row, column in np.ndindex(rows, columns):
            panel(figure, 0.6 + column * (wide + gap_x), top + row * (high + gap_y), wide, high)
    return figure, np.array(figure.axes, dtype=object).reshape(rows, columns)


# Colour -------------------------------------------------------------------------------------------------


def luminance(color):
    """Return the relative luminance of a colour, 0 (black) to 1 (white), as WCAG 2 defines it."""
    channels = np.asarray(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def text_color(background):
    """Return black or white, whichever reads better on `background`; its contrast is above 4.5 : 1."""
    return "#000000" if luminance(background) > 0.179 else "#ffffff"


def tint(color, amount=0.6):
    """Mix `color` with white; `amount` = 1 is white."""
    return tuple(amount + (1 - amount) * channel for channel in to_rgb(color))


def limits(values, kind):
    """Return (low, high) of the colour scale for `values` of a `kind`.

    Gradients and weights: symmetric about 0. Values and digits: from 0, or from the smallest when that is
    negative.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if kind in ("gradient", "weight"):
        bound = max(abs(low), abs(high)) or 1.0
        return -bound, bound
    if kind in ("mask", "plain"):
        return 0.0, 1.0
    if kind == "digit" and low >= 0:
        high = max(1.0, high)
    low = min(low, 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def norm(values, kind):
    """Return the matplotlib normalisation for `values` of a `kind`."""
    return Normalize(*limits(values, kind))


# Numbers ------------------------------------------------------------------------------------------------


def number(value, decimals=None):
    """Write one number as the figures do: a true minus sign, integers without a point, ``NaN``, ``∞``."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        text = f"{value:.3g}"
        if "e" in text:
            mantissa, exponent = text.split("e")
            text = mantissa + raised(int(exponent))
    else:
        text = f"{value:.{decimals}f}"
    if float(text.split("×")[0]) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def decimals_for(values, most=3):
    """Return how many decimals, up to `most`, show `values` exactly; two when none do."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    for count in range(most + 1):
        if np.allclose(finite, np.round(finite, count), rtol=0, atol=1e-12):
            return count
    return 2


def power_of_ten(values):
    """Return the exponent to take out of `values`: 0 unless all are tiny or some are huge."""
    finite = np.abs(np.asarray(values, dtype=float))
    finite = finite[np.isfinite(finite)]
    largest = finite.max() if finite.size else 0.0
    rough = not np.allclose(finite, np.round(finite, 3), rtol=0, atol=1e-12)
    if largest and (
        (largest < 0.1 and rough) or (largest >= 1e4 and not np.allclose(finite, np.round(finite)))
    ):
        return math.floor(math.log10(largest))
    return 0


def raised(exponent):
    """Write a power of ten, e.g. ``×10⁻³``."""
    return "×10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def written(values, decimals=None):
    """Write every entry of an array with the same number of decimals; returns an object array of strings."""
    values = np.asarray(values)
    decimals = decimals_for(values) if decimals is None else decimals
    out = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        out[index] = "0" if value == 0 else number(value, decimals)
    return out


# Checks -------------------------------------------------------------------------------------------------


def as_array(values, name, function, ndim, axes, finite=False):
    """Return `values` as an array of one of the ranks `ndim`, or say which argument is wrong and how.

    Complex and object arrays, empty arrays and, with `finite`, NaN and infinity are refused.
    """
    array = np.asarray(values)
    ranks = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{function}: {name} must hold real numbers; its dtype is {array.dtype}")
    if array.ndim not in ranks:
        raise ValueError(f"{function}: {name} must be {axes}; its shape is {array.shape}")
    if array.size == 0:
        raise ValueError(f"{function}: {name} is empty; its shape is {array.shape}")
    if finite and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{function}: {name} must be finite; {name}[{', '.join(map(str, where))}] is {array[where]}"
        )
    return array


def as_kind(kind, function):
    """Return `kind` if it is one of `KINDS`, else raise."""
    if kind not in KINDS:
        raise ValueError(f"{function}: kind must be one of {', '.join(KINDS)}; it is {kind!r}")
    return kind


def at_most(count, most, name, function, hint=""):
    """Refuse more than `most` panels."""
    if count > most:
        raise ValueError(f"{function}: {name} asks for {count} panels, at most {most} can be read{hint}")


def same_length(values, count, name, function):
    """Return `values` as a list of `count` entries; ``None`` gives a list of ``None``."""
    if values is None:
        return [None] * count
    values = list(values)
    if len(values) != count:
        raise ValueError(f"{function}: {name} must have {count} entries; it has {len(values)}")
    return values
