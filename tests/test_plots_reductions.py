"""Figures of dimension reduction: what is drawn is what was given, and nothing is cut off or covered."""

import re
from itertools import combinations

import numpy as np
import pytest

from equibook import actions, datasets, plots
from equibook.orbit_pca import OrbitPCA
from equibook.plots.reductions import count_components

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
SHARES = {"pixels": [0.5, 0.25, 0.125, 0.0625], "glass box": np.full(40, 1 / 40)}
X, Y = datasets.load_digits(classes=(3, 8), size=16)
KNOWN, ORBIT, IMAGES = RNG.normal(size=(30, 5)), 3 * RNG.normal(size=(8, 5)), X[:8]
PLANE = (SHARES["pixels"], KNOWN, Y[:30], ORBIT, IMAGES)
FITTED = OrbitPCA(6, symmetry="C4").fit(X[:40])
EIGEN = FITTED.components_.reshape(-1, 1, 16, 16)
PAIR = FITTED.blocks_.index("E1")
COUNTS = [1, 2, 5, 25]
ACCURACIES = {"validated": [0.6, 0.7, 0.9, 1.0], "test": [0.6, 0.7, 0.9, 0.8]}


@pytest.fixture(scope="module")
def figures():
    return {
        "scree": plots.plot_scree(SHARES),
        "scree and plane": plots.plot_scree_and_plane(*PLANE, step=3, first=2),
        "accuracy": plots.plot_accuracy_by_components(
            COUNTS, ACCURACIES, errors={"test": [0.1, 0.1, 0.1, 0.1]}, chosen=5
        ),
        "accuracy, plain": plots.plot_accuracy_by_components(COUNTS, ACCURACIES),
        "pair": plots.plot_turned_component(EIGEN, PAIR, 90, partner=PAIR + 1),
        "alone": plots.plot_turned_component(EIGEN, 0, 90),
    }


KINDS = ("scree", "scree and plane", "accuracy", "accuracy, plain", "pair", "alone")


def overlapping(figure):
    """Return the pairs of axes, with all their labels, that cover more than a few pixels of each other."""
    figure.draw_without_rendering()
    boxes = {i: ax.get_tightbbox() for i, ax in enumerate(figure.axes)}

    def shared(a, b):
        return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))

    return [(i, j) for i, j in combinations(boxes, 2) if shared(boxes[i], boxes[j]) > 3]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_words_and_nothing_is_cut_off_or_covered(figures, kind):
    figure = figures[kind]
    assert len(figure.alt) > 20 and figure.alt.endswith(".")
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert max(-box.x0, -box.y0, box.x1 - width, box.y1 - height) < 0.01
    assert overlapping(figure) == []


def test_the_kinds_are_all(figures):
    assert set(KINDS) == set(figures)


@pytest.mark.parametrize(("level", "expected"), [(0.5, 1), (0.500001, 2), (0.75, 2), (0.9, 4), (0.9375, 4), (0.95, 0)])
def test_components_are_counted_until_the_level_is_reached(level, expected):
    assert count_components(SHARES["pixels"], level) == expected


def test_a_scree_shows_the_shares_and_marks_the_level(figures):
    left, right = figures["scree"].axes
    for line, values in zip(left.lines, SHARES.values(), strict=True):
        assert np.allclose(line.get_ydata(), 100 * np.asarray(values)[:20])
    curves = [line for line in right.lines if len(line.get_xdata()) > 2]
    for line, values in zip(curves, SHARES.values(), strict=True):
        assert np.allclose(line.get_ydata(), 100 * np.cumsum(values))
    marks = [line.get_xdata()[0] for line in right.lines if len(line.get_xdata()) == 1]
    assert marks == [4, 36] and [text.get_text() for text in right.texts] == ["4", "36"]
    assert len({line.get_linestyle() for line in curves}) == 2  # told apart without colour
    assert "none reach 95%" in plots.plot_scree({"pixels": SHARES["pixels"]}, level=0.95).alt


def test_the_plane_is_that_of_the_chosen_components_and_the_star_at_the_step(figures):
    seen, scree, plane = figures["scree and plane"].axes
    assert np.array_equal(seen.images[0].get_array(), IMAGES[3, 0])
    assert [i for i, bar in enumerate(scree.patches) if bar.get_hatch()] == [1, 2]
    closed = next(line.get_xydata() for line in plane.lines if len(line.get_xdata()) == 9)
    assert np.array_equal(closed[:-1], ORBIT[:, 1:3]) and np.array_equal(closed[0], closed[-1])
    (star,) = [line.get_xydata()[0] for line in plane.lines if line.get_marker() == "*"]
    assert np.array_equal(star, ORBIT[3, 1:3])
    points = [line.get_xydata() for line in plane.lines if line.get_linestyle() == "None" and line.get_marker() in "os"]
    for found, digit in zip(points, (3, 8), strict=True):
        assert np.array_equal(found, KNOWN[Y[:30] == digit][:, 1:3])


def test_accuracies_are_drawn_as_given(figures):
    (ax,) = figures["accuracy"].axes
    for line, values in zip(ax.lines, ACCURACIES.values(), strict=False):
        assert np.allclose(line.get_ydata(), 100 * np.asarray(values)) and list(line.get_xdata()) == COUNTS
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert np.isclose(heights.max(), 100) and np.isclose(heights.min(), 50)
    assert ax.lines[3].get_xdata()[0] == 5 and "5 chosen" in ax.texts[0].get_text()
    (plain,) = figures["accuracy, plain"].axes
    assert len(plain.lines) == 3 and not plain.collections and not plain.texts


def test_of_a_pair_a_quarter_turn_leaves_no_rest_and_without_its_partner_it_does(figures):
    assert "a rest of 0% of its length" in figures["pair"].alt
    first, second, turned, rest = (ax.images[0].get_array() for ax in figures["pair"].axes)
    assert np.array_equal(first, EIGEN[PAIR, 0]) and np.array_equal(second, EIGEN[PAIR + 1, 0])
    assert np.allclose(turned, actions.rotate(EIGEN[PAIR : PAIR + 1], 90)[0, 0]) and np.abs(rest).max() <= 1e-12
    assert "a rest of 100% of its length" in plots.plot_turned_component(EIGEN, PAIR, 90).alt
    assert not figures["alone"].axes[1].images


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_scree({}), "`shares` must hold 1 to 4 sequences, got 0"),
        (lambda: plots.plot_scree({"a": [0.5]}, level=90), "`level` must be above 0 and at most 1, got 90"),
        (lambda: plots.plot_scree({"a": [3.0, 1.0]}), "`shares` must be shares of 1 in a row, got (2,) for 'a'"),
        (lambda: plots.plot_scree_and_plane(*PLANE, first=4), "`first` must be from 1 to 3, got 4"),
        (lambda: plots.plot_scree_and_plane(*PLANE, step=8), "`step` must be from 0 to 7, got 8"),
        (
            lambda: plots.plot_scree_and_plane(*PLANE[:4], IMAGES[:3]),
            "`images` must hold one for each of 8 points, got 3",
        ),
        (
            lambda: plots.plot_accuracy_by_components([1, 2], ACCURACIES),
            "`accuracies` must fit the 2 counts, got 4 for 'validated'",
        ),
        (lambda: plots.plot_turned_component(EIGEN, 9, 0), "`i` and `partner` must be from 0 to 5, got 9"),
        (lambda: plots.plot_turned_component(EIGEN, 0, 0, partner=-1), "must be from 0 to 5, got -1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
