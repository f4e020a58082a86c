"""Every check of the repository, in order: `python tests/run_all.py`. `make test` runs this same file."""

import os
import subprocess
import sys
from pathlib import Path

from browser.driver import what_is_missing

ROOT = Path(__file__).resolve().parent.parent
PARALLEL = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
ONE_THREAD_EACH = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
IN_BROWSER = ["tests/browser", "tests/test_book.py"]  # together: they share the built book
CHECKS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "unit tests": ["pytest", *PARALLEL, *(f"--ignore={path}" for path in IN_BROWSER)],
    "book and browser tests": ["pytest", *PARALLEL, *IN_BROWSER],
    "notebooks": ["pytest", *PARALLEL, "--nbval-lax", "--nbval-current-env", "notebooks"],
}


def main() -> int:
    """Run all checks, also after one has failed, and return 1 if any has.

    Pytest's summary stays the last line, unless the tests in a browser had to be skipped: then that is.
    """
    failed: list[str] = []
    for title, command in CHECKS.items():
        so_far = f" (failed so far: {', '.join(failed)})" if failed else ""
        print(f"\n=== {title}: {' '.join(command)}{so_far}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=os.environ | ONE_THREAD_EACH).returncode:
            failed.append(title)
    if missing := what_is_missing():
        print(f"\nbrowser tests SKIPPED: {missing}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
