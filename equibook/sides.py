"""Three ways to see an image, side by side: its pixels, Layer 1 of the glass box, AlexNet's last convolutional maps.

A turn brings new corners into a square. So that no side is helped or harmed by them, the first and the last are shown
what Layer 1 sees: the disc inscribed in the image.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from equibook import alexnet
from equibook._checks import as_images
from equibook.filters import disc_window
from equibook.representation import Representation

PIXELS, GLASS, ALEXNET = "pixels", "glass box", "AlexNet"
SIDES = (PIXELS, GLASS, ALEXNET)

Reader = Callable[[Any], np.ndarray]
"""Takes images (n_samples, n_channels, height, width) and returns features (n_samples, n_features)."""


def in_disc(X: Any) -> Tensor:
    """Return images behind the window of Layer 1: black outside the inscribed disc.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)

    Returns
    -------
    Tensor of shape (n_samples, n_channels, size, size)
    """
    images = as_images(X)
    return images * disc_window(images.shape[-1]).to(images)


def read_pixels(X: Any) -> np.ndarray:
    """Return the pixels within the disc: ndarray of shape (n_samples, n_channels * size**2)."""
    return in_disc(X).flatten(1).numpy()


def alexnet_reader(weights: str | None = None, *, batch_size: int = 64) -> Reader:
    """Return a function that reads images of 1 or 3 channels with AlexNet, up to its last pooling layer.

    Parameters
    ----------
    weights : {"imagenet", "digits", "random"}, optional
        By default the best that is at hand without a download.
    batch_size : int
        How many images are enlarged to AlexNet's size at once.

    Returns
    -------
    callable
    """
    net = alexnet.load(weights or alexnet.best_available())

    def read(X: Any) -> np.ndarray:
        parts = [alexnet.stages(net, _for_alexnet(net, part), "pool5") for part in in_disc(X).float().split(batch_size)]
        return torch.cat([part["pool5"] for part in parts]).flatten(1).numpy()

    return read


def _for_alexnet(net: Any, images: Tensor) -> Tensor:
    size = alexnet.INPUT_SIZE.get(net.weights_name, alexnet.INPUT_SIZE["digits"])
    if net.weights_name != "imagenet":  # its own preparation resizes
        shrinks = images.shape[-1] > size
        images = F.interpolate(images, (size, size), mode="bicubic", antialias=shrinks).clamp(0, 1)
    return alexnet.preprocess(images, net.weights_name)


def glass_reader(layer_1: Representation) -> Reader:
    """Return a fitted Layer 1 as a function."""
    return lambda images: layer_1.transform(as_images(images)).numpy()
