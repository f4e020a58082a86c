"""Figures of invariants: coefficients as arrows, what each invariant keeps, how well images are rebuilt, angles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import as_images, check_choice
from equibook.drawing import PALETTE, draw_image
from equibook.plots.figures import Picture, styled
from equibook.reconstruction import peak_signal_to_noise

KEPT = {
    "average": (True, False, False, False, False),
    "power": (True, True, False, False, False),
    "cross": (True, True, True, False, False),
    "bispectrum": (True, True, True, True, False),
}
"""What each choice of `reconstruction.STANDARD_FORMS` keeps of the image's own coefficients: see `PARTS`."""
PARTS = (
    "means over rings (k = 0)",
    "lengths of the other coefficients",
    "angles between those of one k",
    "angles between different k",
    "how far the image is turned",
)
_LONG = 0.45  # of the longest arrow: those above are numbered
_HATCHES = ("", "//", "..", "xx")


@styled
def plot_phases(
    image: Any, coefficients: Any, ring: np.ndarray, k: np.ndarray, *, frequencies: Sequence[int] = (1, 2, 3)
) -> Figure:
    """Show an image and its coefficients as arrows in the complex plane, one plane for each angular frequency.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, 1, height, width)
    coefficients : complex ndarray or Tensor of shape (n_coefficients,)
    ring, k : int ndarrays of shape (n_coefficients,)
        Ring and angular frequency of each; the longest arrows are numbered by their ring.
    frequencies : sequence of int

    Returns
    -------
    Figure
        The longest arrow of each plane has the same length on paper.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_phases
    >>> ring, k = np.array([0, 1, 0, 1]), np.array([1, 1, 2, 2])
    >>> coefficients, image = np.array([1, 2j, -3, 1]), np.zeros((1, 1, 8, 8))
    >>> turned = coefficients * np.exp(-1j * k * np.pi / 6)  # the image turned by 30°: the larger k, the farther
    >>> for values in (coefficients, turned):
    ...     plot_phases(image, values, ring, k, frequencies=(1, 2)).alt.split(": ", 1)[1]
    'k = 1: ring 1 at 90 degrees; k = 2: ring 0 at 180 degrees.'
    'k = 1: ring 1 at 60 degrees; k = 2: ring 0 at 120 degrees.'
    """
    values = np.asarray(coefficients)
    if values.shape != k.shape or values.shape != ring.shape:
        hint = "Take those of one image and one channel."
        raise ValueError(f"`coefficients` must have shape {k.shape}, got {values.shape}. {hint}")
    if not set(frequencies) <= set(k.tolist()):
        known = ", ".join(map(str, np.unique(k)))
        raise ValueError(f"`frequencies` must be some of {known}, got {list(frequencies)}. Read more, or show fewer.")
    figure = Picture(figsize=(8.6, 2.35))
    grid = {"left": 0.005, "right": 0.995, "top": 0.88, "bottom": 0.03, "wspace": 0.08}
    seen, *planes = figure.subplots(1, 1 + len(frequencies), gridspec_kw=grid)
    draw_image(seen, as_images(image)[0].detach().cpu().numpy(), (0, 1))
    seen.set(xticks=[], yticks=[])
    seen.set_title("the image", loc="center")
    said = []
    for ax, frequency in zip(planes, frequencies, strict=True):
        arrows, rings = values[k == frequency], ring[k == frequency]
        _draw_arrows(ax, arrows, rings)
        ax.set_title(f"k = {frequency}", loc="center")
        longest = int(np.abs(arrows).argmax())
        said.append(f"k = {frequency}: ring {rings[longest]} at {np.rad2deg(np.angle(arrows[longest])):.0f} degrees")
    figure.alt = f"An image and its coefficients as arrows. The longest of each plane: {'; '.join(said)}."
    return figure


def _draw_arrows(ax: Axes, arrows: np.ndarray, rings: np.ndarray) -> None:
    """Draw complex numbers as arrows from the centre, the longest of them numbered and bold."""
    longest = float(np.abs(arrows).max()) or 1.0
    for c, number in zip(arrows / longest, rings, strict=True):
        is_long = abs(c) > _LONG
        ax.plot([0, c.real], [0, c.imag], color=PALETTE[0] if is_long else "0.55", linewidth=2 if is_long else 1)
        ax.plot(c.real, c.imag, marker="o", markersize=4 if is_long else 2.5, color=PALETTE[0] if is_long else "0.55")
        if is_long:
            place = c * (1 + 0.17 / abs(c))
            ax.text(place.real, place.imag, str(number), ha="center", va="center", fontsize=8)
    ax.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


