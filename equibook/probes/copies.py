r"""Which filters of a layer are turned, reflected or negated copies of which.

Nothing makes a trained network equivariant, and yet filters come in families: one edge in many directions, one colour
contrast and its opposite. Two kernels are compared by their normalised correlation (the cosine of the angle between
them) after one has been moved by each element of a dihedral group. A chance level comes from kernels with the same
amplitude of every wave and random phases: as smooth as the given ones, and otherwise unrelated.

Sources: Olah, Cammarata, Voss, Schubert and Goh (2020), "Naturally occurring equivariance in neural networks",
doi:10.23915/distill.00024.004, where families were found by eye. The measure and its chance level are ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from equibook._checks import as_images, as_real_tensor, check_positive_int, check_squares
from equibook._tables import Table
from equibook.actions import act, pixel_grid
from equibook.groups import DihedralGroup

_EQUALLY_GOOD = 1e-9  # of two elements that do equally well the first is named, whatever the rounding


@dataclass(frozen=True, eq=False)
class TurnedCopies(Table):
    """A graph over kernels: its edges join those that are moved copies of each other.

    Parameters
    ----------
    kernels : ndarray of shape (n_kernels, n_channels, size, size)
    group : DihedralGroup
        Whose elements were tried.
    i, j : integer ndarrays of shape (n_edges,)
        Kernel j is about `sign` times kernel i, moved by `group.elements[element]`; i is below j.
    element, sign : integer ndarrays of shape (n_edges,)
        Places in `group.elements`, and 1 or -1.
    similarity : ndarray of shape (n_edges,)
        The normalised correlation, at most 1, sorted from the largest on.
    best : ndarray of shape (n_kernels,)
        The similarity of each kernel to the other one that it is most alike to, edge or not.
    chance : ndarray of shape (n_controls,)
        The largest similarity of all pairs, in each set of control kernels.
    threshold : float
        What is above it is an edge.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import turned_copies
    >>> corner, cross = np.array([[3.0, 1, 0], [1, 0, 0], [0, 0, 0]]), np.array([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])
    >>> found = turned_copies(np.stack([corner, cross, np.rot90(corner)]), threshold=0.9)
    >>> [members.tolist() for members in found.families], round(found.share, 3)
    ([[0, 2]], 0.667)
    """

    kernels: np.ndarray = field(repr=False)
    group: DihedralGroup
    i: np.ndarray
    j: np.ndarray
    element: np.ndarray
    sign: np.ndarray
    similarity: np.ndarray
    best: np.ndarray
    chance: np.ndarray
    threshold: float

    @property
    def family(self) -> np.ndarray:
        """The number of the connected part to which each kernel belongs, shape (n_kernels,), from 0 on."""
        n = len(self.kernels)
        joined = coo_array((np.ones(len(self.i)), (self.i, self.j)), shape=(n, n))
        return connected_components(joined, directed=False)[1]

    @property
    def families(self) -> list[np.ndarray]:
        """The kernels of each family of two or more, largest family first."""
        found = [np.flatnonzero(self.family == number) for number in range(self.family.max() + 1)]
        return sorted((members for members in found if len(members) > 1), key=len, reverse=True)

    @property
    def share(self) -> float:
        """The share of kernels that have a copy."""
        return sum(map(len, self.families)) / len(self.kernels)

    def describe(self, edge: int) -> str:
        """Say in words what an edge means, such as "3 is 1 after the rotation by 90°, negated".

        Parameters
        ----------
        edge : int
            Its place in `i`, `j` and the others.

        Returns
        -------
        str
        """
        if not 0 <= edge < len(self.i):
            hint = "Count from 0."
            raise ValueError(f"`edge` must be below {len(self.i)}, the number of edges, got {edge}. {hint}")
        moved = str(self.group.elements[self.element[edge]])
        how = "as it is" if moved == "identity" else f"after the {moved}"
        return f"{self.j[edge]} is {self.i[edge]} {how}{', negated' if self.sign[edge] < 0 else ''}"

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_turned_copies`."""
        from equibook.plots import plot_turned_copies

        return plot_turned_copies(self)

    @property
    def _caption(self) -> str:
        kinds = f"{self.group.order} elements of D_{self.group.n}, both signs"
        level = f"edges above {self.threshold:.3f}; chance reaches {self.chance.max():.3f}"
        return f"{len(self.kernels)} kernels, {kinds}; {level}; {self.share:.0%} have a copy"

    @property
    def _head(self) -> tuple[str, ...]:
        return ("edge", "similarity")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for edge in range(min(len(self.i), 12)):
            yield self.describe(edge), f"{self.similarity[edge]:.3f}"
        if len(self.i) > 12:
            yield f"… {len(self.i) - 12} more", ""


