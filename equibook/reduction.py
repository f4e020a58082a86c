"""Layer 2: standardisation and PCA, by scikit-learn; together one affine map."""

from typing import Any, Self

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from equibook._checks import check_positive_int

MOST = 200  # components by default
LARGEST = 1e150  # of features: their squares can be summed
LEAST_VARIANCE = 1e-8  # of the largest component's
EXACT_UP_TO = 3000  # samples or features, whichever is fewer: above it, exact components take minutes


def default_n_components(n_samples: int) -> int:
    """Return how many components serve so many samples: a third as many, from 1 to 200. Chosen by validation.

    Parameters
    ----------
    n_samples : int

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook.reduction import default_n_components
    >>> [default_n_components(n) for n in (2, 100, 1000)]
    [1, 33, 200]
    """
    return max(1, min(MOST, n_samples // 3))


class Reduction(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Standardise the features, then keep the principal components.

    Parameters
    ----------
    n_components : int, optional
        None means min(200, n_samples // 3): more spoil small samples. A number that is too large is an error.
    whiten : bool
        Scale every component to variance 1, for classifiers that measure plain distances.
    random_state : int
        For the randomised PCA that is taken where samples and features are both above 3000; exact below.

    Attributes
    ----------
    scaler_ : StandardScaler
    pca_ : PCA

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.reduction import Reduction
    >>> X = np.random.default_rng(0).normal(size=(30, 8))
    >>> layer_2 = Reduction(3).fit(X)
    >>> matrix, offset = layer_2.as_affine()
    >>> matrix.shape, np.allclose(layer_2.transform(X), X @ matrix.T + offset)
    ((3, 8), True)
    """

    def __init__(self, n_components: int | None = None, *, whiten: bool = False, random_state: int = 0) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn means, deviations and components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        Reduction
        """
        X = _with_room(validate_data(self, _detached(X), dtype=np.float64, ensure_min_samples=2))
        self.scaler_ = StandardScaler().fit(X)
        n_components = self._choose_n_components(X)
        solver = _choose_solver(*X.shape)
        self.pca_ = PCA(n_components, whiten=self.whiten, svd_solver=solver, random_state=self.random_state)
        standardised = self.scaler_.transform(X)
        if solver != "full" or not _fit_to_few(self.pca_, standardised):
            self.pca_.fit(standardised)
        self.pca_.components_ = np.ascontiguousarray(self.pca_.components_)  # sums run alike before and after saving
        self._n_features_out = n_components
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        float64 ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        X = _with_room(validate_data(self, _detached(X), dtype=np.float64, reset=False))
        return self.pca_.transform(self.scaler_.transform(X))

    def as_affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the same map as a matrix and an offset: `transform(X)` equals `X @ matrix.T + offset`.

        Returns
        -------
        matrix : ndarray of shape (n_components, n_features)
        offset : ndarray of shape (n_components,)
        """
        check_is_fitted(self)
        deviations = np.sqrt(self.pca_.explained_variance_) if self.whiten else np.ones(self._n_features_out)
        matrix = self.pca_.components_ / deviations[:, None] / self.scaler_.scale_
        return matrix, self.transform(np.zeros((1, matrix.shape[1])))[0]

    def _choose_n_components(self, X: np.ndarray) -> int:
        varying = int(np.count_nonzero(self.scaler_.var_))
        if not varying:
            hint = "Pass images that differ from each other."
            raise ValueError(f"`X` must vary, got {len(X)} samples with the same features. {hint}")
        most = min(len(X) - 1, varying)
        if self.n_components is None:
            return min(default_n_components(len(X)), most)
        n_components = check_positive_int(self.n_components, name="n_components")
        if n_components > most:
            need = f"`n_components` must be at most {most} for {len(X)} samples with {varying} varying features"
            raise ValueError(f"{need}, got {n_components}. Lower it, pass more samples, or leave it None.")
        return n_components


def _detached(X: Any) -> Any:
    return X.detach().cpu() if hasattr(X, "detach") else X


def _with_room(X: np.ndarray) -> np.ndarray:
    if max(-X.min(), X.max()) > LARGEST:
        need = f"`X` must be at most {LARGEST:.0e} in size, so that squares stay finite"
        raise ValueError(f"{need}, got {np.abs(X).max():.0e}. Divide by the largest, as in `X / X.max()`.")
    return X


def _fit_to_few(pca: PCA, X: np.ndarray) -> bool:
    """Fit where samples are fewer than features, from inner products of samples: several times quicker than by SVD.

    Returns
    -------
    bool
        False, and nothing is fitted, where rounding would spoil a component: one that has hardly any variance.
    """
    n_samples, n_kept = len(X), pca.n_components
    centred = X - X.mean(axis=0)
    eigenvalues, vectors = eigh(centred @ centred.T, overwrite_a=True, check_finite=False)
    largest = eigenvalues[::-1][:n_kept]
    if largest[-1] < LEAST_VARIANCE * largest[0]:
        return False
    components = vectors[:, ::-1][:, :n_kept].T @ centred / np.sqrt(largest)[:, None]
    signs = np.sign(components[np.arange(n_kept), np.abs(components).argmax(axis=1)])  # scikit-learn's convention
    pca.components_, pca.mean_, pca.singular_values_ = signs[:, None] * components, X.mean(axis=0), np.sqrt(largest)
    pca.explained_variance_ = largest / (n_samples - 1)
    pca.explained_variance_ratio_ = largest / np.square(centred).sum()
    left = np.square(centred).sum() - largest.sum()
    pca.noise_variance_ = max(0.0, left) / (n_samples - 1) / (n_samples - n_kept)
    pca.n_components_, pca.n_samples_, pca.n_features_in_ = n_kept, n_samples, X.shape[1]
    return True


def _choose_solver(n_samples: int, n_features: int) -> str:
    """Return scikit-learn's name of the quicker exact way; its own choice draws the last components."""
    if min(n_samples, n_features) > EXACT_UP_TO:
        return "randomized"
    return "full" if 2 * n_samples < n_features else "covariance_eigh"
