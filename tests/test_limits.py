"""The page on limits says what the benchmark found, and its smallest claims hold here."""

import re

import numpy as np
from test_repository import ROOT

from equibook import Representation, actions, datasets

PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
SECTION = RESULTS.partition("## `python benchmarks/limits.py`")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| (?P<name>[^|]+) \|(?P<figures>(?: [\d.]+ ± [\d.]+ \|)+)$", re.MULTILINE)


def rows(text):
    return {(match["name"], match["figures"]) for match in ROW.finditer(text)}


def figure(name, column):
    (figures,) = (figures for row, figures in rows(SECTION) if row == name)
    return float(figures.split("|")[column].split("±")[0])


def test_every_figure_of_the_page_is_one_of_the_results():
    assert len(rows(PAGE)) >= 17 and rows(PAGE) <= rows(SECTION)


def test_another_figure_would_be_found():
    assert not rows(PAGE.replace("97.9 ± 0.6", "98.9 ± 0.6")) <= rows(SECTION)


def test_the_sentences_follow_from_the_figures():
    alike = figure("cut out, b d p q n u", 0) - figure("cut out, b d p q n u", 1)
    assert round(alike) == 13
    assert figure("shifted, pixels 0", 1) / figure("shifted, pixels 2", 1) > 1.9
    assert figure("clutter, pieces 1", 2) < figure("clutter, pieces 1", 1) < 30


def test_features_cannot_tell_which_way_an_image_stands_and_coefficients_can():
    images = datasets.load_digits(classes=(3,))[0][:20].astype(np.float64)
    layer, turned = Representation().fit(images), actions.rotate(images, 180)
    np.testing.assert_allclose(layer.transform(turned), layer.transform(images), atol=1e-10)
    assert np.abs(np.asarray(layer.coefficients(turned)) - np.asarray(layer.coefficients(images))).max() > 0.01
