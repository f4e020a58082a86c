r"""Fitted equivariance: the linear map on the features that comes nearest to what a transformation does to the image.

For a stage φ and a transformation g one looks for :math:`\varphi(g \cdot x) \approx A_g \varphi(x) + b_g`. Here A_g
first moves the places of the maps, as g moves those of the image; then it mixes channels, the same way everywhere.

Sources: Lenc and Vedaldi, arXiv:1411.5908, for the question and for maps of this form; the fit, the controls and the
normalisation of the error are those of this package.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equibook._checks import as_images, check_positive_int
from equibook._tables import Table
from equibook.probes.normal import NormalEquations, fit_ridge
from equibook.probes.pairs import Pairs, batches, quotient
from equibook.probes.stages import Stage, resolve
from equibook.probes.transforms import Transformation, as_transformation

PENALTIES = (1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
COLUMNS = ("identity", "spatial", "fitted", "shuffled")
_HELD_BACK = 4  # one of so many training images chooses the penalty


@dataclass(frozen=True, eq=False)
class FittedMap:
    """A fitted map A, b on the maps of one stage: the places are moved, then channels are mixed.

    Parameters
    ----------
    transform : Transformation
        Its `on_maps` moves the places.
    weights : Tensor of shape (n_channels, n_channels, neighbourhood, neighbourhood)
        `weights[i, j]` says how much channel i after the transformation takes of channel j before it; float64.
    bias : Tensor of shape (n_channels,)
    penalty : float
        The one that was chosen.

    Examples
    --------
    A map written by hand: a flip that exchanges two channels.

    >>> import torch
    >>> from equibook.probes import FittedMap
    >>> from equibook.probes.transforms import named
    >>> exchange = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)[:, :, None, None]
    >>> flip = FittedMap(named("hflip"), exchange, torch.zeros(2, dtype=torch.float64), penalty=0.0)
    >>> flip(torch.arange(8.0).view(1, 2, 2, 2)).tolist()
    [[[[5.0, 4.0], [7.0, 6.0]], [[1.0, 0.0], [3.0, 2.0]]]]
    """

    transform: Transformation
    weights: Tensor
    bias: Tensor
    penalty: float

    def __call__(self, maps: Tensor) -> Tensor:
        """Map (n_samples, n_channels, size, size) to the same shape, in the dtype given."""
        return self.mix(self.transform.on_maps(maps))

    def mix(self, moved: Tensor) -> Tensor:
        """Do the second half only, on maps whose places have been moved already.

        Parameters
        ----------
        moved : Tensor of shape (n_samples, n_channels, size, size)

        Returns
        -------
        Tensor of the shape and dtype given
        """
        mixed = F.conv2d(moved.double(), self.weights, self.bias, padding=self.weights.shape[-1] // 2)
        return mixed.to(moved.dtype)


@dataclass(frozen=True, eq=False)
class FittedEquivariance(Table):
    """Errors on test images, and the fitted maps; see `fitted_equivariance`.

    All errors are squared distances to φ(g·x) over Σ ‖φ(g·x) - mean‖²: 1 is as good as the mean of the training images.

    Parameters
    ----------
    transform : str
    stages : tuple of str
    identity, spatial, fitted, shuffled : ndarray of shape (n_stages,)
        Of φ(x) as it is; of φ(x) with its places moved; of the fitted map; of a map fitted to, and tested on, pairs of
        different images.
    maps : dict from a stage to a FittedMap
    n_train, n_test : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import FittedEquivariance
    >>> errors = (np.array([error]) for error in (1.5, 0.75, 0.25, 1.0))
    >>> print(FittedEquivariance("hflip", ("conv1",), *errors, maps={}, n_train=100, n_test=50))
    error of predicting φ(g·x) from φ(x), g = hflip; 50 test images
    stage  identity  spatial  fitted  shuffled
    conv1       1.5     0.75    0.25         1
    """

    transform: str
    stages: tuple[str, ...]
    identity: np.ndarray
    spatial: np.ndarray
    fitted: np.ndarray
    shuffled: np.ndarray
    maps: dict[str, FittedMap]
    n_train: int
    n_test: int

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_fitted`."""
        from equibook.plots import plot_fitted

        return plot_fitted(self)

    @property
    def _caption(self) -> str:
        return f"error of predicting φ(g·x) from φ(x), g = {self.transform}; {self.n_test} test images"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("stage", *COLUMNS)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for i, name in enumerate(self.stages):
            yield name, *(f"{getattr(self, column)[i]:.3g}" for column in COLUMNS)


