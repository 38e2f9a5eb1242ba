"""Each stage's module against what anywidget promises, in a page that is no JupyterLab and allows no more.

The page stands for VS Code's webview and Notebook 7, which load the same module through anywidget: a script
from a blob, no `eval`, no request. What these add (menus, saving) is not tested here.
"""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backprop_helpers.views import stage as stages
from tests.stage_lesson import CELLS, IMPORTS

HOST = Path(__file__).with_name("anywidget_host.js").read_text(encoding="utf-8")
POLICY = "default-src 'none'; script-src 'nonce-host' blob:; style-src 'unsafe-inline'; img-src data: blob:"
PAGE = f"""<!DOCTYPE html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}"></head>
<body><script nonce="host">{HOST}</script></body></html>"""
ADDRESS = "https://host.test/"
NAMES = [name for name in stages.__all__ if name != "mistakes_of"]


def made(name):
    """Return a stage with its own example; a question and a worksheet of the tests' lesson."""
    if name in ("Predict", "Worksheet"):
        names = {}
        exec(IMPORTS, names)
        source = next(cell for cell in CELLS if f"{name}(" in cell).removesuffix("\nsheet")
        exec(source.replace(f"{name}(", f"made = {name}(", 1).replace("sheet = ", ""), names)
        return names["made"]
    return getattr(stages, name)()


@pytest.fixture
def host(browser, monkeypatch):
    """``host(name)`` loads a stage and renders two views of it; `page.asked` lists what left the page."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(ADDRESS)

    def load(name):
        stage = made(name)
        said = []
        send = lambda _, *message, buffers=(): said.append((*message, buffers))  # noqa: E731
        monkeypatch.setattr(type(stage), "send", send)

        def ask_python(content, buffers):
            stage._handle_custom_msg(content, [base64.b64decode(text) for text in buffers])
            answer, found = said.pop()
            return answer, [base64.b64encode(buffer).decode() for buffer in found]

        page.expose_function("askPython", ask_python)
        page.loaded = page.evaluate("state => host.load(state)", stage.get_state())
        for _ in range(2):
            page.evaluate("() => host.render()")
        return page

    yield load
    assert page.evaluate("() => problems") == []
    assert [url for url in page.asked if not url.startswith(("blob:", ADDRESS))] == []
    page.close()


def view(page, number):
    return page.locator("body > div").nth(number).locator(".bp-stage")


@pytest.mark.parametrize("name", NAMES)
def test_module_keeps_the_contract(host, name):
    page = host(name)
    assert page.loaded == {"exported": ["default"], "does": ["render"]}
    for number in range(2):
        expect(view(page, number)).to_have_count(1)
        expect(view(page, number)).not_to_have_attribute("data-drawn", "0")
    before = page.evaluate("() => host.model.listeners.length")

    page.evaluate("() => host.end(0)")
    expect(page.locator(".bp-stage")).to_have_count(1)
    assert page.evaluate("() => host.model.listeners.length") == before / 2
    page.evaluate("() => host.end(1)")
    assert page.evaluate("() => host.model.listeners") == []

    page.evaluate("() => host.render()")
    expect(view(page, 2)).not_to_have_attribute("data-drawn", "0")
    assert page.evaluate("() => host.model.listeners.length") == before / 2


def test_views_of_one_model_hold_the_same_cell(host):
    page = host("ConvolutionStage")
    state = "e => e.bpStage.state().held"
    at = view(page, 0).evaluate("e => e.bpStage.cellCenter('z', [0, 1, 0])")
    page.mouse.click(*at)
    page.wait_for_timeout(400)  # the model is told when the page is at rest
    chosen = page.evaluate("() => host.model.get('selected')")
    assert chosen["index"] == [0, 1, 0]
    assert view(page, 1).evaluate(state) == chosen
    assert page.evaluate("() => host.model.saved") >= 1
    page.evaluate("() => host.end(0)")
    page.evaluate("() => host.model.set('selected', null)")  # Python lets it go
    assert view(page, 1).evaluate(state) is None
    page.evaluate("() => host.render()")
    assert view(page, 2).evaluate(state) is None


def test_what_is_filled_in_stands_in_a_new_view(host):
    page = host("Worksheet")
    view(page, 0).get_by_role("textbox").first.fill("7")
    view(page, 0).get_by_role("textbox").nth(1).focus()
    expect(view(page, 1).get_by_role("textbox").first).to_have_value("7")
    page.evaluate("() => host.end(0)")
    page.evaluate("() => host.render()")
    expect(view(page, 2).get_by_role("textbox").first).to_have_value("7")


def test_a_network_gets_its_weights_from_python(host):
    page = host("NetworkStage")
    for number in range(2):
        page.wait_for_timeout(50)
        shown = view(page, number)
        for _ in range(100):
            if shown.evaluate("e => e.bpStage.state().probabilities"):
                break
            page.wait_for_timeout(50)
        assert max(shown.evaluate("e => e.bpStage.state().probabilities")) > 0.9


def test_the_page_allows_no_more_than_a_webview(host):
    page = host("Predict")
    said = page.evaluate(
        """async () => {
            const tried = {
                request: () => fetch("https://other.test/"),
                script: () => import("data:text/javascript,export default 1"),
                eval: async () => new Function("return 1")(),
            };
            const failed = [];
            await new Promise((done) => setTimeout(done));
            for (const [name, act] of Object.entries(tried)) await act().catch(() => failed.push(name));
            await new Promise((done) => setTimeout(done, 100));
            return [failed, problems.splice(0).length];
        }"""
    )
    assert said == [["request", "script", "eval"], 3]
