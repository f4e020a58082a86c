"""What comes in is checked here, and numpy arrays become tensors and back: the only place that converts.

Every message has three parts: what must hold, what came, and what to do.
"""

import math
import warnings
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

IMAGE_SHAPE = "(n_samples, n_channels, height, width)"
MAP_SHAPE = "(n_samples, n_filters, n_orientations, height, width)"
FLOATS = (torch.float16, torch.float32, torch.float64)
LARGEST = {torch.float16: 2e3, torch.float32: 1.05e37, torch.float64: 5e306}  # a few such numbers have a finite sum
COMPLEX = (torch.complex64, torch.complex128, np.complex64, np.complex128)
LARGEST_OF_SQUARES = 1e150  # in float64, of numbers of which the squares are summed

Choice = TypeVar("Choice")


def as_images(images: Any, *, name: str = "images") -> Tensor:
    """Return images as a float tensor with four axes.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        Square and finite. float32 and float64 stay as they are; float16, booleans, and integers that are all 0 or 1,
        become float32. Nested lists that make such an array will do.
    name : str
        How the error messages call the argument.

    Returns
    -------
    Tensor of shape (n_samples, n_channels, height, width)
        It may share its memory with `images`: never write into it.
    """
    tensor = _as_tensor(images, name)
    if tensor.ndim not in (3, 4):
        hint = "For one image, pass `image[None]`."
        raise ValueError(f"`{name}` must have shape {IMAGE_SHAPE}, got {tuple(tensor.shape)}. {hint}")
    _check_square(tensor, name, IMAGE_SHAPE)
    tensor = _as_float(tensor, name)
    check_finite(tensor, name=name)
    return tensor[:, None] if tensor.ndim == 3 else tensor


def as_maps(maps: Any, *, name: str = "maps") -> Tensor:
    """Return lifted feature maps as a float tensor; the types are those of `as_images`.

    Parameters
    ----------
    maps : ndarray or Tensor of shape (n_samples, n_filters, n_orientations, height, width)
        Square and finite.
    name : str
        How the error messages call the argument.

    Returns
    -------
    Tensor of shape (n_samples, n_filters, n_orientations, height, width)
    """
    tensor = _as_tensor(maps, name)
    if tensor.ndim != 5:
        hint = "The maps of one filter are `maps[:, None]`."
        raise ValueError(f"`{name}` must have shape {MAP_SHAPE}, got {tuple(tensor.shape)}. {hint}")
    _check_square(tensor, name, MAP_SHAPE)
    tensor = _as_float(tensor, name)
    check_finite(tensor, name=name)
    return tensor


def as_numbers(numbers: Any, n_samples: int, *, width: int = 0, name: str) -> Tensor:
    """Return finite numbers, one for all samples or one per sample, as a float64 tensor (derivatives pass through).

    Parameters
    ----------
    numbers : float or array of shape () or (n_samples,); with a width, of shape (width,) or (n_samples, width)
    n_samples : int
    width : int
        How many numbers belong together: 2 for a shift.
    name : str
        How the error messages call the argument.

    Returns
    -------
    Tensor of shape () or (n_samples,); with a width, of shape (width,) or (n_samples, width)
    """
    tensor = _as_tensor(numbers, name)
    one = (width,) if width else ()
    if tuple(tensor.shape) not in (one, (n_samples, *one)):
        need = f"shape {one} or {(n_samples, *one)}"
        raise ValueError(f"`{name}` must have {need}, got {tuple(tensor.shape)}. Give one for all images or one each.")
    check_finite(tensor, name=name)
    return tensor.to(torch.float64)


def as_rows(values: Any, *, name: str, or_complex: bool = False) -> np.ndarray:
    """Return one row of finite numbers a sample, in float64; derivatives do not pass.

    Parameters
    ----------
    values : ndarray or Tensor of shape (n_samples, ...)
        At most 1e150 in size, so that their squares can be summed. Nested lists that make such an array will do.
    name : str
        How the error messages call the argument.
    or_complex : bool
        Take complex numbers too: a real and an imaginary part each.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_features)
        It may share its memory with `values`: never write into it.
    """
    if or_complex and getattr(values, "dtype", None) in COMPLEX:
        values = torch.view_as_real(torch.as_tensor(values).resolve_conj())
    tensor = _as_tensor(values, name).detach()
    if tensor.ndim == 0 or tensor.numel() == 0:
        hint = "Pass one row of numbers a sample."
        raise ValueError(f"`{name}` must have shape (n_samples, ...), not empty, got {tuple(tensor.shape)}. {hint}")
    if tensor.is_floating_point():
        tensor = _as_float(tensor, name)
    rows = tensor.cpu().double().reshape(len(tensor), -1)
    check_finite(rows, name=name)
    return check_squares(rows, name=name).numpy()


