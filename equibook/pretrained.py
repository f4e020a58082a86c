"""Files of pretrained weights in torch's cache: are they there, are they whole, and how to get them.

torch writes the beginning of the checksum into the name of a file, and compares it when it downloads, but not later.
Here it is compared each time.
"""

import hashlib
import http.client
import re
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

SILENCE = 10.0  # seconds without an answer, after which a download is given up


class _Entry(Protocol):
    """What torchvision knows of pretrained weights, such as `AlexNet_Weights.IMAGENET1K_V1`."""

    url: str

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Download what is not cached, and load it."""


def cached_file(entry: _Entry, folder: str | Path | None = None) -> Path:
    """Return where a file of weights is kept, whether it is there or not.

    Parameters
    ----------
    entry : torchvision.models.WeightsEnum
        Such as `AlexNet_Weights.IMAGENET1K_V1`.
    folder : str or Path, optional
        By default that of torch's hub.

    Returns
    -------
    Path

    Examples
    --------
    >>> from equibook.alexnet import IMAGENET
    >>> from equibook.pretrained import cached_file
    >>> cached_file(IMAGENET).name
    'alexnet-owt-7be5be79.pth'
    """
    kept = Path(torch.hub.get_dir()) / "checkpoints" if folder is None else Path(folder)
    return kept / entry.url.rpartition("/")[2]


def cache_state(entry: _Entry, folder: str | Path | None = None) -> str:
    """Say whether a cached file is "sound", "missing" or "altered", by the checksum of which its name tells.

    Parameters
    ----------
    entry : torchvision.models.WeightsEnum
        Such as `AlexNet_Weights.IMAGENET1K_V1`.
    folder : str or Path, optional
        As in `cached_file`.

    Returns
    -------
    str

    Examples
    --------
    >>> import tempfile
    >>> from equibook.alexnet import IMAGENET
    >>> from equibook.pretrained import cache_state, cached_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     before = cache_state(IMAGENET, folder)
    ...     size = cached_file(IMAGENET, folder).write_bytes(b"the beginning of a download")
    ...     after = cache_state(IMAGENET, folder)
    >>> before, after
    ('missing', 'altered')
    """
    path = cached_file(entry, folder)
    try:
        return "sound" if _checksum(path).startswith(_expected(path)) else "altered"
    except OSError:
        return "missing"


def load_state(entry: _Entry, *, progress: bool = True, instead: str) -> dict[str, Tensor]:
    """Load weights from the cache, after a download where they are missing. No code of the file is run.

    Parameters
    ----------
    entry : torchvision.models.WeightsEnum
        Such as `AlexNet_Weights.IMAGENET1K_V1`.
    progress : bool
        Whether a download shows how far it is.
    instead : str
        What the messages of errors name as the way without a network.

    Returns
    -------
    dict from a name to a Tensor of any shape
        Read from the file where they are used: what is not used takes no memory.

    Examples
    --------
    A file that was cut off is refused, with the way out.

    >>> import tempfile
    >>> from unittest.mock import patch
    >>> from equibook.alexnet import IMAGENET
    >>> from equibook.pretrained import cached_file, load_state
    >>> with tempfile.TemporaryDirectory() as folder, patch("torch.hub.get_dir", return_value=folder):
    ...     cached_file(IMAGENET).parent.mkdir()
    ...     size = cached_file(IMAGENET).write_bytes(b"the beginning of a download")
    ...     load_state(IMAGENET, instead='`load("digits")`')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: The cached file ... must have a sha256 that begins with 7be5be79, got ...: truncated or altered. ...
    """
    path = cached_file(entry)
    if cache_state(entry) == "altered":
        need = f"have a sha256 that begins with {_expected(path)}, got {_checksum(path)[:8]}…: truncated or altered"
        raise ValueError(f"The cached file {path} must {need}. Remove the file and load again, or use {instead}.")
    try:
        if not path.exists():
            with _giving_up_after(SILENCE):
                entry.get_state_dict(progress=progress, check_hash=True, weights_only=True)
        return _read(path)
    except (OSError, RuntimeError, http.client.HTTPException) as error:  # those of urllib, and torch's of a wrong hash
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        need = f"The weights must be cached in {path.parent} or come from {entry.url}, got neither ({reason})"
        raise OSError(f"{need}. Without a network use {instead}.") from None
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":  # so torch.load refuses what is not weights
            raise
        need = "hold weights alone, got something else"
        raise ValueError(f"The file {path} must {need}. Remove the file and load again, or use {instead}.") from error


def _read(path: Path) -> dict[str, Tensor]:
    mapped = zipfile.is_zipfile(path)  # in the format before torch 1.6 weights can only be read as a whole
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)  # type: ignore[no-any-return]


@contextmanager
def _giving_up_after(seconds: float) -> Iterator[None]:
    """Let connections that are made here end in an error after a silence, rather than wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _expected(path: Path) -> str:
    """Return the digits at the end of a name such as alexnet-owt-7be5be79.pth."""
    found = re.search(r"-([0-9a-f]{8,})$", path.stem)
    if not found:
        need = "`entry` must name a file by its checksum, as name-0123abcd.pth"
        raise ValueError(f"{need}, got {path.name!r}. Take an entry of torchvision.")
    return found[1]


def _checksum(path: Path) -> str:
    state = path.stat()
    return _read_checksum(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read_checksum(path: Path, mtime: int, size: int) -> str:
    """Return the sha256 of a file; it is read again once time or size have changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
