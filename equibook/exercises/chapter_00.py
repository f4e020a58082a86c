"""The exercises of chapter 00: arrows that turn, and those that stay."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "00-1",
    title="Which way does the arrow turn?",
    level="easy",
    minutes=3,
    wants="a number of degrees, such as 45",
    right="Three times as far as the image, and the other way around.",
)
def turn_of_arrow(answer: Any) -> str | None:
    """Compare an angle, up to full turns, with that of exp(-i k α) at k = 3 and α = 30°."""
    if isinstance(answer, bool) or not isinstance(answer, Real):
        return "Write a plain number, without quotes and without a unit."
    angle = float(answer)
    if _is_turn(angle, -90):
        return None
    if _is_turn(angle, 90):
        return "The size is right. Look at the sign in the exponent, and at the arrows above: which way do they run?"
    if _is_turn(angle, -30) or _is_turn(angle, 30):
        return "So far turns the arrow of k = 1. While the image turns once, how often does that of k = 3 run around?"
    if np.isclose(abs(angle), np.pi / 2):
        return "That looks like radians. Give the angle in degrees."
    return "Put k = 3 and α = 30° into exp(-i k α): what is the angle of that number?"


@exercise(
    "00-2",
    title="Which coefficients does a quarter turn leave alone?",
    level="medium",
    minutes=7,
    wants="a function that takes an array `k` and returns an array of True and False, as long as `k`",
    right="A quarter turn cannot tell k = 4 from k = 0.",
)
def unchanged_by_quarter_turn(answer: Callable[[np.ndarray], Any]) -> str | None:
    """Try a function on the frequencies that the book meets, and on others."""
    seen, unseen = np.arange(6), np.arange(-8, 13)
    found = np.asarray(answer(seen.copy()))
    if found.shape != seen.shape:
        need = f"For {len(seen)} frequencies the function returned shape {found.shape} instead of {seen.shape}"
        return f"{need}. Compare the whole array, as in `k == 1`."
    if not found[0]:
        return "For k = 0 the factor exp(-i k α) is 1 for every turn. Look for all k where it is 1."
    if np.any(found != (seen % 4 == 0)):
        return "k = 0 is in, as it must be. For which other k from 1 to 5 is k · 90° a whole number of full turns?"
    if np.any(np.asarray(answer(unseen.copy())) != (unseen % 4 == 0)):
        return "Right for k from 0 to 5. It must hold for every whole number: think of k = 8 and of k = -4."
    return None


def _is_turn(angle: float, expected: float) -> bool:
    """Say whether two angles in degrees are the same turn."""
    return bool(np.isclose((angle - expected + 180) % 360, 180))
