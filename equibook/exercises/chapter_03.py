"""The exercises of chapter 03: a product of two moves, the move that undoes another, the size of an orbit."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from equibook.actions import act
from equibook.exercises import exercise
from equibook.groups import CyclicGroup, DihedralGroup, Element
from equibook.orbits import ShiftGroup, n_distinct, orbit
from equibook.shapes import draw_shape

SIZE = 16  # pixels of the shapes that are drawn here


@exercise(
    "03-1",
    title="Turn, then flip",
    level="easy",
    minutes=4,
    wants="the angle of an axis in degrees, such as 45",
    right="In D_4 that is s after r, and sr = r³s: the reflection about the axis at 135°.",
)
def axis_of_both(answer: Any) -> str | None:
    """Compare the angle of an axis, up to half turns, with that of the flip after the quarter turn."""
    if isinstance(answer, bool) or not isinstance(answer, Real):
        return "Write a plain number, without quotes and without a unit."
    angle = float(answer)
    if _is_axis(angle, 135):
        return None
    if _is_axis(angle, 45):
        return "That is the other order, first the flip and then the turn. Which of r and s acts first here?"
    if _is_axis(angle, 0) or _is_axis(angle, 90):
        return (
            "That flip alone does not turn anything on its side. Find out where a point at the top right comes to lie."
        )
    if np.isclose(abs(angle), 3 * np.pi / 4):
        return "That looks like radians. Give the angle in degrees."
    return "Find row s and column r in the Cayley table of D_4. What is the axis of the element that stands there?"


@exercise(
    "03-2",
    title="Undo it",
    level="medium",
    minutes=7,
    wants="a function of `element` and `images` that returns images",
    right="Turns are undone by the turn back, reflections by themselves.",
)
def undo(answer: Callable[[Element, np.ndarray], Any]) -> str | None:
    """Try a function on all elements of D_4, and on finer turns, of images without any symmetry."""
    images = np.random.default_rng(3).uniform(size=(2, 1, 6, 6))
    failed = []
    for g in DihedralGroup(4):
        found = np.asarray(answer(g, act(g, images)))
        if found.shape != images.shape:
            need = f"For images of shape {images.shape} the function returned shape {found.shape}"
            return f"{need}. Return images, moved by `eq.actions.act`."
        if not np.allclose(found, images):
            failed.append(g)
    if not failed:
        return _try_finer_turns(answer)
    if any(g.reflected for g in failed) and not any(not g.reflected for g in failed):
        return "Turns are undone. A reflection is not undone by a turn: try what a mirror image looks like in a mirror."
    if [g.turns for g in failed] == [1, 3] and not any(g.reflected for g in failed):
        return "Half turns and reflections are undone, since they undo themselves. Which element undoes a quarter turn?"
    return f"The {failed[0]} is not undone. The group knows the inverse of each element: `group.inverse(element)`."


@exercise(
    "03-3",
    title="The size of an orbit, without the orbit",
    level="medium",
    minutes=10,
    wants="a function of `image` and `group` that returns a whole number",
    right="Every image of the orbit comes up as often as there are elements in the stabilizer.",
)
def size_of_orbit(answer: Callable[[np.ndarray, Any], Any]) -> str | None:
    """Try a function on shapes under turns and reflections, and on stripes under shifts."""
    cases = _make_cases()
    sizes = [int(n_distinct(orbit(image, group))[0]) for image, group, _ in cases]
    found = [answer(image.copy(), group) for image, group, _ in cases]
    for number in found:
        if isinstance(number, bool) or not isinstance(number, Real):
            return f"Return a number, not {type(number).__name__}. How many elements are in a tuple, `len` tells."
    if np.allclose(np.array(found, dtype=float), sizes):
        return None
    orders = [len(group) for _, group, _ in cases]
    if np.allclose(np.array(found, dtype=float), orders):
        return "That is the order of the group. A square has one image in its orbit under D_4, not eight."
    if np.allclose(np.array(found, dtype=float) * sizes, orders):
        return (
            "That is the number of elements in the stabilizer. Multiplied by the size of the orbit, what must it give?"
        )
    i = next(i for i, size in enumerate(sizes) if not np.isclose(float(found[i]), size))
    said = f"{cases[i][2]} has {sizes[i]} image{'s' * (sizes[i] > 1)} in its orbit, and your function says {found[i]}"
    return f"Under {cases[i][1]!r} {said}. Divide the order of the group by that of the stabilizer."


def _is_axis(angle: float, expected: float) -> bool:
    """Say whether two angles in degrees are those of one axis."""
    return bool(np.isclose((angle - expected + 90) % 180, 90))


def _try_finer_turns(answer: Callable[[Element, np.ndarray], Any]) -> str | None:
    """Try groups with another n: those who wrote D_4 into the function meet elements that are not in it."""
    line = np.arange(24) - 11.5
    bump = np.exp(-((line[None, :] - 3) ** 2 + (line[:, None] - 2) ** 2) / 18)[None]
    for g in (CyclicGroup(12).elements[1], DihedralGroup(3).elements[4]):
        gap = np.abs(np.asarray(answer(g, act(g, bump))) - bump).max()
        if gap > 0.05:
            return f"D_4 is undone. The {g} is not: the number of turns in a full one is `element.n`."
    return None


def _make_cases() -> list[tuple[np.ndarray, Any, str]]:
    """Return images, groups and the names of the images; no two cases share size and order."""
    c4, d4 = CyclicGroup(4), DihedralGroup(4)
    shapes = [("square", d4), ("L", d4), ("S", d4), ("bar", d4), ("bar", c4), ("L", c4)]
    stripes = np.tile(np.arange(8) % 4 < 2, (1, 8, 1)).astype(float)
    drawn = [(draw_shape(name, SIZE)[None], group, f"the drawn {name}") for name, group in shapes]
    return [*drawn, (stripes, ShiftGroup(8), "a picture of stripes, four pixels wide,")]
