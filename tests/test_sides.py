"""Three ways to see an image: the same disc for all, AlexNet at its own size, Layer 1 as it is."""

import numpy as np
import pytest

from equibook import Representation, alexnet, datasets
from equibook.sides import alexnet_reader, glass_reader, in_disc, read_pixels


@pytest.fixture(scope="module")
def images():
    return datasets.load_photographs(size=40)[0][:5]


def with_other_corners(images):
    y, x = np.mgrid[:40, :40] - 19.5
    return np.where(np.hypot(x, y) > 20, np.float32(0.7), images)


def test_nobody_sees_the_corners(images):
    changed = with_other_corners(images)
    layer_1 = Representation().fit(images)
    for read in (read_pixels, alexnet_reader("digits"), glass_reader(layer_1)):
        assert np.allclose(read(images), read(changed), atol=1e-5)
    assert not np.allclose(images, changed)


def test_the_middle_stays(images):
    assert np.array_equal(in_disc(images).numpy()[..., 10:30, 10:30], images[..., 10:30, 10:30])
    assert read_pixels(images).shape == (5, 3 * 40 * 40)


def test_alexnet_is_read_by_its_last_maps(images):
    at_63 = datasets.load_digits(size=63)[0][:5]
    net = alexnet.load("digits")
    direct = alexnet.stages(net, alexnet.preprocess(in_disc(at_63), "digits"), "pool5")["pool5"]
    assert np.allclose(alexnet_reader("digits")(at_63), direct.flatten(1).numpy(), atol=1e-5)
    read = alexnet_reader("digits", batch_size=2)
    assert read(images).shape == (5, 256) and np.allclose(read(images), alexnet_reader("digits")(images), atol=1e-5)
    assert read(images[:, :1]).shape == (5, 256)


def test_layer_1_is_as_it_is(images):
    layer_1 = Representation().fit(images)
    assert np.array_equal(glass_reader(layer_1)(images), layer_1.transform(images))
