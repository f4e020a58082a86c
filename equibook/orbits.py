r"""Groups at work on images: the axioms of a group, the law of an action, orbits and stabilizers.

The orbit of an image is all that the elements of a group make of it. The elements that leave the image as it is form
its stabilizer; the order of the group is the number of different images in the orbit times that of the stabilizer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from scipy.spatial.distance import cdist

from equibook import actions
from equibook._checks import as_images, as_real_tensor, check_positive_int, check_squares, like
from equibook.groups import CyclicGroup

Act = Callable[[Any, Any], Any]


class Shift(NamedTuple):
    """A shift by whole pixels, each from 0 to size - 1, of images of that size.

    Parameters
    ----------
    right, up : int
        In pixels.
    size : int
        Height and width of the images.

    Examples
    --------
    >>> from equibook.orbits import Shift
    >>> str(Shift(2, 1, 8))
    'shift by 2 to the right, 1 up'
    """

    right: int
    up: int
    size: int

    def __str__(self) -> str:
        return f"shift by {self.right} to the right, {self.up} up"


@dataclass(frozen=True)
class ShiftGroup:
    """The whole-pixel shifts of a square whose opposite sides are joined: what leaves on one side enters on the other.

    Parameters
    ----------
    size : int
        Of the square, in pixels: that many shifts to the right and as many up, all in all size².

    Examples
    --------
    >>> from equibook.orbits import Shift, ShiftGroup
    >>> group = ShiftGroup(4)
    >>> group.order, str(group.compose(Shift(3, 0, 4), Shift(2, 1, 4)))
    (16, 'shift by 1 to the right, 1 up')
    """

    size: int

    def __post_init__(self) -> None:
        check_positive_int(self.size, name="size")

    @cached_property
    def elements(self) -> tuple[Shift, ...]:
        """All shifts, those to the right first."""
        return tuple(Shift(right, up, self.size) for up, right in product(range(self.size), repeat=2))

    @property
    def order(self) -> int:
        """The number of elements."""
        return len(self.elements)

    def compose(self, a: Shift, b: Shift) -> Shift:
        """Return `a` after `b`."""
        return Shift((a.right + b.right) % self.size, (a.up + b.up) % self.size, self.size)

    def inverse(self, a: Shift) -> Shift:
        """Return the shift that undoes `a`."""
        return Shift(-a.right % self.size, -a.up % self.size, self.size)

    def __iter__(self) -> Iterator[Shift]:
        return iter(self.elements)

    def __len__(self) -> int:
        return self.order


class Group(Protocol):
    """What is asked of a group here: its elements, and what two of them make.

    Examples
    --------
    >>> from equibook.orbits import broken_axioms
    >>> class Coin:  # 0 leaves it as it lies, 1 turns it over
    ...     def __iter__(self):
    ...         return iter((0, 1))
    ...     def compose(self, a, b):
    ...         return (a + b) % 2
    >>> broken_axioms(Coin(), Coin().compose)
    {}
    """

    def __iter__(self) -> Iterator[Any]: ...

    def compose(self, a: Any, b: Any, /) -> Any:
        """Return `a` after `b`."""


def symbols(group: CyclicGroup) -> list[str]:
    """Return short names of the elements: e moves nothing, r is the smallest turn, s the up-down flip; rs is r after s.

    Parameters
    ----------
    group : CyclicGroup or DihedralGroup

    Returns
    -------
    list of str

    Examples
    --------
    >>> from equibook.groups import DihedralGroup
    >>> from equibook.orbits import symbols
    >>> symbols(DihedralGroup(3))
    ['e', 'r', 'r²', 's', 'rs', 'r²s']
    """
    return [_power("r", g.turns) + "s" * g.reflected or "e" for g in group]


def broken_axioms(elements: Iterable[Any], compose: Callable[[Any, Any], Any]) -> dict[str, str]:
    """Return what keeps a finite set from being a group: nothing where it is one.

    Parameters
    ----------
    elements : iterable
        Of things that can be compared, such as elements of a group.
    compose : callable
        Takes two of them, returns the first after the second.

    Returns
    -------
    dict from the name of an axiom to a case in which it fails
        The axioms are "closure", "associativity", "identity" and "inverse".

    Examples
    --------
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import broken_axioms
    >>> group = CyclicGroup(4)
    >>> broken_axioms(group, group.compose)
    {}
    >>> broken_axioms(group.elements[:2], group.compose)["inverse"]
    'nothing in the set undoes rotation by 90°'
    """
    known = tuple(elements)
    if not known:
        raise ValueError("`elements` must hold at least one element, got none. Pass those of a group.")
    checks = {
        "closure": _find_way_out(known, compose),
        "associativity": _find_misgrouped(known, compose),
        "identity": "" if _find_identity(known, compose) else "no element leaves all others as they are",
        "inverse": _find_irreversible(known, compose),
    }
    return {axiom: case for axiom, case in checks.items() if case}


def move(element: Any, images: Any) -> Any:
    """Let an element act: a turn or reflection as in `equibook.actions.act`, a shift with opposite sides joined.

    Parameters
    ----------
    element : Element or Shift
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.orbits import Shift, move
    >>> x = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    >>> move(Shift(1, 1, 2), x)[0].tolist()  # what leaves above enters below
    [[0.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(element, Shift):
        return actions.act(element, images)
    x = as_images(images)
    if x.shape[-1] != element.size:
        hint = f"Take one of `ShiftGroup({x.shape[-1]})`."
        raise ValueError(f"`element` must be a shift of {x.shape[-1]} pixels a side, got one of {element.size}. {hint}")
    rolled = torch.roll(x, (-element.up, element.right), dims=(-2, -1))
    return like(rolled.reshape(np.shape(images)), images)


def action_law_errors(images: Any, group: Group, *, act: Act = move) -> np.ndarray:
    r"""Measure how far g·(h·x) lies from (gh)·x, over the length of x, for every g and h of a group.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        None of them blank.
    group : CyclicGroup, DihedralGroup or ShiftGroup
    act : callable
        Takes an element and images, returns images.

    Returns
    -------
    ndarray of shape (order, order)
        The mean over the images, with g in the row and h in the column: all 0 where the law holds to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import action_law_errors
    >>> x = np.random.default_rng(0).random((2, 8, 8))
    >>> float(action_law_errors(x, CyclicGroup(4)).max())  # quarter turns move pixels
    0.0
    >>> bool(action_law_errors(x, CyclicGroup(3)).max() > 0.1)  # turns by 120° interpolate
    True
    """
    lengths = _lengths(_as_rows(images))
    if not lengths.all():
        raise ValueError("`images` must not be blank, got an image of zeros. Leave it out.")
    elements = list(group)
    once = [act(g, images) for g in elements]
    errors = np.zeros((len(elements), len(elements)))
    for (i, g), (j, h) in product(enumerate(elements), repeat=2):
        at_once = once[elements.index(group.compose(g, h))]
        errors[i, j] = (_lengths(_as_rows(act(g, once[j])) - _as_rows(at_once)) / lengths).mean()
    return errors


def orbit(images: Any, elements: Iterable[Any], *, act: Act = move) -> Any:
    """Return all that the elements of a group make of each image.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    elements : CyclicGroup, DihedralGroup, ShiftGroup or some of the elements of one
    act : callable
        Takes an element and images, returns images.

    Returns
    -------
    ndarray or Tensor, as `images`, of shape (n_samples, n_elements, n_channels, height, width)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import orbit
    >>> orbit(np.eye(8)[None], CyclicGroup(4)).shape
    (1, 4, 1, 8, 8)
    """
    x = as_images(images)
    moved = [as_images(act(g, x)) for g in elements]
    if not moved:
        raise ValueError("`elements` must hold at least one element, got none. Pass a group, such as `CyclicGroup(4)`.")
    return like(torch.stack(moved, dim=1), images)


def n_distinct(orbits: Any, *, tolerance: float = 1e-6) -> np.ndarray:
    """Count the different images in each orbit: the size of the orbit as a set.

    Parameters
    ----------
    orbits : ndarray or Tensor of shape (n_samples, order, n_channels, height, width)
    tolerance : float
        Two images count as one where their distance is at most this part of the length of the first in the orbit.

    Returns
    -------
    ndarray of shape (n_samples,), integers

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import n_distinct, orbit
    >>> n_distinct(orbit(np.eye(8)[None], CyclicGroup(4)))  # of order 4, and 2 turns leave the diagonal where it is
    array([2])
    """
    return np.array([_count_distinct(rows, tolerance) for rows in _as_orbit_rows(orbits)])


def stabilizer(image: Any, group: Iterable[Any], *, tolerance: float = 1e-6, act: Act = move) -> tuple[Any, ...]:
    """Return the elements that leave an image as it is. They form a group themselves.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)
    group : CyclicGroup, DihedralGroup or ShiftGroup
    tolerance : float
        How far the image may move, over its length. Where the group interpolates, choose more than the error of that.
    act : callable
        Takes an element and images, returns images.

    Returns
    -------
    tuple of elements

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import stabilizer
    >>> [str(g) for g in stabilizer(np.eye(8)[None], CyclicGroup(4))]
    ['identity', 'rotation by 180°']
    """
    if len(as_images(image, name="image")) != 1:
        raise ValueError(f"`image` must hold one image, got {len(image)}. Pass one of them, such as `images[:1]`.")
    elements = tuple(group)
    (moved,) = _as_orbit_rows(orbit(image, elements, act=act))
    (row,) = _as_rows(image)
    stays = _lengths(moved - row) <= tolerance * np.linalg.norm(row)
    return tuple(g for g, stay in zip(elements, stays, strict=True) if stay)


def distances(orbits: Any, images: Any) -> np.ndarray:
    """Measure how far every member of each orbit lies from images: the Euclidean distance of their pixels.

    Parameters
    ----------
    orbits : ndarray or Tensor of shape (n_orbits, order, n_channels, height, width)
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray of shape (n_orbits, order, n_samples)
        Its smallest number along axis 1 is the distance from an image to a whole orbit.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.orbits import distances, orbit
    >>> diagonal = np.eye(8)[None]
    >>> distances(orbit(diagonal, CyclicGroup(4)), diagonal)[0, :, 0].tolist()  # 16 pixels differ: the root of 16
    [0.0, 4.0, 0.0, 4.0]
    """
    members, others = _as_orbit_rows(orbits), _as_rows(images)
    if members.shape[-1] != others.shape[-1]:
        need = f"the {members.shape[-1]} pixels of those in `orbits`"
        raise ValueError(f"`images` must have {need}, got {others.shape[-1]}. Pass images of one size.")
    return cdist(members.reshape(-1, members.shape[-1]), others).reshape(*members.shape[:2], len(others))


def _power(symbol: str, exponent: int) -> str:
    if exponent < 2:
        return symbol * exponent
    return symbol + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))


