"""The book as a reader meets it: off line and without a kernel its figures answer; nothing hinders any reader."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from accessibility import broken_rules
from driver import wait_until
from explorer_page import find_in_page
from figure_page import ShownFigure
from quiz_page import answer_all

CHAPTERS = ["notebooks/00_start_here.html", "notebooks/09_glass_box.html"]
OTHERS = [
    "index.html",
    "docs/glossary.html",
    "docs/api/index.html",
    "docs/api/layer-1.html",
    "genindex.html",
    "search.html",
]


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, open_page, book):
    """A chapter of the built book, from a file and off line."""
    page, log = open_page(offline=True)
    page.goto((book / request.param).as_uri())
    yield page
    assert log.faults == []
    page.context.close()


@pytest.fixture(scope="module")
def site(browser, book):
    """The address of the built book, served on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=book)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing of each request."""


def test_every_control_moves_its_picture(chapter):
    states, shown = chapter.locator("[id^=equibook-][id$=-state]"), chapter.locator(".equibook, .eqlive")
    wait_until(lambda: shown.count() == states.count(), "every state is shown as a figure", patience=60)
    explorers = find_in_page(chapter)
    assert explorers
    for explorer in explorers:
        for i in range(len(explorer.controls)):
            assert len(list(explorer.walk(i))) > len(explorer.controls[i]["texts"])


@pytest.mark.parametrize("chapter", CHAPTERS[:1], indirect=True)
def test_the_worked_case_turns(chapter):
    ShownFigure(chapter).turn_through()


def test_the_quizzes_answer(chapter):
    assert answer_all(chapter) > 0


def test_the_search_finds_a_word(site, open_page):
    page, log = open_page()
    page.goto(f"{site}/index.html")
    page.keyboard.press("Control+k")
    page.locator("input[type=search]:visible").fill("equivariant")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#search-results .search-summary')?.textContent.includes('found')")
    found = page.locator("#search-results li > a").evaluate_all("links => links.map((link) => link.pathname)")
    assert {"/notebooks/00_start_here.html", "/docs/glossary.html", "/docs/api/layer-1.html"} <= set(found)
    assert log.faults == []
    page.context.close()


@pytest.fixture
def unfolded(request, site, open_page):
    """Return a function that opens a page with all that is folded unfolded, on a light ground or a dark one."""

    def show(name, scheme):
        page, log = open_page(color_scheme=scheme)
        logs.append(log)
        page.goto(f"{site}/{name}")
        assert page.locator("html").get_attribute("data-theme") == scheme
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
        return page

    logs = []
    yield show
    assert [log.faults for log in logs] == [[]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CHAPTERS + OTHERS)
def test_no_rule_of_accessibility_is_broken(unfolded, name, scheme):
    page = unfolded(name, scheme)
    assert broken_rules(page) == []
    for is_correct in ("true", "false"):
        for answer in page.locator(f".Quiz label[data-correct={is_correct}]").all():
            answer.click()
        assert name not in CHAPTERS or broken_rules(page, ".Quiz") == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("image-alt", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
        ("button-name", "<button></button>"),
        ("color-contrast", '<p style="color: #777; background: #888">hard to read</p>'),
        ("label", "<input type=range>"),
    ],
)
def test_a_broken_rule_is_found(unfolded, rule, source, scheme):
    page = unfolded("index.html", scheme)
    page.locator("article, main").first.evaluate("(node, source) => { node.innerHTML += source; }", source)
    assert [line.partition(":")[0] for line in broken_rules(page)] == [rule]
    page.context.close()
