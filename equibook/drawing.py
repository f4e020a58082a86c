"""The parts that figures are drawn from, each on axes that are given: images, maps, points, bars, curves.

Colours are those of Okabe and Ito, told apart by colour-blind readers too; and wherever a colour says something, a
marker, a place or a word says it as well.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb

from equibook._checks import check_labels
from equibook.classifiers import decision_scores
from equibook.equivariant import Lifting
from equibook.filters import disc_window
from equibook.glassbox import GlassBoxClassifier
from equibook.measure import ClassSeparation

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^DvPX<>*"
SEQUENTIAL, SIGNED = "gray", "RdBu_r"
MOST_POINTS = 200  # of the training images behind one image


def value_limits(shown: np.ndarray, signed: bool) -> tuple[float, float]:
    """Return the values that the ends of the colour map stand for; signed ones lie around 0.

    Parameters
    ----------
    shown : ndarray of any shape
    signed : bool

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.drawing import value_limits
    >>> values = np.array([-0.5, 2.0])
    >>> value_limits(values, signed=False), value_limits(values, signed=True)
    ((-0.5, 2.0), (-2.0, 2.0))
    """
    if signed:
        largest = float(np.abs(shown).max()) or 1.0
        return -largest, largest
    return min(0.0, float(shown.min())), float(shown.max()) or 1.0


def draw_image(ax: Axes, image: np.ndarray, limits: tuple[float, float]) -> Any:
    """Draw (n_channels, height, width): signed where the limits are, in colours where there are three channels.

    Parameters
    ----------
    ax : Axes
    image : ndarray of shape (n_channels, height, width)
        Of one channel or three.
    limits : pair of float
        What the ends of the colour map stand for; see `value_limits`.

    Returns
    -------
    AxesImage
        For a colour bar.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_image
    >>> ax = Figure().add_subplot()
    >>> [draw_image(ax, np.eye(3)[None], limits).get_cmap().name for limits in ((0, 1), (-1, 1))]
    ['gray', 'RdBu_r']
    >>> draw_image(ax, np.zeros((3, 4, 5)), (0, 1)).get_array().shape  # channels last, as matplotlib takes colours
    (4, 5, 3)
    """
    low, high = limits
    if len(image) == 3:
        return ax.imshow(np.clip(np.moveaxis(image, 0, -1), 0, 1))
    cmap = SIGNED if low == -high else SEQUENTIAL
    return ax.imshow(image[0], cmap=cmap, vmin=low, vmax=high)


def draw_strip(ax: Axes, images: np.ndarray, title: str) -> None:
    """Draw images side by side.

    Parameters
    ----------
    ax : Axes
    images : ndarray of shape (n_images, n_channels, height, width)
        Of one channel or three.
    title : str

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_strip
    >>> ax = Figure().add_subplot()
    >>> draw_strip(ax, np.zeros((5, 1, 8, 8)), "five images")
    >>> ax.images[0].get_array().shape
    (8, 40)
    """
    draw_image(ax, np.concatenate(list(images), axis=-1), (0, 1))
    ax.axis("off")
    ax.set_title(title)


def draw_seen(ax: Axes, x: torch.Tensor, title: str) -> None:
    """Draw the one image that a model looks at.

    Parameters
    ----------
    ax : Axes
    x : Tensor of shape (1, n_channels, height, width)
        Other than of one channel or three, it is averaged over its channels.
    title : str

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_seen
    >>> shapes = []
    >>> for n_channels in (1, 3, 6):
    ...     ax = Figure().add_subplot()
    ...     draw_seen(ax, torch.zeros(1, n_channels, 8, 8), "The image")
    ...     shapes.append(ax.images[0].get_array().shape)
    >>> shapes
    [(8, 8), (8, 8, 3), (8, 8)]
    """
    image = x[0].detach().cpu().numpy()
    image = image if len(image) in (1, 3) else image.mean(axis=0, keepdims=True)
    draw_image(ax, image, (0, max(1.0, float(image.max()))))
    ax.set(xticks=[], yticks=[], title=title)


def strongest_responses(model: GlassBoxClassifier, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return strength and orientation (of the stroke, in degrees) of the strongest response: (n_scales, size, size).

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    x : Tensor of shape (1, n_channels, size, size)

    Returns
    -------
    strength, orientation : ndarrays of shape (n_scales, size, size)

    Examples
    --------
    A level bar, and the same one turned by 90°: the strokes turn with it.

    >>> import torch
    >>> import equibook as eq
    >>> from equibook.drawing import strongest_responses
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> bar = torch.zeros(1, 1, 16, 16)
    >>> bar[:, :, 7:9, 3:13] = 1
    >>> for angle in (0, 90):
    ...     strength, orientation = strongest_responses(model, eq.actions.rotate(bar, angle))
    ...     print(strength.shape, orientation[0, 8, 8])
    (1, 16, 16) 0.0
    (1, 16, 16) 90.0
    """
    layer = model.representation_
    before = layer.network(x.dtype)[:-2]  # all that comes before coefficients and invariants
    lifting = Lifting(layer.scales, layer.n_orientations).to(x.dtype)
    with torch.no_grad():
        window = disc_window(x.shape[-1]).to(x.dtype)
        maps = lifting(before(x.to(layer.device)).cpu() * window)[0]
        maps = maps if layer.translation == "pool" else maps * window  # as the rings read them, faded at the rim
    by_channel = maps.unflatten(0, (-1, len(layer.scales)))  # (n_channels, n_scales, n_orientations, size, size)
    strength, index = by_channel.amax(dim=0).max(dim=1)
    across = 180 * index.numpy() / layer.n_orientations  # the wave runs across the stroke
    return strength.numpy(), (across + 90) % 180


