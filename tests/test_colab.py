"""On Google Colab a notebook gets the package by itself; everywhere else that cell does nothing."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("notebooks/*.ipynb"))}


def tagged(notebook):
    return [cell for cell in notebook["cells"] if "colab" in cell["metadata"].get("tags", [])]


SOURCE = "".join(tagged(NOTEBOOKS["00_start_here"])[0]["source"])


def test_all_chapters_are_looked_at():
    assert [name[:2] for name in NOTEBOOKS] == [f"{number:02}" for number in range(len(NOTEBOOKS))]
    assert len(NOTEBOOKS) >= 17


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_has_the_same_cell_before_all_other_code(name):
    code = [cell for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]
    assert tagged(NOTEBOOKS[name]) == code[:1]
    assert code[0]["id"] == "colab" and "remove-cell" in code[0]["metadata"]["tags"]
    assert "".join(code[0]["source"]) == SOURCE and len(code[0]["source"]) <= 8


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs the cell in IPython, with a made-up `%pip`, and returns what that was asked."""

    def run(*, on_colab, missing):
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
        if on_colab:
            monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        real = importlib.util.find_spec
        hidden = {"equibook"} if missing else set()
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in hidden else real(name))
        asked = []
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.register_magic_function(lambda line: asked.append(line), magic_name="pip")
        shell.run_cell(SOURCE).raise_error()
        return asked

    return run


@pytest.mark.parametrize(
    ("on_colab", "missing", "asked"),
    [
        (True, True, ["install --quiet equibook"]),
        (True, False, []),
        (False, True, []),
        (False, False, []),
    ],
)
def test_the_package_is_installed_on_colab_alone_and_where_it_is_missing(run, on_colab, missing, asked):
    assert run(on_colab=on_colab, missing=missing) == asked
