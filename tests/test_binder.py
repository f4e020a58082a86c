"""What Binder builds: its list of packages, its scripts, and postBuild itself, run in a clean environment.

By default the environment takes its libraries from this one, and chapter 01 alone is run, to its first interactive
figure. EQUIBOOK_CLEAN_INSTALL=1 installs everything from the index and runs all chapters: gigabytes, and half an hour.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import tomllib
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from clean_environment import FROM_INDEX, ONE_THREAD, ROOT, copy_repository, make_environment, n_cells_run, variables
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from equibook import alexnet
from equibook.pretrained import cached_file
from equibook.readers_copy import make_readers_copy

BINDER = ROOT / "binder"
ENVIRONMENT = yaml.safe_load((BINDER / "environment.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ON_PYPI = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib", "dask-core": "dask"}
CHAPTERS = [] if FROM_INDEX else ["01"]
COMMANDS = ["-m pip install", "binder/readers_copies.py", "binder/cache_weights.py", "binder/cache_frames.py"]
UNIX = pytest.mark.skipif(os.name == "nt", reason="Binder's scripts are bash's")


def listed(environment):
    """Return what an environment.yml lists: PyPI's names with conda's bounds."""
    entries = environment["dependencies"]
    (by_pip,) = (entry["pip"] for entry in entries if isinstance(entry, dict))
    names = [re.fullmatch(r"([\w-]+)(.*)", entry).groups() for entry in [*entries, *by_pip] if isinstance(entry, str)]
    return {ON_PYPI.get(name, name): bound for name, bound in names if name != "pip"}


def wanted(project):
    """Return what the package needs, with its part on clusters: names with PyPI's bounds."""
    lines = [*project["dependencies"], *project["optional-dependencies"]["dask"]]
    return {made.name: made.specifier for made in map(Requirement, lines)}


def faults(environment, project):
    """Return how an environment.yml and a pyproject.toml disagree: one sentence per fault."""
    found, needed = listed(environment), wanted(project)
    python = re.fullmatch(r"=(3\.\d+)", found.pop("python", ""))
    if not python or python[1] not in SpecifierSet(project["requires-python"]):
        yield "python is not pinned to a minor version that the package allows"
    yield from (f"{name} is missing" for name in needed.keys() - found.keys())
    yield from (f"{name} is not needed" for name in found.keys() - needed.keys())
    for name in needed.keys() & found.keys():
        lower = re.fullmatch(r">=([\d.]+)", found[name])
        if not lower or lower[1] not in needed[name]:
            yield f"{name}{found[name]} does not promise {needed[name]}"
    if "conda-forge" not in environment["channels"]:
        yield "conda-forge is no channel"


def test_the_packages_are_those_of_the_project():
    assert list(faults(ENVIRONMENT, PROJECT)) == []
    assert listed(ENVIRONMENT).keys() >= {"torch", "dask", "jupyterquiz"}


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("skops>=0.15", None, "skops is missing"),
        ("jupyterquiz>=2.9.6", None, "jupyterquiz is missing"),
        ("distributed>=2024.8", None, "distributed is missing"),
        ("scipy>=1.13", "scipy>=1.12", "scipy>=1.12 does not promise >=1.13"),
        ("scipy>=1.13", "scipy", "scipy does not promise >=1.13"),
        ("pytorch-cpu>=2.6", "pytorch-cpu<3", "torch<3 does not promise >=2.6"),
        ("pip", "einops>=1", "einops is not needed"),
        ("python=3.12", "python=3.10", "python is not pinned to a minor version that the package allows"),
        ("python=3.12", "python>=3.12", "python is not pinned to a minor version that the package allows"),
        ("python=3.12", None, "python is not pinned to a minor version that the package allows"),
        ("conda-forge", "defaults", "conda-forge is no channel"),
    ],
)
def test_a_list_that_disagrees_is_found(before, after, fault):
    environment = copy.deepcopy(ENVIRONMENT)
    lists = [environment["channels"], environment["dependencies"], environment["dependencies"][-1]["pip"]]
    (place,) = (entries for entries in lists if before in entries)
    place[:] = [after if entry == before else entry for entry in place if after or entry != before]
    assert list(faults(environment, PROJECT)) == [fault]


