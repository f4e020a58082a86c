"""Novelty: distance to the nearest training image, in units of what is usual."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from equibook import Representation, actions, datasets
from equibook.novelty import Novelty


def test_brute_force():
    X = np.random.default_rng(0).standard_normal((30, 4))
    model = Novelty(quantile=0.5).fit(X)
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert model.usual_ == pytest.approx(np.median(apart.min(axis=1)), rel=1e-5)
    assert model.score(X).max() < 1e-3
    far = model.score(X[:1] + 100)
    assert far[0] > 10


def test_at_most_so_many_references():
    X = np.random.default_rng(0).standard_normal((300, 4))
    assert Novelty(n_references=50).fit(X).neighbours_.n_samples_fit_ == 50
    assert Novelty(n_references=500).fit(X).neighbours_.n_samples_fit_ == 300


def test_same_images_only():
    score = Novelty().fit(np.zeros((5, 3))).score(np.zeros((2, 3)))
    assert np.array_equal(score, [0, 0])


def test_turned_digits_are_known_and_nonsense_is_not():
    X, _ = datasets.load_digits(classes=(3, 8))
    layer = Representation().fit(X)
    model = Novelty().fit(layer.transform(X[:100]))
    assert np.mean(model.score(layer.transform(actions.rotate(X[100:], 50))) > 1) < 0.05
    noise = np.random.default_rng(0).random((20, 1, 32, 32), dtype=np.float32)
    assert model.score(layer.transform(noise)).min() > 2
    assert model.score(layer.transform(np.zeros_like(noise)))[0] > 2


def test_not_fitted():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Novelty().score(np.zeros((1, 3)))
