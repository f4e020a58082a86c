"""The exercises of chapter 08: the plainest good classifier, a comparison within splits, the linear discriminant."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from scipy.stats import norm, t

from equibook.exercises import exercise

_RESULTS: list[tuple[dict[str, float], int]] = [
    ({"stump": 0.80, "tree": 0.935, "net": 0.95, "forest": 0.94}, 100),
    ({"stump": 0.80, "tree": 0.935, "net": 0.95, "forest": 0.94}, 1000),
    ({"stump": 0.90, "tree": 0.975, "forest": 0.99, "net": 0.96}, 100),
    ({"stump": 0.10, "tree": 0.60, "forest": 0.64}, 64),
    ({"stump": 0.45, "tree": 0.50}, 4),
]


@exercise(
    "08-1",
    title="The plainest that is good enough",
    level="easy",
    minutes=6,
    wants="a function of `accuracies, n` that returns a name",
    right="The best number is partly luck; the plainest name within reach of it is not.",
)
def plainest(answer: Callable[..., Any]) -> str | None:
    """Try a function on results of which several classifiers are within one standard error, or only the best."""
    found = [answer(dict(accuracies), n) for accuracies, n in _RESULTS]
    for value, (accuracies, _) in zip(found, _RESULTS, strict=True):
        if not isinstance(value, str):
            number = isinstance(value, Real) and not isinstance(value, bool)
            return f"Return a name, such as 'tree', not {'a number' if number else type(value).__name__}."
        if value not in accuracies:
            return f"{value!r} is none of the names {', '.join(accuracies)}."
    if found == _names(_standard_error):
        return None
    hints: list[tuple[list[str], str]] = [
        (_names(lambda p, n: 0.0), "That is the best. Which plainer ones are within one standard error of it?"),
        (_names(lambda p, n: p * (1 - p) / n), "Take the square root: p (1 − p) / n is a variance."),
        (_names(lambda p, n: np.sqrt(p * (1 - p))), "Divide by n under the root: that is the deviation of one image."),
        (_names(lambda p, n: 2 * np.sqrt(p * (1 - p) / n)), "That allows two standard errors. One is asked for."),
        (_names(_standard_error, last=True), "Of those within reach you took the last. The plainest is the first."),
        ([next(iter(row)) for row, _ in _RESULTS], "The first name is the plainest, but is it good enough?"),
    ]
    for names, hint in hints:
        if found == names:
            return hint
    right = _names(_standard_error)
    wrong = next(i for i in range(len(found)) if found[i] != right[i])
    accuracies, n = _RESULTS[wrong]
    best = max(accuracies.values())
    line = best - np.sqrt(best * (1 - best) / n)
    return f"For {accuracies} and n = {n} it says {found[wrong]!r}. The line to reach is {line:.3f}."


def _standard_error(p: float, n: int) -> float:
    return float(np.sqrt(p * (1 - p) / n))


def _names(error: Callable[[float, int], float], *, last: bool = False) -> list[str]:
    """Return for each of the results the first name that is within an error of the best, or the last such name."""
    chosen = []
    for accuracies, n in _RESULTS:
        best = max(accuracies.values())
        within = [name for name, accuracy in accuracies.items() if accuracy >= best - error(best, n)]
        chosen.append(within[-1 if last else 0])
    return chosen


@exercise(
    "08-2",
    title="A fair comparison",
    level="medium",
    minutes=10,
    wants="a function of `a, b` that returns a mean and half the width of an interval",
    right="What makes a split hard for both has cancelled in the differences.",
)
def compare(answer: Callable[..., Any]) -> str | None:
    """Try a function on two classifiers that differ little on splits that differ much."""
    a = np.array([0.90, 0.80, 0.95, 0.70, 0.85])
    b = np.array([0.88, 0.79, 0.91, 0.69, 0.82])
    found = answer(a.copy(), b.copy())
    if not isinstance(found, tuple | list | np.ndarray) or len(found) != 2:
        return "Return two numbers, as in `return mean, half_width`."
    mean, half = (float(value) for value in found)
    gaps, n = a - b, len(a)
    error = gaps.std(ddof=1) / np.sqrt(n)
    factor = t.ppf(0.975, n - 1)
    if np.isclose(mean, -gaps.mean()):
        return "The sign is turned round: take a − b."
    if not np.isclose(mean, gaps.mean()):
        return "The first number must be the mean of the differences a − b."
    unpaired = np.sqrt(a.var(ddof=1) / n + b.var(ddof=1) / n)
    hints = [
        (factor * error, None),
        (2 * factor * error, "That is the whole width. Return half of it: what stands behind ±."),
        (factor * gaps.std(ddof=1), "That is how single splits scatter. The mean of n scatters less: divide by √n."),
        (factor * gaps.std() / np.sqrt(n), "Nearly: `std` divides by n. Ask it for n − 1, by `ddof=1`."),
        (norm.ppf(0.975) * error, "With few splits 1.96 is too little. Take Student's factor, t.ppf(0.975, n − 1)."),
        (1.96 * error, "With few splits 1.96 is too little. Take Student's factor, t.ppf(0.975, n − 1)."),
        (t.ppf(0.975, n) * error, "Student's factor of n splits has n − 1 degrees of freedom."),
        (t.ppf(0.95, n - 1) * error, "95 % in the middle leave 2.5 % at each end: t.ppf(0.975, …)."),
        (error, "That is the standard error. Multiply by Student's factor."),
    ]
    for value, hint in hints:
        if np.isclose(half, value):
            return hint
    if any(np.isclose(half, c * unpaired) for c in (1, factor, norm.ppf(0.975), 1.96, t.ppf(0.975, 2 * n - 2))):
        return "You took the deviations of `a` and of `b`. Take that of the differences: the splits are the same."
    return "The mean is right. Half the width is t.ppf(0.975, n − 1) × deviation of the differences / √n."


@exercise(
    "08-3",
    title="The linear discriminant, affine",
    level="hard",
    minutes=15,
    wants="a function of `Z, y` that returns weights and a constant",
    right="Straight, because the one term that bends is the same for both classes.",
)
def linear_discriminant(answer: Callable[..., Any]) -> str | None:
    """Try a function on two leaning clouds of unlike size."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 30])
    Z = rng.normal(size=(90, 3)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.7]])
    Z += np.where(y == 1, 1.0, -1.0)[:, None] * [1.0, -0.5, 0.3] + 4
    order = rng.permutation(90)
    Z, y = Z[order], y[order]
    found = answer(Z.copy(), y.copy())
    if not isinstance(found, tuple | list) or len(found) != 2:
        return "Return two things, as in `return w, b`."
    w, b = np.asarray(found[0], dtype=float), np.asarray(found[1], dtype=float)
    if w.shape != (3,) or b.size != 1:
        return f"For 3 components `w` must have shape (3,) and `b` be one number, got shapes {w.shape} and {b.shape}."
    return _look_at_weights(w, Z, y) or _look_at_constant(w, float(b.ravel()[0]), Z, y)


