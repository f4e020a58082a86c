r"""Repack a trained convolution: a few canonical filters, all their transformed copies, and a mixture of these.

Every slice of a trained kernel, one output and one input channel, is written as a weighted sum of copies

.. math:: W_{oi} \approx \sum_{c, g} \alpha_{oi,cg}\; g\,\psi_c , \qquad g \in G .

The copies of n filters span a space that the group maps to itself. It holds every irreducible representation at most n
times its dimension; so the best such space, in the sense of least squares, takes from each irreducible block of the
slices' averaged second moments the leading vectors. That is a closed form: nothing is searched.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equibook._checks import check_choice, check_labels, check_positive_int
from equibook.groups import CyclicGroup
from equibook.irreducibles import Irreducible, adapted_bases, list_irreducibles, move_pixels
from equibook.orbit_pca import GROUPS

RIDGE = 1e-6  # of the mean variance of what a mixture sees, where it is fitted to inputs


@dataclass(frozen=True)
class _Settings:
    """How a convolution moves over its input."""

    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    groups: int
    mode: str
    pads: tuple[int, ...]  # as `torch.nn.functional.pad` takes them, where the mode is not zeros

    @classmethod
    def of(cls, layer: nn.Conv2d) -> "_Settings":
        """Return those of a layer."""
        pads = tuple(layer._reversed_padding_repeated_twice)
        stride, padding, dilation = layer.stride, layer.padding, layer.dilation
        return cls(stride, padding, dilation, layer.groups, layer.padding_mode, pads)


def _convolve(how: _Settings, x: Tensor, weight: Tensor, bias: Tensor | None = None, *, groups: int = 0) -> Tensor:
    padding: Any = how.padding
    if how.mode != "zeros":
        x, padding = F.pad(x, how.pads, mode=how.mode), 0
    return F.conv2d(x, weight, bias, how.stride, padding, how.dilation, groups or how.groups)


class RepackedConv2d(nn.Module):
    """A convolution whose kernel is a mixture of transformed copies of canonical filters; made by `repack`.

    Parameters
    ----------
    layer : nn.Conv2d
        Says stride, padding, dilation, padding mode and bias.
    canonical : Tensor of shape (n_canonical, k, k)
    mixture : Tensor of shape (out_channels, in_channels / groups, n_canonical * order)
    group : CyclicGroup or DihedralGroup

    Examples
    --------
    >>> import torch
    >>> from equibook import networks, repack
    >>> layer = networks.load("lenet").conv1
    >>> made = repack.repack(layer, "D4", 2)
    >>> tuple(made.copies.shape), tuple(made.mixture.shape)
    ((2, 8, 5, 5), (6, 1, 16))
    >>> x = torch.zeros(3, 1, 32, 32)
    >>> made(x).shape == layer(x).shape
    True
    """

    moved: Tensor

    def __init__(self, layer: nn.Conv2d, canonical: Tensor, mixture: Tensor, group: CyclicGroup) -> None:
        super().__init__()
        self.canonical = nn.Parameter(canonical)
        self.mixture = nn.Parameter(mixture)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.group = group
        self._settings = _Settings.of(layer)
        size = canonical.shape[-1]
        self.register_buffer("moved", torch.from_numpy(move_pixels(group, (1, size, size))))

    @property
    def copies(self) -> Tensor:
        """All transformed copies: (n_canonical, order, k, k), elements in the order of the group."""
        n, size, _ = self.canonical.shape
        return self.canonical.flatten(1)[:, self.moved].reshape(n, -1, size, size)

    @property
    def weight(self) -> Tensor:
        """The kernel that they are mixed to: (out_channels, in_channels / groups, k, k)."""
        return torch.einsum("oic,chw->oihw", self.mixture, self.copies.flatten(0, 1))

    @property
    def n_weights(self) -> int:
        """Numbers that are kept: the filters, the bias, and a mixture of as many as the copies have directions."""
        directions = int(torch.linalg.matrix_rank(self.copies.detach().flatten(0, 1).flatten(1), rtol=1e-5))
        bias = 0 if self.bias is None else self.bias.numel()
        return self.canonical.numel() + self.mixture[..., 0].numel() * directions + bias

    def forward(self, x: Tensor) -> Tensor:
        """Return maps, of the shape that the convolution gave."""
        return _convolve(self._settings, x, self.weight, self.bias)


def repack(layer: nn.Conv2d, group: str = "D4", n_canonical: int = 4, *, inputs: Any = None) -> RepackedConv2d:
    """Replace a trained convolution by canonical filters and their transformed copies.

    Parameters
    ----------
    layer : nn.Conv2d
        With square kernels.
    group : {"C4", "D4"}
        Quarter turns; quarter turns and reflections.
    n_canonical : int
        As many as a kernel has orbits of pixels keep every kernel: of 5 x 5 pixels 7 with C4 and 6 with D4.
    inputs : Tensor of shape (n_samples, in_channels, height, width), optional
        What the layer sees. With it the mixture is fitted to what leaves the layer, not to its kernel.

    Returns
    -------
    RepackedConv2d
        In the place of the layer it takes and gives the same shapes.

    Examples
    --------
    Four filters that are quarter turns of one: a single canonical filter keeps the layer.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.repack import repack
    >>> layer, first = nn.Conv2d(1, 4, 3), torch.arange(9.0).view(1, 3, 3)
    >>> layer.weight = nn.Parameter(torch.stack([first.rot90(k, dims=(1, 2)) for k in range(4)]))
    >>> made = repack(layer, "C4", 1)
    >>> torch.allclose(made.weight, layer.weight, atol=1e-4)
    True
    """
    kernels, elements = _check_layer(layer), GROUPS[check_choice(group, GROUPS, name="group")]
    check_positive_int(n_canonical, name="n_canonical")
    canonical = find_canonical(kernels.flatten(0, 1).numpy(), elements, n_canonical)
    n_out, n_in, size, _ = kernels.shape
    moved = move_pixels(elements, (1, size, size))
    copies = torch.from_numpy(canonical.reshape(len(canonical), -1)[:, moved].reshape(-1, size * size))
    if inputs is None:
        mixture = kernels.flatten(2) @ torch.linalg.pinv(copies, rtol=1e-10)
    else:
        mixture = _fit_mixture(layer, kernels, copies, inputs)
    mixture = mixture.reshape(n_out, n_in, -1).to(layer.weight)
    return RepackedConv2d(layer, torch.from_numpy(canonical).to(layer.weight), mixture, elements)


def find_canonical(slices: np.ndarray, group: CyclicGroup, n_canonical: int) -> np.ndarray:
    """Return filters whose copies span the space that is nearest to all slices, of those that n filters can span.

    Parameters
    ----------
    slices : ndarray of shape (n_slices, k, k)
    group : CyclicGroup or DihedralGroup
        C4 or D4.
    n_canonical : int

    Returns
    -------
    float64 ndarray of shape (n_canonical, k, k), without those that would be zero

    Examples
    --------
    3 x 3 pixels have three orbits under quarter turns: corners, edges, the middle. So three filters span everything.

    >>> import numpy as np
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.repack import find_canonical
    >>> slices = np.random.default_rng(0).normal(size=(20, 3, 3))
    >>> [len(find_canonical(slices, CyclicGroup(4), n)) for n in (1, 2, 3, 4)]
    [1, 2, 3, 3]
    """
    rows = slices.reshape(len(slices), -1).astype(np.float64)
    largest = rows[np.square(rows).sum(axis=1).argmax()]
    filters = np.zeros((n_canonical, rows.shape[1]))
    for irreducible in list_irreducibles(group):
        leading = _leading_vectors(rows, group, irreducible, slices.shape[1:])
        for i, vector in enumerate(leading[: n_canonical * len(irreducible.matrices[0])]):
            c, row = divmod(i, len(irreducible.matrices[0]))  # an E of D4 stands twice in one filter's copies
            filters[c] += _aligned(vector[row], largest)
    used = np.square(filters).sum(axis=1) > 0
    return filters[used].reshape(-1, *slices.shape[1:])


def _leading_vectors(
    rows: np.ndarray, group: CyclicGroup, irreducible: Irreducible, shape: Sequence[int]
) -> list[np.ndarray]:
    """Return the vectors of one block, the leading first, each in the d rows of the representation: (d, n_pixels)."""
    bases = adapted_bases(group, irreducible, (1, *shape))
    if not bases[0].shape[1]:
        return []
    seen = [basis.conj().T @ rows.T for basis in bases]
    moments = sum(part @ part.conj().T for part in seen)
    eigenvalues, vectors = np.linalg.eigh(moments)
    order = np.argsort(-eigenvalues)
    sizes = np.sqrt(np.maximum(eigenvalues, 0))
    return [sizes[i] * np.stack([basis @ vectors[:, i] for basis in bases]) for i in order]


def _aligned(vector: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Return a real vector: of those that only sign or phase tell apart, the one most like the largest slice."""
    along = vector.conj() @ largest
    phase = along / abs(along) if abs(along) > 0 else 1.0
    return np.real(vector * phase)


