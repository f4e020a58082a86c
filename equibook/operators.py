"""The layers of a network as operators that are affine at one image: gates are set by the image and then kept.

An operator has a linear part, `apply`, and a constant, `shift`. Convolutions, averages and linear layers have them for
every image. A ReLU and a maximum have them once the image has decided what passes: that is their gate. The transpose of
the linear part, `pull_back`, is what backpropagation computes; no matrix is ever written out.
"""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp
from torch.nn import functional as F

from equibook.receptive_fields import Fields, see_through

Shape = tuple[int, ...]

OFFSETS = ("bias", "running_mean")


class Operator:
    """One layer of a network at one image: x ↦ apply(x) + shift.

    Parameters
    ----------
    name : str
        As the network calls it, such as "features.0".
    layer : nn.Module
    x : Tensor of shape (1, ...)
        What the image has become before this layer.
    fields : pair of Extents
        Which rows and which columns of the image each place of `x` sees: pairs of int ndarrays of shape (n_rows,) and
        (n_columns,), as `equibook.receptive_fields.see_pixels` returns them.

    Attributes
    ----------
    kind : str
        The layer's class, such as "Conv2d".
    input_shape, output_shape : tuple of int
        Without the axis of samples.
    gate : Tensor or None
        Of a ReLU: its slope at every number. Of a maximum: which pixel of the map before is taken, counted row by row.
    receptive_field : tuple of int
        Height and width, in pixels of the image, of the largest part that one number sees.

    Examples
    --------
    Of a convolution, the linear part and the constant together are the layer, at this image and at any other.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.operators import Operator
    >>> from equibook.receptive_fields import see_pixels
    >>> layer, x = nn.Conv2d(1, 2, 3), torch.arange(25.0).view(1, 1, 5, 5)
    >>> conv = Operator("conv", layer, x, see_pixels(5, 5))
    >>> conv.output_shape, conv.receptive_field
    ((2, 3, 3), (3, 3))
    >>> torch.allclose(conv.apply(-x) + conv.shift, layer(-x), atol=1e-4)
    True
    """

    gate: Tensor | None = None

    def __init__(self, name: str, layer: nn.Module, x: Tensor, fields: Fields) -> None:
        self.name, self.layer, self.kind = name, layer, type(layer).__name__
        self.input_shape: Shape = tuple(x.shape[1:])
        self.set_gate(x)
        self.output_shape: Shape = tuple(self.apply(x).shape[1:])
        self.fields = see_through(layer, self.output_shape, fields)

    def set_gate(self, x: Tensor) -> None:
        """Keep what the image decides; here nothing."""

    def apply(self, x: Tensor) -> Tensor:
        """Push numbers through the linear part.

        Parameters
        ----------
        x : Tensor of shape (n, ...), each of `input_shape`

        Returns
        -------
        Tensor of shape (n, ...), each of `output_shape`
        """
        zeros = {name: torch.zeros_like(value) for name, value in _offsets(self.layer).items()}
        return functional_call(self.layer, zeros, (x,))

    def pull_back(self, rows: Tensor) -> Tensor:
        """Push rows through the transpose of the linear part: the other way round.

        Parameters
        ----------
        rows : Tensor of shape (n, ...), each of `output_shape`

        Returns
        -------
        Tensor of shape (n, ...), each of `input_shape`
        """
        transpose = vjp(self.apply, rows.new_zeros(len(rows), *self.input_shape))[1]
        return transpose(rows)[0]

    @cached_property
    def shift(self) -> Tensor | None:
        """The constant, of shape (1, ...); None where it is zero by its kind."""
        offsets = list(_offsets(self.layer).values())
        return self.layer(offsets[0].new_zeros(1, *self.input_shape)) if offsets else None

    @property
    def open_share(self) -> float | None:
        """The share of its inputs that a gate lets through, from 0 to 1; None without a gate."""
        return None

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Height and width, in pixels of the image, of the largest part that one number sees."""
        height, width = (max(int((last - first).max()) + 1, 0) for first, last in self.fields)
        return height, width

    def see(self, row: int, column: int) -> tuple[slice, slice]:
        """Return which rows and columns of the image the numbers at one place see; beyond flattening there is one.

        Parameters
        ----------
        row, column : int

        Returns
        -------
        rows, columns : slice
        """
        (top, bottom), (left, right) = self.fields
        rows, columns = slice(int(top[row]), int(bottom[row]) + 1), slice(int(left[column]), int(right[column]) + 1)
        return rows, columns


class ReLUGate(Operator):
    """A ReLU, leaky or not: each number is multiplied by the slope that the image chose.

    Parameters
    ----------
    name : str
    layer : nn.ReLU or nn.LeakyReLU
    x : Tensor of shape (1, ...)
        What the image has become before this layer.
    fields : pair of Extents
        As in `Operator`: pairs of int ndarrays of shape (n_rows,) and (n_columns,).

    Examples
    --------
    The image says what passes, also for other numbers.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.operators import ReLUGate
    >>> from equibook.receptive_fields import see_pixels
    >>> x = torch.tensor([[[[-1.0, 2.0, 3.0, 0.0]]]])
    >>> relu = ReLUGate("relu", nn.ReLU(), x, see_pixels(1, 4))
    >>> relu.apply(torch.tensor([[[[5.0, 6.0, -7.0, 8.0]]]])).flatten().tolist(), relu.open_share
    ([0.0, 6.0, -7.0, 0.0], 0.5)
    """

    layer: nn.ReLU | nn.LeakyReLU
    gate: Tensor

    def set_gate(self, x: Tensor) -> None:
        """Keep the slope at every number; at exactly 0 it is that of the left side, as in backpropagation."""
        closed = getattr(self.layer, "negative_slope", 0.0)
        self.gate = torch.where(x > 0, x.new_ones(()), x.new_tensor(closed))

    def apply(self, x: Tensor) -> Tensor:
        """Multiply by the slopes."""
        return x * self.gate

    @property
    def open_share(self) -> float:
        """The share of numbers above 0."""
        return float((self.gate == 1).double().mean())


class MaxGate(Operator):
    """A maximum over windows: from each window the pixel is taken that was the largest at the image.

    Parameters
    ----------
    name : str
    layer : nn.MaxPool2d
    x : Tensor of shape (1, n_channels, height, width)
        What the image has become before this layer.
    fields : pair of Extents
        As in `Operator`: pairs of int ndarrays of shape (n_rows,) and (n_columns,).

    Examples
    --------
    The largest of four pixels was the second: it is taken from any other image, too.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.operators import MaxGate
    >>> from equibook.receptive_fields import see_pixels
    >>> pool = MaxGate("pool", nn.MaxPool2d(2), torch.tensor([[[[1.0, 5.0], [3.0, 2.0]]]]), see_pixels(2, 2))
    >>> pool.apply(torch.tensor([[[[9.0, 7.0], [9.0, 9.0]]]])).flatten().tolist(), pool.open_share
    ([7.0], 0.25)
    """

    layer: nn.MaxPool2d
    gate: Tensor

    def set_gate(self, x: Tensor) -> None:
        """Keep the place of each maximum; of several equal ones the first."""
        pool = self.layer
        _, self.gate = F.max_pool2d(
            x, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, return_indices=True
        )

    def apply(self, x: Tensor) -> Tensor:
        """Take the pixels that were the largest."""
        places = self.gate.flatten(2).expand(len(x), -1, -1)
        return x.flatten(2).gather(2, places).unflatten(2, self.gate.shape[2:])

    @property
    def open_share(self) -> float:
        """The share of pixels that are the largest of some window."""
        taken = sum(len(torch.unique(places)) for places in self.gate[0].flatten(1))
        return taken / float(np.prod(self.input_shape))


KINDS: dict[type[nn.Module], type[Operator]] = {
    nn.Conv2d: Operator,
    nn.Linear: Operator,
    nn.BatchNorm2d: Operator,
    nn.BatchNorm1d: Operator,
    nn.AvgPool2d: Operator,
    nn.AdaptiveAvgPool2d: Operator,
    nn.Flatten: Operator,
    nn.Unflatten: Operator,
    nn.Dropout: Operator,
    nn.Dropout2d: Operator,
    nn.Identity: Operator,
    nn.ReLU: ReLUGate,
    nn.LeakyReLU: ReLUGate,
    nn.MaxPool2d: MaxGate,
}


def _offsets(layer: nn.Module) -> dict[str, Tensor]:
    """Return what a layer adds or takes off."""
    found = {name: getattr(layer, name, None) for name in OFFSETS}
    return {name: value for name, value in found.items() if value is not None}
