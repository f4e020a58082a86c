"""Figures of design: class separation against accuracy, one point a block; how measures rank; blocks by nuisance."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equibook._checks import check_choice, check_labels
from equibook.design import MEASURES, Comparison
from equibook.drawing import MARKERS, PALETTE
from equibook.nuisances import NuisanceTable
from equibook.plots.figures import Picture, styled


@styled
def plot_comparison(found: Comparison, by: str = "fisher", *, kinds: Sequence[str] | None = None) -> Figure:
    """Show for each block its class separation and its accuracy, with the 95 % interval over the parts held back.

    Parameters
    ----------
    found : Comparison
    by : {"fisher", "fisher_reduced", "ratio", "neighbours"}
    kinds : sequence of str, optional
        One a block: blocks of one kind have one colour and marker. Without, they are numbered and named.

    Returns
    -------
    Figure
        The title gives the rank correlation with its interval.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.design import MEASURES, Comparison
    >>> from equibook.plots import plot_comparison
    >>> separation = dict.fromkeys(MEASURES, np.array([1.0, 2.0, 3.0, 4.0]))
    >>> accuracies = np.array([[0.6, 0.7], [0.7, 0.8], [0.9, 0.9], [0.8, 0.8]])
    >>> names = ["pixels", "k0", "power", "cross"]
    >>> made_up = Comparison(names, np.array([256, 32, 64, 96]), separation, accuracies, np.ones(4), "lda")
    >>> print(plot_comparison(made_up).alt)  # doctest: +NORMALIZE_WHITESPACE
    Fisher ratio, after Layer 1 against accuracy for 4 blocks: rank correlation 0.80 (-1.00 to 1.00). The most
    accurate is power, the one with the largest separation cross.
    """
    values = found.separation[check_choice(by, MEASURES, name="by")]
    correlation, low, high = found.rank_correlation(by)
    figure = Picture(figsize=(7.4, 4), layout="constrained")
    ax = figure.add_subplot()
    if kinds is None:
        _draw_numbered(ax, found, values)
    else:
        _draw_kinds(ax, found, values, np.array(check_labels(kinds, len(found.names)), dtype=str))
    title = f"rank correlation {correlation:.2f} ({low:.2f} to {high:.2f})"
    ax.set(xlabel=MEASURES[by], ylabel=f"accuracy of {found.classifier} (%)", title=title)
    ax.grid(color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.4)
    best, widest = found.names[int(found.accuracy.argmax())], found.names[int(values.argmax())]
    figure.alt = (
        f"{MEASURES[by]} against accuracy for {len(found.names)} blocks: {title}. The most accurate is {best}, the one "
        f"with the largest separation {widest}."
    )
    return figure


@styled
def plot_block(found: Comparison, chosen: str) -> Figure:
    """Show one block among others: its separation by two measures against its accuracy, and its cost.

    Parameters
    ----------
    found : Comparison
    chosen : str
        The name of the block.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.design import MEASURES, Comparison
    >>> from equibook.plots import plot_block
    >>> separation = dict.fromkeys(MEASURES, np.array([0.5, 0.25]))
    >>> accuracies = np.array([[0.7, 0.7, 0.7], [0.9, 0.9, 0.9]])
    >>> made_up = Comparison(["pixels", "glass"], np.array([1024, 96]), separation, accuracies, np.ones(2), "lda")
    >>> print(plot_block(made_up, "pixels").alt)  # doctest: +NORMALIZE_WHITESPACE
    pixels: accuracy 70.0 %, place 2 of 2 blocks; Fisher ratio 0.50, nearest neighbours alike 50.0%, 1024 features.
    """
    row = found.names.index(check_choice(chosen, found.names, name="chosen"))
    accuracy = 100 * found.accuracy
    figure = Picture(figsize=(8.2, 3))
    figure.subplots_adjust(
        left=0.08, right=0.985, bottom=0.23, top=0.82, wspace=0.08
    )  # as for all blocks: it stays put
    panels = (
        (MEASURES["fisher"], found.separation["fisher"], f"{found.separation['fisher'][row]:.2f}"),
        ("nearest neighbours alike, after Layer 1", found.separation["neighbours"], _percent(found, row)),
        ("number of features", found.n_features, str(found.n_features[row])),
    )
    for ax, (label, values, value) in zip(figure.subplots(1, 3, sharey=True), panels, strict=True):
        ax.plot(values, accuracy, "o", color="0.7", ms=4, label="the other blocks")
        ax.errorbar(values[row], accuracy[row], 100 * found.margin[row], fmt="D", color=PALETTE[1], capsize=3, ms=7)
        ax.set(xlabel=label, title=value)
        ax.grid(color="0.9")
    figure.axes[0].set_ylabel(f"accuracy of {found.classifier} (%)")
    limits = 0.7 * found.n_features.min(), 1.5 * found.n_features.max()
    figure.axes[2].set(xscale="log", xticks=(10, 100, 1000), xticklabels=("10", "100", "1000"), xlim=limits)
    figure.axes[2].minorticks_off()
    place = int((found.accuracy > found.accuracy[row]).sum()) + 1
    figure.suptitle(
        f"{chosen}: {accuracy[row]:.1f} ± {100 * found.margin[row]:.1f} %, place {place} of {len(accuracy)}"
    )
    figure.alt = (
        f"{chosen}: accuracy {accuracy[row]:.1f} %, place {place} of {len(accuracy)} blocks; Fisher ratio "
        f"{panels[0][2]}, nearest neighbours alike {panels[1][2]}, {panels[2][2]} features."
    )
    return figure


@styled
def plot_ranks(found: Mapping[str, Comparison]) -> Figure:
    """Show how well each measure ranks blocks: its rank correlation with the accuracy, with a 95 % interval.

    Parameters
    ----------
    found : dict from a name, such as that of the images, to a Comparison

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.design import MEASURES, Comparison
    >>> from equibook.plots import plot_ranks
    >>> separation = dict.fromkeys(MEASURES, np.array([1.0, 2.0, 3.0, 4.0]))
    >>> separation["neighbours"] = np.array([0.9, 0.8, 0.7, 0.6])  # goes the other way
    >>> accuracies = np.array([[0.6, 0.7], [0.7, 0.8], [0.8, 0.9], [0.9, 1.0]])
    >>> names = ["pixels", "k0", "power", "cross"]
    >>> made_up = Comparison(names, np.array([256, 32, 64, 96]), separation, accuracies, np.ones(4), "lda")
    >>> print(plot_ranks({"made up": made_up}).alt)  # doctest: +NORMALIZE_WHITESPACE
    Rank correlation of each measure with the accuracy. made up: fisher 1.00, fisher_reduced 1.00, ratio 1.00,
    neighbours -1.00.
    """
    figure = Picture(figsize=(7.6, 0.6 + 0.42 * len(MEASURES) * max(1, len(found) / 2)), layout="constrained")
    ax = figure.add_subplot()
    said = []
    for i, (name, one) in enumerate(found.items()):
        look: dict[str, Any] = {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}
        ranks = np.array([one.rank_correlation(by) for by in MEASURES])
        places = np.arange(len(MEASURES)) + 0.8 * ((i + 0.5) / len(found) - 0.5)
        errors = np.abs(ranks[:, 1:] - ranks[:, :1]).T
        ax.errorbar(ranks[:, 0], places, xerr=errors, ls="", capsize=2, lw=1, label=name, **look)
        listed = ", ".join(f"{by} {r:.2f}" for by, (r, _, _) in zip(MEASURES, ranks, strict=True))
        said.append(f"{name}: {listed}")
    ax.axvline(0, color="0.35", linewidth=1)
    ax.set(xlim=(-1.05, 1.05), yticks=range(len(MEASURES)), yticklabels=MEASURES.values())
    ax.set(xlabel="rank correlation with the accuracy, with its 95 % interval")
    ax.invert_yaxis()
    ax.grid(axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=3)
    figure.alt = f"Rank correlation of each measure with the accuracy. {'; '.join(said)}."
    return figure


@styled
def plot_confusion(y: Any, predicted: Any, *, title: str = "") -> Figure:
    """Show which classes are taken for which: a table of numbers of images, its diagonal left grey.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        True classes.
    predicted : array-like of shape (n_samples,)
    title : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> from equibook.plots import plot_confusion
    >>> plot_confusion([6, 6, 6, 9, 9, 9], [6, 9, 9, 9, 9, 6], title="Turned digits").alt
    'Turned digits: 3 of 6 images are read wrong. Most often 6 is taken for 9, 2 times.'
    """
    truth = check_labels(y, len(y) if hasattr(y, "__len__") else 0)
    answers = check_labels(predicted, len(truth))
    classes = np.unique(np.concatenate([truth, answers]))
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (np.searchsorted(classes, truth), np.searchsorted(classes, answers)), 1)
    wrong = counts - np.diag(np.diag(counts))
    side = 1.6 + 0.34 * len(classes)
    figure = Picture(figsize=(side + 0.6, side), layout="constrained")
    ax = figure.add_subplot()
    ax.imshow(
        np.where(np.eye(len(classes), dtype=bool), np.nan, wrong), cmap="cividis", vmin=0, vmax=max(1, wrong.max())
    )
    ax.set_facecolor("0.85")
    for (i, j), count in np.ndenumerate(counts):
        light = i != j and count < 0.5 * wrong.max()
        ax.text(j, i, count, ha="center", va="center", size=8, color="white" if light else "black")
    ax.set_xticks(range(len(classes)), classes)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="read as", ylabel="true class", title=title)
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    figure.alt = (
        f"{title or 'Confusions'}: {wrong.sum()} of {len(truth)} images are read wrong. Most often {classes[i]} is "
        f"taken for {classes[j]}, {wrong.max()} times."
    )
    return figure


@styled
def plot_nuisances(found: NuisanceTable) -> Figure:
    """Show the accuracy of each block under each nuisance as a table of shades with numbers.

    Parameters
    ----------
    found : NuisanceTable

    Returns
    -------
    Figure
        The most accurate of each column is framed.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.nuisances import NuisanceTable
    >>> from equibook.plots import plot_nuisances
    >>> accuracies = np.array([[[0.9, 1.0], [0.4, 0.6]], [[0.9, 0.9], [0.8, 1.0]]])
    >>> made_up = NuisanceTable(["pixels", "glass"], ["none", "turns"], accuracies, "lda")
    >>> print(plot_nuisances(made_up).alt)  # doctest: +NORMALIZE_WHITESPACE
    Accuracy of lda for 2 blocks by nuisance. none: best pixels with 95.0 %; turns: best glass with 90.0 %.
    """
    accuracy = 100 * found.accuracy
    n_blocks, n_nuisances = accuracy.shape
    figure = Picture(figsize=(1.8 + 0.82 * n_nuisances, 0.9 + 0.36 * n_blocks), layout="constrained")
    ax = figure.add_subplot()
    ax.imshow(accuracy, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(accuracy):
        best = value == accuracy[:, column].max()
        look: dict[str, Any] = {"bbox": {"facecolor": "none", "edgecolor": "black", "pad": 2}} if best else {}
        shade = "black" if value > 50 else "white"
        if best and value <= 50:
            look["bbox"]["edgecolor"] = "white"
        ax.text(column, row, f"{value:.1f}", ha="center", va="center", color=shade, fontsize=8, **look)
    ax.set(xticks=range(n_nuisances), yticks=range(n_blocks), yticklabels=found.names)
    ax.set_xticklabels([name.replace(" ", "\n", 1) for name in found.nuisances])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    listed = "; ".join(
        f"{name}: best {found.best(name)} with {column.max():.1f} %"
        for name, column in zip(found.nuisances, accuracy.T, strict=True)
    )
    figure.alt = f"Accuracy of {found.classifier} for {n_blocks} blocks by nuisance. {listed}."
    return figure


def _draw_numbered(ax: Axes, found: Comparison, values: np.ndarray) -> None:
    accuracy = 100 * found.accuracy
    ax.errorbar(values, accuracy, 100 * found.margin, fmt="o", color=PALETTE[0], capsize=2, lw=1)
    for i, name in enumerate(found.names):
        ax.annotate(f" {i + 1}", (values[i], accuracy[i]), textcoords="offset points", xytext=(4, 4), fontsize=8)
        ax.plot([], [], " ", label=f"{i + 1}  {name}")


def _draw_kinds(ax: Axes, found: Comparison, values: np.ndarray, kinds: np.ndarray) -> None:
    for i, kind in enumerate(dict.fromkeys(kinds.tolist())):
        rows = kinds == kind
        look: dict[str, Any] = {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}
        accuracy, margin = 100 * found.accuracy[rows], 100 * found.margin[rows]
        ax.errorbar(values[rows], accuracy, margin, ls="", ms=5, capsize=0, lw=0.6, label=kind, **look)


def _percent(found: Comparison, row: int) -> str:
    return f"{found.separation['neighbours'][row]:.1%}"
