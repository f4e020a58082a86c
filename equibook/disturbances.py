"""What may happen to images: turns, noise, shifts, changes of size, black patches. Each by an amount."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from equibook.actions import rotate, translate

Disturbance = Callable[[Tensor, float, np.random.Generator], Tensor]


def turn(images: Tensor, angle: float, rng: np.random.Generator) -> Tensor:
    """Turn images by an angle, each to one side or the other.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    angle : float
        In degrees.
    rng : numpy.random.Generator
        Chooses the sides.

    Returns
    -------
    Tensor of the shape of `images`

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.disturbances import turn
    >>> x = torch.rand(1, 1, 16, 16)
    >>> turned = turn(x, 90, np.random.default_rng(0))
    >>> any(torch.equal(turned, torch.rot90(x, quarters, (2, 3))) for quarters in (1, -1))
    True
    """
    return rotate(images, angle * _signs(len(images), rng))


def add_noise(images: Tensor, deviation: float, rng: np.random.Generator) -> Tensor:
    """Add Gaussian noise.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    deviation : float
        Standard deviation, in the unit of the images.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor of the shape of `images`

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.disturbances import add_noise
    >>> noisy = add_noise(torch.zeros(4, 1, 32, 32), 0.1, np.random.default_rng(0))
    >>> round(float(noisy.std()), 1)
    0.1
    """
    return images + torch.from_numpy(rng.normal(scale=deviation, size=tuple(images.shape))).to(images)


def shift(images: Tensor, distance: float, rng: np.random.Generator) -> Tensor:
    """Shift images by a distance, each in a direction of its own; zeros enter.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    distance : float
        In pixels.
    rng : numpy.random.Generator
        Chooses the directions.

    Returns
    -------
    Tensor of the shape of `images`

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.disturbances import shift
    >>> from equibook.frames import centre_of_mass
    >>> x = torch.zeros(3, 1, 33, 33, dtype=torch.float64)
    >>> x[..., 15:18, 15:18] = 1
    >>> moved = centre_of_mass(shift(x, 4, np.random.default_rng(0)))
    >>> [round(distance, 1) for distance in moved.norm(dim=1).tolist()]
    [4.0, 4.0, 4.0]
    """
    direction = rng.uniform(0, 2 * np.pi, len(images))
    return translate(images, distance * np.stack([np.cos(direction), np.sin(direction)], axis=1))


def change_scale(images: Tensor, factor: float, rng: np.random.Generator) -> Tensor:
    """Enlarge images about their centre, or make them smaller; cubic interpolation, zeros enter.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    factor : float
        Above 1 enlarges.
    rng : numpy.random.Generator
        Not used: nothing is random here.

    Returns
    -------
    Tensor of the shape of `images`

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.disturbances import change_scale
    >>> x = torch.zeros(1, 1, 32, 32)
    >>> x[..., 12:20, 12:20] = 1
    >>> larger = change_scale(x, 2, np.random.default_rng(0))
    >>> round(float(larger.sum() / x.sum()), 1)  # the area grows by the square of the factor
    4.0
    """
    theta = torch.tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]], dtype=images.dtype)
    grid = F.affine_grid(theta.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bicubic", align_corners=False)


def occlude(images: Tensor, side: float, rng: np.random.Generator) -> Tensor:
    """Cover a square at a random place with black.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, size, size)
    side : float
        Of the square, as a part of the image's.
    rng : numpy.random.Generator
        Chooses the places.

    Returns
    -------
    Tensor of the shape of `images`

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from equibook.disturbances import occlude
    >>> covered = occlude(torch.ones(2, 1, 8, 8), 0.5, np.random.default_rng(0))
    >>> (covered == 0).sum(dim=(1, 2, 3)).tolist()  # 4 times 4 pixels of 8 times 8
    [16, 16]
    """
    size = images.shape[-1]
    n_pixels = round(side * size)
    corners = rng.integers(0, size - n_pixels + 1, (len(images), 2, 1))
    inside = (np.arange(size) >= corners) & (np.arange(size) < corners + n_pixels)  # (n_samples, 2, size)
    covered = torch.from_numpy(inside[:, 0, :, None] & inside[:, 1, None, :])
    return images.masked_fill(covered[:, None], 0.0)


DISTURBANCES: dict[str, Disturbance] = {
    "angle": turn,
    "noise": add_noise,
    "shift": shift,
    "scale": change_scale,
    "occlusion": occlude,
}


def _signs(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice([-1.0, 1.0], n_samples)
