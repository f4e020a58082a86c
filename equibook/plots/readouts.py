"""Figures that set models side by side: accuracies by the number of images, one screen of turned images, planes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import as_images, check_labels
from equibook.drawing import PALETTE, draw_points
from equibook.plots.comparisons import check_any, look
from equibook.plots.figures import Picture, styled
from equibook.sensitivity import Sensitivity


@styled
def plot_readouts(found: Mapping[str, Sensitivity], *, chance: float) -> Figure:
    """Show accuracies by the number of training images, one panel a test, one curve a kind of features.

    Parameters
    ----------
    found : dict from the name of a test to a Sensitivity by "n_train"; see `equibook.probes.read_out`
    chance : float
        The accuracy of guessing, from 0 to 1.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_readouts
    >>> from equibook.sensitivity import Sensitivity
    >>> accuracies = {"pixels": np.array([[0.2, 0.4], [0.5, 0.5]]), "glass box": np.array([[0.7, 0.9], [0.9, 0.9]])}
    >>> turned = Sensitivity("n_train", np.array([10, 100]), accuracies)
    >>> print(plot_readouts({"turned": turned}, chance=0.1).alt)  # doctest: +NORMALIZE_WHITESPACE
    Accuracy by number of training images. Tested turned, from 10 to 100 images: pixels 30% to 50%, glass box 80% to
    90%.
    """
    check_any(found, "found")
    figure = Picture(figsize=(9, 3.6), layout="constrained")
    for ax, (test, one) in zip(
        figure.subplots(1, len(found), sharey=True, squeeze=False)[0], found.items(), strict=True
    ):
        for i, (kind, rows) in enumerate(one.accuracies.items()):
            ax.plot(one.amounts, 100 * one.mean(kind), label=kind, **look(i))
            ax.fill_between(one.amounts, 100 * rows.min(axis=1), 100 * rows.max(axis=1), color=PALETTE[i], alpha=0.15)
        ax.axhline(100 * chance, color="0.35", linewidth=1, linestyle="--", label="chance")
        ax.set(xscale="log", xlabel="training images, all upright", title=f"tested {test}", ylim=(0, 103))
        ax.set_xticks(one.amounts, [f"{amount:g}" for amount in one.amounts])
        ax.minorticks_off()
        ax.grid(axis="y", color="0.9")
    figure.axes[0].set_ylabel("accuracy (%)")
    figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.alt = "Accuracy by number of training images. " + " ".join(_say_accuracies(t, s) for t, s in found.items())
    return figure


@styled
def plot_two_models(
    images: Any,
    truth: Any,
    answers: Mapping[str, Any],
    angles: Sequence[float],
    accuracy: Mapping[str, Sequence[float]],
    moved: Mapping[str, Sequence[float]],
    *,
    angle: float,
) -> Figure:
    """Show models on the same turned images: their answers, their accuracy by angle, and how far features move.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_shown, 1, height, width)
        Turned by `angle`.
    truth : array-like of shape (n_shown,)
    answers : dict from the name of a model to an array of shape (n_shown,)
    angles : sequence of float
    accuracy, moved : dict from the name of a model to one number an angle
        From 0 to 1; and the distance of features from those of the upright image, in units of that between images.
    angle : float
        One of the angles: it is marked.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_two_models
    >>> answers = {"pixels": [3, 8], "glass box": [3, 3]}
    >>> accuracy = {"pixels": [1.0, 0.5], "glass box": [1.0, 0.99]}
    >>> moved = {"pixels": [0.0, 0.9], "glass box": [0.0, 0.01]}
    >>> images = np.zeros((2, 1, 8, 8))
    >>> picture = plot_two_models(images, [3, 3], answers, [0, 90], accuracy, moved, angle=90)
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    pixels: 50% right at 90°, features moved by 0.90 of the distance to another image; glass box: 99% right at 90°,
    features moved by 0.01 of the distance to another image
    """
    x, true = as_images(images).numpy(force=True), check_labels(truth, len(images))
    if angle not in list(angles):
        raise ValueError(f"`angle` must be one of {list(angles)}, got {angle!r}. Choose one of these.")
    figure = Picture(figsize=(9, 4.5))  # laid out by hand: explorers draw many of these
    top = figure.add_gridspec(1, len(x), left=0.02, right=0.98, top=0.88, bottom=0.66, wspace=0.08)
    for i, image in enumerate(x):
        said = [f"{name[:1]}: {said[i]} {'✓' if said[i] == true[i] else '✗'}" for name, said in answers.items()]
        _draw_answers(figure.add_subplot(top[i]), image[0], said)
    low = figure.add_gridspec(1, 2, left=0.08, right=0.98, top=0.5, bottom=0.11, wspace=0.22)
    left, right = (figure.add_subplot(low[i]) for i in range(2))
    _draw_curves(left, angles, accuracy, factor=100, angle=angle)
    left.set(ylim=(0, 103), ylabel="accuracy (%)", title="Right answers")
    left.legend(loc="lower left", fontsize=8)
    _draw_curves(right, angles, moved, factor=1, angle=angle)
    right.axhline(1, color="0.35", linewidth=1, linestyle="--")
    right.set(ylim=(0, 1.5), ylabel="distance / that to another image", title="How far the features moved")
    place = list(angles).index(angle)
    figure.alt = "; ".join(
        f"{name}: {accuracy[name][place]:.0%} right at {angle:g}°, features moved by {moved[name][place]:.2f} of the "
        f"distance to another image" for name in accuracy
    )  # fmt: skip
    return figure


@styled
def plot_planes(points: Mapping[str, Any], y: Any, *, title: str = "", limit: float = 3.0) -> Figure:
    """Show images in the plane of two components, one panel a model, classes by colour and marker.

    Parameters
    ----------
    points : dict from the name of a model to an array of shape (n_samples, 2 or more)
        In units of the standard deviation.
    y : array-like of shape (n_samples,)
    title : str
    limit : float
        Where the axes end; what lies beyond is not drawn, and counted in the alternative text.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_planes
    >>> points, labels = np.array([[0.0, 1.0], [0.5, 1.0], [-1.0, 0.0], [4.0, 0.0]]), [3, 3, 8, 8]
    >>> plot_planes({"pixels": points, "glass box": points / 2}, labels, title="Made up.").alt
    '2 classes in the plane of two components, by pixels and glass box. Made up. 1 points lie beyond the axes.'
    """
    check_any(points, "points")
    figure = Picture(figsize=(4.2 * len(points), 3.9), layout="constrained")
    for ax, (name, rows) in zip(figure.subplots(1, len(points), squeeze=False)[0], points.items(), strict=True):
        labels = check_labels(y, len(rows))
        draw_points(ax, np.asarray(rows), labels, classes=np.unique(labels))
        ax.set(
            xlim=(-limit, limit), ylim=(-limit, limit), title=name, xlabel="component 1 (σ)", ylabel="component 2 (σ)"
        )
    figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title, fontsize=9.5)
    figure.alt = f"{len(np.unique(y))} classes in the plane of two components, by {' and '.join(points)}. {title}"
    beyond = sum(int((np.abs(np.asarray(rows)[:, :2]) > limit).any(axis=1).sum()) for rows in points.values())
    figure.alt += f" {beyond} points lie beyond the axes." if beyond else ""
    return figure


def _draw_answers(ax: Axes, image: np.ndarray, answers: Sequence[str]) -> None:
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.set_title("\n".join(answers), fontsize=8.5, loc="center")
    ax.axis("off")


def _draw_curves(ax: Axes, angles: Sequence[float], curves: Mapping[str, Any], *, factor: float, angle: float) -> None:
    for i, (name, values) in enumerate(curves.items()):
        ax.plot(angles, factor * np.asarray(values), label=name, **look(i))
    ax.axvline(angle, color="0.35", linewidth=1)
    ax.set_xlabel("images turned by (degrees)")
    ax.grid(axis="y", color="0.9")


def _say_accuracies(test: str, found: Sensitivity) -> str:
    ends = [f"{kind} {found.mean(kind)[0]:.0%} to {found.mean(kind)[-1]:.0%}" for kind in found.accuracies]
    return f"Tested {test}, from {found.amounts[0]:g} to {found.amounts[-1]:g} images: {', '.join(ends)}."
