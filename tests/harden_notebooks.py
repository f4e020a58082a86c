"""Run every notebook under hard conditions: `python tests/harden_notebooks.py`. It takes a while.

Each notebook has kernels of its own, in a reader's folder that holds nothing else, in a random order; one core, no
network, no home (see `notebook_guard`), every warning an error. First all cells run twice in one kernel. Then, in a
new kernel, the longest cells are interrupted in their middle, and after that all cells must run again. Where `strace`
is at hand, it tells what was written, by whatever library. Docs: `docs/robustness.md`.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
from jupyter_client import KernelManager

sys.path.insert(0, str(Path(__file__).parent))

import notebook_guard

from equibook import progress

ROOT = Path(__file__).resolve().parent.parent
CUT = "EQUIBOOK_NETWORK_IS_CUT"
CALLS = "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat"
CHANGED = re.compile(r"^\d+ +(?!open)\w+\(.*\) = 0$|^\d+ +(?:open|openat|creat)\(.*O_(?:WRONLY|RDWR|CREAT).*\) = \d+")
PATHS = re.compile(r'(?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"|"(/[^"]*)"')
NOT_FILES = ("/dev/", "/proc/", "/sys/", "pipe:", "socket:")


@dataclass
class Found:
    """What came out for one notebook; empty lists are good, but for cells interrupted."""

    notebook: str
    seconds: float = 0.0
    cells: int = 0
    errors: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


class Manager(KernelManager):
    """Starts a kernel on one core, if asked under strace."""

    core: int = 0
    trace: Path | None = None

    def format_kernel_cmd(self, extra_arguments=None):
        watched = ["strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(self.trace)]
        one_core = ["taskset", "-c", str(self.core)] if shutil.which("taskset") else []
        return [*(watched if self.trace else []), *one_core, *super().format_kernel_cmd(extra_arguments)]


class Kernel:
    """A kernel in a reader's folder, guarded, with a cache of its own."""

    def __init__(self, folder: Path, core: int, *, strace: bool = False) -> None:
        self.folder, self.work = folder, folder / "work"
        self.work.mkdir(parents=True)
        (self.work / progress.MANIFEST).write_text("{}")  # so progress is kept here
        self.manager = Manager(kernel_name="python3")
        self.manager.core, self.manager.trace = core, folder / "strace.log" if strace else None
        keep = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
        extra = notebook_guard.environment(folder) | {"EQUIBOOK_CACHE": str(folder / "cache")}
        self.manager.connection_file = str(folder / "runtime" / "kernel.json")
        self.manager.start_kernel(cwd=str(self.work), env=keep | extra, stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=180)

    def run(self, source: str, *, interrupt_after: float | None = None) -> list[tuple[str, str]]:
        """Run a cell and return what it shows, as pairs of a kind and a text."""
        shown: list[tuple[str, str]] = []
        timer = threading.Timer(interrupt_after or 0, self.manager.interrupt_kernel)
        if interrupt_after:
            timer.start()
        self.client.execute_interactive(source, timeout=1800, allow_stdin=False, output_hook=lambda m: _keep(m, shown))
        timer.cancel()
        return shown

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()


def _keep(message: dict, shown: list[tuple[str, str]]) -> None:
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        shown.append((content["name"], content["text"]))
    elif kind == "error":
        shown.append(("error", f"{content['ename']}: {content['evalue']}"))
    elif kind in ("display_data", "execute_result", "update_display_data") and not _is_progress_bar(content["data"]):
        shown += [(name, str(value)) for name, value in sorted(content["data"].items())]


def _is_progress_bar(data: dict) -> bool:
    """Say whether a display is a widget with nothing but a text: tqdm's bars, which come and go with the speed."""
    return data.keys() == {"application/vnd.jupyter.widget-view+json", "text/plain"}


def comparable(shown: list[tuple[str, str]]) -> str:
    """Return what a cell has shown, without what names no result: addresses in memory, identities of widgets."""
    texts: list[list[str]] = []
    for kind, text in shown:
        if kind in ("stdout", "stderr") and texts and texts[-1][0] == kind:  # one text that came in pieces
            texts[-1][1] += text
        elif not kind.startswith("application/vnd.jupyter.widget"):
            texts.append([kind, text])
    return re.sub(r"0x[0-9a-f]+|[0-9a-f]{32}|model_id=\S+", "", "\n".join(f"{kind}\n{text}" for kind, text in texts))


def first_difference(one: str, other: str) -> str:
    """Return the first line that differs, as it is in both."""
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    return " | ".join(text[:150] for text in next(((a, b) for a, b in pairs if a != b), ("more lines", "in one")))


def run_all(kernel: Kernel, cells: list, found: Found, *, title: str) -> tuple[list[str], list[float]]:
    """Run all cells; note errors and what goes to stderr; return what was shown, and the seconds of each cell."""
    texts, seconds = [], []
    for cell in cells:
        start = time.perf_counter()
        shown = kernel.run(cell.source)
        seconds.append(time.perf_counter() - start)
        texts.append(comparable(shown))
        expected = "raises-exception" in cell.metadata.get("tags", ())
        found.errors += [f"{title} {cell.id}: {text}" for kind, text in shown if kind == "error" and not expected]
        found.stderr += [f"{title} {cell.id}: {text[:300]}" for kind, text in shown if kind == "stderr"]
    return texts, seconds


