"""AlexNet, stage by stage: with ImageNet's weights, with those of this package, or with a random start.

The class, the address of the ImageNet weights, their checksum and their preprocessing are torchvision's. Its ReLUs work
in place: they overwrite the values that a forward hook has just seen. So stages are read by running the layers one
after the other, each into memory of its own.

Sources: Krizhevsky, Sutskever and Hinton (2012), doi:10.1145/3065386; Krizhevsky (2014), arXiv:1404.5997, for the
numbers of filters that torchvision has.
"""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import AlexNet, AlexNet_Weights
from torchvision.transforms.v2 import functional as F

from equibook import networks
from equibook._checks import FLOATS, as_images, check_choice, check_positive_int, like
from equibook.pretrained import cache_state, load_state
from equibook.stage_table import StageTable, measure_stages

STAGES = (
    "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5",
    "fc6", "relu6", "fc7", "relu7", "fc8",
)  # fmt: skip
WEIGHTS = ("imagenet", "digits", "random")
INPUT_SIZE = {"imagenet": 223, "digits": 63}
"""Sizes in pixels at which all grids of the network lie symmetrically about the centre of the image.

torchvision's network, with its padding of 2, does so at 63 + 32n pixels. At 224 conv1 is off centre, at 227 pool1.
"""
RESIZED = 255  # torchvision's is 256, for a crop of 224; what remains must be even for the crop to be centred
IMAGENET = AlexNet_Weights.IMAGENET1K_V1

_N_FEATURES = STAGES.index("pool5") + 1


def load(weights: str = "imagenet", *, random_state: int = 0, progress: bool = True, head: bool = True) -> AlexNet:
    """Load torchvision's AlexNet, in evaluation mode. No code of a file is run.

    Parameters
    ----------
    weights : {"imagenet", "digits", "random"}
        "imagenet": torchvision's, downloaded once (233 MB) and checked each time. "digits": the convolutional layers of
        `equibook.networks`, which come with the package; the fully connected ones are untrained and raise an error.
        "random": torch's own random start.
    random_state : int
        The seed of the random start; torch's global generator is left as it was.
    progress : bool
        Whether a download shows how far it is.
    head : bool
        Whether to fill the fully connected layers. Without, they take no memory, and using them is an error.

    Returns
    -------
    torchvision.models.AlexNet
        Its attribute `weights_name` is the choice made.

    Examples
    --------
    >>> from equibook import alexnet
    >>> alexnet.load("digits").weights_name
    'digits'
    """
    check_choice(weights, WEIGHTS, name="weights")
    if weights == "random" and head:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(random_state)
            net = AlexNet()
    else:
        with torch.device("meta"):  # the random start of 61 million weights would be drawn in vain
            net = AlexNet()
        _fill(net, weights, random_state, progress)
        if weights == "digits" or not head:
            _leave_head_empty(net)
    net.weights_name = weights
    return net.eval()


def best_available() -> str:
    """Say which weights of AlexNet are at hand; nothing is downloaded.

    Returns
    -------
    str
        "imagenet" where torchvision's weights are cached and sound, otherwise "digits".

    Examples
    --------
    >>> from equibook import alexnet
    >>> alexnet.best_available() in ("imagenet", "digits")
    True
    """
    return "imagenet" if cache_state(IMAGENET) == "sound" else "digits"


def preprocess(X: Any, weights: str) -> Tensor:
    """Return images as the network with these weights takes them: grey is repeated to three channels.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, 1 or 3, size, size), nominally in [0, 1]
    weights : {"imagenet", "digits", "random"}
        "imagenet": torchvision's resizing, centre crop and standardisation, to 223 pixels, at which all grids are
        centred. "digits": images of 63 pixels, as they are. "random": images of any size, as they are.

    Returns
    -------
    Tensor of shape (n_samples, 3, size, size), of the dtype given

    Examples
    --------
    >>> import torch
    >>> from equibook import alexnet
    >>> tuple(alexnet.preprocess(torch.zeros(5, 1, 63, 63), "imagenet").shape)
    (5, 3, 223, 223)
    """
    check_choice(weights, WEIGHTS, name="weights")
    if weights == "digits":
        return networks.preprocess("alexnet_trunk", X)
    images = as_images(X, name="X")
    if images.shape[1] not in (1, 3):
        hint = "Average them to one."
        raise ValueError(f"`X` must have 1 or 3 channels for {weights!r}, got {images.shape[1]}. {hint}")
    if weights == "random":
        return images.expand(-1, 3, -1, -1).contiguous()
    theirs = IMAGENET.transforms()
    resized = F.resize(images, [RESIZED], interpolation=theirs.interpolation, antialias=theirs.antialias)
    cropped = F.center_crop(resized, [INPUT_SIZE["imagenet"]]).expand(-1, 3, -1, -1)
    return F.normalize(cropped, mean=theirs.mean, std=theirs.std)


