"""Figures: what they hold is what they were given, and it can be read."""

import ast
import base64
import inspect
import io
import itertools
import json
import math
import re
import sys
from types import SimpleNamespace

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from backprop_helpers.layers import conv_forward, pool_backward, pool_forward
from backprop_helpers.layers._windows import place_windows
from backprop_helpers.training import preprocess_digit
from backprop_helpers.views import plots
from backprop_helpers.views.plots import _style as style
from backprop_helpers.views.plots._cells import as_cells, outline_of
from backprop_helpers.views.plots.graph import columns_of
from backprop_helpers.views.plots.windows import products
from tests.views.test_contrast import contrast

RNG = np.random.default_rng(7)
X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W = np.array([[1, 2], [3, -1]])
DZ = np.array([[1, -2], [3, 2]])
Z = np.array([[2, 17], [22, 7]])
DX = np.array([[1, 0, -4], [6, 1, 6], [9, 3, -2]])
GRID = np.linspace(-2, 2, 41)
STEPS = 10.0 ** -np.arange(1, 13)
ACROSS = np.arange(28) / 27
IMAGES = np.stack(
    [np.exp(-40 * ((ACROSS - 0.3 - 0.1 * n) ** 2 + (ACROSS[:, None] - 0.5) ** 2)) for n in range(6)]
)[..., None]
MAPS = {
    "input": IMAGES[:2],
    "conv1": RNG.normal(size=(2, 28, 28, 8)),
    "pool2": RNG.random((2, 7, 7, 16)),
    "flatten": RNG.random((2, 784)),
    "fc2": RNG.normal(size=(2, 10)),
}
GRADIENTS = {name: RNG.normal(size=a.shape) for name, a in MAPS.items()}
TOEPLITZ = np.array([[1, 2, 0, 3, -1, 0, 0, 0, 0], [0, 1, 2, 0, 3, -1, 0, 0, 0]])
HISTORY = SimpleNamespace(
    loss=2.3 * np.exp(-np.arange(200) / 40),
    accuracy=1 - 0.9 * np.exp(-np.arange(200) / 40),
    rate=np.linspace(0.1, 0, 200),
    epochs=[SimpleNamespace(validation_accuracy=value) for value in (0.97, 0.98)],
    interrupted=False,
)
DRAWING = np.zeros((30, 40))
DRAWING[5:25, 20:23] = DRAWING[22:25, 20:32] = 1
NODES = {
    "x": ("x", -2, -4),
    "y": ("y", 5, -4),
    "z": ("z", -4, 3),
    "q": ("q = x + y", 3, -4),
    "f": ("f = q · z", -12, 1),
}
EDGES = [("x", "q"), ("y", "q"), ("q", "f"), ("z", "f")]


def touch(**chosen):
    return plots.touches(np.ones((5, 5)), np.ones((3, 3)), **chosen)


