"""Class stitching: undo the transformation inside the network by a fitted map, and see whether the rest reads on.

A small error of a fitted map says that the features move linearly. Whether what was fitted is what the *network* needs,
only the network can say. So at one stage the features of the transformed image are carried back by a map fitted without
labels, and the layers behind go on as for an upright image. (Lenc and Vedaldi, arXiv:1411.5908, train their map with
the labels and layers behind it; here it is fitted to the features alone.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_labels
from equibook._tables import Table
from equibook.probes.fitted import PENALTIES, fit_inverse
from equibook.probes.stages import feature_maps, resolve, run, split
from equibook.probes.transforms import Transformation, as_transformation


@dataclass(frozen=True, eq=False)
class Stitching(Table):
    """Accuracies on test images, from 0 to 1; see `stitching`.

    Parameters
    ----------
    transform : str
    stages : tuple of str
    upright : float
        Of the images as they are.
    untouched : float
        Of the transformed images.
    spatial, fitted : ndarray of shape (n_stages,)
        Of the transformed images when the places of a stage's maps are moved back, and when the fitted map undoes it.
    n_test : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import Stitching
    >>> print(Stitching("rot180", ("conv1",), 0.975, 0.375, np.array([0.5]), np.array([0.875]), n_test=200))
    accuracy in %, 200 images, transformed by rot180 and undone at a stage
    stage  upright  untouched  places moved back  fitted map back
    conv1     97.5       37.5               50.0             87.5
    """

    transform: str
    stages: tuple[str, ...]
    upright: float
    untouched: float
    spatial: np.ndarray
    fitted: np.ndarray
    n_test: int

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_stitching`."""
        from equibook.plots import plot_stitching

        return plot_stitching(self)

    @property
    def _caption(self) -> str:
        return f"accuracy in %, {self.n_test} images, transformed by {self.transform} and undone at a stage"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("stage", "upright", "untouched", "places moved back", "fitted map back")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for i, name in enumerate(self.stages):
            found = self.upright, self.untouched, self.spatial[i], self.fitted[i]
            yield name, *(f"{100 * accuracy:.1f}" for accuracy in found)


def stitching(
    net: Any,
    X_train: Any,
    X_test: Any,
    y_test: Any,
    transform: str | Transformation,
    stages: Any = None,
    *,
    neighbourhood: int = 1,
    penalties: Sequence[float] = PENALTIES,
    batch_size: int = 64,
    random_state: Any = 0,
) -> Stitching:
    """Measure how well a classifier reads transformed images when a fitted map undoes the transformation at a stage.

    Parameters
    ----------
    net : torch.nn.Sequential
        From images to one score for each class, such as `equibook.networks.load("alexnet_trunk")`.
    X_train, X_test : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        Upright; the map is fitted to the first, without labels.
    y_test : array-like of shape (n_samples,)
        Integers: the place of the right class among the scores.
    transform : Transformation or str
        It must know how to undo itself on maps, as all of `equibook.probes.transforms` do.
    stages : str or sequence of str, optional
        See `equibook.probes.stages.resolve`.
    neighbourhood, penalties, batch_size, random_state
        As in `equibook.probes.fitted_equivariance`.

    Returns
    -------
    Stitching

    Examples
    --------
    LeNet reads digits that stand on their heads badly. At its first stage nothing is lost yet: the fitted map helps.

    >>> from equibook import datasets, networks
    >>> from equibook.probes import stitching
    >>> X, y = datasets.load_digits(size=32)
    >>> found = stitching(networks.load("lenet"), X[:40], X[40:100], y[40:100], "rot180", "conv1")
    >>> found.fitted.shape, bool(found.untouched < found.fitted[0] <= found.upright)
    ((1,), True)
    """
    train, test, g = as_images(X_train, name="X_train"), as_images(X_test, name="X_test"), as_transformation(transform)
    labels, parts = check_labels(y_test, len(test)), {name: split(net, name) for name in _names(net, stages)}
    moved = g.on_images(test)
    upright, untouched = (_accuracy(run(net, images, batch_size), labels) for images in (test, moved))
    spatial: list[float] = []
    fitted: list[float] = []
    options: Any = {
        "random_state": random_state,
        "neighbourhood": neighbourhood,
        "penalties": penalties,
        "batch_size": batch_size,
    }
    found_maps = fit_inverse({name: before for name, (before, _) in parts.items()}, train, g, **options)
    for name, (before, after) in parts.items():
        back, maps = found_maps[name], feature_maps(run(before, moved, batch_size), name)
        for found, undo in ((spatial, back.transform.on_maps), (fitted, back)):
            found.append(_accuracy(torch.cat([run(after, undo(m), len(m)) for m in maps.split(batch_size)]), labels))
    return Stitching(g.name, tuple(parts), upright, untouched, np.array(spatial), np.array(fitted), len(test))


def _names(net: Any, stages: Any) -> tuple[str, ...]:
    if not isinstance(net, nn.Sequential):
        split(net, "")  # says what is wanted
    return tuple(resolve(net, stages))


def _accuracy(scores: Tensor, labels: np.ndarray) -> float:
    if scores.ndim != 2 or scores.shape[1] < 2:
        hint = "Take the network with its head."
        raise ValueError(f"`net` must give (n_samples, n_classes) scores, got {tuple(scores.shape)}. {hint}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= scores.shape[1]:
        hint = "Number the classes as the network does."
        raise ValueError(f"`y_test` must hold integers from 0 to {scores.shape[1] - 1}, got {labels[:3]}. {hint}")
    return float(np.mean(scores.argmax(dim=1).numpy() == labels))
