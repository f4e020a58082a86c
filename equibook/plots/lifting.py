"""Figures of lifting: the bank of turned wavelets, one of them at work, the maps of an image, coefficients by ring."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from equibook._checks import as_images
from equibook.drawing import PALETTE, SIGNED, draw_image, value_limits
from equibook.equivariant import CoefficientTable
from equibook.filters import morlet_bank
from equibook.plots.figures import Picture, styled

STRENGTHS = "viridis"  # of what cannot be negative
_FEW = colormaps[STRENGTHS].resampled(64)  # no more colours than a small picture can hold
_STRENGTHS: Any = {"cmap": _FEW, "vmin": 0, "interpolation": "nearest"}  # every number one even square
_FOURIER_SIZE = 64  # samples along each axis of the transform


@styled
def plot_filter_bank(scales: Sequence[float] = (0.8, 1.6, 3.2), n_orientations: int = 8) -> Figure:
    """Show the real parts of the Morlet wavelets of all scales, in rows, and orientations, in columns.

    Parameters
    ----------
    scales : sequence of float
        In pixels.
    n_orientations : int

    Returns
    -------
    Figure
        All wavelets on one frame, that of the largest; colours run to the largest value of each row.

    Examples
    --------
    >>> from equibook.plots import plot_filter_bank
    >>> print(plot_filter_bank(scales=(0.8,), n_orientations=4).alt)  # doctest: +NORMALIZE_WHITESPACE
    Real parts of Morlet wavelets: rows for the scales 0.8 pixels, 4 columns for the orientations 0° to 135°. Each
    column is the first one, turned.
    """
    banks = [morlet_bank(scale, n_orientations).real.numpy() for scale in _check_scales(scales)]
    side = max(bank.shape[-1] for bank in banks)
    figure = Picture(figsize=(8.8, 0.35 + 1.05 * len(banks)), layout="constrained")
    grid = figure.subplots(len(banks), n_orientations, squeeze=False)
    angles = _name_angles(n_orientations)
    for ax, angle in zip(grid[0], angles, strict=True):
        ax.set_title(angle, loc="center")
    for row, scale, bank in zip(grid, scales, banks, strict=True):
        limits = value_limits(bank, signed=True)
        for ax, wavelet in zip(row, bank, strict=True):
            _draw_wavelet(ax, wavelet, side, limits)
        row[0].set_ylabel(f"{scale:g} px")
    listed = ", ".join(f"{scale:g}" for scale in scales)
    figure.alt = (
        f"Real parts of Morlet wavelets: rows for the scales {listed} pixels, {n_orientations} columns for the "
        f"orientations {angles[0]} to {angles[-1]}. Each column is the first one, turned."
    )
    return figure


@styled
def plot_wavelet(image: Any, scale: float, orientation: float, *, n_orientations: int = 8) -> Figure:
    """Show one wavelet at work: an image, the wavelet, where the image answers to it, and which waves it lets pass.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width)
    scale : float
        In pixels.
    orientation : float
        In degrees, one of the orientations of the bank: the direction in which the wave runs.
    n_orientations : int

    Returns
    -------
    Figure

    Examples
    --------
    Upright stripes answer most to the wave that runs across them.

    >>> import numpy as np
    >>> from equibook.plots import plot_wavelet
    >>> stripes = np.tile([1.0, 1, 0, 0], (16, 4))[None, None]
    >>> for orientation in (0, 90):
    ...     plot_wavelet(stripes, 0.8, orientation, n_orientations=2).alt.split(", ")[3]
    'largest 0.29'
    'largest 0.19'
    """
    x = _check_single(image)
    bank = morlet_bank(_check_scales([scale])[0], n_orientations)
    wavelet = bank[_find_orientation(orientation, n_orientations)]
    side = wavelet.shape[-1]
    parts = torch.stack([wavelet.real, wavelet.imag])[:, None]
    answer = torch.hypot(*F.conv2d(x.double(), parts, padding=side // 2)[0]).numpy()
    passed = np.abs(np.fft.fftshift(np.fft.fft2(wavelet.numpy(), (_FOURIER_SIZE, _FOURIER_SIZE))))
    figure = Picture(figsize=(7.6, 2.05))
    boxes = ((8, 15, 160, 160), (178, 15, 160, 160), (348, 15, 160, 160), (622, 47, 128, 128))
    seen, drawn, answered, waves = (_add_axes(figure, *box) for box in boxes)
    _draw_seen(seen, x[0].numpy())
    _draw_wavelet(drawn, wavelet.real.numpy(), x.shape[-1], value_limits(wavelet.real.numpy(), signed=True))
    strengths = answered.imshow(answer, **_STRENGTHS, vmax=float(answer.max()) or 1.0)
    waves.imshow(passed, **_STRENGTHS, extent=(-0.5, 0.5, -0.5, 0.5))
    figure.colorbar(strengths, cax=answered.inset_axes((1.04, 0, 0.05, 1)))
    for ax in (seen, answered):
        ax.set(xticks=[], yticks=[])
    seen.set_title("the image")
    drawn.set_title(f"wavelet, {scale:g} px, {orientation:g}°")
    answered.set_title("modulus of the response")
    waves.set(title="waves that pass", xlabel="cycles per pixel, right", xticks=(-0.4, 0, 0.4), yticks=(-0.4, 0.4))
    waves.set_ylabel("up", labelpad=-12)
    figure.alt = (
        f"An image, the Morlet wavelet of scale {scale:g} pixels with a wave in the direction {orientation:g} degrees, "
        f"its response, largest {answer.max():.2f}, and the size of its Fourier transform: brightest in that direction."
    )
    return figure


@styled
def plot_lift(image: Any, maps: Any, *, title: str = "the image") -> Figure:
    """Show an image, its lifted maps side by side, and under each the mean of its squares.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width)
    maps : ndarray or Tensor of shape (n_orientations, height, width)
        Of one scale.
    title : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_lift
    >>> maps = np.zeros((4, 8, 8))
    >>> maps[1] = 0.5
    >>> print(plot_lift(np.zeros((1, 1, 8, 8)), maps).alt)  # doctest: +NORMALIZE_WHITESPACE
    An image and its 4 lifted maps, one for each orientation, with bars for its mean square: the strongest, hatched,
    is that at 45°.
    """
    x, lifted = _check_single(image), np.asarray(maps)
    if lifted.ndim != 3 or lifted.shape[1:] != tuple(x.shape[2:]):
        need = f"`maps` must have shape (n_orientations, {x.shape[2]}, {x.shape[3]}), got {lifted.shape}"
        raise ValueError(f"{need}. Take one image and one scale, as in `maps[0, 0]`.")
    n, strengths = len(lifted), (lifted**2).mean(axis=(1, 2))
    figure = Picture(figsize=(7.6, 2.6))
    boxes = ((8, 76, 160, 160), (240, 172, 512, 64), (240, 48, 512, 114))
    seen, strip, bars = (_add_axes(figure, *box) for box in boxes)
    _draw_seen(seen, x[0].numpy())
    seen.set(xticks=[], yticks=[], title=title)
    edges = (-0.5, n - 0.5)
    strip.imshow(np.concatenate(list(lifted), axis=1), **_STRENGTHS, extent=(*edges, 0, 1), aspect="auto")
    strip.vlines(np.arange(1, n) - 0.5, 0, 1, color="white", linewidth=1.5)
    strip.set(xticks=[], yticks=[], title="lifted maps, by orientation")
    strongest = int(strengths.argmax())
    drawn = bars.bar(np.arange(n), 1000 * strengths, width=0.6, color=PALETTE[5])
    drawn[strongest].set(facecolor=PALETTE[1], hatch="//", edgecolor="white")
    bars.set(
        xlim=edges,
        ylim=(0, 1100 * float(strengths.max()) or 1.0),
        ylabel="mean square × 1000",
        xlabel="orientation θ",
    )
    bars.set_xticks(np.arange(n), _name_angles(n))
    figure.alt = (
        f"An image and its {n} lifted maps, one for each orientation, with bars for its mean square: "
        f"the strongest, hatched, is that at {_name_angles(n)[strongest]}."
    )
    return figure


@styled
def plot_rings(coefficients: Any, table: CoefficientTable) -> Figure:
    """Show how large the coefficients of one image are, by ring and angular frequency, and by scale.

    Parameters
    ----------
    coefficients : complex ndarray or Tensor of shape (n_coefficients,)
        Of images of one channel.
    table : CoefficientTable

    Returns
    -------
    Figure
        Root of the sum of squares over the coefficients of one field; a field without coefficients stays grey.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.equivariant import CoefficientTable
    >>> from equibook.plots import plot_rings
    >>> zeros, ring, m = np.zeros(4, dtype=int), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> table = CoefficientTable(channel=zeros, scale=np.zeros(4), ring=ring, m=m, l=zeros)
    >>> plot_rings(np.array([9.0, 1.0, 8.0, 3.0j]), table).alt
    'Size of the coefficients by ring and frequency. Largest beside k = 0: image: ring 1 and k = 1.'
    """
    values = np.asarray(coefficients)
    if values.shape != (len(table),):
        need = f"`coefficients` must have shape ({len(table)},), got {values.shape}"
        raise ValueError(f"{need}. Take those of one image, such as `coefficients[0]`, and the table of its layer.")
    sizes = {float(scale): sum_by_ring(values, table, scale) for scale in np.unique(table.scale)}
    figure = Picture(figsize=(8.8, 2.6), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for ax, (scale, shown) in zip(axes, sizes.items(), strict=True):
        largest = float(np.nanmax(shown)) or 1.0
        drawn = ax.imshow(shown, cmap=STRENGTHS, norm=PowerNorm(0.5, 0, largest), origin="lower", aspect="auto")
        ax.set_facecolor("0.85")
        ax.set(xlabel="frequency k", title=f"wavelets, {scale:g} px" if scale else "the image itself")
        ax.set(xticks=range(shown.shape[1]), yticks=range(shown.shape[0]))
        figure.colorbar(drawn, ax=ax, location="bottom", ticks=[0, largest / 4, largest], format="%.2g")
    axes[0].set_ylabel("ring, from the centre")
    peaks = {scale: divmod(int(np.nanargmax(shown[:, 1:])), shown.shape[1] - 1) for scale, shown in sizes.items()}
    said = (f"{f'scale {s:g} px' if s else 'image'}: ring {r} and k = {k + 1}" for s, (r, k) in peaks.items())
    figure.alt = f"Size of the coefficients by ring and frequency. Largest beside k = 0: {'; '.join(said)}."
    return figure


def sum_by_ring(coefficients: np.ndarray, table: CoefficientTable, scale: float) -> np.ndarray:
    """Return the root of the sum of squares by ring and frequency: (n_rings, max_frequency + 1), nan where none is.

    Parameters
    ----------
    coefficients : complex ndarray of shape (n_coefficients,)
    table : CoefficientTable
    scale : float
        In pixels; 0 for the image itself.

    Returns
    -------
    ndarray of shape (n_rings, max_frequency + 1)

    Examples
    --------
    Two coefficients of ring 1 have the frequency 1: 3 and 4i.

    >>> import numpy as np
    >>> from equibook.equivariant import CoefficientTable
    >>> from equibook.plots.lifting import sum_by_ring
    >>> zeros, ring, m = np.zeros(3, dtype=int), np.array([0, 1, 1]), np.array([0, 1, -1])
    >>> table = CoefficientTable(channel=zeros, scale=np.zeros(3), ring=ring, m=m, l=np.array([0, 0, 1]))
    >>> sum_by_ring(np.array([2.0, 3.0, 4.0j]), table, 0).tolist()
    [[2.0, nan], [nan, 5.0]]
    """
    sums = np.full((table.ring.max() + 1, table.k.max() + 1), np.nan)
    rows = np.flatnonzero(table.scale == scale)
    for ring, k in {(int(table.ring[i]), int(table.k[i])) for i in rows}:
        here = rows[(table.ring[rows] == ring) & (table.k[rows] == k)]
        sums[ring, k] = np.sqrt((np.abs(coefficients[here]) ** 2).sum())
    return sums


def _add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes at a place in hundredths of an inch: pixels, where pictures are sent."""
    across, up = 100 * figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def _draw_seen(ax: Axes, image: np.ndarray) -> None:
    """Draw an image in grey; in colours where it is signed, and not only a little below 0 beside a turned edge."""
    signed = bool(image.min() < -0.2 * image.max())
    limits = value_limits(image if signed else np.maximum(image, 0), signed)
    draw_image(ax, image, limits).set_interpolation("nearest")


