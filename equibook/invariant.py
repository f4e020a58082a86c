r"""Layer 1, invariant part: real numbers that a turn of the image leaves as they are.

A turn by α multiplies each coefficient by :math:`e^{-ik\alpha}`. What does not change is gathered in five cumulative
choices, from the least to the most that is kept:

============== ================================================= ===================================================
choice         adds                                              forgets, of the coefficients of a channel
============== ================================================= ===================================================
``average``    C with k = m = l = 0                              everything but ring means
``k0``         every C with k = 0, sign and phase kept           all that has an angular frequency
``power``      the magnitudes :math:`|C|` of k ≠ 0               all phases of k ≠ 0
``cross``      cross-spectra of neighbours with equal k ≠ 0      one phase for each k
``bispectrum`` triple products, and cross-spectra of channels    the one turn by which all phases may be changed
============== ================================================= ===================================================

Each is invariant, in one line. A cross-spectrum: :math:`(e^{-ik\alpha} C_a)\,\overline{e^{-ik\alpha} C_b} = C_a
\overline{C_b}`. A triple product of frequencies k, k' and k + k': :math:`e^{-i(k + k' - (k + k'))\alpha} = 1`.

And what is forgotten, as far as no coefficient is zero that joins two others: multiply the coefficients of each k by a
phase :math:`e^{-i\delta_k}` of its own, and all up to ``cross`` stay. A triple product stays only where
:math:`\delta_k + \delta_{k'} = \delta_{k+k'}`, hence :math:`\delta_k = k\delta_1`: a turn.

A reflection makes of each coefficient its conjugate, up to a factor that cancels: real parts and magnitudes stay,
imaginary parts change their sign. Invariants of O(2) keep the size of imaginary parts and forget their signs.

All are of degree 1: an image twice as bright has features twice as large.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import check_choice
from equibook.equivariant import CoefficientTable

INVARIANTS = ("average", "k0", "power", "cross", "bispectrum")
GROUPS = ("SO(2)", "O(2)")


@dataclass(frozen=True)
class FeatureTable:
    """What each feature is: made of coefficient `a`, of `b` too in a cross-spectrum, and of `c` in a triple product.

    Parameters
    ----------
    coefficients : CoefficientTable
    a, b, c : int ndarrays of shape (n_features,)
        Rows of the coefficients; b and c are -1 where there are fewer.
    part : str ndarray of shape (n_features,)
        "re", "im", "abs", or ``"|im|"`` where a sign would tell an image from its reflection.

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import Invariants
    >>> table = Invariants(EquivariantLayer(16, scales=(1.6,)).table, "cross").table
    >>> table.names[0]
    'image ring=0 m=0 re'
    >>> table.names[-1]  # a cross-spectrum: both of its coefficients have k = 5
    'scale=1.6 ring=5 m=1 l=2 * scale=1.6 ring=5 m=5 l=0 im'
    """

    coefficients: CoefficientTable
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    @property
    def k(self) -> np.ndarray:
        """Angular frequency of the coefficients that each feature is made of."""
        return self.coefficients.k[self.a]

    @property
    def scale(self) -> np.ndarray:
        """Scale of the (first) coefficient in pixels; 0 for the image itself."""
        return self.coefficients.scale[self.a]

    @property
    def ring(self) -> np.ndarray:
        """Ring of the (first) coefficient, counted from the centre."""
        return self.coefficients.ring[self.a]

    @cached_property
    def names(self) -> list[str]:
        """One name a feature, such as `scale=1.6 ring=3 m=-2 l=1 re`; of a product all, with asterisks between."""
        names = self.coefficients.names
        factors = zip(self.a, self.b, self.c, strict=True)
        products = [" * ".join(names[row] for row in rows if row >= 0) for rows in factors]
        return [f"{name} {part}" for name, part in zip(products, self.part, strict=True)]


class Invariants(nn.Module):
    r"""Turn coefficients into invariant features.

    A cross-spectrum is :math:`C_a \overline{C_b} / \lVert C^{(k)} \rVert`, the norm taken over all coefficients with
    that k; a triple product is :math:`C_a C_b \overline{C_c} / \lVert C^{(k \neq 0)} \rVert^2`; 0 where the norm is 0.

    Parameters
    ----------
    table : CoefficientTable
    invariant : {"average", "k0", "power", "cross", "bispectrum"}
    group : {"SO(2)", "O(2)"}
        Invariant to turns; to turns and reflections.

    Examples
    --------
    >>> import torch
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import Invariants
    >>> layer, x = EquivariantLayer(16, scales=(1.6,)), torch.eye(16, dtype=torch.float64)[None, None]
    >>> x[..., 8:] = 0  # half a diagonal
    >>> before, after = layer(x), layer(torch.rot90(x, dims=(-2, -1)))
    >>> invariants = Invariants(layer.table, "cross")
    >>> torch.allclose(before, after), torch.allclose(invariants(before), invariants(after))
    (False, True)
    """

    rows_real: Tensor
    rows_signed: Tensor
    rows_sized: Tensor
    rows_first: Tensor
    rows_second: Tensor
    rows_triples: Tensor
    has_frequency: Tensor
    pair_frequency: Tensor

    def __init__(self, table: CoefficientTable, invariant: str = "cross", *, group: str = "SO(2)") -> None:
        super().__init__()
        check_choice(invariant, INVARIANTS, name="invariant")
        self.keeps_sign = check_choice(group, GROUPS, name="group") == "SO(2)"
        level = INVARIANTS.index(invariant)
        plain = (table.m == 0) & (table.l == 0)
        real = np.flatnonzero(plain)
        signed = np.flatnonzero((table.k == 0) & ~plain) if level >= 1 else real[:0]
        sized = np.flatnonzero(table.k != 0) if level >= 2 else real[:0]
        first, second = pair_neighbours(table, with_channels=level >= 4) if level >= 3 else (real[:0], real[:0])
        triples = list_triples(table) if level >= 4 else np.empty((3, 0), dtype=int)
        rows = {"real": real, "signed": signed, "sized": sized, "first": first, "second": second, "triples": triples}
        self.table = _tabulate(table, rows, "im" if self.keeps_sign else "|im|")
        for name, numbers in rows.items():
            self.register_buffer(f"rows_{name}", torch.from_numpy(numbers))
        frequencies = np.arange(1, table.k.max() + 1)
        has_frequency = torch.from_numpy(table.k[sized] == frequencies[:, None])
        self.register_buffer("has_frequency", has_frequency.double())  # (n_frequencies, n_sized)
        self.register_buffer("pair_frequency", torch.from_numpy(table.k[first] - 1))

    def forward(self, coefficients: Tensor) -> Tensor:
        """Return invariant features.

        Parameters
        ----------
        coefficients : complex Tensor of shape (n_samples, n_coefficients)

        Returns
        -------
        Tensor of shape (n_samples, n_features), in the unit of the coefficients; `table` says what each is
        """
        if torch.is_grad_enabled():
            coefficients = drop_rounding(coefficients)
        rows = coefficients.T  # whole rows are gathered several times as fast as columns
        real, signed, magnitudes = rows[self.rows_real].real, rows[self.rows_signed], rows[self.rows_sized].abs()
        parts = [real, signed.real, self._imaginary(signed), magnitudes]
        energy = self.has_frequency @ magnitudes.square()  # (n_frequencies, n_samples)
        if len(self.rows_first):
            cross = rows[self.rows_first] / _norms(energy)[self.pair_frequency] * rows[self.rows_second].conj()
            parts += [cross.real, self._imaginary(cross)]
        if self.rows_triples.shape[1]:
            norm = _norms(energy.sum(dim=0))
            a, b, c = (rows[numbers] / norm for numbers in self.rows_triples)
            triple = a * b * c.conj() * norm
            parts += [triple.real, self._imaginary(triple)]
        return torch.cat(parts).T.contiguous()

    def _imaginary(self, values: Tensor) -> Tensor:
        """Return imaginary parts, without their sign where a reflection would change it."""
        return values.imag if self.keeps_sign else values.imag.abs()


def drop_rounding(coefficients: Tensor) -> Tensor:
    """Return coefficients with 0 in the place of those that may be the rounding of a 0, beside the largest of a sample.

    Coefficients vanish where an image is symmetric. What rounding leaves of them has a direction that means nothing,
    and a derivative would follow it.

    Parameters
    ----------
    coefficients : complex Tensor of shape (n_samples, n_coefficients)

    Returns
    -------
    complex Tensor of shape (n_samples, n_coefficients)

    Examples
    --------
    >>> import torch
    >>> from equibook.invariant import drop_rounding
    >>> drop_rounding(torch.tensor([[1.0, 1e-20]], dtype=torch.complex128)).abs().tolist()
    [[1.0, 0.0]]
    """
    sizes = coefficients.detach().abs()
    kind = torch.finfo(sizes.dtype)
    least = (64 * kind.eps * sizes.amax(dim=1, keepdim=True)).clamp_min(kind.tiny)  # below, torch derives abs as inf
    return torch.where(sizes > least, coefficients, 0)


def _norms(energy: Tensor) -> Tensor:
    """Return the square root, and 1 where the energy is 0: black has the derivative 0."""
    return torch.where(energy > 0, energy, 1).sqrt()


def pair_neighbours(table: CoefficientTable, *, with_channels: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the coefficients whose cross-spectra are taken: equal k ≠ 0, and neighbours.

    Neighbours are the next ring; the next scale; and, where l ≠ 0, the one with l = 0. They join all coefficients of
    one k, channel by channel, so that their phases are fixed up to one.

    Parameters
    ----------
    table : CoefficientTable
    with_channels : bool
        The next channel is a neighbour, too.

    Returns
    -------
    first, second : int ndarrays of shape (n_pairs,)

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import pair_neighbours
    >>> table = EquivariantLayer(16, scales=(1.6,)).table
    >>> first, second = pair_neighbours(table)
    >>> bool((table.k[first] == table.k[second]).all())
    True
    >>> table.names[first[0]], table.names[second[0]]
    ('image ring=0 m=1', 'image ring=1 m=1')
    """
    row = _number_rows(table)
    pairs = []
    for channel, scale, ring, m, l in (key for key in row if key[3] + 2 * key[4] != 0):
        neighbours = [(channel, scale, ring + 1, m, l), (channel, scale + 1, ring, m, l)]
        if l != 0:
            neighbours.append((channel, scale, ring, m + 2 * l, 0))
        if with_channels:
            neighbours.append((channel + 1, scale, ring, m, l))
        pairs += [(row[channel, scale, ring, m, l], row[other]) for other in neighbours if other in row]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    return first, second


