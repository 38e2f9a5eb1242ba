"""Stages without a kernel: on the built site, served and as a file, and in a page exported to the disk."""

import itertools
import re

import nbformat
import pytest

from tests import stage_checks as checks
from tests.browser.stages import STATE
from tests.stage_lesson import specs, stage_lesson
from tests.tool_loader import ROOT, load_tool

PAGE = "notebooks/98_stages.html"


@pytest.fixture(scope="session")
def exported(require_tool, tmp_path_factory):
    """The lesson of stages as one file."""
    require_tool("sphinx")
    folder = tmp_path_factory.mktemp("export")
    nbformat.write(stage_lesson(), folder / "98_stages.ipynb")
    assert load_tool("export_lesson").main([str(folder / "98_stages.ipynb"), "--output", str(folder)]) == 0
    return folder / "98_stages.html"


def test_lesson_is_printed_with_its_pictures(require_tool, tmp_path):
    require_tool("chromium")
    nbformat.write(stage_lesson(), tmp_path / "98_stages.ipynb")
    arguments = [str(tmp_path / "98_stages.ipynb"), "--pdf", "--output", str(tmp_path)]
    assert load_tool("export_lesson").main(arguments) == 0
    content = (tmp_path / "98_stages.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Subtype /Image") >= 3


@pytest.fixture(params=["served", "file", "exported"])
def where(request, address, site, exported):
    """The address of the page: on a server, as a file of the site, as a file of its own."""
    pages = {"served": address + PAGE, "file": (site / PAGE).as_uri(), "exported": exported.as_uri()}
    return pages[request.param]


@pytest.fixture
def opened(browser, where):
    """A function that opens the page; `page.problems`: errors, warnings, requests that leave the machine."""
    contexts = []

    def opened(**options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
        page.on("console", lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None)
        local = (where.rpartition("/notebooks/")[0] or where, "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(local) else page.problems.append(r.url))
        page.goto(where)
        page.locator(".bp-worksheet").nth(1).wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()


def test_questions_and_sheets_answer(opened):
    page = opened()
    assert page.locator(".bp-stage").count() == 5
    assert page.locator(".bp-place > img").count() == 0  # the pictures make room
    assert page.get_by_text("That is my guess").count() == 1
    assert page.locator("pre").filter(has_text="Which pixel receives").count() == 1
    assert page.locator("pre").filter(has_text="Which gradient has").count() == 0  # JupyterLab hides it, too
    waiting = page.locator("pre").filter(has_text=re.compile(r"^nine of nine\s*$"))
    assert not waiting.is_visible()  # what a question asks for waits for a click
    page.locator("details summary").last.click()
    assert waiting.is_visible()
    checks.question_is_answered_with_the_keyboard(page)
    checks.option_is_chosen(page)
    checks.cell_is_chosen_with_the_arrows(page)
    checks.mistake_is_named(page)
    checks.rest_is_shown_and_cleared(page)
    checks.sheet_is_filled_in(page)
    checks.rounded_numbers_do(page)
    page.wait_for_function("document.documentElement.dataset.complete")
    assert page.locator("mjx-container").count() == 1
    assert page.problems == []


def test_fingers_do(opened):
    page = opened(has_touch=True, is_mobile=True, color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 800})
    checks.option_is_chosen(page, press="tap")
    checks.sheet(page).locator("input").first.tap()
    assert checks.sheet(page).locator("input:focus").count() == 1
    small = "all => all.map(e => e.getBoundingClientRect()).filter(r => r.height < 43 || r.width < 30).length"
    assert (
        page.locator(".bp-predict .bp-ask :is(button, input):visible, .bp-worksheet input").evaluate_all(
            small
        )
        == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_exported_page_can_be_read_and_heard(browser, exported, require_tool, theme):
    require_tool("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": 1280, "height": 1600}, color_scheme=theme)
    page.goto(exported.as_uri())
    page.wait_for_function("document.documentElement.dataset.complete")
    checks.option_is_chosen(page)
    checks.mistake_is_named(page)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
    found = Axe().run(page, options=rules).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}" for v in found] == []
    page.close()


def test_paper_has_boxes_and_no_buttons(browser, exported):
    page = browser.new_page()
    page.goto(exported.as_uri())
    page.emulate_media(media="print")
    assert page.locator(".bp-worksheet button:visible").count() == 0
    assert page.locator(".bp-worksheet input:visible").count() == 21
    assert page.get_by_role("button", name="dW").is_visible()  # the choices are what is asked
    assert not page.get_by_role("button", name="That is my guess").is_visible()
    page.close()


def test_a_stage_that_fails_leaves_its_picture(browser, exported, tmp_path):
    text = exported.read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(text.replace('"kind":"choice"', '"kind":"none"'), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".bp-place > img").count() == 1
    assert page.locator(".bp-stage").count() == 4
    page.close()


def test_a_page_loads_one_script_of_stages(site):
    """One script a page, with what that page shows and nothing else."""
    scripts = {path.name: path for path in (site / "_static" / "stage").iterdir()}
    assert "predict-worksheet.js" in scripts
    for path in (site / "notebooks").glob("[0-9]*.html"):
        asked = re.findall(r'src="../_static/stage/([^"]+)"', path.read_text(encoding="utf-8"))
        assert len(asked) <= 1, path.name
        assert set(asked) <= scripts.keys()


