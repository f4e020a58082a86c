"""The moving frame: images brought to where their centre of mass is the centre, so that a shift no longer matters."""

from typing import Any

import torch

from equibook._checks import as_images, like
from equibook.actions import pixel_grid, translate


def centre_of_mass(images: Any) -> Any:
    """Return where the mass of each image lies; mass is the sum of the absolute values over the channels.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray or Tensor of shape (n_samples, 2), in pixels to the right of the centre and up from it
        (0, 0) for a blank image, with the derivative 0.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.frames import centre_of_mass
    >>> x = np.zeros((1, 5, 5))
    >>> x[0, 0, 3] = 1
    >>> centre_of_mass(x).tolist()  # one pixel right of the centre, two up
    [[1.0, 2.0]]
    """
    x = as_images(images)
    mass = x.abs().sum(dim=1)
    largest = mass.detach().amax(dim=(1, 2), keepdim=True)  # a constant: twice the mass has the same centre
    mass = mass / torch.where(largest > 0, largest, 1)  # what is tiny or huge can be divided by, and derived
    total = mass.sum(dim=(1, 2))
    moments = torch.stack([(mass * along.to(x)).sum(dim=(1, 2)) for along in pixel_grid(x.shape[-1])], dim=1)
    return like(moments / torch.where(total > 0, total, 1)[:, None], images)


def centre(images: Any) -> Any:
    """Shift images so that their centre of mass lies in the centre; what leaves the frame is lost.

    A shift of the picture within its frame leaves the result as it is: by whole pixels up to rounding, otherwise up to
    interpolation. A turn or reflection of the image turns or reflects the result.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray or Tensor, as `images` and of its shape

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.actions import translate
    >>> from equibook.frames import centre
    >>> x = np.zeros((1, 11, 11))
    >>> x[0, 2:5, 3:8] = 1
    >>> np.allclose(centre(x), x), np.allclose(centre(translate(x, (2, -1))), centre(x))
    (False, True)
    """
    return translate(images, -centre_of_mass(images))
