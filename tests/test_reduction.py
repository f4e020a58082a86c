"""Layer 2: standardisation and PCA."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from equibook.reduction import Reduction


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 12)) @ rng.standard_normal((12, 20)) + 5


@pytest.mark.parametrize("whiten", [False, True])
def test_equals_scikit_learn(features, whiten):
    ours = Reduction(5, whiten=whiten).fit_transform(features)
    theirs = make_pipeline(StandardScaler(), PCA(5, whiten=whiten, random_state=0)).fit_transform(features)
    assert np.allclose(ours, theirs, atol=1e-12)


def test_equals_pca_by_svd(features):
    standardised = (features - features.mean(0)) / features.std(0)
    _, _, directions = np.linalg.svd(standardised, full_matrices=False)
    by_svd = standardised @ directions[:3].T
    assert np.allclose(np.abs(Reduction(3).fit_transform(features)), np.abs(by_svd), atol=1e-10)


@pytest.mark.parametrize("whiten", [False, True])
def test_is_one_affine_map(features, whiten):
    model = Reduction(5, whiten=whiten).fit(features[:40])
    matrix, offset = model.as_affine()
    assert matrix.shape == (5, 20)
    assert np.allclose(features @ matrix.T + offset, model.transform(features), atol=1e-12)


def test_whitened_components_have_variance_1(features):
    assert np.allclose(Reduction(5, whiten=True).fit_transform(features).var(axis=0, ddof=1), 1)
    assert not np.allclose(Reduction(5).fit_transform(features).var(axis=0, ddof=1), 1)


@pytest.mark.parametrize(("n_samples", "expected"), [(60, 20), (30, 10), (7, 2), (2, 1)])
def test_default_is_a_third_of_the_samples(features, n_samples, expected):
    assert Reduction().fit(features[:n_samples]).pca_.n_components_ == expected


def test_default_stops_at_200():
    X = np.random.default_rng(0).standard_normal((1000, 230))
    assert Reduction().fit(X).pca_.n_components_ == 200


@pytest.mark.parametrize("n_samples", [30, 60, 400])
def test_few_components_are_as_exact_as_all(n_samples):
    X = np.random.default_rng(0).standard_normal((n_samples, 600))
    every = np.linalg.eigvalsh(np.corrcoef(X.T))[::-1] * n_samples / (n_samples - 1)
    assert np.allclose(Reduction(8).fit(X).pca_.explained_variance_, every[:8], rtol=1e-10)
    theirs = PCA(8, svd_solver="randomized", random_state=0).fit(StandardScaler().fit_transform(X))
    assert not np.allclose(theirs.explained_variance_, every[:8], rtol=1e-6)


LEARNED = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
)


@pytest.mark.parametrize("n_components", [1, 20, 39])
def test_fewer_samples_than_features(n_components):
    X = np.random.default_rng(0).standard_normal((40, 300)) * np.linspace(0.1, 3, 300)
    ours = Reduction(n_components, whiten=True).fit(X)
    theirs = PCA(n_components, whiten=True, svd_solver="full").fit(ours.scaler_.transform(X))
    for name in LEARNED:
        assert np.allclose(getattr(ours.pca_, name), getattr(theirs, name), atol=1e-9), name
    assert np.allclose(ours.transform(X), theirs.transform(ours.scaler_.transform(X)), atol=1e-9)


def test_components_without_variance_are_found_by_svd():
    X = np.repeat(np.random.default_rng(0).standard_normal((10, 300)), 4, axis=0)  # nine directions
    components = Reduction(20).fit(X).pca_.components_
    assert np.allclose(components @ components.T, np.eye(20), atol=1e-10)


def test_large_data_get_the_randomised_components(monkeypatch):
    monkeypatch.setattr("equibook.reduction.EXACT_UP_TO", 20)
    X = np.random.default_rng(0).standard_normal((40, 30))
    assert Reduction(3).fit(X).pca_.svd_solver == "randomized"
    assert np.array_equal(Reduction(3).fit_transform(X), Reduction(3).fit_transform(X))


def test_contract(features):
    model = Reduction(4)
    assert clone(model).get_params() == model.get_params()
    before = features.copy()
    model.fit(features)
    assert np.array_equal(features, before)
    assert list(model.get_feature_names_out()) == [f"reduction{i}" for i in range(4)]
    assert np.array_equal(model.fit(features).transform(features), Reduction(4).fit_transform(features))


def test_constant_features_do_no_harm(features):
    features[:, 3] = 7
    assert np.isfinite(Reduction().fit_transform(features)).all()


@pytest.mark.parametrize(
    ("n_components", "message"),
    [
        (60, r"`n_components` must be at most 20 for 60 samples with 20 varying features, got 60\. Lower"),
        (0, r"`n_components` must be a positive integer, got 0\. Pass"),
    ],
)
def test_impossible_numbers_of_components(features, n_components, message):
    with pytest.raises(ValueError, match=message):
        Reduction(n_components).fit(features)


def test_fewer_samples_than_components(features):
    with pytest.raises(ValueError, match=r"at most 9 for 10 samples .*, got 15\. Lower it, pass more samples"):
        Reduction(15).fit(features[:10])


def test_nothing_varies():
    with pytest.raises(ValueError, match=r"`X` must vary, got 5 samples with the same features\. Pass"):
        Reduction().fit(np.ones((5, 3)))


def test_not_fitted(features):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Reduction().transform(features)