def _fit_mixture(layer: nn.Conv2d, kernels: Tensor, copies: Tensor, inputs: Any) -> Tensor:
    """Return the mixture whose outputs are nearest to those of the layer at given inputs: ridge, in closed form."""
    if layer.groups > 1:
        raise ValueError(f"`layer` must have one group to be fitted to inputs, got {layer.groups}. Leave them out.")
    n_out, n_in, size, _ = kernels.shape
    x = torch.as_tensor(inputs).double()
    if x.ndim != 4 or x.shape[1] != n_in:
        hint = "Pass what comes to the layer."
        raise ValueError(f"`inputs` must have shape (n_samples, {n_in}, height, width), got {tuple(x.shape)}. {hint}")
    weight, how = copies.reshape(-1, 1, size, size).repeat(n_in, 1, 1, 1), _Settings.of(layer)
    moments, targets = torch.zeros(2, 1, 1, dtype=torch.float64)
    for batch in x.split(32):
        seen = _convolve(how, batch, weight, groups=n_in).movedim(1, 3).flatten(0, 2)
        wanted = _convolve(how, batch, kernels).movedim(1, 3).flatten(0, 2)
        moments, targets = moments + seen.T @ seen, targets + seen.T @ wanted
    penalty = RIDGE * moments.diagonal().mean() * torch.eye(len(moments), dtype=torch.float64)
    return torch.linalg.solve(moments + penalty, targets).T.reshape(n_out, n_in, -1)


