"""Figures that set models side by side: likeness, local errors, shifts, copies of filters, accuracies, one screen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import as_images, check_labels
from equibook.drawing import MARKERS, PALETTE, SIGNED, draw_points
from equibook.plots.figures import Picture, styled
from equibook.probes.cka import CKA
from equibook.probes.copies import TurnedCopies
from equibook.probes.lie import LieDerivative
from equibook.probes.shifts import ShiftConsistency
from equibook.sensitivity import Sensitivity

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
    """
    stages = _common_stages(found)
    figure = Picture(figsize=(7.2, 3.2), layout="constrained")
    ax = figure.add_subplot()
    for i, (name, one) in enumerate(found.items()):
        ax.plot(stages, one.similarity, label=name or one.transform, **_look(i))
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
    """
    stages = _common_stages(found)
    figure = Picture(figsize=(7.2, 3.2), layout="constrained")
    ax = figure.add_subplot()
    shares = {}
    for i, (name, one) in enumerate(found.items()):
        shares[name or one.by] = np.divide(one.error, one.control, out=np.zeros(len(stages)), where=one.control > 0)
        ax.plot(stages, shares[name or one.by], label=name or one.by, **_look(i))
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
    """
    _check_any(found, "found")
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


@styled
def plot_readouts(found: Mapping[str, Sensitivity], *, chance: float) -> Figure:
    """Show accuracies by the number of training images, one panel a test, one curve a kind of features.

    Parameters
    ----------
    found : dict from the name of a test to a Sensitivity by "n_train"; see `equibook.probes.read_out`
    chance : float
        The accuracy of guessing, from 0 to 1.

    Returns
    -------
    Figure
    """
    _check_any(found, "found")
    figure = Picture(figsize=(9, 3.6), layout="constrained")
    for ax, (test, one) in zip(
        figure.subplots(1, len(found), sharey=True, squeeze=False)[0], found.items(), strict=True
    ):
        for i, (kind, rows) in enumerate(one.accuracies.items()):
            ax.plot(one.amounts, 100 * one.mean(kind), label=kind, **_look(i))
            ax.fill_between(one.amounts, 100 * rows.min(axis=1), 100 * rows.max(axis=1), color=PALETTE[i], alpha=0.15)
        ax.axhline(100 * chance, color="0.35", linewidth=1, linestyle="--", label="chance")
        ax.set(xscale="log", xlabel="training images, all upright", title=f"tested {test}", ylim=(0, 103))
        ax.set_xticks(one.amounts, [f"{amount:g}" for amount in one.amounts])
        ax.minorticks_off()
        ax.grid(axis="y", color="0.9")
    figure.axes[0].set_ylabel("accuracy (%)")
    figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.alt = "Accuracy by number of training images. " + " ".join(_say_accuracies(t, s) for t, s in found.items())
    return figure