#: the parts that a page loads without a use, beside its script
UNASKED = {"index.html": ("network_run", "network_pad")}


def test_a_page_loads_little_until_its_first_stage_answers(site):
    """In kB, minified; the first page's paper writes by itself, so all that draws is there."""
    scripts = {path.name: path.stat().st_size for path in (site / "_static" / "stage").glob("*.js")}
    for path in [site / "index.html", *(site / "notebooks").glob("[0-9]*.html")]:
        name = re.search(r"_static/stage/([^\"]+)\.js\"", path.read_text(encoding="utf-8"))[1]
        parts = UNASKED.get(path.name, ("network_run", "network_search"))
        first = scripts[f"{name}.js"] + sum(scripts.get(f"{name}-{part}.js", 0) for part in parts)
        assert 5 < first / 1000 <= 60, path.name


def test_a_text_within_a_text_keeps_its_spaces(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import stages

    script = stages.minified('export const f = (a) => `x ${a ? `; ${a} = b` : ""} y`;')
    assert "; ${" in script
    assert "} = b" in script


def test_every_stage_has_its_place(site):
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, 4)
        data = [o.get("data", {}) for cell in notebook.cells for o in cell.get("outputs", [])]
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert page.count('class="bp-place"') == sum("application/vnd.backprop.stage+json" in d for d in data)
        waiting = sum("run the cell to use it" in d.get("text/plain", "") for d in data)
        assert page.count("This view answers when Python runs") == waiting
    page = (site / PAGE).read_text(encoding="utf-8")
    assert page.count('class="bp-place"') == len(specs())


def test_what_is_written_into_a_page_cannot_end_its_script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "website")
    import stages

    assert stages.place({"x": "</script>"}).count("</script>") == 1


# What is looked at in each stage: cells with long sentences.
LOOKED = {
    "downhill": [],
    "nudgeGraph": [("J", []), ("z", [])],
    "gradientCheck": [("", [5]), ("", [40])],
    "reluGates": [("z", [0, 2]), ("dz", [1, 1])],
    "softmaxScores": [("jacobian", [1, 0])],
    "convolution": [("w", [0, 0, 0, 0]), ("z", [1, 1, 0])],
    "learningKernel": [("w", [0, 1]), ("dz", [1, 1])],
    "network": [("conv2", [6, 6, 5]), ("d fc2", [3]), ("pool1", [7, 7, 3])],
}
# Drawn, and for the width that the stage has now.
DRAWN_AT = """e => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
    resolve(e.dataset.drawn > 0 && e.bpStage.stage.frame.width === e.clientWidth - 4))))"""
FAULTS = (
    f"root => {{ const state = {STATE};"
    + """
    const own = root.getBoundingClientRect(), sum = root.querySelector('.bp-sum');
    const inside = '.bp-bar > *, .bp-field > :not(.bp-cover), .bp-measured *, .bp-score-row > *';
    const isOut = e => e.getBoundingClientRect().right > own.right + 2;
    const out = [...root.querySelectorAll(inside)].filter(isOut).map(e => `out: ${e.className}`);
    const small = Object.entries(state(root).grids).filter(([, { cell }]) => cell < 14);
    const cut = sum.scrollHeight > sum.clientHeight ? [`cut: ${sum.textContent}`] : [];
    return [...out, ...small.map(([name, { cell }]) => `${name}: ${cell}`), ...cut];
}"""
)


def stage_of(composition):
    return f".bp-stage[data-composition={composition}]"


def test_every_stage_fits_its_page_whatever_is_looked_at(browser, address, site):
    """A page of the site leaves a stage 688 pixels, or 370, where JupyterLab leaves it more."""
    page = browser.new_page()
    faults, seen = [], set()
    for lesson in (0, 1, 3, 4, 5, 10):
        page.goto(address + f"notebooks/{next(site.glob(f'notebooks/{lesson:02}_*.html')).name}")
        new = [name for name in LOOKED if name not in seen and page.locator(stage_of(name)).count()]
        seen |= set(new)
        for composition, width in itertools.product(new, (1280, 400)):
            page.set_viewport_size({"width": width, "height": 1600})
            stage = page.locator(stage_of(composition)).first
            stage.scroll_into_view_if_needed()
            page.wait_for_function(DRAWN_AT, arg=stage.element_handle())
            found = stage.evaluate(FAULTS)
            if composition == "network":
                page.wait_for_function(f"e => ({STATE})(e).probabilities", arg=stage.element_handle())
            for spot in LOOKED[composition]:
                before = stage.evaluate("e => e.bpStage.sumText()")
                page.mouse.move(*stage.evaluate("(e, spot) => e.bpStage.cellCenter(...spot)", spot))
                page.wait_for_function(
                    "([e, before]) => e.bpStage.sumText() !== before", arg=[stage.element_handle(), before]
                )
                found += stage.evaluate(FAULTS)
            page.mouse.move(0, 0)
            faults += [f"{composition}, {width}: {fault}" for fault in found]
    assert seen == set(LOOKED)
    assert faults == []
    page.close()
