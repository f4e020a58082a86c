"""The plain form of Layer 1: lifting, reading in polar harmonics, and the laws that the coefficients obey."""

import cmath
import copy
import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layers import D4, FORWARD_MODE, GROUPS, SIZES, hard_images, layer, noise, orbit_coefficients, place_in_d4
from tolerances import ROUNDING, gap

from equibook.actions import act, act_on_maps, pixel_grid, translate
from equibook.equivariant import (
    EquivariantLayer,
    Lifting,
    PolarHarmonics,
    list_readings,
    modulus,
    reflect_coefficients,
    turn_coefficients,
)

ROUND = ROUNDING[torch.float64]
SMALL = EquivariantLayer(
    8, scales=(0.8, 1.6), n_orientations=4, max_orientation_frequency=1, n_rings=2, max_frequency=2
)


def k_of(some_layer):
    return torch.from_numpy(some_layer.table.k)


def as_moved(coefficients, k, g):
    """Return what the law says of the coefficients of an image moved by g."""
    return reflect_coefficients(coefficients, k, g.axis) if g.reflected else turn_coefficients(coefficients, k, g.angle)


# --- the lift ---


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_lifted_maps_move_and_change_orientation_with_the_image(size, dtype, n_channels):
    x = noise(size, n_channels, dtype, n=1)
    with torch.inference_mode():
        found = Lifting((0.8, 1.6), 8).to(dtype)(torch.cat([act(g, x) for g in D4]))
    assert found.shape == (8, 2 * n_channels, 8, size, size)
    for g in (g for group in GROUPS for g in group):
        assert gap(found[place_in_d4(g)][None], act_on_maps(g, found[:1])) < ROUNDING[dtype]


def test_pixels_alone_do_not_say_how_maps_move():
    lifting, x = Lifting((0.8,), 8), noise(16)
    maps = lifting(x)
    assert gap(lifting(act(D4.elements[1], x)), act(D4.elements[1], maps[:, 0])[:, None]) > 0.1


def test_a_nudged_wavelet_breaks_the_law():
    lifting, x, turn = Lifting((1.6,), 8), noise(16), D4.elements[1]
    lifting.filters_0[3] = lifting.filters_0[3].roll(1, -1)
    assert gap(lifting(act(turn, x)), act_on_maps(turn, lifting(x))) > 0.1


def test_filters_run_through_the_scales_of_one_channel_after_the_other():
    lifting, x = Lifting((0.8, 1.6), 4), noise(9, 2)
    alone = torch.cat([lifting(x[:, :1]), lifting(x[:, 1:])], dim=1)
    assert gap(lifting(x), alone) < ROUND
    assert gap(lifting(x)[:, 1:2], Lifting((1.6,), 4)(x[:, :1])) < ROUND


def test_a_point_lights_up_as_the_absolute_value_of_the_wavelet():
    lifting = Lifting((0.8,), 4)
    x = torch.zeros(1, 1, 15, 15, dtype=torch.float64)
    x[0, 0, 7, 7] = 1
    wavelets = torch.complex(*lifting.filters_0[:, 0].chunk(2)).abs()
    assert gap(lifting(x)[0, 0, :, 4:11, 4:11], wavelets.flip(-1, -2)) < ROUND


# --- the readings ---


def test_readings_by_hand():
    """One ring of radius 0.5, band 1: |m| ≤ 1. Of (m, l) and (-m, -l) one stands there."""
    found = [(m, l) for _, m, l in list_readings([0.5], 2, 1, band=1.0)]
    assert found == [(0, 0), (1, 0), (-1, 1), (0, 1)]
    assert [m + 2 * l for m, l in found] == [0, 1, 1, 2]