@styled
def plot_two_models(
    images: Any,
    truth: Any,
    answers: Mapping[str, Any],
    angles: Sequence[float],
    accuracy: Mapping[str, Sequence[float]],
    moved: Mapping[str, Sequence[float]],
    *,
    angle: float,
) -> Figure:
    """Show models on the same turned images: their answers, their accuracy by angle, and how far features move.

    Parameters
    ----------
    images : ndarray or Tensor of shape (n_shown, 1, height, width)
        Turned by `angle`.
    truth : array-like of shape (n_shown,)
    answers : dict from the name of a model to an array of shape (n_shown,)
    angles : sequence of float
    accuracy, moved : dict from the name of a model to one number an angle
        From 0 to 1; and the distance of features from those of the upright image, in units of that between images.
    angle : float
        One of the angles: it is marked.

    Returns
    -------
    Figure
    """
    x, true = as_images(images).numpy(force=True), check_labels(truth, len(images))
    if angle not in list(angles):
        raise ValueError(f"`angle` must be one of {list(angles)}, got {angle!r}. Choose one of these.")
    figure = Picture(figsize=(9, 4.5))  # laid out by hand: explorers draw many of these
    top = figure.add_gridspec(1, len(x), left=0.02, right=0.98, top=0.88, bottom=0.66, wspace=0.08)
    low = figure.add_gridspec(1, 2, left=0.08, right=0.98, top=0.5, bottom=0.11, wspace=0.22)
    for i in range(len(x)):
        ax = figure.add_subplot(top[i])
        ax.imshow(x[i, 0], cmap="gray", vmin=0, vmax=1)
        said = [f"{name[:1]}: {said[i]} {'✓' if said[i] == true[i] else '✗'}" for name, said in answers.items()]
        ax.set_title("\n".join(said), fontsize=8.5, loc="center")
        ax.axis("off")
    left, right = (figure.add_subplot(low[i]) for i in range(2))
    for ax, curves, factor in ((left, accuracy, 100), (right, moved, 1)):
        for i, (name, values) in enumerate(curves.items()):
            ax.plot(angles, factor * np.asarray(values), label=name, **_look(i))
        ax.axvline(angle, color="0.35", linewidth=1)
        ax.set_xlabel("images turned by (degrees)")
        ax.grid(axis="y", color="0.9")
    left.set(ylim=(0, 103), ylabel="accuracy (%)", title="Right answers")
    right.axhline(1, color="0.35", linewidth=1, linestyle="--")
    right.set(ylim=(0, 1.5), ylabel="distance / that to another image", title="How far the features moved")
    left.legend(loc="lower left", fontsize=8)
    place = list(angles).index(angle)
    figure.alt = "; ".join(
        f"{name}: {accuracy[name][place]:.0%} right at {angle:g}°, features moved by {moved[name][place]:.2f} of the "
        f"distance to another image" for name in accuracy
    )  # fmt: skip
    return figure


@styled
def plot_planes(points: Mapping[str, Any], y: Any, *, title: str = "", limit: float = 3.0) -> Figure:
    """Show images in the plane of two components, one panel a model, classes by colour and marker.

    Parameters
    ----------
    points : dict from the name of a model to an array of shape (n_samples, 2 or more)
        In units of the standard deviation.
    y : array-like of shape (n_samples,)
    title : str
    limit : float
        Where the axes end; what lies beyond is not drawn, and counted in the alternative text.

    Returns
    -------
    Figure
    """
    _check_any(points, "points")
    figure = Picture(figsize=(4.2 * len(points), 3.9), layout="constrained")
    for ax, (name, rows) in zip(figure.subplots(1, len(points), squeeze=False)[0], points.items(), strict=True):
        labels = check_labels(y, len(rows))
        draw_points(ax, np.asarray(rows), labels, classes=np.unique(labels))
        ax.set(
            xlim=(-limit, limit), ylim=(-limit, limit), title=name, xlabel="component 1 (σ)", ylabel="component 2 (σ)"
        )
    figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title, fontsize=9.5)
    figure.alt = f"{len(np.unique(y))} classes in the plane of two components, by {' and '.join(points)}. {title}"
    beyond = sum(int((np.abs(np.asarray(rows)[:, :2]) > limit).any(axis=1).sum()) for rows in points.values())
    figure.alt += f" {beyond} points lie beyond the axes." if beyond else ""
    return figure


def _look(i: int) -> dict[str, Any]:
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
    _check_any(found, "found")
    stages = {one.stages for one in found.values()}
    if len(stages) > 1:
        hint = "Name the same `stages` in each."
        raise ValueError(f"`found` must be of the same stages, got {' and '.join(map(str, sorted(stages)))}. {hint}")
    return tuple(stages.pop())


def _check_any(given: Mapping[str, Any], name: str) -> None:
    if not given:
        raise ValueError(f"`{name}` must hold at least one, got none. Pass such as `{{'digits': …}}`.")


def _finish_stages(ax: Axes, label: str) -> None:
    ax.set(ylabel=label, xlabel="stage")
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _listed(stages: Sequence[str], values: np.ndarray) -> str:
    return ", ".join(f"{stage} {value:.2g}" for stage, value in zip(stages, values, strict=True))


def _say_accuracies(test: str, found: Sensitivity) -> str:
    ends = [f"{kind} {found.mean(kind)[0]:.0%} to {found.mean(kind)[-1]:.0%}" for kind in found.accuracies]
    return f"Tested {test}, from {found.amounts[0]:g} to {found.amounts[-1]:g} images: {', '.join(ends)}."