def _check_layer(layer: Any) -> Tensor:
    """Return the kernel of a convolution with square windows, in float64."""
    if not isinstance(layer, nn.Conv2d):
        hint = "Pass one convolution of the network, such as `network.features[0]`."
        raise TypeError(f"`layer` must be a Conv2d, got {type(layer).__name__}. {hint}")
    height, width = layer.kernel_size
    if height != width:
        raise ValueError(f"`layer` must have square kernels, got {height} x {width}. Quarter turns change its shape.")
    return layer.weight.detach().double().cpu()


@dataclass(frozen=True, eq=False)
class Fidelity:
    """What is kept of a network when one of its convolutions is repacked, by the number of canonical filters.

    Parameters
    ----------
    layer : str
    group : str
    n_canonical : int ndarray of shape (n_counts,)
    weights : ndarray of shape (n_counts,)
        Numbers of the repacked layer over those of the layer.
    kernel_error, output_error : ndarrays of shape (n_counts,)
        Relative distance of the kernels, and of what leaves the layer on held-out images.
    accuracy : ndarray of shape (n_counts,)
        Of the network with the repacked layer.
    before : float
        Accuracy of the network as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.repack import Fidelity
    >>> measured = np.array([[0.5, 0.25, 0.125, 0.75], [1.0, 0.0, 0.0, 0.875]]).T
    >>> print(Fidelity("conv1", "D4", np.array([1, 2]), *measured, before=0.875))
    conv1, D4: accuracy before 87.5%
         filters  numbers kept  kernel error  output error      accuracy
               1         50.0%         25.0%         12.5%         75.0%
               2        100.0%          0.0%          0.0%         87.5%
    """

    layer: str
    group: str
    n_canonical: np.ndarray
    weights: np.ndarray
    kernel_error: np.ndarray
    output_error: np.ndarray
    accuracy: np.ndarray
    before: float

    def plot(self) -> Any:
        """Return a Figure; see `equibook.plots.plot_fidelity`."""
        from equibook.plots import plot_fidelity

        return plot_fidelity(self)

    def __str__(self) -> str:
        head = f"{self.layer}, {self.group}: accuracy before {self.before:.1%}"
        columns = ("filters", "numbers kept", "kernel error", "output error", "accuracy")
        lines = ["  ".join(f"{name:>12}" for name in columns)]
        measured = (self.weights, self.kernel_error, self.output_error, self.accuracy)
        for n, *row in zip(self.n_canonical, *measured, strict=True):
            lines.append("  ".join([f"{n:>12}", *(f"{value:>12.1%}" for value in row)]))
        return "\n".join([head, *lines])