# name of the function (and a variant) → the call, the number of axes and of images
EXAMPLES = {
    "digit_steps": (lambda: plots.digit_steps(preprocess_digit(DRAWING)), 4, 4),
    "matrices large": (lambda: plots.matrices([IMAGES[0, :, :, 0]], ["Ink"]), 2, 2),
    "matrices tiny": (lambda: plots.matrices([DX * 1.234567e-4], ["dX in units"], kinds="gradient"), 1, 1),
    "matrices broken": (lambda: plots.matrices([[[1.5, np.nan], [np.inf, -np.inf]]], ["overflow"]), 1, 1),
    "matrices": (
        lambda: plots.matrices(
            [X, W, [[1]], Z],
            ["X", "W", "b", "Z"],
            kinds=["value", "weight", "weight", "value"],
            signs=["⊛", "+", "="],
            title="A convolution with a bias",
        ),
        4,
        4,
    ),
    "matrices digit": (
        lambda: plots.matrices(
            [IMAGES[0, :, :, 0], RNG.normal(size=(5, 5)), MAPS["conv1"][0, :, :, 0]],
            ["digit", "filter", "map"],
            kinds=["digit", "weight", "value"],
            signs=["⊛", "="],
        ),
        4,
        4,
    ),
    "matrices indexed": (
        lambda: plots.matrices(
            [np.pad(DZ, 1), W[::-1, ::-1], DX],
            ["dZ, padded by one", "W turned by 180°", "dX"],
            kinds="gradient",
            signs=["⊛", "="],
            indices=True,
            highlights=[[(0, 0), (0, 1)], None, [(0, 0)]],
        ),
        3,
        3,
    ),
    "sparse_matrix": (
        lambda: plots.sparse_matrix(
            TOEPLITZ, title="Toeplitz", row_labels=["Z[0]", "Z[1]"], col_labels=[f"X[{i}]" for i in range(9)]
        ),
        1,
        1,
    ),
    "maps": (lambda: plots.maps(MAPS["conv1"][0], title="Eight maps"), 9, 9),
    "maps signs": (lambda: plots.maps(W, kind="weight", signs=True), 2, 2),
    "maps gradient": (lambda: plots.maps(MAPS["conv1"][:1], kind="gradient"), 9, 9),
    "maps_and_gradients": (lambda: plots.maps_and_gradients(MAPS, GRADIENTS, title="There and back"), 12, 12),
    "maps_and_gradients few": (
        lambda: plots.maps_and_gradients(
            *({"input": of["input"], "conv1": of["conv1"][..., :6]} for of in (MAPS, GRADIENTS))
        ),
        6,
        6,
    ),
    "digits": (lambda: plots.digits(IMAGES, range(6), [0, 1, 2, 3, 4, 9], title="Six digits"), 6, 6),
    "saliency": (lambda: plots.saliency(IMAGES[:3], IMAGES[:3] - 0.5, range(3), title="dX of digits"), 7, 7),
    "graph": (lambda: plots.graph(NODES, EDGES, title="A small graph"), 1, 0),
    "windows": (lambda: plots.windows(X, W, positions=[(0, 0), (1, 1)], bias=1, title="Two windows"), 2, 2),
    "windows general": (
        lambda: plots.windows(
            np.ones((6, 7)), np.ones((3, 3)), positions=[(0, 0), (1, 2), (2, 3)], stride=2, padding=1
        ),
        2,
        2,
    ),
    "touches": (lambda: touch(pixel=(2, 2), title="What does a pixel touch?"), 3, 3),
    "touches numbers": (lambda: plots.touches(X, W, weight=(0, 1)), 3, 3),
    "touches output": (lambda: touch(output=(1, 2), padding=1, stride=2), 3, 3),
    "tied_neurons": (lambda: plots.tied_neurons(6, 3, title="Six inputs, three weights"), 1, 0),
    "tied_neurons general": (lambda: plots.tied_neurons(7, 3, stride=2, dilation=2), 1, 0),
    "routing": (lambda: plots.routing(np.arange(16).reshape(4, 4) % 7, DZ, title="Max pooling"), 3, 3),
    "routing overlapping": (
        lambda: plots.routing(np.arange(25).reshape(5, 5) * 3 % 11, DZ, size=3, stride=2),
        3,
        3,
    ),
    "routing average": (lambda: plots.routing(np.arange(25).reshape(5, 5), DZ * 4, mode="average"), 3, 3),
    "shapes_chain": (
        lambda: plots.shapes_chain(
            [("input", (28, 28, 1)), ("conv1", (28, 28, 8), "208 parameters"), *[("relu", (28, 28, 8))] * 6]
        ),
        1,
        0,
    ),
    "tensor_blocks": (lambda: plots.tensor_blocks(6, 3, title="Six filters on RGB"), 1, 0),
    "function": (
        lambda: plots.function(
            GRID,
            {"ReLU": np.maximum(GRID, 0), "derivative": np.where(GRID == 0, np.nan, GRID > 0)},
            dots=[(0, 0, "closed"), (0, 1, "open")],
            title="ReLU",
            xlabel="z",
        ),
        1,
        0,
    ),
    "v_curve": (
        lambda: plots.v_curve(
            STEPS,
            {"central": STEPS**2 + 1e-16 / STEPS, "complex step": np.where(STEPS < 1e-7, 0, STEPS**2)},
            mark=1e-5,
            title="The V",
        ),
        1,
        0,
    ),
    "bars": (
        lambda: plots.bars([0.1, 0.7, 0.2], 2, title="Push and pull"),
        1,
        0,
    ),
    "nudge": (lambda: plots.nudge([2, 17, 22], [2, 18, 20], labels="abc", title="A nudge"), 1, 0),
    "histograms": (lambda: plots.histograms(GRADIENTS, kind="gradient", title="Gradients"), 5, 0),
    "stacked_bars": (
        lambda: plots.stacked_bars(
            {"conv1": {"forward": 0.31, "dW": 0.31}, "conv2": {"forward": 1.25, "dW": 1.25, "dX": 1.25}},
            unit="million FLOPs",
            title="Costs",
        ),
        1,
        0,
    ),
    "training_history": (lambda: plots.training_history(HISTORY, title="A run"), 3, 0),
    "losses": (
        lambda: plots.losses({"one": HISTORY.loss, "other": HISTORY.loss / 2}, title="Two runs"),
        1,
        0,
    ),
    "confusion_matrix": (
        lambda: plots.confusion_matrix(np.diag([90, 80, 70]) + 1, title="Three classes"),
        1,
        1,
    ),
}


class DrawnOnce(dict):
    """The examples' figures, each drawn when it is first asked for."""

    def __missing__(self, name):
        self[name] = EXAMPLES[name][0]()
        return self[name]


@pytest.fixture(scope="module")
def figures():
    return DrawnOnce()


def words(figure):
    """Every visible text of a figure, with its axes (None for the page)."""
    found = [(None, text) for text in figure.texts]
    for ax in figure.axes:
        found += [(ax, text) for text in ax.texts]
        if ax.axison:
            labels = [
                tick.label2 if tick.label2.get_visible() else tick.label1
                for axis in (ax.xaxis, ax.yaxis)
                for tick in axis.get_major_ticks()
                if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
            ]
            titles = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
            legend = ax.get_legend().get_texts() if ax.get_legend() else []
            found += [(ax, text) for text in [*labels, *titles, *legend]]
    return [(ax, text) for ax, text in found if text.get_text().strip() and text.get_visible()]