def until(net: AlexNet, name: str) -> nn.Sequential:
    """Return the network up to and with a stage: its own layers, but nothing in place, and no dropout.

    Parameters
    ----------
    net : torchvision.models.AlexNet
    name : str
        One of `STAGES`.

    Returns
    -------
    nn.Sequential
        Its children carry the names of the stages; before fc6 stand `avgpool` and `flatten`.

    Examples
    --------
    >>> from equibook import alexnet
    >>> [name for name, _ in alexnet.until(alexnet.load("digits"), "conv2").named_children()]
    ['conv1', 'relu1', 'pool1', 'conv2']
    """
    _check_network(net)
    check_choice(name, STAGES, name="name")
    if name in STAGES[_N_FEATURES:]:
        _check_trained(net, name)
    layers = _list_stages(net)
    found = nn.Sequential(OrderedDict(layers[: [stage for stage, _ in layers].index(name) + 1]))
    found.training = False  # `eval()` would set the mode of the network's own layers
    return found


def trained_stages(net: AlexNet) -> tuple[str, ...]:
    """Return the stages that may be asked for: without the fully connected ones where these are untrained.

    Parameters
    ----------
    net : torchvision.models.AlexNet

    Returns
    -------
    tuple of str
        From "conv1" on, up to "pool5" or "fc8".

    Examples
    --------
    >>> from equibook import alexnet
    >>> alexnet.trained_stages(alexnet.load("digits"))[-1]
    'pool5'
    """
    _check_network(net)
    return STAGES[:_N_FEATURES] if getattr(net.classifier, "untrained", False) else STAGES


