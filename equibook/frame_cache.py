"""Pictures that were drawn once are not drawn again: a cache on disk, keyed by everything that the pictures depend on.

That is the code of the drawing function and of the reader's own functions that it calls, the values of the variables
that they read, the controls, this package, and the versions of the libraries that draw. What cannot be hashed is drawn
each time. Files are JSON; nothing that is loaded is executed.

The environment variable EQUIBOOK_CACHE names another folder; empty, it turns the cache off.
"""

import base64
import dis
import functools
import hashlib
import json
import os
import platform
import sys
import sysconfig
import types
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from joblib.hashing import NumpyHasher
from platformdirs import user_cache_path

from equibook._files import write_whole
from equibook.pictures import Control, Frame, draw_frames

MOST_FILES = 256  # the least recently used ones beyond that are removed
DRAWN_BY = ("matplotlib", "numpy", "pillow", "scikit-learn", "scipy", "torch")
PACKAGE = Path(__file__).parent
INSTALLED = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")] + [PACKAGE]


def load_or_draw(draw: Callable[..., Any], controls: Mapping[str, Control]) -> list[Frame]:
    """Return the pictures of an explorer: from the cache where they are there, else drawn, and kept if none failed.

    Parameters
    ----------
    draw : callable
        Pure: what it returns depends on its arguments and on the variables that it reads, and on nothing else.
    controls : dict from a name to a Control

    Returns
    -------
    list of Frame
        See `equibook.pictures.draw_frames`.

    Examples
    --------
    Drawn the first time, and found the second time.

    >>> import os
    >>> import tempfile
    >>> from unittest import mock
    >>> import numpy as np
    >>> from equibook.explorers import Slider
    >>> from equibook.frame_cache import load_or_draw
    >>> def draw(shade):
    ...     print("drawing", shade)
    ...     return np.full((8, 8), shade / 10)
    >>> draw.__module__ = "__main__"  # as in a notebook
    >>> with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, EQUIBOOK_CACHE=folder):
    ...     first, second = (load_or_draw(draw, {"shade": Slider([0, 10])}) for _ in range(2))
    drawing 0
    drawing 10
    >>> first == second
    True
    """
    path = _find_place(draw, controls)
    frames = _read(path) if path else None
    if frames is None:
        frames = draw_frames(draw, controls)
        if path and not any(frame.error for frame in frames):
            _write(path, frames)
    return frames


def fingerprint(value: Any) -> str:
    """Return a hash of a value: of functions by their code and the variables that they read, of data by content.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        The same in every process.

    Raises
    ------
    Exception
        Of many kinds, where some part of the value cannot be hashed.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.frame_cache import fingerprint
    >>> fingerprint({"angle": 45}) == fingerprint({"angle": 45}), fingerprint(np.zeros(3)) == fingerprint(np.ones(3))
    (True, False)

    A function is another one when a variable that it reads is another.

    >>> step = 1
    >>> def move(x):
    ...     return x + step
    >>> move.__module__ = "__main__"  # as in a notebook
    >>> before, step = fingerprint(move), 2
    >>> fingerprint(move) == before
    False
    """
    return str(_Hasher("md5").hash(value))


def _find_place(draw: Callable[..., Any], controls: Mapping[str, Control]) -> Path | None:
    folder = os.environ.get("EQUIBOOK_CACHE")
    if folder == "":
        return None
    try:
        key = fingerprint([_versions(), draw, {name: vars(control) for name, control in controls.items()}])
    except Exception:  # whatever an object does when it is hashed, it can be drawn
        return None
    return (Path(folder) if folder else user_cache_path("equibook")) / "frames" / f"{key}.json"


@functools.cache
def _versions() -> list[str]:
    """Return what draws: Python, the libraries, and the files of this package, which may be under work."""
    own = b"".join(path.read_bytes() for path in sorted(PACKAGE.rglob("*.py")))
    return [platform.python_version(), *map(version, DRAWN_BY), hashlib.sha256(own).hexdigest()]


class _Hasher(NumpyHasher):
    """joblib's hash of a value by its content, which knows functions and classes by their names only: here by code."""

    def __init__(self, hash_name: str) -> None:
        super().__init__(hash_name)
        self._described: set[int] = set()

    def save(self, obj: Any) -> None:
        super().save(self._as_data(obj))

    def _as_data(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return ["tensor", value.detach().cpu().numpy()]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__, *_content_of_module(value)]
        if not (isinstance(value, types.FunctionType | type) and _is_readers_own(value)):
            return value
        if id(value) in self._described:  # one that calls itself
            return ["described", value.__qualname__]
        self._described.add(id(value))
        return _describe_class(value) if isinstance(value, type) else _describe_function(value)


def _describe_function(function: types.FunctionType) -> list[Any]:
    names = sorted(_names_read(function.__code__) & function.__globals__.keys())
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    variables = [(name, function.__globals__[name]) for name in names]
    defaults = [function.__defaults__, function.__kwdefaults__]
    return ["function", _describe_code(function.__code__), variables, cells, defaults]


def _describe_class(cls: type) -> list[Any]:
    left_out = ("__dict__", "__weakref__", "__module__", "__firstlineno__")  # differ where the class does not
    return ["class", cls.__qualname__, cls.__bases__, [item for item in vars(cls).items() if item[0] not in left_out]]


def _describe_code(code: types.CodeType) -> list[Any]:
    """Return what code does, without the file and the lines where it stands."""
    constants = [_describe_code(c) if isinstance(c, types.CodeType) else [type(c).__name__, c] for c in code.co_consts]
    return [code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, constants]


def _names_read(code: types.CodeType) -> set[str]:
    """Return the names of the global variables that code reads, and the functions and comprehensions within it."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(_names_read(part) for part in code.co_consts if isinstance(part, types.CodeType)))


def _is_readers_own(code: types.FunctionType | type) -> bool:
    """Say whether a function or class comes from a notebook, a script or a module of the reader's, not a library."""
    file = getattr(sys.modules.get(code.__module__), "__file__", None)
    if file is None or code.__module__ == "__main__":
        return code.__module__ not in sys.builtin_module_names
    places = Path(file).absolute(), Path(file).resolve()  # one that is linked is installed where the link stands
    return not any(place.is_relative_to(folder) for place in places for folder in INSTALLED)


def _content_of_module(module: types.ModuleType) -> list[str]:
    """Return the version of a module, and the hash of its own file."""
    file = getattr(module, "__file__", None)
    content = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
    return [str(getattr(module, "__version__", "")), content]


def _read(path: Path) -> list[Frame] | None:
    """Return the pictures in a file; a file that is missing or spoiled counts as none."""
    try:
        entries = json.loads(path.read_bytes())
        frames = [Frame(e["alt"], base64.b64decode(e["png"], validate=True), tuple(e["size"])) for e in entries]
        os.utime(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return frames


def _write(path: Path, frames: list[Frame]) -> None:
    """Keep pictures; where nothing can be written, they are drawn again next time."""
    entries = [{"alt": f.alt, "png": base64.b64encode(f.png).decode("ascii"), "size": f.size} for f in frames]
    try:
        write_whole(path, json.dumps(entries).encode())
        by_age = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in by_age[MOST_FILES:]:
            file.unlink(missing_ok=True)
    except OSError:
        return
