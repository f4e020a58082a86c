"""How unlike all training images an image is, so that a confident answer to nonsense can be flagged."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted

from equibook._checks import as_rows

FARTHEST = 1e15  # of a feature, in its unit


class Novelty(BaseEstimator):
    """Distance to the nearest training image, in units of what is usual among the training images.

    The features are taken as they are: all have one unit, and small ones, which vary by chance, then weigh little.

    Parameters
    ----------
    n_references : int
        Of at most so many training images, evenly spaced in their order, the features are kept.
    quantile : float
        What is usual: this quantile of the distances from each training image to the nearest other one.

    Attributes
    ----------
    neighbours_ : NearestNeighbors
    usual_ : float
        A distance, in the unit of the features.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.novelty import Novelty
    >>> novelty = Novelty().fit(np.arange(5.0)[:, None])  # 0, 1, 2, 3, 4: a distance of 1 is usual
    >>> novelty.score(np.array([[2.0], [2.5], [14.0]])).tolist()
    [0.0, 0.5, 10.0]
    """

    def __init__(self, n_references: int = 1000, quantile: float = 0.99) -> None:
        self.n_references = n_references
        self.quantile = quantile

    def fit(self, features: Any, y: Any = None) -> Self:
        """Keep reference images and learn what is usual.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        Novelty
        """
        on_disk = isinstance(features, np.ndarray) and features.ndim == 2 and len(features)  # read no more than is kept
        rows = features if on_disk else as_rows(features, name="features")
        kept = np.unique(np.linspace(0, len(rows) - 1, self.n_references).round().astype(int))
        if len(kept) < 2:
            raise ValueError(f"`features` must hold at least two rows, got {len(rows)}. Add some to compare with.")
        references = _within_float32(rows[kept])
        self.neighbours_ = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references)
        to_others, _ = self.neighbours_.kneighbors()
        self.usual_ = float(np.quantile(to_others, self.quantile))
        return self

    @property
    def references(self) -> np.ndarray:
        """The features that are kept: float32 ndarray of shape (n_kept, n_features)."""
        check_is_fitted(self)
        return self.neighbours_._fit_X

    def score(self, features: Any) -> np.ndarray:
        """Return the novelty of each row; above 1 it is farther from all references than they are from each other.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), without unit
            Features beyond ±1e15 count as that: their squares stay within float32.
        """
        check_is_fitted(self)
        rows = _within_float32(features)
        if rows.shape[1] != self.neighbours_.n_features_in_:
            need = f"`features` must have {self.neighbours_.n_features_in_} columns, as in `fit`"
            raise ValueError(f"{need}, got {rows.shape[1]}. Take the features of the same Layer 1.")
        distances, _ = self.neighbours_.kneighbors(rows)
        return distances[:, 0] / max(self.usual_, np.finfo(np.float32).tiny)


def _within_float32(features: Any) -> np.ndarray:
    return np.clip(as_rows(features, name="features"), -FARTHEST, FARTHEST).astype(np.float32)
