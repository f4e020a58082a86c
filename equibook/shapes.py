"""Drawn shapes whose symmetry is known, to try invariants on: each is a set of strokes or a filled polygon."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from equibook._checks import check_choice, check_positive_int

_OVERSAMPLING = 8


class Symmetry(NamedTuple):
    """How a shape maps to itself: by turns, and by mirrors or not.

    Parameters
    ----------
    order : int
        Turns of 360/order degrees leave the shape as it is; 0 where any turn does.
    mirror : bool
        Whether some mirror image is the shape itself.

    Examples
    --------
    >>> from equibook.shapes import SHAPES, Symmetry
    >>> SHAPES["star"]
    Symmetry(order=5, mirror=True)
    >>> [name for name, symmetry in SHAPES.items() if symmetry == Symmetry(order=2, mirror=False)]
    ['S', 'Z']
    """

    order: int
    mirror: bool


SHAPES: dict[str, Symmetry] = {
    "disc": Symmetry(0, True),
    "ring": Symmetry(0, True),
    "bar": Symmetry(2, True),
    "triangle": Symmetry(3, True),
    "square": Symmetry(4, True),
    "cross": Symmetry(4, True),
    "star": Symmetry(5, True),
    "S": Symmetry(2, False),
    "Z": Symmetry(2, False),
    "L": Symmetry(1, False),
    "J": Symmetry(1, False),
}
"""Name of a shape -> (symmetry order, mirror symmetric). S and Z, L and J are mirror images of each other."""

# Corners of strokes, as (right, up): a broken line, or several. The radius of every shape is near 1.
_S = [(0.5, 0.8), (-0.5, 0.8), (-0.5, 0.0), (0.5, 0.0), (0.5, -0.8), (-0.5, -0.8)]
_L = [(-0.45, 0.8), (-0.45, -0.8), (0.45, -0.8)]
_STROKES = {
    "bar": [[(0.0, -0.85), (0.0, 0.85)]],
    "cross": [[(0.0, -0.85), (0.0, 0.85)], [(-0.85, 0.0), (0.85, 0.0)]],
    "S": [_S],
    "Z": [[(-right, up) for right, up in _S]],
    "L": [_L],
    "J": [[(-right, up) for right, up in _L]],
}


def draw_shape(
    name: str, size: int = 32, *, radius: float = 0.7, stroke: float = 0.18, position: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Draw one shape, white on black and upright, with smooth edges.

    Parameters
    ----------
    name : str
        One of `SHAPES`.
    size : int
        Of the image, in pixels.
    radius : float
        Of the shape, in units of half the image.
    stroke : float
        Half the width of its lines, in units of its radius; filled shapes have none.
    position : pair of floats
        Of its centre, right and up, in units of half the image; (0, 0) is the centre of the image.

    Returns
    -------
    ndarray of shape (size, size), float32, in [0, 1]

    Examples
    --------
    A half turn leaves an S as it is, a mirror makes it a Z.

    >>> import numpy as np
    >>> from equibook.shapes import draw_shape
    >>> s, z = draw_shape("S"), draw_shape("Z")
    >>> s.shape, np.allclose(np.rot90(s, 2), s), np.allclose(s[:, ::-1], s), np.allclose(s[:, ::-1], z)
    ((32, 32), True, False, True)
    """
    check_choice(name, SHAPES, name="name")
    fine = check_positive_int(size, name="size") * _OVERSAMPLING
    line = (np.arange(fine) - (fine - 1) / 2) * 2 / fine
    right, up = (line[None, :] - position[0]) / radius, (-line[:, None] - position[1]) / radius
    inside = _is_inside(name, right, up, stroke)
    blocks = inside.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _is_inside(name: str, right: np.ndarray, up: np.ndarray, stroke: float) -> np.ndarray:
    """Say of every place, right of shape (1, n) and up of shape (n, 1), whether it is inside the shape."""
    if name == "disc":
        return np.hypot(right, up) < 0.8
    if name == "ring":
        return abs(np.hypot(right, up) - 0.75) < stroke
    if name in _STROKES:
        return np.logical_or.reduce([_is_near(line, right, up, stroke) for line in _STROKES[name]])
    corners = {"triangle": _star(3, 0.5), "square": _star(4, np.sqrt(0.5)), "star": _star(5, 0.4)}[name]
    return _is_in_polygon(corners, right, up)


def _star(n: int, inner: float) -> list[tuple[float, float]]:
    """Return the corners of a star with n points; with inner = cos(180°/n) it is a regular polygon."""
    angles = np.pi / 2 + np.pi * np.arange(2 * n) / n + (np.pi / 4 if n == 4 else 0)
    radii = np.where(np.arange(2 * n) % 2, inner, 1.0)
    return [(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]


def _is_near(line: list[tuple[float, float]], right: np.ndarray, up: np.ndarray, distance: float) -> np.ndarray:
    """Say of every place whether it is near a broken line whose ends and corners are square."""
    near = np.zeros(np.broadcast_shapes(right.shape, up.shape), dtype=bool)
    for (x0, y0), (x1, y1) in pairwise(line):
        near |= (
            (right > min(x0, x1) - distance)
            & (right < max(x0, x1) + distance)
            & (up > min(y0, y1) - distance)
            & (up < max(y0, y1) + distance)
        )
    return near


def _is_in_polygon(corners: list[tuple[float, float]], right: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Say of every place whether a ray from it crosses the outline an odd number of times."""
    odd = np.zeros(np.broadcast_shapes(right.shape, up.shape), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            crosses = (up < y0) != (up < y1)
            odd ^= crosses & (right < x0 + (up - y0) * (x1 - x0) / (y1 - y0))
    return odd
