"""Receptive fields: which part of the image each number of a network can see, taken from layer to layer.

Seen is what can matter by the way in which the layers are wired: a bounding box, clipped to the image.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

Extents = tuple[np.ndarray, np.ndarray]  # the first and the last pixel that each place along one axis sees
Fields = tuple[Extents, Extents]  # along rows and along columns

PADDING = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
POINTWISE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity, nn.ReLU, nn.LeakyReLU)


def see_pixels(height: int, width: int) -> Fields:
    """Return the extents of an image: each pixel sees itself.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    rows, columns : pair of int ndarrays of shape (height,), and of shape (width,)
        The first and the last pixel that each place sees.

    Examples
    --------
    >>> from equibook.receptive_fields import see_pixels
    >>> rows, columns = see_pixels(2, 3)
    >>> columns
    (array([0, 1, 2]), array([0, 1, 2]))
    """
    rows, columns = np.arange(height), np.arange(width)
    return (rows, rows), (columns, columns)


def see_through(layer: nn.Module, shape: Sequence[int], fields: Fields) -> Fields:
    """Return what each place after a layer sees.

    Parameters
    ----------
    layer : nn.Module
        One of `equibook.operators.KINDS`.
    shape : sequence of int
        Of what the layer returns, without the axis of samples: (n_channels, height, width) or (n_units,).
    fields : pair of Extents
        What each place before it sees: along rows and along columns, the first and the last pixel, each an int ndarray
        of shape (n_places,).

    Returns
    -------
    pair of Extents
        The same for the places after it: int ndarrays of shape (n_places,).

    Examples
    --------
    A window of three pixels, and then one of two: together they see four.

    >>> from torch import nn
    >>> from equibook.receptive_fields import see_pixels, see_through
    >>> rows, _ = fields = see_through(nn.Conv2d(1, 1, 3), (1, 3, 3), see_pixels(5, 5))
    >>> rows
    (array([0, 1, 2]), array([2, 3, 4]))
    >>> see_through(nn.MaxPool2d(2, 1), (1, 2, 2), fields)[0]
    (array([0, 1]), array([3, 4]))
    """
    if isinstance(layer, POINTWISE):
        return fields
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        rows, columns = (_see_adaptively(fields[axis], shape[-2:][axis]) for axis in (0, 1))
        return rows, columns
    if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        rows, columns = (_see_windows(layer, axis, fields[axis], shape[-2:][axis]) for axis in (0, 1))
        return rows, columns
    places = shape[-2:] if len(shape) == 3 else (1, 1)  # a layer that sees all numbers
    rows, columns = ((np.full(n, a.min()), np.full(n, b.max())) for n, (a, b) in zip(places, fields, strict=True))
    return rows, columns


def _see_windows(layer: Any, axis: int, extent: Extents, n_windows: int) -> Extents:
    """Look through windows; what lies in a padding of zeros is not seen."""
    first, last = extent
    kernel, stride, dilation = (along(axis, getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    before, after = padding_of(layer, axis)
    taps = stride * np.arange(n_windows)[:, None] + dilation * np.arange(kernel)
    beyond = max(int(taps.max()) + 1 - len(first) - before - after, 0)  # where sizes are rounded up
    mode = PADDING[getattr(layer, "padding_mode", "zeros")]
    nothing = {"constant_values": first.max() + 1} if mode == "constant" else {}
    starts = np.pad(first, (before, after + beyond), mode, **nothing)  # type: ignore[call-overload]
    ends = np.pad(last, (before, after + beyond), mode, **({"constant_values": -1} if nothing else {}))  # type: ignore[call-overload]
    return starts[taps].min(axis=1), ends[taps].max(axis=1)


def _see_adaptively(extent: Extents, n_windows: int) -> Extents:
    """Look through the windows of adaptive pooling: window i of n runs from ⌊i·size/n⌋ up to ⌈(i + 1)·size/n⌉."""
    first, last = extent
    i = np.arange(n_windows)
    return first[i * len(first) // n_windows], last[-(-(i + 1) * len(first) // n_windows) - 1]


def padding_of(layer: Any, axis: int) -> tuple[int, int]:
    """Return how many pixels a layer puts before and after the maps, along one axis.

    Parameters
    ----------
    layer : nn.Conv2d, nn.MaxPool2d or nn.AvgPool2d
    axis : int
        0 for rows, 1 for columns.

    Returns
    -------
    before, after : int

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.receptive_fields import padding_of
    >>> padding_of(nn.MaxPool2d(3, padding=1), 0), padding_of(nn.Conv2d(1, 1, 4, padding="same"), 0)
    ((1, 1), (1, 2))
    """
    if isinstance(layer.padding, str):
        total = along(axis, layer.dilation) * (along(axis, layer.kernel_size) - 1) if layer.padding == "same" else 0
        return total // 2, total - total // 2
    padding = along(axis, layer.padding)
    return padding, padding


def along(axis: int, value: int | Sequence[int]) -> int:
    """Return what a setting, a number or a pair, says of one axis.

    Parameters
    ----------
    axis : int
        0 for rows, 1 for columns.
    value : int or pair of int

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook.receptive_fields import along
    >>> along(1, (2, 3)), along(1, 2)
    (3, 2)
    """
    return int(value[axis] if isinstance(value, Sequence) else value)