def numbers_in(ax):
    """The numbers written in a grid's cells, by (row, column)."""
    cells = {}
    for text in ax.texts:
        column, row = text.get_position()
        if text.get_ha() == "center" and text.get_transform() == ax.transData and float(row).is_integer():
            cells[int(row), int(column)] = text.get_text()
    return cells


def as_float(text):
    return float(text.replace("−", "-").replace("∞", "inf"))


def test_the_steps_of_a_photograph():
    photograph = np.round(180 - 150 * DRAWING.astype(float)).astype(np.uint8)
    steps = preprocess_digit(photograph)
    figure = plots.digit_steps(steps)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), 1 - photograph / 255, atol=1e-6)
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), steps.drawing)
    assert len(figure.axes) == 6
    assert figure.axes[5].lines  # the cross


def test_the_steps_of_a_drawing():
    steps = preprocess_digit(DRAWING)
    figure = plots.digit_steps(steps)
    for ax, picture in zip(figure.axes, (steps.drawing, steps.cropped, steps.scaled, steps.placed)):
        np.testing.assert_array_equal(ax.images[0].get_array(), picture)
    frames = [p for ax in (figure.axes[0], figure.axes[3]) for p in ax.patches if isinstance(p, Rectangle)]
    assert [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in frames] == [
        (19.5, 4.5, 12, 20),
        (steps.corner[1] - 0.5, steps.corner[0] - 0.5, 12, 20),
    ]
    cross = figure.axes[3].lines[0]
    assert abs(cross.get_xdata()[0] - 14) <= 0.5
    assert abs(cross.get_ydata()[0] - 14) <= 0.5
    assert "20×12" in figure.alt
    with pytest.raises(TypeError, match="digit_steps: steps must be what preprocess_digit returns; got int"):
        plots.digit_steps(3)


# What holds for every figure ----------------------------------------------------------------------------


def test_every_function_has_an_example():
    functions = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))} - {"panels"}
    assert functions == {name.split()[0] for name in EXAMPLES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_returns_one_figure_with_its_axes_and_images(figures, name):
    figure, (_, axes, images) = figures[name], EXAMPLES[name]
    assert type(figure) is plots.Figure
    assert (len(figure.axes), sum(len(ax.images) for ax in figure.axes)) == (axes, images)
    width, height = figure.get_size_inches()
    assert width <= 10
    assert height <= 10
    assert repr(figure) == f"<Figure size {round(width * 88)}x{round(height * 88)} with {axes} Axes>"


def test_nothing_stays_open_and_no_setting_changes(figures):
    mpl.rcdefaults()
    before = dict(mpl.rcParams)
    plots.matrices([X])
    figure, ax = plt.subplots()
    assert plots.function(GRID, {"x": GRID}, ax=ax) is figure
    plots.panels(1, 2)
    with pytest.raises(ValueError):
        plots.matrices([np.zeros((2, 2, 2))])
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_the_readers_style_does_not_leak_in():
    plain = plots.losses({"one": [2.0, 1.0]}, title="A run").png()
    loud = {"font.weight": "bold", "axes.facecolor": "black", "xtick.direction": "in", "lines.marker": "o"}
    with mpl.rc_context(loud):
        assert plots.losses({"one": [2.0, 1.0]}, title="A run").png() == plain


def ground_of(ax, text):
    """The colour under a text: its own box, a filled patch, the cell of a heat map, or the page."""
    if text.get_bbox_patch() is not None:
        return text.get_bbox_patch().get_facecolor()
    if ax is None or text not in ax.texts or text.get_transform() != ax.transData:
        return "white"
    point = ax.transData.transform(text.get_position())
    patches = [p for p in ax.patches if p.get_fill() and p.contains_point(point)]
    if patches:
        return max(patches, key=lambda patch: patch.get_zorder()).get_facecolor()
    if not ax.images:
        return "white"
    image, (column, row) = ax.images[0], text.get_position()
    value = np.ma.getdata(image.get_array())[round(row), round(column)]
    return value if np.ndim(value) else image.cmap(image.norm(value))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_text_is_large_enough_and_reads_on_its_ground(figures, name):
    for ax, text in words(figures[name]):
        assert text.get_fontsize() >= 8, text.get_text()
        assert contrast(text.get_color(), ground_of(ax, text)) >= 4.5, text.get_text()


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_two_texts_overlap_and_none_leaves_the_page(figures, name):
    figure = figures[name]
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for _, text in words(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert -12 <= box.x0, text
        assert box.x1 <= width + 12, text
        assert -12 <= box.y0, text
        assert box.y1 <= height + 12, text
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1.5 or down <= 2.5, (first, second)


@pytest.mark.parametrize("name", EXAMPLES)
def test_describes_itself_in_words(figures, name):
    alt = figures[name].alt
    assert len(alt) > 10
    assert alt == " ".join(alt.split())
    assert figures[name]._repr_mimebundle_() == ({}, {"image/png": {"alt": alt}})


@pytest.mark.parametrize("name", ["matrices", "maps_and_gradients", "saliency"])
def test_pictures_are_small_and_the_same_each_time(figures, name):
    picture = figures[name].png()
    assert len(picture) < 60_000
    assert figures[name].png() == picture
    image = Image.open(io.BytesIO(picture))
    assert image.mode == "P"
    assert image.width <= 880
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("name", sorted({name.split()[0] for name in EXAMPLES} | {"panels"}))
def test_is_documented(name):
    text = inspect.getdoc(getattr(plots, name))
    assert name == "panels" or "What the reader sees: " in text
    for parameter in set(inspect.signature(getattr(plots, name)).parameters) - {"title"}:
        assert re.search(rf"`{parameter}`|(- |, ){parameter}[,:]", text), parameter


# Colours ------------------------------------------------------------------------------------------------


def test_inks_read_on_white_and_lines_can_be_told_apart():
    assert set(plots.INKS) == set(plots.ACCENTS)
    assert all(contrast(color, "white") >= 4.5 for color in [*plots.INKS.values(), style.INK, style.GREY])
    assert all(contrast(look["color"], "white") >= 3 for look in style.LINES)
    assert len({str(look["linestyle"]) for look in style.LINES[:8]}) == 8
    assert len({look["marker"] for look in style.LINES}) == len(style.LINES)


def test_contrast_is_the_published_measure():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the textbook near miss


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_black_or_white_always_reads(color):
    assert contrast(style.text_color(color), color) >= 4.5


def test_values_darken_and_gradients_are_balanced_about_white():
    lightness = [style.luminance(style.MAPS["value"](t)) for t in np.linspace(0, 1, 256)]
    assert np.all(np.diff(lightness) < 0)
    zero = style.MAPS["gradient"](style.norm([-3, 1], "gradient")(0.0))
    assert style.luminance(zero) > 0.97
    blue, red = style.MAPS["gradient"](0.0), style.MAPS["gradient"](1.0)
    assert blue[2] > blue[0]
    assert red[0] > red[2]


@pytest.mark.parametrize("kind", ["gradient", "weight"])
@pytest.mark.parametrize("values", [[-3.0, 1.0], [2.0, 5.0], [-1e-9, 0.0], [0.0, 0.0]])
def test_limits_of_gradients_are_symmetric(kind, values):
    low, high = style.limits(values, kind)
    assert low == -high
    assert high >= max(map(abs, values))
    assert high > 0


def test_limits_of_values_start_at_zero_and_survive_what_is_not_a_number():
    assert style.limits([2.0, 5.0], "value") == (0, 5)
    assert style.limits([-2.0, 5.0], "value") == (-2, 5)
    assert style.limits([0.2, 0.4], "digit") == (0, 1)
    assert style.limits([np.nan, np.inf], "value") == (0, 1)


def test_panels_of_one_kind_share_a_scale():
    figure = plots.maps(MAPS["conv1"][0], kind="gradient")
    bound = np.abs(MAPS["conv1"][0]).max()
    assert {ax.images[0].get_clim() for ax in figure.axes[:8]} == {(-bound, bound)}
    figure = plots.maps(MAPS["conv1"][0])
    assert {ax.images[0].get_clim() for ax in figure.axes[:8]} == {
        (MAPS["conv1"][0].min(), MAPS["conv1"][0].max())
    }
    figure = plots.matrices([X, X - 2, W], kinds=["value", "value", "weight"], share=True)
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(-2, 6), (-2, 6), (-3, 3)]
    figure = plots.matrices([X, X - 2])
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(0, 6), (-2, 4)]


