"""A stage in a page: its cells under the mouse, its buttons, what it says, and how it looks."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.shown import (
    NOTEBOOK,
    PATIENCE,
    THEMES,
    Page,
    close_all,
    open_notebook,
    run_cells,
    set_theme,
    write_notebook,
)

STATE = Path(__file__).with_name("stage_state.js").read_text(encoding="utf-8").split("\n", 1)[1]
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class StagePage(Page):
    """One stage: `scope` holds it. The page alone does what it does, so one waits for a frame."""

    @property
    def stage(self):
        return self.scope.locator(".bp-stage").last

    def state(self):
        """Return what the stage's test handle says."""
        self.page.evaluate(DRAWN)
        return self.stage.evaluate(STATE)

    def sum(self):
        """Return the words and the written sum."""
        self.page.evaluate(DRAWN)
        return self.stage.evaluate("e => e.bpStage.sumText()")

    def grid(self, name):
        return self.state()["grids"][name]

    def values(self, name):
        """Return all numbers of a grid, row by row."""
        return self.grid(name)["data"]

    def marked(self, name, role=None):
        """Return the marked cells of a grid, sorted."""
        marks = self.grid(name)["marks"]
        return sorted(tuple(cell) for mark in marks if role in (None, mark["role"]) for cell in mark["cells"])

    def middle(self, name, *index):
        self.stage.scroll_into_view_if_needed()
        return self.stage.evaluate(
            "(e, [name, index]) => e.bpStage.cellCenter(name, index)", [name, list(index)]
        )

    def hover(self, name, *index):
        self.page.mouse.move(*self.middle(name, *index))
        self.page.evaluate(DRAWN)

    def click(self, name, *index):
        self.page.mouse.click(*self.middle(name, *index))
        self.page.evaluate(DRAWN)

    def tap(self, name, *index):
        """Touch a cell with a finger."""
        x, y = self.middle(name, *index)
        session = self.page.context.new_cdp_session(self.page)
        touch = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
        session.send("Input.dispatchTouchEvent", touch)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        session.detach()
        self.page.wait_for_timeout(100)

    def drag_cell(self, name, index, pixels):
        """Press a number and pull it sideways."""
        x, y = self.middle(name, *index)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + pixels, y, steps=8)
        self.page.mouse.up()

    def press_button(self, name):
        """Press a button; one at its limit is marked, not disabled, so Playwright is told not to wait."""
        found = self.stage.get_by_role("button", name=name, exact=True).filter(visible=True)
        found.first.click(force=True)

    @contextmanager
    def slow_motion(self):
        """Let whatever moves crawl, so that it is seen on its way however busy the machine is."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Animation.enable")
        session.send("Animation.setPlaybackRate", {"playbackRate": 0.01})
        yield
        session.send("Animation.setPlaybackRate", {"playbackRate": 1})
        session.detach()

    def stack(self):
        """Make the stage as narrow as a telephone, and wait until it has stacked its grids."""
        self.stage.evaluate("e => { e.parentElement.style.width = '370px'; }")
        self.until(lambda: self.stage.evaluate("e => e.classList.contains('bp-stacked')"))

    def until(self, holds):
        """Wait until ``holds()``: what Python said arrives some time after the cell has ended."""
        for _ in range(100):
            if holds():
                return
            self.page.wait_for_timeout(50)
        assert holds()

    def landed(self):
        """Wait until nothing flies."""
        self.page.evaluate(DRAWN)
        expect(self.stage.locator(".bp-flyer")).to_have_count(0)
        self.page.evaluate(DRAWN)

    def violations(self, theme):
        """Return what axe-core finds in the stage in a theme."""
        from axe_playwright_python.sync_playwright import Axe

        set_theme(self.page, theme)
        self.page.wait_for_function(
            "dark => document.querySelector('.bp-stage').classList.contains('bp-dark') === dark",
            arg=theme.endswith("Dark"),
        )
        rules = {"type": "tag", "values": ["wcag2a", "wcag2aa"]}
        options = {"context": {"include": [f"{NOTEBOOK} .bp-stage"]}, "options": {"runOnly": rules}}
        found = Axe().run(self.page, **options).response["violations"]
        set_theme(self.page, THEMES[0])
        return [(rule["id"], [node["html"][:150] for node in rule["nodes"]]) for rule in found]

    def canvas(self, name):
        return self.stage.locator(f'.bp-grid[data-name="{name}"] canvas')

    def height(self):
        return self.stage.bounding_box()["height"]

    def overlaps(self):
        """Return the pairs of grids and parts that lie over each other, and those that stick out."""
        return self.stage.evaluate(
            """root => {
                const boxes = [...root.querySelectorAll('.bp-grid, .bp-bar, .bp-sum, .bp-legend')]
                    .map(e => [e.dataset.name ?? e.className, e.getBoundingClientRect()]);
                const own = root.getBoundingClientRect();
                const found = boxes.filter(([, b]) => b.right > own.right + 1)
                    .map(([name]) => `${name} sticks out`);
                boxes.forEach(([one, a], n) => boxes.slice(n + 1).forEach(([other, b]) => {
                    const apart = a.right <= b.left + 1 || b.right <= a.left + 1
                        || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
                    if (!apart) found.push(`${one} over ${other}`);
                }));
                return found;
            }"""
        )


def stage_fixtures(name):
    """Return two fixtures: a notebook that shows a stage, and ``make(arguments)``: it made anew."""
    made = f"stage = {name}({{}})\nstage"

    @pytest.fixture(scope="module")
    def opened(lab, lab_page):
        source = f"import numpy as np\nfrom backprop_helpers.views.stage import {name}\n"
        source += "rng = np.random.default_rng(4)"
        write_notebook(lab, f"{name}.ipynb", source, made.format(""))
        notebook = open_notebook(lab_page, f"{name}.ipynb")
        run_cells(lab_page, [0])
        yield notebook
        close_all(lab_page)

    @pytest.fixture
    def make(opened, lab):
        def show(arguments=""):
            opened.page.evaluate(
                """async source => {
                    const { content } = jupyterapp.shell.currentWidget;
                    content.widgets[1].model.sharedModel.setSource(source);
                }""",
                made.format(arguments),
            )
            run_cells(opened.page, [1])
            output = opened.scope.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output").last
            output.locator('.bp-stage:not([data-drawn="0"])').wait_for(timeout=PATIENCE)
            opened.page.mouse.move(2, 2)
            return StagePage(opened.page, output, opened.requests)

        yield show
        assert opened.said_by_kernel() == []
        assert opened.page.problems == []
        assert opened.left_the_machine(lab) == []

    return opened, make
