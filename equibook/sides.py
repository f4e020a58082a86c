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

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.sides import in_disc
    >>> seen = in_disc(np.ones((1, 1, 32, 32)))
    >>> tuple(seen.shape), float(seen[0, 0, 0, 0]), float(seen[0, 0, 16, 16])
    ((1, 1, 32, 32), 0.0, 1.0)
    """
    images = as_images(X)
    return images * disc_window(images.shape[-1]).to(images)


def read_pixels(X: Any) -> np.ndarray:
    """Return the pixels within the disc.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)

    Returns
    -------
    ndarray of shape (n_samples, n_channels * size**2)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.sides import read_pixels
    >>> read_pixels(np.ones((5, 3, 16, 16))).shape
    (5, 768)
    """
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
        Takes images of shape (n_samples, 1 or 3, size, size) and returns an ndarray of shape (n_samples, n_features).

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.sides import alexnet_reader
    >>> alexnet_reader("digits")(np.ones((5, 1, 32, 32))).shape
    (5, 256)
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
    """Return a fitted Layer 1 as a function.

    Parameters
    ----------
    layer_1 : Representation

    Returns
    -------
    callable
        Takes images (n_samples, n_channels, size, size) and returns an ndarray of shape (n_samples, n_features).

    Examples
    --------
    What this side reads stays as the images turn.

    >>> import numpy as np
    >>> from equibook import Representation, datasets
    >>> from equibook.sides import glass_reader, read_pixels
    >>> X, _ = datasets.load_shapes(4, 16, random_state=0)
    >>> read, turned = glass_reader(Representation().fit(X)), np.rot90(X, axes=(2, 3))
    >>> np.allclose(read(turned), read(X), atol=1e-4), np.allclose(read_pixels(turned), read_pixels(X), atol=1e-4)
    (True, False)
    """
    return lambda images: layer_1.transform(as_images(images)).numpy()