def test_the_colour_scale_below_says_its_ends(figures):
    labels = [tick.label1 for tick in figures["maps gradient"].axes[-1].xaxis.get_major_ticks()]
    bound = np.abs(MAPS["conv1"][0]).max()
    assert [as_float(label.get_text()) for label in labels] == pytest.approx([-bound, 0, bound], rel=0.05)
    assert [label.get_ha() for label in labels] == ["left", "center", "right"]


# Numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (3, None, "3"),
        (-2.5, None, "−2.5"),
        (1e-7, None, "1×10⁻⁷"),
        (-0.004, 2, "0.00"),
        (np.nan, None, "NaN"),
        (-np.inf, None, "−∞"),
    ],
)
def test_one_number(value, decimals, text):
    assert style.number(value, decimals) == text


@pytest.mark.parametrize("a", [X, DX, W * 0.5, np.array([[0.25, -1.125]]), X > 1, DX.astype(float)])
def test_numbers_in_the_cells_are_the_matrix(a):
    cells = numbers_in(plots.matrices([a]).axes[0])
    assert {cell: as_float(text) for cell, text in cells.items()} == {
        cell: float(value) for cell, value in np.ndenumerate(a)
    }


def test_integers_are_written_as_integers():
    assert numbers_in(plots.matrices([DX.astype(float)]).axes[0])[0, 2] == "−4"
    assert numbers_in(plots.matrices([W * 0.5]).axes[0])[0, 0] == "0.5"


@settings(max_examples=15)
@given(st.integers(1, 5), st.integers(1, 5), st.floats(1e-6, 1e6), st.integers(0, 2**31 - 1))
def test_rounded_numbers_are_near_and_none_reads_zero_for_all(rows, columns, size, seed):
    a = np.random.default_rng(seed).normal(size=(rows, columns)) * size
    ax = plots.matrices([a]).axes[0]
    cells = numbers_in(ax)
    factor = 10.0 ** style.power_of_ten(a)
    assert len(cells) in (0, a.size)
    for cell, text in cells.items():
        assert as_float(text) * factor == pytest.approx(a[cell], abs=0.5001 * factor)
    if cells:
        assert any(as_float(text) for text in cells.values())
        marked = [t.get_text() for t in ax.texts if t.get_text().startswith("all ×10")]
        assert bool(marked) == (factor != 1)


