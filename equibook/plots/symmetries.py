"""Figures of symmetries: Cayley tables, an element at work, distances along an orbit, orbits in planes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from equibook._checks import as_images, check_labels
from equibook.actions import act
from equibook.drawing import MARKERS, PALETTE, draw_image
from equibook.groups import CyclicGroup, Element
from equibook.orbits import symbols
from equibook.plots.figures import Picture, styled

_DASHES = ("--", ":", "-.")
_MOST_CLASSES = 4


@styled
def plot_cayley_table(group: CyclicGroup, *, picture: Any = None) -> Figure:
    """Show what every two elements make: row a and column b hold a after b, in the symbols of `orbits.symbols`.

    Turns are blue and reflections orange, the darker the larger the turn.

    Parameters
    ----------
    group : CyclicGroup or DihedralGroup
    picture : ndarray or Tensor of shape (1, 1, height, width) or (1, height, width), optional
        Shown in the head of each row and column, moved by the element.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.groups import CyclicGroup, DihedralGroup
    >>> from equibook.plots import plot_cayley_table
    >>> for group in (CyclicGroup(4), DihedralGroup(4)):  # turns commute; with reflections, order matters
    ...     plot_cayley_table(group).alt.partition(". ")[2]
    'Mirrored at its diagonal it is the same table.'
    'Mirrored at its diagonal it is another table.'
    """
    side = min(5.2, 1.4 + 0.42 * group.order)
    figure = Picture(figsize=(side, side), layout="constrained")
    ax = figure.add_subplot()
    _draw_table(ax, group, symbols(group))
    if picture is not None:
        _draw_heads(ax, group, picture)
    ax.set_title(f"{_name(group)}: row after column")
    mirrored = "the same" if _commutes(group) else "another"
    figure.alt = (
        f"The Cayley table of {_name(group)}, with {group.order} rows and columns. Mirrored at its diagonal it is "
        f"{mirrored} table."
    )
    return figure


@styled
def plot_action(
    image: Any, moved: Any, group: CyclicGroup, element: Element, *, names: Sequence[str] | None = None
) -> Figure:
    """Show an image before and after an element acted, and the row of that element in the Cayley table.

    Parameters
    ----------
    image, moved : ndarray or Tensor of shape (1, n_channels, height, width) or (1, height, width)
        Of one channel or three.
    group : CyclicGroup or DihedralGroup
        That of the element, or one with the same table.
    element : Element
    names : sequence of str, optional
        Of the elements; by default the symbols of `orbits.symbols`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.actions import act
    >>> from equibook.groups import CyclicGroup
    >>> from equibook.plots import plot_action
    >>> group, image = CyclicGroup(4), np.eye(8)[None]
    >>> quarter = group.elements[1]
    >>> print(plot_action(image, act(quarter, image), group, quarter).alt)  # doctest: +NORMALIZE_WHITESPACE
    An image before and after r acted; beside it the Cayley table with the row of r framed, and in it the place of
    e, in the column of the inverse r³.
    """
    names, place = _check_names(names, group), group.index(element)
    figure = Picture(figsize=(8.6, 3.1))
    before, after, table = figure.subplots(
        1, 3, gridspec_kw={"left": 0.01, "right": 0.99, "top": 0.86, "bottom": 0.02, "wspace": 0.15}
    )
    inverse = names[group.index(group.inverse(element))]
    for ax, one, title in ((before, image, "x"), (after, moved, f"g·x, g = {names[place]}, undone by {inverse}")):
        draw_image(ax, as_images(one)[0].detach().cpu().numpy(), (0, 1))
        ax.set(xticks=[], yticks=[], title=title)
    _draw_table(table, group, names)
    _mark_row(table, group, place)
    table.set_title("row g: what g makes of each element")
    figure.alt = (
        f"An image before and after {names[place]} acted; beside it the Cayley table with the row of {names[place]} "
        f"framed, and in it the place of {names[0]}, in the column of the inverse {inverse}."
    )
    return figure


@styled
def plot_distance_by_angle(angles: Sequence[float], own: Any, others: Mapping[str, float]) -> Figure:
    """Show how far images lie from their own turned copies, beside distances that do not depend on the angle.

    Parameters
    ----------
    angles : sequence of float
        In degrees.
    own : array of shape (n_samples, n_angles)
        Distances from each image to its own copies: their mean is drawn as a line, nine tenths of them as a band.
    others : dict from a label to a distance
        Drawn as level lines.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_distance_by_angle
    >>> own = [[0.0, 8.0, 6.0], [0.0, 10.0, 8.0]]  # two images, three angles
    >>> picture = plot_distance_by_angle([0, 90, 180], own, {"another class": 9.5, "the same class": 8.0})
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    Mean distance from an image to its own turned copy, from 0.0 to 9.0 over the angles, beside another class 9.5;
    the same class 8.0.
    """
    own = np.asarray(own)
    if own.ndim != 2 or own.shape[1] != len(angles):
        hint = "Pass one column per angle."
        raise ValueError(f"`own` must have shape (n_samples, {len(angles)}), got {own.shape}. {hint}")
    figure = Picture(figsize=(7.2, 3.4), layout="constrained")
    ax = figure.add_subplot()
    low, high = np.quantile(own, (0.05, 0.95), axis=0)
    ax.fill_between(angles, low, high, color=PALETTE[5], alpha=0.35, linewidth=0, label="9 of 10 images")
    ax.plot(angles, own.mean(axis=0), color=PALETTE[0], marker="o", markersize=4, label="own turned copy, mean")
    for i, (label, distance) in enumerate(others.items()):
        ax.axhline(distance, color=PALETTE[(1, 2, 6)[i % 3]], linestyle=_DASHES[i % 3], label=label)
    ax.set(ylim=(0, None), xlabel="turned by (degrees)", ylabel="distance (grey values)")
    ax.set_xticks(np.arange(np.floor(min(angles) / 45) * 45, max(angles) + 1, 45))
    ax.set_title("Distance in pixels from an upright image to…")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    said = "; ".join(f"{label} {distance:.1f}" for label, distance in others.items())
    figure.alt = (
        f"Mean distance from an image to its own turned copy, from {own.mean(axis=0).min():.1f} to "
        f"{own.mean(axis=0).max():.1f} over the angles, beside {said}."
    )
    return figure


@styled
def plot_orbits(
    orbits: Any, labels: Any, planes: Mapping[str, np.ndarray], *, step: int = 0, titles: Sequence[str] | None = None
) -> Figure:
    """Show orbits as closed lines in planes; of the first orbit of each class the images, too.

    The large mark, a star for the first class, is where the shown image lies. Lines of other classes have small marks.

    Parameters
    ----------
    orbits : ndarray or Tensor of shape (n_orbits, order, n_channels, height, width)
        Of one channel or three.
    labels : array of shape (n_orbits,)
        Classes, four at most.
    planes : dict from a title to an array of shape (n_orbits, order, 2)
        Where each image lies.
    step : int
        Which image of each orbit is shown.
    titles : sequence of str, optional
        One per class, for its image.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_orbits
    >>> orbits, circle = np.zeros((2, 4, 1, 8, 8)), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> points = np.stack([circle, 2 * circle])
    >>> print(plot_orbits(orbits, ["bar", "ring"], {"pixels": points}).alt)  # doctest: +NORMALIZE_WHITESPACE
    Orbits of the classes bar and ring as closed lines in 1 planes, and beside them the images at step 0: bar; ring.
    """
    labels = check_labels(labels, len(orbits))
    classes, first = np.unique(labels, return_index=True)
    titles = [str(name) for name in classes] if titles is None else list(titles)
    _check_orbits(orbits, classes, planes, step)
    if len(titles) != len(classes):
        hint = "Leave them out, or pass as many."
        raise ValueError(
            f"`titles` must hold one title per class, got {len(titles)} for {len(classes)} classes. {hint}"
        )
    figure = Picture(figsize=(8.6, 3.4))
    grid = figure.add_gridspec(1, len(planes) + 1, width_ratios=[0.55] + [1] * len(planes), left=0.01, right=0.985,
                               top=0.9, bottom=0.14, wspace=0.3)  # fmt: skip
    cells = grid[0].subgridspec(len(classes), 1, hspace=0.35)
    for i, title in enumerate(titles):
        ax = figure.add_subplot(cells[i])
        draw_image(ax, as_images(orbits[first[i]])[step].detach().cpu().numpy(), (0, 1))
        ax.axis("off")
        ax.set_title(title, loc="center", fontsize=8.5)
    for i, (title, points) in enumerate(planes.items()):
        ax = figure.add_subplot(grid[i + 1])
        for j, name in enumerate(classes):
            _draw_orbits_of_class(ax, points[labels == name], j, str(name), step)
        ax.set(xlabel="component 1 (grey values)", ylabel="component 2 (grey values)", title=title)
        ax.set_aspect("equal", adjustable="datalim")
        ax.margins(0.14)
    ax.legend(loc="upper right", fontsize=8, handlelength=1.4, borderaxespad=0, borderpad=0)
    listed = " and ".join(map(str, classes))
    figure.alt = (
        f"Orbits of the classes {listed} as closed lines in {len(planes)} planes, and beside them the images at "
        f"step {step}: {'; '.join(titles)}."
    )
    return figure


def _draw_table(ax: Axes, group: CyclicGroup, names: Sequence[str]) -> None:
    table, n = group.cayley_table(), group.order
    shades = np.array([_shade(g) for g in group])
    ax.imshow(shades[table])
    size = min(9.0, 64 / n)
    for row, column in np.ndindex(n, n):
        ax.text(column, row, names[int(table[row, column])], ha="center", va="center", fontsize=size)
    ax.set_xticks(range(n), names, fontsize=size)
    ax.set_yticks(range(n), names, fontsize=size)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _shade(element: Element) -> np.ndarray:
    """Return a light colour: blue for turns, orange for reflections, the darker the larger the turn."""
    hue = np.array([int(PALETTE[4 if element.reflected else 5][i : i + 2], 16) / 255 for i in (1, 3, 5)])
    strength = 0.15 + 0.75 * element.turns / max(1, element.n - 1)
    return np.asarray(1 + strength * (hue - 1))


def _draw_heads(ax: Axes, group: CyclicGroup, picture: Any) -> None:
    """Draw the moved picture beside each name, left of the rows and above the columns."""
    for i, g in enumerate(group):
        image = as_images(act(g, picture), name="picture")[0, 0].detach().cpu().numpy()
        for left, top in ((-2.0, i - 0.4), (i - 0.4, -2.0)):
            ax.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(left, left + 0.8, top + 0.8, top))
    ax.set(xlim=(-2.1, group.order - 0.5), ylim=(group.order - 0.5, -2.1))
    ax.set(xticks=[], yticks=[])
    for i, name in enumerate(symbols(group)):
        ax.text(-0.85, i, name, ha="center", va="center", fontsize=8)
        ax.text(i, -0.85, name, ha="center", va="center", fontsize=8)


def _mark_row(ax: Axes, group: CyclicGroup, place: int) -> None:
    """Frame the row of an element, and with a thick frame the identity in it."""
    back = group.index(group.inverse(group.elements[place]))
    ax.add_patch(Rectangle((-0.5, place - 0.5), group.order, 1, fill=False, linewidth=1.5, clip_on=False))
    ax.add_patch(Rectangle((back - 0.45, place - 0.45), 0.9, 0.9, fill=False, linewidth=3, clip_on=False))


def _draw_orbits_of_class(ax: Axes, points: np.ndarray, place: int, name: str, step: int) -> None:
    """Draw the orbits of one class, (n_orbits, order, 2): the first one thick, with the place of the shown image."""
    closed = np.concatenate([points, points[:, :1]], axis=1)
    colour, dots = PALETTE[place], "" if place == 0 else MARKERS[place - 1]
    for line in closed[1:]:
        ax.plot(*line.T, color=colour, marker=dots, markersize=2.2, linewidth=0.7)
    ax.plot(*closed[0].T, color=colour, marker=dots, markersize=4.5, linewidth=2, label=name)
    ax.plot(
        *points[0, step], marker="*" if place == 0 else MARKERS[place - 1], markersize=15 if place == 0 else 10,
        color=colour, markeredgecolor="black", zorder=5,
    )  # fmt: skip


def _name(group: CyclicGroup) -> str:
    return f"{'D' if any(g.reflected for g in group) else 'C'}_{group.n}"


def _commutes(group: CyclicGroup) -> bool:
    table = group.cayley_table()
    return bool((table == table.T).all())


def _check_names(names: Sequence[str] | None, group: CyclicGroup) -> Sequence[str]:
    if names is None:
        return symbols(group)
    if len(names) != group.order:
        hint = "Leave them out, or pass as many."
        raise ValueError(f"`names` must hold {group.order}, one per element, got {len(names)}. {hint}")
    return names


def _check_orbits(orbits: Any, classes: np.ndarray, planes: Mapping[str, np.ndarray], step: int) -> None:
    if not 0 <= step < np.shape(orbits)[1]:
        raise ValueError(f"`step` must be from 0 to {np.shape(orbits)[1] - 1}, got {step}. Count from 0.")
    if len(classes) > _MOST_CLASSES:
        raise ValueError(f"`labels` must hold at most {_MOST_CLASSES} classes, got {len(classes)}. Show some of them.")
    for title, points in planes.items():
        if np.shape(points) != (*np.shape(orbits)[:2], 2):
            need = f"shape {(*np.shape(orbits)[:2], 2)}, a place for each image"
            raise ValueError(f"`planes` must have {need}, got {np.shape(points)} for {title!r}. Keep two components.")
