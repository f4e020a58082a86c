"""Figures of symmetries: tables, actions, distances and orbits are those that were given, and nothing is cut off."""

import re
from itertools import combinations

import numpy as np
import pytest

from equibook import actions, datasets, drawing, orbits, plots
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.shapes import draw_shape

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
D4, C8, L = DihedralGroup(4), CyclicGroup(8), draw_shape("L")[None]
X, Y = datasets.load_digits(classes=(3, 8))
ORBITS, LABELS = orbits.orbit(X[:6], CyclicGroup(12)), Y[:6]
PLANES = {name: np.random.default_rng(i).normal(size=(6, 12, 2)) for i, name in enumerate(("one plane", "another"))}
OWN = np.abs(np.random.default_rng(0).normal(size=(9, 25))) + 1
LEVELS = {"another of its class, mean": 1.5, "one of the other class, mean": 2.5}


@pytest.fixture(scope="module")
def figures():
    names = [f"t{i}" for i in range(8)]
    return {
        "table": plots.plot_cayley_table(D4),
        "table of one": plots.plot_cayley_table(CyclicGroup(1), picture=L),
        "table with pictures": plots.plot_cayley_table(D4, picture=L),
        "table of sixteen": plots.plot_cayley_table(DihedralGroup(8), picture=L),
        "action": plots.plot_action(L, actions.act(D4.elements[5], L), D4, D4.elements[5]),
        "action with names": plots.plot_action(X[:1], X[:1], C8, C8.elements[7], names=names),
        "distance": plots.plot_distance_by_angle(range(0, 361, 15), OWN, LEVELS),
        "orbits": plots.plot_orbits(ORBITS, LABELS, PLANES, step=4, titles=["nearest upright: 8 ✗"] * 2),
        "orbits of one class": plots.plot_orbits(ORBITS[:2], [1, 1], {"plane": PLANES["another"][:2]}),
    }


KINDS = (
    "table", "table of one", "table with pictures", "table of sixteen", "action", "action with names", "distance",
    "orbits", "orbits of one class",
)  # fmt: skip


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def overlapping(figure):
    """Return the pairs of axes, with all their labels, that cover more than a few pixels of each other."""
    figure.draw_without_rendering()
    boxes = {i: ax.get_tightbbox() for i, ax in enumerate(figure.axes)}

    def shared(a, b):
        width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        return min(width, height)

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


def test_a_table_names_what_stands_in_its_cells(figures):
    (ax,) = figures["table"].axes
    names, table = orbits.symbols(D4), D4.cayley_table()
    assert texts_of(ax) == [names[i] for i in table.ravel()]
    assert [label.get_text() for label in ax.get_xticklabels()] == names


def test_colours_of_cells_tell_elements_apart():
    shown = plots.plot_cayley_table(D4).axes[0].images[0].get_array()
    colours = shown.reshape(-1, 3)
    for colour, element in zip(colours, D4.cayley_table().ravel(), strict=True):
        assert (element == D4.cayley_table().ravel()[(colours == colour).all(axis=1)]).all()
    assert (shown.min(axis=-1) > 0.05).all()  # light enough for black letters


def test_heads_are_the_moved_picture(figures):
    (ax,) = figures["table with pictures"].axes
    heads = ax.images[1:]
    assert len(heads) == 16
    for i, g in enumerate(D4):
        for head in heads[2 * i : 2 * i + 2]:
            assert np.array_equal(head.get_array(), actions.act(g, L)[0])


def test_words_tell_whether_a_group_commutes():
    assert "it is the same table" in plots.plot_cayley_table(C8).alt
    assert "it is another table" in plots.plot_cayley_table(D4).alt


@pytest.mark.parametrize("place", range(8))
def test_the_framed_row_is_that_of_the_element(place):
    g = D4.elements[place]
    before, after, table = plots.plot_action(L, actions.act(g, L), D4, g).axes
    row, cell = table.patches
    assert row.get_y() + 0.5 == place and row.get_width() == 8
    column = round(cell.get_x() + 0.45)
    assert D4.elements[column] == D4.inverse(g) and texts_of(table)[8 * place + column] == "e"
    assert np.array_equal(before.images[0].get_array(), L[0])
    assert np.array_equal(after.images[0].get_array(), actions.act(g, L)[0])
    names = orbits.symbols(D4)
    assert after.get_title(loc="left") == f"g·x, g = {names[place]}, undone by {names[column]}"


def test_distances_are_drawn_as_given(figures):
    (ax,) = figures["distance"].axes
    mean, *levels = ax.lines
    assert np.allclose(mean.get_ydata(), OWN.mean(axis=0))
    assert [line.get_ydata()[0] for line in levels] == list(LEVELS.values())
    assert len({line.get_linestyle() for line in ax.lines}) == 3  # told apart without colour
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isclose(band.max(), np.quantile(OWN, 0.95, axis=0).max())


def test_orbits_are_closed_lines_and_marks_lie_at_the_step(figures):
    of_3, of_8, first, second = figures["orbits"].axes
    rows = [np.flatnonzero(digit == LABELS)[0] for digit in (3, 8)]
    for ax, row in ((of_3, rows[0]), (of_8, rows[1])):
        assert np.array_equal(ax.images[0].get_array(), ORBITS[row, 4, 0])
    for ax, points in ((first, PLANES["one plane"]), (second, PLANES["another"])):
        lines = [line.get_xydata() for line in ax.lines]
        closed = [line for line in lines if len(line) == 13]
        assert len(closed) == 6 and all(np.array_equal(line[0], line[-1]) for line in closed)
        marks = [line[0] for line in lines if len(line) == 1]
        assert np.array_equal(marks, points[rows, 4])
    assert {line.get_marker() for line in first.lines if len(line.get_xdata()) == 1} == {"*", drawing.MARKERS[0]}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plots.plot_action(L, L, D4, D4.elements[0], names="ab"),
            "`names` must hold 8, one per element, got 2",
        ),
        (lambda: plots.plot_distance_by_angle([0, 1], OWN, {}), "`own` must have shape (n_samples, 2), got (9, 25)"),
        (lambda: plots.plot_orbits(ORBITS, range(6), PLANES), "`labels` must hold at most 4 classes, got 6"),
        (lambda: plots.plot_orbits(ORBITS[:5], LABELS[:5], PLANES), "`planes` must have shape (5, 12, 2), a place"),
        (
            lambda: plots.plot_orbits(ORBITS, LABELS, PLANES, titles=["a"]),
            "`titles` must hold one title per class, got 1 for 2 classes",
        ),
        (lambda: plots.plot_orbits(ORBITS, LABELS, PLANES, step=12), "`step` must be from 0 to 11, got 12"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
