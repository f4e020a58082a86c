"""OrbitPCA equals PCA of the explicitly augmented data: eigenvalues and projectors, never single vectors."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA

from equibook import Representation, actions, datasets
from equibook.orbit_pca import GROUPS, OrbitPCA

X = datasets.load_digits(size=12)[0][:40].astype(np.float64)
COLOURED = datasets.load_photographs(size=8)[0][:30].astype(np.float64)
LAYER = Representation(scales=(1.6,), n_rings=3, max_frequency=3).fit(X)
C, K = LAYER.coefficients(X), LAYER.coefficient_table_.k


def as_real(values):
    return np.concatenate([values.real, values.imag], axis=1)


def augment(name, images):
    return np.concatenate([actions.act(g, images) for g in GROUPS[name]]).reshape(-1, images[0].size)


def augment_coefficients(n_copies):
    angles = 2 * np.pi * np.arange(n_copies) / n_copies
    return as_real(np.concatenate([C * np.exp(-1j * K * angle) for angle in angles]))


CASES = {
    "C4": ("C4", X, augment("C4", X)),
    "D4": ("D4", X, augment("D4", X)),
    "D4, odd": ("D4", X[:, :, 1:, 1:], augment("D4", X[:, :, 1:, 1:])),
    "C4, coloured": ("C4", COLOURED, augment("C4", COLOURED)),
    "D4, coloured": ("D4", COLOURED, augment("D4", COLOURED)),
    "all turns": (K, C, augment_coefficients(7)),
}


@pytest.fixture(params=CASES, name="case")
def make_case(request):
    return CASES[request.param]


def spectrum(augmented):
    values, vectors = np.linalg.eigh(np.cov(augmented.T, bias=True))
    return values[::-1], vectors[:, ::-1]


def test_all_eigenvalues_are_those_of_the_augmented_data(case):
    symmetry, data, augmented = case
    found = OrbitPCA(augmented.shape[1], symmetry=symmetry).fit(data)
    values, _ = spectrum(augmented)
    np.testing.assert_allclose(found.explained_variance_, values, rtol=0, atol=1e-10 * values[0])
    np.testing.assert_allclose(found.mean_, augmented.mean(axis=0), atol=1e-13)
    assert found.total_variance_ == pytest.approx(values.sum(), rel=1e-12)


def test_projectors_are_those_of_the_augmented_data(case):
    symmetry, data, augmented = case
    found = OrbitPCA(15, symmetry=symmetry).fit(data)
    values, vectors = spectrum(augmented)
    n = len(found.components_)
    assert n in (14, 15) and values[n - 1] - values[n] > 1e-8 * values[0]  # no pair is cut
    np.testing.assert_allclose(found.components_ @ found.components_.T, np.eye(n), atol=1e-12)
    kept = vectors[:, :n]
    np.testing.assert_allclose(found.components_.T @ found.components_, kept @ kept.T, atol=1e-10)


def test_it_is_scikit_learns_pca_of_the_augmented_data():
    found, expected = OrbitPCA(10, symmetry="D4").fit(X), PCA(10).fit(augment("D4", X))
    n = len(found.explained_variance_)
    per_one_less = found.explained_variance_ * len(X) * 8 / (len(X) * 8 - 1)
    np.testing.assert_allclose(per_one_less, expected.explained_variance_[:n], rtol=1e-10)


def test_without_the_copies_it_is_another_pca():
    found = OrbitPCA(10, symmetry="D4").fit(X)
    plain = PCA(10).fit(X.reshape(len(X), -1))
    assert abs(plain.explained_variance_[0] / found.explained_variance_[0] - 1) > 0.1


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_element_turns_components_and_changes_no_length_within_a_block(name):
    fitted = OrbitPCA(20, symmetry=name).fit(X)
    blocks = np.array(fitted.blocks_)
    before = fitted.transform(X)
    for g in GROUPS[name]:
        after = fitted.transform(actions.act(g, X))
        for block in set(blocks):
            of_block = blocks == block
            lengths = [np.linalg.norm(values[:, of_block], axis=1) for values in (before, after)]
            np.testing.assert_allclose(*lengths, atol=1e-12)
    moved = fitted.transform(actions.rotate(X, 90))
    assert np.abs(moved - before).max() > 0.1  # components of A alone stay


def test_a_turn_by_any_angle_turns_pairs_of_components_by_k_times_the_angle():
    fitted = OrbitPCA(12, symmetry=K).fit(C)
    before, after = (fitted.transform(values) for values in (C, C * np.exp(-1j * K * np.deg2rad(40))))
    place = 0
    while place < len(fitted.blocks_):
        k = int(fitted.blocks_[place].removeprefix("k="))
        if k == 0:
            np.testing.assert_allclose(after[:, place], before[:, place], atol=1e-12)
        else:
            pair, turned = (values[:, place] + 1j * values[:, place + 1] for values in (before, after))
            np.testing.assert_allclose(turned, np.exp(-1j * k * np.deg2rad(40)) * pair, atol=1e-12)
        place += 1 if k == 0 else 2


def test_all_components_give_the_data_back(case):
    symmetry, data, augmented = case
    fitted = OrbitPCA(augmented.shape[1], symmetry=symmetry).fit(data)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(data)), data, atol=1e-12)


def test_contract():
    before = X.copy()
    fitted = OrbitPCA(symmetry="C4").fit(X)
    assert np.array_equal(before, X) and clone(fitted).get_params() == {"n_components": None, "symmetry": "C4"}
    assert fitted.transform(X).shape == (40, len(fitted.components_)) and len(fitted.components_) in (12, 13)
    assert fitted.transform(X[:1]).shape[0] == 1
    np.testing.assert_allclose(fitted.transform(torch.from_numpy(X)), fitted.transform(X))
    assert list(fitted.get_feature_names_out()[:2]) == ["orbitpca0", "orbitpca1"]
    again = OrbitPCA(symmetry="C4").fit(X)
    np.testing.assert_array_equal(again.components_, fitted.components_)


@pytest.mark.parametrize(
    ("pca", "data", "message"),
    [
        (OrbitPCA(symmetry="C8"), X, "`symmetry` must be one of 'C4', 'D4', got 'C8'. Choose"),
        (OrbitPCA(0), X, "`n_components` must be a positive integer, got 0"),
        (
            OrbitPCA(1, symmetry=[1, 1]),
            np.ones((3, 2)) * 1j,
            "`n_components` must leave room for the first pair, got 1",
        ),
        (OrbitPCA(2, symmetry=K), C[:, 1:], r"`X` must hold numbers of shape \(n_samples, 51\), one"),
        (OrbitPCA(2, symmetry=K), C * np.nan, "`X` must hold finite numbers"),
        (OrbitPCA(2, symmetry=[-1, 1]), np.ones((3, 2)) * 1j, "`symmetry` must hold whole numbers from 0 on, got"),
        (OrbitPCA(2, symmetry=[0.5]), np.ones((3, 1)) * 1j, "`symmetry` must hold whole numbers from 0 on, got"),
    ],
)
def test_bad_input(pca, data, message):
    with pytest.raises(ValueError, match=message):
        pca.fit(data)


def test_images_of_another_size():
    with pytest.raises(
        ValueError, match=r"`X` must hold images of shape \(1, 12, 12\), as in `fit`, got \(1, 11, 11\)."
    ):
        OrbitPCA(2).fit(X).transform(X[:, :, 1:, 1:])
