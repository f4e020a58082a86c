"""Every check of the repository, in order: `python tests/run_all.py`. `make test` runs this same file."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARALLEL = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
ONE_THREAD_EACH = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
CHECKS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "unit tests": ["pytest", *PARALLEL],
    "notebooks": ["pytest", *PARALLEL, "--nbval-lax", "--nbval-current-env", "notebooks"],
}


def main() -> int:
    """Run all checks, also after one has failed, and return 1 if any has; pytest's summary stays the last line."""
    failed: list[str] = []
    for title, command in CHECKS.items():
        so_far = f" (failed so far: {', '.join(failed)})" if failed else ""
        print(f"\n=== {title}: {' '.join(command)}{so_far}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=os.environ | ONE_THREAD_EACH).returncode:
            failed.append(title)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
