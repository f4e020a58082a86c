r"""Learned layers that are equivariant by construction: one filter is learned, and used in all its transformed copies.

Both layers are correlations of a map with all copies :math:`g\psi` of each filter. The first takes images, the others
take what it returns, where a filter has an axis for the group, too:

.. math::
    [f \star \psi](g, u) = \sum_v \psi(g^{-1}(v - u)) f(v), \qquad
    [F \star \psi](g, u) = \sum_h \sum_v \psi(g^{-1}h, g^{-1}(v - u)) F(h, v) .

Turning the image moves the places of the result and permutes its elements: exactly, as quarter turns and reflections
only move pixels.

Source: Cohen and Welling (2016), arXiv:1602.07576.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equibook._checks import check_choice, check_positive_int
from equibook.irreducibles import move_pixels
from equibook.orbit_pca import GROUPS


class LiftingConv2d(nn.Module):
    """From images to maps over the group: a correlation with every filter and all its copies.

    Parameters
    ----------
    in_channels, out_channels : int
    size : int
        Of the filters, in pixels; odd. Maps are as large as the images, with zeros around them.
    group : {"C4", "D4"}
        Quarter turns; quarter turns and reflections.

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels, 1, size, size)
        What is learned: the axis of length 1 becomes the group in `GroupConv2d`.
    bias : Parameter of shape (out_channels,)
        One for all copies of a filter.

    References
    ----------
    Cohen and Welling (2016), arXiv:1602.07576.

    Examples
    --------
    A quarter turn of the image turns the maps and moves them on by one element of C4.

    >>> import torch
    >>> from equibook.group_layers import LiftingConv2d
    >>> layer, x = LiftingConv2d(1, 6, 3), torch.arange(25.0).view(1, 1, 5, 5) / 25
    >>> maps, of_turned = layer(x), layer(x.rot90(dims=(2, 3)))
    >>> tuple(maps.shape)
    (1, 6, 4, 5, 5)
    >>> torch.allclose(of_turned, maps.rot90(dims=(3, 4)).roll(1, dims=2), atol=1e-5)
    True
    >>> torch.allclose(of_turned, maps.rot90(dims=(3, 4)), atol=1e-5)  # the turn alone is not enough
    False
    """

    moved: Tensor
    source: Tensor

    def __init__(self, in_channels: int, out_channels: int, size: int, group: str = "C4") -> None:
        super().__init__()
        self.group = GROUPS[check_choice(group, GROUPS, name="group")]
        n_in = check_positive_int(in_channels, name="in_channels")
        n_out = check_positive_int(out_channels, name="out_channels")
        self.size = _check_odd(size)
        source = self._list_sources()
        self.register_buffer("source", source)  # which element of a filter comes to each place of each copy
        self.register_buffer("moved", torch.from_numpy(move_pixels(self.group, (1, size, size))))
        self.weight = nn.Parameter(torch.empty(n_out, n_in, source.shape[1], size, size))
        self.bias = nn.Parameter(torch.empty(n_out))
        self.reset_parameters()

    def _list_sources(self) -> Tensor:
        """Return zeros: an image has no axis for the group."""
        return torch.zeros(self.group.order, 1, dtype=torch.long)

    def reset_parameters(self) -> None:
        """Draw weights and biases as torch does for its own convolutions."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        bound = 1 / math.sqrt(self.weight[0].numel())
        nn.init.uniform_(self.bias, -bound, bound)

    @property
    def copies(self) -> Tensor:
        """Every filter in all its copies: (out_channels, order, in_channels, 1 or order, size, size)."""
        flat = self.weight.flatten(3)  # (out, in, elements, pixels)
        found = [flat[:, :, h][..., pixels] for h, pixels in zip(self.source, self.moved, strict=True)]
        return torch.stack(found, dim=1).unflatten(-1, (self.size, self.size))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps over the group.

        Parameters
        ----------
        x : Tensor of shape (n_samples, in_channels, height, width)

        Returns
        -------
        Tensor of shape (n_samples, out_channels, order, height, width)
        """
        order = self.group.order
        kernel = self.copies.flatten(0, 1).flatten(1, 2)
        maps = F.conv2d(x, kernel, self.bias.repeat_interleave(order), padding=self.size // 2)
        return maps.unflatten(1, (-1, order))


class GroupConv2d(LiftingConv2d):
    """From maps over the group to maps over the group: a group correlation.

    Parameters
    ----------
    in_channels, out_channels : int
    size : int
        Of the filters, in pixels; odd. Maps are as large as those that come in, with zeros around them.
    group : {"C4", "D4"}
        That of the maps.

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels, order, size, size)
    bias : Parameter of shape (out_channels,)

    Examples
    --------
    >>> import torch
    >>> from equibook.group_layers import GroupConv2d
    >>> layer, maps = GroupConv2d(2, 3, 3), torch.arange(200.0).view(1, 2, 4, 5, 5) / 200
    >>> tuple(layer.weight.shape), tuple(layer(maps).shape)
    ((3, 2, 4, 3, 3), (1, 3, 4, 5, 5))

    It commutes with the action of a quarter turn on maps over the group:

    >>> of_turned = layer(maps.rot90(dims=(3, 4)).roll(1, dims=2))
    >>> torch.allclose(of_turned, layer(maps).rot90(dims=(3, 4)).roll(1, dims=2), atol=1e-5)
    True
    """

    def _list_sources(self) -> Tensor:
        """Return the index of g⁻¹h for every g (row) and h (column)."""
        table = torch.from_numpy(self.group.cayley_table())
        inverses = [self.group.index(self.group.inverse(g)) for g in self.group]
        return table[inverses]

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of shape (n_samples, out_channels, order, height, width), of maps of such a shape."""
        return super().forward(x.flatten(1, 2))


class OnEveryElement(nn.Module):
    """Apply a layer that works in space alone, such as a pooling, to the maps of each element.

    Parameters
    ----------
    layer : nn.Module
        From (n_samples, n_channels, height, width) to maps of as many channels.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.group_layers import OnEveryElement
    >>> tuple(OnEveryElement(nn.MaxPool2d(2))(torch.zeros(2, 6, 4, 8, 8)).shape)
    (2, 6, 4, 4, 4)
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n_samples, n_channels, order, …) of maps of shape (n_samples, n_channels, order, …)."""
        return self.layer(x.flatten(1, 2)).unflatten(1, x.shape[1:3])


class PoolOverGroup(nn.Module):
    """Take the largest value over the group and over all places: an invariant.

    Examples
    --------
    What only permutes elements and places leaves the largest value.

    >>> import torch
    >>> from equibook.group_layers import PoolOverGroup
    >>> maps = torch.arange(72.0).view(1, 2, 4, 3, 3)
    >>> PoolOverGroup()(maps).tolist(), PoolOverGroup()(maps.rot90(dims=(3, 4)).roll(1, dims=2)).tolist()
    ([[35.0, 71.0]], [[35.0, 71.0]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (n_samples, n_channels) of maps of shape (n_samples, n_channels, order, height, width)."""
        return x.amax(dim=(2, 3, 4))


def _check_odd(size: int) -> int:
    if check_positive_int(size, name="size") % 2 == 0:
        raise ValueError(f"`size` must be odd, got {size}. A filter needs a middle to turn about; take {size + 1}.")
    return size