def test_a_package_that_only_the_project_has_is_found():
    project = PROJECT | {"dependencies": [*PROJECT["dependencies"], "einops>=0.8"]}
    assert list(faults(ENVIRONMENT, project)) == ["einops is missing"]


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_the_scripts_are_bash_and_may_be_run(name):
    assert (BINDER / name).read_bytes().startswith(b"#!/bin/bash\n")
    assert os.name == "nt" or os.access(BINDER / name, os.X_OK)


@UNIX
def test_start_limits_threads_and_hands_on_what_it_starts():
    said = 'echo $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS "$@"; exit 3'
    call = [BINDER / "start", "bash", "-c", said, "name", "two words"]
    clean = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run(call, env=clean, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("1 1 1 two words\n", 3)


@UNIX
@pytest.mark.parametrize("n_right", range(len(COMMANDS) + 1))
def test_the_first_command_that_fails_ends_the_build(n_right, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\necho "$*" >> calls\n[ "$(wc -l < calls)" -le {n_right} ]\n')
    python.chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", BINDER / "postBuild"], cwd=tmp_path, env=os.environ | path)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call for call, command in zip(calls, COMMANDS, strict=False) if not call.startswith(command)] == []
    assert (len(calls), done.returncode) == (min(n_right + 1, 4), int(n_right < 4))


NO_HOST = """
import os, sys
if sys.orig_argv[-1].endswith("cache_weights.py"):
    os.environ.update(https_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9", no_proxy="", NO_PROXY="")
"""


def shorten(path):
    """Leave of a notebook what is run here, and its solutions."""
    notebook = nbformat.read(path, as_version=4)
    n_run = n_cells_run(notebook, FROM_INDEX)
    notebook.cells[n_run:] = [cell for cell in notebook.cells[n_run:] if "solution" in cell.metadata.get("tags", [])]
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Run postBuild in a copy of the repository, in a clean environment, while the weights' host does not answer."""
    folder = tmp_path_factory.mktemp("binder")
    python = make_environment(folder / "environment", FROM_INDEX)
    home = variables(python, folder / "home", FROM_INDEX)
    if FROM_INDEX:
        packages = [f"{name}{bound}" for name, bound in listed(ENVIRONMENT).items() if name != "python"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], env=home, check=True)
    repository = copy_repository(folder / "repository")
    for chapter in CHAPTERS:
        shorten(*repository.glob(f"notebooks/{chapter}_*.ipynb"))
    shipped = {path.name: path.read_bytes() for path in sorted(repository.glob("notebooks/*.ipynb"))}

    def run(*command, cwd=repository, **more):
        return subprocess.run(command, cwd=cwd, env=home | more, capture_output=True, text=True)

    (folder / "sitecustomize.py").write_text(NO_HOST)
    built = run("bash", "binder/postBuild", *CHAPTERS, PYTHONPATH=str(folder))
    cache = folder / "home" / ".cache" / "equibook" / "frames"
    return SimpleNamespace(built=built, run=run, repository=repository, shipped=shipped, cache=cache, folder=folder)


@UNIX
def test_the_image_is_built(image):
    assert image.built.returncode == 0, image.built.stdout + image.built.stderr
    ran = re.findall(r"^(\d\d)_\w+\.ipynb: \d+ s$", image.built.stdout, re.MULTILINE)
    assert ran == (CHAPTERS or [name[:2] for name in image.shipped]) and len(image.shipped) >= 17


@UNIX
def test_the_package_is_installed_and_does_not_need_the_checkout(image):
    asked = (
        "import equibook, sys; from equibook.lab import find_notebooks as f; print(sys.prefix, equibook.__file__, f())"
    )
    done = image.run("python", "-c", asked, cwd=image.folder)
    prefix, *places = done.stdout.split()
    assert prefix == str(image.folder / "environment")
    assert [place for place in places if not place.startswith(prefix)] == [] and len(places) == 2


@UNIX
def test_without_the_weights_host_one_line_says_so(image):
    told = [line for line in image.built.stdout.splitlines() if "ImageNet" in line]
    assert len(told) == 1 and told[0].startswith("ImageNet's weights of AlexNet are not cached. ")
    assert "Traceback" not in image.built.stderr


STAND_IN = """
import io, sys
if sys.orig_argv[-1].endswith("cache_weights.py"):
    import torch
    from torchvision.models import AlexNet
    def answer(url, target, *args, **kwargs):
        print("asked for", url)
        torch.save({name: torch.zeros(1).expand(w.shape) for name, w in AlexNet().state_dict().items()}, target)
    torch.hub.download_url_to_file = answer
"""


@UNIX
def test_weights_that_can_be_had_lie_where_chapters_look(image, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    kept = {"TORCH_HOME": str(tmp_path / "torch")}
    done = image.run("python", "binder/cache_weights.py", PYTHONPATH=str(tmp_path), **kept)
    assert re.search(
        r"^asked for https://download\.pytorch\.org/models/alexnet-\w+-\w+\.pth$", done.stdout, re.MULTILINE
    )
    assert done.stdout.endswith("\nImageNet's weights of AlexNet are cached.\n")
    (path,) = (tmp_path / "torch" / "hub" / "checkpoints").iterdir()
    assert path.name == cached_file(alexnet.IMAGENET).name


@UNIX
def test_readers_find_exercises_where_links_lead_and_solutions_beside(image):
    folder = image.repository / "notebooks"
    for name, content in image.shipped.items():
        assert (folder / "solutions" / name).read_bytes() == content
        made = nbformat.read(folder / name, as_version=4)
        assert made == make_readers_copy(json.loads(content))
        tags = {tag for cell in made.cells for tag in cell.metadata.get("tags", [])}
        assert "exercise" in tags and not tags & {"solution", "colab"}
    assert (folder / ".equibook.json").exists()


@UNIX
def test_copies_that_are_there_are_left_alone(image):
    mine = image.repository / "notebooks" / "00_start_here.ipynb"
    shipped = mine.read_bytes()
    mine.write_bytes(b"my own")
    done = image.run("python", "binder/readers_copies.py")
    assert done.returncode == 0 and mine.read_bytes() == b"my own"
    mine.write_bytes(shipped)


@UNIX
def test_a_readers_first_run_draws_nothing(image):
    chapters = CHAPTERS or [name[:2] for name in image.shipped if name[:2] != "15"]  # 15 draws what it has measured
    kept = {path.name: path.read_bytes() for path in image.cache.iterdir()}
    if FROM_INDEX:  # behind links, libraries count as the reader's own code, and few explorers can be told apart
        assert len(kept) >= sum(n_explorers(image.shipped[name]) for name in image.shipped if name[:2] in chapters)
    assert kept and image.run("python", "binder/cache_frames.py", *chapters).returncode == 0
    assert {path.name: path.read_bytes() for path in image.cache.iterdir()} == kept


def n_explorers(content):
    code = ["".join(cell["source"]) for cell in json.loads(content)["cells"] if cell["cell_type"] == "code"]
    return sum(len(re.findall(r"(?<![A-Za-z])Explorer\(", source)) for source in code)


def chapter(folder, source):
    (folder / "notebooks").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, folder / "notebooks" / "00_made_up.ipynb")
    shutil.copy(BINDER / "cache_frames.py", folder)
    return folder


@UNIX
def test_a_cell_that_fails_ends_the_build(image, tmp_path):
    done = image.run("python", "cache_frames.py", cwd=chapter(tmp_path, "1 / 0"))
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


@UNIX
def test_a_cell_that_takes_too_long_is_left(image, tmp_path):
    call = "import cache_frames; cache_frames.CELL = 1; cache_frames.main()"
    done = image.run("python", "-c", call, cwd=chapter(tmp_path, "import time; time.sleep(60)"))
    assert (done.stdout, done.returncode) == ("00_made_up.ipynb: left: a cell took more than 1 s\n", 0), done.stderr


@UNIX
def test_an_unknown_chapter_is_told_of(image, tmp_path):
    done = image.run("python", "cache_frames.py", "17", cwd=chapter(tmp_path, "1"))
    assert done.returncode == 2 and "NN must be one of 00, got 17" in done.stderr
