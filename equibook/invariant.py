r"""Layer 1, invariant part: real numbers that a turn of the image leaves as they are.

A turn by α multiplies each coefficient by :math:`e^{-ik\alpha}`. What does not change is gathered in four cumulative
choices, from the least to the most that is kept:

=========== ================================================= ======================================================
choice      adds                                              forgets, of the coefficients
=========== ================================================= ======================================================
``average`` C with k = m = l = 0                              everything but ring means
``k0``      every C with k = 0, sign and phase kept           all that has an angular frequency
``power``   the magnitudes :math:`|C|` of k ≠ 0               all phases of k ≠ 0
``cross``   cross-spectra of neighbours with equal k ≠ 0      one phase for each k
=========== ================================================= ======================================================

All are of degree 1: an image twice as bright has features twice as large.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import check_choice
from equibook.equivariant import CoefficientTable

INVARIANTS = ("average", "k0", "power", "cross")


@dataclass(frozen=True)
class FeatureTable:
    """What each feature is: made of coefficient `a`, and of `b` too where it is a cross-spectrum.

    Parameters
    ----------
    coefficients : CoefficientTable
    a, b : int ndarrays of shape (n_features,)
        Rows of the coefficients; b is -1 where there is one coefficient only.
    part : str ndarray of shape (n_features,)
        "re", "im" or "abs".
    """

    coefficients: CoefficientTable
    a: np.ndarray
    b: np.ndarray
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
        """One name a feature, such as `scale=1.6 ring=3 m=-2 l=1 re`; a cross-spectrum has two, an asterisk between."""
        names = self.coefficients.names
        first = [names[a] if b < 0 else f"{names[a]} * {names[b]}" for a, b in zip(self.a, self.b, strict=True)]
        return [f"{name} {part}" for name, part in zip(first, self.part, strict=True)]


class Invariants(nn.Module):
    r"""Turn coefficients into invariant features.

    A cross-spectrum is :math:`C_a \overline{C_b} / \lVert C^{(k)} \rVert`, the norm taken over all coefficients with
    that k; 0 where the norm is 0. Neighbours differ by one ring, by one scale, or by l against l = 0.

    Parameters
    ----------
    table : CoefficientTable
    invariant : {"average", "k0", "power", "cross"}
    """

    rows_real: Tensor
    rows_signed: Tensor
    rows_sized: Tensor
    rows_first: Tensor
    rows_second: Tensor
    has_frequency: Tensor
    pair_frequency: Tensor

    def __init__(self, table: CoefficientTable, invariant: str = "cross") -> None:
        super().__init__()
        check_choice(invariant, INVARIANTS, name="invariant")
        level = INVARIANTS.index(invariant)
        plain = (table.m == 0) & (table.l == 0)
        real = np.flatnonzero(plain)
        signed = np.flatnonzero((table.k == 0) & ~plain) if level >= 1 else real[:0]
        sized = np.flatnonzero(table.k != 0) if level >= 2 else real[:0]
        first, second = pair_neighbours(table) if level >= 3 else (real[:0], real[:0])
        rows = {"real": real, "signed": signed, "sized": sized, "first": first, "second": second}
        self.table = _tabulate(table, rows)
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
        rows = coefficients.T  # whole rows are gathered several times as fast as columns
        real, signed, magnitudes = rows[self.rows_real].real, rows[self.rows_signed], rows[self.rows_sized].abs()
        parts = [real, signed.real, signed.imag, magnitudes]
        if len(self.rows_first):
            norms = self._norms(magnitudes)[self.pair_frequency]
            cross = rows[self.rows_first] / norms * rows[self.rows_second].conj()
            parts += [cross.real, cross.imag]
        return torch.cat(parts).T.contiguous()

    def _norms(self, magnitudes: Tensor) -> Tensor:
        """Return the norm for each k, (n_frequencies, n_samples), and 1 where it is 0: black has the derivative 0."""
        energy = self.has_frequency @ magnitudes.square()
        return torch.where(energy > 0, energy, 1).sqrt()


def pair_neighbours(table: CoefficientTable) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the coefficients whose cross-spectra are taken: equal channel and k ≠ 0, and neighbours.

    Neighbours are the next ring; the next scale; and, where l ≠ 0, the one with l = 0. They join all coefficients of
    one k, channel by channel, so that their phases are fixed up to one.

    Parameters
    ----------
    table : CoefficientTable

    Returns
    -------
    first, second : int ndarrays of shape (n_pairs,)
    """
    level = {scale: i for i, scale in enumerate(np.unique(table.scale))}
    keys = list(zip(table.channel, [level[s] for s in table.scale], table.ring, table.m, table.l, strict=True))
    row = {key: i for i, key in enumerate(keys)}
    pairs = []
    for channel, scale, ring, m, l in (key for key in keys if key[3] + 2 * key[4] != 0):
        neighbours = [(channel, scale, ring + 1, m, l), (channel, scale + 1, ring, m, l)]
        if l != 0:
            neighbours.append((channel, scale, ring, m + 2 * l, 0))
        pairs += [(row[channel, scale, ring, m, l], row[other]) for other in neighbours if other in row]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    return first, second


def _tabulate(table: CoefficientTable, rows: dict[str, np.ndarray]) -> FeatureTable:
    """Return the features in the order in which `Invariants.forward` puts them."""
    alone = [("real", "re"), ("signed", "re"), ("signed", "im"), ("sized", "abs")]
    first, second = rows["first"], rows["second"]
    a = np.concatenate([rows[name] for name, _ in alone] + [first, first])
    b = np.concatenate([np.full(len(a) - 2 * len(first), -1), second, second])
    sizes = [len(rows[name]) for name, _ in alone] + [len(first)] * 2
    part = np.repeat([part for _, part in alone] + ["re", "im"], sizes)
    return FeatureTable(table, a, b, part)