def turned_copies(
    kernels: Any, *, n_turns: int = 4, threshold: float | None = None, n_controls: int = 20, random_state: Any = 0
) -> TurnedCopies:
    r"""Find which kernels are turned, reflected or negated copies of which.

    Parameters
    ----------
    kernels : nn.Conv2d, or array or Tensor of shape (n_kernels, n_channels, size, size) or (n_kernels, size, size)
        Square. Complex kernels count as two channels, their real and their imaginary part. Only places are moved, not
        channels: a kernel that reads turned copies of what another one reads, from other channels, is not found.
    n_turns : int
        How many turns make a full one; as many reflections are tried. 4 (or 1, 2) only moves pixels: exact. For others
        kernels are cut to the inscribed disc and read between their pixels by cubic splines: a true copy then falls
        short of similarity 1, the more so the finer the kernel.
    threshold : float, optional
        By default the largest similarity in any of the control sets.
    n_controls : int
        How many sets of control kernels are drawn.
    random_state : int or numpy.random.Generator

    Returns
    -------
    TurnedCopies

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.probes import turned_copies
    >>> corner = np.array([[1.0, 2.0], [0.0, 0.0]])
    >>> found = turned_copies(np.stack([corner, -np.rot90(corner)]), threshold=0.9)
    >>> found.describe(0)
    '1 is 0 after the rotation by 90°, negated'
    """
    w, group = _as_kernels(kernels, n_turns), DihedralGroup(check_positive_int(n_turns, name="n_turns"))
    rng = np.random.default_rng(random_state)
    sets = [_with_random_phases(w, rng) for _ in range(check_positive_int(n_controls, name="n_controls"))]
    chance = np.array([_best_moves(controls, group)[0].max() for controls in sets])
    level = float(chance.max()) if threshold is None else _check_threshold(threshold)
    similarity, element, sign = _best_moves(w, group)
    i, j = np.nonzero(np.triu(similarity > level, k=1))
    order = np.argsort(-similarity[i, j], kind="stable")
    i, j = i[order], j[order]
    of_edges = element[i, j], sign[i, j], similarity[i, j]
    return TurnedCopies(w.numpy(), group, i, j, *of_edges, similarity.max(axis=1), chance, level)


def _best_moves(w: Tensor, group: DihedralGroup) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return similarity, element and sign of the best move of kernel i onto kernel j, each (n_kernels, n_kernels)."""
    still = _unit_rows(w, group)
    correlation = np.stack([_unit_rows(act(g, w), group) @ still.T for g in group])
    size = np.abs(correlation)
    element = (size >= size.max(axis=0) - _EQUALLY_GOOD).argmax(axis=0)
    chosen = np.take_along_axis(correlation, element[None], axis=0)[0]
    similarity = np.minimum(np.abs(chosen), 1.0)
    np.fill_diagonal(similarity, 0.0)
    return similarity, element, np.where(chosen < 0, -1, 1)


def _unit_rows(w: Tensor, group: DihedralGroup) -> np.ndarray:
    """Return kernels as rows of length 1, a kernel of zeros as zeros; on the disc where turns go between pixels."""
    right, up = pixel_grid(w.shape[-1])
    inside = (right**2 + up**2).sqrt() <= w.shape[-1] / 2
    rows = (w * inside if 4 % group.n else w).flatten(1).numpy()
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def _with_random_phases(w: Tensor, rng: np.random.Generator) -> Tensor:
    """Return kernels with the same amplitude of every wave, shifted by random phases: one a wave for all channels."""
    noise = torch.from_numpy(rng.normal(size=(len(w), 1, *w.shape[-2:])))
    phases = torch.fft.fft2(noise).sgn()  # of real noise: opposite waves get opposite phases, and kernels stay real
    return torch.fft.ifft2(torch.fft.fft2(w) * phases).real


def _as_kernels(kernels: Any, n_turns: int) -> Tensor:
    given = kernels.weight if isinstance(kernels, nn.Conv2d) else kernels
    is_complex = getattr(given, "dtype", None) in (torch.complex64, torch.complex128, np.complex64, np.complex128)
    values = torch.as_tensor(given) if is_complex else as_real_tensor(given, name="kernels")
    values = values.detach().cpu()
    values = values[:, None] if values.ndim == 3 else values
    if values.is_complex():
        values = torch.cat([values.real, values.imag], dim=1)
    w = as_images(values.double(), name="kernels")
    check_squares(w, name="kernels")
    if len(w) < 2:
        raise ValueError(f"`kernels` must be at least two, got {len(w)}. Pass all kernels of a layer.")
    return w


def _check_threshold(threshold: float) -> float:
    if not 0 < threshold < 1:
        hint = "Leave it out to take the chance level."
        raise ValueError(f"`threshold` must be above 0 and below 1, got {threshold!r}. {hint}")
    return float(threshold)
