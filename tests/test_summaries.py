"""Summaries: the reader's table and the teacher's, which survives a bad file and names it."""

import json

import pytest

from equibook import progress
from equibook.exercises import Exercise
from equibook.progress import FILE, MANIFEST, Tried
from equibook.summaries import Table, summarise_reader, summarise_readers


def made_up(name):
    return Exercise(name, f"Title of {name}", "easy", 3, "a number", "So it is.", lambda answer: None)


BOOK = [made_up(name) for name in ("00-1", "00-2", "05-1", "09-10")]


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_unwritten", {})


def hand_in(folder, **states):
    """Write the progress of one reader, as in `_00_1="done"`."""
    entries = {name[1:].replace("_", "-"): {"state": state, "tries": 2} for name, state in states.items()}
    folder.mkdir(parents=True)
    (folder / FILE).write_text(json.dumps({"exercises": entries}))


def test_a_reader_sees_the_chapters_that_were_tried():
    progress.record("00-2", "not yet")
    progress.record("00-2", "done")
    progress.record("09-10", "not yet")
    table = summarise_reader(BOOK)
    assert table.caption == "1 of 4 exercises of the book done; this is remembered until the kernel stops."
    assert table.rows == [
        ["00-1", "Title of 00-1", "easy", "○ not tried", "0"],
        ["00-2", "Title of 00-2", "easy", "✓ done", "2"],
        ["09-10", "Title of 09-10", "easy", "✗ not yet", "1"],
    ]


def test_a_reader_who_tried_nothing_sees_all(tmp_path):
    (tmp_path / MANIFEST).write_text("{}")
    table = summarise_reader(BOOK)
    assert [row[0] for row in table.rows] == ["00-1", "00-2", "05-1", "09-10"]
    assert table.caption == "0 of 4 exercises of the book done; this is kept in equibook-progress.json."


def test_a_teacher_sees_every_reader_and_totals(tmp_path):
    hand_in(tmp_path / "anna", _00_1="done", _09_10="not yet")
    hand_in(tmp_path / "ben" / "equibook-notebooks", _00_1="done")
    hand_in(tmp_path / "eve", _00_1="not yet", _88_1="done")
    (tmp_path / "nobody").mkdir()
    table = summarise_readers(tmp_path, BOOK)
    assert list(table.head) == ["reader", "00-1", "09-10", "88-1"]
    assert table.rows == [
        ["anna", "✓ 2", "✗ 2", "○"],
        ["ben/equibook-notebooks", "✓ 2", "○", "○"],
        ["eve", "✗ 2", "○", "✓ 2"],
        ["done by", "2 of 3", "0 of 3", "1 of 3"],
    ]
    assert table.notes == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"exercises": 3}', b"\xff", b"[" * 100_000])
def test_a_bad_file_is_named_and_the_others_are_read(tmp_path, content):
    hand_in(tmp_path / "anna", _00_1="done")
    hand_in(tmp_path / "ben")
    (tmp_path / "ben" / FILE).write_bytes(content)
    table = summarise_readers(tmp_path, BOOK)
    assert [row[0] for row in table.rows] == ["anna", "done by"] and table.rows[-1][1] == "1 of 1"
    assert len(table.notes) == 1 and table.notes[0].startswith("ben is left out: `equibook-progress.json` must hold")
    assert (tmp_path / "ben" / FILE).read_bytes() == content


def test_a_folder_in_the_place_of_a_file_is_named_too(tmp_path):
    (tmp_path / "anna" / FILE).mkdir(parents=True)
    table = summarise_readers(tmp_path, BOOK)
    assert table.rows == [["done by"]] and table.notes[0].startswith("anna is left out:")


def test_a_folder_without_readers(tmp_path):
    with pytest.raises(ValueError, match=r"`folder` must hold folders of readers, .* got none in .* Put the collected"):
        summarise_readers(tmp_path, BOOK)


def test_a_table_as_text_and_as_html():
    table = Table("A caption", ["name", "n"], [["<b>", "12"], ["c", "3"]], ["A & B"])
    bundle = table._repr_mimebundle_()
    assert bundle["text/plain"] == str(table) == "A caption\n\nname  n\n<b>   12\nc     3\n\nA & B"
    shown = bundle["text/html"].replace(' style="text-align: left; padding: .2em .8em"', "")
    assert "A caption</caption>" in shown and '<th scope="col">name</th>' in shown and "<p>A &amp; B</p>" in shown
    assert '<tr><th scope="row">&lt;b&gt;</th><td>12</td></tr>' in shown


def test_tried_is_what_progress_says():
    assert Tried() == Tried("not tried", 0)
