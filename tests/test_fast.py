"""The fast form of Layer 1 is the plain one: to rounding at the finest scale, within stated bounds at coarse ones."""

import copy

import numpy as np
import pytest
import torch
from layers import D4, layer, noise
from scipy.interpolate import CubicSpline
from sklearn.datasets import load_digits
from tolerances import (
    DIFFERENT_DIGITS,
    FAST_AGAINST_PLAIN,
    FAST_FEATURES_AGAINST_PLAIN,
    ROUNDING,
    TURNED_DIGITS,
    gap,
)

import equibook.fast
from equibook.actions import act, rotate
from equibook.equivariant import EquivariantLayer, turn_coefficients
from equibook.fast import FastEquivariantLayer, coarse_stride, interpolation_matrix
from equibook.filters import morlet_bank
from equibook.invariant import Invariants

ROUND = ROUNDING[torch.float64]


@pytest.fixture(scope="module")
def digits():
    """Sixty digits of 24 x 24 pixels in 32 x 32, and their labels."""
    images, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(images[:60].reshape(-1, 1, 8, 8) / 16)
    large = torch.nn.functional.interpolate(small, size=24, mode="bicubic").clamp(0, 1)
    return torch.nn.functional.pad(large, (4, 4, 4, 4)), labels[:60]


def distances(found, expected):
    """Return the relative distance of each row."""
    return (found - expected).norm(dim=1) / expected.norm(dim=1)


def coefficients(kind, x):
    with torch.inference_mode():
        return layer(kind, x.shape[-1], x.shape[1])(x)


def at_scale(scale, *, size=32, n_channels=1):
    return layer(size=size, n_channels=n_channels).table.scale == scale


# --- against the plain form ---


@pytest.mark.parametrize("size", [8, 9, 31, 32, 64])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_the_image_and_the_finest_scale_are_exact(size, n_channels):
    x = noise(size, n_channels, n=1)
    found, expected = coefficients("fast", x), coefficients("plain", x)
    for scale in (0, 0.8):
        rows = at_scale(scale, size=size, n_channels=n_channels)
        assert gap(found[:, rows], expected[:, rows]) < ROUND


@pytest.mark.parametrize("scale", FAST_AGAINST_PLAIN)
def test_coarse_scales_are_near_on_digits(digits, scale):
    rows = at_scale(scale)
    error = distances(coefficients("fast", digits[0])[:, rows], coefficients("plain", digits[0])[:, rows])
    median, worst = FAST_AGAINST_PLAIN[scale]
    assert error.median() < median
    assert error.max() < worst
    assert error.min() > 1e-4  # it is an approximation, and the test sees that


def test_features_are_near_on_digits(digits):
    features = Invariants(layer().table)
    error = distances(features(coefficients("fast", digits[0])), features(coefficients("plain", digits[0])))
    median, worst = FAST_FEATURES_AGAINST_PLAIN
    assert error.median() < median
    assert error.max() < worst


