"""Figures of repacked convolutions: canonical filters with their copies, and what is kept by how many."""

import torch
from matplotlib.figure import Figure

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
def plot_fidelity(found: Fidelity) -> Figure:
    """Show what is kept of a network when one of its convolutions is repacked, by the number of canonical filters.

    Parameters
    ----------
    found : Fidelity

    Returns
    -------
    Figure
        On the left errors of the layer and the share of numbers kept, on the right the accuracy of the network.
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
