"""The first use of each term is a link; what is defined in a chapter is in the glossary, and what is there is used."""

import json
import re
import sys
from pathlib import Path

import pytest
from built_pages import pages
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.parsers.docutils_ import Parser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import terms  # noqa: E402

TERMS = re.findall(r"^(\w.*)\n  ", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
WORDS = terms.make_vocabulary(TERMS)
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FEWEST = 10  # terms of a chapter
BEFORE = "called|call it|forms? its|known as|this is|these are"  # what is defined
DEFINING = re.compile(rf"(?i:{BEFORE})\s+(?:the |a |an )?\*+([^*]+?)\.?\*+")


def text_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def read(markdown):
    settings = {"report_level": 5, "myst_enable_extensions": ["dollarmath"]}
    return publish_doctree(markdown, parser=Parser(), settings_overrides=settings)


def link(term, text):
    return nodes.reference("", text, term=term)


def linked(markdown, words=WORDS, seen=()):
    """Link the terms of a text, and return it with the links in brackets."""
    page = read(markdown)
    terms.link_terms(page, words, link, seen)
    for node in list(page.findall(nodes.reference)):
        if "term" in node:
            node.parent.replace(node, nodes.Text(f"[{node.astext()}]"))
    return " ".join(page.astext().split())


@pytest.fixture(scope="module")
def chapters():
    """Each chapter's text with its links, and the terms that were linked."""
    found = {}
    for path in CHAPTERS:
        page = read(text_of(path))
        found[path.stem] = page, terms.link_terms(page, WORDS, link, terms.NOT_ON.get(path.stem, []))
    return found


def links_of(page):
    return [node for node in page.findall(nodes.reference) if "term" in node]


def test_every_term_is_linked_from_a_chapter(chapters):
    assert len(TERMS) > 100 and len(chapters) == len(CHAPTERS) > 0
    used = set().union(*(found for _, found in chapters.values()))
    assert sorted({*TERMS} - used) == [], "leave it out of the glossary, or give its other forms in docs/terms.py"


@pytest.mark.parametrize("chapter", [path.stem for path in CHAPTERS])
def test_each_term_is_linked_once(chapters, chapter):
    page, found = chapters[chapter]
    links = links_of(page)
    assert len(links) == len(found) >= FEWEST
    assert {node["term"] for node in links} == found


@pytest.mark.parametrize("chapter", [path.stem for path in CHAPTERS])
def test_no_link_stands_where_none_belongs(chapters, chapter):
    forbidden = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.title, nodes.strong, nodes.raw)
    for node in links_of(chapters[chapter][0]):
        above = node.parent
        while above is not None:
            assert not isinstance(above, (*forbidden, nodes.reference)), node.astext()
            above = above.parent


def test_the_text_of_a_chapter_stays(chapters):
    for path in CHAPTERS:
        assert read(text_of(path)).astext() == chapters[path.stem][0].astext()


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Two orbits meet. An orbit", "Two [orbits] meet. An orbit"),
        ("Accuracies and accuracy", "[Accuracies] and accuracy"),
        ("ORBIT", "[ORBIT]"),
        ("An *orbit* of one", "An [orbit] of one"),
        ("group correlations of a group", "[group correlations] of a [group]"),
        ("a *transposed\nconvolution*", "a [transposed convolution]"),
        ("Its equivariance, lifted", "Its [equivariance], [lifted]"),
        ("cross-spectra", "[cross-spectra]"),
        ("O(2) is more than SO(2)", "[O(2)] is more than [SO(2)]"),
        ("| orbit |\n|---|\n| group |", "[orbit] [group]"),
        ("# Orbit\n\nAn orbit", "Orbit An [orbit]"),
        ("a `group` and $group$, then group", "a group and group, then [group]"),
        ("```\ngroup\n```", "group"),
        ("[the group](https://example.org) **group** <b>group</b>", "the group group <b>[group]</b>"),
        ("<details>\ngroup\n</details>", "<details> group </details>"),
        ("grouped, subgroup, group-wise, orbital", "grouped, subgroup, group-wise, orbital"),
        ("In this order, three in turn; without a kernel", "In this order, three in turn; without a kernel"),
        (
            "# Name\n\n## One\n\n## Sources\n\n*A theory of orbits*: an orbit",
            "Name One Sources A theory of orbits: an [orbit]",
        ),
    ],
)
def test_what_is_linked(markdown, expected):
    assert linked(markdown) == expected


