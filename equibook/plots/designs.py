"""Figures of design: class separation against accuracy, one point a block."""

from matplotlib.figure import Figure

from equibook._checks import check_choice
from equibook.design import MEASURES, Comparison
from equibook.drawing import PALETTE
from equibook.plots.figures import Picture, styled


@styled
def plot_comparison(found: Comparison, by: str = "fisher") -> Figure:
    """Show for each block its class separation and its accuracy, with the deviation over the parts held back.

    Parameters
    ----------
    found : Comparison
    by : {"fisher", "fisher_reduced", "ratio"}

    Returns
    -------
    Figure
        The title gives the rank correlation with its interval.
    """
    values = found.separation[check_choice(by, MEASURES, name="by")]
    correlation, low, high = found.rank_correlation(by)
    figure = Picture(figsize=(7.4, 4), layout="constrained")
    ax = figure.add_subplot()
    spread = 100 * found.accuracies.std(axis=1, ddof=1)
    ax.errorbar(values, 100 * found.accuracy, spread, fmt="o", color=PALETTE[0], capsize=2, lw=1)
    for i, name in enumerate(found.names):
        place = (values[i], 100 * found.accuracy[i])
        ax.annotate(f" {i + 1}", place, textcoords="offset points", xytext=(4, 4), fontsize=8)
        ax.plot([], [], " ", label=f"{i + 1}  {name}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=0, handletextpad=0)
    title = f"rank correlation {correlation:.2f} ({low:.2f} to {high:.2f})"
    ax.set(xlabel=MEASURES[by], ylabel=f"accuracy of {found.classifier} (%)", title=title)
    ax.grid(color="0.9")
    best, widest = found.names[int(found.accuracy.argmax())], found.names[int(values.argmax())]
    figure.alt = (
        f"{MEASURES[by]} against accuracy for {len(found.names)} blocks: {title}. The most accurate is {best}, the one "
        f"with the largest separation {widest}."
    )
    return figure
