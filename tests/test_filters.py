"""The filters: their formulas by hand, and copies that are equal to the last bit under turns and reflections."""

import cmath
import math
from itertools import product

import pytest
import torch
from layers import D4
from tolerances import ROUNDING

from equibook.actions import act, act_on_maps, pixel_grid
from equibook.filters import circular_harmonics, disc_window, morlet, morlet_bank, ring_radii, ring_windows

ROUND = ROUNDING[torch.float64]
BANKS = list(product([0.8, 1.6, 3.2], [2, 4, 6, 8, 12], [False, True]))
SIZES = [1, 2, 3, 8, 9, 31, 32, 33]


def is_fixed(patterns):
    """Say whether every element of D4 leaves patterns, (n, size, size), as they are to the last bit."""
    return all(torch.equal(act(g, patterns), patterns) for g in D4)


# --- wavelets ---


def test_a_morlet_by_hand():
    """On 3 x 3 pixels, from the formula with Python's own complex numbers."""
    scale, angle, frequency = 0.9, 30.0, 1.3
    places = [(right, up) for up in (1, 0, -1) for right in (-1, 0, 1)]
    envelope = [math.exp(-(right**2 + up**2) / (2 * scale**2)) for right, up in places]
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    wave = [cmath.exp(1j * frequency / scale * (c * right + s * up)) for right, up in places]
    kappa = sum(g * w for g, w in zip(envelope, wave, strict=True)) / sum(envelope)
    expected = [g * (w - kappa) / sum(envelope) for g, w in zip(envelope, wave, strict=True)]
    expected = torch.tensor(expected, dtype=torch.complex128).reshape(3, 3)
    assert torch.allclose(morlet(3, scale, angle, frequency=frequency), expected, rtol=0, atol=ROUND)


@pytest.mark.parametrize(("size", "scale"), [(7, 0.8), (6, 0.8), (21, 3.2), (20, 3.2)])
def test_a_morlet_does_not_see_grey_and_a_bare_wave_does(size, scale):
    wavelet = morlet(size, scale, 20)
    x, y = pixel_grid(size)
    envelope = torch.exp(-(x**2 + y**2) / (2 * scale**2))
    assert wavelet.sum().abs() < 1e-15
    assert (envelope / envelope.sum() * torch.exp(1j * 1.3 / scale * x)).sum().abs() > 0.4


def test_a_wavelet_answers_most_to_the_wave_of_its_own_direction():
    x, y = pixel_grid(11)
    bank = morlet_bank(1.6, 8)
    for i in range(8):
        angle = math.radians(22.5 * i)
        wave = torch.exp(-1j * 1.3 / 1.6 * (math.cos(angle) * x + math.sin(angle) * y))
        assert (bank * wave).sum(dim=(1, 2)).abs().argmax() == i


@pytest.mark.parametrize(("scale", "n_orientations", "even"), BANKS)
def test_the_wavelets_of_a_bank_are_exact_copies(scale, n_orientations, even):
    bank = morlet_bank(scale, n_orientations, even=even)
    real, imaginary = bank.real[None, None], bank.imag[None, None]
    assert bank.shape[-1] % 2 == (not even)
    for g in D4:
        assert torch.equal(act_on_maps(g, real), real)
        assert torch.equal(act_on_maps(g, imaginary).abs(), imaginary.abs())
        signs = (
            (act_on_maps(g, imaginary) * imaginary).sum(dim=(-2, -1)).sign()
        )  # the opposite direction: the conjugate
        assert torch.equal(act_on_maps(g, imaginary), signs[..., None, None] * imaginary)


@pytest.mark.parametrize("scale", [0.8, 3.2])
def test_a_bank_is_the_formula_in_every_direction(scale):
    bank = morlet_bank(scale, 8)
    expected = torch.stack([morlet(bank.shape[-1], scale, 22.5 * i) for i in range(8)])
    assert torch.allclose(bank, expected, rtol=0, atol=ROUND)
    assert not torch.equal(bank, expected)  # computed again, the last bits differ