def test_terms_already_linked_are_left():
    assert linked("orbit and group", seen=["orbit"]) == "orbit and [group]"


def test_without_a_glossary_nothing_is_linked():
    assert linked("orbit", terms.make_vocabulary([])) == "orbit"


def test_exceptions_are_needed():
    everything = "\n\n".join(text_of(path) for path in CHAPTERS)
    assert [pattern for pattern in terms.OTHER_SENSES if not re.search(rf"\b(?:{pattern})", everything, re.I)] == []
    assert {*terms.FORMS} <= {*TERMS} and {term for page in terms.NOT_ON.values() for term in page} <= {*TERMS}
    for page, left_out in terms.NOT_ON.items():
        (path,) = [path for path in [*CHAPTERS, *ROOT.glob("docs/*.md")] if path.stem == page]
        text = path.read_text(encoding="utf-8") if path.suffix == ".md" else text_of(path)
        assert {*left_out} <= terms.link_terms(read(text), WORDS, link), page


def defined(markdown):
    """Return what a text says to be called so."""
    plain = re.sub(r"\$[^$]*\$|`[^`]*`", "", markdown)
    return {" ".join(found.split()) for found in DEFINING.findall(plain)}


def test_what_a_chapter_defines_is_in_the_glossary():
    found = {name for path in CHAPTERS for name in defined(text_of(path))}
    assert len(found) >= 15
    assert sorted(name for name in found if not WORDS.pattern.fullmatch(name)) == []


def test_a_missing_definition_is_found():
    assert defined("Such a thing is called a *wibble*. It is *not* one.") == {"wibble"}
    assert not WORDS.pattern.fullmatch("wibble") and WORDS.pattern.fullmatch("orbits")


# --- the built pages ---


def term_links(soup):
    return [tag for tag in soup.find_all("a") if tag.find(class_="std-term")]


def test_the_pages_have_the_same_links(book, chapters):
    for name in ("00_start_here", "09_glass_box"):
        shown = [" ".join(tag.get_text().split()) for tag in term_links(pages(book)[f"notebooks/{name}.html"].article)]
        assert shown == [" ".join(node.astext().split()) for node in links_of(chapters[name][0])]


def test_links_lead_to_the_glossary_and_say_what_a_term_is(book):
    for page, soup in pages(book).items():
        for tag in term_links(soup):
            place = tag["href"].partition("#")[2]
            assert pages(book)["docs/glossary.html"].find("dt", id=place), (page, tag)
    links = term_links(pages(book)["notebooks/00_start_here.html"])
    assert sum(bool(tag.get("title")) for tag in links) >= len(links) / 2


def test_entries_of_the_glossary_link_each_other_and_not_themselves(book):
    entries = pages(book)["docs/glossary.html"].select("dl.glossary > dt")
    assert len(entries) == len(TERMS)
    for entry in entries:
        definition = entry.find_next_sibling("dd")
        places = [tag["href"].removeprefix("#") for tag in term_links(definition)]
        assert entry["id"] not in places
        plain = " ".join(
            text for text in definition.find_all(string=True) if not text.find_parent(["a", "mjx-container"])
        )
        text = re.sub(r"\\\(.*?\\\)", " ", plain)
        forms = [WORDS.term_of.get(" ".join((m["form"] or "").lower().split())) for m in WORDS.pattern.finditer(text)]
        own = " ".join(entry.find(string=True, recursive=False).split())
        missing = {
            term
            for term in forms
            if term and term != own and f"term-{nodes.make_id(term)}" not in map(str.lower, places)
        }
        assert missing == set(), own
