"""Layer 1 over many images: `python benchmarks/streaming.py [--images 100000]`.

Images of 32 x 32 are made on the way, so that only what Layer 1 needs is in memory. Peak memory is the resident memory
of the process, looked at after every batch, above that after the first batch. With the extra `dask`, the same through a
local cluster. Every row is a process of its own.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import psutil
import torch
from report import print_table, write_json

from equibook import Representation
from equibook.streaming import transform_batches

SIZE = 32


def made_images(n, at_once):
    """Yield random images."""
    rng = np.random.default_rng(0)
    for start in range(0, n, at_once):
        yield rng.random((min(at_once, n - start), SIZE, SIZE), dtype=np.float32)


def stream(n, batch_size, threads):
    """Return seconds, and the peak of memory above that after the first batch, in MB."""
    torch.set_num_threads(threads)
    layer = Representation(batch_size=batch_size).fit(np.zeros((1, SIZE, SIZE), dtype=np.float32))
    process, done, base, peak = psutil.Process(), 0, None, 0
    start = time.perf_counter()
    for part in transform_batches(layer, made_images(n, batch_size), batch_size):
        done += len(part)
        now = process.memory_info().rss
        base, peak = base or now, max(peak, now)
    if done != n:
        raise RuntimeError(f"{done} of {n} images were transformed")
    return time.perf_counter() - start, (peak - base) / 1e6


def on_cluster(n, chunk, workers):
    """Return seconds on a local Dask cluster, of one thread a worker; sums alone come back."""
    import dask.array as da
    from distributed import Client, LocalCluster

    from equibook.distributed import transform

    layer = Representation().fit(np.zeros((1, SIZE, SIZE), dtype=np.float32))
    settings = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**settings) as cluster, Client(cluster):
        images = da.random.default_rng(0).random((n, SIZE, SIZE), chunks=(chunk, -1, -1), dtype=np.float32)
        transform(layer, images[: workers * chunk]).sum(axis=0).compute()  # every worker builds its layer
        start = time.perf_counter()
        transform(layer, images).sum(axis=0).compute()
        return time.perf_counter() - start, float("nan")


def measure(kind, *numbers):
    """Return what a process of its own measures."""
    command = [sys.executable, __file__, "--one", kind, *map(str, numbers)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main():
    """Run all, print the table and write streaming.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--output", default="streaming.json")
    args = parser.parse_args()
    if args.one:
        kind, *numbers = args.one
        print(json.dumps((stream if kind == "stream" else on_cluster)(*map(int, numbers))))
        return
    n, rows, figures = args.images, [], {}
    settings = [("stream", batch, 2) for batch in (16, 128, 1024)] + [("stream", 128, 1)]
    settings += [("dask", 1000, workers) for workers in (1, 2)]
    for kind, batch, parallel in settings:
        seconds, more = measure(kind, n, batch, parallel)
        unit = "threads" if kind == "stream" else "workers"
        rows.append([kind, batch, f"{parallel} {unit}", f"{seconds:.1f}", f"{n / seconds:.0f}", f"{more:.0f}"])
        figures[f"{kind}, {batch}, {parallel} {unit}"] = {"seconds": seconds, "MB above the first batch": more}
    columns = ["way", "images at once", "on", "s", "images/s", "MB above the first batch"]
    print_table(f"Layer 1, {n} images of {SIZE} x {SIZE}", columns, rows)
    write_json(args.output, figures)


if __name__ == "__main__":
    main()
