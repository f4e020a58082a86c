"""The moving frame turns with the image, forgets shifts, and is defined on blank images."""

import numpy as np
import pytest
import torch
from tolerances import ROUNDING

from equibook.actions import act, translate
from equibook.frames import centre, centre_of_mass
from equibook.groups import DihedralGroup

RNG = np.random.default_rng(0)
BLOBS = np.pad(RNG.uniform(size=(3, 2, 6, 6)), ((0, 0), (0, 0), (7, 3), (2, 8)))
TOLERANCE = {str(dtype).removeprefix("torch."): tolerance for dtype, tolerance in ROUNDING.items()}


def test_by_hand():
    image = np.zeros((1, 5, 5))
    image[0, 0, 4], image[0, 2, 2] = 3, -1  # three parts two right and two up, one part in the centre: mass is |value|
    assert np.array_equal(centre_of_mass(image), [[1.5, 1.5]])
    assert np.array_equal(centre_of_mass(np.ones((1, 4, 4))), [[0, 0]])


def test_channels_are_added():
    image = np.zeros((1, 2, 5, 5))
    image[0, 0, 2, 4] = image[0, 1, 0, 2] = 1
    assert np.array_equal(centre_of_mass(image), [[1, 1]])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_centre_of_mass_and_the_centred_image_turn_with_the_image(dtype):
    x, tolerance = BLOBS.astype(dtype), TOLERANCE[dtype]
    for g in DihedralGroup(4):
        assert np.allclose(centre_of_mass(act(g, x)), centre_of_mass(x) @ g.matrix.T, rtol=0, atol=tolerance)
        assert np.allclose(centre(act(g, x)), act(g, centre(x)), rtol=0, atol=tolerance)
    assert not np.allclose(centre_of_mass(act(DihedralGroup(4).elements[1], x)), centre_of_mass(x), atol=0.1)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_whole_shifts_are_forgotten(dtype):
    x = BLOBS.astype(dtype)
    moved = translate(x, [[1, 2], [-2, 3], [0, -2]])
    assert np.allclose(centre(moved), centre(x), rtol=0, atol=TOLERANCE[dtype])
    assert not np.allclose(moved, x, atol=0.1)


def test_the_centred_image_is_centred():
    assert abs(centre_of_mass(BLOBS)).max() > 1
    smooth = np.exp(-((np.arange(31)[None, :] - 18.3) ** 2 + (np.arange(31)[:, None] - 13.6) ** 2) / 18)[None]
    assert abs(centre_of_mass(centre(smooth))).max() < 0.001
    assert abs(centre_of_mass(translate(smooth, centre_of_mass(smooth)))).max() > 1  # the wrong direction


def test_blank_images_stay_and_have_finite_derivatives():
    x = torch.zeros(2, 1, 6, 6, dtype=torch.float64)
    x[1, 0, 1, 2] = 1
    x.requires_grad_()
    centred = centre(x)
    centred.square().sum().backward()
    assert torch.equal(centre_of_mass(x)[0], torch.zeros(2))
    assert torch.equal(centred[0], torch.zeros(1, 6, 6))
    assert x.grad.isfinite().all()
    assert x.grad[1].abs().sum() > 0


def test_derivatives():
    x = torch.from_numpy(RNG.uniform(0.2, 1, size=(2, 1, 4, 4))).requires_grad_()
    assert torch.autograd.gradcheck(centre_of_mass, (x,))
    assert torch.autograd.gradcheck(centre, (x,))


def test_kinds_and_shapes_follow_the_input():
    x = BLOBS[:, 0].astype(np.float32)
    assert centre(x).shape == x.shape
    assert centre(x).dtype == centre_of_mass(x).dtype == np.float32
    assert isinstance(centre(torch.from_numpy(x)), torch.Tensor)
    assert isinstance(centre_of_mass(torch.from_numpy(x)), torch.Tensor)


@pytest.mark.parametrize("call", [centre, centre_of_mass])
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"`images` must have shape .*, got \(16, 16\)\. For one image"):
        call(BLOBS[0, 0])
