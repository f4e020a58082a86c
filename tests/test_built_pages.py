"""The checks of built pages are tried on pages with faults, and on pages without."""

import pytest
from built_pages import broken_links, images_without_words, loaded_from_elsewhere, skipped_headings


def page_with(body, name="page.html"):
    return {name: f'<html lang="en"><head></head><body><article>{body}</article></body></html>'}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "broken",
    [
        '<a href="gone.html">',
        '<a href="#gone">',
        '<a href="b.html#gone">',
        '<img src="x.png">',
        '<a href="../outside.html">',
    ],
)
def test_a_broken_link_is_found(tmp_path, broken):
    folder = write(tmp_path / "book", page_with(broken))
    write(tmp_path, {"outside.html": "", "book/b.html": ""})
    target = broken.split('"')[1]
    assert broken_links(folder) == [f"page.html: {target}"]


def test_links_that_lead_somewhere_are_no_faults(tmp_path):
    fine = '<p id="a"><a href="#a"><a href="sub/b.html#b"><a href="https://example.org/x"><img src="data:,x">'
    assert broken_links(write(tmp_path, {**page_with(fine), "sub/b.html": '<a name="b"><a href="../page.html">'})) == []


@pytest.mark.parametrize(
    "loading",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<script type="module">import x from "https://cdn.example.org/x.js"</script>',
        '<link rel="stylesheet" href="http://example.org/x.css">',
        '<link rel="preconnect" href="https://fonts.example.org">',
        '<img src="https://example.org/x.png">',
        '<img srcset="https://example.org/x.png 2x">',
        '<iframe src="https://example.org"></iframe>',
        '<object data="https://example.org/x.svg"></object>',
        '<style>@import "https://example.org/x.css";</style>',
        '<p style="background: url(https://example.org/x.png)">',
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(tmp_path, loading):
    assert len(loaded_from_elsewhere(write(tmp_path, page_with(loading)))) == 1


def test_a_style_sheet_that_loads_from_elsewhere_is_found(tmp_path):
    assert loaded_from_elsewhere(write(tmp_path, {"x.css": "a { src: url('//example.org/x.woff2') }"})) != []


def test_links_and_names_load_nothing(tmp_path):
    body = '<a href="https://example.org">x</a><script>const name = "http://www.w3.org/2000/svg"</script>'
    assert (
        loaded_from_elsewhere(write(tmp_path, page_with(body + '<img src="x.png"><link rel="next" href="//x">'))) == []
    )


@pytest.mark.parametrize("image", ['<img src="x.png">', '<img src="x.png" alt=" ">'])
def test_an_image_without_words_is_found(tmp_path, image):
    assert len(images_without_words(write(tmp_path, page_with(image)))) == 1
    assert images_without_words(write(tmp_path / "fine", page_with('<img alt="a digit">'))) == []


@pytest.mark.parametrize("headings", ["<h2></h2>", "<h1></h1><h3></h3>", "<h1></h1><h1></h1>", "<h2></h2><h1></h1>"])
def test_a_skipped_heading_is_found(tmp_path, headings):
    assert len(skipped_headings(write(tmp_path, page_with(headings)))) == 1
    assert skipped_headings(write(tmp_path / "fine", page_with("<h1></h1><h2></h2><h3></h3><h2></h2>"))) == []
