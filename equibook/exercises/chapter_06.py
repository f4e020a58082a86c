"""The exercises of chapter 06: which products stay, the turn read from two phases, to forget only the turn."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.exercises import exercise

_FAULTS_OF_PRODUCTS = {
    "a": "(a): both factors turn by -2α, together by -4α. What would make one of them turn the other way?",
    "d": "(d): the last two factors turn against each other and cancel. What does the first one do alone?",
    "f": "(f): a length stays, but the other factor is an arrow with k = 2.",
    "b": "(b): the second factor is conjugated, it turns by +2α. Add both.",
    "c": "(c): add -α, -2α and +3α.",
    "e": "(e): the cube turns by three times -α. And the conjugate of k = 3?",
    "g": "(g): k = 0 does not turn at all, and what of a length?",
}


@exercise(
    "06-1",
    title="Which of them stay?",
    level="easy",
    minutes=5,
    wants='a set of letters, such as {"a", "f"}',
    right="Add the frequencies, those under a conjugate with a minus: 0 means invariant.",
)
def products_that_stay(answer: Any) -> str | None:
    """Compare letters with those of the products whose frequencies sum to 0."""
    letters = {str(letter).strip(" ().,").lower() for letter in answer} - {""}
    known = set(_FAULTS_OF_PRODUCTS)
    if not letters <= known:
        return f'Write letters from a to g, as in {{"a", "f"}}; got {", ".join(sorted(letters - known))}.'
    if not letters:
        return "Some of them do stay. Add up by how much each factor turns; a conjugate turns the other way."
    faults = [letter for letter in _FAULTS_OF_PRODUCTS if (letter in letters) != (letter in "bceg")]
    return None if not faults else "Look once more at " + _FAULTS_OF_PRODUCTS[faults[0]]


@exercise(
    "06-2",
    title="Read the turn from the phases",
    level="medium",
    minutes=8,
    wants="a function of `C, D`, complex arrays of six coefficients, that returns a number of degrees",
    right="The frequency 1 alone knows the whole turn. The others know a part of it, and make the reading surer.",
)
def turn_between(answer: Callable[..., Any]) -> str | None:
    """Try a function on coefficients that were turned by known angles, one of them of a brighter image."""
    angles, C = (50.0, -70.0, 170.0, -120.0), _coefficients(0)
    given = [answer(C.copy(), (1 + i) * _turn(C, angle)) for i, angle in enumerate(angles)]
    for value in given:
        if isinstance(value, bool | np.bool_) or np.ndim(value) or not isinstance(np.asarray(value).item(), Real):
            return "Return one plain number of degrees. `np.angle` makes a real number of a complex one."
    found = np.array(given, dtype=float)
    if np.allclose(found, angles, atol=1e-6):
        return None
    if np.allclose(found, _wrap(np.negative(angles)), atol=1e-6):
        return "The sign: a turn by α multiplies C[1] by exp(-iα), so the phase *falls* by α."
    if np.allclose(found, np.deg2rad(angles), atol=1e-6):
        return "That is in radians. `np.rad2deg` makes degrees of them."
    if np.allclose(_wrap(found), angles, atol=1e-6):
        return "Right up to full turns; let it lie between -180 and 180. Take the phase of a product, not a difference."
    for k in range(2, 6):
        if np.allclose(_wrap(found - angles, 360 / k), 0, atol=1e-6):
            return f"k = {k} knows the turn only up to {360 / k:g}°: it comes back {k} times in one turn. Take k = 1."
    worst = int(np.abs(_wrap(found - angles)).argmax())
    return f"For a turn by {angles[worst]:g}° it says {found[worst]:.4g}. What is D[1] * conj(C[1])?"


@exercise(
    "06-3",
    title="Forget only the turn",
    level="hard",
    minutes=15,
    wants="a function of `C`, a complex array of six coefficients, that returns an array of numbers",
    right="Equal for all turned copies, and different for everything else: a complete invariant.",
)
def forget_only_the_turn(answer: Callable[..., Any]) -> str | None:
    """Try a function on turned coefficients, which it must not tell apart, and on changed ones, which it must."""
    C = _coefficients(1)
    first = _values(answer, C)
    if not first.size or not np.isfinite(first).all():
        return "Return at least one number, and only finite ones."
    for angle in (40.0, 90.0, 180.0, -130.0):
        turned = _values(answer, _turn(C, angle))
        if turned.shape != first.shape or not np.allclose(turned, first, atol=1e-8):
            return f"Not invariant: it changes where C is turned by {angle:g}°, that is C[k] times exp(-i k α)."
    for changed, hint in _changes(C):
        other = _values(answer, changed)
        if other.shape == first.shape and np.allclose(other, first, atol=1e-8):
            return "Invariant. But it forgets more than the turn: " + hint
    return None


def _changes(C: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Return coefficients that are no turned copy of C, and what one forgets who does not see it."""
    k = np.arange(len(C))
    lengths = [(np.where(k == i, 1.5, 1) * C, f"the length of C[{i}] does not matter.") for i in k]
    signs = [
        (np.where(k == i, -1, 1) * C, f"with the sign of C[{i}] changed alone, nothing changes. Join different k.")
        for i in k[1:]
    ]
    small = [(np.where(k == i, np.exp(0.9j), 1) * C, f"the phase of C[{i}] may change alone.") for i in k[1:]]
    bright = (2 * C, "an image twice as bright comes out the same.")
    mirrored = (C.conj(), "an image and its mirror image (all conjugate) come out the same.")
    return [bright, *lengths, *signs, *small, mirrored]


def _values(answer: Callable[..., Any], C: np.ndarray) -> np.ndarray:
    return np.atleast_1d(np.asarray(answer(C.copy()), dtype=complex))


def _coefficients(seed: int) -> np.ndarray:
    """Return six coefficients, none of them small; the one with k = 0 is real."""
    rng = np.random.default_rng(seed)
    C = rng.uniform(0.5, 1.5, 6) * np.exp(1j * rng.uniform(-np.pi, np.pi, 6))
    C[0] = abs(C[0])
    return C


def _turn(C: np.ndarray, angle: float) -> np.ndarray:
    return C * np.exp(-1j * np.arange(len(C)) * np.deg2rad(angle))


def _wrap(angles: Any, period: float = 360.0) -> np.ndarray:
    return np.asarray((np.asarray(angles) + period / 2) % period - period / 2)
