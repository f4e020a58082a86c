"""Save fitted models and load them, without pickle: loading a file runs none of its code.

A file is a zip archive in the format of skops: one JSON text that names the types and holds the numbers, and the arrays
in numpy's own format. Beside them stands the number of the format. Before anything is built, every type that the file
names is looked up in a list, and a single one that is not there refuses the file.
"""

import io
import json
import os
import uuid
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, is_zipfile

import skops.io
from sklearn.pipeline import Pipeline

from equibook import __version__

FORMAT = 1
"""Raised by one whenever files of the new kind could not be read by older versions."""

MODELS = frozenset(
    {
        "equibook.glassbox.GlassBoxClassifier",
        "equibook.novelty.Novelty",
        "equibook.orbit_pca.OrbitPCA",
        "equibook.reduction.Reduction",
        "equibook.representation.Pixels",
        "equibook.representation.Representation",
    }
)
"""The estimators that may be saved, alone or as steps of a scikit-learn pipeline."""

TRUSTED = MODELS | {
    "equibook.equivariant.CoefficientTable",
    "equibook.invariant.FeatureTable",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",  # kept by a fitted MLPClassifier
}
"""The types that are loaded beside those of numpy and scikit-learn that skops trusts: they hold numbers and arrays.

Trees of neighbours (`KDTree`, `BallTree`) and of decisions are left out on purpose: compiled code follows the indices
in them unchecked.
"""

_MEMBER = "equibook.json"
_ADVICE = "Ask for a file written by `equibook.save`."


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model to a file.

    The file is complete or not there at all: a save that is interrupted leaves an older file of that name whole.

    Parameters
    ----------
    model : estimator
        Of equibook, fitted or not, or a scikit-learn `Pipeline` with such a step.
    path : str or path
        Any name will do; `.skops` is the custom. An existing file is replaced.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import equibook as eq
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     eq.save(eq.Representation(n_rings=4), Path(folder, "layer_1.skops"))
    ...     eq.load(Path(folder, "layer_1.skops")).n_rings
    4
    """
    if not _is_model(model):
        hint = "Save others with `skops.io.dump`, the `state_dict()` of a network with safetensors."
        need = "an equibook estimator or a scikit-learn Pipeline with one"
        raise TypeError(f"`model` must be {need}, got {type(model).__name__}. {hint}")
    target = _as_path(path).resolve()
    _check_target(target)
    _write_whole(_to_bytes(model), target)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model that `save` has written. No code of the file is run, whoever wrote it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    estimator
        Its numbers are those of the saved one to the last bit, and so are its predictions and scores under the same
        versions of numpy, scikit-learn and torch.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import equibook as eq
    >>> layer_2 = eq.reduction.Reduction(2).fit(np.random.default_rng(0).normal(size=(9, 4)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     eq.save(layer_2, Path(folder, "layer_2.skops"))
    ...     again = eq.load(Path(folder, "layer_2.skops"))
    >>> np.array_equal(again.transform(np.eye(4)), layer_2.transform(np.eye(4)))
    True
    """
    path = _as_path(path)
    data = _read(path)
    _check_format(data, path)
    try:
        foreign = _foreign_types(data)
        model = None if foreign else skops.io.loads(data, trusted=sorted(TRUSTED))
    except Exception as error:
        raise _damaged(path, error) from error
    if foreign:
        hint = "Nothing was run. Do not use the file unless you know its author."
        raise ValueError(f"`path` must hold known types only, got {', '.join(foreign)} in {str(path)!r}. {hint}")
    if not _is_model(model):
        got = f"{type(model).__name__} in {str(path)!r}"
        raise ValueError(f"`path` must hold an equibook estimator or a Pipeline with one, got {got}. {_ADVICE}")
    return model


def _is_model(model: Any) -> bool:
    if isinstance(model, Pipeline):
        return any(_is_model(step) for _, step in model.steps)
    return f"{type(model).__module__}.{type(model).__qualname__}" in MODELS


