"""MatrixView in JupyterLab: pointer, keyboard, brush, themes. One small notebook serves every test here."""

import json
import re

import numpy as np
import pytest

from backprop_helpers.views.plots._style import ACCENTS, contrast
from tests.browser.shown import (
    THEMES,
    assert_no_problem,
    close_all,
    open_notebook,
    run_cells,
    set_theme,
    write_notebook,
)

NOTEBOOK = "97_matrix_view.ipynb"
SOURCE = """
import json
import ipywidgets as widgets
import numpy as np
from backprop_helpers.views.matrix_view import Highlight, MatrixView

x = MatrixView([[3, 1, 2], [0, 4, 1], [5, 2, 6]], title="x", description="the input")
z = MatrixView([[1, 6], [5, 20]], title="z")

def follow(change):
    if change.new is None:
        z.highlights = ()
    else:
        cells = [(i, j) for i in range(2) for j in range(2) if 0 <= change.new[0] - i < 2]
        groups = [Highlight(cells, "blue", "reads it", texts=list("abcd")[: len(cells)])]
        groups.append(Highlight([(0, 0)], "orange", weights=[0.5]))
        z.update(highlights=groups, note=str(change.new))

x.observe(follow, "active")
keys = MatrixView(np.arange(12).reshape(3, 4), title="keys")
maps = MatrixView(np.arange(24).reshape(2, 3, 4), title="maps", channel_titles=list("abcd"))
bad = MatrixView([[np.nan, 1.0], [np.inf, -np.inf]], title="bad", kind="gradient")
large = MatrixView(np.arange(65_536).reshape(256, 256), title="large")
alert = MatrixView([[1.0]], title="alert")
pad = MatrixView(np.zeros((28, 28)), title="pad", kind="digit", paint=True)
moved = MatrixView(np.eye(5), title="moved")
shades = [MatrixView(np.linspace(-3, 3, 12).reshape(2, 6).round(1), title=kind, kind=kind)
          for kind in ("value", "gradient", "weight", "digit", "mask", "plain")]
row = widgets.HBox([x, z, keys, bad, alert], layout={"flex_flow": "row wrap"})
rows = [row, maps, widgets.HBox([pad, moved]), widgets.HBox(shades[:3]), widgets.HBox(shades[3:]), large]
widgets.VBox(rows)
"""
COUNT = 15


@pytest.fixture(scope="module")
def shared(lab, lab_page):
    """The notebook, run."""
    write_notebook(lab, NOTEBOOK, SOURCE)
    opened = open_notebook(lab_page, NOTEBOOK)
    run_cells(lab_page, [0])
    lab_page.wait_for_function(
        "count => document.querySelectorAll('.bp-matrix[data-drawn][data-geometry]').length === count",
        arg=COUNT,
    )
    yield opened
    close_all(lab_page)


@pytest.fixture
def views(shared):
    shared.away()
    yield shared
    assert_no_problem(shared.page)


