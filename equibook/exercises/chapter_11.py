"""Checks of chapter 11, AlexNet's equivariance."""

from collections.abc import Callable
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "11-1",
    title="The right denominator",
    level="easy",
    minutes=8,
    wants="a function of `goal, guess, goal_train` that returns a number",
    right="0 is perfect, 1 is the mean, and nothing of the test images has gone into the mean.",
)
def normalised_error(answer: Callable[..., Any]) -> str | None:
    """Try a function on maps whose mean differs from place to place and from training to test."""
    rng = np.random.default_rng(0)
    places = rng.normal(size=(2, 3, 3)) * 4
    goal, goal_train = rng.normal(size=(6, 2, 3, 3)) + places, rng.normal(size=(9, 2, 3, 3)) + places + 0.5
    guess = goal + 0.7 * rng.normal(size=goal.shape)
    found = np.asarray(answer(goal.copy(), guess.copy(), goal_train.copy()), dtype=float)
    if found.ndim:
        return f"It must return one number, not an array of shape {found.shape}. Sum over everything."
    left = ((goal - guess) ** 2).sum()
    right = left / ((goal - goal_train.mean(axis=0)) ** 2).sum()
    if np.isclose(found, right):
        return None
    if np.isclose(found, np.sqrt(right)):
        return "That is the quotient of the lengths. Wanted is that of their squares: leave out the root."
    if np.isclose(found, left / ((goal - goal.mean(axis=0)) ** 2).sum()):
        return "Your mean is that of the test images, which a prediction cannot know. Take that of `goal_train`."
    if np.isclose(found, left / ((goal - goal_train.mean(axis=(0, 2, 3), keepdims=True)) ** 2).sum()):
        return "Your mean is one number for each channel. Every place has a mean of its own: average over images only."
    if np.isclose(found, left / ((goal - goal_train.mean()) ** 2).sum()):
        return (
            "Your mean is one number for all. Every channel and place has a mean of its own: average over images only."
        )
    if np.isclose(found, left / (goal**2).sum()):
        return "The denominator must hold the distance to the mean. With zero in its place a large mean hides errors."
    if np.isclose(found, np.abs(goal - guess).sum() / np.abs(goal - goal_train.mean(axis=0)).sum()):
        return "Take squares in place of absolute values."
    if np.isclose(found, 1 / right):
        return "Upside down: the distance to the guess stands above."
    if np.isclose(found, 1 - right):
        return "That is the share that is told. Wanted is the share that is not: 0 is perfect."
    return "For a guess that equals `goal` it must be 0, and for the training mean as a guess it must be 1. Is it?"


@exercise(
    "11-2",
    title="Fit the mixing",
    level="medium",
    minutes=12,
    wants="a function of `before, after` that returns `A, b`",
    right="It finds the mixing exactly where there is one, and the nearest one where there is none.",
)
def fit_mixing(answer: Callable[..., Any]) -> str | None:
    """Try a function on maps that are mixed exactly, and on maps with noise."""
    rng = np.random.default_rng(0)
    before = rng.normal(size=(8, 3, 4, 4)) + np.arange(3)[:, None, None]
    mixing, bias = rng.normal(size=(3, 3)), np.array([1.0, -2.0, 3.0])
    exact = np.einsum("ij,njhw->nihw", mixing, before) + bias[:, None, None]
    found = answer(before.copy(), exact.copy())
    if not isinstance(found, tuple | list) or len(found) != 2:
        return "Return two things, as in `return A, b`."
    A, b = (np.asarray(part, dtype=float) for part in found)
    if A.shape != (3, 3) or b.shape != (3,):
        return f"For 3 channels the shapes must be (3, 3) and (3,), got {A.shape} and {b.shape}."
    if np.allclose(A, mixing) and np.allclose(b, bias):
        return _look_at_noise(answer, before, exact + rng.normal(size=exact.shape))
    if np.allclose(A.T, mixing):
        return "Your `A` is transposed: `A[i, j]` is the part that channel i of the result takes of channel j."
    if np.allclose(A, mixing):
        return (
            "`A` is right, `b` is not: it is what remains of the mean of `after`, once `A` has mixed that of `before`."
        )
    x, y = (np.moveaxis(maps, 1, -1).reshape(-1, 3) for maps in (before, exact))
    without = np.linalg.lstsq(x, y, rcond=None)[0]
    if np.allclose(A, without.T) or np.allclose(A, without):
        return (
            "That is the fit without a bias. Give the rows of `before` a column of ones, or subtract the means first."
        )
    scrambled = np.linalg.lstsq(_with_one(before.reshape(-1, 3)), exact.reshape(-1, 3), rcond=None)[0][:-1]
    if np.allclose(A, scrambled.T) or np.allclose(A, scrambled):
        return "`reshape` alone mixes channels with places. Bring channels to the end first, by `np.moveaxis`."
    return "`after` was made from `before` by a mixing and a bias without any noise, and these are others."


def _look_at_noise(answer: Callable[..., Any], before: np.ndarray, after: np.ndarray) -> str | None:
    A, b = (np.asarray(part, dtype=float) for part in answer(before.copy(), after.copy()))
    x, y = (np.moveaxis(maps, 1, -1).reshape(-1, 3) for maps in (before, after))
    best = np.linalg.lstsq(_with_one(x), y, rcond=None)[0]
    if np.allclose(A, best[:-1].T, rtol=1e-3, atol=1e-4) and np.allclose(b, best[-1], rtol=1e-3, atol=1e-4):
        return None
    return "Without noise it is right; with noise it is not the least-squares fit. Use all places of all images."


def _with_one(rows: np.ndarray) -> np.ndarray:
    return np.column_stack([rows, np.ones(len(rows))])


@exercise(
    "11-3",
    title="A layer that a flip permutes",
    level="medium",
    minutes=8,
    wants="a function of `kernel` that returns filters of shape (n, size, size)",
    right="Two filters that change places: the smallest layer with a partner for each.",
)
def flip_bank(answer: Callable[..., Any]) -> str | None:
    """Try a function on a kernel without symmetry."""
    kernel = np.random.default_rng(0).normal(size=(3, 3))
    bank = np.asarray(answer(kernel.copy()), dtype=float)
    if bank.ndim != 3 or bank.shape[1:] != (3, 3):
        return f"For a kernel of 3 x 3 return an array of shape (n, 3, 3), got {bank.shape}. `np.stack` makes one."
    if not np.allclose(bank[0], kernel):
        return "The kernel itself must be the first filter, as it is."
    if len(bank) == 1:
        return (
            "One filter cannot change places. Which filter answers to the flipped image as this one does to the image?"
        )
    if len(bank) > 2 and np.allclose(bank[1], kernel[:, ::-1]):
        return f"It works with fewer: a left-right flip done twice is no flip at all. You have {len(bank)}."
    if np.allclose(bank[1], kernel[::-1]):
        return "`kernel[::-1]` reverses the rows: an up-down flip. For left and right, reverse the columns."
    if np.allclose(bank[1], np.rot90(kernel)) or np.allclose(bank[1], kernel[::-1, ::-1]):
        return "That is a turned copy. A flip takes it to a filter that is not in the bank."
    if np.allclose(bank[1], kernel.T):
        return "The transpose is a flip about the diagonal. For left and right, reverse the columns."
    if np.allclose(bank[1], kernel):
        return "Twice the same filter: each stays what it is under the flip, whatever that makes of it."
    if len(bank) == 2 and np.allclose(bank[1], kernel[:, ::-1]):
        return None
    return (
        "The flip must take every filter of the bank to another one of the bank. What is the mirror image of the first?"
    )
