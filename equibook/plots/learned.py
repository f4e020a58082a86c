"""Figures of learned networks: how training went, and what each reads upright and turned."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from equibook.drawing import PALETTE
from equibook.learned import NetworkClassifier
from equibook.plots.figures import Picture, styled


@styled
def plot_training(models: Mapping[str, NetworkClassifier], accuracy: Mapping[str, Sequence[float]]) -> Figure:
    """Show the loss on the part set aside by epoch, and two accuracies a network.

    Parameters
    ----------
    models : dict from a name to a fitted NetworkClassifier
    accuracy : dict from a name to a pair of float
        On upright and on turned images.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.learned import NetworkClassifier
    >>> from equibook.plots import plot_training
    >>> model = NetworkClassifier()
    >>> model.history_ = np.array([[0.9, 0.8], [0.5, 0.6], [0.3, 0.7]])  # losses in training and aside, made up
    >>> model.best_epoch_ = 1  # counted from 0
    >>> picture = plot_training({"a network": model}, {"a network": (0.9, 0.5)})
    >>> curve, mark = picture.axes[0].lines
    >>> curve.get_xdata().tolist(), [int(epoch) for epoch in mark.get_xdata()]
    ([1, 2, 3], [2])
    >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
    The loss on images set aside by epoch, and accuracies in per cent. a network: 90 upright, 50 turned.
    """
    figure = Picture(figsize=(8.4, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, (name, model) in enumerate(models.items()):
        losses, best = model.history_[:, 1], model.best_epoch_
        left.semilogy(
            np.arange(1, len(losses) + 1), losses, color=PALETTE[i], ls=("-", "--", ":", "-.")[i % 4], label=name
        )
        left.plot(best + 1, losses[best], "osD^"[i % 4], color=PALETTE[i])
    left.set(xlabel="epoch", ylabel="cross-entropy, images set aside", title="training; the mark is what is kept")
    left.legend()
    places = np.arange(len(accuracy))
    for j, (part, hatch) in enumerate((("upright", ""), ("turned", "//"))):
        shares = [100 * pair[j] for pair in accuracy.values()]
        bars = right.bar(
            places + 0.4 * j - 0.2, shares, 0.38, color=PALETTE[j], hatch=hatch, edgecolor="white", label=part
        )
        right.bar_label(bars, fmt="%.0f")
    right.set_xticks(places, list(accuracy))
    right.set(ylabel="accuracy (%)", ylim=(0, 118), title="test images")
    right.legend(loc="upper right", ncols=2)
    words = "; ".join(f"{name}: {100 * a:.0f} upright, {100 * b:.0f} turned" for name, (a, b) in accuracy.items())
    figure.alt = f"The loss on images set aside by epoch, and accuracies in per cent. {words}."
    return figure
