"""Figures of a convolution: its matrix, one window and its row, and what its forms take."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import scipy.sparse
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from equibook._checks import as_images
from equibook.convolution import (
    ConvCost,
    ConvStructure,
    Pair,
    Windows,
    as_kernel,
    as_pair,
    conv_im2col,
    conv_matrix,
    conv_structure,
    lay_windows,
)
from equibook.drawing import MARKERS, PALETTE, SEQUENTIAL, SIGNED, value_limits
from equibook.plots.figures import Picture, styled

MARK = PALETTE[1]  # of the window, its row and its output


@styled
def plot_conv_matrix(matrix: Any, image_size: Pair, output_size: Pair, *, stride: Pair = 1) -> Figure:
    """Show the matrix of a convolution: its weights, the borders of its blocks, and what structure it has.

    Parameters
    ----------
    matrix : array, sparse or dense, of shape (n_out * out_height * out_width, n_in * height * width)
        Thin lines part the rows of images, thick ones the channels.
    image_size, output_size : int or pair of int
        Height and width.
    stride : int or pair of int
        By which the structure is looked for.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.convolution import conv_matrix
    >>> from equibook.plots import plot_conv_matrix
    >>> matrix = conv_matrix(np.ones((1, 1, 3, 3)), (4, 4), padding=1, padding_mode="circular")
    >>> plot_conv_matrix(matrix, 4, 4).alt
    'The matrix of a convolution, 16 outputs by 16 pixels: circulant. 144 of its numbers are not zero.'
    >>> matrix = conv_matrix(np.ones((1, 1, 3, 3)), (4, 4))  # only windows that lie within the image
    >>> plot_conv_matrix(matrix, 4, 2).alt
    'The matrix of a convolution, 4 outputs by 16 pixels: Toeplitz, not circulant. 36 of its numbers are not zero.'
    """
    size, out = as_pair(image_size, "image_size"), as_pair(output_size, "output_size")
    dense = as_dense(matrix)
    blocks = _cut_into_channels(dense, size, out)
    found = [conv_structure(block, size, out, stride=stride) for block in blocks.values()]
    words = name_structure(found, as_pair(stride, "stride"))
    n_out, n_in = (last + 1 for last in max(blocks))
    # Of one channel all matrices have one size: explorers need that. Others are as high as they are.
    width, height = (4, 4) if len(blocks) == 1 else (4.6, min(4.6 * len(dense) / dense.shape[1], 6))
    figure = Picture(figsize=(width + 1.5, height + 0.8))
    ax = figure.add_axes((0.5 / (width + 1.5), 0.5 / (height + 0.8), width / (width + 1.5), height / (height + 0.8)))
    drawn = _draw_matrix(ax, dense, size, out, aspect="equal")
    ax.set_title(f"{dense.shape[0]} outputs × {dense.shape[1]} pixels: {words}")
    figure.colorbar(drawn, cax=figure.add_axes((1 - 0.88 / (width + 1.5), 0.3, 0.025, 0.44)), label="weight")
    channels = f", {n_out} x {n_in} blocks of channels" if len(blocks) > 1 else ""
    figure.alt = (
        f"The matrix of a convolution, {dense.shape[0]} outputs by {dense.shape[1]} pixels{channels}: {words}. "
        f"{np.count_nonzero(dense)} of its numbers are not zero."
    )
    return figure


@styled
def plot_conv_window(
    image: Any,
    kernel: Any,
    place: Sequence[int],
    *,
    padding: Pair = 0,
    stride: Pair = 1,
    dilation: Pair = 1,
    padding_mode: str = "zeros",
) -> Figure:
    """Show one number of a convolution's output: its window on the image, its row of the matrix, and its place.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width)
    kernel : array or Tensor of shape (1, 1, kernel_height, kernel_width)
    place : pair of int
        Row and column of the output.
    padding, stride, dilation, padding_mode
        See `equibook.unfold.conv_matrix`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_conv_window
    >>> image = np.arange(16.0).reshape(1, 4, 4)
    >>> print(plot_conv_window(image, np.ones((1, 1, 2, 2)), (0, 1)).alt)  # doctest: +NORMALIZE_WHITESPACE
    A window of 2 x 2 weights on an image of 4 x 4 pixels, zeros padding; row 1 of the matrix as an image; the
    matrix with that row marked; the output, +14.00 in row 0, column 1.
    """
    x, weights = as_one_channel(image, kernel)
    options: dict[str, Any] = {"padding": padding, "stride": stride, "dilation": dilation, "padding_mode": padding_mode}
    axes = lay_windows(weights.shape[2:], x.shape, padding, stride, dilation, padding_mode)
    outputs = conv_im2col(x[None, None], weights, **options)[0, 0]
    row, column = _check_place(place, outputs.shape)
    matrix = conv_matrix(weights, x.shape, **options).toarray()
    number = row * outputs.shape[1] + column
    figure = Picture(figsize=(8.2, 2.6))
    places = ((0.01, 0.205), (0.245, 0.205), (0.505, 0.25), (0.785, 0.205))
    seen, weighed, whole, made = (figure.add_axes((left, 0.16, width, 0.67)) for left, width in places)
    _draw_window(seen, x, axes, (row, column))
    largest = np.abs(matrix).max() or 1.0
    draw_signed(weighed, matrix[number].reshape(x.shape), f"row {number} of the matrix,\nas an image", largest)
    _draw_matrix(whole, matrix, x.shape, outputs.shape, aspect="auto")
    whole.add_patch(Rectangle((-0.5, number - 0.5), matrix.shape[1], 1, fill=False, edgecolor=MARK, linewidth=1.2))
    whole.plot(-0.5, number, marker=">", color=MARK, markersize=7, clip_on=False)
    whole.set_title(f"the matrix,\nrow {number} marked ▸")
    value = round(float(outputs[row, column]), 2) + 0.0  # no minus before a zero
    draw_signed(made, outputs, f"the output, {value:+.2f}\nin row {row}, column {column}")
    made.add_patch(draw_frame((row, column), (1, 1)))
    figure.alt = (
        f"A window of {weights.shape[2]} x {weights.shape[3]} weights on an image of {x.shape[0]} x {x.shape[1]} "
        f"pixels, {padding_mode} padding; row {number} of the matrix as an image; the matrix with that row marked; the "
        f"output, {value:+.2f} in row {row}, column {column}."
    )
    return figure


@styled
def plot_conv_costs(costs: Mapping[int, Mapping[str, ConvCost]], *, title: str = "") -> Figure:
    """Show what each form of a convolution takes by the size of its kernel.

    Parameters
    ----------
    costs : dict from the side of a kernel, in pixels, to what `equibook.convolution.conv_costs` counts
    title : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.convolution import conv_costs
    >>> from equibook.plots import plot_conv_costs
    >>> costs = {side: conv_costs((1, 1, side, side), 64) for side in (3, 15)}
    >>> print(plot_conv_costs(costs).alt)  # doctest: +NORMALIZE_WHITESPACE
    Multiplications by form, kernels of side 3: dense matrix 1.6e+07, sparse matrix 3.5e+04, im2col 3.5e+04, FFT
    1.1e+05; of side 15: dense matrix 1e+07, sparse matrix 5.6e+05, im2col 5.6e+05, FFT 1.1e+05.
    """
    if not costs:
        hint = "Count one kernel at least, as in `{3: conv_costs((1, 1, 3, 3), 64)}`."
        raise ValueError(f"`costs` must hold at least one size of a kernel, got none. {hint}")
    figure = Picture(figsize=(8.5, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(next(iter(costs.values())))
    for i, name in enumerate(names):
        look = {"marker": MARKERS[i], "color": PALETTE[i], "label": name, "markersize": 5, "alpha": 0.8}
        left.plot(list(costs), [counted[name].products for counted in costs.values()], **look)
        numbers = [counted[name].stored + counted[name].copied for counted in costs.values()]
        right.plot(list(costs), numbers, **look)
    left.set(title="multiplications for one image", ylabel="multiplications")
    right.set(title="numbers stored and copied", ylabel="numbers")
    for ax in (left, right):
        ax.set(yscale="log", xlabel="side of the kernel (pixels)", xticks=list(costs))
        ax.grid(axis="y", color="0.9")
    figure.suptitle(title, x=0.01, ha="left", fontsize=9.5, weight="bold")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    said = [f"{name} {costs[side][name].products:.2g}" for side in (min(costs), max(costs)) for name in names]
    first, last = ", ".join(said[: len(names)]), ", ".join(said[len(names) :])
    figure.alt = f"Multiplications by form, kernels of side {min(costs)}: {first}; of side {max(costs)}: {last}."
    return figure


def name_structure(found: Sequence[ConvStructure], steps: tuple[int, int] = (1, 1)) -> str:
    """Say in a few words what structure all of some matrices have.

    Parameters
    ----------
    found : sequence of ConvStructure
        One for each pair of channels.
    steps : pair of int
        The stride, down and across.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.convolution import conv_matrix, conv_structure
    >>> from equibook.plots.convolutions import name_structure
    >>> for mode in ("zeros", "circular"):
    ...     matrix = conv_matrix(np.ones((1, 1, 3, 3)), (4, 4), padding=1, padding_mode=mode)
    ...     print(mode, "-", name_structure([conv_structure(matrix, 4, 4)]))
    zeros - Toeplitz, not circulant
    circular - circulant
    """
    if all(structure.is_circulant for structure in found):
        return "circulant"
    if not all(structure.is_toeplitz for structure in found):
        return "neither Toeplitz nor circulant"
    in_steps = "" if steps == (1, 1) else f" in steps of {' and '.join(map(str, sorted(set(steps))))}"
    return f"Toeplitz{in_steps}, not circulant"


def _draw_matrix(
    ax: Axes, dense: np.ndarray, size: tuple[int, ...], out: tuple[int, ...], *, aspect: Literal["equal", "auto"]
) -> Any:
    """Draw signed weights; thin lines between the rows of an image, thick ones between channels."""
    drawn = draw_signed(ax, dense, "", aspect=aspect)
    for draw_line, n_places, (height, width) in ((ax.axvline, dense.shape[1], size), (ax.axhline, dense.shape[0], out)):
        for place in range(width, n_places, width):
            is_channel = place % (height * width) == 0
            draw_line(place - 0.5, color="black" if is_channel else "0.6", linewidth=1.5 if is_channel else 0.4)
    _label_blocks(ax.xaxis, dense.shape[1], size)
    _label_blocks(ax.yaxis, dense.shape[0], out)
    ax.set(xlabel="pixels, by row of the image", ylabel="outputs, by row")
    return drawn


def _label_blocks(axis: Any, n_places: int, size: tuple[int, ...]) -> None:
    """Write beside each block which row of an image it is; fewer where there are many."""
    height, width = size
    rows = np.arange(n_places // width)
    shown = rows[:: -(-len(rows) // 12)]
    axis.set_ticks(shown * width + (width - 1) / 2, [str(row % height) for row in shown])
    axis.set_tick_params(length=0)


def draw_signed(
    ax: Axes,
    values: np.ndarray,
    title: str,
    largest: float | None = None,
    *,
    aspect: Literal["equal", "auto"] = "equal",
) -> Any:
    """Draw an array (height, width) in colours around 0, up to the largest number that is given or that it holds.

    Parameters
    ----------
    ax : Axes
    values : ndarray of shape (height, width)
    title : str
    largest : float, optional
        Where the colours end.
    aspect : {"equal", "auto"}

    Returns
    -------
    AxesImage
        For a colour bar.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.plots.convolutions import draw_signed
    >>> values = np.array([[0.5, -2.0], [1.0, 0.0]])
    >>> [draw_signed(Figure().add_subplot(), values, "weights", largest).get_clim() for largest in (None, 4.0)]
    [(-2.0, 2.0), (-4.0, 4.0)]
    """
    low, high = value_limits(values, signed=True) if largest is None else (-largest, largest)
    drawn = ax.imshow(values, cmap=SIGNED, vmin=low, vmax=high, interpolation="nearest", aspect=aspect)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[["top", "right"]].set_visible(True)
    return drawn


def _draw_window(ax: Axes, x: np.ndarray, axes: tuple[Windows, Windows], place: tuple[int, int]) -> None:
    """Draw an image with what is read beyond its border, and one window on it."""
    rows, columns = axes
    beyond = [windows.find_pixels(np.arange(-windows.padding, windows.size + windows.padding)) for windows in axes]
    padded = np.pad(x, ((0, 1), (0, 1)))[beyond[0][:, None], beyond[1]]  # pixel -1 is a zero
    low, high = value_limits(padded, signed=False)
    extent = (-columns.padding - 0.5, columns.size + columns.padding - 0.5)
    down = (rows.size + rows.padding - 0.5, -rows.padding - 0.5)
    ax.imshow(padded, cmap=SEQUENTIAL, vmin=low, vmax=high, extent=(*extent, *down), interpolation="nearest")
    if rows.padding or columns.padding:
        ax.add_patch(Rectangle((-0.5, -0.5), columns.size, rows.size, fill=False, edgecolor=PALETTE[5], linestyle="--"))
    reach = [windows.dilation * (windows.kernel - 1) + 1 for windows in axes]
    ax.add_patch(draw_frame((int(rows.starts[place[0]]), int(columns.starts[place[1]])), (reach[0], reach[1])))
    beside = " (dashed)" if rows.padding or columns.padding else ""
    ax.set(xticks=[], yticks=[], title=f"the window\non the image{beside}")


def draw_frame(corner: tuple[int, int], sides: tuple[int, int]) -> Rectangle:
    """Return a frame around pixels, from the row and the column of the first of them.

    Parameters
    ----------
    corner : pair of int
        Row and column of the first pixel.
    sides : pair of int
        Height and width, in pixels.

    Returns
    -------
    Rectangle

    Examples
    --------
    >>> from equibook.plots.convolutions import draw_frame
    >>> frame = draw_frame((0, 2), (3, 5))  # pixels have their middles at whole numbers
    >>> frame.get_xy(), frame.get_width(), frame.get_height()
    ((1.5, -0.5), 5, 3)
    """
    place = (corner[1] - 0.5, corner[0] - 0.5)
    outline = [withStroke(linewidth=3.5, foreground="white")]  # to be seen on any colour
    return Rectangle(place, sides[1], sides[0], fill=False, edgecolor=MARK, linewidth=1.8, path_effects=outline)


def as_dense(matrix: Any) -> np.ndarray:
    """Return a matrix, sparse or dense, as an array.

    Parameters
    ----------
    matrix : array, sparse or dense, of shape (n_rows, n_columns)

    Returns
    -------
    ndarray of shape (n_rows, n_columns)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.convolution import conv_matrix
    >>> from equibook.plots.convolutions import as_dense
    >>> as_dense(conv_matrix(np.array([[[[1.0, 2.0]]]]), (1, 4))).tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    return np.asarray(matrix.toarray() if scipy.sparse.issparse(matrix) else matrix)


