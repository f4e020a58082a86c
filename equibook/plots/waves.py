"""Figures of waves under a convolution with circular padding: its matrix multiplies each by one number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from equibook.convolution import Pair, as_pair, conv_matrix, conv_structure
from equibook.drawing import draw_image, value_limits
from equibook.plots.convolutions import as_dense, as_one_channel, draw_frame, draw_signed
from equibook.plots.figures import Picture, styled

MAGNITUDES = "viridis"
MOST_WRITTEN = 10  # frequencies along a side, above which their numbers are too small to be read


@styled
def plot_eigenvalues(matrix: Any, image_size: Pair, *, frequency: Sequence[int] | None = None) -> Figure:
    """Show by what a circulant matrix multiplies each wave, and one wave before and after.

    Parameters
    ----------
    matrix : array, sparse or dense, of shape (height * width, height * width)
        Of a convolution with circular padding: `equibook.unfold.conv_structure` must find it circulant.
    image_size : int or pair of int
        Height and width.
    frequency : pair of int, optional
        How many cycles a wave has down and across the image; negative ones run the other way.

    Returns
    -------
    Figure

    Examples
    --------
    The mean of each pixel and its right neighbour: an even grey stays, the finest stripes vanish.

    >>> import numpy as np
    >>> from equibook.convolution import conv_matrix
    >>> from equibook.plots import plot_eigenvalues
    >>> mean = np.array([[[[0.0, 0.5, 0.5]]]])
    >>> matrix = conv_matrix(mean, (1, 4), padding=(0, 1), padding_mode="circular")
    >>> for across in (0, 2):
    ...     plot_eigenvalues(matrix, (1, 4), frequency=(0, across)).alt.rpartition(" A wave, ")[2]
    '0 cycles down and 0 across, is multiplied by 1.00, phase +0°.'
    '0 cycles down and 2 across, is multiplied by 0.00.'
    """
    dense = as_dense(matrix)
    eigenvalues = _find_eigenvalues(dense, as_pair(image_size, "image_size"))
    figure = Picture(figsize=(4.2 if frequency is None else 8.4, 3.1))
    ax = figure.add_axes((0.15, 0.14, 0.58, 0.73) if frequency is None else (0.06, 0.14, 0.27, 0.73))
    _draw_eigenvalues(ax, eigenvalues)
    sizes = np.abs(eigenvalues)
    n_zero = int((sizes <= 1e-12 * sizes.max()).sum())
    figure.alt = (
        f"By what a circulant matrix multiplies waves of each frequency, in cycles per image: magnitudes from "
        f"{sizes.min():.2f} to {sizes.max():.2f}, {n_zero} of them zero."
    )
    if frequency is not None:
        figure.alt += _draw_wave(ax, dense, eigenvalues, frequency)
    return figure


@styled
def plot_conv_fft(image: Any, kernel: Any) -> Figure:
    """Show a convolution with circular padding twice: by pixels, and as one product for every frequency.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width)
    kernel : array or Tensor of shape (1, 1, kernel_height, kernel_width)
        With odd sides, so that there are as many outputs as pixels.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_conv_fft
    >>> picture = plot_conv_fft(np.eye(8)[None], np.ones((1, 1, 3, 3)) / 9)
    >>> [ax.get_title(loc="left") for ax in picture.axes[:3]]
    ['an image,', '⋆ a kernel (a row of the matrix)', '= the output']
    """
    x, weights = as_one_channel(image, kernel)
    sides = weights.shape[2:]
    if any(side % 2 == 0 for side in sides):
        hint = "Fill it up with zeros on one side."
        raise ValueError(f"`kernel` must have odd sides, got {sides[0]} x {sides[1]}. {hint}")
    matrix = conv_matrix(weights, x.shape, padding=[side // 2 for side in sides], padding_mode="circular").toarray()
    factors = _find_eigenvalues(matrix, (x.shape[0], x.shape[1]))
    outputs = (matrix @ x.ravel()).reshape(x.shape)
    before, after = np.fft.fft2(x), np.fft.fft2(outputs)
    figure = Picture(figsize=(8.5, 5.1))
    grid = figure.add_gridspec(2, 3, left=0.06, right=0.94, top=0.95, bottom=0.09, wspace=0.5, hspace=0.25)
    axes: Any = grid.subplots()
    top, low = axes
    draw_image(top[0], x[None], value_limits(x, signed=False))
    top[0].set(xticks=[], yticks=[], title="an image,")
    middle = (x.shape[0] // 2) * x.shape[1] + x.shape[1] // 2
    draw_signed(top[1], matrix[middle].reshape(x.shape), "⋆ a kernel (a row of the matrix)")
    draw_signed(top[2], outputs, "= the output")
    names = ("waves of the image, magnitude", "× factor of each wave, magnitude", "= waves of the output, magnitude")
    for ax, values, name in zip(low, (before, factors, after), names, strict=True):
        _draw_magnitudes(ax, values, name)
        ax.set_ylabel("cycles down" if ax is low[0] else "")
    gap = np.abs(after - factors * before).max()
    figure.alt = (
        "Upper row: an image, a kernel, and the output of their correlation. Lower row: the magnitudes of their "
        "Fourier transforms, by cycles per image, the one in the middle conjugated; the product of the first two "
        f"differs from the third by at most {gap:.0e}."
    )
    return figure


def make_wave(frequency: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Return a complex wave of so many cycles down and across an image, an array of shape (height, width).

    Parameters
    ----------
    frequency : pair of int
        Cycles down and across the image.
    size : pair of int
        Height and width.

    Returns
    -------
    complex ndarray of shape (height, width)

    Examples
    --------
    >>> from equibook.plots.waves import make_wave
    >>> wave = make_wave((0, 2), (3, 4))  # light, dark, light, dark
    >>> wave.shape, wave.real.round(12).tolist()[0]
    ((3, 4), [1.0, -1.0, 1.0, -1.0])
    """
    down, across = (np.arange(side) * cycles / side for side, cycles in zip(size, frequency, strict=True))
    return np.exp(2j * np.pi * (down[:, None] + across))


