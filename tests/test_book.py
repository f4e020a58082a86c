"""The book: what it is made of, and what must hold for every page that was built."""

import json
import pkgutil
import re
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from built_pages import broken_links, images_without_words, loaded_from_elsewhere, pages, skipped_headings

import equibook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import book as book_script  # noqa: E402
import reference  # noqa: E402

CHAPTERS = ("notebooks/00_start_here", "notebooks/09_glass_box")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
MODULES = sorted(m.name for m in pkgutil.iter_modules(equibook.__path__) if not m.name.startswith("_"))


def test_all_internal_links_are_reached(book):
    assert {f"{chapter}.html" for chapter in CHAPTERS} <= pages(book).keys()
    assert broken_links(book) == []


def test_nothing_is_loaded_from_elsewhere(book):
    assert loaded_from_elsewhere(book) == []


def test_every_image_has_alternative_text(book):
    assert images_without_words(book) == []


def test_headings_are_in_order(book):
    assert skipped_headings(book) == []


def test_every_page_has_a_language_and_a_title(book):
    assert [page for page, soup in pages(book).items() if soup.html.get("lang") != "en"] == []
    titles = [soup.title.get_text() for soup in pages(book).values()]
    assert all(title.endswith("equibook") for title in titles) and len(set(titles)) == len(titles)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_launch_buttons_lead_to_the_notebook(book, chapter):
    links = {link["href"] for link in pages(book)[f"{chapter}.html"].find_all("a", href=True)}
    repository = CONFIG["repository"]
    name = repository["url"].removeprefix("https://github.com/")
    assert (ROOT / f"{chapter}.ipynb").exists()
    binder = f"https://mybinder.org/v2/gh/{name}/{repository['branch']}?urlpath=lab/tree/{chapter}.ipynb"
    colab = f"https://colab.research.google.com/github/{name}/blob/{repository['branch']}/{chapter}.ipynb"
    assert {binder, colab} <= links


