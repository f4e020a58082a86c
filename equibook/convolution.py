"""A convolution three times: as a sparse matrix, as a product of Fourier transforms, as a matrix times windows.

All three are one function, that of `torch.nn.functional.conv2d` (a correlation: the kernel is not flipped). What they
share is a small table for rows and one for columns: which pixel lies under which tap of which window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from equibook._checks import as_images, as_real_tensor, check_choice, check_finite, check_positive_int, like

PADDING_MODES = ("zeros", "circular", "reflect")
Pair = int | Sequence[int]
KERNEL_SHAPE = "(n_out, n_in, kernel_height, kernel_width)"


@dataclass(frozen=True)
class Windows:
    """How windows lie along one axis of an image.

    Parameters
    ----------
    size, kernel : int
        How many pixels there are, and how many taps a window has.
    padding, stride, dilation : int
        In pixels.
    mode : {"zeros", "circular", "reflect"}

    Examples
    --------
    Five pixels with a zero on either side; every second window of three taps. -1 is a zero.

    >>> from equibook.convolution import Windows
    >>> Windows(size=5, kernel=3, padding=1, stride=2, dilation=1, mode="zeros").reads
    array([[-1,  0,  1],
           [ 1,  2,  3],
           [ 3,  4, -1]])
    """

    size: int
    kernel: int
    padding: int
    stride: int
    dilation: int
    mode: str

    @property
    def number(self) -> int:
        """How many windows there are."""
        return (self.size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    @property
    def starts(self) -> np.ndarray:
        """Where each window starts, counted from the first pixel: below 0 in the padding."""
        return self.stride * np.arange(self.number) - self.padding

    @property
    def reads(self) -> np.ndarray:
        """Which pixel lies under each tap of each window, (number, kernel); -1 is a zero beside the image."""
        return self.find_pixels(self.starts[:, None] + self.dilation * np.arange(self.kernel))

    def find_pixels(self, places: np.ndarray) -> np.ndarray:
        """Return which pixel is read at each place, also beyond the border; -1 is a zero.

        Parameters
        ----------
        places : int ndarray of any shape
            Counted from the first pixel.

        Returns
        -------
        int ndarray of that shape
        """
        if self.mode == "circular":
            return places % self.size
        if self.mode == "reflect":
            last = self.size - 1
            return last - np.abs(last - places % max(2 * last, 1))
        return np.where((places >= 0) & (places < self.size), places, -1)


def conv_matrix(
    kernel: Any,
    image_size: Pair,
    *,
    padding: Pair = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
    padding_mode: str = "zeros",
) -> scipy.sparse.csr_array:
    """Return the matrix of a convolution: matrix @ (all pixels in a row) = (all outputs in a row).

    Parameters
    ----------
    kernel : array or Tensor of shape (n_out, n_in, kernel_height, kernel_width)
    image_size : int or pair of int
        Height and width of the images, in pixels.
    padding, stride, dilation : int or pair of int
        In pixels, along rows and columns.
    padding_mode : {"zeros", "circular", "reflect"}
        What is read beyond the border.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_out * out_height * out_width, n_in * height * width)
        In float64. Each row is one window of one output channel.

    Examples
    --------
    >>> from equibook.unfold import conv_matrix
    >>> conv_matrix([[[[1.0, 2.0]]]], (1, 3)).toarray()
    array([[1., 2., 0.],
           [0., 1., 2.]])
    """
    weights = as_kernel(kernel).numpy()
    rows, columns = lay_windows(weights.shape[2:], image_size, padding, stride, dilation, padding_mode)
    n_out, n_in = weights.shape[:2]
    # Axes: output channel, window row, window column; input channel, tap row, tap column.
    shape = (n_out, rows.number, columns.number, n_in, rows.kernel, columns.kernel)
    row, column = rows.reads[None, :, None, None, :, None], columns.reads[None, None, :, None, None, :]
    channel = np.arange(n_in)[:, None, None]
    pixel = (channel * rows.size + row) * columns.size + column
    output = np.arange(n_out * rows.number * columns.number).reshape(*shape[:3], 1, 1, 1)
    is_inside = np.broadcast_to((row >= 0) & (column >= 0), shape)
    values = np.broadcast_to(weights[:, None, None], shape)[is_inside]
    places = tuple(np.broadcast_to(index, shape)[is_inside] for index in (output, pixel))
    size = (n_out * rows.number * columns.number, n_in * rows.size * columns.size)
    return scipy.sparse.coo_array((values, places), shape=size).tocsr()  # taps on one pixel are added


def conv_fft(
    images: Any, kernel: Any, *, padding: Pair = 0, stride: Pair = 1, dilation: Pair = 1, padding_mode: str = "zeros"
) -> Any:
    """Convolve by a product for every frequency, then take the places where windows start.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_in, height, width)
    kernel : array or Tensor of shape (n_out, n_in, kernel_height, kernel_width)
    padding, stride, dilation, padding_mode
        See `conv_matrix`.

    Returns
    -------
    ndarray or Tensor of shape (n_samples, n_out, out_height, out_width)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.unfold import conv_fft, conv_matrix
    >>> images, kernel = np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[[1.0, 2.0]]]])
    >>> by_fft = conv_fft(images, kernel)
    >>> by_fft.shape
    (1, 1, 3, 2)
    >>> bool(np.allclose(by_fft.ravel(), conv_matrix(kernel, 3) @ images.ravel()))
    True
    """
    x, weights, rows, columns = _prepare(images, kernel, padding, stride, dilation, padding_mode)
    padded = _pad(x, rows, columns)
    spread = x.new_zeros(*weights.shape[:2], *padded.shape[2:])
    taps = [torch.from_numpy(axis.dilation * np.arange(axis.kernel)) for axis in (rows, columns)]
    spread[..., taps[0][:, None], taps[1]] = weights
    product = torch.einsum("nihw,oihw->nohw", torch.fft.rfft2(padded), torch.fft.rfft2(spread).conj())
    everywhere = torch.fft.irfft2(product, s=padded.shape[2:])
    starts = [torch.from_numpy(axis.starts + axis.padding) for axis in (rows, columns)]
    return like(everywhere[..., starts[0][:, None], starts[1]], images)


def conv_im2col(
    images: Any, kernel: Any, *, padding: Pair = 0, stride: Pair = 1, dilation: Pair = 1, padding_mode: str = "zeros"
) -> Any:
    """Convolve by writing every window into a column: outputs = (one kernel a row) @ (one window a column).

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_in, height, width)
    kernel : array or Tensor of shape (n_out, n_in, kernel_height, kernel_width)
    padding, stride, dilation, padding_mode
        See `conv_matrix`.

    Returns
    -------
    ndarray or Tensor of shape (n_samples, n_out, out_height, out_width)

    Examples
    --------
    Each number is 1 times a pixel and 2 times its right neighbour.

    >>> import numpy as np
    >>> from equibook.unfold import conv_im2col
    >>> conv_im2col(np.arange(9.0).reshape(1, 1, 3, 3), [[[[1.0, 2.0]]]])
    array([[[[ 2.,  5.],
             [11., 14.],
             [20., 23.]]]])
    """
    x, weights, rows, columns = _prepare(images, kernel, padding, stride, dilation, padding_mode)
    zero_beside = torch.nn.functional.pad(x, (0, 1, 0, 1))  # so that pixel -1 is a zero
    row, column = torch.from_numpy(rows.reads.T), torch.from_numpy(columns.reads.T)
    windows = zero_beside[:, :, row[:, None, :, None], column[None, :, None, :]]
    outputs = weights.flatten(1) @ windows.flatten(4).flatten(1, 3)  # (n_samples, n_out, n_windows)
    return like(outputs.unflatten(2, (rows.number, columns.number)), images)


@dataclass(frozen=True)
class ConvStructure:
    """What is special about the matrix of a convolution of one channel.

    Parameters
    ----------
    is_toeplitz : bool
        The next window reads the same weights `stride` pixels further: along the diagonals of every block, and from
        block to block. A doubly block Toeplitz matrix where the stride is 1.
    is_circulant : bool
        They go around the border, too; there are as many outputs as pixels.
    eigenvalues : ndarray of shape (height, width), complex, or None
        Of a circulant matrix: one for each frequency, in the order of `numpy.fft.fft2`. Its eigenvectors are the waves.

    Examples
    --------
    The mean over nine pixels keeps an image of one grey (frequency 0, the first) as it is.

    >>> import numpy as np
    >>> from equibook.unfold import conv_matrix, conv_structure
    >>> mean = conv_matrix(np.full((1, 1, 3, 3), 1 / 9), 6, padding=1, padding_mode="circular")
    >>> found = conv_structure(mean, 6, 6)
    >>> found.is_toeplitz, found.is_circulant, found.eigenvalues.shape
    (True, True, (6, 6))
    >>> round(float(abs(found.eigenvalues[0, 0])), 12)
    1.0
    """

    is_toeplitz: bool
    is_circulant: bool
    eigenvalues: np.ndarray | None


def conv_structure(matrix: Any, image_size: Pair, output_size: Pair, *, stride: Pair = 1) -> ConvStructure:
    """Look for structure in a matrix from the pixels of one channel to those of another, whatever made it.

    Parameters
    ----------
    matrix : array, sparse or dense, of shape (out_height * out_width, height * width)
    image_size, output_size : int or pair of int
        Height and width.
    stride : int or pair of int

    Returns
    -------
    ConvStructure

    Examples
    --------
    Only where windows go around the border is the matrix circulant.

    >>> import numpy as np
    >>> from equibook.unfold import conv_matrix, conv_structure
    >>> kernel = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> modes = ("zeros", "circular", "reflect")
    >>> found = [conv_structure(conv_matrix(kernel, 4, padding=1, padding_mode=mode), 4, 4) for mode in modes]
    >>> [(one.is_toeplitz, one.is_circulant) for one in found]
    [(True, False), (True, True), (False, False)]
    """
    size, out, steps = as_pair(image_size, "image_size"), as_pair(output_size, "output_size"), as_pair(stride, "stride")
    given = as_real_tensor(matrix.toarray() if scipy.sparse.issparse(matrix) else matrix, name="matrix").detach()
    check_finite(given, name="matrix") if given.numel() else None
    dense = given.cpu().double().numpy()
    if dense.shape != (out[0] * out[1], size[0] * size[1]):
        need = f"({out[0] * out[1]}, {size[0] * size[1]}), outputs by pixels of one channel"
        raise ValueError(f"`matrix` must have shape {need}, got {dense.shape}. Take one channel of the kernel each.")
    blocks = dense.reshape(*out, *size)
    is_toeplitz = all(_repeats(np.moveaxis(blocks, (axis, axis + 2), (0, 1)), steps[axis]) for axis in (0, 1))
    is_circulant = size == out and all(
        np.array_equal(np.roll(blocks, (1, 1), (axis, axis + 2)), blocks) for axis in (0, 1)
    )
    # The first row holds the kernel as it is correlated: its transform, conjugated, is that of the first column.
    eigenvalues = np.fft.fft2(blocks[0, 0]).conj() if is_circulant else None
    return ConvStructure(is_toeplitz, is_circulant, eigenvalues)


class ConvCost(NamedTuple):
    """What a form of one convolution takes, in counted numbers: no time is measured.

    Parameters
    ----------
    stored : int
        Numbers kept for the operator, whatever the image.
    copied : int
        Numbers made of one image on the way, beside its pixels and outputs.
    products : int
        Multiplications of real numbers for one image.

    Examples
    --------
    >>> from equibook.convolution import conv_costs
    >>> conv_costs((1, 1, 3, 3), 6)["im2col"]
    ConvCost(stored=9, copied=144, products=144)
    """

    stored: int
    copied: int
    products: int


def conv_costs(
    kernel_shape: Sequence[int], image_size: Pair, *, padding: Pair = 0, stride: Pair = 1, dilation: Pair = 1
) -> dict[str, ConvCost]:
    """Count what each form of a convolution with zero padding takes.

    Parameters
    ----------
    kernel_shape : sequence of four int
        n_out, n_in, kernel_height, kernel_width.
    image_size, padding, stride, dilation : int or pair of int
        See `conv_matrix`.

    Returns
    -------
    dict from "dense matrix", "sparse matrix", "im2col" and "FFT" to ConvCost
        A transform of n numbers is counted as n log2(n) products (radix 2, real numbers); the kernel is transformed
        once, beforehand, and half of the frequencies, each a complex product of 4, give the other half.

    Examples
    --------
    Of 6 x 6 pixels there are 16 windows, of 9 pixels each; the dense matrix has 16 rows of 36.

    >>> from equibook.convolution import conv_costs
    >>> costs = conv_costs((1, 1, 3, 3), 6)
    >>> {form: costs[form].stored for form in ("dense matrix", "sparse matrix", "im2col")}
    {'dense matrix': 576, 'sparse matrix': 144, 'im2col': 9}
    """
    n_out, n_in, *kernel_size = kernel_shape
    rows, columns = lay_windows(kernel_size, image_size, padding, stride, dilation, "zeros")
    pixels, windows, taps = rows.size * columns.size, rows.number * columns.number, rows.kernel * columns.kernel
    inside = int((rows.reads >= 0).sum() * (columns.reads >= 0).sum())
    padded = (rows.size + 2 * rows.padding) * (columns.size + 2 * columns.padding)
    transforms, pairs = (n_in + n_out) * padded, n_out * n_in
    by_fft = round(transforms * math.log2(padded)) + 2 * pairs * padded
    return {
        "dense matrix": ConvCost(pairs * windows * pixels, 0, pairs * windows * pixels),
        "sparse matrix": ConvCost(pairs * inside, 0, pairs * inside),
        "im2col": ConvCost(pairs * taps, n_in * windows * taps, pairs * windows * taps),
        "FFT": ConvCost(pairs * padded, transforms, by_fft),
    }


def as_kernel(kernel: Any) -> Tensor:
    """Return a kernel as a tensor.

    Parameters
    ----------
    kernel : array or Tensor of shape (n_out, n_in, kernel_height, kernel_width)
        Of finite numbers.

    Returns
    -------
    float64 Tensor of shape (n_out, n_in, kernel_height, kernel_width)

    Examples
    --------
    >>> from equibook.convolution import as_kernel
    >>> as_kernel([[[[0.1, 0.2]]]])
    tensor([[[[0.1000, 0.2000]]]], dtype=torch.float64)
    """
    weights = as_real_tensor(kernel, name="kernel").detach().double()
    if weights.ndim != 4 or not weights.numel():
        hint = "For one kernel of one channel, pass `kernel[None, None]`."
        raise ValueError(f"`kernel` must have shape {KERNEL_SHAPE}, got {tuple(weights.shape)}. {hint}")
    check_finite(weights, name="kernel")
    return weights


def lay_windows(
    kernel_size: Sequence[int], image_size: Pair, padding: Pair, stride: Pair, dilation: Pair, padding_mode: str
) -> tuple[Windows, Windows]:
    """Return how windows lie along rows and along columns.

    Parameters
    ----------
    kernel_size : sequence of two int
        Taps along rows and columns.
    image_size, padding, stride, dilation : int or pair of int
        In pixels, along rows and columns.
    padding_mode : {"zeros", "circular", "reflect"}

    Returns
    -------
    rows, columns : Windows

    Examples
    --------
    >>> from equibook.convolution import lay_windows
    >>> rows, columns = lay_windows((3, 3), (5, 7), padding=0, stride=2, dilation=1, padding_mode="zeros")
    >>> rows.number, columns.number, columns.starts.tolist()
    (2, 3, [0, 2, 4])
    """
    check_choice(padding_mode, PADDING_MODES, name="padding_mode")
    sizes, strides, dilations = (
        as_pair(image_size, "image_size"),
        as_pair(stride, "stride"),
        as_pair(dilation, "dilation"),
    )
    paddings = as_pair(padding, "padding", least=0)
    axes = zip(sizes, kernel_size, paddings, strides, dilations, strict=True)
    rows, columns = (Windows(*axis, padding_mode) for axis in axes)
    for windows in (rows, columns):
        _check_fit(windows)
    return rows, columns


def _check_fit(windows: Windows) -> None:
    most = {"zeros": windows.padding, "circular": windows.size, "reflect": windows.size - 1}[windows.mode]
    if windows.padding > most:
        need = f"at most {most} for {windows.mode} padding of {windows.size} pixels"
        raise ValueError(f"`padding` must be {need}, got {windows.padding}. Pad less, or with zeros.")
    reach, room = windows.dilation * (windows.kernel - 1) + 1, windows.size + 2 * windows.padding
    if reach > room:
        hint = "Take a smaller kernel or more padding."
        raise ValueError(f"`kernel` must fit into the padded image of {room} pixels, got {reach} pixels. {hint}")


def as_pair(value: Pair, name: str, *, least: int = 1) -> tuple[int, int]:
    """Return a number twice, or the pair that is given: one for rows and one for columns.

    Parameters
    ----------
    value : int or pair of int
    name : str
        How the error messages call it.
    least : {1, 0}
        The smallest number allowed.

    Returns
    -------
    pair of int

    Examples
    --------
    >>> from equibook.convolution import as_pair
    >>> as_pair(3, "stride"), as_pair((0, 2), "padding", least=0)
    ((3, 3), (0, 2))
    """
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"`{name}` must be a number or a pair, got {value!r}. Write one for rows and one for columns.")
    first, second = (part if part == least == 0 else check_positive_int(part, name=name) for part in pair)
    return first, second


def _prepare(
    images: Any, kernel: Any, padding: Pair, stride: Pair, dilation: Pair, padding_mode: str
) -> tuple[Tensor, Tensor, Windows, Windows]:
    x = as_images(images)
    weights = as_kernel(kernel).to(x)
    if x.shape[1] != weights.shape[1]:
        hint = "Axis 1 of both are the channels that come in."
        raise ValueError(f"`kernel` must be of {x.shape[1]} channels, as the images, got {weights.shape[1]}. {hint}")
    rows, columns = lay_windows(weights.shape[2:], tuple(x.shape[2:]), padding, stride, dilation, padding_mode)
    return x, weights, rows, columns


def _pad(x: Tensor, rows: Windows, columns: Windows) -> Tensor:
    """Return images with what is read beyond their border."""
    zero_beside = torch.nn.functional.pad(x, (0, 1, 0, 1))  # so that pixel -1 is a zero
    places = [np.arange(-axis.padding, axis.size + axis.padding) for axis in (rows, columns)]
    row, column = torch.from_numpy(rows.find_pixels(places[0])), torch.from_numpy(columns.find_pixels(places[1]))
    return zero_beside[:, :, row[:, None], column]


def _repeats(blocks: np.ndarray, step: int) -> bool:
    """Say whether along axes 0 (windows) and 1 (pixels) the next window reads the same, `step` pixels further."""
    n_pixels = blocks.shape[1]
    return bool(np.array_equal(blocks[1:, step:], blocks[:-1, : n_pixels - step]))
