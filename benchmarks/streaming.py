"""Many images: `python benchmarks/streaming.py [--images 100000] [--repeats 3]`.

Random images of 32 x 32 are made on the way and features let go, so that only what the library needs is in memory. The
first table: Layer 1 over all images; peak memory (VmHWM) above what the process held before the first image. The
second: `equibook.throughput`, by batch size and threads. The third: a fifth of the images through a local Dask cluster
of one and of two processes, which take turns. The fourth: images of other sizes. The fifth: as many drawn shapes on the
disk; half of them, upright, are fitted out of core, the others, turned, are predicted. Every row is a process of its
own, with one thread of torch a worker.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from report import print_table, write_json

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.out_of_core import fit_from_features, predict_batches
from equibook.streaming import save_features, transform_batches
from equibook.throughput import measure_throughput, peak_memory

SIZE = 32
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def rss():
    return psutil.Process().memory_info().rss / 1e6


def made_images(n, at_once):
    """Yield random images."""
    rng = np.random.default_rng(0)
    for start in range(0, n, at_once):
        yield rng.random((min(at_once, n - start), SIZE, SIZE), dtype=np.float32)


def make_layer(batch_size=128):
    return Representation(batch_size=batch_size).fit(np.zeros((1, SIZE, SIZE), dtype=np.float32))


def stream(n, batch_size, workers):
    """Return seconds, and the peak of memory above that before the first image, in MB."""
    layer, base, done = make_layer(batch_size), rss(), 0
    start = time.perf_counter()
    for part in transform_batches(layer, made_images(n, batch_size), batch_size, workers=workers):
        done += len(part)
    if done != n:
        raise RuntimeError(f"{done} of {n} images were transformed")
    return {"seconds": time.perf_counter() - start, "MB above the start": peak_memory() - base}


def on_clusters(n, chunk, repeats):
    """Return seconds on local Dask clusters of one and two processes of one thread each; sums alone come back."""
    import dask.array as da
    from distributed import Client, LocalCluster

    from equibook.distributed import transform

    layer = make_layer()
    found = {"1": {"seconds": []}, "2": {"seconds": []}}
    for _ in range(repeats):
        for workers, figures in found.items():
            settings = {"n_workers": int(workers), "threads_per_worker": 1, "dashboard_address": None}
            with LocalCluster(**settings, memory_limit=0) as cluster, Client(cluster) as client:
                images = da.random.default_rng(0).random((n, SIZE, SIZE), chunks=(chunk, -1, -1), dtype=np.float32)
                transform(layer, images[: int(workers) * chunk]).sum(axis=0).compute()  # every worker builds its layer
                base = client.run(rss).values()
                start = time.perf_counter()
                transform(layer, images).sum(axis=0).compute()
                figures["seconds"].append(time.perf_counter() - start)
                figures["MB of a worker"] = max(client.run(peak_memory).values())
                figures["MB of a worker after its first block"] = max(base)
    return found


def whole(n, n_components):
    """Return the seconds of each step from images on the disk to predictions, and the peak of memory."""
    layer, figures = make_layer(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.float32, (n, SIZE, SIZE))
        labels = np.empty(n, dtype=object)
        for start in range(0, n, 1000):  # upright ones to learn from, turned ones to read
            X, y = datasets.load_shapes(min(1000, n - start), SIZE, random_state=start)
            angles = np.random.default_rng(start).uniform(-180, 180, len(X)) * (start >= n // 2)
            images[start : start + len(X)], labels[start : start + len(X)] = actions.rotate(X, angles)[:, 0], y
        labels = labels.astype(str)
        images.flush()
        del images
        base, source, half = rss(), np.load(folder / "images.npy", mmap_mode="r"), n // 2

        def timed(name, call):
            start = time.perf_counter()
            found = call()
            figures[name] = time.perf_counter() - start
            return found

        timed("features", lambda: save_features(layer, source[:half], folder / "f.npy"))
        features = np.load(folder / "f.npy", mmap_mode="r")
        model = GlassBoxClassifier("lda", n_components=n_components)
        fitted = timed("fit", lambda: fit_from_features(model, layer, features, labels[:half]))
        told = timed("predict", lambda: np.concatenate(list(predict_batches(fitted, source[half:]))))
        return {
            "seconds": figures,
            "accuracy": float(np.mean(told == labels[half:])),
            "MB on the disk": (folder / "f.npy").stat().st_size / 1e6,
            "MB above the start": peak_memory() - base,
        }


def by_size():
    """Return images a second and MB above the start, by size of images, 64 at once."""
    found = {}
    for size in (32, 64, 128, 224):
        layer = Representation().fit(np.zeros((1, size, size), dtype=np.float32))
        table = measure_throughput(layer, batch_sizes=(64,), workers=(1,), n_images=256, repeats=5)
        found[size] = float(table.images_per_second[0]), float(table.memory[0])
    return found


ONE = {"stream": stream, "dask": on_clusters, "whole": whole}


def measure(kind, *numbers):
    """Return what a process of its own measures, or the last line of its error."""
    command = [sys.executable, __file__, "--one", kind, *map(str, numbers)]
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2000:])
    return json.loads(ran.stdout.splitlines()[-1])


def main():
    """Run all, print the tables and write streaming.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--output", default="streaming.json")
    args = parser.parse_args()
    if args.one:
        torch.set_num_threads(1)
        kind, *numbers = args.one
        print(json.dumps(ONE[kind](*map(int, numbers))))
        return
    n, rows, figures = args.images, [], {}
    for batch, workers in [(16, 1), (128, 1), (1024, 1), (128, 2)]:
        found = measure("stream", n, batch, workers)
        seconds, more = found.values()
        rows.append([batch, workers, f"{seconds:.1f}", f"{n / seconds:.0f}", f"{more:.0f}"])
        figures[f"stream, {batch}, {workers}"] = found
    columns = ["images at once", "threads", "s", "images/s", "MB above the start"]
    print_table(f"Layer 1, {n} images of {SIZE} x {SIZE}", columns, rows)

    table = measure_throughput(make_layer(), batch_sizes=(1, 4, 16, 64, 128, 256, 1024), repeats=5)
    print(f"\n{table}", flush=True)
    speeds = table.images_per_second.tolist()
    for batch, workers, speed, more in zip(table.batch_sizes, table.workers, speeds, table.memory, strict=True):
        figures[f"throughput, {batch}, {workers}"] = {"images/s": speed, "MB above the start": more}

    few = n // 5
    figures["dask"] = measure("dask", few, 500, args.repeats)
    rows = [
        [workers, f"{few / np.median(found['seconds']):.0f}", *(f"{value:.0f}" for value in list(found.values())[1:])]
        for workers, found in figures["dask"].items()
    ]
    columns = ["processes", "images/s, median", "MB of a worker, peak", "after its first block"]
    print_table(f"Dask, {few} images, {args.repeats} runs each", columns, rows)

    figures["sizes"] = by_size()
    rows = [[f"{size} x {size}", f"{speed:.0f}", f"{more:.0f}"] for size, (speed, more) in figures["sizes"].items()]
    print_table("Layer 1 by size of images, 64 at once, one thread", ["pixels", "images/s", "MB above the start"], rows)

    figures["whole"] = found = measure("whole", few, 200)
    rows = [[name, f"{seconds:.1f}", f"{few / 2 / seconds:.0f}"] for name, seconds in found["seconds"].items()]
    print_table(
        f"Shapes: {few // 2} to learn from, {few // 2} to read, 200 components", ["step", "s", "images/s"], rows
    )
    print({name: value for name, value in found.items() if name != "seconds"})
    write_json(args.output, figures)


if __name__ == "__main__":
    main()