def test_the_repository_is_named_in_one_place():
    places = [*ROOT.glob("*.yml"), *ROOT.glob("*.md"), *ROOT.glob("docs/*.*"), *ROOT.glob("notebooks/*.ipynb")]
    url = CONFIG["repository"]["url"].encode()
    assert [path.name for path in places if url in path.read_bytes()] == ["_config.yml"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_pages_carry_nothing_of_live_widgets_and_no_progress_bar(book, chapter):
    text = (book / f"{chapter}.html").read_text(encoding="utf-8")
    assert "vnd.jupyter.widget" not in text and "model_id" not in text
    assert not re.search(r"\d%\||\d(it|picture)/s", text)
    assert 0 < len(text) <= 5e6


def test_each_interactive_figure_stands_once_and_shows_a_picture_without_script(book):
    figures = [soup.find_all(id=re.compile(r"^equibook-[0-9a-f]+$")) for soup in pages(book).values()]
    names = [figure["id"] for several in figures for figure in several if figure.find("img")]
    assert len(names) == len(set(names)) >= 4


def test_every_chapter_was_run(book):
    for chapter in CHAPTERS:
        notebook = json.loads((book.parent / "jupyter_execute" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert code and all(cell["execution_count"] for cell in code)
        assert not any(output.get("name") == "stderr" for cell in code for output in cell["outputs"])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_installs_on_colab_is_run_and_not_shown(book, chapter):
    executed = (book.parent / "jupyter_execute" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    assert "pip install --quiet" in executed
    assert "pip install --quiet" not in pages(book)[f"{chapter}.html"].get_text()


def test_the_search_finds_words_of_text_and_library(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    data = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    where = {name: place for place, name in enumerate(data["docnames"])}
    for word, page in [("slider", CHAPTERS[0]), ("arrow", CHAPTERS[0]), ("orbit", "docs/glossary")]:
        hits = [data[kind].get(word, []) for kind in ("terms", "titleterms")]
        assert where[page] in [place for hit in hits for place in (hit if isinstance(hit, list) else [hit])]
    assert "equibook.actions" in data["objects"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(book, module):
    topics = reference.read_topics(README)
    homes = [topic.page for topic in topics for modules, _ in topic.rows if module in modules]
    assert len(homes) == 1, f"put {module} on the map of the house in README.md: the reference follows it"
    names = {tag["id"] for tag in pages(book)[f"{homes[0]}.html"].find_all("dt", id=True)}
    assert {f"equibook.{module}.{name}" for name in public_names(module)} <= names


def public_names(name):
    """Return the functions and classes that a module offers."""
    module = import_module(f"equibook.{name}")
    members = {n: v for n, v in vars(module).items() if callable(v) and not n.startswith("_") and v.__doc__}
    own = [n for n, v in members.items() if getattr(v, "__module__", "") == module.__name__]
    return [n for n in getattr(module, "__all__", own) if n in members]


def test_the_map_names_existing_modules():
    rows = [modules for topic in reference.read_topics(README) for modules, _ in topic.rows]
    assert {module for modules in rows for module in modules} <= {*MODULES}


MAP = """
## The map of the house

| | module | says |
|---|---|---|
| ground | `_checks` | what may come in |
| | `groups`, `colour` | x; y |
"""


def test_a_map_is_read():
    made_up = (
        "## The map of the house\n\n| | module | says |\n|---|---|---|\n| ground | `_a` | x |\n| | `b`, `c` | y; z |\n"
    )
    assert reference.read_topics(made_up) == [reference.Topic("Ground", [(["b", "c"], "y; z")])]
    page = reference.write_page(reference.Topic("Layer 1", [(["b"], "y")]))
    assert "# Layer 1" in page and ".. automodule:: equibook.b\n" in page


def test_the_glossary_is_alphabetical():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(\w.*)\n  ", text, re.MULTILINE)
    assert len(terms) >= 60 and terms == sorted(terms, key=str.lower)


TOC = """
root: index
parts:
- caption: one
  chapters: [{file: notebooks/00_a}, {file: notebooks/01_b}]
- caption: two
  chapters: [{file: notebooks/02_c}]
- caption: three
  chapters: [{file: docs/glossary}]
"""


def test_a_small_book_has_the_chosen_chapters_and_the_reference():
    toc = yaml.safe_load(TOC)
    assert book_script.choose_chapters(toc, ["01"]) == ["notebooks/00_a", "notebooks/02_c"]
    assert list(book_script.pages_of(toc)) == ["index", "notebooks/01_b", "docs/glossary"]
    assert [part["caption"] for part in toc["parts"]] == ["one", "three"]


def test_a_whole_book_leaves_nothing_out():
    toc = yaml.safe_load(TOC)
    assert book_script.choose_chapters(toc, []) == []
    assert toc == yaml.safe_load(TOC)


def test_an_unknown_chapter_is_told_of():
    with pytest.raises(ValueError, match=r"`--only` must name chapters, got \['17'\]. There are 00, 01, 02."):
        book_script.choose_chapters(yaml.safe_load(TOC), ["01", "17"])


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("see [b](01_b.ipynb), [c](notebooks/02_c.md#x)", "see [b](01_b.ipynb), c"),
        ("[c](../notebooks/02_c)", "c"),
        ("[*c* d](02_c.ipynb)", "*c* d"),
        ("[c](https://example.org/02_c) ![c](02_c.png) [c](#02_c)",) * 2,
        ("[gone](03_d.ipynb)",) * 2,
    ],
)
def test_links_to_chapters_left_out_become_text(markdown, expected):
    assert book_script.unlink(markdown, ["notebooks/00_a", "notebooks/02_c"]) == expected


def test_solutions_and_what_checks_say_are_folded(tmp_path):
    stored = notebook("see [c](02_c.ipynb)", 'lessons.check("00-1", answer)')
    stored["cells"].append({**stored["cells"][1], "source": ["answer ", "= 3"], "metadata": {"tags": ["solution"]}})
    stored["cells"].append({**stored["cells"][1], "source": "answer"})
    path = tmp_path / "00_a.ipynb"
    path.write_text(json.dumps(stored), encoding="utf-8")
    book_script.copy_notebook(path, path, ["notebooks/02_c"])
    text, *code = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert text["source"] == "see c"
    assert [cell["metadata"].get("tags", []) for cell in code] == [["hide-output"], ["solution", "hide-cell"], []]


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


FAULTS = {
    "a broken link": ("[x](02_gone.ipynb)", "", "cross-reference target not found: '02_gone.ipynb'"),
    "a broken reference": ("{term}`no such term`", "", "term not in glossary: 'no such term'"),
    "a failing cell": ("", "1 / 0", ": division by zero"),
    "a warning": ("", "import warnings\nwarnings.warn('careful')", "stderr was found in the cell outputs"),
    "a live widget alone": ("", "import ipywidgets\nipywidgets.IntSlider()", "no form that works without a kernel"),
}


def test_faults_end_the_build_and_are_told(tmp_path, monkeypatch, capfd):
    chapters = [f"notebooks/{number:02}_page" for number in range(len(FAULTS))]
    root = write(tmp_path / "root", {"index.md": "# Index", "README.md": MAP})
    for chapter, (text, code, _) in zip(chapters, FAULTS.values(), strict=True):
        write(root, {f"{chapter}.ipynb": json.dumps(notebook(f"# Title\n\n{text}", code))})
    write(root, {"_toc.yml": json.dumps({"format": "jb-book", "root": "index", "parts": [part(chapters)]})})
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("*.md", "__*"))
    monkeypatch.setattr(book_script, "ROOT", root)
    assert book_script.build(tmp_path, []) == 1
    told = "".join(capfd.readouterr())
    assert [message for _, _, message in FAULTS.values() if message not in told] == [], told


def part(chapters):
    return {"caption": "all", "chapters": [{"file": name} for name in [*chapters, "docs/api/index"]]}


def notebook(text, code):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text, "id": "text"}]
    if code:
        code = {
            "cell_type": "code",
            "metadata": {},
            "source": code,
            "outputs": [],
            "execution_count": None,
            "id": "code",
        }
        cells.append(code)
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
