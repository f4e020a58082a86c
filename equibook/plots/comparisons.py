"""Figures of probes that set networks side by side: likeness, local errors, shifts, copies of filters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook.drawing import MARKERS, PALETTE, SIGNED
from equibook.plots.figures import Picture, styled
from equibook.probes.alignment import CKA
from equibook.probes.copies import TurnedCopies
from equibook.probes.lie import LieDerivative
from equibook.probes.shifts import ShiftConsistency

DASHES = ("-", "--", ":", "-.")
MOST_FAMILIES, MOST_MEMBERS = 4, 10


@styled
def plot_cka(found: Mapping[str, CKA]) -> Figure:
    """Show linear CKA stage by stage, with its shuffled control.

    Parameters
    ----------
    found : dict from a name, such as that of the network, to a CKA; all of the same stages

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_cka
    >>> from equibook.probes import CKA
    >>> made_up = CKA("rot90", ("conv1", "conv2"), np.array([0.75, 0.5]), np.array([0.0, 0.0]), n_samples=100)
    >>> plot_cka({"a network": made_up}).alt
    'Linear CKA by stage. a network: conv1 0.75, conv2 0.5. Shuffled pairs lie near 0.'
    """
    stages = _common_stages(found)
    figure = Picture(figsize=(7.2, 3.2), layout="constrained")
    ax = figure.add_subplot()
    for i, (name, one) in enumerate(found.items()):
        ax.plot(stages, one.similarity, label=name or one.transform, **look(i))
        ax.plot(stages, one.shuffled, color="0.5", linestyle=":", label="shuffled" if not i else None)
    _finish_stages(ax, "linear CKA between x and g·x")
    ax.set(ylim=(-0.15, 1.05))
    values = "; ".join(f"{name or one.transform}: {_listed(stages, one.similarity)}" for name, one in found.items())
    figure.alt = f"Linear CKA by stage. {values}. Shuffled pairs lie near 0."
    return figure


@styled
def plot_lie(found: Mapping[str, LieDerivative]) -> Figure:
    """Show the local equivariance error stage by stage, in units of what an unrelated change of the image would do.

    Parameters
    ----------
    found : dict from a name, such as that of the motion or the network, to a LieDerivative; all of the same stages

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_lie
    >>> from equibook.probes import LieDerivative
    >>> numbers = (np.array([0.02, 0.06]), np.array([0.08, 0.08]), np.array([5.0, 3.0]))  # errors, controls, norms
    >>> made_up = LieDerivative("rotation", ("conv1", "conv2"), *numbers, n_samples=100)
    >>> print(plot_lie({"a network": made_up}).alt)  # doctest: +NORMALIZE_WHITESPACE
    Local equivariance error by stage, as a share of what an unrelated change does. a network: conv1 0.25, conv2
    0.75.
    """
    stages = _common_stages(found)
    figure = Picture(figsize=(7.2, 3.2), layout="constrained")
    ax = figure.add_subplot()
    shares = {}
    for i, (name, one) in enumerate(found.items()):
        shares[name or one.by] = np.divide(one.error, one.control, out=np.zeros(len(stages)), where=one.control > 0)
        ax.plot(stages, shares[name or one.by], label=name or one.by, **look(i))
    ax.axhline(1, color="0.35", linewidth=1, linestyle="--", label="unrelated change")
    _finish_stages(ax, "local error / control")
    ax.set(ylim=(0, None))
    values = "; ".join(f"{name}: {_listed(stages, share)}" for name, share in shares.items())
    figure.alt = f"Local equivariance error by stage, as a share of what an unrelated change does. {values}."
    return figure


@styled
def plot_shifts(found: Mapping[str, ShiftConsistency]) -> Figure:
    """Show how often predictions stay, shift by shift, one square a shift.

    Parameters
    ----------
    found : dict from the name of a model to a ShiftConsistency

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_shifts
    >>> from equibook.probes import ShiftConsistency
    >>> shifts, shares = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.75, 0.5])
    >>> made_up = ShiftConsistency(shifts, shares, chance=0.1, n_samples=40)
    >>> plot_shifts({"a network": made_up}).alt
    'Share of predictions that stay, by shift; means: a network 62.5% (chance 10%).'
    """
    check_any(found, "found")
    figure = Picture(figsize=(3.1 * len(found) + 0.9, 3.3), layout="constrained")
    axes = figure.subplots(1, len(found), squeeze=False)[0]
    for ax, (name, one) in zip(axes, found.items(), strict=True):
        rights, ups = np.unique(one.shifts[:, 0]), np.unique(one.shifts[:, 1])[::-1]
        shares = np.full((len(ups), len(rights)), np.nan)
        for (right, up), share in zip(one.shifts, one.consistency, strict=True):
            shares[ups == up, rights == right] = 100 * share
        drawn = ax.imshow(shares, cmap="viridis", vmin=0, vmax=100)
        for row, column in np.argwhere(np.isfinite(shares)):
            share = shares[row, column]
            color = "white" if share < 60 else "black"
            ax.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7, color=color)
        ax.set_xticks(np.arange(len(rights)), [f"{right:g}" for right in rights])
        ax.set_yticks(np.arange(len(ups)), [f"{up:g}" for up in ups])
        ax.set(xlabel="shift right (pixels)", ylabel="shift up (pixels)", title=f"{name}: {one.mean:.1%}".lstrip(": "))
    figure.colorbar(drawn, ax=list(axes), label="predictions that stay (%)", fraction=0.04)
    values = "; ".join(f"{name} {one.mean:.1%} (chance {one.chance:.0%})".lstrip() for name, one in found.items())
    figure.alt = f"Share of predictions that stay, by shift; means: {values}."
    return figure


@styled
def plot_turned_copies(found: TurnedCopies) -> Figure:
    """Show how alike each kernel is to its best copy, beside chance, and the largest families of kernels.

    Parameters
    ----------
    found : TurnedCopies

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_turned_copies
    >>> from equibook.probes import turned_copies
    >>> corner, cross = np.array([[3.0, 1, 0], [1, 0, 0], [0, 0, 0]]), np.array([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])
    >>> plot_turned_copies(turned_copies(np.stack([corner, cross, np.rot90(corner)]), threshold=0.9)).alt
    'Similarity of each of 3 kernels to its best copy, and families of sizes 2.'
    """
    figure = Picture(figsize=(9, 3), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    left, right = halves
    ax = left.add_subplot()
    ax.plot(np.arange(1, len(found.best) + 1), np.sort(found.best)[::-1], marker=".", color=PALETTE[0])
    ax.axhline(found.threshold, color="0.35", linestyle="--", linewidth=1)
    ax.text(len(found.best), found.threshold, "threshold", ha="right", va="bottom", fontsize=8)
    ax.axhspan(found.chance.min(), found.chance.max(), color="0.85", label="best of random kernels")
    ax.set(xlabel="kernels, the best copied first", ylabel="similarity to the best copy", ylim=(0, 1.03))
    ax.legend(loc="lower left", fontsize=8)
    families = found.families[:MOST_FAMILIES]
    grid = right.subplots(MOST_FAMILIES, MOST_MEMBERS)
    for row, ax_row in enumerate(grid):
        members = families[row][:MOST_MEMBERS] if row < len(families) else np.empty(0, dtype=int)
        for place, ax in enumerate(ax_row):
            ax.axis("off")
            if place < len(members):
                _draw_kernel(ax, found.kernels[members[place]])
                ax.set_title(str(members[place]), fontsize=7, loc="center", pad=2)
    sizes = ", ".join(str(len(members)) for members in found.families) or "none"
    right.suptitle("families of kernels" if families else "no families of kernels", fontsize=9.5)
    figure.alt = f"Similarity of each of {len(found.best)} kernels to its best copy, and families of sizes {sizes}."
    return figure


def look(i: int) -> dict[str, Any]:
    """Return colour, marker and dashes of the i-th curve, so that nothing is said by colour alone.

    Parameters
    ----------
    i : int

    Returns
    -------
    dict from str to Any
        Options of `Axes.plot`.

    Examples
    --------
    >>> from equibook.plots.comparisons import look
    >>> [look(i)["marker"] + look(i)["linestyle"] for i in range(3)]
    ['o-', 's--', '^:']
    """
    return {
        "color": PALETTE[i % len(PALETTE)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
        "markersize": 5,
    }


def _draw_kernel(ax: Axes, kernel: np.ndarray) -> None:
    """Draw three channels as colours about grey, other numbers of them as their sum, signed."""
    limit = float(np.abs(kernel).max()) or 1.0
    if len(kernel) == 3:
        ax.imshow(0.5 + np.moveaxis(kernel, 0, -1) / (2 * limit))
    else:
        flat = kernel[0] if len(kernel) <= 2 else kernel.sum(axis=0)
        limit = float(np.abs(flat).max()) or 1.0
        ax.imshow(flat, cmap=SIGNED, vmin=-limit, vmax=limit)


def _common_stages(found: Mapping[str, Any]) -> tuple[str, ...]:
    check_any(found, "found")
    stages = {one.stages for one in found.values()}
    if len(stages) > 1:
        hint = "Name the same `stages` in each."
        raise ValueError(f"`found` must be of the same stages, got {' and '.join(map(str, sorted(stages)))}. {hint}")
    return tuple(stages.pop())


def check_any(given: Mapping[str, Any], name: str) -> None:
    """Check that there is something to draw.

    Parameters
    ----------
    given : dict
    name : str
        What the message calls it.

    Raises
    ------
    ValueError
        Where it is empty.

    Examples
    --------
    >>> from equibook.plots.comparisons import check_any
    >>> check_any({"digits": 1}, "found")
    >>> check_any({}, "found")
    Traceback (most recent call last):
        ...
    ValueError: `found` must hold at least one, got none. Pass such as `{'digits': …}`.
    """
    if not given:
        raise ValueError(f"`{name}` must hold at least one, got none. Pass such as `{{'digits': …}}`.")


def _finish_stages(ax: Axes, label: str) -> None:
    ax.set(ylabel=label, xlabel="stage")
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _listed(stages: Sequence[str], values: np.ndarray) -> str:
    return ", ".join(f"{stage} {value:.2g}" for stage, value in zip(stages, values, strict=True))
