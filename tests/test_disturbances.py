"""Disturbances: each does what its amount says, and nothing at the amount that means nothing."""

import numpy as np
import pytest
import torch

from equibook import actions
from equibook.disturbances import DISTURBANCES

IMAGES = torch.rand(6, 2, 21, 21, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def disturb(by, amount, seed=0, images=IMAGES):
    return DISTURBANCES[by](images, amount, np.random.default_rng(seed))


@pytest.mark.parametrize(("by", "nothing"), [("angle", 0), ("noise", 0), ("shift", 0), ("scale", 1), ("occlusion", 0)])
def test_nothing_changes_nothing_and_seeds_repeat(by, nothing):
    assert torch.allclose(disturb(by, nothing), IMAGES, rtol=0, atol=1e-12)
    amount = {"angle": 30, "scale": 1.3, "shift": 2}.get(by, 0.3)
    changed = disturb(by, amount)
    assert changed.shape == IMAGES.shape and changed.dtype == IMAGES.dtype and not torch.allclose(changed, IMAGES)
    assert torch.equal(changed, disturb(by, amount))
    assert by == "scale" or not torch.equal(changed, disturb(by, amount, seed=1))


def test_a_turn_goes_to_either_side():
    turned = disturb("angle", 90)
    left, right = (actions.rotate(IMAGES, angle) for angle in (90, -90))
    sides = [torch.equal(image, a) - torch.equal(image, b) for image, a, b in zip(turned, left, right, strict=True)]
    assert set(sides) == {1, -1}


def test_noise_has_its_deviation():
    noise = disturb("noise", 0.2, images=torch.zeros(50, 1, 32, 32))
    assert noise.std().item() == pytest.approx(0.2, rel=0.02) and abs(noise.mean().item()) < 0.01


def test_a_shift_has_its_length():
    dot = torch.zeros(8, 1, 31, 31, dtype=torch.float64)
    dot[:, :, 15, 15] = 1
    shifted = disturb("shift", 4, images=dot)
    grid = torch.arange(31, dtype=torch.float64) - 15
    places = torch.stack([(shifted.sum(dim=axis) * grid).sum(dim=(1, 2)) for axis in (2, 3)], dim=1)
    assert torch.allclose(places.norm(dim=1), torch.full((8,), 4.0, dtype=torch.float64), atol=0.05)


def test_twice_as_large_is_twice_as_large():
    square = torch.zeros(1, 1, 33, 33, dtype=torch.float64)
    square[:, :, 12:21, 12:21] = 1
    large, small = disturb("scale", 2, images=square), disturb("scale", 0.5, images=square)
    assert large.sum().item() == pytest.approx(4 * 81, rel=0.02) and small.sum().item() == pytest.approx(
        81 / 4, rel=0.3
    )
    assert torch.allclose(large, large.flip(-1)) and torch.allclose(large, large.flip(-2))


def test_a_patch_covers_its_share():
    covered = disturb("occlusion", 1 / 3, images=torch.ones(20, 1, 21, 21))
    assert ((covered == 0).sum(dim=(1, 2, 3)) == 49).all()
    assert len({tuple(image.nonzero()[0].tolist()) for image in 1 - covered}) > 3
    assert disturb("occlusion", 1.0).abs().max() == 0