def test_a_nudged_wavelet_is_no_copy():
    bank = morlet_bank(1.6, 8)
    bank[3] = morlet(bank.shape[-1], 1.6, 67.5 + 1)
    real = bank.real[None, None]
    assert all((act_on_maps(g, real) - real).abs().max() > 1e-4 for g in D4 if g != D4.identity and g.angle != 180)


# --- windows, rings and harmonics ---


def test_windows_by_hand():
    window = disc_window(4, taper=0.5)  # of radius 2; it falls from radius 1 on
    assert window[0, 0] == 0  # at radius 2.1
    assert window[1, 1] == 1  # at radius 0.7
    assert math.isclose(window[0, 1], math.sin(math.pi / 2 * (2 - math.hypot(0.5, 1.5))) ** 2, rel_tol=ROUND)


def test_rings_by_hand():
    assert ring_radii(12, 3).tolist() == [1, 3, 5]
    window = ring_windows(12, 3)[1]
    x, y = pixel_grid(12)
    weights = torch.exp(-((torch.hypot(x, y) - 3) ** 2) / (2 * (0.6 * 2) ** 2))
    assert torch.allclose(window, weights / weights.sum(), rtol=0, atol=ROUND)


@pytest.mark.parametrize("size", SIZES)
def test_windows_and_rings_are_symmetric_to_the_last_bit(size):
    rings = ring_windows(size, 6)
    assert is_fixed(disc_window(size)[None])
    assert is_fixed(rings)
    assert torch.allclose(rings.sum(dim=(1, 2)), torch.ones(6, dtype=torch.float64), rtol=0, atol=ROUND)
    if size > 2:
        x, _ = pixel_grid(size)
        assert not is_fixed(rings * torch.exp(0.01 * x))


@pytest.mark.parametrize("size", SIZES)
def test_harmonics_are_the_formula_and_turn_by_exact_factors(size):
    x, y = pixel_grid(size)
    m = torch.arange(7)[:, None, None]
    waves = circular_harmonics(size, 6)
    is_centre = torch.hypot(x, y) == 0
    expected = torch.where(is_centre & (m > 0), 0, torch.exp(-1j * m * torch.atan2(y, x)))
    powers = torch.tensor([1, 1j, -1, -1j], dtype=waves.dtype)
    assert torch.allclose(waves, expected, rtol=0, atol=ROUND)
    for g in D4:
        quarters = round(g.angle / 90)  # place u now shows what was at arg u - angle, or at angle - arg u
        moved = torch.complex(act(g, waves.real), act(g, waves.imag))
        assert torch.equal(
            moved, powers[-m * quarters % 4] * waves.conj() if g.reflected else powers[m * quarters % 4] * waves
        )


def test_harmonics_of_a_grid_off_centre_do_not_turn():
    """Every second of 32 pixels, from the first on: the centre of that grid is not the centre of the image."""
    powers = torch.tensor([1, 1j, -1, -1j], dtype=torch.complex128)[:, None, None]
    off_centre, centred = circular_harmonics(32, 3)[:, ::2, ::2], circular_harmonics(16, 3)
    assert torch.equal(torch.rot90(centred, 1, (1, 2)), powers * centred)
    assert (torch.rot90(off_centre, 1, (1, 2)) - powers * off_centre).abs().max() > 0.5


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: morlet_bank(1.0, 5), ValueError, r"`n_orientations` must be even, got 5\. A quarter turn .* choose 4"),
        (lambda: morlet_bank(1.0, 0), ValueError, r"`n_orientations` must be a positive integer, got 0\. Pass a whole"),
        (lambda: morlet_bank(1.0, 8.0), TypeError, r"`n_orientations` must be a positive integer, got 8\.0\. Pass a"),
        (lambda: ring_windows(8, 0), ValueError, r"`n_rings` must be a positive integer, got 0\. Pass a whole"),
    ],
)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
