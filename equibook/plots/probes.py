"""Figures of fitted equivariance: errors by stage, what a fitted map makes of maps and of filters, stitching."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from equibook.drawing import MARKERS, PALETTE, draw_image, value_limits
from equibook.plots.figures import Picture, styled
from equibook.probes.fitted import COLUMNS, FittedEquivariance, FittedMap
from equibook.probes.invariance import InvarianceCount
from equibook.probes.stages import Stage, feature_maps, run
from equibook.probes.stitch import Stitching

_LINES = ("-", "--", "-.", ":")
_WORDS = {
    "identity": "as it is",
    "spatial": "places moved",
    "fitted": "fitted map",
    "shuffled": "shuffled pairs",
}
_SMALLEST = 1e-6  # what lies below is drawn here


@styled
def plot_fitted(found: FittedEquivariance, *, of: str = "") -> Figure:
    """Show the four errors by stage, and the line at which a prediction is no better than the mean.

    Parameters
    ----------
    found : FittedEquivariance
    of : str
        What the title calls the network, such as its weights.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_fitted
    >>> from equibook.probes import FittedEquivariance
    >>> errors = (np.array(pair) for pair in ([1.5, 1.8], [0.75, 1.0], [0.25, 0.5], [1.0, 1.0]))
    >>> made_up = FittedEquivariance("hflip", ("conv1", "conv2"), *errors, maps={}, n_train=100, n_test=50)
    >>> print(plot_fitted(made_up).alt)  # doctest: +NORMALIZE_WHITESPACE
    Error of predicting the features after hflip, by stage: as it is 1.5 at conv1, 1.8 at conv2; places moved 0.75
    at conv1, 1 at conv2; fitted map 0.25 at conv1, 0.5 at conv2; shuffled pairs 1 at conv1, 1 at conv2.
    """
    curves = {_WORDS[column]: getattr(found, column) for column in COLUMNS}
    figure = _by_stage(found.stages, curves, f"{_of(of)}{found.transform}: error of predicting φ(g·x)")
    said = [f"{name} {values[0]:.2g} at {found.stages[0]}, {values[-1]:.2g} at {found.stages[-1]}"
            for name, values in curves.items()]  # fmt: skip
    figure.alt = f"{_of(of)}Error of predicting the features after {found.transform}, by stage: {'; '.join(said)}."
    return figure


@styled
def plot_fitted_errors(found: Mapping[str, FittedEquivariance]) -> Figure:
    """Show the errors of the fitted maps of several networks or transformations, by stage.

    Parameters
    ----------
    found : dict from a label to a FittedEquivariance
        All with the same stages; seven at most.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_fitted_errors
    >>> from equibook.probes import FittedEquivariance
    >>> errors = (np.array(pair) for pair in ([1.5, 1.8], [0.75, 1.0], [0.25, 0.5], [1.0, 1.0]))
    >>> made_up = FittedEquivariance("hflip", ("conv1", "conv2"), *errors, maps={}, n_train=100, n_test=50)
    >>> plot_fitted_errors({"a network": made_up}).alt
    'Error of the fitted maps from conv1 to conv2: a network from 0.25 to 0.5.'
    """
    if not 1 <= len(found) <= len(PALETTE):
        hint = "Show some of them."
        raise ValueError(f"`found` must hold 1 to {len(PALETTE)} results, got {len(found)}. {hint}")
    stages = next(iter(found.values())).stages
    for label, one in found.items():
        if one.stages != stages:
            got = f"{', '.join(one.stages)} for {label!r}"
            raise ValueError(f"`found` must have the stages {', '.join(stages)}, got {got}. Probe the same stages.")
    curves = {label: one.fitted for label, one in found.items()}
    figure = _by_stage(stages, curves, "Error of the fitted map on test images")
    said = [f"{name} from {values[0]:.2g} to {values[-1]:.2g}" for name, values in curves.items()]
    figure.alt = f"Error of the fitted maps from {stages[0]} to {stages[-1]}: {'; '.join(said)}."
    return figure


@styled
def plot_fitted_maps(f: Stage, fitted: FittedMap, image: Any, *, stage: str = "", n_channels: int = 4) -> Figure:
    """Show some channels of a stage at one image, what is predicted for the image transformed, and what it is.

    Parameters
    ----------
    f : callable or torch.nn.Module
        The stage.
    fitted : FittedMap
        Of this stage.
    image : ndarray or Tensor of shape (1, n_channels, size, size)
        As the network takes it.
    stage : str
        For the title.
    n_channels : int
        Those with the strongest answers are shown.

    Returns
    -------
    Figure
        A row a channel, each with its own colours, centred at 0.

    Examples
    --------
    A stage that does nothing, and the map for it that needs no fitting: places moved are all there is.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.plots import plot_fitted_maps
    >>> from equibook.probes import FittedMap
    >>> from equibook.probes.transforms import named
    >>> one, zero = torch.ones(1, 1, 1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    >>> flip = FittedMap(named("hflip"), one, zero, penalty=0.0)
    >>> image = torch.arange(64.0).view(1, 1, 8, 8)
    >>> print(plot_fitted_maps(nn.Identity(), flip, image, stage="nothing").alt)  # doctest: +NORMALIZE_WHITESPACE
    Channels 0 of nothing under hflip. Squared distance to the goal, in parts of its square: places moved 0, fitted
    map 0.
    """
    before = feature_maps(run(f, image), stage)
    images = torch.as_tensor(image)
    after = feature_maps(run(f, moved := fitted.transform.on_images(images)), stage)
    along = fitted.transform.on_maps(before)
    columns = {"φ(x)": before, "places moved": along, "fitted map": fitted(before), "φ(g·x)": after}
    chosen = after[0].flatten(1).std(dim=1).argsort(descending=True)[:n_channels].tolist()
    figure = Picture(figsize=(8.4, 1.15 * len(chosen) + 0.5), layout="constrained")
    grid = figure.subplots(len(chosen), len(columns) + 1, squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    shown = torch.cat([images, moved])[:, :1].numpy()
    for row, title in ((0, "image x"), (1, "image g·x")):
        if row < len(chosen):
            draw_image(grid[row, 0], shown[row], (0, 1))
            grid[row, 0].set_title(title, loc="center")
    for row, channel in enumerate(chosen):
        limits = value_limits(np.stack([columns[name][0, channel].numpy() for name in ("φ(x)", "φ(g·x)")]), signed=True)
        for ax, (name, maps) in zip(grid[row, 1:], columns.items(), strict=True):
            draw_image(ax, maps[0, channel].numpy()[None], limits)
            ax.set_title(name if row == 0 else "", loc="center")
        grid[row, 1].text(-0.08, 0.5, str(channel), transform=grid[row, 1].transAxes, ha="right", va="center")
    errors = {name: float(((maps - after) ** 2).sum() / (after**2).sum()) for name, maps in columns.items()}
    figure.suptitle(f"{stage}, {fitted.transform.name}: channels with the strongest answers (red above 0, blue below)",
                    fontsize=9.5)  # fmt: skip
    figure.alt = (
        f"Channels {', '.join(map(str, chosen))} of {stage} under {fitted.transform.name}. Squared distance to the "
        f"goal, in parts of its square: places moved {errors['places moved']:.2g}, "
        f"fitted map {errors['fitted map']:.2g}."
    )
    return figure


@styled
def plot_filter_partners(
    kernels: Any, fitted: FittedMap, channel: int, *, seen: Any = None, n_partners: int = 4, of: str = ""
) -> Figure:
    """Show of which transformed filters a fitted map makes one filter of the first layer.

    Channel i of the fitted map answers as the filter Σ_j A_ij (g·w_j) would. That sum is to be w_i, as far as the
    images could show it.

    Parameters
    ----------
    kernels : Tensor of shape (n_channels, n_in, size, size)
        Of the first layer; summed over n_in, as for grey images.
    fitted : FittedMap
        With the neighbourhood 1.
    channel : int
        i.
    seen : array of shape (n_directions, size · size), optional
        Orthonormal rows: of every filter only what lies in their space is shown, such as that of the images' patches.
    n_partners : int
        So many parts of the sum, the largest, are shown.
    of : str
        What the title calls the network, such as its weights.

    Returns
    -------
    Figure

    Examples
    --------
    Four filters, each a quarter turn of the one before: a turn of the image makes each of its neighbour.

    >>> import torch
    >>> from equibook.plots import plot_filter_partners
    >>> from equibook.probes import FittedMap
    >>> from equibook.probes.transforms import named
    >>> first = torch.arange(9.0).view(1, 3, 3)
    >>> filters = torch.stack([first.rot90(k, (1, 2)) for k in range(4)])
    >>> neighbour = torch.eye(4, dtype=torch.float64).roll(1, dims=0)[:, :, None, None]
    >>> turn = FittedMap(named("rot90"), neighbour, torch.zeros(4, dtype=torch.float64), penalty=0.0)
    >>> print(plot_filter_partners(filters, turn, 1, n_partners=1).alt)  # doctest: +NORMALIZE_WHITESPACE
    Filter 1 of the first layer, the sum of transformed filters that stands for it after rot90 with likeness 1.00,
    and its largest parts, of filters 0.
    """
    filters = torch.as_tensor(kernels).detach().double().sum(dim=1, keepdim=True)
    rows = torch.eye(filters[0].numel()) if seen is None else torch.as_tensor(seen)
    if fitted.weights.shape[2] != 1 or len(filters) != len(fitted.weights):
        got = f"{tuple(fitted.weights.shape)} for {len(filters)} filters"
        raise ValueError(f"`fitted` must be of these filters, with the neighbourhood 1, got weights {got}. Fit it so.")
    if not 0 <= channel < len(filters):
        raise ValueError(f"`channel` must be from 0 to {len(filters) - 1}, got {channel}. Count from 0.")
    parts = fitted.weights[channel, :, 0, 0].reshape(-1, 1, 1, 1) * fitted.transform.on_maps(filters)
    filters, parts = (_project(some, rows.double()) for some in (filters, parts))
    largest = parts.flatten(1).norm(dim=1).argsort(descending=True)[:n_partners].tolist()
    shown = {f"wanted:\nfilter {channel}": filters[channel], "sum of all parts\n": parts.sum(dim=0)}
    weights = fitted.weights[channel, :, 0, 0].tolist()
    shown |= {f"part of filter {j}:\n{weights[j]:+.2f} × moved".replace("-", "−"): parts[j] for j in largest}
    figure = Picture(figsize=(8.4, 1.9), layout="constrained")
    limits = value_limits(filters[channel].numpy(), signed=True)
    for ax, (title, kernel) in zip(figure.subplots(1, len(shown)), shown.items(), strict=True):
        draw_image(ax, kernel.numpy(), limits)
        ax.axis("off")
        ax.set_title(title, loc="center")
    likeness = _likeness(parts.sum(dim=0), filters[channel])
    figure.suptitle(
        f"{_of(of)}{fitted.transform.name}: likeness of sum and filter {likeness:.2f} (1: the same)", fontsize=9.5
    )
    figure.alt = (
        f"{_of(of)}Filter {channel} of the first layer, the sum of transformed filters that stands for it after "
        f"{fitted.transform.name} with likeness {likeness:.2f}, and its largest parts, of filters "
        f"{', '.join(map(str, largest))}."
    )
    return figure


@styled
def plot_invariance_count(found: InvarianceCount) -> Figure:
    """Show how many channels of each stage are still, how many carried, and how many vary.

    Parameters
    ----------
    found : InvarianceCount

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_invariance_count
    >>> from equibook.probes import InvarianceCount
    >>> still, carried = np.array([0.0, 1.5, np.nan]), np.array([0.05, 0.9, np.nan])
    >>> plot_invariance_count(InvarianceCount("hflip", 0.1, {"conv1": still}, {"conv1": carried})).alt
    'Channels that hflip leaves still and carried along: conv1 1 and 1 of 2.'
    """
    figure = Picture(figsize=(8.4, 2.8), layout="constrained")
    ax, stages = figure.add_subplot(), list(found.still)
    counts = np.array([found.count(stage) for stage in stages])
    places = np.arange(len(stages))
    for i, (name, hatch) in enumerate((("still", ""), ("carried", "//"))):
        bars = ax.bar(places + (i - 0.5) * 0.36, counts[:, i], 0.34, color=PALETTE[i], hatch=hatch, edgecolor="white",
                      label=name)  # fmt: skip
        ax.bar_label(bars, fontsize=8)
    ax.set_xticks(places, [f"{name}\nof {count[2]}" for name, count in zip(stages, counts, strict=True)])
    ax.set(ylabel="channels", ylim=(0, max(1, 1.2 * counts[:, :2].max())))
    ax.set_title(f"{found.transform}: channels left alone (error at most {found.threshold:g})")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    said = [f"{name} {still} and {carried} of {varying}" for name, (still, carried, varying, _) in
            zip(stages, counts.tolist(), strict=True)]  # fmt: skip
    figure.alt = f"Channels that {found.transform} leaves still and carried along: {'; '.join(said)}."
    return figure


@styled
def plot_stitching(found: Stitching | Sequence[Stitching], *, of: str = "") -> Figure:
    """Show the accuracy when the transformation is undone at each stage, beside upright and untouched images.

    Parameters
    ----------
    found : Stitching or sequence of them
        Side by side; three at most, with the same stages.
    of : str
        What the title calls the network, such as its weights.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_stitching
    >>> from equibook.probes import Stitching
    >>> back = {"spatial": np.array([0.5, 0.4]), "fitted": np.array([0.88, 0.8])}
    >>> made_up = Stitching("rot180", ("conv1", "conv2"), upright=0.98, untouched=0.38, **back, n_test=200)
    >>> print(plot_stitching(made_up).alt)  # doctest: +NORMALIZE_WHITESPACE
    Accuracy when a transformation is undone at a stage. rot180: upright 98%, untouched 38%, fitted map from 88% at
    conv1 to 80% at conv2.
    """
    several = [found] if isinstance(found, Stitching) else list(found)
    if not 1 <= len(several) <= 3:
        raise ValueError(f"`found` must hold 1 to 3 results, got {len(several)}. Show some of them.")
    figure = Picture(figsize=(max(5.2, 2.9 * len(several)), 3.2), layout="constrained")
    axes = figure.subplots(1, len(several), sharey=True, squeeze=False)[0]
    for ax, one in zip(axes, several, strict=True):
        places = np.arange(len(one.stages))
        for i, (name, values) in enumerate((("fitted map back", one.fitted), ("places moved back", one.spatial))):
            ax.plot(places, 100 * values, _LINES[i], marker=MARKERS[i], color=PALETTE[i], label=name)
        ax.axhline(100 * one.upright, color="black", linewidth=1, label="upright")
        ax.axhline(100 * one.untouched, color="0.35", linewidth=1, linestyle=":", label="untouched")
        ax.set_xticks(places, one.stages, rotation=45)
        ax.set(ylim=(0, 103), title=one.transform)
        ax.grid(axis="y", color="0.9")
    axes[0].set_ylabel("accuracy (%)")
    if of:
        figure.suptitle(of, fontsize=9.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    said = [f"{one.transform}: upright {one.upright:.0%}, untouched {one.untouched:.0%}, fitted map from "
            f"{one.fitted[0]:.0%} at {one.stages[0]} to {one.fitted[-1]:.0%} at {one.stages[-1]}"
            for one in several]  # fmt: skip
    figure.alt = f"{_of(of)}Accuracy when a transformation is undone at a stage. {'; '.join(said)}."
    return figure


def _by_stage(stages: Sequence[str], curves: Mapping[str, np.ndarray], title: str) -> Picture:
    figure = Picture(figsize=(8.4, 3.2), layout="constrained")
    ax = figure.add_subplot()
    places = np.arange(len(stages))
    for i, (name, values) in enumerate(curves.items()):
        ax.plot(places, np.maximum(values, _SMALLEST), _LINES[i % len(_LINES)], marker=MARKERS[i % len(MARKERS)],
                color=PALETTE[i % len(PALETTE)], label=name)  # fmt: skip
    ax.axhline(1, color="black", linewidth=0.8, label="the mean: 1")
    ax.set_xticks(places, stages)
    ax.set(yscale="log", ylabel="error", title=title)
    ax.yaxis.set_major_formatter(FuncFormatter(_as_number))
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _of(name: str) -> str:
    return f"{name}. " if name else ""


def _as_number(value: float, place: Any) -> str:
    return f"≤ {value:g}" if value <= 1.01 * _SMALLEST else f"{value:g}"


def _project(filters: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return (filters.flatten(1) @ rows.T @ rows).view_as(filters)


def _likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the cosine between two filters."""
    return float((one * other).sum() / (one.norm() * other.norm()).clamp_min(1e-30))