def _cut_into_channels(
    dense: np.ndarray, size: tuple[int, int], out: tuple[int, int]
) -> dict[tuple[int, int], np.ndarray]:
    """Return the blocks of a matrix by the channel that goes out and the one that comes in."""
    n_rows, n_columns = out[0] * out[1], size[0] * size[1]
    if dense.ndim != 2 or not dense.size or dense.shape[0] % n_rows or dense.shape[1] % n_columns:
        need = f"(n_out * {n_rows}, n_in * {n_columns}), outputs by pixels"
        hint = "Check `image_size` and `output_size`."
        raise ValueError(f"`matrix` must have shape {need}, got {dense.shape}. {hint}")
    blocks = dense.reshape(-1, n_rows, dense.shape[1] // n_columns, n_columns).swapaxes(1, 2)
    return {place: blocks[place] for place in np.ndindex(*blocks.shape[:2])}


def as_one_channel(image: Any, kernel: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return one image (height, width) and one kernel (1, 1, kernel_height, kernel_width) in float64.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width)
    kernel : array or Tensor of shape (1, 1, kernel_height, kernel_width)

    Returns
    -------
    image : ndarray of shape (height, width)
    kernel : ndarray of shape (1, 1, kernel_height, kernel_width)

    Examples
    --------
    >>> import torch
    >>> from equibook.plots.convolutions import as_one_channel
    >>> image, kernel = as_one_channel(torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 3, 3))
    >>> image.shape, kernel.shape, str(image.dtype)
    ((6, 6), (1, 1, 3, 3), 'float64')
    """
    x, weights = as_images(image, name="image").detach().cpu().double().numpy(), as_kernel(kernel).cpu().numpy()
    if x.shape[:2] != (1, 1):
        hint = "Pass one channel of one of them, such as `images[:1, :1]`."
        raise ValueError(f"`image` must be one image of one channel, got shape {x.shape}. {hint}")
    if weights.shape[:2] != (1, 1):
        hint = "Pass one slice of it, such as `kernel[:1, :1]`."
        raise ValueError(f"`kernel` must be of one channel in and one out, got shape {weights.shape}. {hint}")
    return x[0, 0], weights


def _check_place(place: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
    if len(place) != 2 or not all(0 <= i < n for i, n in zip(place, shape, strict=True)):
        need = f"a row below {shape[0]} and a column below {shape[1]}"
        raise ValueError(f"`place` must be {need}, got {tuple(place)}. Count the outputs from 0.")
    return int(place[0]), int(place[1])
