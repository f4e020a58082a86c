r"""Layer 2, for equivariant input: PCA of the data together with all their transformed copies, without making a copy.

Averaged over a group, a covariance commutes with the group and falls into blocks: for images, one for each irreducible
representation; for coefficients, which a turn by α multiplies by :math:`e^{-ik\alpha}`, one for each k. Their
eigenvectors come in pairs with one eigenvalue: of a pair only the plane has a meaning.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from equibook._checks import as_images, as_rows, check_choice, check_positive_int, check_squares
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.irreducibles import adapted_bases, list_irreducibles, move_pixels
from equibook.reduction import default_n_components

GROUPS = {"C4": CyclicGroup(4), "D4": DihedralGroup(4)}


@dataclass(frozen=True, eq=False)
class Block:
    """A part of the averaged covariance, and the way back to real features.

    Parameters
    ----------
    name : str
        Such as "E1", or "k=3".
    eigenvalues : ndarray of shape (n,), rising
    unfold : callable
        Takes the number of an eigenvalue and returns the real directions that have it: (multiplicity, n_features).
    multiplicity : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.orbit_pca import Block
    >>> axes = np.eye(4)
    >>> block = Block("k=1", np.array([1.0, 5.0]), unfold=lambda i: axes[[i, i + 2]], multiplicity=2)
    >>> block.unfold(1).tolist()  # the plane of directions that share the eigenvalue 5
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    name: str
    eigenvalues: np.ndarray
    unfold: Callable[[int], np.ndarray]
    multiplicity: int


class OrbitPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """PCA over the orbits of the data: of each image with all its turned (and reflected) copies.

    Parameters
    ----------
    n_components : int, optional
        How many components are kept; None takes a third of the number of samples, at most 200. A pair that belongs
        together is kept or left as a whole, so that one fewer may be kept.
    symmetry : {"C4", "D4"} or int array of shape (n_coefficients,)
        "C4", "D4": quarter turns of images, and their reflections. An array: the angular frequencies k of coefficients
        under all turns.

    Attributes
    ----------
    components_ : ndarray of shape (n_kept, n_features)
        Orthonormal. Features are pixels; of coefficients all real parts, then all imaginary parts.
    explained_variance_ : ndarray of shape (n_kept,)
        Falling. Mean squares about the mean, divided by the number of copies of samples, not by one less.
    total_variance_ : float
        Of all features.
    mean_ : ndarray of shape (n_features,)
        Averaged over the group.
    blocks_ : list of str
        To which block each component belongs, such as "E1" or "k=3".

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.orbit_pca import OrbitPCA
    >>> X = np.random.default_rng(0).random((10, 1, 4, 4))
    >>> OrbitPCA(6, symmetry="C4").fit(X).blocks_
    ['E1', 'E1', 'B', 'E1', 'E1', 'A']
    """

    def __init__(self, n_components: int | None = None, *, symmetry: Any = "C4") -> None:
        self.n_components = n_components
        self.symmetry = symmetry

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components.

        Parameters
        ----------
        X : images of shape (n_samples, n_channels, height, width), or complex array (n_samples, n_coefficients)
        y : ignored

        Returns
        -------
        OrbitPCA
        """
        n_kept = default_n_components(len(X)) if self.n_components is None else self.n_components
        check_positive_int(n_kept, name="n_components")
        rows = self._as_rows(X, is_new=True)
        symmetry = _Frequencies(self.symmetry) if self._is_frequencies() else _Quarters(self.symmetry, self.shape_)
        self.mean_ = symmetry.average(rows.mean(axis=0))
        blocks = list(symmetry.split(rows - self.mean_))
        self.total_variance_ = float(np.square(rows - self.mean_).sum() / len(rows))
        chosen = _choose(blocks, min(n_kept, rows.shape[1]))
        self.components_ = np.concatenate([block.unfold(i) for block, i in chosen])
        found = [(block.eigenvalues[i], block.name) for block, i in chosen for _ in range(block.multiplicity)]
        self.explained_variance_ = np.array([eigenvalue for eigenvalue, _ in found])
        self.blocks_ = [name for _, name in found]
        self._n_features_out = len(self.components_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return components: ndarray of shape (n_samples, n_kept)."""
        check_is_fitted(self)
        return (self._as_rows(X) - self.mean_) @ self.components_.T

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Return what components say of the features: images, or complex coefficients, as they were in `fit`."""
        check_is_fitted(self)
        Z = as_rows(Z, name="Z")
        if Z.shape[1] != len(self.components_):
            need = f"`Z` must have shape (n_samples, {len(self.components_)})"
            raise ValueError(f"{need}, got {Z.shape}. Pass what `transform` returns.")
        rows = Z @ self.components_ + self.mean_
        if not self._is_frequencies():
            return rows.reshape(len(rows), *self.shape_)
        half = rows.shape[1] // 2
        return rows[:, :half] + 1j * rows[:, half:]

    def _is_frequencies(self) -> bool:
        return not isinstance(self.symmetry, str)

    def _as_rows(self, X: Any, *, is_new: bool = False) -> np.ndarray:
        """Return real features in double precision, (n_samples, n_features)."""
        if self._is_frequencies():
            values = _check_coefficients(X, len(np.asarray(self.symmetry)))
            return np.concatenate([values.real, values.imag], axis=1)
        images = check_squares(as_images(X).double(), name="X").numpy(force=True)
        shape = tuple(images.shape[1:])
        if not is_new and shape != self.shape_:
            raise ValueError(
                f"`X` must hold images of shape {self.shape_}, as in `fit`, got {shape}. Bring them to it."
            )
        self.shape_: tuple[int, ...] = shape
        return images.reshape(len(images), -1)


class _Quarters:
    """Quarter turns of images, with or without reflections."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.group = GROUPS[check_choice(name, GROUPS, name="symmetry")]
        self.shape = shape

    def average(self, mean: np.ndarray) -> np.ndarray:
        """Average a mean over the group."""
        return mean[move_pixels(self.group, self.shape)].mean(axis=0)

    def split(self, rows: np.ndarray) -> Iterator[Block]:
        """Yield the blocks of the averaged covariance: one for each irreducible representation."""
        for irreducible in list_irreducibles(self.group):
            bases = adapted_bases(self.group, irreducible, self.shape)
            if not bases[0].shape[1]:
                continue
            seen = [basis.conj().T @ rows.T for basis in bases]  # (n_images, n_samples), complex where the basis is
            covariance = sum(part @ part.conj().T for part in seen) / (len(seen) * len(rows))
            eigenvalues, vectors = np.linalg.eigh(covariance)
            yield Block(
                irreducible.name, eigenvalues, partial(_unfold_images, bases, vectors), irreducible.multiplicity
            )


