"""Is this image of the kind that a model was trained on? Two questions, asked before its answer is believed.

The novelty of `equibook.novelty` sees strength: features are compared in their own unit, and the large ones count.
Where all are standardised, as Layer 2 does first, fine texture such as noise is seen as well. An image is foreign where
either says so. A blank image is told apart by its pixels: it may well be near to a clear sky.
"""

from typing import Any

import numpy as np

from equibook._checks import as_images
from equibook.glassbox import GlassBoxClassifier
from equibook.novelty import Novelty

USUAL = 1.0
"""Images of which `foreignness` is above this are flagged."""
BLANK = 0.01
"""Where the standard deviation of the pixels, in the unit of the image, is below this: near two of 255 steps."""


def is_blank(X: Any) -> np.ndarray:
    """Return which images show nothing.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    bool ndarray of shape (n_samples,)
        Whether each channel of the image has one value nearly everywhere.
    """
    images = as_images(X).detach().cpu().numpy()
    return images.std(axis=(2, 3)).max(axis=1) < BLANK


def foreignness(model: GlassBoxClassifier, X: Any) -> np.ndarray:
    """Return how unlike all training images each image is: the larger of two novelties, features standardised or not.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

    Returns
    -------
    ndarray of shape (n_samples,), without unit
        Above 1 the image is farther from all training images than these are from each other.
    """
    features = model.representation_.transform(as_images(X)).numpy()
    return foreignness_of_features(model, features)


def foreignness_of_features(model: GlassBoxClassifier, features: np.ndarray) -> np.ndarray:
    """Return the same for what Layer 1 has made of images, of shape (n_samples, n_features)."""
    references = model.novelty_.references
    standardise = model.reduction_.scaler_.transform
    alike = Novelty(len(references), model.novelty_.quantile).fit(standardise(references))
    return np.maximum(model.novelty_.score(features), alike.score(standardise(features)))
