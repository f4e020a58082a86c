"""Layer 1 over Dask arrays: the same features, on one machine or on many.

Dask is an optional extra: `pip install "equibook[dask]"`. Blocks are worked on where they are; a block whose worker is
lost is computed again by another one.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from equibook._checks import check_positive_int
from equibook.representation import Pixels, Representation


def transform(layer_1: Representation | Pixels, images: Any) -> Any:
    """Return the features of a Dask array of images, as a Dask array: nothing is computed yet.

    Parameters
    ----------
    layer_1 : Representation or Pixels
        Fitted: on a few images of the same shape, since nothing is learned.
    images : dask.array.Array of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        In blocks of whole images; blocks of a few hundred to a few thousand serve well.

    Returns
    -------
    dask.array.Array of shape (n_samples, n_features)
        `.compute()`, or `dask.array.to_zarr` and the like, set the work off: on the threads of this process, or on the
        cluster of the `dask.distributed.Client` that was made before.

    Examples
    --------
    >>> import dask.array
    >>> import numpy as np
    >>> from equibook.distributed import transform
    >>> from equibook.representation import Pixels
    >>> images = dask.array.zeros((6, 16, 16), chunks=(2, -1, -1))
    >>> features = transform(Pixels().fit(np.zeros((1, 16, 16))), images)
    >>> features.shape, features.chunks[0], features.compute().shape
    ((6, 256), (2, 2, 2), (6, 256))
    """
    array = _dask().array
    check_is_fitted(layer_1, "size_")
    if not isinstance(images, array.Array):
        hint = "Make one by `dask.array.from_array(images, chunks=(1000, -1, -1, -1))`."
        raise TypeError(f"`images` must be a Dask array, got {type(images).__name__}. {hint}")
    if images.ndim not in (3, 4):
        hint = "Give each image its height and width."
        raise ValueError(f"`images` must have three axes or four, got shape {images.shape}. {hint}")
    whole = images.rechunk({axis: -1 for axis in range(1, images.ndim)})
    n_features = len(layer_1.get_feature_names_out())
    meta = np.empty((0, n_features), dtype=whole.dtype)
    return whole.map_blocks(
        _features_of_block,
        _describe(layer_1),
        dtype=whole.dtype,
        chunks=(whole.chunks[0], (n_features,)),
        drop_axis=list(range(2, images.ndim)),
        meta=meta,
    )


def read_blocks(features: Any, at_once: int = 4) -> Iterator[np.ndarray]:
    """Compute a Dask array of features a few blocks at a time, and yield them in their order.

    For Layer 2, which takes the features twice: `fit_reduction(lambda: read_blocks(features), 50)`. Each round computes
    them anew; on a cluster with room for them, `features.persist()` keeps them on the workers.

    Parameters
    ----------
    features : dask.array.Array of shape (n_samples, n_features)
    at_once : int
        Blocks that are worked on at a time, and come into the memory of this process together: as many as workers, or
        a few times more.

    Yields
    ------
    ndarray of shape (n_samples_in_block, n_features)

    Examples
    --------
    >>> import dask.array
    >>> from equibook.distributed import read_blocks
    >>> features = dask.array.ones((5, 3), chunks=(2, -1))
    >>> [block.shape for block in read_blocks(features, at_once=2)]
    [(2, 3), (2, 3), (1, 3)]
    """
    check_positive_int(at_once, name="at_once")
    dask = _dask()
    if not isinstance(features, dask.array.Array) or features.ndim != 2:
        hint = "Pass what `equibook.distributed.transform` returns."
        raise TypeError(f"`features` must be a Dask array with two axes, got {type(features).__name__}. {hint}")
    blocks = list(features.rechunk({1: -1}).blocks)
    for start in range(0, len(blocks), at_once):
        yield from dask.compute(*blocks[start : start + at_once])


def _describe(layer_1: Representation | Pixels) -> str:
    """Return all that makes Layer 1 what it is; workers build it from that, since nothing is learned."""
    shape = layer_1.n_channels_, layer_1.size_
    return json.dumps({"kind": type(layer_1).__name__, "settings": layer_1.get_params(), "shape": shape})


@lru_cache(maxsize=4)
def _build(described: str) -> Any:
    """Return Layer 1, once in each process."""
    found = json.loads(described)
    kind = {"Representation": Representation, "Pixels": Pixels}[found["kind"]]
    n_channels, size = found["shape"]
    return kind(**found["settings"]).fit(np.zeros((1, n_channels, size, size), dtype=np.float32))


def _features_of_block(block: np.ndarray, described: str) -> np.ndarray:
    return _build(described).transform(block)


def _dask() -> Any:
    try:
        import dask.array
    except ImportError as error:
        need = "`dask` must be installed to transform Dask arrays"
        raise ImportError(f'{need}, got none. Run `pip install "equibook[dask]"`.') from error
    return dask
