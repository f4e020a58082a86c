"""A folder with one sub-folder per class: its images, and what of them can be studied.

Nothing is written into the folder, and no file in it is changed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from equibook.image_files import list_images, read_image, with_channels

SIZES = (32, 64)
"""What `natural_size` returns lies between these: smaller loses detail, larger mostly time."""


@dataclass(frozen=True, eq=False)
class Folder:
    """What a folder holds.

    Parameters
    ----------
    images : ndarray of shape (n_samples, 1 or 3, size, size), float32 in [0, 1]
        Grey or colour is what the majority is.
    labels : str ndarray of shape (n_samples,)
        The names of the sub-folders.
    files : tuple of Path
        Where each image is.
    left_out : dict from a Path to a str
        Files and sub-folders that are not among the images, with the reason, as the end of a sentence.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import datasets, folders
    >>> X, y = datasets.load_shapes(4, 16, classes=("bar", "L"), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folders.write_folder(Path(folder), X, y)
    ...     (Path(folder) / "L" / "broken.png").write_bytes(b"no picture")
    ...     found = folders.read_folder(Path(folder), 16)
    10
    >>> found.images.shape, found.labels.tolist(), [path.name for path in found.left_out]
    ((4, 1, 16, 16), ['L', 'L', 'bar', 'bar'], ['broken.png'])
    """

    images: np.ndarray
    labels: np.ndarray
    files: tuple[Path, ...]
    left_out: dict[Path, str]


def read_folder(folder: Path, size: int) -> Folder:
    """Read all images of a folder, in the order of their names.

    Parameters
    ----------
    folder : Path
        Images lie directly in its sub-folders. Hidden files, other kinds of files and deeper folders are passed over.
    size : int
        Of the images, in pixels; see `equibook.image_files.read_image`.

    Returns
    -------
    Folder
        Two classes or more.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import datasets, folders
    >>> X, y = datasets.load_photographs(64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folders.write_folder(Path(folder), X[::30], y[::30])
    ...     found = folders.read_folder(Path(folder), 32)
    >>> found.images.shape, sorted(set(found.labels.tolist()))
    ((4, 3, 32, 32), ['flower', 'temple'])
    """
    paths = [path for subfolder in _class_folders(folder) for path in list_images(subfolder)]
    images, files, left_out = read_images(paths, size)
    labels = [readable(path.parent.name) for path in files]
    _check_found_classes(folder, sorted(set(labels)))
    n_channels = _majority([len(image) for image in images])
    stacked = np.stack([with_channels(image, n_channels) for image in images])
    return Folder(stacked, np.array(labels), tuple(files), left_out)


def write_folder(folder: Path, X: np.ndarray, y: np.ndarray) -> None:
    """Write images as PNG files, one sub-folder per class: what `read_folder` reads.

    Parameters
    ----------
    folder : Path
        It is made if missing; files of the same names are replaced.
    X : ndarray of shape (n_samples, 1 or 3, size, size)
        Values from 0 to 1, rounded to 256 steps.
    y : ndarray of shape (n_samples,)

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from equibook.folders import write_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_folder(Path(folder), np.zeros((3, 1, 8, 8)), np.array(["cat", "dog", "cat"]))
    ...     sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.png"))
    ['cat/0000.png', 'cat/0002.png', 'dog/0001.png']
    """
    steps = np.round(255 * np.clip(X, 0, 1)).astype(np.uint8)
    for i, (image, label) in enumerate(zip(steps, y, strict=True)):
        path = folder / str(label) / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(path)


def read_images(paths: Sequence[Path], size: int) -> tuple[list[np.ndarray], list[Path], dict[Path, str]]:
    """Read image files, with a progress bar where that takes long; what cannot be read is told.

    Parameters
    ----------
    paths : sequence of Path
    size : int

    Returns
    -------
    images : list of ndarrays of shape (1 or 3, size, size)
    files : list of Path
        Of each image.
    failed : dict from a Path to a str
        The reason why it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from equibook.folders import read_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (20, 20)).save(Path(folder) / "black.png")
    ...     (Path(folder) / "broken.png").touch()
    ...     images, files, failed = read_images(sorted(Path(folder).iterdir()), 16)
    >>> [image.shape for image in images], [path.name for path in files], [path.name for path in failed]
    ([(1, 16, 16)], ['black.png'], ['broken.png'])
    """
    images, files, failed = [], [], {}
    for path in tqdm(paths, desc="reading", unit="image", delay=2, leave=False):
        try:
            images.append(read_image(path, size))
        except Exception as error:  # a damaged file makes decoders fail in many ways, and must not stop the others
            reason = str(error).replace(f" {str(path)!r}", "") or type(error).__name__
            failed[path] = f"it cannot be read: {reason}"
        else:
            files.append(path)
    return images, files, failed


def readable(name: object) -> str:
    """Return a name of a file as text that can be printed: bytes that are no UTF-8 become question marks (U+FFFD).

    Parameters
    ----------
    name : object
        Such as a str or a Path.

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.folders import readable
    >>> from_an_old_disk = bytes([99, 97, 102, 233]).decode("utf-8", "surrogateescape")
    >>> readable("café"), readable(from_an_old_disk)
    ('café', 'caf�')
    """
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def natural_size(folder: Path) -> int:
    """Return a size that suits the images of a folder: the median of their shorter sides, from 32 to 64, even.

    Only the beginnings of the files are read.

    Parameters
    ----------
    folder : Path
        See `read_folder`.

    Returns
    -------
    int
        In pixels.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from equibook import folders
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folders.write_folder(Path(folder), np.zeros((2, 1, 41, 41)), np.array(["cat", "dog"]))
    ...     folders.natural_size(Path(folder))
    40
    """
    sides = []
    for path in (path for subfolder in _class_folders(folder) for path in list_images(subfolder)):
        try:
            with Image.open(path) as opened:
                sides.append(min(opened.size))
        except Exception:  # whatever is wrong with it is told when it is read
            continue
    smallest, largest = SIZES
    return 2 * round(min(max(float(np.median(sides or [largest])), smallest), largest) / 2)


def keep_usable(found: Folder) -> Folder:
    """Leave out what a study cannot use: copies, pictures that lie in two classes, classes of a single image.

    Copies would be learned from and tested on at once. Two images are copies where all pixels are equal, once they are
    resized.

    Parameters
    ----------
    found : Folder

    Returns
    -------
    Folder
        At least two classes of at least two images.

    Examples
    --------
    The third image is a copy of the first, and the fifth the only dog.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from equibook.folders import Folder, keep_usable
    >>> images = np.arange(6.0)[[0, 1, 0, 2, 3, 4]].reshape(6, 1, 1, 1) * np.ones((1, 8, 8)) / 5
    >>> labels, files = np.array(["cat", "cat", "cat", "cow", "dog", "cow"]), tuple(Path(f"{i}.png") for i in range(6))
    >>> found = keep_usable(Folder(images, labels, files, {}))
    >>> [path.name for path in found.files]
    ['0.png', '1.png', '3.png', '5.png']
    >>> {path.name: reason for path, reason in found.left_out.items()}
    {'2.png': 'it is a copy of 0.png', '4.png': 'it is the only image of its class'}
    """
    left_out = {**found.left_out, **_copies(found)}
    kept = [i for i, path in enumerate(found.files) if path not in left_out]
    count = Counter(found.labels[kept].tolist())
    single = {name for name, number in count.items() if number < 2}
    left_out |= {found.files[i]: "it is the only image of its class" for i in kept if found.labels[i] in single}
    kept = [i for i in kept if found.labels[i] not in single]
    if len(count) - len(single) < 2:
        got = ", ".join(f"{count[name]} of {name!r}" for name in sorted(set(found.labels.tolist())))
        need = "`folder` must hold at least two classes of at least two different images"
        raise ValueError(f"{need}, got {got}. Add images; those of each class go into a sub-folder of their own.")
    return Folder(found.images[kept], found.labels[kept], tuple(found.files[i] for i in kept), left_out)


def _copies(found: Folder) -> dict[Path, str]:
    """Return the copies of earlier images, and all images of which another class has a copy."""
    groups: dict[bytes, list[int]] = {}
    for i, image in enumerate(found.images):
        groups.setdefault(image.tobytes(), []).append(i)
    told: dict[Path, str] = {}
    for first, *others in groups.values():
        names = sorted({str(found.labels[i]) for i in (first, *others)})
        if len(names) > 1:
            told |= {found.files[i]: f"the same picture lies in {' and '.join(names)}" for i in (first, *others)}
        else:
            told |= {found.files[i]: f"it is a copy of {found.files[first].name}" for i in others}
    return told


def _class_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"`folder` must be an existing folder, got {str(folder)!r}. Check the path.")
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not subfolders:
        hint = "Put the images of each class into a sub-folder of their own."
        raise ValueError(f"`folder` must hold one sub-folder per class, got none in {str(folder)!r}. {hint}")
    return subfolders


def _check_found_classes(folder: Path, names: list[str]) -> None:
    if not names:
        hint = "Put images such as PNG or JPEG files directly into its sub-folders."
        raise ValueError(f"`folder` must hold images that can be read, got none in {str(folder)!r}. {hint}")
    if len(names) == 1:
        hint = "Add a second sub-folder with images."
        raise ValueError(f"`folder` must hold images of at least two classes, got only {names[0]!r}. {hint}")


def _majority(n_channels: list[int]) -> int:
    """Return the number of channels that most images have; three where as many have one, so that no colour is lost."""
    count = Counter(n_channels)
    return 1 if count[1] > count[3] else 3
