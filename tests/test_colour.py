"""Opponent colours: an orthonormal change of axes in every pixel."""

import numpy as np
import pytest
import torch

from equibook import actions, colour


@pytest.fixture
def rgb():
    return np.random.default_rng(0).random((4, 3, 9, 9))


def test_lengths_and_angles_stay(rgb):
    opponent = colour.to_opponent(rgb)
    assert np.allclose((opponent**2).sum(axis=1), (rgb**2).sum(axis=1), atol=1e-14)
    matrix = colour.OpponentColours().matrix
    assert torch.allclose(matrix @ matrix.T, torch.eye(3, dtype=torch.float64), atol=1e-15)


def test_grey_has_luminance_only(rgb):
    grey = np.repeat(rgb[:, :1], 3, axis=1)
    opponent = colour.to_opponent(grey)
    assert np.allclose(opponent[:, 0], np.sqrt(3) * grey[:, 0])
    assert np.abs(opponent[:, 1:]).max() < 1e-15
    assert np.abs(colour.to_opponent(rgb)[:, 1:]).max() > 0.1  # colour is seen


def test_signs_are_as_named():
    red, green, blue = (np.eye(3)[i].reshape(1, 3, 1, 1) for i in range(3))
    assert colour.to_opponent(red)[0, 1] > 0 > colour.to_opponent(green)[0, 1]
    assert colour.to_opponent(blue)[0, 2] < 0 < colour.to_opponent(red + green)[0, 2]


def test_commutes_with_turns(rgb):
    assert np.array_equal(colour.to_opponent(actions.rotate(rgb, 90)), actions.rotate(colour.to_opponent(rgb), 90))


def test_grey_images_are_refused(rgb):
    with pytest.raises(ValueError, match=r"must have 3 channels .*, got 1\. Grey"):
        colour.to_opponent(rgb[:, :1])
