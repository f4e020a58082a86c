"""A working copy of the notebooks, and JupyterLab in it: `equibook lab`.

A reader's work is never overwritten. A manifest in the folder holds the hash of every file as it was copied; a file
that still has that hash is unchanged and may be updated, any other file is the reader's. The copies hold exercises to
be solved; complete notebooks go into a folder of their own, `solutions`, where running them counts for nothing.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from equibook._files import write_whole
from equibook.progress import MANIFEST
from equibook.readers_copy import make_readers_copy

SOLUTIONS = "solutions"
FIRST = "00_start_here.ipynb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `equibook lab`.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> import argparse
    >>> from equibook.lab import add_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> args = parser.parse_args(["mine", "--no-browser"])
    >>> args.folder.name, args.no_browser, args.solutions
    ('mine', True, False)
    """
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("equibook-notebooks"),
        help="where your copy of the notebooks lies (default: %(default)s)",
    )
    parser.add_argument(
        "--solutions",
        action="store_true",
        help=f"also copy the notebooks with their solutions, into FOLDER/{SOLUTIONS}",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    parser.add_argument("--port", type=int, help="port of JupyterLab")
    parser.add_argument("--allow-root", action="store_true", help="run JupyterLab as root, as in a container")


def run(args: argparse.Namespace) -> int:
    """Bring the folder up to date, say in one line what was done, and run JupyterLab in it.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    int
        The exit status of JupyterLab.

    Examples
    --------
    A file stands where the folder is to be made:

    >>> import contextlib
    >>> import tempfile
    >>> from argparse import Namespace
    >>> from pathlib import Path
    >>> from equibook.lab import run
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     _ = Path("mine").write_text("")
    ...     run(Namespace(folder=Path("mine"), solutions=False, no_browser=True, port=None, allow_root=False))
    Traceback (most recent call last):
        ...
    OSError: cannot write the notebooks into mine (...). Name a folder that you may write into: equibook lab FOLDER
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError("JupyterLab is not installed")
    source = find_notebooks()
    try:
        outcomes = copy_notebooks(source, args.folder, solutions=args.solutions)
    except OSError as error:
        raise OSError(
            f"cannot write the notebooks into {args.folder} ({error.strerror}). "
            "Name a folder that you may write into: equibook lab FOLDER"
        ) from error
    print(f"{args.folder}: {describe(outcomes)}", flush=True)
    return start_jupyterlab(args.folder, browser=not args.no_browser, port=args.port, allow_root=args.allow_root)


def find_notebooks() -> Path:
    """Return the folder of the notebooks: in the installed package, or beside it in a checkout.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        Where there are none.

    Examples
    --------
    >>> from equibook.lab import find_notebooks
    >>> min(path.name for path in find_notebooks().glob("*.ipynb"))
    '00_start_here.ipynb'
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise FileNotFoundError(
        "this installation of equibook carries no notebooks. Install it anew: python -m pip install --force-reinstall "
        "--no-deps equibook, or from a checkout: python -m pip install -e ."
    )


def copy_notebooks(source: Path, folder: Path, *, solutions: bool = False) -> dict[str, str]:
    """Copy the files of `source` into `folder`, notebooks as reader's copies, and leave alone what the reader changed.

    Parameters
    ----------
    source : Path
        The notebooks as they are shipped.
    folder : Path
        The reader's folder; made if missing.
    solutions : bool
        Copy the files as they are, too, into the folder `solutions` within it.

    Returns
    -------
    dict of str to str
        For each file its outcome: `copied`, `updated`, `restored` (the reader had deleted it), `unchanged`, `kept`
        (the reader has changed it), `beside` (kept, and the new version put beside it), or `blocked` (kept, and a
        changed file stands where the new version would go).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook.lab import copy_notebooks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, mine = Path(folder) / "source", Path(folder) / "mine"
    ...     source.mkdir()
    ...     for name in ("a.txt", "b.txt"):
    ...         _ = (source / name).write_text("as shipped")
    ...     print(copy_notebooks(source, mine))
    ...     _ = (mine / "a.txt").write_text("my own work")
    ...     print(copy_notebooks(source, mine), (mine / "a.txt").read_text())
    {'a.txt': 'copied', 'b.txt': 'copied'}
    {'a.txt': 'kept', 'b.txt': 'unchanged'} my own work
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = _read_manifest(folder / MANIFEST)
    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
    shown = [name for name in names if not any(part.startswith((".", "__")) for part in name.split("/"))]
    contents = {name: (source / name).read_bytes() for name in shown}
    wanted = {name: _without_solutions(content) for name, content in contents.items()}
    wanted |= {f"{SOLUTIONS}/{name}": content for name, content in contents.items() if solutions}
    outcomes = {name: _place(content, folder, name, copied) for name, content in wanted.items()}
    write_whole(folder / MANIFEST, json.dumps({"copied": copied}, indent=1, sort_keys=True).encode())
    return outcomes


def describe(outcomes: Mapping[str, str]) -> str:
    """Return one line on what `copy_notebooks` did.

    Parameters
    ----------
    outcomes : dict of str to str
        See `copy_notebooks`.

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.lab import describe
    >>> describe({"00.ipynb": "kept", "01.ipynb": "updated", "02.ipynb": "unchanged", "03.ipynb": "beside"})
    '1 updated, 1 unchanged, 2 kept as you left them; new version in 03.new.ipynb'
    """
    kinds = list(outcomes.values())
    counts = {kind: kinds.count(kind) for kind in ("copied", "updated", "restored", "unchanged")}
    counts["kept as you left them"] = sum(kind in ("kept", "beside", "blocked") for kind in kinds)
    parts = [", ".join(f"{count} {kind}" for kind, count in counts.items() if count)]
    parts += [f"new version in {_beside(name)}" for name, kind in outcomes.items() if kind == "beside"]
    parts += [f"to get the new {n}, rename {_beside(n)}" for n, kind in outcomes.items() if kind == "blocked"]
    return "; ".join(parts)


def start_jupyterlab(folder: Path, *, browser: bool = True, port: int | None = None, allow_root: bool = False) -> int:
    """Run JupyterLab in `folder` and return its exit status.

    Parameters
    ----------
    folder : Path
    browser : bool
        Open a browser; else print the address only.
    port : int, optional
    allow_root : bool

    Returns
    -------
    int
        Where JupyterLab takes the place of this process, nothing is returned.

    Examples
    --------
    Which command is run, with stand-ins for what would run it:

    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from unittest import mock
    >>> from equibook.lab import start_jupyterlab
    >>> stand_ins = mock.patch.dict("os.environ"), mock.patch("os.execv"), mock.patch("subprocess.Popen")
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     with stand_ins[0], stand_ins[1], stand_ins[2] as started:
    ...         _ = start_jupyterlab(Path(folder), browser=False, port=8899)
    >>> started.call_args.args[0][2:]
    ['-m', 'jupyterlab', '--no-browser', '--port=8899']
    """
    options = [] if browser else ["--no-browser"]
    options += [] if port is None else [f"--port={port}"]
    options += ["--allow-root"] if allow_root else []
    options += [FIRST] if (folder / FIRST).exists() else []
    # -P: a reader's own random.py in the folder must not stand in for Python's.
    command = [sys.executable, "-P", "-m", "jupyterlab", *options]
    os.chdir(folder)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the cores to other notebooks
    if os.name == "posix":
        # JupyterLab takes the place of this process: every signal, and the exit status, are its own.
        os.execv(sys.executable, command)
    return _wait(subprocess.Popen(command))


def _wait(process: "subprocess.Popen[bytes]") -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # JupyterLab has received it as well, and ends by itself


def _without_solutions(content: bytes) -> bytes:
    """Return the reader's copy of a notebook; any other file stays as it is."""
    try:
        notebook = json.loads(content)
    except ValueError:
        return content
    import nbformat

    if not isinstance(notebook, dict) or "cells" not in notebook:
        return content
    return f"{nbformat.writes(make_readers_copy(notebook))}\n".encode()


def _place(content: bytes, folder: Path, name: str, copied: dict[str, str]) -> str:
    """Put one shipped file in its place, note its hash in `copied`, and return what was done."""
    new, before, here = _hash(content), copied.get(name), _hash_of(folder / name)
    if here in (None, before, new):
        if here != new:
            write_whole(folder / name, content)
        copied[name] = new
        return "unchanged" if here == new else "updated" if here else "restored" if before else "copied"
    if before == new:
        return "kept"
    beside = _beside(name)
    if _hash_of(folder / beside) not in (None, copied.get(beside), new):
        return "blocked"
    write_whole(folder / beside, content)
    copied[name] = copied[beside] = new
    return "beside"


def _beside(name: str) -> str:
    path = Path(name)
    return path.with_stem(f"{path.stem}.new").as_posix()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash_of(path: Path) -> str | None:
    return _hash(path.read_bytes()) if path.exists() else None


def _read_manifest(path: Path) -> dict[str, str]:
    """Return the hashes as copied; without a readable manifest none: then every file counts as the reader's."""
    try:
        copied = json.loads(path.read_bytes())["copied"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return {name: value for name, value in copied.items() if isinstance(value, str)} if isinstance(copied, dict) else {}