def nearest(size, stride):
    """Read every pixel from the nearest place: what interpolation is to be better than."""
    n_places = -(-size // stride)
    places = (np.arange(n_places) - (n_places - 1) / 2) * stride
    pixels = np.arange(size) - (size - 1) / 2
    choice = abs(pixels[:, None] - places[None]).argmin(axis=1)
    return torch.from_numpy(np.eye(n_places)[choice])


def test_without_interpolation_coarse_scales_are_far(digits, monkeypatch):
    monkeypatch.setattr(equibook.fast, "interpolation_matrix", nearest)
    subsampled = FastEquivariantLayer(EquivariantLayer(32))
    for scale, (median, _) in FAST_AGAINST_PLAIN.items():
        rows = at_scale(scale)
        error = distances(subsampled(digits[0])[:, rows], coefficients("plain", digits[0])[:, rows])
        assert error.median() > 1.1 * median


def test_other_stacks_of_scales_are_near_too():
    plain = EquivariantLayer(32, scales=(1.0, 2.0, 4.0), n_orientations=6, max_orientation_frequency=1)
    x = noise(n=1)
    assert distances(FastEquivariantLayer(plain)(x), plain(x)).max() < 0.02


def test_pooled_readings_are_near_too(digits):
    plain = EquivariantLayer(32, pooled=True)
    assert distances(FastEquivariantLayer(plain)(digits[0]), plain(digits[0])).max() < 0.02


# --- its own laws (those of turns and reflections stand with the plain form's) ---


def test_a_grid_off_centre_breaks_the_law():
    """Every second of 32 pixels from the first on, as a convolution with a stride takes them: half a pixel off."""
    off, bank = copy.deepcopy(layer("fast")), morlet_bank(1.6, 8)
    off.readers[1].filters = torch.cat([bank.real, bank.imag])[:, None]
    off.readers[1].padding = bank.shape[-1] // 2
    x, k = noise(n=1), torch.from_numpy(off.table.k)
    turned = off(act(D4.elements[1], x))
    expected = turn_coefficients(off(x), k, 90)
    rows = at_scale(1.6)
    assert distances(turned[:, rows], expected[:, rows]).max() > 0.02
    assert gap(turned[:, ~rows], expected[:, ~rows]) < ROUND


@pytest.mark.parametrize("kind", TURNED_DIGITS)
def test_digits_at_any_angle_keep_their_features(digits, kind):
    x, labels = digits
    features = Invariants(layer().table)
    found = features(coefficients(kind, x))
    angles = np.random.default_rng(0).uniform(0, 360, len(x))
    error = distances(features(coefficients(kind, rotate(x, angles))), found)
    mean, worst = TURNED_DIGITS[kind]
    assert error.mean() < mean
    assert error.max() < worst
    differ = torch.from_numpy(labels[:, None] != labels)
    apart = torch.cdist(found, found) / found.norm(dim=1)[:, None]
    assert apart[differ].mean() > DIFFERENT_DIGITS
    raw = torch.cat([coefficients(kind, x).real, coefficients(kind, x).imag], dim=1)
    raw_turned = coefficients(kind, rotate(x, angles))
    assert distances(torch.cat([raw_turned.real, raw_turned.imag], dim=1), raw).mean() > 0.25  # not invariant: seen


def test_how_many_images_are_taken_at_once_changes_nothing(monkeypatch):
    x = noise(9, 3, n=5)
    expected = layer("fast", 9, 3)(x)
    monkeypatch.setattr(equibook.fast, "PIXELS_AT_ONCE", 600)  # two images
    assert gap(layer("fast", 9, 3)(x), expected) < ROUND
    monkeypatch.setattr(equibook.fast, "PIXELS_AT_ONCE", 1)
    assert gap(layer("fast", 9, 3)(x), expected) < ROUND


# --- the coarse grid ---


def test_strides_by_hand():
    assert [coarse_stride(scale) for scale in (0.8, 1.4, 1.5, 5.9, 6, 12)] == [1, 1, 2, 2, 4, 4]


@pytest.mark.parametrize("size", [8, 9, 13, 31, 32, 33])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_interpolation_is_scipys_cubic_spline_between_centred_places(size, stride):
    found = interpolation_matrix(size, stride)
    n_places = found.shape[1]
    places = (np.arange(n_places) - (n_places - 1) / 2) * stride
    pixels = np.arange(size) - (size - 1) / 2
    assert 0 <= size - 1 - stride * (n_places - 1) < stride  # no further place would fit in
    assert torch.equal(found, torch.eye(size, dtype=torch.float64)) == (stride == 1)
    assert torch.allclose(found.sum(dim=1), torch.ones(size, dtype=torch.float64), rtol=0, atol=ROUND)
    assert torch.allclose(found, found.flip(0, 1), rtol=0, atol=ROUND)
    if n_places > 3:
        values = np.random.default_rng(0).normal(size=n_places)
        assert np.allclose(found.numpy() @ values, CubicSpline(places, values)(pixels), rtol=0, atol=1e-11)


def test_one_place_serves_all():
    assert interpolation_matrix(3, 4).tolist() == [[1.0]] * 3
