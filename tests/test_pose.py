"""Pose: a turn by a adds a, on digits and on coefficients made by hand; symmetry and confidence say what they claim."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from equibook import Representation, actions, datasets
from equibook.equivariant import turn_coefficients
from equibook.pose import compare_poses, read_pose

K = np.array([0, 1, 1, 2, 3, 4, 5])
VALUES = torch.randn(4, len(K), dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def between(a, b, period=360):
    """Return the size of the difference of angles."""
    return np.abs((a - b + period / 2) % period - period / 2)


@pytest.fixture(scope="module")
def digits():
    X, _ = datasets.load_digits()
    X = X[np.random.default_rng(0).permutation(len(X))[:100]]
    return X, Representation().fit(X[:1])


@given(angle=st.floats(-400, 400))
def test_a_turn_adds_its_angle(angle):
    k = torch.from_numpy(K)
    before, after = read_pose(VALUES, K), read_pose(turn_coefficients(VALUES, k, angle), K)
    assert between(after.angle, before.angle + angle).max() < 1e-6
    np.testing.assert_allclose(after.confidence, before.confidence, atol=0.02)
    found = compare_poses(VALUES, turn_coefficients(VALUES, k, angle), K)
    assert between(found.angle, angle).max() < 1e-6 and set(found.symmetry) == {1}
    assert (found.angle > -180).all() and (found.angle <= 180).all()


def test_a_bright_place_is_where_it_points():
    """One bright pixel at 40 degrees: coefficients exp(-ik 40°)."""
    values = torch.from_numpy(np.exp(-1j * K * np.deg2rad(40)))[None]
    pose = read_pose(values, K)
    assert pose.angle == pytest.approx(40) and pose.symmetry == 1 and pose.confidence > 0.5


def test_pose_of_digits(digits):
    X, layer = digits
    angles = np.random.default_rng(1).uniform(-180, 180, len(X))
    turned = actions.rotate(X, angles)
    before, after = layer.pose(X), layer.pose(turned)
    error = between(after.angle, before.angle + angles)
    assert np.median(error) <= 0.5
    relative = between(layer.relative_angle(X, turned).angle, angles)
    assert np.median(relative) <= 0.5 and np.percentile(relative, 95) <= 2
    back = actions.rotate(X, layer.relative_angle(X, turned).angle)
    near = np.linalg.norm(back - turned, axis=(2, 3)) / np.linalg.norm(turned, axis=(2, 3))
    assert np.median(near) <= 0.05


def test_pixels_moved_by_quarter_turns_are_read_exactly(digits):
    X, layer = digits
    X = X[:20].astype(np.float64)
    assert between(layer.pose(actions.rotate(X, 90)).angle, layer.pose(X).angle + 90).max() < 1e-6


def test_another_image_has_no_such_angle(digits):
    X, layer = digits
    turned = actions.rotate(X, 77)
    assert np.median(between(layer.relative_angle(np.roll(X, 1, axis=0), turned).angle, 77)) > 5


@pytest.mark.parametrize(("shape", "symmetry"), [("L", 1), ("S", 2), ("bar", 2), ("triangle", 3), ("square", 4)])
def test_symmetric_shapes_are_known_up_to_their_symmetry(shape, symmetry):
    image = datasets.draw_shape(shape, size=64)[None]
    layer = Representation().fit(image)
    pose = layer.pose(image)
    assert pose.symmetry == symmetry
    turned = layer.pose(actions.rotate(image, 25))
    assert between(turned.angle, pose.angle + 25, 360 / symmetry) < 3
    assert np.all(np.abs(turned.angle) <= 180 / symmetry + 1e-9)


@pytest.mark.parametrize("image", [datasets.draw_shape("disc", size=64), np.zeros((64, 64)), np.full((64, 64), 0.5)])
def test_what_has_no_orientation_has_no_pose(image):
    layer = Representation().fit(image[None])
    for pose in (layer.pose(image[None]), layer.relative_angle(image[None], image[None])):
        assert np.isnan(pose.angle).all() and pose.confidence.tolist() == [0] and pose.symmetry.tolist() == [0]


def test_two_equal_peaks_have_no_confidence():
    k = np.array([0, 1, 2])
    nearly_twofold = torch.tensor([[1.0, 0.06, 1.0]], dtype=torch.complex128)
    clear = torch.tensor([[1.0, 1.0, 0.1]], dtype=torch.complex128)
    low, high = read_pose(nearly_twofold, k), read_pose(clear, k)
    assert low.symmetry == high.symmetry == 1
    assert low.confidence < 0.1 and high.confidence > 0.9


def test_as_many_images_as_others(digits):
    X, layer = digits
    with pytest.raises(ValueError, match=r"`others` must hold 3 images, one for each, got 2. Repeat one of them."):
        layer.relative_angle(X[:3], X[:2])
