"""Files that are written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file by the way of another beside it, so that nobody ever reads half of it.

    Parameters
    ----------
    path : Path
        Its folder is made if missing.
    content : bytes
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_file(output: Path, *, suffix: str, option: str = "output") -> Iterator[Path]:
    """Open a file beside the output that takes its place once all is done; where that is impossible, say so at once.

    Parameters
    ----------
    output : Path
        What an error or an interruption leaves as it was.
    suffix : str
        How its name must end, such as ".png".
    option : str
        How it is called on the command line.

    Yields
    ------
    Path
        Where to write; the file is there, and empty.
    """
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    if output.suffix.lower() != suffix:
        raise ValueError(f"`{option}` must end in {suffix}, got {str(output)!r}. Name it such as equibook{suffix}.")
    try:
        if output.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        temporary.touch(exist_ok=False)
    except OSError as error:
        need = f"`{option}` must be a file in a folder that can be written to, got {str(output)!r}"
        raise OSError(f"{need} ({error.strerror}). Choose another place with --{option}.") from error
    try:
        yield temporary
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)
