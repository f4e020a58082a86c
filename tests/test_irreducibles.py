"""Irreducible representations: they are group representations, irreducible, all of them, and act on their bases."""

import numpy as np
import pytest

from equibook.groups import CyclicGroup, DihedralGroup
from equibook.irreducibles import adapted_bases, list_irreducibles, move_pixels

GROUPS = [make(n) for make in (CyclicGroup, DihedralGroup) for n in (1, 2, 3, 4, 5, 8)]
ON_PIXELS = [make(n) for make in (CyclicGroup, DihedralGroup) for n in (1, 2, 4)]


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_matrices_multiply_as_the_elements_do(group):
    table = group.cayley_table()
    for irreducible in list_irreducibles(group):
        matrices = irreducible.matrices
        np.testing.assert_allclose(matrices[:, None] @ matrices[None], matrices[table], atol=1e-14)
        unit = matrices @ matrices.conj().swapaxes(1, 2)
        np.testing.assert_allclose(unit, np.broadcast_to(np.eye(matrices.shape[1]), unit.shape), atol=1e-14)


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_characters_are_orthonormal_and_complete(group):
    found = list_irreducibles(group)
    characters = np.stack([np.trace(irreducible.matrices, axis1=1, axis2=2) for irreducible in found])
    np.testing.assert_allclose(characters.conj() @ characters.T / group.order, np.eye(len(found)), atol=1e-13)
    real_dimensions = [irreducible.multiplicity * irreducible.matrices.shape[1] for irreducible in found]
    assert sum(real_dimensions) == group.order


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("group", ON_PIXELS, ids=repr)
def test_bases_are_orthonormal_and_the_group_acts_on_them_by_its_matrices(group, size):
    shape, n_vectors = (2, size, size), 0
    moved = move_pixels(group, shape)
    for irreducible in list_irreducibles(group):
        bases = [basis.toarray() for basis in adapted_bases(group, irreducible, shape)]
        together = np.concatenate(bases, axis=1)
        np.testing.assert_allclose(together.conj().T @ together, np.eye(together.shape[1]), atol=1e-13)
        n_vectors += bases[0].shape[1] * irreducible.multiplicity
        for places, matrix in zip(moved, irreducible.matrices, strict=True):
            for column, basis in enumerate(bases):
                expected = sum(matrix[row, column] * other for row, other in enumerate(bases))
                np.testing.assert_allclose(basis[places], expected, atol=1e-13)
    assert n_vectors == np.prod(shape)


def test_pixels_move_as_images_do():
    image = np.arange(9.0).reshape(3, 3)
    quarter = move_pixels(CyclicGroup(4), (1, 3, 3))[1]
    np.testing.assert_array_equal(image.ravel()[quarter].reshape(3, 3), np.rot90(image))