def fitted_equivariance(
    net: nn.Module | Callable[[Any], Any] | Mapping[str, Any],
    X_train: Any,
    X_test: Any,
    transform: str | Transformation,
    stages: Any = None,
    *,
    neighbourhood: int = 1,
    penalties: Sequence[float] = PENALTIES,
    batch_size: int = 64,
    random_state: Any = 0,
) -> FittedEquivariance:
    """Fit, for every stage, the map that does to its features what the transformation does to the image.

    Parameters
    ----------
    net : network, map, or dict from names to maps
        See `equibook.probes.stages.resolve`.
    X_train, X_test : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        Different images, as the network takes them. Every fourth training image chooses the penalty; then all are used.
    transform : Transformation or str
        See `equibook.probes.transforms`.
    stages : str or sequence of str, optional
    neighbourhood : int
        Odd. Channels are mixed at each place alone (1), or within squares of so many places a side, with zeros beyond
        the border.
    penalties : sequence of float
        Of the ridge regression, to choose from, in units of the mean variance of the features.
    batch_size : int
        How many images are in work at once: the memory does not grow with the number of images.
    random_state : int or numpy.random.Generator
        Chooses what is held back, and for each image another one.

    Returns
    -------
    FittedEquivariance

    Notes
    -----
    Places that the transformation fills from beyond the border of the map are left out of fit and error.

    Examples
    --------
    Flipped left-right, what an edge filter returns moves and changes its sign. The fitted map finds the factor.

    >>> import numpy as np
    >>> from equibook.operations import SOBEL, make_convolution
    >>> from equibook.probes import fitted_equivariance
    >>> X = np.random.default_rng(0).normal(size=(30, 1, 8, 8))
    >>> found = fitted_equivariance(make_convolution(SOBEL), X[:20], X[20:], "hflip")
    >>> round(found.maps["output"].weights.item(), 3)
    -1.0
    >>> bool(found.fitted[0] < 1e-6), bool(found.spatial[0] > 1)
    (True, True)
    """
    train, test = as_images(X_train, name="X_train"), as_images(X_test, name="X_test")
    _check_images(train, test)
    options = _Options(neighbourhood, penalties, batch_size, random_state)
    pairs = Pairs(resolve(net, stages), as_transformation(transform))
    fits = _fit(pairs, train, options)
    rows = _measure(pairs, test, fits, options)
    errors = {column: np.array([row[i] for row in rows]) for i, column in enumerate(COLUMNS)}
    maps = {name: fit.fitted for name, fit in fits.items()}
    return FittedEquivariance(
        pairs.transform.name, tuple(maps), **errors, maps=maps, n_train=len(train), n_test=len(test)
    )


def fit_inverse(
    stages: Mapping[str, Stage], X_train: Any, transform: str | Transformation, *, neighbourhood: int = 1,
    penalties: Sequence[float] = PENALTIES, batch_size: int = 64, random_state: Any = 0,
) -> dict[str, FittedMap]:  # fmt: skip
    """Fit the maps back, from φ(g·x) to φ(x).

    Parameters
    ----------
    stages : dict from a name to a callable or torch.nn.Module
        As `equibook.probes.stages.resolve` returns them.
    X_train : ndarray or Tensor of shape (n_samples, n_channels, size, size)
    transform, neighbourhood, penalties, batch_size, random_state
        As in `fitted_equivariance`.

    Returns
    -------
    dict from a name to a FittedMap
        Its transformation is the one undone.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.operations import SOBEL, make_convolution
    >>> from equibook.probes.fitted import fit_inverse
    >>> X = np.random.default_rng(0).normal(size=(20, 1, 8, 8))
    >>> back = fit_inverse({"edges": make_convolution(SOBEL)}, X, "rot180")["edges"]
    >>> tuple(back.weights.shape), round(back.weights.item(), 3)
    ((1, 1, 1, 1), -1.0)
    """
    train, options = as_images(X_train, name="X_train"), _Options(neighbourhood, penalties, batch_size, random_state)
    fits = _fit(Pairs(stages, as_transformation(transform), forward=False), train, options)
    return {name: fit.fitted for name, fit in fits.items()}


class _Options:
    """What may be chosen of a fit, checked."""

    def __init__(self, neighbourhood: int, penalties: Sequence[float], batch_size: int, random_state: Any) -> None:
        self.neighbourhood = check_positive_int(neighbourhood, name="neighbourhood")
        if neighbourhood % 2 == 0:
            raise ValueError(f"`neighbourhood` must be odd, got {neighbourhood}. Take 1 or 3.")
        self.penalties = tuple(float(penalty) for penalty in penalties)
        if not self.penalties or not all(np.isfinite(self.penalties)) or min(self.penalties) < 0:
            hint = "Leave them out for the usual ones."
            raise ValueError(f"`penalties` must be finite numbers from 0 on, got {list(self.penalties)}. {hint}")
        self.batch_size = check_positive_int(batch_size, name="batch_size")
        self.rng = np.random.default_rng(random_state)


