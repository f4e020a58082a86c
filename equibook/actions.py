r"""How turns, reflections and shifts act on images: (g·x)(u) = x(g⁻¹u).

Angles are in degrees, counter-clockwise as seen on screen; u = (right, up) is measured from the centre (size - 1)/2.
Quarter turns, reflections about axes at multiples of 45 degrees and whole-pixel shifts only move pixels: exact.
All else interpolates by cubic splines, with zeros outside: approximate, and a sharp edge overshoots by about a tenth.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad

from equibook._checks import as_images, as_maps, as_numbers, like
from equibook.groups import Element

_MARGIN = 12
_AT_ONCE = 2**18  # numbers that are read together: places and weights take many times their memory


def rotate(images: Any, angle: Any) -> Any:
    """Turn images counter-clockwise about their centre.

    The angle is split into quarter turns, which are exact, and a rest of at most 45 degrees, which is interpolated.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    angle : float or array of shape (n_samples,)
        In degrees. Derivatives pass through a tensor, in forward and reverse mode.

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> from equibook.actions import rotate
    >>> rotate([[[0., 0., 0.], [0., 0., 1.], [0., 0., 0.]]], 90)[0]  # a point on the right goes to the top
    array([[0., 1., 0.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """
    x = as_images(images)
    angle = as_numbers(angle, len(x), name="angle").to(x.device)
    quarters = (angle.detach() / 90).round()
    rest = angle - 90 * quarters
    turned = _turn_quarters(x, quarters.long() % 4)
    return _as_given(_keep_exact(turned, rest == 0, rest, lambda: _turn_by_rest(turned, rest)), images)


def reflect(images: Any, axis: Any = 90.0) -> Any:
    """Reflect images about an axis through their centre.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    axis : float or array of shape (n_samples,)
        The angle of the axis in degrees: 90 is upright, a left-right flip; 0 is level, an up-down flip.

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.actions import reflect
    >>> x = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> reflect(x)[0].tolist()  # about the upright axis: left and right change places
    [[2.0, 1.0], [4.0, 3.0]]
    >>> reflect(x, axis=0)[0].tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    flipped = as_images(images).flip(-2)
    axis = as_numbers(axis, len(flipped), name="axis")
    return _as_given(rotate(flipped, 2 * axis), images)


def translate(images: Any, shift: Any) -> Any:
    """Shift images; zeros enter.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    shift : pair of floats or array of shape (n_samples, 2)
        To the right and up, in pixels. Whole pixels are exact.

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.actions import translate
    >>> x = np.array([[[0.0, 0.0], [1.0, 0.0]]])
    >>> translate(x, (1, 1))[0].tolist()  # one pixel to the right, one up
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x = as_images(images)
    shift = as_numbers(shift, len(x), width=2, name="shift").to(x.device).expand(len(x), 2)
    whole = shift.detach().round()
    is_whole = (shift == whole).all(dim=1)
    moved = _shift_whole(x, whole.long()) if is_whole.any() else x
    return _as_given(_keep_exact(moved, is_whole, shift, lambda: _shift_by_parts(x, shift)), images)


def act(element: Element, images: Any) -> Any:
    """Let a group element act on images; the elements of D_1, D_2, D_4 and their subgroups are exact.

    Parameters
    ----------
    element : Element
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.actions import act
    >>> from equibook.groups import DihedralGroup
    >>> group, x = DihedralGroup(4), np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> turn, flip = group.elements[1], group.elements[4]
    >>> np.array_equal(act(turn, act(flip, x)), act(group.compose(turn, flip), x))  # the law of an action
    True
    """
    x = as_images(images)
    return _as_given(rotate(x.flip(-2) if element.reflected else x, element.angle), images)


def act_on_maps(element: Element, maps: Any, *, period: float = 180.0) -> Any:
    """Let a group element act on lifted feature maps: it moves the pixels and permutes the orientations.

    Map i belongs to the orientation period·i/n_orientations. A rotation by a takes the map at θ from θ - a; a
    reflection about an axis at β takes it from 2β - θ.

    Parameters
    ----------
    element : Element
        Its angle must be a multiple of the step between orientations.
    maps : ndarray or Tensor of shape (n_samples, n_filters, n_orientations, height, width)
    period : float
        In degrees: 180 where a filter turned by half a turn is the same filter, otherwise 360.

    Returns
    -------
    ndarray or Tensor, as `maps` and of its shape

    Examples
    --------
    >>> import torch
    >>> from equibook.actions import act, act_on_maps
    >>> from equibook.equivariant import Lifting
    >>> from equibook.groups import CyclicGroup
    >>> x, lift, turn = torch.eye(16, dtype=torch.float64)[None, None], Lifting([1.6]), CyclicGroup(4).elements[1]
    >>> torch.allclose(lift(act(turn, x)), act_on_maps(turn, lift(x)))  # turn, then lift; or lift, then turn
    True
    >>> torch.allclose(lift(act(turn, x)), act(turn, lift(x)[:, 0])[:, None])  # only the pixels: not enough
    False
    """
    u = as_maps(maps)
    source = _orientation_source(element, u.shape[2], period)
    moved = act(element, u.flatten(1, 2)).unflatten(1, tuple(u.shape[1:3]))
    return like(moved[:, :, source.to(u.device)], maps)


def pixel_grid(size: int) -> tuple[Tensor, Tensor]:
    """Return where the pixels of a square lie, in pixels right of its centre and up from it.

    Parameters
    ----------
    size : int

    Returns
    -------
    right : float64 Tensor of shape (1, size)
    up : float64 Tensor of shape (size, 1)

    Examples
    --------
    >>> from equibook.actions import pixel_grid
    >>> right, up = pixel_grid(2)
    >>> right.tolist(), up.tolist()
    ([[-0.5, 0.5]], [[0.5], [-0.5]])
    """
    line = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return line[None, :], -line[:, None]


def _orientation_source(element: Element, n_orientations: int, period: float) -> Tensor:
    """Return, for every orientation after the action, the index of the one that it was before."""
    steps = element.angle * n_orientations / period
    if abs(steps - round(steps)) > 1e-9:
        need = f"a multiple of {period / n_orientations:g}°, the step between {n_orientations} orientations"
        raise ValueError(f"`element` must turn by {need}, got {element.angle:g}°. Lift with more orientations.")
    index = torch.arange(n_orientations)
    return (round(steps) - index if element.reflected else index - round(steps)) % n_orientations


def _as_given(result: Tensor, images: Any) -> Any:
    return like(result.reshape(np.shape(images)), images)


def _keep_exact(exact: Tensor, is_exact: Tensor, parameter: Tensor, interpolate: Callable[[], Tensor]) -> Tensor:
    """Interpolate only the images that need it; where a derivative is asked for, all, since a moved pixel has none."""
    if _carries_derivative(parameter):
        return interpolate()
    if is_exact.all():
        return exact
    return torch.where(is_exact.reshape(-1, 1, 1, 1), exact, interpolate())


def _carries_derivative(tensor: Tensor) -> bool:
    return tensor.requires_grad or forward_ad.unpack_dual(tensor).tangent is not None


def _turn_quarters(x: Tensor, quarters: Tensor) -> Tensor:
    """Turn by quarters, one number for all or one per image."""
    if quarters.ndim == 0:
        return torch.rot90(x, int(quarters), (-2, -1))
    turned = x
    for k in (1, 2, 3):
        turned = torch.where((quarters % 4 == k)[:, None, None, None], torch.rot90(x, k, (-2, -1)), turned)
    return turned


def _turn_by_rest(x: Tensor, angle: Tensor) -> Tensor:
    """Look up every pixel u of the result at the place R(-angle)u."""
    radians = torch.deg2rad(angle.reshape(-1, 1, 1))
    c, s = torch.cos(radians).to(x.dtype), torch.sin(radians).to(x.dtype)
    right, up = (along.to(x) for along in pixel_grid(x.shape[-1]))
    return _sample(x, c * right + s * up, c * up - s * right)


def _shift_by_parts(x: Tensor, shift: Tensor) -> Tensor:
    """Look up every pixel u of the result at the place u - shift."""
    right, up = (along.to(x) for along in pixel_grid(x.shape[-1]))
    shift_right, shift_up = shift.to(x.dtype).reshape(-1, 2, 1, 1).unbind(1)
    return _sample(x, right - shift_right, up - shift_up)


def _shift_whole(x: Tensor, shift: Tensor) -> Tensor:
    """Shift every image by its own number of whole pixels; index `size` finds the zeros beyond the border."""
    size, device = x.shape[-1], x.device
    columns, rows = (torch.arange(size, device=device) - step[:, None] for step in (shift[:, 0], -shift[:, 1]))
    columns, rows = (torch.where((i >= 0) & (i < size), i, size) for i in (columns, rows))
    sample = torch.arange(len(x), device=device)[:, None, None]
    return F.pad(x, (0, 1, 0, 1)).movedim(1, -1)[sample, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def _sample(x: Tensor, right: Tensor, up: Tensor) -> Tensor:
    """Read images between their pixels, by cubic splines with zeros outside: the one place that interpolates.

    Equal to `scipy.ndimage` with order=3 and mode="grid-constant". Differentiable in both modes, which torch's own
    `grid_sample` is in its newest versions only.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_channels, size, size)
    right, up : Tensor of shape (1, size, size) or (n_samples, size, size)
        Where to read, in pixels from the centre.

    Returns
    -------
    Tensor of shape (n_samples, n_channels, size, size)
    """
    n_samples, n_together = len(x), max(1, _AT_ONCE // max(1, x[:1].numel()))
    if n_samples > n_together:
        parts = (part.expand(n_samples, -1, -1).split(n_together) for part in (right, up))
        return torch.cat([_sample(*some) for some in zip(x.split(n_together), *parts, strict=True)])
    to_spline = _spline_matrix(x.shape[-1]).to(x)
    coefficients = to_spline @ x @ to_spline.T
    size = coefficients.shape[-1] + 2
    values = F.pad(coefficients, (1, 1, 1, 1)).flatten(2)  # what lies outside is read as the zeros of the border
    result = torch.zeros_like(x)
    columns = _spline_reads((size - 1) / 2 + right, size)
    for weight_down, row in _spline_reads((size - 1) / 2 - up, size):
        for weight_right, column in columns:
            place = (row * size + column).flatten(1)[:, None].expand(*x.shape[:2], -1)
            result = result + (weight_down * weight_right)[:, None] * values.gather(2, place).view_as(x)
    return result


def _spline_matrix(size: int) -> Tensor:
    """Return the matrix of shape (size + 2·margin, size) from pixels, with zeros outside, to B-spline coefficients.

    A coefficient is the sum over all pixels of √3 (√3 - 2)^distance times the pixel; at the margin that is near 1e-7.
    """
    place, pixel = torch.arange(-_MARGIN, size + _MARGIN), torch.arange(size)
    distance = (place[:, None] - pixel).abs().to(torch.float64)
    return sqrt(3) * (2 - sqrt(3)) ** distance * (1 - 2 * (distance % 2))


def _spline_reads(position: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Return the weights and the places of the four coefficients that a cubic B-spline reads at a position."""
    cell = position.detach().floor()
    t = position - cell
    u = 1 - t
    weights = [u**3 / 6, (4 - 6 * t**2 + 3 * t**3) / 6, (4 - 6 * u**2 + 3 * u**3) / 6, t**3 / 6]
    places = [(cell.long() + step).clamp(0, size - 1) for step in (-1, 0, 1, 2)]
    return list(zip(weights, places, strict=True))
