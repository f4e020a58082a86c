"""The page on notation: its symbols are those of the chapters, its names are those of the code."""

import json
import re

import pytest
from test_repository import ROOT

import equibook

PAGE = (ROOT / "docs" / "notation.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in PAGE.splitlines() if row.startswith("| $")]
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
GREEK = "alpha beta gamma delta kappa lambda mu xi pi rho sigma theta varphi psi Sigma"
SYMBOL = re.compile(rf"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])|\\(?:{'|'.join(GREEK.split())})(?![A-Za-z])")
COMMON = 3  # a letter of this many chapters belongs onto the page
INDICES = set("aijrc")  # they count, in each formula anew


def formulas(path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown"]
    text = re.sub(r"`[^`]*`", "", "\n".join("".join(cell["source"]) for cell in cells))
    return " ; ".join(displayed or inline for displayed, inline in FORMULA.findall(text))


FORMULAS = {path.name[:2]: formulas(path) for path in sorted(ROOT.glob("notebooks/*.ipynb"))}


def occurs(symbol, text):
    """Say whether a symbol is in formulas, and not only as a part of a longer name."""
    before = "" if symbol.startswith("\\") else r"(?<![A-Za-z\\])"
    after = "(?![A-Za-z])" if symbol[-1].isalpha() else ""
    return re.search(before + re.escape(symbol) + after, text) is not None


def chapters(cell):
    return re.findall(r"\[(\d\d)\]\(", cell)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_symbol_is_in_the_chapters_that_the_page_names(row):
    symbol, _, first, others = row
    (first,) = chapters(first)
    symbol = symbol.strip("$")
    assert [number for number in [first, *chapters(others)] if not occurs(symbol, FORMULAS[number])] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_before_its_first_chapter_a_symbol_has_another_meaning_or_none(row):
    symbol, _, first, others = row
    before = [number for number in FORMULAS if number < chapters(first)[0]]
    earlier = [number for number in before if occurs(symbol.strip("$"), FORMULAS[number])]
    assert set(earlier[:1]) <= set(chapters(others))


def missing(formulas, page):
    """Return the letters that are in the formulas of several chapters, and in no first column of the page."""
    used = [set(SYMBOL.findall(text.replace(r"\mathsf T", ""))) for text in formulas.values()]
    return {
        symbol
        for symbol in set().union(*used) - INDICES
        if sum(symbol in found for found in used) >= COMMON and not any(occurs(symbol, row[0]) for row in page)
    }


def test_every_common_letter_is_on_the_page():
    assert missing(FORMULAS, ROWS) == set()


def test_a_letter_that_is_left_out_is_found():
    assert missing(FORMULAS, [row for row in ROWS if row[0] != r"$\alpha$"]) == {r"\alpha"}
    assert missing(FORMULAS | dict.fromkeys("abc", r"Q \cdot x"), ROWS) == {"Q"}


def test_symbols_are_told_apart():
    assert occurs("C_n", r"D_4 C_n") and not occurs("C", r"\Cal") and not occurs(r"\pi", r"\pix") and occurs("x", "2x")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Za-z_.]+\.[A-Za-z_.]+)`", PAGE))))
def test_a_name_of_the_page_is_one_of_the_code(name):
    found = equibook
    for part in name.split("."):
        found = getattr(found, part)
    assert found.__doc__


def test_every_shape_is_in_a_docstring():
    shapes = set(re.findall(r"`(\(n_[^`]+\))`", PAGE))
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("equibook/*.py")))
    assert len(shapes) >= 4 and [shape for shape in shapes if f"of shape {shape}" not in text] == []
