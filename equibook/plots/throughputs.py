"""Figures of scale: speed and memory by batch size and workers, and memory while images are worked through."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import check_choice
from equibook.drawing import PALETTE
from equibook.plots.figures import Picture, styled
from equibook.throughput import Throughput

_MARKERS = "os^Dv"
_DASHES = ("-", "--", ":", "-.")


@styled
def plot_throughput(found: Throughput, *, batch_size: int | None = None, workers: int | None = None) -> Figure:
    """Show images a second and memory by batch size, one line for each number of workers.

    Parameters
    ----------
    found : Throughput
    batch_size, workers : int, optional
        A setting to single out: its speed and its memory are written down, and how long a million images take.

    Returns
    -------
    Figure
        Left images a second, the bars from the slowest to the fastest run; right the memory above the start.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_throughput
    >>> from equibook.throughput import Throughput
    >>> made_up = {"n_images": 1000, "size": 32, "n_features": 90, "device": "cpu", "machine": "made up"}
    >>> seconds, memory = np.array([[2.0], [0.5]]), np.array([10.0, 90.0])
    >>> found = Throughput((1, 128), (1, 1), seconds, memory, start=300.0, **made_up)
    >>> print(plot_throughput(found).alt)  # doctest: +NORMALIZE_WHITESPACE
    128 at once, 1 worker: 2000 images a second, 90 MB above the start; a million images in 8 minutes. That is the
    fastest of 2 settings.
    """
    sizes, lines = sorted(set(found.batch_sizes)), sorted(set(found.workers))
    chosen = None
    if batch_size is not None or workers is not None:
        batch_size = check_choice(sizes[0] if batch_size is None else batch_size, sizes, name="batch_size")
        workers = check_choice(lines[0] if workers is None else workers, lines, name="workers")
        chosen = list(zip(found.batch_sizes, found.workers, strict=True)).index((batch_size, workers))
    figure = Picture(figsize=(7.4, 3.3), layout="constrained")
    speed, memory = figure.subplots(1, 2)
    for line, n in enumerate(lines):
        _draw_line(speed, memory, found, n, line)
    for ax, title in ((speed, "images a second"), (memory, "memory above the start (MB)")):
        ax.set(xlabel="images at once", title=title, ylim=(0, None))
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
        ax.grid(color="0.9")
    memory.set_ylim(0, 1.1 * max(1.0, found.memory.max()))
    speed.legend(title="workers", loc="lower right")
    figure.alt = f"{_say(found, found.best())} That is the fastest of {len(found.memory)} settings."
    if chosen is not None:
        for ax, value in ((speed, found.images_per_second[chosen]), (memory, found.memory[chosen])):
            ax.plot(found.batch_sizes[chosen], value, "o", ms=15, mfc="none", mec="black", mew=1.5)
        figure.suptitle(_say(found, chosen), fontsize=9.5)
        figure.alt = _say(found, chosen)
    return figure


def _draw_line(speed: Axes, memory: Axes, found: Throughput, workers: int, line: int) -> None:
    rows = [i for i, n in enumerate(found.workers) if n == workers]
    x, runs = [found.batch_sizes[i] for i in rows], found.n_images / found.seconds[rows]
    y = np.median(runs, axis=1)
    form: dict[str, Any] = {
        "color": PALETTE[line % len(PALETTE)],
        "marker": _MARKERS[line % len(_MARKERS)],
        "ls": _DASHES[line % len(_DASHES)],
        "ms": 4,
    }
    speed.errorbar(x, y, (y - runs.min(axis=1), runs.max(axis=1) - y), capsize=2, lw=1.2, label=str(workers), **form)
    memory.plot(x, found.memory[rows], lw=1.2, **form)


def _say(found: Throughput, i: int) -> str:
    speed, size, workers = found.images_per_second[i], found.batch_sizes[i], found.workers[i]
    setting = f"{size} at once, {workers} worker{'s' * (workers > 1)}"
    cost = f"{speed:.0f} images a second, {found.memory[i]:.0f} MB above the start"
    return f"{setting}: {cost}; a million images in {1e6 / speed / 60:.0f} minutes."


@styled
def plot_memory(
    traces: Mapping[str, np.ndarray], *, done: int | None = None, expected: Mapping[str, float] | None = None
) -> Figure:
    """Show memory against images done, one line for each way of working.

    Parameters
    ----------
    traces : dict from a name to an ndarray of shape (n_batches, 2)
        Images done, and MB above the start; see `equibook.throughput.follow_memory`.
    done : int, optional
        Draw only what had happened after so many images.
    expected : dict from a name to bytes an image, optional
        Straight lines to compare with, of what must be kept of each image.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_memory
    >>> traces = {"kept": np.array([[100, 5.0], [200, 10.0]]), "let go": np.array([[100, 2.0], [200, 2.0]])}
    >>> plot_memory(traces).alt
    'Memory above the start after 200 of 200 images: kept 10 MB, let go 2 MB.'
    >>> plot_memory(traces, done=100).alt
    'Memory above the start after 100 of 200 images: kept 5 MB, let go 2 MB.'
    """
    if not traces:
        raise ValueError("`traces` must hold at least one trace, got none. Pass a dict from names to arrays.")
    most = max(float(trace[:, 0].max()) for trace in traces.values())
    reached = most if done is None else float(done)
    figure = Picture(figsize=(7.4, 3.2), layout="constrained")
    ax = figure.add_subplot()
    said = []
    for i, (name, trace) in enumerate(traces.items()):
        past = trace[trace[:, 0] <= reached]
        color, marker, dashes = PALETTE[i % len(PALETTE)], _MARKERS[i % len(_MARKERS)], _DASHES[i % len(_DASHES)]
        ax.plot(past[:, 0], past[:, 1], dashes, color=color, lw=1.6, label=name)
        if len(past):
            ax.plot(*past[-1], marker, color=color, ms=6)
            said.append(f"{name} {past[-1, 1]:.0f} MB")
    for name, number in (expected or {}).items():
        ax.plot((0, most), (0, most * number / 1e6), color="0.5", lw=1, ls=(0, (1, 2)), label=name)
    highest = max(
        [*(float(t[:, 1].max()) for t in traces.values()), *(most * n / 1e6 for n in (expected or {}).values())]
    )
    ax.set(
        xlim=(0, 1.03 * most), ylim=(min(0.0, *(float(t[:, 1].min()) for t in traces.values())), 1.1 * max(1, highest))
    )
    ax.set(xlabel="images done", ylabel="memory above the start (MB)")
    ax.set_title(f"after {reached:.0f} images: " + (", ".join(said) or "nothing yet"))
    ax.legend(loc="upper left")
    ax.grid(color="0.9")
    figure.alt = f"Memory above the start after {reached:.0f} of {most:.0f} images: {', '.join(said) or 'nothing yet'}."
    return figure
