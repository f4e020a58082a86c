"""Speed of Layer 1 beside a bare convolution and kymatio, and of the import: `python benchmarks/speed.py`.

Everything is timed by turns in one run, batch 256 of 32 x 32 in float32, and medians and their ratios are stated.
kymatio runs in its own environment, given by `--kymatio PYTHON`: version 0.3.0 needs an older SciPy than this package
may have. Without it, or where it does not run, the table says so.
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from report import print_table, write_json

from equibook import Representation

BATCH, SIZE = 256, 32
KYMATIO = f"""
import sys, time, torch, kymatio
from kymatio.torch import Scattering2D
torch.set_num_threads({{threads}})
x = torch.rand({BATCH}, 1, {SIZE}, {SIZE})
scattering = Scattering2D(J=2, L=8, shape=({SIZE}, {SIZE}))
with torch.inference_mode():
    scattering(x)
    print(kymatio.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        scattering(x)
        print(time.perf_counter() - start, flush=True)
"""


def seconds(run):
    """Return how long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


class Kymatio:
    """kymatio in another Python, asked for one timed call at a time."""

    def __init__(self, python):
        source = KYMATIO.format(threads=torch.get_num_threads())
        self.process = subprocess.Popen(
            [python, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.version = self.process.stdout.readline().strip()
        if not self.version:
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])

    def seconds(self):
        """Return how long one call takes there."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def compiled(network, x):
    """Return the network compiled, or None and why not."""
    try:
        fast = torch.compile(network)
        fast(x)
    except Exception as error:  # a compiler may be missing, or not know an operator
        return None, f"{type(error).__name__}"
    return fast, ""


def layer_1(kymatio_python, repeats):
    """Return the seconds of every contender, {name: one figure a round}, and notes on those that are missing."""
    x, filters = torch.rand(BATCH, 1, SIZE, SIZE), torch.randn(48, 1, 15, 15)
    model = Representation().fit(x)
    network, plain = model.network(), model.network(plain=True)
    halves = x.split(model.batch_size)
    runs = {
        "bare conv2d, 48 filters 15 x 15": lambda: F.conv2d(x, filters, padding=7),
        "Layer 1, default (fast form)": lambda: [network(half) for half in halves],
        "Layer 1, plain form": lambda: [plain(half) for half in halves],
        "Representation.transform": lambda: model.transform(x),
    }
    notes = {}
    fast, why_not = compiled(network, halves[0])
    if fast is None:
        notes["Layer 1, compiled"] = why_not
    else:
        runs["Layer 1, compiled"] = lambda: [fast(half) for half in halves]
    for run in runs.values():
        run()
    times = {name: [] for name in runs}
    other = start_kymatio(kymatio_python, notes)
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(seconds(run))
        if other:
            times.setdefault(f"kymatio {other.version}, J=2, L=8", []).append(other.seconds())
    return times, notes


def start_kymatio(python, notes):
    """Return a running kymatio, or None, and note why."""
    if python is None:
        notes["kymatio"] = "no environment given (--kymatio PYTHON)"
        return None
    try:
        return Kymatio(python)
    except (OSError, RuntimeError) as error:
        notes["kymatio"] = f"does not run: {error}"
        return None


def import_time(repeats):
    """Return the seconds of a bare Python and of one that imports equibook, by turns."""
    times = {"bare Python": [], "import equibook": []}
    for _ in range(repeats):
        for name, source in (("bare Python", "pass"), ("import equibook", "import equibook")):
            times[name].append(
                seconds(lambda source=source: subprocess.run([sys.executable, "-c", source], check=True))
            )
    return times


def main():
    """Run all, print the tables and write speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kymatio", metavar="PYTHON", help="a Python that has kymatio and torch")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--output", default="speed.json")
    args = parser.parse_args()
    with torch.inference_mode():
        times, notes = layer_1(args.kymatio, args.repeats)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["bare conv2d, 48 filters 15 x 15"]
    rows = [[name, f"{1e3 * t:.1f}", f"{BATCH / t:.0f}", f"{t / bare:.2f}"] for name, t in medians.items()]
    rows += [[name, note, "", ""] for name, note in notes.items()]
    print_table(f"Layer 1, batch {BATCH}", ["what", "ms, median", "images/s", "over conv2d"], rows)
    imports = import_time(args.repeats)
    rows = [[name, f"{1e3 * statistics.median(values):.0f}"] for name, values in imports.items()]
    print_table("Import", ["what", "ms, median"], rows)
    write_json(args.output, {"layer 1": times, "notes": notes, "import": imports})


if __name__ == "__main__":
    main()
