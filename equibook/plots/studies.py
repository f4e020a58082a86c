"""Figures of a study of one's own images: one image and why, and three ways to see at one angle."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from equibook._checks import as_images
from equibook.actions import rotate
from equibook.drawing import PALETTE, draw_image, draw_signed_bars, draw_strip, group_name, value_limits
from equibook.explanation import Explanation
from equibook.plots.figures import Picture, styled
from equibook.shares import Share

COLOURS, MARKS = (PALETTE[1], PALETTE[0], PALETTE[2]), "so^"  # as in the report


@styled
def plot_case(image: Any, why: Explanation, *, truth: str, said: str) -> Figure:
    """Show an image, what its pixels add to the score, and what its features add by scale and angular frequency.

    Parameters
    ----------
    image : ndarray or Tensor of shape (1, n_channels, height, width)
    why : Explanation
        Of this one image.
    truth, said : str
        Its class, and the class that it was given.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.plots import plot_case
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> why = eq.GlassBoxClassifier(representation=layer_1).fit(X, y).explain(X[:1])
    >>> plot_case(X[:1], why, truth="ring", said="bar").alt  # doctest: +ELLIPSIS
    'An image of class ring that was called bar, with the score ...; the map of the parts of its pixels, ...'
    """
    x = as_images(image, name="image").numpy()
    pixels, parts = why.pixels[0].sum(axis=0), {by: why.group(by) for by in ("scale", "k")}
    figure = Picture(figsize=(8.2, 2.7), layout="constrained")
    verdict = "right" if truth == said else f"wrong: it is {truth}"
    figure.suptitle(
        f"Said: {said} ({verdict}), score {why.score[0]:+.1f}", x=0.01, ha="left", weight="bold", fontsize=10
    )
    seen, map_, *rest = figure.subplots(1, 4, width_ratios=(1, 1.2, 1, 1))
    draw_image(seen, x[0], value_limits(x, signed=False))
    drawn = draw_image(map_, pixels[None], value_limits(pixels, signed=True))
    figure.colorbar(drawn, ax=map_, fraction=0.046, label="part of the score")
    for ax, title in ((seen, "The image"), (map_, f"Pixels: sum {pixels.sum():+.1f}")):
        ax.axis("off")
        ax.set_title(title)
    for ax, (by, name) in zip(rest, {"scale": "scale in pixels", "k": "angular frequency"}.items(), strict=True):
        values = {group_name(by, value): float(part[0]) for value, part in parts[by].items()}
        draw_signed_bars(ax, list(values), list(values.values()))
        ax.set(xlabel=name, title="Features, less average")
    rest[0].set_ylabel("part of the score")
    figure.alt = (
        f"An image of class {truth} that was called {said}, with the score {why.score[0]:+.1f}; the map of the parts "
        "of its pixels, and bars of the parts of its features by scale and angular frequency."
    )
    return figure


@styled
def plot_at_angle(images: Any, shares: Mapping[str, Share], *, angle: float, guessing: float) -> Figure:
    """Show images turned by an angle, and the share that each side reads right, with its interval.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        Some, upright.
    shares : dict from a side to a Share
        At this angle.
    angle : float
        In degrees.
    guessing : float
        The accuracy of always saying the most frequent class.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_at_angle
    >>> from equibook.shares import Share
    >>> shares = {"pixels": Share(11, 20), "glass box": Share(19, 20)}
    >>> picture = plot_at_angle(np.zeros((3, 1, 16, 16)), shares, angle=90, guessing=0.5)
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Images turned by 90°. pixels: 55.0% (34.2% to 74.2%); glass box: 95.0% (76.4% to 99.1%).
    """
    figure = Picture(figsize=(7.2, 3.1), layout="constrained")
    top, low = figure.subplots(2, 1, height_ratios=(1, 1.7))
    draw_strip(top, rotate(as_images(images), angle).numpy(), f"Turned by {angle:g}°")
    for i, share in enumerate(shares.values()):
        ends = 100 * np.array(share.interval)
        low.plot(ends, [i, i], color=COLOURS[i], linewidth=4, alpha=0.45, solid_capstyle="round")
        low.plot(100 * share.value, i, MARKS[i], color=COLOURS[i], markersize=8)
        low.annotate(f"{share.value:.0%}", (ends[1], i), xytext=(6, 0), textcoords="offset points", va="center")
    low.axvline(100 * guessing, color="0.35", linestyle="--", linewidth=1)
    low.set_yticks(range(len(shares)), list(shares))
    low.set(xlim=(0, 108), ylim=(len(shares) - 0.4, -0.6), xlabel="read right when held out (%), with 95 % intervals")
    low.set_xticks(range(0, 101, 25))
    figure.alt = (
        f"Images turned by {angle:g}°. " + "; ".join(f"{side}: {share}" for side, share in shares.items()) + "."
    )
    return figure