@pytest.mark.parametrize("size", SIZES)
def test_every_coefficient_is_listed_once_with_its_frequency(size):
    table = layer(size=size).table
    rows = set(zip(table.channel, table.scale, table.ring, table.m, table.l, strict=True))
    mirrored = {(c, s, r, -m, -l) for c, s, r, m, l in rows if (m, l) != (0, 0)}
    assert (table.k == table.m + 2 * table.l).all()
    assert table.k.min() == 0
    assert table.k.max() == 5
    assert len(rows) == len(table) == len(set(table.names))
    assert rows & mirrored == set()
    radius = (table.ring + 0.5) * size / 12
    assert (abs(table.m) <= radius + 1.6).all()
    assert len(layer(size=size)(noise(size, n=1))[0]) == len(table)


def test_names():
    assert SMALL.table.names[0] == "image ring=0 m=0"
    assert "scale=1.6 ring=1 m=-1 l=1" in SMALL.table.names
    two = EquivariantLayer(8, 2).table
    assert {"channel=0 image ring=0 m=0", "channel=1 scale=0.8 ring=0 m=0 l=0"} <= set(two.names)
    assert len(set(two.names)) == len(two)


@pytest.mark.parametrize("size", [32, 33])
@pytest.mark.parametrize("m", [0, 1, 2, 3])
def test_a_wave_around_the_centre_is_read_at_its_own_frequency(size, m):
    x, y = pixel_grid(size)
    pattern = torch.cos(m * torch.atan2(y, x)) * torch.exp(-((torch.hypot(x, y) - 9) ** 2) / 8)
    read = PolarHarmonics(size, 1, max_orientation_frequency=0)
    energy = {other: 0.0 for other in range(6)}
    for (_, other, _), c in zip(read.readings, read(pattern[None, None, None])[0, 0], strict=True):
        energy[other] += float(c.abs() ** 2)
    here = energy.pop(m)
    assert max(energy.values()) < 2e-4 * here  # what is left is due to the square grid


@pytest.mark.parametrize("angle", [0, 22.5, 45, 100, 135, 170])
def test_a_grating_has_the_phase_of_its_direction(angle):
    """A wave in direction α has its largest maps at θ = α, so that l = 1 has the phase -2α."""
    x, y = pixel_grid(33)
    direction = math.radians(angle)
    grating = torch.cos(1.3 / 1.6 * (math.cos(direction) * x + math.sin(direction) * y))
    maps = Lifting((1.6,), 8)(grating[None, None])[..., 8:25, 8:25]
    read = PolarHarmonics(17, 8, pooled=True)
    c = complex(read(maps)[0, 0, [l for _, _, l in read.readings].index(1)])
    assert abs(cmath.phase(c * cmath.exp(2j * direction))) < 0.01
    assert abs(cmath.phase(c * cmath.exp(2j * (direction - math.radians(10))))) > 0.3  # a direction 10 degrees off


def test_pooled_readings_are_means_by_hand():
    read = PolarHarmonics(2, 4, max_orientation_frequency=1, pooled=True)
    maps = torch.arange(4, dtype=torch.float64)[None, None, :, None, None].expand(1, 1, 4, 2, 2)
    assert read.readings == [(0, 0, 0), (0, 0, 1)]
    assert torch.allclose(read(maps)[0, 0], torch.tensor([1.5, (0 - 1j - 2 + 3j) / 4], dtype=torch.complex128))


def test_pooled_coefficients_do_not_see_a_shift_and_rings_do():
    x = torch.zeros(1, 1, 48, 48, dtype=torch.float64)
    x[..., 21:27, 20:26] = noise(6, n=1)
    moved = translate(x, (3, -2))
    pooled = EquivariantLayer(48, pooled=True)
    assert gap(pooled(moved), pooled(x)) < ROUND
    assert gap(layer(size=48)(moved), layer(size=48)(x)) > 0.1


# --- the laws of the coefficients ---


@pytest.mark.parametrize(("kind", "size"), [*product(["plain", "fast"], SIZES), ("fast", 64)])
@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_coefficients_turn_by_their_frequency_and_are_conjugated_by_reflections(kind, size, dtype, n_channels):
    found = orbit_coefficients(kind, size, n_channels, dtype)
    k = k_of(layer(kind, size, n_channels, dtype))
    for g in (g for group in GROUPS for g in group):
        assert gap(found[place_in_d4(g)], as_moved(found[0], k, g)) < ROUNDING[dtype]