class _Frequencies:
    """All turns, of coefficients with angular frequencies k."""

    def __init__(self, k: Any) -> None:
        self.k = np.asarray(k)
        if self.k.ndim != 1 or (self.k < 0).any() or (self.k != np.floor(self.k)).any():
            hint = "Of a coefficient below 0 take the conjugate."
            raise ValueError(f"`symmetry` must hold whole numbers from 0 on, got {k!r}. {hint}")

    def average(self, mean: np.ndarray) -> np.ndarray:
        """Average a mean over all turns: what has a frequency averages to 0."""
        return np.where(np.tile(self.k, 2) == 0, mean, 0)

    def split(self, rows: np.ndarray) -> Iterator[Block]:
        """Yield the blocks of the averaged covariance: one for each size of k."""
        for k in np.unique(self.k):
            places = np.flatnonzero(self.k == k)
            both = np.concatenate([places, places + len(self.k)])
            values = rows[:, both] if k == 0 else rows[:, places] + 1j * rows[:, places + len(self.k)]
            eigenvalues, vectors = np.linalg.eigh(values.T @ values.conj() / len(rows))
            share, multiplicity = (1, 1) if k == 0 else (2, 2)  # half of a length's square lies in either part
            unfold = partial(_unfold_coefficients, both, vectors, rows.shape[1])
            yield Block(f"k={k}", eigenvalues / share, unfold, multiplicity)


def _choose(blocks: list[Block], n_components: int) -> list[tuple[Block, int]]:
    """Return the largest eigenvalues, as many as there is room for: block and number in it."""
    listed = [(block, i) for block in blocks for i in range(len(block.eigenvalues))]
    chosen, room = [], n_components
    for block, i in sorted(listed, key=lambda found: -found[0].eigenvalues[found[1]]):
        if block.multiplicity > room:
            break
        chosen.append((block, i))
        room -= block.multiplicity
    if not chosen:
        hint = "Keep one more."
        raise ValueError(f"`n_components` must leave room for the first pair, got {n_components}. {hint}")
    return chosen


def _unfold_images(bases: list[Any], vectors: np.ndarray, i: int) -> np.ndarray:
    found = np.stack([basis @ vectors[:, i] for basis in bases])
    return np.sqrt(2) * np.concatenate([found.real, found.imag]) if np.iscomplexobj(found) else found


def _unfold_coefficients(places: np.ndarray, vectors: np.ndarray, n_features: int, i: int) -> np.ndarray:
    vector = vectors[:, i]
    parts = (
        [vector]
        if not np.iscomplexobj(vector)
        else [np.concatenate([vector.real, vector.imag]), np.concatenate([-vector.imag, vector.real])]
    )
    directions = np.zeros((len(parts), n_features))
    directions[:, places] = parts
    return directions


def _check_coefficients(X: Any, n_coefficients: int) -> np.ndarray:
    values = X.numpy(force=True) if isinstance(X, Tensor) else np.asarray(X)
    if values.ndim != 2 or values.shape[1] != n_coefficients or values.dtype.kind not in "fc":
        need = f"numbers of shape (n_samples, {n_coefficients}), one for each frequency in `symmetry`"
        hint = "Read them with `representation.coefficients(images)`."
        raise ValueError(f"`X` must hold {need}, got {values.dtype} of shape {values.shape}. {hint}")
    if not np.isfinite(values).all():
        raise ValueError("`X` must hold finite numbers, got NaN or infinite ones. Look where they come from.")
    return values.astype(np.complex128)