def _draw_eigenvalues(ax: Axes, eigenvalues: np.ndarray) -> None:
    _draw_magnitudes(ax, eigenvalues, "by what each wave is multiplied:\nmagnitude", gamma=1.0)
    if max(eigenvalues.shape) <= MOST_WRITTEN:
        sizes = np.abs(np.fft.fftshift(eigenvalues))
        dark = sizes < 0.6 * sizes.max()
        low = [side // 2 for side in sizes.shape]
        for row, column in np.ndindex(sizes.shape):
            text = "0" if sizes[row, column] <= 1e-12 * sizes.max() else f"{sizes[row, column]:.2f}"
            colour = "white" if dark[row, column] else "black"
            ax.text(column - low[1], row - low[0], text, ha="center", va="center", fontsize=6, color=colour)


def _draw_magnitudes(ax: Axes, values: np.ndarray, title: str, *, gamma: float = 0.5) -> None:
    """Draw magnitudes by frequency, 0 in the middle; with a root (gamma 0.5) small ones are seen beside large ones."""
    sizes = np.abs(np.fft.fftshift(values))
    (low, high), (left, right) = ((-(side // 2) - 0.5, -(-side // 2) - 0.5) for side in sizes.shape)
    norm = PowerNorm(gamma, vmin=0, vmax=float(sizes.max()) or 1.0)
    drawn = ax.imshow(sizes, cmap=MAGNITUDES, norm=norm, extent=(left, right, high, low), interpolation="nearest")
    ax.set(xlabel="cycles across the image", ylabel="cycles down", title=title)
    ax.figure.colorbar(drawn, cax=ax.inset_axes((1.04, 0, 0.05, 1)))


def _find_eigenvalues(dense: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the eigenvalues of a circulant matrix, by frequency, (height, width)."""
    eigenvalues = conv_structure(dense, size, size).eigenvalues
    if eigenvalues is None:
        hint = "Make it with `padding_mode='circular'`, stride 1, and as many outputs as pixels."
        raise ValueError(f"`matrix` must be circulant, got one that is not. {hint}")
    return eigenvalues


def _draw_wave(ax: Axes, dense: np.ndarray, eigenvalues: np.ndarray, frequency: Sequence[int]) -> str:
    """Mark a frequency, draw its wave before and after a matrix beside it, and say what happens to it."""
    down, across = _check_frequency(frequency, eigenvalues.shape)
    wave = make_wave((down, across), eigenvalues.shape)
    after = (dense @ wave.ravel()).reshape(wave.shape)
    factor = eigenvalues[down, across]
    largest = max(1.0, float(np.abs(after).max()))
    low = [side // 2 for side in wave.shape]
    shown = [(part + half) % side - half for part, half, side in zip((down, across), low, wave.shape, strict=True)]
    ax.add_patch(draw_frame((shown[0], shown[1]), (1, 1)))
    figure = ax.figure
    before, behind = (figure.add_axes((left, 0.14, 0.22, 0.73)) for left in (0.445, 0.675))
    draw_signed(before, wave.real, f"a wave (cycles per image):\n{down} down, {across} across", largest)
    turned = f", phase {round(float(np.angle(factor, deg=True))):+d}°" if abs(factor) > 1e-12 else ""
    drawn = draw_signed(behind, after.real, f"what the matrix makes of it:\n× {abs(factor):.2f}{turned}", largest)
    figure.colorbar(drawn, cax=behind.inset_axes((1.04, 0, 0.05, 1)), label="value (real part)")
    return f" A wave, {down} cycles down and {across} across, is multiplied by {abs(factor):.2f}{turned}."


def _check_frequency(frequency: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
    if len(frequency) != 2 or not all(-n / 2 <= f <= n / 2 for f, n in zip(frequency, shape, strict=True)):
        need = f"cycles down and across, at most {shape[0] // 2} and {shape[1] // 2} either way"
        raise ValueError(f"`frequency` must be {need}, got {tuple(frequency)}. More are not seen on these pixels.")
    return int(frequency[0]), int(frequency[1])
