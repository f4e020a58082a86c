"""The report: whole, self-contained, with words for every picture, and safe with any name."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from equibook import datasets
from equibook.report import as_frame, to_html
from equibook.sides import SIDES
from equibook.study import study_images

EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def study():
    X, y = datasets.load_photographs(size=32)
    rows = np.random.default_rng(0).permutation(len(y))[:50]
    return study_images(X[rows], np.where(y[rows] == "flower", EVIL, "bär"), translation="fixed", weights="digits")


@pytest.fixture(scope="module")
def page(study):
    left_out = {Path("folder") / "bär" / f"{EVIL}.png": "it cannot be read: <b>"}
    return to_html(study, title=f"a & b {EVIL}", left_out=left_out, model_file="my.skops")


@pytest.fixture(scope="module")
def soup(page):
    return BeautifulSoup(page, "html.parser")


def test_names_are_text_not_code(page, soup):
    assert soup.find("script") is None and page.count("<script") == 0
    assert soup.h1.text == f"a & b {EVIL}" and soup.title.text.startswith(f"a & b {EVIL}")
    assert EVIL in soup.find(class_="files").text


def test_nothing_is_loaded_from_anywhere(soup, page):
    sources = [tag[name] for name in ("src", "href") for tag in soup.find_all(attrs={name: True})]
    assert sources and all(source.startswith("data:") for source in sources)
    assert not re.search(r"https?://|@import|url\(", page)
    assert len(page.encode()) <= 5e6


def test_it_can_be_read_without_eyes(soup):
    assert soup.html["lang"] == "en" and soup.find("meta", attrs={"name": "viewport"})
    levels = [int(tag.name[1]) for tag in soup.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    assert all(len(tag["alt"]) > 10 for tag in soup.find_all("img"))
    assert all(tag["role"] == "img" and len(tag["aria-label"]) > 10 for tag in soup.find_all("svg"))
    assert len(soup.find_all("img")) >= 6 and len(soup.find_all("svg")) >= 2
    assert all(tag.get("scope") for tag in soup.find_all("th"))


def test_it_holds_the_figures(study, soup):
    text = " ".join(soup.text.split())
    for side in SIDES:
        for view in ("upright", "turned"):
            assert f"{100 * study.right(side, view).value:.1f} %" in text
        assert all(f"{found.ratio:.3f}" in text for found in study.separation[side].values())
    assert "equibook predict my.skops" in text and "1 of the files" in text
    assert all(style in str(soup.style) for style in ("prefers-color-scheme: dark", "@media print", "max-width: 30rem"))


def test_pictures_are_read_anew_where_there_are_files(study, tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(len(study.labels))]
    Image.new("RGB", (500, 400), (200, 30, 30)).save(files[0])
    for path in files[1:-1]:
        path.write_bytes(files[0].read_bytes())
    with_files = to_html(study, files=files)  # the last one has gone
    assert (
        with_files.count("data:image/jpeg") == to_html(study).count("data:image/jpeg") and files[3].name in with_files
    )


def test_a_vote_is_shown_without_parts():
    X, y = datasets.load_shapes(27, classes=("L", "disc", "star"), random_state=0)
    page = to_html(study_images(X, y, classifier="rbf_svm", translation="fixed", weights="digits"))
    assert "cannot be split into parts" in page and "data:image/png" not in page and "data:image/jpeg" in page


def test_many_classes_get_a_list_in_place_of_a_table():
    rng = np.random.default_rng(0)
    y = np.repeat([f"class {i:02}" for i in range(14)], 2)
    X = rng.uniform(size=(28, 1, 16, 16)).astype(np.float32)
    page = to_html(study_images(X, y, translation="fixed", weights="digits"))
    assert "matrix" not in page.split("</style>")[1] and "taken for class" in page


def test_a_frame_holds_the_whole_page(page):
    frame = BeautifulSoup(as_frame(page), "html.parser").iframe
    assert frame["srcdoc"] == page and frame["title"] == "The report"
