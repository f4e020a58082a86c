"""A conventional CNN as explicit operators, and what it is at one image: an affine map whose rows can be looked at.

Convolutions as matrices, Fourier products and windows times a matrix stand here, too (`equibook.convolution`).
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_choice, like
from equibook.convolution import ConvStructure, conv_fft, conv_im2col, conv_matrix, conv_structure
from equibook.layer_list import check_input, list_layers
from equibook.operators import KINDS, MaxGate, Operator, ReLUGate
from equibook.receptive_fields import Fields, see_pixels

__all__ = [
    "ConvStructure",
    "Parts",
    "UnfoldedNetwork",
    "conv_fft",
    "conv_im2col",
    "conv_matrix",
    "conv_structure",
    "unfold_network",
]

AT_ONCE = 16  # rows that are pulled back together
Unit = int | Sequence[int]
HEAD = {"name": "operator", "kind": "kind", "shape": "numbers", "gate": "gate", "sees": "sees, pixels"}


@dataclass(frozen=True, eq=False)
class Parts:
    """What one number of a network is made of, at one image: value = all pixels + all biases.

    Parameters
    ----------
    pixels : ndarray or Tensor of shape (n_channels, height, width)
        Row of A times x: the part of every pixel.
    biases : dict from str to float
        By the name of the operator that adds them, as they arrive at the unit.
    value : float
        What the network itself computes there.

    Examples
    --------
    Why LeNet gives the first digit, a 0, its score: one part for each pixel, and one for the biases of each layer.

    >>> from equibook import datasets, networks, unfold
    >>> X, y = datasets.load_digits(size=32)
    >>> parts = unfold.unfold_network(networks.load("lenet").double(), X[:1]).parts(0)
    >>> parts.pixels.shape, list(parts.biases)
    ((1, 32, 32), ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'])
    >>> parts.gap < 1e-12
    True
    """

    pixels: Any
    biases: dict[str, float]
    value: float

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return float(self.pixels.sum()) + sum(self.biases.values())

    @property
    def gap(self) -> float:
        """How far the parts miss the value, over the largest of the three: the pixels' sum, the biases', the value."""
        sizes = (abs(self.value), abs(float(self.pixels.sum())), abs(sum(self.biases.values())))
        return abs(self.total - self.value) / (max(sizes) or 1.0)


class UnfoldedNetwork:
    """A network at one image: a list of operators, and the affine map A(x) x + b(x) that they make up.

    Parameters
    ----------
    network : nn.Module
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)
        See `unfold_network`.

    Attributes
    ----------
    operators : list of Operator
        In the order in which they act.
    image : Tensor of shape (1, n_channels, height, width)
    values : dict from str to Tensor of shape (1, ...)
        What each operator has made of the image.
    output : Tensor of shape (1, ...)
        The last of them.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.unfold import UnfoldedNetwork
    >>> image = torch.arange(16.0).view(1, 1, 4, 4)
    >>> unfolded = UnfoldedNetwork(nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()), image)
    >>> unfolded
    operator  kind       numbers    gate       sees, pixels
    0         MaxPool2d  1 × 2 × 2  25% taken  2 × 2
    1         ReLU       1 × 2 × 2  100% open  2 × 2
    2         Flatten    4                     4 × 4
    >>> unfolded.rows([3])[0, 0].tolist()  # number 3 is the last pixel
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    def __init__(self, network: nn.Module, image: Any) -> None:
        self._given = image
        self.image = _as_image(network, image)
        self.operators: list[Operator] = []
        self.values: dict[str, Tensor] = {}
        with torch.no_grad():
            self.output = self._run_through(list_layers(network))
            _check_against(network, self.image, self.output)

    @property
    def names(self) -> list[str]:
        """The names of the operators."""
        return [operator.name for operator in self.operators]

    def __getitem__(self, name: str) -> Operator:
        return self.operators[self.names.index(check_choice(name, self.names, name="layer"))]

    def __call__(self, images: Any) -> Any:
        """Send other images through the operators as this image has set them: A(x) v + b(x), an affine map of v.

        Parameters
        ----------
        images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray or Tensor of shape (n_samples, ...)
        """
        values = as_images(images).to(self.image)
        _check_alike(values, self.image)
        with torch.no_grad():
            for operator in self.operators:
                values = _add(operator.apply(values), operator.shift)
        return like(values, images)

    def rows(self, units: Sequence[Unit], layer: str | None = None) -> Any:
        """Return rows of the matrix A(x): for each unit the weight of every pixel.

        Parameters
        ----------
        units : sequence of int or of tuple of int
            Places in what the layer returns, such as a class, or (channel, row, column).
        layer : str, optional
            The last one without.

        Returns
        -------
        ndarray or Tensor of shape (n_units, n_channels, height, width)
            As derivatives: in the unit of the layer per unit of the image.
        """
        chunks = [list(units)[i : i + AT_ONCE] for i in range(0, len(units), AT_ONCE)]
        with torch.no_grad():
            found = [self._pull_back(self._one_hot(chunk, layer), layer)[0] for chunk in chunks]
        return like(torch.cat(found), self._given)

    def parts(self, unit: Unit, layer: str | None = None) -> Parts:
        """Return the exact parts of one number: row of A times x, pixel by pixel, and the bias that each layer adds.

        Parameters
        ----------
        unit : int or tuple of int
            Its place in what the layer returns, such as a class, or (channel, row, column).
        layer : str, optional
            The last one without.

        Returns
        -------
        Parts
        """
        with torch.no_grad():
            start = self._one_hot([unit], layer)
            row, biases = self._pull_back(start, layer)
        value = float((self.values[layer or self.names[-1]] * start).sum())
        return Parts(like((row * self.image)[0], self._given), biases, value)

    def guided_rows(self, units: Sequence[Unit], layer: str | None = None) -> Any:
        """Return rows by guided backpropagation: negative numbers are cut off at each ReLU on the way back.

        A negative control, not an explanation: it depends on how a function is implemented, and its parts do not sum to
        anything. Parameters and result are those of `rows`.

        References
        ----------
        Springenberg et al. (2015), arXiv:1412.6806.
        """
        with torch.no_grad():
            return like(self._pull_back(self._one_hot(list(units), layer), layer, is_guided=True)[0], self._given)

    def count_flipped_gates(self, image: Any) -> dict[str, int]:
        """Count by operator the gates that stand otherwise at another image; where none does, the map is the same.

        Parameters
        ----------
        image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)

        Returns
        -------
        dict from str to int
        """
        values = as_images(image).to(self.image)
        _check_alike(values, self.image, n_samples=1)
        flipped, fields = {}, see_pixels(*values.shape[2:])
        with torch.no_grad():
            for ours in self.operators:
                theirs = type(ours)(ours.name, ours.layer, values, fields) if ours.gate is not None else ours
                if ours.gate is not None and theirs.gate is not None:
                    flipped[ours.name] = int((ours.gate != theirs.gate).sum())
                values = _add(theirs.apply(values), ours.shift)
        return flipped

    def flipped_shares(self, images: Any) -> np.ndarray:
        """Return which share of all gates stands otherwise at each of several images.

        Parameters
        ----------
        images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray of shape (n_samples,), from 0 to 1; 0 where there is no gate
        """
        n_gates = sum(operator.gate.numel() for operator in self.operators if operator.gate is not None)
        flipped = [sum(self.count_flipped_gates(image[None]).values()) for image in as_images(images)]
        return np.array(flipped) / max(n_gates, 1)

    def table(self) -> list[dict[str, str]]:
        """Return what there is to say of each operator, as texts: a row of `name`, `kind`, `shape`, `gate`, `sees`."""
        return [_describe(operator) for operator in self.operators]

    def __repr__(self) -> str:
        rows = [dict.fromkeys(HEAD, "") | HEAD, *self.table()]
        widths = {key: max(len(row[key]) for row in rows) for key in HEAD}
        return "\n".join("  ".join(row[key].ljust(widths[key]) for key in HEAD).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{text}</th>' for text in HEAD.values())
        rows = ["".join(f"<td>{html.escape(row[key])}</td>" for key in HEAD) for row in self.table()]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _run_through(self, layers: Sequence[tuple[str, nn.Module]]) -> Tensor:
        values, fields = self.image, see_pixels(*self.image.shape[2:])
        for name, layer in layers:
            operator = _make(name, layer, values, fields)
            values, fields = _add(operator.apply(values), operator.shift), operator.fields
            self.operators.append(operator)
            self.values[name] = values
        return values

    def _pull_back(
        self, rows: Tensor, layer: str | None, *, is_guided: bool = False
    ) -> tuple[Tensor, dict[str, float]]:
        """Pull rows back to the image, and add up what the first of them meets of every constant on the way."""
        last = self.names.index(layer) + 1 if layer else len(self.operators)
        met: dict[str, float] = {}
        for operator in reversed(self.operators[:last]):
            if operator.shift is not None:
                met[operator.name] = float((rows[:1].double() * operator.shift.double()).sum())
            rows = operator.pull_back(rows)
            rows = rows.clamp(min=0) if is_guided and isinstance(operator, ReLUGate) else rows
        return rows, dict(reversed(met.items()))

    def _one_hot(self, units: Sequence[Unit], layer: str | None) -> Tensor:
        name = check_choice(layer, self.names, name="layer") if layer else self.names[-1]
        shape = self[name].output_shape
        rows = self.image.new_zeros(len(units), *shape)
        for row, unit in zip(rows, units, strict=True):
            row[_check_unit(unit, shape)] = 1
        return rows


def unfold_network(network: nn.Module, image: Any) -> UnfoldedNetwork:
    """Unfold a network at one image into named operators, which together are an affine map of the image.

    Parameters
    ----------
    network : nn.Module
        An `nn.Sequential`, nested or not, of the layers in `equibook.operators.KINDS`; or a network of the parts
        `features`, `avgpool` and `classifier`, such as torchvision's AlexNet and VGG. In evaluation mode.
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)
        Brought to the network's device and precision.

    Returns
    -------
    UnfoldedNetwork

    Examples
    --------
    >>> from torch import nn, ones
    >>> from equibook.unfold import unfold_network
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.ReLU()).eval()
    >>> unfold_network(network, ones(1, 2, 2)).names
    ['0', '1', '2']
    """
    return UnfoldedNetwork(network, image)


def _describe(operator: Operator) -> dict[str, str]:
    shape = " × ".join(map(str, operator.output_shape))
    share = operator.open_share
    word = "taken" if isinstance(operator, MaxGate) else "open"
    gate = "" if share is None else f"{share:.0%} {word}"
    sees = "{} × {}".format(*operator.receptive_field)
    return {"name": operator.name, "kind": operator.kind, "shape": shape, "gate": gate, "sees": sees}


def _make(name: str, layer: nn.Module, values: Tensor, fields: Fields) -> Operator:
    kind = next(KINDS[cls] for cls in type(layer).__mro__ if cls in KINDS)
    check_input(name, layer, values)
    try:
        return kind(name, layer, values, fields)
    except RuntimeError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"`image` must fit `{name}` ({type(layer).__name__}), got shape {tuple(values.shape)} there: {said}. "
            f"Look at this layer's settings and at the size of the image."
        ) from error


