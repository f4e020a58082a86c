"""Reconstruction: least squares from coefficients, searches from invariants; what is forgotten is not found again."""

import numpy as np
import pytest
import torch

from equibook import Representation, actions, datasets
from equibook.reconstruction import ImageHarmonics, peak_signal_to_noise, search_images

X = datasets.load_digits()[0][:40].astype(np.float64)


def test_from_192_numbers_digits_are_rebuilt_above_30_db():
    harmonics = ImageHarmonics(32, n_rings=12, max_frequency=10)
    assert harmonics.n_numbers == 192 < 32 * 32
    found = peak_signal_to_noise(harmonics.rebuild(harmonics.read(X)), X)
    assert np.median(found) >= 30 and found.min() >= 25
    few = ImageHarmonics(32, n_rings=6, max_frequency=3)
    assert np.median(peak_signal_to_noise(few.rebuild(few.read(X)), X)) < 23


def test_it_is_the_least_squares_solution():
    harmonics = ImageHarmonics(16, n_rings=5, max_frequency=4)
    images = np.random.default_rng(0).random((3, 2, 16, 16))
    rebuilt = harmonics.rebuild(harmonics.read(images))
    np.testing.assert_allclose(harmonics.read(rebuilt), harmonics.read(images), atol=1e-12)
    np.testing.assert_allclose(harmonics.rebuild(harmonics.read(rebuilt)), rebuilt, atol=1e-12)  # a projection
    assert ((rebuilt**2).sum(axis=(2, 3)) < (images**2).sum(axis=(2, 3))).all()
    off = np.abs((rebuilt * (images - rebuilt)).sum(axis=(2, 3)))
    np.testing.assert_allclose(off, 0, atol=1e-10)  # and an orthogonal one


def test_a_quarter_turn_multiplies_coefficients_and_turns_what_is_rebuilt():
    harmonics = ImageHarmonics(32)
    before, after = harmonics.read(X), harmonics.read(actions.rotate(X, 90))
    np.testing.assert_allclose(after, before * (-1j) ** harmonics.m, atol=1e-14)
    np.testing.assert_allclose(harmonics.rebuild(after), actions.rotate(harmonics.rebuild(before), 90), atol=1e-12)


def test_turning_one_frequency_alone_gives_another_image_with_the_same_cross_spectra():
    """What cross-spectra of order 0 forget: the phase between frequencies."""
    harmonics = ImageHarmonics(32)
    coefficients = harmonics.read(X)
    changed = np.where(harmonics.m == 2, -1, 1) * coefficients
    first, second = harmonics.rebuild(coefficients), harmonics.rebuild(changed)
    again = harmonics.read(second)
    for k in range(1, 11):
        of_k = harmonics.m == k
        products = [c[..., of_k, None] * c[..., None, of_k].conj() for c in (coefficients, again)]
        np.testing.assert_allclose(*products, atol=1e-12)
    turned = [np.linalg.norm(actions.rotate(first, angle) - second, axis=(2, 3)) for angle in range(0, 360, 5)]
    assert (np.min(turned, axis=0) > 0.2 * np.linalg.norm(first, axis=(2, 3))).all()


def test_peak_signal_to_noise_by_hand():
    reference = np.zeros((2, 1, 2, 2))
    assert peak_signal_to_noise(reference + 0.1, reference) == pytest.approx([20, 20])
    assert np.isinf(peak_signal_to_noise(torch.zeros(1, 4), torch.zeros(1, 4))).all()


@pytest.fixture(scope="module")
def searches():
    small = datasets.load_digits(size=16)[0][3:5].astype(np.float64)
    found = {}
    for invariant in ("average", "power", "bispectrum"):
        layer = Representation(invariant=invariant, scales=(0.8, 1.6)).fit(small)
        found[invariant] = search_images(layer, small, n_steps=150)
    return small, found


def test_the_more_is_kept_the_nearer_the_search_comes(searches):
    _, found = searches
    assert all(search.mismatch.max() <= 0.1 for search in found.values())
    errors = {invariant: search.error.mean() for invariant, search in found.items()}
    assert errors["average"] > errors["power"] > errors["bispectrum"]
    assert errors["average"] > 0.5 and errors["bispectrum"] < 0.4


def test_a_search_says_how_far_it_came(searches):
    small, found = searches
    search = found["bispectrum"]
    assert search.images.shape == small.shape and np.isfinite(search.images).all()
    gap = np.linalg.norm(search.images - small, axis=(2, 3))[:, 0] / np.linalg.norm(small, axis=(2, 3))[:, 0]
    np.testing.assert_allclose(search.error, gap, rtol=1e-9)
    layer = Representation(invariant="bispectrum", scales=(0.8, 1.6)).fit(small)
    short = search_images(layer, small, n_steps=3)
    assert (short.mismatch > search.mismatch).all()
    other = search_images(layer, small, n_steps=3, random_state=1)
    assert not np.array_equal(other.images, short.images)
    np.testing.assert_array_equal(search_images(layer, small, n_steps=3).images, short.images)


def test_a_black_image_is_found_without_dividing_by_zero():
    layer = Representation().fit(np.zeros((1, 16, 16)))
    search = search_images(layer, np.zeros((1, 1, 16, 16)), n_steps=5)
    assert np.isfinite(search.error).all() and np.isfinite(search.images).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ImageHarmonics(0), "`size` must be a positive integer, got 0"),
        (lambda: ImageHarmonics(8, max_frequency=0), "`max_frequency` must be a positive integer, got 0"),
        (lambda: ImageHarmonics(8).read(np.zeros((1, 9, 9))), "`images` must have 8 x 8 pixels, got 9. Make harmonics"),
        (lambda: ImageHarmonics(8).rebuild(np.zeros((1, 1, 3))), r"`coefficients` must have shape \(n_samples, n_chan"),
        (lambda: search_images(Representation().fit(X), X, n_steps=0), "`n_steps` must be a positive integer, got 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
