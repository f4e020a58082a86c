"""The guard of the notebooks refuses what it should: made-up notebooks that do one wrong thing each fail."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_guard
import pytest
from harden_notebooks import comparable, first_difference

ROOT = Path(__file__).resolve().parent.parent
WRONG = {
    "reaches": 'import urllib.request\nurllib.request.urlopen("http://192.0.2.1/")',
    "swallows": 'try:\n    open("{elsewhere}/new", "w")\nexcept Exception:\n    pass',
    "warns": 'import warnings\nwarnings.warn("careful")',
    "relies": "left_by_another_notebook",
}
RIGHT = """import os, pathlib, socket, tempfile
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    pass
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "a").write_text("b")
assert not pathlib.Path.home().exists()"""


def run(folder, cells):
    """Run notebooks of one cell each as `run_all.py` does; return the status and what was said."""
    names = []
    for name, source in cells.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(notebook, folder / f"{name}.ipynb")
        names.append(str(folder / f"{name}.ipynb"))
    command = [sys.executable, "-m", "pytest", "-p", "tests.notebook_guard", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["--nbval-current-env", "-c", os.devnull, "--rootdir", str(folder), *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "EQUIBOOK_ORDER": "3"})
    return done.returncode, done.stdout


@pytest.mark.skipif(os.name != "posix", reason="a home that cannot be made is a path of posix")
def test_each_wrong_thing_is_found_and_a_good_notebook_passes(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    status, said = run(tmp_path, {name: text.replace("{elsewhere}", str(elsewhere)) for name, text in WRONG.items()})
    assert status == 1 and "3 failed, 1 passed" in said  # the one that swallows its error is found at the end
    assert "REFUSED: a notebook tried to reach '192.0.2.1'" in said
    assert f"REFUSED: a notebook tried to open {elsewhere / 'new'}" in said and not list(elsewhere.iterdir())
    assert "EQUIBOOK_ORDER=3" in said
    status, said = run(tmp_path, {"right": RIGHT})
    assert status == 0 and "1 passed" in said and "REFUSED" not in said


def test_files_come_in_a_random_order_and_stay_whole():
    class Item:
        def __init__(self, path, cell):
            self.path, self.cell = path, cell

    items = [Item(path, cell) for path in "abcdefgh" for cell in range(3)]
    notebook_guard.shuffle(items, 8)
    assert [item.cell for item in items] == [0, 1, 2] * 8
    assert sorted(item.path for item in items) != [item.path for item in items]


def test_what_differs_between_two_runs_is_said():
    shown = [("stdout", "a 0x7f12\n"), ("stdout", "b 1\n")]
    assert comparable(shown) == comparable([("stdout", "a 0x9a34\nb 1\n")])
    other = comparable([("stdout", "a 0x9a34\nb 2\n")])
    assert first_difference(comparable(shown), other) == "b 1 | b 2"
