"""The exercises of chapter 12: answers that stay, where two curves cross, and linear CKA."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "12-1",
    title="How many answers stay?",
    level="easy",
    minutes=5,
    wants="a function of `before, after` that returns a number",
    right="A classifier that always gives one answer gets 0, as it should.",
)
def stays_beyond_chance(answer: Callable[..., Any]) -> str | None:
    """Try a function on predictions, among them those of a classifier that gives one answer to all."""
    before, after = np.array([3, 3, 8, 5, 3, 8]), np.array([3, 8, 8, 5, 3, 3])
    found = answer(before.copy(), after.copy())
    if isinstance(found, bool | np.bool) or not isinstance(found, Real):
        return f"Return one number, not {type(found).__name__}."
    stay, n = np.mean(before == after), len(before)
    pairs = (before[:, None] == before).sum()
    chance = (pairs - n) / (n * (n - 1))
    if np.isclose(float(found), stay - chance):
        return _look_at_constant(answer)
    if np.isclose(float(found), stay):
        return "That is the share that stays. Subtract the share that stays by chance."
    if np.isclose(float(found), stay - pairs / n**2):
        return "Nearly: an image paired with itself is no pair of different images. Leave the diagonal out."
    if np.isclose(float(found), stay - (pairs - n) / n**2):
        return "The diagonal is left out above the fraction bar, but not below: there are n(n - 1) ordered pairs."
    if np.isclose(float(found), chance - stay):
        return "The sign: what stays, less what would stay by chance."
    if np.isclose(float(found), chance):
        return "That is the share by chance. Subtract it from the share that stays."
    if np.isclose(float(found), stay - 1 / len(set(before.tolist()))):
        return "Classes need not be equally frequent: count the pairs of different images with the same class."
    return f"For {before.tolist()} and {after.tolist()} it gives {float(found):.3f}. Count by hand: 4 of 6 stay."


def _look_at_constant(answer: Callable[..., Any]) -> str | None:
    same = np.full(5, 7)
    if not np.isclose(float(answer(same, same.copy())), 0):
        return "Right for mixed answers. Where all answers are one class, it must be 0."
    return None


_SIZES = (20, 50, 100, 200)
_CURVES = (
    ((0.5, 0.6, 0.7, 0.8), (0.4, 0.65, 0.6, 0.9), 200),
    ((0.5, 0.6, 0.7, 0.8), (0.4, 0.6, 0.75, 0.9), 50),
    ((0.5, 0.6, 0.7, 0.8), (0.6, 0.7, 0.8, 0.7), 0),
    ((0.5, 0.6, 0.7, 0.8), (0.6, 0.7, 0.8, 0.9), 20),
)


@exercise(
    "12-2",
    title="Where the curves cross",
    level="medium",
    minutes=8,
    wants="a function of `sizes, a, b` that returns one of the sizes, or 0",
    right="A single lucky size does not count: what matters is from where on it holds.",
)
def catches_up(answer: Callable[..., Any]) -> str | None:
    """Try a function on four pairs of curves."""
    found = [answer(list(_SIZES), list(a), list(b)) for a, b, _ in _CURVES]
    for value in found:
        if isinstance(value, bool | np.bool) or not isinstance(value, Real):
            return f"Return one of the sizes, or 0, not {type(value).__name__}."
    right = [size for _, _, size in _CURVES]
    if found == right:
        return None
    return _guess(found, right)


def _guess(found: Sequence[Any], right: Sequence[int]) -> str:
    if found == [_first(a, b) for a, b, _ in _CURVES]:
        return "That is the first size at which b is as good. Ask whether it stays so at all larger sizes."
    if found == [_from_on(a, b, strictly=True) for a, b, _ in _CURVES]:
        return "Nearly: as good is good enough. Count equal accuracies too."
    if found == [_from_on(b, a) for a, b, _ in _CURVES]:
        return "You asked when a catches up with b. It is the other way round."
    if found == [_SIZES.index(size) if size else 0 for size in right]:
        return "These are places in `sizes`. Return the size that stands there."
    (a, b, size), value = next((c, v) for c, v in zip(_CURVES, found, strict=True) if v != c[2])
    return f"For sizes {list(_SIZES)}, a = {list(a)} and b = {list(b)} it must be {size}, got {value}."


def _first(a: Sequence[float], b: Sequence[float]) -> int:
    return next((size for size, x, y in zip(_SIZES, a, b, strict=True) if y >= x), 0)


def _from_on(a: Sequence[float], b: Sequence[float], *, strictly: bool = False) -> int:
    good = [y > x if strictly else y >= x for x, y in zip(a, b, strict=True)]
    return next((size for i, size in enumerate(_SIZES) if all(good[i:])), 0)


@exercise(
    "12-3",
    title="Linear CKA in five lines",
    level="hard",
    minutes=12,
    wants="a function of `a, b` that returns a number",
    right="Turning all of feature space changes nothing, and stretching one direction does.",
)
def plain_cka(answer: Callable[..., Any]) -> str | None:
    """Try a function on two sets of features, of different width and with means far from 0."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20, 4)) * [3, 2, 1, 1] + 5
    b = a @ rng.normal(size=(4, 7)) + rng.normal(size=(20, 7)) - 3
    found = answer(a.copy(), b.copy())
    if np.ndim(found) != 0 or not np.isscalar(found):
        return f"Return one number, got something of shape {np.shape(found)}. Sum over all entries."
    value = float(found)  # type: ignore[arg-type]
    centred = [rows - rows.mean(axis=0) for rows in (a, b)]
    if np.isclose(value, _cka(*centred)):
        return None
    K, L = (rows @ rows.T for rows in centred)
    mistakes = {
        "Subtract the mean first: otherwise all images look alike, by the mean that they share.": _cka(a, b),
        "Subtract the mean of each column, over the images, not of each row.": _cka(
            *(rows - rows.mean(axis=1, keepdims=True) for rows in (a, b))
        ),
        "One number was subtracted from all. Each column has a mean of its own: `mean(axis=0)`.": _cka(
            a - a.mean(), b - b.mean()
        ),
        "The sum is right. Divide by the norms of K and of L.": float(np.sum(K * L)),
        "Divide by the norms, not by their squares: without the root it depends on the unit.": float(
            np.sum(K * L) / (np.sum(K**2) * np.sum(L**2))
        ),
        "Divide by the norms of K and L, not by those of the features.": float(
            np.sum(K * L) / (np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
        ),
        "That is the sum over the matrix product K L. Multiply entry by entry: `K * L`.": float(
            np.sum(K @ L) / (np.linalg.norm(K) * np.linalg.norm(L))
        ),
    }
    return next((hint for hint, wrong in mistakes.items() if np.isclose(value, wrong, rtol=1e-6)), _UNKNOWN)


_UNKNOWN = "Not yet. Try it on `a` and `2 * a`: it must give 1. Then look at K: it has one row and one column an image."


def _cka(a: np.ndarray, b: np.ndarray) -> float:
    K, L = a @ a.T, b @ b.T
    return float(np.sum(K * L) / (np.linalg.norm(K) * np.linalg.norm(L)))
