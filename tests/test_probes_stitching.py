"""Class stitching: a fitted map that undoes a turn lets the rest of the network read; a wrong one does not."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from equibook import networks
from equibook.operations import make_convolution
from equibook.probes import stitching, transforms
from equibook.train_networks import split_digits

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
IMAGES, LABELS = torch.from_numpy(RNG.random((90, 1, 9, 9))), RNG.integers(0, 4, 90)
KERNEL = torch.from_numpy(RNG.normal(size=(1, 1, 3, 3)))


def classifier(bank):
    """Return filters, a ReLU and scores that tell the filters apart: which of them answers most at the left border."""
    head = nn.Linear(4 * 9 * 9, 4, bias=False, dtype=torch.float64)
    weights = torch.zeros(4, 4, 9, 9, dtype=torch.float64)
    weights[range(4), range(4), :, :4] = 1
    head.weight = nn.Parameter(weights.flatten(1), requires_grad=False)
    return nn.Sequential(make_convolution(bank), nn.ReLU(), nn.Flatten(), head)


def own_answers(net):
    with torch.no_grad():
        return net(IMAGES).argmax(dim=1).numpy()


def test_an_equivariant_layer_is_undone_and_one_without_partners_is_not():
    exact = classifier(torch.cat([torch.rot90(KERNEL, k, (-2, -1)) for k in range(4)]))
    found = stitching(exact, IMAGES[:50], IMAGES, own_answers(exact), "rot90", [0, 1])
    assert found.upright == 1 and (found.fitted == 1).all() and found.untouched < 0.7
    assert (found.spatial < 0.7).all()
    bank = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 1, 3, 3)))
    bank = bank - bank.mean(dim=(2, 3), keepdim=True)  # all answer about as much
    random = classifier(bank / bank.norm(dim=(2, 3), keepdim=True))
    assert np.bincount(own_answers(random)).max() < 0.7 * len(IMAGES)
    missed = stitching(random, IMAGES[:50], IMAGES, own_answers(random), "rot90", [1])
    assert missed.upright == 1 and missed.fitted[0] < 0.9


def test_the_trunk_reads_digits_upside_down_again():
    X_train, X_test, _, y_test = split_digits("alexnet_trunk")
    net = networks.load("alexnet_trunk")
    train, test = (networks.preprocess("alexnet_trunk", X) for X in (X_train[:100], X_test[:100]))
    found = stitching(net, train, test, y_test[:100], "rot180", ["conv1", "conv4"])
    assert found.upright > 0.98 and found.untouched < 0.6
    assert found.fitted[0] > 0.97 and found.fitted[1] > 0.8 and (found.fitted > found.spatial + 0.3).all()
    lines = str(found).splitlines()
    assert "rot180" in lines[0] and len(lines) == 4 and "<caption>" in found._repr_html_()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"net": lambda x: x}, TypeError, "`net` must be a torch.nn.Sequential to be cut, got function"),
        ({"net": make_convolution(KERNEL)}, TypeError, "`net` must be a torch.nn.Sequential to be cut"),
        (
            {"net": nn.Sequential(make_convolution(KERNEL))},
            ValueError,
            r"`net` must give \(n_samples, n_classes\) scores",
        ),
        ({"y": LABELS + 1}, ValueError, "`y_test` must hold integers from 0 to 3"),
        ({"y": LABELS.astype(str)}, ValueError, "`y_test` must hold integers from 0 to 3"),
        ({"y": LABELS[:5]}, ValueError, "`y` must hold one label per image"),
        ({"stages": "conv1"}, ValueError, "`stages` must be of"),
        ({"transform": transforms.Transformation("mine", abs, abs)}, ValueError, "`transform` must know how to undo"),
    ],
)
def test_bad_input(change, error, message):
    given = {"net": classifier(torch.cat([KERNEL] * 4)), "y": LABELS, "transform": "rot90", "stages": 0} | change
    with pytest.raises(error, match=message) as raised:
        stitching(given["net"], IMAGES[:50], IMAGES, given["y"], given["transform"], given["stages"])
    assert THREE_PARTS.match(str(raised.value))
