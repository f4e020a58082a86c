"""Figures that compare: what they show is what was measured, and their words say it."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from equibook import actions, plots
from equibook.probes import cka, lie_derivative, read_out, shift_consistency, turned_copies

X = np.random.default_rng(0).random((12, 1, 12, 12))
Y = np.arange(12) % 3
ANGLES = (0, 45, 90)
ACCURACY = {"one": [1.0, 0.5, 0.25], "two": [0.9, 0.9, 0.9]}
MOVED = {"one": [0.0, 0.7, 1.1], "two": [0.0, 0.01, 0.01]}
ANSWERS = {"one": Y[:4], "two": (Y[:4] + 1) % 3}
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(96, 3)).double()


@pytest.fixture(scope="module")
def readouts():
    rows = np.random.default_rng(0).normal(size=(60, 5)) + np.arange(60)[:, None] % 3
    kinds = {kind: {"train": rows[:30], "test": rows[30:] * factor} for kind, factor in {"a": 1, "b": -1}.items()}
    return read_out(kinds, np.arange(30) % 3, np.arange(30) % 3, sizes=[6, 30])


def test_cka_is_drawn_with_its_control(net):
    found = {name: cka(net, X, partial(actions.rotate, angle=angle)) for name, angle in {"90°": 90, "10°": 10}.items()}
    figure = plots.plot_cka(found)
    one, control, two, _ = figure.axes[0].lines
    assert np.array_equal(one.get_ydata(), found["90°"].similarity)
    assert np.array_equal(control.get_ydata(), found["90°"].shuffled)
    assert np.array_equal(two.get_ydata(), found["10°"].similarity) and one.get_linestyle() != two.get_linestyle()
    assert "90°: 0 " in figure.alt and "Shuffled" in figure.alt
    assert "rotate" in found["90°"].plot().alt


def test_local_errors_are_drawn_over_their_control(net):
    found = lie_derivative(net, X, "rotation")
    figure = found.plot()
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx(found.error / found.control)
    assert "rotation: 0 " in figure.alt and figure.axes[0].get_legend().get_texts()[-1].get_text() == "unrelated change"
    blank = lie_derivative({"nothing": lambda x: 0 * x}, X)
    assert blank.plot().axes[0].lines[0].get_ydata() == [0]


def test_each_shift_has_its_square(net):
    pairs = [(right, up) for up in (3, -3) for right in (-1, 0, 2)]
    found = shift_consistency(net, X, pairs)
    figure = plots.plot_shifts({"net": found, "again": found})
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert shown.shape == (2, 3) and shown.ravel() == pytest.approx(100 * found.consistency)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["3", "-3"]
    assert f"net {found.mean:.1%}" in figure.alt
    assert found.plot().axes[0].get_title(loc="left") == f"{found.mean:.1%}"
    all_but_none = shift_consistency(net, X, 1).plot().axes[0]
    assert len(all_but_none.texts) == 8 and np.ma.count(all_but_none.images[0].get_array()) == 8


@pytest.mark.parametrize("n_channels", [1, 3, 5])
def test_families_of_kernels_are_shown(n_channels):
    kernel = np.random.default_rng(n_channels).normal(size=(n_channels, 5, 5))
    other = np.random.default_rng(9).normal(size=(n_channels, 5, 5))
    found = turned_copies(np.stack([kernel, np.rot90(kernel, axes=(1, 2)), other, -kernel]), threshold=0.99)
    figure = found.plot()
    shown = [ax.get_title() for ax in figure.axes[1:] if ax.images]
    assert shown == ["0", "1", "3"] and "families of sizes 3" in figure.alt
    lonely = turned_copies(np.stack([kernel, other]), threshold=0.99).plot()
    assert not any(ax.images for ax in lonely.axes[1:]) and "sizes none" in lonely.alt


def test_readouts_have_a_panel_a_test_and_a_curve_a_kind(readouts):
    figure = plots.plot_readouts(readouts, chance=1 / 3)
    ax = figure.axes[0]
    assert ax.lines[0].get_ydata() == pytest.approx(100 * readouts["test"].mean("a"))
    assert ax.lines[1].get_ydata() == pytest.approx(100 * readouts["test"].mean("b"))
    assert ax.get_title(loc="left") == "tested test" and ax.lines[2].get_ydata()[0] == pytest.approx(100 / 3)
    assert f"a {readouts['test'].mean('a')[0]:.0%} to" in figure.alt


def test_two_models_on_one_screen():
    figure = plots.plot_two_models(X[:4], Y[:4], ANSWERS, ANGLES, ACCURACY, MOVED, angle=45)
    titles = [ax.get_title() for ax in figure.axes[:4]]
    assert titles[0] == "o: 0 ✓\nt: 1 ✗"
    left, right = figure.axes[4:]
    assert left.lines[0].get_ydata().tolist() == [100, 50, 25] and left.lines[2].get_xdata() == [45, 45]
    assert right.lines[1].get_ydata().tolist() == MOVED["two"]
    assert "one: 50% right at 45°, features moved by 0.70" in figure.alt


def test_planes_show_the_classes_and_count_what_lies_beyond():
    points = np.random.default_rng(0).normal(size=(12, 3))
    points[0, 0] = 50
    figure = plots.plot_planes({"a": points, "b": points / 100}, Y, title="turned")
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [4, 4, 4]
    assert "1 points lie beyond" in figure.alt and figure.axes[1].get_title(loc="left") == "b"
    assert "beyond" not in plots.plot_planes({"b": points / 100}, Y).alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: plots.plot_cka({}), "`found` must hold at least one, got none"),
        (lambda net: plots.plot_shifts({}), "`found` must hold at least one, got none"),
        (lambda net: plots.plot_planes({}, Y), "`points` must hold at least one, got none"),
        (
            lambda net: plots.plot_lie({"a": lie_derivative(net, X), "b": lie_derivative(net, X, stages="0")}),
            "`found` must be of the same stages, got",
        ),
        (
            lambda net: plots.plot_two_models(X[:4], Y[:4], ANSWERS, ANGLES, ACCURACY, MOVED, angle=30),
            "`angle` must be one of [0, 45, 90], got 30",
        ),
    ],
)
def test_bad_input(call, message, net):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call(net)
    assert THREE_PARTS.match(str(caught.value))
