"""Images with labels: embedded sets that need no download, torchvision's sets, and a person's own folders.

All return `X`, float32 of shape (n_samples, n_channels, size, size) in [0, 1], and `y` of shape (n_samples,).
"""

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.datasets
import torch
import torch.nn.functional as F
from torch import Tensor

from equibook._checks import check_choice, check_positive_int
from equibook.folders import read_folder
from equibook.shapes import SHAPES, draw_shape

__all__ = ["SHAPES", "draw_shape", "load_digits", "load_folder", "load_photographs", "load_shapes", "load_torchvision"]

DOWNLOADS = ("MNIST", "FashionMNIST", "CIFAR10")
"""The sets of torchvision that `load_torchvision` knows."""


def load_digits(classes: Sequence[int] | None = None, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Load scikit-learn's 1797 handwritten digits, enlarged bicubically to three quarters of the frame, on black.

    Parameters
    ----------
    classes : sequence of int, optional
        Which digits; all by default. The original labels and order are kept.
    size : int
        Of the images, in pixels. The digit has 24 pixels of 32; their difference is even, so that it is centred.

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size), float32 in [0, 1]
    y : ndarray of shape (n_samples,), integers

    Examples
    --------
    >>> from equibook import datasets
    >>> X, y = datasets.load_digits(classes=(3, 8), size=32)
    >>> X.shape, y[:5].tolist()
    ((357, 1, 32, 32), [3, 8, 3, 8, 3])
    """
    size = check_positive_int(size, name="size")
    digits = sklearn.datasets.load_digits()
    chosen = np.isin(digits.target, _check_classes(classes, range(10)))
    border = (size - 3 * size // 4) // 2
    images = torch.from_numpy(digits.images[chosen] / 16).float()[:, None]
    return F.pad(_resize(images, size - 2 * border), (border,) * 4).numpy(), digits.target[chosen]


def load_photographs(size: int = 32, part: str = "all") -> tuple[np.ndarray, np.ndarray]:
    """Cut scikit-learn's two photographs, a temple and a flower (427 x 640 pixels), into patches that do not overlap.

    Parameters
    ----------
    size : int
        Of the patches, in pixels.
    part : {"all", "train", "test"}
        Training and test patches come from alternate upright stripes, near a quarter of the photograph wide: no pixel
        is in both.

    Returns
    -------
    X : ndarray of shape (n_samples, 3, size, size), float32 in [0, 1]
    y : ndarray of shape (n_samples,), "temple" or "flower"

    Examples
    --------
    >>> from equibook import datasets
    >>> X, y = datasets.load_photographs(size=32)
    >>> X.shape, sorted(set(y.tolist()))
    ((520, 3, 32, 32), ['flower', 'temple'])
    """
    size = check_positive_int(size, name="size")
    check_choice(part, ("all", "train", "test"), name="part")
    photographs = sklearn.datasets.load_sample_images().images
    patches = [_cut(photograph, size, part) for photograph in photographs]
    X = np.concatenate(patches).astype(np.float32) / 255
    return X, np.repeat(["temple", "flower"], [len(cut) for cut in patches])


def load_shapes(
    n_samples: int = 200, size: int = 32, classes: Sequence[str] | None = None, random_state: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw upright shapes of known symmetry that vary a little in size, stroke and position.

    Parameters
    ----------
    n_samples : int
        Shared evenly among the classes, in random order.
    size : int
        Of the images, in pixels.
    classes : sequence of str, optional
        Names from `SHAPES`, which tells their symmetry; all by default.
    random_state : int or numpy.random.Generator, optional
        The seed of the variation.

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size), float32 in [0, 1]
    y : ndarray of shape (n_samples,), names

    Examples
    --------
    >>> from equibook import datasets
    >>> X, y = datasets.load_shapes(6, 16, classes=("S", "Z"), random_state=0)
    >>> X.shape, sorted(y.tolist())
    ((6, 1, 16, 16), ['S', 'S', 'S', 'Z', 'Z', 'Z'])
    """
    n_samples = check_positive_int(n_samples, name="n_samples")
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.resize(_check_classes(classes, list(SHAPES)), n_samples))
    return np.stack([_draw_varied(str(name), size, rng) for name in y])[:, None], y