@dataclass(frozen=True)
class _Fit:
    """The map fitted to a stage, the one fitted to pairs of different images, and the mean of what is to be reached."""

    fitted: FittedMap
    shuffled: FittedMap
    mean: Tensor


class _Sums:
    """The sums of one stage: over the images to fit to, and over those held back."""

    def __init__(self, transform: Transformation, options: _Options) -> None:
        self.transform, self.options = transform, options
        self.parts, self.total, self.n_images = (NormalEquations(), NormalEquations()), torch.zeros(()), 0

    def add(self, part: int, along: Tensor, goal: Tensor, inside: Tensor) -> None:
        x = _as_rows(along, self.options.neighbourhood)[:, inside]
        y = _as_rows(torch.cat([goal, goal.roll(1, 0)], dim=1), 1)[:, inside]  # beside its own, another image's
        self.parts[part].add(x.flatten(0, 1), y.flatten(0, 1))
        self.total, self.n_images = self.total + goal.sum(dim=0), self.n_images + len(goal)

    def fit(self) -> _Fit:
        n_channels = len(self.total)
        fitted, shuffled = (self._solve(half) for half in (slice(n_channels), slice(n_channels, None)))
        return _Fit(fitted, shuffled, self.total / self.n_images)

    def _solve(self, half: slice) -> FittedMap:
        fit, held = (sums.of_targets(half) for sums in self.parts)
        penalty, weights, bias = fit_ridge(fit, held, self.options.penalties)
        side = self.options.neighbourhood
        return FittedMap(self.transform, weights.T.reshape(len(bias), -1, side, side), bias, penalty)


def _fit(pairs: Pairs, images: Tensor, options: _Options) -> dict[str, _Fit]:
    order = options.rng.permutation(len(images))
    n_held = len(images) // _HELD_BACK
    sums = {name: _Sums(transform, options) for name, transform in pairs.at.items()}
    for part, chosen in enumerate((order[n_held:], order[:n_held])):
        for batch in batches(images, chosen, options.batch_size):
            for name, (_, along, goal) in pairs(batch).items():
                inside = _inside(name, pairs.at[name], along, len(images), options.neighbourhood)
                sums[name].add(part, along, goal, inside)
    return {name: of_stage.fit() for name, of_stage in sums.items()}


def _measure(pairs: Pairs, images: Tensor, fits: Mapping[str, _Fit], options: _Options) -> list[tuple[float, ...]]:
    """Return, for each stage, the four errors on test images."""
    sums = {name: np.zeros(1 + len(COLUMNS)) for name in fits}
    for batch in batches(images, options.rng.permutation(len(images)), options.batch_size):
        for name, (start, along, goal) in pairs(batch).items():
            fit, inside = fits[name], pairs.at[name].inside(goal.shape[-1])
            guesses = fit.mean, start, along, fit.fitted.mix(along), fit.shuffled.mix(along.roll(-1, 0))
            sums[name] += [float(((goal - guess)[..., inside] ** 2).sum()) for guess in guesses]
    return [tuple(float(quotient(error, found[0])) for error in found[1:]) for found in sums.values()]


def _as_rows(maps: Tensor, neighbourhood: int) -> Tensor:
    """Return, for each image and place, the channels there and around: (n_samples, n_places, n_numbers)."""
    return F.unfold(maps, neighbourhood, padding=neighbourhood // 2).movedim(1, 2)


def _inside(name: str, transform: Transformation, maps: Tensor, n_samples: int, neighbourhood: int) -> Tensor:
    """Return the places that count, and see that there are rows enough for the fit."""
    inside = transform.inside(maps.shape[-1]).flatten()
    n_places, n_numbers = int(inside.sum()), maps.shape[1] * neighbourhood**2 + 1
    if n_places == 0:
        need = f"`transform` must leave places inside the {maps.shape[-1]} x {maps.shape[-1]} maps of {name!r}"
        raise ValueError(f"{need}, got none from {transform.name!r}. Take a smaller step.")
    least = max(2 * _HELD_BACK, -(-n_numbers // n_places))
    if n_samples < least:
        need = f"`X_train` must hold at least {least} images for the {n_numbers} numbers fitted to each channel"
        hint = "Pass more, or ask for an earlier stage or a smaller neighbourhood."
        raise ValueError(f"{need} of {name!r} at {n_places} places, got {n_samples}. {hint}")
    return inside


def _check_images(train: Tensor, test: Tensor) -> None:
    if train.shape[1:] != test.shape[1:]:
        hint = "Prepare both in one way."
        got = f"{tuple(test.shape[1:])} against {tuple(train.shape[1:])}"
        raise ValueError(f"`X_test` must have the channels and size of `X_train`, got {got}. {hint}")
    if len(test) < 2:
        hint = "Pass more: each is also compared with another one."
        raise ValueError(f"`X_test` must hold at least 2 images, got {len(test)}. {hint}")
