"""The exercises of chapter 05: how far maps are passed on, a stack of four maps, the factor of a coefficient."""

from collections.abc import Callable
from numbers import Complex, Real
from typing import Any

import numpy as np

from equibook.exercises import exercise


@exercise(
    "05-1",
    title="How far is a map passed on?",
    level="easy",
    minutes=3,
    wants="a whole number of maps",
    right="The 8 orientations lie 22.5° apart, since after 180° a wave is back in its orientation.",
)
def maps_passed_on(answer: Any) -> str | None:
    """Compare a number with the steps of 22.5° in 45°."""
    if isinstance(answer, bool | np.bool_) or not isinstance(answer, Real | np.number):
        return "Write a plain whole number, without quotes and without a unit."
    if answer == 2:
        return None
    if answer == 1:
        return "That would hold for 8 orientations in a full turn. They share a half turn: 180° / 8 is one step."
    if answer == -2:
        return "The size is right. Both the image and θ are counted counter-clockwise, so it is forwards."
    if answer == 4:
        return "That is for a turn by 90°. Here the image is turned by 45°, half of it."
    if answer in (45, 22.5):
        return "That is a number of degrees. How many orientations, of a step of 22.5° each, are passed?"
    return "How many degrees lie between two neighbouring orientations? How often does that fit into 45°?"


@exercise(
    "05-2",
    title="Four maps, one quarter turn",
    level="medium",
    minutes=10,
    wants="a function of `maps`, an array of shape (4, size, size), that returns an array of that shape",
    right="The pixels turn, and every map goes to the next kernel; the last one comes first.",
)
def turn_stack(answer: Callable[[np.ndarray], Any]) -> str | None:
    """Compare a function with the action of a quarter turn on random maps."""
    maps = np.random.default_rng(0).normal(size=(4, 6, 6))
    found = np.asarray(answer(maps.copy()))
    if found.shape != maps.shape:
        return f"For maps of shape {maps.shape} you returned {found.shape}. Turn all four, along axes 1 and 2."
    for turns, steps, hint in _TRIED_TURNS:
        if np.allclose(found, np.rot90(np.roll(maps, steps, axis=0), turns, axes=(1, 2))):
            return hint
    return "Two things happen to each map: its pixels turn by 90°, and it comes to stand in another place of the stack."


_TRIED_TURNS = (
    (1, 1, None),
    (0, 0, "The maps came back as they were. What does the turn do to the pixels of each?"),
    (1, 0, "The pixels are right. But the map of the upright kernel is now that of the turned one: pass the maps on."),
    (0, 1, "The maps are passed on as they should be. Their pixels must turn, too."),
    (1, -1, "The pixels are right, and the maps are passed on backwards. Map 0 must become map 1."),
    (-1, 1, "The maps are passed on as they should be, and turned clockwise. The image turns counter-clockwise."),
    (-1, -1, "Both are done the wrong way around: that is the quarter turn clockwise."),
)


@exercise(
    "05-3",
    title="The factor of a coefficient",
    level="medium",
    minutes=5,
    wants="a complex number, such as 0.5 - 0.5j",
    right="k = 1 + 2 · (-2) = -3, and exp(-i k α) = exp(i 90°) = i.",
)
def factor(answer: Any) -> str | None:
    """Compare a number with exp(-i k α) at m = 1, l = -2 and α = 30°."""
    if isinstance(answer, bool | np.bool_ | str) or not isinstance(answer, Complex | np.number):
        return (
            "Write one complex number, without quotes; the imaginary unit is `1j`, and `np.exp` takes complex numbers."
        )
    found = complex(answer)
    if np.isclose(found, _factor(-3)):
        return None
    for k, hint in _TRIED_FREQUENCIES:
        if np.isclose(found, _factor(k)):
            return hint
    if np.isclose(found, np.exp(90j)):
        return "That is exp(90 i), with 90 radians. Put degrees into radians, with `np.deg2rad`."
    if found in (-3, 90, -90):
        return "That is a number on the way: the factor itself is exp(-i k α)."
    if not np.isclose(abs(found), 1):
        return f"Its length is {abs(found):.3g}. A turn keeps the length of a coefficient, so the factor has length 1."
    return "First k = m + 2l, then exp(-i k α) with α = 30°. What is k?"


_TRIED_FREQUENCIES = (
    (3, "The size of k is right. Look at the sign in the exponent, and at the sign of k: minus times minus."),
    (-1, "That is m + l = -1. Orientations have the period 180°, so l counts twice."),
    (5, "That is m - 2l = 5. Here l itself is negative."),
    (1, "So turns a coefficient with k = 1. What does l = -2 add?"),
    (-4, "That is 2l alone. The place counts, too: k = m + 2l."),
)


def _factor(k: int) -> complex:
    return complex(np.exp(-1j * k * np.deg2rad(30)))
