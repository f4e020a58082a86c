"""What a reader has done: kept in a file of the reader's folder, and nowhere else.

A folder that `equibook lab` has made holds a manifest. Only where that lies in the working directory is anything
written; everywhere else, as in a checkout, progress is remembered until Python ends. Of the reader the file knows
nothing but which exercises were tried, how often, and which are done.
"""

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from equibook._files import write_whole
from equibook.verdicts import DONE, NOT_TRIED, STATES

MANIFEST = ".equibook.json"  # marks a reader's folder
FILE = "equibook-progress.json"


@dataclass(frozen=True)
class Tried:
    """How far the reader is with one exercise.

    Parameters
    ----------
    state : {"not tried", "not yet", "done"}
        Done stays done.
    tries : int
        How many answers were checked, up to the first right one.

    Examples
    --------
    >>> from equibook.progress import Tried
    >>> Tried(), Tried("done", tries=3)
    (Tried(state='not tried', tries=0), Tried(state='done', tries=3))
    """

    state: str = NOT_TRIED
    tries: int = 0


_unwritten: dict[str, Tried] = {}  # what could be written nowhere


def record(name: str, state: str) -> None:
    """Note that an answer to an exercise was checked.

    Parameters
    ----------
    name : str
        Such as "00-1".
    state : {"not tried", "not yet", "done"}

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     _ = Path(progress.MANIFEST).write_text("{}")  # as `equibook lab` makes a reader's folder
    ...     for state in ("not yet", "done", "not yet"):
    ...         progress.record("90-1", state)
    ...     progress.read(Path(progress.FILE))["90-1"]
    Tried(state='done', tries=2)
    """
    file, known = _open()
    before = known.get(name, Tried())
    if state == NOT_TRIED or before.state == DONE:
        return
    known[name] = Tried(state, before.tries + 1)
    if file and _write(file, known):
        _unwritten.clear()
    else:
        _unwritten[name] = known[name]


def load() -> dict[str, Tried]:
    """Return for each exercise that was tried how far the reader is.

    Returns
    -------
    dict from the name of an exercise to a Tried

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     _ = Path(progress.MANIFEST).write_text("{}")  # as `equibook lab` makes a reader's folder
    ...     progress.record("90-1", "not yet")
    ...     progress.load()["90-1"]
    Tried(state='not yet', tries=1)
    """
    return _open()[1]


def is_kept() -> bool:
    """Say whether progress is written into the working directory.

    Returns
    -------
    bool

    Examples
    --------
    >>> import contextlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    ...     before = progress.is_kept()
    ...     _ = Path(progress.MANIFEST).write_text("{}")  # as `equibook lab` makes a reader's folder
    ...     before, progress.is_kept()
    (False, True)
    """
    return Path(MANIFEST).is_file()


def read(path: Path) -> dict[str, Tried]:
    """Read a progress file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict from the name of an exercise to a Tried

    Raises
    ------
    ValueError
        Where the file holds something else.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import progress
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / progress.FILE
    ...     _ = path.write_text('{"exercises": {"00-1": {"state": "done", "tries": 2}}}')
    ...     progress.read(path)
    {'00-1': Tried(state='done', tries=2)}
    """
    try:
        entries = json.loads(path.read_bytes())["exercises"]
        known = {name: Tried(**entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    for name, tried in known.items():
        if tried.state not in STATES or type(tried.tries) is not int or tried.tries < 0:
            raise _damaged(path, f"{tried} for {name}")
    return known


def _damaged(path: Path, reason: str) -> ValueError:
    need = f"`{path.name}` must hold the progress of a reader"
    return ValueError(f"{need}, got something else ({reason}). Remove it, or put back an older one.")


def _open() -> tuple[Path | None, dict[str, Tried]]:
    """Return the file that progress can be written to, if there is one, and all that is known."""
    file = Path(FILE) if is_kept() else None
    known: dict[str, Tried] = {}
    try:
        known = read(file) if file and file.exists() else {}
    except OSError:
        file = None
    except ValueError as error:
        file = _set_aside(Path(FILE), error)
    return file, {**known, **_unwritten}


def _set_aside(file: Path, error: ValueError) -> Path | None:
    """Rename a damaged file and say so; return the name that is now free, or None where it cannot be renamed."""
    free = (Path(f"equibook-progress.damaged{number}.json") for number in ("", *range(2, 1000)))
    aside = next(path for path in free if not path.exists())
    try:
        file.rename(aside)
    except OSError:
        return None
    warnings.warn(f"{error} It is kept as `{aside}`, and counting starts anew.", RuntimeWarning, stacklevel=5)
    return file


def _write(file: Path, known: dict[str, Tried]) -> bool:
    content = {"exercises": {name: asdict(tried) for name, tried in sorted(known.items())}}
    try:
        write_whole(file, json.dumps(content, indent=1).encode())
    except OSError:
        return False
    return True
