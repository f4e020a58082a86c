"""How many images a second Layer 1 works through, and how much memory it takes, by batch size and workers.

All is measured in one fresh process. In the process at hand, memory that was set free before would be taken again, and
would not be seen.
"""

import itertools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import torch
from sklearn.utils.validation import check_is_fitted

from equibook._checks import check_positive_int
from equibook._tables import Table
from equibook.representation import Representation
from equibook.streaming import transform_batches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = ("images at once", "workers", "images/s", "slowest", "fastest", "MB more")
_STATUS = Path("/proc/self/status")  # of Linux; what getrusage tells there is inherited from the parent
_CHILD = "from equibook.throughput import _answer; _answer()"


@dataclass(frozen=True, eq=False)
class Throughput(Table):
    """Speed and memory of Layer 1 at several batch sizes and numbers of workers.

    Parameters
    ----------
    batch_sizes, workers : tuple of int
        Of each setting.
    seconds : ndarray of shape (n_settings, n_repeats)
        For `n_images`, image by image the same; repeats of all settings take turns.
    memory : ndarray of shape (n_settings,)
        Peak of the process above what it held before the first image, in MB (10⁶ bytes). Settings are run in rising
        order, and the peak so far counts.
    start : float
        What the process held before the first image, most of it libraries, in MB.
    n_images, size, n_features : int
    device : str
    machine : str
        Processor, cores and versions.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.throughput import Throughput
    >>> made_up = {"n_images": 1000, "size": 32, "n_features": 90, "device": "cpu", "machine": "made up"}
    >>> seconds, memory = np.array([[2.0], [0.5]]), np.array([10.0, 90.0])
    >>> found = Throughput((1, 128), (1, 1), seconds, memory, start=300.0, **made_up)
    >>> found.images_per_second.tolist()
    [500.0, 2000.0]
    >>> found.best(), found.best(most_memory=50)  # the second setting, unless memory is short
    (1, 0)
    """

    batch_sizes: tuple[int, ...]
    workers: tuple[int, ...]
    seconds: np.ndarray
    memory: np.ndarray
    start: float
    n_images: int
    size: int
    n_features: int
    device: str
    machine: str

    @property
    def images_per_second(self) -> np.ndarray:
        """Median over the repeats: ndarray of shape (n_settings,)."""
        return np.median(self.n_images / self.seconds, axis=1)

    def best(self, most_memory: float = float("inf")) -> int:
        """Return the place of the fastest setting that takes no more than so many MB above the start."""
        fits = self.memory <= most_memory
        if not fits.any():
            need = f"`most_memory` must be at least {self.memory.min():.0f} MB, which the smallest setting takes"
            raise ValueError(f"{need}, got {most_memory:g}. Allow more, or measure smaller batches.")
        return int(np.where(fits, self.images_per_second, -np.inf).argmax())

    def plot(self) -> "Figure":
        """Draw speed and memory by batch size; see `equibook.plots.plot_throughput`."""
        from equibook.plots import plot_throughput

        return plot_throughput(self)

    _justify = staticmethod(str.rjust)

    @property
    def _head(self) -> tuple[str, ...]:
        return _COLUMNS

    def _rows(self) -> Iterator[tuple[str, ...]]:
        speeds = self.n_images / self.seconds
        for i, (batch_size, workers) in enumerate(zip(self.batch_sizes, self.workers, strict=True)):
            three = np.median(speeds[i]), speeds[i].min(), speeds[i].max()
            yield str(batch_size), str(workers), *(f"{value:.0f}" for value in three), f"{self.memory[i]:.0f}"

    @property
    def _notes(self) -> Sequence[str]:
        shape = f"{self.size} × {self.size} pixels to {self.n_features} features, on {self.device}"
        medians = f"medians of {self.seconds.shape[1]} runs of {self.n_images} images"
        memory = f"MB above the {self.start:.0f} MB before the first image"
        return [f"Images of {shape}; {medians}; {memory}. {self.machine}."]


def measure_throughput(
    layer_1: Representation,
    *,
    batch_sizes: Sequence[int] = (1, 16, 128, 1024),
    workers: Sequence[int] = (1, 2),
    n_images: int = 2048,
    repeats: int = 3,
) -> Throughput:
    """Measure Layer 1 in a fresh process, with one thread of torch a worker.

    Parameters
    ----------
    layer_1 : Representation
        Fitted; its `device` counts.
    batch_sizes, workers : sequence of int
        All pairs are measured.
    n_images : int
        Worked through for each pair and repeat; at least one batch. Random ones; the same batch again and again, so
        that nothing but Layer 1 is measured.
    repeats : int
        Of each pair; they take turns, so that what else the machine does spoils all alike.

    Returns
    -------
    Throughput

    Examples
    --------
    >>> import numpy as np
    >>> from equibook import Representation
    >>> from equibook.throughput import measure_throughput
    >>> layer_1 = Representation(scales=(1.6,), invariant="k0").fit(np.zeros((1, 16, 16)))
    >>> measure_throughput(layer_1, batch_sizes=(16, 0))  # all is checked before the clock runs
    Traceback (most recent call last):
    ...
    ValueError: `batch_sizes` must be a positive integer, got 0. Pass a whole number such as 8.
    """
    check_is_fitted(layer_1, "size_")
    for name, values in (("batch_sizes", batch_sizes), ("workers", workers)):
        if not values:
            raise ValueError(f"`{name}` must hold at least one number, got none. Write one, such as (128,).")
        for value in values:
            check_positive_int(value, name=name)
    check_positive_int(n_images, name="n_images")
    check_positive_int(repeats, name="repeats")
    pairs = list(itertools.product(sorted(set(batch_sizes)), sorted(set(workers))))
    asked = {
        "settings": layer_1.get_params(),
        "shape": (1, layer_1.n_channels_, layer_1.size_, layer_1.size_),
        "pairs": pairs,
        "n_images": n_images,
        "repeats": repeats,
    }
    found = _ask_child(asked)
    return Throughput(
        batch_sizes=tuple(batch_size for batch_size, _ in pairs),
        workers=tuple(n for _, n in pairs),
        seconds=np.array(found["seconds"]),
        memory=np.array(found["memory"]),
        start=found["start"],
        n_images=n_images,
        size=layer_1.size_,
        n_features=len(layer_1.get_feature_names_out()),
        device=str(layer_1.device),
        machine=_machine(str(layer_1.device)),
    )


