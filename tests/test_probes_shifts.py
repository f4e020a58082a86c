"""Shift consistency: one for what knows no place, low for what knows it, and better with a blur before subsampling."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from equibook import GlassBoxClassifier, datasets
from equibook.operations import BlurPool, Subsample, make_stack, roll
from equibook.probes.shifts import shift_consistency

X = np.random.default_rng(0).random((40, 1, 16, 16))
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


def brightest_quadrant(images):
    """Return scores that know the place."""
    return images[:, 0].reshape(-1, 2, 8, 2, 8).sum(axis=(2, 4)).reshape(-1, 4)


def is_bright(images):
    """Return classes that do not."""
    return images.mean(axis=(1, 2, 3)) > 0.5


def make_network(pool):
    """Return random layers that pool, and scores of eight classes: the means over all places, each from its mean."""
    stack, x = make_stack(2, pool, padding_mode="circular"), torch.from_numpy(X)
    usual = stack(x).mean((0, 2, 3))
    return lambda images: (stack(torch.as_tensor(images)).mean((2, 3)) - usual).numpy()


def test_what_knows_no_place_is_consistent_and_what_knows_it_is_not():
    assert shift_consistency(is_bright, X, 2, act=roll).mean == 1
    found = shift_consistency(brightest_quadrant, X, [(8, 0), (0, 8), (16, 0)], act=roll)
    assert found.consistency[:2].max() < 0.3 and found.consistency[2] == 1


def test_by_hand():
    """One bright pixel per image; the class is its column, and 3 for what has left."""

    def column(images):
        return np.where(images.sum((1, 2, 3)) > 0, images[:, 0].sum(1).argmax(1), 3)

    found = shift_consistency(column, np.eye(3)[:, None, None] * np.eye(3)[:, None, :, None], [(0, 1), (1, 0), (0, 0)])
    assert found.consistency == pytest.approx([2 / 3, 0, 1]) and found.chance == 0


def test_a_blur_before_subsampling_keeps_predictions():
    plain, blurred = (
        shift_consistency(make_network(pool), X, 1, act=roll)
        for pool in (Subsample(2), BlurPool(5, padding_mode="circular"))
    )
    none = shift_consistency(make_network(nn.Identity()), X, 1, act=roll)
    assert none.mean == 1 and plain.mean < blurred.mean


def test_chance_is_the_share_of_pairs_of_one_class():
    labels = np.repeat([0, 1], [30, 10])
    found = shift_consistency(lambda images: labels, X, 1)
    assert found.mean == 1 and found.chance == pytest.approx((30 * 29 + 10 * 9) / (40 * 39))


def test_classifiers_and_networks_are_asked_in_their_own_language():
    digits, y = datasets.load_digits(classes=(3, 8), size=32)
    model = GlassBoxClassifier().fit(digits[:100], y[:100])
    found = shift_consistency(model, digits[100:140], [(1, 0), (4, 0)])
    assert found.consistency[0] >= found.consistency[1]
    net = nn.Sequential(nn.Dropout(0.9), nn.Flatten(), nn.Linear(256, 3, dtype=torch.float64)).train()
    assert shift_consistency(net, X, [(0, 0)]).mean == 1 and net.training


def test_the_table_and_all_shifts_up_to_a_number():
    found = shift_consistency(is_bright, X, 2)
    assert found.shifts.shape == (24, 2) and not (found.shifts == 0).all(axis=1).any()
    assert found.shifts[0].tolist() == [-2, 2]
    assert "-2, +2" in str(found) and "mean" in str(found) and "<table>" in found._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: shift_consistency(3, X), TypeError, "`model` must predict classes, got int"),
        (lambda: shift_consistency(lambda x: x, X), ValueError, "`model` must return one class or one row of scores"),
        (lambda: shift_consistency(is_bright, X, 0), ValueError, "`shifts` must be a positive integer, got 0"),
        (lambda: shift_consistency(is_bright, X, [1, 2]), ValueError, "`shifts` must hold pairs of pixels"),
        (lambda: shift_consistency(is_bright, X, [(1, np.inf)]), ValueError, "`shifts` must hold finite numbers"),
        (lambda: shift_consistency(is_bright, X[:1]), ValueError, "`X` must hold at least two images, got 1"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
