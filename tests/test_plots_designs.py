"""Figures of design: they show the numbers that they claim to show, and say them in words."""

import numpy as np
import pytest

from equibook import plots
from equibook.design import MEASURES, Comparison
from equibook.nuisances import NuisanceTable


def made_up(n=5):
    rng = np.random.default_rng(0)
    separation = {by: rng.random(n) for by in MEASURES}
    names = [f"block {i}" for i in range(n)]
    return Comparison(names, 10 + 5 * np.arange(n), separation, rng.random((n, 3)), np.ones(n), "lda")


FOUND = made_up()


@pytest.mark.parametrize("by", MEASURES)
def test_points_are_separation_and_accuracy(by):
    figure = plots.plot_comparison(FOUND, by)
    (ax,) = figure.axes
    np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), 100 * FOUND.accuracy)
    np.testing.assert_allclose(ax.containers[0].lines[0].get_xdata(), FOUND.separation[by])
    assert f"{FOUND.rank_correlation(by)[0]:.2f}" in ax.get_title(loc="left") and ax.get_xlabel() == MEASURES[by]
    assert figure.alt.startswith(f"{MEASURES[by]} against accuracy for 5 blocks")
    assert [text.get_text() for text in ax.get_legend().get_texts()][2] == "3  block 2"


def test_kinds_have_colour_and_marker():
    (ax,) = plots.plot_comparison(FOUND, kinds=["a", "b", "a", "b", "b"]).axes
    first, second = ax.containers
    np.testing.assert_allclose(first.lines[0].get_ydata(), 100 * FOUND.accuracy[[0, 2]])
    assert first.get_label() == "a" and first.lines[0].get_marker() != second.lines[0].get_marker()
    assert first.lines[0].get_color() != second.lines[0].get_color()


def test_one_block_among_others():
    figure = plots.plot_block(FOUND, "block 3")
    shown = FOUND.separation["fisher"], FOUND.separation["neighbours"], FOUND.n_features
    for ax, values in zip(figure.axes, shown, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_xdata(), values)
        (x, y) = ax.containers[0].lines[0].get_data()
        assert (float(x[0]), float(y[0])) == (values[3], 100 * FOUND.accuracy[3])
    place = 1 + int((FOUND.accuracy > FOUND.accuracy[3]).sum())
    assert f"place {place} of 5" in figure.get_suptitle() and f"place {place} of 5" in figure.alt


def test_ranks_have_their_intervals():
    figure = plots.plot_ranks({"digits": FOUND, "others": made_up(8)})
    (ax,) = figure.axes
    ranks = np.array([FOUND.rank_correlation(by) for by in MEASURES])
    np.testing.assert_allclose(ax.containers[0].lines[0].get_xdata(), ranks[:, 0])
    low, high = (np.array([end[i, 0] for end in ax.containers[0].lines[2][0].get_segments()]) for i in (0, 1))
    np.testing.assert_allclose(low, ranks[:, 1])
    np.testing.assert_allclose(high, ranks[:, 2])
    assert f"digits: fisher {ranks[0, 0]:.2f}" in figure.alt and "others: fisher" in figure.alt


def test_nuisances_as_a_table_of_shades():
    table = NuisanceTable(["a", "b"], ["none", "turned by 90°"], np.array([[[0.9], [0.2]], [[0.8], [0.4]]]), "lda")
    figure = plots.plot_nuisances(table)
    (ax,) = figure.axes
    np.testing.assert_allclose(ax.images[0].get_array(), [[90, 20], [80, 40]])
    framed = [text.get_text() for text in ax.texts if text.get_bbox_patch()]
    assert [text.get_text() for text in ax.texts] == ["90.0", "20.0", "80.0", "40.0"] and framed == ["90.0", "40.0"]
    assert "none: best a with 90.0 %; turned by 90°: best b with 40.0 %" in figure.alt


def test_confusions_are_counted_by_true_class_and_answer():
    figure = plots.plot_confusion([3, 3, 3, 8, 8, 5], [3, 8, 8, 8, 3, 5], title="digits")
    (ax,) = figure.axes
    assert [int(text.get_text()) for text in ax.texts] == [1, 0, 2, 0, 1, 0, 1, 0, 1]
    assert figure.alt == "digits: 3 of 6 images are read wrong. Most often 3 is taken for 8, 2 times."
    assert ax.get_xlabel() == "read as" and ax.get_ylabel() == "true class"


def test_unknown_names():
    with pytest.raises(ValueError, match="`chosen` must be one of 'block 0'"):
        plots.plot_block(FOUND, "glass")
    with pytest.raises(ValueError, match="`by` must be one of 'fisher'"):
        plots.plot_comparison(FOUND, "distance")
