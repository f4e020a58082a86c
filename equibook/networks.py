"""Two small conventional CNNs to unfold, with weights that were trained on upright digits and come with the package.

`lenet` has the sizes of LeNet-5, `alexnet_trunk` the convolutional layers of AlexNet as torchvision has them. Beside
each file of weights stands a card: what was trained on what, how well it reads, and the hash of the file.
`python -m equibook.train_networks` makes both anew.

Sources: LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791, for LeNet-5 (its pooling and output layer are
others); Krizhevsky (2014), arXiv:1404.5997, for the AlexNet of torchvision.
"""

import hashlib
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from equibook._checks import as_images, check_choice

NAMES = ("lenet", "alexnet_trunk")
INPUT = {"lenet": (1, 32), "alexnet_trunk": (3, 63)}
"""What a network takes: the number of channels, and the size in pixels.

With 63 pixels every grid of sampling points in the trunk lies symmetrically about the centre of the image.
"""

LENET: tuple[tuple[str, type[nn.Module], tuple[int, ...]], ...] = (
    ("conv1", nn.Conv2d, (1, 6, 5)),  # channels in and out, kernel size: (6, 28, 28)
    ("relu1", nn.ReLU, ()),
    ("pool1", nn.MaxPool2d, (2,)),  # (6, 14, 14)
    ("conv2", nn.Conv2d, (6, 16, 5)),  # (16, 10, 10)
    ("relu2", nn.ReLU, ()),
    ("pool2", nn.MaxPool2d, (2,)),  # (16, 5, 5)
    ("flatten", nn.Flatten, ()),
    ("fc1", nn.Linear, (400, 120)),
    ("relu3", nn.ReLU, ()),
    ("fc2", nn.Linear, (120, 84)),
    ("relu4", nn.ReLU, ()),
    ("fc3", nn.Linear, (84, 10)),
)
ALEXNET_FEATURES: tuple[tuple[type[nn.Module], tuple[int, ...]], ...] = (
    (nn.Conv2d, (3, 64, 11, 4, 2)),  # channels in and out, kernel size, stride, padding: (64, 15, 15)
    (nn.ReLU, ()),
    (nn.MaxPool2d, (3, 2)),  # (64, 7, 7)
    (nn.Conv2d, (64, 192, 5, 1, 2)),
    (nn.ReLU, ()),
    (nn.MaxPool2d, (3, 2)),  # (192, 3, 3)
    (nn.Conv2d, (192, 384, 3, 1, 1)),
    (nn.ReLU, ()),
    (nn.Conv2d, (384, 256, 3, 1, 1)),
    (nn.ReLU, ()),
    (nn.Conv2d, (256, 256, 3, 1, 1)),
    (nn.ReLU, ()),
    (nn.MaxPool2d, (3, 2)),  # (256, 1, 1)
)
WEIGHTS = Path(__file__).parent / "weights"