def test_other_laws_do_not_hold():
    found, k = orbit_coefficients("plain", 32, 1, torch.float64), k_of(layer())
    turned, flipped = found[1], found[4]
    assert gap(turned, turn_coefficients(found[0], k, 90)) < ROUND
    assert gap(turned, turn_coefficients(found[0], k, -90)) > 0.05  # the wrong way round
    assert gap(turned, turn_coefficients(found[0], k + 1, 90)) > 0.5
    assert gap(turned, turn_coefficients(found[0], k - torch.from_numpy(layer().table.l), 90)) > 0.01  # l counted once
    assert gap(flipped, reflect_coefficients(found[0], k, 0)) < ROUND
    assert gap(flipped, reflect_coefficients(found[0], k, 90)) > 0.05
    assert gap(flipped, turn_coefficients(found[0], k, 0)) > 0.05


def test_a_filter_out_of_place_breaks_the_law():
    off = copy.deepcopy(layer())
    off.lifting.filters_2[5] = off.lifting.filters_2[5].roll(1, -1)
    x, rows = noise(n=1), off.table.scale == 3.2
    error = off(act(D4.elements[1], x)) - turn_coefficients(off(x), k_of(off), 90)
    assert error[:, rows].norm() > 0.005 * off(x)[:, rows].norm()
    assert error[:, ~rows].norm() < ROUND


@given(a=st.floats(-400, 400), b=st.floats(-400, 400))
def test_turns_of_coefficients_add_up_and_two_reflections_are_a_turn(a, b):
    k = torch.arange(6)
    c = torch.polar(torch.ones(2, 6, dtype=torch.float64), torch.arange(12.0, dtype=torch.float64).reshape(2, 6))
    assert gap(turn_coefficients(turn_coefficients(c, k, a), k, b), turn_coefficients(c, k, a + b)) < ROUND
    twice = reflect_coefficients(reflect_coefficients(c, k, a), k, b)
    assert gap(twice, turn_coefficients(c, k, 2 * (b - a))) < ROUND


# --- the absolute value ---


def test_modulus_by_hand():
    pairs = torch.tensor([[3.0, 0.0, 4.0, 0.0]])
    assert modulus(pairs).tolist() == [[5.0, 0.0]]
    with torch.inference_mode():
        assert modulus(pairs).tolist() == [[5.0, 0.0]]


