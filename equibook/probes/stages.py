"""The stages of a network: maps from images to what stands at one place inside, by name, and how to run them."""

import sys
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_positive_int
from equibook.measure import in_evaluation_mode
from equibook.networks import ALEXNET_FEATURES

Stage = Callable[[Any], Any]
CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5")
TRUNK = (
    "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5",
)  # fmt: skip
"""The stages of AlexNet's convolutional layers."""


def resolve(net: Any, stages: Any = None) -> dict[str, Stage]:
    """Return the stages of a network as maps from images, by name.

    Parameters
    ----------
    net : AlexNet, torch.nn.Sequential, Mapping or callable
        Of an AlexNet, and of the trunk in `equibook.networks`, the stages are those of `equibook.alexnet.STAGES`. Of
        another Sequential they are its first layers, up to and with a child. A Mapping gives the maps itself. Any other
        network or map is one stage, "output".
    stages : str, int or sequence of them, optional
        Names; of a Sequential also places, counted from 0, and names within names such as "features.3". By default
        conv1 to conv5 of an AlexNet, and all of anything else.

    Returns
    -------
    dict from a name to a callable or torch.nn.Module

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.probes.stages import resolve
    >>> list(resolve(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())))
    ['0', '1']
    """
    wanted = None if stages is None else _as_names(stages)
    if isinstance(net, Mapping):
        return _pick({str(name): _as_stage(f) for name, f in net.items()}, wanted)
    if _is_alexnet(net):
        from equibook import alexnet

        names = wanted or CONVOLUTIONS
        _check_names(names, alexnet.STAGES)
        return {name: alexnet.until(net, name) for name in names}
    if isinstance(net, nn.Sequential):
        return _resolve_sequential(net, wanted)
    return _pick({"output": _as_stage(net)}, wanted)


