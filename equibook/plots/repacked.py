"""Figures of repacked convolutions: canonical filters with their copies, and what is kept by how many."""

import torch
from matplotlib.figure import Figure
from torch import nn

from equibook.drawing import PALETTE, draw_image, value_limits
from equibook.plots.figures import Picture, styled
from equibook.repack import Fidelity, RepackedConv2d


@styled
def plot_canonical(layer: RepackedConv2d) -> Figure:
    """Show the canonical filters of a repacked convolution, one a row, and their transformed copies.

    Parameters
    ----------
    layer : RepackedConv2d

    Returns
    -------
    Figure
        Every row has its own colours, centred at 0.

    Examples
    --------
    >>> from equibook import networks, repack
    >>> from equibook.plots import plot_canonical
    >>> made = repack.repack(networks.load("lenet").conv1, "C4", 1)
    >>> print(plot_canonical(made).alt)  # doctest: +NORMALIZE_WHITESPACE
    1 canonical filters, one a row, each with its 4 copies: identity, rotation by 90°, rotation by 180°, rotation by
    270°.
    """
    with torch.no_grad():
        copies = layer.copies.double().numpy(force=True)
    n, order, *_ = copies.shape
    figure = Picture(figsize=(0.75 * order + 0.3, 0.8 * n + 0.3), layout="constrained")
    axes = figure.subplots(n, order, squeeze=False)
    names = [str(element) for element in layer.group]
    for row, filters in zip(axes, copies, strict=True):
        limits = value_limits(filters, signed=True)
        for ax, kernel in zip(row, filters, strict=True):
            draw_image(ax, kernel[None], limits)
            ax.axis("off")
    for ax, element in zip(axes[0], layer.group, strict=True):
        ax.set_title(f"axis {element.axis:g}°" if element.reflected else f"turn {element.angle:g}°", fontsize=8)
    figure.alt = f"{n} canonical filters, one a row, each with its {order} copies: {', '.join(names)}."
    return figure


@styled
def plot_repacked(layer: nn.Conv2d, made: RepackedConv2d, *, n_rows: int = 4, n_slices: int = 8) -> Figure:
    """Show slices of a trained kernel, the same ones repacked, and below them the first canonical filters and copies.

    Parameters
    ----------
    layer : nn.Conv2d
    made : RepackedConv2d
        What `repack` has made of it.
    n_rows : int
        Of canonical filters for which there is room; all figures with as many rows have one size.
    n_slices : int

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook import networks, repack
    >>> from equibook.plots import plot_repacked
    >>> layer = networks.load("lenet").conv1
    >>> picture = plot_repacked(layer, repack.repack(layer, "C4", 2), n_rows=2, n_slices=4)
    >>> picture.alt  # doctest: +ELLIPSIS
    'Above, 4 slices of the learned kernel, and the same repacked; ... Below, 2 of 2 canonical filters, ...'
    """
    with torch.no_grad():
        before, after = (
            kernel.double().flatten(0, 1)[:n_slices].numpy(force=True) for kernel in (layer.weight, made.weight)
        )
        copies = made.copies[:n_rows].double().numpy(force=True)
    figure = Picture(figsize=(6.6, 0.95 * (n_rows + 2)))
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.95, hspace=0.35, wspace=0.1)
    grid = figure.subplots(n_rows + 2, n_slices, squeeze=False)
    limits = value_limits(before, signed=True)
    for row, kernels, name in zip(grid, (before, after), ("learned", "repacked"), strict=False):
        for ax, kernel in zip(row, kernels, strict=False):
            draw_image(ax, kernel[None], limits)
        row[0].set_title(name)
    for row, filters in zip(grid[2:], copies, strict=False):
        own = value_limits(filters, signed=True)
        for ax, kernel in zip(row, filters, strict=False):
            draw_image(ax, kernel[None], own)
    grid[2, 0].set_title("canonical filters (left) and copies")
    for ax in grid.flat:
        ax.axis("off")
    lost = float(((made.weight - layer.weight).norm() / layer.weight.norm()).detach())
    n, order = len(made.canonical), made.group.order
    figure.alt = (
        f"Above, {len(before)} slices of the learned kernel, and the same repacked; in all they miss {lost:.0%} of "
        f"it. Below, {len(copies)} of {n} canonical filters, each with its {order} copies."
    )
    return figure


@styled
def plot_fidelity(found: Fidelity) -> Figure:
    """Show what is kept of a network when one of its convolutions is repacked, by the number of canonical filters.

    Parameters
    ----------
    found : Fidelity

    Returns
    -------
    Figure
        On the left errors of the layer and the share of numbers kept, on the right the accuracy of the network.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_fidelity
    >>> from equibook.repack import Fidelity
    >>> measured = np.array([[0.5, 0.25, 0.125, 0.75], [1.0, 0.0, 0.0, 0.875]]).T
    >>> picture = plot_fidelity(Fidelity("conv1", "D4", np.array([1, 2]), *measured, before=0.875))
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Errors of conv1 fall and numbers kept rise with the number of canonical filters. The network reads 75.0 per cent
    with 1, 87.5 with 2, and 87.5 before.
    """
    figure = Picture(figsize=(8.4, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    curves = {"kernel error": found.kernel_error, "output error": found.output_error, "numbers kept": found.weights}
    for i, (name, values) in enumerate(curves.items()):
        left.plot(
            found.n_canonical, 100 * values, marker="os^"[i], ls=("-", "--", ":")[i], color=PALETTE[i], label=name
        )
    left.set(xlabel="canonical filters", ylabel="per cent", title=f"{found.layer}, copies under {found.group}")
    left.legend()
    right.plot(found.n_canonical, 100 * found.accuracy, "-o", color=PALETTE[0], label="repacked")
    right.axhline(100 * found.before, color="0.4", ls="--", label="before")
    right.set(xlabel="canonical filters", ylabel="accuracy (%)", title="the whole network")
    right.legend()
    for ax in (left, right):
        ax.set_xticks(found.n_canonical)
        ax.grid(axis="y", color="0.9")
    few, many = ((found.n_canonical[i], 100 * found.accuracy[i]) for i in (0, -1))
    figure.alt = (
        f"Errors of {found.layer} fall and numbers kept rise with the number of canonical filters. The network reads "
        f"{few[1]:.1f} per cent with {few[0]}, {many[1]:.1f} with {many[0]}, and {100 * found.before:.1f} before."
    )
    return figure