@styled
def plot_kept(image: Any, rebuilt: Any, invariant: str, *, title: str = "the image") -> Figure:
    """Show an image, the image rebuilt from what its invariants keep, and in words what that is.

    Parameters
    ----------
    image, rebuilt : ndarray or Tensor of shape (1, 1, height, width)
    invariant : {"average", "power", "cross", "bispectrum"}
    title : str
        Of the image.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_kept
    >>> image = np.zeros((1, 1, 8, 8))
    >>> print(plot_kept(image, image, "power").alt)  # doctest: +NORMALIZE_WHITESPACE
    An image, and the image rebuilt from power. Kept: means over rings (k = 0), lengths of the other coefficients.
    Forgotten: angles between those of one k, angles between different k, how far the image is turned.
    """
    check_choice(invariant, tuple(KEPT), name="invariant")
    figure = Picture(figsize=(8.2, 2.7))
    for left, one, name in ((0.01, image, title), (0.32, rebuilt, f"rebuilt from {invariant}")):
        ax = figure.add_axes((left, 0.03, 0.28, 0.85))
        draw_image(ax, as_images(one)[0].detach().cpu().numpy(), (0, 1))
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, loc="center")
    words = figure.add_axes((0.64, 0.03, 0.35, 0.85))
    words.axis("off")
    words.set(xlim=(0, 1), ylim=(len(PARTS) - 0.4, -0.6))
    for i, (part, is_kept) in enumerate(zip(PARTS, KEPT[invariant], strict=True)):
        words.text(0, i, "✓ " if is_kept else "✗ ", va="center", fontsize=11)
        words.text(0.08, i, part, va="center", fontsize=10, color="black" if is_kept else "0.45")
    words.set_title("✓ kept   ✗ forgotten")
    listed = [", ".join(p for p, kept in zip(PARTS, KEPT[invariant], strict=True) if kept == side) for side in (1, 0)]
    figure.alt = f"An image, and the image rebuilt from {invariant}. Kept: {listed[0]}. Forgotten: {listed[1]}."
    return figure


@styled
def plot_rebuilt(images: Any, rebuilt: Any, *, title: str) -> Figure:
    """Show images, and below each what was rebuilt of it, with its peak signal-to-noise ratio.

    Parameters
    ----------
    images, rebuilt : ndarrays or Tensors of shape (n_samples, 1, height, width)
        Values from 0 to 1.
    title : str
        From what they were rebuilt.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_rebuilt
    >>> images = np.zeros((2, 1, 8, 8))
    >>> rebuilt = images + np.array([0.1, 0.01]).reshape(2, 1, 1, 1)  # a tenth of the error: 20 dB more
    >>> plot_rebuilt(images, rebuilt, title="from made-up numbers").alt
    '2 images, and below each what was rebuilt of it, from made-up numbers: 20.0 dB, 40.0 dB.'
    """
    x, again = (as_images(values).detach().cpu().numpy() for values in (images, rebuilt))
    if x.shape != again.shape:
        hint = "Rebuild these images."
        raise ValueError(f"`rebuilt` must have shape {x.shape}, as the images, got {again.shape}. {hint}")
    figure = Picture(figsize=(1.6 * len(x) + 0.1, 3.9))
    grid = {"left": 0.01, "right": 0.99, "top": 0.91, "bottom": 0.01, "wspace": 0.06, "hspace": 0.16}
    axes = figure.subplots(2, len(x), gridspec_kw=grid, squeeze=False)
    quality = [f"{psnr:.1f} dB" for psnr in peak_signal_to_noise(again, x)]
    for row, shown, words in zip(axes, (x, again), ([""] * len(x), quality), strict=True):
        for ax, image, word in zip(row, shown, words, strict=True):
            draw_image(ax, image, (0, 1))
            ax.axis("off")
            ax.set_title(word, loc="center")
    figure.suptitle(title, fontsize=10)
    figure.alt = f"{len(x)} images, and below each what was rebuilt of it, {title}: {', '.join(quality)}."
    return figure


