"""Gradients averaged along a path: closed forms against quadrature, and the parts against the change of the score."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import fixed_quad

from equibook.classifiers import CLASSIFIERS, decision_scores, make_classifier
from equibook.integrated_gradients import average_gradients

CASES = [(name, n) for name in CLASSIFIERS for n in (2, 3) if (name, n) != ("rbf_svm", 3)]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    means = np.array([[2, 0, 0, 1], [-1, 1, 0, 0], [0, -2, 1, 0]])
    labels = np.arange(120) % 3
    return means[labels] + rng.standard_normal((120, 4)), labels


def fitted(name, n_classes, data):
    Z, labels = data
    rows = labels < n_classes
    return make_classifier(name).fit(Z[rows], labels[rows])


def scores(classifier, Z):
    found = decision_scores(classifier, Z)
    return found[:, None] if found.ndim == 1 else found


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_parts_sum_to_the_change_of_the_score(data, name, n_classes):
    classifier = fitted(name, n_classes, data)
    start, ends = np.array([0.3, -1, 0.5, 2]), data[0][:50]
    found = np.einsum("nsc,nc->ns", average_gradients(classifier, start, ends), ends - start)
    expected = scores(classifier, ends) - scores(classifier, start[None])
    assert np.allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_they_are_averages_of_gradients(data, name, n_classes):
    classifier = fitted(name, n_classes, data)
    start, end = np.array([0.3, -1, 0.5, 2]), data[0][4]
    h = 1e-5 * np.eye(4)

    def along(t, direction):
        path = start + t[:, None] * (end - start)
        return ((scores(classifier, path + direction) - scores(classifier, path - direction)) / 2e-5).T

    edges = np.linspace(0, 1, 401)  # short pieces: a perceptron has corners
    for i, direction in enumerate(h):
        pieces = [fixed_quad(along, a, b, args=(direction,), n=3)[0] for a, b in pairwise(edges)]
        found = average_gradients(classifier, start, end[None])[0, :, i]
        assert np.allclose(found, sum(pieces), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["qda", "naive_bayes", "mlp", "rbf_svm"])
def test_the_gradient_at_the_end_is_not_enough(data, name):
    classifier = fitted(name, 2, data)
    start, ends = np.array([0.3, -1, 0.5, 2]), data[0][:50]
    at_end = np.concatenate([average_gradients(classifier, end, end[None]) for end in ends])
    found = np.einsum("nsc,nc->ns", at_end, ends - start)
    expected = scores(classifier, ends) - scores(classifier, start[None])
    assert np.abs(found - expected).max() > 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("length", [0, 1e-200, 1e-12, 1e-8, 1e-5])
def test_short_paths_have_the_gradient_where_they_are(data, name, length):
    classifier = fitted(name, 2, data)
    start = data[0][1]
    found = average_gradients(classifier, start, start[None] + length)
    h = 1e-5 * np.eye(4)
    expected = np.array([(scores(classifier, (start + d)[None]) - scores(classifier, (start - d)[None]))[0] for d in h])
    assert np.allclose(found[0], expected.T / 2e-5, rtol=1e-3, atol=1e-4)


def test_a_unit_at_rest_on_its_corner_is_finite(data):
    classifier = fitted("mlp", 2, data)
    classifier.coefs_[0][:] = 0
    classifier.intercepts_[0][:3] = 0
    assert np.isfinite(average_gradients(classifier, data[0][0], data[0][:2])).all()


def test_votes_of_pairs_are_no_sum(data):
    with pytest.raises(ValueError, match=r"two classes apart .*, got 3 classes\. Choose another"):
        average_gradients(fitted("rbf_svm", 3, data), data[0][0], data[0][:2])