class TestPointer:
    def test_hover_reports_the_cell_and_highlights_come_back(self, views):
        views.hover("x", 1, 2)
        views.wait("z", "highlights", json.dumps(self.expected("abcd"), separators=(",", ":")))
        assert views.data("x", "hovered") == "1,2"
        views.expect("x.hovered", [1, 2])
        assert views.root("x").locator(".bp-matrix-readout").inner_text() == "[1, 2] = 1"
        assert views.root("z").locator(".bp-matrix-legend").inner_text() == "reads it"
        assert views.root("z").locator(".bp-matrix-note").inner_text() == "(1, 2)"
        views.away()
        views.wait("z", "highlights", "[]")
        views.expect("x.active", None)

    def expected(self, texts):
        cells = [[0, 0], [0, 1], [1, 0], [1, 1]]
        group = {"cells": cells, "color": "blue", "label": "reads it", "weights": None, "texts": list(texts)}
        other = {"cells": [[0, 0]], "color": "orange", "label": "", "weights": [0.5], "texts": None}
        return [group | {"pattern": "solid"}, other | {"pattern": "dashed"}]

    def test_click_pins_and_a_second_click_or_escape_releases(self, views):
        views.click("x", 0, 1)
        views.wait("x", "pinned", "0,1")
        views.hover("x", 2, 2)
        views.wait("x", "hovered", "2,2")
        views.expect("[x.selected, x.pinned, x.active]", [[0, 1]] * 3)
        views.click("x", 0, 1)
        views.wait("x", "pinned", "")
        views.expect("[x.selected, x.pinned]", [[0, 1], None])
        views.click("x", 2, 0)
        views.wait("x", "pinned", "2,0")
        views.press("Escape")
        views.wait("x", "pinned", "")
        views.expect("x.pinned", None)

    def test_channels(self, views):
        views.hover("maps", 1, 2, 3)
        views.wait("maps", "hovered", "1,2,3")
        views.expect("maps.hovered", [1, 2, 3])
        assert views.root("maps").locator(".bp-matrix-readout").inner_text() == "[1, 2] of d = 23"

    def test_the_margin_is_no_cell(self, views):
        views.hover("x", 1, 1)
        views.wait("x", "hovered", "1,1")
        views.stage("x").hover(position={"x": 3, "y": 3})
        views.wait("x", "hovered", "")

    def test_large(self, views):
        views.hover("large", 200, 100)
        views.wait("large", "hovered", "200,100")
        assert views.root("large").locator(".bp-matrix-readout").inner_text() == "[200, 100] = 51300"
        assert views.data("large", "numbers") == "false"

    def test_nothing_jumps(self, views):
        """The page is as long with highlights, a legend and a pin as without."""
        views.hover("x", 0, 0)  # once: a note that comes for the first time takes a line of its own
        views.wait("x", "hovered", "0,0")
        views.ask("0")
        views.away()
        views.wait("x", "hovered", "")
        size = "() => document.querySelector('.jp-OutputArea-output').getBoundingClientRect().height"
        before = views.page.evaluate(size)
        for cell in [(0, 0), (1, 1), (2, 2)]:
            views.hover("x", *cell)
            views.wait("x", "hovered", ",".join(map(str, cell)))
            views.ask("0")
            assert views.page.evaluate(size) == before


class TestKeyboard:
    def focus(self, views, title):
        views.stage(title).focus()
        views.press("Shift+Tab", "Tab")  # as the keyboard does it, so that the focus is visible
        views.page.wait_for_function(
            "() => document.activeElement.matches('.bp-matrix-stage:focus-visible')", timeout=20_000
        )

    def test_arrows_home_end(self, views):
        self.focus(views, "keys")
        views.press("Control+Home", "ArrowRight", "ArrowDown")
        views.wait("keys", "hovered", "1,1")
        views.press("End", "ArrowRight", "ArrowDown", "ArrowDown")
        views.wait("keys", "hovered", "2,3")
        views.press("Home", "ArrowUp", "ArrowLeft")
        views.wait("keys", "hovered", "1,0")
        views.expect("keys.hovered", [1, 0])

    def test_enter_pins_and_escape_releases(self, views):
        self.focus(views, "keys")
        views.press("Control+Home", "ArrowDown", "ArrowRight", "ArrowRight", "Enter")
        views.wait("keys", "pinned", "1,2")
        views.press("ArrowDown")
        views.expect("[keys.pinned, keys.selected, keys.hovered]", [[1, 2], [1, 2], [2, 2]])
        views.press("Escape")
        views.wait("keys", "pinned", "")
        views.press("Escape")
        views.wait("keys", "hovered", "")

    def test_channels_follow_one_another(self, views):
        self.focus(views, "maps")
        views.press("Control+Home", "End", "ArrowRight")
        views.wait("maps", "hovered", "0,0,1")
        views.press("PageDown", "ArrowLeft")
        views.wait("maps", "hovered", "0,2,1")

    def test_the_notebook_does_not_hear_the_keys(self, views):
        """In command mode, A adds a cell above and the arrows choose another cell."""
        cells = views.page.locator(".jp-Notebook .jp-Cell").count()
        self.focus(views, "keys")
        views.press("Control+Home", "a", "ArrowDown", "ArrowDown", "Enter", "Escape")
        views.expect("keys.hovered", [2, 0])
        assert views.page.locator(".jp-Notebook .jp-Cell").count() == cells

    def test_the_focus_is_visible_and_leaves_again(self, views):
        self.focus(views, "keys")
        outline = views.stage("keys").evaluate("e => getComputedStyle(e).outlineStyle")
        assert outline == "solid"
        views.wait("keys", "hovered", views.data("keys", "hovered") or "0,0")
        views.press("Tab")
        views.wait("keys", "hovered", "")


