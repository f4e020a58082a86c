"""Strongest responses: those of the maps, however they are split into batches."""

import re

import numpy as np
import pytest
import torch

from equibook import alexnet, datasets
from equibook.responses import Responses, peak_responses

THREE_PARTS = re.compile(r"^`\w+`.* must .+, got .+\. [A-Z].+\.$", re.DOTALL)
X, Y = datasets.load_digits(size=63)
X = alexnet.preprocess(X[:20], "digits")
NAMES = ("conv1", "relu5", "pool5")


@pytest.fixture(scope="module")
def net():
    return alexnet.load("digits")


@pytest.mark.parametrize("batch_size", [7, 64])
def test_values_and_places_are_those_of_the_maps(net, batch_size):
    found, maps = peak_responses(net, X, NAMES, batch_size=batch_size), alexnet.stages(net, X, NAMES)
    assert tuple(found) == NAMES
    for name, of_stage in found.items():
        expected = maps[name].numpy()
        assert np.allclose(of_stage.values, expected.max(axis=(2, 3)), rtol=0, atol=1e-5)
        rows, columns = np.moveaxis(of_stage.places, 2, 0)
        images, units = np.indices(of_stage.values.shape)
        assert np.allclose(expected[images, units, rows, columns], of_stage.values, rtol=0, atol=1e-5)


def test_arrays_and_units_without_places():
    found = peak_responses(alexnet.load("random"), X[:2].numpy(), ["fc8"])["fc8"]
    assert found.values.shape == (2, 1000) and found.places.shape == (2, 1000, 2) and not found.places.any()


def test_the_strongest_come_first_one_an_image():
    values = np.array([[1.0, 0], [3, 0], [2, 0], [3, -1]])
    places = np.arange(16).reshape(4, 2, 2)
    found = Responses(values, places)
    assert found.strongest(0, 3) == [(1, 4, 5), (3, 12, 13), (2, 8, 9)]
    assert list(found.silent) == [False, True]


def test_one_class_asks_the_strongest_images_only():
    values = np.array([[5.0, 1, -1], [4, 9, -2], [1, 8, -3]])
    found = Responses(values, np.zeros((3, 3, 2), dtype=int))
    assert list(found.one_class(["a", "a", "b"], n=2)) == [True, False, False]
    assert list(found.one_class(["a", "b", "b"], n=2)) == [False, True, False]
    assert not found.one_class(["a", "a", "b"], n=3).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, found: peak_responses(net, X, ["conv9"]), "`names` must be one of 'conv1'"),
        (lambda net, found: peak_responses(net, X[:, :1], ["conv1"]), "`X` must have 3 channels, got 1"),
        (lambda net, found: peak_responses(net, X, ["conv1"], batch_size=0), "`batch_size` must be a positive"),
        (lambda net, found: found.strongest(2), "`unit` must be from 0 to 1, got 2"),
        (lambda net, found: found.strongest(-1), "`unit` must be from 0 to 1, got -1"),
        (lambda net, found: found.strongest(0, 4), "`n` must be at most 3, the number of images, got 4"),
        (lambda net, found: found.one_class([1, 2]), "`y` must have shape (3,), got (2,)"),
    ],
)
def test_bad_input(net, call, message):
    found = Responses(torch.ones(3, 2).numpy(), np.zeros((3, 2, 2), dtype=int))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call(net, found)
    assert THREE_PARTS.match(str(caught.value))
