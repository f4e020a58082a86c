"""Figures of an unfolded network: they show the numbers they claim to show, and say it in words too."""

import numpy as np
import pytest
import torch
from torch import nn

from equibook import plots
from equibook.unfold import unfold_network

GENERATOR = torch.Generator().manual_seed(0)
IMAGE = torch.rand(1, 1, 12, 12, generator=GENERATOR, dtype=torch.float64)


@pytest.fixture(scope="module")
def unfolded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()]
        layers += [nn.Linear(36, 7), nn.ReLU(), nn.Linear(7, 2)]
        return unfold_network(nn.Sequential(*layers).double(), IMAGE)


def shown(ax):
    return np.asarray(ax.images[0].get_array())


def test_a_class_and_its_parts(unfolded):
    figure = plots.plot_unit(unfolded, 1)
    image, template, pixels, biases, *_ = figure.axes
    np.testing.assert_allclose(shown(image), IMAGE[0, 0])
    np.testing.assert_allclose(shown(template), unfolded.rows([1])[0, 0])
    np.testing.assert_allclose(shown(pixels), unfolded.parts(1).pixels[0])
    np.testing.assert_allclose([bar.get_height() for bar in biases.patches], list(unfolded.parts(1).biases.values()))
    assert [text.get_text() for text in biases.get_xticklabels()] == ["0", "3", "6", "8"]
    assert figure.alt.startswith(f"8, unit 1: {unfolded.parts(1).value:+.3f} = pixels")
    assert "12 x 12 pixels" in figure.alt
    low, high = template.images[0].get_clim()
    assert low == -high


def test_what_an_inner_unit_sees_is_framed(unfolded):
    figure = plots.plot_unit(unfolded, (2, 1, 0), "3")
    (frame,) = figure.axes[0].patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((-0.5, 1.5), 8, 8)
    outside = np.ones((12, 12), dtype=bool)
    outside[2:10, :8] = False
    assert np.all(shown(figure.axes[1])[outside] == 0) and np.all(shown(figure.axes[2])[outside] == 0)


def test_a_network_without_biases():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False)).double()
    figure = plots.plot_unit(unfold_network(network, IMAGE), (0, 0, 0))
    assert [text.get_text() for text in figure.axes[3].get_xticklabels()] == ["none"]


def test_parts_on_one_scale(unfolded):
    figure = plots.plot_parts({"a": unfolded.parts(0), "b": unfolded.parts(1)})
    first, second, _ = figure.axes
    assert first.images[0].get_clim() == second.images[0].get_clim()
    np.testing.assert_allclose(shown(second), unfolded.parts(1).pixels[0])
    assert "a: pixels sum to" in figure.alt


def test_gates(unfolded):
    figure = plots.plot_gates(unfolded)
    relu, pool, _, flat, *_ = figure.axes
    np.testing.assert_allclose(shown(relu), (unfolded["1"].gate[0] > 0).double().mean(0))
    assert shown(pool).shape == (10, 10) and shown(pool).sum() == pytest.approx(25)  # one of each 2 x 2 pixels
    cells = shown(flat).ravel()
    np.testing.assert_array_equal(np.ma.filled(cells, np.nan)[:7], unfolded["7"].gate[0])
    assert np.isnan(np.ma.filled(cells, np.nan)[7:]).all()
    assert f"1 {unfolded['1'].open_share:.0%}" in figure.alt and "2 25%" in figure.alt


def test_a_network_without_gates_has_none_to_show():
    network = nn.Sequential(nn.Conv2d(1, 2, 3)).double()
    with pytest.raises(ValueError, match=r"`unfolded` must have gates to be shown, got a network without. Unfold one"):
        plots.plot_gates(unfold_network(network, IMAGE))


def test_a_drift():
    values = {"network": [1.0, 2.0, 2.5], "map": [1.0, 2.0, 3.0]}
    figure = plots.plot_drift(
        IMAGE[[0, 0, 0]], [0, 5, 10], values, [0, 0.1, 0.2], chosen=2, xlabel="turned by (°)", ylabel="score"
    )
    curves = figure.axes[1].get_lines()
    assert [list(line.get_ydata()) for line in curves] == [[1, 2, 2.5], [2.5], [1, 2, 3], [3]]
    assert list(figure.axes[2].get_lines()[0].get_ydata()) == [0, 10, 20]
    assert figure.alt == "turned by (°) 10: network +2.50, map +3.00; 20% of the gates stand otherwise."
