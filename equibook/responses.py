"""Which images excite the units of a network most, and where in the image that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equibook._checks import as_images, check_choice, check_positive_int
from equibook.alexnet import STAGES, stages


@dataclass(frozen=True, eq=False)
class Responses:
    """The strongest response of each unit to each image: all that is kept of the maps.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_units)
        The largest value in the map of a unit.
    places : ndarray of shape (n_images, n_units, 2), integers
        Its row and column in the map; zeros for units without places.

    Examples
    --------
    Three images and two units, of which the second is never excited.

    >>> import numpy as np
    >>> from equibook.responses import Responses
    >>> values = np.array([[1.0, -1.0], [3.0, -2.0], [2.0, 0.0]])
    >>> responses = Responses(values, np.zeros((3, 2, 2), dtype=int))
    >>> responses.strongest(unit=0, n=2)  # image, row, column
    [(1, 0, 0), (2, 0, 0)]
    >>> responses.silent.tolist()
    [False, True]
    """

    values: np.ndarray
    places: np.ndarray

    def strongest(self, unit: int, n: int = 8) -> list[tuple[int, int, int]]:
        """Return image, row and column of the n largest responses of a unit, one place an image, largest first.

        Parameters
        ----------
        unit : int
        n : int

        Returns
        -------
        list of (int, int, int)
        """
        n_images, n_units = self.values.shape
        if not 0 <= unit < n_units:
            raise ValueError(f"`unit` must be from 0 to {n_units - 1}, got {unit}. Count from 0.")
        if check_positive_int(n, name="n") > n_images:
            hint = "Ask for fewer."
            raise ValueError(f"`n` must be at most {n_images}, the number of images, got {n}. {hint}")
        order = np.argsort(-self.values[:, unit], kind="stable")[:n]
        return [
            (int(image), int(row), int(column))
            for image in order
            for row, column in self.places[image, unit : unit + 1]
        ]

    def one_class(self, y: Any, n: int = 9) -> np.ndarray:
        """Say of each unit whether the n images that excite it most are all of one class.

        Parameters
        ----------
        y : array of shape (n_images,)
            Class labels.
        n : int

        Returns
        -------
        ndarray of shape (n_units,), bool
            False for units that are never above 0.
        """
        labels = np.asarray(y)
        if labels.shape != self.values.shape[:1]:
            hint = "Pass the labels of the images."
            raise ValueError(f"`y` must have shape {self.values.shape[:1]}, got {labels.shape}. {hint}")
        top = labels[np.argsort(-self.values, axis=0, kind="stable")[: check_positive_int(n, name="n")]]
        return (top == top[:1]).all(axis=0) & ~self.silent

    @property
    def silent(self) -> np.ndarray:
        """Of each unit, whether no image brings it above 0: after the ReLU nothing is left of it."""
        return self.values.max(axis=0) <= 0


def peak_responses(
    net: Any, X: Any, names: Sequence[str], *, batch_size: int = 64, device: str | None = None
) -> dict[str, Responses]:
    """Run images through the network and keep the strongest response of each unit; maps are forgotten batch by batch.

    Parameters
    ----------
    net : torchvision.models.AlexNet
    X : ndarray or Tensor of shape (n_samples, 3, size, size)
        As `alexnet.preprocess` returns them.
    names : sequence of str
        Of `alexnet.STAGES`.
    batch_size : int
        How many images are in work at once.
    device : str, optional
        Where to compute; by default where the network is.

    Returns
    -------
    dict from a name to Responses

    Examples
    --------
    >>> from equibook import alexnet, datasets, responses
    >>> X, _ = datasets.load_digits(size=63)
    >>> found = responses.peak_responses(alexnet.load("digits"), alexnet.preprocess(X[:10], "digits"), ["conv1"])
    >>> found["conv1"].values.shape, found["conv1"].places.shape
    ((10, 64), (10, 64, 2))
    """
    for name in names:
        check_choice(name, STAGES, name="names")
    images, batch_size = as_images(X, name="X"), check_positive_int(batch_size, name="batch_size")
    found: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
    for batch in images.split(batch_size):
        for name, maps in stages(net, batch, names, batch_size=batch_size, device=device).items():
            found[name].append(_largest(maps))
    return {name: Responses(*(torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True)))
            for name, parts in found.items()}  # fmt: skip


def _largest(maps: Tensor) -> tuple[Tensor, Tensor]:
    width = maps.shape[-1] if maps.ndim == 4 else 1
    values, flat = maps.reshape(*maps.shape[:2], -1).max(dim=2)
    return values, torch.stack([flat // width, flat % width], dim=2)
