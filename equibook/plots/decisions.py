"""Figures of classifiers: regions of a plane, and one among all as something changes."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from equibook._checks import check_choice, check_labels
from equibook.classifiers import decision_scores
from equibook.drawing import MARKERS, PALETTE
from equibook.plots.figures import Picture, styled
from equibook.sensitivity import Sensitivity

_STEPS = 150  # of the grid, along each axis
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "++", "oo")
_HATCHED = "0.72"
_PLANE = (0.1, 0.12, 0.62, 0.76)  # fixed: quick to draw
_CURVES = (0.09, 0.15, 0.66, 0.75)


@styled
def plot_decisions(classifier: Any, Z: Any, y: Any, *, title: str = "", unit: str = "") -> Figure:
    """Show which class a classifier of two numbers decides for, everywhere in their plane.

    Regions are told apart by shade and hatching, classes by colour and marker. The line is the boundary. Points that
    lie in the region of another class are ringed.

    Parameters
    ----------
    classifier : fitted classifier, one of those of `equibook.classifiers.make_classifier`
        Of two numbers.
    Z : ndarray of shape (n_samples, 2)
        Points to draw, such as those it learned from.
    y : array-like of shape (n_samples,)
        Their classes.
    title : str
        What classifier it is.
    unit : str
        Of both numbers, such as "σ".

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.classifiers import make_classifier
    >>> from equibook.plots import plot_decisions
    >>> Z, y = np.array([[-3.0, 0.0], [-1.0, 1.0], [-1.0, -1.0], [3.0, 0.0], [-2.0, 0.0]]), list("aaabb")
    >>> plot_decisions(make_classifier("nearest_mean").fit(Z, y), Z, y, title="nearest mean").alt
    "The plane, divided into the regions of the classes a, b by nearest mean; 1 of 5 points in another's region."
    """
    points = np.asarray(Z, dtype=float)
    labels = check_labels(y, len(points))
    _check_plane(classifier, points)
    names = np.asarray(classifier.classes_)
    wrong = classifier.predict(points) != labels
    figure = Picture(figsize=(6.6, 4.2))
    ax = figure.add_axes(_PLANE)
    _draw_regions(ax, classifier, points, names)
    for i, name in enumerate(names):
        ax.plot(*points[labels == name].T, MARKERS[i], color=PALETTE[i], markersize=4.5, markeredgecolor="white",
                markeredgewidth=0.4, label=f"{name}")  # fmt: skip
    ax.plot(*points[wrong].T, "o", color="black", markersize=9, markerfacecolor="none", label="in another's region")
    handles, _ = ax.get_legend_handles_labels()
    handles += [Patch(**_look(i), label=f"decides for {name}") for i, name in enumerate(names)]
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5))
    brackets = f" ({unit})" if unit else ""
    said = f"{wrong.sum()} of {len(points)} points in another's region"
    ax.set(xlabel=f"component 1{brackets}", ylabel=f"component 2{brackets}")
    ax.set_title(f"{title}: {said}" if title else said)
    figure.alt = (
        f"The plane, divided into the regions of the classes {', '.join(map(str, names))}"
        f"{f' by {title}' if title else ''}; {said}."
    )
    return figure


@styled
def plot_one_among(found: Sensitivity, classifier: str, *, chance: float = 0.5) -> Figure:
    """Show the accuracies of all classifiers, one of them in front with its 95 % interval.

    Parameters
    ----------
    found : Sensitivity
    classifier : str
        Which one is in front.
    chance : float
        The accuracy of guessing; the axis begins just below it, for all figures alike.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_one_among
    >>> from equibook.sensitivity import Sensitivity
    >>> made_up = {"lda": np.array([[0.9, 1.0], [0.5, 0.7]]), "ridge": np.array([[0.8, 1.0], [0.5, 0.6]])}
    >>> found = Sensitivity("angle", np.array([0.0, 90.0]), made_up)
    >>> plot_one_among(found, "ridge").alt  # with two splits only, intervals are wide
    'Accuracy in per cent by angle (°). ridge: 90 ± 127 at 0, 55 ± 64 at 90.'
    """
    check_choice(classifier, found.accuracies, name="classifier")
    figure = Picture(figsize=(7.6, 3.4))
    ax = figure.add_axes(_CURVES)
    for i, name in enumerate(found.accuracies):
        if name != classifier:
            ax.plot(found.amounts, 100 * found.mean(name), color="0.62", marker=MARKERS[i % len(MARKERS)],
                    markersize=4, linewidth=1, linestyle="--", label=name)  # fmt: skip
    mean, margin = 100 * found.mean(classifier), np.nan_to_num(100 * found.margin(classifier))
    i = list(found.accuracies).index(classifier)
    ax.fill_between(
        found.amounts, mean - margin, np.minimum(mean + margin, 100), color=PALETTE[0], alpha=0.25, linewidth=0
    )
    ax.plot(found.amounts, mean, color=PALETTE[0], marker=MARKERS[i % len(MARKERS)], markersize=6, linewidth=2.4,
            label=f"{classifier},\nwith its interval")  # fmt: skip
    ax.axhline(100 * chance, color="0.35", linestyle=":", linewidth=1, label=f"chance ({chance:.0%})")
    ax.set(xlabel=found.unit, ylabel="accuracy (%)", ylim=(100 * chance - 10, 102), xticks=found.amounts)
    ax.set_title(f"{classifier} from {mean[0]:.1f} % to {mean[-1]:.1f} %; the others in grey")
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    cells = ", ".join(
        f"{m:.0f} ± {d:.0f} at {amount:g}" for m, d, amount in zip(mean, margin, found.amounts, strict=True)
    )
    figure.alt = f"Accuracy in per cent by {found.unit}. {classifier}: {cells}."
    return figure


def _draw_regions(ax: Axes, classifier: Any, points: np.ndarray, names: np.ndarray) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.15 * (high - low) + 1e-9
    x, y = (np.linspace(a, b, _STEPS) for a, b in zip(low - pad, high + pad, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    region = np.searchsorted(names, classifier.predict(grid)).reshape(_STEPS, _STEPS)
    shades = ListedColormap([_look(i)["facecolor"] for i in range(len(names))])
    ax.pcolormesh(x, y, region, cmap=shades, vmin=-0.5, vmax=len(names) - 0.5, shading="nearest", rasterized=True)
    hatched = ax.contourf(
        x, y, region, np.arange(-0.5, len(names)), hatches=list(_HATCHES[: len(names)]), colors="none"
    )
    hatched.set_edgecolor(_HATCHED)
    hatched.set_linewidth(0)
    heights = [decision_scores(classifier, grid)] if len(names) == 2 else [region == i for i in range(len(names))]
    for height in heights:
        level = 0.0 if len(names) == 2 else 0.5
        if height.min() < level < height.max():  # otherwise one region is all there is
            ax.contour(x, y, height.reshape(_STEPS, _STEPS), levels=[level], colors="black", linewidths=1.6)
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def _look(i: int) -> dict[str, Any]:
    pale = tuple(1 - 0.22 * (1 - part) for part in to_rgb(PALETTE[i]))
    return {"facecolor": pale, "hatch": _HATCHES[i], "edgecolor": _HATCHED, "linewidth": 0.0}


def _check_plane(classifier: Any, points: np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        hint = "Pass the first two components, such as `Z[:, :2]`."
        raise ValueError(f"`Z` must have shape (n_samples, 2), got {points.shape}. {hint}")
    n_seen = getattr(classifier, "n_features_in_", None)
    if n_seen != 2:
        got = "one that is not fitted" if n_seen is None else f"one of {n_seen}"
        raise ValueError(f"`classifier` must be fitted to two numbers, got {got}. Fit it to `Z`.")
    if len(classifier.classes_) > len(PALETTE):
        most = f"at most {len(PALETTE)} classes can be told apart"
        raise ValueError(f"`classifier` must have few classes, got {len(classifier.classes_)}. Here {most}: take some.")
