"""Shift consistency: how often the predicted class stays when the image is shifted.

Strided layers keep every second pixel, and which ones depends on where the image lies. Whether that reaches the answer
is measured here for any classifier; right or wrong does not matter, only whether it stays.

Source: Zhang (2019), arXiv:1904.11486, who compares two random shifts of an image; here each shift is compared with the
image as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import as_images, as_numbers, check_positive_int, like
from equibook._tables import Table
from equibook.actions import translate
from equibook.probes.stages import run


@dataclass(frozen=True, eq=False)
class ShiftConsistency(Table):
    """How often predictions stay, shift by shift; see `shift_consistency`.

    Parameters
    ----------
    shifts : ndarray of shape (n_shifts, 2)
        To the right and up, in pixels.
    consistency : ndarray of shape (n_shifts,)
        The share of images whose predicted class stays.
    chance : float
        The share of pairs of different images that get one class: what a shift that changes all would leave.
    n_samples : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import ShiftConsistency
    >>> print(ShiftConsistency(np.array([[1.0, 0.0], [0.0, -1.0]]), np.array([0.75, 0.5]), 0.125, 40))
    predictions that stay, of 40 images; mean 62.5%; other images: 12.5%
    right, up (pixels)   stay
    +1, +0              75.0%
    +0, -1              50.0%
    """

    shifts: np.ndarray
    consistency: np.ndarray
    chance: float
    n_samples: int

    @property
    def mean(self) -> float:
        """The mean consistency over all shifts."""
        return float(self.consistency.mean())

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_shifts`."""
        from equibook.plots import plot_shifts

        return plot_shifts({"": self})

    @property
    def _caption(self) -> str:
        level = f"other images: {self.chance:.1%}"
        return f"predictions that stay, of {self.n_samples} images; mean {self.mean:.1%}; {level}"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("right, up (pixels)", "stay")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for (right, up), share in zip(self.shifts, self.consistency, strict=True):
            yield f"{right:+g}, {up:+g}", f"{share:.1%}"


def shift_consistency(
    model: Any,
    X: Any,
    shifts: int | Sequence[Any] = 2,
    *,
    act: Callable[[Any, Any], Any] = translate,
    batch_size: int = 64,
) -> ShiftConsistency:
    """Measure how often a predicted class stays when images are shifted.

    Parameters
    ----------
    model : classifier with `predict`, network, or callable on images
        A network or callable returns classes, of shape (n_samples,), or scores (n_samples, n_classes), of which the
        largest counts.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        At least two images, as the model takes them.
    shifts : int, or sequence of pairs of numbers
        To the right and up, in pixels. A number means all shifts by whole pixels up to it, along each axis.
    act : callable
        Of images and a shift: `actions.translate`, where zeros enter, or `operations.roll`, around the border.
    batch_size : int

    Returns
    -------
    ShiftConsistency

    Examples
    --------
    How bright an image is does not change as it goes around the border; how bright its left half is does.

    >>> import numpy as np
    >>> from equibook.operations import roll
    >>> from equibook.probes import shift_consistency
    >>> X = np.repeat(np.eye(4)[:, None, None, :], 4, axis=2) * np.array([1, 2, 3, 4])[:, None, None, None]
    >>> mean = shift_consistency(lambda x: x.mean((1, 2, 3)) > 0.6, X, shifts=1, act=roll)
    >>> mean.consistency.shape, mean.mean
    ((8,), 1.0)
    >>> shift_consistency(lambda x: x[..., :2].mean((1, 2, 3)) > 0.1, X, shifts=1, act=roll).mean
    0.625
    """
    x, pairs = as_images(X, name="X"), _as_pairs(shifts)
    check_positive_int(batch_size, name="batch_size")
    if len(x) < 2:
        raise ValueError("`X` must hold at least two images, got 1. Pass more, best of all classes.")
    before = _predict(model, x, X, batch_size)
    stays = [np.mean(_predict(model, act(x, pair), X, batch_size) == before) for pair in pairs]
    sizes = np.unique(before, return_counts=True)[1]
    chance = (sizes * (sizes - 1)).sum() / (len(x) * (len(x) - 1))
    return ShiftConsistency(pairs, np.array(stays), float(chance), len(x))


def _predict(model: Any, x: Tensor, given: Any, batch_size: int) -> np.ndarray:
    """Return one class an image, in the form that the model speaks: tensors for networks, otherwise as `X` came."""
    if hasattr(model, "predict"):
        found = np.asarray(model.predict(like(x, given)))
    elif isinstance(model, nn.Module):
        found = run(model, x, batch_size).numpy(force=True)
    elif callable(model):
        with torch.no_grad():
            found = np.asarray(model(like(x, given)))
    else:
        hint = "Pass a fitted classifier or a network."
        raise TypeError(f"`model` must predict classes, got {type(model).__name__}. {hint}")
    found = found.argmax(axis=1) if found.ndim == 2 else found
    if found.shape != (len(x),):
        need = f"one class or one row of scores for each of {len(x)} images"
        raise ValueError(f"`model` must return {need}, got shape {found.shape}. Pool its maps first.")
    return found


def _as_pairs(shifts: Any) -> np.ndarray:
    if np.ndim(shifts) == 0:
        most = check_positive_int(shifts, name="shifts")
        every = [(right, up) for up in range(most, -most - 1, -1) for right in range(-most, most + 1)]
        return np.array([pair for pair in every if any(pair)], dtype=float)
    pairs = np.asarray(shifts, dtype=float)
    if pairs.ndim != 2 or not len(pairs):
        hint = "Write such as `[(1, 0), (0, 2)]`, or a number for all up to it."
        raise ValueError(f"`shifts` must hold pairs of pixels to the right and up, got shape {pairs.shape}. {hint}")
    return as_numbers(pairs, len(pairs), width=2, name="shifts").numpy()