def test_the_rounding_of_a_zero_has_no_direction():
    """A number 1e-17 beside 1 is rounding: the derivative there is 0; beside 1e-16 it is what it is."""
    for largest, expected in ((1.0, 0.0), (1e-16, 1.0)):
        pairs = torch.tensor([[1e-17, largest, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
        modulus(pairs)[0, 0].backward()
        assert pairs.grad[0, 0] == pytest.approx(expected)


@FORWARD_MODE
def test_modulus_has_the_derivative_0_at_0_in_both_modes_and_hypot_has_none():
    zero = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    modulus(zero).sum().backward()
    assert zero.grad.tolist() == [[0, 0]]
    with torch.no_grad():
        assert torch.func.jvp(modulus, (torch.zeros(1, 2),), (torch.ones(1, 2),))[1].tolist() == [[0]]
    other = torch.zeros(2, requires_grad=True)
    torch.hypot(other[0], other[1]).backward()
    assert other.grad.isnan().any()


# --- as a block among others ---


@pytest.mark.parametrize("kind", ["plain", "fast"])
class TestBlock:
    def test_twice_as_bright_is_twice_as_large(self, kind):
        x = noise(9)
        assert gap(layer(kind, 9)(3 * x), 3 * layer(kind, 9)(x)) < ROUND
        assert gap(layer(kind, 9)(3 * x), layer(kind, 9)(x)) > 0.5

    def test_images_do_not_see_each_other(self, kind):
        x = noise(9, n=3)
        assert gap(layer(kind, 9)(x[[2, 0]]), layer(kind, 9)(x)[[2, 0]]) < ROUND
        assert gap(layer(kind, 9)(x[1:2]), layer(kind, 9)(x)[1:2]) < ROUND

    def test_no_image_gives_no_row(self, kind):
        assert layer(kind, 9, 3)(noise(9, 3, n=0)).shape == (0, len(layer(kind, 9, 3).table))

    def test_moved_to_float32_it_is_near_itself(self, kind):
        low = layer(kind, 9, 1, torch.float32)(noise(9, dtype=torch.float32))
        assert low.dtype == torch.complex64
        assert gap(low.to(torch.complex128), layer(kind, 9)(noise(9))) < ROUNDING[torch.float32]

    def test_copies_and_stored_states_are_the_same_function(self, kind):
        original = layer(kind, 9)
        twin = copy.deepcopy(original)
        blank = copy.deepcopy(original)
        for buffer in blank.buffers():
            buffer.zero_()
        assert torch.equal(twin(noise(9)), original(noise(9)))
        assert not torch.equal(blank(noise(9)), original(noise(9)))
        blank.load_state_dict(original.state_dict())
        assert torch.equal(blank(noise(9)), original(noise(9)))

    def test_inference_mode_changes_nothing(self, kind):
        with torch.inference_mode():
            found = layer(kind, 9)(noise(9))
        assert gap(found, layer(kind, 9)(noise(9))) < ROUND

    def test_black_and_single_pixels_have_finite_derivatives(self, kind):
        x = hard_images(9).requires_grad_()
        layer(kind, 9)(x).abs().sum().backward()
        assert x.grad.isfinite().all()
        assert x.grad[0].abs().sum() == 0
        assert x.grad[1].abs().sum() > 0

    @FORWARD_MODE
    def test_derivatives_are_those_of_differences_in_both_modes(self, kind):
        x = noise(9, n=1)
        direction = noise(9, n=2)[1:]
        found, forward = torch.func.jvp(layer(kind, 9), (x,), (direction,))
        numeric = (layer(kind, 9)(x + 1e-6 * direction) - layer(kind, 9)(x - 1e-6 * direction)) / 2e-6
        assert gap(forward, numeric) < 1e-6
        assert gap(found, layer(kind, 9)(x)) < ROUND
        leaf = x.clone().requires_grad_()
        layer(kind, 9)(leaf).abs().square().sum().backward()
        assert torch.isclose((leaf.grad * direction).sum(), 2 * (found.conj() * forward).real.sum())

    def test_images_of_another_shape_are_refused(self, kind):
        for x in (noise(9, 3), noise(8)):
            with pytest.raises(
                ValueError, match=r"`images` must have shape \(n_samples, 1, 9, 9\), got .*\. Build the"
            ):
                layer(kind, 9)(x)


def test_gradcheck():
    x = noise(8, n=1).requires_grad_()
    assert torch.autograd.gradcheck(SMALL, (x,), fast_mode=True)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: EquivariantLayer(16, n_orientations=7),
            ValueError,
            r"`n_orientations` must be even, got 7\. A quarter",
        ),
        (
            lambda: EquivariantLayer(16, max_orientation_frequency=4),
            ValueError,
            r"`max_orientation_frequency` must be from 0 to less than half of 8 orientations, got 4\. Lower",
        ),
        (lambda: EquivariantLayer(16, max_orientation_frequency=-1), ValueError, r"got -1\. Lower it"),
        (lambda: PolarHarmonics(16, 1, max_orientation_frequency=1), ValueError, r"half of 1 orientations, got 1"),
        (lambda: EquivariantLayer(0), ValueError, r"`size` must be a positive integer, got 0\. Pass a whole"),
        (lambda: EquivariantLayer(16, 0), ValueError, r"`n_channels` must be a positive integer, got 0\. Pass a whole"),
        (lambda: EquivariantLayer(16, n_rings=0), ValueError, r"`n_rings` must be a positive integer, got 0\. Pass a"),
    ],
)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
