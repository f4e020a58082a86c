"""Figures of training, and of slices before and after they are repacked, show the numbers that they are given."""

import numpy as np
import torch
from torch import nn

from equibook import networks, plots
from equibook.learned import NetworkClassifier
from equibook.repack import repack


def build(images, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), n_classes))


def test_losses_and_accuracies_are_drawn():
    X = np.random.default_rng(0).uniform(size=(20, 1, 8, 8)).astype(np.float32)
    model = NetworkClassifier(build, max_epochs=4).fit(X, np.arange(20) % 2)
    figure = plots.plot_training({"one": model, "two": model}, {"one": (0.9, 0.5), "two": (0.75, 0.25)})
    left, right = figure.axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), model.history_[:, 1])
    assert left.lines[1].get_xdata()[0] == model.best_epoch_ + 1
    assert [bar.get_height() for bar in right.patches[:4]] == [90, 75, 50, 25]
    assert "two: 75 upright, 25 turned" in figure.alt


def test_slices_stand_above_repacked_ones():
    layer = networks.load("lenet").conv2
    made = repack(layer, "D4", 2)
    figure = plots.plot_repacked(layer, made)
    shown = [np.array(ax.images[0].get_array()) for ax in figure.axes[:48] if ax.images]
    np.testing.assert_allclose(shown[3], layer.weight.detach().flatten(0, 1)[3], rtol=1e-6)
    np.testing.assert_allclose(shown[11], made.weight.detach().flatten(0, 1)[3], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(shown[16 + 9], made.copies[1, 1].detach(), rtol=1e-6)
    assert len(shown) == 32 and "2 of 2 canonical filters" in figure.alt
    assert np.array_equal(
        figure.get_size_inches(), plots.plot_repacked(layer, repack(layer, "C4", 4)).get_size_inches()
    )
    assert torch.equal(layer.weight, networks.load("lenet").conv2.weight)
