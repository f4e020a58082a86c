"""Which channels of a stage a transformation leaves alone: as they are, or but for their places.

A channel counts as *still* where φ(x) as it is tells φ(g·x), place by place: g leaves its map as it was. It counts as
*carried* where φ(x) with its places moved does: the map moves along, and the channel has no partner to change with.
Lenc and Vedaldi, arXiv:1411.5908, count invariant channels of a network; that 'tells' means an error of at most 0.1 of
the channel's own spread is this package's choice.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_positive_int
from equibook._tables import Table
from equibook.probes.pairs import Pairs, quotient
from equibook.probes.stages import resolve
from equibook.probes.transforms import Transformation, as_transformation


@dataclass(frozen=True, eq=False)
class InvarianceCount(Table):
    """How many channels of each stage a transformation leaves alone; see `invariance_count`.

    Parameters
    ----------
    transform : str
    threshold : float
    still, carried : dict from a stage to an ndarray of shape (n_channels,)
        The error of each channel, of φ(x) as it is and with its places moved, over Σ (φ(g·x) - mean)²; nan where the
        channel is the same for all images.

    Examples
    --------
    Of three channels the last is the same for all images.

    >>> import numpy as np
    >>> from equibook.probes import InvarianceCount
    >>> still, carried = np.array([0.0, 1.5, np.nan]), np.array([0.05, 0.9, np.nan])
    >>> print(InvarianceCount("hflip", 0.1, {"conv1": still}, {"conv1": carried}))
    channels that hflip leaves alone: error at most 0.1
    stage  still  carried  of channels that vary  channels
    conv1      1        1                      2         3
    """

    transform: str
    threshold: float
    still: dict[str, np.ndarray]
    carried: dict[str, np.ndarray]

    def count(self, stage: str) -> tuple[int, int, int, int]:
        """Return how many channels are still, how many carried, how many vary at all, and how many there are.

        Parameters
        ----------
        stage : str

        Returns
        -------
        still, carried, varying, all : int
        """
        still, carried = self.still[stage], self.carried[stage]
        varying = int(np.isfinite(still).sum())
        return (
            int((still <= self.threshold).sum()), int((carried <= self.threshold).sum()), varying, len(still),
        )  # fmt: skip

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_invariance_count`."""
        from equibook.plots import plot_invariance_count

        return plot_invariance_count(self)

    @property
    def _caption(self) -> str:
        return f"channels that {self.transform} leaves alone: error at most {self.threshold:g}"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("stage", "still", "carried", "of channels that vary", "channels")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for stage in self.still:
            yield stage, *map(str, self.count(stage))


def invariance_count(
    net: nn.Module | Callable[[Any], Any] | Mapping[str, Any],
    X: Any,
    transform: str | Transformation,
    stages: Any = None,
    *,
    threshold: float = 0.1,
    batch_size: int = 64,
) -> InvarianceCount:
    """Count the channels of every stage that a transformation leaves alone. Nothing is fitted.

    Parameters
    ----------
    net : network, map, or dict from names to maps
        See `equibook.probes.stages.resolve`.
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        At least two images, as the network takes them.
    transform : Transformation or str
        See `equibook.probes.transforms`.
    stages : str or sequence of str, optional
    threshold : float
        The largest error of a channel that counts, in units of its spread over the images about the mean at each place.
    batch_size : int

    Returns
    -------
    InvarianceCount

    Examples
    --------
    Two channels: the image, and the sum of the image and its mirror image.

    >>> import numpy as np
    >>> import torch
    >>> from equibook.probes import invariance_count
    >>> X = np.random.default_rng(0).normal(size=(10, 1, 8, 8))
    >>> found = invariance_count(lambda x: torch.cat([x, x + x.flip(3)], dim=1), X, "hflip")
    >>> found.count("output")  # still; carried; that vary; all
    (1, 2, 2, 2)
    """
    images = as_images(X, name="X")
    if len(images) < 2:
        raise ValueError(f"`X` must hold at least 2 images, got {len(images)}. Pass more.")
    if not threshold > 0:
        raise ValueError(f"`threshold` must be above 0, got {threshold}. Take a part of the spread, such as 0.1.")
    pairs = Pairs(resolve(net, stages), as_transformation(transform))
    sums = {name: _ChannelSums(pairs.at[name], maps[2]) for name, maps in pairs(images[:1]).items()}
    for batch in images.split(check_positive_int(batch_size, name="batch_size")):
        for name, maps in pairs(batch).items():
            sums[name].add(*maps)
    found = {name: of_stage.errors() for name, of_stage in sums.items()}
    still, carried = ({name: errors[i] for name, errors in found.items()} for i in (0, 1))
    return InvarianceCount(pairs.transform.name, float(threshold), still, carried)


class _ChannelSums:
    """Sums over the images of one stage; what the first image gives is their origin, against rounding."""

    def __init__(self, transform: Transformation, origin: Tensor) -> None:
        self.inside = transform.inside(origin.shape[-1])
        self.origin, self.n_images = origin[..., self.inside], 0
        self.sum, self.squares, self.still, self.carried = (torch.zeros(()) for _ in range(4))

    def add(self, *maps: Tensor) -> None:
        start, along, goal = (values[..., self.inside] - self.origin for values in maps)
        self.n_images += len(goal)
        self.sum, self.squares = self.sum + goal.sum(dim=0), self.squares + (goal**2).sum(dim=(0, 2))
        self.still = self.still + ((goal - start) ** 2).sum(dim=(0, 2))
        self.carried = self.carried + ((goal - along) ** 2).sum(dim=(0, 2))

    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the two errors of each channel."""
        spread = self.squares - (self.sum**2).sum(dim=1) / self.n_images
        spread = torch.where(spread > 1e-12 * self.squares.max(), spread, torch.nan)  # the rest is rounding
        return quotient(self.still.numpy(), spread.numpy()), quotient(self.carried.numpy(), spread.numpy())