def as_real_tensor(values: Any, *, name: str) -> Tensor:
    """Return real numbers of any shape as a tensor: float16, float32, float64 or integers, as they come.

    Parameters
    ----------
    values : ndarray or Tensor
        Nested lists that make an array will do.
    name : str
        How the error messages call the argument.

    Returns
    -------
    Tensor of the same shape
        It may share its memory with `values`: never write into it.
    """
    tensor = _as_tensor(values, name)
    if tensor.is_floating_point() and tensor.dtype not in FLOATS:
        raise TypeError(
            f"`{name}` must be float16, float32 or float64, got {tensor.dtype}. Convert it with `.float()`."
        )
    return tensor


def like(result: Tensor, given: Any) -> Any:
    """Return the result in the kind of what was given: numpy in, numpy out; tensor in, tensor out.

    Parameters
    ----------
    result : Tensor
    given : object
        The caller's own argument.

    Returns
    -------
    Tensor if `given` is a tensor, otherwise ndarray, of the same shape as `result`
    """
    return result if isinstance(given, Tensor) else result.detach().cpu().numpy()


def check_finite(tensor: Tensor, *, name: str) -> None:
    """Raise an error where a number is NaN or infinite."""
    low, high = torch.aminmax(tensor.detach())
    if not (torch.isfinite(low) and torch.isfinite(high)):
        hint = "Remove or replace them, for example with `numpy.nan_to_num`."
        raise ValueError(f"`{name}` must hold finite numbers, got NaN or infinite ones. {hint}")
    _check_room(tensor, LARGEST.get(tensor.dtype, math.inf), name)


def check_squares(tensor: Tensor, *, name: str) -> Tensor:
    """Return finite numbers in float64 as they are, and raise an error where the sum of their squares might be none."""
    _check_room(tensor, LARGEST_OF_SQUARES, name)
    return tensor


def _check_room(tensor: Tensor, most: float, name: str) -> None:
    low, high = torch.aminmax(tensor.detach())
    largest = max(abs(float(low)), abs(float(high)))
    if largest > most:
        need = f"`{name}` must be at most {most:.0e} in size, so that sums stay finite"
        raise ValueError(f"{need}, got {largest:.0e}. Divide by the largest, as in `{name} / {name}.max()`.")


def check_same_shape(images: Tensor, n_channels: int, size: int, *, name: str = "images") -> None:
    """Raise an error where images have other channels or another size than those that were fitted.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
    n_channels, size : int
        As they were in `fit`.
    name : str
        How the error messages call the argument.
    """
    got_channels, got_size = int(images.shape[1]), int(images.shape[-1])
    if got_channels != n_channels:
        hint = "Average or repeat the channels, or fit again."
        raise ValueError(f"`{name}` must have {n_channels} channels, as in `fit`, got {got_channels}. {hint}")
    if got_size != size:
        hint = "Resize the images, or fit again."
        raise ValueError(f"`{name}` must have {size} x {size} pixels, as in `fit`, got {got_size} x {got_size}. {hint}")