def draw_orientations(ax: Axes, strength: np.ndarray, angle: np.ndarray, title: str) -> None:
    """Draw orientation as hue and strength as brightness, with short lines where it is strong.

    Parameters
    ----------
    ax : Axes
    strength : ndarray of shape (size, size)
    angle : ndarray of shape (size, size)
        In degrees; see `strongest_responses`.
    title : str

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_orientations
    >>> ax = Figure().add_subplot()
    >>> draw_orientations(ax, np.eye(20), np.full((20, 20), 135.0), "a stroke from the upper left to the lower right")
    >>> (lines,) = ax.collections
    >>> len(lines.get_offsets()), np.unique(np.rad2deg(np.arctan2(lines.V, lines.U)).round()).tolist()
    (10, [135.0])
    """
    value = strength / (strength.max() or 1.0)
    ax.imshow(_hue(angle, 0.75 * value))
    step = max(1, len(value) // 10)
    rows, columns = (
        places + step // 2 for places in np.mgrid[0 : len(value) - step // 2 : step, 0 : len(value) - step // 2 : step]
    )
    strong = value[rows, columns] > 0.25
    radians = np.deg2rad(angle[rows, columns][strong])
    ax.quiver(
        columns[strong], rows[strong], np.cos(radians), np.sin(radians), color="white", pivot="mid", units="xy",
        angles="uv", scale=1 / (0.9 * step), width=0.13 * step, headwidth=0, headlength=0, headaxislength=0,
    )  # fmt: skip
    ax.set(xticks=[], yticks=[], title=title)


def _hue(angle: np.ndarray, value: np.ndarray) -> np.ndarray:
    return hsv_to_rgb(np.stack([angle / 180, np.full_like(value, 0.85), value], axis=-1))


def draw_orientation_key(ax: Axes, n_orientations: int) -> None:
    """Draw which hue stands for which orientation.

    Parameters
    ----------
    ax : Axes
    n_orientations : int

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_orientation_key
    >>> ax = Figure().add_subplot()
    >>> draw_orientation_key(ax, n_orientations=8)
    >>> len(ax.lines), len({tuple(line.get_color()) for line in ax.lines})  # each line has a hue of its own
    (8, 8)
    """
    angles = 180 * np.arange(n_orientations) / n_orientations
    radians = np.deg2rad(angles)
    for angle, cosine, sine in zip(angles, np.cos(radians), np.sin(radians), strict=True):
        ax.plot([-cosine, cosine], [-sine, sine], color=_hue(angle, np.array(0.75)), linewidth=3)
    ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal")
    ax.axis("off")
    ax.text(0, -1.4, "hue and lines:\norientation\nbrightness:\nstrength", ha="center", va="top", fontsize=8)


def draw_frequencies(ax: Axes, model: GlassBoxClassifier, x: torch.Tensor) -> None:
    """Draw the size of the coefficients of one image by angular frequency.

    Parameters
    ----------
    ax : Axes
    model : GlassBoxClassifier
        Fitted, with a `Representation`.
    x : Tensor of shape (1, n_channels, size, size)

    Examples
    --------
    The bars of an image are those of the image turned.

    >>> import numpy as np
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> import equibook as eq
    >>> from equibook.drawing import draw_frequencies
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> layer_1 = eq.Representation(scales=(1.6,), invariant="k0")
    >>> model = eq.GlassBoxClassifier(representation=layer_1).fit(X, y)
    >>> x, heights = torch.from_numpy(X[:1]), []
    >>> for angle in (0, 90):
    ...     ax = Figure().add_subplot()
    ...     draw_frequencies(ax, model, eq.actions.rotate(x, angle))
    ...     heights.append([bar.get_height() for bar in ax.patches])
    >>> len(heights[0]), np.allclose(*heights)
    (6, True)
    """
    coefficients = np.abs(model.representation_.coefficients(x)[0].numpy())
    sums = np.bincount(model.representation_.coefficient_table_.k, weights=coefficients)
    ax.bar(np.arange(len(sums)), sums, color=PALETTE[2])
    ax.set(xticks=np.arange(len(sums)), xlabel="angular frequency k", ylabel="sum of |coefficients|")
    ax.set_title("Layer 1 reads by frequency:\na turn leaves their sizes")


Background = tuple[np.ndarray, np.ndarray]


def read_background(model: GlassBoxClassifier, X: Any, y: Any) -> Background | None:
    """Return components and labels of at most `MOST_POINTS` images.

    Parameters
    ----------
    model : GlassBoxClassifier
        Fitted.
    X : ndarray or Tensor of shape (n_samples, n_channels, height, width), optional
        Known images; of more than 200, some, evenly spaced in their order.
    y : array-like of shape (n_samples,), optional
        Their classes.

    Returns
    -------
    components : ndarray of shape (n_kept, n_components)
    labels : ndarray of shape (n_kept,)
        None instead of both where there are no images.

    Examples
    --------
    >>> import equibook as eq
    >>> from equibook.drawing import read_background
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels(), n_components=2).fit(X, y)
    >>> components, labels = read_background(model, X, y)
    >>> components.shape, labels.shape
    ((12, 2), (12,))
    >>> components, labels = read_background(model, X.repeat(20, axis=0), y.repeat(20))  # 240 images
    >>> components.shape, labels.shape
    ((200, 2), (200,))
    """
    if X is None:
        return None
    if y is None:
        raise ValueError("`y` must be given with `X`, got None. Pass the labels of these images.")
    labels = check_labels(y, len(X))
    kept = np.unique(np.linspace(0, len(labels) - 1, MOST_POINTS).round().astype(int))
    return model.reduce(X[kept]), labels[kept]


def draw_background_and_point(
    ax: Axes, model: GlassBoxClassifier, background: Background | None, point: np.ndarray
) -> None:
    """Draw training images, and one image among them as a star.

    Parameters
    ----------
    ax : Axes
    model : GlassBoxClassifier
        Fitted.
    background : pair of ndarrays of shape (n_samples, n_components) and (n_samples,), or None
        See `read_background`.
    point : ndarray of shape (1, n_components)

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import equibook as eq
    >>> from equibook.drawing import draw_background_and_point
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels(), n_components=2).fit(X, y)
    >>> ax, components = Figure().add_subplot(), model.reduce(X)
    >>> draw_background_and_point(ax, model, (components[1:], y[1:]), components[:1])
    >>> [(line.get_marker(), len(line.get_xdata())) for line in ax.lines]  # bars, rings, and the star
    [('o', 6), ('s', 5), ('*', 1)]
    """
    if background is not None:
        draw_points(ax, *background, classes=model.classes_)
        ax.legend(loc="upper left", bbox_to_anchor=(0.98, 1.05), handletextpad=0, borderpad=0, fontsize=8)
    ax.plot(*to_plane(point).T, marker="*", markersize=15, color="black", markeredgecolor="white", linestyle="")
    unit = _unit(model)
    ax.set(xlabel=f"component 1{unit}", ylabel=f"component 2{unit}")
    ax.set_title("Layer 2 reduces:\nthe image is the star")


def draw_decision(ax: Axes, model: GlassBoxClassifier, background: Background | None, point: np.ndarray) -> str:
    """Draw one signed bar for two classes, otherwise one bar a class; return the predicted class in words.

    Parameters
    ----------
    ax : Axes
    model : GlassBoxClassifier
        Fitted.
    background : pair of ndarrays of shape (n_samples, n_components) and (n_samples,), or None
        See `read_background`; the axis is as long as these images need.
    point : ndarray of shape (1, n_components)

    Returns
    -------
    str

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import equibook as eq
    >>> from equibook.drawing import draw_decision
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> ax, components = Figure().add_subplot(), model.reduce(X)
    >>> draw_decision(ax, model, None, components[:1]), str(y[0])
    ('class ring', 'ring')
    >>> bool(ax.patches[0].get_width() > 0)  # the score: above 0 for the second of the two classes
    True
    """
    scores = np.atleast_1d(decision_scores(model.classifier_, point)[0])
    known = scores if background is None else decision_scores(model.classifier_, background[0])
    limit = 1.1 * max(np.abs(known).max(), np.abs(scores).max())
    chosen = model.classifier_.predict(point)[0]
    names = [str(name) for name in model.classes_]
    if len(scores) == 1:
        ax.barh([0], scores, height=0.4, color=PALETTE[int(scores[0] > 0)])
        ax.set(xlim=(-limit, limit), ylim=(-1, 1), yticks=[])
        ax.set_xlabel("score")
        ax.text(-limit, 0.75, f"← {_cut(names[0])}")
        ax.text(limit, 0.75, f"{_cut(names[1])} →", ha="right")
        ax.text(scores[0], -0.3, f"{scores[0]:+.2f}", ha="center", va="top", backgroundcolor="white")
    else:
        low = min(0.0, float(known.min()), float(scores.min()))
        ax.barh(
            [_cut(name) for name in names],
            scores - low,
            left=low,
            height=0.7,
            color=[PALETTE[i % len(PALETTE)] for i in range(len(names))],
        )
        ax.set(xlabel="score", xlim=(low, 1.1 * max(0.0, known.max(), scores.max())))
        ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_title(f"Layer 3 decides:\nclass {chosen}", weight="bold")
    return f"class {chosen}"


def _cut(name: str) -> str:
    """Return a name short enough for a legend."""
    return name if len(name) <= 10 else f"{name[:9]}…"


def to_plane(components: np.ndarray) -> np.ndarray:
    """Return the first two components, (n_samples, 2); where there is one only, the second is 0.

    Parameters
    ----------
    components : ndarray of shape (n_samples, n_components)

    Returns
    -------
    ndarray of shape (n_samples, 2)

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.drawing import to_plane
    >>> to_plane(np.array([[1.0, 2.0, 3.0]])).tolist(), to_plane(np.array([[1.0]])).tolist()
    ([[1.0, 2.0]], [[1.0, 0.0]])
    """
    return np.pad(components[:, :2], ((0, 0), (0, max(0, 2 - components.shape[1]))))


def draw_points(ax: Axes, components: np.ndarray, labels: np.ndarray, *, classes: np.ndarray) -> None:
    """Draw images in the plane of the first two components, classes by colour and marker.

    Parameters
    ----------
    ax : Axes
    components : ndarray of shape (n_samples, n_components)
    labels : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        In the order of their colours and markers.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_points
    >>> ax = Figure().add_subplot()
    >>> components, labels = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), np.array([3, 8, 3])
    >>> draw_points(ax, components, labels, classes=np.array([3, 8]))
    >>> [(line.get_label(), line.get_marker(), line.get_xydata().tolist()) for line in ax.lines]
    [('3', 'o', [[0.0, 1.0], [4.0, 5.0]]), ('8', 's', [[2.0, 3.0]])]
    """
    for i, name in enumerate(classes):
        points = to_plane(components[labels == name])
        ax.plot(
            *points.T, MARKERS[i % len(MARKERS)], color=PALETTE[i % len(PALETTE)], markersize=4.5, alpha=0.75,
            markeredgewidth=0, label=_cut(str(name)),
        )  # fmt: skip


def draw_orbit(ax: Axes, components: np.ndarray) -> None:
    """Draw the turned copies of one image as a closed line.

    Parameters
    ----------
    ax : Axes
    components : ndarray of shape (order, n_components)
        A star marks the first of them.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_orbit
    >>> ax = Figure().add_subplot()
    >>> draw_orbit(ax, np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]))  # four quarter turns
    >>> ax.lines[0].get_xydata().tolist()  # and back to the first
    [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]]
    """
    points = to_plane(components)
    closed = np.concatenate([points, points[:1]])
    ax.plot(*closed.T, color="black", linewidth=1.2, marker=".", markersize=5, label="orbit, from the star")
    ax.plot(*points[0], marker="*", markersize=10, color="black", markeredgecolor="white", linestyle="")


def label_components(ax: Axes, model: GlassBoxClassifier) -> None:
    """Say at the axes which part of the variance the components have.

    Parameters
    ----------
    ax : Axes
    model : GlassBoxClassifier
        Fitted.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import equibook as eq
    >>> from equibook.drawing import label_components
    >>> from equibook.representation import Pixels
    >>> X, y = eq.datasets.load_shapes(12, 16, classes=("bar", "ring"), random_state=0)
    >>> model = eq.GlassBoxClassifier(representation=Pixels()).fit(X, y)
    >>> ax = Figure().add_subplot()
    >>> label_components(ax, model)
    >>> ax.get_xlabel()  # doctest: +ELLIPSIS
    'component 1 (σ), ...% of variance'
    """
    share = [f"{_unit(model)}, {part:.0%} of variance" for part in model.reduction_.pca_.explained_variance_ratio_[:2]]
    ax.set(xlabel=f"component 1{share[0]}", ylabel=f"component 2{share[1]}" if share[1:] else "(one component)")


def _unit(model: GlassBoxClassifier) -> str:
    """Return the unit of whitened components: the standard deviation of the training images."""
    return " (σ)" if model.reduction_.pca_.whiten else ""


def group_name(by: str, value: float) -> str:
    """Return how a group of features is called at an axis.

    Parameters
    ----------
    by : {"scale", "ring", "k"}
        What the features are grouped by.
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.drawing import group_name
    >>> group_name("scale", 0), group_name("scale", 1.6), group_name("ring", 0)  # scale 0 is no filter at all
    ('image', '1.6', '0')
    """
    return "image" if by == "scale" and value == 0 else f"{value:g}"


def draw_signed_bars(ax: Axes, names: Sequence[str], values: Sequence[float]) -> None:
    """Draw one bar a name, with its value.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
    values : sequence of float

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_signed_bars
    >>> ax = Figure().add_subplot()
    >>> draw_signed_bars(ax, ["image", "0.8", "1.6"], [0.125, -0.5, 0.0625])
    >>> [text.get_text() for text in ax.texts]  # two digits of the largest
    ['+0.12', '-0.50', '+0.06']
    """
    bars = ax.bar(names, values, color=[PALETTE[1] if value > 0 else PALETTE[0] for value in values])
    decimals = max(0, 1 - math.floor(math.log10(np.abs(values).max() or 1.0)))  # two digits of the largest
    ax.bar_label(bars, fmt=f"%+.{decimals}f", fontsize=7, padding=2)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.margins(y=0.15)


def draw_distances(ax: Axes, rows: Mapping[str, Mapping[str, ClassSeparation]], *, with_fisher: bool = False) -> None:
    """Draw two bars a layer, in units of the distance within classes; the measured numbers stand beside them.

    Parameters
    ----------
    ax : Axes
    rows : dict from a label to a dict from a layer to a ClassSeparation
    with_fisher : bool
        Also write down the Fisher ratio.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_distances
    >>> from equibook.measure import class_separation
    >>> found = class_separation([0.0, 2.0, 90.0, 92.0], ["a", "a", "b", "b"])
    >>> ax = Figure().add_subplot()
    >>> draw_distances(ax, {"made up": {"pixels": found}})
    >>> [float(bar.get_width()) for bar in ax.patches], [text.get_text() for text in ax.texts]
    ([1.0, 45.0], ['2', '90'])
    """
    flat = _flatten(rows)
    places = np.arange(len(flat))
    inter = [_relative(found.inter, found.intra) for _, found in flat]
    ax.barh(places - 0.2, [1.0] * len(flat), height=0.38, color=PALETTE[5], label="within classes", hatch="//",
            edgecolor="white")  # fmt: skip
    ax.barh(places + 0.2, inter, height=0.38, color=PALETTE[0], label="between classes")
    for place, (_, found), length in zip(places, flat, inter, strict=True):
        ax.text(1.02, place - 0.2, _short(found.intra), va="center", fontsize=8)
        fisher = f"   Fisher {found.fisher:.2g}" if with_fisher else ""
        ax.text(length + 0.02, place + 0.2, f"{_short(found.inter)}{fisher}", va="center", fontsize=8)
    ax.set_yticks(places, [name for name, _ in flat])
    ax.set(
        xlim=(0, 1.25 * max([1.0, *inter]) + (0.25 if with_fisher else 0)),
        xlabel="mean distance / distance within classes",
    )
    ax.invert_yaxis()
    ax.set_title("Distances on turned test images" if with_fisher else "Mean distances")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=4, ncols=2)


