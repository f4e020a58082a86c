"""Pairs of maps, of an image and of the image transformed: what probes fit and compare, a batch at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equibook.probes.stages import Stage, feature_maps, run_all, stride
from equibook.probes.transforms import Transformation

Three = tuple[Tensor, Tensor, Tensor]


class Pairs:
    """The pairs that a map is fitted to at each stage: (φ(x), φ(g·x)), or backwards.

    Parameters
    ----------
    stages : dict from a name to a callable or torch.nn.Module
    transform : Transformation
    forward : bool

    Attributes
    ----------
    at : dict from a name to a Transformation
        The one that acts on the maps of a stage, from the first of the pair to the second.

    Examples
    --------
    The image itself at a stage: what it is moved to is what is to be reached.

    >>> import torch
    >>> from equibook.probes.pairs import Pairs
    >>> from equibook.probes.transforms import named
    >>> start, along, goal = Pairs({"image": lambda x: x}, named("rot90"))(torch.arange(9.0).view(1, 1, 3, 3))["image"]
    >>> tuple(goal.shape), torch.equal(along, goal), torch.equal(start, goal)
    ((1, 1, 3, 3), True, False)
    """

    def __init__(self, stages: Mapping[str, Stage], transform: Transformation, *, forward: bool = True) -> None:
        self.stages, self.transform, self.forward = stages, transform, forward
        acting = transform if forward else transform.undo()
        self.at = {name: _for_stage(f, acting) for name, f in stages.items()}

    def __call__(self, images: Tensor) -> dict[str, Three]:
        """Return the maps to start from, the same with their places moved, and the maps to reach; all in float64."""
        moved = self.transform.on_images(images)
        if tuple(moved.shape) != tuple(images.shape):
            got = f"{tuple(images.shape)} to {tuple(moved.shape)} by {self.transform.name!r}"
            raise ValueError(f"`transform` must keep the size of images, got {got}. Crop or pad what it returns.")
        before, after = run_all(self.stages, images), run_all(self.stages, moved)
        return {name: self._compare(name, before[name], after[name]) for name in self.stages}

    def _compare(self, name: str, before: Tensor, after: Tensor) -> Three:
        values = [feature_maps(maps, name).double() for maps in (before, after)]
        start, goal = values if self.forward else reversed(values)
        along = self.at[name].on_maps(start)
        if along.shape != start.shape:
            got = f"{tuple(start.shape)} to {tuple(along.shape)} by {self.transform.name!r}"
            raise ValueError(f"`transform` must keep the size of maps, got {got}. Crop or pad what it returns.")
        return start, along, goal


def _for_stage(f: Stage, transform: Transformation) -> Transformation:
    """Return the transformation for the maps of a stage; only a shift asks for the stride."""
    return transform if transform.by_stride is None else transform.for_stride(stride(f))


def quotient(error: Any, spread: Any) -> Any:
    """Divide: 0 where both are zero, infinite where only the denominator is.

    Parameters
    ----------
    error, spread : float or ndarray of any shape

    Returns
    -------
    ndarray of their common shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes.pairs import quotient
    >>> quotient(np.array([1.0, 0.0, 2.0]), np.array([4.0, 0.0, 0.0])).tolist()
    [0.25, 0.0, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((error == 0) & (spread == 0), 0.0, np.divide(error, spread))


def batches(images: Tensor, order: np.ndarray, batch_size: int) -> Iterator[Tensor]:
    """Yield images in an order, two at least at a time: each must find another one.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    order : int ndarray of shape (n_chosen,)
        Which images, of at least two.
    batch_size : int
        At most so many at a time, but for three where this is 2 and their number is odd.

    Yields
    ------
    Tensor of shape (n_batch, n_channels, height, width)

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.probes.pairs import batches
    >>> [len(batch) for batch in batches(torch.zeros(9, 1, 8, 8), np.arange(9), batch_size=4)]
    [3, 3, 3]
    """
    n_batches = max(1, -(-len(order) // max(batch_size, 2)))
    n_batches = max(1, min(n_batches, len(order) // 2))
    for chosen in np.array_split(order, n_batches):
        yield images[torch.from_numpy(chosen)]