def _find_way_out(known: Sequence[Any], compose: Callable[[Any, Any], Any]) -> str:
    for a, b in product(known, repeat=2):
        if compose(a, b) not in known:
            return f"{a} after {b} gives {compose(a, b)}, which is not in the set"
    return ""


def _find_misgrouped(known: Sequence[Any], compose: Callable[[Any, Any], Any]) -> str:
    for a, b, c in product(known, repeat=3):
        left, right = compose(compose(a, b), c), compose(a, compose(b, c))
        if left != right:
            return f"with a = {a}, b = {b}, c = {c}, (ab)c is {left} and a(bc) is {right}"
    return ""


def _find_identity(known: Sequence[Any], compose: Callable[[Any, Any], Any]) -> tuple[Any, ...]:
    """Return the identity, alone in a tuple, or nothing."""
    return tuple(e for e in known if all(compose(e, a) == a == compose(a, e) for a in known))


def _find_irreversible(known: Sequence[Any], compose: Callable[[Any, Any], Any]) -> str:
    identity = _find_identity(known, compose)
    if not identity:
        return "without an identity, nothing says what undoing means"
    for a in known:
        if not any(compose(a, b) == identity[0] == compose(b, a) for b in known):
            return f"nothing in the set undoes {a}"
    return ""


def _count_distinct(rows: np.ndarray, tolerance: float) -> int:
    is_near = cdist(rows, rows) <= tolerance * np.linalg.norm(rows[0])
    return int(np.count_nonzero(~np.tril(is_near, -1).any(axis=1)))  # those that are near none before them


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(rows, axis=1))


def _as_rows(images: Any) -> np.ndarray:
    rows = as_images(images).detach().cpu().flatten(1).double()
    return check_squares(rows, name="images").numpy()


def _as_orbit_rows(orbits: Any) -> np.ndarray:
    """Return orbits as an array of shape (n_orbits, order, n_pixels)."""
    values = as_real_tensor(orbits, name="orbits")
    if values.ndim != 5:
        need = "shape (n_samples, order, n_channels, height, width)"
        raise ValueError(f"`orbits` must have {need}, got {tuple(values.shape)}. Make them with `orbit`.")
    n_orbits, order, *shape = values.shape
    rows = as_images(values.reshape(n_orbits * order, *shape), name="orbits").detach().cpu().flatten(1).double()
    return check_squares(rows, name="orbits").numpy().reshape(n_orbits, order, -1)