def fidelity(
    network: nn.Sequential, layer: str, X: Tensor, y: Any, *, group: str = "D4", counts: Sequence[int] = (1, 2, 3, 4)
) -> Fidelity:
    """Repack one convolution of a network with more and more canonical filters, and measure what is kept.

    Parameters
    ----------
    network : nn.Sequential
        From images to one score a class; it is left as it is.
    layer : str
        The name of the convolution, as `network.get_submodule` takes it.
    X : Tensor of shape (n_samples, n_channels, height, width)
        Held-out images, as the network takes them.
    y : array-like of shape (n_samples,)
        Their classes: which score is the largest.
    group : {"C4", "D4"}
    counts : sequence of int

    Returns
    -------
    Fidelity

    Examples
    --------
    More filters keep more of the kernels; as many as a kernel has orbits of pixels, six, keep all.

    >>> import numpy as np
    >>> from equibook import datasets, networks, repack
    >>> X, y = datasets.load_digits(size=32)
    >>> lenet = networks.load("lenet")
    >>> found = repack.fidelity(lenet, "conv1", networks.preprocess("lenet", X[:50]), y[:50], counts=(1, 3, 6))
    >>> bool(np.all(np.diff(found.kernel_error) < 0)), bool(found.kernel_error[-1] < 1e-5)
    (True, True)
    >>> bool(found.accuracy[-1] == found.before)
    True
    """
    convolution: Any = network.get_submodule(layer)
    kernel, labels = _check_layer(convolution), check_labels(y, len(X))
    rows = []
    with torch.no_grad():
        seen = _input_of(network, convolution, X)
        wanted = convolution(seen)
        before = _accuracy(network, X, labels)
        for n in counts:
            made = repack(convolution, group, n)
            found = made(seen)
            rows.append([
                made.n_weights / sum(p.numel() for p in convolution.parameters()),
                float((made.weight.double() - kernel).norm() / kernel.norm()),
                float((found - wanted).norm() / wanted.norm()),
                _accuracy(_with(network, layer, made), X, labels),
            ])  # fmt: skip
    weights, kernel_error, output_error, accuracy = np.array(rows).T
    return Fidelity(layer, group, np.array(counts), weights, kernel_error, output_error, accuracy, before)


def _input_of(network: nn.Module, layer: nn.Module, X: Tensor) -> Tensor:
    """Return what comes to a layer, before anything in place could change it."""
    found: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: found.append(given[0].clone()))
    try:
        network(X)
    finally:
        handle.remove()
    return found[0]


def _accuracy(network: nn.Module, X: Tensor, labels: np.ndarray) -> float:
    return float(np.mean(network(X).argmax(dim=1).numpy(force=True) == labels))


def _with(network: nn.Module, name: str, layer: nn.Module) -> nn.Module:
    """Return a copy of a network with another layer in the place of one."""
    other = copy.deepcopy(network)
    parent, _, child = name.rpartition(".")
    setattr(other.get_submodule(parent), child, layer)
    return other
