"""A whole glass box from data that do not fit in memory: features on the disk, answers in batches.

Layer 1 learns nothing and streams (`equibook.streaming`). Layer 2 takes its features twice, a batch at a time. What it
leaves of each image is so little that Layer 3 takes all of it at once: 200 numbers are 1.6 kB in float64.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from equibook._checks import check_choice, check_labels, check_positive_int
from equibook.classifiers import CLASSIFIERS, WHITENED, make_classifier
from equibook.glassbox import GlassBoxClassifier
from equibook.novelty import Novelty
from equibook.reduction import default_n_components
from equibook.representation import Pixels, Representation
from equibook.streaming import fit_reduction, transform_batches


def fit_from_features(
    model: GlassBoxClassifier, layer_1: Representation | Pixels, features: np.ndarray, y: Any, batch_size: int = 1000
) -> GlassBoxClassifier:
    """Fit Layers 2 and 3 to features that lie on the disk; no more than a few batches are in memory at a time.

    Parameters
    ----------
    model : GlassBoxClassifier
        Its `classifier`, `n_components` and `random_state` count. It is not changed.
    layer_1 : Representation or Pixels
        Fitted; what the features come from.
    features : ndarray or memory map of shape (n_samples, n_features)
        Such as `numpy.load(path, mmap_mode="r")` of what `equibook.streaming.save_features` wrote.
    y : array-like of shape (n_samples,)
        Labels; they stay in memory.
    batch_size : int

    Returns
    -------
    GlassBoxClassifier
        A new one, fitted; it predicts, explains and is saved as any other.

    Examples
    --------
    >>> import numpy as np
    >>> import equibook as eq
    >>> from equibook.out_of_core import fit_from_features
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0").fit(X[:1])
    >>> features = layer_1.transform(X)  # or `numpy.load(path, mmap_mode="r")`
    >>> model = fit_from_features(eq.GlassBoxClassifier(n_components=3), layer_1, features, y, batch_size=6)
    >>> model.predict(X[:2]).shape, model.reduce(X).shape
    ((2,), (12, 3))
    """
    check_positive_int(batch_size, name="batch_size")
    labels = check_labels(y, len(features))
    classifier = check_choice(model.classifier, CLASSIFIERS, name="classifier")
    if model.n_components is None and classifier == "qda":
        hint = "Take at most half the images of the smallest class."
        raise ValueError(f"`n_components` must be given for 'qda' out of core, got None. {hint}")
    n_components = model.n_components or default_n_components(len(labels))

    def batches() -> Iterator[np.ndarray]:
        for start in range(0, len(features), batch_size):
            yield np.array(features[start : start + batch_size])

    fitted = clone(model)
    fitted.representation_, fitted.classes_ = layer_1, np.unique(labels)
    fitted.reduction_ = fit_reduction(batches, n_components, whiten=classifier in WHITENED)
    components = np.concatenate([fitted.reduction_.transform(batch) for batch in batches()])
    fitted.classifier_ = make_classifier(classifier, model.random_state).fit(components, labels)
    fitted.novelty_ = Novelty().fit(features)
    return fitted


def predict_batches(
    model: GlassBoxClassifier, source: Any, batch_size: int = 128, *, workers: int = 1
) -> Iterator[np.ndarray]:
    """Yield the classes of images, batch by batch, in the order of the images.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    source : array, memory map or Tensor of shape (n_samples, n_channels, height, width), DataLoader, or iterable
        Of images or batches of images; see `equibook.streaming`.
    batch_size : int
    workers : int
        See `equibook.streaming.transform_batches`.

    Yields
    ------
    ndarray of shape (batch_size,)

    Examples
    --------
    >>> import numpy as np
    >>> import equibook as eq
    >>> from equibook.out_of_core import predict_batches
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=eq.representation.Pixels()).fit(X, y)
    >>> batches = list(predict_batches(model, X, 5))
    >>> [len(batch) for batch in batches], np.array_equal(np.concatenate(batches), model.predict(X))
    ([5, 5, 2], True)
    """
    check_is_fitted(model)
    for features in transform_batches(model.representation_, source, batch_size, workers=workers):
        yield model.classifier_.predict(model.reduction_.transform(features))