def _draw_wavelet(ax: Axes, wavelet: np.ndarray, side: int, limits: tuple[float, float]) -> None:
    """Draw a wavelet in the middle of a frame of so many pixels."""
    low, high = limits
    half = wavelet.shape[-1] / 2
    ax.set_facecolor("#f7f7f7")  # the middle of the colours: 0
    ax.imshow(wavelet, cmap=SIGNED, vmin=low, vmax=high, extent=(-half, half, -half, half), interpolation="nearest")
    reach = max(side / 2, half)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


def _name_angles(n_orientations: int) -> list[str]:
    return [f"{180 * i / n_orientations:g}°" for i in range(n_orientations)]


def _find_orientation(orientation: float, n_orientations: int) -> int:
    place = orientation * n_orientations / 180
    if place != round(place) or not 0 <= place < n_orientations:
        need = f"`orientation` must be one of {', '.join(_name_angles(n_orientations))}, got {orientation:g}°"
        raise ValueError(f"{need}. Choose one of these, or a bank with more orientations.")
    return round(place)


def _check_scales(scales: Sequence[float]) -> Sequence[float]:
    if not len(scales) or min(scales) <= 0:
        hint = "Give standard deviations in pixels, such as (0.8, 1.6, 3.2)."
        raise ValueError(f"`scales` must hold positive numbers, got {tuple(scales)}. {hint}")
    return scales


def _check_single(image: Any) -> torch.Tensor:
    x = as_images(image, name="image")
    if tuple(x.shape[:2]) != (1, 1):
        hint = "Take one grey image, such as `images[:1]`."
        raise ValueError(f"`image` must have shape (1, 1, height, width), got {tuple(x.shape)}. {hint}")
    return x.detach().cpu()
