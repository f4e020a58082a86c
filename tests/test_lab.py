"""A reader's copy of the notebooks: brought up to date, and never overwritten."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from equibook import cli, lab

FIRST, SECOND = lab.FIRST, "part/01_second.ipynb"


@pytest.fixture
def source(tmp_path):
    """Return a folder of two made-up notebooks as they are shipped."""
    folder = tmp_path / "shipped"
    for name in (FIRST, SECOND, ".ipynb_checkpoints/hidden.ipynb"):
        write(folder / name, f"{name} version 1")
    return folder


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "my work" / "notebooks"


@pytest.fixture
def started(monkeypatch, source):
    """Ship the made-up notebooks, and note how JupyterLab would be started instead of starting it."""
    calls = []
    monkeypatch.setattr(lab, "find_notebooks", lambda: source)
    monkeypatch.setattr(lab, "start_jupyterlab", lambda folder, **options: calls.append((folder, options)) or 5)
    return calls


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def contents(folder):
    """Return the visible files of a folder with their texts."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_a_first_copy_holds_every_notebook_and_nothing_hidden(source, mine):
    assert lab.copy_notebooks(source, mine) == {FIRST: "copied", SECOND: "copied"}
    assert contents(mine) == {FIRST: f"{FIRST} version 1", SECOND: f"{SECOND} version 1"}


def test_a_second_copy_changes_nothing(source, mine):
    lab.copy_notebooks(source, mine)
    assert lab.copy_notebooks(source, mine) == {FIRST: "unchanged", SECOND: "unchanged"}


def test_a_readers_edit_is_kept(source, mine):
    lab.copy_notebooks(source, mine)
    write(mine / FIRST, "my own work")
    assert lab.copy_notebooks(source, mine) == {FIRST: "kept", SECOND: "unchanged"}
    assert contents(mine) == {FIRST: "my own work", SECOND: f"{SECOND} version 1"}


def test_an_unchanged_file_is_updated(source, mine):
    lab.copy_notebooks(source, mine)
    write(source / FIRST, "version 2")
    assert lab.copy_notebooks(source, mine)[FIRST] == "updated"
    assert contents(mine)[FIRST] == "version 2"


def test_the_new_version_is_put_beside_a_readers_edit_once(source, mine):
    lab.copy_notebooks(source, mine)
    write(mine / SECOND, "my own work")
    write(source / SECOND, "version 2")
    assert lab.copy_notebooks(source, mine)[SECOND] == "beside"
    assert contents(mine)[SECOND] == "my own work"
    assert contents(mine)["part/01_second.new.ipynb"] == "version 2"
    (mine / "part/01_second.new.ipynb").unlink()  # read and thrown away: it does not come back
    assert lab.copy_notebooks(source, mine)[SECOND] == "kept"
    assert set(contents(mine)) == {FIRST, SECOND}


def test_an_untouched_new_version_gives_way_to_a_newer_one(source, mine):
    lab.copy_notebooks(source, mine)
    write(mine / FIRST, "my own work")
    for version in ("version 2", "version 3"):
        write(source / FIRST, version)
        assert lab.copy_notebooks(source, mine)[FIRST] == "beside"
        assert contents(mine)["00_start_here.new.ipynb"] == version
    assert contents(mine)[FIRST] == "my own work"


def test_a_readers_edit_of_the_new_version_is_kept_too(source, mine):
    lab.copy_notebooks(source, mine)
    write(mine / FIRST, "my own work")
    write(mine / "00_start_here.new.ipynb", "more of my work")
    write(source / FIRST, "version 2")
    for _ in range(2):
        assert lab.copy_notebooks(source, mine)[FIRST] == "blocked"
        assert contents(mine)[FIRST] == "my own work"
        assert contents(mine)["00_start_here.new.ipynb"] == "more of my work"
    (mine / "00_start_here.new.ipynb").rename(mine / "renamed.ipynb")
    assert lab.copy_notebooks(source, mine)[FIRST] == "beside"
    assert contents(mine)["renamed.ipynb"] == "more of my work"


def test_taking_the_new_version_over_ends_the_matter(source, mine):
    lab.copy_notebooks(source, mine)
    write(mine / FIRST, "my own work")
    write(source / FIRST, "version 2")
    lab.copy_notebooks(source, mine)
    (mine / "00_start_here.new.ipynb").replace(mine / FIRST)
    assert lab.copy_notebooks(source, mine)[FIRST] == "unchanged"
    write(source / FIRST, "version 3")
    assert lab.copy_notebooks(source, mine)[FIRST] == "updated"


def test_a_deleted_file_is_restored(source, mine):
    lab.copy_notebooks(source, mine)
    (mine / FIRST).unlink()
    assert lab.copy_notebooks(source, mine)[FIRST] == "restored"
    assert contents(mine)[FIRST] == f"{FIRST} version 1"


