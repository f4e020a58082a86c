"""The exercises of chapter 16: the figure to beat, the interval of a share, and copies in two parts."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise
from equibook.shares import Share


@exercise(
    "16-1",
    title="The figure to beat",
    level="easy",
    minutes=4,
    wants="a function of `labels` that returns a number from 0 to 1",
    right="With 80 cats and 20 dogs, 80 % right is nothing to be proud of.",
)
def figure_to_beat(answer: Callable[..., Any]) -> str | None:
    """Try a function on labels of unequal classes, of one class, and of numbers."""
    cases = {("cat",) * 8 + ("dog",) * 2 + ("owl",) * 2: 8 / 12, (3, 3, 8, 8): 0.5, ("cat",) * 3: 1.0}
    for labels, right in cases.items():
        found = answer(np.array(labels))
        if isinstance(found, bool | np.bool) or not isinstance(found, Real):
            return f"Return one number, not {type(found).__name__}."
        if np.isclose(float(found), right):
            continue
        if np.isclose(float(found), 1 / len(set(labels))):
            return "That is guessing at random among the classes. Who always says the most frequent class does better."
        if np.isclose(float(found), right * len(labels)):
            return "That is how many images the most frequent class has. Divide by the number of all images."
        if np.isclose(float(found), np.mean(np.unique(labels, return_counts=True)[1] / len(labels))):
            return "That is the mean share of a class. Take the largest share."
        return f"For {list(labels)} it must be {right:.3f}, got {float(found):.3f}."
    return None


@exercise(
    "16-2",
    title="How sure can we be?",
    level="medium",
    minutes=10,
    wants="a function of `n_right, n` that returns two numbers",
    right="Even 20 of 20 right leaves room: the accuracy may well be 84 %.",
)
def interval(answer: Callable[..., Any]) -> str | None:
    """Try a function on four shares, among them all right and none right."""
    for n_right, n in ((18, 20), (94, 100), (20, 20), (0, 5)):
        found = np.asarray(answer(n_right, n), dtype=float)
        if found.shape != (2,):
            return f"Return two numbers, the lower end and the upper end, not something of shape {found.shape}."
        if np.allclose(found, Share(n_right, n).interval, atol=2e-4):
            continue
        return _guess_interval(found, n_right, n)
    return None


def _guess_interval(found: np.ndarray, n_right: int, n: int) -> str:
    low, high = Share(n_right, n).interval
    p, z = n_right / n, 1.96
    plain = z * np.sqrt(p * (1 - p) / n)
    if np.allclose(found, (p - plain, p + plain), atol=2e-4):
        return "That is p ± z √(p(1 − p)/n). It passes 1 for shares near 1, and for 20 of 20 has no width at all."
    if np.allclose(found, (high, low), atol=2e-4):
        return "Both ends are right, in the wrong order: the lower one first."
    if np.allclose(found, (100 * low, 100 * high), atol=2e-2):
        return "These are per cent. Return shares, from 0 to 1."
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    if np.allclose(found, (p - half, p + half), atol=2e-4):
        return "The width is right. The middle is not p: it is drawn towards one half, by z²/(2n) above the bar."
    if np.allclose((found.mean()), (low + high) / 2, atol=2e-4):
        return "The middle is right, the width is not. Under the root stands p(1 − p)/n + z²/(4n²)."
    return f"For {n_right} of {n} the ends are {low:.3f} and {high:.3f}, got {found[0]:.3f} and {found[1]:.3f}."


@exercise(
    "16-3",
    title="Seen before?",
    level="medium",
    minutes=8,
    wants="a function of `images, folds` that returns a whole number",
    right="Such images are not held out at all: they were learned by heart.",
)
def seen_before(answer: Callable[..., Any]) -> str | None:
    """Try a function on images with copies within a part and across parts."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(8, 1, 4, 4))
    images[[1, 2]] = images[0]  # in parts 0, 0 and 1
    images[4] = images[3]  # both in part 1
    images[6] = 2 * images[5]  # alike, but no copy
    folds = np.array([0, 0, 1, 1, 1, 0, 1, 2])
    before = images.copy()
    found = answer(images, folds)
    if not np.array_equal(images, before):
        return "It changed the images. Leave them as they are."
    if isinstance(found, bool | np.bool) or not isinstance(found, int | np.integer):
        return f"Return one whole number, not {type(found).__name__}."
    hints = {
        5: "You count all images that have a copy. A copy within the same part does no harm: it is held out as well.",
        1: "You count pairs of parts, or groups. Count the images: each one that has a copy in another part.",
        2: "You count pairs, or each copy but not its original. All three images of the group were seen elsewhere.",
        8: "Every image equals itself: leave it out, or ask for another part.",
        0: "Two of the parts share a picture. Compare whole images: `np.array_equal(a, b)`, or their bytes.",
    }
    if found == 3:
        return None
    return hints.get(int(found), f"Three images have a copy in another part, you count {found}.")
