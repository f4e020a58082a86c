"""The groups obey the axioms, and their matrices multiply as they compose."""

from itertools import product

import numpy as np
import pytest

from equibook.groups import CyclicGroup, DihedralGroup, Element

GROUPS = [CyclicGroup(1), CyclicGroup(4), CyclicGroup(5), DihedralGroup(1), DihedralGroup(3), DihedralGroup(4)]
SMALL = pytest.mark.parametrize("group", GROUPS, ids=repr)


@SMALL
def test_closure_identity_and_inverse(group):
    for a in group:
        assert group.compose(a, group.identity) == a == group.compose(group.identity, a)
        assert group.compose(a, group.inverse(a)) == group.identity == group.compose(group.inverse(a), a)
        assert all(group.compose(a, b) in group for b in group)


@SMALL
def test_composition_is_associative(group):
    for a, b, c in product(group, repeat=3):
        assert group.compose(a, group.compose(b, c)) == group.compose(group.compose(a, b), c)


@SMALL
def test_matrices_multiply_as_elements_compose(group):
    for a, b in product(group, repeat=2):
        assert np.allclose(group.compose(a, b).matrix, a.matrix @ b.matrix, atol=1e-14)


def test_the_wrong_order_breaks_a_group_that_does_not_commute():
    group = DihedralGroup(4)
    turn, flip = Element(1, False, 4), Element(0, True, 4)
    assert group.compose(turn, flip) != group.compose(flip, turn)
    assert not np.allclose(group.compose(turn, flip).matrix, flip.matrix @ turn.matrix)


@SMALL
def test_every_row_and_column_of_the_cayley_table_is_a_permutation(group):
    table = group.cayley_table()
    everything = np.arange(group.order)
    assert np.issubdtype(table.dtype, np.integer)
    assert table.shape == (group.order, group.order)
    assert (np.sort(table, axis=0) == everything[:, None]).all()
    assert (np.sort(table, axis=1) == everything).all()


def test_the_cayley_table_tells_whether_a_group_commutes():
    for group, commutes in ((CyclicGroup(6), True), (DihedralGroup(2), True), (DihedralGroup(3), False)):
        table = group.cayley_table()
        assert (table == table.T).all() == commutes


@SMALL
def test_elements_are_counted_and_found(group):
    assert group.order == len(group) == len(set(group)) == group.n * (2 if isinstance(group, DihedralGroup) else 1)
    assert [group.index(g) for g in group] == list(range(group.order))


def test_membership():
    assert Element(1, True, 4) in DihedralGroup(4)
    assert Element(1, True, 4) not in CyclicGroup(4)
    assert Element(1, False, 3) not in CyclicGroup(4)
    assert "turn" not in CyclicGroup(4)
    assert CyclicGroup(4) != DihedralGroup(4)
    assert CyclicGroup(4) == CyclicGroup(4)


def test_angles_axes_and_matrices_by_hand():
    assert Element(1, False, 4).angle == 90
    assert Element(1, True, 4).axis == 45
    assert (Element(1, False, 4).matrix @ [1, 0] == [0, 1]).all()  # what is on the right goes to the top
    assert (Element(0, True, 4).matrix @ [0, 1] == [0, -1]).all()  # the top goes to the bottom
    assert (Element(2, True, 4).matrix @ [1, 0] == [-1, 0]).all()  # axis at 90 degrees: left and right change places
    assert np.allclose(Element(1, False, 8).matrix, np.array([[1, -1], [1, 1]]) / np.sqrt(2))


def test_a_reflection_leaves_its_axis_in_place():
    for g in DihedralGroup(5):
        if g.reflected:
            axis = np.deg2rad(g.axis)
            assert np.allclose(g.matrix @ [np.cos(axis), np.sin(axis)], [np.cos(axis), np.sin(axis)])
            assert np.isclose(np.linalg.det(g.matrix), -1)


def test_elements_say_what_they_are():
    assert [str(g) for g in (Element(0, False, 3), Element(1, False, 3), Element(1, True, 3))] == [
        "identity",
        "rotation by 120°",
        "reflection about the axis at 60°",
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CyclicGroup(0), ValueError, r"`n` must be a positive integer, got 0\. Pass"),
        (lambda: DihedralGroup(2.5), TypeError, r"`n` must be a positive integer, got 2\.5\. Pass"),
        (lambda: Element(4, False, 4), ValueError, r"`turns` must be from 0 to 3, got 4\. Take 0, the same turn\."),
        (lambda: Element(1, False, 4).axis, ValueError, r"`axis` belongs .*, got the rotation by 90°\. Ask for"),
        (lambda: CyclicGroup(4).index(Element(0, True, 4)), ValueError, r"must belong to CyclicGroup\(n=4\), got Elem"),
        (lambda: CyclicGroup(4).compose(Element(0, False, 4), Element(0, False, 3)), ValueError, "must belong to"),
        (lambda: DihedralGroup(4).inverse(Element(0, True, 3)), ValueError, "must belong to"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