def _add(values: Tensor, shift: Tensor | None) -> Tensor:
    return values if shift is None else values + shift


def _as_image(network: Any, image: Any) -> Tensor:
    if not isinstance(network, nn.Module):
        hint = "Pass a network, such as an `nn.Sequential`."
        raise TypeError(f"`network` must be a torch.nn.Module, got {type(network).__name__}. {hint}")
    x = as_images(image, name="image").detach()
    if len(x) != 1:
        raise ValueError(f"`image` must hold one image, got {len(x)}. Pass one of them, such as `images[:1]`.")
    parameters = next(network.parameters(), x)
    return x.to(parameters.device, parameters.dtype)


def _check_against(network: nn.Module, image: Tensor, output: Tensor) -> None:
    """Raise an error where the network does something that its layers do not show."""
    forward = network(image.clone())
    tolerance = 1e3 * torch.finfo(image.dtype).eps
    if forward.shape != output.shape or (forward - output).abs().max() > tolerance * (forward.abs().max() + 1e-30):
        got = f"{type(network).__name__}, whose forward does more"
        hint = "Write it as an `nn.Sequential` of all it does."
        raise ValueError(f"`network` must do what its layers do one after the other, got {got}. {hint}")


def _check_alike(values: Tensor, image: Tensor, n_samples: int | None = None) -> None:
    need = (n_samples or len(values), *image.shape[1:])
    if tuple(values.shape) != tuple(need):
        hint = "Pass images like the one that was unfolded."
        raise ValueError(f"`images` must have shape {tuple(need)}, got {tuple(values.shape)}. {hint}")


def _check_unit(unit: Unit, shape: Sequence[int]) -> tuple[int, ...]:
    place = tuple(unit) if isinstance(unit, Sequence) else (unit,)
    is_inside = len(place) == len(shape) and all(
        isinstance(i, int | np.integer) and -n <= i < n for i, n in zip(place, shape, strict=True)
    )
    if not is_inside:
        hint = "Count from 0, one number for each axis."
        raise ValueError(f"`unit` must be a place in numbers of shape {tuple(shape)}, got {unit!r}. {hint}")
    return tuple(int(i) for i in place)