def _clouds(Z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both means and the sum of squares within the classes."""
    first, second = (Z[y == k].mean(axis=0) for k in (0, 1))
    apart = Z - np.where((y == 1)[:, None], second, first)
    return first, second, apart.T @ apart


def _look_at_weights(w: np.ndarray, Z: np.ndarray, y: np.ndarray) -> str | None:
    first, second, within = _clouds(Z, y)
    d = second - first
    right = np.linalg.solve(within / len(Z), d)
    if np.allclose(w, right):
        return None
    if np.allclose(w, -right):
        return "The score must be positive for class 1. Turn the sign round."
    if np.allclose(w, right * (len(Z) - 2) / len(Z)):
        return "You divided by the number of images less 2. That is in use, too, but here divide by all."
    if np.allclose(w, d) or np.allclose(w, 2 * d):
        return "That is nearest mean. The inverse of the covariance has to come before the difference of the means."
    cosine = w @ right / (np.linalg.norm(w) * np.linalg.norm(right) + 1e-300)
    if np.allclose(w, np.linalg.solve(np.cov(Z.T, ddof=0), d)) or np.allclose(w, np.linalg.solve(np.cov(Z.T), d)):
        return "That is the covariance of all images: right direction, other length. Subtract each class's own mean."
    if np.isclose(abs(cosine), 1):
        return f"The direction is right, the length is {w @ right / (right @ right):.2f} times what it must be."
    covariance = within / len(Z)
    if np.allclose(w, covariance @ d):
        return "You multiplied by the covariance. Multiply by its inverse, with `np.linalg.solve`."
    mean_of_two = (np.cov(Z[y == 0].T, ddof=0) + np.cov(Z[y == 1].T, ddof=0)) / 2
    if np.allclose(w, np.linalg.solve(mean_of_two, d)):
        return "The larger class has more say: sum up the squares of both, then divide by the number of all images."
    return "The weights are the inverse of the shared covariance times the difference of the means."


def _look_at_constant(w: np.ndarray, b: float, Z: np.ndarray, y: np.ndarray) -> str | None:
    first, second, _ = _clouds(Z, y)
    middle = -w @ (first + second) / 2
    priors = np.log(np.mean(y == 1) / np.mean(y == 0))
    if np.isclose(b, middle + priors):
        return None
    if np.isclose(b, middle):
        return "The weights are right. The constant lacks the priors: one class is twice as large."
    if np.isclose(b, middle - priors):
        return "The weights are right. The priors stand upside down: more images of a class speak for it."
    if np.isclose(b, -middle + priors):
        return "The weights are right. In the middle between the means the score, but for the priors, must be 0."
    if np.isclose(b, 2 * middle + priors):
        return "The weights are right. Halve the sum of the means: the boundary lies in the middle."
    if np.isclose(b, 0):
        return "The weights are right. The clouds do not lie about 0: work out the constant as well."
    return "The weights are right. At z = (mean 0 + mean 1) / 2 the score must be the log of the ratio of the priors."
