"""Slides as a lecturer meets them: off line, by the keyboard, and nothing larger than the screen."""

import sys
from pathlib import Path

import nbformat
import pytest
from explorer_page import find_in_page
from slides_page import NEXT, open_slides, too_large

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import slides

PICTURE = """
import numpy as np
from equibook.explorers import Explorer, Slider
Explorer(lambda shade: np.full((60, 90), shade / 100), shade=Slider([0, 50, 100]))
"""
TEXT = "## Formula\n\nHere is $x^2$, and it is\n\n$$\\int_0^1 x^2 \\, dx = \\tfrac13 .$$\n\nAnd the rest is read aloud."


def cell(source, kind=nbformat.v4.new_markdown_cell, **settings):
    return kind(source.strip(), metadata={"slideshow": settings} if settings else {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory, no_cache_of_pictures):
    """The slides of a small chapter, and of the same with a slide that is too long."""
    code = nbformat.v4.new_code_cell
    small = [
        cell("# Small\n\nA chapter.", slide_type="slide"),
        cell(TEXT, slide_type="slide", show=["## Formula", "Here is", "$$"]),
        cell(PICTURE, code, slide_type="subslide"),
        cell("Left out", slide_type="skip"),
        cell("print(6 * 7)", code, slide_type="slide", code=True),
    ]
    long = cell("# Long\n\n" + "- an item of many\n" * 30, slide_type="slide")
    folder, path = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("chapters") / "00_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=small), path)
    assert [page.name for page in slides.make_slides([path], folder)] == ["00_small.slides.html"]
    (folder / "01_long.slides.html").write_text(slides.export(nbformat.v4.new_notebook(cells=[long])), encoding="utf-8")
    return folder


@pytest.fixture
def shown(folder, open_page):
    """The small chapter's slides, off line."""
    page, log = open_page(offline=True)
    assert open_slides(page, folder / "00_small.slides.html") == 4
    yield page
    assert log.faults == []
    page.context.close()


def place(page):
    return page.evaluate("(({ h, v }) => [h, v])(Reveal.getIndices())")


def test_keys_move_on_and_back(shown):
    places = []
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft"):
        shown.keyboard.press(key)
        places.append(place(shown))
    assert places == [[1, 0], [1, 1], [2, 0], [1, 1]]


def test_a_slider_moves_its_picture_and_not_the_slides(shown):
    for _ in range(2):
        shown.evaluate(NEXT)
    (explorer,) = find_in_page(shown)
    assert len(list(explorer.walk(0))) > 3
    assert place(shown) == [1, 1]


def test_formulas_are_drawn_and_the_whole_text_is_in_the_notes(shown):
    shown.evaluate(NEXT)
    assert shown.locator("section.present mjx-container svg").count() >= 2
    assert "read aloud" in shown.locator("section.present aside.notes").first.text_content()
    assert "read aloud" not in shown.locator("section.present section.present").inner_text()


def test_code_is_shown_where_that_is_asked_for(shown):
    text = shown.locator(".reveal .slides").text_content()
    assert "print(6 * 7)" in text and "42" in text
    assert "Explorer(lambda" not in text and "Left out" not in text


def test_nothing_is_larger_than_a_slide(shown):
    assert too_large(shown) == []


def test_a_slide_that_is_too_long_is_found(folder, open_page):
    page, log = open_page(offline=True)
    assert open_slides(page, folder / "01_long.slides.html") == 1
    assert [number for number, _, height in too_large(page) if height > 720] == [1]
    assert log.faults == []
    page.context.close()