class TestScreenReader:
    def test_name_and_words(self, views):
        stage = views.stage("x")
        name = stage.get_attribute("aria-label")
        assert name.startswith("x. the input. 3 rows, 3 columns; from 0 to 6. Arrow keys move")
        assert stage.get_attribute("role") == "application"
        assert stage.get_attribute("tabindex") == "0"

    def test_the_line_says_cell_value_and_what_is_highlighted(self, views):
        views.hover("x", 1, 1)
        live = views.root("x").locator(".bp-matrix-live")
        live.filter(has_text="row 1, column 1: 4").wait_for(state="attached")
        assert live.get_attribute("aria-live") == "polite"
        views.ask("z.set_trait('hovered', (0, 1))")
        live = views.root("z").locator(".bp-matrix-live")
        live.filter(has_text="row 0, column 1: 6; reads it: 4 cells").wait_for(state="attached")
        views.ask("z.set_trait('hovered', None)")

    def test_an_error_is_an_alert(self, views):
        views.ask("alert.set_trait('error', 'ValueError: kernel larger than input')")
        line = views.root("alert").get_by_role("alert")
        line.filter(has_text="ValueError: kernel larger than input").wait_for()
        views.ask("alert.set_trait('error', '')")
        line.wait_for(state="hidden")


class TestDrawing:
    def test_numbers_are_drawn_when_they_fit(self, views):
        assert views.data("x", "numbers") == "true"
        assert views.data("pad", "numbers") == "false"

    def test_an_update_is_one_redraw_and_shows(self, views):
        def pixel():
            point = views.point("moved", 0, 1)
            return (
                views.root("moved")
                .locator("canvas")
                .first.evaluate(
                    """(canvas, { x, y }) => [...canvas.getContext('2d').getImageData(
                    (x - 14) * devicePixelRatio, (y - 14) * devicePixelRatio, 1, 1).data]""",
                    point,
                )
            )

        before, drawn = pixel(), int(views.data("moved", "drawn"))
        views.ask("moved.update(np.ones((5, 5)), highlights=[Highlight([(0, 0)])], title='moved')")
        views.wait("moved", "drawn", str(drawn + 1))
        assert pixel() != before
        assert pixel()[:3] == pytest.approx([0x2C, 0x1F, 0x5C], abs=1)
        views.ask("moved.update(np.eye(5), highlights=())")

    def test_cells_that_are_not_finite_are_hatched(self, views):
        """A NaN is not one flat colour, as a number's cell is beside its text."""
        spread = (
            views.root("bad")
            .locator("canvas")
            .first.evaluate(
                """(canvas, points) => points.map(({ x, y }) => {
                const r = devicePixelRatio;
                const [left, top, width, height] = [x - 15, y - 15, 30, 6].map(n => n * r);
                const { data } = canvas.getContext('2d').getImageData(left, top, width, height);
                const reds = [...data].filter((_, i) => i % 4 === 0);
                return Math.max(...reds) - Math.min(...reds);
            })""",
                [views.point("bad", 0, 0), views.point("bad", 1, 0), views.point("bad", 0, 1)],
            )
        )
        assert spread[0] > 60
        assert spread[1] > 60
        assert spread[2] < 10
        views.hover("bad", 1, 1)
        views.wait("bad", "hovered", "1,1")
        assert views.root("bad").locator(".bp-matrix-readout").inner_text() == "[1, 1] = −∞"

    def test_highlights_are_drawn_in_their_colour(self, views):
        views.ask("moved.set_trait('hovered', None)")
        views.ask("setattr(moved, 'highlights', [Highlight([(2, 2)], 'vermillion')])")
        views.page.wait_for_function(
            """color => [...document.querySelectorAll('.bp-matrix-overlay')].some(canvas => {
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                const [r, g, b] = [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16));
                for (let i = 0; i < data.length; i += 4)
                    if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
                return false;
            })""",
            arg=ACCENTS["vermillion"],
            timeout=20_000,
        )
        views.ask("setattr(moved, 'highlights', ())")


