"""Layer 1 over Dask arrays: the same features, on one machine or on many.

Dask is an optional extra: `pip install "equibook[dask]"`. Blocks are worked on where they are; a block whose worker is
lost is computed again by another one.
"""

import json
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

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
    """
    array = _dask_array()
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


def _dask_array() -> Any:
    try:
        import dask.array
    except ImportError as error:
        need = "`dask` must be installed to transform Dask arrays"
        raise ImportError(f'{need}, got none. Run `pip install "equibook[dask]"`.') from error
    return dask.array
