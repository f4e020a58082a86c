r"""The local equivariance error: how far a map is from moving along when the image begins to move.

A one-parameter group T_t moves the image (t in degrees, pixels, or per cent of its size), and ρ(t) moves what the map f
returns. Were f equivariant, ρ(-t) f(T_t x) would not depend on t. Its derivative at t = 0 is the *Lie derivative*,

.. math:: \mathcal{L} f(x) = \frac{d}{dt} \rho(-t)\, f(T_t x) \Big|_{t=0} = J_f(x)\, \dot{T} x - \dot{\rho}\, f(x),

with the Jacobian of f at x, taken by forward-mode differentiation: one pass through the network, no step size. ρ moves
maps about their centre and leaves vectors as they are: for those the error is that of invariance.

The image must be smooth between its pixels. It is read as a cubic spline, whose derivative at t = 0 is that from either
side. (Bilinear reading has corners at the pixels: from the left and from the right it has different derivatives.)
Maxima have corners too. Where two numbers under one maximum are equal, as on black, torch differentiates one of them.

What it cannot see: no reflection can be reached by small steps from standing still, so it says nothing about them; and
ρ moves places only, so an equivariant map that also permutes its channels, as lifted maps under turns, has an error.

Source: Gruver, Finzi, Goldblum and Wilson (2022), arXiv:2210.02984, there per number of the output and not normalised.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_choice, check_positive_int, check_squares
from equibook._tables import Table
from equibook.actions import pixel_grid, translate
from equibook.measure import in_evaluation_mode
from equibook.probes.alignment import _shuffle
from equibook.probes.stages import resolve, stride

UNITS = {"rotation": "degree", "x": "pixel", "y": "pixel", "scale": "per cent"}


@dataclass(frozen=True, eq=False)
class LieDerivative(Table):
    """The local equivariance error of every stage, beside a control; see `lie_derivative`.

    Parameters
    ----------
    by : str
        Along which motion.
    stages : tuple of str
    error : ndarray of shape (n_stages,)
        Root mean square over the images of the length of the Lie derivative, in units of that of the output, per unit
        of the motion.
    control : ndarray of shape (n_stages,)
        The same when each image changes as another one would, by as much: what an unrelated change costs.
    norm : ndarray of shape (n_stages,)
        Root mean square of the length of the output.
    n_samples : int

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import LieDerivative
    >>> print(LieDerivative("rotation", ("conv1",), np.array([0.02]), np.array([0.08]), np.array([5.0]), 100))
    local equivariance error by rotation, of the output, per degree; 100 images
    stage  error  control  error / control  norm
    conv1   0.02     0.08             0.25     5
    """

    by: str
    stages: tuple[str, ...]
    error: np.ndarray
    control: np.ndarray
    norm: np.ndarray
    n_samples: int

    @property
    def unit(self) -> str:
        """What the error is measured in."""
        return f"of the output, per {UNITS[self.by]}".replace("per per cent", "per per cent of the size")

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_lie`."""
        from equibook.plots import plot_lie

        return plot_lie({self.by: self})

    @property
    def _caption(self) -> str:
        return f"local equivariance error by {self.by}, {self.unit}; {self.n_samples} images"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("stage", "error", "control", "error / control", "norm")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, error, control, norm in zip(self.stages, self.error, self.control, self.norm, strict=True):
            yield name, f"{error:.3g}", f"{control:.3g}", f"{error / control if control else 0:.3g}", f"{norm:.3g}"


def lie_derivative(
    net: nn.Module | Callable[[Any], Any] | Mapping[str, Any],
    X: Any,
    by: str = "rotation",
    stages: Any = None,
    *,
    batch_size: int = 64,
    random_state: Any = 0,
) -> LieDerivative:
    """Measure the local equivariance error of every stage of a network.

    Parameters
    ----------
    net : network, map, or dict from names to maps
        See `equibook.probes.stages.resolve`. Maps take and return tensors, by steps that torch can differentiate.
        What they return of shape (..., height, width), with four axes or more, is moved along; all else stays.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        At least two images, as the network takes them.
    by : {"rotation", "x", "y", "scale"}
        A turn about the centre; shifts to the right and up; an enlargement about the centre.
    stages : sequence of str, optional
    batch_size : int
    random_state : int or numpy.random.Generator
        Chooses for each image another one, for the control.

    Returns
    -------
    LieDerivative

    Examples
    --------
    An image moves along with itself. A shade that grows to the right stays where it is while the image is shifted: that
    matters for shifts to the right, and not for shifts up.

    >>> import torch
    >>> from equibook import datasets
    >>> from equibook.probes import lie_derivative
    >>> X, _ = datasets.load_shapes(6, 16, random_state=0)
    >>> maps = {"image": lambda x: x, "shade": lambda x: x * torch.linspace(0, 1, 16)}
    >>> {by: (lie_derivative(maps, X, by).error > 0.01).tolist() for by in ("x", "y")}
    {'x': [False, True], 'y': [False, False]}
    """
    check_choice(by, UNITS, name="by")
    check_positive_int(batch_size, name="batch_size")
    x, maps = check_squares(as_images(X, name="X"), name="X"), resolve(net, stages)
    if len(x) < 2:
        raise ValueError("`X` must hold at least two images, got 1. Pass more: the control compares them.")
    motion = move(x, by)
    foreign = _as_long_as(motion[torch.from_numpy(_shuffle(len(x), random_state))], motion)
    found = []
    for name, f in maps.items():
        batches = zip(*(part.split(batch_size) for part in (x, motion, foreign)), strict=True)
        found.append(sum((_measure(f, name, by, *batch) for batch in batches), start=np.zeros(3)))
    error, control, norm = np.sqrt(np.array(found).T / len(x))
    return LieDerivative(by, tuple(maps), _over(error, norm), _over(control, norm), norm, len(x))


