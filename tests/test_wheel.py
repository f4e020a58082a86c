"""The wheel and the sdist: what they carry, and what a new user gets who installs the wheel outside the repository.

By default the clean environment takes its libraries from this one, and a notebook is run to its first interactive
figure. EQUIBOOK_CLEAN_INSTALL=1 installs them from the index, and runs it whole: minutes, and gigabytes.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from clean_environment import FROM_INDEX, ROOT, make_environment, n_cells_run, variables
from lab_server import running
from test_repository import FILES, name

from equibook.readers_copy import make_readers_copy

FIRST = "00_start_here.ipynb"
CHAPTERS = sorted(path.name for path in ROOT.glob("notebooks/*.ipynb"))
QUICK = "01_convolution.ipynb"
NOT_IN_SDIST = ".ci/"
# What lies about in a tree that is worked in. None of it may travel.
LITTER = (
    ".venv/lib/module.py",
    "_build/html/index.html",
    "build/lib/equibook/old.py",
    "dist/equibook-0.0.1-py3-none-any.whl",
    "equibook/__pycache__/lab.cpython-311.pyc",
    "equibook/.DS_Store",
    "equibook-notebooks/00_start_here.ipynb",
    "notebooks/.ipynb_checkpoints/00_start_here-checkpoint.ipynb",
    "notebooks/equibook-progress.json",
    "notebooks/.equibook.json",
    "tests/__pycache__/conftest.cpython-311.pyc",
)
LIBRARIES = Path(sysconfig.get_path("data")) / "share" / "jupyter"
UNIX = pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT for another process")


def build(tree, output, *options):
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", output, *options, tree]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a tree with litter in it: `wheel` from the tree, `sdist`, and `second`, the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    for path in FILES:
        (tree / name(path)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tree / name(path))
    for litter in LITTER:
        (tree / litter).parent.mkdir(parents=True, exist_ok=True)
        (tree / litter).write_text("litter")
    (wheel,) = build(tree, folder / "from the tree", "--wheel").glob("*.whl")
    both = build(tree, folder / "from the sdist")
    (sdist,), (second,) = both.glob("*.tar.gz"), both.glob("*.whl")
    return SimpleNamespace(wheel=wheel, sdist=sdist, second=second, tree=tree)


def in_wheel(path):
    """Return what a wheel carries, and apart from it what describes the wheel: names with sizes."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    about = {found for found in sizes if ".dist-info/" in found}
    return {found: sizes[found] for found in sizes.keys() - about}, {found.partition("/")[2] for found in about}


def stored(tree, *folders):
    """Return what is stored in some folders of the tree: names with sizes."""
    names = [name(path) for path in FILES if name(path).startswith(folders)]
    return {found: (tree / found).stat().st_size for found in names}


def test_the_wheel_carries_the_package_with_notebooks_and_a_page_and_nothing_else(built):
    carried, about = in_wheel(built.wheel)
    beside = stored(built.tree, "notebooks/", "docs/troubleshooting.md")
    assert carried == stored(built.tree, "equibook/") | {f"equibook/{found}": size for found, size in beside.items()}
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/LICENSE-TEXT.md"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"notebooks/00_start_here\.ipynb",
        r"docs/troubleshooting\.md",
        r"py\.typed",
        r"weights/\w+\.safetensors",
        r"weights/\w+\.json",
        r"templates/\w+\.html",
        r"browser/\w+\.js",
        r"browser/\w+\.css",
        r"exercises/chapter_00\.json",
    ],
)
def test_what_no_program_runs_without_is_in_the_wheel(pattern, built):
    assert [found for found in in_wheel(built.wheel)[0] if re.fullmatch(f"equibook/{pattern}", found)] != []


def test_the_sdist_carries_what_is_stored(built):
    with tarfile.open(built.sdist) as archive:
        carried = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert carried - {"PKG-INFO"} == {name(path) for path in FILES if not name(path).startswith(NOT_IN_SDIST)}


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_tree(built):
    assert built.second.name == built.wheel.name and built.second.read_bytes() == built.wheel.read_bytes()


def test_they_are_small(built):
    assert max(built.wheel.stat().st_size, built.sdist.stat().st_size) < 10e6  # most is the trunk of AlexNet, 4.9 MB


@pytest.fixture(scope="module")
def clean(built, tmp_path_factory):
    """Install the wheel into a clean environment: `python`, `command`, the variables, and an empty folder of a user."""
    folder = tmp_path_factory.mktemp("clean")
    python = make_environment(folder / "environment", FROM_INDEX)
    told = variables(python, folder / "home", FROM_INDEX)
    if not FROM_INDEX:  # JupyterLab and its extensions lie beside this environment's packages
        told |= {"JUPYTER_PATH": str(LIBRARIES), "JUPYTERLAB_DIR": str(LIBRARIES / "lab")}
    options = [] if FROM_INDEX else ["--no-deps"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *options, built.wheel], env=told, check=True)
    user = folder / "user"
    user.mkdir()
    equibook = python.with_name("equibook.exe" if os.name == "nt" else "equibook")
    return SimpleNamespace(python=python, command=equibook, told=told, folder=folder, user=user)


def run(clean, *command, cwd=None):
    return subprocess.run(command, cwd=cwd or clean.user, env=clean.told, capture_output=True, text=True)


