"""Is this image of the kind that a model was trained on? Two questions, asked before its answer is believed.

The novelty of `equibook.novelty` sees strength: features are compared in their own unit, and the large ones count.
Where all are standardised, as Layer 2 does first, fine texture such as noise is seen as well. An image is foreign where
either says so. A blank image is told apart by its pixels: it may well be near to a clear sky.
"""

from typing import Any

import numpy as np

from equibook._checks import as_images, check_squares
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

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.screening import is_blank
    >>> is_blank(np.stack([np.full((16, 16), 0.7), np.eye(16)])).tolist()
    [True, False]
    """
    images = check_squares(as_images(X).detach().cpu().double(), name="X").numpy()
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

    Examples
    --------
    Bars and Ls are learned; a chessboard is neither.

    >>> import numpy as np
    >>> from equibook import GlassBoxClassifier, datasets
    >>> from equibook.screening import USUAL, foreignness
    >>> X, y = datasets.load_shapes(40, 16, classes=("bar", "L"), random_state=0)
    >>> model = GlassBoxClassifier().fit(X, y)
    >>> chessboard = (np.indices((16, 16)).sum(axis=0) % 2)[None]
    >>> foreignness(model, X).shape, bool(foreignness(model, chessboard)[0] > USUAL)
    ((40,), True)
    """
    features = model.representation_.transform(as_images(X)).numpy()
    return foreignness_of_features(model, features)


def foreignness_of_features(model: GlassBoxClassifier, features: np.ndarray) -> np.ndarray:
    """Return how unlike all training images each image is, of what Layer 1 has made of it.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    features : ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,), without unit
        As `foreignness` returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook import GlassBoxClassifier, datasets
    >>> from equibook.screening import foreignness, foreignness_of_features
    >>> X, y = datasets.load_shapes(20, 16, classes=("bar", "L"), random_state=0)
    >>> model = GlassBoxClassifier().fit(X, y)
    >>> features = model.representation_.transform(X)
    >>> np.allclose(foreignness_of_features(model, features), foreignness(model, X))
    True
    """
    references = model.novelty_.references
    standardise = model.reduction_.scaler_.transform
    alike = Novelty(len(references), model.novelty_.quantile).fit(standardise(references))
    return np.maximum(model.novelty_.score(features), alike.score(standardise(features)))
