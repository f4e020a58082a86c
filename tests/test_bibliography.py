"""The bibliography has every work that the chapters and pages refer to, and no other; citations lead there."""

import json
import re
import sys

import pytest
import yaml
from pybtex.database import parse_file
from test_repository import ROOT

import equibook

sys.path.insert(0, str(ROOT / "docs"))
import citations

ENTRIES = parse_file(str(citations.BIBLIOGRAPHY)).entries
WORK = re.compile(r"(?:arXiv:|arxiv\.org/abs/)([\w-]+/\d{7}|\d{4}\.\d{4,5})|\b(10\.\d{4,9}/[^\s\])}\"'`,;]*[\w])")
NEEDED = {"article": {"journal"}, "inproceedings": {"booktitle"}, "misc": set(), "book": {"publisher"}}
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def texts():
    """Return what the readers of the book see: pages and the text of notebooks."""
    found = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "index.md", *ROOT.glob("docs/*.md")]}
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[path.name] = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return found


def works_in(text):
    return {number or doi for number, doi in WORK.findall(text)}


PAGES = texts()


@pytest.mark.parametrize("name", PAGES)
def test_every_work_that_is_named_is_in_the_bibliography(name):
    assert works_in(PAGES[name]) <= citations.read_keys().keys()


def test_works_are_found():
    assert works_in("[arXiv:1602.07576](https://arxiv.org/abs/1602.07576), arXiv:cs/0701127.") == {
        "1602.07576",
        "cs/0701127",
    }
    assert works_in("see doi:10.1111/j.1469-1809.1936.tb02137.x.") == {"10.1111/j.1469-1809.1936.tb02137.x"}


def test_every_entry_is_cited_in_a_page():
    cited = {key for text in PAGES.values() for key in re.findall(r"\{cite\}`(\w+)`", citations.cite(text))}
    assert ENTRIES.keys() - cited == set()


def test_every_chapter_cites():
    without = [name for name, text in PAGES.items() if name.endswith(".ipynb") and citations.cite(text) == text]
    assert without == []


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_is_complete(key):
    entry = ENTRIES[key]
    assert {"title", "year"} | NEEDED[entry.type] <= entry.fields.keys() and entry.persons["author"]
    assert {"eprint", "doi"} & entry.fields.keys(), "a reader must be able to find it"
    assert key.endswith(entry.fields["year"])
    family = entry.persons["author"][0].last_names[0]
    assert key[:3] == re.sub(r"[^a-z]", "", family.lower())[:3]


def test_no_work_stands_twice():
    numbers = [entry.fields[name] for entry in ENTRIES.values() for name in ("eprint", "doi") if name in entry.fields]
    assert len(numbers) == len(set(numbers)) == len(citations.read_keys())


def test_a_citation_follows_the_link():
    link = "[arXiv:1602.07576](https://arxiv.org/abs/1602.07576)"
    assert citations.cite(f"Cohen, {link}: lifting.") == f"Cohen, {link} {{cite}}`cohen2016`: lifting."
    assert citations.cite("arXiv:1602.07576, [elsewhere](https://example.org)") == (
        "arXiv:1602.07576, [elsewhere](https://example.org)"
    )


def test_an_unknown_work_is_an_error():
    with pytest.raises(ValueError, match=r"got 9999\.99999\. Add its entry to references\.bib"):
        citations.cite("[arXiv:9999.99999](https://arxiv.org/abs/9999.99999)")


def test_the_project_is_cited_with_the_paper():
    assert CITATION["cff-version"] == "1.2.0" and CITATION["version"] == equibook.__version__
    assert {"title", "message", "authors", "license"} <= CITATION.keys()
    (paper,) = CITATION["references"]
    entry = ENTRIES["manaswini2021"]
    assert paper["title"] == re.sub("[{}]", "", entry.fields["title"]) and str(paper["year"]) == entry.fields["year"]
    assert [author["family-names"] for author in paper["authors"]] == [
        " ".join(person.last_names) for person in entry.persons["author"]
    ]
    assert paper["identifiers"][0]["value"] == f"arXiv:{entry.fields['eprint']}"
