"""Figures of AlexNet: stages, filters, the maps of a unit, the images that excite it, a filter and its copy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from equibook._checks import as_images
from equibook.drawing import PALETTE, SIGNED, draw_image, value_limits
from equibook.plots.figures import Picture, styled
from equibook.stage_table import Stage, StageTable

Box = tuple[int, int, int, int]

_NAMES = {"imagenet": "ImageNet's weights", "digits": "the “digits” weights", "random": "random weights"}


@styled
def plot_stages(table: StageTable) -> Figure:
    """Show weights, arithmetic and receptive fields of the stages that have weights.

    Parameters
    ----------
    table : StageTable

    Returns
    -------
    Figure

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.plots import plot_stages
    >>> from equibook.stage_table import measure_stages
    >>> layers = [("conv1", nn.Conv2d(3, 4, 5, stride=2)), ("flatten", nn.Flatten()), ("fc", nn.Linear(196, 10))]
    >>> print(plot_stages(measure_stages(layers, 17)).alt)  # doctest: +NORMALIZE_WHITESPACE
    Weights, multiply-adds and receptive fields of conv1, fc at 17 pixels: 87% of the weights are in the fully
    connected layers.
    """
    stages = [stage for stage in table.stages if stage.n_weights]
    places, names = np.arange(len(stages)), [stage.name for stage in stages]
    figure = Picture(figsize=(9, 3.0), layout="constrained")
    weights, arithmetic, fields = figure.subplots(1, 3, sharey=True)
    _draw_bars(weights, [stage.n_weights / 1e6 for stage in stages], PALETTE[0], "weights (millions)", "%.2f")
    _draw_bars(arithmetic, [stage.multiply_adds / 1e6 for stage in stages], PALETTE[1],
               "multiply-adds an image (millions)", "%.1f")  # fmt: skip
    _draw_fields(fields, stages, table.size)
    weights.set(yticks=places, yticklabels=names, title="Weights")
    arithmetic.set_title("Arithmetic")
    weights.invert_yaxis()
    full = sum(stage.n_weights for stage in stages if not stage.stride)
    figure.alt = (
        f"Weights, multiply-adds and receptive fields of {', '.join(names)} at {table.size} pixels: "
        f"{full / table.n_weights:.0%} of the weights are in the fully connected layers."
    )
    return figure


def _draw_fields(ax: Axes, stages: Sequence[Stage], size: int) -> None:
    places, widths = np.arange(len(stages)), [stage.unclipped for stage in stages]
    wide = ax.barh(places, widths, color="0.85", label="without borders")
    ax.barh(places, [stage.receptive_field for stage in stages], color=PALETTE[2], hatch="//", edgecolor="white",
            label="within the image")  # fmt: skip
    ax.bar_label(wide, labels=[f"{s.receptive_field} of {s.unclipped}" for s in stages], fontsize=7, padding=3)
    ax.axvline(size, color="black", linewidth=0.8, linestyle=":")
    ax.set(xlabel=f"one value sees (pixels); the image: {size}", title="Receptive field", xlim=(0, 1.4 * max(widths)))


def _draw_bars(ax: Axes, values: Sequence[float], color: str, label: str, form: str) -> None:
    bars = ax.barh(np.arange(len(values)), values, color=color)
    ax.bar_label(bars, fmt=form, fontsize=7, padding=3)
    ax.set(xlabel=label, xlim=(0, 1.25 * max(values)))


@styled
def plot_kernels(kernels: Any, *, weights: str, n_columns: int = 16, what: str = "filters of conv1") -> Figure:
    """Show kernels as pictures: in colours, about a middle grey, or signed where there is one channel.

    Parameters
    ----------
    kernels : ndarray or Tensor of shape (n_kernels, 1 or 3, size, size)
        Of three channels, each is brought to its own largest value; of one, all are on one scale.
    weights : {"imagenet", "digits", "random"}
    n_columns : int
    what : str
        What the title calls them.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_kernels
    >>> edges = np.array([[1.0, 0.0, -1.0]] * 3)
    >>> plot_kernels(np.stack([edges, edges.T])[:, None], weights="random", n_columns=2).alt
    '2 filters of conv1 of 3 x 3 pixels, random weights, red above 0, blue below.'
    """
    w = as_images(kernels, name="kernels").detach().cpu().numpy()
    if w.shape[1] not in (1, 3):
        hint = "Sum them, or take a layer that sees the image."
        raise ValueError(f"`kernels` must have 1 or 3 channels to be shown, got {w.shape[1]}. {hint}")
    n_rows, is_signed = -(-len(w) // n_columns), w.shape[1] == 1
    figure = Picture(figsize=(9, 0.56 * n_rows + 0.35))
    width = 0.92 if is_signed else 0.99
    grid = figure.subplots(n_rows, n_columns, squeeze=False, gridspec_kw={
        "left": 0.005, "right": width, "bottom": 0.01, "top": 1 - 0.32 / (0.56 * n_rows + 0.35),
        "wspace": 0.06, "hspace": 0.06})  # fmt: skip
    limits = value_limits(w, signed=True)
    for i, ax in enumerate(grid.flat):
        ax.axis("off")
        if i < len(w):
            shown = w[i] if is_signed else 0.5 + 0.5 * w[i] / (np.abs(w[i]).max() or 1.0)
            drawn = draw_image(ax, shown, limits)
    if is_signed:
        figure.colorbar(drawn, cax=figure.add_axes((0.935, 0.06, 0.012, 0.78)))
    figure.suptitle(f"{what}, {_NAMES[weights]}", x=0.005, ha="left", fontsize=9.5)
    kind = "red above 0, blue below" if is_signed else "in colours about a middle grey"
    figure.alt = f"{len(w)} {what} of {w.shape[-1]} x {w.shape[-1]} pixels, {_NAMES[weights]}, {kind}."
    return figure


@styled
def plot_unit_maps(image: Any, maps: Any, box: Box, *, name: str, unit: int, weights: str) -> Figure:
    """Show an image, the map of one unit before the ReLU, and what the ReLU leaves of it.

    Parameters
    ----------
    image : ndarray or Tensor of shape (n_channels, height, width), nominally in [0, 1]
    maps : ndarray or Tensor of shape (height, width)
        Of the unit, before the ReLU.
    box : tuple of int
        First and last row, first and last column of what the largest value sees; it is drawn into the image.
    name : str
        Of the stage.
    unit : int
    weights : {"imagenet", "digits", "random"}

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_unit_maps
    >>> maps = np.array([[-1.0, 2.0], [0.5, -0.5]])  # the largest value, on the right above, sees the frame
    >>> plot_unit_maps(np.ones((3, 8, 8)), maps, (0, 3, 4, 7), name="conv1", unit=5, weights="random").alt
    'Unit 5 of conv1, random weights: values from -1 to 2, 50% of them above 0.'
    """
    values = np.asarray(maps, dtype=float)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    figure = Picture(figsize=(8.2, 2.9))
    boxes = ((0.01, 0.03, 0.27, 0.8), (0.31, 0.03, 0.27, 0.8), (0.68, 0.03, 0.27, 0.8))
    seen, before, after = (figure.add_axes(place) for place in boxes)
    draw_image(seen, _for_the_eye(image), (0, 1))
    seen.add_patch(_frame(box))
    seen.set_title("image; framed: seen by the dot")
    drawn = draw_image(before, values[None], value_limits(values, signed=True))
    before.set_title(f"{name}, unit {unit}, before the ReLU")
    figure.colorbar(drawn, cax=figure.add_axes((0.595, 0.08, 0.012, 0.7)))
    draw_image(after, np.maximum(values, 0)[None], (0, max(float(values.max()), 1e-12)))
    after.set_title(f"after it: {np.mean(values > 0):.0%} left")
    for ax in (seen, before, after):
        ax.axis("off")
    for ax in (before, after):
        ax.plot(column, row, "o", markersize=5, color=PALETTE[4], markeredgecolor="black")
    figure.suptitle(_NAMES[weights], x=0.99, ha="right", fontsize=8, color="0.35")
    figure.alt = (
        f"Unit {unit} of {name}, {_NAMES[weights]}: values from {values.min():.2g} to {values.max():.2g}, "
        f"{np.mean(values > 0):.0%} of them above 0."
    )
    return figure


@styled
def plot_strongest(
    images: Any, boxes: Sequence[Box], values: Sequence[float], *, name: str, unit: int, weights: str
) -> Figure:
    """Show the images that excite a unit most, with a frame about what the unit sees there.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_images, n_channels, size, size), nominally in [0, 1]
        Largest response first.
    boxes : sequence of tuples
        First and last row, first and last column of the frames.
    values : sequence of float
        The responses.
    name : str
        Of the stage.
    unit : int
    weights : {"imagenet", "digits", "random"}

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_strongest
    >>> images, boxes = np.zeros((2, 3, 8, 8)), [(0, 3, 0, 3), (4, 7, 0, 3)]
    >>> picture = plot_strongest(images, boxes, [2.5, 1.25], name="conv2", unit=7, weights="random")
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    The 2 images that excite unit 7 of conv2 most, random weights: values 2.50 to 1.25, each with a frame about the
    part that is seen.
    """
    x = as_images(images).detach().cpu().numpy()
    if not len(x) == len(boxes) == len(values):
        need = f"`boxes` and `values` must be one for each of {len(x)} images"
        raise ValueError(f"{need}, got {len(boxes)} and {len(values)}. Pass as many.")
    side, gap = x.shape[-1], max(x.shape[-1] // 16, 1)
    height = 9 / len(x) + 0.55
    figure = Picture(figsize=(9, height))
    ax = figure.add_axes((0.005, 0.01, 0.99, 1 - 0.54 / height))  # one for all: quick to draw
    draw_image(ax, _in_a_row([_for_the_eye(image) for image in x], gap), (0, 1))
    for i, (box, value) in enumerate(zip(boxes, values, strict=True)):
        ax.add_patch(_frame(box, i * (side + gap)))
        middle = i * (side + gap) + (side - 1) / 2
        ax.text(middle, -0.5 - 0.06 * side, f"{value:.2f}", ha="center", va="bottom", fontsize=8.5)
    ax.axis("off")
    figure.suptitle(f"{name}, unit {unit}, {_NAMES[weights]}: the images with the largest values, and where",
                    x=0.005, y=0.985, ha="left", fontsize=9.5)  # fmt: skip
    figure.alt = (
        f"The {len(x)} images that excite unit {unit} of {name} most, {_NAMES[weights]}: values {max(values):.2f} to "
        f"{min(values):.2f}, each with a frame about the part that is seen."
    )
    return figure


@styled
def plot_copy(kernel: Any, other: Any, moved: Any, *, titles: Sequence[str], note: str, weights: str) -> Figure:
    """Show a kernel, what a motion makes of it, and the kernel of the same layer that is most like that.

    Parameters
    ----------
    kernel, other, moved : ndarray or Tensor of shape (1, size, size)
        Drawn in the order kernel, moved, other, each to its own largest value.
    titles : sequence of three str
        In the order in which they are drawn.
    note : str
        Written below.
    weights : {"imagenet", "digits", "random"}

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_copy
    >>> kernel = np.arange(9.0).reshape(1, 3, 3)
    >>> moved = np.rot90(kernel, axes=(1, 2))
    >>> titles = ("filter 3", "turned by 90°", "filter 7")
    >>> plot_copy(kernel, moved, moved, titles=titles, note="They are the same", weights="random").alt
    'filter 3; turned by 90°; filter 7. They are the same, random weights.'
    """
    shown = [np.asarray(one, dtype=float) for one in (kernel, moved, other)]
    figure = Picture(figsize=(7, 2.9))
    grid = {"left": 0.01, "right": 0.99, "bottom": 0.12, "top": 0.88, "wspace": 0.1}
    for ax, one, title in zip(figure.subplots(1, 3, gridspec_kw=grid), shown, titles, strict=True):
        limit = float(np.abs(one).max()) or 1.0
        ax.imshow(one[0], cmap=SIGNED, vmin=-limit, vmax=limit)
        ax.axis("off")
        ax.set_title(title)
    figure.text(0.5, 0.03, f"{note} ({_NAMES[weights]})", ha="center")
    figure.alt = f"{'; '.join(titles)}. {note}, {_NAMES[weights]}."
    return figure


def _for_the_eye(image: Any) -> np.ndarray:
    values = np.asarray(image, dtype=float)
    return values if len(values) in (1, 3) else values.mean(axis=0, keepdims=True)


def _in_a_row(images: Sequence[np.ndarray], gap: int) -> np.ndarray:
    """Set images side by side, with white between them."""
    white = np.ones((*images[0].shape[:2], gap))
    return np.concatenate([part for image in images for part in (image, white)][:-1], axis=2)


def _frame(box: Box, shift: int = 0) -> Rectangle:
    top, bottom, left, right = box
    return Rectangle((left + shift - 0.5, top - 0.5), right - left + 1, bottom - top + 1, fill=False, linewidth=1.8,
                     edgecolor=PALETTE[4], clip_on=False)  # fmt: skip
