r"""Layer 3: scikit-learn's classifiers under their names, and one score whose sign agrees with the prediction.

The score of nearest mean is ours, :math:`\lVert z-\mu_0\rVert^2 - \lVert z-\mu_1\rVert^2`, which is affine in z.
scikit-learn's `NearestCentroid.decision_function` divides by the within-class deviation; it can contradict `predict`.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC

from equibook._checks import check_choice

# The numbers were chosen by validation on training digits: 100 of two classes, and 750 of ten.
CLASSIFIERS: dict[str, Callable[[int], ClassifierMixin]] = {
    "nearest_mean": lambda seed: NearestCentroid(),
    "lda": lambda seed: LinearDiscriminantAnalysis(),
    "qda": lambda seed: QuadraticDiscriminantAnalysis(reg_param=0.1),
    "naive_bayes": lambda seed: GaussianNB(),
    "ridge": lambda seed: RidgeClassifier(),
    "linear_svm": lambda seed: LinearSVC(C=0.01, random_state=seed),
    "rbf_svm": lambda seed: SVC(C=10, break_ties=True),
    "mlp": lambda seed: MLPClassifier((64,), alpha=1, max_iter=1000, random_state=seed),
}
AFFINE = ("nearest_mean", "lda", "ridge", "linear_svm")
PROBABILISTIC = ("nearest_mean", "lda", "qda", "naive_bayes", "mlp")
WHITENED = ("nearest_mean", "linear_svm", "mlp")


def make_classifier(name: str, random_state: int = 0) -> ClassifierMixin:
    """Return an unfitted classifier.

    Parameters
    ----------
    name : {"nearest_mean", "lda", "qda", "naive_bayes", "ridge", "linear_svm", "rbf_svm", "mlp"}
    random_state : int

    Returns
    -------
    scikit-learn classifier

    Examples
    --------
    >>> from equibook.classifiers import make_classifier
    >>> [type(make_classifier(name)).__name__ for name in ("nearest_mean", "rbf_svm")]
    ['NearestCentroid', 'SVC']
    """
    return CLASSIFIERS[check_choice(name, CLASSIFIERS, name="classifier")](random_state)


def as_affine(classifier: ClassifierMixin) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of a fitted affine classifier as a matrix and an offset: `Z @ matrix.T + offset`.

    Parameters
    ----------
    classifier : NearestCentroid, or a fitted classifier with `coef_` and `intercept_`

    Returns
    -------
    matrix : ndarray of shape (n_scores, n_components), n_scores being 1 for two classes and n_classes for more
    offset : ndarray of shape (n_scores,)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.classifiers import as_affine, make_classifier
    >>> nearest = make_classifier("nearest_mean").fit(np.array([[0.0], [1.0], [4.0], [5.0]]), [0, 0, 1, 1])
    >>> matrix, offset = as_affine(nearest)  # (z - 0.5)² - (z - 4.5)² = 8 z - 20
    >>> matrix.tolist(), offset.tolist()
    ([[8.0]], [-20.0])
    """
    if not isinstance(classifier, NearestCentroid):
        return np.atleast_2d(classifier.coef_), np.atleast_1d(classifier.intercept_)
    means = classifier.centroids_
    matrix, offset = 2 * means, -(means**2).sum(axis=1)
    return (np.diff(matrix, axis=0), np.diff(offset)) if len(means) == 2 else (matrix, offset)


def decision_scores(classifier: ClassifierMixin, Z: np.ndarray) -> np.ndarray:
    """Return scores whose sign (two classes) or largest (more) agrees with the classifier's own `predict`.

    Parameters
    ----------
    classifier : fitted classifier, one of those of `make_classifier`
    Z : ndarray of shape (n_samples, n_components)

    Returns
    -------
    ndarray of shape (n_samples,) for two classes, positive for `classes_[1]`; otherwise (n_samples, n_classes)
        Affine classifiers and `rbf_svm`: in their own unit; the others: log probabilities up to a number that an
        image's classes share, or for two classes their difference.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.classifiers import decision_scores, make_classifier
    >>> nearest = make_classifier("nearest_mean").fit(np.array([[0.0], [1.0], [4.0], [5.0]]), ["a", "a", "b", "b"])
    >>> Z = np.array([[0.5], [2.5], [3.5]])
    >>> decision_scores(nearest, Z).tolist()  # 2.5 lies in the middle
    [-16.0, 0.0, 8.0]
    >>> nearest.predict(Z[[0, 2]]).tolist()
    ['a', 'b']
    """
    if isinstance(classifier, NearestCentroid):
        matrix, offset = as_affine(classifier)
        scores = Z @ matrix.T + offset
    elif isinstance(classifier, MLPClassifier):
        scores = _outputs(classifier, Z)
    elif isinstance(classifier, GaussianNB):
        log_p = classifier.predict_joint_log_proba(Z)
        scores = np.diff(log_p, axis=1) if log_p.shape[1] == 2 else log_p
    else:
        return classifier.decision_function(Z)
    return scores[:, 0] if scores.shape[1] == 1 else scores


def class_probabilities(classifier: ClassifierMixin, Z: np.ndarray) -> np.ndarray:
    """Return class probabilities of one of the `PROBABILISTIC` classifiers.

    Nearest mean counts as equal round Gaussians of variance 1 around the means of whitened components.

    Parameters
    ----------
    classifier : fitted classifier
    Z : ndarray of shape (n_samples, n_components)

    Returns
    -------
    ndarray of shape (n_samples, n_classes), rows of sum 1

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.classifiers import class_probabilities, make_classifier
    >>> nearest = make_classifier("nearest_mean").fit(np.array([[0.0], [1.0], [4.0], [5.0]]), ["a", "a", "b", "b"])
    >>> class_probabilities(nearest, np.array([[0.5], [2.5]])).round(3).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    if not isinstance(classifier, NearestCentroid):
        return classifier.predict_proba(Z)
    scores = decision_scores(classifier, Z) / 2
    return softmax(scores, axis=1) if scores.ndim == 2 else np.stack([expit(-scores), expit(scores)], axis=1)


def _outputs(classifier: MLPClassifier, Z: np.ndarray) -> np.ndarray:
    """Return what leaves the last layer, before it is made into probabilities: (n_samples, n_scores)."""
    layers = zip(classifier.coefs_, classifier.intercepts_, strict=True)
    (into, offset), *rest = layers
    values = Z @ into + offset
    for weights, bias in rest:
        values = np.maximum(values, 0) @ weights + bias
    return values
