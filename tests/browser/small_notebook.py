"""Small notebooks for the tests, and the one with explorers of every kind."""

from pathlib import Path
from textwrap import dedent

import nbformat

CELLS = [
    """
    import warnings

    import numpy as np

    import equibook as eq
    from equibook.explorers import Choice, Explorer, Slider, Toggle
    """,
    """
    def bars(angle=0, lens="none", crossed=False):
        image = np.zeros((64, 64))
        image[:, : 8 + min(angle, 30) // 2 + angle // 50] = 0.5  # angles 30 and 40 look alike
        image[: {"none": 4, "near": 12, "far": 20}[lens]] = 1
        image[50:] = float(crossed)
        return image


    def fails_at_two(n):
        if n == 2:
            raise ValueError("there is no <b>two</b> here")
        return np.full((64, 64), n / 3)


    def curve(power):
        figure = eq.plots.Picture(figsize=(4, 2), layout="constrained")
        figure.subplots().plot(np.arange(5) ** power)
        figure.alt = f"A curve of degree {power}."
        return figure
    """,
    """
    slider = Explorer(bars, angle=Slider(range(0, 60, 10), unit="°"))
    slider
    """,
    """
    choice = Explorer(bars, lens=Choice(["none", "near", "far"], unit="sight", label="which lens"))
    choice
    """,
    """
    toggle = Explorer(bars, crossed=Toggle(("open", "crossed")))
    toggle
    """,
    """
    three = Explorer(
        bars, lens=Choice(["near", "far"]), angle=Slider([0, 10, 20], unit="°"), crossed=Toggle(label="with a bar")
    )
    three
    """,
    """
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        failing = Explorer(fails_at_two, n=Slider(range(4), unit="pieces"))
    failing
    """,
    """
    figure = Explorer(curve, power=Choice([1, 2, 3]))
    figure
    """,
    """
    mute = Explorer(bars, angle=Slider(range(0, 60, 10)))  # one that is broken: it tells Python nothing
    mute.widget._esm = mute.widget._esm.replace("model.save_changes();", "")
    mute
    """,
    'print("the end")',
]
NAMES = ["slider", "choice", "toggle", "three", "failing", "figure", "mute"]  # in the order of the page
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}


def write_notebook(path: Path, sources: list[str] = CELLS) -> None:
    """Write a notebook with these cells; without them, the one with explorers of every kind."""
    cells = [nbformat.v4.new_code_cell(dedent(source).strip()) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), path)
