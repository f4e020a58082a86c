"""Orbits: axioms found broken, a law that is exact in D_4 and fails where it must, and orbits that count right."""

import re

import numpy as np
import pytest
import torch

from equibook import actions, datasets, orbits
from equibook.groups import CyclicGroup, DihedralGroup, Element
from equibook.orbits import Shift, ShiftGroup
from equibook.shapes import SHAPES, draw_shape

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
C4, D4 = CyclicGroup(4), DihedralGroup(4)
NOISE = np.random.default_rng(0).normal(size=(3, 2, 6, 6))
GROUPS = [CyclicGroup(1), C4, CyclicGroup(5), DihedralGroup(1), DihedralGroup(3), D4, ShiftGroup(1), ShiftGroup(3)]
STABILIZERS = {  # under D_4, in the symbols of its elements
    "L": "e", "J": "e", "S": "e r²", "Z": "e r²", "bar": "e r² s r²s", "triangle": "e r²s", "star": "e r²s",
    "square": "e r r² r³ s rs r²s r³s", "cross": "e r r² r³ s rs r²s r³s", "disc": "e r r² r³ s rs r²s r³s",
    "ring": "e r r² r³ s rs r²s r³s",
}  # fmt: skip


def act_from_the_wrong_side(g, images):
    return actions.act(D4.inverse(g), images)


# --- groups ---


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_a_group_breaks_no_axiom(group):
    assert orbits.broken_axioms(group, group.compose) == {}


@pytest.mark.parametrize(
    ("elements", "compose", "broken"),
    [
        (C4.elements[:2], C4.compose, {"closure", "inverse"}),
        (C4.elements[1:], C4.compose, {"closure", "identity", "inverse"}),
        (D4.elements[4:], D4.compose, {"closure", "identity", "inverse"}),
        (range(4), lambda a, b: (a - b) % 4, {"associativity", "identity", "inverse"}),
        (range(3), max, {"inverse"}),
        (range(1, 3), lambda a, b: 1, {"identity", "inverse"}),
        ([Shift(i, 0, 9) for i in range(3)], ShiftGroup(9).compose, {"closure", "inverse"}),
    ],
)
def test_what_is_no_group_is_told_why(elements, compose, broken):
    found = orbits.broken_axioms(elements, compose)
    assert set(found) == broken and all(found.values())


def test_the_cases_are_true():
    found = orbits.broken_axioms(C4.elements[:2], C4.compose)
    assert found["closure"] == "rotation by 90° after rotation by 90° gives rotation by 180°, which is not in the set"
    found = orbits.broken_axioms(range(4), lambda a, b: (a - b) % 4)
    assert found["associativity"] == "with a = 0, b = 0, c = 1, (ab)c is 3 and a(bc) is 1"


def test_symbols_say_how_elements_are_made():
    assert orbits.symbols(D4) == ["e", "r", "r²", "r³", "s", "rs", "r²s", "r³s"]
    assert orbits.symbols(CyclicGroup(11))[-1] == "r¹⁰"
    r, s = Element(1, False, 4), Element(0, True, 4)
    for name, g in zip(orbits.symbols(D4), D4, strict=True):
        power = {"e": 0, "s": 0, "r": 1, "rs": 1}.get(name, int("²" in name) * 2 + int("³" in name) * 3)
        made = D4.identity
        for letter in [r] * power + [s] * ("s" in name):
            made = D4.compose(made, letter)
        assert made == g


def test_shifts_compose_and_invert():
    group = ShiftGroup(5)
    assert group.order == len(group) == 25 == len(set(group)) and group.elements[1] == Shift(1, 0, 5)
    for a in group:
        assert group.compose(a, group.inverse(a)) == Shift(0, 0, 5) == group.elements[0]


# --- the law ---


@pytest.mark.parametrize("group", [C4, DihedralGroup(2), D4, ShiftGroup(6)], ids=repr)
def test_moved_pixels_obey_the_law_to_the_last_bit(group):
    errors = orbits.action_law_errors(NOISE, group)
    assert errors.shape == (len(group), len(group)) and errors.max() == 0


def test_the_wrong_side_breaks_the_law_where_elements_do_not_commute():
    errors, table = orbits.action_law_errors(NOISE, D4, act=act_from_the_wrong_side), D4.cayley_table()
    assert np.array_equal(errors > 0, table != table.T) and np.count_nonzero(errors) == 24
    assert orbits.action_law_errors(NOISE, C4, act=act_from_the_wrong_side).max() == 0


def test_interpolation_breaks_the_law_a_little():
    X, _ = datasets.load_digits(classes=(3, 8))
    errors = orbits.action_law_errors(X[:20], CyclicGroup(8))
    assert 0.01 < errors.max() < 0.02  # measured 0.016
    assert errors[:, 0].max() == errors[0].max() == errors[::2, ::2].max() == 0


def test_zeros_that_enter_break_the_law():
    def shift_in_zeros(shift, images):
        return actions.translate(images, (shift.right, shift.up))

    errors = orbits.action_law_errors(NOISE, ShiftGroup(6), act=shift_in_zeros)
    assert errors[0].max() == 0 < errors.max()


def test_errors_are_means_over_images_of_distance_over_length():
    images = np.stack([NOISE[0], 5 * NOISE[0]])
    found = orbits.action_law_errors(images, D4, act=act_from_the_wrong_side)
    assert np.allclose(found, orbits.action_law_errors(NOISE[:1], D4, act=act_from_the_wrong_side))
    moved, at_once = (act_from_the_wrong_side(g, NOISE[:1]) for g in (Element(3, True, 4), Element(1, True, 4)))
    assert np.isclose(found[1, 4], np.linalg.norm(moved - at_once) / np.linalg.norm(NOISE[0]))


