"""What is stored: clean notebooks, no path of one machine, no exact pin of torch, no pickle."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.}/-])/(?:home|root|tmp|work|Users)/|[A-Z]:\\+Users")
EXACT_PIN = re.compile(r"torch(?:vision)?(?:-cpu)?\s*(?:={1,3}|~=)\s*[\d\"']")
UNPICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HARMLESS = {"joblib.hashing"}  # it writes only
NOT_STORED = {
    ".git",
    ".venv",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "_build",
    "build",
    "dist",
}
MAX_LINES = 12


def stored_files():
    """Return the files that are, or are about to be, under version control; without git all but builds and caches."""
    call = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [ROOT / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not NOT_STORED & {*path.relative_to(ROOT).parts}]
    return sorted(path for path in paths if path.is_file())


def text_of(path):
    """Return the text of a file, or nothing for pictures, weights and the like."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


FILES = stored_files()
NOTEBOOKS = [path for path in FILES if path.suffix == ".ipynb"]


def name(path):
    return path.relative_to(ROOT).as_posix()


def code_cells(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def faults_of_notebook(notebook):
    """Return what is wrong with a stored notebook: one sentence per fault."""
    faults = []
    for number, cell in enumerate(notebook["cells"]):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            faults.append(f"cell {number} is stored with its output or count")
        if cell["cell_type"] == "code" and len("".join(cell["source"]).splitlines()) > MAX_LINES:
            faults.append(f"cell {number} has more than {MAX_LINES} lines")
    if not any(re.search(r"^\s*assert\b", code, re.MULTILINE) for code in code_cells(notebook)):
        faults.append("no claim is executed: there is no assert")
    return faults


def unpickling(source):
    """Return the ways in which Python source could run code from a data file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in UNPICKLERS:
            found |= {node.module} - HARMLESS
        elif isinstance(node, ast.Call):
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if ast.unparse(node.func) == "torch.load" and keywords.get("weights_only") != "True":
                found.add("torch.load")
            if keywords.get("allow_pickle", "False") != "False":
                found.add("allow_pickle")
    return found


def without_magics(code):
    return re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.MULTILINE)


def python_of(path):
    """Return the Python source of a module or of a notebook's cells."""
    if path.suffix == ".py":
        return text_of(path)
    return "\n".join(without_magics(code) for code in code_cells(json.loads(text_of(path))))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_stored_clean(path):
    assert faults_of_notebook(json.loads(text_of(path))) == []


def test_no_path_of_one_machine():
    found = {name(path): match.group() for path in FILES if (match := MACHINE_PATH.search(text_of(path)))}
    assert found == {}


def test_torch_is_never_pinned_exactly():
    places = [ROOT / "pyproject.toml", *(path for path in FILES if path.parent.name == "binder")]
    assert {name(path): EXACT_PIN.findall(text_of(path)) for path in places if EXACT_PIN.search(text_of(path))} == {}


def test_no_pickle_outside_tests():
    paths = [path for path in FILES if path.suffix in (".py", ".ipynb") and not name(path).startswith("tests/")]
    assert {name(path): found for path in paths if (found := unpickling(python_of(path)))} == {}


def test_the_files_are_seen():
    assert {"pyproject.toml", "binder/environment.yml", "equibook/cli.py"} <= {name(path) for path in FILES}
    assert "notebooks/00_start_here.ipynb" in [name(path) for path in NOTEBOOKS]


def made_up(*codes, **changes):
    return {"cells": [{"cell_type": "code", "source": code, "outputs": [], **changes} for code in codes]}


@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (made_up("assert True", outputs=[{"output_type": "stream"}]), "cell 0 is stored with its output or count"),
        (made_up("assert True", execution_count=3), "cell 0 is stored with its output or count"),
        (made_up("assert True", ["x = 1\n"] * 13), "cell 1 has more than 12 lines"),
        (made_up("x = 1  # assert x"), "no claim is executed: there is no assert"),
    ],
)
def test_a_faulty_notebook_is_found(notebook, fault):
    assert faults_of_notebook(notebook) == [fault]


def test_a_faultless_notebook_passes():
    text = {"cell_type": "markdown", "source": ["a line\n"] * 40}
    assert (
        faults_of_notebook({"cells": [text, *made_up("x = 1\n" * 11 + "assert x", execution_count=None)["cells"]]})
        == []
    )


@pytest.mark.parametrize("folder", ["home", "root", "tmp", "work", "Users"])
def test_a_path_of_one_machine_is_found(folder):
    assert MACHINE_PATH.search(f'open("/{folder}/someone/digits.csv")')
    assert MACHINE_PATH.search("C:" + r"\Users\someone")
    assert not MACHINE_PATH.search(f"https://example.org/{folder}/page ../{folder}/file ${{HOME}}/{folder}/file")


@pytest.mark.parametrize("pin", ["torch==2.6", "torchvision == 0.21", "pytorch-cpu=2.6", "torch~=2.6", "torch === '2'"])
def test_an_exact_pin_is_found(pin):
    assert EXACT_PIN.search(pin)


@pytest.mark.parametrize("bound", ["torch>=2.6", "pytorch-cpu>=2.6,<3", "torchvision != 0.22", "torch", "torch = true"])
def test_a_bound_is_no_exact_pin(bound):
    assert not EXACT_PIN.search(bound)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", {"pickle"}),
        ("def f():\n    from joblib import load", {"joblib"}),
        ("from joblib.hashing import NumpyHasher", set()),
        ("torch.load(path)", {"torch.load"}),
        ("torch.load(path, weights_only=False)", {"torch.load"}),
        ("np.load(path, allow_pickle=True)", {"allow_pickle"}),
        ("torch.load(path, weights_only=True); np.load(path, allow_pickle=False); load(path)", set()),
    ],
)
def test_unpickling_is_found(source, found):
    assert unpickling(source) == found