@pytest.mark.parametrize(
    "broken", [None, b"", b"{", b"[]", b'{"copied": []}', b'{"copied": {"00_start_here.ipynb": 1}}']
)
def test_without_a_manifest_every_file_counts_as_the_readers(source, mine, broken):
    lab.copy_notebooks(source, mine)
    write(source / FIRST, "version 2")
    (mine / lab.MANIFEST).unlink() if broken is None else (mine / lab.MANIFEST).write_bytes(broken)
    assert lab.copy_notebooks(source, mine) == {FIRST: "beside", SECOND: "unchanged"}
    assert contents(mine)[FIRST] == f"{FIRST} version 1"


def test_a_foreign_file_of_the_same_name_is_kept(source, mine):
    write(mine / FIRST, "here before equibook")
    assert lab.copy_notebooks(source, mine) == {FIRST: "beside", SECOND: "copied"}
    assert contents(mine)[FIRST] == "here before equibook"


def test_a_write_that_fails_leaves_the_old_file_whole(source, mine, monkeypatch):
    lab.copy_notebooks(source, mine)
    write(source / FIRST, "version 2")
    monkeypatch.setattr(os, "replace", raising(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        lab.copy_notebooks(source, mine)
    assert contents(mine)[FIRST] == f"{FIRST} version 1"
    assert [path.name for path in mine.iterdir() if path.name.endswith(".tmp")] == []


NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": "one", "metadata": {"tags": ["solution"]}, "source": ["x = 3\n", "assert x"]}
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
NOTEBOOK["cells"][0] |= {"execution_count": None, "outputs": []}


@pytest.fixture
def chapter(source):
    """Ship one notebook with a solution, and a picture."""
    write(source / FIRST, json.dumps(NOTEBOOK))
    (source / SECOND).unlink()
    (source / "picture.png").write_bytes(b"\x89PNG\xff")
    return source


def answer_in(path):
    return json.loads(path.read_text())["cells"][0]["source"]


def test_readers_get_exercises_and_no_solutions(chapter, mine):
    assert lab.copy_notebooks(chapter, mine) == {FIRST: "copied", "picture.png": "copied"}
    assert answer_in(mine / FIRST)[-1] == "x = ..."
    assert (mine / "picture.png").read_bytes() == b"\x89PNG\xff"
    assert not (mine / "solutions").exists()
    assert set(lab.copy_notebooks(chapter, mine).values()) == {"unchanged"}


def test_solutions_lie_in_a_folder_of_their_own(chapter, mine):
    lab.copy_notebooks(chapter, mine)
    write(mine / FIRST, "my own work")
    outcomes = lab.copy_notebooks(chapter, mine, solutions=True)
    expected = {FIRST: "kept", "picture.png": "unchanged"}
    assert outcomes == expected | {f"solutions/{FIRST}": "copied", "solutions/picture.png": "copied"}
    assert answer_in(mine / "solutions" / FIRST) == ["x = 3\n", "assert x"]
    assert (mine / FIRST).read_text() == "my own work"


def test_to_and_fro_nothing_of_the_reader_is_overwritten(chapter, mine):
    lab.copy_notebooks(chapter, mine, solutions=True)
    for name in (FIRST, f"solutions/{FIRST}"):
        write(mine / name, f"my own {name}")
    for solutions in (False, True, False, True):
        outcomes = lab.copy_notebooks(chapter, mine, solutions=solutions)
        assert outcomes[FIRST] == "kept" and outcomes.get(f"solutions/{FIRST}", "kept") == "kept"
    changed = json.dumps(NOTEBOOK).replace("3", "4")
    write(chapter / FIRST, changed)
    outcomes = lab.copy_notebooks(chapter, mine, solutions=True)
    assert outcomes[FIRST] == "kept" and outcomes[f"solutions/{FIRST}"] == "beside"  # the exercise is as it was
    assert [(mine / name).read_text() for name in (FIRST, f"solutions/{FIRST}")] == [
        f"my own {FIRST}",
        f"my own solutions/{FIRST}",
    ]


def test_an_untouched_copy_from_before_the_exercises_is_updated(chapter, mine):
    write(mine / FIRST, json.dumps(NOTEBOOK))
    write(mine / lab.MANIFEST, json.dumps({"copied": {FIRST: lab._hash((mine / FIRST).read_bytes())}}))
    assert lab.copy_notebooks(chapter, mine)[FIRST] == "updated"
    assert answer_in(mine / FIRST)[-1] == "x = ..."


def test_progress_is_left_alone(chapter, mine):
    lab.copy_notebooks(chapter, mine)
    write(mine / "equibook-progress.json", "{}")
    assert "equibook-progress.json" not in lab.copy_notebooks(chapter, mine, solutions=True)
    assert (mine / "equibook-progress.json").read_text() == "{}"


def test_the_command_copies_solutions_on_demand(started, chapter, mine, capsys):
    assert cli.main(["lab", str(mine)]) == 5 and not (mine / "solutions").exists()
    assert cli.main(["lab", str(mine), "--solutions"]) == 5
    assert capsys.readouterr().out == f"{mine}: 2 copied\n{mine}: 2 copied, 2 unchanged\n"


def raising(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_one_line_says_what_was_done():
    outcomes = {"a.ipynb": "copied", "b.ipynb": "copied", "c.ipynb": "restored", "d.ipynb": "kept"}
    assert lab.describe(outcomes) == "2 copied, 1 restored, 1 kept as you left them"
    assert lab.describe({"a.ipynb": "beside"}) == "1 kept as you left them; new version in a.new.ipynb"
    assert lab.describe({"a.ipynb": "blocked"}) == "1 kept as you left them; to get the new a.ipynb, rename a.new.ipynb"


def test_the_command_copies_says_so_and_hands_on_jupyterlabs_status(started, mine, capsys):
    assert cli.main(["lab", str(mine), "--no-browser", "--port", "8899"]) == 5
    assert capsys.readouterr().out == f"{mine}: 2 copied\n"
    assert started == [(mine, {"browser": False, "port": 8899, "allow_root": False})]


def test_the_default_folder_is_in_the_current_one(started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(["lab"])
    assert (tmp_path / "equibook-notebooks" / FIRST).exists()


def test_a_read_only_folder_is_one_clear_sentence(started, mine, monkeypatch, capsys):
    monkeypatch.setattr(lab, "write_whole", raising(PermissionError(13, "Permission denied")))
    assert cli.main(["lab", str(mine)]) == 2
    shown = capsys.readouterr().err
    assert (
        "cannot write the notebooks into" in shown and "Permission denied" in shown and "equibook lab FOLDER" in shown
    )
    assert started == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(started, mine):
    mine.mkdir(parents=True)
    mine.chmod(0o555)
    assert cli.main(["lab", str(mine)]) == 2


def test_a_file_in_the_place_of_the_folder(started, tmp_path, capsys):
    write(tmp_path / "taken", "a file")
    assert cli.main(["lab", str(tmp_path / "taken")]) == 2
    assert "cannot write the notebooks into" in capsys.readouterr().err


def test_no_notebooks_in_the_installation(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "equibook" / "lab.py"))
    assert cli.main(["lab", str(tmp_path / "mine")]) == 2
    assert "carries no notebooks. Install it anew" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["equibook/notebooks", "notebooks"])
def test_notebooks_are_found_in_a_wheel_and_in_a_checkout(place, tmp_path, monkeypatch):
    write(tmp_path / place / FIRST, "")
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "equibook" / "lab.py"))
    assert lab.find_notebooks() == tmp_path.resolve() / place


