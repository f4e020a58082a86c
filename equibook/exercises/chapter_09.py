"""The exercises of chapter 09: parts of a score, and where their weights come from."""

from collections.abc import Callable
from typing import Any

import numpy as np

from equibook.equivariant import CoefficientTable
from equibook.exercises import exercise
from equibook.explanation import Explanation
from equibook.invariant import FeatureTable

# What four rings say about three images: the loudest is once a positive part, once a negative one, once the first.
PARTS = np.array([[0.1, -0.2, 0.8, 0.3], [0.4, -0.9, 0.5, 0.2], [-0.6, 0.5, 0.1, 0.0]])


@exercise(
    "09-1",
    title="The loudest ring",
    level="easy",
    minutes=5,
    wants="a function of `why` and `i` that returns the number of a ring",
    right="Loud is what is far from zero, for 3 or for 8.",
)
def loudest_ring(answer: Callable[[Explanation, int], Any]) -> str | None:
    """Try a function on an explanation made up of four rings and three images."""
    found = [answer(_explain_rings(PARTS), i) for i in range(len(PARTS))]
    rings = list(range(PARTS.shape[1]))
    for ring in found:
        if ring not in rings:
            return f"There is no ring {ring}. The rings are {rings}: return the key of the dictionary, not its value."
    loudest = np.abs(PARTS).argmax(axis=1).tolist()
    if found == loudest:
        return None
    if found == PARTS.argmax(axis=1).tolist():
        return "You look for the largest part. A negative part can be loud, too: it speaks for the other class."
    if len(set(found)) == 1:
        return "The answer is the same for every image. Take part number `i` of each ring."
    i = next(i for i in range(len(PARTS)) if found[i] != loudest[i])
    said = ", ".join(f"{ring}: {part:+.1f}" for ring, part in zip(rings, PARTS[i], strict=True))
    return f"In an image where the rings say {said}, your function returns ring {found[i]}. Another is louder."


@exercise(
    "09-2",
    title="One weight per feature",
    level="hard",
    minutes=15,
    wants="a function of `matrix`, `mean_3` and `mean_8` that returns an array, one weight per feature",
    right="The score is this sum plus a constant.",
)
def weights_of_features(answer: Callable[[np.ndarray, np.ndarray, np.ndarray], Any]) -> str | None:
    """Try a function on two small boxes, whose scores are computed from distances."""
    for n_components, n_features in ((2, 5), (4, 9)):
        rng = np.random.default_rng(n_features)
        matrix, offset = rng.normal(size=(n_components, n_features)), rng.normal(size=n_components)
        mean_3, mean_8 = rng.normal(size=(2, n_components))
        weights = np.asarray(answer(matrix.copy(), mean_3.copy(), mean_8.copy()))
        if weights.shape != (n_features,):
            need = f"For {n_components} components of {n_features} features, shape ({n_features},) is needed"
            return f"{need}, one weight per feature, got {weights.shape}. Try `matrix.T @ ...`."
        features = rng.normal(size=(40, n_features))
        components = features @ matrix.T + offset
        score = ((components - mean_3) ** 2).sum(axis=1) - ((components - mean_8) ** 2).sum(axis=1)
        if hint := _compare(features @ weights, score):
            return hint
    return None


def _compare(found: np.ndarray, score: np.ndarray) -> str | None:
    """Return how a sum departs from a score, where it is not the score but for a constant."""
    if np.ptp(score - found) <= 1e-9 * np.ptp(score):
        return None
    if np.ptp(found) == 0:
        return "With these weights every image gets the same sum."
    slope, start = np.polyfit(found, score, 1)
    if np.allclose(slope * found + start, score):
        return f"The score grows {slope:.2f} times as fast as this sum. Look for a factor or a sign."
    return "The score does not follow this sum. Write the score of the components, and put Layer 2 in for them."


def _explain_rings(parts: np.ndarray) -> Explanation:
    """Return an explanation with one feature a ring, which sets each image apart by `parts` (n_images, n_rings)."""
    n_images, n_rings = parts.shape
    ring, zero = np.arange(n_rings), np.zeros(n_rings, dtype=int)
    coefficients = CoefficientTable(zero, zero * 1.0, ring, zero, zero)
    table = FeatureTable(coefficients, ring, zero - 1, zero - 1, np.array(["re"] * n_rings))
    reference = np.ones_like(parts)
    features = parts + reference
    pixels, bias = features.reshape(n_images, 1, 2, -1), np.zeros(n_images)
    return Explanation(features, pixels, bias, features.sum(axis=1), np.full(n_images, 8), reference, table)
