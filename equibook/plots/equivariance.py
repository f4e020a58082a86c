"""Figures of equivariance: both ways through a commuting square, errors beside distances, and where it is lost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from equibook._checks import as_images
from equibook.drawing import MARKERS, PALETTE, SEQUENTIAL, SIGNED, value_limits
from equibook.measure import EquivarianceReport, equivariance_error
from equibook.plots.figures import Picture, styled

ROUNDING = 1e-12  # what is below is called exact: the last bits of double precision
_LEAST = 1e-17  # where the axis of errors ends, and 0 is drawn

Map = Callable[[Any], Any]


@styled
def plot_square(f: Map, image: Any, act_in: Map, act_out: Map) -> Figure:
    """Show both ways through the commuting square of one map: f first, or g first, and how they differ.

    Parameters
    ----------
    f : callable or torch.nn.Module
        Maps an image to a single map.
    image : ndarray or Tensor of shape (1, 1, height, width)
    act_in, act_out : callable
        How g acts on images, and on what f returns.

    Returns
    -------
    Figure

    Examples
    --------
    A maximum over blocks of 2 x 2 pixels, and a quarter turn: both ways lead to the same map.

    >>> import torch
    >>> from torch import nn
    >>> from equibook.plots import plot_square
    >>> def turn(x):
    ...     return x.rot90(1, (2, 3))
    >>> image = torch.arange(64.0).view(1, 1, 8, 8)
    >>> plot_square(nn.MaxPool2d(2), image, turn, turn).alt.rpartition(" the ")[2]
    'error is 0.'

    With a shift by one pixel, which moves the image against the blocks, they do not.

    >>> def shift(x):
    ...     return x.roll(1, dims=3)
    >>> plot_square(nn.MaxPool2d(2), image, shift, shift).alt.rpartition(" the ")[2]
    'error is 0.02.'
    """
    x = as_images(image, name="image")
    shown = _go_both_ways(f, x, act_in, act_out)
    error = float(equivariance_error(f, x, act_in, act_out)[0])
    figure = Picture(figsize=(8.8, 3.9))
    places = {"x": (0.02, 0.28), "f(x)": (0.255, 0.53), "g · f(x)": (0.49, 0.53), "g · x": (0.255, 0.03),
              "f(g · x)": (0.49, 0.03), "difference": (0.715, 0.28)}  # fmt: skip
    image_limits = _limits(shown["x"], shown["g · x"])
    map_limits = _limits(shown["f(x)"], shown["g · f(x)"], shown["f(g · x)"])
    for name, (left, bottom) in places.items():
        ax = figure.add_axes((left, bottom, 0.175, 0.386))
        limits = image_limits if name in ("x", "g · x") else map_limits
        limits = value_limits(np.array(limits), signed=True) if name == "difference" else limits
        drawn = _draw_panel(ax, shown[name], limits)
        ax.set_title(f"difference: error {_format_error(error)}" if name == "difference" else name, loc="center")
    bar = figure.add_axes((0.9, 0.28, 0.012, 0.386))
    figure.colorbar(drawn, cax=bar, label="value of the map")
    for start, end, name in (
        ((0.15, 0.74), (0.245, 0.80), "f"), ((0.15, 0.22), (0.245, 0.16), "g"), ((0.437, 0.72), (0.483, 0.72), "g"),
        ((0.437, 0.22), (0.483, 0.22), "f"), ((0.672, 0.80), (0.76, 0.74), ""), ((0.672, 0.16), (0.76, 0.22), ""),
    ):  # fmt: skip
        _draw_arrow(figure, start, end, name)
    figure.alt = (
        f"Both ways through the square: the image, f and then g, g and then f, and the difference of the two maps of "
        f"{shown['f(x)'].shape[-1]} x {shown['f(x)'].shape[-1]} numbers; the error is {_format_error(error)}."
    )
    return figure


@styled
def plot_reports(reports: Mapping[str, EquivarianceReport]) -> Figure:
    """Show the median error of each map beside the median distance between different images, on one logarithmic axis.

    Parameters
    ----------
    reports : dict from the name of a map to an EquivarianceReport

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.measure import report
    >>> from equibook.plots import plot_reports
    >>> maps = {"squares": np.square, "zeros": np.zeros_like}  # both are as before when the sign is turned
    >>> reports = {name: report(f, np.eye(4), act_in=np.negative) for name, f in maps.items()}
    >>> print(plot_reports(reports).alt)  # doctest: +NORMALIZE_WHITESPACE
    Median error of equivariance, and distance of different images: squares 0 and 1.41; zeros 0 and 0.
    """
    if not reports:
        raise ValueError("`reports` must hold at least one report, got none. Make one with `measure.report`.")
    rows = {name: (np.median(found.error), np.median(found.different)) for name, found in reports.items()}
    figure = Picture(figsize=(8.0, 1.2 + 0.32 * len(rows)), layout="constrained")
    ax = figure.add_subplot()
    places = list(range(len(rows)))
    for i, (name, marker) in enumerate({"error of equivariance": "o", "distance of different images": "D"}.items()):
        values = [max(numbers[i], _LEAST) for numbers in rows.values()]
        ax.plot(values, places, marker, color=PALETTE[1 - i], label=name, markersize=6, zorder=3)
    for place, numbers in zip(places, rows.values(), strict=True):
        ax.plot(np.maximum(numbers, _LEAST), [place, place], color="0.75", linewidth=1.5)
        text = f"{_format_error(numbers[0])}  of  {_format_error(numbers[1])}"
        ax.text(1.02, place, text, transform=ax.get_yaxis_transform(), va="center")
    ax.set_xscale("log")
    ticks = [_LEAST, 1e-12, 1e-8, 1e-4, 1]
    ax.set_xticks(ticks, ["0", *(f"$10^{{{round(np.log10(tick))}}}$" for tick in ticks[1:-1]), "1"])
    ax.set_yticks(places, list(rows))
    ax.set(xlim=(_LEAST / 3, 10), ylim=(len(rows) - 0.5, -0.5), xlabel="distance / norm, median over the images")
    ax.minorticks_off()
    ax.grid(axis="x", color="0.92")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=4, ncols=2)
    said = (f"{name} {_format_error(a)} and {_format_error(b)}" for name, (a, b) in rows.items())
    figure.alt = f"Median error of equivariance, and distance of different images: {'; '.join(said)}."
    return figure


@styled
def plot_errors(
    steps: Sequence[float],
    errors: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    different: float | None = None,
    chosen: float | None = None,
    maps: Mapping[str, Any] | None = None,
) -> Figure:
    """Show the error of each map as a curve over shift, angle or depth; with a place chosen, what is there.

    Parameters
    ----------
    steps : sequence of float
    errors : dict from the name of a map to as many numbers
    xlabel : str
        What the steps are, with their unit.
    different : float, optional
        The distance between different images: a dashed line.
    chosen : float, optional
        One of the steps, which is marked.
    maps : dict from a name to an array of shape (height, width), optional
        Signed, drawn beside the curves on one scale.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_errors
    >>> errors = {"stride 1": [0.0, 0.0, 0.0], "stride 2": [0.0, 0.5, 0.0]}
    >>> picture = plot_errors([0, 1, 2], errors, xlabel="shift (pixels)", different=0.75)
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Error against shift (pixels): stride 1 up to 0, stride 2 up to 0.50; different images 0.75.
    """
    _check_curves(steps, errors, chosen)
    figure = Picture(figsize=(8.6 if maps else 7, 3.4))  # laid out by hand: a quarter of the time
    ax = figure.add_axes((0.075, 0.32, 0.42, 0.63) if maps else (0.09, 0.32, 0.88, 0.63))
    for i, (name, values) in enumerate(errors.items()):
        colour, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        ax.plot(steps, values, color=colour, marker=marker, markersize=4, label=name)
        if chosen is not None:
            ax.plot(chosen, values[list(steps).index(chosen)], marker=marker, markersize=10, color=colour,
                    markeredgecolor="black", linestyle="")  # fmt: skip
    if chosen is not None:
        ax.axvline(chosen, color="0.35", linewidth=0.8)
    if different is not None:
        ax.axhline(different, color="0.35", linestyle="--", linewidth=1, label="different images")
    top = 1.08 * max(different or 0, *(float(np.max(values)) for values in errors.values())) or 1.0
    ax.set(xlabel=xlabel, ylabel="error / norm", ylim=(-0.03 * top, top))
    if len(steps) <= 10:
        ax.set_xticks(list(steps))
    ax.grid(axis="y", color="0.9")
    figure.legend(loc="lower center", ncols=3)
    if maps:
        _draw_maps(figure, maps)
    said = (f"{name} up to {_format_error(float(np.max(values)))}" for name, values in errors.items())
    beside = "" if different is None else f"; different images {_format_error(different)}"
    figure.alt = f"Error against {xlabel}: {', '.join(said)}{beside}."
    return figure


@styled
def plot_grids(kept: Mapping[str, Any]) -> Figure:
    """Show which pixels are kept, in white, and which are dropped, in black.

    Parameters
    ----------
    kept : dict from a name to an array of shape (height, width)
        Above 0 where a pixel is kept.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_grids
    >>> every_second = np.zeros((6, 6))
    >>> every_second[::2, ::2] = 1
    >>> plot_grids({"from the first on": every_second, "shifted": np.roll(every_second, 1, axis=1)}).alt
    'Pixels that are kept, white on black. from the first on: 9 kept, shifted: 9 kept.'
    """
    if not kept:
        raise ValueError("`kept` must hold at least one grid, got none. Write 1 where a pixel is kept.")
    figure = Picture(figsize=(1.8 * len(kept), 2.1), layout="constrained")
    for ax, (name, mask) in zip(figure.subplots(1, len(kept), squeeze=False)[0], kept.items(), strict=True):
        ax.pcolormesh(np.asarray(mask) > 0, cmap=SEQUENTIAL, vmin=0, vmax=1, edgecolors="0.5", linewidth=0.5)
        ax.spines[:].set_visible(True)
        ax.invert_yaxis()
        ax.set(aspect="equal", xticks=[], yticks=[])
        ax.set_title(name, loc="center")
    said = (f"{name}: {int(np.sum(np.asarray(mask) > 0))} kept" for name, mask in kept.items())
    figure.alt = f"Pixels that are kept, white on black. {', '.join(said)}."
    return figure


@styled
def plot_error_maps(maps: Mapping[str, Any]) -> Figure:
    """Show where on the image equivariance is lost, side by side on one scale; where it holds exactly is grey.

    Parameters
    ----------
    maps : dict from a name to an array of shape (height, width)
        As `operations.error_map` returns them.

    Returns
    -------
    Figure

    Examples
    --------
    Zeros beyond the border, and a shift by one pixel around: the error lies at the border.

    >>> from functools import partial
    >>> import torch
    >>> from equibook.operations import error_map, make_convolution, roll
    >>> from equibook.plots import plot_error_maps
    >>> image, shift = torch.ones(1, 1, 5, 5, dtype=torch.float64).cumsum(3), partial(roll, shift=(1, 0))
    >>> found = error_map(make_convolution([[0, 0, 0], [1, 0, 1], [0, 0, 0]]), image, shift, shift)
    >>> plot_error_maps({"two neighbours": found}).alt
    'Maps of the error of equivariance. two neighbours: exact on 40% of the places.'
    """
    if not maps:
        raise ValueError("`maps` must hold at least one map, got none. Make one with `operations.error_map`.")
    largest = max(float(np.max(values)) for values in maps.values())
    peak = largest if largest > ROUNDING else 1.0
    width = 2.3 * len(maps) + 1.0
    figure = Picture(figsize=(width, 2.75))
    right, bottom, top = 1 - 1.0 / width, 0.12, 0.88
    axes = figure.subplots(
        1,
        len(maps),
        squeeze=False,
        gridspec_kw={"left": 0.01, "right": right, "bottom": bottom, "top": top, "wspace": 0.06},
    )[0]
    exact = {name: float(np.mean(np.asarray(values) <= ROUNDING)) for name, values in maps.items()}
    for ax, (name, values) in zip(axes, maps.items(), strict=True):
        drawn = ax.imshow(np.ma.masked_less_equal(values, ROUNDING), cmap="viridis", vmin=0, vmax=peak)
        ax.set_facecolor("0.85")
        ax.spines[:].set_visible(True)
        ax.set(xticks=[], yticks=[], xlabel=f"exact on {exact[name]:.0%} (grey)")
        ax.set_title(name, loc="center")
    bar = figure.add_axes((right + 0.1 / width, bottom, 0.12 / width, top - bottom))
    figure.colorbar(drawn, cax=bar, label="error / r.m.s. of the map")
    said = (f"{name}: exact on {share:.0%}" for name, share in exact.items())
    figure.alt = f"Maps of the error of equivariance. {'; '.join(said)} of the places."
    return figure


def _format_error(error: float) -> str:
    """Return an error in two digits, 0 where it is 0, and as a power of ten where it is rounding."""
    if error == 0 or error >= ROUNDING:
        return f"{error:.2g}" if error < 0.01 else f"{error:.2f}"
    return f"{error:.0e}"


def _go_both_ways(f: Map, x: torch.Tensor, act_in: Map, act_out: Map) -> dict[str, np.ndarray]:
    """Return every picture of the square, each of shape (height, width)."""
    with torch.no_grad():
        shown = {"x": x, "f(x)": f(x), "g · x": act_in(x)}
        shown |= {"g · f(x)": act_out(shown["f(x)"]), "f(g · x)": f(shown["g · x"])}
    shown["difference"] = shown["f(g · x)"] - shown["g · f(x)"]
    for name, maps in shown.items():
        if maps.ndim != 4 or tuple(maps.shape[:2]) != (1, 1):
            hint = "Take one image and one output channel."
            raise ValueError(f"`f` must give one map of one image, got {tuple(maps.shape)} for {name}. {hint}")
    return {name: np.asarray(maps[0, 0]) for name, maps in shown.items()}


def _limits(*shown: np.ndarray) -> tuple[float, float]:
    """Return limits of colour for all arrays: around 0 where a value is negative."""
    both = np.concatenate([values.ravel() for values in shown])
    return value_limits(both, signed=bool(both.min() < 0))


def _draw_panel(ax: Axes, values: np.ndarray, limits: tuple[float, float]) -> Any:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    if limits[0] < 0:
        return ax.imshow(values, cmap=SIGNED, norm=TwoSlopeNorm(0, *limits))
    return ax.imshow(values, cmap=SEQUENTIAL, vmin=limits[0], vmax=limits[1])


def _draw_arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float], name: str) -> None:
    arrow = FancyArrowPatch(start, end, transform=figure.transFigure, arrowstyle="-|>", mutation_scale=12, color="0.3")
    figure.add_artist(arrow)
    middle = (np.array(start) + end) / 2
    figure.text(middle[0], middle[1] + 0.025, name, ha="center", va="bottom", style="italic")


def _draw_maps(figure: Figure, maps: Mapping[str, Any]) -> None:
    n_columns = min(3, len(maps))
    n_rows = -(-len(maps) // n_columns)
    grid = figure.add_gridspec(n_rows, n_columns, left=0.54, right=0.985, bottom=0.42, top=0.9, wspace=0.1, hspace=0.4)
    every = np.concatenate([np.ravel(values) for values in maps.values()])
    limits = value_limits(np.where(np.abs(every) > ROUNDING, every, 0), signed=True)  # rounding is not worth a scale
    axes = [figure.add_subplot(grid[i // n_columns, i % n_columns]) for i in range(len(maps))]
    for ax, (name, values) in zip(axes, maps.items(), strict=True):
        drawn = _draw_panel(ax, np.asarray(values), limits)
        ax.set_title(name, loc="center")
    bar = figure.add_axes((0.64, 0.34, 0.25, 0.035))
    figure.colorbar(drawn, cax=bar, orientation="horizontal", label="value of the map")


def _check_curves(steps: Sequence[float], errors: Mapping[str, Sequence[float]], chosen: float | None) -> None:
    if not errors:
        raise ValueError("`errors` must hold at least one curve, got none. Measure with `equivariance_error`.")
    for name, values in errors.items():
        if len(values) != len(steps):
            hint = "Pass one error per step."
            raise ValueError(f"`errors` must fit the {len(steps)} steps, got {len(values)} for {name!r}. {hint}")
    if chosen is not None and chosen not in list(steps):
        raise ValueError(f"`chosen` must be one of the steps, got {chosen!r}. Choose one of {list(steps)}.")