def test_a_missing_jupyterlab_is_said(started, mine, monkeypatch, capsys):
    monkeypatch.setattr(lab, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None)))
    assert cli.main(["lab", str(mine)]) == 2
    assert "JupyterLab is not installed. `equibook doctor` says" in capsys.readouterr().err
    assert not mine.exists()


def start(tmp_path, mine, jupyterlab, **options):
    """Start a made-up JupyterLab, given by its code, in a process of its own."""
    write(tmp_path / "modules" / "jupyterlab.py", jupyterlab)
    code = f"from equibook import lab; import pathlib; lab.start_jupyterlab(pathlib.Path({str(mine)!r}), **{options!r})"
    path = os.pathsep.join([str(tmp_path / "modules"), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere JupyterLab is a child process")
def test_jupyterlab_runs_in_the_folder_and_its_status_is_ours(source, mine, tmp_path):
    lab.copy_notebooks(source, mine)
    write(mine / "random.py", "raise SystemExit('a file of the reader stands in for Python')")
    show = "import os, random, sys; print(*sys.argv[1:], os.getcwd(), sep='|'); sys.exit(7)"
    with start(tmp_path, mine, show, browser=False, port=8899, allow_root=True) as process:
        assert process.stdout.read() == f"--no-browser|--port=8899|--allow-root|{FIRST}|{mine.resolve()}\n"
    assert process.returncode == 7


@pytest.mark.skipif(os.name != "posix", reason="elsewhere JupyterLab is a child process")
def test_ctrl_c_reaches_jupyterlab_alone(mine, tmp_path):
    mine.mkdir(parents=True)
    wait = "import signal, time, sys; signal.signal(2, lambda *_: sys.exit(3)); print('up', flush=True); time.sleep(30)"
    with start(tmp_path, mine, wait) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 3


def test_where_jupyterlab_is_a_child_ctrl_c_waits_for_its_end():
    answers = iter([KeyboardInterrupt, KeyboardInterrupt, 4])

    def wait():
        answer = next(answers)
        if answer is KeyboardInterrupt:
            raise answer
        return answer

    assert lab._wait(SimpleNamespace(wait=wait)) == 4
