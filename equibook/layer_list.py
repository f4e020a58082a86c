"""Which layers a network consists of, and whether they can be unfolded: all that can be said before and on the way."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from equibook.operators import KINDS
from equibook.receptive_fields import along, padding_of

PARTS = ("features", "avgpool", "classifier")  # of torchvision's AlexNet and VGG, which flatten before the last


def list_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the layers of a network with their names, in the order in which they act.

    Parameters
    ----------
    network : nn.Module
        See `unfold_network`.

    Returns
    -------
    list of (str, nn.Module)

    Examples
    --------
    >>> from equibook import layer_list, networks
    >>> layers = layer_list.list_layers(networks.load("alexnet_trunk"))
    >>> [(name, type(layer).__name__) for name, layer in layers[-4:]]
    [('features.12', 'MaxPool2d'), ('pool', 'AdaptiveAvgPool2d'), ('flatten', 'Flatten'), ('head', 'Linear')]
    """
    if not isinstance(network, nn.Sequential) and all(hasattr(network, part) for part in PARTS):
        parts = [(name, getattr(network, name)) for name in PARTS]
        parts.insert(2, ("flatten", nn.Flatten()))
        layers = [layer for name, part in parts for layer in _list_within(name, part)]
    else:
        layers = _list_within("", network)
    for name, layer in layers:
        _check_layer(name, layer)
    return layers


def _list_within(name: str, part: Any) -> list[tuple[str, nn.Module]]:
    if not isinstance(part, nn.Sequential):
        return [(name or type(part).__name__, part)]
    # Not `named_children`, which leaves out a layer that stands there twice.
    children = ((f"{name}.{child}" if name else child, layer) for child, layer in part._modules.items() if layer)
    return [found for child, layer in children for found in _list_within(child, layer)]


def _check_layer(name: str, layer: Any) -> None:
    is_known = isinstance(layer, tuple(KINDS))
    if not is_known:
        known = ", ".join(cls.__name__ for cls in KINDS)
        need = f"`network` must be a Sequential of {known}"
        raise TypeError(f"{need}, got `{name}` ({type(layer).__name__}). Replace it by layers of these kinds.")
    is_batch_norm = isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    is_live = is_batch_norm or getattr(layer, "p", 0) > 0  # Dropout
    if layer.training and is_live:
        need = f"`network` must be in evaluation mode, got `{name}` ({type(layer).__name__}) in training mode"
        raise ValueError(f"{need}. Call `network.eval()`.")
    if is_batch_norm and layer.running_mean is None:
        need = f"`network` must keep running statistics, got `{name}` ({type(layer).__name__}) without"
        raise ValueError(f"{need}. Train it with `track_running_stats=True`.")


def check_input(name: str, layer: nn.Module, values: Tensor) -> None:
    """Raise an error where what has become of an image does not fit a layer.

    Parameters
    ----------
    name : str
    layer : nn.Module
    values : Tensor of shape (1, ...)
        What comes to the layer.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.layer_list import check_input
    >>> check_input("head", nn.Linear(4, 2), torch.zeros(1, 4))
    >>> check_input("head", nn.Linear(4, 2), torch.zeros(1, 3))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: `image` must bring 4 numbers to `head` (Linear), got shape (3,) there. Pass an image of the size ...
    """
    called, shape = f"`{name}` ({type(layer).__name__})", tuple(values.shape[1:])
    if isinstance(layer, nn.Linear) and shape != (layer.in_features,):
        got = f"shape {shape} there"
        hint = "Pass an image of the size that the network was made for, and flatten before the layer."
        raise ValueError(f"`image` must bring {layer.in_features} numbers to {called}, got {got}. {hint}")
    channels = getattr(layer, "in_channels", getattr(layer, "num_features", shape[:1] and shape[0]))
    if shape and shape[0] != channels:
        hint = "Average or repeat the channels."
        raise ValueError(f"`image` must bring {channels} channels to {called}, got {shape[0]}. {hint}")
    if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        _check_window(called, layer, shape)


def _check_window(called: str, layer: Any, shape: Sequence[int]) -> None:
    if len(shape) != 3:
        hint = "Put it before the flattening."
        raise ValueError(f"`network` must give maps to {called}, got shape {tuple(shape)} there. {hint}")
    for axis in (0, 1):
        kernel, stride, dilation = (
            along(axis, getattr(layer, key, 1)) for key in ("kernel_size", "stride", "dilation")
        )
        if stride < 1:
            raise ValueError(f"`stride` of {called} must be at least 1, got {stride}. Give the layer a stride.")
        reach, room = dilation * (kernel - 1) + 1, shape[1 + axis] + sum(padding_of(layer, axis))
        if reach > room:
            need = f"at least {reach} pixels at {called}, with its padding"
            raise ValueError(f"`image` must leave {need}, got {room}. Pass a larger image.")
