"""Figures of a glass box: its layers at one image, planes, explanations, distances, accuracies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from equibook._checks import as_images, check_labels
from equibook.drawing import (
    describe_accuracy,
    describe_separation,
    draw_accuracy,
    draw_background_and_point,
    draw_decision,
    draw_distances,
    draw_fisher,
    draw_frequencies,
    draw_image,
    draw_orbit,
    draw_orientation_key,
    draw_orientations,
    draw_points,
    draw_seen,
    draw_signed_bars,
    draw_strip,
    group_name,
    label_components,
    read_background,
    strongest_responses,
    value_limits,
)
from equibook.explanation import Explanation
from equibook.glassbox import GlassBoxClassifier
from equibook.measure import ClassSeparation
from equibook.plots.figures import Picture, styled
from equibook.representation import Pixels


@styled
def plot_layers(model: GlassBoxClassifier, image: Any, *, X: Any = None, y: Any = None) -> Figure:
    """Show what every layer of a model makes of one image: the whole model on one screen.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    image : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width), optional
        A background of known images; at most 200 of them are drawn, evenly spaced in their order.
    y : array-like of shape (n_samples,), optional
        Their labels.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import equibook as eq
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> print(eq.plots.plot_layers(model, X[:1]).alt)  # doctest: +NORMALIZE_WHITESPACE
    The layers of a nearest_mean model at one image: the image; strength and orientation of its strokes at 1 scales;
    its coefficients by angular frequency; its place in the plane of the first two components; the decision: class
    ring.
    """
    x = as_images(image, name="image")
    _check_model_and_image(model, x)
    scales = model.representation_.scales
    figure = Picture(figsize=(8.5, 4.7))
    top = figure.add_gridspec(1, len(scales) + 2, left=0.02, right=0.98, top=0.93, bottom=0.56, wspace=0.08)
    low = figure.add_gridspec(1, 3, left=0.07, right=0.98, top=0.41, bottom=0.1, wspace=0.4)
    axes = [figure.add_subplot(top[i]) for i in range(len(scales) + 2)]
    axes += [figure.add_subplot(low[i]) for i in range(3)]
    draw_seen(axes[0], x, "The image")
    for ax, strength, angle, scale in zip(axes[1:], *strongest_responses(model, x), scales, strict=False):
        draw_orientations(ax, strength, angle, f"Layer 1 lifts: {scale:g} px")
    draw_orientation_key(axes[len(scales) + 1], model.representation_.n_orientations)
    draw_frequencies(axes[-3], model, x)
    point = model.reduce(x)
    background = read_background(model, X, y)
    draw_background_and_point(axes[-2], model, background, point)
    decision = draw_decision(axes[-1], model, background, point)
    figure.alt = (
        f"The layers of a {model.classifier} model at one image: the image; strength and orientation of its strokes at "
        f"{len(scales)} scales; its coefficients by angular frequency; its place in the plane of the first two "
        f"components; the decision: {decision}."
    )
    return figure


@styled
def plot_plane(model: GlassBoxClassifier, X: Any, y: Any, *, orbit: Any = None) -> Figure:
    """Show images as points in the plane of the first two components that a model reduces them to.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
    y : array-like of shape (n_samples,)
    orbit : ndarray or Tensor of shape (order, n_channels, height, width), optional
        Such as turned copies of one image: joined in their order by a closed line.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> orbit = eq.orbits.orbit(X[:1], eq.groups.CyclicGroup(4))[0]
    >>> print(eq.plots.plot_plane(model, X, y, orbit=orbit).alt)  # doctest: +NORMALIZE_WHITESPACE
    12 images of the classes bar, ring in the plane of the first two components, and the closed line through 4
    images of one orbit.
    """
    components = model.reduce(X)
    labels = check_labels(y, len(components))
    figure = Picture(figsize=(5.6, 4.2), layout="constrained")
    ax = figure.add_subplot()
    draw_points(ax, components, labels, classes=model.classes_)
    if orbit is not None:
        draw_orbit(ax, model.reduce(orbit))
    label_components(ax, model)
    ax.set_title("Layer 2: the first two components")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    with_orbit = "" if orbit is None else f", and the closed line through {len(orbit)} images of one orbit"
    classes = ", ".join(str(name) for name in np.unique(labels))
    figure.alt = f"{len(labels)} images of the classes {classes} in the plane of the first two components{with_orbit}."
    return figure


@styled
def plot_explanation(why: Explanation, i: int = 0) -> Figure:
    """Show the parts of one score: its pixels, and its features by scale, ring and angular frequency.

    Pixels sum to the score minus the bias; each group of features sums to the score minus what the average training
    image would get with the same weights. The titles give the sums.

    Parameters
    ----------
    why : Explanation
    i : int
        Which image of it.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import equibook as eq
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> why = eq.GlassBoxClassifier(representation=layer_1).fit(X, y).explain(X[:1])
    >>> eq.plots.plot_explanation(why).alt  # doctest: +ELLIPSIS
    'Why class ring scores ...: a map of the parts of all pixels, and bars of the parts of all features by ...'
    """
    if not -len(why.score) <= i < len(why.score):
        raise ValueError(f"`i` must be below {len(why.score)}, the number of explained images, got {i}. Count from 0.")
    pixels, score, bias = why.pixels[i].sum(axis=0), why.score[i], why.bias[i]
    average = bias + why.reference[i].sum()
    figure = Picture(figsize=(9.2, 3), layout="constrained")
    figure.suptitle(
        f"Score for class {why.question(i)}: {score:+.2f}    bias: {bias:+.2f}    "
        f"average, the average training image with the same weights: {average:+.2f}",
        x=0.01, ha="left", fontsize=9.5, weight="bold",
    )  # fmt: skip
    ax, *rest = figure.subplots(1, 4, width_ratios=(1.25, 1, 1, 1))
    drawn = draw_image(ax, pixels[None], value_limits(pixels, signed=True))
    ax.axis("off")
    ax.set_title(f"Pixels: sum {pixels.sum():+.2f}\n= score − bias")
    figure.colorbar(drawn, ax=ax, fraction=0.046, label="part of the score")
    names = {"scale": "scale in pixels", "ring": "ring, from the centre", "k": "angular frequency k"}
    for ax, (by, name) in zip(rest, names.items(), strict=True):
        parts = {value: part[i] for value, part in why.group(by).items()}
        draw_signed_bars(ax, [group_name(by, value) for value in parts], list(parts.values()))
        ax.set(xlabel=name, title=f"By {by}: sum {sum(parts.values()):+.2f}\n= score − average")
    rest[0].set_ylabel("part of the score")
    figure.alt = (
        f"Why class {why.question(i)} scores {score:+.2f}: a map of the parts of all pixels, and bars of the parts of "
        f"all features by scale, ring and angular frequency."
    )
    return figure


@styled
def plot_separation(rows: Mapping[str, Mapping[str, ClassSeparation]]) -> Figure:
    """Show how far apart the classes lie after each layer.

    Distances have another unit after every layer, so each pair of bars is drawn in units of its own distance within
    classes; the numbers beside them are as measured.

    Parameters
    ----------
    rows : dict from a label to a dict from a layer to a ClassSeparation

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.measure import class_separation
    >>> from equibook.plots import plot_separation
    >>> apart, mixed = (class_separation(row, ["a", "a", "b", "b"]) for row in ([0.0, 2, 10, 12], [0.0, 2, 1, 3]))
    >>> plot_separation({"made up": {"pixels": mixed, "glass box": apart}}).alt
    'Class separation. Distance between over within classes: made up, pixels 0.75, made up, glass box 5.00.'
    """
    n_bars = sum(len(layers) for layers in rows.values())
    figure = Picture(figsize=(8.5, 1.0 + 0.5 * n_bars), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    draw_distances(left, rows)
    draw_fisher(right, rows)
    figure.alt = f"Class separation. {describe_separation(rows)}."
    return figure


@styled
def plot_pairs(accuracies: Mapping[tuple[Any, Any], float]) -> Figure:
    """Show how well each pair of classes is told apart, as a table of numbers and shades.

    Parameters
    ----------
    accuracies : dict from a pair of classes to a number from 0 to 1

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_pairs
    >>> print(plot_pairs({(3, 5): 0.998, (3, 8): 0.985, (5, 8): 1.0}).alt)  # doctest: +NORMALIZE_WHITESPACE
    A table of the accuracy of 3 pairs of classes, 98.5 to 100.0 per cent; the hardest pair is 3 and 8.
    """
    classes = sorted({label for pair in accuracies for label in pair})
    table = np.full((len(classes), len(classes)), np.nan)
    for pair, accuracy in accuracies.items():
        i, j = map(classes.index, pair)
        table[i, j] = table[j, i] = 100 * accuracy
    figure = Picture(figsize=(1.5 + 0.55 * len(classes), 0.5 + 0.45 * len(classes)), layout="constrained")
    ax = figure.subplots()
    drawn = ax.imshow(table, cmap="viridis")
    middle = (np.nanmin(table) + np.nanmax(table)) / 2
    for i, j in np.argwhere(~np.isnan(table)):
        ax.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", size=8, color="wk"[int(table[i, j] > middle)])
    ax.set_xticks(range(len(classes)), classes)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="class", ylabel="class")
    figure.colorbar(drawn, ax=ax, label="accuracy in %")
    hardest = min(accuracies, key=lambda pair: accuracies[pair])
    figure.alt = (
        f"A table of the accuracy of {len(accuracies)} pairs of classes, {np.nanmin(table):.1f} to "
        f"{np.nanmax(table):.1f} per cent; the hardest pair is {hardest[0]} and {hardest[1]}."
    )
    return figure


@styled
def plot_accuracy_by_angle(
    angles: Sequence[float], accuracies: Mapping[str, Sequence[float]], *, chance: float = 0.5
) -> Figure:
    """Show the accuracy of models on images turned by each angle.

    Parameters
    ----------
    angles : sequence of float
        In degrees.
    accuracies : dict from a label to a sequence of as many accuracies, from 0 to 1
    chance : float
        The accuracy of guessing: one over the number of classes.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_accuracy_by_angle
    >>> accuracies = {"pixels": [1.0, 0.54, 0.5], "glass box": [0.98, 0.99, 0.98]}
    >>> plot_accuracy_by_angle([0, 90, 180], accuracies).alt
    'Accuracy by angle. Accuracy over all angles, pixels: 50% to 100%; glass box: 98% to 99%.'
    """
    figure = Picture(figsize=(7, 3.2), layout="constrained")
    draw_accuracy(figure.add_subplot(), angles, accuracies, chance)
    figure.alt = f"Accuracy by angle. {describe_accuracy(accuracies)}."
    return figure


@styled
def plot_demo(
    upright: Any,
    turned: Any,
    *,
    angles: Sequence[float],
    accuracies: Mapping[str, Sequence[float]],
    chance: float,
    planes: Mapping[str, np.ndarray],
    labels: Any,
    separation: Mapping[str, Mapping[str, ClassSeparation]],
) -> Figure:
    """Show the main job on one page: what was trained on, what was tested on, and how two pipelines fare.

    Parameters
    ----------
    upright, turned : ndarrays of shape (n_samples, n_channels, height, width)
        Some training and some test images.
    angles, accuracies, chance
        Of nearest mean; see `plot_accuracy_by_angle`.
    planes : dict from the label of each of two pipelines to its whitened components, (n_test, n_components)
    labels : array of shape (n_test,)
    separation : dict of dicts
        See `plot_separation`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import class_separation
    >>> from equibook.plots import plot_demo
    >>> images, points = np.zeros((2, 1, 8, 8)), np.array([[0.0, 1.0], [2.0, 1.0], [0.5, 1.0], [2.5, 1.0]])
    >>> labels, accuracies = np.array([3, 3, 8, 8]), {"pixels": (1.0, 0.5), "glass box": (1.0, 1.0)}
    >>> found = {side: {"image": class_separation(points, labels)} for side in accuracies}
    >>> planes = dict.fromkeys(accuracies, points)
    >>> known = {"angles": (0, 180), "accuracies": accuracies, "chance": 0.5, "planes": planes, "labels": labels}
    >>> picture = plot_demo(images, images, **known, separation=found)
    >>> [ax.get_title(loc="left") for ax in picture.axes[:3]]
    ['Trained on upright images', 'Tested on turned images', 'Accuracy of nearest mean by angle']
    """
    figure = Picture(figsize=(10, 8.6), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07))
    rows = figure.add_gridspec(3, 1, height_ratios=(0.75, 2.6, 3))
    strips, middle, low = (rows[i].subgridspec(1, 2) for i in range(3))
    draw_strip(figure.add_subplot(strips[0]), upright, "Trained on upright images")
    draw_strip(figure.add_subplot(strips[1]), turned, "Tested on turned images")
    ax = figure.add_subplot(middle[0])
    draw_accuracy(ax, angles, accuracies, chance)
    ax.set_title("Accuracy of nearest mean by angle")
    ax = figure.add_subplot(middle[1])
    draw_distances(ax, separation, with_fisher=True)
    for i, (label, components) in enumerate(planes.items()):
        ax = figure.add_subplot(low[i])
        draw_points(ax, components, labels, classes=np.unique(labels))
        ax.set(xlabel="component 1 (σ)", ylabel="component 2 (σ)")
        ax.set_title(f"{label}: turned test images, first two components")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="class")
    figure.alt = (
        f"Trained on upright images, tested on turned ones. {describe_accuracy(accuracies)}. "
        f"{describe_separation(separation)}. Two planes show the test images after Layer 2 of each."
    )
    return figure


def _check_model_and_image(model: GlassBoxClassifier, x: torch.Tensor) -> None:
    if isinstance(model.representation_, Pixels):
        hint = "Fit one with a Representation."
        raise ValueError(f"`model` must have a Layer 1 to show, got a model of pixels. {hint}")
    if len(x) != 1:
        raise ValueError(f"`image` must hold one image, got {len(x)}. Pass one of them, such as `images[:1]`.")