def split(net: Any, stage: str) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a Sequential behind a stage.

    Parameters
    ----------
    net : torch.nn.Sequential
    stage : str
        As in `resolve`.

    Returns
    -------
    before, after : torch.nn.Sequential
        They share their layers with the network, each in the mode it is in; one after the other they are the network.

    Examples
    --------
    >>> from equibook import networks
    >>> from equibook.probes.stages import split
    >>> before, after = split(networks.load("lenet"), "pool2")
    >>> len(before), [type(layer).__name__ for layer in after[:2]]
    (6, ['Flatten', 'Linear'])
    """
    if not isinstance(net, nn.Sequential):
        hint = 'Take the trunk with its head, `equibook.networks.load("alexnet_trunk")`.'
        raise TypeError(f"`net` must be a torch.nn.Sequential to be cut, got {type(net).__name__}. {hint}")
    layers, ends = [layer for _, layer in _list_layers(net)], _list_ends(net)
    _check_names([stage], ends)
    before, after = layers[: ends[stage]], layers[ends[stage] :]
    return _in_line(before, net), _in_line(after, net)


def run(f: Stage, X: Any, batch_size: int = 64) -> Tensor:
    """Return what a map makes of images: without gradients, in evaluation mode, a batch at a time.

    Parameters
    ----------
    f : callable or torch.nn.Module
        A module is given the images in the dtype and on the device of its weights, and is left as it was.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width)
    batch_size : int

    Returns
    -------
    Tensor of shape (n_samples, ...), on the CPU

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from equibook.probes.stages import run
    >>> values = run(nn.Conv2d(1, 6, 5), np.zeros((10, 1, 32, 32)), batch_size=4)
    >>> tuple(values.shape), values.requires_grad
    ((10, 6, 28, 28), False)
    """
    images, batch_size = _as_values(X), check_positive_int(batch_size, name="batch_size")
    if not isinstance(f, nn.Module):
        with torch.no_grad():
            return _join([_as_tensor(f(batch), len(batch)) for batch in images.split(batch_size)])
    weights = next((p for p in [*f.parameters(), *f.buffers()] if p.is_floating_point()), images)
    in_place = any(getattr(part, "inplace", False) for part in f.modules())
    with in_evaluation_mode(f), torch.no_grad():
        batches = (batch.to(weights) for batch in images.split(batch_size))
        return _join([_as_tensor(f(batch.clone() if in_place else batch), len(batch)) for batch in batches])


def run_all(stages: Mapping[str, Stage], X: Tensor) -> dict[str, Tensor]:
    """Return what several stages make of one batch of images; layers that a stage shares with the one before run once.

    Parameters
    ----------
    stages : dict from a name to a callable or torch.nn.Module
    X : Tensor of shape (n_samples, n_channels, height, width)

    Returns
    -------
    dict from a name to a Tensor of shape (n_samples, ...)

    Examples
    --------
    >>> import torch
    >>> from equibook import networks
    >>> from equibook.probes.stages import resolve, run_all
    >>> found = run_all(resolve(networks.load("lenet"), ["conv1", "pool2"]), torch.zeros(3, 1, 32, 32))
    >>> {name: tuple(values.shape) for name, values in found.items()}
    {'conv1': (3, 6, 28, 28), 'pool2': (3, 16, 5, 5)}
    """
    found: dict[str, Tensor] = {}
    done: list[nn.Module] = []
    images, last = X, ""
    for name, f in stages.items():
        layers = list(f) if isinstance(f, nn.Sequential) and type(f) is nn.Sequential else []
        if done and len(done) < len(layers) and all(map(_is_same, done, layers)):
            f, X = nn.Sequential(*layers[len(done) :]), found[last]
        last, done, found[name] = name, layers, run(f, X, len(X))
        X = images
    return found


def _is_same(one: nn.Module, other: nn.Module) -> bool:
    """Say whether two layers do the same: one layer, or two without weights that are described alike."""
    return one is other or (not one.state_dict() and repr(one) == repr(other))


def stride(f: Stage) -> int:
    """Return how many pixels of the image lie between two places of a stage's maps: the product of all strides.

    Parameters
    ----------
    f : torch.nn.Module
        One layer after the other.

    Returns
    -------
    int

    Examples
    --------
    Four pixels from place to place after the convolution, twice as many after pooling.

    >>> from torch import nn
    >>> from equibook.probes.stages import stride
    >>> stride(nn.Sequential(nn.Conv2d(3, 64, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2)))
    8
    """
    if not isinstance(f, nn.Module):
        hint = "Give it, as in `transforms.translation(8, 0, stride=4)`."
        raise TypeError(f"`stride` must be given for a map that is no torch.nn.Module, got none for {f!r}. {hint}")
    found = [getattr(part, "stride", 1) for part in f.modules()]
    return prod(int(one[0]) if isinstance(one, tuple) else int(one) for one in found)


def feature_maps(values: Tensor, name: str) -> Tensor:
    """Return the values of a stage as maps with four axes; plain features are maps of one place.

    Parameters
    ----------
    values : Tensor of shape (n_samples, n_channels, height, width) or (n_samples, n_channels)
        Square maps of finite numbers.
    name : str
        Of the stage, for error messages.

    Returns
    -------
    Tensor of shape (n_samples, n_channels, size, size)

    Examples
    --------
    >>> import torch
    >>> from equibook.probes.stages import feature_maps
    >>> tuple(feature_maps(torch.zeros(5, 84), "fc2").shape)
    (5, 84, 1, 1)
    """
    maps = values[:, :, None, None] if values.ndim == 2 else values
    if maps.ndim != 4 or maps.shape[-1] != maps.shape[-2]:
        need = f"`net` must give square maps (n_samples, n_channels, size, size) at the stage {name!r}"
        raise ValueError(f"{need}, got {tuple(values.shape)}. Choose another stage, or square images.")
    if not torch.isfinite(maps).all():
        hint = "Look where they come from: the weights, or a division."
        raise ValueError(f"`net` must give finite maps at the stage {name!r}, got NaN or infinite ones. {hint}")
    return maps


def _is_alexnet(net: Any) -> bool:
    """Say whether this is torchvision's AlexNet, without loading torchvision for any other network."""
    models = sys.modules.get("torchvision.models")
    return models is not None and isinstance(net, models.AlexNet)