def check_labels(y: Any, n_samples: int) -> np.ndarray:
    """Return class labels as an array: integers, booleans or strings, one per image.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Whole numbers stored as floats are labels too.
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    labels = y.detach().cpu().numpy() if isinstance(y, Tensor) else _as_label_array(y)
    if labels.ndim != 1:
        hint = "Pass one label per image, such as `y.ravel()`."
        raise ValueError(f"`y` must have shape (n_samples,), got {labels.shape}. {hint}")
    if len(labels) != n_samples:
        hint = "Pass the labels of these images, in their order."
        raise ValueError(f"`y` must hold one label per image, got {len(labels)} labels for {n_samples} images. {hint}")
    if not _are_labels(labels):
        hint = "Replace missing labels, and cut continuous numbers into classes."
        raise ValueError(f"`y` must hold integers or strings, got {_describe(labels)}. {hint}")
    return labels


def check_choice(value: Choice, choices: Iterable[Choice], *, name: str) -> Choice:
    """Return the value where it is one of the choices, and raise an error that lists them where it is not."""
    choices = list(choices)
    for choice in choices:
        if isinstance(value, type(choice)) and value == choice:
            return choice
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"`{name}` must be one of {listed}, got {value!r}. Choose one of these.")


def check_positive_int(value: Any, *, name: str) -> int:
    """Return a whole number above zero as an int; a bool is none."""
    if isinstance(value, bool | np.bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be a positive integer, got {value!r}. Pass a whole number such as 8.")
    if value < 1:
        raise ValueError(f"`{name}` must be a positive integer, got {value!r}. Pass a whole number such as 8.")
    return int(value)


def _as_tensor(values: Any, name: str) -> Tensor:
    """Return a real, dense tensor that shares the memory of the array or tensor given, where that is possible."""
    tensor = values if isinstance(values, Tensor) else _from_numpy(_as_array(values, name))
    if tensor.is_complex() or tensor.layout != torch.strided:
        kind = f"{tensor.dtype}, {tensor.layout}"
        raise TypeError(f"`{name}` must hold real numbers, densely stored, got {kind}. Try `.real` or `.to_dense()`.")
    return tensor


def _as_array(values: Any, name: str) -> np.ndarray:
    """Return numbers as an array; Pillow's images have no `__array__` and are sent back: their values are 0 to 255."""
    if not (isinstance(values, list | tuple | int | float) or hasattr(values, "__array__")):
        hint = "Convert it, as in `numpy.asarray(image) / 255`."
        raise TypeError(f"`{name}` must be an array or a tensor, got {type(values).__name__}. {hint}")
    try:
        array = np.asarray(values)
    except ValueError as error:
        hint = "Give all of them one shape."
        raise ValueError(f"`{name}` must be one array of numbers, got a list of unequal lengths. {hint}") from error
    if array.dtype.kind not in "fbiu" or array.dtype.itemsize > 8:
        hint = "Convert it with `.astype(numpy.float32)`."
        raise TypeError(f"`{name}` must hold real numbers, got dtype {array.dtype}. {hint}")
    return array


def _from_numpy(array: np.ndarray) -> Tensor:
    """Wrap an array; a copy is made only where torch has no word for it: foreign byte order, negative strides."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    with warnings.catch_warnings():  # nothing here writes, so a read-only array is safe
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ", category=UserWarning)
        return torch.from_numpy(array)


def _as_float(tensor: Tensor, name: str) -> Tensor:
    """Return float32 and float64 as they are, and float16, zeros and ones as float32."""
    if tensor.dtype in FLOATS:
        return tensor.float() if tensor.dtype == torch.float16 else tensor
    if tensor.is_floating_point():
        hint = "Convert it with `.float()`."
        raise TypeError(f"`{name}` must be float16, float32 or float64, got {tensor.dtype}. {hint}")
    low, high = (int(bound) for bound in torch.aminmax(tensor.to(torch.int64)))
    if low < 0 or high > 1:
        got = f"integers from {low} to {high}"
        raise ValueError(f"`{name}` must hold floats, nominally in [0, 1], got {got}. Divide by 255: `{name} / 255`.")
    return tensor.float()


def _check_square(tensor: Tensor, name: str, shape: str) -> None:
    if tensor.numel() == 0:
        hint = "Pass at least one image with at least one pixel."
        raise ValueError(f"`{name}` must not be empty, got shape {tuple(tensor.shape)}. {hint}")
    if tensor.shape[-1] != tensor.shape[-2]:
        hint = "Crop or pad to squares; move channels to axis 1 with `images.transpose(0, 3, 1, 2)` if they are last."
        raise ValueError(f"`{name}` must be square, of shape {shape}, got {tuple(tensor.shape)}. {hint}")


def _as_label_array(y: Any) -> np.ndarray:
    try:
        labels = np.asarray(y)
    except ValueError as error:
        hint = "Pass one label per image."
        raise ValueError(f"`y` must have shape (n_samples,), got a list of unequal lengths. {hint}") from error
    made_of_texts = labels.dtype.kind == "U" and not isinstance(y, np.ndarray)  # numbers beside texts become texts
    return labels if not made_of_texts or labels.ndim != 1 else _unless_mixed(labels, y)


def _unless_mixed(labels: np.ndarray, y: Any) -> np.ndarray:
    return labels if all(isinstance(label, str) for label in y) else np.array(list(y), dtype=object)


def _are_labels(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "O":
        return all(isinstance(label, str) for label in labels) or all(isinstance(label, int) for label in labels)
    if labels.dtype.kind == "f":
        return bool(np.all(np.isfinite(labels)) and np.all(labels == np.floor(labels)))
    return labels.dtype.kind in "biuU"


def _describe(labels: np.ndarray) -> str:
    if labels.dtype.kind == "O":
        return "objects of type " + ", ".join(sorted({type(label).__name__ for label in labels}))
    if labels.dtype.kind == "f":
        return "NaN or infinite ones" if not np.all(np.isfinite(labels)) else "continuous numbers"
    return f"dtype {labels.dtype}"