def test_numbers_that_do_not_fit_are_left_out():
    wide = RNG.integers(100_000, 999_999, (3, 26))
    assert not numbers_in(plots.matrices([wide]).axes[0])
    assert not numbers_in(plots.matrices([X], numbers=False).axes[0])


def test_what_is_not_a_number_is_hatched_and_written():
    ax = plots.matrices([[[1.5, np.nan], [np.inf, -2.0]]]).axes[0]
    assert numbers_in(ax) == {(0, 0): "1.5", (0, 1): "NaN", (1, 0): "∞", (1, 1): "−2.0"}
    assert sorted(patch.get_xy() for patch in ax.patches if patch.get_hatch()) == [(-0.5, 0.5), (0.5, -0.5)]


def test_an_equation_shows_its_numbers_and_signs(figures):
    figure = figures["matrices"]
    for ax, a in zip(figure.axes, [X, W, np.array([[1]]), Z]):
        assert {c: as_float(t) for c, t in numbers_in(ax).items()} == dict(np.ndenumerate(a.astype(float)))
    assert [t.get_text() for t in figure.texts if len(t.get_text()) == 1] == ["⊛", "+", "="]


def test_highlights_outline_regions():
    mask = as_cells([(0, 0), (0, 1), (1, 0)], (2, 2), "highlight", "matrices")
    outline = outline_of(mask)
    assert sum(abs(b[0] - a[0]) + abs(b[1] - a[1]) for a, b in outline) == 8  # an L of three cells
    assert np.array_equal(as_cells(mask, (2, 2), "h", "f"), mask)


def test_sparse_matrix_shows_which_weight_stands_where():
    figure = plots.sparse_matrix(TOEPLITZ)
    colors = figure.axes[0].images[0].get_array()
    assert np.array_equal(colors[0, 0], colors[1, 1])
    assert not np.array_equal(colors[0, 0], colors[0, 1])
    assert np.array_equal(colors[0, 2], [1, 1, 1])
    assert {c: as_float(t) for c, t in numbers_in(figure.axes[0]).items()} == {
        c: v for c, v in np.ndenumerate(TOEPLITZ) if v
    }
    identity = np.where(TOEPLITZ == 0, -1, TOEPLITZ % 4)
    named = plots.sparse_matrix(TOEPLITZ * 0, identity, names=["a", "b", "c", "d"])
    assert numbers_in(named.axes[0])[0, 0] == "b"


def test_images_hold_the_data(figures):
    for k, ax in enumerate(figures["maps"].axes[:8]):
        np.testing.assert_array_equal(ax.images[0].get_array(), MAPS["conv1"][0, :, :, k])
    first = figures["maps_and_gradients"].axes
    np.testing.assert_array_equal(first[0].images[0].get_array(), MAPS["input"][0, :, :, 0])
    np.testing.assert_array_equal(first[1].images[0].get_array(), GRADIENTS["input"][0, :, :, 0])
    tiles = first[3].images[0].get_array()
    np.testing.assert_array_equal(tiles[:, :28], GRADIENTS["conv1"][0, :, :, 0])
    np.testing.assert_array_equal(tiles[:, -28:], GRADIENTS["conv1"][0, :, :, 7])
    folded = np.ma.getdata(figures["maps_and_gradients few"].axes[2].images[0].get_array())
    np.testing.assert_array_equal(folded[:28, :28], MAPS["conv1"][0, :, :, 0])
    np.testing.assert_array_equal(folded[-28:, 30:58], MAPS["conv1"][0, :, :, 5])
    assert np.isnan(folded[-28:, 60:]).all()
    strip = np.ma.getdata(first[6].images[0].get_array()).ravel()
    np.testing.assert_array_equal(strip[~np.isnan(strip)], MAPS["flatten"][0])


def test_wrong_predictions_are_said_in_words(figures):
    figure = figures["digits"]
    assert [ax.get_title() for ax in figure.axes] == ["0 ✓", "1 ✓", "2 ✓", "3 ✓", "4 ✓", "9, not 5 ✗"]


def test_signs_mark_what_is_below_zero():
    lines = plots.maps(W, kind="weight", signs=True).axes[0].lines
    assert [(line.get_ydata()[0], line.get_xdata()[0]) for line in lines] == [(1, 1)]
    assert not plots.maps(W, kind="weight").axes[0].lines


# Windows ------------------------------------------------------------------------------------------------


def test_windows_compute_the_output_the_layer_computes(figures):
    output = numbers_in(figures["windows"].axes[1])
    assert {c: as_float(t) for c, t in output.items()} == dict(np.ndenumerate(Z))