def stages(
    net: AlexNet,
    X: Any,
    names: str | Sequence[str] | None = None,
    *,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> dict[str, Any]:
    """Return what becomes of images after stages of the network: the values of a convolution before its ReLU.

    Parameters
    ----------
    net : torchvision.models.AlexNet
        It is left as it is.
    X : ndarray or Tensor of shape (n_samples, 3, size, size)
        As `preprocess` returns them.
    names : sequence of str, or str, optional
        Of `STAGES`; by default `trained_stages`.
    batch_size : int
        How many images are in work at once.
    device : str or torch.device, optional
        Where to compute; by default where the network is. Results come back to where `X` is.
    dtype : torch.dtype, optional
        float16, float32 or float64, in which to compute; by default that of `X`.

    Returns
    -------
    dict from a name to an ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, n_units)

    Examples
    --------
    >>> import torch
    >>> from equibook import alexnet
    >>> maps = alexnet.stages(alexnet.load("digits"), torch.zeros(2, 3, 63, 63), ["conv1", "pool5"])
    >>> {name: tuple(values.shape) for name, values in maps.items()}
    {'conv1': (2, 64, 15, 15), 'pool5': (2, 256, 1, 1)}
    """
    wanted = trained_stages(net) if names is None else (names,) if isinstance(names, str) else tuple(names)
    if not wanted:
        raise ValueError(f"`names` must be some of {', '.join(STAGES)}, got none. Choose at least one.")
    last = max((check_choice(name, STAGES, name="names") for name in wanted), key=STAGES.index)
    images, batch_size = as_images(X, name="X"), check_positive_int(batch_size, name="batch_size")
    _check_images(images, last)
    if dtype is not None and dtype not in FLOATS:
        raise ValueError(f"`dtype` must be float16, float32 or float64 of torch, got {dtype!r}. Choose one of these.")
    layers = _as_asked(until(net, last), device, dtype or images.dtype)
    parts = [_run(layers, batch, wanted) for batch in images.split(batch_size)]
    return {name: like(torch.cat([part[name] for part in parts]).to(images.device), X) for name in wanted}


def describe(net: AlexNet, size: int) -> StageTable:
    """Describe the stages at one size of images: shapes, what one value sees, the stride, weights, multiply-adds.

    Parameters
    ----------
    net : torchvision.models.AlexNet
    size : int
        Of the images, in pixels.

    Returns
    -------
    StageTable

    Examples
    --------
    Each of 64 x 15 x 15 numbers takes 3 x 11 x 11 weights.

    >>> from equibook import alexnet
    >>> alexnet.describe(alexnet.load("digits"), 63)["conv1"].multiply_adds
    5227200
    """
    _check_network(net)
    size = check_positive_int(size, name="size")
    smallest = smallest_size(STAGES[-1])
    if size < smallest:
        hint = "Take larger images."
        raise ValueError(f"`size` must be at least {smallest} pixels for all stages, got {size}. {hint}")
    untrained = tuple(name for name in STAGES if name not in trained_stages(net))
    name = getattr(net, "weights_name", "unknown")
    return measure_stages(_list_stages(net), size, weights_name=name, untrained=untrained)


def smallest_size(name: str) -> int:
    """Return the size in pixels that images must have for a stage: the last window must fit once.

    Parameters
    ----------
    name : str
        One of `STAGES`.

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook import alexnet
    >>> [alexnet.smallest_size(name) for name in ("conv1", "pool1", "pool2", "pool5")]
    [7, 15, 31, 63]
    """
    size, place = 1, STAGES.index(check_choice(name, STAGES, name="name"))
    for kind, arguments in reversed(networks.ALEXNET_FEATURES[: place + 1]):
        if kind is not nn.ReLU:
            kernel, stride, padding = arguments[2:] if kind is nn.Conv2d else (*arguments, 0)
            size = max((size - 1) * stride + kernel - 2 * padding, 1)
    return size


def _list_stages(net: AlexNet) -> list[tuple[str, nn.Module]]:
    """Return all layers with the names of their stages, those that work in place replaced."""
    layers = [layer for layer in (*net.features, *net.classifier) if not isinstance(layer, nn.Dropout)]
    named = list(zip(STAGES, (nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in layers), strict=True))
    return [*named[:_N_FEATURES], ("avgpool", net.avgpool), ("flatten", nn.Flatten()), *named[_N_FEATURES:]]


def _as_asked(layers: nn.Sequential, device: Any, dtype: torch.dtype) -> nn.Sequential:
    """Return the layers on a device and in a dtype, copied where that is another than theirs."""
    weights = next(layers.parameters())
    device = weights.device if device is None else torch.device(device)
    if (weights.device, weights.dtype) == (device, dtype):
        return layers
    return copy.deepcopy(layers).to(device=device, dtype=dtype)


@torch.no_grad()
def _run(layers: nn.Sequential, images: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    values, found = images.to(next(layers.parameters())), {}
    for name, layer in layers.named_children():
        values = layer(values)
        if name in names:
            found[name] = values.to(images.device)
    return found


def _check_network(net: Any) -> None:
    if not isinstance(net, AlexNet):
        need = f"`net` must be torchvision's AlexNet, got {type(net).__name__}"
        raise TypeError(f'{need}. Load one, as in `equibook.alexnet.load("digits")`.')


def _check_trained(net: AlexNet, name: str) -> None:
    if name not in trained_stages(net):
        need = f"`name` must be one of {', '.join(STAGES[:_N_FEATURES])} without a head, got {name!r}"
        hint = 'The fully connected layers are untrained here; load "imagenet" for them.'
        raise ValueError(f"{need}. {hint}")


def _check_images(images: Tensor, last: str) -> None:
    if images.shape[1] != 3:
        hint = "Grey images get them by `equibook.alexnet.preprocess`."
        raise ValueError(f"`X` must have 3 channels, got {images.shape[1]}. {hint}")
    smallest, size = smallest_size(last), images.shape[-1]
    if size < smallest:
        hint = "Take larger images, or an earlier stage."
        raise ValueError(f"`X` must have at least {smallest} x {smallest} pixels for {last!r}, got {size}. {hint}")


def _fill(net: AlexNet, weights: str, random_state: int, progress: bool) -> None:
    if weights == "imagenet":
        state = load_state(IMAGENET, progress=progress, instead='`equibook.alexnet.load("digits")`')
        net.load_state_dict(state, assign=True)
    else:
        name = "alexnet_trunk"
        trunk = networks.load(name) if weights == "digits" else networks.build(name, random_state=random_state)
        net.features.load_state_dict(trunk.get_submodule("features").state_dict(), assign=True)


def _leave_head_empty(net: AlexNet) -> None:
    nothing = {name: torch.zeros(1).expand(weights.shape) for name, weights in net.classifier.state_dict().items()}
    net.classifier.load_state_dict(nothing, assign=True)  # one 0 stands for all 58 million weights
    net.classifier.untrained = True
    net.classifier.register_forward_pre_hook(_refuse)


def _refuse(layers: nn.Module, values: Any) -> None:
    need = "`net` must have trained fully connected layers to be called as a whole, got none"
    hint = 'Use `equibook.alexnet.stages` up to pool5, or load "imagenet" with its head.'
    raise ValueError(f"{need}. {hint}")