class TestPaint:
    def clear(self, views):
        views.root("pad").get_by_role("button", name="Clear").click()
        views.expect("float(pad.values.max())", 0)

    def stroke(self, views, start, end):
        views.stroke(views.stage("pad"), views.point("pad", *start), views.point("pad", *end))

    def painted(self, views):
        """The values in the kernel, once it has heard of every stroke."""
        strokes = views.root("pad").evaluate(
            """async root => {
                const frame = () => new Promise(requestAnimationFrame);
                await frame();
                await frame();
                return Number(root.dataset.strokes);
            }"""
        )
        views.expect("pad.strokes", strokes)
        return np.array(views.ask("pad.values.tolist()"))

    def test_a_stroke_reaches_python_soft_at_its_edges(self, views):
        self.clear(views)
        strokes = views.ask("pad.strokes")
        self.stroke(views, (14, 6), (14, 20))
        values = self.painted(views)
        assert views.ask("pad.strokes") > strokes
        assert values[14, 6:21].min() == 1, "no gaps between two events of the pointer"
        assert np.any((values > 0.05) & (values < 0.95)), "grey edges, as MNIST has"
        assert values[:10].max() == values[19:].max() == 0

    def test_erase_and_clear(self, views):
        self.clear(views)
        self.stroke(views, (14, 6), (14, 20))
        views.root("pad").get_by_role("button", name="Erase").click()
        views.expect("pad.tool", "erase")
        assert views.root("pad").get_by_role("button", name="Erase").get_attribute("aria-pressed") == "true"
        self.stroke(views, (8, 13), (20, 13))
        values = self.painted(views)
        assert values[14, 13] == 0
        assert values[14, 7] == 1
        views.root("pad").get_by_role("button", name="Brush").click()
        self.clear(views)

    def test_the_size_of_the_brush(self, views):
        self.clear(views)
        views.ask("pad.set_trait('brush', 0.5)")
        self.stroke(views, (14, 6), (14, 20))
        thin = self.painted(views).sum()
        self.clear(views)
        views.root("pad").get_by_label("Size").fill("3")
        self.stroke(views, (14, 6), (14, 20))
        assert self.painted(views).sum() > 3 * thin > 0
        views.expect("pad.brush", 3)
        views.ask("pad.set_trait('brush', 1.5)")
        self.clear(views)

    def test_keyboard(self, views):
        self.clear(views)
        views.stage("pad").focus()
        views.press("Control+Home", *["ArrowDown", "ArrowRight"] * 3, "Space")
        views.expect("float(pad.values[3, 3])", 1)
        views.press("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
        views.expect("float(pad.values[3, 6])", 1)
        views.press("Delete")
        views.expect("float(pad.values[3, 6])", 0)
        self.clear(views)

    def test_python_clears(self, views):
        self.stroke(views, (5, 5), (9, 9))
        assert self.painted(views).max() == 1
        drawn = int(views.data("pad", "drawn"))
        views.ask("pad.clear()")
        views.page.wait_for_function(
            "drawn => Number(document.querySelector('.bp-matrix-paint').dataset.drawn) > drawn",
            arg=drawn,
        )
        views.expect("float(pad.values.max())", 0)

    def test_touch(self, views):
        """A finger draws: the pad takes pointer events of every kind and does not let the page scroll."""
        self.clear(views)
        assert views.stage("pad").evaluate("e => getComputedStyle(e).touchAction") == "none"
        assert views.stage("x").evaluate("e => getComputedStyle(e).touchAction") == "manipulation"
        views.stage("pad").evaluate(
            """(stage, points) => {
                stage.setPointerCapture = () => {};
                const box = stage.getBoundingClientRect();
                const send = (type, { x, y }) => stage.dispatchEvent(new PointerEvent(type, {
                    pointerId: 7, pointerType: 'touch', isPrimary: true, button: 0, bubbles: true,
                    cancelable: true, clientX: box.left + x, clientY: box.top + y }));
                send('pointerdown', points[0]);
                send('pointermove', points[1]);
                send('pointerup', points[1]);
                delete stage.setPointerCapture;
            }""",
            [views.point("pad", 4, 10), views.point("pad", 24, 10)],
        )
        values = self.painted(views)
        assert values[4:25, 10].min() == 1
        self.clear(views)


@pytest.fixture(params=THEMES)
def theme(request, views):
    set_theme(views.page, request.param)
    yield request.param
    set_theme(views.page, THEMES[0])


RATIOS = """(root, regions) => {
    const canvas = root.querySelector('.bp-matrix-base');
    const r = devicePixelRatio;
    const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let ground = [255, 255, 255];
    for (let e = root; e; e = e.parentElement) {
        const color = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
        if (color.length === 3 || color[3] === 1) { ground = color; break; }
    }
    return regions.map(([x, y, width, height]) => {
        const { data } = canvas.getContext('2d').getImageData(x * r, y * r, width * r, height * r);
        const lights = [];
        for (let i = 0; i < data.length; i += 4) {
            const a = data[i + 3] / 255;
            lights.push(light([0, 1, 2].map(k => a * data[i + k] + (1 - a) * ground[k])));
        }
        return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    });
}"""


class TestThemes:
    def test_everything_written_reads(self, views, theme):
        """Title, readout, indices and numbers, as they are drawn, against what is behind them: 4.5 : 1."""
        dark = theme.endswith("Dark")
        views.page.wait_for_function(
            """dark => {
                const [r, g, b] = getComputedStyle(document.querySelector('.bp-matrix')).color.match(/\\d+/g);
                return dark === (+r + +g + +b > 380);
            }""",
            arg=dark,
        )
        drawn = int(views.data("x", "drawn"))
        views.hover("x", 1, 1)
        views.page.wait_for_function(
            "drawn => +document.querySelector('.bp-matrix').dataset.drawn > drawn", arg=drawn
        )
        views.page.wait_for_timeout(200)
        for selector in (".bp-matrix-title", ".bp-matrix-readout", ".bp-matrix-note"):
            color, ground = (
                views.root("z")
                .locator(selector)
                .evaluate(
                    """e => {
                    let ground = 'rgb(255, 255, 255)';
                    for (let p = e; p; p = p.parentElement) {
                        const color = getComputedStyle(p).backgroundColor;
                        if (color.startsWith('rgb(')) { ground = color; break; }
                    }
                    return [getComputedStyle(e).color, ground];
                }"""
                )
            )
            ink, paper = (np.array(re.findall(r"[\d.]+", c), float) for c in (color, ground))
            alpha = ink[3] if len(ink) > 3 else 1
            mixed = alpha * ink[:3] + (1 - alpha) * paper[:3]
            assert contrast(tuple(mixed / 255), tuple(paper[:3] / 255)) >= 4.5, (selector, color, ground)

        geometry = json.loads(views.data("x", "geometry"))
        (left, top), cell = geometry["panels"][0], geometry["cell"]
        gutters = [[2, top + cell / 4, left - 6, cell / 2], [left + cell / 4, 2, cell / 2, top - 5]]
        assert min(views.root("x").evaluate(RATIOS, gutters)) >= 4.5

    @pytest.mark.parametrize("kind", ["value", "gradient", "weight", "digit", "mask", "plain"])
    def test_every_number_reads_in_its_cell(self, views, kind):
        geometry = json.loads(views.data(kind, "geometry"))
        (left, top), cell = geometry["panels"][0], geometry["cell"]
        cells = [
            [left + j * cell + 5, top + i * cell + 5, cell - 10, cell - 10]
            for i in range(2)
            for j in range(6)
        ]
        assert views.data(kind, "numbers") == "true"
        assert min(views.root(kind).evaluate(RATIOS, cells)) >= 4.5


class TestNotebook:
    def test_the_text_form_is_stable(self, views):
        assert views.ask("[repr(x), repr(pad), repr(maps)]") == [
            'MatrixView(3×3, "x", value)',
            'MatrixView(28×28, "pad", digit, paint)',
            'MatrixView(2×3×4, "maps", value)',
        ]

    def test_no_request_leaves_the_machine(self, views, lab):
        """Asked last: everything above has been loaded, hovered and painted by now."""
        assert any(url.startswith(lab.root) for url in views.requests)
        assert views.left_the_machine(lab) == []