@given(
    st.tuples(*[st.integers(5, 7)] * 2),
    st.tuples(*[st.integers(1, 3)] * 2),
    st.tuples(*[st.integers(1, 3)] * 2),
    st.one_of(st.sampled_from(["same", "valid"]), st.integers(0, 2), st.tuples(*[st.integers(0, 2)] * 2)),
    st.integers(1, 2),
)
def test_the_products_drawn_are_those_of_the_layer(image, kernel, stride, padding, dilation):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (1, *image, 1)), rng.integers(-9, 9, (*kernel, 1, 1))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    z, _ = conv_forward(x, w, np.zeros(1, int), **options)
    drawn = np.zeros(z.shape[1:3], int)
    for pixel, weight, output in products(place_windows("f", image, kernel, **options), image):
        drawn[output] += x[0, *pixel, 0] * w[*weight, 0, 0]
    np.testing.assert_array_equal(drawn, z[0, :, :, 0])


def test_touches_counts_the_products():
    def count(**chosen):
        return int(touch(**chosen).texts[-1].get_text().split("in ")[1].split()[0])

    assert [count(pixel=pixel) for pixel in [(0, 0), (0, 1), (1, 1), (4, 2), (2, 2)]] == [1, 2, 4, 3, 9]
    assert count(weight=(1, 2)) == 9
    assert count(output=(0, 0)) == 9


def test_touches_numbers_join_the_cells_of_one_product():
    of_weights, of_outputs = (
        {
            tuple(map(math.ceil, text.get_position()[::-1])): text.get_text()
            for text in ax.texts
            if text.get_bbox_patch()
        }
        for ax in touch(pixel=(2, 2)).axes[1:]
    )
    for (u, v), number in of_weights.items():
        assert of_outputs[2 - u, 2 - v] == number
    assert len(of_weights) == len(set(of_weights.values())) == 9


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 1)])
@pytest.mark.parametrize("mode", ["max", "average"])
def test_routing_sends_what_the_layer_sends(size, stride, mode):
    x = np.random.default_rng(3).integers(0, 4, (5, 5))  # ties on purpose
    z, cache = pool_forward(x[None, :, :, None].astype(float), size=size, stride=stride, mode=mode)
    dz = np.arange(1.0, z.size + 1).reshape(z.shape)
    dx = pool_backward(dz, cache)[0, :, :, 0]
    figure = plots.routing(x, dz[0, :, :, 0], size=size, stride=stride, mode=mode)
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), dx)


def test_routing_hatches_what_no_window_reaches(figures):
    def hatched(name):
        return {p.get_xy() for p in figures[name].axes[2].patches if p.get_hatch()}

    edge = {(i - 0.5, 3.5) for i in range(5)} | {(3.5, i - 0.5) for i in range(5)}
    assert hatched("routing average") == edge
    assert hatched("routing") == set()


def test_tied_neurons_draw_one_edge_for_each_product():
    ax = plots.tied_neurons(6, 3).axes[0]
    looks = [line.get_color() for line in ax.lines if len(line.get_xdata()) == 2]
    assert len(looks) == 12 + 3  # edges and the key
    assert {looks.count(color) for color in set(looks)} == {5}


# Graph --------------------------------------------------------------------------------------------------


def test_graph_flows_to_the_right_and_shows_values_and_gradients(figures):
    ax = figures["graph"].axes[0]
    at = {text.get_text(): text.get_position() for text in ax.texts}
    assert at["x"][0] < at["q = x + y"][0] < at["f = q · z"][0]
    assert at["z"][0] == at["q = x + y"][0]  # an input stands right before its reader
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("∂ −4") == 3
    assert "−12" in texts
    assert at["−12"][1] < at["f = q · z"][1] < at["∂ 1"][1]  # y grows downwards


def test_an_arrow_rises_over_a_box_in_its_way():
    """Else a → c, which runs behind b, reads as b → c."""
    ax = plots.graph({name: (name, 1, None) for name in "abc"}, [("a", "b"), ("b", "c"), ("a", "c")]).axes[0]
    boxes = [p for p in ax.patches if type(p).__name__ == "FancyBboxPatch"]
    *_, over = [p for p in ax.patches if type(p).__name__ == "FancyArrowPatch"]
    top = min(box.get_y() for box in boxes)
    assert over.get_path().vertices[:, 1].min() < top - 0.3
    straight, *_ = [p for p in ax.patches if type(p).__name__ == "FancyArrowPatch"]
    assert straight.get_path().vertices[:, 1].min() > top


def test_graph_columns_never_go_back():
    names = list("abcdef")
    edges = [("a", "c"), ("b", "c"), ("c", "d"), ("a", "d"), ("d", "f"), ("e", "f")]
    column, *_ = columns_of(names, edges)
    assert all(column[start] < column[end] for start, end in edges)
    assert column["e"] == column["f"] - 1


# Curves and bars ----------------------------------------------------------------------------------------


def test_function_draws_the_curve_and_its_dots(figures):
    lines = figures["function"].axes[0].lines
    np.testing.assert_array_equal(
        next(line for line in lines if line.get_label() == "ReLU").get_ydata(), np.maximum(GRID, 0)
    )
    dots = {line.get_markerfacecolor() for line in lines if line.get_marker() == "o"}
    assert dots == {"white", style.INK}


def test_v_curve_shows_exact_zeros_on_a_floor(figures):
    ax = figures["v_curve"].axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "exact" in [text.get_text() for text in ax.texts]
    line = next(line for line in ax.lines if line.get_label() == "complex step")
    floor = min(line.get_ydata())
    assert 0 < floor < 1e-13
    assert (np.asarray(line.get_ydata()) == floor).sum() == (STEPS < 1e-7).sum()