def build(name: str, *, random_state: int = 0, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Build an untrained network with torch's own random start.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    random_state : int
        The seed of the start. torch's global generator is left as it was.
    dtype : torch.dtype
        Of the weights. Each dtype draws a start of its own.

    Returns
    -------
    nn.Sequential
        From images as `preprocess` returns them to one score for each of the ten digits, of shape (n_samples, 10).

    Examples
    --------
    >>> from equibook import networks
    >>> sum(weights.numel() for weights in networks.build("lenet").parameters())
    61706
    """
    check_choice(name, NAMES, name="name")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(random_state)
        return _lenet(dtype) if name == "lenet" else _alexnet_trunk(dtype)


def load(name: str, folder: str | Path | None = None) -> nn.Sequential:
    """Load a trained network, ready to read digits. No code of the file is run.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    folder : str or Path, optional
        Where `train_networks` has put weights and card; by default the weights that come with the package.

    Returns
    -------
    nn.Sequential
        In evaluation mode, with weights in float32.

    Examples
    --------
    >>> from equibook import datasets, networks
    >>> X, y = datasets.load_digits(size=32)
    >>> scores = networks.load("lenet")(networks.preprocess("lenet", X[:20]))
    >>> tuple(scores.shape)
    (20, 10)
    >>> bool((scores.argmax(dim=1).numpy() == y[:20]).mean() > 0.9)
    True
    """
    network = build(name)
    data = _checked_bytes(name, _folder(folder))
    network.load_state_dict({key: weights.float() for key, weights in safetensors.torch.load(data).items()})
    return network.eval()


def card(name: str, folder: str | Path | None = None) -> dict[str, Any]:
    """Return what is known of a file of weights: data, seed, epochs, accuracy, hash, versions.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    folder : str or Path, optional
        As in `load`.

    Returns
    -------
    dict

    Examples
    --------
    >>> from equibook import networks
    >>> known = networks.card("lenet")
    >>> known["n_weights"], known["n_train"], known["input"]["size"]
    (61706, 1000, 32)
    """
    check_choice(name, NAMES, name="name")
    data = _read(name, _folder(folder), f"{name}.json")
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "sha256" not in found:
        got = f"something else in {str(_folder(folder))!r}"
        raise ValueError(f"`folder` must hold a card in '{name}.json', got {got}. {_mend(name)}")
    return found


def preprocess(name: str, images: Any) -> Tensor:
    """Return images as a network takes them, which is how it was trained: as they are, grey repeated to its channels.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    images : ndarray or Tensor of shape (n_samples, n_channels, size, size), nominally in [0, 1]
        In the size that the network was trained with: those of `datasets.load_digits(size=32)` for `lenet`, and of
        `size=63` for `alexnet_trunk`.

    Returns
    -------
    Tensor of shape (n_samples, 1, 32, 32) or (n_samples, 3, 63, 63), of the dtype given
        A network takes float32; for float64 turn it into one with `.double()`.

    Examples
    --------
    >>> import torch
    >>> from equibook import networks
    >>> tuple(networks.preprocess("alexnet_trunk", torch.zeros(5, 1, 63, 63)).shape)
    (5, 3, 63, 63)
    """
    n_channels, size = INPUT[check_choice(name, NAMES, name="name")]
    images = as_images(images)
    if images.shape[-1] != size:
        need = f"`images` must have {size} x {size} pixels for {name!r}, got {images.shape[-1]} x {images.shape[-1]}"
        raise ValueError(f"{need}. Load them so, as in `equibook.datasets.load_digits(size={size})`.")
    if images.shape[1] not in (1, n_channels):
        need = "1 channel" if n_channels == 1 else f"1 or {n_channels} channels"
        raise ValueError(f"`images` must have {need} for {name!r}, got {images.shape[1]}. Average them to one.")
    return images.expand(-1, n_channels, -1, -1).contiguous()


def _lenet(dtype: torch.dtype) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, _make(kind, arguments, dtype)) for name, kind, arguments in LENET))


def _alexnet_trunk(dtype: torch.dtype) -> nn.Sequential:
    features = nn.Sequential(*(_make(kind, arguments, dtype) for kind, arguments in ALEXNET_FEATURES))
    pool, flatten, head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10, dtype=dtype)
    return nn.Sequential(OrderedDict(features=features, pool=pool, flatten=flatten, head=head))


def _make(kind: type[nn.Module], arguments: tuple[int, ...], dtype: torch.dtype) -> nn.Module:
    has_weights = kind in (nn.Conv2d, nn.Linear)
    return kind(*arguments, dtype=dtype) if has_weights else kind(*arguments)


def _folder(folder: str | Path | None) -> Path:
    return WEIGHTS if folder is None else Path(folder)


def _checked_bytes(name: str, folder: Path) -> bytes:
    """Read a file of weights and compare its hash with the card."""
    expected = card(name, folder)["sha256"]
    data = _read(name, folder, f"{name}.safetensors")
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        need = f"`folder` must hold '{name}.safetensors' as the card has it, of sha256 {expected[:12]}…"
        raise ValueError(f"{need}, got {found[:12]}… in {str(folder)!r}. {_mend(name)}")
    return data


def _read(name: str, folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        need = f"`folder` must hold {file!r}, got {str(folder)!r} without it ({error.strerror})"
        raise FileNotFoundError(f"{need}. {_mend(name)}") from error


def _mend(name: str) -> str:
    return f"Install equibook again, or train it with `python -m equibook.train_networks {name}`."
