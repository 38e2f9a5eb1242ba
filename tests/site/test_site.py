"""The site: it builds without a warning, its links lead somewhere, its pages can be seen, read and heard."""

import itertools
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from tests.tool_loader import ROOT

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
WITH_FORMULAS = ["notebooks/07_convolution_input.html", "notebooks/formula_sheet.html"]
LOOKED_AT = [
    "index.html",
    "notebooks/98_stages.html",
    *WITH_FORMULAS,
    "assignments/README.html",
    "api/layers.html",
]
# What scrolls can be reached with the keyboard: a script of the theme sees to it, a little after a change.
SCROLLING = "pre, .cell_output > .output, .pst-scrollable-table-container"
REACHED = f"""() => [...document.querySelectorAll("{SCROLLING}")].every((e) =>
    (e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight) || e.tabIndex === 0)"""
# A lesson has thousands of coloured words of code, and hundreds of formulas. One of each kind is enough for
# the contrast, and takes a fraction of the time.
ONE_OF_EACH_KIND = """() => {
    const seen = new Set();
    for (const word of document.querySelectorAll("pre span[class]")) {
        if (seen.has(word.className)) word.replaceWith(...word.childNodes);
        seen.add(word.className);
    }
    for (const formula of document.querySelectorAll("mjx-container")) {
        const place = formula.closest("p, li, td, th, summary, figcaption, h1, h2, h3, div").tagName;
        if (seen.has(place)) formula.remove();
        seen.add(place);
    }
}"""


class Page(HTMLParser):
    """What a page holds: anchors, links, loaded files, headings, pictures without a description or a size."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loads, self.levels, self.undescribed = set(), [], [], [], []
        self.unsized = []
        self.in_article = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("script", "img", "iframe", "source") and values.get("src"):
            self.loads.append(values["src"])
        if tag == "link" and values.get("href") and values.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(values["href"])
        if tag == "img" and not (values.get("alt") or "").strip():
            self.undescribed.append(values.get("src"))
        if tag == "img" and "_images/" in values.get("src", "") and not {"width", "height"} <= values.keys():
            self.unsized.append(values["src"])
        self.in_article |= tag == "article"
        if self.in_article and re.fullmatch("h[1-6]", tag):  # the theme keeps another title, for paper only
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag):
        self.in_article &= tag != "article"


@pytest.fixture(scope="module")
def pages(site):
    """{path: Page} of all pages."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith(("_static/", "lite/")):
            found[name] = Page(path.read_text(encoding="utf-8"))
    return found


def test_every_lesson_has_its_page(pages):
    assert LESSONS
    assert {f"notebooks/{name}.html" for name in LESSONS} <= pages.keys()
    guides = {"assignments/README.html", "CONTRIBUTING.html", "ARCHITECTURE.html", "api/layers.html"}
    assert {"index.html", "search.html", "notebooks/start_here.html", *guides} <= pages.keys()


def test_links_inside_the_site_lead_somewhere(pages, site):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            target, anchor = urldefrag(urljoin(f"/{name}", link))
            target, anchor = unquote(target).lstrip("/"), unquote(anchor)
            if not (site / target).is_file():
                broken.append(f"{name}: {link}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                broken.append(f"{name}: {link} (no such place on the page)")
    assert sum(len(page.links) for page in pages.values()) > 500
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages):
    elsewhere = [
        (name, load[:200])
        for name, page in pages.items()
        for load in page.loads
        if "//" in load.split("?")[0] and not load.startswith("data:")
    ]
    assert elsewhere == []


def test_every_picture_is_described(pages):
    undescribed = {name: page.undescribed for name, page in pages.items() if page.undescribed}
    assert undescribed == {}


def test_every_picture_has_its_size_before_it_arrives(pages):
    unsized = {name: page.unsized for name, page in pages.items() if page.unsized}
    assert unsized == {}


def test_one_title_and_no_level_is_skipped(pages):
    for name, page in pages.items():
        levels = page.levels
        if name in ("search.html", "genindex.html", "py-modindex.html"):
            continue
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name


@pytest.fixture
def look(browser, address):
    """A function that opens a page, waits for its formulas and returns it with what went wrong."""
    opened = []

    def look(name):
        page = browser.new_page()
        opened.append(page)
        problems = []
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda r: None if r.url.startswith((address, "data:", "blob:")) else problems.append(r.url),
        )
        page.goto(address + name, wait_until="load")
        page.wait_for_function("document.documentElement.dataset.complete")
        return page, problems

    yield look
    for page in opened:
        page.close()


def settings(page):
    """Show a page in two themes and widths: contrast hangs on the theme, what fits on the width."""
    for theme, width in (("light", 1280), ("dark", 400)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        page.wait_for_function(REACHED)
        yield theme, width


@pytest.mark.parametrize("name", LOOKED_AT)
def test_page_can_be_seen_and_heard(look, require_tool, name):
    page, problems = look(name)
    for _, width in settings(page):
        # Wide things scroll in their own box.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("mjx-merror").count() == 0
    if name in WITH_FORMULAS:
        assert page.locator("mjx-container").count() > 20
    assert page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).length") == 0
    assert problems == []

    page.evaluate(ONE_OF_EACH_KIND)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
    for theme, _ in settings(page):
        found = _axe(require_tool).run(page, options=rules).response["violations"]
        told = [
            f"{theme}, {v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}" for v in found
        ]
        assert told == []


def _axe(require_tool):
    require_tool("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def test_search_finds_a_word_of_a_lesson(browser, address):
    page = browser.new_page()
    page.goto(address + "search.html?q=rotation")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert page.locator("#search-results li a").count() > 0
    page.close()
