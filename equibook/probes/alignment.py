r"""Linear CKA: how alike two descriptions of the same images are, up to a turn of the whole feature space.

With centred Gram matrices :math:`K = \Phi \Phi^T`, whose entry (i, j) is the inner product of images i and j,

.. math:: \mathrm{CKA}(K, L) = \mathrm{HSIC}(K, L) / \sqrt{\mathrm{HSIC}(K, K)\, \mathrm{HSIC}(L, L)}.

No action on the features is needed: orthogonal mixing and a common factor change nothing. So a high value says that the
images lie to each other as before, not that the features stay, nor that they move by a known law.

Sources: Kornblith, Norouzi, Lee and Hinton (2019), arXiv:1905.00414, for CKA; Song, Smola, Gretton, Bedo and Borgwardt
(2012), Journal of Machine Learning Research 13, 1393-1434, for the HSIC without bias that is taken here. With the plain
one, features of many more numbers than images look alike whatever they are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from equibook._checks import as_images, as_rows, check_squares
from equibook._tables import Table
from equibook.probes.stages import resolve, run

_LEAST = 4  # images: with fewer the estimate divides by zero
_ROUNDING = 1e-12  # of the largest number: features that vary by less are constant


@dataclass(frozen=True, eq=False)
class CKA(Table):
    """How alike images and moved images are to each stage; see `cka`.

    Parameters
    ----------
    transform : str
        The name of the transformation.
    stages : tuple of str
    similarity : ndarray of shape (n_stages,)
        Linear CKA between the stage at x and at g·x: 1 where all images lie to each other as before.
    shuffled : ndarray of shape (n_stages,)
        The same with the moved images in another order: about 0.
    n_samples : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import CKA
    >>> print(CKA("hflip", ("conv1", "conv2"), np.array([0.75, 0.5]), np.array([0.0, 0.0]), 100))
    linear CKA under hflip, 100 images
    stage    CKA  shuffled
    conv1  0.750     0.000
    conv2  0.500     0.000
    """

    transform: str
    stages: tuple[str, ...]
    similarity: np.ndarray
    shuffled: np.ndarray
    n_samples: int

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_cka`."""
        from equibook.plots import plot_cka

        return plot_cka({self.transform: self})

    @property
    def _caption(self) -> str:
        return f"linear CKA under {self.transform}, {self.n_samples} images"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("stage", "CKA", "shuffled")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, similarity, shuffled in zip(self.stages, self.similarity, self.shuffled, strict=True):
            yield name, f"{similarity:.3f}", f"{shuffled:.3f}"


def cka(
    net: nn.Module | Callable[[Any], Any] | Mapping[str, Any],
    X: Any,
    transform: Any,
    stages: Any = None,
    *,
    batch_size: int = 64,
    random_state: Any = 0,
) -> CKA:
    """Measure how alike the images and the moved images are to every stage of a network.

    Parameters
    ----------
    net : network, map, or dict from names to maps
        See `equibook.probes.stages.resolve`.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        At least four images, as the network takes them.
    transform : Transformation, or callable on images
    stages : sequence of str, optional
    batch_size : int
        The memory beside a stage's features is that of matrices of n_samples × n_samples.
    random_state : int or numpy.random.Generator
        Shuffles the control.

    Returns
    -------
    CKA

    Examples
    --------
    A flip moves all pixels, and the images lie to each other as before. For what their left halves show it is not so.

    >>> import numpy as np
    >>> from equibook.probes import cka
    >>> X = np.random.default_rng(0).normal(size=(10, 1, 8, 8))
    >>> found = cka({"pixels": lambda x: x, "left": lambda x: x[..., :4].sum(3)}, X, lambda x: x.flip(3))
    >>> found.stages, (found.similarity > 0.999).tolist()
    (('pixels', 'left'), [True, False])
    """
    x = check_squares(as_images(X, name="X"), name="X")
    if len(x) < _LEAST:
        raise ValueError(f"`X` must hold at least {_LEAST} images, got {len(x)}. Pass more.")
    on_images = getattr(transform, "on_images", transform)
    if not callable(on_images):
        hint = "Take one of `equibook.probes.transforms`, or a function."
        raise TypeError(f"`transform` must act on images, got {type(transform).__name__}. {hint}")
    moved, maps = as_images(on_images(x), name="transform"), resolve(net, stages)
    order = _shuffle(len(x), random_state)
    found = [[_gram(run(f, images, batch_size)) for images in (x, moved)] for f in maps.values()]
    similarity = np.array([_normalised(K, L) for K, L in found])
    shuffled = np.array([_normalised(K, L[order][:, order]) for K, L in found])
    return CKA(_name_of(transform), tuple(maps), similarity, shuffled, len(x))


def linear_cka(features: Any, others: Any) -> float:
    """Return linear CKA, without bias, between two descriptions of the same images.

    Parameters
    ----------
    features, others : array or Tensor of shape (n_samples, ...)
        Each sample is read as one vector; the two may have different numbers of features.

    Returns
    -------
    float
        At most 1; 0 where either says nothing. Below 0 where two are less alike than unrelated ones on average.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import linear_cka
    >>> rows = np.random.default_rng(0).normal(size=(10, 3))
    >>> round(linear_cka(rows, 7 * rows[:, ::-1] + 5), 12)
    1.0
    """
    rows, other_rows = (as_rows(v, name=n, or_complex=True) for n, v in (("features", features), ("others", others)))
    sizes = len(rows), len(other_rows)
    if sizes[0] != sizes[1] or sizes[0] < _LEAST:
        hint = "Describe the same images, in one order."
        raise ValueError(
            f"`others` must fit `features`, both of {_LEAST} or more, got {sizes[1]} and {sizes[0]}. {hint}"
        )
    return _normalised(_gram(rows), _gram(other_rows))


def _gram(features: Any) -> np.ndarray:
    """Return the inner products between images, ready for HSIC: rows and columns without the diagonal sum to 0."""
    values = features.detach().cpu().numpy() if isinstance(features, Tensor) else np.asarray(features)
    rows = np.ascontiguousarray(values.reshape(len(values), -1))
    rows = rows.astype(np.complex128).view(np.float64) if rows.dtype.kind == "c" else rows.astype(np.float64)
    centred = rows - rows.mean(axis=0)  # changes nothing below but the rounding
    if np.abs(centred).max() <= _ROUNDING * np.abs(rows).max():
        return np.zeros((len(rows), len(rows)))
    K, n = centred @ centred.T, len(rows)
    np.fill_diagonal(K, 0)
    sums = K.sum(axis=1)
    K -= (sums[:, None] + sums) / (n - 2) - sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(K, 0)
    return K


def _normalised(K: np.ndarray, L: np.ndarray) -> float:
    norms = np.linalg.norm(K) * np.linalg.norm(L)
    return float(np.vdot(K, L) / norms) if norms > 0 else 0.0


def _shuffle(n_samples: int, random_state: Any) -> np.ndarray:
    """Return an order in which no image stays in its place: each takes that of the next one on a random round."""
    tour = np.random.default_rng(random_state).permutation(n_samples)
    order = np.empty(n_samples, dtype=int)
    order[tour] = np.roll(tour, -1)
    return order


def _name_of(transform: Any) -> str:
    function = getattr(transform, "func", transform)  # of a partial
    return str(getattr(transform, "name", getattr(function, "__name__", "a transformation")))