# --- moving ---


def test_shifts_join_opposite_sides():
    point = np.zeros((1, 4, 4))
    point[0, 3, 3] = 1  # right, below
    moved = orbits.move(Shift(1, 0, 4), point)
    assert moved.shape == point.shape and moved[0, 3, 0] == 1
    assert orbits.move(Shift(0, 1, 4), point)[0, 2, 3] == 1  # up
    assert orbits.move(Shift(0, 2, 4), orbits.move(Shift(0, 2, 4), point))[0, 3, 3] == 1


def test_turns_and_reflections_act_as_in_actions():
    for g in D4:
        assert np.array_equal(orbits.move(g, NOISE), actions.act(g, NOISE))


# --- orbits and stabilizers ---


def test_an_orbit_holds_what_each_element_makes():
    found = orbits.orbit(NOISE, D4)
    assert found.shape == (3, 8, 2, 6, 6)
    for i, g in enumerate(D4):
        assert np.array_equal(found[:, i], actions.act(g, NOISE))
    assert orbits.orbit(NOISE[:, 0], C4).shape == (3, 4, 1, 6, 6)


def test_tensors_stay_tensors():
    given = torch.from_numpy(NOISE)
    found = orbits.orbit(given, ShiftGroup(6))
    assert isinstance(found, torch.Tensor) and found.dtype == torch.float64 and found.shape == (3, 36, 2, 6, 6)
    assert orbits.n_distinct(found).tolist() == [36] * 3
    assert orbits.distances(found, given).shape == (3, 36, 3)


@pytest.mark.parametrize("name", SHAPES)
def test_order_is_orbit_times_stabilizer(name):
    image = draw_shape(name)[None]
    stays = orbits.stabilizer(image, D4, tolerance=0)
    (size,) = orbits.n_distinct(orbits.orbit(image, D4), tolerance=0)
    assert size * len(stays) == 8
    assert " ".join(orbits.symbols(D4)[D4.index(g)] for g in stays) == STABILIZERS[name]
    assert orbits.broken_axioms(stays, D4.compose) == {}


def test_stripes_under_shifts():
    stripes = np.tile(np.arange(12) % 3, (1, 12, 1)).astype(float)
    group = ShiftGroup(12)
    assert orbits.n_distinct(orbits.orbit(stripes, group)).tolist() == [3]
    assert len(orbits.stabilizer(stripes, group)) == 48


def test_tolerance_is_a_part_of_the_length():
    image = draw_shape("triangle")[None]
    counts = [len(orbits.stabilizer(c * image, CyclicGroup(3), tolerance=t)) for t in (0.05, 0.08) for c in (1.0, 9.0)]
    assert counts == [1, 1, 3, 3]  # the triangle moves by 0.070
    turned = orbits.orbit(image, CyclicGroup(3))
    assert [orbits.n_distinct(c * turned, tolerance=t)[0] for t in (0.05, 0.08) for c in (1, 9)] == [3, 3, 1, 1]


def test_images_are_counted_apart():
    both = np.stack([draw_shape("square"), draw_shape("L")])
    assert orbits.n_distinct(orbits.orbit(both, D4)).tolist() == [1, 8]


def test_a_mirror_image_is_in_one_orbit_and_not_in_the_other():
    L, J = (draw_shape(name)[None] for name in "LJ")
    assert orbits.distances(orbits.orbit(L, D4), J).min() == 0 < orbits.distances(orbits.orbit(L, C4), J).min()


def test_distances_by_hand():
    found = orbits.distances(orbits.orbit(NOISE, C4), NOISE)
    assert found.shape == (3, 4, 3)
    assert np.isclose(found[1, 3, 2], np.linalg.norm(actions.rotate(NOISE[1:2], 270)[0] - NOISE[2]))


def test_the_distance_to_an_orbit_is_the_same_for_all_of_another_orbit():
    to_orbit = orbits.distances(orbits.orbit(NOISE[:1], D4), orbits.orbit(NOISE[1:2], D4)[0]).min(axis=1)
    assert np.ptp(to_orbit) < 1e-12
    assert np.ptp(orbits.distances(NOISE[:1, None], orbits.orbit(NOISE[1:2], D4)[0])) > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ShiftGroup(0), "`size` must be a positive integer, got 0"),
        (lambda: orbits.broken_axioms([], C4.compose), "`elements` must hold at least one element, got none"),
        (lambda: orbits.orbit(NOISE, []), "`elements` must hold at least one element, got none"),
        (lambda: orbits.move(Shift(1, 0, 5), NOISE), "`element` must be a shift of 6 pixels a side, got one of 5"),
        (lambda: orbits.action_law_errors(np.zeros((1, 4, 4)), C4), "`images` must not be blank, got an image"),
        (lambda: orbits.stabilizer(NOISE, C4), "`image` must hold one image, got 3"),
        (lambda: orbits.n_distinct(NOISE), "`orbits` must have shape (n_samples, order, n_channels, height, width)"),
        (lambda: orbits.distances(NOISE, NOISE), "`orbits` must have shape"),
        (lambda: orbits.distances(NOISE[None], np.ones((1, 5, 5))), "`images` must have the 72 pixels of those in"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
