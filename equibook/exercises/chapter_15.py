"""The exercises of chapter 15: a batch size for a limit of memory, batches from files, batches that are too small."""

import tempfile
from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from equibook.exercises import exercise

_MEASURED = ((1, 400.0, 9.0), (16, 3000.0, 12.0), (64, 5000.0, 30.0), (128, 5000.0, 40.0), (512, 4500.0, 90.0))


@exercise(
    "15-1",
    title="The largest speed for a limit",
    level="easy",
    minutes=5,
    wants="a function of `measured, limit` that returns a batch size, or 0",
    right="A larger batch is not always a faster one, and memory that is not needed serves others.",
)
def choose_batch_size(answer: Callable[..., Any]) -> str | None:
    """Try a function at limits that all fit, some fit, one just fits, none fits; and in another order."""
    tries = [(_MEASURED[::-1], 1000.0, 64), (_MEASURED, 1000.0, 64), (_MEASURED, 12.0, 16), (_MEASURED, 29.0, 16)]
    for measured, limit, right in tries:
        found = answer(list(measured), limit)
        if isinstance(found, tuple | list):
            return "Return the batch size alone, not all that was measured of it."
        if isinstance(found, bool | np.bool) or not isinstance(found, Integral):
            return f"Return a batch size, or 0, not {type(found).__name__}."
        if found != right:
            return _say_wrong_size(found, limit, right)
    if answer(list(_MEASURED), 5.0) != 0:
        return "Right where one fits. For a limit of 5 MB none does: return 0."
    return None


def _say_wrong_size(found: Any, limit: float, right: int) -> str:
    sizes = {size: (speed, memory) for size, speed, memory in _MEASURED}
    if found == 0:
        return f"For a limit of {limit:g} MB it gives 0, but {right} at once take {sizes[right][1]:g} MB."
    if found not in sizes:
        return f"For a limit of {limit:g} MB it gives {found}, which was not measured. Return a batch size."
    speed, memory = sizes[int(found)]
    if memory > limit:
        return f"For a limit of {limit:g} MB it gives {found}, which takes {memory:g} MB."
    if speed == sizes[right][0]:
        return f"{found} and {right} at once are equally fast. Take the one with less memory."
    if found == max(size for size, (_, needs) in sizes.items() if needs <= limit):
        return f"{found} is the largest batch that fits, not the fastest: {right} at once are faster."
    why = " A batch that takes exactly the limit fits." if sizes[right][1] == limit else ""
    return f"For a limit of {limit:g} MB it gives {found}: {speed:g} images a second. {right} at once are faster.{why}"


@exercise(
    "15-2",
    title="Batches from files",
    level="medium",
    minutes=10,
    wants="a generator of `paths, batch_size` that yields arrays of images",
    right="No more than a file and a batch are in memory, however many files there are.",
)
def read_files(answer: Callable[..., Any]) -> str | None:
    """Try a generator on four files; then on such with a missing one at the end, which must not be touched at once."""
    images = np.arange(23 * 4.0).reshape(23, 2, 2)
    with tempfile.TemporaryDirectory() as name:
        parts = np.split(images, [3, 4, 15])
        paths = [Path(name) / f"{i}.npy" for i in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            np.save(path, part)
        for batch_size in (5, 1, 23, 100):
            given = answer(list(paths), batch_size)
            if given is None or isinstance(given, np.ndarray):
                return "Write a generator: it yields one batch after the other."
            if hint := _fault_of_batches([np.asarray(batch) for batch in given], images, batch_size):
                return hint
        return _fault_of_haste(answer, [*paths, Path(name) / "missing.npy"])


def _fault_of_batches(found: Sequence[np.ndarray], images: np.ndarray, batch_size: int) -> str | None:
    sizes = [len(batch) if batch.ndim else 0 for batch in found]
    if not found:
        return "It yields nothing. Is there a `yield` that is reached?"
    if any(batch.ndim != 3 for batch in found):
        return f"A batch has three axes, (batch_size, height, width). Here is one of shape {found[0].shape}."
    right = [batch_size] * (len(images) // batch_size) + [len(images) % batch_size] * (len(images) % batch_size > 0)
    if sum(sizes) < len(images):
        lost = "the last, smaller batch is missing" if sizes == right[:-1] else "some images are lost"
        return f"Of {len(images)} images in files of 3, 1, 11 and 8, {sum(sizes)} came out: {lost}."
    if 0 in sizes:
        return "Do not yield an empty batch."
    if sizes != right:
        return f"In batches of {batch_size}, the sizes must be {right}, got {sizes}. Batches go on across files."
    if not np.array_equal(np.concatenate(found), images):
        return "The sizes are right, but not the images: they must come in the order of the files, each once."
    return None


def _fault_of_haste(answer: Callable[..., Any], paths: list[Path]) -> str | None:
    try:
        first = next(iter(answer(paths, 3)))
    except FileNotFoundError:
        return "All files are opened before the first batch is out. Open each one when it is needed."
    return None if len(first) == 3 else "The first batch of three images is the first file. Hand it on at once."


_SIZES = (((4, 4, 4), 4), ((3, 3, 3, 3), 5), ((3, 1, 5, 2), 4), ((7, 2), 5), ((2, 1), 5), ((9,), 4), ((2, 9, 1, 1), 3))


@exercise(
    "15-3",
    title="A batch that is too small",
    level="medium",
    minutes=8,
    wants="a function of `sizes, k` that returns a list of whole numbers",
    right="`fit_reduction` does so with rows, and takes twice as many at a time.",
)
def regroup(answer: Callable[..., Any]) -> str | None:
    """Try a function on sizes with a rest, without one, and with too few rows altogether."""
    for sizes, k in _SIZES:
        given = answer(list(sizes), k)
        if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str):
            return f"Return a list of sizes, not {type(given).__name__}."
        found, right = [int(size) for size in given], _regroup(sizes, k)
        if found == right:
            continue
        case = f"For sizes {list(sizes)} and k = {k} it gives {found}"
        if sum(found) != sum(sizes):
            return f"{case}: {sum(sizes)} rows came in and {sum(found)} go out. What becomes of the rest?"
        if len(right) > 1 and found == [sum(sizes)]:
            return f"{case}: all at once is what we wanted to avoid. Hand on as soon as there are {k}."
        if min(found) < k <= sum(sizes):
            return f"{case}: {min(found)} rows are fewer than {k}. Join them to the last batch handed on."
        return f"{case}, not {right}. Hand on as soon as there are at least k rows, no sooner and no later."
    return None


def _regroup(sizes: Sequence[int], k: int) -> list[int]:
    groups: list[int] = []
    waiting = 0
    for size in sizes:
        waiting += size
        if waiting >= k:
            groups, waiting = [*groups, waiting], 0
    return [*groups[:-1], groups[-1] + waiting] if groups else [waiting]
