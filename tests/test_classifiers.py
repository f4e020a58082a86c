"""Layer 3: one score for every classifier, agreeing with its prediction."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.neighbors import NearestCentroid

from equibook.classifiers import (
    AFFINE,
    CLASSIFIERS,
    PROBABILISTIC,
    as_affine,
    class_probabilities,
    decision_scores,
    make_classifier,
)


def blobs(n_classes, n=40, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), n)
    means = 2 * rng.standard_normal((n_classes, 5))
    return means[y] + rng.standard_normal((len(y), 5)) * (1 + y[:, None] / n_classes), y


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_score_agrees_with_predict(name, n_classes):
    Z, y = blobs(n_classes)
    classifier = make_classifier(name).fit(Z, y)
    everywhere = np.concatenate([Z, 4 * np.random.default_rng(1).standard_normal((500, 5))])
    scores = decision_scores(classifier, everywhere)
    assert scores.shape == ((len(everywhere),) if n_classes == 2 else (len(everywhere), n_classes))
    assert np.isfinite(scores).all()
    chosen = (scores > 0).astype(int) if n_classes == 2 else scores.argmax(axis=1)
    assert np.array_equal(chosen, classifier.predict(everywhere))


def test_scikit_learns_score_of_nearest_mean_may_disagree():
    """Why the score is ours: the negative control of the test above."""
    Z, y = blobs(2)
    Z[y == 1, 0] *= 30  # classes of unlike deviation
    classifier = NearestCentroid().fit(Z, y)
    everywhere = 40 * np.random.default_rng(1).standard_normal((2000, 5))
    ours = (decision_scores(classifier, everywhere) > 0).astype(int)
    assert np.array_equal(ours, classifier.predict(everywhere))
    theirs = (classifier.decision_function(everywhere) > 0).astype(int)
    assert not np.array_equal(theirs, classifier.predict(everywhere))


def test_nearest_mean_by_hand():
    classifier = make_classifier("nearest_mean").fit([[0.0, 0.0], [2.0, 0.0], [4.0, 2.0], [4.0, 4.0]], [0, 0, 1, 1])
    z = np.array([[1.0, 1.0]])  # means (1, 0) and (4, 3): squared distances 1 and 13
    assert decision_scores(classifier, z) == pytest.approx([1 - 13])


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", AFFINE)
def test_affine_form(name, n_classes):
    Z, y = blobs(n_classes)
    classifier = make_classifier(name).fit(Z, y)
    matrix, offset = as_affine(classifier)
    scores = decision_scores(classifier, Z)
    assert np.allclose(Z @ matrix.T + offset, scores.reshape(len(Z), -1), atol=1e-12)


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name not in AFFINE])
def test_the_others_are_not_affine(name):
    Z, y = blobs(2)
    classifier = make_classifier(name).fit(Z, y)
    scores = [decision_scores(classifier, Z + step) for step in (-1, 0, 1)]
    assert np.abs(scores[0] + scores[2] - 2 * scores[1]).max() > 1e-3


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", PROBABILISTIC)
def test_probabilities(name, n_classes):
    Z, y = blobs(n_classes)
    classifier = make_classifier(name).fit(Z, y)
    probabilities = class_probabilities(classifier, Z)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(probabilities.argmax(axis=1), classifier.predict(Z))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_of_nearest_mean_are_those_of_round_gaussians(n_classes):
    Z, y = blobs(n_classes)
    classifier = make_classifier("nearest_mean").fit(Z, y)
    density = np.stack([multivariate_normal(mean).pdf(Z) for mean in classifier.centroids_], axis=1)
    assert np.allclose(class_probabilities(classifier, Z), density / density.sum(axis=1, keepdims=True))


def test_seed_decides():
    Z, y = blobs(2)
    scores = [decision_scores(make_classifier("mlp", seed).fit(Z, y), Z) for seed in (1, 1, 2)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_unknown_name():
    with pytest.raises(ValueError, match=r"`classifier` must be one of 'nearest_mean', .*, got 'knn'\. Choose"):
        make_classifier("knn")
