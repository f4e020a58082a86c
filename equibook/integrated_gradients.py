r"""The gradient of a score, averaged while the image brightens from black: what makes curved scores split exactly, too.

Features are of degree 1, so while an image brightens from black, :math:`t\,x` with t from 0 to 1, its components run
straight from those of black, a, to its own, z. The score changes along this path by

.. math:: s(z) - s(a) = \Bigl(\int_0^1 \nabla s\bigl(a + t(z - a)\bigr)\,dt\Bigr) \cdot (z - a),

a weighted sum, with the average gradient as the weights (integrated gradients: Sundararajan et al. 2017,
arXiv:1703.01365). For each classifier the integral has a closed form:

- affine scores have one gradient everywhere;
- a quadratic score has a gradient that changes evenly, so its average is that at the middle of the path;
- the hidden units of a perceptron are open during a part of the path that one can read off;
- radial basis functions leave integrals of Gaussians along a line.
"""

import numpy as np
from scipy.special import erf
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from equibook.classifiers import as_affine

SHORT = 1e-9  # of a path, in the unit of the kernel's width: the gradient at its middle serves as its average


def average_gradients(classifier: ClassifierMixin, start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the gradients of the scores of `decision_scores`, averaged along straight paths.

    Parameters
    ----------
    classifier : fitted classifier, one of those of `make_classifier`
        Support vectors with radial basis functions for two classes only.
    start : ndarray of shape (n_components,)
        Where all paths begin.
    ends : ndarray of shape (n_samples, n_components)

    Returns
    -------
    ndarray of shape (n_samples, n_scores, n_components)
        n_scores is 1 for two classes. Each, times the path, sums to the change of the score.

    Raises
    ------
    ValueError
        For support vectors of more than two classes: pairs of classes vote, so that a score is no sum.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.classifiers import decision_scores, make_classifier
    >>> from equibook.integrated_gradients import average_gradients
    >>> Z = np.random.default_rng(0).normal(size=(20, 3))
    >>> curved = make_classifier("rbf_svm").fit(Z, Z[:, 0] > 0)
    >>> start, ends = np.zeros(3), Z[:5]
    >>> parts = average_gradients(curved, start, ends)[:, 0] * (ends - start)
    >>> rise = decision_scores(curved, ends) - decision_scores(curved, start[None])
    >>> parts.shape, np.allclose(parts.sum(axis=1), rise)
    ((5, 3), True)
    """
    if isinstance(classifier, QuadraticDiscriminantAnalysis):
        gradients = _gradients_of_qda(classifier, (start + ends) / 2)
    elif isinstance(classifier, GaussianNB):
        gradients = (classifier.theta_ - (start + ends)[:, None] / 2) / classifier.var_
    elif isinstance(classifier, MLPClassifier):
        return _gradients_of_mlp(classifier, start, ends)
    elif isinstance(classifier, SVC):
        return _gradients_of_rbf(classifier, start, ends)
    else:
        matrix, _ = as_affine(classifier)
        return np.broadcast_to(matrix, (len(ends), *matrix.shape))
    return np.diff(gradients, axis=1) if gradients.shape[1] == 2 else gradients


def _gradients_of_qda(classifier: QuadraticDiscriminantAnalysis, Z: np.ndarray) -> np.ndarray:
    layers = zip(classifier.means_, classifier.rotations_, classifier.scalings_, strict=True)
    return np.stack([(mean - Z) @ (rotation / variances) @ rotation.T for mean, rotation, variances in layers], axis=1)


def _gradients_of_mlp(classifier: MLPClassifier, start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return them for one hidden layer of ReLUs: unit h counts for the part of the path along which it is open."""
    (into, out), (offset, _) = classifier.coefs_, classifier.intercepts_
    before = start @ into + offset
    change = (ends - start) @ into
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.clip(-before / change, 0, 1)
    share = np.where(change > 0, 1 - crossing, crossing)
    share = np.where(change == 0, before > 0, share)  # (n_samples, n_hidden)
    return np.einsum("nh,ch,hs->nsc", share, into, out, optimize=True)


def _gradients_of_rbf(classifier: SVC, start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    r"""Return them for :math:`\sum_i a_i e^{-\gamma \lVert z - z_i \rVert^2}`, whose integrals are error functions."""
    if len(classifier.classes_) > 2:
        need = "support vectors with radial basis functions must tell two classes apart to have a score that is a sum"
        raise ValueError(f"The {need}, got {len(classifier.classes_)} classes. Choose another classifier.")
    gamma, weights = classifier._gamma, classifier.dual_coef_[0]
    centres = classifier.support_vectors_ - start
    steps = ends - start
    squares = (steps**2).sum(axis=1, keepdims=True)  # (n_samples, 1)
    along = steps @ centres.T  # (n_samples, n_support)
    is_short = gamma * squares < SHORT**2
    squares = np.where(is_short, 1, squares)
    nearest = along / squares  # where on the path a centre is nearest
    width = np.sqrt(gamma * squares)
    height = np.exp(-gamma * ((centres**2).sum(axis=1) - along * nearest))
    integral = height * np.sqrt(np.pi) / (2 * width) * (erf(width * (1 - nearest)) + erf(width * nearest))
    at_ends = [np.exp(-gamma * ((t * steps[:, None] - centres) ** 2).sum(axis=2)) for t in (0, 1)]
    moment = nearest * integral + (at_ends[0] - at_ends[1]) / (2 * width**2)
    middle = np.exp(-gamma * ((steps[:, None] / 2 - centres) ** 2).sum(axis=2))
    integral, moment = np.where(is_short, middle, integral), np.where(is_short, middle / 2, moment)
    gradients = (weights * integral) @ centres - (weights * moment).sum(axis=1, keepdims=True) * steps
    return 2 * gamma * gradients[:, None]
