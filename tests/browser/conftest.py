"""One browser and one Jupyter server for all tests here, and beside every failure a picture of the page."""

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest
from driver import VIEWPORT, Notebook, open_browser, serve_jupyter, watch, what_is_missing

PAGES = []  # all that were opened, with their logs


@pytest.fixture(scope="session")
def browser():
    """Chromium; without it the tests are skipped, or fail where EQUIBOOK_REQUIRE_BROWSER is set."""
    if missing := what_is_missing():
        (pytest.fail if os.environ.get("EQUIBOOK_REQUIRE_BROWSER") else pytest.skip)(missing)
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def jupyter(browser, tmp_path_factory, pictures):
    """A running JupyterLab; pictures of explorers that one notebook has drawn are there for the next."""
    folder = tmp_path_factory.mktemp("jupyter")
    with serve_jupyter(folder, EQUIBOOK_CACHE=pictures or str(folder / ".cache")) as server:
        yield server


@pytest.fixture(scope="session")
def open_page(browser):
    """Return a function that opens a page in a context of its own, and returns it with its log."""

    def open_one(**options):
        page = browser.new_context(viewport=VIEWPORT, **options).new_page()
        PAGES.append((page, watch(page)))
        return PAGES[-1]

    return open_one


@pytest.fixture(scope="session")
def run_notebook(jupyter, open_page):
    """Return a function that opens a notebook of the server, runs all cells, and returns it with the page's log."""

    def run(name, app="JupyterLab"):
        if app == "Notebook 7" and not importlib.util.find_spec("notebook"):
            pytest.skip("Notebook 7 not found; install it with python -m pip install notebook")
        page, log = open_page()
        notebook = Notebook(page).open(jupyter, name, app=app).run_all()
        assert notebook.errors() == []
        return notebook, log

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell with a failure what the open pages look like, and what they have said."""
    report = yield
    if report.failed:
        report.sections += [(page.url, describe(page, log)) for page, log in PAGES if not page.is_closed()]
    return report


def describe(page, log):
    """Return where a picture of a page lies, and the last lines of its log."""
    path = Path(tempfile.mkdtemp(prefix="equibook-page-")) / "page.png"
    page.screenshot(path=path)
    return "\n".join([f"picture: {path}", *log.everything[-20:]])
