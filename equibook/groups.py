r"""The finite groups of turns and reflections of the plane: C_n (turns only) and D_n (turns and reflections).

Angles are in degrees, counter-clockwise as seen on screen: u = (right, up), where up is minus the row. An element acts
as the turn by 360·turns/n; where it is reflected, the reflection (right, up) → (right, -up) comes before the turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians, sin

import numpy as np

from equibook._checks import check_positive_int

_QUARTER_TURNS = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}


@dataclass(frozen=True)
class Element:
    """One turn or reflection: the turn by 360·turns/n, after an up-down flip where `reflected`.

    Parameters
    ----------
    turns : int
        From 0 to n - 1.
    reflected : bool
    n : int
        How many turns make a full one.

    Examples
    --------
    >>> from equibook.groups import Element
    >>> turn, flip = Element(1, False, 4), Element(1, True, 4)
    >>> str(turn), str(flip)
    ('rotation by 90°', 'reflection about the axis at 45°')
    >>> (turn.matrix @ [1, 0]).tolist()  # what points right points up
    [0.0, 1.0]
    """

    turns: int
    reflected: bool
    n: int

    def __post_init__(self) -> None:
        check_positive_int(self.n, name="n")
        if not 0 <= self.turns < self.n:
            hint = f"Take {self.turns % self.n}, the same turn."
            raise ValueError(f"`turns` must be from 0 to {self.n - 1}, got {self.turns}. {hint}")

    @property
    def angle(self) -> float:
        """The angle of the turn, in degrees from 0 up to 360."""
        return 360 * self.turns / self.n

    @property
    def axis(self) -> float:
        """The angle of the axis of a reflection, in degrees from 0 up to 180."""
        if not self.reflected:
            hint = "Ask for `.angle`."
            raise ValueError(f"`axis` belongs to a reflection, got the {self}. {hint}")
        return self.angle / 2

    @property
    def matrix(self) -> np.ndarray:
        """The matrix of shape (2, 2) that moves a point (right, up); exact for quarter turns."""
        c, s = _QUARTER_TURNS.get(self.angle) or (cos(radians(self.angle)), sin(radians(self.angle)))
        return np.array([[c, -s], [s, c]]) @ np.diag([1.0, -1.0 if self.reflected else 1.0])

    def __str__(self) -> str:
        if self.reflected:
            return f"reflection about the axis at {self.axis:g}°"
        return f"rotation by {self.angle:g}°" if self.turns else "identity"


@dataclass(frozen=True)
class CyclicGroup:
    """C_n: the n turns by multiples of 360/n degrees.

    Parameters
    ----------
    n : int
        How many turns make a full one.

    Examples
    --------
    >>> from equibook.groups import CyclicGroup
    >>> [str(g) for g in CyclicGroup(4)]
    ['identity', 'rotation by 90°', 'rotation by 180°', 'rotation by 270°']
    >>> CyclicGroup(3).cayley_table().tolist()  # two turns after each other: their numbers add up
    [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    """

    n: int

    def __post_init__(self) -> None:
        check_positive_int(self.n, name="n")

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """All elements, turns first, each kind in the order of its angle."""
        return tuple(Element(turns, False, self.n) for turns in range(self.n))

    @property
    def order(self) -> int:
        """The number of elements."""
        return len(self.elements)

    @property
    def identity(self) -> Element:
        """The element that moves nothing."""
        return self.elements[0]

    def compose(self, a: Element, b: Element) -> Element:
        """Return `a` after `b`: a reflection in `a` turns the turn of `b` round."""
        self.index(a), self.index(b)
        turns = a.turns - b.turns if a.reflected else a.turns + b.turns
        return Element(turns % self.n, a.reflected != b.reflected, self.n)

    def inverse(self, a: Element) -> Element:
        """Return the element that undoes `a`; a reflection undoes itself."""
        self.index(a)
        return a if a.reflected else Element(-a.turns % self.n, False, self.n)

    def cayley_table(self) -> np.ndarray:
        """Return the integer array of shape (order, order): row a, column b holds the index of `a` after `b`."""
        return np.array([[self.index(self.compose(a, b)) for b in self] for a in self])

    def index(self, element: Element) -> int:
        """Return the place of an element in `elements`."""
        if element not in self:
            hint = f"Take one of its `elements`, such as {self.identity!r}."
            raise ValueError(f"`element` must belong to {self!r}, got {element!r}. {hint}")
        return element.turns + self.n * element.reflected

    def __contains__(self, element: object) -> bool:
        return element in self.elements

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def __len__(self) -> int:
        return self.order


@dataclass(frozen=True)
class DihedralGroup(CyclicGroup):
    """D_n: the n turns by multiples of 360/n degrees and n reflections, whose axes lie 180/n degrees apart.

    Parameters
    ----------
    n : int
        How many turns make a full one.

    Examples
    --------
    >>> from equibook.groups import DihedralGroup
    >>> group = DihedralGroup(4)
    >>> group.order, str(group.elements[4])
    (8, 'reflection about the axis at 0°')
    >>> turn, flip = group.elements[1], group.elements[4]
    >>> group.compose(turn, flip) == group.compose(flip, turn)  # here the order matters
    False
    """

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """All elements, turns first, each kind in the order of its angle."""
        return tuple(Element(turns, reflected, self.n) for reflected in (False, True) for turns in range(self.n))
