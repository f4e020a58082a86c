"""Figures of dimension reduction: screes, planes with one orbit, accuracy by components, components that are turned."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import as_images, check_labels
from equibook.actions import rotate
from equibook.drawing import MARKERS, PALETTE, draw_image, value_limits
from equibook.plots.figures import Picture, styled

_MOST_BARS = 20
_LINES = ("-", "--", "-.", ":")
_THREE = ((0.01, 0.25, 0.18, 0.48), (0.275, 0.15, 0.24, 0.75), (0.59, 0.15, 0.3, 0.75))  # fixed: quick to draw


@styled
def plot_scree(shares: Mapping[str, Sequence[float]], *, level: float = 0.9) -> Figure:
    """Show which share of the variance each component has, and what the first ones have together.

    Parameters
    ----------
    shares : dict from a label to a falling sequence of shares, from 0 to 1
        Such as `explained_variance_ratio_` of a PCA; four at most.
    level : float
        How many components reach this share is marked.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_scree
    >>> picture = plot_scree({"pixels": [0.5, 0.25, 0.2], "glass box": [0.4, 0.2, 0.1]})
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Share of the variance by component. pixels: the first has 50 %, 3 reach 90%; glass box: the first has 40 %, none
    reach 90%.
    """
    _check_shares(shares, level)
    figure = Picture(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    said = []
    for i, (label, values) in enumerate(shares.items()):
        share = 100 * np.asarray(values, dtype=float)
        together, numbers = np.cumsum(share), np.arange(1, len(share) + 1)
        look: Any = {"color": PALETTE[i], "linestyle": _LINES[i], "label": label}
        left.plot(numbers[:_MOST_BARS], share[:_MOST_BARS], marker=MARKERS[i], markersize=4, **look)
        right.plot(numbers, together, **look)
        n_needed = count_components(values, level)
        if n_needed:
            right.plot(n_needed, together[n_needed - 1], marker=MARKERS[i], color=PALETTE[i], markersize=7)
            right.annotate(str(n_needed), (n_needed, together[n_needed - 1]), (4, -12), textcoords="offset points")
        said.append(f"{label}: the first has {share[0]:.0f} %, {n_needed or 'none'} reach {level:.0%}")
    right.axhline(100 * level, color="0.35", linewidth=0.8, linestyle=":")
    left.set(ylim=(0, None), xlabel="component", ylabel="share of the variance (%)", title="Each component")
    left.set_xticks([1, *range(5, _MOST_BARS + 1, 5)])
    right.set(ylim=(0, 103), xlabel="number of components", ylabel="share of the variance (%)")
    right.set_title(f"The first ones together; marked: {level:.0%}")
    left.legend()
    figure.alt = f"Share of the variance by component. {'; '.join(said)}."
    return figure


def count_components(shares: Any, level: float) -> int:
    """Return how many of the first components have a share of the variance together; 0 where all have less.

    Parameters
    ----------
    shares : array-like of shape (n_components,)
        Falling, from 0 to 1.
    level : float
        From 0 to 1.

    Returns
    -------
    int

    Examples
    --------
    >>> from equibook.plots.reductions import count_components
    >>> count_components([0.5, 0.25, 0.125], 0.75)
    2
    """
    together = np.cumsum(np.asarray(shares, dtype=float))
    reached = np.flatnonzero(together >= level * (1 - 1e-12))
    return int(reached[0]) + 1 if len(reached) else 0


@styled
def plot_scree_and_plane(
    shares: Sequence[float], known: Any, labels: Any, orbit: Any, images: Any, *, step: int = 0, first: int = 1
) -> Figure:
    """Show one image of an orbit, the scree, and the plane of two components with the whole orbit.

    Parameters
    ----------
    shares : sequence of float
        Of the variance, by component.
    known : ndarray of shape (n_samples, n_components)
        Known images, reduced.
    labels : array of shape (n_samples,)
    orbit : ndarray of shape (order, n_components)
        The images of the orbit, reduced.
    images : ndarray or Tensor of shape (order, n_channels, height, width)
    step : int
        Which image of the orbit is shown, and marked by a star.
    first : int
        The plane is that of this component and the next; components count from 1.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_scree_and_plane
    >>> known, labels = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), ["a", "a", "b"]
    >>> orbit = np.array([[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0], [0.0, -0.5]])
    >>> picture = plot_scree_and_plane([0.8, 0.2], known, labels, orbit, np.zeros((4, 1, 8, 8)))
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    An image, the share of the variance by component, and the plane of components 1 and 2 with 3 known images and an
    orbit 0.25 times as wide as they are.
    """
    share, points = 100 * np.asarray(shares, dtype=float), np.asarray(orbit)
    names = check_labels(labels, len(known))
    _check_plane(share, np.asarray(known), points, images, step, first)
    pair = np.array([first - 1, first])
    figure = Picture(figsize=(8.8, 3.3))
    seen, scree, plane = (figure.add_axes(box) for box in _THREE)
    draw_image(seen, as_images(images)[step].detach().cpu().numpy(), (0, 1))
    seen.axis("off")
    seen.set_title("the image now")
    shown = share[:_MOST_BARS]
    bars = scree.bar(np.arange(1, len(shown) + 1), shown, color=PALETTE[5])
    for i in pair[pair < len(shown)]:
        bars[int(i)].set(facecolor=PALETTE[1], hatch="//", edgecolor="white")
    scree.set(xlabel="component", ylabel="share of the variance (%)", title="those shown are hatched")
    for i, name in enumerate(np.unique(names)):
        of_class = np.asarray(known)[names == name][:, pair]
        plane.plot(*of_class.T, MARKERS[i % len(MARKERS)], color=PALETTE[i % len(PALETTE)], markersize=4, alpha=0.7,
                   markeredgewidth=0, label=str(name))  # fmt: skip
    closed = np.concatenate([points, points[:1]])[:, pair]
    plane.plot(*closed.T, color="black", linewidth=1, marker=".", markersize=4, label="orbit")
    plane.plot(*points[step, pair], marker="*", markersize=14, color="black", markeredgecolor="white")
    plane.set(xlabel=f"component {first} ({share[first - 1]:.0f} % of the variance)")
    plane.set(ylabel=f"component {first + 1} ({share[first]:.0f} % of the variance)", title="the plane, and the orbit")
    plane.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.4)
    width = np.ptp(points[:, pair], axis=0).max() / np.ptp(np.asarray(known)[:, pair], axis=0).max()
    figure.alt = (
        f"An image, the share of the variance by component, and the plane of components {first} and {first + 1} with "
        f"{len(names)} known images and an orbit {width:.2f} times as wide as they are."
    )
    return figure


@styled
def plot_accuracy_by_components(
    counts: Sequence[int],
    accuracies: Mapping[str, Sequence[float]],
    *,
    errors: Mapping[str, Sequence[float]] | None = None,
    chosen: int | None = None,
    chance: float = 0.5,
) -> Figure:
    """Show the accuracy of models by the number of components that they keep.

    Parameters
    ----------
    counts : sequence of int
        Numbers of components, rising.
    accuracies : dict from a label to a sequence of as many accuracies, from 0 to 1
        Four at most.
    errors : dict from some of the labels to as many standard errors, optional
        Drawn as a band about the curve.
    chosen : int, optional
        A number of components that is marked by an upright line.
    chance : float
        The accuracy of guessing.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_accuracy_by_components
    >>> accuracies = {"pixels": [0.5, 0.6, 0.6], "glass box": [0.8, 0.95, 0.97]}
    >>> print(plot_accuracy_by_components([2, 8, 32], accuracies, chosen=8).alt)  # doctest: +NORMALIZE_WHITESPACE
    Accuracy with 2 to 32 components. pixels: from 50.0% to 60.0%; glass box: from 80.0% to 97.0%.
    """
    for label, values in {**accuracies, **(errors or {})}.items():
        if len(values) != len(counts):
            hint = "Pass one for each count."
            raise ValueError(f"`accuracies` must fit the {len(counts)} counts, got {len(values)} for {label!r}. {hint}")
    figure = Picture(figsize=(8.4, 3.2), layout="constrained")
    ax = figure.add_subplot()
    for i, (label, values) in enumerate(accuracies.items()):
        percent = 100 * np.asarray(values, dtype=float)
        ax.plot(counts, percent, marker=MARKERS[i], markersize=4, color=PALETTE[i], linestyle=_LINES[i], label=label)
        if errors and label in errors:
            band = 100 * np.asarray(errors[label])
            ax.fill_between(counts, percent - band, percent + band, color=PALETTE[i], alpha=0.2, linewidth=0)
    ax.axhline(100 * chance, color="0.35", linestyle=":", linewidth=1, label=f"chance ({chance:.0%})")
    if chosen is not None:
        ax.axvline(chosen, color="black", linewidth=1)
        ax.annotate(f"{chosen} chosen", (chosen, 100 * chance), (4, 5), textcoords="offset points")
    ax.set(xscale="log", xlabel="number of components", ylabel="accuracy (%)")
    ax.set_xticks(list(counts), [str(count) for count in counts])
    ax.minorticks_off()
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    parts = [f"{label}: from {values[0]:.1%} to {values[-1]:.1%}" for label, values in accuracies.items()]
    figure.alt = f"Accuracy with {counts[0]} to {counts[-1]} components. {'; '.join(parts)}."
    return figure


@styled
def plot_turned_component(components: Any, i: int, angle: float, *, partner: int | None = None) -> Figure:
    """Show a component, what a turn makes of it, and how much of that it and its partner account for.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_channels, height, width)
        Orthonormal images; channels are summed for the eye.
    i : int
        Which of them.
    angle : float
        In degrees, counter-clockwise.
    partner : int, optional
        The other component of its pair.

    Returns
    -------
    Figure

    Examples
    --------
    A quarter turn makes one component of the other: they are a pair.

    >>> import numpy as np
    >>> from equibook.plots import plot_turned_component
    >>> across = np.tile([-0.25, -0.25, 0.25, 0.25], (4, 1))  # dark on the left, light on the right
    >>> components = np.stack([across, np.rot90(across)])[:, None]
    >>> print(plot_turned_component(components, 0, 90, partner=1).alt)  # doctest: +NORMALIZE_WHITESPACE
    Component 1 turned by 90 degrees is +0.00 × no. 1 +1.00 × no. 2 and a rest of 0% of its length; its partner is
    component 2.
    """
    x = as_images(components, name="components").detach().cpu().numpy()
    for place in (i, i if partner is None else partner):
        if not 0 <= place < len(x):
            raise ValueError(f"`i` and `partner` must be from 0 to {len(x) - 1}, got {place}. Count from 0.")
    turned = np.asarray(rotate(x[i : i + 1], angle))[0]
    weights = {place: float((turned * x[place]).sum()) for place in ([i] if partner is None else [i, partner])}
    rest = turned - sum(weight * x[place] for place, weight in weights.items())
    left_over = float(np.linalg.norm(rest))
    figure = Picture(figsize=(8.6, 2.8))
    axes = figure.subplots(1, 4, gridspec_kw={"left": 0.01, "right": 0.99, "top": 0.9, "bottom": 0.13, "wspace": 0.06})
    limits = value_limits(x[i].sum(axis=0), signed=True)
    _draw_component(axes[0], x[i], limits, f"component {i + 1}")
    _draw_component(axes[1], None if partner is None else x[partner], limits,
                    "no partner" if partner is None else f"its partner: component {partner + 1}")  # fmt: skip
    parts = [f"{round(weight, 2) + 0.0:+.2f} × no. {place + 1}" for place, weight in weights.items()]
    sum_ = " ".join(parts).replace("-", "−")
    _draw_component(axes[2], turned, limits, f"component {i + 1}, turned by {angle:g}°")
    _draw_component(axes[3], rest, limits, f"the rest: {left_over:.0%} of its length")
    figure.supxlabel(f"turned = {sum_} + rest          (red: above 0, blue: below 0)", fontsize=10)
    figure.alt = (
        f"Component {i + 1} turned by {angle:g} degrees is {sum_} and a rest of {left_over:.0%} of its length; "
        f"{'it has no partner' if partner is None else f'its partner is component {partner + 1}'}."
    )
    return figure


def _draw_component(ax: Axes, image: np.ndarray | None, limits: tuple[float, float], title: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, loc="center", fontsize=9.5)
    if image is None:
        ax.axis("off")
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.text(0.5, 0.5, "–", ha="center", va="center", fontsize=20)
        return
    draw_image(ax, image.sum(axis=0, keepdims=True), limits)
    ax.spines[:].set_visible(True)


def _check_shares(shares: Mapping[str, Sequence[float]], level: float) -> None:
    if not 1 <= len(shares) <= len(_LINES):
        hint = "Show some of them."
        raise ValueError(f"`shares` must hold 1 to {len(_LINES)} sequences, got {len(shares)}. {hint}")
    if not 0 < level <= 1:
        raise ValueError(f"`level` must be above 0 and at most 1, got {level}. Write 90 % as 0.9.")
    for label, values in shares.items():
        found = np.asarray(values, dtype=float)
        if found.ndim != 1 or not len(found) or (found < -1e-12).any() or found.sum() > 1 + 1e-9:
            hint = "Divide the eigenvalues by their sum."
            raise ValueError(f"`shares` must be shares of 1 in a row, got {found.shape} for {label!r}. {hint}")


def _check_plane(share: np.ndarray, known: np.ndarray, points: np.ndarray, images: Any, step: int, first: int) -> None:
    most = min(len(share), known.shape[1], points.shape[1]) - 1
    if not 1 <= first <= most:
        hint = "Components count from 1, and the next one is shown too."
        raise ValueError(f"`first` must be from 1 to {most}, got {first}. {hint}")
    if len(images) != len(points):
        hint = "Reduce these images."
        raise ValueError(f"`images` must hold one for each of {len(points)} points, got {len(images)}. {hint}")
    if not 0 <= step < len(points):
        raise ValueError(f"`step` must be from 0 to {len(points) - 1}, got {step}. Count from 0.")
