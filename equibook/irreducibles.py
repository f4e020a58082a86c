r"""The irreducible representations of C_n and D_n, and the bases in which they act on pixels.

A group that only moves pixels acts on images by permutation matrices. In a basis adapted to its irreducible
representations, everything that commutes with them, such as a covariance averaged over the group, falls into blocks.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from equibook.actions import act
from equibook.groups import CyclicGroup, DihedralGroup, Element


@dataclass(frozen=True, eq=False)
class Irreducible:
    """One irreducible group representation, by unitary matrices.

    Parameters
    ----------
    name : str
        A and B are of one dimension (a turn does nothing, or changes the sign), E of two real ones.
    matrices : real or complex ndarray of shape (order, d, d)
        One for each element of the group, in its order.
    multiplicity : int
        How many real dimensions go with each of its vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import DihedralGroup
    >>> from equibook.irreducibles import list_irreducibles
    >>> group = DihedralGroup(4)
    >>> table, matrices = group.cayley_table(), list_irreducibles(group)[2].matrices
    >>> matrices.shape
    (8, 2, 2)
    >>> np.allclose(matrices[1] @ matrices[4], matrices[table[1, 4]])  # they multiply as the elements do
    True
    """

    name: str
    matrices: np.ndarray
    multiplicity: int


def list_irreducibles(group: CyclicGroup) -> list[Irreducible]:
    """Return the irreducible representations of C_n or D_n; of two that are conjugate, one stands for both.

    Parameters
    ----------
    group : CyclicGroup or DihedralGroup

    Returns
    -------
    list of Irreducible

    Examples
    --------
    >>> from equibook.groups import DihedralGroup
    >>> from equibook.irreducibles import list_irreducibles
    >>> [irreducible.name for irreducible in list_irreducibles(DihedralGroup(4))]
    ['A1', 'A2', 'E1', 'B1', 'B2']
    """
    return [irreducible for j in range(group.n // 2 + 1) for irreducible in _list_with_frequency(group, j)]


def _list_with_frequency(group: CyclicGroup, j: int) -> list[Irreducible]:
    """Return those in which the turn by 360/n turns by j times that."""
    is_sign = 2 * j % group.n == 0  # a turn by 0 or 180 degrees: only a sign
    letter = "A" if j == 0 else "B" if is_sign else f"E{j}"
    turns = np.array([_turn(j, element) for element in group])
    flips = np.array([-1.0 if element.reflected else 1.0 for element in group])
    if not is_sign and not isinstance(group, DihedralGroup):
        return [Irreducible(letter, (turns[:, 0, 0] + 1j * turns[:, 1, 0])[:, None, None], multiplicity=2)]
    if not is_sign:
        return [Irreducible(letter, turns * np.stack([np.ones_like(flips), flips], axis=1)[:, None], multiplicity=2)]
    signs = turns[:, :1, :1]
    if not isinstance(group, DihedralGroup):
        return [Irreducible(letter, signs, multiplicity=1)]
    both = enumerate((signs, signs * flips[:, None, None]), start=1)
    return [Irreducible(f"{letter}{i}", matrices, multiplicity=1) for i, matrices in both]


def _turn(j: int, element: Element) -> np.ndarray:
    """Return the matrix of the turn by j times an element's, exact for quarter turns."""
    return Element(j * element.turns % element.n, False, element.n).matrix


def adapted_bases(
    group: CyclicGroup, irreducible: Irreducible, image_shape: tuple[int, ...]
) -> list[scipy.sparse.csr_array]:
    """Return orthonormal images in which a group acts by the matrices of an irreducible representation.

    Image i of the list's entry r and those of its other entries are mixed by the r-th column of the matrices alone.

    Parameters
    ----------
    group : CyclicGroup or DihedralGroup
        C_n or D_n with n of 1, 2 or 4, which only move pixels.
    irreducible : Irreducible
    image_shape : tuple of int
        (n_channels, height, width).

    Returns
    -------
    list of d sparse arrays of shape (n_pixels, n_images)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.irreducibles import adapted_bases, list_irreducibles
    >>> (basis,) = adapted_bases(CyclicGroup(4), list_irreducibles(CyclicGroup(4))[0], (1, 4, 4))
    >>> basis.shape  # 16 pixels, and as many images that no turn changes as a quarter has pixels
    (16, 4)
    >>> images = basis.toarray().T.reshape(4, 4, 4)
    >>> np.allclose(np.rot90(images, axes=(1, 2)), images)
    True
    """
    moved = move_pixels(group, image_shape)
    order, d, _ = irreducible.matrices.shape
    n_pixels = moved.shape[1]
    places = np.arange(n_pixels)
    transfers = []
    for row in range(d):
        weights = irreducible.matrices[:, row, 0].conj() * d / order
        entries = np.repeat(weights, n_pixels), (np.tile(places, order), moved.ravel())
        transfers.append(scipy.sparse.coo_array(entries, shape=(n_pixels, n_pixels)).tocsc())
    first = _range_of(transfers[0], moved)
    return [(transfer @ first).tocsr() for transfer in transfers]


def move_pixels(group: CyclicGroup, image_shape: tuple[int, ...]) -> np.ndarray:
    """Return for each element which pixel comes to each place.

    Parameters
    ----------
    group : CyclicGroup or DihedralGroup
        C_n or D_n with n of 1, 2 or 4, which only move pixels.
    image_shape : tuple of int
        (n_channels, height, width).

    Returns
    -------
    int ndarray of shape (order, n_pixels)

    Examples
    --------
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.irreducibles import move_pixels
    >>> move_pixels(CyclicGroup(4), (1, 2, 2))[1].tolist()  # a quarter turn: the upper right pixel comes to place 0
    [1, 3, 0, 2]
    """
    numbered = np.arange(np.prod(image_shape), dtype=float).reshape(1, *image_shape)
    return np.stack([np.asarray(act(element, numbered)).ravel().round().astype(int) for element in group])


def _range_of(projector: scipy.sparse.csc_array, moved: np.ndarray) -> scipy.sparse.csc_array:
    """Return an orthonormal basis of the range of a projector that mixes only pixels of one orbit."""
    columns, rows, values = [], [], []
    n_found = 0
    for orbit in np.unique(np.sort(moved.T, axis=1), axis=0):
        pixels = np.unique(orbit)
        sizes, vectors = np.linalg.eigh(projector[pixels][:, pixels].toarray())
        for vector in vectors.T[sizes > 0.5]:
            columns += [n_found] * len(pixels)
            rows += pixels.tolist()
            values += vector.tolist()
            n_found += 1
    return scipy.sparse.coo_array((values, (rows, columns)), shape=(moved.shape[1], n_found)).tocsc()
