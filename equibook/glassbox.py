"""The glass box: representation, dimension reduction and classifier as one scikit-learn classifier."""

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from equibook._checks import as_images, check_choice, check_labels, check_same_shape
from equibook.classifiers import (
    CLASSIFIERS,
    PROBABILISTIC,
    WHITENED,
    class_probabilities,
    decision_scores,
    make_classifier,
)
from equibook.explanation import Explanation, pixel_contributions
from equibook.integrated_gradients import average_gradients
from equibook.novelty import Novelty
from equibook.reduction import Reduction, default_n_components
from equibook.representation import Pixels, Representation


def _has_probabilities(model: "GlassBoxClassifier") -> bool:
    if model.classifier not in PROBABILISTIC:
        listed = ", ".join(PROBABILISTIC)
        hint = f"Choose one of {listed}, or wrap the model in scikit-learn's CalibratedClassifierCV."
        raise AttributeError(f"`predict_proba` needs a classifier with probabilities, got {model.classifier!r}. {hint}")
    return True


class GlassBoxClassifier(ClassifierMixin, BaseEstimator):
    """Classify images in three transparent layers; only the last two learn.

    Parameters
    ----------
    classifier : {"nearest_mean", "lda", "qda", "naive_bayes", "ridge", "linear_svm", "rbf_svm", "mlp"}
    representation : Representation or Pixels, optional
        Layer 1; None means `Representation()`. `Pixels()` leaves it out, for comparison.
    n_components : int, optional
        Of Layer 2; None means min(200, n_samples // 3), for `qda` no more than half the images of the smallest class.
    random_state : int
        For classifiers and PCA that draw.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    representation_ : Representation
        Layer 1.
    reduction_ : Reduction
        Layer 2.
    classifier_ : scikit-learn classifier
        Layer 3.
    novelty_ : Novelty
        Beside the layers.

    Examples
    --------
    >>> import equibook as eq
    >>> X, y = eq.datasets.load_digits(classes=(3, 8))
    >>> model = eq.GlassBoxClassifier().fit(X[:100], y[:100])
    >>> bool(model.score(eq.actions.rotate(X[100:], 77), y[100:]) > 0.94)
    True
    """

    def __init__(
        self,
        classifier: str = "nearest_mean",
        *,
        representation: Representation | Pixels | None = None,
        n_components: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.classifier = classifier
        self.representation = representation
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the layers one after the other.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        y : array-like of shape (n_samples,)
            Integers or strings, two classes or more.

        Returns
        -------
        GlassBoxClassifier
        """
        images = as_images(X)
        labels = check_labels(y, len(images))
        classes = np.unique(labels)
        if len(classes) < 2:
            got = f"{len(images)} images of class {classes[0].item()!r}"
            raise ValueError(f"`y` must hold at least two classes, got {got}. Add images of another class.")
        check_choice(self.classifier, CLASSIFIERS, name="classifier")
        layer_1 = clone(self.representation or Representation())
        features = layer_1.fit_transform(images).numpy()
        layer_2, layer_3 = fit_layers(
            self.classifier, features, labels, n_components=self.n_components, random_state=self.random_state
        )
        self.novelty_ = Novelty().fit(features)
        self.representation_, self.reduction_, self.classifier_ = layer_1, layer_2, layer_3
        self.classes_ = classes
        return self

    def reduce(self, X: Any) -> np.ndarray:
        """Return what Layers 1 and 2 make of images.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        features = self._features(X)
        return self.reduction_.transform(features)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return scores that agree with `predict`.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, positive for `classes_[1]`; otherwise (n_samples, n_classes)
        """
        components = self.reduce(X)
        return decision_scores(self.classifier_, components)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each image.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        components = self.reduce(X)
        return self.classifier_.predict(components)

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, of the classifiers that have them.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), in the order of `classes_`
        """
        components = self.reduce(X)
        return class_probabilities(self.classifier_, components)

    def novelty(self, X: Any) -> np.ndarray:
        """Return how unlike all training images each image is: above 1 means more than they are among themselves.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples,), without unit
        """
        features = self._features(X)
        return self.novelty_.score(features)

    def explain(self, X: Any, target: Any = None, *, against: Any = None) -> Explanation:
        """Split scores exactly, in float64, into named features and into pixels.

        Weights are the gradient of the score, averaged while the image brightens from black; of an affine score it is
        the same everywhere. See `equibook.integrated_gradients`.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        target : label, optional
            The class whose score is explained. None means `classes_[1]` of two, and the predicted one of more.
        against : label, optional
            Explain by how much the score of `target` is above that of this class: why the one and not the other?
            The score of two classes says so by itself.

        Returns
        -------
        Explanation
            The bias is the score of a black image.
        """
        check_is_fitted(self)
        images = as_images(X).double()
        check_same_shape(images, self.representation_.n_channels_, self.representation_.size_)
        self._check_explainable()
        components = self.reduce(images)
        scores = np.atleast_2d(self.decision_function(images).T).T  # (n_samples, n_scores)
        chosen, names = self._choose_scores(scores, target, against)
        matrix, black = self.reduction_.as_affine()
        gradients = average_gradients(self.classifier_, black, components)
        weights = np.einsum("ns,nsc->nc", chosen, gradients) @ matrix
        features, pixels = self._contributions(images, torch.from_numpy(weights))
        of_black = np.atleast_1d(decision_scores(self.classifier_, black[None])[0])
        return Explanation(
            features=features * weights,
            pixels=pixels,
            bias=chosen @ of_black,
            score=(chosen * scores).sum(axis=1),
            target=names,
            reference=self.reduction_.scaler_.mean_ * weights,
            table=self.representation_.table_,
            against=against,
        )

    def _features(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.representation_.transform(as_images(X)).numpy()

    def _check_explainable(self) -> None:
        if isinstance(self.representation_, Pixels):
            raise ValueError("`explain` needs named features, got a model of pixels. Fit one with a Representation.")
        if self.classifier == "rbf_svm" and len(self.classes_) > 2:
            others = ", ".join(name for name in CLASSIFIERS if name != "rbf_svm")
            need = "`explain` needs a score that is a sum, but pairs of classes vote in 'rbf_svm' of more than two"
            raise ValueError(f"{need}, got {len(self.classes_)} classes. Explain a model with one of {others}.")

    def _choose_scores(self, scores: np.ndarray, target: Any, against: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much each score counts for each image, (n_samples, n_scores), and the classes explained.

        Two classes share one score: it counts 1 for the second, -1 for the first.
        """
        two = scores.shape[1] == 1
        names = self.classes_[np.ones(len(scores), dtype=int) if two else scores.argmax(axis=1)]
        if target is not None:
            names = np.full(len(scores), self._find_class(target, "target"))
        counts = (names[:, None] == self.classes_).astype(float)
        if against is not None:
            other = self._find_class(against, "against")
            if (names == other).any():
                need = f"`against` must be another class than the one explained, got {against!r} for both"
                raise ValueError(f"{need}. Choose `target` or `against` differently.")
            counts -= other == self.classes_
        if two:
            counts = np.where(names == self.classes_[1], 1.0, -1.0)[:, None]
        return counts, names

    def _find_class(self, label: Any, name: str) -> Any:
        classes = self.classes_.tolist()
        return self.classes_[classes.index(check_choice(np.asarray(label).item(), classes, name=name))]

    def _contributions(self, images: torch.Tensor, weights: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        network = self.representation_.network(torch.float64)
        size = self.representation_.batch_size
        device = self.representation_.device
        parts = [
            pixel_contributions(network, batch.to(device), weight.to(device))
            for batch, weight in zip(images.split(size), weights.split(size), strict=True)
        ]
        features, pixels = (torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True))
        return features, pixels


def fit_layers(
    classifier: str, features: np.ndarray, labels: np.ndarray, *, n_components: int | None = None, random_state: int = 0
) -> tuple[Reduction, ClassifierMixin]:
    """Fit Layers 2 and 3 on features, as `GlassBoxClassifier` does.

    Parameters
    ----------
    classifier : str
        See `equibook.classifiers`.
    features : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,)
    n_components : int, optional
        Quadratic discriminants estimate a covariance a class: by default they get components to match.
    random_state : int

    Returns
    -------
    Reduction, scikit-learn classifier

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.glassbox import fit_layers
    >>> features = np.random.default_rng(0).normal(size=(30, 8))
    >>> layer_2, layer_3 = fit_layers("lda", features, features[:, 0] > 0, n_components=4)
    >>> layer_2.transform(features).shape, layer_3.classes_.tolist()
    ((30, 4), [False, True])
    """
    if n_components is None and classifier == "qda":
        smallest = np.unique(labels, return_counts=True)[1].min()
        n_components = max(1, min(default_n_components(len(labels)), int(smallest) // 2))
    layer_2 = Reduction(n_components, whiten=classifier in WHITENED, random_state=random_state)
    layer_3 = make_classifier(classifier, random_state)
    return layer_2, layer_3.fit(layer_2.fit_transform(features), labels)
