"""The exercises of chapter 07: how many components are needed, PCA by SVD, a covariance averaged over quarter turns."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "07-1",
    title="Enough components",
    level="easy",
    minutes=5,
    wants="a function of `eigenvalues, share` that returns a whole number",
    right="Sum up from the largest on, and stop as soon as the share is reached.",
)
def enough_components(answer: Callable[..., Any]) -> str | None:
    """Try a function on spectra, one of them just reaching the share."""
    spectra = [([4.0, 3.0, 2.0, 1.0], 0.9), ([5.0, 3.0, 1.0, 1.0], 0.8), ([4.0, 3.0, 2.0, 1.0], 0.5), ([2.0, 2.0], 0.9)]
    found = [(answer(np.array(values), share), values, share) for values, share in spectra]
    for value, *_ in found:
        if isinstance(value, bool) or not isinstance(value, Real):
            return f"Return one whole number, not {type(value).__name__}."
    right = [_count(np.array(values), share) for _, values, share in found]
    given = [float(value) for value, *_ in found]
    if given == right:
        return None
    if given == [number - 1 for number in right]:
        return "One short: places count from 0, numbers of components from 1."
    if given == [_count(np.square(values), share) for _, values, share in found]:
        return "Eigenvalues are variances already. Do not square them."
    if given == [_count_above(np.array(values), share) for _, values, share in found]:
        return "Nearly: a share that is just reached is enough, 0.8 of [5, 3, 1, 1] with two."
    if given == [np.searchsorted(np.cumsum(values), share) + 1 for _, values, share in found]:
        return "The eigenvalues need not sum to 1. Divide by their sum first."
    if given == [sum(np.array(values) / sum(values) >= share) for _, values, share in found]:
        return "That counts single components with so large a share. Add them up, from the first one on."
    value, values, share = next(one for one, number in zip(found, right, strict=True) if float(one[0]) != number)
    return f"For the eigenvalues {values} and the share {share} it says {value}. Add them up by hand and compare."


def _count(eigenvalues: np.ndarray, share: float) -> int:
    together = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(together >= share - 1e-12)) + 1


def _count_above(eigenvalues: np.ndarray, share: float) -> int:
    together = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(together > share + 1e-12)) + 1


@exercise(
    "07-2",
    title="PCA in five lines",
    level="medium",
    minutes=10,
    wants="a function of `X, n` that returns n components as rows, and n eigenvalues",
    right="Centre, decompose, cut. That is all of PCA.",
)
def pca_by_svd(answer: Callable[..., Any]) -> str | None:
    """Try a function on data whose mean is far from 0, and compare eigenvalues and projectors."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6)) * [5, 4, 3, 2, 1, 0.5] @ rng.normal(size=(6, 6)) + 20
    found = answer(X.copy(), 3)
    if not isinstance(found, tuple | list) or len(found) != 2:
        return "Return two things, as in `return components, eigenvalues`."
    components, eigenvalues = (np.asarray(part) for part in found)
    if components.shape == (6, 3):
        return "The components stand in columns here. Return them as rows, one below the other."
    if components.shape != (3, 6) or eigenvalues.shape != (3,):
        return f"For n = 3 and 6 features the shapes must be (3, 6) and (3,), got {components.shape} and " + (
            f"{eigenvalues.shape}."
        )
    values, vectors = np.linalg.eigh(np.cov(X.T))
    values, rows = values[::-1][:3], vectors[:, ::-1].T[:3]
    return _look_at_rows(components, rows, X) or _look_at_values(eigenvalues, values, X)


def _look_at_rows(components: np.ndarray, rows: np.ndarray, X: np.ndarray) -> str | None:
    if np.allclose(components.T @ components, rows.T @ rows, atol=1e-8):
        if np.allclose(np.abs(components), np.abs(rows), atol=1e-6):
            return None
        return "They span the right space. Return the directions themselves, largest variance first."
    raw = np.linalg.svd(X, full_matrices=False)[2][:3]
    if np.allclose(components.T @ components, raw.T @ raw, atol=1e-8):
        return "Subtract the mean of each feature first: otherwise the first direction points to the mean."
    if not np.allclose(components @ components.T, np.eye(3), atol=1e-8):
        return "The rows must have length 1 and stand at right angles: they are rows of the third factor of the SVD."
    return "These directions do not have the largest variance. Which factor of the SVD has rows of 6 features?"


def _look_at_values(eigenvalues: np.ndarray, values: np.ndarray, X: np.ndarray) -> str | None:
    n = len(X)
    if np.allclose(eigenvalues, values):
        return None
    if np.allclose(eigenvalues, values * (n - 1) / n):
        return "Nearly: divide by one less than the number of samples, as `np.cov` does."
    if np.allclose(eigenvalues, values * (n - 1)):
        return "The components are right. The squares are sums over all samples: divide by n_samples - 1."
    if np.allclose(eigenvalues, np.sqrt(values * (n - 1))):
        return "The components are right. These are the singular values: square them, and divide by n_samples - 1."
    if np.allclose(eigenvalues, np.sqrt(values)):
        return "The components are right. These are standard deviations: square them."
    if np.allclose(eigenvalues, values / np.trace(np.cov(X.T))):
        return "The components are right. These are shares of the variance: do not divide by the sum."
    return "The components are right. The eigenvalue of one is the variance of `X` along it."


@exercise(
    "07-3",
    title="Average a covariance",
    level="hard",
    minutes=12,
    wants="a function of `covariance, side` that returns a matrix of the same shape",
    right="It commutes with the quarter turn now, and no image was turned.",
)
def average_covariance(answer: Callable[..., Any]) -> str | None:
    """Try a function on the covariance of images of 4 x 4 pixels."""
    side = 4
    images = np.random.default_rng(0).normal(size=(30, side, side)) * np.arange(1, side + 1)
    covariance = np.cov(images.reshape(30, -1).T)
    found = np.asarray(answer(covariance.copy(), side), dtype=float)
    if found.shape != covariance.shape:
        return f"For 4 x 4 pixels the average must have shape (16, 16), got {found.shape}."
    turns = [np.rot90(np.arange(side**2).reshape(side, side), n).ravel() for n in range(4)]
    moved = [covariance[np.ix_(turn, turn)] for turn in turns]
    if np.allclose(found, np.mean(moved, axis=0)):
        return None
    if np.allclose(found, np.sum(moved, axis=0)):
        return "That is the sum of the four. Divide by 4."
    if np.allclose(found, covariance):
        return "The covariance came back as it was. Average it with its three turned copies."
    if np.allclose(found, np.mean([np.rot90(covariance, n) for n in range(4)], axis=0)):
        return "You turned the matrix. It is the pixels that turn: each row and each column stands for one of them."
    if np.allclose(found, np.mean([covariance[turn] for turn in turns], axis=0)):
        return "Only the rows moved. A covariance has a pixel in its rows and one in its columns: move both."
    if np.allclose(found, np.mean([covariance[:, turn] for turn in turns], axis=0)):
        return "Only the columns moved. A covariance has a pixel in its rows and one in its columns: move both."
    if np.allclose(found, (moved[0] + moved[1]) / 2):
        return "These are two of the four: the turns by 0° and 90°. Take those by 180° and 270° as well."
    half = turns[1]
    if np.allclose(found[np.ix_(half, half)], found):
        return "It commutes with the quarter turn, but it is not the mean of the four turned covariances."
    return "It does not commute with the quarter turn. Which pixel does each row stand for after the turn?"
