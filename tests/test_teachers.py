"""The page for teachers: its plans add up, its tables agree with the chapters, and its commands are there."""

import json
import re
from operator import attrgetter
from pathlib import Path

import pytest
from test_repository import ROOT

import equibook as eq
from equibook import cli, lab, progress
from equibook.exercises import list_exercises

PAGE = (ROOT / "docs" / "teachers.md").read_text(encoding="utf-8")
NUMBERS = tuple(f"{number:02}" for number in range(17))
LINK = re.compile(r"\[(\d\d)\]\(\.\./notebooks/(\w+\.ipynb)\)")


def section(heading):
    return re.split(r"^#+ ", PAGE.partition(f"# {heading}")[2], maxsplit=1, flags=re.MULTILINE)[0]


def cells_of(table):
    """Return the cells of each line of tables below their heads."""
    lines = re.sub(r"^\|.*\n\|[-:|]+$", "", table, flags=re.MULTILINE).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


# --- the chapters, as they are stored ---


@pytest.fixture(scope="module")
def chapters():
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[path.name[:2]] = [cell | {"source": "".join(cell["source"])} for cell in cells]
    return found


def minutes_of(cells):
    return int(re.search(r"\*\*Time:\*\* about (\d+) minutes", cells[0]["source"])[1])


def needed_before(cells):
    """Return what is needed, the chapters among it, and those that are good to have."""
    text = re.search(r"\*\*Needed before:\*\*(.*?)\*\*Time", cells[0]["source"], re.DOTALL)[1]
    needed, _, good = " ".join(text.split()).partition("good to have")
    return text, *(", ".join(sorted(re.findall(r"\((\d\d)_\w+\.ipynb\)", part))) for part in (needed, good))


def heading_cell(cells, title):
    pattern = re.compile(rf"^#+ (\d\. )?{re.escape(title)}( \(\w+, \d+ minutes\))?$", re.MULTILINE)
    return next((cell for cell in cells if cell["cell_type"] == "markdown" and pattern.search(cell["source"])), None)


# --- plans and tables ---


