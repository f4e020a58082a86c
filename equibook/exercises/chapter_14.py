"""The exercises of chapter 14: numbers kept, the mixture of copies, and a mixture that turns."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "14-1",
    title="What is kept?",
    level="easy",
    minutes=5,
    wants="a function of `n_out, n_in, k, n, order` that returns a whole number",
    right="So few filters pay where many slices share them: the mixture is the larger part.",
)
def numbers_kept(answer: Callable[..., Any]) -> str | None:
    """Try a function on a layer with few filters, and on one with more copies than pixels."""
    few, many = (16, 6, 5, 2, 8), (4, 3, 3, 2, 8)
    found = [answer(*case) for case in (few, many)]
    for value in found:
        if isinstance(value, bool | np.bool) or not isinstance(value, Real):
            return f"Return one number, not {type(value).__name__}."
    if found == [_count(*few), _count(*many)]:
        return None
    mistakes = {
        "Right for few filters. Copies have at most k² directions: a slice has no more pixels.": lambda *a: _count(
            *a, capped=False
        ),
        "The bias is kept, too: one number for each output.": lambda *a: _count(*a) - a[0],
        "The filters are kept, too: n of them, each of k² numbers.": lambda *a: _count(*a) - a[3] * a[2] ** 2,
        "The copies are made of the filters and need not be kept: count each filter once.": lambda *a: (
            _count(*a) + a[3] * (a[4] - 1) * a[2] ** 2
        ),
        "A mixture is kept for each slice, and there are n_out times n_in of them.": lambda *a: (
            a[3] * a[2] ** 2 + a[0] * min(a[3] * a[4], a[2] ** 2) + a[0]
        ),
    }
    for hint, wrong in mistakes.items():
        if found == [wrong(*few), wrong(*many)]:
            return hint
    return f"For n_out = 16, n_in = 6, k = 5, n = 2, order = 8 it must be {_count(*few)}, got {found[0]}."


def _count(n_out: int, n_in: int, k: int, n: int, order: int, *, capped: bool = True) -> int:
    directions = min(n * order, k**2) if capped else n * order
    return n * k**2 + n_out * n_in * directions + n_out


@exercise(
    "14-2",
    title="The mixture",
    level="medium",
    minutes=8,
    wants="a function of `kernels, copies` that returns an array of shape (n_slices, n_copies)",
    right="What it leaves is perpendicular to every copy: nothing more can be had from them.",
)
def mix(answer: Callable[..., Any]) -> str | None:
    """Try a function on independent copies, and on copies two of which are equal."""
    rng = np.random.default_rng(0)
    kernels, copies = rng.normal(size=(5, 9)), rng.normal(size=(4, 9))
    for case, name in ((copies, "independent copies"), (np.vstack([copies, copies[:1]]), "two equal copies")):
        found = np.asarray(answer(kernels.copy(), case.copy()), dtype=float)
        if found.shape != (5, len(case)):
            return _hint_of_shape(found.shape, len(case))
        best = kernels @ np.linalg.pinv(case) @ case
        if not np.allclose(found @ case, best, atol=1e-6):
            if np.allclose(found, kernels @ case.T):
                return "These are inner products. They would do if the copies were perpendicular and of length 1."
            if name == "two equal copies":
                return "Right for independent copies. With two equal ones no inverse exists: use `lstsq` or `pinv`."
            return "`mixture @ copies` can be nearer: it is least squares, `np.linalg.lstsq(copies.T, kernels.T)`."
    return None


def _hint_of_shape(shape: tuple[int, ...], n_copies: int) -> str:
    if shape == (n_copies, 5):
        return "That is the mixture with rows and columns exchanged: transpose it."
    if shape == (5, 9):
        return "These are the kernels put together again. Return the mixture itself."
    return f"For 5 slices and {n_copies} copies the mixture has shape (5, {n_copies}), got {shape}."


@exercise(
    "14-3",
    title="Turn a mixture",
    level="hard",
    minutes=10,
    wants="a function of `mixture, quarters` that returns an array of the same shape",
    right="No filter was touched: what was in the column of h now stands in that of h turned further.",
)
def turn_mixture(answer: Callable[..., Any]) -> str | None:
    """Mix copies of two filters, and compare with the kernel that was turned itself."""
    rng = np.random.default_rng(0)
    filters, mixture = rng.normal(size=(2, 3, 3)), rng.normal(size=(5, 2, 4))
    given = mixture.copy()
    for quarters in (1, 2, 3, 0):
        found = np.asarray(answer(given, quarters), dtype=float)
        if found.shape != mixture.shape:
            return f"The shape must stay {mixture.shape}, got {found.shape}."
        if not np.array_equal(given, mixture):
            return "Your function writes into the mixture that it is given. Return a new array."
        if np.allclose(_blend(found, filters), np.rot90(_blend(mixture, filters), quarters, axes=(1, 2))):
            continue
        if np.allclose(found, np.roll(mixture, -quarters, axis=-1)):
            return "That turns the other way: the copy turned by h becomes the one turned by h + quarters."
        if np.allclose(found, np.roll(mixture, quarters, axis=1)):
            return "You permuted the filters. The copies of one filter are along the last axis."
        if np.allclose(found, np.roll(mixture, quarters)):
            return "Without `axis=-1` the numbers of one filter run into those of the next."
        if np.allclose(found, np.roll(mixture, 1, axis=-1)):
            return "Right for one quarter turn. Turn by `quarters` of them."
        if np.allclose(found, mixture):
            return "Nothing has changed. Which copy does the one turned by h become?"
        return f"For {quarters} quarter turns, the mixed kernel is not the turned one. Try a mixture with a single 1."
    return None


def _blend(mixture: np.ndarray, filters: np.ndarray) -> np.ndarray:
    copies = np.stack([np.rot90(filters, h, axes=(1, 2)) for h in range(4)], axis=1)
    return np.einsum("sch,chij->sij", mixture, copies)