def _short(distance: float) -> str:
    return f"{distance:.0f}" if distance >= 1000 else f"{distance:.3g}"


def _relative(distance: float, unit: float) -> float:
    """Return distance / unit, finite for the eye: 0 / 0 is 1, and more than that over 0 is 10."""
    return distance / unit if unit else (10.0 if distance else 1.0)


def draw_fisher(ax: Axes, rows: Mapping[str, Mapping[str, ClassSeparation]]) -> None:
    """Draw the Fisher ratio after each layer.

    Parameters
    ----------
    ax : Axes
    rows : dict from a label to a dict from a layer to a ClassSeparation

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_fisher
    >>> from equibook.measure import class_separation
    >>> apart, mixed = (class_separation(row, ["a", "a", "b", "b"]) for row in ([0.0, 2, 10, 12], [0.0, 2, 1, 3]))
    >>> ax = Figure().add_subplot()
    >>> draw_fisher(ax, {"made up": {"apart": apart, "mixed": mixed}})
    >>> [text.get_text() for text in ax.texts]
    ['25', '0.25']
    """
    flat = _flatten(rows)
    finite = [found.fisher if np.isfinite(found.fisher) else 0.0 for _, found in flat]
    bars = ax.barh(np.arange(len(flat)), finite, height=0.5, color=PALETTE[2])
    ax.bar_label(bars, [f"{found.fisher:.3g}" for _, found in flat], fontsize=8, padding=3)
    ax.margins(x=0.2)
    ax.tick_params(axis="y", labelleft=False)
    ax.set(xlabel="scatter between / within", title="Fisher ratio")