def test_what_is_imported_is_the_wheel(clean):
    asked = (
        "import equibook, equibook.lab as lab, json; print(json.dumps([equibook.__file__, str(lab.find_notebooks())]))"
    )
    places = json.loads(run(clean, clean.python, "-c", asked).stdout)
    assert [place for place in places if not Path(place).is_relative_to(clean.folder / "environment")] == []


def test_every_file_is_as_the_wheel_records_it(built, clean):
    with zipfile.ZipFile(built.wheel) as archive:
        (record,) = (found for found in archive.namelist() if found.endswith("RECORD"))
        names = [row[0] for row in csv.reader(io.StringIO(archive.read(record).decode()))]
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        place = Path(run(clean, clean.python, "-c", asked).stdout.strip())
        carried = [found for found in names if ".dist-info/" not in found]
        assert [found for found in carried if (place / found).read_bytes() != archive.read(found)] == []


def test_the_demo(clean):
    done = run(clean, clean.command, "demo")
    assert done.returncode == 0, done.stderr
    assert "Classes 3, 8: trained on 100 upright images" in done.stdout
    assert (clean.user / "equibook-demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not FROM_INDEX, reason="of borrowed libraries the doctor would say what tests/test_doctor.py holds")
def test_nothing_is_missing_in_the_eyes_of_the_doctor(clean):
    done = run(clean, clean.command, "doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("Nothing necessary is missing.\n") and "equibook 0." in done.stdout


def test_a_notebook_runs(clean):
    shipped = nbformat.read(ROOT / "notebooks" / QUICK, as_version=4)
    code = (
        "import nbformat, sys; from nbclient import NotebookClient; from equibook.lab import find_notebooks\n"
        f"notebook = nbformat.read(find_notebooks() / {QUICK!r}, 4)\n"
        f"del notebook.cells[{n_cells_run(shipped, FROM_INDEX)}:]\n"
        "notebook.cells.append(nbformat.v4.new_code_cell('import equibook; print(equibook.__file__)'))\n"
        "NotebookClient(notebook, timeout=300, kernel_name='python3').execute()\n"
        "print(notebook.cells[-1].outputs[0].text)"
    )
    done = run(clean, clean.python, "-c", code)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(clean.folder / "environment")


def source_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"]]


@UNIX
def test_jupyterlab_opens_chapter_00(clean):
    with running(clean.command, clean.user, clean.told, clean.folder / "lab.log") as server:
        assert server.said == f"equibook-notebooks: {len(CHAPTERS)} copied"
        status, page = server.page(f"lab/tree/{FIRST}")
        config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
        assert status == 200 and config["treePath"] == FIRST
        loaded = {extension["name"] for extension in config["federated_extensions"]}
        assert {"anywidget", "@jupyter-widgets/jupyterlab-manager"} <= loaded
        listed = json.loads(server.page("api/contents")[1])["content"]
        assert sorted(entry["name"] for entry in listed) == CHAPTERS
        shipped = nbformat.read(ROOT / "notebooks" / FIRST, as_version=4)
        assert source_of(server.notebook(FIRST)) == source_of(make_readers_copy(shipped))
        assert server.page("api/contents/17_missing.ipynb")[0] == 404
        assert server.stop() == 0
        assert not server.answers()
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


@pytest.fixture
def shipped_notebooks(clean):
    """Return the folder of notebooks in the installed package, and afterwards make it as it was."""
    asked = "from equibook.lab import find_notebooks as f; print(f())"
    folder = Path(run(clean, clean.python, "-c", asked).stdout.strip())
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    for path in folder.iterdir():
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def add_text(path, text):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell(text))
    nbformat.write(notebook, path)


@UNIX
def test_a_second_start_keeps_the_readers_edits_and_tells_of_what_is_new(clean, shipped_notebooks, tmp_path):
    edited, beside, updated, other = CHAPTERS[1:5]
    with running(clean.command, tmp_path, clean.told, tmp_path / "lab.log") as server:
        for changed in (edited, beside):
            notebook = server.notebook(changed)
            notebook["cells"][1]["source"] = "my own words"
            server.save(changed, notebook)
        assert server.stop() == 0
    for changed in (beside, updated):  # a new version of the package is installed
        add_text(shipped_notebooks / changed, "a new version")
    shutil.copy(shipped_notebooks / FIRST, shipped_notebooks / "17_new.ipynb")
    with running(clean.command, tmp_path, clean.told, tmp_path / "lab.log") as server:
        new = beside.replace(".ipynb", ".new.ipynb")
        counts = f"1 copied, 1 updated, {len(CHAPTERS) - 3} unchanged, 2 kept as you left them"
        assert server.said == f"equibook-notebooks: {counts}; new version in {new}"
        for changed in (edited, beside):
            assert source_of(server.notebook(changed))[1] == "my own words"
            assert "a new version" not in source_of(server.notebook(changed))
        for changed in (updated, new):
            assert source_of(server.notebook(changed))[-1] == "a new version"
        assert source_of(server.notebook("17_new.ipynb")) == source_of(server.notebook(FIRST))
        assert "my own words" not in source_of(server.notebook(other))
        assert server.stop() == 0