def load_torchvision(
    name: str, *, size: int = 32, train: bool = True, root: str | Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Load MNIST, FashionMNIST or CIFAR10 through torchvision, which downloads it once.

    Parameters
    ----------
    name : {"MNIST", "FashionMNIST", "CIFAR10"}
    size : int
        Of the images, in pixels: resized bicubically.
    train : bool
        The training part, otherwise the test part.
    root : str or Path, optional
        Where the files are kept; by default the folder `datasets` in the cache of torch.

    Returns
    -------
    X : ndarray of shape (n_samples, 1 or 3, size, size), float32 in [0, 1]
    y : ndarray of shape (n_samples,), integers

    Examples
    --------
    Nothing is downloaded for a set that is not known:

    >>> from equibook import datasets
    >>> datasets.load_torchvision("SVHN")
    Traceback (most recent call last):
    ...
    ValueError: `name` must be one of 'MNIST', 'FashionMNIST', 'CIFAR10', got 'SVHN'. Choose one of these.
    """
    size = check_positive_int(size, name="size")
    check_choice(name, DOWNLOADS, name="name")
    root = Path(root) if root is not None else Path(torch.hub.get_dir()).parent / "datasets"
    dataset = _download(name, root, train)
    images = torch.as_tensor(dataset.data)
    images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return _resize(images.float() / 255, size).numpy(), np.asarray(dataset.targets)


def load_folder(folder: str | Path, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Load a person's own images: one sub-folder per class, whose name is the label.

    Images are taken in the order of their names. The shorter side becomes `size`, the centre is cropped, EXIF
    orientation is applied, and what is transparent becomes black. Grey or colour is what the majority is. Files that
    cannot be read are warned of and skipped; hidden files, other kinds of files and deeper folders are passed over.
    Nothing is written.

    Parameters
    ----------
    folder : str or Path
    size : int
        Of the images, in pixels.

    Returns
    -------
    X : ndarray of shape (n_samples, 1 or 3, size, size), float32 in [0, 1]
    y : ndarray of shape (n_samples,), the names of the sub-folders

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import datasets, folders
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folders.write_folder(Path(folder), X, y)
    ...     X_read, y_read = datasets.load_folder(folder, size=16)
    >>> X_read.shape, y_read.tolist()  # by the names of the sub-folders
    ((4, 1, 16, 16), ['L', 'L', 'bar', 'bar'])
    """
    found = read_folder(Path(folder), check_positive_int(size, name="size"))
    for path, reason in found.left_out.items():
        warnings.warn(f"{path} is skipped, {reason}", UserWarning, stacklevel=2)
    return found.images, found.labels


def _resize(images: Tensor, size: int) -> Tensor:
    """Resize float images bicubically and clip the overshoot; smoothed first where they shrink."""
    if images.shape[-1] == size:
        return images
    shrinks = images.shape[-1] > size
    return F.interpolate(images, size=(size, size), mode="bicubic", antialias=shrinks).clamp(0, 1)


def _check_classes(classes: Sequence[Any] | None, known: Sequence[Any]) -> list[Any]:
    chosen = list(known if classes is None else np.atleast_1d(classes))
    if not chosen or not set(chosen) <= set(known):
        listed = ", ".join(repr(name) for name in known)
        raise ValueError(f"`classes` must be some of {listed}, got {classes!r}. Leave it out for all of them.")
    return chosen


def _cut(photograph: np.ndarray, size: int, part: str) -> np.ndarray:
    """Cut (height, width, n_channels) into (n_patches, n_channels, size, size), row by row, within a part."""
    height, width, n_channels = photograph.shape
    limit = min(height, width if part == "all" else width // 2)
    if size > limit:
        raise ValueError(f'`size` must be at most {limit} for part="{part}", got {size}. Take smaller patches.')
    rows, columns = height // size, width // size
    grid = photograph[: rows * size, : columns * size].reshape(rows, size, columns, size, n_channels)
    stripe = np.arange(columns) // max(1, round(width / 4 / size))
    chosen = {"all": stripe >= 0, "train": stripe % 2 == 0, "test": stripe % 2 == 1}[part]
    return grid[:, :, chosen].transpose(0, 2, 4, 1, 3).reshape(-1, n_channels, size, size)


def _draw_varied(name: str, size: int, rng: np.random.Generator) -> np.ndarray:
    right, up = rng.uniform(-0.06, 0.06, size=2)
    return draw_shape(
        name, size, radius=rng.uniform(0.6, 0.75), stroke=rng.uniform(0.13, 0.2), position=(float(right), float(up))
    )


def _download(name: str, root: Path, train: bool) -> Any:
    import torchvision.datasets

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # torchvision prints every address that failed
            return getattr(torchvision.datasets, name)(root, train=train, download=True)
    except (OSError, RuntimeError) as error:
        embedded = "load_photographs" if name == "CIFAR10" else "load_digits"
        reason = (str(error) or type(error).__name__).strip().splitlines()[-1].rstrip(".")
        raise OSError(
            f"{name} is not in {root} and could not be downloaded ({reason}); without a network use "
            f"`equibook.datasets.{embedded}()`, which needs no download."
        ) from None