def _flatten(rows: Mapping[str, Mapping[str, ClassSeparation]]) -> list[tuple[str, ClassSeparation]]:
    if not rows or not all(rows.values()):
        raise ValueError(
            "`rows` must hold at least one layer per label, got none. Measure one with `class_separation`."
        )
    return [(f"{label}\n{layer}", found) for label, layers in rows.items() for layer, found in layers.items()]


def draw_accuracy(ax: Axes, angles: Sequence[float], accuracies: Mapping[str, Sequence[float]], chance: float) -> None:
    """Draw one curve a label, and a line at chance.

    Parameters
    ----------
    ax : Axes
    angles : sequence of float
        In degrees.
    accuracies : dict from a label to a sequence of as many numbers, from 0 to 1
    chance : float
        From 0 to 1.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from equibook.drawing import draw_accuracy
    >>> ax = Figure().add_subplot()
    >>> draw_accuracy(ax, [0, 90, 180], {"pixels": [1.0, 0.5, 0.5], "glass box": [1.0, 1.0, 1.0]}, chance=0.5)
    >>> [line.get_label() for line in ax.lines]
    ['pixels', 'glass box', 'chance (50%)']
    """
    for i, (label, values) in enumerate(accuracies.items()):
        if len(values) != len(angles):
            hint = "Pass one accuracy per angle."
            raise ValueError(f"`accuracies` must fit the {len(angles)} angles, got {len(values)} for {label!r}. {hint}")
        ax.plot(angles, 100 * np.asarray(values), marker=MARKERS[i % len(MARKERS)], markersize=4,
                color=PALETTE[i % len(PALETTE)], label=label)  # fmt: skip
    ax.axhline(100 * chance, color="0.35", linestyle="--", linewidth=1, label=f"chance ({chance:.0%})")
    ax.set(ylim=(0, 103), xlabel="images turned by (degrees)", ylabel="accuracy (%)", title="Accuracy by angle")
    if max(angles) - min(angles) >= 180:
        ax.set_xticks(np.arange(np.floor(min(angles) / 45) * 45, max(angles) + 1, 45))
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=4, ncols=len(accuracies) + 1)


