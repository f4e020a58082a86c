"""Every check of the repository, in order: `python tests/run_all.py`. `make test` runs this same file.

Some of them by name: `python tests/run_all.py lint types`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from browser.driver import what_is_missing

ROOT = Path(__file__).resolve().parent.parent
PARALLEL = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
ONE_THREAD_EACH = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
IN_BROWSER = ["tests/browser", "tests/test_book.py", "tests/test_glossary.py"]  # together: they share the built book
CHECKS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "unit": ["pytest", *PARALLEL, *(f"--ignore={path}" for path in IN_BROWSER)],
    "notebooks": ["pytest", *PARALLEL, "-p", "tests.notebook_guard", "--nbval-lax", "--nbval-current-env", "notebooks"],
    "browser": ["pytest", *PARALLEL, *IN_BROWSER],
}


def main() -> int:
    """Run the checks, also after one has failed, and return 1 if any has.

    Pytest's summary stays the last line, unless the tests in a browser had to be skipped: then that is.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"all, or some of: {', '.join(CHECKS)}")
    chosen = parser.parse_args().checks or list(CHECKS)
    if unknown := sorted({*chosen} - CHECKS.keys()):
        parser.error(f"CHECK must be one of {', '.join(CHECKS)}, got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as pictures:
        failed = run_checks(chosen, os.environ | ONE_THREAD_EACH | {"EQUIBOOK_CACHE": pictures})
    if "browser" in chosen and (missing := what_is_missing()):
        print(f"\nbrowser tests SKIPPED: {missing}")
    return 1 if failed else 0


def run_checks(chosen: list[str], environment: dict[str, str]) -> list[str]:
    """Run checks one after another, and return those that failed.

    Pictures that the notebooks draw, always anew, are at hand for the book and the browser.
    """
    failed: list[str] = []
    for title in chosen:
        command = CHECKS[title]
        so_far = f" (failed so far: {', '.join(failed)})" if failed else ""
        print(f"\n=== {title}: {' '.join(command)}{so_far}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment).returncode:
            failed.append(title)
    return failed


if __name__ == "__main__":
    sys.exit(main())
