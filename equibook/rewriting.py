"""Other implementations of what a layer computes: same function, different steps.

An explanation that is one of the function must not depend on which of them was used.
"""

from typing import Any

import torch
from torch import nn

from equibook._checks import check_positive_int
from equibook.convolution import conv_matrix


def conv_as_linear(conv: nn.Conv2d, image_size: int) -> nn.Sequential:
    """Write a convolution as a linear layer between all its inputs and all its outputs.

    Parameters
    ----------
    conv : nn.Conv2d
        With one group, and padding in pixels.
    image_size : int
        Height and width of the maps that come in, in pixels.

    Returns
    -------
    nn.Sequential
        Flatten, Linear, Unflatten. The weights are written out: n_outputs · n_inputs numbers.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.rewriting import conv_as_linear
    >>> conv, x = nn.Conv2d(2, 3, 3, padding=1), torch.ones(1, 2, 8, 8)
    >>> linear = conv_as_linear(conv, 8)
    >>> tuple(linear[1].weight.shape), torch.allclose(linear(x), conv(x), atol=1e-5)
    ((192, 128), True)
    """
    if conv.groups != 1 or isinstance(conv.padding, str):
        got = f"groups={conv.groups}, padding={conv.padding!r}"
        raise ValueError(f"`conv` must have one group and a padding in pixels, got {got}. Write them out first.")
    names = ("padding", "stride", "dilation", "padding_mode")
    matrix = conv_matrix(conv.weight, image_size, **{name: getattr(conv, name) for name in names})
    n_pixels = matrix.shape[0] // conv.out_channels
    side = round(n_pixels**0.5)
    linear = nn.Linear(matrix.shape[1], matrix.shape[0]).to(conv.weight)
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
    _set(linear, torch.from_numpy(matrix.toarray()), bias.repeat_interleave(n_pixels))
    return nn.Sequential(nn.Flatten(), linear, nn.Unflatten(1, (conv.out_channels, side, side)))


def max_pool_by_relus(n_channels: int) -> nn.Sequential:
    """Write the maximum over 2 × 2 pixels by convolutions and ReLUs: max(a, b) = ReLU(a - b) + ReLU(b).

    Equal to `nn.MaxPool2d(2)` where no number is negative, as after a ReLU.

    Parameters
    ----------
    n_channels : int

    Returns
    -------
    nn.Sequential
        Two rounds: the maximum of each row of a window, then that of the two rows.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.rewriting import max_pool_by_relus
    >>> x = torch.arange(32.0).view(1, 2, 4, 4)
    >>> torch.equal(max_pool_by_relus(2)(x), nn.MaxPool2d(2)(x))
    True
    >>> torch.equal(max_pool_by_relus(2)(-x), nn.MaxPool2d(2)(-x))  # not below 0
    False
    """
    n = check_positive_int(n_channels, name="n_channels")
    a_b, b = [[1.0, -1.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]
    c_d, d = a_b[::-1], b[::-1]
    steps = [[[kernel] for kernel in (a_b, b, c_d, d)], _mix([[1, 1, -1, -1], [0, 0, 1, 1]]), _mix([[1, 1]])]
    windows, compare, add = (_grouped(weight, n, stride=2 if i == 0 else 1) for i, weight in enumerate(steps))
    return nn.Sequential(windows, nn.ReLU(), compare, nn.ReLU(), add)


def identity_by_relus(n_channels: int) -> nn.Sequential:
    """Write the map that changes nothing by ReLUs: x = ReLU(x) - ReLU(-x).

    Parameters
    ----------
    n_channels : int

    Returns
    -------
    nn.Sequential
        A function with derivative 1 everywhere, of parts that at 0 have none.

    Examples
    --------
    >>> import torch
    >>> from equibook.rewriting import identity_by_relus
    >>> x = torch.arange(-8.0, 8.0).view(1, 1, 4, 4)
    >>> torch.equal(identity_by_relus(1)(x), x)
    True
    """
    n = check_positive_int(n_channels, name="n_channels")
    return nn.Sequential(_grouped(_mix([[1], [-1]]), n), nn.ReLU(), _grouped(_mix([[1, -1]]), n))


def _mix(rows: list[list[int]]) -> list[Any]:
    """Return 1 × 1 kernels of shape (n_out, n_in, 1, 1)."""
    return [[[[float(weight)]] for weight in row] for row in rows]


def _grouped(kernels: list[Any], n_channels: int, *, stride: int = 1) -> nn.Conv2d:
    """Return a convolution that does the same to every channel, with kernels (n_out, n_in, height, width)."""
    weight = torch.tensor(kernels)
    n_out, n_in, *_, side = weight.shape
    conv = nn.Conv2d(n_in * n_channels, n_out * n_channels, side, stride, groups=n_channels, bias=False)
    _set(conv, weight.repeat(n_channels, 1, 1, 1))
    return conv


def _set(layer: nn.Conv2d | nn.Linear, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None and layer.bias is not None:
            layer.bias.copy_(bias)