def test_bars_push_from_the_probability_to_the_target(figures):
    ax = figures["bars"].axes[0]
    assert [bar.get_height() for bar in ax.patches[:3]] == [0.1, 0.7, 0.2]
    arrows = {text.xyann: text.xy for text in ax.texts if getattr(text, "arrow_patch", None)}
    assert arrows == {(0, 0.1): (0, 0), (1, 0.7): (1, 0), (2, 0.2): (2, 1)}


def test_nudge_marks_what_moved_and_nothing_else(figures):
    marks = [text.get_text() for text in figures["nudge"].axes[0].texts]
    assert marks == ["▲\n+1", "▼\n−2"]
    assert "2 of 3 moved (b, c)" in figures["nudge"].alt


def test_histograms_count_everything_and_say_how_many_are_zero():
    values = np.concatenate([np.zeros(25), np.linspace(0.5, 3, 75)])
    ax = plots.histograms({"relu": values}).axes[0]
    assert sum(bar.get_height() for bar in ax.patches) == 100
    assert "25 % zero" in ax.texts[1].get_text()
    figure = plots.histograms({"dw": values, "db": values}, kind="gradient")
    low, high = figure.axes[0].get_xticks()[[0, -1]]
    assert low == -high
    assert len({bar.get_facecolor() for ax in figure.axes for bar in ax.patches}) == 1


def test_stacked_bars_add_up(figures):
    bars = figures["stacked_bars"].axes[0].patches
    ends = {}
    for bar in bars:
        ends[round(bar.get_y() + 0.31)] = max(
            ends.get(round(bar.get_y() + 0.31), 0), bar.get_x() + bar.get_width()
        )
    assert ends == pytest.approx({0: 0.62, 1: 3.75})
    assert len({bar.get_hatch() for bar in bars}) == 3


def test_confusion_matrix_writes_every_count_and_colours_the_mistakes(figures):
    ax = figures["confusion_matrix"].axes[0]
    assert {c: as_float(t) for c, t in numbers_in(ax).items()} == dict(
        np.ndenumerate(np.diag([90.0, 80.0, 70.0]) + 1)
    )
    assert np.trace(ax.images[0].get_array()) == 0


def test_training_history_reads_what_fit_returns():
    record = SimpleNamespace(validation_accuracy=0.5)
    course = {"loss": [2.0, 1.0], "accuracy": [0.1, 0.6], "rate": [0.1, 0.1], "interrupted": False}
    history = SimpleNamespace(**course, epochs=[record])
    figure = plots.training_history(history)
    assert "validation: 50.0 %" in " ".join(text.get_text() for text in figure.axes[1].texts)
    line = max(figure.axes[0].lines, key=lambda line: len(line.get_xdata()))
    np.testing.assert_array_equal(line.get_ydata(), [2.0, 1.0])
    assert f"guessing: {math.log(10):.2f}" in [text.get_text() for text in figure.axes[0].texts]
    bare = plots.training_history(SimpleNamespace(**course | {"interrupted": True}, epochs=[]))
    assert len(bare.axes) == 3


def test_axes_can_be_given():
    figure, axes = plots.panels(1, 2, title="Two")
    assert axes.shape == (1, 2)
    assert plots.function(GRID, {"x": GRID}, ax=axes[0, 1]) is figure
    assert len(figure.axes) == 2
    assert len(axes[0, 1].lines) == 3  # the curve and the axes through 0


# Errors -------------------------------------------------------------------------------------------------


def stand(x, kernel=(2, 2), *, positions=((0, 0),), **geometry):
    return plots.windows(x, np.ones(kernel), positions=positions, **geometry)


