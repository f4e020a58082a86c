"""Colour: luminance and two opponent channels, which say apart what red, green and blue say together."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from equibook._checks import as_images, like

OPPONENT_CHANNELS = ("luminance", "red-green", "yellow-blue")
_TO_OPPONENT = torch.tensor([[1, 1, 1], [1, -1, 0], [1, 1, -2]], dtype=torch.float64)
_LENGTHS = torch.tensor([math.sqrt(3), math.sqrt(2), math.sqrt(6)], dtype=torch.float64)


class OpponentColours(nn.Module):
    """Turn red, green and blue into luminance, red against green, yellow against blue: an orthonormal change of axes.

    It acts on every pixel by itself, so that it commutes with every turn, reflection and shift.

    Examples
    --------
    >>> import torch
    >>> from equibook.colour import OpponentColours
    >>> red = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).reshape(1, 3, 1, 1)
    >>> [round(value, 3) for value in OpponentColours()(red).flatten().tolist()]  # light, reddish, a little yellow
    [0.577, 0.707, 0.408]
    """

    matrix: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", _TO_OPPONENT / _LENGTHS[:, None])

    def forward(self, images: Tensor) -> Tensor:
        """Return images of shape (n_samples, 3, height, width) in the new channels, of the same shape and unit."""
        _check_colours(images)  # one channel would count as three
        return torch.einsum("oc,nchw->nohw", self.matrix, images)


def to_opponent(images: Any) -> Any:
    """Return RGB images in opponent channels.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, 3, height, width)

    Returns
    -------
    ndarray or Tensor of shape (n_samples, 3, height, width), in the unit of the images
        Luminance is √3 times the mean of the three, so that the sum of squares stays.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.colour import to_opponent
    >>> abs(to_opponent(np.ones((1, 3, 8, 8)))[0, :, 0, 0]).round(3).tolist()  # white: √3 of light, no colour
    [1.732, 0.0, 0.0]
    >>> x = np.random.default_rng(0).random((2, 3, 8, 8))
    >>> np.allclose((to_opponent(x) ** 2).sum(axis=1), (x**2).sum(axis=1))
    True
    """
    x = as_images(images)
    return like(OpponentColours().to(x.dtype)(x), images)


def _check_colours(images: Tensor) -> None:
    if images.shape[1] != 3:
        hint = "Grey images have no colour to turn; of other channels, choose three."
        raise ValueError(f"`images` must have 3 channels (red, green, blue), got {images.shape[1]}. {hint}")
