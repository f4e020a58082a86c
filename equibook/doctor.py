"""What is installed, what is missing, and how to mend it: `equibook doctor`."""

import argparse
import os
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from equibook import __version__

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

PIP = "python -m pip install"
NEEDED_MEMORY = 1.5e9  # bytes: no notebook takes more
REINSTALL_PAIR = f"{PIP} --upgrade --force-reinstall torch torchvision"
FETCH_WEIGHTS = "to fetch them (233 MB): python -c \"import equibook; equibook.alexnet.load('imagenet')\""
# What JupyterLab needs to show interactive figures: the folder of an extension, and the package that carries it.
EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets", "anywidget": "anywidget"}
PAGE = "troubleshooting.md"
BROWSERS = ("firefox", "chromium", "chromium-browser", "google-chrome")


class Finding(NamedTuple):
    """One line of the table: `ok`, `missing` (something necessary) or `note`; what it is; how to mend it.

    Parameters
    ----------
    status : {"ok", "missing", "note"}
    what : str
    mend : str

    Examples
    --------
    >>> from equibook.doctor import Finding
    >>> finding = Finding("note", "no CUDA device", "none is needed")
    >>> finding.status, finding.mend
    ('note', 'none is needed')
    """

    status: str
    what: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `equibook doctor`: there are none.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> import argparse
    >>> from equibook.doctor import add_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args([])
    Namespace()
    """


def run(args: argparse.Namespace) -> int:
    """Print the table; return 0 if nothing necessary is missing, else 1.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    int

    Examples
    --------
    >>> import argparse
    >>> import contextlib
    >>> import io
    >>> from equibook.doctor import run
    >>> with contextlib.redirect_stdout(io.StringIO()) as said:
    ...     status = run(argparse.Namespace())
    >>> (status == 0) == ("Nothing necessary is missing." in said.getvalue())
    True
    """
    findings = [finding for check in CHECKS for finding in check()]
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.status:9}{finding.what:{width}}  {finding.mend}".rstrip())
    if page := find_page():
        print(f"What this cannot see, and what to do then: {page}")
    missing = [finding.what for finding in findings if finding.status == "missing"]
    print(f"Missing and necessary: {', '.join(missing)}." if missing else "Nothing necessary is missing.")
    return 1 if missing else 0


def find_page() -> Path | None:
    """Return the page on what may go wrong: in the installed package, or beside it in a checkout.

    Returns
    -------
    Path or None
        None where the package carries no page.

    Examples
    --------
    >>> from equibook.doctor import find_page
    >>> find_page().name
    'troubleshooting.md'
    """
    package = Path(__file__).resolve().parent
    places = (package / "docs" / PAGE, package.parent / "docs" / PAGE)
    return next((place for place in places if place.is_file()), None)


def python() -> Iterator[Finding]:
    """Report the running Python, and equibook itself.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from equibook import doctor
    >>> [(finding.status, finding.what.split()[0]) for finding in doctor.python()]
    [('ok', 'Python'), ('ok', 'equibook')]
    """
    enough = sys.version_info >= (3, 11)
    version = ".".join(str(number) for number in sys.version_info[:3])
    yield Finding("ok" if enough else "missing", f"Python {version}", "" if enough else "install Python 3.11 or newer")
    yield Finding("ok", f"equibook {__version__}")


def dependencies() -> Iterator[Finding]:
    """Compare each installed dependency with the lower bound in equibook's metadata.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from unittest import mock
    >>> from equibook.doctor import dependencies
    >>> made_up = ["numpy>=2.0", "no-such-package>=1.0"]
    >>> with mock.patch("importlib.metadata.requires", return_value=made_up):
    ...     [(finding.status, finding.mend) for finding in dependencies()]
    [('ok', ''), ('missing', 'python -m pip install --upgrade "no-such-package>=1.0"')]
    """
    try:
        from packaging.requirements import Requirement

        required = [Requirement(line) for line in metadata.requires("equibook") or []]
    except metadata.PackageNotFoundError:
        yield Finding("missing", "equibook's metadata (it is not installed)", f"{PIP} -e .")
        return
    except ImportError:
        yield Finding("missing", "packaging", f"{PIP} packaging")
        return
    for requirement in required:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _dependency(requirement.name, requirement.specifier)


def _dependency(name: str, bound: "SpecifierSet") -> Finding:
    mend = f'{PIP} --upgrade "{name}{bound}"'
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding("missing", f"{name} (needs {bound})", mend)
    enough = bound.contains(version, prereleases=True)
    return Finding("ok" if enough else "missing", f"{name} {version} (needs {bound})", "" if enough else mend)


def torch_pair() -> Iterator[Finding]:
    """Import torch and torchvision, whose versions must match, and report what torch finds on this machine.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from equibook.doctor import torch_pair
    >>> first = next(torch_pair())
    >>> first.status, first.what.endswith("work together")
    ('ok', True)
    """
    try:
        import torch
        import torchvision
    except Exception as error:  # a pair that does not match fails with errors of many kinds
        reason = str(error).partition("\n")[0] or type(error).__name__
        yield Finding("missing", f"torch and torchvision that work together ({reason})", REINSTALL_PAIR)
        return
    yield Finding("ok", f"torch {torch.__version__} and torchvision {torchvision.__version__} work together")
    yield Finding("ok", f"{torch.get_num_threads()} threads for torch")
    if torch.cuda.is_available():
        yield Finding("ok", f"CUDA: {torch.cuda.get_device_name()}")
    else:
        yield Finding("note", "no CUDA device", "none is needed: everything runs on the processor")
    yield from _alexnet_weights(Path(torch.hub.get_dir()) / "checkpoints")


def _alexnet_weights(folder: Path) -> Iterator[Finding]:
    from equibook.alexnet import IMAGENET
    from equibook.pretrained import cache_state, cached_file

    state = cache_state(IMAGENET, folder)
    if state == "sound":
        yield Finding("ok", f"ImageNet weights of AlexNet in {folder}")
    elif state == "altered":
        what = "ImageNet weights of AlexNet, truncated or altered: the checksum does not fit"
        yield Finding("note", what, f"remove {cached_file(IMAGENET, folder)}; {FETCH_WEIGHTS}")
    else:
        yield Finding("note", "no ImageNet weights of AlexNet in torch's cache", FETCH_WEIGHTS)


def memory() -> Iterator[Finding]:
    """Report the memory that is free, or the limit that a host such as Binder sets.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from equibook.doctor import memory
    >>> [finding.what.endswith("GB of memory available") for finding in memory()]
    [True]
    """
    try:
        import psutil
    except ImportError:
        yield Finding("missing", "psutil, to read the free memory", f"{PIP} psutil")
        return
    limit = os.environ.get("MEM_LIMIT", "")
    free = min(psutil.virtual_memory().available, int(limit) if limit.isdigit() else sys.maxsize)
    mend = "" if free >= NEEDED_MEMORY else "close other programs: a notebook may take 1.5 GB"
    yield Finding("note" if mend else "ok", f"{free / 1e9:.1f} GB of memory available", mend)


def widgets() -> Iterator[Finding]:
    """Look for the JupyterLab extensions that interactive figures need.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from equibook.doctor import widgets
    >>> [finding.what.split()[2] for finding in widgets()]
    ['@jupyter-widgets/jupyterlab-manager', 'anywidget']
    """
    try:
        from jupyter_core.paths import jupyter_path

        folders = [Path(folder) for folder in jupyter_path("labextensions")]
    except ImportError:
        folders = []
    for extension, package in EXTENSIONS.items():
        if any((folder / extension).is_dir() for folder in folders):
            yield Finding("ok", f"JupyterLab's extension {extension}")
        else:
            mend = f"{PIP} --force-reinstall {package}"
            yield Finding("missing", f"JupyterLab's extension {extension} (controls stay blank)", mend)


def browser() -> Iterator[Finding]:
    """Look for a browser that `equibook lab` can open.

    Yields
    ------
    Finding

    Examples
    --------
    >>> from equibook.doctor import browser
    >>> (finding,) = browser()
    >>> finding.what in ("a browser", "no browser"), (finding.status == "ok") == (finding.mend == "")
    (True, True)
    """
    try:
        webbrowser.get()
        found = True
    except webbrowser.Error:
        found = any(shutil.which(name) for name in BROWSERS)
    if found:
        yield Finding("ok", "a browser")
    else:
        yield Finding("note", "no browser", "equibook lab --no-browser, then open the printed address elsewhere")


def current_folder() -> Iterator[Finding]:
    """Try to write where `equibook demo` and `equibook lab` write.

    Yields
    ------
    Finding

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from equibook.doctor import current_folder
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     [(finding.status, finding.what) for finding in current_folder()]
    [('ok', 'permission to write into the current folder')]
    """
    try:
        with tempfile.TemporaryFile(dir=os.curdir):
            pass
    except OSError as error:
        reason = error.strerror or "it failed"
        yield Finding("missing", f"permission to write into the current folder ({reason})", "cd to a folder of yours")
    else:
        yield Finding("ok", "permission to write into the current folder")


CHECKS = (python, dependencies, torch_pair, memory, widgets, browser, current_folder)
