"""Progress: kept in a reader's folder only, as a whole, and never lost."""

import json
import os
import warnings
from pathlib import Path

import pytest

from equibook import progress
from equibook.progress import FILE, MANIFEST, Tried


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """Start in an empty folder that `equibook lab` did not make, with nothing remembered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_unwritten", {})


@pytest.fixture
def folder(tmp_path):
    """Make the working directory a reader's folder."""
    (tmp_path / MANIFEST).write_text("{}")
    return tmp_path


def restart():
    """Forget what the kernel remembers."""
    progress._unwritten.clear()


def stored():
    return json.loads(Path(FILE).read_text())["exercises"]


def test_elsewhere_nothing_is_written():
    progress.record("00-1", "not yet")
    progress.record("00-1", "done")
    assert os.listdir() == [] and not progress.is_kept()
    assert progress.load() == {"00-1": Tried("done", 2)}
    restart()
    assert progress.load() == {}


def test_in_a_readers_folder_it_outlives_the_kernel(folder):
    progress.record("00-1", "not yet")
    restart()
    progress.record("00-1", "done")
    progress.record("00-2", "not yet")
    restart()
    assert progress.is_kept()
    assert progress.load() == {"00-1": Tried("done", 2), "00-2": Tried("not yet", 1)}
    assert stored() == {"00-1": {"state": "done", "tries": 2}, "00-2": {"state": "not yet", "tries": 1}}
    assert sorted(os.listdir()) == [MANIFEST, FILE]


def test_what_is_not_tried_is_not_noted(folder):
    progress.record("00-1", "not tried")
    assert progress.load() == {} and not Path(FILE).exists()


def test_done_stays_done(folder):
    for state in ("not yet", "done", "not yet", "done"):
        progress.record("00-1", state)
    assert progress.load() == {"00-1": Tried("done", 2)}


def test_a_file_that_is_removed_starts_anew(folder):
    progress.record("00-1", "done")
    Path(FILE).unlink()
    progress.record("00-2", "done")
    assert progress.load().keys() == {"00-2"}


def test_another_kernel_is_not_overwritten(folder):
    progress.record("00-1", "done")
    Path(FILE).write_text('{"exercises": {"09-1": {"state": "done", "tries": 1}}}')
    progress.record("00-2", "done")
    assert progress.load().keys() == {"09-1", "00-2"}


BROKEN = [
    b"", b"{", b"[]", b"3", b"null", b'{"exercises": []}', b'{"exercises": {"00-1": 1}}', b"\xff\xfe{}", b"[" * 100_000,
    b'{"exercises": {"00-1": {"state": "done"}, "00-2": {"states": 1}}}',
    b'{"exercises": {"00-1": {"state": "finished", "tries": 1}}}',
    b'{"exercises": {"00-1": {"state": "done", "tries": -1}}}', b'{"exercises": {"00-1": {"state": [], "tries": 1}}}',
    b'{"exercises": {"00-1": {"state": "done", "tries": true}}}',
    b'{"exercises": {"00-1": {"state": "done", "tries": 1e9}}}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_damaged_file_is_set_aside_and_said(folder, content):
    Path(FILE).write_bytes(content)
    with pytest.warns(
        RuntimeWarning, match="must hold the progress of a reader, got .* It is kept as `equibook-progress.dam"
    ):
        progress.record("00-1", "done")
    assert Path("equibook-progress.damaged.json").read_bytes() == content
    assert stored() == {"00-1": {"state": "done", "tries": 1}}


def test_several_damaged_files_are_all_kept(folder):
    for content in (b"first", b"second", b"third"):
        Path(FILE).write_bytes(content)
        with pytest.warns(RuntimeWarning, match="counting starts anew"):
            progress.load()
    names = [f"equibook-progress.damaged{number}.json" for number in ("", 2, 3)]
    assert [Path(name).read_bytes() for name in names] == [b"first", b"second", b"third"]


def fail(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


def test_a_damaged_file_that_cannot_be_renamed_is_left_as_it_is(folder, monkeypatch):
    Path(FILE).write_bytes(b"{")
    monkeypatch.setattr(Path, "rename", fail)
    progress.record("00-1", "done")
    assert Path(FILE).read_bytes() == b"{" and progress.load() == {"00-1": Tried("done", 1)}


def test_a_folder_that_cannot_be_written_is_remembered_and_later_written(folder, monkeypatch):
    progress.record("00-1", "not yet")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        progress.record("00-1", "done")
        progress.record("00-2", "done")
        assert progress.load() == {"00-1": Tried("done", 2), "00-2": Tried("done", 1)}
        assert stored().keys() == {"00-1"}
    progress.record("09-1", "not yet")
    restart()
    assert progress.load().keys() == {"00-1", "00-2", "09-1"}
    assert sorted(os.listdir()) == [MANIFEST, FILE]


def test_what_was_written_late_is_not_remembered_for_ever(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        progress.record("00-1", "done")
    progress.record("00-2", "done")
    Path(FILE).unlink()
    assert progress.load() == {}


def test_a_file_that_cannot_be_read_is_left_alone(folder, monkeypatch):
    progress.record("00-1", "done")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        progress.record("00-2", "done")
        assert progress.load() == {"00-2": Tried("done", 1)}
    assert stored().keys() == {"00-1"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(folder):
    folder.chmod(0o555)
    progress.record("00-1", "done")
    assert progress.load() == {"00-1": Tried("done", 1)}


def test_nothing_is_said_where_all_is_well(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        progress.record("00-1", "done")
        progress.load()
