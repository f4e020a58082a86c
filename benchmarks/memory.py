"""How much memory each chapter takes: `python benchmarks/memory.py [NN ...] [--notebooks FOLDER]`.

Every notebook runs from top to bottom in a kernel of its own, with one thread, and draws all its pictures. *Peak* is
what the system notes of the kernel (VmHWM on Linux), a megabyte being 10⁶ bytes. *With its children* adds the processes
that the kernel starts: the largest sum, over looks 50 ms apart, of the kernel's resident memory and of what its
children share with nobody. A line above the chapters: a kernel that has imported torch and torchvision alone.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

ALONE = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {"EQUIBOOK_CACHE": ""}
os.environ.update(ALONE)  # before torch reads it; kernels inherit it

import nbformat  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbformat.v4 import new_code_cell, new_notebook  # noqa: E402
from report import print_table, write_json  # noqa: E402

from equibook import alexnet  # noqa: E402

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LIMIT = 1500  # MB
EMPTY = new_notebook(cells=[new_code_cell("import torch, torchvision")])
ASK = "from equibook.throughput import peak_memory\n\nprint(peak_memory())"


class Watch(threading.Thread):
    """Look at the memory of all child processes until told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0.0, threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, sum(map(memory_of, psutil.Process().children())) / 1e6)


def memory_of(kernel):
    """Return the bytes that a kernel holds, and those that its children hold besides."""
    try:
        children = kernel.children(recursive=True)
        return kernel.memory_info().rss + sum(child.memory_full_info().uss for child in children)
    except psutil.Error:  # one of them has just ended
        return 0


def run(notebook, folder):
    """Return what a notebook takes: MB of its kernel, MB with the kernel's children, seconds."""
    notebook.cells.append(new_code_cell(ASK))
    watch, start = Watch(), time.perf_counter()
    watch.start()
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    seconds = time.perf_counter() - start
    watch.done.set()
    watch.join()
    own = float(notebook.cells[-1].outputs[0].text)
    return {"MB": own, "MB with its children": max(own, watch.peak), "seconds": seconds}


def main():
    """Run the chapters, print and write what they take, and return 1 if one takes more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapters", nargs="*", metavar="NN", help="as in 00 09; by default all")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="their folder")
    parser.add_argument("--output", default="memory.json")
    arguments = parser.parse_args()
    paths = sorted(arguments.notebooks.glob("[0-9][0-9]_*.ipynb"))
    chosen = [path for path in paths if not arguments.chapters or path.name[:2] in arguments.chapters]
    figures = {"torch and torchvision": run(EMPTY, arguments.notebooks)}
    for path in chosen:
        figures[path.stem] = run(nbformat.read(path, as_version=4), arguments.notebooks)
        print(f"{path.stem}: {figures[path.stem]}", file=sys.stderr, flush=True)
    rows = [[name, *(f"{value:.0f}" for value in found.values())] for name, found in figures.items()]
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    title = f"Memory of a chapter: torch's {build} build, AlexNet with the weights {alexnet.best_available()!r}"
    print_table(title, ["notebook", "peak, MB", "with its children, MB", "seconds"], rows)
    write_json(arguments.output, {"build": build, "weights": alexnet.best_available(), "notebooks": figures})
    return int(max(found["MB with its children"] for found in figures.values()) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