@styled
def plot_psnr(n_rings: Sequence[int], max_frequencies: Sequence[int], psnr: Any, n_numbers: Any) -> Figure:
    """Show how well images are rebuilt, by the number of rings and the largest angular frequency.

    Parameters
    ----------
    n_rings, max_frequencies : sequences of int
        Rows and columns.
    psnr : array of shape (len(n_rings), len(max_frequencies))
        Peak signal-to-noise ratios in decibels.
    n_numbers : int array of that shape
        Real numbers that are kept; written below.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_psnr
    >>> picture = plot_psnr([3, 6], [2, 5], [[12.0, 14.0], [15.0, 21.5]], [[15, 33], [30, 66]])
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Peak signal-to-noise ratio by rings and largest frequency: from 12.0 dB to 21.5 dB, with 6 rings, frequencies to
    5 and 66 numbers.
    """
    values, counts = np.asarray(psnr, dtype=float), np.asarray(n_numbers)
    if values.shape != (len(n_rings), len(max_frequencies)) or counts.shape != values.shape:
        need = f"`psnr` and `n_numbers` must have shape ({len(n_rings)}, {len(max_frequencies)})"
        raise ValueError(f"{need}, got {values.shape} and {counts.shape}. Pass a row for each number of rings.")
    figure = Picture(figsize=(7.4, 0.9 + 0.52 * len(n_rings)), layout="constrained")
    ax = figure.add_subplot()
    drawn = ax.imshow(values, cmap="viridis", origin="lower", aspect="auto")
    middle = (values.min() + values.max()) / 2
    for (row, column), value in np.ndenumerate(values):
        color = "black" if value > middle else "white"
        text = f"{value:.1f} dB\n{counts[row, column]}"
        ax.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    ax.set_xticks(range(len(max_frequencies)), list(map(str, max_frequencies)))
    ax.set_yticks(range(len(n_rings)), list(map(str, n_rings)))
    ax.set(xlabel="largest angular frequency", ylabel="rings", title="PSNR, and how many real numbers are kept")
    ax.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=ax, label="PSNR (dB)")
    row, column = divmod(int(values.argmax()), len(max_frequencies))
    figure.alt = (
        f"Peak signal-to-noise ratio by rings and largest frequency: from {values.min():.1f} dB to {values.max():.1f} "
        f"dB, with {n_rings[row]} rings, frequencies to {max_frequencies[column]} and {counts[row, column]} numbers."
    )
    return figure


@styled
def plot_angles(angles: Mapping[str, Any], *, limit: float | None = None) -> Figure:
    """Show which angles were read, as histograms one below the other, in shares of each, each on its own scale.

    Parameters
    ----------
    angles : dict from a label to an array of shape (n_samples,)
        Angles in degrees, from -180 to 180; four arrays at most.
    limit : float, optional
        Upright lines at plus and minus this angle.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_angles
    >>> picture = plot_angles({"upright": [-4.0, 0.0, 3.0, 8.0], "turned": [-120.0, 5.0, 60.0, 170.0]}, limit=20)
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Histograms of the angles read. upright: 100% nearer to 0 than 20 degrees; turned: 25% nearer to 0 than 20
    degrees.
    """
    if not 1 <= len(angles) <= len(_HATCHES):
        raise ValueError(f"`angles` must hold 1 to {len(_HATCHES)} arrays, got {len(angles)}. Show some of them.")
    figure = Picture(figsize=(7.4, 0.7 + 0.95 * len(angles)), layout="constrained")
    axes = figure.subplots(len(angles), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.arange(-180, 181, 10)
    said = []
    for i, (ax, (label, values)) in enumerate(zip(axes, angles.items(), strict=True)):
        found = np.asarray(values, dtype=float)
        found = found[np.isfinite(found)]
        ax.hist(found, edges, weights=np.full(len(found), 100 / max(len(found), 1)), color=PALETTE[i],
                hatch=_HATCHES[i], edgecolor="white")  # fmt: skip
        ax.set_title(f"{label} ({len(found)})")
        for place in () if limit is None else (-limit, limit):
            ax.axvline(place, color="black", linestyle=":", linewidth=1)
        said.append(f"{label}: {np.mean(np.abs(found) < (limit or 90)):.0%} nearer to 0 than {limit or 90:g} degrees")
    axes[-1].set(xlabel="angle read (degrees)", xlim=(-180, 180), xticks=range(-180, 181, 45))
    figure.supylabel("share (%)", fontsize=9)
    figure.alt = f"Histograms of the angles read. {'; '.join(said)}."
    return figure
