"""The invariants: what a turn leaves, what a reflection changes in sign, and what each choice forgets."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layers import D4, FORWARD_MODE, GROUPS, SIZES, hard_images, layer, noise, orbit_coefficients, place_in_d4
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tolerances import ROUNDING, gap

from equibook.equivariant import CoefficientTable, EquivariantLayer, reflect_coefficients, turn_coefficients
from equibook.invariant import INVARIANTS, Invariants, pair_neighbours

ROUND = ROUNDING[torch.float64]


def table_of(*rows):
    """Return a table of coefficients from rows (channel, scale, ring, m, l)."""
    return CoefficientTable(*(np.array(column) for column in zip(*rows, strict=True)))


# Two rings of k = 1, one coefficient of k = 0 with a phase, one real one.
TINY = table_of((0, 1.0, 0, 0, 0), (0, 1.0, 0, -2, 1), (0, 1.0, 0, 1, 0), (0, 1.0, 1, 1, 0))
TINY_VALUES = torch.tensor([[2, 1 + 2j, 3, 4j], [2, 1 + 2j, 0, 0]], dtype=torch.complex128)


# --- by hand ---


def test_tiny_by_hand():
    features = Invariants(TINY)
    cross = 3 * -4j / 5  # 3 · conj(4i), over the norm of both
    expected = torch.tensor([[2, 1, 2, 3, 4, cross.real, cross.imag], [2, 1, 2, 0, 0, 0, 0]], dtype=torch.float64)
    assert gap(features(TINY_VALUES), expected) < ROUND
    assert features.table.names == [
        "scale=1 ring=0 m=0 l=0 re",
        "scale=1 ring=0 m=-2 l=1 re",
        "scale=1 ring=0 m=-2 l=1 im",
        "scale=1 ring=0 m=1 l=0 abs",
        "scale=1 ring=1 m=1 l=0 abs",
        "scale=1 ring=0 m=1 l=0 * scale=1 ring=1 m=1 l=0 re",
        "scale=1 ring=0 m=1 l=0 * scale=1 ring=1 m=1 l=0 im",
    ]
    assert features.table.k.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert features.table.ring.tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert set(features.table.scale) == {1.0}


@pytest.mark.parametrize(("invariant", "expected"), list(zip(INVARIANTS, [1, 3, 5, 7, 7], strict=True)))
def test_choices_are_cumulative(invariant, expected):
    features = Invariants(TINY, invariant)
    assert len(features.table) == expected
    assert features(TINY_VALUES).tolist() == Invariants(TINY)(TINY_VALUES)[:, :expected].tolist()


def test_a_triple_product_by_hand():
    table = table_of((0, 1.0, 0, 1, 0), (0, 1.0, 0, 2, 0), (0, 1.0, 0, 3, 0))
    values = torch.tensor([[3, 2j, 6 + 0j], [0, 0, 0]], dtype=torch.complex128)
    features = Invariants(table, "bispectrum")
    *_, square, product, square_im, product_im = features(values).T
    norm = 9 + 4 + 36
    assert torch.allclose(
        torch.complex(square, square_im), torch.tensor([3 * 3 * -2j / norm, 0], dtype=torch.complex128)
    )
    assert torch.allclose(
        torch.complex(product, product_im), torch.tensor([3 * 2j * 6 / norm, 0], dtype=torch.complex128)
    )
    assert features.table.names[-1] == "scale=1 ring=0 m=1 l=0 * scale=1 ring=0 m=2 l=0 * scale=1 ring=0 m=3 l=0 im"
    assert features.table.names[-4].endswith("m=1 l=0 * scale=1 ring=0 m=1 l=0 * scale=1 ring=0 m=2 l=0 re")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("invariant", INVARIANTS)
def test_every_number_has_one_name(size, invariant):
    features = Invariants(layer(size=size).table, invariant)
    assert len(features.table) == len(set(features.table.names)) == features(layer(size=size)(noise(size))).shape[1]


# --- the laws ---


@pytest.mark.parametrize("kind", ["plain", "fast"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_turns_leave_all_and_reflections_change_the_sign_of_imaginary_parts(kind, size, dtype, n_channels):
    features = Invariants(layer(kind, size, n_channels, dtype).table, "bispectrum").to(dtype)
    found = features(orbit_coefficients(kind, size, n_channels, dtype).flatten(0, 1)).unflatten(0, (8, -1))
    sign = torch.from_numpy(np.where(features.table.part == "im", -1.0, 1.0)).to(dtype)
    assert found.dtype == dtype
    for g in (g for group in GROUPS for g in group):
        expected = sign * found[0] if g.reflected else found[0]
        assert gap(found[place_in_d4(g)], expected) < ROUNDING[dtype]


@pytest.mark.parametrize("invariant", INVARIANTS)
@pytest.mark.parametrize("dtype", ROUNDING)
def test_those_of_o2_stay_under_reflections_too(invariant, dtype):
    table, coefficients = layer("plain", 32, 3, dtype).table, orbit_coefficients("plain", 32, 3, dtype)
    features = Invariants(table, invariant, group="O(2)").to(dtype)
    found = features(coefficients.flatten(0, 1)).unflatten(0, (8, -1))
    with_sign = Invariants(table, invariant).to(dtype)
    assert all(gap(found[place_in_d4(g)], found[0]) < ROUNDING[dtype] for g in D4)
    signed = with_sign(coefficients.flatten(0, 1)).unflatten(0, (8, -1))
    assert torch.equal(
        found[0], torch.where(torch.from_numpy(features.table.part == "|im|"), signed[0].abs(), signed[0])
    )
    assert (gap(signed[4], signed[0]) > 0.01) == (invariant != "average")  # a control: with signs a reflection shows


def test_signs_are_needed_and_other_numbers_are_no_invariants():
    orbit, table = orbit_coefficients("plain", 32, 1, torch.float64), layer().table
    features = Invariants(table)
    turn, flip = orbit[1], orbit[4]
    imaginary = torch.from_numpy(features.table.part == "im")
    assert gap(features(flip)[:, imaginary], features(orbit[0])[:, imaginary]) > 0.5
    moving = torch.from_numpy(table.k % 4 != 0)
    assert gap(turn[:, moving].real.abs(), orbit[0][:, moving].real.abs()) > 0.1


def test_pairs_of_unequal_frequency_are_no_invariants():
    table, orbit = layer().table, orbit_coefficients("plain", 32, 1, torch.float64)
    features = Invariants(table)
    wrong = copy.deepcopy(features)
    wrong.rows_second[:] = wrong.rows_second.roll(1)
    assert gap(features(orbit[1]), features(orbit[0])) < ROUND
    cross = torch.from_numpy(features.table.b >= 0)
    assert gap(wrong(orbit[1])[:, cross], wrong(orbit[0])[:, cross]) > 0.1


@given(angle=st.floats(-400, 400), axis=st.floats(-400, 400))
def test_the_laws_hold_at_any_angle_where_the_coefficients_obey_theirs(angle, axis):
    features, c = Invariants(TINY), TINY_VALUES
    k = torch.from_numpy(TINY.k)
    sign = torch.from_numpy(np.where(features.table.part == "im", -1.0, 1.0))
    assert gap(features(turn_coefficients(c, k, angle)), features(c)) < ROUND
    assert gap(features(reflect_coefficients(c, k, axis)), sign * features(c)) < ROUND


@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e3])
def test_features_have_degree_1(factor):
    features, c = Invariants(layer(size=9).table, "bispectrum"), layer(size=9)(noise(9))
    assert gap(features(factor * c), factor * features(c)) < ROUND


def test_products_without_the_norm_have_degree_2():
    features, c = Invariants(TINY), TINY_VALUES
    doubled = features(2 * c)[:, -2:] / features(c)[:1, -2:]
    assert doubled[0, 1] == 2
    assert (2 * c[0, 2] * (2 * c[0, 3]).conj() / (c[0, 2] * c[0, 3].conj())).real == 4


# --- what is kept and what is forgotten ---


@pytest.mark.parametrize("size", [*SIZES, 64])
@pytest.mark.parametrize("options", [{}, {"n_channels": 3}, {"n_orientations": 4, "max_orientation_frequency": 1}])
def test_neighbours_join_all_coefficients_of_one_channel_and_frequency(size, options):
    table = EquivariantLayer(size, scales=(0.8, 1.6), **options).table
    first, second = pair_neighbours(table)
    assert (table.k[first] == table.k[second]).all()
    assert (table.channel[first] == table.channel[second]).all()
    assert (table.k[first] != 0).all()
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(table), len(table)))
    _, component = connected_components(graph, directed=False)
    for channel in range(table.channel.max() + 1):
        for k in range(1, 6):
            assert len(set(component[(table.k == k) & (table.channel == channel)])) == 1


def test_neighbours_by_hand():
    table = table_of(
        (0, 0.0, 0, 1, 0),
        (0, 0.8, 0, 1, 0),
        (0, 0.8, 1, 1, 0),
        (0, 0.8, 0, -1, 1),
        (0, 0.8, 1, 3, -1),
        (1, 0.8, 1, 1, 0),
    )
    pairs = set(zip(*(rows.tolist() for rows in pair_neighbours(table)), strict=True))
    assert pairs == {(0, 1), (1, 2), (3, 1), (4, 2)}


def test_one_phase_a_frequency_is_open_and_no_other():
    features, c, k = Invariants(layer().table), layer()(noise(n=1)), torch.from_numpy(layer().table.k)
    for frequency in range(1, 6):
        together = torch.where(k == frequency, 1j, 1) * c
        assert gap(features(together), features(c)) < ROUND
        alone = c.clone()
        alone[:, (k == frequency).nonzero()[0]] *= 1j
        assert not torch.allclose(features(alone), features(c), rtol=0, atol=1e-6)
        power = Invariants(layer().table, "power")
        assert gap(power(alone), power(c)) < ROUND  # forgets that too
    assert gap(features(torch.where(k == 0, 1j, 1) * c), features(c)) > 0.1  # k = 0 keeps its phase


@pytest.mark.parametrize("n_channels", [1, 3])
def test_with_triple_products_one_turn_is_open_and_no_other(n_channels):
    plain = layer("plain", 32, n_channels)
    features, c, k = Invariants(plain.table, "bispectrum"), plain(noise(n=1, n_channels=n_channels)), plain.table.k
    turned = turn_coefficients(c, torch.from_numpy(k), 17)
    assert gap(features(turned), features(c)) < ROUND
    for frequency in range(1, 6):
        together = torch.where(torch.from_numpy(k == frequency), 1j, 1) * c  # what cross-spectra forget
        assert gap(features(together), features(c)) > 1e-3
    if n_channels == 3:
        of_one_channel = torch.where(torch.from_numpy(plain.table.channel == 1), turned, c)
        cross = Invariants(plain.table)
        assert gap(cross(of_one_channel), cross(c)) < ROUND  # channel by channel
        assert gap(features(of_one_channel), features(c)) > 1e-3


def test_cross_spectra_give_the_coefficients_back_up_to_a_phase():
    """Walk from neighbour to neighbour: C_b = conj(cross / C_a) · norm."""
    table, c = layer(size=9).table, layer(size=9)(noise(9, n=1))[0]
    features = Invariants(table)
    values, cross = features(c[None])[0], features.table.b >= 0
    half = cross.sum() // 2
    pairs = dict(zip(zip(features.table.a[cross][:half], features.table.b[cross][:half], strict=True),
                     torch.complex(*values[torch.from_numpy(cross)].chunk(2)), strict=True))  # fmt: skip
    rows = np.flatnonzero(table.k == 2)
    norm = values[torch.from_numpy((features.table.part == "abs") & (features.table.k == 2))].norm()
    known = {rows[0]: c[rows[0]] * 1j}  # any phase to begin with
    while len(known) < len(rows):
        for (a, b), value in pairs.items():
            if a in known and b not in known:
                known[b] = (value * norm / known[a]).conj()
            elif b in known and a not in known:
                known[a] = value * norm / known[b].conj()
    found = torch.stack([known[row] for row in rows])
    assert gap(found, 1j * c[torch.from_numpy(rows)]) < 1e-9


# --- as a block among others ---


@pytest.mark.parametrize("kind", ["plain", "fast"])
@pytest.mark.parametrize("group", ["SO(2)", "O(2)"])
def test_black_and_single_pixels_have_finite_features_and_derivatives(kind, group):
    x = hard_images(9).requires_grad_()
    features = Invariants(layer(kind, 9).table, "bispectrum", group=group)(layer(kind, 9)(x))
    features.sum().backward()
    assert torch.equal(features[0], torch.zeros(len(features[0])))
    assert features.isfinite().all()
    assert x.grad.isfinite().all()
    assert x.grad[1].abs().sum() > 0


@FORWARD_MODE
def test_derivatives_in_both_modes():
    features = Invariants(TINY)
    c = TINY_VALUES[:1] + 0.1
    assert torch.autograd.gradcheck(features, (c.clone().requires_grad_(),), check_forward_ad=True)
    black = torch.zeros(1, 4, dtype=torch.complex128)
    assert torch.func.jvp(features, (black,), (torch.ones_like(black),))[1].isfinite().all()


def test_gradcheck_from_the_image_on():
    plain = EquivariantLayer(
        8, scales=(0.8,), n_orientations=4, max_orientation_frequency=1, n_rings=2, max_frequency=2
    )
    features, x = Invariants(plain.table), noise(8, n=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: features(plain(x)), (x,), fast_mode=True)


def test_euler_gives_the_features_back_from_their_gradient():
    """Of degree 1: the sum over all features is its own gradient times the image."""
    x = noise(9, n=1).requires_grad_()
    total = Invariants(layer(size=9).table)(layer(size=9)(x)).sum()
    (gradient,) = torch.autograd.grad(total, x)
    assert torch.isclose((gradient * x).sum(), total, rtol=ROUND, atol=0)


def test_batches_copies_states_and_dtypes():
    features, c = Invariants(layer(size=9).table), layer(size=9)(noise(9, n=3))
    expected = features(c)
    assert features(c[:0]).shape == (0, len(features.table))
    assert gap(features(c[1:2]), expected[1:2]) < ROUND
    assert expected.is_contiguous()
    assert torch.equal(copy.deepcopy(features)(c), expected)
    blank = copy.deepcopy(features)
    for buffer in blank.buffers():
        buffer.zero_()
    assert not torch.equal(blank(c), expected)
    blank.load_state_dict(features.state_dict())
    assert torch.equal(blank(c), expected)
    low = copy.deepcopy(features).to(torch.float32)(c.to(torch.complex64))
    assert low.dtype == torch.float32
    assert gap(low.double(), expected) < ROUNDING[torch.float32]


@pytest.mark.parametrize("invariant", ["trispectrum", None, 3])
def test_bad_input(invariant):
    need = r"`invariant` must be one of 'average', 'k0', 'power', 'cross', 'bispectrum', got .*\. Choose"
    with pytest.raises(ValueError, match=need):
        Invariants(TINY, invariant)


@pytest.mark.parametrize("group", ["C4", None, "so(2)"])
def test_an_unknown_group(group):
    with pytest.raises(ValueError, match=r"`group` must be one of 'SO\(2\)', 'O\(2\)', got .*\. Choose"):
        Invariants(TINY, group=group)


def test_the_orbit_is_that_of_d4():
    assert [place_in_d4(g) for g in D4] == list(range(8))