BAD = [
    (lambda: plots.matrices([np.zeros((0, 2))]), r"arrays\[0\] is empty"),
    (lambda: plots.matrices([X], kinds="heat"), "kind must be one of value, gradient"),
    (lambda: plots.matrices([X], ["a", "b"]), "titles must have 1 entries; it has 2"),
    (lambda: plots.matrices([X], highlights=[[(3, 0)]]), r"highlight must be a .* inside \(3, 3\)"),
    (lambda: plots.matrices([X], highlights=[np.ones((2, 2), bool)]), r"must have shape \(3, 3\)"),
    (lambda: plots.matrices([]), "arrays is empty"),
    (lambda: plots.matrices([X] * 17), "17 panels, at most 16"),
    (lambda: plots.matrices([X, np.zeros((1, 1, 1))]), r"arrays\[1\] must be a matrix"),
    (lambda: plots.matrices([X, X], signs=["=", "="]), "signs must have 1 entries; it has 2"),
    (lambda: plots.sparse_matrix(TOEPLITZ * np.nan), r"a must be finite; a\[0, 0\] is nan"),
    (lambda: plots.sparse_matrix(TOEPLITZ, X), "identity must be integers of shape"),
    (lambda: plots.maps(np.zeros((2, 28, 28, 3))), "must hold one example"),
    (lambda: plots.maps(np.zeros((4, 4, 65))), "65 panels, at most 64"),
    (lambda: plots.maps_and_gradients(MAPS, {}), "layers names 'input'"),
    (lambda: plots.maps_and_gradients(MAPS, {**GRADIENTS, "fc2": np.zeros((2, 9))}), "has shape"),
    (lambda: plots.digits(np.zeros((2, 28, 28, 3))), "one channel"),
    (lambda: plots.digits(IMAGES * np.inf), "images must be finite"),
    (lambda: plots.digits(IMAGES, labels=[1]), "labels must have 6 entries"),
    (lambda: plots.saliency(IMAGES, IMAGES[:1]), "gradients must have the shape of images"),
    (lambda: plots.graph({}, []), "nodes must be a dict"),
    (lambda: plots.graph(NODES, [("x", "b")]), "edges names 'b'"),
    (lambda: plots.graph(NODES, [("x", "y"), ("y", "x")]), "cycle through x, y"),
    (lambda: stand(X[:2, :2], (3, 3)), "the 3×3 kernel w is larger than the padded input, 2×2"),
    (lambda: stand(X, positions=[(2, 0)]), "positions must be a .* inside"),
    (lambda: stand(X, positions=[(0, 0)] * 5), "one to 4 output positions"),
    (lambda: stand(X, stride=0), "stride must be at least 1; got 0"),
    (lambda: stand(X, padding="full"), 'padding must be "same", "valid", an integer or a pair'),
    (lambda: plots.touches(X[:2], np.ones((3, 3)), pixel=(0, 0)), "the 3×3 kernel w is larger"),
    (lambda: plots.tied_neurons(2, 3), "the 1×3 kernel is larger than the padded input, 1×2"),
    (lambda: plots.routing(X, DZ, size=(2, 0)), r"size \(columns\) must be at least 1; got 0"),
    (lambda: plots.routing(X, DZ, size=4), r"the 4×4 window \(size\) is larger"),
    (lambda: touch(), "exactly one of pixel, weight and output; given: none"),
    (lambda: touch(pixel=(5, 0)), "pixel must be"),
    (lambda: plots.tied_neurons(17, 3), "17 panels"),
    (lambda: plots.routing(X, np.ones((2, 2))), r"dz must have shape \(1, 1\)"),
    (lambda: plots.routing(X, DZ, mode="min"), "mode must be"),
    (lambda: plots.shapes_chain([("a",)]), r"shapes\[0\] must be"),
    (lambda: plots.tensor_blocks(40, 3), "filters must be 2 to 32"),
    (lambda: plots.function(GRID, {"a": GRID[1:]}), "must have shape"),
    (lambda: plots.function(GRID, {"a": GRID}, dots=[(0, 0, "half")]), "dots must say"),
    (lambda: plots.v_curve(-STEPS, {"a": STEPS}, mark=1), "steps must be positive"),
    (lambda: plots.v_curve(STEPS, {"a": -STEPS}, mark=1), "must not be negative"),
    (lambda: plots.bars([0.5, 0.5], 2), "targets must be a class from 0 to 1; it is 2"),
    (lambda: plots.bars([0.5, np.nan]), "probabilities must be finite"),
    (lambda: plots.nudge([1, 2], [1], labels="ab"), "after must have the shape of before"),
    (lambda: plots.histograms({}), "values must be a dict"),
    (lambda: plots.stacked_bars({"a": {"b": -1}}), "finite and not negative"),
    (lambda: plots.losses({"a": [np.nan]}), "must be finite"),
    (lambda: plots.confusion_matrix(np.ones((2, 3))), "must be square"),
]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    function = str(error.value).split(":")[0]
    assert function in plots.__all__


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.matrices([X * 1j]),
        lambda: plots.matrices([[["a"]]]),
        lambda: plots.training_history(object()),
        lambda: stand(X, stride=1.5),
    ],
)
def test_bad_types_are_named(call):
    with pytest.raises(
        TypeError, match=r"matrices: arrays\[0\] must hold real|history must have|windows: stride must be"
    ):
        call()


# In a notebook ------------------------------------------------------------------------------------------


def test_a_notebook_shows_each_figure_once():
    cells = [
        "from backprop_helpers.views import plots\nplots.matrices([[[1, 2], [3, 4]]], ['X'])",
        "figure, axes = plots.panels(1, 2)\nplots.function([0, 1], {'x': [0, 1]}, ax=axes[0, 0])\nfigure",
        "import matplotlib.pyplot as plt\nplots.bars([0.2, 0.8], 1)",
        "_, ax = plt.subplots()\nplots.function([0, 1], {'x': [0, 1]}, ax=ax)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbclient.NotebookClient(notebook, timeout=60).execute()
    for cell in notebook.cells:
        assert [sorted(output.get("data", output)) for output in cell.outputs] == [
            ["image/png", "text/plain"]
        ]
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith("<Figure size ")
        assert base64.b64decode(output.data["image/png"])[:4] == b"\x89PNG"
    first = notebook.cells[0].outputs[0]
    assert first.metadata["image/png"]["alt"] == "X, 2 by 2: 1 2; 3 4"
    json.dumps(first)


def test_importing_plots_does_not_import_pyplot():
    source = inspect.getsource(sys.modules["backprop_helpers.views.plots._style"])
    modules = [
        getattr(node, "module", None) or node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert "matplotlib.pyplot" not in modules
    assert to_rgb("white") == (1, 1, 1)
