"""The exercises of chapter 01: how many windows there are, the matrix of a ring of pixels, and the waves it kills."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from equibook.exercises import exercise

# size, kernel, padding, stride; the last ones do not come out even.
LAYERS = ((8, 3, 0, 1), (8, 3, 1, 1), (11, 5, 2, 1), (9, 3, 1, 2), (8, 3, 1, 2), (227, 11, 0, 4), (10, 4, 0, 5))
RINGS = (([1.0, -2.0, 4.0], 6), ([5.0, 1.0, 2.0, 3.0, -1.0], 8), ([2.0], 4))
# A blur, how many pixels lie on the ring, and the frequencies that it kills.
BLURS: tuple[tuple[list[float], int, list[int]], ...] = (
    ([1 / 2, 1 / 2], 8, [4]),
    ([1 / 3, 1 / 3, 1 / 3], 12, [4]),
    ([1 / 4, 1 / 2, 1 / 4], 6, [3]),
    ([1 / 4] * 4, 8, [2, 4]),
    ([1 / 2, 1 / 2], 7, []),
)


@exercise(
    "01-1",
    title="How many windows fit?",
    level="easy",
    minutes=5,
    wants="a function of `size`, `kernel`, `padding` and `stride` that returns a whole number",
    right="The first window is there anyway, and each further one needs a whole stride of room.",
)
def n_windows(answer: Callable[[int, int, int, int], Any]) -> str | None:
    """Try a function on layers whose windows are counted one by one."""
    for layer in LAYERS:
        if hint := _find_fault_of_number(answer(*layer), *layer):
            return hint
    return None


@exercise(
    "01-2",
    title="The matrix of a ring of pixels",
    level="medium",
    minutes=12,
    wants="a function of `kernel` and `n` that returns an array of shape (n, n)",
    right="Each row is the row above, moved by one pixel around the ring: a circulant matrix.",
)
def ring_matrix(answer: Callable[[np.ndarray, int], Any]) -> str | None:
    """Try a function on kernels of odd length, centred on their pixel."""
    for weights, n in RINGS:
        kernel = np.array(weights)
        found, expected = np.asarray(answer(kernel.copy(), n), dtype=float), _make_ring(kernel, n)
        if found.shape != (n, n):
            return f"For a ring of {n} pixels the matrix must have shape ({n}, {n}), got {found.shape}."
        if not np.allclose(found, expected):
            return _find_fault_of_ring(found, expected, kernel)
    return None


@exercise(
    "01-3",
    title="Which waves does a blur kill?",
    level="hard",
    minutes=15,
    wants="a function of `kernel` and `n` that returns a list of whole numbers",
    right="What a layer multiplies by zero, nothing behind it can bring back.",
)
def killed_waves(answer: Callable[[np.ndarray, int], Any]) -> str | None:
    """Try a function on blurs of a ring, whose zeros are known."""
    for weights, n, expected in BLURS:
        given = answer(np.array(weights), n)
        found = np.asarray(list(given) if isinstance(given, Iterable) else given)
        blur = f"[{', '.join(f'{weight:.3g}' for weight in weights)}] on a ring of {n} pixels"
        if found.ndim != 1:
            return f"For {blur} the function returned {given!r}. Return a list of frequencies, which may be empty."
        if hint := _find_fault_of_waves(found, expected, n, blur):
            return hint
    return None


def _find_fault_of_number(found: Any, size: int, kernel: int, padding: int, stride: int) -> str | None:
    """Return what is wrong with a number of windows, where something is."""
    expected = len(range(0, size + 2 * padding - kernel + 1, stride))
    if found == expected:
        is_whole = isinstance(found, int | np.integer)
        return None if is_whole else "The number is right, but it is no whole number. Divide with `//`."
    layer = f"For size {size}, kernel {kernel}, padding {padding}, stride {stride}"
    if padding and found == (size + padding - kernel) // stride + 1:
        return f"{layer} you found {found}. The padding is on both sides."
    if found == expected - 1:
        return f"{layer} you are one short: the window that stands at the start counts, too."
    if stride > 1 and expected < found <= expected + 1:
        return f"{layer} you found {found:g}. A window that does not fit whole is left out: round down with `//`."
    return f"{layer} there are {expected} windows, not {found!r}. How far can the window move, and in which steps?"


def _make_ring(kernel: np.ndarray, n: int) -> np.ndarray:
    """Return the circulant matrix whose row i holds the kernel around pixel i."""
    matrix = np.zeros((n, n))
    for row, tap in np.ndindex(n, len(kernel)):
        matrix[row, (row + tap - len(kernel) // 2) % n] += kernel[tap]
    return matrix


def _find_fault_of_ring(found: np.ndarray, expected: np.ndarray, kernel: np.ndarray) -> str:
    """Return which of the typical mistakes a matrix shows."""
    n, half = len(found), len(kernel) // 2
    around = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) > half
    if np.allclose(found, np.where(around, 0, expected)):
        return "Inside all is right. On a ring the first and the last pixel are neighbours: take indices `% n`."
    if np.allclose(found, _make_ring(kernel[::-1], n)):
        return "Your rows hold the kernel backwards. Do not flip it, and write it into rows: row i makes output i."
    if any(np.allclose(found, np.roll(expected, by, axis=1)) for by in range(n)):
        return "Each row is right but stands beside its pixel: the middle of the kernel belongs on the diagonal."
    row = int(np.flatnonzero(~np.isclose(found, expected).all(axis=1))[0])
    wanted = ", ".join(f"{weight:g}" for weight in expected[row])
    return f"For the kernel {kernel.tolist()}, row {row} of {n} must be [{wanted}]."


def _find_fault_of_waves(found: np.ndarray, expected: list[int], n: int, blur: str) -> str | None:
    """Return what is wrong with a list of frequencies, where something is."""
    if not len(found) and expected:
        hint = "Rounding leaves about 1e-17 in place of 0: compare with a small number such as 1e-12."
        return f"{blur} kills {expected}, and your list is empty. {hint}"
    if found.dtype == bool:
        return "These are True and False. `np.flatnonzero` says at which frequencies True stands."
    if np.iscomplexobj(found) or (found.dtype.kind == "f" and not np.allclose(found, np.round(found))):
        return "These look like eigenvalues. Return the frequencies at which they are zero."
    values = sorted(int(value) for value in found)
    if values == expected:
        return None
    if values == sorted({*expected, *(n - f for f in expected)}):
        return f"For {blur} you found {values}: f and n - f are one real wave. Return those up to n / 2."
    if values == sorted(set(range(n // 2 + 1)) - set(expected)):
        return "These are the frequencies that survive. Return the others."
    hint = "The transform must have n numbers, as in `np.fft.fft(kernel, n)`."
    return f"{blur} kills {expected or 'nothing'}, and you found {values}. {hint}"
