"""Figures of sensitivity: accuracy against one thing that changes, for each classifier."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from equibook.drawing import MARKERS, PALETTE
from equibook.plots.figures import Picture, styled
from equibook.sensitivity import Sensitivity

DASHES = ("-", "--", ":", "-.")


@styled
def plot_sensitivity(found: Sensitivity) -> Figure:
    """Show the mean accuracy of each classifier at each amount, with its 95 % interval.

    Parameters
    ----------
    found : Sensitivity

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.plots import plot_sensitivity
    >>> from equibook.sensitivity import Sensitivity
    >>> made_up = {"lda": np.array([[0.9, 1.0], [0.5, 0.7]]), "ridge": np.array([[0.8, 1.0], [0.5, 0.6]])}
    >>> plot_sensitivity(Sensitivity("angle", np.array([0.0, 90.0]), made_up)).alt
    'Accuracy by angle (°), from 0 to 90: lda 95 to 60 %, ridge 90 to 55 %.'
    """
    figure = Picture(figsize=(7.6, 3.4), layout="constrained")
    ax = figure.add_subplot()
    for i, name in enumerate(found.accuracies):
        look: dict[str, Any] = {
            "color": PALETTE[i % len(PALETTE)],
            "marker": MARKERS[i % len(MARKERS)],
            "linestyle": DASHES[i // 2 % len(DASHES)],
        }
        margin = np.nan_to_num(100 * found.margin(name))
        ax.errorbar(found.amounts, 100 * found.mean(name), margin, label=name, markersize=4, capsize=2, **look)
    ax.set(xlabel=found.unit, ylabel=f"{found.what} (%)", title="Mean over random splits, with 95 % intervals")
    ax.grid(axis="y", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ends = [
        f"{name} {100 * found.mean(name)[0]:.0f} to {100 * found.mean(name)[-1]:.0f} %" for name in found.accuracies
    ]
    first, last = found.amounts[0], found.amounts[-1]
    figure.alt = f"Accuracy by {found.unit}, from {first:g} to {last:g}: {', '.join(ends)}."
    return figure
