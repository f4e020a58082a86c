"""Reading a person's own image files: any format that Pillow knows, any size, mode and orientation."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".heic",
        ".heif",
        ".jfif",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    }
)
"""Files that end so are taken for images. Those that Pillow cannot open here are warned of, not passed over."""

_GREY = {"1", "L", "LA", "La"}
_DEEP_GREY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def list_images(folder: Path) -> list[Path]:
    """Return the image files directly in a folder, by name; hidden files and other kinds are left out.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook.image_files import list_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt"):
    ...         (Path(folder) / name).touch()
    ...     [path.name for path in list_images(Path(folder))]
    ['a.JPG', 'b.png']
    """
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in files if path.is_file())


def read_image(path: Path, size: int) -> np.ndarray:
    """Read one image file, turned as its EXIF orientation says, its centre cropped to a square and resized.

    Parameters
    ----------
    path : Path
        Of a moving picture the first frame is taken. Above 89 million pixels it is refused, as Pillow's guard advises.
    size : int
        What the shorter side becomes; smoothed before it shrinks.

    Returns
    -------
    ndarray of shape (1, size, size) for a grey image or (3, size, size) for one in colour, float32, in [0, 1]
        16-bit greys keep their depth. What is transparent becomes black.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from equibook.image_files import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (60, 40), "red").save(Path(folder) / "red.png")
    ...     image = read_image(Path(folder) / "red.png", 32)
    >>> image.shape, image[:, 0, 0].tolist()
    ((3, 32, 32), [1.0, 0.0, 0.0])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow can mend, such as a damaged EXIF block, needs no word
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as opened:
            plain = _plain(ImageOps.exif_transpose(opened))
    square = np.asarray(ImageOps.fit(plain, (size, size), method=Image.Resampling.BICUBIC), dtype=np.float32)
    values = square if plain.mode == "F" else square / 255
    return np.clip(values[None] if values.ndim == 2 else values.transpose(2, 0, 1), 0, 1)


def with_channels(image: np.ndarray, n_channels: int) -> np.ndarray:
    """Return an image with one channel (brightness, as ITU-R 601 weighs colours) or three (equal if it is grey).

    Parameters
    ----------
    image : ndarray of shape (1 or 3, size, size)
    n_channels : int
        1 or 3.

    Returns
    -------
    ndarray of shape (n_channels, size, size)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.image_files import with_channels
    >>> green = np.zeros((3, 8, 8))
    >>> green[1] = 1.0
    >>> grey = with_channels(green, 1)
    >>> grey.shape, float(grey.max()), with_channels(grey, 3).shape
    ((1, 8, 8), 0.587, (3, 8, 8))
    """
    if n_channels == len(image):
        return image
    if n_channels == 3:
        return np.repeat(image, 3, axis=0)
    return np.tensordot(np.array([[0.299, 0.587, 0.114]], dtype=image.dtype), image, axes=1)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in mode L or RGB, what is transparent in front of black; deep grey in mode F, from 0 to 1."""
    if image.mode in _DEEP_GREY:
        return _from_deep_grey(image)
    mode = "L" if image.mode in _GREY else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode)
    layer = image.convert("LA" if mode == "L" else "RGBA")
    black = Image.new(mode, image.size)
    black.paste(layer.convert(mode), mask=layer.getchannel("A"))
    return black


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Scale 16-bit greys to [0, 1], and take floats as they are."""
    values = np.asarray(image, dtype=np.float32) / (1 if image.mode == "F" else 65535)
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("its values lie outside the range of 16-bit integers, or of floats from 0 to 1")
    return Image.fromarray(values)
