"""The exercises of chapter 13: votes of pairs, what a first choice costs, and rank correlation."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from equibook.exercises import exercise

_WINNERS = np.array([[0, 2, 2], [1, 0, 1], [0, 2, 1], [2, 1, 2], [3, 3, 1], [3, 1, 2]])


@exercise(
    "13-1",
    title="Count the votes",
    level="easy",
    minutes=6,
    wants="a function of `winners` that returns one class an image",
    right="Support vectors of ten classes are read so: 45 votes an image.",
)
def count_votes(answer: Callable[..., Any]) -> str | None:
    """Try a function on three pairs, with and without a tie."""
    found = np.asarray(answer(_WINNERS.copy()))
    counts = np.array([np.bincount(row, minlength=4) for row in _WINNERS])
    if found.shape == counts.shape:
        return "These are the votes of each class. Return the class that has the most."
    if found.shape == (_WINNERS.shape[1],):
        return "That is one class a pair. Count along each row: one class an image."
    if found.shape != (len(_WINNERS),):
        return f"Return one class an image, an array of shape (6,), got shape {found.shape}."
    right = counts.argmax(axis=1)
    if np.array_equal(found, right):
        return None
    if np.array_equal(found, counts.max(axis=1)):
        return "That is how many votes the winner has. Return which class it is."
    if np.array_equal(found, 3 - counts[:, ::-1].argmax(axis=1)):
        return "Right but for ties: where several classes have as many votes, take the smallest."
    if np.array_equal(found, _WINNERS[:, 0]):
        return "That is the first pair's choice. All pairs have a vote."
    row = int(np.flatnonzero(found != right)[0])
    return f"For the votes {_WINNERS[row].tolist()} the class must be {right[row]}, got {found[row]}."


_MEASURE = np.array([0.2, 0.9, 0.4, 0.7, 0.1])
_ACCURACY = np.array([0.95, 0.6, 0.9, 0.8, 0.7])


@exercise(
    "13-2",
    title="What a first choice costs",
    level="medium",
    minutes=8,
    wants="a function of `measure, accuracy, n` that returns a number",
    right="A measure need not rank all blocks well: it is enough that a good one is among the first that you try.",
)
def shortfall_of_first(answer: Callable[..., Any]) -> str | None:
    """Try a function with 1, 2, 3 and all of five blocks."""
    found = [answer(_MEASURE.copy(), _ACCURACY.copy(), n) for n in range(1, 6)]
    for value in found:
        if isinstance(value, bool | np.bool) or not isinstance(value, Real):
            return f"Return one number, not {type(value).__name__}."
    values = np.array(found, dtype=float)
    order = np.argsort(-_MEASURE)
    best, firsts = _ACCURACY.max(), [_ACCURACY[order[:n]] for n in range(1, 6)]
    right = np.array([best - each.max() for each in firsts])
    if np.allclose(values, right):
        return None
    backwards = [best - _ACCURACY[order[::-1][:n]].max() for n in range(1, 6)]
    mistakes = {
        "The sign: the best of all, less what you reach.": -right,
        "That is the accuracy that you reach. Subtract it from the best of all.": best - right,
        "These are the blocks that the measure puts last. Sort from the largest.": np.array(backwards),
        "You may take the most accurate of the n, not the last of them.": np.array([best - a[-1] for a in firsts]),
        "You may take the most accurate of the n, not their mean.": np.array([best - a.mean() for a in firsts]),
        "Only the first n may be tried, and n is ignored: this is for one block.": np.full(5, right[0]),
        "The first n by the measure, not the first n of the list.": np.array(
            [best - _ACCURACY[:n].max() for n in range(1, 6)]
        ),
    }
    known = (hint for hint, wrong in mistakes.items() if np.allclose(values, wrong))
    n = int(np.flatnonzero(~np.isclose(values, right))[0]) + 1
    unknown = (
        f"For measure {_MEASURE.tolist()}, accuracy {_ACCURACY.tolist()} and n = {n} it must be {right[n - 1]:.2f}."
    )
    return next(known, f"{unknown} Got {values[n - 1]:.2f}.")


@exercise(
    "13-3",
    title="Rank correlation",
    level="hard",
    minutes=12,
    wants="a function of `a, b` that returns a number",
    right="It asks for the order only: any rising function of a or b leaves it as it is.",
)
def rank_correlation(answer: Callable[..., Any]) -> str | None:
    """Try a function on distinct values, then on equal ones."""
    rng = np.random.default_rng(0)
    a = np.exp(3 * rng.random(12))
    b = a * np.exp(2 * rng.random(12))
    found = answer(a.copy(), b.copy())
    if isinstance(found, bool | np.bool) or np.ndim(found) != 0 or not isinstance(found, Real):
        got = f"something of shape {np.shape(found)}" if np.ndim(found) else type(found).__name__
        return f"Return one number, got {got}. Of the matrix of `np.corrcoef` take the entry [0, 1]."
    value, right = float(found), float(spearmanr(a, b).statistic)
    if np.isclose(value, right):
        return _look_at_ties(answer)
    mistakes = {
        "That is the correlation of the values. Number them first.": np.corrcoef(a, b)[0, 1],
        "`argsort` says who comes first, not which place each has. Take `argsort` of it once more.": np.corrcoef(
            np.argsort(a), np.argsort(b)
        )[0, 1],
        "The sign: number both from the smallest to the largest.": -right,
        "Number both arrays, not only the first.": np.corrcoef(rankdata(a), b)[0, 1],
        "Number both arrays, not only the second.": np.corrcoef(a, rankdata(b))[0, 1],
    }
    known = (hint for hint, wrong in mistakes.items() if np.isclose(value, wrong))
    return next(
        known, "Not yet. Try it on [1, 5, 9] and [2, 3, 40]: it must give 1; and on [1, 5, 9] and [40, 3, 2]: -1."
    )


def _look_at_ties(answer: Callable[..., Any]) -> str | None:
    a, b = np.array([3.0, 1.0, 3.0, 2.0, 5.0, 1.0]), np.array([2.0, 2.0, 1.0, 4.0, 4.0, 0.0])
    if not np.isclose(float(answer(a.copy(), b.copy())), spearmanr(a, b).statistic):
        return (
            "Right where all values differ. Equal ones share the mean of their numbers: 1, 2, 2, 5 give 1, 2.5, 2.5, 4."
        )
    return None