def move(images: Any, by: str, *, pixels: float = 1.0) -> Tensor:
    r"""Return the derivative at t = 0 of moving images: minus the velocity times the gradient, at every pixel.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width)
    by : {"rotation", "x", "y", "scale"}
    pixels : float
        How many pixels of the image lie between two of these: for feature maps, which move by parts of a pixel.

    Returns
    -------
    Tensor of the shape given, per degree, per pixel of the image, or per per cent

    Examples
    --------
    A turn does not begin to change a disc, but for its rough edge; a shift does.

    >>> from equibook import datasets
    >>> from equibook.probes.lie import move
    >>> disc = datasets.draw_shape("disc", 32)[None, None]
    >>> tuple(move(disc, "x").shape), float(move(disc, "rotation").norm() / move(disc, "x").norm()) < 0.05
    ((1, 1, 32, 32), True)
    """
    x = as_images(images)
    right, up = (along.to(x) for along in pixel_grid(x.shape[-1]))
    velocity: dict[str, tuple[Any, Any]] = {
        "rotation": (-up * pi / 180, right * pi / 180),
        "x": (1 / pixels, 0.0),
        "y": (0.0, 1 / pixels),
        "scale": (right / 100, up / 100),
    }
    to_right, to_top = velocity[check_choice(by, velocity, name="by")]
    return to_right * _begin_to_shift(x, (1.0, 0.0)) + to_top * _begin_to_shift(x, (0.0, 1.0))


def _begin_to_shift(x: Tensor, direction: tuple[float, float]) -> Tensor:
    still, step = torch.zeros(2, dtype=torch.float64), torch.tensor(direction, dtype=torch.float64)
    return _forward_mode(lambda shift: translate(x, shift), still, step)[1]


def _measure(
    f: Callable[[Tensor], Tensor], name: str, by: str, x: Tensor, motion: Tensor, foreign: Tensor
) -> np.ndarray:
    """Return sums of squares over images: of the Lie derivative, of the control, and of the output."""
    with in_evaluation_mode(f) if isinstance(f, nn.Module) else nullcontext():
        values, change = _forward_mode(f, x, motion)
        foreign_change = _forward_mode(f, x, foreign)[1]
    _check_values(values, name, len(x))
    expected = _move_along(values, by, x.shape[-1], f)
    return np.array([_square(change - expected), _square(foreign_change - expected), _square(values)])


def _move_along(values: Tensor, by: str, size: int, f: Any) -> Tensor:
    """Return the derivative of moving what the map returns: 0 where it has no places."""
    if values.ndim < 4 or values.shape[-1] == 1:
        return torch.zeros_like(values)
    maps = values.reshape(len(values), -1, *values.shape[-2:])
    between = stride(f) if isinstance(f, nn.Module) else max(1, round(size / maps.shape[-1]))
    if not maps.is_complex():
        return move(maps, by, pixels=between).view_as(values)
    parts = (move(part, by, pixels=between) for part in (maps.real, maps.imag))
    return torch.complex(*parts).view_as(values)


def _check_values(values: Any, name: str, n_samples: int) -> None:
    got = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
    if not isinstance(values, Tensor) or values.ndim < 1 or len(values) != n_samples:
        hint = "Let it return a tensor, with one row an image."
        raise TypeError(f"`net` must map {n_samples} images to as many rows at {name!r}, got {got}. {hint}")
    if values.ndim >= 4 and values.shape[-1] != values.shape[-2]:
        raise ValueError(f"`net` must return square maps at {name!r}, got {got}. Pass square images.")


def _forward_mode(f: Callable[[Tensor], Tensor], at: Tensor, along: Tensor) -> tuple[Any, Any]:
    """Return f and its derivative along a tangent; without the warning of torch on its first use of forward mode."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated", category=FutureWarning)
        values, derivative, *_ = torch.func.jvp(f, (at,), (along,))
    return values, derivative


def _as_long_as(motion: Tensor, other: Tensor) -> Tensor:
    """Return each image's motion with the length of the other one's."""
    lengths = [part.flatten(1).norm(dim=1) for part in (other, motion)]
    factor = torch.where(lengths[1] > 0, lengths[0] / lengths[1], 0.0)
    return motion * factor[:, None, None, None]


def _square(values: Tensor) -> float:
    return float(values.abs().double().square().sum())


def _over(lengths: np.ndarray, norm: np.ndarray) -> np.ndarray:
    return np.divide(lengths, norm, out=np.zeros_like(lengths), where=norm > 0)