def _as_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        hint = 'Pass the name of a file, such as "model.skops".'
        raise TypeError(f"`path` must be a string or a path, got {type(path).__name__}. {hint}")
    return Path(path)


def _check_target(target: Path) -> None:
    if target.is_dir():
        hint = f"Add a file name, such as {str(target / 'model.skops')!r}."
        raise ValueError(f"`path` must name a file, got the folder {str(target)!r}. {hint}")
    if not target.parent.is_dir():
        hint = "Create it first, or choose another one."
        raise ValueError(f"`path` must lie in an existing folder, got {str(target.parent)!r}. {hint}")


def _to_bytes(model: Any) -> bytes:
    """Return the contents of the file; a model that could not be loaded again is refused."""
    need = "`model` must hold numbers, arrays and estimators only"
    try:
        data = skops.io.dumps(model, compression=ZIP_DEFLATED)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(".")
        raise TypeError(f"{need}, got something else ({reason}). Take it out before saving.") from error
    if foreign := _foreign_types(data):
        raise TypeError(f"{need}, got {', '.join(foreign)}. Take them out before saving.")
    return _with_format(data)


def _with_format(data: bytes) -> bytes:
    buffer = io.BytesIO(data)
    with ZipFile(buffer, "a", compression=ZIP_DEFLATED) as archive:
        archive.writestr(_MEMBER, json.dumps({"format": FORMAT, "equibook": __version__}))
    return buffer.getvalue()


def _foreign_types(data: bytes) -> list[str]:
    """Name the types in a file that are on no list."""
    return sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED)


def _write_whole(data: bytes, target: Path) -> None:
    """Write beside the target first: replacing a file is one step."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        hint = "Choose another folder, or make room."
        raise OSError(f"`path` must be writable, got {error.strerror!r} for {str(target)!r}. {hint}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    """Return the contents of a zip archive, and tell what else the file may be."""
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "nothing"
        raise ValueError(f"`path` must be an existing file, got {kind} at {str(path)!r}. Check the path.")
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "Check who may read it."
        raise OSError(f"`path` must be readable, got {error.strerror!r} for {str(path)!r}. {hint}") from error
    if not is_zipfile(io.BytesIO(data)):
        raise ValueError(
            f"`path` must be a file written by `equibook.save`, got {_kind(data)} at {str(path)!r}. {_ADVICE}"
        )
    return data


def _kind(data: bytes) -> str:
    if data.startswith(b"PK"):
        return "a part of one only"
    if data.startswith(b"\x80"):
        return "a pickle, which could run code and is not read,"
    return "another kind of file" if data else "an empty file"


def _check_format(data: bytes, path: Path) -> None:
    """Refuse files that a newer version has written, and archives that are none of equibook's."""
    try:
        written = _written_by(data)
    except Exception as error:
        raise _damaged(path, error) from error
    if written is None:
        got = f"another kind of archive at {str(path)!r}"
        raise ValueError(f"`path` must be a file written by `equibook.save`, got {got}. {_ADVICE}")
    number, version = written
    if number > FORMAT:
        got = f"format {number} of equibook {version} in {str(path)!r}"
        hint = "Upgrade with `python -m pip install --upgrade equibook`."
        raise ValueError(f"`path` must hold format {FORMAT} or an older one, got {got}. {hint}")


def _written_by(data: bytes) -> tuple[int, str] | None:
    """Return the number of the format and the version of equibook, or nothing where they are not told."""
    with ZipFile(io.BytesIO(data)) as archive:
        if _MEMBER not in archive.namelist():
            return None
        written = json.loads(archive.read(_MEMBER))
    return int(written["format"]), str(written["equibook"])


def _damaged(path: Path, error: Exception) -> ValueError:
    reason = f"{type(error).__name__}: {error}".strip().rstrip(".")
    return ValueError(f"`path` must be whole, got a damaged file at {str(path)!r} ({reason}). {_ADVICE}")
