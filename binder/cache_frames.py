"""Run the chapters once, so that the pictures of their explorers lie in the cache: `cache_frames.py [NN ...]`.

What is run are the readers' copies in `notebooks`, one after the other, in a folder that is then removed. A cell that
fails ends the build: the image would not work. A chapter that takes too long is left, and no other begins when the time
is up: what is missing is drawn when a reader runs it.
"""

import argparse
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

CELL, ALL = 300, 1800  # seconds


def run(path: Path) -> str:
    """Run a notebook, and say how it went."""
    start = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    try:
        with tempfile.TemporaryDirectory() as folder:
            where = {"metadata": {"path": folder}}
            NotebookClient(notebook, timeout=CELL, kernel_name="python3", resources=where).execute()
    except CellTimeoutError:
        return f"left: a cell took more than {CELL} s"
    return f"{time.monotonic() - start:.0f} s"


def main() -> None:
    """Run all chapters, or those whose numbers are given."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapters", nargs="*", metavar="NN", help="as in 00 09; by default all")
    chosen = parser.parse_args().chapters
    found = {path.name[:2]: path for path in sorted(Path("notebooks").glob("[0-9][0-9]_*.ipynb"))}
    if unknown := {*chosen} - found.keys():
        parser.error(f"NN must be one of {', '.join(found)}, got {', '.join(sorted(unknown))}")
    end = time.monotonic() + ALL
    for number in chosen or found:
        outcome = run(found[number]) if time.monotonic() < end else f"left: {ALL} s are up"
        print(f"{found[number].name}: {outcome}", flush=True)


if __name__ == "__main__":
    main()