def run_twice(cells: list, folder: Path, core: int, found: Found, *, strace: bool) -> list[float]:
    """Run all cells twice in one kernel, and return the seconds of each cell of the first time."""
    kernel = Kernel(folder, core, strace=strace)
    try:
        first, seconds = run_all(kernel, cells, found, title="first")
        again, _ = run_all(kernel, cells, found, title="again")
    finally:
        kernel.close()
    pairs = [(cell.id, *texts) for cell, *texts in zip(cells, first, again, strict=True) if texts[0] != texts[1]]
    found.differs = [f"{name}: {first_difference(one, other)}" for name, one, other in pairs]
    found.written += written_elsewhere(kernel)
    look_around(kernel, found)
    return seconds


def run_interrupted(cells: list, folder: Path, core: int, found: Found, seconds: list[float], n_places: int) -> None:
    """Interrupt the longest cells in their middle, each after the cells before it, and then run all cells again."""
    kernel = Kernel(folder, core)
    places = sorted(range(len(cells)), key=lambda i: -seconds[i])[:n_places]
    try:
        for place in places:
            run_all(kernel, cells[:place], found, title="before the interruption")
            shown = kernel.run(cells[place].source, interrupt_after=seconds[place] / 2)
            was = any(kind == "error" and text.startswith("KeyboardInterrupt") for kind, text in shown)
            (found.interrupted if was else found.missed).append(cells[place].id)
        run_all(kernel, cells, found, title="resumed")
    finally:
        kernel.close()
    look_around(kernel, found)


def look_around(kernel: Kernel, found: Found) -> None:
    """Note what the guard has refused, halves of files, and files beside the notebook that should not be there."""
    log = kernel.folder / "refused.txt"
    found.refused += sorted(set(log.read_text().splitlines())) if log.exists() else []
    known = {progress.MANIFEST, progress.FILE}
    found.left += [str(path) for path in kernel.work.rglob("*") if path.name not in known]
    found.left += [str(path) for path in (kernel.folder / "cache").rglob("*.tmp")]
    for path in (kernel.folder / "cache").rglob("*.json"):
        json.loads(path.read_bytes())
    if (kernel.work / progress.FILE).exists():
        progress.read(kernel.work / progress.FILE)


def written_elsewhere(kernel: Kernel) -> list[str]:
    """Return the files outside the folder of the kernel that strace saw changed, by this kernel or what it started."""
    if not kernel.manager.trace:
        return []
    paths: set[str] = set()
    with kernel.manager.trace.open(errors="replace") as lines:
        for line in lines:
            if CHANGED.match(line):
                paths |= {os.path.join(a, b) or c for a, b, c in PATHS.findall(line)}
    return sorted(path for path in paths if not _may_change(path, str(kernel.folder)))


def _may_change(path: str, folder: str) -> bool:
    return path.startswith((folder, *NOT_FILES)) or "__pycache__" in path


def harden(path: Path, folder: Path, core: int, *, strace: bool, n_places: int) -> Found:
    """Run one notebook under all conditions."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    found, start = Found(path.stem, cells=len(cells)), time.perf_counter()
    try:
        seconds = run_twice(cells, folder / "twice", core, found, strace=strace)
        run_interrupted(cells, folder / "interrupted", core, found, seconds, n_places)
    except Exception as error:
        found.errors.append(f"{type(error).__name__}: {error}")
    found.seconds = time.perf_counter() - start
    print(json.dumps(asdict(found), indent=1), flush=True)
    return found


def cut_network() -> None:
    """Start anew with no network but this machine, where the system lets us; else the guard alone holds."""
    namespace = ["unshare", "-n" if os.geteuid() == 0 else "-rn", "sh", "-c"]
    if CUT in os.environ or sys.platform != "linux" or not (shutil.which("unshare") and shutil.which("ip")):
        return
    if subprocess.run([*namespace, "ip link set lo up"], capture_output=True).returncode == 0:
        os.environ[CUT] = "1"
        os.execvp("unshare", [*namespace, 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])


def has_failed(found: Found) -> bool:
    return any((found.errors, found.stderr, found.refused, found.written, found.left))


def main() -> int:
    """Run the notebooks and print a table; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all by default")
    parser.add_argument("--order", type=int, default=random.SystemRandom().randrange(10**6), help="the random order")
    parser.add_argument("--places", type=int, default=2, help="how many cells are interrupted in each notebook")
    parser.add_argument("--output", type=Path, help="a JSON file with everything found")
    args = parser.parse_args()
    cut_network()
    paths = args.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    random.Random(args.order).shuffle(paths)
    strace = shutil.which("strace") is not None
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    print(f"order {args.order}, network cut: {CUT in os.environ}, strace: {strace}, {len(cores)} at a time", flush=True)
    free = list(cores)

    def on_a_core(path: Path) -> Found:
        core = free.pop()
        try:
            with tempfile.TemporaryDirectory(prefix="equibook_harden_") as folder:
                return harden(path.resolve(), Path(folder), core, strace=strace, n_places=args.places)
        finally:
            free.append(core)

    with ThreadPoolExecutor(len(cores)) as pool:
        results = sorted(pool.map(on_a_core, paths), key=lambda found: found.notebook)
    columns = ("errors", "stderr", "refused", "written", "left", "differs", "interrupted", "missed")
    print(f"{'notebook':<28}{'cells':>6}{'s':>6}" + "".join(f"{name:>12}" for name in columns))
    for found in results:
        counts = "".join(f"{len(getattr(found, name)):>12}" for name in columns)
        print(f"{found.notebook:<28}{found.cells:>6}{found.seconds:>6.0f}{counts}")
    if args.output:
        args.output.write_text(json.dumps([asdict(found) for found in results], indent=1))
    return int(any(map(has_failed, results)))


if __name__ == "__main__":
    sys.exit(main())
