"""Figures of an unfolded network: one number and the row of the matrix behind it, the gates, how long they hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from equibook.drawing import MARKERS, PALETTE, draw_image, draw_signed_bars, value_limits
from equibook.operators import MaxGate, Operator
from equibook.plots.figures import Picture, styled
from equibook.unfold import Parts, UnfoldedNetwork

__all__ = ["plot_drift", "plot_gates", "plot_parts", "plot_unit"]


@styled
def plot_unit(unfolded: UnfoldedNetwork, unit: int | Sequence[int], layer: str | None = None) -> Figure:
    """Show what one number of a network is made of: the row of A(x), and the parts row times x, and the biases.

    Parameters
    ----------
    unfolded : UnfoldedNetwork
    unit : int or tuple of int
        A place in what the layer returns, such as a class, or (channel, row, column).
    layer : str, optional
        The last one without.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.plots import plot_unit
    >>> from equibook.unfold import unfold_network
    >>> network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()).double().eval()
    >>> with torch.no_grad():
    ...     for values, number in zip(network.parameters(), (0.125, -0.5)):  # weights, and the bias
    ...         _ = values.fill_(number)
    >>> unfolded = unfold_network(network, torch.ones(1, 1, 6, 6))
    >>> print(plot_unit(unfolded, (0, 1, 2)).alt)  # doctest: +NORMALIZE_WHITESPACE
    1, unit (0, 1, 2): +0.625 = pixels +1.125, biases -0.500. The image with the 3 x 3 pixels that it sees, the row
    of A(x) as a map, the parts of the pixels, and bars of the biases.
    """
    operator = unfolded[layer] if layer else unfolded.operators[-1]
    parts, (row,) = unfolded.parts(unit, operator.name), unfolded.rows([unit], operator.name)
    pixels, template = (np.asarray(torch.as_tensor(maps).sum(dim=0)) for maps in (parts.pixels, row))
    figure = Picture(figsize=(9.2, 2.9), layout="constrained")
    sums = f"pixels {pixels.sum():+.3f}, biases {sum(parts.biases.values()):+.3f}"
    said = f"{operator.name}, unit {unit}: {parts.value:+.3f} = {sums}"
    figure.suptitle(said, x=0.01, ha="left", fontsize=9.5, weight="bold")
    axes = figure.subplots(1, 4, width_ratios=(1, 1.2, 1.2, 1.2))
    image = unfolded.image[0].double().mean(dim=0, keepdim=True).numpy(force=True)
    draw_image(axes[0], image, value_limits(image, signed=False))
    axes[0].set_title("What the unit sees")
    box = _see(operator, unit)
    for ax in axes[:3]:
        ax.set(xticks=[], yticks=[])
        _frame(ax, *box)
    for ax, shown, title in ((axes[1], template, "The row of A(x)"), (axes[2], pixels, "Row times image")):
        drawn = draw_image(ax, shown[None], value_limits(shown, signed=True))
        figure.colorbar(drawn, ax=ax, fraction=0.046)
        ax.set_title(f"{title}: sum {shown.sum():+.2f}" if shown is pixels else title)
    _draw_biases(axes[3], parts)
    height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
    figure.alt = (
        f"{said}. The image with the {height} x {width} pixels that it sees, the row of A(x) as a map, the parts of "
        f"the pixels, and bars of the biases."
    )
    return figure


@styled
def plot_parts(parts: Mapping[str, Parts]) -> Figure:
    """Show the parts of several numbers side by side, on one scale.

    Parameters
    ----------
    parts : dict from a label to Parts

    Returns
    -------
    Figure

    Examples
    --------
    >>> import torch
    >>> from equibook.plots import plot_parts
    >>> from equibook.unfold import Parts
    >>> three = Parts(torch.full((1, 4, 4), 0.25), {"fc": -1.0}, 3.0)
    >>> eight = Parts(torch.full((1, 4, 4), -0.125), {"fc": 0.5}, -1.5)
    >>> plot_parts({"3": three, "8": eight}).alt
    'Maps of the parts of all pixels. 3: pixels sum to +4.00; 8: pixels sum to -2.00.'
    """
    maps = [np.asarray(torch.as_tensor(part.pixels).sum(dim=0)) for part in parts.values()]
    limits = value_limits(np.stack(maps), signed=True)
    figure = Picture(figsize=(2.2 * len(maps) + 0.8, 2.6), layout="constrained")
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for ax, shown, (label, part) in zip(axes, maps, parts.items(), strict=True):
        drawn = draw_image(ax, shown[None], limits)
        ax.set(xticks=[], yticks=[], title=f"{label}\npixels {shown.sum():+.2f}, value {part.value:+.2f}")
    figure.colorbar(drawn, ax=axes, fraction=0.03, label="part of the value")
    said = "; ".join(f"{label}: pixels sum to {np.sum(m):+.2f}" for label, m in zip(parts, maps, strict=True))
    figure.alt = f"Maps of the parts of all pixels. {said}."
    return figure


@styled
def plot_gates(unfolded: UnfoldedNetwork) -> Figure:
    """Show which gates of a network the image opens.

    Maps are averaged over their channels. Of a maximum it is shown which pixels of the maps before it are taken.

    Parameters
    ----------
    unfolded : UnfoldedNetwork

    Returns
    -------
    Figure

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.plots import plot_gates
    >>> from equibook.unfold import unfold_network
    >>> image = torch.tensor([[1.0, -1.0], [2.0, -2.0]], dtype=torch.float64)[None, None]
    >>> network = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)).eval()
    >>> plot_gates(unfold_network(network, image)).alt
    'Gates that the image opens, place by place, as shares: 0 50%, 1 25%.'
    """
    gated = [operator for operator in unfolded.operators if operator.gate is not None]
    if not gated:
        hint = "Unfold one with a ReLU or a maximum."
        raise ValueError(f"`unfolded` must have gates to be shown, got a network without. {hint}")
    figure = Picture(figsize=(1.7 * len(gated) + 0.9, 2.2), layout="constrained")
    axes = figure.subplots(1, len(gated), squeeze=False)[0]
    for ax, operator in zip(axes, gated, strict=True):
        drawn = ax.imshow(_as_cells(operator), cmap="viridis", vmin=0, vmax=1)
        word = "taken" if isinstance(operator, MaxGate) else "open"
        ax.set(xticks=[], yticks=[], title=f"{operator.name}\n{operator.open_share:.0%} {word}")
    figure.colorbar(drawn, ax=axes, fraction=0.03, label="share of channels")
    said = ", ".join(f"{operator.name} {operator.open_share:.0%}" for operator in gated)
    figure.alt = f"Gates that the image opens, place by place, as shares: {said}."
    return figure


@styled
def plot_drift(
    images: Sequence[Any], positions: Sequence[float], values: Mapping[str, Sequence[float]], flipped: Sequence[float],
    *, chosen: int, xlabel: str, ylabel: str,
) -> Figure:  # fmt: skip
    """Show how long an affine map holds while the image changes: what it says, what the network says, gates that flip.

    Parameters
    ----------
    images : sequence of arrays of shape (n_channels, height, width)
        One for each position.
    positions : sequence of float
        How far the image has changed, such as angles.
    values : dict from a label to a sequence of numbers, one per position
    flipped : sequence of float
        Share of the gates that stand otherwise than at the first position, from 0 to 1.
    chosen : int
        Which position is marked.
    xlabel, ylabel : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_drift
    >>> images, angles = np.zeros((3, 1, 8, 8)), (0, 5, 10)
    >>> values = {"network": [1.0, 0.875, 0.5], "map of the first image": [1.0, 0.875, 0.75]}
    >>> words = {"xlabel": "angle (°)", "ylabel": "score"}
    >>> plot_drift(images, angles, values, [0.0, 0.01, 0.05], chosen=2, **words).alt
    'angle (°) 10: network +0.50, map of the first image +0.75; 5% of the gates stand otherwise.'
    """
    figure = Picture(figsize=(8.6, 3), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 2, 1.5))
    image = np.asarray(images[chosen], dtype=float).mean(axis=0, keepdims=True)
    draw_image(left, image, value_limits(image, signed=False))
    left.set(xticks=[], yticks=[], title=f"{xlabel}: {positions[chosen]:g}")
    for i, (label, numbers) in enumerate(values.items()):
        middle.plot(positions, numbers, color=PALETTE[i], marker=MARKERS[i], markersize=4, label=label)
        middle.plot(positions[chosen], numbers[chosen], color="black", marker="*", markersize=11, linestyle="")
    middle.set(xlabel=xlabel, ylabel=ylabel, title="The network and the map of the first image")
    middle.legend(fontsize=8)
    right.plot(positions, 100 * np.asarray(flipped), color=PALETTE[2], marker="^", markersize=4)
    right.plot(positions[chosen], 100 * flipped[chosen], color="black", marker="*", markersize=11)
    right.set(xlabel=xlabel, ylabel="gates that stand otherwise (%)", title="Gates that flipped", ylim=(0, None))
    said = ", ".join(f"{label} {numbers[chosen]:+.2f}" for label, numbers in values.items())
    figure.alt = f"{xlabel} {positions[chosen]:g}: {said}; {flipped[chosen]:.0%} of the gates stand otherwise."
    return figure


def _draw_biases(ax: Axes, parts: Parts) -> None:
    names = list(parts.biases) or ["none"]
    draw_signed_bars(ax, names, list(parts.biases.values()) or [0.0])
    ax.tick_params(axis="x", labelsize=7, rotation=30 if len(names) > 3 else 0)
    ax.set_title(f"Biases, by layer: sum {sum(parts.biases.values()):+.2f}")


def _see(operator: Operator, unit: int | Sequence[int]) -> tuple[slice, slice]:
    """Return the part of the image that a unit sees."""
    row, column = unit[-2:] if isinstance(unit, Sequence) and len(unit) == 3 else (0, 0)
    return operator.see(row, column)


def _frame(ax: Axes, rows: slice, columns: slice) -> None:
    corner, size = (columns.start - 0.5, rows.start - 0.5), (columns.stop - columns.start, rows.stop - rows.start)
    ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=PALETTE[4], linewidth=1.5, clip_on=False))


def _as_cells(operator: Operator) -> np.ndarray:
    """Return the share of channels that are open at each place; what is flat is laid out in a block."""
    gate = operator.gate
    if isinstance(operator, MaxGate):
        taken = torch.zeros(operator.input_shape).flatten(1)
        taken.scatter_(1, operator.gate[0].flatten(1).cpu(), 1.0)
        return taken.unflatten(1, operator.input_shape[1:]).mean(dim=0).numpy()
    is_open = (gate == 1)[0].double().cpu()  # type: ignore[union-attr, index]
    if is_open.ndim == 3:
        return is_open.mean(dim=0).numpy()
    side = int(np.ceil(np.sqrt(len(is_open))))
    block = np.full(side * -(-len(is_open) // side), np.nan)
    block[: len(is_open)] = is_open.numpy()
    return block.reshape(-1, side)