def list_triples(table: CoefficientTable) -> np.ndarray:
    """Return the rows of the coefficients whose triple products are taken: k, k' and k + k', of one ring, with l = 0.

    Parameters
    ----------
    table : CoefficientTable

    Returns
    -------
    int ndarray of shape (3, n_triples)

    Examples
    --------
    >>> from equibook.equivariant import EquivariantLayer
    >>> from equibook.invariant import list_triples
    >>> table = EquivariantLayer(16, scales=(1.6,)).table
    >>> a, b, c = list_triples(table)
    >>> bool((table.k[a] + table.k[b] == table.k[c]).all())
    True
    """
    row = _number_rows(table)
    firsts = [key for key in row if key[3] > 0 and key[4] == 0]
    triples = []
    for channel, scale, ring, m, _ in firsts:
        for other in range(m, int(table.k.max()) - m + 1):
            keys = [(channel, scale, ring, n, 0) for n in (m, other, m + other)]
            if all(key in row for key in keys):
                triples.append([row[key] for key in keys])
    return np.array(triples, dtype=int).reshape(-1, 3).T


def _number_rows(table: CoefficientTable) -> dict[tuple[int, int, int, int, int], int]:
    """Return the row of each coefficient by (channel, number of the scale, ring, m, l)."""
    level = {scale: i for i, scale in enumerate(np.unique(table.scale))}
    keys = zip(table.channel, [level[s] for s in table.scale], table.ring, table.m, table.l, strict=True)
    return {key: i for i, key in enumerate(keys)}


def _tabulate(table: CoefficientTable, rows: dict[str, np.ndarray], imaginary: str) -> FeatureTable:
    """Return the features in the order in which `Invariants.forward` puts them."""
    alone = [("real", "re"), ("signed", "re"), ("signed", imaginary), ("sized", "abs")]
    blocks = [([rows[name]], part) for name, part in alone]
    blocks += [([rows["first"], rows["second"]], part) for part in ("re", imaginary)]
    blocks += [(list(rows["triples"]), part) for part in ("re", imaginary)]
    filled = [[*factors, *[np.full(len(factors[0]), -1)] * (3 - len(factors))] for factors, _ in blocks]
    a, b, c = (np.concatenate(column) for column in zip(*filled, strict=True))
    part = np.concatenate([np.full(len(factors[0]), part) for factors, part in blocks])
    return FeatureTable(table, a, b, c, part)
