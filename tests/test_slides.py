"""Slides: what the chapters' metadata name, what of a text is shown, and that nothing is loaded from elsewhere."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from built_pages import loaded_from_elsewhere
from nbconvert import SlidesExporter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import slides  # noqa: E402

NUMBERS = ("00", "03", "06", "09", "12")
KINDS = {"slide", "subslide", "fragment", "-", "skip", "notes"}
SETTINGS = {"slide_type", "show", "code", "pictures"}
FEWEST, MOST = 12, 25  # slides of a lecture
MOST_WORDS = 100
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def chapters():
    return {path.name[:2]: nbformat.read(path, as_version=4) for path in slides.chapters([])}


def test_five_chapters_have_slides(chapters):
    assert tuple(chapters) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_the_metadata_make_a_lecture(chapters, number):
    notebook = chapters[number]
    cells = [cell for cell in notebook.cells if "remove-cell" not in cell.metadata.get("tags", [])]
    settings = [cell.metadata.get("slideshow", {}) for cell in cells]
    assert [cell.id for cell, its in zip(cells, settings, strict=True) if its.get("slide_type") not in KINDS] == []
    assert all({*its} <= SETTINGS for its in settings)
    assert FEWEST <= slides.number_of_slides(notebook) <= MOST
    shown = {cell.id for cell, its in zip(cells, settings, strict=True) if its["slide_type"] in slides.SHOWN}
    assert {"title", "predict", "predict-quiz", "end"} <= shown
    assert not any("solution" in cell.metadata.get("tags", []) for cell in cells if cell.id in shown)
    explorers = [cell for cell in cells if cell.id in shown and "xplorer(" in cell.source]
    assert len(explorers) >= 2


@pytest.mark.parametrize("number", NUMBERS)
def test_slides_have_few_words(chapters, number):
    notebook = chapters[number]
    words, previous = {}, None
    for cell in slides.write_slides(notebook).cells:
        kind = cell.metadata.slideshow.slide_type if "slideshow" in cell.metadata else "-"
        if kind in ("slide", "subslide"):
            previous = cell.source[:40]
        if cell.cell_type == "markdown" and kind != "notes":
            words[previous] = words.get(previous, 0) + len(re.findall(r"[^\W\d_]{2,}", cell.source))
    assert {slide: n for slide, n in words.items() if n > MOST_WORDS} == {}


TEXT = """\
## Heading

First sentence. Second one, with
a line break? **Bold. And bold again.** In the end $x = 1.5$ (so.) Last.

- item one. With more
  in it
- item two

$$a = b .$$"""


@pytest.mark.parametrize(
    ("beginnings", "expected"),
    [
        (["## H"], "## Heading"),
        (["Second one, with a line"], "Second one, with\na line break?"),
        (["Last", "First"], "First sentence. Last."),
        (["**Bold", "And"], "**Bold. And bold again.**"),
        (["In the end"], "In the end $x = 1.5$ (so.)"),
        (["- item one"], "- item one. With more\n  in it"),
        (["- "], "- item one. With more\n  in it\n- item two"),
        (["$$", "## H"], "## Heading\n\n$$a = b .$$"),
    ],
)
def test_parts_of_a_text_are_chosen(beginnings, expected):
    assert slides.choose(TEXT, beginnings) == expected


@pytest.mark.parametrize(
    ("beginnings", "message"),
    [
        (["Gone"], r"`show` must list how parts of the text begin, got \['Gone'\] for '## Heading.*Give the first"),
        (["**Bold"], r"`show` must take bold text as a whole, got '\*\*Bold.'. Name all sentences that are bold."),
    ],
)
def test_what_cannot_be_shown_is_told(beginnings, message):
    with pytest.raises(ValueError, match=message):
        slides.choose(TEXT, beginnings)


def test_an_unknown_chapter_is_told_of():
    with pytest.raises(ValueError, match=r"slides must be of chapters, got \['01'\]. There are 00, 03, 06, 09, 12."):
        slides.chapters(["01", "00"])


def code_cell(*data, **settings):
    outputs = [nbformat.v4.new_output("display_data", data=one) for one in data]
    return nbformat.v4.new_code_cell("x", outputs=outputs, metadata={"slideshow": {"slide_type": "slide", **settings}})


def test_outputs_are_those_that_work_without_a_kernel():
    figure, bar, text = {WIDGET: {}, "text/html": "figure"}, {WIDGET: {}, "text/plain": "1%"}, {"text/plain": "42"}
    cell = code_cell(figure, bar, text)
    cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="careful"))
    (found,) = slides.write_code(cell)
    assert [dict(output.data) for output in found.outputs] == [{"text/html": "figure"}, {"text/plain": "42"}]
    assert len(cell.outputs) == 4 and found.metadata.tags == [slides.NO_CODE]
    (pictures,) = slides.write_code(code_cell(figure, text, pictures=True, code=True))
    assert [dict(output.data) for output in pictures.outputs] == [{"text/html": "figure"}]
    assert "tags" not in pictures.metadata


def test_what_is_skipped_or_belongs_to_no_page_is_left_out():
    cell = nbformat.v4.new_markdown_cell
    notebook = nbformat.v4.new_notebook(
        cells=[cell("# Name [a](b.ipynb)", metadata={"slideshow": {"slide_type": "slide"}})]
    )
    notebook.cells += [cell("skipped", metadata={"slideshow": {"slide_type": "skip"}}), cell("without settings")]
    notebook.cells.append(cell("x", metadata={"tags": ["remove-cell"], "slideshow": {"slide_type": "slide"}}))
    assert [one.source for one in slides.write_slides(notebook).cells] == ["# Name a"]
    assert slides.number_of_slides(notebook) == 1


def exported(notebook, folder, export):
    folder.mkdir()
    (folder / "page.html").write_text(export(notebook), encoding="utf-8")
    return folder


def test_nothing_is_loaded_from_elsewhere(tmp_path, chapters):
    folder = exported(chapters["00"], tmp_path / "ours", slides.export)
    slides.copy_parts(folder)
    assert loaded_from_elsewhere(folder) == []
    assert (folder / "reveal.js" / "LICENSE").exists()
    theirs = exported(
        chapters["00"], tmp_path / "theirs", lambda notebook: SlidesExporter().from_notebook_node(notebook)[0]
    )
    assert len(loaded_from_elsewhere(theirs)) >= 5  # what nbconvert's own slides would ask the network for


def test_settings_are_stored_as_the_notebook_is():
    for path in slides.chapters([]):
        text = path.read_text(encoding="utf-8")
        assert json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n" == text