def _resolve_sequential(net: nn.Sequential, wanted: tuple[str, ...] | None) -> dict[str, Stage]:
    ends = _list_ends(net)
    default = CONVOLUTIONS if _is_trunk(net) else tuple(name for name, _ in net.named_children())
    _check_names(wanted or default, ends)
    layers = [layer for _, layer in _list_layers(net)]
    return {name: _in_line(layers[: ends[name]], net) for name in wanted or default}


def _in_line(layers: Iterable[nn.Module], net: nn.Module) -> nn.Sequential:
    """Return layers of a network one after the other; `train` would set the mode of the network's own layers."""
    found = nn.Sequential(*layers)
    found.training = net.training
    return found


def _list_layers(net: nn.Sequential, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """Return all layers in the order in which they act, those of a Sequential within a Sequential one by one."""
    layers = []
    for name, child in net.named_children():
        inner = isinstance(child, nn.Sequential)
        layers += _list_layers(child, f"{prefix}{name}.") if inner else [(prefix + name, child)]  # type: ignore[arg-type]
    return layers


def _list_ends(net: nn.Sequential) -> dict[str, int]:
    """Return, for each name, how many layers there are up to and with it."""
    ends: dict[str, int] = {}
    for count, (name, _) in enumerate(_list_layers(net), start=1):
        parts = name.split(".")
        ends |= {".".join(parts[:depth]): count for depth in range(1, len(parts) + 1)}
    children = [name for name, _ in net.named_children()]
    ends |= {str(place): ends[name] for place, name in enumerate(children) if str(place) not in ends and name in ends}
    return ends | ({name: i + 1 for i, name in enumerate(TRUNK)} if _is_trunk(net) else {})


def _is_trunk(net: nn.Sequential) -> bool:
    features = getattr(net, "features", None)
    kinds = [kind for kind, _ in ALEXNET_FEATURES]
    return isinstance(features, nn.Sequential) and [type(layer) for layer in features] == kinds


def _as_names(stages: Any) -> tuple[str, ...]:
    names = (stages,) if isinstance(stages, str | int) else tuple(stages)
    if not names:
        raise ValueError("`stages` must name at least one, got none. Leave it out for the usual ones.")
    return tuple(str(name) for name in names)


def _as_stage(f: Any) -> Stage:
    if not callable(f):
        hint = "Pass a network, a function, or a dict of them."
        raise TypeError(f"`net` must be a network or a map of images, got {type(f).__name__}. {hint}")
    return f  # type: ignore[no-any-return]


def _pick(known: dict[str, Stage], wanted: tuple[str, ...] | None) -> dict[str, Stage]:
    _check_names(wanted or (), known)
    return known if wanted is None else {name: known[name] for name in wanted}


def _check_names(names: Iterable[str], known: Iterable[str]) -> None:
    listed = list(known)
    for name in names:
        if name not in listed:
            raise ValueError(f"`stages` must be of {', '.join(listed)}, got {name!r}. Choose from these.")


def _as_values(X: Any) -> Tensor:
    """Return images as such, and what a stage made of them (float Tensors of any other shape) as it is."""
    return X if isinstance(X, Tensor) and X.is_floating_point() else as_images(X, name="X")


def _as_tensor(values: Any, n_samples: int) -> Tensor:
    tensor = torch.as_tensor(values).detach().cpu()
    if tensor.ndim == 0 or len(tensor) != n_samples:
        hint = "Keep the images along the first axis."
        raise ValueError(f"`net` must give {n_samples} results for as many images, got {tuple(tensor.shape)}. {hint}")
    return tensor


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