def follow_memory(n_images: int, *, size: int = 32, batch_size: int = 128, keep: bool = False) -> np.ndarray:
    """Return the memory of a fresh process while the default Layer 1 works through random images.

    Parameters
    ----------
    n_images : int
    size : int
        Of the images, in pixels.
    batch_size : int
    keep : bool
        Keep all features, as `fit` does. Else each batch is let go when the next one comes.

    Returns
    -------
    float ndarray of shape (n_batches, 2)
        Images done, and MB (10⁶ bytes) above what the process held before the first image.

    Examples
    --------
    >>> from equibook.throughput import follow_memory
    >>> follow_memory(0)  # all is checked before the process starts
    Traceback (most recent call last):
    ...
    ValueError: `n_images` must be a positive integer, got 0. Pass a whole number such as 8.
    """
    for name, value in (("n_images", n_images), ("size", size), ("batch_size", batch_size)):
        check_positive_int(value, name=name)
    settings = Representation(batch_size=batch_size).get_params()
    asked = {"settings": settings, "shape": (1, 1, size, size), "n_images": n_images, "keep": keep}
    return np.array(_ask_child({**asked, "batch_size": batch_size})["trace"], dtype=float)


def peak_memory() -> float:
    """Return the most memory that this process ever held.

    Returns
    -------
    float
        In MB (10⁶ bytes).

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.throughput import peak_memory
    >>> before = peak_memory()
    >>> x = np.ones(10**6)  # 8 MB, let go again: the peak never falls
    >>> del x
    >>> peak_memory() >= before > 0
    True
    """
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return float(info.peak_wset / 1e6)
    try:
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    except (OSError, ValueError):  # macOS
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _ask_child(asked: dict[str, Any]) -> Any:
    """Return what a fresh process answers: one of its own memory, with one thread of torch."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, "-c", _CHILD]
    ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, env=environment)
    if ran.returncode:
        said = ran.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise RuntimeError(f"`layer_1` must run in a process of its own, got {said[0]!r}. Try one batch here.")
    return json.loads(ran.stdout.splitlines()[-1])


def _answer() -> None:
    """Measure, in the child, what standard input asks for, and print it."""
    asked = json.loads(sys.stdin.read())
    torch.set_num_threads(1)
    layer_1 = Representation(**asked["settings"]).fit(np.zeros(asked["shape"], dtype=np.float32))
    print(json.dumps(_trace(layer_1, asked) if "keep" in asked else _measure(layer_1, asked)))


def _measure(layer_1: Representation, asked: dict[str, Any]) -> dict[str, Any]:
    start = psutil.Process().memory_info().rss / 1e6
    seconds: list[list[float]] = [[] for _ in asked["pairs"]]
    memory = []
    for batch_size, workers in asked["pairs"]:  # once before the clock: pages and filters are made
        _run(layer_1, asked, batch_size, workers, 2 * batch_size * workers)
        memory.append(max(0.0, peak_memory() - start))
    for _ in range(asked["repeats"]):
        for spent, (batch_size, workers) in zip(seconds, asked["pairs"], strict=True):
            spent.append(_run(layer_1, asked, batch_size, workers, asked["n_images"]))
    return {"seconds": seconds, "memory": memory, "start": start}


def _run(layer_1: Representation, asked: dict[str, Any], batch_size: int, workers: int, n_images: int) -> float:
    """Return the seconds that a number of images take, from those of whole batches."""
    layer_1.batch_size = batch_size
    shape = batch_size, *asked["shape"][1:]
    n_batches = -(-n_images // batch_size)
    images = np.random.default_rng(0).random(shape, dtype=np.float32)
    source: Iterable[np.ndarray] = itertools.repeat(images, n_batches)
    start = time.perf_counter()
    for _ in transform_batches(layer_1, source, batch_size, workers=workers):
        pass
    return (time.perf_counter() - start) * n_images / (n_batches * batch_size)


def _trace(layer_1: Representation, asked: dict[str, Any]) -> dict[str, Any]:
    process, rng, n, size = psutil.Process(), np.random.default_rng(0), asked["n_images"], asked["batch_size"]
    shapes = ((min(size, n - first), *asked["shape"][1:]) for first in range(0, n, size))
    kept: list[np.ndarray] = []
    start, done, trace = process.memory_info().rss, 0, []
    for part in transform_batches(layer_1, (rng.random(shape, dtype=np.float32) for shape in shapes), size):
        done += len(part)
        kept.extend([part] * asked["keep"])
        trace.append((done, (process.memory_info().rss - start) / 1e6))
    return {"trace": trace}


def _machine(device: str) -> str:
    on = "" if torch.device(device).type == "cpu" else f", {torch.cuda.get_device_name(device)}"
    where = f"{platform.machine()}, {psutil.cpu_count()} cores{on}, {platform.system()}"
    return f"{where}; Python {platform.python_version()}, torch {torch.__version__.partition('+')[0]}"
