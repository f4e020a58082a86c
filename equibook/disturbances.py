"""What may happen to images: turns, noise, shifts, changes of size, black patches. Each by an amount."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from equibook.actions import rotate, translate

Disturbance = Callable[[Tensor, float, np.random.Generator], Tensor]


def turn(images: Tensor, angle: float, rng: np.random.Generator) -> Tensor:
    """Turn images (n_samples, n_channels, height, width) by an angle in degrees, each to one side or the other."""
    return rotate(images, angle * _signs(len(images), rng))


def add_noise(images: Tensor, deviation: float, rng: np.random.Generator) -> Tensor:
    """Add Gaussian noise of a standard deviation, in the unit of the images."""
    return images + torch.from_numpy(rng.normal(scale=deviation, size=tuple(images.shape))).to(images)


def shift(images: Tensor, distance: float, rng: np.random.Generator) -> Tensor:
    """Shift images by a distance in pixels, each in a direction of its own; zeros enter."""
    direction = rng.uniform(0, 2 * np.pi, len(images))
    return translate(images, distance * np.stack([np.cos(direction), np.sin(direction)], axis=1))


def change_scale(images: Tensor, factor: float, rng: np.random.Generator) -> Tensor:
    """Enlarge images about their centre by a factor, below 1 make them smaller; cubic interpolation, zeros enter."""
    theta = torch.tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]], dtype=images.dtype)
    grid = F.affine_grid(theta.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bicubic", align_corners=False)


def occlude(images: Tensor, side: float, rng: np.random.Generator) -> Tensor:
    """Cover a square at a random place with black; its side is given as a part of the image's."""
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