def describe_accuracy(accuracies: Mapping[str, Sequence[float]]) -> str:
    """Say in words between which values the accuracies lie.

    Parameters
    ----------
    accuracies : dict from a label to a sequence of numbers, from 0 to 1

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.drawing import describe_accuracy
    >>> describe_accuracy({"pixels": [1.0, 0.54, 0.5], "glass box": [0.98, 0.99, 0.98]})
    'Accuracy over all angles, pixels: 50% to 100%; glass box: 98% to 99%'
    """
    parts = [f"{label}: {min(values):.0%} to {max(values):.0%}" for label, values in accuracies.items()]
    return f"Accuracy over all angles, {'; '.join(parts)}"


def describe_separation(rows: Mapping[str, Mapping[str, ClassSeparation]]) -> str:
    """Say in words how distances compare.

    Parameters
    ----------
    rows : dict from a label to a dict from a layer to a ClassSeparation

    Returns
    -------
    str

    Examples
    --------
    >>> from equibook.drawing import describe_separation
    >>> from equibook.measure import class_separation
    >>> found = class_separation([0.0, 2.0, 90.0, 92.0], ["a", "a", "b", "b"])
    >>> describe_separation({"made up": {"pixels": found}})
    'Distance between over within classes: made up, pixels 45.00'
    """
    parts = [f"{' '.join(name.split())} {found.ratio:.2f}" for name, found in _flatten_lines(rows)]
    return f"Distance between over within classes: {', '.join(parts)}"


def _flatten_lines(rows: Mapping[str, Mapping[str, ClassSeparation]]) -> list[tuple[str, ClassSeparation]]:
    return [(name.replace("\n", ", "), found) for name, found in _flatten(rows)]
