"""Receptive fields: they are where derivatives are, and grow as the literature says."""

import numpy as np
import pytest
import torch
from torch import nn

from equibook.receptive_fields import padding_of, see_pixels, see_through

SIZE = 16
CHAINS = {
    "strides": [nn.Conv2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 3)],
    "dilation": [nn.Conv2d(1, 1, 3, dilation=3), nn.Conv2d(1, 1, 2)],
    "unequal sides": [nn.Conv2d(1, 1, (2, 5), (1, 3), (1, 0)), nn.AvgPool2d((3, 1))],
    "wide padding": [nn.Conv2d(1, 1, 1, padding=2), nn.Conv2d(1, 1, 3)],
    "same": [nn.Conv2d(1, 1, 3, dilation=2, padding="same"), nn.Conv2d(1, 1, 3, padding="valid")],
    "reflect": [nn.Conv2d(1, 1, 5, padding=4, padding_mode="reflect")],
    "replicate": [nn.Conv2d(1, 1, 5, padding=4, padding_mode="replicate")],
    "circular": [nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")],
    "rounded up": [nn.AvgPool2d(5, ceil_mode=True), nn.AvgPool2d(2, 1)],
    "adaptive": [nn.AdaptiveAvgPool2d(5), nn.Conv2d(1, 1, 2)],
    "adaptive, growing": [nn.AvgPool2d(5), nn.AdaptiveAvgPool2d(7)],
    "flat": [nn.Conv2d(1, 1, 3), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3)],
    "and back": [nn.Flatten(), nn.Linear(256, 16), nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 1, 3)],
}


def follow(layers, size=SIZE):
    values, fields = torch.zeros(1, 1, size, size), see_pixels(size, size)
    for layer in layers:
        values = layer(values)
        fields = see_through(layer, tuple(values.shape[1:]), fields)
    return values, fields


def seen_by_derivative(layers, place):
    """Return the bounding box of the pixels whose derivative is not zero, with all weights positive."""
    x = torch.rand(1, 1, SIZE, SIZE, requires_grad=True)
    values = x
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.constant_(parameter, 1.0)
        values = layer(values)
    values.flatten(0, -3)[(0, *place)].backward() if values.ndim == 4 else values[0, 0].backward()
    rows, columns = np.nonzero(x.grad[0, 0].numpy())
    return (rows.min(), rows.max(), columns.min(), columns.max()) if len(rows) else None


@pytest.mark.parametrize("name", CHAINS)
def test_a_receptive_field_is_where_derivatives_are(name):
    layers = CHAINS[name]
    values, ((top, bottom), (left, right)) = follow(layers)
    shape = values.shape[2:] if values.ndim == 4 else (1, 1)
    assert (len(top), len(left)) == tuple(shape)
    for place in np.ndindex(*shape):
        found = seen_by_derivative(layers, place)
        box = top[place[0]], bottom[place[0]], left[place[1]], right[place[1]]
        if found is None:  # in the padding: nothing along one axis at least
            assert box[0] > box[1] or box[2] > box[3]
        else:
            assert box == found


def test_the_fields_of_alexnet():
    """The known receptive fields, by the recursion of Araujo et al. (2019), doi:10.23915/distill.00021."""
    window = {"kernel_size": 3, "stride": 2}
    layers = [nn.Conv2d(1, 1, 11, 4, 2), nn.MaxPool2d(**window), nn.Conv2d(1, 1, 5, padding=2), nn.MaxPool2d(**window)]
    layers += [nn.Conv2d(1, 1, 3, padding=1)] * 3 + [nn.MaxPool2d(**window)]
    found = []
    for i in range(1, len(layers) + 1):
        first, last = follow(layers[:i], size=401)[1][0]
        found.append((last - first + 1).max())
    assert found == [11, 19, 51, 67, 99, 131, 163, 195]


def test_padding_of():
    assert padding_of(nn.Conv2d(1, 1, (4, 3), padding="same", dilation=(1, 2)), 0) == (1, 2)
    assert padding_of(nn.Conv2d(1, 1, (4, 3), padding="same", dilation=(1, 2)), 1) == (2, 2)
    assert padding_of(nn.Conv2d(1, 1, 3, padding=(0, 1)), 1) == (1, 1)
