"""Layers 1 and 2 over data that do not fit in memory: images come in batches, features leave in batches.

A source of images may be an array, a memory-mapped file of numpy, a tensor, a `torch.utils.data.DataLoader`, or
anything else that yields images: with four axes a batch (n_samples, n_channels, height, width), with three a batch of
grey images, with two a single grey image. Of a pair, such as images and labels, the first is taken. No more than a
batch is in memory at a time.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import IncrementalPCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from tqdm.auto import tqdm

from equibook._checks import as_images, check_positive_int
from equibook.reduction import Reduction
from equibook.representation import Pixels, Representation

Rows = Callable[[], Iterable[np.ndarray]]


def read_batches(source: Any, batch_size: int = 128) -> Iterator[Tensor]:
    """Yield images in batches of one size; the last may be smaller.

    Parameters
    ----------
    source : array, memory map or Tensor of shape (n_samples, n_channels, height, width), DataLoader, or iterable
        Of images or batches of images; see `equibook.streaming`.
    batch_size : int

    Yields
    ------
    Tensor of shape (batch_size, n_channels, height, width)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.streaming import read_batches
    >>> three_files = (np.zeros((5, 16, 16)) for _ in range(3))
    >>> [tuple(batch.shape) for batch in read_batches(three_files, 8)]
    [(8, 1, 16, 16), (7, 1, 16, 16)]
    """
    check_positive_int(batch_size, name="batch_size")
    waiting: list[Tensor] = []
    n_waiting = 0
    for images in _read_items(source, batch_size):
        while len(images):
            some, images = images[: batch_size - n_waiting], images[batch_size - n_waiting :]
            waiting.append(some)
            n_waiting += len(some)
            if n_waiting == batch_size:
                yield torch.cat(waiting)
                waiting, n_waiting = [], 0
    if waiting:
        yield torch.cat(waiting)


def transform_batches(
    layer_1: Representation | Pixels, source: Any, batch_size: int = 128, *, workers: int = 1
) -> Iterator[np.ndarray]:
    """Yield the features of images, batch by batch, in the order of the images.

    Parameters
    ----------
    layer_1 : Representation or Pixels
        Fitted: on a few images of the same shape, since nothing is learned.
    source : array, memory map or Tensor of shape (n_samples, n_channels, height, width), DataLoader, or iterable
        Of images or batches of images; see `equibook.streaming`.
    batch_size : int
    workers : int
        Batches that are worked on at a time. More than one are threads of this process, and torch takes one thread in
        each while they run; one worker leaves torch as many threads as it has.

    Yields
    ------
    ndarray of shape (batch_size, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.representation import Pixels
    >>> from equibook.streaming import transform_batches
    >>> images = np.zeros((5, 16, 16))
    >>> [features.shape for features in transform_batches(Pixels().fit(images[:1]), images, 2)]
    [(2, 256), (2, 256), (1, 256)]
    """
    check_is_fitted(layer_1, "size_")
    check_positive_int(workers, name="workers")
    batches = read_batches(source, batch_size)
    found = map(layer_1.transform, batches) if workers == 1 else _work(layer_1.transform, batches, workers)
    for part in tqdm(found, "Layer 1", _count_batches(source, batch_size), unit="batch", delay=2, leave=False):
        yield part.numpy()


def save_features(
    layer_1: Representation | Pixels, source: Any, path: str | Path, *, n_samples: int | None = None, **settings: Any
) -> int:
    """Write the features of images to a file of numpy, batch by batch; `numpy.load(path, mmap_mode="r")` reads it.

    Parameters
    ----------
    layer_1 : Representation or Pixels
        Fitted.
    source : array, memory map or Tensor of shape (n_samples, n_channels, height, width), DataLoader, or iterable
        Of images or batches of images; see `equibook.streaming`.
    path : str or Path
        Ends in ".npy". It appears when all is written: an interruption leaves no half file.
    n_samples : int, optional
        How many images there are, of a source that does not know.
    **settings
        `batch_size` and `workers`, as in `transform_batches`.

    Returns
    -------
    int
        The number of images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from equibook.representation import Pixels
    >>> from equibook.streaming import save_features
    >>> images = np.random.default_rng(0).random((5, 16, 16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "features.npy")
    ...     save_features(Pixels().fit(images[:1]), images, path, batch_size=2)
    ...     np.array_equal(np.load(path), images.reshape(5, 256))
    5
    True
    """
    target = Path(path)
    if target.suffix != ".npy":
        raise ValueError(f"`path` must end in '.npy', got {target.name!r}. Add the ending.")
    n_samples = _count_images(source) if n_samples is None else check_positive_int(n_samples, name="n_samples")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        n_written = _write(part, transform_batches(layer_1, source, **settings), n_samples)
        if n_written != n_samples:
            need = f"`source` must hold {n_samples} images, as `n_samples` says"
            raise ValueError(f"{need}, got {n_written}. Count them again.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return n_samples


def fit_reduction(rows: Rows, n_components: int, *, whiten: bool = False) -> Reduction:
    """Fit Layer 2 to features that come in batches, in two passes: means and deviations, then components.

    Parameters
    ----------
    rows : callable
        Returns the batches anew at each call, as in `lambda: transform_batches(layer_1, images)`.
    n_components : int
    whiten : bool

    Returns
    -------
    Reduction
        With scikit-learn's IncrementalPCA: its components come near to those of all data at once, the more of them are
        kept the nearer.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.reduction import Reduction
    >>> from equibook.streaming import fit_reduction
    >>> X = np.random.default_rng(0).normal(size=(60, 1)) * np.arange(1, 9)  # eight features that vary together
    >>> streamed = fit_reduction(lambda: np.split(X, 6), 1)
    >>> Z, at_once = streamed.transform(X), Reduction(1).fit_transform(X)
    >>> Z.shape, np.allclose(abs(Z), abs(at_once))  # a component is known up to its sign
    ((60, 1), True)
    """
    check_positive_int(n_components, name="n_components")
    scaler = StandardScaler()
    n_samples = 0
    for batch in rows():
        scaler.partial_fit(np.asarray(batch, dtype=np.float64))
        n_samples += len(batch)
    if n_samples <= n_components:
        need = f"`n_components` must be below {n_samples}, the number of samples"
        raise ValueError(f"{need}, got {n_components}. Lower it, or bring more samples.")
    pca = IncrementalPCA(n_components, whiten=whiten)
    for batch in _regroup(rows(), 2 * n_components):
        pca.partial_fit(scaler.transform(np.asarray(batch, dtype=np.float64)))
    pca.components_ = np.ascontiguousarray(pca.components_)  # sums run alike before and after saving
    reduction = Reduction(n_components, whiten=whiten)
    reduction.scaler_, reduction.pca_ = scaler, pca
    reduction._n_features_out, reduction.n_features_in_ = n_components, scaler.n_features_in_
    return reduction


def _read_items(source: Any, batch_size: int) -> Iterator[Tensor]:
    if isinstance(source, Tensor | np.ndarray):
        if source.ndim not in (3, 4):
            as_images(source)  # says what is wrong
        for start in range(0, len(source), batch_size):
            part = source[start : start + batch_size]
            yield as_images(part if isinstance(part, Tensor) else np.array(part))  # a copy: the rest stays on the disk
        return
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        hint = "Pass an array, a memory map, a DataLoader, or a generator of images."
        raise TypeError(f"`source` must yield images, got {type(source).__name__}. {hint}")
    for item in source:
        images = item[0] if isinstance(item, tuple | list) else item
        images = images if isinstance(images, Tensor) else np.asarray(images)
        if len(images):  # a batch may be empty
            yield as_images(images[None] if images.ndim == 2 else images)


def _work(transform: Callable[[Tensor], Tensor], batches: Iterable[Tensor], workers: int) -> Iterator[Tensor]:
    """Yield what becomes of batches, in their order; no more wait than are worked on."""
    n_threads, waiting = torch.get_num_threads(), deque[Future[Tensor]]()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            for batch in batches:
                waiting.append(pool.submit(transform, batch))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        torch.set_num_threads(n_threads)


def _regroup(batches: Iterable[np.ndarray], least: int) -> Iterator[np.ndarray]:
    """Yield batches of at least so many rows: as many as components are to be found at once."""
    waiting: list[np.ndarray] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= 2 * least:
            together = np.concatenate(waiting)
            yield together[:-least]
            waiting = [together[-least:]]
    yield np.concatenate(waiting)


def _write(path: Path, batches: Iterable[np.ndarray], n_samples: int) -> int:
    """Write batches as one array, through the system's cache: a memory map would grow with the file."""
    n_written = 0
    with path.open("wb") as file:
        for batch in batches:
            if not n_written:
                header = {"descr": batch.dtype.str, "fortran_order": False, "shape": (n_samples, batch.shape[1])}
                np.lib.format.write_array_header_2_0(file, header)
            file.write(np.ascontiguousarray(batch).tobytes())
            n_written += len(batch)
    return n_written


def _count_images(source: Any) -> int:
    if isinstance(source, Tensor | np.ndarray):
        return len(source)
    data = getattr(source, "dataset", None)  # of a DataLoader
    if data is None or not hasattr(data, "__len__"):
        need = "`n_samples` must say how many images a source without a length holds"
        raise ValueError(f"{need}, got none for a {type(source).__name__}. Count them.")
    return len(data)


def _count_batches(source: Any, batch_size: int) -> int | None:
    try:
        return -(-_count_images(source) // batch_size)
    except ValueError:
        return None