def test_all_chapters_are_linked_as_they_are_named():
    assert {(number, name) for number, name in LINK.findall(PAGE)} == {
        (path.name[:2], path.name) for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert tuple(sorted({number for number, _ in LINK.findall(PAGE)})) == NUMBERS


def test_other_links_lead_to_pages():
    links = re.findall(r"\]\((\w+\.md)\)", PAGE)
    assert len(links) >= 3 and all((ROOT / "docs" / link).exists() for link in links)


def test_the_lecture_takes_the_minutes_of_its_heading():
    rows = cells_of(section("One lecture (90 minutes)"))
    assert sum(int(minutes) for minutes, *_ in rows) == 90


def test_each_of_three_lectures_takes_the_minutes_of_their_heading():
    lectures = re.split(r"^\*\*\d\. .*\*\*$", section("Three lectures (3 × 90 minutes)"), flags=re.MULTILINE)[1:]
    assert [sum(int(minutes) for minutes, *_ in cells_of(lecture)) for lecture in lectures] == [90, 90, 90]


@pytest.mark.parametrize("plan", ["One lecture (90 minutes)", "Three lectures (3 × 90 minutes)"])
def test_plans_name_sections_that_are_there(chapters, plan):
    for *_, chapter, what in cells_of(section(plan)):
        number = LINK.match(chapter)[1] if chapter != "–" else (re.findall(r"exercise of (\d\d)", what) or ["00"])[0]
        titles = re.findall(r"\*([^*]+)\*", what)
        assert titles or chapter == "–"
        assert [title for title in titles if heading_cell(chapters[number], title) is None] == []


def test_what_the_lecture_shows_stands_on_slides(chapters):
    with_slides = {n for n, cells in chapters.items() if cells[0]["metadata"].get("slideshow")}
    rows = [(LINK.match(chapter)[1], what) for _, chapter, what in cells_of(section("One lecture")) if chapter != "–"]
    assert {number for number, _ in rows} == with_slides == {"00", "03", "06", "09", "12"}
    for number, what in rows:
        kinds = [
            heading_cell(chapters[number], title)["metadata"]["slideshow"]["slide_type"]
            for title in re.findall(r"\*([^*]+)\*", what)
        ]
        assert {*kinds} <= {"slide", "subslide"}
    assert heading_cell(chapters["03"], "Exercises")["metadata"]["slideshow"]["slide_type"] == "skip"


def test_as_many_slides_as_the_page_says(chapters):
    stated = re.search(r"have slides, (\d+) to (\d+) each", section("Slides")).groups()
    kinds = [[cell["metadata"].get("slideshow", {}).get("slide_type") for cell in cells] for cells in chapters.values()]
    counts = [sum(kind in ("slide", "subslide") for kind in of_one) for of_one in kinds if "slide" in of_one]
    assert (min(counts), max(counts)) == tuple(map(int, stated)) and len(counts) == 5


def read_week(cell):
    """Return the chapters and the minutes of a cell such as `00, 01: 75 min`."""
    numbers, _, minutes = cell.partition(": ")
    return re.findall(r"\d\d", numbers), int(minutes.removesuffix(" min") or 0)


def test_six_weeks_cover_each_chapter_once_in_an_order_that_serves(chapters):
    heading = re.search(r"Six weeks \((\d+) minutes in class, (\d+) at home\)", PAGE)
    weeks = [[read_week(cell) for cell in cells] for _, *cells in cells_of(section("Six weeks"))]
    order = [number for week in weeks for numbers, _ in week for number in numbers]
    assert sorted(order) == list(NUMBERS) and len(weeks) == 6
    for numbers, minutes in (half for week in weeks for half in week):
        assert sum(minutes_of(chapters[number]) for number in numbers) == minutes
    at_home, in_class = (sum(week[half][1] for week in weeks) for half in (0, 1))
    assert (in_class, at_home) == tuple(map(int, heading.groups()))
    for number in order:
        needed = re.findall(r"\d\d", " ".join(needed_before(chapters[number])[1:]))
        assert all(order.index(earlier) < order.index(number) for earlier in needed)


def test_what_chapters_assume_is_what_they_say(chapters):
    rows = {LINK.match(cells[0])[1]: cells[1:] for cells in cells_of(section("What each chapter assumes"))}
    assert tuple(rows) == NUMBERS
    for number, (minutes, to_know, of_book) in rows.items():
        text, needed, good = needed_before(chapters[number])
        assert int(minutes) == minutes_of(chapters[number])
        assert of_book == (needed or "–") + (f"; better {good}" if good else "")
        words = [] if to_know == "–" else to_know.split("; ")
        assert [word for word in words if word.lower() not in " ".join(text.lower().split())] == []


def test_exercises_and_their_minutes_are_counted():
    exercises = list_exercises()
    assert f"{len(exercises)} exercises, {sum(one.minutes for one in exercises)} minutes" in PAGE


# --- commands, files and code ---


def test_commands_and_files_are_there():
    spoken = re.findall(r"`([^`\n]+)`", PAGE.replace("```", ""))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {text.split()[1] for text in spoken if text.startswith("make ")}
    assert targets == {"lab", "slides", "book"} and all(f"\n{target}: " in makefile for target in targets)
    ours = [text.split()[1:] for text in spoken if text.startswith("equibook ")]
    assert {words[0] for words in ours} == {"lab", "doctor"} and ["lab", "FOLDER", "--solutions"] in ours
    for words in ours:
        assert cli.make_parser(words[0]).parse_args(words).command == words[0]
    files = [text.split()[-1] for text in spoken if re.fullmatch(r"(python )?[\w/]+\.(py|yml|cff)", text)]
    assert len(files) >= 4 and [name for name in files if not (ROOT / name).exists()] == []


def test_names_of_the_library_are_there():
    names = re.findall(r"`eq\.([\w.]+)", PAGE)
    assert len(names) >= 2 and all(attrgetter(name)(eq) for name in names)


def test_the_lines_for_a_hub_copy_chapters_without_solutions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, hub = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(hub, {})
    copies = sorted(Path("equibook-notebooks").rglob("*.ipynb"))
    assert [path.name[:2] for path in copies] == list(NUMBERS) and '"solution"' not in copies[1].read_text("utf-8")
    lab.copy_notebooks(lab.find_notebooks(), tmp_path / "with", solutions=True)
    assert '"solution"' in (tmp_path / "with" / "solutions" / copies[1].name).read_text("utf-8")


def test_the_line_for_a_class_makes_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ada", "ben"):
        Path("collected", name).mkdir(parents=True)
        known = '{"exercises": {"00-1": {"state": "done", "tries": 2}}}'
        Path("collected", name, progress.FILE).write_text(known)
    (summary,) = re.findall(r"```python\n(.*?)```", section("Who has done what"), re.DOTALL)
    given, _, line = summary.strip().rpartition("\n")
    names = {}
    exec(given, names)
    assert eval(line, names).rows == [["ada", "✓ 2"], ["ben", "✓ 2"], ["done by", "2 of 2"]]
