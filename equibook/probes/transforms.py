"""Transformations of the image, and what each does to the places of a map: flips, turns, changes of size, shifts.

Every action is about the centre of the grid, so that the same one serves images and maps of any size. Flips and quarter
turns only move pixels; all else interpolates, and zeros enter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equibook._checks import check_choice
from equibook.actions import reflect, rotate, translate
from equibook.disturbances import change_scale

Action = Callable[[Tensor], Tensor]
NAMES = ("hflip", "vflip", "rot90", "rot180", "rot270")
_INSIDE = 0.5


@dataclass(frozen=True)
class Transformation:
    """How a transformation g acts on images, and on maps whose channels stay where they are.

    Parameters
    ----------
    name : str
    on_images : callable
        Maps a Tensor of shape (n_samples, n_channels, size, size) to one of the same shape.
    on_maps : callable
        The same for maps of any size: the spatial action.
    off_maps : callable, optional
        Undoes the action on maps.
    by_stride : callable, optional
        Takes the stride of a stage, in pixels, and returns the transformation for it. Only shifts need it.

    Examples
    --------
    The same action on images and on maps of any size. What a turn by 45° brings into the corner lay beyond the border.

    >>> from equibook.probes.transforms import named, rotation
    >>> named("hflip").inside(9)[0, 0].item(), rotation(45).inside(9)[0, 0].item()
    (True, False)
    """

    name: str
    on_images: Action
    on_maps: Action
    off_maps: Action | None = None
    by_stride: Callable[[float], "Transformation"] | None = None

    def for_stride(self, stride: float) -> "Transformation":
        """Return the transformation for maps with so many pixels from place to place.

        Parameters
        ----------
        stride : float
            In pixels of the image.

        Returns
        -------
        Transformation
        """
        return self if self.by_stride is None else self.by_stride(stride)

    def undo(self) -> "Transformation":
        """Return the transformation with `on_maps` and `off_maps` exchanged; its images are the same."""
        if self.off_maps is None:
            hint = "Make it with `Transformation(..., off_maps=...)`."
            raise ValueError(f"`transform` must know how to undo itself on maps, got {self.name!r} without. {hint}")
        back = None if self.by_stride is None else _undone(self.by_stride)
        return Transformation(self.name, self.on_images, self.off_maps, self.on_maps, back)

    def inside(self, size: int) -> Tensor:
        """Return which places of a moved map were filled from within the map.

        Parameters
        ----------
        size : int
            Of the map.

        Returns
        -------
        bool Tensor of shape (size, size)
        """
        ones = torch.ones(1, 1, size, size, dtype=torch.float64)
        return self.on_maps(ones)[0, 0] > _INSIDE


def named(name: str) -> Transformation:
    """Return a flip or a quarter turn by its name.

    Parameters
    ----------
    name : {"hflip", "vflip", "rot90", "rot180", "rot270"}
        A left-right flip, an up-down flip, or a counter-clockwise turn by so many degrees.

    Returns
    -------
    Transformation

    Examples
    --------
    >>> import torch
    >>> from equibook.probes.transforms import named
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> [named(name).on_images(image).flatten().tolist() for name in ("hflip", "rot90")]
    [[2.0, 1.0, 4.0, 3.0], [2.0, 4.0, 1.0, 3.0]]
    """
    check_choice(name, NAMES, name="name")
    if name.startswith("rot"):
        return _turn(name, int(name[3:]))
    flip = partial(reflect, axis=90 if name == "hflip" else 0)
    return Transformation(name, flip, flip, flip)


def as_transformation(transform: Any) -> Transformation:
    """Return a Transformation, given itself or the name of a flip or quarter turn.

    Parameters
    ----------
    transform : Transformation or {"hflip", "vflip", "rot90", "rot180", "rot270"}

    Returns
    -------
    Transformation

    Examples
    --------
    >>> from equibook.probes.transforms import as_transformation, rotation
    >>> as_transformation("hflip").name, as_transformation(rotation(30)).name
    ('hflip', 'turn by 30°')
    """
    if isinstance(transform, Transformation):
        return transform
    if isinstance(transform, str):
        return named(check_choice(transform, NAMES, name="transform"))
    hint = 'Write `"hflip"` or `transforms.rotation(30)`.'
    raise TypeError(f"`transform` must be a name or a Transformation, got {type(transform).__name__}. {hint}")


def rotation(angle: float) -> Transformation:
    """Return the counter-clockwise turn by an angle.

    Parameters
    ----------
    angle : float
        In degrees; multiples of 90 are exact.

    Returns
    -------
    Transformation

    Examples
    --------
    >>> import torch
    >>> from equibook.probes.transforms import rotation
    >>> quarter, image = rotation(90), torch.arange(25.0).view(1, 1, 5, 5)
    >>> torch.equal(quarter.off_maps(quarter.on_images(image)), image)
    True
    """
    return _turn(f"turn by {_number(angle, 'angle'):g}°", angle)


def scaling(factor: float) -> Transformation:
    """Return the enlargement by a factor about the centre.

    Parameters
    ----------
    factor : float
        Above 0; below 1 it makes smaller.

    Returns
    -------
    Transformation

    Examples
    --------
    Made half as large, an image fills a quarter of the area:

    >>> from equibook.probes.transforms import scaling
    >>> half = scaling(0.5)
    >>> half.name, int(half.inside(32).sum()), 32 * 32 // 4
    ('size × 0.5', 256, 256)
    """
    if _number(factor, "factor") <= 0:
        raise ValueError(f"`factor` must be above 0, got {factor:g}. Write 0.8 to make smaller, 1.25 to make larger.")
    larger, smaller = partial(_scale, factor=factor), partial(_scale, factor=1 / factor)
    return Transformation(f"size × {factor:g}", larger, larger, smaller)


def translation(right: float, up: float, *, stride: float | None = None) -> Transformation:
    """Return the shift by so many pixels of the image; maps move by as much divided by their stride.

    Parameters
    ----------
    right, up : float
        In pixels.
    stride : float, optional
        Of all maps that it is used on, in pixels. By default it is that of the stage.

    Returns
    -------
    Transformation
        Without a stride, `on_maps` takes maps of stride 1; `for_stride` returns the one for another.

    Examples
    --------
    Four pixels of the image are one place of a map of stride 4.

    >>> import torch
    >>> from equibook.probes.transforms import translation
    >>> shift = translation(4, 0)
    >>> maps = torch.tensor([[1.0, 0.0, 0.0]] * 3)[None, None]
    >>> shift.for_stride(4).on_maps(maps)[0, 0, 1].round(decimals=6).abs().tolist()
    [0.0, 1.0, 0.0]
    """
    shift = np.array([_number(right, "right"), _number(up, "up")])
    if stride is not None and _number(stride, "stride") <= 0:
        raise ValueError(f"`stride` must be above 0, got {stride:g}. Give the pixels from place to place.")
    return _shift(shift, stride or 1.0, fixed=stride is not None)


def _turn(name: str, angle: float) -> Transformation:
    there, back = partial(rotate, angle=angle), partial(rotate, angle=-angle)
    return Transformation(name, there, there, back)


def _scale(images: Tensor, factor: float) -> Tensor:
    return change_scale(images, factor, np.random.default_rng())


def _shift(shift: np.ndarray, stride: float, *, fixed: bool) -> Transformation:
    on_images, on_maps = partial(translate, shift=shift), partial(translate, shift=shift / stride)
    by_stride = None if fixed else partial(_shift, shift, fixed=True)
    name = f"shift by ({shift[0]:g}, {shift[1]:g}) pixels"
    return Transformation(name, on_images, on_maps, partial(translate, shift=-shift / stride), by_stride)


def _undone(by_stride: Callable[[float], Transformation]) -> Callable[[float], Transformation]:
    return lambda stride: by_stride(stride).undo()


def _number(value: float, name: str) -> float:
    if isinstance(value, bool) or not np.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number, got {value!r}. Write one such as 30.")
    return float(value)
