"""A clean environment outside the repository, in which equibook is not installed yet.

By default its libraries are those of the environment that runs the tests, by links: quick, and without a network.
With EQUIBOOK_CLEAN_INSTALL=1 the tests that use it install everything from the index instead: minutes, and gigabytes.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FROM_INDEX = os.environ.get("EQUIBOOK_CLEAN_INSTALL") == "1"
NOT_LINKED = re.compile(r"equibook|_editable_impl|__editable__|__pycache__|pip\b|.*\.pth$", re.IGNORECASE)
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "_build", "build", "dist", "equibook-notebooks")
OURS = re.compile(r"PYTHON|VIRTUAL_ENV|EQUIBOOK|JUPYTER|IPYTHON|MPL|TORCH|XDG_|COVERAGE|CONDA")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def make_environment(folder, from_index):
    """Make a virtual environment in `folder`, without equibook, and return the path of its Python.

    With `from_index` it holds pip and nothing else. Otherwise links lead to the packages of this environment, one for
    each, so that neither equibook nor what makes it editable is among them.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not from_index:
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        theirs = Path(subprocess.check_output([python, "-c", asked], text=True).strip())
        for place in dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")):
            link_packages(Path(place), theirs)
    return python


def link_packages(place, theirs):
    for path in place.iterdir():
        if not NOT_LINKED.match(path.name) and not (theirs / path.name).exists():
            (theirs / path.name).symlink_to(path, target_is_directory=path.is_dir())


def variables(python, home, from_index):
    """Return the variables for programs of the clean environment: its own commands first, a home of its own.

    Nothing of what this process was told reaches it: no path of Python's, no cache. Without `from_index` pip asks no
    index, and takes what builds a wheel from the environment.
    """
    kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    home.mkdir(parents=True, exist_ok=True)
    kept["PATH"] = f"{python.parent}{os.pathsep}{kept['PATH']}"
    config = Path.home() / ".config" / "pip" / "pip.conf"
    if from_index:
        pip = {"PIP_CONFIG_FILE": str(config)} if config.exists() else {}
    else:
        pip = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # 0 is no isolation: pip reads what NO stands before
    return kept | ONE_THREAD | pip | {"HOME": str(home), "USERPROFILE": str(home), "PIP_NO_CACHE_DIR": "1"}


def n_cells_run(notebook, from_index):
    """Return how many cells of a notebook are run: all, or, to save time, those up to the first interactive figure."""
    figures = [i for i, cell in enumerate(notebook["cells"]) if "Explorer(" in "".join(cell["source"])]
    return len(notebook["cells"]) if from_index else figures[0] + 1


def copy_repository(folder):
    """Copy what is stored of the repository into `folder`, and return it."""
    return Path(shutil.copytree(ROOT, folder, ignore=NOT_COPIED))
