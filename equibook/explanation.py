r"""Why this answer: a score split exactly into named features, and into pixels.

The score is :math:`w \cdot f(x) + b`, a sum over features: with one w for all images where the classifier is affine,
and with the gradient averaged while the image brightens from black where it is not; b is the score of black. Features
are of degree 1: by Euler's theorem :math:`f(x) = \nabla f(x) \cdot x`, so the score is a sum over pixels too.

References
----------
Completeness and implementation invariance: Sundararajan et al. (2017), arXiv:1703.01365. Homogeneous networks:
Hesse et al. (2021), arXiv:2111.12668.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook.invariant import FeatureTable


@dataclass(frozen=True)
class Explanation:
    """The parts of the scores of n images; features and bias, or pixels and bias, sum to the score.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Contribution of each named feature, in the unit of the score.
    pixels : ndarray of shape (n_samples, n_channels, height, width)
        Contribution of each pixel, in the unit of the score.
    bias : ndarray of shape (n_samples,)
        The score of a black image.
    score : ndarray of shape (n_samples,)
    target : ndarray of shape (n_samples,)
        The class whose score it is.
    reference : ndarray of shape (n_samples, n_features)
        Contribution that each feature of the average training image would have with the same weights:
        `features - reference` sets this image apart.
    table : FeatureTable
        What each feature is.
    against : label, optional
        The class whose score was subtracted.

    Examples
    --------
    >>> import numpy as np
    >>> import equibook as eq
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> why = eq.GlassBoxClassifier(representation=layer_1).fit(X, y).explain(X[:2])
    >>> why.features.shape, why.pixels.shape
    ((2, 32), (2, 1, 16, 16))
    >>> bool(why.gap().max() < 1e-9 * np.abs(why.score).max())  # both, with the bias, sum to the score
    True
    """

    features: np.ndarray
    pixels: np.ndarray
    bias: np.ndarray
    score: np.ndarray
    target: np.ndarray
    reference: np.ndarray
    table: FeatureTable
    against: Any = None

    def question(self, i: int = 0) -> str:
        """Return what the score of image i is for: a class, or one class against another."""
        return f"{self.target[i]}" if self.against is None else f"{self.target[i]} against {self.against}"

    def gap(self) -> np.ndarray:
        """Return how far the parts are from the score: the larger of both gaps, shape (n_samples,)."""
        by_feature = self.features.sum(axis=1) + self.bias - self.score
        by_pixel = self.pixels.sum(axis=(1, 2, 3)) + self.bias - self.score
        return np.maximum(np.abs(by_feature), np.abs(by_pixel))

    def group(self, by: str = "scale") -> dict[float, np.ndarray]:
        """Return `features - reference` summed over all features with one scale, ring or angular frequency.

        Parameters
        ----------
        by : {"scale", "ring", "k"}

        Returns
        -------
        dict from the value to an ndarray of shape (n_samples,), in the unit of the score
        """
        values = getattr(self.table, by)
        apart = self.features - self.reference
        return {value.item(): apart[:, values == value].sum(axis=1) for value in np.unique(values)}

    def plot(self, i: int = 0) -> Any:
        """Draw the parts of image i; returns a matplotlib Figure."""
        from equibook.plots import plot_explanation

        return plot_explanation(self, i)


def pixel_contributions(network: nn.Module, images: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return features, and for each image the parts that its pixels have in `features @ weights`.

    Parameters
    ----------
    network : nn.Module
        Layer 1, of degree 1.
    images : Tensor of shape (n_samples, n_channels, height, width)
    weights : Tensor of shape (n_samples, n_features)

    Returns
    -------
    features : Tensor of shape (n_samples, n_features)
    pixels : Tensor of shape (n_samples, n_channels, height, width)

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.explanation import pixel_contributions
    >>> image, weights = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[3.0, 4.0]])
    >>> features, pixels = pixel_contributions(nn.Flatten(), image, weights)
    >>> pixels.tolist(), float((features * weights).sum())
    ([[[[3.0, 8.0]]]], 11.0)
    """
    x = images.detach().clone().requires_grad_()
    features = network(x)
    (gradient,) = torch.autograd.grad((features * weights).sum(), x)
    return features.detach(), gradient * x.detach()
